//! A month in the life of two people, with clocks that are moved from day to day. Each writes where they are; they meet on
//! half of the days.
#![cfg(target_os = "linux")]

mod devices;

use devices::clocks::{DAY, set};
use devices::{Device, Pair};
use serde_json::{Value, json};

/// Monday, the first of February 2027, eight o'clock.
const FIRST: i64 = 1_801_468_800;

struct Month {
    pair: Pair,
}

impl Month {
    /// It is this day of the month, at this hour, for both.
    fn day(&mut self, day: i64, hour: i64) {
        for device in [&mut self.pair.ana, &mut self.pair.bo] {
            set(device, FIRST + (day - 1) * DAY + (hour - 8) * 3_600);
        }
    }

    fn meet(&self) {
        self.pair.meet();
    }
}

fn does(device: &Device, arguments: &[&str]) -> Value {
    device.run(arguments).ok()
}

fn id(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

/// What waits for somebody: kinds and whys.
fn waits(device: &Device) -> Vec<(String, String)> {
    let status = device.status();
    let waiting = status["waiting_for_me"].as_array().unwrap();
    let of = |waits: &Value, field: &str| waits[field].as_str().unwrap().to_owned();
    waiting
        .iter()
        .map(|waits| (of(waits, "kind"), of(waits, "why")))
        .collect()
}

/// The state of one entry, as this device sees it.
fn state(device: &Device, kind: &str, id: &str) -> Value {
    does(device, &[kind, "show", id])["state"].clone()
}

#[test]
fn a_month_of_two_people_who_are_apart_half_of_the_time() {
    let mut pair = Pair::new();
    for device in [&mut pair.ana, &mut pair.bo] {
        device.set("TZ", "UTC");
    }
    let mut month = Month { pair };

    // The first week: what happened, told by each and heard by each.
    month.day(1, 9);
    let ana = &month.pair.ana;
    does(ana, &["feel", "I am empty.", "--because", "Saturday."]);
    let begun = [
        "talk",
        "begin",
        "--topic",
        "Saturday",
        "I waited until two.",
    ];
    let talk = id(&does(ana, &begun));
    month.day(2, 20);
    month.meet();
    let bo = &month.pair.bo;
    assert_eq!(waits(bo), [("talk".into(), "hear".into())]);
    does(bo, &["talk", "heard", &talk, "You were alone."]);
    does(
        bo,
        &[
            "talk",
            "account",
            &talk,
            "My phone was dead, and I was ashamed.",
        ],
    );
    month.day(3, 7);
    month.meet();
    let ana = &month.pair.ana;
    does(ana, &["talk", "meant", &talk, "yes"]);

    // Ana asks for two days of space. What Bo writes meanwhile waits with him; a boundary can be answered all the same.
    let space = [
        "space",
        "ask",
        "I come back to it on Friday.",
        "--for",
        "48h",
    ];
    does(ana, &space);
    month.meet();
    let bo = &month.pair.bo;
    let until = bo.status()["space"].as_str().unwrap().to_owned();
    assert!(
        until.starts_with("2027-02-05T07:"),
        "two days from the third at seven: {until}"
    );
    month.day(4, 22);
    let bo = &month.pair.bo;
    let held = does(
        bo,
        &["talk", "begin", "--topic", "Money", "It weighs on me."],
    );
    assert_eq!(held["state"], "held");
    does(bo, &["rocky", "When you are back: can we talk?"]);
    month.meet();
    let topics = |device: &Device| -> Vec<String> {
        let list = does(device, &["talk", "list"]);
        let title = |talk: &Value| talk["title"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(title).collect()
    };
    assert_eq!(
        topics(&month.pair.ana),
        ["Saturday"],
        "nothing of Bo's came"
    );
    month.day(5, 8);
    // It ended by itself; what was held goes out with the next meeting.
    assert_eq!(month.pair.bo.status()["space"], Value::Null);
    month.meet();
    let seen = topics(&month.pair.ana);
    assert!(
        seen.contains(&"Money".to_owned()) && seen.len() == 3,
        "{seen:?}"
    );
    does(
        &month.pair.ana,
        &["talk", "heard", &talk, "You were ashamed."],
    );
    month.meet();
    does(&month.pair.bo, &["talk", "meant", &talk, "yes"]);
    does(&month.pair.bo, &["talk", "settle", &talk]);
    month.meet();
    does(&month.pair.ana, &["talk", "settle", &talk]);
    month.meet();
    assert_eq!(state(&month.pair.bo, "talk", &talk), "settled");

    // The second week, apart: each writes alone, and both change one boundary at once.
    month.day(8, 12);
    let ana = &month.pair.ana;
    let words = "We call when we are late.";
    let boundary = [
        "boundary",
        "propose",
        words,
        "--title",
        "Late",
        "--review-on",
        "2027-02-20",
    ];
    let boundary = id(&does(ana, &boundary));
    month.meet();
    month.day(10, 12);
    does(
        &month.pair.ana,
        &[
            "boundary",
            "edit",
            &boundary,
            "We call when we are late, at once.",
        ],
    );
    does(
        &month.pair.bo,
        &[
            "boundary",
            "edit",
            &boundary,
            "We call or write when we are late.",
        ],
    );
    month.day(13, 12);
    month.meet();
    for device in [&month.pair.ana, &month.pair.bo] {
        let shown = does(device, &["boundary", "show", &boundary]);
        assert_eq!(shown["text"], "We call or write when we are late, at once.");
        does(device, &["boundary", "agree", &boundary]);
    }
    month.meet();
    let lesson = [
        "lesson",
        "propose",
        "Silence hurts more than bad news.",
        "--from",
        &talk,
    ];
    let lesson = id(&does(&month.pair.bo, &lesson));
    month.day(14, 12);
    month.meet();
    does(&month.pair.ana, &["lesson", "agree", &lesson]);

    // The third week: an apology, written in private, given, and answered in its own time.
    month.day(15, 12);
    let bo = &month.pair.bo;
    let draft = [
        "apology",
        "write",
        "--did",
        "I did not call.",
        "--own",
        "It was mine to do.",
    ];
    let draft = id(&does(bo, &draft));
    month.meet();
    assert_eq!(
        does(&month.pair.ana, &["apology", "list"]),
        json!([]),
        "a draft is Bo's alone"
    );
    let apology = id(&does(&month.pair.bo, &["apology", "give", &draft, "--yes"]));
    month.meet();
    assert!(
        !waits(&month.pair.ana)
            .iter()
            .any(|(kind, _)| kind == "apology")
    );
    does(&month.pair.ana, &["apology", "answer", &apology, "not-yet"]);
    let own = month
        .pair
        .bo
        .run(&["apology", "answer", &apology, "forgiven"]);
    assert_eq!(own.failure().0, 6, "nobody answers their own: {own:#?}");

    // A set time to talk, that both agree to; what came of the first one is confirmed later.
    let schedule = [
        "checkin", "schedule", "--days", "mon,thu", "--at", "19:30", "--zone", "UTC",
    ];
    let schedule = id(&does(&month.pair.ana, &schedule));
    month.meet();
    does(&month.pair.bo, &["checkin", "agree", &schedule]);
    month.day(16, 12);
    let outcome = [
        "checkin",
        "record",
        "--outcome",
        "We call each other at lunch.",
    ];
    let session = id(&does(&month.pair.ana, &outcome));

    // A plan, and what has come to its day.
    let plan = [
        "plan",
        "add",
        "A day by the sea.",
        "--title",
        "Sea",
        "--date",
        "2027-02-27",
    ];
    let plan = id(&does(&month.pair.ana, &plan));
    let step = [
        "plan",
        "step",
        &plan,
        "Book the train",
        "--owner",
        "partner",
        "--due",
        "2027-02-22",
        "--confirm",
    ];
    does(&month.pair.ana, &step);
    does(
        &month.pair.ana,
        &["plan", "wish", &plan, "Fish on the pier", "--what", "food"],
    );
    month.day(20, 12);
    month.meet();
    let due = |device: &Device| -> Vec<String> {
        let due = does(device, &["due"]);
        let why = |due: &Value| due["why"].as_str().unwrap().to_owned();
        due.as_array().unwrap().iter().map(why).collect()
    };
    assert_eq!(due(&month.pair.bo), ["review"]);
    let keep = [
        "boundary",
        "review",
        &boundary,
        "keep",
        "--review-on",
        "2027-05-20",
    ];
    does(&month.pair.bo, &keep);
    month.day(22, 12);
    month.meet();
    does(&month.pair.ana, &["boundary", "agree", &boundary]);
    assert_eq!(due(&month.pair.bo), ["step"]);
    assert!(waits(&month.pair.bo).contains(&("plan".into(), "due".into())));
    does(&month.pair.bo, &["plan", "done", &plan, "1"]);
    month.day(24, 12);
    month.meet();
    assert!(waits(&month.pair.ana).contains(&("plan".into(), "confirm".into())));
    does(&month.pair.ana, &["plan", "confirm", &plan, "1"]);
    does(
        &month.pair.ana,
        &["apology", "answer", &apology, "forgiven"],
    );
    does(&month.pair.bo, &["checkin", "agree", &session]);
    // What a counselor may read: an exact list that both agree to.
    let packet = id(&does(&month.pair.ana, &["packet", "new", &talk, &lesson]));
    month.day(28, 12);
    month.meet();
    does(&month.pair.bo, &["packet", "agree", &packet, "--yes"]);
    month.meet();
    assert_eq!(state(&month.pair.ana, "packet", &packet), "agreed");
    assert_eq!(state(&month.pair.bo, "apology", &apology), "forgiven");

    // At the end of the month both hold the same, all of it has reached the other, and nothing was refused.
    let (ana, bo) = (&month.pair.ana, &month.pair.bo);
    for kind in [
        "talk", "boundary", "lesson", "plan", "apology", "checkin", "packet",
    ] {
        let (hers, his) = (does(ana, &[kind, "list"]), does(bo, &[kind, "list"]));
        let (hers, his) = (hers.as_array().unwrap(), his.as_array().unwrap());
        assert_eq!(hers.len(), his.len(), "{kind}");
        for entry in hers {
            let same = his.iter().find(|other| other["id"] == entry["id"]).unwrap();
            for field in ["title", "state", "author", "created", "reached"] {
                assert_eq!(entry[field], same[field], "{kind} {field}");
            }
            assert_eq!(entry["reached"], true);
        }
    }
    for device in [ana, bo] {
        let status = device.status();
        assert_eq!(
            (&status["refused"], &status["not_reached"]),
            (&json!([]), &json!(0))
        );
    }
    assert_eq!(state(ana, "boundary", &boundary), "agreed");
    // Four weeks and what was felt in the first; the partner's timeline has nothing of it.
    let weeks = does(ana, &["timeline"]);
    let mondays: Vec<&Value> = weeks
        .as_array()
        .unwrap()
        .iter()
        .map(|week| &week["from"])
        .collect();
    assert_eq!(mondays[0], "2027-02-01");
    assert!(mondays.contains(&&json!("2027-02-15")), "{mondays:?}");
    assert_eq!(does(ana, &["search", "empty"]).as_array().unwrap().len(), 1);
    assert_eq!(does(bo, &["search", "empty"]), json!([]));
}
