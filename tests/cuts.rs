//! Each deed of the program, cut at the steps of its disk: before a write, in the middle of it, with the power gone, on a disk
//! that is full, fails once or can only be read. What was confirmed is kept, what was not is there whole or not at all, and
//! the next start works.
//!
//! The steps are counted and cut by the library with which the store's own are (`crates/store/tests/steps.rs`), loaded before the
//! C library. `AMENDS_LONG=1` cuts at every step; otherwise at a few of them. Some calls go past the C library (locks, the
//! network); at those a process is killed by `tests/kill.rs`.
#![cfg(target_os = "linux")]

mod devices;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use amends_keys::vault::Vault;
use amends_store::Store;
use devices::{Code, Device, PASSPHRASE, Pair, Said, assert_equal, comparable, opened};
use serde_json::{Value, json};

/// The library that cuts; none where this machine cannot compile it.
fn library() -> Option<&'static Path> {
    static MADE: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("disk.so");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/store/tests/support/disk.c");
        let compiled = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .output();
        match compiled {
            Ok(compiled) => assert!(
                compiled.status.success(),
                "{}",
                String::from_utf8_lossy(&compiled.stderr)
            ),
            Err(error) => {
                devices::skipped("cuts", &format!("no C compiler: {error}"));
                return None;
            }
        }
        Some((folder, library))
    });
    made.as_ref().map(|(_, library)| library.as_path())
}

/// A way of the disk to end or to refuse a deed.
const WAYS: [&str; 6] = ["kill", "half", "power", "enospc", "eio", "erofs"];

/// Which steps of so many are cut in this way.
fn steps(all: u64, way: &str) -> Vec<u64> {
    if std::env::var_os("AMENDS_LONG").is_some() {
        return (1..=all).collect();
    }
    // Another one in each way.
    let way = WAYS.iter().position(|known| *known == way).unwrap_or(0) as u64;
    vec![1 + (all / 7 + way * all / 6) % all]
}

/// What a deed did under the library.
struct Cut {
    what: String,
    /// Whether the deed said that it is done.
    confirmed: bool,
}

/// Has a device do something with its disk cut at each of some steps. `prepare` gives what it begins with, `act` does the
/// deed and says whether it was confirmed, `check` looks at what there is afterwards, with a disk that works.
fn cut<T>(
    name: &str,
    prepare: impl Fn() -> T,
    device: impl Fn(&mut T) -> &mut Device,
    act: impl Fn(&mut T) -> Option<Said>,
    check: impl Fn(&mut T, &Cut),
) {
    let Some(library) = library() else { return };
    let count = tempfile::tempdir().unwrap();
    let count = count.path().join("count");
    let run = |way: &'static str, at: u64, all: u64| -> u64 {
        let mut scene = prepare();
        let own = device(&mut scene);
        let under = own.base().to_str().unwrap().to_owned();
        own.set("LD_PRELOAD", library.to_str().unwrap());
        own.set("AMENDS_DISK_UNDER", &under);
        own.set("AMENDS_DISK_DOES", way);
        own.set("AMENDS_DISK_AT", &at.to_string());
        own.set("AMENDS_DISK_SEED", &(at * 31).to_string());
        own.set("AMENDS_DISK_COUNT", count.to_str().unwrap());
        fs::remove_file(&count).ok();
        let said = act(&mut scene);
        let own = device(&mut scene);
        for name in [
            "LD_PRELOAD",
            "AMENDS_DISK_DOES",
            "AMENDS_DISK_AT",
            "AMENDS_DISK_UNDER",
            "AMENDS_DISK_COUNT",
        ] {
            own.unset(name);
        }
        let what = format!("{name}: {way} at step {at} of {all}");
        if let Some(said) = &said {
            for never in [
                "panicked",
                "\"internal\"",
                "\"damaged\"",
                "\"foreign\"",
                "wrong_passphrase",
            ] {
                assert!(!said.err.contains(never), "{what}: {said:#?}");
            }
            // A sudden end says nothing; everything else says what it is.
            if said.exit > 0 {
                said.failure();
            }
        }
        let cut = Cut {
            what,
            confirmed: said.is_none_or(|said| said.exit == 0),
        };
        check(&mut scene, &cut);
        fs::read_to_string(&count).map_or(0, |count| count.parse().unwrap())
    };
    let all = run("count", 0, 0);
    assert!(all > 3, "{name}: {all} steps");
    let mut runs = 0;
    for way in WAYS {
        for at in steps(all, way) {
            run(way, at, all);
            runs += 1;
        }
    }
    println!("{name}: {runs} cuts at {all} steps");
}

