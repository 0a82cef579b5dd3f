//! The wall: what arrives is hostile until proved otherwise (PROTOCOL section 6). Everything that another device wrote
//! comes through here, in the order of the seven steps. Step 1 is this file; the others are [`crate::apply`], of which steps
//! 2 to 5 look at Automerge's bytes and are [`amends_journal::wall`].
//!
//! 1. sizes, commitment, AEAD, signature, log, seq, prev, epoch: [`Replica::receive`]
//! 2. to 5. one chunk, its columns, what it may change, a trial on a copy: [`amends_journal::wall::admit`]
//! 6. marked as `applying` before and unmarked with the result: [`Replica::mark`], [`Replica::apply_ready`]
//! 7. what is no record is refused and the log waits there; a record with a bad payload is kept, numbered,
//!    acknowledged and set aside: [`Replica::apply_ready`]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use amends_keys::identity::LogKey;
use amends_keys::seal::{self, OpenError, Opened};
use thiserror::Error;

use crate::bundle::Counts;
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::frame::{Frame, FrameError};
use crate::hands::{self, Hands};
use crate::payload::{Item, read_items};
use crate::record::{Record, RecordError, RecordHash, RecordKind};
use crate::replica::Replica;
use crate::rows::{LogRow, Whose};
use crate::shelf::{Gathered, Table};
use crate::waiting::Waits;

/// Envelopes that are no records of this pair, before the link is closed.
const BAD_ENVELOPES: u32 = 8;

/// Signatures that are checked at once. One that does not hold ends an envelope, so that many more would be time for nothing.
const VERIFIED_TOGETHER: usize = 128;

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
}

/// A record that passed step 1 and follows its log's head.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) link: LinkId,
    pub(crate) record: Record,
    pub(crate) hash: RecordHash,
    pub(crate) envelope: u64,
    pub(crate) place: u32,
    /// How many operations its changes claim to hold.
    pub(crate) claims: u64,
}

/// How many operations the changes of a record claim to hold, before any of them is looked at.
pub(crate) fn claims_of(record: &Record) -> u64 {
    if record.kind != RecordKind::Change as u8 {
        return 0;
    }
    claimed(&read_items(&record.payload).unwrap_or_default())
}

/// How many operations these changes claim to hold together: a record of more than [`RECORD_OPERATIONS`](crate::RECORD_OPERATIONS)
/// is set aside.
#[must_use]
pub fn claimed(items: &[Item]) -> u64 {
    items.iter().fold(0, |claimed, item| {
        amends_journal::wall::claims(&item.change).saturating_add(claimed)
    })
}

/// How far each log is held, the records of this envelope that are ready included: what the next is checked against.
#[derive(Default)]
struct Heads {
    ends: BTreeMap<LogKey, (u64, RecordHash)>,
    hashes: BTreeMap<(LogKey, u64), RecordHash>,
}

impl Heads {
    fn of(&self, log: &LogRow) -> (u64, RecordHash) {
        self.ends
            .get(&log.log_key())
            .copied()
            .unwrap_or((log.seq, log.head))
    }

    /// Whether nothing of this log came in this envelope yet.
    fn is_fresh(&self, log: &LogRow) -> bool {
        !self.ends.contains_key(&log.log_key())
    }

    fn push(&mut self, log: LogKey, seq: u64, hash: RecordHash) {
        self.ends.insert(log, (seq, hash));
        self.hashes.insert((log, seq), hash);
    }

    /// The hash of a record that is held.
    fn hash_at(
        &self,
        replica: &Replica,
        gathered: &Gathered<'_>,
        log: &LogRow,
        seq: u64,
    ) -> Result<Option<RecordHash>, HandleError> {
        match self.hashes.get(&(log.log_key(), seq)) {
            Some(hash) => Ok(Some(*hash)),
            None => replica.hash_at(gathered, log, seq),
        }
    }
}

/// What step 1 says of one record.
enum Checked {
    /// It is new, and its log is held up to it, or waits up to it.
    New(Record, RecordHash),
    /// It is held.
    Held,
    /// It is held by its number, and its bytes were lost here.
    Lost(Record, RecordHash),
    /// It waits already.
    Waits(LogKey, u64),
    /// Some before it are missing.
    Gap(LogKey),
    /// It begins a log that is not known yet, and its device vouches for it.
    Begins(Box<LogRow>, Record, RecordHash),
    /// It is of this person's own log, under a number that this device has used otherwise.
    Branch(LogKey, u64),
    /// It is no record of this pair, or does not fit its log.
    Refused(Refusal, Option<(LogKey, Whose)>),
}

impl From<Refusal> for Checked {
    fn from(refusal: Refusal) -> Self {
        Checked::Refused(refusal, None)
    }
}

