//! A backup: one sealed file of everything, which the passphrase or the kit opens that opened the vault when it was written.
//! The bytes are laid out in `docs/formats.md`.
//!
//! ```text
//! backup      = "AMNK" ver=1 len(u32) vault(len) salt(32) commit(32) piece…
//! backup key  = HKDF(ikm = vault key, "amends/vault/v1 backup")
//! key||commit = HKDF(salt, ikm = backup key, "amends/backup/v1 key|commit", 64 bytes)
//! piece       = STREAM_BE32(ChaCha20-Poly1305, key, nonce prefix 0^7), aad = SHA-256 of all bytes before the first piece
//! ```
//!
//! The pieces are STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as the `aead-stream` crate builds it: none can be
//! changed, left out, doubled or moved, and the last one says that it is. Each is 64 KiB of what is kept, the last one
//! less. The nonce's prefix is zeros since the key seals one stream only.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::Payload;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::secret_bytes;
use crate::vault::{MAX_FILE, VaultKey};
use crate::{kdf, label};

/// What is sealed in each piece but the last.
pub const PIECE: usize = 64 * 1024;
/// The bytes of such a piece in the file.
pub const SEALED_PIECE: usize = PIECE + 16;
/// So many bytes say how long the header is: [`Header::len`].
pub const BEGINNING: usize = 9;

const MAGIC: &[u8; 4] = b"AMNK";
const VERSION: u8 = 1;
const SALT: usize = 32;
const COMMIT: usize = 32;

secret_bytes! {
    /// Seals and opens backups. It is derived from the vault's key and opens no store.
    BackupKey
}

impl VaultKey {
    /// The key of this vault's backups: HKDF without salt, "amends/vault/v1 backup".
    pub fn backups(&self) -> BackupKey {
        BackupKey::from_bytes(&kdf::hkdf(None, self.expose(), &[label::BACKUP]))
    }
}

/// Why bytes are no backup, or none that this key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BackupError {
    /// It begins otherwise.
    #[error("the file is no backup")]
    NotABackup,
    /// A later program wrote it.
    #[error("the backup has version {0}, this program reads version 1")]
    Version(u8),
    /// A byte is another than was written, or pieces are missing, doubled or moved.
    #[error("the backup was changed or cut short")]
    Changed,
}

/// What stands before the pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The vault file of the day.
    pub vault: Vec<u8>,
    salt: [u8; SALT],
    commit: [u8; COMMIT],
    hash: [u8; 32],
}

impl Header {
    /// How many bytes the whole header has, its beginning included.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn len(beginning: &[u8; BEGINNING]) -> Result<usize, BackupError> {
        let (magic, rest) = beginning
            .split_first_chunk::<4>()
            .ok_or(BackupError::NotABackup)?;
        let (version, len) = rest.split_first().ok_or(BackupError::NotABackup)?;
        if magic != MAGIC {
            return Err(BackupError::NotABackup);
        }
        if *version != VERSION {
            return Err(BackupError::Version(*version));
        }
        let len = len.first_chunk::<4>().ok_or(BackupError::NotABackup)?;
        let vault = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        if vault > MAX_FILE {
            return Err(BackupError::Changed);
        }
        Ok(BEGINNING + vault + SALT + COMMIT)
    }

    /// Reads a whole header, of the length that [`Header::len`] says.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BackupError> {
        let beginning = bytes.first_chunk().ok_or(BackupError::NotABackup)?;
        if Self::len(beginning)? != bytes.len() {
            return Err(BackupError::Changed);
        }
        let rest = bytes.get(BEGINNING..).unwrap_or_default();
        let (rest, commit) = rest
            .split_last_chunk::<COMMIT>()
            .ok_or(BackupError::Changed)?;
        let (vault, salt) = rest
            .split_last_chunk::<SALT>()
            .ok_or(BackupError::Changed)?;
        Ok(Self {
            vault: vault.to_vec(),
            salt: *salt,
            commit: *commit,
            hash: kdf::sha256(&[bytes]),
        })
    }
}

/// Writes the pieces of one backup, in order.
pub struct Sealer {
    stream: EncryptorBE32<ChaCha20Poly1305>,
    hash: [u8; 32],
}

