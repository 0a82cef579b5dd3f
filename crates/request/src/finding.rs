//! What `doctor` found.

use serde::{Deserialize, Serialize};

/// One thing that was looked at, and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: `home`, `disk`, `vault`, `clock`, `holder`, `journal`, `private`, `keys`, `set_aside`, `lost`, `pair`,
    /// `interfaces`, `vpn`, `multicast`, `partner`; what `--repair` did: `repair_journal`, `repair_private`.
    pub check: String,
    /// How it is.
    pub state: State,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do next, where there is anything to do.
    pub hint: Option<String>,
    /// The name of what is wrong, for scripts; none where nothing is.
    pub code: Option<String>,
}

/// How something is that was looked at. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Unknown,
    /// It keeps nothing from working today.
    Warning,
    /// It keeps something from working.
    Failed,
}
