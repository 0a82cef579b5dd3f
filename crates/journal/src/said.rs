//! Statements: what a person says once in their own part, and cannot unsay: an apology given, an answer, what was
//! heard, a step that is done. One statement is one byte string in the list `said`; later ones stand beside it.
//!
//! ```text
//! statement = lv("amends/said/v1", verb(1), n(8), time(8), item…)
//! ```
//!
//! Integers are big-endian. `n` and `time` are as in an [`Act`](crate::Act). Verb 1 begins an entry, in every kind;
//! the other verbs and their items are each kind's own. A statement is a byte string and not a text, so that no change
//! ever alters one.
//!
//! **Who begins an entry** is proved by its id: it is
//! `SHA-256(lv("amends/entry/v1", journal id, kind, actor, nonce))[..16]`, and the statement that begins the entry gives the
//! nonce. Nobody else can begin it after the fact, in whatever order things arrive (docs/decisions/0019). Boundaries, which are
//! older, tell it from their shared part instead.

use sha2::{Digest, Sha256};

use crate::act::GREATEST_N;
use crate::hash::lv;
use crate::ids::{Actor, EntryId};
use crate::kind::EntryKind;
use crate::wall::LATEST_TIME;
use crate::wall::reader::{ReadFault, Reader};

const LABEL: &[u8] = b"amends/said/v1";
const DRAFT_LABEL: &[u8] = b"amends/draft/v1";
const ENTRY_LABEL: &[u8] = b"amends/entry/v1";

/// Bytes of one statement: it stays one operation of one change (PROTOCOL section 6: 128 KiB).
pub const STATEMENT_BYTES: usize = 120_000;
/// Items in one statement.
pub const STATEMENT_ITEMS: usize = 600;
/// The verb that begins an entry, in every kind.
pub const BEGIN: u8 = 1;

/// Who writes, and where: what the wall needs to know of a change beside its bytes. All of it follows from the record
/// that brought the change; nothing in a payload can name it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The journal's id.
    pub journal: [u8; 32],
    /// The entry.
    pub entry: EntryId,
    /// The public key of the first log of the device whose log brings the change: the one that its pairing gave. It stays
    /// the same when that device begins a new incarnation.
    pub log: [u8; 32],
    /// The actor derived from that first log: what this device begins has ids made of it, in every incarnation.
    pub device: Actor,
    /// The actor derived from the log in which the change came.
    pub actor: Actor,
    /// Whether this is a journal of one, in which alone drafts may stand.
    pub alone: bool,
}

/// One statement, as it stands in an own part.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it does; [`BEGIN`], or a verb of its kind.
    pub verb: u8,
    /// One more than the greatest that its writer had seen in the entry, both people's counted.
    pub n: u64,
    /// When, in milliseconds since 1970 UTC, by the writer's clock: a claim, for showing only.
    pub time: i64,
    /// What the verb needs.
    pub items: Vec<Vec<u8>>,
}

/// Why bytes are no statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// Cut short, or a length that is no number.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// Another version, or something else.
    #[error("not a statement of version 1")]
    Label,
    /// A verb, `n` or time of another length.
    #[error("an item in it is malformed")]
    Item,
    /// `n` is 0, beyond [`GREATEST_N`], or not above those that it follows in its own part.
    #[error("its number does not follow")]
    Number,
    /// A time before 1970 or after 9999.
    #[error("its time is out of range")]
    Time,
    /// Over [`STATEMENT_BYTES`] or [`STATEMENT_ITEMS`].
    #[error("it is too long")]
    TooLong,
}

impl Statement {
    /// The bytes that the own part holds.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let (verb, n, time) = ([self.verb], self.n.to_be_bytes(), self.time.to_be_bytes());
        let mut all: Vec<&[u8]> = vec![LABEL, &verb, &n, &time];
        all.extend(self.items.iter().map(Vec::as_slice));
        lv(&all)
    }

    /// Reads a statement; exactly the bytes that [`bytes`](Statement::bytes) gives.
    ///
    /// # Errors
    /// [`StatementFault`].
    pub fn read(bytes: &[u8]) -> Result<Statement, StatementFault> {
        if bytes.len() > STATEMENT_BYTES {
            return Err(StatementFault::TooLong);
        }
        let mut reader = Reader(bytes);
        if reader.prefixed()? != LABEL {
            return Err(StatementFault::Label);
        }
        let verb = u8::from_be_bytes(item(&mut reader)?);
        let n = u64::from_be_bytes(item(&mut reader)?);
        if !(1..=GREATEST_N).contains(&n) {
            return Err(StatementFault::Number);
        }
        let time = i64::from_be_bytes(item(&mut reader)?);
        if !(0..=LATEST_TIME).contains(&time) {
            return Err(StatementFault::Time);
        }
        let mut items = Vec::new();
        while !reader.is_empty() {
            if items.len() == STATEMENT_ITEMS {
                return Err(StatementFault::TooLong);
            }
            items.push(reader.prefixed()?.to_vec());
        }
        Ok(Statement {
            verb,
            n,
            time,
            items,
        })
    }

    /// The hash by which another statement names this one: SHA-256 of its bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }
}

