use jiff::civil::{Date, Weekday, date};
use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = "20 minutes at 19:30, Europe/Berlin
from 2026-12-01: Monday, Wednesday, Friday
from 2027-02-01: Monday, Thursday
from 2027-04-01: Sunday";

fn fault(text: &str) -> ScheduleFault {
    text.parse::<Schedule>().unwrap_err()
}

/// The example with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

#[test]
fn the_example_is_read_and_printed_as_it_stands() {
    let schedule: Schedule = EXAMPLE.parse().unwrap();
    assert_eq!(schedule.to_string(), EXAMPLE);
    assert_eq!((schedule.minutes(), schedule.zone()), (20, "Europe/Berlin"));
    let at = Hour {
        hour: 19,
        minute: 30,
    };
    assert_eq!((schedule.at(), schedule.until()), (at, None));
    assert_eq!(schedule.steps().len(), 3);
    let ending: Schedule = format!("{EXAMPLE}\nuntil 2027-06-30").parse().unwrap();
    assert_eq!(ending.until(), Some(date(2027, 6, 30)));
}

#[test]
fn the_longest_text_fits() {
    let every: Weekdays = (1..=7)
        .map(|n| Weekday::from_monday_one_offset(n).unwrap())
        .collect();
    let steps = (1..=8)
        .map(|n| Step {
            from: date(2026, 1, n),
            days: every,
        })
        .collect();
    let zone = format!("A/{}", "z".repeat(ZONE_BYTES - 2));
    let at = Hour { hour: 0, minute: 0 };
    let long = Schedule::new(15, at, &zone, steps, Some(date(9999, 12, 31))).unwrap();
    let text = long.to_string();
    assert!(text.len() <= SCHEDULE_BYTES, "{}", text.len());
    assert_eq!(text.parse::<Schedule>().unwrap(), long);
}

#[test]
fn each_fault_has_its_error() {
    use ScheduleFault as F;
    for (from, to, expected) in [
        ("20 minutes", "14 minutes", F::Minutes),
        ("20 minutes", "21 minutes", F::Minutes),
        ("20 minutes", "9 minutes", F::Minutes),
        ("20 minutes", "+15 minutes", F::Minutes),
        ("20 minutes", " 20 minutes", F::Minutes),
        ("minutes at", "minutes, at", F::FirstLine),
        ("minutes at", "Minutes at", F::FirstLine),
        ("19:30, Eu", "19:30 Eu", F::FirstLine),
        ("19:30", "24:00", F::Hour),
        ("19:30", "19:60", F::Hour),
        ("19:30", "9:30", F::Hour),
        ("19:30", "19.30", F::Hour),
        ("19:30", "19:3٠", F::Hour),
        ("Europe/Berlin", "", F::Zone),
        ("Europe/Berlin", "Europe//Berlin", F::Zone),
        ("Europe/Berlin", "Europe/Berlin/", F::Zone),
        ("Europe/Berlin", "../etc/passwd", F::Zone),
        ("Europe/Berlin", "Europe/Berlin ", F::Zone),
        ("Europe/Berlin", "Europe/Berlin\r", F::Zone),
        ("Europe/Berlin", "Europe/Bérlin", F::Zone),
        ("2026-12-01:", "2026-12-01", F::Line(2)),
        ("from 2027-02-01", "From 2027-02-01", F::Line(3)),
        ("from 2027-02-01", "\nfrom 2027-02-01", F::Line(3)),
        ("2026-12-01", "2026-02-30", F::Date(2)),
        ("2026-12-01", "20261201", F::Date(2)),
        ("2026-12-01", "2026-12-1", F::Date(2)),
        ("2026-12-01", "-002026-12-01", F::Date(2)),
        ("2027-02-01", "2027-02-01T00:00", F::Date(3)),
        ("Thursday", "Thu", F::Day(3)),
        ("Thursday", "thursday", F::Day(3)),
        ("Thursday", "Thursday,", F::Day(3)),
        ("Thursday", "Thursday ", F::Day(3)),
        (": Sunday", ": ", F::Day(4)),
        ("Monday, Thursday", "Thursday, Monday", F::DayOrder(3)),
        ("Monday, Thursday", "Monday, Monday", F::DayOrder(3)),
        ("2027-02-01", "2026-12-01", F::NotRising(2)),
        ("2027-04-01", "2027-01-01", F::NotRising(3)),
    ] {
        assert_eq!(fault(&changed(from, to)), expected, "{from} -> {to}");
    }
    assert_eq!(fault(""), F::FirstLine);
    assert_eq!(fault("20 minutes at 19:30, UTC"), F::NoSteps);
    assert_eq!(
        fault("20 minutes at 19:30, UTC\nuntil 2027-01-01"),
        F::NoSteps
    );
    assert_eq!(fault(&format!("{EXAMPLE}\n")), F::Line(5));
    assert_eq!(
        fault(&format!("{EXAMPLE}\nuntil 2027-03-31")),
        F::EndsTooEarly
    );
    assert_eq!(
        fault(&format!("{EXAMPLE}\nuntil 2028-01-01\nuntil 2029-01-01")),
        F::Line(6)
    );
    assert_eq!(fault(&EXAMPLE.replace('\n', "\r\n")), F::Day(2));
    assert_eq!(fault(&"x".repeat(SCHEDULE_BYTES + 1)), F::TooLong);
    let nine: String = (1..=9)
        .map(|n| format!("\nfrom 2026-01-0{n}: Sunday"))
        .collect();
    assert_eq!(
        fault(&format!("20 minutes at 19:30, UTC{nine}")),
        F::TooManySteps
    );
}

