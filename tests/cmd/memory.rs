//! What the memory of a running amends holds, and who may look at it. Linux only: elsewhere another way leads there.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileExt, MetadataExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use amends_keys::seal::StoreKey;
use amends_keys::vault::Vault;
use amends_store::{Store, Table};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{PASSPHRASE, Place, Stream, a_pair, up};

/// Where in some bytes a needle lies.
fn places(bytes: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut rest = bytes;
    // From one byte like its first to the next, which is quick over hundreds of megabytes.
    while rest.skip_until(needle[0]).unwrap() > 0 {
        let at = bytes.len() - rest.len() - 1;
        if bytes[at..].starts_with(needle) {
            found.push(at);
        }
    }
    found
}

/// What a process can write to: everything that it keeps.
struct Memory {
    /// Each region as the kernel names it, where it begins, and what is in it.
    regions: Vec<(String, usize, Vec<u8>)>,
}

impl Memory {
    /// None where it may not be looked at: only the administrator's tests see it.
    fn of(pid: Pid) -> Option<Memory> {
        let of = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
        let Ok(memory) = File::open(of("mem")) else {
            assert!(!rustix::process::geteuid().is_root());
            return None;
        };
        let maps = fs::read_to_string(of("maps")).unwrap();
        let mut regions = Vec::new();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            if !rest.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|hex| usize::from_str_radix(hex, 16).unwrap());
            let mut bytes = vec![0; to - from];
            // Regions of the kernel's own cannot be read.
            if memory.read_exact_at(&mut bytes, from as u64).is_ok() {
                regions.push((line.to_owned(), from, bytes));
            }
        }
        Some(Memory { regions })
    }

    /// Where it holds these bytes, in words that lead whoever looks for the reason there.
    fn holds(&self, needle: &[u8]) -> Vec<String> {
        let within = |(line, from, bytes): &(String, usize, Vec<u8>)| {
            places(bytes, needle)
                .into_iter()
                .map(|at| {
                    let around = &bytes[at.saturating_sub(64)..bytes.len().min(at + 96)];
                    format!("{:x} of {line}, amid {around:02x?}", from + at)
                })
                .collect::<Vec<_>>()
        };
        self.regions.iter().flat_map(within).collect()
    }
}

#[test]
fn while_it_is_up_neither_the_passphrase_nor_the_vaults_key_is_in_its_memory() {
    let place = Place::with_pair();
    let vault = Vault::parse(&fs::read(place.home().join("vault")).unwrap()).unwrap();
    let key = vault.unlock(PASSPHRASE).unwrap();
    let (store, passphrase) = (key.journal_store(), PASSPHRASE.as_bytes());
    let (up, _) = up(&place);
    place.run(&["boundary", "list"]).ok();
    let Some(memory) = Memory::of(up.pid()) else {
        return;
    };
    // The store's key must be there, else nothing would be found at all.
    assert!(!memory.holds(store.expose()).is_empty());
    assert_eq!(memory.holds(key.expose()), [""; 0], "the vault's key");
    assert_eq!(memory.holds(passphrase), [""; 0], "the passphrase");
}

/// A key of a home.
struct Key {
    name: String,
    bytes: Vec<u8>,
    /// Whether it is in memory as long as the home is open.
    used: bool,
}

/// Every key of a home but those of its door, which libp2p works with: it copies and moves them, and wipes few of the places.
fn keys_of(place: &Place) -> Vec<Key> {
    let vault = Vault::parse(&fs::read(place.home().join("vault")).unwrap()).unwrap();
    let vault = vault.unlock(PASSPHRASE).unwrap();
    let mut keys = Vec::new();
    let mut add = |name: &str, bytes: &[u8], used| {
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        keys.push(Key { name, bytes, used });
    };
    add("the passphrase", PASSPHRASE.as_bytes(), false);
    add("the vault", vault.expose(), false);
    add("its backups", vault.backups().expose(), true);
    let open = |file: &str, of: StoreKey| {
        let rng = rand_core::UnwrapErr(rand::rngs::SysRng);
        Store::open(place.home().join(file), of, Box::new(rng)).unwrap()
    };
    let row = |store: &Store, name: &str| store.get(Table::Meta, name.as_bytes()).unwrap().unwrap();
    let (journal, private) = (vault.journal_store(), vault.private_store());
    add("the journal's store", journal.expose(), true);
    add("the private store", private.expose(), true);
    let (journal, private) = (open("journal.db", journal), open("private.db", private));
    // Version, journal, secret, …; version, how many epochs, the number of the first, its secret, …
    add("the journal's log", &row(&journal, "member")[33..65], true);
    add("the private log", &row(&private, "member")[33..65], true);
    add("the journal's epoch", &row(&journal, "epochs")[3..35], true);
    add("the private epoch", &row(&private, "epochs")[3..35], true);
    // Version, that there was a log before, its secret, …
    let before = row(&journal, "incarnation");
    assert_eq!(before[1], 1, "it has begun anew");
    add("the journal's first log", &before[2..34], true);
    for (in_row, name) in [
        ("device", "static_secret"),
        ("pair", "discovery"),
        ("pair", "session_psk"),
    ] {
        let row: Value = serde_json::from_slice(&row(&journal, in_row)).unwrap();
        let bytes: Vec<u8> = serde_json::from_value(row[name].clone()).unwrap();
        add(name, &bytes, true);
        // As it is written in its row.
        add(name, row[name].to_string().as_bytes(), false);
    }
    keys
}

