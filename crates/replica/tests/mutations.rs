//! Altered changes of every kind on their whole way: in a record that the partner's key signed, in an envelope that the pair's
//! key sealed, to a device that holds an entry of every kind. Ninety-nine good records beside each are applied, whatever
//! becomes of it; what is set aside leaves every honest part byte for byte as it was, also where the device starts anew.
//!
//! `AMENDS_MUTATIONS=1000000 cargo test --release --workspace --test mutations -- --nocapture` plays a thousandth of that here,
//! and all of it in the journal's own test of that name.

#[path = "../../journal/tests/common/altered.rs"]
mod altered;
#[path = "../../journal/tests/common/forge.rs"]
mod forge;
#[allow(dead_code, reason = "the example uses more of it")]
#[path = "../../../examples/wall/story.rs"]
mod story;

use std::collections::BTreeMap;

use altered::{Random, alter};
use amends_journal::{Draft, EntryId, EntryKind, Part, PartKind, Writer, propose};
use amends_keys::seal;
use amends_replica::{
    Frame, Input, Item, LinkId, Record, RecordHash, Shelf, Shown, Table, actor_of, write_items,
};
use story::{Device, Story, Who};

/// Records of one envelope: one of them is not good.
const RECORDS: usize = 100;

/// What one record carries: a boundary of its own.
fn good(number: u32) -> (EntryId, Vec<Item>) {
    let mut entry = [0x99; 16];
    entry[..4].copy_from_slice(&number.to_be_bytes());
    let entry = EntryId(entry);
    let actor = actor_of(&Who::Bo.log().public());
    let writer = Writer {
        journal: story::journal().0,
        entry,
        log: [0; 32],
        device: actor,
        actor,
        alone: false,
    };
    let draft = Draft {
        text: "good",
        language: "en",
        ..Draft::default()
    };
    let proposed = propose(&writer, story::NOW, &draft).unwrap();
    let item = |part, change: &Vec<u8>| Item {
        entry,
        kind: EntryKind::Boundary.byte(),
        schema: 1,
        part,
        change: change.clone(),
    };
    let shared = proposed.shared.changes.iter();
    let own = proposed.own.changes.iter();
    let items = shared
        .map(|change| item(PartKind::Shared, change))
        .chain(own.map(|change| item(PartKind::Own, change)));
    (entry, items.collect())
}

/// Ana's device as it stood before anything hostile came, in a session with Bo's keys.
fn attacked(story: &Story) -> (Device, Record) {
    let mut device = Device::on(story.ana.clone(), Who::Ana).unwrap();
    let met = Input::Met {
        link: LinkId(1),
        device: Who::Bo.static_key(),
    };
    device.feed(met).unwrap();
    let log = Who::Bo.log().public();
    let clock = device.replica.clock();
    let record = Record {
        journal: story::journal(),
        log,
        seq: clock.seq(&log),
        prev: clock.head(&log),
        epoch: 0,
        kind: 1,
        seen: Vec::new(),
        payload: Vec::new(),
    };
    (device, record)
}

/// The parts' rows.
fn parts(device: &Device) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let rows = device.shelf.scan(Table::Part, &[], usize::MAX);
    rows.unwrap().into_iter().collect()
}

fn load(key: &[u8], row: &[u8]) -> Part {
    let part = match key.last() {
        Some(0) => PartKind::Shared,
        _ => PartKind::Own,
    };
    let kind = EntryKind::from_byte(row[0]).unwrap();
    Part::load(kind, row[1], part, &row[2..]).expect("every part loads")
}

