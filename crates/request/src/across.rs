//! What is asked across all entries, and of all versions of one.

use serde::{Deserialize, Serialize};

use super::{ActLine, Entry};

/// One week of the timeline.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Week {
    /// The week's Monday.
    pub from: String,
    /// What was first held on this device in it, in that order. A quiet week has nothing.
    pub entries: Vec<Entry>,
    /// How many it has in all, where only a part was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// Something whose day has come.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Due {
    /// The entry's id.
    pub id: String,
    /// The entry's kind.
    pub kind: String,
    /// The entry's title, or the beginning of its text.
    pub title: String,
    /// What is due: `review`, or what its kind names.
    pub why: String,
    /// The day.
    pub on: String,
}

/// An entry in which all words were found.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Found {
    /// The entry's id.
    pub id: String,
    /// The entry's kind.
    pub kind: String,
    /// The entry's title, or the beginning of its text.
    pub title: String,
    /// Where it stands, in the words of its kind.
    pub state: String,
    /// true where it stands in the private store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// In which of its fields.
    pub field: String,
    /// The words around the first place.
    pub snippet: String,
    /// The places in the snippet, from and to, in bytes.
    pub hits: Vec<(u64, u64)>,
}

/// All versions of an entry, and what was said of them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct History {
    /// The entry's id.
    pub id: String,
    /// The entry's kind.
    pub kind: String,
    /// Every version of its shared words, the earliest first.
    pub versions: Vec<VersionLine>,
    /// Acts in order.
    pub acts: Vec<ActLine>,
}

/// One version of an entry's shared words.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct VersionLine {
    /// Its number, from 1.
    pub version: u64,
    /// The name of whoever wrote it; nobody's where it came of what both wrote at once.
    pub by: Option<String>,
    /// When their device says so.
    pub at: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// When to look at it again.
    pub review_on: Option<String>,
    /// The names of those who ever agreed to exactly these words.
    pub agreed_by: Vec<String>,
    /// Whether it is in force.
    pub in_force: bool,
    /// Whether it is the text as it stands now.
    pub current: bool,
    /// Hex of its hash.
    pub hash: String,
}
