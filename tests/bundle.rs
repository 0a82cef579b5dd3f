//! Two devices that never meet after they are paired: everything goes by hand, in files.

mod devices;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use devices::{Device, Pair, assert_equal};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What people carry.
struct Stick(TempDir);

impl Stick {
    fn new() -> Stick {
        Stick(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn write(&self, device: &Device, name: &str, more: &[&str]) -> Value {
        let path = self.at(name);
        let file = path.to_str().unwrap();
        device
            .run(&[&["bundle", "write", file], more].concat())
            .ok()
    }

    #[track_caller]
    fn read(&self, device: &Device, name: &str) -> Value {
        device
            .run(&["bundle", "read", self.at(name).to_str().unwrap()])
            .ok()
    }

    fn fails(&self, device: &Device, verb: &str, name: &str) -> (i32, String) {
        device
            .run(&["bundle", verb, self.at(name).to_str().unwrap()])
            .failure()
    }

    /// Everything on it.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn counts(received: u64, already_here: u64, waiting: u64, refused: u64) -> Value {
    json!({"received": received, "chunks": 0, "already_here": already_here, "waiting": waiting, "refused": refused})
}

#[test]
fn two_who_never_meet_agree_by_bundles_and_know_what_has_reached() {
    let (pair, stick) = (Pair::new(), Stick::new());
    let met = [&pair.ana, &pair.bo].map(|device| device.status()["last_met"].clone());
    let id = pair.ana.propose("We put our phones away at dinner.");
    pair.bo.propose("Each of us has one evening alone a week.");

    let written = stick.write(&pair.ana, "for-bo", &[]);
    let path = stick.at("for-bo");
    assert_eq!(
        (&written["records"], &written["file"]),
        (&json!(1), &json!(path.to_str().unwrap()))
    );
    assert_eq!(written["bytes"], fs::metadata(&path).unwrap().len());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(stick.names(), ["for-bo"]);
    let bytes = fs::read(&path).unwrap();
    // Long enough never to stand in sealed bytes by chance.
    for word in ["phones", "dinner"] {
        let found = bytes
            .windows(word.len())
            .any(|bytes| bytes == word.as_bytes());
        assert!(!found, "{word} is in the bundle in clear");
    }

    assert_eq!(stick.read(&pair.bo, "for-bo"), counts(1, 0, 0, 0));
    assert_eq!(stick.read(&pair.bo, "for-bo"), counts(0, 1, 0, 0));
    assert_eq!(pair.ana.status()["not_reached"], 1, "nobody has told Ana");
    pair.bo.run(&["boundary", "agree", &id]).ok();

    assert_eq!(stick.write(&pair.bo, "for-ana", &[])["records"], 2);
    assert_eq!(stick.read(&pair.ana, "for-ana"), counts(2, 0, 0, 0));
    assert_eq!(pair.ana.status()["not_reached"], 0);
    assert_eq!(pair.bo.status()["not_reached"], 2);
    assert_eq!(stick.write(&pair.ana, "back", &[])["records"], 0);
    assert_eq!(stick.read(&pair.bo, "back"), counts(0, 0, 0, 0));

    assert_equal(&pair.ana, &pair.bo);
    for (device, met) in [&pair.ana, &pair.bo].into_iter().zip(met) {
        let status = device.status();
        assert_eq!(
            (&status["not_reached"], &status["last_met"]),
            (&json!(0), &met)
        );
        let shown = device.run(&["boundary", "show", &id]).ok();
        assert_eq!(
            (&shown["state"], &shown["in_force"], &shown["reached"]),
            (
                &json!("agreed"),
                &json!("We put our phones away at dinner."),
                &json!(true)
            )
        );
    }
}

#[test]
fn a_bundle_is_read_and_written_while_amends_is_up() {
    let (pair, stick) = (Pair::new(), Stick::new());
    let text = "x".repeat(20_000);
    for number in 0..20 {
        pair.ana.propose(&format!("{number} {text}"));
    }
    let (ana, bo) = (pair.ana.up(), pair.bo.up());
    assert_eq!(stick.write(&pair.ana, "for-bo", &["--all"])["records"], 22);
    assert_eq!(stick.read(&pair.bo, "for-bo"), counts(20, 2, 0, 0));
    ana.down();
    bo.down();
    assert_equal(&pair.ana, &pair.bo);
}

#[test]
fn a_file_that_is_there_and_the_journals_folder_are_left_alone() {
    let (pair, stick) = (Pair::new(), Stick::new());
    fs::write(stick.at("holiday"), "sun").unwrap();
    let exists = (1, "bundle_exists".to_owned());
    assert_eq!(stick.fails(&pair.ana, "write", "holiday"), exists);
    assert_eq!(fs::read(stick.at("holiday")).unwrap(), b"sun");
    stick.write(&pair.ana, "holiday", &["--force"]);
    assert_eq!(stick.read(&pair.bo, "holiday"), counts(0, 0, 0, 0));

    let store = pair.ana.home().join("journal.db");
    for path in [store, pair.ana.home().join("for-bo")] {
        let said = pair
            .ana
            .run(&["bundle", "write", path.to_str().unwrap(), "--force"]);
        assert_eq!(said.failure(), (2, "bundle_place".to_owned()));
    }
    let nowhere = (1, "bundle_not_written".to_owned());
    assert_eq!(stick.fails(&pair.ana, "write", "nowhere/for-bo"), nowhere);
    assert_eq!(stick.names(), ["holiday"]);
    pair.ana.status();
}

#[test]
fn what_is_no_whole_bundle_of_this_pair_is_named_and_what_was_whole_is_kept() {
    let (pair, stick) = (Pair::new(), Stick::new());
    pair.ana.propose("We put our phones away at dinner.");
    stick.write(&pair.ana, "whole", &[]);
    let whole = fs::read(stick.at("whole")).unwrap();
    let foreign = {
        let others = Pair::by_code();
        others.ana.propose("Nobody else's business.");
        stick.write(&others.ana, "foreign", &[]);
        fs::read(stick.at("foreign")).unwrap()
    };
    let mut altered = whole.clone();
    let middle = altered.len() - 100;
    altered[middle] ^= 1;
    let newer = [b"AMNB\x02", &whole[5..]].concat();
    let longer = [&whole[..], b"\0"].concat();
    for (bytes, code, here) in [
        (b"a letter".to_vec(), "not_a_bundle", 0),
        (Vec::new(), "not_a_bundle", 0),
        (newer, "bundle_newer", 0),
        (foreign, "bundle_foreign", 0),
        (whole[..300].to_vec(), "bundle_cut_short", 0),
        (whole[..whole.len() - 1].to_vec(), "bundle_cut_short", 1),
        (longer, "bundle_damaged", 1),
    ] {
        fs::write(stick.at("given"), &bytes).unwrap();
        assert_eq!(stick.fails(&pair.bo, "read", "given"), (1, code.to_owned()));
        assert_eq!(pair.bo.list().len(), here, "{code}");
    }
    fs::write(stick.at("given"), &altered).unwrap();
    assert_eq!(stick.read(&pair.bo, "given"), counts(0, 0, 0, 1));
    assert_eq!(
        pair.bo.status()["refused"],
        json!([]),
        "nothing of this pair's was refused"
    );

    let no_file = (1, "bundle_not_a_file".to_owned());
    assert_eq!(stick.fails(&pair.bo, "read", "."), no_file);
    let unreadable = (1, "bundle_unreadable".to_owned());
    assert_eq!(stick.fails(&pair.bo, "read", "lost"), unreadable);
    // A pipe that nobody writes into, and a device without an end, hold nobody up.
    rustix::fs::mkfifoat(rustix::fs::CWD, stick.at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(stick.fails(&pair.bo, "read", "pipe"), no_file);
    assert_eq!(
        pair.bo.run(&["bundle", "read", "/dev/zero"]).failure(),
        no_file
    );
}

#[test]
fn a_restored_home_gets_its_own_records_back_from_a_bundle() {
    let (pair, stick) = (Pair::new(), Stick::new());
    let copy = pair.ana.copy();
    pair.ana.propose("We put our phones away at dinner.");
    pair.meet();
    stick.write(&pair.bo, "all", &["--all"]);
    stick.write(&pair.bo, "last", &[]);
    pair.ana.becomes(&copy);
    // What Bo's device thinks is missing here is nothing; it says that there is more.
    assert_eq!(stick.read(&pair.ana, "last"), counts(0, 0, 0, 0));
    assert_eq!(stick.read(&pair.ana, "all")["received"], 1);
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.ana.status()["not_reached"], 0);
    pair.ana.propose("Goes on where it was.");
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
}

#[test]
fn without_a_partner_there_is_nobody_to_carry_it_to() {
    let (ana, stick) = (Device::new("Ana"), Stick::new());
    let alone = (4, "not_paired".to_owned());
    assert_eq!(stick.fails(&ana, "write", "for-bo"), alone);
    fs::write(stick.at("something"), "AMNB").unwrap();
    assert_eq!(stick.fails(&ana, "read", "something"), alone);
    assert_eq!(stick.names(), ["something"]);
}
