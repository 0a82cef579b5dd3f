//! The two stores of a home, what the program keeps in them beside the replica's own rows, and how a replica reads them.

use std::path::Path;
use std::sync::Arc;

use amends_keys::backup::BackupKey;
use amends_keys::identity::{
    DiscoveryKey, JournalId, LogSecret, PersonName, StaticKey, StaticSecret,
};
use amends_keys::pairing::{Paired, PnetKey, SessionPsk};
use amends_keys::seal::{EpochSecret, StoreKey};
use amends_keys::vault::VaultKey;
use amends_replica::{
    Effect, Founding, HandleError, Hands, Input, Partner, Replica, Row, RowSecret, Shelf,
    ShelfError, World,
};
use amends_store::{CommitError, Store};
use rand_core::CryptoRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::hands::Cores;
use crate::advice::Advice;
use crate::home::{Home, JOURNAL_DB, PRIVATE_DB, Place};
use crate::request::Failure;

/// The operating system's randomness: taken anew for every value, so that a copied machine repeats nothing.
pub(crate) fn system_rng() -> impl CryptoRng + Send + 'static {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// This device, in the journal's store.
#[derive(Serialize, Deserialize)]
struct DeviceRow {
    version: u8,
    static_secret: RowSecret,
    name: String,
}

/// What the pairing gave, in the journal's store.
#[derive(Serialize, Deserialize)]
struct PairRow {
    version: u8,
    journal: [u8; 32],
    partner: [u8; 32],
    discovery: RowSecret,
    pnet: RowSecret,
    session_psk: RowSecret,
}

const DEVICE: &[u8] = b"device";
const PAIR: &[u8] = b"pair";
/// Codes that this device tried and must not try again ([`amends_keys::invite::TriedCodes`]).
const TRIED: &[u8] = b"tried codes";
/// The last good addresses of the partner's device.
const ADDRESSES: &[u8] = b"addresses";
/// When this home came out of a backup, as a program wrote it that had no incarnations.
const RESTORED: &[u8] = b"restored";
/// Where this home is: see [`Place`].
const PLACE: &[u8] = b"place";

/// This device.
pub(crate) struct Device {
    pub(crate) static_secret: StaticSecret,
    pub(crate) name: PersonName,
}

/// The keys of the pair.
pub(crate) struct Pair {
    pub(crate) journal: JournalId,
    pub(crate) partner: StaticKey,
    pub(crate) discovery: DiscoveryKey,
    pub(crate) pnet: PnetKey,
    pub(crate) session_psk: SessionPsk,
}

/// A home with its stores open. The lock is the caller's.
pub struct Open {
    pub(crate) home: Home,
    pub(crate) journal: Store,
    pub(crate) private: Store,
    pub(crate) device: Device,
    /// Seals backups. The vault's own key is not kept.
    pub(crate) backups: BackupKey,
}

/// Makes both stores in `dir`: this device's identity in the journal's, and a private journal, whole from the start, in
/// the other.
///
/// # Errors
/// A [`Failure`] that says what could not be written.
pub fn create_stores(dir: &Path, name: &PersonName, vault_key: &VaultKey) -> Result<(), Failure> {
    let mut rng = system_rng();
    let path = dir.join(JOURNAL_DB);
    let static_secret = StaticSecret::generate(&mut rng);
    let static_key = static_secret.public();
    let mut journal = Store::create(&path, vault_key.journal_store(), Box::new(system_rng()))
        .map_err(|error| open_failed(&path, &error))?;
    let row = DeviceRow {
        version: 1,
        static_secret: static_secret.expose().into(),
        name: name.as_str().to_owned(),
    };
    put(&mut journal, DEVICE, &row)?;
    put(&mut journal, PLACE, &Place::of(&path))?;

    let path = dir.join(PRIVATE_DB);
    let mut private = Store::create(&path, vault_key.private_store(), Box::new(system_rng()))
        .map_err(|error| open_failed(&path, &error))?;
    let founding = Founding {
        journal: JournalId::generate(&mut rng),
        epoch_0: EpochSecret::generate(&mut rng),
        log: LogSecret::generate(&mut rng),
        static_key,
        name: name.clone(),
        partner: None,
        confirmed: true,
    };
    let writes =
        Replica::found(founding, super::now(), &mut rng).map_err(|error| internal(&error))?;
    commit(&mut private, writes, true)?;
    for store in [journal, private] {
        store.close().map_err(|error| Advice::NotSaved {
            error: error.to_string(),
        })?;
    }
    Ok(())
}

