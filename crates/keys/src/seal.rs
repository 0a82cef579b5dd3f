//! Envelopes (`docs/PROTOCOL.md` section 4): what the log holds, the disk keeps, the wire carries
//! and a bundle contains. And, local only, rows of a store.
//!
//! ```text
//! "AMND" ver=1 suite=1 epoch(u32) salt(24) commit(32) ct
//! key||commit = HKDF(salt, ikm = epoch secret, info = "amends/env/v1 key|commit", 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = all 66 header bytes || journal_id, plaintext)
//! plaintext   = u32(len record) record sig(64), zeros to PADME(max(256, n))
//! ```
//!
//! Where an envelope holds several records, each stands as `u32(len) record sig(64)`, a `u32` of 0
//! ends them, and `n` counts all of that, the ending 0 included. With one record nothing but the
//! padding follows it. Either way there is one length that the plaintext may have.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::identity::JournalId;
use crate::label;
use crate::sealed::{Form, LEAST, Parts, Unopened, Unread};
use crate::secret::secret_bytes;

/// An envelope has at most this many bytes, header and tag included.
pub const MAX_ENVELOPE: usize = 1 << 20;

/// The version that this program writes and reads.
pub const VERSION: u8 = crate::sealed::VERSION;
/// The suite that this program writes and reads.
pub const SUITE: u8 = crate::sealed::SUITE;

/// Between suite and salt stands the epoch.
const FORM: Form = Form {
    magic: b"AMND",
    middle: 4,
    label: label::ENVELOPE,
    most: MAX_ENVELOPE,
};
const LENGTH: usize = 4;
const SIGNATURE: usize = 64;

secret_bytes! {
    /// 32 random bytes from which the key of each envelope of one epoch is derived.
    EpochSecret
}

/// Why records were not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SealError {
    #[error("an envelope holds at least one record")]
    NoRecords,
    #[error("a record is empty")]
    EmptyRecord,
    #[error("the envelope would be over {limit} bytes", limit = MAX_ENVELOPE)]
    TooLarge,
}

/// Why an envelope was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum OpenError {
    #[error("the envelope has {size} bytes, at most {limit} are taken", limit = MAX_ENVELOPE)]
    TooLarge { size: usize },
    #[error("the envelope has {size} bytes, the least is {least}", least = FORM.least())]
    TooShort { size: usize },
    #[error("these bytes are no envelope")]
    NotAnEnvelope,
    #[error("the envelope has version {0}, this program reads version 1")]
    Version(u8),
    #[error("the envelope has suite {0}, this program reads suite 1")]
    Suite(u8),
    #[error("the envelope was sealed under another epoch secret")]
    OtherSecret,
    #[error("the envelope was changed, or belongs to another journal")]
    Forged,
    #[error("a record in the envelope has {expected} bytes, {got} are left")]
    RecordCutShort { expected: u32, got: usize },
    #[error("the envelope holds no record")]
    NoRecords,
    #[error("the envelope is not filled with zeros to the length that its records ask for")]
    Padding,
}

/// PADMÉ (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
/// PURBs", PoPETs 2019): the next length whose low bits are zero, so that a length tells
/// O(log log n) bits, at a cost of 12 % at most. A length too long to round up is given back.
pub fn padme(n: usize) -> usize {
    let Some(e) = n.checked_ilog2().filter(|e| *e > 0) else {
        return n;
    };
    // floor(log2 e) + 1 bits hold e itself; the low e - s bits become zero.
    let s = e.ilog2() + 1;
    let mask = (1_usize << (e - s)) - 1;
    n.checked_add(mask).map_or(n, |up| up & !mask)
}

/// How long the envelope of records of these lengths is, so that a sender can fill one; none where
/// there is no such envelope (no record, an empty one, over [`MAX_ENVELOPE`]).
pub fn sealed_len(records: impl IntoIterator<Item = usize>) -> Option<usize> {
    let (mut filled, mut count) = (0_usize, 0_usize);
    for len in records {
        if len == 0 {
            return None;
        }
        filled = filled.checked_add(len)?.checked_add(LENGTH + SIGNATURE)?;
        count += 1;
    }
    let total = padded(filled, count)?.checked_add(FORM.overhead())?;
    (total <= MAX_ENVELOPE).then_some(total)
}

/// The one length of the plaintext of `count` records that fill `filled` bytes.
fn padded(filled: usize, count: usize) -> Option<usize> {
    let n = match count {
        0 => return None,
        1 => filled,
        _ => filled.checked_add(LENGTH)?,
    };
    Some(padme(n.max(LEAST)))
}

/// Seals records, each with its signature, into one envelope. `salt` is 24 random bytes, fresh for
/// every call: under one epoch secret it alone makes the key another.
///
/// # Errors
/// No record, an empty one, or more than fits.
pub fn seal(
    epoch: u32,
    secret: &EpochSecret,
    journal: &JournalId,
    salt: [u8; 24],
    records: &[(&[u8], &[u8; 64])],
) -> Result<Vec<u8>, SealError> {
    if records.is_empty() {
        return Err(SealError::NoRecords);
    }
    if records.iter().any(|(record, _)| record.is_empty()) {
        return Err(SealError::EmptyRecord);
    }
    let total =
        sealed_len(records.iter().map(|(record, _)| record.len())).ok_or(SealError::TooLarge)?;
    let plain_len = total - FORM.overhead();

    let mut plain = Zeroizing::new(Vec::with_capacity(plain_len));
    for (record, sig) in records {
        let len = u32::try_from(record.len()).map_err(|_| SealError::TooLarge)?;
        plain.extend_from_slice(&len.to_be_bytes());
        plain.extend_from_slice(record);
        plain.extend_from_slice(*sig);
    }
    plain.resize(plain_len, 0);

    FORM.seal(
        &epoch.to_be_bytes(),
        &salt,
        secret.expose(),
        &journal.0,
        &plain,
    )
    .map_err(|_| SealError::TooLarge)
}

