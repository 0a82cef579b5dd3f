//! When two people sit down together: on which days, at what hour, for how long, thinning out by date.
//!
//! A schedule is agreed by both, word for word, so it has exactly one text, that people read and programs take apart:
//!
//! ```text
//! 20 minutes at 19:30, Europe/Berlin
//! from 2026-12-01: Monday, Wednesday, Friday
//! from 2027-02-01: Monday, Thursday
//! from 2027-04-01: Sunday
//! until 2027-06-30
//! ```
//!
//! The words are a format and are not translated. Lines end with a line feed, the last one without. Days stand in the
//! order of the week, steps rise by date, and `until`, the last day on which it may be, may be left out. What is not
//! exactly the text that [`Schedule`] prints is refused.
//!
//! ```
//! use amends_journal::schedule::Schedule;
//! use jiff::civil::date;
//!
//! let text = "15 minutes at 20:00, Asia/Tokyo\nfrom 2026-12-01: Tuesday, Friday\nfrom 2027-02-01: Sunday";
//! let schedule: Schedule = text.parse().unwrap();
//! assert_eq!(schedule.to_string(), text);
//! assert_eq!(schedule.next_on_or_after(date(2027, 1, 30)), Some(date(2027, 2, 7)));
//! ```

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

mod weekdays;
pub use weekdays::Weekdays;

/// How many steps a schedule may have.
pub const STEPS: usize = 8;
/// How long a time together may be, in minutes.
pub const MINUTES: RangeInclusive<u8> = 15..=20;
/// Bytes of a time zone's name.
pub const ZONE_BYTES: usize = 64;
/// How long each step of [`Schedule::taper`] lasts, in months.
pub const TAPER_MONTHS: i32 = 2;
/// Bytes that a text may have; the longest that is right has fewer.
pub const SCHEDULE_BYTES: usize = 1024;

/// From a date on, these days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// The first day on which it holds.
    pub from: Date,
    /// The days of the week; never none in a [`Schedule`].
    pub days: Weekdays,
}

/// The hour and minute of a day, on the clock of the schedule's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

/// A schedule that is in order. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schedule {
    minutes: u8,
    at: Hour,
    zone: String,
    steps: Vec<Step>,
    until: Option<Date>,
}

/// What is wrong with a schedule. Lines and steps count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// The first line is not `N minutes at HH:MM, ZONE`.
    #[error("the first line is not of the form \"20 minutes at 19:30, Europe/Berlin\"")]
    FirstLine,
    /// A line after the first is neither a step nor, as the last one, the end.
    #[error(
        "line {0} is neither of the form \"from 2026-12-01: Monday, Friday\" nor, at the end, \"until 2027-06-30\""
    )]
    Line(usize),
    /// Not a number in [`MINUTES`].
    #[error("a time together has 15 to 20 minutes")]
    Minutes,
    /// Not an hour from 00:00 to 23:59, two digits each.
    #[error("the hour is not one from 00:00 to 23:59")]
    Hour,
    /// Not of the form that names of time zones have.
    #[error("the time zone is not a name like Europe/Berlin")]
    Zone,
    /// Not a date of the calendar, or not of the years 0000 to 9999, in the line with this number.
    #[error("line {0} holds no date like 2026-12-01")]
    Date(usize),
    /// A day that is no English name of a weekday, in the line with this number.
    #[error("line {0} holds a day that is none of Monday to Sunday")]
    Day(usize),
    /// Days that are not in the order of the week, or one twice, in the line with this number.
    #[error("the days in line {0} are not in the order of the week, each once")]
    DayOrder(usize),
    /// A step without a day: the step with this number.
    #[error("step {0} has no day")]
    NoDays(usize),
    /// No step.
    #[error("there is no step")]
    NoSteps,
    /// More than [`STEPS`].
    #[error("there are more than {STEPS} steps")]
    TooManySteps,
    /// This step does not begin after the one before it.
    #[error("step {0} does not begin after the one before it")]
    NotRising(usize),
    /// The end is before the last step begins.
    #[error("it ends before its last step begins")]
    EndsTooEarly,
    /// It can be read, but it is not the one text of this schedule.
    #[error("it is not written exactly as it has to be")]
    Spelling,
    /// More than [`SCHEDULE_BYTES`].
    #[error("it is too long")]
    TooLong,
}

