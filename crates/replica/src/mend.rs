//! Mending what a disk lost (`docs/decisions/0071`): rows that are gone or cannot be read are made anew from this device's own log
//! where it says the same, and what only the log had is asked of the partner's device, which holds the same records.
//!
//! 1. [`mend_rows`], with no replica: the rows without which none can be loaded, and which records are lost.
//! 2. [`Replica::mend_entries`]: parts and cards that are gone, from the records.
//! 3. While a record is lost this device's clock says less of its log, so that the partner's device sends it; it is put back into its
//!    place (`Replica::take_lost`), and its entries are made whole.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::wall;
use amends_journal::{EntryId, EntryKind, Part, PartKind};
use amends_keys::blob;
use amends_keys::identity::{JournalId, LogKey};
use amends_keys::seal::{self, EpochSecret};

use crate::apply::Of;
use crate::awaited::unknown_in;
use crate::card::{self, Card, Kept};
use crate::effect::{Effect, HandleError, Shown};
use crate::payload::{Beginning, Incarnation, Item, read_items};
use crate::record::{Record, RecordHash, RecordKind};
use crate::replica::Replica;
use crate::rows::{
    self, AwaitedRow, EarlierRow, EpochRow, Fate, IncarnationRow, LogRow, LogRows, LostRow,
    MemberRow, PartName, RecordRow, RowError, Whose, name,
};
use crate::shelf::{Gathered, Row, Shelf, Table, Write};

/// What came of mending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Rows that were made anew from others, parts and cards of entries included.
    pub made: u64,
    /// Records that are lost here, and asked of the partner's device.
    pub asked: u64,
    /// Records of this person's own that are lost here and had not reached the partner's device either.
    pub gone: u64,
    /// Pieces of photos that are lost here, and asked for.
    pub pieces: u64,
    /// What was last written here may be missing, and nothing more is written into the present log.
    pub begins_anew: bool,
}

/// Where a record is.
struct Found {
    envelope: u64,
    place: u32,
    record: Record,
}

/// Rows that a scan gives, however damaged their values are.
fn all(shelf: &dyn Shelf, table: Table) -> Result<Vec<Row>, RowError> {
    let (mut rows, mut from) = (Vec::new(), Vec::new());
    loop {
        let page = shelf.scan(table, &from, 256)?;
        let Some((last, _)) = page.last() else {
            return Ok(rows);
        };
        from.clone_from(last);
        from.push(0);
        rows.extend(page);
    }
}

/// A named row, where it is there and can be read.
fn readable<T: serde::de::DeserializeOwned>(
    shelf: &dyn Shelf,
    name: &'static str,
) -> Result<Option<T>, RowError> {
    let row = rows::bytes(shelf, name)?;
    Ok(row.and_then(|row| rows::decode(name, &row).ok()))
}

/// What is being mended.
struct Mending<'a> {
    gathered: Gathered<'a>,
    member: MemberRow,
    found: BTreeMap<RecordHash, Found>,
    by_seq: BTreeMap<(LogKey, u64), RecordHash>,
    rows: BTreeMap<(u32, u64), RecordRow>,
    last_envelope: u64,
    mended: Mended,
}

/// The rows without which no replica can be loaded, made anew where they are gone; and what is lost, noted. `shelf` gives every
/// row that it has: what does not open was taken away before.
///
/// # Errors
/// Where this device's own keys are gone, which nothing but a backup brings back; or the shelf cannot be read.
pub fn mend_rows(shelf: &dyn Shelf) -> Result<(Vec<Write>, Mended), RowError> {
    let member: MemberRow = rows::read(shelf, name::MEMBER)?;
    let epochs: Vec<EpochRow> = rows::read(shelf, name::EPOCHS)?;
    let mut mending = Mending {
        gathered: Gathered::new(shelf),
        member,
        found: BTreeMap::new(),
        by_seq: BTreeMap::new(),
        rows: BTreeMap::new(),
        last_envelope: 0,
        mended: Mended::default(),
    };
    mending.read_envelopes(shelf, &epochs)?;
    mending.read_records(shelf)?;
    let mut logs = mending.logs(shelf)?;
    let lost = mending.lost(&mut logs)?;
    rows::put(&mut mending.gathered, name::LOGS, &logs)?;
    rows::put(&mut mending.gathered, name::LOST, &lost)?;
    mending.derived(shelf, &logs)?;
    mending.photos(shelf)?;
    Ok((mending.gathered.into_writes(), mending.mended))
}

