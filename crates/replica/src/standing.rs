//! What a device can truly say of where things stand: how far a meeting is, what is set aside and why, and what exists elsewhere and has not come.

use std::collections::BTreeMap;

use amends_journal::EntryId;
use amends_keys::identity::LogKey;

use crate::effect::LinkId;
use crate::replica::Replica;
use crate::rows::{self, Fate, RecordRow, RowError, Whose, name};
use crate::shelf::{Shelf, Table};
use crate::sync::Link;

/// How far a meeting is. Over two links to one device at once it is the same of both, but for what went over each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Meeting {
    /// Changes of ours that the other device acknowledged in this session.
    pub sent: u64,
    /// Changes that came in this session and are saved.
    pub received: u64,
    /// Both clocks are known and theirs covers ours, and their device said of every piece of a photo that its disk has it.
    pub partner_has_all: bool,
    /// Both clocks are known and ours covers theirs, whichever link it came over, and every piece of a photo is here that their
    /// device can give.
    pub have_all: bool,
    /// Nothing more is to go either way, though the partner's device may still lack a photo that it does not take.
    pub at_rest: bool,
}

/// Why a record was set aside, as far as it matters to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A later version of the program wrote it: it is tried again by itself.
    LaterVersion,
    /// What it carries is no change as this program writes them (steps 2 and 3 of PROTOCOL section 6).
    NoChange,
    /// It would change what its writer may not change (step 4).
    Forbidden,
    /// It builds on something that was set aside (step 4).
    Follows,
    /// With it the entry could not be saved and read again, or would be too long (step 5).
    Unreadable,
    /// The program stopped while it was applied, again and again (step 6).
    Stops,
    /// Its reason is not known any more: the row that said it was lost.
    Lost,
}

impl Cause {
    /// Which cause the wall's own words name.
    #[must_use]
    pub fn of(reason: &str) -> Self {
        if reason.ends_with(" known to this version") {
            return Cause::LaterVersion;
        }
        match reason.split_once(": ") {
            Some(("step 2" | "step 3", _)) => Cause::NoChange,
            Some(("step 4", why)) if why == MISSING => Cause::Follows,
            Some(("step 5", _)) => Cause::Unreadable,
            Some(("step 6", _)) => Cause::Stops,
            _ if reason.is_empty() => Cause::Lost,
            // What is wrong with a record itself, whose it is, or which entry it is of, is said without a step's number.
            _ => Cause::Forbidden,
        }
    }
}

/// As the wall says it (`amends_journal::wall::MissingDependency`).
const MISSING: &str = "it follows a change that is not here";

/// One record that is kept and not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Whose log it is in.
    pub whose: Whose,
    /// Its number there.
    pub seq: u64,
    /// When this device first held it (milliseconds since 1970 UTC); none where that is not known any more.
    pub held_at: Option<i64>,
    /// The entries that it is of, as far as it says.
    pub entries: Vec<EntryId>,
    /// Why, in the words of the wall; empty where that is not known any more.
    pub reason: String,
}

impl Replica {
    /// How far the meeting on this link is.
    pub fn meeting(&self, link: LinkId) -> Meeting {
        let Some(link) = self.links.get(&link) else {
            return Meeting::default();
        };
        let ours = self.clock();
        let chunks = self.chunks_met(&link.device);
        let with = |other: &&Link| other.device == link.device && !other.closing;
        let said = || self.links.values().filter(with).filter_map(Link::said);
        let heard = link.said().is_some();
        // What it holds by what it said over one link is not said again over another. What it said over another may still be on
        // its way over that one.
        let they_hold = heard && said().any(|theirs| theirs.covers(&ours));
        let held = heard && said().all(|theirs| ours.covers(theirs));
        Meeting {
            sent: link.acknowledged,
            received: link.received,
            partner_has_all: they_hold && chunks.they_have_all,
            have_all: held && chunks.have_all,
            at_rest: they_hold && held && chunks.at_rest,
        }
    }

