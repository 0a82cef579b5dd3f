//! The tables, and the way from one version of them to the next.
//!
//! `user_version` is the number of the last migration that ran. Creating a store runs all of them on an empty file, so that there is one
//! description of the tables and not two. Opening one of an older version keeps a copy of it beside it, then runs what is missing in one
//! transaction.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, Transaction};

use crate::error::OpenError;
use crate::{Table, file, row};

/// One step: what to do inside the transaction to come from the version before.
pub(crate) type Migration = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// The first makes version 1 out of an empty file, the next version 2 out of 1, and so on. Only ever append.
pub(crate) const MIGRATIONS: &[Migration] = &[version_1, version_2];

/// The version of a store made or migrated by this code.
pub const VERSION: u32 = 2;
const _: () = assert!(VERSION as usize == MIGRATIONS.len());

fn version_1(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in [
        Table::Meta,
        Table::Card,
        Table::Part,
        Table::Record,
        Table::Envelope,
        Table::Waiting,
    ] {
        tx.execute_batch(row::statements(table).create)?;
    }
    tx.execute_batch(row::key_check().create)
}

/// Photos.
fn version_2(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in [Table::Blob, Table::Chunk, Table::Naming] {
        tx.execute_batch(row::statements(table).create)?;
    }
    Ok(())
}

/// The database's version, 0 where no migration has run.
///
/// # Errors
/// `InUse`, `Damaged` and whatever SQLite says at its first look into the file.
pub(crate) fn version(conn: &Connection) -> Result<u32, OpenError> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    u32::try_from(version).map_err(|_| OpenError::Damaged(format!("version {version}")))
}

/// A number that its tables do not have was changed on the disk: every migration alters the tables, so that they say of which
/// version they are. Without this, one bit more would be told as a store of a newer program, and one bit less would be
/// migrated again.
///
/// # Errors
/// `Damaged` where the tables are those of another version that is known here.
pub(crate) fn refuse_another_number(
    conn: &Connection,
    migrations: &[Migration],
    found: u32,
) -> Result<(), OpenError> {
    // The tables of its own version are compared next, as they are of every store.
    if usize::try_from(found).is_ok_and(|found| found == migrations.len()) {
        return Ok(());
    }
    let there = objects(conn)?;
    for (version, _) in (1_u32..)
        .zip(migrations)
        .filter(|(version, _)| *version != found)
    {
        if objects(&model(migrations, version)?)? == there {
            return Err(OpenError::Damaged(format!(
                "it says version {found}, and has the tables of version {version}"
            )));
        }
    }
    Ok(())
}

/// An empty store of this version, in memory.
fn model(migrations: &[Migration], version: u32) -> Result<Connection, OpenError> {
    let mut model = Connection::open_in_memory()?;
    let tx = model.transaction()?;
    let upto = usize::try_from(version).unwrap_or(usize::MAX);
    run(&tx, migrations.get(..upto).unwrap_or(migrations), 0)?;
    tx.commit()?;
    Ok(model)
}

/// Runs those of `migrations` that come after version `from`.
///
/// # Errors
/// What SQLite says; the caller drops the transaction.
pub(crate) fn run(
    tx: &Transaction<'_>,
    migrations: &[Migration],
    from: u32,
) -> rusqlite::Result<()> {
    for (to, migration) in (1_u32..).zip(migrations) {
        if to > from {
            migration(tx)?;
            tx.pragma_update(None, "user_version", to)?;
        }
    }
    Ok(())
}

/// Brings an existing database to the last of `migrations`, a copy kept first. Returns the copy's path where it was an older one.
///
/// # Errors
/// `NewerVersion`, `Unfinished`, `Copy`; where the migration itself fails the database stands as it was.
pub(crate) fn bring_up(
    conn: &mut Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<Option<PathBuf>, OpenError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found = version(conn)?;
    if found == 0 {
        return Err(OpenError::Unfinished(path.into()));
    }
    if found > known {
        return Err(OpenError::NewerVersion { found, known });
    }
    if found == known {
        return Ok(None);
    }
    let copy = keep_copy(conn, path, found)?;
    let tx = conn.transaction()?;
    run(&tx, migrations, found)?;
    tx.commit()?;
    // One copy is enough. What cannot be removed goes with the home.
    for older in 1..found {
        fs::remove_file(file::beside(path, &format!(".version-{older}"))).ok();
    }
    Ok(Some(copy))
}

