//! What the shared texts of a part were at heads that somebody asked for. What they were there never changes, and asking
//! Automerge costs time with the whole text, so it is asked once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::agreement::TextVersion;
use crate::ids::EntryId;

/// Heads whose hash is remembered; one for each agreement there is, and a hundred agreements are many.
const HASHES: usize = 512;
/// Whole texts that are kept: the one in force, and around an edit the one before and the one after it.
const WHOLE: usize = 4;

/// Shared by the copies of a part: they hold the same changes, or more of them.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Versions>>);

#[derive(Default)]
struct Versions {
    hashes: BTreeMap<Place, [u8; 32]>,
    /// The one that was asked for last at the end.
    whole: Vec<(Place, Arc<TextVersion>)>,
}

/// The hash is of the entry too.
type Place = (EntryId, Vec<[u8; 32]>);

impl Seen {
    /// What was seen at these heads, rising.
    pub(crate) fn version(&self, place: &Place) -> Option<Arc<TextVersion>> {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = versions.whole.iter().position(|(at, _)| at == place)?;
        let found = versions.whole.remove(at);
        let version = Arc::clone(&found.1);
        versions.whole.push(found);
        Some(version)
    }

    /// Its hash, which is remembered longer.
    pub(crate) fn hash(&self, place: &Place) -> Option<[u8; 32]> {
        let versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.hashes.get(place).copied()
    }

    pub(crate) fn keep(&self, place: Place, version: &Arc<TextVersion>) {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.hashes.len() >= HASHES {
            versions.hashes.clear();
        }
        versions.hashes.insert(place.clone(), version.hash);
        versions.whole.push((place, Arc::clone(version)));
        let beyond = versions.whole.len().saturating_sub(WHOLE);
        versions.whole.drain(..beyond);
    }
}
