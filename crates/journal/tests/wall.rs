//! What the wall refuses, at which step. Every change here has the right checksum unless said.

mod common;
#[path = "common/forge.rs"]
mod forge;

use std::time::Instant;

use amends_journal::wall::{ChunkFault, ColumnFault, PermitFault};
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
    let refusal = amends_journal::wall::admit(part, &EVE, &[bytes]).expect_err("must be refused");
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
fn an_honest_change_is_taken() {
    let (ana, _) = device();
    let taken = amends_journal::wall::admit(
        &ana.shared,
        &EVE,
        &[&forged(&ana.shared, EVE, vec![letter()])],
    );
    assert_eq!(taken.unwrap().changes(), ana.shared.changes() + 1);
}

#[test]
fn step_2_takes_one_change_chunk_and_nothing_else() {
    let (ana, _) = device();
    let good = forged(&ana.shared, EVE, vec![letter()]);
    let chunk_fault = |bytes: &[u8]| match refused(&ana.shared, bytes) {
        Refusal::Chunk(fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(
        chunk_fault(&[&good[..], &good].concat()),
        ChunkFault::Trailing(good.len())
    );
    assert_eq!(
        chunk_fault(&[&good[..], &[0]].concat()),
        ChunkFault::Trailing(1)
    );
    for kind in [0, 2, 3, 4, 255] {
        assert_eq!(
            chunk_fault(&chunk(kind, content(&good))),
            ChunkFault::Type(kind)
        );
    }
    assert_eq!(
        chunk_fault(&ana.shared.save()),
        ChunkFault::Type(0),
        "a whole document"
    );
    let deflated = {
        let mut long = expanded(&ana.shared, EVE, vec![letter()]);
        long.operations = (0..400).map(|_| letter()).collect();
        automerge::Change::from(long).bytes().to_vec()
    };
    assert_eq!(chunk_fault(&deflated), ChunkFault::Type(2));
    let bundle = document(&ana.shared)
        .bundle(document(&ana.shared).get_heads())
        .unwrap();
    assert_eq!(chunk_fault(bundle.bytes()), ChunkFault::Type(3));
    for at in 0..good.len() {
        assert!(
            matches!(refused(&ana.shared, &good[..at]), Refusal::Chunk(_)),
            "{at}"
        );
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(
            matches!(refused(&ana.shared, &bad), Refusal::Chunk(_)),
            "{at}"
        );
    }
    assert_eq!(
        chunk_fault(&vec![0; 256 * 1024 + 1]),
        ChunkFault::TooLong(256 * 1024 + 1)
    );
    assert!(matches!(chunk_fault(&[]), ChunkFault::Read(_)));
}

/// So many of one value; a single one is a run of single items.
fn run(count: i64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    sleb128(if count == 1 { -1 } else { count }, &mut out);
    leb128(value, &mut out);
    out
}

/// The known attack: a change of about a hundred bytes that claims 10^8 operations.
fn bomb(part: &Part, operations: i64) -> Vec<u8> {
    let mut insert = vec![0];
    leb128(operations as u64, &mut insert);
    let deps: Vec<_> = part.heads().into_iter().map(ChangeHash).collect();
    by_hand(
        &deps,
        EVE,
        1,
        100,
        &[
            (1, run(operations, 1)),
            (2, run(operations, 2)),
            (19, run(operations, 0)),
            (52, insert),
            (66, run(operations, 1)),
            (86, run(operations, 0)),
            (112, run(operations, 0)),
        ],
    )
}

#[test]
fn step_3_is_not_impressed_by_what_runs_claim() {
    let (ana, _) = device();
    for claim in [20_001, 100_000_000, i64::from(u32::MAX) + 1, i64::MAX] {
        let bomb = bomb(&ana.shared, claim);
        assert!(bomb.len() < 256, "{}", bomb.len());
        let from = Instant::now();
        for _ in 0..1_000 {
            let refusal = amends_journal::wall::admit(&ana.shared, &EVE, &[&bomb]).unwrap_err();
            assert!(matches!(
                refusal,
                Refusal::Columns(ColumnFault::TooMany { limit: 20_000, items, .. }) if items == claim as u64
            ));
        }
        // In microseconds each; a loaded machine may take its time.
        assert!(from.elapsed().as_millis() < 1_000, "{:?}", from.elapsed());
    }
    // Within the limit it is read, and refused for what it says.
    assert!(!matches!(
        refused(&ana.shared, &bomb(&ana.shared, 20_000)),
        Refusal::Columns(ColumnFault::TooMany { .. })
    ));

    // Many runs that add up, nulls and booleans.
    let deps: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let hand = |columns: &[(u32, Vec<u8>)]| match refused(
        &ana.shared,
        &by_hand(&deps, EVE, 1, 100, columns),
    ) {
        Refusal::Columns(fault) => fault,
        other => panic!("{other}"),
    };
    let adding: Vec<u8> = (0..30).flat_map(|n| run(1_000, n % 2)).collect();
    assert!(matches!(
        hand(&[(66, adding)]),
        ColumnFault::TooMany { items: 21_000, .. }
    ));
    let mut nulls = vec![0];
    leb128(u64::MAX, &mut nulls);
    assert!(matches!(
        hand(&[(66, nulls)]),
        ColumnFault::TooMany {
            items: u64::MAX,
            ..
        }
    ));
    let mut least = Vec::new();
    sleb128(i64::MIN, &mut least);
    assert!(matches!(hand(&[(66, least)]), ColumnFault::TooMany { .. }));
    let mut booleans = vec![0];
    leb128(1 << 60, &mut booleans);
    assert!(matches!(
        hand(&[(52, booleans), (66, run(1, 1))]),
        ColumnFault::TooMany { .. }
    ));
    // A predecessor count of each operation, and values' lengths.
    let base = |value: u64, group: u64| {
        vec![
            (52, vec![1]),
            (66, run(1, 1)),
            (86, run(1, value)),
            (112, run(1, group)),
        ]
    };
    assert!(matches!(
        hand(&base(0, u64::MAX)),
        ColumnFault::TooMany {
            what: "predecessors",
            ..
        }
    ));
    assert_eq!(hand(&base(u64::MAX, 0)), ColumnFault::Value);
    assert_eq!(hand(&base((7 << 4) | 6, 0)), ColumnFault::Value);
    // Runs of nothing.
    assert_eq!(hand(&[(66, vec![0, 0])]), ColumnFault::Operation);
    assert_eq!(
        hand(&[(52, vec![1, 0, 0]), (66, run(1, 1))]),
        ColumnFault::Operation
    );
}

#[test]
fn step_3_knows_its_columns() {
    let (ana, _) = device();
    let deps: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let hand = |columns: &[(u32, Vec<u8>)]| match refused(
        &ana.shared,
        &by_hand(&deps, EVE, 1, 100, columns),
    ) {
        Refusal::Columns(fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(hand(&[(66 | 8, vec![1, 1])]), ColumnFault::Deflated(74));
    for spec in [0, 3, 16, 53, 114, 148, 165, 179, !8] {
        assert_eq!(hand(&[(spec, vec![1, 1])]), ColumnFault::Unknown(spec));
    }
    assert_eq!(
        hand(&[(66, run(1, 1)), (66, run(1, 1))]),
        ColumnFault::Order(66)
    );
    assert_eq!(
        hand(&[(66, run(1, 1)), (52, vec![1])]),
        ColumnFault::Order(52)
    );
    assert_eq!(
        hand(&[(52, vec![]), (66, run(1, 1))]),
        ColumnFault::Order(52)
    );
    assert_eq!(
        hand(&[(1, run(2, 1)), (52, vec![1]), (66, run(1, 1))]),
        ColumnFault::Uneven {
            column: 1,
            items: 2,
            expected: 1
        }
    );
    assert_eq!(
        hand(&[(66, run(3, 1))]),
        ColumnFault::Uneven {
            column: 52,
            items: 0,
            expected: 3
        }
    );
    let thirteen: Vec<_> = (0..13).map(|_| (66, run(1, 1))).collect();
    assert!(matches!(
        hand(&thirteen),
        ColumnFault::TooMany {
            what: "columns",
            ..
        }
    ));
}

/// Automerge writes a change's bytes anew from its operations: another form would not come back.
#[test]
fn step_3_takes_each_column_in_one_form_alone() {
    let (ana, _) = device();
    let deps: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let hand = |action: &[u8]| match refused(
        &ana.shared,
        &by_hand(&deps, EVE, 1, 100, &[(66, action.to_vec())]),
    ) {
        Refusal::Columns(fault) => fault,
        other => panic!("{other}"),
    };
    let minus = |n: u8| 0x80 - n; // signed LEB128 of a small negative number
    for action in [
        &[1, 5][..],                 // one, as a run
        &[2, 5, 3, 5],               // one run in two
        &[minus(2), 5, 5],           // alike, singly
        &[minus(1), 5, minus(1), 6], // singles in two runs
        &[2, 5, minus(2), 5, 6],     // a run, and one more of it
        &[minus(2), 6, 5, 2, 5],     // the same, before it
        &[minus(1), 5, 0, 1, 0, 1],  // nulls in two runs
        &[0, 7],                     // nothing but nulls
    ] {
        assert_eq!(hand(action), ColumnFault::Form, "{action:?}");
    }
    assert!(matches!(
        hand(&[2, 5, minus(2), 6, 5, 0, 2, 3, 5]),
        ColumnFault::Uneven {
            column: 52,
            expected: 9,
            ..
        }
    ));
}

#[test]
fn step_3_bounds_the_header() {
    let (ana, _) = device();
    let columns_fault = |change| match refused(&ana.shared, &bytes(change)) {
        Refusal::Columns(fault) => fault,
        other => panic!("{other}"),
    };
    let good = || expanded(&ana.shared, EVE, vec![letter()]);
    let mut change = good();
    change.message = Some("m".repeat(257));
    assert!(matches!(
        columns_fault(change),
        ColumnFault::TooMany {
            what: "bytes of message",
            ..
        }
    ));
    let mut change = good();
    change.extra_bytes = vec![1, 2, 3];
    assert_eq!(columns_fault(change), ColumnFault::Trailing(3));
    let mut change = good();
    change.deps = (0..65).map(|n| ChangeHash([n; 32])).collect();
    assert!(matches!(
        columns_fault(change),
        ColumnFault::TooMany {
            what: "dependencies",
            ..
        }
    ));
    let mut change = good();
    change.deps = vec![change.deps[0], change.deps[0]];
    assert_eq!(columns_fault(change), ColumnFault::Dependencies);
    let mut change = good();
    change.actor_id = automerge::ActorId::from([9u8; 15].as_slice());
    assert_eq!(columns_fault(change), ColumnFault::Actor);
    let mut change = good();
    change.operations = (0..64)
        .map(|n| {
            op(
                put("x"),
                container(2),
                after(id(7, Actor([n + 10; 16]))),
                true,
                vec![],
            )
        })
        .collect();
    assert!(matches!(
        columns_fault(change),
        ColumnFault::TooMany {
            what: "actors",
            items: 66,
            ..
        }
    ));
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
    let after_first = amends_journal::wall::admit(&ana.shared, &EVE, &[&first]).unwrap();
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
    let own = amends_journal::wall::admit(&own, &EVE, &[&first]).unwrap();
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
        &EVE,
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
            &EVE,
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
    let after_good = amends_journal::wall::admit(&ana.shared, &EVE, &[&good]).unwrap();
    let next = forged(&after_good, EVE, vec![letter()]);
    let bad = forged(
        &after_good,
        EVE,
        vec![op(put("x"), ObjectId::Root, named("bad"), false, vec![])],
    );
    let admit = |changes: &[&[u8]]| amends_journal::wall::admit(&ana.shared, &EVE, changes);
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
