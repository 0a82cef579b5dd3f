//! Packets: what a counselor may read, as it is asked for and as scripts and pages see it.

use serde::{Deserialize, Serialize};

use super::Entry;

/// The verbs of a packet that are not those of every agreement. `id`s are any unique beginning of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Packet explains them"
)]
pub enum PacketRequest {
    /// A new list of these entries as they stand now; it is also its author's agreement to that list.
    New {
        entries: Vec<String>,
        title: String,
        language: String,
    },
    /// Put entries on the list as they stand now; one that is on it already is taken anew.
    Add { id: String, entries: Vec<String> },
    /// Take entries off the list.
    Remove { id: String, entries: Vec<String> },
    /// Exactly what the counselor would read.
    Preview { id: String },
    /// Agree to the list as it stands, if what it names is still what it was; with `expect_hash`, only if it is the one
    /// that was shown.
    Agree {
        id: String,
        #[serde(default)]
        expect_hash: Option<String>,
    },
    /// What goes into the sealed file, where both agree to the list as it stands.
    Hand { id: String },
}

/// What a counselor would read of a packet.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Packet {
    /// The packet itself.
    pub entry: Entry,
    /// Whether its text is a list. One that is not can be neither agreed to nor exported.
    pub readable: bool,
    /// What is on the list.
    pub items: Vec<PacketItem>,
    /// All of what would be read, as plain text.
    pub page: String,
}

/// An entry on the list of a packet.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct PacketItem {
    /// Its id; all of it where it is not here.
    pub id: String,
    /// Its kind, as the list says.
    pub kind: String,
    /// Its title, or the beginning of its words; empty where it is not here.
    pub title: String,
    /// How it stands to the list.
    pub standing: PacketStanding,
}

/// How an entry stands to the list that names it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PacketStanding {
    /// It is what it was when it was put there.
    AsListed,
    /// Something was written or said in it since.
    Changed,
    /// There is no such entry of the journal here.
    NotHere,
}

/// What goes into the sealed file of a packet.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct PacketPages {
    /// One page that stands alone.
    pub html: String,
    /// The same as Markdown.
    pub markdown: String,
    /// Entries in it.
    pub entries: u64,
}
