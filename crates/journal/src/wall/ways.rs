//! Both ways of step 5 beside each other, over honest changes of every kind, altered: where the short way takes one, the long
//! way takes it too, to the same document, and what is known of its texts without asking is what they are.
//!
//! `AMENDS_MUTATIONS=1000000 cargo test --release --workspace --lib the_short_way_takes -- --nocapture` runs more of them.

#[path = "../../tests/common/altered.rs"]
mod altered;
#[path = "../../tests/common/forge.rs"]
mod forge;
#[path = "../../tests/common/lived.rs"]
mod lived;

use std::collections::BTreeMap;

use automerge::ReadDoc;

use super::{Judged, reenact, trial};
use crate::Part;
use crate::schema::{Holds, object};

/// What became of changes that steps 2 to 4 took, by both ways.
fn both_ways(part: &Part, judged: &Judged) -> &'static str {
    let slices: Vec<&[u8]> = judged.changes.iter().map(Vec::as_slice).collect();
    let long = trial::attempt(part.schema, &part.doc, &slices, &judged.hashes);
    let short = reenact::reenact(&part.doc, &judged.changes);
    let (doc, spliced) = match (short, &long) {
        (None, Ok(_)) => return "the long way alone",
        (None, Err(_)) => return "neither",
        (Some(_), Err(fault)) => panic!("the short way takes what the long way refuses: {fault}"),
        (Some(made), Ok(_)) => made,
    };
    let long = long.unwrap_or_else(|_| unreachable!());
    assert_eq!(doc.get_heads(), long.doc.get_heads());
    let saved = trial::save(&doc).unwrap();
    assert!(saved == long.saved, "the two documents are saved alike");
    let short = part.grown(doc, saved, judged.history.clone(), &spliced);
    for (place, container) in part.schema.containers.iter().enumerate() {
        if container.holds == Holds::Text {
            let there = long.doc.text(object(place)).unwrap();
            assert_eq!(short.text(place, None).unwrap(), there);
            // Asked of the document itself, and of what is remembered.
            assert_eq!(short.doc.text(object(place)).unwrap(), there);
        } else {
            let acts = crate::part::read_acts(&long.doc, place);
            assert_eq!(crate::part::read_acts(&short.doc, place), acts);
        }
    }
    for field in part.schema.fields {
        let there =
            |doc: &automerge::Automerge| format!("{:?}", doc.get_all(automerge::ROOT, field.key));
        assert_eq!(there(&short.doc), there(&long.doc));
    }
    "both"
}

#[test]
fn the_short_way_takes_nothing_that_the_long_way_would_refuse_or_make_otherwise() {
    let runs: usize = std::env::var("AMENDS_MUTATIONS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3_000);
    let lives = lived::lives();
    let samples = lived::samples(&lives);
    let mut random = altered::Random(3);
    let mut went: BTreeMap<&str, usize> = BTreeMap::new();
    for run in 0..runs + samples.len() {
        let honest = samples.get(run);
        let sample = honest.unwrap_or_else(|| random.of(&samples));
        let changes = match honest {
            Some(sample) => vec![sample.change.clone()],
            None => {
                let other = random.below(samples.len());
                altered::alter(&mut random, sample.to_alter(), samples[other].to_alter()).1
            }
        };
        let part = sample.device.part(sample.which);
        // As after somebody looked at it: its texts are known.
        for place in 0..part.schema.containers.len() {
            let _known = part.text(place, None);
        }
        let mut judged = Judged::new(part.clone());
        let writer = sample.device.writer(sample.by);
        if changes
            .iter()
            .all(|change| judged.judge(&writer, change).is_ok())
        {
            *went.entry(both_ways(part, &judged)).or_default() += 1;
        }
    }
    println!("{went:?} of {runs}");
    assert!(went["both"] > samples.len() / 2 && went["the long way alone"] > 0);
    assert!(
        !went.contains_key("neither"),
        "step 4 lets through what step 5 refuses: {went:?}"
    );
}
