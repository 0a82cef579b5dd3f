//! `amends memory`: something good, kept; and ideas for something good to do together.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::agreement::{date, date_or_none, own_language};
use super::said::{self, Said, Which, run_with};
use super::{absolute, entry, show, unexpected};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{Entry, Failure, MemoryRequest, Request, Response};
use crate::text;
use crate::words;

/// What was good, with photos; and ideas for what you could do together
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A memory is something good that you keep together: words, a day, a place, photos. Photos are JPEG, PNG or WebP of up to 25 MiB. What tells where and with what they were taken is left behind on the way in, and they go to your partner's device piece by piece, behind everything else.",
    after_help = "Examples:\n  amends memory add \"The boat turned over, and we laughed.\" --date 2026-07-04 --place \"At the lake\" --photo boat.jpg\n  amends memory save lusab 1 --to boat-again.jpg\n  amends memory idea \"Learn to sail.\""
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Add(Add),
    Photo(PhotoOne),
    TakeBack(TakeBack),
    Save(Save),
    Idea(Idea),
    Did(Did),
    Again(Again),
    Today(Today),
    Edit(Edit),
    /// List all memories and ideas
    #[command(after_help = "Examples:\n  amends memory list\n  amends memory list --json")]
    List,
    /// Show one, and how much of its photos is here
    #[command(after_help = "Example:\n  amends memory show lusab")]
    Show(Which),
}

/// Keep a memory
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends memory add \"We laughed.\" --date 2026-07-04 --photo boat.jpg --photo island.png\n  amends memory add --title \"The lake\" --photo boat.jpg"
)]
pub struct Add {
    /// What it was; - reads it from standard input; without a title either, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A short name for it [default: its first words]
    #[arg(long)]
    title: Option<String>,
    /// On which day it was, such as 2026-07-04
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<String>,
    /// Where it was
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// A photo of it; may be given several times
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    photo: Vec<PathBuf>,
    /// Take photos of other formats too, as they are, with whatever they tell
    #[arg(long, requires = "photo")]
    keep_as_it_is: bool,
    /// The language of its words, such as en or pt-BR [default: that of your system]
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
}

/// Put a photo into a memory
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends memory photo lusab boat.jpg")]
pub struct PhotoOne {
    /// Which memory
    id: String,
    /// The photo
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Take a photo of another format too, as it is, with whatever it tells
    #[arg(long)]
    keep_as_it_is: bool,
}

/// Take back a photo of yours
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends memory take-back lusab 1\n\nWhat has reached your partner's device stays on its disk; it is not shown any more."
)]
pub struct TakeBack {
    /// Which memory
    id: String,
    /// The photo's number, as show has it
    photo: u64,
}

/// Write a photo into a file that is not there yet
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends memory save lusab 1 --to boat.jpg")]
pub struct Save {
    /// Which memory
    id: String,
    /// The photo's number, as show has it
    photo: u64,
    /// The file; nothing is written over
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: PathBuf,
}

/// Write down an idea for something to do together
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends memory idea \"Learn to sail.\"")]
pub struct Idea {
    /// The idea; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A short name for it [default: its first words]
    #[arg(long)]
    title: Option<String>,
    /// The language of its words, such as en or pt-BR [default: that of your system]
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
}

/// Say that you did what an idea says
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends memory did lusab\n  amends memory did lusab --not-yet")]
pub struct Did {
    /// Which idea
    id: String,
    /// On which day [default: today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<String>,
    /// Take that back
    #[arg(long, conflicts_with = "on")]
    not_yet: bool,
}

/// Say whether a memory may come up again on its day of later years
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends memory again lusab on\n\nIt comes up only where both of you want it to, in memory today and in status."
)]
pub struct Again {
    /// Which memory
    id: String,
    /// Whether you want it to
    #[arg(value_name = "on|off")]
    wish: OnOff,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnOff {
    On,
    Off,
}

/// Show what was on this day of earlier years, where both of you want that
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends memory today")]
pub struct Today {}

/// Change the words, the day or the place; what you do not name stays
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends memory edit lusab --place \"On the island\"\n  amends memory edit lusab --date none"
)]
pub struct Edit {
    /// Which one
    id: String,
    /// The new text; - reads it from standard input; with nothing else to change, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A new title
    #[arg(long)]
    title: Option<String>,
    /// Another day, or none
    #[arg(long, value_name = "DATE", value_parser = date_or_none)]
    date: Option<String>,
    /// Another place; empty for none
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
}

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, what is wrong with a photo, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    run_with(context, async |journal| {
        perform(context, journal, verb).await
    })
    .await
}

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Said, Failure> {
    let (did, request) = match verb {
        Verb::List => {
            let none = "There are no memories yet. Keep one with: amends memory add";
            return said::all(context, journal, "memory", none).await;
        }
        Verb::Show(Which { id }) => return Ok(Said::One(show(journal, id).await?)),
        Verb::Today(Today {}) => return today(journal).await,
        Verb::Save(save) => return write_out(journal, save).await,
        Verb::Edit(edit) => return change(context, journal, edit).await,
        Verb::Add(add) => return keep(context, journal, add).await,
        Verb::Idea(Idea {
            text,
            title,
            language,
        }) => {
            let new = New {
                idea: true,
                text,
                title,
                language,
                ..New::default()
            };
            return begin(context, journal, new).await;
        }
        Verb::Photo(PhotoOne {
            id,
            file,
            keep_as_it_is,
        }) => {
            let path = absolute(&file)?;
            let request = MemoryRequest::Photo {
                id,
                path,
                as_it_is: keep_as_it_is,
            };
            ("A photo is in", request)
        }
        Verb::TakeBack(TakeBack { id, photo }) => (
            "You took a photo back from",
            MemoryRequest::TakeBack { id, photo },
        ),
        Verb::Did(Did { id, on, not_yet }) => {
            let did = if not_yet { "Still an idea:" } else { "You did" };
            let request = MemoryRequest::Did {
                id,
                on,
                take_back: not_yet,
            };
            (did, request)
        }
        Verb::Again(Again { id, wish }) => {
            let yes = matches!(wish, OnOff::On);
            let did = if yes {
                "As far as you are asked, it may come up again:"
            } else {
                "It will not come up again:"
            };
            (did, MemoryRequest::Again { id, yes })
        }
    };
    Ok(done(did, one(journal, request).await?))
}

