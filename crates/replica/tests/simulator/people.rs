//! What the two people do: anything that the program lets anybody do to a journal of two, of every kind of entry.

use std::collections::BTreeMap;

use amends_journal::packet::List;
use amends_journal::{Agreed, Entry, EntryId, EntryKind, Say, View};
use amends_journal::{apology, checkin, feeling, memory, plan, space, talk};
use amends_replica::{Beginnings, Card, Change, Edit, NewPhoto, Replica, Shelf, Whose, Words};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::dice::Dice;

/// What a person has in their private store for talks that are told together: the account that they committed to.
pub type Commitments = BTreeMap<EntryId, ([u8; 32], [u8; 32], String)>;

/// Everything that somebody can do here; a test asks that all of it was done.
pub const DEEDS: [&str; 48] = [
    "propose a boundary",
    "begin a lesson",
    "begin a packet",
    "begin a schedule",
    "begin a session",
    "begin a talk",
    "begin a talk together",
    "ask for a talk",
    "begin a space",
    "give an apology",
    "begin a plan",
    "begin a memory",
    "begin an idea",
    "share a feeling",
    "change a text",
    "change a title",
    "change a review date",
    "change a list",
    "change a schedule",
    "write an outcome",
    "agree",
    "decline",
    "end",
    "say why",
    "tell",
    "commit",
    "open",
    "hear",
    "mean",
    "settle",
    "reply",
    "end a space",
    "add to an apology",
    "answer an apology",
    "withdraw an answer",
    "plan a step",
    "change a step",
    "do a step",
    "undo a step",
    "confirm a step",
    "wish",
    "drop",
    "finish",
    "put in a photo",
    "take back a photo",
    "want to see it again",
    "do an idea",
    "change a day",
];

const SCHEDULES: [&str; 4] = [
    "15 minutes at 20:00, Asia/Tokyo\nfrom 2026-12-01: Tuesday, Friday\nfrom 2027-02-01: Sunday",
    "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Wednesday, Friday",
    "20 minutes at 19:30, Europe/Berlin\nfrom 2027-02-01: Monday, Thursday\nuntil 2027-06-30",
    "16 minutes at 07:00, UTC\nfrom 2027-01-01: Sunday",
];

/// Somebody at a device.
pub struct Somebody<'a> {
    pub rng: &'a mut ChaCha20Rng,
    pub replica: &'a mut Replica,
    pub shelf: &'a dyn Shelf,
    /// What their device's clock shows.
    pub now: i64,
    /// A word that nobody else says.
    pub word: String,
    pub commitments: &'a mut Commitments,
    pub photos: bool,
    /// What they begin, by its number in [`Somebody::begins`]: few kinds in one world, so that much is done in each.
    pub begins: &'a [usize],
}

/// How many things there are to begin.
pub const BEGINNINGS: usize = 14;