/// Whether the heads that a record names are held.
enum Named {
    Held,
    NotYet,
    /// Another record of that number is held.
    Other(Whose),
}

impl Replica {
    pub(crate) fn open_envelope(&self, envelope: &[u8]) -> Result<Opened, Refusal> {
        let epoch = seal::epoch_of(envelope)?;
        let secret = self.epochs.get(&epoch).ok_or(Refusal::Epoch(epoch))?;
        Ok(seal::open(envelope, secret, &self.journal)?)
    }

    /// A frame came.
    pub(crate) fn receive(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
        frame: &[u8],
    ) -> Result<Vec<Effect>, HandleError> {
        if self.links.get(&link).is_none_or(|link| link.closing) {
            return Ok(Vec::new());
        }
        let effects = match Frame::parse(frame) {
            Ok(Frame::Clock {
                clock,
                again,
                chunks,
                knows,
            }) => self.hear_clock(world, link, clock, (again, chunks, knows))?,
            Ok(Frame::Ask(names)) => self.hear_ask(world, link, &names)?,
            Ok(Frame::Chunk(chunk)) => self.receive_chunk(world, link, chunk)?,
            Ok(Frame::Have(names)) => self.hear_have(world, link, &names)?,
            Ok(Frame::Lack(names)) => self.hear_lack(world, link, &names)?,
            Ok(Frame::Whether(names)) => self.hear_whether(link, &names),
            Ok(Frame::Envelope(envelope)) => self.receive_envelope(world, link, &envelope)?,
            Ok(Frame::Heartbeat | Frame::Unknown(_)) => Vec::new(),
            Err(error) => {
                let mut effects = Vec::new();
                if let FrameError::Version { .. } = error {
                    effects.push(Effect::Show(Shown::Refused(error.to_string())));
                }
                effects.push(self.close(link, error.to_string()));
                effects
            }
        };
        self.note_frame(link);
        Ok(effects)
    }

    /// Something came that is none of this pair's; too much of that closes the link.
    pub(crate) fn count_bad(&mut self, link: LinkId) -> Option<Effect> {
        let state = self.links.get_mut(&link)?;
        state.bad = state.bad.saturating_add(1);
        (state.bad >= BAD_ENVELOPES).then(|| {
            self.close(
                link,
                "too much came that is no record of this pair".to_owned(),
            )
        })
    }

    fn close(&mut self, link: LinkId, reason: String) -> Effect {
        if let Some(state) = self.links.get_mut(&link) {
            state.closing = true;
        }
        Effect::Close { link, reason }
    }

