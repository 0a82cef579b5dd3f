//! `amends boundary`: what each of the two needs, agreed word for word.

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{all, entry, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::{self, Reached, Wish};
use crate::request::{BoundaryRequest, Entry, Failure, Request};
use crate::terminal::asking::Terminal;
use crate::text::{self, Text};
use crate::words;

/// What each of you needs, agreed word for word
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A boundary is what one of you needs, in words that both agree to. It is in force once both have agreed to exactly the same text, and until either ends it.",
    after_help = "Example:\n  amends boundary propose \"No phones at dinner.\" --title Evenings\n\nAn ID is shown by list; any beginning of it that is unique will do."
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Propose(Propose),
    Edit(Edit),
    Agree(Agree),
    Decline(Decline),
    End(End),
    List(List),
    Show(Show),
}

/// Propose a boundary; you agree to what you propose
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends boundary propose \"No phones at dinner.\" --title Evenings --review-on 2027-03-01\n  amends boundary propose < text.txt -"
)]
pub struct Propose {
    /// What you need; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A short name for it [default: its first words]
    #[arg(long)]
    title: Option<String>,
    /// When to look at it again, such as 2027-03-01
    #[arg(long, value_name = "DATE", value_parser = date)]
    review_on: Option<String>,
    /// The text's language, such as en or pt-BR [default: that of your system]
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
}

/// Change its words; they are in force once both agree anew
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends boundary edit lusab \"No phones at dinner or in bed.\"\n  amends boundary edit lusab --review-on none"
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
    /// Another date to look at it again, or none
    #[arg(long, value_name = "DATE", value_parser = date_or_none)]
    review_on: Option<String>,
}

/// Agree to exactly the words that it holds now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends boundary agree lusab")]
pub struct Agree {
    /// Which one
    id: String,
    /// Agree without being shown the text and asked
    #[arg(long)]
    yes: bool,
}

/// Say no to it, with or without a reason
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends boundary decline lusab --reason \"I need my phone when I am on call.\""
)]
pub struct Decline {
    /// Which one
    id: String,
    /// Why, if you want to say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
}

/// End your agreement, alone and at any time
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends boundary end lusab")]
pub struct End {
    /// Which one
    id: String,
    /// Why, if you want to say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
}

/// List all boundaries
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends boundary list\n  amends boundary list --json")]
pub struct List {}

/// Show one with its words, and who agreed to which
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends boundary show lusab")]
pub struct Show {
    /// Which one
    id: String,
}

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    // Unlocked before anything is written in an editor, so that a forgotten passphrase costs nobody a text.
    let mut journal = holder::reach(context, Wish::default()).await?;
    let outcome = perform(context, &mut journal, verb).await;
    match journal.leave_with(outcome).await? {
        Said::All(entries) => {
            context.out.value(&entries)?;
            context.out.say(&words::list(
                context.out,
                &entries,
                "There are no boundaries yet. Propose one with: amends boundary propose",
            ))
        }
        Said::One(entry) => {
            context.out.value(&entry)?;
            context.out.say(&words::entry(context.out, &entry))
        }
        Said::Done(verb, entry) => {
            context.out.value(&entry)?;
            context.out.say(&words::done(verb, &entry))
        }
    }
}

