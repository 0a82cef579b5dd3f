//! The wall: what arrives is hostile until proved otherwise (PROTOCOL section 6). Everything that another device wrote
//! comes through here, in the order of the seven steps; steps 2 to 5 look at Automerge's bytes and are
//! [`amends_journal::wall`].
//!
//! 1. sizes, commitment, AEAD, signature, log, seq, prev, epoch: [`Replica::receive`]
//! 2. to 5. one chunk, its columns, what it may change, a trial on a copy: [`amends_journal::wall::admit`]
//! 6. marked as `applying` before and unmarked with the result: [`Replica::mark`], [`Replica::apply_ready`]
//! 7. what is no record is refused and the log waits there; a record with a bad payload is kept, numbered,
//!    acknowledged and set aside: [`Replica::apply_one`]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use amends_journal::{EntryId, EntryKind, Part, PartKind, wall};
use amends_keys::identity::LogKey;
use amends_keys::seal::{self, OpenError, Opened};
use thiserror::Error;

use crate::clock::Position;
use crate::frame::{Frame, FrameError};
use crate::payload::{Beginning, Item, read_items};
use crate::record::{Record, RecordError, RecordHash, RecordKind, actor_of};
use crate::replica::{Effect, HandleError, LinkId, Replica, Shown, World};
use crate::rows::{self, ApplyingRow, Fate, PartName, RecordRow, Whose, name};
use crate::shelf::{Gathered, Table};

/// A record that was being applied when the program stopped is tried again this often before it is set aside: a person's
/// kill -9 must not cost a good record, and a record that stops the program does so every time
/// (`docs/decisions/0003`).
const TRIES: u8 = 3;
/// Records of one log that may wait for heads that are not held yet (PROTOCOL section 3).
const WAITING_RECORDS: usize = 64;
/// And their bytes.
const WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Envelopes that are no records of this pair, before the link is closed.
const BAD_ENVELOPES: u32 = 8;

/// Why an envelope or one of its records was refused: it is not a record of this pair, or does not fit its log.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Step 1: the envelope does not open.
    #[error("an envelope does not open: {0}")]
    Envelope(#[from] OpenError),
    /// Step 1: an epoch of which this device has no secret.
    #[error("an envelope of epoch {0}, whose secret this device does not have")]
    Epoch(u32),
    /// Step 1: the record's epoch is not its envelope's.
    #[error("a record of epoch {record} in an envelope of epoch {envelope}")]
    EpochMismatch {
        /// The record's.
        record: u32,
        /// The envelope's.
        envelope: u32,
    },
    /// Step 1: not a record, or not signed by its log.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Step 1: of another journal.
    #[error("a record of another journal")]
    Journal,
    /// Step 1: of a log that is no member's.
    #[error("a record of an unknown log")]
    Log,
    /// Step 1: it does not follow the record that is held before it.
    #[error("record {0} does not follow the one before it")]
    Prev(u64),
    /// Step 1: another record with this number is held.
    #[error("another record {0} is held: the log was forked")]
    Fork(u64),
    /// Step 1: records between are missing.
    #[error("record {came} came, {next} is the next")]
    Gap {
        /// What came.
        came: u64,
        /// What was due.
        next: u64,
    },
}

/// A record that passed step 1 and follows its log's head.
#[derive(Debug)]
pub(crate) struct Ready {
    link: LinkId,
    record: Record,
    hash: RecordHash,
    envelope: u64,
    place: u32,
}

/// A record whose named heads are not held yet.
struct Waits {
    link: LinkId,
    bytes: Vec<u8>,
    signature: [u8; 64],
    record: Record,
}

/// Records that wait for heads that are not held yet; kept in memory only, since they are unacknowledged.
#[derive(Default)]
pub(crate) struct Waiting(BTreeMap<LogKey, VecDeque<Waits>>);

impl Waiting {
    pub(crate) fn forget(&mut self, link: LinkId) {
        self.0.retain(|_, waits| {
            waits.retain(|wait| wait.link != link);
            !waits.is_empty()
        });
    }

