//! What is asked across all entries: the timeline, what is due, where words stand; and every version of one.

use std::collections::{BTreeSet, HashSet};

use amends_journal::{EntryId, State, View, plan};
use amends_replica::{Card, Table, Write};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::App;
use super::answers::{Store, beginning, hex, is_listed, newest, time_of, today};
use crate::advice::Advice;
use crate::request::{Due, Entry, Failure, Found, History, Part, Response, VersionLine, Week};
use crate::search::{Index, Query};

/// The place of an entry among all, which it keeps: when this device first held it, its name, and its store.
type Place = (i64, EntryId, Store);

/// Entries ready to be searched, and which of the journal's were written since.
#[derive(Default)]
pub(crate) struct Searchable {
    /// None until somebody searches.
    index: Option<Index<Place>>,
    written: BTreeSet<EntryId>,
}

/// So many entries written between two searches, and all are made ready anew.
const WRITTEN_SINCE: usize = 256;

impl Searchable {
    /// Rows of the journal are saved: the entries whose cards are among them will be made ready anew. What a card of the
    /// journal shows of the private store changes with that one.
    pub(crate) fn saved(&mut self, writes: &[Write]) {
        if self.index.is_none() {
            return;
        }
        for write in writes {
            let (Write::Put { table, key, .. } | Write::Delete { table, key }) = write;
            if *table != Table::Card {
                continue;
            }
            match key.as_slice().try_into() {
                Ok(id) if self.written.len() < WRITTEN_SINCE => {
                    self.written.insert(EntryId(id));
                }
                _ => return self.forget(),
            }
        }
    }

    /// Lets go of everything.
    pub(crate) fn forget(&mut self) {
        *self = Searchable::default();
    }
}

impl App {
    /// Every entry that a list shows, of both stores, in the order in which this device first held them: what a clock
    /// claims orders nothing.
    pub(super) fn everything(&self) -> Vec<(Store, EntryId, &Card)> {
        let mut all = self.everything_here();
        all.retain(|(_, _, card)| self.kept_until(card).is_none());
        all
    }

    /// The same with what is kept until the end of a space.
    fn everything_here(&self) -> Vec<(Store, EntryId, &Card)> {
        let mut all: Vec<_> = [Store::Journal, Store::Private]
            .into_iter()
            .filter_map(|store| Some((store, self.replica_of(store)?)))
            .flat_map(|(store, replica)| {
                replica
                    .cards()
                    .filter(|(_, card)| is_listed(card))
                    .map(move |(id, card)| (store, *id, card))
            })
            .collect();
        all.sort_by_key(|(_, id, card)| (card.first_held, *id));
        all
    }

    /// Everything by week, quiet weeks included; or all weeks with a part of what is in them.
    pub(super) fn timeline(&self, part: Option<Part>) -> Response {
        let mut weeks: Vec<Week> = Vec::new();
        let mut last: Option<Date> = None;
        let all = self.everything();
        let shown: HashSet<(bool, EntryId)> = part
            .into_iter()
            .flat_map(|part| newest(&all, part))
            .map(|(store, id, _)| (*store == Store::Private, *id))
            .collect();
        for (store, id, card) in all {
            let Some(monday) = monday_of(card.first_held) else {
                continue;
            };
            if let Some(before) = last {
                let quiet = before
                    .series(jiff::Span::new().weeks(1))
                    .skip(1)
                    .take_while(|week| *week < monday)
                    .take(QUIET_WEEKS);
                weeks.extend(quiet.map(|week| Week {
                    from: week.to_string(),
                    entries: Vec::new(),
                    count: part.map(|_| 0),
                }));
            }
            if last != Some(monday) {
                weeks.push(Week {
                    from: monday.to_string(),
                    entries: Vec::new(),
                    count: part.map(|_| 0),
                });
                last = Some(monday);
            }
            if let Some(week) = weeks.last_mut() {
                week.count = week.count.map(|count| count.saturating_add(1));
                if part.is_none() || shown.contains(&(store == Store::Private, id)) {
                    week.entries.push(self.entry_of(store, &id, card));
                }
            }
        }
        Response::Timeline(weeks)
    }

    /// What is due until a day, the earliest first.
    pub(super) fn due(&self, until: Option<&str>) -> Result<Response, Failure> {
        let until = match until {
            Some(day) if day.parse::<Date>().is_err() => {
                return Err(Advice::BadDate {
                    given: day.to_owned(),
                }
                .into());
            }
            Some(day) => day.to_owned(),
            None => today(),
        };
        let mut due = Vec::new();
        for (store, id, card) in self.everything() {
            let days = days_of(card)
                .into_iter()
                .filter(|(on, _)| on.as_str() <= until.as_str());
            for (on, why) in days {
                let entry = self.entry_of(store, &id, card);
                due.push(Due {
                    title: called(&entry),
                    kind: entry.own.kind().to_owned(),
                    id: entry.id,
                    why: why.to_owned(),
                    on,
                });
            }
        }
        due.sort_by(|a, b| a.on.cmp(&b.on));
        Ok(Response::Due(due))
    }

    /// Where words stand, in the journal and the private store.
    pub(super) fn search(&mut self, typed: &str, most: u64) -> Response {
        let query = Query::parse(typed);
        let index = self.index();
        let found = index
            .search(&query, usize::try_from(most).unwrap_or(usize::MAX))
            .into_iter()
            .filter_map(|found| {
                let (_, id, store) = found.id;
                // What is kept now may be shown before the index is made anew.
                let card = self.card_of(*store, id)?;
                if self.kept_until(card).is_some() {
                    return None;
                }
                let entry = self.entry_of(*store, id, card);
                let field = found.fields.first()?;
                Some(Found {
                    title: called(&entry),
                    kind: entry.own.kind().to_owned(),
                    id: entry.id,
                    state: entry.state,
                    private: entry.private,
                    field: field.name.to_owned(),
                    snippet: field.snippet.text.to_owned(),
                    hits: field
                        .snippet
                        .hits
                        .iter()
                        .map(|hit| (hit.start as u64, hit.end as u64))
                        .collect(),
                })
            })
            .collect();
        self.searchable.index = Some(index);
        Response::Found(found)
    }

