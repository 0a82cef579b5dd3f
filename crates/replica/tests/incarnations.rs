//! Copies of a home: put back, cloned, used in turn. Whatever they write is kept and reaches, under keys of their own, and nobody
//! else can announce one.

mod common;

use amends_journal::{EntryId, EntryKind, Say, View, apology, talk};
use amends_keys::identity::{LogSecret, PersonName};
use amends_replica::{
    Began, Beginning, Beginnings, Edit, EditError, Incarnation, Input, MOST_LOGS, NewPhoto, Record,
    RecordHash, RecordKind, Shown, Whose, Words,
};
use common::{ANA, BO, Disk, Pair, agree, met_pair, new_text, proposal};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Puts another copy of Ana's home in the place of the one that runs; gives that one.
fn swap(pair: &mut Pair, who: usize, other: &Disk) -> Disk {
    let was = pair.devices[who].disk.clone();
    pair.roll_back(who, other);
    was
}

fn copied(pair: &mut Pair, who: usize) {
    // The check of every step knows one log of each device.
    pair.unchecked = true;
    pair.feed(who, Input::Copied).unwrap();
}

fn began(pair: &Pair, who: usize) -> Vec<Began> {
    let shown = pair.devices[who].shown.iter();
    shown
        .filter_map(|shown| match shown {
            Shown::Began(began) => Some(began.clone()),
            _ => None,
        })
        .collect()
}

fn texts(pair: &Pair, who: usize) -> Vec<String> {
    let cards = pair.devices[who].cards();
    let mut texts: Vec<String> = cards
        .values()
        .filter_map(|card| Some(card.agreed()?.text.clone()))
        .collect();
    texts.sort();
    texts
}

fn all_reached(pair: &Pair) {
    for device in &pair.devices {
        for entry in device.cards().keys() {
            assert!(device.reached(entry), "{entry:?}");
        }
    }
}

/// How often each record of each log has one hash: no number is given twice in what a device holds.
fn logs_of_ana(pair: &Pair) -> usize {
    let logs = pair.bo().replica.incarnations();
    logs.iter()
        .filter(|log| log.whose == Whose::Partners)
        .count()
}

fn begin_talk(text: &str) -> Edit {
    Edit::Begin(Beginnings {
        kind: EntryKind::Talk,
        role: 0,
        from: None,
        words: Some(Words {
            title: text.into(),
            language: "en".into(),
            ..Words::default()
        }),
        agreed: false,
        says: vec![Say::Talk(talk::Say::Account(text.into()))],
    })
}

