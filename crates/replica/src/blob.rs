//! Blobs: photos, which are not in the logs, so that nothing waits behind them (PROTOCOL section 3). An entry's part holds
//! a [`BlobRef`]: the key, the length and the names of the sealed chunks. This file knows which chunks there are, which of
//! them are here, and which are still to come; [`crate::chunks`] moves them between devices.
//!
//! Whoever writes an entry with a photo calls [`Replica::seal_blob`], and [`Replica::keep_blob`] into the same transaction; whoever makes an entry's
//! card says by [`Replica::note_blobs`] what the entry names. From then on missing chunks are asked for.
//!
//! A chunk comes only if an entry names it, and what entries may name is bounded, by [`MOST_OF_ENTRY`] and
//! [`MOST_IN_ALL`]: a partner cannot fill this disk.

mod reference;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use amends_journal::EntryId;
use amends_keys::blob::{self as sealed, BlobKey, ChunkName, MAX_BLOB, chunks_of};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::effect::{Effect, HandleError, Shown, World};
use crate::replica::Replica;
use crate::rows::{self, RowError};
use crate::shelf::{Gathered, Shelf, Table};

pub use reference::{BlobRef, BlobRefError};

/// Of one entry this many bytes of blobs are fetched, in the order in which it names them.
pub const MOST_OF_ENTRY: u64 = 128 << 20;
/// And this many sealed bytes that were not written here, of all entries together.
pub const MOST_IN_ALL: u64 = 4 << 30;
/// A short chunk counts as one of this many bytes: a name takes room too.
const LEAST_COUNTED: u64 = 4096;
/// Rows that are read at once.
const ROWS_A_PAGE: usize = 1024;

mod name {
    pub(super) const CHUNK: &str = "chunk";
    pub(super) const NAMING: &str = "naming";
}

/// How far a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobProgress {
    /// Chunks that are here.
    pub here: usize,
    /// Chunks that it has.
    pub of: usize,
    /// What is missing is being asked for. False where all is here, and where the entries name more than is taken from a
    /// partner ([`MOST_OF_ENTRY`], [`MOST_IN_ALL`]).
    pub coming: bool,
    /// The partner's device said of every chunk that its disk has it.
    pub reached: bool,
}

/// Why a blob was not read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BlobError {
    /// Some of it has not come yet.
    #[error("{here} of {of} chunks are here")]
    NotHere {
        /// Chunks that are here.
        here: usize,
        /// Chunks that it has.
        of: usize,
    },
    /// What is saved is not what the entry names, or what it names does not open.
    #[error("chunk {index} of it is not what was written")]
    Damaged {
        /// The chunk's number, from 0.
        index: u32,
    },
    /// The shelf cannot be read.
    #[error(transparent)]
    Shelf(#[from] crate::shelf::ShelfError),
}

/// What is known of a chunk, as it is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ChunkRow {
    /// It is here.
    held: bool,
    /// It was sealed here.
    mine: bool,
    /// The other device said that its disk has it.
    reached: bool,
}

/// The blobs of an entry that are fetched, as they are saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct NamingRow {
    blobs: Vec<NamedRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NamedRow {
    length: u64,
    chunks: Vec<ChunkName>,
}

impl NamedRow {
    fn sizes(&self) -> impl Iterator<Item = (ChunkName, usize)> + '_ {
        sizes(self.length, &self.chunks)
    }
}

/// Each chunk's name with the length that it has, sealed.
fn sizes(length: u64, chunks: &[ChunkName]) -> impl Iterator<Item = (ChunkName, usize)> + '_ {
    (0u32..).zip(chunks).map(move |(index, name)| {
        let size = sealed::sealed_chunk_len(length, index).unwrap_or(0);
        (*name, size)
    })
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    row: ChunkRow,
    /// How long it is, by the first entry that named it.
    size: usize,
    named_by: BTreeSet<EntryId>,
    /// Its place among those that are to come.
    wanted: Option<u64>,
}

impl Chunk {
    /// What it counts of [`MOST_IN_ALL`].
    fn counts(&self) -> u64 {
        let takes_room = self.row.held || !self.named_by.is_empty();
        if takes_room && !self.row.mine {
            cost(self.size)
        } else {
            0
        }
    }
}

fn cost(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX).max(LEAST_COUNTED)
}

