//! How things stand: what waits for this person, what was refused, when the two devices met.

use amends_journal::{EntryId, View};
use amends_replica::{Card, Replica, Whose};

use super::App;
use super::across::called;
use super::agreement::agreement_waits;
use super::answers::{Store, newest, time_of, today};
use super::stores::damaged;
use crate::request::{Entry, Failure, Incarnations, Part, Status, Waits};

impl App {
    /// How things stand.
    pub(super) fn status(&mut self, part: Option<Part>) -> Result<Status, Failure> {
        let name = self.open.device.name.as_str().to_owned();
        let connected = self.sessions.open().next().is_some();
        let Some(replica) = &self.replica else {
            return Ok(Status {
                name,
                partner: None,
                unconfirmed: false,
                waiting_for_me: Vec::new(),
                waiting: 0,
                not_reached: 0,
                last_met: None,
                space: None,
                spaces: Vec::new(),
                held: Vec::new(),
                next_checkin: None,
                this_day: Vec::new(),
                refused: Vec::new(),
                connected,
                not_come: 0,
                photos_to_come: 0,
                photos_to_go: 0,
                older: None,
                incarnations: Incarnations::default(),
            });
        };
        let today = today();
        let mut all: Vec<(&EntryId, &Card, &str)> = replica
            .cards()
            .filter(|(_, card)| self.kept_until(card).is_none())
            .filter_map(|(id, card)| Some((id, card, self.waits_for_me(id, card, &today)?)))
            .collect();
        let waiting = all.len() as u64;
        if part.is_some() {
            all.sort_by_key(|(id, card, _)| (card.first_held, **id));
        }
        let told = |(id, card, why): &(&EntryId, &Card, &str)| {
            waits(self.entry_of(Store::Journal, id, card), why)
        };
        let waiting_for_me = match part {
            Some(part) => newest(&all, part).map(told).collect(),
            None => all.iter().map(told).collect(),
        };
        let spaces = self.spaces_now();
        let mut refused = self.told_aside(replica)?;
        let lost = replica.lost();
        refused.extend((lost > 0).then(|| crate::advice::records_lost(lost)));
        refused.extend(self.refused.iter().cloned());
        Ok(Status {
            name,
            partner: Some(self.partner_name()),
            unconfirmed: !replica.is_confirmed(),
            waiting_for_me,
            waiting,
            not_reached: replica
                .cards()
                .filter(|(_, card)| !replica.reached(card))
                .count() as u64,
            last_met: replica.last_met().map(time_of),
            space: spaces.iter().map(|space| space.until.clone()).max(),
            spaces,
            held: self.held_now(),
            next_checkin: self.next_checkin(),
            this_day: self
                .this_day(&today)
                .into_iter()
                .map(|entry| waits(entry, "this_day"))
                .collect(),
            refused,
            connected,
            not_come: replica.not_come(),
            photos_to_come: replica.chunks_to_come() as u64,
            photos_to_go: replica.chunks_to_go() as u64,
            older: replica.older().map(|whose| match whose {
                Whose::Mine => "mine".to_owned(),
                Whose::Partners => "partners".to_owned(),
            }),
            incarnations: incarnations(replica),
        })
    }

    /// What an entry of the journal waits for from this person, if anything.
    fn waits_for_me(&self, id: &EntryId, card: &Card, today: &str) -> Option<&'static str> {
        match &card.view {
            View::Boundary(agreed) | View::Lesson(agreed) | View::Packet(agreed) => {
                agreement_waits(agreed, today)
            }
            View::Talk(talk) => self.talk_waits(id, card, talk),
            View::Plan(plan) => super::plan::waits(plan, today),
            View::Checkin(checkin) => super::checkin::waits(checkin, today),
            // None of these waits for anything.
            View::Feeling(_)
            | View::Apology(_)
            | View::Space(_)
            | View::Memory(_)
            | View::Draft(_)
            | View::Unread => None,
        }
    }

    /// Records that are set aside, one line each with the reason.
    fn told_aside(&self, replica: &Replica) -> Result<Vec<String>, Failure> {
        super::examining::told_aside(replica, &self.open.journal, &self.partner_name())
            .map_err(|error| damaged(&self.open.home.journal_db(), &error))
    }
}

/// How often each of the two devices began anew.
fn incarnations(replica: &Replica) -> Incarnations {
    let of = |whose| {
        let all = replica.incarnations().into_iter();
        all.filter(|log| log.whose == whose).count() as u64
    };
    Incarnations {
        mine: of(Whose::Mine),
        partners: of(Whose::Partners),
        copy: replica.is_copy(),
    }
}

/// An entry that waits for something, or comes up.
fn waits(entry: Entry, why: &str) -> Waits {
    Waits {
        title: called(&entry),
        kind: entry.own.kind().to_owned(),
        id: entry.id,
        why: why.to_owned(),
    }
}
