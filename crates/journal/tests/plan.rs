//! Plans: who says what of a step, what counts, and that every order of arrival gives one plan.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::plan::{ITEM_BYTES, ITEMS, ItemId, Owner, Say, Step, StepState, View, What};
use amends_journal::{EntryKind, Person, RuleError, RuleFault};
use told::{Device, Record, entry_of, orders, statements_in};

const PLAN: EntryKind = EntryKind::Plan;
const HUT: ItemId = [1; 8];
const PIE: ItemId = [2; 8];
const TODAY: &str = "2027-05-01";

fn step(id: ItemId, text: &str, asks: bool) -> Say {
    Say::Step {
        id,
        owner: Owner::One(Person::Me),
        asks,
        due: Some("2027-05-01".to_owned()),
        text: text.to_owned(),
    }
}

/// What says that the step is done, as it stands on this device.
fn done(device: &Device, id: ItemId) -> Say {
    Say::Done {
        step: id,
        on: TODAY.to_owned(),
        version: the(device, id).version,
    }
}

fn the(device: &Device, id: ItemId) -> Step {
    let view = device.view().plan();
    view.steps.into_iter().find(|step| step.id == id).unwrap()
}

fn state(device: &Device) -> StepState {
    the(device, HUT).state
}

/// Ana and Bo, and a plan of hers with one step, which both hold.
fn two(asks: bool) -> (Device, Device) {
    let entry = entry_of(PLAN, 1);
    let (mut ana, mut bo) = (Device::new(PLAN, entry, 1), Device::new(PLAN, entry, 3));
    let begun = ana
        .begins(&[step(HUT, "Book the hut", asks).into()])
        .unwrap();
    bo.takes(&begun).unwrap();
    (ana, bo)
}

/// One says it, the other hears it.
fn says(from: &mut Device, to: &mut Device, say: Say) {
    let said = from.says(say).unwrap();
    to.takes(&said).unwrap();
}

#[test]
fn a_step_is_confirmed_by_the_other_alone() {
    let (mut ana, mut bo) = two(true);
    assert_eq!(the(&ana, HUT).owner, Owner::One(Person::Me));
    assert_eq!(the(&bo, HUT).owner, Owner::One(Person::Partner));
    assert!(ana.view().plan().is_due(TODAY) && !ana.view().plan().is_due("2027-04-30"));
    assert!(!bo.view().plan().is_due(TODAY), "it is not his");

    let said = done(&ana, HUT);
    says(&mut ana, &mut bo, said);
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Done, StepState::Done)
    );
    assert!(!ana.view().plan().is_due(TODAY));
    assert!(bo.view().plan().waits_to_be_confirmed());
    assert!(!ana.view().plan().waits_to_be_confirmed());

    // Ana cannot confirm it, whatever program she runs.
    let hash = the(&ana, HUT).done_hash.unwrap();
    let only_other = RuleError::Fault(RuleFault::OnlyOther);
    assert_eq!(ana.says(Say::Confirm(hash)).unwrap_err(), only_other);
    let own = ana.statement(19, &[&hash]);
    assert_eq!(ana.fault_of(&[own]), Some(RuleFault::OnlyOther));
    // Nor by another device of hers that has not seen her first: the wall cannot tell, and it counts for nothing.
    let mut second = Device::new(PLAN, ana.entry, 2);
    let unseen = second.statement(19, &[&hash]);
    let forged = second.forges(&[unseen]);
    for device in [&mut ana, &mut bo] {
        device.takes(&forged).unwrap();
        assert_eq!(state(device), StepState::Done);
    }

    says(&mut bo, &mut ana, Say::Confirm(hash));
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Confirmed, StepState::Confirmed)
    );
    assert!(!bo.view().plan().waits_to_be_confirmed());
}