/// Opens both stores that came out of a backup into `dir`, to know that they can be, and begins a new incarnation: whatever else
/// was written with the log that is in the backup, nothing is written into it from here.
///
/// # Errors
/// A [`Failure`] that names the store that could not be opened, and why.
pub fn adopt_stores(dir: &Path, vault_key: &VaultKey) -> Result<(), Failure> {
    let open_store = |path: &Path, key| {
        Store::open(path, key, Box::new(system_rng())).map_err(|error| open_failed(path, &error))
    };
    let (path, private) = (dir.join(JOURNAL_DB), dir.join(PRIVATE_DB));
    let mut journal = open_store(&path, vault_key.journal_store())?;
    let shelf = Shelves(&journal);
    if Replica::is_founded(&shelf).map_err(|error| damaged(&path, &error))? {
        let mut replica = Replica::load(&shelf).map_err(|error| damaged(&path, &error))?;
        let mut rng = system_rng();
        let mut world = World {
            now: super::now(),
            rng: &mut rng,
            shelf: &shelf,
        };
        let effects = match replica.begin_anew(&mut world) {
            // Nothing can be written before the pair is whole; and what cannot begin anew goes on as a copy does.
            Err(HandleError::Edit(_)) => replica
                .handle(&mut world, Input::Copied)
                .map_err(|error| damaged(&path, &error))?,
            begun => begun.map_err(|error| damaged(&path, &error))?,
        };
        for effect in effects {
            if let Effect::Save { writes, durable } = effect {
                commit(&mut journal, writes, durable)?;
            }
        }
    }
    put(&mut journal, PLACE, &Place::of(&path))?;
    let store = open_store(&private, vault_key.private_store())?;
    Replica::load(&Shelves(&store)).map_err(|error| damaged(&private, &error))?;
    for store in [journal, store] {
        store.close().map_err(|error| Advice::NotSaved {
            error: error.to_string(),
        })?;
    }
    Ok(())
}

/// Opens both stores of a home.
///
/// # Errors
/// A [`Failure`] that names the store that could not be opened, and why.
pub fn open(home: &Home, vault_key: VaultKey) -> Result<Open, Failure> {
    let journal = open_one(&home.journal_db(), vault_key.journal_store())?;
    let private = open_one(&home.private_db(), vault_key.private_store())?;
    let device = device_of(home, &journal)?;
    Ok(Open {
        home: home.clone(),
        journal,
        private,
        device,
        backups: vault_key.backups(),
    })
}

/// Opens one store.
pub(super) fn open_one(path: &Path, key: StoreKey) -> Result<Store, Failure> {
    let mut store = Store::open(path, key, Box::new(system_rng()))
        .map_err(|error| open_failed(path, &error))?;
    store.work_with(|count, job| Cores.each(count, job));
    Ok(store)
}

/// This device, from the journal's store.
pub(super) fn device_of(home: &Home, journal: &Store) -> Result<Device, Failure> {
    let row: DeviceRow = get(home, journal, DEVICE)?
        .ok_or_else(|| damaged(&home.journal_db(), &"this device's keys are not in it"))?;
    let name = PersonName::try_from(row.name.as_str())
        .map_err(|error| damaged(&home.journal_db(), &error))?;
    Ok(Device {
        static_secret: StaticSecret::from_bytes(row.static_secret.expose()),
        name,
    })
}

/// The pair, from the journal's store, if there is one.
pub(super) fn pair_of(home: &Home, journal: &Store) -> Result<Option<Pair>, Failure> {
    let row: Option<PairRow> = get(home, journal, PAIR)?;
    Ok(row.map(|row| Pair {
        journal: JournalId(row.journal),
        partner: StaticKey(row.partner),
        discovery: DiscoveryKey::from_bytes(row.discovery.expose()),
        pnet: PnetKey::from_bytes(row.pnet.expose()),
        session_psk: SessionPsk::from_bytes(row.session_psk.expose()),
    }))
}

