//! Calendar files (RFC 5545): the times that two people sit down together, and days to keep, for the calendar program
//! that somebody already has.
//!
//! Such a file ends up in other people's clouds. So it says nothing of this program, its titles are neutral unless
//! others are asked for, and its ids are hashes that look like chance, though the same thing has the same id each time
//! it is written, so that reading a newer file moves what an older one brought.
//!
//! Each step of a schedule is one event that repeats by the week, at an hour on the clock of the schedule's zone; the
//! zone's rules stand in the file, so that it is at the same hour on both sides of a change to summer time.

use std::collections::BTreeMap;
use std::fmt;

use amends_journal::schedule::{Hour, Run, Schedule, Weekdays};
use icalendar::parser::{self, Component, Parameter, unfold};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

mod zone;

/// What stands for every time together where titles are neutral.
pub const NEUTRAL_TIME: &str = "time together";
/// What stands for every day where titles are neutral.
pub const NEUTRAL_DAY: &str = "a day to keep";
/// Names the program that wrote a calendar, as RFC 5545 asks; this names none.
const PRODUCT: &str = "-//time together//EN";

/// What goes into a calendar file.
#[derive(Debug, Clone)]
pub struct Calendar<'a> {
    /// Times that repeat.
    pub times: Vec<Times<'a>>,
    /// Whole days, each once.
    pub days: Vec<Day<'a>>,
    /// Whether titles are left out for [`NEUTRAL_TIME`] and [`NEUTRAL_DAY`].
    pub neutral: bool,
}

/// A schedule in a calendar.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    /// What is always the same of it and cannot be guessed: an entry's id. Only a hash of it is written.
    pub id: &'a [u8],
    /// When.
    pub schedule: &'a Schedule,
    /// What it is called where titles are not neutral.
    pub title: &'a str,
}

/// A whole day in a calendar.
#[derive(Debug, Clone, Copy)]
pub struct Day<'a> {
    /// As in [`Times`]; another for each day.
    pub id: &'a [u8],
    /// Which day.
    pub date: Date,
    /// What it is called where titles are not neutral.
    pub title: &'a str,
}

/// Why there is no calendar file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarFault {
    /// Nothing to put into it.
    #[error("there is nothing to put into a calendar")]
    Empty,
    /// No zone of this name is known here.
    #[error("the time zone {0} is not known here")]
    Zone(String),
    /// A date so far off that a calendar cannot hold what belongs to it.
    #[error("the date {0} is too far off")]
    Date(Date),
    /// Text could not be put together, which would be a fault here.
    #[error("the file could not be put together")]
    Format,
}

impl From<fmt::Error> for CalendarFault {
    fn from(_: fmt::Error) -> Self {
        Self::Format
    }
}

/// Writes a calendar as a file's text, lines ending as RFC 5545 has it; `made` is when.
///
/// # Errors
/// [`CalendarFault`].
pub fn write(calendar: &Calendar<'_>, made: Timestamp) -> Result<String, CalendarFault> {
    let mut zones: BTreeMap<&str, (TimeZone, Date)> = BTreeMap::new();
    let mut events = Vec::new();
    for times in &calendar.times {
        let name = times.schedule.zone();
        let zone = TimeZone::get(name).map_err(|_| CalendarFault::Zone(name.to_owned()))?;
        for run in times.schedule.runs() {
            events.push(repeating(calendar, times, &run, &zone, made)?);
            zones
                .entry(name)
                .and_modify(|(_, first)| *first = run.first.min(*first))
                .or_insert_with(|| (zone.clone(), run.first));
        }
    }
    for day in &calendar.days {
        events.push(whole_day(calendar, day, made)?);
    }
    if events.is_empty() {
        return Err(CalendarFault::Empty);
    }
    let mut components = Vec::new();
    for (name, (zone, first)) in zones {
        components.push(zone::describe(name, &zone, first).ok_or(CalendarFault::Date(first))?);
    }
    components.append(&mut events);
    let properties = vec![
        property("VERSION", "2.0"),
        property("PRODID", PRODUCT),
        property("CALSCALE", "GREGORIAN"),
    ];
    let whole = parser::Calendar {
        properties,
        components,
    };
    Ok(whole.to_string())
}

