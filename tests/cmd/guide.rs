//! The guides at a terminal, without a journal: this test program walks through them in a process of its own, and [`walks`]
//! is what runs there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;

use amends::guide::{APOLOGY, Answers, FEELING, Guide, Outcome, TALK};
use amends::terminal::{Color, Output};
use serde_json::{Value, json};

use crate::harness::{Person, Place, set_mode};

/// Where [`walks`] finds what to do, and says how it ended.
const FOLDER: &str = "AMENDS_TEST_GUIDE";

/// The process at the other side of the terminal; by itself it does nothing.
#[test]
#[ignore = "started by the other tests of this file, on a terminal"]
fn walks() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let guide: Guide = match fs::read_to_string(folder.join("guide")).unwrap().as_str() {
        "apology" => APOLOGY,
        "talk" => TALK,
        _ => FEELING,
    };
    let earlier = fs::read_to_string(folder.join("earlier")).unwrap_or("{}".to_owned());
    let earlier: Answers = serde_json::from_str(&earlier).unwrap();
    let runtime = tokio_runtime();
    let may_ask = !folder.join("no-input").exists();
    let out = Output::new(false, false, Color::Never);
    let ended = match runtime.block_on(guide.walk(out, may_ask, &earlier)) {
        Ok(Outcome::Finished(answers)) => json!({ "finished": answers }),
        Ok(Outcome::Later(answers)) => json!({ "later": answers }),
        Err(failure) => json!({ "failed": failure.code }),
    };
    fs::write(folder.join("ended.new"), ended.to_string()).unwrap();
    fs::rename(folder.join("ended.new"), folder.join("ended")).unwrap();
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn walking(place: &Place, guide: &str, earlier: &Value) -> Command {
    place.file("guide", guide);
    place.file("earlier", earlier.to_string());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "guide::walks",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env_clear()
        .env("HOME", place.path())
        .env("PATH", "/usr/bin:/bin")
        .env(FOLDER, place.path());
    command
}

/// A person before the guide, at its first question.
fn before(place: &Place, guide: &str, earlier: &Value) -> Person {
    let mut person = Person::at(&mut walking(place, guide, earlier));
    person.sees("1 of ").sees("You can leave this empty.");
    person.sees("\r\n");
    person
}

fn ended(place: &Place, person: Person) -> Value {
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    how_it_ended(place)
}

fn how_it_ended(place: &Place) -> Value {
    serde_json::from_str(&fs::read_to_string(place.path().join("ended")).unwrap()).unwrap()
}

const ENTER: &str = "\r";

#[test]
fn answers_in_several_lines_are_written_kept_and_shown() {
    let place = Place::empty();
    let mut person = before(&place, "apology", &json!({}));
    assert!(!person.echoes());
    person
        .presses("I read your lettres")
        .presses("\x7f\x7f\x7f\x7fters.\r");
    person
        .presses("All of them.")
        .sees("them.")
        .presses(ENTER)
        .presses(ENTER);
    person.sees("2 of 5").sees("empty.").presses(ENTER);
    person.sees("3 of 5").sees("empty.").presses("שלי.\r\r");
    person
        .sees("4 of 5")
        .sees("empty.")
        .presses("e\u{301} 👩\u{200d}👧 äx\x7f\r\r");
    person
        .sees("5 of 5")
        .sees("empty.")
        .presses("Ask first.\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dyou \x1b[H\x1b[F\r\r");
    person
        .sees("This is what you wrote:")
        .sees("What did you do?")
        .sees("All of them.");
    assert_eq!(
        ended(&place, person),
        json!({ "finished": {
            "did": "I read your letters.\nAll of them.",
            "own": "שלי.",
            "change": "e\u{301} 👩\u{200d}👧 ä",
            "repair": "Askyou  first.",
        }})
    );
}

