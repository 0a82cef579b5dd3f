//! The verbs of an apology, and an apology as scripts and pages see it.

use serde::{Deserialize, Serialize};

/// What an apology says; any of it may be empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ApologyWords {
    /// What I did.
    pub did: String,
    /// How it hurt you.
    pub hurt: String,
    /// What I own.
    pub own: String,
    /// What I will change.
    pub change: String,
    /// How I will repair.
    pub repair: String,
}

impl ApologyWords {
    /// The first of it that says something.
    pub(super) fn first(&self) -> &str {
        let all = [&self.did, &self.hurt, &self.own, &self.change, &self.repair];
        let first = all.into_iter().find(|words| !words.trim().is_empty());
        first.map_or("", String::as_str)
    }
}

/// An apology.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Apology {
    /// What was given, or what the draft says.
    #[serde(flatten)]
    pub words: ApologyWords,
    /// What its author added, in order.
    pub additions: Vec<String>,
    /// The answer that stands: `heard`, `not_yet`, `accepted`, `forgiven`, `declined`, or null.
    pub answer: Option<String>,
    /// What was said with it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer_words: String,
}

/// The verbs of an apology. `id` is any unique beginning of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Apology explains them"
)]
pub enum ApologyRequest {
    /// A new private draft; with an `id`, another version of that one.
    Write {
        id: Option<String>,
        words: ApologyWords,
    },
    /// Give a draft, once; with `shown`, only if it is still what was shown.
    Give {
        id: String,
        #[serde(default)]
        shown: Option<ApologyWords>,
    },
    /// Add to one that was given.
    Add { id: String, text: String },
    /// Answer one that was received.
    Answer {
        id: String,
        answer: String,
        words: String,
    },
    /// Take the answer back.
    Withdraw { id: String },
}
