//! Leaving a branch: two copies of this device have written, so that a number of its log names two records. The one that another
//! device holds stands (PROTOCOL section 3, `docs/decisions/0037`). This device takes its own branch out of its logs and parts,
//! begins a new incarnation, and makes every change of the branch once more, all in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::carry::{self, Carrier};
use amends_journal::{EntryId, EntryKind, Part, PartKind};
use amends_keys::identity::LogKey;

use crate::apply::Of;
use crate::edit::groups;
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::incarnation::{Began, MOST_LOGS};
use crate::payload::{Item, read_items, write_items};
use crate::record::{Record, RecordHash, RecordKind};
use crate::replica::Replica;
use crate::rows::{self, LogRow, PartName, RowError, Whose, name};
use crate::shelf::{Gathered, Table};
use crate::waiting::Waiting;

/// Records of own logs that nobody else holds and that cannot stand: for each log the first of them.
type Lost = BTreeMap<LogKey, u64>;

impl Replica {
    /// A record of this person's own log came that differs from the one held under its number, `seq`, and follows the same one
    /// before it: two copies of this device have written. The branch that came stands, since another device holds it.
    pub(crate) fn leave_branch(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
        (log, seq): (LogKey, u64),
    ) -> Result<Vec<Effect>, HandleError> {
        if self.logs_of(&self.member.static_key) >= MOST_LOGS {
            return Ok(Vec::new());
        }
        let mut gathered = Gathered::new(world.shelf);
        let lost = self.lost_with(&gathered, log, seq)?;
        let records = self.records_of(&gathered, &lost)?;
        self.put_back(&mut gathered, &lost)?;
        self.waiting = Waiting::default();
        let mut branch = Branch::default();
        for record in &records {
            branch.collect(record);
        }
        branch.part(self, &gathered)?;
        self.begin_incarnation(&mut gathered, world)?;
        self.clamp_earlier(&mut gathered, &lost)?;
        let began = branch.write(self, &mut gathered, world, &records)?;
        self.keep_earlier(&mut gathered)?;
        self.keep_logs(&mut gathered)?;

        let mut changed: Vec<Effect> = branch
            .entries
            .keys()
            .map(|entry| {
                let by = Whose::Mine;
                Effect::Show(Shown::Changed { entry: *entry, by })
            })
            .collect();
        // What stands is asked for from where the branch began.
        if let Some(state) = self.links.get_mut(&link) {
            state.forked.clear();
            state.asked_below = None;
            state.asked_again = true;
        }
        let sends = self.pump_all(&gathered, world)?;
        let mut effects = vec![
            Effect::Save {
                writes: gathered.into_writes(),
                durable: true,
            },
            Effect::Show(Shown::Began(began)),
        ];
        effects.append(&mut changed);
        let reads = |state: &crate::sync::Link| state.reading.is_some();
        if !self.links.get(&link).is_none_or(reads) {
            effects.push(self.send_clock(link, true));
        }
        effects.extend(sends);
        Ok(effects)
    }

    /// Everything of own logs from that record on, and whatever of them names it.
    fn lost_with(
        &self,
        gathered: &Gathered<'_>,
        log: LogKey,
        seq: u64,
    ) -> Result<Lost, HandleError> {
        let mut lost = Lost::from([(log, seq)]);
        let others: Vec<&LogRow> = self
            .logs
            .values()
            .filter(|row| row.static_key == self.member.static_key && row.log_key() != log)
            .collect();
        loop {
            let known = lost.len();
            for row in &others {
                let end = lost.get(&row.log_key()).copied().unwrap_or(u64::MAX);
                let mut opened = None;
                for at in (1..=row.seq).take_while(|at| *at < end) {
                    let (_, _, record) = self.saved_record(gathered, row, at, &mut opened)?;
                    let names = |seen: &crate::record::Seen| {
                        lost.get(&seen.log).is_some_and(|first| seen.seq >= *first)
                    };
                    if record.seen.iter().any(names) {
                        lost.insert(row.log_key(), at);
                        break;
                    }
                }
            }
            if lost.len() == known {
                return Ok(lost);
            }
        }
    }

