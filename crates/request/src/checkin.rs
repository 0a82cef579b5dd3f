//! Check-ins: what is asked for, and what scripts see of them.

use serde::{Deserialize, Serialize};

use super::entry::Agreement;

/// The verbs of a check-in that are none of an agreement's (DESIGN section 6). A schedule is proposed and answered like any
/// words that both agree to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum CheckinRequest {
    /// What a session begins with, now.
    Agenda,
    /// A session was held.
    Held {
        /// When it began.
        started: String,
        /// How long it was, in minutes.
        minutes: u8,
        /// Ids of what was on its agenda, in their order.
        agenda: Vec<String>,
        /// Those of them that it did not reach.
        left: Vec<String>,
        /// One line, which whoever asks confirms by this; it may be written later.
        outcome: Option<String>,
        /// The language of both.
        language: String,
    },
    /// Write the outcome of a session, or another one; whoever writes it confirms it.
    Outcome {
        /// Any unique beginning of its id.
        id: String,
        /// One line.
        outcome: String,
    },
}

/// A check-in: a schedule, or a session that was held.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Checkin {
    /// `schedule` or `session`.
    pub role: String,
    /// What is agreed: the schedule's text, or the outcome of the session, empty as long as there is none.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// What the current text says, where it is a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// When it is next by what is in force: a time, or a date where its time zone is not known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What was held, where it is a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// A schedule.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Schedule {
    /// How long each time is.
    pub minutes: u8,
    /// `19:30`, on the clock of `zone`.
    pub at: String,
    /// The time zone's name.
    pub zone: String,
    /// Rising by date.
    pub steps: Vec<ScheduleStep>,
    /// The last day on which it may be.
    pub until: Option<String>,
}

/// From a date on, these days of the week.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct ScheduleStep {
    /// The first day on which it holds.
    pub from: String,
    /// `monday` to `sunday`.
    pub days: Vec<String>,
}

/// A session that was held.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Session {
    /// When it began.
    pub started: String,
    /// How long it was.
    pub minutes: u8,
    /// What was on its agenda.
    pub agenda: Vec<Point>,
    /// The ids of those that it did not reach.
    pub left: Vec<String>,
}

/// One thing on an agenda.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Point {
    /// The entry's id.
    pub id: String,
    /// Its kind; empty where the entry is not here.
    pub kind: String,
    /// Its title, or the beginning of its words; may be empty.
    pub title: String,
}

/// What a session begins with.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Agenda {
    /// This person's name.
    pub name: String,
    /// The other's.
    pub partner: String,
    /// How long it is by the schedule in force; 20 where there is none.
    pub minutes: u8,
    /// What the last one left, then talks that are open, then what is to be looked at again.
    pub agenda: Vec<Point>,
}
