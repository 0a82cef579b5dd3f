//! Feelings: written into the private store, and copied into the journal by an explicit request alone.

use amends_journal::{EntryId, EntryKind, View, draft, feeling};
use amends_replica::{Beginnings, Edit};

use super::App;
use super::answers::{Store, Typed};
use super::stores::internal;
use crate::advice::Advice;
use crate::request::{Failure, FeelRequest, Feeling, FeelingChange, Response, TalkRequest};

impl App {
    /// One of the verbs of a feeling.
    pub(super) fn feel(&mut self, request: FeelRequest) -> Result<Response, Failure> {
        match request {
            FeelRequest::Write { feeling } => {
                let edit = begin(vec![feeling::Say::Feel(feel_of(feeling)).into()]);
                self.answer(Store::Private, edit, &Typed::default())
            }
            FeelRequest::Keep { id, feeling } => {
                let write = draft::Say::Write {
                    waits_for: draft::WaitsFor::Author,
                    answers: answers_of(feeling),
                };
                let says = vec![write.into()];
                let Some(id) = id else {
                    return self.answer(Store::Private, begin(says), &Typed::default());
                };
                let entry = self.private_feeling(&id)?;
                self.answer(Store::Private, Edit::Say { entry, says }, &Typed::id(&id))
            }
            FeelRequest::Edit { id, change } => {
                let entry = self.private_feeling(&id)?;
                let (before, is_draft) = self.felt(entry)?;
                let mut says = vec![feeling::Say::Feel(changed(before, change)).into()];
                if is_draft {
                    says.push(draft::Say::Done(Some(entry)).into());
                }
                self.answer(Store::Private, Edit::Say { entry, says }, &Typed::id(&id))
            }
            FeelRequest::Share {
                id,
                as_account,
                shown,
            } => {
                self.replica()?;
                let entry = self.private_feeling(&id)?;
                let (feel, is_draft) = self.felt(entry)?;
                if is_draft {
                    return Err(Advice::FeelingIsDraft { id }.into());
                }
                if shown
                    .is_some_and(|shown| shared_part(feel_of(shown)) != shared_part(feel.clone()))
                {
                    return Err(Advice::FeelingMoved { id }.into());
                }
                if let Some(talk) = as_account {
                    return self.feeling_as_account(entry, &id, talk, feel);
                }
                let edit = begin(vec![feeling::Say::Feel(shared_part(feel)).into()]);
                let (copy, shared) = self.edit(Store::Journal, edit, &Typed::id(&id))?;
                // Only so that its author sees here that they shared it. It stands in the journal whether this is kept or not.
                let says = vec![feeling::Say::Shared(copy).into()];
                self.edit(Store::Private, Edit::Say { entry, says }, &Typed::id(&id))?;
                Ok(Response::Entry(Box::new(shared)))
            }
        }
    }

    /// A copy of a feeling becomes this person's account in a talk, by whatever rules that talk has.
    fn feeling_as_account(
        &mut self,
        entry: EntryId,
        id: &str,
        talk: String,
        feel: feeling::Feel,
    ) -> Result<Response, Failure> {
        let text = Feeling {
            words: feel.words,
            because: feel.because,
            ..Feeling::default()
        }
        .as_account();
        let request = TalkRequest::Account {
            id: talk.clone(),
            text,
            draft: None,
        };
        let answered = self.talk(request)?;
        // A talk that waits for the end of a space stands in no journal yet.
        if let Ok(talk) = self.find(&talk) {
            let says = vec![feeling::Say::Shared(talk).into()];
            self.edit(Store::Private, Edit::Say { entry, says }, &Typed::id(id))?;
        }
        Ok(answered)
    }

    /// The private feeling whose id begins so.
    fn private_feeling(&mut self, id: &str) -> Result<EntryId, Failure> {
        let (store, entry) = self.find_anywhere(id)?;
        let is_feeling = |kind: u8| kind == EntryKind::Feeling.byte();
        match self.card_of(store, &entry) {
            Some(card) if !is_feeling(card.kind) => {
                Err(Advice::UnknownId { id: id.to_owned() }.into())
            }
            Some(_) if store == Store::Private => Ok(entry),
            Some(_) => Err(Advice::FeelingShared { id: id.to_owned() }.into()),
            None => Err(internal(&"an entry has no card")),
        }
    }

    /// A private feeling as it stands, and whether it is a draft.
    fn felt(&self, entry: EntryId) -> Result<(feeling::Feel, bool), Failure> {
        match self.card_of(Store::Private, &entry).map(|card| &card.view) {
            Some(View::Feeling(view)) => Ok((view.feel.clone(), false)),
            Some(View::Draft(view)) if !view.done => Ok((feel_of(of_draft(view)), true)),
            _ => Err(Advice::UnknownId { id: entry.words(2) }.into()),
        }
    }
}

/// A feeling is an entry of its own, in whichever store.
fn begin(says: Vec<amends_journal::Say>) -> Edit {
    Edit::Begin(Beginnings {
        kind: EntryKind::Feeling,
        role: 0,
        from: None,
        words: None,
        agreed: false,
        says,
    })
}

fn feel_of(feeling: Feeling) -> feeling::Feel {
    feeling::Feel {
        words: feeling.words,
        because: feeling.because,
        intensity: feeling.intensity,
        tags: feeling.tags,
    }
}

/// What goes where a feeling is shared. Its tags are how its author sorts their own, and stay.
fn shared_part(feel: feeling::Feel) -> feeling::Feel {
    feeling::Feel {
        tags: Vec::new(),
        ..feel
    }
}

fn changed(before: feeling::Feel, change: FeelingChange) -> feeling::Feel {
    feeling::Feel {
        words: change.words.unwrap_or(before.words),
        because: change.because.unwrap_or(before.because),
        intensity: match change.intensity {
            Some(0) => None,
            Some(strong) => Some(strong),
            None => before.intensity,
        },
        tags: change.tags.unwrap_or(before.tags),
    }
}

/// A feeling as its draft keeps it.
fn answers_of(feeling: Feeling) -> Vec<(String, String)> {
    let intensity = feeling.intensity.map(|strong| strong.to_string());
    [
        ("words", feeling.words),
        ("because", feeling.because),
        ("intensity", intensity.unwrap_or_default()),
        ("tags", feeling.tags.join(", ")),
    ]
    .into_iter()
    .filter(|(_, words)| !words.trim().is_empty())
    .map(|(name, words)| (name.to_owned(), words))
    .collect()
}

/// A draft of a feeling, in a feeling's fields.
pub(super) fn of_draft(draft: &draft::View) -> Feeling {
    let answer = |name| draft.answer(name).unwrap_or_default().to_owned();
    Feeling {
        words: answer("words"),
        because: answer("because"),
        intensity: answer("intensity")
            .parse()
            .ok()
            .filter(|n| (1..=5).contains(n)),
        tags: answer("tags")
            .split(',')
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect(),
        shared_as: Vec::new(),
    }
}
