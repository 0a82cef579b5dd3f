//! Carrying over: what a device wrote on a branch of its log that nobody else holds, written once more as another actor.
//!
//! Two copies of one device that both wrote used the same numbers twice, so one of the two branches can reach nobody
//! (docs/decisions/0037). Here a part is put back to before that branch ([`without`]), and each change of it is made again, in
//! order, on what it had been made on ([`Carrier`]): the same characters at the same places, the same statements, the same acts.
//!
//! **Acts only after asking** (PROTOCOL section 3). What the branch agreed to in an entry that others know is not agreed to again
//! by a program: the other copy may have said something else since. Declining and ending are carried over, since they bind nobody;
//! so is every act in an entry that the branch itself began, of which nobody else has seen anything.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ChangeHash, ReadDoc};

use crate::act::{Act, ActId, Verb};
use crate::agreement::splices;
use crate::history::Note;
use crate::part::{LoadError, Part};
use crate::said::Writer;
use crate::schema::Holds;
use crate::write::{Step, WriteError, Written, write_at};

/// The hash of an Automerge change, as it stands in a record. None where the bytes are no change.
#[must_use]
pub fn hash_of(change: &[u8]) -> Option<[u8; 32]> {
    crate::wall::hash_of(change)
}

/// A part without these changes, and without what follows them. Gives what followed them and was none of them, too.
///
/// # Errors
/// [`LoadError`], where what is left cannot be loaded: a fault of this program.
pub fn without(
    part: &Part,
    lost: &BTreeSet<[u8; 32]>,
) -> Result<(Part, BTreeSet<[u8; 32]>), LoadError> {
    // Of most entries a branch has written in one part alone. The others stay as they are: that of a kind which puts nothing into
    // its shared part holds no change from which it could be made again.
    if !lost.iter().any(|hash| part.has(hash)) {
        return Ok((part.clone(), BTreeSet::new()));
    }
    let kept = catch_unwind(AssertUnwindSafe(|| {
        let mut gone = lost.clone();
        let mut heads: BTreeSet<ChangeHash> = BTreeSet::new();
        // Each comes after those that it follows.
        for change in part.doc.get_changes(&[]) {
            let hash = change.hash();
            if gone.contains(&hash.0) || change.deps().iter().any(|dep| gone.contains(&dep.0)) {
                gone.insert(hash.0);
                continue;
            }
            for dep in change.deps() {
                heads.remove(dep);
            }
            heads.insert(hash);
        }
        let heads: Vec<ChangeHash> = heads.into_iter().collect();
        let doc = part.doc.fork_at(&heads)?;
        Ok((doc.save_nocompress(), gone))
    }))
    .map_err(|_| LoadError::Panic)?;
    let (saved, gone) =
        kept.map_err(|error: automerge::AutomergeError| LoadError::Automerge(error.to_string()))?;
    let base = Part::load(part.kind(), part.schema_version(), part.part(), &saved)?;
    let after = gone
        .into_iter()
        .filter(|hash| !lost.contains(hash) && part.has(hash))
        .collect();
    Ok((base, after))
}

/// What carries one entry over, change by change.
#[derive(Debug, Default)]
pub struct Carrier {
    /// What stands in the place of each change that was carried over.
    changes: BTreeMap<[u8; 32], Vec<[u8; 32]>>,
    /// And of each act.
    acts: BTreeMap<ActId, ActId>,
    all_acts: bool,
    /// Something was agreed to, and is to be agreed to anew.
    pub asked: bool,
}

impl Carrier {
    /// For one entry. Every act is carried over where it is `unknown`: where nobody else knows the entry.
    #[must_use]
    pub fn new(unknown: bool) -> Self {
        Self {
            all_acts: unknown,
            ..Self::default()
        }
    }

