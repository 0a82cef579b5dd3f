//! Step 1 of the wall (PROTOCOL section 6) at its edges: what waits, what is asked for again, whom a claim is believed, and what
//! another copy of this home may have written.

mod common;

use amends_replica::{Frame, LinkId, RecordHash, Seen, Shown, Whose, actor_of, write_items};
use common::*;

/// [`before_a_head`], with the link over which the two meet again, and what Bo's device would write next.
fn met_before_a_head(seed: u64) -> (Pair, LinkId, Forger, Seen) {
    let (mut pair, seen, _) = before_a_head(seed);
    let link = pair.connect();
    let forger = Forger::of(&pair);
    (pair, link, forger, seen)
}

/// How many frames that ask for what was dropped are on their way to Bo.
fn asks_again(pair: &Pair, link: LinkId) -> usize {
    let frames = pair.links[&link][BO].iter();
    frames
        .filter(|frame| matches!(Frame::parse(frame), Ok(Frame::Clock { again: true, .. })))
        .count()
}

#[test]
fn what_waits_and_comes_again_waits_for_the_session_that_brought_it_last() {
    let (mut pair, first, mut forger, seen) = met_before_a_head(81);
    let items = items_by(&actor_of(&pair.bo().log), 1, "good");
    let waits = forger.next(1, vec![seen], write_items(&items));
    send(&mut pair, first, std::slice::from_ref(&waits));
    let second = pair.connect();
    send(&mut pair, second, std::slice::from_ref(&waits));
    pair.cut(first);
    // Bo's device does not know of the record: nobody sends it again.
    pair.run();
    assert!(has(&pair, 1));
    assert_eq!(pair.ana().refused(), Vec::<String>::new());
}

#[test]
fn another_record_in_the_place_of_one_that_waits_is_a_fork() {
    let (mut pair, link, mut forger, seen) = met_before_a_head(82);
    let mut other = Forger::of(&pair);
    let items = items_by(&actor_of(&pair.bo().log), 1, "good");
    let waits = forger.next(1, vec![seen], write_items(&items));
    let another = good(&pair, &mut other, 2);
    send(&mut pair, link, &[waits]);
    send(&mut pair, link, &[another]);
    assert!(pair.ana().was_shown(&Shown::Fork(Whose::Partners)));
    pair.run();
    assert!(has(&pair, 1) && !has(&pair, 2));
}

#[test]
fn what_found_no_room_to_wait_is_asked_for_again_once_the_others_are_here() {
    let (mut pair, link, mut forger, seen) = met_before_a_head(83);
    for n in 0..70 {
        let seen = if n == 0 { vec![seen] } else { vec![] };
        let record = forger.next(1, seen, vec![0xff; 10]);
        send(&mut pair, link, &[record]);
    }
    let bo = pair.bo().log;
    let held = pair.ana().held(&bo);
    // Once at once. Bo's device has nothing more of this log, and sends Ana's own record alone.
    assert_eq!(asks_again(&pair, link), 1);
    while pair.ana().held(&bo) == held {
        while pair.deliver(link, BO) {}
        assert!(pair.deliver(link, ANA));
    }
    assert_eq!(asks_again(&pair, link), 1, "and when there is room");
}

#[test]
fn a_claim_to_hold_more_of_my_log_is_believed_for_as_long_as_something_comes() {
    for brings in [true, false] {
        let (mut pair, link, mut forger, _) = met_before_a_head(84);
        // Bo's clock, and nothing of what it claims.
        while !pair.links[&link][ANA].is_empty() {
            pair.deliver(link, ANA);
        }
        assert!(!pair.ana().replica.knows_its_place(link));
        let mut record = good(&pair, &mut forger, 1);
        for n in 0..100 {
            send(&mut pair, link, std::slice::from_ref(&record));
            if brings {
                record = good(&pair, &mut forger, n + 2);
            }
        }
        assert_eq!(pair.ana().replica.knows_its_place(link), !brings);
    }
}

