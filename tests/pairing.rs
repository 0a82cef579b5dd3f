//! Pairing of whole devices (PROTOCOL section 1). That nothing half is left is asked of the program itself, and then by
//! pairing again.

mod devices;

use std::sync::OnceLock;

use devices::half::{HalfHost, HalfJoiner, breaks_off, is_turned_away};
use devices::{Code, Device, Pair, Running};
use serde_json::{Value, json};

/// Two homes that are not paired: copies, so that the passphrase is paid for once.
fn strangers() -> (Device, Device) {
    static MADE: OnceLock<(Device, Device)> = OnceLock::new();
    let (ana, bo) = MADE.get_or_init(|| (Device::new("Ana"), Device::new("Bo")));
    (ana.copy(), bo.copy())
}

fn shows_a_code(device: &Device) -> (Running, Code) {
    let mut host = device.start(&["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = Code::of(&host.until("code"));
    (host, code)
}

#[track_caller]
fn assert_not_paired(device: &Device) {
    assert_eq!(device.status()["partner"], Value::Null);
}

#[track_caller]
fn assert_paired(ana: &Device, bo: &Device) {
    for (device, partner) in [(ana, &bo.name), (bo, &ana.name)] {
        let status = device.status();
        assert_eq!(
            (&status["partner"], &status["unconfirmed"]),
            (&json!(partner), &json!(false))
        );
    }
}

#[test]
fn a_typed_code_makes_a_pair_and_both_see_one_number() {
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    let mut joiner = bo.joins(&code.at);
    joiner.types(&code.typed);
    let (here, there) = (host.until("number"), joiner.until("number"));
    assert_eq!(
        (&here["number"], &here["name"], &there["name"]),
        (&there["number"], &json!("Bo"), &json!("Ana"))
    );
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
    assert_paired(&ana, &bo);
}

#[test]
fn a_pasted_code_needs_no_address() {
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    let mut joiner = bo.start(&["pair", "-", "--yes"]);
    joiner.types(&code.paste);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
    assert_paired(&ana, &bo);
}

#[test]
fn after_a_wrong_code_both_read_the_same_words_and_a_new_code_makes_the_pair() {
    let (ana, bo) = strangers();
    let (mut host, first) = shows_a_code(&ana);
    let mut joiner = bo.joins(&first.at);
    joiner.types(&first.another());
    let (here, there) = (host.until("failed"), joiner.until("failed"));
    assert_eq!((&here, &here["code"]), (&there, &json!("wrong_code")));
    let second = Code::of(&host.until("code"));
    assert_ne!(first.typed, second.typed);
    joiner.types(&second.typed);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
    assert_paired(&ana, &bo);
}

#[test]
fn a_joiner_on_a_fixed_port_can_try_again_too() {
    let (ana, bo) = strangers();
    let (mut host, first) = shows_a_code(&ana);
    let port = free_port();
    let mut joiner = bo.start(&["pair", "-", "--yes", "--peer", &first.at, "--listen", &port]);
    joiner.types(&first.another());
    joiner.until("failed");
    let _ = host.until("failed");
    joiner.types(&Code::of(&host.until("code")).typed);
    joiner.until("paired");
    host.until("paired");
    host.ends_well();
    joiner.ends_well();
    assert_paired(&ana, &bo);
}

#[test]
fn after_three_wrong_codes_no_script_is_given_another() {
    let (ana, bo) = strangers();
    let (mut host, mut code) = shows_a_code(&ana);
    let mut joiner = bo.joins(&code.at);
    for round in 1..=3 {
        joiner.types(&code.another());
        assert_eq!(joiner.until("failed")["code"], "wrong_code");
        assert_eq!(host.until("failed")["code"], "wrong_code");
        if round < 3 {
            code = Code::of(&host.until("code"));
        }
    }
    let ended = host.ends();
    assert_eq!(
        (ended.exit, ended.failed().0, ended.code()),
        (1, "three_wrong_codes", "three_wrong_codes".to_owned())
    );
    assert_eq!(
        ended
            .seen
            .iter()
            .filter(|event| event["event"] == "code")
            .count(),
        3
    );
    assert_not_paired(&ana);
}

#[test]
fn a_mistyped_digit_costs_no_guess() {
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    let last = code.typed.chars().last().unwrap();
    let mistyped = format!(
        "{}{}",
        &code.typed[..10],
        if last == '9' {
            '0'
        } else {
            char::from(last as u8 + 1)
        }
    );
    let mut joiner = bo.joins(&code.at);
    joiner.types(&mistyped);
    let ended = joiner.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (2, "code_mistyped"));
    let mut joiner = bo.joins(&code.at);
    joiner.types(&code.typed);
    host.until("paired");
    joiner.until("paired");
    let codes = host
        .seen()
        .iter()
        .filter(|event| event["event"] == "code")
        .count();
    assert_eq!(codes, 1, "the first code was enough");
    host.ends_well();
    joiner.ends_well();
}

#[test]
fn a_code_that_was_tried_is_not_tried_again_by_a_new_process_either() {
    let (ana, bo) = strangers();
    let (mut host, first) = shows_a_code(&ana);
    let wrong = first.another();
    let mut joiner = bo.joins(&first.at);
    joiner.types(&wrong);
    assert_eq!(joiner.until("failed")["code"], "wrong_code");
    host.until("failed");
    let second = Code::of(&host.until("code"));
    joiner.types(&wrong);
    assert_eq!(joiner.until("failed")["code"], "code_used");
    joiner.kill();
    let mut joiner = bo.joins(&first.at);
    joiner.types(&wrong);
    assert_eq!(joiner.until("failed")["code"], "code_used");
    // The host saw nothing of it: its second code is as good as new.
    joiner.types(&second.typed);
    joiner.until("paired");
    host.until("paired");
    host.ends_well();
    joiner.ends_well();
}

#[test]
fn a_joiner_killed_with_its_guess_on_the_way_does_not_guess_again() {
    let (_, bo) = strangers();
    let mut host = HalfHost::new();
    let mut joiner = bo.joins(&host.at());
    joiner.types(&host.code());
    host.is_guessed();
    joiner.kill();
    let mut joiner = bo.joins(&host.at());
    joiner.types(&host.code());
    assert_eq!(joiner.until("failed")["code"], "code_used");
    drop(joiner);
    assert_not_paired(&bo);
}

/// Stops a process.
type Stop = fn(Running);

/// How a process is stopped.
const WAYS: [(&str, Stop); 2] = [
    ("killed", Running::kill),
    ("Ctrl-C", |running| {
        running.interrupt();
        let ended = running.ends();
        assert_eq!(
            (ended.exit, ended.code().as_str()),
            (1, "stopped"),
            "{ended:#?}"
        );
    }),
];

#[test]
fn a_host_that_is_stopped_at_any_stage_keeps_nothing() {
    // What the host says when the stage is reached, and how the other side brings it there.
    type Reach = fn(&Code) -> Option<HalfJoiner>;
    let stages: [(&str, Reach); 3] = [
        ("code", |_| None),
        ("found", |code| {
            Some(HalfJoiner::found(&code.at, &code.typed))
        }),
        // The host's own yes is said with it.
        ("number", |code| {
            Some(HalfJoiner::sees_the_number(&code.at, &code.typed))
        }),
    ];
    for (stage, reach) in stages {
        for (way, stop) in WAYS {
            println!("{way} at {stage}");
            let (ana, bo) = strangers();
            let (mut host, code) = shows_a_code(&ana);
            let other_side = reach(&code);
            if stage != "code" {
                host.until(stage);
            }
            stop(host);
            drop(other_side);
            assert_not_paired(&ana);
            ana.pair_with(&bo);
            assert_paired(&ana, &bo);
        }
    }
}

#[test]
fn a_joiner_that_is_stopped_at_any_stage_keeps_nothing() {
    type Reach = fn(&mut HalfHost);
    let stages: [(&str, Reach); 3] = [
        ("found", HalfHost::is_found),
        ("its guess is out", |host| drop(host.is_guessed())),
        ("its yes is out", HalfHost::is_confirmed),
    ];
    for (stage, reach) in stages {
        for (way, stop) in WAYS {
            println!("{way} at {stage}");
            let (ana, bo) = strangers();
            let mut host = HalfHost::new();
            let mut joiner = bo.joins(&host.at());
            joiner.types(&host.code());
            reach(&mut host);
            stop(joiner);
            assert_not_paired(&bo);
            ana.pair_with(&bo);
            assert_paired(&ana, &bo);
        }
    }
}

#[test]
fn a_joiner_whose_partner_is_nowhere_can_be_stopped() {
    let (_, bo) = strangers();
    // It takes the connection and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut joiner = bo.joins(&mute.local_addr().unwrap().to_string());
    joiner.types("000 000 000");
    let _held = mute.accept().unwrap();
    joiner.interrupt();
    let ended = joiner.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (1, "stopped"));
    assert_not_paired(&bo);
}