/// One step as it comes to be: what a calendar repeats by the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Which step it is, from 0.
    pub step: usize,
    /// Its first day; one of `days`.
    pub first: Date,
    /// Its last day, one of `days`; none where it goes on.
    pub last: Option<Date>,
    /// Its days of the week.
    pub days: Weekdays,
}

impl Schedule {
    /// A schedule of these parts: `minutes` long, at `at` on the clock of `zone` (an IANA name; that there is such a zone
    /// is not looked up here), by `steps`, and where it ends, `until` as its last day.
    ///
    /// # Errors
    /// [`ScheduleFault`] of whatever is not in order.
    pub fn new(
        minutes: u8,
        at: Hour,
        zone: &str,
        steps: Vec<Step>,
        until: Option<Date>,
    ) -> Result<Self, ScheduleFault> {
        if !MINUTES.contains(&minutes) {
            return Err(ScheduleFault::Minutes);
        }
        if at.hour > 23 || at.minute > 59 {
            return Err(ScheduleFault::Hour);
        }
        if !is_zone(zone) {
            return Err(ScheduleFault::Zone);
        }
        if steps.len() > STEPS {
            return Err(ScheduleFault::TooManySteps);
        }
        let Some(last) = steps.last() else {
            return Err(ScheduleFault::NoSteps);
        };
        for (n, step) in (1..).zip(&steps) {
            if step.days.is_empty() {
                return Err(ScheduleFault::NoDays(n));
            }
            if step.from.year() < 0 {
                return Err(ScheduleFault::Date(n + 1));
            }
        }
        for (n, pair) in (2..).zip(steps.windows(2)) {
            if let [before, after] = pair
                && before.from >= after.from
            {
                return Err(ScheduleFault::NotRising(n));
            }
        }
        if until.is_some_and(|until| until < last.from) {
            return Err(ScheduleFault::EndsTooEarly);
        }
        Ok(Self {
            minutes,
            at,
            zone: zone.to_owned(),
            steps,
            until,
        })
    }

    /// The usual taper: from `start` on the first of `days`, and every [`TAPER_MONTHS`] months the next of them; the last
    /// goes on. [`Weekdays::TAPER`] has days for it: three a week, then two, then one.
    ///
    /// # Errors
    /// As [`Schedule::new`]; [`ScheduleFault::NotRising`] where the calendar ends before the taper does.
    pub fn taper(
        minutes: u8,
        at: Hour,
        zone: &str,
        start: Date,
        days: &[Weekdays],
    ) -> Result<Self, ScheduleFault> {
        if days.len() > STEPS {
            return Err(ScheduleFault::TooManySteps);
        }
        let steps = (0..)
            .zip(days)
            .map(|(n, days)| Step {
                // Each counted from the start, so that the 31st does not wander to the 28th for good.
                from: start.saturating_add((n * TAPER_MONTHS).months()),
                days: *days,
            })
            .collect();
        Self::new(minutes, at, zone, steps, None)
    }

    /// How long each time is, in minutes.
    pub fn minutes(&self) -> u8 {
        self.minutes
    }

    /// When on the day it begins, on the clock of [`Schedule::zone`].
    pub fn at(&self) -> Hour {
        self.at
    }

    /// The IANA name of the time zone; only its form was checked.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The steps, rising by date; at least one.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The last day on which it may be, if it ends.
    pub fn until(&self) -> Option<Date> {
        self.until
    }

    /// The first day of it that is `date` or later; none where it has ended, or where the calendar does (9999-12-31).
    pub fn next_on_or_after(&self, date: Date) -> Option<Date> {
        let mut day = date.max(self.steps.first()?.from);
        // Within a step a day is found in a week, and there are few steps: some dozens of turns at most.
        loop {
            if self.until.is_some_and(|until| day > until) {
                return None;
            }
            let step = self.steps.iter().rev().find(|step| step.from <= day)?;
            if step.days.contains(day.weekday()) {
                return Some(day);
            }
            day = day.tomorrow().ok()?;
        }
    }

    /// All of its days from `from` to `to`, both included, rising; nothing where `to` is before `from`. They are found
    /// one by one as they are asked for.
    pub fn occurrences(&self, from: Date, to: Date) -> impl Iterator<Item = Date> {
        let next = |day: Date| self.next_on_or_after(day);
        std::iter::successors(next(from), move |day| {
            day.tomorrow()
                .ok()
                .and_then(|day| self.next_on_or_after(day))
        })
        .take_while(move |day| *day <= to)
    }

