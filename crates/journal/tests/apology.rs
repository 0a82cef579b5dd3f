//! Apologies: given once, answered by the other alone, and the same for both whatever arrives first.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::apology::{Answer, Say, View, Words};
use amends_journal::{EntryKind, Person, RuleError, RuleFault};
use told::{Device, Record, entry_of, orders};

const APOLOGY: EntryKind = EntryKind::Apology;

fn words(did: &str) -> Words {
    Words {
        did: did.to_owned(),
        hurt: "You could not trust me with them.".to_owned(),
        own: String::new(),
        change: "I ask.".to_owned(),
        repair: "A box with a key.".to_owned(),
    }
}

fn give(did: &str) -> Say {
    Say::Give(words(did))
}

fn devices<const N: usize>(numbers: [u8; N]) -> [Device; N] {
    numbers.map(|number| Device::new(APOLOGY, entry_of(APOLOGY, 1), number))
}

/// Ana, who gave one, and Bo, who has it.
fn given() -> (Device, Device, Record) {
    let [mut ana, mut bo] = devices([1, 3]);
    let record = ana.begins(&[give("I read your letters.").into()]).unwrap();
    bo.takes(&record).unwrap();
    (ana, bo, record)
}

fn answer(of: &Device, answer: Answer, words: &str) -> Say {
    Say::Answer {
        of: of.view().apology().hash,
        answer,
        words: words.to_owned(),
    }
}

