//! `amends safety`: a page for somebody who may be controlled or afraid. It opens nothing and needs nothing: no home, no
//! passphrase, no partner, no network.

use clap::Args;
use serde::Serialize;

use crate::cli::Context;
use crate::request::Failure;

/// The page.
const TEXT: &str = include_str!("safety.txt");

/// Read this if you are afraid of your partner, or feel controlled
#[derive(Debug, Args)]
#[command(
    long_about = "A page for somebody who is afraid of their partner, or feels controlled: what this tool hides and does not hide, how to stop it quickly, and how to leave alone. It needs no passphrase and no journal, and opens nothing.",
    after_help = "Example:\n  amends safety"
)]
pub struct Arguments {}

#[derive(Serialize)]
struct Page {
    text: &'static str,
}

/// Runs `amends safety`. Touches no home.
///
/// # Errors
/// [`crate::advice::Advice::OutputFailed`].
pub fn run(context: &Context, _: Arguments) -> Result<(), Failure> {
    context.out.value(&Page { text: TEXT })?;
    context.out.say(TEXT.trim_end())
}
