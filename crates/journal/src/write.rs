//! Local edits: operations put into changes that are small enough for everyone, and sent through the
//! wall like anybody's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, AutomergeError, ChangeHash, ROOT, ScalarValue};

use crate::part::{Part, Spliced};
use crate::said::Writer;
use crate::schema::object;
use crate::wall::{self, LATEST_TIME, Refusal};

/// Operations in one change at most (PROTOCOL section 6).
pub const WRITTEN_OPERATIONS: usize = 8_000;
/// Bytes of one change at most (PROTOCOL section 6).
pub const WRITTEN_BYTES: usize = 128 * 1024;
/// A part of this weight takes no more local edits: 4 MiB.
pub const PART_BYTES: usize = 4 * 1024 * 1024;

/// What a local edit gave: changes to put into records, in order, and the part with them in it.
#[derive(Debug, Clone)]
pub struct Written {
    /// Type 1 chunks, not deflated, each at most [`WRITTEN_OPERATIONS`] and [`WRITTEN_BYTES`].
    pub changes: Vec<Vec<u8>>,
    /// The part after them. Take it only once the changes are saved.
    pub part: Part,
}

/// Why a local edit could not be made, beyond the rules of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Automerge refused an operation: a position beyond the end, or a fault of this program.
    #[error("Automerge refused the edit: {0}")]
    Automerge(String),
    /// Automerge panicked.
    #[error("Automerge panicked on the edit")]
    Panic,
    /// Our own change does not pass the wall: a fault of this program.
    #[error("the edit does not pass the wall: {0}")]
    Refused(#[from] Refusal),
}

/// One operation of a local edit, in the words of the schema.
#[derive(Clone)]
pub(crate) enum Step<'a> {
    /// At a position, in characters, deletes so many and inserts a text.
    Splice {
        place: usize,
        at: usize,
        delete: usize,
        insert: &'a str,
    },
    /// Puts a string at the root.
    Put { key: &'static str, value: &'a str },
    /// Adds an act to the list.
    Act { place: usize, bytes: Vec<u8> },
    /// Adds a statement to the list.
    Say { place: usize, bytes: Vec<u8> },
}