/// The replica that a store holds, if there is one.
pub(super) fn replica_of(path: &Path, store: &Store) -> Result<Option<Replica>, Failure> {
    let mut replica = replica_without_cards(path, store)?;
    if let Some(replica) = &mut replica {
        load_cards(path, store, replica)?;
    }
    Ok(replica)
}

/// The same before it has loaded its cards: see [`Replica::load_without_cards`].
fn replica_without_cards(path: &Path, store: &Store) -> Result<Option<Replica>, Failure> {
    let shelf = Shelves(store);
    let failed = |error: &dyn std::fmt::Display| damaged(path, error);
    if !Replica::is_founded(&shelf).map_err(|error| failed(&error))? {
        return Ok(None);
    }
    let mut replica = Replica::load_without_cards(&shelf).map_err(|error| failed(&error))?;
    replica.work_with(Arc::new(Cores));
    Ok(Some(replica))
}

fn load_cards(path: &Path, store: &Store, replica: &mut Replica) -> Result<(), Failure> {
    replica
        .load_cards(&Shelves(store))
        .map_err(|error| damaged(path, &error))
}

/// The last good addresses of the partner's device, from the journal's store, the best first.
pub(super) fn addresses_of(home: &Home, journal: &Store) -> Vec<String> {
    // They only help to find; a row that cannot be read is made anew.
    get(home, journal, ADDRESSES)
        .ok()
        .flatten()
        .unwrap_or_default()
}

impl Open {
    /// The pair, if there is one.
    pub(crate) fn pair(&self) -> Result<Option<Pair>, Failure> {
        pair_of(&self.home, &self.journal)
    }

    /// The replica of the pair's journal, if there is one.
    pub(crate) fn replica(&self) -> Result<Option<Replica>, Failure> {
        replica_of(&self.home.journal_db(), &self.journal)
    }

    /// The same before it has loaded its cards.
    pub(crate) fn replica_without_cards(&self) -> Result<Option<Replica>, Failure> {
        replica_without_cards(&self.home.journal_db(), &self.journal)
    }

    /// Has a replica load its cards, where it has not.
    pub(crate) fn load_cards(&self, replica: &mut Replica) -> Result<(), Failure> {
        load_cards(&self.home.journal_db(), &self.journal, replica)
    }

    /// The replica of the private store.
    pub(crate) fn private_replica(&self) -> Result<Replica, Failure> {
        Replica::load(&Shelves(&self.private))
            .map_err(|error| damaged(&self.home.private_db(), &error))
    }

    /// The replica anew, in the place of one of which something could not be saved.
    pub(crate) fn reload(&self, replica: &Replica) -> Result<Replica, Failure> {
        replica
            .reload(&Shelves(&self.journal))
            .map_err(|error| damaged(&self.home.journal_db(), &error))
    }

    /// Begins the pair's journal, in one transaction. It replaces a pair that the other device never confirmed.
    pub(crate) fn keep_pair(
        &mut self,
        paired: &Paired,
        log: LogSecret,
        confirmed: bool,
    ) -> Result<(), Failure> {
        let founding = Founding {
            journal: paired.journal,
            epoch_0: paired.epoch_0.clone(),
            log,
            static_key: self.device.static_secret.public(),
            name: self.device.name.clone(),
            partner: Some(Partner {
                static_key: paired.partner.static_key,
                log: paired.partner.log_key,
                name: paired.partner.name.clone(),
            }),
            confirmed,
        };
        let row = PairRow {
            version: 1,
            journal: paired.journal.0,
            partner: paired.partner.static_key.0,
            discovery: paired.discovery.expose().into(),
            pnet: paired.pnet.expose().into(),
            session_psk: paired.session_psk.expose().into(),
        };
        let writes = Replica::found(founding, super::now(), &mut system_rng())
            .map_err(|error| internal(&error))?;
        let mut writes: Vec<amends_store::Write> = writes.into_iter().map(store_write).collect();
        writes.push(amends_store::Write::put(
            amends_store::Table::Meta,
            PAIR,
            &row_bytes(&row)?,
        ));
        writes.push(amends_store::Write::delete(
            amends_store::Table::Meta,
            ADDRESSES,
        ));
        self.journal
            .commit(&writes)
            .map_err(|error| not_saved(&error))
    }

