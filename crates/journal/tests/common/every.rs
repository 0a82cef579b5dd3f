//! An entry of every kind, and every change that came into one of its parts, just before it came.
#![allow(dead_code, unreachable_pub)]

use amends_journal::{
    Actor, Begin, Draft, Edit, Entry, EntryId, EntryKind, Part, PartKind, RuleError, SCHEMA, Say,
    Writer, Written, apology, begin, checkin, feeling, memory, packet, plan, propose, space, talk,
};

const JOURNAL: [u8; 32] = [0x77; 32];
const NOW: i64 = 1_800_000_000_000;
const NONCE: [u8; 16] = [5; 16];
const ANA: Actor = Actor([1; 16]);
const BO: Actor = Actor([2; 16]);

/// One entry, as both hold it.
#[derive(Clone)]
pub struct Held {
    entry: EntryId,
    shared: Part,
    anas: Part,
    bos: Part,
}

/// A change of Bo's, and the entry just before it came to Ana.
pub struct Sample {
    held: Held,
    own: bool,
    pub writer: Writer,
    pub change: Vec<u8>,
}

impl Sample {
    pub fn kind(&self) -> EntryKind {
        self.held.shared.kind()
    }

    pub fn before(&self) -> &Part {
        if self.own {
            &self.held.bos
        } else {
            &self.held.shared
        }
    }

    /// The entry with this part in the place of the one that the change was for.
    pub fn with(&self, part: Part) -> Held {
        let mut held = self.held.clone();
        if self.own {
            held.bos = part;
        } else {
            held.shared = part;
        }
        held
    }
}

fn writer(entry: EntryId, actor: Actor) -> Writer {
    Writer {
        journal: JOURNAL,
        entry,
        log: [0; 32],
        device: actor,
        actor,
        alone: false,
    }
}

/// What an honest program made of an edit: nothing, where a rule says no or nothing changes.
fn honest(written: Result<Option<Written>, RuleError>) -> Option<Written> {
    match written {
        Ok(written) => written,
        Err(RuleError::Write(error)) => panic!("an honest edit failed: {error}"),
        Err(_) => None,
    }
}

