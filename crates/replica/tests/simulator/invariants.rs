//! What must hold whatever happens, judged by what the simulator saw itself: the disks' rows, the envelopes opened anew, and
//! what the two people did. Whatever does not hold is a panic, which ends the simulation of that seed.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::{Entry, EntryId, Part, PartKind, Person};
use amends_keys::identity::{JournalId, LogKey};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{
    BlobRef, Card, Clock, MemoryShelf, Record, RecordHash, RecordKind, Replica, Shelf, Shown,
    Table, Whose, Write, actor_of, read_items,
};
use sha2::{Digest, Sha256};

use crate::aside::{Aside, Unapplied, own_logs};
use crate::disk::Disk;
use crate::world::NAMES;

/// The numbers of the logs in the keys of the record table, seen from a device: in the order in which it came to know them.
pub fn numbers(replica: &Replica) -> BTreeMap<LogKey, u32> {
    let logs = replica.incarnations().into_iter();
    (0..)
        .zip(logs)
        .map(|(number, known)| (known.log, number))
        .collect()
}

/// The hash of a record on a disk.
pub fn hash_on(disk: &Disk, number: Option<&u32>, seq: u64) -> Option<[u8; 32]> {
    let row = disk.shelf().get(Table::Record, &record_key(*number?, seq));
    row.unwrap().map(|row| hash_of(&row))
}

fn record_key(log: u32, seq: u64) -> Vec<u8> {
    [&log.to_be_bytes()[..], &seq.to_be_bytes()].concat()
}

/// The hash that a row of the record table begins with, after its version.
pub fn hash_of(row: &[u8]) -> [u8; 32] {
    row[1..33].try_into().unwrap()
}

/// Somebody agreed to a text, having seen these ends.
struct Agreement {
    by: usize,
    text: [u8; 32],
    ends_seen: BTreeSet<(LogKey, u64)>,
}

/// For each log of a device: the last record in it of which it was shown that it is saved.
pub type Confirmed = BTreeMap<LogKey, (u64, [u8; 32])>;

/// What came to pass, as the simulator saw it.
#[derive(Default)]
pub struct Truth {
    /// For each device: its logs as far as an edit in them was shown as saved.
    confirmed: [Confirmed; 2],
    /// For each device: the records that were on its disk for good at some time.
    ever: [BTreeSet<[u8; 32]>; 2],
    /// For each device: chunks that were on its disk for good at some time.
    chunks: [BTreeSet<Vec<u8>>; 2],
    /// For each device: up to where it says that its logs have reached the other.
    said: [BTreeMap<LogKey, u64>; 2],
    agreements: BTreeMap<EntryId, Vec<Agreement>>,
    /// Ends, by the record that they are in.
    ends: BTreeMap<EntryId, BTreeSet<(LogKey, u64)>>,
    /// Photos that were put in, by their hashes.
    photos: BTreeSet<[u8; 32]>,
    /// A home was put back to an older copy: what was only there is gone, and both are told so.
    pub went_back: bool,
    /// Frames came as no session gives them, or a file was damaged: what does not fit may be refused.
    pub wild: bool,
    /// What each device sets aside.
    pub aside: [Aside; 2],
}

impl Truth {
    /// These writes are on a device's disk for good, by what the disk said.
    pub fn kept(&mut self, who: usize, disk: &Disk, writes: &[Write]) {
        for write in writes {
            let Write::Put { table, key, value } = write else {
                continue;
            };
            // The disk is looked at, not believed.
            if !disk.has(*table, key, value) {
                continue;
            }
            match table {
                Table::Record => {
                    self.ever[who].insert(hash_of(value));
                }
                Table::Blob => {
                    self.chunks[who].insert(key.clone());
                }
                _ => {}
            }
        }
    }

    /// What a device shows.
    pub fn shown(&mut self, who: usize, replica: &Replica, shown: &Shown) {
        match shown {
            Shown::Edited(_) => {
                let log = replica.log();
                let at = &replica.clock().0[&log];
                self.confirmed[who].insert(log, (at.seq, at.head));
            }
            Shown::SetAside { whose, seq, reason } => self.aside[who].shows(*whose, *seq, reason),
            Shown::Refused(reason) => assert!(self.wild, "honest bytes were refused: {reason}"),
            Shown::Fork(whose) => panic!("two records of one log ({whose:?}) carry one number"),
            Shown::OlderCopy => assert!(self.went_back, "no home here is an older copy"),
            Shown::PartnerWentBack => {
                assert!(self.went_back || self.wild, "nobody went back in time");
            }
            Shown::BlobsReached(entry) => self.photos_reached(who, replica, entry),
            _ => {}
        }
    }

