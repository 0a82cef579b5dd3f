//! Private drafts: words that are being written, or that wait for something, in a journal of one. Nothing of them stands in
//! the journal that two people share: the wall refuses a draft there.
//!
//! A draft is an entry of the kind that it is to become, with its answers by name. The last version counts; it is done when its
//! words were given, or thrown away.

use serde::{Deserialize, Serialize};

use crate::agreement::RuleError;
use crate::entry::{self, Entry};
use crate::ids::EntryId;
use crate::rule::{Past, RuleFault, begun, words};
use crate::said::{STATEMENT_BYTES, Statement, Writer};

/// A version of the draft: what it waits for, then names and answers in turn.
pub(crate) const WRITE: u8 = 2;
/// The draft is done: the entry that it became, or nothing where it was thrown away.
pub(crate) const DONE: u8 = 3;

/// Answers in one draft.
const ANSWERS: usize = 64;
const NAME_BYTES: usize = 64;

/// What a draft waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum WaitsFor {
    /// Its author, who is still writing.
    Author = 0,
    /// The end of the space that the partner asked for; then it goes out by itself.
    Space = 1,
    /// What the partner has committed to, in a talk told together; then it is revealed by itself.
    Together = 2,
}

/// What can be said of a draft.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// Another version of it, whole.
    Write {
        /// What it waits for.
        waits_for: WaitsFor,
        /// Names and words.
        answers: Vec<(String, String)>,
    },
    /// It became this entry of the journal; or it was thrown away.
    Done(Option<EntryId>),
}

/// A draft as it stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Names and words.
    pub answers: Vec<(String, String)>,
    /// Whether it was given or thrown away.
    pub done: bool,
    /// The entry that it became, by its full id.
    pub became: Option<[u8; 16]>,
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("waits_for", &self.waits_for)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

impl View {
    /// The words under a name.
    #[must_use]
    pub fn answer(&self, name: &str) -> Option<&str> {
        self.answers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, words)| words.as_str())
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Draft(say)
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Write { waits_for, answers } => {
                let mut items = vec![vec![*waits_for as u8]];
                for (name, words) in answers {
                    items.push(name.as_bytes().to_vec());
                    items.push(words.as_bytes().to_vec());
                }
                (WRITE, items)
            }
            Say::Done(became) => (
                DONE,
                vec![became.map(|id| id.0.to_vec()).unwrap_or_default()],
            ),
        }
    }

    fn read(statement: &Statement) -> Option<Say> {
        match (statement.verb, statement.items.as_slice()) {
            (WRITE, [waits_for, answers @ ..]) => {
                let waits_for = match waits_for.as_slice() {
                    [0] => WaitsFor::Author,
                    [1] => WaitsFor::Space,
                    [2] => WaitsFor::Together,
                    _ => return None,
                };
                let (pairs, rest) = answers.as_chunks::<2>();
                if !rest.is_empty() || pairs.len() > ANSWERS {
                    return None;
                }
                let mut read = Vec::new();
                for [name, answer] in pairs {
                    let name = words(name, NAME_BYTES).ok()?;
                    let answer = words(answer, STATEMENT_BYTES).ok()?;
                    read.push((name.to_owned(), answer.to_owned()));
                }
                Some(Say::Write {
                    waits_for,
                    answers: read,
                })
            }
            (DONE, [became]) => Some(Say::Done(match became.as_slice() {
                [] => None,
                id => Some(EntryId(id.try_into().ok()?)),
            })),
            _ => None,
        }
    }

    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        match entry.draft() {
            Some(draft) if draft.done => Err(RuleError::Fault(RuleFault::Once)),
            _ => Ok(()),
        }
    }
}

/// Whether a verb is a draft's, in whatever kind.
pub(crate) fn is_drafts(verb: u8) -> bool {
    matches!(verb, WRITE | DONE)
}

pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if !writer.alone {
        return Err(RuleFault::Private);
    }
    Say::read(statement).ok_or(RuleFault::Malformed)?;
    begun(past).map(|_| ()).ok_or(RuleFault::OnlyBeginner)
}

impl Entry<'_> {
    /// The draft that this entry is, if it is one.
    #[must_use]
    pub fn draft(&self) -> Option<View> {
        let said = self.told(Say::read);
        let mut view = None;
        let mut done = None;
        for told in said {
            match told.say {
                Say::Write { waits_for, answers } => {
                    view = Some(View {
                        waits_for,
                        answers,
                        done: false,
                        became: None,
                    });
                }
                Say::Done(became) => done = Some(became.map(|id| id.0)),
            }
        }
        view.map(|view| View {
            done: done.is_some(),
            became: done.flatten(),
            ..view
        })
    }
}
