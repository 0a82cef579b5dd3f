//! Acts: what a person does to an entry that speaks for them. One act is one byte string in the list
//! `acts` of that person's own part, written once.
//!
//! ```text
//! act  = lv("amends/act/v1", verb(1), n(8), time(8), hash(32), heads(32 each), ends(24 each), reason)
//! verb = 1 propose, 2 agree, 3 decline, 4 end
//! end  = actor(16) || counter(8), the name of an act of verb end
//! ```
//!
//! Integers are big-endian, `heads` and `ends` rising, each once; nothing follows. One act has one
//! encoding. It is a byte string and not a map, so that no change ever makes a container, and an act
//! cannot be altered one field at a time.

use std::fmt;

use crate::hash::lv;
use crate::ids::Actor;
use crate::wall::reader::{ReadFault, Reader};

const LABEL: &[u8] = b"amends/act/v1";

/// The greatest `n`. Honest ones count from 1; a program that claims this one gains nothing, since
/// what is in force is ordered by the smaller `n` of the two.
pub const GREATEST_N: u64 = 1 << 53;
/// Heads that an act may name: at most one for each actor.
pub const HEADS: usize = 64;
/// Ends that an act may name.
pub const ENDS: usize = 1_024;
/// Bytes of a reason.
pub const REASON_BYTES: usize = 4_000;

/// What an act says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verb {
    /// Begins the entry, and agrees to its text as it was first written.
    Propose = 1,
    /// Agrees to a text, word for word.
    Agree = 2,
    /// Says no to a text, and takes back an agreement to it.
    Decline = 3,
    /// Ends what is in force, for both.
    End = 4,
}

/// The name of an act: the operation that added it. No two acts share one, in either own part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId {
    /// The device that wrote it.
    pub actor: Actor,
    /// The operation's counter in that own part.
    pub counter: u64,
}

/// One act, as its person wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Act {
    /// What it says.
    pub verb: Verb,
    /// One more than the greatest that its writer had seen in the entry, both people's counted.
    pub n: u64,
    /// When, in milliseconds since 1970 UTC, by the writer's clock: a claim, for showing only.
    pub time: i64,
    /// The [`agree_hash`](crate::agree_hash) of the text that it is about.
    pub hash: [u8; 32],
    /// The heads of the shared part at which that text stands, rising.
    pub heads: Vec<[u8; 32]>,
    /// Every end that its writer had seen, of both, rising.
    pub ends: Vec<ActId>,
    /// Why, in the writer's words; empty for none.
    pub reason: String,
}

/// Why bytes are no act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActFault {
    /// Cut short, or a length that is no number.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// Another version, or something else.
    #[error("not an act of version 1")]
    Label,
    /// A verb that a boundary does not have.
    #[error("verb {0} is not known")]
    Verb(u8),
    /// `n` is 0, beyond [`GREATEST_N`], or not above those that it follows in its own part.
    #[error("its number does not follow")]
    Number,
    /// A time before 1970 or after 9999.
    #[error("its time is out of range")]
    Time,
    /// A hash, head or end of another length, none where one is needed, or out of order.
    #[error("a list in it is malformed")]
    List,
    /// More heads, ends or bytes of reason than an act may hold.
    #[error("it is too long")]
    TooLong,
    /// Bytes after the reason.
    #[error("bytes after it")]
    Trailing,
    /// A proposal that is not its person's first act.
    #[error("a proposal after another act")]
    LateProposal,
}