    /// The records of a branch, in the order in which they were written.
    fn records_of(&self, gathered: &Gathered<'_>, lost: &Lost) -> Result<Vec<Record>, HandleError> {
        let mut logs: Vec<(&LogRow, u64)> = lost
            .iter()
            .filter_map(|(log, first)| Some((self.logs.get(log)?, *first)))
            .collect();
        // One incarnation was over when the next began.
        logs.sort_by_key(|(log, _)| log.number);
        let mut records = Vec::new();
        for (log, first) in logs {
            let mut opened = None;
            for at in first..=log.seq {
                records.push(self.saved_record(gathered, log, at, &mut opened)?.2);
            }
        }
        Ok(records)
    }

    /// Takes the records of a branch out of their logs.
    fn put_back(&mut self, gathered: &mut Gathered<'_>, lost: &Lost) -> Result<(), HandleError> {
        for (key, first) in lost {
            let Some(log) = self.logs.get(key).cloned() else {
                continue;
            };
            let head = match first.saturating_sub(1) {
                0 => RecordHash::NONE,
                before => self
                    .hash_at(gathered, &log, before)?
                    .ok_or(RowError::Missing(name::RECORD))?,
            };
            for at in *first..=log.seq {
                gathered.delete(Table::Record, rows::record_key(log.number, at));
            }
            self.awaited
                .retain(|row| row.log != log.number || row.seq < *first);
            rows::put(gathered, name::AWAITED, &self.awaited)?;
            let mut position = crate::clock::Position {
                seq: log.seq,
                head: log.head.0,
                set_aside: log.set_aside,
            };
            let count = |runs: &[(u64, u64)]| -> u64 {
                let lengths = runs
                    .iter()
                    .map(|(a, b)| b.saturating_sub(*a).saturating_add(1));
                lengths.fold(0, u64::saturating_add)
            };
            let were = count(&position.set_aside);
            position.cut(first.saturating_sub(1));
            let gone = were.saturating_sub(count(&position.set_aside));
            self.set_aside = self.set_aside.saturating_sub(gone);
            if let Some(log) = self.logs.get_mut(key) {
                log.seq = first.saturating_sub(1);
                log.head = head;
                log.set_aside = position.set_aside;
            }
        }
        Ok(())
    }

    /// What was the last record of an entry may be one of those that are gone.
    fn clamp_earlier(
        &mut self,
        gathered: &mut Gathered<'_>,
        lost: &Lost,
    ) -> Result<(), HandleError> {
        for card in self.cards.values_mut() {
            for (log, seq) in &mut card.earlier {
                if let Some(first) = lost.get(log) {
                    *seq = first.saturating_sub(1).min(*seq);
                }
            }
            card.earlier.retain(|(_, seq)| *seq > 0);
        }
        // A log of which nothing is left was never anybody's.
        let empty = |row: &LogRow| row.seq == 0 && lost.contains_key(&row.log_key());
        self.logs.retain(|_, row| !empty(row));
        self.earlier_changed = true;
        self.keep_earlier(gathered)
    }
}

/// An entry that a branch wrote in.
struct Touched {
    of: Of,
    lost: BTreeSet<[u8; 32]>,
    /// The shared and the own part, with the branch in them.
    full: [Part; 2],
    /// And without it, as what is carried over leaves them.
    now: [Part; 2],
    carrier: Carrier,
    /// The number of the last record that something of it was carried over in.
    last: Option<u64>,
}

/// What is to be carried over.
#[derive(Default)]
struct Branch {
    changes: BTreeMap<EntryId, (Of, BTreeSet<[u8; 32]>)>,
    entries: BTreeMap<EntryId, Touched>,
    left: usize,
}

impl Branch {
    fn collect(&mut self, record: &Record) {
        if record.kind != RecordKind::Change as u8 {
            return;
        }
        for item in read_items(&record.payload).unwrap_or_default() {
            let kind = EntryKind::from_byte(item.kind)
                .filter(|kind| amends_journal::known(*kind, item.schema));
            let (Some(kind), Some(hash)) = (kind, carry::hash_of(&item.change)) else {
                continue;
            };
            let of = (kind, item.schema);
            let (_, changes) = self
                .changes
                .entry(item.entry)
                .or_insert((of, BTreeSet::new()));
            changes.insert(hash);
        }
    }

