//! Many entries from nothing, by one hand and by many. Ten thousand of them, measured:
//! `cargo test --release -p amends-replica --test catching_up -- --ignored --nocapture`.

mod common;

use std::sync::Arc;
use std::time::Instant;

use amends_replica::{Hands, Row, Shelf, Table};
use common::*;

/// Backwards, each job by another thread, eight at once.
struct Many;

impl Hands for Many {
    fn each(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        let all: Vec<usize> = (0..count).rev().collect();
        for some in all.chunks(8) {
            std::thread::scope(|scope| {
                for at in some {
                    scope.spawn(move || job(*at));
                }
            });
        }
    }
}

/// All that is on the disk of a device that was apart from the other one while both wrote, in entries of their own and in
/// those that both had, and then met it.
fn caught_up(many: bool) -> Vec<Row> {
    let mut pair = met_pair(11);
    if many {
        for device in &mut pair.devices {
            device.replica.work_with(Arc::new(Many));
        }
    }
    let both: Vec<_> = (0..20)
        .map(|n| pair.edit(ANA, proposal(&format!("{n}: of both"))).unwrap())
        .collect();
    pair.meet();
    for n in 0..150 {
        pair.edit(ANA, proposal(&format!("{n}: a text of Ana's")))
            .unwrap();
    }
    for (n, entry) in both.iter().enumerate() {
        for times in 0..3 {
            let words = format!("{n}: of both, by Ana the {times}. time");
            pair.edit(ANA, new_text(*entry, &words)).unwrap();
        }
        if n % 2 == 0 {
            pair.edit(BO, agree(*entry)).unwrap();
        } else {
            let words = format!("{n}: of both, by Bo at the same time");
            pair.edit(BO, new_text(*entry, &words)).unwrap();
        }
    }
    pair.meet();
    assert_eq!(pair.bo().cards().len(), 170);
    let tables = [
        Table::Meta,
        Table::Card,
        Table::Part,
        Table::Record,
        Table::Envelope,
    ];
    let disk = &pair.bo().disk.durable;
    tables
        .iter()
        .flat_map(|table| disk.scan(*table, &[], usize::MAX).unwrap())
        .collect()
}

#[test]
fn what_many_hands_make_is_what_one_hand_makes() {
    let (one, many) = (caught_up(false), caught_up(true));
    assert!(one == many, "the disks differ");
}

#[test]
#[ignore = "a measurement, by hand and in release"]
fn ten_thousand_entries_are_caught_up_with_from_nothing() {
    let mut pair = met_pair(1);
    pair.unchecked = true;
    let text = "A sentence of the length that people write, and then some more of it. ".repeat(4);
    let begun = Instant::now();
    for n in 0..10_000 {
        pair.edit(ANA, proposal(&format!("{n}: {}", text.trim())))
            .unwrap();
    }
    println!("written  {:>8.2?}", begun.elapsed());
    let before = pair.ana().sent.1;
    let begun = Instant::now();
    let frames = pair.meet();
    println!(
        "met      {:>8.2?}, {frames} frames, {} envelopes",
        begun.elapsed(),
        pair.ana().sent.1 - before
    );
    let begun = Instant::now();
    pair.restart(BO, true);
    println!("loaded   {:>8.2?}", begun.elapsed());
    let begun = Instant::now();
    let frames = pair.meet();
    println!(
        "met      {:>8.2?}, {frames} frames, with nothing new",
        begun.elapsed()
    );
    assert_eq!(pair.bo().cards().len(), 10_000);
}
