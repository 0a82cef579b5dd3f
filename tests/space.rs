//! Space between two devices: what waits for its end, where it can be seen, and what never waits.
#![cfg(target_os = "linux")]

mod devices;

use devices::clocks::{DAY, shift};
use devices::{Device, Pair};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

fn ask(device: &Device, long: &str) -> Value {
    device
        .run(&[
            "space",
            "ask",
            "I need to think. I love you.",
            "--for",
            long,
        ])
        .ok()
}

fn talks(device: &Device) -> Vec<Value> {
    device
        .run(&["talk", "list"])
        .ok()
        .as_array()
        .unwrap()
        .clone()
}

fn begin(device: &Device, topic: &str, text: &str) -> Value {
    device.run(&["talk", "begin", "--topic", topic, text]).ok()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

/// Title and state of each.
fn seen(talks: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    talks
        .iter()
        .map(|talk| (text(&talk["title"]), text(&talk["state"])))
        .collect()
}

fn named(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(title, state)| ((*title).to_owned(), (*state).to_owned()))
        .collect()
}

#[test]
fn what_is_written_in_a_space_waits_visibly_and_goes_out_once_when_it_is_over() {
    let pair = Pair::new();
    let space = ask(&pair.ana, "24h");
    pair.meet();
    let here = pair.bo.status();
    assert_eq!(here["space"], space["until"]);
    assert_eq!(
        (&here["spaces"][0]["by"], &here["spaces"][0]["mine"]),
        (&json!("Ana"), &json!(false))
    );

    let first = begin(&pair.bo, "Saturday", "I was afraid.");
    assert_eq!(
        (&first["state"], &first["private"], &first["goes_out"]),
        (&json!("held"), &json!(true), &space["until"])
    );
    let rocky = pair.bo.run(&["rocky", "Can we talk tonight?"]).ok();
    assert_eq!(
        (&rocky["state"], &rocky["asked"]),
        (&json!("held"), &json!("Can we talk tonight?"))
    );
    let together = pair
        .bo
        .run(&[
            "talk",
            "begin",
            "--together",
            "--topic",
            "The move",
            "Mine.",
        ])
        .ok();
    assert_eq!(
        (&together["state"], &together["together"]),
        (&json!("held"), &json!(true))
    );
    let unsaid = begin(&pair.bo, "Never mind", "It can stay unsaid.");
    // They can be changed and thrown away, and each command that shows them does.
    let other = pair
        .bo
        .run(&["talk", "account", id(&first), "I was afraid, and alone."])
        .ok();
    assert_eq!(other["accounts"][0]["text"], "I was afraid, and alone.");
    pair.bo.run(&["talk", "keep-back", id(&unsaid)]).ok();
    assert_eq!(
        seen(&talks(&pair.bo)),
        named(&[("Saturday", "held"), ("", "held"), ("The move", "held")])
    );
    let held = pair.bo.status()["held"].clone();
    let titles: Vec<_> = held
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["title"])
        .collect();
    assert_eq!(titles, ["Saturday", "Can we talk tonight?", "The move"]);
    assert_eq!(held[0]["until"], space["until"]);

    // Nothing of them leaves the device.
    let met = pair.meet();
    assert_eq!((&met["sent"], &met["received"]), (&json!(0), &json!(0)));
    assert!(talks(&pair.ana).is_empty());

    // Ana ends it; at the meeting in which Bo's device learns of it, they go out.
    pair.ana.run(&["space", "over"]).ok();
    pair.meet();
    let out = named(&[("Saturday", "open"), ("", "asked"), ("The move", "open")]);
    for device in [&pair.ana, &pair.bo] {
        let there = talks(device);
        assert_eq!(seen(&there), out, "{}", device.name);
        assert!(there.iter().all(|talk| talk["private"] != true));
        assert_eq!(there[0]["accounts"][0]["text"], "I was afraid, and alone.");
        assert_eq!(there[2]["accounts"][0]["committed"], true);
        assert_eq!(device.status()["space"], Value::Null);
    }
    assert_eq!(pair.bo.status()["held"], json!([]));
    // Once.
    let met = pair.meet();
    assert_eq!((&met["sent"], &met["received"]), (&json!(0), &json!(0)));
    assert_eq!(seen(&talks(&pair.bo)), out);
    // And a new one does not wait any more.
    assert_eq!(begin(&pair.bo, "Sunday", "Thank you.")["state"], "open");
}

#[test]
fn a_space_ends_by_itself_and_what_waited_goes_out_at_the_next_start() {
    let mut pair = Pair::new();
    ask(&pair.ana, "1h");
    pair.meet();
    begin(&pair.bo, "Saturday", "I was afraid.");
    assert_eq!(pair.bo.status()["held"].as_array().unwrap().len(), 1);
    for device in [&mut pair.ana, &mut pair.bo] {
        shift(device, 2 * HOUR);
    }
    // Whatever starts is told to begin with what is due.
    assert_eq!(pair.bo.status()["held"], json!([]));
    assert_eq!(seen(&talks(&pair.bo)), named(&[("Saturday", "open")]));
    pair.meet();
    assert_eq!(seen(&talks(&pair.ana)), named(&[("Saturday", "open")]));
    assert_eq!(pair.ana.status()["waiting_for_me"][0]["why"], "hear");
}