enum Said {
    All(Vec<Entry>),
    One(Box<Entry>),
    Done(&'static str, Box<Entry>),
}

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Said, Failure> {
    Ok(match verb {
        Verb::Propose(propose) => {
            let text = text::take(context, propose.text.as_deref(), "").await?;
            let request = BoundaryRequest::Propose {
                title: propose.title.unwrap_or_else(|| text::title_of(&text.text)),
                text: text.text.clone(),
                language: propose.language.unwrap_or_else(own_language),
                review_on: propose.review_on,
            };
            Said::Done("Proposed", text.keep(context, one(journal, request).await)?)
        }
        Verb::Edit(edit) => Said::Done("Changed", change(context, journal, edit).await?),
        Verb::Agree(Agree { id, yes }) => {
            let asks = context.may_ask && !yes && !context.out.is_json();
            let (id, expect_hash) = if asks {
                ask_to_agree(context, journal, id).await?
            } else {
                (id, None)
            };
            Said::Done(
                "You agreed to",
                one(journal, BoundaryRequest::Agree { id, expect_hash }).await?,
            )
        }
        Verb::Decline(Decline { id, reason }) => Said::Done(
            "You declined",
            one(journal, BoundaryRequest::Decline { id, reason }).await?,
        ),
        Verb::End(End { id, reason }) => Said::Done(
            "You ended",
            one(journal, BoundaryRequest::End { id, reason }).await?,
        ),
        Verb::List(List {}) => Said::All(all(journal, "boundary").await?),
        Verb::Show(Show { id }) => Said::One(show(journal, id).await?),
    })
}

async fn change(
    context: &Context,
    journal: &mut Reached,
    edit: Edit,
) -> Result<Box<Entry>, Failure> {
    let Edit {
        id,
        text,
        title,
        review_on,
    } = edit;
    let review_on = review_on.map(|date| Some(date).filter(|date| date != "none"));
    let nothing_else = title.is_none() && review_on.is_none();
    let (id, text) = match text.as_deref() {
        Some(given) => (id, Some(text::take(context, Some(given), "").await?)),
        None if nothing_else => {
            let before = show(journal, id).await?;
            let draft = format!("{}\n", before.own.words());
            (before.id, Some(text::take(context, None, &draft).await?))
        }
        None => (id, None),
    };
    let words = text.as_ref().map(|text| text.text.clone());
    let outcome = one(
        journal,
        BoundaryRequest::Edit {
            id,
            title,
            text: words,
            review_on,
        },
    )
    .await;
    match &text {
        Some(text) => Text::keep(text, context, outcome),
        None => outcome,
    }
}

/// Shows exactly what would be agreed to, and asks. The hash says to the holder what was shown.
async fn ask_to_agree(
    context: &Context,
    journal: &mut Reached,
    id: String,
) -> Result<(String, Option<String>), Failure> {
    let mut terminal = Terminal::open()?;
    let entry = show(journal, id).await?;
    context.out.say(&words::entry(
        context.out,
        &Entry {
            history: Vec::new(),
            ..(*entry).clone()
        },
    ))?;
    context.out.say("")?;
    if terminal
        .ask_yes_or_no("Do you agree to exactly these words?")
        .await?
    {
        let hash = entry
            .own
            .agreement()
            .map(|agreement| agreement.hash.clone());
        Ok((entry.id, hash))
    } else {
        Err(Advice::SaidNo.into())
    }
}

async fn one(journal: &mut Reached, request: BoundaryRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Boundary(request)).await
}

fn date(typed: &str) -> Result<String, String> {
    // Exactly one way to write a date, since it is part of the text that both agree to.
    match typed.parse::<Date>() {
        Ok(date) if date.to_string() == typed => Ok(typed.to_owned()),
        _ => Err("write year, month and day: 2027-03-01".to_owned()),
    }
}

fn date_or_none(typed: &str) -> Result<String, String> {
    if typed == "none" {
        Ok(typed.to_owned())
    } else {
        date(typed)
    }
}

/// The language of the person's system, from the variables of POSIX; English where they say nothing.
fn own_language() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    language_of(
        set("LC_ALL")
            .or_else(|| set("LC_MESSAGES"))
            .or_else(|| set("LANG"))
            .as_deref(),
    )
}

/// `de_CH.UTF-8@euro` is `de-CH`, `C` and `POSIX` are no language.
fn language_of(locale: Option<&str>) -> String {
    let tag = locale
        .unwrap_or_default()
        .split(['.', '@'])
        .next()
        .unwrap_or_default()
        .replace('_', "-");
    let language = tag.split('-').next().unwrap_or_default();
    let is_tag = tag.split('-').all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if is_tag && (2..=3).contains(&language.len()) {
        tag
    } else {
        "en".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_come_from_the_locale() {
        for (locale, language) in [
            (Some("de_DE.UTF-8"), "de-DE"),
            (Some("pt_BR"), "pt-BR"),
            (Some("sr_RS@latin"), "sr-RS"),
            (Some("C.UTF-8"), "en"),
            (Some("POSIX"), "en"),
            (Some("../../etc"), "en"),
            (None, "en"),
        ] {
            assert_eq!(language_of(locale), language, "{locale:?}");
        }
    }

    #[test]
    fn dates_are_written_in_one_way() {
        assert_eq!(date("2027-03-01").as_deref(), Ok("2027-03-01"));
        for wrong in [
            "2027-02-29",
            "20270301",
            "2027-3-1",
            "1 March",
            "2027-03-01T10:00",
            "",
        ] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
        assert_eq!(date_or_none("none").as_deref(), Ok("none"));
    }
}
