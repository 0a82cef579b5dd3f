//! A schedule from what is typed: days, an hour, how long, from when, and how it thins out.

use amends_journal::schedule::{Hour, Schedule, ScheduleFault, Step, Weekdays};
use clap::Args;
use jiff::Zoned;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::super::agreement::{date, date_or_none};
use crate::advice::Advice;
use crate::request::Failure;

/// How long a time together is where nobody says otherwise.
const USUAL_MINUTES: u8 = 20;

/// The parts of a schedule that can be named.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Days of the week, such as mon,wed,fri
    #[arg(long, value_name = "DAYS", value_parser = days)]
    days: Option<Weekdays>,
    /// The hour on the clock, such as 19:30
    #[arg(long, value_name = "HH:MM", value_parser = hour)]
    at: Option<Hour>,
    /// How long, from 15 to 20 minutes
    #[arg(long, value_name = "15-20", value_parser = clap::value_parser!(u8).range(15..=20))]
    minutes: Option<u8>,
    /// The first day, such as 2027-03-01 [default: today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<String>,
    /// The last day, or none
    #[arg(long, value_name = "DATE", value_parser = date_or_none)]
    until: Option<String>,
    /// Thin it out every two months: three days a week, then two, then one
    #[arg(long)]
    taper: bool,
    /// The time zone of the clock, such as Europe/Berlin [default: that of your system]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
}

impl Plan {
    /// Whether nothing of a schedule was named.
    pub(super) fn is_nothing(&self) -> bool {
        let Plan {
            days,
            at,
            minutes,
            from,
            until,
            taper,
            zone,
        } = self;
        days.is_none()
            && at.is_none()
            && minutes.is_none()
            && from.is_none()
            && until.is_none()
            && !taper
            && zone.is_none()
    }

    /// The schedule that was typed; what was not named stays as it is `before`, where there is one.
    ///
    /// # Errors
    /// [`Advice::WrongUse`] where something must be named, [`Advice::NoZone`], [`Advice::BadSchedule`].
    pub(super) fn schedule(&self, before: Option<&Schedule>) -> Result<Schedule, Failure> {
        let zone = match (&self.zone, before) {
            (Some(zone), _) => zone.clone(),
            (None, Some(before)) => before.zone().to_owned(),
            (None, None) => own_zone()?,
        };
        let at = self.at.or(before.map(Schedule::at));
        let at = at.ok_or_else(|| must_say("the hour", "--at 19:30"))?;
        let minutes = self.minutes.or(before.map(Schedule::minutes));
        let minutes = minutes.unwrap_or(USUAL_MINUTES);
        let until = match self.until.as_deref() {
            Some("none") => None,
            Some(date) => Some(date_of(date)?),
            None => before.and_then(Schedule::until),
        };
        let steps = match before {
            Some(before) if self.days.is_none() && !self.taper && self.from.is_none() => {
                before.steps().to_vec()
            }
            _ if self.days.is_none() && !self.taper => {
                return Err(must_say("the days of the week", "--days mon,wed,fri"));
            }
            _ => {
                let from = match &self.from {
                    Some(from) => date_of(from)?,
                    None => today_in(&zone),
                };
                self.steps(&zone, at, minutes, from)?
            }
        };
        Schedule::new(minutes, at, &zone, steps, until).map_err(fault)
    }

    fn steps(&self, zone: &str, at: Hour, minutes: u8, from: Date) -> Result<Vec<Step>, Failure> {
        let days = match (self.days, self.taper) {
            (Some(days), true) => thinning(days),
            (Some(days), false) => vec![days],
            (None, _) => Weekdays::TAPER.to_vec(),
        };
        if self.taper && days.len() < 2 {
            return Err(must_say(
                "more than one day of the week to become fewer",
                "--days mon,wed,fri --taper",
            ));
        }
        let taper = Schedule::taper(minutes, at, zone, from, &days).map_err(fault)?;
        Ok(taper.steps().to_vec())
    }
}

fn fault(fault: ScheduleFault) -> Failure {
    Advice::from(fault).into()
}

/// These days, then fewer of them, spread over the week: at most three, then two, then one.
fn thinning(days: Weekdays) -> Vec<Weekdays> {
    let all: Vec<Weekday> = days.iter().collect();
    let mut steps = vec![days];
    for count in (1..all.len().min(4)).rev() {
        let days = (0..count).filter_map(|n| {
            // From the first to the last of them; one alone is the last.
            let at = match count - 1 {
                0 => all.len() - 1,
                gaps => n * (all.len() - 1) / gaps,
            };
            all.get(at)
        });
        steps.push(days.fold(Weekdays::NONE, |set, day| set.with(*day)));
    }
    steps
}

fn must_say(what: &str, example: &str) -> Failure {
    Advice::WrongUse {
        message: format!("a schedule needs {what}"),
        hint: format!("Add {example}. See amends checkin schedule --help."),
    }
    .into()
}

