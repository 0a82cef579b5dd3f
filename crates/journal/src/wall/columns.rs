//! Step 3: a walk of our own over a change's header and columns, before Automerge sees a byte.
//!
//! Layout (Automerge binary format, "Change chunks", "Columnar storage"): dependencies, actor, seq,
//! start op, time, message, other actors, the columns' specifications and lengths, then their bytes.
//! A column's specification is `id << 4 | deflated << 3 | type`. Columns of integers and strings are
//! runs: a signed count, and a value repeated (above 0), so many values (below 0), or, after a zero,
//! an unsigned count of nulls.

use super::reader::{ReadFault, Reader};

mod runs;

use runs::{Delta, Flags, Runs};

/// No column holds more items than this, whatever its runs claim.
pub const COLUMN_ITEMS: u64 = 20_000;
/// Actors that one change may name, its own included.
pub const ACTORS: u64 = 64;
/// Changes that one change may name as what it follows: one for each actor.
pub const DEPENDENCIES: u64 = 64;
/// A change's message; Amends writes none.
pub const MESSAGE_BYTES: u64 = 256;
/// An actor is 16 bytes (PROTOCOL section 3).
const ACTOR_BYTES: usize = 16;

/// What step 3 refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// A length, number or string that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// More of something than a change may hold.
    #[error("{items} {what}, {limit} at most")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many were claimed.
        items: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A column that no schema uses: marks, or something newer.
    #[error("unknown column {0}")]
    Unknown(u32),
    /// A deflated column.
    #[error("column {0} is deflated")]
    Deflated(u32),
    /// A column twice, out of order, or empty.
    #[error("column {0} is out of place")]
    Order(u32),
    /// A column does not hold one item for each operation.
    #[error("column {column} holds {items} items, expected {expected}")]
    Uneven {
        /// The column's specification.
        column: u32,
        /// What it holds.
        items: u64,
        /// What it should hold.
        expected: u64,
    },
    /// An actor that is not 16 bytes, or that stands out of order.
    #[error("an actor is malformed")]
    Actor,
    /// Dependencies out of order or one twice.
    #[error("dependencies are out of order")]
    Dependencies,
    /// Values' bytes and their lengths disagree, or a value of a type that no schema uses.
    #[error("a value is malformed")]
    Value,
    /// A run of no items, an object or key that is half there, an index or counter out of range.
    #[error("an operation is malformed")]
    Operation,
    /// Runs that Automerge would have written otherwise.
    #[error("a column is not in its one form")]
    Form,
    /// Bytes after the last column.
    #[error("{0} bytes after the columns")]
    Trailing(usize),
}

mod spec {
    pub(super) const OBJ_ACTOR: u32 = 1;
    pub(super) const OBJ_COUNTER: u32 = 2;
    pub(super) const KEY_ACTOR: u32 = 17;
    pub(super) const KEY_COUNTER: u32 = 19;
    pub(super) const KEY_STRING: u32 = 21;
    pub(super) const INSERT: u32 = 52;
    pub(super) const ACTION: u32 = 66;
    pub(super) const VALUE_META: u32 = 86;
    pub(super) const VALUE: u32 = 87;
    pub(super) const PRED_GROUP: u32 = 112;
    pub(super) const PRED_ACTOR: u32 = 113;
    pub(super) const PRED_COUNTER: u32 = 115;
    pub(super) const DEFLATED: u32 = 0b1000;
}

/// What a change says of itself, and its columns, walked and found bounded.
pub(crate) struct Change<'a> {
    /// Rising, each once.
    pub(crate) dependencies: Vec<[u8; 32]>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    /// The change's own actor first, the others rising. Operations name them by index.
    pub(crate) actors: Vec<[u8; 16]>,
    /// How many operations there are: at most [`COLUMN_ITEMS`].
    pub(crate) operations: u64,
    columns: Columns<'a>,
}

