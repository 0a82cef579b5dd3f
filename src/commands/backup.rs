//! `amends backup`: everything in one sealed file, and a journal made of it again.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use amends_keys::vault::VaultKey;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::absolute;
use super::unexpected;
use crate::advice::Advice;
use crate::app;
use crate::backup::{Backup, Which};
use crate::cli::Context;
use crate::holder;
use crate::home::{self, Home};
use crate::kit::ByKit;
use crate::request::{Failure, Request, Response};
use crate::terminal::{line, reason};

/// Keep everything in one sealed file, and come back with it
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A backup is one sealed file of everything on this device, what is private included. The passphrase opens it that opened the journal when it was written, and so does the recovery kit of that day. Keep it on another disk: a stick, for example.",
    after_help = "Examples:\n  amends backup write /media/stick/ana.backup\n  amends backup check /media/stick/ana.backup\n  amends backup restore /media/stick/ana.backup"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Write(WriteOne),
    Check(CheckOne),
    Restore(RestoreOne),
}

/// Write a backup; an amends that is up goes on
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends backup write /media/stick/ana.backup")]
pub struct WriteOne {
    /// The file to write
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Read all of a backup, to know that it is whole
#[derive(Debug, Args)]
#[command(
    long_about = "Read all of a backup, to know that it is whole and that your passphrase, or your recovery kit, opens it. Nothing is changed, and no journal is needed.",
    after_help = "Examples:\n  amends backup check ana.backup\n  amends backup check ana.backup --kit"
)]
pub struct CheckOne {
    /// The file to read
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    by_kit: ByKit,
}

/// Make a journal of a backup, where there is none
#[derive(Debug, Args)]
#[command(
    long_about = "Make a journal of a backup, where there is none. It opens with the passphrase and the kit of the day on which the backup was written.\n\nYou can write at once: what comes out of a backup writes on under a new key, as a new incarnation of this device, and your partner's device says so when you meet. What you wrote after the backup and had reached them comes back from there; what had never reached them is lost. If the journal that the backup was written of is still in use, both are kept.",
    after_help = "Examples:\n  amends backup restore ana.backup\n  amends backup restore ana.backup --kit    when you forgot the passphrase"
)]
pub struct RestoreOne {
    /// The file to read
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    by_kit: ByKit,
}

#[derive(Serialize)]
struct Written<'a> {
    file: &'a str,
    bytes: u64,
}

#[derive(Serialize)]
struct Checked {
    whole: bool,
    /// Whether a recovery kit opens it.
    kit: bool,
}

#[derive(Serialize)]
struct Restored {
    home: String,
}

/// Runs one of the verbs.
///
/// # Errors
/// Where the file cannot be written, or is no whole backup that opens; nothing is left then.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Write(arguments) => write(context, arguments).await,
        Verb::Check(arguments) => check(context, arguments).await,
        Verb::Restore(arguments) => restore(context, arguments).await,
    }
}

async fn write(context: &Context, arguments: WriteOne) -> Result<(), Failure> {
    let request = Request::BackupWrite {
        path: absolute(&arguments.file)?,
        force: arguments.force,
    };
    match holder::ask_once(context, request).await? {
        Response::BackupWritten(written) => {
            context.out.value(&Written {
                file: &written.file,
                bytes: written.bytes,
            })?;
            context.out.say(&format!(
                "Everything is in {}. The passphrase that opens the journal today opens it. See that it does, with: amends backup check",
                line(&written.file)
            ))
        }
        other => Err(unexpected(other)),
    }
}

async fn check(context: &Context, arguments: CheckOne) -> Result<(), Failure> {
    let backup = Backup::open(&arguments.file)?;
    let key = arguments.by_kit.unlock(context, &backup.locked).await?;
    let kit = backup.locked.vault.has_kit();
    backup.read(&key.backups(), |_, _| Ok(()))?;
    context.out.value(&Checked { whole: true, kit })?;
    context.out.say(&format!(
        "{} is whole.",
        line(&arguments.file.display().to_string())
    ))
}

async fn restore(context: &Context, arguments: RestoreOne) -> Result<(), Failure> {
    let dir = context.home_dir()?;
    Home::check_vacant::<Failure>(&dir)?;
    let backup = Backup::open(&arguments.file)?;
    let key = arguments.by_kit.unlock(context, &backup.locked).await?;
    let home = Home::create(&dir, |building| fill(building, backup, &key))?;
    let dir = home.dir().display().to_string();
    context.out.say(&format!(
        "Your journal is back, in {}. Meet your partner before you edit what you share: amends sync.",
        line(&dir)
    ))?;
    context.out.value(&Restored { home: dir })
}

/// Puts everything into the folder of a new home, and opens it once.
pub(crate) fn fill(building: &Path, backup: Backup, key: &VaultKey) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::from(Advice::CannotMakeHome {
            path: line(&building.display().to_string()),
            error: reason(&error),
        })
    };
    home::write_new(&building.join(home::VAULT), backup.vault()).map_err(failed)?;
    let make = |name| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(building.join(name))
            .map_err(failed)
    };
    let (mut journal, mut private) = (make(home::JOURNAL_DB)?, make(home::PRIVATE_DB)?);
    backup.read(&key.backups(), |which, bytes| {
        let to = match which {
            Which::Journal => &mut journal,
            Which::Private => &mut private,
        };
        to.write_all(bytes).map_err(failed)
    })?;
    drop((journal, private));
    app::adopt_stores(building, key)
}
