//! The wall: steps 2 to 5 of the road of a change (PROTOCOL section 6). Nothing goes round it: what
//! comes from the partner, from a bundle, from a restore, and what this device writes itself.
//!
//! Step 1 is the replica's: sizes, seal, signature, log and number. Then, for the changes of one part
//! in one payload:
//!
//! 2. [`chunk`](ChunkFault): exactly one chunk, of type 1, no trailing bytes, checksum right;
//! 3. [`columns`](ColumnFault): a walk of our own, bounded by the bytes and not by what they claim;
//! 4. [`permit`](PermitFault): this actor, the next of its changes, following what is held, inserting
//!    and deleting characters, putting fields, adding acts and statements that follow their kind's rules, and
//!    nothing else. The operations are
//!    decoded here by the iterators of step 3 and not by Automerge, whose `Change::decode` allocates
//!    and panics on what it should refuse;
//! 5. `reenact`: made once more on a copy by Automerge's own transaction, to the same hash; what does not come
//!    out the same is a [`trial`](TrialFault): applied to a copy under `catch_unwind`, saved, loaded, compared.
//!
//! Whether a change is taken depends on it and on what it causally follows, never on when it arrived.
//! So what is forbidden by step 4 is forbidden everywhere.

use automerge::Automerge;

use crate::history::{History, Note};
use crate::ids::Actor;
use crate::kind::EntryKind;
use crate::part::{Part, Spliced};
use crate::said::Writer;
use crate::schema::Schema;

mod chunk;
mod columns;
mod permit;
pub(crate) mod reader;
mod reenact;
pub(crate) mod trial;
#[cfg(test)]
mod ways;

pub use chunk::{CHANGE_BYTES, ChunkFault};
pub use columns::{ACTORS, COLUMN_ITEMS, ColumnFault, DEPENDENCIES, MESSAGE_BYTES};
pub use permit::{ACTS, LATEST_TIME, PART_OPERATIONS, PermitFault, WRITER_BYTES};
pub use reader::ReadFault;
pub use trial::TrialFault;

