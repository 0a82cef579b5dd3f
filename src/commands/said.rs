//! What the verbs of all kinds have in common: their plainest arguments, what came of them, and how it is said.

use clap::Args;

use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::{self, Reached, Wish};
use crate::request::{Agenda, BrokeOff, Entry, Failure, Made, PhotoSaved, Request, Response};
use crate::words;

/// An entry.
#[derive(Debug, Args)]
pub struct Which {
    /// Which one
    pub(super) id: String,
}

/// An entry, and a reason that can be left out.
#[derive(Debug, Args)]
pub struct WithReason {
    /// Which one
    pub(super) id: String,
    /// Why, if you want to say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) reason: Option<String>,
}

/// What came of a verb.
pub(super) enum Said {
    /// All of a kind, and what is said where there are none.
    All(Vec<Entry>, &'static str),
    /// All of a kind as JSON, for scripts.
    Json(Made),
    /// One, shown whole.
    One(Box<Entry>),
    /// Something was done to one.
    Done(&'static str, Box<Entry>),
    /// Something was done to one, in words of its kind's own.
    Told(Box<Entry>, String),
    /// What a session would begin with.
    Agenda(Agenda),
    /// A photo was written out.
    Saved(PhotoSaved),
}

impl Said {
    /// Something was done to an entry, in words of its kind's own.
    pub(super) fn told(entry: Box<Entry>, words: impl FnOnce(&Entry) -> String) -> Said {
        let words = words(&entry);
        Said::Told(entry, words)
    }
}

/// All entries of a kind, as they are said: for scripts the holder makes the JSON, and nobody else takes it apart.
///
/// # Errors
/// What the holder answers with.
pub(super) async fn all(
    context: &Context,
    journal: &mut Reached,
    kind: &str,
    none: &'static str,
) -> Result<Said, Failure> {
    let request = Request::List {
        kind: kind.to_owned(),
        part: None,
        as_json: context.out.is_json(),
    };
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Entries(entries) => Ok(Said::All(entries, none)),
        Response::Json(all) => Ok(Said::Json(all)),
        other => Err(super::unexpected(other)),
    }
}

/// Opens the journal, performs, closes it again, and says what came of it.
///
/// # Errors
/// What the performing failed with, and whatever keeps the journal closed.
pub(super) async fn run_with(
    context: &Context,
    perform: impl AsyncFnOnce(&mut Reached) -> Result<Said, Failure>,
) -> Result<(), Failure> {
    // Unlocked before anything is written in an editor, so that a forgotten passphrase costs nobody a text.
    let mut journal = holder::reach(context, Wish::default()).await?;
    let outcome = perform(&mut journal).await;
    say(context, journal, outcome).await
}

/// Prints JSON as it is made, and leaves the journal meanwhile: whoever reads it slowly keeps nobody out. What closes it is
/// printed last, once all before it went well, so that a script sees by the JSON alone whether it is whole.
async fn pass_on(context: &Context, journal: Reached, mut all: Made) -> Result<(), Failure> {
    let printing = async move {
        let stopped = holder::stop_wished();
        tokio::pin!(stopped);
        let mut last: Option<Vec<u8>> = None;
        loop {
            let piece = tokio::select! {
                piece = all.next() => piece.map_err(|BrokeOff| Advice::HolderLost)?,
                () = &mut stopped => return Err(Advice::Interrupted.into()),
            };
            match piece {
                None => return Ok(last),
                Some(piece) => {
                    if let Some(before) = last.replace(piece) {
                        context.out.json_piece(&before)?;
                    }
                }
            }
        }
    };
    // The journal is left first, as far as that goes without waiting.
    let (left, printed) = futures::join!(journal.leave(), printing);
    let last = holder::what_counts(printed, left)?;
    context.out.json_piece(&last.unwrap_or_default())?;
    context.out.json_ends()
}

/// Leaves the journal, and says what came of a verb.
///
/// # Errors
/// As [`run_with`].
pub(super) async fn say(
    context: &Context,
    journal: Reached,
    outcome: Result<Said, Failure>,
) -> Result<(), Failure> {
    if let Ok(Said::Json(all)) = outcome {
        return pass_on(context, journal, all).await;
    }
    let out = context.out;
    match journal.leave_with(outcome).await? {
        Said::All(entries, none) => out.value_or(&entries, || words::list(out, &entries, none)),
        // That was printed while it came.
        Said::Json(_) => Ok(()),
        Said::One(entry) => out.value_or(&entry, || words::entry(out, &entry)),
        Said::Done(verb, entry) => out.value_or(&entry, || words::done(verb, &entry)),
        Said::Told(entry, told) => out.value_or(&entry, || told),
        Said::Agenda(agenda) => out.value_or(&agenda, || {
            words::checkin::points(&agenda.agenda, &[]).join("\n")
        }),
        Said::Saved(saved) => out.value_or(&saved, || words::memory::saved(&saved)),
    }
}
