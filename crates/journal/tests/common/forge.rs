//! Changes that no honest program writes, with the right checksum.
#![allow(dead_code, unreachable_pub)]

use amends_journal::{Actor, Part};
use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Automerge, Change, ChangeHash, ExpandedChange, ScalarValue};
use sha2::{Digest, Sha256};

pub const EVE: Actor = Actor([9; 16]);

pub fn document(part: &Part) -> Automerge {
    Automerge::load(&part.save()).unwrap()
}

/// A change by this actor in the part's place of next, holding these operations.
pub fn expanded(part: &Part, actor: Actor, operations: Vec<Op>) -> ExpandedChange {
    let doc = document(part);
    let metas = doc.get_changes_meta(&[]);
    let mine: Vec<_> = metas
        .iter()
        .filter(|m| m.actor.to_bytes() == actor.0)
        .collect();
    ExpandedChange {
        operations,
        actor_id: ActorId::from(actor.0),
        hash: None,
        seq: mine.len() as u64 + 1,
        start_op: (metas.iter().map(|m| m.max_op).max().unwrap() + 1)
            .try_into()
            .unwrap(),
        time: 0,
        message: None,
        deps: doc.get_heads(),
        extra_bytes: Vec::new(),
        author: None,
    }
}

pub fn bytes(change: ExpandedChange) -> Vec<u8> {
    Change::from(change).raw_bytes().to_vec()
}

pub fn forged(part: &Part, actor: Actor, operations: Vec<Op>) -> Vec<u8> {
    bytes(expanded(part, actor, operations))
}

pub fn id(counter: u64, actor: Actor) -> OpId {
    OpId::new(counter, &ActorId::from(actor.0))
}

/// The container that operation `n` of the first change made.
pub fn container(n: u64) -> ObjectId {
    ObjectId::Id(id(n, Actor([0; 16])))
}

pub fn named(name: &str) -> Key {
    Key::Map(name.into())
}

pub fn beginning() -> Key {
    Key::Seq(ElementId::Head)
}

pub fn after(id: OpId) -> Key {
    Key::Seq(ElementId::Id(id))
}

pub fn preds(ids: Vec<OpId>) -> SortedVec<OpId> {
    ids.into()
}

pub fn put(value: impl Into<ScalarValue>) -> OpType {
    OpType::Put(value.into())
}

pub fn op(action: OpType, obj: ObjectId, key: Key, insert: bool, pred: Vec<OpId>) -> Op {
    Op {
        action,
        obj,
        key,
        pred: preds(pred),
        insert,
    }
}

/// A chunk of this type with the checksum that belongs to it.
pub fn chunk(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    leb128(content.len() as u64, &mut hashed);
    hashed.extend_from_slice(content);
    let hash = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &hashed].concat()
}

pub fn leb128(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn sleb128(mut value: i64, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

/// A chunk's content.
pub fn content(chunk: &[u8]) -> &[u8] {
    let length = chunk[9..].iter().position(|b| b & 0x80 == 0).unwrap() + 1;
    &chunk[9 + length..]
}

/// A change written by hand: header, then columns as given; the first change's actor beside its own.
pub fn by_hand(
    deps: &[ChangeHash],
    actor: Actor,
    seq: u64,
    start: u64,
    columns: &[(u32, Vec<u8>)],
) -> Vec<u8> {
    with_actors(&[Actor([0; 16])], deps, actor, seq, start, columns)
}

/// The same, naming these other actors.
pub fn with_actors(
    others: &[Actor],
    deps: &[ChangeHash],
    actor: Actor,
    seq: u64,
    start: u64,
    columns: &[(u32, Vec<u8>)],
) -> Vec<u8> {
    let mut out = Vec::new();
    leb128(deps.len() as u64, &mut out);
    deps.iter().for_each(|dep| out.extend_from_slice(&dep.0));
    out.push(16);
    out.extend_from_slice(&actor.0);
    leb128(seq, &mut out);
    leb128(start, &mut out);
    out.extend_from_slice(&[0, 0]); // time, message
    leb128(others.len() as u64, &mut out);
    for other in others {
        out.push(16);
        out.extend_from_slice(&other.0);
    }
    leb128(columns.len() as u64, &mut out);
    for (spec, bytes) in columns {
        leb128(u64::from(*spec), &mut out);
        leb128(bytes.len() as u64, &mut out);
    }
    columns
        .iter()
        .for_each(|(_, bytes)| out.extend_from_slice(bytes));
    chunk(1, &out)
}

/// So many of one value; a single one is a run of single items.
pub fn run(count: i64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    sleb128(if count == 1 { -1 } else { count }, &mut out);
    leb128(value, &mut out);
    out
}

/// Adds bytes to the first list of an own part, at its beginning.
pub fn add_first(bytes: Vec<u8>) -> Op {
    op(
        put(ScalarValue::Bytes(bytes)),
        container(1),
        beginning(),
        true,
        vec![],
    )
}
