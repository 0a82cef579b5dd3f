//! What waits for the end of a space: the talks and questions of whoever did not ask for it, as private drafts on their own
//! device. And on the device of whoever asked, what was on its way already: it is kept, and shown at the end.
//!
//! A draft names the space that holds it and the random bytes that its talk is to begin with. So the talk's id is known
//! before the talk is: where the program stops between beginning it and putting the draft away, it finds the talk there and
//! begins no other.

use amends_journal::draft::{self, WaitsFor};
use amends_journal::talk::{ASKED, PLAIN, TOGETHER};
use amends_journal::{EntryId, EntryKind, View};
use amends_replica::{Card, Edit, EditError, Input, Whose};

use super::answers::{Store, Typed, hex};
use super::space::of_card;
use super::stores::{internal, system_rng};
use super::talk::{TOPIC, tellable};
use super::tending::{TEXT, bytes};
use super::{App, FeedError, now};
use crate::advice::Advice;
use crate::request::{Event, Failure, Held, Response};

const SPACE: &str = "space";
const SEED: &str = "seed";
const BECOMES: &str = "becomes";
const ROLE: &str = "role";
pub(super) const FROM: &str = "from";
pub(super) const LANGUAGE: &str = "language";
const ORDER: &str = "order";

/// A talk that is yet to begin.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NewTalk {
    pub(super) role: u8,
    pub(super) from: Option<EntryId>,
    pub(super) topic: String,
    pub(super) language: String,
    /// The account; of a question, the words with it.
    pub(super) text: Option<String>,
}

/// One that waits for the end of a space.
struct Waiting {
    draft: EntryId,
    talk: NewTalk,
    seed: [u8; 16],
    /// The talk's id, by the log that this device wrote when it was held.
    becomes: EntryId,
    space: EntryId,
    order: u64,
}

impl App {
    /// The space that holds back the talks that this person begins now, and when it ends by itself (milliseconds since 1970
    /// UTC).
    pub(super) fn held_by_space(&self) -> Option<(EntryId, i64)> {
        let running = self.space_of(Whose::Partners, now())?;
        Some((running.id, running.ends))
    }

