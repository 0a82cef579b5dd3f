//! A device's store, opened with its keys while nothing runs: everything that whoever has the device and its passphrase could
//! find there, and what a partner with another program could write.

use std::collections::BTreeMap;

use amends_journal::{EntryId, EntryKind, PartKind, Say, Writer};
use amends_keys::identity::{JournalId, LogKey, LogSecret};
use amends_keys::seal::{self, EpochSecret};
use amends_keys::vault::Vault;
use amends_replica::{
    Edit, Effect, Input, Item, Record, RecordKind, Replica, Row, Shelf, ShelfError, Words, World,
    Write, actor_of, write_items,
};
use amends_store::{Store, Table};
use rand_core::{CryptoRng, Rng};

use super::{Device, PASSPHRASE};

fn rng() -> impl CryptoRng + Send + 'static {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// The journal of one device.
pub(crate) struct Opened {
    store: Store,
    pub(crate) replica: Replica,
    journal: JournalId,
    log_secret: LogSecret,
    epoch: EpochSecret,
}

struct OnShelf<'a>(&'a Store);

fn table(table: amends_replica::Table) -> Table {
    // Both are declared in one order, but for the one that the replica does not know.
    let name = format!("{table:?}");
    *Table::ALL
        .iter()
        .find(|table| format!("{table:?}") == name)
        .unwrap()
}

impl Shelf for OnShelf<'_> {
    fn get(&self, of: amends_replica::Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        Ok(self.0.get(table(of), key).unwrap())
    }

    fn scan(
        &self,
        of: amends_replica::Table,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, ShelfError> {
        Ok(self.0.scan(table(of), from, None, limit).unwrap())
    }
}

/// Lets a home forget where it is: its next copy takes itself for the first one.
pub(crate) fn forget_place(device: &Device) {
    let vault = Vault::parse(&std::fs::read(device.home().join("vault")).unwrap()).unwrap();
    let key = vault.unlock(PASSPHRASE).unwrap();
    let path = device.home().join("journal.db");
    let mut store = Store::open(path, key.journal_store(), Box::new(rng())).unwrap();
    let place = amends_store::Write::delete(Table::Meta, b"place");
    store.commit(&[place]).unwrap();
    store.close().unwrap();
}

impl Opened {
    pub(crate) fn of(device: &Device) -> Opened {
        let vault = Vault::parse(&std::fs::read(device.home().join("vault")).unwrap()).unwrap();
        let key = vault.unlock(PASSPHRASE).unwrap();
        let path = device.home().join("journal.db");
        let store = Store::open(path, key.journal_store(), Box::new(rng())).unwrap();
        let row = |name: &str| store.get(Table::Meta, name.as_bytes()).unwrap().unwrap();
        // Version, journal, log secret, …; and version, how many, number of the epoch, its secret.
        let (member, epochs) = (row("member"), row("epochs"));
        let array = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
        assert_eq!(epochs[..3], [1, 1, 0], "there is one epoch");
        let opened = Opened {
            journal: JournalId(array(&member[1..33])),
            log_secret: LogSecret::from_bytes(&array(&member[33..65])),
            epoch: EpochSecret::from_bytes(&array(&epochs[3..35])),
            replica: Replica::load(&OnShelf(&store)).unwrap(),
            store,
        };
        assert_eq!(*opened.replica.journal(), opened.journal);
        opened
    }

    /// 32 bytes of one of the program's own rows, which are JSON.
    pub(crate) fn bytes_of(&self, row: &str, field: &str) -> [u8; 32] {
        let row = self
            .store
            .get(Table::Meta, row.as_bytes())
            .unwrap()
            .unwrap();
        let row: serde_json::Value = serde_json::from_slice(&row).unwrap();
        serde_json::from_value(row[field].clone()).unwrap()
    }

    pub(crate) fn log(&self) -> LogKey {
        self.log_secret.public()
    }

    /// Every row, opened; every record of every envelope, opened; every entry, as the journal reads it.
    pub(crate) fn everything(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut records = 0;
        for table in Table::ALL {
            for (key, value) in self.store.scan(table, &[], None, 100_000).unwrap() {
                if table == Table::Envelope {
                    let opened = seal::open(&value, &self.epoch, &self.journal).unwrap();
                    for (record, _) in opened.records() {
                        all.extend_from_slice(record);
                        records += 1;
                    }
                }
                all.extend_from_slice(&key);
                all.extend_from_slice(&value);
            }
        }
        assert!(records > 2, "{records} records are too few");
        let ids: Vec<EntryId> = self.replica.cards().map(|(id, _)| *id).collect();
        for id in ids {
            let told = self.look(&id, |entry| {
                let parts = [entry.shared, entry.mine, entry.partners];
                let saved = parts.map(amends_journal::Part::save).concat();
                let view = serde_json::to_vec(&entry.talk()).unwrap();
                [saved, view].concat()
            });
            all.extend(told);
        }
        all
    }

