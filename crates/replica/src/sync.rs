//! Sync with another device of the pair (PROTOCOL section 5): each side opens with its clock, both send what the other
//! lacks, in order, and go on live. An acknowledgement is a clock, sent after what it covers is on the disk.

use std::collections::{BTreeMap, VecDeque};

use amends_keys::identity::{LogKey, StaticKey};

use crate::clock::{Clock, Position};
use crate::frame::Frame;
use crate::record::RecordKind;
use crate::replica::{Effect, HandleError, LinkId, Meeting, Replica, Shown, World};
use crate::rows::{self, HeardRow, MetRow, Whose, name};
use crate::shelf::{Gathered, Table};

/// Envelopes that may be on their way before the first of them is acknowledged.
const WINDOW: usize = 8;
/// Records fill one envelope up to this many bytes while catching up.
const BATCH_BYTES: usize = 128 * 1024;
/// And up to this many records.
const BATCH_RECORDS: usize = 256;

/// One session, as sync sees it.
pub(crate) struct Link {
    device: StaticKey,
    theirs: Option<Clock>,
    /// How far each log was sent on this link, or held there already.
    sent: BTreeMap<LogKey, u64>,
    /// For each envelope on its way, what it brings each log to.
    under_way: VecDeque<BTreeMap<LogKey, u64>>,
    sent_changes: BTreeMap<(LogKey, u64), ()>,
    acknowledged: u64,
    pub(crate) received: u64,
    /// Envelopes that were no records of this pair; a few are a fault, more are an attack.
    pub(crate) bad: u32,
    /// The other device was asked to send again, and has not sent anything fitting since.
    pub(crate) asked_again: bool,
}

impl Link {
    pub(crate) fn meeting(&self, ours: &Clock) -> Meeting {
        Meeting {
            sent: self.acknowledged,
            received: self.received,
            partner_has_all: self.theirs.as_ref().is_some_and(|theirs| theirs.covers(ours)),
            have_all: self.theirs.as_ref().is_some_and(|theirs| ours.covers(theirs)),
        }
    }
}

impl Replica {
    pub(crate) fn meet(&mut self, world: &mut World<'_>, link: LinkId, device: StaticKey) -> Result<Vec<Effect>, HandleError> {
        self.links.insert(
            link,
            Link {
                device,
                theirs: None,
                sent: BTreeMap::new(),
                under_way: VecDeque::new(),
                sent_changes: BTreeMap::new(),
                acknowledged: 0,
                received: 0,
                bad: 0,
                asked_again: false,
            },
        );
        let mut gathered = Gathered::new(world.shelf);
        let mut effects = Vec::new();
        let first = !self.member.confirmed;
        if first {
            self.member.confirmed = true;
            rows::put(&mut gathered, name::MEMBER, &self.member)?;
        }
        self.met = MetRow { at: Some(world.now) };
        rows::put(&mut gathered, name::MET, &self.met)?;
        effects.push(Effect::Save { writes: gathered.into_writes(), durable: first });
        if first {
            effects.push(Effect::Show(Shown::Confirmed));
        }
        effects.push(self.send_clock(link, false));
        Ok(effects)
    }

    pub(crate) fn part_from(&mut self, world: &mut World<'_>, link: LinkId) -> Result<Vec<Effect>, HandleError> {
        self.waiting.forget(link);
        if self.links.remove(&link).is_none() {
            return Ok(Vec::new());
        }
        let mut gathered = Gathered::new(world.shelf);
        self.met = MetRow { at: Some(world.now) };
        rows::put(&mut gathered, name::MET, &self.met)?;
        // What was on its way on this link goes out on another one, where there is another.
        let sends = self.pump_all(&gathered, world)?;
        let mut effects = vec![Effect::Save { writes: gathered.into_writes(), durable: false }];
        effects.extend(sends);
        Ok(effects)
    }

    pub(crate) fn send_clock(&self, link: LinkId, again: bool) -> Effect {
        Effect::Send { link, frame: Frame::Clock { clock: self.clock(), again }.to_bytes() }
    }

