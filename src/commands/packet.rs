//! `amends packet`: what a counselor may read, an exact list that both agree to, handed on in a sealed file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use zeroize::Zeroizing;

use super::agreement::{Agree, decline, end, own_language};
use super::said::{self, Said, Which, WithReason, say};
use super::{absolute, entry, unexpected};
use crate::advice::Advice;
use crate::age_file::{self, AgeFileError, Inside, Recipient, RecipientError, To};
use crate::cli::Context;
use crate::holder::{self, Reached, Wish};
use crate::passphrase;
use crate::request::{Failure, Packet, PacketItem, PacketPages, PacketRequest, Request, Response};
use crate::terminal::asking::Terminal;
use crate::terminal::{line, reason};
use crate::words;

const KIND: &str = "packet";

/// Choose together what a counselor may read, and hand it on sealed
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A packet is an exact list of entries that both of you let a counselor read. You see all of it before you agree. Whatever changes, in the list or in an entry on it, is a new list that both agree to anew. It is handed on as a file that the ordinary age program opens, with a page for a browser and the same as Markdown inside. What is private cannot be in it.",
    after_help = "Examples:\n  amends packet new lusab tibup --title \"For Dr. Weber\"\n  amends packet show mudof\n  amends packet agree mudof\n  amends packet export mudof --to packet.zip.age"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    New(New),
    Add(Add),
    Remove(Remove),
    /// Show the list, and exactly what would be read
    #[command(after_help = "Example:\n  amends packet show mudof")]
    Show(Which),
    /// Agree to exactly this list, after you have seen all of it
    #[command(after_help = "Example:\n  amends packet agree mudof")]
    Agree(Agree),
    /// Say no to it, with or without a reason
    #[command(after_help = "Example:\n  amends packet decline mudof --reason \"Not that talk.\"")]
    Decline(WithReason),
    /// End your agreement, alone and at any time
    #[command(
        after_help = "Example:\n  amends packet end mudof\n\nWhat was exported before cannot be called back."
    )]
    End(WithReason),
    Export(Export),
    /// List all packets
    #[command(after_help = "Examples:\n  amends packet list\n  amends packet list --json")]
    List,
}

/// Begin a list; you agree to the list that you begin
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends packet new lusab tibup --title \"For Dr. Weber\"")]
pub struct New {
    /// The entries, as they stand now
    #[arg(required = true, value_name = "ID")]
    entries: Vec<String>,
    /// A name for it, which stands above what is read
    #[arg(long, default_value = "For our counselor")]
    title: String,
}

/// Put entries on a list as they stand now; both agree to it anew
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends packet add mudof lusab\n\nOne that is on the list already is taken as it stands now."
)]
pub struct Add {
    /// Which packet
    id: String,
    /// The entries
    #[arg(required = true, value_name = "ENTRY")]
    entries: Vec<String>,
}

/// Take entries off a list; both agree to it anew
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends packet remove mudof lusab")]
pub struct Remove {
    /// Which packet
    id: String,
    /// The entries
    #[arg(required = true, value_name = "ENTRY")]
    entries: Vec<String>,
}

/// Write what both agreed to into a file that the age program opens
#[derive(Debug, Args)]
#[command(
    long_about = "Write what both agreed to into a file that the age program opens: for whoever has the identity of a recipient, or knows a passphrase that you choose now. Inside is a zip with a page for a browser and the same as Markdown.\n\nIt cannot be called back once somebody has it.",
    after_help = "Examples:\n  amends packet export mudof --to packet.zip.age\n  amends packet export mudof --to packet.zip.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n\nIt is opened with:\n  age -d -o packet.zip packet.zip.age"
)]
pub struct Export {
    /// Which packet
    id: String,
    /// The file to write
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: PathBuf,
    /// Somebody's age recipient (age1…); may be given several times
    #[arg(long, value_name = "AGE1")]
    recipient: Vec<String>,
    /// Take the file's passphrase from the first line of FILE [default: asked for, twice]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "recipient")]
    packet_passphrase_file: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// `packet show --json`: the packet with what is on its list.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a crate::request::Entry,
    readable: bool,
    entries: &'a [PacketItem],
}

