//! A time zone's rules, as a calendar file holds them (RFC 5545, section 3.6.5).

use std::collections::BTreeMap;

use icalendar::parser::Component;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::{component, day_name, local, property};

/// How many years of changes are looked at. Where they follow one rule to the end, the rule is written and holds for
/// good; where they do not, each change. (One property for many of them, RDATE, is shorter, but not read by all.)
const YEARS: i32 = 30;
/// More changes than any zone has in that time.
const CHANGES: usize = 500;

/// What a zone changes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Observance {
    from: Offset,
    to: Offset,
    summer: bool,
    name: String,
}

/// The zone, as far as something that begins on `first` needs it. `None` where that is at the end of all calendars.
pub(super) fn describe(name: &str, zone: &TimeZone, first: Date) -> Option<Component<'static>> {
    let begin = zone.to_timestamp(first.at(0, 0, 0, 0)).ok()?;
    // A year before, so that the change that holds at the beginning is among those found.
    let from = begin.checked_sub((366 * 24).hours()).ok()?;
    let last_year = first.year().checked_add(YEARS as i16)?;
    let mut found: BTreeMap<Observance, Vec<DateTime>> = BTreeMap::new();
    let mut earliest: Option<Timestamp> = None;
    for change in zone.following(from).take(CHANGES) {
        let time = change.timestamp();
        let Ok(before) = time.checked_sub(1.second()) else {
            continue;
        };
        let observance = Observance {
            from: zone.to_offset(before),
            to: change.offset(),
            summer: change.dst().is_dst(),
            name: change.abbreviation().to_owned(),
        };
        // It begins on the clock that it ends.
        let at = observance.from.to_datetime(time);
        if at.year() > last_year {
            break;
        }
        // A change of name alone is none of the clock.
        if observance.from != observance.to {
            earliest.get_or_insert(time);
            found.entry(observance).or_default().push(at);
        }
    }
    let mut parts = Vec::new();
    if earliest.is_none_or(|earliest| earliest > begin) {
        let info = zone.to_offset_info(from);
        let always = Observance {
            from: info.offset(),
            to: info.offset(),
            summer: info.dst().is_dst(),
            name: info.abbreviation().to_owned(),
        };
        let since = jiff::civil::date(1970, 1, 1)
            .at(0, 0, 0, 0)
            .min(first.at(0, 0, 0, 0));
        parts.push(observed(&always, since, None));
    }
    for (observance, changes) in &found {
        match rule(changes, last_year) {
            Some((first, rule)) => parts.push(observed(observance, first, Some(&rule))),
            None => parts.extend(changes.iter().map(|at| observed(observance, *at, None))),
        }
    }
    let mut whole = component("VTIMEZONE", vec![property("TZID", name)]);
    whole.components = parts;
    Some(whole)
}

fn observed(what: &Observance, since: DateTime, rule: Option<&str>) -> Component<'static> {
    let mut properties = vec![
        property("DTSTART", &local(since)),
        property("TZOFFSETFROM", &offset(what.from)),
        property("TZOFFSETTO", &offset(what.to)),
        property("TZNAME", &what.name),
    ];
    properties.extend(rule.map(|rule| property("RRULE", rule)));
    let name = if what.summer { "DAYLIGHT" } else { "STANDARD" };
    component(name, properties)
}

/// The one rule that these changes follow, from the first of them to the last year that was looked at: on the same
/// weekday of the month, by its number or as the last, at the same hour.
fn rule(changes: &[DateTime], last_year: i16) -> Option<(DateTime, String)> {
    let first = changes.first()?;
    let nth = |at: &DateTime| (at.day() - 1) / 7 + 1;
    let is_last = |at: &DateTime| at.day() + 7 > at.days_in_month();
    let same = (0..).zip(changes).all(|(n, at)| {
        at.year() == first.year() + n
            && at.month() == first.month()
            && at.weekday() == first.weekday()
            && at.time() == first.time()
    });
    let to_the_end = changes.len() > 2 && changes.last()?.year() == last_year;
    let which = if changes.iter().all(is_last) {
        -1
    } else if changes.iter().all(|at| nth(at) == nth(first)) {
        nth(first)
    } else {
        return None;
    };
    (same && to_the_end).then(|| {
        let day = day_name(first.weekday());
        let month = first.month();
        (
            *first,
            format!("FREQ=YEARLY;BYMONTH={month};BYDAY={which}{day}"),
        )
    })
}

/// Section 3.3.14: hours and minutes, and seconds where there are any.
fn offset(offset: Offset) -> String {
    let sign = if offset.is_negative() { '-' } else { '+' };
    let seconds = offset.seconds().unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{rest:02}")
    }
}
