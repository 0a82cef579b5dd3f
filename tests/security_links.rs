//! SECURITY.md promises nothing that no test holds it to.

mod documents;

use amends::cli::Cli;
use clap::CommandFactory;
use documents::{defines, link_targets, named, read, root};

/// The table's rows below its head, as their three cells.
fn rows(document: &str) -> Vec<[&str; 3]> {
    document
        .lines()
        .filter(|line| line.starts_with("| **"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            <[&str; 3]>::try_from(cells)
                .unwrap_or_else(|cells| panic!("not three cells: {cells:?}"))
        })
        .collect()
}

#[test]
fn every_linked_test_is_there() {
    let document = read("SECURITY.md");
    let links = named(&document);
    assert!(links.len() > 30, "only {} links were found", links.len());
    for (test, path) in links {
        assert!(defines(path, &["fn"], test), "{path} has no test {test}");
        let code = read(path);
        let (before, _) = code.split_once(&format!("fn {test}(")).unwrap();
        let attributes = before.rsplit("\n\n").next().unwrap();
        assert!(
            attributes.contains("test]"),
            "{test} in {path} is not a test"
        );
    }
    for target in link_targets(&document) {
        assert!(root().join(target).exists(), "{target} is not there");
    }
}

#[test]
fn every_promise_has_a_test() {
    let document = read("SECURITY.md");
    let rows = rows(&document);
    assert_eq!(rows.len(), 7);
    for [adversary, promise, none] in rows {
        assert!(!none.is_empty(), "{adversary}: everything is promised");
        // Each sentence of a promise ends with the tests that hold it.
        let mut rest = promise;
        while let Some(at) = rest.find("](") {
            let end = at + rest[at..].find(')').unwrap() + 1;
            rest = &rest[end..];
        }
        assert!(
            rest.trim_matches(['.', ' ']).is_empty(),
            "{adversary}: “{rest}” has no test"
        );
        for sentence in promise.split(". ") {
            assert!(
                sentence.contains("[`"),
                "{adversary}: “{sentence}” has no test"
            );
        }
    }
}

#[test]
fn nothing_is_claimed_that_does_not_hold() {
    let document = read("SECURITY.md");
    let (table, rest) = document.split_once("**Not claimed at all.**").unwrap();
    for word in ["deniab", "forward secrecy", "anonym"] {
        let promised: Vec<_> = rows(table)
            .into_iter()
            .filter(|[_, promise, _]| promise.to_lowercase().contains(word))
            .collect();
        assert!(promised.is_empty(), "{word}: {promised:?}");
        assert!(
            rest.to_lowercase().contains(word),
            "nothing is said of {word}"
        );
    }
}

#[test]
fn no_option_takes_a_secret() {
    fn look(command: &clap::Command) {
        for argument in command.get_arguments() {
            let name = argument.get_long().unwrap_or_default();
            let secret = ["passphrase", "password", "key", "secret", "code"]
                .iter()
                .any(|word| name.contains(word));
            assert!(
                !secret || name.ends_with("passphrase-file"),
                "{} --{name}",
                command.get_name()
            );
        }
        command.get_subcommands().for_each(look);
    }
    look(&Cli::command());
}