/// Every chunk of which something is known.
#[derive(Default)]
pub(crate) struct Blobs {
    chunks: BTreeMap<ChunkName, Chunk>,
    naming: BTreeMap<EntryId, NamingRow>,
    /// Chunks that are named and not here, in the order in which they are asked for.
    wanted: BTreeMap<u64, ChunkName>,
    next: u64,
    /// What was not written here counts this much.
    foreign: u64,
    /// Chunks that are here and named, and of which the other device did not say that it has them.
    unreached: BTreeSet<ChunkName>,
}

impl Blobs {
    pub(crate) fn load(shelf: &dyn Shelf) -> Result<Self, RowError> {
        let mut blobs = Self::default();
        each_row(shelf, Table::Chunk, |key, value| {
            let name = ChunkName::try_from(key).map_err(|_| RowError::Damaged(name::CHUNK))?;
            let row = rows::decode(name::CHUNK, value)?;
            blobs.chunks.entry(name).or_default().row = row;
            Ok(())
        })?;
        each_row(shelf, Table::Naming, |key, value| {
            let entry = EntryId(
                key.try_into()
                    .map_err(|_| RowError::Damaged(name::NAMING))?,
            );
            let row: NamingRow = rows::decode(name::NAMING, value)?;
            for (name, size) in row.blobs.iter().flat_map(NamedRow::sizes) {
                blobs.name(entry, name, size);
            }
            blobs.naming.insert(entry, row);
            Ok(())
        })?;
        Ok(blobs)
    }

    /// An entry names a chunk.
    fn name(&mut self, entry: EntryId, name: ChunkName, size: usize) {
        let chunk = self.chunks.entry(name).or_default();
        let before = chunk.counts();
        if chunk.named_by.is_empty() {
            chunk.size = size;
        }
        chunk.named_by.insert(entry);
        self.foreign = self.foreign.saturating_sub(before);
        self.foreign = self.foreign.saturating_add(chunk.counts());
        self.settle(&name);
    }

    /// An entry does not name a chunk any more.
    fn unname(&mut self, entry: &EntryId, name: &ChunkName) {
        let Some(chunk) = self.chunks.get_mut(name) else {
            return;
        };
        let before = chunk.counts();
        chunk.named_by.remove(entry);
        self.foreign = self.foreign.saturating_sub(before);
        self.foreign = self.foreign.saturating_add(chunk.counts());
        self.settle(name);
        let nothing = |chunk: &Chunk| chunk.named_by.is_empty() && chunk.row == ChunkRow::default();
        if self.chunks.get(name).is_some_and(nothing) {
            self.chunks.remove(name);
        }
    }

    /// Brings the lists in line with what is known of a chunk.
    fn settle(&mut self, name: &ChunkName) {
        let Some(chunk) = self.chunks.get_mut(name) else {
            return;
        };
        let named = !chunk.named_by.is_empty();
        match chunk.wanted {
            None if named && !chunk.row.held => {
                chunk.wanted = Some(self.next);
                self.wanted.insert(self.next, *name);
                self.next = self.next.saturating_add(1);
            }
            Some(place) if !named || chunk.row.held => {
                chunk.wanted = None;
                self.wanted.remove(&place);
            }
            _ => {}
        }
        if named && chunk.row.held && !chunk.row.reached {
            self.unreached.insert(*name);
        } else {
            self.unreached.remove(name);
        }
    }

    /// Changes what is known of a chunk; false where that is nothing new.
    fn set(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &ChunkName,
        change: impl FnOnce(&mut ChunkRow),
    ) -> Result<bool, RowError> {
        let chunk = self.chunks.entry(*name).or_default();
        let (was, before) = (chunk.row, chunk.counts());
        change(&mut chunk.row);
        if chunk.row == was {
            return Ok(false);
        }
        gathered.put(
            Table::Chunk,
            name.to_vec(),
            rows::encode(name::CHUNK, &chunk.row)?,
        );
        self.foreign = self.foreign.saturating_sub(before);
        self.foreign = self.foreign.saturating_add(chunk.counts());
        self.settle(name);
        Ok(true)
    }

    pub(crate) fn is_held(&self, name: &ChunkName) -> bool {
        self.chunks.get(name).is_some_and(|chunk| chunk.row.held)
    }

