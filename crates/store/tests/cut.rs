//! Killed in the middle, or out of room: what a commit confirmed is there.
//!
//! The other process is this test binary again, running one of the `child_` functions, which are ignored otherwise.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use amends_store::{CloseError, CommitError, OpenError, Store, Table, Write};
use support::*;

const PATH: &str = "AMENDS_STORE_TEST_PATH";
const VOLATILE: &str = "AMENDS_STORE_TEST_VOLATILE";

/// Set where a test that needs a namespace must not be skipped.
const REQUIRED: &str = "AMENDS_REQUIRE_NETNS";

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().unwrap())
}

/// Row `n`'s value: of a length and content that only `n` decides, long enough that checkpoints happen.
fn value(n: u64) -> Vec<u8> {
    n.to_be_bytes().repeat(1 + (n as usize * 977) % 1500)
}

#[test]
#[ignore = "the other process of the tests below"]
fn child_commits_for_ever() {
    let mut store = open(Path::new(&std::env::var_os(PATH).unwrap()));
    let volatile = std::env::var_os(VOLATILE).is_some();
    let last = store
        .get(Table::Meta, b"last")
        .unwrap()
        .map_or(0, |last| number(&last));
    for n in last + 1.. {
        let writes = [
            Write::put(Table::Card, &n.to_be_bytes(), &value(n)),
            Write::put(Table::Meta, b"last", &n.to_be_bytes()),
            Write::put(Table::Envelope, &n.to_be_bytes(), &value(n)),
        ];
        if volatile {
            store.commit_volatile(&writes)
        } else {
            store.commit(&writes)
        }
        .unwrap();
        println!("confirmed {n}");
    }
}

fn start(path: &Path, volatile: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "child_commits_for_ever",
        "--ignored",
        "--nocapture",
    ]);
    command
        .env(PATH, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if volatile {
        command.env(VOLATILE, "1");
    }
    command.spawn().unwrap()
}

/// Kills the child once it has confirmed `commits` of them; returns the last number that it confirmed before it died.
fn kill_after(mut child: Child, commits: usize, mut meanwhile: impl FnMut()) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let confirmed = lines.filter_map(|line| {
        line.unwrap()
            .strip_prefix("confirmed ")
            .map(|n| n.parse().unwrap())
    });
    let mut last = 0;
    for (count, n) in (1..).zip(confirmed) {
        last = n;
        if count == commits {
            meanwhile();
            child.kill().unwrap(); // SIGKILL; the lines it had written until then are still read
        }
    }
    assert!(!child.wait().unwrap().success());
    last
}

fn killed_again_and_again(volatile: bool) {
    let (_home, path) = home();
    create(&path).close().unwrap();
    let mut confirmed = 0;
    for commits in [1, 2, 150, 9, 120, 4] {
        let now = kill_after(start(&path, volatile), commits, || {
            let refused = try_open(&path);
            assert!(matches!(refused, Err(OpenError::InUse)), "{refused:?}");
        });
        assert!(
            now >= confirmed + commits as u64,
            "the child went on where the last one was killed"
        );
        confirmed = now;

        let store = open(&path);
        let last = number(&store.get(Table::Meta, b"last").unwrap().unwrap());
        assert!(
            last >= confirmed,
            "{last} is there, {confirmed} was confirmed"
        );
        for table in [Table::Card, Table::Envelope] {
            let rows = store.scan(table, b"", None, usize::MAX).unwrap();
            assert_eq!(rows.len() as u64, last, "all of a commit or nothing of it");
            assert!(
                (1..)
                    .zip(&rows)
                    .all(|(n, row)| number(&row.0) == n && row.1 == value(n))
            );
        }
        assert_eq!(store.check().unwrap().faults, []);
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_confirmed() {
    killed_again_and_again(false);
}

#[test]
fn a_killed_process_loses_no_volatile_mark_either() {
    killed_again_and_again(true);
}

/// Runs inside a mount namespace, in a folder on a file system of 2 MiB.
#[test]
#[ignore = "the other process of the test below"]
fn child_fills_the_disk() {
    let folder = PathBuf::from(std::env::var_os(PATH).unwrap());
    let path = folder.join("journal.db");
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 400 << 10]).unwrap();

    let row = |n: u64| Write::put(Table::Card, &n.to_be_bytes(), &value(n));
    let mut store = create(&path);
    let mut full = false;
    let mut confirmed = 0;
    while !full {
        assert!(confirmed < 1000, "2 MiB never fill");
        match store.commit(&[
            row(confirmed + 1),
            Write::put(Table::Meta, b"last", &(confirmed + 1).to_be_bytes()),
        ]) {
            Ok(()) => confirmed += 1,
            Err(CommitError::Full) => full = true,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(confirmed > 10);
    let all_there = |store: &Store| {
        for n in 1..=confirmed {
            assert_eq!(
                store.get(Table::Card, &n.to_be_bytes()).unwrap(),
                Some(value(n)),
                "row {n}"
            );
        }
        assert_eq!(
            store
                .get(Table::Card, &(confirmed + 1).to_be_bytes())
                .unwrap(),
            None
        );
        assert_eq!(
            store.get(Table::Meta, b"last").unwrap(),
            Some(confirmed.to_be_bytes().to_vec())
        );
        assert_eq!(store.check().unwrap().faults, []);
    };
    all_there(&store);
    match store.close() {
        Ok(()) | Err(CloseError::Full) => {}
        Err(other) => panic!("{other:?}"),
    }

    let store = open(&path);
    all_there(&store);
    drop(store);

    // Not a byte left: a new store is refused and leaves nothing behind.
    let filler = folder.join("filler");
    assert!(fs::write(&filler, vec![1; 4 << 20]).is_err());
    let refused = Store::create(folder.join("second.db"), key(), rng());
    assert!(matches!(refused, Err(OpenError::Full)), "{refused:?}");
    assert!(
        files_in(&folder)
            .iter()
            .all(|file| !file.starts_with("second")),
        "{:?}",
        files_in(&folder)
    );

    let mut store = open(&path);
    all_there(&store);
    fs::remove_file(&ballast).unwrap();
    fs::remove_file(&filler).unwrap();
    store.commit(&[row(confirmed + 1)]).unwrap();
    // There may be room for a commit and none to move the long WAL into the database.
    assert!(matches!(store.close(), Ok(()) | Err(CloseError::Full)));
    let store = open(&path);
    assert_eq!(
        store
            .get(Table::Card, &(confirmed + 1).to_be_bytes())
            .unwrap(),
        Some(value(confirmed + 1))
    );
    println!("filled and lost nothing");
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    const NO_NAMESPACE: i32 = 77;
    let home = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=2m,mode=0700 tmpfs \"$1\" || exit {NO_NAMESPACE}; exec \"$2\" --exact child_fills_the_disk --ignored --nocapture"
    );
    let run = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &script,
            "sh",
        ])
        .arg(home.path())
        .arg(std::env::current_exe().unwrap())
        .env(PATH, home.path())
        .stdin(Stdio::null())
        .output();
    let ran = match &run {
        Ok(output) => {
            output.status.code() != Some(NO_NAMESPACE) && !output.stderr.starts_with(b"unshare:")
        }
        Err(_) => false,
    };
    if !ran {
        assert!(
            std::env::var_os(REQUIRED).is_none_or(|set| set != "1"),
            "no mount namespace, and {REQUIRED}=1: {run:?}"
        );
        eprintln!(
            "SKIPPED: a_full_disk_is_told_and_loses_nothing needs `unshare --user --mount`, which this machine refuses"
        );
        return;
    }
    let output = run.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("filled and lost nothing"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