    /// The steps as they come to be, without those in which no day falls.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.steps.iter().enumerate().filter_map(|(n, step)| {
            let end = match self.steps.get(n + 1) {
                Some(next) => next.from.yesterday().ok(),
                None => self.until,
            };
            let is_on = |day: &Date| step.days.contains(day.weekday());
            let first = days(step.from, Date::tomorrow).find(is_on)?;
            let last = match end {
                Some(end) => Some(days(end, Date::yesterday).find(is_on)?),
                None => None,
            };
            last.is_none_or(|last| first <= last).then_some(Run {
                step: n,
                first,
                last,
                days: step.days,
            })
        })
    }
}

/// A week of days, `from` first, as far as the calendar goes.
fn days(from: Date, next: fn(Date) -> Result<Date, jiff::Error>) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), move |day| next(*day).ok()).take(7)
}

/// Whether this has the form of an IANA name: parts of letters, digits and `_+-`, the first a letter, `/` between them
/// (the theory file of the tz database).
fn is_zone(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
    };
    name.len() <= ZONE_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.split('/').all(is_part)
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hour { hour, minute } = self.at;
        write!(
            f,
            "{} minutes at {hour:02}:{minute:02}, {}",
            self.minutes, self.zone
        )?;
        for step in &self.steps {
            write!(f, "\nfrom {}: {}", step.from, step.days)?;
        }
        if let Some(until) = self.until {
            write!(f, "\nuntil {until}")?;
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleFault;

    fn from_str(text: &str) -> Result<Self, ScheduleFault> {
        if text.len() > SCHEDULE_BYTES {
            return Err(ScheduleFault::TooLong);
        }
        let mut lines = text.split('\n');
        let (minutes, at, zone) = first_line(lines.next().unwrap_or_default())?;
        let mut steps = Vec::new();
        let mut until = None;
        for (n, line) in (2..).zip(lines) {
            if until.is_some() {
                return Err(ScheduleFault::Line(n));
            } else if let Some(end) = line.strip_prefix("until ") {
                until = Some(date(end, n)?);
            } else {
                steps.push(step(line, n)?);
            }
        }
        let schedule = Self::new(minutes, at, zone, steps, until)?;
        // One schedule has one text: whatever the readers above let pass (a sign, a space) is caught here.
        if schedule.to_string() == text {
            Ok(schedule)
        } else {
            Err(ScheduleFault::Spelling)
        }
    }
}

fn first_line(line: &str) -> Result<(u8, Hour, &str), ScheduleFault> {
    let (minutes, rest) = line
        .split_once(" minutes at ")
        .ok_or(ScheduleFault::FirstLine)?;
    let (at, zone) = rest.split_once(", ").ok_or(ScheduleFault::FirstLine)?;
    let minutes = number(minutes).ok_or(ScheduleFault::Minutes)?;
    let at = at
        .split_once(':')
        .and_then(|(hour, minute)| {
            Some(Hour {
                hour: number(hour)?,
                minute: number(minute)?,
            })
        })
        .ok_or(ScheduleFault::Hour)?;
    Ok((minutes, at, zone))
}

/// Two digits.
fn number(digits: &str) -> Option<u8> {
    let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| two)
}

fn step(line: &str, n: usize) -> Result<Step, ScheduleFault> {
    let (from, names) = line
        .strip_prefix("from ")
        .and_then(|rest| rest.split_once(": "))
        .ok_or(ScheduleFault::Line(n))?;
    let from = date(from, n)?;
    let mut days = Weekdays::NONE;
    let mut before: Option<Weekday> = None;
    for name in names.split(", ") {
        let day = weekdays::named(name).ok_or(ScheduleFault::Day(n))?;
        let rises = before
            .is_none_or(|before| before.to_monday_zero_offset() < day.to_monday_zero_offset());
        if !rises {
            return Err(ScheduleFault::DayOrder(n));
        }
        before = Some(day);
        days = days.with(day);
    }
    Ok(Step { from, days })
}

fn date(text: &str, n: usize) -> Result<Date, ScheduleFault> {
    // `Date` reads more than dates.
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    text.parse()
        .ok()
        .filter(|_| shape)
        .ok_or(ScheduleFault::Date(n))
}

#[cfg(test)]
mod tests;