impl<'a> Change<'a> {
    /// Walks a change's content.
    pub(crate) fn read(content: &'a [u8]) -> Result<Self, ColumnFault> {
        let change = Self::unwalked(content)?;
        let operations = change.columns.walk()?;
        Ok(Change {
            operations,
            ..change
        })
    }

    /// How many operations it claims, of which nothing is believed yet.
    pub(super) fn claimed(content: &'a [u8]) -> Result<u64, ColumnFault> {
        let change = Self::unwalked(content)?;
        Runs::<u64>::new(change.columns.action).count()
    }

    /// The header, and where the columns lie.
    fn unwalked(content: &'a [u8]) -> Result<Self, ColumnFault> {
        let mut reader = Reader(content);
        let dependencies = dependencies(&mut reader)?;
        let own = actor(&mut reader)?;
        let seq = reader.u64()?;
        let start_op = reader.u64()?;
        let time = reader.i64()?;
        let message = reader.u64()?;
        at_most("bytes of message", message, MESSAGE_BYTES)?;
        std::str::from_utf8(reader.take(message)?).map_err(|_| ReadFault::Utf8)?;
        let actors = actors(own, &mut reader)?;
        let columns = Columns::read(&mut reader)?;
        if !reader.is_empty() {
            return Err(ColumnFault::Trailing(reader.0.len()));
        }
        Ok(Change {
            dependencies,
            seq,
            start_op,
            time,
            actors,
            operations: 0,
            columns,
        })
    }

    /// The operations in order.
    pub(crate) fn operations(&self) -> Operations<'a> {
        let c = &self.columns;
        Operations {
            left: self.operations,
            actors: self.actors.len() as u64,
            obj_actor: Runs::new(c.obj_actor),
            obj_counter: Runs::new(c.obj_counter),
            key_actor: Runs::new(c.key_actor),
            key_counter: Delta::new(c.key_counter),
            key_string: Runs::new(c.key_string),
            insert: Flags::new(c.insert),
            action: Runs::new(c.action),
            value_meta: Runs::new(c.value_meta),
            value: Reader(c.value),
            pred_group: Runs::new(c.pred_group),
            pred_actor: Runs::new(c.pred_actor),
            pred_counter: Delta::new(c.pred_counter),
        }
    }
}

fn at_most(what: &'static str, items: u64, limit: u64) -> Result<(), ColumnFault> {
    if items > limit {
        Err(ColumnFault::TooMany { what, items, limit })
    } else {
        Ok(())
    }
}

fn dependencies(reader: &mut Reader<'_>) -> Result<Vec<[u8; 32]>, ColumnFault> {
    let count = reader.u64()?;
    at_most("dependencies", count, DEPENDENCIES)?;
    let mut all: Vec<[u8; 32]> = Vec::new();
    for _ in 0..count {
        let hash = reader.array()?;
        if all.last().is_some_and(|last| *last >= hash) {
            return Err(ColumnFault::Dependencies);
        }
        all.push(hash);
    }
    Ok(all)
}

fn actor(reader: &mut Reader<'_>) -> Result<[u8; ACTOR_BYTES], ColumnFault> {
    reader
        .prefixed()?
        .try_into()
        .map_err(|_| ColumnFault::Actor)
}

fn actors(own: [u8; 16], reader: &mut Reader<'_>) -> Result<Vec<[u8; 16]>, ColumnFault> {
    let others = reader.u64()?;
    at_most("actors", others.saturating_add(1), ACTORS)?;
    let mut all = vec![own];
    for at in 0..others {
        let other = actor(reader)?;
        if other == own || (at > 0 && all.last().is_some_and(|last| *last >= other)) {
            return Err(ColumnFault::Actor);
        }
        all.push(other);
    }
    Ok(all)
}

/// Each column's bytes; empty where it is absent.
#[derive(Default)]
struct Columns<'a> {
    obj_actor: &'a [u8],
    obj_counter: &'a [u8],
    key_actor: &'a [u8],
    key_counter: &'a [u8],
    key_string: &'a [u8],
    insert: &'a [u8],
    action: &'a [u8],
    value_meta: &'a [u8],
    value: &'a [u8],
    pred_group: &'a [u8],
    pred_actor: &'a [u8],
    pred_counter: &'a [u8],
}