    fn photos_reached(&self, who: usize, replica: &Replica, entry: &EntryId) {
        let card = replica.card(entry).expect("what is shown is there");
        for name in card.blobs().iter().flat_map(|blob| &blob.chunks) {
            assert!(
                self.chunks[1 - who].contains(name.as_slice()),
                "it is said that a photo has reached the other, and it never was there"
            );
        }
    }

    /// Between any two effects: what is said to have reached the other was on its disk for good.
    pub fn reached(&mut self, who: usize, replica: &Replica, disk: &Disk) {
        let mut last: BTreeMap<LogKey, u64> = BTreeMap::new();
        for (_, card) in replica.cards().filter(|(_, card)| replica.reached(card)) {
            let present = (replica.log(), card.mine);
            for (log, seq) in card.earlier.iter().copied().chain([present]) {
                let known = last.entry(log).or_insert(0);
                *known = seq.max(*known);
            }
        }
        let numbers = numbers(replica);
        for (log, last) in last {
            let said = self.said[who].get(&log).copied().unwrap_or(0);
            for seq in said + 1..=last {
                let there = match hash_on(disk, numbers.get(&log), seq) {
                    Some(hash) => self.ever[1 - who].contains(&hash),
                    // One of its own that is just coming back from the other.
                    None => self.went_back,
                };
                assert!(
                    there,
                    "it is said that record {seq} has reached the other, and it never was on its disk"
                );
            }
            self.said[who].insert(log, last);
        }
    }

    /// Every record that a device holds was on the other's disk.
    pub fn records_are_there(&self, who: usize, replica: &Replica) {
        for (log, (seq, head)) in held(replica) {
            let was_there = self.ever[1 - who].contains(&head);
            assert!(
                seq == 0 || was_there,
                "it is said that the other has everything, and record {seq} of {log:?} never was on its disk"
            );
        }
    }

    /// Whether this chunk was on the other's disk for good at some time.
    pub fn was_there(&self, who: usize, name: &[u8]) -> bool {
        self.chunks[1 - who].contains(name)
    }

    /// A device says of the other that it has everything: then all records that are here were on its disk, and every piece of a
    /// photo that is here.
    pub fn has_all(&self, who: usize, replica: &Replica, disk: &Disk) {
        self.records_are_there(who, replica);
        for (_, card) in replica.cards() {
            for name in card.blobs().iter().flat_map(|blob| &blob.chunks) {
                let here = disk.shelf().get(Table::Blob, name).unwrap().is_some();
                assert!(
                    !here || self.was_there(who, name),
                    "it is said that the other has everything, and a piece of a photo never was on its disk"
                );
            }
        }
    }

    /// What was confirmed is there after a device came up.
    pub fn came_up(&mut self, who: usize, replica: &Replica, disk: &Disk) {
        let numbers = numbers(replica);
        for (log, (seq, hash)) in &self.confirmed[who] {
            assert_eq!(
                hash_on(disk, numbers.get(log), *seq),
                Some(*hash),
                "a confirmed edit is lost: record {seq}"
            );
            assert!(
                replica.clock().seq(log) >= *seq,
                "the log ends before what was confirmed: record {seq}"
            );
        }
        for (log, said) in &mut self.said[who] {
            *said = replica.clock().seq(log).min(*said);
        }
    }

