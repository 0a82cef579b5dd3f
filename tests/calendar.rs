//! Calendar files, read again by others: what they find is what the schedule says, on both sides of every change of the
//! clock and every step of a taper.
//!
//! `calcard` reads them always. Python's `icalendar` with `recurring-ical-events`, and `ical.js` on Node, read them where
//! `.ci/run` has put them, beside what is built (`ci-tools/calendar`). Where they are not there these tests say that they
//! were skipped, and fail if `AMENDS_REQUIRE_CALENDAR_READERS` is 1.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use amends::calendar::{Calendar, Day, Times, write};
use amends_journal::schedule::Schedule;
use calcard::icalendar::{ICalendar, ICalendarProperty, dates::TimeOrDelta};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Places whose clocks change in all the ways there are: not at all, in the north and the south, by half an hour, at
/// midnight, and by no rule that a calendar can say.
const ZONES: [&str; 12] = [
    "UTC",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Jerusalem",
    "Pacific/Auckland",
];

/// A taper over two years whose steps begin and end near changes of the clock.
fn taper(at: &str, zone: &str) -> Schedule {
    let text = format!(
        "20 minutes at {at}, {zone}
from 2026-10-23: Monday, Wednesday, Friday, Sunday
from 2027-03-28: Saturday, Sunday
from 2027-09-26: Monday, Thursday
from 2027-11-07: Sunday
from 2028-04-02: Tuesday
until 2028-10-31"
    );
    text.parse().unwrap()
}

const FROM: Date = date(2026, 10, 1);
const TO: Date = date(2028, 11, 30);

/// What must be read of a file: lines of when it begins in UTC, how long it is, and what it is called.
#[derive(Default)]
struct Expected {
    lines: BTreeSet<String>,
    /// For an hour that is not there on its day, or there twice, when readers may let it begin: either of two; of any
    /// length, or not at all. (RFC 5545 has one answer, in section 3.3.5; not all follow it.)
    unclear: BTreeSet<String>,
}

impl Expected {
    fn of(schedule: &Schedule, title: &str) -> Self {
        let zone = TimeZone::get(schedule.zone()).unwrap();
        let at = schedule.at();
        let mut expected = Self::default();
        for day in schedule.occurrences(FROM, TO) {
            let start = zone.to_ambiguous_timestamp(day.at(at.hour as i8, at.minute as i8, 0, 0));
            if start.is_ambiguous() {
                expected
                    .unclear
                    .insert(start.earlier().unwrap().to_string());
                expected.unclear.insert(start.later().unwrap().to_string());
            } else {
                let start = start.unambiguous().unwrap();
                expected
                    .lines
                    .insert(format!("{start} {} {title}", schedule.minutes()));
            }
        }
        assert!(expected.lines.len() > 150, "{}", expected.lines.len());
        expected
    }

    #[track_caller]
    fn is(&self, found: &BTreeSet<String>, by: &str) {
        let is_clear = |line: &&String| {
            let start = line.split(' ').next().unwrap();
            !self.unclear.contains(start)
        };
        let found: BTreeSet<_> = found.iter().filter(is_clear).cloned().collect();
        let missing: Vec<_> = self.lines.difference(&found).collect();
        let more: Vec<_> = found.difference(&self.lines).collect();
        assert!(
            missing.is_empty() && more.is_empty(),
            "{by}: without {missing:?}, with {more:?}"
        );
    }
}

/// A calendar with one schedule, and what must be read of it.
fn case(at: &str, zone: &str) -> (String, Expected) {
    let schedule = taper(at, zone);
    let times = vec![Times {
        id: &[7; 16],
        schedule: &schedule,
        title: "",
    }];
    let calendar = Calendar {
        times,
        days: Vec::new(),
        neutral: true,
    };
    let made = Timestamp::from_second(1_795_381_200).unwrap();
    (
        write(&calendar, made).unwrap(),
        Expected::of(&schedule, "time together"),
    )
}

/// The same file with names of zones that no reader can know, so that it must go by the rules in the file.
fn with_unknown_zones(text: &str, zone: &str) -> String {
    assert!(text.contains(&format!("TZID:{zone}")) && text.contains(&format!("TZID={zone}:")));
    text.replace(zone, "Nowhere/Near")
}

#[test]
fn a_reader_in_rust_finds_every_time() {
    for zone in ZONES {
        for at in ["19:30", "12:00", "06:15"] {
            let (text, expected) = case(at, zone);
            expected.is(&read_by_calcard(&text), &format!("{zone} {at}"));
        }
    }
}

fn read_by_calcard(text: &str) -> BTreeSet<String> {
    let calendar = ICalendar::parse(text).unwrap();
    let found = calendar.expand_dates(calcard::common::timezone::Tz::UTC, 10_000);
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    let mut lines = BTreeSet::new();
    for event in found.events {
        let component = &calendar.components[event.comp_id as usize];
        let title = component.property(&ICalendarProperty::Summary).unwrap();
        let title = title.values.first().unwrap().as_text().unwrap();
        let start = event.start.timestamp();
        let minutes = match event.end {
            TimeOrDelta::Time(end) => (end.timestamp() - start) / 60,
            TimeOrDelta::Delta(length) => length.num_minutes(),
        };
        let start = Timestamp::from_second(start).unwrap();
        assert!(
            lines.insert(format!("{start} {minutes} {title}")),
            "twice: {start}"
        );
    }
    lines
}

