//! What records carry (PROTOCOL section 3).
//!
//! ```text
//! kind 1 change:     one or more lv(entry_id(16), entry_kind(1), schema(1), part(1), automerge change), all taken or none
//! kind 2 membership: op(1)=1 lv(device's static key, kit's public key or nothing, name): the first record of every log
//! ```

use amends_journal::{EntryId, PartKind};
use amends_keys::identity::{PersonName, StaticKey};
use amends_keys::lv;
use thiserror::Error;

/// Items in one record. An edit touches a shared and an own part, in a few changes; more is an attack.
pub(crate) const MAX_ITEMS: usize = 256;

/// One change for one part, as a record carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The entry.
    pub entry: EntryId,
    /// An entry kind's byte: a later version may know more of them.
    pub kind: u8,
    /// The schema's version.
    pub schema: u8,
    /// Which of the entry's parts; whose own part it is, is the log's person.
    pub part: PartKind,
    /// One Automerge change, a chunk of type 1, uncompressed.
    pub change: Vec<u8>,
}

/// Why a payload cannot be read. The record that carries it is kept and set aside.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PayloadError {
    /// Not of the form above.
    #[error("a payload is malformed")]
    Malformed,
    /// No item at all.
    #[error("a payload holds nothing")]
    Empty,
    /// Too many items.
    #[error("over {MAX_ITEMS} items in one record")]
    TooMany,
    /// A membership operation of a later version.
    #[error("membership operation {0} is not known to this version")]
    UnknownOperation(u8),
}

/// The payload of a change record.
pub fn write_items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        out.extend_from_slice(&lv::of(&[
            &item.entry.0,
            &[item.kind],
            &[item.schema],
            &[item.part as u8],
            &item.change,
        ]));
    }
    out
}

/// Reads the payload of a change record.
///
/// # Errors
/// [`PayloadError`] where it is not exactly a row of items.
pub fn read_items(payload: &[u8]) -> Result<Vec<Item>, PayloadError> {
    let mut reader = lv::Reader::new(payload);
    let mut items = Vec::new();
    while !reader.is_empty() {
        if items.len() == MAX_ITEMS {
            return Err(PayloadError::TooMany);
        }
        let mut next = || reader.next().map_err(|_| PayloadError::Malformed);
        let entry = EntryId(next()?.try_into().map_err(|_| PayloadError::Malformed)?);
        let kind = byte(next()?)?;
        let schema = byte(next()?)?;
        let part = match byte(next()?)? {
            0 => PartKind::Shared,
            1 => PartKind::Own,
            _ => return Err(PayloadError::Malformed),
        };
        let change = next()?.to_vec();
        items.push(Item {
            entry,
            kind,
            schema,
            part,
            change,
        });
    }
    if items.is_empty() {
        return Err(PayloadError::Empty);
    }
    Ok(items)
}

fn byte(item: &[u8]) -> Result<u8, PayloadError> {
    match item {
        [byte] => Ok(*byte),
        _ => Err(PayloadError::Malformed),
    }
}

/// The first record of a log: which device writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The device's static X25519 key.
    pub static_key: StaticKey,
    /// The public key of the person's recovery kit, where there is one.
    pub kit: Option<[u8; 32]>,
    /// The person's name.
    pub name: PersonName,
}

const BEGINNING: u8 = 1;

impl Beginning {
    /// The payload of a membership record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![BEGINNING];
        out.extend_from_slice(&lv::of(&[
            self.static_key.as_bytes(),
            self.kit.as_ref().map_or(&[][..], |kit| kit.as_slice()),
            self.name.as_str().as_bytes(),
        ]));
        out
    }

    /// Reads the payload of a membership record.
    ///
    /// # Errors
    /// [`PayloadError::UnknownOperation`] for one that this version does not know, else [`PayloadError::Malformed`].
    pub fn parse(payload: &[u8]) -> Result<Self, PayloadError> {
        let (operation, rest) = payload.split_first().ok_or(PayloadError::Empty)?;
        if *operation != BEGINNING {
            return Err(PayloadError::UnknownOperation(*operation));
        }
        let mut reader = lv::Reader::new(rest);
        let mut next = || reader.next().map_err(|_| PayloadError::Malformed);
        let static_key = next()?.try_into().map_err(|_| PayloadError::Malformed)?;
        let kit = match next()? {
            [] => None,
            kit => Some(kit.try_into().map_err(|_| PayloadError::Malformed)?),
        };
        let name = next()?;
        let name = PersonName::from_utf8(name).map_err(|_| PayloadError::Malformed)?;
        reader.finish().map_err(|_| PayloadError::Malformed)?;
        Ok(Self {
            static_key: StaticKey(static_key),
            kit,
            name,
        })
    }
}