#[test]
fn a_draft_is_left_and_gone_on_with() {
    let place = Place::empty();
    let mut person = before(&place, "apology", &json!({}));
    person
        .presses("I was late.\r\r")
        .sees("2 of 5")
        .sees("empty.");
    person.presses("You waited.\r").presses(":later\r");
    let draft = ended(&place, person);
    assert_eq!(
        draft,
        json!({ "later": { "did": "I was late.", "hurt": "You waited." } })
    );

    let mut person = Person::at(&mut walking(&place, "apology", &draft["later"]));
    person
        .sees("still here")
        .sees("1 of 5")
        .sees("I was late.")
        .presses(ENTER);
    person
        .sees("2 of 5")
        .sees("You waited.")
        .presses(" In the rain.")
        .presses(ENTER)
        .presses(ENTER);
    person.sees("3 of 5").sees("empty.").presses(":back\r");
    person
        .sees("2 of 5")
        .sees("In the rain.")
        .presses(":empty\r")
        .sees("leave it so with Enter.")
        .presses("You were alone.\r\r");
    person.sees("3 of 5").sees("empty.").presses("\x04");
    assert_eq!(
        ended(&place, person),
        json!({ "later": { "did": "I was late.", "hurt": "You were alone." } })
    );
}

#[test]
fn numbers_and_tags_are_asked_for_again_until_they_are_some() {
    let place = Place::empty();
    let mut person = before(&place, "feeling", &json!({}));
    person
        .presses("Tired\r\r")
        .sees("2 of 4")
        .sees("empty.")
        .presses(ENTER);
    person.sees("3 of 4").sees("empty.").presses("9\r");
    person
        .sees("from 1 to 5, please")
        .sees("3 of 4")
        .sees("empty.")
        .presses("4\r");
    person
        .sees("4 of 4")
        .sees("empty.")
        .presses("work, sleep,work\r");
    assert_eq!(
        ended(&place, person),
        json!({ "finished": { "words": "Tired", "intensity": "4", "tags": "work, sleep" } })
    );
}

#[test]
fn twenty_kilobytes_pasted_in_one_line_arrive_whole() {
    for marked in [true, false] {
        let place = Place::empty();
        let mut person = before(&place, "apology", &json!({}));
        let text: String = (0..4096).map(|n| format!("{n:04} ")).collect::<String>() + "end";
        if marked {
            person.presses(format!("\x1b[200~{text}\x1b[201~"));
        } else {
            person.presses(&text);
        }
        person.sees("end").presses(ENTER).presses(ENTER);
        person.sees("2 of 5").sees("empty.").presses("\x04");
        assert_eq!(
            ended(&place, person),
            json!({ "later": { "did": text } }),
            "{marked}"
        );
    }
}

#[test]
fn empty_lines_and_commands_within_a_pasted_text_are_text() {
    for (begins, ends) in [("\x1b[200~", "\x1b[201~"), ("", "")] {
        let place = Place::empty();
        let mut person = before(&place, "apology", &json!({}));
        person.presses(format!("{begins}one\r\r:later\r\rtwo\x1b[2Jthree{ends}"));
        person.sees("three").presses(ENTER).presses(ENTER);
        person.sees("2 of 5").sees("empty.").presses("\x04");
        let kept = if begins.is_empty() {
            "one\n\n:later\n\ntwothree"
        } else {
            "one\n\n:later\n\ntwo[2Jthree"
        };
        assert_eq!(ended(&place, person), json!({ "later": { "did": kept } }));
    }
}

#[test]
fn ctrl_c_loses_no_words_and_a_second_one_does() {
    for (by_signal, keys, expected) in [
        (false, "\r", json!({ "later": { "did": "I was late." } })),
        (true, "\r", json!({ "later": { "did": "I was late." } })),
        (false, "\x03", json!({ "failed": "stopped" })),
    ] {
        let place = Place::empty();
        let mut person = before(&place, "apology", &json!({}));
        person.presses("I was late.").sees("I was late.");
        if by_signal {
            person.interrupts();
        } else {
            person.presses("\x03");
        }
        person.sees("thrown away.").presses(keys);
        assert_eq!(ended(&place, person), expected);
    }
}

#[test]
fn the_terminal_is_as_it_was_afterwards() {
    let place = Place::empty();
    let mut person = before(&place, "apology", &json!({}));
    assert!(!person.echoes());
    person.presses("\x04").sees("test result: ok");
    assert!(person.echoes());
    assert_eq!(ended(&place, person), json!({ "later": {} }));
}

#[test]
fn to_be_ended_from_outside_keeps_the_words() {
    let place = Place::empty();
    let mut person = before(&place, "apology", &json!({}));
    person.presses("I was late.").sees("I was late.");
    rustix::process::kill_process(person.pid(), rustix::process::Signal::TERM).unwrap();
    assert_eq!(
        ended(&place, person),
        json!({ "later": { "did": "I was late." } })
    );
}