    /// A home was put back to an older copy. What is on neither disk any more is gone.
    pub fn went_back(&mut self, disks: [&Disk; 2]) {
        self.went_back = true;
        let known = disks.map(|disk| numbers(&Replica::load(disk.shelf()).unwrap()));
        let mut left: BTreeMap<LogKey, u64> = BTreeMap::new();
        for (disk, numbers) in disks.iter().zip(&known) {
            for (log, number) in numbers {
                let last = |seq: &u64| hash_on(disk, Some(number), *seq).is_none();
                let held = (1..).find(last).unwrap() - 1;
                let left = left.entry(*log).or_insert(0);
                *left = held.max(*left);
            }
        }
        let left = |log: &LogKey| left.get(log).copied().unwrap_or(0);
        for who in [0, 1] {
            self.confirmed[who].retain(|log, (seq, hash)| {
                let kept = left(log).min(*seq);
                let on = |of: usize| hash_on(disks[of], known[of].get(log), kept);
                let Some(there) = on(who).or_else(|| on(1 - who)) else {
                    return false;
                };
                assert!(kept < *seq || there == *hash);
                (*seq, *hash) = (kept, there);
                true
            });
            // What it said is said again, and judged again.
            self.said[who].clear();
        }
        for ends in self.ends.values_mut() {
            ends.retain(|(log, seq)| *seq <= left(log));
        }
    }

    /// Of a device that was put back: what counts as confirmed on it again only once its logs are whole.
    pub fn forget_confirmed(&mut self, who: usize) -> Confirmed {
        std::mem::take(&mut self.confirmed[who])
    }

    /// What is held again is confirmed again; gives back what is not.
    pub fn confirm_again(
        &mut self,
        who: usize,
        was: Confirmed,
        held: &dyn Fn(&LogKey) -> u64,
    ) -> Confirmed {
        let (back, not_yet) = was
            .into_iter()
            .partition(|(log, (seq, _))| held(log) >= *seq);
        self.confirm(who, back);
        not_yet
    }

    fn confirm(&mut self, who: usize, was: Confirmed) {
        for (log, at) in was {
            let known = self.confirmed[who].entry(log).or_insert(at);
            *known = at.max(*known);
        }
    }

    pub fn agreed(&mut self, by: usize, entry: EntryId, text: [u8; 32], held: &Clock) {
        let ends = self.ends.get(&entry).into_iter().flatten();
        let ends_seen = ends
            .filter(|(log, seq)| *seq <= held.seq(log))
            .copied()
            .collect();
        self.agreements.entry(entry).or_default().push(Agreement {
            by,
            text,
            ends_seen,
        });
    }

    pub fn ended(&mut self, entry: EntryId, log: LogKey, seq: u64) {
        self.ends.entry(entry).or_default().insert((log, seq));
    }

    pub fn put_in(&mut self, photo: &[u8]) {
        self.photos.insert(Sha256::digest(photo).into());
    }

    /// A text is in force only where both agreed to exactly it, having seen every end.
    fn in_force(&self, entry: &EntryId, text: &[u8; 32]) {
        let ends = self.ends.get(entry).cloned().unwrap_or_default();
        for who in [0, 1] {
            let by_them = self.agreements.get(entry).into_iter().flatten();
            assert!(
                by_them
                    .filter(|agreement| agreement.by == who && agreement.text == *text)
                    .any(|agreement| agreement.ends_seen.is_superset(&ends)),
                "a text is in force that one of the two did not agree to, or ended"
            );
        }
    }
}

/// How far a device holds each log, whatever it sets aside of it.
pub fn held(replica: &Replica) -> BTreeMap<LogKey, (u64, [u8; 32])> {
    let clock = replica.clock().0.into_iter();
    clock.map(|(log, at)| (log, (at.seq, at.head))).collect()
}

/// What a device at rest shows is what its disk holds, whatever happens to it now. That the other cannot read something a power
/// cut may take from it, and the next meeting says it again.
pub fn shows_its_disk(name: &str, replica: &Replica, disk: &Disk) {
    let cards = |of: &Replica, as_it_is: bool| -> Vec<(EntryId, Card)> {
        let cards = of.cards().map(|(id, card)| (*id, card.clone()));
        let plain = |(id, mut card): (EntryId, Card)| {
            card.not_readable_there &= as_it_is;
            (id, card)
        };
        cards.map(plain).collect()
    };
    for (shelf, as_it_is) in [(disk.shelf(), true), (disk.durable(), false)] {
        let again = Replica::load(shelf).expect("what is on the disk can be loaded");
        assert_eq!(again.clock(), replica.clock());
        assert!(
            cards(&again, as_it_is) == cards(replica, as_it_is),
            "what {name} shows is not what is on the disk"
        );
    }
}

