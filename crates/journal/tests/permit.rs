//! What step 4 of the wall refuses: changes in perfect form that their writer may not make.

mod common;
#[path = "common/forge.rs"]
mod forge;

use amends_journal::wall::{ColumnFault, Judged, PermitFault};
use amends_journal::{Act, ActFault, Actor, Part, PartKind, Refusal, Verb};
use automerge::legacy::{MarkData, ObjectId, Op, OpType};
use automerge::{ChangeHash, ObjType, ScalarValue};
use common::{Device, Which, part};
use forge::*;

/// A shared part with "T" and "Phones" in it, both written by Ana, and Ana's own with one act.
fn device() -> (Device, Vec<Vec<u8>>) {
    let mut ana = Device::new(Which::Anas, 1);
    let record = ana.propose("T", "Phones");
    (ana, record.items[0].1.clone())
}

fn refused(part: &Part, bytes: &[u8]) -> Refusal {
    let before = (part.heads(), part.save());
    let refusal = amends_journal::wall::admit(part, &common::writer(EVE), &[bytes])
        .expect_err("must be refused");
    assert_eq!((part.heads(), part.save()), before);
    let said = refusal.to_string();
    assert!(
        said.starts_with(&format!("step {}: ", refusal.step())),
        "{said}"
    );
    refusal
}

fn refused_ops(part: &Part, operations: Vec<Op>) -> PermitFault {
    match refused(part, &forged(part, EVE, operations)) {
        Refusal::Permit(fault) => fault,
        other => panic!("{other}"),
    }
}

/// A harmless operation: one character at the beginning of the text.
fn letter() -> Op {
    op(put("x"), container(2), beginning(), true, vec![])
}

#[test]
fn step_4_knows_who_writes_and_what_follows_what() {
    let (ana, _) = device();
    let permit = |change| match refused(&ana.shared, &bytes(change)) {
        Refusal::Permit(fault) => fault,
        other => panic!("{other}"),
    };
    let good = || expanded(&ana.shared, EVE, vec![letter()]);
    for actor in [ana.actor, Actor([0; 16])] {
        let mut change = good();
        change.actor_id = actor.0.into();
        assert_eq!(permit(change), PermitFault::Actor);
    }
    for seq in [0, 2, u64::MAX] {
        let mut change = good();
        change.seq = seq;
        assert_eq!(
            permit(change),
            PermitFault::Seq {
                expected: 1,
                got: seq
            }
        );
    }
    let start = good().start_op.get();
    for wrong in [1, start - 1, start + 1, u64::from(u32::MAX), u64::MAX] {
        let mut change = good();
        change.start_op = wrong.try_into().unwrap();
        assert_eq!(
            permit(change),
            PermitFault::StartOp {
                expected: start,
                got: wrong
            }
        );
    }
    for time in [-1, i64::MIN, i64::MAX] {
        let mut change = good();
        change.time = time;
        assert_eq!(permit(change), PermitFault::Time);
    }
    let mut change = good();
    change.operations.clear();
    assert!(matches!(
        refused(&ana.shared, &bytes(change)),
        Refusal::Permit(PermitFault::Empty) | Refusal::Columns(_)
    ));
    let mut change = good();
    change.deps = vec![];
    assert_eq!(permit(change), PermitFault::Follows);
    let mut change = good();
    change.deps.push(ChangeHash([0xfe; 32]));
    assert_eq!(
        refused(&ana.shared, &bytes(change)),
        Refusal::MissingDependency(amends_journal::wall::MissingDependency([0xfe; 32]))
    );

    // Her second change must follow her first, wherever else it begins.
    let first = forged(&ana.shared, EVE, vec![letter()]);
    let after_first =
        amends_journal::wall::admit(&ana.shared, &common::writer(EVE), &[&first]).unwrap();
    let mut change = expanded(&after_first, EVE, vec![letter()]);
    change.deps = ana.shared.heads().into_iter().map(ChangeHash).collect();
    change.start_op = good().start_op;
    assert_eq!(
        refused(&after_first, &bytes(change)),
        Refusal::Permit(PermitFault::Follows)
    );
    // Nor may the first come again, nor another in its place.
    let other = forged(&ana.shared, EVE, vec![letter(), letter()]);
    for again in [&first, &other] {
        assert_eq!(
            refused(&after_first, again),
            Refusal::Permit(PermitFault::Seq {
                expected: 2,
                got: 1
            })
        );
    }
}

