//! A record: one numbered, signed step of a device's log (PROTOCOL section 3).
//!
//! ```text
//! record = "amends/rec/v1" journal_id(32) log_pk(32) seq(u64, from 1) prev(32, zeros for seq 1) epoch(u32) kind(u8)
//!          n_seen(u16) n_seen x [log_pk(32) seq(u64) rec_hash(32)]   payload_len(u32) payload
//! sig = Ed25519(log_sk, record)     rec_hash = SHA256("amends/rechash/v1" || record)
//! actor = SHA256("amends/actor/v1" || log_pk)[..16]
//! ```

use amends_journal::Actor;
use amends_keys::identity::{JournalId, LogKey, LogSecret};
use amends_keys::label;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A payload may weigh this many bytes at most (PROTOCOL section 6, step 1).
pub const MAX_PAYLOAD: usize = 256 * 1024;
/// Heads that one record may name. A pair has a handful of logs; more is an attack on memory.
pub(crate) const MAX_SEEN: usize = 256;

/// What names a record: the hash of its bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct RecordHash(pub [u8; 32]);

impl RecordHash {
    /// `prev` of the first record of every log.
    pub const NONE: Self = Self([0; 32]);

    /// `SHA256("amends/rechash/v1" || record)`.
    pub fn of(record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(label::RECORD_HASH);
        hash.update(record);
        Self(hash.finalize().into())
    }
}

impl std::fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "RecordHash({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// The Automerge actor of a log: `SHA256("amends/actor/v1" || log_pk)[..16]`.
pub fn actor_of(log: &LogKey) -> Actor {
    let mut hash = Sha256::new();
    hash.update(label::ACTOR);
    hash.update(log.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut actor = [0u8; 16];
    for (to, from) in actor.iter_mut().zip(digest) {
        *to = from;
    }
    Actor(actor)
}

/// A head of another log that the writer held when it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose head.
    pub log: LogKey,
    /// How far it was held.
    pub seq: u64,
    /// The record there.
    pub hash: RecordHash,
}

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// Automerge changes.
    Change = 1,
    /// Logs that begin or end, epochs.
    Membership = 2,
}

/// A record's fields. `kind` stays a byte, since a later version may know more kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The journal it belongs to.
    pub journal: JournalId,
    /// The log it is a step of.
    pub log: LogKey,
    /// Its number in that log, from 1.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: RecordHash,
    /// The epoch it was sealed under.
    pub epoch: u32,
    /// A [`RecordKind`], or one of a later version.
    pub kind: u8,
    /// Heads that changed since this log's last record.
    pub seen: Vec<Seen>,
    /// The content, by kind.
    pub payload: Vec<u8>,
}

/// Why bytes are not a record.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// It does not begin as one.
    #[error("not a record of this version")]
    Label,
    /// It ends too early.
    #[error("a record is cut short")]
    Short,
    /// It has bytes after its end.
    #[error("{0} bytes follow the record")]
    Trailing(usize),
    /// The payload is over the limit.
    #[error("a payload of {0} bytes, at most {MAX_PAYLOAD} are taken")]
    Payload(usize),
    /// More heads than a pair has.
    #[error("{0} heads named, at most {MAX_SEEN} are taken")]
    Seen(usize),
    /// The numbers begin at 1.
    #[error("a record is numbered 0")]
    Zero,
    /// Runs of numbers that overlap or go backwards.
    #[error("runs of set-aside records are out of order")]
    Runs,
    /// The signature is not the log's.
    #[error("the signature is not by the log's key")]
    Signature,
}

impl Record {
    /// The bytes that are signed, hashed and sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160 + self.seen.len() * 72 + self.payload.len());
        out.extend_from_slice(label::RECORD);
        out.extend_from_slice(&self.journal.0);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.prev.0);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.push(self.kind);
        // Own records are built with far fewer heads and bytes than the limits; what comes in is bounded by `parse`.
        out.extend_from_slice(
            &u16::try_from(self.seen.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes(),
        );
        for seen in &self.seen {
            out.extend_from_slice(seen.log.as_bytes());
            out.extend_from_slice(&seen.seq.to_be_bytes());
            out.extend_from_slice(&seen.hash.0);
        }
        out.extend_from_slice(
            &u32::try_from(self.payload.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        out.extend_from_slice(&self.payload);
        out
    }

    /// The signature over [`Record::to_bytes`].
    pub fn sign(bytes: &[u8], secret: &LogSecret) -> [u8; 64] {
        secret.sign(bytes)
    }

    /// Reads a record and checks that `signature` is by the log that it names (`verify_strict`).
    ///
    /// # Errors
    /// [`RecordError`] says what is wrong; nothing of a record that fails is to be used.
    pub fn verify(bytes: &[u8], signature: &[u8; 64]) -> Result<Self, RecordError> {
        let record = Self::parse(bytes)?;
        if record.log.verify(bytes, signature).is_err() {
            return Err(RecordError::Signature);
        }
        Ok(record)
    }

    /// Reads a record that this device saved after checking it.
    ///
    /// # Errors
    /// Every [`RecordError`] but [`RecordError::Signature`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let rest = bytes
            .strip_prefix(label::RECORD)
            .ok_or(RecordError::Label)?;
        let mut reader = Fields(rest);
        let journal = JournalId(reader.array()?);
        let log = LogKey(reader.array()?);
        let seq = u64::from_be_bytes(reader.array()?);
        if seq == 0 {
            return Err(RecordError::Zero);
        }
        let prev = RecordHash(reader.array()?);
        let epoch = u32::from_be_bytes(reader.array()?);
        let [kind] = reader.array()?;
        let count = usize::from(u16::from_be_bytes(reader.array()?));
        if count > MAX_SEEN {
            return Err(RecordError::Seen(count));
        }
        let mut seen = Vec::with_capacity(count);
        for _ in 0..count {
            seen.push(Seen {
                log: LogKey(reader.array()?),
                seq: u64::from_be_bytes(reader.array()?),
                hash: RecordHash(reader.array()?),
            });
        }
        let length = u32::from_be_bytes(reader.array()?) as usize;
        if length > MAX_PAYLOAD {
            return Err(RecordError::Payload(length));
        }
        let payload = reader.take(length)?.to_vec();
        if !reader.0.is_empty() {
            return Err(RecordError::Trailing(reader.0.len()));
        }
        Ok(Self {
            journal,
            log,
            seq,
            prev,
            epoch,
            kind,
            seen,
            payload,
        })
    }
}

/// Reads fields of fixed width one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(RecordError::Short)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(RecordError::Short)?;
        self.0 = tail;
        Ok(*head)
    }
}
