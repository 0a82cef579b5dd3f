//! The rows that a replica keeps, and their bytes: a version byte, then postcard. A row of a newer version is refused by
//! name rather than misread.

use amends_journal::{EntryId, Part, PartKind};
use amends_keys::identity::LogKey;
use serde::de::DeserializeOwned;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::clock::Position;
use crate::record::RecordHash;
use crate::shelf::{Gathered, Shelf, ShelfError, Table};

/// Why a saved row cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowError {
    /// The shelf cannot give it.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// A later version of the program wrote it.
    #[error("the row {name} is of version {found}, this program knows {VERSION}")]
    Newer {
        /// Which row.
        name: &'static str,
        /// Its version.
        found: u8,
    },
    /// Its bytes are not what was written.
    #[error("the row {0} is damaged")]
    Damaged(&'static str),
    /// It must be there and is not.
    #[error("the row {0} is missing")]
    Missing(&'static str),
}

const VERSION: u8 = 1;

/// 32 secret bytes in a row. They lie on the heap, so that a row that is moved leaves none behind; they are wiped when the row
/// goes, and are read into there one by one. They are written as `[u8; 32]` is.
#[derive(Clone)]
pub struct RowSecret(Box<Zeroizing<[u8; 32]>>);

impl RowSecret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<&[u8; 32]> for RowSecret {
    fn from(bytes: &[u8; 32]) -> Self {
        let mut secret = Self(Box::default());
        **secret.0 = *bytes;
        secret
    }
}

impl Serialize for RowSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Not all at once: a serializer may be given what it copies.
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in self.0.iter() {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for RowSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> serde::de::Visitor<'de> for Bytes {
            type Value = RowSecret;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("32 bytes")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<RowSecret, A::Error> {
                let mut secret = RowSecret(Box::default());
                for (at, byte) in secret.0.iter_mut().enumerate() {
                    *byte = seq
                        .next_element()?
                        .ok_or_else(|| serde::de::Error::invalid_length(at, &self))?;
                }
                Ok(secret)
            }
        }

        deserializer.deserialize_tuple(32, Bytes)
    }
}

pub(crate) fn encode<T: Serialize>(name: &'static str, value: &T) -> Result<Vec<u8>, RowError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|_| RowError::Damaged(name))
}

pub(crate) fn decode<T: DeserializeOwned>(name: &'static str, bytes: &[u8]) -> Result<T, RowError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| RowError::Damaged(name)),
        Some((&found, _)) if found > VERSION => Err(RowError::Newer { name, found }),
        _ => Err(RowError::Damaged(name)),
    }
}

pub(crate) mod name {
    pub(crate) const MEMBER: &str = "member";
    pub(crate) const LOGS: &str = "logs";
    pub(crate) const EPOCHS: &str = "epochs";
    pub(crate) const HEARD: &str = "heard";
    pub(crate) const FENCES: &str = "fences";
    pub(crate) const APPLYING: &str = "applying";
    pub(crate) const MET: &str = "met";
    pub(crate) const AWAITED: &str = "awaited";
    pub(crate) const KNOWS: &str = "knows";
    pub(crate) const INCARNATION: &str = "incarnation";
    pub(crate) const EARLIER: &str = "earlier";
    pub(crate) const LOST: &str = "lost";
    pub(crate) const CARD: &str = "card";
    pub(crate) const RECORD: &str = "record";
    pub(crate) const ENVELOPE: &str = "envelope";
}

/// Whose log it is, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// This person's.
    Mine,
    /// The partner's.
    Partners,
}

/// One log, as it is held here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogRow {
    /// Its number in the keys of the record table.
    pub(crate) number: u32,
    pub(crate) key: [u8; 32],
    pub(crate) whose: Whose,
    pub(crate) static_key: [u8; 32],
    pub(crate) name: String,
    pub(crate) seq: u64,
    pub(crate) head: RecordHash,
    pub(crate) set_aside: Vec<(u64, u64)>,
    /// Up to which number this device's own records have named this log's head.
    pub(crate) named: u64,
}

impl LogRow {
    pub(crate) fn log_key(&self) -> LogKey {
        LogKey(self.key)
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// Its changes are in the parts.
    Applied,
    /// Kept, numbered, acknowledged and not applied: why, in the words of the wall.
    SetAside(String),
}

/// One record, as it is held here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordRow {
    pub(crate) hash: RecordHash,
    /// The envelope that holds it.
    pub(crate) envelope: u64,
    /// Which of the envelope's records it is.
    pub(crate) place: u32,
    pub(crate) fate: Fate,
    /// The time at which this device first held it (milliseconds since 1970 UTC, by its own clock).
    pub(crate) held_at: i64,
    /// The entries that it touches.
    pub(crate) entries: Vec<[u8; 16]>,
}

/// The key of a row of the record table.
pub(crate) fn record_key(log: u32, seq: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(12);
    key.extend_from_slice(&log.to_be_bytes());
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

/// One of the parts of an entry, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PartName {
    Shared = 0,
    Mine = 1,
    Partners = 2,
}

impl PartName {
    /// By their numbers.
    pub(crate) const ALL: [PartName; 3] = [PartName::Shared, PartName::Mine, PartName::Partners];

    pub(crate) fn kind(self) -> PartKind {
        match self {
            PartName::Shared => PartKind::Shared,
            PartName::Mine | PartName::Partners => PartKind::Own,
        }
    }
}

