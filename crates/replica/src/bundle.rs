//! A bundle: envelopes and a clock in one file, carried by hand (`docs/decisions/0012-bundles.md`).
//!
//! ```text
//! bundle = "AMNB" version(u8)=1 item…
//! item   = kind(u8) len(u32, 1 MiB at most) body(len)
//!          kind 0: the end, len 0; nothing follows        kind 2: an envelope, PROTOCOL section 4
//!          kind 1: the writer's clock, signed and sealed  kind 3: a sealed chunk of a photo, PROTOCOL section 3
//!          any other: passed over
//! ```
//! A file comes from anywhere: whoever carries it can put envelopes of several bundles into one. So its envelopes prove
//! what was written, by the wall, and nothing of who holds it; that is said by the signed clock alone, as a claim about
//! the past.

use std::collections::VecDeque;

use amends_keys::blob::{self, ChunkName};
use amends_keys::bundle::{self as sealed, ClockError};
use amends_keys::identity::{LogKey, StaticKey};
use amends_keys::seal::MAX_ENVELOPE;
use thiserror::Error;

use crate::clock::Clock;
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::replica::Replica;
use crate::rows::{self, FenceRow, name};
use crate::shelf::{Gathered, Table};
use crate::sync::Link;

const MAGIC: &[u8; 4] = b"AMNB";
/// The version that this program writes and reads.
pub const BUNDLE_VERSION: u8 = 1;
const END: u8 = 0;
const CLOCK: u8 = 1;
const ENVELOPE: u8 = 2;
const CHUNK: u8 = 3;
/// Magic and version.
const BEGINNING: usize = 5;
/// An item's kind and length.
const HEAD: usize = 5;

/// One item of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleItem {
    /// A clock, sealed.
    Clock(Vec<u8>),
    /// An envelope.
    Envelope(Vec<u8>),
    /// A chunk of a photo, sealed.
    Chunk(Vec<u8>),
    /// Something of a later version.
    Unknown(u8),
    /// The bundle is whole.
    End,
}

/// Why bytes are not a bundle, or not a whole one. The items before it are as good as in any other.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// It does not begin as one.
    #[error("not a bundle")]
    Magic,
    /// A later version wrote it.
    #[error("a bundle of version {found}, this program reads {BUNDLE_VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
    /// An item is over the limit.
    #[error("an item of {size} bytes, at most {MAX_ENVELOPE} are taken")]
    TooLarge {
        /// What it says of itself.
        size: u32,
    },
    /// It ends before its end.
    #[error("the bundle is cut short")]
    CutShort,
    /// Something follows its end.
    #[error("something follows the end of the bundle")]
    Trailing,
}

/// Takes a bundle apart as its bytes come. It never holds more than one item and what was last given.
#[derive(Debug, Default)]
pub struct BundleParser {
    bytes: Vec<u8>,
    /// How much of `bytes` was taken.
    taken: usize,
    begun: bool,
    ended: bool,
}

impl BundleParser {
    /// More bytes of it; a few tens of KiB at a time.
    pub fn give(&mut self, more: &[u8]) {
        self.bytes.drain(..self.taken.min(self.bytes.len()));
        self.taken = 0;
        self.bytes.extend_from_slice(more);
    }

    /// The next item, none where more bytes are needed.
    ///
    /// # Errors
    /// [`BundleError`]; nothing more is to be asked of it then.
    pub fn next_item(&mut self) -> Result<Option<BundleItem>, BundleError> {
        let mut rest = self.bytes.get(self.taken..).unwrap_or_default();
        if self.ended {
            return if rest.is_empty() {
                Ok(None)
            } else {
                Err(BundleError::Trailing)
            };
        }
        if !self.begun {
            let known = rest.len().min(MAGIC.len());
            if rest.get(..known) != MAGIC.get(..known) {
                return Err(BundleError::Magic);
            }
            let Some((&[_, _, _, _, version], after)) = rest.split_first_chunk::<BEGINNING>()
            else {
                return Ok(None);
            };
            if version != BUNDLE_VERSION {
                return Err(BundleError::Version { found: version });
            }
            self.begun = true;
            self.taken = self.taken.saturating_add(BEGINNING);
            rest = after;
        }
        let Some((&[kind, a, b, c, d], after)) = rest.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let size = u32::from_be_bytes([a, b, c, d]);
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        if len > MAX_ENVELOPE || (kind == END && len > 0) {
            return Err(BundleError::TooLarge { size });
        }
        let Some(body) = after.get(..len) else {
            return Ok(None);
        };
        let item = match kind {
            END => BundleItem::End,
            CLOCK => BundleItem::Clock(body.to_vec()),
            ENVELOPE => BundleItem::Envelope(body.to_vec()),
            CHUNK => BundleItem::Chunk(body.to_vec()),
            other => BundleItem::Unknown(other),
        };
        self.ended = kind == END;
        self.taken = self.taken.saturating_add(HEAD).saturating_add(len);
        Ok(Some(item))
    }

