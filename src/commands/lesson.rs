//! `amends lesson`: what was learnt, agreed by both as a boundary is.

use clap::{Args, Subcommand};

use super::agreement::{
    Agree, Changes, Proposal, agree, change, date, date_or_none, decline, end, propose,
};
use super::said::{self, Said, Which, WithReason, run_with};
use super::show;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::Failure;

const KIND: &str = "lesson";

/// What you learnt from it, in words that both agree to
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A lesson is what the two of you take from something that happened, in words that both agree to. It can be linked to the talk or apology that it came from.",
    after_help = "Example:\n  amends lesson propose \"We tell each other before we are late.\" --from lusab"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Propose(Propose),
    Edit(Edit),
    /// Agree to exactly the words that it holds now
    #[command(after_help = "Example:\n  amends lesson agree lusab")]
    Agree(Agree),
    /// Say no to it, with or without a reason
    #[command(
        after_help = "Example:\n  amends lesson decline lusab --reason \"I see it otherwise.\""
    )]
    Decline(WithReason),
    /// End your agreement, alone and at any time
    #[command(after_help = "Example:\n  amends lesson end lusab")]
    End(WithReason),
    /// List all lessons
    #[command(after_help = "Examples:\n  amends lesson list\n  amends lesson list --json")]
    List,
    /// Show one with its words, and who agreed to which
    #[command(after_help = "Example:\n  amends lesson show lusab")]
    Show(Which),
}

/// Propose a lesson; you agree to what you propose
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends lesson propose \"We tell each other before we are late.\" --from lusab"
)]
pub struct Propose {
    /// What was learnt; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// The talk, apology or other entry that it came from
    #[arg(long, value_name = "ID")]
    from: Option<String>,
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

/// Change its words; they count once both agree anew
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends lesson edit lusab \"We call before we are late.\"")]
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

/// Said where there are none.
const NONE: &str = "There are no lessons yet. Propose one with: amends lesson propose";

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
            from,
            title,
            review_on,
            language,
        }) => {
            let proposal = Proposal {
                text,
                title,
                review_on,
                language,
                from,
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
        Verb::Agree(given) => agree(context, journal, KIND, given).await?,
        Verb::Decline(given) => decline(journal, KIND, given).await?,
        Verb::End(given) => end(journal, KIND, given).await?,
        Verb::List => said::all(context, journal, KIND, NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}