    /// The codes that must not be tried again, as bytes of [`amends_keys::invite::TriedCodes`].
    pub(crate) fn tried_codes(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.journal
            .get(amends_store::Table::Meta, TRIED)
            .map_err(|error| damaged(&self.home.journal_db(), &error))
    }

    pub(crate) fn keep_tried_codes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let write = amends_store::Write::put(amends_store::Table::Meta, TRIED, bytes);
        self.journal
            .commit(&[write])
            .map_err(|error| not_saved(&error))
    }

    /// Whether this home came out of a backup before there were incarnations, and has not met since.
    pub(crate) fn was_restored(&self) -> Result<bool, Failure> {
        Ok(get::<i64>(&self.home, &self.journal, RESTORED)?.is_some())
    }

    /// Whether the files of this home were copied since they were last opened.
    pub(crate) fn has_moved(&self) -> Result<bool, Failure> {
        let was: Option<Place> = get(&self.home, &self.journal, PLACE)?;
        let is = Place::of(&self.home.journal_db());
        Ok(was.is_some_and(|was| was.is_another_than(&is)))
    }

    /// Keeps where this home is now.
    pub(crate) fn keep_place(&mut self) -> Result<(), Failure> {
        let place = Place::of(&self.home.journal_db());
        let mut writes = Vec::new();
        if self.was_restored()? {
            writes.push(amends_store::Write::delete(
                amends_store::Table::Meta,
                RESTORED,
            ));
        }
        if get::<Place>(&self.home, &self.journal, PLACE)?.as_ref() != Some(&place) {
            let row = row_bytes(&place)?;
            writes.push(amends_store::Write::put(
                amends_store::Table::Meta,
                PLACE,
                &row,
            ));
        }
        if writes.is_empty() {
            return Ok(());
        }
        self.journal
            .commit(&writes)
            .map_err(|error| not_saved(&error))
    }

    /// The last good addresses of the partner's device, the best first.
    pub(crate) fn addresses(&self) -> Vec<String> {
        addresses_of(&self.home, &self.journal)
    }

    pub(crate) fn keep_addresses(&mut self, addresses: &[String]) -> Result<(), Failure> {
        let write = amends_store::Write::put(
            amends_store::Table::Meta,
            ADDRESSES,
            &row_bytes(&addresses)?,
        );
        self.journal
            .commit_volatile(&[write])
            .map_err(|error| not_saved(&error))
    }

    /// Performs what a replica wants saved.
    pub(crate) fn save(
        &mut self,
        writes: Vec<amends_replica::Write>,
        durable: bool,
    ) -> Result<(), Failure> {
        commit(&mut self.journal, writes, durable)
    }

    /// The same in the private store.
    pub(crate) fn save_private(
        &mut self,
        writes: Vec<amends_replica::Write>,
        durable: bool,
    ) -> Result<(), Failure> {
        commit(&mut self.private, writes, durable)
    }

    /// Closes both stores whole.
    pub(crate) fn close(self) -> Result<(), Failure> {
        for store in [self.journal, self.private] {
            store.close().map_err(|error| Advice::NotSaved {
                error: error.to_string(),
            })?;
        }
        Ok(())
    }
}

/// A store, as a replica reads it.
pub(crate) struct Shelves<'a>(pub(crate) &'a Store);

impl Shelf for Shelves<'_> {
    fn get(&self, table: amends_replica::Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.0
            .get(store_table(table), key)
            .map_err(|error| ShelfError(error.to_string()))
    }

    fn scan(
        &self,
        table: amends_replica::Table,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, ShelfError> {
        self.0
            .scan(store_table(table), from, None, limit)
            .map_err(|error| ShelfError(error.to_string()))
    }

    fn has_between(
        &self,
        table: amends_replica::Table,
        from: &[u8],
        to: &[u8],
    ) -> Result<bool, ShelfError> {
        // Of few rows at most, and mostly of none.
        self.0
            .scan(store_table(table), from, Some(to), 1)
            .map(|rows| !rows.is_empty())
            .map_err(|error| ShelfError(error.to_string()))
    }
}

