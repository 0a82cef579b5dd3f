//! Kinds of entries and parts, and whose a part is.

use serde::{Deserialize, Serialize};

use crate::ids::EntryId;

/// What an entry is. The byte stands in payloads (PROTOCOL section 3, kind 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// What broke trust, told by each and heard by each.
    Talk = 1,
    /// Time apart that one asked for.
    Space = 2,
    /// A text that both agree to.
    Boundary = 3,
    /// A feeling, shared on purpose.
    Feeling = 4,
    /// An apology and its answer.
    Apology = 5,
    /// A set time to talk.
    Checkin = 6,
    /// Something good, kept.
    Memory = 7,
    /// What was learnt.
    Lesson = 8,
    /// Something to do together.
    Plan = 9,
    /// What a counselor may read.
    Packet = 10,
}

impl EntryKind {
    /// Every kind, in the order of its byte.
    pub const ALL: [EntryKind; 10] = [
        EntryKind::Talk,
        EntryKind::Space,
        EntryKind::Boundary,
        EntryKind::Feeling,
        EntryKind::Apology,
        EntryKind::Checkin,
        EntryKind::Memory,
        EntryKind::Lesson,
        EntryKind::Plan,
        EntryKind::Packet,
    ];

    /// The kind's byte in a payload.
    #[must_use]
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The kind of a byte; `None` for one that this version does not know.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<EntryKind> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }

    /// The kind of a name; `None` for one that this version does not know.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EntryKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name: in commands, and in the hash that an agreement names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Talk => "talk",
            EntryKind::Space => "space",
            EntryKind::Boundary => "boundary",
            EntryKind::Feeling => "feeling",
            EntryKind::Apology => "apology",
            EntryKind::Checkin => "checkin",
            EntryKind::Memory => "memory",
            EntryKind::Lesson => "lesson",
            EntryKind::Plan => "plan",
            EntryKind::Packet => "packet",
        }
    }
}

/// Which part of an entry. An own part belongs to the person whose log a change came in: nothing in
/// a payload can name the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PartKind {
    /// Both write it.
    Shared = 0x00,
    /// Its person's devices alone write it.
    Own = 0x01,
}

impl PartKind {
    /// The part's byte in a payload.
    #[must_use]
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The part of a byte; `None` for any but 0 and 1.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<PartKind> {
        match byte {
            0x00 => Some(PartKind::Shared),
            0x01 => Some(PartKind::Own),
            _ => None,
        }
    }
}

/// One of the two, seen from here. Each rule gives the same answer on both sides with the two
/// exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Person {
    /// Who holds this device.
    Me,
    /// The other one.
    Partner,
}

impl Person {
    /// The other of the two.
    #[must_use]
    pub fn other(self) -> Person {
        match self {
            Person::Me => Person::Partner,
            Person::Partner => Person::Me,
        }
    }
}

/// Which part of which entry a payload's item names, beside the person whose log it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartAddress {
    /// The entry.
    pub entry: EntryId,
    /// What the entry is.
    pub kind: EntryKind,
    /// The version of the kind's schema, from 1.
    pub schema: u8,
    /// Shared, or the writer's own.
    pub part: PartKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_kinds_go_both_ways() {
        for byte in 0..=255 {
            match EntryKind::from_byte(byte) {
                Some(kind) => assert_eq!(kind.byte(), byte),
                None => assert!(!(1..=10).contains(&byte)),
            }
            assert_eq!(
                PartKind::from_byte(byte).map(PartKind::byte),
                (byte < 2).then_some(byte)
            );
        }
    }
}
