//! `amends lesson`: what was learnt, agreed by both as a boundary is.

use clap::{Args, Subcommand};

use super::agreement::{
    Changes, Proposal, Said, agree, change, date, date_or_none, one, propose, run_with,
};
use super::{all, show};
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{AgreementRequest, Failure};

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
    Agree(Agree),
    Decline(Decline),
    End(End),
    List(List),
    Show(Show),
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

/// Agree to exactly the words that it holds now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends lesson agree lusab")]
pub struct Agree {
    /// Which one
    id: String,
    /// Agree without being shown the text and asked
    #[arg(long)]
    yes: bool,
}

/// Say no to it, with or without a reason
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends lesson decline lusab --reason \"I see it otherwise.\"")]
pub struct Decline {
    /// Which one
    id: String,
    /// Why, if you want to say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
}

/// End your agreement, alone and at any time
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends lesson end lusab")]
pub struct End {
    /// Which one
    id: String,
    /// Why, if you want to say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
}

/// List all lessons
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends lesson list\n  amends lesson list --json")]
pub struct List {}

/// Show one with its words, and who agreed to which
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends lesson show lusab")]
pub struct Show {
    /// Which one
    id: String,
}

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    let none = "There are no lessons yet. Propose one with: amends lesson propose";
    run_with(context, none, async |journal| {
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
        Verb::Agree(Agree { id, yes }) => agree(context, journal, KIND, id, yes).await?,
        Verb::Decline(Decline { id, reason }) => {
            let request = AgreementRequest::Decline { id, reason };
            Said::Done("You declined", one(journal, KIND, request).await?)
        }
        Verb::End(End { id, reason }) => {
            let request = AgreementRequest::End { id, reason };
            Said::Done("You ended", one(journal, KIND, request).await?)
        }
        Verb::List(List {}) => Said::All(all(journal, KIND).await?),
        Verb::Show(Show { id }) => Said::One(show(journal, id).await?),
    })
}
