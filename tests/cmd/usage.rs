//! Command lines that cannot be understood, and help.

use crate::harness::Place;

#[test]
fn what_cannot_be_understood_ends_with_2_and_says_what_was_meant() {
    let place = Place::empty();
    for wrong in [
        &["fly"][..],
        &["--colour"],
        &["init"],
        &["boundary"],
        &["boundary", "agree"],
        &["boundary", "propose", "x", "--review-on", "soon"],
        &["boundary", "edit", "x", "--review-on", "2027-02-29"],
        &["sync", "--timeout", "soon"],
        &["pair", "482913065"],
        &["pair", "--join", "-"],
        &["pair", "--yes"],
        &["pair", "--peer", "127.0.0.1:1", "--json", "--yes"],
        &["up", "--once", "--background"],
        &["completions", "tortoise"],
        &["status", "-q", "-v"],
    ] {
        let plain = place.run(wrong);
        assert_eq!(plain.code, 2, "{wrong:?}: {plain:?}");
        assert!(plain.out.is_empty() && !plain.err.is_empty(), "{plain:?}");
        if wrong != ["pair", "--yes"] {
            let json = place.run(&[wrong, &["--json"]].concat());
            assert_eq!(
                (json.code, json.error().as_str()),
                (2, "wrong_use"),
                "{wrong:?}"
            );
        }
    }
    assert_eq!(place.run(&[]).code, 2);
}

#[test]
fn an_error_of_use_says_what_in_one_line() {
    let place = Place::empty();
    let said = place.run(&["sync", "--timeout", "soon", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("--timeout") && message.contains("30s") && !message.contains('\n'),
        "{message}"
    );
}

#[test]
fn help_and_version_need_no_home() {
    let place = Place::empty();
    assert!(place.run(&["--version"]).ok().out.starts_with("amends 0."));
    for command in [
        &["init"][..],
        &["pair"],
        &["up"],
        &["down"],
        &["sync"],
        &["status"],
        &["boundary"],
        &["boundary", "propose"],
        &["boundary", "agree"],
        &["safety"],
        &["leave"],
        &["man"],
    ] {
        let help = place.run(&[command, &["--help"]].concat()).ok();
        assert!(
            help.out.contains("\n  amends "),
            "{command:?} shows an example"
        );
        assert!(help.err.is_empty(), "{help:?}");
    }
    assert!(!place.home().exists());
}

#[test]
fn without_a_home_every_command_says_how_to_make_one() {
    let place = Place::empty();
    for command in [
        &["status"][..],
        &["up"],
        &["up", "--background"],
        &["down"],
        &["sync"],
        &["pair", "--yes"],
        &["boundary", "list"],
        &["boundary", "propose", "x"],
    ] {
        let said = place.open(&[command, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (1, "no_journal"),
            "{command:?}"
        );
        assert!(said.err.contains("amends init"), "{said:?}");
    }
    assert!(!place.home().exists());
}

#[test]
fn errors_for_people_are_what_failed_then_what_to_do() {
    let place = Place::empty();
    let said = place.run(&["status"]);
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    assert!(
        lines[0].starts_with("amends: There is no journal at "),
        "{said:?}"
    );
    assert!(
        lines[1].starts_with("Make one with: amends init"),
        "{said:?}"
    );
}
