//! Space, asked for and ended on one device.

use serde_json::{Value, json};

use crate::harness::Place;

fn ask(place: &Place, more: &[&str]) -> Value {
    place
        .open(&[&["space", "ask", "--json"], more].concat())
        .ok()
        .json()
}

fn status(place: &Place) -> Value {
    place.open(&["status", "--json"]).ok().json()
}

fn millis(time: &Value) -> i64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

#[test]
fn a_space_lasts_as_long_as_it_was_asked_for_or_until_it_is_ended() {
    let ana = Place::with_pair();
    assert_eq!(status(&ana)["space"], Value::Null);
    let space = ask(&ana, &["I need a quiet day. I love you.", "--for", "24h"]);
    for (field, value) in [
        ("kind", json!("space")),
        ("title", json!("")),
        ("words", json!("I need a quiet day. I love you.")),
        ("state", json!("lasts")),
        ("author", json!("Ana")),
        ("reached", json!(false)),
        ("over", Value::Null),
    ] {
        assert_eq!(space[field], value, "{field}");
    }
    let long = millis(&space["until"]) - millis(&space["created"]);
    let day = 24 * 3_600_000;
    assert!((day - 60_000..=day).contains(&long), "{long}");
    assert_eq!(space["ends"], space["until"]);
    assert_eq!(
        ana.open(&["space", "list", "--json"]).ok().json(),
        json!([space])
    );

    let now = status(&ana);
    assert_eq!(now["space"], space["ends"]);
    assert_eq!(now["spaces"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&now["spaces"][0]["by"], &now["spaces"][0]["mine"]),
        (&json!("Ana"), &json!(true))
    );
    let words = ana.open(&["status"]).ok().out;
    assert!(words.contains("You asked for space until"), "{words}");

    let over = ana.open(&["space", "over", "--json"]).ok().json();
    assert_eq!(
        (&over["id"], &over["state"]),
        (&space["id"], &json!("over"))
    );
    assert!(over["over"].is_string());
    assert_eq!(status(&ana)["space"], Value::Null);
    // Another one can be asked for at once, and both are there to see.
    ask(&ana, &["--for", "90m"]);
    let all = ana.open(&["space", "list", "--json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(
        (&all[0]["state"], &all[1]["state"]),
        (&json!("over"), &json!("lasts"))
    );
}

#[test]
fn nobody_asks_for_more_than_three_days_or_twice_at_once() {
    let ana = Place::with_pair();
    for wrong in [
        &["--for", "73h"][..],
        &["--for", "0m"],
        &["--for", "soon"],
        &["--until", "tomorrow"],
        &[],
        &["--for", "1h", "--until", "18:00"],
    ] {
        let said = ana.open(&[&["space", "ask", "--json"], wrong].concat());
        assert_eq!((said.code, said.error().as_str()), (2, "wrong_use"));
    }
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(73);
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    for wrong in [later, past] {
        let said = ana.open(&["space", "ask", "--json", "--until", &wrong.to_string()]);
        assert_eq!((said.code, said.error().as_str()), (6, "space_length"));
    }
    assert_eq!(
        ana.open(&["space", "list", "--json"]).ok().json(),
        json!([])
    );

    let long = ask(&ana, &["--for", "3d"]);
    let more = ana.open(&["space", "ask", "--json", "--for", "3d"]);
    assert_eq!((more.code, more.error().as_str()), (6, "space_lasts"));
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let shorter = ana.open(&["space", "ask", "--json", "--until", &until.to_string()]);
    assert_eq!(shorter.error(), "space_lasts");
    assert_eq!(
        ana.open(&["space", "list", "--json"]).ok().json(),
        json!([long])
    );
}

#[test]
fn what_cannot_be_ended_is_said_and_stays() {
    let ana = Place::with_pair();
    let none = ana.open(&["space", "over", "--json"]);
    assert_eq!((none.code, none.error().as_str()), (6, "no_space"));
    let space = ask(&ana, &["--for", "1h"]);
    let id = space["id"].as_str().unwrap();
    ana.open(&["space", "over", id]).ok();
    let again = ana.open(&["space", "over", id, "--json"]);
    assert_eq!((again.code, again.error().as_str()), (6, "no_space"));
    let boundary = ana
        .open(&["boundary", "propose", "--json", "No phones."])
        .ok()
        .json();
    let other = ana.open(&["space", "over", boundary["id"].as_str().unwrap(), "--json"]);
    assert_eq!(other.error(), "no_space");
    let unknown = ana.open(&["space", "over", "zz", "--json"]);
    assert_eq!(unknown.error(), "unknown_id");
}

#[test]
fn it_says_plainly_what_waits_and_what_does_not() {
    let ana = Place::with_pair();
    let said = ana.open(&["space", "ask", "--for", "2h"]).ok().out;
    assert!(said.contains("go out by themselves when it ends"), "{said}");
    assert!(
        said.contains("ending a boundary, leaving and exporting go on as ever"),
        "{said}"
    );
    let said = ana.open(&["space", "over"]).ok().out;
    assert!(said.contains("The space is over"), "{said}");
}

#[test]
fn before_pairing_there_is_nobody_to_ask() {
    let ana = Place::with_home();
    let said = ana.open(&["space", "ask", "--for", "2h", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (4, "not_paired"));
}
