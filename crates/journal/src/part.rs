//! A part: one small Automerge document, and what the wall remembers of its changes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use automerge::{
    Automerge, AutomergeError, ChangeHash, LoadOptions, ObjId, OnPartialLoad, ReadDoc, ScalarValue,
    TextEncoding, Value, VerificationMode,
};

use crate::act::{Act, ActId};
use crate::history::{History, Note};
use crate::ids::Actor;
use crate::kind::{EntryKind, PartKind};
use crate::said::Statement;
use crate::schema::{self, Holds, Schema, UnknownSchema, begin, first_change, object};
use crate::seen::Seen;
use crate::wall::{self, Refusal, trial::check_shape};

/// A snapshot is not read beyond this: 64 MiB.
pub const SNAPSHOT_BYTES: usize = 64 * 1024 * 1024;

/// One part of an entry. It always holds the fixed first change; whatever else it holds came through
/// the [wall](crate::wall).
#[derive(Clone)]
pub struct Part {
    kind: EntryKind,
    schema_version: u8,
    part: PartKind,
    pub(crate) schema: &'static Schema,
    /// Shared by the copies of a part. It is large, so that whatever moves parts about is not to move it.
    pub(crate) doc: Arc<Automerge>,
    pub(crate) history: History,
    saved: Arc<Vec<u8>>,
    /// By place, the text containers' characters, once somebody asked for them. Automerge reads a text character by
    /// character; what an edit does to it is known.
    texts: Arc<Vec<OnceLock<String>>>,
    /// What the shared texts were at heads that were asked for.
    pub(crate) seen: Seen,
}

/// What was done to a text: at a position, in characters, so many were deleted and these inserted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Spliced {
    pub(crate) place: usize,
    pub(crate) at: usize,
    pub(crate) delete: usize,
    pub(crate) insert: String,
}

