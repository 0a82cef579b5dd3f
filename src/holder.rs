//! Finds the process that holds the journal open, or becomes it. Commands do not know which.
//!
//! Whoever holds the lock serves the local socket, a command that will be gone in a moment included: so two commands at
//! once meet there, and none fails because the other is first.
//!
//! Where this process is the holder, the journal has a thread of its own, so that a terminal that does not move (Ctrl-S),
//! an open editor or a question that nobody answers never holds up the partner's device or another command.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::advice::Advice;
use crate::app;
use crate::cli::Context;
use crate::home::{Home, Lock};
use crate::local::{Caller, Conversation, Door, Holder, HolderLost, Turn};
use crate::passphrase;
use crate::request::{Event, Failure, Request, Response};
use crate::terminal::reason;
use amends_keys::vault::VaultKey;

/// How long a command waits for one before it that neither ends nor lets it in.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks meanwhile whether it is let in.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// Conversations that may wait until the journal's thread takes them.
const WAITING: usize = 64;

/// How this process would hold the journal, if it comes to that.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// `up`: stay until told to go, and refuse to go through another holder.
    pub stays: bool,
    /// Where to listen, as it was typed.
    pub listen: Option<String>,
    /// An address of the partner's device, as it was typed.
    pub peer: Option<String>,
    /// Stay where there is no partner yet, too.
    pub alone: bool,
    /// No mDNS: known addresses only.
    pub quiet: bool,
}

/// The way to an open journal.
#[derive(Debug)]
pub enum Reached {
    /// Another process holds it.
    Elsewhere(Elsewhere),
    /// This one does.
    Here(Here),
}

/// Another process holds the journal. Its greeting was heard: it will take one request on this connection.
#[derive(Debug)]
pub struct Elsewhere {
    home: Home,
    greeted: Option<Holder>,
}

/// This process holds the journal, in a thread of its own.
#[derive(Debug)]
pub struct Here {
    conversations: mpsc::Sender<Conversation>,
    ending: oneshot::Sender<()>,
    ended: oneshot::Receiver<Result<(), Failure>>,
}

/// Finds the holder, or unlocks the vault and becomes it.
///
/// # Errors
/// Whatever keeps the journal closed.
pub async fn reach(context: &Context, wish: Wish) -> Result<Reached, Failure> {
    let home = Home::open(&context.home_dir()?)?;
    if let Some(there) = find(&home, &wish).await? {
        return Ok(there);
    }
    let key = passphrase::unlock(context, &home).await?;
    reach_with(home, key, wish).await
}

/// Whether another process holds `home` and takes `wish`.
///
/// # Errors
/// [`Advice::AlreadyUp`], [`Advice::OtherVersion`].
pub async fn find(home: &Home, wish: &Wish) -> Result<Option<Reached>, Failure> {
    // A socket that cannot be used at all is found out below, if the lock does not come free either.
    let Ok(Some(holder)) = Holder::find(home).await else {
        return Ok(None);
    };
    if wish.stays {
        return if holder.stays() {
            Err(Advice::AlreadyUp.into())
        } else {
            Ok(None)
        };
    }
    if let Some(theirs) = holder.other_version() {
        let (theirs, ours) = (theirs.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        return Err(Advice::OtherVersion { theirs, ours }.into());
    }
    Ok(Some(Reached::Elsewhere(Elsewhere {
        home: home.clone(),
        greeted: Some(holder),
    })))
}

/// Becomes the holder of `home`, or goes through one that came first.
///
/// # Errors
/// [`Advice::Busy`] where another process neither ends nor lets this one in.
pub async fn reach_with(home: Home, key: VaultKey, wish: Wish) -> Result<Reached, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut queued = home.queue_for_lock()?;
    let lock = loop {
        // First in the queue is first: the socket of one who goes just now is tried only where the lock is not free.
        let looking = tokio::time::sleep(LOOK_AGAIN);
        tokio::select! {
            biased;
            lock = &mut queued => match lock {
                Ok(Ok(lock)) => break lock,
                Ok(Err(error)) => {
                    let path = home.dir().join(crate::home::LOCK).display().to_string();
                    return Err(Advice::HomeUnusable { path, error: reason(&error) }.into());
                }
                Err(_) => return Err(Advice::Busy.into()),
            },
            () = looking => {}
        }
        if let Some(there) = find(&home, &wish).await? {
            return Ok(there);
        }
        if Instant::now() > deadline {
            return Err(Advice::Busy.into());
        }
    };
    Here::open(home, key, lock, wish).await.map(Reached::Here)
}

