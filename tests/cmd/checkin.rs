//! Check-ins: a set time to talk that both agree to, and what came of it.

use serde_json::{Value, json};

use crate::harness::{Person, Place, a_pair, meet, mode};

const SCHEDULE: &[&str] = &[
    "checkin",
    "schedule",
    "--days",
    "fri,mon",
    "--at",
    "19:30",
    "--from",
    "2999-12-02",
    "--zone",
    "Europe/Berlin",
];
const TEXT: &str = "20 minutes at 19:30, Europe/Berlin\nfrom 2999-12-02: Monday, Friday";

fn json_of(place: &Place, arguments: &[&str]) -> Value {
    place.open(&[arguments, &["--json"]].concat()).ok().json()
}

fn id(entry: &Value) -> &str {
    entry["id"].as_str().unwrap()
}

fn ids(points: &Value) -> Vec<&str> {
    points.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn a_schedule_is_planned_by_once_both_agreed_and_until_either_ends_it() {
    let (ana, bo) = a_pair();
    let schedule = json_of(&ana, SCHEDULE);
    for (field, value) in [
        ("kind", json!("checkin")),
        ("role", json!("schedule")),
        ("text", json!(TEXT)),
        ("state", json!("proposed")),
        ("agreed_by", json!(["Ana"])),
        (
            "schedule",
            json!({
                "minutes": 20, "at": "19:30", "zone": "Europe/Berlin", "until": null,
                "steps": [{"from": "2999-12-02", "days": ["monday", "friday"]}]
            }),
        ),
    ] {
        assert_eq!(schedule[field], value, "{field}");
    }
    let next = |place: &Place| json_of(place, &["status"])["next_checkin"].clone();
    assert_eq!(next(&ana), Value::Null);
    meet(&ana, &bo);
    let waits = json_of(&bo, &["status"])["waiting_for_me"].clone();
    assert_eq!(
        (&waits[0]["id"], &waits[0]["why"]),
        (&schedule["id"], &json!("agree"))
    );
    let agreed = json_of(&bo, &["checkin", "agree", id(&schedule), "--yes"]);
    assert_eq!(agreed["state"], "agreed");
    meet(&ana, &bo);
    for place in [&ana, &bo] {
        assert_eq!(next(place), "2999-12-02T18:30:00Z");
    }
    let words = ana.open(&["status"]).ok().out;
    assert!(
        words.contains("Your next time together: Monday, 2 Dec 2999"),
        "{words}"
    );

    // What is changed counts once both agree anew; until then the older one does.
    let later = json_of(&ana, &["checkin", "edit", id(&schedule), "--at", "20:00"]);
    assert_eq!(
        (&later["state"], &later["in_force"]),
        (&json!("changed"), &json!(TEXT))
    );
    assert_eq!(later["schedule"]["at"], "20:00");
    assert_eq!(next(&ana), "2999-12-02T18:30:00Z");
    json_of(&ana, &["checkin", "agree", id(&schedule), "--yes"]);
    meet(&ana, &bo);
    json_of(&bo, &["checkin", "agree", id(&schedule), "--yes"]);
    assert_eq!(next(&bo), "2999-12-02T19:00:00Z");
    let ended = json_of(&bo, &["checkin", "end", id(&schedule)]);
    assert_eq!((&ended["state"], next(&bo)), (&json!("ended"), Value::Null));
}

#[test]
fn of_several_schedules_in_force_the_one_agreed_last_counts() {
    let (ana, bo) = a_pair();
    let first = json_of(&ana, SCHEDULE);
    let daily = [SCHEDULE, &["--minutes", "15", "--until", "3000-01-31"]].concat();
    let second = json_of(&ana, &daily);
    meet(&ana, &bo);
    json_of(&bo, &["checkin", "agree", id(&second), "--yes"]);
    json_of(&bo, &["checkin", "agree", id(&first), "--yes"]);
    let sorted = |place: &Place| {
        let list = json_of(place, &["checkin", "list"]);
        list.as_array().unwrap().clone()
    };
    assert!(sorted(&bo).iter().all(|entry| entry["state"] == "agreed"));
    meet(&ana, &bo);
    // The one proposed first was agreed to last: how long a session is comes from it.
    json_of(&ana, &["checkin", "edit", id(&first), "--at", "21:00"]);
    json_of(&ana, &["checkin", "agree", id(&first), "--yes"]);
    meet(&ana, &bo);
    json_of(&bo, &["checkin", "agree", id(&first), "--yes"]);
    meet(&ana, &bo);
    for place in [&ana, &bo] {
        let status = json_of(place, &["status"]);
        assert_eq!(status["next_checkin"], "2999-12-02T20:00:00Z");
    }
}

#[test]
fn a_taper_thins_out_by_date() {
    let (ana, _) = a_pair();
    let with = |more: &[&str]| {
        let arguments = ["checkin", "schedule", "--at", "7:05", "--zone", "UTC"];
        let from = ["--from", "2027-01-31", "--taper", "--minutes", "15"];
        json_of(&ana, &[&arguments[..], &from, more].concat())["text"].clone()
    };
    assert_eq!(
        with(&[]),
        "15 minutes at 07:05, UTC\nfrom 2027-01-31: Monday, Wednesday, Friday\nfrom 2027-03-31: Monday, Thursday\nfrom 2027-05-31: Sunday"
    );
    assert_eq!(
        with(&["--days", "tue,thu,sat", "--until", "2027-12-31"]),
        "15 minutes at 07:05, UTC\nfrom 2027-01-31: Tuesday, Thursday, Saturday\nfrom 2027-03-31: Tuesday, Saturday\nfrom 2027-05-31: Saturday\nuntil 2027-12-31"
    );
}

#[test]
fn what_makes_no_schedule_is_said() {
    let (ana, _) = a_pair();
    let schedule = json_of(&ana, SCHEDULE);
    let zone = ["--zone", "Europe/Berlin"];
    for (arguments, exit, code) in [
        (
            &["checkin", "schedule", "--days", "mon"][..],
            2,
            "wrong_use",
        ),
        (&["checkin", "schedule", "--at", "19:30"], 2, "wrong_use"),
        (
            &["checkin", "schedule", "--at", "25:30", "--days", "mon"],
            2,
            "wrong_use",
        ),
        (
            &[
                "checkin",
                "schedule",
                "--at",
                "9:30",
                "--days",
                "mon",
                "--minutes",
                "45",
            ],
            2,
            "wrong_use",
        ),
        (
            &[
                "checkin", "schedule", "--at", "9:30", "--days", "mon", "--taper",
            ],
            2,
            "wrong_use",
        ),
        (
            &[
                "checkin",
                "schedule",
                "--at",
                "9:30",
                "--days",
                "mon",
                "--from",
                "2027-03-01",
                "--until",
                "2027-02-01",
            ],
            6,
            "bad_schedule",
        ),
        (
            &["checkin", "edit", id(&schedule), "Whenever we like."],
            6,
            "bad_schedule",
        ),
        (
            &[
                "checkin",
                "edit",
                id(&schedule),
                "Whenever.",
                "--at",
                "9:30",
            ],
            2,
            "wrong_use",
        ),
        (
            &["checkin", "outcome", id(&schedule), "We talk."],
            6,
            "not_a_session",
        ),
    ] {
        let zone = if arguments[1] == "schedule" {
            &zone[..]
        } else {
            &[]
        };
        let said = ana.open(&[arguments, zone, &["--json"]].concat());
        assert_eq!(
            (said.code, said.error().as_str()),
            (exit, code),
            "{arguments:?}"
        );
    }
    let nowhere = [
        "checkin",
        "edit",
        id(&schedule),
        "--zone",
        "Nowhere/Near",
        "--json",
    ];
    ana.open(&nowhere).fails(6, "unknown_zone");
    assert_eq!(json_of(&ana, &["checkin", "list"]), json!([schedule]));
}

#[test]
fn a_session_kept_by_one_is_confirmed_by_the_other_later_and_what_is_left_moves_on() {
    let (ana, bo) = a_pair();
    let about: Vec<Value> = ["Phones away.", "We call.", "Sundays are ours."]
        .iter()
        .map(|text| json_of(&ana, &["boundary", "propose", text]))
        .collect();
    let [phones, call, sundays] = [&about[0], &about[1], &about[2]].map(id);
    // Bo's device is not here.
    let agenda = [phones, call].join(",");
    let left = [call, sundays].join(",");
    let session = json_of(
        &ana,
        &[
            "checkin",
            "record",
            "--outcome",
            "We call at lunch.",
            "--agenda",
            &agenda,
            "--left",
            &left,
            "--minutes",
            "17",
        ],
    );
    assert_eq!(
        (
            &session["role"],
            &session["state"],
            &session["text"],
            &session["agreed_by"]
        ),
        (
            &json!("session"),
            &json!("proposed"),
            &json!("We call at lunch."),
            &json!(["Ana"])
        )
    );
    assert_eq!(session["session"]["minutes"], 17);
    assert_eq!(ids(&session["session"]["agenda"]), [phones, call, sundays]);
    assert_eq!(session["session"]["left"], json!([call, sundays]));
    assert_eq!(session["session"]["agenda"][0]["title"], "Phones away.");
    meet(&ana, &bo);

    let waits = json_of(&bo, &["status"])["waiting_for_me"].clone();
    let waits = waits.as_array().unwrap();
    assert!(
        waits.iter().any(|w| w["id"] == session["id"]
            && w["why"] == "agree"
            && w["title"] == "We call at lunch."),
        "{waits:?}"
    );
    let confirmed = json_of(&bo, &["checkin", "agree", id(&session), "--yes"]);
    assert_eq!(
        (&confirmed["state"], &confirmed["author"]),
        (&json!("agreed"), &json!("Ana"))
    );
    meet(&ana, &bo);
    assert_eq!(
        json_of(&ana, &["checkin", "show", id(&session)])["state"],
        "agreed"
    );
    let words = ana.open(&["checkin", "show", id(&session)]).ok().out;
    for part in [
        "for 17 minutes",
        "“We call.”, moves on",
        "Outcome:\nWe call at lunch.",
        "Ana and Bo",
    ] {
        assert!(words.contains(part), "{part:?} is not in {words}");
    }
}

#[test]
fn an_outcome_may_be_written_later_by_either_of_them() {
    let (ana, bo) = a_pair();
    let session = json_of(&ana, &["checkin", "record"]);
    assert_eq!(
        (&session["state"], &session["text"]),
        (&json!("held"), &json!(""))
    );
    let kept = ana.open(&["checkin", "list"]).ok().out;
    assert!(kept.contains("held, no outcome yet"), "{kept}");
    meet(&ana, &bo);
    // Nothing waits for anybody, and nothing can be confirmed.
    assert_eq!(json_of(&bo, &["status"])["waiting_for_me"], json!([]));
    let nothing = ["checkin", "agree", id(&session), "--yes", "--json"];
    bo.open(&nothing).fails(6, "text_empty");
    let long = "x".repeat(501);
    for wrong in ["one\ntwo", &long, " "] {
        let said = bo.open(&["checkin", "outcome", id(&session), wrong, "--json"]);
        assert_ne!(said.code, 0, "{wrong}");
    }
    let his = json_of(&bo, &["checkin", "outcome", id(&session), "We go on."]);
    assert_eq!(
        (&his["state"], &his["agreed_by"]),
        (&json!("proposed"), &json!(["Bo"]))
    );
    assert_eq!(his["author"], "Ana");
    meet(&ana, &bo);
    let both = json_of(&ana, &["checkin", "agree", id(&session), "--yes"]);
    assert_eq!(
        (&both["state"], &both["in_force"]),
        (&json!("agreed"), &json!("We go on."))
    );
}

/// A session at a terminal of this kind.
fn starts(place: &Place, term: &str, more: &[&str]) -> Person {
    let mut command = place.command(&[&["checkin", "start"], more].concat());
    command
        .arg("--passphrase-file")
        .arg(place.path().join("passphrase"));
    Person::at_kind(&mut command, term, (80, 24))
}

#[test]
fn a_session_at_the_terminal_has_turns_a_clock_and_one_line_at_its_end() {
    let (ana, bo) = a_pair();
    let due = [
        "boundary",
        "propose",
        "Phones away.",
        "--review-on",
        "2020-01-01",
    ];
    let due = json_of(&ana, &due);
    let talk = json_of(
        &ana,
        &[
            "boundary",
            "propose",
            "We call.",
            "--review-on",
            "2020-01-02",
        ],
    );
    meet(&ana, &bo);
    for entry in [&due, &talk] {
        json_of(&bo, &["boundary", "agree", id(entry), "--yes"]);
    }
    // Bo is not here with his device; they sit in front of it together.
    let mut session = starts(&bo, "xterm", &["--minutes", "15"]);
    session.sees("Phones away.").sees("We call.");
    session.sees("15:00  Bo speaks  1 of 2: Phones away.");
    session.presses("\r").sees("Ana speaks  1 of 2");
    session.presses("q").sees("What do you take from it");
    session.types("We put them into a drawer.");
    let (code, seen) = session.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("One thing moves on") || seen.contains("1 thing moves on"),
        "{seen}"
    );
    let list = json_of(&bo, &["checkin", "list"]);
    assert_eq!(
        (
            &list[0]["text"],
            &list[0]["agreed_by"],
            &list[0]["session"]["left"]
        ),
        (
            &json!("We put them into a drawer."),
            &json!(["Bo"]),
            &json!([talk["id"]])
        )
    );
    // What was left comes first in the next one, on both devices.
    meet(&ana, &bo);
    for place in [&ana, &bo] {
        let agenda = json_of(place, &["checkin", "agenda"]);
        assert_eq!(ids(&agenda["agenda"]), [id(&talk), id(&due)]);
    }
    let confirmed = json_of(&ana, &["checkin", "agree", id(&list[0]), "--yes"]);
    assert_eq!(confirmed["state"], "agreed");
}

