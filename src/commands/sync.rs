//! `amends sync`: meets the partner's device once.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::unexpected;
use crate::cli::{Context, span_of_time};
use crate::holder::{self, Wish};
use crate::request::{Event, Failure, Request, Response, Synced};
use crate::words;

/// Meet your partner's device once, then go
#[derive(Debug, Args)]
#[command(
    long_about = "Meet your partner's device once, say what went each way, and go. Amends must be up on the other device, or meet at the same time.",
    after_help = "Examples:\n  amends sync\n  amends sync --timeout 2m --peer 192.168.1.7:4001"
)]
pub struct Arguments {
    /// How long to look for it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span_of_time)]
    timeout: Duration,
    #[command(flatten)]
    where_to: WhereTo,
}

/// Where to find the partner's device, where mDNS does not.
#[derive(Debug, Args)]
pub struct WhereTo {
    /// An address of your partner's device, where it is not found by itself
    #[arg(long, value_name = "ADDR")]
    pub peer: Option<String>,
    /// Where this device listens, to fix the port
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

/// The last object of `sync --json` (DESIGN section 6).
#[derive(Serialize)]
struct ForScripts {
    sent: u64,
    received: u64,
    partner_has_all: bool,
    have_all: bool,
}

/// Runs `amends sync`.
///
/// # Errors
/// [`crate::advice::Advice::PartnerNotReached`] and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { timeout, where_to } = arguments;
    meet_once(context, timeout, where_to, false).await
}

/// Meets once: `sync`, and `up --once`.
///
/// # Errors
/// As [`run`].
pub async fn meet_once(
    context: &Context,
    timeout: Duration,
    where_to: WhereTo,
    quiet: bool,
) -> Result<(), Failure> {
    let out = context.out;
    let WhereTo { peer, listen } = where_to;
    let wish = Wish {
        stays: false,
        listen,
        peer: peer.clone(),
        alone: false,
        quiet,
    };
    let mut journal = holder::reach(context, wish).await?;
    out.note("Looking for your partner's device …");
    let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    let answer = journal
        .ask_to_the_end(Request::Sync { timeout_ms, peer }, |event| {
            out.value(&event)?;
            match (&event, words::event(out, &event)) {
                // How far it is belongs to progress; the sum comes at the end.
                (Event::Transfer { .. }, Some(words)) => {
                    if context.wordy {
                        out.note(&words);
                    }
                    Ok(())
                }
                (_, None) => Ok(()),
                (_, Some(words)) => out.say(&words),
            }
        })
        .await;
    let synced: Synced = match journal.leave_with(answer).await? {
        Response::Synced(synced) => synced,
        other => return Err(unexpected(other)),
    };
    let Synced {
        sent,
        received,
        partner_has_all,
        have_all,
        ..
    } = synced;
    out.value(&ForScripts {
        sent,
        received,
        partner_has_all,
        have_all,
    })?;
    out.say(&words::synced(&synced))
}