/// What readers of other people's calendars find. Each is a command that prints a line for each event.
struct Readers {
    place: PathBuf,
    folder: tempfile::TempDir,
}

impl Readers {
    /// Where `.ci/run` has put them: beside the folder that this test was built in.
    fn find(test: &str) -> Option<Self> {
        let this = std::env::current_exe().unwrap();
        let place = this.ancestors().nth(3).unwrap().join("ci-tools/calendar");
        if place.join("installed").exists() {
            let folder = tempfile::tempdir().unwrap();
            return Some(Self { place, folder });
        }
        let required =
            std::env::var("AMENDS_REQUIRE_CALENDAR_READERS").is_ok_and(|value| value == "1");
        let why = format!("there are no calendar readers in {}", place.display());
        assert!(
            !required,
            "{test}: {why}, and AMENDS_REQUIRE_CALENDAR_READERS=1"
        );
        // println! would be kept back by the harness.
        let _ = writeln!(
            std::io::stderr(),
            "!!! SKIPPED: {test}: {why} (.ci/run installs them)"
        );
        None
    }

    /// What each reader finds in a file, by its name.
    fn read(&self, text: &str) -> [(&'static str, BTreeSet<String>); 2] {
        let file = self.folder.path().join("file.ics");
        std::fs::write(&file, text).unwrap();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendar");
        let mut python = Command::new(self.place.join("venv/bin/python"));
        // No bytecode in the checkout.
        python.arg("-B").arg(scripts.join("read.py"));
        let mut node = Command::new("node");
        node.arg(scripts.join("read.mjs"));
        node.arg(self.place.join("node_modules/ical.js/dist/ical.js"));
        [("icalendar", python), ("ical.js", node)].map(|(name, mut command)| {
            let output = command
                .arg(&file)
                .args([FROM.to_string(), TO.to_string()])
                .output()
                .unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {complaint}");
            let lines: Vec<_> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .map(str::to_owned)
                .collect();
            let set: BTreeSet<_> = lines.iter().cloned().collect();
            assert_eq!(set.len(), lines.len(), "{name} found something twice");
            (name, set)
        })
    }
}

#[test]
fn readers_of_others_find_every_time() {
    let Some(readers) = Readers::find("readers_of_others_find_every_time") else {
        return;
    };
    for zone in ZONES {
        let (text, expected) = case("19:30", zone);
        for text in [with_unknown_zones(&text, zone), text] {
            for (name, found) in readers.read(&text) {
                expected.is(&found, &format!("{name}, {zone}"));
            }
        }
    }
    // A time of day that is on one day in the year not there, and on another twice.
    for (at, zone) in [
        ("02:30", "Europe/Berlin"),
        ("23:30", "Africa/Cairo"),
        ("01:45", "Australia/Lord_Howe"),
    ] {
        let (text, expected) = case(at, zone);
        for (name, found) in readers.read(&text) {
            expected.is(&found, &format!("{name}, {zone} at {at}"));
            assert!(!expected.unclear.is_empty());
        }
    }
}

#[test]
fn readers_of_others_find_days_and_titles() {
    let Some(readers) = Readers::find("readers_of_others_find_days_and_titles") else {
        return;
    };
    let schedules = [
        taper("19:30", "Europe/Berlin"),
        taper("07:05", "America/New_York"),
    ];
    let long = "Überprüfen, was wir gesagt haben; \\ and more of it, so that it is folded — 長い題名、とても長い題名、もっと長い題名";
    let titles = ["Check-in", long];
    let ids = [[1; 16], [2; 16]];
    let times = schedules.iter().zip(titles).zip(&ids);
    let times: Vec<_> = times
        .map(|((schedule, title), id)| Times {
            id,
            schedule,
            title,
        })
        .collect();
    let days = vec![
        Day {
            id: &[3; 16],
            date: date(2027, 3, 28),
            title: long,
        },
        Day {
            id: &[4; 16],
            date: date(2028, 2, 29),
            title: "Plan",
        },
    ];
    let mut lines: BTreeSet<String> = days
        .iter()
        .map(|day| format!("{} {}", day.date, day.title))
        .collect();
    for (schedule, title) in schedules.iter().zip(titles) {
        let mut expected = Expected::of(schedule, title);
        assert!(expected.unclear.is_empty());
        lines.append(&mut expected.lines);
    }
    let calendar = Calendar {
        times,
        days,
        neutral: false,
    };
    let made = Timestamp::from_second(1_795_381_200)
        .unwrap()
        .checked_add(1.second())
        .unwrap();
    for (name, found) in readers.read(&write(&calendar, made).unwrap()) {
        assert_eq!(found, lines, "{name}");
    }
}
