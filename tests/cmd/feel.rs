//! Feelings: written for oneself, and shared by a command of its own alone.

use serde_json::{Value, json};

use crate::harness::{Person, Place, a_pair, up};

fn felt(place: &Place, more: &[&str]) -> Value {
    place
        .open(&[&["feel", "--json"], more].concat())
        .ok()
        .json()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

const WHOLE: &[&str] = &[
    "I felt left out.",
    "--because",
    "you laughed without me",
    "--intensity",
    "4",
    "--tag",
    "evenings",
    "--tag",
    "friends",
];

#[test]
fn what_is_felt_is_kept_before_there_is_a_partner() {
    let ana = Place::with_home();
    let entry = felt(&ana, WHOLE);
    for (field, value) in [
        ("kind", json!("feeling")),
        ("state", json!("felt")),
        ("private", json!(true)),
        ("reached", json!(false)),
        ("author", json!("Ana")),
        ("words", json!("I felt left out.")),
        ("because", json!("you laughed without me")),
        ("intensity", json!(4)),
        ("tags", json!(["evenings", "friends"])),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
    let list = ana.open(&["feel", "list", "--json"]).ok().json();
    assert_eq!(list, json!([entry]));
    let shown = ana.open(&["feel", "show", id(&entry)]).ok().out;
    for words in [
        "I felt left out.",
        "you laughed without me",
        "How strong: 4 of 5",
        "Tags: evenings, friends",
        "It is private: nothing of it leaves this device.",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    // Before and after a command's name, options are options and the name is the command.
    assert_eq!(ana.open(&["feel", "--json", "list"]).ok().json(), list);
    let file = ana.path().join("passphrase");
    let named = ana
        .command(&["feel", "--json", "--no-input", "--passphrase-file"])
        .arg(file)
        .args(["--", "list"])
        .output()
        .unwrap();
    let named: Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(named["words"], "list");
    let piped = ana
        .open_with(&["feel", "-", "--json"], "Müde.\r\n🌙\n".as_bytes())
        .ok()
        .json();
    assert_eq!(piped["words"], "Müde.\n🌙");
    let because = felt(&ana, &["--because", "of the rain"]);
    assert_eq!(
        (&because["words"], &because["because"]),
        (&json!(""), &json!("of the rain"))
    );
}

#[test]
fn a_feeling_is_said_anew_and_what_is_not_named_stays() {
    let ana = Place::with_home();
    let entry = felt(&ana, WHOLE);
    let edit = |more: &[&str]| {
        ana.open(&[&["feel", "edit", id(&entry), "--json"], more].concat())
            .ok()
            .json()
    };
    let sad = edit(&["I felt sad."]);
    assert_eq!(
        (&sad["words"], &sad["because"], &sad["intensity"]),
        (&json!("I felt sad."), &entry["because"], &json!(4))
    );
    let less = edit(&["--intensity", "0", "--tag", "none", "--because", ""]);
    assert_eq!(
        (
            &less["words"],
            &less["because"],
            &less["intensity"],
            &less["tags"]
        ),
        (&json!("I felt sad."), &json!(""), &Value::Null, &json!([]))
    );
    assert_eq!(
        ana.open(&["feel", "list", "--json"]).ok().json(),
        json!([less])
    );
}

#[test]
fn what_makes_no_feeling_is_said() {
    let ana = Place::with_home();
    for (arguments, exit, code) in [
        (&["feel", ""][..], 6, "rule"),
        (&["feel", " \n"], 6, "rule"),
        (&["feel", "a\u{1b}[2J"], 6, "forbidden_character"),
        (&["feel", "a", "--tag", "b\nc"], 6, "forbidden_character"),
        (&["feel", "a", "--intensity", "6"], 2, "wrong_use"),
        (&["feel", "a", "--intensity", "0"], 2, "wrong_use"),
        (&["feel", "a", "list"], 2, "wrong_use"),
        (&["feel"], 2, "no_guide"),
        (&["feel", "show", "lusab"], 1, "unknown_id"),
        (&["feel", "edit", "lusab", "x"], 1, "unknown_id"),
    ] {
        felt(&ana, &["Tired."]);
        let said = ana.open(&[arguments, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (exit, code),
            "{arguments:?}"
        );
    }
    let said = ana.open_with(&["feel", "-", "--json"], "x".repeat(125_000).as_bytes());
    assert_eq!((said.code, said.error().as_str()), (6, "rule"));
    // There is nobody to share with: that is said before anything is shown.
    let entry = felt(&ana, WHOLE);
    let said = ana.open(&["feel", "share", id(&entry), "--yes", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (4, "not_paired"));
}

#[test]
fn exactly_what_would_go_is_shown_before_it_goes_and_only_a_yes_sends_it() {
    let (ana, bo) = a_pair();
    let entry = felt(&ana, WHOLE);
    let id = id(&entry);
    let in_journal = |place: &Place| -> Vec<Value> {
        let list = place.open(&["feel", "list", "--json"]).ok().json();
        let list = list.as_array().unwrap().clone();
        list.into_iter()
            .filter(|e| e["private"].is_null())
            .collect()
    };
    // A script that does not say yes shares nothing, and is still shown what would go.
    for quiet in [&["--json"][..], &[]] {
        let said = ana.open(&[&["feel", "share", id], quiet].concat());
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("Nothing was shared"), "{said:?}");
    }
    let file = ana.path().join("passphrase");
    let share = || {
        let mut command = ana.command(&["feel", "share", id]);
        command.arg("--passphrase-file").arg(&file);
        command
    };
    let mut person = Person::at(&mut share());
    person
        .sees("This is what Bo would get, all of it, word for word:")
        .sees("I felt left out.")
        .sees("you laughed without me")
        .sees("How strong: 4 of 5")
        .sees("its tags (evenings, friends)")
        .sees("cannot be taken back")
        .sees("Share exactly this? (yes/no) ")
        .types("no")
        .sees("Nothing was done, as you said.");
    assert_eq!(person.leaves().0, 1);
    assert_eq!(in_journal(&ana), Vec::<Value>::new());

    let mut person = Person::at(&mut share());
    person
        .sees("Share exactly this? (yes/no) ")
        .types("yes")
        .sees("You shared ");
    assert_eq!(person.leaves().0, 0);
    let copies = in_journal(&ana);
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = &copies[0];
    assert_eq!(
        (
            &copy["state"],
            &copy["words"],
            &copy["because"],
            &copy["intensity"],
            &copy["tags"]
        ),
        (
            &json!("shared"),
            &entry["words"],
            &entry["because"],
            &json!(4),
            &json!([])
        )
    );
    assert!(copy["from"].is_null(), "{copy}");
    assert_ne!(copy["id"], entry["id"]);
    let mine = ana.open(&["feel", "show", id, "--json"]).ok().json();
    assert_eq!(mine["shared_as"], json!([copy["id"]]));

    // Later words stay private: what was shared is a copy.
    ana.open(&["feel", "edit", id, "I felt furious."]).ok();
    let (holds, at) = up(&ana);
    bo.open(&["sync", "--peer", &at, "--json"]).ok();
    ana.run(&["down"]).ok();
    assert_eq!(holds.ends().0, Some(0));
    let theirs = in_journal(&bo);
    assert_eq!(theirs.len(), 1, "{theirs:?}");
    assert_eq!(
        (&theirs[0]["words"], &theirs[0]["author"]),
        (&json!("I felt left out."), &json!("Ana"))
    );
    assert_eq!(in_journal(&ana)[0]["reached"], true);

    // What was shared stays, for both.
    for place in [&ana, &bo] {
        let shared = in_journal(place)[0]["id"].as_str().unwrap().to_owned();
        for verb in [
            &["edit", &shared, "Nothing."][..],
            &["share", &shared, "--yes"],
        ] {
            let said = place.open(&[&["feel"], verb, &["--json"]].concat());
            assert_eq!(
                (said.code, said.error().as_str()),
                (6, "feeling_shared"),
                "{verb:?}"
            );
        }
    }
    let status = bo.open(&["status", "--json"]).ok().json();
    assert_eq!(
        status["waiting_for_me"],
        json!([]),
        "a feeling asks for nothing"
    );
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
    let mut person = at(&["feel"]);
    person.sees("How do you feel?").types("Left out.").types("");
    person
        .sees("Do you know what it comes from?")
        .types(":later");
    person.sees("Kept as the draft ");
    assert_eq!(person.leaves().0, 0);
    let list = ana.open(&["feel", "list", "--json"]).ok().json();
    assert_eq!(
        (&list[0]["state"], &list[0]["words"]),
        (&json!("draft"), &json!("Left out."))
    );
    let mut person = at(&["feel", "edit", id(&list[0])]);
    person.sees("How do you feel?").sees("Left out.").types("");
    person.sees("Do you know what it comes from?").types("");
    person.sees("How strong is it, from 1 to 5?").types("4");
    person
        .sees("Any words to find it by later?")
        .types("home, sleep");
    person.sees("This is what you wrote:").sees("for you alone");
    assert_eq!(person.leaves().0, 0);
    let felt = ana.open(&["feel", "list", "--json"]).ok().json();
    assert_eq!(felt.as_array().unwrap().len(), 1, "{felt}");
    assert_eq!(
        (
            &felt[0]["id"],
            &felt[0]["state"],
            &felt[0]["words"],
            &felt[0]["intensity"],
            &felt[0]["tags"]
        ),
        (
            &list[0]["id"],
            &json!("felt"),
            &json!("Left out."),
            &json!(4),
            &json!(["home", "sleep"])
        )
    );
}

#[test]
fn a_copy_becomes_the_account_in_a_talk() {
    let ana = Place::with_pair();
    let entry = felt(&ana, WHOLE);
    let talk = ana
        .open(&[
            "talk",
            "begin",
            "--topic",
            "Saturday",
            "It was loud.",
            "--json",
        ])
        .ok()
        .json();
    let share = ["feel", "share", id(&entry), "--as-account", id(&talk)];
    let said = ana.open(&share);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.out
            .contains("I felt left out.\n\nyou laughed without me\n")
            && said.out.contains("It becomes your account in the talk"),
        "{said:?}"
    );
    let shared = ana
        .open(&[&share[..], &["--yes", "--json"]].concat())
        .ok()
        .json();
    assert_eq!(
        (&shared["id"], &shared["kind"]),
        (&talk["id"], &json!("talk"))
    );
    assert_eq!(
        shared["accounts"][0]["text"],
        "I felt left out.\n\nyou laughed without me"
    );
    let mine = ana
        .open(&["feel", "show", id(&entry), "--json"])
        .ok()
        .json();
    assert_eq!(mine["shared_as"], json!([talk["id"]]));
    let list = ana.open(&["feel", "list", "--json"]).ok().json();
    assert_eq!(
        list.as_array().unwrap().len(),
        1,
        "no entry of its own: {list}"
    );
    let said = ana.open(&[
        "feel",
        "share",
        id(&entry),
        "--as-account",
        "lusab",
        "--yes",
        "--json",
    ]);
    assert_eq!((said.code, said.error().as_str()), (1, "unknown_id"));
}
