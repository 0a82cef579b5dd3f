//! The verbs of words that both agree to, whatever their kind.

use amends_journal::{Agreed, EntryId, EntryKind, State};
use amends_replica::{Beginnings, Change, Edit, Words};

use super::App;
use super::answers::{Store, Typed, hash_of};
use crate::advice::Advice;
use crate::request::{AgreementRequest, Base, Failure, Response};

impl App {
    /// One of the verbs of an agreement.
    pub(super) fn agreement(
        &mut self,
        kind: &str,
        request: AgreementRequest,
    ) -> Result<Response, Failure> {
        use AgreementRequest as Verb;
        let (edit, typed) = match request {
            Verb::Propose {
                from,
                title,
                text,
                language,
                review_on,
            } => {
                let typed = Typed {
                    id: from.clone().unwrap_or_default(),
                    date: review_on.clone().unwrap_or_default(),
                    language: language.clone(),
                };
                let from = from.map(|from| self.find(&from)).transpose()?;
                if kind == EntryKind::Checkin.name() {
                    self.must_be_checkin(None, &text)?;
                }
                let words = Words {
                    title,
                    text,
                    language,
                    review_on,
                    ..Words::default()
                };
                let edit = match EntryKind::from_name(kind) {
                    None | Some(EntryKind::Boundary) => Edit::Propose(words),
                    Some(kind) => Edit::Begin(Beginnings {
                        kind,
                        role: 0,
                        from,
                        words: Some(words),
                        agreed: true,
                        says: Vec::new(),
                    }),
                };
                (edit, typed)
            }
            Verb::Edit {
                id,
                title,
                text,
                review_on,
                base,
            } => {
                let entry = self.find_of(kind, &id)?;
                let (title, text) = match base {
                    Some(base) => self.onto(&entry, &base, title, text)?,
                    None => (title, text),
                };
                if let Some(text) = text.as_ref().filter(|_| kind == EntryKind::Checkin.name()) {
                    self.must_be_checkin(Some(&entry), text)?;
                }
                let typed = Typed {
                    date: review_on.clone().flatten().unwrap_or_default(),
                    ..Typed::id(&id)
                };
                let change = Change {
                    title,
                    text,
                    review_on,
                    ..Change::default()
                };
                (Edit::Change { entry, change }, typed)
            }
            Verb::Agree { id, expect_hash } => {
                let entry = self.find_of(kind, &id)?;
                let shown = expect_hash.map(|shown| hash_of(&shown)).transpose()?;
                (Edit::Agree { entry, shown }, Typed::id(&id))
            }
            Verb::Decline { id, reason } => {
                let entry = self.find_of(kind, &id)?;
                (Edit::Decline { entry, reason }, Typed::id(&id))
            }
            Verb::End { id, reason } => {
                let entry = self.find_of(kind, &id)?;
                (Edit::End { entry, reason }, Typed::id(&id))
            }
            Verb::Why { id, why } => {
                let entry = self.find_of(kind, &id)?;
                (Edit::Why { entry, why }, Typed::id(&id))
            }
            Verb::Keep { id, review_on } => return self.keep(kind, &id, review_on),
        };
        self.answer(Store::Journal, edit, &typed)
    }

    /// New words for what stands there by now, made from what was seen.
    fn onto(
        &mut self,
        entry: &EntryId,
        base: &Base,
        title: Option<String>,
        text: Option<String>,
    ) -> Result<(Option<String>, Option<String>), Failure> {
        let now = self.look(Store::Journal, entry, |entry| entry.agreement().current)?;
        let title = title.map(|new| Base::onto(base.title.as_ref(), new, &now.title));
        let text = text.map(|new| Base::onto(base.text.as_ref(), new, &now.text));
        Ok((title, text))
    }

    /// A review that keeps the words: the same text with another date, which is agreed like the text itself.
    fn keep(
        &mut self,
        kind: &str,
        id: &str,
        review_on: Option<String>,
    ) -> Result<Response, Failure> {
        let entry = self.find_of(kind, id)?;
        let view = self.look(Store::Journal, &entry, |entry| entry.agreement())?;
        // What is kept is what is in force; a newer text that waits is another matter.
        match view.state {
            State::Agreed => {}
            State::Changed => return Err(Advice::ReviewOfChanged { id: id.to_owned() }.into()),
            State::Proposed | State::Declined | State::Ended => {
                return Err(Advice::NothingInForce { id: id.to_owned() }.into());
            }
        }
        let typed = Typed {
            date: review_on.clone().unwrap_or_default(),
            ..Typed::id(id)
        };
        let change = Change {
            review_on: Some(review_on),
            ..Change::default()
        };
        self.edit(Store::Journal, Edit::Change { entry, change }, &typed)?;
        let agreed = Edit::Agree { entry, shown: None };
        self.answer(Store::Journal, agreed, &typed)
    }

    /// The entry of the journal whose id begins so, if it is of this kind.
    pub(crate) fn find_of(&mut self, kind: &str, typed: &str) -> Result<EntryId, Failure> {
        let id = self.find(typed)?;
        let found = self
            .replica()?
            .card(&id)
            .and_then(|card| EntryKind::from_byte(card.kind))
            .map(EntryKind::name);
        match found {
            Some(found) if found != kind => Err(Advice::OtherKind {
                id: typed.to_owned(),
                found: found.to_owned(),
                wanted: kind.to_owned(),
            }
            .into()),
            _ => Ok(id),
        }
    }
}

/// What an agreement waits for from this person.
pub(crate) fn agreement_waits(agreed: &Agreed, today: &str) -> Option<&'static str> {
    let unanswered = matches!(agreed.state, State::Proposed | State::Changed)
        && !agreed.agreed_by_me
        && !agreed.declined_by_me;
    let due = agreed.state == State::Agreed
        && agreed
            .review_on
            .as_ref()
            .is_some_and(|date| date.as_str() <= today);
    match (unanswered, due) {
        (true, _) => Some("agree"),
        (_, true) => Some("review"),
        _ => None,
    }
}