#[test]
fn each_takes_back_their_own_word_alone() {
    let (mut ana, mut bo) = two(true);
    let said = done(&ana, HUT);
    says(&mut ana, &mut bo, said);
    let anas = the(&ana, HUT).done_hash.unwrap();
    says(&mut bo, &mut ana, Say::Confirm(anas));

    let names = RuleError::Fault(RuleFault::Names);
    assert_eq!(bo.says(Say::Undo(anas)).unwrap_err(), names);
    let his = bo.statement(18, &[&anas]);
    assert_eq!(bo.fault_of(&[his]), Some(RuleFault::Names));

    let bos = the(&bo, HUT).mine_to_undo.unwrap();
    assert_ne!(bos, anas);
    says(&mut bo, &mut ana, Say::Undo(bos));
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Done, StepState::Done)
    );
    assert_eq!(the(&bo, HUT).mine_to_undo, None);
    assert_eq!(the(&ana, HUT).mine_to_undo, Some(anas));
    says(&mut ana, &mut bo, Say::Undo(anas));
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Open, StepState::Open)
    );
    // What is taken back is not confirmed by a confirmation that comes late.
    let late = bo.statement(19, &[&anas]);
    let late = bo.forges(&[late]);
    ana.takes(&late).unwrap();
    assert_eq!(state(&ana), StepState::Open);
}

#[test]
fn what_was_asked_and_what_was_done_stay_those_of_their_words() {
    let (mut ana, mut bo) = two(true);
    // Bo's other words take nothing of her asking away.
    says(
        &mut bo,
        &mut ana,
        step(HUT, "Book the hut by the lake", false),
    );
    assert_eq!(the(&ana, HUT).asked_by, [Person::Me]);
    assert_eq!(
        the(&ana, HUT).owner,
        Owner::One(Person::Partner),
        "he took it on"
    );
    let said = done(&bo, HUT);
    says(&mut bo, &mut ana, said);
    assert!(ana.view().plan().waits_to_be_confirmed());
    let hash = the(&ana, HUT).done_hash.unwrap();
    says(&mut ana, &mut bo, Say::Confirm(hash));
    assert_eq!(state(&bo), StepState::Confirmed);

    // In other words it is another thing to do; another day changes nothing.
    let later = Say::Step {
        id: HUT,
        owner: Owner::Both,
        asks: false,
        due: None,
        text: "Book the hut by the lake".to_owned(),
    };
    says(&mut bo, &mut ana, later);
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Confirmed, StepState::Confirmed)
    );
    says(&mut bo, &mut ana, step(HUT, "Buy the hut", false));
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Open, StepState::Open)
    );

    // Where both say that it is done, each confirms the other.
    let (hers, his) = (done(&ana, HUT), done(&bo, HUT));
    let (hers, his) = (ana.says(hers).unwrap(), bo.says(his).unwrap());
    ana.takes(&his).unwrap();
    bo.takes(&hers).unwrap();
    assert_eq!(
        (state(&ana), state(&bo)),
        (StepState::Confirmed, StepState::Confirmed)
    );
}

#[test]
fn steps_and_wishes_come_and_go_and_a_plan_ends_and_goes_on() {
    let (mut ana, mut bo) = two(false);
    let pie = Say::Wish {
        id: PIE,
        what: What::Food,
        text: "Blueberry pie".to_owned(),
    };
    says(&mut bo, &mut ana, pie);
    let wishes = ana.view().plan().wishes;
    assert_eq!(
        (wishes[0].by, wishes[0].what),
        (Person::Partner, What::Food)
    );
    assert_eq!(wishes[0].text, "Blueberry pie");
    says(&mut ana, &mut bo, Say::Drop(PIE));
    says(&mut bo, &mut ana, Say::Drop(HUT));
    assert!(ana.view().plan().steps.is_empty() && bo.view().plan().wishes.is_empty());
    let names = RuleError::Fault(RuleFault::Names);
    assert_eq!(ana.says(Say::Drop(HUT)).unwrap_err(), names);
    says(&mut bo, &mut ana, step(HUT, "Book the hut", false));
    assert_eq!(ana.view().plan().steps.len(), 1);

    says(&mut bo, &mut ana, Say::Finish(Some(TODAY.to_owned())));
    assert_eq!(
        ana.view().plan().finished,
        Some((Person::Partner, TODAY.to_owned()))
    );
    assert!(!bo.view().plan().is_due(TODAY));
    says(&mut ana, &mut bo, Say::Finish(None));
    assert_eq!(bo.view().plan().finished, None);
    assert!(bo.view().plan().is_due(TODAY));
}

