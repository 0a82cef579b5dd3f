//! Step 4: whether this actor may write this here, judged by the change and what it causally follows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::chunk::Chunk;
use super::columns::{Change, ColumnFault, Id, Key, Operation, Value};
use super::{MissingDependency, Refusal};
use crate::act::{Act, ActFault, ActId, GREATEST_N, Verb};
use crate::history::{History, Note, Put, Run, Slot, grow, made_by};
use crate::ids::Actor;
use crate::kind::EntryKind;
use crate::rule::{self, RuleFault};
use crate::said::{Statement, StatementFault, Writer};
use crate::schema::{Holds, Schema};

/// Acts that one change may hold; an honest one holds one.
pub const ACTS: u64 = 16;
/// How far the operations of a part are counted. A change that would pass it is refused, by what it follows alone, so that
/// every device refuses the same ones; as each actor counts on from its own, a part holds no more than so many of each.
/// What a part costs to apply, save and load grows with them (docs/decisions/0035).
pub const PART_OPERATIONS: u64 = 1_000_000;
/// Bytes of all the changes of one actor in one part: 8 MiB.
pub const WRITER_BYTES: u64 = 8 * 1024 * 1024;
/// Times are claims, but not so great that differences between two overflow: the years 1970 to 9999.
pub const LATEST_TIME: i64 = 253_402_300_799_999;

/// `set` in Automerge's table of actions: puts a value, or inserts one.
const SET: u64 = 1;
/// `delete` in the same table.
const DELETE: u64 = 3;

/// What step 4 refuses. Counters and indices only: never what a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermitFault {
    /// The change carries another actor than that of the log it came in.
    #[error("it carries another actor")]
    Actor,
    /// Not the next change of its actor in this part.
    #[error("change {got} of its actor, expected {expected}")]
    Seq {
        /// The next one.
        expected: u64,
        /// What it says.
        got: u64,
    },
    /// It does not follow the change of its own actor before it, or follows nothing.
    #[error("it does not follow its actor's change before it")]
    Follows,
    /// Operations are counted on from the greatest that it follows.
    #[error("its operations begin at {got}, expected {expected}")]
    StartOp {
        /// One above the greatest that it follows.
        expected: u64,
        /// What it says.
        got: u64,
    },
    /// Its operations would be counted beyond [`PART_OPERATIONS`].
    #[error("its part is full: operations up to {0}, {PART_OPERATIONS} at most")]
    Counter(u64),
    /// Its actor's changes would weigh more than [`WRITER_BYTES`].
    #[error("its part is full: {0} bytes of its actor, {WRITER_BYTES} at most")]
    Weight(u64),
    /// A change without operations says nothing.
    #[error("it holds no operation")]
    Empty,
    /// A time before 1970 or after 9999.
    #[error("its time is out of range")]
    Time,
    /// It makes, overwrites or deletes a container.
    #[error("operation {0} makes or replaces a container")]
    Container(u64),
    /// An object, key, action or value that the schema does not have.
    #[error("operation {0} is none of the schema")]
    Schema(u64),
    /// An element or value that does not exist in what it follows.
    #[error("operation {0} names what it does not follow")]
    Reference(u64),
    /// A put that does not replace exactly the values of its field that stand before it: beside each other they would add up
    /// until nobody could replace them all.
    #[error("operation {0} does not replace what stands before it")]
    Replaces(u64),
    /// It would alter or delete an act.
    #[error("operation {0} would alter an act")]
    AltersAct(u64),
    /// An act that cannot be read, or that breaks a rule of acts.
    #[error("operation {0} holds no act: {1}")]
    Act(u64, ActFault),
    /// A statement that cannot be read.
    #[error("operation {0} holds no statement: {1}")]
    Statement(u64, StatementFault),
    /// A statement that breaks a rule of its kind.
    #[error("operation {0}: {1}")]
    Rule(u64, RuleFault),
    /// More acts and statements than one change may hold.
    #[error("{0} acts in one change, {ACTS} at most")]
    TooManyActs(u64),
    /// An actor in its table that no operation names.
    #[error("it names an actor that it does not use")]
    UnusedActor,
}