impl Mending<'_> {
    fn read_envelopes(&mut self, shelf: &dyn Shelf, epochs: &[EpochRow]) -> Result<(), RowError> {
        let journal = JournalId(self.member.journal);
        let secrets: BTreeMap<u32, EpochSecret> = epochs
            .iter()
            .map(|row| (row.epoch, EpochSecret::from_bytes(row.secret.expose())))
            .collect();
        for (key, envelope) in all(shelf, Table::Envelope)? {
            let number = key.as_slice().try_into().ok().map(u64::from_be_bytes);
            let opened = seal::epoch_of(&envelope)
                .ok()
                .and_then(|epoch| secrets.get(&epoch))
                .and_then(|secret| seal::open(&envelope, secret, &journal).ok());
            let (Some(number), Some(opened)) = (number, opened) else {
                self.gathered.delete(Table::Envelope, key);
                continue;
            };
            self.last_envelope = number.max(self.last_envelope);
            for (place, (bytes, signature)) in (0u32..).zip(opened.records()) {
                let Ok(record) = Record::verify(bytes, &signature) else {
                    continue;
                };
                let hash = RecordHash::of(bytes);
                let envelope = number;
                let at = (record.log, record.seq);
                self.found.entry(hash).or_insert(Found {
                    envelope,
                    place,
                    record,
                });
                self.by_seq.entry(at).or_insert(hash);
            }
        }
        Ok(())
    }

    fn read_records(&mut self, shelf: &dyn Shelf) -> Result<(), RowError> {
        for (key, value) in all(shelf, Table::Record)? {
            let row = rows::decode::<RecordRow>(name::RECORD, &value).ok();
            match (key.split_first_chunk::<4>(), row) {
                (Some((log, seq)), Some(row)) if seq.len() == 8 => {
                    let seq = seq.try_into().map_or(0, u64::from_be_bytes);
                    self.rows.insert((u32::from_be_bytes(*log), seq), row);
                }
                _ => self.gathered.delete(Table::Record, key),
            }
        }
        Ok(())
    }

    /// The logs as they were saved; or as the records show them, and then what was written last may be missing.
    fn logs(&mut self, shelf: &dyn Shelf) -> Result<LogRows, RowError> {
        let mut incarnation: IncarnationRow =
            readable(shelf, name::INCARNATION)?.unwrap_or_default();
        if let Some(logs) = readable::<LogRows>(shelf, name::LOGS)? {
            return Ok(logs);
        }
        self.mended.made = self.mended.made.saturating_add(1);
        self.mended.begins_anew = true;
        incarnation.due = true;
        rows::put_keys(&mut self.gathered, name::INCARNATION, &incarnation)?;
        let mut logs: BTreeMap<u32, LogRow> = BTreeMap::new();
        let firsts = self.by_seq.iter().filter(|((_, seq), _)| *seq == 1);
        for ((key, _), hash) in firsts {
            let Some(found) = self.found.get(hash) else {
                continue;
            };
            let payload = &found.record.payload;
            let beginning = Beginning::parse(payload)
                .or_else(|_| Incarnation::parse(payload).map(|again| again.beginning));
            let Ok(beginning) = beginning else { continue };
            let of_this =
                |((_, seq), row): &(&(u32, u64), &RecordRow)| *seq == 1 && row.hash == *hash;
            let mine = *beginning.static_key.as_bytes() == self.member.static_key;
            let known = self.rows.iter().find(of_this).map(|((log, _), _)| *log);
            let Some(number) = known else { continue };
            logs.insert(
                number,
                LogRow {
                    number,
                    key: *key.as_bytes(),
                    whose: if mine { Whose::Mine } else { Whose::Partners },
                    static_key: *beginning.static_key.as_bytes(),
                    name: beginning.name.as_str().to_owned(),
                    seq: 0,
                    head: RecordHash::NONE,
                    set_aside: Vec::new(),
                    named: 0,
                },
            );
        }
        for log in logs.values_mut() {
            let range = (log.number, 1)..=(log.number, u64::MAX);
            for ((_, seq), row) in self.rows.range(range) {
                (log.seq, log.head) = (*seq, row.hash);
                if let Fate::SetAside(_) = row.fate {
                    let mut position = crate::clock::Position {
                        seq: *seq,
                        head: row.hash.0,
                        set_aside: std::mem::take(&mut log.set_aside),
                    };
                    position.add_set_aside(*seq);
                    log.set_aside = position.set_aside;
                }
            }
        }
        let me =
            amends_keys::identity::LogSecret::from_bytes(self.member.log_secret.expose()).public();
        if !logs.values().any(|log| log.log_key() == me) {
            return Err(RowError::Missing(name::LOGS));
        }
        Ok(LogRows {
            next_envelope: self.last_envelope.saturating_add(1),
            returning: 0,
            logs: logs.into_values().collect(),
        })
    }

    /// Every record of every log in its place; those that are nowhere.
    fn lost(&mut self, logs: &mut LogRows) -> Result<Vec<LostRow>, RowError> {
        let next = self.last_envelope.saturating_add(1);
        logs.next_envelope = next.max(logs.next_envelope);
        let mut lost = Vec::new();
        for log in &logs.logs {
            let mut before = Some(RecordHash::NONE);
            for seq in 1..=log.seq {
                let row = self.rows.get(&(log.number, seq)).cloned();
                let follows = self.by_seq.get(&(log.log_key(), seq.saturating_add(1)));
                let follows = follows.and_then(|hash| self.found.get(hash));
                let hash = row.as_ref().map(|row| row.hash);
                let hash = hash
                    .or_else(|| follows.map(|found| found.record.prev))
                    .or_else(|| (seq == log.seq).then_some(log.head))
                    .or_else(|| self.by_seq.get(&(log.log_key(), seq)).copied());
                let found = hash.and_then(|hash| self.found.get(&hash));
                let mut new = row.clone().unwrap_or_else(|| RecordRow {
                    hash: hash.unwrap_or(RecordHash::NONE),
                    envelope: 0,
                    place: 0,
                    fate: fate_of(log, seq),
                    held_at: 0,
                    entries: Vec::new(),
                });
                match found {
                    Some(found) => {
                        (new.envelope, new.place) = (found.envelope, found.place);
                        let entries: BTreeSet<[u8; 16]> = read_items(&found.record.payload)
                            .map(|items| items.iter().map(|item| item.entry.0).collect())
                            .unwrap_or_default();
                        new.entries = entries.into_iter().collect();
                    }
                    None => lost.push(LostRow {
                        log: log.key,
                        seq,
                        hash,
                        before,
                    }),
                }
                // Of a record of which not even the hash is known no row is kept.
                if row.as_ref() != Some(&new) && hash.is_some() {
                    self.mended.made = self.mended.made.saturating_add(u64::from(row.is_none()));
                    let key = rows::record_key(log.number, seq);
                    self.gathered
                        .put(Table::Record, key, rows::encode(name::RECORD, &new)?);
                }
                before = hash;
            }
        }
        self.mended.asked = lost.len() as u64;
        Ok(lost)
    }

    /// Rows that are counted together out of others.
    fn derived(&mut self, shelf: &dyn Shelf, logs: &LogRows) -> Result<(), RowError> {
        for known in [
            name::HEARD,
            name::FENCES,
            name::APPLYING,
            name::MET,
            name::KNOWS,
        ] {
            let row = rows::bytes(shelf, known)?;
            if row.is_some_and(|row| !is_of(known, &row)) {
                self.gathered.delete(Table::Meta, known.as_bytes().to_vec());
            }
        }
        if readable::<IncarnationRow>(shelf, name::INCARNATION)?.is_none() {
            let own = |log: &&LogRow| log.static_key == self.member.static_key;
            if logs.logs.iter().filter(own).count() > 1 {
                // The secret of this device's first log was in it.
                return Err(RowError::Missing(name::INCARNATION));
            }
            let row = IncarnationRow {
                due: self.mended.begins_anew,
                ..IncarnationRow::default()
            };
            rows::put_keys(&mut self.gathered, name::INCARNATION, &row)?;
        }
        let me =
            amends_keys::identity::LogSecret::from_bytes(self.member.log_secret.expose()).public();
        let mut awaited = Vec::new();
        let mut earlier: BTreeMap<LogKey, BTreeMap<[u8; 16], u64>> = BTreeMap::new();
        for log in &logs.logs {
            for seq in 1..=log.seq {
                let hash = self.by_seq.get(&(log.log_key(), seq));
                let Some(found) = hash.and_then(|hash| self.found.get(hash)) else {
                    continue;
                };
                let payload = &found.record.payload;
                let unknown = unknown_in(payload);
                if is_aside(log, seq) && !unknown.is_empty() {
                    awaited.push(AwaitedRow {
                        log: log.number,
                        seq,
                        unknown,
                        begun: 0,
                    });
                }
                if log.whose == Whose::Mine && log.log_key() != me {
                    let entries = earlier.entry(log.log_key()).or_default();
                    for item in read_items(payload).unwrap_or_default() {
                        entries.insert(item.entry.0, seq);
                    }
                }
            }
        }
        if readable::<Vec<AwaitedRow>>(shelf, name::AWAITED)?.is_none() && !awaited.is_empty() {
            rows::put(&mut self.gathered, name::AWAITED, &awaited)?;
        }
        if readable::<Vec<EarlierRow>>(shelf, name::EARLIER)?.is_none() {
            let rows: Vec<EarlierRow> = earlier
                .into_iter()
                .map(|(log, entries)| EarlierRow {
                    log: *log.as_bytes(),
                    entries: entries.into_iter().collect(),
                })
                .collect();
            rows::put(&mut self.gathered, name::EARLIER, &rows)?;
        }
        for (key, value) in all(shelf, Table::Card)? {
            if key.len() != 16 || matches!(card::read(&value), Err(RowError::Damaged(_))) {
                self.gathered.delete(Table::Card, key);
            }
        }
        Ok(())
    }

    /// Pieces of photos that are not what they are called, and what is said of those that are here and of those that are not.
    fn photos(&mut self, shelf: &dyn Shelf) -> Result<(), RowError> {
        let mut here = BTreeSet::new();
        let mut from = Vec::new();
        loop {
            // They are long: a few at a time.
            let page = shelf.scan(Table::Blob, &from, 8)?;
            let Some((last, _)) = page.last() else { break };
            from.clone_from(last);
            from.push(0);
            for (key, value) in page {
                if blob::chunk_name(&value).as_slice() == key.as_slice() {
                    here.insert(key);
                } else {
                    self.gathered.delete(Table::Blob, key);
                }
            }
        }
        self.mended.pieces = crate::blob::mend(&mut self.gathered, shelf, &here)?;
        Ok(())
    }
}