#[test]
fn while_it_is_up_a_device_lets_out_what_waited_as_soon_as_it_hears_of_the_end() {
    let pair = Pair::new();
    ask(&pair.ana, "24h");
    pair.meet();
    begin(&pair.bo, "Saturday", "I was afraid.");
    let mut ana = pair.ana.up();
    let at = ana.listen.clone();
    let mut bo = pair.bo.up_with(&["--listen", "127.0.0.1:0", "--peer", &at]);
    bo.running.until("met");
    pair.ana.run_locked(&["space", "over"]).ok();
    let came = ana.running.until_such("the talk", |event| {
        event["event"] == "changed" && event["entry"]["kind"] == "talk"
    });
    assert_eq!(
        (&came["by"], &came["entry"]["title"]),
        (&json!("Bo"), &json!("Saturday"))
    );
    bo.running.until_such("it is out", |event| {
        event["event"] == "changed" && event["entry"]["kind"] == "talk"
    });
    ana.down();
    bo.down();
}

#[test]
fn what_was_on_its_way_is_kept_and_shown_at_the_end() {
    let pair = Pair::new();
    let talk = begin(&pair.bo, "Saturday", "I was afraid.");
    ask(&pair.ana, "24h");
    pair.meet();
    // It has reached Ana's device, and Ana is not shown it.
    assert_eq!(talks(&pair.bo)[0]["reached"], true);
    assert!(talks(&pair.ana).is_empty());
    assert_eq!(pair.ana.status()["waiting_for_me"], json!([]));
    let shown = pair.ana.run(&["talk", "show", id(&talk)]);
    assert_eq!(shown.failure(), (6, "kept_for_space".to_owned()));
    let found = |words| pair.ana.run(&["search", words]).ok();
    assert_eq!(found("afraid"), json!([]));
    let weeks = pair.ana.run(&["timeline"]).ok().to_string();
    assert!(!weeks.contains("Saturday"), "{weeks}");
    // What comes for it meanwhile is not told either.
    let mut up = pair.ana.up();
    pair.bo
        .run(&[
            "talk",
            "account",
            id(&talks(&pair.bo)[0]),
            "I was very afraid.",
        ])
        .ok();
    pair.bo.sync(&up.listen).ok();
    pair.ana.run_locked(&["space", "over"]).ok();
    let came = up.running.until_such("the talk", |event| {
        event["event"] == "changed" && event["entry"]["kind"] == "talk"
    });
    assert_eq!(came["entry"]["accounts"][0]["text"], "I was very afraid.");
    let told = up
        .running
        .seen()
        .iter()
        .filter(|event| event["event"] == "changed" && event["entry"]["kind"] == "talk");
    assert_eq!(told.count(), 1);
    up.down();
    assert_eq!(seen(&talks(&pair.ana)), named(&[("Saturday", "open")]));
    assert_eq!(pair.ana.status()["waiting_for_me"][0]["why"], "hear");
    assert_eq!(found("afraid").as_array().unwrap().len(), 1);
}

#[test]
fn a_space_that_comes_after_its_end_holds_nothing_and_a_clock_far_ahead_holds_72_hours() {
    let mut pair = Pair::new();
    // Ana's clock stands a year back: what she asks for is over when it comes.
    shift(&mut pair.ana, -365 * DAY);
    ask(&pair.ana, "3d");
    shift(&mut pair.ana, 0);
    pair.meet();
    assert_eq!(pair.bo.status()["space"], Value::Null);
    assert_eq!(
        begin(&pair.bo, "Saturday", "I was afraid.")["state"],
        "open"
    );

    // Then far ahead: it lasts 72 hours after it came, by Bo's clock.
    let mut pair = Pair::new();
    shift(&mut pair.ana, 1_000 * DAY);
    ask(&pair.ana, "1h");
    shift(&mut pair.ana, 0);
    pair.meet();
    assert_eq!(
        begin(&pair.bo, "Saturday", "I was afraid.")["state"],
        "held"
    );
    shift(&mut pair.bo, 3 * DAY - HOUR);
    assert_eq!(pair.bo.status()["held"].as_array().unwrap().len(), 1);
    shift(&mut pair.bo, 3 * DAY + HOUR);
    assert_eq!(seen(&talks(&pair.bo)), named(&[("Saturday", "open")]));
    // A clock that is put back to before it came cannot hold anybody either.
    let mut pair = Pair::new();
    ask(&pair.ana, "24h");
    pair.meet();
    shift(&mut pair.bo, -DAY);
    assert_eq!(
        begin(&pair.bo, "Saturday", "I was afraid.")["state"],
        "open"
    );
}

