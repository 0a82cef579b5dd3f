//! What is told to whoever watches, and what is remembered of what was refused.

use std::time::Duration;

use amends_journal::EntryId;
use amends_replica::{Began, Shown, Whose};

use tokio::time::Instant;

use super::App;
use crate::request::Event;

/// What was refused that is remembered.
const REFUSED_KEPT: usize = 32;

impl App {
    pub(super) fn show(&mut self, shown: &Shown) {
        match shown {
            Shown::Edited(_) => {}
            Shown::Changed { entry, by } => {
                let card = self
                    .replica
                    .as_ref()
                    .and_then(|replica| replica.card(entry));
                if card.is_some_and(|card| self.kept_until(card).is_some()) {
                    self.kept.insert(*entry);
                    return;
                }
                if self.watchers.is_empty() {
                    return;
                }
                let by = match by {
                    Whose::Mine => self.open.device.name.as_str().to_owned(),
                    Whose::Partners => self.partner_name(),
                };
                if let Some(entry) = self.entry(entry) {
                    self.tell(&Event::Changed { by, entry });
                }
            }
            Shown::Reached(entry) => {
                if let Some(id) = self.replica.as_ref().map(|replica| replica.short_id(entry)) {
                    self.tell(&Event::Reached { id });
                }
            }
            // The pairing's own face is told when both devices hold each other's first record.
            Shown::Confirmed => {}
            // Whoever shows an entry shows how far its photos are.
            Shown::BlobCame { .. } | Shown::BlobsReached(_) => self.tell_photos(),
            Shown::SetAside { whose, seq, reason } => {
                let partner = self.partner_name();
                let by = (*whose == Whose::Partners).then_some(partner.as_str());
                // It is kept with the record, where `status` finds it.
                let message = crate::advice::set_aside(by, *seq, &[], reason);
                self.tell(&Event::Refused { message });
            }
            Shown::Refused(reason) => self.note_refused(reason),
            Shown::OlderCopy => self.tell(&Event::Notice {
                message: crate::advice::OLDER_COPY.to_owned(),
            }),
            Shown::Fork(_) => {
                self.remember_refused(crate::advice::FORK.to_owned());
                self.tell(&Event::Notice {
                    message: crate::advice::FORK.to_owned(),
                });
            }
            Shown::BundleRead(read) => {
                self.bundle_read = Some(read.clone());
            }
            Shown::Older(None) => {}
            Shown::Older(Some(whose)) => self.tell(&Event::Notice {
                message: crate::advice::older(*whose == Whose::Mine).to_owned(),
            }),
            Shown::Began(began) => self.show_begun(began),
            Shown::Incarnation(whose) => {
                let message = match whose {
                    Whose::Partners => crate::advice::partner_began(&self.partner_name()),
                    Whose::Mine => crate::advice::OTHER_COPY.to_owned(),
                };
                self.tell(&Event::Notice { message });
            }
            Shown::PartnerWentBack => self.tell(&Event::Notice {
                message: crate::advice::PARTNER_WENT_BACK.to_owned(),
            }),
        }
    }

    /// How many pieces of photos are still to come and to go, at most once a second: to whoever watches, and whoever waits for a
    /// meeting to be done.
    fn tell_photos(&mut self) {
        let now = Instant::now();
        if self.watchers.is_empty() && self.syncing.is_empty() {
            return;
        }
        // The first of a row is not told at once: most photos are done in less than a second.
        let told = *self.photos_told.get_or_insert(now);
        if now.duration_since(told) < Duration::from_secs(1) {
            return;
        }
        self.photos_told = Some(now);
        let Some(replica) = &self.replica else {
            return;
        };
        let event = Event::Photos {
            to_come: replica.chunks_to_come() as u64,
            to_go: replica.chunks_to_go() as u64,
        };
        self.tell(&event);
        for syncing in &self.syncing {
            let _ = syncing.face.tell(event.clone());
        }
    }

    /// This device writes on as a new incarnation.
    fn show_begun(&mut self, began: &Began) {
        let ids = |app: &Self, entries: &[EntryId]| -> Vec<String> {
            let replica = app.replica.as_ref();
            let short = entries.iter().filter_map(|id| Some(replica?.short_id(id)));
            short.collect()
        };
        let mut said = vec![crate::advice::BEGAN_ANEW.to_owned()];
        if !began.carried.is_empty() {
            said.push(crate::advice::carried(&ids(self, &began.carried)));
        }
        if !began.ask.is_empty() {
            said.push(crate::advice::agree_anew(&ids(self, &began.ask)));
        }
        if began.left > 0 {
            let message = crate::advice::left_behind(began.left);
            self.remember_refused(message.clone());
            said.push(message);
        }
        for message in said {
            self.tell(&Event::Notice { message });
        }
    }

    pub(super) fn note_refused(&mut self, reason: &str) {
        let message = crate::advice::refused(reason);
        self.remember_refused(message.clone());
        self.tell(&Event::Refused { message });
    }

    pub(super) fn remember_refused(&mut self, message: String) {
        if self.refused.back() == Some(&message) {
            return;
        }
        if self.refused.len() == REFUSED_KEPT {
            self.refused.pop_front();
        }
        self.refused.push_back(message);
    }

    /// Tells everybody who watches; what went wrong, those who only wait for the partner too.
    pub(crate) fn tell(&mut self, event: &Event) {
        self.watchers
            .retain(|face| face.tell(event.clone()).is_ok());
        if matches!(event, Event::Notice { .. } | Event::Refused { .. }) {
            for syncing in &self.syncing {
                // One that has left is let go in the loop.
                let _ = syncing.face.tell(event.clone());
            }
            if self.bundling {
                self.bundle_events.push(event.clone());
            }
        }
    }
}
