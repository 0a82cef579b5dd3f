//! Where the passphrase comes from: a terminal, without echo, or a file that a script names. Never an argument, never
//! the environment.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use amends_keys::vault::{PassphraseError, UnlockError, Vault, VaultKey};
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::cli::Context;
use crate::home::Home;
use crate::request::Failure;
use crate::terminal::asking::{Terminal, read_line};
use crate::terminal::{Output, reason};

/// How often a person may mistype it before the command ends.
const TRIES: u32 = 3;

/// A passphrase for a new vault: asked twice, so that nobody locks themselves out with a typing error.
///
/// # Errors
/// What [`Advice`] says of passphrases, terminals and files.
pub async fn choose(context: &Context) -> Result<Zeroizing<String>, Failure> {
    if let Some(file) = &context.passphrase_file {
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

/// Unlocks the vault of `home`.
///
/// # Errors
/// [`Advice::WrongPassphrase`], [`Advice::VaultDamaged`] and what can go wrong with asking.
pub async fn unlock(context: &Context, home: &Home) -> Result<VaultKey, Failure> {
    let vault = home.dir().join(crate::home::VAULT);
    let bytes = home.read_vault()?;
    let damaged = |why: String| {
        Failure::from(Advice::VaultDamaged {
            path: vault.display().to_string(),
            why,
        })
    };
    let vault = Vault::parse(&bytes).map_err(|e| damaged(e.to_string()))?;
    let try_with = |passphrase: &str| match vault.unlock(passphrase) {
        Ok(key) => Ok(Some(key)),
        Err(UnlockError::WrongPassphrase) => Ok(None),
        // No vault has such a passphrase, so it is a wrong one like any other.
        Err(UnlockError::Passphrase(PassphraseError::Empty | PassphraseError::TooLong)) => Ok(None),
        Err(UnlockError::Passphrase(PassphraseError::OutOfMemory { memory_kib })) => {
            Err(Advice::NoMemory {
                mib: u64::from(memory_kib / 1024),
            }
            .into())
        }
        Err(e @ (UnlockError::NoPassphraseSlot | UnlockError::Changed)) => {
            Err(damaged(e.to_string()))
        }
    };
    if let Some(file) = &context.passphrase_file {
        return try_with(&from_file(file, context.out)?)?.ok_or(Advice::WrongPassphrase.into());
    }
    let mut terminal = terminal(context)?;
    for left in (0..TRIES).rev() {
        let passphrase = terminal
            .ask_unseen("Passphrase: ")
            .await?
            .ok_or(Failure::from(Advice::Stopped))?;
        if let Some(key) = try_with(&passphrase)? {
            return Ok(key);
        }
        if left > 0 {
            context.out.note("That is not it. Please try again.");
        }
    }
    Err(Advice::WrongPassphrase.into())
}

fn terminal(context: &Context) -> Result<Terminal, Failure> {
    if context.may_ask {
        Terminal::open()
    } else {
        Err(Advice::NoPassphrase.into())
    }
}

fn from_file(path: &Path, out: Output) -> Result<Zeroizing<String>, Failure> {
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
