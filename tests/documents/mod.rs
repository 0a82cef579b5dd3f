//! What the documents at the top say of the code, found in them.
#![allow(dead_code, reason = "each test uses its own part of it")]

use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document, by its path from the top.
pub(crate) fn read(path: &str) -> String {
    let whole: PathBuf = root().join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()))
}

/// Every link of the form [`name`](path): the name, and the path.
pub(crate) fn named(document: &str) -> Vec<(&str, &str)> {
    document
        .split("[`")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once("`](")?;
            let (path, _) = rest.split_once(')')?;
            Some((name, path))
        })
        .collect()
}

/// Whether a file of the repository defines `name`, introduced by one of `words`: `fn`, `struct`, …
pub(crate) fn defines(path: &str, words: &[&str], name: &str) -> bool {
    let Ok(code) = std::fs::read_to_string(root().join(path)) else {
        return false;
    };
    words.iter().any(|word| {
        let defined = format!("{word} {name}");
        code.match_indices(&defined).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + defined.len()..].chars().next();
            let ends = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            ends(before) && ends(after)
        })
    })
}

/// Every word in backticks, outside fenced blocks.
pub(crate) fn in_backticks(document: &str) -> Vec<&str> {
    document
        .split("```")
        .step_by(2)
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// Where links of a document lead within the repository, without their anchors.
pub(crate) fn link_targets(document: &str) -> Vec<&str> {
    document
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}
