//! Apologies: drafts that stay private, given once, answered by the other alone.

use serde_json::{Value, json};

use crate::harness::{Person, Place, a_pair, up};

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

fn apology(place: &Place, arguments: &[&str]) -> Value {
    place
        .open(&[&["apology"], arguments, &["--json"]].concat())
        .ok()
        .json()
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], exit: i32, code: &str) {
    let said = place.open(&[&["apology"], arguments, &["--json"]].concat());
    assert_eq!(
        (said.code, said.error().as_str()),
        (exit, code),
        "{arguments:?}"
    );
}

fn meet(ana: &Place, bo: &Place) {
    let (holds, at) = up(ana);
    let met = bo.open(&["sync", "--peer", &at, "--json"]).ok().json_last();
    assert_eq!(met["partner_has_all"], true, "{met}");
    ana.run(&["down"]).ok();
    assert_eq!(holds.ends().0, Some(0));
}

const WHOLE: &[&str] = &[
    "write",
    "I read your letters.",
    "--hurt",
    "You could not trust me.",
    "--own",
    "I looked on purpose.",
    "--change",
    "I ask first.",
    "--repair",
    "A box with a key.",
];

#[test]
fn a_draft_is_private_and_may_be_changed_until_it_is_given() {
    let ana = Place::with_home();
    let draft = apology(&ana, WHOLE);
    for (field, value) in [
        ("kind", json!("apology")),
        ("state", json!("draft")),
        ("private", json!(true)),
        ("author", json!("Ana")),
        ("did", json!("I read your letters.")),
        ("hurt", json!("You could not trust me.")),
        ("own", json!("I looked on purpose.")),
        ("change", json!("I ask first.")),
        ("repair", json!("A box with a key.")),
        ("additions", json!([])),
        ("answer", Value::Null),
    ] {
        assert_eq!(draft[field], value, "{field}");
    }
    let edited = apology(
        &ana,
        &["edit", id(&draft), "--repair", "", "--hurt", "Badly."],
    );
    assert_eq!(
        (&edited["did"], &edited["hurt"], &edited["repair"]),
        (&draft["did"], &json!("Badly."), &json!(""))
    );
    assert_eq!(apology(&ana, &["list"]), json!([edited]));
    refused(&ana, &["write", " "], 6, "apology_empty");
    refused(&ana, &["write"], 2, "no_guide");
    refused(&ana, &["edit", id(&draft)], 2, "no_guide");
    refused(&ana, &["add", id(&draft), "more"], 6, "apology_is_draft");
    refused(
        &ana,
        &["answer", id(&draft), "heard"],
        6,
        "apology_is_draft",
    );
    refused(&ana, &["answer", id(&draft)], 2, "wrong_use");
    refused(&ana, &["give", id(&draft), "--yes"], 4, "not_paired");
    refused(&ana, &["show", "lusab"], 1, "unknown_id");
    let felt = ana.open(&["feel", "Sorry.", "--json"]).ok().json();
    refused(&ana, &["edit", id(&felt), "x"], 1, "unknown_id");
    refused(&ana, &["withdraw", id(&felt)], 1, "unknown_id");
}