/// Whether a record is among those that its log says are set aside.
fn is_aside(log: &LogRow, seq: u64) -> bool {
    let position = crate::clock::Position {
        seq: log.seq,
        head: log.head.0,
        set_aside: log.set_aside.clone(),
    };
    position.is_set_aside(seq)
}

fn fate_of(log: &LogRow, seq: u64) -> Fate {
    if is_aside(log, seq) {
        Fate::SetAside(String::new())
    } else {
        Fate::Applied
    }
}

/// Whether a row is one of this name.
fn is_of(known: &'static str, row: &[u8]) -> bool {
    match known {
        name::HEARD => rows::decode::<Vec<rows::HeardRow>>(known, row).is_ok(),
        name::FENCES => rows::decode::<Vec<rows::FenceRow>>(known, row).is_ok(),
        name::APPLYING => rows::decode::<Vec<rows::ApplyingRow>>(known, row).is_ok(),
        name::MET => rows::decode::<rows::MetRow>(known, row).is_ok(),
        _ => rows::decode::<u8>(known, row).is_ok(),
    }
}

/// What the records say of one entry.
#[derive(Default)]
struct Told {
    of: Option<Of>,
    /// For each log the changes that were applied, with their records' numbers.
    changes: BTreeMap<u32, Vec<(u64, LogKey, Vec<Item>)>>,
    first_held: Option<i64>,
    mine: u64,
    /// A record of it is lost, as far as its row says whose it was.
    lacks: bool,
}

