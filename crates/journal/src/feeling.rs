//! Feelings: what it is like for one person. They are private; a copy is shared by an explicit command alone.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 feel | words, because, intensity (nothing, or 1 to 5), tags in turn |
//! | 17 shared | the id of the entry in the journal of two that holds a copy; in a private store only |
//!
//! In a private store a feeling may be said anew as often as its author likes. A copy in the journal of two is said once,
//! so that what the partner was shown stays what it was.

use serde::{Deserialize, Serialize};

use crate::agreement::{Field, RuleError, plain};
use crate::entry::{self, Entry};
use crate::ids::EntryId;
use crate::kind::EntryKind;
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, STATEMENT_BYTES, Statement, Writer};

const FEEL: u8 = 16;
const SHARED: u8 = 17;

/// Tags that one feeling may have.
pub const TAGS: usize = 32;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 100;

/// What can be said of a feeling.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// The feeling, whole; said again, the later one stands.
    Feel(Feel),
    /// A copy of it stands in this entry of the journal of two.
    Shared(EntryId),
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
    /// The entries of the journal that hold a copy, by their full ids, in the order in which they were shared.
    pub shared: Vec<[u8; 16]>,
}

impl std::fmt::Debug for Feel {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feel")
    }
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
            Say::Shared(entry) => (SHARED, vec![entry.0.to_vec()]),
        }
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        match (statement.verb, statement.items.as_slice()) {
            (FEEL, [said, because, intensity, tags @ ..]) => {
                let intensity = match intensity.as_slice() {
                    [] => None,
                    [strong @ 1..=5] => Some(*strong),
                    _ => return Err(RuleFault::Malformed),
                };
                if tags.len() > TAGS {
                    return Err(RuleFault::TooLong);
                }
                let feel = Feel {
                    words: words(said, STATEMENT_BYTES)?.to_owned(),
                    because: words(because, STATEMENT_BYTES)?.to_owned(),
                    intensity,
                    tags: tags
                        .iter()
                        .map(|tag| words(tag, TAG_BYTES).map(str::to_owned))
                        .collect::<Result<_, _>>()?,
                };
                if feel.is_empty() {
                    return Err(RuleFault::Empty);
                }
                Ok(Say::Feel(feel))
            }
            (SHARED, [entry]) => Ok(Say::Shared(EntryId(exact(entry)?))),
            (FEEL | SHARED, _) => Err(RuleFault::Malformed),
            (verb, _) => Err(RuleFault::Verb(verb)),
        }
    }

    pub(crate) fn allowed(&self, _: &Entry<'_>) -> Result<(), RuleError> {
        let Say::Feel(feel) = self else {
            return Ok(());
        };
        if feel.is_empty() {
            return Err(RuleFault::Empty.into());
        }
        if feel.tags.len() > TAGS || feel.tags.iter().any(|tag| tag.len() > TAG_BYTES) {
            return Err(RuleFault::TooLong.into());
        }
        plain(Field::Text, &feel.words)?;
        plain(Field::Text, &feel.because)?;
        // A tag stands in one line beside others, as a title does.
        feel.tags
            .iter()
            .try_for_each(|tag| plain(Field::Title, tag))
    }
}

impl Feel {
    /// Whether there is nothing in it that anybody could read.
    fn is_empty(&self) -> bool {
        self.words.trim().is_empty() && self.because.trim().is_empty()
    }
}

pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return match begun(&[statement]) {
            Some(begin) if begin.role != 0 => Err(RuleFault::Role(begin.role)),
            _ => Ok(()),
        };
    }
    let say = Say::read(statement)?;
    let begin = begun(past).ok_or(RuleFault::OnlyBeginner)?;
    if writer.alone {
        return Ok(());
    }
    match say {
        Say::Shared(_) => Err(RuleFault::Private),
        // The device that began it, whose statements follow each other: so that once is once.
        Say::Feel(_) if !begin.is_of(writer, EntryKind::Feeling) => Err(RuleFault::OnlyBeginner),
        Say::Feel(_) if past.iter().any(|said| said.verb == FEEL) => Err(RuleFault::Once),
        Say::Feel(_) => Ok(()),
    }
}

impl Entry<'_> {
    /// The feeling that this entry is.
    #[must_use]
    pub fn feeling(&self) -> View {
        let author = self.begun().map(|told| told.person);
        let mut view = View::default();
        for told in self.told(|statement| Say::read(statement).ok()) {
            if Some(told.person) != author {
                continue;
            }
            match told.say {
                Say::Feel(feel) => view.feel = feel,
                Say::Shared(entry) => view.shared.push(entry.0),
            }
        }
        view
    }
}
