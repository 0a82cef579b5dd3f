//! A backup on a stick, the journal lost, and what comes back of it.

mod devices;

use devices::{Device, Pair, assert_equal, comparable};

/// The journal is lost, and comes back from the backup.
fn restore(device: &Device, backup: &str) {
    std::fs::remove_dir_all(device.home()).unwrap();
    device.run(&["backup", "restore", backup]).ok();
}

#[test]
fn what_was_backed_up_while_up_comes_back_and_the_partner_brings_the_rest() {
    let pair = Pair::new();
    let stick = tempfile::tempdir().unwrap();
    let file = stick.path().join("ana.backup");
    let backup = file.to_str().unwrap();
    pair.ana.propose("Before the backup.");
    pair.meet();
    let up = pair.ana.up();
    pair.ana
        .run_locked(&["boundary", "propose", "Only just before the backup."])
        .ok();
    pair.ana.run_locked(&["backup", "write", backup]).ok();
    pair.ana
        .run_locked(&["boundary", "propose", "After the backup."])
        .ok();
    pair.bo.sync(&up.listen).ok();
    up.down();
    let whole = comparable(&pair.bo.list());
    assert_eq!(whole.len(), 3);
    pair.ana.run(&["backup", "check", backup]).ok();

    restore(&pair.ana, backup);
    assert_eq!(pair.ana.list().len(), 2);
    assert_eq!(pair.ana.status()["incarnations"]["mine"], 2);
    // It writes at once, under a key of its own.
    pair.ana.propose("And on it goes.");
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.bo.list().len(), whole.len() + 1);
    assert_eq!(pair.bo.status()["incarnations"]["partners"], 2);
    assert_eq!(pair.bo.status()["refused"], serde_json::json!([]));
}

#[test]
fn what_had_not_reached_the_partner_goes_to_them_after_it_came_back() {
    let pair = Pair::new();
    let stick = tempfile::tempdir().unwrap();
    let file = stick.path().join("ana.backup");
    let backup = file.to_str().unwrap();
    pair.ana.propose("Never met since.");
    pair.ana.run(&["backup", "write", backup]).ok();
    restore(&pair.ana, backup);
    assert_eq!(pair.bo.list().len(), 0);
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.bo.only()["text"], "Never met since.");
    pair.ana.propose("And on it goes.");
}

#[test]
fn a_bundle_from_the_partner_is_as_good_as_a_meeting() {
    let pair = Pair::new();
    let stick = tempfile::tempdir().unwrap();
    let at = |name: &str| stick.path().join(name).to_str().unwrap().to_owned();
    pair.ana.run(&["backup", "write", &at("backup")]).ok();
    pair.ana.propose("After the backup.");
    pair.meet();
    restore(&pair.ana, &at("backup"));
    pair.bo
        .run(&["bundle", "write", "--all", &at("bundle")])
        .ok();
    pair.ana.run(&["bundle", "read", &at("bundle")]).ok();
    // One more, in which nothing that is told is missing here.
    pair.ana.run(&["bundle", "read", &at("bundle")]).ok();
    pair.ana.propose("And on it goes.");
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.bo.list().len(), 2);
}

#[test]
fn a_backup_that_is_restored_twice_while_the_old_one_writes_on_spoils_nothing() {
    let pair = Pair::new();
    let stick = tempfile::tempdir().unwrap();
    let file = stick.path().join("ana.backup");
    let backup = file.to_str().unwrap();
    pair.ana.propose("In the backup.");
    let feeling = pair
        .ana
        .run(&["feel", "hopeful", "--because", "of this"])
        .ok();
    pair.ana.run(&["backup", "write", backup]).ok();
    let again = [Device::without_home("Ana"), Device::without_home("Ana")];
    for (device, text) in again
        .iter()
        .zip(["The first restored.", "The second restored."])
    {
        device.run(&["backup", "restore", backup]).ok();
        device.propose(text);
        assert_eq!(device.status()["incarnations"]["mine"], 2);
        let private = device.run(&["feel", "list"]).ok();
        assert_eq!(private[0]["id"], feeling["id"]);
    }
    pair.ana.propose("The old one.");
    let up = pair.bo.up();
    for device in [&pair.ana, &again[0], &again[1], &pair.ana, &again[0]] {
        device.sync(&up.listen).ok();
    }
    up.down();
    let whole = comparable(&pair.bo.list());
    assert_eq!(whole.len(), 4);
    for device in [&pair.ana, &again[0], &again[1]] {
        let texts = |list: &[serde_json::Value]| -> Vec<String> {
            let mut texts: Vec<String> =
                list.iter().map(|entry| entry["text"].to_string()).collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(&device.list()), texts(&pair.bo.list()));
        assert_eq!(device.status()["not_reached"], 0);
    }
    assert_eq!(pair.bo.status()["incarnations"]["partners"], 3);
    assert_eq!(pair.bo.status()["refused"], serde_json::json!([]));
}

#[test]
fn both_restored_write_at_once_and_come_together() {
    let pair = Pair::new();
    let stick = tempfile::tempdir().unwrap();
    let at = |name: &str| stick.path().join(name).to_str().unwrap().to_owned();
    pair.ana.propose("In both backups.");
    pair.meet();
    for device in [&pair.ana, &pair.bo] {
        device.run(&["backup", "write", &at(&device.name)]).ok();
    }
    pair.ana.propose("Lost with both.");
    pair.meet();
    for device in [&pair.ana, &pair.bo] {
        restore(device, &at(&device.name));
        device.propose(&format!("{}, after it.", device.name));
    }
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.ana.list().len(), 3);
}
