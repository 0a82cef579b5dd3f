//! `doctor --repair`: a store that is damaged is read as far as it goes into a new one, what this device's own log says is made
//! anew, and what only the log had is asked of the partner's device (`docs/decisions/0071-what-repair-can-bring-back.md`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use amends_keys::seal::StoreKey;
use amends_keys::vault::VaultKey;
use amends_replica::{Mended, Replica, RowError, mend_rows};
use amends_store::{OpenError, Store};

use super::stores::{self, Shelves, commit, damaged, internal, system_rng};
use crate::advice::{self, Advice};
use crate::doctor::{failed, well};
use crate::home::{Home, Place};
use crate::request::{Failure, Finding};
use crate::terminal::{line, reason};

/// Mends both stores of a home, as far as that can be done here. The lock is the caller's.
pub fn repair_stores(home: &Home, key: &VaultKey) -> Vec<Finding> {
    [
        (home.journal_db(), true, "journal"),
        (home.private_db(), false, "private"),
    ]
    .into_iter()
    .map(|(path, shared, check)| {
        let store_key = || {
            if shared {
                key.journal_store()
            } else {
                key.private_store()
            }
        };
        match repair(home, &path, &store_key, shared) {
            Ok(told) => well(check, told),
            Err(failure) => failed(check, failure),
        }
    })
    .collect()
}

fn repair(
    home: &Home,
    path: &Path,
    key: &dyn Fn() -> StoreKey,
    shared: bool,
) -> Result<String, Failure> {
    let shown = line(&path.display().to_string());
    let whole = Store::open(path, key(), Box::new(system_rng())).and_then(|store| {
        let report = store
            .check()
            .map_err(|error| OpenError::Damaged(error.to_string()))?;
        match report.faults.is_empty() {
            true => Ok(store),
            false => Err(OpenError::Damaged("some of it cannot be read".to_owned())),
        }
    });
    match whole {
        Ok(mut store) => {
            let mended = mend(home, path, &mut store, shared)?;
            close(store)?;
            Ok(advice::mended(&shown, mended.as_ref(), false))
        }
        // What is no fault of its bytes is not mended by writing them anew.
        Err(
            OpenError::Damaged(_)
            | OpenError::NotOurs(_)
            | OpenError::Unfinished(_)
            | OpenError::WrongKey,
        ) => {
            let mended = make_anew(home, path, key, shared)?;
            Ok(advice::mended(&shown, mended.as_ref(), true))
        }
        Err(other) => Err(stores::open_failed(path, &other)),
    }
}

/// The name of a file beside a store.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What SQLite may keep beside a file.
const SIDES: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Reads what can be read into a new store, mends that, and puts it in the place of the damaged one, which is kept beside it.
fn make_anew(
    home: &Home,
    path: &Path,
    key: &dyn Fn() -> StoreKey,
    shared: bool,
) -> Result<Option<Mended>, Failure> {
    let (kept, new) = (beside(path, ".damaged"), beside(path, ".repaired"));
    let refused = |error: &io::Error| not_repaired(path, error);
    for leftover in [&new, &beside(&new, ".second")] {
        for file in SIDES.map(|side| beside(leftover, side)) {
            remove(&file).map_err(|error| refused(&error))?;
        }
        remove(leftover).map_err(|error| refused(&error))?;
    }
    for side in ["", "-wal"] {
        copy(&beside(path, side), &beside(&kept, side)).map_err(|error| refused(&error))?;
    }
    // It is read from a second copy, since reading writes in it: what is kept stays as it was.
    let read = beside(&new, ".read");
    for side in ["", "-wal"] {
        copy(&beside(path, side), &beside(&read, side)).map_err(|error| refused(&error))?;
    }
    let salvaged = Store::salvage(&read, &new, key, || Box::new(system_rng()));
    for side in ["", "-wal", "-journal", "-shm"] {
        remove(&beside(&read, side)).map_err(|error| refused(&error))?;
    }
    let (mut store, _) = salvaged.map_err(|error| stores::open_failed(path, &error))?;
    let mended = mend(home, path, &mut store, shared)?;
    if shared {
        stores::put_place(&mut store, &Place::of(&new))?;
    }
    close(store)?;
    // The `-wal` of the old one must not be taken for the new one's.
    for side in SIDES {
        remove(&beside(path, side)).map_err(|error| refused(&error))?;
    }
    fs::rename(&new, path)
        .and_then(|()| File::open(home.dir())?.sync_all())
        .map_err(|error| refused(&error))?;
    Ok(mended)
}

fn close(store: Store) -> Result<(), Failure> {
    store.close().map_err(|error| {
        Advice::NotSaved {
            error: error.to_string(),
        }
        .into()
    })
}

fn not_repaired(path: &Path, error: &io::Error) -> Failure {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        return Advice::DiskFull.into();
    }
    Advice::HomeUnusable {
        path: line(&path.display().to_string()),
        error: reason(error),
    }
    .into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a file, where there is one, into another that only this user can read.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return remove(to),
        opened => opened?,
    };
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

/// Makes the rows anew that can be made of others. Nothing where the store holds no journal yet.
fn mend(
    home: &Home,
    path: &Path,
    store: &mut Store,
    shared: bool,
) -> Result<Option<Mended>, Failure> {
    let gone = || {
        Failure::from(Advice::BeyondRepair {
            path: line(&path.display().to_string()),
        })
    };
    let failed = |error: &RowError| match error {
        RowError::Missing(_) => gone(),
        other => damaged(path, other),
    };
    if shared {
        stores::device_of(home, store).map_err(|_| gone())?;
        let pair = stores::pair_of(home, store).map_err(|_| gone())?;
        let founded = Replica::is_founded(&Shelves(store)).map_err(|error| failed(&error))?;
        match (pair, founded) {
            (None, false) => return Ok(None),
            (Some(_), true) => {}
            _ => return Err(gone()),
        }
    }
    let (writes, mended) = mend_rows(&Shelves(store)).map_err(|error| failed(&error))?;
    commit(store, writes, true)?;
    let mut replica = Replica::load(&Shelves(store)).map_err(|error| failed(&error))?;
    let (writes, mended) = replica
        .mend_entries(&Shelves(store), mended)
        .map_err(|error| internal(&error))?;
    commit(store, writes, true)?;
    Ok(Some(mended))
}
