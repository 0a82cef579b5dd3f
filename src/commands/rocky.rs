//! `amends rocky`: a question to the partner, "can we talk?"

use clap::Args;

use super::agreement::own_language;
use super::entry;
use crate::cli::Context;
use crate::holder::{self, Wish};
use crate::request::{Failure, Request, TalkRequest};
use crate::text;
use crate::words;

/// It feels rocky: ask your partner whether you can talk
#[derive(Debug, Args)]
#[command(
    long_about = "Asks your partner whether you can talk. They see it when your devices next meet, and it waits there without a reminder until they answer in their own time. You can take it back with: amends talk settle ID.",
    after_help = "Examples:\n  amends rocky\n  amends rocky \"I feel far away from you today. Can we talk tonight?\""
)]
pub struct Arguments {
    /// A few words with it; - reads them from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Runs it.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let text = match arguments.text.as_deref() {
        Some(given) => text::take(context, Some(given), "").await?.text,
        None => String::new(),
    };
    let mut journal = holder::reach(context, Wish::default()).await?;
    let language = own_language();
    let request = Request::Talk(TalkRequest::Rocky { text, language });
    let outcome = entry(&mut journal, request).await;
    let entry = journal.leave_with(outcome).await?;
    context.out.value(&entry)?;
    context
        .out
        .say(&words::held(&entry).unwrap_or_else(|| words::talk::asked(&entry)))
}