/// Why changes were not taken, and at which step. It holds numbers and names of columns, never what a
/// person wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Step 2.
    #[error("step 2: {0}")]
    Chunk(#[from] ChunkFault),
    /// Step 3.
    #[error("step 3: {0}")]
    Columns(#[from] ColumnFault),
    /// Step 4: it follows a change that is not held. An offence only where every record that its own
    /// record names is held; of a part whose change was set aside, it is set aside too.
    #[error("step 4: {0}")]
    MissingDependency(#[from] MissingDependency),
    /// Step 4.
    #[error("step 4: {0}")]
    Permit(#[from] PermitFault),
    /// Step 5.
    #[error("step 5: {0}")]
    Trial(#[from] TrialFault),
}

/// The hash of a change that is not held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it follows a change that is not here")]
pub struct MissingDependency(pub [u8; 32]);

impl Refusal {
    /// The step of PROTOCOL section 6 that refused: 2 to 5.
    #[must_use]
    pub fn step(&self) -> u8 {
        match self {
            Refusal::Chunk(_) => 2,
            Refusal::Columns(_) => 3,
            Refusal::MissingDependency(_) | Refusal::Permit(_) => 4,
            Refusal::Trial(_) => 5,
        }
    }
}

/// Takes the changes of one part, in order: all of them, or none. `part` stays as it is; what is given
/// back is the part with the changes in it.
///
/// `writer` is derived from the record in which the changes came, by the caller, who also chose the part:
/// the shared one, or the own part of that log's person.
///
/// # Errors
/// [`Refusal`], for the first change that is refused.
pub fn admit(part: &Part, writer: &Writer, changes: &[&[u8]]) -> Result<Part, Refusal> {
    let mut judged = Judged::new(part.clone());
    for change in changes {
        judged.judge(writer, change)?;
    }
    judged.finish()
}

/// A part and changes that steps 2 to 4 took, one after the other, before step 5 tries all of them at once: however many
/// come, and whatever stands between them, the part is tried once.
#[derive(Debug)]
pub struct Judged {
    part: Part,
    /// With the notes of the changes that wait for step 5.
    history: History,
    changes: Vec<Vec<u8>>,
    hashes: Vec<[u8; 32]>,
}

impl Judged {
    /// Nothing is taken yet.
    #[must_use]
    pub fn new(part: Part) -> Judged {
        let history = part.history.clone();
        Judged {
            part,
            history,
            changes: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// The part as it was.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// How many changes wait for step 5.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// Steps 2 to 4 for one change, after those that wait.
    ///
    /// # Errors
    /// [`Refusal`]; then it is as if the change had not come.
    pub fn judge(&mut self, writer: &Writer, change: &[u8]) -> Result<(), Refusal> {
        let of = (self.part.kind(), self.part.schema);
        let note = inspect(of, &self.history, &writer.actor, Some(writer), change)?;
        self.hashes.push(note.hash);
        self.history.push(note);
        self.changes.push(change.to_vec());
        Ok(())
    }

    /// Forgets all but the first so many of those that wait.
    pub fn forget(&mut self, all_but: usize) {
        for hash in self.hashes.drain(all_but.min(self.hashes.len())..).rev() {
            self.history.pop(&hash);
        }
        self.changes.truncate(all_but);
    }

    /// Step 5 for all that wait: all of them, or none.
    ///
    /// # Errors
    /// [`Refusal`], of step 5.
    pub fn finish(self) -> Result<Part, Refusal> {
        if self.changes.is_empty() {
            return Ok(self.part);
        }
        if let Some((doc, spliced)) = reenact::reenact(&self.part.doc, &self.changes)
            && let Some(saved) = trial::save(&doc)
        {
            return Ok(self.part.grown(doc, saved, self.history, &spliced));
        }
        let changes: Vec<&[u8]> = self.changes.iter().map(Vec::as_slice).collect();
        let passed = trial::attempt(self.part.schema, &self.part.doc, &changes, &self.hashes)?;
        Ok(self.part.after(passed.doc, passed.saved, self.history))
    }
}

/// The same for changes that a transaction on a copy of this part just made here, which gave this document: what
/// `reenact` would do is done.
pub(crate) fn admit_own(
    part: &Part,
    writer: &Writer,
    changes: &[Vec<u8>],
    (doc, spliced): (Automerge, &[Spliced]),
) -> Result<Part, Refusal> {
    let mut judged = Judged::new(part.clone());
    for change in changes {
        judged.judge(writer, change)?;
    }
    let saved = trial::save(&doc).ok_or(TrialFault::Panic)?;
    Ok(part.grown(doc, saved, judged.history, spliced))
}

/// How many operations a change claims to hold: what judging and trying it may cost grows with that, and not with its bytes.
/// Found by its header alone; 0 where steps 2 or 3 refuse it for what stands there.
#[must_use]
pub fn claims(change: &[u8]) -> u64 {
    chunk::open(change)
        .ok()
        .and_then(|chunk| columns::Change::claimed(chunk.content).ok())
        .unwrap_or(0)
}

/// The hash of a change, by the chunk that it is.
pub(crate) fn hash_of(bytes: &[u8]) -> Option<[u8; 32]> {
    chunk::open(bytes).ok().map(|chunk| chunk.hash)
}

/// Steps 2 to 4. Without a writer it is our own part that is loaded: its statements were judged when they came.
pub(crate) fn inspect(
    (kind, schema): (EntryKind, &Schema),
    history: &History,
    actor: &Actor,
    writer: Option<&Writer>,
    bytes: &[u8],
) -> Result<Note, Refusal> {
    let chunk = chunk::open(bytes)?;
    let change = columns::Change::read(chunk.content)?;
    permit::judge(
        (kind, schema),
        history,
        actor,
        writer,
        &chunk,
        (&change, bytes.len()),
    )
}
