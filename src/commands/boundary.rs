//! `amends boundary`: what each of the two needs, agreed word for word.

use clap::{Args, Subcommand};

use super::agreement::{
    Agree, Changes, Proposal, agree, change, date, date_or_none, decline, end, one, propose,
};
use super::said::{self, Said, Which, WithReason, run_with};
use super::show;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{AgreementRequest, Failure};
use crate::text;

const KIND: &str = "boundary";

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
    Why(Why),
    /// Agree to exactly the words that it holds now
    #[command(after_help = "Example:\n  amends boundary agree lusab")]
    Agree(Agree),
    /// Say no to it, with or without a reason
    #[command(
        after_help = "Example:\n  amends boundary decline lusab --reason \"I need my phone when I am on call.\""
    )]
    Decline(WithReason),
    /// End your agreement, alone and at any time
    #[command(after_help = "Example:\n  amends boundary end lusab")]
    End(WithReason),
    Review(Review),
    /// List all boundaries
    #[command(after_help = "Examples:\n  amends boundary list\n  amends boundary list --json")]
    List,
    /// Show one with its words, and who agreed to which
    #[command(after_help = "Example:\n  amends boundary show lusab")]
    Show(Which),
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

/// Say why it matters to you; it stands beside the words and is not agreed to
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends boundary why lusab \"I feel alone when we both look at screens.\""
)]
pub struct Why {
    /// Which one
    id: String,
    /// Why; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Look at one again: keep it, change it, or end it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends boundary review lusab keep --review-on 2027-06-01\n  amends boundary review lusab change \"No phones at dinner, but for calls from the hospital.\"\n  amends boundary review lusab end"
)]
pub struct Review {
    /// Which one
    id: String,
    #[command(subcommand)]
    answer: ReviewAnswer,
}

/// What comes of a review.
#[derive(Debug, Subcommand)]
pub enum ReviewAnswer {
    /// Keep its words, and set another date; your partner agrees to that too
    #[command(after_help = "Example:\n  amends boundary review lusab keep --review-on 2027-06-01")]
    Keep {
        /// When to look at it again; none for never
        #[arg(long, value_name = "DATE", value_parser = date_or_none)]
        review_on: String,
    },
    /// Change its words; the older ones stay in force until both agree anew
    #[command(
        after_help = "Example:\n  amends boundary review lusab change \"No phones at dinner.\""
    )]
    Change {
        /// The new text; - reads it from standard input; left out, an editor opens
        #[arg(value_name = "TEXT", allow_hyphen_values = true)]
        text: Option<String>,
        /// Another date to look at it again, or none
        #[arg(long, value_name = "DATE", value_parser = date_or_none)]
        review_on: Option<String>,
    },
    /// End it, alone
    #[command(after_help = "Example:\n  amends boundary review lusab end")]
    End {
        /// Why, if you want to say
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        reason: Option<String>,
    },
}

/// Said where there are none.
const NONE: &str = "There are no boundaries yet. Propose one with: amends boundary propose";

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    run_with(context, async |journal| {
        perform(context, journal, verb).await
    })
    .await
}

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Said, Failure> {
    Ok(match verb {
        Verb::Propose(Propose {
            text,
            title,
            review_on,
            language,
        }) => {
            let proposal = Proposal {
                text,
                title,
                review_on,
                language,
                from: None,
            };
            propose(context, journal, KIND, proposal).await?
        }
        Verb::Edit(Edit {
            id,
            text,
            title,
            review_on,
        }) => {
            let changes = Changes {
                id,
                text,
                title,
                review_on,
            };
            change(context, journal, KIND, changes).await?
        }
        Verb::Why(Why { id, text }) => why(context, journal, id, text).await?,
        Verb::Agree(given) => agree(context, journal, KIND, given).await?,
        Verb::Decline(given) => decline(journal, KIND, given).await?,
        Verb::End(given) => end(journal, KIND, given).await?,
        Verb::Review(Review { id, answer }) => match answer {
            ReviewAnswer::Keep { review_on } => {
                let review_on = Some(review_on).filter(|date| date != "none");
                let request = AgreementRequest::Keep { id, review_on };
                Said::Done("You kept", one(journal, KIND, request).await?)
            }
            ReviewAnswer::Change { text, review_on } => {
                let changes = Changes {
                    id,
                    text,
                    title: None,
                    review_on,
                };
                change(context, journal, KIND, changes).await?
            }
            ReviewAnswer::End { reason } => end(journal, KIND, WithReason { id, reason }).await?,
        },
        Verb::List => said::all(context, journal, KIND, NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}

async fn why(
    context: &Context,
    journal: &mut Reached,
    id: String,
    given: Option<String>,
) -> Result<Said, Failure> {
    let text = text::take(context, given.as_deref(), "").await?;
    let why = text.text.clone();
    let outcome = one(journal, KIND, AgreementRequest::Why { id, why }).await;
    Ok(Said::Done(
        "You said why it matters:",
        text.keep(context, outcome)?,
    ))
}