#[test]
fn parts_that_no_text_can_hold_are_refused_too() {
    let at = Hour {
        hour: 19,
        minute: 30,
    };
    let sunday = Weekdays::of(&[Weekday::Sunday]);
    let one = |from, days| Schedule::new(15, at, "UTC", vec![Step { from, days }], None);
    assert_eq!(
        one(date(2026, 1, 1), Weekdays::NONE),
        Err(ScheduleFault::NoDays(1))
    );
    assert_eq!(one(date(-1, 12, 31), sunday), Err(ScheduleFault::Date(2)));
    assert!(one(date(0, 1, 1), sunday).is_ok());
}

#[test]
fn days_follow_the_steps_and_end() {
    let schedule: Schedule = format!("{EXAMPLE}\nuntil 2027-04-11").parse().unwrap();
    let found: Vec<Date> = schedule
        .occurrences(date(2027, 1, 25), date(2030, 1, 1))
        .collect();
    let expected = [
        (1, 25),
        (1, 27),
        (1, 29),
        (2, 1),
        (2, 4),
        (2, 8),
        (2, 11),
        (2, 15),
        (2, 18),
        (2, 22),
        (2, 25),
        (3, 1),
        (3, 4),
        (3, 8),
        (3, 11),
        (3, 15),
        (3, 18),
        (3, 22),
        (3, 25),
        (3, 29),
        (4, 4),
        (4, 11),
    ];
    let expected: Vec<Date> = expected.map(|(month, day)| date(2027, month, day)).to_vec();
    assert_eq!(found, expected);
    assert_eq!(
        schedule.next_on_or_after(Date::MIN),
        Some(date(2026, 12, 2))
    );
    assert_eq!(schedule.next_on_or_after(date(2027, 4, 12)), None);
    assert_eq!(schedule.next_on_or_after(Date::MAX), None);
    assert_eq!(
        schedule
            .occurrences(date(2027, 2, 1), date(2027, 1, 1))
            .count(),
        0
    );
}

#[test]
fn steps_in_which_no_day_falls_are_passed_over() {
    // 2026-12-01 is a Tuesday: neither of the first two steps comes to be.
    let text = "15 minutes at 08:00, UTC
from 2026-12-01: Monday
from 2026-12-03: Monday
from 2026-12-05: Saturday";
    let schedule: Schedule = text.parse().unwrap();
    assert_eq!(
        schedule.next_on_or_after(date(2026, 12, 1)),
        Some(date(2026, 12, 5))
    );
    let runs: Vec<Run> = schedule.runs().collect();
    let days = Weekdays::of(&[Weekday::Saturday]);
    assert_eq!(
        runs,
        [Run {
            step: 2,
            first: date(2026, 12, 5),
            last: None,
            days
        }]
    );
}

#[test]
fn the_calendar_ends_without_a_panic() {
    let schedule: Schedule = "15 minutes at 08:00, UTC\nfrom 9999-12-31: Monday"
        .parse()
        .unwrap();
    assert_eq!(schedule.next_on_or_after(Date::MIN), None);
    assert_eq!(schedule.runs().count(), 0);
    let at = Hour { hour: 8, minute: 0 };
    let late = Schedule::taper(15, at, "UTC", date(9999, 11, 1), &Weekdays::TAPER);
    assert_eq!(late, Err(ScheduleFault::NotRising(3)));
}