#[test]
fn a_doubled_yes_of_the_joiner_makes_no_pair() {
    // M5 twice: before the host's own yes, or after it, where the copy stands in the first session's place.
    let (ana, bo) = strangers();
    let (host, code) = shows_a_code(&ana);
    let joiner = HalfJoiner::sees_the_number(&code.at, &code.typed).says_yes_twice();
    let ended = host.ends();
    assert!(
        ["pairing_malformed", "pair_unconfirmed"].contains(&ended.code().as_str()),
        "{ended:?}"
    );
    drop(joiner);
    ana.pair_with(&bo);
    assert_paired(&ana, &bo);
}

#[test]
fn a_doubled_m6_changes_nothing_of_the_pair() {
    let (_, bo) = strangers();
    let mut host = HalfHost::new();
    let mut joiner = bo.joins(&host.at());
    joiner.types(&host.code());
    host.confirms_twice();
    assert_eq!(joiner.ends().exit, 0);
    let status = bo.status();
    assert_eq!(
        (&status["partner"], &status["unconfirmed"]),
        (&serde_json::json!("Ana"), &serde_json::json!(false))
    );
}

#[test]
fn a_pair_that_the_joiner_never_confirmed_is_replaced_by_pairing_again() {
    let (ana, bo) = strangers();
    let (host, code) = shows_a_code(&ana);
    HalfJoiner::sees_the_number(&code.at, &code.typed).says_yes_and_vanishes();
    let ended = host.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (5, "pair_unconfirmed"));
    let status = ana.status();
    assert_eq!(
        (&status["partner"], &status["unconfirmed"]),
        (&json!("Bo"), &json!(true))
    );
    let refused = ana.run(&["boundary", "propose", "Nobody could read this."]);
    assert_eq!(refused.failure(), (4, "not_confirmed".to_owned()));
    ana.pair_with(&bo);
    assert_paired(&ana, &bo);
    assert_eq!(ana.list(), Vec::<Value>::new());
}

