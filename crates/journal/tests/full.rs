//! A part that has grown as far as it may: what would make it longer is refused by what it follows alone, honest people are
//! told before, and nothing that a partner adds makes the next honest edit impossible.

mod common;
#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::apology::{Say, Words};
use amends_journal::wall::{self, PART_OPERATIONS, PermitFault, WRITER_BYTES};
use amends_journal::{Actor, EntryKind, Part, PartKind, Refusal, RuleError};
use automerge::legacy::{ObjectId, Op};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, ObjId};
use common::{Deed, Device, Which};
use forge::{expanded, forged, id, named, op, put};

fn language(pred: Vec<automerge::legacy::OpId>) -> Op {
    op(put("de"), ObjectId::Root, named("language"), false, pred)
}

#[test]
fn values_of_a_field_do_not_add_up() {
    let mut ana = Device::new(Which::Anas, 1);
    ana.propose("T", "Phones");
    let hers = id(3, ana.actor);
    let tried = |part: &Part, operations| {
        let change = forged(part, forge::EVE, operations);
        wall::admit(part, &common::writer(forge::EVE), &[&change])
    };
    let replaces = |result: Result<Part, Refusal>| {
        assert!(matches!(
            result,
            Err(Refusal::Permit(PermitFault::Replaces(_)))
        ));
    };
    // Nineteen thousand values beside each other would be as many predecessors of whoever puts the next one.
    replaces(tried(&ana.shared, vec![language(vec![])]));
    replaces(tried(
        &ana.shared,
        vec![language(vec![hers.clone()]), language(vec![])],
    ));
    let taken = tried(&ana.shared, vec![language(vec![hers.clone()])]).unwrap();
    replaces(tried(&taken, vec![language(vec![])]));
    replaces(tried(&taken, vec![language(vec![hers])]));

    // Written at once they stand beside each other, one for each who wrote, and the next one replaces both.
    let mut change = expanded(
        &ana.shared,
        Actor([8; 16]),
        vec![language(vec![id(3, ana.actor)])],
    );
    change.time = 1;
    let both = wall::admit(
        &taken,
        &common::writer(Actor([8; 16])),
        &[&forge::bytes(change)],
    )
    .unwrap();
    let last = amends_last(&both);
    replaces(tried(&both, vec![language(vec![last[0].clone()])]));
    tried(&both, vec![language(last)]).unwrap();
}

/// The two values that stand in a part that two wrote at once, in order.
fn amends_last(part: &Part) -> Vec<automerge::legacy::OpId> {
    let top = forge::document(part);
    let max = top.get_changes_meta(&[]).iter().map(|m| m.max_op).max();
    let counter = max.unwrap();
    vec![id(counter, Actor([8; 16])), id(counter, forge::EVE)]
}

#[test]
fn two_people_who_put_a_date_at_once_go_on() {
    let (mut ana, mut bo) = (Device::new(Which::Anas, 1), Device::new(Which::Bos, 2));
    bo.takes(&ana.propose("Evenings", "Phones away.")).unwrap();
    for year in 2027..2031 {
        let date = |month: u8| Deed::Review(Some(format!("{year}-{month:02}-01")));
        let hers = ana.does(&date(3)).unwrap();
        let his = bo.does(&date(4)).unwrap();
        ana.takes(&his).unwrap();
        bo.takes(&hers).unwrap();
        let next = ana.does(&date(5)).unwrap();
        bo.takes(&next).unwrap();
        assert_eq!(ana.view().current, bo.view().current);
    }
}

