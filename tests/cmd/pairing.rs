//! Pairing, as scripts and people see it.

use serde_json::json;

use crate::harness::{Person, Place, Stream, a_pair};

fn bo() -> Place {
    let bo = Place::empty();
    bo.open(&["init", "--name", "Bo", "--argon2-memory", "64"])
        .ok();
    bo
}

#[test]
fn the_events_have_the_fields_that_scripts_rely_on() {
    let (ana, bo) = (Place::with_home(), bo());
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = host.until("code");
    let mut fields: Vec<&String> = code.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["code", "event", "expires", "listen", "paste"]);
    let digits: Vec<&str> = code["code"].as_str().unwrap().split(' ').collect();
    assert!(
        digits.len() == 3
            && digits
                .iter()
                .all(|three| three.len() == 3 && three.parse::<u16>().is_ok()),
        "{code}"
    );
    let paste = code["paste"].as_str().unwrap();
    assert!(paste.starts_with("amends1:"), "{paste}");

    // The long code knows the way: no --peer.
    let mut joiner = Stream::of(&bo, &["pair", "-", "--yes"]);
    joiner.is_told(paste);
    host.until("found");
    let (here, there) = (host.until("number"), joiner.until("number"));
    assert_eq!(here["number"], there["number"]);
    assert_eq!(here["number"].as_str().unwrap().len(), 6);
    assert_eq!(
        (&here["name"], &there["name"]),
        (&json!("Bo"), &json!("Ana"))
    );
    assert_eq!(
        host.until("paired"),
        json!({"event": "paired", "partner": "Bo"})
    );
    assert_eq!(
        joiner.until("paired"),
        json!({"event": "paired", "partner": "Ana"})
    );
    assert_eq!((host.ends().0, joiner.ends().0), (Some(0), Some(0)));
    for (place, partner) in [(&ana, "Bo"), (&bo, "Ana")] {
        assert_eq!(
            place.open(&["status", "--json"]).ok().json()["partner"],
            partner
        );
    }
}

#[test]
fn a_wrong_code_is_said_on_both_sides_in_the_same_words_and_a_new_one_comes() {
    let (ana, bo) = (Place::with_home(), bo());
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let first = host.until("code");
    let at = first["listen"][0].as_str().unwrap();
    let mut joiner = Stream::of(&bo, &["pair", "-", "--yes", "--peer", at]);
    // 57 is one of the pairs with a right check digit that random digits hit once in 10^8.
    let wrong = ["000 000 000", "111 111 110"]
        .into_iter()
        .find(|code| *code != first["code"])
        .unwrap();
    joiner.is_told(wrong);
    let (here, there) = (host.until("failed"), joiner.until("failed"));
    assert_eq!(here, there);
    assert_eq!(here["code"], "wrong_code");
    let second = host.until("code");
    assert_ne!(first["code"], second["code"]);
    joiner.is_told(second["code"].as_str().unwrap());
    host.until("paired");
    joiner.until("paired");
    assert_eq!((host.ends().0, joiner.ends().0), (Some(0), Some(0)));
}

#[test]
fn two_people_at_two_terminals() {
    let (ana, bo) = (Place::with_home(), bo());
    let file = |place: &Place| place.path().join("passphrase");
    let mut host = Person::at(
        ana.command(&["pair", "--listen", "127.0.0.1:0", "--passphrase-file"])
            .arg(file(&ana)),
    );
    host.sees("On your partner's device: amends pair --join");
    let screen = host.sees("Or paste this there:").seen().to_owned();
    let code = screen.lines().find_map(|line| {
        let code = line
            .trim()
            .trim_start_matches("\u{1b}[1m")
            .trim_end_matches("\u{1b}[0m");
        (code.len() == 11 && code.bytes().all(|b| b.is_ascii_digit() || b == b' '))
            .then(|| code.to_owned())
    });
    assert!(
        screen.contains('█') || screen.contains('▀'),
        "the QR is there: {screen}"
    );
    host.sees("--peer 127.0.0.1:");
    let port: String = host
        .sees("\n")
        .seen()
        .rsplit("--peer ")
        .next()
        .unwrap()
        .trim()
        .to_owned();

    let mut joiner = Person::at(
        bo.command(&["pair", "--join", "--peer", &port, "--passphrase-file"])
            .arg(file(&bo)),
    );
    joiner
        .sees("The code on the other screen: ")
        .types(&code.unwrap());
    host.sees("Does Bo's screen show the same number? (yes/no) ")
        .types("yes");
    joiner
        .sees("Does Ana's screen show the same number? (yes/no) ")
        .types("y");
    host.sees("You and Bo are a pair now.");
    joiner.sees("You and Ana are a pair now.");
    assert_eq!(host.leaves().0, 0);
    assert_eq!(joiner.leaves().0, 0);
}

#[test]
fn a_no_on_one_side_keeps_nothing_on_either() {
    let (ana, bo) = (Place::with_home(), bo());
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = host.until("code");
    let at = code["listen"][0].as_str().unwrap();
    let file = bo.path().join("passphrase");
    let mut joiner = Person::at(
        bo.command(&["pair", "--join", "--peer", at, "--passphrase-file"])
            .arg(file),
    );
    joiner
        .sees("The code on the other screen: ")
        .types(code["code"].as_str().unwrap());
    joiner
        .sees("(yes/no) ")
        .types("no")
        .sees("nothing was kept");
    assert_ne!(joiner.leaves().0, 0);
    host.until("failed");
    drop(host);
    for place in [&ana, &bo] {
        assert!(place.open(&["status", "--json"]).ok().json()["partner"].is_null());
    }
}

#[test]
fn ctrl_c_keeps_nothing_and_says_so() {
    let ana = Place::with_home();
    let file = ana.path().join("passphrase");
    let mut host = Person::at(
        ana.command(&["pair", "--listen", "127.0.0.1:0", "--passphrase-file"])
            .arg(file),
    );
    host.sees("Or paste this there:")
        .interrupts()
        .sees("Stopped, and nothing was kept.");
    assert_eq!(host.leaves().0, 1);
    assert!(ana.open(&["status", "--json"]).ok().json()["partner"].is_null());
}

#[test]
fn other_commands_work_while_a_code_is_on_the_screen() {
    let ana = Place::with_home();
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    host.until("code");
    assert_eq!(ana.run(&["status", "--json"]).ok().json()["name"], "Ana");
    assert_eq!(
        ana.run(&["pair", "--yes", "--json"]).error(),
        "pairing_goes_on"
    );
}

#[test]
fn a_pair_that_met_is_not_replaced() {
    let (ana, _bo) = a_pair();
    let said = ana.open(&["pair", "--yes", "--json", "--listen", "127.0.0.1:0"]);
    assert_eq!((said.code, said.error().as_str()), (6, "already_paired"));
}