    pub(crate) fn look<T>(
        &mut self,
        id: &EntryId,
        then: impl FnOnce(&amends_journal::Entry<'_>) -> T,
    ) -> T {
        self.replica.look(&OnShelf(&self.store), id, then).unwrap()
    }

    /// Says something as this device's own program would, if it let its person.
    pub(crate) fn says(&mut self, entry: EntryId, say: Say) {
        let mut rng = rng();
        let mut world = World {
            now: 1_800_000_000_000,
            rng: &mut rng,
            shelf: &OnShelf(&self.store),
        };
        let says = vec![say];
        let input = Input::Edit(Edit::Say { entry, says });
        for effect in self.replica.handle(&mut world, input).unwrap() {
            if let Effect::Save { writes, .. } = effect {
                let writes: Vec<_> = writes.iter().map(store_write).collect();
                self.store.commit(&writes).unwrap();
            }
        }
    }

    /// Proposes so many boundaries, as this device's own program would.
    pub(crate) fn proposes(&mut self, count: usize) {
        let mut rng = rng();
        for n in 0..count {
            let mut world = World {
                now: 1_800_000_000_000,
                rng: &mut rng,
                shelf: &OnShelf(&self.store),
            };
            let words = Words {
                text: format!("Sentence {n} of somebody who was away for long."),
                language: "en".into(),
                ..Words::default()
            };
            let input = Input::Edit(Edit::Propose(words));
            for effect in self.replica.handle(&mut world, input).unwrap() {
                if let Effect::Save { writes, .. } = effect {
                    let writes: Vec<_> = writes.iter().map(store_write).collect();
                    self.store.commit_volatile(&writes).unwrap();
                }
            }
        }
    }

    /// The envelope of this log's next record, in which this device says something that its own program would not write:
    /// checked as if it came in the log `as_log`.
    pub(crate) fn forges(&mut self, entry: EntryId, as_log: LogKey, say: Say) -> Vec<u8> {
        let log = self.log();
        let writer = Writer {
            journal: self.journal.0,
            entry,
            log: *as_log.as_bytes(),
            device: actor_of(&log),
            actor: actor_of(&log),
            alone: false,
        };
        let written = self.look(&entry, |entry| {
            entry.say(&writer, 1_800_000_000_000, &[say])
        });
        let items: Vec<Item> = written
            .unwrap()
            .changes
            .into_iter()
            .map(|change| Item {
                entry,
                kind: EntryKind::Talk.byte(),
                schema: 1,
                part: PartKind::Own,
                change,
            })
            .collect();
        let clock = self.replica.clock();
        let record = Record {
            journal: self.journal,
            log,
            seq: clock.seq(&log) + 1,
            prev: clock.head(&log),
            epoch: 0,
            kind: RecordKind::Change as u8,
            seen: Vec::new(),
            payload: write_items(&items),
        };
        let bytes = record.to_bytes();
        let signature = Record::sign(&bytes, &self.log_secret);
        let mut salt = [0; 24];
        rng().fill_bytes(&mut salt);
        let records = [(bytes.as_slice(), &signature)];
        seal::seal(0, &self.epoch, &self.journal, salt, &records).unwrap()
    }

    /// The ids of its entries, by their short form.
    pub(crate) fn ids(&self) -> BTreeMap<String, EntryId> {
        self.replica
            .cards()
            .map(|(id, _)| (self.replica.short_id(id), *id))
            .collect()
    }

    pub(crate) fn close(self) {
        self.store.close().unwrap();
    }
}

fn store_write(write: &Write) -> amends_store::Write {
    match write {
        Write::Put {
            table: of,
            key,
            value,
        } => amends_store::Write::put(table(*of), key, value),
        Write::Delete { table: of, key } => amends_store::Write::delete(table(*of), key),
    }
}

/// A bundle of envelopes alone, as a hand could make it.
pub(crate) fn bundle(envelopes: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"AMNB\x01".to_vec();
    for envelope in envelopes {
        out.push(2);
        out.extend_from_slice(&u32::try_from(envelope.len()).unwrap().to_be_bytes());
        out.extend_from_slice(envelope);
    }
    out.extend_from_slice(&[0; 5]);
    out
}