impl Act {
    /// The bytes that the own part holds.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let heads = self.heads.concat();
        let mut ends = Vec::with_capacity(self.ends.len().saturating_mul(24));
        for end in &self.ends {
            ends.extend_from_slice(&end.actor.0);
            ends.extend_from_slice(&end.counter.to_be_bytes());
        }
        lv(&[
            LABEL,
            &[self.verb as u8],
            &self.n.to_be_bytes(),
            &self.time.to_be_bytes(),
            &self.hash,
            &heads,
            &ends,
            self.reason.as_bytes(),
        ])
    }

    /// Reads an act; exactly the bytes that [`bytes`](Act::bytes) gives.
    ///
    /// # Errors
    /// [`ActFault`].
    pub fn read(bytes: &[u8]) -> Result<Act, ActFault> {
        let mut reader = Reader(bytes);
        if reader.prefixed()? != LABEL {
            return Err(ActFault::Label);
        }
        let verb = match u8::from_be_bytes(item(&mut reader)?) {
            1 => Verb::Propose,
            2 => Verb::Agree,
            3 => Verb::Decline,
            4 => Verb::End,
            other => return Err(ActFault::Verb(other)),
        };
        let n = u64::from_be_bytes(item(&mut reader)?);
        if !(1..=GREATEST_N).contains(&n) {
            return Err(ActFault::Number);
        }
        let time = i64::from_be_bytes(item(&mut reader)?);
        if !(0..=crate::wall::LATEST_TIME).contains(&time) {
            return Err(ActFault::Time);
        }
        let hash = item(&mut reader)?;
        let heads: Vec<[u8; 32]> = rising(reader.prefixed()?, HEADS)?;
        if heads.is_empty() {
            return Err(ActFault::List);
        }
        let ends = rising::<24>(reader.prefixed()?, ENDS)?
            .iter()
            .filter_map(end)
            .collect();
        let reason = reader.str()?;
        if reason.len() > REASON_BYTES {
            return Err(ActFault::TooLong);
        }
        if !reader.is_empty() {
            return Err(ActFault::Trailing);
        }
        Ok(Act {
            verb,
            n,
            time,
            hash,
            heads,
            ends,
            reason: reason.to_owned(),
        })
    }
}

impl fmt::Debug for Act {
    /// Leaves out the reason, which is a person's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Act")
            .field("verb", &self.verb)
            .field("n", &self.n)
            .field("time", &self.time)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

fn item<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], ActFault> {
    reader.prefixed()?.try_into().map_err(|_| ActFault::List)
}

fn rising<const N: usize>(bytes: &[u8], limit: usize) -> Result<Vec<[u8; N]>, ActFault> {
    let (items, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() || !items.is_sorted_by(|a, b| a < b) {
        return Err(ActFault::List);
    }
    if items.len() > limit {
        return Err(ActFault::TooLong);
    }
    Ok(items.to_vec())
}

fn end(bytes: &[u8; 24]) -> Option<ActId> {
    let (actor, counter) = bytes.split_first_chunk::<16>()?;
    Some(ActId {
        actor: Actor(*actor),
        counter: u64::from_be_bytes(counter.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn act() -> Act {
        Act {
            verb: Verb::Agree,
            n: 3,
            time: 1_800_000_000_000,
            hash: [9; 32],
            heads: vec![[1; 32], [2; 32]],
            ends: vec![ActId {
                actor: Actor([4; 16]),
                counter: 7,
            }],
            reason: "because".into(),
        }
    }

    #[test]
    fn an_act_is_read_as_it_was_written_and_in_no_other_form() {
        let bytes = act().bytes();
        assert_eq!(Act::read(&bytes), Ok(act()));
        for cut in 0..bytes.len() {
            assert!(Act::read(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(
            Act::read(&[&bytes[..], &[0]].concat()),
            Err(ActFault::Trailing)
        );
        for (act, fault) in [
            (Act { n: 0, ..act() }, ActFault::Number),
            (
                Act {
                    n: GREATEST_N + 1,
                    ..act()
                },
                ActFault::Number,
            ),
            (Act { time: -1, ..act() }, ActFault::Time),
            (
                Act {
                    time: i64::MAX,
                    ..act()
                },
                ActFault::Time,
            ),
            (
                Act {
                    heads: vec![],
                    ..act()
                },
                ActFault::List,
            ),
            (
                Act {
                    heads: vec![[2; 32], [1; 32]],
                    ..act()
                },
                ActFault::List,
            ),
            (
                Act {
                    heads: vec![[2; 32], [2; 32]],
                    ..act()
                },
                ActFault::List,
            ),
            (
                Act {
                    reason: "x".repeat(REASON_BYTES + 1),
                    ..act()
                },
                ActFault::TooLong,
            ),
        ] {
            assert_eq!(Act::read(&act.bytes()), Err(fault));
        }
    }

    #[test]
    fn a_reason_is_not_printed() {
        assert_eq!(
            format!(
                "{:?}",
                Act {
                    ends: vec![],
                    ..act()
                }
            ),
            "Act { verb: Agree, n: 3, time: 1800000000000, ends: [], .. }"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(mut bytes in Just(act().bytes()), at: prop::sample::Index, to: u8) {
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(act) = Act::read(&bytes) {
                prop_assert_eq!(act.bytes(), bytes);
            }
        }
    }
}
