//! What an export came to.

use serde::{Deserialize, Serialize};

/// An export that was written (`export`).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Exported {
    /// The folder.
    pub folder: String,
    /// Entries of the journal in it.
    pub entries: u64,
    /// Entries of the private store in it.
    pub private: u64,
    /// Files in it.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Records that came and could not be taken into the journal: they are not in it.
    pub set_aside: u64,
    /// The whole ids of entries that could not be read: they are not in it.
    pub unreadable: Vec<String>,
}