    /// Makes one change of `full` once more, in `part`, which is the same part without the branch and with what was carried
    /// over before. `None` where nothing is left of it.
    ///
    /// # Errors
    /// [`WriteError`]; the part is as it was.
    pub fn carry(
        &mut self,
        part: &Part,
        full: &Part,
        change: &[u8; 32],
        writer: &Writer,
    ) -> Result<Option<Written>, WriteError> {
        let missing = || WriteError::Automerge("a change of the branch is missing".to_owned());
        let note = full.history.get(change).ok_or_else(missing)?;
        let meta = full
            .doc
            .get_change_by_hash(&ChangeHash(*change))
            .ok_or_else(missing)?;
        let on: BTreeSet<ChangeHash> = meta
            .deps()
            .iter()
            .flat_map(|dep| match self.changes.get(&dep.0) {
                Some(instead) => instead.clone(),
                None => vec![dep.0],
            })
            .map(ChangeHash)
            .filter(|hash| part.has(&hash.0))
            .collect();
        let on: Vec<ChangeHash> = on.into_iter().collect();
        let after = [ChangeHash(*change)];
        let before = meta.deps().to_vec();
        let (steps, acts) = self.steps(part, full, note, (&before, &after), &on);
        let steps: Vec<Step<'_>> = steps.iter().flat_map(Made::steps).collect();
        let written = if steps.is_empty() {
            None
        } else {
            write_at(part, Some(&on), writer, note.time, &steps)?
        };
        let Some(written) = written else {
            self.changes
                .insert(*change, on.iter().map(|hash| hash.0).collect());
            return Ok(None);
        };
        let last = written
            .changes
            .last()
            .and_then(|bytes| hash_of(bytes))
            .ok_or_else(missing)?;
        self.changes.insert(*change, vec![last]);
        let known: BTreeSet<ActId> = all_acts(part).into_iter().map(|(id, _)| id).collect();
        let mut new: Vec<ActId> = all_acts(&written.part)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| !known.contains(id))
            .collect();
        new.sort_by_key(|id| id.counter);
        self.acts.extend(acts.into_iter().zip(new));
        Ok(Some(written))
    }

    /// What a change did, to be done on what stands at `on`; and the acts in it, in order.
    fn steps(
        &mut self,
        part: &Part,
        full: &Part,
        note: &Note,
        (before, after): (&[ChangeHash], &[ChangeHash]),
        on: &[ChangeHash],
    ) -> (Vec<Made>, Vec<ActId>) {
        let mut steps = Vec::new();
        let mut carried = Vec::new();
        for (place, container) in full.schema.containers.iter().enumerate() {
            match container.holds {
                Holds::Text => {
                    let there = part.text(place, Some(on)).unwrap_or_default();
                    let (was, is) = (
                        full.text(place, Some(before)),
                        full.text(place, Some(after)),
                    );
                    if was != is {
                        let is = is.unwrap_or_default();
                        steps.push(Made::Text { place, there, is });
                    }
                }
                Holds::Acts => {
                    let mut acts = full.acts(place);
                    acts.retain(|(id, _)| is_in(note, id));
                    acts.sort_by_key(|(id, _)| id.counter);
                    for (id, act) in acts {
                        let agrees = matches!(act.verb, Verb::Propose | Verb::Agree);
                        if agrees && !self.all_acts {
                            self.asked = true;
                            continue;
                        }
                        carried.push(id);
                        let bytes = self.renamed(act).bytes();
                        steps.push(Made::Act { place, bytes });
                    }
                }
                Holds::Said => {
                    let mut said: Vec<_> = note.said.iter().collect();
                    said.sort_by_key(|(id, _)| id.counter);
                    steps.extend(said.into_iter().map(|(_, statement)| Made::Said {
                        place,
                        bytes: statement.bytes(),
                    }));
                }
            }
        }
        for field in full.schema.fields {
            let is = full.field(field.key, Some(after)).unwrap_or_default();
            if full.field(field.key, Some(before)).as_ref() != Some(&is) && (field.allows)(&is) {
                let key = field.key;
                steps.push(Made::Field { key, is });
            }
        }
        (steps, carried)
    }

    /// An act that names the changes and ends that stand in the place of the branch's.
    fn renamed(&self, mut act: Act) -> Act {
        let heads: BTreeSet<[u8; 32]> = act
            .heads
            .iter()
            .flat_map(|head| match self.changes.get(head) {
                Some(instead) => instead.clone(),
                None => vec![*head],
            })
            .collect();
        let ends: BTreeSet<ActId> = act
            .ends
            .iter()
            .map(|end| *self.acts.get(end).unwrap_or(end))
            .collect();
        act.heads = heads.into_iter().collect();
        act.ends = ends.into_iter().collect();
        act
    }
}

/// What a step is made of, kept for as long as it takes to write it.
enum Made {
    Text {
        place: usize,
        there: String,
        is: String,
    },
    Act {
        place: usize,
        bytes: Vec<u8>,
    },
    Said {
        place: usize,
        bytes: Vec<u8>,
    },
    Field {
        key: &'static str,
        is: String,
    },
}

impl Made {
    fn steps(&self) -> Vec<Step<'_>> {
        match self {
            Made::Text { place, there, is } => splices(there, is)
                .into_iter()
                .map(|splice| Step::Splice {
                    place: *place,
                    at: splice.at,
                    delete: splice.delete,
                    insert: splice.insert,
                })
                .collect(),
            Made::Act { place, bytes } => vec![Step::Act {
                place: *place,
                bytes: bytes.clone(),
            }],
            Made::Said { place, bytes } => vec![Step::Say {
                place: *place,
                bytes: bytes.clone(),
            }],
            Made::Field { key, is } => vec![Step::Put { key, value: is }],
        }
    }
}

fn is_in(note: &Note, id: &ActId) -> bool {
    id.actor == note.actor && (note.start_op..=note.max_op).contains(&id.counter)
}

fn all_acts(part: &Part) -> Vec<(ActId, Act)> {
    (0..part.schema.containers.len())
        .flat_map(|place| part.acts(place))
        .collect()
}
