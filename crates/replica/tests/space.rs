//! When a space ends on each device, with every time given.

mod common;

use amends_journal::space::{LONGEST, Say, View as Space};
use amends_journal::{EntryId, EntryKind, RuleError, RuleFault, View};
use amends_replica::{Beginnings, Edit, EditError, Whose};
use common::*;

const HOUR: i64 = 60 * 60 * 1000;

fn ask(until: i64) -> Edit {
    Edit::Begin(Beginnings {
        kind: EntryKind::Space,
        role: 0,
        from: None,
        words: None,
        agreed: false,
        says: vec![
            Say::Ask {
                until,
                words: "I love you.".into(),
            }
            .into(),
        ],
    })
}

fn says(entry: EntryId, say: Say) -> Edit {
    Edit::Say {
        entry,
        says: vec![say.into()],
    }
}

impl Device {
    fn space(&self, entry: &EntryId) -> &Space {
        match &self.card(entry).view {
            View::Space(space) => space,
            other => panic!("{other:?}"),
        }
    }

    fn lasts(&self, entry: &EntryId, now: i64) -> bool {
        let first_held = self.card(entry).first_held;
        self.space(entry).runs(first_held, now)
    }
}

#[test]
fn both_devices_end_it_at_the_time_that_was_asked_for() {
    let mut pair = met_pair(1);
    let until = pair.now + 24 * HOUR;
    let entry = pair.edit(ANA, ask(until)).unwrap();
    // It is on its way for an hour.
    pair.now += HOUR;
    pair.meet();
    pair.assert_equal();
    for device in &pair.devices {
        assert!(device.lasts(&entry, until - 1));
        assert!(!device.lasts(&entry, until));
    }
    assert_eq!(pair.bo().card(&entry).author, Some(Whose::Partners));
    // What it holds back does not depend on when the program was started.
    pair.restart(BO, true);
    assert!(pair.bo().lasts(&entry, until - 1) && !pair.bo().lasts(&entry, until));
}

#[test]
fn a_time_that_was_claimed_orders_nothing() {
    // Ana's clock is a year back, and then years ahead.
    for (claimed, holds) in [(-365 * 24 * HOUR, false), (3_000 * 24 * HOUR, true)] {
        let mut pair = met_pair(2);
        let now = pair.now;
        pair.now = now + claimed;
        let entry = pair.edit(ANA, ask(now + claimed + LONGEST)).unwrap();
        pair.now = now;
        pair.meet();
        let held = pair.bo().card(&entry).first_held;
        assert_eq!(pair.bo().lasts(&entry, held), holds);
        // Never longer than 72 hours after it came, by the clock of the device that it came to.
        assert_eq!(pair.bo().lasts(&entry, held + LONGEST - 1), holds);
        assert!(!pair.bo().lasts(&entry, held + LONGEST));
        // Said again, it is not asked for anew: what came first stays.
        pair.now += 10 * HOUR;
        pair.meet();
        assert_eq!(pair.bo().card(&entry).first_held, held);
    }
}

#[test]
fn who_asked_ends_it_and_nobody_else_does_or_makes_it_longer() {
    let mut pair = met_pair(3);
    let until = pair.now + HOUR;
    let entry = pair.edit(ANA, ask(until)).unwrap();
    pair.meet();
    let refused = |fault| Err(EditError::Rule(RuleError::Fault(fault)));
    let longer = Say::Ask {
        until: until + HOUR,
        words: String::new(),
    };
    for (who, say, fault) in [
        (ANA, longer.clone(), RuleFault::Once),
        (BO, longer, RuleFault::OnlyBeginner),
        (BO, Say::Over, RuleFault::OnlyBeginner),
    ] {
        assert_eq!(pair.edit(who, says(entry, say)), refused(fault));
    }
    assert!(pair.bo().lasts(&entry, until - 1));
    pair.edit(ANA, says(entry, Say::Over)).unwrap();
    pair.meet();
    pair.assert_equal();
    for device in &pair.devices {
        assert!(!device.lasts(&entry, pair.now));
    }
    let again = pair.edit(ANA, says(entry, Say::Over));
    assert_eq!(again, refused(RuleFault::Once));
}

#[test]
fn an_entry_with_a_seed_begins_once() {
    let mut pair = met_pair(4);
    let seed = [7; 16];
    let Edit::Begin(beginnings) = ask(pair.now + HOUR) else {
        panic!("not a beginning")
    };
    let begin = Edit::BeginWith { seed, beginnings };
    let entry = pair.edit(ANA, begin.clone()).unwrap();
    assert_eq!(entry, pair.ana().replica.seeded(EntryKind::Space, &seed));
    assert_eq!(pair.edit(ANA, begin), Err(EditError::NoId));
    pair.restart(ANA, true);
    assert_eq!(entry, pair.ana().replica.seeded(EntryKind::Space, &seed));
    assert_eq!(pair.ana().cards().len(), 1);
}
