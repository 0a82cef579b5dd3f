//! A partner whose device is somebody else's: with all of Bo's keys, and no good will (PROTOCOL section 6).

mod common;

use amends_journal::PartKind;
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey};
use amends_keys::seal;
use amends_replica::{
    Beginning, Clock, Frame, LinkId, Position, Record, RecordHash, Shown, Whose, actor_of,
    write_items,
};
use common::*;
use proptest::prelude::*;

/// Ana's device, met by the forger.
fn met() -> (Pair, Forger, LinkId) {
    let mut pair = met_pair(99);
    let link = pair.connect();
    pair.run();
    let forger = Forger::of(&pair);
    (pair, forger, link)
}

/// The record is kept, numbered and acknowledged as set aside; what follows it goes on.
fn is_set_aside(kind: u8, payload: impl FnOnce(&Pair) -> Vec<u8>) -> String {
    let (mut pair, mut forger, link) = met();
    let payload = payload(&pair);
    let bad = forger.next(kind, vec![], payload);
    send(&mut pair, link, &[bad]);
    let (seq, reason) = pair.ana().set_aside().pop().expect("it is told");
    assert_eq!(seq, 2);
    let clock = pair.ana().replica.clock();
    let position = &clock.0[&pair.bo().log];
    assert_eq!((position.seq, &position.set_aside[..]), (2, &[(2, 2)][..]));
    assert_eq!(pair.ana().replica.set_aside(), 1);
    let after = good(&pair, &mut forger, 1);
    send(&mut pair, link, &[after]);
    assert!(has(&pair, 1));
    pair.restart(ANA, true);
    assert_eq!(pair.ana().replica.set_aside(), 1);
    assert!(pair.ana().replica.clock().0[&pair.bo().log].is_set_aside(2));
    reason
}

/// Nothing of it is kept, and the log waits there: the right record is still taken.
fn is_refused(records: impl FnOnce(&Pair, &mut Forger) -> Vec<Signed>) -> String {
    let (mut pair, mut forger, link) = met();
    let fresh = Forger::of(&pair);
    let records = records(&pair, &mut forger);
    let before = pair.ana().replica.clock();
    send(&mut pair, link, &records);
    assert_eq!(pair.ana().replica.clock(), before);
    let reason = pair.ana().refused().pop().expect("it is told");
    let mut forger = fresh;
    let right = good(&pair, &mut forger, 1);
    send(&mut pair, link, &[right]);
    assert!(has(&pair, 1));
    reason
}

#[test]
fn what_cannot_be_read_is_set_aside() {
    assert_eq!(
        is_set_aside(1, |_| vec![0xff; 40]),
        "a payload is malformed"
    );
    assert_eq!(is_set_aside(1, |_| vec![]), "a payload holds nothing");
    assert!(is_set_aside(9, |_| vec![1, 2, 3]).contains("kind 9"));
}

#[test]
fn an_entry_of_an_unknown_kind_or_schema_is_set_aside() {
    let of = |kind, schema| {
        is_set_aside(1, move |pair| {
            let mut items = items_by(&actor_of(&pair.bo().log), 5, "x");
            for item in &mut items {
                (item.kind, item.schema) = (kind, schema);
            }
            write_items(&items)
        })
    };
    assert!(of(200, 1).contains("kind 200"));
    assert!(of(3, 9).contains("schema 9"));
}

#[test]
fn a_change_with_ana_s_actor_is_set_aside() {
    for part in [PartKind::Shared, PartKind::Own] {
        let reason = is_set_aside(1, |pair| {
            let mut items = items_by(&actor_of(&pair.ana().log), 5, "in her name");
            items.retain(|item| item.part == part);
            write_items(&items)
        });
        assert!(reason.starts_with("step 4"), "{reason}");
    }
}

#[test]
fn an_own_part_is_bo_s_own_whoever_he_names() {
    let (mut pair, mut forger, link) = met();
    let entry = pair.edit(ANA, proposal("hers")).unwrap();
    pair.run();
    let mut items = items_by(&actor_of(&pair.bo().log), 5, "hers");
    items.retain(|item| item.part == PartKind::Own);
    for item in &mut items {
        item.entry = entry;
    }
    let record = forger.next(1, vec![], write_items(&items));
    send(&mut pair, link, &[record]);
    let card = pair.ana().agreed(&entry);
    assert!(card.agreed_by_me && !card.agreed_by_partner);
}

