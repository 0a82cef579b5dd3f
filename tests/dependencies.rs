//! `docs/dependencies.md` names every direct dependency of every crate of the workspace, and no other.

mod documents;

use std::collections::BTreeSet;

use documents::{read, root};

/// The crates that a manifest names in any of its tables of dependencies; our own left out.
fn named_in(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table.ends_with("dependencies");
            // A table of its own for one dependency: [dependencies.NAME].
            if let Some((_, name)) = table.split_once("dependencies.") {
                names.insert(name.to_owned());
            }
        } else if inside && let Some((name, _)) = line.split_once('=') {
            let name = name.trim().split('.').next().unwrap();
            if !name.starts_with('#') && !name.starts_with("amends") && !name.contains(' ') {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_direct_dependency_has_its_reasons() {
    let mut used = BTreeSet::new();
    let mut manifests = vec![root().join("Cargo.toml")];
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        manifests.push(entry.unwrap().path().join("Cargo.toml"));
    }
    assert!(manifests.len() > 5);
    for manifest in manifests {
        used.extend(named_in(&std::fs::read_to_string(manifest).unwrap()));
    }
    assert!(used.len() > 50, "only {used:?}");

    let document = read("docs/dependencies.md");
    let (list, _) = document.split_once("\n## What was read\n").unwrap();
    let rows: Vec<Vec<&str>> = list
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    for row in &rows {
        assert_eq!(row.len(), 6, "not six cells: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    let listed: BTreeSet<String> = rows
        .iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(listed.len(), rows.len(), "one is listed twice");

    let missing: Vec<_> = used.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "docs/dependencies.md does not say why {missing:?} is there. Add a row to the table where it belongs:\n\
         | `NAME` | what it is for | why this one | who keeps it | licence | crates it brings (cargo tree) |"
    );
    let gone: Vec<_> = listed.difference(&used).collect();
    assert!(
        gone.is_empty(),
        "docs/dependencies.md lists {gone:?}, which no manifest names any longer: take the row out"
    );
}

#[test]
fn the_notes_are_of_the_versions_that_are_built() {
    let document = read("docs/dependencies.md");
    let (_, notes) = document.split_once("\n## What was read\n").unwrap();
    let lock = read("Cargo.lock");
    let mut checked = 0;
    for row in notes.lines().filter(|line| line.starts_with("| `")) {
        let first = row.trim_matches('|').split(" | ").next().unwrap();
        for named in first.split(", ") {
            let (name, version) = named.trim().split_once(' ').unwrap();
            let name = name.trim_matches('`');
            let package = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(
                lock.contains(&package),
                "{name} {version} is not what is built any longer: read what changed, then write the new version"
            );
            checked += 1;
        }
    }
    assert!(checked >= 12, "only {checked}");
}
