//! What README.md and ARCHITECTURE.md say can be typed, opened and found.

mod documents;

use amends::cli::{Cli, described};
use clap::Parser;
use documents::{defines, in_backticks, link_targets, named, read, root};

/// The lines that a person types in fenced `console` blocks.
fn typed(document: &str) -> Vec<&str> {
    document
        .split("```console\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("$ "))
        .collect()
}

/// A command line as a shell splits it, where only double quotes are used.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, piece) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn assert_parses(line: &str) {
    if let Err(error) = Cli::try_parse_from(words(line)) {
        panic!("{line}: {error}");
    }
}

#[test]
fn every_command_in_a_console_block_can_be_typed() {
    let readme = read("README.md");
    let lines = typed(&readme);
    assert!(lines.len() > 15, "only {lines:?}");
    for line in lines {
        match line.split_whitespace().next() {
            Some("amends") => assert_parses(line),
            Some("cargo") => {}
            _ => panic!("{line} is neither amends nor cargo"),
        }
    }
}

#[test]
fn cargo_is_told_what_is_there() {
    let readme = read("README.md");
    let cargo: Vec<&str> = typed(&readme)
        .into_iter()
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert_eq!(
        cargo,
        [
            "cargo run --release --example two_devices",
            "cargo test --workspace",
            "cargo install --locked --profile dist --path ."
        ]
    );
    assert!(root().join("examples/two_devices.rs").is_file());
    assert!(read("Cargo.toml").contains("[workspace]"));
    assert!(root().join("Cargo.lock").is_file());
}

#[test]
fn commands_and_options_named_in_passing_are_there() {
    let readme = read("README.md");
    let cli = described();
    let mut options = Vec::new();
    fn gather(command: &clap::Command, options: &mut Vec<String>) {
        options.extend(
            command
                .get_arguments()
                .filter_map(|argument| argument.get_long())
                .map(|long| format!("--{long}")),
        );
        for inner in command.get_subcommands() {
            gather(inner, options);
        }
    }
    gather(&cli, &mut options);
    let mut checked = 0;
    for named in in_backticks(&readme) {
        for word in named
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(
                options.iter().any(|option| option == word),
                "`{named}`: there is no {word}"
            );
            checked += 1;
        }
        let first = named.split_whitespace().next().unwrap_or_default();
        if first == "amends" {
            assert_parses(named);
            checked += 1;
        } else if named.contains(' ') && cli.find_subcommand(first).is_some() {
            assert_parses(&format!("amends {named}"));
            checked += 1;
        }
    }
    assert!(checked > 8, "only {checked} were found");
}

#[test]
fn what_can_be_relied_on_is_held_by_a_test() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## What you can rely on\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let items: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("- "))
        .collect();
    assert!(items.len() > 5);
    for item in items {
        let tests = named(item);
        assert!(!tests.is_empty(), "“{item}” names no test");
        for (test, path) in tests {
            assert!(defines(path, &["fn"], test), "{path} has no {test}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        for target in link_targets(&read(document)) {
            assert!(
                root().join(target).exists(),
                "{document}: {target} is not there"
            );
        }
    }
    for folder in ["docs", "docs/decisions"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let document = std::fs::read_to_string(&path).unwrap();
                for target in link_targets(&document) {
                    assert!(
                        path.parent().unwrap().join(target).exists(),
                        "{}: {target} is not there",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn every_file_and_name_of_the_architecture_is_there() {
    let document = read("ARCHITECTURE.md");
    let links = named(&document);
    assert!(links.len() > 30, "only {} names were found", links.len());
    for (name, path) in links {
        let words = ["fn", "struct", "enum", "trait", "const"];
        assert!(defines(path, &words, name), "{path} defines no {name}");
    }
    let mut files = 0;
    for named in in_backticks(&document)
        .into_iter()
        .filter(|named| named.contains('/'))
    {
        if let Some(file) = named
            .split_whitespace()
            .next()
            .filter(|_| !named.contains('→'))
        {
            assert!(root().join(file).exists(), "{file} is not there");
            files += 1;
        }
    }
    assert!(files > 30, "only {files} files were found");
}

#[test]
fn decisions_name_files_and_things_that_are_there() {
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let path = entry.unwrap().path();
        let document = std::fs::read_to_string(&path).unwrap();
        let Some((_, place)) = document.split_once("**Where.**") else {
            assert!(
                path.ends_with("README.md"),
                "{} does not say where",
                path.display()
            );
            continue;
        };
        let files: Vec<&str> = in_backticks(place)
            .into_iter()
            .filter(|named| named.contains('/'))
            .collect();
        assert!(!files.is_empty(), "{} names no file", path.display());
        let code: Vec<String> = files.iter().map(|file| read(file)).collect();
        for named in in_backticks(place)
            .into_iter()
            .filter(|named| !named.contains('/'))
        {
            let name = named.rsplit("::").next().unwrap();
            assert!(
                code.iter().any(|code| code.contains(name)),
                "{}: {named} is in none of {files:?}",
                path.display()
            );
        }
    }
}
