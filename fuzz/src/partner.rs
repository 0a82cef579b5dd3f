//! A partner who turned hostile: they hold the pair's keys, and sign and seal whatever they like. All steps of PROTOCOL section 6
//! through a whole replica.

use std::sync::LazyLock;

use amends_journal::{EntryId, PartKind};
use amends_keys::identity::{JournalId, LogSecret, PersonName, StaticSecret};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{
    Edit, Effect, Founding, Frame, HandleError, Input, Item, LinkId, MemoryShelf, Partner, Record,
    RecordHash, Replica, Shown, Words, World, read_items, write_items,
};

use rand_chacha::ChaCha20Rng;

use super::mend;

const LINK: LinkId = LinkId(1);
const NOW: i64 = 1_800_000_000_000;
const SALT: [u8; 24] = [9; 24];
const JOURNAL: JournalId = JournalId([7; 32]);

fn epoch_0() -> EpochSecret {
    EpochSecret::from_bytes(&[1; 32])
}

fn statics(n: u8) -> StaticSecret {
    StaticSecret::from_bytes(&[n; 32])
}

fn log(n: u8) -> LogSecret {
    LogSecret::from_bytes(&[n; 32])
}

fn founded(me: u8, other: u8) -> MemoryShelf {
    let name = |n: u8| PersonName::try_from(if n == 3 { "Ana" } else { "Bo" }).unwrap();
    let founding = Founding {
        journal: JOURNAL,
        epoch_0: epoch_0(),
        log: log(me),
        static_key: statics(me).public(),
        name: name(me),
        partner: Some(Partner {
            static_key: statics(other).public(),
            log: log(other).public(),
            name: name(other),
        }),
        confirmed: true,
    };
    let mut shelf = MemoryShelf::default();
    shelf.commit(&Replica::found(founding, NOW, &mut mend::rng(me.into())).unwrap());
    shelf
}

/// One device: what it keeps, and what runs.
struct Device {
    shelf: MemoryShelf,
    replica: Replica,
    rng: ChaCha20Rng,
}

impl Device {
    /// Two devices need two seeds, or they give their entries the same ids.
    fn new(shelf: &MemoryShelf, seed: u64) -> Device {
        Device {
            shelf: shelf.clone(),
            replica: Replica::load(shelf).unwrap(),
            rng: mend::rng(seed),
        }
    }

    /// Gives it an input and does what it wants done; what it sends and shows, and whether it closed the link.
    fn feed(&mut self, input: Input<'_>) -> Result<Said, HandleError> {
        let mut said = Said::default();
        let mut next = Some(input);
        let mut rounds = 0;
        while let Some(input) = next.take() {
            rounds += 1;
            assert!(rounds < 1000, "it goes on for ever");
            let mut world = World {
                now: NOW,
                rng: &mut self.rng,
                shelf: &self.shelf,
            };
            let effects = self.replica.handle(&mut world, input)?;
            for effect in effects {
                match effect {
                    Effect::Save { writes, .. } => self.shelf.commit(&writes),
                    Effect::Show(shown) => said.shown.push(shown),
                    Effect::Send { frame, .. } => said.sent.push(frame),
                    Effect::Close { .. } => said.closed = true,
                    Effect::Continue => next = Some(Input::Continue),
                }
            }
        }
        Ok(said)
    }

    fn met(&mut self, other: u8) -> Said {
        let device = statics(other).public();
        self.feed(Input::Met { link: LINK, device }).unwrap()
    }
}

#[derive(Default)]
struct Said {
    shown: Vec<Shown>,
    sent: Vec<Vec<u8>>,
    closed: bool,
}

/// Ana's shelf once she and Bo have met and each has written; the hash of the last record of Bo's log and the number that
/// comes next in it; the changes of Bo's that she has not seen yet.
struct Story {
    anas: MemoryShelf,
    prev: RecordHash,
    seq: u64,
    items: Vec<Item>,
}

fn proposal(text: &str) -> Edit {
    Edit::Propose(Words {
        title: "Evenings".into(),
        text: text.into(),
        language: "en".into(),
        ..Words::default()
    })
}

static STORY: LazyLock<Story> = LazyLock::new(|| {
    let (mut ana, mut bo) = (
        Device::new(&founded(3, 4), 1),
        Device::new(&founded(4, 3), 2),
    );
    ana.feed(Input::Edit(proposal("Phones away at dinner.")))
        .unwrap();
    bo.feed(Input::Edit(proposal("A walk on Sundays.")))
        .unwrap();
    let mut to_bo = ana.met(4).sent;
    let mut to_ana = bo.met(3).sent;
    while !to_bo.is_empty() || !to_ana.is_empty() {
        for frame in std::mem::take(&mut to_bo) {
            let frame = &frame;
            to_ana.extend(bo.feed(Input::Received { link: LINK, frame }).unwrap().sent);
        }
        for frame in std::mem::take(&mut to_ana) {
            let frame = &frame;
            to_bo.extend(
                ana.feed(Input::Received { link: LINK, frame })
                    .unwrap()
                    .sent,
            );
        }
    }
    let head = bo.replica.clock();
    let seq = head.seq(&log(4).public());
    let prev = head.head(&log(4).public());
    let entries: Vec<EntryId> = bo.replica.cards().map(|(entry, _)| *entry).collect();
    assert_eq!(entries.len(), 2);
    let mut items = Vec::new();
    for entry in entries {
        for edit in [
            Edit::Change {
                entry,
                change: amends_replica::Change {
                    text: Some("Other words.".into()),
                    ..Default::default()
                },
            },
            Edit::Agree { entry, shown: None },
            Edit::Why {
                entry,
                why: "it matters".into(),
            },
        ] {
            for frame in bo.feed(Input::Edit(edit)).unwrap().sent {
                items.extend(items_of(&frame));
            }
        }
    }
    assert!(items.len() >= 4, "{}", items.len());
    Story {
        anas: ana.shelf,
        prev,
        seq: seq + 1,
        items,
    }
});

