//! A file that one person, or a few, can open with the `age` program and nobody else: age v1 (age-encryption.org/v1,
//! C2SP age), to a passphrase or to X25519 recipients (`age1…`).
//!
//! **What lies inside is a zip archive**, stored and not compressed: a page, the same as Markdown, its pictures. A tar
//! would be as simple, but who gets this file may sit before a Windows that opens a zip with a double click since 2001
//! and a tar only since late 2023, and then not on every machine. Sizes and sums stand before each file, not behind it,
//! since some readers of stored files ask for that. Every file in it has the date 1980-01-01 (the first that a zip can
//! name), the mode 0600 and no owner: it says nothing of who made it, where or when.
//!
//! The archive is made in memory, which is overwritten after, and only what is sealed comes to the disk: first to a
//! file of another name beside the target, synced, then renamed.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;

use age::secrecy::SecretString;
use bech32::FromBase32;
use thiserror::Error;
use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

#[cfg(test)]
mod tests;

/// The cost of guessing a passphrase, as a power of two: 256 MiB and about a second, as the age program has it. It is
/// not measured here, so that a busy or slow machine does not make a weaker file.
const WORK: u8 = 18;
/// The longest name in the archive; far more than what is asked of any system.
const LONGEST_NAME: usize = 200;

/// One file to put inside.
#[derive(Clone, Copy)]
pub struct Inside<'a> {
    /// Its name, such as `packet.html` or `pictures/1.jpg`: letters, digits, `-`, `_` and dots of ASCII, folders parted
    /// by `/`.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// Who can open the file.
pub enum To {
    /// Whoever knows the passphrase.
    Passphrase(Zeroizing<String>),
    /// Whoever has the identity of any of these.
    Recipients(Vec<Recipient>),
}

/// The public half of an age identity.
#[derive(Clone)]
pub struct Recipient(age::x25519::Recipient);

/// Why something typed is not a recipient that a file can be sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecipientError {
    /// It begins like a secret identity (`AGE-SECRET-KEY-…`), which nobody should give away.
    #[error("a secret identity, not a recipient")]
    Secret,
    /// A recipient of another kind: of a plugin, of hardware, of a newer age, or an SSH key.
    #[error("a kind of recipient that is not supported")]
    OtherKind,
    /// Not a recipient at all, or mistyped.
    #[error("not a recipient, or mistyped")]
    NotOne,
    /// The letters are right, and the key is one of those to which everybody has the secret (RFC 7748 section 6.1).
    #[error("a recipient whose secret is known to everybody")]
    Open,
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(typed: &str) -> Result<Recipient, RecipientError> {
        let typed = typed.trim();
        let lower = typed.to_ascii_lowercase();
        if lower.starts_with("age-secret-key-") || lower.starts_with("age-plugin-") {
            return Err(RecipientError::Secret);
        }
        if ["ssh-", "sk-ssh-", "ecdsa-"]
            .iter()
            .any(|kind| lower.starts_with(kind))
        {
            return Err(RecipientError::OtherKind);
        }
        let (kind, letters, variant) = bech32::decode(typed).map_err(|_| otherwise(&lower))?;
        if variant != bech32::Variant::Bech32 {
            return Err(otherwise(&lower));
        }
        if kind.starts_with("age1") {
            return Err(RecipientError::OtherKind);
        }
        let bytes = Vec::from_base32(&letters).map_err(|_| RecipientError::NotOne)?;
        let key = <[u8; 32]>::try_from(bytes).map_err(|_| RecipientError::NotOne)?;
        // The age crate panics where the shared secret is zero, and a file sealed to such a key would be open to all.
        let probe = x25519_dalek::StaticSecret::from([1; 32]);
        if !probe.diffie_hellman(&key.into()).was_contributory() {
            return Err(RecipientError::Open);
        }
        typed
            .parse()
            .map(Recipient)
            .map_err(|_| RecipientError::NotOne)
    }
}

