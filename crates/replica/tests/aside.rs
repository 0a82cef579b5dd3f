//! Good records between bad ones in one envelope: each is judged after those that were taken before it, as if the bad ones
//! had never come.

mod common;

use amends_journal::EntryId;
use amends_replica::{actor_of, write_items};
use common::*;

#[test]
fn what_a_bad_record_began_is_forgotten_before_the_next_one_is_judged() {
    let mut pair = met_pair(7);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let (bos, anas) = (actor_of(&pair.bo().log), actor_of(&pair.ana().log));
    let mut records = Vec::new();
    for entry in 1..20 {
        // Its first changes are good, and the last one is in Ana's name.
        let mut bad = items_by(&bos, entry, "Phones away.");
        bad.extend(items_by(&anas, entry + 100, "Phones away.").pop());
        records.push(forger.next(1, vec![], write_items(&bad)));
        records.push(forger.next(
            1,
            vec![],
            write_items(&items_by(&bos, entry, "Phones away.")),
        ));
        // The same once more is not the next of its actor.
        records.push(forger.next(
            1,
            vec![],
            write_items(&items_by(&bos, entry, "Phones away.")),
        ));
        // Of another kind than the entry became just before.
        let mut other = items_by(&bos, entry, "Phones away.");
        other.iter_mut().for_each(|item| item.kind = 8);
        records.push(forger.next(1, vec![], write_items(&other)));
        records.push(forger.next(9, vec![], vec![1]));
    }
    let frame = pair.sealed(&records);
    pair.ana_gets(link, &frame);
    let held: Vec<EntryId> = pair.ana().cards().into_keys().collect();
    let good: Vec<EntryId> = (1..20).map(|entry| EntryId([entry; 16])).collect();
    assert_eq!(held, good);
    let aside = pair.ana().set_aside();
    assert_eq!(aside.len(), 4 * 19, "{aside:?}");
    assert!(aside.iter().all(|(seq, _)| (seq - 2) % 5 != 1));
    for (at, said) in ["step 4", "step 4", "another kind", "kind 9"]
        .iter()
        .enumerate()
    {
        assert!(aside[at].1.contains(said), "{:?}", aside[at]);
    }
    pair.restart(ANA, true);
    assert_eq!(pair.ana().cards().len(), 19);
    // And the entries go on.
    let entry = EntryId([1; 16]);
    pair.edit(ANA, new_text(entry, "Phones away, and talk."))
        .unwrap();
}
