//! The wall (PROTOCOL section 6, steps 2 to 5): what stands where an Automerge change belongs.

use std::sync::LazyLock;

use amends_journal::wall::{Refusal, admit};
use amends_journal::{
    Actor, Begin, Draft, Edit, Entry, EntryId, EntryKind, Part, PartKind, SCHEMA, Say, Writer,
    apology, begin, feeling, propose,
};

use super::mend;
use super::word;

const JOURNAL: [u8; 32] = [0x77; 32];
const NOW: i64 = 1_800_000_000_000;
const NONCE: [u8; 16] = [5; 16];

fn writer(n: u8, entry: EntryId) -> Writer {
    Writer {
        journal: JOURNAL,
        entry,
        log: [n; 32],
        device: Actor([n; 16]),
        actor: Actor([n; 16]),
        alone: false,
    }
}

fn refused(refusal: &Refusal) -> String {
    let fault = match refusal {
        Refusal::Chunk(fault) => word(fault),
        Refusal::Columns(fault) => word(fault),
        Refusal::MissingDependency(_) => "MissingDependency".into(),
        Refusal::Permit(fault) => {
            // Which of its many reasons does not matter here.
            let _ = fault.to_string();
            "Permit".into()
        }
        Refusal::Trial(fault) => word(fault),
    };
    format!("step {} {fault}", refusal.step())
}

/// New parts of every kind: shared and own.
static NEW: LazyLock<Vec<Part>> = LazyLock::new(|| {
    let kinds = EntryKind::ALL.into_iter();
    kinds
        .flat_map(|kind| {
            [PartKind::Shared, PartKind::Own].map(|part| Part::new(kind, SCHEMA, part).unwrap())
        })
        .collect()
});

/// A first byte: 255 for a chunk as it is; otherwise which new part (modulo how many there are) the rest is the content of a
/// change for. Nothing of what is refused before step 5 was seen by Automerge.
pub fn columns(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let bytes = if which == 255 {
        rest.to_vec()
    } else {
        mend::automerge_chunk(1, rest)
    };
    let part = &NEW[usize::from(which) % NEW.len()];
    let before = part.heads();
    let writer = writer(2, EntryId([7; 16]));
    let taken = admit(part, &writer, &[&bytes]);
    assert_eq!(part.heads(), before, "the part itself was changed");
    match taken {
        Ok(after) => {
            loads(&after);
            "taken".into()
        }
        Err(refusal) => refused(&refusal),
    }
}

pub fn column_seeds() -> Vec<Vec<u8>> {
    let places: Vec<_> = NEW.iter().map(|part| (part.kind(), part.part())).collect();
    let mut seeds = vec![vec![0], vec![255], vec![255; 40]];
    seeds.push(b"\xff\x85\x6f\x4a\x83".to_vec());
    for sample in SAMPLES.iter() {
        let place = (sample.part.kind(), sample.part.part());
        let which = places.iter().position(|other| *other == place).unwrap();
        let content = mend::content(&sample.change);
        seeds.push([&[which as u8], content].concat());
    }
    let change = &SAMPLES[0].change;
    let mut wrong = change.clone();
    wrong[4] ^= 1;
    seeds.push([&[255], &wrong[..]].concat());
    seeds.push([&[255], &change[..], &[0]].concat());
    for kind in [0, 2, 3, 9] {
        let chunk = mend::automerge_chunk(kind, mend::content(change));
        seeds.push([&[255], &chunk[..]].concat());
    }
    seeds
}

/// An honest change, and the part as it was before.
struct Sample {
    part: Part,
    /// The rest of its entry, to look at it together.
    other: Part,
    writer: Writer,
    change: Vec<u8>,
}

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);

/// A boundary that two people wrote and agreed to, an apology with its answer, a feeling: every change of them.
fn samples() -> Vec<Sample> {
    let mut samples = boundary();
    samples.extend(told(
        EntryKind::Apology,
        &[apology::Say::Give(apology::Words {
            did: "I shouted.".into(),
            hurt: "It frightened you.".into(),
            own: "I own it.".into(),
            change: "I will walk first.".into(),
            repair: "Dinner.".into(),
        })
        .into()],
        |entry| {
            let answered = apology::Say::Answer {
                of: entry.apology().hash,
                answer: apology::Answer::Accepted,
                words: "Thank you.".into(),
            };
            vec![answered.into()]
        },
    ));
    samples.extend(told(
        EntryKind::Feeling,
        &[feeling::Say::Feel(feeling::Feel {
            words: "Tired".into(),
            because: "of late nights".into(),
            intensity: Some(3),
            tags: vec!["sleep".into()],
        })
        .into()],
        |_| Vec::new(),
    ));
    samples
}