impl<'a> Columns<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ColumnFault> {
        let count = reader.u64()?;
        at_most("columns", count, 12)?;
        let mut named: Vec<(u32, u64)> = Vec::new();
        for _ in 0..count {
            let spec = u32::try_from(reader.u64()?).map_err(|_| ReadFault::Number)?;
            let length = reader.u64()?;
            if spec & spec::DEFLATED != 0 {
                return Err(ColumnFault::Deflated(spec));
            }
            if length == 0 || named.last().is_some_and(|(last, _)| *last >= spec) {
                return Err(ColumnFault::Order(spec));
            }
            named.push((spec, length));
        }
        let mut columns = Columns::default();
        for (spec, length) in named {
            *columns.named(spec).ok_or(ColumnFault::Unknown(spec))? = reader.take(length)?;
        }
        Ok(columns)
    }

    fn named(&mut self, spec: u32) -> Option<&mut &'a [u8]> {
        match spec {
            spec::OBJ_ACTOR => Some(&mut self.obj_actor),
            spec::OBJ_COUNTER => Some(&mut self.obj_counter),
            spec::KEY_ACTOR => Some(&mut self.key_actor),
            spec::KEY_COUNTER => Some(&mut self.key_counter),
            spec::KEY_STRING => Some(&mut self.key_string),
            spec::INSERT => Some(&mut self.insert),
            spec::ACTION => Some(&mut self.action),
            spec::VALUE_META => Some(&mut self.value_meta),
            spec::VALUE => Some(&mut self.value),
            spec::PRED_GROUP => Some(&mut self.pred_group),
            spec::PRED_ACTOR => Some(&mut self.pred_actor),
            spec::PRED_COUNTER => Some(&mut self.pred_counter),
            _ => None,
        }
    }

    /// Adds up every column's runs and compares them; gives the number of operations.
    fn walk(&self) -> Result<u64, ColumnFault> {
        let operations = Runs::<u64>::new(self.action).count()?;
        let each = |column, items: u64, expected: u64| {
            if items == expected {
                Ok(())
            } else {
                Err(ColumnFault::Uneven {
                    column,
                    items,
                    expected,
                })
            }
        };
        // Left out where it holds nothing but nulls, else one item for each operation.
        let maybe = |column, items| {
            if items == 0 {
                Ok(())
            } else {
                each(column, items, operations)
            }
        };
        maybe(spec::OBJ_ACTOR, Runs::<u64>::new(self.obj_actor).count()?)?;
        maybe(
            spec::OBJ_COUNTER,
            Runs::<u64>::new(self.obj_counter).count()?,
        )?;
        maybe(spec::KEY_ACTOR, Runs::<u64>::new(self.key_actor).count()?)?;
        maybe(
            spec::KEY_COUNTER,
            Runs::<i64>::new(self.key_counter).count()?,
        )?;
        maybe(
            spec::KEY_STRING,
            Runs::<&str>::new(self.key_string).count()?,
        )?;
        each(spec::INSERT, Flags::new(self.insert).count()?, operations)?;
        each(
            spec::VALUE_META,
            Runs::<u64>::new(self.value_meta).count()?,
            operations,
        )?;
        each(
            spec::PRED_GROUP,
            Runs::<u64>::new(self.pred_group).count()?,
            operations,
        )?;

        let (mut preds, mut value_bytes) = (0u64, 0u64);
        let (mut groups, mut metas) = (
            Runs::<u64>::new(self.pred_group),
            Runs::<u64>::new(self.value_meta),
        );
        for _ in 0..operations {
            let group = groups.next()?.ok_or(ColumnFault::Operation)?;
            preds = preds.saturating_add(group);
            at_most("predecessors", preds, COLUMN_ITEMS)?;
            let meta = metas.next()?.ok_or(ColumnFault::Value)?;
            value_bytes = value_bytes.saturating_add(meta >> 4);
        }
        each(
            spec::PRED_ACTOR,
            Runs::<u64>::new(self.pred_actor).count()?,
            preds,
        )?;
        each(
            spec::PRED_COUNTER,
            Runs::<i64>::new(self.pred_counter).count()?,
            preds,
        )?;
        if value_bytes != self.value.len() as u64 {
            return Err(ColumnFault::Value);
        }
        Ok(operations)
    }
}