/// Ana of a pair, whose home has something in it and takes itself for the first one.
fn with_something_written() -> Device {
    static MADE: OnceLock<Device> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let pair = Pair::new();
        let id = pair.ana.propose("Written before, and confirmed.");
        pair.meet();
        pair.bo
            .run(&["boundary", "edit", &id, "Edited by Bo."])
            .ok();
        pair.meet();
        opened::forget_place(&pair.ana);
        pair.ana
    });
    made.copy()
}

fn texts(device: &Device) -> Vec<String> {
    let list = device.list();
    let texts = list
        .iter()
        .map(|entry| entry["text"].as_str().unwrap().to_owned());
    texts.collect()
}

/// Every page and row of both stores is whole, and the device goes on.
#[track_caller]
fn goes_on(device: &Device, what: &str) {
    let passphrase = fs::read_to_string(device.passphrase_file()).unwrap();
    let vault = Vault::parse(&fs::read(device.home().join("vault")).unwrap()).unwrap();
    let key = vault.unlock(&passphrase).unwrap();
    for (name, key) in [
        ("journal.db", key.journal_store()),
        ("private.db", key.private_store()),
    ] {
        let rng = rand_core::UnwrapErr(rand::rngs::SysRng);
        let store = Store::open(device.home().join(name), key, Box::new(rng)).unwrap();
        assert_eq!(store.check().unwrap().faults, [], "{what}: {name}");
        store.close().unwrap();
    }
    device.propose("And on it goes.");
}

#[test]
fn a_home_is_there_or_can_be_made_again_wherever_its_making_is_cut() {
    cut(
        "init",
        || Device::without_home("Ana"),
        |device| device,
        |device| Some(device.run(&["init", "--name", "Ana", "--argon2-memory", "64"])),
        |device, cut| {
            let status = device.run(&["status"]);
            if cut.confirmed {
                assert_eq!(status.exit, 0, "{}: {status:#?}", cut.what);
            } else if status.exit != 0 {
                let (_, code) = status.failure();
                assert!(code != "damaged", "{}: {status:#?}", cut.what);
                device
                    .run(&["init", "--name", "Ana", "--argon2-memory", "64"])
                    .ok();
            }
            device.run(&["feel", "hopeful"]).ok();
        },
    );
}

/// A deed of Ana's alone that adds `text` to the list, or puts it into what stands there.
fn writes(name: &str, deed: &[&str], text: &str) {
    let before = texts(&with_something_written());
    cut(
        name,
        with_something_written,
        |device| device,
        |device| Some(device.run(deed)),
        |device, cut| {
            let now = texts(device);
            let done = now.iter().any(|there| there == text);
            assert!(
                done || (!cut.confirmed && now == before),
                "{}: {now:?}",
                cut.what
            );
            goes_on(device, &cut.what);
        },
    );
}

#[test]
fn what_is_proposed_is_there_or_not_wherever_that_is_cut() {
    let text = "Proposed on a bad disk. ".repeat(300);
    writes("propose", &["boundary", "propose", &text], &text);
}

#[test]
fn an_edit_is_there_or_not_wherever_that_is_cut() {
    let id = only_id();
    writes(
        "edit",
        &["boundary", "edit", &id, "Edited on a bad disk."],
        "Edited on a bad disk.",
    );
}

