//! `amends passphrase`: a new passphrase in the old one's place.

use std::path::PathBuf;

use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::Serialize;

use crate::advice::Advice;
use crate::cli::Context;
use crate::home::{Home, ReplaceVaultError};
use crate::kit::ByKit;
use crate::passphrase::{self, Locked};
use crate::request::Failure;
use crate::terminal::{line, reason};
use amends_keys::vault::Cost;

/// Change the passphrase
#[derive(Debug, Args)]
#[command(
    long_about = "Change the passphrase of this journal: the old one is asked for, then the new one twice. If you forgot it, --kit takes the 24 words of your recovery kit in its place.\n\nAn amends that is up goes on. The recovery kit stays as it is. Copies and backups from before still open with the old passphrase: where somebody else knows it, make new ones and destroy the old.",
    after_help = "Examples:\n  amends passphrase\n  amends passphrase --kit        when you forgot it\n  amends passphrase --passphrase-file old --new-passphrase-file new"
)]
pub struct Arguments {
    /// Take the new passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    new_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    by_kit: ByKit,
}

#[derive(Serialize)]
struct Changed {
    changed: bool,
    /// Whether there is a recovery kit, which opens the journal as before.
    kit: bool,
}

/// Runs `amends passphrase`.
///
/// # Errors
/// Where the old one, or the kit, does not open the vault, and whatever keeps it from being written; the old one stays then.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    let locked = Locked::of(&home)?;
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
    })?;
    context.out.say(
        "The passphrase is changed. Copies and backups from before still open with the old one.",
    )
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
