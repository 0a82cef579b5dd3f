//! A talk, or an account of one, that is written with questions that help: stopped, kept as a private draft, gone on with.

use super::{THREW_AWAY, account, done, kept, one, talk_of};
use crate::advice::Advice;
use crate::cli::Context;
use crate::commands::said::Said;
use crate::commands::show;
use crate::guide::{ACCOUNT, Answers, Outcome, TALK};
use crate::holder::Reached;
use crate::request::{Entry, Failure, TalkRequest};
use crate::text::{self, Text};
use crate::words;

const TOPIC: &str = "topic";
const TOLD: &str = "account";

/// What is being written.
#[derive(Default)]
pub(super) struct Writing {
    /// The private draft that it stands in already.
    pub(super) draft: Option<String>,
    /// The talk that it is an account of; none where it is to become a new one.
    pub(super) talk: Option<String>,
    pub(super) topic: String,
    pub(super) account: Option<String>,
    pub(super) together: bool,
    /// The entry that it comes from, where that is not what the draft says.
    pub(super) from: Option<String>,
    /// Its language; empty where it is the draft's.
    pub(super) language: String,
}

impl Writing {
    /// What was written before, where this is a draft that its author is still writing.
    pub(super) fn of(entry: &Entry) -> Option<Writing> {
        let talk = talk_of(entry).filter(|_| entry.private && entry.state == "draft")?;
        let told = talk.mine().and_then(|mine| mine.text.clone());
        Some(Writing {
            draft: Some(entry.id.clone()),
            talk: talk.draft_of.clone(),
            topic: entry.title.clone(),
            account: told.or_else(|| talk.asked.clone()),
            together: talk.together,
            ..Writing::default()
        })
    }

    /// Asks, then does what was wished with the answers. None of them is lost where that fails.
    pub(super) async fn walk(
        mut self,
        context: &Context,
        journal: &mut Reached,
    ) -> Result<Said, Failure> {
        let mut earlier = Answers::default();
        earlier.set(TOPIC, &self.topic);
        earlier.set(TOLD, self.account.as_deref().unwrap_or_default());
        let guide = if self.talk.is_some() { ACCOUNT } else { TALK };
        let outcome = guide.walk(context.out, context.may_ask, &earlier).await?;
        let (Outcome::Finished(answers) | Outcome::Later(answers)) = &outcome;
        let answer = |key| answers.get(key).map(str::to_owned);
        self.topic = answer(TOPIC).unwrap_or_default();
        self.account = answer(TOLD);
        let nothing = answers.get(TOLD).is_none() && (self.talk.is_some() || answers.is_empty());
        match (outcome, self.draft.clone()) {
            (_, None) if nothing => Err(Advice::Stopped.into()),
            // Whoever goes through all of it and leaves nothing there does not want it.
            (Outcome::Finished(_), Some(id)) if nothing => {
                let dropped = one(journal, TalkRequest::KeepBack { id }).await?;
                Ok(done(THREW_AWAY, dropped))
            }
            // Whoever stops, or is stopped, in between may want it yet.
            (Outcome::Later(_), Some(id)) if nothing => Ok(kept(show(journal, id).await?)),
            (Outcome::Later(_), _) => {
                let written = one(journal, self.later()).await;
                Ok(kept(self.written().keep(context, written)?))
            }
            (Outcome::Finished(_), _) => {
                let (later, written) = (self.later(), self.written());
                let finished = self.finish(journal).await;
                if finished.is_err() {
                    match one(journal, later).await {
                        Ok(kept) => context.out.say(&words::talk::kept(&kept))?,
                        Err(_) => return written.keep(context, finished),
                    }
                }
                finished
            }
        }
    }

    /// It becomes a talk, or an account of one; the draft that it stood in is done.
    pub(super) async fn finish(self, journal: &mut Reached) -> Result<Said, Failure> {
        let draft = self.draft;
        if let Some(id) = self.talk {
            let text = self.account.unwrap_or_default();
            return account(journal, TalkRequest::Account { id, text, draft }).await;
        }
        let topic = match &self.account {
            // Of what is told together, nothing may be seen in the topic.
            Some(words) if self.topic.is_empty() && !self.together => text::title_of(words),
            _ => self.topic,
        };
        let request = TalkRequest::Begin {
            topic,
            text: self.account,
            language: self.language,
            together: self.together,
            from: self.from,
            draft,
        };
        Ok(done("You began", one(journal, request).await?))
    }

    fn later(&self) -> TalkRequest {
        TalkRequest::Later {
            draft: self.draft.clone(),
            entry: self.talk.clone(),
            topic: self.topic.clone(),
            text: self.account.clone().unwrap_or_default(),
            together: self.together,
            from: self.from.clone(),
            language: self.language.clone(),
        }
    }

    /// All of it, to be shown again where it could not be kept.
    fn written(&self) -> Text {
        let all = [self.topic.as_str(), self.account.as_deref().unwrap_or("")];
        Text {
            text: all.join("\n\n").trim().to_owned(),
            nowhere_else: true,
        }
    }
}