#[test]
fn a_session_is_stopped_or_left_without_an_outcome_on_any_terminal() {
    let (ana, _) = a_pair();
    let mut stopped = starts(&ana, "xterm", &[]);
    stopped.sees("20:00  Ana speaks").presses("\x03");
    let (code, seen) = stopped.leaves();
    assert!(
        code == 1 && seen.contains("nothing was kept"),
        "{code} {seen}"
    );
    assert_eq!(json_of(&ana, &["checkin", "list"]), json!([]));

    let mut plain = starts(&ana, "dumb", &["--no-timer"]);
    plain.sees("Ana speaks").presses("\r").sees("Bo speaks");
    plain
        .presses("q")
        .sees("What do you take from it")
        .types("");
    let (code, seen) = plain.leaves();
    assert!(code == 0 && !seen.contains('\x1b'), "{code} {seen:?}");
    let list = json_of(&ana, &["checkin", "list"]);
    assert_eq!(
        (&list[0]["state"], &list[0]["session"]["minutes"]),
        (&json!("held"), &json!(1))
    );

    let nobody = ana.open(&["checkin", "start", "--json"]);
    nobody.fails(2, "session_needs_somebody");
}

/// Times and days as an independent reader finds them: when they begin, and what they are called.
fn read(calendar: &str, until: &str) -> Vec<(String, String)> {
    use calcard::icalendar::{ICalendar, ICalendarProperty};
    let calendar = ICalendar::parse(calendar).unwrap();
    let expanded = calendar.expand_dates(calcard::common::timezone::Tz::UTC, 200);
    let mut found: Vec<_> = expanded
        .events
        .iter()
        .map(|event| {
            let component = &calendar.components[event.comp_id as usize];
            let title = component.property(&ICalendarProperty::Summary).unwrap();
            let title = title.values.first().unwrap().as_text().unwrap().to_owned();
            let start = jiff::Timestamp::from_second(event.start.timestamp()).unwrap();
            (start.to_string(), title)
        })
        .filter(|(start, _)| start.as_str() < until)
        .collect();
    found.sort();
    found
}

