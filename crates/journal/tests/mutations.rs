//! Honest changes of every kind of entry, altered in every way that their checksum can be mended after, and hostile ones of
//! nothing but runs, nests and values beside each other: each is refused and leaves its part byte for byte as it was, or
//! leaves one that saves, loads, shows, holds all that it held and takes the next honest edit of both people.
//!
//! `AMENDS_MUTATIONS=1000000 cargo test --release --workspace --test mutations -- --nocapture`
//! runs more of them and prints how they fell, the longest single one, and the most memory.

#[path = "common/altered.rs"]
mod altered;
#[path = "common/forge.rs"]
mod forge;
#[path = "common/lived.rs"]
mod lived;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use altered::{Random, alter};
use amends_journal::{EntryKind, Part, Refusal, RuleError, wall};
use lived::{Device, Life, Sample, lives, samples};

/// Where it fell: the step, or taken.
fn meet(lives: &[Life], sample: &Sample, changes: &[Vec<u8>], longest: &mut Duration) -> String {
    let device = &sample.device;
    let before = device.part(sample.which);
    let (saved, heads) = (before.save(), before.heads());
    let slices: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
    let from = Instant::now();
    let admitted = wall::admit(before, &device.writer(sample.by), &slices);
    *longest = (*longest).max(from.elapsed());
    let taken = match admitted {
        Err(refusal) => {
            assert!(before.save() == saved && before.heads() == heads);
            let fault = match &refusal {
                Refusal::Trial(fault) => format!(" {fault:?}"),
                _ => String::new(),
            };
            return format!("refused at step {}{fault}", refusal.step());
        }
        Ok(taken) => taken,
    };
    let from = Instant::now();
    let again = Part::load(taken.kind(), 1, taken.part(), &taken.save()).expect("loads");
    assert_eq!(again.heads(), taken.heads());
    assert!(again.save() == taken.save());
    assert!(
        heads.iter().all(|head| again.has(head)),
        "holds what it held"
    );
    let mut after = device.clone();
    *after.part_mut(sample.which) = again;
    let other = after.of_the_other();
    goes_on(&lives[sample.life], after);
    if !device.alone {
        goes_on(&lives[sample.life], other);
    }
    *longest = (*longest).max(from.elapsed());
    "taken".into()
}

/// It is shown, and its person goes on in it: what the rules of its kind allow comes through the wall, here and on the
/// other's device.
fn goes_on(life: &Life, mut device: Device) {
    let short = device.view().in_short();
    drop((short, device.view().agreement()));
    let mut partner = device.of_the_other();
    for deed in &life.nexts {
        match device.does(*deed) {
            Ok(Some(record)) => partner.takes(&record).expect("the other takes it"),
            Ok(None) => {}
            // Such as: nothing to agree to, not one's own entry to end.
            Err(error) => assert!(
                !matches!(error, RuleError::Write(_)),
                "the next honest edit: {error}"
            ),
        }
    }
    let has_text = !matches!(
        life.kind,
        EntryKind::Space | EntryKind::Feeling | EntryKind::Apology
    );
    if has_text {
        let edit = amends_journal::Edit {
            title: Some("An honest title"),
            ..Default::default()
        };
        let writer = device.writer(device.who);
        let edited = device.view().edit(&writer, lived::NOW, &edit);
        assert!(edited.is_ok(), "{}: {:?}", life.name, edited.err());
    }
    assert_eq!(device.shared.heads(), partner.shared.heads());
}

fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap_or("VmHWM: not known here").to_owned()
}

#[test]
fn altered_changes_are_refused_or_do_no_harm() {
    let runs: usize = std::env::var("AMENDS_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(4_000);
    let seed = std::env::var("AMENDS_SEED")
        .ok()
        .and_then(|n| n.parse().ok());
    let lives = lives();
    let samples = samples(&lives);
    let mut longest = Duration::ZERO;
    for kind in EntryKind::ALL {
        assert!(samples.iter().any(|s| s.device.kind == kind), "{kind:?}");
    }
    for sample in &samples {
        let honest = std::slice::from_ref(&sample.change);
        let met = meet(&lives, sample, honest, &mut longest);
        assert_eq!(met, "taken", "{}: unaltered", lives[sample.life].name);
    }
    let mut random = Random(seed.unwrap_or(2));
    let mut fell: BTreeMap<String, usize> = BTreeMap::new();
    let mut slowest = (Duration::ZERO, String::new());
    let from = Instant::now();
    for run in 0..runs {
        let at = random.below(samples.len());
        let sample = &samples[at];
        let other = random.below(samples.len());
        let (how, changes) = alter(&mut random, sample.to_alter(), samples[other].to_alter());
        if changes == [sample.change.clone()] {
            continue;
        }
        let mut took = Duration::ZERO;
        let met = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            meet(&lives, sample, &changes, &mut took)
        }));
        let name = lives[sample.life].name;
        let met = met.unwrap_or_else(|panic| {
            println!("run {run}, {name}, sample {at}, {how}: {changes:02x?}");
            std::panic::resume_unwind(panic)
        });
        if took > slowest.0 {
            slowest = (took, format!("run {run}, {name}, {how}, {met}"));
        }
        *fell.entry(format!("{how:<14} {met}")).or_default() += 1;
    }
    for (where_, count) in &fell {
        println!("{count:>9} {where_}");
    }
    println!(
        "{runs} in {:.1} s, the longest {:.1} ms ({}), {}",
        from.elapsed().as_secs_f64(),
        slowest.0.as_secs_f64() * 1000.0,
        slowest.1,
        most_memory()
    );
    // The alterations are worth something only if they reach every step, and pass.
    for step in ["step 3", "step 4", "taken"] {
        assert!(
            fell.keys().any(|key| key.contains(step)),
            "none reached {step}"
        );
    }
}
