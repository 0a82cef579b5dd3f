//! One file for one command: its arguments with their help, then one function.

pub mod boundary;
pub mod bundle;
pub mod completions;
pub mod down;
pub mod init;
pub mod kit;
pub mod leave;
pub mod man;
pub mod pair;
pub mod passphrase;
pub mod safety;
pub mod status;
pub mod sync;
pub mod up;

use crate::advice::Advice;
use crate::request::{Failure, Response};

/// The holder answered something else than what this command asks for.
fn unexpected(_: Response) -> Failure {
    // Never the answer itself: it may hold what somebody wrote.
    Advice::Internal {
        what: "the answer does not belong to the question".to_owned(),
    }
    .into()
}
