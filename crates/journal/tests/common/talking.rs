//! Devices that hold one talk, and what their people say carried between them by hand.
#![allow(dead_code, unreachable_pub)]

use amends_journal::talk::{Say, Side, View};
use amends_journal::{
    Actor, Begin, Draft, Entry, EntryId, EntryKind, Part, PartKind, Refusal, RuleError, RuleFault,
    Statement, Writer, begin, together_hash, wall,
};

use crate::forge::{add_first, forged};

pub const JOURNAL: [u8; 32] = [0x77; 32];
pub const NOW: i64 = 1_800_000_000_000;
pub const ANA: u8 = 1;
pub const BO: u8 = 2;
/// Another device of Bo's.
pub const BOS_OTHER: u8 = 3;
pub const NONCE: [u8; 32] = [5; 32];

pub fn id() -> EntryId {
    Begin::id(&JOURNAL, EntryKind::Talk, &Actor([ANA; 16]), &[4; 16])
}

pub fn writer(device: u8) -> Writer {
    Writer {
        journal: JOURNAL,
        entry: id(),
        log: [device; 32],
        device: Actor([device; 16]),
        actor: Actor([device; 16]),
        alone: false,
    }
}

pub fn part(kind: PartKind) -> Part {
    Part::new(EntryKind::Talk, 1, kind).unwrap()
}

pub fn commitment(device: u8, text: &str) -> [u8; 32] {
    together_hash(&JOURNAL, &id(), &[device; 32], &NONCE, text)
}

pub fn opening(device: u8, text: &str) -> Say {
    Say::Open {
        c: commitment(device, text),
        nonce: NONCE,
        text: text.into(),
    }
}

/// What one device wrote, in a part.
#[derive(Clone)]
pub struct Record {
    pub device: u8,
    pub shared: bool,
    pub changes: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub struct Device {
    pub device: u8,
    pub shared: Part,
    pub anas: Part,
    pub bos: Part,
}

impl Device {
    pub fn new(device: u8) -> Device {
        Device {
            device,
            shared: part(PartKind::Shared),
            anas: part(PartKind::Own),
            bos: part(PartKind::Own),
        }
    }

    pub fn entry(&self) -> Entry<'_> {
        let (mine, partners) = if self.device == ANA {
            (&self.anas, &self.bos)
        } else {
            (&self.bos, &self.anas)
        };
        Entry {
            entry: id(),
            shared: &self.shared,
            mine,
            partners,
        }
    }

    pub fn own(&mut self, device: u8) -> &mut Part {
        if device == ANA {
            &mut self.anas
        } else {
            &mut self.bos
        }
    }

    pub fn view(&self) -> View {
        self.entry().talk()
    }

    pub fn begins(
        &mut self,
        role: u8,
        says: &[amends_journal::Say],
    ) -> Result<Vec<Record>, RuleError> {
        let begins = Begin {
            nonce: [4; 16],
            role,
            from: None,
        };
        let draft = Draft {
            title: "Saturday",
            language: "en",
            ..Draft::default()
        };
        let begun = begin(
            EntryKind::Talk,
            &writer(self.device),
            NOW,
            begins,
            Some(&draft),
            false,
            says,
        )?;
        let shared = begun.shared.unwrap();
        self.shared = shared.part;
        *self.own(self.device) = begun.own.part;
        let record = |shared, changes| Record {
            device: self.device,
            shared,
            changes,
        };
        Ok(vec![
            record(true, shared.changes),
            record(false, begun.own.changes),
        ])
    }

    pub fn says(&mut self, say: Say) -> Result<Record, RuleError> {
        let written = self.entry().say(&writer(self.device), NOW, &[say.into()])?;
        *self.own(self.device) = written.part;
        Ok(Record {
            device: self.device,
            shared: false,
            changes: written.changes,
        })
    }

    pub fn takes(&mut self, record: &Record) -> Result<(), Refusal> {
        let changes: Vec<&[u8]> = record.changes.iter().map(Vec::as_slice).collect();
        let part = if record.shared {
            &mut self.shared
        } else {
            self.own(record.device)
        };
        *part = wall::admit(part, &writer(record.device), &changes)?;
        Ok(())
    }
}

/// Ana and Bo, who both hold a talk that Ana began.
pub fn began(role: u8) -> (Device, Device) {
    let (mut ana, mut bo) = (Device::new(ANA), Device::new(BO));
    for record in ana.begins(role, &[]).unwrap() {
        bo.takes(&record).unwrap();
    }
    (ana, bo)
}

pub fn account(text: &str) -> Say {
    Say::Account(text.into())
}

pub fn text(side: &Side) -> Option<&str> {
    side.account.as_ref().map(|account| account.text.as_str())
}

#[track_caller]
pub fn both(from: &mut Device, to: &mut Device, say: Say) {
    let record = from.says(say).unwrap();
    to.takes(&record).unwrap();
}

/// What the wall says of a statement that no honest program writes.
#[track_caller]
pub fn forged_by(
    device: u8,
    part: &Part,
    verb: u8,
    items: Vec<Vec<u8>>,
) -> Result<Part, RuleFault> {
    let statement = Statement {
        verb,
        n: 900,
        time: NOW,
        items,
    };
    let change = forged(
        part,
        Actor([device; 16]),
        vec![add_first(statement.bytes())],
    );
    match wall::admit(part, &writer(device), &[&change]) {
        Ok(part) => Ok(part),
        Err(Refusal::Permit(wall::PermitFault::Rule(_, fault))) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

pub fn hash_of(side: &Side) -> [u8; 32] {
    side.account.as_ref().unwrap().hash
}

/// The other hears what stands there, and its author says whether it was meant so.
#[track_caller]
pub fn heard(author: &mut Device, other: &mut Device, yes: bool) {
    let of = hash_of(&other.view().partners);
    let words = "That it hurt.".to_owned();
    both(other, author, Say::Heard { of, words });
    let of = author.view().mine.hearing.unwrap().hash;
    let words = String::new();
    both(author, other, Say::Meant { of, yes, words });
}
