//! The two encodings of a column, item by item and added up: run-length, plain or of differences, and
//! alternating counts of booleans.

use super::{COLUMN_ITEMS, ColumnFault, at_most};
use crate::wall::reader::{ReadFault, Reader};

/// What a run-length column is made of.
pub(super) trait Item<'a>: Copy + PartialEq {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadFault>;
}

impl Item<'_> for u64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadFault> {
        reader.u64()
    }
}

impl Item<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadFault> {
        reader.i64()
    }
}

impl<'a> Item<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadFault> {
        reader.str()
    }
}

/// A run-length column, item by item.
pub(super) struct Runs<'a, T> {
    reader: Reader<'a>,
    left: u64,
    run: Run<T>,
}

#[derive(Clone, Copy)]
enum Run<T> {
    Null,
    Same(T),
    Each,
}

impl<'a, T: Item<'a>> Runs<'a, T> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Runs {
            reader: Reader(bytes),
            left: 0,
            run: Run::Null,
        }
    }

    /// Reads the next run's head; false at the end. The head's claim is bounded here, so nothing
    /// downstream meets a greater one.
    fn head(&mut self) -> Result<bool, ColumnFault> {
        if self.reader.is_empty() {
            return Ok(false);
        }
        let count = self.reader.i64()?;
        (self.left, self.run) = match count {
            0 => (self.reader.u64()?, Run::Null),
            1.. => (count.unsigned_abs(), Run::Same(T::read(&mut self.reader)?)),
            _ => (count.unsigned_abs(), Run::Each),
        };
        if self.left == 0 {
            return Err(ColumnFault::Operation);
        }
        at_most("items in a column", self.left, COLUMN_ITEMS)?;
        Ok(true)
    }

    /// The next item: null, too, once the column ends.
    pub(super) fn next(&mut self) -> Result<Option<T>, ColumnFault> {
        if self.left == 0 && !self.head()? {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        match self.run {
            Run::Null => Ok(None),
            Run::Same(item) => Ok(Some(item)),
            Run::Each => Ok(Some(T::read(&mut self.reader)?)),
        }
    }

    /// Walks to the end, in time with the bytes and not with what they claim.
    ///
    /// Only the form that Automerge writes is taken. It forgets a change's bytes and writes them anew
    /// from its operations: of another form the hash would not come back, and whether that shows would
    /// depend on what else the document holds.
    pub(super) fn count(mut self) -> Result<u64, ColumnFault> {
        let mut total = 0u64;
        let mut last = Last::Nothing;
        while self.head()? {
            total = total.saturating_add(self.left);
            at_most("items in a column", total, COLUMN_ITEMS)?;
            last = match (self.run, last) {
                (Run::Null, Last::Null) => return Err(ColumnFault::Form),
                (Run::Null, _) => Last::Null,
                (Run::Same(item), Last::Run(before) | Last::Each(before)) if item == before => {
                    return Err(ColumnFault::Form);
                }
                (Run::Same(_), _) if self.left == 1 => return Err(ColumnFault::Form),
                (Run::Same(item), _) => Last::Run(item),
                (Run::Each, Last::Each(_)) => return Err(ColumnFault::Form),
                (Run::Each, before) => self.each(before)?,
            };
        }
        // A column of nulls is left out.
        if let (Last::Null, Run::Null, true) = (last, self.run, total == self.left) {
            return Err(ColumnFault::Form);
        }
        Ok(total)
    }

    /// A run of single items: no two alike in a row, which would be a run of their own.
    fn each(&mut self, mut last: Last<T>) -> Result<Last<T>, ColumnFault> {
        for _ in 0..self.left {
            let item = T::read(&mut self.reader)?;
            if let Last::Run(before) | Last::Each(before) = last
                && item == before
            {
                return Err(ColumnFault::Form);
            }
            last = Last::Each(item);
        }
        Ok(last)
    }
}

/// What the run before ended with.
enum Last<T> {
    Nothing,
    Null,
    Run(T),
    Each(T),
}

/// A run-length column of differences.
pub(super) struct Delta<'a> {
    runs: Runs<'a, i64>,
    value: i64,
}

impl<'a> Delta<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Delta {
            runs: Runs::new(bytes),
            value: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<u64>, ColumnFault> {
        let Some(difference) = self.runs.next()? else {
            return Ok(None);
        };
        self.value = self
            .value
            .checked_add(difference)
            .ok_or(ColumnFault::Operation)?;
        u64::try_from(self.value)
            .map(Some)
            .map_err(|_| ColumnFault::Operation)
    }
}

/// A column of booleans: counts of false, true, false, …
pub(super) struct Flags<'a> {
    reader: Reader<'a>,
    left: u64,
    value: bool,
    first: bool,
}

impl<'a> Flags<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Flags {
            reader: Reader(bytes),
            left: 0,
            value: true,
            first: true,
        }
    }

    fn head(&mut self) -> Result<bool, ColumnFault> {
        if self.reader.is_empty() {
            return Ok(false);
        }
        self.left = self.reader.u64()?;
        self.value = !self.value;
        if self.left == 0 && !self.first {
            return Err(ColumnFault::Operation);
        }
        self.first = false;
        at_most("items in a column", self.left, COLUMN_ITEMS)?;
        Ok(true)
    }

    pub(super) fn next(&mut self) -> Result<bool, ColumnFault> {
        while self.left == 0 {
            if !self.head()? {
                return Err(ColumnFault::Operation);
            }
        }
        self.left = self.left.saturating_sub(1);
        Ok(self.value)
    }

    pub(super) fn count(mut self) -> Result<u64, ColumnFault> {
        let mut total = 0u64;
        while self.head()? {
            total = total.saturating_add(self.left);
            at_most("items in a column", total, COLUMN_ITEMS)?;
        }
        Ok(total)
    }
}
