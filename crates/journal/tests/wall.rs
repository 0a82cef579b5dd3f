//! What steps 2 and 3 of the wall refuse. Every change here has the right checksum unless said.

mod common;
#[path = "common/forge.rs"]
mod forge;

use std::time::Instant;

use amends_journal::wall::{ChunkFault, ColumnFault, PermitFault};
use amends_journal::{Actor, Part, Refusal};
use automerge::ChangeHash;
use automerge::legacy::{Op, OpType};
use common::{Device, Which};
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

/// A harmless operation: one character at the beginning of the text.
fn letter() -> Op {
    op(put("x"), container(2), beginning(), true, vec![])
}

#[test]
fn an_honest_change_is_taken() {
    let (ana, _) = device();
    let taken = amends_journal::wall::admit(
        &ana.shared,
        &common::writer(EVE),
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
    assert_eq!(chunk_fault(&vec![0; 256 * 1024]), ChunkFault::Magic);
    assert!(matches!(chunk_fault(&[]), ChunkFault::Read(_)));
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
            let refusal = amends_journal::wall::admit(&ana.shared, &common::writer(EVE), &[&bomb])
                .unwrap_err();
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

/// The columns of one operation of EVE's, and what it is refused for.
fn refused_operation(part: &Part, others: &[Actor], columns: &[(u32, Vec<u8>)]) -> Refusal {
    let deps: Vec<_> = part.heads().into_iter().map(ChangeHash).collect();
    let start = expanded(part, EVE, vec![]).start_op.get();
    refused(part, &with_actors(others, &deps, EVE, 1, start, columns))
}

#[test]
fn an_operation_is_named_by_a_counter_from_1_to_what_fits_32_bits() {
    let (ana, _) = device();
    let in_object = |counter: u64| {
        let columns = [
            (1, run(1, 1)),
            (2, run(1, counter)),
            (19, run(1, 0)),
            (52, vec![0, 1]),
            (66, run(1, 1)),
            (86, run(1, (1 << 4) | 6)),
            (87, b"x".to_vec()),
            (112, run(1, 0)),
        ];
        refused_operation(&ana.shared, &[Actor([0; 16])], &columns)
    };
    for counter in [0, u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(
            in_object(counter),
            Refusal::Columns(ColumnFault::Operation),
            "{counter}"
        );
    }
    assert!(matches!(
        in_object(u32::MAX.into()),
        Refusal::Permit(PermitFault::Schema(_))
    ));
}

#[test]
fn a_value_of_nothing_has_no_bytes() {
    let (ana, _) = device();
    let others = [Actor([0; 16]), ana.actor];
    let deletes = |length: u64| {
        let mut columns = vec![
            (1, run(1, 1)),
            (2, run(1, 2)),
            (17, run(1, 2)),
            (19, run(1, 5)),
            (52, vec![1]),
            (66, run(1, 3)),
            (86, run(1, length << 4)),
            (112, run(1, 1)),
            (113, run(1, 2)),
            (115, run(1, 5)),
        ];
        if length > 0 {
            columns.insert(7, (87, vec![0; length as usize]));
        }
        columns
    };
    // Without bytes it is the honest deletion of a letter.
    let letter = id(5, ana.actor);
    let honest = op(
        OpType::Delete,
        container(2),
        after(letter.clone()),
        false,
        vec![letter],
    );
    let deps: Vec<_> = ana.shared.heads().into_iter().map(ChangeHash).collect();
    let start = expanded(&ana.shared, EVE, vec![]).start_op.get();
    assert_eq!(
        with_actors(&others, &deps, EVE, 1, start, &deletes(0)),
        forged(&ana.shared, EVE, vec![honest])
    );
    assert_eq!(
        refused_operation(&ana.shared, &others, &deletes(1)),
        Refusal::Permit(PermitFault::Schema(start))
    );
}
