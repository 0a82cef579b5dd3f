//! Amends, the program: `crates/` holds what it knows, this what a person sees of it.
//!
//! ```text
//! cli        what can be typed
//! commands   one file for one command; each makes a Request and prints the answer
//! holder     finds the process that holds the journal, or becomes it
//! local      conversations: in this process, or over the local socket
//! request    what can be asked and answered (crates/request)
//! app        the journal held open: the only select!; performs effects
//! backup     one sealed file of everything
//! home       the folder and its lock
//! passphrase where the passphrase comes from
//! keyring    what the system's keyring holds, so that nobody is asked
//! kit        where the words of the recovery kit come from, and go
//! advice     every sentence said when something fails
//! doctor     what can be wrong, and what follows from what is seen
//! document   something to read, as HTML and as Markdown
//! age_file   a file that only some can open
//! search     finding words, whatever their accents and case
//! guide      questions that help to write
//! web        the page: the journal in a browser on this machine
//! terminal   what is printed and asked, kept harmless
//! ```

use std::ffi::OsString;
use std::process::ExitCode;

pub mod advice;
pub mod age_file;
pub mod app;
pub mod background;
pub mod backup;
pub mod calendar;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod document;
pub mod guide;
pub mod holder;
pub mod home;
pub mod keyring;
pub mod kit;
pub mod local;
pub mod passphrase;
pub mod photo;
pub mod reading;
pub mod search;
pub mod terminal;
pub mod text;
pub mod web;
pub mod words;

pub use amends_request as request;

/// The whole program: `arguments` are those of the process, its name first.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    close_to_others();
    keep_panics_quiet();
    cli::run(arguments.collect())
}

/// From now on a panic says where it happened and never what: its message may hold what somebody wrote.
pub fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()))
            .unwrap_or_default();
        terminal::complain(
            &advice::Advice::Internal {
                what: format!("it stopped at {place}"),
            }
            .into(),
            false,
        );
    }));
}

/// Before anything is read or written: files are this user's alone, and memory with secrets in it is never dumped.
fn close_to_others() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Where the system refuses this, it is as safe as it was; nothing else depends on it.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