#[test]
fn ninety_nine_good_records_beside_an_altered_one_are_applied() {
    let runs: usize = std::env::var("AMENDS_MUTATIONS")
        .ok()
        .and_then(|n| n.parse::<usize>().ok())
        .map_or(24, |n| n / 1_000)
        .max(24);
    let story = story::live().unwrap();
    let honest = parts(&attacked(&story).0);
    let goods: Vec<_> = (0..RECORDS as u32 - 1).map(good).collect();
    let bos = actor_of(&Who::Bo.log().public());
    let parts_of: Vec<Part> = story
        .samples
        .iter()
        .map(|sample| {
            let mut key = story.entries[&sample.kind].0.to_vec();
            key.push(sample.part.byte() * 2);
            honest.get(&key).map_or_else(
                || Part::new(sample.kind, 1, sample.part).unwrap(),
                |row| load(&key, row),
            )
        })
        .collect();
    let to_alter = |at: usize| altered::Sample {
        part: &parts_of[at],
        actor: bos,
        change: &story.samples[at].change,
    };
    let mut random = Random(5);
    let (mut taken, mut set_aside) = (0, BTreeMap::<String, usize>::new());
    for run in 0..runs {
        let at = random.below(story.samples.len());
        let other = random.below(story.samples.len());
        let (how, changes) = alter(&mut random, to_alter(at), to_alter(other));
        let sample = &story.samples[at];
        let bad = changes.into_iter().map(|change| Item {
            entry: story.entries[&sample.kind],
            kind: sample.kind.byte(),
            schema: 1,
            part: sample.part,
            change,
        });
        let bad: Vec<Item> = bad.collect();
        let place = random.below(RECORDS);
        let mut payloads: Vec<&[Item]> = goods.iter().map(|(_, items)| &items[..]).collect();
        payloads.insert(place, &bad);

        let (mut device, mut record) = attacked(&story);
        let signed: Vec<_> = payloads
            .into_iter()
            .map(|items| {
                record.seq += 1;
                record.payload = write_items(items);
                let bytes = record.to_bytes();
                record.prev = RecordHash::of(&bytes);
                let signature = Record::sign(&bytes, &Who::Bo.log());
                (bytes, signature)
            })
            .collect();
        let all: Vec<_> = signed.iter().map(|(bytes, by)| (&bytes[..], by)).collect();
        let envelope = seal::seal(0, &story::epoch(), &story::journal(), [7; 24], &all).unwrap();
        let frame = Frame::Envelope(envelope).to_bytes();
        device.shown.clear();
        let received = Input::Received {
            link: LinkId(1),
            frame: &frame,
        };
        let what = format!("run {run}, {how}, {}", sample.name);
        device.feed(received).unwrap();

        let aside: Vec<&String> = device
            .shown
            .iter()
            .filter_map(|shown| match shown {
                Shown::SetAside { reason, .. } => Some(reason),
                Shown::Refused(reason) => panic!("{what}: {reason}"),
                _ => None,
            })
            .collect();
        match &aside[..] {
            [] => taken += 1,
            [reason] => {
                let step = reason.split(':').next().unwrap_or_default();
                *set_aside.entry(step.to_owned()).or_default() += 1;
            }
            more => panic!("{what}: {more:?}"),
        }
        let refused = !aside.is_empty();
        // The clock says that all came, also after the next start.
        for _ in 0..2 {
            let clock = device.replica.clock();
            assert_eq!(clock.seq(&record.log), record.seq, "{what}");
            assert_eq!(device.replica.set_aside(), u64::from(refused), "{what}");
            for (entry, _) in &goods {
                let card = device.replica.card(entry);
                let text = &card.and_then(|card| card.agreed()).expect(&what).text;
                assert_eq!(text, "good", "{what}");
            }
            device.restart().unwrap();
        }
        let now = parts(&device);
        for (key, row) in &honest {
            if refused {
                assert!(now[key] == *row, "{what}: an honest part was changed");
            } else if now[key] != *row {
                let (before, after) = (load(key, row), load(key, &now[key]));
                assert!(before.heads().iter().all(|head| after.has(head)), "{what}");
            }
        }
    }
    println!(
        "{taken} taken, set aside: {set_aside:?}, beside {} good ones each",
        RECORDS - 1
    );
    assert!(taken > 0 && set_aside.len() > 1, "{taken} {set_aside:?}");
}