/// `packet export --json`.
#[derive(Serialize)]
struct Exported<'a> {
    file: &'a str,
    bytes: u64,
    entries: u64,
}

/// What came of a verb.
enum Came {
    Said(Said),
    Shown(Box<Packet>),
    Ended(Said),
}

/// Said where there are none.
const NONE: &str = "There are no packets yet. Begin one with: amends packet new ID…";

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, where a file cannot be written, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    let verb = match verb {
        Verb::Export(arguments) => return export(context, arguments).await,
        verb => verb,
    };
    let mut journal = holder::reach(context, Wish::default()).await?;
    match perform(context, &mut journal, verb).await {
        Ok(Came::Said(said)) => say(context, journal, Ok(said)).await,
        Ok(Came::Ended(said)) => {
            say(context, journal, Ok(said)).await?;
            context.out.say(words::packet::CANNOT_BE_CALLED_BACK)
        }
        Ok(Came::Shown(packet)) => {
            journal.leave().await?;
            context.out.value(&Shown {
                entry: &packet.entry,
                readable: packet.readable,
                entries: &packet.items,
            })?;
            context
                .out
                .say(&words::packet::preview(context.out, &packet))
        }
        Err(failure) => journal.leave_with(Err(failure)).await,
    }
}

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Came, Failure> {
    let asked = |request| Request::Packet(request);
    Ok(Came::Said(match verb {
        Verb::New(New { entries, title }) => {
            let language = own_language();
            let new = PacketRequest::New {
                entries,
                title,
                language,
            };
            Said::Done("Began", entry(journal, asked(new)).await?)
        }
        Verb::Add(Add { id, entries }) => {
            let add = PacketRequest::Add { id, entries };
            Said::Done("Changed", entry(journal, asked(add)).await?)
        }
        Verb::Remove(Remove { id, entries }) => {
            let remove = PacketRequest::Remove { id, entries };
            Said::Done("Changed", entry(journal, asked(remove)).await?)
        }
        Verb::Show(Which { id }) => return preview(journal, id).await.map(Came::Shown),
        Verb::Agree(Agree { id, yes }) => {
            let asks = context.may_ask && !yes && !context.out.is_json();
            let (id, expect_hash) = if asks {
                ask_to_agree(context, journal, id).await?
            } else {
                (id, None)
            };
            let agree = PacketRequest::Agree { id, expect_hash };
            Said::Done("You agreed to", entry(journal, asked(agree)).await?)
        }
        Verb::Decline(given) => decline(journal, KIND, given).await?,
        Verb::End(given) => return end(journal, KIND, given).await.map(Came::Ended),
        Verb::List => said::all(context, journal, KIND, NONE).await?,
        Verb::Export(_) => return Err(unexpected(Response::Done)),
    }))
}

async fn preview(journal: &mut Reached, id: String) -> Result<Box<Packet>, Failure> {
    let request = Request::Packet(PacketRequest::Preview { id });
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Packet(packet) => Ok(packet),
        other => Err(unexpected(other)),
    }
}

/// The hash says to the holder which list was shown, and the list says what stood in its entries.
async fn ask_to_agree(
    context: &Context,
    journal: &mut Reached,
    id: String,
) -> Result<(String, Option<String>), Failure> {
    let mut terminal = Terminal::open()?;
    let packet = preview(journal, id).await?;
    context
        .out
        .say(&words::packet::preview(context.out, &packet))?;
    context.out.say("")?;
    let question = "Do you agree that a counselor may read exactly this?";
    if !terminal.ask_yes_or_no(question).await? {
        return Err(Advice::SaidNo.into());
    }
    let agreement = packet.entry.own.agreement();
    let hash = agreement.map(|agreement| agreement.hash.clone());
    Ok((packet.entry.id, hash))
}