fn only_id() -> String {
    with_something_written().only()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_agreement_is_there_or_not_wherever_that_is_cut() {
    let id = only_id();
    cut(
        "agree",
        with_something_written,
        |device| device,
        |device| Some(device.run(&["boundary", "agree", &id])),
        |device, cut| {
            let agreed = device.only()["agreed_by"].as_array().unwrap().len();
            assert!(agreed == 1 || !cut.confirmed, "{}", cut.what);
            goes_on(device, &cut.what);
        },
    );
}

#[test]
fn one_of_two_passphrases_opens_wherever_the_change_is_cut() {
    const NEW: &str = "four other words here";
    let place = tempfile::tempdir().unwrap();
    let new = place.path().join("new");
    devices::write_private(&new, NEW.as_bytes());
    let arguments = ["passphrase", "--new-passphrase-file", new.to_str().unwrap()];
    cut(
        "passphrase",
        with_something_written,
        |device| device,
        |device| Some(device.run(&arguments)),
        |device, cut| {
            let opens = |passphrase: &str| {
                devices::write_private(&device.passphrase_file(), passphrase.as_bytes());
                device.run(&["boundary", "list"]).exit == 0
            };
            let (old, new) = (opens(PASSPHRASE), opens(NEW));
            assert_ne!(old, new, "{}", cut.what);
            assert!(new || !cut.confirmed, "{}", cut.what);
            if old {
                opens(PASSPHRASE);
            }
            goes_on(device, &cut.what);
        },
    );
}

#[test]
fn a_backup_is_whole_or_not_there_wherever_its_writing_is_cut() {
    cut(
        "backup write",
        with_something_written,
        |device| device,
        |device| {
            let file = device.base().join("ana.backup");
            Some(device.run(&["backup", "write", file.to_str().unwrap()]))
        },
        |device, cut| {
            let file = device.base().join("ana.backup");
            if cut.confirmed || file.exists() {
                device
                    .run(&["backup", "check", file.to_str().unwrap()])
                    .ok();
            }
            assert_eq!(texts(device).len(), 1, "{}", cut.what);
            goes_on(device, &cut.what);
            // Once more, where the first one stood or was cut.
            let again = device.base().join("again.backup");
            device
                .run(&["backup", "write", again.to_str().unwrap()])
                .ok();
        },
    );
}

#[test]
fn a_restore_is_whole_or_can_be_made_again_wherever_it_is_cut() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("ana.backup");
    let file = file.to_str().unwrap();
    with_something_written()
        .run(&["backup", "write", file])
        .ok();
    cut(
        "backup restore",
        || Device::without_home("Ana"),
        |device| device,
        |device| Some(device.run(&["backup", "restore", file])),
        |device, cut| {
            let list = device.run(&["boundary", "list"]);
            if list.exit != 0 {
                assert!(!cut.confirmed, "{}: {list:#?}", cut.what);
                device.run(&["backup", "restore", file]).ok();
            }
            assert_eq!(texts(device).len(), 1, "{}", cut.what);
            goes_on(device, &cut.what);
        },
    );
}

/// The home as an older program left it: without the tables for photos.
fn of_an_older_program() -> Device {
    let device = with_something_written();
    for store in ["journal.db", "private.db"] {
        let raw = rusqlite::Connection::open(device.home().join(store)).unwrap();
        raw.execute_batch(
            "DROP TABLE blob; DROP TABLE chunk; DROP TABLE naming; PRAGMA user_version = 1",
        )
        .unwrap();
        raw.close().map_err(|(_, error)| error).unwrap();
    }
    device
}

#[test]
fn what_an_older_program_left_is_brought_up_or_as_it_was_wherever_that_is_cut() {
    cut(
        "migration",
        of_an_older_program,
        |device| device,
        |device| Some(device.run(&["boundary", "list"])),
        |device, cut| {
            assert_eq!(texts(device).len(), 1, "{}", cut.what);
            goes_on(device, &cut.what);
        },
    );
}

#[test]
fn a_lock_leaves_everything_closed_and_whole_wherever_it_is_cut() {
    cut(
        "lock",
        with_something_written,
        |device| device,
        |device| {
            let mut up = device.start(&["up", "--quiet", "--listen", "127.0.0.1:0"]);
            let is_up = up.comes_to("up");
            // The disk is cut for whoever holds the journal alone.
            device.unset("LD_PRELOAD");
            let proposed = device.run_locked(&["boundary", "propose", "While it was up."]);
            device.run_locked(&["lock"]);
            let ended = up.ends();
            Some(if is_up {
                proposed
            } else {
                Said {
                    of: "up".to_owned(),
                    exit: ended.exit,
                    out: String::new(),
                    err: ended.err,
                }
            })
        },
        |device, cut| {
            let closed = device.run_locked(&["boundary", "list"]);
            assert_eq!(closed.failure().1, "no_passphrase", "{}", cut.what);
            let now = texts(device);
            assert!(now.len() == 2 || !cut.confirmed, "{}: {now:?}", cut.what);
            goes_on(device, &cut.what);
        },
    );
}

