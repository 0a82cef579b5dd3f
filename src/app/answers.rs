//! Requests that read or edit, and entries as scripts and pages see them.

use std::borrow::Cow;

use amends_journal::draft::WaitsFor;
use amends_journal::{
    Agreed, AgreementView, EntryId, EntryKind, Field, FindError, Person, RuleError, RuleFault,
    Standing, State, Verb, View,
};
use amends_replica::{Card, Edit, EditError, Input, Replica, Whose};

use super::holding::is_held;
use super::space::own_of_space;
use super::stores::{Shelves, damaged, internal};
use super::{App, FeedError};
use crate::advice::Advice;
use crate::local::Face;
use crate::request::{
    ActLine, Agreement, Apology, Entry, Failure, Feeling, Made, Met, Own, PIECE, Part, Response,
    Unread, Which, Why,
};

/// A time in RFC 3339, UTC, as scripts read it.
pub(crate) fn time_of(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .unwrap_or(if millis < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
        .to_string()
}

pub(super) fn today() -> String {
    jiff::Zoned::now().date().to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Title => "title",
        Field::Text => "text",
        Field::Why => "why",
        Field::Reason => "reason",
        Field::Language => "language",
        Field::ReviewOn => "review date",
        Field::Date => "date",
        Field::Place => "place",
    }
}

pub(super) fn rule_failed(rule: &RuleError, id: &str) -> Failure {
    let id = id.to_owned();
    match rule {
        RuleError::Empty(_) => Advice::TextEmpty,
        RuleError::TooLong { field, size, limit } => Advice::TextTooLong {
            what: field_name(*field).to_owned(),
            length: *size as u64,
            limit: *limit as u64,
        },
        RuleError::Character { field, character } => Advice::ForbiddenCharacter {
            what: field_name(*field).to_owned(),
            character: format!("U+{:04X}", u32::from(*character)),
        },
        RuleError::Language => Advice::BadLanguage {
            given: "That".to_owned(),
        },
        RuleError::Date => Advice::BadDate {
            given: "That".to_owned(),
        },
        RuleError::NothingInForce => Advice::NothingInForce { id },
        RuleError::PartTooLong { .. } => Advice::EntryFull { id },
        RuleError::InForce => Advice::TextInForce { id },
        RuleError::Fault(RuleFault::SpaceLength) => Advice::SpaceLength,
        other => Advice::RuleSaysNo {
            why: other.to_string(),
        },
    }
    .into()
}

/// The part of a list that was asked for: its newest are its last.
pub(super) fn newest<T>(all: &[T], part: Part) -> impl Iterator<Item = &T> {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    all.iter()
        .rev()
        .skip(number(part.skip))
        .take(number(part.most))
}

/// Whether an entry is one of those that were asked for.
fn is_one(card: &Card, which: Which) -> bool {
    match (which, &card.view) {
        (Which::All, _) => true,
        (Which::InForce, View::Boundary(agreed) | View::Lesson(agreed) | View::Packet(agreed)) => {
            agreed.in_force.is_some()
        }
        (Which::Open, View::Plan(plan)) => plan.finished.is_none(),
        _ => false,
    }
}

/// Which of a home's two stores an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Store {
    /// The journal that two people share.
    Journal,
    /// What never leaves this person's own devices.
    Private,
}

/// Texts of an entry: copied for whoever keeps it, lent to whoever writes it out at once.
pub(crate) trait Text<'a>: From<&'a str> + From<String> {}

impl<'a, T: From<&'a str> + From<String>> Text<'a> for T {}

/// An entry that a list shows.
struct Listed<'a> {
    created: Option<i64>,
    id: EntryId,
    store: Store,
    card: &'a Card,
}

/// What was typed, for words about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    pub(crate) id: String,
    pub(crate) date: String,
    pub(crate) language: String,
}

impl Typed {
    pub(crate) fn id(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }
}

impl App {
    /// The entry of the journal whose id begins so.
    pub(crate) fn find(&mut self, typed: &str) -> Result<EntryId, Failure> {
        let journal = self.replica()?.find(typed);
        journal.map_err(|error| not_found(typed, error))
    }