fn items_of(frame: &[u8]) -> Vec<Item> {
    let Ok(Frame::Envelope(envelope)) = Frame::parse(frame) else {
        return Vec::new();
    };
    let opened = seal::open(&envelope, &epoch_0(), &JOURNAL).unwrap();
    let records = opened.into_records();
    let payloads = records
        .iter()
        .map(|(bytes, _)| Record::parse(bytes).unwrap().payload);
    payloads
        .flat_map(|payload| read_items(&payload).unwrap())
        .collect()
}

/// What Ana keeps after the meeting.
pub fn kept() -> MemoryShelf {
    STORY.anas.clone()
}

/// A record of Bo's, signed, sealed, and in a frame.
fn frame_of(record: &Record) -> Vec<u8> {
    let bytes = record.to_bytes();
    let signature = Record::sign(&bytes, &log(4));
    let envelope = seal::seal(0, &epoch_0(), &JOURNAL, SALT, &[(&bytes, &signature)]);
    Frame::Envelope(envelope.unwrap()).to_bytes()
}

fn next(kind: u8, payload: Vec<u8>) -> Record {
    Record {
        journal: JOURNAL,
        log: log(4).public(),
        seq: STORY.seq,
        prev: STORY.prev,
        epoch: 0,
        kind,
        seen: Vec::new(),
        payload,
    }
}

/// A first byte. 0: the rest is a frame. 1: the payload of the next record; 2: of a membership record. 3: bytes that alter an
/// honest record before it is signed. From 8 on: which of Bo's changes the rest is the content of, its checksum mended.
/// Whatever came, Ana's device starts again from what it kept, and she can write.
pub fn says(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let mut ana = Device::new(&STORY.anas, 3);
    ana.met(4);
    let frame = match how {
        1 | 2 => frame_of(&next(how, rest.to_vec())),
        3 => {
            let honest = next(1, write_items(&STORY.items[..1])).to_bytes();
            let altered = mend::altered(&honest, rest);
            let signature = Record::sign(&altered, &log(4));
            let sealed = seal::seal(0, &epoch_0(), &JOURNAL, SALT, &[(&altered, &signature)]);
            Frame::Envelope(sealed.unwrap()).to_bytes()
        }
        8.. => {
            let which = usize::from(how - 8) % STORY.items.len();
            let item = Item {
                change: mend::automerge_chunk(1, rest),
                ..STORY.items[which].clone()
            };
            frame_of(&next(1, write_items([&item])))
        }
        _ => rest.to_vec(),
    };
    let frame = frame.as_slice();
    let before = ana.replica.clock().seq(&log(4).public());
    let said = ana.feed(Input::Received { link: LINK, frame });
    let said = said.expect("nothing that comes is an error of this device's");
    let held = ana.replica.clock().seq(&log(4).public());
    let aside = said
        .shown
        .iter()
        .any(|shown| matches!(shown, Shown::SetAside { .. }));
    let refused = said
        .shown
        .iter()
        .any(|shown| matches!(shown, Shown::Refused(_)));
    assert!(!aside || held > before, "what is set aside is numbered");
    assert!(!refused || held == before, "what is refused is not");
    // It starts again from what it kept. To write is dear: one in sixteen does.
    let mut again = Device::new(&ana.shelf, 4);
    assert_eq!(again.replica.clock(), ana.replica.clock());
    assert_eq!(
        again.replica.cards().count(),
        2.max(ana.replica.cards().count())
    );
    if rest.last().is_some_and(|last| last % 16 == 0) {
        let readable = again.replica.cards().find(|(_, card)| !card.unread);
        let edit = match readable.map(|(entry, _)| *entry) {
            Some(entry) => Edit::Why {
                entry,
                why: "still".into(),
            },
            // He wrote in all of them as a later version would: nothing is written over that, and she begins another.
            None => proposal("Still."),
        };
        let done = again.feed(Input::Edit(edit)).unwrap();
        let edited = |shown: &Shown| matches!(shown, Shown::Edited(_));
        assert!(done.shown.iter().any(edited));
    }
    let became = if aside {
        "set aside"
    } else if held > before {
        "applied"
    } else if refused {
        "refused"
    } else if said.closed {
        "closed"
    } else {
        "nothing"
    };
    became.into()
}

pub fn say_seeds() -> Vec<Vec<u8>> {
    let items = &STORY.items;
    let mut seeds = vec![
        vec![0],
        vec![0, 3],
        [&[0], &frame_of(&next(1, write_items(&items[..1])))[..]].concat(),
        [&[1], &write_items(&items[..1])[..]].concat(),
        [&[1], &write_items(&items[..2])[..]].concat(),
        vec![1],
        vec![2, 1],
        vec![3],
        vec![3, 0, 60, 1],
        vec![3, 0, 120, 1],
    ];
    for (which, item) in (8u8..).zip(items) {
        seeds.push([&[which], mend::content(&item.change)].concat());
    }
    let mut later = items[0].clone();
    later.schema = 9;
    seeds.push([&[1], &write_items([&later])[..]].concat());
    later.part = PartKind::Own;
    later.entry = EntryId([0; 16]);
    seeds.push([&[1], &write_items([&later])[..]].concat());
    seeds
}