/// Both as they were once something of Ana's had not reached Bo.
fn with_something_to_bring() -> Pair {
    static MADE: OnceLock<Pair> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let pair = Pair::new();
        pair.bo.propose("Written by Bo before, and confirmed.");
        pair.meet();
        for n in 0..6 {
            pair.ana
                .propose(&format!("Number {n}. {}", "It is on its way. ".repeat(60)));
        }
        pair.bo.propose("Written by Bo since.");
        opened::forget_place(&pair.ana);
        opened::forget_place(&pair.bo);
        pair
    });
    made.copy()
}

#[test]
fn what_comes_from_the_partner_comes_whole_wherever_its_keeping_is_cut() {
    let before = comparable(&with_something_to_bring().bo.list());
    cut(
        "receive",
        with_something_to_bring,
        |pair| &mut pair.bo,
        |pair| {
            let up = pair.ana.up();
            let synced = pair.bo.run(&[
                "sync",
                "--timeout",
                "10s",
                "--peer",
                &up.listen,
                "--listen",
                "127.0.0.1:0",
            ]);
            up.down();
            Some(synced)
        },
        |pair, cut| {
            let now = comparable(&pair.bo.list());
            for entry in &before {
                let there = now.iter().find(|there| there["id"] == entry["id"]);
                assert_eq!(
                    there.map(|there| &there["text"]),
                    Some(&entry["text"]),
                    "{}",
                    cut.what
                );
            }
            // What Ana was told has reached is there.
            let reached: Vec<Value> = pair
                .ana
                .list()
                .into_iter()
                .filter(|entry| entry["reached"] == true)
                .collect();
            for entry in comparable(&reached) {
                let there = now.iter().any(|there| there["text"] == entry["text"]);
                assert!(there, "{}: {entry} had reached Bo", cut.what);
            }
            pair.meet();
            pair.meet();
            assert_equal(&pair.ana, &pair.bo);
            assert_eq!(pair.bo.status()["refused"], json!([]), "{}", cut.what);
            goes_on(&pair.bo, &cut.what);
        },
    );
}

#[test]
fn no_half_pair_is_left_wherever_the_keeping_of_a_pair_is_cut() {
    static MADE: OnceLock<(Device, Device)> = OnceLock::new();
    let made = || {
        let (ana, bo) = MADE.get_or_init(|| (Device::new("Ana"), Device::new("Bo")));
        Pair {
            ana: ana.copy(),
            bo: bo.copy(),
        }
    };
    cut(
        "pair",
        made,
        |pair| &mut pair.bo,
        |pair| {
            let mut host = pair
                .ana
                .start(&["pair", "--yes", "--listen", "127.0.0.1:0"]);
            let code = Code::of(&host.until("code"));
            let mut joiner = pair.bo.joins(&code.at);
            joiner.types(&code.typed);
            let ended = joiner.ends();
            // Where the other one is gone it shows another code.
            host.kill();
            Some(Said {
                of: "pair".to_owned(),
                exit: ended.exit,
                out: String::new(),
                err: ended.err,
            })
        },
        |pair, cut| {
            let (here, there) = (pair.ana.status(), pair.bo.status());
            let paired = |status: &Value| status["partner"].is_string();
            assert!(
                paired(&here) || !paired(&there),
                "{}: {here} {there}",
                cut.what
            );
            assert!(paired(&there) || !cut.confirmed, "{}", cut.what);
            if !paired(&there) {
                pair.ana.pair_with(&pair.bo);
            }
            pair.meet();
            pair.ana.propose("It works.");
            pair.bo.propose("It does.");
            pair.meet();
            assert_equal(&pair.ana, &pair.bo);
        },
    );
}