    fn add(&mut self, wait: Waits) -> bool {
        let waits = self.0.entry(wait.record.log).or_default();
        let bytes: usize = waits.iter().map(|wait| wait.bytes.len()).sum();
        if waits.len() >= WAITING_RECORDS || bytes.saturating_add(wait.bytes.len()) > WAITING_BYTES {
            return false;
        }
        waits.push_back(wait);
        true
    }

    /// The head of a log's queue, where it fits.
    fn take(&mut self, log: &LogKey, fits: impl FnOnce(&Record) -> bool) -> Option<Waits> {
        let waits = self.0.get_mut(log)?;
        if !waits.front().is_some_and(|wait| fits(&wait.record)) {
            return None;
        }
        let wait = waits.pop_front();
        if waits.is_empty() {
            self.0.remove(log);
        }
        wait
    }

    fn last_seq(&self, log: &LogKey) -> Option<u64> {
        self.0.get(log)?.back().map(|wait| wait.record.seq)
    }

    fn logs(&self) -> Vec<LogKey> {
        self.0.keys().copied().collect()
    }
}

/// How far each log is held, with the records of this envelope that are ready: the heads against which the next is checked.
#[derive(Default)]
struct Heads(BTreeMap<LogKey, (u64, RecordHash)>);

impl Heads {
    fn of(&self, replica: &Replica, log: &LogKey) -> Option<(u64, RecordHash)> {
        self.0.get(log).copied().or_else(|| replica.logs.get(log).map(|row| (row.seq, row.head)))
    }

    fn hold(&self, replica: &Replica, record: &Record) -> bool {
        record.seen.iter().all(|seen| self.of(replica, &seen.log).is_some_and(|(seq, _)| seq >= seen.seq))
    }
}

impl Replica {
    pub(crate) fn open_envelope(&self, envelope: &[u8]) -> Result<Opened, Refusal> {
        let epoch = seal::epoch_of(envelope)?;
        let secret = self.epochs.get(&epoch).ok_or(Refusal::Epoch(epoch))?;
        Ok(seal::open(envelope, secret, &self.journal)?)
    }

    /// A frame came.
    pub(crate) fn receive(&mut self, world: &mut World<'_>, link: LinkId, frame: &[u8]) -> Result<Vec<Effect>, HandleError> {
        match Frame::parse(frame) {
            Ok(Frame::Clock { clock, again }) => self.hear_clock(world, link, clock, again),
            Ok(Frame::Envelope(envelope)) => self.receive_envelope(world, link, &envelope),
            Ok(Frame::Heartbeat | Frame::Unknown(_)) => Ok(Vec::new()),
            Err(error @ FrameError::Version { .. }) => {
                Ok(vec![Effect::Show(Shown::Refused(error.to_string())), Effect::Close { link, reason: error.to_string() }])
            }
            Err(error) => Ok(vec![Effect::Close { link, reason: error.to_string() }]),
        }
    }

    /// Step 1 for an envelope and each of its records.
    fn receive_envelope(&mut self, world: &mut World<'_>, link: LinkId, envelope: &[u8]) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let mut refused = Vec::new();
        let mut heads = Heads::default();
        let mut ready = Vec::new();
        let mut dropped = false;
        match self.open_envelope(envelope) {
            Err(error) => refused.push(error),
            Ok(opened) => {
                let epoch = opened.epoch();
                let number = self.next_envelope;
                for (place, (bytes, signature)) in (0u32..).zip(opened.records()) {
                    match self.check(&gathered, &heads, epoch, bytes, &signature) {
                        Ok(None) => {}
                        Ok(Some(record)) if heads.hold(self, &record) && self.waiting.last_seq(&record.log).is_none() => {
                            let hash = RecordHash::of(bytes);
                            heads.0.insert(record.log, (record.seq, hash));
                            ready.push(Ready { link, record, hash, envelope: number, place });
                        }
                        Ok(Some(record)) => {
                            let wait = Waits { link, bytes: bytes.to_vec(), signature, record };
                            dropped |= !self.waiting.add(wait);
                        }
                        Err(Refusal::Gap { .. }) => dropped = true,
                        Err(error) => {
                            refused.push(error);
                            break;
                        }
                    }
                }
                if !ready.is_empty() {
                    gathered.put(Table::Envelope, number.to_be_bytes().to_vec(), envelope.to_vec());
                    self.next_envelope = self.next_envelope.saturating_add(1);
                }
            }
        }
        self.release_waiting(&mut gathered, world, &mut heads, &mut ready)?;

        let mut effects = Vec::new();
        for error in refused {
            if let Refusal::Fork(_) = error {
                effects.push(Effect::Show(Shown::Fork(Whose::Partners)));
            }
            effects.push(Effect::Show(Shown::Refused(error.to_string())));
            if let Some(link_state) = self.links.get_mut(&link) {
                link_state.bad = link_state.bad.saturating_add(1);
                if link_state.bad >= BAD_ENVELOPES {
                    effects.push(Effect::Close { link, reason: "too much came that is no record of this pair".to_owned() });
                }
            }
        }
        if dropped
            && let Some(link_state) = self.links.get_mut(&link)
            && !link_state.asked_again
        {
            link_state.asked_again = true;
            effects.push(self.send_clock(link, true));
        }
        if !ready.is_empty() {
            self.ready.extend(ready);
            // The envelope's row rides with the mark: not yet durable, and not yet acknowledged.
            effects.extend(self.mark(gathered)?);
        }
        Ok(effects)
    }