    /// There are no more bytes.
    ///
    /// # Errors
    /// Where that is too early: [`BundleError::CutShort`], and for an empty file [`BundleError::Magic`].
    pub fn finish(&self) -> Result<(), BundleError> {
        if self.ended {
            Ok(())
        } else if !self.begun && self.bytes.is_empty() {
            Err(BundleError::Magic)
        } else {
            Err(BundleError::CutShort)
        }
    }
}

fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD.saturating_add(body.len()));
    out.push(kind);
    // Envelopes and clocks are never over 1 MiB.
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Records,
    Chunks,
    Done,
}

/// A bundle that is being written, piece by piece ([`Replica::write_bundle`]).
pub struct BundleWriter {
    link: Link,
    stage: Stage,
    records: u64,
    /// Chunks that are still to be put in.
    left: VecDeque<ChunkName>,
    chunks: u64,
}

impl BundleWriter {
    /// How many records are in it so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many chunks of photos are in it so far.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }
}

/// What is said about a bundle's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClockHeard {
    /// The bundle brought none that is one.
    #[default]
    None,
    /// It is this device's own.
    Own,
    /// It says less than that device has said since, or it comes from a device that went back in time: nothing of it
    /// counts.
    Older,
    /// It was heard.
    Heard,
}

/// What a bundle brought.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BundleRead {
    /// Records that came and are saved, those that were set aside included.
    pub received: u64,
    /// Records that were held before.
    pub already_here: u64,
    /// Records that could not be taken, since others that must come before them are not here. None of them is kept.
    pub waiting: u64,
    /// Envelopes, records and clocks that are none of this pair's.
    pub refused: u64,
    /// Chunks of photos that came and are saved.
    pub chunks: u64,
    /// Chunks that no entry here names, or that are not as long as it says. None of them is kept.
    pub chunks_unknown: u64,
    /// Why the last one was refused.
    pub reason: Option<String>,
    /// What was said about the clock.
    pub clock: ClockHeard,
    /// The clock claims more of this device's log than is here, now that all of it was read.
    pub older_copy: bool,
}

/// What step 1 counts of one envelope.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) already_here: u64,
    pub(crate) missing: u64,
    pub(crate) refused: u64,
}

/// A bundle that is being read: a link on which nothing can be said back.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) received: u64,
    counts: Counts,
    pub(crate) chunks: u64,
    pub(crate) chunks_unknown: u64,
    reason: Option<String>,
    /// Its clock, and the device that signed it.
    said: Option<(StaticKey, Clock)>,
    own: bool,
    /// Up to where the clock claims that this device's own log goes.
    pub(crate) claim: u64,
}

impl Reading {
    pub(crate) fn count(&mut self, counts: Counts) {
        let add = u64::saturating_add;
        self.counts.already_here = add(self.counts.already_here, counts.already_here);
        self.counts.missing = add(self.counts.missing, counts.missing);
        self.counts.refused = add(self.counts.refused, counts.refused);
    }
}

