//! `amends history` and `amends diff`: every version of an entry's words, and what changed between two of them.

use clap::Args;
use serde::Serialize;

use super::unexpected;
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder;
use crate::request::{Failure, History, Request, Response, VersionLine};
use crate::words;

/// See every version of something, with who wrote it when, and who agreed to which
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends history lusab")]
pub struct Arguments {
    /// Which one
    id: String,
}

/// See word by word what changed between two versions
#[derive(Debug, Args)]
#[command(
    long_about = "See word by word what changed between two versions of something that both of you write. Left out, it shows what changed since you last agreed, or else since the beginning.",
    after_help = "Examples:\n  amends diff lusab\n  amends diff lusab --from 1 --to 3\n  amends diff lusab --from mine --to theirs"
)]
pub struct Between {
    /// Which one
    id: String,
    /// The earlier one: a number that history shows, mine or theirs (what you or your partner last agreed to), in-force, or now
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// The later one, in the same words
    #[arg(long, value_name = "VERSION", default_value = "now")]
    to: String,
}

/// What `diff --json` prints.
#[derive(Serialize)]
struct Difference<'a> {
    id: &'a str,
    from: &'a VersionLine,
    to: &'a VersionLine,
    title: Vec<Piece>,
    text: Vec<Piece>,
}

/// A piece of a difference: what it is, then its words.
#[derive(Serialize)]
struct Piece {
    is: &'static str,
    words: String,
}

/// Runs `amends history`.
///
/// # Errors
/// Whatever keeps the journal closed, and an id that names nothing.
pub async fn run(context: &Context, Arguments { id }: Arguments) -> Result<(), Failure> {
    let history = ask(context, id).await?;
    context.out.value(&history)?;
    context
        .out
        .say(&words::across::history(context.out, &history))
}

/// Runs `amends diff`.
///
/// # Errors
/// As [`run`], and a version that there is not.
pub async fn run_between(context: &Context, arguments: Between) -> Result<(), Failure> {
    let Between { id, from, to } = arguments;
    let me = holder::ask_once(context, Request::Status { part: None }).await?;
    let Response::Status(status) = me else {
        return Err(unexpected(me));
    };
    let history = ask(context, id).await?;
    let names = (status.name.as_str(), status.partner.as_deref());
    let from = match from.as_deref() {
        Some(from) => version(&history, names, from)?,
        None => version(&history, names, "mine").or_else(|_| version(&history, names, "1"))?,
    };
    let to = version(&history, names, &to)?;
    let (title, text) = (pieces(&from.title, &to.title), pieces(&from.text, &to.text));
    context.out.value(&Difference {
        id: &history.id,
        from,
        to,
        title: title.iter().map(piece).collect(),
        text: text.iter().map(piece).collect(),
    })?;
    context.out.say(&words::across::difference(
        context.out,
        (from, to),
        &title,
        &text,
    ))
}

async fn ask(context: &Context, id: String) -> Result<History, Failure> {
    match holder::ask_once(context, Request::History { id }).await? {
        Response::History(history) => Ok(*history),
        other => Err(unexpected(other)),
    }
}

fn pieces(from: &str, to: &str) -> Vec<amends_journal::Piece> {
    amends_journal::difference(from, to)
}

fn piece(piece: &amends_journal::Piece) -> Piece {
    let (is, words) = match piece {
        amends_journal::Piece::Same(words) => ("same", words),
        amends_journal::Piece::Removed(words) => ("removed", words),
        amends_journal::Piece::Added(words) => ("added", words),
    };
    Piece {
        is,
        words: words.clone(),
    }
}

/// The version that somebody means.
fn version<'a>(
    history: &'a History,
    (me, partner): (&str, Option<&str>),
    typed: &str,
) -> Result<&'a VersionLine, Failure> {
    // What somebody agreed to is what their last agreement names, not the last version that they ever agreed to.
    let agreed = |name: Option<&str>| {
        let by = |act: &&crate::request::ActLine| {
            Some(act.by.as_str()) == name && matches!(act.verb.as_str(), "propose" | "agree")
        };
        let hash = history.acts.iter().rfind(by)?.hash.as_str();
        history.versions.iter().find(|version| version.hash == hash)
    };
    let found = match typed {
        "now" => history.versions.iter().rfind(|version| version.current),
        "in-force" => history.versions.iter().rfind(|version| version.in_force),
        "mine" => agreed(Some(me)),
        "theirs" => agreed(partner),
        number => number
            .parse::<u64>()
            .ok()
            .and_then(|number| history.versions.iter().find(|v| v.version == number)),
    };
    found.ok_or_else(|| {
        Advice::NoSuchVersion {
            id: history.id.clone(),
            version: typed.to_owned(),
        }
        .into()
    })
}
