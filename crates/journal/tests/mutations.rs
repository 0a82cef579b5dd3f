//! Honest changes, altered at random, their checksums mended: each is refused, or leaves a part that
//! saves, loads, shows and takes the next honest edit.
//!
//! `AMENDS_MUTATIONS=1000000 cargo test --release -p amends-journal --test mutations -- --nocapture`
//! runs more of them and prints how they fell.

mod common;
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeMap;

use amends_journal::{Actor, Part, Refusal};
use automerge::legacy::{ElementId, Key, ObjectId, OpType};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};
use common::{Deed, Device, Which};
use forge::{bytes, chunk, content, id};

/// A small generator of its own: the same run every time (Vigna, splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// An honest change, the device just before it came, and where it goes.
struct Sample {
    device: Device,
    actor: Actor,
    which: Which,
    change: Vec<u8>,
}

/// Two people write, delete, agree, merge; every change of Bo's as Ana's device meets it.
fn samples() -> Vec<Sample> {
    let (mut ana, mut bo) = (Device::new(Which::Anas, 1), Device::new(Which::Bos, 2));
    bo.takes(&ana.propose("Evenings", "We put phones away at dinner."))
        .unwrap();
    let text = |t: &str| Deed::Text(t.into());
    let deeds = [
        (
            text("We put all phones away at dinner, café included 👩🏽."),
            None,
        ),
        (
            Deed::Title("Our evenings".into()),
            Some(text("We put phones far away at dinner.")),
        ),
        (
            Deed::Review(Some("2027-03-01".into())),
            Some(Deed::Review(Some("2028-03-01".into()))),
        ),
        (Deed::Review(None), None),
        (Deed::Why("because I miss you".into()), Some(Deed::Agree)),
        (Deed::Agree, Some(text("Short."))),
        (text("Entirely other words, written at once."), None),
        (Deed::Agree, Some(Deed::Decline("no".into()))),
        (Deed::Decline("not yet".into()), None),
        (Deed::Agree, Some(Deed::Agree)),
        (Deed::End("it hurts".into()), None),
        (Deed::Agree, None),
    ];
    let mut samples = Vec::new();
    for (bos, anas) in deeds {
        let bos = bo.does(&bos);
        let anas = anas.and_then(|deed| ana.does(&deed));
        if let Some(record) = bos {
            let (which, changes) = &record.items[0];
            let (actor, which) = (record.actor, *which);
            samples.push(Sample {
                device: ana.clone(),
                actor,
                which,
                change: changes[0].clone(),
            });
            ana.takes(&record).unwrap();
        }
        if let Some(record) = anas {
            bo.takes(&record).unwrap();
        }
    }
    assert!(samples.len() >= 11);
    samples
}