#[derive(Debug, Error)]
enum ClockRefusal {
    #[error(transparent)]
    Sealed(#[from] ClockError),
    #[error("a clock of epoch {0}, whose secret this device does not have")]
    Epoch(u32),
    #[error("a clock by a log that is no member's")]
    Log,
    #[error("a malformed clock")]
    Malformed,
}

impl Replica {
    /// Begins a bundle: with what another device lacks by what it last said, or with everything.
    pub fn begin_bundle(&self, all: bool) -> BundleWriter {
        self.begin_bundle_with(all, true)
    }

    /// The same, with or without the photos that go with it.
    pub fn begin_bundle_with(&self, all: bool, photos: bool) -> BundleWriter {
        let own = StaticKey(self.member.static_key);
        let mut link = Link::new(own);
        if !all {
            for key in self.logs.keys() {
                let held = self
                    .other_devices()
                    .map(|device| self.heard.get(&device).map_or(0, |clock| clock.seq(key)))
                    .min();
                link.sent.insert(*key, held.unwrap_or(0));
            }
        }
        BundleWriter {
            link,
            stage: Stage::Begin,
            records: 0,
            left: if photos {
                self.blobs.for_bundle(all)
            } else {
                VecDeque::new()
            },
            chunks: 0,
        }
    }

    /// The next bytes of a bundle, at most a little over 1 MiB; none once it is whole.
    ///
    /// # Errors
    /// Where what is saved cannot be read. The bundle is not to be used then.
    pub fn write_bundle(
        &self,
        world: &mut World<'_>,
        writer: &mut BundleWriter,
    ) -> Result<Option<Vec<u8>>, HandleError> {
        match writer.stage {
            Stage::Done => Ok(None),
            Stage::Begin => {
                writer.stage = Stage::Records;
                let mut out = [&MAGIC[..], &[BUNDLE_VERSION]].concat();
                out.extend_from_slice(&item(CLOCK, &self.sealed_clock(world)?));
                Ok(Some(out))
            }
            Stage::Records => {
                let gathered = Gathered::new(world.shelf);
                let far = |link: &Link| {
                    link.sent
                        .values()
                        .fold(0, |sum, seq| seq.saturating_add(sum))
                };
                let before = far(&writer.link);
                let batch = self.next_batch(&gathered, world, &mut writer.link)?;
                // Nothing acknowledges what is in a file.
                writer.link.under_way.clear();
                writer.link.sent_changes.clear();
                let came = far(&writer.link).saturating_sub(before);
                writer.records = writer.records.saturating_add(came);
                Ok(Some(match batch {
                    Some(envelope) => item(ENVELOPE, &envelope),
                    None => {
                        writer.stage = Stage::Chunks;
                        Vec::new()
                    }
                }))
            }
            Stage::Chunks => {
                while let Some(name) = writer.left.pop_front() {
                    let chunk = world.shelf.get(Table::Blob, &name)?;
                    // What is damaged here is found when it is read, and fetched again.
                    if let Some(chunk) = chunk.filter(|chunk| blob::chunk_name(chunk) == name) {
                        writer.chunks = writer.chunks.saturating_add(1);
                        return Ok(Some(item(CHUNK, &chunk)));
                    }
                }
                writer.stage = Stage::Done;
                Ok(Some(item(END, &[])))
            }
        }
    }

    fn sealed_clock(&self, world: &mut World<'_>) -> Result<Vec<u8>, HandleError> {
        let (epoch, secret) = self
            .epochs
            .last_key_value()
            .ok_or_else(|| HandleError::Seal("an epoch is missing".to_owned()))?;
        let mut salt = [0u8; 24];
        world.rng.fill_bytes(&mut salt);
        let mut clock = Vec::new();
        self.clock().write(&mut clock);
        // By its first log, which is known everywhere; the newest may be in this very bundle.
        let signer = self.root_secret();
        sealed::seal_clock(*epoch, secret, &self.journal, salt, signer, &clock)
            .map_err(|error| HandleError::Seal(error.to_string()))
    }

    /// The other devices of this journal.
    fn other_devices(&self) -> impl Iterator<Item = StaticKey> + '_ {
        self.logs
            .values()
            .filter(|log| log.static_key != self.member.static_key)
            .map(|log| StaticKey(log.static_key))
    }

