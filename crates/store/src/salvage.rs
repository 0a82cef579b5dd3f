//! What can still be read of a damaged store, written into a new one, for `amends doctor --repair`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use amends_keys::seal::StoreKey;
use rand_core::CryptoRng;
use rusqlite::{Connection, params};

use crate::error::{CommitError, OpenError};
use crate::store::connect;
use crate::{Store, Table, Write, file, row, schema};

/// Rows of one commit, and their bytes.
const ROWS: usize = 512;
const BYTES: usize = 4 << 20;
/// Every store has pages of this size: SQLite's own default, which no store was made without.
const PAGE: usize = 4096;
/// Where the number of pages stands in the header (SQLite file format, section 1.3).
const PAGES_AT: u64 = 28;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Rows that are in the new store.
    pub rows: u64,
    /// Rows whose keys are known and that do not open.
    pub lost: Vec<(Table, Vec<u8>)>,
    /// Tables of which a stretch of rows could not be reached, so that not even their keys are known.
    pub torn: Vec<Table>,
}

impl Store {
    /// Reads what can be read of the store at `damaged`, and makes a new one of it at `to`, where nothing may be. Rows are proved by their
    /// seals, so that nothing comes into the new store that was not written into the old one by whoever has the key; envelopes
    /// and chunks of photos, which others sealed, come as they are.
    ///
    /// `damaged` is to be a copy, for SQLite moves a `-wal` beside it into it, and its first page is written anew where it is
    /// not legible. Nobody may have it open.
    ///
    /// # Errors
    /// Where the new store cannot be made; where none of the rows could be read, [`OpenError::WrongKey`].
    pub fn salvage(
        damaged: impl AsRef<Path>,
        to: impl AsRef<Path>,
        key: impl Fn() -> StoreKey,
        mut rng: impl FnMut() -> Box<dyn CryptoRng + Send>,
    ) -> Result<(Store, Salvaged), OpenError> {
        let (damaged, to) = (damaged.as_ref(), to.as_ref());
        let (mut store, mut salvaged) = read_into(damaged, to, &key, &mut rng)?;
        if !salvaged.lost.is_empty() || !salvaged.torn.is_empty() || salvaged.rows == 0 {
            // The page that says how to read all others may be the one that is damaged. In every store it says the same.
            let second = file::beside(to, SECOND);
            file::remove_unfinished(&second);
            close(store)?;
            put_first_page(damaged, &first_page(to)?)?;
            store = Store::open(to, key(), rng())?;
            let (again, more) = read_into(damaged, &second, &key, &mut rng)?;
            close(again)?;
            if more.rows > salvaged.rows {
                close(store)?;
                fs::rename(&second, to).map_err(|error| file_error(to, error))?;
                store = Store::open(to, key(), rng())?;
                salvaged = more;
            } else {
                file::remove_unfinished(&second);
            }
        }
        if salvaged.rows == 0 {
            drop(store);
            file::remove_unfinished(to);
            return Err(OpenError::WrongKey);
        }
        Ok((store, salvaged))
    }
}

/// What is read a second time lies here until it is known to be more.
const SECOND: &str = ".second";

fn close(store: Store) -> Result<(), OpenError> {
    store
        .close()
        .map_err(|error| OpenError::Failed(error.to_string()))
}

fn file_error(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::File {
        path: path.into(),
        source,
    }
}

fn first_page(path: &Path) -> Result<Vec<u8>, OpenError> {
    let mut page = vec![0; PAGE];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut page))
        .map_err(|error| file_error(path, error))?;
    Ok(page)
}

/// Puts the first page of a new store in the place of that of a damaged one, which keeps its number of pages.
fn put_first_page(path: &Path, page: &[u8]) -> Result<(), OpenError> {
    let put = || {
        let len = fs::metadata(path)?.len();
        let pages = u32::try_from(len.div_ceil(PAGE as u64)).unwrap_or(u32::MAX);
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.write_all(page)?;
        file.write_all_at(&pages.to_be_bytes(), PAGES_AT)
    };
    put().map_err(|error| file_error(path, error))
}

/// Reads every row that opens into a new store.
fn read_into(
    damaged: &Path,
    to: &Path,
    key: &impl Fn() -> StoreKey,
    rng: &mut impl FnMut() -> Box<dyn CryptoRng + Send>,
) -> Result<(Store, Salvaged), OpenError> {
    let mut store = Store::create(to, key(), rng())?;
    let mut salvaged = Salvaged::default();
    let Ok(conn) = connect(damaged) else {
        return Ok((store, salvaged));
    };
    for table in Table::ALL {
        let (keys, whole) = keys_of(&conn, table);
        if !whole && has_table(&conn, table) {
            salvaged.torn.push(table);
        }
        let (mut writes, mut bytes) = (Vec::new(), 0);
        for key in keys {
            let found = conn.query_row(row::statements(table).get, params![key], |found| {
                Ok(store.opened(table, &key, found.get_ref(0)?))
            });
            let Ok(Ok(value)) = found else {
                salvaged.lost.push((table, key));
                continue;
            };
            salvaged.rows = salvaged.rows.saturating_add(1);
            bytes += value.len();
            writes.push(Write::Put { table, key, value });
            if writes.len() >= ROWS || bytes >= BYTES {
                commit(&mut store, &std::mem::take(&mut writes))?;
                bytes = 0;
            }
        }
        commit(&mut store, &writes)?;
    }
    Ok((store, salvaged))
}

fn commit(store: &mut Store, writes: &[Write]) -> Result<(), OpenError> {
    store.commit(writes).map_err(|error| match error {
        CommitError::Full => OpenError::Full,
        other => OpenError::Failed(other.to_string()),
    })
}

/// Whether the store is of a version that has this table, as far as that can be read.
fn has_table(conn: &Connection, table: Table) -> bool {
    let old = schema::version(conn).is_ok_and(|version| version == 1);
    !(old && matches!(table, Table::Blob | Table::Chunk | Table::Naming))
}

/// The keys of a table, from its beginning as far as they can be reached, and from its end; and whether those are all.
fn keys_of(conn: &Connection, table: Table) -> (BTreeSet<Vec<u8>>, bool) {
    let mut keys = BTreeSet::new();
    let whole = walk(conn, table, "ASC", &mut keys);
    if !whole {
        walk(conn, table, "DESC", &mut keys);
    }
    (keys, whole)
}

fn walk(conn: &Connection, table: Table, order: &str, keys: &mut BTreeSet<Vec<u8>>) -> bool {
    let name = table.name();
    let Ok(mut statement) = conn.prepare(&format!("SELECT key FROM {name} ORDER BY key {order}"))
    else {
        return false;
    };
    let Ok(mut rows) = statement.query([]) else {
        return false;
    };
    loop {
        match rows.next() {
            Ok(None) => return true,
            Err(_) => return false,
            Ok(Some(found)) => {
                // What is no key of bytes is no row of ours.
                if let Ok(key) = found.get::<_, Vec<u8>>(0)
                    && !keys.insert(key)
                    && order == "DESC"
                {
                    return false;
                }
            }
        }
    }
}