    /// Puts every part back to before the branch.
    fn part(&mut self, replica: &mut Replica, gathered: &Gathered<'_>) -> Result<(), HandleError> {
        for (entry, (of, lost)) in std::mem::take(&mut self.changes) {
            let damaged = || HandleError::Row(RowError::Damaged("part"));
            let mut take = |part| replica.parts.take(gathered, &entry, part, of);
            let full = [take(PartName::Shared)?, take(PartName::Mine)?];
            let partners = take(PartName::Partners)?;
            let mut now = Vec::with_capacity(2);
            for part in &full {
                let (base, after) = carry::without(part, &lost).map_err(|_| damaged())?;
                self.left = self.left.saturating_add(after.len());
                now.push(base);
            }
            let Ok(now) = <[Part; 2]>::try_from(now) else {
                return Err(damaged());
            };
            let unknown = now.iter().all(Part::is_new) && partners.is_new();
            let carrier = Carrier::new(unknown);
            replica.parts.put_back(entry, PartName::Partners, partners);
            self.entries.insert(
                entry,
                Touched {
                    of,
                    lost,
                    full,
                    now,
                    carrier,
                    last: None,
                },
            );
        }
        Ok(())
    }

    /// Makes the branch's changes once more, a record for a record.
    fn write(
        &mut self,
        replica: &mut Replica,
        gathered: &mut Gathered<'_>,
        world: &mut World<'_>,
        records: &[Record],
    ) -> Result<Began, HandleError> {
        for record in records {
            if record.kind != RecordKind::Change as u8 {
                continue;
            }
            let mut items = Vec::new();
            for item in read_items(&record.payload).unwrap_or_default() {
                match self.again(replica, &item) {
                    Some(more) => items.extend(more),
                    None => self.left = self.left.saturating_add(1),
                }
            }
            for group in groups(&items) {
                let entries: BTreeSet<EntryId> = group.iter().map(|item| item.entry).collect();
                let payload = write_items(group);
                let seq = replica.append(gathered, world, RecordKind::Change, payload, &entries)?;
                for entry in entries {
                    if let Some(touched) = self.entries.get_mut(&entry) {
                        touched.last = Some(seq);
                    }
                }
            }
        }
        let mut began = Began {
            left: self.left,
            ..Began::default()
        };
        for (entry, touched) in &self.entries {
            let [shared, mine] = touched.now.clone();
            for (name, part) in [(PartName::Shared, shared), (PartName::Mine, mine)] {
                // One that nobody wrote to is not kept, as ever: that of a kind which puts nothing into it could not be loaded.
                if part.is_new() {
                    gathered.delete(Table::Part, rows::part_key(entry, name));
                    replica.parts.put_back(*entry, name, part);
                } else {
                    replica.keep_part(gathered, *entry, name, part);
                }
            }
            replica.keep_card(gathered, world.now, *entry, touched.of, touched.last)?;
            if touched.last.is_some() {
                began.carried.push(*entry);
            }
            if touched.carrier.asked {
                began.ask.push(*entry);
            }
        }
        Ok(began)
    }

    /// One change of the branch, once more; none where it cannot be made.
    fn again(&mut self, replica: &Replica, item: &Item) -> Option<Vec<Item>> {
        let writer = replica.writer(&replica.me, item.entry);
        let hash = carry::hash_of(&item.change)?;
        let touched = self.entries.get_mut(&item.entry)?;
        if !touched.lost.contains(&hash) {
            return None;
        }
        let [full_shared, full_mine] = &touched.full;
        let [shared, mine] = &mut touched.now;
        let (full, now) = match item.part {
            PartKind::Shared => (full_shared, shared),
            PartKind::Own => (full_mine, mine),
        };
        let Some(written) = touched.carrier.carry(now, full, &hash, &writer).ok()? else {
            return Some(Vec::new());
        };
        *now = written.part;
        let made = written.changes.into_iter();
        Some(
            made.map(|change| Item {
                change,
                ..item.clone()
            })
            .collect(),
        )
    }
}
