//! Where the passphrase comes from: a terminal, without echo, or a file that a script names. Never an argument, never
//! the environment.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use amends_keys::vault::{MAX_PASSPHRASE, PassphraseError, UnlockError, Vault, VaultKey};
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::cli::Context;
use crate::home::Home;
use crate::keyring;
use crate::request::Failure;
use crate::terminal::asking::{Terminal, read_line};
use crate::terminal::{Output, line, reason};

/// How often a person may mistype it before the command ends.
const TRIES: u32 = 3;

/// A passphrase for a new vault: asked twice, so that nobody locks themselves out with a typing error.
///
/// # Errors
/// What [`Advice`] says of passphrases, terminals and files.
pub async fn choose(context: &Context) -> Result<Zeroizing<String>, Failure> {
    choose_from(context, context.passphrase_file.as_deref()).await
}

/// As [`choose`], from `file` where one is named.
///
/// # Errors
/// As [`choose`].
pub async fn choose_from(
    context: &Context,
    file: Option<&Path>,
) -> Result<Zeroizing<String>, Failure> {
    if let Some(file) = file {
        return from_file(file, context.out);
    }
    let mut terminal = terminal(context)?;
    context.out.note("The passphrase opens your journal on this device. Nobody can reset it: keep it somewhere safe.");
    let first = terminal
        .ask_unseen("Choose a passphrase: ")
        .await?
        .unwrap_or_default();
    if first.is_empty() {
        return Err(Advice::EmptyPassphrase.into());
    }
    let second = terminal
        .ask_unseen("And once more: ")
        .await?
        .unwrap_or_default();
    if first == second {
        Ok(first)
    } else {
        Err(Advice::PassphrasesDiffer.into())
    }
}

/// What is said of a passphrase that no slot can be made with.
pub fn not_taken(error: PassphraseError) -> Failure {
    match error {
        PassphraseError::Empty => Advice::EmptyPassphrase,
        PassphraseError::TooLong => Advice::PassphraseTooLong {
            limit: MAX_PASSPHRASE as u64,
        },
        PassphraseError::OutOfMemory { memory_kib } => Advice::NoMemory {
            mib: u64::from(memory_kib / 1024),
        },
    }
    .into()
}

/// A vault that is still locked, and where it was read.
#[derive(Debug)]
pub struct Locked {
    /// The vault.
    pub vault: Vault,
    /// Its bytes, as they were read.
    pub bytes: Vec<u8>,
    /// The file that it stands in.
    pub path: PathBuf,
}

impl Locked {
    /// The vault of `home`.
    ///
    /// # Errors
    /// [`Advice::VaultDamaged`], and where the file cannot be read.
    pub fn of(home: &Home) -> Result<Locked, Failure> {
        Locked::read(home.read_vault()?, home.dir().join(crate::home::VAULT))
    }

    /// The vault that `bytes` of the file `path` hold.
    ///
    /// # Errors
    /// [`Advice::VaultDamaged`].
    pub fn read(bytes: Vec<u8>, path: PathBuf) -> Result<Locked, Failure> {
        match Vault::parse(&bytes) {
            Ok(vault) => Ok(Locked { vault, bytes, path }),
            Err(error) => Err(damaged(&path, &error)),
        }
    }

    /// What is said where its bytes do not fit each other.
    pub fn damaged(&self, why: &dyn std::fmt::Display) -> Failure {
        damaged(&self.path, why)
    }

    /// Tries a passphrase; None where it is a wrong one. Takes as long as the vault's cost says.
    ///
    /// # Errors
    /// [`Advice::VaultDamaged`], [`Advice::NoMemory`].
    pub fn try_passphrase(&self, passphrase: &str) -> Result<Option<VaultKey>, Failure> {
        match self.vault.unlock(passphrase) {
            Ok(key) => Ok(Some(key)),
            Err(UnlockError::WrongPassphrase) => Ok(None),
            // No vault has such a passphrase, so it is a wrong one like any other.
            Err(UnlockError::Passphrase(PassphraseError::Empty | PassphraseError::TooLong)) => {
                Ok(None)
            }
            Err(UnlockError::Passphrase(error)) => Err(not_taken(error)),
            Err(e @ (UnlockError::NoPassphraseSlot | UnlockError::Changed)) => {
                Err(self.damaged(&e))
            }
        }
    }

    /// Opens it with the passphrase, from the file that was named or from the person.
    ///
    /// # Errors
    /// [`Advice::WrongPassphrase`], [`Advice::VaultDamaged`] and what can go wrong with asking.
    pub async fn unlock(&self, context: &Context) -> Result<VaultKey, Failure> {
        if let Some(file) = &context.passphrase_file {
            return self
                .try_passphrase(&from_file(file, context.out)?)?
                .ok_or(Advice::WrongPassphrase.into());
        }
        let mut terminal = terminal(context)?;
        for left in (0..TRIES).rev() {
            let passphrase = terminal
                .ask_unseen("Passphrase: ")
                .await?
                .ok_or(Failure::from(Advice::Stopped))?;
            if let Some(key) = self.try_passphrase(&passphrase)? {
                return Ok(key);
            }
            if left > 0 {
                context.out.note("That is not it. Please try again.");
            }
        }
        Err(Advice::WrongPassphrase.into())
    }
}

fn damaged(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Advice::VaultDamaged {
        path: line(&path.display().to_string()),
        why: why.to_string(),
    }
    .into()
}

/// Unlocks the vault of `home`: with what the system's keyring holds, where it has a slot for that and no passphrase is
/// given; else with the passphrase, after which the keyring holds it again.
///
/// # Errors
/// As [`Locked::of`] and [`Locked::unlock`].
pub async fn unlock(context: &Context, home: &Home) -> Result<VaultKey, Failure> {
    let locked = Locked::of(home)?;
    if context.passphrase_file.is_none()
        && let Some(key) = keyring::open(&locked.vault)
    {
        return Ok(key);
    }
    let key = locked.unlock(context).await?;
    if let Err(fault) = keyring::give(&locked.vault, &key) {
        context.out.note(&format!(
            "The keyring does not take the key, so that the passphrase is asked for next time too: {fault}."
        ));
    }
    Ok(key)
}

fn terminal(context: &Context) -> Result<Terminal, Failure> {
    if context.may_ask {
        Terminal::open()
    } else {
        Err(Advice::NoPassphrase.into())
    }
}

/// The passphrase in the first line of a file.
///
/// # Errors
/// [`Advice::PassphraseFile`], [`Advice::EmptyPassphrase`].
pub fn from_file(path: &Path, out: Output) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: io::Error| {
        let error = match error.kind() {
            io::ErrorKind::InvalidData => "its first line is not text, or far too long".to_owned(),
            _ => reason(&error),
        };
        Failure::from(Advice::PassphraseFile {
            path: path.display().to_string(),
            error,
        })
    };
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    // A remark and no refusal: a pipe or a container's secret has other modes for good reasons.
    if found.is_file() && found.mode() & 0o077 != 0 {
        out.note(&format!(
            "Others on this machine can read {0}. If they should not: chmod 600 '{0}'",
            path.display()
        ));
    }
    let line = read_line(&mut file).map_err(failed)?.unwrap_or_default();
    if line.is_empty() {
        Err(Advice::EmptyPassphrase.into())
    } else {
        Ok(line)
    }
}
