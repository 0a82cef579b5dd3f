//! `amends status`: what waits, what has not reached the partner, when the two last met.

use clap::Args;
use serde::Serialize;

use super::unexpected;
use crate::cli::Context;
use crate::holder;
use crate::request::{Failure, Held, Incarnations, Request, Response, SpaceNow, Status, Waits};
use crate::words;

/// See what waits for you and what has not reached your partner
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  amends status\n  amends status --json")]
pub struct Arguments {}

/// The fields that scripts rely on (DESIGN section 6), then those that came later.
#[derive(Serialize)]
struct ForScripts<'a> {
    name: &'a str,
    partner: Option<&'a str>,
    waiting_for_me: &'a [Waits],
    not_reached: u64,
    last_met: Option<&'a str>,
    space: Option<&'a str>,
    spaces: &'a [SpaceNow],
    held: &'a [Held],
    next_checkin: Option<&'a str>,
    refused: &'a [String],
    unconfirmed: bool,
    connected: bool,
    not_come: u64,
    photos_to_come: u64,
    photos_to_go: u64,
    older: Option<&'a str>,
    this_day: &'a [Waits],
    incarnations: Incarnations,
}

/// Runs `amends status`.
///
/// # Errors
/// Whatever keeps the journal closed.
pub async fn run(context: &Context, _: Arguments) -> Result<(), Failure> {
    let status: Status = match holder::ask_once(context, Request::Status { part: None }).await? {
        Response::Status(status) => *status,
        other => return Err(unexpected(other)),
    };
    context.out.value(&ForScripts {
        name: &status.name,
        partner: status.partner.as_deref(),
        waiting_for_me: &status.waiting_for_me,
        not_reached: status.not_reached,
        last_met: status.last_met.as_deref(),
        space: status.space.as_deref(),
        spaces: &status.spaces,
        held: &status.held,
        next_checkin: status.next_checkin.as_deref(),
        refused: &status.refused,
        unconfirmed: status.unconfirmed,
        connected: status.connected,
        not_come: status.not_come,
        photos_to_come: status.photos_to_come,
        photos_to_go: status.photos_to_go,
        older: status.older.as_deref(),
        this_day: &status.this_day,
        incarnations: status.incarnations,
    })?;
    context.out.say(&words::status(context.out, &status))
}
