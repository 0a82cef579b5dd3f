//! `amends up --background`: the same program again, without this window.
//!
//! The parent asks for the passphrase and unlocks the vault; the child gets the vault's key through a pipe, never in an
//! argument or the environment, and answers on another pipe with one line: that it is up, or why not.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use amends_keys::vault::VaultKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::cli::Context;
use crate::commands::up::listening;
use crate::holder::{self, Reached, Wish, stop_wished};
use crate::home::Home;
use crate::local::{HolderLost, Turn};
use crate::passphrase;
use crate::request::{Event, Failure, Request};
use crate::terminal::reason;

/// What the child says, once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "said once")]
enum Word {
    Up(Event),
    Failed(Failure),
}

/// The parent's side: unlocks, starts the child and waits until it is up.
///
/// # Errors
/// [`Advice::AlreadyUp`], [`Advice::BackgroundFailed`], and what the child failed with.
pub async fn start(context: &Context, wish: &Wish) -> Result<(), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    holder::find(&home, wish).await?;
    let key = passphrase::unlock(context, &home).await?;
    let failed = |error: io::Error| {
        Failure::from(Advice::BackgroundFailed {
            error: reason(&error),
        })
    };
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .arg("--home")
        .arg(home.dir())
        .args(["up", "--from-parent"]);
    if wish.quiet {
        command.arg("--quiet");
    }
    for (option, value) in [("--listen", &wish.listen), ("--peer", &wish.peer)] {
        if let Some(value) = value {
            command.arg(option).arg(value);
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/");
    let mut child = command.spawn().map_err(failed)?;
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Advice::BackgroundFailed {
            error: "no pipe".to_owned(),
        }
        .into());
    };
    to.write_all(&key.expose()[..]).map_err(failed)?;
    drop(to);
    let mut said = String::new();
    BufReader::new(from).read_line(&mut said).map_err(failed)?;
    match serde_json::from_str(&said) {
        Ok(Word::Up(event)) => {
            context.out.value(&event)?;
            if let Some(words) = crate::words::event(context.out, &event) {
                context.out.say(&words)?;
            }
            context
                .out
                .say("It goes on without this window. To stop it: amends down.")
        }
        Ok(Word::Failed(failure)) => Err(failure),
        Err(_) => Err(Advice::BackgroundFailed {
            error: "it ended at once".to_owned(),
        }
        .into()),
    }
}

/// The child's side: leaves the window, takes the key and stays.
///
/// # Errors
/// None that anybody could read: they go to the parent.
pub async fn stay(context: &Context, wish: Wish) -> Result<(), Failure> {
    // A process that was just started leads no group, so that this cannot fail; and if it did, the journal would only
    // go down with the window.
    let _ = rustix::process::setsid();
    let outcome = match open(context, wish).await {
        Ok((journal, event, caller)) => {
            tell(&Word::Up(event));
            Ok((journal, caller))
        }
        Err(failure) => {
            tell(&Word::Failed(failure.clone()));
            Err(failure)
        }
    };
    let (journal, mut caller) = outcome?;
    let stopped = stop_wished();
    tokio::pin!(stopped);
    loop {
        let turn = tokio::select! {
            turn = caller.next() => turn,
            () = &mut stopped => break,
        };
        match turn {
            Ok(Turn::Event(_)) => {}
            Ok(Turn::End(_)) | Err(HolderLost) => break,
        }
    }
    drop(caller);
    journal.leave().await
}

async fn open(
    context: &Context,
    wish: Wish,
) -> Result<(Reached, Event, crate::local::Caller), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    let mut key = Zeroizing::new([0; 32]);
    io::stdin()
        .lock()
        .read_exact(&mut key[..])
        .map_err(|error| {
            Failure::from(Advice::BackgroundFailed {
                error: reason(&error),
            })
        })?;
    let mut journal = holder::reach_with(home, VaultKey::from_bytes(&key), wish).await?;
    let mut caller = journal.ask(Request::Watch).await?;
    match listening(&mut caller).await {
        Ok(event) => Ok((journal, event, caller)),
        Err(failure) => {
            drop(caller);
            // What it ended with is the better reason, where there is one.
            journal.leave().await?;
            Err(failure)
        }
    }
}

/// Says the one word, and lets go of the pipe: whoever waits for its end must not wait for ours.
fn tell(word: &Word) {
    let mut out = io::stdout().lock();
    if let Ok(mut said) = serde_json::to_string(word) {
        said.push('\n');
        // A parent that went away needs no answer, and the journal is up all the same.
        drop(out.write_all(said.as_bytes()).and_then(|()| out.flush()));
    }
    if let Ok(nowhere) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nowhere);
        let _ = rustix::stdio::dup2_stdout(&nowhere);
    }
}
