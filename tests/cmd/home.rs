//! Homes that are not ours, too open, or not whole.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{Place, set_mode};

fn refused(place: &Place, exit: i32, code: &str) -> String {
    let before = place.snapshot();
    let said = place.open(&["status", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (exit, code), "{said:?}");
    assert_eq!(place.snapshot(), before, "nothing is changed");
    said.err
}

#[test]
fn a_folder_that_is_not_a_journal_is_not_touched() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    fs::write(place.home().join("holiday.txt"), "sun").unwrap();
    refused(&place, 1, "not_a_journal");
    fs::remove_dir_all(place.home()).unwrap();
    fs::create_dir(place.home()).unwrap();
    refused(&place, 1, "no_journal");
    fs::remove_dir(place.home()).unwrap();
    place.file("home", "a file");
    refused(&place, 1, "not_a_folder");
}

#[test]
fn what_others_could_read_stays_closed_until_that_is_put_right() {
    let place = Place::with_home();
    set_mode(&place.home(), 0o750);
    assert!(refused(&place, 1, "too_open").contains("chmod 700"));
    set_mode(&place.home(), 0o700);
    for name in ["vault", "journal.db", "private.db", "lock"] {
        set_mode(&place.home().join(name), 0o640);
        assert!(
            refused(&place, 1, "too_open").contains("chmod 600"),
            "{name}"
        );
        set_mode(&place.home().join(name), 0o600);
    }
    place.open(&["status"]).ok();
}

#[test]
fn a_home_that_is_not_whole_says_what_is_missing() {
    for name in ["journal.db", "private.db"] {
        let place = Place::with_home();
        fs::remove_file(place.home().join(name)).unwrap();
        assert!(refused(&place, 7, "incomplete").contains(name));
    }
    let place = Place::with_home();
    fs::remove_file(place.home().join("vault")).unwrap();
    assert!(refused(&place, 7, "incomplete").contains("vault"));
}

#[test]
fn a_link_is_not_followed_out_of_the_home() {
    let place = Place::with_home();
    let elsewhere = place.path().join("elsewhere.db");
    fs::rename(place.home().join("journal.db"), &elsewhere).unwrap();
    symlink(&elsewhere, place.home().join("journal.db")).unwrap();
    refused(&place, 7, "not_a_file");
}

#[test]
fn a_link_to_the_whole_home_is_fine() {
    let place = Place::with_home();
    let link = place.path().join("link");
    symlink(place.home(), &link).unwrap();
    place
        .open(&["status", "--home", link.to_str().unwrap()])
        .ok();
}

#[test]
fn a_damaged_vault_is_said_and_left() {
    let place = Place::with_home();
    let vault = place.home().join("vault");
    let whole = fs::read(&vault).unwrap();
    for damaged in [
        Vec::new(),
        whole[..whole.len() / 2].to_vec(),
        b"something else entirely".to_vec(),
        vec![0; 2 << 20],
    ] {
        fs::write(&vault, &damaged).unwrap();
        let said = place.open(&["status", "--json"]);
        assert!(said.code == 7 || said.code == 1, "{said:?}");
        assert!(
            ["vault_damaged", "home_unusable"].contains(&said.error().as_str()),
            "{said:?}"
        );
        assert_eq!(fs::read(&vault).unwrap(), damaged);
    }
}

#[test]
fn a_damaged_or_foreign_store_is_said_and_left() {
    for name in ["journal.db", "private.db"] {
        let place = Place::with_home();
        let store = place.home().join(name);
        let whole = fs::read(&store).unwrap();
        for damaged in [
            Vec::new(),
            whole[..whole.len() / 2].to_vec(),
            b"something else entirely".repeat(300),
        ] {
            fs::write(&store, &damaged).unwrap();
            let said = place.open(&["status", "--json"]);
            assert_eq!(said.code, 7, "{name} of {} bytes: {said:?}", damaged.len());
            said.error();
        }
        // Another home's store, whole, under another key.
        let other = Place::empty();
        other
            .open(&["init", "--name", "Bo", "--argon2-memory", "64"])
            .ok();
        fs::copy(other.home().join(name), &store).unwrap();
        let said = place.open(&["status", "--json"]);
        assert_eq!(said.code, 7, "{name}: {said:?}");
    }
}