    /// Whether a bundle is being read under this name, and takes more: not once too much of it was refused.
    pub fn takes_bundle(&self, link: LinkId) -> bool {
        self.links
            .get(&link)
            .is_some_and(|link| link.reading.is_some() && !link.closing)
    }

    pub(crate) fn open_bundle(&mut self, link: LinkId) {
        let mut state = Link::new(StaticKey(self.member.static_key));
        state.reading = Some(Reading::default());
        self.links.insert(link, state);
    }

    /// One item of a bundle that is being read.
    pub(crate) fn receive_item(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
        item: &BundleItem,
    ) -> Result<Vec<Effect>, HandleError> {
        if !self.takes_bundle(link) {
            return Ok(Vec::new());
        }
        let mut effects = match item {
            BundleItem::Clock(bytes) => {
                self.note_clock(link, bytes);
                return Ok(Vec::new());
            }
            BundleItem::Envelope(envelope) => self.receive_envelope(world, link, envelope)?,
            BundleItem::Chunk(chunk) => return self.receive_carried_chunk(world, link, chunk),
            BundleItem::Unknown(_) | BundleItem::End => return Ok(Vec::new()),
        };
        // Nobody is there who could be answered, and what was refused is said once, at the end.
        let mut reason = None;
        effects.retain(|effect| match effect {
            Effect::Send { link: to, .. } | Effect::Close { link: to, .. } => *to != link,
            Effect::Show(Shown::Refused(why)) => {
                reason = Some(why.clone());
                false
            }
            _ => true,
        });
        if let Some(reading) = self.reading(link) {
            reading.reason = reason.or(reading.reason.take());
        }
        Ok(effects)
    }

    pub(crate) fn reading(&mut self, link: LinkId) -> Option<&mut Reading> {
        self.links.get_mut(&link)?.reading.as_mut()
    }

    /// Keeps what a bundle's clock says until the bundle is read: what it claims of this device's own log may come in it.
    fn note_clock(&mut self, link: LinkId, bytes: &[u8]) {
        let said = self.open_clock(bytes);
        let me = self.me;
        let Some(reading) = self.reading(link) else {
            return;
        };
        match said {
            Err(refusal) => {
                reading.counts.refused = reading.counts.refused.saturating_add(1);
                reading.reason = Some(refusal.to_string());
            }
            Ok(None) => reading.own = true,
            // The first counts: there is one in a bundle.
            Ok(Some(_)) if reading.said.is_some() => {}
            Ok(Some((device, clock))) => {
                reading.claim = clock.seq(&me);
                reading.said = Some((device, clock));
            }
        }
    }

    /// Proves that a clock is by another device of this journal; none where it is by this one.
    fn open_clock(&self, bytes: &[u8]) -> Result<Option<(StaticKey, Clock)>, ClockRefusal> {
        let epoch = sealed::epoch_of(bytes)?;
        let secret = self.epochs.get(&epoch).ok_or(ClockRefusal::Epoch(epoch))?;
        let signed = sealed::open_clock(bytes, secret, &self.journal)?;
        let clock = Clock::read(&signed.clock).map_err(|_| ClockRefusal::Malformed)?;
        let log = self.logs.get(&signed.log).ok_or(ClockRefusal::Log)?;
        if log.static_key == self.member.static_key {
            return Ok(None);
        }
        Ok(Some((StaticKey(log.static_key), clock)))
    }

    /// A bundle is read, as far as it goes.
    pub(crate) fn close_bundle(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
    ) -> Result<Vec<Effect>, HandleError> {
        let waits = self.waiting.of(link);
        self.waiting.forget(link);
        let Some(reading) = self.links.remove(&link).and_then(|link| link.reading) else {
            return Ok(Vec::new());
        };
        let own = self.logs.get(&self.me).map_or(0, |log| log.seq);
        let mut read = BundleRead {
            received: reading.received,
            already_here: reading.counts.already_here,
            waiting: reading.counts.missing.saturating_add(waits),
            refused: reading.counts.refused,
            chunks: reading.chunks,
            chunks_unknown: reading.chunks_unknown,
            reason: reading.reason,
            clock: if reading.own {
                ClockHeard::Own
            } else {
                ClockHeard::None
            },
            older_copy: reading.claim > own,
        };
        let mut gathered = Gathered::new(world.shelf);
        let mut shows = Vec::new();
        if let Some((device, clock)) = reading.said {
            read.clock = self.hear_claim(&mut gathered, device, &clock, &mut shows)?;
        }
        let writes = gathered.into_writes();
        let mut effects = Vec::new();
        if !writes.is_empty() {
            // As with a session's clock: lost in a power cut, it only shows `waiting`.
            effects.push(Effect::Save {
                writes,
                durable: false,
            });
        }
        effects.extend(shows);
        effects.push(Effect::Show(Shown::BundleRead(read)));
        Ok(effects)
    }