#[test]
fn a_calendar_file_holds_what_is_in_force_under_neutral_titles() {
    let (ana, bo) = a_pair();
    let nothing = ana.open(&["calendar", "--json"]);
    nothing.fails(1, "nothing_for_calendar");
    let taper = [
        "checkin", "schedule", "--days", "mon,fri", "--at", "19:30", "--taper",
    ];
    let from = [
        "--from",
        "2027-03-22",
        "--until",
        "2027-05-31",
        "--zone",
        "Europe/Berlin",
    ];
    let schedule = json_of(&ana, &[&taper[..], &from].concat());
    let review = [
        "boundary",
        "propose",
        "Phones away.",
        "--review-on",
        "2027-04-01",
    ];
    let review = json_of(&ana, &review);
    json_of(&ana, &["plan", "add", "The lake.", "--date", "2027-04-03"]);
    meet(&ana, &bo);
    for (kind, entry) in [("checkin", &schedule), ("boundary", &review)] {
        json_of(&bo, &[kind, "agree", id(entry), "--yes"]);
    }
    let file = bo.path().join("together.ics");
    let to = file.to_str().unwrap();
    let written = bo.open(&["calendar", "--to", to]).ok();
    assert!(
        written.err.contains("may send it to a server"),
        "{written:?}"
    );
    assert_eq!(mode(&file), 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for word in ["Phones", "lake", "mends", "Check"] {
        assert!(!text.contains(word), "{word} stands in {text}");
    }
    let time = |at: &str| (at.to_owned(), "time together".to_owned());
    let day = |at: &str| (at.to_owned(), "a day to keep".to_owned());
    // On both sides of the change to summer time, on the 28th.
    assert_eq!(
        read(&text, "2027-04-06"),
        [
            time("2027-03-22T18:30:00Z"),
            time("2027-03-26T18:30:00Z"),
            time("2027-03-29T17:30:00Z"),
            day("2027-04-01T00:00:00Z"),
            time("2027-04-02T17:30:00Z"),
            day("2027-04-03T00:00:00Z"),
            time("2027-04-05T17:30:00Z"),
        ]
    );
    // Two days a week until the 22nd of May, then one, until it ends.
    let all = read(&text, "2028");
    let late: Vec<_> = all
        .iter()
        .map(|(at, _)| &at[..10])
        .filter(|at| *at > "2027-05-14")
        .collect();
    assert_eq!(late, ["2027-05-17", "2027-05-21", "2027-05-28"]);

    // Nothing but the journal lies in its folder.
    let inside = bo.home().join("together.ics");
    let inside = inside.to_str().unwrap();
    bo.open(&["calendar", "--to", inside, "--force", "--json"])
        .fails(2, "calendar_place");
    assert!(!std::path::Path::new(inside).exists());

    // It is never written over unasked.
    let again = bo.open(&["calendar", "--to", to, "--titles", "--json"]);
    again.fails(1, "calendar_exists");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    bo.open(&["calendar", "--to", to, "--titles", "--force"])
        .ok();
    let titled = read(&std::fs::read_to_string(&file).unwrap(), "2027-04-04");
    let titles: Vec<&str> = titled.iter().map(|(_, title)| title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Check-in",
            "Check-in",
            "Check-in",
            "Phones away.",
            "Check-in",
            "The lake."
        ]
    );
    assert_eq!(mode(&file), 0o600);
}
