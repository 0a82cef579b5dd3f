//! Two who were apart for long, and whose link is cut again and again: what was acknowledged is never sent again, and each meeting
//! goes on where the last one ended.
//!
//! `AMENDS_LONG=1` has both a thousand changes apart, and one ten thousand behind.

mod common;

use std::collections::BTreeMap;

use amends_keys::identity::LogKey;
use amends_keys::seal;
use amends_replica::{Frame, LinkId, Record};
use common::*;

fn is_long() -> bool {
    std::env::var_os("AMENDS_LONG").is_some()
}

/// The records in the envelopes that lie in a queue.
fn on_the_way(pair: &Pair, link: LinkId, to: usize) -> Vec<(LogKey, u64)> {
    let epoch = pair.epoch_0();
    let queue = pair.links.get(&link).map(|queues| &queues[to]);
    let envelopes = queue
        .into_iter()
        .flatten()
        .filter_map(|frame| match Frame::parse(frame) {
            Ok(Frame::Envelope(envelope)) => Some(envelope),
            _ => None,
        });
    let mut records = Vec::new();
    for envelope in envelopes {
        let opened = seal::open(&envelope, &epoch, &pair.journal).unwrap();
        for (bytes, _) in opened.records() {
            let record = Record::parse(bytes).unwrap();
            records.push((record.log, record.seq));
        }
    }
    records
}

/// They meet, and each link is cut after so many frames more than the one before; gives how many meetings it took.
fn meet_in_pieces(pair: &mut Pair, first: usize) -> usize {
    let mut meetings = 0;
    loop {
        meetings += 1;
        assert!(meetings < 200, "it never comes to an end");
        // What the two told each other on the links before.
        let acknowledged: Vec<BTreeMap<LogKey, u64>> = [ANA, BO]
            .iter()
            .map(|who| {
                let other = &pair.devices[1 - *who];
                let clock = other.replica.clock();
                clock.0.into_iter().map(|(log, at)| (log, at.seq)).collect()
            })
            .collect();
        let link = pair.connect();
        let mut left = first + meetings;
        while left > 0 {
            for to in [ANA, BO] {
                for (log, seq) in on_the_way(pair, link, to) {
                    // What the receiver held on its disk when it said its clock, at the beginning of this link.
                    let held = acknowledged[1 - to].get(&log).copied().unwrap_or(0);
                    assert!(seq > held, "record {seq} is sent again, {held} are there");
                }
            }
            if pair.run_for(1) == 0 {
                let done = [ANA, BO]
                    .iter()
                    .all(|who| pair.devices[*who].replica.meeting(link).at_rest);
                assert!(done, "all is quiet, and not all is there");
                pair.cut(link);
                return meetings;
            }
            left -= 1;
        }
        // In the middle of a frame is before it: a session gives a frame whole or not at all.
        pair.cut(link);
        if meetings % 5 == 0 {
            pair.restart(meetings % 2, false);
        }
    }
}

#[test]
fn both_far_apart_and_cut_again_and_again_lose_nothing_and_send_nothing_twice() {
    let count = if is_long() { 1_000 } else { 40 };
    let mut pair = met_pair(91);
    let shared = pair.edit(ANA, proposal("Where both write.")).unwrap();
    pair.meet();
    pair.unchecked = true;
    for n in 0..count {
        for who in [ANA, BO] {
            if n % 10 == 0 {
                pair.edit(
                    who,
                    new_text(shared, &format!("Where both write, {n} by {who}.")),
                )
                .unwrap();
            } else {
                // Long enough that not all of them go in a few envelopes.
                let text = format!("{n} by {who}. ").repeat(120);
                pair.edit(who, proposal(&text)).unwrap();
            }
        }
    }
    let meetings = meet_in_pieces(&mut pair, 1);
    assert!(meetings > 1, "it was cut {meetings} times");
    pair.assert_equal();
    assert_eq!(pair.ana().cards().len(), 1 + 2 * (count - count / 10));
}

#[test]
fn one_far_behind_catches_up_over_links_that_are_cut() {
    let count = if is_long() { 10_000 } else { 120 };
    let mut pair = met_pair(92);
    pair.unchecked = true;
    let text = "A sentence of the length that people write, and some more. ".repeat(4);
    for n in 0..count {
        pair.edit(ANA, proposal(&format!("{n}: {}", text.trim())))
            .unwrap();
    }
    let meetings = meet_in_pieces(&mut pair, 1);
    assert!(meetings > 1, "it was cut {meetings} times");
    assert_eq!(pair.bo().cards().len(), count);
    assert!(
        pair.ana()
            .replica
            .cards()
            .all(|(_, card)| pair.ana().replica.reached(card))
    );
}
