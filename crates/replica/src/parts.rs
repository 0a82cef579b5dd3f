//! The Automerge documents in use.

use std::collections::{BTreeMap, VecDeque};

use amends_journal::{BOUNDARY_SCHEMA, EntryId, EntryKind, Part, PartKind};

use crate::rows::{self, PartName, RowError};
use crate::shelf::{Gathered, Table};

/// The documents in use, few of them: an entry that nobody looks at costs no memory.
#[derive(Default)]
pub(crate) struct Parts {
    loaded: BTreeMap<(EntryId, PartName), Part>,
    order: VecDeque<(EntryId, PartName)>,
    /// A part that nobody wrote to yet, shared and own: copied faster than made.
    blank: BTreeMap<bool, Part>,
}

/// Documents that stay loaded,
const PARTS_LOADED: usize = 48;
/// and their weight, saved; loaded they weigh some times that.
const PARTS_BYTES: usize = 8 * 1024 * 1024;

impl Parts {
    /// A part, loaded where it must be; a part that nobody wrote to yet holds the fixed first change only.
    pub(crate) fn take(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        part_name: PartName,
    ) -> Result<Part, RowError> {
        if let Some(part) = self.loaded.remove(&(*entry, part_name)) {
            return Ok(part);
        }
        let kind = match part_name {
            PartName::Shared => PartKind::Shared,
            PartName::Mine | PartName::Partners => PartKind::Own,
        };
        match gathered.get(Table::Part, &rows::part_key(entry, part_name))? {
            None => self.blank(kind),
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

    fn blank(&mut self, kind: PartKind) -> Result<Part, RowError> {
        let shared = kind == PartKind::Shared;
        if let Some(part) = self.blank.get(&shared) {
            return Ok(part.clone());
        }
        let part = Part::new(EntryKind::Boundary, BOUNDARY_SCHEMA, kind)
            .map_err(|_| RowError::Damaged("part"))?;
        self.blank.insert(shared, part.clone());
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
