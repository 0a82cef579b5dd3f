//! A disk that is cut at every single step: each write, sync, truncation, and each file that is made, renamed or removed, by a
//! whole process. What was confirmed is there afterwards, nothing is half there, and an error says what it is.
//!
//! The steps are counted and cut by a small library (`support/disk.c`) that is compiled here, as SQLite is, and loaded before
//! the C library. `AMENDS_LONG=1` cuts at every step; otherwise at a part of them.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use amends_store::{OpenError, Store, Table, Write};
use support::*;

const PATH: &str = "AMENDS_STORE_TEST_PATH";

/// Set for a child that says of what did not wait for the disk that it is there: what the power cuts must show.
const LIES: &str = "AMENDS_STORE_TEST_LIES";

/// Row `n`'s value: of a length and content that only `n` decides.
fn value(n: u64) -> Vec<u8> {
    n.to_be_bytes().repeat(1 + (n as usize * 977) % 1200)
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}

/// A commit that touches three tables and takes an old row away.
fn commit_of(n: u64) -> Vec<Write> {
    let mut writes = vec![
        Write::put(Table::Card, &n.to_be_bytes(), &value(n)),
        Write::put(Table::Meta, b"last", &n.to_be_bytes()),
        Write::put(Table::Envelope, &n.to_be_bytes(), &value(n)),
        Write::put(Table::Part, b"one", &value(n)),
    ];
    if let Some(old) = n.checked_sub(5) {
        writes.push(Write::Delete {
            table: Table::Card,
            key: old.to_be_bytes().to_vec(),
        });
    }
    writes
}

fn last_of(store: &Store) -> u64 {
    let last = store.get(Table::Meta, b"last").unwrap();
    last.map_or(0, |last| number(&last))
}

/// Tries a thing as often as a person might; says each failure.
fn again<T, E: std::fmt::Debug>(what: &str, mut then: impl FnMut() -> Result<T, E>) -> Option<T> {
    for _ in 0..3 {
        match then() {
            Ok(done) => return Some(done),
            Err(error) => println!("failed {what}: {error:?}"),
        }
    }
    None
}

/// A store's life: made, written in, closed, opened, written in without waiting for the disk, dropped, opened.
#[test]
#[ignore = "the other process of the tests below"]
fn child_lives_a_life() {
    println!(); // behind what the test harness prints
    let path = PathBuf::from(std::env::var_os(PATH).unwrap());
    let Some(mut store) = again("create", || Store::create(&path, key(), rng())) else {
        return;
    };
    println!("made");
    let write = |store: &mut Store, n: u64, volatile: bool| {
        // One that failed is looked for: nobody can say whether it is there.
        let done = again("commit", || match last_of(store) {
            last if last >= n => Ok(()),
            _ if volatile || std::env::var_os(LIES).is_some() => {
                store.commit_volatile(&commit_of(n))
            }
            _ => store.commit(&commit_of(n)),
        });
        if done.is_some() {
            println!("{} {n}", if volatile { "volatile" } else { "confirmed" });
        }
        done.is_some()
    };
    for n in 1..=4 {
        if !write(&mut store, n, false) {
            return;
        }
    }
    if let Err(error) = store.close() {
        println!("failed close: {error:?}");
    }
    let Some(mut store) = again("open", || try_open(&path)) else {
        return;
    };
    for n in 5..=9 {
        if !write(&mut store, n, n % 2 == 0) {
            return;
        }
    }
    drop(store);
    let Some(store) = again("open", || try_open(&path)) else {
        return;
    };
    println!("open at {}", last_of(&store));
    drop(store);
}

/// Makes a store of version 1, as an older program left it: without the tables for photos.
fn of_version_1(path: &Path) {
    let mut store = create(path);
    for n in 1..=3 {
        store.commit(&commit_of(n)).unwrap();
    }
    store.close().unwrap();
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(
        "DROP TABLE blob; DROP TABLE chunk; DROP TABLE naming; PRAGMA user_version = 1",
    )
    .unwrap();
    conn.close().map_err(|(_, error)| error).unwrap();
}

/// Opens a store of an older version, which migrates it, and writes in it.
#[test]
#[ignore = "the other process of the tests below"]
fn child_migrates() {
    let path = PathBuf::from(std::env::var_os(PATH).unwrap());
    println!("\nmade\nconfirmed 3");
    let Some(mut store) = again("open", || try_open(&path)) else {
        return;
    };
    if again("commit", || store.commit(&commit_of(4))).is_some() {
        println!("confirmed 4");
    }
}

