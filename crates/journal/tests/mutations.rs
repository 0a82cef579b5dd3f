//! Honest changes, altered at random, their checksums mended: each is refused, or leaves a part that
//! saves, loads, shows and takes the next honest edit. Of a boundary's parts, with the whole story of two people; and of
//! every part of every kind of entry.
//!
//! `AMENDS_MUTATIONS=1000000 cargo test --release -p amends-journal --test mutations -- --nocapture`
//! runs more of them and prints how they fell, how long the slowest took, and the memory of the process at its highest.

#[path = "common/alter.rs"]
mod alter;
mod common;
#[path = "common/every.rs"]
mod every;
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alter::{Random, by_bytes, by_meaning};
use amends_journal::{Actor, EntryKind, Part, PartKind, Refusal};
use common::{Deed, Device, Which};

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

fn told(refusal: &Refusal) -> String {
    let kind = match refusal {
        Refusal::Trial(fault) => format!("{fault:?}"),
        Refusal::MissingDependency(_) => "MissingDependency".into(),
        _ => String::new(),
    };
    format!("refused at step {} {kind}", refusal.step())
}

/// Where it fell: the step, or taken.
fn meet(sample: &Sample, change: &[u8]) -> String {
    let mut device = sample.device.clone();
    let before = device.part(sample.which).clone();
    match amends_journal::wall::admit(&before, &common::writer(sample.actor), &[change]) {
        Err(refusal) => told(&refusal),
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
    let runs = runs(6_000);
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

/// How many alterations to try.
fn runs(few: usize) -> usize {
    let asked = std::env::var("AMENDS_MUTATIONS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(few)
}

/// The most memory that this process ever took, in kB, where the system tells.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Where an alteration of any part fell. The honest part is what it was, whatever came.
fn meet_any(sample: &every::Sample, change: &[u8]) -> String {
    let heads = sample.before().heads();
    let met = amends_journal::wall::admit(sample.before(), &sample.writer, &[change]);
    assert_eq!(sample.before().heads(), heads, "the honest part changed");
    match met {
        Err(refusal) => told(&refusal),
        Ok(taken) => {
            let again = Part::load(taken.kind(), 1, taken.part(), &taken.save()).expect("loads");
            assert_eq!(again.heads(), taken.heads());
            assert_eq!(again.save(), taken.save());
            sample.with(again).goes_on();
            "taken".into()
        }
    }
}

#[test]
fn altered_changes_of_every_kind_and_part_are_refused_or_do_no_harm() {
    let runs = runs(6_000);
    let samples = every::samples();
    let mut random = Random(3);
    let mut fell: BTreeMap<String, usize> = BTreeMap::new();
    let mut parts: BTreeMap<(EntryKind, bool), usize> = BTreeMap::new();
    for sample in &samples {
        let what = format!("{:?} {:?}", sample.kind(), sample.before().part());
        assert_eq!(
            meet_any(sample, &sample.change),
            "taken",
            "unaltered: {what}"
        );
    }
    let saved: Vec<Vec<u8>> = samples
        .iter()
        .map(|sample| sample.before().save())
        .collect();
    let mut slowest = Duration::ZERO;
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
        let begun = Instant::now();
        let met = meet_any(sample, &change);
        slowest = slowest.max(begun.elapsed());
        let shared = sample.before().part() == PartKind::Shared;
        *parts.entry((sample.kind(), shared)).or_default() += 1;
        *fell.entry(format!("{how}: {met}")).or_default() += 1;
    }
    for (where_, count) in &fell {
        println!("{count:>9} {where_}");
    }
    for ((kind, shared), count) in &parts {
        println!("{count:>9} of a {kind:?}, shared: {shared}");
    }
    println!("the slowest took {slowest:?}, its honest edits after it included");
    println!("memory at its highest: {:?} kB", most_memory());
    let still: Vec<Vec<u8>> = samples
        .iter()
        .map(|sample| sample.before().save())
        .collect();
    assert!(saved == still, "an honest part is not what it was");
    for kind in EntryKind::ALL {
        assert!(
            parts.contains_key(&(kind, false)),
            "no own part of a {kind:?}"
        );
    }
    assert!(parts.keys().filter(|(_, shared)| *shared).count() >= 7);
    for step in ["step 3", "step 4", "taken"] {
        assert!(
            fell.keys().any(|key| key.contains(step)),
            "none reached {step}"
        );
    }
}
