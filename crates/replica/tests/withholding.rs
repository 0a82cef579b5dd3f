//! A device that keeps something back (PROTOCOL section 3): what it has named is missed and said; what it never named cannot be.

mod common;

use amends_journal::{EntryId, PartKind};
use amends_replica::{Cause, Frame, Item, KNOWS, RecordHash, Seen, Shown, write_items};
use common::*;

type Signed = (Vec<u8>, [u8; 64]);

/// Records of Bo's that his device signs one after another; what they carry does not matter here, and cannot be read.
fn records(forger: &mut Forger, count: usize) -> Vec<Signed> {
    let empty = |n: usize| {
        let item = Item {
            entry: EntryId([u8::try_from(n).unwrap(); 16]),
            kind: 3,
            schema: 1,
            part: PartKind::Shared,
            change: vec![1, 2, 3],
        };
        write_items(&[item])
    };
    (0..count)
        .map(|n| forger.next(1, vec![], empty(n)))
        .collect()
}

/// A clock of Bo's that names his log as far as `last`.
fn names(pair: &Pair, last: u64, head: RecordHash) -> Vec<u8> {
    let mut clock = pair.bo().replica.clock();
    let own = clock.0.get_mut(&pair.bo().log).unwrap();
    (own.seq, own.head) = (last, head.0);
    Frame::Clock {
        clock,
        again: false,
        chunks: Some(false),
        knows: KNOWS,
    }
    .to_bytes()
}

#[test]
fn records_that_a_clock_names_and_that_do_not_come_are_missed_until_they_do() {
    let mut pair = met_pair(71);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let signed = records(&mut forger, 4);
    let head = RecordHash::of(&signed[3].0);
    // Five there are, by the clock, and one of the four new ones comes.
    let clock = names(&pair, 5, head);
    pair.ana_gets(link, &clock);
    let frame = pair.sealed(&signed[..1]);
    pair.ana_gets(link, &frame);
    assert_eq!(pair.ana().replica.not_come(), 3);
    let meeting = pair.ana().replica.meeting(link);
    assert!(!meeting.have_all && !meeting.at_rest, "{meeting:?}");
    // However often it says that this is all.
    for _ in 0..70 {
        pair.ana_gets(link, &clock);
        assert!(!pair.ana().replica.meeting(link).have_all);
    }
    assert_eq!(pair.ana().replica.not_come(), 3);
    // It is known after a restart too, with no partner there.
    pair.restart(ANA, false);
    assert_eq!(pair.ana().replica.not_come(), 3);
    assert!(pair.ana().replica.last_met().is_some());

    let link = pair.connect();
    pair.ana_gets(link, &clock);
    let frame = pair.sealed(&signed[1..]);
    pair.ana_gets(link, &frame);
    assert_eq!(pair.ana().replica.not_come(), 0);
    // What came is set aside, since nothing in it is a change, and the reason is known for as long as it is.
    pair.restart(ANA, false);
    let ana = pair.ana();
    let aside = ana.replica.set_aside_records(&ana.disk.now, 3).unwrap();
    assert_eq!(aside.len(), 3, "as many as were asked for");
    let newest = &aside[0];
    assert_eq!((newest.seq, newest.entries.len()), (5, 1));
    assert_eq!(Cause::of(&newest.reason), Cause::NoChange, "{newest:?}");
}

#[test]
fn a_record_that_names_what_never_comes_waits_and_is_counted_with_its_entry() {
    let mut pair = met_pair(72);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let (ana, held) = (pair.ana().log, pair.ana().held(&pair.ana().log));
    let seen = Seen {
        log: ana,
        seq: held + 2,
        hash: RecordHash([7; 32]),
    };
    let entry = EntryId([9; 16]);
    let item = Item {
        entry,
        kind: 3,
        schema: 1,
        part: PartKind::Shared,
        change: vec![1],
    };
    let record = forger.next(1, vec![seen], write_items(&[item]));
    let frame = pair.sealed(&[record]);
    pair.ana_gets(link, &frame);
    // Itself, and the two that it names before it.
    let replica = &pair.ana().replica;
    assert_eq!((replica.not_come(), replica.not_come_in(&entry)), (3, 1));
    assert_eq!(replica.not_come_in(&EntryId([8; 16])), 0);
    assert!(replica.card(&entry).is_none(), "nothing of it is shown");
    assert_eq!(replica.clock().seq(&pair.bo().log), 1, "or acknowledged");
    // With the link it is forgotten, and nothing is claimed of it any more: it was never on the disk.
    pair.cut(link);
    let replica = &pair.ana().replica;
    assert_eq!((replica.not_come(), replica.not_come_in(&entry)), (0, 0));
}

#[test]
fn a_device_that_does_not_say_that_it_has_something_is_never_believed_to() {
    let mut pair = met_pair(73);
    let link = pair.connect();
    pair.run();
    let said_nothing_of = names(
        &pair,
        1,
        RecordHash(pair.bo().replica.clock().0[&pair.bo().log].head),
    );
    let entry = pair.edit(ANA, proposal("Did this come?")).unwrap();
    // It goes out and is taken, and each clock that comes back is an old one.
    pair.links.get_mut(&link).unwrap()[BO].clear();
    for _ in 0..5 {
        pair.ana_gets(link, &said_nothing_of);
        assert!(!pair.ana().reached(&entry));
        assert!(!pair.ana().replica.meeting(link).partner_has_all);
    }
}

#[test]
fn a_device_that_takes_back_what_it_said_is_noticed() {
    let mut pair = met_pair(74);
    let before = names(
        &pair,
        1,
        RecordHash(pair.bo().replica.clock().0[&pair.bo().log].head),
    );
    let entry = pair.edit(ANA, proposal("It was there.")).unwrap();
    pair.meet();
    assert!(pair.ana().reached(&entry));
    let link = pair.connect();
    pair.links.get_mut(&link).unwrap()[ANA].clear();
    pair.ana_gets(link, &before);
    assert!(pair.ana().was_shown(&Shown::PartnerWentBack));
    assert!(!pair.ana().reached(&entry), "by what it says now");
}

#[test]
fn what_was_never_named_cannot_be_missed() {
    let mut pair = met_pair(75);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let kept_back = records(&mut forger, 3);
    assert_eq!(kept_back.len(), 3);
    // Nothing tells Ana's device of them, and it does not claim to know.
    let replica = &pair.ana().replica;
    assert_eq!(replica.not_come(), 0);
    assert!(replica.meeting(link).have_all, "by what it was told");
}
