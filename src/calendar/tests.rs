use jiff::civil::date;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap()
}

/// 2026-11-22T21:00:00Z.
fn made() -> Timestamp {
    Timestamp::from_second(1_795_381_200).unwrap()
}

fn one(schedule: &Schedule, neutral: bool) -> Result<String, CalendarFault> {
    let times = vec![Times {
        id: b"an entry",
        schedule,
        title: "Check-in",
    }];
    write(
        &Calendar {
            times,
            days: Vec::new(),
            neutral,
        },
        made(),
    )
}

/// The lines of a file, put together again.
fn lines(text: &str) -> Vec<String> {
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    text.replace("\r\n ", "")
        .split_terminator("\r\n")
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_taper_is_one_event_for_each_step() {
    let schedule = schedule(
        "20 minutes at 19:30, Europe/Berlin
from 2026-12-01: Monday, Wednesday, Friday
from 2027-02-01: Monday, Thursday
from 2027-04-01: Sunday",
    );
    let text = one(&schedule, true).unwrap();
    let lines = lines(&text);
    let uid = |step| format!("UID:{}", uid(b"an entry", Some(step)));
    let expected = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//time together//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260329T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        &uid(0),
        "DTSTAMP:20261122T210000Z",
        "DTSTART;TZID=Europe/Berlin:20261202T193000",
        "DURATION:PT20M",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20270129T193000Z",
        "SUMMARY:time together",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "BEGIN:VEVENT",
        &uid(1),
        "DTSTAMP:20261122T210000Z",
        "DTSTART;TZID=Europe/Berlin:20270201T193000",
        "DURATION:PT20M",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20270329T193000Z",
        "SUMMARY:time together",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "BEGIN:VEVENT",
        &uid(2),
        "DTSTAMP:20261122T210000Z",
        "DTSTART;TZID=Europe/Berlin:20270404T193000",
        "DURATION:PT20M",
        "RRULE:FREQ=WEEKLY;BYDAY=SU",
        "SUMMARY:time together",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "END:VCALENDAR",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_neutral_file_says_nothing_of_us() {
    let schedule = schedule("15 minutes at 08:00, Asia/Tokyo\nfrom 2026-12-01: Sunday");
    let days = vec![Day {
        id: b"secret id",
        date: date(2027, 1, 31),
        title: "Review: no phones, please",
    }];
    let times = vec![Times {
        id: b"secret id",
        schedule: &schedule,
        title: "Check-in",
    }];
    let mut calendar = Calendar {
        times,
        days,
        neutral: true,
    };
    let text = write(&calendar, made()).unwrap();
    for word in [
        "amends",
        "check",
        "review",
        "phones",
        "secret",
        "journal",
        &data_encoding::HEXLOWER.encode(b"secret id"),
    ] {
        assert!(!text.to_lowercase().contains(word), "{word}");
    }
    calendar.neutral = false;
    let text = lines(&write(&calendar, made()).unwrap());
    assert!(text.contains(&"SUMMARY:Check-in".to_owned()));
    assert!(text.contains(&"SUMMARY:Review: no phones\\, please".to_owned()));
    assert!(text.contains(&"DTSTART;VALUE=DATE:20270131".to_owned()));
    // The same thing has the same id, whatever its title; another thing another.
    let uids: Vec<_> = text
        .iter()
        .filter(|line| line.starts_with("UID:"))
        .collect();
    assert_eq!(
        uids,
        [
            &format!("UID:{}", uid(b"secret id", Some(0))),
            &format!("UID:{}", uid(b"secret id", None))
        ]
    );
    assert_ne!(uids[0], uids[1]);
}

#[test]
fn titles_cannot_write_properties() {
    let schedule = schedule("15 minutes at 08:00, UTC\nfrom 2026-12-01: Sunday");
    let title = "a; b, c\\ d\r\nATTENDEE:mailto:x@example.org\u{0}\u{85}";
    let times = vec![Times {
        id: b"x",
        schedule: &schedule,
        title,
    }];
    let text = write(
        &Calendar {
            times,
            days: Vec::new(),
            neutral: false,
        },
        made(),
    )
    .unwrap();
    let found: Vec<_> = lines(&text)
        .into_iter()
        .filter(|line| line.contains("ATTENDEE"))
        .collect();
    assert_eq!(
        found,
        ["SUMMARY:a\\; b\\, c\\\\ d  ATTENDEE:mailto:x@example.org  "]
    );
    let title = "長い題名と、とても長い題名".repeat(20);
    let times = vec![Times {
        id: b"x",
        schedule: &schedule,
        title: &title,
    }];
    let text = write(
        &Calendar {
            times,
            days: Vec::new(),
            neutral: false,
        },
        made(),
    )
    .unwrap();
    assert!(lines(&text).contains(&format!("SUMMARY:{title}")));
}

#[test]
fn each_fault_has_its_error() {
    let empty = Calendar {
        times: Vec::new(),
        days: Vec::new(),
        neutral: true,
    };
    assert_eq!(write(&empty, made()), Err(CalendarFault::Empty));
    let nowhere = schedule("15 minutes at 08:00, Europe/Nowhere\nfrom 2026-12-01: Sunday");
    assert_eq!(
        one(&nowhere, true),
        Err(CalendarFault::Zone("Europe/Nowhere".to_owned()))
    );
    let late =
        schedule("15 minutes at 23:59, Pacific/Niue\nfrom 9999-12-01: Friday\nuntil 9999-12-31");
    assert_eq!(
        one(&late, true),
        Err(CalendarFault::Date(date(9999, 12, 31)))
    );
    let day = Day {
        id: b"x",
        date: date(-1, 1, 1),
        title: "",
    };
    let early = Calendar {
        times: Vec::new(),
        days: vec![day],
        neutral: true,
    };
    assert_eq!(write(&early, made()), Err(CalendarFault::Date(day.date)));
    // A schedule in which no day falls is nothing to write.
    let never = schedule("15 minutes at 08:00, UTC\nfrom 2026-12-01: Monday\nuntil 2026-12-02");
    assert_eq!(one(&never, true), Err(CalendarFault::Empty));
}

#[test]
fn no_schedule_makes_it_panic() {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
        "Asia/Jerusalem",
    ];
    let dates = [
        "0000-01-01",
        "1883-11-18",
        "1970-01-01",
        "2027-03-28",
        "9969-06-01",
        "9999-12-30",
    ];
    for (zone, from) in zones
        .iter()
        .flat_map(|zone| dates.iter().map(move |from| (zone, from)))
    {
        let schedule = schedule(&format!(
            "20 minutes at 00:00, {zone}\nfrom {from}: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"
        ));
        if let Ok(text) = one(&schedule, true) {
            lines(&text);
        }
    }
}