impl Replica {
    /// Makes every part and card anew that is gone or cannot be read, from the records. An entry of which a record is lost is made
    /// as far as it goes, and nothing is written over it until the record has come.
    ///
    /// # Errors
    /// Where the shelf cannot be read.
    pub fn mend_entries(
        &mut self,
        shelf: &dyn Shelf,
        mut mended: Mended,
    ) -> Result<(Vec<Write>, Mended), HandleError> {
        let mut gathered = Gathered::new(shelf);
        let told = self.told(&gathered)?;
        for (entry, told) in told {
            if self.is_whole(shelf, &entry, &told)? {
                continue;
            }
            mended.made = mended.made.saturating_add(1);
            self.remake(&mut gathered, entry, &told)?;
        }
        mended.gone = self.lost_of_mine();
        mended.asked = self.lost().saturating_sub(mended.gone);
        Ok((gathered.into_writes(), mended))
    }

    /// Records that are lost here, and are asked of the partner's device or gone.
    pub fn lost(&self) -> u64 {
        self.lost.len() as u64
    }

    /// Those of them that the partner's device does not have by what it last said: of this device's own logs.
    fn lost_of_mine(&self) -> u64 {
        let gone = self.lost.keys().filter(|(log, seq)| {
            let mine = self
                .logs
                .get(log)
                .is_some_and(|log| log.whose == Whose::Mine);
            mine && self.heard_of(log) < *seq
        });
        gone.count() as u64
    }