/// The library, where this machine can compile it.
fn shim(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/disk.c");
    let library = folder.join("disk.so");
    let made = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .output();
    match made {
        Ok(made) if made.status.success() => Some(library),
        Ok(made) => panic!("{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) => {
            assert!(
                std::env::var_os("AMENDS_REQUIRE_NETNS").is_none_or(|set| set != "1"),
                "no C compiler: {error}"
            );
            eprintln!("SKIPPED: no C compiler, so no disk can be cut at its steps: {error}");
            None
        }
    }
}

/// One run of a child under the library.
struct Ran {
    /// Whether it came to its end.
    whole: bool,
    said: String,
    steps: u64,
}

impl Ran {
    /// The last commit that it said, and whether it waited for the disk.
    fn last(&self, kinds: &[&str]) -> u64 {
        let said = self.said.lines().filter_map(|line| {
            let (kind, n) = line.split_once(' ')?;
            kinds.contains(&kind).then(|| n.parse().ok())?
        });
        said.max().unwrap_or(0)
    }
}

fn command(library: &Path, child: &str, path: &Path, does: &str, at: u64, seed: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            child,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PATH, path)
        .env("LD_PRELOAD", library)
        .env("AMENDS_DISK_UNDER", path)
        .env("AMENDS_DISK_DOES", does)
        .env("AMENDS_DISK_AT", at.to_string())
        .env("AMENDS_DISK_SEED", seed.to_string())
        .env("AMENDS_DISK_COUNT", path.with_extension("count"))
        .stdin(Stdio::null());
    command
}

fn run(library: &Path, child: &str, path: &Path, does: &str, at: u64, seed: u64) -> Ran {
    let count = path.with_extension("count");
    fs::remove_file(&count).ok();
    let output = command(library, child, path, does, at, seed)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status).is_some();
    assert!(
        killed || output.status.success(),
        "{does} at {at}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let steps = fs::read_to_string(&count).map_or(0, |count| count.parse().unwrap());
    Ran {
        whole: !killed,
        said,
        steps,
    }
}

/// What is there afterwards: all of what was confirmed, and of each commit all or nothing.
fn assert_kept(path: &Path, ran: &Ran, what: &str) {
    let confirmed = ran.last(if what.starts_with("power") {
        &["confirmed"]
    } else {
        &["confirmed", "volatile"]
    });
    let store = match try_open(path) {
        Ok(store) => store,
        // Cut short before it was said to be made.
        Err(OpenError::NotFound(_) | OpenError::Unfinished(_) | OpenError::NotOurs(_))
            if !ran.said.lines().any(|line| line == "made") =>
        {
            return;
        }
        Err(error) => panic!("{what}: {error:?}\n{}", ran.said),
    };
    let last = last_of(&store);
    assert!(
        last >= confirmed,
        "{what}: {last} is there, {confirmed} was confirmed\n{}",
        ran.said
    );
    let mut expected: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut envelopes = expected.clone();
    for n in 1..=last {
        expected.insert(n.to_be_bytes().to_vec(), value(n));
        envelopes.insert(n.to_be_bytes().to_vec(), value(n));
        if let Some(old) = n.checked_sub(5) {
            expected.remove(&old.to_be_bytes()[..]);
        }
    }
    for (table, expected) in [(Table::Card, expected), (Table::Envelope, envelopes)] {
        let rows: BTreeMap<_, _> = store
            .scan(table, b"", None, usize::MAX)
            .unwrap()
            .into_iter()
            .collect();
        assert!(
            rows == expected,
            "{what}: {table} is not what the commits up to {last} left"
        );
    }
    if last > 0 {
        assert_eq!(
            store.get(Table::Part, b"one").unwrap(),
            Some(value(last)),
            "{what}"
        );
    }
    assert_eq!(store.check().unwrap().faults, [], "{what}");
}

