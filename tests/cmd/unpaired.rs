//! A journal before it has a partner.

use crate::harness::{Person, Place};

#[test]
fn status_says_so() {
    let place = Place::with_home();
    let status = place.open(&["status", "--json"]).ok().json();
    assert_eq!(status["name"], "Ana");
    assert!(
        status["partner"].is_null() && status["last_met"].is_null() && status["space"].is_null()
    );
    assert_eq!(status["waiting_for_me"], serde_json::json!([]));
    assert_eq!(status["refused"], serde_json::json!([]));
    assert_eq!(status["not_reached"], 0);
    let words = place.open(&["status"]).ok().out;
    assert!(
        words.contains("not paired yet") && words.contains("amends pair"),
        "{words}"
    );
}

#[test]
fn what_needs_a_partner_ends_with_4() {
    let place = Place::with_home();
    for command in [
        &["boundary", "list"][..],
        &["boundary", "propose", "No phones at dinner."],
        &["boundary", "edit", "lusab", "x"],
        &["boundary", "agree", "lusab"],
        &["boundary", "decline", "lusab"],
        &["boundary", "end", "lusab"],
        &["boundary", "show", "lusab"],
        &["sync", "--timeout", "1s"],
        &["up", "--once"],
        &["up"],
        &["up", "--background"],
    ] {
        let said = place.open(&[command, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (4, "not_paired"),
            "{command:?}"
        );
    }
}

#[test]
fn a_text_beyond_every_bound_is_refused_before_it_is_sent() {
    let place = Place::with_home();
    for length in [262_145, 1 << 20, 5 << 20] {
        let said = place.open_with(
            &["boundary", "propose", "-", "--json"],
            "x".repeat(length).as_bytes(),
        );
        assert_eq!(
            (said.code, said.error().as_str()),
            (6, "text_too_long"),
            "{length}"
        );
        assert!(said.err.contains(&length.to_string()), "{said:?}");
    }
    let said = place.open_with(&["boundary", "propose", "-", "--json"], b"\xff\xfe\x00");
    assert_eq!((said.code, said.error().as_str()), (2, "not_text"));
    let said = place.open(&["boundary", "propose", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (2, "nothing_typed"));
}

#[test]
fn pairing_needs_somebody_who_compares() {
    let place = Place::with_home();
    let said = place.open(&["pair", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (2, "nobody_compares"));
}

#[test]
fn a_code_that_is_none_is_refused_without_a_try() {
    let place = Place::with_home();
    for (typed, code) in [
        ("", "not_a_code"),
        ("hello\n", "not_a_code"),
        ("12345\n", "code_too_short"),
        ("482 913 060\n", "code_mistyped"),
    ] {
        let said = place.open_with(&["pair", "-", "--json", "--yes"], typed.as_bytes());
        assert_eq!((said.code, said.error().as_str()), (2, code), "{typed:?}");
    }
}

#[test]
fn a_person_who_mistypes_a_code_types_it_again() {
    let place = Place::with_home();
    let file = place.path().join("passphrase");
    let mut person = Person::at(
        place
            .command(&["pair", "--join"])
            .arg("--passphrase-file")
            .arg(file),
    );
    person
        .sees("The code on the other screen: ")
        .types("482 913 060");
    person
        .sees("A digit of this code is not right")
        .sees("The code on the other screen: ")
        .types("48");
    person
        .sees("A code has nine digits")
        .sees("The code on the other screen: ");
    person.interrupts().sees("Stopped, and nothing was kept.");
    assert_eq!(person.leaves().0, 1);
}