    /// How long a chunk must be that is named and not here.
    pub(crate) fn wanted_size(&self, name: &ChunkName) -> Option<usize> {
        let chunk = self.chunks.get(name)?;
        chunk.wanted.map(|_| chunk.size)
    }

    /// The chunks that are to come, from a place on.
    pub(crate) fn wanted_from(&self, place: u64) -> impl Iterator<Item = (u64, ChunkName)> + '_ {
        self.wanted.range(place..).map(|(at, name)| (*at, *name))
    }

    /// Asks for a chunk again, after all others: whoever was asked for it is gone.
    pub(crate) fn want_again(&mut self, name: &ChunkName) {
        let Some(chunk) = self.chunks.get_mut(name) else {
            return;
        };
        if let Some(place) = chunk.wanted.take() {
            self.wanted.remove(&place);
        }
        self.settle(name);
    }

    /// What is saved as a chunk is not one. Known until the program ends; then it is found again.
    pub(crate) fn lost(&mut self, name: &ChunkName) {
        if let Some(chunk) = self.chunks.get_mut(name) {
            chunk.row.held = false;
        }
        self.settle(name);
    }

    pub(crate) fn unreached(&self) -> impl Iterator<Item = ChunkName> + '_ {
        self.unreached.iter().copied()
    }

    /// The chunks that go into a bundle: those of which the other device did not say that it has them, or all that are here.
    pub(crate) fn for_bundle(&self, all: bool) -> VecDeque<ChunkName> {
        if !all {
            return self.unreached.iter().copied().collect();
        }
        let here = |chunk: &Chunk| chunk.row.held && !chunk.named_by.is_empty();
        self.chunks
            .iter()
            .filter(|(_, chunk)| here(chunk))
            .map(|(name, _)| *name)
            .collect()
    }

    pub(crate) fn is_unreached(&self, name: &ChunkName) -> bool {
        self.unreached.contains(name)
    }

    /// A chunk came that is wanted; its name and its length are right. It came from the other device, or from a file.
    pub(crate) fn came(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &ChunkName,
        bytes: Vec<u8>,
        from_device: bool,
    ) -> Result<Vec<Effect>, RowError> {
        gathered.put(Table::Blob, name.to_vec(), bytes);
        self.set(gathered, name, |row| {
            row.held = true;
            row.reached |= from_device;
        })?;
        let entries = self.chunks.get(name).map(|chunk| &chunk.named_by);
        let shown = |entry: &EntryId| {
            let (here, of) = self.of_entry(entry, |chunk| chunk.row.held);
            Effect::Show(Shown::BlobCame {
                entry: *entry,
                here,
                of,
            })
        };
        Ok(entries.into_iter().flatten().map(shown).collect())
    }

    /// The other device says whether its disk has a chunk. Gives the entries whose blobs are all there now.
    pub(crate) fn said(
        &mut self,
        gathered: &mut Gathered<'_>,
        name: &ChunkName,
        has: bool,
    ) -> Result<Vec<Effect>, RowError> {
        // Nothing is remembered of what no entry here names: the other device could fill the memory with it.
        if !self.chunks.contains_key(name) || (has && !self.is_held(name)) {
            return Ok(Vec::new());
        }
        if !self.set(gathered, name, |row| row.reached = has)? || !has {
            return Ok(Vec::new());
        }
        let entries = self.chunks.get(name).map(|chunk| &chunk.named_by);
        let whole = |entry: &&EntryId| {
            let (there, of) = self.of_entry(entry, |chunk| chunk.row.reached);
            there == of
        };
        let shown = |entry: &EntryId| Effect::Show(Shown::BlobsReached(*entry));
        Ok(entries
            .into_iter()
            .flatten()
            .filter(whole)
            .map(shown)
            .collect())
    }

    /// For how many chunks of an entry something is true, and how many it names.
    fn of_entry(&self, entry: &EntryId, is: impl Fn(&Chunk) -> bool) -> (usize, usize) {
        let names = self
            .naming
            .get(entry)
            .into_iter()
            .flat_map(|row| &row.blobs)
            .flat_map(|blob| &blob.chunks);
        names.fold((0, 0), |(true_of, of), name| {
            let true_here = self.chunks.get(name).is_some_and(&is);
            (true_of + usize::from(true_here), of + 1)
        })
    }

    /// Keeps what an entry names, as far as it is taken.
    fn note(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        blobs: &[BlobRef],
    ) -> Result<(), RowError> {
        let before = self.naming.get(&entry).cloned().unwrap_or_default();
        if blobs.is_empty() && before.blobs.is_empty() {
            return Ok(());
        }
        let mut row = NamingRow::default();
        let (mut bytes, mut more) = (0u64, 0u64);
        for blob in blobs {
            bytes = bytes.saturating_add(blob.length);
            let named = NamedRow {
                length: blob.length,
                chunks: blob.chunks.clone(),
            };
            let new: u64 = named
                .sizes()
                .filter(|(name, _)| {
                    let known = self.chunks.get(name);
                    known.is_none_or(|chunk| chunk.counts() == 0 && !chunk.row.mine)
                })
                .map(|(_, size)| cost(size))
                .fold(0, u64::saturating_add);
            let all = self.foreign.saturating_add(more).saturating_add(new);
            // What was taken once is taken, whatever else came since.
            let known = before.blobs.contains(&named) || new == 0;
            if known || (bytes <= MOST_OF_ENTRY && all <= MOST_IN_ALL) {
                more = more.saturating_add(new);
                row.blobs.push(named);
            }
        }
        if row == before {
            return Ok(());
        }
        gathered.put(
            Table::Naming,
            entry.0.to_vec(),
            rows::encode(name::NAMING, &row)?,
        );
        let kept: BTreeSet<ChunkName> = row
            .blobs
            .iter()
            .flat_map(|blob| blob.chunks.iter().copied())
            .collect();
        for name in before.blobs.iter().flat_map(|blob| &blob.chunks) {
            if !kept.contains(name) {
                self.unname(&entry, name);
            }
        }
        for (name, size) in row.blobs.iter().flat_map(NamedRow::sizes) {
            self.name(entry, name, size);
        }
        self.naming.insert(entry, row);
        Ok(())
    }
}