#[test]
fn it_is_given_once_after_a_look_and_answered_by_the_other_alone() {
    let (ana, bo) = a_pair();
    let draft = apology(&ana, WHOLE);
    refused(&ana, &["give", id(&draft)], 2, "giving_not_answered");
    let file = ana.path().join("passphrase");
    let give = || {
        let mut command = ana.command(&["apology", "give", id(&draft)]);
        command.arg("--passphrase-file").arg(&file);
        command
    };
    let mut person = Person::at(&mut give());
    person
        .sees("This is what Bo would get, all of it, word for word:")
        .sees("I read your letters.")
        .sees("A box with a key.")
        .sees("Give exactly this? (yes/no) ")
        .types("no")
        .sees("Nothing was done, as you said.");
    assert_eq!(person.leaves().0, 1);
    assert_eq!(apology(&ana, &["list"]), json!([draft]));
    let mut person = Person::at(&mut give());
    person.sees("(yes/no) ").types("yes").sees("You gave ");
    assert_eq!(person.leaves().0, 0);

    let list = apology(&ana, &["list"]);
    assert_eq!(
        list.as_array().unwrap().len(),
        1,
        "the draft is done: {list}"
    );
    let given = list[0].clone();
    assert_eq!(
        (&given["state"], &given["did"]),
        (&json!("given"), &draft["did"])
    );
    assert!(given["private"].is_null() && given["from"].is_null());
    let hers = id(&given);
    for again in [
        &["give", hers, "--yes"][..],
        &["edit", hers, "It was nothing."],
    ] {
        refused(&ana, again, 6, "apology_given");
    }
    refused(&ana, &["give", id(&draft), "--yes"], 6, "apology_given");
    refused(&ana, &["answer", hers, "forgiven"], 6, "own_apology");
    refused(&ana, &["withdraw", hers], 6, "own_apology");

    meet(&ana, &bo);
    let came = apology(&bo, &["list"])[0].clone();
    let his = id(&came);
    assert_eq!(
        (&came["state"], &came["author"]),
        (&json!("given"), &json!("Ana"))
    );
    let waits =
        |place: &Place| place.open(&["status", "--json"]).ok().json()["waiting_for_me"].clone();
    assert_eq!(waits(&bo), json!([]), "it asks for nothing");
    refused(&bo, &["edit", his, "You did more."], 6, "not_your_apology");
    refused(&bo, &["add", his, "And more."], 6, "not_your_apology");
    refused(&bo, &["give", his, "--yes"], 6, "not_your_apology");
    refused(&bo, &["withdraw", his], 6, "nothing_to_withdraw");
    refused(&bo, &["answer", his], 2, "wrong_use");
    refused(&bo, &["answer", his, "fine"], 2, "wrong_use");

    let later = apology(&bo, &["answer", his, "not-yet", "--words", "I need days."]);
    assert_eq!(
        (&later["state"], &later["answer"], &later["answer_words"]),
        (&json!("not_yet"), &json!("not_yet"), &json!("I need days."))
    );
    apology(&ana, &["add", hers, "I should have said so sooner."]);
    meet(&ana, &bo);
    let shown = apology(&ana, &["show", hers]);
    assert_eq!(
        (&shown["state"], &shown["additions"]),
        (&json!("not_yet"), &json!(["I should have said so sooner."]))
    );
    for answer in ["heard", "accepted", "forgiven", "declined"] {
        assert_eq!(apology(&bo, &["answer", his, answer])["state"], answer);
        // Again the same is no other answer.
        apology(&bo, &["answer", his, answer]);
    }
    assert_eq!(apology(&bo, &["withdraw", his])["state"], "given");
    meet(&ana, &bo);
    for place in [&ana, &bo] {
        let shown = apology(place, &["show", hers]);
        assert_eq!(
            (&shown["state"], &shown["answer"]),
            (&json!("given"), &Value::Null)
        );
        let history: Vec<(&str, &str)> = shown["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|act| (act["by"].as_str().unwrap(), act["verb"].as_str().unwrap()))
            .collect();
        let mut sorted = history.clone();
        sorted.sort_unstable();
        let mut all = vec![
            ("Ana", "give"),
            ("Bo", "not_yet"),
            ("Ana", "add"),
            ("Bo", "heard"),
            ("Bo", "accepted"),
            ("Bo", "forgiven"),
            ("Bo", "declined"),
            ("Bo", "withdraw"),
        ];
        all.sort_unstable();
        assert_eq!(sorted, all);
        assert_eq!((history[0].1, history[7].1), ("give", "withdraw"));
    }
    let words = ana.open(&["apology", "show", hers]).ok().out;
    for said in [
        "Bo answered: not yet: “I need days.”",
        "Bo forgave",
        "Bo took the answer back",
        "Added:",
    ] {
        assert!(words.contains(said), "{said:?} is not in {words}");
    }
    assert_eq!(waits(&ana), json!([]));
}

#[test]
fn a_device_that_stopped_between_its_two_stores_gives_it_once() {
    let ana = Place::with_pair();
    let draft = apology(&ana, WHOLE);
    // The home as it is when the apology is in the journal, and the draft does not know it yet.
    let before = std::fs::read(ana.home().join("private.db")).unwrap();
    let given = apology(&ana, &["give", id(&draft), "--yes"]);
    std::fs::write(ana.home().join("private.db"), before).unwrap();
    let _ = std::fs::remove_file(ana.home().join("private.db-wal"));
    let list = apology(&ana, &["list"]);
    assert_eq!(list, json!([given]), "the draft was settled at the start");
    refused(&ana, &["give", id(&draft), "--yes"], 6, "apology_given");
    assert_eq!(apology(&ana, &["list"]), json!([given]));
}

#[test]
fn questions_help_where_no_text_is_given_and_what_was_answered_is_kept() {
    let ana = Place::with_home();
    let file = ana.path().join("passphrase");
    let at = |arguments: &[&str]| {
        let mut command = ana.command(arguments);
        command.arg("--passphrase-file").arg(&file);
        Person::at(&mut command)
    };
    let mut person = at(&["apology", "write"]);
    person
        .sees("What did you do?")
        .types("I read your letters.");
    person
        .types("")
        .sees("How did it hurt them?")
        .types(":later");
    person.sees("Kept as the draft ");
    assert_eq!(person.leaves().0, 0);
    let draft = apology(&ana, &["list"])[0].clone();
    assert_eq!(
        (&draft["state"], &draft["did"]),
        (&json!("draft"), &json!("I read your letters."))
    );

    let mut person = at(&["apology", "edit", id(&draft)]);
    person
        .sees("What did you do?")
        .sees("I read your letters.")
        .types("");
    person
        .sees("How did it hurt them?")
        .types("Badly.")
        .types("");
    for question in [
        "What was yours in it?",
        "What will you do differently?",
        "make it good?",
    ] {
        person.sees(question).types("");
    }
    person
        .sees("This is what you wrote:")
        .sees("Kept as the draft ");
    assert_eq!(person.leaves().0, 0);
    let list = apology(&ana, &["list"]);
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!(
        (&list[0]["did"], &list[0]["hurt"], &list[0]["own"]),
        (&json!("I read your letters."), &json!("Badly."), &json!(""))
    );
}
