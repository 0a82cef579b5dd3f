//! Homes that went back in time: a backup put back, and a copy used beside the first one.

mod devices;

use devices::{Device, Pair, assert_equal, comparable};
use serde_json::json;

#[test]
fn a_copy_that_is_put_back_gets_its_own_lines_back_from_the_partner() {
    let pair = Pair::new();
    let first = pair.ana.propose("Before the backup.");
    pair.meet();
    let backup = pair.ana.copy();
    pair.ana.propose("After the backup.");
    pair.ana
        .run(&[
            "boundary",
            "edit",
            &first,
            "Before the backup, changed after it.",
        ])
        .ok();
    pair.bo.propose("From Bo, after the backup.");
    pair.meet();
    let whole = comparable(&pair.bo.list());

    pair.ana.becomes(&backup);
    assert_eq!(pair.ana.list().len(), 1);
    let mut up = pair.bo.up();
    let mut sync = pair
        .ana
        .start(&["sync", "--peer", &up.listen, "--listen", "127.0.0.1:0"]);
    let synced = sync.until_such("the end", |line| line["have_all"] == true);
    assert_eq!(
        synced,
        json!({"sent": 0, "received": 3, "partner_has_all": true, "have_all": true})
    );
    sync.ends_well();
    assert_eq!(comparable(&pair.ana.list()), whole);
    // Bo's side notices too, and nobody calls it a break-in.
    let notice = up.running.until("notice");
    assert!(
        notice["message"].as_str().unwrap().contains("older copy"),
        "{notice}"
    );
    assert_eq!(pair.ana.status()["refused"], json!([]));
    assert_eq!(pair.bo.run_locked(&["status"]).ok()["refused"], json!([]));

    pair.ana.propose("And on it goes.");
    pair.ana.sync(&up.listen).ok();
    up.down();
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.bo.list().len(), whole.len() + 1);
}

#[test]
fn with_up_the_one_who_came_back_is_told() {
    let pair = Pair::new();
    pair.ana.propose("Before the backup.");
    pair.meet();
    let backup = pair.ana.copy();
    pair.ana.propose("After the backup.");
    pair.meet();
    pair.ana.becomes(&backup);
    let bo = pair.bo.up();
    let mut ana = pair
        .ana
        .up_with(&["--listen", "127.0.0.1:0", "--peer", &bo.listen]);
    let notice = ana.running.until("notice");
    assert!(
        notice["message"]
            .as_str()
            .unwrap()
            .contains("older copy of itself"),
        "{notice}"
    );
    ana.running.until("changed");
    ana.down();
    bo.down();
    assert_equal(&pair.ana, &pair.bo);
}

