//! SECURITY.md promises nothing that no test holds it to.

mod documents;

use amends::cli::described;
use documents::{defines, link_targets, named, read, root};

/// What is said of one adversary: their name, each promise with the tests that hold it, and what is not promised.
struct Adversary<'a> {
    name: &'a str,
    promises: Vec<[&'a str; 2]>,
    none: Vec<&'a str>,
}

/// The cells of a table's row.
fn cells<const N: usize>(line: &str) -> [&str; N] {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    <[&str; N]>::try_from(cells).unwrap_or_else(|cells| panic!("not {N} cells: {cells:?}"))
}

/// A table's rows, without its head.
fn rows(section: &str) -> Vec<&str> {
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.skip(2).collect()
}

/// The sections of the threat model that have a table.
fn adversaries(document: &str) -> Vec<Adversary<'_>> {
    let (_, model) = document.split_once("\n## Threat model\n").unwrap();
    let model = model.split("\n## ").next().unwrap();
    let sections = model.split("\n### ").skip(1);
    let sections = sections.filter(|section| !rows(section).is_empty());
    let adversaries = sections.map(|section| {
        let (name, section) = section.split_once('\n').unwrap();
        let (promises, none) = section
            .split_once("\nNo promise:\n")
            .unwrap_or_else(|| panic!("{name}: everything is promised"));
        Adversary {
            name,
            promises: rows(promises).into_iter().map(cells).collect(),
            none: none.lines().filter(|line| line.starts_with("- ")).collect(),
        }
    });
    adversaries.collect()
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
    let adversaries = adversaries(&document);
    for Adversary {
        name,
        promises,
        none,
    } in &adversaries
    {
        assert!(!promises.is_empty(), "{name}: nothing is promised");
        assert!(!none.is_empty(), "{name}: everything is promised");
        for [promise, held] in promises {
            assert!(!promise.is_empty(), "{name}: {held} holds nothing");
            assert!(
                !promise.contains("]("),
                "{name}: “{promise}” has its tests in the wrong cell"
            );
            assert!(!named(held).is_empty(), "{name}: “{promise}” has no test");
            // The cell has tests in it, and nothing else.
            let rest: String = held
                .split("[`")
                .map(|piece| piece.split_once(')').map_or(piece, |(_, rest)| rest))
                .collect();
            assert!(
                rest.replace("<br>", "").is_empty(),
                "{name}: “{rest}” in {held}"
            );
        }
    }
    // The overview leads to each of them, once and in their order.
    let (_, model) = document.split_once("\n## Threat model\n").unwrap();
    let overview = rows(model.split("\n### ").next().unwrap());
    let linked: Vec<String> = overview
        .into_iter()
        .map(|row| {
            let [adversary, promised, not] = cells(row);
            assert!(!promised.is_empty() && !not.is_empty(), "{adversary}");
            let (_, anchor) = adversary.split_once("](#").unwrap();
            anchor.trim_end_matches(')').to_owned()
        })
        .collect();
    let anchors: Vec<String> = adversaries
        .iter()
        .map(|adversary| adversary.name.to_lowercase().replace([',', ':'], ""))
        .map(|name| name.replace(' ', "-"))
        .collect();
    assert_eq!(linked, anchors);
    assert_eq!(anchors.len(), 8);
}

#[test]
fn nothing_is_claimed_that_does_not_hold() {
    let document = read("SECURITY.md");
    let (model, rest) = document.split_once("**Not claimed at all.**").unwrap();
    for word in ["deniab", "forward secrecy", "anonym"] {
        for Adversary { promises, .. } in adversaries(model) {
            for [promise, _] in promises {
                assert!(!promise.to_lowercase().contains(word), "{word}: {promise}");
            }
        }
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
            // What the keyring's option takes is on or off.
            assert!(
                !secret || name.ends_with("passphrase-file") || name == "keyring",
                "{} --{name}",
                command.get_name()
            );
        }
        command.get_subcommands().for_each(look);
    }
    look(&described());
}