    /// What the records that are here say of every entry.
    fn told(&self, gathered: &Gathered<'_>) -> Result<BTreeMap<EntryId, Told>, HandleError> {
        let mut all: BTreeMap<EntryId, Told> = BTreeMap::new();
        for log in self.logs.values() {
            let key = log.log_key();
            let mut opened = None;
            for seq in 1..=log.seq {
                let row = gathered.get(Table::Record, &rows::record_key(log.number, seq))?;
                let row: Option<RecordRow> = row
                    .map(|row| rows::decode(name::RECORD, &row))
                    .transpose()?;
                let Some(row) = row else { continue };
                if self.lost.contains_key(&(key, seq)) {
                    for entry in &row.entries {
                        all.entry(EntryId(*entry)).or_default().lacks = true;
                    }
                    continue;
                }
                if row.fate != Fate::Applied {
                    continue;
                }
                let (_, _, record) = self.saved_record(gathered, log, seq, &mut opened)?;
                if record.kind != RecordKind::Change as u8 {
                    continue;
                }
                let mut items: BTreeMap<EntryId, Vec<Item>> = BTreeMap::new();
                for item in read_items(&record.payload).unwrap_or_default() {
                    items.entry(item.entry).or_default().push(item);
                }
                for (entry, items) in items {
                    let told = all.entry(entry).or_default();
                    let first = items
                        .first()
                        .and_then(|item| Some((EntryKind::from_byte(item.kind)?, item.schema)));
                    told.of = told.of.or(first);
                    let held = told.first_held.unwrap_or(row.held_at).min(row.held_at);
                    told.first_held = Some(held);
                    if key == self.me {
                        told.mine = seq;
                    }
                    let of_log = told.changes.entry(log.number).or_default();
                    of_log.push((seq, key, items));
                }
            }
        }
        Ok(all)
    }

