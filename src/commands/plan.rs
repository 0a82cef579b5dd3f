//! `amends plan`: something to do together, in steps, with wishes for it.

use clap::{Args, Subcommand, ValueEnum};

use super::agreement::{date, date_or_none, own_language};
use super::said::{self, Said, Which, run_with};
use super::{entry, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{self, Entry, Failure, PlanRequest, Request};
use crate::text;

/// What you want to do together: steps, wishes, and a day
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A plan is something that you want to do together. Both of you write it: its words, its steps, and wishes for it. A step can ask that the other confirms it once it is done. Nothing reminds anybody, and nothing is counted.",
    after_help = "Examples:\n  amends plan add \"A weekend at the lake.\" --date 2027-07-03\n  amends plan step lusab \"Book the hut\" --owner me --due 2027-05-01 --confirm\n  amends plan done lusab 1\n\nSteps are named by the numbers that show gives them, wishes by w1, w2; or by the short names behind them, which stay when others come or go."
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Add(Add),
    Edit(Edit),
    Step(Step),
    Done(Done),
    Undo(Undo),
    Confirm(Confirm),
    Wish(Wish),
    Drop(Drop),
    Finish(Finish),
    /// List all plans
    #[command(after_help = "Examples:\n  amends plan list\n  amends plan list --json")]
    List,
    /// Show one with its steps and wishes
    #[command(after_help = "Example:\n  amends plan show lusab")]
    Show(Which),
}

/// Begin a plan
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends plan add \"A weekend at the lake.\" --date 2027-07-03\n  amends plan add --title \"The lake\""
)]
pub struct Add {
    /// What you want to do; - reads it from standard input; without a title either, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A short name for it [default: its first words]
    #[arg(long)]
    title: Option<String>,
    /// When it is to be, such as 2027-07-03
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<String>,
    /// The language of its words, such as en or pt-BR [default: that of your system]
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
}

/// Change its words or its day; what you do not name stays
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends plan edit lusab \"Three days at the lake.\"\n  amends plan edit lusab --date none"
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
}

/// Put a step into it, or change one that is there
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends plan step lusab \"Book the hut\" --owner me --due 2027-05-01 --confirm\n  amends plan step lusab --change 1 --due 2027-05-08\n\nA step that was done and then gets other words is open again."
)]
pub struct Step {
    /// Which plan
    id: String,
    /// What is to be done, in one line
    #[arg(
        value_name = "TEXT",
        allow_hyphen_values = true,
        required_unless_present = "change"
    )]
    text: Option<String>,
    /// The step to change; what you do not name of it stays
    #[arg(long, value_name = "STEP")]
    change: Option<String>,
    /// Whose step it is [default: both]
    #[arg(long, value_name = "WHOSE")]
    owner: Option<Owner>,
    /// Until when, such as 2027-05-01; or none
    #[arg(long, value_name = "DATE", value_parser = date_or_none)]
    due: Option<String>,
    /// Ask that whoever did not do it confirms that it is done
    #[arg(long, conflicts_with = "no_confirm")]
    confirm: bool,
    /// Do not ask for that any more
    #[arg(long, requires = "change")]
    no_confirm: bool,
}

/// Say that a step is done
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends plan done lusab 1")]
pub struct Done {
    /// Which plan
    id: String,
    /// Which step
    step: String,
    /// On which day [default: today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<String>,
}

/// Take back that a step is done or confirmed; without a step, a finished plan goes on again
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends plan undo lusab 1\n  amends plan undo lusab")]
pub struct Undo {
    /// Which plan
    id: String,
    /// Which step
    step: Option<String>,
}

/// Confirm that a step is done, as your partner said
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends plan confirm lusab 1")]
pub struct Confirm {
    /// Which plan
    id: String,
    /// Which step
    step: String,
}

/// Put a wish into it: a place, a thing, something to eat
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends plan wish lusab \"Blueberry pie\" --what food")]
pub struct Wish {
    /// Which plan
    id: String,
    /// What you wish for, in one line
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    /// What it is
    #[arg(long, value_name = "WHAT")]
    what: What,
}

/// What a wish is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Somewhere to go
    Place,
    /// Something to do or to have
    Thing,
    /// Something to eat or drink
    Food,
}

impl From<What> for request::What {
    fn from(what: What) -> Self {
        match what {
            What::Place => Self::Place,
            What::Thing => Self::Thing,
            What::Food => Self::Food,
        }
    }
}

/// Whose a step is, as its writer says it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Owner {
    /// Yours
    Me,
    /// Your partner's
    Partner,
    /// Of both of you
    Both,
}

