//! The files of `tests/vectors` that speak of parts: changes that a partner's device sends for a part, and where the wall
//! takes or refuses them.

mod own;

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/forge.rs"]
mod forge;
#[path = "../../../../tests/vectors/harness.rs"]
mod harness;
#[path = "../common/said.rs"]
mod said;

use amends_journal::wall::{self, ChunkFault, ColumnFault, PermitFault};
use amends_journal::{
    Act, Actor, BEGIN, EntryId, EntryKind, Part, PartKind, Refusal, Verb, Writer,
};
use automerge::legacy::{ObjectId, Op, OpType};
use automerge::{ChangeHash, ExpandedChange, ObjType, ScalarValue};
use common::{Device, Which};
use forge::*;
use harness::{Answer, Area, array, flip, hex, number, unhex};
use said::{ANA, BO, begins, statement};
use serde_json::{Value, json};

fn step(refusal: &Refusal) -> String {
    let what = match refusal {
        Refusal::Chunk(fault) => match fault {
            ChunkFault::TooLong(_) => "too long",
            ChunkFault::Magic => "magic",
            ChunkFault::Type(_) => "type",
            ChunkFault::Trailing(_) => "trailing",
            ChunkFault::Checksum => "checksum",
            ChunkFault::Read(_) => "reading",
        },
        Refusal::Columns(fault) => match fault {
            ColumnFault::Read(_) => "reading",
            ColumnFault::TooMany { .. } => "too many",
            ColumnFault::Unknown(_) => "unknown column",
            ColumnFault::Deflated(_) => "deflated column",
            ColumnFault::Order(_) => "order of columns",
            ColumnFault::Uneven { .. } => "uneven columns",
            ColumnFault::Actor => "actor's form",
            ColumnFault::Dependencies => "order of dependencies",
            ColumnFault::Value => "value",
            ColumnFault::Operation => "operation",
            ColumnFault::Form => "form of a column",
            ColumnFault::Trailing(_) => "trailing",
        },
        Refusal::MissingDependency(_) => "missing dependency",
        Refusal::Permit(fault) => match fault {
            PermitFault::Actor => "actor",
            PermitFault::Seq { .. } => "seq",
            PermitFault::Follows => "follows",
            PermitFault::StartOp { .. } => "start_op",
            PermitFault::Counter(_) => "counter",
            PermitFault::Weight(_) => "weight",
            PermitFault::Replaces(_) => "replaces",
            PermitFault::Empty => "empty",
            PermitFault::Time => "time",
            PermitFault::Container(_) => "container",
            PermitFault::Schema(_) => "schema",
            PermitFault::Reference(_) => "reference",
            PermitFault::AltersAct(_) => "alters an act",
            PermitFault::Act(..) => "act",
            PermitFault::Statement(..) => "statement",
            PermitFault::Rule(..) => "rule",
            PermitFault::TooManyActs(_) => "too many acts",
            PermitFault::UnusedActor => "unused actor",
        },
        Refusal::Trial(_) => "trial",
    };
    format!("{}: {what}", refusal.step())
}

fn writer(given: &Value, actor: [u8; 16]) -> Writer {
    Writer {
        journal: array(given, "journal id"),
        entry: EntryId(array(given, "entry id")),
        log: [0; 32],
        device: Actor(actor),
        actor: Actor(actor),
        alone: false,
    }
}

fn take(part: &Part, given: &Value, one: &Value) -> Result<Part, Refusal> {
    let mut change = unhex(one["change"].as_str().unwrap());
    if let Some(zeros) = one.get("change, then zeros") {
        change.resize(change.len() + zeros.as_u64().unwrap() as usize, 0);
    }
    wall::admit(part, &writer(given, array(one, "actor")), &[&change])
}