/// Why a snapshot could not be loaded. The log holds the same changes: the part can be built again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing here knows this schema.
    #[error(transparent)]
    UnknownSchema(#[from] UnknownSchema),
    /// Longer than any snapshot of ours.
    #[error("a snapshot of {0} bytes, {SNAPSHOT_BYTES} at most")]
    TooLong(usize),
    /// Automerge cannot load it.
    #[error("the snapshot cannot be loaded: {0}")]
    Automerge(String),
    /// Automerge panicked on it.
    #[error("Automerge panicked on the snapshot")]
    Panic,
    /// It does not begin with this part's first change.
    #[error("the snapshot is of another part")]
    FirstChange,
    /// It holds a change that the wall refuses.
    #[error("the snapshot holds what the wall refuses: {0}")]
    Refused(#[from] Refusal),
}

impl Part {
    /// A part with nothing but the fixed first change.
    ///
    /// # Errors
    /// [`UnknownSchema`].
    pub fn new(kind: EntryKind, schema_version: u8, part: PartKind) -> Result<Part, UnknownSchema> {
        let schema = schema::schema(kind, schema_version, part)?;
        let (doc, _) = begin(schema);
        let saved = Arc::new(doc.save_nocompress());
        let history = beginning(&doc, schema);
        Ok(Part {
            kind,
            schema_version,
            part,
            schema,
            doc: Arc::new(doc),
            history,
            saved,
            texts: empty(schema),
            seen: Seen::default(),
        })
    }

    /// Loads what [`save`](Part::save) gave. It is our own, sealed at rest, and still every change in
    /// it passes steps 2 to 4 of the wall again, which also rebuilds what the wall remembers.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(
        kind: EntryKind,
        schema_version: u8,
        part: PartKind,
        snapshot: &[u8],
    ) -> Result<Part, LoadError> {
        let schema = schema::schema(kind, schema_version, part)?;
        if snapshot.len() > SNAPSHOT_BYTES {
            return Err(LoadError::TooLong(snapshot.len()));
        }
        let first = first_change(kind, schema_version, part)?;
        let (doc, changes) = catch_unwind(AssertUnwindSafe(|| {
            let doc = load_document(snapshot)?;
            let changes = doc.get_changes(&[]);
            Ok((doc, changes))
        }))
        .map_err(|_| LoadError::Panic)?
        .map_err(|error: AutomergeError| LoadError::Automerge(error.to_string()))?;

        let mut changes = changes.iter();
        if changes
            .next()
            .is_none_or(|change| change.raw_bytes() != first)
        {
            return Err(LoadError::FirstChange);
        }
        let (empty, _) = begin(schema);
        let mut history = beginning(&empty, schema);
        for change in changes {
            let actor = change.actor_id().to_bytes().try_into().map(Actor);
            let actor = actor.map_err(|_| Refusal::from(wall::PermitFault::Actor))?;
            let note = wall::inspect((kind, schema), &history, &actor, None, change.raw_bytes())?;
            history.push(note);
        }
        check_shape(schema, &doc).map_err(Refusal::from)?;
        let saved = Arc::new(snapshot.to_vec());
        Ok(Part {
            kind,
            schema_version,
            part,
            schema,
            doc: Arc::new(doc),
            history,
            saved,
            texts: unread(schema),
            seen: Seen::default(),
        })
    }

    /// The whole part as bytes for [`load`](Part::load): an Automerge document, not deflated (nothing
    /// is compressed before it is sealed).
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.saved().to_vec()
    }

    /// The same, to be read where it lies.
    #[must_use]
    pub fn saved(&self) -> &[u8] {
        &self.saved
    }

    /// How many bytes [`save`](Part::save) gives: what the limit on local edits measures.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.saved.len()
    }

    /// The bytes of the changes of whoever wrote most in it, and how far its operations are counted: what the wall bounds
    /// ([`WRITER_BYTES`](wall::WRITER_BYTES), [`PART_OPERATIONS`](wall::PART_OPERATIONS)).
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        self.history.size()
    }

    /// The hashes of the changes that no other one follows, rising.
    #[must_use]
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.doc
            .get_heads()
            .into_iter()
            .map(|hash| hash.0)
            .collect()
    }

    /// Whether the part holds the change of this hash.
    #[must_use]
    pub fn has(&self, change: &[u8; 32]) -> bool {
        self.history.get(change).is_some()
    }

    /// How many changes it holds, the fixed first one included.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.history.len()
    }

    /// Whether it holds only the fixed first change.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.history.len() <= 1
    }

    /// The kind of its entry.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// The version of its schema.
    #[must_use]
    pub fn schema_version(&self) -> u8 {
        self.schema_version
    }

    /// Shared or own.
    #[must_use]
    pub fn part(&self) -> PartKind {
        self.part
    }

    /// The greatest time, in milliseconds since 1970 UTC, that a change of it claims.
    #[must_use]
    pub fn latest_time(&self) -> i64 {
        self.history.iter().map(|note| note.time).max().unwrap_or(0)
    }

    /// The same part with another document, once that came through the wall.
    pub(crate) fn after(&self, doc: Automerge, saved: Vec<u8>, history: History) -> Part {
        Part {
            kind: self.kind,
            schema_version: self.schema_version,
            part: self.part,
            schema: self.schema,
            doc: Arc::new(doc),
            history,
            saved: Arc::new(saved),
            texts: unread(self.schema),
            // Parts that nobody wrote to yet are copies of one another, whatever their entry.
            seen: if self.is_new() {
                Seen::default()
            } else {
                self.seen.clone()
            },
        }
    }

    /// The same where it is known what became of the texts, one after the other.
    pub(crate) fn grown(
        &self,
        doc: Automerge,
        saved: Vec<u8>,
        history: History,
        spliced: &[Spliced],
    ) -> Part {
        let texts = self.texts.iter().enumerate().map(|(place, text)| {
            let mut here = spliced.iter().filter(|s| s.place == place).peekable();
            if here.peek().is_none() {
                return text.clone();
            }
            let text = text.get().cloned();
            text.and_then(|text| here.try_fold(text, |text, spliced| spliced.done_to(&text)))
                .map_or_else(OnceLock::new, OnceLock::from)
        });
        let texts = Arc::new(texts.collect());
        Part {
            texts,
            ..self.after(doc, saved, history)
        }
    }

    /// A text container's characters, now or as they were at `heads`.
    ///
    /// `None` where a head is not held.
    pub(crate) fn text(&self, place: usize, heads: Option<&[ChangeHash]>) -> Option<String> {
        let id = object(place);
        match heads {
            None => match self.texts.get(place).and_then(OnceLock::get) {
                Some(text) => Some(text.clone()),
                None => {
                    let text = self.doc.text(id).ok()?;
                    let text_of = self.texts.get(place)?;
                    Some(text_of.get_or_init(|| text).clone())
                }
            },
            Some(heads) if self.holds(heads) => self.doc.text_at(id, heads).ok(),
            Some(_) => None,
        }
    }

    /// How many characters a text container holds now.
    pub(crate) fn length(&self, place: usize) -> usize {
        self.doc.length(object(place))
    }

    /// A field's string, empty where it was never put. `None` where a head is not held.
    pub(crate) fn field(&self, key: &str, heads: Option<&[ChangeHash]>) -> Option<String> {
        let value = match heads {
            None => self.doc.get(automerge::ROOT, key),
            Some(heads) if self.holds(heads) => self.doc.get_at(automerge::ROOT, key, heads),
            Some(_) => return None,
        };
        match value {
            Ok(Some((Value::Scalar(scalar), _))) => match scalar.as_ref() {
                ScalarValue::Str(s) => Some(s.to_string()),
                _ => None,
            },
            Ok(None) => Some(String::new()),
            _ => None,
        }
    }

    pub(crate) fn holds(&self, heads: &[ChangeHash]) -> bool {
        heads.iter().all(|hash| self.has(&hash.0))
    }

    /// Where this part's schema has its statements.
    pub(crate) fn said_place(&self) -> Option<usize> {
        self.schema
            .containers
            .iter()
            .position(|container| container.holds == Holds::Said)
    }

    /// The statements of an own part, in no order that means anything.
    pub(crate) fn said(&self) -> Vec<(ActId, Statement)> {
        self.history
            .iter()
            .flat_map(|note| note.said.iter())
            .map(|(id, statement)| (*id, Statement::clone(statement)))
            .collect()
    }

    /// The acts of an own part in the list's order, which means nothing.
    pub(crate) fn acts(&self, place: usize) -> Vec<(ActId, Act)> {
        let acts = self.schema.containers.get(place);
        if acts.is_none_or(|container| container.holds != Holds::Acts) {
            return Vec::new();
        }
        read_acts(&self.doc, place)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(id, bytes)| Some((id, Act::read(&bytes).ok()?)))
            .collect()
    }
}