    /// The other device says how far it holds each log.
    pub(crate) fn hear_clock(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        mut theirs: Clock,
        again: bool,
    ) -> Result<Vec<Effect>, HandleError> {
        theirs.0.retain(|log, _| self.logs.contains_key(log));
        let ours = self.clock();
        let Some(link) = self.links.get_mut(&link_id) else {
            return Ok(Vec::new());
        };
        let opening = link.theirs.is_none();
        for (log, position) in &theirs.0 {
            let sent = link.sent.entry(*log).or_insert(0);
            // On an opening, or after something was dropped there, sending begins where they are.
            if opening || again || *sent < position.seq {
                *sent = position.seq;
            }
        }
        if opening || again {
            link.under_way.clear();
        }
        while link.under_way.front().is_some_and(|ends| ends.iter().all(|(log, seq)| theirs.seq(log) >= *seq)) {
            link.under_way.pop_front();
        }
        let before = link.sent_changes.len();
        link.sent_changes.retain(|(log, seq), ()| theirs.seq(log) < *seq);
        let acknowledged = before.saturating_sub(link.sent_changes.len()) as u64;
        link.acknowledged = link.acknowledged.saturating_add(acknowledged);
        link.theirs = Some(theirs.clone());
        let device = link.device;

        let mut gathered = Gathered::new(world.shelf);
        let mut shows = Vec::new();
        let before = self.heard.get(&device).cloned().unwrap_or_default();
        if opening {
            if theirs.seq(&self.me) > ours.seq(&self.me) {
                shows.push(Effect::Show(Shown::OlderCopy));
            }
            if before.0.iter().any(|(log, position)| theirs.seq(log) < position.seq) {
                shows.push(Effect::Show(Shown::PartnerWentBack));
            }
            for (log, position) in &theirs.0 {
                let held = ours.0.get(log);
                if held.is_some_and(|held| held.seq == position.seq && held.head != position.head) {
                    let whose = self.logs.get(log).map_or(Whose::Partners, |log| log.whose);
                    shows.push(Effect::Show(Shown::Fork(whose)));
                }
            }
        }
        if before != theirs {
            self.note_unreadable(&mut gathered, &before, &theirs)?;
            let was = self.heard_of_me();
            self.heard.insert(device, theirs);
            let is = self.heard_of_me();
            self.keep_heard(&mut gathered)?;
            if is > was {
                shows.extend(
                    self.by_mine
                        .range(was.saturating_add(1)..=is)
                        .map(|(_, entry)| Effect::Show(Shown::Reached(*entry))),
                );
            }
        }
        let sends = self.pump_all(&gathered, world)?;
        let writes = gathered.into_writes();
        let mut effects = Vec::new();
        if !writes.is_empty() {
            // Lost in a power cut, this only shows `waiting` until the next meeting says it again.
            effects.push(Effect::Save { writes, durable: false });
        }
        effects.extend(shows);
        effects.extend(sends);
        Ok(effects)
    }

    /// Marks the entries in which the other device keeps records of mine that it cannot read.
    fn note_unreadable(&mut self, gathered: &mut Gathered<'_>, before: &Clock, theirs: &Clock) -> Result<(), HandleError> {
        let nothing = Position::default();
        let old = before.0.get(&self.me).unwrap_or(&nothing);
        let Some(new) = theirs.0.get(&self.me) else {
            return Ok(());
        };
        let Some(own) = self.logs.get(&self.me) else {
            return Ok(());
        };
        let (number, held) = (own.number, own.seq);
        for (first, last) in &new.set_aside {
            // The runs are the other device's claim: only numbers that exist are looked at.
            for seq in *first..=(*last).min(held) {
                if old.is_set_aside(seq) {
                    continue;
                }
                let Some(row) = gathered.get(Table::Record, &rows::record_key(number, seq))? else {
                    continue;
                };
                let row: rows::RecordRow = rows::decode(name::RECORD, &row)?;
                for entry in row.entries.iter().map(|id| amends_journal::EntryId(*id)) {
                    if let Some(card) = self.cards.get_mut(&entry) {
                        card.not_readable_there = true;
                        gathered.put(Table::Card, entry.0.to_vec(), rows::encode(name::CARD, card)?);
                    }
                }
            }
        }
        Ok(())
    }

    fn keep_heard(&self, gathered: &mut Gathered<'_>) -> Result<(), HandleError> {
        let rows: Vec<HeardRow> = self
            .heard
            .iter()
            .map(|(device, clock)| HeardRow {
                device: *device.as_bytes(),
                logs: clock.0.iter().map(|(log, position)| (*log.as_bytes(), position.clone())).collect(),
            })
            .collect();
        rows::put(gathered, name::HEARD, &rows)?;
        Ok(())
    }

    /// Sends what each other device lacks, on one link each: a second link to the same device stands by.
    pub(crate) fn pump_all(&mut self, gathered: &Gathered<'_>, world: &mut World<'_>) -> Result<Vec<Effect>, HandleError> {
        let mut effects = Vec::new();
        let mut served = Vec::new();
        let open: Vec<LinkId> = self.links.iter().filter(|(_, link)| link.theirs.is_some()).map(|(id, _)| *id).collect();
        for link in open {
            let Some(device) = self.links.get(&link).map(|link| link.device) else {
                continue;
            };
            if !served.contains(&device) {
                served.push(device);
                self.pump(gathered, world, link, &mut effects)?;
            }
        }
        Ok(effects)
    }

