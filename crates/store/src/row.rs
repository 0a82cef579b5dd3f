//! One row: its statements, and its seal.

use amends_keys::lv;
use amends_keys::seal::{StoreKey, open_row, seal_row};
use rand_core::CryptoRng;

use crate::Table;

/// Separates a row's seal from every other use of a key.
const CONTEXT: &[u8] = b"amends/store/row/v1";

/// A table's statements.
///
/// The tables are `WITHOUT ROWID`: one tree to write at a commit instead of two, and rows that lie in the order in which they are
/// scanned. Measured against rowid tables, three runs with SQLite 3.40 and these settings: rows of 300 B take 0.12 to 0.15 ms a durable
/// commit instead of 0.19 to 0.35, and 8 to 10 ms to scan 10,000 instead of 13 to 15. It is no gain everywhere: a commit of 4 KB takes
/// the same, 10,000 rows in one commit 50 ms instead of 30, and longer rows are read more slowly (4 KB 10 us instead of 4, 260 KB 0.25 ms
/// instead of 0.08, that one measured once). Small commits are what a person waits for. Only chunks of photos, which are long and in no order, lie in a rowid
/// table.
///
/// All are fixed text, so that each is compiled once and kept.
pub(crate) struct Statements {
    pub(crate) name: &'static str,
    pub(crate) create: &'static str,
    pub(crate) get: &'static str,
    pub(crate) put: &'static str,
    pub(crate) delete: &'static str,
    pub(crate) scan_from: &'static str,
    pub(crate) scan_between: &'static str,
}

macro_rules! statements {
    ($name:literal) => {
        statements!($name, ") STRICT, WITHOUT ROWID")
    };
    ($name:literal, $end:literal) => {
        Statements {
            name: $name,
            create: concat!("CREATE TABLE ", $name, " (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL", $end),
            get: concat!("SELECT value FROM ", $name, " WHERE key = ?1"),
            put: concat!("INSERT INTO ", $name, " (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"),
            delete: concat!("DELETE FROM ", $name, " WHERE key = ?1"),
            scan_from: concat!("SELECT key, value FROM ", $name, " WHERE key >= ?1 ORDER BY key LIMIT ?2"),
            scan_between: concat!("SELECT key, value FROM ", $name, " WHERE key >= ?1 AND key < ?3 ORDER BY key LIMIT ?2"),
        }
    };
}

/// The statements of one table.
pub(crate) fn statements(table: Table) -> &'static Statements {
    match table {
        Table::Meta => &const { statements!("meta") },
        Table::Card => &const { statements!("card") },
        Table::Part => &const { statements!("part") },
        Table::Record => &const { statements!("record") },
        Table::Envelope => &const { statements!("envelope") },
        Table::Waiting => &const { statements!("waiting") },
        Table::Blob => &const { statements!("blob", ") STRICT") },
        Table::Chunk => &const { statements!("chunk") },
        Table::Naming => &const { statements!("naming") },
    }
}

/// The table of the one row by which a key is known, apart from [`Table`] so that no caller can write to it.
pub(crate) fn key_check() -> &'static Statements {
    &const { statements!("key_check") }
}

/// Whether a table's values come sealed and are kept as they are.
pub(crate) fn comes_sealed(table: Table) -> bool {
    matches!(table, Table::Envelope | Table::Blob)
}

/// Bytes of the random nonce of a row.
pub(crate) const NONCE: usize = 24;

/// The row does not open under this key, in this table, at this row key.
pub(crate) struct Unopened;

/// Seals `plain` for the row `key` of the table called `name`: XChaCha20-Poly1305, aad = lv(context, name, key).
pub(crate) fn seal(
    store_key: &StoreKey,
    rng: &mut dyn CryptoRng,
    name: &str,
    key: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    seal_with(store_key, nonce, name, key, plain)
}

/// The same with a nonce that is used for nothing else.
pub(crate) fn seal_with(
    store_key: &StoreKey,
    nonce: [u8; NONCE],
    name: &str,
    key: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    seal_row(store_key, nonce, &aad(name, key), plain)
}

/// Opens what [`seal`] made for the same name and key.
pub(crate) fn open(
    store_key: &StoreKey,
    name: &str,
    key: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Unopened> {
    open_row(store_key, &aad(name, key), sealed).map_err(|_| Unopened)
}

fn aad(name: &str, key: &[u8]) -> Vec<u8> {
    lv::of(&[CONTEXT, name.as_bytes(), key])
}
