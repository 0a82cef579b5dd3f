//! `amends open`: the journal as a page in the browser, on this device alone.

use std::process::{Command, Stdio};
use std::time::Duration;

use amends_keys::vault::Cost;
use clap::Args;
use serde::Serialize;

use super::sync::WhereTo;
use crate::advice::Advice;
use crate::cli::{Context, span_of_time};
use crate::holder::{Wish, stop_wished};
use crate::passphrase;
use crate::request::Failure;
use crate::web::{Options, Server};

/// Open your journal as a page in the browser
#[derive(Debug, Args)]
#[command(
    long_about = "Open your journal as a page in the browser, on this device alone. Where no journal is there yet, the page makes one with you. As long as this goes on the journal is up: it meets your partner's device whenever both are. Ctrl-C, or leaving by the page, closes it.\n\nThe address works once. Nobody else on this machine or in the network can use it.",
    after_help = "Examples:\n  amends open\n  amends open --print           give the address, and start no browser"
)]
pub struct Arguments {
    /// Only print the address
    #[arg(long)]
    print: bool,
    /// Lock the page after so long without a key or a pointer
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = span_of_time)]
    lock_after: Duration,
    #[command(flatten)]
    where_to: WhereTo,
    /// Do not look for or announce anything on the network (mDNS): known addresses only
    #[arg(long)]
    quiet: bool,
    /// Memory that trying one passphrase of a new journal costs, in MiB
    #[arg(long, value_name = "MIB", hide = true, default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=1024))]
    argon2_memory: u32,
}

#[derive(Serialize)]
struct Served<'a> {
    address: &'a str,
}

/// Runs `amends open`.
///
/// # Errors
/// Where nothing can be served, and what the journal ended with.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let cost = Cost::new(
        arguments.argon2_memory * 1024,
        Cost::DEFAULT.passes(),
        Cost::DEFAULT.lanes(),
    )
    .map_err(|e| Advice::VaultFailed { why: e.to_string() })?;
    let server = Server::start(Options {
        home: context.home_dir()?,
        wish: Wish {
            stays: true,
            listen: arguments.where_to.listen,
            peer: arguments.where_to.peer,
            alone: true,
            quiet: arguments.quiet,
        },
        lock_after: arguments.lock_after,
        cost,
    })
    .await?;
    let stopped = stop_wished();
    if !server.join().await?
        && let Some(file) = &context.passphrase_file
    {
        server
            .unlock(passphrase::from_file(file, context.out)?)
            .await?;
    }
    let address = server.address();
    context.out.value(&Served { address: &address })?;
    if arguments.print {
        context.out.say(&address)?;
    } else if !context.out.is_json() {
        if show(&address) {
            context.out.say("Your journal is open in the browser.")?;
        } else {
            context.out.say(&format!(
                "No browser could be started. Open this address in one; it works once:\n\n  {address}\n"
            ))?;
        }
        context
            .out
            .note("It goes on until you press Ctrl-C here. If the page is closed, run this again.");
    }
    stopped.await;
    server.stop().await
}

/// Starts the browser that this person uses.
fn show(address: &str) -> bool {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    // The address stands in an argument, which other users of this machine can see: it lets in only processes of this one.
    Command::new(opener)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
