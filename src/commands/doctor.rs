//! `amends doctor`: what is wrong, and what to do next.

use std::path::Path;

use clap::Args;

use super::passphrase::not_replaced;
use super::unexpected;
use crate::advice::{self, Advice};
use crate::app::{self, Examined};
use crate::cli::Context;
use crate::doctor::{self, network, outside, unknown, well};
use crate::holder::{self, Wish};
use crate::home::{Home, Lock, VAULT};
use crate::passphrase;
use crate::request::{Failure, Finding, Request, Response};
use crate::terminal::line;
use crate::words;
use amends_keys::vault::VaultKey;

/// Find out what is wrong: the journal, its keys, the clock, the network
#[derive(Debug, Args)]
#[command(
    long_about = "Find out what is wrong, and what to do next: looks at the folder and its disk, the vault, both stores row by row, the keys, the clock, and why your partner's device is not met. It changes nothing but with --repair. What it finds is said with its cause first.\n\nIt works with amends up and without. What can be looked at without the passphrase is looked at even where the journal cannot be opened. On the network it asks what every device asks that looks for others, and tries to connect to your partner's device; --quiet leaves the asking out. It takes a few seconds.\n\n--repair mends a damaged store before it looks: what can be read is kept, what this device's own log says is made anew, and what only the log had is asked of your partner's device when you meet. A store that was damaged is kept beside the new one. One changed byte of the vault is put right. No amends may have the journal open meanwhile.",
    after_help = "Examples:\n  amends doctor\n  amends doctor --peer 192.168.1.7:4100     also try this address\n  amends doctor --repair                    also mend what is damaged\n  amends doctor --json                      for scripts: an array, the worst first"
)]
pub struct Arguments {
    /// An address of your partner's device to try, besides those that are known and found
    #[arg(long, value_name = "ADDR", value_hint = clap::ValueHint::Other)]
    peer: Option<String>,
    /// Ask nothing on the network; try known addresses only
    #[arg(long)]
    quiet: bool,
    /// Mend what is damaged, from the log and from your partner's device
    #[arg(long)]
    repair: bool,
}

/// Runs `amends doctor`. Gives the exit code that goes with what was found.
///
/// # Errors
/// Only what keeps it from looking or from saying what it saw.
pub async fn run(context: &Context, arguments: Arguments) -> Result<u8, Failure> {
    let dir = context.home_dir()?;
    let how = Look {
        peer: arguments.peer,
        quiet: arguments.quiet,
        repair: arguments.repair,
    };
    let findings = match without_key(&dir, &how).await? {
        Seen::All(findings) => findings,
        Seen::Closed(home, findings) => {
            let key = passphrase::unlock(context, &home).await;
            with_key(&home, key.as_ref().map_err(Clone::clone), findings, &how).await?
        }
    };
    let findings = doctor::worst_first(findings);
    context.out.value(&findings)?;
    context
        .out
        .say(&words::doctor::all(context.out, &findings))?;
    Ok(doctor::exit_of(&findings))
}

/// How it is looked.
#[derive(Debug)]
pub(crate) struct Look {
    /// An address of the partner's device to try, besides those that are known and found.
    pub(crate) peer: Option<String>,
    /// Ask nothing on the network.
    pub(crate) quiet: bool,
    /// Mend what is damaged.
    pub(crate) repair: bool,
}

/// What was seen without a key.
pub(crate) enum Seen {
    /// All that can be seen.
    All(Vec<Finding>),
    /// Some of it: the home is there, and nobody has its journal open.
    Closed(Home, Vec<Finding>),
}

/// Looks at all that needs no key here: what lies outside of the stores, and these too where another process holds them.
///
/// # Errors
/// [`Advice::RepairWhileUp`], and where that process does not answer.
pub(crate) async fn without_key(dir: &Path, how: &Look) -> Result<Seen, Failure> {
    let (home, found) = outside::home(dir);
    let mut findings = vec![home];
    findings.extend(outside::disk(dir));
    let Some(home) = found else {
        return without_stores(findings, dir).await.map(Seen::All);
    };
    findings.push(outside::vault(&home));
    match holder::find(&home, &Wish::default()).await {
        Ok(Some(mut there)) => {
            if how.repair {
                return Err(Advice::RepairWhileUp.into());
            }
            findings.push(well(
                "holder",
                "An amends has the journal open, and answers.",
            ));
            let asked = Request::Doctor {
                peer: how.peer.clone(),
                quiet: how.quiet,
            };
            match there.ask_to_the_end(asked, |_| Ok(())).await? {
                Response::Findings(more) => {
                    findings.extend(more);
                    Ok(Seen::All(findings))
                }
                other => Err(unexpected(other)),
            }
        }
        Ok(None) => {
            if let Some(told) = how.repair.then(|| mend_vault(&home)).flatten() {
                findings.retain(|finding| finding.check != "vault");
                findings.extend([told, outside::vault(&home)]);
            }
            findings.push(well(
                "holder",
                "No amends has the journal open: your devices meet while amends up runs, or by amends sync.",
            ));
            Ok(Seen::Closed(home, findings))
        }
        Err(failure) => {
            findings.push(doctor::failed("holder", failure));
            without_stores(findings, dir).await.map(Seen::All)
        }
    }
}

/// Looks at the rest where the key is there, and mends first where that is wanted; else says why it was not looked at.
///
/// # Errors
/// [`Advice::BadAddress`].
pub(crate) async fn with_key(
    home: &Home,
    key: Result<&VaultKey, Failure>,
    mut findings: Vec<Finding>,
    how: &Look,
) -> Result<Vec<Finding>, Failure> {
    let dir = home.dir();
    let opened = key.and_then(|key| Ok((key, locked(home)?)));
    let (key, _lock) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            findings.push(doctor::locked("journal", failure));
            return without_stores(findings, dir).await;
        }
    };
    if how.repair {
        let mut told = app::repair_stores(home, key);
        for finding in &mut told {
            finding.check = format!("repair_{}", finding.check);
        }
        findings.extend(told);
    }
    let Examined {
        findings: more,
        facts,
        met,
    } = app::examine_stores(home, key, how.peer.as_deref(), how.quiet)?;
    findings.extend(more);
    findings.push(outside::clock(dir, met));
    findings.extend(network::examine(facts).await);
    Ok(findings)
}

/// Puts one changed byte of the vault's file right. Nothing where that is not what is wrong with it.
fn mend_vault(home: &Home) -> Option<Finding> {
    let bytes = home.read_vault().ok()?;
    let whole = amends_keys::vault::mended(&bytes)?;
    let path = line(&home.dir().join(VAULT).display().to_string());
    Some(match home.replace_vault(&bytes, &whole) {
        Ok(()) => well("repair_vault", advice::vault_mended(&path)),
        Err(error) => doctor::failed("repair_vault", not_replaced(error)),
    })
}

/// The lock that keeps others out meanwhile.
fn locked(home: &Home) -> Result<Lock, Failure> {
    home.try_lock()?.ok_or(Failure::from(Advice::Busy))
}

/// What can be said where the stores stay closed.
async fn without_stores(mut findings: Vec<Finding>, dir: &Path) -> Result<Vec<Finding>, Failure> {
    findings.push(outside::clock(dir, None));
    findings.extend(network::examine(None).await);
    findings.push(unknown(
        "partner",
        "Why your partner's device is not met cannot be seen without the keys in the journal.",
    ));
    Ok(findings)
}