    fn pump(
        &mut self,
        gathered: &Gathered<'_>,
        world: &mut World<'_>,
        link_id: LinkId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), HandleError> {
        loop {
            let Some(mut link) = self.links.remove(&link_id) else {
                return Ok(());
            };
            let envelope = if link.under_way.len() < WINDOW {
                self.next_batch(gathered, world, &mut link)
            } else {
                Ok(None)
            };
            self.links.insert(link_id, link);
            match envelope? {
                Some(envelope) => effects.push(Effect::Send { link: link_id, frame: Frame::Envelope(envelope).to_bytes() }),
                None => return Ok(()),
            }
        }
    }

    /// A record came from this device, or is known to be there: it need not be sent there.
    pub(crate) fn note_held_there(&mut self, link: LinkId, log: &LogKey, seq: u64) {
        let Some(device) = self.links.get(&link).map(|link| link.device) else {
            return;
        };
        for link in self.links.values_mut().filter(|link| link.device == device) {
            let sent = link.sent.entry(*log).or_insert(0);
            *sent = seq.max(*sent);
        }
    }

    /// The next records that a device lacks, sealed. A record goes out only after those whose heads it names.
    fn next_batch(&self, gathered: &Gathered<'_>, world: &mut World<'_>, link: &mut Link) -> Result<Option<Vec<u8>>, HandleError> {
        let mut batch: Vec<(Vec<u8>, [u8; 64])> = Vec::new();
        let mut single = None;
        let mut weight = 0usize;
        let mut ends: BTreeMap<LogKey, u64> = BTreeMap::new();
        let mut epoch = None;
        'fill: loop {
            let mut moved = false;
            for (key, log) in &self.logs {
                loop {
                    let next = link.sent.get(key).copied().unwrap_or(0).saturating_add(1);
                    if next > log.seq {
                        break;
                    }
                    let (bytes, signature, record) = self.saved_record(gathered, log, next)?;
                    let held = |seen: &crate::record::Seen| {
                        !self.logs.contains_key(&seen.log) || link.sent.get(&seen.log).copied().unwrap_or(0) >= seen.seq
                    };
                    if !record.seen.iter().all(held) {
                        break;
                    }
                    let full = batch.len() >= BATCH_RECORDS || weight.saturating_add(bytes.len()) > BATCH_BYTES;
                    if !batch.is_empty() && (full || epoch != Some(record.epoch)) {
                        break 'fill;
                    }
                    weight = weight.saturating_add(bytes.len());
                    epoch = Some(record.epoch);
                    single = Some((log.number, next));
                    link.sent.insert(*key, next);
                    ends.insert(*key, next);
                    if record.kind == RecordKind::Change as u8 {
                        link.sent_changes.insert((*key, next), ());
                    }
                    batch.push((bytes, signature));
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let (Some(epoch), Some(single)) = (epoch, single) else {
            return Ok(None);
        };
        link.under_way.push_back(ends);
        if batch.len() == 1
            && let Some(envelope) = self.envelope_alone(gathered, single)?
        {
            return Ok(Some(envelope));
        }
        let secret = self.epochs.get(&epoch).ok_or_else(|| HandleError::Seal("an epoch is missing".to_owned()))?;
        let items: Vec<(&[u8], &[u8; 64])> = batch.iter().map(|(bytes, signature)| (bytes.as_slice(), signature)).collect();
        let mut salt = [0u8; 24];
        world.rng.fill_bytes(&mut salt);
        amends_keys::seal::seal(epoch, secret, &self.journal, salt, &items)
            .map(Some)
            .map_err(|error| HandleError::Seal(error.to_string()))
    }

    /// The envelope of a record as it is saved, where it holds that record alone.
    fn envelope_alone(&self, gathered: &Gathered<'_>, (log, seq): (u32, u64)) -> Result<Option<Vec<u8>>, HandleError> {
        let Some(row) = gathered.get(Table::Record, &rows::record_key(log, seq))? else {
            return Ok(None);
        };
        let row: rows::RecordRow = rows::decode(name::RECORD, &row)?;
        let Some(envelope) = gathered.get(Table::Envelope, &row.envelope.to_be_bytes())? else {
            return Ok(None);
        };
        let alone = self.open_envelope(&envelope).is_ok_and(|opened| opened.records().count() == 1);
        Ok(alone.then_some(envelope))
    }
}
