//! What a device does by itself once its time has come, because its person said so before.
//!
//! [`App::tend`] is asked after everything that happened: at the start, after what came, after edits and when time passed.
//! Whatever it does, it does once, and again from the beginning where the program stopped in between.

use amends_journal::draft::WaitsFor;
use amends_journal::{EntryId, EntryKind, View, draft, talk};
use amends_replica::{Edit, Input};

use super::{App, FeedError};
use crate::request::Failure;

/// An account that waits in the private store until the other's is fixed too.
pub(super) struct Waiting {
    /// The draft.
    pub(super) draft: EntryId,
    /// The talk.
    pub(super) entry: EntryId,
    nonce: [u8; 32],
    pub(super) text: String,
    /// Kept back by its author.
    pub(super) kept_back: bool,
}

/// The names of a draft's answers.
pub(super) const ENTRY: &str = "entry";
pub(super) const NONCE: &str = "nonce";
pub(super) const TEXT: &str = "text";

impl App {
    /// Does what is due by itself.
    ///
    /// # Errors
    /// Where the journal can no longer be read. What cannot be done or saved now is said and tried again later.
    pub(crate) fn tend(&mut self) -> Result<(), Failure> {
        self.open_accounts()?;
        self.let_out()?;
        self.show_kept();
        Ok(())
    }

    /// Whether something in the private store may be waiting for its time.
    pub(super) fn has_drafts(&self) -> bool {
        self.private
            .cards()
            .any(|(_, card)| matches!(card.view, View::Draft(_)))
    }

    /// The accounts that wait in the private store, those kept back too, but not what was opened.
    pub(super) fn waiting_accounts(&self) -> impl Iterator<Item = Waiting> {
        self.private
            .cards_of(EntryKind::Talk)
            .filter_map(|(id, card)| {
                let View::Draft(draft) = &card.view else {
                    return None;
                };
                if draft.waits_for != WaitsFor::Together || draft.became.is_some() {
                    return None;
                }
                Some(Waiting {
                    draft: *id,
                    entry: EntryId(bytes(draft.answer(ENTRY)?)?),
                    nonce: bytes(draft.answer(NONCE)?)?,
                    text: draft.answer(TEXT)?.to_owned(),
                    kept_back: draft.done,
                })
            })
    }

    /// Opens my account in every talk told together in which the other has committed too.
    fn open_accounts(&mut self) -> Result<(), Failure> {
        let waiting: Vec<Waiting> = self
            .waiting_accounts()
            .filter(|waiting| !waiting.kept_back)
            .collect();
        for waiting in waiting {
            let Waiting {
                draft,
                entry,
                nonce,
                text,
                ..
            } = waiting;
            let Some(replica) = &self.replica else {
                return Ok(());
            };
            let c = replica.commitment(&entry, &nonce, &text);
            let Some(View::Talk(view)) = replica.card(&entry).map(|card| &card.view) else {
                continue;
            };
            if !view.both_committed() || view.mine.committed != Some(c) {
                continue;
            }
            if !view.mine.opened {
                let says = vec![talk::Say::Open { c, nonce, text }.into()];
                let opened = self.feed(Input::Edit(Edit::Say { entry, says }));
                if !self.tended(opened)? {
                    continue;
                }
            }
            // Where the program stops before this, it finds the account open and goes on here.
            let says = vec![draft::Say::Done(Some(entry)).into()];
            let done = self.feed_private(Edit::Say { entry: draft, says });
            self.tended(done)?;
        }
        Ok(())
    }

    /// Whether it was done. What can be done later, as in an older copy of a home that comes back first, waits in silence.
    pub(super) fn tended(
        &mut self,
        fed: Result<Option<EntryId>, FeedError>,
    ) -> Result<bool, Failure> {
        let done = fed.is_ok();
        match fed {
            Ok(_) | Err(FeedError::Edit(_)) => {}
            failed => self.survive(failed)?,
        }
        Ok(done)
    }
}

/// The bytes that an answer holds in hex.
pub(super) fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    data_encoding::HEXLOWER
        .decode(hex.as_bytes())
        .ok()?
        .try_into()
        .ok()
}
