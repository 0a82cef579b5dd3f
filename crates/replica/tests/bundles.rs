//! Bundles: what two devices learn of each other by files alone, in any order, cut, altered, old and foreign.

mod common;

use amends_journal::EntryId;
use amends_journal::State;
use amends_keys::bundle::{open_clock, seal_clock};
use amends_keys::identity::LogSecret;
use amends_replica::{
    BundleError, BundleItem, BundleParser, BundleRead, Clock, ClockHeard, Input, LinkId, Position,
    Shown, World,
};
use common::{ANA, BO, Pair, agree, met_pair, new_text, pair, proposal};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const FILE: LinkId = LinkId(u64::MAX);

/// A bundle that a device writes, and how many records are in it.
fn written(pair: &Pair, who: usize, all: bool) -> (Vec<u8>, u64) {
    let device = &pair.devices[who];
    let mut rng = ChaCha20Rng::seed_from_u64(device.held(&device.log) + 100 * who as u64);
    let mut world = World {
        now: 0,
        rng: &mut rng,
        shelf: &device.disk.now,
    };
    let mut writer = device.replica.begin_bundle(all);
    let mut bytes = Vec::new();
    while let Some(more) = device
        .replica
        .write_bundle(&mut world, &mut writer)
        .unwrap()
    {
        bytes.extend_from_slice(&more);
    }
    (bytes, writer.records())
}

fn bundle(pair: &Pair, who: usize) -> Vec<u8> {
    written(pair, who, false).0
}

