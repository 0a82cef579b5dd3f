//! `amends export`: everything that is mine to read, in the clear. It needs nobody's consent and waits for nobody.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{absolute, unexpected};
use crate::advice::{self, Advice};
use crate::app::UNFINISHED_EXPORT;
use crate::cli::Context;
use crate::holder;
use crate::request::{Exported, Failure, Request, Response};
use crate::terminal::asking::Terminal;
use crate::terminal::line;
use crate::words;

/// Write everything that is yours to read into a new folder, in the clear
#[derive(Debug, Args)]
#[command(
    long_about = "Write everything that is yours to read into a new folder: every entry as Markdown to be read, all of them with their histories as JSON, and each part as an Automerge document. What is private goes into a folder of its own within.\n\nIt is in the clear: whoever can open that folder can read it, without a passphrase. It needs nobody's consent, no partner and no meeting, and nobody is told.",
    after_help = "Examples:\n  amends export --to ~/my-journal\n  amends export --to /media/stick/my-journal --yes --json"
)]
pub struct Arguments {
    /// The folder to write; it must be new or empty
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    to: PathBuf,
    /// Write it without being asked
    #[arg(long)]
    yes: bool,
}

/// Runs `amends export`.
///
/// # Errors
/// Where the folder cannot be written, where the answer is no, and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { to, yes } = arguments;
    let exported = write(context, &to, yes).await?;
    context.out.value(&exported)?;
    context.out.say(&words::export::done(&exported))
}

/// Writes everything that is mine to read into a folder, once that was answered with a yes.
///
/// # Errors
/// As [`run`].
pub(super) async fn write(context: &Context, to: &Path, yes: bool) -> Result<Exported, Failure> {
    let path = absolute(to)?;
    let warning = words::export::warning(&path);
    if yes {
        context.out.note(&warning);
    } else if context.may_ask && !context.out.is_json() {
        let mut terminal = Terminal::open().map_err(|_| Advice::ExportNotAnswered)?;
        terminal.put(&format!("{warning}\n"));
        if !terminal.ask_yes_or_no("Do you want that?").await? {
            return Err(Advice::SaidNo.into());
        }
    } else {
        return Err(Advice::ExportNotAnswered.into());
    }
    let request = Request::Export { path: path.clone() };
    match holder::ask_once(context, request).await {
        Ok(Response::Exported(exported)) => Ok(exported),
        Ok(other) => Err(unexpected(other)),
        Err(failure) => {
            // Where the holder itself was cut off, nobody else is left to say so.
            for left in unfinished(Path::new(&path)) {
                context.out.insist(&advice::export_unfinished(&line(
                    &left.display().to_string(),
                )));
            }
            Err(failure)
        }
    }
}

/// Folders beside the one that was asked for that hold a part of an export, of this one or of one before.
fn unfinished(target: &Path) -> Vec<PathBuf> {
    let beside = target.parent().and_then(|folder| fs::read_dir(folder).ok());
    beside
        .into_iter()
        .flatten()
        .flatten()
        .filter(|there| {
            there
                .file_name()
                .to_string_lossy()
                .starts_with(UNFINISHED_EXPORT)
        })
        .map(|there| there.path())
        .collect()
}
