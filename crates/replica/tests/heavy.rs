//! Few bytes that are much work: changes that claim as many operations as a change may hold, as many of them as fit into a
//! record, as many records as fit into an envelope. What one go costs stays bounded, and good records beside them are applied.

#[path = "../../journal/tests/common/altered.rs"]
mod altered;
mod common;
#[path = "../../journal/tests/common/forge.rs"]
mod forge;

use altered::typed_in_a_row;
use amends_journal::{Actor, EntryId, EntryKind, Part, PartKind};
use amends_replica::{Item, LinkId, Shown, actor_of, write_items};
use automerge::{Change, ChangeHash};
use common::*;
use forge::{by_hand, leb128, run, sleb128};

/// The most that a change may hold.
const MOST: i64 = 20_000;

/// Changes to one text, each following the one before it, by whoever has this actor.
struct Writes {
    actor: Actor,
    seq: u64,
    start: u64,
    after: ChangeHash,
}

impl Writes {
    fn new(actor: Actor) -> Writes {
        let part = Part::new(EntryKind::Boundary, 1, PartKind::Shared).unwrap();
        Writes {
            actor,
            seq: 1,
            start: 3,
            after: ChangeHash(part.heads()[0]),
        }
    }

    /// The next one, of `n` operations.
    fn next(&mut self, n: i64, columns: Vec<(u32, Vec<u8>)>) -> Vec<u8> {
        let mut all = vec![(1, run(n, 1)), (2, run(n, 2))];
        all.extend(columns);
        let change = by_hand(&[self.after], self.actor, self.seq, self.start, &all);
        self.after = Change::try_from(&change[..]).unwrap().hash();
        self.seq += 1;
        self.start += n as u64;
        change
    }

    /// `n` characters typed in a row.
    fn types(&mut self, n: i64) -> Vec<u8> {
        let mut actors = vec![0, 1];
        actors.extend(run(n - 1, 0));
        let mut inserts = vec![0];
        leb128(n as u64, &mut inserts);
        let columns = vec![
            (17, actors),
            (19, typed_in_a_row(self.start, n)),
            (52, inserts),
            (66, run(n, 1)),
            (86, run(n, 0x16)),
            (87, vec![b'a'; n as usize]),
            (112, run(n, 0)),
        ];
        self.next(n, columns)
    }

    /// The `n` characters deleted, once more if need be, that came of the operations from `first` on: a hundred bytes, however
    /// many.
    fn deletes(&mut self, first: u64, n: i64) -> Vec<u8> {
        let mut counters = Vec::new();
        sleb128(-1, &mut counters);
        sleb128(first as i64, &mut counters);
        counters.extend(run(n - 1, 1));
        let mut inserts = Vec::new();
        leb128(n as u64, &mut inserts);
        let columns = vec![
            (17, run(n, 0)),
            (19, counters.clone()),
            (52, inserts),
            (66, run(n, 3)),
            (86, run(n, 0)),
            (112, run(n, 1)),
            (113, run(n, 0)),
            (115, counters),
        ];
        self.next(n, columns)
    }
}

fn item(entry: u8, change: Vec<u8>) -> Item {
    Item {
        entry: EntryId([entry; 16]),
        kind: EntryKind::Boundary.byte(),
        schema: 1,
        part: PartKind::Shared,
        change,
    }
}

/// Ana's device, met by somebody who has Bo's keys and has put a text of that many characters into entry 1.
fn met(characters: i64) -> (Pair, Forger, LinkId, Writes) {
    let mut pair = met_pair(99);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let mut writes = Writes::new(actor_of(&pair.bo().log));
    let text = writes.types(characters);
    let record = forger.next(1, vec![], write_items(&[item(1, text)]));
    let frame = pair.sealed(&[record]);
    pair.ana_gets(link, &frame);
    assert_eq!(pair.ana().set_aside(), []);
    (pair, forger, link, writes)
}

#[test]
fn a_record_of_more_operations_than_any_honest_one_is_set_aside_and_the_others_are_applied() {
    let (mut pair, mut forger, link, mut writes) = met(MOST);
    let changes: Vec<Item> = (0..48).map(|_| item(1, writes.deletes(3, MOST))).collect();
    let heavy = forger.next(1, vec![], write_items(&changes));
    assert!(heavy.0.len() < 10_000, "{} bytes", heavy.0.len());
    let mut other = Writes::new(actor_of(&pair.bo().log));
    let good = forger.next(1, vec![], write_items(&[item(2, other.types(40))]));
    let frame = pair.sealed(&[heavy, good]);
    pair.ana_gets(link, &frame);
    let aside = pair.ana().set_aside();
    let reason = "step 3: 960000 operations in one record, 100000 at most";
    assert_eq!(aside, [(3, reason.to_owned())]);
    assert!(pair.ana().replica.card(&EntryId([2; 16])).is_some());
    pair.restart(ANA, true);
    assert_eq!(pair.ana().replica.set_aside(), 1);
}

#[test]
fn what_an_envelope_brings_is_applied_in_goes_of_bounded_work() {
    let (mut pair, mut forger, link, mut writes) = met(MOST);
    let records: Vec<_> = (0..10)
        .map(|_| {
            let changes: Vec<Item> = (0..4).map(|_| item(1, writes.deletes(3, MOST))).collect();
            forger.next(1, vec![], write_items(&changes))
        })
        .collect();
    pair.devices[ANA].shown.clear();
    let frame = pair.sealed(&records);
    pair.ana_gets(link, &frame);
    assert_eq!(pair.ana().set_aside(), []);
    // Two of 80,000 operations in each go; each go is shown, and saved, by itself.
    let changed = |shown: &&Shown| matches!(shown, Shown::Changed { .. });
    assert_eq!(pair.ana().shown.iter().filter(changed).count(), 5);
    let log = pair.bo().log;
    assert_eq!(pair.ana().held(&log), forger.record.seq);
}

#[test]
fn a_long_text_that_is_replaced_as_a_whole_is_several_records_and_none_is_set_aside() {
    let mut pair = met_pair(7);
    let long = 40_000;
    let entry = pair.edit(BO, proposal(&"a".repeat(long))).unwrap();
    pair.meet();
    let before = pair.ana().held(&pair.ana().log);
    pair.edit(ANA, new_text(entry, &"b".repeat(long))).unwrap();
    // 80,000 operations.
    assert!(pair.ana().held(&pair.ana().log) >= before + 2);
    pair.meet();
    pair.assert_equal();
    assert_eq!(pair.bo().set_aside(), []);
    assert!(pair.bo().agreed(&entry).text.starts_with("bbb"));
}
