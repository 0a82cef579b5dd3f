//! An entry of every kind that two people live in, and every change of either as the other's device meets it.
#![allow(dead_code, unreachable_pub)]

use amends_journal::checkin::{SCHEDULE, SESSION, Session};
use amends_journal::{
    Actor, Begin, Draft, Edit, Entry, EntryId, EntryKind, Part, PartKind, Refusal, RuleError, Say,
    Writer, Written, apology, begin, checkin, draft, feeling, memory, packet, plan, propose, space,
    talk, together_hash, wall,
};

pub const JOURNAL: [u8; 32] = [0x77; 32];
pub const NOW: i64 = 1_800_000_000_000;
pub const TOLD: &str = "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Friday";
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The two of them; each has one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Ana,
    Bo,
}

/// Which part of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    Shared,
    Anas,
    Bos,
}

impl Who {
    pub fn actor(self) -> Actor {
        Actor([if self == Who::Ana { 1 } else { 2 }; 16])
    }

    pub fn own(self) -> Which {
        match self {
            Who::Ana => Which::Anas,
            Who::Bo => Which::Bos,
        }
    }
}

/// What one person does.
#[derive(Clone, Copy)]
pub enum Deed {
    Title(&'static str),
    Text(&'static str),
    Review(Option<&'static str>),
    Date(Option<&'static str>),
    Place(Option<&'static str>),
    Agree,
    Decline,
    End,
    Why(&'static str),
    /// Something said, made of how the entry stands.
    Say(fn(&Entry<'_>) -> Say),
}

/// What one edit made.
#[derive(Debug, Clone)]
pub struct Record {
    pub by: Who,
    pub items: Vec<(Which, Vec<Vec<u8>>)>,
}

/// What one device holds of the entry.
#[derive(Debug, Clone)]
pub struct Device {
    pub who: Who,
    pub kind: EntryKind,
    pub entry: EntryId,
    pub alone: bool,
    pub shared: Part,
    pub anas: Part,
    pub bos: Part,
}

impl Device {
    pub fn new(who: Who, (kind, entry, alone): (EntryKind, EntryId, bool)) -> Device {
        let part = |part| Part::new(kind, 1, part).unwrap();
        Device {
            who,
            kind,
            entry,
            alone,
            shared: part(PartKind::Shared),
            anas: part(PartKind::Own),
            bos: part(PartKind::Own),
        }
    }

    /// The same parts in the other one's hands.
    pub fn of_the_other(&self) -> Device {
        let who = match self.who {
            Who::Ana => Who::Bo,
            Who::Bo => Who::Ana,
        };
        Device {
            who,
            ..self.clone()
        }
    }

    pub fn writer(&self, who: Who) -> Writer {
        let actor = who.actor();
        Writer {
            journal: JOURNAL,
            entry: self.entry,
            log: [actor.0[0]; 32],
            device: actor,
            actor,
            alone: self.alone,
        }
    }

    pub fn view(&self) -> Entry<'_> {
        let (mine, partners) = match self.who {
            Who::Ana => (&self.anas, &self.bos),
            Who::Bo => (&self.bos, &self.anas),
        };
        Entry {
            entry: self.entry,
            shared: &self.shared,
            mine,
            partners,
        }
    }

    pub fn part(&self, which: Which) -> &Part {
        match which {
            Which::Shared => &self.shared,
            Which::Anas => &self.anas,
            Which::Bos => &self.bos,
        }
    }

    pub fn part_mut(&mut self, which: Which) -> &mut Part {
        match which {
            Which::Shared => &mut self.shared,
            Which::Anas => &mut self.anas,
            Which::Bos => &mut self.bos,
        }
    }

    fn keep(&mut self, items: Vec<(Which, Written)>) -> Record {
        let by = self.who;
        let items = items.into_iter().map(|(which, written)| {
            *self.part_mut(which) = written.part;
            (which, written.changes)
        });
        Record {
            by,
            items: items.collect(),
        }
    }

    fn begins(&mut self, how: &Beginning) -> Record {
        let (writer, own) = (self.writer(self.who), self.who.own());
        if self.kind == EntryKind::Boundary {
            let proposed = propose(&writer, NOW, &how.draft.unwrap()).unwrap();
            return self.keep(vec![(Which::Shared, proposed.shared), (own, proposed.own)]);
        }
        let beginning = Begin {
            nonce: [5; 16],
            role: how.role,
            from: None,
        };
        let (draft, says) = (how.draft.as_ref(), (how.says)());
        let begun = begin(self.kind, &writer, NOW, beginning, draft, how.agreed, &says).unwrap();
        let shared = begun.shared.map(|shared| (Which::Shared, shared));
        self.keep(shared.into_iter().chain([(own, begun.own)]).collect())
    }

    /// Does it. `None` where it changes nothing.
    pub fn does(&mut self, deed: Deed) -> Result<Option<Record>, RuleError> {
        let (writer, entry) = (self.writer(self.who), self.view());
        let edit = |edit: Edit<'_>| entry.edit(&writer, NOW, &edit);
        let own = self.who.own();
        let shared = Which::Shared;
        let (which, written) = match deed {
            Deed::Title(title) => (
                shared,
                edit(Edit {
                    title: Some(title),
                    ..Edit::default()
                })?,
            ),
            Deed::Text(text) => (
                shared,
                edit(Edit {
                    text: Some(text),
                    ..Edit::default()
                })?,
            ),
            Deed::Review(date) => (
                shared,
                edit(Edit {
                    review_on: Some(date),
                    ..Edit::default()
                })?,
            ),
            Deed::Date(date) => (
                shared,
                edit(Edit {
                    date: Some(date),
                    ..Edit::default()
                })?,
            ),
            Deed::Place(place) => (
                shared,
                edit(Edit {
                    place: Some(place),
                    ..Edit::default()
                })?,
            ),
            Deed::Agree => (own, entry.agree(&writer, NOW)?),
            Deed::Decline => (own, entry.decline(&writer, NOW, Some("not yet"))?),
            Deed::End => (own, Some(entry.end(&writer, NOW, Some("it hurts"))?)),
            Deed::Why(why) => (own, entry.say_why(&writer, NOW, why)?),
            Deed::Say(say) => (own, Some(entry.say(&writer, NOW, &[say(&entry)])?)),
        };
        Ok(written.map(|written| self.keep(vec![(which, written)])))
    }

    pub fn takes(&mut self, record: &Record) -> Result<(), Refusal> {
        for (which, changes) in &record.items {
            let changes: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
            *self.part_mut(*which) =
                wall::admit(self.part(*which), &self.writer(record.by), &changes)?;
        }
        Ok(())
    }
}

struct Beginning {
    role: u8,
    draft: Option<Draft<'static>>,
    agreed: bool,
    says: fn() -> Vec<Say>,
}

/// How the two live in one entry: the first of a pair is of whoever began it, done beside the other's where there is one.
pub struct Life {
    pub name: &'static str,
    pub kind: EntryKind,
    beginning: Beginning,
    alone: bool,
    deeds: Vec<(Option<Deed>, Option<Deed>)>,
    /// What either of them may do next, in most states.
    pub nexts: Vec<Deed>,
}

/// An honest change, the device just before it came, and where it goes.
#[derive(Clone)]
pub struct Sample {
    pub life: usize,
    pub device: Device,
    pub by: Who,
    pub which: Which,
    pub change: Vec<u8>,
}

impl Sample {
    pub fn part(&self) -> &Part {
        self.device.part(self.which)
    }

    pub fn to_alter(&self) -> super::altered::Sample<'_> {
        super::altered::Sample {
            part: self.part(),
            actor: self.by.actor(),
            change: &self.change,
        }
    }
}

fn first(deed: Deed) -> (Option<Deed>, Option<Deed>) {
    (Some(deed), None)
}

fn other(deed: Deed) -> (Option<Deed>, Option<Deed>) {
    (None, Some(deed))
}

fn both(first: Deed, other: Deed) -> (Option<Deed>, Option<Deed>) {
    (Some(first), Some(other))
}

fn words(title: &'static str, text: &'static str) -> Draft<'static> {
    Draft {
        title,
        text,
        language: "en",
        ..Draft::default()
    }
}

pub fn lives() -> Vec<Life> {
    let none: fn() -> Vec<amends_journal::Say> = Vec::new;
    let life = |name, kind, role, draft, agreed, says, deeds, nexts| Life {
        name,
        kind,
        beginning: Beginning {
            role,
            draft,
            agreed,
            says,
        },
        alone: false,
        deeds,
        nexts,
    };
    use Deed::{Agree, Date, Decline, End, Place, Review, Say, Text, Title, Why};
    use EntryKind as Kind;
    let texts = || {
        vec![
            first(Text(
                "We put all phones away, café included 👩🏽. It is late.",
            )),
            both(Title("Our long evenings"), Text("We put phones far away.")),
            both(Text("Other words, all at once."), Text("Short.")),
            first(Title("")),
            other(Text("Short, and a little longer again.")),
        ]
    };
    let mut agreed = texts();
    agreed.extend([
        both(Review(Some("2027-03-01")), Review(Some("2028-03-01"))),
        first(Review(None)),
        both(Agree, Text("Another text. It is late.")),
        both(Decline, Agree),
        both(Agree, Text("Once more.")),
        both(Agree, Agree),
        first(End),
    ]);
    let mut boundary = agreed.clone();
    boundary.extend([
        both(Why("because I miss you"), Why("because it is late")),
        first(Why("because I miss you very much")),
    ]);
    let dated = || {
        let mut deeds = texts();
        deeds.extend([
            both(Date(Some("2026-07-04")), Date(Some("2026-07-05"))),
            first(Date(None)),
        ]);
        deeds
    };
    let mut plans = dated();
    plans.extend([
        both(
            Say(|_| step(1, plan::Owner::Both, "Dig")),
            Say(|_| step(2, plan::Owner::One(amends_journal::Person::Me), "Sow")),
        ),
        first(Say(|_| step(1, plan::Owner::Both, "Dig deep"))),
        first(Say(|_| wish(3, "A pie"))),
        other(Say(|entry| done(entry, [1; 8]))),
        first(Say(confirm)),
        first(Say(|_| plan::Say::Drop([3; 8]).into())),
        both(
            Say(|_| plan::Say::Finish(Some("2026-08-01".into())).into()),
            Say(|_| plan::Say::Finish(None).into()),
        ),
    ]);
    let mut memories = dated();
    memories.extend([
        both(Place(Some("the lake")), Place(Some("Bled, at the lake"))),
        both(Say(|_| photo(1)), Say(|_| photo(2))),
        first(Say(take_back)),
        both(
            Say(|_| memory::Say::Again(true).into()),
            Say(|_| memory::Say::Again(true).into()),
        ),
        first(Say(|_| memory::Say::Again(false).into())),
    ]);
    let talked = vec![
        both(Title("Last Sunday"), Title("That Sunday")),
        both(
            Say(|_| account("I felt left out on Sunday.")),
            Say(|_| account("I was tired, and silent.")),
        ),
        both(Say(heard), Say(heard)),
        both(
            Say(|entry| meant(entry, false)),
            Say(|entry| meant(entry, true)),
        ),
        first(Say(|_| account("I felt left out, and alone."))),
        other(Say(heard)),
        first(Say(|entry| meant(entry, true))),
        both(Say(settled), Say(settled)),
        first(Say(|entry| {
            let of = entry.talk().accounts();
            talk::Say::Settle { on: false, of }.into()
        })),
    ];
    let asked = vec![
        other(Say(|_| talk::Say::Reply("Yes, tonight.".into()).into())),
        both(
            Say(|_| account("I felt alone.")),
            Say(|_| talk::Say::Reply("Or tomorrow.".into()).into()),
        ),
    ];
    let together = vec![
        both(
            Say(|entry| committed(entry, 2, "I was angry.")),
            Say(|entry| committed(entry, 1, "I was afraid.")),
        ),
        both(
            Say(|entry| opened(entry, 2, "I was angry.")),
            Say(|entry| opened(entry, 1, "I was afraid.")),
        ),
        both(Say(heard), Say(heard)),
    ];
    let mut all = vec![
        life(
            "boundary",
            Kind::Boundary,
            0,
            Some(words("Evenings", "We put phones away.")),
            true,
            none,
            boundary,
            vec![Text("The next words."), Title("Next"), Agree, Why("next")],
        ),
        life(
            "lesson",
            Kind::Lesson,
            0,
            Some(words("Ask", "Ask first.")),
            true,
            none,
            agreed.clone(),
            vec![Text("The next words."), Title("Next"), Agree],
        ),
        life(
            "schedule",
            Kind::Checkin,
            SCHEDULE,
            Some(words("", TOLD)),
            true,
            none,
            vec![
                both(
                    Text("30 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Friday"),
                    Text("20 minutes at 18:30, Europe/Berlin\nfrom 2026-12-01: Tuesday"),
                ),
                both(Text(TOLD), Review(Some("2027-01-01"))),
                both(Agree, Agree),
                first(End),
            ],
            vec![
                Text(TOLD),
                Text("45 minutes at 18:30, Europe/Berlin\nfrom 2026-12-01: Sunday"),
                Agree,
            ],
        ),
        life(
            "session",
            Kind::Checkin,
            SESSION,
            Some(words("", "")),
            false,
            || {
                vec![
                    checkin::Say::Held(Session {
                        started: NOW,
                        minutes: 18,
                        agenda: vec![[1; 16], [2; 16]],
                        left: vec![[2; 16]],
                    })
                    .into(),
                ]
            },
            vec![
                first(Text("We agreed to rest.")),
                both(Agree, Agree),
                both(Text("We rest on Sundays."), Text("We agreed to sleep.")),
            ],
            vec![Text("The next words."), Agree],
        ),
        life(
            "packet",
            Kind::Packet,
            0,
            Some(words("", listed(7))),
            true,
            none,
            vec![
                both(Text(listed(8)), Agree),
                first(Text(listed(9))),
                both(Agree, Agree),
                first(End),
            ],
            vec![Text(listed(3)), Agree],
        ),
        life(
            "plan",
            Kind::Plan,
            0,
            Some(words("A garden", "Tomatoes.")),
            false,
            none,
            plans,
            vec![Text("The next words."), Say(|_| wish(77, "A walk"))],
        ),
        life(
            "memory",
            Kind::Memory,
            memory::MEMORY,
            Some(words("The lake", "We swam.")),
            false,
            none,
            memories,
            vec![
                Text("The next words."),
                Place(Some("elsewhere")),
                Say(|_| photo(9)),
            ],
        ),
        life(
            "idea",
            Kind::Memory,
            memory::IDEA,
            Some(words("A hut", "In the snow.")),
            false,
            none,
            vec![
                both(
                    Say(|_| memory::Say::Did(Some("2026-07-04".into())).into()),
                    Text("In the deep snow."),
                ),
                first(Say(|_| memory::Say::Did(None).into())),
            ],
            vec![Text("The next words."), Say(|_| photo(9))],
        ),
        life(
            "talk",
            Kind::Talk,
            talk::PLAIN,
            Some(words("Sunday", "")),
            false,
            none,
            talked,
            vec![Title("Next"), Say(|_| account("The next words."))],
        ),
        life(
            "question",
            Kind::Talk,
            talk::ASKED,
            Some(words("Sunday", "")),
            false,
            || vec![talk::Say::Ask("Can we talk?".into()).into()],
            asked,
            vec![Title("Next"), Say(|_| account("The next words."))],
        ),
        life(
            "together",
            Kind::Talk,
            talk::TOGETHER,
            Some(words("Sunday", "")),
            false,
            none,
            together,
            vec![Title("Next"), Say(heard)],
        ),
        life(
            "space",
            Kind::Space,
            0,
            None,
            false,
            || {
                vec![
                    space::Say::Ask {
                        until: NOW + DAY,
                        words: "A quiet day.".into(),
                    }
                    .into(),
                ]
            },
            vec![first(Say(|_| space::Say::Over.into()))],
            vec![Say(|_| space::Say::Over.into())],
        ),
        life(
            "feeling",
            Kind::Feeling,
            0,
            None,
            false,
            || vec![felt("hopeful")],
            vec![],
            vec![Say(|_| felt("calm"))],
        ),
        life(
            "apology",
            Kind::Apology,
            0,
            None,
            false,
            || vec![given()],
            vec![
                first(Say(|_| {
                    apology::Say::Add("I should have called.".into()).into()
                })),
                other(Say(|entry| answered(entry, apology::Answer::NotYet))),
                both(
                    Say(|_| apology::Say::Add("And asked.".into()).into()),
                    Say(|entry| answered(entry, apology::Answer::Forgiven)),
                ),
                other(Say(|_| apology::Say::Withdraw.into())),
            ],
            vec![
                Say(|_| apology::Say::Add("More.".into()).into()),
                Say(|entry| answered(entry, apology::Answer::NotYet)),
            ],
        ),
    ];
    // A journal of one.
    all.push(Life {
        alone: true,
        ..life(
            "draft",
            Kind::Apology,
            0,
            None,
            false,
            || vec![written("a first try")],
            vec![
                first(Say(|_| written("a second try"))),
                first(Say(|_| draft::Say::Done(Some(EntryId([8; 16]))).into())),
            ],
            vec![Say(|_| written("a third try"))],
        )
    });
    all.push(Life {
        alone: true,
        ..life(
            "private feeling",
            Kind::Feeling,
            0,
            None,
            false,
            || vec![felt("angry")],
            vec![
                first(Say(|_| felt("less angry"))),
                first(Say(|_| feeling::Say::Shared(EntryId([8; 16])).into())),
            ],
            vec![Say(|_| felt("calm"))],
        )
    });
    all
}

fn written(words: &str) -> Say {
    draft::Say::Write {
        waits_for: draft::WaitsFor::Author,
        answers: vec![("did".to_owned(), words.to_owned())],
    }
    .into()
}

fn felt(words: &str) -> Say {
    feeling::Say::Feel(feeling::Feel {
        words: words.to_owned(),
        because: "of last week".to_owned(),
        intensity: Some(3),
        tags: vec![],
    })
    .into()
}

fn given() -> Say {
    apology::Say::Give(apology::Words {
        did: "I forgot our evening.".to_owned(),
        hurt: "You waited alone.".to_owned(),
        own: "I chose to stay.".to_owned(),
        change: "I leave on time.".to_owned(),
        repair: "I cook on Friday.".to_owned(),
    })
    .into()
}

fn answered(entry: &Entry<'_>, answer: apology::Answer) -> Say {
    apology::Say::Answer {
        of: entry.apology().hash,
        answer,
        words: "It was long.".to_owned(),
    }
    .into()
}

fn account(text: &str) -> Say {
    talk::Say::Account(text.to_owned()).into()
}

fn heard(entry: &Entry<'_>) -> Say {
    let of = entry
        .talk()
        .partners
        .account
        .map_or([0; 32], |account| account.hash);
    talk::Say::Heard {
        of,
        words: "That it hurt.".to_owned(),
    }
    .into()
}

fn meant(entry: &Entry<'_>, yes: bool) -> Say {
    let of = entry
        .talk()
        .mine
        .hearing
        .map_or([0; 32], |hearing| hearing.hash);
    talk::Say::Meant {
        of,
        yes,
        words: "Nearly.".to_owned(),
    }
    .into()
}

fn settled(entry: &Entry<'_>) -> Say {
    talk::Say::Settle {
        on: true,
        of: entry.talk().accounts(),
    }
    .into()
}

const HIDDEN: [u8; 32] = [5; 32];

fn committed(entry: &Entry<'_>, log: u8, text: &str) -> Say {
    talk::Say::Commit(together_hash(
        &JOURNAL,
        &entry.entry,
        &[log; 32],
        &HIDDEN,
        text,
    ))
    .into()
}

fn opened(entry: &Entry<'_>, log: u8, text: &str) -> Say {
    talk::Say::Open {
        c: together_hash(&JOURNAL, &entry.entry, &[log; 32], &HIDDEN, text),
        nonce: HIDDEN,
        text: text.to_owned(),
    }
    .into()
}

fn step(id: u8, owner: plan::Owner, text: &str) -> Say {
    plan::Say::Step {
        id: [id; 8],
        owner,
        asks: true,
        due: Some("2026-08-01".to_owned()),
        text: text.to_owned(),
    }
    .into()
}

fn wish(id: u8, text: &str) -> Say {
    plan::Say::Wish {
        id: [id; 8],
        what: plan::What::Food,
        text: text.to_owned(),
    }
    .into()
}

fn done(entry: &Entry<'_>, step: [u8; 8]) -> Say {
    let steps = entry.plan().steps;
    let version = steps.iter().find(|there| there.id == step);
    plan::Say::Done {
        step,
        on: "2026-07-30".to_owned(),
        version: version.map_or([0; 32], |there| there.version),
    }
    .into()
}

fn confirm(entry: &Entry<'_>) -> Say {
    let done = entry.plan().steps.iter().find_map(|step| step.done_hash);
    plan::Say::Confirm(done.unwrap_or_default()).into()
}

fn photo(byte: u8) -> Say {
    memory::Say::Photo(memory::Photo {
        mime: "image/png".to_owned(),
        size: Some((640, 480)),
        as_it_was: false,
        reference: vec![byte; 40],
    })
    .into()
}

/// One's own photo is taken back.
fn take_back(entry: &Entry<'_>) -> Say {
    let photos = entry.memory().photos;
    let mine = photos
        .iter()
        .find(|shown| shown.by == amends_journal::Person::Me);
    memory::Say::TakeBack(mine.map_or([0; 32], |shown| shown.hash)).into()
}

/// A list of one entry, with a digest of such bytes.
fn listed(byte: u8) -> &'static str {
    let list = packet::List::new([packet::Item {
        entry: EntryId([9; 16]),
        kind: EntryKind::Boundary,
        digest: [byte; 32],
    }]);
    Box::leak(list.unwrap().to_string().into_boxed_str())
}

/// Lives all of them; every change that either made, as the other's device met it.
pub fn samples(lives: &[Life]) -> Vec<Sample> {
    let (mut samples, mut wrong) = (Vec::new(), Vec::new());
    for (at, life) in lives.iter().enumerate() {
        let entry = if life.kind == EntryKind::Boundary {
            EntryId([7; 16])
        } else {
            Begin::id(&JOURNAL, life.kind, &Who::Bo.actor(), &[5; 16])
        };
        let of = (life.kind, entry, life.alone);
        let (mut bo, mut ana) = (Device::new(Who::Bo, of), Device::new(Who::Ana, of));
        let begun = bo.begins(&life.beginning);
        meets(at, &mut ana, &begun, &mut samples);
        for (number, (first, other)) in life.deeds.iter().enumerate() {
            let mut deed = |device: &mut Device, deed: &Option<Deed>| {
                let done = deed.map(|deed| device.does(deed));
                match done {
                    None => None,
                    Some(Ok(Some(record))) => Some(record),
                    Some(other) => {
                        wrong.push(format!("{} {number}: {other:?}", life.name));
                        None
                    }
                }
            };
            let (bos, anas) = (deed(&mut bo, first), deed(&mut ana, other));
            if let Some(record) = bos {
                meets(at, &mut ana, &record, &mut samples);
            }
            if let Some(record) = anas {
                meets(at, &mut bo, &record, &mut samples);
            }
        }
        assert_eq!(bo.shared.heads(), ana.shared.heads(), "{}", life.name);
    }
    assert!(wrong.is_empty(), "no honest life: {wrong:#?}");
    samples
}

fn meets(life: usize, device: &mut Device, record: &Record, samples: &mut Vec<Sample>) {
    for (which, changes) in &record.items {
        for change in changes {
            samples.push(Sample {
                life,
                device: device.clone(),
                by: record.by,
                which: *which,
                change: change.clone(),
            });
            let one = Record {
                by: record.by,
                items: vec![(*which, vec![change.clone()])],
            };
            device.takes(&one).unwrap();
        }
    }
}
