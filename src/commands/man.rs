//! `amends man`: the manual pages, from the same words as the help.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::advice::Advice;
use crate::cli::Context;
use crate::request::Failure;
use crate::terminal::{line, reason};

/// Write the manual pages into a folder
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends man ~/.local/share/man/man1")]
pub struct Arguments {
    /// The folder; made where it is not there
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
}

#[derive(Serialize)]
struct Written {
    dir: String,
}

/// Runs `amends man`.
///
/// # Errors
/// [`Advice::NotAPlace`].
pub fn run(context: &Context, command: clap::Command, arguments: Arguments) -> Result<(), Failure> {
    let dir = arguments.dir;
    std::fs::create_dir_all(&dir)
        .and_then(|()| clap_mangen::generate_to(command, &dir))
        .map_err(|error| Advice::NotAPlace {
            path: line(&dir.display().to_string()),
            error: reason(&error),
        })?;
    context.out.value(&Written {
        dir: dir.display().to_string(),
    })?;
    context.out.say(&format!(
        "The manual pages are in {}.",
        line(&dir.display().to_string())
    ))
}
