//! `amends passphrase`: a new passphrase in the old one's place.

use std::path::PathBuf;

use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::Serialize;

use crate::advice::Advice;
use crate::cli::Context;
use crate::home::{Home, ReplaceVaultError};
use crate::keyring;
use crate::kit::ByKit;
use crate::passphrase::{self, Locked};
use crate::request::Failure;
use crate::terminal::{line, reason};
use amends_keys::vault::Cost;

/// Change the passphrase
#[derive(Debug, Args)]
#[command(
    long_about = "Change the passphrase of this journal: the old one is asked for, then the new one twice. If you forgot it, --kit takes the 24 words of your recovery kit in its place.\n\nWith --keyring on, the keyring of this system opens the journal from then on without asking, beside the passphrase: until the device restarts or amends lock, after which the passphrase is asked for once. Meanwhile every program of yours can open it. On Linux that is the kernel's own keyring, which needs no desktop. With --keyring off the keyring forgets it.\n\nAn amends that is up goes on. The recovery kit stays as it is. Copies and backups from before still open with the old passphrase: where somebody else knows it, make new ones and destroy the old.",
    after_help = "Examples:\n  amends passphrase\n  amends passphrase --kit        when you forgot it\n  amends passphrase --passphrase-file old --new-passphrase-file new\n  amends passphrase --keyring on  do not ask until the next restart"
)]
pub struct Arguments {
    /// Take the new passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    new_passphrase_file: Option<PathBuf>,
    /// Let the system's keyring open the journal without asking, or no more; the passphrase stays as it is
    #[arg(long, value_name = "WHETHER", conflicts_with = "new_passphrase_file")]
    keyring: Option<Whether>,
    #[command(flatten)]
    by_kit: ByKit,
}

/// Whether the system's keyring is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Whether {
    /// From now on.
    On,
    /// No more.
    Off,
}

#[derive(Serialize)]
struct Changed {
    changed: bool,
    /// Whether there is a recovery kit, which opens the journal as before.
    kit: bool,
    /// Whether the system's keyring opens it without asking.
    keyring: bool,
}

/// Runs `amends passphrase`.
///
/// # Errors
/// Where the old one, or the kit, does not open the vault, and whatever keeps it from being written; the old one stays then.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    let locked = Locked::of(&home)?;
    if let Some(whether) = arguments.keyring {
        return use_keyring(context, &home, &locked, whether, &arguments.by_kit).await;
    }
    let key = arguments.by_kit.unlock(context, &locked).await?;
    let new = passphrase::choose_from(context, arguments.new_passphrase_file.as_deref()).await?;
    let mut vault = locked.vault.clone();
    let cost = vault.cost().unwrap_or(Cost::DEFAULT);
    vault
        .set_passphrase(&key, &new, cost, &mut UnwrapErr(SysRng))
        .map_err(passphrase::not_taken)?;
    home.replace_vault(&locked.bytes, &vault.to_bytes())
        .map_err(not_replaced)?;
    context.out.value(&Changed {
        changed: true,
        kit: vault.has_kit(),
        keyring: keyring::holds(&vault),
    })?;
    context.out.say(
        "The passphrase is changed. Copies and backups from before still open with the old one.",
    )
}

/// Makes the keyring's slot, or takes it away. Making it needs the passphrase, or the kit.
async fn use_keyring(
    context: &Context,
    home: &Home,
    locked: &Locked,
    whether: Whether,
    by_kit: &ByKit,
) -> Result<(), Failure> {
    let mut vault = locked.vault.clone();
    let on = whether == Whether::On;
    if on {
        keyring::works().map_err(no_keyring)?;
        let key = by_kit.unlock(context, locked).await?;
        vault.make_keyring(&key, &mut UnwrapErr(SysRng));
        keyring::give(&vault, &key).map_err(no_keyring)?;
    } else {
        vault.forget_keyring();
    }
    // What is in the file and what is in the keyring fit each other, whichever of the two fails.
    if let Err(error) = home.replace_vault(&locked.bytes, &vault.to_bytes()) {
        if on {
            keyring::forget(&vault);
        }
        return Err(not_replaced(error));
    }
    keyring::forget(&locked.vault);
    context.out.value(&Changed {
        changed: vault != locked.vault,
        kit: vault.has_kit(),
        keyring: on,
    })?;
    context.out.say(if on {
        "The system's keyring opens the journal from now on without asking, until this device restarts or you give amends lock; then the passphrase is asked for once. Meanwhile every program of yours can open it."
    } else {
        "The system's keyring has forgotten the journal. The passphrase is asked for every time."
    })
}

fn no_keyring(fault: keyring::KeyringFault) -> Failure {
    Advice::NoKeyring {
        why: fault.to_string(),
    }
    .into()
}

/// What is said where a vault stays as it was.
pub(crate) fn not_replaced(error: ReplaceVaultError) -> Failure {
    match error {
        ReplaceVaultError::Meanwhile => Advice::VaultMeanwhile.into(),
        ReplaceVaultError::Io { path, error } => Advice::VaultNotReplaced {
            path: line(&path.display().to_string()),
            error: reason(&error),
        }
        .into(),
    }
}