    /// Step 1 for one record. `None` where it is held already.
    fn check(
        &self,
        gathered: &Gathered<'_>,
        heads: &Heads,
        epoch: u32,
        bytes: &[u8],
        signature: &[u8; 64],
    ) -> Result<Option<Record>, Refusal> {
        let record = Record::verify(bytes, signature)?;
        if record.journal != self.journal {
            return Err(Refusal::Journal);
        }
        if record.epoch != epoch {
            return Err(Refusal::EpochMismatch { record: record.epoch, envelope: epoch });
        }
        let log = self.logs.get(&record.log).ok_or(Refusal::Log)?;
        let (seq, head) = heads.of(self, &record.log).ok_or(Refusal::Log)?;
        if record.seq <= seq {
            let held = if record.seq == seq {
                Some(head)
            } else {
                gathered
                    .get(Table::Record, &rows::record_key(log.number, record.seq))
                    .ok()
                    .flatten()
                    .and_then(|row| rows::decode::<RecordRow>(name::RECORD, &row).ok())
                    .map(|row| row.hash)
            };
            // A record of this same envelope is not on the shelf yet: it came twice, which changes nothing.
            return match held {
                Some(held) if held != RecordHash::of(bytes) => Err(Refusal::Fork(record.seq)),
                _ => Ok(None),
            };
        }
        if record.seq == seq.saturating_add(1) {
            return if record.prev == head { Ok(Some(record)) } else { Err(Refusal::Prev(record.seq)) };
        }
        match self.waiting.last_seq(&record.log) {
            // It follows one that waits; its `prev` is checked when its turn comes.
            Some(last) if record.seq == last.saturating_add(1) => Ok(Some(record)),
            Some(last) if record.seq <= last => Ok(None),
            _ => Err(Refusal::Gap { came: record.seq, next: seq.saturating_add(1) }),
        }
    }