/// Bytes set, flipped, put in, taken out, doubled, or taken from another change.
fn by_bytes(random: &mut Random, change: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = content(change).to_vec();
    let edges = [0, 1, 2, 3, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0xff];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = edges[random.below(edges.len())],
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => bytes.insert(at, edges[random.below(edges.len())]),
            6 => {
                bytes.remove(at);
            }
            _ => {
                let other = content(other);
                let (from, n) = (random.below(other.len()), 1 + random.below(12));
                let taken: Vec<u8> = other.iter().skip(from).take(n).copied().collect();
                let end = (at + taken.len()).min(bytes.len());
                bytes.splice(at..end, taken);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    chunk(1, &bytes)
}

/// Operations and header altered before they are encoded: these reach the last steps.
fn by_meaning(random: &mut Random, change: &[u8], other: &[u8]) -> Vec<u8> {
    let decode = |bytes: &[u8]| ExpandedChange::from(&Change::try_from(bytes).unwrap());
    let (mut change, other) = (decode(change), decode(other));
    let actors = [
        change.actor_id.clone(),
        ActorId::from([0; 16]),
        ActorId::from([1; 16]),
        ActorId::from([2; 16]),
    ];
    for _ in 0..=random.below(2) {
        let name = id(
            1 + random.below(60) as u64,
            Actor(actors[random.below(4)].to_bytes().try_into().unwrap()),
        );
        let n = change.operations.len();
        let at = random.below(n);
        if random.below(8) == 0 {
            match random.below(6) {
                0 => change.seq = change.seq.wrapping_add(random.next() % 3),
                1 => {
                    change.start_op = (change.start_op.get() + random.next() % 3)
                        .try_into()
                        .unwrap()
                }
                2 => change.time = random.next() as i64,
                3 => change.deps.extend(other.deps.clone()),
                4 => drop(change.deps.pop()),
                _ => change.actor_id = actors[random.below(4)].clone(),
            }
            change.deps.sort();
            change.deps.dedup();
            continue;
        }
        let Some(op) = change.operations.get_mut(at) else {
            continue;
        };
        match random.below(11) {
            0 => op.insert = !op.insert,
            1 => op.key = Key::Seq(ElementId::Id(name)),
            2 => op.key = Key::Seq(ElementId::Head),
            3 => {
                op.key = Key::Map(
                    ["title", "text", "acts", "why", "language", "review_on", "x"][random.below(7)]
                        .into(),
                )
            }
            4 => {
                op.obj = if random.below(4) == 0 {
                    ObjectId::Root
                } else {
                    ObjectId::Id(name)
                }
            }
            5 => op.pred = vec![name].into(),
            6 => op.pred = Vec::new().into(),
            7 => {
                op.action = match random.below(6) {
                    0 => OpType::Delete,
                    1 => OpType::Make(ObjType::Map),
                    2 => OpType::Increment(1),
                    3 => OpType::Put("y".into()),
                    4 => OpType::Put(ScalarValue::Bytes(vec![1, 2, 3])),
                    _ => OpType::Put(ScalarValue::Counter(3.into())),
                }
            }
            8 => {
                let copy = other.operations[random.below(other.operations.len())].clone();
                change.operations.insert(at, copy);
            }
            9 => drop(change.operations.remove(at)),
            _ => change.operations.swap(at, random.below(n)),
        }
    }
    bytes(change)
}

/// Where it fell: the step, or taken.
fn meet(sample: &Sample, change: &[u8]) -> String {
    let mut device = sample.device.clone();
    let before = device.part(sample.which).clone();
    match amends_journal::wall::admit(&before, &common::writer(sample.actor), &[change]) {
        Err(refusal) => {
            let kind = match &refusal {
                Refusal::Trial(fault) => format!("{fault:?}"),
                Refusal::MissingDependency(_) => "MissingDependency".into(),
                _ => String::new(),
            };
            format!("refused at step {} {kind}", refusal.step())
        }
        Ok(taken) => {
            let again = Part::load(taken.kind(), 1, taken.part(), &taken.save()).expect("loads");
            assert_eq!(again.heads(), taken.heads());
            assert_eq!(again.save(), taken.save());
            *device.part(sample.which) = again;
            let view = device.view();
            let text = format!("{} and then", view.current.text.trim());
            assert!(
                device.does(&Deed::Text(text)).is_some(),
                "the next honest edit"
            );
            assert!(device.does(&Deed::Agree).is_some(), "the next honest act");
            "taken".into()
        }
    }
}

#[test]
fn altered_changes_are_refused_or_do_no_harm() {
    let runs: usize = std::env::var("AMENDS_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(6_000);
    let samples = samples();
    let mut random = Random(2);
    let mut fell: BTreeMap<String, usize> = BTreeMap::new();
    for sample in &samples {
        assert_eq!(meet(sample, &sample.change), "taken", "unaltered");
    }
    for run in 0..runs {
        let sample = &samples[random.below(samples.len())];
        let other = &samples[random.below(samples.len())].change;
        let (how, change) = if run % 2 == 0 {
            ("bytes", by_bytes(&mut random, &sample.change, other))
        } else {
            ("meaning", by_meaning(&mut random, &sample.change, other))
        };
        if change == sample.change {
            continue;
        }
        *fell
            .entry(format!("{how}: {}", meet(sample, &change)))
            .or_default() += 1;
    }
    for (where_, count) in &fell {
        println!("{count:>9} {where_}");
    }
    // The alterations are worth something only if they reach every step, and pass.
    for step in ["step 3", "step 4", "taken"] {
        assert!(
            fell.keys().any(|key| key.contains(step)),
            "none reached {step}"
        );
    }
}
