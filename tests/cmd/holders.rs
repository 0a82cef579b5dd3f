//! One process owns an open journal, and every other command works through it.

use std::process::Child;

use rustix::process::{Signal, kill_process};

use crate::harness::{Person, Place, Stream, mode, up};

#[test]
fn with_up_no_command_needs_a_passphrase() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    assert_eq!(mode(&place.home().join("socket")), 0o600);
    assert_eq!(place.run(&["status", "--json"]).ok().json()["name"], "Ana");
    assert_eq!(
        place.run(&["boundary", "list", "--json"]).ok().json(),
        serde_json::json!([])
    );
    assert_eq!(place.run(&["down", "--json"]).ok().json()["stopped"], true);
    assert_eq!(up.ends().0, Some(0));
    assert!(!place.home().join("socket").exists());
    assert_eq!(place.run(&["status", "--json"]).error(), "no_passphrase");
}

#[test]
fn a_second_up_says_that_there_is_one() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    for again in [&["up"][..], &["up", "--background"]] {
        let said = place.open(&[again, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (1, "already_up"),
            "{again:?}"
        );
    }
    place.run(&["status"]).ok();
    place.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
}

#[test]
fn down_without_up_is_done_already() {
    let place = Place::with_pair();
    assert_eq!(place.run(&["down", "--json"]).ok().json()["stopped"], false);
    assert_eq!(
        place.run(&["down"]).ok().out,
        "Amends is not up for this journal.\n"
    );
}

#[test]
fn a_killed_up_leaves_nothing_that_is_in_the_way() {
    let place = Place::with_pair();
    up(&place).0.loses_power();
    assert!(
        place.home().join("socket").exists(),
        "what a killed process leaves"
    );
    place.open(&["status"]).ok();
    assert_eq!(place.run(&["down", "--json"]).ok().json()["stopped"], false);
    let (again, _) = up(&place);
    place.run(&["status"]).ok();
    place.run(&["down"]).ok();
    assert_eq!(again.ends().0, Some(0));
}

#[test]
fn ctrl_c_and_the_systems_word_both_end_it_well() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::with_pair();
        let (up, _) = up(&place);
        kill_process(up.pid(), signal).unwrap();
        assert_eq!(up.ends().0, Some(0), "{signal:?}");
        assert!(!place.home().join("socket").exists());
    }
}

#[test]
fn in_the_background_it_outlives_its_window() {
    let place = Place::with_pair();
    let file = place.path().join("passphrase");
    let arguments = ["up", "--background", "--quiet", "--listen", "127.0.0.1:0"];
    let mut person = Person::at(place.command(&arguments).arg("--passphrase-file").arg(file));
    person.sees("Amends is up").sees("To stop it: amends down.");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    place.run(&["status"]).ok();
    assert_eq!(place.run(&["down", "--json"]).ok().json()["stopped"], true);
    assert_eq!(place.run(&["status", "--json"]).error(), "no_passphrase");
}

#[test]
fn commands_at_once_all_get_their_answer() {
    let place = Place::with_pair();
    let file = place.path().join("passphrase");
    let running: Vec<Child> = (0..6)
        .map(|_| {
            place
                .command(&["status", "--json", "--passphrase-file"])
                .arg(&file)
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(status["name"], "Ana");
    }
}

#[test]
fn a_port_that_is_taken_is_said() {
    let place = Place::with_pair();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let said = place.open(&["up", "--quiet", "--listen", &taken, "--json"]);
    assert_eq!((said.code, said.error().as_str()), (1, "port_taken"));
    for nonsense in ["everywhere", "1.2.3.4.5:1", "127.0.0.1:99999"] {
        let said = place.open(&["up", "--quiet", "--listen", nonsense, "--json"]);
        assert_eq!(
            (said.code, said.error().as_str()),
            (2, "bad_address"),
            "{nonsense}"
        );
    }
    place.open(&["status"]).ok();
}

#[test]
fn one_who_waits_is_let_in_by_one_who_is_at_work() {
    let place = Place::with_pair();
    // A sync that will meet nobody holds the journal for a while, and serves it.
    let sync = Stream::of(
        &place,
        &["sync", "--timeout", "20s", "--peer", "127.0.0.1:9"],
    );
    while !place.home().join("socket").exists() {
        std::thread::yield_now();
    }
    assert_eq!(
        place.open(&["status", "--json"]).ok().json()["partner"],
        "Bo"
    );
    assert_eq!(
        place.run(&["down", "--json"]).ok().json()["stopped"],
        false,
        "it goes by itself"
    );
    kill_process(sync.pid(), Signal::INT).unwrap();
    assert_eq!(sync.ends().0, Some(1));
}
