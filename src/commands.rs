//! One file for one command: its arguments with their help, then one function.

mod agreement;
pub mod apology;
pub mod backup;
pub mod boundary;
pub mod bundle;
pub mod calendar;
pub mod checkin;
pub mod completions;
pub mod doctor;
pub mod down;
pub mod due;
mod ending;
pub mod export;
pub mod feel;
pub mod history;
pub mod init;
pub mod kit;
pub mod leave;
pub mod lesson;
pub mod lock;
pub mod man;
pub mod memory;
pub mod open;
pub mod packet;
pub mod pair;
pub mod passphrase;
pub mod plan;
pub mod rocky;
pub mod safety;
mod said;
pub mod search;
pub mod space;
pub mod status;
pub mod sync;
pub mod talk;
pub mod timeline;
pub mod up;

use std::path::Path;

use crate::advice::Advice;
use crate::holder::Reached;
use crate::request::{Entry, Failure, Request, Response};
use crate::terminal::reason;

/// All entries of a kind.
async fn all(journal: &mut Reached, kind: &str) -> Result<Vec<Entry>, Failure> {
    let request = Request::List {
        kind: kind.to_owned(),
        part: None,
        as_json: false,
    };
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Entries(entries) => Ok(entries),
        other => Err(unexpected(other)),
    }
}

/// What answers a request with one entry.
async fn entry(journal: &mut Reached, request: Request) -> Result<Box<Entry>, Failure> {
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Entry(entry) => Ok(entry),
        other => Err(unexpected(other)),
    }
}

/// One entry with its history.
async fn show(journal: &mut Reached, id: String) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Show { id }).await
}

/// Where a file is for a process that was started elsewhere.
fn absolute(file: &Path) -> Result<String, Failure> {
    let wrong = |message: String| Advice::WrongUse {
        message,
        hint: "Name the file otherwise.".to_owned(),
    };
    let path = std::path::absolute(file)
        .map_err(|error| wrong(format!("This file cannot be named: {}.", reason(&error))))?;
    match path.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(_) => Err(wrong("The file's name is not UTF-8.".to_owned()).into()),
    }
}

/// The partner's name, before anything is shown that could be shared.
async fn partner(journal: &mut Reached) -> Result<String, Failure> {
    match journal
        .ask_to_the_end(Request::Status { part: None }, |_| Ok(()))
        .await?
    {
        Response::Status(status) => status.partner.ok_or_else(|| Advice::NotPaired.into()),
        other => Err(unexpected(other)),
    }
}

/// The holder answered something else than what this command asks for.
fn unexpected(_: Response) -> Failure {
    // Never the answer itself: it may hold what somebody wrote.
    Advice::Internal {
        what: "the answer does not belong to the question".to_owned(),
    }
    .into()
}
