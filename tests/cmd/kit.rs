//! The recovery kit: written on paper once, typed back, and good for a new passphrase.

use std::fs;

use crate::harness::{PASSPHRASE, Person, Place, Said, mode};

const CHEAP: [&str; 2] = ["--argon2-memory", "64"];
const NEW: &str = "four other words here";

/// What the screen shows beside each number.
fn paper(seen: &str) -> Vec<String> {
    let shown = seen.rsplit("no photograph of it.").next().unwrap();
    let pieces: Vec<&str> = shown.split_whitespace().collect();
    let word = |number: usize| {
        let at = pieces
            .iter()
            .position(|piece| *piece == number.to_string())
            .unwrap_or_else(|| panic!("{number} is not in {shown:?}"));
        pieces[at + 1].to_owned()
    };
    (1..=24).map(word).collect()
}

/// The number of the next word that is asked for.
fn asked(person: &mut Person) -> usize {
    person.sees("Word ").sees(" on your paper: ");
    let before = person.seen().trim_end_matches(" on your paper: ");
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

fn init(place: &Place) -> Person {
    let mut person =
        Person::at(&mut place.command(&[&["init", "--name", "Ana"][..], &CHEAP].concat()));
    person.sees("Choose a passphrase: ").types(PASSPHRASE);
    person.sees("And once more: ").types(PASSPHRASE);
    person.sees("for anybody who finds them");
    person.sees("Make a recovery kit now?");
    person
}

/// A home with a kit, and the kit's words.
fn with_kit() -> (Place, String) {
    let place = Place::empty();
    let made = place
        .open(
            &[
                &["init", "--name", "Ana", "--json", "--kit", "-"][..],
                &CHEAP,
            ]
            .concat(),
        )
        .ok();
    let words: Vec<String> = serde_json::from_value(made.json()["kit"].clone()).unwrap();
    assert_eq!(words.len(), 24);
    (place, words.join(" "))
}

/// Sets a passphrase by the kit, as a script does.
fn by_kit(place: &Place, words: &str, new: &str) -> Said {
    let new = place.file("new", new);
    place.open_with(
        &[
            "passphrase",
            "--json",
            "--kit-file",
            "-",
            "--new-passphrase-file",
            new.to_str().unwrap(),
        ],
        words.as_bytes(),
    )
}

fn opens(place: &Place, passphrase: &str) -> bool {
    place.file("passphrase", passphrase);
    place.open(&["status"]).code == 0
}

#[test]
fn a_person_writes_it_down_types_three_words_back_and_comes_back_with_it() {
    let place = Place::empty();
    let mut person = init(&place);
    person.types("yes").sees("press Enter");
    let paper = paper(person.seen());
    // The other screen, which has no history, and away from it again.
    assert!(person.seen().contains("\u{1b}[?1049h"));
    person.types("").sees("\u{1b}[?1049l");
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let number = asked(&mut person);
        numbers.push(number);
        person.types(&paper[number - 1].to_uppercase());
    }
    assert!(numbers.is_sorted() && numbers[0] != numbers[1] && numbers[1] != numbers[2]);
    person.sees("Your journal is made, Ana.");
    assert_eq!(person.leaves().0, 0);

    let words = paper.join(" ");
    let checked = place.open_with(&["kit", "check", "-", "--json"], words.as_bytes());
    assert_eq!(checked.ok().json()["right"], 24);
    by_kit(&place, &words, NEW).ok();
    assert!(opens(&place, NEW) && !opens(&place, PASSPHRASE));
    // The kit goes on opening.
    by_kit(&place, &words, PASSPHRASE).ok();
    assert!(opens(&place, PASSPHRASE));
}

