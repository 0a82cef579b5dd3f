//! `sync`: somebody waits until both devices have what the other has.

use std::time::Duration;

use amends_replica::Replica;
use tokio::time::Instant;

use super::App;
use crate::advice::Advice;
use crate::local::Face;
use crate::request::{Event, Failure, Response};

/// A `sync` that waits for the partner.
pub(super) struct Syncing {
    pub(super) face: Face,
    /// It ends then, unless something goes either way meanwhile: what is on its way is not given up.
    pub(super) until: Instant,
    timeout: Duration,
    /// Changes that went each way, and pieces of photos that are still to.
    progress: (u64, u64, usize, usize),
    /// Changes that had gone each way before it asked.
    before: (u64, u64),
    told: (u64, u64),
    pub(super) met: bool,
}

/// How often it is told how far something is.
const EVERY: Duration = Duration::from_secs(1);

/// How far a meeting is, for whoever watches: told where it takes over a second, and then once a second.
#[derive(Default)]
pub(super) struct Progress {
    /// When it is next told; none where nothing is under way.
    due: Option<Instant>,
    /// Changes that had gone each way when it began.
    before: (u64, u64),
    told: (u64, u64),
}

impl Progress {
    /// Something came. `under_way` is what is still to come and to go, `totals` gives what went each way so far.
    fn moved(
        &mut self,
        now: Instant,
        under_way: (u64, u64),
        totals: impl FnOnce() -> (u64, u64),
    ) -> Option<Event> {
        let over = under_way == (0, 0);
        if over && self.told == (0, 0) {
            *self = Self::default();
            return None;
        }
        let Some(due) = self.due else {
            self.before = totals();
            self.due = Some(now + EVERY);
            return None;
        };
        if now < due && !over {
            return None;
        }
        let totals = totals();
        let sent = totals.0.saturating_sub(self.before.0);
        let received = totals.1.saturating_sub(self.before.1);
        self.due = Some(now + EVERY);
        if self.told == (sent, received) && !over {
            return None;
        }
        self.told = (sent, received);
        if over {
            // Who was told how far it is is told that it is done.
            *self = Self::default();
        }
        let (to_come, to_go) = under_way;
        Some(Event::Transfer {
            sent,
            received,
            to_come,
            to_go,
        })
    }
}

impl App {
    /// Tells whoever watches how far a meeting is that takes long.
    pub(super) fn tell_progress(&mut self) {
        let Some(replica) = &self.replica else {
            return;
        };
        let mut watched = std::mem::take(&mut self.watched);
        let event = watched.moved(Instant::now(), replica.under_way(), || self.totals());
        self.watched = watched;
        if let Some(event) = event {
            self.tell(&event);
        }
    }

    /// Changes that went each way since the start.
    pub(super) fn totals(&self) -> (u64, u64) {
        let Some(replica) = &self.replica else {
            return self.parted_totals;
        };
        self.sessions.open().map(|id| replica.meeting(id)).fold(
            self.parted_totals,
            |totals, meeting| {
                (
                    totals.0.saturating_add(meeting.sent),
                    totals.1.saturating_add(meeting.received),
                )
            },
        )
    }

    pub(super) async fn sync(
        &mut self,
        face: Face,
        timeout_ms: u64,
        peer: Option<String>,
    ) -> Result<(), Failure> {
        if self.replica.is_none() {
            face.end(Response::Failed(Advice::NotPaired.into()));
            return Ok(());
        }
        if let Err(failure) = self.look_for(peer).await {
            face.end(Response::Failed(failure));
            return Ok(());
        }
        let timeout = Duration::from_millis(timeout_ms);
        let before = self.totals();
        self.syncing.push(Syncing {
            face,
            until: after(timeout),
            timeout,
            progress: self.progress(),
            before,
            told: (0, 0),
            met: self.sessions.open().next().is_some(),
        });
        self.look_at_syncs();
        Ok(())
    }