#[test]
fn the_taper_thins_out() {
    let at = Hour {
        hour: 19,
        minute: 30,
    };
    let taper = Schedule::taper(20, at, "Europe/Berlin", date(2026, 12, 1), &Weekdays::TAPER);
    assert_eq!(taper.unwrap().to_string(), EXAMPLE);
    let taper = Schedule::taper(20, at, "UTC", date(2026, 12, 31), &Weekdays::TAPER).unwrap();
    let from: Vec<Date> = taper.steps().iter().map(|step| step.from).collect();
    assert_eq!(
        from,
        [date(2026, 12, 31), date(2027, 2, 28), date(2027, 4, 30)]
    );
}

fn any_date() -> impl Strategy<Value = Date> {
    (0i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn near_date() -> impl Strategy<Value = Date> {
    (2026i16..=2028, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn any_schedule(dates: impl Strategy<Value = Date>) -> impl Strategy<Value = Schedule> {
    let steps = prop::collection::btree_map(dates, 1u8..128, 1..=STEPS);
    let zone = "[A-Za-z][A-Za-z0-9_+-]{0,9}(/[A-Za-z0-9_+-]{1,9}){0,2}";
    (
        MINUTES,
        0u8..24,
        0u8..60,
        zone,
        steps,
        prop::option::of(0i32..400),
    )
        .prop_map(|(minutes, hour, minute, zone, steps, more)| {
            let steps: Vec<Step> = steps
                .into_iter()
                .map(|(from, bits)| Step {
                    from,
                    days: (0..7)
                        .filter(|n| bits & (1 << n) != 0)
                        .map(|n| Weekday::from_monday_zero_offset(n).unwrap())
                        .collect(),
                })
                .collect();
            let until = more.map(|more| steps.last().unwrap().from.saturating_add(more.days()));
            Schedule::new(minutes, Hour { hour, minute }, &zone, steps, until).unwrap()
        })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(schedule in any_schedule(any_date())) {
        let text = schedule.to_string();
        prop_assert!(text.len() <= SCHEDULE_BYTES);
        prop_assert_eq!(text.parse::<Schedule>().unwrap(), schedule);
    }

    #[test]
    fn what_is_read_is_printed_again(text in "(1[4-9]|20|21) minutes at [0-2][0-9]:[0-6][0-9], [A-Z/]{1,5}(\nfrom 20[0-9]{2}-[01][0-9]-[0-3][0-9]: (Monday, )?(Friday|Sunday)){1,3}(\nuntil 20[0-9]{2}-1[0-2]-[0-3][0-9])?") {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert_eq!(schedule.to_string(), text);
        }
    }

    #[test]
    fn no_string_makes_it_panic(text in any::<String>(), schedule in any_schedule(any_date()), at in any::<prop::sample::Index>(), other in any::<char>()) {
        let _ = text.parse::<Schedule>();
        let mut characters: Vec<char> = schedule.to_string().chars().collect();
        let at = at.index(characters.len());
        characters[at] = other;
        let altered: String = characters.into_iter().collect();
        if let Ok(read) = altered.parse::<Schedule>() {
            prop_assert_eq!(read.to_string(), altered);
        }
    }

    #[test]
    fn days_are_those_of_the_step_of_the_day(schedule in any_schedule(near_date()), from in near_date(), length in 0i32..900) {
        let to = from.saturating_add(length.days());
        let mut expected = Vec::new();
        let mut day = from;
        while day <= to {
            let step = schedule.steps().iter().rfind(|step| step.from <= day);
            let on = step.is_some_and(|step| step.days.contains(day.weekday()));
            if on && schedule.until().is_none_or(|until| day <= until) {
                expected.push(day);
            }
            day = day.tomorrow().unwrap();
        }
        let found: Vec<Date> = schedule.occurrences(from, to).collect();
        prop_assert_eq!(&found, &expected);
        // The runs hold the same days.
        let mut by_runs = Vec::new();
        for run in schedule.runs() {
            let mut day = run.first;
            while day <= to && run.last.is_none_or(|last| day <= last) {
                if run.days.contains(day.weekday()) && day >= from {
                    by_runs.push(day);
                }
                day = day.tomorrow().unwrap();
            }
        }
        prop_assert_eq!(by_runs, expected);
    }
}