/// The value of a row of the part table.
pub(crate) fn part_row(part: &Part) -> Vec<u8> {
    let mut row = Vec::with_capacity(part.weight().saturating_add(2));
    row.extend([part.kind().byte(), part.schema_version()]);
    row.extend_from_slice(part.saved());
    row
}

/// The key of a row of the part table.
pub(crate) fn part_key(entry: &EntryId, part: PartName) -> Vec<u8> {
    let mut key = entry.0.to_vec();
    key.push(part as u8);
    key
}

/// Who this device is in this journal.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    pub(crate) journal: [u8; 32],
    pub(crate) log_secret: RowSecret,
    pub(crate) static_key: [u8; 32],
    pub(crate) name: String,
    /// The partner's device has opened a session since the pairing: until then nothing is written to the journal.
    pub(crate) confirmed: bool,
}

/// The logs, and what is counted beside them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LogRows {
    pub(crate) next_envelope: u64,
    /// Up to where this device's own log is shown to exist elsewhere, by records of it that came back.
    pub(crate) returning: u64,
    pub(crate) logs: Vec<LogRow>,
}

/// The secret of one epoch.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EpochRow {
    pub(crate) epoch: u32,
    pub(crate) secret: RowSecret,
}

/// What another device last said that it holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HeardRow {
    pub(crate) device: [u8; 32],
    pub(crate) logs: Vec<([u8; 32], Position)>,
}

/// How far this device's own log went when a session with another device last began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FenceRow {
    pub(crate) device: [u8; 32],
    pub(crate) own: u64,
}

/// What a device keeps beside its present log once it has begun a new incarnation, or is to.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct IncarnationRow {
    /// The secret of its first log, where the present one is another.
    pub(crate) root: Option<RowSecret>,
    /// Nothing more is written into the present log: another copy of this home may be writing in it.
    pub(crate) due: bool,
    /// As [`FenceRow`], for the logs of earlier incarnations: device, log, how far.
    pub(crate) fences: Vec<([u8; 32], [u8; 32], u64)>,
}

/// The last record of each entry in a log of this person that is not the one that this device writes now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EarlierRow {
    pub(crate) log: [u8; 32],
    pub(crate) entries: Vec<([u8; 16], u64)>,
}

/// A record that is held by its number, and whose bytes the disk lost: it is asked of the partner's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LostRow {
    pub(crate) log: [u8; 32],
    pub(crate) seq: u64,
    /// Its hash, where anything here still says it.
    pub(crate) hash: Option<RecordHash>,
    /// The hash of the one before it.
    pub(crate) before: Option<RecordHash>,
}

/// A record whose changes are being applied, and how often that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApplyingRow {
    pub(crate) hash: RecordHash,
    pub(crate) begun: u8,
}

/// A record that is set aside because a later version wrote it: tried again once this program is of one that can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AwaitedRow {
    /// The number of its log in the keys of the record table.
    pub(crate) log: u32,
    pub(crate) seq: u64,
    /// The entry kinds and schemas in it that were not known.
    pub(crate) unknown: Vec<(u8, u8)>,
    /// How often it was begun to try it again.
    pub(crate) begun: u8,
}

/// When a session with the partner was last open (milliseconds since 1970 UTC).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct MetRow {
    pub(crate) at: Option<i64>,
}

/// The bytes of a named row. Keys may stand in it: they are wiped where they were read, as the row is when it goes.
pub(crate) fn bytes(
    shelf: &dyn Shelf,
    name: &'static str,
) -> Result<Option<Zeroizing<Vec<u8>>>, ShelfError> {
    Ok(shelf.get(Table::Meta, name.as_bytes())?.map(Zeroizing::new))
}

/// A named row that must be there.
pub(crate) fn read<T: DeserializeOwned>(
    shelf: &dyn Shelf,
    name: &'static str,
) -> Result<T, RowError> {
    match bytes(shelf, name)? {
        Some(bytes) => decode(name, &bytes),
        None => Err(RowError::Missing(name)),
    }
}

/// A named row that may be missing.
pub(crate) fn read_or_default<T: DeserializeOwned + Default>(
    shelf: &dyn Shelf,
    name: &'static str,
) -> Result<T, RowError> {
    match bytes(shelf, name)? {
        Some(bytes) => decode(name, &bytes),
        None => Ok(T::default()),
    }
}

pub(crate) fn put<T: Serialize>(
    gathered: &mut Gathered<'_>,
    name: &'static str,
    value: &T,
) -> Result<(), RowError> {
    gathered.put(Table::Meta, name.as_bytes().to_vec(), encode(name, value)?);
    Ok(())
}

/// The same for a row in which keys stand: its bytes are written where they fit at once, since what grows leaves copies behind.
pub(crate) fn put_keys<T: Serialize>(
    gathered: &mut Gathered<'_>,
    name: &'static str,
    value: &T,
) -> Result<(), RowError> {
    let damaged = |_| RowError::Damaged(name);
    let size = postcard::experimental::serialized_size(value).map_err(damaged)?;
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    bytes.push(VERSION);
    let bytes = postcard::to_extend(value, bytes).map_err(damaged)?;
    gathered.put(Table::Meta, name.as_bytes().to_vec(), bytes);
    Ok(())
}