impl From<Owner> for request::Owner {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Me => Self::Me,
            Owner::Partner => Self::Partner,
            Owner::Both => Self::Both,
        }
    }
}

/// Let a step or wish fall away
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends plan drop lusab 2\n  amends plan drop lusab w1")]
pub struct Drop {
    /// Which plan
    id: String,
    /// Which step or wish
    item: String,
}

/// Say that the plan is done as a whole
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends plan finish lusab")]
pub struct Finish {
    /// Which plan
    id: String,
    /// On which day [default: today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    on: Option<String>,
}

/// Said where there are none.
const NONE: &str = "There are no plans yet. Begin one with: amends plan add";

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
    let (done, request) = match verb {
        Verb::List => return said::all(context, journal, "plan", NONE).await,
        Verb::Show(Which { id }) => return Ok(Said::One(show(journal, id).await?)),
        Verb::Add(add) => return begin(context, journal, add).await,
        Verb::Edit(edit) => return change(context, journal, edit).await,
        Verb::Step(step) => step_request(step)?,
        Verb::Done(Done { id, step, on }) => {
            ("A step is done in", PlanRequest::Done { id, step, on })
        }
        Verb::Undo(Undo { id, step }) => ("Taken back in", PlanRequest::Undo { id, step }),
        Verb::Confirm(Confirm { id, step }) => {
            ("You confirmed a step of", PlanRequest::Confirm { id, step })
        }
        Verb::Wish(Wish { id, text, what }) => {
            let what = what.into();
            ("A wish is in", PlanRequest::Wish { id, what, text })
        }
        Verb::Drop(Drop { id, item }) => ("Something fell away in", PlanRequest::Drop { id, item }),
        Verb::Finish(Finish { id, on }) => ("Finished", PlanRequest::Finish { id, on }),
    };
    Ok(Said::Done(done, one(journal, request).await?))
}

async fn one(journal: &mut Reached, request: PlanRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Plan(request)).await
}

async fn begin(context: &Context, journal: &mut Reached, add: Add) -> Result<Said, Failure> {
    // A plan may begin as a name alone.
    let text = match (&add.text, &add.title) {
        (None, Some(_)) => None,
        (given, _) => Some(text::take(context, given.as_deref(), "").await?),
    };
    let words = text.as_ref().map(|text| text.text.clone());
    let words = words.unwrap_or_default();
    if text.is_some() && words.trim().is_empty() {
        return Err(Advice::NothingTyped.into());
    }
    let request = PlanRequest::Add {
        title: add.title.unwrap_or_else(|| text::title_of(&words)),
        text: words,
        language: add.language.unwrap_or_else(own_language),
        date: add.date,
    };
    let outcome = one(journal, request).await;
    let done = match &text {
        Some(text) => text.keep(context, outcome),
        None => outcome,
    };
    Ok(Said::Done("Began", done?))
}

async fn change(context: &Context, journal: &mut Reached, edit: Edit) -> Result<Said, Failure> {
    let nothing_else = edit.title.is_none() && edit.date.is_none();
    let text = match edit.text.as_deref() {
        Some(given) => Some(text::take(context, Some(given), "").await?),
        None if nothing_else => {
            let before = show(journal, edit.id.clone()).await?;
            let draft = format!("{}\n", before.own.words());
            Some(text::take(context, None, &draft).await?)
        }
        None => None,
    };
    let request = PlanRequest::Edit {
        id: edit.id,
        title: edit.title,
        text: text.as_ref().map(|text| text.text.clone()),
        date: edit
            .date
            .map(|date| Some(date).filter(|date| date != "none")),
    };
    let outcome = one(journal, request).await;
    let done = match &text {
        Some(text) => text.keep(context, outcome),
        None => outcome,
    };
    Ok(Said::Done("Changed", done?))
}

fn step_request(step: Step) -> Result<(&'static str, PlanRequest), Failure> {
    let due = step
        .due
        .map(|date| Some(date).filter(|date| date != "none"));
    Ok(match (step.change, step.text) {
        (Some(which), text) => {
            let confirm = match (step.confirm, step.no_confirm) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            };
            let request = PlanRequest::ChangeStep {
                id: step.id,
                step: which,
                text,
                owner: step.owner.map(Into::into),
                due,
                confirm,
            };
            ("Changed a step of", request)
        }
        (None, Some(text)) => {
            let request = PlanRequest::Step {
                id: step.id,
                text,
                owner: step.owner.unwrap_or(Owner::Both).into(),
                due: due.flatten(),
                confirm: step.confirm,
            };
            ("A step is in", request)
        }
        // The command line does not let it through.
        (None, None) => return Err(Advice::NothingTyped.into()),
    })
}
