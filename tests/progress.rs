//! How far a meeting is, where it takes long: said to whoever watches on both sides, and not at all where nothing takes long. The
//! way between the two is so long that on any machine more than a second goes by from the first clock to the first record.

mod devices;

use std::time::Duration;

use devices::Pair;
use devices::opened::Opened;
use devices::person::Person;
use devices::relay::Relay;
use serde_json::{Value, json};

/// More than go in one envelope.
const MANY: usize = 600;

/// Waits until all has come or gone; gives what was said of how far it is.
fn told(running: &mut devices::Running) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let event = running.until("transfer");
        told.push(event.clone());
        if event["to_come"] == 0 && event["to_go"] == 0 {
            return told;
        }
    }
}

#[test]
fn whoever_was_away_for_long_sees_how_far_it_is_and_a_small_thing_is_only_shown() {
    let pair = Pair::new();
    let mut opened = Opened::of(&pair.ana);
    opened.proposes(MANY);
    opened.close();
    let mut ana = pair.ana.up();
    let relay = Relay::to(&ana.listen, Duration::from_millis(660));
    let mut bo = pair
        .bo
        .up_with(&["--listen", "127.0.0.1:0", "--peer", &relay.at]);
    let (here, there) = (told(&mut bo.running), told(&mut ana.running));
    for (told, way, still) in [(&here, "received", "to_come"), (&there, "sent", "to_go")] {
        assert!(told.len() > 1, "{told:?}");
        let number = |event: &Value, name: &str| event[name].as_u64().unwrap();
        assert!(
            told.is_sorted_by_key(|event| number(event, way)),
            "{told:?}"
        );
        assert_eq!(told.last().unwrap()[way], json!(MANY));
        let first = &told[0];
        assert!(
            number(first, still) > 0 && number(first, way) < MANY as u64,
            "{told:?}"
        );
    }
    // What comes alone is shown, and nothing is said of how far it is.
    let before = bo.running.seen().len();
    let id = pair.ana.propose("Alone.");
    bo.running.until_such("what came alone", |event| {
        event["event"] == "changed" && event["entry"]["id"] == json!(id)
    });
    ana.running.until_such("its way there", |event| {
        event["event"] == "reached" && event["id"] == json!(id)
    });
    let since = &bo.running.seen()[before..];
    assert!(
        since.iter().all(|event| event["event"] != "transfer"),
        "{since:?}"
    );
    bo.down();
    ana.down();
}

#[test]
fn who_sits_before_it_reads_how_far_it_is() {
    let pair = Pair::new();
    let mut opened = Opened::of(&pair.ana);
    opened.proposes(MANY);
    opened.close();
    let ana = pair.ana.up();
    let relay = Relay::to(&ana.listen, Duration::from_millis(660));
    let arguments = [
        "up",
        "--quiet",
        "--listen",
        "127.0.0.1:0",
        "--peer",
        &relay.at,
    ];
    let mut bo = Person::at(&mut pair.bo.for_a_person(&arguments));
    bo.sees("Ana's device is here.")
        .sees("received ")
        .sees("still to come: ")
        .sees("still to come: 0, not yet on the other device: 0.");
    bo.interrupts();
    assert_eq!(bo.leaves().0, 0);
    assert_eq!(pair.bo.list().len(), MANY);
    ana.down();
}