fn fault(error: RuleError) -> RuleFault {
    match error {
        RuleError::Fault(fault) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn it_is_given_once_and_from_then_on_added_to() {
    let (mut ana, mut bo, _) = given();
    assert_eq!(
        fault(ana.says(give("It was nothing.")).unwrap_err()),
        RuleFault::Once
    );
    let again = ana.statement(16, &[b"It was nothing.", b"", b"", b"", b""]);
    assert_eq!(
        ana.fault_of(std::slice::from_ref(&again)),
        Some(RuleFault::Once)
    );
    let added = ana
        .says(Say::Add("I should have said so sooner.".to_owned()))
        .unwrap();
    bo.takes(&added).unwrap();
    for device in [&ana, &bo] {
        let view = device.view().apology();
        assert_eq!(view.given, Some(words("I read your letters.")));
        assert_eq!(view.additions, ["I should have said so sooner."]);
        assert_eq!(view.answer, None);
    }
    // A second device of hers that claims to have seen nothing did not begin it; one that has seen it adds.
    let [mut second] = devices([2]);
    assert_eq!(
        second.fault_of(std::slice::from_ref(&again)),
        Some(RuleFault::OnlyBeginner)
    );
    let early = second.statement(17, &[b"more"]);
    assert_eq!(second.fault_of(&[early]), Some(RuleFault::OnlyBeginner));
    let begun_only = [second.beginning(0), again];
    assert_eq!(
        second.fault_of(&begun_only),
        Some(RuleFault::NotItsBeginner)
    );
    let [mut unbegun] = devices([1]);
    let add_first = [unbegun.beginning(0), unbegun.statement(17, &[b"more"])];
    assert_eq!(unbegun.fault_of(&add_first), Some(RuleFault::Before));
}

#[test]
fn nobody_answers_their_own() {
    let (mut ana, mut bo, _) = given();
    let of = ana.view().apology().hash;
    for number in 1..=5u8 {
        let mine = ana.statement(18, &[&of, &[number], b""]);
        assert_eq!(ana.fault_of(&[mine]), Some(RuleFault::OnlyOther));
    }
    let taken_back = ana.statement(19, &[]);
    assert_eq!(ana.fault_of(&[taken_back]), Some(RuleFault::OnlyOther));
    let say = answer(&ana, Answer::Forgiven, "");
    assert_eq!(fault(ana.says(say).unwrap_err()), RuleFault::OnlyOther);
    let error = ana.says(Say::Withdraw).unwrap_err();
    assert_eq!(fault(error), RuleFault::OnlyOther);

    // Another device of hers may claim that it has not seen that she gave it: then nobody shows what it says.
    let [mut second] = devices([2]);
    let forged = second.statement(18, &[&of, &[4], b"I forgive me."]);
    let forged = second.forges(&[forged]);
    for device in [&mut ana, &mut bo] {
        device.takes(&forged).unwrap();
        assert_eq!(device.view().apology().answer, None);
        assert_eq!(device.view().apology_history().len(), 1);
    }
    // Nor can she answer first and give then.
    let [mut early] = devices([1]);
    let first = [early.statement(18, &[&of, &[4], b""]), early.beginning(0)];
    assert_eq!(early.fault_of(&first), Some(RuleFault::BegunBefore));
    // Nor does Bo give, add or begin in her name.
    let his = bo.statement(16, &[b"I did it all.", b"", b"", b"", b""]);
    assert_eq!(
        bo.fault_of(std::slice::from_ref(&his)),
        Some(RuleFault::OnlyBeginner)
    );
    let begins = [bo.beginning(0), his];
    assert_eq!(bo.fault_of(&begins), Some(RuleFault::NotItsBeginner));
    let adds = bo.statement(17, &[b"and more"]);
    assert_eq!(bo.fault_of(&[adds]), Some(RuleFault::OnlyBeginner));
    assert_eq!(ana.view().apology().given, bo.view().apology().given);
}

#[test]
fn the_receiver_answers_changes_and_takes_back_and_all_of_it_stays() {
    let (mut ana, mut bo, _) = given();
    let none = bo.says(Say::Withdraw).unwrap_err();
    assert_eq!(fault(none), RuleFault::Before);
    let forged = bo.statement(19, &[]);
    assert_eq!(bo.fault_of(&[forged]), Some(RuleFault::Before));
    let mut said = Vec::new();
    for (what, words) in [
        (Answer::NotYet, "I need days."),
        (Answer::Heard, ""),
        (Answer::Forgiven, "Yes."),
    ] {
        let say = answer(&bo, what, words);
        said.push(bo.says(say).unwrap());
        assert_eq!(bo.view().apology().answer, Some((what, words.to_owned())));
    }
    said.push(bo.says(Say::Withdraw).unwrap());
    assert_eq!(bo.view().apology().answer, None);
    for record in &said {
        ana.takes(record).unwrap();
    }
    let told = |device: &Device| -> Vec<(Person, String)> {
        let history = device.view().apology_history();
        history
            .into_iter()
            .map(|told| (told.person, format!("{:?}", told.say)))
            .collect()
    };
    let (hers, his) = (told(&ana), told(&bo));
    let names: Vec<&str> = hers.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["Give", "not_yet", "heard", "forgiven", "Withdraw"]);
    let turned: Vec<_> = his
        .into_iter()
        .map(|(person, name)| (person.other(), name))
        .collect();
    assert_eq!(hers, turned);
}

#[test]
fn an_answer_to_something_else_is_none() {
    let (_, mut bo, _) = given();
    let wrong = Say::Answer {
        of: [1; 32],
        answer: Answer::Accepted,
        words: String::new(),
    };
    assert_eq!(fault(bo.says(wrong).unwrap_err()), RuleFault::Names);
    let forged = bo.statement(18, &[&[1; 32], &[3], b""]);
    let forged = bo.forges(&[forged]);
    bo.takes(&forged).unwrap();
    assert_eq!(bo.view().apology().answer, None);
    // Before there is anything to answer nothing is said either.
    let [mut early] = devices([3]);
    let say = answer(&early, Answer::Heard, "");
    assert_eq!(fault(early.says(say).unwrap_err()), RuleFault::Names);
}

#[test]
fn whatever_arrives_first_both_see_the_same() {
    let (mut ana, mut bo, record) = given();
    // Bo answers on two devices at once, while Ana adds; then one of them takes back.
    let mut second = Device {
        device: 4,
        ..bo.clone()
    };
    let say = answer(&bo, Answer::Heard, "on the one");
    let one = bo.says(say).unwrap();
    let say = answer(&second, Answer::Declined, "on the other");
    let other = second.says(say).unwrap();
    let added = ana.says(Say::Add("More.".to_owned())).unwrap();
    let back = second.says(Say::Withdraw).unwrap();
    let all = [record, one, other, added, back];
    let mut views: Vec<(View, Vec<(u64, String)>)> = Vec::new();
    for order in orders(all.len()) {
        for reader in [2, 4] {
            let [mut reader] = devices([reader]);
            // What an envelope follows comes before it, as the replica sees to; the rest in any order.
            let mut left: Vec<&Record> = order.iter().map(|at| &all[*at]).collect();
            while !left.is_empty() {
                let before = left.len();
                left.retain(|record| reader.takes(record).is_err());
                assert!(left.len() < before, "nothing more could be taken");
            }
            let history = reader.view().apology_history();
            let history = history
                .into_iter()
                .map(|told| (told.n, format!("{:?}", told.say)))
                .collect();
            views.push((reader.view().apology(), history));
        }
    }
    assert_eq!(views.len(), 240);
    assert_eq!(views[0].1.len(), 5);
    assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
}

#[test]
fn what_is_malformed_is_refused() {
    let [mut ana] = devices([1]);
    let first = ana.beginning(0);
    let cases: [(u8, &[&[u8]], RuleFault); 9] = [
        (16, &[], RuleFault::Malformed),
        (16, &[b"a", b"b", b"c", b"d"], RuleFault::Malformed),
        (
            16,
            &[b"a", b"b", b"c", b"d", b"e", b"f"],
            RuleFault::Malformed,
        ),
        (16, &[b"", b" ", b"\n", b"\t", b""], RuleFault::Empty),
        (16, &[b"a", b"\xff", b"", b"", b""], RuleFault::Malformed),
        (17, &[], RuleFault::Malformed),
        (17, &[b" "], RuleFault::Empty),
        (19, &[b"x"], RuleFault::Malformed),
        (20, &[], RuleFault::Verb(20)),
    ];
    for (verb, items, fault) in cases {
        let statement = ana.statement(verb, items);
        assert_eq!(
            ana.fault_of(&[first.clone(), statement]),
            Some(fault),
            "{verb} {items:?}"
        );
    }
    let role = ana.beginning(2);
    assert_eq!(ana.fault_of(&[role]), Some(RuleFault::Role(2)));
    let (_, mut bo, _) = given();
    let of = bo.view().apology().hash;
    let cases: [&[&[u8]]; 6] = [
        &[&of, &[0], b""],
        &[&of, &[6], b""],
        &[&of, &[1, 1], b""],
        &[&of[..31], &[1], b""],
        &[&of, &[1], b"\xff"],
        &[&of, &[1]],
    ];
    for items in cases {
        let statement = bo.statement(18, items);
        assert_eq!(
            bo.fault_of(&[statement]),
            Some(RuleFault::Malformed),
            "{items:?}"
        );
    }
    // In a private store there are drafts of it, and nothing else.
    let mut alone = Device::alone(APOLOGY, 1);
    let error = alone.begins(&[give("x").into()]).unwrap_err();
    assert_eq!(fault(error), RuleFault::Verb(16));
}
