//! What one of the two keeps to themselves: feelings and drafts. Everything that leaves the device, and everything that the
//! journal holds, is opened with its keys and searched.

mod devices;

use std::collections::BTreeSet;

use amends_journal::EntryId;
use amends_keys::identity::JournalId;
use amends_keys::seal::{self, EpochSecret};
use amends_keys::vault::{Vault, VaultKey};
use amends_replica::{BundleItem, BundleParser};
use amends_store::{OpenError, Store, Table};
use devices::{Device, PASSPHRASE, Pair};
use serde_json::Value;

const TABLES: [Table; 9] = [
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

/// Words of a feeling, of its reason, of its tag, of drafts and of what was said before. None of it may leave.
const CANARIES: [&str; 7] = [
    "zugvogelherbst",
    "quittenmarmelade",
    "leuchtturmwarte",
    "muschelkalkstein",
    "birkenwaldrand",
    "nebelhornsignal",
    "dotterblumenwiese",
];
/// What is shared, and must be found: else nothing was searched.
const SHARED: [&str; 3] = ["kirschkernkissen", "apfelbaumschatten", "wacholderheide"];

fn vault_key(device: &Device) -> VaultKey {
    let vault = Vault::parse(&std::fs::read(device.home().join("vault")).unwrap()).unwrap();
    vault.unlock(PASSPHRASE).unwrap()
}

fn rng() -> Box<rand_core::UnwrapErr<rand::rngs::SysRng>> {
    Box::new(rand_core::UnwrapErr(rand::rngs::SysRng))
}

/// Every row of a store, opened: table, key, value.
fn rows(store: &Store) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let rows_of = |table| {
        let rows = store.scan(table, &[], None, 1_000_000).unwrap();
        rows.into_iter()
            .map(move |(key, value)| (table, key, value))
    };
    TABLES.into_iter().flat_map(rows_of).collect()
}

fn row<'a>(rows: &'a [(Table, Vec<u8>, Vec<u8>)], name: &str) -> &'a [u8] {
    let row = rows
        .iter()
        .find(|(table, key, _)| *table == Table::Meta && key == name.as_bytes());
    &row.unwrap_or_else(|| panic!("no row {name}")).2
}

/// What opens the envelopes of a store: the secret of its only epoch, and its journal's id.
fn keys(rows: &[(Table, Vec<u8>, Vec<u8>)]) -> (EpochSecret, JournalId) {
    let journal = JournalId(row(rows, "member")[1..33].try_into().unwrap());
    let epochs = row(rows, "epochs");
    let secret = epochs[epochs.len() - 32..].try_into().unwrap();
    (EpochSecret::from_bytes(secret), journal)
}

fn opened(envelope: &[u8], secret: &EpochSecret, journal: &JournalId) -> Vec<Vec<u8>> {
    let opened = seal::open(envelope, secret, journal).expect("an envelope opens");
    opened
        .records()
        .map(|(record, _)| record.to_vec())
        .collect()
}

