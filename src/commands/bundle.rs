//! `amends bundle`: what two devices have for each other in a file, where they do not meet.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{absolute, unexpected};
use crate::cli::Context;
use crate::holder::{self, Wish};
use crate::request::{Event, Failure, Request, Response};
use crate::words;

/// Carry the journal by hand, where your devices do not meet
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A bundle is a file with what your partner's device does not have yet, sealed so that only your two devices can read it. Take it over on a stick or by mail. Photos that their device is not known to have go with it. It also says what has come here, so that your partner's device learns what has reached you.",
    after_help = "Examples:\n  amends bundle write /media/stick/for-bo.amends\n  amends bundle read /media/stick/for-ana.amends"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Write(WriteOne),
    Read(ReadOne),
}

/// Write a bundle for your partner's device
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends bundle write for-bo.amends\n  amends bundle write for-bo.amends --all --force"
)]
pub struct WriteOne {
    /// The file to write
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Put everything in, not only what their device does not have by what it last said
    #[arg(long)]
    all: bool,
    /// Leave the photos out, which come at the next meeting or in another bundle
    #[arg(long)]
    no_photos: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Read a bundle that your partner's device wrote
#[derive(Debug, Args)]
#[command(
    long_about = "Read a bundle that your partner's device wrote. It does no harm to read one twice, or an old one: what is here already stays as it is.",
    after_help = "Example:\n  amends bundle read for-ana.amends"
)]
pub struct ReadOne {
    /// The file to read
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
}

/// `bundle write --json`.
#[derive(Serialize)]
struct Written<'a> {
    file: &'a str,
    records: u64,
    chunks: u64,
    bytes: u64,
}

/// `bundle read --json`.
#[derive(Serialize)]
struct Received {
    received: u64,
    chunks: u64,
    already_here: u64,
    waiting: u64,
    refused: u64,
}

/// Runs one of the verbs.
///
/// # Errors
/// Where the file cannot be written, or is no whole bundle of this pair, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    let request = match verb {
        Verb::Write(WriteOne {
            file,
            all,
            no_photos,
            force,
        }) => Request::BundleWrite {
            path: absolute(&file)?,
            all,
            force,
            no_photos,
        },
        Verb::Read(ReadOne { file }) => Request::BundleRead {
            path: absolute(&file)?,
        },
    };
    let out = context.out;
    let mut journal = holder::reach(context, Wish::default()).await?;
    let answer = journal
        .ask_to_the_end(request, |event| {
            if let Event::Notice { .. } | Event::Refused { .. } | Event::Bundling { .. } = event
                && let Some(words) = words::event(out, &event)
            {
                out.note(&words);
            }
            Ok(())
        })
        .await;
    match journal.leave_with(answer).await? {
        Response::BundleWritten(written) => {
            out.value(&Written {
                file: &written.file,
                records: written.records,
                chunks: written.chunks,
                bytes: written.bytes,
            })?;
            out.say(&words::bundle_written(&written))
        }
        Response::BundleRead(received) => {
            out.value(&Received {
                received: received.received,
                chunks: received.chunks,
                already_here: received.already_here,
                waiting: received.waiting,
                refused: received.refused,
            })?;
            out.say(&words::bundle_read(&received))
        }
        other => Err(unexpected(other)),
    }
}