#[test]
fn a_terminal_that_goes_away_keeps_the_words() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let place = Place::empty();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let mut command = walking(&place, "apology", &json!({}));
    command.stdin(File::options().read(true).write(true).open(&name).unwrap());
    command
        .stdout(std::process::Stdio::null())
        .env("TERM", "xterm");
    let mut child = command.spawn().unwrap();
    command.stdin(std::process::Stdio::null());
    let mut terminal = File::from(master);
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    let mut until = |terminal: &mut File, words: &str| {
        while !seen.contains(words) {
            let n = terminal.read(&mut buffer).unwrap();
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    };
    until(&mut terminal, "empty.");
    terminal.write_all(b"I was late.").unwrap();
    until(&mut terminal, "I was late.");
    terminal.write_all(b"\x1b[200~ And I").unwrap();
    drop(terminal);
    assert!(child.wait().unwrap().success());
    let ended = how_it_ended(&place);
    let did = ended["later"]["did"].as_str().unwrap();
    // What was still under way when the line broke is the terminal's to lose.
    assert!(did == "I was late." || did == "I was late. And I", "{did}");
}

#[test]
fn the_editor_takes_an_answer_and_gives_it_back() {
    let place = Place::empty();
    let editor = place.file(
        "editor",
        "#!/bin/sh\necho 'and more' >> \"$1\"; cp \"$1\" \"$1~\"; echo \"$1\" > \"$HOME/seen\"\n",
    );
    set_mode(&editor, 0o700);
    let mut person = Person::at(walking(&place, "apology", &json!({})).env("EDITOR", &editor));
    person
        .sees("1 of 5")
        .sees("empty.")
        .presses("Some\r")
        .presses(":editor\r");
    person.sees("1 of 5").sees("and more").presses(ENTER);
    person.sees("2 of 5").sees("empty.").presses("\x04");
    assert_eq!(
        ended(&place, person),
        json!({ "later": { "did": "Some\nand more" } })
    );
    let file = fs::read_to_string(place.path().join("seen")).unwrap();
    assert!(!PathBuf::from(file.trim()).parent().unwrap().exists());
}

#[test]
fn an_editor_that_fails_costs_no_words() {
    let place = Place::empty();
    let mut person = Person::at(walking(&place, "apology", &json!({})).env("EDITOR", "false"));
    person
        .sees("1 of 5")
        .sees("empty.")
        .presses("Some\r")
        .presses(":editor\r");
    person
        .sees("did not end well")
        .sees("1 of 5")
        .sees("Some")
        .presses("\x04");
    assert_eq!(ended(&place, person), json!({ "later": { "did": "Some" } }));
}

#[test]
fn it_fits_forty_columns_and_a_terminal_that_cannot_move() {
    for term in ["xterm", "dumb"] {
        let place = Place::empty();
        let mut command = walking(&place, "talk", &json!({}));
        let mut person = Person::at_kind(&mut command, term, (40, 10));
        person
            .sees("1 of 2")
            .sees("empty.")
            .presses("Saturdax\x7fy evening\r");
        person
            .sees("2 of 2")
            .sees("empty.")
            .presses("one two three four five six seven eight nine ten\r")
            .sees("ten")
            .presses(ENTER);
        person.sees("This is what you wrote");
        let seen = person.seen().replace("\x1b[?2004h", "");
        let guide = &seen[seen.find("A talk").unwrap()..];
        for row in guide.lines().map(|row| row.trim_end_matches('\r')) {
            assert!(
                row.chars().count() <= 40 || row.contains('\u{8}') || row.contains('\x1b'),
                "{row:?}"
            );
        }
        assert!(term != "dumb" || !guide.contains('\x1b'), "{guide:?}");
        assert_eq!(
            ended(&place, person),
            json!({ "finished": { "topic": "Saturday evening", "account": "one two three four five six seven eight nine ten" } })
        );
    }
}

#[test]
fn where_nobody_can_be_asked_it_says_how_to_give_the_text() {
    let place = Place::empty();
    let mut command = walking(&place, "talk", &json!({}));
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(how_it_ended(&place), json!({ "failed": "no_guide" }));
    place.file("no-input", "");
    let person = Person::at(&mut walking(&place, "talk", &json!({})));
    assert_eq!(ended(&place, person), json!({ "failed": "no_guide" }));
}