#[test]
fn an_unconfirmed_pair_is_replaced_through_up_too() {
    let (ana, bo) = strangers();
    let (host, code) = shows_a_code(&ana);
    HalfJoiner::sees_the_number(&code.at, &code.typed).says_yes_and_vanishes();
    host.ends();
    let mut up = ana.up();
    let (mut host, code) = shows_a_code(&ana);
    let mut joiner = bo.joins(&code.at);
    joiner.types(&code.typed);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
    assert_paired(&ana, &bo);
    // The doors of the new pair are open.
    let listen = up.running.until_such("its new doors", |line| {
        line["event"] == "up" && line["listen"][0].is_string()
    });
    ana.propose("For the pair that counts.");
    let synced = bo.sync(listen["listen"][0].as_str().unwrap()).ok();
    assert_eq!(synced["received"], 1);
    up.down();
}

#[test]
fn a_no_on_the_other_side_is_said_and_keeps_nothing() {
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    let joiner = HalfJoiner::sees_the_number(&code.at, &code.typed);
    host.until("number");
    drop(joiner);
    let ended = host.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (1, "partner_said_no"));
    assert_not_paired(&ana);

    let mut host = HalfHost::new();
    let mut joiner = bo.joins(&host.at());
    joiner.types(&host.code());
    host.is_confirmed();
    drop(host);
    let ended = joiner.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (1, "partner_said_no"));
    assert_not_paired(&bo);
}

