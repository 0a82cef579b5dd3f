//! A text that is written in an editor.

use crate::harness::{Person, Place, set_mode};

fn editor(place: &Place, script: &str) -> String {
    let path = place.file("editor", format!("#!/bin/sh\n{script}\n"));
    set_mode(&path, 0o700);
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_was_written_is_shown_again_where_it_could_not_be_kept() {
    let place = Place::with_home();
    let editor = editor(
        &place,
        "ls -l \"$1\" > \"$HOME/seen\"; printf 'No phones at dinner.' > \"$1\"",
    );
    let file = place.path().join("passphrase");
    let mut command = place.command(&["boundary", "propose"]);
    let mut person = Person::at(
        command
            .arg("--passphrase-file")
            .arg(file)
            .env("EDITOR", editor),
    );
    // Where there is no folder in memory, it asks.
    person
        .sees("This is what you wrote:")
        .sees("No phones at dinner.")
        .sees("This journal has no partner yet.");
    assert_eq!(person.leaves().0, 4);
    let seen = std::fs::read_to_string(place.path().join("seen")).unwrap();
    assert!(seen.starts_with("-rw-------"), "{seen}");
    let path = seen.split_whitespace().last().unwrap();
    assert!(!std::path::Path::new(path).exists(), "{path} is gone");
}

#[test]
fn an_editor_that_fails_keeps_nothing() {
    let place = Place::with_home();
    let editor = editor(&place, "exit 3");
    let file = place.path().join("passphrase");
    let mut command = place.command(&["boundary", "propose"]);
    let mut person = Person::at(
        command
            .arg("--passphrase-file")
            .arg(file)
            .env("VISUAL", editor),
    );
    person.sees("did not end well");
    assert_eq!(person.leaves().0, 1);
}

#[test]
fn no_editor_is_said() {
    let place = Place::with_home();
    let file = place.path().join("passphrase");
    let mut person = Person::at(
        place
            .command(&["boundary", "propose"])
            .arg("--passphrase-file")
            .arg(file),
    );
    person.sees("no editor is set");
    assert_eq!(person.leaves().0, 2);
}
