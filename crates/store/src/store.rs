//! The store itself.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use amends_keys::seal::StoreKey;
use rand_core::CryptoRng;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{
    CachedStatement, Connection, OpenFlags, OptionalExtension, TransactionBehavior, params,
};
use zeroize::Zeroizing;

use crate::error::{CloseError, CommitError, OpenError, ReadError};
use crate::row::{self, Statements};
use crate::schema::{self, MIGRATIONS};
use crate::{Row, Table, Write, file};

/// The one row of `key_check`, and what its seal holds.
pub(crate) const CHECK_KEY: &[u8] = b"key";
const CHECK_VALUE: &[u8] = b"amends/store/v1";

/// How long SQLite tries again where the file is locked. One process owns a store, so this only covers one that is just leaving.
const PATIENCE: Duration = Duration::from_millis(250);

/// What the WAL is cut down to after it was longer.
const WAL_LIMIT: i64 = 4 << 20;

/// Statements kept compiled: five for each of nine tables.
const STATEMENTS: usize = 48;

/// How hard a commit pushes to the disk. Not SQLite's `OFF` for the second: a checkpoint may fall into any commit, and with `OFF` it would
/// overwrite the database from a WAL that is not on the disk yet, so that a power cut could take *older* commits with it. `NORMAL` syncs
/// nothing at a commit and everything at a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    Full,
    Normal,
}

/// One open file of sealed rows. See the [crate] for what it promises.
pub struct Store {
    pub(crate) conn: Connection,
    pub(crate) key: StoreKey,
    rng: Box<dyn CryptoRng + Send>,
    sync: Sync,
    each: Each,
}

/// Does the jobs of all numbers below the first argument, in any order and at once where it can, each once, and comes back when all are
/// done.
pub type Each = fn(usize, &(dyn Fn(usize) + std::marker::Sync));

/// One after the other.
fn in_turn(count: usize, job: &(dyn Fn(usize) + std::marker::Sync)) {
    (0..count).for_each(job);
}

