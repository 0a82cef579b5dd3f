//! What is written is read again, by its key and in order, and by nobody else.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use amends_store::{Fault, OpenError, ReadError, Store, Table, Write};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use support::*;

#[test]
fn a_committed_row_is_there_after_opening_again() {
    let (_home, path) = home();
    let mut store = create(&path);
    store
        .commit(&[
            Write::put(Table::Meta, b"name", b"Ana"),
            Write::put(Table::Envelope, b"1", b""),
        ])
        .unwrap();
    store
        .commit_volatile(&[Write::put(Table::Waiting, b"mark", b"applying")])
        .unwrap();
    store.close().unwrap();

    let store = open(&path);
    assert_eq!(
        store.get(Table::Meta, b"name").unwrap(),
        Some(b"Ana".to_vec())
    );
    assert_eq!(store.get(Table::Envelope, b"1").unwrap(), Some(vec![]));
    assert_eq!(
        store.get(Table::Waiting, b"mark").unwrap(),
        Some(b"applying".to_vec())
    );
    assert_eq!(store.get(Table::Meta, b"nam").unwrap(), None);
    assert_eq!(
        store.get(Table::Card, b"name").unwrap(),
        None,
        "each table is its own"
    );
}

#[test]
fn a_store_does_what_a_map_does() {
    let (_home, path) = home();
    let mut store = create(&path);
    let mut model: BTreeMap<(Table, Vec<u8>), Vec<u8>> = BTreeMap::new();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    for round in 0..120 {
        let mut writes = Vec::new();
        for _ in 0..rng.next_u32() % 5 {
            let table = Table::ALL[rng.next_u32() as usize % Table::ALL.len()];
            let mut key = vec![0; rng.next_u32() as usize % 4];
            rng.fill_bytes(&mut key);
            key.iter_mut().for_each(|byte| *byte &= 0x83);
            if rng.next_u32() % 4 == 0 {
                model.remove(&(table, key.clone()));
                writes.push(Write::Delete { table, key });
            } else {
                let length = if rng.next_u32() % 8 == 0 { 50_000 } else { 300 };
                let mut value = vec![0; rng.next_u32() as usize % length];
                rng.fill_bytes(&mut value);
                model.insert((table, key.clone()), value.clone());
                writes.push(Write::Put { table, key, value });
            }
        }
        if round % 3 == 0 {
            store.commit_volatile(&writes).unwrap();
        } else {
            store.commit(&writes).unwrap();
        }
        if round % 20 == 19 {
            store.close().unwrap();
            store = open(&path);
        }
        let table = Table::ALL[rng.next_u32() as usize % Table::ALL.len()];
        let from = vec![rng.next_u32() as u8 & 0x83];
        let to = vec![rng.next_u32() as u8];
        let limit = rng.next_u32() as usize % 6;
        let expected = |to: Option<&[u8]>, limit| -> Vec<(Vec<u8>, Vec<u8>)> {
            let rows = model.iter().filter(|((t, k), _)| {
                *t == table && *k >= from && to.is_none_or(|to| k.as_slice() < to)
            });
            rows.map(|((_, k), v)| (k.clone(), v.clone()))
                .take(limit)
                .collect()
        };
        assert_eq!(
            store.scan(table, &from, Some(&to), limit).unwrap(),
            expected(Some(&to), limit)
        );
        assert_eq!(
            store.scan(table, &from, None, usize::MAX).unwrap(),
            expected(None, usize::MAX)
        );
    }
    for table in Table::ALL {
        let all: Vec<_> = model
            .iter()
            .filter(|((t, _), _)| *t == table)
            .map(|((_, k), v)| (k.clone(), v.clone()))
            .collect();
        assert_eq!(store.scan(table, b"", None, usize::MAX).unwrap(), all);
    }
    assert_eq!(store.check().unwrap().faults, []);
    assert_eq!(store.check().unwrap().rows, model.len() as u64);
}

#[test]
fn later_writes_of_one_commit_win() {
    let (_home, path) = home();
    let mut store = create(&path);
    store
        .commit(&[
            Write::put(Table::Card, b"a", b"first"),
            Write::put(Table::Card, b"a", b"second"),
            Write::put(Table::Card, b"b", b"gone"),
            Write::delete(Table::Card, b"b"),
        ])
        .unwrap();
    assert_eq!(
        store.scan(Table::Card, b"", None, 9).unwrap(),
        [(b"a".to_vec(), b"second".to_vec())]
    );
}

#[test]
fn another_key_is_told_as_such() {
    let (_home, path) = home();
    create(&path).close().unwrap();
    let refused = Store::open(&path, another_key(), rng());
    assert!(matches!(refused, Err(OpenError::WrongKey)), "{refused:?}");

    let mut store = open(&path);
    store
        .commit(&[Write::put(Table::Card, b"a", b"words")])
        .unwrap();
    store.close().unwrap();
    let refused = Store::open(&path, another_key(), rng());
    assert!(matches!(refused, Err(OpenError::WrongKey)), "{refused:?}");
}

