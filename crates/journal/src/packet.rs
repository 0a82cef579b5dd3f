//! Packets: an exact list of entries that a counselor may read, agreed by both as a boundary is.
//!
//! The agreed text is the list: a line for each entry, parted by line feeds and rising by id, none twice, of three words
//! with one space between them:
//!
//! ```text
//! WHOLE-ID KIND DIGEST
//! ```
//!
//! the digest in 64 lower-case hexadecimal digits. It names everything that the entry holds
//! ([`Entry::content_digest`]), so that whoever agreed to the list agreed to what stood in those entries then. Nothing but
//! this one spelling is a list: two lists are the same where their texts are.

use std::fmt;
use std::str::FromStr;

use crate::entry::Entry;
use crate::hash::content_digest;
use crate::ids::EntryId;
use crate::kind::EntryKind;
use crate::rule::{Past, RuleFault};
use crate::said::{Statement, Writer};

/// The most entries that one list names. Their text stays below [`TEXT_BYTES`](crate::TEXT_BYTES).
pub const MOST: usize = 1000;

/// A packet is begun, and then agreed to; nothing else is said of it.
pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    crate::lesson::rule(writer, past, statement)
}

/// One entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub entry: EntryId,
    /// What it is.
    pub kind: EntryKind,
    /// What it held when it was put on the list.
    pub digest: [u8; 32],
}

/// An exact list of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List(Vec<Item>);

/// Why something is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It names nothing.
    #[error("it names nothing")]
    Empty,
    /// It names more than [`MOST`].
    #[error("it names more than {MOST} entries")]
    TooMany,
    /// The line of this number, from 1, is not an id, a kind and a digest.
    #[error("line {0} is not an id, a kind and a digest")]
    Line(usize),
    /// The ids do not rise at this line, from 1: one is named twice, or out of order.
    #[error("line {0} is out of order, or there twice")]
    Order(usize),
}

impl List {
    /// A list of these, in whatever order they come; of one that comes twice, the last.
    ///
    /// # Errors
    /// [`ListError::Empty`], [`ListError::TooMany`].
    pub fn new(items: impl IntoIterator<Item = Item>) -> Result<List, ListError> {
        let all: std::collections::BTreeMap<EntryId, Item> =
            items.into_iter().map(|item| (item.entry, item)).collect();
        match all.len() {
            0 => Err(ListError::Empty),
            n if n > MOST => Err(ListError::TooMany),
            _ => Ok(List(all.into_values().collect())),
        }
    }

    /// The entries, rising by id.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.0
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{} {} ", item.entry, item.kind.name())?;
            item.digest
                .iter()
                .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

impl FromStr for List {
    type Err = ListError;

    fn from_str(text: &str) -> Result<List, ListError> {
        if text.is_empty() {
            return Err(ListError::Empty);
        }
        let mut items: Vec<Item> = Vec::new();
        for (at, line) in text.split('\n').enumerate() {
            let number = at.saturating_add(1);
            if at >= MOST {
                return Err(ListError::TooMany);
            }
            let item = item(line).ok_or(ListError::Line(number))?;
            if items.last().is_some_and(|last| last.entry >= item.entry) {
                return Err(ListError::Order(number));
            }
            items.push(item);
        }
        Ok(List(items))
    }
}

fn item(line: &str) -> Option<Item> {
    let mut words = line.split(' ');
    let (id, kind, digest) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || digest.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digest.as_bytes().chunks_exact(2)) {
        *byte = match pair {
            [high, low] => hex_digit(*high)? << 4 | hex_digit(*low)?,
            _ => return None,
        };
    }
    Some(Item {
        entry: EntryId::from_whole(id)?,
        kind: EntryKind::from_name(kind)?,
        digest: bytes,
    })
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

impl Entry<'_> {
    /// What this entry holds, in one value that both devices compute alike once they hold the same of it:
    /// [`content_digest`] of the heads of its shared part and of both own parts, rising. Whatever is
    /// written or said in it afterwards, by either, makes it another.
    #[must_use]
    pub fn content_digest(&self) -> [u8; 32] {
        let parts = [self.shared, self.mine, self.partners];
        let mut heads: Vec<[u8; 32]> = parts.iter().flat_map(|part| part.heads()).collect();
        heads.sort_unstable();
        content_digest(&self.entry, self.kind(), &heads)
    }

    /// This entry as a list names it.
    #[must_use]
    pub fn listed(&self) -> Item {
        Item {
            entry: self.entry,
            kind: self.kind(),
            digest: self.content_digest(),
        }
    }
}