/// What every envelope of a store says. Those of the other person's log are as they came over the wire.
fn records(rows: &[(Table, Vec<u8>, Vec<u8>)]) -> Vec<Vec<u8>> {
    let (secret, journal) = keys(rows);
    rows.iter()
        .filter(|(table, ..)| *table == Table::Envelope)
        .flat_map(|(_, _, envelope)| opened(envelope, &secret, &journal))
        .collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn id(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_private_reaches_the_journals_store_the_wire_a_bundle_or_the_partner() {
    let pair = Pair::new();
    let (ana, bo) = (&pair.ana, &pair.bo);
    let [word, because, tag, anew, did, later, draft] = CANARIES;

    // While it is up, so that the newest rows are in the log beside the file; then it is killed.
    let up = ana.up();
    let run = |arguments: &[&str]| ana.run_locked(arguments).ok();
    let felt = run(&[
        "feel",
        word,
        "--because",
        because,
        "--tag",
        tag,
        "--intensity",
        "3",
    ]);
    run(&["feel", "edit", &id(&felt), &format!("{anew} {}", SHARED[0])]);
    let kept = run(&["apology", "write", did, "--change", draft]);
    run(&["apology", "edit", &id(&kept), "--did", later]);
    let given = run(&["apology", "write", SHARED[1], "--repair", did]);
    run(&["apology", "edit", &id(&given), "--repair", ""]);
    run(&["apology", "give", &id(&given), "--yes"]);
    // A feeling whose tag and earlier words stay, and whose words go.
    let shared = run(&["feel", because, "--tag", tag]);
    run(&["feel", "edit", &id(&shared), SHARED[2]]);
    run(&["feel", "share", &id(&shared), "--yes"]);
    bo.sync(&up.listen).ok();
    up.running.kill();
    assert!(ana.home().join("journal.db-wal").exists());

    let stick = tempfile::tempdir().unwrap();
    let bundle = stick.path().join("for-bo");
    let looked_at = ana.copy();
    ana.run(&["bundle", "write", bundle.to_str().unwrap(), "--all"])
        .ok();
    bo.run(&["bundle", "read", bundle.to_str().unwrap()]).ok();

    let key = vault_key(&looked_at);
    let home = looked_at.home();
    // Another file under another key.
    let other = Store::open(home.join("private.db"), key.journal_store(), rng());
    assert!(
        matches!(other, Err(OpenError::WrongKey)),
        "{:?}",
        other.err()
    );
    let other = Store::open(home.join("journal.db"), key.private_store(), rng());
    assert!(
        matches!(other, Err(OpenError::WrongKey)),
        "{:?}",
        other.err()
    );

    let store = |device: &Device, name: &str, private: bool| {
        let key = vault_key(device);
        let key = if private {
            key.private_store()
        } else {
            key.journal_store()
        };
        let store = Store::open(device.home().join(name), key, rng()).unwrap();
        let rows = rows(&store);
        store.close().unwrap();
        rows
    };
    let private = store(&looked_at, "private.db", true);
    let ids: BTreeSet<Vec<u8>> = private
        .iter()
        .filter(|(table, ..)| *table == Table::Card)
        .map(|(_, key, _)| key.clone())
        .collect();
    assert_eq!(ids.len(), 4, "two feelings and two drafts");
    let mut needles: Vec<Vec<u8>> = CANARIES
        .iter()
        .map(|canary| canary.as_bytes().to_vec())
        .collect();
    for id in &ids {
        let id = EntryId(id.as_slice().try_into().unwrap());
        needles.extend([id.0.to_vec(), id.to_string().into_bytes()]);
    }
    needles.push(row(&private, "member")[1..33].to_vec());
    let assert_without = |what: &str, bytes: &[u8]| {
        for needle in &needles {
            assert!(
                !holds(bytes, needle),
                "{what}: {}",
                String::from_utf8_lossy(needle)
            );
        }
    };

    // What is looked for is found where it is.
    let private_records = records(&private);
    for needle in CANARIES {
        let found = private_records
            .iter()
            .any(|record| holds(record, needle.as_bytes()));
        assert!(
            found,
            "{needle} is not in the private log: nothing was searched"
        );
    }

    let anas = store(&looked_at, "journal.db", false);
    let bos = [
        store(bo, "journal.db", false),
        store(bo, "private.db", true),
    ];
    for (what, rows) in [
        ("Ana's journal", &anas),
        ("Bo's journal", &bos[0]),
        ("Bo's private store", &bos[1]),
    ] {
        for (table, key, value) in rows {
            assert_without(&format!("{what}, {table:?}"), key);
            assert_without(&format!("{what}, {table:?}"), value);
        }
        for record in records(rows) {
            assert_without(&format!("{what}, a record in clear"), &record);
        }
    }
    for journal in [&anas, &bos[0]] {
        let records = records(journal);
        for word in &SHARED[1..] {
            assert!(
                records.iter().any(|record| holds(record, word.as_bytes())),
                "{word} was not shared"
            );
        }
        assert!(
            !records
                .iter()
                .any(|record| holds(record, SHARED[0].as_bytes()))
        );
    }

    // The bundle: its envelopes and its clock, opened.
    let bytes = std::fs::read(&bundle).unwrap();
    assert_without("the bundle", &bytes);
    let mut parser = BundleParser::default();
    parser.give(&bytes);
    let (secret, journal) = keys(&anas);
    let mut brought = Vec::new();
    loop {
        match parser.next_item().unwrap() {
            Some(BundleItem::Envelope(envelope)) => {
                brought.extend(opened(&envelope, &secret, &journal))
            }
            Some(BundleItem::Clock(clock)) => {
                let clock = amends_keys::bundle::open_clock(&clock, &secret, &journal).unwrap();
                assert_without("the bundle's clock", &clock.clock);
            }
            Some(BundleItem::End) => break,
            other => panic!("{other:?} is in the bundle"),
        }
    }
    assert!(brought.len() >= 3, "{} records are in it", brought.len());
    for record in &brought {
        assert_without("a record of the bundle", record);
    }
    for word in &SHARED[1..] {
        let found = brought.iter().any(|record| holds(record, word.as_bytes()));
        assert!(found, "{word} is not in the bundle");
    }
    for name in ["feeling", "apology"] {
        let verb = if name == "feeling" { "feel" } else { name };
        let list = bo.run(&[verb, "list"]).ok();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list[0]["author"], "Ana");
    }
}
