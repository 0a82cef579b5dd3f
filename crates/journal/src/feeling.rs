//! Feelings: what it is like for one person. They are private; a copy is shared by an explicit command alone.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 feel | words, because, intensity (nothing, or 1 to 5), tags in turn |

use serde::{Deserialize, Serialize};

use crate::agreement::RuleError;
use crate::entry::{self, Entry};
use crate::rule::{Past, RuleFault, begun, words};
use crate::said::{BEGIN, STATEMENT_BYTES, Statement, Writer};

const FEEL: u8 = 16;

/// Tags that one feeling may have.
pub const TAGS: usize = 32;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 100;

/// What can be said of a feeling.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// The feeling, whole; said again, the later one stands.
    Feel(Feel),
}

/// One version of a feeling.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feel {
    /// In words.
    pub words: String,
    /// Because of what; may be empty.
    pub because: String,
    /// How strong, 1 to 5, where its author says.
    pub intensity: Option<u8>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// A feeling as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The latest version.
    pub feel: Feel,
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feeling")
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Feeling(say)
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Feel(feel) => {
                let mut items = vec![
                    feel.words.as_bytes().to_vec(),
                    feel.because.as_bytes().to_vec(),
                    feel.intensity.map(|i| vec![i]).unwrap_or_default(),
                ];
                items.extend(feel.tags.iter().map(|tag| tag.as_bytes().to_vec()));
                (FEEL, items)
            }
        }
    }

    fn read(statement: &Statement) -> Option<Say> {
        let (FEEL, [said, because, intensity, tags @ ..]) =
            (statement.verb, statement.items.as_slice())
        else {
            return None;
        };
        let intensity = match intensity.as_slice() {
            [] => None,
            [strong @ 1..=5] => Some(*strong),
            _ => return None,
        };
        if tags.len() > TAGS {
            return None;
        }
        Some(Say::Feel(Feel {
            words: words(said, STATEMENT_BYTES).ok()?.to_owned(),
            because: words(because, STATEMENT_BYTES).ok()?.to_owned(),
            intensity,
            tags: tags
                .iter()
                .map(|tag| words(tag, TAG_BYTES).map(str::to_owned))
                .collect::<Result<_, _>>()
                .ok()?,
        }))
    }

    pub(crate) fn allowed(&self, _: &Entry<'_>) -> Result<(), RuleError> {
        let Say::Feel(feel) = self;
        if feel.words.trim().is_empty() && feel.because.trim().is_empty() {
            return Err(RuleError::Fault(RuleFault::Empty));
        }
        Ok(())
    }
}

pub(crate) fn rule(_: &Writer, past: Past<'_>, statement: &Statement) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return Ok(());
    }
    Say::read(statement).ok_or(RuleFault::Malformed)?;
    begun(past).map(|_| ()).ok_or(RuleFault::OnlyBeginner)
}

impl Entry<'_> {
    /// The feeling that this entry is.
    #[must_use]
    pub fn feeling(&self) -> View {
        self.told(Say::read)
            .pop()
            .map(|told| {
                let Say::Feel(feel) = told.say;
                View { feel }
            })
            .unwrap_or_default()
    }
}
