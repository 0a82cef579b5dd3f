//! `amends checkin`: a set time to talk, and what came of it.

use amends_journal::schedule::Schedule;
use clap::{Args, Subcommand};

use super::agreement::{
    Agree, Changes, Proposal, agree, change, date_or_none, decline, end, propose,
};
use super::said::{self, Said, Which, WithReason, run_with};
use super::{entry, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{CheckinRequest, Entry, Failure, Own, Request};
use crate::text;
use crate::words;
use plan::Plan;

mod plan;
mod sitting;

const KIND: &str = "checkin";

/// Agree on a set time to talk, and keep what came of it
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A check-in is a set time to talk, short and regular: 15 or 20 minutes, on days that you both agree to, and fewer of them as time goes by. What is on the agenda comes from what is open; what you do not reach moves on to the next one, and of each session you keep one line that both of you confirm.",
    after_help = "Examples:\n  amends checkin schedule --days mon,wed,fri --at 19:30 --taper\n  amends checkin start"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Schedule(NewSchedule),
    Start(Start),
    Agenda(AgendaNow),
    Record(Record),
    Outcome(Outcome),
    Edit(Edit),
    /// Agree to a schedule, or confirm an outcome, exactly as it stands
    #[command(after_help = "Example:\n  amends checkin agree lusab")]
    Agree(Agree),
    /// Say no to a schedule or an outcome, with or without a reason
    #[command(
        after_help = "Example:\n  amends checkin decline lusab --reason \"Fridays I work late.\""
    )]
    Decline(WithReason),
    /// End a schedule, alone and at any time
    #[command(after_help = "Example:\n  amends checkin end lusab")]
    End(WithReason),
    /// List schedules and sessions
    #[command(after_help = "Examples:\n  amends checkin list\n  amends checkin list --json")]
    List,
    /// Show one with its words, and who agreed to which
    #[command(after_help = "Example:\n  amends checkin show lusab")]
    Show(Which),
}

/// Propose when you sit down together; you agree to what you propose
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends checkin schedule --days mon,wed,fri --at 19:30\n  amends checkin schedule --at 19:30 --minutes 15 --from 2027-03-01 --taper\n\nWith --taper and no days: Monday, Wednesday and Friday; after two months Monday and Thursday; after two more Sunday."
)]
pub struct NewSchedule {
    #[command(flatten)]
    plan: Plan,
    /// When to look at it again, such as 2027-03-01
    #[arg(long, value_name = "DATE", value_parser = super::agreement::date)]
    review_on: Option<String>,
}

/// Sit down together now: an agenda, turns, and a clock
#[derive(Debug, Args)]
#[command(
    long_about = "Sit down together at this terminal. You see what is on the agenda: what the last session left, talks that are open, what is to be looked at again. Then you take turns, and a line shows who speaks, what it is about, and how long you have.\n\nReturn gives the other one the turn, n goes on to what is next, q ends it; the time ends it by itself. What you did not reach moves on to the next session. Then you are asked for one line of outcome, which can wait. Ctrl-C stops it and keeps nothing.",
    after_help = "Examples:\n  amends checkin start\n  amends checkin start --minutes 15\n  amends checkin start --no-timer\n\nTo keep a session that you had elsewhere: amends checkin record"
)]
pub struct Start {
    /// How long, from 15 to 20 minutes [default: as your schedule says, else 20]
    #[arg(long, value_name = "15-20", value_parser = clap::value_parser!(u8).range(15..=20))]
    minutes: Option<u8>,
    /// Show no time, and end only when you end it
    #[arg(long, conflicts_with = "minutes")]
    no_timer: bool,
}

/// See what the next session would begin with
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends checkin agenda\n  amends checkin agenda --json\n\nFirst what the last session left, then talks that are open, then what is to be looked at again."
)]
pub struct AgendaNow {}

/// Keep a session that you had
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends checkin record --outcome \"We call each other at lunch.\"\n  amends checkin record --minutes 15 --agenda lusab,gorif --left gorif\n\nYou confirm the outcome that you write; your partner confirms it on their own device, now or later."
)]
pub struct Record {
    /// What you take from it, in one line; it can be written later
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    outcome: Option<String>,
    /// What was on the agenda
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    agenda: Vec<String>,
    /// What of it you did not reach: it moves on to the next one
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    left: Vec<String>,
    /// How long it was, in minutes
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=240))]
    minutes: u8,
}