    /// What moves while two devices sync.
    fn progress(&self) -> (u64, u64, usize, usize) {
        let (sent, received) = self.totals();
        let photos = |of: fn(&Replica) -> usize| self.replica.as_ref().map_or(0, of);
        let (to_come, to_go) = (
            photos(Replica::chunks_to_come),
            photos(Replica::chunks_to_go),
        );
        (sent, received, to_come, to_go)
    }

    /// Ends every sync that is done or out of time, and tells the others how far they are.
    pub(crate) fn look_at_syncs(&mut self) {
        if self.syncing.is_empty() {
            return;
        }
        let meetings: Vec<_> = match &self.replica {
            Some(replica) => self.sessions.open().map(|id| replica.meeting(id)).collect(),
            None => Vec::new(),
        };
        let totals = self.totals();
        let done = meetings.iter().any(|meeting| meeting.at_rest);
        let (partner_has_all, have_all) = (
            meetings.iter().any(|meeting| meeting.partner_has_all),
            meetings.iter().any(|meeting| meeting.have_all),
        );
        let partner = self.partner_name();
        let progress = self.progress();
        let under_way = self.replica.as_ref().map_or((0, 0), Replica::under_way);
        let now = Instant::now();
        for mut syncing in std::mem::take(&mut self.syncing) {
            if syncing.progress != progress {
                syncing.progress = progress;
                syncing.until = after(syncing.timeout);
            }
            let sent = totals.0.saturating_sub(syncing.before.0);
            let received = totals.1.saturating_sub(syncing.before.1);
            if done || (now >= syncing.until && !meetings.is_empty()) {
                let synced = crate::request::Synced {
                    sent,
                    received,
                    partner_has_all,
                    have_all,
                    partner: partner.clone(),
                };
                syncing.face.end(Response::Synced(synced));
            } else if now >= syncing.until {
                let advice = if syncing.met {
                    Advice::PartnerParted {
                        partner: partner.clone(),
                    }
                } else if self.meetings.no_network(self.options.listen.as_deref())
                    && !self.meetings.knows_where()
                {
                    Advice::NoInterface
                } else {
                    Advice::PartnerNotReached {
                        partner: partner.clone(),
                        seconds: syncing.timeout.as_secs(),
                    }
                };
                syncing.face.end(Response::Failed(advice.into()));
            } else {
                if syncing.told != (sent, received) {
                    syncing.told = (sent, received);
                    let _ = syncing.face.tell(Event::Transfer {
                        sent,
                        received,
                        to_come: under_way.0,
                        to_go: under_way.1,
                    });
                }
                self.syncing.push(syncing);
            }
        }
    }
}

/// That long from now; a day, where a clock cannot say it.
fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_over_a_second_is_told_once_a_second_and_when_it_is_done() {
        let (begun, mut progress) = (Instant::now(), Progress::default());
        // A record every tenth of a second, of forty that are to come.
        let told: Vec<(u64, u64, u64)> = (0..=40)
            .filter_map(|tenth| {
                let now = begun + Duration::from_millis(tenth * 100);
                let event = progress.moved(now, (40 - tenth, 0), || (7, 3 + tenth))?;
                let Event::Transfer {
                    sent,
                    received,
                    to_come,
                    to_go: 0,
                } = event
                else {
                    panic!("{event:?}");
                };
                Some((sent, received, to_come))
            })
            .collect();
        assert_eq!(told, [(0, 10, 30), (0, 20, 20), (0, 30, 10), (0, 40, 0)]);
    }

    #[test]
    fn what_takes_no_second_and_what_does_not_move_is_not_told() {
        let (begun, mut progress) = (Instant::now(), Progress::default());
        for n in 0..50 {
            let now = begun + Duration::from_millis(n * 700);
            let under_way = if n % 2 == 0 { (1, 2) } else { (0, 0) };
            assert!(progress.moved(now, under_way, || (n, n)).is_none());
        }
        for n in 100..140 {
            let now = begun + Duration::from_millis(n * 700);
            assert!(progress.moved(now, (0, 3), || (50, 50)).is_none());
        }
    }
}
