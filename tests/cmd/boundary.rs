//! Boundaries of a pair, written here and met there.

use serde_json::{Value, json};

use crate::harness::{Person, Place, a_pair, meet, up};

fn propose(place: &Place, more: &[&str]) -> Value {
    place
        .open(&[&["boundary", "propose", "--json"], more].concat())
        .ok()
        .json()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

#[test]
fn what_is_proposed_is_printed_with_the_fields_that_scripts_rely_on() {
    let ana = Place::with_pair();
    let entry = propose(
        &ana,
        &[
            "No phones at dinner.",
            "--title",
            "Evenings",
            "--review-on",
            "2027-03-01",
            "--language",
            "en",
        ],
    );
    for (field, value) in [
        ("kind", json!("boundary")),
        ("title", json!("Evenings")),
        ("text", json!("No phones at dinner.")),
        ("in_force", Value::Null),
        ("state", json!("proposed")),
        ("agreed_by", json!(["Ana"])),
        ("author", json!("Ana")),
        ("reached", json!(false)),
        ("review_on", json!("2027-03-01")),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
    let created = entry["created"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.contains('T'), "{created}");
    let list = ana.open(&["boundary", "list", "--json"]).ok().json();
    assert_eq!(list, json!([entry]));
    let status = ana.open(&["status", "--json"]).ok().json();
    assert_eq!(
        (&status["partner"], &status["not_reached"]),
        (&json!("Bo"), &json!(1))
    );
}

#[test]
fn the_text_comes_from_standard_input_as_it_is() {
    let ana = Place::with_pair();
    let text = "Erst: nichts.\r\nПотом: 🌙 e\u{301} שלום\n\tand a tab\n\n";
    let entry = ana
        .open_with(&["boundary", "propose", "-", "--json"], text.as_bytes())
        .ok()
        .json();
    assert_eq!(
        entry["text"],
        "Erst: nichts.\nПотом: 🌙 é שלום\n\tand a tab".replace('é', "e\u{301}")
    );
    let dashes = propose(&ana, &["--no phones--"]);
    assert_eq!(dashes["text"], "--no phones--");
}

#[test]
fn what_a_rule_forbids_ends_with_6_and_changes_nothing() {
    let ana = Place::with_pair();
    let entry = propose(&ana, &["No phones at dinner."]);
    let id = id(&entry);
    for (command, code) in [
        (&["boundary", "propose", ""][..], "text_empty"),
        (&["boundary", "propose", " \n\t "], "text_empty"),
        (
            &["boundary", "propose", "a\u{1b}[2Jb"],
            "forbidden_character",
        ),
        (
            &["boundary", "propose", "x", "--title", "a\nb"],
            "forbidden_character",
        ),
        (
            &["boundary", "propose", "x", "--title", "a\u{202e}b"],
            "forbidden_character",
        ),
        (&["boundary", "edit", id, ""], "text_empty"),
        (&["boundary", "end", id], "nothing_in_force"),
    ] {
        let said = ana.open(&[command, &["--json"]].concat());
        assert_eq!((said.code, said.error().as_str()), (6, code), "{command:?}");
    }
    let long = "x".repeat(262_145);
    let said = ana.open_with(&["boundary", "edit", id, "-", "--json"], long.as_bytes());
    assert_eq!((said.code, said.error().as_str()), (6, "text_too_long"));
    let title = "t".repeat(5000);
    let said = ana.open(&["boundary", "propose", "x", "--title", &title, "--json"]);
    assert_eq!((said.code, said.error().as_str()), (6, "text_too_long"));
    assert_eq!(
        ana.open(&["boundary", "list", "--json"]).ok().json(),
        json!([entry])
    );
}

#[test]
fn the_longest_text_is_taken_whole() {
    let ana = Place::with_pair();
    // With what JSON has to escape, so that it is longer on its way than it is.
    let text = "No \"phones\" at dinner.\n".repeat(11_397);
    let text = text.trim_end();
    assert!(text.len() > 262_000 && text.len() <= 262_144);
    let entry = ana
        .open_with(&["boundary", "propose", "-", "--json"], text.as_bytes())
        .ok()
        .json();
    assert_eq!(entry["text"].as_str().unwrap(), text);
    let (up, _) = up(&ana);
    assert_eq!(
        ana.run(&["boundary", "show", id(&entry), "--json"])
            .ok()
            .json()["text"]
            .as_str()
            .unwrap(),
        text
    );
    ana.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
}

#[test]
fn ids_that_are_none_or_several_are_told_apart() {
    let ana = Place::with_pair();
    let entries: Vec<Value> = (0..30)
        .map(|n| propose(&ana, &[&format!("Number {n}.")]))
        .collect();
    for verb in [&["show"][..], &["agree"], &["decline"], &["end"]] {
        for unknown in [
            "zzzzz",
            "zuzuz-zuzuz",
            "../../etc/passwd",
            "'; drop table",
            "🌙",
        ] {
            let said = ana.open(&[&["boundary"], verb, &[unknown, "--json"]].concat());
            assert_eq!(
                (said.code, said.error().as_str()),
                (1, "unknown_id"),
                "{verb:?} {unknown}"
            );
        }
    }
    // Thirty ids, and fewer letters to begin with.
    let firsts: Vec<char> = entries
        .iter()
        .map(|entry| id(entry).chars().next().unwrap())
        .collect();
    let twice = firsts
        .iter()
        .find(|first| firsts.iter().filter(|other| other == first).count() > 1)
        .unwrap();
    let said = ana.open(&["boundary", "show", &twice.to_string(), "--json"]);
    assert_eq!((said.code, said.error().as_str()), (1, "ambiguous_id"));
    let shown = ana
        .open(&[
            "boundary",
            "show",
            &id(&entries[7]).to_uppercase(),
            "--json",
        ])
        .ok()
        .json();
    assert_eq!(shown["text"], "Number 7.");
}

#[test]
fn two_people_agree_change_decline_and_end() {
    let (ana, bo) = a_pair();
    let entry = propose(&ana, &["No phones at dinner.", "--title", "Evenings"]);
    let met = meet(&ana, &bo);
    assert_eq!(
        (&met["partner_has_all"], &met["have_all"]),
        (&json!(true), &json!(true)),
        "{met}"
    );
    let mut fields: Vec<&String> = met.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["have_all", "partner_has_all", "received", "sent"]);

    let waits = bo.open(&["status", "--json"]).ok().json()["waiting_for_me"].clone();
    assert_eq!(waits.as_array().unwrap().len(), 1, "{waits}");
    let theirs = bo.open(&["boundary", "list", "--json"]).ok().json()[0].clone();
    assert_eq!(
        (&theirs["author"], &theirs["text"]),
        (&json!("Ana"), &entry["text"])
    );

    // Bo reads exactly what he agrees to, and is asked.
    let file = bo.path().join("passphrase");
    let mut person = Person::at(
        bo.command(&["boundary", "agree", id(&theirs)])
            .arg("--passphrase-file")
            .arg(&file),
    );
    person
        .sees("No phones at dinner.")
        .sees("Do you agree to exactly these words? (yes/no) ")
        .types("maybe");
    person
        .sees("Please type yes or no.")
        .types("no")
        .sees("Nothing was done, as you said.");
    assert_eq!(person.leaves().0, 1);
    let mut person = Person::at(
        bo.command(&["boundary", "agree", id(&theirs)])
            .arg("--passphrase-file")
            .arg(&file),
    );
    person.sees("(yes/no) ").types("yes").sees("You agreed to ");
    assert_eq!(person.leaves().0, 0);

    meet(&ana, &bo);
    let agreed = ana
        .open(&["boundary", "show", id(&entry), "--json"])
        .ok()
        .json();
    assert_eq!(
        (&agreed["state"], &agreed["in_force"]),
        (&json!("agreed"), &json!("No phones at dinner."))
    );
    assert_eq!(agreed["reached"], true);
    assert_eq!(agreed["history"].as_array().unwrap().len(), 2, "{agreed}");

    let edited = ana
        .open(&[
            "boundary",
            "edit",
            id(&entry),
            "No phones at dinner or in bed.",
            "--json",
        ])
        .ok()
        .json();
    assert_eq!(
        (&edited["state"], &edited["in_force"]),
        (&json!("changed"), &json!("No phones at dinner."))
    );
    assert_eq!(
        ana.open(&[
            "boundary",
            "edit",
            id(&entry),
            "No phones at dinner or in bed.",
            "--json"
        ])
        .ok()
        .json(),
        edited,
        "the same again is no change"
    );
    meet(&ana, &bo);
    let declined = bo
        .open(&[
            "boundary",
            "decline",
            id(&theirs),
            "--reason",
            "On call.",
            "--json",
        ])
        .ok()
        .json();
    assert_eq!(
        declined["in_force"], "No phones at dinner.",
        "a no to the new words leaves the old ones"
    );
    let ended = bo
        .open(&["boundary", "end", id(&theirs), "--json"])
        .ok()
        .json();
    assert_eq!(
        (&ended["state"], &ended["in_force"]),
        (&json!("ended"), &Value::Null)
    );
    meet(&ana, &bo);
    let shown = ana.open(&["boundary", "show", id(&entry)]).ok().out;
    assert!(
        shown.contains("Bo declined") && shown.contains("On call.") && shown.contains("Bo ended"),
        "{shown}"
    );
}

#[test]
fn a_review_keeps_changes_or_ends_and_is_agreed_like_the_text_itself() {
    let (ana, bo) = a_pair();
    let entry = propose(&ana, &["No phones.", "--review-on", "2026-01-01"]);
    let id = id(&entry);
    let refused = |answer: &[&str], code: &str| {
        let failed = ana.open(&[&["boundary", "review", id, "--json"], answer].concat());
        failed.fails(6, code);
    };
    refused(&["keep", "--review-on", "2027-06-01"], "nothing_in_force");
    meet(&ana, &bo);
    bo.open(&["boundary", "agree", id, "--yes"]).ok();
    let due = bo.open(&["status", "--json"]).ok().json();
    assert_eq!(due["waiting_for_me"][0]["why"], "review");
    meet(&ana, &bo);

    let kept = [
        "boundary",
        "review",
        id,
        "keep",
        "--review-on",
        "2027-06-01",
    ];
    let kept = ana.open(&[&kept[..], &["--json"]].concat()).ok().json();
    assert_eq!(
        (&kept["state"], &kept["review_on"], &kept["agreed_by"]),
        (&json!("changed"), &json!("2027-06-01"), &json!(["Ana"])),
        "the older date is in force until Bo agrees"
    );
    refused(&["keep", "--review-on", "2028-01-01"], "changed_meanwhile");
    meet(&ana, &bo);
    bo.open(&["boundary", "agree", id, "--yes"]).ok();
    meet(&ana, &bo);
    let shown = ana.open(&["boundary", "show", id, "--json"]).ok().json();
    assert_eq!(
        (&shown["state"], &shown["reached"]),
        (&json!("agreed"), &json!(true))
    );

    let changed = [
        "boundary",
        "review",
        id,
        "change",
        "No phones, no tablets.",
        "--json",
    ];
    let changed = ana.open(&changed).ok().json();
    assert_eq!(
        (&changed["state"], &changed["in_force"]),
        (&json!("changed"), &json!("No phones."))
    );
    let ended = [
        "boundary", "review", id, "end", "--reason", "Enough.", "--json",
    ];
    assert_eq!(ana.open(&ended).ok().json()["state"], "ended");
}

#[test]
fn why_it_matters_stands_beside_the_words_and_is_each_person_s_own() {
    let (ana, bo) = a_pair();
    let entry = propose(&ana, &["No phones."]);
    let id = id(&entry);
    ana.open(&["boundary", "why", id, "I feel alone."]).ok();
    meet(&ana, &bo);
    bo.open(&["boundary", "why", id, "My work is loud."]).ok();
    bo.open(&["boundary", "agree", id, "--yes"]).ok();
    meet(&ana, &bo);
    let shown = ana.open(&["boundary", "show", id, "--json"]).ok().json();
    assert_eq!(
        shown["whys"],
        json!([{"by": "Ana", "why": "I feel alone."}, {"by": "Bo", "why": "My work is loud."}])
    );
    assert_eq!(shown["state"], "agreed", "why it matters is not agreed to");
    let words = ana.open(&["boundary", "show", id]).ok().out;
    assert!(
        words.contains("Why it matters to Bo:\nMy work is loud."),
        "{words}"
    );
}

#[test]
fn commands_at_once_lose_nothing() {
    let ana = Place::with_pair();
    let file = ana.path().join("passphrase");
    let running: Vec<_> = (0..8)
        .map(|n| {
            let text = format!("Number {n}.");
            let mut command =
                ana.command(&["boundary", "propose", &text, "--json", "--passphrase-file"]);
            command.arg(&file).spawn().unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let list = ana.open(&["boundary", "list", "--json"]).ok().json();
    let mut texts: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["text"].as_str().unwrap())
        .collect();
    texts.sort_unstable();
    assert_eq!(
        texts,
        (0..8).map(|n| format!("Number {n}.")).collect::<Vec<_>>()
    );
}
