//! Space: the verbs, and what lasts now.

use amends_journal::space::{LONGEST, Say, View as Space};
use amends_journal::{EntryId, EntryKind, View};
use amends_replica::{Beginnings, Card, Edit, Whose};

use super::answers::{Store, Typed, time_of};
use super::{App, now};
use crate::advice::Advice;
use crate::request::{self, Failure, Response, SpaceNow, SpaceRequest};

/// A space that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    /// Its entry.
    pub(crate) id: EntryId,
    /// Who asked for it.
    pub(crate) by: Whose,
    /// When this device first held it, in milliseconds since 1970 UTC.
    pub(crate) first_held: i64,
    /// When it ends here by itself, in milliseconds since 1970 UTC.
    pub(crate) ends: i64,
}

/// The space that a card shows.
pub(crate) fn of_card(card: &Card) -> Option<&Space> {
    match &card.view {
        View::Space(space) => Some(space),
        _ => None,
    }
}

impl App {
    /// One of the verbs of a space.
    pub(super) fn space(&mut self, request: SpaceRequest) -> Result<Response, Failure> {
        self.replica()?;
        match request {
            SpaceRequest::Ask { until, words } => self.ask_for_space(&until, words),
            SpaceRequest::Over { id } => self.end_space(id.as_deref()),
        }
    }

    fn ask_for_space(&mut self, until: &str, words: String) -> Result<Response, Failure> {
        let now = now();
        if let Some(running) = self.space_of(Whose::Mine, now) {
            return Err(Advice::SpaceLasts {
                until: crate::words::when(&time_of(running.ends)),
            }
            .into());
        }
        let until = until
            .parse::<jiff::Timestamp>()
            .map_err(|_| Advice::SpaceLength)?
            .as_millisecond();
        if until <= now || until.saturating_sub(now) > LONGEST {
            return Err(Advice::SpaceLength.into());
        }
        let ask = Edit::Begin(Beginnings {
            kind: EntryKind::Space,
            role: 0,
            from: None,
            words: None,
            agreed: false,
            says: vec![Say::Ask { until, words }.into()],
        });
        self.answer(Store::Journal, ask, &Typed::default())
    }

    fn end_space(&mut self, typed: Option<&str>) -> Result<Response, Failure> {
        let now = now();
        let entry = match typed {
            Some(typed) => {
                let entry = self.find(typed)?;
                let card = self.replica()?.card(&entry);
                let lasts = card.and_then(|card| {
                    let space = of_card(card)?;
                    space.runs(card.first_held, now).then_some(card.author)
                });
                match lasts {
                    Some(Some(Whose::Mine)) => entry,
                    Some(_) => return Err(self.spaces_end(now)),
                    None => return Err(Advice::NoSpace.into()),
                }
            }
            None => match self.space_of(Whose::Mine, now) {
                Some(running) => running.id,
                None => return Err(self.spaces_end(now)),
            },
        };
        let over = Edit::Say {
            entry,
            says: vec![Say::Over.into()],
        };
        self.answer(Store::Journal, over, &Typed::id(typed.unwrap_or_default()))
    }

    /// Why this person cannot end a space: the partner asked for it, or none lasts.
    fn spaces_end(&self, now: i64) -> Failure {
        match self.space_of(Whose::Partners, now) {
            Some(running) => Advice::PartnersSpace {
                partner: self.partner_name(),
                until: crate::words::when(&time_of(running.ends)),
            },
            None => Advice::NoSpace,
        }
        .into()
    }

    /// Every space that lasts at a time, by this device's clock.
    pub(crate) fn spaces_at(&self, now: i64) -> impl Iterator<Item = Running> + '_ {
        let spaces = self.replica.iter();
        let spaces = spaces.flat_map(|replica| replica.cards_of(EntryKind::Space));
        spaces.filter_map(move |(id, card)| {
            let space = of_card(card)?;
            let ends = space.ends_at(card.first_held)?;
            space.runs(card.first_held, now).then_some(Running {
                id: *id,
                by: card.author?,
                first_held: card.first_held,
                ends,
            })
        })
    }

    /// The space that this person or the partner asked for; where their program let them ask for several, the one that ends
    /// last.
    pub(crate) fn space_of(&self, whose: Whose, now: i64) -> Option<Running> {
        self.spaces_at(now)
            .filter(|running| running.by == whose)
            .max_by_key(|running| (running.ends, running.id))
    }

    /// The spaces that last, for `status`: one of each person at most.
    pub(super) fn spaces_now(&self) -> Vec<SpaceNow> {
        let now = now();
        [Whose::Mine, Whose::Partners]
            .into_iter()
            .filter_map(|whose| {
                let running = self.space_of(whose, now)?;
                let replica = self.replica.as_ref()?;
                let words = of_card(replica.card(&running.id)?)?.words.clone();
                Some(SpaceNow {
                    id: replica.short_id(&running.id),
                    by: self.name_of(whose),
                    mine: whose == Whose::Mine,
                    until: time_of(running.ends),
                    words,
                })
            })
            .collect()
    }
}

/// A space as scripts see it: its state, and its own fields.
pub(super) fn own_of_space(card: &Card, space: &Space) -> (String, request::Space) {
    let state = if space.runs(card.first_held, now()) {
        "lasts"
    } else {
        "over"
    };
    let own = request::Space {
        words: space.words.clone(),
        until: space.until.map(time_of),
        ends: space.ends_at(card.first_held).map(time_of),
        over: space.over.map(time_of),
    };
    (state.to_owned(), own)
}