    /// The entry of either store whose id begins so.
    pub(crate) fn find_anywhere(&self, typed: &str) -> Result<(Store, EntryId), Failure> {
        let journal = match &self.replica {
            Some(replica) => replica.find(typed),
            None => Err(FindError::None),
        };
        match (journal, self.private.find(typed)) {
            (Ok(_), Ok(_)) => Err(not_found(typed, FindError::Several(2))),
            (Ok(id), Err(FindError::None)) => Ok((Store::Journal, id)),
            (Err(FindError::None), Ok(id)) => Ok((Store::Private, id)),
            (Err(FindError::None), Err(error)) | (Err(error), Err(FindError::None)) => {
                Err(not_found(typed, error))
            }
            (journal, private) => {
                let count = |found: Result<EntryId, FindError>| match found {
                    Ok(_) => 1,
                    Err(FindError::Several(count)) => count,
                    Err(_) => 0,
                };
                let several = count(journal).saturating_add(count(private)).max(2);
                Err(not_found(typed, FindError::Several(several)))
            }
        }
    }

    /// The replica of a store.
    pub(super) fn replica_of(&self, store: Store) -> Option<&Replica> {
        match store {
            Store::Journal => self.replica.as_ref(),
            Store::Private => Some(&self.private),
        }
    }

    /// Makes an edit in one of the stores, and gives the entry as it is then.
    pub(crate) fn edit(
        &mut self,
        store: Store,
        edit: Edit,
        typed: &Typed,
    ) -> Result<(EntryId, Entry), Failure> {
        let id = &typed.id;
        let partner = self.partner_name();
        let edited = match store {
            Store::Journal if self.replica.is_none() => return Err(Advice::NotPaired.into()),
            Store::Journal => self.feed(Input::Edit(edit)),
            Store::Private => self.feed_private(edit),
        };
        let edited = edited.map_err(|error| match error {
            FeedError::Edit(EditError::Rule(RuleError::Date)) => Advice::BadDate {
                given: typed.date.clone(),
            }
            .into(),
            FeedError::Edit(EditError::Rule(RuleError::Language)) => Advice::BadLanguage {
                given: typed.language.clone(),
            }
            .into(),
            FeedError::Edit(EditError::Rule(rule)) => rule_failed(&rule, id),
            FeedError::Edit(EditError::TextChanged) => Advice::TextMoved { id: id.clone() }.into(),
            FeedError::Edit(EditError::Unconfirmed) => {
                Advice::PartnerNotConfirmed { partner }.into()
            }
            FeedError::Edit(EditError::OlderCopy) => Advice::OlderHome.into(),
            FeedError::Edit(EditError::TooManyLogs) => Advice::CopiedTooOften.into(),
            FeedError::Edit(EditError::Unread) => Advice::UnreadEntry { id: id.clone() }.into(),
            FeedError::Edit(EditError::Unknown) => Advice::UnknownId { id: id.clone() }.into(),
            FeedError::Edit(other @ EditError::NoId) => internal(&other),
            FeedError::Failed(failure) => failure,
        })?;
        self.look_at_syncs();
        match edited.and_then(|id| Some((id, self.entry_in(store, &id)?))) {
            Some(edited) => Ok(edited),
            None => Err(internal(&"an edit made no entry")),
        }
    }

