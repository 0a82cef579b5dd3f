//! Homes that went back in time: a backup put back, and a copy used beside the first one.

mod devices;

use devices::{Pair, assert_equal, comparable};
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

#[test]
fn what_was_written_on_an_old_copy_before_it_met_is_said_and_nothing_else_is_lost() {
    let pair = Pair::new();
    pair.ana.propose("Before the backup.");
    pair.meet();
    let backup = pair.ana.copy();
    pair.ana.propose("After the backup.");
    pair.meet();
    let whole = comparable(&pair.bo.list());
    pair.ana.becomes(&backup);
    // Nothing here can know yet that this number is taken.
    pair.ana.propose("On the old copy, before it met.");
    let mut up = pair.bo.up();
    let sync = ["sync", "--timeout", "2s", "--peer", &up.listen];
    let met = pair
        .ana
        .run(&[&sync[..], &["--listen", "127.0.0.1:0"]].concat());
    assert!(met.out.contains("carry the same number"), "{met:#?}");
    assert_eq!(
        met.last(),
        json!({"sent": 0, "received": 0, "partner_has_all": false, "have_all": false})
    );
    up.running.until_such("the fork", |line| {
        line["event"] == "notice"
            && line["message"]
                .as_str()
                .is_some_and(|words| words.contains("carry the same number"))
    });
    assert_eq!(
        comparable(
            pair.bo
                .run_locked(&["boundary", "list"])
                .ok()
                .as_array()
                .unwrap()
        ),
        whole
    );
    // Bo goes on. What Ana wrote stays here, and is never said to have reached Bo; that what builds on the other branch
    // cannot come any more is said too.
    pair.bo
        .run_locked(&["boundary", "propose", "From Bo, after the fork."])
        .ok();
    pair.ana
        .run(&[&sync[..], &["--listen", "127.0.0.1:0"]].concat());
    up.down();
    let list = pair.ana.list();
    let forked = list
        .iter()
        .find(|entry| entry["text"] == "On the old copy, before it met.");
    assert_eq!(forked.map(|entry| &entry["reached"]), Some(&json!(false)));
    assert_eq!(pair.ana.status()["not_come"], 1);
    assert_eq!(pair.bo.list().len(), whole.len() + 1);
}
