//! What a later version of the program wrote: kept, numbered, acknowledged as set aside, shown as not readable yet, never
//! written over, and tried again once this program is of a version that can read it (PROTOCOL section 6, step 7).

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::{EntryId, EntryKind, View};

use crate::apply::{TRIES, Touched};
use crate::card::Card;
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::payload::read_items;
use crate::record::RecordHash;
use crate::replica::Replica;
use crate::rows::{self, AwaitedRow, Fate, PartName, RecordRow, name};
use crate::shelf::{Gathered, Table};
use crate::wall::{Ready, claims_of};

/// The kinds and schemas among a payload's items that this version does not know; nothing where it cannot be read at all.
pub(crate) fn unknown_in(payload: &[u8]) -> Vec<(u8, u8)> {
    let unknown: BTreeSet<(u8, u8)> = read_items(payload)
        .unwrap_or_default()
        .iter()
        .map(|item| (item.kind, item.schema))
        .filter(|(kind, schema)| !is_known(*kind, *schema))
        .collect();
    unknown.into_iter().collect()
}

fn is_known(kind: u8, schema: u8) -> bool {
    EntryKind::from_byte(kind).is_some_and(|kind| amends_journal::known(kind, schema))
}

impl Replica {
    /// Whether something is to be tried again: then the first input is to be [`crate::Input::Continue`].
    pub fn has_awaited(&self) -> bool {
        self.awaited.iter().any(|row| self.is_due(row))
    }

    fn is_due(&self, row: &AwaitedRow) -> bool {
        row.begun <= TRIES
            && row
                .unknown
                .iter()
                .all(|(kind, schema)| is_known(*kind, *schema))
    }

    /// Notes a record of a later version, and shows its entries as not readable yet.
    pub(crate) fn await_record(
        &mut self,
        gathered: &mut Gathered<'_>,
        now: i64,
        ready: &Ready,
    ) -> Result<(), HandleError> {
        let unknown = unknown_in(&ready.record.payload);
        let Some(log) = self
            .logs
            .get(&ready.record.log)
            .filter(|_| !unknown.is_empty())
        else {
            return Ok(());
        };
        let (number, whose) = (log.number, log.whose);
        self.awaited.push(AwaitedRow {
            log: number,
            seq: ready.record.seq,
            unknown,
            begun: 0,
        });
        rows::put(gathered, name::AWAITED, &self.awaited)?;
        for item in read_items(&ready.record.payload).unwrap_or_default() {
            let of = (item.kind, item.schema);
            if is_known(of.0, of.1) {
                continue;
            }
            let mut card = match self.cards.get(&item.entry) {
                Some(card) => card.clone(),
                None => Card::unread(of, whose, now),
            };
            card.unread = true;
            gathered.put(Table::Card, item.entry.0.to_vec(), card.row()?);
            self.put_card(item.entry, card);
        }
        Ok(())
    }

    /// Marks what is to be tried again, so that a record that stops the program does not do so at every start.
    pub(crate) fn begin_awaited(
        &mut self,
        world: &World<'_>,
    ) -> Result<Option<Vec<Effect>>, HandleError> {
        if self.trying || !self.has_awaited() {
            return Ok(None);
        }
        let due: Vec<bool> = self.awaited.iter().map(|row| self.is_due(row)).collect();
        for (row, _) in self.awaited.iter_mut().zip(due).filter(|(_, due)| *due) {
            row.begun = row.begun.saturating_add(1);
        }
        let mut gathered = Gathered::new(world.shelf);
        rows::put(&mut gathered, name::AWAITED, &self.awaited)?;
        self.trying = true;
        Ok(Some(vec![
            Effect::Save {
                writes: gathered.into_writes(),
                durable: false,
            },
            Effect::Continue,
        ]))
    }

