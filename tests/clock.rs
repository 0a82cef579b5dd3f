//! Clocks that are wrong.
#![cfg(target_os = "linux")]

mod devices;

use devices::clocks::{DAY, set, shift};
use devices::{Device, Pair, assert_equal};
use serde_json::json;

#[test]
fn with_an_absurd_clock_writing_goes_on_and_meeting_says_what_is_wrong() {
    // The first second of 1970, and the last day of 2100.
    for (to, year) in [(1, "1970-01-01"), (4_133_894_400, "2100-12-31")] {
        let mut pair = Pair::new();
        set(&mut pair.ana, to);
        let id = pair.ana.propose("Written by a wrong clock.");
        let created = pair.ana.only()["created"].as_str().unwrap().to_owned();
        assert!(created.starts_with(year), "{created}");
        for command in [
            &["sync", "--timeout", "2s", "--listen", "127.0.0.1:0"][..],
            &["up", "--quiet", "--listen", "127.0.0.1:0"],
        ] {
            let said = pair.ana.run(command);
            assert_eq!(said.failure(), (1, "clock".to_owned()), "{said:#?}");
        }
        // Set right, everything goes its way, and the time that was written stays what was claimed.
        shift(&mut pair.ana, 0);
        pair.meet();
        assert_equal(&pair.ana, &pair.bo);
        assert_eq!(
            (&pair.bo.only()["id"], &pair.bo.only()["created"]),
            (&json!(id), &json!(created))
        );
        pair.bo.run(&["boundary", "agree", &id]).ok();
        pair.meet();
        assert_eq!(pair.ana.only()["state"], "agreed");
    }
}

#[test]
fn clocks_a_day_apart_meet() {
    for days in [-1, 1] {
        let mut pair = Pair::new();
        shift(&mut pair.bo, days * DAY);
        pair.ana.propose("On one day.");
        pair.bo.propose("On the next.");
        pair.meet();
        assert_equal(&pair.ana, &pair.bo);
    }
}

#[test]
fn clocks_two_days_apart_do_not_meet_until_one_is_set_right() {
    let mut pair = Pair::new();
    shift(&mut pair.bo, 2 * DAY);
    let up = pair.ana.up();
    // Two days apart they do not know each other.
    let said = pair.bo.run(&[
        "sync",
        "--timeout",
        "1s",
        "--peer",
        &up.listen,
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(said.failure(), (5, "partner_not_reached".to_owned()));
    shift(&mut pair.bo, 0);
    pair.bo.sync(&up.listen).ok();
    up.down();
}

#[test]
fn pairing_needs_no_clock() {
    let (mut ana, bo) = (Device::new("Ana"), Device::new("Bo"));
    set(&mut ana, 1);
    ana.pair_with(&bo);
    assert_eq!(
        (&ana.status()["partner"], &bo.status()["partner"]),
        (&json!("Bo"), &json!("Ana"))
    );
}
