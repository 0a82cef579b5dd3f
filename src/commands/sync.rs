//! `amends sync`: meets the partner's device once.

use std::time::{Duration, Instant};

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
    /// How long to look for it, and to wait while nothing comes or goes
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

/// How often it is said how far something is.
const EVERY: Duration = Duration::from_secs(1);

/// Says when it is time to say how far something is: not in its first second, and then once a second.
struct Pace {
    due: Instant,
}

impl Pace {
    fn from(now: Instant) -> Self {
        Self { due: now + EVERY }
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.due;
        if due {
            self.due = now + EVERY;
        }
        due
    }
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
    let mut pace = Pace::from(Instant::now());
    let answer = journal
        .ask_to_the_end(Request::Sync { timeout_ms, peer }, |event| {
            out.value(&event)?;
            match (&event, words::event(out, &event)) {
                // How far it is is said where it takes over a second; the sum comes at the end.
                (Event::Transfer { .. }, Some(words)) => {
                    if pace.is_due(Instant::now()) || context.wordy {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_said_after_a_second_and_then_once_a_second() {
        let now = Instant::now();
        let mut pace = Pace::from(now);
        let said: Vec<u64> = (0..40)
            .map(|tenth| tenth * 100)
            .filter(|at| pace.is_due(now + Duration::from_millis(*at)))
            .collect();
        assert_eq!(said, [1000, 2000, 3000]);
    }
}
