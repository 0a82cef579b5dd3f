//! Changing the passphrase: the vault opens with the old one or with the new one, at every moment.

use std::fs;

use crate::harness::{PASSPHRASE, Person, Place, Said, mode, up};

const NEW: &str = "four other words here";

/// Changes it as a script does.
fn change(place: &Place, old: &str, new: &str) -> Said {
    place.file("passphrase", old);
    let new = place.file("new", new);
    place.open(&[
        "passphrase",
        "--json",
        "--new-passphrase-file",
        new.to_str().unwrap(),
    ])
}

/// Which of two passphrases opens the home.
fn opens(place: &Place, passphrase: &str) -> bool {
    place.file("passphrase", passphrase);
    match place.open(&["status", "--json"]).code {
        0 => true,
        3 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn the_new_one_opens_and_the_old_one_does_not() {
    let place = Place::with_home();
    let changed = change(&place, PASSPHRASE, NEW).ok();
    assert_eq!(
        changed.json(),
        serde_json::json!({"changed": true, "keyring": false, "kit": false})
    );
    assert!(opens(&place, NEW) && !opens(&place, PASSPHRASE));
    assert_eq!(mode(&place.home().join("vault")), 0o600);
    assert!(!place.home().join("vault.new").exists());
}

#[test]
fn what_is_refused_changes_nothing() {
    let place = Place::with_home();
    let before = fs::read(place.home().join("vault")).unwrap();
    for (old, new, code) in [
        ("wrong", NEW, "wrong_passphrase"),
        (PASSPHRASE, "", "empty_passphrase"),
        (PASSPHRASE, &"x".repeat(5000), "passphrase_too_long"),
    ] {
        let refused = change(&place, old, new);
        assert_eq!((refused.code, refused.error().as_str()), (3, code));
    }
    let nobody = place.run(&["passphrase", "--json"]);
    assert_eq!((nobody.code, nobody.error().as_str()), (3, "no_passphrase"));
    assert_eq!(fs::read(place.home().join("vault")).unwrap(), before);
}

#[test]
fn a_person_types_the_old_one_once_and_the_new_one_twice() {
    let place = Place::with_home();
    let mut person = Person::at(&mut place.command(&["passphrase"]));
    person.sees("Passphrase: ").types(PASSPHRASE);
    person.sees("Choose a passphrase: ").types(NEW);
    person.sees("And once more: ").types(NEW);
    person.sees("The passphrase is changed.");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("horse") && !seen.contains("other"), "{seen}");
    assert!(opens(&place, NEW));
}

#[test]
fn an_amends_that_is_up_goes_on() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    change(&place, PASSPHRASE, NEW).ok();
    place.run(&["status", "--json"]).ok();
    place.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
    assert!(opens(&place, NEW) && !opens(&place, PASSPHRASE));
}

#[test]
fn killed_at_any_moment_one_of_the_two_opens() {
    let place = Place::with_home();
    let (mut old, mut new) = (PASSPHRASE, NEW);
    let mut unfinished = 0;
    for round in 0..12 {
        place.file("passphrase", old);
        let file = place.file("new", new);
        let mut child = place
            .command(&["passphrase", "--no-input", "--passphrase-file"])
            .arg(place.path().join("passphrase"))
            .arg("--new-passphrase-file")
            .arg(file)
            .spawn()
            .unwrap();
        // As soon as the new vault is begun, and every time a little later than before.
        let begun = place.home().join("vault.new");
        let mut looked = 0u32;
        while child.try_wait().unwrap().is_none() {
            if begun.exists() {
                looked += 1;
                if looked > round * 3 {
                    child.kill().unwrap();
                    break;
                }
            }
        }
        child.wait().unwrap();
        unfinished += u32::from(begun.exists());
        assert_ne!(opens(&place, old), opens(&place, new), "round {round}");
        if opens(&place, new) {
            std::mem::swap(&mut old, &mut new);
        }
    }
    // Whatever was left behind does not keep the next one from its end.
    change(&place, old, new).ok();
    assert!(opens(&place, new), "{unfinished} were cut short");
    assert!(!place.home().join("vault.new").exists());
}
