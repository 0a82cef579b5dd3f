//! `amends space`: time apart, which one of the two asks for and which ends by itself.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, ToSpan, Zoned};

use super::said::{self, Said, Which, run_with};
use super::{entry, show};
use crate::advice::Advice;
use crate::cli::{Context, span_of_at_most};
use crate::holder::Reached;
use crate::request::{Failure, Request, SpaceRequest};
use crate::text;
use crate::words;

/// Give each other some space, for 72 hours at most
#[derive(Debug, Subcommand)]
#[command(
    long_about = "Space is time apart that one of you asks for. Nobody has to agree to it, it ends by itself, and whoever asked can end it sooner; nobody can make it longer.\n\nWhile it lasts, the talks that the other one begins, and their requests for a talk, wait on their own device, where they can see and change them. They go out by themselves when it ends. One that was on its way already is kept, and shown then.\n\nSpace holds nothing else back: words in talks that are there already, ending a boundary, leaving and exporting go on as ever, for both of you.",
    after_help = "Example:\n  amends space ask \"I need a quiet evening. We will talk tomorrow.\" --for 24h"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Ask(Ask),
    Over(Over),
    /// List the spaces that either of you asked for
    #[command(after_help = "Examples:\n  amends space list\n  amends space list --json")]
    List,
    /// Show one
    #[command(after_help = "Example:\n  amends space show lusab")]
    Show(Which),
}

/// Ask for space; it ends by itself
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends space ask --for 24h\n  amends space ask \"I need a quiet evening. I love you.\" --until 20:00\n  amends space ask --until 2027-03-01T18:00"
)]
pub struct Ask {
    /// A kind word, if you like; - reads it from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// How long, such as 90m, 24h or 3d; three days at most
    #[arg(long = "for", value_name = "SPAN", value_parser = span, required_unless_present = "until")]
    span: Option<Duration>,
    /// When it ends, such as 18:00, 2027-03-01T18:00 or 2027-03-01T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "span")]
    until: Option<Moment>,
}

/// End the space that you asked for, now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends space over")]
pub struct Over {
    /// Which one [default: the one that lasts]
    id: Option<String>,
}

/// Said where there are none.
const NONE: &str = "Nobody has asked for space yet. To ask for some: amends space ask --for 24h";

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
        Verb::Ask(Ask { text, span, until }) => {
            let words = match text.as_deref() {
                Some(text) => text::take(context, Some(text), "").await?.text,
                None => String::new(),
            };
            // As late as can be: the longest span still fits then.
            let until = match (span, until) {
                (Some(span), _) => Timestamp::now().checked_add(span).ok(),
                (None, until) => until.and_then(|until| until.after(&Zoned::now())),
            };
            let until = until.ok_or(Advice::SpaceLength)?.to_string();
            let request = SpaceRequest::Ask { until, words };
            Said::told(
                entry(journal, Request::Space(request)).await?,
                words::space_asked,
            )
        }
        Verb::Over(Over { id }) => {
            let over = Request::Space(SpaceRequest::Over { id });
            Said::told(entry(journal, over).await?, words::space_over)
        }
        Verb::List => said::all(context, journal, "space", NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}

fn span(typed: &str) -> Result<Duration, String> {
    span_of_at_most(typed, Duration::from_secs(72 * 3600))
        .map_err(|_| "write it as 90m, 24h or 3d; three days at most".to_owned())
}

/// A moment as people type it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// A time of the day: the next one.
    Next(Time),
    /// A day and a time on this person's clock.
    Here(DateTime),
    /// A moment, wherever.
    Anywhere(Timestamp),
}

impl Moment {
    /// The moment, seen from now. None where this person's clock never shows it.
    fn after(self, now: &Zoned) -> Option<Timestamp> {
        let here = |at: DateTime| Some(at.to_zoned(now.time_zone().clone()).ok()?.timestamp());
        match self {
            Moment::Anywhere(at) => Some(at),
            Moment::Here(at) => here(at),
            Moment::Next(time) => {
                let today = here(now.date().to_datetime(time))?;
                if today > now.timestamp() {
                    Some(today)
                } else {
                    here(now.date().checked_add(1.day()).ok()?.to_datetime(time))
                }
            }
        }
    }
}

fn moment(typed: &str) -> Result<Moment, String> {
    let typed = typed.trim();
    if let Ok(at) = typed.parse::<Timestamp>() {
        return Ok(Moment::Anywhere(at));
    }
    // A day alone would be its first moment, which nobody means.
    match (typed.parse::<DateTime>(), typed.parse::<Time>()) {
        (Ok(at), _) if typed.contains(':') => Ok(Moment::Here(at)),
        (_, Ok(time)) if typed.contains(':') => Ok(Moment::Next(time)),
        _ => Err("write it as 18:00 or 2027-03-01T18:00".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_meant() {
        let now: Zoned = "2027-03-27T18:30[Europe/Berlin]".parse().unwrap();
        for (typed, meant) in [
            ("19:00", "2027-03-27T18:00:00Z"),
            ("18:30", "2027-03-28T16:30:00Z"),
            ("07:15", "2027-03-28T05:15:00Z"),
            ("2027-03-28T18:00", "2027-03-28T16:00:00Z"),
            ("2027-03-28 18:00", "2027-03-28T16:00:00Z"),
            ("2027-03-28T18:00:00Z", "2027-03-28T18:00:00Z"),
            ("2027-03-28T18:00+05:30", "2027-03-28T12:30:00Z"),
        ] {
            let moment = moment(typed).unwrap().after(&now).unwrap();
            assert_eq!(moment.to_string(), meant, "{typed}");
        }
        for wrong in [
            "",
            "tomorrow",
            "18",
            "2027-03-28",
            "2027-02-29T10:00",
            "25:00",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_three_days_at_most() {
        assert_eq!(span("3d"), Ok(Duration::from_secs(72 * 3600)));
        assert_eq!(span("90m"), Ok(Duration::from_secs(90 * 60)));
        for wrong in ["73h", "4d", "0h", "", "soon"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