impl Here {
    async fn open(home: Home, key: VaultKey, lock: Lock, wish: Wish) -> Result<Here, Failure> {
        let (conversations, waiting) = mpsc::channel(WAITING);
        let (ending, end_wished) = oneshot::channel();
        let (tell_open, opened) = oneshot::channel();
        let (tell_ended, ended) = oneshot::channel();
        let to_relays = conversations.clone();
        let started = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                // The process may go on without the journal, and its keys must not.
                let outcome = amends_keys::wiping_stack(|| {
                    hold(
                        &home, key, &lock, wish, to_relays, waiting, tell_open, end_wished,
                    )
                });
                // The lock goes before the word that it is over, so that the next command finds it free.
                drop(lock);
                drop(tell_ended.send(outcome));
            });
        if let Err(error) = started {
            return Err(Advice::Internal {
                what: format!("no thread ({})", reason(&error)),
            }
            .into());
        }
        let here = Here {
            conversations,
            ending,
            ended,
        };
        match opened.await {
            Ok(()) => Ok(here),
            // It ended before it was open: what it ended with is the reason.
            Err(_) => match here.ended.await {
                Ok(Err(failure)) => Err(failure),
                _ => Err(Advice::Internal {
                    what: "the journal's thread stopped".to_owned(),
                }
                .into()),
            },
        }
    }
}