/// The form of an envelope and the epoch in its header.
fn header(envelope: &[u8]) -> Result<(Parts<'_>, u32), OpenError> {
    let size = envelope.len();
    let parts = FORM.read(envelope).map_err(|unread| match unread {
        Unread::TooLarge => OpenError::TooLarge { size },
        Unread::TooShort => OpenError::TooShort { size },
        Unread::Magic => OpenError::NotAnEnvelope,
        Unread::Version(version) => OpenError::Version(version),
        Unread::Suite(suite) => OpenError::Suite(suite),
    })?;
    let epoch = <[u8; 4]>::try_from(parts.middle).map_err(|_| OpenError::TooShort { size })?;
    Ok((parts, u32::from_be_bytes(epoch)))
}

/// The epoch that an envelope names in its header. Nothing is proved about it until [`open`].
///
/// # Errors
/// Where the bytes are no envelope of a version and suite known here.
pub fn epoch_of(envelope: &[u8]) -> Result<u32, OpenError> {
    header(envelope).map(|(_, epoch)| epoch)
}

/// Opens an envelope: sizes, then the commitment in constant time, then the AEAD, then the form of
/// what was inside. Signatures and the records' own epochs are for the caller to check.
///
/// # Errors
/// [`OpenError`]; [`OpenError::OtherSecret`] where another secret of the same epoch may open it.
pub fn open(
    envelope: &[u8],
    secret: &EpochSecret,
    journal: &JournalId,
) -> Result<Opened, OpenError> {
    let (parts, epoch) = header(envelope)?;
    let plain =
        FORM.open(&parts, secret.expose(), &journal.0)
            .map_err(|unopened| match unopened {
                Unopened::OtherSecret => OpenError::OtherSecret,
                Unopened::Forged => OpenError::Forged,
            })?;

    let (mut rest, mut records, mut filled) = (plain.as_slice(), Vec::new(), 0_usize);
    while let Some((len, after)) = rest.split_first_chunk::<LENGTH>() {
        let expected = u32::from_be_bytes(*len);
        if expected == 0 {
            break;
        }
        let cut = OpenError::RecordCutShort {
            expected,
            got: after.len(),
        };
        let len = usize::try_from(expected).map_err(|_| cut)?;
        let (record, after) = after.split_at_checked(len).ok_or(cut)?;
        let (sig, after) = after.split_first_chunk::<SIGNATURE>().ok_or(cut)?;
        records.push((record.to_vec(), *sig));
        rest = after;
        filled = plain.len() - rest.len();
    }
    let expected = padded(filled, records.len()).ok_or(OpenError::NoRecords)?;
    if plain.len() != expected || rest.iter().any(|byte| *byte != 0) {
        return Err(OpenError::Padding);
    }
    Ok(Opened { epoch, records })
}

/// What an envelope held: at least one record.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    epoch: u32,
    records: Vec<(Vec<u8>, [u8; 64])>,
}

impl Opened {
    /// The envelope's epoch, now authenticated. Every record's epoch must equal it.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The records in order, each with its signature, which is not checked yet.
    pub fn records(&self) -> impl ExactSizeIterator<Item = (&[u8], [u8; 64])> {
        self.records
            .iter()
            .map(|(record, sig)| (record.as_slice(), *sig))
    }

    /// The same, taken out.
    pub fn into_records(self) -> Vec<(Vec<u8>, [u8; 64])> {
        self.records
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Opened(epoch {}, {} records)",
            self.epoch,
            self.records.len()
        )
    }
}

secret_bytes! {
    /// Seals the rows of one store. Never leaves the device.
    StoreKey
}

/// Why a row was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RowError {
    #[error("the sealed row has {size} bytes, the least is {least}", least = ROW_NONCE + ROW_TAG)]
    TooShort { size: usize },
    #[error("the row was changed, moved, or sealed under another key")]
    Damaged,
}

const ROW_NONCE: usize = 24;
const ROW_TAG: usize = 16;

/// Seals one row of a local store: `nonce(24) || XChaCha20-Poly1305(key, nonce, aad, plain)`
/// (draft-irtf-cfrg-xchacha-03). `nonce` is 24 random bytes, fresh for every call; `aad` names the
/// row's place, so that a row moved elsewhere does not open.
///
/// A row over 256 GiB, which the cipher cannot seal, comes back as the nonce alone and opens as
/// [`RowError::TooShort`].
pub fn seal_row(key: &StoreKey, nonce: [u8; 24], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let sealed = XChaCha20Poly1305::new(key.expose().into())
        .encrypt((&nonce).into(), Payload { msg: plain, aad })
        .unwrap_or_default();
    [&nonce[..], &sealed].concat()
}

/// Opens a row that [`seal_row`] sealed under the same key for the same place.
///
/// # Errors
/// [`RowError`].
pub fn open_row(key: &StoreKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, RowError> {
    let short = RowError::TooShort { size: sealed.len() };
    let (nonce, ct) = sealed.split_first_chunk::<ROW_NONCE>().ok_or(short)?;
    if ct.len() < ROW_TAG {
        return Err(short);
    }
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt(nonce.into(), Payload { msg: ct, aad })
        .map_err(|_| RowError::Damaged)
}

#[cfg(test)]
mod tests;
