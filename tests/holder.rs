//! One process holds an open journal; everything else goes through it, and commands at once neither fail nor lose anything.

mod devices;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;

use devices::{Device, Pair, assert_equal};
use serde_json::{Value, json};

#[test]
fn with_up_running_every_command_works_without_the_passphrase() {
    let pair = Pair::new();
    let theirs = pair.bo.propose("From Bo, to be agreed.");
    let refused = pair.bo.propose("From Bo, to be declined.");
    pair.meet();
    let ana = pair.ana.up();
    let bo = pair.bo.up();
    let locked = |arguments: &[&str]| pair.ana.run_locked(arguments).ok();
    let mine = locked(&["boundary", "propose", "Mine.", "--title", "Short"]);
    let id = mine["id"].as_str().unwrap();
    assert_eq!(
        locked(&["boundary", "edit", id, "Mine, changed."])["text"],
        "Mine, changed."
    );
    assert_eq!(locked(&["boundary", "agree", &theirs])["state"], "agreed");
    assert_eq!(locked(&["boundary", "end", &theirs])["state"], "ended");
    assert_eq!(
        locked(&["boundary", "decline", &refused])["state"],
        "declined"
    );
    assert_eq!(locked(&["boundary", "show", id])["title"], "Short");
    assert_eq!(locked(&["boundary", "list"]).as_array().unwrap().len(), 3);
    assert_eq!(locked(&["status"])["name"], "Ana");
    let synced = locked(&["sync", "--peer", &bo.listen]);
    assert_eq!(
        (&synced["partner_has_all"], &synced["have_all"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(locked(&["down"])["stopped"], true);
    ana.running.ends_well();
    let refused = pair.ana.run_locked(&["status"]);
    assert_eq!(refused.failure(), (3, "no_passphrase".to_owned()));
    bo.down();
    assert_equal(&pair.ana, &pair.bo);
}

/// Proposes sixteen boundaries by sixteen processes at once.
fn sixteen_at_once(device: &Device) -> BTreeSet<String> {
    let texts: Vec<String> = (0..16)
        .map(|n| format!("Number {n} of sixteen at once."))
        .collect();
    std::thread::scope(|scope| {
        let running: Vec<_> = texts
            .iter()
            .map(|text| scope.spawn(|| device.run(&["boundary", "propose", text.as_str()]).ok()))
            .collect();
        for one in running {
            let entry = one.join().unwrap();
            assert_eq!(entry["state"], "proposed");
        }
    });
    texts.into_iter().collect()
}

#[track_caller]
fn assert_holds_exactly(device: &Device, texts: &BTreeSet<String>) {
    let list = device.list();
    let held: BTreeSet<String> = list
        .iter()
        .map(|entry| entry["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((&held, list.len()), (texts, texts.len()));
}

#[test]
fn sixteen_proposals_at_once_with_nobody_holding_the_journal() {
    let pair = Pair::new();
    let texts = sixteen_at_once(&pair.ana);
    assert_holds_exactly(&pair.ana, &texts);
    pair.meet();
    assert_holds_exactly(&pair.bo, &texts);
}

#[test]
fn sixteen_proposals_at_once_with_up_and_the_partner_listening() {
    let pair = Pair::new();
    let ana = pair.ana.up();
    let mut bo = pair
        .bo
        .up_with(&["--listen", "127.0.0.1:0", "--peer", &ana.listen]);
    bo.running.until("met");
    let texts = sixteen_at_once(&pair.ana);
    let mut seen = BTreeSet::new();
    while seen.len() < texts.len() {
        let shown = bo.running.until("changed");
        seen.insert(shown["entry"]["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, texts);
    ana.down();
    bo.down();
    assert_equal(&pair.ana, &pair.bo);
}

#[test]
fn commands_go_on_while_up_comes_and_goes() {
    let pair = Pair::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    let texts = std::thread::scope(|scope| {
        let proposing = scope.spawn(|| {
            let texts: BTreeSet<String> = (0..12)
                .map(|n| format!("Number {n} while up comes and goes."))
                .collect();
            for text in &texts {
                pair.ana.run(&["boundary", "propose", text]).ok();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
            texts
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            pair.ana.up().down();
        }
        proposing.join().unwrap()
    });
    assert_holds_exactly(&pair.ana, &texts);
}

#[test]
fn a_second_up_is_refused_and_the_first_goes_on() {
    let pair = Pair::new();
    let first = pair.ana.up();
    let second = pair.ana.run(&["up", "--quiet", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.failure(), (1, "already_up".to_owned()));
    assert_eq!(pair.ana.run_locked(&["status"]).ok()["name"], "Ana");
    first.down();
}

#[test]
fn the_socket_of_a_killed_up_is_no_obstacle() {
    let pair = Pair::new();
    pair.ana.up().running.kill();
    assert!(
        pair.ana.home().join("socket").exists(),
        "what a killed process leaves"
    );
    pair.ana.propose("After the power came back.");
    let up = pair.ana.up();
    let list = pair.ana.run_locked(&["boundary", "list"]).ok();
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let down = pair.ana.run_locked(&["down"]).ok();
    assert_eq!(down["stopped"], Value::Bool(true));
    up.running.ends_well();
}

/// What `boundary list` does where the holder answers with these bytes behind the line that tells of JSON, and goes: its exit code,
/// what it printed, and the code of what it says failed.
fn told_a_list(device: &Device, follows: &[u8]) -> (Option<i32>, String, Option<String>) {
    let socket = device.home().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let output = std::thread::scope(|scope| {
        let listening = scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let version = env!("CARGO_PKG_VERSION");
            writeln!(stream, r#"{{"amends":"{version}","stays":true}}"#).unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            assert!(asked.contains(r#""as_json":true"#), "{asked}");
            writeln!(stream, r#"{{"end":{{"response":"json","value":{{}}}}}}"#).unwrap();
            stream.write_all(follows).unwrap();
        });
        let output = device.command(&["boundary", "list"]).output().unwrap();
        listening.join().unwrap();
        output
    });
    std::fs::remove_file(&socket).unwrap();
    let complaint = serde_json::from_slice::<Value>(&output.stderr).ok();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        complaint.map(|said| said["error"]["code"].as_str().unwrap().to_owned()),
    )
}

#[test]
fn a_list_that_broke_off_is_never_closed_and_ends_with_a_failure() {
    let device = Device::new("Ana");
    let piece = |text: &str| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&length[..], text.as_bytes()].concat()
    };
    let end = piece("");
    // A turn of the reading direction is told as JSON's own escape of it, a piece that is no text not at all.
    let whole = [
        piece("[\"a\u{202e}b\""),
        piece(",\"ü\""),
        piece("]"),
        end.clone(),
    ];
    let (code, printed, failed) = told_a_list(&device, &whole.concat());
    assert_eq!(printed, "[\"a\\u202eb\",\"ü\"]\n");
    assert_eq!((code, failed), (Some(0), None));

    let lost = (Some(1), Some("holder_lost".to_owned()));
    let (code, printed, failed) = told_a_list(&device, &whole[..3].concat());
    assert_eq!(
        printed, "[\"a\\u202eb\",\"ü\"",
        "the last piece is kept back"
    );
    assert_eq!((code, failed), lost);
    let (code, printed, failed) = told_a_list(&device, &whole[..2].concat());
    assert_eq!((code, failed), lost);
    assert_eq!(printed, "[\"a\\u202eb\"");
    let (code, printed, failed) = told_a_list(&device, &[]);
    assert_eq!((code, failed), lost);
    assert_eq!(printed, "");

    let no_text = [piece("["), vec![0, 0, 0, 1, 0xff], piece("]"), end];
    let (code, printed, failed) = told_a_list(&device, &no_text.concat());
    assert_eq!((code, failed), (Some(1), Some("internal".to_owned())));
    assert_eq!(printed, "[");
}