#[test]
fn who_says_no_has_a_journal_without_one() {
    let place = Place::empty();
    let mut person = init(&place);
    person.types("no").sees("Your journal is made, Ana.");
    assert_eq!(person.leaves().0, 0);
    let none = place.open(&["kit", "check", "-", "--json"]);
    assert_eq!((none.code, none.error().as_str()), (3, "no_kit"));
    let none = by_kit(&place, &"zoo ".repeat(24), NEW);
    assert_eq!((none.code, none.error().as_str()), (3, "no_kit"));
}

#[test]
fn who_did_not_write_it_down_sees_it_once_more_or_goes_on_without() {
    let place = Place::empty();
    let mut person = init(&place);
    person.types("yes").sees("press Enter").types("");
    for _ in 0..3 {
        asked(&mut person);
        person.types("nothing");
    }
    person.sees("See all words once more?").types("yes");
    person.sees("press Enter").types("");
    for _ in 0..3 {
        asked(&mut person);
        person.types("nothing");
    }
    person.sees("See all words once more?").types("no");
    person
        .sees("Your journal is made, Ana.")
        .sees("No recovery kit was made.");
    assert_eq!(person.leaves().0, 0);
    let none = place.open(&["kit", "check", "-", "--json"]);
    assert_eq!(none.error(), "no_kit");
}

#[test]
fn ctrl_c_while_the_words_are_shown_takes_them_away_and_makes_nothing() {
    let place = Place::empty();
    let before = place.snapshot();
    let mut person = init(&place);
    person.types("yes").sees("press Enter").interrupts();
    person.sees("\u{1b}[2J").sees("\u{1b}[?1049l");
    person.sees("Stopped, and nothing was kept.");
    assert_eq!(person.leaves().0, 1);
    assert_eq!(place.snapshot(), before);
}

#[test]
fn a_new_kit_makes_the_old_one_useless_and_only_once_it_is_on_paper() {
    let (place, old) = with_kit();
    let vault = fs::read(place.home().join("vault")).unwrap();
    let kit_make = || {
        let mut person = Person::at(&mut place.command(&["kit", "make"]));
        person.sees("Passphrase: ").types(PASSPHRASE);
        person.sees("makes it useless. Make a new one?");
        person
    };
    let mut person = kit_make();
    person.types("no").sees("Nothing was done");
    assert_eq!(person.leaves().0, 1);
    let mut person = kit_make();
    person.types("yes").sees("press Enter").interrupts();
    assert_eq!(person.leaves().0, 1);
    assert_eq!(fs::read(place.home().join("vault")).unwrap(), vault);

    let mut person = kit_make();
    person.types("yes").sees("press Enter");
    let paper = paper(person.seen());
    person.types("");
    for _ in 0..3 {
        let number = asked(&mut person);
        person.types(&paper[number - 1]);
    }
    person.sees("The new kit opens this journal.");
    assert_eq!(person.leaves().0, 0);
    let refused = by_kit(&place, &old, NEW);
    assert_eq!((refused.code, refused.error().as_str()), (3, "other_kit"));
    by_kit(&place, &paper.join(" "), NEW).ok();
}

#[test]
fn a_file_with_the_words_is_private_and_new() {
    let place = Place::with_home();
    let file = place.path().join("kit");
    let file = file.to_str().unwrap();
    place.open(&["kit", "make", "--to", file]).ok();
    assert_eq!(mode(file.as_ref()), 0o600);
    let words = fs::read_to_string(file).unwrap();
    let before = place.snapshot();
    let again = place.open(&["kit", "make", "--to", file, "--json"]);
    assert_eq!((again.code, again.error().as_str()), (1, "kit_not_written"));
    assert_eq!(place.snapshot(), before);
    place.file("passphrase", "forgotten");
    let new = place.file("new", NEW);
    place
        .run(&[
            "passphrase",
            "--kit-file",
            file,
            "--new-passphrase-file",
            new.to_str().unwrap(),
        ])
        .ok();
    assert!(opens(&place, NEW));
    assert_eq!(words.split_whitespace().count(), 24);
}

