//! The Automerge documents in use.

use std::collections::{BTreeMap, VecDeque};

use amends_journal::{EntryId, EntryKind, Part, PartKind};

use crate::rows::{self, PartName, RowError};
use crate::shelf::{Gathered, Table};

/// The documents in use, few of them: an entry that nobody looks at costs no memory.
#[derive(Default)]
pub(crate) struct Parts {
    loaded: BTreeMap<(EntryId, PartName), Part>,
    order: VecDeque<(EntryId, PartName)>,
    /// Parts that nobody wrote to yet, by kind, schema and whether they are shared: copied faster than made.
    blank: BTreeMap<(u8, u8, bool), Part>,
}

/// Entries of which all parts stay loaded.
pub(crate) const ENTRIES_LOADED: usize = 16;
/// Documents that stay loaded,
const PARTS_LOADED: usize = ENTRIES_LOADED * PartName::ALL.len();
/// and their weight, saved; loaded they weigh some times that.
const PARTS_BYTES: usize = 8 * 1024 * 1024;

impl Parts {
    /// A part, loaded where it must be; a part that nobody wrote to yet holds the fixed first change only, of this kind
    /// and schema.
    pub(crate) fn take(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        part_name: PartName,
        of: (EntryKind, u8),
    ) -> Result<Part, RowError> {
        if let Some(part) = self.loaded.remove(&(*entry, part_name)) {
            return Ok(part);
        }
        let kind = part_name.kind();
        match gathered.get(Table::Part, &rows::part_key(entry, part_name))? {
            None => self.blank(of, kind),
            Some(value) => match value.split_first_chunk::<2>() {
                Some(([entry_kind, schema], snapshot)) => {
                    let entry_kind =
                        EntryKind::from_byte(*entry_kind).ok_or(RowError::Damaged("part"))?;
                    Part::load(entry_kind, *schema, kind, snapshot)
                        .map_err(|_| RowError::Damaged("part"))
                }
                None => Err(RowError::Damaged("part")),
            },
        }
    }

    /// A part that nobody wrote to yet.
    pub(crate) fn blank(
        &mut self,
        (kind, schema): (EntryKind, u8),
        part: PartKind,
    ) -> Result<Part, RowError> {
        let key = (kind.byte(), schema, part == PartKind::Shared);
        if let Some(part) = self.blank.get(&key) {
            return Ok(part.clone());
        }
        let part = Part::new(kind, schema, part).map_err(|_| RowError::Damaged("part"))?;
        self.blank.insert(key, part.clone());
        Ok(part)
    }

    pub(crate) fn put_back(&mut self, entry: EntryId, part_name: PartName, part: Part) {
        let key = (entry, part_name);
        self.loaded.insert(key, part);
        self.order.retain(|other| *other != key);
        self.order.push_back(key);
        let mut weight: usize = self.loaded.values().map(Part::weight).sum();
        while self.order.len() > PARTS_LOADED || (weight > PARTS_BYTES && self.order.len() > 1) {
            let Some(old) = self.order.pop_front() else {
                return;
            };
            let gone = self.loaded.remove(&old).map_or(0, |part| part.weight());
            weight = weight.saturating_sub(gone);
        }
    }
}
