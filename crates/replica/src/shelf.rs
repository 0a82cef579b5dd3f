//! What a replica keeps, and how it reads it: rows in tables, given in like time and randomness, so that the replica
//! itself opens no file and a test can give it a map.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `Meta` | a name | this device, the pair, the logs, the partner's clock, what was being applied |
//! | `Card` | entry id | what a list shows of an entry |
//! | `Part` | entry id, which part | schema version and the saved Automerge document |
//! | `Record` | log number(4), seq(8) | where its envelope is, its hash, what became of it |
//! | `Envelope` | number(8) | the envelope's bytes, as they came or were sealed |
//! | `Blob` | chunk name(32) | the sealed chunk of a photo |
//! | `Chunk` | chunk name(32) | whether it is here, who acknowledged it |
//! | `Naming` | entry id | which blobs an entry names |

use std::collections::BTreeMap;

use thiserror::Error;
use zeroize::Zeroize;

/// A table of the shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Few, named rows.
    Meta,
    /// One row for each entry.
    Card,
    /// Up to three rows for each entry.
    Part,
    /// One row for each record.
    Record,
    /// One row for each envelope; sealed already.
    Envelope,
    /// One row for each chunk of a blob that is here; sealed already.
    Blob,
    /// One row for each chunk of which something is known.
    Chunk,
    /// One row for each entry that names blobs.
    Naming,
}

/// One change of the shelf.
#[derive(Clone, PartialEq, Eq)]
pub enum Write {
    /// Make or replace a row.
    Put {
        /// Where.
        table: Table,
        /// Its key.
        key: Vec<u8>,
        /// Its value, in clear: whoever keeps the shelf seals it.
        value: Vec<u8>,
    },
    /// Take a row away, where there is one.
    Delete {
        /// Where.
        table: Table,
        /// Its key.
        key: Vec<u8>,
    },
}

impl Drop for Write {
    fn drop(&mut self) {
        if let Write::Put { table, value, .. } = self {
            wipe_keys(*table, value);
        }
    }
}

/// Wipes a row that goes, where keys may stand in it: all of them are in named rows.
fn wipe_keys(table: Table, value: &mut Vec<u8>) {
    if table == Table::Meta {
        value.zeroize();
    }
}

impl std::fmt::Debug for Write {
    /// Leaves out the values: they hold keys, and what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Write::Put { table, key, value } => {
                write!(f, "Put({table:?}, {} bytes at {key:02x?})", value.len())
            }
            Write::Delete { table, key } => write!(f, "Delete({table:?}, {key:02x?})"),
        }
    }
}

/// A row that cannot be read. The words come from whoever keeps the shelf.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ShelfError(pub String);

/// A row: its key, its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What was saved, to be read.
pub trait Shelf {
    /// One row.
    ///
    /// # Errors
    /// Where the row is there and cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError>;

    /// Up to `limit` rows from `from` on, in the order of their keys.
    ///
    /// # Errors
    /// Where a row cannot be read.
    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, ShelfError>;

    /// Whether there is a row from `from` on that comes before `to`. Whoever can say it without opening the row does.
    ///
    /// # Errors
    /// Where a row cannot be read.
    fn has_between(&self, table: Table, from: &[u8], to: &[u8]) -> Result<bool, ShelfError> {
        let first = self.scan(table, from, 1)?;
        Ok(first.first().is_some_and(|(key, _)| key.as_slice() < to))
    }
}

/// A shelf in memory, for tests and simulations.
#[derive(Clone, Default)]
pub struct MemoryShelf(BTreeMap<(Table, Vec<u8>), Vec<u8>>);

impl MemoryShelf {
    /// Performs writes, as a store's transaction does.
    pub fn commit(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Put { table, key, value } => {
                    let earlier = self.0.insert((*table, key.clone()), value.clone());
                    wipe_keys(*table, &mut earlier.unwrap_or_default());
                }
                Write::Delete { table, key } => {
                    let earlier = self.0.remove(&(*table, key.clone()));
                    wipe_keys(*table, &mut earlier.unwrap_or_default());
                }
            }
        }
    }
}

impl Drop for MemoryShelf {
    fn drop(&mut self) {
        for ((table, _), value) in &mut self.0 {
            wipe_keys(*table, value);
        }
    }
}

impl Shelf for MemoryShelf {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, ShelfError> {
        Ok(self
            .0
            .range((table, from.to_vec())..)
            .take_while(|((at, _), _)| *at == table)
            .take(limit)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }
}

/// The writes of one input, read through while they gather: saved all together or not at all.
pub(crate) struct Gathered<'a> {
    shelf: &'a dyn Shelf,
    /// None takes a row away.
    writes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(shelf: &'a dyn Shelf) -> Self {
        Self {
            shelf,
            writes: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        match self.writes.get(&(table, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.shelf.get(table, key),
        }
    }

    /// Whether there is a row whose key begins so, or is gathered; one that is to be taken away counts.
    pub(crate) fn has_any(&self, table: Table, beginning: &[u8]) -> Result<bool, ShelfError> {
        let mut end = beginning.to_vec();
        // No key goes on so.
        end.extend([0xff; 8]);
        let gathered = (table, beginning.to_vec())..(table, end.clone());
        if self.writes.range(gathered).next().is_some() {
            return Ok(true);
        }
        self.shelf.has_between(table, beginning, &end)
    }

    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        let earlier = self.writes.insert((table, key), Some(value));
        wipe_keys(table, &mut earlier.flatten().unwrap_or_default());
    }

    pub(crate) fn delete(&mut self, table: Table, key: Vec<u8>) {
        let earlier = self.writes.insert((table, key), None);
        wipe_keys(table, &mut earlier.flatten().unwrap_or_default());
    }

    pub(crate) fn into_writes(mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
            .into_iter()
            .map(|((table, key), value)| match value {
                Some(value) => Write::Put { table, key, value },
                None => Write::Delete { table, key },
            })
            .collect()
    }
}

/// Writes that came to nothing.
impl Drop for Gathered<'_> {
    fn drop(&mut self) {
        for ((table, _), value) in &mut self.writes {
            if let Some(value) = value {
                wipe_keys(*table, value);
            }
        }
    }
}
