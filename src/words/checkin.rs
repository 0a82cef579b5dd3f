//! Check-ins, in words for people.

use super::{count, when};
use crate::request::{Checkin, Entry, Own, Point};
use crate::terminal::{line, lines};

/// Where a session stands, in a few words. None for a schedule, which stands where any agreement does.
pub(super) fn state(entry: &Entry) -> Option<String> {
    let Own::Checkin(checkin) = &entry.own else {
        return None;
    };
    if checkin.role != "session" {
        return None;
    }
    Some(
        match (entry.state.as_str(), checkin.agreement.agreed_by.as_slice()) {
            ("held", _) => "held, no outcome yet".to_owned(),
            ("agreed", _) => "held, outcome confirmed by both".to_owned(),
            (_, [one]) => format!("held, outcome confirmed by {}", line(one)),
            (_, _) => "held, outcome not confirmed".to_owned(),
        },
    )
}

/// What there is to say of a check-in before its words.
pub(super) fn about(checkin: &Checkin) -> Vec<String> {
    let mut said = Vec::new();
    let Some(session) = &checkin.session else {
        if checkin.role == "schedule" && checkin.schedule.is_none() {
            said.push("These words are no schedule, so nothing is planned by them:".to_owned());
        }
        return said;
    };
    said.push(format!(
        "Held on {}, for {}.",
        when(&session.started),
        count(u64::from(session.minutes), "minute", "minutes")
    ));
    said.extend(points(&session.agenda, &session.left));
    said.push(String::new());
    if checkin.agreement.text.trim().is_empty() {
        said.push("Its outcome, one line, can be written whenever you like: amends checkin outcome ID TEXT".to_owned());
    } else {
        said.push("Outcome:".to_owned());
    }
    said
}

/// When it is next.
pub(super) fn next(checkin: &Checkin) -> Option<String> {
    let next = checkin.next.as_deref()?;
    Some(format!("Next: {}.", day(next)))
}

/// When it is next, in `status`.
pub(super) fn next_checkin(next: &str) -> String {
    format!("Your next time together: {}.", day(next))
}

/// A time, or a day.
fn day(next: &str) -> String {
    match next.parse::<jiff::Timestamp>() {
        Ok(time) => time
            .to_zoned(jiff::tz::TimeZone::system())
            .strftime("%A, %-d %b %Y, %H:%M")
            .to_string(),
        Err(_) => line(next),
    }
}

/// What is on an agenda, a line each; what was left is marked.
pub fn points(agenda: &[Point], left: &[String]) -> Vec<String> {
    if agenda.is_empty() {
        return vec!["Nothing is on the agenda.".to_owned()];
    }
    agenda
        .iter()
        .map(|point| {
            let moves_on = if left.contains(&point.id) {
                ", moves on"
            } else {
                ""
            };
            format!("  {}{moves_on}", self::point(point))
        })
        .collect()
}

/// One thing on an agenda.
pub fn point(point: &Point) -> String {
    let id = line(&point.id);
    match (point.kind.as_str(), point.title.as_str()) {
        ("", _) => id,
        (kind, "") => format!("{id}  {}", line(kind)),
        (kind, title) => format!("{id}  {} “{}”", line(kind), line(title)),
    }
}

/// A session was written down.
pub fn held(entry: &Entry) -> String {
    let id = line(&entry.id);
    let Own::Checkin(checkin) = &entry.own else {
        return id;
    };
    let mut said = Vec::new();
    if let Some(session) = &checkin.session {
        said.push(format!(
            "Kept {id}, {} together.",
            count(u64::from(session.minutes), "minute", "minutes")
        ));
        match session.left.len() {
            0 => {}
            n => said.push(format!(
                "{} on to the next one.",
                count(n as u64, "thing moves", "things move")
            )),
        }
    }
    said.push(if entry.state == "held" {
        format!("Its outcome can be written whenever you like: amends checkin outcome {id} TEXT")
    } else {
        format!(
            "Outcome: {}\nYour partner confirms it on their own device, now or later: amends checkin agree {id}",
            lines(&checkin.agreement.text)
        )
    });
    said.join("\n")
}
