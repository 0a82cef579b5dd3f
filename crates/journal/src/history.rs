//! What a part's changes are and what they made, kept beside the Automerge document so that the wall
//! can judge a change by what it causally follows, without asking Automerge.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::act::ActId;
use crate::ids::Actor;
use crate::said::Statement;

/// What an operation made or put, as later operations may name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// An element of the container of this place in the schema.
    Element(usize),
    /// A value of the field of this place in the schema.
    Field(usize),
}

/// Operations in a row, by counter, that made the same kind of thing. Typing is one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) length: u64,
    pub(crate) slot: Slot,
}

/// One change that the part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) hash: [u8; 32],
    pub(crate) actor: Actor,
    pub(crate) start_op: u64,
    /// The greatest counter in it: at least one operation.
    pub(crate) max_op: u64,
    pub(crate) time: i64,
    /// For each actor, how many of its changes this one follows, itself included.
    pub(crate) clock: BTreeMap<Actor, u64>,
    /// Rising by counter.
    pub(crate) runs: Vec<Run>,
    /// The greatest `n` of the acts that it follows or holds; 0 where there are none.
    pub(crate) greatest_n: u64,
    /// The statements in it.
    pub(crate) said: Vec<(ActId, Arc<Statement>)>,
    /// The values of fields that stand once it is applied to what it follows, and nothing else is.
    pub(crate) fields: Vec<Put>,
    /// The bytes of its actor's changes in this part, this one the last of them.
    pub(crate) weight: u64,
}

/// A value of a field: the field's place in the schema, and the operation that put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) place: usize,
    pub(crate) actor: Actor,
    pub(crate) counter: u64,
}

/// Changes that are looked through one by one before they are put into order with the others.
const RECENT: usize = 64;

/// All changes of a part. A copy shares what it is a copy of, since every edit tries itself on one.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    ordered: Arc<Ordered>,
    /// The newest ones, in the order in which they came.
    recent: Vec<Arc<Note>>,
}

#[derive(Debug, Clone, Default)]
struct Ordered {
    notes: BTreeMap<[u8; 32], Arc<Note>>,
    /// For each actor its changes in order: the one of seq 1 first.
    by_actor: BTreeMap<Actor, Vec<Arc<Note>>>,
}

impl Ordered {
    fn of(&self, actor: &Actor) -> &[Arc<Note>] {
        self.by_actor.get(actor).map_or(&[], Vec::as_slice)
    }
}

impl History {
    pub(crate) fn get(&self, hash: &[u8; 32]) -> Option<&Arc<Note>> {
        let recent = self.recent.iter().rev().find(|note| note.hash == *hash);
        recent.or_else(|| self.ordered.notes.get(hash))
    }

    pub(crate) fn len(&self) -> usize {
        self.ordered.notes.len().saturating_add(self.recent.len())
    }

    /// How many changes of this actor are held.
    pub(crate) fn seq(&self, actor: &Actor) -> u64 {
        self.of(actor).count() as u64
    }

    pub(crate) fn push(&mut self, note: Note) {
        self.recent.push(Arc::new(note));
        if self.recent.len() > RECENT {
            let ordered = Arc::make_mut(&mut self.ordered);
            for note in self.recent.drain(..) {
                let of = ordered.by_actor.entry(note.actor).or_default();
                of.push(Arc::clone(&note));
                ordered.notes.insert(note.hash, note);
            }
        }
    }

    /// Takes back the last change of its actor.
    pub(crate) fn pop(&mut self, hash: &[u8; 32]) {
        if let Some(at) = self.recent.iter().rposition(|note| note.hash == *hash) {
            self.recent.remove(at);
        } else if self.ordered.notes.contains_key(hash) {
            let ordered = Arc::make_mut(&mut self.ordered);
            if let Some(note) = ordered.notes.remove(hash)
                && let Some(all) = ordered.by_actor.get_mut(&note.actor)
            {
                all.pop();
            }
        }
    }

    /// The changes of this actor in order: the one of seq 1 first.
    fn of(&self, actor: &Actor) -> impl DoubleEndedIterator<Item = &Arc<Note>> {
        let actor = *actor;
        let recent = self.recent.iter().filter(move |note| note.actor == actor);
        self.ordered.of(&actor).iter().chain(recent)
    }

