//! Check-ins: the schedule in force, and the sessions that were held.

use std::collections::BTreeSet;

use amends_journal::checkin::{
    AGENDA, OUTCOME_CHARACTERS, SESSION, Say, Session, View as Checkin, is_outcome,
};
use amends_journal::schedule::Schedule;
use amends_journal::{EntryId, EntryKind, State, View, talk};
use amends_replica::{Beginnings, Card, Change, Edit, Words};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::across::called;
use super::agreement::agreement_waits;
use super::answers::{Store, Typed, time_of, today};
use super::{App, now};
use crate::advice::Advice;
use crate::request::{self, Agenda, CheckinRequest, Failure, Point, Response};

/// How long a session is where no schedule says.
const MINUTES: u8 = 20;

/// The check-in that a card shows.
fn of_card(card: &Card) -> Option<&Checkin> {
    match &card.view {
        View::Checkin(checkin) => Some(checkin),
        _ => None,
    }
}

impl App {
    /// One of the verbs of a check-in that are none of an agreement's.
    pub(super) fn checkin(&mut self, request: CheckinRequest) -> Result<Response, Failure> {
        self.replica()?;
        match request {
            CheckinRequest::Agenda => Ok(Response::Agenda(Box::new(self.agenda()?))),
            CheckinRequest::Held {
                started,
                minutes,
                agenda,
                left,
                outcome,
                language,
            } => {
                let started = started
                    .parse::<Timestamp>()
                    .map_err(|_| super::stores::internal(&"a time that is none"))?;
                let agenda = self.points(&agenda)?;
                let left = self.points(&left)?;
                let session = Session {
                    started: started.as_millisecond(),
                    minutes,
                    left: in_order(&agenda, &left),
                    agenda,
                };
                self.write_down(session, outcome, language)
            }
            CheckinRequest::Outcome { id, outcome } => {
                let entry = self.find_of("checkin", &id)?;
                let is_session = self.checkin_of(&entry).is_some_and(|c| c.is_session);
                if !is_session {
                    return Err(Advice::NotASession { id }.into());
                }
                must_be_outcome(&outcome)?;
                let change = Change {
                    text: Some(outcome),
                    ..Change::default()
                };
                let typed = Typed::id(&id);
                self.edit(Store::Journal, Edit::Change { entry, change }, &typed)?;
                let agreed = Edit::Agree { entry, shown: None };
                self.answer(Store::Journal, agreed, &typed)
            }
        }
    }

    fn write_down(
        &mut self,
        session: Session,
        outcome: Option<String>,
        language: String,
    ) -> Result<Response, Failure> {
        if let Some(outcome) = &outcome {
            must_be_outcome(outcome)?;
        }
        let typed = Typed {
            language: language.clone(),
            ..Typed::default()
        };
        let edit = Edit::Begin(Beginnings {
            kind: EntryKind::Checkin,
            role: SESSION,
            from: None,
            agreed: outcome.is_some(),
            words: Some(Words {
                text: outcome.unwrap_or_default(),
                language,
                ..Words::default()
            }),
            says: vec![Say::Held(session).into()],
        });
        self.answer(Store::Journal, edit, &typed)
    }

    /// The words of a check-in, before they are written: of a schedule its one text, of a session one line.
    pub(super) fn must_be_checkin(
        &self,
        entry: Option<&EntryId>,
        text: &str,
    ) -> Result<(), Failure> {
        let checkin = entry.and_then(|id| self.checkin_of(id));
        if checkin.is_some_and(|checkin| checkin.is_session) {
            must_be_outcome(text)
        } else {
            must_be_schedule(text)
        }
    }

    fn checkin_of(&self, id: &EntryId) -> Option<&Checkin> {
        self.card_of(Store::Journal, id).and_then(of_card)
    }