fn store_table(table: amends_replica::Table) -> amends_store::Table {
    match table {
        amends_replica::Table::Meta => amends_store::Table::Meta,
        amends_replica::Table::Card => amends_store::Table::Card,
        amends_replica::Table::Part => amends_store::Table::Part,
        amends_replica::Table::Record => amends_store::Table::Record,
        amends_replica::Table::Envelope => amends_store::Table::Envelope,
        amends_replica::Table::Blob => amends_store::Table::Blob,
        amends_replica::Table::Chunk => amends_store::Table::Chunk,
        amends_replica::Table::Naming => amends_store::Table::Naming,
    }
}

/// Moves a row over as it lies: it may be long, and keys may stand in it.
fn store_write(mut write: amends_replica::Write) -> amends_store::Write {
    match &mut write {
        amends_replica::Write::Put { table, key, value } => amends_store::Write::Put {
            table: store_table(*table),
            key: std::mem::take(key),
            value: std::mem::take(value),
        },
        amends_replica::Write::Delete { table, key } => amends_store::Write::Delete {
            table: store_table(*table),
            key: std::mem::take(key),
        },
    }
}

pub(super) fn commit(
    store: &mut Store,
    writes: Vec<amends_replica::Write>,
    durable: bool,
) -> Result<(), Failure> {
    let writes: Vec<amends_store::Write> = writes.into_iter().map(store_write).collect();
    let done = if durable {
        store.commit(&writes)
    } else {
        store.commit_volatile(&writes)
    };
    done.map_err(|error| not_saved(&error))
}

/// Longer than any row with keys in it: what grows leaves copies behind.
const ROW_BYTES: usize = 4096;

fn row_bytes<T: Serialize>(row: &T) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROW_BYTES));
    serde_json::to_writer(&mut *bytes, row).map_err(|error| internal(&error))?;
    Ok(bytes)
}

/// Keeps where a store is, in it: whoever finds it elsewhere knows that it was copied.
pub(super) fn put_place(store: &mut Store, place: &Place) -> Result<(), Failure> {
    put(store, PLACE, place)
}

fn put<T: Serialize>(store: &mut Store, key: &[u8], row: &T) -> Result<(), Failure> {
    let write = amends_store::Write::put(amends_store::Table::Meta, key, &row_bytes(row)?);
    store.commit(&[write]).map_err(|error| not_saved(&error))
}

fn get<T: DeserializeOwned>(home: &Home, store: &Store, key: &[u8]) -> Result<Option<T>, Failure> {
    let failed = |error: &dyn std::fmt::Display| damaged(&home.journal_db(), error);
    let Some(bytes) = store
        .get(amends_store::Table::Meta, key)
        .map_err(|error| failed(&error))?
        // Keys may stand in it.
        .map(Zeroizing::new)
    else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| failed(&"a row of it is not what was written"))
}

fn not_saved(error: &CommitError) -> Failure {
    match error {
        CommitError::Full => Advice::DiskFull.into(),
        other => Advice::NotSaved {
            error: other.to_string(),
        }
        .into(),
    }
}

pub(crate) fn damaged(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Advice::StoreDamaged {
        path: path.display().to_string(),
        why: why.to_string(),
    }
    .into()
}

pub(crate) fn internal(error: &dyn std::fmt::Display) -> Failure {
    Advice::Internal {
        what: error.to_string(),
    }
    .into()
}

pub(super) fn open_failed(path: &Path, error: &amends_store::OpenError) -> Failure {
    use amends_store::OpenError as E;
    let path = path.display().to_string();
    let advice = match error {
        E::NotFound(_) => Advice::HomeIncomplete { path },
        E::NotAFile(_) => Advice::HomeNotAFile { path },
        E::TooOpen { mode, .. } => Advice::FileTooOpen {
            path,
            mode: format!("{mode:03o}"),
        },
        E::NewerVersion { .. } => Advice::StoreNewer { path },
        E::WrongKey => Advice::StoreForeign { path },
        E::InUse => Advice::Busy,
        E::Full => Advice::DiskFull,
        E::Exists(_) | E::ReadOnly | E::File { .. } | E::Failed(_) | E::Copy(_) => {
            Advice::HomeUnusable {
                path,
                error: error.to_string(),
            }
        }
        _ => Advice::StoreDamaged {
            path,
            why: error.to_string(),
        },
    };
    advice.into()
}
