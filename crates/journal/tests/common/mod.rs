//! Devices that hold one boundary, and records carried between them by hand.
#![allow(dead_code, unreachable_pub)]

use amends_journal::{
    Actor, AgreementView, Draft, Edit, Entry, EntryId, EntryKind, Part, PartKind, Person, Refusal,
    ShownAct, TextField, Writer, Written, propose, wall,
};

pub const ENTRY: EntryId = EntryId([7; 16]);
pub const NOW: i64 = 1_800_000_000_000;

pub fn part(kind: PartKind) -> Part {
    Part::new(EntryKind::Boundary, 1, kind).unwrap()
}

/// Whoever writes as this actor.
pub fn writer(actor: Actor) -> Writer {
    Writer {
        journal: [0x77; 32],
        entry: ENTRY,
        log: [0; 32],
        device: actor,
        actor,
        alone: false,
    }
}

pub fn admit(part: &Part, actor: &Actor, changes: &[Vec<u8>]) -> Result<Part, Refusal> {
    wall::admit(
        part,
        &writer(*actor),
        &changes.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    )
}

/// Which part of the entry, by name: own parts are Ana's and Bo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Shared,
    Anas,
    Bos,
}

/// What one edit made, all taken or none.
#[derive(Debug, Clone)]
pub struct Record {
    pub actor: Actor,
    pub items: Vec<(Which, Vec<Vec<u8>>)>,
}

#[derive(Clone)]
pub struct Device {
    pub actor: Actor,
    pub whose: Which,
    pub shared: Part,
    pub anas: Part,
    pub bos: Part,
    /// How far of each actor's records it holds.
    pub held: Vec<(Actor, usize)>,
}

#[derive(Debug, Clone)]
pub enum Deed {
    Title(String),
    Text(String),
    Review(Option<String>),
    Splice {
        text: bool,
        at: usize,
        delete: usize,
        insert: String,
    },
    Why(String),
    Agree,
    Decline(String),
    End(String),
}

impl Device {
    pub fn new(whose: Which, actor: u8) -> Self {
        Device {
            actor: Actor([actor; 16]),
            whose,
            shared: part(PartKind::Shared),
            anas: part(PartKind::Own),
            bos: part(PartKind::Own),
            held: Vec::new(),
        }
    }

    pub fn boundary(&self) -> Entry<'_> {
        let (mine, partners) = match self.whose {
            Which::Bos => (&self.bos, &self.anas),
            _ => (&self.anas, &self.bos),
        };
        Entry {
            entry: ENTRY,
            shared: &self.shared,
            mine,
            partners,
        }
    }

    pub fn view(&self) -> AgreementView {
        self.boundary().agreement()
    }

    pub fn part(&mut self, which: Which) -> &mut Part {
        match which {
            Which::Shared => &mut self.shared,
            Which::Anas => &mut self.anas,
            Which::Bos => &mut self.bos,
        }
    }

    fn keep(&mut self, items: Vec<(Which, Written)>) -> Record {
        let mut record = Record {
            actor: self.actor,
            items: Vec::new(),
        };
        for (which, written) in items {
            *self.part(which) = written.part;
            record.items.push((which, written.changes));
        }
        *self.count(self.actor) += 1;
        record
    }

    fn count(&mut self, actor: Actor) -> &mut usize {
        if !self.held.iter().any(|(a, _)| *a == actor) {
            self.held.push((actor, 0));
        }
        &mut self.held.iter_mut().find(|(a, _)| *a == actor).unwrap().1
    }

    pub fn propose(&mut self, title: &str, text: &str) -> Record {
        let draft = Draft {
            title,
            text,
            language: "en",
            ..Draft::default()
        };
        let proposed = propose(&writer(self.actor), NOW, &draft).unwrap();
        self.keep(vec![
            (Which::Shared, proposed.shared),
            (self.whose, proposed.own),
        ])
    }

    /// Does it, if the rules allow and anything changes.
    pub fn does(&mut self, deed: &Deed) -> Option<Record> {
        let (writer, b) = (writer(self.actor), self.boundary());
        let (which, written) = match deed {
            Deed::Title(title) => (
                Which::Shared,
                b.edit(
                    &writer,
                    NOW,
                    &Edit {
                        title: Some(title),
                        ..Edit::default()
                    },
                ),
            ),
            Deed::Text(text) => (
                Which::Shared,
                b.edit(
                    &writer,
                    NOW,
                    &Edit {
                        text: Some(text),
                        ..Edit::default()
                    },
                ),
            ),
            Deed::Review(date) => {
                let edit = Edit {
                    review_on: Some(date.as_deref()),
                    ..Edit::default()
                };
                (Which::Shared, b.edit(&writer, NOW, &edit))
            }
            Deed::Splice {
                text,
                at,
                delete,
                insert,
            } => {
                let field = if *text {
                    TextField::Text
                } else {
                    TextField::Title
                };
                (
                    Which::Shared,
                    b.splice(&writer, NOW, field, *at, *delete, insert),
                )
            }
            Deed::Why(why) => (self.whose, b.say_why(&writer, NOW, why)),
            Deed::Agree => (self.whose, b.agree(&writer, NOW)),
            Deed::Decline(reason) => (self.whose, b.decline(&writer, NOW, Some(reason))),
            Deed::End(reason) => (self.whose, b.end(&writer, NOW, Some(reason)).map(Some)),
        };
        let written = match written {
            Ok(written) => written?,
            Err(amends_journal::RuleError::Write(error)) => {
                panic!("an honest edit failed: {error}")
            }
            Err(_) => return None,
        };
        Some(self.keep(vec![(which, written)]))
    }

    pub fn agrees(&mut self) -> Record {
        self.does(&Deed::Agree).expect("something to agree to")
    }

    pub fn takes(&mut self, record: &Record) -> Result<(), Refusal> {
        let mut next = self.clone();
        for (which, changes) in &record.items {
            let after = admit(next.part(*which), &record.actor, changes)?;
            *next.part(*which) = after;
        }
        *next.count(record.actor) += 1;
        *self = next;
        Ok(())
    }

    /// Whether this is the next of its log here.
    pub fn lacks(&self, record: &Record, at: usize) -> bool {
        self.held
            .iter()
            .find(|(a, _)| *a == record.actor)
            .map_or(0, |(_, n)| *n)
            == at
    }

    pub fn heads(&self) -> [Vec<[u8; 32]>; 3] {
        [self.shared.heads(), self.anas.heads(), self.bos.heads()]
    }
}

/// What the other of the two sees.
pub fn from_the_other_side(view: AgreementView) -> AgreementView {
    let turn = |shown: ShownAct| ShownAct {
        person: shown.person.other(),
        ..shown
    };
    let mut agreed_by: Vec<Person> = view.agreed_by.iter().map(|p| p.other()).collect();
    agreed_by.sort();
    AgreementView {
        agreed_by,
        author: view.author.map(Person::other),
        declined: view.declined.map(turn),
        ended: view.ended.map(turn),
        my_why: view.partners_why,
        partners_why: view.my_why,
        acts: view.acts.into_iter().map(turn).collect(),
        ..view
    }
}