impl Sealer {
    /// Begins a backup beside the vault file that its key comes from: the header's bytes, and who seals the pieces. Takes 32
    /// random bytes for the salt. A vault of over [`MAX_FILE`] bytes is none.
    ///
    /// # Errors
    /// [`BackupError::Changed`], where the vault is too long.
    pub fn begin(
        vault: &[u8],
        key: &BackupKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, Self), BackupError> {
        let len = u32::try_from(vault.len()).map_err(|_| BackupError::Changed)?;
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (stream_key, commit) = kdf::key_and_commit(&salt, key.expose(), label::BACKUP_SEAL);
        let beginning = [&MAGIC[..], &[VERSION], &len.to_be_bytes()].concat();
        let header = [&beginning[..], vault, &salt, &commit].concat();
        let hash = Header::parse(&header)?.hash;
        let stream = EncryptorBE32::new((&*stream_key).into(), &Default::default());
        Ok((header, Self { stream, hash }))
    }

    /// Seals a piece that is not the last: [`PIECE`] bytes.
    ///
    /// # Errors
    /// After 2^32 of them.
    pub fn piece(&mut self, plain: &[u8]) -> Result<Vec<u8>, BackupError> {
        let payload = Payload {
            msg: plain,
            aad: &self.hash,
        };
        self.stream
            .encrypt_next(payload)
            .map_err(|_| BackupError::Changed)
    }

    /// Seals the last piece: at most [`PIECE`] bytes.
    ///
    /// # Errors
    /// None that can be met.
    pub fn last(self, plain: &[u8]) -> Result<Vec<u8>, BackupError> {
        let payload = Payload {
            msg: plain,
            aad: &self.hash,
        };
        self.stream
            .encrypt_last(payload)
            .map_err(|_| BackupError::Changed)
    }
}

/// Opens the pieces of one backup, in order.
pub struct Opener {
    stream: DecryptorBE32<ChaCha20Poly1305>,
    hash: [u8; 32],
}

impl Opener {
    /// Begins to open.
    ///
    /// # Errors
    /// [`BackupError::Changed`], where it was not sealed under this key.
    pub fn begin(header: &Header, key: &BackupKey) -> Result<Self, BackupError> {
        let (stream_key, commit) =
            kdf::key_and_commit(&header.salt, key.expose(), label::BACKUP_SEAL);
        if !bool::from(commit.ct_eq(&header.commit)) {
            return Err(BackupError::Changed);
        }
        Ok(Self {
            stream: DecryptorBE32::new((&*stream_key).into(), &Default::default()),
            hash: header.hash,
        })
    }

    /// Opens a piece that others follow: [`SEALED_PIECE`] bytes.
    ///
    /// # Errors
    /// [`BackupError::Changed`].
    pub fn piece(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let payload = Payload {
            msg: sealed,
            aad: &self.hash,
        };
        let opened = self.stream.decrypt_next(payload);
        opened.map(Zeroizing::new).map_err(|_| BackupError::Changed)
    }

