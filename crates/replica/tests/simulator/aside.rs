//! What is set aside though nobody here writes what must be: a record that the process stopped over three times while it applied
//! it (`docs/decisions/0003-applying-is-tried-again.md`), and what builds on such a one. It is held and acknowledged, not applied, and named; nothing
//! else is another for it.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::EntryId;
use amends_keys::identity::LogKey;
use amends_replica::{Cause, Meeting, Replica, SetAside, Shelf, Whose, read_items};

use crate::invariants::Records;

/// Of one home: what was seen of that.
#[derive(Clone, Default)]
pub struct Aside {
    /// How often its process stopped, or may look so after a start: a mark that its disk kept and said that it did not stands there
    /// until the next one takes its place.
    pub stopped: u32,
    /// The records of which it showed that they are set aside, as it calls them.
    shown: Vec<(Whose, u64)>,
    /// So often its process will stop as it applies what came.
    pub relapses: u32,
}

impl Aside {
    /// Whether its process stops now, as it applies what came.
    pub fn relapses_now(&mut self) -> bool {
        let does = self.relapses > 0;
        self.relapses = self.relapses.saturating_sub(1);
        does
    }

    /// How often it showed that a record is set aside.
    pub fn shown_so_far(&self) -> u64 {
        self.shown.len() as u64
    }

    /// It shows that a record is set aside.
    pub fn shows(&mut self, whose: Whose, seq: u64, reason: &str) {
        match Cause::of(reason) {
            Cause::Stops => assert!(
                self.stopped >= 3,
                "its process stopped {} times, and a record is set aside: {reason}",
                self.stopped
            ),
            Cause::Follows if !self.shown.is_empty() => {}
            _ => panic!("an honest record was set aside: {reason}"),
        }
        self.shown.push((whose, seq));
    }

    /// What is set aside in the end, where these are the records that are held: it names just that, and for a reason.
    pub fn at_rest(&self, replica: &Replica, shelf: &dyn Shelf, records: &Records) -> Unapplied {
        let mut unapplied = Unapplied::default();
        let named = replica.set_aside_records(shelf, usize::MAX).unwrap();
        for known in replica.incarnations() {
            let runs = &replica.clock().0[&known.log].set_aside;
            for seq in runs.iter().flat_map(|(first, last)| *first..=*last) {
                assert!(
                    seq <= known.held,
                    "a record is set aside that is not held: {seq}"
                );
                let (_, record) = &records[&(known.log, seq)];
                let items = read_items(&record.payload).unwrap_or_default();
                let entries: BTreeSet<EntryId> = items.iter().map(|item| item.entry).collect();
                let is = |aside: &&SetAside| {
                    let of: BTreeSet<EntryId> = aside.entries.iter().copied().collect();
                    (aside.whose, aside.seq, of) == (known.whose, seq, entries.clone())
                };
                let aside = named
                    .iter()
                    .find(is)
                    .expect("what is set aside is named as such");
                assert!(
                    self.shown.contains(&(known.whose, seq)),
                    "nobody was told that record {seq} is set aside"
                );
                let others = named.iter().filter(|other| *other != aside);
                let before = |entry: &EntryId| others.clone().any(|of| of.entries.contains(entry));
                match Cause::of(&aside.reason) {
                    Cause::Stops => assert!(self.stopped >= 3),
                    Cause::Follows if entries.iter().any(before) => {}
                    _ => panic!("an honest record is set aside: {}", aside.reason),
                }
                unapplied.records.insert((known.log, seq), entries);
            }
        }
        let count = unapplied.records.len();
        assert_eq!(named.len(), count, "what is named is not set aside");
        assert_eq!(replica.set_aside(), count as u64);
        unapplied
    }
}

/// Records that a home sets aside, with the entries that each is of.
#[derive(Default)]
pub struct Unapplied {
    pub records: BTreeMap<(LogKey, u64), BTreeSet<EntryId>>,
}

impl Unapplied {
    /// The entries that are not there as they are at others.
    pub fn entries(&self) -> BTreeSet<EntryId> {
        self.records.values().flatten().copied().collect()
    }

    /// Those in which something of this person's is set aside.
    pub fn entries_of(&self, logs: &BTreeSet<LogKey>) -> BTreeSet<EntryId> {
        let theirs = self
            .records
            .iter()
            .filter(|((log, _), _)| logs.contains(log));
        theirs.flat_map(|(_, entries)| entries).copied().collect()
    }
}

/// The logs of whoever writes at this device.
pub fn own_logs(replica: &Replica) -> BTreeSet<LogKey> {
    let logs = replica.incarnations().into_iter();
    logs.filter(|known| known.whose == Whose::Mine)
        .map(|known| known.log)
        .collect()
}

/// A meeting is at its end: all is there, here and there. A photo in an entry of which the other sets something aside it may never
/// hear of.
pub fn has_met(
    name: &str,
    replica: &Replica,
    meeting: &Meeting,
    (other, shelf): (&Replica, &dyn Shelf),
) {
    let aside = other.set_aside_records(shelf, usize::MAX).unwrap();
    let unheard = |entry: &EntryId| aside.iter().any(|aside| aside.entries.contains(entry));
    let photos = replica
        .cards()
        .any(|(entry, card)| unheard(entry) && !card.blobs().is_empty());
    assert!(
        meeting.have_all && meeting.at_rest && (meeting.partner_has_all || photos),
        "{name} has met, and not all is there: {meeting:?}"
    );
}