fn answer(given: &Value) -> Answer {
    let kind = EntryKind::ALL
        .into_iter()
        .find(|kind| u64::from(kind.byte()) == number(given, "entry kind"));
    let which = if number(given, "part") == 0 {
        PartKind::Shared
    } else {
        PartKind::Own
    };
    let mut part = Part::new(kind.unwrap(), number(given, "schema") as u8, which).unwrap();
    for before in given["held"].as_array().unwrap() {
        part = take(&part, given, before).expect("what is held was taken");
    }
    match take(&part, given, &given["arrives"]) {
        Ok(part) => {
            let heads: Vec<String> = part.heads().iter().map(hex).collect();
            Answer::Gives(json!({ "heads": heads, "changes": part.changes() }))
        }
        Err(refusal) => Answer::refuses(&step(&refusal)),
    }
}

/// A part with what it holds, and the changes that can arrive in it.
struct Bench {
    given: Value,
    part: Part,
}

impl Bench {
    fn new(kind: EntryKind, which: PartKind, entry: EntryId) -> Self {
        let part = if which == PartKind::Shared { 0 } else { 1 };
        Self {
            given: json!({
                "journal id": hex([0x77; 32]), "entry id": hex(entry.0),
                "entry kind": kind.byte(), "schema": 1, "part": part, "held": [],
            }),
            part: Part::new(kind, 1, which).unwrap(),
        }
    }

    fn hold(&mut self, actor: Actor, change: &[u8]) {
        let one = json!({ "actor": hex(actor.0), "change": hex(change) });
        self.part = take(&self.part, &self.given, &one).unwrap();
        self.given["held"].as_array_mut().unwrap().push(one);
    }

    fn arrives(&self, actor: Actor, change: &[u8]) -> Value {
        let mut given = self.given.clone();
        given["arrives"] = json!({ "actor": hex(actor.0), "change": hex(change) });
        given
    }

    fn whole(&self, area: &mut Area, says: &str, actor: Actor, change: &[u8]) {
        let given = self.arrives(actor, change);
        let Answer::Gives(gives) = answer(&given) else {
            panic!("{says}: {:?}", answer(&given));
        };
        area.whole(says, given, gives);
    }
}

/// One character at the beginning of a boundary's text.
fn letter() -> Op {
    op(put("x"), container(2), beginning(), true, vec![])
}

