//! What is asked across all entries, and of every version of one.

use serde_json::{Value, json};

use crate::harness::{Place, a_pair, meet};

fn json_of(place: &Place, command: &[&str]) -> Value {
    place.open(&[command, &["--json"]].concat()).ok().json()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

#[test]
fn every_version_is_kept_with_who_agreed_to_it_and_two_are_compared_word_by_word() {
    let (ana, bo) = a_pair();
    let entry = json_of(
        &ana,
        &[
            "boundary",
            "propose",
            "No phones at dinner.",
            "--title",
            "Evenings",
        ],
    );
    let id = id(&entry);
    meet(&ana, &bo);
    json_of(&bo, &["boundary", "agree", id]);
    json_of(
        &bo,
        &["boundary", "edit", id, "No phones at dinner or in bed."],
    );
    meet(&ana, &bo);
    json_of(
        &ana,
        &[
            "boundary",
            "edit",
            id,
            "No phones at dinner or in bed, but for the hospital.",
        ],
    );

    let history = json_of(&ana, &["history", id]);
    let versions = history["versions"].as_array().unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|v| {
            (
                v["version"].clone(),
                v["by"].clone(),
                v["agreed_by"].clone(),
                v["in_force"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(1), json!("Ana"), json!(["Ana", "Bo"]), json!(true)),
            (json!(2), json!("Bo"), json!([]), json!(false)),
            (json!(3), json!("Ana"), json!([]), json!(false)),
        ]
    );
    assert_eq!(history["acts"].as_array().unwrap().len(), 2);

    let diff = json_of(&ana, &["diff", id]);
    assert_eq!(
        (&diff["from"]["version"], &diff["to"]["version"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        diff["text"],
        json!([
            {"is": "same", "words": "No phones at dinner"},
            {"is": "added", "words": " or in bed, but for the hospital"},
            {"is": "same", "words": "."}
        ])
    );
    let words = ana
        .open(&["diff", id, "--from", "3", "--to", "in-force"])
        .ok()
        .out;
    assert!(
        words.contains("[- or in bed, but for the hospital-]"),
        "{words}"
    );
    let theirs = json_of(&ana, &["diff", id, "--from", "theirs", "--to", "2"]);
    assert_eq!(theirs["from"]["version"], 1);
    ana.open(&["diff", id, "--from", "9", "--json"])
        .fails(1, "no_such_version");
    ana.open(&["history", "zzzzz", "--json"])
        .fails(1, "unknown_id");
    let shown = ana.open(&["history", id]).ok().out;
    assert!(
        shown.contains("agreed to by Ana and Bo") && shown.contains("as it stands now"),
        "{shown}"
    );
}

#[test]
fn what_two_wrote_at_once_is_a_version_that_nobody_wrote() {
    let (ana, bo) = a_pair();
    let entry = json_of(&ana, &["boundary", "propose", "No phones at dinner."]);
    let id = id(&entry);
    meet(&ana, &bo);
    json_of(
        &ana,
        &["boundary", "edit", id, "No phones at dinner, please."],
    );
    json_of(
        &bo,
        &["boundary", "edit", id, "No phones or tablets at dinner."],
    );
    meet(&ana, &bo);
    let history = json_of(&bo, &["history", id]);
    let last = history["versions"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["by"], &last["text"], &last["current"]),
        (
            &Value::Null,
            &json!("No phones or tablets at dinner, please."),
            &json!(true)
        )
    );
}

#[test]
fn words_are_found_whatever_their_accents_and_capitals() {
    let (ana, _) = a_pair();
    let entry = json_of(
        &ana,
        &[
            "boundary",
            "propose",
            "We meet at the CAF\u{c9} after work.",
            "--title",
            "Mondays",
        ],
    );
    json_of(&ana, &["feel", "A cafe makes me calm."]);
    let found = json_of(&ana, &["search", "caf\u{e9}"]);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let private: Vec<_> = found.iter().map(|found| found["private"] == true).collect();
    assert_eq!(private.iter().filter(|private| **private).count(), 1);
    let boundary = found
        .iter()
        .find(|found| found["kind"] == "boundary")
        .unwrap();
    assert_eq!(
        (&boundary["id"], &boundary["field"], &boundary["title"]),
        (&entry["id"], &json!("text"), &json!("Mondays"))
    );
    let snippet = boundary["snippet"].as_str().unwrap();
    let hit = &boundary["hits"][0];
    let at = |n: usize| usize::try_from(hit[n].as_u64().unwrap()).unwrap();
    assert_eq!(&snippet[at(0)..at(1)], "CAF\u{c9}");
    assert_eq!(json_of(&ana, &["search", "\"after cafe\""]), json!([]));
    // Neither an id nor a name is a word that somebody wrote in an entry.
    assert_eq!(json_of(&ana, &["search", "proposed"]), json!([]));
    let edited = json_of(
        &ana,
        &["boundary", "edit", id(&entry), "We meet in the park."],
    );
    assert_eq!(json_of(&ana, &["search", "park"])[0]["id"], edited["id"]);
    ana.open(&["search", "--json"]).fails(2, "wrong_use");
}

#[test]
fn the_timeline_has_everything_by_week_and_due_what_has_come_to_its_day() {
    let (ana, bo) = a_pair();
    assert_eq!(json_of(&ana, &["timeline"]), json!([]));
    let entry = json_of(
        &ana,
        &[
            "boundary",
            "propose",
            "No phones.",
            "--review-on",
            "2026-01-01",
        ],
    );
    json_of(&ana, &["lesson", "propose", "We call."]);
    json_of(&ana, &["feel", "Tired."]);
    let weeks = json_of(&ana, &["timeline"]);
    // Around midnight on a Sunday it may be two.
    let kinds: Vec<&Value> = weeks
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|week| week["entries"].as_array().unwrap())
        .map(|entry| &entry["kind"])
        .collect();
    assert_eq!(kinds, ["boundary", "lesson", "feeling"]);
    assert_eq!(
        json_of(&ana, &["due"]),
        json!([]),
        "what is not agreed is not due"
    );
    meet(&ana, &bo);
    json_of(&bo, &["boundary", "agree", id(&entry)]);
    let due = json_of(&bo, &["due"]);
    assert_eq!(
        (&due[0]["id"], &due[0]["why"], &due[0]["on"]),
        (&entry["id"], &json!("review"), &json!("2026-01-01"))
    );
    assert_eq!(json_of(&bo, &["due", "--until", "2025-12-31"]), json!([]));
    let theirs = json_of(&bo, &["timeline"]);
    let all: usize = theirs
        .as_array()
        .unwrap()
        .iter()
        .map(|week| week["entries"].as_array().unwrap().len())
        .sum();
    assert_eq!(all, 2, "what Ana feels is hers: {theirs}");
    let shown = bo.open(&["timeline"]).ok().out;
    assert!(shown.starts_with("Week of "), "{shown}");
}