    /// What a device says that it held when it wrote a bundle. Unlike a session's clock it can only add: it may be years old.
    fn hear_claim(
        &mut self,
        gathered: &mut Gathered<'_>,
        device: StaticKey,
        said: &Clock,
        shows: &mut Vec<Effect>,
    ) -> Result<ClockHeard, HandleError> {
        let before = self.heard.get(&device).cloned().unwrap_or_default();
        if !said.covers(&before) {
            return Ok(ClockHeard::Older);
        }
        let mut heard = before.clone();
        let fence = self.fences.get(&device).copied().unwrap_or(0);
        for (key, position) in &said.0 {
            let Some(log) = self.logs.get(key) else {
                // It exists, and nothing of it has come.
                if position.seq > before.seq(key) {
                    heard.0.insert(*key, position.clone());
                }
                continue;
            };
            let known = if (1..=log.seq).contains(&position.seq) {
                self.hash_at(gathered, log, position.seq)?
            } else {
                None
            };
            if known.is_some_and(|hash| hash.0 != position.head) {
                shows.push(Effect::Show(Shown::Fork(log.whose)));
                continue;
            }
            // Of this device's own log only what is known to be the same record counts, and only where it was written
            // after that device last said by itself what it holds: since then it cannot have lost it unnoticed.
            let fence = if *key == self.me {
                fence
            } else {
                let of = self.earlier_fences.get(&(device, *key));
                of.copied().unwrap_or(0)
            };
            let own = log.static_key == self.member.static_key;
            let counts = !own || (known.is_some() && position.seq > fence);
            if counts && position.seq > before.seq(key) {
                heard.0.insert(*key, position.clone());
            }
        }
        if heard != before {
            // A clock of theirs that is under way meanwhile may be older than this one, and is no sign that they went back.
            for link in self.links.values_mut().filter(|link| link.device == device) {
                link.beside |= link.theirs.is_none();
            }
            for (key, log) in self.own_logs() {
                if let Some(mine) = heard.0.get_mut(key) {
                    let at = mine.seq.min(log.seq);
                    mine.cut(at);
                }
            }
            self.note_unreadable(gathered, &before, &heard)?;
            shows.extend(self.set_heard(gathered, device, heard)?);
        }
        Ok(ClockHeard::Heard)
    }

    /// A session with a device began: what this device wrote until now is for that session to acknowledge, and no bundle
    /// that may be older does (`docs/decisions/0012-bundles.md`).
    pub(crate) fn raise_fence(
        &mut self,
        gathered: &mut Gathered<'_>,
        device: StaticKey,
        own: u64,
    ) -> Result<(), HandleError> {
        let earlier: Vec<(LogKey, u64)> = self
            .own_logs()
            .filter(|(log, _)| **log != self.me)
            .map(|(log, row)| (*log, row.seq))
            .collect();
        let mut moved = false;
        for (log, seq) in earlier {
            moved |= self.earlier_fences.insert((device, log), seq) != Some(seq);
        }
        if moved {
            self.keep_incarnation(gathered)?;
        }
        if self.fences.get(&device) == Some(&own) {
            return Ok(());
        }
        self.fences.insert(device, own);
        let rows: Vec<FenceRow> = self
            .fences
            .iter()
            .map(|(device, own)| FenceRow {
                device: *device.as_bytes(),
                own: *own,
            })
            .collect();
        Ok(rows::put(gathered, name::FENCES, &rows)?)
    }
}