fn boundary() -> Vec<Sample> {
    let entry = EntryId([7; 16]);
    let (ana, bo) = (writer(1, entry), writer(2, entry));
    let new = |part| Part::new(EntryKind::Boundary, SCHEMA, part).unwrap();
    let (mut shared, mut anas, mut bos) = (
        new(PartKind::Shared),
        new(PartKind::Own),
        new(PartKind::Own),
    );
    let mut samples = Vec::new();
    let mut keep = |part: &mut Part, other: &Part, writer: Writer, changes: &[Vec<u8>]| {
        for change in changes {
            samples.push(Sample {
                part: part.clone(),
                other: other.clone(),
                writer,
                change: change.clone(),
            });
            *part = admit(part, &writer, &[change]).unwrap();
        }
    };
    let draft = Draft {
        title: "Evenings",
        text: "Phones away at dinner.",
        language: "en",
        ..Draft::default()
    };
    let proposed = propose(&ana, NOW, &draft).unwrap();
    keep(&mut shared, &anas, ana, &proposed.shared.changes);
    keep(&mut anas, &shared, ana, &proposed.own.changes);
    for step in 0..6 {
        let seen = Entry {
            entry,
            shared: &shared,
            mine: &bos,
            partners: &anas,
        };
        let edit = |title, text, review_on| {
            let edit = Edit {
                title,
                text,
                review_on,
                ..Edit::default()
            };
            seen.edit(&bo, NOW, &edit).unwrap().unwrap()
        };
        match step {
            0 => {
                let written = seen.agree(&bo, NOW).unwrap().unwrap();
                keep(&mut bos, &shared, bo, &written.changes);
            }
            1 => {
                let written = seen
                    .say_why(&bo, NOW, "because I miss you")
                    .unwrap()
                    .unwrap();
                keep(&mut bos, &shared, bo, &written.changes);
            }
            2 => {
                let written = seen.end(&bo, NOW, Some("it hurts")).unwrap();
                keep(&mut bos, &shared, bo, &written.changes);
            }
            3 => {
                let written = edit(None, Some("Phones far away at dinner, café too 👩🏽."), None);
                keep(&mut shared, &anas, bo, &written.changes);
            }
            4 => {
                let written = edit(Some("Our evenings"), None, Some(Some("2027-03-01")));
                keep(&mut shared, &anas, bo, &written.changes);
            }
            _ => {
                let written = edit(None, Some("Short."), Some(None));
                keep(&mut shared, &anas, bo, &written.changes);
            }
        }
    }
    samples
}

/// Ana begins an entry and says something in it, Bo answers.
fn told(kind: EntryKind, says: &[Say], answers: impl Fn(&Entry<'_>) -> Vec<Say>) -> Vec<Sample> {
    let entry = Begin::id(&JOURNAL, kind, &Actor([1; 16]), &NONCE);
    let (ana, bo) = (writer(1, entry), writer(2, entry));
    let new = |part| Part::new(kind, SCHEMA, part).unwrap();
    let beginning = Begin {
        nonce: NONCE,
        role: 0,
        from: None,
    };
    let begun = begin(kind, &ana, NOW, beginning, None, false, says).unwrap();
    let mut samples: Vec<Sample> = begun
        .own
        .changes
        .iter()
        .map(|change| Sample {
            part: new(PartKind::Own),
            other: new(PartKind::Shared),
            writer: ana,
            change: change.clone(),
        })
        .collect();
    let (shared, bos) = (new(PartKind::Shared), new(PartKind::Own));
    let seen = Entry {
        entry,
        shared: &shared,
        mine: &bos,
        partners: &begun.own.part,
    };
    let answers = answers(&seen);
    if !answers.is_empty() {
        let written = seen.say(&bo, NOW, &answers).unwrap();
        samples.extend(written.changes.iter().map(|change| Sample {
            part: bos.clone(),
            other: shared.clone(),
            writer: bo,
            change: change.clone(),
        }));
    }
    samples
}

/// A first byte: which part of a real entry; the rest is the content of a change for it, whose checksum is mended. Through all
/// steps into the part; what is taken is saved, loaded and looked at.
pub fn whole(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let sample = &SAMPLES[usize::from(which) % SAMPLES.len()];
    let chunk = mend::automerge_chunk(1, rest);
    let before = sample.part.save();
    let taken = admit(&sample.part, &sample.writer, &[&chunk]);
    assert_eq!(sample.part.save(), before, "the part itself was changed");
    let after = match taken {
        Ok(after) => after,
        Err(refusal) => return refused(&refusal),
    };
    loads(&after);
    assert_eq!(after.changes(), sample.part.changes() + 1);
    // Everything that shows it.
    let (shared, mine) = match after.part() {
        PartKind::Shared => (&after, &sample.other),
        PartKind::Own => (&sample.other, &after),
    };
    if shared.part() == PartKind::Shared && mine.part() == PartKind::Own {
        let entry = Entry {
            entry: sample.writer.entry,
            shared,
            mine,
            partners: mine,
        };
        let _ = entry.in_short();
        let _ = entry.agreement();
        assert_eq!(entry.in_short(), entry.in_short());
    }
    "taken".into()
}

/// It is saved, and loads as the same.
fn loads(part: &Part) {
    let saved = part.save();
    let again = Part::load(part.kind(), part.schema_version(), part.part(), &saved);
    let again = again.expect("what is taken can be loaded");
    assert_eq!(again.heads(), part.heads());
    assert_eq!(again.save(), saved);
}

pub fn whole_seeds() -> Vec<Vec<u8>> {
    let samples = (0u8..).zip(SAMPLES.iter());
    let mut seeds: Vec<Vec<u8>> = samples
        .map(|(which, sample)| [&[which], mend::content(&sample.change)].concat())
        .collect();
    // One part's change in the place of another.
    let moved = [&[1], mend::content(&SAMPLES[0].change)].concat();
    seeds.extend([moved, vec![0]]);
    // Another actor's, and one with a column's items changed.
    for at in [33, 60, 80, 100] {
        let mut altered = seeds[3].clone();
        if let Some(byte) = altered.get_mut(at) {
            *byte ^= 1;
        }
        seeds.push(altered);
    }
    seeds
}
