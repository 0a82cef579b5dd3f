//! Honest changes altered at random, and hostile ones made from nothing but what an honest one says of its place, all with
//! the checksum that belongs to them.
#![allow(dead_code, unreachable_pub)]

use amends_journal::{Act, Actor, Part, Statement};
use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ObjType, ROOT, ReadDoc, ScalarValue};

use super::forge::{self, bytes, chunk, container, content, document, id, op, preds, run};

/// An honest change, by whom, and the part to which it comes.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    pub part: &'a Part,
    pub actor: Actor,
    pub change: &'a [u8],
}

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

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What was done to it, and the changes that came of it: mostly one, else some that follow each other.
pub type Altered = (&'static str, Vec<Vec<u8>>);

/// One hostile input, made of a sample and of another one, whatever kind that is of.
pub fn alter(random: &mut Random, sample: Sample<'_>, other: Sample<'_>) -> Altered {
    match random.below(100) {
        0..34 => ("bytes", vec![by_bytes(random, sample.change, other.change)]),
        34..64 => ("meaning", vec![by_meaning(random, sample, other)]),
        64..78 => ("said", vec![by_what_was_said(random, sample, other)]),
        78..86 => ("columns", vec![by_columns(random, sample)]),
        86..91 => ("beside", vec![beside(random, sample)]),
        91..94 => ("deep and wide", vec![deep_and_wide(random, sample)]),
        _ => ("in a row", in_a_row(random, sample, other)),
    }
}

/// Bytes set, flipped, put in, taken out, doubled, or taken from another change.
fn by_bytes(random: &mut Random, change: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = content(change).to_vec();
    let edges = [0, 1, 2, 3, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0xff];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = *random.of(&edges),
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => bytes.insert(at, *random.of(&edges)),
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

const KEYS: [&str; 12] = [
    "title",
    "text",
    "acts",
    "said",
    "why",
    "language",
    "review_on",
    "date",
    "place",
    "",
    "x",
    "\u{202e}",
];

pub fn decode(bytes: &[u8]) -> ExpandedChange {
    ExpandedChange::from(&Change::try_from(bytes).unwrap())
}

/// A name of something that is there, that might be, or that is not.
fn any_name(random: &mut Random, change: &ExpandedChange) -> OpId {
    let actors = [
        change.actor_id.clone(),
        ActorId::from([0; 16]),
        ActorId::from([1; 16]),
        ActorId::from([2; 16]),
        ActorId::from([9; 16]),
    ];
    let reach = change.start_op.get() + change.operations.len() as u64;
    let counter = match random.below(8) {
        // More than this no program can encode.
        0 => random.next() >> (32 + random.below(32)),
        1 => change.start_op.get() + random.below(4) as u64,
        _ => random.next() % reach.max(1),
    };
    let actor = random.of(&actors);
    id(counter, Actor(actor.to_bytes().try_into().unwrap()))
}

fn any_value(random: &mut Random) -> OpType {
    let long = 1 + random.below(64);
    match random.below(14) {
        0 => OpType::Delete,
        1 => OpType::Make(ObjType::Map),
        2 => OpType::Make(ObjType::Text),
        3 => OpType::Make(ObjType::List),
        4 => OpType::Increment(random.next() as i64),
        5 => OpType::Put("y".into()),
        6 => OpType::Put("".into()),
        7 => OpType::Put("\u{202e}xy".repeat(long).into()),
        8 => OpType::Put(ScalarValue::Bytes(vec![1; long])),
        9 => OpType::Put(ScalarValue::Counter(3.into())),
        10 => OpType::Put(ScalarValue::Null),
        11 => OpType::Put(ScalarValue::F64(f64::NAN)),
        12 => OpType::Put(ScalarValue::Unknown {
            type_code: 12,
            bytes: vec![7; long],
        }),
        _ => OpType::Put("2027-03-01".into()),
    }
}

/// Operations and header altered before they are encoded: these reach the last steps.
fn by_meaning(random: &mut Random, sample: Sample<'_>, other: Sample<'_>) -> Vec<u8> {
    bytes(altered_in_meaning(random, sample, other))
}

fn altered_in_meaning(
    random: &mut Random,
    sample: Sample<'_>,
    other: Sample<'_>,
) -> ExpandedChange {
    let (mut change, other) = (decode(sample.change), decode(other.change));
    for _ in 0..=random.below(2) {
        let name = any_name(random, &change);
        let n = change.operations.len();
        let at = random.below(n);
        if random.one_in(8) {
            match random.below(7) {
                0 => change.seq = change.seq.wrapping_add(random.next() % 3),
                1 => {
                    let start_op = change.start_op.get() + random.next() % 3;
                    change.start_op = start_op.try_into().unwrap();
                }
                2 => change.time = random.next() as i64 >> random.below(64),
                3 => change.deps.extend(other.deps.clone()),
                4 => drop(change.deps.pop()),
                5 => change.message = Some("m".repeat(random.below(300))),
                _ => {
                    change.actor_id = random
                        .of(&[0, 1, 2, 9].map(|n| ActorId::from([n; 16])))
                        .clone()
                }
            }
            change.deps.sort();
            change.deps.dedup();
            continue;
        }
        let Some(op) = change.operations.get_mut(at) else {
            continue;
        };
        match random.below(12) {
            0 => op.insert = !op.insert,
            1 => op.key = Key::Seq(ElementId::Id(name)),
            2 => op.key = Key::Seq(ElementId::Head),
            3 => op.key = Key::Map((*random.of(&KEYS)).into()),
            4 => {
                op.obj = match random.below(4) {
                    0 => ObjectId::Root,
                    1 => container(1 + random.below(4) as u64),
                    _ => ObjectId::Id(name),
                }
            }
            5 => op.pred = vec![name].into(),
            6 => op.pred = Vec::new().into(),
            7 => {
                let mut all: Vec<OpId> = op.pred.iter().cloned().collect();
                all.push(name);
                op.pred = all.into();
            }
            8 => op.action = any_value(random),
            9 => {
                let copy = random.of(&other.operations).clone();
                change.operations.insert(at, copy);
            }
            10 => drop(change.operations.remove(at)),
            _ => change.operations.swap(at, random.below(n)),
        }
    }
    change
}

/// The acts and statements in it, altered in what they say and put back in perfect form: these meet the rules of each kind.
fn by_what_was_said(random: &mut Random, sample: Sample<'_>, other: Sample<'_>) -> Vec<u8> {
    let (mut change, other) = (decode(sample.change), decode(other.change));
    let said_elsewhere: Vec<Vec<u8>> = other.operations.iter().filter_map(said).collect();
    let mut found = false;
    for op in &mut change.operations {
        let Some(bytes) = said(op) else { continue };
        found = true;
        let altered = if random.one_in(5) && !said_elsewhere.is_empty() {
            random.of(&said_elsewhere).clone()
        } else if let Ok(mut statement) = Statement::read(&bytes) {
            for _ in 0..=random.below(2) {
                alter_statement(random, &mut statement);
            }
            statement.bytes()
        } else if let Ok(mut act) = Act::read(&bytes) {
            alter_act(random, &mut act);
            act.bytes()
        } else {
            bytes
        };
        op.action = OpType::Put(ScalarValue::Bytes(altered));
    }
    if !found {
        return by_meaning(random, sample, sample);
    }
    bytes(change)
}

fn said(op: &Op) -> Option<Vec<u8>> {
    match &op.action {
        OpType::Put(ScalarValue::Bytes(bytes)) => Some(bytes.clone()),
        _ => None,
    }
}

fn number(random: &mut Random, near: u64) -> u64 {
    let edges = [
        0,
        1,
        2,
        u64::MAX,
        i64::MAX as u64,
        u64::from(u32::MAX),
        1 << 32,
        1 << 53,
    ];
    match random.below(3) {
        0 => *random.of(&edges),
        1 => near.wrapping_add(random.next() % 5).wrapping_sub(2),
        _ => random.next() >> random.below(64),
    }
}

fn alter_statement(random: &mut Random, statement: &mut Statement) {
    let place = random.below(statement.items.len());
    match random.below(9) {
        0 => statement.verb = random.below(26) as u8,
        1 => statement.n = number(random, statement.n),
        2 => statement.time = number(random, statement.time as u64) as i64,
        3 => statement.items.truncate(random.below(4)),
        4 => statement
            .items
            .push(vec![random.next() as u8; random.below(40)]),
        5 => statement.items.reverse(),
        6 => {
            let items = std::mem::take(&mut statement.items);
            let times = 1 + random.below(700);
            statement.items = items.into_iter().cycle().take(times).collect();
        }
        _ => {
            let Some(item) = statement.items.get_mut(place) else {
                return;
            };
            let at = random.below(item.len());
            match random.below(5) {
                0 => item.clear(),
                1 => item.push(random.next() as u8),
                2 => drop(item.pop()),
                3 => *item = item.repeat(random.below(200)),
                _ => {
                    if let Some(byte) = item.get_mut(at) {
                        *byte = random.next() as u8;
                    }
                }
            }
        }
    }
}

fn alter_act(random: &mut Random, act: &mut Act) {
    use amends_journal::Verb;
    match random.below(8) {
        0 => act.verb = *random.of(&[Verb::Propose, Verb::Agree, Verb::Decline, Verb::End]),
        1 => act.n = number(random, act.n),
        2 => act.time = number(random, act.time as u64) as i64,
        3 => act.hash[random.below(32)] ^= 1,
        4 => act.heads = vec![[random.next() as u8; 32]; random.below(80)],
        5 => drop(act.heads.pop()),
        6 => act.reason = "no \u{202e}".repeat(random.below(3_000)),
        _ => act.heads.reverse(),
    }
}

/// Counts that a run may claim: what is allowed, one more, and what would fill any memory.
const COUNTS: [i64; 12] = [
    1,
    2,
    3,
    100,
    8_000,
    19_999,
    20_000,
    20_001,
    1_000_000,
    100_000_000,
    1 << 40,
    i64::MAX,
];

/// The counters of keys of so many characters typed in a row from operation `first` on, as steps: after the beginning, after
/// the first, and each after the one before it.
pub fn typed_in_a_row(first: u64, count: i64) -> Vec<u8> {
    let steps = [0, first as i64, 1];
    // A run of one is written among the single ones.
    let single = if count > 3 { 2 } else { count.min(3) };
    let mut out = Vec::new();
    forge::sleb128(-single, &mut out);
    for step in &steps[..single as usize] {
        forge::sleb128(*step, &mut out);
    }
    if count > 3 {
        out.extend(run(count - 2, 1));
    }
    out
}

/// A change written column by column, of runs that say the same many times over: in place, of the right actor and number.
fn by_columns(random: &mut Random, sample: Sample<'_>) -> Vec<u8> {
    let honest = decode(sample.change);
    let actor = sample.actor;
    // Few of what is allowed and long: those that are taken are long indeed.
    let count = if random.one_in(12) {
        *random.of(&COUNTS)
    } else {
        *random.of(&[1, 2, 3, 100, 20_001, 100_000_000, i64::MAX])
    };
    let n = if random.one_in(4) {
        *random.of(&COUNTS)
    } else {
        count
    };
    let characters = if count <= 20_001 { count as usize } else { 3 };
    let place = 1 + random.below(3) as u64;
    let first = honest.start_op.get();
    // Characters typed in a row; all at the beginning; or what stands there deleted.
    type Keys = (Vec<u8>, Vec<u8>);
    let (insert, action, meta, value, keys): (bool, u64, u64, Vec<u8>, Keys) = match random.below(4)
    {
        0 => (true, 1, 0x16, vec![b'a'; characters], {
            // Each after the one before it: the first after the beginning, by its counter's steps of one.
            let mut actors = vec![0, 1];
            actors.extend(run((count - 1).max(1), 0));
            (actors, typed_in_a_row(first, count))
        }),
        1 => (true, 1, 0x16, vec![b'b'; characters], {
            // Nothing but nulls is left out.
            (Vec::new(), run(count, 0))
        }),
        2 => (false, 3, 0, Vec::new(), {
            let mut counter = Vec::new();
            forge::sleb128(count, &mut counter);
            forge::sleb128(1, &mut counter);
            (run(count, random.below(2) as u64), counter)
        }),
        _ => (
            true,
            random.below(9) as u64,
            random.next() & 0xff,
            vec![7; random.below(40)],
            { (run(count, 0), run(n, 1)) },
        ),
    };
    let flags = {
        let mut out = Vec::new();
        if insert {
            forge::leb128(0, &mut out);
        }
        forge::leb128(n as u64, &mut out);
        out
    };
    let (pred_group, pred) = if insert {
        (run(n, 0), None)
    } else {
        (run(n, 1), Some(keys.clone()))
    };
    let mut columns = vec![
        (1, run(n, 1)),
        (2, run(n, place)),
        (17, keys.0),
        (19, keys.1),
        (52, flags),
        (66, run(n, action)),
        (86, run(n, meta)),
        (87, value),
        (112, pred_group),
    ];
    if let Some((actors, counters)) = pred {
        columns.push((113, actors));
        columns.push((115, counters));
    }
    match random.below(12) {
        0 => drop(columns.remove(random.below(columns.len()))),
        1 => {
            let at = random.below(columns.len());
            columns[at].0 ^= 1 << random.below(8);
        }
        2 => {
            let at = random.below(columns.len());
            let (from, to) = (columns[at].1.len(), random.below(20));
            columns[at].1.truncate(to.min(from));
        }
        3 => columns.push((165, run(n, 1))),
        _ => {}
    }
    columns.retain(|(_, bytes)| !bytes.is_empty());
    forge::by_hand(&honest.deps, actor, honest.seq, first, &columns)
}

/// The sample's place, with these operations in it.
fn instead(sample: Sample<'_>, operations: Vec<Op>) -> Vec<u8> {
    let mut change = decode(sample.change);
    change.operations = operations;
    bytes(change)
}

/// Values put into the fields, of which each names some of those that stand there, or none.
fn beside(random: &mut Random, sample: Sample<'_>) -> Vec<u8> {
    let doc = document(sample.part);
    let honest = decode(sample.change);
    let actor = sample.actor;
    let mut operations = Vec::new();
    let mut made: Vec<OpId> = Vec::new();
    let key = *random.of(&["language", "review_on", "date", "place"]);
    let there: Vec<OpId> = doc
        .get_all(ROOT, key)
        .unwrap()
        .into_iter()
        .filter_map(|(_, there)| match there {
            automerge::ObjId::Id(counter, actor, _) => Some(OpId::new(counter, &actor)),
            automerge::ObjId::Root => None,
        })
        .collect();
    let count = if random.one_in(40) {
        300
    } else {
        1 + random.below(4)
    };
    for at in 0..count as u64 {
        let all: Vec<&OpId> = there.iter().chain(&made).collect();
        let named: Vec<OpId> = match random.below(4) {
            0 => Vec::new(),
            1 => all.iter().map(|name| (*name).clone()).collect(),
            2 => made.last().cloned().into_iter().collect(),
            _ if made.is_empty() => there.clone(),
            _ => made.last().cloned().into_iter().collect(),
        };
        let value = *random.of(&["de", "2027-03-01", "", "at home"]);
        let action = forge::put(value);
        let mut put = op(action, ObjectId::Root, Key::Map(key.into()), false, vec![]);
        put.pred = preds(named);
        operations.push(put);
        made.push(id(honest.start_op.get() + at, actor));
    }
    instead(sample, operations)
}

/// Objects in objects, and thousands of keys beside each other.
fn deep_and_wide(random: &mut Random, sample: Sample<'_>) -> Vec<u8> {
    let honest = decode(sample.change);
    let actor = sample.actor;
    let start = honest.start_op.get();
    let many = if random.one_in(20) {
        12_000
    } else {
        1 + random.below(60)
    };
    let kind = *random.of(&[ObjType::Map, ObjType::List, ObjType::Text]);
    let deep = random.one_in(2);
    let mut operations = Vec::new();
    for at in 0..many as u64 {
        let object = match (deep, at) {
            (true, 1..) => ObjectId::Id(id(start + at - 1, actor)),
            _ if random.one_in(4) => container(1 + at % 3),
            _ => ObjectId::Root,
        };
        let (key, insert) = if deep && at > 0 && kind != ObjType::Map {
            (Key::Seq(ElementId::Head), true)
        } else {
            (Key::Map(format!("k{at}").into()), false)
        };
        let action = if deep {
            OpType::Make(kind)
        } else {
            any_value(random)
        };
        operations.push(op(action, object, key, insert, vec![]));
    }
    instead(sample, operations)
}

/// The honest change and, after it, altered ones that follow it in everything that the header says.
fn in_a_row(random: &mut Random, sample: Sample<'_>, other: Sample<'_>) -> Vec<Vec<u8>> {
    let mut all = vec![sample.change.to_vec()];
    let mut last = decode(sample.change);
    let mut hash = Change::try_from(sample.change).unwrap().hash();
    for _ in 0..=random.below(3) {
        let mut next = if random.one_in(2) {
            decode(other.change)
        } else {
            last.clone()
        };
        if random.one_in(3) {
            next.operations = altered_in_meaning(random, sample, other).operations;
        }
        next.actor_id = last.actor_id.clone();
        next.seq = last.seq + 1;
        let start = last.start_op.get() + last.operations.len() as u64;
        next.start_op = start.try_into().unwrap();
        next.deps = vec![ChangeHash(hash.0)];
        next.hash = None;
        let change = Change::from(next.clone());
        hash = change.hash();
        all.push(change.raw_bytes().to_vec());
        last = next;
    }
    all
}
