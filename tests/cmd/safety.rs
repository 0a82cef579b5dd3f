//! The page for somebody who is afraid: it needs nothing and touches nothing.

use std::fs;

use crate::harness::{Place, set_mode};

#[test]
fn the_page_needs_no_home_and_makes_none() {
    let place = Place::empty();
    let before = place.snapshot();
    let said = place.run(&["safety"]).ok();
    assert!(said.err.is_empty(), "{said:?}");
    for words in [
        "violence",
        "emergency number",
        "What it does not hide",
        "Ctrl-C",
        "amends down",
        "amends leave",
        "Your partner keeps their copy",
        "helplines",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert_eq!(place.snapshot(), before);
    // And where this user has no folder at all.
    let mut homeless = place.command(&["safety"]);
    homeless.env_clear();
    assert!(homeless.output().unwrap().status.success());
}

#[test]
fn the_page_opens_no_journal_whatever_state_it_is_in() {
    let place = Place::with_home();
    fs::write(place.home().join("vault"), "damaged").unwrap();
    set_mode(&place.home(), 0o777);
    let before = place.snapshot();
    let plain = place.run(&["safety"]).ok().out;
    let json = place.run(&["safety", "--json"]).ok().json();
    assert_eq!(json["text"], plain);
    assert_eq!(json.as_object().unwrap().len(), 1);
    assert_eq!(place.snapshot(), before, "not even a lock");
    let file = place.file("file", "");
    for home in ["/nowhere/at/all", file.to_str().unwrap(), "/dev/null"] {
        assert_eq!(
            place.run(&["safety", "--home", home]).ok().out,
            plain,
            "{home}"
        );
    }
}

#[test]
fn the_page_is_plain_and_holds_no_number_to_call() {
    let page = Place::empty()
        .run(&["safety", "--color", "always"])
        .ok()
        .out;
    assert!(page.lines().all(|line| line.chars().count() <= 80));
    assert!(!page.contains('\x1b') && !page.contains('\t'));
    assert!(!page.chars().any(|c| c.is_ascii_digit()), "{page}");
    assert!(page.len() < 5000, "short enough to be read: {}", page.len());
}

#[test]
fn the_way_to_the_page_stands_in_the_help() {
    assert!(
        Place::empty()
            .run(&["--help"])
            .ok()
            .out
            .contains("amends safety")
    );
}