#[test]
fn where_both_ask_each_holds_what_the_other_begins() {
    let pair = Pair::new();
    ask(&pair.ana, "24h");
    ask(&pair.bo, "3d");
    pair.meet();
    for device in [&pair.ana, &pair.bo] {
        assert_eq!(begin(device, "Mine", "I was afraid.")["state"], "held");
        let spaces = device.status()["spaces"].clone();
        assert_eq!(spaces.as_array().unwrap().len(), 2);
        assert_eq!(
            (&spaces[0]["mine"], &spaces[1]["mine"]),
            (&json!(true), &json!(false))
        );
    }
    // Only who asked for one ends it, and it is theirs that ends.
    pair.ana.run(&["space", "over"]).ok();
    pair.meet();
    // Bo's talk is on Ana's device now; hers still waits for him.
    assert_eq!(
        seen(&talks(&pair.ana)),
        named(&[("Mine", "held"), ("Mine", "open")])
    );
    let refused = pair.ana.run(&["space", "over"]);
    assert_eq!(refused.failure(), (6, "partners_space".to_owned()));
}

#[test]
fn a_new_space_does_not_hold_what_waited_for_the_one_before() {
    let pair = Pair::new();
    ask(&pair.ana, "24h");
    pair.meet();
    begin(&pair.bo, "Saturday", "I was afraid.");
    // Ended and asked for again before Bo's device hears of either.
    pair.ana.run(&["space", "over"]).ok();
    ask(&pair.ana, "24h");
    pair.meet();
    assert_eq!(seen(&talks(&pair.bo)), named(&[("Saturday", "open")]));
    // Ana asked for space again, so it is kept for her until that one ends.
    assert!(talks(&pair.ana).is_empty());
    assert_eq!(begin(&pair.bo, "Sunday", "And then.")["state"], "held");
}

#[test]
fn a_program_that_stops_after_a_talk_went_out_does_not_let_it_out_again() {
    let pair = Pair::new();
    ask(&pair.ana, "24h");
    pair.meet();
    begin(&pair.bo, "Saturday", "I was afraid.");
    let waiting = pair.bo.copy();
    pair.ana.run(&["space", "over"]).ok();
    pair.meet();
    assert_eq!(talks(&pair.bo).len(), 1);
    // The draft is as it was before: what a power cut between the two stores leaves.
    for file in std::fs::read_dir(pair.bo.home()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.starts_with("private.db") {
            std::fs::remove_file(pair.bo.home().join(&name)).unwrap();
        }
    }
    for file in std::fs::read_dir(waiting.home()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with("private.db") {
            std::fs::copy(file.path(), pair.bo.home().join(file.file_name())).unwrap();
        }
    }
    assert_eq!(seen(&talks(&pair.bo)), named(&[("Saturday", "open")]));
    assert_eq!(pair.bo.status()["held"], json!([]));
    let met = pair.meet();
    assert_eq!((&met["sent"], &met["received"]), (&json!(0), &json!(0)));
    assert_eq!(talks(&pair.ana).len(), 1);
}

#[test]
fn ending_leaving_and_what_began_before_never_wait() {
    let pair = Pair::new();
    let boundary = pair.ana.propose("No phones at dinner.");
    let talk = begin(&pair.ana, "Friday", "I was tired.");
    pair.meet();
    pair.bo.run(&["boundary", "agree", &boundary]).ok();
    pair.meet();
    ask(&pair.ana, "3d");
    pair.meet();
    // An agreement ends, and a talk that is there goes on, at once and for both to see.
    pair.bo.run(&["boundary", "end", &boundary]).ok();
    pair.bo
        .run(&["talk", "account", id(&talk), "I did not notice."])
        .ok();
    begin(&pair.bo, "Saturday", "I was afraid.");
    pair.meet();
    assert_eq!(pair.ana.only()["state"], "ended");
    let there = talks(&pair.ana);
    assert_eq!(there.len(), 1);
    assert_eq!(there[0]["accounts"][1]["text"], "I did not notice.");
    // Exporting holds what waits, too.
    let to = pair.bo.home().with_file_name("export");
    let exported = pair
        .bo
        .run(&["export", "--yes", "--to", to.to_str().unwrap()]);
    assert_eq!(exported.exit, 0, "{exported:#?}");
    let whole = std::process::Command::new("grep")
        .args(["-rq", "I was afraid."])
        .arg(&to)
        .status()
        .unwrap();
    assert!(whole.success());
    // Leaving asks nobody, and waits for nothing.
    let left = pair.bo.run_locked(&["leave", "--yes"]);
    assert_eq!(left.exit, 0, "{left:#?}");
    assert!(!pair.bo.home().exists());
}