    /// Whether an entry has its card, and every part that its records wrote to.
    fn is_whole(
        &mut self,
        shelf: &dyn Shelf,
        entry: &EntryId,
        told: &Told,
    ) -> Result<bool, HandleError> {
        let (Some(of), Some(card)) = (told.of, self.cards.get(entry)) else {
            return Ok(told.of.is_none());
        };
        if card.mine != told.mine && !told.lacks {
            return Ok(false);
        }
        let named = shelf.get(Table::Naming, &entry.0)?.is_some();
        if !card.blobs().is_empty() && !named {
            return Ok(false);
        }
        let gathered = Gathered::new(shelf);
        for part in self.parts_of(told).into_keys() {
            let row = shelf.get(Table::Part, &rows::part_key(entry, part))?;
            if row.is_none() || self.parts.take(&gathered, entry, part, of).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The parts that the records of an entry wrote to.
    fn parts_of(&self, told: &Told) -> BTreeMap<PartName, PartKind> {
        let mut parts = BTreeMap::new();
        for (_, log, items) in told.changes.values().flatten() {
            for item in items {
                parts.insert(self.part_name(log, item.part), item.part);
            }
        }
        parts
    }

    fn part_name(&self, log: &LogKey, part: PartKind) -> PartName {
        match (part, self.logs.get(log).map(|log| log.whose)) {
            (PartKind::Shared, _) => PartName::Shared,
            (PartKind::Own, Some(Whose::Mine)) => PartName::Mine,
            (PartKind::Own, _) => PartName::Partners,
        }
    }

    /// Makes an entry anew out of its records: each goes through the wall once more, after those that it follows.
    fn remake(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        told: &Told,
    ) -> Result<(), HandleError> {
        let Some(of) = told.of else {
            return Ok(());
        };
        let mut parts: BTreeMap<PartName, Part> = BTreeMap::new();
        for (part, kind) in self.parts_of(told) {
            let new = Part::new(of.0, of.1, kind)
                .map_err(|_| HandleError::Row(RowError::Damaged("part")))?;
            parts.insert(part, new);
        }
        let mut next: BTreeMap<u32, usize> = told.changes.keys().map(|log| (*log, 0)).collect();
        loop {
            let mut moved = false;
            for (number, at) in &mut next {
                let of_log = told
                    .changes
                    .get(number)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                while let Some((_, log, items)) = of_log.get(*at) {
                    let Some(changed) = self.taken(&parts, entry, log, items) else {
                        break;
                    };
                    parts.extend(changed);
                    *at = at.saturating_add(1);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let whole = next
            .iter()
            .all(|(log, at)| told.changes.get(log).map_or(0, Vec::len) == *at);
        for (name, part) in parts {
            // One that can be read and holds more is better than what the records here give.
            let there = gathered.get(Table::Part, &rows::part_key(&entry, name))?;
            let there = match there {
                Some(_) => self.parts.take(gathered, &entry, name, of).ok(),
                None => None,
            };
            let best = match there {
                Some(there) if there.changes() >= part.changes() => there,
                _ => part,
            };
            self.keep_part(gathered, entry, name, best);
        }
        let before = self.cards.get(&entry);
        let kept = Kept {
            first_held: before
                .map(|card| card.first_held)
                .or(told.first_held)
                .unwrap_or_default(),
            mine: told.mine.max(before.map_or(0, |card| card.mine)),
            not_readable_there: before.is_some_and(|card| card.not_readable_there),
            unread: !whole || told.lacks && before.is_none(),
        };
        let was = before.map_or(0, |card| card.mine);
        let mut card = self.with_kind(gathered, &entry, of, |entry| Card::of(entry, kept))?;
        if let Some(before) = self.cards.get_mut(&entry) {
            card.earlier = std::mem::take(&mut before.earlier);
        }
        self.by_mine.remove(&(was, entry));
        if kept.mine > 0 {
            self.by_mine.insert((kept.mine, entry));
        }
        gathered.put(Table::Card, entry.0.to_vec(), card.row()?);
        self.note_blobs(gathered, entry, &card.blobs())?;
        self.put_card(entry, card);
        Ok(())
    }

    /// The parts as one record leaves them; none where what it follows is not there.
    fn taken(
        &self,
        parts: &BTreeMap<PartName, Part>,
        entry: EntryId,
        log: &LogKey,
        items: &[Item],
    ) -> Option<BTreeMap<PartName, Part>> {
        let mut changed: BTreeMap<PartName, Part> = BTreeMap::new();
        let writer = self.writer(log, entry);
        for item in items {
            let name = self.part_name(log, item.part);
            let part = changed.get(&name).or_else(|| parts.get(&name))?;
            let part = wall::admit(part, &writer, &[&item.change]).ok()?;
            changed.insert(name, part);
        }
        Some(changed)
    }

    /// Whether this is a record that was lost here.
    pub(crate) fn is_lost(&self, log: &LogKey, seq: u64, hash: &RecordHash) -> bool {
        let lost = self.lost.get(&(*log, seq));
        lost.is_some_and(|(known, _)| known.is_none_or(|known| known == *hash))
    }

    /// From where on a log is to be said to be held, where a record of it is lost: the number before it, and the hash there.
    pub(crate) fn lost_from(&self, log: &LogKey) -> Option<(u64, RecordHash)> {
        let range = (*log, 0)..=(*log, u64::MAX);
        let ((_, seq), (_, before)) = self.lost.range(range).next()?;
        let seq = seq.saturating_sub(1);
        Some(match before {
            Some(before) if seq > 0 => (seq, *before),
            _ => (0, RecordHash::NONE),
        })
    }

    /// Lost records came again: they are put back into their places, and their entries are made whole.
    pub(crate) fn take_lost(
        &mut self,
        gathered: &mut Gathered<'_>,
        now: i64,
        envelope: u64,
        came: &[(u32, Record, RecordHash)],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut entries: BTreeMap<EntryId, Whose> = BTreeMap::new();
        for (place, record, hash) in came {
            let at = (record.log, record.seq);
            let Some(log) = self.logs.get(&record.log) else {
                continue;
            };
            let key = rows::record_key(log.number, record.seq);
            let row = gathered.get(Table::Record, &key)?;
            let row: Option<RecordRow> = row.and_then(|row| rows::decode(name::RECORD, &row).ok());
            let of: BTreeSet<[u8; 16]> = read_items(&record.payload)
                .map(|items| items.iter().map(|item| item.entry.0).collect())
                .unwrap_or_default();
            entries.extend(of.iter().map(|entry| (EntryId(*entry), log.whose)));
            let row = RecordRow {
                hash: *hash,
                envelope,
                place: *place,
                fate: row
                    .as_ref()
                    .map_or_else(|| fate_of(log, record.seq), |row| row.fate.clone()),
                held_at: row
                    .map(|row| row.held_at)
                    .filter(|at| *at > 0)
                    .unwrap_or(now),
                entries: of.into_iter().collect(),
            };
            gathered.put(Table::Record, key, rows::encode(name::RECORD, &row)?);
            self.lost.remove(&at);
        }
        self.keep_lost(gathered)?;
        let mut effects = Vec::new();
        let mut told = self.told(gathered)?;
        for (entry, by) in entries {
            let Some(told) = told.remove(&entry) else {
                continue;
            };
            self.remake(gathered, entry, &told)?;
            effects.push(Effect::Show(Shown::Changed { entry, by }));
        }
        Ok(effects)
    }

    fn keep_lost(&self, gathered: &mut Gathered<'_>) -> Result<(), RowError> {
        let rows: Vec<LostRow> = self
            .lost
            .iter()
            .map(|((log, seq), (hash, before))| LostRow {
                log: *log.as_bytes(),
                seq: *seq,
                hash: *hash,
                before: *before,
            })
            .collect();
        rows::put(gathered, name::LOST, &rows)
    }
}
