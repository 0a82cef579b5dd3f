//! `tests/vectors` as a whole: there are enough, each says one thing, and each folder is described and read.

mod documents;

use std::collections::BTreeSet;
use std::path::Path;

use documents::{read, root};
use serde_json::Value;

/// Every vector: its folder, its file's name, what is in it.
fn vectors() -> Vec<(String, String, Value)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let list = |path: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut all = Vec::new();
    for folder in list(&root().join("tests/vectors")) {
        if folder.is_dir() {
            for file in list(&folder) {
                let text = std::fs::read_to_string(&file).unwrap();
                all.push((
                    name(&folder),
                    name(&file),
                    serde_json::from_str(&text).unwrap(),
                ));
            }
        }
    }
    all
}

#[test]
fn there_are_at_least_150_and_each_is_a_sentence_of_its_own() {
    let all = vectors();
    let refused: Vec<_> = all
        .iter()
        .filter(|(.., vector)| vector["answer"].get("refuses").is_some())
        .collect();
    assert!(refused.len() >= 150, "only {} are refused", refused.len());
    let sentences: BTreeSet<&str> = all
        .iter()
        .map(|(.., vector)| vector["vector"].as_str().unwrap())
        .collect();
    assert_eq!(sentences.len(), all.len(), "two say the same");
    for (folder, file, vector) in &all {
        let sentence = vector["vector"].as_str().unwrap();
        assert!(sentence.contains(' '), "{folder}/{file}");
        let letters = |text: &str| -> String {
            let text = text.to_lowercase();
            text.chars().filter(char::is_ascii_alphanumeric).collect()
        };
        let stem = file.strip_suffix(".json").unwrap();
        assert_eq!(letters(sentence), letters(stem), "{folder}/{file}");
    }
}

#[test]
fn every_folder_and_every_step_is_described() {
    let readme = read("tests/vectors/README.md");
    let readers: Vec<String> = ["keys", "replica", "journal"]
        .iter()
        .map(|name| root().join("crates").join(name).join("tests/vectors"))
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for (folder, file, vector) in vectors() {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{folder}` |")))
            .unwrap_or_else(|| panic!("the README says nothing of {folder}"));
        if let Some(step) = vector["answer"]["refuses"].as_str() {
            // Of a pairing the message stands before the step; a clock of a bundle has the steps of an envelope.
            let step = step.split(": ").last().unwrap();
            let described = format!("`{step}`");
            assert!(
                row.contains(&described)
                    || (folder == "bundle-clock" && readme.contains(&described)),
                "the README does not say “{step}” of {folder}, as {file} does"
            );
        }
        assert!(
            readers.iter().any(
                |code| code.contains(&format!("harness::check(\"{folder}\""))
                    || code.contains(&format!("check(\n        \"{folder}\""))
            ),
            "nothing reads {folder}"
        );
    }
}
