//! Two devices that met and wrote an entry of every kind, and what the partner would honestly write next in each of its
//! parts. Keys and randomness are fixed, so every run has the same actors, heads and bytes.

use std::collections::{BTreeMap, VecDeque};

use amends_journal::{EntryId, EntryKind, PartKind, apology, checkin, feeling, memory, packet};
use amends_journal::{plan, space, talk};
use amends_keys::identity::{JournalId, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{
    Beginnings, Change, Edit, Effect, Founding, Input, LinkId, MemoryShelf, Partner, Record,
    Replica, Shown, Table, Words, World, Write, read_items,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) type Told<T> = Result<T, String>;

const JOURNAL: [u8; 32] = [0x41; 32];
const EPOCH: [u8; 32] = [0x42; 32];
pub(crate) const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Who is attacked, and who attacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ana,
    Bo,
}

impl Who {
    fn byte(self) -> u8 {
        match self {
            Who::Ana => 1,
            Who::Bo => 2,
        }
    }

    fn other(self) -> Who {
        match self {
            Who::Ana => Who::Bo,
            Who::Bo => Who::Ana,
        }
    }

    fn name(self) -> Told<PersonName> {
        let name = match self {
            Who::Ana => "Ana",
            Who::Bo => "Bo",
        };
        PersonName::try_from(name).map_err(|error| error.to_string())
    }

    pub(crate) fn log(self) -> LogSecret {
        LogSecret::from_bytes(&[0x50 | self.byte(); 32])
    }

    pub(crate) fn static_key(self) -> StaticKey {
        StaticSecret::from_bytes(&[0x60 | self.byte(); 32]).public()
    }
}

pub(crate) fn journal() -> JournalId {
    JournalId(JOURNAL)
}

pub(crate) fn epoch() -> EpochSecret {
    EpochSecret::from_bytes(&EPOCH)
}

/// A whole replica over a shelf in memory, and what it showed and sent.
pub(crate) struct Device {
    pub(crate) replica: Replica,
    pub(crate) shelf: MemoryShelf,
    rng: StdRng,
    pub(crate) shown: Vec<Shown>,
    pub(crate) sent: VecDeque<Vec<u8>>,
    /// Whether it closed the session.
    pub(crate) closed: bool,
    last: Vec<Write>,
}

impl Device {
    fn found(who: Who) -> Told<Device> {
        let mut rng = StdRng::from_seed([who.byte(); 32]);
        let other = who.other();
        let founding = Founding {
            journal: journal(),
            epoch_0: epoch(),
            log: who.log(),
            static_key: who.static_key(),
            name: who.name()?,
            partner: Some(Partner {
                static_key: other.static_key(),
                log: other.log().public(),
                name: other.name()?,
            }),
            confirmed: true,
        };
        let writes = Replica::found(founding, NOW, &mut rng).map_err(|error| error.to_string())?;
        let mut shelf = MemoryShelf::default();
        shelf.commit(&writes);
        Device::on(shelf, who)
    }

    /// The device as it starts with what is on this shelf.
    pub(crate) fn on(shelf: MemoryShelf, who: Who) -> Told<Device> {
        Ok(Device {
            replica: Replica::load(&shelf).map_err(|error| error.to_string())?,
            shelf,
            rng: StdRng::from_seed([who.byte() + 10; 32]),
            shown: Vec::new(),
            sent: VecDeque::new(),
            closed: false,
            last: Vec::new(),
        })
    }

    /// Starts it again with what it has saved.
    pub(crate) fn restart(&mut self) -> Told<()> {
        self.replica = Replica::load(&self.shelf).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Gives it an input and does what it wants done, in order, to the end.
    pub(crate) fn feed(&mut self, input: Input<'_>) -> Told<()> {
        let mut next = Some(input);
        self.last.clear();
        while let Some(input) = next.take() {
            let mut world = World {
                now: NOW,
                rng: &mut self.rng,
                shelf: &self.shelf,
            };
            let effects = self
                .replica
                .handle(&mut world, input)
                .map_err(|error| error.to_string())?;
            for effect in effects {
                match effect {
                    Effect::Save { writes, .. } => {
                        self.shelf.commit(&writes);
                        self.last.extend(writes);
                    }
                    Effect::Show(shown) => self.shown.push(shown),
                    Effect::Send { frame, .. } => self.sent.push_back(frame),
                    Effect::Close { .. } => self.closed = true,
                    Effect::Continue => next = Some(Input::Continue),
                }
            }
        }
        Ok(())
    }

    fn edit(&mut self, edit: Edit) -> Told<EntryId> {
        let name = format!("{edit:?}");
        let before = self.shown.len();
        self.feed(Input::Edit(edit))
            .map_err(|error| format!("{name}: {error}"))?;
        let edited = |shown: &Shown| match shown {
            Shown::Edited(entry) => Some(*entry),
            _ => None,
        };
        let mut shown = self.shown.iter().skip(before);
        shown
            .find_map(edited)
            .ok_or(format!("{name} changed nothing"))
    }
}

/// An honest change of the partner's, as it would come next.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    pub(crate) part: PartKind,
    pub(crate) change: Vec<u8>,
}

