//! `amends search`: where words stand, on this device alone.

use clap::Args;

use super::unexpected;
use crate::cli::Context;
use crate::holder;
use crate::request::{Failure, Request, Response};
use crate::words;

/// Find words in everything here, your private entries included
#[derive(Debug, Args)]
#[command(
    long_about = "Find words in everything on this device, your private entries included. All words must be there, in any order; the beginning of a word is enough, accents and capitals do not matter, and \"words in quotes\" must stand together.",
    after_help = "Examples:\n  amends search dinner phone\n  amends search '\"no phones\"'"
)]
pub struct Arguments {
    /// What to look for
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// How many entries to show at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    most: u64,
}

/// Runs `amends search`.
///
/// # Errors
/// Whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { words, most } = arguments;
    // Several words in one argument were quoted for the shell, not for the search.
    let words = words.join(" ");
    match holder::ask_once(context, Request::Search { words, most }).await? {
        Response::Found(found) => {
            context.out.value(&found)?;
            context.out.say(&words::across::found(context.out, &found))
        }
        other => Err(unexpected(other)),
    }
}
