//! What a device sends to another: records that it lacks, in causal order, many to an envelope.

use std::collections::BTreeMap;

use amends_keys::identity::{LogKey, StaticKey};
use amends_keys::seal::Opened;

use crate::effect::{Effect, HandleError, LinkId, World};
use crate::frame::Frame;
use crate::record::{Record, RecordKind};
use crate::replica::Replica;
use crate::rows::{self, LogRow, RowError, name};
use crate::shelf::{Gathered, Table};
use crate::sync::Link;

/// Envelopes that may be on their way before the first of them is acknowledged.
const WINDOW: usize = 8;
/// Records fill one envelope up to this many bytes while catching up.
const BATCH_BYTES: usize = 128 * 1024;
/// And up to this many records.
const BATCH_RECORDS: usize = 256;

impl Replica {
    /// Sends what each other device lacks, on one link each. A second link to the same device stands by, but for the chunks
    /// that were asked for over it: the two devices need not take the same link for the first.
    pub(crate) fn pump_all(
        &mut self,
        gathered: &Gathered<'_>,
        world: &mut World<'_>,
    ) -> Result<Vec<Effect>, HandleError> {
        let mut effects = Vec::new();
        let mut served: BTreeMap<StaticKey, bool> = BTreeMap::new();
        let open: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| link.theirs.is_some() && !link.closing)
            .map(|(id, _)| *id)
            .collect();
        for link in open {
            let Some(device) = self.links.get(&link).map(|link| link.device) else {
                continue;
            };
            match served.get(&device) {
                None => {
                    let no_record_waits = self.pump(gathered, world, link, &mut effects)?;
                    served.insert(device, no_record_waits);
                }
                Some(no_record_waits) => {
                    self.send_chunks(gathered, link, *no_record_waits, &mut effects)?;
                    self.send_whether(link, &mut effects);
                    self.say_wants(link, &mut effects);
                }
            }
        }
        Ok(effects)
    }

    /// Whether no record waits any more.
    fn pump(
        &mut self,
        gathered: &Gathered<'_>,
        world: &mut World<'_>,
        link_id: LinkId,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, HandleError> {
        loop {
            let Some(mut link) = self.links.remove(&link_id) else {
                return Ok(false);
            };
            let room = link.under_way.len() < WINDOW;
            let envelope = if room {
                self.next_batch(gathered, world, &mut link)
            } else {
                Ok(None)
            };
            self.links.insert(link_id, link);
            match envelope? {
                Some(envelope) => effects.push(Effect::Send {
                    link: link_id,
                    frame: Frame::Envelope(envelope).to_bytes(),
                }),
                // Where there is room and nothing more to send, no record waits.
                None => {
                    self.pump_chunks(gathered, link_id, room, effects)?;
                    return Ok(room);
                }
            }
        }
    }

    /// The next records that a device lacks, sealed. A record goes out only after those whose heads it names.
    pub(crate) fn next_batch(
        &self,
        gathered: &Gathered<'_>,
        world: &mut World<'_>,
        link: &mut Link,
    ) -> Result<Option<Vec<u8>>, HandleError> {
        let mut batch: Vec<(Vec<u8>, [u8; 64])> = Vec::new();
        let mut single = None;
        let mut weight = 0usize;
        let mut ends: BTreeMap<LogKey, u64> = BTreeMap::new();
        let mut epoch = None;
        let mut opened = None;
        'fill: loop {
            let mut moved = false;
            for (key, log) in self
                .logs
                .iter()
                .filter(|(key, _)| !link.forked.contains(*key))
            {
                loop {
                    let next = link.sent.get(key).copied().unwrap_or(0).saturating_add(1);
                    if next > log.seq || self.lost.contains_key(&(*key, next)) {
                        break;
                    }
                    let (bytes, signature, record) =
                        self.saved_record(gathered, log, next, &mut opened)?;
                    let held = |seen: &crate::record::Seen| {
                        !self.logs.contains_key(&seen.log)
                            || link.sent.get(&seen.log).copied().unwrap_or(0) >= seen.seq
                    };
                    if !record.seen.iter().all(held) {
                        break;
                    }
                    let full = batch.len() >= BATCH_RECORDS
                        || weight.saturating_add(bytes.len()) > BATCH_BYTES;
                    if !batch.is_empty() && (full || epoch != Some(record.epoch)) {
                        break 'fill;
                    }
                    weight = weight.saturating_add(bytes.len());
                    epoch = Some(record.epoch);
                    single = Some((log.number, next));
                    link.sent.insert(*key, next);
                    ends.insert(*key, next);
                    if record.kind == RecordKind::Change as u8 {
                        link.sent_changes.insert((*key, next));
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
        let secret = self
            .epochs
            .get(&epoch)
            .ok_or_else(|| HandleError::Seal("an epoch is missing".to_owned()))?;
        let items: Vec<(&[u8], &[u8; 64])> = batch
            .iter()
            .map(|(bytes, signature)| (bytes.as_slice(), signature))
            .collect();
        let mut salt = [0u8; 24];
        world.rng.fill_bytes(&mut salt);
        amends_keys::seal::seal(epoch, secret, &self.journal, salt, &items)
            .map(Some)
            .map_err(|error| HandleError::Seal(error.to_string()))
    }

    /// The envelope of a record as it is saved, where it holds that record alone.
    fn envelope_alone(
        &self,
        gathered: &Gathered<'_>,
        (log, seq): (u32, u64),
    ) -> Result<Option<Vec<u8>>, HandleError> {
        let Some(row) = gathered.get(Table::Record, &rows::record_key(log, seq))? else {
            return Ok(None);
        };
        let row: rows::RecordRow = rows::decode(name::RECORD, &row)?;
        let Some(envelope) = gathered.get(Table::Envelope, &row.envelope.to_be_bytes())? else {
            return Ok(None);
        };
        let alone = self
            .open_envelope(&envelope)
            .is_ok_and(|opened| opened.records().count() == 1);
        Ok(alone.then_some(envelope))
    }

    /// Reads a record that is saved here, with its signature. `opened` is the last envelope that was opened so: records
    /// that came together lie in one.
    pub(crate) fn saved_record(
        &self,
        gathered: &Gathered<'_>,
        log: &LogRow,
        seq: u64,
        opened: &mut Option<(u64, Opened)>,
    ) -> Result<(Vec<u8>, [u8; 64], Record), HandleError> {
        let key = rows::record_key(log.number, seq);
        let row = gathered
            .get(Table::Record, &key)?
            .ok_or(RowError::Missing(name::RECORD))?;
        let row: rows::RecordRow = rows::decode(name::RECORD, &row)?;
        let damaged = || HandleError::Row(RowError::Damaged(name::ENVELOPE));
        let found = match opened.take() {
            Some((number, found)) if number == row.envelope => found,
            _ => {
                let envelope = gathered
                    .get(Table::Envelope, &row.envelope.to_be_bytes())?
                    .ok_or(RowError::Missing(name::ENVELOPE))?;
                self.open_envelope(&envelope).map_err(|_| damaged())?
            }
        };
        let (bytes, signature) = found
            .records()
            .nth(row.place as usize)
            .ok_or_else(damaged)?;
        let record = Record::parse(bytes).map_err(|_| damaged())?;
        let bytes = bytes.to_vec();
        *opened = Some((row.envelope, found));
        Ok((bytes, signature, record))
    }
}