async fn export(context: &Context, arguments: Export) -> Result<(), Failure> {
    let Export {
        id,
        to,
        recipient,
        packet_passphrase_file,
        force,
    } = arguments;
    let file = absolute(&to)?;
    let recipients = recipient
        .iter()
        .map(|typed| {
            typed
                .parse::<Recipient>()
                .map_err(|error| not_one(typed, error))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let asks = context.may_ask && !context.out.is_json();
    if recipients.is_empty() && packet_passphrase_file.is_none() && !asks {
        return Err(Advice::PacketNeedsReader.into());
    }
    outside_of_home(context, Path::new(&file))?;
    let request = Request::Packet(PacketRequest::Hand { id });
    let pages = match holder::ask_once(context, request).await? {
        Response::PacketPages(pages) => pages,
        other => return Err(unexpected(other)),
    };
    let sealed_to = if !recipients.is_empty() {
        To::Recipients(recipients)
    } else if let Some(file) = &packet_passphrase_file {
        To::Passphrase(passphrase::choose_from(context, Some(file)).await?)
    } else {
        To::Passphrase(ask_for_passphrase(context).await?)
    };
    let bytes = seal(Path::new(&file), &pages, &sealed_to, force)?;
    context.out.value(&Exported {
        file: &file,
        bytes,
        entries: pages.entries,
    })?;
    let how = match sealed_to {
        To::Passphrase(_) => "Whoever has it and knows its passphrase",
        To::Recipients(_) => "Whoever has it and the identity of a recipient",
    };
    context.out.say(&format!(
        "Wrote {}. {how} opens it with: age -d -o packet.zip FILE\nIt cannot be called back.",
        line(&file)
    ))
}

/// A passphrase for the file, asked twice.
async fn ask_for_passphrase(context: &Context) -> Result<Zeroizing<String>, Failure> {
    let mut terminal = Terminal::open().map_err(|_| Advice::PacketNeedsReader)?;
    context.out.note("Choose a passphrase for this file, not that of your journal. Tell it to your counselor by another way than the file goes.");
    let first = terminal
        .ask_unseen("Passphrase for the file: ")
        .await?
        .unwrap_or_default();
    if first.is_empty() {
        return Err(Advice::EmptyPassphrase.into());
    }
    let second = terminal
        .ask_unseen("And once more: ")
        .await?
        .unwrap_or_default();
    if first == second {
        Ok(first)
    } else {
        Err(Advice::PassphrasesDiffer.into())
    }
}

/// Only what is sealed comes to the disk.
pub(crate) fn seal(file: &Path, pages: &PacketPages, to: &To, force: bool) -> Result<u64, Failure> {
    let inside = [
        Inside {
            name: "packet.html",
            bytes: pages.html.as_bytes(),
        },
        Inside {
            name: "packet.md",
            bytes: pages.markdown.as_bytes(),
        },
    ];
    age_file::write(file, &inside, to, force).map_err(|error| not_sealed(file, error))
}

fn not_sealed(file: &Path, error: AgeFileError) -> Failure {
    let path = line(&file.display().to_string());
    match error {
        AgeFileError::NoRecipient => Advice::PacketNeedsReader,
        AgeFileError::EmptyPassphrase => Advice::EmptyPassphrase,
        AgeFileError::Exists => Advice::PacketFileExists { path },
        AgeFileError::Folder => Advice::PacketNotWritten {
            path,
            error: "it is a folder".to_owned(),
        },
        AgeFileError::Io(error) => Advice::PacketNotWritten {
            path,
            error: reason(&error),
        },
        error @ (AgeFileError::Name(_) | AgeFileError::Sealing(_)) => Advice::Internal {
            what: error.to_string(),
        },
    }
    .into()
}

/// What is said of something that no file can be sealed to. A secret is never repeated.
pub(crate) fn not_one(typed: &str, error: RecipientError) -> Failure {
    let given = line(typed);
    match error {
        RecipientError::Secret => Advice::RecipientSecret,
        RecipientError::OtherKind => Advice::RecipientOtherKind { given },
        RecipientError::NotOne => Advice::RecipientMistyped { given },
        RecipientError::Open => Advice::RecipientOpen { given },
    }
    .into()
}

fn outside_of_home(context: &Context, file: &Path) -> Result<(), Failure> {
    let home = context.home_dir()?.canonicalize();
    let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
    match (home, folder) {
        (Ok(home), Some(folder)) if folder.starts_with(&home) => Err(Advice::BundleInsideHome {
            path: line(&file.display().to_string()),
        }
        .into()),
        _ => Ok(()),
    }
}
