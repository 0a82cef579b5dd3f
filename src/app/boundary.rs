//! The verbs of a boundary.

use amends_replica::{Change, Edit, Words};

use super::App;
use super::answers::{Store, Typed, hash_of};
use crate::request::{BoundaryRequest, Failure, Response};

impl App {
    /// One of the verbs of a boundary.
    pub(super) fn boundary(&mut self, request: BoundaryRequest) -> Result<Response, Failure> {
        let (edit, typed) = match request {
            BoundaryRequest::Propose {
                title,
                text,
                language,
                review_on,
            } => {
                let typed = Typed {
                    date: review_on.clone().unwrap_or_default(),
                    language: language.clone(),
                    ..Typed::default()
                };
                let words = Words {
                    title,
                    text,
                    language,
                    review_on,
                    ..Words::default()
                };
                (Edit::Propose(words), typed)
            }
            BoundaryRequest::Edit {
                id,
                title,
                text,
                review_on,
            } => {
                let entry = self.find(&id)?;
                let typed = Typed {
                    date: review_on.clone().flatten().unwrap_or_default(),
                    ..Typed::id(&id)
                };
                let change = Change {
                    title,
                    text,
                    review_on,
                    ..Change::default()
                };
                (Edit::Change { entry, change }, typed)
            }
            BoundaryRequest::Agree { id, expect_hash } => {
                let entry = self.find(&id)?;
                let shown = expect_hash.map(|shown| hash_of(&shown)).transpose()?;
                (Edit::Agree { entry, shown }, Typed::id(&id))
            }
            BoundaryRequest::Decline { id, reason } => {
                let entry = self.find(&id)?;
                (Edit::Decline { entry, reason }, Typed::id(&id))
            }
            BoundaryRequest::End { id, reason } => {
                let entry = self.find(&id)?;
                (Edit::End { entry, reason }, Typed::id(&id))
            }
        };
        self.answer(Store::Journal, edit, &typed)
    }
}