type Deed = (&'static str, Edit);

fn say(entry: EntryId, says: impl Into<Say>) -> Edit {
    Edit::Say {
        entry,
        says: vec![says.into()],
    }
}

fn begin(kind: EntryKind, role: u8, words: Option<Words>, agreed: bool, says: Vec<Say>) -> Edit {
    Edit::Begin(Beginnings {
        kind,
        role,
        from: None,
        words,
        agreed,
        says,
    })
}

impl Somebody<'_> {
    /// Something that they do; it may be refused by a rule.
    pub fn does(&mut self) -> Option<Deed> {
        let entries: Vec<(EntryId, Card)> = self
            .replica
            .cards()
            .map(|(id, card)| (*id, card.clone()))
            .collect();
        if entries.len() < 3 || (entries.len() < 8 && self.rng.chance(15)) {
            return self.begins(&entries);
        }
        let (entry, card) = self.rng.one(&entries)?.clone();
        match &card.view {
            View::Boundary(agreed) => self.of_words(entry, agreed, true),
            View::Lesson(agreed) => self.of_words(entry, agreed, false),
            View::Packet(agreed) => match self.rng.chance(30) {
                true => self.change(entry, "change a list", |s, change| {
                    change.text = Some(s.list(&entries)?);
                    Some(())
                }),
                false => self.of_acts(entry, agreed),
            },
            View::Checkin(view) if self.rng.chance(40) => {
                let is_session = view.is_session;
                let deed = if is_session {
                    "write an outcome"
                } else {
                    "change a schedule"
                };
                self.change(entry, deed, |s, change| {
                    change.text = Some(match is_session {
                        true => s.sentence(),
                        false => (*s.rng.one(&SCHEDULES)?).to_owned(),
                    });
                    Some(())
                })
            }
            View::Checkin(view) => self.of_acts(entry, &view.agreed),
            View::Talk(view) => self.of_talk(entry, view),
            View::Space(_) => Some(("end a space", say(entry, space::Say::Over))),
            View::Apology(view) => self.of_apology(entry, card.author == Some(Whose::Mine), view),
            View::Plan(view) => self.of_plan(entry, view),
            View::Memory(view) => self.of_memory(entry, view),
            View::Feeling(_) | View::Draft(_) | View::Unread => self.begins(&entries),
        }
    }

    fn sentence(&mut self) -> String {
        let some = ["we eat", "we talk", "café 語", "no phones 👩🏽", "on Sundays"];
        format!("{} {}", self.rng.one(&some).unwrap(), self.word)
    }

    fn words(&mut self) -> Words {
        Words {
            title: if self.rng.chance(50) {
                self.sentence()
            } else {
                String::new()
            },
            text: self.sentence(),
            language: "en".into(),
            ..Words::default()
        }
    }

    fn day(&mut self) -> String {
        format!("2027-0{}-1{}", 1 + self.rng.below(9), self.rng.below(10))
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn list(&mut self, entries: &[(EntryId, Card)]) -> Option<String> {
        let mut items = Vec::new();
        for _ in 0..=self.rng.below(3) {
            let (entry, _) = self.rng.one(entries)?;
            items.push(
                self.replica
                    .look(self.shelf, entry, |entry: &Entry<'_>| entry.listed())
                    .ok()?,
            );
        }
        Some(List::new(items).ok()?.to_string())
    }

    fn begins(&mut self, entries: &[(EntryId, Card)]) -> Option<Deed> {
        let titled = |words: Words| Words {
            text: String::new(),
            ..words
        };
        let words = self.words();
        Some(match *self.rng.one(self.begins)? {
            0 => ("propose a boundary", Edit::Propose(words)),
            1 => {
                let mut lesson = begin(EntryKind::Lesson, 0, Some(words), true, Vec::new());
                if let Edit::Begin(beginnings) = &mut lesson {
                    beginnings.from = self.rng.one(entries).map(|(id, _)| *id);
                }
                ("begin a lesson", lesson)
            }
            2 => {
                let text = self.list(entries)?;
                let words = Words { text, ..words };
                let edit = begin(EntryKind::Packet, 0, Some(words), true, Vec::new());
                ("begin a packet", edit)
            }
            3 => {
                let text = (*self.rng.one(&SCHEDULES)?).to_owned();
                let words = Words {
                    text,
                    title: String::new(),
                    ..words
                };
                let edit = begin(
                    EntryKind::Checkin,
                    checkin::SCHEDULE,
                    Some(words),
                    true,
                    vec![],
                );
                ("begin a schedule", edit)
            }
            4 => {
                let agreed = self.rng.chance(50);
                let mut agenda: Vec<[u8; 16]> = entries.iter().map(|(id, _)| id.0).collect();
                agenda.truncate(self.rng.below(5));
                let session = checkin::Session {
                    started: self.now.max(0),
                    minutes: 15,
                    left: agenda.iter().copied().skip(1).collect(),
                    agenda,
                };
                let words = Words {
                    title: String::new(),
                    text: if agreed { words.text } else { String::new() },
                    ..words
                };
                let says = vec![checkin::Say::Held(session).into()];
                let edit = begin(
                    EntryKind::Checkin,
                    checkin::SESSION,
                    Some(words),
                    agreed,
                    says,
                );
                ("begin a session", edit)
            }
            5 => {
                let says = match self.rng.chance(60) {
                    true => vec![talk::Say::Account(self.sentence()).into()],
                    false => Vec::new(),
                };
                let edit = begin(
                    EntryKind::Talk,
                    talk::PLAIN,
                    Some(titled(words)),
                    false,
                    says,
                );
                ("begin a talk", edit)
            }
            6 => {
                let words = Some(titled(words));
                let edit = begin(EntryKind::Talk, talk::TOGETHER, words, false, vec![]);
                ("begin a talk together", edit)
            }
            7 => {
                let says = vec![talk::Say::Ask(self.sentence()).into()];
                let edit = begin(
                    EntryKind::Talk,
                    talk::ASKED,
                    Some(titled(words)),
                    false,
                    says,
                );
                ("ask for a talk", edit)
            }
            8 => {
                let until = self.now.max(0) + 1 + self.rng.below(space::LONGEST as usize) as i64;
                let words = self.sentence();
                let says = vec![space::Say::Ask { until, words }.into()];
                (
                    "begin a space",
                    begin(EntryKind::Space, 0, None, false, says),
                )
            }
            9 => {
                let words = apology::Words {
                    did: self.sentence(),
                    own: self.sentence(),
                    ..apology::Words::default()
                };
                let says = vec![apology::Say::Give(words).into()];
                (
                    "give an apology",
                    begin(EntryKind::Apology, 0, None, false, says),
                )
            }
            10 => (
                "begin a plan",
                begin(EntryKind::Plan, 0, Some(words), false, vec![]),
            ),
            11 => {
                let edit = begin(
                    EntryKind::Memory,
                    memory::MEMORY,
                    Some(words),
                    false,
                    vec![],
                );
                ("begin a memory", edit)
            }
            12 => {
                let edit = begin(EntryKind::Memory, memory::IDEA, Some(words), false, vec![]);
                ("begin an idea", edit)
            }
            _ => {
                let feel = feeling::Feel {
                    words: self.sentence(),
                    intensity: Some(1 + self.rng.below(5) as u8),
                    ..feeling::Feel::default()
                };
                let says = vec![feeling::Say::Feel(feel).into()];
                (
                    "share a feeling",
                    begin(EntryKind::Feeling, 0, None, false, says),
                )
            }
        })
    }

    fn change(
        &mut self,
        entry: EntryId,
        deed: &'static str,
        then: impl FnOnce(&mut Self, &mut Change) -> Option<()>,
    ) -> Option<Deed> {
        let mut change = Change::default();
        then(self, &mut change)?;
        Some((deed, Edit::Change { entry, change }))
    }

    /// The text with a word more, less or other, so that edits made at once meet in it.
    fn reworded(&mut self, text: &str) -> String {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let at = self.rng.below(words.len() + 1);
        if at < words.len() && self.rng.chance(40) {
            words[at] = self.word.clone();
        } else if words.len() > 6 && self.rng.chance(50) {
            words.truncate(4);
        } else {
            words.insert(at, self.word.clone());
        }
        words.join(" ")
    }

    fn of_words(&mut self, entry: EntryId, agreed: &Agreed, why: bool) -> Option<Deed> {
        match self.rng.below(10) {
            0..=2 => self.change(entry, "change a text", |s, change| {
                change.text = Some(s.reworded(&agreed.text));
                Some(())
            }),
            3 => self.change(entry, "change a title", |s, change| {
                change.title = Some(s.sentence());
                Some(())
            }),
            4 => self.change(entry, "change a review date", |s, change| {
                let day = s.day();
                change.review_on = Some(s.rng.chance(70).then_some(day));
                Some(())
            }),
            5 if why => {
                let why = self.sentence();
                Some(("say why", Edit::Why { entry, why }))
            }
            _ => self.of_acts(entry, agreed),
        }
    }

    fn of_acts(&mut self, entry: EntryId, agreed: &Agreed) -> Option<Deed> {
        let reason = self.rng.chance(50).then(|| self.word.clone());
        Some(match self.rng.below(8) {
            0 => ("decline", Edit::Decline { entry, reason }),
            1 => ("end", Edit::End { entry, reason }),
            _ if agreed.agreed_by_me && self.rng.chance(70) => return None,
            _ => ("agree", Edit::Agree { entry, shown: None }),
        })
    }

    fn of_talk(&mut self, entry: EntryId, view: &talk::View) -> Option<Deed> {
        if view.together && view.mine.committed.is_none() {
            let (nonce, text) = (self.random(), self.sentence());
            let c = self.replica.commitment(&entry, &nonce, &text);
            self.commitments.insert(entry, (c, nonce, text));
            return Some(("commit", say(entry, talk::Say::Commit(c))));
        }
        if view.together && !view.mine.opened {
            let (c, nonce, text) = self.commitments.get(&entry)?.clone();
            return Some(("open", say(entry, talk::Say::Open { c, nonce, text })));
        }
        Some(match self.rng.below(7) {
            0 if !view.together => ("tell", say(entry, talk::Say::Account(self.sentence()))),
            1 | 2 => {
                let of = view.partners.account.as_ref()?.hash;
                let words = self.sentence();
                ("hear", say(entry, talk::Say::Heard { of, words }))
            }
            3 | 4 => {
                let of = view.mine.hearing.as_ref()?.hash;
                let (yes, words) = (self.rng.chance(70), self.word.clone());
                ("mean", say(entry, talk::Say::Meant { of, yes, words }))
            }
            5 => {
                let (on, of) = (self.rng.chance(80), view.accounts());
                ("settle", say(entry, talk::Say::Settle { on, of }))
            }
            _ => ("reply", say(entry, talk::Say::Reply(self.sentence()))),
        })
    }

    fn of_apology(&mut self, entry: EntryId, mine: bool, view: &apology::View) -> Option<Deed> {
        if mine {
            return Some((
                "add to an apology",
                say(entry, apology::Say::Add(self.sentence())),
            ));
        }
        if view.answer.is_some() && self.rng.chance(40) {
            return Some(("withdraw an answer", say(entry, apology::Say::Withdraw)));
        }
        let answer = *self.rng.one(&apology::Answer::ALL)?;
        let (of, words) = (view.hash, self.word.clone());
        let say_it = apology::Say::Answer { of, answer, words };
        Some(("answer an apology", say(entry, say_it)))
    }

    fn of_plan(&mut self, entry: EntryId, view: &plan::View) -> Option<Deed> {
        let step = self.rng.one(&view.steps).cloned();
        if let Some(step) = &step {
            if let Some(hash) = step.done_hash.filter(|_| self.rng.chance(40)) {
                return Some(("confirm a step", say(entry, plan::Say::Confirm(hash))));
            }
            if let Some(hash) = step.mine_to_undo.filter(|_| self.rng.chance(30)) {
                return Some(("undo a step", say(entry, plan::Say::Undo(hash))));
            }
            if self.rng.chance(35) {
                let (on, version) = (self.day(), step.version);
                let step = step.id;
                let done = plan::Say::Done { step, on, version };
                return Some(("do a step", say(entry, done)));
            }
        }
        let new_step = |s: &mut Self, id| plan::Say::Step {
            id,
            owner: match s.rng.below(3) {
                0 => plan::Owner::One(amends_journal::Person::Me),
                1 => plan::Owner::One(amends_journal::Person::Partner),
                _ => plan::Owner::Both,
            },
            asks: s.rng.chance(60),
            due: s.rng.chance(50).then(|| s.day()),
            text: s.sentence(),
        };
        Some(match self.rng.below(7) {
            0 | 1 => {
                let id = self.random();
                ("plan a step", say(entry, new_step(self, id)))
            }
            2 => ("change a step", say(entry, new_step(self, step?.id))),
            3 => {
                let (id, text) = (self.random(), self.sentence());
                let what =
                    *self
                        .rng
                        .one(&[plan::What::Place, plan::What::Thing, plan::What::Food])?;
                ("wish", say(entry, plan::Say::Wish { id, what, text }))
            }
            4 => {
                let wishes = view.wishes.iter().map(|wish| wish.id);
                let all: Vec<_> = wishes.chain(step.map(|step| step.id)).collect();
                ("drop", say(entry, plan::Say::Drop(*self.rng.one(&all)?)))
            }
            _ if self.rng.chance(50) => {
                return self.change(entry, "change a day", |s, change| {
                    change.date = Some(Some(s.day()));
                    Some(())
                });
            }
            _ => {
                let on = self.rng.chance(50).then(|| self.day());
                ("finish", say(entry, plan::Say::Finish(on)))
            }
        })
    }

    fn of_memory(&mut self, entry: EntryId, view: &memory::View) -> Option<Deed> {
        Some(match self.rng.below(8) {
            0..=2 if self.photos && view.photos.len() < 3 => {
                // Short ones, and ones of a few chunks.
                let most = if self.rng.chance(30) { 300_000 } else { 3_000 };
                let mut bytes = vec![0; 1 + self.rng.below(most)];
                self.rng.fill_bytes(&mut bytes);
                let photo = NewPhoto {
                    bytes,
                    mime: "image/jpeg".into(),
                    size: Some((3, 4)),
                    as_it_was: false,
                };
                ("put in a photo", Edit::Photo { entry, photo })
            }
            3 => {
                let hash = self.rng.one(&view.photos)?.hash;
                ("take back a photo", say(entry, memory::Say::TakeBack(hash)))
            }
            4 if view.idea => {
                let on = self.rng.chance(70).then(|| self.day());
                ("do an idea", say(entry, memory::Say::Did(on)))
            }
            4 | 5 => {
                let yes = self.rng.chance(60);
                ("want to see it again", say(entry, memory::Say::Again(yes)))
            }
            6 => {
                return self.change(entry, "change a day", |s, change| {
                    change.date = Some(Some(s.day()));
                    change.place = Some(s.rng.chance(50).then(|| s.sentence()));
                    Some(())
                });
            }
            _ => {
                return self.change(entry, "change a text", |s, change| {
                    change.text = Some(s.reworded(&view.text));
                    Some(())
                });
            }
        })
    }
}
