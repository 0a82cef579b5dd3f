//! What `doctor` sees of the stores: every page, every row, every part of every entry; and what the network must know to
//! look for the partner's device.

use std::path::Path;

use amends_journal::EntryId;
use amends_keys::identity::{day_of, identity_of_the_day};
use amends_keys::vault::VaultKey;
use amends_network::Address;
use amends_replica::{Replica, RowError, Whose};
use amends_store::{Fault, Store, Table};
use zeroize::Zeroizing;

use super::meeting::address_of;
use super::stores::{self, Device, Pair, Shelves, damaged};
use super::{App, now};
use crate::advice::{self, Advice};
use crate::doctor::network::{self, Facts};
use crate::doctor::{failed, ill, outside, unknown, well};
use crate::home::Home;
use crate::local::Face;
use crate::request::{Failure, Finding, Response, State};
use crate::terminal::line;

/// What the stores of a home gave.
pub struct Examined {
    /// What was found in them.
    pub findings: Vec<Finding>,
    /// What the network is looked at with; none without a pair.
    pub facts: Option<Facts>,
    /// When the two devices last met, in milliseconds since 1970 UTC.
    pub met: Option<i64>,
}

/// Opens both stores and looks at all that is in them. The lock is the caller's. `peer` is an address of the partner's
/// device as it was typed.
///
/// # Errors
/// [`Advice::BadAddress`].
pub fn examine_stores(
    home: &Home,
    key: &VaultKey,
    peer: Option<&str>,
    quiet: bool,
) -> Result<Examined, Failure> {
    let peer = peer.map(address_of).transpose()?;
    let mut findings = Vec::new();
    let (mut facts, mut met) = (None, None);
    match stores::open_one(&home.journal_db(), key.journal_store()) {
        Err(failure) => {
            findings.push(failed("journal", failure));
            findings.push(unknown("keys", "The keys of this device and of the pair lie in the journal's store, which cannot be opened."));
        }
        Ok(journal) => {
            let replica = stores::replica_of(&home.journal_db(), &journal);
            let (device, pair) = (
                stores::device_of(home, &journal),
                stores::pair_of(home, &journal),
            );
            let mut replica = look_at(
                &home.journal_db(),
                "journal",
                &journal,
                replica,
                &mut findings,
            );
            findings.push(keys(device.as_ref(), pair.as_ref(), replica.as_ref()));
            if let Some(replica) = &mut replica {
                met = replica.last_met();
                findings.push(set_aside(replica, &journal));
                findings.extend(lost(replica));
            }
            findings.push(paired(pair.as_ref(), replica.as_ref()));
            if let (Ok(device), Ok(Some(pair))) = (&device, &pair) {
                let kept = stores::addresses_of(home, &journal);
                let partner = replica.as_ref().and_then(Replica::partner_name);
                let partner = partner.unwrap_or("your partner");
                let addresses = peer.into_iter().chain(parsed(kept)).collect();
                facts = Some(facts_of(device, pair, partner, addresses, quiet));
            }
        }
    }
    match stores::open_one(&home.private_db(), key.private_store()) {
        Err(failure) => findings.push(failed("private", failure)),
        Ok(private) => {
            let replica = stores::replica_of(&home.private_db(), &private);
            look_at(
                &home.private_db(),
                "private",
                &private,
                replica,
                &mut findings,
            );
        }
    }
    Ok(Examined {
        findings,
        facts,
        met,
    })
}

fn parsed(typed: Vec<String>) -> impl Iterator<Item = Address> {
    typed.into_iter().filter_map(|typed| typed.parse().ok())
}

fn facts_of(
    device: &Device,
    pair: &Pair,
    partner: &str,
    addresses: Vec<Address>,
    quiet: bool,
) -> Facts {
    let (own, today) = (device.static_secret.public(), day_of(now()));
    Facts {
        partner: line(partner),
        today,
        identity: Box::new(identity_of_the_day(&pair.discovery, today, &own)),
        pnet: Box::new(Zeroizing::new(*pair.pnet.expose())),
        discovery: pair.discovery.clone(),
        own,
        theirs: pair.partner,
        addresses,
        connected: false,
        quiet,
    }
}

/// Everything in one store. Gives the replica back where there is one.
fn look_at(
    path: &Path,
    check: &str,
    store: &Store,
    replica: Result<Option<Replica>, Failure>,
    findings: &mut Vec<Finding>,
) -> Option<Replica> {
    let report = match store.check() {
        Ok(report) => report,
        Err(error) => {
            findings.push(failed(check, damaged(path, &error)));
            return replica.ok().flatten();
        }
    };
    let mut faults: Vec<String> = Vec::new();
    for fault in &report.faults {
        let said = told(fault);
        if !faults.contains(&said) {
            faults.push(said);
        }
    }
    let replica = match replica {
        Ok(replica) => replica,
        Err(failure) => {
            findings.push(failed(check, failure));
            return None;
        }
    };
    let mut replica = replica;
    let mut entries = 0_u64;
    if let Some(replica) = &mut replica {
        let ids: Vec<EntryId> = replica.cards().map(|(id, _)| *id).collect();
        entries = ids.len() as u64;
        for id in ids {
            if replica.look(&Shelves(store), &id, |_| ()).is_err() {
                let said = format!("the entry {}", replica.short_id(&id));
                if !faults.contains(&said) {
                    faults.push(said);
                }
            }
        }
    }
    findings.push(if faults.is_empty() {
        let rows = report.rows;
        well(
            check,
            format!("Every page and all {rows} rows of it are whole, with {entries} entries."),
        )
    } else {
        failed(check, damaged(path, &faults.join("; ")))
    });
    replica
}