/// One device at the end of a simulation.
pub struct AtRest<'a> {
    pub replica: &'a mut Replica,
    pub disk: &'a Disk,
}

/// The records on a disk, as they come out of their envelopes.
pub type Records = BTreeMap<(LogKey, u64), (RecordHash, Record)>;

fn records_on(disk: &MemoryShelf, journal: &JournalId, epoch_0: &EpochSecret) -> Records {
    let mut records = Records::new();
    for (hash, record) in envelopes_on(disk, journal, epoch_0) {
        let known = records
            .entry((record.log, record.seq))
            .or_insert((hash, record));
        assert_eq!(known.0, hash, "one number was given twice");
    }
    records
}

/// Every record in an envelope on a disk, opened and verified anew, those of a branch that was left among them.
pub fn envelopes_on(
    disk: &MemoryShelf,
    journal: &JournalId,
    epoch_0: &EpochSecret,
) -> Vec<(RecordHash, Record)> {
    let mut records = Vec::new();
    for (_, envelope) in disk.scan(Table::Envelope, &[], usize::MAX).unwrap() {
        let opened = seal::open(&envelope, epoch_0, journal).expect("an envelope on a disk opens");
        for (bytes, signature) in opened.records() {
            let record = Record::verify(bytes, &signature).expect("a record on a disk is signed");
            records.push((RecordHash::of(bytes), record));
        }
    }
    records
}

/// The name of an Automerge change: the hash of its chunk without magic and checksum.
fn change_hash(chunk: &[u8]) -> [u8; 32] {
    Sha256::digest(&chunk[8..]).into()
}

impl Truth {
    /// Both have met and nothing is under way: both hold the same, all of it is what was done, and it is on both disks.
    pub fn at_rest(
        &self,
        journal: &JournalId,
        epoch_0: &EpochSecret,
        mut devices: [AtRest<'_>; 2],
    ) {
        let [ana, bo] = [0, 1].map(|who| held(devices[who].replica));
        let all = [0, 1].map(|who| records_on(devices[who].disk.durable(), journal, epoch_0));
        for (position, who) in [(&ana, 0), (&bo, 1)] {
            for (log, at) in position {
                for seq in 1..=at.0 {
                    let held = all[who].get(&(*log, seq));
                    assert!(
                        held.is_some(),
                        "record {seq} is counted as held and is not there"
                    );
                }
            }
            for (log, (last, hash)) in self.confirmed.iter().flatten() {
                let mut expected = RecordHash(*hash);
                for seq in (1..=*last).rev() {
                    let (held, record) = all[who]
                        .get(&(*log, seq))
                        .expect("what was confirmed is on both disks");
                    assert_eq!(
                        *held, expected,
                        "another record took the place of a confirmed one"
                    );
                    expected = record.prev;
                }
            }
        }
        assert_eq!(
            ana, bo,
            "after all their meetings the two do not hold the same"
        );
        let aside = [0, 1].map(|who| {
            let AtRest { replica, disk } = &devices[who];
            self.aside[who].at_rest(replica, disk.durable(), &all[who])
        });
        // What one of them sets aside is not there as it is at the other.
        let apart: BTreeSet<EntryId> = aside.iter().flat_map(Unapplied::entries).collect();
        let ids = [0, 1].map(|who| -> Vec<EntryId> {
            let ids = devices[who].replica.cards().map(|(id, _)| *id);
            ids.filter(|id| !apart.contains(id)).collect()
        });
        assert_eq!(ids[0], ids[1]);
        for (who, device) in devices.iter_mut().enumerate() {
            self.parts_are_the_records(device, &all[who], &aside[who]);
        }
        for id in &ids[0] {
            let of = |device: &mut AtRest<'_>| {
                let heads =
                    |entry: &Entry<'_>| [entry.shared, entry.mine, entry.partners].map(Part::heads);
                device.replica.look(device.disk.shelf(), id, heads).unwrap()
            };
            let [a, b] = &mut devices;
            let ([shared, anas, bos], other) = (of(a), of(b));
            assert_eq!([shared, bos, anas], other, "the two see different parts");
        }
        for (who, device) in devices.iter_mut().enumerate() {
            let not_readable = aside[1 - who].entries_of(&own_logs(device.replica));
            let cards: Vec<_> = device
                .replica
                .cards()
                .map(|(id, card)| (*id, card.clone()))
                .collect();
            for (id, card) in cards {
                assert!(
                    device.replica.reached(&card),
                    "all has reached the other, and it is not said"
                );
                assert!(!card.unread);
                assert_eq!(
                    card.not_readable_there,
                    not_readable.contains(&id),
                    "what the other cannot read is not what is said of it"
                );
                self.photos_are_there(device, &card.blobs());
                let (short, agreement) = device
                    .replica
                    .look(device.disk.shelf(), &id, |entry| {
                        (entry.in_short(), entry.agreement())
                    })
                    .unwrap();
                assert_eq!(
                    short.view, card.view,
                    "a card shows something else than its entry"
                );
                if card.agreed().is_some()
                    && !apart.contains(&id)
                    && let Some(text) = agreement.in_force
                {
                    self.in_force(&id, &text.hash);
                }
            }
            shows_its_disk(NAMES[who], device.replica, device.disk);
        }
    }