    /// What a search looks through, as everything is now. It is taken out of `searchable`.
    fn index(&mut self) -> Index<Place> {
        let Searchable { index, written } = std::mem::take(&mut self.searchable);
        let Some(mut index) = index else {
            let all = self.everything_here();
            let mut index = Index::default();
            for (store, id, card) in all {
                self.make_ready(&mut index, store, id, card);
            }
            return index;
        };
        for id in written {
            if let Some(card) = self.card_of(Store::Journal, &id) {
                self.make_ready(&mut index, Store::Journal, id, card);
            }
        }
        index
    }

    fn make_ready(&self, index: &mut Index<Place>, store: Store, id: EntryId, card: &Card) {
        let texts = texts_of(&self.entry_of(store, &id, card));
        let fields = texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        index.put((card.first_held, id, store), fields);
    }

    /// Every version of an entry, and who agreed to which.
    pub(super) fn versions(&mut self, typed: &str) -> Result<Response, Failure> {
        let (store, id) = self.find_anywhere(typed)?;
        self.must_not_be_kept(&id)?;
        let (versions, agreement) =
            self.look(store, &id, |entry| (entry.versions(), entry.agreement()))?;
        let entry = self
            .entry_in(store, &id)
            .ok_or_else(|| Failure::from(Advice::UnknownId { id: id.to_string() }))?;
        let in_force = agreement.in_force.as_ref().map(|version| version.hash);
        let mut lines = Vec::new();
        for (n, version) in versions.iter().enumerate() {
            let whose = self
                .replica_of(store)
                .and_then(|replica| replica.whose(&version.actor));
            lines.push(VersionLine {
                version: n as u64 + 1,
                by: whose.map(|whose| self.name_of(whose)),
                at: time_of(version.time),
                title: version.text.title.clone(),
                text: version.text.text.clone(),
                review_on: version.text.review_on.clone(),
                agreed_by: version
                    .agreed_by
                    .iter()
                    .map(|person| self.name_of_person(*person))
                    .collect(),
                in_force: in_force == Some(version.text.hash),
                current: version.text.hash == agreement.current.hash,
                hash: hex(&version.text.hash),
            });
        }
        Ok(Response::History(Box::new(History {
            id: entry.id,
            kind: entry.own.kind().to_owned(),
            versions: lines,
            acts: self.history(&agreement),
        })))
    }
}

/// Quiet weeks in a row that are given one by one: a clock that was set wrong would fill the screen.
const QUIET_WEEKS: usize = 520;

/// What to call an entry: its title, or the beginning of its text.
pub(super) fn called(entry: &Entry) -> String {
    if entry.title.is_empty() {
        beginning(entry.own.words())
    } else {
        entry.title.clone()
    }
}

/// The Monday of the week of a time, on this machine's calendar.
fn monday_of(millis: i64) -> Option<Date> {
    let date = jiff::Timestamp::from_millisecond(millis)
        .ok()?
        .to_zoned(TimeZone::system())
        .date();
    if date.weekday() == Weekday::Monday {
        Some(date)
    } else {
        date.nth_weekday(-1, Weekday::Monday).ok()
    }
}

/// The days on which something of an entry is due, and what.
fn days_of(card: &Card) -> Vec<(String, &'static str)> {
    if let View::Plan(plan) = &card.view {
        return days_of_plan(plan);
    }
    match card.agreed() {
        Some(agreed) if agreed.state == State::Agreed => agreed
            .review_on
            .iter()
            .map(|on| (on.clone(), "review"))
            .collect(),
        _ => Vec::new(),
    }
}

/// A plan's own day, and those of the steps that are open, whoever's they are.
fn days_of_plan(plan: &plan::View) -> Vec<(String, &'static str)> {
    if plan.finished.is_some() {
        return Vec::new();
    }
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.state == plan::StepState::Open)
        .filter_map(|step| Some((step.due.clone()?, "step")));
    let own = plan.date.iter().map(|date| (date.clone(), "plan"));
    own.chain(steps).collect()
}

/// All that people wrote in an entry, by the name of its field, the title first. What only names or counts is left out, so
/// a kind that comes to have another field of words is searched without more ado.
fn texts_of(entry: &Entry) -> Vec<(String, String)> {
    const NO_WORDS: [&str; 20] = [
        "id",
        "kind",
        "state",
        "author",
        "created",
        "held",
        "from",
        "by",
        "at",
        "hash",
        "agreed_by",
        "review_on",
        "verb",
        "title",
        "mime",
        "history",
        "until",
        "ends",
        "over",
        "goes_out",
    ];
    fn gather(name: &str, value: &serde_json::Value, texts: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::String(text) if !text.trim().is_empty() => {
                texts.push((name.to_owned(), text.clone()));
            }
            serde_json::Value::Array(all) => all.iter().for_each(|one| gather(name, one, texts)),
            serde_json::Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !NO_WORDS.contains(&name.as_str()))
                .for_each(|(name, value)| gather(name, value, texts)),
            _ => {}
        }
    }
    let mut texts = vec![("title".to_owned(), entry.title.clone())];
    if let Ok(fields) = serde_json::to_value(entry) {
        gather("", &fields, &mut texts);
    }
    texts
}