/// Cuts a child's life at its steps, in this way.
fn cut_at_every_step(child: &str, does: &str, before: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim(folder.path()) else {
        return;
    };
    let fresh = |name: &str| {
        let home = folder.path().join(name);
        fs::remove_dir_all(&home).ok();
        fs::create_dir(&home).unwrap();
        let path = home.join("journal.db");
        before(&path);
        path
    };
    let path = fresh("whole");
    let whole = run(&library, child, &path, "count", 0, 0);
    assert!(
        whole.whole && whole.steps > 20,
        "{} steps\n{}",
        whole.steps,
        whole.said
    );
    assert!(
        !whole.said.lines().any(|line| line.starts_with("failed ")),
        "{}",
        whole.said
    );
    assert_kept(&path, &whole, "whole");

    let long = std::env::var_os("AMENDS_LONG").is_some();
    // Another part of the steps in each way, the first ones in all.
    let stride = if long { 1 } else { 17 };
    let offset = does.len() as u64 % stride;
    let seeds = if does == "power" && long { 6 } else { 1 };
    let mut failures = BTreeMap::new();
    let mut runs = 0;
    for at in (1..=whole.steps).filter(|at| at % stride == offset || *at == 1) {
        for seed in 0..seeds {
            let path = fresh("cut");
            let ran = run(&library, child, &path, does, at, at * 31 + seed);
            runs += 1;
            assert_kept(
                &path,
                &ran,
                &format!("{does} at step {at} of {}, seed {seed}", whole.steps),
            );
            for line in ran.said.lines().filter(|line| line.starts_with("failed ")) {
                *failures.entry(line.to_owned()).or_insert(0) += 1;
            }
            // The same store goes on.
            if let Ok(mut store) = try_open(&path) {
                let next = last_of(&store) + 1;
                store.commit(&commit_of(next)).unwrap();
            }
        }
    }
    println!("{child}: {runs} of {} steps cut by {does}", whole.steps);
    for (line, often) in &failures {
        println!("{often:>6} {line}");
        let known = [
            "Full",
            "ReadOnly",
            "Io(",
            "Failed(",
            "File {",
            "Copy(",
            "Unfinished(",
            "Exists(",
        ];
        assert!(known.iter().any(|kind| line.contains(kind)), "{line}");
        // What the disk does is never told as damage or as a wrong key.
        assert!(
            !line.contains("Damaged") && !line.contains("WrongKey"),
            "{line}"
        );
    }
    if does == "enospc" {
        assert!(
            failures.keys().any(|line| line.contains("Full")),
            "a full disk is said to be full: {failures:?}"
        );
        assert!(
            failures.keys().all(|line| !line.contains("Io(")),
            "{failures:?}"
        );
    }
}

#[test]
fn killed_before_any_step_nothing_confirmed_is_lost() {
    cut_at_every_step("child_lives_a_life", "kill", |_| {});
}

#[test]
fn killed_in_the_middle_of_any_write_nothing_confirmed_is_lost() {
    cut_at_every_step("child_lives_a_life", "half", |_| {});
}

#[test]
fn with_the_power_cut_at_any_step_what_waited_for_the_disk_is_there() {
    cut_at_every_step("child_lives_a_life", "power", |_| {});
}

#[test]
fn a_store_that_does_not_wait_for_the_disk_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim(folder.path()) else {
        return;
    };
    let path = folder.path().join("journal.db");
    let lost = (150..250).step_by(9).any(|at| {
        for file in [path.clone(), wal_of(&path)] {
            fs::remove_file(file).ok();
        }
        let mut command = command(&library, "child_lives_a_life", &path, "power", at, at);
        let output = command.env(LIES, "1").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let ran = Ran {
            whole: false,
            said,
            steps: 0,
        };
        let confirmed = ran.last(&["confirmed"]);
        try_open(&path).is_ok_and(|store| last_of(&store) < confirmed)
    });
    assert!(lost, "no power cut took anything: they are no power cuts");
}

#[test]
fn a_disk_that_is_full_from_any_step_on_is_said_and_loses_nothing() {
    cut_at_every_step("child_lives_a_life", "enospc", |_| {});
}

#[test]
fn a_disk_that_fails_once_at_any_step_loses_nothing() {
    cut_at_every_step("child_lives_a_life", "eio", |_| {});
}

#[test]
fn a_disk_that_can_only_be_read_from_any_step_on_loses_nothing() {
    cut_at_every_step("child_lives_a_life", "erofs", |_| {});
}

#[test]
fn a_migration_that_is_cut_at_any_step_goes_on_or_back() {
    for does in ["kill", "half", "power", "enospc", "eio"] {
        cut_at_every_step("child_migrates", does, of_version_1);
    }
}