fn texts(device: &Device) -> Vec<String> {
    let mut texts: Vec<String> = device
        .list()
        .iter()
        .map(|entry| entry["text"].as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    texts
}

fn incarnations(device: &Device) -> (u64, u64, bool) {
    let status = device.status();
    let said = &status["incarnations"];
    (
        said["mine"].as_u64().unwrap(),
        said["partners"].as_u64().unwrap(),
        said["copy"].as_bool().unwrap(),
    )
}

#[test]
fn a_copied_home_knows_it_before_it_writes_and_begins_anew_with_what_it_writes() {
    let pair = Pair::new();
    pair.ana.propose("Before the copy.");
    pair.meet();
    let copy = pair.ana.copy();
    pair.ana.propose("On the first one.");
    pair.meet();
    // Looking costs nothing; it is said.
    assert_eq!(incarnations(&copy), (1, 1, true));
    assert_eq!(incarnations(&pair.ana), (1, 1, false));
    copy.propose("On the copy, before it met.");
    assert_eq!(incarnations(&copy), (2, 1, false));
    let mut up = pair.bo.up();
    copy.sync(&up.listen).ok();
    let notice = up.running.until_such("the new key", |line| {
        line["event"] == "notice"
            && line["message"]
                .as_str()
                .is_some_and(|words| words.contains("writes on under a new key"))
    });
    assert!(
        notice["message"].as_str().unwrap().contains("Ana"),
        "{notice}"
    );
    // The first one goes on beside it, and is told.
    pair.ana.propose("On the first one, after that.");
    let met = pair.ana.sync(&up.listen);
    assert!(met.out.contains("Another copy of this home"), "{met:#?}");
    copy.sync(&up.listen).ok();
    up.down();
    let all = [
        "Before the copy.",
        "On the copy, before it met.",
        "On the first one, after that.",
        "On the first one.",
    ];
    for device in [&pair.ana, &copy, &pair.bo] {
        assert_eq!(texts(device), all);
        assert_eq!(device.status()["not_reached"], 0);
        assert_eq!(device.status()["refused"], json!([]));
    }
    assert_eq!(incarnations(&pair.bo), (1, 2, false));
}

#[test]
fn what_two_copies_had_written_at_once_is_kept_of_both_and_reaches() {
    let pair = Pair::new();
    let shared = pair.ana.propose("Before the disk was set back.");
    pair.meet();
    let backup = pair.ana.copy();
    pair.ana.propose("After the backup.");
    let edit = |text: &str| pair.ana.run(&["boundary", "edit", &shared, text]).ok();
    edit("Before the disk was set back. One end.");
    pair.ana
        .run(&["feel", "uneasy", "--because", "I do not know."])
        .ok();
    pair.meet();
    pair.ana.is_set_back_to(&backup);
    // Nothing here can know yet that these numbers are taken.
    assert_eq!(incarnations(&pair.ana), (1, 1, false));
    pair.ana.propose("On the disk that was set back.");
    edit("A beginning. Before the disk was set back.");
    let mut up = pair.bo.up();
    let met = pair.ana.sync(&up.listen);
    assert!(met.out.contains("carry the same number"), "{met:#?}");
    assert!(met.out.contains("writes on under a new key"), "{met:#?}");
    assert!(met.out.contains("had written at once"), "{met:#?}");
    assert_eq!(met.last()["partner_has_all"], true, "{met:#?}");
    up.running.until_such("the fork", |line| {
        line["event"] == "notice"
            && line["message"]
                .as_str()
                .is_some_and(|words| words.contains("carry the same number"))
    });
    pair.bo
        .run_locked(&["boundary", "propose", "From Bo, after the fork."])
        .ok();
    pair.ana.sync(&up.listen).ok();
    up.down();
    assert_equal(&pair.ana, &pair.bo);
    let all = [
        "A beginning. Before the disk was set back. One end.",
        "After the backup.",
        "From Bo, after the fork.",
        "On the disk that was set back.",
    ];
    assert_eq!(texts(&pair.bo), all);
    let status = pair.ana.status();
    assert_eq!(
        (&status["not_come"], &status["not_reached"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(incarnations(&pair.ana), (2, 1, false));
}

#[test]
fn two_clones_that_are_up_at_once_lose_nothing() {
    let pair = Pair::new();
    pair.ana.propose("Before the clone.");
    pair.meet();
    let clone = pair.ana.copy();
    let bo = pair.bo.up();
    let at = ["--listen", "127.0.0.1:0", "--peer", &bo.listen];
    let mut one = pair.ana.up_with(&at);
    one.running.until("met");
    let mut two = clone.up_with(&at);
    two.running.until("met");
    for round in 0..3 {
        for (device, name) in [(&pair.ana, "first"), (&clone, "clone")] {
            let text = format!("The {name}, round {round}.");
            device.run_locked(&["boundary", "propose", &text]).ok();
        }
    }
    one.down();
    two.down();
    // One after the other, and the first once more for what the clone brought.
    for device in [&pair.ana, &clone, &pair.ana] {
        device.sync(&bo.listen).ok();
    }
    bo.down();
    let all = texts(&pair.bo);
    assert_eq!(all.len(), 7, "{all:?}");
    for device in [&pair.ana, &clone] {
        assert_eq!(texts(device), all);
        assert_eq!(device.status()["not_reached"], 0);
    }
}