    /// Entries that were named for an agenda, each once.
    fn points(&mut self, typed: &[String]) -> Result<Vec<[u8; 16]>, Failure> {
        let mut ids = Vec::new();
        for typed in typed {
            let id = self.find(typed)?.0;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// What a session begins with now. What was left by the last one is there as long as it is open.
    fn agenda(&mut self) -> Result<Agenda, Failure> {
        let today = today();
        let mut ids: Vec<EntryId> = Vec::new();
        let replica = self.replica()?;
        if let Some(last) = replica.cards().filter_map(last_key).max() {
            let session = replica.card(&last.1).and_then(of_card);
            let left = session.and_then(|checkin| checkin.session.as_ref());
            ids.extend(left.into_iter().flat_map(Session::left));
        }
        ids.retain(|id| replica.card(id).is_some_and(|card| !is_over(card)));
        let mut more: Vec<(bool, i64, EntryId)> = replica
            .cards()
            .filter_map(|(id, card)| {
                let place = if is_open_talk(card) {
                    false
                } else if card
                    .agreed()
                    .is_some_and(|agreed| agreement_waits(agreed, &today) == Some("review"))
                {
                    true
                } else {
                    return None;
                };
                Some((place, card.created.unwrap_or_default(), *id))
            })
            .collect();
        more.sort_unstable();
        ids.extend(more.into_iter().map(|(_, _, id)| id));
        let mut seen = BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        ids.truncate(AGENDA);
        let schedule = self.schedule_in_force();
        Ok(Agenda {
            name: self.open.device.name.as_str().to_owned(),
            partner: self.partner_name(),
            minutes: schedule.map_or(MINUTES, |(_, schedule)| schedule.minutes()),
            agenda: ids.iter().map(|id| self.point(id)).collect(),
        })
    }

    /// An entry on an agenda, as it is here.
    fn point(&self, id: &EntryId) -> Point {
        match self.entry(id) {
            None => Point {
                id: id.to_string(),
                kind: String::new(),
                title: String::new(),
            },
            Some(entry) => Point {
                title: called(&entry),
                kind: entry.own.kind().to_owned(),
                id: entry.id,
            },
        }
    }

    /// The schedule in force; of several the one that came into force last, as those who agreed say.
    pub(super) fn schedule_in_force(&self) -> Option<(EntryId, Schedule)> {
        let cards = self.replica.as_ref()?.cards();
        let schedules = cards.filter_map(|(id, card)| {
            let checkin = of_card(card)?;
            Some((checkin.since, *id, checkin.schedule()?))
        });
        schedules
            .max_by_key(|(since, id, _)| (*since, *id))
            .map(|(_, id, schedule)| (id, schedule))
    }

    /// When the two sit down together next: a time, or a date where its time zone is not known here.
    pub(super) fn next_checkin(&self) -> Option<String> {
        let (_, schedule) = self.schedule_in_force()?;
        next(&schedule, now_here())
    }

    /// A check-in's title, state and own fields.
    pub(super) fn checkin_seen(&self, checkin: &Checkin) -> (String, String, request::Checkin) {
        let (title, mut state, agreement): (String, String, _) = self.agreement_of(&checkin.agreed);
        if checkin.lacks_outcome() {
            "held".clone_into(&mut state);
        }
        let role = if checkin.is_session {
            "session"
        } else {
            "schedule"
        };
        let current = checkin.agreed.text.parse::<Schedule>().ok();
        let session = checkin.session.as_ref().map(|session| request::Session {
            started: time_of(session.started),
            minutes: session.minutes,
            agenda: session.agenda().map(|id| self.point(&id)).collect(),
            left: session.left().map(|id| self.point(&id).id).collect(),
        });
        let own = request::Checkin {
            role: role.to_owned(),
            agreement,
            schedule: current
                .filter(|_| !checkin.is_session)
                .map(|schedule| shown(&schedule)),
            next: checkin
                .schedule()
                .and_then(|schedule| next(&schedule, now_here())),
            session: session.filter(|_| checkin.is_session),
        };
        (title, state, own)
    }
}

/// What a check-in waits for from this person. A session that nobody wrote an outcome of waits for nobody.
pub(super) fn waits(checkin: &Checkin, today: &str) -> Option<&'static str> {
    if checkin.lacks_outcome() {
        return None;
    }
    agreement_waits(&checkin.agreed, today)
}

/// What of `agenda` is in `left`; what is in `left` alone was on it too.
fn in_order(agenda: &[[u8; 16]], left: &[[u8; 16]]) -> Vec<[u8; 16]> {
    agenda
        .iter()
        .filter(|id| left.contains(id))
        .copied()
        .collect()
}

/// Where a session stands among all: nobody's clock puts one after the time at which it came here.
fn last_key((id, card): (&EntryId, &Card)) -> Option<(i64, EntryId)> {
    let session = of_card(card).filter(|checkin| checkin.is_session)?;
    let started = session.session.as_ref()?.started;
    Some((started.min(card.first_held), *id))
}

/// Whether there is nothing left to talk about, so that it moves on to no other session.
fn is_over(card: &Card) -> bool {
    match &card.view {
        View::Talk(talk) => talk.state == talk::State::Settled,
        _ => card
            .agreed()
            .is_some_and(|agreed| matches!(agreed.state, State::Ended | State::Declined)),
    }
}

/// Whether this is a talk that is not settled.
fn is_open_talk(card: &Card) -> bool {
    matches!(&card.view, View::Talk(talk) if talk.state != talk::State::Settled)
}

fn must_be_outcome(text: &str) -> Result<(), Failure> {
    if is_outcome(text) {
        Ok(())
    } else {
        Err(Advice::OutcomeNotOneLine {
            limit: OUTCOME_CHARACTERS as u64,
        }
        .into())
    }
}

/// What both are to agree to must be a schedule, in a time zone that is known here.
fn must_be_schedule(text: &str) -> Result<(), Failure> {
    let schedule: Schedule = text.parse().map_err(Advice::from)?;
    match TimeZone::get(schedule.zone()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Advice::UnknownZone {
            zone: schedule.zone().to_owned(),
        }
        .into()),
    }
}