/// Makes the steps into changes. Each step acts on what the one before left. `None` where nothing
/// changes.
pub(crate) fn write(
    part: &Part,
    writer: &Writer,
    now: i64,
    steps: &[Step<'_>],
) -> Result<Option<Written>, WriteError> {
    write_at(part, None, writer, now, steps)
}

/// The same, acting on what the part held at `at`, where that is given: what came since stays beside it.
pub(crate) fn write_at(
    part: &Part,
    at: Option<&[ChangeHash]>,
    writer: &Writer,
    now: i64,
    steps: &[Step<'_>],
) -> Result<Option<Written>, WriteError> {
    // What was acted on is all that is here: then nothing is to be merged.
    let at = at.filter(|at| !is_now(part, at));
    let mut operations = WRITTEN_OPERATIONS;
    let (changes, doc) = loop {
        let (changes, doc) = catch_unwind(AssertUnwindSafe(|| {
            commit(part, at, writer, now, steps, operations)
        }))
        .map_err(|_| WriteError::Panic)?
        .map_err(|error| WriteError::Automerge(error.to_string()))?;
        let longest = changes.iter().map(Vec::len).max().unwrap_or(0);
        // One operation at a time is as small as it gets: the longest is an act, far below the limit.
        if longest <= WRITTEN_BYTES || operations <= 1 {
            break (changes, doc);
        }
        operations /= 2;
    };
    if changes.is_empty() {
        return Ok(None);
    }
    let part = match at {
        None => {
            let spliced: Vec<Spliced> = steps.iter().filter_map(Step::spliced).collect();
            wall::admit_own(part, writer, &changes, (doc, &spliced))?
        }
        Some(_) => {
            let slices: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
            wall::admit(part, writer, &slices)?
        }
    };
    Ok(Some(Written { changes, part }))
}

fn is_now(part: &Part, heads: &[ChangeHash]) -> bool {
    let mut heads: Vec<[u8; 32]> = heads.iter().map(|hash| hash.0).collect();
    heads.sort_unstable();
    heads == part.heads()
}

fn commit(
    part: &Part,
    at: Option<&[ChangeHash]>,
    writer: &Writer,
    now: i64,
    steps: &[Step<'_>],
    operations: usize,
) -> Result<(Vec<Vec<u8>>, Automerge), AutomergeError> {
    let doc = match at {
        None => Automerge::clone(&part.doc),
        Some(heads) => part.doc.fork_at(heads)?,
    };
    let mut doc = doc.with_actor(ActorId::from(writer.actor.0));
    let before = doc.get_heads();
    let now = now.clamp(0, LATEST_TIME);
    let mut pieces = steps
        .iter()
        .flat_map(|step| pieces(step, operations))
        .peekable();
    while pieces.peek().is_some() {
        let ids: Vec<_> = (0..part.schema.containers.len()).map(object).collect();
        let id = |place: usize| ids.get(place).cloned().unwrap_or(automerge::ObjId::Root);
        let mut room = operations;
        let mut transaction = doc.transaction();
        while let Some(piece) =
            pieces.next_if(|piece| piece.operations() <= room || room == operations)
        {
            room = room.saturating_sub(piece.operations());
            match piece {
                Step::Splice {
                    place,
                    at,
                    delete,
                    insert,
                } => {
                    let delete = isize::try_from(delete).unwrap_or(isize::MAX);
                    transaction.splice_text(id(place), at, delete, insert)?;
                }
                Step::Put { key, value } => transaction.put(ROOT, key, value)?,
                Step::Act { place, bytes } | Step::Say { place, bytes } => {
                    let end = automerge::ReadDoc::length(&transaction, id(place));
                    transaction.insert(id(place), end, ScalarValue::Bytes(bytes))?;
                }
            }
        }
        transaction.commit_with(CommitOptions::default().with_time(now));
    }
    Ok((written_since(&doc, &before), doc))
}

fn written_since(doc: &Automerge, before: &[automerge::ChangeHash]) -> Vec<Vec<u8>> {
    doc.get_changes(before)
        .iter()
        .map(|change| change.raw_bytes().to_vec())
        .collect()
}

impl Step<'_> {
    /// What it does to a text.
    fn spliced(&self) -> Option<Spliced> {
        match *self {
            Step::Splice {
                place,
                at,
                delete,
                insert,
            } => Some(Spliced {
                place,
                at,
                delete,
                insert: insert.to_owned(),
            }),
            _ => None,
        }
    }

    fn operations(&self) -> usize {
        match self {
            Step::Splice { delete, insert, .. } => delete.saturating_add(insert.chars().count()),
            Step::Put { .. } | Step::Act { .. } | Step::Say { .. } => 1,
        }
    }
}

/// Cuts a splice into splices of at most so many operations: first what goes, then what comes.
fn pieces<'a>(step: &Step<'a>, operations: usize) -> Vec<Step<'a>> {
    let Step::Splice {
        place,
        at,
        delete,
        insert,
    } = *step
    else {
        return vec![step.clone()];
    };
    if step.operations() <= operations {
        return vec![step.clone()];
    }
    let mut all = Vec::new();
    let mut left = delete;
    while left > 0 {
        let now = left.min(operations);
        all.push(Step::Splice {
            place,
            at,
            delete: now,
            insert: "",
        });
        left = left.saturating_sub(now);
    }
    let (mut rest, mut at) = (insert, at);
    while !rest.is_empty() {
        let cut = rest
            .char_indices()
            .nth(operations)
            .map_or(rest.len(), |(cut, _)| cut);
        let (now, later) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        all.push(Step::Splice {
            place,
            at,
            delete: 0,
            insert: now,
        });
        at = at.saturating_add(now.chars().count());
        rest = later;
    }
    all
}