/// Judges one change against the part's history; gives what to remember of it.
pub(super) fn judge(
    (kind, schema): (EntryKind, &Schema),
    history: &History,
    actor: &Actor,
    writer: Option<&Writer>,
    chunk: &Chunk<'_>,
    (change, bytes): (&Change<'_>, usize),
) -> Result<Note, Refusal> {
    if change.actors.first() != Some(&actor.0) || *actor == Actor::FIRST {
        return Err(PermitFault::Actor.into());
    }
    let past = past(history, change)?;
    let before = history.seq(actor);
    let expected = before.saturating_add(1);
    if change.seq != expected {
        return Err(PermitFault::Seq {
            expected,
            got: change.seq,
        }
        .into());
    }
    if past.clock.get(actor).copied().unwrap_or(0) != before || past.clock.is_empty() {
        return Err(PermitFault::Follows.into());
    }
    let expected = past.max_op.saturating_add(1);
    if change.start_op != expected {
        return Err(PermitFault::StartOp {
            expected,
            got: change.start_op,
        }
        .into());
    }
    let max_op = past.max_op.saturating_add(change.operations);
    if max_op > PART_OPERATIONS {
        return Err(PermitFault::Counter(max_op).into());
    }
    let weight = history.weight(actor).saturating_add(bytes as u64);
    if weight > WRITER_BYTES {
        return Err(PermitFault::Weight(weight).into());
    }
    if change.operations == 0 {
        return Err(PermitFault::Empty.into());
    }
    if !(0..=LATEST_TIME).contains(&change.time) {
        return Err(PermitFault::Time.into());
    }

    let mut judge = Judge {
        kind,
        schema,
        writer,
        actor: *actor,
        said: Vec::new(),
        history,
        change,
        past: &past,
        counter: change.start_op,
        used: BTreeSet::from([0]),
        runs: Vec::new(),
        deleted: BTreeSet::new(),
        acts: 0,
        greatest_n: past.greatest_n,
        fields: past.fields.clone(),
    };
    let mut preds = Vec::new();
    let mut operations = change.operations();
    while let Some(operation) = operations.next(&mut preds)? {
        judge.operation(&operation, &preds)?;
        judge.counter = judge.counter.saturating_add(1);
    }
    if judge.used.len() != change.actors.len() {
        return Err(PermitFault::UnusedActor.into());
    }
    let (runs, greatest_n) = (judge.runs, judge.greatest_n);
    let (said, fields) = (judge.said, judge.fields);
    let mut clock = past.clock;
    clock.insert(*actor, change.seq);
    Ok(Note {
        hash: chunk.hash,
        actor: *actor,
        start_op: change.start_op,
        max_op,
        time: change.time,
        clock,
        runs,
        greatest_n,
        said,
        fields,
        weight,
    })
}

/// What a change causally follows, all told.
struct Past {
    clock: BTreeMap<Actor, u64>,
    max_op: u64,
    greatest_n: u64,
    fields: Vec<Put>,
}

/// Each change's own note already sums up what it follows, so its direct dependencies suffice.
fn past(history: &History, change: &Change<'_>) -> Result<Past, MissingDependency> {
    let mut past = Past {
        clock: BTreeMap::new(),
        max_op: 0,
        greatest_n: 0,
        fields: Vec::new(),
    };
    let mut notes = Vec::with_capacity(change.dependencies.len());
    for hash in &change.dependencies {
        let note = history.get(hash).ok_or(MissingDependency(*hash))?;
        notes.push(note);
        for (actor, seq) in &note.clock {
            let known = past.clock.entry(*actor).or_insert(0);
            *known = (*known).max(*seq);
        }
        past.max_op = past.max_op.max(note.max_op);
        past.greatest_n = past.greatest_n.max(note.greatest_n);
    }
    past.fields = history.fields(&notes);
    Ok(past)
}

struct Judge<'a> {
    kind: EntryKind,
    writer: Option<&'a Writer>,
    actor: Actor,
    /// The statements of this change.
    said: Vec<(ActId, Arc<Statement>)>,
    schema: &'a Schema,
    history: &'a History,
    change: &'a Change<'a>,
    past: &'a Past,
    /// The operation at hand.
    counter: u64,
    /// Indices of actors that were named.
    used: BTreeSet<usize>,
    runs: Vec<Run>,
    deleted: BTreeSet<(usize, u64)>,
    acts: u64,
    greatest_n: u64,
    /// The values of fields that stand before the operation at hand.
    fields: Vec<Put>,
}