#[test]
fn a_damaged_check_row_is_not_a_wrong_key() {
    let (_home, path) = home();
    let mut store = create(&path);
    store
        .commit(&[Write::put(Table::Card, b"a", b"words")])
        .unwrap();
    store.close().unwrap();
    raw(&path)
        .execute("UPDATE key_check SET value = zeroblob(55)", [])
        .unwrap();

    let store = open(&path);
    assert_eq!(store.check().unwrap().faults, [Fault::KeyCheck]);
    assert!(matches!(
        Store::open(&path, another_key(), rng()),
        Err(OpenError::InUse)
    ));
    drop(store);
    assert!(matches!(
        Store::open(&path, another_key(), rng()),
        Err(OpenError::WrongKey)
    ));
}

#[test]
fn a_row_moved_to_another_key_or_table_does_not_open() {
    let (_home, path) = home();
    let mut store = create(&path);
    store
        .commit(&[
            Write::put(Table::Card, b"a", b"from Ana"),
            Write::put(Table::Card, b"b", b"from Bo"),
            Write::put(Table::Card, b"c", b"another"),
        ])
        .unwrap();
    store.close().unwrap();
    let raw = raw(&path);
    raw.execute(
        "UPDATE card SET value = (SELECT value FROM card WHERE key = x'62') WHERE key = x'61'",
        [],
    )
    .unwrap();
    raw.execute(
        "INSERT INTO part SELECT key, value FROM card WHERE key = x'62'",
        [],
    )
    .unwrap();
    raw.close().unwrap();

    let store = open(&path);
    let moved = |table, key: &[u8]| match store.get(table, key) {
        Err(ReadError::Row { table: t, key: k }) => t == table && k == key,
        other => panic!("{other:?}"),
    };
    assert!(moved(Table::Card, b"a"));
    assert!(moved(Table::Part, b"b"));
    assert_eq!(
        store.get(Table::Card, b"b").unwrap(),
        Some(b"from Bo".to_vec())
    );
    assert!(matches!(
        store.scan(Table::Card, b"", None, 9),
        Err(ReadError::Row { .. })
    ));
    assert_eq!(
        store.scan(Table::Card, b"a\0", None, 9).unwrap().len(),
        2,
        "a scan goes on behind the damaged row"
    );
    assert_eq!(
        store.check().unwrap().faults,
        [
            Fault::Row {
                table: Table::Card,
                key: b"a".to_vec()
            },
            Fault::Row {
                table: Table::Part,
                key: b"b".to_vec()
            }
        ]
    );
}

#[test]
fn words_are_found_in_no_file() {
    const WORDS: &[u8] = b"You can ask me to leave a party";
    const KEY: &[u8] = b"a-key-in-the-clear";
    let (home, path) = home();
    let everything = || {
        let files = files_in(home.path());
        files
            .into_iter()
            .flat_map(|file| fs::read(home.path().join(file)).unwrap())
            .collect::<Vec<u8>>()
    };
    let mut store = create(&path);
    let sealed = Table::ALL
        .into_iter()
        .filter(|table| !matches!(table, Table::Envelope | Table::Blob));
    let writes: Vec<_> = sealed.map(|table| Write::put(table, KEY, WORDS)).collect();
    store.commit(&writes).unwrap();
    store.commit_volatile(&writes).unwrap();
    assert_eq!(
        files_in(home.path()),
        ["journal.db", "journal.db-wal"],
        "exclusive locking makes no -shm"
    );
    for file in files_in(home.path()) {
        let mode = fs::metadata(home.path().join(&file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    assert!(
        contains(&everything(), KEY),
        "the search itself finds what is there"
    );
    assert!(!contains(&everything(), WORDS));
    store.close().unwrap();
    assert_eq!(files_in(home.path()), ["journal.db"]);
    assert!(contains(&everything(), KEY));
    assert!(!contains(&everything(), WORDS));
}

#[test]
fn what_is_deleted_is_gone_from_the_file() {
    let (_home, path) = home();
    let marker = [0xa5_u8; 3000];
    let mut store = create(&path);
    store
        .commit(&[Write::put(Table::Envelope, b"1", &marker)])
        .unwrap();
    store.close().unwrap();
    assert!(contains(&fs::read(&path).unwrap(), &marker[..100]));

    let mut store = open(&path);
    store
        .commit(&[Write::delete(Table::Envelope, b"1")])
        .unwrap();
    store.close().unwrap();
    assert!(!contains(&fs::read(&path).unwrap(), &marker[..100]));
}

#[test]
fn debug_shows_neither_key_nor_value() {
    let (_home, path) = home();
    let store = create(&path);
    assert_eq!(
        format!("{store:?}"),
        format!(
            "Store {{ path: Some({:?}), .. }}",
            path.canonicalize().unwrap()
        )
    );
    let writes = [
        Write::put(Table::Card, &[1, 0xab], b"words"),
        Write::delete(Table::Part, b""),
    ];
    assert_eq!(
        format!("{writes:?}"),
        "[Put { card 01ab, 5 bytes }, Delete { part  }]"
    );
}

/// Another program's hand on the closed file.
fn raw(path: &std::path::Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}
