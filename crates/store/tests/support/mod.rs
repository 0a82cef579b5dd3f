//! What the store's tests share: a home, a key, randomness that is the same at every run.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file takes its own part of it in as a module"
)]

use std::path::{Path, PathBuf};

use amends_keys::seal::StoreKey;
use amends_store::{OpenError, Store};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;

pub fn key() -> StoreKey {
    StoreKey::from_bytes(&[7; 32])
}

pub fn another_key() -> StoreKey {
    StoreKey::from_bytes(&[8; 32])
}

pub fn rng() -> Box<ChaCha20Rng> {
    Box::new(ChaCha20Rng::from_seed([1; 32]))
}

pub fn create(path: &Path) -> Store {
    Store::create(path, key(), rng()).unwrap()
}

pub fn try_open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, key(), rng())
}

pub fn open(path: &Path) -> Store {
    try_open(path).unwrap()
}

/// A folder that goes away with the test, and where its store is.
pub fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal.db");
    (home, path)
}

pub fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The names of all files in a folder, sorted.
pub fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
