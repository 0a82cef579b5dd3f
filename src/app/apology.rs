//! Apologies: a private draft until it is given, then fixed; answered by who received it, and by nobody else.

use amends_journal::draft::{self, WaitsFor};
use amends_journal::{Begin, EntryId, EntryKind, View, apology};
use amends_replica::{Beginnings, Edit, Replica, Whose};

use super::App;
use super::answers::{Store, Typed};
use super::stores::internal;
use crate::advice::Advice;
use crate::request::{ActLine, Apology, ApologyRequest, ApologyWords, Failure, Response};

/// Which apology is meant, and what it is to this person.
enum Found {
    /// A private draft of theirs.
    Draft(EntryId),
    /// It is given: who gave it, and how it stands.
    Given(EntryId, Whose, Box<apology::View>),
}

impl App {
    /// One of the verbs of an apology.
    pub(super) fn apology(&mut self, request: ApologyRequest) -> Result<Response, Failure> {
        self.settle_drafts()?;
        match request {
            ApologyRequest::Write { id, words } => self.write_apology(id, words),
            ApologyRequest::Give { id, shown } => self.give_apology(&id, shown),
            ApologyRequest::Add { id, text } => match self.find_apology(&id)? {
                Found::Draft(_) => Err(Advice::ApologyIsDraft { id }.into()),
                Found::Given(_, Whose::Partners, _) => Err(Advice::NotYourApology { id }.into()),
                Found::Given(entry, Whose::Mine, _) => {
                    if text.trim().is_empty() {
                        return Err(Advice::ApologyEmpty.into());
                    }
                    self.say_of_apology(entry, &id, apology::Say::Add(text))
                }
            },
            ApologyRequest::Answer { id, answer, words } => {
                let (entry, view) = self.received_apology(&id)?;
                let known = apology::Answer::ALL
                    .into_iter()
                    .find(|known| known.name() == answer);
                let answer = known.ok_or_else(|| internal(&"no such answer"))?;
                if view.answer == Some((answer, words.clone())) {
                    // It is what they say already.
                    return self.show_entry(&id);
                }
                let of = view.hash;
                self.say_of_apology(entry, &id, apology::Say::Answer { of, answer, words })
            }
            ApologyRequest::Withdraw { id } => {
                let (entry, view) = self.received_apology(&id)?;
                if view.answer.is_none() {
                    return Err(Advice::NothingToWithdraw { id }.into());
                }
                self.say_of_apology(entry, &id, apology::Say::Withdraw)
            }
        }
    }

    fn write_apology(
        &mut self,
        id: Option<String>,
        words: ApologyWords,
    ) -> Result<Response, Failure> {
        let draft = match &id {
            None => None,
            Some(id) => match self.find_apology(id)? {
                Found::Draft(draft) => Some(draft),
                Found::Given(_, Whose::Mine, _) => {
                    return Err(Advice::ApologyGiven { id: id.clone() }.into());
                }
                Found::Given(_, Whose::Partners, _) => {
                    return Err(Advice::NotYourApology { id: id.clone() }.into());
                }
            },
        };
        let words = words_of(words);
        if words.is_empty() {
            return Err(Advice::ApologyEmpty.into());
        }
        let answers = words
            .fields()
            .map(|(name, words)| (name.to_owned(), words.to_owned()))
            .into_iter()
            .filter(|(_, words)| !words.trim().is_empty())
            .collect();
        let write = draft::Say::Write {
            waits_for: WaitsFor::Author,
            answers,
        };
        let says = vec![write.into()];
        let edit = match draft {
            None => Edit::Begin(beginnings(says)),
            Some(entry) => Edit::Say { entry, says },
        };
        self.answer(Store::Private, edit, &Typed::id(&id.unwrap_or_default()))
    }