impl std::fmt::Debug for Statement {
    /// Leaves out the items, which are people's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement")
            .field("verb", &self.verb)
            .field("n", &self.n)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}

fn item<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], StatementFault> {
    reader
        .prefixed()?
        .try_into()
        .map_err(|_| StatementFault::Item)
}

/// What begins an entry: the proof of who does, which role of its kind it has, and what it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// 16 random bytes, which the entry's id was made from.
    pub nonce: [u8; 16],
    /// Which of its kind's roles, 0 where the kind has one alone.
    pub role: u8,
    /// The entry that it came from, such as a lesson's talk.
    pub from: Option<EntryId>,
}

impl Begin {
    /// The id of the entry that this actor begins with this nonce.
    #[must_use]
    pub fn id(journal: &[u8; 32], kind: EntryKind, actor: &Actor, nonce: &[u8; 16]) -> EntryId {
        let digest: [u8; 32] =
            Sha256::digest(lv(&[ENTRY_LABEL, journal, &[kind.byte()], &actor.0, nonce])).into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        EntryId(id)
    }

    /// What the entry that a private draft becomes is begun with: the same each time, so that a device that stopped between
    /// its two stores finds what it began, and nothing that anybody could trace back to the draft. The `attempt` is for
    /// an id that would stand too close to another one.
    #[must_use]
    pub fn nonce_of(private: &[u8; 32], draft: &EntryId, attempt: u8) -> [u8; 16] {
        let digest: [u8; 32] =
            Sha256::digest(lv(&[DRAFT_LABEL, private, &draft.0, &[attempt]])).into();
        let mut nonce = [0; 16];
        nonce
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        nonce
    }

    /// Whether this very device began the writer's entry so. The statements of one incarnation follow each other, so that what
    /// it alone may say once cannot be said twice at the same time; what two copies of a device say at once is told apart
    /// when it is read.
    pub(crate) fn is_of(&self, writer: &Writer, kind: EntryKind) -> bool {
        Begin::id(&writer.journal, kind, &writer.device, &self.nonce) == writer.entry
    }

    pub(crate) fn items(&self) -> Vec<Vec<u8>> {
        vec![
            self.nonce.to_vec(),
            vec![self.role],
            self.from.map(|id| id.0.to_vec()).unwrap_or_default(),
        ]
    }

    pub(crate) fn read(items: &[Vec<u8>]) -> Option<Begin> {
        let [nonce, role, from] = items else {
            return None;
        };
        let [role] = role.as_slice() else {
            return None;
        };
        Some(Begin {
            nonce: nonce.as_slice().try_into().ok()?,
            role: *role,
            from: match from.as_slice() {
                [] => None,
                id => Some(EntryId(id.try_into().ok()?)),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            verb: u8, n in 1..=GREATEST_N, time in 0..=LATEST_TIME,
            items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)
        ) {
            let statement = Statement { verb, n, time, items };
            let read = Statement::read(&statement.bytes());
            prop_assert_eq!(read.map(|read| read.bytes()), Ok(statement.bytes()));
        }

        #[test]
        fn no_bytes_stop_it(bytes: Vec<u8>) {
            if let Ok(statement) = Statement::read(&bytes) {
                prop_assert_eq!(statement.bytes(), bytes);
            }
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let good = Statement {
            verb: 2,
            n: 1,
            time: 0,
            items: vec![b"x".to_vec()],
        };
        assert_eq!(
            Statement::read(
                &Statement {
                    n: 0,
                    ..good.clone()
                }
                .bytes()
            ),
            Err(StatementFault::Number)
        );
        assert_eq!(
            Statement::read(
                &Statement {
                    n: GREATEST_N + 1,
                    ..good.clone()
                }
                .bytes()
            ),
            Err(StatementFault::Number)
        );
        assert_eq!(
            Statement::read(
                &Statement {
                    time: -1,
                    ..good.clone()
                }
                .bytes()
            ),
            Err(StatementFault::Time)
        );
        assert_eq!(
            Statement::read(
                &Statement {
                    items: vec![vec![0; STATEMENT_BYTES]],
                    ..good.clone()
                }
                .bytes()
            ),
            Err(StatementFault::TooLong)
        );
        assert_eq!(
            Statement::read(
                &Statement {
                    items: vec![vec![]; STATEMENT_ITEMS + 1],
                    ..good
                }
                .bytes()
            ),
            Err(StatementFault::TooLong)
        );
        assert_eq!(
            Statement::read(&lv(&[b"amends/act/v1"])),
            Err(StatementFault::Label)
        );
    }
}
