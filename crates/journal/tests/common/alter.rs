//! Honest changes, altered: their bytes, or their operations and header before they are encoded.
#![allow(dead_code, unreachable_pub)]

use amends_journal::Actor;
use automerge::legacy::{ElementId, Key, ObjectId, OpType};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};

use super::forge::{bytes, chunk, content, id};

/// A small generator of its own: the same run every time (Vigna, splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Names that parts have at their root, and one that none has.
const KEYS: [&str; 9] = [
    "title",
    "text",
    "acts",
    "said",
    "why",
    "language",
    "review_on",
    "date",
    "x",
];

/// Bytes set, flipped, put in, taken out, doubled, or taken from another change.
pub fn by_bytes(random: &mut Random, change: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = content(change).to_vec();
    let edges = [0, 1, 2, 3, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0xff];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = edges[random.below(edges.len())],
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => bytes.insert(at, edges[random.below(edges.len())]),
            6 => {
                bytes.remove(at);
            }
            _ => {
                let other = content(other);
                let (from, n) = (random.below(other.len()), 1 + random.below(12));
                let taken: Vec<u8> = other.iter().skip(from).take(n).copied().collect();
                let end = (at + taken.len()).min(bytes.len());
                bytes.splice(at..end, taken);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    chunk(1, &bytes)
}

/// Operations and header altered before they are encoded: these reach the last steps.
pub fn by_meaning(random: &mut Random, change: &[u8], other: &[u8]) -> Vec<u8> {
    let decode = |bytes: &[u8]| ExpandedChange::from(&Change::try_from(bytes).unwrap());
    let (mut change, other) = (decode(change), decode(other));
    let actors = [
        change.actor_id.clone(),
        ActorId::from([0; 16]),
        ActorId::from([1; 16]),
        ActorId::from([2; 16]),
    ];
    for _ in 0..=random.below(2) {
        let name = id(
            1 + random.below(60) as u64,
            Actor(actors[random.below(4)].to_bytes().try_into().unwrap()),
        );
        let n = change.operations.len();
        let at = random.below(n);
        if random.below(8) == 0 {
            match random.below(6) {
                0 => change.seq = change.seq.wrapping_add(random.next() % 3),
                1 => {
                    change.start_op = (change.start_op.get() + random.next() % 3)
                        .try_into()
                        .unwrap()
                }
                2 => change.time = random.next() as i64,
                3 => change.deps.extend(other.deps.clone()),
                4 => drop(change.deps.pop()),
                _ => change.actor_id = actors[random.below(4)].clone(),
            }
            change.deps.sort();
            change.deps.dedup();
            continue;
        }
        let Some(op) = change.operations.get_mut(at) else {
            continue;
        };
        match random.below(11) {
            0 => op.insert = !op.insert,
            1 => op.key = Key::Seq(ElementId::Id(name)),
            2 => op.key = Key::Seq(ElementId::Head),
            3 => op.key = Key::Map(KEYS[random.below(KEYS.len())].into()),
            4 => {
                op.obj = if random.below(4) == 0 {
                    ObjectId::Root
                } else {
                    ObjectId::Id(name)
                }
            }
            5 => op.pred = vec![name].into(),
            6 => op.pred = Vec::new().into(),
            7 => {
                op.action = match random.below(6) {
                    0 => OpType::Delete,
                    1 => OpType::Make(ObjType::Map),
                    2 => OpType::Increment(1),
                    3 => OpType::Put("y".into()),
                    4 => OpType::Put(ScalarValue::Bytes(vec![1, 2, 3])),
                    _ => OpType::Put(ScalarValue::Counter(3.into())),
                }
            }
            8 => {
                let copy = other.operations[random.below(other.operations.len())].clone();
                change.operations.insert(at, copy);
            }
            9 => drop(change.operations.remove(at)),
            _ => change.operations.swap(at, random.below(n)),
        }
    }
    bytes(change)
}
