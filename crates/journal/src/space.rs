//! Space: time apart that one of the two asks for. Nobody agrees to it, and nobody can make it longer than it was asked for.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 ask | until (8 bytes, milliseconds since 1970 UTC), a kind word or nothing |
//! | 17 over | |
//!
//! Both stand in the own part of whoever began it. It is asked for once: another `ask` that follows it there is refused, so that a
//! running space is never made longer. Where two devices of one person ask in one entry at once, the earlier end counts.
//!
//! `until` lies at most [`LONGEST`] after the time that its statement claims. That time is a claim, so each device also ends
//! the space [`LONGEST`] after it first held it, by its own clock: see [`View::ends_at`].

use serde::{Deserialize, Serialize};

use crate::agreement::RuleError;
use crate::entry::{self, Entry};
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, Begin, Statement, Writer};

const ASK: u8 = 16;
const OVER: u8 = 17;

/// The longest space, in milliseconds: 72 hours.
pub const LONGEST: i64 = 72 * 60 * 60 * 1000;
/// Bytes of the kind word.
pub const WORDS_BYTES: usize = 8_000;
/// How far a clock may be put right, in milliseconds, without ending the spaces that it began: ten minutes.
pub const CLOCK_STEP: i64 = 10 * 60 * 1000;

/// What can be said of a space.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// It is asked for.
    Ask {
        /// When it ends by itself, in milliseconds since 1970 UTC.
        until: i64,
        /// A kind word; may be empty.
        words: String,
    },
    /// Who asked for it ends it.
    Over,
}

/// A space as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// When it was asked to end, in milliseconds since 1970 UTC; none where that has not come, or was set aside.
    pub until: Option<i64>,
    /// A kind word; may be empty.
    pub words: String,
    /// When who asked says that they ended it, in milliseconds since 1970 UTC.
    pub over: Option<i64>,
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space")
            .field("until", &self.until)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl View {
    /// When it ends by itself on a device that first held it at `first_held`, by that device's clock (milliseconds since
    /// 1970 UTC): at `until`, and at the latest [`LONGEST`] after that. None where nothing was asked for.
    #[must_use]
    pub fn ends_at(&self, first_held: i64) -> Option<i64> {
        Some(self.until?.min(first_held.saturating_add(LONGEST)))
    }

    /// Whether it lasts at `now`, by the clock of a device that first held it at `first_held`. A clock that was put back
    /// to long before that time can no longer tell how much of it has passed: there it is over.
    #[must_use]
    pub fn runs(&self, first_held: i64, now: i64) -> bool {
        let in_time = self.ends_at(first_held).is_some_and(|end| now < end);
        self.over.is_none() && in_time && now.saturating_add(CLOCK_STEP) >= first_held
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Space(say)
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Ask { until, words } => (
                ASK,
                vec![until.to_be_bytes().to_vec(), words.as_bytes().to_vec()],
            ),
            Say::Over => (OVER, Vec::new()),
        }
    }

    fn parse(statement: &Statement) -> Result<Say, RuleFault> {
        match (statement.verb, statement.items.as_slice()) {
            (ASK, [until, said]) => {
                let until = i64::from_be_bytes(exact(until)?);
                // Both are claims of one clock; what they claim may not be long.
                let asked_for = until.checked_sub(statement.time);
                if !asked_for.is_some_and(|long| (1..=LONGEST).contains(&long)) {
                    return Err(RuleFault::SpaceLength);
                }
                Ok(Say::Ask {
                    until,
                    words: words(said, WORDS_BYTES)?.to_owned(),
                })
            }
            (OVER, []) => Ok(Say::Over),
            (ASK | OVER, _) => Err(RuleFault::Malformed),
            (verb, _) => Err(RuleFault::Verb(verb)),
        }
    }

    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        match self {
            Say::Ask { .. } => Ok(()),
            Say::Over if entry.space().over.is_some() => Err(RuleError::Fault(RuleFault::Once)),
            Say::Over => Ok(()),
        }
    }
}

pub(crate) fn rule(_: &Writer, past: Past<'_>, statement: &Statement) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        let begin = Begin::read(&statement.items).ok_or(RuleFault::Malformed)?;
        return match begin.role {
            0 => Ok(()),
            role => Err(RuleFault::Role(role)),
        };
    }
    let say = Say::parse(statement)?;
    begun(past).ok_or(RuleFault::OnlyBeginner)?;
    let said = |verb| past.iter().any(|statement| statement.verb == verb);
    match say {
        Say::Ask { .. } if said(ASK) => Err(RuleFault::Once),
        Say::Ask { .. } => Ok(()),
        Say::Over if !said(ASK) => Err(RuleFault::Before),
        Say::Over if said(OVER) => Err(RuleFault::Once),
        Say::Over => Ok(()),
    }
}

impl Entry<'_> {
    /// The space that this entry is.
    #[must_use]
    pub fn space(&self) -> View {
        let mut view = View::default();
        for told in self.told(|statement| Say::parse(statement).ok()) {
            match told.say {
                // Of two that were asked for at once, the one that ends first: nothing that comes later makes it longer.
                Say::Ask { until, words } => {
                    if view.until.is_none_or(|before| until < before) {
                        view.until = Some(until);
                        view.words = words;
                    }
                }
                Say::Over => view.over = view.over.or(Some(told.time)),
            }
        }
        view
    }
}