/// Something that somebody does.
enum Deed {
    Text(String),
    Title(&'static str),
    Review(Option<&'static str>),
    Agree,
    Decline,
    End,
    Why,
    Say(Say),
}

impl Held {
    fn view(&self, actor: Actor) -> Entry<'_> {
        let (mine, partners) = if actor == ANA {
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

    fn does(&self, actor: Actor, deed: &Deed) -> Option<(bool, Written)> {
        let (by, entry) = (writer(self.entry, actor), self.view(actor));
        let edit = |edit: Edit<'_>| honest(entry.edit(&by, NOW, &edit));
        let none = Edit::default();
        Some(match deed {
            Deed::Text(text) => {
                let text = Some(text.as_str());
                (false, edit(Edit { text, ..none })?)
            }
            Deed::Title(title) => {
                let title = Some(*title);
                (false, edit(Edit { title, ..none })?)
            }
            Deed::Review(date) => {
                let review_on = Some(*date);
                (false, edit(Edit { review_on, ..none })?)
            }
            Deed::Agree => (true, honest(entry.agree(&by, NOW))?),
            Deed::Decline => (true, honest(entry.decline(&by, NOW, Some("no")))?),
            Deed::End => (true, honest(entry.end(&by, NOW, None).map(Some))?),
            Deed::Why => (true, honest(entry.say_why(&by, NOW, "because"))?),
            Deed::Say(say) => {
                let said = entry.say(&by, NOW, std::slice::from_ref(say));
                (true, honest(said.map(Some))?)
            }
        })
    }

    fn keep(&mut self, actor: Actor, own: bool, part: Part) {
        match (own, actor == ANA) {
            (false, _) => self.shared = part,
            (true, true) => self.anas = part,
            (true, false) => self.bos = part,
        }
    }

    /// It can be looked at from both sides, and Ana goes on writing.
    pub fn goes_on(mut self) {
        for actor in [ANA, BO] {
            let view = self.view(actor);
            let _ = (view.in_short(), view.agreement());
        }
        let next = [
            Deed::Title("And then"),
            Deed::Text("Ana goes on.".to_owned()),
            Deed::Agree,
            Deed::Say(talk::Say::Account("I was there.".to_owned()).into()),
            Deed::Say(plan::Say::Finish(None).into()),
            Deed::Say(memory::Say::Again(true).into()),
        ];
        for deed in next {
            // One that is not of this kind is refused by a rule; what an honest program may do it can write.
            let of_kind = match &deed {
                Deed::Say(Say::Talk(_)) => self.shared.kind() == EntryKind::Talk,
                Deed::Say(Say::Plan(_)) => self.shared.kind() == EntryKind::Plan,
                Deed::Say(Say::Memory(_)) => self.shared.kind() == EntryKind::Memory,
                _ => !matches!(
                    self.shared.kind(),
                    EntryKind::Feeling | EntryKind::Space | EntryKind::Apology
                ),
            };
            if !of_kind {
                continue;
            }
            if let Some((own, written)) = self.does(ANA, &deed) {
                self.keep(ANA, own, written.part);
            }
        }
    }
}

fn draft<'a>(title: &'a str, text: &'a str) -> Draft<'a> {
    Draft {
        title,
        text,
        language: "en",
        ..Draft::default()
    }
}

/// How an entry of each kind begins, and what Bo and Ana then do.
fn story(
    kind: EntryKind,
) -> (
    Option<(&'static str, String)>,
    bool,
    u8,
    Vec<Say>,
    Vec<(Actor, Deed)>,
) {
    use EntryKind as Kind;
    let schedule = "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Friday";
    let list = |byte| {
        let item = packet::Item {
            entry: EntryId([7; 16]),
            kind: Kind::Boundary,
            digest: [byte; 32],
        };
        packet::List::new(vec![item]).unwrap().to_string()
    };
    let step = plan::Say::Step {
        id: [4; 8],
        owner: plan::Owner::Both,
        asks: true,
        due: Some("2027-01-01".to_owned()),
        text: "Dig".to_owned(),
    };
    let wish = plan::Say::Wish {
        id: [3; 8],
        what: plan::What::Food,
        text: "A pie".to_owned(),
    };
    let photo = memory::Say::Photo(memory::Photo {
        mime: "image/jpeg".to_owned(),
        size: Some((3, 4)),
        as_it_was: false,
        reference: vec![9; 120],
    });
    let feel = feeling::Say::Feel(feeling::Feel {
        words: "hopeful".to_owned(),
        because: "of last week".to_owned(),
        intensity: Some(3),
        tags: vec!["calm".to_owned()],
    });
    let given = apology::Words {
        did: "I forgot our evening.".to_owned(),
        own: "I chose to stay.".to_owned(),
        ..apology::Words::default()
    };
    let asked = space::Say::Ask {
        until: NOW + 86_400_000,
        words: "A quiet day.".to_owned(),
    };
    let text = |text: &str| Deed::Text(text.to_owned());
    let acts = |other: String| {
        vec![
            (BO, Deed::Text(other.clone())),
            (BO, Deed::Agree),
            (ANA, Deed::Agree),
            (BO, Deed::Why),
            (BO, Deed::Review(Some("2027-03-01"))),
            (BO, Deed::Decline),
            (BO, Deed::Agree),
            (ANA, Deed::Agree),
            (BO, Deed::End),
        ]
    };
    match kind {
        Kind::Boundary => (
            None,
            true,
            0,
            vec![],
            acts("Phones far away. 🌿".to_owned()),
        ),
        Kind::Lesson => {
            let words = ("", "Ask first.".to_owned());
            (
                Some(words),
                true,
                0,
                vec![],
                acts("Ask first, and listen.".to_owned()),
            )
        }
        Kind::Packet => (Some(("", list(7))), true, 0, vec![], acts(list(8))),
        Kind::Checkin => {
            let words = ("", schedule.to_owned());
            (
                Some(words),
                true,
                checkin::SCHEDULE,
                vec![],
                acts(schedule.replace("Monday", "Tuesday")),
            )
        }
        Kind::Talk => (
            Some(("Sunday", String::new())),
            false,
            talk::PLAIN,
            vec![],
            vec![
                (BO, Deed::Title("Last Sunday")),
                (
                    BO,
                    Deed::Say(talk::Say::Account("I felt left out.".to_owned()).into()),
                ),
                (
                    ANA,
                    Deed::Say(talk::Say::Account("I was tired.".to_owned()).into()),
                ),
                (
                    BO,
                    Deed::Say(talk::Say::Account("I felt left out on Sunday.".to_owned()).into()),
                ),
                (BO, Deed::Say(talk::Say::Reply("Later.".to_owned()).into())),
            ],
        ),
        Kind::Space => (
            None,
            false,
            0,
            vec![asked.into()],
            vec![(BO, Deed::Say(space::Say::Over.into()))],
        ),
        Kind::Feeling => (None, false, 0, vec![feel.into()], vec![]),
        Kind::Apology => (
            None,
            false,
            0,
            vec![apology::Say::Give(given).into()],
            vec![
                (
                    BO,
                    Deed::Say(apology::Say::Add("I should have called.".to_owned()).into()),
                ),
                (
                    BO,
                    Deed::Say(apology::Say::Add("And said so.".to_owned()).into()),
                ),
            ],
        ),
        Kind::Memory => (
            Some(("The lake", "We swam at night.".to_owned())),
            false,
            memory::MEMORY,
            vec![],
            vec![
                (BO, text("We swam at night, in the rain.")),
                (BO, Deed::Say(photo.into())),
                (BO, Deed::Say(memory::Say::Again(true).into())),
                (BO, Deed::Title("The cold lake")),
                (BO, Deed::Say(memory::Say::Again(false).into())),
            ],
        ),
        Kind::Plan => (
            Some(("A garden", "Tomatoes.".to_owned())),
            false,
            0,
            vec![],
            vec![
                (BO, text("Tomatoes and beans.")),
                (BO, Deed::Say(step.into())),
                (BO, Deed::Say(wish.into())),
                (BO, Deed::Say(plan::Say::Drop([3; 8]).into())),
                (BO, Deed::Title("Our garden")),
                (
                    BO,
                    Deed::Say(plan::Say::Finish(Some("2027-05-01".to_owned())).into()),
                ),
            ],
        ),
    }
}

/// Every change of Bo's in an entry of every kind.
pub fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for kind in EntryKind::ALL {
        let (words, agreed, role, says, deeds) = story(kind);
        let entry = match kind {
            EntryKind::Boundary => EntryId([7; 16]),
            _ => Begin::id(&JOURNAL, kind, &BO, &NONCE),
        };
        let by = writer(entry, BO);
        let new = |part| Part::new(kind, SCHEMA, part).unwrap();
        let mut held = Held {
            entry,
            shared: new(PartKind::Shared),
            anas: new(PartKind::Own),
            bos: new(PartKind::Own),
        };
        let (shared, own) = if kind == EntryKind::Boundary {
            let words = draft("Evenings", "We put our phones away at dinner. 🌿");
            let proposed = propose(&by, NOW, &words).unwrap();
            (Some(proposed.shared), proposed.own)
        } else {
            let beginning = Begin {
                nonce: NONCE,
                role,
                from: None,
            };
            let words = words.as_ref().map(|(title, text)| draft(title, text));
            let begun = begin(kind, &by, NOW, beginning, words.as_ref(), agreed, &says).unwrap();
            (begun.shared, begun.own)
        };
        let mut sample = |held: &mut Held, actor: Actor, own: bool, written: Written| {
            let mut before = held.clone();
            for change in written.changes {
                let writer = writer(entry, actor);
                let part = if own { &before.bos } else { &before.shared };
                if actor == BO {
                    let after = amends_journal::wall::admit(part, &writer, &[&change]).unwrap();
                    samples.push(Sample {
                        held: before.clone(),
                        own,
                        writer,
                        change,
                    });
                    before.keep(BO, own, after);
                }
            }
            held.keep(actor, own, written.part);
        };
        if let Some(shared) = shared {
            sample(&mut held, BO, false, shared);
        }
        sample(&mut held, BO, true, own);
        for (actor, deed) in deeds {
            if let Some((own, written)) = held.does(actor, &deed) {
                sample(&mut held, actor, own, written);
            }
        }
    }
    assert!(samples.len() > 45, "{}", samples.len());
    samples
}
