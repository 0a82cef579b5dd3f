//! Devices of two people that hold one entry of statements, records carried between them by hand, and statements that no
//! honest program writes.
#![allow(dead_code, unreachable_pub)]

use amends_journal::wall::PermitFault;
use amends_journal::{
    Actor, Begin, Entry, EntryId, EntryKind, Part, PartKind, Refusal, RuleError, RuleFault, SCHEMA,
    Say, Statement, Writer, begin, wall,
};
use automerge::ScalarValue;
use automerge::legacy::{ObjectId, OpType};

use super::forge::{after, beginning, container, forged, id, op, put};

pub const JOURNAL: [u8; 32] = [0x77; 32];
pub const NOW: i64 = 1_800_000_000_000;
pub const NONCE: [u8; 16] = [5; 16];

/// Ana's devices are 1 and 2, Bo's 3 and 4.
pub fn actor(device: u8) -> Actor {
    Actor([device; 16])
}

pub fn is_anas(device: u8) -> bool {
    device < 3
}

/// One change of somebody's own part.
#[derive(Debug, Clone)]
pub struct Record {
    pub device: u8,
    pub changes: Vec<Vec<u8>>,
}

/// One device, with what it holds of the entry.
#[derive(Debug, Clone)]
pub struct Device {
    pub device: u8,
    pub kind: EntryKind,
    pub entry: EntryId,
    pub alone: bool,
    pub shared: Part,
    pub anas: Part,
    pub bos: Part,
}

/// The id of the entry that this device begins.
pub fn entry_of(kind: EntryKind, device: u8) -> EntryId {
    Begin::id(&JOURNAL, kind, &actor(device), &NONCE)
}

impl Device {
    pub fn new(kind: EntryKind, entry: EntryId, device: u8) -> Device {
        let part = |which| Part::new(kind, SCHEMA, which).unwrap();
        Device {
            device,
            kind,
            entry,
            alone: false,
            shared: part(PartKind::Shared),
            anas: part(PartKind::Own),
            bos: part(PartKind::Own),
        }
    }

    /// The same in a journal of one.
    pub fn alone(kind: EntryKind, device: u8) -> Device {
        Device {
            alone: true,
            ..Device::new(kind, entry_of(kind, device), device)
        }
    }

    pub fn writer(&self, device: u8) -> Writer {
        Writer {
            journal: JOURNAL,
            entry: self.entry,
            log: [device; 32],
            device: actor(device),
            actor: actor(device),
            alone: self.alone,
        }
    }

