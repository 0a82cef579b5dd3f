//! Blobs: bytes that are not in the logs, such as photos, cut into chunks that are sealed each by itself under one random
//! key (`docs/PROTOCOL.md` section 3, `docs/formats.md`).
//!
//! ```text
//! chunk       = "AMNP" ver=1 suite=1 salt(24 random) commit(32) ct
//! key||commit = HKDF(salt, ikm = blob key, info = "amends/blob/v1 key|commit", 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = all 62 header bytes || journal_id || index(u32) || length(u64), plaintext)
//! plaintext   = the blob's bytes from index * 131072 on, 131072 of them or what is left, zeros to PADME(max(256, n))
//! name        = SHA-256(chunk)
//! ```
//!
//! `length` is the whole blob's, which also says how many chunks there are and how long each is. So no chunk opens in
//! another's place, and none in a blob that was made longer or shorter. A fresh salt for each chunk makes a fresh key for
//! it, so one blob key seals them all.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::identity::JournalId;
use crate::seal::padme;
use crate::sealed::{Form, LEAST, Unopened, Unread};
use crate::secret::secret_bytes;
use crate::{kdf, label};

/// A blob has at most this many bytes: 25 MiB.
pub const MAX_BLOB: u64 = 25 << 20;
/// A chunk holds this many bytes of its blob, the last one what is left.
pub const CHUNK: u64 = 128 << 10;
/// A blob has at most this many chunks.
pub const MAX_CHUNKS: usize = (MAX_BLOB / CHUNK) as usize;
/// A sealed chunk has at most this many bytes.
pub const MAX_SEALED_CHUNK: usize = CHUNK as usize + FORM.overhead();

const FORM: Form = Form {
    magic: b"AMNP",
    middle: 0,
    label: label::BLOB,
    // A whole chunk is a length that PADME leaves as it is.
    most: CHUNK as usize + 4 + 2 + 24 + 32 + 16,
};
const _: () = assert!(FORM.most == MAX_SEALED_CHUNK);
const _: () = assert!(MAX_BLOB.is_multiple_of(CHUNK));

secret_bytes! {
    /// Seals the chunks of one blob. It stands in the entry that the blob belongs to.
    BlobKey
}

/// The name of a chunk: SHA-256 of its sealed bytes.
pub type ChunkName = [u8; 32];

/// A blob as long as this does not exist, or a chunk of it with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a blob of {length} bytes has no chunk {index} of that size")]
pub struct NoSuchChunk {
    /// The blob's bytes.
    pub length: u64,
    /// The chunk's number, from 0.
    pub index: u32,
}

/// Why a chunk was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ChunkError {
    #[error(transparent)]
    NoSuchChunk(#[from] NoSuchChunk),
    #[error("the chunk has {size} bytes, {expected} are expected")]
    Size { size: usize, expected: usize },
    #[error("these bytes are no chunk of a blob")]
    NotAChunk,
    #[error("the chunk has version {0}, this program reads version 1")]
    Version(u8),
    #[error("the chunk has suite {0}, this program reads suite 1")]
    Suite(u8),
    #[error("the chunk was sealed under another key")]
    OtherKey,
    #[error("the chunk was changed, or belongs elsewhere")]
    Forged,
    #[error("the chunk is not filled with zeros to the length that it asks for")]
    Padding,
}

/// How many chunks a blob of so many bytes has; none where there is no such blob: an empty one, or one over [`MAX_BLOB`].
pub fn chunks_of(length: u64) -> Option<usize> {
    if length == 0 || length > MAX_BLOB {
        return None;
    }
    usize::try_from(length.div_ceil(CHUNK)).ok()
}

/// How many bytes of the blob a chunk holds.
fn plain_len(length: u64, index: u32) -> Result<usize, NoSuchChunk> {
    let none = NoSuchChunk { length, index };
    let chunks = chunks_of(length).ok_or(none)?;
    if usize::try_from(index).map_err(|_| none)? >= chunks {
        return Err(none);
    }
    let before = u64::from(index).checked_mul(CHUNK).ok_or(none)?;
    let left = length.checked_sub(before).ok_or(none)?;
    usize::try_from(left.min(CHUNK)).map_err(|_| none)
}

/// How long a sealed chunk is.
///
/// # Errors
/// [`NoSuchChunk`].
pub fn sealed_chunk_len(length: u64, index: u32) -> Result<usize, NoSuchChunk> {
    let plain = padme(plain_len(length, index)?.max(LEAST));
    Ok(plain.saturating_add(FORM.overhead()))
}

fn bound(journal: &JournalId, length: u64, index: u32) -> Vec<u8> {
    let mut bound = journal.0.to_vec();
    bound.extend_from_slice(&index.to_be_bytes());
    bound.extend_from_slice(&length.to_be_bytes());
    bound
}

/// Seals chunk `index` of a blob of `length` bytes. `salt` is 24 random bytes, fresh for every call; `plain` is the blob's
/// bytes from `index * CHUNK` on.
///
/// # Errors
/// [`NoSuchChunk`], also where `plain` is not as long as that chunk is.
pub fn seal_chunk(
    key: &BlobKey,
    journal: &JournalId,
    salt: [u8; 24],
    length: u64,
    index: u32,
    plain: &[u8],
) -> Result<Vec<u8>, NoSuchChunk> {
    let none = NoSuchChunk { length, index };
    let len = plain_len(length, index)?;
    if plain.len() != len {
        return Err(none);
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(padme(len.max(LEAST))));
    padded.extend_from_slice(plain);
    padded.resize(padme(len.max(LEAST)), 0);
    let bound = bound(journal, length, index);
    FORM.seal(&[], &salt, key.expose(), &bound, &padded)
        .map_err(|_| none)
}

/// The name of a sealed chunk.
pub fn chunk_name(sealed: &[u8]) -> ChunkName {
    kdf::sha256(&[sealed])
}

/// Opens a chunk: its length, then the commitment in constant time, then the AEAD, then the padding. Gives the blob's
/// bytes from `index * CHUNK` on. Whether its name is the one that was asked for is the caller's to compare.
///
/// # Errors
/// [`ChunkError`].
pub fn open_chunk(
    key: &BlobKey,
    journal: &JournalId,
    length: u64,
    index: u32,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ChunkError> {
    let size = sealed.len();
    let expected = sealed_chunk_len(length, index)?;
    if size != expected {
        return Err(ChunkError::Size { size, expected });
    }
    let parts = FORM.read(sealed).map_err(|unread| match unread {
        Unread::TooLarge | Unread::TooShort => ChunkError::Size { size, expected },
        Unread::Magic => ChunkError::NotAChunk,
        Unread::Version(version) => ChunkError::Version(version),
        Unread::Suite(suite) => ChunkError::Suite(suite),
    })?;
    let mut plain = FORM
        .open(&parts, key.expose(), &bound(journal, length, index))
        .map_err(|unopened| match unopened {
            Unopened::OtherSecret => ChunkError::OtherKey,
            Unopened::Forged => ChunkError::Forged,
        })?;
    let len = plain_len(length, index)?;
    if plain.iter().skip(len).any(|byte| *byte != 0) {
        return Err(ChunkError::Padding);
    }
    plain.truncate(len);
    Ok(plain)
}

#[cfg(test)]
mod tests;