impl Store {
    /// Makes a new store at `path`, mode 0600 from its first byte, sealed under `key`. `rng` gives the nonces of this and every later row.
    ///
    /// # Errors
    /// [`OpenError::Exists`] where anything is there already, [`OpenError::Full`], [`OpenError::ReadOnly`], [`OpenError::File`], [`OpenError::Failed`]. What it made
    /// is taken away again.
    pub fn create(
        path: impl AsRef<Path>,
        key: StoreKey,
        rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Store, OpenError> {
        let path = path.as_ref();
        file::create_private(path)?;
        let made =
            Store::fill(path, key, rng).and_then(|store| file::sync_folder(path).map(|()| store));
        if made.is_err() {
            file::remove_unfinished(path);
        }
        made
    }

    /// Turns the empty file at `path` into a store.
    fn fill(
        path: &Path,
        key: StoreKey,
        mut rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Store, OpenError> {
        let mut conn = connect(path)?;
        // Before all else and outside the WAL, so that a creation cut short is known as ours.
        conn.pragma_update(None, "application_id", file::APPLICATION_ID)?;
        use_wal(&conn)?;
        let check = row::key_check();
        let sealed = row::seal(&key, &mut *rng, check.name, CHECK_KEY, CHECK_VALUE);
        let tx = conn.transaction()?;
        schema::run(&tx, MIGRATIONS, 0)?;
        tx.execute(check.put, params![CHECK_KEY, sealed])?;
        tx.commit()?;
        checkpoint(&conn)?;
        Ok(Store {
            conn,
            key,
            rng,
            sync: Sync::Full,
            each: in_turn,
        })
    }

    /// Opens the store at `path`. One of an older version is migrated, with a copy kept beside it as `<name>.version-<n>`.
    ///
    /// # Errors
    /// Every variant of [`OpenError`] but `Exists`. A file that is not ours, too open, or newer is left as it was.
    pub fn open(
        path: impl AsRef<Path>,
        key: StoreKey,
        rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Store, OpenError> {
        let path = path.as_ref();
        file::inspect(path)?;
        let mut conn = connect(path)?;
        let found = schema::version(&conn)?;
        schema::refuse_another_number(&conn, MIGRATIONS, found)?;
        if found > schema::VERSION {
            return Err(OpenError::NewerVersion {
                found,
                known: schema::VERSION,
            });
        }
        if conn.is_readonly("main")? {
            return Err(OpenError::ReadOnly);
        }
        use_wal(&conn)?;
        schema::bring_up(&mut conn, path, MIGRATIONS)?;
        schema::verify(&conn)?;
        let store = Store {
            conn,
            key,
            rng,
            sync: Sync::Full,
            each: in_turn,
        };
        store.refuse_wrong_key()?;
        Ok(store)
    }

    /// The key is right if it opens the check row, or, should that one row be damaged, any of a few others: a bad byte there must not
    /// cost a person the whole store, nor be told as a wrong passphrase. [`Store::check`] names the damaged row.
    fn refuse_wrong_key(&self) -> Result<(), OpenError> {
        const TRIED: usize = 8;
        let sealed = Table::ALL
            .into_iter()
            .filter(|table| !row::comes_sealed(*table))
            .map(row::statements);
        let mut any = false;
        for statements in std::iter::once(row::key_check()).chain(sealed) {
            let mut rows = self.conn.prepare_cached(statements.scan_from)?;
            let mut rows = rows.query(params![&b""[..], as_limit(TRIED)])?;
            while let Some(found) = rows.next()? {
                any = true;
                let (key, value) = (
                    found.get_ref(0)?.as_blob().ok(),
                    found.get_ref(1)?.as_blob().ok(),
                );
                if let (Some(key), Some(value)) = (key, value)
                    && let Ok(opened) = row::open(&self.key, statements.name, key, value)
                {
                    // Other keys may stand in it.
                    drop(Zeroizing::new(opened));
                    return Ok(());
                }
            }
        }
        Err(if any {
            OpenError::WrongKey
        } else {
            OpenError::Damaged("the row that knows its key is gone".into())
        })
    }

    /// Writes all of `writes` or none, in one transaction; on the disk when it returns.
    ///
    /// # Errors
    /// See [`CommitError`]. After one, nothing of it is seen by [`get`](Store::get) or [`scan`](Store::scan), and the store goes on.
    pub fn commit(&mut self, writes: &[Write]) -> Result<(), CommitError> {
        self.set_sync(Sync::Full)?;
        self.transact(writes)
    }

    /// As [`commit`](Store::commit), but without waiting for the disk: it outlives this process, not a power cut (`docs/PROTOCOL.md` section 6, step 6). It
    /// never costs an earlier commit anything, and the next [`commit`](Store::commit) makes it durable too.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit_volatile(&mut self, writes: &[Write]) -> Result<(), CommitError> {
        self.set_sync(Sync::Normal)?;
        let done = self.transact(writes);
        // Should this fail, `sync` still says `Normal` and the next commit sets it before it writes.
        self.set_sync(Sync::Full)?;
        done
    }

    fn set_sync(&mut self, sync: Sync) -> Result<(), CommitError> {
        if self.sync != sync {
            let level = match sync {
                Sync::Full => "FULL",
                Sync::Normal => "NORMAL",
            };
            self.conn.pragma_update(None, "synchronous", level)?;
            self.sync = sync;
        }
        Ok(())
    }

    /// From now on rows are sealed by whoever does jobs so, before their transaction begins.
    pub fn work_with(&mut self, each: Each) {
        self.each = each;
    }

    /// For each write its value as it goes to the disk; empty where it comes sealed, and where it puts nothing.
    fn sealed(&mut self, writes: &[Write]) -> Vec<OnceLock<Vec<u8>>> {
        let mut nonces = vec![[0; row::NONCE]; writes.len()];
        self.rng.fill_bytes(nonces.as_flattened_mut());
        let sealed: Vec<OnceLock<Vec<u8>>> = writes.iter().map(|_| OnceLock::new()).collect();
        let store_key = &self.key;
        (self.each)(writes.len(), &|at| {
            if let (Some(Write::Put { table, key, value }), Some(nonce), Some(place)) =
                (writes.get(at), nonces.get(at), sealed.get(at))
                && !row::comes_sealed(*table)
            {
                let name = row::statements(*table).name;
                place.get_or_init(|| row::seal_with(store_key, *nonce, name, key, value));
            }
        });
        sealed
    }

    fn transact(&mut self, writes: &[Write]) -> Result<(), CommitError> {
        let sealed = self.sealed(writes);
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (write, sealed) in writes.iter().zip(&sealed) {
            match write {
                Write::Put { table, key, value } => {
                    let value = sealed.get().unwrap_or(value);
                    tx.prepare_cached(row::statements(*table).put)?
                        .execute(params![key, value])?;
                }
                Write::Delete { table, key } => {
                    tx.prepare_cached(row::statements(*table).delete)?
                        .execute(params![key])?;
                }
            }
        }
        Ok(tx.commit()?)
    }

    /// The value at `key`, opened; `None` where there is no such row.
    ///
    /// # Errors
    /// [`ReadError::Row`] where it does not open; the others where the database cannot be read.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let mut get = self.conn.prepare_cached(row::statements(table).get)?;
        let found = get
            .query_row(params![key], |found| {
                Ok(self.opened(table, key, found.get_ref(0)?))
            })
            .optional()?;
        found.transpose()
    }

    /// At most `limit` rows with keys from `from` (inclusive) to `to` (exclusive; `None` for the table's end), in the keys' byte order,
    /// opened.
    ///
    /// # Errors
    /// [`ReadError::Row`] at the first row that does not open: to go on behind it, scan again from its key with a zero byte appended.
    pub fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, ReadError> {
        let Statements {
            scan_from,
            scan_between,
            ..
        } = row::statements(table);
        let mut statement: CachedStatement<'_>;
        let mut rows = match to {
            None => {
                statement = self.conn.prepare_cached(scan_from)?;
                statement.query(params![from, as_limit(limit)])?
            }
            Some(to) => {
                statement = self.conn.prepare_cached(scan_between)?;
                statement.query(params![from, as_limit(limit), to])?
            }
        };
        let mut all = Vec::new();
        while let Some(found) = rows.next()? {
            let key = found
                .get_ref(0)?
                .as_blob()
                .map_err(|_| ReadError::Damaged(format!("a key of {table} is not bytes")))?;
            all.push((key.to_vec(), self.opened(table, key, found.get_ref(1)?)?));
        }
        Ok(all)
    }

    /// The plain value of a row as SQLite holds it.
    pub(crate) fn opened(
        &self,
        table: Table,
        key: &[u8],
        value: ValueRef<'_>,
    ) -> Result<Vec<u8>, ReadError> {
        let damaged = || ReadError::Row {
            table,
            key: key.to_vec(),
        };
        let value = value.as_blob().map_err(|_| damaged())?;
        if row::comes_sealed(table) {
            return Ok(value.to_vec());
        }
        row::open(&self.key, table.name(), key, value).map_err(|_| damaged())
    }

    /// The whole database as it is now, as the bytes of a file that [`Store::open`] opens: what was committed, the `-wal` beside it
    /// included, and its rows sealed as they are.
    ///
    /// # Errors
    /// Where the database cannot be read, or there is no memory for it.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, ReadError> {
        Ok(self.conn.serialize("main")?.to_vec())
    }

