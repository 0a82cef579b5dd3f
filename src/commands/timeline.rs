//! `amends timeline`: everything in order, by week.

use clap::Args;

use super::unexpected;
use crate::cli::Context;
use crate::holder;
use crate::request::{Failure, Request, Response};
use crate::words;

/// See everything in order, week by week
#[derive(Debug, Args)]
#[command(
    long_about = "Everything that the two of you wrote, week by week, as it came to this device. Quiet weeks are simply quiet.",
    after_help = "Examples:\n  amends timeline\n  amends timeline --json"
)]
pub struct Arguments {}

/// Runs `amends timeline`.
///
/// # Errors
/// Whatever keeps the journal closed.
pub async fn run(context: &Context, _: Arguments) -> Result<(), Failure> {
    match holder::ask_once(context, Request::Timeline { part: None }).await? {
        Response::Timeline(weeks) => {
            context.out.value(&weeks)?;
            context
                .out
                .say(&words::across::timeline(context.out, &weeks))
        }
        other => Err(unexpected(other)),
    }
}