#[test]
fn text_where_acts_belong_is_set_aside() {
    let reason = is_set_aside(1, |pair| {
        let mut items = items_by(&actor_of(&pair.bo().log), 5, "x");
        items.truncate(1);
        items[0].part = PartKind::Own;
        write_items(&items)
    });
    assert!(reason.starts_with("step 4"), "{reason}");
}

#[test]
fn a_log_begins_once_and_belongs_to_the_device_of_the_pairing() {
    let beginning = |key: StaticKey| Beginning {
        static_key: key,
        kit: None,
        name: PersonName::try_from("Eve").unwrap(),
    };
    assert_eq!(
        is_set_aside(2, |pair| beginning(pair.bo().static_key).to_bytes()),
        "a log can begin only once"
    );
    assert!(is_set_aside(2, |_| vec![7]).contains("operation 7"));

    let mut pair = pair(98);
    let link = pair.connect();
    let mut forger = Forger::of(&pair);
    let first = forger.next(2, vec![], beginning(StaticKey([9; 32])).to_bytes());
    send(&mut pair, link, &[first]);
    assert!(pair.ana().set_aside()[0].1.contains("another device"));
    assert_eq!(pair.ana().replica.partner_name(), Some("Bo"));
}

#[test]
fn a_change_cannot_be_the_first_record_of_a_log() {
    let mut pair = pair(97);
    let link = pair.connect();
    let mut forger = Forger::of(&pair);
    let first = good(&pair, &mut forger, 5);
    send(&mut pair, link, &[first]);
    assert_eq!(pair.ana().set_aside().len(), 1);
    assert!(!has(&pair, 5));
}

#[test]
fn what_is_no_record_of_the_log_is_refused() {
    let reason = is_refused(|pair, forger| {
        let (bytes, mut signature) = good(pair, forger, 5);
        signature[3] ^= 1;
        vec![(bytes, signature)]
    });
    assert!(reason.contains("signature"));
    let changed = |change: fn(&mut Record)| {
        is_refused(move |pair, forger| {
            good(pair, forger, 5);
            let mut record = forger.record.clone();
            record.prev = pair.ana().replica.clock().head(&pair.bo().log);
            change(&mut record);
            vec![forger.sign(&record)]
        })
    };
    assert!(changed(|record| record.prev = RecordHash([1; 32])).contains("does not follow"));
    assert!(changed(|record| record.epoch = 1).contains("epoch 1 in an envelope of epoch 0"));
    assert!(changed(|record| record.journal = JournalId([1; 32])).contains("another journal"));
    let unknown = is_refused(|pair, forger| {
        good(pair, forger, 5);
        let eve = LogSecret::from_bytes(&[8; 32]);
        let bytes = Record {
            log: eve.public(),
            ..forger.record.clone()
        }
        .to_bytes();
        let signature = Record::sign(&bytes, &eve);
        vec![(bytes, signature)]
    });
    assert!(unknown.contains("unknown log"));
    let reason = is_refused(|pair, forger| {
        let first = good(pair, forger, 5);
        let mut longer = first.0.clone();
        longer.push(0);
        let signature = Record::sign(&longer, &pair.bo().log_secret());
        vec![(longer, signature)]
    });
    assert!(reason.contains("1 bytes follow"));
}

#[test]
fn a_gap_is_asked_for_again_once() {
    let (mut pair, mut forger, link) = met();
    let missing = good(&pair, &mut forger, 1);
    let clocks = pair.ana().sent.0;
    for entry in 2..5 {
        let later = good(&pair, &mut forger, entry);
        send(&mut pair, link, &[later]);
    }
    assert_eq!(pair.ana().sent.0, clocks + 1);
    let asked = pair.links[&link][BO].back().unwrap().clone();
    assert!(matches!(
        Frame::parse(&asked),
        Ok(Frame::Clock { again: true, .. })
    ));
    assert_eq!(pair.ana().refused(), Vec::<String>::new());
    send(&mut pair, link, &[missing]);
    assert!(has(&pair, 1));
}

