//! A file that is not ours, too open, cut short or changed gives an error that says so, and never wrong data.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use amends_store::{OpenError, Store, Table, VERSION, Write};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use support::*;

/// What the stores below hold: short rows, and some that span pages.
fn rows() -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let mut rows = Vec::new();
    for number in 0..60_u8 {
        let table = Table::ALL[usize::from(number) % Table::ALL.len()];
        let mut value = vec![0; if number % 10 == 9 { 6000 } else { 200 }];
        rng.fill_bytes(&mut value);
        rows.push((table, vec![number; 16], value));
    }
    rows
}

fn fill(store: &mut Store) {
    for (table, key, value) in rows() {
        store.commit(&[Write::Put { table, key, value }]).unwrap();
    }
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Whether a table's rows are kept as they come.
fn came_sealed(table: Table) -> bool {
    matches!(table, Table::Envelope | Table::Blob)
}

/// Whether all is as written. Panics where a sealed row gives other bytes than were written, or the store blames the key.
fn is_whole(path: &Path, what: &str) -> bool {
    let store = match try_open(path) {
        Ok(store) => store,
        Err(
            OpenError::Damaged(_)
            | OpenError::NotOurs(_)
            | OpenError::NewerVersion { .. }
            | OpenError::Unfinished(_),
        ) => {
            return false;
        }
        Err(other) => panic!("{what}: {other:?}"),
    };
    let mut whole = true;
    let written = rows();
    for (table, key, value) in &written {
        match store.get(*table, key) {
            Ok(Some(read)) if read == *value => {}
            Ok(Some(_)) if came_sealed(*table) => {} // its own seal speaks for it
            Ok(Some(_)) => panic!("{what}: wrong data"),
            Ok(None) if came_sealed(*table) => {}
            Ok(None) | Err(_) => whole = false,
        }
    }
    for table in Table::ALL.into_iter().filter(|table| !came_sealed(*table)) {
        match store.scan(table, b"", None, usize::MAX) {
            Err(_) => whole = false,
            Ok(read) => {
                for (key, value) in read {
                    assert!(
                        written.contains(&(table, key, value)),
                        "{what}: a row that nobody wrote"
                    );
                }
            }
        }
    }
    let report = store.check().unwrap();
    // The other direction need not hold: a page that no row uses can be damaged too.
    assert!(
        whole || !report.faults.is_empty(),
        "{what}: rows are missing and the check saw nothing"
    );
    whole && report.faults.is_empty()
}

#[test]
fn no_changed_byte_gives_wrong_data() {
    let (home, path) = home();
    let mut store = create(&path);
    fill(&mut store);
    store.close().unwrap();
    let good = fs::read(&path).unwrap();
    let changed = home.path().join("changed.db");
    let mut noticed = 0;
    // Each byte of the header and the beginnings of pages, where SQLite's structure is, and some of the rest.
    let places: Vec<_> = (0..good.len())
        .filter(|at| *at < 110 || at % 4096 < 8 || at % 331 == 0)
        .collect();
    for at in &places {
        let bits = if at % 2 == 0 { 0xff } else { 1 << (at % 8) };
        let mut bytes = good.clone();
        bytes[*at] ^= bits;
        write_private(&changed, &bytes);
        fs::remove_file(wal_of(&changed)).ok();
        noticed += usize::from(!is_whole(&changed, &format!("byte {at} ^ {bits:#04x}")));
    }
    write_private(&changed, &good);
    assert!(
        is_whole(&changed, "unchanged"),
        "the comparison itself can pass"
    );
    assert!(
        noticed > places.len() / 2,
        "most changes are noticed: {noticed} of {}",
        places.len()
    );
}

#[test]
fn a_changed_wal_gives_an_older_state_and_no_wrong_data() {
    let (home, path) = home();
    let mut store = create(&path);
    fill(&mut store);
    let (db, wal) = (fs::read(&path).unwrap(), fs::read(wal_of(&path)).unwrap());
    drop(store);
    let changed = home.path().join("changed.db");
    for at in (0..wal.len()).step_by(2999).chain(0..32) {
        let mut bytes = wal.clone();
        bytes[at] ^= 0x10;
        write_private(&changed, &db);
        write_private(&wal_of(&changed), &bytes);
        let store = match try_open(&changed) {
            Ok(store) => store,
            // The tables themselves are in the database already: creating ends with a checkpoint.
            Err(other) => panic!("byte {at}: {other:?}"),
        };
        let there: Vec<bool> = rows()
            .into_iter()
            .map(
                |(table, key, value)| match store.get(table, &key).unwrap() {
                    Some(read) => {
                        assert_eq!(read, value, "byte {at}");
                        true
                    }
                    None => false,
                },
            )
            .collect();
        assert!(
            there.is_sorted_by(|earlier, later| earlier >= later),
            "byte {at}: no gap, the end alone is missing"
        );
        assert_eq!(store.check().unwrap().faults, []);
    }
    write_private(&changed, &db);
    write_private(&wal_of(&changed), &wal);
    assert!(is_whole(&changed, "unchanged, with its WAL"));
}

#[test]
fn a_truncated_file_is_never_taken_for_whole() {
    let (home, path) = home();
    let mut store = create(&path);
    fill(&mut store);
    store.close().unwrap();
    let good = fs::read(&path).unwrap();
    let cut = home.path().join("cut.db");
    for length in (0..good.len()).filter(|length| length % 1024 < 2 || *length < 110) {
        write_private(&cut, &good[..length]);
        // Of the last page the end may be in no use: then nothing is missing.
        let whole = is_whole(&cut, &format!("cut to {length}"));
        assert!(
            !whole || length > good.len() - 4096,
            "cut to {length} of {}",
            good.len()
        );
    }
    write_private(&cut, b"");
    assert!(matches!(try_open(&cut), Err(OpenError::Unfinished(_))));
    write_private(&cut, &good[..50]);
    assert!(matches!(
        try_open(&cut),
        Err(OpenError::NotOurs(_) | OpenError::Damaged(_))
    ));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (home, path) = home();
    assert!(matches!(try_open(&path), Err(OpenError::NotFound(_))));
    assert_eq!(
        files_in(home.path()),
        Vec::<String>::new(),
        "looking makes nothing"
    );

    for foreign in [
        &b"Dear diary, this is a text file."[..],
        &[0; 5000],
        &[0xff; 64],
    ] {
        write_private(&path, foreign);
        assert!(matches!(try_open(&path), Err(OpenError::NotOurs(_))));
        assert_eq!(fs::read(&path).unwrap(), foreign);
    }

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE meta (key, value); PRAGMA user_version = 1;")
        .unwrap();
    other.close().unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(try_open(&path), Err(OpenError::NotOurs(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(files_in(home.path()), ["journal.db"]);
}

#[test]
fn a_file_that_others_may_reach_is_refused() {
    let (home, path) = home();
    let store = create(&path);
    let wal = fs::read(wal_of(&path)).unwrap_or_default();
    store.close().unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match try_open(&path) {
            Err(OpenError::TooOpen {
                mode: told,
                path: at,
            }) => assert_eq!((told, at), (mode, path.clone())),
            other => panic!("{mode:o}: {other:?}"),
        }
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();

    fs::write(wal_of(&path), &wal).unwrap();
    fs::set_permissions(wal_of(&path), Permissions::from_mode(0o644)).unwrap();
    match try_open(&path) {
        Err(OpenError::TooOpen { mode, path: at }) => {
            assert_eq!((mode, at), (0o644, wal_of(&path)))
        }
        other => panic!("{other:?}"),
    }
    fs::remove_file(wal_of(&path)).unwrap();

    let link = home.path().join("link.db");
    symlink(&path, &link).unwrap();
    assert!(matches!(try_open(&link), Err(OpenError::NotAFile(_))));
    assert!(matches!(try_open(home.path()), Err(OpenError::NotAFile(_))));
    open(&path);
}

#[test]
fn a_newer_store_is_left_as_it_is() {
    let (_home, path) = home();
    create(&path).close().unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    // Which has other tables, as every newer version does.
    raw.execute_batch("CREATE TABLE more (a)").unwrap();
    raw.pragma_update(None, "user_version", 9).unwrap();
    raw.close().unwrap();
    let before = fs::read(&path).unwrap();
    match try_open(&path) {
        Err(OpenError::NewerVersion { found, known }) => assert_eq!((found, known), (9, VERSION)),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn altered_tables_are_not_opened() {
    for alteration in [
        "CREATE TRIGGER t AFTER INSERT ON card BEGIN DELETE FROM part; END",
        "CREATE TABLE more (a)",
        "CREATE VIEW v AS SELECT * FROM card",
        "ALTER TABLE card ADD COLUMN more BLOB",
        "DROP TABLE waiting",
    ] {
        let (_home, path) = home();
        create(&path).close().unwrap();
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.execute_batch(alteration).unwrap();
        raw.close().unwrap();
        assert!(
            matches!(try_open(&path), Err(OpenError::Damaged(_))),
            "{alteration}"
        );
    }
}

#[test]
fn creating_never_takes_what_is_there() {
    let (home, path) = home();
    create(&path).close().unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        Store::create(&path, key(), rng()),
        Err(OpenError::Exists(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    fs::write(wal_of(&path), "left by another").unwrap();
    match Store::create(&path, key(), rng()) {
        Err(OpenError::Exists(at)) => assert_eq!(at, wal_of(&path)),
        other => panic!("{other:?}"),
    }
    assert_eq!(files_in(home.path()), ["journal.db-wal"]);

    let nowhere = home.path().join("missing").join("journal.db");
    assert!(matches!(
        Store::create(nowhere, key(), rng()),
        Err(OpenError::File { .. })
    ));
}

#[test]
fn a_creation_cut_short_is_told_as_such() {
    let (_home, path) = home();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "application_id", 0x414d_4e44)
        .unwrap();
    raw.close().unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(try_open(&path), Err(OpenError::Unfinished(_))));
}