/// Copies the database, its WAL included, to `<name>.version-<n>`, sealed rows as they are. A copy from an interrupted migration is replaced
/// once the new one is whole: the database is still of that version, so the new copy holds all that the old one did.
fn keep_copy(conn: &Connection, path: &Path, version: u32) -> Result<PathBuf, OpenError> {
    let failed = |detail: String| OpenError::Copy(detail);
    let unfinished = file::beside(path, ".copy-unfinished");
    file::remove_unfinished(&unfinished);
    file::create_private(&unfinished).map_err(|error| match error {
        OpenError::Full => OpenError::Full,
        other => failed(other.to_string()),
    })?;
    let copied = (|| {
        let mut to = Connection::open_with_flags(
            &unfinished,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let backup = Backup::new(conn, &mut to)?;
        // All pages in one step: nobody else may use the database meanwhile anyway.
        if backup.step(-1)? != rusqlite::backup::StepResult::Done {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                None,
            ));
        }
        drop(backup);
        to.close().map_err(|(_, error)| error)
    })();
    copied.map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => OpenError::Full,
        _ => failed(error.to_string()),
    })?;
    let kept = file::beside(path, &format!(".version-{version}"));
    fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, &kept))
        .map_err(|error| failed(error.to_string()))?;
    file::sync_folder(&kept)?;
    Ok(kept)
}

/// Compares the tables with ours: a file altered to hold triggers, views or other tables is not opened.
///
/// # Errors
/// `Damaged` where they differ.
pub(crate) fn verify(conn: &Connection) -> Result<(), OpenError> {
    must_be(conn, &ours())
}

fn must_be(conn: &Connection, wanted: &[Object]) -> Result<(), OpenError> {
    if objects(conn)? == wanted {
        Ok(())
    } else {
        Err(OpenError::Damaged("its tables are not ours".into()))
    }
}

/// As a row of `sqlite_schema`: type, name, the table that it belongs to, and the statement that made it.
type Object = (String, String, String, Option<String>);

