//! Talks on one device: what is said of them, wrong uses, and one that is written with questions, left and gone on with.

use serde_json::{Value, json};

use crate::harness::{Person, Place, a_pair, meet, said_with};

const LATER: &str = ":later\r";

fn talk(place: &Place, arguments: &[&str]) -> Value {
    place
        .open(&[&["talk"], arguments, &["--json"]].concat())
        .ok()
        .json()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

/// Each entry of the list: its state, its title, and whether it is private.
fn listed(place: &Place) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = talk(place, &["list"]);
    let list = list.as_array().unwrap().iter();
    list.map(|entry| {
        let private = entry["private"] == json!(true);
        (text(&entry["state"]), text(&entry["title"]), private)
    })
    .collect()
}

fn is(state: &str, title: &str, private: bool) -> (String, String, bool) {
    (state.to_owned(), title.to_owned(), private)
}

/// A person at a terminal who gave this command.
fn person(place: &Place, arguments: &[&str]) -> Person {
    let mut command = place.command(&[&["talk"], arguments].concat());
    let file = place.path().join("passphrase");
    Person::at(command.arg("--passphrase-file").arg(file))
}

fn leaves(person: Person, code: i32) {
    let (left, seen) = person.leaves();
    assert_eq!(left, code, "{seen}");
}

