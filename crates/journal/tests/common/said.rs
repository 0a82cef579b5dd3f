//! People's own parts of one entry, and statements in them that no honest program need have written.
#![allow(dead_code, unreachable_pub)]

use amends_journal::{
    Actor, BEGIN, Begin, Entry, EntryId, EntryKind, Part, PartKind, Refusal, Statement, Writer,
    wall,
};
use automerge::ScalarValue;

use crate::forge::{beginning, container, expanded, op, put};

pub const JOURNAL: [u8; 32] = [0x77; 32];
pub const NOW: i64 = 1_800_000_000_000;
const NONCE: [u8; 16] = [5; 16];

/// Ana's device, which begins the entry; another of hers; Bo's.
pub const ANA: Actor = Actor([1; 16]);
pub const ANA_TOO: Actor = Actor([2; 16]);
pub const BO: Actor = Actor([3; 16]);

/// An entry that Ana's device begins.
pub fn id(kind: EntryKind) -> EntryId {
    Begin::id(&JOURNAL, kind, &ANA, &NONCE)
}

/// Whoever writes in it as this actor.
pub fn writer(kind: EntryKind, actor: Actor) -> Writer {
    Writer {
        journal: JOURNAL,
        entry: id(kind),
        log: [0; 32],
        device: actor,
        actor,
        alone: false,
    }
}

/// An own part of it.
pub fn own(kind: EntryKind) -> Part {
    Part::new(kind, 1, PartKind::Own).unwrap()
}

pub fn statement(verb: u8, n: u64, items: &[&[u8]]) -> Statement {
    Statement {
        verb,
        n,
        time: NOW,
        items: items.iter().map(|item| item.to_vec()).collect(),
    }
}

/// What begins it, in this role.
pub fn begins(role: u8) -> Statement {
    statement(BEGIN, 1, &[&NONCE, &[role], &[]])
}

/// A change by this actor, of these statements, in the list `said` that operation `list` of the first change made.
pub fn change(part: &Part, actor: Actor, list: u64, statements: &[Statement]) -> Vec<u8> {
    let operations = statements
        .iter()
        .map(|statement| {
            let bytes = ScalarValue::Bytes(statement.bytes());
            op(put(bytes), container(list), beginning(), true, vec![])
        })
        .collect();
    crate::forge::bytes(expanded(part, actor, operations))
}

/// The part as it is when the wall took one change of these statements.
pub fn says(part: &Part, actor: Actor, statements: &[Statement]) -> Result<Part, Refusal> {
    says_in(part, actor, 1, statements)
}

/// The same, where `said` is another container than the first.
pub fn says_in(
    part: &Part,
    actor: Actor,
    list: u64,
    statements: &[Statement],
) -> Result<Part, Refusal> {
    let change = change(part, actor, list, statements);
    wall::admit(part, &writer(part.kind(), actor), &[&change])
}

/// Ana's look at the entry, or Bo's where the own parts change places.
pub fn look<T>(
    kind: EntryKind,
    shared: &Part,
    (mine, partners): (&Part, &Part),
    then: impl FnOnce(&Entry<'_>) -> T,
) -> T {
    then(&Entry {
        entry: id(kind),
        shared,
        mine,
        partners,
    })
}

/// Every order of so many things.
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = orders(last).into_iter();
    shorter
        .flat_map(|order| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, last);
                order
            })
        })
        .collect()
}