#[test]
fn nobody_pairs_with_themselves() {
    let (ana, _) = strangers();
    let again = ana.copy();
    let (mut host, code) = shows_a_code(&ana);
    let mut joiner = again.joins(&code.at);
    joiner.types(&code.typed);
    assert_eq!(host.until("failed")["code"], "paired_with_self");
    joiner.until("failed");
    drop((host, joiner));
    assert_not_paired(&ana);
    assert_not_paired(&again);
}

#[test]
fn who_is_paired_pairs_with_nobody_else_and_costs_them_nothing() {
    let pair = Pair::new();
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    let mut joiner = pair.bo.joins(&code.at);
    joiner.types(&code.typed);
    let ended = joiner.ends();
    assert_eq!((ended.exit, ended.code().as_str()), (6, "already_paired"));
    let mut joiner = bo.joins(&code.at);
    joiner.types(&code.typed);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
    let refused = pair.ana.run(&["pair", "--yes", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.failure(), (6, "already_paired".to_owned()));
}

#[test]
fn ten_attempts_that_break_off_are_free_and_the_eleventh_ends_the_code() {
    let (ana, bo) = strangers();
    let (mut host, code) = shows_a_code(&ana);
    for _ in 0..9 {
        breaks_off(&code.at);
    }
    // The tenth is as good as the first.
    let joiner = HalfJoiner::found(&code.at, &code.typed);
    host.until("found");
    drop(joiner);
    is_turned_away(&code.at);
    let failed = host.until("failed");
    assert_eq!(failed["code"], "too_many_attempts");
    let next = Code::of(&host.until("code"));
    assert_ne!(next.typed, code.typed);
    let mut joiner = bo.joins(&next.at);
    joiner.types(&next.typed);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();
}

#[test]
fn addresses_that_cannot_be_used_are_said() {
    let (ana, bo) = strangers();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let said = ana.run(&["pair", "--yes", "--listen", &at]);
    assert_eq!(said.failure(), (1, "port_taken".to_owned()));
    let said = ana.run(&["pair", "--yes", "--listen", "192.0.2.1:4001"]);
    assert_eq!(said.failure(), (1, "cannot_listen".to_owned()));
    for bad in ["somewhere", "/ip4/127.0.0.1/udp/1", "127.0.0.1"] {
        let said = ana.run(&["pair", "--yes", "--listen", bad]);
        assert_eq!(
            said.failure(),
            (2, "bad_address".to_owned()),
            "--listen {bad}"
        );
        let mut joiner = bo.joins(bad);
        joiner.types("000 000 000");
        let ended = joiner.ends();
        assert_eq!(
            (ended.exit, ended.code().as_str()),
            (2, "bad_address"),
            "--peer {bad}"
        );
    }
    assert_not_paired(&ana);
    assert_not_paired(&bo);
}

#[test]
fn before_a_pair_there_is_nothing_to_hold_or_to_meet() {
    let (ana, _) = strangers();
    for command in [
        &["up"][..],
        &["sync", "--timeout", "1s"],
        &["boundary", "list"],
        &["boundary", "propose", "For whom?"],
    ] {
        assert_eq!(
            ana.run(command).failure(),
            (4, "not_paired".to_owned()),
            "{command:?}"
        );
    }
}

/// A loopback address whose port is free.
fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}