#[test]
fn a_replay_changes_nothing_and_is_acknowledged() {
    let (mut pair, mut forger, link) = met();
    let record = good(&pair, &mut forger, 1);
    send(&mut pair, link, std::slice::from_ref(&record));
    let clock = pair.ana().replica.clock();
    let (shown, clocks) = (pair.ana().shown.len(), pair.ana().sent.0);
    send(&mut pair, link, std::slice::from_ref(&record));
    send(&mut pair, link, &[record.clone(), record]);
    assert_eq!(pair.ana().replica.clock(), clock);
    assert_eq!(pair.ana().shown.len(), shown);
    assert_eq!(pair.ana().sent.0, clocks + 2);
}

#[test]
fn a_fork_is_told_and_the_first_stands() {
    // Over two envelopes, in one, and against one that waits.
    for together in [false, true] {
        let (mut pair, mut forger, link) = met();
        let mut other = Forger::of(&pair);
        let (one, two) = (good(&pair, &mut forger, 1), good(&pair, &mut other, 2));
        if together {
            send(&mut pair, link, &[one, two]);
        } else {
            send(&mut pair, link, &[one]);
            send(&mut pair, link, &[two]);
        }
        assert!(pair.ana().was_shown(&Shown::Fork(Whose::Partners)));
        assert!(has(&pair, 1) && !has(&pair, 2));
        let next = good(&pair, &mut forger, 3);
        send(&mut pair, link, &[next]);
        assert!(has(&pair, 3));
    }
}

#[test]
fn a_record_waits_for_the_heads_that_it_names_and_those_behind_it_too() {
    let (mut pair, seen, entry) = before_a_head(96);
    let link = pair.connect();
    let mut forger = Forger::of(&pair);
    let items = items_by(&actor_of(&pair.bo().log), 1, "good");
    let first = forger.next(1, vec![seen], write_items(&items));
    let second = good(&pair, &mut forger, 2);
    send(&mut pair, link, &[first, second]);
    assert!(!has(&pair, 1) && !has(&pair, 2));
    assert_eq!(pair.ana().set_aside(), vec![]);
    // Her own record comes back, and both are released.
    pair.run();
    assert!(pair.ana().replica.card(&entry).is_some());
    assert!(has(&pair, 1) && has(&pair, 2));
    pair.restart(ANA, true);
    assert!(has(&pair, 1) && has(&pair, 2));
}

#[test]
fn no_more_than_sixty_four_records_or_four_mebibytes_wait() {
    for (count, text) in [(70u64, 10), (24, 180_000)] {
        let (mut pair, seen, _) = before_a_head(95);
        let link = pair.connect();
        let mut forger = Forger::of(&pair);
        // Unreadable, and as heavy as they come: it is the waiting that is looked at.
        let records: Vec<Signed> = (0..count)
            .map(|n| {
                forger.next(
                    1,
                    if n == 0 { vec![seen] } else { vec![] },
                    vec![0xff; text],
                )
            })
            .collect();
        for record in &records {
            send(&mut pair, link, std::slice::from_ref(record));
        }
        assert_eq!(pair.ana().held(&pair.bo().log), 1);
        // Only her own log comes back; Bo's device itself knows nothing of these records.
        pair.run();
        let bo = pair.bo().log;
        let held = pair.ana().held(&bo);
        let most = if text == 10 {
            1 + 64
        } else {
            1 + (4 * 1024 * 1024 / 180_000)
        };
        assert!(held > 1 && held <= most, "{held} of {count}");
        // What was dropped is asked for again.
        assert!(held < 1 + count);
        for record in &records {
            send(&mut pair, link, std::slice::from_ref(record));
        }
        assert_eq!(pair.ana().held(&bo), 1 + count);
    }
}

