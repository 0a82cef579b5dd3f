//! What the memory of a running amends holds, and who may look at it. Linux only: elsewhere another way leads there.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use amends_keys::vault::Vault;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{PASSPHRASE, Place, up};

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    // Most places begin with another byte, and windows are slow over hundreds of megabytes.
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == needle[0]) {
        if bytes[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// In how many of its writable regions a process holds each of the needles. None where it may not be looked at.
fn found_in(pid: Pid, needles: &[&[u8]]) -> Option<Vec<usize>> {
    let of = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
    let memory = File::open(of("mem")).ok()?;
    let maps = fs::read_to_string(of("maps")).unwrap();
    let mut found = vec![0; needles.len()];
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // Regions of the kernel's own cannot be read.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            for (count, needle) in found.iter_mut().zip(needles) {
                *count += usize::from(holds(&bytes, needle));
            }
        }
    }
    Some(found)
}

#[test]
fn while_it_is_up_neither_the_passphrase_nor_the_vaults_key_is_in_its_memory() {
    let place = Place::with_pair();
    let vault = Vault::parse(&fs::read(place.home().join("vault")).unwrap()).unwrap();
    let key = vault.unlock(PASSPHRASE).unwrap();
    let (store, passphrase) = (key.journal_store(), PASSPHRASE.as_bytes());
    let needles = [&store.expose()[..], &key.expose()[..], passphrase];
    let (up, _) = up(&place);
    place.run(&["boundary", "list"]).ok();
    let Some(found) = found_in(up.pid(), &needles) else {
        // Not even the user who runs it may look; only the administrator's tests see more.
        assert!(!rustix::process::geteuid().is_root());
        return;
    };
    // The store's key must be there, else nothing would be found at all.
    assert!(found[0] > 0, "{found:?}");
    assert_eq!(found[1..], [0, 0], "the vault's key, the passphrase");
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
