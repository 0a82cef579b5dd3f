//! Requests that read or edit, and entries as scripts and pages see them.

use amends_journal::{
    BoundaryView, EntryId, EntryKind, Field, FindError, Person, RuleError, Standing, Verb,
};
use amends_replica::{Card, CardState, Edit, EditError, Input, Whose};

use super::stores::{Shelves, damaged, internal};
use super::{App, FeedError};
use crate::advice::Advice;
use crate::request::{ActLine, BoundaryRequest, Entry, Failure, Response, Status, Waits};

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

fn today() -> String {
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
    }
}

fn rule_failed(rule: &RuleError, id: &str) -> Failure {
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
        other => Advice::RuleSaysNo {
            why: other.to_string(),
        },
    }
    .into()
}

impl App {
    fn find(&mut self, typed: &str) -> Result<EntryId, Failure> {
        self.replica()?.find(typed).map_err(|error| {
            let id = typed.to_owned();
            match error {
                FindError::Empty | FindError::None => Advice::UnknownId { id },
                FindError::Several(count) => Advice::AmbiguousId {
                    id,
                    count: count as u64,
                },
            }
            .into()
        })
    }

    /// One of the verbs of a boundary.
    pub(super) fn boundary(&mut self, request: BoundaryRequest) -> Result<Response, Failure> {
        let (edit, id) = match request {
            BoundaryRequest::List => {
                let replica = self.replica()?;
                let mut cards: Vec<(EntryId, Card)> = replica
                    .cards()
                    .map(|(id, card)| (*id, card.clone()))
                    .collect();
                cards.sort_by_key(|(id, card)| (card.created, *id));
                return Ok(Response::Entries(
                    cards
                        .iter()
                        .map(|(id, card)| self.entry_of(id, card))
                        .collect(),
                ));
            }
            BoundaryRequest::Show { id } => {
                let id = self.find(&id)?;
                return self
                    .shown(&id)
                    .map(|entry| Response::Entry(Box::new(entry)));
            }
            BoundaryRequest::Propose {
                title,
                text,
                language,
                review_on,
            } => (
                Edit::Propose {
                    title,
                    text,
                    language,
                    review_on,
                },
                String::new(),
            ),
            BoundaryRequest::Edit {
                id,
                title,
                text,
                review_on,
            } => {
                let entry = self.find(&id)?;
                (
                    Edit::Change {
                        entry,
                        title,
                        text,
                        review_on,
                    },
                    id,
                )
            }
            BoundaryRequest::Agree { id, expect_hash } => {
                let entry = self.find(&id)?;
                let shown = expect_hash.map(|shown| hash_of(&shown)).transpose()?;
                (Edit::Agree { entry, shown }, id)
            }
            BoundaryRequest::Decline { id, reason } => (
                Edit::Decline {
                    entry: self.find(&id)?,
                    reason,
                },
                id,
            ),
            BoundaryRequest::End { id, reason } => (
                Edit::End {
                    entry: self.find(&id)?,
                    reason,
                },
                id,
            ),
        };
        if self.replica.is_none() {
            return Err(Advice::NotPaired.into());
        }
        let told = told_of(&edit);
        let partner = self.partner_name();
        let entry = self.feed(Input::Edit(edit)).map_err(|error| match error {
            FeedError::Edit(EditError::Rule(RuleError::Date)) => Advice::BadDate {
                given: told.date.clone(),
            }
            .into(),
            FeedError::Edit(EditError::Rule(RuleError::Language)) => Advice::BadLanguage {
                given: told.language.clone(),
            }
            .into(),
            FeedError::Edit(EditError::Rule(rule)) => rule_failed(&rule, &id),
            FeedError::Edit(EditError::TextChanged) => Advice::TextMoved { id: id.clone() }.into(),
            FeedError::Edit(EditError::Unconfirmed) => Advice::PartnerNotConfirmed {
                partner: partner.clone(),
            }
            .into(),
            FeedError::Edit(EditError::OlderCopy) => Advice::OlderHome.into(),
            FeedError::Edit(EditError::Unknown) => Advice::UnknownId { id: id.clone() }.into(),
            FeedError::Edit(other @ EditError::NoId) => internal(&other),
            FeedError::Failed(failure) => failure,
        })?;
        self.look_at_syncs();
        match entry.as_ref().and_then(|entry| self.entry(entry)) {
            Some(entry) => Ok(Response::Entry(Box::new(entry))),
            None => Err(internal(&"an edit made no entry")),
        }
    }

    /// An entry as a list shows it.
    pub(super) fn entry(&self, id: &EntryId) -> Option<Entry> {
        let card = self.replica.as_ref()?.card(id)?;
        Some(self.entry_of(id, card))
    }

    fn name_of(&self, whose: Whose) -> String {
        match whose {
            Whose::Mine => self.open.device.name.as_str().to_owned(),
            Whose::Partners => self.partner_name(),
        }
    }

