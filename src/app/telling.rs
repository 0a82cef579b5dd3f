//! What is told to whoever watches, and what is remembered of what was refused.

use amends_replica::{Shown, Whose};

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
            Shown::BlobCame { .. } | Shown::BlobsReached(_) => {}
            Shown::SetAside { whose, seq, reason } => {
                let whose = match whose {
                    Whose::Mine => "your own log",
                    Whose::Partners => "your partner's log",
                };
                let message = crate::advice::set_aside(whose, *seq, reason);
                self.remember_refused(message.clone());
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
                if read.clock == amends_replica::ClockHeard::Heard && !read.older_copy {
                    self.found_its_place();
                }
                self.bundle_read = Some(read.clone());
            }
            Shown::Older(None) => {}
            Shown::Older(Some(whose)) => self.tell(&Event::Notice {
                message: crate::advice::older(*whose == Whose::Mine).to_owned(),
            }),
            Shown::PartnerWentBack => self.tell(&Event::Notice {
                message: crate::advice::PARTNER_WENT_BACK.to_owned(),
            }),
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