fn now_here() -> Timestamp {
    Timestamp::from_millisecond(now()).unwrap_or_default()
}

/// When a schedule is next, or still goes on, seen from `now`.
fn next(schedule: &Schedule, now: Timestamp) -> Option<String> {
    let Ok(zone) = TimeZone::get(schedule.zone()) else {
        // Without its clock, the day of most people's.
        let today = now.to_zoned(TimeZone::system()).date();
        return schedule.next_on_or_after(today).map(|day| day.to_string());
    };
    // One that began before midnight may still go on.
    let from = now.to_zoned(zone.clone()).date().yesterday().ok()?;
    let at = schedule.at();
    schedule
        .occurrences(from, jiff::civil::Date::MAX)
        .filter_map(|day| {
            // The schedule holds hours of a day only, so this is no other time.
            let start = day.at(at.hour as i8, at.minute as i8, 0, 0);
            zone.to_timestamp(start).ok()
        })
        .find(|start| {
            let end = start.checked_add(i64::from(schedule.minutes()).minutes());
            end.is_ok_and(|end| end > now)
        })
        .map(|start| start.to_string())
}

fn shown(schedule: &Schedule) -> request::Schedule {
    let at = schedule.at();
    request::Schedule {
        minutes: schedule.minutes(),
        at: format!("{:02}:{:02}", at.hour, at.minute),
        zone: schedule.zone().to_owned(),
        steps: schedule
            .steps()
            .iter()
            .map(|step| request::ScheduleStep {
                from: step.from.to_string(),
                days: step
                    .days
                    .to_string()
                    .split(", ")
                    .map(str::to_lowercase)
                    .collect(),
            })
            .collect(),
        until: schedule.until().map(|until| until.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(schedule: &str, now: &str) -> Option<String> {
        next(&schedule.parse().unwrap(), now.parse().unwrap())
    }

    #[test]
    fn the_next_one_is_at_its_hour_on_the_clock_of_its_zone() {
        let text =
            "20 minutes at 19:30, Europe/Berlin\nfrom 2027-03-20: Saturday\nuntil 2027-04-03";
        for (now, next) in [
            ("2027-01-01T00:00:00Z", Some("2027-03-20T18:30:00Z")),
            ("2027-03-20T18:49:59Z", Some("2027-03-20T18:30:00Z")),
            ("2027-03-20T18:50:00Z", Some("2027-03-27T18:30:00Z")),
            // Berlin's clock is put forward on the 28th.
            ("2027-03-28T00:00:00Z", Some("2027-04-03T17:30:00Z")),
            ("2027-04-03T17:50:00Z", None),
        ] {
            assert_eq!(at(text, now).as_deref(), next, "{now}");
        }
        // One that goes on over midnight.
        let text = "20 minutes at 23:50, Asia/Tokyo\nfrom 2027-03-20: Saturday";
        assert_eq!(
            at(text, "2027-03-20T15:05:00Z").as_deref(),
            Some("2027-03-20T14:50:00Z")
        );
        // A zone that nobody knows here.
        let text = "20 minutes at 23:50, Nowhere/Near\nfrom 2027-03-20: Saturday";
        assert_eq!(
            at(text, "2027-03-01T15:05:00Z").as_deref(),
            Some("2027-03-20")
        );
    }
}