fn objects(conn: &Connection) -> Result<Vec<Object>, OpenError> {
    let mut statement =
        conn.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What [`MIGRATIONS`] make, told without making it: every command opens two stores, and a third database in memory would
/// take as long as opening one.
fn ours() -> Vec<Object> {
    let mut all = vec![(
        "index".to_owned(),
        // SQLite's own, for the one table that has row numbers beside its key.
        "sqlite_autoindex_blob_1".to_owned(),
        Table::Blob.name().to_owned(),
        None,
    )];
    let tables = Table::ALL.into_iter().map(row::statements);
    for statements in tables.chain([row::key_check()]) {
        let (name, made) = (statements.name.to_owned(), statements.create.to_owned());
        all.push(("table".to_owned(), name.clone(), name, Some(made)));
    }
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, Write};
    use amends_keys::seal::StoreKey;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use std::os::unix::fs::PermissionsExt;

    fn to_next(tx: &Transaction<'_>) -> rusqlite::Result<()> {
        tx.execute_batch("CREATE TABLE added (key BLOB NOT NULL PRIMARY KEY) STRICT")
    }

    fn breaks(tx: &Transaction<'_>) -> rusqlite::Result<()> {
        to_next(tx)?;
        tx.execute_batch("INSERT INTO no_such_table VALUES (1)")
    }

    fn made_by(migrations: &[Migration]) -> Vec<Object> {
        let known = u32::try_from(migrations.len()).unwrap();
        objects(&model(migrations, known).unwrap()).unwrap()
    }

    #[test]
    fn our_tables_are_those_that_the_migrations_make() {
        assert_eq!(ours(), made_by(MIGRATIONS));
    }

    fn open(path: &Path) -> Result<Store, OpenError> {
        Store::open(
            path,
            StoreKey::from_bytes(&[7; 32]),
            Box::new(ChaCha20Rng::from_seed([1; 32])),
        )
    }

    fn filled() -> (tempfile::TempDir, PathBuf, Store) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("journal.db");
        let key = StoreKey::from_bytes(&[7; 32]);
        let mut store =
            Store::create(&path, key, Box::new(ChaCha20Rng::from_seed([1; 32]))).unwrap();
        store
            .commit(&[Write::put(Table::Card, b"a", &[9; 20_000])])
            .unwrap();
        (home, path, store)
    }

    #[test]
    fn a_migration_keeps_a_copy_that_opens() {
        let (_home, path, mut store) = filled();
        let migrations: &[Migration] = &[MIGRATIONS, &[to_next]].concat();
        // A former attempt was interrupted.
        fs::write(file::beside(&path, ".copy-unfinished"), "half").unwrap();
        fs::write(file::beside(&path, &format!(".version-{VERSION}")), "older").unwrap();

        let copy = bring_up(&mut store.conn, &path, migrations)
            .unwrap()
            .unwrap();
        assert_eq!(version(&store.conn).unwrap(), VERSION + 1);
        must_be(&store.conn, &made_by(migrations)).unwrap();
        assert!(verify(&store.conn).is_err());
        assert_eq!(store.get(Table::Card, b"a").unwrap(), Some(vec![9; 20_000]));
        assert!(
            bring_up(&mut store.conn, &path, migrations)
                .unwrap()
                .is_none(),
            "once"
        );
        store.close().unwrap();
        assert!(matches!(
            open(&path),
            Err(OpenError::NewerVersion {
                found,
                known: VERSION
            }) if found == VERSION + 1
        ));

        assert_eq!(copy, file::beside(&path, &format!(".version-{VERSION}")));
        assert_eq!(
            fs::metadata(&copy).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert!(!file::beside(&path, ".copy-unfinished").exists());
        let copy = open(&copy).unwrap();
        assert_eq!(copy.get(Table::Card, b"a").unwrap(), Some(vec![9; 20_000]));
    }

    #[test]
    fn every_migration_alters_the_tables_so_that_they_say_of_which_version_they_are() {
        let of = |version| objects(&model(MIGRATIONS, version).unwrap()).unwrap();
        let all: Vec<_> = (0..=VERSION).map(of).collect();
        for (at, tables) in all.iter().enumerate() {
            assert!(!all[..at].contains(tables), "version {at}");
        }
    }

    #[test]
    fn a_number_that_its_tables_do_not_have_is_damage_and_changes_nothing() {
        let (home, path, store) = filled();
        store.close().unwrap();
        for number in (0..VERSION).chain([VERSION + 1, 67, 1 << 24, u32::MAX >> 1]) {
            let raw = Connection::open(&path).unwrap();
            raw.pragma_update(None, "user_version", number).unwrap();
            raw.close().unwrap();
            let before = fs::read(&path).unwrap();
            let opened = open(&path);
            assert!(
                matches!(opened, Err(OpenError::Damaged(_))),
                "{number}: {opened:?}"
            );
            assert_eq!(fs::read(&path).unwrap(), before, "{number}");
            let files = fs::read_dir(home.path()).unwrap().count();
            assert_eq!(files, 1, "{number}: no copy is kept of it");
        }
    }

    #[test]
    fn a_migration_removes_the_copies_of_versions_before_the_last() {
        let (_home, path, mut store) = filled();
        let copy_of = |version: u32| file::beside(&path, &format!(".version-{version}"));
        fs::write(copy_of(1), "older").unwrap();
        let broken: &[Migration] = &[MIGRATIONS, &[breaks]].concat();
        assert!(bring_up(&mut store.conn, &path, broken).is_err());
        assert!(copy_of(1).exists(), "only one that went well");
        bring_up(&mut store.conn, &path, &[MIGRATIONS, &[to_next]].concat()).unwrap();
        assert!(!copy_of(1).exists() && copy_of(VERSION).exists());
    }

    #[test]
    fn a_migration_that_fails_leaves_the_store_as_it_was() {
        let (_home, path, mut store) = filled();
        assert!(bring_up(&mut store.conn, &path, &[MIGRATIONS, &[breaks]].concat()).is_err());
        assert_eq!(version(&store.conn).unwrap(), VERSION);
        verify(&store.conn).unwrap();
        drop(store);
        assert_eq!(
            open(&path).unwrap().get(Table::Card, b"a").unwrap(),
            Some(vec![9; 20_000])
        );
    }

    /// A store as the program made it before there were photos.
    #[test]
    fn a_store_of_version_1_gets_the_tables_for_photos() {
        let (_home, path, store) = filled();
        for table in [Table::Blob, Table::Chunk, Table::Naming] {
            store
                .conn
                .execute_batch(&format!("DROP TABLE {}", table.name()))
                .unwrap();
        }
        store.conn.pragma_update(None, "user_version", 1).unwrap();
        store.close().unwrap();

        let mut store = open(&path).unwrap();
        assert_eq!(version(&store.conn).unwrap(), 2);
        assert_eq!(store.get(Table::Card, b"a").unwrap(), Some(vec![9; 20_000]));
        store
            .commit(&[Write::put(Table::Blob, b"name", &[3; 131_150])])
            .unwrap();
        store.close().unwrap();
        let store = open(&path).unwrap();
        assert_eq!(
            store.get(Table::Blob, b"name").unwrap(),
            Some(vec![3; 131_150])
        );
        store.close().unwrap();
        // The copy is the store of before, and opens by the same way.
        let copy = file::beside(&path, ".version-1");
        let copy = open(&copy).unwrap();
        assert_eq!(copy.get(Table::Card, b"a").unwrap(), Some(vec![9; 20_000]));
        assert_eq!(copy.get(Table::Blob, b"name").unwrap(), None);
    }
}