    /// Each part holds the changes of its records but those that are set aside, and nothing else: an own part those of its
    /// person's log alone.
    pub fn parts_are_the_records(
        &self,
        device: &mut AtRest<'_>,
        records: &Records,
        aside: &Unapplied,
    ) {
        let mut changes: BTreeMap<(EntryId, Option<Person>), Vec<[u8; 32]>> = BTreeMap::new();
        // A device that came back from an older copy has written more than one log.
        let logs = device.replica.incarnations();
        let mine = |log: &LogKey| {
            logs.iter()
                .any(|known| known.log == *log && known.whose == Whose::Mine)
        };
        for ((log, seq), (_, record)) in records {
            // What a lost device wrote may still be in an envelope that nothing names.
            if record.kind != RecordKind::Change as u8
                || *seq > device.replica.clock().seq(log)
                || aside.records.contains_key(&(*log, *seq))
            {
                continue;
            }
            let person = if mine(log) {
                Person::Me
            } else {
                Person::Partner
            };
            for item in read_items(&record.payload).unwrap() {
                let whose = (item.part == PartKind::Own).then_some(person);
                let of = changes.entry((item.entry, whose)).or_default();
                of.push(change_hash(&item.change));
            }
        }
        let ids: Vec<EntryId> = device.replica.cards().map(|(id, _)| *id).collect();
        for id in ids {
            let check = |entry: &Entry<'_>| {
                let parts = [
                    (None, entry.shared),
                    (Some(Person::Me), entry.mine),
                    (Some(Person::Partner), entry.partners),
                ];
                for (whose, part) in parts {
                    let of_records = changes.get(&(id, whose)).cloned().unwrap_or_default();
                    assert!(
                        of_records.iter().all(|change| part.has(change)),
                        "a part lacks what a record brought"
                    );
                    // The fixed first one is in every part that anybody wrote to.
                    let more = part.changes().max(1) - 1;
                    assert_eq!(more, of_records.len(), "a part holds more than its records");
                }
                let by = |person: Person| {
                    entry
                        .agreement()
                        .acts
                        .into_iter()
                        .filter(move |act| act.person == person)
                };
                let actors: Vec<_> = logs
                    .iter()
                    .filter(|known| known.whose == Whose::Mine)
                    .map(|known| actor_of(&known.log))
                    .collect();
                assert!(by(Person::Me).all(|act| actors.contains(&act.id.actor)));
                assert!(by(Person::Partner).all(|act| !actors.contains(&act.id.actor)));
            };
            device
                .replica
                .look(device.disk.shelf(), &id, check)
                .unwrap();
        }
    }

    fn photos_are_there(&self, device: &AtRest<'_>, photos: &[BlobRef]) {
        for photo in photos {
            let bytes = match device.replica.read_blob(device.disk.shelf(), photo) {
                Ok(bytes) => bytes,
                // A home that was put back after the record had gone, and before the chunk had, leaves it on neither disk.
                Err(_) if self.went_back => continue,
                Err(error) => panic!("a photo is not there once the two have met: {error}"),
            };
            let hash: [u8; 32] = Sha256::digest(&bytes).into();
            assert!(
                self.photos.contains(&hash),
                "a photo is not the one that was put in"
            );
        }
    }
}