#[test]
fn words_that_are_none_are_said_without_being_shown() {
    let (place, words) = with_kit();
    let first = words.split(' ').next().unwrap();
    let swapped = match words.split(' ').nth(1).unwrap() {
        second if second == first => words.replacen(first, "zoo", 1),
        second => words.replacen(
            &format!("{first} {second}"),
            &format!("{second} {first}"),
            1,
        ),
    };
    for wrong in [
        words.replacen(first, "passwort", 1),
        words.replacen(&format!("{first} "), "", 1),
        swapped,
        String::new(),
    ] {
        let refused = place.open_with(&["kit", "check", "-", "--json"], wrong.as_bytes());
        // One in 256 of what has the right number of right words has the right checksum too.
        let code = refused.error();
        assert!(
            refused.code == 3 && (code == "not_a_kit" || code == "other_kit"),
            "{refused:?}"
        );
        assert!(!refused.err.contains("passwort") && !refused.err.contains(&words[..12]));
    }
}

#[test]
fn a_person_types_all_words_and_may_mistype_them() {
    let (place, words) = with_kit();
    place.file("passphrase", "forgotten");
    let words: Vec<&str> = words.split(' ').collect();
    let mut person = Person::at(&mut place.command(&["passphrase", "--kit"]));
    person.sees("\u{1b}[?1049h").sees("Word 1 of 24: ");
    person.types("passwort").sees("No kit has such a word.");
    person.sees("Word 1 of 24: ").types(words[0]);
    person.sees("Word 2 of 24: ").types(&words[1..20].join(" "));
    person
        .sees("Word 21 of 24: ")
        .types(&words[20..].join("  "));
    person.sees("\u{1b}[?1049l");
    person.sees("Choose a passphrase: ").types(NEW);
    person.sees("And once more: ").types(NEW);
    person.sees("The passphrase is changed.");
    assert_eq!(person.leaves().0, 0);
    assert!(opens(&place, NEW));
}

#[test]
fn a_check_asks_for_the_passphrase_and_three_words() {
    let (place, words) = with_kit();
    let words: Vec<&str> = words.split(' ').collect();
    let check = || {
        let mut person = Person::at(&mut place.command(&["kit", "check"]));
        person.sees("Passphrase: ").types(PASSPHRASE);
        person
    };
    let mut person = check();
    let number = asked(&mut person);
    person.types("nothing").sees("Look at your paper");
    assert_eq!(asked(&mut person), number);
    person.types(words[number - 1]);
    for _ in 0..2 {
        let number = asked(&mut person);
        person.types(words[number - 1]);
    }
    person.sees("your paper is the kit of this journal");
    assert_eq!(person.leaves().0, 0);

    let mut person = check();
    for _ in 0..3 {
        asked(&mut person);
        person.types("nothing");
    }
    person.sees("it is not this journal's kit");
    assert_eq!(person.leaves().0, 1);
}

#[test]
fn nobody_is_asked_where_nobody_may_be() {
    let (place, _) = with_kit();
    for (command, code) in [
        (&["kit", "make"][..], "kit_needs_a_place"),
        (&["kit", "make", "--to", "none"], "kit_needs_a_place"),
        (&["kit", "check"], "kit_needs_words"),
        (&["passphrase", "--kit"], "kit_needs_words"),
    ] {
        let refused = place.open(&[command, &["--json"]].concat());
        assert_eq!((refused.code, refused.error().as_str()), (2, code));
    }
    let made = place.open(&["kit", "make", "--to", "-"]).ok();
    assert_eq!(made.out.split_whitespace().count(), 24);
}

#[test]
fn no_word_of_it_stands_in_the_home() {
    let (place, words) = with_kit();
    place.open(&["status"]).ok();
    for (path, content) in place.snapshot() {
        let Some(content) = content else { continue };
        let text = String::from_utf8_lossy(&content);
        for pair in words.split(' ').collect::<Vec<_>>().windows(2) {
            assert!(!text.contains(&pair.join(" ")), "{path:?}");
        }
    }
}