#[test]
fn ninety_nine_good_records_are_taken_beside_a_bad_one() {
    let (mut pair, mut forger, link) = met();
    let records: Vec<Signed> = (0..100)
        .map(|n| {
            if n == 42 {
                forger.next(1, vec![], vec![0xff; 9])
            } else {
                good(&pair, &mut forger, n)
            }
        })
        .collect();
    send(&mut pair, link, &records);
    assert_eq!(pair.ana().cards().len(), 99);
    assert!(!has(&pair, 42));
    assert_eq!(pair.ana().set_aside().len(), 1);
    let position = &pair.ana().replica.clock().0[&pair.bo().log];
    assert_eq!(
        (position.seq, &position.set_aside[..]),
        (101, &[(44, 44)][..])
    );
}

#[test]
fn a_record_is_taken_whole_or_not_at_all() {
    let (mut pair, mut forger, link) = met();
    let mut items = items_by(&actor_of(&pair.bo().log), 1, "good");
    items.extend(items_by(&actor_of(&pair.ana().log), 2, "bad"));
    let record = forger.next(1, vec![], write_items(&items));
    send(&mut pair, link, &[record]);
    assert!(!has(&pair, 1) && !has(&pair, 2));
}

#[test]
fn a_record_that_was_being_applied_at_three_starts_is_set_aside_and_the_others_are_taken() {
    let mut pair = met_pair(94);
    let mut forger = Forger::of(&pair);
    let records: Vec<Signed> = (1..=5).map(|n| good(&pair, &mut forger, n)).collect();
    // The third one ends the process: at first all five are marked, then each goes alone.
    for start in 0..3 {
        let link = pair.connect();
        let frame = pair.sealed(&records);
        // The mark is saved, and the process ends before the result of the bad one is.
        let done_before = if start == 1 { 2 } else { 0 };
        // For each good one: mark, continue, show, save, acknowledge.
        pair.devices[ANA].fault = Some(Fault::Killed(1 + 5 * done_before));
        pair.ana_gets(link, &frame);
        assert_eq!(pair.ana().fault, None);
    }
    assert!(has(&pair, 1) && has(&pair, 2) && !has(&pair, 3));
    let link = pair.connect();
    send(&mut pair, link, &records);
    let aside = pair.ana().set_aside();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(aside[0].0, 4);
    assert!(aside[0].1.starts_with("step 6"));
    assert!(has(&pair, 4) && has(&pair, 5) && !has(&pair, 3));
}

#[test]
fn a_save_that_fails_is_no_stop_though_the_mark_is_on_the_disk() {
    let mut pair = met_pair(95);
    let mut forger = Forger::of(&pair);
    let records: Vec<Signed> = (1..=2).map(|n| good(&pair, &mut forger, n)).collect();
    for _ in 0..4 {
        let link = pair.connect();
        let frame = pair.sealed(&records);
        pair.devices[ANA].fault = Some(Fault::SaveUnsure(0));
        pair.ana_gets(link, &frame);
        assert_eq!(pair.ana().fault, None);
        assert!(!has(&pair, 1));
    }
    let link = pair.connect();
    send(&mut pair, link, &records);
    assert_eq!(pair.ana().set_aside(), []);
    assert!(has(&pair, 1) && has(&pair, 2));
}

#[test]
fn an_entry_of_mine_that_is_not_readable_there_is_shown_as_such() {
    let (mut pair, _, link) = met();
    let entry = pair.edit(ANA, proposal("mine")).unwrap();
    let other = pair.edit(ANA, proposal("mine too")).unwrap();
    let log = pair.ana().log;
    let mut clock = pair.ana().replica.clock();
    clock.0.get_mut(&log).unwrap().set_aside = vec![(2, 2), (1000, u64::MAX)];
    // It lies: nothing of this is on Bo's disk.
    pair.unchecked = true;
    pair.ana_gets(
        link,
        &Frame::Clock {
            clock,
            again: false,
            chunks: None,
            knows: amends_replica::KNOWS,
        }
        .to_bytes(),
    );
    assert!(pair.ana().card(&entry).not_readable_there);
    assert!(!pair.ana().card(&other).not_readable_there);
    pair.restart(ANA, false);
    assert!(pair.ana().card(&entry).not_readable_there);
}

