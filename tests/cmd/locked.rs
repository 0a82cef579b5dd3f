//! The passphrase of a home that is there.

use crate::harness::{PASSPHRASE, Person, Place};

#[test]
fn a_wrong_passphrase_ends_with_3() {
    let place = Place::with_home();
    for wrong in [
        "Correct horse battery staple",
        " ",
        "x",
        &"long ".repeat(2000),
    ] {
        place.file("passphrase", wrong);
        let said = place.open(&["status", "--json"]);
        assert_eq!(
            (said.code, said.error().as_str()),
            (3, "wrong_passphrase"),
            "{wrong:?}"
        );
    }
}

#[test]
fn asking_nobody_ends_with_3() {
    let place = Place::with_home();
    for command in [
        &["status"][..],
        &["up"],
        &["up", "--background"],
        &["sync"],
        &["boundary", "list"],
        &["pair", "--yes"],
    ] {
        let said = place.run(&[command, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (3, "no_passphrase"),
            "{command:?}"
        );
    }
}

#[test]
fn a_person_may_mistype_it_twice() {
    let place = Place::with_home();
    let mut person = Person::at(&mut place.command(&["status"]));
    person.sees("Passphrase: ").types("wrong");
    person
        .sees("Please try again.")
        .sees("Passphrase: ")
        .types("wrong again");
    person.sees("Passphrase: ").types(PASSPHRASE);
    person.sees("Ana's journal, not paired yet.");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("wrong") && !seen.contains("horse"), "{seen}");
}

#[test]
fn and_not_a_third_time() {
    let place = Place::with_home();
    let mut person = Person::at(&mut place.command(&["status"]));
    for _ in 0..3 {
        person.sees("Passphrase: ").types("wrong");
    }
    person.sees("That is not the passphrase of this journal.");
    assert_eq!(person.leaves().0, 3);
}

#[test]
fn ctrl_c_gives_the_terminal_back() {
    let place = Place::with_home();
    let mut person = Person::at(&mut place.command(&["status"]));
    person.sees("Passphrase: ");
    assert!(!person.echoes());
    person.interrupts().sees("Stopped");
    assert!(person.echoes());
    assert_eq!(person.leaves().0, 1);
}
