//! `amends lock`: whoever holds the journal open forgets its keys, now.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::ending::{Ended, Patience, end_holder};
use crate::advice::Advice;
use crate::cli::Context;
use crate::home::Leaving;
use crate::keyring;
use crate::request::Failure;

/// Long enough to close both stores; what was confirmed is on the disk already, so that ending one harms nothing.
const PATIENCE: Patience = Patience {
    to_answer: Duration::from_secs(5),
    to_end: Duration::from_secs(7),
};

/// Lock the journal: nobody opens it without the passphrase
#[derive(Debug, Args)]
#[command(
    long_about = "Lock the journal: the amends that has it open, in this window, another one or the background, ends and forgets its keys. Unlike down this is done within seconds: what does not answer is ended without being asked. Nothing that was confirmed is lost. Where the system's keyring held the key, it forgets it. Afterwards every command asks for the passphrase again.",
    after_help = "Example:\n  amends lock"
)]
pub struct Arguments {}

#[derive(Serialize)]
struct Locked {
    locked: bool,
    /// Whether an amends that had it open was ended.
    stopped: bool,
    /// Whether the system's keyring held what opens it, and forgot it.
    keyring: bool,
}

/// Runs `amends lock`. Needs no passphrase, and works on a home that is damaged or too open like on any other.
///
/// # Errors
/// [`Advice::StillUnlocked`].
pub async fn run(context: &Context, _: Arguments) -> Result<(), Failure> {
    let home = Leaving::find(&context.home_dir()?)?;
    // First, so that nothing opens it again meanwhile.
    let keyring = keyring::forget_of(&home);
    let Ended {
        stopped,
        lock,
        still_open,
    } = end_holder(&home, PATIENCE).await;
    drop(lock);
    if still_open {
        return Err(Advice::StillUnlocked.into());
    }
    context.out.value(&Locked {
        locked: true,
        stopped,
        keyring,
    })?;
    context.out.say(if stopped {
        "The journal is locked. The amends that had it open has ended and forgotten its keys."
    } else {
        "The journal is locked. Nobody had it open."
    })?;
    if keyring {
        context.out.say(
            "The system's keyring has forgotten it too, until the passphrase is given again.",
        )?;
    }
    Ok(())
}