    /// Opens the piece that the file ends with.
    ///
    /// # Errors
    /// [`BackupError::Changed`], also where the backup was longer.
    pub fn last(self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let payload = Payload {
            msg: sealed,
            aad: &self.hash,
        };
        let opened = self.stream.decrypt_last(payload);
        opened.map(Zeroizing::new).map_err(|_| BackupError::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn key() -> BackupKey {
        VaultKey::from_bytes(&[7; 32]).backups()
    }

    /// A backup of three pieces, and where its pieces begin.
    fn written() -> (Vec<u8>, usize) {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let (header, mut sealer) = Sealer::begin(b"a vault", &key(), &mut rng).unwrap();
        let mut file = header.clone();
        file.extend(sealer.piece(&[1; PIECE]).unwrap());
        file.extend(sealer.piece(&[2; PIECE]).unwrap());
        file.extend(sealer.last(b"the end").unwrap());
        (file, header.len())
    }

    fn open(file: &[u8]) -> Result<Vec<u8>, BackupError> {
        let beginning = file.first_chunk().ok_or(BackupError::NotABackup)?;
        let len = Header::len(beginning)?;
        let header = Header::parse(file.get(..len).ok_or(BackupError::Changed)?)?;
        let mut opener = Opener::begin(&header, &key())?;
        let mut rest = &file[len..];
        let mut plain = Vec::new();
        while rest.len() > SEALED_PIECE {
            let (piece, after) = rest.split_at(SEALED_PIECE);
            plain.extend_from_slice(&opener.piece(piece)?);
            rest = after;
        }
        plain.extend_from_slice(&opener.last(rest)?);
        Ok(plain)
    }

    #[test]
    fn it_is_laid_out_as_the_document_says() {
        let (file, at) = written();
        assert_eq!(file[..16], *b"AMNK\x01\0\0\0\x07a vault");
        assert_eq!(at, 16 + 64);
        let plain = [&[1; PIECE][..], &[2; PIECE], b"the end"].concat();
        assert_eq!(open(&file), Ok(plain));
        let (salt, commit) = (&file[16..48], &file[48..80]);
        let backup_key = kdf::hkdf(None, &[7; 32], &[b"amends/vault/v1 backup"]);
        let both: Zeroizing<[u8; 64]> =
            kdf::Prk::extract(Some(salt), &*backup_key).expand(&[b"amends/backup/v1 key|commit"]);
        assert_eq!(both[32..], *commit);
        // STREAM by hand: the number of the piece and whether it is the last, at the nonce's end.
        use chacha20poly1305::KeyInit;
        use chacha20poly1305::aead::Aead;
        let cipher = ChaCha20Poly1305::new(both[..32].try_into().unwrap());
        let nonce = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1];
        let payload = Payload {
            msg: &file[at + 2 * SEALED_PIECE..],
            aad: &kdf::sha256(&[&file[..at]]),
        };
        assert_eq!(cipher.decrypt(&nonce.into(), payload).unwrap(), b"the end");
    }

    #[test]
    fn no_cut_flip_doubling_or_other_order_is_taken() {
        let (file, at) = written();
        let (first, second) = (at, at + SEALED_PIECE);
        let last = second + SEALED_PIECE;
        for end in [
            0,
            4,
            8,
            9,
            at - 1,
            at,
            at + 1,
            second,
            last,
            last + 16,
            file.len() - 1,
        ] {
            assert!(open(&file[..end]).is_err(), "cut at {end}");
        }
        for i in (0..at).chain([first, second - 1, second, last - 1, last, file.len() - 1]) {
            let mut changed = file.clone();
            changed[i] ^= 1;
            assert!(open(&changed).is_err(), "byte {i}");
        }
        let piece = |from: usize, to: usize| &file[from..to];
        let (head, a, b, c) = (
            piece(0, at),
            piece(first, second),
            piece(second, last),
            &file[last..],
        );
        assert!(open(&[head, a, b, c].concat()).is_ok());
        for other in [
            [head, b, a, c].concat(),
            [head, a, a, c].concat(),
            [head, a, c].concat(),
            [head, a, b, b, c].concat(),
            [head, a, b, c, c].concat(),
            [head, a, b].concat(),
        ] {
            assert_eq!(open(&other), Err(BackupError::Changed));
        }
        assert_eq!(open(b"AMNB\x01\0\0\0\0"), Err(BackupError::NotABackup));
        assert_eq!(open(b"AMNK\x02\0\0\0\0"), Err(BackupError::Version(2)));
        assert_eq!(open(b"AMNK\x01\xff\xff\xff\xff"), Err(BackupError::Changed));
    }

    #[test]
    fn the_vault_in_it_is_at_most_as_long_as_a_vault_file_may_be() {
        let beginning = |vault: usize| {
            let mut bytes = *b"AMNK\x01\0\0\0\0";
            bytes[5..].copy_from_slice(&u32::try_from(vault).unwrap().to_be_bytes());
            Header::len(&bytes)
        };
        assert_eq!(
            beginning(MAX_FILE),
            Ok(BEGINNING + MAX_FILE + SALT + COMMIT)
        );
        assert_eq!(beginning(MAX_FILE + 1), Err(BackupError::Changed));
    }
}