#[test]
fn operations_are_counted_up_to_a_bound() {
    let mut doc =
        forge::document(&common::part(PartKind::Shared)).with_actor(ActorId::from(forge::EVE.0));
    let text = ObjId::Id(2, ActorId::from([0; 16]), 0);
    let at_once = 20_000;
    for _ in 0..(PART_OPERATIONS as usize - 2) / at_once {
        let mut transaction = doc.transaction();
        transaction
            .splice_text(&text, 0, 0, &"x".repeat(at_once))
            .unwrap();
        transaction.commit_with(CommitOptions::default().with_time(0));
    }
    let full = Part::load(
        EntryKind::Boundary,
        1,
        PartKind::Shared,
        &doc.save_nocompress(),
    );
    let mut ana = Device::new(Which::Anas, 1);
    ana.shared = full.unwrap();
    // Whoever is honest stops long before.
    let refused = ana.boundary().edit(
        &common::writer(ana.actor),
        0,
        &amends_journal::Edit {
            title: Some("T"),
            ..Default::default()
        },
    );
    assert!(matches!(refused, Err(RuleError::PartTooLong { .. })));
    let mut transaction = doc.transaction();
    transaction
        .splice_text(&text, 0, 0, &"x".repeat(at_once))
        .unwrap();
    transaction.commit_with(CommitOptions::default().with_time(0));
    let change = doc.get_last_local_change().unwrap();
    assert!(matches!(
        wall::admit(
            &ana.shared,
            &common::writer(forge::EVE),
            &[change.raw_bytes()]
        ),
        Err(Refusal::Permit(PermitFault::Counter(_)))
    ));
    // What fits to the last is taken, and nothing after it.
    let letters = |part: &Part, count: u64| {
        let first = forge::expanded(part, forge::EVE, vec![]).start_op.get();
        let mut key = forge::beginning();
        let letter = |counter: u64| {
            let next = forge::after(id(counter, forge::EVE));
            let key = std::mem::replace(&mut key, next);
            op(put("x"), forge::container(2), key, true, vec![])
        };
        let change = forged(
            part,
            forge::EVE,
            (first..first + count).map(letter).collect(),
        );
        wall::admit(part, &common::writer(forge::EVE), &[&change])
    };
    let left = PART_OPERATIONS - ana.shared.size().1;
    let full = letters(&ana.shared, left).unwrap();
    assert_eq!(full.size().1, PART_OPERATIONS);
    assert!(matches!(
        letters(&full, 1),
        Err(Refusal::Permit(PermitFault::Counter(_)))
    ));
}

#[test]
fn one_writer_s_changes_weigh_up_to_a_bound() {
    let kind = EntryKind::Apology;
    let mut ana = told::Device::new(kind, told::entry_of(kind, 1), 1);
    let given = Words {
        did: "I read your letters.".to_owned(),
        ..Words::default()
    };
    ana.begins(&[Say::Give(given).into()]).unwrap();
    let long = "x".repeat(90_000);
    let mut said = 0u64;
    let refused = loop {
        match ana.says(Say::Add(long.clone())) {
            Ok(_) => said += 90_000,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, RuleError::PartTooLong { .. }));
    assert!(said > WRITER_BYTES / 3 && said <= WRITER_BYTES / 2 + 90_000);
    // Whoever goes on all the same is refused before the part is twice as long.
    let refused = loop {
        let statement = ana.statement(17, &[long.as_bytes()]);
        let change = told::forge_said(&ana.anas, told::actor(1), &[statement]);
        match wall::admit(&ana.anas, &ana.writer(1), &[&change]) {
            Ok(part) => ana.anas = part,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refusal::Permit(PermitFault::Weight(_))));
    assert!(ana.anas.size().0 <= WRITER_BYTES);
    // What fits to the last byte is taken, and nothing after it.
    let forge = |part: &Part, length: u64| {
        let text = vec![b'x'; usize::try_from(length).unwrap()];
        let statement = ana.statement(17, &[&text]);
        told::forge_said(part, told::actor(1), &[statement])
    };
    let left = WRITER_BYTES - ana.anas.size().0;
    // What stands around the text is as long for each text of about this length.
    let around = forge(&ana.anas, left - 400).len() as u64 - (left - 400);
    let last = forge(&ana.anas, left - around);
    assert_eq!(last.len() as u64, left);
    let full = wall::admit(&ana.anas, &ana.writer(1), &[&last]).unwrap();
    assert_eq!(full.size().0, WRITER_BYTES);
    assert!(matches!(
        wall::admit(&full, &ana.writer(1), &[&forge(&full, 1)]),
        Err(Refusal::Permit(PermitFault::Weight(_)))
    ));
    let again = Part::load(kind, 1, PartKind::Own, &ana.anas.save()).unwrap();
    assert_eq!(again.heads(), ana.anas.heads());
}
