//! `amends down`: stops the process that holds the journal open.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::advice::Advice;
use crate::cli::Context;
use crate::home::Home;
use crate::local::{Holder, HolderLost, Turn};
use crate::request::{Failure, Request, Response};
use crate::terminal::reason;

/// How long the holder may take to close both stores.
const PATIENCE: Duration = Duration::from_secs(20);

/// Stop the amends that is up
#[derive(Debug, Args)]
#[command(
    long_about = "Stop the amends that is up for this journal, in this window or in the background, and close the journal. Afterwards every command asks for the passphrase again.",
    after_help = "Example:\n  amends down"
)]
pub struct Arguments {}

#[derive(Serialize)]
struct ForScripts {
    /// Whether there was one to stop.
    stopped: bool,
}

/// Runs `amends down`. Needs no passphrase.
///
/// # Errors
/// [`Advice::Busy`] where it does not stop in time.
pub async fn run(context: &Context, _: Arguments) -> Result<(), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    // Not through `holder`: one of another version must be stoppable too.
    let found = Holder::find(&home)
        .await
        .map_err(|error| Advice::SocketUnusable {
            path: home.socket().display().to_string(),
            error: reason(&error),
        })?;
    let Some(holder) = found.filter(Holder::stays) else {
        context.out.value(&ForScripts { stopped: false })?;
        return context.out.say("Amends is not up for this journal.");
    };
    ask_to_end(holder).await?;
    // Down is when the journal is closed, not when that was promised.
    let lock = home.queue_for_lock()?;
    match tokio::time::timeout(PATIENCE, lock).await {
        Ok(_) => {}
        Err(_) => return Err(Advice::Busy.into()),
    }
    context.out.value(&ForScripts { stopped: true })?;
    context
        .out
        .say("Amends is down, and the journal is closed.")
}

/// Asks a holder to end, and waits for its word that it does.
///
/// # Errors
/// The failure that it answers with.
pub(super) async fn ask_to_end(holder: Holder) -> Result<(), Failure> {
    let mut caller = holder.ask(Request::Down);
    loop {
        match caller.next().await {
            Ok(Turn::Event(_)) => {}
            Ok(Turn::End(Response::Failed(failure))) if failure.code == "holder_lost" => {
                return Ok(());
            }
            Ok(Turn::End(Response::Failed(failure))) => return Err(failure),
            // Going is its answer.
            Ok(Turn::End(_)) | Err(HolderLost) => return Ok(()),
        }
    }
}