    pub fn view(&self) -> Entry<'_> {
        let (mine, partners) = if is_anas(self.device) {
            (&self.anas, &self.bos)
        } else {
            (&self.bos, &self.anas)
        };
        Entry {
            entry: self.entry,
            shared: &self.shared,
            mine,
            partners,
        }
    }

    pub fn own(&mut self, device: u8) -> &mut Part {
        if is_anas(device) {
            &mut self.anas
        } else {
            &mut self.bos
        }
    }

    /// Begins the entry, as an honest program does.
    pub fn begins(&mut self, says: &[Say]) -> Result<Record, RuleError> {
        let begun = begin(
            self.kind,
            &self.writer(self.device),
            NOW,
            Begin {
                nonce: NONCE,
                role: 0,
                from: None,
            },
            None,
            false,
            says,
        )?;
        *self.own(self.device) = begun.own.part;
        Ok(Record {
            device: self.device,
            changes: begun.own.changes,
        })
    }

    /// Says something, as an honest program does.
    pub fn says(&mut self, say: impl Into<Say>) -> Result<Record, RuleError> {
        let written = self
            .view()
            .say(&self.writer(self.device), NOW, &[say.into()])?;
        *self.own(self.device) = written.part;
        Ok(Record {
            device: self.device,
            changes: written.changes,
        })
    }

    /// Takes what came.
    pub fn takes(&mut self, record: &Record) -> Result<(), Refusal> {
        let writer = self.writer(record.device);
        let changes: Vec<&[u8]> = record.changes.iter().map(Vec::as_slice).collect();
        let after = wall::admit(self.own(record.device), &writer, &changes)?;
        *self.own(record.device) = after;
        Ok(())
    }

    /// A change in the own part of this device's person with these statements, in perfect form and numbered, whatever they say.
    pub fn forges(&mut self, statements: &[Statement]) -> Record {
        let device = self.device;
        let first = self.n();
        let part = self.own(device).clone();
        let numbered: Vec<Statement> = (first..)
            .zip(statements)
            .map(|(n, statement)| Statement {
                n,
                ..statement.clone()
            })
            .collect();
        Record {
            device,
            changes: vec![forge_said(&part, actor(device), &numbered)],
        }
    }

    /// What the wall says of such a change.
    pub fn fault_of(&mut self, statements: &[Statement]) -> Option<RuleFault> {
        let record = self.forges(statements);
        match self.clone().takes(&record) {
            Ok(()) => None,
            Err(Refusal::Permit(PermitFault::Rule(_, fault))) => Some(fault),
            Err(other) => panic!("refused for another reason: {other}"),
        }
    }

    /// The next number in the entry.
    pub fn n(&self) -> u64 {
        let of = |part: &Part| statements_in(part).iter().map(|said| said.n).max();
        of(&self.anas).max(of(&self.bos)).unwrap_or(0) + 1
    }

    /// A statement with the next number.
    pub fn statement(&self, verb: u8, items: &[&[u8]]) -> Statement {
        Statement {
            verb,
            n: self.n(),
            time: NOW,
            items: items.iter().map(|item| item.to_vec()).collect(),
        }
    }

    /// What begins the entry.
    pub fn beginning(&self, role: u8) -> Statement {
        self.statement(amends_journal::BEGIN, &[&NONCE, &[role], &[]])
    }
}

/// The statements that an own part holds, read from Automerge itself.
pub fn statements_in(part: &Part) -> Vec<Statement> {
    use automerge::ReadDoc;
    let doc = super::forge::document(part);
    let (_, said) = doc.get(automerge::ROOT, "said").unwrap().unwrap();
    (0..doc.length(&said))
        .map(|at| {
            let (value, _) = doc.get(&said, at).unwrap().unwrap();
            Statement::read(value.as_bytes().unwrap()).unwrap()
        })
        .collect()
}

/// A change that adds these statements at the end of the list.
pub fn forge_said(part: &Part, actor: Actor, statements: &[Statement]) -> Vec<u8> {
    use automerge::ReadDoc;
    let doc = super::forge::document(part);
    let (_, said) = doc.get(automerge::ROOT, "said").unwrap().unwrap();
    let start = doc
        .get_changes_meta(&[])
        .iter()
        .map(|meta| meta.max_op)
        .max()
        .unwrap()
        + 1;
    let length = doc.length(&said);
    let mut key = match length.checked_sub(1) {
        None => beginning(),
        Some(last) => match doc.get(&said, last).unwrap().unwrap().1 {
            automerge::ObjId::Id(counter, actor, _) => {
                after(automerge::legacy::OpId::new(counter, &actor))
            }
            automerge::ObjId::Root => panic!("the root is no element"),
        },
    };
    // Where acts stand beside it, it is the second.
    let object: ObjectId = match said {
        automerge::ObjId::Id(counter, _, _) => container(counter),
        automerge::ObjId::Root => panic!("the root is no list"),
    };
    let mut operations = Vec::new();
    for (counter, statement) in (start..).zip(statements) {
        let action: OpType = put(ScalarValue::Bytes(statement.bytes()));
        operations.push(op(action, object.clone(), key, true, vec![]));
        key = after(id(counter, actor));
    }
    forged(part, actor, operations)
}

/// Every order of so many things.
pub fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for rest in orders(n - 1) {
        for at in 0..=rest.len() {
            let mut order = rest.clone();
            order.insert(at, n - 1);
            all.push(order);
        }
    }
    all
}