#[test]
fn an_acknowledgement_of_other_records_than_these_is_none() {
    let (mut pair, _, link) = met();
    let entry = pair.edit(ANA, proposal("mine")).unwrap();
    let log = pair.ana().log;
    let mut clock = pair.ana().replica.clock();
    clock.0.get_mut(&log).unwrap().head = [7; 32];
    pair.ana_gets(
        link,
        &Frame::Clock {
            clock,
            again: false,
            chunks: None,
            knows: amends_replica::KNOWS,
        }
        .to_bytes(),
    );
    assert!(!pair.ana().reached(&entry));
    assert!(pair.ana().was_shown(&Shown::Fork(Whose::Mine)));
}

#[test]
fn giant_clocks_are_read_in_no_time_and_believed_in_nothing() {
    let (mut pair, _, link) = met();
    let (ana, bo) = (pair.ana().log, pair.bo().log);
    let runs: Vec<(u64, u64)> = (0..1024)
        .map(|n| (2 * n + 1, 2 * n + 1))
        .chain([(5000, u64::MAX)])
        .skip(1)
        .collect();
    let position = Position {
        seq: u64::MAX,
        head: [1; 32],
        set_aside: runs,
    };
    let mut logs: std::collections::BTreeMap<LogKey, Position> = (0..254u8)
        .map(|n| (LogKey([n; 32]), position.clone()))
        .collect();
    logs.insert(ana, position.clone());
    logs.insert(bo, position);
    let frame = Frame::Clock {
        clock: Clock(logs),
        again: true,
        chunks: None,
        knows: amends_replica::KNOWS,
    }
    .to_bytes();
    for _ in 0..50 {
        pair.ana_gets(link, &frame);
    }
    let entry = pair
        .edit(ANA, proposal("x"))
        .map(|entry| pair.ana().reached(&entry));
    assert!(matches!(entry, Err(amends_replica::EditError::OlderCopy)));
    pair.cut(link);
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    assert!(!pair.ana().reached(&entry));
    pair.meet();
    assert!(pair.ana().reached(&entry));
}

#[test]
fn who_sends_what_is_no_record_again_and_again_is_left() {
    let (mut pair, _, link) = met();
    for _ in 0..8 {
        pair.ana_gets(link, &Frame::Envelope(b"AMND, or not".to_vec()).to_bytes());
    }
    assert!(!pair.links.contains_key(&link));
    let shown = pair.ana().shown.len();
    pair.ana_gets(link, &Frame::Envelope(vec![1]).to_bytes());
    assert_eq!(
        pair.ana().shown.len(),
        shown,
        "what still comes is not looked at"
    );
}

#[test]
fn an_envelope_of_another_epoch_or_secret_is_refused() {
    let (mut pair, mut forger, link) = met();
    let (bytes, signature) = good(&pair, &mut forger, 1);
    let other = amends_keys::seal::EpochSecret::from_bytes(&[1; 32]);
    for (epoch, secret) in [(1, pair.epoch_0()), (0, other)] {
        let envelope = seal::seal(
            epoch,
            &secret,
            &pair.journal,
            [0; 24],
            &[(&bytes, &signature)],
        )
        .unwrap();
        pair.ana_gets(link, &Frame::Envelope(envelope).to_bytes());
    }
    assert_eq!(pair.ana().refused().len(), 2);
    assert!(!has(&pair, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn junk_stops_nothing(
        frames in prop::collection::vec((0u8..5, prop::collection::vec(any::<u8>(), 0..200)), 1..20),
        payloads in prop::collection::vec((0u8..4, prop::collection::vec(any::<u8>(), 0..200)), 1..6),
    ) {
        let (mut pair, mut forger, link) = met();
        for (kind, payload) in payloads {
            let record = forger.next(kind, vec![], payload);
            send(&mut pair, link, &[record]);
        }
        for (kind, mut frame) in frames {
            frame.insert(0, kind);
            if kind == 1 && frame.len() > 1 {
                frame[1] = 1;
            }
            pair.ana_gets(link, &frame);
        }
        pair.cut(link);
        let entry = pair.edit(ANA, proposal("still here")).unwrap();
        prop_assert!(pair.ana().replica.card(&entry).is_some());
        pair.restart(ANA, true);
    }
}