#[test]
fn step_4_leaves_no_container_made_replaced_or_deleted() {
    let (ana, _) = device();
    let shared = &ana.shared;
    for kind in [ObjType::Map, ObjType::List, ObjType::Text, ObjType::Table] {
        for operation in [
            op(
                OpType::Make(kind),
                ObjectId::Root,
                named("new"),
                false,
                vec![],
            ),
            op(
                OpType::Make(kind),
                ObjectId::Root,
                named("text"),
                false,
                vec![id(2, Actor([0; 16]))],
            ),
            op(OpType::Make(kind), container(2), beginning(), true, vec![]),
        ] {
            assert!(matches!(
                refused_ops(shared, vec![operation]),
                PermitFault::Container(_)
            ));
        }
    }
    let text = || vec![id(2, Actor([0; 16]))];
    for operation in [
        op(put("x"), ObjectId::Root, named("text"), false, text()),
        op(put("x"), ObjectId::Root, named("title"), false, vec![]),
        op(OpType::Delete, ObjectId::Root, named("text"), false, text()),
    ] {
        assert!(matches!(
            refused_ops(shared, vec![operation]),
            PermitFault::Container(_)
        ));
    }
}

#[test]
fn step_4_takes_nothing_beside_the_schema() {
    let (ana, _) = device();
    let shared = &ana.shared;
    // The language was put first; the first letter of the title, then those of the text follow.
    let (language, title, phones) = (id(3, ana.actor), id(4, ana.actor), id(5, ana.actor));
    let root = || ObjectId::Root;
    for operation in [
        op(put("x"), root(), named("unknown"), false, vec![]),
        op(put(""), root(), named(""), false, vec![]),
        op(put(1), root(), named("language"), false, vec![]),
        op(put("e n"), root(), named("language"), false, vec![]),
        op(
            put("x".repeat(36).as_str()),
            root(),
            named("language"),
            false,
            vec![],
        ),
        op(put("2027-02-30"), root(), named("review_on"), false, vec![]),
        op(
            OpType::Delete,
            root(),
            named("language"),
            false,
            vec![language.clone()],
        ),
        op(
            OpType::Increment(1),
            root(),
            named("language"),
            false,
            vec![language.clone()],
        ),
        op(put("xy"), container(2), beginning(), true, vec![]),
        op(put(""), container(2), beginning(), true, vec![]),
        op(put(7), container(2), beginning(), true, vec![]),
        op(
            put(ScalarValue::Null),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        op(
            put(ScalarValue::Bytes(vec![1])),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        op(
            put(ScalarValue::Unknown {
                type_code: 12,
                bytes: vec![1],
            }),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        op(
            put("x"),
            container(2),
            after(phones.clone()),
            false,
            vec![phones.clone()],
        ),
        op(put("x"), container(2), named("x"), false, vec![]),
        op(
            put("x"),
            container(2),
            beginning(),
            true,
            vec![phones.clone()],
        ),
        op(
            OpType::Delete,
            container(2),
            after(phones.clone()),
            false,
            vec![],
        ),
        op(
            OpType::Delete,
            container(2),
            after(phones.clone()),
            false,
            vec![title.clone()],
        ),
        op(put("x"), container(3), beginning(), true, vec![]),
        op(
            put("x"),
            ObjectId::Id(phones.clone()),
            beginning(),
            true,
            vec![],
        ),
        op(
            put("x"),
            ObjectId::Id(id(1, EVE)),
            beginning(),
            true,
            vec![],
        ),
    ] {
        let fault = refused_ops(shared, vec![operation.clone()]);
        assert!(
            matches!(fault, PermitFault::Schema(_)),
            "{operation:?}: {fault}"
        );
    }
    for operations in [
        // An element of another container, of nothing, of the future, and of itself.
        vec![op(
            put("x"),
            container(2),
            after(title.clone()),
            true,
            vec![],
        )],
        vec![op(
            put("x"),
            container(1),
            after(phones.clone()),
            true,
            vec![],
        )],
        vec![op(
            put("x"),
            container(2),
            after(language.clone()),
            true,
            vec![],
        )],
        vec![op(
            put("x"),
            container(2),
            after(id(2, Actor([0; 16]))),
            true,
            vec![],
        )],
        vec![op(
            put("x"),
            container(2),
            after(id(99, ana.actor)),
            true,
            vec![],
        )],
        vec![op(put("x"), container(2), after(id(11, EVE)), true, vec![])],
        vec![op(
            put("x"),
            container(2),
            after(id(5, Actor([8; 16]))),
            true,
            vec![],
        )],
        vec![op(
            OpType::Delete,
            container(2),
            after(title.clone()),
            false,
            vec![title.clone()],
        )],
        // Deleting one character twice.
        vec![
            op(
                OpType::Delete,
                container(2),
                after(phones.clone()),
                false,
                vec![phones.clone()],
            ),
            op(
                OpType::Delete,
                container(2),
                after(phones.clone()),
                false,
                vec![phones.clone()],
            ),
        ],
        vec![op(
            put("de"),
            root(),
            named("language"),
            false,
            vec![phones.clone()],
        )],
        vec![op(
            put(""),
            root(),
            named("review_on"),
            false,
            vec![language.clone()],
        )],
    ] {
        let fault = refused_ops(shared, operations.clone());
        assert!(
            matches!(fault, PermitFault::Reference(_)),
            "{operations:?}: {fault}"
        );
    }
    let mark = OpType::MarkBegin(MarkData {
        name: "bold".into(),
        value: true.into(),
        expand: true,
    });
    assert!(matches!(
        refused(
            shared,
            &forged(
                shared,
                EVE,
                vec![op(mark, container(2), beginning(), true, vec![])]
            )
        ),
        Refusal::Columns(ColumnFault::Unknown(_))
    ));
    let fault = refused_ops(
        shared,
        vec![op(
            OpType::MarkEnd(false),
            container(2),
            beginning(),
            true,
            vec![],
        )],
    );
    assert!(matches!(fault, PermitFault::Schema(_)));
}

fn act(verb: Verb, n: u64) -> Act {
    let (hash, heads) = ([5; 32], vec![[6; 32]]);
    Act {
        verb,
        n,
        time: 0,
        hash,
        heads,
        ends: vec![],
        reason: String::new(),
    }
}

fn add(bytes: Vec<u8>) -> Op {
    op(
        put(ScalarValue::Bytes(bytes)),
        container(1),
        beginning(),
        true,
        vec![],
    )
}

#[test]
fn acts_are_added_and_never_altered() {
    let own = part(PartKind::Own);
    let first = forged(&own, EVE, vec![add(act(Verb::Agree, 3).bytes())]);
    let own = amends_journal::wall::admit(&own, &common::writer(EVE), &[&first]).unwrap();
    let written = id(3, EVE);
    let other = ScalarValue::Bytes(act(Verb::Decline, 9).bytes());
    for operation in [
        op(
            OpType::Delete,
            container(1),
            after(written.clone()),
            false,
            vec![written.clone()],
        ),
        op(
            OpType::Put(other.clone()),
            container(1),
            after(written.clone()),
            false,
            vec![written.clone()],
        ),
        op(
            OpType::Put(other.clone()),
            container(1),
            after(written.clone()),
            false,
            vec![],
        ),
        op(
            OpType::Put(other),
            container(1),
            beginning(),
            true,
            vec![written.clone()],
        ),
        op(
            OpType::Increment(1),
            container(1),
            after(written.clone()),
            false,
            vec![written],
        ),
        op(put("words"), container(1), beginning(), true, vec![]),
    ] {
        let fault = refused_ops(&own, vec![operation.clone()]);
        assert!(
            matches!(fault, PermitFault::AltersAct(_)),
            "{operation:?}: {fault}"
        );
    }

    let fault = |operations| match refused_ops(&own, operations) {
        PermitFault::Act(_, fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(
        fault(vec![add(act(Verb::Propose, 4).bytes())]),
        ActFault::LateProposal
    );
    assert_eq!(
        fault(vec![add(act(Verb::Agree, 3).bytes())]),
        ActFault::Number
    );
    assert_eq!(
        fault(vec![
            add(act(Verb::Agree, 5).bytes()),
            add(act(Verb::End, 4).bytes())
        ]),
        ActFault::Number
    );
    assert_eq!(
        fault(vec![add(b"nonsense".to_vec())]),
        ActFault::Read(amends_journal::wall::ReadFault::Short)
    );
    let many = (0..17)
        .map(|n| add(act(Verb::Agree, 10 + n).bytes()))
        .collect();
    assert_eq!(refused_ops(&own, many), PermitFault::TooManyActs(17));

    // At the greatest number an end is still possible.
    let greatest = amends_journal::GREATEST_N;
    let own = amends_journal::wall::admit(
        &own,
        &common::writer(EVE),
        &[&forged(
            &own,
            EVE,
            vec![add(act(Verb::Agree, greatest).bytes())],
        )],
    )
    .unwrap();
    assert!(
        amends_journal::wall::admit(
            &own,
            &common::writer(EVE),
            &[&forged(
                &own,
                EVE,
                vec![add(act(Verb::End, greatest).bytes())]
            )]
        )
        .is_ok()
    );
}

#[test]
fn changes_of_one_part_are_all_taken_or_none() {
    let (ana, _) = device();
    let good = forged(&ana.shared, EVE, vec![letter()]);
    let after_good =
        amends_journal::wall::admit(&ana.shared, &common::writer(EVE), &[&good]).unwrap();
    let next = forged(&after_good, EVE, vec![letter()]);
    let bad = forged(
        &after_good,
        EVE,
        vec![op(put("x"), ObjectId::Root, named("bad"), false, vec![])],
    );
    let admit =
        |changes: &[&[u8]]| amends_journal::wall::admit(&ana.shared, &common::writer(EVE), changes);
    let both = admit(&[&good, &next]).unwrap();
    assert_eq!(both.changes(), ana.shared.changes() + 2);
    assert!(matches!(
        admit(&[&good, &bad]),
        Err(Refusal::Permit(PermitFault::Schema(_)))
    ));
    assert!(matches!(
        admit(&[&next, &good]),
        Err(Refusal::MissingDependency(_))
    ));
    assert!(matches!(
        admit(&[&good, &good]),
        Err(Refusal::Permit(PermitFault::Seq { .. }))
    ));
    assert_eq!(admit(&[]).unwrap().heads(), ana.shared.heads());
}

#[test]
fn changes_that_wait_can_be_forgotten_from_the_last_one_back() {
    let (ana, _) = device();
    let writer = common::writer(EVE);
    let good = forged(&ana.shared, EVE, vec![letter()]);
    let after_good = amends_journal::wall::admit(&ana.shared, &writer, &[&good]).unwrap();
    let next = forged(&after_good, EVE, vec![letter()]);
    let mut judged = Judged::new(ana.shared.clone());
    assert_eq!(judged.waiting(), 0);
    judged.judge(&writer, &good).unwrap();
    judged.judge(&writer, &next).unwrap();
    assert_eq!(judged.waiting(), 2);
    // Beyond those that wait there is nothing to forget.
    judged.forget(3);
    assert_eq!(judged.waiting(), 2);
    judged.forget(1);
    assert_eq!(judged.waiting(), 1);
    // The one that was forgotten can come again, and the other one cannot.
    assert!(matches!(
        judged.judge(&writer, &good),
        Err(Refusal::Permit(PermitFault::Seq { .. }))
    ));
    judged.judge(&writer, &next).unwrap();
    judged.forget(1);
    let part = judged.finish().unwrap();
    assert_eq!(part.heads(), after_good.heads());
    assert_eq!(
        amends_journal::carry::hash_of(&good),
        after_good.heads().first().copied()
    );
    assert_eq!(amends_journal::carry::hash_of(b"no change"), None);
}

/// A snapshot is ours, sealed, and still it is looked at.
#[test]
fn a_snapshot_of_something_else_is_not_loaded() {
    let (ana, _) = device();
    let load = |kind, bytes: &[u8]| Part::load(amends_journal::EntryKind::Boundary, 1, kind, bytes);
    assert!(load(PartKind::Shared, &ana.shared.save()).is_ok());
    for bytes in [
        vec![],
        b"nonsense".to_vec(),
        ana.anas.save(),
        automerge::Automerge::new().save(),
    ] {
        assert!(load(PartKind::Shared, &bytes).is_err());
    }
    let mut doc = document(&ana.shared).with_actor(EVE.0.into());
    let mut transaction = doc.transaction();
    automerge::transaction::Transactable::put(&mut transaction, automerge::ROOT, "unknown", 1)
        .unwrap();
    transaction.commit();
    assert!(matches!(
        load(PartKind::Shared, &doc.save()),
        Err(amends_journal::LoadError::Refused(Refusal::Permit(_)))
    ));
    let saved = ana.shared.save();
    for at in 0..saved.len() {
        let mut bad = saved.clone();
        bad[at] ^= 0x20;
        assert!(load(PartKind::Shared, &bad).is_err(), "{at}");
    }
}

/// One character at the beginning of the text, by hand; what every column holds can be seen here.
#[test]
fn an_actor_that_no_operation_names_is_refused() {
    let (ana, _) = device();
    let deps: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let start = expanded(&ana.shared, EVE, vec![]).start_op.get();
    let columns = [
        (1, run(1, 1)),
        (2, run(1, 2)),
        (19, run(1, 0)),
        (52, vec![0, 1]),
        (66, run(1, 1)),
        (86, run(1, (1 << 4) | 6)),
        (87, b"x".to_vec()),
        (112, run(1, 0)),
    ];
    let first = Actor([0; 16]);
    let change = |others: &[Actor]| with_actors(others, &deps, EVE, 1, start, &columns);
    assert_eq!(change(&[first]), forged(&ana.shared, EVE, vec![letter()]));
    let refusal = refused(&ana.shared, &change(&[first, ana.actor]));
    assert_eq!(refusal, Refusal::Permit(PermitFault::UnusedActor));
    for others in [&[ana.actor, first][..], &[first, first], &[first, EVE]] {
        assert_eq!(
            refused(&ana.shared, &change(others)),
            Refusal::Columns(ColumnFault::Actor)
        );
    }
}

/// What a change does not follow it cannot name, though it is held here: elsewhere it may not be.
#[test]
fn a_change_names_only_what_it_follows() {
    let (ana, _) = device();
    let before: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let mut later = ana.clone();
    let splice = common::Deed::Splice {
        text: true,
        at: 0,
        delete: 0,
        insert: "new".into(),
    };
    later.does(&splice).unwrap();
    let element = expanded(&ana.shared, EVE, vec![]).start_op.get();
    for operation in [
        op(
            put("x"),
            container(2),
            after(id(element, ana.actor)),
            true,
            vec![],
        ),
        op(
            OpType::Delete,
            container(2),
            after(id(element, ana.actor)),
            false,
            vec![id(element, ana.actor)],
        ),
    ] {
        let mut change = expanded(&later.shared, EVE, vec![operation.clone()]);
        assert!(
            amends_journal::wall::admit(
                &later.shared,
                &common::writer(EVE),
                &[&bytes(change.clone())]
            )
            .is_ok()
        );
        change.deps = before.clone();
        change.start_op = element.try_into().unwrap();
        assert!(matches!(
            refused(&later.shared, &bytes(change)),
            Refusal::Permit(PermitFault::Reference(_))
        ));
    }
}

/// What a put names must be values of its own field, each once: it is refused for what it names before it is asked what it
/// replaces.
#[test]
fn a_put_names_values_of_its_own_field_alone() {
    let (ana, _) = device();
    let (language, title, letter) = (id(3, ana.actor), id(4, ana.actor), id(5, ana.actor));
    let puts = |named_too: Vec<_>| {
        let put = op(
            put("de"),
            ObjectId::Root,
            named("language"),
            false,
            named_too,
        );
        refused_ops(&ana.shared, vec![put])
    };
    let at = expanded(&ana.shared, EVE, vec![]).start_op.get();
    for named in [
        vec![title.clone()],
        vec![letter.clone()],
        vec![language.clone(), letter],
        vec![language, title],
    ] {
        assert_eq!(puts(named), PermitFault::Reference(at));
    }
}