    /// Records whose heads are held by now leave the waiting room, each sealed alone for the shelf.
    fn release_waiting(
        &mut self,
        gathered: &mut Gathered<'_>,
        world: &mut World<'_>,
        heads: &mut Heads,
        ready: &mut Vec<Ready>,
    ) -> Result<(), HandleError> {
        loop {
            let mut moved = false;
            for log in self.waiting.logs() {
                let mut waiting = std::mem::take(&mut self.waiting);
                let next = waiting.take(&log, |record| {
                    heads.of(self, &log).is_some_and(|(seq, _)| record.seq <= seq.saturating_add(1)) && heads.hold(self, record)
                });
                self.waiting = waiting;
                let Some(wait) = next else {
                    continue;
                };
                moved = true;
                let fits = heads.of(self, &log).is_some_and(|(seq, head)| wait.record.seq == seq.saturating_add(1) && wait.record.prev == head);
                if !fits {
                    continue;
                }
                let secret = self.epochs.get(&wait.record.epoch).ok_or_else(|| HandleError::Seal("an epoch is missing".to_owned()))?;
                let mut salt = [0u8; 24];
                world.rng.fill_bytes(&mut salt);
                let envelope = seal::seal(wait.record.epoch, secret, &self.journal, salt, &[(&wait.bytes, &wait.signature)])
                    .map_err(|error| HandleError::Seal(error.to_string()))?;
                gathered.put(Table::Envelope, self.next_envelope.to_be_bytes().to_vec(), envelope);
                let hash = RecordHash::of(&wait.bytes);
                heads.0.insert(log, (wait.record.seq, hash));
                ready.push(Ready { link: wait.link, record: wait.record, hash, envelope: self.next_envelope, place: 0 });
                self.next_envelope = self.next_envelope.saturating_add(1);
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Step 6, first half: marks what the next [`crate::Input::Continue`] applies. Where one of them was being applied when
    /// the program last stopped, they go one by one, so that only the one that stops it is ever set aside.
    fn mark(&mut self, mut gathered: Gathered<'_>) -> Result<Vec<Effect>, HandleError> {
        let careful = self.ready.iter().any(|ready| self.suspects.contains_key(&ready.hash));
        let count = if careful { 1 } else { self.ready.len() };
        let marked: BTreeSet<RecordHash> = self.ready.iter().take(count).map(|ready| ready.hash).collect();
        for hash in &marked {
            let begun = self.suspects.entry(*hash).or_insert(0);
            *begun = begun.saturating_add(1);
        }
        let applying = self.applying_rows(|_| true);
        rows::put(&mut gathered, name::APPLYING, &applying)?;
        Ok(vec![Effect::Save { writes: gathered.into_writes(), durable: false }, Effect::Continue])
    }

    fn applying_rows(&self, keep: impl Fn(&RecordHash) -> bool) -> Vec<ApplyingRow> {
        self.suspects
            .iter()
            .filter(|(hash, _)| keep(hash))
            .map(|(hash, begun)| ApplyingRow { hash: *hash, begun: *begun })
            .collect()
    }

    /// Steps 2 to 7 for what was marked.
    pub(crate) fn apply_ready(&mut self, world: &mut World<'_>) -> Result<Vec<Effect>, HandleError> {
        let mut marked = Vec::new();
        while let Some(ready) = self.ready.pop_front() {
            if !self.suspects.contains_key(&ready.hash) {
                self.ready.push_front(ready);
                break;
            }
            marked.push(ready);
            if self.suspects.values().any(|begun| *begun > 1) {
                break;
            }
        }
        let Some(last) = marked.last() else {
            return Ok(Vec::new());
        };
        let link = last.link;

        let mut gathered = Gathered::new(world.shelf);
        let mut touched: BTreeMap<EntryId, (Whose, Option<u64>)> = BTreeMap::new();
        let mut effects = Vec::new();
        if !self.apply_together(&gathered, &marked, &mut touched)? {
            touched.clear();
            self.parts = crate::replica::Parts::default();
            for ready in &marked {
                match self.apply_one(&gathered, ready, &mut touched)? {
                    Fate::Applied => self.hold(&mut gathered, world.now, ready, Fate::Applied)?,
                    Fate::SetAside(reason) => {
                        let whose = self.logs.get(&ready.record.log).map_or(Whose::Partners, |log| log.whose);
                        effects.push(Effect::Show(Shown::SetAside { whose, seq: ready.record.seq, reason: reason.clone() }));
                        self.hold(&mut gathered, world.now, ready, Fate::SetAside(reason))?;
                    }
                }
            }
        } else {
            for ready in &marked {
                self.hold(&mut gathered, world.now, ready, Fate::Applied)?;
            }
        }
        for (entry, (by, mine)) in touched {
            for part_name in [PartName::Shared, PartName::Mine, PartName::Partners] {
                if let Some(part) = self.trial.remove(&(entry, part_name)) {
                    self.keep_part(&mut gathered, entry, part_name, part);
                }
            }
            self.keep_card(&mut gathered, entry, mine)?;
            effects.push(Effect::Show(Shown::Changed { entry, by }));
        }
        self.trial.clear();
        self.keep_logs(&mut gathered)?;
        for ready in &marked {
            self.suspects.remove(&ready.hash);
        }
        rows::put(&mut gathered, name::APPLYING, &self.applying_rows(|_| true))?;

        // What came over one link need not go back over any link to the same device.
        let changes = marked.iter().filter(|ready| ready.record.kind == RecordKind::Change as u8).count() as u64;
        for ready in &marked {
            self.note_held_there(ready.link, &ready.record.log, ready.record.seq);
        }
        if let Some(link) = self.links.get_mut(&link) {
            link.received = link.received.saturating_add(changes);
            link.asked_again = false;
        }
        let more = if self.ready.is_empty() { Vec::new() } else { self.mark(Gathered::new(world.shelf))? };
        let sends = if more.is_empty() { self.pump_all(&gathered, world)? } else { Vec::new() };
        effects.push(Effect::Save { writes: gathered.into_writes(), durable: true });
        effects.push(self.send_clock(link, false));
        effects.extend(sends);
        effects.extend(more);
        Ok(effects)
    }

    /// All that was marked at once: one check of each part, however many changes it gets. False where anything at all
    /// stands against it; then each record is judged alone.
    fn apply_together(
        &mut self,
        gathered: &Gathered<'_>,
        marked: &[Ready],
        touched: &mut BTreeMap<EntryId, (Whose, Option<u64>)>,
    ) -> Result<bool, HandleError> {
        let mut items: Vec<(LogKey, Vec<Item>)> = Vec::new();
        for ready in marked {
            if self.suspects.get(&ready.hash).is_some_and(|begun| *begun > 1) {
                return Ok(false);
            }
            if ready.record.kind != RecordKind::Change as u8 {
                return Ok(false);
            }
            match read_items(&ready.record.payload) {
                Ok(read) => items.push((ready.record.log, read)),
                Err(_) => return Ok(false),
            }
        }
        // Changes of one part, in order, by stretches of one writer.
        let mut stretches: BTreeMap<(EntryId, PartName), Vec<(LogKey, Vec<&[u8]>)>> = BTreeMap::new();
        for (log, items) in &items {
            for item in items {
                let Some(part_name) = self.part_of(log, item) else {
                    return Ok(false);
                };
                let stretches = stretches.entry((item.entry, part_name)).or_default();
                match stretches.last_mut() {
                    Some((writer, changes)) if writer == log => changes.push(&item.change),
                    _ => stretches.push((*log, vec![&item.change])),
                }
            }
        }
        for ((entry, part_name), stretches) in stretches {
            for (log, changes) in stretches {
                let part = self.trial_part(gathered, &entry, part_name)?;
                match wall::admit(&part, &actor_of(&log), &changes) {
                    Ok(part) => self.trial.insert((entry, part_name), part),
                    Err(_) => {
                        self.trial.clear();
                        return Ok(false);
                    }
                };
            }
        }
        for (ready, (_, items)) in marked.iter().zip(&items) {
            self.touch(ready, items, touched);
        }
        Ok(true)
    }

    /// One record: all of its changes, or none.
    fn apply_one(
        &mut self,
        gathered: &Gathered<'_>,
        ready: &Ready,
        touched: &mut BTreeMap<EntryId, (Whose, Option<u64>)>,
    ) -> Result<Fate, HandleError> {
        let begun = self.suspects.get(&ready.hash).copied().unwrap_or(0);
        if begun > TRIES {
            return Ok(Fate::SetAside(format!("step 6: the program stopped {TRIES} times while applying it")));
        }
        if ready.record.kind == RecordKind::Membership as u8 {
            return Ok(self.apply_membership(ready));
        }
        if ready.record.kind != RecordKind::Change as u8 {
            return Ok(Fate::SetAside(format!("records of kind {} are not known to this version", ready.record.kind)));
        }
        if ready.record.seq == 1 {
            return Ok(Fate::SetAside("the first record of a log says whose it is".to_owned()));
        }
        let items = match read_items(&ready.record.payload) {
            Ok(items) => items,
            Err(error) => return Ok(Fate::SetAside(error.to_string())),
        };
        let actor = actor_of(&ready.record.log);
        let mut taken: BTreeMap<(EntryId, PartName), Part> = BTreeMap::new();
        for item in &items {
            let Some(part_name) = self.part_of(&ready.record.log, item) else {
                return Ok(Fate::SetAside(format!(
                    "entries of kind {} with schema {} are not known to this version",
                    item.kind, item.schema
                )));
            };
            let key = (item.entry, part_name);
            let part = match taken.remove(&key) {
                Some(part) => part,
                None => self.trial_part(gathered, &item.entry, part_name)?,
            };
            match wall::admit(&part, &actor, &[&item.change]) {
                Ok(part) => taken.insert(key, part),
                Err(refusal) => return Ok(Fate::SetAside(refusal.to_string())),
            };
        }
        self.trial.extend(taken);
        self.touch(ready, &items, touched);
        Ok(Fate::Applied)
    }

    fn apply_membership(&mut self, ready: &Ready) -> Fate {
        let beginning = match Beginning::parse(&ready.record.payload) {
            Ok(beginning) => beginning,
            Err(error) => return Fate::SetAside(error.to_string()),
        };
        let Some(log) = self.logs.get_mut(&ready.record.log) else {
            return Fate::SetAside("a membership record of an unknown log".to_owned());
        };
        if ready.record.seq != 1 {
            return Fate::SetAside("a log can begin only once".to_owned());
        }
        // The pairing proved the static key; a log cannot move to another device.
        if *beginning.static_key.as_bytes() != log.static_key {
            return Fate::SetAside("the log names another device than the pairing did".to_owned());
        }
        if log.whose == Whose::Partners {
            log.name = beginning.name.as_str().to_owned();
        }
        Fate::Applied
    }

    /// Which part an item is for: an own part is its writer's, and only entries of a known kind and schema have parts.
    fn part_of(&self, log: &LogKey, item: &Item) -> Option<PartName> {
        let kind = EntryKind::from_byte(item.kind)?;
        if kind != EntryKind::Boundary || item.schema != amends_journal::BOUNDARY_SCHEMA {
            return None;
        }
        Some(match (item.part, self.logs.get(log)?.whose) {
            (PartKind::Shared, _) => PartName::Shared,
            (PartKind::Own, Whose::Mine) => PartName::Mine,
            (PartKind::Own, Whose::Partners) => PartName::Partners,
        })
    }

    /// A part as the records before this one left it.
    fn trial_part(&mut self, gathered: &Gathered<'_>, entry: &EntryId, part_name: PartName) -> Result<Part, HandleError> {
        if let Some(part) = self.trial.get(&(*entry, part_name)) {
            return Ok(part.clone());
        }
        let part = self.parts.take(gathered, entry, part_name)?;
        self.parts.put_back(*entry, part_name, part.clone());
        Ok(part)
    }

    fn touch(&self, ready: &Ready, items: &[Item], touched: &mut BTreeMap<EntryId, (Whose, Option<u64>)>) {
        let Some(log) = self.logs.get(&ready.record.log) else {
            return;
        };
        let mine = (ready.record.log == self.me).then_some(ready.record.seq);
        for item in items {
            let before = touched.get(&item.entry).and_then(|(_, mine)| *mine);
            touched.insert(item.entry, (log.whose, mine.or(before)));
        }
    }

    /// A record is held: numbered, and acknowledged by the next clock.
    fn hold(&mut self, gathered: &mut Gathered<'_>, now: i64, ready: &Ready, fate: Fate) -> Result<(), HandleError> {
        let entries: BTreeSet<[u8; 16]> = read_items(&ready.record.payload)
            .map(|items| items.iter().map(|item| item.entry.0).collect())
            .unwrap_or_default();
        let log = self.logs.get_mut(&ready.record.log).ok_or(rows::RowError::Missing(name::LOGS))?;
        log.seq = ready.record.seq;
        log.head = ready.hash;
        if let Fate::SetAside(_) = fate {
            let mut position = Position { seq: log.seq, head: log.head.0, set_aside: std::mem::take(&mut log.set_aside) };
            position.add_set_aside(ready.record.seq);
            log.set_aside = position.set_aside;
            self.set_aside = self.set_aside.saturating_add(1);
        }
        let row = RecordRow {
            hash: ready.hash,
            envelope: ready.envelope,
            place: ready.place,
            fate,
            held_at: now,
            entries: entries.into_iter().collect(),
        };
        gathered.put(Table::Record, rows::record_key(log.number, ready.record.seq), rows::encode(name::RECORD, &row)?);
        Ok(())
    }
}