pub(crate) struct Story {
    /// What Ana's device has saved before anything hostile comes.
    pub(crate) ana: MemoryShelf,
    pub(crate) entries: BTreeMap<EntryKind, EntryId>,
    /// One for every part that he may still write in; a feeling is said once.
    pub(crate) samples: Vec<Sample>,
}

fn meet(ana: &mut Device, bo: &mut Device, link: u64) -> Told<()> {
    let link = LinkId(link);
    let (anas, bos) = (Who::Ana.static_key(), Who::Bo.static_key());
    ana.feed(Input::Met { link, device: bos })?;
    bo.feed(Input::Met { link, device: anas })?;
    loop {
        let (to_bo, to_ana) = (ana.sent.pop_front(), bo.sent.pop_front());
        if to_bo.is_none() && to_ana.is_none() {
            break;
        }
        for (device, frame) in [(&mut *bo, to_bo), (&mut *ana, to_ana)] {
            if let Some(frame) = frame {
                device.feed(Input::Received {
                    link,
                    frame: &frame,
                })?;
            }
        }
    }
    ana.feed(Input::Parted { link })?;
    bo.feed(Input::Parted { link })
}

fn words(title: &str, text: &str) -> Words {
    Words {
        title: title.to_owned(),
        text: text.to_owned(),
        language: "en".to_owned(),
        ..Words::default()
    }
}

fn begin(
    kind: EntryKind,
    role: u8,
    words: Option<Words>,
    agreed: bool,
    says: Vec<amends_journal::Say>,
) -> Edit {
    Edit::Begin(Beginnings {
        kind,
        role,
        from: None,
        words,
        agreed,
        says,
    })
}

fn say(entry: EntryId, say: impl Into<amends_journal::Say>) -> Edit {
    Edit::Say {
        entry,
        says: vec![say.into()],
    }
}

pub(crate) fn text(entry: EntryId, text: &str) -> Edit {
    Edit::Change {
        entry,
        change: Change {
            text: Some(text.to_owned()),
            ..Change::default()
        },
    }
}

fn title(entry: EntryId, title: &str) -> Edit {
    Edit::Change {
        entry,
        change: Change {
            title: Some(title.to_owned()),
            ..Change::default()
        },
    }
}