/// The whole items of some bytes, and how they end.
fn items(bytes: &[u8]) -> (Vec<BundleItem>, Result<(), BundleError>) {
    let (mut parser, mut items) = (BundleParser::default(), Vec::new());
    for piece in bytes.chunks(1000) {
        parser.give(piece);
        loop {
            match parser.next_item() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
    }
    let end = parser.finish();
    (items, end)
}

/// Writes a bundle of such items.
fn of_items(items: &[BundleItem]) -> Vec<u8> {
    let mut out = b"AMNB\x01".to_vec();
    for item in items {
        let (kind, body): (u8, &[u8]) = match item {
            BundleItem::End => (0, &[]),
            BundleItem::Chunk(bytes) => (3, bytes),
            BundleItem::Clock(bytes) => (1, bytes),
            BundleItem::Envelope(bytes) => (2, bytes),
            BundleItem::Unknown(kind) => (*kind, b"later"),
        };
        out.push(kind);
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(body);
    }
    out
}

fn read_as_far_as_it_goes(pair: &mut Pair, who: usize, bytes: &[u8]) -> BundleRead {
    pair.feed(who, Input::BundleOpened { link: FILE }).unwrap();
    for item in &items(bytes).0 {
        pair.feed(who, Input::Bundled { link: FILE, item }).unwrap();
    }
    pair.feed(who, Input::BundleClosed { link: FILE }).unwrap();
    match pair.devices[who].shown.last() {
        Some(Shown::BundleRead(read)) => read.clone(),
        other => panic!("{other:?}"),
    }
}

fn read(pair: &mut Pair, who: usize, bytes: &[u8]) -> BundleRead {
    assert_eq!(items(bytes).1, Ok(()));
    read_as_far_as_it_goes(pair, who, bytes)
}

/// The clock of a bundle, as who wrote it could have said it otherwise.
fn with_clock(pair: &Pair, who: usize, bytes: &[u8], change: impl FnOnce(&mut Clock)) -> Vec<u8> {
    let mut clock = pair.devices[who].replica.clock();
    change(&mut clock);
    replace_clock(pair, &pair.devices[who].log_secret(), bytes, &clock)
}

fn replace_clock(pair: &Pair, signer: &LogSecret, bytes: &[u8], clock: &Clock) -> Vec<u8> {
    let sealed = seal_clock(
        0,
        &pair.epoch_0(),
        &pair.journal,
        [3; 24],
        signer,
        &bytes_of(clock),
    );
    let mut items = items(bytes).0;
    items[0] = BundleItem::Clock(sealed.unwrap());
    of_items(&items)
}

/// A clock's bytes are those of a session's frame, after its first three.
fn bytes_of(clock: &Clock) -> Vec<u8> {
    let frame = amends_replica::Frame::Clock {
        clock: clock.clone(),
        again: false,
        chunks: None,
        knows: amends_replica::KNOWS,
    };
    frame.to_bytes()[3..].to_vec()
}

fn counts(read: &BundleRead) -> [u64; 4] {
    [read.received, read.already_here, read.waiting, read.refused]
}

#[test]
fn two_who_only_carry_files_come_to_an_agreement_and_know_what_has_reached() {
    let mut pair = met_pair(1);
    let id = pair.edit(ANA, proposal("No phones at dinner.")).unwrap();
    let other = pair
        .edit(BO, proposal("One evening alone a week."))
        .unwrap();
    let (from_ana, records) = written(&pair, ANA, false);
    assert_eq!(records, 1);
    let brought = read(&mut pair, BO, &from_ana);
    assert_eq!(
        (counts(&brought), brought.clock),
        ([1, 0, 0, 0], ClockHeard::Heard)
    );
    assert!(
        !pair.ana().reached(&id),
        "Bo's device has it, and has not said so"
    );
    pair.edit(BO, agree(id)).unwrap();

    let from_bo = bundle(&pair, BO);
    assert_eq!(counts(&read(&mut pair, ANA, &from_bo)), [2, 0, 0, 0]);
    assert!(pair.ana().reached(&id) && !pair.bo().reached(&other));
    assert!(pair.ana().was_shown(&Shown::Reached(id)));
    assert_eq!(pair.ana().agreed(&id).state, State::Agreed);
    assert_eq!(
        pair.ana().agreed(&id).in_force.as_deref(),
        Some("No phones at dinner.")
    );

    let (from_ana, records) = written(&pair, ANA, false);
    assert_eq!(
        records, 0,
        "Bo's device has everything; only that has to be said"
    );
    read(&mut pair, BO, &from_ana);
    pair.assert_equal();
    // What was said is on the disk.
    pair.restart(ANA, false);
    pair.restart(BO, false);
    pair.assert_equal();
}

#[test]
fn bundles_are_read_in_any_order_and_any_number_of_times() {
    let mut pair = met_pair(2);
    let mut from_ana = Vec::new();
    for text in ["One.", "Two.", "Three."] {
        pair.edit(ANA, proposal(text)).unwrap();
        from_ana.push(bundle(&pair, ANA));
    }
    // What was not acknowledged is in the next bundle again.
    for (which, counted) in [(1, [2, 0, 0, 0]), (0, [0, 1, 0, 0]), (1, [0, 2, 0, 0])] {
        assert_eq!(counts(&read(&mut pair, BO, &from_ana[which])), counted);
    }
    let ack = bundle(&pair, BO);
    read(&mut pair, ANA, &ack);
    pair.edit(ANA, proposal("Four.")).unwrap();
    let after = bundle(&pair, ANA);
    for _ in 0..2 {
        // The third is missing for good reason: the acknowledgement says two.
        read(&mut pair, BO, &after);
        read(&mut pair, BO, &from_ana[2]);
    }
    assert_eq!(counts(&read(&mut pair, BO, &after)), [0, 2, 0, 0]);
    let ack = bundle(&pair, BO);
    read(&mut pair, ANA, &ack);
    let ack = bundle(&pair, ANA);
    read(&mut pair, BO, &ack);
    pair.assert_equal();
}

#[test]
fn what_an_earlier_bundle_must_bring_is_waited_for_in_words_and_not_half_kept() {
    let mut pair = met_pair(3);
    let before = pair.bo().disk.clone();
    pair.edit(ANA, proposal("One.")).unwrap();
    let first = bundle(&pair, ANA);
    read(&mut pair, BO, &first);
    let ack = bundle(&pair, BO);
    read(&mut pair, ANA, &ack);
    pair.edit(ANA, proposal("Two.")).unwrap();
    let second = bundle(&pair, ANA);
    // Bo's home is an older copy: the first bundle is as unread.
    pair.roll_back(BO, &before);
    let brought = read(&mut pair, BO, &second);
    assert_eq!(counts(&brought), [0, 0, 1, 0]);
    assert!(pair.bo().cards().is_empty());
    assert_eq!(
        pair.bo().replica.not_come(),
        2,
        "Ana's clock says that they exist"
    );
    assert_eq!(counts(&read(&mut pair, BO, &first)), [1, 0, 0, 0]);
    assert_eq!(counts(&read(&mut pair, BO, &second)), [1, 0, 0, 0]);
    assert_eq!(pair.bo().cards().len(), 2);
}

#[test]
fn a_clock_that_was_under_way_while_a_bundle_was_read_is_no_sign_of_an_older_copy() {
    let mut pair = met_pair(31);
    let link = pair.connect();
    // Bo's opening clock is slow. Meanwhile he writes something, and it comes by hand.
    let entry = pair.edit(BO, proposal("By hand.")).unwrap();
    let file = bundle(&pair, BO);
    assert_eq!(counts(&read(&mut pair, ANA, &file)), [1, 0, 0, 0]);
    pair.deliver(link, ANA);
    assert!(!pair.ana().was_shown(&Shown::PartnerWentBack));
    assert_eq!(pair.ana().replica.not_come(), 0);
    pair.run();
    pair.cut(link);
    pair.meet();
    pair.assert_equal();
    assert!(pair.ana().replica.card(&entry).is_some());
}

#[test]
fn a_record_that_names_what_is_not_here_waits_and_goes_with_its_bundle() {
    let mut pair = met_pair(4);
    let id = pair.edit(BO, proposal("One.")).unwrap();
    let from_bo = bundle(&pair, BO);
    read(&mut pair, ANA, &from_bo);
    pair.edit(ANA, agree(id)).unwrap();
    let clock = pair.ana().replica.clock();
    // Bo's home never held its own record: an older copy, to which Ana's answer comes by a bundle of hers alone.
    let (all, records) = written(&pair, ANA, true);
    assert_eq!(records, clock.0.values().map(|at| at.seq).sum::<u64>());
    let mut other = met_pair(4);
    other.unchecked = true;
    let answer = bundle(&pair, ANA);
    let brought = read(&mut other, BO, &answer);
    assert_eq!(counts(&brought), [0, 0, 1, 0]);
    assert!(brought.older_copy);
    assert!(other.bo().cards().is_empty());
    // A claim alone does not keep Bo from writing; see below for records that come back.
    let brought = read(&mut other, BO, &all);
    assert_eq!(
        (brought.received, brought.waiting, brought.refused),
        (2, 0, 0)
    );
    assert!(!brought.older_copy);
    assert_eq!(other.bo().agreed(&id).state, State::Agreed);
    assert!(other.bo().reached(&id), "Ana's own clock says so");
    other.edit(BO, new_text(id, "One, and more.")).unwrap();
}

#[test]
fn of_a_bundle_cut_at_any_byte_what_was_whole_is_taken() {
    let mut pair = met_pair(5);
    for number in 0..3 {
        pair.edit(ANA, proposal(&format!("Number {number}.")))
            .unwrap();
    }
    // Three envelopes with one record each.
    let mut parts = vec![items(&bundle(&pair, ANA)).0[0].clone()];
    let from = pair.ana().disk.now.clone();
    let own = pair.ana().held(&pair.ana().log);
    for envelope in own - 3..own {
        let key = amends_replica::Table::Envelope;
        let rows = amends_replica::Shelf::scan(&from, key, &[], 64).unwrap();
        parts.push(BundleItem::Envelope(
            rows[rows.len() - (own - envelope) as usize].1.clone(),
        ));
    }
    parts.push(BundleItem::End);
    let whole = of_items(&parts);
    let mut ends = vec![5];
    for part in &parts[..4] {
        let (BundleItem::Clock(body) | BundleItem::Envelope(body)) = part else {
            panic!()
        };
        ends.push(ends[ends.len() - 1] + 5 + body.len());
    }
    let disk = pair.bo().disk.clone();
    for at in 0..whole.len() {
        let (got, end) = items(&whole[..at]);
        let expected = if at == 0 {
            BundleError::Magic
        } else {
            BundleError::CutShort
        };
        assert_eq!(end, Err(expected), "{at}");
        let complete = ends
            .iter()
            .filter(|end| **end <= at)
            .count()
            .saturating_sub(1);
        assert_eq!(got.len(), complete, "{at}");
        // Reading it for real tells nothing new between two borders.
        if at % 97 == 0 || ends.contains(&at) {
            pair.roll_back(BO, &disk);
            let brought = read_as_far_as_it_goes(&mut pair, BO, &whole[..at]);
            let records = complete.saturating_sub(1) as u64;
            assert_eq!(counts(&brought), [records, 0, 0, 0], "{at}");
            assert_eq!(pair.bo().cards().len() as u64, records);
        }
    }
    pair.roll_back(BO, &disk);
    assert_eq!(counts(&read(&mut pair, BO, &whole)), [3, 0, 0, 0]);
}

#[test]
fn a_flipped_byte_costs_its_item_and_nothing_else() {
    let mut pair = met_pair(6);
    let id = pair.edit(ANA, proposal("One.")).unwrap();
    let whole = bundle(&pair, ANA);
    let disk = pair.bo().disk.clone();
    for at in (0..whole.len()).step_by(3) {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        pair.roll_back(BO, &disk);
        let brought = read_as_far_as_it_goes(&mut pair, BO, &altered);
        let held = pair.bo().cards().contains_key(&id);
        assert_eq!(held, brought.received == 1, "byte {at}");
        let intact = brought.clock == ClockHeard::Heard && held && items(&altered).1.is_ok();
        assert!(!intact, "byte {at} was altered and nothing was noticed");
        assert!(
            !pair
                .bo()
                .was_shown(&Shown::Fork(amends_replica::Whose::Partners))
        );
    }
}

#[test]
fn a_bundle_of_another_pair_brings_nothing_and_soon_no_more_of_it_is_looked_at() {
    let mut pair = met_pair(7);
    let mut others = met_pair(8);
    others.edit(ANA, proposal("Not yours.")).unwrap();
    let foreign = bundle(&others, ANA);
    let before = pair.bo().disk.now.clone();
    let brought = read(&mut pair, BO, &foreign);
    assert_eq!(
        (counts(&brought), brought.clock),
        ([0, 0, 0, 2], ClockHeard::None)
    );
    assert!(brought.reason.unwrap().contains("another epoch secret"));
    assert!(
        pair.bo().refused().is_empty(),
        "it is said once, with the rest"
    );
    let rows = |shelf: &amends_replica::MemoryShelf| {
        amends_replica::Shelf::scan(shelf, amends_replica::Table::Meta, &[], 64).unwrap()
    };
    assert!(rows(&before) == rows(&pair.bo().disk.now));

    let mut many = items(&foreign).0;
    let envelope = many[1].clone();
    many.splice(1..1, vec![envelope; 50]);
    pair.feed(BO, Input::BundleOpened { link: FILE }).unwrap();
    let looked_at = many
        .iter()
        .take_while(|item| {
            pair.feed(BO, Input::Bundled { link: FILE, item }).unwrap();
            pair.bo().replica.takes_bundle(FILE)
        })
        .count();
    assert!(looked_at < 10, "{looked_at}");
    pair.feed(BO, Input::BundleClosed { link: FILE }).unwrap();
}

#[test]
fn only_the_partners_own_signed_clock_makes_reached_true() {
    let mut pair = met_pair(9);
    let id = pair.edit(ANA, proposal("One.")).unwrap();
    let from_ana = bundle(&pair, ANA);
    // Ana's own bundle comes back to her, and so do her envelopes under Bo's clock of before.
    let brought = read(&mut pair, ANA, &from_ana);
    assert_eq!(
        (counts(&brought), brought.clock),
        ([0, 1, 0, 0], ClockHeard::Own)
    );
    let mut mixed = items(&bundle(&pair, BO)).0;
    mixed.insert(1, items(&from_ana).0[1].clone());
    read(&mut pair, ANA, &of_items(&mixed));
    assert!(!pair.ana().reached(&id));

    // Somebody who has the epoch secret, but not Bo's log key, says that Bo holds it.
    let mut claim = pair.bo().replica.clock();
    let own = pair.ana().replica.clock().0[&pair.ana().log].clone();
    claim.0.insert(pair.ana().log, own);
    let stranger = LogSecret::from_bytes(&[77; 32]);
    let forged = replace_clock(&pair, &stranger, &from_ana, &claim);
    let brought = read(&mut pair, ANA, &forged);
    assert_eq!((brought.refused, brought.clock), (1, ClockHeard::None));
    // Nor does it count as Bo's where Ana signs it.
    let ana = pair.ana().log_secret();
    let forged = replace_clock(&pair, &ana, &from_ana, &claim);
    assert_eq!(read(&mut pair, ANA, &forged).clock, ClockHeard::Own);
    assert!(!pair.ana().reached(&id));

    read(&mut pair, BO, &from_ana);
    let from_bo = bundle(&pair, BO);
    assert_eq!(open_clock_of(&pair, &from_bo), pair.bo().log);
    read(&mut pair, ANA, &from_bo);
    assert!(pair.ana().reached(&id));
}

fn open_clock_of(pair: &Pair, bytes: &[u8]) -> amends_keys::identity::LogKey {
    let BundleItem::Clock(sealed) = &items(bytes).0[0] else {
        panic!("a bundle begins with its clock")
    };
    open_clock(sealed, &pair.epoch_0(), &pair.journal)
        .unwrap()
        .log
}

#[test]
fn a_hostile_clock_says_more_than_there_is_and_is_not_believed() {
    let mut pair = met_pair(10);
    let id = pair.edit(ANA, proposal("One.")).unwrap();
    let (ana, bo) = (pair.ana().log, pair.bo().log);
    let honest = bundle(&pair, BO);
    let far = with_clock(&pair, BO, &honest, |clock| {
        clock.0.get_mut(&ana).unwrap().seq = u64::MAX;
        clock.0.get_mut(&bo).unwrap().seq = u64::MAX;
        let everything = vec![(1, u64::MAX)];
        clock.0.get_mut(&ana).unwrap().set_aside = everything;
    });
    let brought = read(&mut pair, ANA, &far);
    assert!(brought.older_copy);
    assert!(!pair.ana().reached(&id) && !pair.ana().card(&id).not_readable_there);
    // A claim alone keeps nobody from writing.
    pair.edit(ANA, proposal("Two.")).unwrap();
    // Nor does another record under the right number count.
    let own = pair.ana().held(&ana);
    let other_head = with_clock(&pair, BO, &honest, |clock| {
        clock.0.insert(
            ana,
            Position {
                seq: own,
                head: [6; 32],
                set_aside: Vec::new(),
            },
        );
        clock.0.get_mut(&bo).unwrap().seq = u64::MAX;
    });
    read(&mut pair, ANA, &other_head);
    assert!(!pair.ana().reached(&id));
    assert!(
        pair.ana()
            .was_shown(&Shown::Fork(amends_replica::Whose::Mine))
    );
    // The next meeting puts it right.
    pair.meet();
    pair.assert_equal();
    assert_eq!(pair.ana().replica.not_come(), 0);
}

#[test]
fn an_old_clock_takes_nothing_back_and_makes_nothing_true() {
    let mut pair = met_pair(11);
    let first = pair.edit(ANA, proposal("One.")).unwrap();
    let empty = bundle(&pair, BO);
    let before = pair.bo().disk.clone();
    pair.meet();
    let second = pair.edit(ANA, proposal("Two.")).unwrap();
    let from_ana = bundle(&pair, ANA);
    read(&mut pair, BO, &from_ana);
    let holds_both = bundle(&pair, BO);

    // Older than what was heard in the session: `first` stays as it is.
    assert_eq!(read(&mut pair, ANA, &empty).clock, ClockHeard::Older);
    assert!(pair.ana().reached(&first) && !pair.ana().reached(&second));

    // Bo's home goes back in time. A session says so and is cut before anything comes again.
    pair.roll_back(BO, &before);
    let link = pair.connect();
    pair.run_for(2);
    pair.cut(link);
    assert!(!pair.ana().reached(&first), "by Bo's own word");
    // What he held in another life does not count, however well it is signed.
    read(&mut pair, ANA, &holds_both);
    assert!(!pair.ana().reached(&first) && !pair.ana().reached(&second));

    let from_ana = bundle(&pair, ANA);
    read(&mut pair, BO, &from_ana);
    let third = pair.edit(ANA, proposal("Three.")).unwrap();
    let from_ana = bundle(&pair, ANA);
    read(&mut pair, BO, &from_ana);
    let since = bundle(&pair, BO);
    read(&mut pair, ANA, &since);
    for id in [first, second, third] {
        assert!(pair.ana().reached(&id));
        assert!(pair.bo().cards().contains_key(&id));
    }
}

#[test]
fn a_restored_home_gets_its_own_records_back_from_a_bundle() {
    let mut pair = met_pair(12);
    let kept = pair.edit(ANA, proposal("One.")).unwrap();
    let before = pair.ana().disk.clone();
    let gone = pair.edit(ANA, proposal("Two.")).unwrap();
    pair.meet();
    let from_bo = written(&pair, BO, true).0;
    pair.roll_back(ANA, &before);
    // While it is read nothing is written that would carry a number twice.
    pair.feed(ANA, Input::BundleOpened { link: FILE }).unwrap();
    let all = items(&from_bo).0;
    pair.feed(
        ANA,
        Input::Bundled {
            link: FILE,
            item: &all[0],
        },
    )
    .unwrap();
    assert_eq!(
        pair.feed(ANA, Input::Edit(proposal("Three."))),
        Err(amends_replica::EditError::OlderCopy)
    );
    for item in &all[1..] {
        pair.feed(ANA, Input::Bundled { link: FILE, item }).unwrap();
    }
    pair.feed(ANA, Input::BundleClosed { link: FILE }).unwrap();
    assert!(pair.ana().reached(&kept) && pair.ana().reached(&gone));
    pair.edit(ANA, proposal("Three.")).unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn what_a_bundle_brings_passes_the_same_wall() {
    let mut pair = met_pair(13);
    let mut forger = common::Forger::of(&pair);
    let bad = forger.next(1, Vec::new(), b"no changes".to_vec());
    let frame = pair.sealed(&[bad]);
    let bytes = of_items(&[
        BundleItem::Envelope(frame[1..].to_vec()),
        BundleItem::Unknown(9),
        BundleItem::End,
    ]);
    let brought = read(&mut pair, ANA, &bytes);
    assert_eq!(
        (counts(&brought), brought.clock),
        ([1, 0, 0, 0], ClockHeard::None)
    );
    assert_eq!(pair.ana().set_aside().len(), 1);
}

#[test]
fn a_device_that_is_stopped_while_it_reads_goes_on_with_the_same_file() {
    let mut pair = met_pair(14);
    let ids: Vec<EntryId> = (0..5)
        .map(|n| pair.edit(ANA, proposal(&format!("Number {n}."))).unwrap())
        .collect();
    let from_ana = bundle(&pair, ANA);
    for effects in 0..8 {
        pair.feed(BO, Input::BundleOpened { link: FILE }).unwrap();
        pair.devices[BO].fault = Some(common::Fault::PowerCut(effects));
        for item in &items(&from_ana).0 {
            pair.feed(BO, Input::Bundled { link: FILE, item }).unwrap();
        }
        pair.feed(BO, Input::BundleClosed { link: FILE }).unwrap();
        pair.devices[BO].fault = None;
    }
    read(&mut pair, BO, &from_ana);
    assert!(ids.iter().all(|id| pair.bo().cards().contains_key(id)));
    let ack = bundle(&pair, BO);
    read(&mut pair, ANA, &ack);
    pair.assert_equal();
}

#[test]
fn a_bundle_says_what_is_wrong_with_it() {
    let pair = pair(15);
    let whole = bundle(&pair, ANA);
    assert_eq!(items(&whole).1, Ok(()));
    assert_eq!(items(b"").1, Err(BundleError::Magic));
    assert_eq!(items(b"AMND, by mistake").1, Err(BundleError::Magic));
    assert_eq!(items(b"AMNB\x02").1, Err(BundleError::Version { found: 2 }));
    let large = [b"AMNB\x01\x02".as_slice(), &0x0010_0001_u32.to_be_bytes()].concat();
    assert_eq!(
        items(&large).1,
        Err(BundleError::TooLarge { size: 0x0010_0001 })
    );
    assert_eq!(
        items(&[&whole[..], b"\n"].concat()).1,
        Err(BundleError::Trailing)
    );
    assert_eq!(
        items(b"AMNB\x01\x00\x00\x00\x00\x01x").1,
        Err(BundleError::TooLarge { size: 1 })
    );
}

#[test]
fn records_that_come_back_from_ones_own_file_have_not_reached_anybody() {
    let mut pair = met_pair(16);
    let before = pair.ana().disk.clone();
    let id = pair.edit(ANA, proposal("One.")).unwrap();
    let from_ana = bundle(&pair, ANA);
    let mut under_bos_clock = items(&from_ana).0;
    under_bos_clock[0] = items(&bundle(&pair, BO)).0[0].clone();
    for file in [from_ana, of_items(&under_bos_clock)] {
        pair.roll_back(ANA, &before);
        assert_eq!(read(&mut pair, ANA, &file).received, 1);
        assert!(!pair.ana().reached(&id));
    }
    pair.edit(ANA, new_text(id, "One, and more.")).unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn photos_go_with_a_bundle_and_only_what_an_entry_names_is_kept() {
    use amends_journal::{EntryKind, View};
    let mut pair = met_pair(30);
    let begin = amends_replica::Edit::Begin(amends_replica::Beginnings {
        kind: EntryKind::Memory,
        role: 0,
        from: None,
        words: Some(amends_replica::Words {
            text: "a day".into(),
            language: "en".into(),
            date: Some("2026-05-01".into()),
            ..amends_replica::Words::default()
        }),
        agreed: false,
        says: Vec::new(),
    });
    let entry = pair.edit(ANA, begin).unwrap();
    let picture: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
    let photo = amends_replica::NewPhoto {
        bytes: picture.clone(),
        mime: "image/jpeg".into(),
        size: None,
        as_it_was: true,
    };
    pair.edit(ANA, amends_replica::Edit::Photo { entry, photo })
        .unwrap();
    let whole = bundle(&pair, ANA);
    let (all, end) = items(&whole);
    assert_eq!(end, Ok(()));
    let chunk = |item: &&BundleItem| matches!(item, BundleItem::Chunk(_));
    assert_eq!(all.iter().filter(chunk).count(), 3);

    // A piece that was changed, one that nobody names, and pieces before their records: nothing of them is kept.
    let mut odd: Vec<BundleItem> = all.clone();
    odd.retain(|item| !matches!(item, BundleItem::End));
    for item in &mut odd {
        if let BundleItem::Chunk(bytes) = item {
            bytes[100] ^= 1;
        }
    }
    odd.push(BundleItem::Chunk(vec![0; 1000]));
    odd.push(BundleItem::Chunk(Vec::new()));
    odd.push(BundleItem::End);
    let said = read(&mut pair, BO, &of_items(&odd));
    assert_eq!((said.received, said.chunks, said.chunks_unknown), (2, 0, 5));
    let reference = {
        let View::Memory(view) = &pair.bo().card(&entry).view else {
            panic!("a memory");
        };
        assert_eq!(view.photos.len(), 1);
        pair.bo().card(&entry).blobs().remove(0)
    };
    assert_eq!(pair.bo().replica.blob_progress(&reference).here, 0);

    let said = read(&mut pair, BO, &whole);
    assert_eq!((said.received, said.chunks, said.chunks_unknown), (0, 3, 0));
    let disk = pair.bo().disk.now.clone();
    assert_eq!(pair.bo().replica.read_blob(&disk, &reference), Ok(picture));
    // Whoever carries a bundle may have made it: nothing is said to have reached by it.
    assert!(!pair.ana().replica.blob_progress(&reference).reached);
    assert_eq!(read(&mut pair, BO, &whole).chunks, 0);
    // Without photos it is as small as it was; with everything, Bo can give it back.
    let device = pair.ana();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut world = World {
        now: 0,
        rng: &mut rng,
        shelf: &device.disk.now,
    };
    let mut writer = device.replica.begin_bundle_with(true, false);
    while device
        .replica
        .write_bundle(&mut world, &mut writer)
        .unwrap()
        .is_some()
    {}
    assert_eq!(writer.chunks(), 0);
    let back = written(&pair, BO, true).0;
    assert_eq!(items(&back).0.iter().filter(chunk).count(), 3);
    pair.meet();
    assert!(pair.ana().replica.blob_progress(&reference).reached);
}

/// A bundle of one envelope, without a clock.
fn of_records(pair: &mut Pair, records: &[common::Signed]) -> Vec<u8> {
    let frame = pair.sealed(records);
    of_items(&[BundleItem::Envelope(frame[1..].to_vec()), BundleItem::End])
}

#[test]
fn what_a_bundle_brings_is_counted_by_what_became_of_it() {
    let mut pair = met_pair(20);
    let mut forger = common::Forger::of(&pair);
    let fresh = common::Forger::of(&pair);
    let records: Vec<common::Signed> = (1..=4)
        .map(|entry| common::good(&pair, &mut forger, entry))
        .collect();

    // Three behind one that is missing.
    let bytes = of_records(&mut pair, &records[1..]);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [0, 0, 3, 0]);
    // What follows no record that is held is refused, and the log waits there: the right one behind it is not looked at.
    let mut wrong = fresh.record.clone();
    (wrong.seq, wrong.prev) = (wrong.seq + 1, amends_replica::RecordHash([1; 32]));
    let refused = [fresh.sign(&wrong), records[0].clone()];
    let bytes = of_records(&mut pair, &refused);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [0, 0, 1, 1]);
    assert!(!common::has(&pair, 1));
    let bytes = of_records(&mut pair, &records);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [4, 0, 0, 0]);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [0, 4, 0, 0]);
}