/// The plan as the other of the two sees it.
fn from_the_other_side(mut view: View) -> View {
    for step in &mut view.steps {
        if let Owner::One(person) = &mut step.owner {
            *person = person.other();
        }
        step.asked_by = step.asked_by.iter().map(|person| person.other()).collect();
        step.asked_by.sort();
        step.mine_to_undo = None;
        step.done = step.done.take().map(|(person, on)| (person.other(), on));
    }
    for wish in &mut view.wishes {
        wish.by = wish.by.other();
    }
    view.finished = view.finished.map(|(person, on)| (person.other(), on));
    view
}

#[test]
fn every_order_of_arrival_gives_one_plan() {
    let (mut ana, mut bo) = two(true);
    let begun = Record {
        device: 1,
        changes: ana_changes(&ana),
    };
    let mut second = Device::new(PLAN, ana.entry, 2);
    second.takes(&begun).unwrap();
    // All at once, none having seen the other: hers on two devices, and his.
    let (first, other, his) = (done(&ana, HUT), done(&second, HUT), done(&bo, HUT));
    let pie = |text: &str| Say::Wish {
        id: PIE,
        what: What::Food,
        text: text.to_owned(),
    };
    let records = [
        ana.says(first).unwrap(),
        ana.says(pie("Pie")).unwrap(),
        second.says(other).unwrap(),
        second.says(pie("Cake")).unwrap(),
        bo.says(his).unwrap(),
        bo.says(step(HUT, "Book the hut", false)).unwrap(),
        bo.says(pie("Soup")).unwrap(),
    ];
    let mut seen: Option<View> = None;
    let mut tried = 0;
    for order in orders(records.len()) {
        // Each device's own records come in their order.
        let place = |at: usize| order.iter().position(|n| *n == at).unwrap();
        if place(0) > place(1) || place(2) > place(3) || place(4) > place(5) || place(5) > place(6)
        {
            continue;
        }
        tried += 1;
        for device in [1, 3] {
            let mut fresh = Device::new(PLAN, ana.entry, device);
            fresh.takes(&begun).unwrap();
            for at in &order {
                fresh.takes(&records[*at]).unwrap();
            }
            let mut view = fresh.view().plan();
            if device == 3 {
                view = from_the_other_side(view);
            }
            view.steps
                .iter_mut()
                .for_each(|step| step.mine_to_undo = None);
            match &seen {
                None => seen = Some(view),
                Some(seen) => assert!(*seen == view, "{order:?} on {device}: {view:?}"),
            }
        }
    }
    assert_eq!(tried, 210);
    let seen = seen.unwrap();
    assert_eq!((seen.steps.len(), seen.wishes.len()), (1, 1));
    assert_eq!(seen.steps[0].state, StepState::Confirmed);
}

/// What Ana's device wrote so far, as a record.
fn ana_changes(ana: &Device) -> Vec<Vec<u8>> {
    let doc = forge::document(&ana.anas);
    let mut changes = doc.get_changes(&[]);
    changes.retain(|change| change.actor_id().to_bytes() != [0; 16]);
    changes
        .iter()
        .map(|change| change.raw_bytes().to_vec())
        .collect()
}

