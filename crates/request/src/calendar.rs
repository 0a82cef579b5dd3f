//! What a calendar file is made of.

use serde::{Deserialize, Serialize};

/// Everything that has a time or a day.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Dates {
    /// The schedule in force.
    pub times: Option<DatedTimes>,
    /// Whole days, each once.
    pub days: Vec<DatedDay>,
}

/// A schedule.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct DatedTimes {
    /// The entry's whole id.
    pub id: [u8; 16],
    /// Its one text.
    pub schedule: String,
}

/// A day.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct DatedDay {
    /// The entry's whole id.
    pub id: [u8; 16],
    /// Which day.
    pub date: String,
    /// What it is called, where titles are wanted.
    pub title: String,
}
