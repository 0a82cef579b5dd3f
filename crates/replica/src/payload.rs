//! What records carry (PROTOCOL section 3).
//!
//! ```text
//! kind 1 change:     one or more lv(entry_id(16), entry_kind(1), schema(1), part(1), automerge change), all taken or none
//! kind 2 membership: op(1)=1 lv(device's static key, kit's public key or nothing, name): the first record of a device's log
//!                    op(1)=2 lv(static key, kit's or nothing, name, first log's key, proof(64)): the first of a new incarnation's
//! proof = Ed25519(first log's secret, lv("amends/incarnation/v1", journal_id, first log's key, new log's key, static key))
//! ```

use amends_journal::{EntryId, PartKind};
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey};
use amends_keys::{label, lv};
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
        let beginning = Self::read(&mut reader)?;
        reader.finish().map_err(|_| PayloadError::Malformed)?;
        Ok(beginning)
    }

    fn read(reader: &mut lv::Reader<'_>) -> Result<Self, PayloadError> {
        let mut next = || reader.next().map_err(|_| PayloadError::Malformed);
        let static_key = next()?.try_into().map_err(|_| PayloadError::Malformed)?;
        let kit = match next()? {
            [] => None,
            kit => Some(kit.try_into().map_err(|_| PayloadError::Malformed)?),
        };
        let name = next()?;
        let name = PersonName::from_utf8(name).map_err(|_| PayloadError::Malformed)?;
        Ok(Self {
            static_key: StaticKey(static_key),
            kit,
            name,
        })
    }
}

/// The first record of the log of a new incarnation: a device that came back from a backup or a copy of itself, and writes on
/// under a new key. Its first log, the one that the pairing gave, vouches for the new one: nobody but the device has that secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// Which device it is, as in its first log.
    pub beginning: Beginning,
    /// The device's first log.
    pub root: LogKey,
    /// By that log's secret.
    pub proof: [u8; 64],
}

const INCARNATION: u8 = 2;

impl Incarnation {
    /// What vouches for the log `new`.
    pub fn sign(
        journal: &JournalId,
        root: &LogSecret,
        new: &LogKey,
        static_key: &StaticKey,
    ) -> [u8; 64] {
        root.sign(&vouched(journal, &root.public(), new, static_key))
    }

    /// Whether its first log vouches for the log `new` in this journal.
    pub fn vouches(&self, journal: &JournalId, new: &LogKey) -> bool {
        let said = vouched(journal, &self.root, new, &self.beginning.static_key);
        self.root.verify(&said, &self.proof).is_ok()
    }

    /// The payload of a membership record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![INCARNATION];
        let beginning = &self.beginning;
        out.extend_from_slice(&lv::of(&[
            beginning.static_key.as_bytes(),
            beginning.kit.as_ref().map_or(&[][..], |kit| kit.as_slice()),
            beginning.name.as_str().as_bytes(),
            self.root.as_bytes(),
            &self.proof,
        ]));
        out
    }

    /// Reads the payload of a membership record; whether it is vouched for is another question.
    ///
    /// # Errors
    /// [`PayloadError::UnknownOperation`] for another operation, else [`PayloadError::Malformed`].
    pub fn parse(payload: &[u8]) -> Result<Self, PayloadError> {
        let (operation, rest) = payload.split_first().ok_or(PayloadError::Empty)?;
        if *operation != INCARNATION {
            return Err(PayloadError::UnknownOperation(*operation));
        }
        let mut reader = lv::Reader::new(rest);
        let beginning = Beginning::read(&mut reader)?;
        let mut next = || reader.next().map_err(|_| PayloadError::Malformed);
        let root = LogKey(next()?.try_into().map_err(|_| PayloadError::Malformed)?);
        let proof = next()?.try_into().map_err(|_| PayloadError::Malformed)?;
        reader.finish().map_err(|_| PayloadError::Malformed)?;
        Ok(Self {
            beginning,
            root,
            proof,
        })
    }
}

fn vouched(journal: &JournalId, root: &LogKey, new: &LogKey, static_key: &StaticKey) -> Vec<u8> {
    lv::of(&[
        label::INCARNATION,
        &journal.0,
        root.as_bytes(),
        new.as_bytes(),
        static_key.as_bytes(),
    ])
}