    /// Step 1 for an envelope and each of its records.
    pub(crate) fn receive_envelope(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
        envelope: &[u8],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let mut effects = Vec::new();
        let mut heads = Heads::default();
        let mut ready = Vec::new();
        let mut lost = Vec::new();
        // Where one record of a log is refused, that log waits there: what follows it is not looked at.
        let mut stopped = BTreeSet::new();
        let (mut refused, mut waits, mut gap, mut full) = (false, false, false, false);
        let by_bundle = self
            .links
            .get(&link)
            .is_some_and(|link| link.reading.is_some());
        let mut counts = Counts::default();
        match self.open_envelope(envelope) {
            Err(error) => {
                refused = true;
                counts.refused += 1;
                effects.push(Effect::Show(Shown::Refused(error.to_string())));
            }
            Ok(opened) => {
                let epoch = opened.epoch();
                let number = self.next_envelope;
                for (place, (bytes, signature), verified, claims) in
                    verified(Arc::clone(&self.hands), &opened)
                {
                    let mut checked = self.check(&gathered, &heads, epoch, verified)?;
                    if let Checked::Begins(row, record, hash) = checked {
                        self.logs.insert(record.log, *row);
                        checked = Checked::New(record, hash);
                    }
                    match checked {
                        Checked::Begins(..) => {}
                        Checked::Branch(log, seq) => {
                            // Nothing else of this envelope is kept; what stands is asked for again.
                            if self.may_leave(&log) {
                                return self.leave_branch(world, link, (log, seq));
                            }
                            refused = true;
                            counts.refused += 1;
                            stopped.insert(log);
                        }
                        Checked::Held => counts.already_here += 1,
                        Checked::Lost(record, hash) => lost.push((place, record, hash)),
                        Checked::Waits(log, seq) => {
                            waits = true;
                            // What a session waits with is not forgotten with a bundle.
                            if !by_bundle {
                                self.waiting.came_again(&log, seq, link);
                            }
                        }
                        Checked::New(record, _) if stopped.contains(&record.log) => {
                            counts.missing += 1;
                        }
                        Checked::New(record, hash) => {
                            let follows = self
                                .logs
                                .get(&record.log)
                                .is_some_and(|log| follows(&heads, log, &record));
                            let named = self.named(&gathered, &heads, &record)?;
                            if follows && matches!(named, Named::Held) {
                                heads.push(record.log, record.seq, hash);
                                ready.push(Ready {
                                    link,
                                    claims,
                                    record,
                                    hash,
                                    envelope: number,
                                    place,
                                });
                                continue;
                            }
                            if let Named::Other(whose) = named {
                                effects.push(Effect::Show(Shown::Fork(whose)));
                            }
                            waits = true;
                            let log = record.log;
                            if !self.waiting.add(Waits {
                                link,
                                bytes: bytes.to_vec(),
                                signature,
                                record,
                                hash,
                            }) {
                                full = true;
                                counts.missing += 1;
                                stopped.insert(log);
                            }
                        }
                        Checked::Gap(log) => {
                            counts.missing += 1;
                            gap |= !stopped.contains(&log);
                        }
                        Checked::Refused(refusal, of) => {
                            refused = true;
                            counts.refused += 1;
                            if let (Refusal::Fork(_), Some((_, whose))) = (&refusal, of) {
                                effects.push(Effect::Show(Shown::Fork(whose)));
                            }
                            effects.push(Effect::Show(Shown::Refused(refusal.to_string())));
                            match of {
                                Some((log, _)) => stopped.insert(log),
                                // Not even a signature holds: the rest is not worth the time it takes to check.
                                None => break,
                            };
                        }
                    }
                }
                if !ready.is_empty() || !lost.is_empty() {
                    gathered.put(
                        Table::Envelope,
                        number.to_be_bytes().to_vec(),
                        envelope.to_vec(),
                    );
                    self.next_envelope = self.next_envelope.saturating_add(1);
                }
            }
        }
        let found = !lost.is_empty();
        if found {
            let number = self.next_envelope.saturating_sub(1);
            effects.extend(self.take_lost(&mut gathered, world.now, number, &lost)?);
            self.keep_logs(&mut gathered)?;
        }
        self.release_waiting(&mut gathered, world, &mut heads, &mut ready)?;

        let Some(state) = self.links.get_mut(&link) else {
            return Ok(Vec::new());
        };
        if let Some(reading) = &mut state.reading {
            reading.count(counts);
        }
        state.brought |= found || !ready.is_empty();
        state.dropped |= full;
        let ask = (gap || full) && !state.asked_again;
        state.asked_again |= ask;
        if refused {
            effects.extend(self.count_bad(link));
        }
        if found {
            // Durable before it is acknowledged; what is ready besides is marked by itself.
            let writes = std::mem::replace(&mut gathered, Gathered::new(world.shelf)).into_writes();
            let durable = true;
            effects.insert(0, Effect::Save { writes, durable });
            effects.push(self.send_clock(link, false));
        }
        if ask {
            effects.push(self.send_clock(link, true));
        } else if ready.is_empty() && !found && !refused && !waits && !gap {
            // All of it is held: the acknowledgement was lost with another link, and is said again.
            effects.push(self.send_clock(link, false));
        }
        if !ready.is_empty() {
            self.ready.extend(ready);
            // The envelope's row rides with the mark: not yet durable, and not yet acknowledged.
            effects.extend(self.mark(gathered)?);
        }
        Ok(effects)
    }

    /// Step 1 for one record.
    fn check(
        &self,
        gathered: &Gathered<'_>,
        heads: &Heads,
        epoch: u32,
        verified: Result<(Record, RecordHash), RecordError>,
    ) -> Result<Checked, HandleError> {
        let (record, hash) = match verified {
            Ok(verified) => verified,
            Err(error) => return Ok(Refusal::Record(error).into()),
        };
        if record.journal != self.journal {
            return Ok(Refusal::Journal.into());
        }
        if record.epoch != epoch {
            return Ok(Refusal::EpochMismatch {
                record: record.epoch,
                envelope: epoch,
            }
            .into());
        }
        let Some(log) = self.logs.get(&record.log) else {
            return Ok(match self.vouched_log(&record) {
                Some(row) => Checked::Begins(Box::new(row), record, hash),
                None => Refusal::Log.into(),
            });
        };
        let refused = |refusal| Checked::Refused(refusal, Some((record.log, log.whose)));
        let (seq, head) = heads.of(log);
        if record.seq <= seq && self.is_lost(&record.log, record.seq, &hash) {
            return Ok(Checked::Lost(record, hash));
        }
        if record.seq <= seq {
            let held = heads.hash_at(self, gathered, log, record.seq)?;
            if held == Some(hash) {
                return Ok(Checked::Held);
            }
            // Where the two branches part: what is before is the same.
            if log.static_key == *self.own_static() && heads.is_fresh(log) {
                let before = match record.seq {
                    1 => Some(RecordHash::NONE),
                    seq => self.hash_at(gathered, log, seq.saturating_sub(1))?,
                };
                if before == Some(record.prev) && record.seq > 1 {
                    return Ok(Checked::Branch(record.log, record.seq));
                }
            }
            return Ok(refused(Refusal::Fork(record.seq)));
        }
        if let Some(waits) = self.waiting.hash_at(&record.log, record.seq) {
            return Ok(if waits == hash {
                Checked::Waits(record.log, record.seq)
            } else {
                refused(Refusal::Fork(record.seq))
            });
        }
        let before = if record.seq == seq.saturating_add(1) {
            Some(head)
        } else {
            self.waiting
                .hash_at(&record.log, record.seq.saturating_sub(1))
        };
        Ok(match before {
            Some(before) if record.prev == before => Checked::New(record, hash),
            Some(_) => refused(Refusal::Prev(record.seq)),
            None => Checked::Gap(record.log),
        })
    }

