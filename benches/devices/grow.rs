//! Fills a journal while nothing runs: the same replica and store as the program's, driven by the same calls, only that nothing
//! waits for the disk in between.

use amends_keys::identity::{JournalId, LogSecret};
use amends_keys::seal::EpochSecret;
use amends_keys::vault::Vault;
use amends_replica::{Edit, Effect, Input, Replica, Row, Shelf, ShelfError, Words, World, Write};
use amends_store::{Store, Table};
use rand_core::CryptoRng;

use crate::Told;
use crate::device::{Device, PASSPHRASE};
pub(crate) use crate::text::{edited, text};

/// The operating system's randomness.
pub(crate) fn rng() -> impl CryptoRng + Send + 'static {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// A store, as a replica reads it.
pub(crate) struct OnShelf<'a>(pub(crate) &'a Store);

fn table(table: amends_replica::Table) -> Table {
    match table {
        amends_replica::Table::Meta => Table::Meta,
        amends_replica::Table::Card => Table::Card,
        amends_replica::Table::Part => Table::Part,
        amends_replica::Table::Record => Table::Record,
        amends_replica::Table::Envelope => Table::Envelope,
        amends_replica::Table::Blob => Table::Blob,
        amends_replica::Table::Chunk => Table::Chunk,
        amends_replica::Table::Naming => Table::Naming,
    }
}

impl Shelf for OnShelf<'_> {
    fn get(&self, of: amends_replica::Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        let got = self.0.get(table(of), key);
        got.map_err(|error| ShelfError(error.to_string()))
    }

    fn scan(
        &self,
        of: amends_replica::Table,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, ShelfError> {
        let rows = self.0.scan(table(of), from, None, limit);
        rows.map_err(|error| ShelfError(error.to_string()))
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

/// The key of a home's vault.
pub(crate) fn vault_key(device: &Device) -> Told<amends_keys::vault::VaultKey> {
    let bytes = std::fs::read(device.home().join("vault")).map_err(|error| error.to_string())?;
    let vault = Vault::parse(&bytes).map_err(|error| error.to_string())?;
    vault.unlock(PASSPHRASE).map_err(|error| error.to_string())
}

/// The store of the pair, opened while nothing runs.
pub(crate) fn open(device: &Device) -> Told<Store> {
    let key = vault_key(device)?.journal_store();
    Store::open(device.home().join("journal.db"), key, Box::new(rng()))
        .map_err(|error| error.to_string())
}

/// What opens the envelopes of the one epoch that a new pair has.
pub(crate) fn epoch(store: &Store) -> Told<(JournalId, EpochSecret, LogSecret)> {
    let row = |name: &str| {
        let got = store.get(Table::Meta, name.as_bytes());
        got.ok().flatten().ok_or(format!("there is no row {name}"))
    };
    // Version, journal, log secret, …; and version, how many, number of the epoch, its secret.
    let (member, epochs) = (row("member")?, row("epochs")?);
    let array = |bytes: Option<&[u8]>| -> Told<[u8; 32]> {
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| "a row is not as it was".to_owned())
    };
    Ok((
        JournalId(array(member.get(1..33))?),
        EpochSecret::from_bytes(&array(epochs.get(3..35))?),
        LogSecret::from_bytes(&array(member.get(33..65))?),
    ))
}

/// How many characters an entry has.
pub(crate) const CHARACTERS: usize = 300;

/// Proposes boundaries of 300 characters, each an entry of its own, until there are `entries`. Gives the bytes of their texts.
pub(crate) fn grow(device: &Device, entries: u64) -> Told<u64> {
    let mut store = open(device)?;
    let mut replica = Replica::load(&OnShelf(&store)).map_err(|error| error.to_string())?;
    let mut bytes = 0;
    let mut rng = rng();
    for n in 0..entries {
        let text = text(n, CHARACTERS);
        bytes += text.len() as u64;
        let edit = Edit::Propose(Words {
            text,
            language: "en".into(),
            ..Words::default()
        });
        let mut world = World {
            now: 1_800_000_000_000 + i64::try_from(n).unwrap_or_default() * 60_000,
            rng: &mut rng,
            shelf: &OnShelf(&store),
        };
        let effects = replica
            .handle(&mut world, Input::Edit(edit))
            .map_err(|error| error.to_string())?;
        for effect in effects {
            if let Effect::Save { writes, .. } = effect {
                let writes: Vec<_> = writes.iter().map(store_write).collect();
                store
                    .commit_volatile(&writes)
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    store.close().map_err(|error| error.to_string())?;
    Ok(bytes)
}