    /// Tries again what a later version wrote, and whatever of the same log was set aside after it.
    pub(crate) fn try_awaited(
        &mut self,
        world: &mut World<'_>,
    ) -> Result<Vec<Effect>, HandleError> {
        self.trying = false;
        let mut gathered = Gathered::new(world.shelf);
        let mut first: BTreeMap<u32, u64> = BTreeMap::new();
        let known = |row: &&AwaitedRow| row.unknown.iter().all(|(k, s)| is_known(*k, *s));
        for row in self.awaited.iter().filter(known) {
            let from = first.entry(row.log).or_insert(row.seq);
            *from = row.seq.min(*from);
        }
        let logs: Vec<_> = self
            .logs
            .values()
            .filter_map(|log| Some((log.clone(), *first.get(&log.number)?)))
            .collect();
        let mut touched = Touched::new();
        let mut taken: BTreeSet<(u32, u64)> = BTreeSet::new();
        for (log, from) in logs {
            let mut opened = None;
            let runs: Vec<u64> = log
                .set_aside
                .iter()
                .flat_map(|(first, last)| (*first).max(from)..=*last)
                .collect();
            for seq in runs {
                let (bytes, _, record) = self.saved_record(&gathered, &log, seq, &mut opened)?;
                let key = rows::record_key(log.number, seq);
                let row = gathered
                    .get(Table::Record, &key)?
                    .ok_or(rows::RowError::Missing(name::RECORD))?;
                let mut row: RecordRow = rows::decode(name::RECORD, &row)?;
                let ready = Ready {
                    link: LinkId(0),
                    hash: RecordHash::of(&bytes),
                    claims: claims_of(&record),
                    record,
                    envelope: row.envelope,
                    place: row.place,
                };
                if self.apply_one(&gathered, &ready, &mut touched)? != Fate::Applied {
                    continue;
                }
                row.fate = Fate::Applied;
                gathered.put(Table::Record, key, rows::encode(name::RECORD, &row)?);
                taken.insert((log.number, seq));
            }
        }
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        for log in self.logs.values_mut() {
            let number = log.number;
            let left: Vec<u64> = log
                .set_aside
                .iter()
                .flat_map(|(first, last)| *first..=*last)
                .filter(|seq| !taken.contains(&(number, *seq)))
                .collect();
            let mut position = crate::clock::Position::default();
            left.iter().for_each(|seq| position.add_set_aside(*seq));
            log.set_aside = position.set_aside;
        }
        self.set_aside = self.set_aside.saturating_sub(taken.len() as u64);
        self.awaited
            .retain(|row| !taken.contains(&(row.log, row.seq)));
        rows::put(&mut gathered, name::AWAITED, &self.awaited)?;
        let still = self.still_unread(&gathered)?;
        let mut effects = Vec::new();
        for (entry, (by, mine, of)) in touched {
            for part_name in [PartName::Shared, PartName::Mine, PartName::Partners] {
                if let Some(part) = self.trial.remove(&(entry, part_name)) {
                    self.keep_part(&mut gathered, entry, part_name, part);
                }
            }
            if let Some(card) = self.cards.get_mut(&entry) {
                card.unread = still.contains(&entry);
            }
            self.keep_card(&mut gathered, world.now, entry, of, mine)?;
            effects.push(Effect::Show(Shown::Changed { entry, by }));
        }
        self.trial.clear();
        self.keep_logs(&mut gathered)?;
        effects.insert(
            0,
            Effect::Save {
                writes: gathered.into_writes(),
                durable: true,
            },
        );
        Ok(effects)
    }

    /// The entries in which something awaited still is.
    fn still_unread(&self, gathered: &Gathered<'_>) -> Result<BTreeSet<EntryId>, HandleError> {
        let mut still = BTreeSet::new();
        for row in &self.awaited {
            let key = rows::record_key(row.log, row.seq);
            if let Some(row) = gathered.get(Table::Record, &key)? {
                let row: RecordRow = rows::decode(name::RECORD, &row)?;
                still.extend(row.entries.into_iter().map(EntryId));
            }
        }
        Ok(still)
    }

    /// Whether nothing may be written into an entry, since a later version wrote in it. An agreement can be ended even so,
    /// where it can be read.
    pub(crate) fn is_unread(&self, entry: &EntryId, ends: bool) -> bool {
        self.cards
            .get(entry)
            .is_some_and(|card| card.view == View::Unread || (card.unread && !ends))
    }
}

#[cfg(test)]
mod tests;
