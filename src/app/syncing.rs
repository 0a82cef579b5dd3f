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

impl App {
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
                    let _ = syncing.face.tell(Event::Transfer { sent, received });
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