/// A fault of a store in words.
fn told(fault: &Fault) -> String {
    match fault {
        Fault::Row {
            table: Table::Card | Table::Part | Table::Naming,
            key,
        } => match key.first_chunk::<16>() {
            Some(id) => format!("the entry {}", EntryId(*id)),
            None => "a row of an entry".to_owned(),
        },
        Fault::Row { table, .. } => format!("a row of {table}"),
        Fault::KeyCheck => "the row by which its key is known".to_owned(),
        Fault::Table { table, .. } => format!("the table {table}, which cannot be read to its end"),
        // SQLite's words name pages and tables; the first line is enough for a person.
        _ => "the file's own structure".to_owned(),
    }
}

fn keys(
    device: Result<&Device, &Failure>,
    pair: Result<&Option<Pair>, &Failure>,
    replica: Option<&Replica>,
) -> Finding {
    let pair = match (device, pair) {
        (Err(failure), _) | (_, Err(failure)) => return failed("keys", failure.clone()),
        (Ok(_), Ok(pair)) => pair,
    };
    match (pair, replica) {
        (Some(pair), Some(replica)) if *replica.journal() != pair.journal => failed(
            "keys",
            Advice::Internal {
                what: "the pair's keys are of another journal".to_owned(),
            },
        ),
        (Some(_), _) => well("keys", "The keys of this device and of the pair are there."),
        (None, _) => well("keys", "The keys of this device are there."),
    }
}

fn set_aside(replica: &Replica, journal: &Store) -> Finding {
    if replica.set_aside() == 0 {
        return well("set_aside", "Nothing that came is set aside.");
    }
    let partner = replica.partner_name().unwrap_or("your partner");
    // What cannot be read of it is a fault of the store, which is said there.
    let told = told_aside(replica, journal, partner).unwrap_or_default();
    let told = told.join(" ");
    ill("set_aside", State::Warning, Advice::SetAside { told })
}

/// Records that the disk lost.
fn lost(replica: &Replica) -> Option<Finding> {
    let told = match replica.lost() {
        0 => return None,
        count => advice::records_lost(count),
    };
    Some(ill("lost", State::Warning, Advice::RecordsLost { told }))
}

/// Records that are told of one by one; beyond that they are counted.
const ASIDE_TOLD: usize = 8;

/// What is set aside, a line for each record with the reason that was kept with it.
pub(super) fn told_aside(
    replica: &Replica,
    journal: &Store,
    partner: &str,
) -> Result<Vec<String>, RowError> {
    let records = replica.set_aside_records(&Shelves(journal), ASIDE_TOLD)?;
    let mut told: Vec<String> = records
        .iter()
        .map(|record| {
            let ids: Vec<String> = record
                .entries
                .iter()
                .map(|entry| replica.short_id(entry))
                .collect();
            let by = match record.whose {
                Whose::Mine => None,
                Whose::Partners => Some(line(partner)),
            };
            advice::set_aside(by.as_deref(), record.seq, &ids, &record.reason)
        })
        .collect();
    let more = replica.set_aside().saturating_sub(told.len() as u64);
    told.extend((more > 0).then(|| advice::set_aside_more(more)));
    Ok(told)
}

fn paired(pair: Result<&Option<Pair>, &Failure>, replica: Option<&Replica>) -> Finding {
    let partner = replica
        .and_then(Replica::partner_name)
        .map(line)
        .unwrap_or_default();
    match pair {
        Err(failure) => failed("pair", failure.clone()),
        Ok(None) => ill("pair", State::Warning, Advice::NotPaired),
        Ok(Some(_)) if replica.is_some_and(|replica| !replica.is_confirmed()) => ill(
            "pair",
            State::Warning,
            Advice::PartnerNotConfirmed { partner },
        ),
        Ok(Some(_)) => well("pair", format!("This journal is shared with {partner}.")),
    }
}

impl App {
    /// Looks at everything while it is held open, and has the network looked at by a task of its own.
    pub(super) fn examine(&mut self, face: Face, peer: Option<&str>, quiet: bool) {
        let peer = match peer.map(address_of).transpose() {
            Ok(peer) => peer,
            Err(failure) => return face.end(Response::Failed(failure)),
        };
        let mut findings = Vec::new();
        let home = self.open.home.clone();
        let replica = stores::replica_of(&home.journal_db(), &self.open.journal);
        let replica = look_at(
            &home.journal_db(),
            "journal",
            &self.open.journal,
            replica,
            &mut findings,
        );
        let private = stores::replica_of(&home.private_db(), &self.open.private);
        look_at(
            &home.private_db(),
            "private",
            &self.open.private,
            private,
            &mut findings,
        );
        let pair = Ok(&self.pair);
        findings.push(keys(Ok(&self.open.device), pair, replica.as_ref()));
        if let Some(replica) = &replica {
            findings.push(set_aside(replica, &self.open.journal));
            findings.extend(lost(replica));
        }
        findings.push(paired(pair, replica.as_ref()));
        let met = replica.as_ref().and_then(Replica::last_met);
        findings.push(outside::clock(home.dir(), met));
        let facts = self.pair.as_ref().map(|pair| {
            let addresses = peer
                .into_iter()
                .chain(self.meetings.known())
                .chain(parsed(self.open.addresses()))
                .collect();
            let partner = self.partner_name();
            let quiet = quiet || self.options.quiet;
            Facts {
                connected: self.sessions.open().next().is_some(),
                ..facts_of(&self.open.device, pair, &partner, addresses, quiet)
            }
        });
        tokio::spawn(async move {
            findings.extend(network::examine(facts).await);
            face.end(Response::Findings(findings));
        });
    }
}
