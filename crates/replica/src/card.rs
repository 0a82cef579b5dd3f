//! A card: what a list shows of an entry, kept so that a list loads no document.

use amends_journal::{BoundaryView, EntryKind, Person, State};
use serde::{Deserialize, Serialize};

use crate::rows::Whose;

/// The state of a boundary (DESIGN section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CardState {
    /// Written, not agreed to by both.
    Proposed,
    /// The current text is in force.
    Agreed,
    /// An older text is in force, a newer one waits.
    Changed,
    /// Somebody declined it.
    Declined,
    /// Somebody ended it.
    Ended,
}

/// What a list shows of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The entry kind's byte.
    pub kind: u8,
    /// The title, empty where none was given.
    pub title: String,
    /// The current text.
    pub text: String,
    /// The review date (RFC 3339 full-date).
    pub review_on: Option<String>,
    /// The text in force.
    pub in_force: Option<String>,
    /// The state.
    pub state: CardState,
    /// Whether this person agrees to the current text.
    pub agreed_by_me: bool,
    /// Whether the partner agrees to the current text.
    pub agreed_by_partner: bool,
    /// Whether this person declined the current text.
    pub declined_by_me: bool,
    /// Who proposed it; none where the proposal was set aside.
    pub author: Option<Whose>,
    /// When its author says it was proposed (milliseconds since 1970 UTC).
    pub created: Option<i64>,
    /// The hash that an agreement to the current text names.
    pub hash: [u8; 32],
    /// The number of this device's last record in it, 0 for none: it has reached the partner once they hold that far.
    pub mine: u64,
    /// Some record of mine in it is held by the partner's device and not readable there.
    pub not_readable_there: bool,
}

impl Card {
    pub(crate) fn of_boundary(view: &BoundaryView, before: Option<&Card>) -> Self {
        Self {
            kind: EntryKind::Boundary as u8,
            title: view.current.title.clone(),
            text: view.current.text.clone(),
            review_on: view.current.review_on.clone(),
            in_force: view.in_force.as_ref().map(|version| version.text.clone()),
            state: match view.state {
                State::Proposed => CardState::Proposed,
                State::Agreed => CardState::Agreed,
                State::Changed => CardState::Changed,
                State::Declined => CardState::Declined,
                State::Ended => CardState::Ended,
            },
            agreed_by_me: view.agreed_by.contains(&Person::Me),
            agreed_by_partner: view.agreed_by.contains(&Person::Partner),
            declined_by_me: view
                .declined
                .as_ref()
                .is_some_and(|shown| shown.person == Person::Me),
            author: view.author.map(whose),
            created: view.created,
            hash: view.current.hash,
            mine: before.map_or(0, |card| card.mine),
            not_readable_there: before.is_some_and(|card| card.not_readable_there),
        }
    }
}

/// A person of the journal's rules, as a log's owner.
pub(crate) fn whose(person: Person) -> Whose {
    match person {
        Person::Me => Whose::Mine,
        Person::Partner => Whose::Partners,
    }
}