    /// The records that are set aside, with the reason that was kept with each: at most so many, the last of each log first.
    ///
    /// # Errors
    /// Where the shelf cannot be read.
    pub fn set_aside_records(
        &self,
        shelf: &dyn Shelf,
        most: usize,
    ) -> Result<Vec<SetAside>, RowError> {
        let mut found = Vec::new();
        for log in self.logs.values() {
            let runs = log.set_aside.iter().rev();
            for seq in runs.flat_map(|(first, last)| (*first..=*last).rev()) {
                if found.len() >= most {
                    return Ok(found);
                }
                let row = shelf.get(Table::Record, &rows::record_key(log.number, seq))?;
                let row = row.and_then(|row| rows::decode::<RecordRow>(name::RECORD, &row).ok());
                found.push(match row {
                    Some(row) => SetAside {
                        whose: log.whose,
                        seq,
                        held_at: Some(row.held_at),
                        entries: row.entries.iter().map(|id| EntryId(*id)).collect(),
                        reason: match row.fate {
                            Fate::SetAside(reason) => reason,
                            Fate::Applied => String::new(),
                        },
                    },
                    None => SetAside {
                        whose: log.whose,
                        seq,
                        held_at: None,
                        entries: Vec::new(),
                        reason: String::new(),
                    },
                });
            }
        }
        Ok(found)
    }

    /// Records that are known to exist and that have not come, or came and wait for others: those that the partner's device says
    /// it holds, and those that records in the waiting room name.
    pub fn not_come(&self) -> u64 {
        // A log that this device has never seen anything of counts too.
        let mut known: BTreeMap<LogKey, u64> = BTreeMap::new();
        let said = self.heard.values().flat_map(|clock| &clock.0);
        let waiting = self.waiting.all().map(|wait| &wait.record);
        let named = waiting.clone().flat_map(|record| &record.seen);
        let all = said
            .map(|(log, position)| (*log, position.seq))
            .chain(named.map(|seen| (seen.log, seen.seq)))
            .chain(waiting.map(|record| (record.log, record.seq)));
        for (log, seq) in all {
            let last = known.entry(log).or_insert(0);
            *last = seq.max(*last);
        }
        known
            .into_iter()
            .map(|(log, seq)| {
                let held = self.logs.get(&log).map_or(0, |log| log.seq);
                seq.saturating_sub(held)
            })
            .fold(0, u64::saturating_add)
    }

    /// How many of them are known to be of this entry: those that came and wait for others. Of a record that has not come nothing
    /// is known but that it exists.
    pub fn not_come_in(&self, entry: &EntryId) -> u64 {
        let of_it = |payload: &[u8]| {
            let items = crate::payload::read_items(payload).unwrap_or_default();
            items.iter().any(|item| item.entry == *entry)
        };
        let waiting = self.waiting.all();
        waiting
            .filter(|wait| of_it(&wait.record.payload))
            .fold(0, |count: u64, _| count.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_wall_says_has_a_cause() {
        let missing = amends_journal::wall::MissingDependency([1; 32]);
        let refusal = amends_journal::wall::Refusal::from(missing);
        assert_eq!(Cause::of(&refusal.to_string()), Cause::Follows);
        for (reason, cause) in [
            (
                "records of kind 9 are not known to this version",
                Cause::LaterVersion,
            ),
            (
                "entries of kind 3 with schema 9 are not known to this version",
                Cause::LaterVersion,
            ),
            ("step 2: more than one chunk", Cause::NoChange),
            ("step 3: a deflated column", Cause::NoChange),
            ("step 4: the actor is another's", Cause::Forbidden),
            ("step 5: it cannot be loaded again", Cause::Unreadable),
            (
                "step 6: the program stopped 3 times while applying it",
                Cause::Stops,
            ),
            ("the entry is of another kind or schema", Cause::Forbidden),
            ("", Cause::Lost),
        ] {
            assert_eq!(Cause::of(reason), cause, "{reason}");
        }
    }
}