fn date_of(typed: &str) -> Result<Date, Failure> {
    let given = typed.to_owned();
    typed.parse().map_err(|_| Advice::BadDate { given }.into())
}

/// The name of this system's time zone.
fn own_zone() -> Result<String, Failure> {
    let zone = TimeZone::system();
    // jiff has a name for not knowing, too.
    let name = zone.iana_name().filter(|_| !zone.is_unknown());
    name.map(str::to_owned).ok_or_else(|| Advice::NoZone.into())
}

fn today_in(zone: &str) -> Date {
    let now = Zoned::now();
    match TimeZone::get(zone) {
        Ok(zone) => now.with_time_zone(zone).date(),
        // It is refused by its name a moment later.
        Err(_) => now.date(),
    }
}

fn days(typed: &str) -> Result<Weekdays, String> {
    let mut set = Weekdays::NONE;
    for name in typed.split([',', ' ']).filter(|name| !name.is_empty()) {
        let day = day(name).ok_or("write them as mon,wed,fri")?;
        set = set.with(day);
    }
    if set.is_empty() {
        Err("write them as mon,wed,fri".to_owned())
    } else {
        Ok(set)
    }
}

/// A day by its English name, or by three letters or more of it.
fn day(typed: &str) -> Option<Weekday> {
    let typed = typed.to_ascii_lowercase();
    let all = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    all.into_iter()
        .find(|(name, _)| typed.len() >= 3 && name.starts_with(&typed))
        .map(|(_, day)| day)
}

fn hour(typed: &str) -> Result<Hour, String> {
    let read = || {
        let (hour, minute) = typed.split_once(':')?;
        let number = |digits: &str, most: u8| {
            let plain =
                (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|n| plain && *n <= most)
        };
        Some(Hour {
            hour: number(hour, 23)?,
            minute: number(minute, 59).filter(|_| minute.len() == 2)?,
        })
    };
    read().ok_or_else(|| "write it as 19:30".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

    #[test]
    fn days_and_hours_are_read_as_people_type_them() {
        assert_eq!(days("fri,Mon"), Ok(Weekdays::of(&[Monday, Friday])));
        assert_eq!(
            days("tues, thursday"),
            Ok(Weekdays::of(&[Tuesday, Thursday]))
        );
        for wrong in ["", ",", "mo", "fritag", "mon;fri", "1"] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
        for (typed, hours, minute) in [("19:30", 19, 30), ("7:05", 7, 5), ("00:00", 0, 0)] {
            let read = Hour {
                hour: hours,
                minute,
            };
            assert_eq!(hour(typed), Ok(read));
        }
        for wrong in ["24:00", "7", "7:5", "7:60", "+7:00", "19.30", "", "007:00"] {
            assert!(hour(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_taper_thins_out_the_days_that_were_named() {
        let of = |days: &[Weekday]| thinning(Weekdays::of(days));
        assert_eq!(
            of(&[Monday, Wednesday, Friday]),
            [
                Weekdays::of(&[Monday, Wednesday, Friday]),
                Weekdays::of(&[Monday, Friday]),
                Weekdays::of(&[Friday])
            ]
        );
        assert_eq!(of(&[Monday, Sunday]).len(), 2);
        assert_eq!(of(&[Sunday]).len(), 1);
        let week = of(&[
            Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday,
        ]);
        let counts: Vec<_> = week.iter().map(|days| days.iter().count()).collect();
        assert_eq!(counts, [7, 3, 2, 1]);
    }

    #[test]
    fn what_is_not_named_stays_as_it_was() {
        let text = "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday\nuntil 2027-06-30";
        let before: Schedule = text.parse().unwrap();
        let nothing = || Plan {
            days: None,
            at: None,
            minutes: None,
            from: None,
            until: None,
            taper: false,
            zone: None,
        };
        assert!(nothing().is_nothing());
        assert_eq!(nothing().schedule(Some(&before)).unwrap(), before);
        let later = Plan {
            at: Some(Hour {
                hour: 20,
                minute: 0,
            }),
            until: Some("none".to_owned()),
            ..nothing()
        };
        assert_eq!(
            later.schedule(Some(&before)).unwrap().to_string(),
            "20 minutes at 20:00, Europe/Berlin\nfrom 2026-12-01: Monday"
        );
        let thinner = Plan {
            days: Some(Weekdays::of(&[Monday, Friday])),
            from: Some("2027-01-01".to_owned()),
            taper: true,
            ..nothing()
        };
        assert_eq!(
            thinner.schedule(Some(&before)).unwrap().to_string(),
            "20 minutes at 19:30, Europe/Berlin\nfrom 2027-01-01: Monday, Friday\nfrom 2027-03-01: Friday\nuntil 2027-06-30"
        );
        let moved = Plan {
            from: Some("2027-01-01".to_owned()),
            ..nothing()
        };
        assert_eq!(moved.schedule(Some(&before)).unwrap_err().exit, 2);
    }
}