    /// The draft goes into the journal, then it is done. Where this stops between the two, the next start goes on from there:
    /// the entry that a draft becomes has one id.
    fn give_apology(&mut self, id: &str, shown: Option<ApologyWords>) -> Result<Response, Failure> {
        self.replica()?;
        let draft = match self.find_apology(id)? {
            Found::Draft(draft) => draft,
            Found::Given(_, Whose::Mine, _) => {
                return Err(Advice::ApologyGiven { id: id.to_owned() }.into());
            }
            Found::Given(_, Whose::Partners, _) => {
                return Err(Advice::NotYourApology { id: id.to_owned() }.into());
            }
        };
        let words = match self.card_of(Store::Private, &draft).map(|card| &card.view) {
            Some(View::Draft(view)) => of_draft(view),
            _ => return Err(internal(&"a draft is none")),
        };
        if shown.is_some_and(|shown| shown != words) {
            return Err(Advice::ApologyMoved { id: id.to_owned() }.into());
        }
        let beginnings = beginnings(vec![apology::Say::Give(words_of(words)).into()]);
        // That it was given and not marked so was settled above: the id is free.
        let seed = seeds(&self.private, draft).find(|seed| {
            let id = self
                .replica
                .as_ref()
                .map(|r| (r, r.seeded(EntryKind::Apology, seed)));
            id.is_some_and(|(replica, id)| replica.find(&id.words(2)).is_err())
        });
        let seed = seed.ok_or_else(|| internal(&"no id is free"))?;
        let edit = Edit::BeginWith { seed, beginnings };
        let (given, entry) = self.edit(Store::Journal, edit, &Typed::id(id))?;
        self.finish_draft(draft, given)?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// Drafts of which the entry is in the journal are done: the device stopped before it could say so.
    pub(super) fn settle_drafts(&mut self) -> Result<(), Failure> {
        let Some(replica) = &self.replica else {
            return Ok(());
        };
        let open = self.private.cards().filter(|(_, card)| {
            card.kind == EntryKind::Apology.byte()
                && matches!(&card.view, View::Draft(draft) if !draft.done)
        });
        let given: Vec<(EntryId, EntryId)> = open
            .filter_map(|(draft, _)| {
                let given = seeds(&self.private, *draft)
                    .map(|seed| replica.seeded(EntryKind::Apology, &seed))
                    .find(|id| replica.card(id).is_some())?;
                Some((*draft, given))
            })
            .collect();
        given
            .into_iter()
            .try_for_each(|(draft, given)| self.finish_draft(draft, given))
    }

    fn finish_draft(&mut self, draft: EntryId, given: EntryId) -> Result<(), Failure> {
        let says = vec![draft::Say::Done(Some(given)).into()];
        let done = Edit::Say { entry: draft, says };
        self.edit(Store::Private, done, &Typed::default()).map(drop)
    }

    fn say_of_apology(
        &mut self,
        entry: EntryId,
        id: &str,
        say: apology::Say,
    ) -> Result<Response, Failure> {
        let says = vec![say.into()];
        self.answer(Store::Journal, Edit::Say { entry, says }, &Typed::id(id))
    }

    /// An apology that the partner gave. Its answers are this person's alone.
    fn received_apology(&mut self, id: &str) -> Result<(EntryId, Box<apology::View>), Failure> {
        match self.find_apology(id)? {
            Found::Given(entry, Whose::Partners, view) if view.given.is_some() => Ok((entry, view)),
            Found::Given(_, Whose::Partners, _) => {
                Err(Advice::UnknownId { id: id.to_owned() }.into())
            }
            Found::Draft(_) => Err(Advice::ApologyIsDraft { id: id.to_owned() }.into()),
            Found::Given(_, Whose::Mine, _) => Err(Advice::OwnApology { id: id.to_owned() }.into()),
        }
    }

    fn find_apology(&mut self, id: &str) -> Result<Found, Failure> {
        let unknown = || Failure::from(Advice::UnknownId { id: id.to_owned() });
        let (store, entry) = self.find_anywhere(id)?;
        let card = self.card_of(store, &entry).ok_or_else(unknown)?;
        if card.kind != EntryKind::Apology.byte() {
            return Err(unknown());
        }
        match (&card.view, card.author) {
            (View::Draft(view), _) if view.done => {
                Err(Advice::ApologyGiven { id: id.to_owned() }.into())
            }
            (View::Draft(_), _) => Ok(Found::Draft(entry)),
            (View::Apology(view), Some(author)) => {
                Ok(Found::Given(entry, author, Box::new(view.clone())))
            }
            _ => Err(unknown()),
        }
    }

    /// What was given, added and answered, by name and time.
    pub(super) fn apology_history(
        &mut self,
        store: Store,
        id: &EntryId,
    ) -> Result<Vec<ActLine>, Failure> {
        let history = self.look(store, id, |entry| entry.apology_history())?;
        let lines = history.into_iter().map(|told| {
            let (verb, words) = match told.say {
                // The words of it are the entry's own.
                apology::Say::Give(_) => ("give", String::new()),
                apology::Say::Add(words) => ("add", words),
                apology::Say::Answer { answer, words, .. } => (answer.name(), words),
                apology::Say::Withdraw => ("withdraw", String::new()),
            };
            ActLine {
                verb: verb.to_owned(),
                by: self.name_of_person(told.person),
                at: super::answers::time_of(told.time),
                reason: Some(words).filter(|words| !words.is_empty()),
                to_current_text: true,
                hash: String::new(),
            }
        });
        Ok(lines.collect())
    }
}

/// What the entry that a draft becomes may begin with: the same for a draft each time, in this order.
fn seeds(private: &Replica, draft: EntryId) -> impl Iterator<Item = [u8; 16]> + use<> {
    /// An id that would stand too close to another's is passed over; so many in a row are not met.
    const ATTEMPTS: u8 = 64;
    let private = private.journal().0;
    (0..ATTEMPTS).map(move |attempt| Begin::nonce_of(&private, &draft, attempt))
}

fn beginnings(says: Vec<amends_journal::Say>) -> Beginnings {
    Beginnings {
        kind: EntryKind::Apology,
        role: 0,
        from: None,
        words: None,
        agreed: false,
        says,
    }
}

fn words_of(words: ApologyWords) -> apology::Words {
    apology::Words {
        did: words.did,
        hurt: words.hurt,
        own: words.own,
        change: words.change,
        repair: words.repair,
    }
}

/// A draft of an apology, in an apology's fields.
pub(super) fn of_draft(draft: &draft::View) -> ApologyWords {
    let answer = |name| draft.answer(name).unwrap_or_default().to_owned();
    ApologyWords {
        did: answer("did"),
        hurt: answer("hurt"),
        own: answer("own"),
        change: answer("change"),
        repair: answer("repair"),
    }
}

/// Where an apology stands, in the words of DESIGN section 2, and what scripts read of it.
pub(super) fn shown(view: &apology::View) -> (&'static str, Apology) {
    let state = match (&view.given, &view.answer) {
        (None, _) => "incomplete",
        (Some(_), Some((answer, _))) => answer.name(),
        (Some(_), None) => "given",
    };
    let given = view.given.clone().unwrap_or_default();
    let answer = view.answer.clone();
    let apology = Apology {
        words: ApologyWords {
            did: given.did,
            hurt: given.hurt,
            own: given.own,
            change: given.change,
            repair: given.repair,
        },
        additions: view.additions.clone(),
        answer: answer.as_ref().map(|(answer, _)| answer.name().to_owned()),
        answer_words: answer.map(|(_, words)| words).unwrap_or_default(),
    };
    (state, apology)
}
