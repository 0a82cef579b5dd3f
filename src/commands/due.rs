//! `amends due`: what has come to its day.

use clap::Args;
use jiff::civil::Date;

use super::unexpected;
use crate::cli::Context;
use crate::holder;
use crate::request::{Failure, Request, Response};
use crate::words;

/// See what has come to its day, such as boundaries to look at again
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends due\n  amends due --until 2027-06-30")]
pub struct Arguments {
    /// Up to this day [default: today]
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

/// Runs `amends due`.
///
/// # Errors
/// Whatever keeps the journal closed.
pub async fn run(context: &Context, Arguments { until }: Arguments) -> Result<(), Failure> {
    let until = until.map(|day| day.to_string());
    match holder::ask_once(context, Request::Due { until }).await? {
        Response::Due(due) => {
            context.out.value(&due)?;
            context.out.say(&words::across::due(&due))
        }
        other => Err(unexpected(other)),
    }
}