/// What something is that is not in the letters of a recipient; those of newer kinds are longer than Bech32 allows.
fn otherwise(lower: &str) -> RecipientError {
    const LONGEST_BECH32: usize = 90;
    if lower.starts_with("age1") && lower.len() > LONGEST_BECH32 {
        RecipientError::OtherKind
    } else {
        RecipientError::NotOne
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a file could not be written. Where one of these comes, nothing new is at the target.
#[derive(Debug, Error)]
pub enum AgeFileError {
    /// There is no recipient: nobody could open the file.
    #[error("no recipient")]
    NoRecipient,
    /// The passphrase is empty: everybody could open the file.
    #[error("an empty passphrase")]
    EmptyPassphrase,
    /// A name inside the archive that is not as [`Inside::name`] says, or that is there twice.
    #[error("{0:?} is not a name for a file in an archive, or is there twice")]
    Name(String),
    /// Something of that name is there already.
    #[error("something of that name is there already")]
    Exists,
    /// The target has no file name, or a folder is there.
    #[error("the target is a folder")]
    Folder,
    /// The age or the zip crate refused what no input of ours should make it refuse.
    #[error("it could not be sealed: {0}")]
    Sealing(String),
    /// The disk or the system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes `files`, in their order, into an age file at `target` that `to` can open. Gives its length in bytes.
///
/// What is at `target` stays unless `overwrite`, and then until the new file is whole. The folder must be there. With a
/// passphrase this takes about a second and 256 MiB.
///
/// # Errors
/// Whatever [`AgeFileError`] names.
pub fn write(
    target: &Path,
    files: &[Inside<'_>],
    to: &To,
    overwrite: bool,
) -> Result<u64, AgeFileError> {
    let folder = match (target.parent(), target.file_name()) {
        (Some(folder), Some(_)) if folder.as_os_str().is_empty() => Path::new("."),
        (Some(folder), Some(_)) => folder,
        _ => return Err(AgeFileError::Folder),
    };
    match fs::symlink_metadata(target) {
        Ok(there) if there.is_dir() => return Err(AgeFileError::Folder),
        Ok(_) if !overwrite => return Err(AgeFileError::Exists),
        _ => {}
    }
    let encryptor = encryptor(to)?;
    let archive = archive(files)?;

    let mut sealed = tempfile::Builder::new()
        .prefix(".amends-age-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    let mut stream = encryptor.wrap_output(BufWriter::new(sealed.as_file_mut()))?;
    stream.write_all(&archive)?;
    // Without this the last piece is missing, and with it the proof that it is the last.
    let mut buffer = stream.finish()?;
    buffer.flush()?;
    drop(buffer);
    sealed.as_file().sync_all()?;
    let length = sealed.as_file().metadata()?.len();
    if overwrite {
        sealed.persist(target).map_err(|error| error.error)?;
    } else {
        sealed
            .persist_noclobber(target)
            .map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => AgeFileError::Exists,
                _ => AgeFileError::Io(error.error),
            })?;
    }
    // Some file systems of sticks know no sync of a folder; the file itself is on the disk.
    if let Ok(folder) = File::open(folder) {
        drop(folder.sync_all());
    }
    Ok(length)
}

fn encryptor(to: &To) -> Result<age::Encryptor, AgeFileError> {
    let sealing = |error: age::EncryptError| match error {
        age::EncryptError::Io(error) => AgeFileError::Io(error),
        error => AgeFileError::Sealing(error.to_string()),
    };
    match to {
        To::Passphrase(passphrase) if passphrase.is_empty() => Err(AgeFileError::EmptyPassphrase),
        To::Passphrase(passphrase) => {
            let secret = SecretString::from(passphrase.as_str().to_owned());
            let mut recipient = age::scrypt::Recipient::new(secret);
            recipient.set_work_factor(WORK);
            age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .map_err(sealing)
        }
        To::Recipients(recipients) if recipients.is_empty() => Err(AgeFileError::NoRecipient),
        To::Recipients(recipients) => {
            let each = recipients
                .iter()
                .map(|Recipient(key)| key as &dyn age::Recipient);
            age::Encryptor::with_recipients(each).map_err(sealing)
        }
    }
}

/// The archive, in memory that is overwritten when it is dropped and that never had to grow, so that no copy of its
/// beginning is left elsewhere.
fn archive(files: &[Inside<'_>]) -> Result<Zeroizing<Vec<u8>>, AgeFileError> {
    // What stands around one file: two headers of 30 and 46 bytes, its name in both, and room for 64-bit sizes.
    const AROUND: usize = 256;
    let mut names = BTreeSet::new();
    for file in files {
        // Some systems know no difference between large and small letters.
        if !is_a_name(file.name) || !names.insert(file.name.to_ascii_lowercase()) {
            return Err(AgeFileError::Name(file.name.to_owned()));
        }
    }
    let room = files.iter().fold(AROUND, |sum, file| {
        sum.saturating_add(file.bytes.len())
            .saturating_add(file.name.len().saturating_mul(2))
            .saturating_add(AROUND)
    });
    let mut bytes = Zeroizing::new(Vec::new());
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let begin = bytes.as_ptr();

    let sealing = |error: zip::result::ZipError| AgeFileError::Sealing(error.to_string());
    let mut zip = ZipWriter::new(Cursor::new(&mut *bytes));
    for file in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o600)
            .large_file(file.bytes.len() >= u32::MAX as usize);
        zip.start_file(file.name, options).map_err(sealing)?;
        zip.write_all(file.bytes)?;
    }
    zip.finish().map_err(sealing)?;
    debug_assert_eq!(begin, bytes.as_ptr(), "the archive had to grow");
    Ok(bytes)
}

/// Whether every system can make a file of this name, within the folder that somebody opens the archive in.
fn is_a_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.ends_with('.')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
}
