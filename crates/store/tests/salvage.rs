//! What can be read of a store with a changed byte anywhere comes into a new one, and nothing else does.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use amends_store::{OpenError, Salvaged, Store, Table, Write};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use support::*;

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// Rows of every table: enough of each for several pages, some longer than a page.
fn rows() -> Rows {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let mut rows = Rows::new();
    for number in 0..240_u16 {
        let table = Table::ALL[usize::from(number) % Table::ALL.len()];
        let mut value = vec![0; if number % 40 == 39 { 6000 } else { 300 }];
        rng.fill_bytes(&mut value);
        rows.insert((table, number.to_be_bytes().repeat(8)), value);
    }
    rows
}

fn salvage(damaged: &Path, to: &Path) -> Result<(Store, Salvaged), OpenError> {
    Store::salvage(damaged, to, key, || rng())
}

fn all_of(store: &Store) -> Rows {
    let mut all = Rows::new();
    for table in Table::ALL {
        for (key, value) in store.scan(table, &[], None, usize::MAX).unwrap() {
            all.insert((table, key), value);
        }
    }
    all
}

fn is_proved(table: Table) -> bool {
    !matches!(table, Table::Envelope | Table::Blob)
}

#[test]
fn a_changed_byte_costs_a_page_of_one_table_at_most() {
    let (home, path) = home();
    let written = rows();
    let mut store = create(&path);
    let writes: Vec<Write> = written
        .iter()
        .map(|((table, key), value)| Write::put(*table, key, value))
        .collect();
    store.commit(&writes).unwrap();
    store.close().unwrap();
    let whole = fs::read(&path).unwrap();
    let (damaged, to) = (home.path().join("damaged"), home.path().join("new.db"));

    let pages = whole.len() / 4096;
    // Bytes of the header, then some of every page: its own beginning, where the structure is, and further on.
    let long = std::env::var_os("AMENDS_LONG").is_some();
    let every = if long { 1 } else { 9 };
    let places = (0..100).chain((1..pages).flat_map(|page| {
        let inside = [0, 3, 5, 8, 9, 12, 40, 700, 2047, 4095];
        inside.map(|at| page * 4096 + at)
    }));
    // One more than the step between pages' places, so that each page is changed at another.
    let places = places.enumerate().filter(|(n, _)| n % every == 0);
    for (_, at) in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&damaged, &bytes).unwrap();
        let (store, salvaged) = salvage(&damaged, &to).unwrap_or_else(|e| panic!("{at}: {e}"));
        let found = all_of(&store);
        assert_eq!(salvaged.rows, found.len() as u64);
        for (row, value) in &found {
            if is_proved(row.0) {
                assert_eq!(Some(value), written.get(row), "byte {at}");
            }
        }
        let mut lost: BTreeMap<Table, usize> = BTreeMap::new();
        for (row, value) in &written {
            if found.get(row) != Some(value) {
                *lost.entry(row.0).or_default() += 1;
            }
        }
        assert!(lost.len() <= 1, "byte {at}: {lost:?}");
        // Where a whole stretch is lost, that is told of. A single row may be passed over, which only those who know what must
        // be there can notice.
        for (table, count) in &lost {
            let told =
                salvaged.torn.contains(table) || salvaged.lost.iter().any(|(of, _)| of == table);
            assert!(told || *count <= 14, "byte {at}: {lost:?}, {salvaged:?}");
        }
        let report = store.check().unwrap();
        assert_eq!(report.faults, [], "byte {at}");
        store.close().unwrap();
        fs::remove_file(&to).unwrap();
    }
}

#[test]
fn nothing_comes_of_what_another_key_sealed() {
    let (home, path) = home();
    let mut store = create(&path);
    store
        .commit(&[Write::put(Table::Meta, b"a", b"b")])
        .unwrap();
    store.close().unwrap();
    let to = home.path().join("new.db");
    let salvaged = Store::salvage(&path, &to, another_key, || rng());
    assert!(matches!(salvaged, Err(OpenError::WrongKey)), "{salvaged:?}");
    assert!(!to.exists(), "nothing is left behind");
}
