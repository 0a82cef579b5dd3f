//! A card: what a list shows of an entry, kept so that a list loads no document.

use amends_journal::{Agreed, Entry, Person, View};
use amends_keys::identity::LogKey;
use serde::{Deserialize, Serialize};

use crate::blob::BlobRef;
use crate::rows::{self, RowError, Whose, name};

/// What a list shows of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The entry kind's byte.
    pub kind: u8,
    /// The version of its schema.
    pub schema: u8,
    /// Who began it; none where that was set aside.
    pub author: Option<Whose>,
    /// When its author says that it was begun (milliseconds since 1970 UTC).
    pub created: Option<i64>,
    /// When this device first held anything of it, by its own clock.
    pub first_held: i64,
    /// Which of its kind's roles it has.
    pub role: u8,
    /// The entry that it came from, by its id.
    pub from: Option<[u8; 16]>,
    /// The number of this device's last record in it, 0 for none: it has reached the partner once they hold that far.
    pub mine: u64,
    /// The same for the logs of this person that this device does not write now: those of earlier incarnations, and of copies.
    #[serde(skip)]
    pub earlier: Vec<(LogKey, u64)>,
    /// Some record of mine in it is held by the partner's device and not readable there.
    pub not_readable_there: bool,
    /// Something in it was written by a later version and is not readable here yet: nothing is written over it.
    pub unread: bool,
    /// What its kind shows.
    pub view: View,
}

/// The version of a card's row. A card is made from its entry's parts, so one of an older version is made anew.
const VERSION: u8 = 2;

/// What must outlive a card that is made anew, since the parts do not hold it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) first_held: i64,
    pub(crate) mine: u64,
    pub(crate) not_readable_there: bool,
    pub(crate) unread: bool,
}

impl From<&Card> for Kept {
    fn from(card: &Card) -> Self {
        Self {
            first_held: card.first_held,
            mine: card.mine,
            not_readable_there: card.not_readable_there,
            unread: card.unread,
        }
    }
}

impl Card {
    pub(crate) fn of(entry: &Entry<'_>, kept: Kept) -> Self {
        let short = entry.in_short();
        Self {
            kind: entry.kind().byte(),
            schema: entry.mine.schema_version(),
            author: short.author.map(whose),
            created: short.created,
            first_held: kept.first_held,
            role: short.role,
            from: short.from.map(|id| id.0),
            mine: kept.mine,
            earlier: Vec::new(),
            not_readable_there: kept.not_readable_there,
            unread: kept.unread,
            view: short.view,
        }
    }

    /// The words that both agree to, where it is an entry of such.
    #[must_use]
    pub fn agreed(&self) -> Option<&Agreed> {
        match &self.view {
            View::Boundary(agreed) | View::Lesson(agreed) | View::Packet(agreed) => Some(agreed),
            View::Checkin(checkin) => Some(&checkin.agreed),
            _ => None,
        }
    }

    /// The card of an entry of which nothing is readable here yet.
    pub(crate) fn unread((kind, schema): (u8, u8), author: Whose, now: i64) -> Self {
        Self {
            kind,
            schema,
            author: Some(author),
            created: None,
            first_held: now,
            role: 0,
            from: None,
            mine: 0,
            earlier: Vec::new(),
            not_readable_there: false,
            unread: true,
            view: View::Unread,
        }
    }

    /// The blobs that the entry names, in its order. A reference that is none is passed over.
    #[must_use]
    pub fn blobs(&self) -> Vec<BlobRef> {
        let View::Memory(memory) = &self.view else {
            return Vec::new();
        };
        let photos = memory.photos.iter();
        photos
            .filter_map(|shown| BlobRef::parse(&shown.photo.reference).ok())
            .collect()
    }

    pub(crate) fn row(&self) -> Result<Vec<u8>, RowError> {
        postcard::to_extend(self, vec![VERSION]).map_err(|_| RowError::Damaged(name::CARD))
    }
}

/// A card's row as it was read.
pub(crate) enum Read {
    Card(Box<Card>),
    /// Of an older version: the card is to be made anew.
    Older(Kept),
}

pub(crate) fn read(row: &[u8]) -> Result<Read, RowError> {
    match row.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest)
            .map(|card| Read::Card(Box::new(card)))
            .map_err(|_| RowError::Damaged(name::CARD)),
        Some((&found, _)) if found > VERSION => Err(RowError::Newer {
            name: name::CARD,
            found,
        }),
        _ => {
            let old: First = rows::decode(name::CARD, row)?;
            Ok(Read::Older(Kept {
                first_held: old.created.unwrap_or_default(),
                mine: old.mine,
                not_readable_there: old.not_readable_there,
                unread: false,
            }))
        }
    }
}

/// The row of version 1, of boundaries alone.
#[derive(Serialize, Deserialize)]
struct First {
    kind: u8,
    title: String,
    text: String,
    review_on: Option<String>,
    in_force: Option<String>,
    state: u8,
    agreed_by_me: bool,
    agreed_by_partner: bool,
    declined_by_me: bool,
    author: Option<Whose>,
    created: Option<i64>,
    hash: [u8; 32],
    mine: u64,
    not_readable_there: bool,
}

/// A person of the journal's rules, as a log's owner.
pub(crate) fn whose(person: Person) -> Whose {
    match person {
        Person::Me => Whose::Mine,
        Person::Partner => Whose::Partners,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_version_1_keeps_what_the_parts_do_not_hold() {
        let old = First {
            kind: 3,
            title: "T".into(),
            text: "x".into(),
            review_on: None,
            in_force: None,
            state: 1,
            agreed_by_me: true,
            agreed_by_partner: false,
            declined_by_me: false,
            author: Some(Whose::Mine),
            created: Some(7),
            hash: [1; 32],
            mine: 5,
            not_readable_there: true,
        };
        let row = rows::encode(name::CARD, &old).unwrap();
        let Ok(Read::Older(kept)) = read(&row) else {
            panic!("not read as an older one");
        };
        assert_eq!(
            (kept.first_held, kept.mine, kept.not_readable_there),
            (7, 5, true)
        );
        assert!(matches!(read(&[9]), Err(RowError::Newer { found: 9, .. })));
    }
}
