//! Step 2: exactly one chunk, of type 1, no trailing bytes, checksum right.
//!
//! A chunk (Automerge binary format, "Chunk container") is `85 6f 4a 83`, the first 4 bytes of its
//! hash, its type, the length of its content in LEB128, and the content. The hash is SHA-256 of
//! everything from the type on. Types: 0 document, 1 change, 2 deflated change, 3 bundle.

use sha2::{Digest, Sha256};

use super::reader::{ReadFault, Reader};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE: u8 = 1;

/// A payload is at most 256 KiB (PROTOCOL section 6, step 1), so a change cannot be longer.
pub const CHANGE_BYTES: usize = 256 * 1024;

/// What step 2 refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    /// Longer than a payload may be.
    #[error("a change of {0} bytes, {CHANGE_BYTES} at most")]
    TooLong(usize),
    /// It does not begin as a chunk does.
    #[error("not an Automerge chunk")]
    Magic,
    /// A document, a deflated change, a bundle or something unknown.
    #[error("a chunk of type {0}, not a change")]
    Type(u8),
    /// Bytes after the chunk: another chunk, or none.
    #[error("{0} bytes after the change")]
    Trailing(usize),
    /// The hash of the content does not begin with the checksum.
    #[error("the checksum is wrong")]
    Checksum,
    /// Cut short, or a length that is no number.
    #[error(transparent)]
    Read(#[from] ReadFault),
}

/// One change's content and the hash that names it.
pub(crate) struct Chunk<'a> {
    pub(crate) hash: [u8; 32],
    pub(crate) content: &'a [u8],
}

/// Step 2.
pub(crate) fn open(bytes: &[u8]) -> Result<Chunk<'_>, ChunkFault> {
    if bytes.len() > CHANGE_BYTES {
        return Err(ChunkFault::TooLong(bytes.len()));
    }
    let mut reader = Reader(bytes);
    if reader.array()? != MAGIC {
        return Err(ChunkFault::Magic);
    }
    let checksum: [u8; 4] = reader.array()?;
    let hashed = reader.0;
    let kind = reader.byte()?;
    if kind != CHANGE {
        return Err(ChunkFault::Type(kind));
    }
    let content = reader.prefixed()?;
    if !reader.is_empty() {
        return Err(ChunkFault::Trailing(reader.0.len()));
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if !hash.starts_with(&checksum) {
        return Err(ChunkFault::Checksum);
    }
    Ok(Chunk { hash, content })
}