    /// An edit, as the whole answer to a request.
    pub(crate) fn answer(
        &mut self,
        store: Store,
        edit: Edit,
        typed: &Typed,
    ) -> Result<Response, Failure> {
        let (_, entry) = self.edit(store, edit, typed)?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// Looks at one entry, all of its parts loaded.
    pub(crate) fn look<T>(
        &mut self,
        store: Store,
        id: &EntryId,
        then: impl FnOnce(&amends_journal::Entry<'_>) -> T,
    ) -> Result<T, Failure> {
        if let Some(card) = self.card_of(store, id)
            && card.view == View::Unread
        {
            return Err(Advice::UnreadEntry { id: id.words(2) }.into());
        }
        let (replica, shelf, path) = match store {
            Store::Journal => (
                self.replica.as_mut().ok_or(Advice::NotPaired)?,
                Shelves(&self.open.journal),
                self.open.home.journal_db(),
            ),
            Store::Private => (
                &mut self.private,
                Shelves(&self.open.private),
                self.open.home.private_db(),
            ),
        };
        replica
            .look(&shelf, id, then)
            .map_err(|error| damaged(&path, &error))
    }

    /// All entries of a kind, in the order in which they say they were begun; or a part of them, the newest first.
    pub(crate) fn list(&self, kind: &str, part: Option<Part>) -> Result<Response, Failure> {
        let which = part.map_or(Which::All, |part| part.of);
        let all = self.listed_of(kind, which)?;
        let entry = |listed: &Listed<'_>| self.entry_of(listed.store, &listed.id, listed.card);
        Ok(Response::Entries(match part {
            None => all.iter().map(entry).collect(),
            Some(part) => newest(&all, part).map(entry).collect(),
        }))
    }

    /// All entries of a kind as the JSON that scripts read, given away in pieces while the rest is made. Nothing but the giving
    /// away happens meanwhile, so it is the list of one moment; and whoever does not read holds nobody up.
    pub(crate) async fn list_as_json(&self, face: Face, kind: &str) {
        let all = match self.listed_of(kind, Which::All) {
            Ok(all) => all,
            Err(failure) => return face.end(Response::Failed(failure)),
        };
        let (mut making, made) = Made::begun();
        face.end(Response::Json(made));
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        piece.push(b'[');
        for (at, listed) in all.iter().enumerate() {
            if at > 0 {
                piece.push(b',');
            }
            let entry: Entry<Cow<'_, str>> = self.entry_of(listed.store, &listed.id, listed.card);
            // It cannot fail; if it did, the list would break off here and be known to have.
            if entry.json_onto(&mut piece).is_err() {
                return;
            }
            if piece.len() >= PIECE {
                let next = Vec::with_capacity(PIECE + PIECE / 8);
                if making.put(std::mem::replace(&mut piece, next)).is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
        piece.push(b']');
        if making.put(piece).is_ok() {
            making.end().await;
        }
    }

    /// The entries of a kind that a list shows, in the order in which they say they were begun.
    fn listed_of(&self, kind: &str, which: Which) -> Result<Vec<Listed<'_>>, Failure> {
        let kind = EntryKind::from_name(kind)
            .ok_or_else(|| internal(&format!("there is no kind {kind}")))?;
        if kind == EntryKind::Boundary && self.replica.is_none() {
            return Err(Advice::NotPaired.into());
        }
        let mut all = Vec::new();
        for store in [Store::Journal, Store::Private] {
            let Some(replica) = self.replica_of(store) else {
                continue;
            };
            for (id, card) in replica.cards_of(kind) {
                let counts = is_listed(card) && is_one(card, which);
                if counts && self.kept_until(card).is_none() {
                    all.push(Listed {
                        created: card.created,
                        id: *id,
                        store,
                        card,
                    });
                }
            }
        }
        all.sort_by_key(|listed| (listed.created, listed.id));
        Ok(all)
    }

    /// An entry of the journal as a list shows it.
    pub(super) fn entry(&self, id: &EntryId) -> Option<Entry> {
        self.entry_in(Store::Journal, id)
    }

    /// What a list shows of an entry in one of the stores.
    pub(super) fn card_of(&self, store: Store, id: &EntryId) -> Option<&Card> {
        self.replica_of(store)?.card(id)
    }

    pub(super) fn entry_in(&self, store: Store, id: &EntryId) -> Option<Entry> {
        let card = self.card_of(store, id)?;
        Some(self.entry_of(store, id, card))
    }

    pub(crate) fn name_of(&self, whose: Whose) -> String {
        self.name(whose).to_owned()
    }

    pub(super) fn name(&self, whose: Whose) -> &str {
        match whose {
            Whose::Mine => self.open.device.name.as_str(),
            Whose::Partners => {
                let replica = self.replica.as_ref();
                replica.and_then(Replica::partner_name).unwrap_or_default()
            }
        }
    }

    pub(crate) fn name_of_person(&self, person: Person) -> String {
        self.name_of(match person {
            Person::Me => Whose::Mine,
            Person::Partner => Whose::Partners,
        })
    }

    /// What a list shows of an entry. Its texts are copied, or lent by the card: as they are asked for.
    pub(crate) fn entry_of<'a, T: Text<'a>>(
        &'a self,
        store: Store,
        id: &EntryId,
        card: &'a Card,
    ) -> Entry<T> {
        let replica = self.replica_of(store);
        let short = |id: &EntryId| replica.map_or_else(|| id.to_string(), |r| r.short_id(id));
        let (title, state, own) = self.own_of(store, id, card);
        Entry {
            id: short(id),
            title,
            state,
            author: T::from(card.author.map_or("", |whose| self.name(whose))),
            created: time_of(card.created.unwrap_or_default()),
            held: time_of(card.first_held),
            reached: store == Store::Journal && replica.is_some_and(|r| r.reached(card)),
            not_readable_there: card.not_readable_there,
            not_come: replica.map_or(0, |r| r.not_come_in(id)),
            private: store == Store::Private,
            unread: card.unread,
            from: card.from.map(|from| short(&EntryId(from))),
            own,
            history: Vec::new(),
            met: None,
        }
    }

    /// An entry's title, its state, and what its kind has of its own.
    fn own_of<'a, T: Text<'a>>(
        &'a self,
        store: Store,
        id: &EntryId,
        card: &'a Card,
    ) -> (T, T, Own<T>) {
        let none = || T::from("");
        match &card.view {
            View::Unread => {
                let unread = Unread {
                    number: card.kind,
                    schema: card.schema,
                };
                (none(), T::from("unread"), Own::Unread(unread))
            }
            View::Boundary(agreed) => {
                let (title, state, agreement) = self.agreement_of(agreed);
                (title, state, Own::Boundary(agreement))
            }
            View::Lesson(agreed) => {
                let (title, state, agreement) = self.agreement_of(agreed);
                (title, state, Own::Lesson(agreement))
            }
            View::Packet(agreed) => {
                let (title, state, agreement) = self.agreement_of(agreed);
                (title, state, Own::Packet(agreement))
            }
            View::Feeling(feeling) => {
                let state = match store {
                    Store::Private => "felt",
                    Store::Journal => "shared",
                };
                let own = Own::Feeling(self.feeling_of(feeling));
                (none(), T::from(state), own)
            }
            View::Space(space) => {
                let (state, own) = own_of_space(card, space);
                (none(), T::from(state), Own::Space(own))
            }
            View::Talk(talk) => {
                let (title, state, talk) = self.talk_of(id, card, talk);
                (T::from(title), T::from(state), Own::Talk(talk))
            }
            View::Draft(draft) if card.kind == EntryKind::Talk.byte() => {
                let (title, talk) = self.talk_draft_of(draft);
                let state = match draft {
                    _ if is_held(draft) => "held",
                    _ if draft.done => "done",
                    _ => "draft",
                };
                (T::from(title), T::from(state), Own::Talk(talk))
            }
            View::Memory(memory) => {
                let (title, state, memory) = self.memory_seen(memory);
                (T::from(title), T::from(state), Own::Memory(memory))
            }
            View::Plan(plan) => {
                let (title, state, plan) = self.plan_seen(plan);
                (T::from(title), T::from(state), Own::Plan(plan))
            }
            View::Apology(apology) => {
                let (state, apology) = super::apology::shown(apology);
                (none(), T::from(state), Own::Apology(apology))
            }
            View::Checkin(checkin) => {
                let (title, state, checkin) = self.checkin_seen(checkin);
                let own = Own::Checkin(Box::new(checkin));
                (T::from(title), T::from(state), own)
            }
            View::Draft(draft) => {
                let state = if draft.done { "done" } else { "draft" };
                let own = own_of_draft(card.kind, draft);
                (none(), T::from(state), own)
            }
        }
    }

    fn feeling_of(&self, view: &amends_journal::feeling::View) -> Feeling {
        let feel = &view.feel;
        let short = |id: &[u8; 16]| {
            let id = EntryId(*id);
            match &self.replica {
                Some(replica) if replica.card(&id).is_some() => replica.short_id(&id),
                _ => id.to_string(),
            }
        };
        Feeling {
            words: feel.words.clone(),
            because: feel.because.clone(),
            intensity: feel.intensity,
            tags: feel.tags.clone(),
            shared_as: view.shared.iter().map(short).collect(),
        }
    }

    /// What is agreed to, as scripts see it.
    pub(crate) fn agreement_of<'a, T: Text<'a>>(
        &'a self,
        agreed: &'a Agreed,
    ) -> (T, T, Agreement<T>) {
        let by = [
            (agreed.agreed_by_me, Whose::Mine),
            (agreed.agreed_by_partner, Whose::Partners),
        ];
        let whys = [
            (&agreed.my_why, Whose::Mine),
            (&agreed.partners_why, Whose::Partners),
        ];
        let agreement = Agreement {
            text: T::from(agreed.text.as_str()),
            in_force: agreed.in_force.as_deref().map(T::from),
            agreed_by: by
                .into_iter()
                .filter(|(agrees, _)| *agrees)
                .map(|(_, whose)| T::from(self.name(whose)))
                .collect(),
            review_on: agreed.review_on.as_deref().map(T::from),
            hash: hex(&agreed.hash),
            whys: whys
                .into_iter()
                .filter(|(why, _)| !why.trim().is_empty())
                .map(|(why, whose)| Why {
                    by: T::from(self.name(whose)),
                    why: T::from(why.as_str()),
                })
                .collect(),
        };
        (
            T::from(agreed.title.as_str()),
            T::from(state_name(agreed.state)),
            agreement,
        )
    }

    /// One entry with its history.
    pub(crate) fn show_entry(&mut self, typed: &str) -> Result<Response, Failure> {
        let (store, id) = self.find_anywhere(typed).map_err(|failure| {
            // Before pairing there is no entry that could be meant but a private one.
            if self.replica.is_none() && self.private.cards().next().is_none() {
                Advice::NotPaired.into()
            } else {
                failure
            }
        })?;
        self.must_not_be_kept(&id)?;
        let entry = self.whole_entry(store, &id)?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// An entry of one of the stores with its history.
    pub(super) fn whole_entry(&mut self, store: Store, id: &EntryId) -> Result<Entry, Failure> {
        let mut entry = self
            .entry_in(store, id)
            .ok_or_else(|| Failure::from(Advice::UnknownId { id: id.to_string() }))?;
        entry.met = self.met(store);
        if let Own::Unread(_) = entry.own {
            return Ok(entry);
        }
        let view = self.look(store, id, |entry| entry.agreement())?;
        entry.history = match entry.own {
            Own::Talk(_) if store == Store::Journal => self.talk_history(id)?,
            Own::Apology(_) => self.apology_history(store, id)?,
            _ => self.history(&view),
        };
        Ok(entry)
    }

    /// How far the two devices have met.
    fn met(&self, store: Store) -> Option<Met> {
        let replica = self.replica.as_ref()?;
        (store == Store::Journal).then(|| Met {
            last_met: replica.last_met().map(time_of),
            connected: self.sessions.open().next().is_some(),
            not_come: replica.not_come(),
        })
    }

    pub(super) fn history(&self, view: &AgreementView) -> Vec<ActLine> {
        view.acts
            .iter()
            .map(|shown| ActLine {
                verb: match shown.act.verb {
                    Verb::Propose => "propose",
                    Verb::Agree => "agree",
                    Verb::Decline => "decline",
                    Verb::End => "end",
                }
                .to_owned(),
                by: self.name_of_person(shown.person),
                at: time_of(shown.act.time),
                reason: Some(shown.act.reason.clone()).filter(|reason| !reason.is_empty()),
                to_current_text: shown.act.hash == view.current.hash
                    && shown.standing != Standing::Invalid,
                hash: hex(&shown.act.hash),
            })
            .collect()
    }
}

/// The first words of a text, for where a title would stand.
pub(super) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    if line.chars().count() <= CHARACTERS {
        line.to_owned()
    } else {
        line.chars().take(CHARACTERS - 1).chain(['…']).collect()
    }
}

pub(super) fn hash_of(shown: &str) -> Result<[u8; 32], Failure> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(shown.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| {
            Advice::TextMoved {
                id: shown.to_owned(),
            }
            .into()
        })
}

fn not_found(typed: &str, error: FindError) -> Failure {
    let id = typed.to_owned();
    match error {
        FindError::Empty | FindError::None => Advice::UnknownId { id },
        FindError::Several(count) => Advice::AmbiguousId {
            id,
            count: count as u64,
        },
    }
    .into()
}

/// Whether a list shows it: a draft that was given or thrown away is history.
pub(super) fn is_listed(card: &Card) -> bool {
    // What waits for the other's commitment is shown with its talk.
    !matches!(&card.view, View::Draft(draft) if draft.done || draft.waits_for == WaitsFor::Together)
}

/// A state of an agreement, as scripts read it.
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Proposed => "proposed",
        State::Agreed => "agreed",
        State::Changed => "changed",
        State::Declined => "declined",
        State::Ended => "ended",
    }
}

/// A draft, in the fields of the kind that it is to become.
fn own_of_draft<T>(kind: u8, draft: &amends_journal::draft::View) -> Own<T> {
    match EntryKind::ALL
        .into_iter()
        .find(|known| known.byte() == kind)
    {
        Some(EntryKind::Apology) => Own::Apology(Apology {
            words: super::apology::of_draft(draft),
            ..Apology::default()
        }),
        _ => Own::Feeling(super::feel::of_draft(draft)),
    }
}