#[test]
fn what_is_malformed_is_refused() {
    let mut ana = Device::new(PLAN, entry_of(PLAN, 1), 1);
    let first = ana.beginning(0);
    let long = vec![b'x'; ITEM_BYTES + 1];
    let (id, hash): (&[u8], &[u8]) = (&HUT, &[7; 32]);
    let day = TODAY.as_bytes();
    let bad = RuleFault::Malformed;
    let cases: Vec<(u8, Vec<&[u8]>, RuleFault)> = vec![
        (16, vec![], bad),
        (16, vec![id, &[0], &[0], b""], bad),
        (16, vec![id, &[0], &[0], b"", b"x", b""], bad),
        (16, vec![&[1; 7], &[0], &[0], b"", b"x"], bad),
        (16, vec![id, &[3], &[0], b"", b"x"], bad),
        (16, vec![id, &[0], &[2], b"", b"x"], bad),
        (16, vec![id, &[0], &[0], b"2027-02-30", b"x"], bad),
        (
            16,
            vec![id, &[0], &[0], b"2027-05-01T", b"x"],
            RuleFault::TooLong,
        ),
        (16, vec![id, &[0], &[0], day, b"\xff"], bad),
        (16, vec![id, &[0], &[0], day, b" \n"], RuleFault::Empty),
        (16, vec![id, &[0], &[0], day, &long], RuleFault::TooLong),
        (17, vec![id, b"", hash], bad),
        (17, vec![id, day, &[7; 31]], bad),
        (17, vec![id, day], bad),
        (18, vec![&[7; 31]], bad),
        (18, vec![hash], RuleFault::Names),
        (19, vec![], bad),
        (19, vec![&[7; 33]], bad),
        (20, vec![id, &[3], b"x"], bad),
        (20, vec![id, &[0], b""], RuleFault::Empty),
        (21, vec![hash], bad),
        (22, vec![], bad),
        (22, vec![b"today"], bad),
        (23, vec![], RuleFault::Verb(23)),
        (2, vec![&[0], b"words", b"x"], RuleFault::Private),
    ];
    for (verb, items, fault) in cases {
        let statement = ana.statement(verb, &items);
        let found = ana.fault_of(&[first.clone(), statement]);
        assert_eq!(found, Some(fault), "{verb} {items:?}");
    }
    let role = ana.beginning(1);
    assert_eq!(ana.fault_of(&[role]), Some(RuleFault::Role(1)));
    // Bo may speak of it before its beginning has come; he does not begin it.
    let mut bo = Device::new(PLAN, ana.entry, 3);
    let his = bo.statement(20, &[id, &[0], b"The lake"]);
    assert_eq!(bo.fault_of(&[his]), None);
    let his = bo.beginning(0);
    assert_eq!(bo.fault_of(&[his]), Some(RuleFault::NotItsBeginner));
}

#[test]
fn a_plan_takes_so_many_steps_of_each_and_no_more() {
    let mut ana = Device::new(PLAN, entry_of(PLAN, 1), 1);
    let begun = ana.beginning(0);
    let begun = ana.forges(&[begun]);
    ana.takes(&begun).unwrap();
    for n in 0..ITEMS as u64 {
        let step = ana.statement(16, &[&n.to_be_bytes(), &[0], &[0], b"", b"x"]);
        let step = ana.forges(&[step]);
        ana.takes(&step).unwrap();
    }
    let known = ana.statement(16, &[&0u64.to_be_bytes(), &[0], &[0], b"", b"y"]);
    let more = ana.statement(20, &[&[0xff; 8], &[0], b"x"]);
    assert_eq!(statements_in(&ana.anas).len(), ITEMS + 1);
    assert_eq!(ana.fault_of(&[known]), None);
    assert_eq!(ana.fault_of(&[more]), Some(RuleFault::TooLong));
    assert_eq!(ana.view().plan().steps.len(), ITEMS);
}

#[test]
fn a_person_writes_one_line_that_can_be_read() {
    let (mut ana, _) = two(false);
    for (text, fault) in [
        (" ", RuleFault::Empty),
        (&"x".repeat(ITEM_BYTES + 1), RuleFault::TooLong),
    ] {
        assert_eq!(
            ana.says(step(PIE, text, false)).unwrap_err(),
            RuleError::Fault(fault)
        );
    }
    for text in ["a\nb", "a\tb", "a\u{1b}[2Jb"] {
        let error = ana.says(step(PIE, text, false)).unwrap_err();
        assert!(matches!(error, RuleError::Character { .. }), "{error}");
    }
    let version = [9; 32];
    let say = Say::Done {
        step: HUT,
        on: TODAY.to_owned(),
        version,
    };
    let names = RuleError::Fault(RuleFault::Names);
    assert_eq!(ana.says(say).unwrap_err(), names, "it reads otherwise now");
}
