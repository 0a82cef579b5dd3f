//! The verbs of a feeling, and a feeling as scripts and pages see it.

use serde::{Deserialize, Serialize};

/// A feeling.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Feeling {
    /// In words.
    pub words: String,
    /// Because of what; may be empty.
    pub because: String,
    /// How strong, 1 to 5.
    pub intensity: Option<u8>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The entries of the journal that hold a copy of it, as far as this device knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_as: Vec<String>,
}

impl Feeling {
    /// What an account in a talk says of it: its words and what they come from. How strong it is stays.
    #[must_use]
    pub fn as_account(&self) -> String {
        let said = [&self.words, &self.because];
        let said: Vec<&str> = said
            .into_iter()
            .map(|words| words.trim())
            .filter(|words| !words.is_empty())
            .collect();
        said.join("\n\n")
    }
}

/// The verbs of a feeling. `id` is any unique beginning of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Feeling explains them"
)]
pub enum FeelRequest {
    /// A draft of one that is not finished, in the private store; with an `id`, another version of that one.
    Keep {
        id: Option<String>,
        feeling: Feeling,
    },
    /// A new one, in the private store.
    Write { feeling: Feeling },
    /// Say a private one anew; what is absent stays. A draft becomes a feeling.
    Edit { id: String, change: FeelingChange },
    /// Put a copy of a private one into the journal, by itself or as this person's account in a talk; with `shown`, only if
    /// it is still what was shown.
    Share {
        id: String,
        #[serde(default)]
        as_account: Option<String>,
        #[serde(default)]
        shown: Option<Feeling>,
    },
}

/// What becomes of a feeling; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct FeelingChange {
    /// Other words.
    pub words: Option<String>,
    /// Because of something else; empty for nothing.
    pub because: Option<String>,
    /// Another strength; 0 for none.
    pub intensity: Option<u8>,
    /// Other tags, all of them.
    pub tags: Option<Vec<String>>,
}
