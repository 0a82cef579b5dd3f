//! A device's disk: what was saved, and what a crash, a power cut, a full disk or an old copy leaves of it.

use amends_replica::{MemoryShelf, Shelf, Table, Write};
use rand_chacha::ChaCha20Rng;

use crate::dice::Dice;

/// How a save ends that does not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// Nothing of it is there.
    Nothing,
    /// It is there, and the disk said that it failed.
    There,
}

/// The disk said that it could not save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// What was saved.
#[derive(Clone, Default)]
pub struct Disk {
    /// What a process that starts now finds.
    now: MemoryShelf,
    /// What it finds after a power cut.
    durable: MemoryShelf,
    /// Commits that no durable one followed yet. A power cut leaves the first few of them.
    volatile: Vec<Vec<Write>>,
    /// Nothing can be saved.
    pub full: bool,
    /// A disk that says of what is durable that it is, and has not kept it: the fault that the simulator must notice.
    pub lies: bool,
}

impl Disk {
    pub fn shelf(&self) -> &MemoryShelf {
        &self.now
    }

    /// What is sure to be there whatever happens.
    pub fn durable(&self) -> &MemoryShelf {
        &self.durable
    }

    /// One transaction; gives what is said of it, and the writes that are on the disk for good by now, its own and those
    /// before it.
    pub fn commit(
        &mut self,
        writes: Vec<Write>,
        durable: bool,
        fails: Option<Unsaved>,
    ) -> (Result<(), Failed>, Vec<Write>) {
        if self.full || fails == Some(Unsaved::Nothing) {
            return (Err(Failed), Vec::new());
        }
        self.now.commit(&writes);
        self.volatile.push(writes);
        let mut kept = Vec::new();
        if durable && !self.lies {
            for writes in self.volatile.drain(..) {
                self.durable.commit(&writes);
                kept.extend(writes);
            }
        }
        let said = match fails {
            Some(_) => Err(Failed),
            None => Ok(()),
        };
        (said, kept)
    }

    /// The power goes. Of what was not durable the first few commits may be there.
    pub fn power_cut(&mut self, rng: &mut ChaCha20Rng) {
        let kept = rng.below(self.volatile.len() + 1);
        for writes in self.volatile.drain(..).take(kept) {
            self.durable.commit(&writes);
        }
        self.now = self.durable.clone();
    }

    /// Whether this row is on the disk for good, as it is written here.
    pub fn has(&self, table: Table, key: &[u8], value: &[u8]) -> bool {
        self.durable
            .get(table, key)
            .is_ok_and(|there| there.as_deref() == Some(value))
    }
}
