//! Ten thousand entries from nothing: `cargo test --release -p amends-replica --test catching_up -- --ignored --nocapture`.

mod common;

use std::time::Instant;

use common::*;

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