/// Gives a page's journal its passphrase as a browser does, which then keeps the connection.
fn unlock_at(address: &str) -> TcpStream {
    let (origin, _) = address.split_once("/#").unwrap();
    let host = origin.strip_prefix("http://").unwrap();
    let body = serde_json::json!({ "passphrase": PASSPHRASE }).to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let request = format!(
        "POST /unlock HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while answer.last() != Some(&b'}') {
        let mut more = [0; 1024];
        let n = stream.read(&mut more).unwrap();
        assert!(n > 0, "the page closed it");
        answer.extend_from_slice(&more[..n]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    stream
}

#[test]
fn after_lock_no_key_is_in_the_memory_of_a_page_that_goes_on() {
    let (ana, bo) = a_pair();
    let (_up, at) = up(&bo);
    // A copy of a home begins a new log with what it writes first: so this writes keys, too.
    let ana = ana.copy();
    let arguments = [
        "open",
        "--print",
        "--quiet",
        "--listen",
        "127.0.0.1:0",
        "--peer",
        &at,
    ];
    let mut page = Stream::of(&ana, &arguments);
    let address = page.line()["address"].as_str().unwrap().to_owned();
    let lived = || {
        ana.run(&["boundary", "propose", "While it was open."]).ok();
        ana.run(&["feel", "Glad."]).ok();
        ana.run(&["sync"]).ok();
        let open = Memory::of(page.pid());
        ana.run(&["lock"]).ok();
        assert_eq!(ana.run(&["boundary", "list"]).code, 3, "it is locked");
        Some((open?, Memory::of(page.pid())?))
    };
    let given_a_file = lived();
    let _browser = unlock_at(&address);
    let Some(((open, locked), (open_again, locked_again))) = given_a_file.zip(lived()) else {
        return;
    };
    let mut left = Vec::new();
    for Key { name, bytes, used } in keys_of(&ana) {
        // What is looked for is found as long as it is open.
        for open in [&open, &open_again] {
            assert!(!used || !open.holds(&bytes).is_empty(), "{name}");
        }
        for (time, locked) in [("once", &locked), ("twice", &locked_again)] {
            let places = locked.holds(&bytes).into_iter();
            left.extend(places.map(|at| format!("locked {time}: {name} at {at}")));
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

/// The program as another user's, where this test runs as the administrator: then it says something about users.
fn as_a_user(place: &Place, arguments: &[&str]) -> Command {
    const NOBODY: u32 = 65_534;
    let program = place.path().join("amends");
    fs::hard_link(env!("CARGO_BIN_EXE_amends"), &program)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_amends"), &program).map(drop))
        .unwrap();
    let mut command = Command::new(&program);
    command
        .env_clear()
        .env("HOME", place.path())
        .current_dir(place.path())
        .args(arguments)
        .arg("--home")
        .arg(place.home())
        .arg("--passphrase-file")
        .arg(place.path().join("passphrase"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if rustix::process::geteuid().is_root() {
        for (path, _) in place.snapshot() {
            if path != program {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        chown(place.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn cores(dir: &Path) -> usize {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("core"))
        .count()
}

/// Gone when the test is.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn its_memory_is_closed_to_its_own_user_and_a_crash_leaves_no_core() {
    let place = Place::with_pair();
    let arguments = ["up", "--quiet", "--listen", "127.0.0.1:0", "--json"];
    let mut up = Ended(as_a_user(&place, &arguments).spawn().unwrap());
    // Its first words: it is up, and everything that it does before is done.
    let mut first = [0];
    up.0.stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let pid = Pid::from_child(&up.0);
    let of = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
    // What may not be dumped belongs to the administrator, whoever runs it.
    let owner = fs::metadata(of("mem")).unwrap().uid();
    let runs_as = fs::metadata(of("task")).unwrap().uid();
    assert_eq!(owner, 0);
    assert_ne!(runs_as, 0);
    if !rustix::process::geteuid().is_root() {
        assert!(File::open(of("mem")).is_err());
    }
    let limits = fs::read_to_string(of("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.contains("core file"))
        .unwrap();
    let numbers: Vec<&str> = core
        .split_whitespace()
        .filter(|word| *word == "0")
        .collect();
    assert_eq!(numbers.len(), 2, "{core}");

    kill_process(pid, Signal::ABORT).unwrap();
    let ended = up.0.wait().unwrap();
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!ended.core_dumped());
    assert_eq!(cores(place.path()) + cores(&place.home()), 0);
    let may_write = fs::metadata(place.path()).unwrap().uid() == runs_as;
    assert!(may_write, "a core could have been written here");
}