    /// The change of this actor in which the operation of this counter stands, or the last one before it; and its number, from 1.
    fn at(&self, actor: &Actor, counter: u64) -> Option<(u64, &Arc<Note>)> {
        let ordered = self.ordered.of(actor);
        let recent = self.recent.iter().filter(|note| note.actor == *actor);
        let before = recent.take_while(|note| note.start_op <= counter);
        if let Some((after, note)) = before.enumerate().last() {
            let seq = ordered.len().saturating_add(after).saturating_add(1);
            return Some((seq as u64, note));
        }
        let seq = ordered.partition_point(|note| note.start_op <= counter);
        Some((seq as u64, ordered.get(seq.checked_sub(1)?)?))
    }

    /// What the operation of this name made, if it stands in a change that `clock` includes.
    pub(crate) fn made(
        &self,
        clock: &BTreeMap<Actor, u64>,
        actor: &Actor,
        counter: u64,
    ) -> Option<Slot> {
        let (seq, note) = self.at(actor, counter)?;
        if seq > *clock.get(actor)? {
            return None;
        }
        made_by(&note.runs, counter)
    }

    /// The bytes of this actor's changes.
    pub(crate) fn weight(&self, actor: &Actor) -> u64 {
        self.of(actor).next_back().map_or(0, |note| note.weight)
    }

    /// The bytes of the changes of whoever wrote most, and the greatest counter.
    pub(crate) fn size(&self) -> (u64, u64) {
        let last = self.ordered.by_actor.values().filter_map(|all| all.last());
        last.chain(&self.recent)
            .fold((0, 0), |(weight, max_op), note| {
                (weight.max(note.weight), max_op.max(note.max_op))
            })
    }

    /// Which of its actor's changes the operation of this counter stands in, from 1.
    fn seq_at(&self, actor: &Actor, counter: u64) -> u64 {
        self.at(actor, counter).map_or(0, |(seq, _)| seq)
    }

    /// The values of fields that stand after all of these changes: those that none of them follows and replaces.
    pub(crate) fn fields(&self, after: &[&Arc<Note>]) -> Vec<Put> {
        let mut standing: Vec<Put> = Vec::new();
        for put in after.iter().flat_map(|note| &note.fields) {
            let seq = self.seq_at(&put.actor, put.counter);
            let replaced = after.iter().any(|note| {
                let follows = note.clock.get(&put.actor).is_some_and(|held| *held >= seq);
                follows && !note.fields.contains(put)
            });
            if !replaced && !standing.contains(put) {
                standing.push(*put);
            }
        }
        standing
    }

    /// The statements in the changes that `clock` includes, in no order that means anything.
    pub(crate) fn said(&self, clock: &BTreeMap<Actor, u64>) -> Vec<&Statement> {
        clock
            .iter()
            .flat_map(|(actor, seq)| {
                self.of(actor)
                    .take(usize::try_from(*seq).unwrap_or(usize::MAX))
                    .flat_map(|note| note.said.iter().map(|(_, statement)| statement.as_ref()))
            })
            .collect()
    }

    /// Every change, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Note> {
        let recent = self.recent.iter();
        self.ordered.notes.values().chain(recent).map(Arc::as_ref)
    }
}

/// What the operation of this counter made, among the runs of its change.
pub(crate) fn made_by(runs: &[Run], counter: u64) -> Option<Slot> {
    let at = runs
        .partition_point(|run| run.first <= counter)
        .checked_sub(1)?;
    let run = runs.get(at)?;
    (counter.checked_sub(run.first)? < run.length).then_some(run.slot)
}

/// Adds the next operation to the runs of its change.
pub(crate) fn grow(runs: &mut Vec<Run>, counter: u64, slot: Slot) {
    match runs.last_mut() {
        Some(run) if run.slot == slot && run.first.checked_add(run.length) == Some(counter) => {
            run.length = run.length.saturating_add(1);
        }
        _ => runs.push(Run {
            first: counter,
            length: 1,
            slot,
        }),
    }
}
