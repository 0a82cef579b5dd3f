//! The waiting room: records that came before a head that they name (PROTOCOL section 3). It is in memory only, since
//! nothing in it is acknowledged.

use std::collections::BTreeMap;

use amends_keys::identity::LogKey;

use crate::effect::LinkId;
use crate::record::{Record, RecordHash};

/// Records of one log that may wait.
pub(crate) const WAITING_RECORDS: usize = 64;
/// And their bytes.
pub(crate) const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// A record whose named heads are not held yet, or that follows one.
pub(crate) struct Waits {
    pub(crate) link: LinkId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: [u8; 64],
    pub(crate) record: Record,
    pub(crate) hash: RecordHash,
}

#[derive(Default)]
struct Queue {
    /// By number, without a gap: the first follows the log's head.
    records: BTreeMap<u64, Waits>,
    bytes: usize,
}

/// All that waits, by log.
#[derive(Default)]
pub(crate) struct Waiting(BTreeMap<LogKey, Queue>);

impl Waiting {
    /// False where the room of this log is full: the record is dropped.
    pub(crate) fn add(&mut self, wait: Waits) -> bool {
        let queue = self.0.entry(wait.record.log).or_default();
        let bytes = queue.bytes.saturating_add(wait.bytes.len());
        if queue.records.len() >= WAITING_RECORDS || bytes > WAITING_BYTES {
            return false;
        }
        queue.bytes = bytes;
        queue.records.insert(wait.record.seq, wait);
        true
    }

    pub(crate) fn hash_at(&self, log: &LogKey, seq: u64) -> Option<RecordHash> {
        Some(self.0.get(log)?.records.get(&seq)?.hash)
    }

    /// A waiting record came again over this link: it waits for as long as this one is open.
    pub(crate) fn came_again(&mut self, log: &LogKey, seq: u64, link: LinkId) {
        if let Some(wait) = self
            .0
            .get_mut(log)
            .and_then(|queue| queue.records.get_mut(&seq))
        {
            wait.link = link;
        }
    }

    /// How many came over this link.
    pub(crate) fn of(&self, link: LinkId) -> u64 {
        self.0
            .values()
            .flat_map(|queue| queue.records.values())
            .filter(|wait| wait.link == link)
            .count() as u64
    }

    /// What came over a link that closed comes again over another, and what followed it too.
    pub(crate) fn forget(&mut self, link: LinkId) {
        self.0.retain(|_, queue| {
            let first = queue
                .records
                .iter()
                .find(|(_, wait)| wait.link == link)
                .map(|(seq, _)| *seq);
            if let Some(first) = first {
                let gone = queue.records.split_off(&first);
                let weight: usize = gone.values().map(|wait| wait.bytes.len()).sum();
                queue.bytes = queue.bytes.saturating_sub(weight);
            }
            !queue.records.is_empty()
        });
    }

    /// The first of a log's queue.
    pub(crate) fn first(&self, log: &LogKey) -> Option<&Record> {
        Some(&self.0.get(log)?.records.first_key_value()?.1.record)
    }

    /// Takes the first of a log's queue.
    pub(crate) fn take_first(&mut self, log: &LogKey) -> Option<Waits> {
        let queue = self.0.get_mut(log)?;
        let (_, wait) = queue.records.pop_first()?;
        queue.bytes = queue.bytes.saturating_sub(wait.bytes.len());
        if queue.records.is_empty() {
            self.0.remove(log);
        }
        Some(wait)
    }

    /// All that waits.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Waits> + Clone {
        self.0.values().flat_map(|queue| queue.records.values())
    }

    pub(crate) fn logs(&self) -> Vec<LogKey> {
        self.0.keys().copied().collect()
    }
}