#[test]
fn a_talk_is_begun_listed_and_shown_in_words() {
    let ana = Place::with_pair();
    let none = ana.open(&["talk", "list"]).ok();
    assert!(none.out.contains("amends talk begin"), "{none:?}");

    let begun = talk(
        &ana,
        &["begin", "I waited until two.\nI was afraid.\u{1b}[2J"],
    );
    for (field, value) in [
        ("kind", json!("talk")),
        ("state", json!("open")),
        ("title", json!("I waited until two.")),
        ("author", json!("Ana")),
        ("reached", json!(false)),
        ("together", json!(false)),
    ] {
        assert_eq!(begun[field], value, "{field}");
    }
    let id = id(&begun);
    let list = ana.open(&["talk", "list"]).ok().out;
    assert!(list.starts_with(&format!("{id}  open  waiting")), "{list}");
    let shown = ana.open(&["talk", "show", id]).ok().out;
    for words in [
        "Ana tells:\nI waited until two.\nI was afraid.",
        "Bo has not told anything yet.",
        "It has not wholly reached your partner's device yet.",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");

    // A topic alone begins one too, where nobody can be asked.
    let topic = talk(&ana, &["begin", "--topic", "The move"]);
    assert_eq!(topic["accounts"][0]["text"], Value::Null);
    // What is told together is not in the topic, and says how to keep it back.
    let together = ana.open(&["talk", "begin", "--together", "I was ashamed."]);
    let together = together.ok().out;
    assert!(together.contains("amends talk keep-back"), "{together}");
    assert_eq!(
        listed(&ana),
        [
            is("open", "I waited until two.", false),
            is("open", "The move", false),
            is("open", "", false)
        ]
    );
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_begun() {
    let ana = Place::with_pair();
    let refused = |arguments: &[&str], exit: i32, code: &str| {
        let said = ana.open(&[&["talk"], arguments, &["--json"]].concat());
        assert_eq!((said.code, said.error().as_str()), (exit, code), "{said:?}");
    };
    refused(&["begin"], 2, "no_guide");
    refused(&["begin", " "], 6, "text_empty");
    refused(&["begin", "--from", "zzzz", "I was late."], 1, "unknown_id");
    refused(&["begin", "--resume", "zzzz"], 1, "unknown_id");
    refused(&["account", "zzzz"], 1, "unknown_id");
    assert_eq!(listed(&ana), []);
    let quiet = ana.open(&["talk", "begin"]);
    assert_eq!(quiet.code, 2, "{quiet:?}");
    // Standard input is no terminal.
    let mut command = ana.command(&["talk", "begin", "--topic", "Saturday"]);
    let file = ana.path().join("passphrase");
    let said = said_with(command.arg("--passphrase-file").arg(file));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("nobody can be asked"), "{said:?}");
    assert_eq!(listed(&ana), []);

    let begun = talk(&ana, &["begin", "--topic", "Saturday", "I waited."]);
    let id = id(&begun);
    refused(&["begin", "--resume", id, "I waited."], 1, "unknown_id");
    refused(&["account", id], 2, "nothing_typed");
    // There is no answer that nobody gave, and none to what nobody heard.
    refused(&["meant", id], 2, "wrong_use");
    refused(&["meant", id, "yes"], 6, "nothing_heard");
    refused(&["heard", id, "Nothing."], 6, "nothing_to_hear");
    refused(&["keep-back", id], 6, "nothing_to_keep_back");
    assert_eq!(listed(&ana), [is("open", "Saturday", false)]);
}

#[test]
fn a_talk_left_for_later_is_a_private_draft_until_it_is_finished() {
    let (ana, bo) = a_pair();
    let from = ana.open(&["boundary", "propose", "We call.", "--json"]);
    let from = from.ok().json();
    let options = ["begin", "--from", id(&from), "--language", "de"];
    let mut writes = person(&ana, &options);
    writes
        .sees("1 of 2. What is it about?")
        .sees("You can leave this empty.")
        .presses("Saturday evening\r")
        .sees("2 of 2. How was it for you?")
        .sees("You can leave this empty.")
        .presses("I waited until two.\r")
        .presses(LATER)
        .sees("Kept as the draft ")
        .sees("amends talk begin --resume ");
    leaves(writes, 0);
    assert_eq!(listed(&ana), [is("draft", "Saturday evening", true)]);
    let draft = talk(&ana, &["list"])[0].clone();
    assert_eq!(draft["accounts"][0]["text"], "I waited until two.");
    meet(&ana, &bo);
    assert_eq!(listed(&bo), []);
    let status = ana.open(&["status", "--json"]).ok().json();
    assert_eq!(
        status["waiting_for_me"],
        json!([]),
        "a draft presses nobody"
    );

    // Ctrl-C loses nothing either.
    let mut writes = person(&ana, &["begin", "--resume", id(&draft)]);
    writes
        .sees("What you wrote before is still here.")
        .sees("1 of 2")
        .sees("Saturday evening")
        .presses("\r")
        .sees("2 of 2")
        .sees("I waited until two.")
        .presses(" I was afraid.")
        .sees("afraid.")
        .presses("\x03")
        .sees("thrown away.")
        .presses("\r")
        .sees("Kept as the draft ");
    leaves(writes, 0);
    assert_eq!(listed(&ana), [is("draft", "Saturday evening", true)]);

    // Thrown away is only what was written just now.
    let mut writes = person(&ana, &["begin", "--resume", id(&draft)]);
    writes
        .sees("1 of 2")
        .sees("Saturday evening")
        .presses(" or so\r")
        .sees("2 of 2")
        .sees("I was afraid.")
        .presses("\x03")
        .sees("thrown away.")
        .presses("\x03")
        .sees("Stopped, and nothing was kept.");
    leaves(writes, 1);
    assert_eq!(listed(&ana), [is("draft", "Saturday evening", true)]);

    let mut writes = person(&ana, &["begin", "--resume", id(&draft)]);
    writes
        .sees("1 of 2")
        .sees("Saturday evening")
        .presses("\r")
        .sees("2 of 2")
        .sees("I was afraid.")
        .presses("\r")
        .sees("This is what you wrote:")
        .sees("You began ");
    leaves(writes, 0);
    assert_eq!(listed(&ana), [is("open", "Saturday evening", false)]);
    let begun = talk(&ana, &["list"])[0].clone();
    let told = &begun["accounts"][0]["text"];
    assert_eq!(told, "I waited until two. I was afraid.");
    // What the draft came from was not lost.
    assert_eq!(begun["from"], from["id"]);
    let again = ana.open(&["talk", "begin", "--resume", id(&draft), "Again.", "--json"]);
    again.fails(1, "unknown_id");

    meet(&ana, &bo);
    assert_eq!(listed(&bo), [is("open", "Saturday evening", false)]);
    let theirs = talk(&bo, &["show", id(&begun)]);
    assert!(!theirs.to_string().contains("or so"), "{theirs}");
}

#[test]
fn an_account_left_for_later_waits_beside_its_talk() {
    let ana = Place::with_pair();
    let begun = talk(&ana, &["begin", "--topic", "Saturday"]);
    let id = id(&begun);
    let mut writes = person(&ana, &["account", id]);
    writes
        .sees("1 of 1. How was it for you?")
        .sees("You can leave this empty.")
        .presses("I waited.\r")
        .presses(LATER)
        .sees(&format!(
            "Go on with it whenever you like: amends talk account {id}"
        ));
    leaves(writes, 0);
    let shown = talk(&ana, &["show", id]);
    assert_eq!(shown["accounts"][0]["text"], Value::Null);
    let list = talk(&ana, &["list"]);
    let draft = &list[1];
    assert_eq!(
        (&draft["state"], &draft["draft_of"], &draft["private"]),
        (&json!("draft"), &json!(id), &json!(true))
    );

    let mut writes = person(&ana, &["account", id]);
    writes
        .sees("1 of 1")
        .sees("I waited.")
        .presses(" Until two.\r")
        .presses("\r")
        .sees("You told your account in ");
    leaves(writes, 0);
    let list = talk(&ana, &["list"]);
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list[0]["accounts"][0]["text"], "I waited. Until two.");
}