    /// Moves the WAL into the database, takes it away, and lets go of the file. Dropping a store does the same without saying whether it
    /// went well.
    ///
    /// # Errors
    /// See [`CloseError`]: nothing that was committed is lost by it.
    pub fn close(self) -> Result<(), CloseError> {
        let moved = checkpoint(&self.conn);
        let closed = self.conn.close().map_err(|(_, error)| error);
        Ok(moved.and(closed)?)
    }
}

/// Leaves the key and the random generator out.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.conn.path())
            .finish_non_exhaustive()
    }
}

/// SQLite reads a limit as i64, where a negative one means none.
fn as_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Opens a connection and sets what holds for it alone. Nothing is read yet, and nothing written.
pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    // No CREATE: the file is there. No URI: a path is a path, whatever its name holds.
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // The file may have been written by somebody else: nothing in it is run, and no statement of ours can bend its schema.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    for (pragma, value) in [
        // Before the first look into a WAL database: then the index of the WAL is in memory and no -shm is made.
        ("locking_mode", "EXCLUSIVE"),
        ("synchronous", "FULL"),
        // macOS: fsync alone does not reach the disk there. No effect elsewhere.
        ("fullfsync", "ON"),
        ("checkpoint_fullfsync", "ON"),
        // What is deleted is overwritten with zeros. The rows are sealed, but a key may be stolen later.
        ("secure_delete", "ON"),
        ("temp_store", "MEMORY"),
        // A file that shrinks under a memory map kills the process.
        ("mmap_size", "0"),
        ("cell_size_check", "ON"),
    ] {
        set(&conn, pragma, value)?;
    }
    set(&conn, "journal_size_limit", &WAL_LIMIT.to_string())?;
    Ok(conn)
}