async fn one(journal: &mut Reached, request: MemoryRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Memory(request)).await
}

/// What was done, and what of its photos was left behind.
fn done(verb: &str, entry: Box<Entry>) -> Said {
    Said::told(entry, |entry| {
        let mut done = words::done(verb, entry);
        for left in words::memory::left_behind(entry) {
            done.push('\n');
            done.push_str(&left);
        }
        done
    })
}

async fn today(journal: &mut Reached) -> Result<Said, Failure> {
    let none = "Nothing comes up today.";
    let request = Request::Memory(MemoryRequest::Today);
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Entries(entries) => Ok(Said::All(entries, none)),
        other => Err(unexpected(other)),
    }
}

async fn write_out(journal: &mut Reached, save: Save) -> Result<Said, Failure> {
    let request = Request::Memory(MemoryRequest::Save {
        id: save.id,
        photo: save.photo,
        path: absolute(&save.to)?,
    });
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::PhotoSaved(saved) => Ok(Said::Saved(saved)),
        other => Err(unexpected(other)),
    }
}

#[derive(Default)]
struct New {
    idea: bool,
    text: Option<String>,
    title: Option<String>,
    language: Option<String>,
    date: Option<String>,
    place: Option<String>,
    photos: Vec<String>,
    as_it_is: bool,
}

async fn keep(context: &Context, journal: &mut Reached, add: Add) -> Result<Said, Failure> {
    let new = New {
        idea: false,
        text: add.text,
        title: add.title,
        language: add.language,
        date: add.date,
        place: add.place,
        photos: add
            .photo
            .iter()
            .map(|file| absolute(file))
            .collect::<Result<_, _>>()?,
        as_it_is: add.keep_as_it_is,
    };
    begin(context, journal, new).await
}

async fn begin(context: &Context, journal: &mut Reached, new: New) -> Result<Said, Failure> {
    // A memory may be a name and a photo; an idea is words.
    let text = match (&new.text, &new.title) {
        (None, Some(_)) => None,
        (given, _) => Some(text::take(context, given.as_deref(), "").await?),
    };
    let words = text.as_ref().map(|text| text.text.clone());
    let words = words.unwrap_or_default();
    if text.is_some() && words.trim().is_empty() {
        return Err(Advice::NothingTyped.into());
    }
    let request = MemoryRequest::Add {
        idea: new.idea,
        title: new.title.unwrap_or_else(|| text::title_of(&words)),
        text: words,
        language: new.language.unwrap_or_else(own_language),
        date: new.date,
        place: new.place,
        photos: new.photos,
        as_it_is: new.as_it_is,
    };
    let outcome = one(journal, request).await;
    let kept = match &text {
        Some(text) => text.keep(context, outcome),
        None => outcome,
    };
    Ok(done(if new.idea { "An idea:" } else { "Kept" }, kept?))
}

async fn change(context: &Context, journal: &mut Reached, edit: Edit) -> Result<Said, Failure> {
    let nothing_else = edit.title.is_none() && edit.date.is_none() && edit.place.is_none();
    let text = match edit.text.as_deref() {
        Some(given) => Some(text::take(context, Some(given), "").await?),
        None if nothing_else => {
            let before = show(journal, edit.id.clone()).await?;
            let draft = format!("{}\n", before.own.words());
            Some(text::take(context, None, &draft).await?)
        }
        None => None,
    };
    let request = MemoryRequest::Edit {
        id: edit.id,
        title: edit.title,
        text: text.as_ref().map(|text| text.text.clone()),
        date: edit
            .date
            .map(|date| Some(date).filter(|date| date != "none")),
        place: edit
            .place
            .map(|place| Some(place).filter(|place| !place.is_empty())),
    };
    let outcome = one(journal, request).await;
    let kept = match &text {
        Some(text) => text.keep(context, outcome),
        None => outcome,
    };
    Ok(done("Changed", kept?))
}
