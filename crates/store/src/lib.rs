//! Sealed rows in SQLite: transactions, migrations, nothing else. `docs/PROTOCOL.md` section 7.
//!
//! A [`Store`] is one file that holds nine tables of `key -> value` ([`Table`]). It knows no journal: what the bytes mean is its
//! caller's affair. The program makes one for the journal and another, under another key, for what is private.
//!
//! ```
//! # use amends_keys::seal::StoreKey;
//! # use amends_store::{Store, Table, Write};
//! # use rand_core::SeedableRng;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let path = home.path().join("journal.db");
//! # let key = || StoreKey::from_bytes(&[7; 32]);
//! # let rng = || Box::new(rand_chacha::ChaCha20Rng::from_seed([1; 32]));
//! let mut store = Store::create(&path, key(), rng())?;
//! store.commit(&[Write::put(Table::Card, b"one", b"a quiet evening")])?; // on the disk when it returns
//! store.close()?;
//!
//! let store = Store::open(&path, key(), rng())?;
//! assert_eq!(store.get(Table::Card, b"one")?.as_deref(), Some(&b"a quiet evening"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! # What is sealed and what is not
//!
//! Every value is sealed with XChaCha20-Poly1305 under the store's key and a random nonce; its table and key are authenticated with it, so
//! that a row moved elsewhere does not open. [`Table::Envelope`] and [`Table::Blob`] alone keep their values as they are, because those are
//! sealed already and the same bytes go everywhere (`docs/PROTOCOL.md` sections 3 and 4).
//!
//! **In the clear** are the tables' names, the keys, the number of rows and their sizes. So keys are random ids and numbers, never words.
//!
//! **Not noticed** is a row put back to an older state of itself, a row or the whole file's tail taken away: one file cannot tell what it
//! held last week. The logs' numbers and the partner's clock can.
//!
//! # What a commit promises
//!
//! [`Store::commit`] is one transaction, all or nothing, and durable when it returns: WAL with `synchronous = FULL`, and
//! `fullfsync` where the system has it. [`Store::commit_volatile`] outlives the process, not a power cut.
//!
//! One process owns an open store: SQLite's exclusive locking keeps every other one out ([`OpenError::InUse`]) and makes a `-shm` file
//! unnecessary. POSIX drops a process's file locks when it closes *any* descriptor of the file: do not open the file by other means
//! while the store is open.

mod check;
mod error;
mod file;
mod row;
mod salvage;
mod schema;
mod store;

pub use check::{Fault, Report};
pub use error::{CloseError, CommitError, OpenError, ReadError};
pub use salvage::Salvaged;
pub use schema::VERSION;
pub use store::{Each, Store};

use std::fmt;

use zeroize::Zeroize;

/// One of the store's tables. Each maps a key to a value; both are bytes, the key at most a few dozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// What the store's owner keeps once: identity, pair, epochs.
    Meta,
    /// What a list shows of an entry, derived from its parts.
    Card,
    /// Saved Automerge documents.
    Part,
    /// What is known of each record besides its bytes.
    Record,
    /// Envelopes: sealed before they come here, kept as they are.
    Envelope,
    /// Records that wait for others.
    Waiting,
    /// Chunks of photos, by their names: sealed before they come here, kept as they are.
    Blob,
    /// What is known of each of them besides its bytes.
    Chunk,
    /// Which photos an entry names.
    Naming,
}

impl Table {
    /// Every table, in the order of their declaration.
    pub const ALL: [Table; 9] = [
        Table::Meta,
        Table::Card,
        Table::Part,
        Table::Record,
        Table::Envelope,
        Table::Waiting,
        Table::Blob,
        Table::Chunk,
        Table::Naming,
    ];

    /// The table's name in SQL and in what a row's seal authenticates.
    #[must_use]
    pub fn name(self) -> &'static str {
        row::statements(self).name
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row's key and its opened value.
pub type Row = (Vec<u8>, Vec<u8>);

/// One row to write. A commit takes a slice of them, in order: a later one to the same key wins.
#[derive(Clone, PartialEq, Eq)]
pub enum Write {
    /// Puts `value` at `key`, in place of what may be there.
    Put {
        /// Where.
        table: Table,
        /// At which key, in the clear on the disk.
        key: Vec<u8>,
        /// What, in plain; sealed on its way, except in [`Table::Envelope`] and [`Table::Blob`].
        value: Vec<u8>,
    },
    /// Takes away what is at `key`, if anything is.
    Delete {
        /// Where.
        table: Table,
        /// At which key.
        key: Vec<u8>,
    },
}

impl Write {
    /// A [`Write::Put`] of copies of `key` and `value`.
    #[must_use]
    pub fn put(table: Table, key: &[u8], value: &[u8]) -> Write {
        Write::Put {
            table,
            key: key.to_vec(),
            value: value.to_vec(),
        }
    }

    /// A [`Write::Delete`] of a copy of `key`.
    #[must_use]
    pub fn delete(table: Table, key: &[u8]) -> Write {
        Write::Delete {
            table,
            key: key.to_vec(),
        }
    }
}

/// A row of [`Table::Meta`] may hold keys, and this is a copy of it in clear.
impl Drop for Write {
    fn drop(&mut self) {
        if let Write::Put {
            table: Table::Meta,
            value,
            ..
        } = self
        {
            value.zeroize();
        }
    }
}

/// Leaves the value out: it is somebody's words.
impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Write::Put { table, key, value } => {
                write!(
                    f,
                    "Put {{ {table} {}, {} bytes }}",
                    error::Hex(key),
                    value.len()
                )
            }
            Write::Delete { table, key } => write!(f, "Delete {{ {table} {} }}", error::Hex(key)),
        }
    }
}