    fn entry_of(&self, id: &EntryId, card: &Card) -> Entry {
        let replica = self.replica.as_ref();
        let agreed = [
            (card.agreed_by_me, Whose::Mine),
            (card.agreed_by_partner, Whose::Partners),
        ];
        Entry {
            id: replica.map_or_else(|| id.to_string(), |replica| replica.short_id(id)),
            kind: EntryKind::from_byte(card.kind)
                .map_or("unknown", EntryKind::name)
                .to_owned(),
            title: card.title.clone(),
            text: card.text.clone(),
            in_force: card.in_force.clone(),
            state: match card.state {
                CardState::Proposed => "proposed",
                CardState::Agreed => "agreed",
                CardState::Changed => "changed",
                CardState::Declined => "declined",
                CardState::Ended => "ended",
            }
            .to_owned(),
            agreed_by: agreed
                .into_iter()
                .filter(|(agrees, _)| *agrees)
                .map(|(_, whose)| self.name_of(whose))
                .collect(),
            author: card
                .author
                .map(|whose| self.name_of(whose))
                .unwrap_or_default(),
            created: time_of(card.created.unwrap_or_default()),
            reached: replica.is_some_and(|replica| replica.reached(card)),
            review_on: card.review_on.clone(),
            hash: hex(&card.hash),
            history: Vec::new(),
            not_readable_there: card.not_readable_there,
        }
    }

    fn shown(&mut self, id: &EntryId) -> Result<Entry, Failure> {
        let path = self.open.home.journal_db();
        let Some(replica) = self.replica.as_mut() else {
            return Err(Advice::NotPaired.into());
        };
        let view = replica
            .boundary(&Shelves(&self.open.journal), id)
            .map_err(|error| damaged(&path, &error))?;
        let mut entry = self
            .entry(id)
            .ok_or_else(|| Failure::from(Advice::UnknownId { id: id.to_string() }))?;
        entry.history = self.history(&view);
        Ok(entry)
    }

    fn history(&self, view: &BoundaryView) -> Vec<ActLine> {
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
                by: self.name_of(match shown.person {
                    Person::Me => Whose::Mine,
                    Person::Partner => Whose::Partners,
                }),
                at: time_of(shown.act.time),
                reason: Some(shown.act.reason.clone()).filter(|reason| !reason.is_empty()),
                to_current_text: shown.act.hash == view.current.hash
                    && shown.standing != Standing::Invalid,
            })
            .collect()
    }

    /// How things stand.
    pub(super) fn status(&mut self) -> Result<Status, Failure> {
        let name = self.open.device.name.as_str().to_owned();
        let connected = self.sessions.open().next().is_some();
        let Some(replica) = &self.replica else {
            return Ok(Status {
                name,
                partner: None,
                unconfirmed: false,
                waiting_for_me: Vec::new(),
                not_reached: 0,
                last_met: None,
                space: None,
                refused: Vec::new(),
                connected,
                not_come: 0,
            });
        };
        let today = today();
        let mut waiting_for_me = Vec::new();
        for (id, card) in replica.cards() {
            let unanswered = matches!(card.state, CardState::Proposed | CardState::Changed)
                && !card.agreed_by_me
                && !card.declined_by_me;
            let due = card.state == CardState::Agreed
                && card.review_on.as_ref().is_some_and(|date| *date <= today);
            let why = match (unanswered, due) {
                (true, _) => "agree",
                (_, true) => "review",
                _ => continue,
            };
            waiting_for_me.push(Waits {
                id: replica.short_id(id),
                kind: EntryKind::from_byte(card.kind)
                    .map_or("unknown", EntryKind::name)
                    .to_owned(),
                title: if card.title.is_empty() {
                    beginning(&card.text)
                } else {
                    card.title.clone()
                },
                why: why.to_owned(),
            });
        }
        let mut refused: Vec<String> = self.refused.iter().cloned().collect();
        let set_aside = replica.set_aside();
        if refused.is_empty() && set_aside > 0 {
            refused.push(crate::advice::set_aside_count(set_aside));
        }
        Ok(Status {
            name,
            partner: Some(self.partner_name()),
            unconfirmed: !replica.is_confirmed(),
            waiting_for_me,
            not_reached: replica
                .cards()
                .filter(|(_, card)| !replica.reached(card))
                .count() as u64,
            last_met: replica.last_met().map(time_of),
            space: None,
            refused,
            connected,
            not_come: replica.not_come(),
        })
    }
}

/// The first words of a text, for where a title would stand.
fn beginning(text: &str) -> String {
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

fn hash_of(shown: &str) -> Result<[u8; 32], Failure> {
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

/// What was typed, for words about it.
struct Told {
    date: String,
    language: String,
}

fn told_of(edit: &Edit) -> Told {
    let (date, language) = match edit {
        Edit::Propose {
            review_on,
            language,
            ..
        } => (review_on.clone(), language.clone()),
        Edit::Change { review_on, .. } => (review_on.clone().flatten(), String::new()),
        _ => (None, String::new()),
    };
    Told {
        date: date.unwrap_or_default(),
        language,
    }
}