/// An operation's name: the index of its actor in [`Change::actors`], and its counter, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) actor: usize,
    pub(crate) counter: u64,
}

/// Where in its object an operation acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    Name(&'a str),
    Beginning,
    After(Id),
}

/// The values that a schema may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Str(&'a str),
    Bytes(&'a [u8]),
    Other,
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    /// The object it acts on; `None` is the root.
    pub(crate) object: Option<Id>,
    pub(crate) key: Key<'a>,
    pub(crate) insert: bool,
    pub(crate) action: u64,
    pub(crate) value: Value<'a>,
}

/// Reads the columns side by side.
pub(crate) struct Operations<'a> {
    left: u64,
    actors: u64,
    obj_actor: Runs<'a, u64>,
    obj_counter: Runs<'a, u64>,
    key_actor: Runs<'a, u64>,
    key_counter: Delta<'a>,
    key_string: Runs<'a, &'a str>,
    insert: Flags<'a>,
    action: Runs<'a, u64>,
    value_meta: Runs<'a, u64>,
    value: Reader<'a>,
    pred_group: Runs<'a, u64>,
    pred_actor: Runs<'a, u64>,
    pred_counter: Delta<'a>,
}

impl<'a> Operations<'a> {
    /// The next operation; `preds` is cleared and filled with those that it replaces or deletes.
    pub(crate) fn next(
        &mut self,
        preds: &mut Vec<Id>,
    ) -> Result<Option<Operation<'a>>, ColumnFault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let object = match (self.obj_actor.next()?, self.obj_counter.next()?) {
            (None, None) => None,
            (actor, counter) => Some(self.id(actor, counter)?),
        };
        let key = match (
            self.key_string.next()?,
            self.key_actor.next()?,
            self.key_counter.next()?,
        ) {
            (Some(name), None, None) => Key::Name(name),
            (None, None, Some(0)) => Key::Beginning,
            (None, actor, counter) => Key::After(self.id(actor, counter)?),
            _ => return Err(ColumnFault::Operation),
        };
        let insert = self.insert.next()?;
        let action = self.action.next()?.ok_or(ColumnFault::Operation)?;
        let meta = self.value_meta.next()?.ok_or(ColumnFault::Value)?;
        let bytes = self.value.take(meta >> 4)?;
        let value = match meta & 0xf {
            0 if bytes.is_empty() => Value::Null,
            6 => Value::Str(std::str::from_utf8(bytes).map_err(|_| ReadFault::Utf8)?),
            7 => Value::Bytes(bytes),
            _ => Value::Other,
        };
        preds.clear();
        for _ in 0..self.pred_group.next()?.ok_or(ColumnFault::Operation)? {
            let (actor, counter) = (self.pred_actor.next()?, self.pred_counter.next()?);
            preds.push(self.id(actor, counter)?);
        }
        Ok(Some(Operation {
            object,
            key,
            insert,
            action,
            value,
        }))
    }

    fn id(&self, actor: Option<u64>, counter: Option<u64>) -> Result<Id, ColumnFault> {
        match (actor, counter) {
            (Some(actor), Some(counter))
                if actor < self.actors && counter >= 1 && counter <= u64::from(u32::MAX) =>
            {
                let actor = usize::try_from(actor).map_err(|_| ColumnFault::Operation)?;
                Ok(Id { actor, counter })
            }
            _ => Err(ColumnFault::Operation),
        }
    }
}