#[test]
fn one_told_together_stays_so_through_its_draft() {
    let ana = Place::with_pair();
    let mut writes = person(&ana, &["begin", "--together"]);
    writes
        .sees("1 of 2")
        .sees("empty.")
        .presses("\r")
        .sees("2 of 2")
        .sees("empty.")
        .presses("I was ashamed.\r")
        .presses(LATER)
        .sees("Kept as the draft ");
    leaves(writes, 0);
    let draft = talk(&ana, &["list"])[0].clone();
    let fixed = talk(
        &ana,
        &["begin", "--resume", id(&draft), "I was ashamed of it."],
    );
    assert_eq!(
        (&fixed["together"], &fixed["title"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(
        fixed["accounts"][0]["keeping"],
        json!({ "state": "waiting", "text": "I was ashamed of it." })
    );
    assert_eq!(listed(&ana), [is("open", "", false)]);
    // What is fixed has one version, which is said before anybody writes another.
    let mut writes = person(&ana, &["account", id(&fixed)]);
    writes.sees("once");
    leaves(writes, 6);
}

#[test]
fn a_draft_is_thrown_away_by_who_wrote_it() {
    let ana = Place::with_pair();
    let leave = |words: &str| {
        let mut writes = person(&ana, &["begin"]);
        writes
            .sees("1 of 2")
            .sees("empty.")
            .presses(words)
            .presses("\x04")
            .sees("Kept as the draft ");
        leaves(writes, 0);
        let draft = talk(&ana, &["list"])[0].clone();
        id(&draft).to_owned()
    };
    let draft = leave("Saturday");
    let said = ana.open(&["talk", "keep-back", &draft]).ok();
    assert!(said.out.starts_with("You threw away "), "{said:?}");
    assert_eq!(listed(&ana), []);

    // To go through all of it and leave nothing there says the same; to stop in between does not.
    let draft = leave("Sunday");
    let mut writes = person(&ana, &["begin", "--resume", &draft]);
    writes
        .sees("Sunday")
        .presses(":empty\r")
        .sees("with Enter.")
        .presses("\x04")
        .sees("Kept as the draft ");
    leaves(writes, 0);
    assert_eq!(listed(&ana), [is("draft", "Sunday", true)]);
    let mut writes = person(&ana, &["begin", "--resume", &draft]);
    writes
        .sees("Sunday")
        .presses(":empty\r")
        .sees("with Enter.")
        .presses("\r")
        .sees("2 of 2")
        .sees("empty.")
        .presses("\r")
        .sees("You threw away ");
    leaves(writes, 0);
    assert_eq!(listed(&ana), []);

    // Nothing was written, and nothing is kept.
    let mut writes = person(&ana, &["begin"]);
    writes.sees("1 of 2").sees("empty.").presses("\x04");
    writes.sees("Stopped, and nothing was kept.");
    leaves(writes, 1);
    assert_eq!(listed(&ana), []);
}

#[test]
fn words_that_cannot_be_given_yet_are_kept() {
    let ana = Place::with_home();
    let mut writes = person(&ana, &["begin"]);
    writes
        .sees("1 of 2")
        .sees("empty.")
        .presses("Saturday\r")
        .sees("2 of 2")
        .sees("empty.")
        .presses("I waited.\r\r")
        .sees("Kept as the draft ")
        .sees("This journal has no partner yet.");
    leaves(writes, 4);
    assert_eq!(listed(&ana), [is("draft", "Saturday", true)]);
}