/// Texts that nobody asked for yet.
fn unread(schema: &Schema) -> Arc<Vec<OnceLock<String>>> {
    Arc::new(schema.containers.iter().map(|_| OnceLock::new()).collect())
}

/// Texts in which nothing was typed yet.
fn empty(schema: &Schema) -> Arc<Vec<OnceLock<String>>> {
    let texts = schema.containers.iter().map(|container| {
        if container.holds == Holds::Text {
            OnceLock::from(String::new())
        } else {
            OnceLock::new()
        }
    });
    Arc::new(texts.collect())
}

impl Spliced {
    /// At a position, nothing yet.
    pub(crate) fn new(place: usize, at: usize) -> Spliced {
        Spliced {
            place,
            at,
            delete: 0,
            insert: String::new(),
        }
    }

    /// The text after it. `None` beyond its end.
    pub(crate) fn done_to(&self, text: &str) -> Option<String> {
        let (head, rest) = text.split_at_checked(byte_of(text, self.at)?)?;
        let (_, tail) = rest.split_at_checked(byte_of(rest, self.delete)?)?;
        Some([head, &self.insert, tail].concat())
    }
}

/// Where the character of this number begins, in bytes, or where the text ends. `None` beyond that.
fn byte_of(text: &str, character: usize) -> Option<usize> {
    // One byte a character: most texts, and seen at a glance.
    if text.is_ascii() {
        return Some(character).filter(|at| *at <= text.len());
    }
    let mut characters = text.chars();
    for _ in 0..character {
        characters.next()?;
    }
    text.len().checked_sub(characters.as_str().len())
}

impl std::fmt::Debug for Part {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("kind", &self.kind)
            .field("schema", &self.schema_version)
            .field("part", &self.part)
            .field("changes", &self.history.len())
            .field("bytes", &self.saved.len())
            .finish_non_exhaustive()
    }
}

/// What the wall remembers of the first change. Its containers are no elements: nothing may name them
/// but as objects.
fn beginning(doc: &Automerge, schema: &Schema) -> History {
    let mut history = History::default();
    for hash in doc.get_heads() {
        history.push(Note {
            hash: hash.0,
            actor: Actor::FIRST,
            start_op: 1,
            max_op: schema.containers.len() as u64,
            time: 0,
            clock: [(Actor::FIRST, 1)].into(),
            runs: Vec::new(),
            greatest_n: 0,
            said: Vec::new(),
            fields: Vec::new(),
            weight: 0,
        });
    }
    history
}

/// The acts' bytes and names. `None` where the list holds anything else.
pub(crate) fn read_acts(doc: &Automerge, place: usize) -> Option<Vec<(ActId, Vec<u8>)>> {
    let mut acts = Vec::new();
    for item in doc.list_range(object(place), ..) {
        let ObjId::Id(counter, actor, _) = item.id() else {
            return None;
        };
        let actor = Actor(actor.to_bytes().try_into().ok()?);
        let Value::Scalar(scalar) = Value::from(item.value.clone()) else {
            return None;
        };
        let ScalarValue::Bytes(bytes) = scalar.into_owned() else {
            return None;
        };
        acts.push((ActId { actor, counter }, bytes));
    }
    Some(acts)
}

/// Loads a document of our own: all of it or nothing, hashes checked, positions in characters.
pub(crate) fn load_document(bytes: &[u8]) -> Result<Automerge, AutomergeError> {
    Automerge::load_with_options(
        bytes,
        LoadOptions::new()
            .on_partial_load(OnPartialLoad::Error)
            .verification_mode(VerificationMode::Check)
            .text_encoding(TextEncoding::UnicodeCodePoint),
    )
}
