//! `amends calendar`: the set times and days to keep, for the calendar program that somebody already has.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use amends_journal::schedule::Schedule;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::unexpected;
use crate::advice::Advice;
use crate::calendar::{Calendar, CalendarFault, Day, Times, write};
use crate::cli::Context;
use crate::holder;
use crate::request::{Dates, Failure, Request, Response};
use crate::terminal::{line, reason};

/// What every time together is called where titles are asked for.
const TITLE: &str = "Check-in";

/// Put your set times and days into a calendar file
#[derive(Debug, Args)]
#[command(
    long_about = "Writes a calendar file (.ics, RFC 5545) of the schedule that you both agreed to, of the days on which you look at what is in force again, and of the days of your plans. It is in the clear: a calendar program may send it to a server, and others may see it there. So it names neither this program nor what you wrote: every time is called \"time together\", every day \"a day to keep\", unless you ask for titles.",
    after_help = "Examples:\n  amends calendar --to together.ics\n  amends calendar --to together.ics --force\n  amends calendar --to - --titles"
)]
pub struct Arguments {
    /// The file to write, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-", value_hint = clap::ValueHint::FilePath)]
    to: PathBuf,
    /// Put in what each day is about
    #[arg(long)]
    titles: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// `calendar --json`.
#[derive(Serialize)]
struct Written<'a> {
    /// Absent where it went to standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The calendar itself, where no file was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<&'a str>,
    days: usize,
}

/// Runs `amends calendar`.
///
/// # Errors
/// Where there is nothing to put into it or it cannot be written, and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let dates = match holder::ask_once(context, Request::Dates).await? {
        Response::Dates(dates) => *dates,
        other => return Err(unexpected(other)),
    };
    let text = text_of(&dates, !arguments.titles)?;
    let out = context.out;
    let to_standard_output = arguments.to == Path::new("-");
    if !to_standard_output {
        must_be_elsewhere(context, &arguments.to)?;
        put(&arguments.to, &text, arguments.force)?;
    }
    let shown = line(&arguments.to.display().to_string());
    out.value(&Written {
        file: (!to_standard_output).then(|| shown.clone()),
        calendar: to_standard_output.then_some(text.as_str()),
        days: dates.days.len(),
    })?;
    if to_standard_output {
        // Its own line end is there already, and titles had their control characters taken out.
        out.say(text.trim_end_matches(['\r', '\n']))?;
    } else {
        out.say(&format!("Wrote {shown}."))?;
    }
    out.note("It is in the clear: a calendar program may send it to a server, and others may see it there.");
    Ok(())
}

/// The calendar file of what has a time or a day.
///
/// # Errors
/// What keeps it from being one.
pub(crate) fn text_of(dates: &Dates, neutral: bool) -> Result<String, Failure> {
    let schedule = match &dates.times {
        Some(times) => Some((
            times,
            times.schedule.parse::<Schedule>().map_err(Advice::from)?,
        )),
        None => None,
    };
    let times = schedule.iter().map(|(times, schedule)| Times {
        id: &times.id,
        schedule,
        title: TITLE,
    });
    let days = dates.days.iter().filter_map(|day| {
        Some(Day {
            id: &day.id,
            date: day.date.parse().ok()?,
            title: &day.title,
        })
    });
    let calendar = Calendar {
        times: times.collect(),
        days: days.collect(),
        neutral,
    };
    write(&calendar, Timestamp::now()).map_err(|fault| {
        match fault {
            CalendarFault::Empty => Advice::NothingForCalendar,
            CalendarFault::Zone(zone) => Advice::UnknownZone { zone },
            CalendarFault::Date(date) => Advice::DateTooFarOff {
                date: date.to_string(),
            },
            CalendarFault::Format => Advice::Internal {
                what: fault.to_string(),
            },
        }
        .into()
    })
}

/// The folder of the journal holds nothing but the journal.
fn must_be_elsewhere(context: &Context, path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match (context.home_dir()?.canonicalize(), folder.canonicalize()) {
        (Ok(home), Ok(folder)) if folder.starts_with(&home) => Err(Advice::CalendarInsideHome {
            path: line(&path.display().to_string()),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Whole or not at all, and for this user alone.
fn put(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let shown = || line(&path.display().to_string());
    let failed = |error: &io::Error| {
        Failure::from(Advice::NotAPlace {
            path: shown(),
            error: reason(error),
        })
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // A temporary file is for its user alone, and stays so under its new name.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    if force {
        file.persist(path).map_err(|error| failed(&error.error))?;
    } else {
        file.persist_noclobber(path)
            .map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => Advice::CalendarExists { path: shown() }.into(),
                _ => failed(&error.error),
            })?;
    }
    Ok(())
}
