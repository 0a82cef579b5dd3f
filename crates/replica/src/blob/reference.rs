//! What an entry says of a blob.

use amends_keys::blob::{BlobKey, ChunkName, chunks_of};
use amends_keys::lv;
use thiserror::Error;

/// What an entry's part holds about one blob.
///
/// `bytes = lv(key(32), length(u64), names(32 each))`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// What its chunks are sealed with.
    pub key: BlobKey,
    /// Its bytes, [`amends_keys::blob::MAX_BLOB`] at most.
    pub length: u64,
    /// The names of its chunks, in order.
    pub chunks: Vec<ChunkName>,
}

/// Bytes that are no [`BlobRef`], or one that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a malformed reference to a blob")]
pub struct BlobRefError;

impl BlobRef {
    /// The bytes that stand in the entry: at most 6,444.
    pub fn to_bytes(&self) -> Vec<u8> {
        lv::of(&[
            self.key.expose(),
            &self.length.to_be_bytes(),
            self.chunks.as_flattened(),
        ])
    }

    /// Reads what [`BlobRef::to_bytes`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`BlobRefError`], also where the names are not as many as the length asks for.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlobRefError> {
        let mut reader = lv::Reader::new(bytes);
        let mut item = || reader.next().map_err(|_| BlobRefError);
        let (key, length, chunks) = (item()?, item()?, item()?);
        reader.finish().map_err(|_| BlobRefError)?;
        let key: &[u8; 32] = key.try_into().map_err(|_| BlobRefError)?;
        let length = u64::from_be_bytes(length.try_into().map_err(|_| BlobRefError)?);
        let (names, rest) = chunks.as_chunks::<32>();
        if !rest.is_empty() || chunks_of(length) != Some(names.len()) {
            return Err(BlobRefError);
        }
        Ok(Self {
            key: BlobKey::from_bytes(key),
            length,
            chunks: names.to_vec(),
        })
    }
}