#[test]
fn what_finds_no_room_to_wait_is_counted_with_what_waits() {
    let (mut pair, seen, _) = common::before_a_head(21);
    let mut forger = common::Forger::of(&pair);
    let records: Vec<common::Signed> = (0..65)
        .map(|n| forger.next(1, if n == 0 { vec![seen] } else { vec![] }, vec![0xff; 10]))
        .collect();
    let bytes = of_records(&mut pair, &records);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [0, 0, 65, 0]);
}

#[test]
fn a_bundle_does_not_take_along_what_a_session_waits_with() {
    let (mut pair, seen, _) = common::before_a_head(22);
    let link = pair.connect();
    let mut forger = common::Forger::of(&pair);
    let items = common::items_by(&amends_replica::actor_of(&pair.bo().log), 1, "good");
    let waits = forger.next(1, vec![seen], amends_replica::write_items(&items));
    common::send(&mut pair, link, std::slice::from_ref(&waits));
    let bytes = of_records(&mut pair, &[waits]);
    read(&mut pair, ANA, &bytes);
    // Bo's device does not know of the record: nobody sends it again.
    pair.run();
    assert!(common::has(&pair, 1));
}

#[test]
fn a_branch_of_a_device_that_can_begin_no_more_logs_is_counted_as_refused() {
    let mut pair = met_pair(23);
    pair.edit(ANA, proposal("before the two parted")).unwrap();
    pair.meet();
    let mut other = common::Forger::of_log(&pair, ANA);
    pair.edit(ANA, proposal("by this one")).unwrap();
    pair.unchecked = true;
    for _ in 1..amends_replica::MOST_LOGS {
        pair.feed(ANA, Input::Copied).unwrap();
        pair.edit(ANA, proposal("x")).unwrap();
    }
    let logs = pair.ana().replica.incarnations().len();
    let parted = other.next(1, vec![], b"by the other one".to_vec());
    let bytes = of_records(&mut pair, &[parted]);
    assert_eq!(counts(&read(&mut pair, ANA, &bytes)), [0, 0, 0, 1]);
    assert_eq!(pair.ana().replica.incarnations().len(), logs);
}