    /// Whether every head that a record names is held.
    fn named(
        &self,
        gathered: &Gathered<'_>,
        heads: &Heads,
        record: &Record,
    ) -> Result<Named, HandleError> {
        for seen in record.seen.iter().filter(|seen| seen.seq > 0) {
            let Some(log) = self.logs.get(&seen.log) else {
                return Ok(Named::NotYet);
            };
            if seen.seq > heads.of(log).0 {
                return Ok(Named::NotYet);
            }
            if heads.hash_at(self, gathered, log, seen.seq)? != Some(seen.hash) {
                return Ok(Named::Other(log.whose));
            }
        }
        Ok(Named::Held)
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
                let Some(first) = self.waiting.first(&log) else {
                    continue;
                };
                let next = self
                    .logs
                    .get(&log)
                    .is_some_and(|log| follows(heads, log, first));
                if !next || !matches!(self.named(gathered, heads, first)?, Named::Held) {
                    continue;
                }
                let Some(wait) = self.waiting.take_first(&log) else {
                    continue;
                };
                moved = true;
                let secret = self
                    .epochs
                    .get(&wait.record.epoch)
                    .ok_or_else(|| HandleError::Seal("an epoch is missing".to_owned()))?;
                let mut salt = [0u8; 24];
                world.rng.fill_bytes(&mut salt);
                let envelope = seal::seal(
                    wait.record.epoch,
                    secret,
                    &self.journal,
                    salt,
                    &[(&wait.bytes, &wait.signature)],
                )
                .map_err(|error| HandleError::Seal(error.to_string()))?;
                gathered.put(
                    Table::Envelope,
                    self.next_envelope.to_be_bytes().to_vec(),
                    envelope,
                );
                heads.push(log, wait.record.seq, wait.hash);
                ready.push(Ready {
                    link: wait.link,
                    claims: claims_of(&wait.record),
                    record: wait.record,
                    hash: wait.hash,
                    envelope: self.next_envelope,
                    place: 0,
                });
                self.next_envelope = self.next_envelope.saturating_add(1);
            }
            if !moved {
                return Ok(());
            }
        }
    }
}

/// Each record of an envelope with its place and signature, and whether that holds: [`VERIFIED_TOGETHER`] of them at once,
/// when the first of them is asked for.
fn verified(hands: Arc<dyn Hands>, opened: &Opened) -> impl Iterator<Item = Verified<'_>> {
    let mut records = (0u32..).zip(opened.records());
    let mut ahead = VecDeque::new();
    std::iter::from_fn(move || {
        if ahead.is_empty() {
            let next = records.by_ref().take(VERIFIED_TOGETHER).collect();
            ahead.extend(hands::map(&*hands, next, |(place, (bytes, signature))| {
                let verified = Record::verify(bytes, &signature);
                let verified = verified.map(|record| (record, RecordHash::of(bytes)));
                let claims = verified.as_ref().map_or(0, |(record, _)| claims_of(record));
                (place, (bytes, signature), verified, claims)
            }));
        }
        ahead.pop_front()
    })
}

/// A record's place in its envelope, its bytes with its signature, what came of checking it, and how many operations it claims.
type Verified<'a> = (
    u32,
    (&'a [u8], [u8; 64]),
    Result<(Record, RecordHash), RecordError>,
    u64,
);

/// Whether a record is the next of its log.
fn follows(heads: &Heads, log: &LogRow, record: &Record) -> bool {
    let (seq, head) = heads.of(log);
    record.seq == seq.saturating_add(1) && record.prev == head
}