/// The shared part of a boundary with "T" and "Phones" in it, by Ana; Eve's change arrives.
fn shared(area: &mut Area) {
    const WHOLE: &str = "A letter added to the text of a boundary is taken";
    let mut bench = Bench::new(EntryKind::Boundary, PartKind::Shared, common::ENTRY);
    let mut ana = Device::new(Which::Anas, 1);
    for change in &ana.propose("T", "Phones").items[0].1 {
        bench.hold(ana.actor, change);
    }
    let part = bench.part.clone();
    let good = || expanded(&part, EVE, vec![letter()]);
    let whole = bytes(good());
    bench.whole(area, WHOLE, EVE, &whole);

    let mut no = |says: &str, change: &[u8], step: &str| {
        area.broken(WHOLE, says, bench.arrives(EVE, change), step);
    };
    // Step 2: one chunk.
    no(
        "A change that does not begin as a chunk is refused",
        &flip(&whole, 0),
        "2: magic",
    );
    no(
        "A change with one bit of its content turned is refused",
        &flip(&whole, whole.len() - 1),
        "2: checksum",
    );
    no(
        "A change with one bit of its checksum turned is refused",
        &flip(&whole, 4),
        "2: checksum",
    );
    no(
        "A change with a byte after it is refused",
        &[&whole[..], &[0]].concat(),
        "2: trailing",
    );
    no(
        "Two changes in the place of one are refused",
        &[&whole[..], &whole].concat(),
        "2: trailing",
    );
    no(
        "A change that ends early is refused",
        &whole[..whole.len() - 1],
        "2: reading",
    );
    no(
        "Nothing in the place of a change is refused",
        &[],
        "2: reading",
    );
    no(
        "A whole document in the place of a change is refused",
        &part.save(),
        "2: type",
    );
    no(
        "A change written as a chunk of type 2, deflated, is refused",
        &chunk(2, content(&whole)),
        "2: type",
    );
    no(
        "A change written as a chunk of type 3, a bundle, is refused",
        &chunk(3, content(&whole)),
        "2: type",
    );
    no(
        "A change written as a chunk of type 255 is refused",
        &chunk(255, content(&whole)),
        "2: type",
    );

    // Step 3: the columns.
    let deps: Vec<_> = part.heads().into_iter().map(ChangeHash).collect();
    let hand = |columns: &[(u32, Vec<u8>)]| by_hand(&deps, EVE, 1, 100, columns);
    let bomb = |claim: i64| {
        let mut insert = vec![0];
        leb128(claim as u64, &mut insert);
        hand(&[
            (1, run(claim, 1)),
            (2, run(claim, 2)),
            (19, run(claim, 0)),
            (52, insert),
            (66, run(claim, 1)),
            (86, run(claim, 0)),
            (112, run(claim, 0)),
        ])
    };
    no(
        "A change that claims 20001 operations in a hundred bytes is refused",
        &bomb(20_001),
        "3: too many",
    );
    no(
        "A change that claims a hundred million operations is refused",
        &bomb(100_000_000),
        "3: too many",
    );
    no(
        "A change that claims 2 to the 63rd operations is refused",
        &bomb(i64::MAX),
        "3: too many",
    );
    let adding: Vec<u8> = (0..30).flat_map(|n| run(1_000, n % 2)).collect();
    no(
        "A change whose many runs add up to 30000 is refused",
        &hand(&[(66, adding)]),
        "3: too many",
    );
    let mut nulls = vec![0];
    leb128(u64::MAX, &mut nulls);
    no(
        "A change that claims 2 to the 64th nulls is refused",
        &hand(&[(66, nulls)]),
        "3: too many",
    );
    no(
        "A change with an unknown column is refused",
        &hand(&[(3, vec![1, 1])]),
        "3: unknown column",
    );
    no(
        "A change with a deflated column is refused",
        &hand(&[(66 | 8, vec![1, 1])]),
        "3: deflated column",
    );
    no(
        "A change with a column twice is refused",
        &hand(&[(66, run(1, 1)), (66, run(1, 1))]),
        "3: order of columns",
    );
    no(
        "A change with its columns out of order is refused",
        &hand(&[(66, run(1, 1)), (52, vec![1])]),
        "3: order of columns",
    );
    no(
        "A change with thirteen columns is refused",
        &hand(&vec![(66, run(1, 1)); 13]),
        "3: too many",
    );
    no(
        "A change with one column longer than the others is refused",
        &hand(&[(1, run(2, 1)), (52, vec![1]), (66, run(1, 1))]),
        "3: uneven columns",
    );
    no(
        "A change with a run of one is refused, since it has another form",
        &hand(&[(66, vec![1, 5])]),
        "3: form of a column",
    );
    no(
        "A change with a run in two pieces is refused",
        &hand(&[(66, vec![2, 5, 3, 5])]),
        "3: form of a column",
    );
    let changed = |how: &dyn Fn(&mut ExpandedChange)| {
        let mut change = good();
        how(&mut change);
        bytes(change)
    };
    no(
        "A change with a message of 257 bytes is refused",
        &changed(&|c| c.message = Some("m".repeat(257))),
        "3: too many",
    );
    no(
        "A change with bytes after its columns is refused",
        &changed(&|c| c.extra_bytes = vec![1, 2, 3]),
        "3: trailing",
    );
    no(
        "A change with 65 dependencies is refused",
        &changed(&|c| c.deps = (0..65).map(|n| ChangeHash([n; 32])).collect()),
        "3: too many",
    );
    no(
        "A change that names a dependency twice is refused",
        &changed(&|c| c.deps = vec![c.deps[0], c.deps[0]]),
        "3: order of dependencies",
    );

    // Step 4: what it may change.
    no(
        "A change by the actor of another device is refused",
        &changed(&|c| c.actor_id = ana.actor.0.into()),
        "4: actor",
    );
    no(
        "A change by the actor of the first change is refused",
        &changed(&|c| c.actor_id = [0; 16].into()),
        "4: actor",
    );
    no(
        "A change numbered 2 where 1 is next is refused",
        &changed(&|c| c.seq = 2),
        "4: seq",
    );
    no(
        "A change numbered 0 is refused",
        &changed(&|c| c.seq = 0),
        "4: seq",
    );
    no(
        "A change whose operations begin one too late is refused",
        &changed(&|c| c.start_op = (c.start_op.get() + 1).try_into().unwrap()),
        "4: start_op",
    );
    no(
        "A change whose operations begin at 1 is refused",
        &changed(&|c| c.start_op = 1.try_into().unwrap()),
        "4: start_op",
    );
    no(
        "A change from before 1970 is refused",
        &changed(&|c| c.time = -1),
        "4: time",
    );
    no(
        "A change from after the year 9999 is refused",
        &changed(&|c| c.time = i64::MAX),
        "4: time",
    );
    no(
        "A change that follows nothing is refused",
        &changed(&|c| c.deps = vec![]),
        "4: follows",
    );
    no(
        "A change that follows one which is not here is refused",
        &changed(&|c| c.deps.push(ChangeHash([0xfe; 32]))),
        "4: missing dependency",
    );
    let (language, phones) = (id(3, ana.actor), id(5, ana.actor));
    let mut operation = |says: &str, operation: Op, step: &str| {
        let change = forged(&part, EVE, vec![operation]);
        area.broken(WHOLE, says, bench.arrives(EVE, &change), step);
    };
    let root = |value: OpType, key: &str| op(value, ObjectId::Root, named(key), false, vec![]);
    operation(
        "A change that puts a language beside the one that stands is refused",
        root(put("fr"), "language"),
        "4: replaces",
    );
    operation(
        "A change that puts an unknown key is refused",
        root(put("x"), "unknown"),
        "4: schema",
    );
    operation(
        "A change that puts a number where a text stands is refused",
        root(put(1), "language"),
        "4: schema",
    );
    operation(
        "A change that puts a language which is none is refused",
        root(put("e n"), "language"),
        "4: schema",
    );
    operation(
        "A change that puts a day which the calendar does not have is refused",
        root(put("2027-02-30"), "review_on"),
        "4: schema",
    );
    operation(
        "A change that makes a map is refused",
        root(OpType::Make(ObjType::Map), "unknown"),
        "4: container",
    );
    operation(
        "A change that makes a text in the place of the text is refused",
        root(OpType::Make(ObjType::Text), "text"),
        "4: container",
    );
    operation(
        "A change that makes a list within the text is refused",
        op(
            OpType::Make(ObjType::List),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        "4: container",
    );
    operation(
        "A change that puts a word in the place of the text is refused",
        root(put("x"), "text"),
        "4: container",
    );
    operation(
        "A change that deletes the language is refused",
        op(
            OpType::Delete,
            ObjectId::Root,
            named("language"),
            false,
            vec![language.clone()],
        ),
        "4: schema",
    );
    operation(
        "A change that counts the language up is refused",
        op(
            OpType::Increment(1),
            ObjectId::Root,
            named("language"),
            false,
            vec![language],
        ),
        "4: schema",
    );
    operation(
        "A change that adds two letters as one is refused",
        op(put("xy"), container(2), beginning(), true, vec![]),
        "4: schema",
    );
    operation(
        "A change that adds no letter as one is refused",
        op(put(""), container(2), beginning(), true, vec![]),
        "4: schema",
    );
    operation(
        "A change that adds bytes to a text is refused",
        op(
            put(ScalarValue::Bytes(vec![1])),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        "4: schema",
    );
    operation(
        "A change that adds null to a text is refused",
        op(
            put(ScalarValue::Null),
            container(2),
            beginning(),
            true,
            vec![],
        ),
        "4: schema",
    );
    operation(
        "A change that overwrites a letter in its place is refused",
        op(
            put("x"),
            container(2),
            after(phones.clone()),
            false,
            vec![phones],
        ),
        "4: schema",
    );
    operation(
        "A change that adds a letter after one that is not there is refused",
        op(
            put("x"),
            container(2),
            after(id(99, ana.actor)),
            true,
            vec![],
        ),
        "4: reference",
    );
}

#[test]
fn changes_of_parts_are_answered_as_they_say() {
    let mut area = Area::default();
    shared(&mut area);
    own::acts(&mut area);
    assert!(own::beginnings(&mut area) >= 5);
    harness::check("part", &area, answer);
}