/// Ana's device, whose log has another record after the one from which the forger goes on with her key: as another copy of her
/// home would.
fn another_copy(seed: u64) -> (Pair, LinkId, Forger) {
    let mut pair = met_pair(seed);
    pair.edit(ANA, proposal("before the two parted")).unwrap();
    pair.meet();
    let forger = Forger::of_log(&pair, ANA);
    pair.edit(ANA, proposal("by this one")).unwrap();
    let link = pair.connect();
    pair.run();
    pair.unchecked = true;
    (pair, link, forger)
}

/// The next record by the other copy.
fn by_the_other(pair: &Pair, forger: &mut Forger, entry: u8) -> Signed {
    let items = items_by(&actor_of(&pair.ana().log), entry, "by the other one");
    forger.next(1, vec![], write_items(&items))
}

#[test]
fn a_device_begins_a_new_log_where_another_copy_of_it_wrote_after_the_same_record() {
    let (mut pair, link, mut forger) = another_copy(85);
    let parted = by_the_other(&pair, &mut forger, 1);
    let logs = pair.ana().replica.incarnations().len();
    send(&mut pair, link, &[parted]);
    assert_eq!(pair.ana().replica.incarnations().len(), logs + 1);
}

#[test]
fn a_device_begins_no_new_log_where_what_came_goes_on_from_nothing_it_holds() {
    let (mut pair, link, mut forger) = another_copy(86);
    by_the_other(&pair, &mut forger, 1);
    let other = |seq, prev| {
        let mut record = forger.record.clone();
        (record.seq, record.prev) = (seq, prev);
        forger.sign(&record)
    };
    // In the place of this device's last record after another one, and in the place of its first.
    let records = [
        other(forger.record.seq, RecordHash([9; 32])),
        other(1, RecordHash::NONE),
    ];
    let logs = pair.ana().replica.incarnations().len();
    for (nth, record) in records.into_iter().enumerate() {
        send(&mut pair, link, &[record]);
        assert_eq!(pair.ana().replica.incarnations().len(), logs);
        let told = |shown: &&Shown| **shown == Shown::Fork(Whose::Mine);
        assert_eq!(pair.ana().shown.iter().filter(told).count(), nth + 1);
    }
}

#[test]
fn two_records_of_my_log_with_one_number_in_one_envelope_are_a_fork_and_the_first_stands() {
    let mut pair = met_pair(87);
    pair.edit(ANA, proposal("before")).unwrap();
    pair.meet();
    pair.unchecked = true;
    let link = pair.connect();
    pair.run();
    let mut copies = [Forger::of_log(&pair, ANA), Forger::of_log(&pair, ANA)];
    let records: Vec<Signed> = (1..)
        .zip(&mut copies)
        .map(|(entry, forger)| by_the_other(&pair, forger, entry))
        .collect();
    let (log, logs) = (pair.ana().log, pair.ana().replica.incarnations().len());
    let held = pair.ana().held(&log);
    send(&mut pair, link, &records);
    assert!(pair.ana().was_shown(&Shown::Fork(Whose::Mine)));
    assert_eq!(pair.ana().held(&log), held + 1);
    assert_eq!(pair.ana().replica.incarnations().len(), logs);
    assert!(has(&pair, 1) && !has(&pair, 2));
}

#[test]
fn a_head_of_which_nothing_was_seen_is_waited_for_by_nobody() {
    let mut pair = met_pair(88);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let nothing = Seen {
        log: amends_keys::identity::LogKey([7; 32]),
        seq: 0,
        hash: RecordHash::NONE,
    };
    let items = items_by(&actor_of(&pair.bo().log), 1, "good");
    let record = forger.next(1, vec![nothing], write_items(&items));
    send(&mut pair, link, &[record]);
    assert!(has(&pair, 1));
}
