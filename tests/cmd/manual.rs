//! Manual pages and completions.

use std::fs;

use crate::harness::Place;

#[test]
fn there_is_a_page_for_every_command() {
    let place = Place::empty();
    let dir = place.path().join("man/man1");
    place.run(&["man", dir.to_str().unwrap()]).ok();
    for page in [
        "amends.1",
        "amends-init.1",
        "amends-pair.1",
        "amends-boundary.1",
        "amends-boundary-propose.1",
    ] {
        let text = fs::read_to_string(dir.join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    let page = fs::read_to_string(dir.join("amends-pair.1")).unwrap();
    assert!(page.contains("amends pair"), "{page}");
}

#[test]
fn pages_that_cannot_be_written_are_said() {
    let place = Place::empty();
    let file = place.file("file", "");
    let said = place.run(&["man", file.to_str().unwrap(), "--json"]);
    assert_eq!((said.code, said.error().as_str()), (1, "not_written"));
}

#[test]
fn shells_learn_the_commands() {
    let place = Place::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).ok().out;
        assert!(
            script.contains("boundary") && script.contains("propose"),
            "{shell}"
        );
    }
}
