//! What has a time or a day, for a calendar file.

use amends_journal::{EntryId, State, View};

use super::App;
use super::answers::{Store, beginning};
use crate::request::{DatedDay, DatedTimes, Dates, Failure, Response};

impl App {
    /// The schedule in force, when to look at what is in force again, and the days of plans that are not finished.
    pub(super) fn dates(&mut self) -> Result<Response, Failure> {
        let replica = self.replica()?;
        let mut days: Vec<(String, EntryId)> = Vec::new();
        let mut changed = Vec::new();
        for (id, card) in replica.cards() {
            if let View::Plan(plan) = &card.view {
                let date = plan.date.clone().filter(|_| plan.finished.is_none());
                days.extend(date.map(|date| (date, *id)));
            }
            match card
                .agreed()
                .map(|agreed| (agreed.state, &agreed.review_on))
            {
                Some((State::Agreed, Some(date))) => days.push((date.clone(), *id)),
                // What the card holds is the date of the newer text, that waits.
                Some((State::Changed, _)) => changed.push(*id),
                _ => {}
            }
        }
        for id in changed {
            let in_force = self.look(Store::Journal, &id, |entry| entry.agreement().in_force)?;
            let date = in_force.and_then(|version| version.review_on);
            days.extend(date.map(|date| (date, id)));
        }
        days.sort_unstable();
        let times = self.schedule_in_force().map(|(id, schedule)| DatedTimes {
            id: id.0,
            schedule: schedule.to_string(),
        });
        let days = days
            .into_iter()
            .filter_map(|(date, id)| {
                let entry = self.entry(&id)?;
                Some(DatedDay {
                    id: id.0,
                    date,
                    title: if entry.title.trim().is_empty() {
                        beginning(entry.own.words())
                    } else {
                        entry.title
                    },
                })
            })
            .collect();
        Ok(Response::Dates(Box::new(Dates { times, days })))
    }
}