/// Brings what is said of pieces in line with those that are here. Gives how many were said to be and are not.
pub(crate) fn mend(
    gathered: &mut Gathered<'_>,
    shelf: &dyn Shelf,
    here: &BTreeSet<Vec<u8>>,
) -> Result<u64, RowError> {
    let mut known = BTreeSet::new();
    let mut gone: u64 = 0;
    each_row(shelf, Table::Chunk, |key, value| {
        let row: Option<ChunkRow> = rows::decode(name::CHUNK, value).ok();
        let held = here.contains(key);
        match row {
            Some(row) if row.held == held => {}
            Some(row) => {
                gone = gone.saturating_add(u64::from(row.held));
                let row = ChunkRow { held, ..row };
                let row = rows::encode(name::CHUNK, &row)?;
                gathered.put(Table::Chunk, key.to_vec(), row);
            }
            None => gathered.delete(Table::Chunk, key.to_vec()),
        }
        if row.is_some() {
            known.insert(key.to_vec());
        }
        Ok(())
    })?;
    for key in here.difference(&known) {
        let row = ChunkRow {
            held: true,
            ..ChunkRow::default()
        };
        gathered.put(Table::Chunk, key.clone(), rows::encode(name::CHUNK, &row)?);
    }
    each_row(shelf, Table::Naming, |key, value| {
        if key.len() != 16 || rows::decode::<NamingRow>(name::NAMING, value).is_err() {
            gathered.delete(Table::Naming, key.to_vec());
        }
        Ok(())
    })?;
    Ok(gone)
}

fn each_row(
    shelf: &dyn Shelf,
    table: Table,
    mut then: impl FnMut(&[u8], &[u8]) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let mut from = Vec::new();
    loop {
        let page = shelf.scan(table, &from, ROWS_A_PAGE)?;
        for (key, value) in &page {
            then(key, value)?;
        }
        match page.into_iter().nth(ROWS_A_PAGE - 1) {
            Some((last, _)) => from = last,
            None => return Ok(()),
        }
        from.push(0);
    }
}

/// A blob that was sealed and is not kept yet.
pub(crate) struct SealedBlob {
    /// What an entry says of it.
    pub(crate) blob: BlobRef,
    chunks: Vec<(ChunkName, Vec<u8>)>,
}

