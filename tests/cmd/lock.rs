//! Locking: whoever holds the journal open is gone, and its keys with it.

use std::path::PathBuf;

use rustix::process::{Signal, kill_process};

use crate::harness::{Place, set_mode, up};

fn lock(place: &Place) -> bool {
    let locked = place.run(&["lock", "--json"]).ok().json();
    assert_eq!(locked["locked"], true);
    locked["stopped"].as_bool().unwrap()
}

fn is_locked(place: &Place) {
    let asked = place.run(&["status", "--json"]);
    assert_eq!((asked.code, asked.error().as_str()), (3, "no_passphrase"));
}

fn process(pid: rustix::process::Pid) -> PathBuf {
    format!("/proc/{}/maps", pid.as_raw_nonzero()).into()
}

#[test]
fn after_it_the_process_with_the_keys_is_gone_and_every_command_asks() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    place.run(&["status", "--json"]).ok();
    assert!(process(up.pid()).exists() || !cfg!(target_os = "linux"));
    assert!(lock(&place));
    is_locked(&place);
    let pid = up.pid();
    assert_eq!(up.ends().0, Some(0));
    assert!(!process(pid).exists());
    place.open(&["status", "--json"]).ok();
    assert!(!lock(&place), "nobody has it open any more");
}

#[test]
fn one_that_does_not_answer_is_ended_too() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    kill_process(up.pid(), Signal::STOP).unwrap();
    assert!(lock(&place));
    assert_eq!(up.ends().0, None, "it was killed");
    is_locked(&place);
    place.open(&["status", "--json"]).ok();
}

#[test]
fn a_home_that_others_can_read_is_locked_like_any_other() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    set_mode(&place.home(), 0o755);
    assert!(lock(&place));
    assert_eq!(up.ends().0, Some(0));
}

#[test]
fn where_there_is_no_journal_there_is_nothing_to_lock() {
    let place = Place::empty();
    let none = place.run(&["lock", "--json"]);
    assert_eq!((none.code, none.error().as_str()), (1, "no_journal"));
}
