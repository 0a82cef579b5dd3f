//! `amends up`: holds the journal open, meets the partner's device whenever it can, and lets other commands in.

use std::time::Duration;

use clap::Args;

use super::sync::{WhereTo, meet_once};
use crate::advice::Advice;
use crate::background;
use crate::cli::Context;
use crate::holder::{self, Reached, Wish, stop_wished};
use crate::local::{HolderLost, Turn};
use crate::request::{Event, Failure, Request, Response};
use crate::words;

/// Stay up: meet your partner's device whenever it is near, and show what comes
#[derive(Debug, Args)]
#[command(
    long_about = "Hold the journal open: meet your partner's device whenever both are up, show what comes as it comes, and let other commands in without a passphrase. Ctrl-C, or amends down, stops it.",
    after_help = "Examples:\n  amends up\n  amends up --background\n  amends up --quiet --peer 192.168.1.7:4001"
)]
pub struct Arguments {
    #[command(flatten)]
    where_to: WhereTo,
    /// Do not look for or announce anything on the network (mDNS): known addresses only
    #[arg(long)]
    quiet: bool,
    /// Meet once and go, as sync does
    #[arg(long, conflicts_with = "background")]
    once: bool,
    /// Go on without this window
    #[arg(long)]
    background: bool,
    /// What --background starts: takes the vault key from standard input and says on standard output how it went
    #[arg(long, hide = true, conflicts_with_all = ["once", "background"])]
    from_parent: bool,
}

/// Runs `amends up`.
///
/// # Errors
/// [`Advice::AlreadyUp`] and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        where_to,
        quiet,
        once,
        background,
        from_parent,
    } = arguments;
    if once {
        return meet_once(context, Duration::from_secs(30), where_to, quiet).await;
    }
    let wish = Wish {
        stays: true,
        listen: where_to.listen,
        peer: where_to.peer,
        alone: false,
        quiet,
    };
    if background {
        return background::start(context, &wish).await;
    }
    if from_parent {
        return background::stay(context, wish).await;
    }
    let mut journal = holder::reach(context, wish).await?;
    let shown = show_all(context, &mut journal).await;
    journal.leave_with(shown).await?;
    context
        .out
        .say("Amends is down, and the journal is closed.")
}

/// Shows everything that happens until the person or another command wants it to end.
async fn show_all(context: &Context, journal: &mut Reached) -> Result<(), Failure> {
    let out = context.out;
    let mut caller = journal.ask(Request::Watch).await?;
    let stopped = stop_wished();
    tokio::pin!(stopped);
    loop {
        let turn = tokio::select! {
            turn = caller.next() => turn,
            () = &mut stopped => return Ok(()),
        };
        match turn {
            Ok(Turn::Event(event)) => {
                let how_far = matches!(event, Event::Transfer { .. } | Event::Photos { .. });
                if out.is_json() {
                    out.value(&event)?;
                } else if let Some(words) = words::event(out, &event) {
                    // How far something is is for who sits before it: beside what came, and not in a file of it.
                    match how_far {
                        true if out.is_terminal() || context.wordy => out.note(&words),
                        true => {}
                        false => out.say(&words)?,
                    }
                }
            }
            Ok(Turn::End(Response::Failed(failure))) => return Err(failure),
            // Somebody said `amends down`; why else it may have ended is what leaving it says.
            Ok(Turn::End(_)) | Err(HolderLost) => return Ok(()),
        }
    }
}

/// Waits for the first [`Event::Up`] of a journal that this process holds.
///
/// # Errors
/// What it ended with instead.
pub(crate) async fn listening(caller: &mut crate::local::Caller) -> Result<Event, Failure> {
    loop {
        match caller.next().await {
            Ok(Turn::Event(event @ Event::Up { .. })) => return Ok(event),
            Ok(Turn::Event(_)) => {}
            Ok(Turn::End(Response::Failed(failure))) => return Err(failure),
            Ok(Turn::End(_)) | Err(HolderLost) => {
                return Err(Advice::BackgroundFailed {
                    error: "it ended at once".to_owned(),
                }
                .into());
            }
        }
    }
}