impl Replica {
    /// Seals a blob of this person's. Nothing knows of it before [`Replica::keep_blob`].
    ///
    /// # Errors
    /// [`HandleError::Seal`] where it is empty or over [`MAX_BLOB`], which whoever asks a person checks first.
    pub(crate) fn seal_blob(
        &self,
        world: &mut World<'_>,
        bytes: &[u8],
    ) -> Result<SealedBlob, HandleError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if chunks_of(length).is_none() {
            return Err(HandleError::Seal(format!(
                "a blob has 1 to {MAX_BLOB} bytes, this one {length}"
            )));
        }
        let key = BlobKey::generate(world.rng);
        let mut chunks = Vec::new();
        for (index, plain) in (0u32..).zip(bytes.chunks(CHUNK)) {
            let mut salt = [0u8; 24];
            world.rng.fill_bytes(&mut salt);
            let chunk = sealed::seal_chunk(&key, &self.journal, salt, length, index, plain)
                .map_err(|error| HandleError::Seal(error.to_string()))?;
            chunks.push((sealed::chunk_name(&chunk), chunk));
        }
        Ok(SealedBlob {
            blob: BlobRef {
                key,
                length,
                chunks: chunks.iter().map(|(name, _)| *name).collect(),
            },
            chunks,
        })
    }

    /// Keeps what was sealed, in the transaction that writes the entry which names it.
    ///
    /// # Errors
    /// Where a row cannot be written down.
    pub(crate) fn keep_blob(
        &mut self,
        gathered: &mut Gathered<'_>,
        sealed: SealedBlob,
    ) -> Result<(), HandleError> {
        for (name, chunk) in sealed.chunks {
            gathered.put(Table::Blob, name.to_vec(), chunk);
            self.blobs.set(gathered, &name, |row| {
                *row = ChunkRow {
                    held: true,
                    mine: true,
                    reached: false,
                };
            })?;
        }
        Ok(())
    }

    /// An entry names these blobs, and no others: to be said whenever its card is made. What is not here is asked for.
    ///
    /// # Errors
    /// Where a row cannot be written down.
    pub(crate) fn note_blobs(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        blobs: &[BlobRef],
    ) -> Result<(), HandleError> {
        Ok(self.blobs.note(gathered, entry, blobs)?)
    }

    /// How far a blob is.
    pub fn blob_progress(&self, blob: &BlobRef) -> BlobProgress {
        let known = |name: &ChunkName| self.blobs.chunks.get(name);
        let count = |is: &dyn Fn(&Chunk) -> bool| {
            let chunks = blob.chunks.iter().filter_map(known);
            chunks.filter(|chunk| is(chunk)).count()
        };
        let (here, of) = (count(&|chunk| chunk.row.held), blob.chunks.len());
        BlobProgress {
            here,
            of,
            coming: here < of && here + count(&|chunk| chunk.wanted.is_some()) == of,
            reached: count(&|chunk| chunk.row.reached) == of,
        }
    }

    /// Chunks that entries name and that have not come yet.
    pub fn chunks_to_come(&self) -> usize {
        self.blobs.wanted.len()
    }

    /// Chunks that entries name, that are here, and of which the other device did not say that it has them.
    pub fn chunks_to_go(&self) -> usize {
        self.blobs.unreached.len()
    }

    /// A whole blob, every chunk of it proved.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn read_blob(&self, shelf: &dyn Shelf, blob: &BlobRef) -> Result<Vec<u8>, BlobError> {
        if chunks_of(blob.length) != Some(blob.chunks.len()) {
            return Err(BlobError::Damaged { index: 0 });
        }
        let mut whole = Vec::new();
        for (index, name) in (0u32..).zip(&blob.chunks) {
            let Some(chunk) = shelf.get(Table::Blob, name)? else {
                let BlobProgress { here, of, .. } = self.blob_progress(blob);
                return Err(BlobError::NotHere { here, of });
            };
            let damaged = BlobError::Damaged { index };
            if sealed::chunk_name(&chunk) != *name {
                return Err(damaged);
            }
            match sealed::open_chunk(&blob.key, &self.journal, blob.length, index, &chunk) {
                Ok(plain) => whole.extend_from_slice(&plain),
                Err(_) => return Err(damaged),
            }
        }
        Ok(whole)
    }
}

/// As a length of a slice.
const CHUNK: usize = sealed::CHUNK as usize;
