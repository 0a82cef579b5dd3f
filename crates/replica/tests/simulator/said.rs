//! What a device says of its meetings, over each of its links, whenever it can be asked: that it has all, that the other has all,
//! that nothing more is to go. Judged by the two disks, and by what the frames that came had told.

use std::collections::{BTreeMap, BTreeSet};

use amends_keys::blob::ChunkName;
use amends_keys::identity::LogKey;
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{Frame, LinkId, Record, Replica, Shelf, Table};

use crate::invariants::{hash_on, numbers};
use crate::world::{Planted, World};

/// How far the other device holds each log, by the frames that came over each link: what it wrote after it sent them nobody here
/// can know.
pub type Told = BTreeMap<LinkId, BTreeMap<LogKey, u64>>;

/// The chunks of all photos that a device's entries name.
fn named(replica: &Replica) -> BTreeSet<ChunkName> {
    let blobs = replica.cards().flat_map(|(_, card)| card.blobs());
    blobs.flat_map(|blob| blob.chunks).collect()
}

impl World {
    /// A frame is about to be given to a device.
    pub fn told(&mut self, who: usize, link: LinkId, frame: &[u8]) {
        let mut held: Vec<(LogKey, u64)> = Vec::new();
        match Frame::parse(frame) {
            Ok(Frame::Clock { clock, .. }) => {
                held.extend(clock.0.iter().map(|(log, at)| (*log, at.seq)));
            }
            Ok(Frame::Envelope(envelope)) => {
                let epoch_0 = EpochSecret::from_bytes(&self.epoch_0);
                let opened = seal::open(&envelope, &epoch_0, &self.journal).unwrap();
                for (bytes, signature) in opened.records() {
                    let record = Record::verify(bytes, &signature).unwrap();
                    held.push((record.log, record.seq));
                }
            }
            _ => {}
        }
        let told = self.told[who].entry(link).or_default();
        for (log, seq) in held {
            let known = told.entry(log).or_insert(0);
            *known = seq.max(*known);
        }
    }

    /// Nothing that a device says now of any of its meetings is false.
    pub fn nothing_false_is_said_of_meetings(&mut self, who: usize) {
        let links = self.net.open_at(who);
        self.told[who].retain(|link, _| links.contains(link));
        // No session loses or swaps frames: of one that does nothing is promised.
        if self.truth.wild {
            return;
        }
        let [device, other] = [who, 1 - who].map(|of| &self.devices[of]);
        let Some(replica) = &device.replica else {
            return;
        };
        let mut says: Vec<_> = links.iter().map(|link| replica.meeting(*link)).collect();
        if self.nature.planted == Some(Planted::SaysTooEarly) {
            says.iter_mut().for_each(|says| says.have_all = true);
        }
        if says.iter().any(|says| says.have_all || says.at_rest) {
            self.all_is_here(who, replica);
        }
        if says.iter().any(|says| says.at_rest)
            && let Some(there) = &other.replica
        {
            self.truth.records_are_there(who, replica);
            let lacks = |name: &&ChunkName| {
                other
                    .disk
                    .shelf()
                    .get(Table::Blob, &name[..])
                    .unwrap()
                    .is_none()
            };
            for name in named(there).iter().filter(lacks) {
                let here = device.disk.shelf().get(Table::Blob, name).unwrap();
                assert!(
                    here.is_none() || self.truth.was_there(who, name),
                    "it is said that nothing more is to go, and the other waits for a piece of a photo"
                );
            }
        }
    }

    /// Every record of which the other told is on this disk, and every piece of a photo that an entry here names and that is on
    /// the other's.
    fn all_is_here(&self, who: usize, replica: &Replica) {
        let [here, there] = [who, 1 - who].map(|of| &self.devices[of].disk);
        let numbers = numbers(replica);
        for (log, seq) in self.told[who]
            .values()
            .flatten()
            .filter(|(_, seq)| **seq > 0)
        {
            assert!(
                hash_on(here, numbers.get(log), *seq).is_some(),
                "it is said that all is here, and record {seq}, of which the other told, is not"
            );
        }
        let has = |shelf: &dyn Shelf, name: &ChunkName| {
            let chunk = shelf.get(Table::Blob, name).unwrap();
            chunk.is_some()
        };
        for name in named(replica) {
            assert!(
                has(here.shelf(), &name) || !has(there.shelf(), &name),
                "it is said that all is here, and a piece of a photo that the other has is not"
            );
        }
    }
}