impl Judge<'_> {
    fn operation(&mut self, operation: &Operation<'_>, preds: &[Id]) -> Result<(), Refusal> {
        let at = self.counter;
        // 0, 2, 4 and 6 make a map, list, text and table; the first change alone does that.
        if matches!(operation.action, 0 | 2 | 4 | 6) {
            return Err(PermitFault::Container(at).into());
        }
        let Some(object) = operation.object else {
            return self.field(operation, preds);
        };
        self.used.insert(object.actor);
        let container = match (self.actor_of(object)?, object.counter.checked_sub(1)) {
            (Actor::FIRST, Some(place)) => usize::try_from(place).ok(),
            _ => None,
        }
        .and_then(|place| Some((place, self.schema.containers.get(place)?)));
        match container {
            Some((place, container)) => match container.holds {
                Holds::Text => self.text(place, operation, preds),
                Holds::Acts => self.act(place, operation, preds),
                Holds::Said => self.statement(place, operation, preds),
            },
            None => Err(PermitFault::Schema(at).into()),
        }
    }

    /// A value of the root: only the schema's fields, only strings that the field allows.
    fn field(&mut self, operation: &Operation<'_>, preds: &[Id]) -> Result<(), Refusal> {
        let at = self.counter;
        let Key::Name(name) = operation.key else {
            return Err(PermitFault::Schema(at).into());
        };
        if self.schema.containers.iter().any(|c| c.key == name) {
            return Err(PermitFault::Container(at).into());
        }
        let place = self.schema.fields.iter().position(|f| f.key == name);
        let field = place.and_then(|place| Some((place, self.schema.fields.get(place)?)));
        let (Some((place, field)), false, SET, Value::Str(value)) =
            (field, operation.insert, operation.action, operation.value)
        else {
            return Err(PermitFault::Schema(at).into());
        };
        if !(field.allows)(value) {
            return Err(PermitFault::Schema(at).into());
        }
        let mut last = None;
        let before = self.fields.len();
        for pred in preds {
            let name = (pred.counter, self.actor_of(*pred)?);
            if self.made(*pred)? != Some(Slot::Field(place))
                || last.is_some_and(|last| last >= name)
            {
                return Err(PermitFault::Reference(at).into());
            }
            last = Some(name);
            self.used.insert(pred.actor);
            let (counter, actor) = name;
            let replaced = Put {
                place,
                actor,
                counter,
            };
            self.fields.retain(|put| *put != replaced);
        }
        let standing = before.saturating_sub(self.fields.len());
        if standing != preds.len() || self.fields.iter().any(|put| put.place == place) {
            return Err(PermitFault::Replaces(at).into());
        }
        self.fields.push(Put {
            place,
            actor: self.actor,
            counter: at,
        });
        grow(&mut self.runs, at, Slot::Field(place));
        Ok(())
    }

    /// A character inserted, or one deleted. Nothing is overwritten in place.
    fn text(
        &mut self,
        place: usize,
        operation: &Operation<'_>,
        preds: &[Id],
    ) -> Result<(), Refusal> {
        let at = self.counter;
        match (
            operation.insert,
            operation.action,
            operation.value,
            operation.key,
            preds,
        ) {
            (true, SET, Value::Str(value), key, []) => {
                let mut characters = value.chars();
                if characters.next().is_none() || characters.next().is_some() {
                    return Err(PermitFault::Schema(at).into());
                }
                self.inserted(place, key)
            }
            (false, DELETE, Value::Null, Key::After(element), [pred]) if *pred == element => {
                if self.made(element)? != Some(Slot::Element(place))
                    || !self.deleted.insert((element.actor, element.counter))
                {
                    return Err(PermitFault::Reference(at).into());
                }
                self.used.insert(element.actor);
                Ok(())
            }
            _ => Err(PermitFault::Schema(at).into()),
        }
    }

    /// An act added. Anything else in the list would alter one.
    fn act(
        &mut self,
        place: usize,
        operation: &Operation<'_>,
        preds: &[Id],
    ) -> Result<(), Refusal> {
        let at = self.counter;
        let (true, SET, Value::Bytes(bytes), []) =
            (operation.insert, operation.action, operation.value, preds)
        else {
            return Err(PermitFault::AltersAct(at).into());
        };
        self.acts = self.acts.saturating_add(1);
        if self.acts > ACTS {
            return Err(PermitFault::TooManyActs(self.acts).into());
        }
        let act = Act::read(bytes).map_err(|fault| PermitFault::Act(at, fault))?;
        if act.verb == Verb::Propose && self.greatest_n > 0 {
            return Err(PermitFault::Act(at, ActFault::LateProposal).into());
        }
        // At the greatest n, which only a hostile program reaches, acts may share it: an end must
        // always be possible.
        if act.n <= self.greatest_n && self.greatest_n < GREATEST_N {
            return Err(PermitFault::Act(at, ActFault::Number).into());
        }
        self.greatest_n = act.n;
        self.inserted(place, operation.key)
    }

    /// A statement added, where its kind's rule allows it after those that it follows in this own part.
    fn statement(
        &mut self,
        place: usize,
        operation: &Operation<'_>,
        preds: &[Id],
    ) -> Result<(), Refusal> {
        let at = self.counter;
        let (true, SET, Value::Bytes(bytes), []) =
            (operation.insert, operation.action, operation.value, preds)
        else {
            return Err(PermitFault::AltersAct(at).into());
        };
        self.acts = self.acts.saturating_add(1);
        if self.acts > ACTS {
            return Err(PermitFault::TooManyActs(self.acts).into());
        }
        let fault = |fault| PermitFault::Statement(at, fault);
        let statement = Statement::read(bytes).map_err(fault)?;
        if statement.n <= self.greatest_n && self.greatest_n < GREATEST_N {
            return Err(fault(StatementFault::Number).into());
        }
        let rule = self.schema.rule.ok_or(PermitFault::Schema(at))?;
        if let Some(writer) = self.writer {
            let mut past = self.history.said(&self.past.clock);
            past.extend(self.said.iter().map(|(_, said)| said.as_ref()));
            rule::judge(self.kind, rule, writer, &past, &statement)
                .map_err(|fault| PermitFault::Rule(at, fault))?;
        }
        self.greatest_n = statement.n;
        let id = ActId {
            actor: self.actor,
            counter: at,
        };
        self.said.push((id, Arc::new(statement)));
        self.inserted(place, operation.key)
    }

    fn inserted(&mut self, place: usize, key: Key<'_>) -> Result<(), Refusal> {
        let at = self.counter;
        match key {
            Key::Beginning => {}
            Key::After(element) => {
                if self.made(element)? != Some(Slot::Element(place)) {
                    return Err(PermitFault::Reference(at).into());
                }
                self.used.insert(element.actor);
            }
            Key::Name(_) => return Err(PermitFault::Schema(at).into()),
        }
        grow(&mut self.runs, at, Slot::Element(place));
        Ok(())
    }

    fn actor_of(&self, id: Id) -> Result<Actor, ColumnFault> {
        self.change
            .actors
            .get(id.actor)
            .map(|a| Actor(*a))
            .ok_or(ColumnFault::Operation)
    }

    /// What the operation of this name made: in this change before, or in what it follows.
    fn made(&self, id: Id) -> Result<Option<Slot>, ColumnFault> {
        if id.actor == 0 && id.counter >= self.change.start_op {
            return Ok(made_by(&self.runs, id.counter));
        }
        let actor = self.actor_of(id)?;
        Ok(self.history.made(&self.past.clock, &actor, id.counter))
    }
}
