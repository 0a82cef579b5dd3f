//! The key paths, made ready from fixed seeds: `benches/pure.rs` measures them, `examples/instructions.rs` counts them.
#![allow(dead_code, reason = "every bench uses a part of it")]

use std::collections::VecDeque;

use amends_journal::{
    Actor, Draft, Edit as NewText, Entry, EntryId, EntryKind, Part, PartKind, Short, Writer,
    propose, wall,
};
use amends_keys::identity::{JournalId, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{
    Change, Edit, Effect, Founding, Input, LinkId, MemoryShelf, Partner, Record, Replica, Shown,
    Words, World,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::text::{edited, text};

const NOW: i64 = 1_800_000_000_000;
const ENTRY: EntryId = EntryId([7; 16]);

/// A boundary as Bo's device holds it, and a change of Ana's that comes next.
pub(crate) struct Coming {
    shared: Part,
    anas: Part,
    bos: Part,
    ana: Writer,
    change: Vec<u8>,
}

fn writer(n: u8) -> Writer {
    Writer {
        journal: [0x77; 32],
        entry: ENTRY,
        log: [n; 32],
        device: Actor([n; 16]),
        actor: Actor([n; 16]),
        alone: false,
    }
}

fn admitted(part: &Part, writer: &Writer, changes: &[Vec<u8>]) -> Part {
    let slices: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
    wall::admit(part, writer, &slices).expect("an honest change")
}

impl Coming {
    /// Of a text of so many characters that was edited some times before.
    pub(crate) fn new(characters: usize) -> Coming {
        let ana = writer(1);
        let new = |kind| Part::new(EntryKind::Boundary, 1, kind).expect("a known kind");
        let mut words = text(1, characters);
        let draft = Draft {
            title: "Evenings",
            text: &words,
            language: "en",
            ..Draft::default()
        };
        let proposed = propose(&ana, NOW, &draft).expect("a draft within the limits");
        let mut shared = admitted(&new(PartKind::Shared), &ana, &proposed.shared.changes);
        let anas = admitted(&new(PartKind::Own), &ana, &proposed.own.changes);
        let bos = new(PartKind::Own);
        let mut change = Vec::new();
        for n in 1..=5 {
            if !change.is_empty() {
                shared = admitted(&shared, &ana, &[change]);
            }
            edited(&mut words, n);
            let entry = Entry {
                entry: ENTRY,
                shared: &shared,
                mine: &anas,
                partners: &bos,
            };
            let edit = NewText {
                text: Some(&words),
                ..NewText::default()
            };
            let written = entry
                .edit(&ana, NOW, &edit)
                .expect("an edit within the limits");
            let mut changes = written.expect("it changes something").changes;
            change = changes.pop().expect("one change");
        }
        Coming {
            shared,
            anas,
            bos,
            ana,
            change,
        }
    }

    /// Passes the change through the wall.
    pub(crate) fn admit(&self) -> Part {
        wall::admit(&self.shared, &self.ana, &[&self.change]).expect("an honest change")
    }

    /// What a list shows of it.
    pub(crate) fn card(&self) -> Short {
        let entry = Entry {
            entry: ENTRY,
            shared: &self.shared,
            mine: &self.bos,
            partners: &self.anas,
        };
        entry.in_short()
    }
}

/// A signed record, and what seals and opens it.
pub(crate) struct Sealing {
    journal: JournalId,
    epoch: EpochSecret,
    record: Vec<u8>,
    signature: [u8; 64],
    envelope: Vec<u8>,
}

impl Sealing {
    /// A record with a payload of so many bytes.
    pub(crate) fn new(payload: usize) -> Sealing {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let journal = JournalId::generate(&mut rng);
        let epoch = EpochSecret::generate(&mut rng);
        let log = LogSecret::generate(&mut rng);
        let record = Record {
            journal,
            log: log.public(),
            seq: 1,
            prev: amends_replica::RecordHash([0; 32]),
            epoch: 0,
            kind: 1,
            seen: Vec::new(),
            payload: vec![0x5a; payload],
        }
        .to_bytes();
        let signature = Record::sign(&record, &log);
        let mut sealing = Sealing {
            journal,
            epoch,
            record,
            signature,
            envelope: Vec::new(),
        };
        sealing.envelope = sealing.seal();
        sealing
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        let records = [(self.record.as_slice(), &self.signature)];
        seal::seal(0, &self.epoch, &self.journal, [9; 24], &records).expect("a record of that size")
    }

    /// Opens it; gives how many bytes its records have.
    pub(crate) fn open(&self) -> usize {
        let opened =
            seal::open(&self.envelope, &self.epoch, &self.journal).expect("what was sealed");
        opened.records().map(|(record, _)| record.len()).sum()
    }

    pub(crate) fn verify(&self) -> Record {
        Record::verify(&self.record, &self.signature).expect("what was signed")
    }
}

const LINK: LinkId = LinkId(1);
/// Who is who in [`Two`].
pub(crate) const ANA: usize = 0;
/// The other.
pub(crate) const BO: usize = 1;

struct Device {
    replica: Replica,
    shelf: MemoryShelf,
    static_key: StaticKey,
    rng: ChaCha20Rng,
    /// What is on its way to it.
    coming: VecDeque<Vec<u8>>,
    edited: Option<EntryId>,
}

/// Two devices of a pair in one thread, what they save in memory.
pub(crate) struct Two {
    devices: [Device; 2],
    now: i64,
}

impl Two {
    /// Two that have met, and hold nothing yet.
    pub(crate) fn new() -> Two {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let journal = JournalId::generate(&mut rng);
        let epoch_0 = EpochSecret::generate(&mut rng);
        let statics = [
            StaticSecret::generate(&mut rng),
            StaticSecret::generate(&mut rng),
        ];
        let logs = [LogSecret::generate(&mut rng), LogSecret::generate(&mut rng)];
        let names = ["Ana", "Bo"].map(|name| PersonName::try_from(name).expect("a name"));
        let devices = [ANA, BO].map(|me| {
            let other = 1 - me;
            let mut rng = ChaCha20Rng::seed_from_u64(10 + me as u64);
            let founding = Founding {
                journal,
                epoch_0: EpochSecret::from_bytes(epoch_0.expose()),
                log: LogSecret::from_bytes(logs[me].expose()),
                static_key: statics[me].public(),
                name: names[me].clone(),
                partner: Some(Partner {
                    static_key: statics[other].public(),
                    log: logs[other].public(),
                    name: names[other].clone(),
                }),
                confirmed: me == BO,
            };
            let writes = Replica::found(founding, NOW, &mut rng).expect("a founding");
            let mut shelf = MemoryShelf::default();
            shelf.commit(&writes);
            Device {
                replica: Replica::load(&shelf).expect("what was saved"),
                shelf,
                static_key: statics[me].public(),
                rng,
                coming: VecDeque::new(),
                edited: None,
            }
        });
        let mut two = Two { devices, now: NOW };
        two.meet();
        two.run();
        two
    }

    /// A session between them is open.
    pub(crate) fn meet(&mut self) {
        for who in [ANA, BO] {
            let device = self.devices[1 - who].static_key;
            self.feed(who, Input::Met { link: LINK, device });
        }
    }

    /// It is closed, and what was on its way is lost.
    pub(crate) fn part(&mut self) {
        for who in [ANA, BO] {
            self.devices[who].coming.clear();
            self.feed(who, Input::Parted { link: LINK });
        }
    }

    fn feed(&mut self, who: usize, input: Input<'_>) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            self.now += 1;
            let device = &mut self.devices[who];
            let mut world = World {
                now: self.now,
                rng: &mut device.rng,
                shelf: &device.shelf,
            };
            let effects = device
                .replica
                .handle(&mut world, input)
                .expect("an honest input");
            for effect in effects {
                match effect {
                    Effect::Save { writes, .. } => self.devices[who].shelf.commit(&writes),
                    Effect::Send { frame, .. } => self.devices[1 - who].coming.push_back(frame),
                    Effect::Continue => next = Some(Input::Continue),
                    Effect::Show(Shown::Edited(entry)) => self.devices[who].edited = Some(entry),
                    Effect::Show(_) => {}
                    Effect::Close { reason, .. } => panic!("{reason}"),
                }
            }
        }
    }

    /// Ana does something; gives the entry.
    pub(crate) fn edit(&mut self, edit: Edit) -> EntryId {
        self.feed(ANA, Input::Edit(edit));
        self.devices[ANA].edited.take().expect("it is done")
    }

    /// The next frame that is on its way to somebody comes; false where there is none.
    pub(crate) fn receive(&mut self, who: usize) -> bool {
        let Some(frame) = self.devices[who].coming.pop_front() else {
            return false;
        };
        self.feed(
            who,
            Input::Received {
                link: LINK,
                frame: &frame,
            },
        );
        true
    }

    /// Until nothing is on its way.
    pub(crate) fn run(&mut self) {
        while self.receive(BO) | self.receive(ANA) {}
    }

    /// How many entries Bo's device holds.
    pub(crate) fn entries_of_bo(&self) -> usize {
        self.devices[BO].replica.cards().count()
    }
}

/// The proposal of a text of so many characters.
pub(crate) fn proposal(n: u64, characters: usize) -> Edit {
    Edit::Propose(Words {
        text: text(n, characters),
        language: "en".to_owned(),
        ..Words::default()
    })
}

/// One text that Ana edits, and that comes to Bo.
pub(crate) struct Typing {
    two: Two,
    entry: EntryId,
    text: String,
    edits: usize,
}

impl Typing {
    /// Of so many characters.
    pub(crate) fn new(characters: usize) -> Typing {
        let mut two = Two::new();
        let entry = two.edit(proposal(1, characters));
        two.run();
        let mut typing = Typing {
            two,
            entry,
            text: text(1, characters),
            edits: 0,
        };
        for _ in 0..5 {
            typing.edit();
            typing.two.run();
        }
        typing
    }

    /// Ana edits; what comes of it is on its way.
    pub(crate) fn edit(&mut self) {
        self.edits += 1;
        edited(&mut self.text, self.edits);
        self.two.edit(Edit::Change {
            entry: self.entry,
            change: Change {
                text: Some(self.text.clone()),
                ..Change::default()
            },
        });
    }

    /// It comes to Bo's device.
    pub(crate) fn receive(&mut self) {
        assert!(self.two.receive(BO), "a record is on its way");
    }

    /// All else that is on its way comes.
    pub(crate) fn rest(&mut self) {
        self.two.run();
    }
}