/// The journal's thread: opens it, lets others in, and runs it until it ends or `end_wished`.
#[expect(
    clippy::too_many_arguments,
    reason = "all that a thread is given when it starts, once"
)]
fn hold(
    home: &Home,
    key: VaultKey,
    lock: &Lock,
    wish: Wish,
    to_relays: mpsc::Sender<Conversation>,
    waiting: mpsc::Receiver<Conversation>,
    tell_open: oneshot::Sender<()>,
    end_wished: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let no_runtime = |e| Advice::Internal {
        what: format!("no runtime ({})", reason(&e)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(no_runtime)?;
    let local = tokio::task::LocalSet::new();
    let outcome = local.block_on(&runtime, async move {
        let open = app::open(home, key)?;
        let stays = wish.stays;
        let options = app::Options {
            listen: wish.listen,
            peer: wish.peer,
            quiet: wish.quiet,
            alone: wish.alone,
            stays,
        };
        let door = match Door::open(home, lock, stays, to_relays) {
            Ok(door) => Some(door),
            // A command that is gone in a moment does without; nobody could speak with an `up` that did.
            Err(_) if !stays => None,
            Err(error) => {
                let path = home.socket().display().to_string();
                return Err(Advice::SocketUnusable {
                    path,
                    error: reason(&error),
                }
                .into());
            }
        };
        let _ = tell_open.send(());
        let running = app::run(open, waiting, options);
        tokio::pin!(running);
        let outcome = tokio::select! {
            outcome = &mut running => outcome,
            _ = end_wished => {
                // No new faces from now on; those who talk are heard to the end.
                let relays = door.map(Door::close);
                let outcome = running.await;
                if let Some(relays) = relays {
                    drop(relays.await);
                }
                return outcome;
            }
        };
        if let Some(door) = door {
            drop(door.close().await);
        }
        outcome
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

impl Reached {
    /// Begins a conversation.
    ///
    /// # Errors
    /// [`Advice::HolderEnding`] where the holder is just going.
    pub async fn ask(&mut self, request: Request) -> Result<Caller, Failure> {
        match self {
            Reached::Elsewhere(there) => {
                let holder = match there.greeted.take() {
                    Some(holder) => holder,
                    None => Holder::find(&there.home)
                        .await
                        .ok()
                        .flatten()
                        .ok_or(Failure::from(Advice::HolderEnding))?,
                };
                Ok(holder.ask(request))
            }
            Reached::Here(here) => {
                let (conversation, caller) = Caller::ask(request);
                // Where the journal's thread has ended the conversation is dropped with it, which its caller notices.
                drop(here.conversations.send(conversation).await);
                Ok(caller)
            }
        }
    }

    /// Asks, gives every event to `show`, and waits for the end.
    ///
    /// # Errors
    /// The failure that the holder answers with, and [`Advice::HolderLost`], [`Advice::Interrupted`].
    pub async fn ask_to_the_end(
        &mut self,
        request: Request,
        mut show: impl FnMut(Event) -> Result<(), Failure>,
    ) -> Result<Response, Failure> {
        let mut caller = self.ask(request).await?;
        let stopped = stop_wished();
        tokio::pin!(stopped);
        loop {
            let turn = tokio::select! {
                turn = caller.next() => turn,
                () = &mut stopped => return Err(Advice::Interrupted.into()),
            };
            match turn {
                Ok(Turn::Event(event)) => show(event)?,
                Ok(Turn::End(Response::Failed(failure))) => return Err(failure),
                Ok(Turn::End(response)) => return Ok(response),
                Err(HolderLost) => return Err(Advice::HolderLost.into()),
            }
        }
    }

    /// Leaves the journal, and gives what counts of `outcome` and of how that went.
    ///
    /// # Errors
    /// The failure of `outcome`, unless all it knows is that the holder went away and the holder left a better reason.
    pub async fn leave_with<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let left = self.leave().await;
        what_counts(outcome, left)
    }

    /// Leaves the journal: closes it where this process holds it, after the conversations that others began have ended.
    ///
    /// # Errors
    /// What the journal ended with, where that was a failure.
    pub async fn leave(self) -> Result<(), Failure> {
        let Reached::Here(Here {
            conversations,
            ending,
            ended,
        }) = self
        else {
            return Ok(());
        };
        drop(conversations);
        drop(ending);
        tokio::select! {
            outcome = ended => outcome.unwrap_or_else(|_| {
                Err(Advice::Internal { what: "the journal's thread stopped".to_owned() }.into())
            }),
            // Asked to stop while it closes: what is saved is saved, and the rest is not waited for.
            () = stop_wished() => Err(Advice::Interrupted.into()),
        }
    }
}

/// What counts of `outcome` and of how leaving the journal went.
///
/// # Errors
/// As [`Reached::leave_with`].
pub(crate) fn what_counts<T>(
    outcome: Result<T, Failure>,
    left: Result<(), Failure>,
) -> Result<T, Failure> {
    match (outcome, left) {
        (Ok(value), left) => left.map(|()| value),
        (Err(lost), Err(why)) if lost == Advice::HolderLost.into() => Err(why),
        (Err(failure), _) => Err(failure),
    }
}

/// Asks one thing, with nothing to show before the answer, and leaves.
///
/// # Errors
/// As [`reach`] and [`Reached::ask_to_the_end`].
pub async fn ask_once(context: &Context, request: Request) -> Result<Response, Failure> {
    let mut journal = reach(context, Wish::default()).await?;
    let answer = journal.ask_to_the_end(request, |_| Ok(())).await;
    journal.leave_with(answer).await
}

/// Waits until the person (Ctrl-C) or the system (SIGTERM, a closed terminal) wants this process to stop. Hears it from
/// the call on, not only once it is waited for: what is shown between the two may already be answered with Ctrl-C.
pub fn stop_wished() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let one = |kind| {
        let signals = signal(kind);
        async move {
            match signals {
                Ok(mut signals) => {
                    signals.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        }
    };
    let (interrupt, terminate, hangup) = (
        one(SignalKind::interrupt()),
        one(SignalKind::terminate()),
        one(SignalKind::hangup()),
    );
    async move {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
            () = hangup => {}
        }
    }
}