/// One step of a schedule.
fn repeating(
    calendar: &Calendar<'_>,
    times: &Times<'_>,
    run: &Run,
    zone: &TimeZone,
    made: Timestamp,
) -> Result<Component<'static>, CalendarFault> {
    let Hour { hour, minute } = times.schedule.at();
    // The schedule holds hours of a day only, so this is no other time.
    let on = |date: Date| date.at(hour as i8, minute as i8, 0, 0);
    let mut rule = format!("FREQ=WEEKLY;BYDAY={}", by_day(run.days));
    if let Some(last) = run.last {
        let until = end(on(last), zone).ok_or(CalendarFault::Date(last))?;
        rule.push_str(&format!(";UNTIL={}", utc(until)));
    }
    let mut start = property("DTSTART", &local(on(run.first)));
    start.params.push(parameter("TZID", times.schedule.zone()));
    let title = if calendar.neutral {
        NEUTRAL_TIME
    } else {
        times.title
    };
    Ok(component(
        "VEVENT",
        vec![
            property("UID", &uid(times.id, Some(run.step))),
            property("DTSTAMP", &utc(made)),
            start,
            // Not an end: it would be an hour too long or too short where the clock changes in between.
            property("DURATION", &format!("PT{}M", times.schedule.minutes())),
            property("RRULE", &rule),
            text("SUMMARY", title)?,
            property("CLASS", "PRIVATE"),
        ],
    ))
}

/// The last moment of what repeats up to `last` on the clock of `zone`.
///
/// RFC 5545 has it in UTC where the start names a zone (section 3.3.10); some readers take it for a time on the zone's
/// own clock. The later of both is right either way: the next day's time is later still.
fn end(last: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    // An hour that a change of the clock leaves out is taken by the clock before the change, as in section 3.3.5.
    let in_utc = zone.to_timestamp(last).ok()?;
    let by_the_clock = TimeZone::UTC.to_timestamp(last).ok()?;
    Some(in_utc.max(by_the_clock))
}

fn whole_day(
    calendar: &Calendar<'_>,
    day: &Day<'_>,
    made: Timestamp,
) -> Result<Component<'static>, CalendarFault> {
    if day.date.year() < 0 {
        return Err(CalendarFault::Date(day.date));
    }
    let mut start = property("DTSTART", &day.date.strftime("%Y%m%d").to_string());
    start.params.push(parameter("VALUE", "DATE"));
    let title = if calendar.neutral {
        NEUTRAL_DAY
    } else {
        day.title
    };
    Ok(component(
        "VEVENT",
        vec![
            property("UID", &uid(day.id, None)),
            property("DTSTAMP", &utc(made)),
            // Without an end it is that one day (section 3.6.1).
            start,
            text("SUMMARY", title)?,
            property("CLASS", "PRIVATE"),
            // Nobody is busy the whole day because of it.
            property("TRANSP", "TRANSPARENT"),
        ],
    ))
}

/// What looks like chance and is always the same for the same thing: half of SHA-256 of a label, which step it is
/// (0 for a day), and the id. The step's number, not its date, so that a moved step is moved where it was read before.
fn uid(id: &[u8], step: Option<usize>) -> String {
    let number = step.map_or(0, |step| step as u64 + 1);
    let hash = Sha256::new()
        .chain_update(b"amends/calendar/v1")
        .chain_update(number.to_be_bytes())
        .chain_update(id)
        .finalize();
    let (half, _) = hash.split_at(hash.len() / 2);
    data_encoding::HEXLOWER.encode(half)
}

fn by_day(days: Weekdays) -> String {
    days.iter().map(day_name).collect::<Vec<_>>().join(",")
}

/// As section 3.3.10 names the days.
fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}

/// Section 3.3.5, form 2.
fn utc(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Section 3.3.5, forms 1 and 3.
fn local(time: DateTime) -> String {
    time.strftime("%Y%m%dT%H%M%S").to_string()
}

fn component(name: &'static str, properties: Vec<parser::Property<'static>>) -> Component<'static> {
    Component {
        name: name.into(),
        properties,
        components: Vec::new(),
    }
}

/// A property whose value is no free text.
fn property(name: &'static str, value: &str) -> parser::Property<'static> {
    parser::Property {
        name: name.into(),
        val: value.to_owned().into(),
        params: Vec::new(),
    }
}

fn parameter(name: &'static str, value: &str) -> Parameter<'static> {
    Parameter {
        key: name.into(),
        val: Some(value.to_owned().into()),
    }
}

/// A property of free text, on one line.
fn text(name: &'static str, value: &str) -> Result<parser::Property<'static>, CalendarFault> {
    let plain: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    // The crate escapes in the line that it writes; its parts can only be had from there.
    let line: String = icalendar::Property::new(name, plain).try_into()?;
    let line = unfold(&line);
    let value = line
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':'))
        .ok_or(CalendarFault::Format)?;
    Ok(property(name, value.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests;