/// Both write, meet, and write again.
pub(crate) fn live() -> Told<Story> {
    use EntryKind as Kind;
    let (mut ana, mut bo) = (Device::found(Who::Ana)?, Device::found(Who::Bo)?);
    meet(&mut ana, &mut bo, 1)?;
    let mut entries = BTreeMap::new();

    let evenings = "We put our phones away at dinner, and talk. 🌿";
    let boundary = ana.edit(Edit::Propose(words("Evenings", evenings)))?;
    entries.insert(Kind::Boundary, boundary);
    let schedule = "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Friday";
    let feel = |words: &str| {
        feeling::Say::Feel(feeling::Feel {
            words: words.to_owned(),
            because: "of last week".to_owned(),
            intensity: Some(3),
            tags: vec!["calm".to_owned()],
        })
    };
    let given = apology::Words {
        did: "I forgot our evening.".to_owned(),
        hurt: "You waited alone.".to_owned(),
        own: "I chose to stay.".to_owned(),
        change: "I leave on time.".to_owned(),
        repair: "I cook on Friday.".to_owned(),
    };
    let list = packet::List::new(vec![packet::Item {
        entry: boundary,
        kind: Kind::Boundary,
        digest: [7; 32],
    }])
    .map_err(|error| error.to_string())?;
    let account = talk::Say::Account("I felt left out on Sunday.".to_owned());
    let asked = space::Say::Ask {
        until: NOW + DAY,
        words: "I need a quiet day.".to_owned(),
    };
    for (kind, edit) in [
        (
            Kind::Talk,
            begin(
                Kind::Talk,
                talk::PLAIN,
                Some(words("Sunday", "")),
                false,
                vec![],
            ),
        ),
        (
            Kind::Space,
            begin(Kind::Space, 0, None, false, vec![asked.into()]),
        ),
        (
            Kind::Feeling,
            begin(Kind::Feeling, 0, None, false, vec![feel("hopeful").into()]),
        ),
        (
            Kind::Apology,
            begin(
                Kind::Apology,
                0,
                None,
                false,
                vec![apology::Say::Give(given).into()],
            ),
        ),
        (
            Kind::Checkin,
            begin(
                Kind::Checkin,
                checkin::SCHEDULE,
                Some(words("", schedule)),
                true,
                vec![],
            ),
        ),
        (
            Kind::Memory,
            begin(
                Kind::Memory,
                memory::MEMORY,
                Some(words("The lake", "We swam at night.")),
                false,
                vec![],
            ),
        ),
        (
            Kind::Lesson,
            begin(Kind::Lesson, 0, Some(words("", "Ask first.")), true, vec![]),
        ),
        (
            Kind::Plan,
            begin(
                Kind::Plan,
                0,
                Some(words("A garden", "Tomatoes.")),
                false,
                vec![],
            ),
        ),
        (
            Kind::Packet,
            begin(
                Kind::Packet,
                0,
                Some(words("", &list.to_string())),
                true,
                vec![],
            ),
        ),
    ] {
        entries.insert(kind, bo.edit(edit)?);
    }
    meet(&mut ana, &mut bo, 2)?;
    bo.edit(text(
        boundary,
        "On weekdays we put our phones away, and talk. 🌿",
    ))?;
    bo.edit(Edit::Why {
        entry: boundary,
        why: "because I miss you".to_owned(),
    })?;
    ana.edit(title(boundary, "Our evenings"))?;
    meet(&mut ana, &mut bo, 3)?;
    for device in [&mut ana, &mut bo] {
        device.edit(Edit::Agree {
            entry: boundary,
            shown: None,
        })?;
    }
    meet(&mut ana, &mut bo, 4)?;
    ana.edit(title(boundary, "Our long evenings"))?;
    for kind in [Kind::Checkin, Kind::Lesson, Kind::Packet] {
        ana.edit(Edit::Agree {
            entry: entries.get(&kind).copied().unwrap_or(boundary),
            shown: None,
        })?;
    }
    meet(&mut ana, &mut bo, 5)?;

    let of = |kind| entries.get(&kind).copied().unwrap_or(boundary);
    let wish = plan::Say::Wish {
        id: [3; 8],
        what: plan::What::Food,
        text: "A pie".to_owned(),
    };
    let nexts = [
        text(
            boundary,
            "On weekdays we put phones far away, and talk and laugh. 🌿",
        ),
        text(boundary, "Phones away."),
        title(boundary, "All our evenings"),
        Edit::Change {
            entry: boundary,
            change: Change {
                review_on: Some(Some("2027-03-01".to_owned())),
                ..Change::default()
            },
        },
        Edit::Agree {
            entry: boundary,
            shown: None,
        },
        Edit::Decline {
            entry: boundary,
            reason: Some("not yet".to_owned()),
        },
        Edit::End {
            entry: boundary,
            reason: None,
        },
        Edit::Why {
            entry: boundary,
            why: "because I love our evenings".to_owned(),
        },
        title(of(Kind::Talk), "Last Sunday"),
        say(of(Kind::Talk), account),
        say(of(Kind::Space), space::Say::Over),
        say(
            of(Kind::Apology),
            apology::Say::Add("I should have called.".to_owned()),
        ),
        text(of(Kind::Checkin), &schedule.replace("Monday", "Tuesday")),
        Edit::End {
            entry: of(Kind::Checkin),
            reason: None,
        },
        text(of(Kind::Memory), "We swam at night, in the rain."),
        say(of(Kind::Memory), memory::Say::Again(true)),
        text(of(Kind::Lesson), "Ask first, and listen."),
        Edit::End {
            entry: of(Kind::Lesson),
            reason: None,
        },
        text(of(Kind::Plan), "Tomatoes and beans."),
        say(of(Kind::Plan), wish),
        text(of(Kind::Packet), &list.to_string().replace("07", "17")),
        Edit::End {
            entry: of(Kind::Packet),
            reason: None,
        },
    ];
    let mut samples = Vec::new();
    for edit in nexts {
        let mut device = Device::on(bo.shelf.clone(), Who::Bo)?;
        device.edit(edit)?;
        for write in &device.last {
            if let Write::Put {
                table: Table::Envelope,
                value,
                ..
            } = write
            {
                collect(value, &mut samples)?;
            }
        }
    }
    Ok(Story {
        ana: ana.shelf,
        entries,
        samples,
    })
}

fn collect(envelope: &[u8], samples: &mut Vec<Sample>) -> Told<()> {
    let opened = seal::open(envelope, &epoch(), &journal()).map_err(|error| error.to_string())?;
    for (record, _) in opened.records() {
        let record = Record::parse(record).map_err(|error| error.to_string())?;
        for item in read_items(&record.payload).map_err(|error| error.to_string())? {
            let kind = EntryKind::from_byte(item.kind).ok_or("a kind that is none")?;
            let part = match item.part {
                PartKind::Shared => "shared",
                PartKind::Own => "own",
            };
            let name = format!("{}-{part}-{:02}.change", kind.name(), samples.len());
            samples.push(Sample {
                name,
                kind,
                part: item.part,
                change: item.change,
            });
        }
    }
    Ok(())
}