    /// Keeps a new talk as a private draft until the space ends; in the draft that it comes from, where there is one.
    pub(super) fn hold(
        &mut self,
        space: EntryId,
        talk: NewTalk,
        draft: Option<EntryId>,
    ) -> Result<Response, Failure> {
        let replica = self.replica()?;
        let seed = replica
            .new_seed(EntryKind::Talk, &mut system_rng())
            .map_err(|error| internal(&error))?;
        let becomes = replica.seeded(EntryKind::Talk, &seed);
        let order = self.waiting_talks().map(|waiting| waiting.order).max();
        let waiting = Waiting {
            draft: EntryId([0; 16]),
            seed,
            becomes,
            space,
            order: order.map_or(0, |last| last.saturating_add(1)),
            talk,
        };
        let (_, entry) = self.keep_draft(draft, waiting.talk.role, waiting.write())?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// Puts other words into one that waits.
    pub(super) fn rewrite_held(
        &mut self,
        draft: EntryId,
        text: String,
    ) -> Result<Response, Failure> {
        let waiting = self.waiting_talks().find(|waiting| waiting.draft == draft);
        let mut waiting = waiting.ok_or_else(|| internal(&"what waited is gone"))?;
        if waiting.talk.role != ASKED {
            tellable(&text)?;
        }
        waiting.talk.text = Some(text);
        let (_, entry) = self.keep_draft(Some(draft), waiting.talk.role, waiting.write())?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// Throws away one that waits.
    pub(super) fn drop_held(&mut self, draft: EntryId) -> Result<Response, Failure> {
        let says = vec![draft::Say::Done(None).into()];
        self.answer(
            Store::Private,
            Edit::Say { entry: draft, says },
            &Typed::default(),
        )
    }

    /// The draft that waits for the end of a space and whose id begins so, if that is what was meant.
    pub(super) fn held(&self, typed: &str) -> Option<EntryId> {
        let (Store::Private, id) = self.find_anywhere(typed).ok()? else {
            return None;
        };
        self.waiting_talks()
            .find(|waiting| waiting.draft == id)
            .map(|waiting| waiting.draft)
    }

    fn waiting_talks(&self) -> impl Iterator<Item = Waiting> {
        self.private
            .cards_of(EntryKind::Talk)
            .filter_map(|(id, card)| Waiting::of(*id, card))
    }

    /// When what waits in this draft goes out by itself. None where nothing holds it any more.
    pub(super) fn goes_out(&self, draft: &draft::View) -> Option<i64> {
        let space = EntryId(bytes(draft.answer(SPACE)?)?);
        self.holds(&space, now())
    }

    /// When a space of the partner's ends here, if it lasts.
    fn holds(&self, space: &EntryId, now: i64) -> Option<i64> {
        let card = self.replica.as_ref()?.card(space)?;
        let asked = of_card(card)?;
        let lasts = card.author == Some(Whose::Partners) && asked.runs(card.first_held, now);
        asked.ends_at(card.first_held).filter(|_| lasts)
    }

    /// What waits here for the end of a space, for `status`.
    pub(super) fn held_now(&self) -> Vec<Held> {
        let mut waiting: Vec<_> = self.waiting_talks().collect();
        waiting.sort_by_key(|waiting| (waiting.order, waiting.draft));
        waiting
            .into_iter()
            .filter_map(|waiting| {
                let entry = self.entry_in(Store::Private, &waiting.draft)?;
                Some(Held {
                    id: entry.id,
                    kind: entry.own.kind().to_owned(),
                    title: [entry.title.as_str(), entry.own.words()]
                        .into_iter()
                        .find(|words| !words.trim().is_empty())
                        .map(super::answers::beginning)
                        .unwrap_or_default(),
                    until: self
                        .holds(&waiting.space, now())
                        .map(super::answers::time_of),
                })
            })
            .collect()
    }

    /// Begins every talk whose space is over, in the order in which they were written.
    ///
    /// # Errors
    /// Where the journal can no longer be read. What cannot be done now waits for the next time.
    pub(super) fn let_out(&mut self) -> Result<(), Failure> {
        if self.replica.is_none() {
            return Ok(());
        }
        let now = now();
        let mut due: Vec<_> = self
            .waiting_talks()
            .filter(|waiting| self.holds(&waiting.space, now).is_none())
            .collect();
        due.sort_by_key(|waiting| (waiting.order, waiting.draft));
        for waiting in due {
            // Fixing an account tends too, and may have let it out.
            if !self
                .waiting_talks()
                .any(|still| still.draft == waiting.draft)
            {
                continue;
            }
            if !self.let_out_one(&waiting)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether the next one may follow.
    fn let_out_one(&mut self, waiting: &Waiting) -> Result<bool, Failure> {
        let Some(replica) = &self.replica else {
            return Ok(false);
        };
        // A home that came back writes another log, and may have an older draft of what went out before.
        let entry = match replica.card(&waiting.becomes) {
            Some(_) => waiting.becomes,
            None => replica.seeded(EntryKind::Talk, &waiting.seed),
        };
        let Waiting { talk, seed, .. } = waiting;
        if replica.card(&entry).is_none() {
            let beginnings = talk.beginnings();
            let seed = *seed;
            let begun = self.feed(Input::Edit(Edit::BeginWith { seed, beginnings }));
            if let Err(FeedError::Edit(EditError::Rule(_))) = begun {
                return self.give_back(waiting);
            }
            if !self.tended(begun)? {
                return Ok(false);
            }
        }
        if self.complete_talk(entry, talk).is_err() {
            // What cannot be saved now is tried again at the next occasion; what cannot be read any more ends the holder.
            if self.replica.is_none() {
                self.reload()?;
            }
            return Ok(false);
        }
        let says = vec![draft::Say::Done(Some(entry)).into()];
        let done = self.feed_private(Edit::Say {
            entry: waiting.draft,
            says,
        });
        self.tended(done)
    }

    /// A rule of the journal refuses it as it is: it is an ordinary draft again, and nothing that follows waits for it.
    fn give_back(&mut self, waiting: &Waiting) -> Result<bool, Failure> {
        let write = draft::Say::Write {
            waits_for: WaitsFor::Author,
            answers: waiting.answers(),
        };
        let says = vec![write.into()];
        let given = self.feed_private(Edit::Say {
            entry: waiting.draft,
            says,
        });
        let message = crate::advice::GIVEN_BACK.to_owned();
        self.tell(&Event::Notice { message });
        self.tended(given)
    }

    /// Until when a talk of the partner's is kept and not shown, since it came in a space that this person asked for.
    pub(super) fn kept_until(&self, card: &Card) -> Option<i64> {
        if card.kind != EntryKind::Talk.byte() || card.author != Some(Whose::Partners) {
            return None;
        }
        self.spaces_at(now())
            .filter(|running| running.by == Whose::Mine && running.first_held <= card.first_held)
            .map(|running| running.ends)
            .max()
    }

    /// Tells everybody who watches of what came in a space that is over now.
    pub(super) fn show_kept(&mut self) {
        for entry in std::mem::take(&mut self.kept) {
            let card = self
                .replica
                .as_ref()
                .and_then(|replica| replica.card(&entry));
            if card.is_some_and(|card| self.kept_until(card).is_some()) {
                self.kept.insert(entry);
            } else if let Some(shown) = self.entry(&entry) {
                let by = self.partner_name();
                self.tell(&Event::Changed { by, entry: shown });
            }
        }
    }

    /// When the next space ends by itself.
    pub(super) fn next_tending(&self) -> Option<tokio::time::Instant> {
        let now = now();
        let left = self.spaces_at(now).map(|running| running.ends).min()?;
        let left = u64::try_from(left.saturating_sub(now)).unwrap_or(0);
        tokio::time::Instant::now().checked_add(std::time::Duration::from_millis(left))
    }

    /// A talk that was shown by its id, and that is kept until a space ends.
    pub(super) fn must_not_be_kept(&self, entry: &EntryId) -> Result<(), Failure> {
        let card = self
            .replica
            .as_ref()
            .and_then(|replica| replica.card(entry));
        match card.and_then(|card| self.kept_until(card)) {
            Some(until) => Err(Advice::KeptForSpace {
                until: crate::words::when(&super::answers::time_of(until)),
            }
            .into()),
            None => Ok(()),
        }
    }
}

impl Waiting {
    fn of(id: EntryId, card: &Card) -> Option<Waiting> {
        let View::Draft(draft) = &card.view else {
            return None;
        };
        if draft.done || draft.waits_for != WaitsFor::Space || card.kind != EntryKind::Talk.byte() {
            return None;
        }
        let words = |name| draft.answer(name).map(str::to_owned);
        Some(Waiting {
            draft: id,
            seed: bytes(draft.answer(SEED)?)?,
            becomes: EntryId(bytes(draft.answer(BECOMES)?)?),
            space: EntryId(bytes(draft.answer(SPACE)?)?),
            order: draft.answer(ORDER)?.parse().ok()?,
            talk: NewTalk {
                role: match draft.answer(ROLE)? {
                    "together" => TOGETHER,
                    "asked" => ASKED,
                    _ => PLAIN,
                },
                from: draft.answer(FROM).and_then(bytes).map(EntryId),
                topic: words(TOPIC).unwrap_or_default(),
                language: words(LANGUAGE).unwrap_or_default(),
                text: words(TEXT),
            },
        })
    }

    fn answers(&self) -> Vec<(String, String)> {
        let role = match self.talk.role {
            TOGETHER => "together",
            ASKED => "asked",
            _ => "plain",
        };
        let mut answers = vec![
            (TOPIC, self.talk.topic.clone()),
            (LANGUAGE, self.talk.language.clone()),
            (ROLE, role.to_owned()),
            (SPACE, hex(&self.space.0)),
            (SEED, hex(&self.seed)),
            (BECOMES, hex(&self.becomes.0)),
            (ORDER, self.order.to_string()),
        ];
        answers.extend(self.talk.from.map(|from| (FROM, hex(&from.0))));
        answers.extend(self.talk.text.clone().map(|text| (TEXT, text)));
        answers
            .into_iter()
            .map(|(name, words)| (name.to_owned(), words))
            .collect()
    }

    fn write(&self) -> draft::Say {
        draft::Say::Write {
            waits_for: WaitsFor::Space,
            answers: self.answers(),
        }
    }
}

/// Whether a draft waits for the end of a space.
pub(super) fn is_held(draft: &draft::View) -> bool {
    draft.waits_for == WaitsFor::Space && !draft.done
}

/// Whether a draft is a question that waits.
pub(super) fn is_question(draft: &draft::View) -> bool {
    draft.answer(ROLE) == Some("asked")
}

/// Whether a draft is to be told together.
pub(super) fn is_together(draft: &draft::View) -> bool {
    draft.answer(ROLE) == Some("together")
}