/// Write the outcome of a session, or another one; you confirm what you write
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends checkin outcome lusab \"We call each other at lunch.\"")]
pub struct Outcome {
    /// Which session
    id: String,
    /// What you take from it, in one line; - reads it from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Change a schedule or an outcome; it counts once both agree anew
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends checkin edit lusab --at 20:00\n  amends checkin edit lusab --days sun --from 2027-03-01\n  amends checkin edit lusab \"We call each other at noon.\"\n\nOf a schedule, what you do not name stays as it is."
)]
pub struct Edit {
    /// Which one
    id: String,
    /// The new words, whole; - reads them from standard input; with nothing else to change, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    #[command(flatten)]
    plan: Plan,
    /// Another date to look at it again, or none
    #[arg(long, value_name = "DATE", value_parser = date_or_none)]
    review_on: Option<String>,
}

/// Said where there are none.
const NONE: &str = "There is no set time to talk yet. Propose one with: amends checkin schedule";

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
        Verb::Schedule(NewSchedule { plan, review_on }) => {
            let proposal = Proposal {
                text: Some(plan.schedule(None)?.to_string()),
                title: Some(String::new()),
                review_on,
                // The words of a schedule are a format, and English.
                language: Some("en".to_owned()),
                from: None,
            };
            propose(context, journal, KIND, proposal).await?
        }
        Verb::Start(start) => held(sitting::start(context, journal, start).await?),
        Verb::Agenda(AgendaNow {}) => Said::Agenda(sitting::agenda(journal).await?),
        Verb::Record(record) => held(keep(journal, record).await?),
        Verb::Outcome(Outcome { id, text }) => {
            let text = text::take(context, text.as_deref(), "").await?;
            let request = CheckinRequest::Outcome {
                id,
                outcome: text.text.clone(),
            };
            let done = entry(journal, Request::Checkin(request)).await;
            held(text.keep(context, done)?)
        }
        Verb::Edit(edit) => changed(context, journal, edit).await?,
        Verb::Agree(given) => agree(context, journal, KIND, given).await?,
        Verb::Decline(given) => decline(journal, KIND, given).await?,
        Verb::End(given) => end(journal, KIND, given).await?,
        Verb::List => said::all(context, journal, KIND, NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}

fn held(entry: Box<Entry>) -> Said {
    Said::told(entry, words::checkin::held)
}

async fn keep(journal: &mut Reached, record: Record) -> Result<Box<Entry>, Failure> {
    let Record {
        outcome,
        agenda,
        left,
        minutes,
    } = record;
    let now = jiff::Timestamp::now();
    let started = now - jiff::SignedDuration::from_mins(i64::from(minutes));
    // What was left was on the agenda, whether it was named there too or not.
    let mut agenda = agenda;
    agenda.extend(left.iter().cloned());
    let request = CheckinRequest::Held {
        started: started.to_string(),
        minutes,
        agenda,
        left,
        outcome,
        language: super::agreement::own_language(),
    };
    entry(journal, Request::Checkin(request)).await
}

/// Other words: those that were typed, or a schedule of which parts were named.
async fn changed(context: &Context, journal: &mut Reached, edit: Edit) -> Result<Said, Failure> {
    let Edit {
        id,
        text,
        plan,
        review_on,
    } = edit;
    let (id, text) = match (text, plan.is_nothing()) {
        (text, true) => (id, text),
        (Some(_), false) => {
            return Err(Advice::WrongUse {
                message: "words and parts of a schedule were given at once".to_owned(),
                hint: "See amends checkin edit --help.".to_owned(),
            }
            .into());
        }
        (None, false) => {
            let before = show(journal, id).await?;
            let before_text = match &before.own {
                Own::Checkin(checkin) => checkin.agreement.text.clone(),
                // The holder says what it is instead.
                _ => String::new(),
            };
            let schedule = before_text.parse::<Schedule>();
            let schedule = schedule.map_err(|fault| Failure::from(Advice::from(fault)))?;
            (before.id, Some(plan.schedule(Some(&schedule))?.to_string()))
        }
    };
    let changes = Changes {
        id,
        text,
        title: None,
        review_on,
    };
    change(context, journal, KIND, changes).await
}
