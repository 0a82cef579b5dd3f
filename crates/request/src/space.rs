//! Space: what is asked for, and what scripts see of it.

use serde::{Deserialize, Serialize};

/// The verbs of a space (DESIGN section 6).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum SpaceRequest {
    /// Ask for space until then.
    Ask {
        /// When it ends by itself.
        until: String,
        /// A kind word; may be empty.
        words: String,
    },
    /// End the space that this person asked for.
    Over {
        /// Any unique beginning of its id; the one that runs where absent.
        id: Option<String>,
    },
}

/// A space.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Space {
    /// A kind word; may be empty.
    pub words: String,
    /// When it was asked to end; null where that was set aside.
    pub until: Option<String>,
    /// When it ends on this device, or ended by itself: at `until`, and at the latest 72 hours after it came.
    pub ends: Option<String>,
    /// When who asked for it ended it.
    pub over: Option<String>,
}

/// A space that lasts now, in `status`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct SpaceNow {
    /// The entry's id.
    pub id: String,
    /// The name of whoever asked for it.
    pub by: String,
    /// Whether that is this person.
    pub mine: bool,
    /// When it ends on this device by itself.
    pub until: String,
    /// A kind word; may be empty.
    pub words: String,
}

/// Something of mine that waits for the end of the partner's space, in `status`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Held {
    /// The private draft's id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its title, or the beginning of its text.
    pub title: String,
    /// When it goes out by itself; null where that is now.
    pub until: Option<String>,
}
