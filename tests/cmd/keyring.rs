//! The system's keyring beside the passphrase: the kernel's own, where this machine lets its users at it.
#![cfg(target_os = "linux")]

use std::io::Write;

use crate::harness::Place;

/// Whether the kernel keeps keys for us here; a container may not be allowed to.
fn has_keyring(test: &str) -> bool {
    let works = amends::keyring::works();
    if let Err(fault) = &works {
        // Past the harness, which would keep it back.
        let _ = writeln!(std::io::stderr(), "!!! SKIPPED: {test}: {fault}");
    }
    works.is_ok()
}

fn opens_without_asking(place: &Place) -> bool {
    let said = place.run(&["status", "--json"]);
    assert!(
        said.code == 0 || said.error() == "no_passphrase",
        "{said:?}"
    );
    said.code == 0
}

#[test]
fn the_keyring_opens_it_until_lock_and_again_after_the_passphrase() {
    if !has_keyring("the_keyring_opens_it_until_lock_and_again_after_the_passphrase") {
        return;
    }
    let place = Place::with_home();
    assert!(!opens_without_asking(&place));
    // Nobody makes it without the passphrase.
    let refused = place.run(&["passphrase", "--keyring", "on", "--json"]);
    refused.fails(3, "no_passphrase");
    let on = place
        .open(&["passphrase", "--keyring", "on", "--json"])
        .ok()
        .json();
    assert_eq!(
        (&on["keyring"], &on["changed"]),
        (&true.into(), &true.into())
    );
    assert!(opens_without_asking(&place));

    let locked = place.run(&["lock", "--json"]).ok().json();
    assert_eq!(locked["keyring"], true);
    assert!(!opens_without_asking(&place));
    place.open(&["status", "--json"]).ok();
    assert!(
        opens_without_asking(&place),
        "the passphrase was given anew"
    );

    // A new passphrase and a kit leave it as it is, and asks for the old one all the same.
    let new = place.file("new", "another passphrase altogether");
    let new = new.display().to_string();
    let refused = place.run(&["passphrase", "--new-passphrase-file", &new, "--json"]);
    refused.fails(3, "no_passphrase");
    let changed = place.open(&["passphrase", "--new-passphrase-file", &new, "--json"]);
    assert_eq!(changed.ok().json()["keyring"], true);
    assert!(opens_without_asking(&place));

    let off = place
        .run(&["passphrase", "--keyring", "off", "--json"])
        .ok()
        .json();
    assert_eq!(off["keyring"], false);
    assert!(!opens_without_asking(&place));
    assert_eq!(place.run(&["lock", "--json"]).ok().json()["keyring"], false);
}

#[test]
fn leaving_takes_it_out_and_a_copy_opens_only_as_long_as_it_is_there() {
    if !has_keyring("leaving_takes_it_out_and_a_copy_opens_only_as_long_as_it_is_there") {
        return;
    }
    let place = Place::with_home();
    place
        .open(&["passphrase", "--keyring", "on", "--json"])
        .ok();
    let vault = std::fs::read(place.home().join("vault")).unwrap();
    let vault = amends_keys::vault::Vault::parse(&vault).unwrap();
    assert!(amends::keyring::holds(&vault));
    assert!(amends::keyring::open(&vault).is_some());
    place.run(&["leave", "--json", "--yes"]).ok();
    assert!(!amends::keyring::holds(&vault));
    assert!(amends::keyring::open(&vault).is_none());
}
