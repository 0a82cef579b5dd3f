//! `amends init`: all of a home, or nothing.

use std::fs;
use std::process::Command;

use crate::harness::{PASSPHRASE, Person, Place, mode, set_mode};

const CHEAP: [&str; 2] = ["--argon2-memory", "64"];

fn init(place: &Place, more: &[&str]) -> crate::harness::Said {
    place.open(&[&["init", "--name", "Ana", "--json"], &CHEAP[..], more].concat())
}

#[test]
fn it_makes_a_home_that_only_this_user_can_open() {
    let place = Place::empty();
    let made = init(&place, &[]).ok();
    assert_eq!(made.json()["name"], "Ana");
    assert_eq!(mode(&place.home()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(place.home()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["journal.db", "lock", "private.db", "vault"]);
    assert_eq!(place.open(&["status", "--json"]).ok().json()["name"], "Ana");
}

#[test]
fn a_second_one_refuses_and_touches_nothing() {
    let place = Place::with_home();
    let before = place.snapshot();
    let again = init(&place, &[]);
    assert_eq!((again.code, again.error().as_str()), (1, "exists"));
    assert_eq!(place.snapshot(), before);
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    fs::write(place.home().join("holiday.txt"), "sun").unwrap();
    let before = place.snapshot();
    let made = init(&place, &[]);
    assert_eq!((made.code, made.error().as_str()), (1, "occupied"));
    assert_eq!(place.snapshot(), before);
}

#[test]
fn an_empty_folder_is_fine_and_so_are_folders_that_are_not_there() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    init(&place, &[]).ok();
    let deep = place.path().join("a/b/c");
    init(&place, &["--home", deep.to_str().unwrap()]).ok();
    assert_eq!(mode(&place.path().join("a")), 0o700);
}

#[test]
fn where_the_disk_takes_nothing_more_nothing_is_left() {
    let place = Place::empty();
    let before = place.snapshot();
    // A bound on the length of files, met as an error like that of a full disk and not as a signal: it falls while the
    // stores are made, after the vault.
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$@\"";
    let output = Command::new("/bin/sh")
        .args([
            "-c",
            script,
            "sh",
            env!("CARGO_BIN_EXE_amends"),
            "init",
            "--name",
            "Ana",
            "--json",
        ])
        .args(CHEAP)
        .arg("--home")
        .arg(place.path().join("new/home"))
        .arg("--passphrase-file")
        .arg(place.path().join("passphrase"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.starts_with(b"{\"error\":"), "{output:?}");
    assert_eq!(place.snapshot(), before);
}

#[test]
fn where_nothing_may_be_written_nothing_is_left() {
    let place = Place::empty();
    let file = place.file("file", "not a folder");
    let below = init(&place, &["--home", file.join("home").to_str().unwrap()]);
    assert_eq!(below.code, 1);
    below.error();
    if !rustix::process::geteuid().is_root() {
        let closed = place.path().join("closed");
        fs::create_dir(&closed).unwrap();
        set_mode(&closed, 0o500);
        let refused = init(&place, &["--home", closed.join("home").to_str().unwrap()]);
        assert_eq!(
            (refused.code, refused.error().as_str()),
            (1, "cannot_create")
        );
        assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
    }
}

#[test]
fn names_that_nobody_could_trust_are_refused_before_anything_is_asked() {
    let place = Place::empty();
    for name in ["", " ", "A\u{202e}na", "A\nna", &"a".repeat(41)] {
        let refused = place.run(&["init", "--json", "--name", name]);
        assert_eq!(
            (refused.code, refused.error().as_str()),
            (2, "bad_name"),
            "{name:?}"
        );
    }
    for name in ["Ана", "安娜", "Ana María", "O'Neil"] {
        let asked = place.run(&["init", "--json", "--name", name]);
        assert_eq!(
            (asked.code, asked.error().as_str()),
            (3, "no_passphrase"),
            "{name:?}"
        );
    }
    assert!(!place.home().exists());
}

#[test]
fn a_passphrase_file_gives_its_first_line_and_must_hold_one() {
    let place = Place::empty();
    for (content, code) in [
        (&b""[..], "empty_passphrase"),
        (b"\nsecond\n", "empty_passphrase"),
        (b"\xff\xfe\n", "passphrase_file"),
    ] {
        place.file("passphrase", content);
        assert_eq!(init(&place, &[]).error(), code, "{content:?}");
    }
    fs::remove_file(place.path().join("passphrase")).unwrap();
    assert_eq!(init(&place, &[]).error(), "passphrase_file");
    assert!(!place.home().exists());

    place.file("passphrase", "first\r\nsecond\n");
    init(&place, &[]).ok();
    place.file("passphrase", "first");
    place.open(&["status"]).ok();
}

#[test]
fn a_passphrase_file_that_others_can_read_is_remarked_on() {
    let place = Place::empty();
    set_mode(&place.path().join("passphrase"), 0o644);
    let made = place
        .open(&[&["init", "--name", "Ana"][..], &CHEAP].concat())
        .ok();
    assert!(made.err.contains("chmod 600"), "{made:?}");
}

#[test]
fn a_person_types_the_passphrase_twice_and_it_is_not_shown() {
    let place = Place::empty();
    let mut person =
        Person::at(&mut place.command(&[&["init", "--name", "Ana"][..], &CHEAP].concat()));
    person.sees("Choose a passphrase: ").types(PASSPHRASE);
    person.sees("And once more: ").types(PASSPHRASE);
    person.sees("Make a recovery kit now?").types("no");
    person.sees("Your journal is made, Ana.");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("horse"), "{seen}");
    place.open(&["status"]).ok();
}

#[test]
fn two_passphrases_that_differ_make_nothing() {
    let place = Place::empty();
    let before = place.snapshot();
    let mut person = Person::at(&mut place.command(&["init", "--name", "Ana"]));
    person.sees("Choose a passphrase: ").types("one thing");
    person.sees("And once more: ").types("another");
    person.sees("The two passphrases are not the same.");
    assert_eq!(person.leaves().0, 3);
    assert_eq!(place.snapshot(), before);
}

#[test]
fn ctrl_c_at_the_passphrase_leaves_nothing_and_gives_the_terminal_back() {
    let place = Place::empty();
    let before = place.snapshot();
    let mut person = Person::at(&mut place.command(&["init", "--name", "Ana"]));
    person.sees("Choose a passphrase: ");
    assert!(!person.echoes());
    person.interrupts().sees("Stopped, and nothing was kept.");
    assert!(person.echoes());
    assert_eq!(person.leaves().0, 1);
    assert_eq!(place.snapshot(), before);
}

#[test]
fn asking_nobody_needs_a_file() {
    let place = Place::empty();
    let made = place.run(&["init", "--name", "Ana", "--json"]);
    assert_eq!((made.code, made.error().as_str()), (3, "no_passphrase"));
    assert!(!place.home().exists());
}

#[test]
fn a_cheap_passphrase_has_a_floor() {
    let place = Place::empty();
    for memory in ["63", "1025", "0", "much"] {
        let made = place.open(&["init", "--name", "Ana", "--json", "--argon2-memory", memory]);
        assert_eq!(
            (made.code, made.error().as_str()),
            (2, "wrong_use"),
            "{memory}"
        );
    }
}