#[test]
fn a_copy_that_is_known_to_be_one_writes_at_once_under_a_new_key() {
    let mut pair = met_pair(1);
    let old = pair.ana().disk.clone();
    pair.edit(ANA, proposal("after the copy")).unwrap();
    pair.meet();
    pair.roll_back(ANA, &old);
    copied(&mut pair, ANA);
    // It outlives the process, and costs nothing until something is written.
    pair.restart(ANA, false);
    assert!(pair.ana().replica.is_copy());
    let root = pair.ana().log;
    let entry = pair.edit(ANA, proposal("from the copy")).unwrap();
    assert_ne!(pair.ana().replica.log(), root);
    assert!(!pair.ana().replica.is_copy() && !pair.ana().reached(&entry));
    pair.restart(ANA, true);
    pair.meet();
    assert!(pair.bo().was_shown(&Shown::Incarnation(Whose::Partners)));
    assert_eq!(texts(&pair, BO), ["after the copy", "from the copy"]);
    assert_eq!(logs_of_ana(&pair), 2);
    pair.assert_equal();
    // Both go on as ever.
    pair.edit(BO, agree(entry)).unwrap();
    pair.edit(ANA, new_text(entry, "from the copy, and on"))
        .unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn a_copy_that_wrote_less_than_the_other_is_shown_where_the_two_part() {
    // Its clock says less of the log than Bo's, as an older copy's does, and shows Bo alone that it is another branch.
    let mut pair = met_pair(42);
    pair.edit(ANA, proposal("before")).unwrap();
    pair.meet();
    let copy = pair.ana().disk.clone();
    let by_the_first = ["first", "second", "third"];
    for text in by_the_first {
        pair.edit(ANA, proposal(text)).unwrap();
    }
    pair.meet();
    swap(&mut pair, ANA, &copy);
    pair.edit(ANA, proposal("by the copy")).unwrap();
    pair.meet();
    assert_eq!(began(&pair, ANA).len(), 1);
    pair.assert_equal();
    let all = ["before", "by the copy", "first", "second", "third"];
    for who in [ANA, BO] {
        assert_eq!(texts(&pair, who), all);
    }
    assert_eq!(logs_of_ana(&pair), 2);
}

#[test]
fn what_two_copies_wrote_in_an_entry_that_has_one_part_alone_is_kept_of_both() {
    // Nothing is ever put into the shared part of an apology.
    let mut pair = met_pair(41);
    let given = apology::Words {
        did: "I forgot our evening.".into(),
        ..apology::Words::default()
    };
    let add = |entry, words: &str| Edit::Say {
        entry,
        says: vec![apology::Say::Add(words.into()).into()],
    };
    let give = Edit::Begin(Beginnings {
        kind: EntryKind::Apology,
        role: 0,
        from: None,
        words: None,
        agreed: false,
        says: vec![apology::Say::Give(given).into()],
    });
    let entry = pair.edit(ANA, give).unwrap();
    pair.meet();
    let copy = pair.ana().disk.clone();
    pair.edit(ANA, add(entry, "by the first")).unwrap();
    pair.meet();
    swap(&mut pair, ANA, &copy);
    pair.edit(ANA, add(entry, "by the copy")).unwrap();
    pair.meet();
    assert_eq!(began(&pair, ANA).len(), 1);
    pair.restart(ANA, true);
    pair.meet();
    pair.assert_equal();
    for device in &pair.devices {
        let View::Apology(apology) = &device.card(&entry).view else {
            panic!("not an apology");
        };
        assert_eq!(apology.additions.len(), 2);
    }
}

#[test]
fn what_an_unnoticed_copy_wrote_is_carried_over_beside_what_the_other_wrote() {
    let mut pair = met_pair(2);
    let shared = pair.edit(ANA, proposal("Phones away at dinner.")).unwrap();
    let other = pair.edit(BO, proposal("Bo's own.")).unwrap();
    pair.meet();
    let copy = pair.ana().disk.clone();
    // One life: it changes the text, agrees to Bo's, and writes one of its own.
    pair.edit(ANA, new_text(shared, "Phones away at dinner. And in bed."))
        .unwrap();
    pair.edit(ANA, proposal("One life.")).unwrap();
    pair.meet();
    // The other one, from the same day.
    pair.roll_back(ANA, &copy);
    pair.edit(ANA, new_text(shared, "No phones away at dinner."))
        .unwrap();
    let mine = pair.edit(ANA, proposal("The other life.")).unwrap();
    pair.edit(ANA, new_text(mine, "The other life, thought over."))
        .unwrap();
    pair.edit(ANA, agree(mine)).unwrap();
    pair.edit(ANA, agree(other)).unwrap();
    let told = pair.edit(ANA, begin_talk("what was told")).unwrap();
    let memory = pair
        .edit(
            ANA,
            Edit::Begin(Beginnings {
                kind: EntryKind::Memory,
                role: 0,
                from: Some(told),
                words: Some(Words {
                    text: "a day".into(),
                    language: "en".into(),
                    date: Some("2026-05-01".into()),
                    place: Some("here".into()),
                    ..Words::default()
                }),
                agreed: false,
                says: Vec::new(),
            }),
        )
        .unwrap();
    pair.edit(
        ANA,
        Edit::Photo {
            entry: memory,
            photo: NewPhoto {
                bytes: vec![7; 100_000],
                mime: "image/jpeg".into(),
                size: None,
                as_it_was: true,
            },
        },
    )
    .unwrap();
    pair.meet();
    pair.meet();
    assert_eq!(pair.ana().replica.clock().0, pair.bo().replica.clock().0);
    all_reached(&pair);
    assert_eq!(
        texts(&pair, BO),
        [
            "Bo's own.",
            "No phones away at dinner. And in bed.",
            "One life.",
            "The other life, thought over."
        ]
    );
    // An entry that only this life knew is as it was, its author's agreement included; what had been agreed to elsewhere is
    // asked for anew.
    assert!(pair.bo().agreed(&mine).agreed_by_partner);
    assert!(!pair.bo().agreed(&other).agreed_by_partner);
    let [said] = &began(&pair, ANA)[..] else {
        panic!("it begins anew once");
    };
    assert_eq!((said.ask.clone(), said.left), (vec![other], 0));
    assert_eq!(said.carried.len(), 4, "{said:?}");
    let View::Talk(talk) = &pair.bo().card(&told).view else {
        panic!("a talk");
    };
    assert_eq!(
        talk.partners
            .account
            .as_ref()
            .map(|account| account.text.as_str()),
        Some("what was told")
    );
    assert_eq!(pair.bo().card(&memory).from, Some(told.0));
    let View::Memory(view) = &pair.bo().card(&memory).view else {
        panic!("a memory");
    };
    assert_eq!(view.photos.len(), 1);
    let reference = pair.bo().card(&memory).blobs().remove(0);
    let disk = pair.bo().disk.now.clone();
    let bytes = pair.bo().replica.read_blob(&disk, &reference).unwrap();
    assert_eq!(bytes, vec![7; 100_000]);
    assert!(pair.ana().set_aside().is_empty() && pair.bo().set_aside().is_empty());
    assert_eq!(logs_of_ana(&pair), 2);
}

#[test]
fn two_clones_in_turn_lose_nothing_and_come_to_hold_the_same() {
    let mut pair = met_pair(3);
    pair.edit(ANA, proposal("before")).unwrap();
    pair.meet();
    let mut asleep = pair.ana().disk.clone();
    let mut expected = vec!["before".to_owned()];
    for round in 0..6 {
        let text = format!("round {round}");
        pair.edit(ANA, proposal(&text)).unwrap();
        expected.push(text);
        let text = format!("from Bo, round {round}");
        pair.edit(BO, proposal(&text)).unwrap();
        expected.push(text);
        if round % 3 != 1 {
            pair.meet();
        }
        asleep = swap(&mut pair, ANA, &asleep);
    }
    for _ in 0..4 {
        pair.meet();
        asleep = swap(&mut pair, ANA, &asleep);
    }
    expected.sort();
    for _ in 0..2 {
        pair.meet();
        pair.assert_equal();
        assert_eq!(texts(&pair, ANA), expected);
        assert_eq!(texts(&pair, BO), expected);
        asleep = swap(&mut pair, ANA, &asleep);
    }
    // The second clone alone had to begin anew.
    assert_eq!(logs_of_ana(&pair), 2);
}

#[test]
fn a_clone_of_a_clone_and_a_home_restored_twice_are_no_different() {
    let mut pair = met_pair(4);
    let first = pair.ana().disk.clone();
    let mut expected = Vec::new();
    for round in 0..4 {
        // Noticed in every other round only.
        pair.roll_back(ANA, &first);
        if round % 2 == 0 {
            copied(&mut pair, ANA);
        }
        let text = format!("life {round}");
        pair.edit(ANA, proposal(&text)).unwrap();
        expected.push(text);
        if round == 2 {
            // A clone of this clone writes before either meets.
            let clone = pair.ana().disk.clone();
            pair.edit(ANA, proposal("the clone's")).unwrap();
            pair.meet();
            swap(&mut pair, ANA, &clone);
            pair.edit(ANA, proposal("the clone's clone's")).unwrap();
            expected.extend(["the clone's".to_owned(), "the clone's clone's".to_owned()]);
        }
        pair.meet();
        pair.meet();
        pair.assert_equal();
    }
    expected.sort();
    assert_eq!(texts(&pair, BO), expected);
}

#[test]
fn both_put_back_and_both_restored_lose_only_what_nobody_holds() {
    let mut pair = met_pair(5);
    let one = pair.edit(ANA, proposal("from Ana")).unwrap();
    pair.meet();
    let (ana, bo) = (pair.ana().disk.clone(), pair.bo().disk.clone());
    pair.edit(ANA, proposal("lost with both")).unwrap();
    pair.edit(BO, agree(one)).unwrap();
    pair.meet();
    pair.roll_back(ANA, &ana);
    pair.roll_back(BO, &bo);
    for who in [ANA, BO] {
        copied(&mut pair, who);
    }
    pair.edit(ANA, proposal("Ana, again")).unwrap();
    pair.edit(BO, proposal("Bo, again")).unwrap();
    pair.meet();
    pair.assert_equal();
    assert_eq!(texts(&pair, ANA), ["Ana, again", "Bo, again", "from Ana"]);
    // And once more the same, which none of them notices before it meets the other.
    pair.roll_back(ANA, &ana);
    pair.edit(ANA, proposal("Ana, a third time")).unwrap();
    pair.meet();
    pair.meet();
    pair.assert_equal();
    assert_eq!(texts(&pair, BO).len(), 4);
}

#[test]
fn a_backup_begins_anew_at_once_though_the_old_one_writes_on() {
    let mut pair = met_pair(6);
    pair.edit(ANA, proposal("in the backup, and nowhere else"))
        .unwrap();
    let backup = pair.ana().disk.clone();
    pair.edit(ANA, proposal("the old one writes on")).unwrap();
    pair.meet();
    let old = swap(&mut pair, ANA, &backup);
    pair.act(ANA, |replica, world| replica.begin_anew(world))
        .unwrap();
    assert_eq!(pair.ana().replica.incarnations().len(), 3);
    pair.edit(ANA, proposal("the restored one")).unwrap();
    pair.meet();
    pair.assert_equal();
    let restored = swap(&mut pair, ANA, &old);
    pair.edit(ANA, proposal("the old one, once more")).unwrap();
    pair.meet();
    assert!(pair.ana().was_shown(&Shown::Incarnation(Whose::Mine)));
    pair.assert_equal();
    swap(&mut pair, ANA, &restored);
    pair.meet();
    pair.assert_equal();
    assert_eq!(texts(&pair, ANA).len(), 4);
}

#[test]
fn nobody_but_the_device_announces_an_incarnation_of_it() {
    let mut pair = met_pair(7);
    let link = pair.connect();
    pair.run();
    let mut rng = ChaCha20Rng::seed_from_u64(99);
    let new = LogSecret::generate(&mut rng);
    let forge = |pair: &Pair, of: usize, signer: &LogSecret| {
        let device = &pair.devices[of];
        let root = device.log;
        let mut incarnation = Incarnation {
            beginning: Beginning {
                static_key: device.static_key,
                kit: None,
                name: PersonName::try_from("Ana").unwrap(),
            },
            proof: Incarnation::sign(&pair.journal, signer, &new.public(), &device.static_key),
            root,
        };
        if signer.public() == root {
            // With the device's own key, but for another log.
            let other = LogSecret::generate(&mut ChaCha20Rng::seed_from_u64(100));
            incarnation.proof =
                Incarnation::sign(&pair.journal, signer, &other.public(), &device.static_key);
        }
        let record = Record {
            journal: pair.journal,
            log: new.public(),
            seq: 1,
            prev: RecordHash::NONE,
            epoch: 0,
            kind: RecordKind::Membership as u8,
            seen: Vec::new(),
            payload: incarnation.to_bytes(),
        };
        let bytes = record.to_bytes();
        let signature = Record::sign(&bytes, &new);
        (bytes, signature)
    };
    let (ana, bo) = (pair.ana().log_secret(), pair.bo().log_secret());
    // Bo's program calls a log of its making Ana's, vouches for it himself, and shows it to her.
    for (of, signer) in [(ANA, &bo), (ANA, &new), (ANA, &ana), (BO, &new)] {
        let record = forge(&pair, of, signer);
        let frame = pair.sealed(&[record]);
        pair.ana_gets(link, &frame);
    }
    assert_eq!(pair.ana().replica.incarnations().len(), 2);
    assert_eq!(pair.ana().refused().len(), 4);
    pair.run();
    pair.assert_equal();
}

#[test]
fn a_device_has_no_more_logs_than_a_clock_can_name() {
    let mut pair = met_pair(8);
    for _ in 1..MOST_LOGS {
        copied(&mut pair, BO);
        pair.edit(BO, proposal("x")).unwrap();
    }
    assert_eq!(
        pair.act(BO, |replica, world| replica.begin_anew(world)),
        Err(EditError::TooManyLogs)
    );
    // As a copy that can begin no more it goes on as it is.
    copied(&mut pair, BO);
    pair.edit(BO, proposal("y")).unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn a_device_that_fails_while_it_begins_anew_loses_nothing() {
    use common::{Done, Fault};
    for at in 0..8 {
        for fault in [
            Fault::Killed(at),
            Fault::PowerCut(at),
            Fault::SaveFails(at / 2),
        ] {
            let mut pair = met_pair(9);
            let copy = pair.ana().disk.clone();
            pair.edit(ANA, proposal("one life")).unwrap();
            pair.meet();
            pair.roll_back(ANA, &copy);
            pair.edit(ANA, proposal("the other life")).unwrap();
            // It is confirmed, and will stand under another number.
            pair.devices[ANA].confirmed = 0;
            pair.connect();
            while pair.run_for(1) == 1 && began(&pair, ANA).is_empty() {
                pair.devices[ANA].fault = Some(fault);
            }
            let done = pair.feed(ANA, Input::Continue).unwrap();
            assert!(matches!(done, Done::Whole | Done::Faulted));
            pair.devices[ANA].fault = None;
            for link in pair.links.keys().copied().collect::<Vec<_>>() {
                pair.cut(link);
            }
            pair.meet();
            pair.meet();
            pair.assert_equal();
            assert_eq!(
                texts(&pair, BO),
                ["one life", "the other life"],
                "{fault:?}"
            );
        }
    }
}

#[test]
fn a_bundle_brings_a_new_incarnation_and_its_clock() {
    let mut pair = met_pair(10);
    let copy = pair.ana().disk.clone();
    pair.roll_back(ANA, &copy);
    copied(&mut pair, ANA);
    let entry: EntryId = pair.edit(ANA, proposal("by stick")).unwrap();
    let carry = |pair: &mut Pair, from: usize, to: usize| {
        use amends_replica::{BundleParser, LinkId, World};
        let file = LinkId(1 << 40);
        let device = &mut pair.devices[from];
        let mut writer = device.replica.begin_bundle(false);
        let mut parser = BundleParser::default();
        loop {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            let mut world = World {
                now: 0,
                rng: &mut rng,
                shelf: &device.disk.now,
            };
            match device
                .replica
                .write_bundle(&mut world, &mut writer)
                .unwrap()
            {
                Some(bytes) => parser.give(&bytes),
                None => break,
            }
        }
        pair.feed(to, Input::BundleOpened { link: file }).unwrap();
        while let Some(item) = parser.next_item().unwrap() {
            pair.feed(
                to,
                Input::Bundled {
                    link: file,
                    item: &item,
                },
            )
            .unwrap();
        }
        pair.feed(to, Input::BundleClosed { link: file }).unwrap();
    };
    carry(&mut pair, ANA, BO);
    assert_eq!(texts(&pair, BO), ["by stick"]);
    assert!(!pair.ana().reached(&entry));
    carry(&mut pair, BO, ANA);
    assert!(pair.ana().reached(&entry));
    pair.meet();
    pair.assert_equal();
}
