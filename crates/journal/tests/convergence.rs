//! Any order of edits and meetings ends in equal journals on both sides.

mod common;

use common::{Deed, Device, Record, Which, from_the_other_side};
use proptest::prelude::*;
use proptest::sample::Index;

/// Every script, emoji, marks that combine, joiners; nothing that is refused.
fn words(most: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => prop::char::range('a', 'f'),
        1 => prop::sample::select(vec![' ', '\n', '\u{301}', '\u{200d}', '\u{fe0f}', '👩', '🏽', 'é', 'ß', '語', 'ש', 'ก']),
        2 => any::<char>().prop_filter("no control character", |c| !c.is_control()),
    ];
    prop::collection::vec(character, 0..most).prop_map(|all| all.into_iter().collect())
}

#[derive(Debug, Clone)]
enum Step {
    Deed(Index, Deed),
    /// A device takes the next record of another, if all that it follows is there.
    Carry(Index, Index),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => words(12).prop_map(Deed::Title),
        4 => words(60).prop_map(Deed::Text),
        1 => prop::option::of(Just("2027-03-01".to_owned())).prop_map(Deed::Review),
        6 => (any::<bool>(), 0usize..12, 0usize..4, words(5))
            .prop_map(|(text, at, delete, insert)| Deed::Splice { text, at, delete, insert }),
        1 => words(12).prop_map(Deed::Why),
        5 => Just(Deed::Agree),
        2 => words(6).prop_map(Deed::Decline),
        2 => words(6).prop_map(Deed::End),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<Index>(), deed()).prop_map(|(who, deed)| Step::Deed(who, deed)),
        (any::<Index>(), any::<Index>()).prop_map(|(to, from)| Step::Carry(to, from)),
        (any::<Index>(), any::<Index>()).prop_map(|(to, from)| Step::Carry(to, from)),
    ]
}

/// Gives the device the next record of this log; true where it was there and could be taken.
fn carry(to: &mut Device, log: &[Record]) -> bool {
    let held = |device: &Device, log: &[Record]| {
        log.iter()
            .enumerate()
            .find(|(at, record)| device.lacks(record, *at))
            .map(|(at, _)| at)
    };
    let Some(at) = held(to, log) else {
        return false;
    };
    match to.takes(&log[at]) {
        Ok(()) => true,
        Err(amends_journal::Refusal::MissingDependency(_)) => false,
        Err(refusal) => panic!("an honest record was refused: {refusal}"),
    }
}

fn carry_all(devices: &mut [Device], logs: &[Vec<Record>]) {
    while devices
        .iter_mut()
        .any(|to| logs.iter().filter(|log| carry(to, log)).count() > 0)
    {}
}

fn play(steps: Vec<Step>, order: Vec<Index>) -> Result<(), TestCaseError> {
    // Ana has two devices.
    let mut devices = vec![
        Device::new(Which::Anas, 1),
        Device::new(Which::Bos, 2),
        Device::new(Which::Anas, 3),
    ];
    let mut logs: Vec<Vec<Record>> = vec![Vec::new(); 3];
    logs[0].push(devices[0].propose("Evenings", "Phones away at dinner."));
    for step in steps {
        match step {
            Step::Deed(who, deed) => {
                let who = who.index(3);
                if let Some(record) = devices[who].does(&deed) {
                    logs[who].push(record);
                }
            }
            Step::Carry(to, from) => {
                carry(&mut devices[to.index(3)], &logs[from.index(3)]);
            }
        }
    }
    carry_all(&mut devices, &logs);
    for (device, which) in devices.iter().zip(&logs) {
        let _ = which;
        prop_assert_eq!(device.heads(), devices[0].heads());
    }
    let view = devices[0].view();
    prop_assert_eq!(&devices[2].view(), &view);
    prop_assert_eq!(&from_the_other_side(devices[1].view()), &view);

    // A fourth device that gets everything in another order sees the same.
    let mut late = Device::new(Which::Bos, 4);
    for index in order {
        carry(&mut late, &logs[index.index(3)]);
    }
    carry_all(std::slice::from_mut(&mut late), &logs);
    prop_assert_eq!(late.heads(), devices[0].heads());
    prop_assert_eq!(&from_the_other_side(late.view()), &view);

    // And so does one that was put away and opened again.
    let device = &devices[1];
    for part in [&device.shared, &device.anas, &device.bos] {
        let again = amends_journal::Part::load(part.kind(), 1, part.part(), &part.save()).unwrap();
        prop_assert_eq!(again.heads(), part.heads());
        prop_assert_eq!(again.changes(), part.changes());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_edits_and_meetings_ends_in_equal_journals(
        steps in prop::collection::vec(step(), 0..40),
        order in prop::collection::vec(any::<Index>(), 0..60),
    ) {
        play(steps, order)?;
    }
}