/// Sets a pragma, whether or not it answers with a row.
fn set(conn: &Connection, pragma: &str, value: &str) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(&format!("PRAGMA {pragma} = {value}"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Puts the database into WAL mode, where it stays.
fn use_wal(conn: &Connection) -> Result<(), OpenError> {
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("wal") {
        Ok(())
    } else {
        Err(OpenError::Failed(format!(
            "journal mode is {mode}, not wal"
        )))
    }
}

/// Moves all of the WAL into the database and cuts it to nothing.
fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn store() -> (tempfile::TempDir, Store) {
        let home = tempfile::tempdir().unwrap();
        let rng = Box::new(ChaCha20Rng::from_seed([1; 32]));
        let store = Store::create(
            home.path().join("journal.db"),
            StoreKey::from_bytes(&[7; 32]),
            rng,
        )
        .unwrap();
        (home, store)
    }

    fn pragma(store: &Store, name: &str) -> String {
        let value = store
            .conn
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .unwrap();
        match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_settings_hold_after_creating_and_opening() {
        let (home, store) = store();
        let path = home.path().join("journal.db");
        let expected = [
            ("journal_mode", "wal"),
            ("locking_mode", "exclusive"),
            ("synchronous", "2"),
            ("fullfsync", "1"),
            ("checkpoint_fullfsync", "1"),
            ("secure_delete", "1"),
            ("temp_store", "2"),
            ("cell_size_check", "1"),
            ("trusted_schema", "0"),
            ("application_id", "1095585348"),
            ("user_version", "2"),
        ];
        let settings = |store: &Store| expected.map(|(name, _)| (name, pragma(store, name)));
        assert_eq!(
            settings(&store),
            expected.map(|(name, value)| (name, value.to_owned()))
        );
        store.close().unwrap();
        let rng = Box::new(ChaCha20Rng::from_seed([2; 32]));
        let store = Store::open(&path, StoreKey::from_bytes(&[7; 32]), rng).unwrap();
        assert_eq!(
            settings(&store),
            expected.map(|(name, value)| (name, value.to_owned()))
        );
    }

    #[test]
    fn a_commit_out_of_room_applies_nothing_and_the_store_goes_on() {
        let (_home, mut store) = store();
        store
            .commit(&[Write::put(Table::Card, b"a", b"kept")])
            .unwrap();
        let pages: i64 = store
            .conn
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let set_limit = |store: &Store, pages: i64| {
            set(&store.conn, "max_page_count", &pages.to_string()).unwrap()
        };
        set_limit(&store, pages + 2);
        let too_much = [
            Write::put(Table::Card, b"a", b"changed"),
            Write::put(Table::Meta, b"b", &[1; 100_000]),
        ];
        for _ in 0..3 {
            assert!(matches!(store.commit(&too_much), Err(CommitError::Full)));
            assert!(matches!(
                store.commit_volatile(&too_much),
                Err(CommitError::Full)
            ));
            assert_eq!(
                pragma(&store, "synchronous"),
                "2",
                "FULL again, also after an error"
            );
            assert_eq!(
                store.get(Table::Card, b"a").unwrap(),
                Some(b"kept".to_vec())
            );
            assert_eq!(store.get(Table::Meta, b"b").unwrap(), None);
        }
        store
            .commit(&[Write::put(Table::Card, b"c", b"small")])
            .unwrap();
        set_limit(&store, 1_000_000);
        store.commit(&too_much).unwrap();
        assert_eq!(
            store.get(Table::Card, b"a").unwrap(),
            Some(b"changed".to_vec())
        );
    }

    #[test]
    fn rows_that_many_seal_at_once_are_those_that_were_given() {
        fn many(count: usize, job: &(dyn Fn(usize) + std::marker::Sync)) {
            std::thread::scope(|scope| {
                for at in (0..count).rev() {
                    scope.spawn(move || job(at));
                }
            });
        }
        let (_home, mut store) = store();
        store.work_with(many);
        let rows: Vec<Write> = (0..40)
            .map(|n| {
                // As it came, and sealed; of each key, the later one.
                let table = [Table::Card, Table::Envelope][usize::from(n % 4 == 0)];
                Write::put(table, &[n / 2], &[n; 100])
            })
            .chain([Write::delete(Table::Card, &[7])])
            .collect();
        store.commit(&rows).unwrap();
        for key in 0..20 {
            let held = store.get(Table::Card, &[key]).unwrap();
            let given = (key != 7).then(|| vec![key * 2 + 1; 100]);
            assert_eq!(held, given, "{key}");
        }
        let sealed = |table: &str| -> Vec<Vec<u8>> {
            let mut all = store
                .conn
                .prepare(&format!("SELECT value FROM {table}"))
                .unwrap();
            let all = all.query_map([], |row| row.get(0)).unwrap();
            all.collect::<Result<_, _>>().unwrap()
        };
        assert!(sealed("envelope").iter().all(|row| row.len() == 100));
        let mut nonces: Vec<Vec<u8>> = sealed("card")
            .iter()
            .map(|row| row[..24].to_vec())
            .collect();
        nonces.sort();
        nonces.dedup();
        assert_eq!(nonces.len(), 19, "no nonce twice");
    }

    #[test]
    fn two_seals_of_one_value_share_no_bytes() {
        let (_home, mut store) = store();
        let raw = |store: &Store| -> Vec<u8> {
            store
                .conn
                .query_row("SELECT value FROM card", [], |row| row.get(0))
                .unwrap()
        };
        store
            .commit(&[Write::put(Table::Card, b"a", &[5; 64])])
            .unwrap();
        let first = raw(&store);
        store
            .commit(&[Write::put(Table::Card, b"a", &[5; 64])])
            .unwrap();
        let second = raw(&store);
        assert_ne!(first[..24], second[..24], "the nonce is fresh");
        assert_ne!(first[24..], second[24..]);
    }
}
