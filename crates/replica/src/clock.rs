//! The clock: for each log, how far it is held. Two devices compare clocks to sync (PROTOCOL sections 3 and 5).

use std::collections::BTreeMap;

use amends_keys::identity::LogKey;
use serde::{Deserialize, Serialize};

use crate::record::{Fields, RecordError, RecordHash};

/// Logs that one clock may name; a pair has a handful.
const MAX_LOGS: usize = 256;
/// Runs of set-aside records that one clock may name for a log.
const MAX_RUNS: usize = 1024;

/// How far one log is held.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The highest number up to which every record is held; 0 for none.
    pub seq: u64,
    /// The record there.
    pub head: [u8; 32],
    /// Records that are held and not readable there, as runs from first to last, ascending.
    pub set_aside: Vec<(u64, u64)>,
}

impl Position {
    /// Whether this record is held and could not be read.
    pub fn is_set_aside(&self, seq: u64) -> bool {
        // The runs are ascending.
        let after = self.set_aside.partition_point(|(first, _)| *first <= seq);
        let run = after.checked_sub(1).and_then(|at| self.set_aside.get(at));
        run.is_some_and(|(_, last)| seq <= *last)
    }

    /// Leaves out what is said of records beyond this one, and beyond those that are held.
    pub(crate) fn cut(&mut self, at: u64) {
        let at = at.min(self.seq);
        self.set_aside.retain(|(first, _)| *first <= at);
        if let Some((_, last)) = self.set_aside.last_mut() {
            *last = at.min(*last);
        }
    }

    /// Notes one more set-aside record; numbers only grow.
    pub fn add_set_aside(&mut self, seq: u64) {
        match self.set_aside.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
            _ => self.set_aside.push((seq, seq)),
        }
    }
}

/// For each log, how far it is held.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Clock(pub BTreeMap<LogKey, Position>);

impl Clock {
    /// How far a log is held; 0 where it is not known.
    pub fn seq(&self, log: &LogKey) -> u64 {
        self.0.get(log).map_or(0, |position| position.seq)
    }

    /// Whether everything in `other` is held here too.
    pub fn covers(&self, other: &Clock) -> bool {
        other
            .0
            .iter()
            .all(|(log, position)| self.seq(log) >= position.seq)
    }

    /// Takes over what is held further in `other`.
    pub(crate) fn raise(&mut self, other: &Clock) {
        for (log, position) in &other.0 {
            let known = self.0.entry(*log).or_default();
            if known.seq < position.seq {
                *known = position.clone();
            }
        }
    }

    /// Takes over that a log is held up to this record.
    pub(crate) fn raise_to(&mut self, log: LogKey, seq: u64, head: RecordHash) {
        let known = self.0.entry(log).or_default();
        if known.seq < seq {
            (known.seq, known.head) = (seq, head.0);
        }
    }

    /// `count(u16) count x [log_pk(32) seq(u64) head(32) runs(u16) runs x [first(u64) last(u64)]]`
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let count = self.0.len().min(MAX_LOGS);
        out.extend_from_slice(&(count as u16).to_be_bytes());
        for (log, position) in self.0.iter().take(count) {
            out.extend_from_slice(log.as_bytes());
            out.extend_from_slice(&position.seq.to_be_bytes());
            out.extend_from_slice(&position.head);
            // The newest are told: the older ones were told before, and are saved by who heard them.
            let skip = position.set_aside.len().saturating_sub(MAX_RUNS);
            let runs = position.set_aside.len() - skip;
            out.extend_from_slice(&(runs as u16).to_be_bytes());
            for (first, last) in position.set_aside.iter().skip(skip) {
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&last.to_be_bytes());
            }
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Fields(bytes);
        let count = usize::from(u16::from_be_bytes(reader.array()?));
        if count > MAX_LOGS {
            return Err(RecordError::Seen(count));
        }
        let mut logs = BTreeMap::new();
        for _ in 0..count {
            let log = LogKey(reader.array()?);
            let seq = u64::from_be_bytes(reader.array()?);
            let head = reader.array()?;
            let runs = usize::from(u16::from_be_bytes(reader.array()?));
            if runs > MAX_RUNS {
                return Err(RecordError::Seen(runs));
            }
            let mut set_aside = Vec::with_capacity(runs);
            let mut after = 0u64;
            for _ in 0..runs {
                let first = u64::from_be_bytes(reader.array()?);
                let last = u64::from_be_bytes(reader.array()?);
                // Ascending and apart, so that walking them all costs no more than the log is long.
                if first <= after || last < first {
                    return Err(RecordError::Runs);
                }
                after = last;
                set_aside.push((first, last));
            }
            logs.insert(
                log,
                Position {
                    seq,
                    head,
                    set_aside,
                },
            );
        }
        if !reader.0.is_empty() {
            return Err(RecordError::Trailing(reader.0.len()));
        }
        Ok(Self(logs))
    }

    /// The head of a log.
    pub fn head(&self, log: &LogKey) -> RecordHash {
        self.0
            .get(log)
            .map_or(RecordHash::NONE, |position| RecordHash(position.head))
    }
}
