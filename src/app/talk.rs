//! The verbs of a talk, and talks as scripts and pages see them.

use amends_journal::draft::{self, WaitsFor};
use amends_journal::talk::{ASKED, PLAIN, Say, Side, State, TOGETHER, View, WORDS_BYTES};
use amends_journal::{EntryId, EntryKind, Person, RuleError, RuleFault};
use amends_replica::{Beginnings, Card, Edit, Whose, Words};
use rand_core::Rng;

use super::App;
use super::answers::{Store, Typed, hash_of, hex, rule_failed, time_of};
use super::holding::{FROM, LANGUAGE, NewTalk, is_question, is_together};
use super::stores::{internal, system_rng};
use super::tending::{ENTRY, NONCE, TEXT, bytes};
use crate::advice::Advice;
use crate::request::{
    Account, ActLine, Entry, Failure, Hearing, Keeping, Response, Talk, TalkRequest,
};

/// The name of a draft's answer that holds what the talk is about.
pub(super) const TOPIC: &str = "topic";
/// The name of a draft's answer that is there where it is to be told together.
const TOLD_TOGETHER: &str = "together";

impl App {
    /// One of the verbs of a talk.
    pub(super) fn talk(&mut self, request: TalkRequest) -> Result<Response, Failure> {
        match request {
            TalkRequest::Begin {
                topic,
                text,
                language,
                together,
                from,
                draft,
            } => {
                let draft = draft.map(|draft| self.draft_of_talk(&draft)).transpose()?;
                self.replica()?;
                let from = from.map(|from| self.find(&from)).transpose()?;
                let (from, language) = self.as_drafted(draft, from, language);
                // Before anything is begun or held: an account that cannot be told begins no talk.
                if let Some(text) = &text {
                    tellable(text)?;
                }
                let talk = NewTalk {
                    role: if together { TOGETHER } else { PLAIN },
                    from,
                    topic,
                    language,
                    text,
                };
                if let Some((space, _)) = self.held_by_space() {
                    return self.hold(space, talk, draft);
                }
                let entry = self.begin_talk(&talk)?;
                self.draft_became(draft, entry)?;
                self.talk_entry(entry)
            }
            TalkRequest::Rocky { text, language } => {
                let typed = Typed {
                    language: language.clone(),
                    ..Typed::default()
                };
                self.replica()?;
                let talk = NewTalk {
                    role: ASKED,
                    from: None,
                    topic: String::new(),
                    language,
                    text: Some(text),
                };
                if let Some((space, _)) = self.held_by_space() {
                    return self.hold(space, talk, None);
                }
                self.answer(Store::Journal, Edit::Begin(talk.beginnings()), &typed)
            }
            TalkRequest::Account { id, text, draft } => {
                if let Some(held) = self.held(&id) {
                    return self.rewrite_held(held, text);
                }
                let (entry, view) = self.find_talk(&id)?;
                let draft = draft.map(|draft| self.draft_of_talk(&draft)).transpose()?;
                if view.together {
                    self.commit(entry, &view, text, &id)?;
                } else {
                    self.say(entry, Say::Account(text), &id)?;
                }
                self.draft_became(draft, entry)?;
                self.talk_entry(entry)
            }
            TalkRequest::Heard { id, words, of } => {
                let (entry, view) = self.find_talk(&id)?;
                let partner = self.partner_name();
                let account = view.partners.account.as_ref();
                let hash = account
                    .ok_or(Advice::NothingToHear {
                        id: id.clone(),
                        partner,
                    })?
                    .hash;
                let of = of.map_or(Ok(hash), |of| hash_of(&of))?;
                self.say(entry, Say::Heard { of, words }, &id)?;
                self.talk_entry(entry)
            }
            TalkRequest::Meant { id, yes, words, of } => {
                let (entry, view) = self.find_talk(&id)?;
                let partner = self.partner_name();
                let hearing = view.mine.hearing.as_ref();
                let hash = hearing
                    .ok_or(Advice::NothingHeard {
                        id: id.clone(),
                        partner,
                    })?
                    .hash;
                let of = of.map_or(Ok(hash), |of| hash_of(&of))?;
                self.say(entry, Say::Meant { of, yes, words }, &id)?;
                self.talk_entry(entry)
            }
            TalkRequest::Reply { id, words } => {
                let (entry, _) = self.find_talk(&id)?;
                self.say(entry, Say::Reply(words), &id)?;
                self.talk_entry(entry)
            }
            TalkRequest::Settle { id, on } => {
                let (entry, view) = self.find_talk(&id)?;
                if view.mine.settled != on {
                    let of = view.accounts();
                    self.say(entry, Say::Settle { on, of }, &id)?;
                }
                self.talk_entry(entry)
            }
            TalkRequest::KeepBack { id } => {
                if let Some(held) = self.held(&id) {
                    return self.drop_held(held);
                }
                if let Ok(draft) = self.draft_of_talk(&id) {
                    return self.drop_held(draft);
                }
                let (entry, _) = self.find_talk(&id)?;
                let waiting = self
                    .waiting_accounts()
                    .find(|waiting| waiting.entry == entry);
                let waiting = waiting.ok_or(Advice::NothingToKeepBack { id: id.clone() })?;
                if !waiting.kept_back {
                    let says = vec![draft::Say::Done(None).into()];
                    let edit = Edit::Say {
                        entry: waiting.draft,
                        says,
                    };
                    self.edit(Store::Private, edit, &Typed::id(&id))?;
                }
                self.talk_entry(entry)
            }
            TalkRequest::Later {
                draft,
                entry,
                topic,
                text,
                together,
                from,
                language,
            } => {
                let draft = draft.map(|draft| self.draft_of_talk(&draft)).transpose()?;
                let from = from.map(|from| self.find(&from)).transpose()?;
                let entry = entry.map(|entry| self.find_talk(&entry)).transpose()?;
                let (from, language) = self.as_drafted(draft, from, language);
                let talk = NewTalk {
                    role: if together { TOGETHER } else { PLAIN },
                    from,
                    topic,
                    language,
                    text: Some(text),
                };
                self.talk_later(draft, entry.map(|(entry, _)| entry), talk)
            }
        }
    }

    fn begin_talk(&mut self, talk: &NewTalk) -> Result<EntryId, Failure> {
        let typed = Typed {
            language: talk.language.clone(),
            ..Typed::default()
        };
        let edit = Edit::Begin(talk.beginnings());
        let (entry, _) = self.edit(Store::Journal, edit, &typed)?;
        self.complete_talk(entry, talk)?;
        Ok(entry)
    }

    /// What belongs to a talk that is begun, as far as it is not done yet.
    pub(super) fn complete_talk(&mut self, entry: EntryId, talk: &NewTalk) -> Result<(), Failure> {
        if let Some(text) = talk.text.as_ref().filter(|_| talk.role == TOGETHER) {
            let card = self.replica()?.card(&entry).map(|card| &card.view);
            let fixed = match card {
                Some(amends_journal::View::Talk(view)) => view.mine.committed.is_some(),
                _ => return Err(internal(&"a talk is gone that was just begun")),
            };
            if !fixed {
                self.commit(entry, &View::default(), text.clone(), "")?;
            }
        }
        if let Some(asked) = talk.from.filter(|from| self.is_asked_of_me(from)) {
            // A talk that came of the question answers it.
            let says = vec![Say::Reply(String::new()).into()];
            let edit = Edit::Say { entry: asked, says };
            self.edit(Store::Journal, edit, &Typed::default())?;
        }
        Ok(())
    }

    /// Fixes an account: its words and what hides them go into the private store, durably; then the hash of both into the
    /// journal. It opens by itself once the other has committed too.
    fn commit(
        &mut self,
        entry: EntryId,
        view: &View,
        text: String,
        typed: &str,
    ) -> Result<(), Failure> {
        if view.mine.committed.is_some() {
            return Err(rule_failed(&RuleError::Fault(RuleFault::Once), typed));
        }
        tellable(&text)?;
        let mut nonce = [0; 32];
        system_rng().fill_bytes(&mut nonce);
        let c = self.replica()?.commitment(&entry, &nonce, &text);
        let write = draft::Say::Write {
            waits_for: WaitsFor::Together,
            answers: vec![
                (ENTRY.to_owned(), hex(&entry.0)),
                (NONCE.to_owned(), hex(&nonce)),
                (TEXT.to_owned(), text),
            ],
        };
        // One that was written before the program stopped, and never committed to, is written over.
        let before = self
            .waiting_accounts()
            .find(|waiting| waiting.entry == entry && !waiting.kept_back);
        self.keep_draft(before.map(|waiting| waiting.draft), TOGETHER, write)?;
        self.say(entry, Say::Commit(c), typed)?;
        self.tend()
    }

    /// Writes a private draft anew, or another version of it. Gives its id.
    pub(super) fn keep_draft(
        &mut self,
        draft: Option<EntryId>,
        role: u8,
        write: draft::Say,
    ) -> Result<(EntryId, Entry), Failure> {
        let edit = match draft {
            Some(entry) => Edit::Say {
                entry,
                says: vec![write.into()],
            },
            None => Edit::Begin(Beginnings {
                kind: EntryKind::Talk,
                role,
                from: None,
                words: None,
                agreed: false,
                says: vec![write.into()],
            }),
        };
        self.edit(Store::Private, edit, &Typed::default())
    }

    /// Keeps a talk that its author goes on with later; with `entry`, their account of that one.
    fn talk_later(
        &mut self,
        draft: Option<EntryId>,
        entry: Option<EntryId>,
        talk: NewTalk,
    ) -> Result<Response, Failure> {
        let told_together = (talk.role == TOGETHER).then(|| "yes".to_owned());
        let answers = [
            (TOPIC, Some(talk.topic)),
            (TEXT, talk.text),
            (ENTRY, entry.map(|entry| hex(&entry.0))),
            (TOLD_TOGETHER, told_together),
            (FROM, talk.from.map(|from| hex(&from.0))),
            (LANGUAGE, Some(talk.language)),
        ];
        let answers = answers
            .into_iter()
            .filter_map(|(name, words)| Some((name.to_owned(), words?)))
            .collect();
        let waits_for = WaitsFor::Author;
        let write = draft::Say::Write { waits_for, answers };
        let (_, entry) = self.keep_draft(draft, talk.role, write)?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// What a talk comes from and its language, as its draft knows them where nothing else was said.
    fn as_drafted(
        &self,
        draft: Option<EntryId>,
        from: Option<EntryId>,
        language: String,
    ) -> (Option<EntryId>, String) {
        let card = draft.and_then(|draft| self.private.card(&draft));
        let Some(amends_journal::View::Draft(draft)) = card.map(|card| &card.view) else {
            return (from, language);
        };
        let from = from.or_else(|| draft.answer(FROM).and_then(bytes).map(EntryId));
        let drafted = draft.answer(LANGUAGE).unwrap_or_default();
        let language = if language.is_empty() {
            drafted.to_owned()
        } else {
            language
        };
        (from, language)
    }

    /// The private draft of a talk whose id begins so, one that its author is still writing.
    fn draft_of_talk(&self, typed: &str) -> Result<EntryId, Failure> {
        let unknown = || {
            Failure::from(Advice::UnknownId {
                id: typed.to_owned(),
            })
        };
        let (store, id) = self.find_anywhere(typed)?;
        let card = self.private.card(&id).filter(|_| store == Store::Private);
        match card.map(|card| (card.kind, &card.view)) {
            Some((kind, amends_journal::View::Draft(draft)))
                if kind == EntryKind::Talk.byte()
                    && !draft.done
                    && draft.waits_for == WaitsFor::Author =>
            {
                Ok(id)
            }
            _ => Err(unknown()),
        }
    }

    fn draft_became(&mut self, draft: Option<EntryId>, became: EntryId) -> Result<(), Failure> {
        if let Some(entry) = draft {
            let says = vec![draft::Say::Done(Some(became)).into()];
            self.edit(Store::Private, Edit::Say { entry, says }, &Typed::default())?;
        }
        Ok(())
    }

    /// The talk whose id begins so.
    fn find_talk(&mut self, typed: &str) -> Result<(EntryId, View), Failure> {
        let id = self.find(typed)?;
        match self.replica()?.card(&id).map(|card| &card.view) {
            Some(amends_journal::View::Talk(view)) => Ok((id, (**view).clone())),
            _ => Err(Advice::UnknownId {
                id: typed.to_owned(),
            }
            .into()),
        }
    }

    fn say(&mut self, entry: EntryId, say: Say, typed: &str) -> Result<(), Failure> {
        let says = vec![say.into()];
        self.edit(Store::Journal, Edit::Say { entry, says }, &Typed::id(typed))?;
        Ok(())
    }

    fn talk_entry(&mut self, id: EntryId) -> Result<Response, Failure> {
        let entry = self.entry(&id);
        let entry = entry.ok_or(Advice::UnknownId { id: id.to_string() })?;
        Ok(Response::Entry(Box::new(entry)))
    }

    /// Whether the partner asked in this entry whether we can talk, and nothing came of it yet.
    fn is_asked_of_me(&self, id: &EntryId) -> bool {
        let card = self.replica.as_ref().and_then(|replica| replica.card(id));
        card.is_some_and(|card| match &card.view {
            amends_journal::View::Talk(view) => {
                view.state == State::Asked && card.author == Some(Whose::Partners)
            }
            _ => false,
        })
    }

    /// What a talk waits for from this person. Nothing does once it is settled for them.
    pub(super) fn talk_waits(
        &self,
        id: &EntryId,
        card: &Card,
        view: &View,
    ) -> Option<&'static str> {
        let (mine, partners) = (&view.mine, &view.partners);
        if mine.settled || view.state == State::Settled {
            return None;
        }
        if self.is_asked_of_me(id) {
            return Some("asked");
        }
        if mine
            .hearing
            .as_ref()
            .is_some_and(|hearing| hearing.meant.is_none())
            && !mine.heard
        {
            return Some("confirm");
        }
        let said_no = |hearing: &amends_journal::talk::Hearing| hearing.meant == Some(false);
        if partners.account.is_some()
            && !partners.heard
            && partners.hearing.as_ref().is_none_or(said_no)
        {
            return Some("hear");
        }
        if self.keeping(id, mine) == Some(Keeping::Lost) {
            return Some("lost");
        }
        let told = |side: &Side| side.account.is_some() || side.committed.is_some();
        let begun_by_me = card.author == Some(Whose::Mine) && view.asked.is_none();
        (!told(mine) && (told(partners) || begun_by_me)).then_some("tell")
    }

    /// What becomes of an account of mine that is fixed and not open.
    fn keeping(&self, entry: &EntryId, mine: &Side) -> Option<Keeping> {
        if mine.committed.is_none() || mine.opened {
            return None;
        }
        let waiting = self
            .waiting_accounts()
            .find(|waiting| waiting.entry == *entry);
        Some(match waiting {
            Some(waiting) if waiting.kept_back => Keeping::KeptBack,
            Some(waiting) => Keeping::Waiting(waiting.text),
            None => Keeping::Lost,
        })
    }

    /// A talk as scripts see it: title, state, and its own fields.
    pub(super) fn talk_of(&self, id: &EntryId, card: &Card, view: &View) -> (String, String, Talk) {
        let account = |person: Person, side: &Side| {
            let told = side.account.as_ref();
            Account {
                by: self.name_of_person(person),
                mine: person == Person::Me,
                text: told.map(|account| account.text.clone()),
                hash: told.map(|account| hex(&account.hash)),
                versions: side.versions,
                committed: side.committed.is_some(),
                committed_twice: side.committed_twice,
                keeping: (person == Person::Me)
                    .then(|| self.keeping(id, side))
                    .flatten(),
                hearing: side.hearing.as_ref().map(|hearing| Hearing {
                    words: hearing.words.clone(),
                    at: time_of(hearing.time),
                    hash: hex(&hearing.hash),
                    meant: hearing.meant,
                    remark: hearing.remark.clone(),
                }),
                heard_before: side.heard_before,
                heard: side.heard,
                settled: side.settled,
            }
        };
        let mut accounts = vec![
            account(Person::Me, &view.mine),
            account(Person::Partner, &view.partners),
        ];
        if card.author == Some(Whose::Partners) {
            accounts.reverse();
        }
        let state = match view.state {
            State::Asked => "asked",
            State::Open => "open",
            State::HeardByOne => "heard_by_one",
            State::HeardByBoth => "heard_by_both",
            State::Settled => "settled",
        };
        let talk = Talk {
            together: view.together,
            asked: view.asked.clone(),
            reply: view.reply.clone(),
            accounts,
            draft_of: None,
            goes_out: None,
        };
        (view.topic.clone(), state.to_owned(), talk)
    }

    /// A private draft of a talk: its title, and the fields of the talk that it is to become.
    pub(super) fn talk_draft_of(&self, draft: &draft::View) -> (String, Talk) {
        let answer = |name| draft.answer(name).unwrap_or_default().to_owned();
        let draft_of = draft.answer(ENTRY).and_then(|hex| {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?;
            let id = EntryId(bytes.try_into().ok()?);
            self.replica.as_ref().map(|replica| replica.short_id(&id))
        });
        let told = Account {
            by: self.name_of(Whose::Mine),
            mine: true,
            text: Some(answer(TEXT)).filter(|text| !text.is_empty()),
            ..Account::default()
        };
        let question = is_question(draft);
        let goes_out = self.goes_out(draft).map(time_of);
        let talk = Talk {
            asked: question.then(|| answer(TEXT)),
            goes_out,
            together: is_together(draft)
                || draft.waits_for == WaitsFor::Together
                || draft.answer(TOLD_TOGETHER).is_some(),
            accounts: if question { Vec::new() } else { vec![told] },
            draft_of,
            ..Talk::default()
        };
        (answer(TOPIC), talk)
    }

    /// Everything that was said in a talk, for showing.
    pub(super) fn talk_history(&mut self, id: &EntryId) -> Result<Vec<ActLine>, Failure> {
        let (lines, accounts) = self.look(Store::Journal, id, |entry| {
            (entry.talk_history(), entry.talk())
        })?;
        let is_current = |person: Person, words: &str| {
            let side = match person {
                Person::Me => &accounts.mine,
                Person::Partner => &accounts.partners,
            };
            side.account
                .as_ref()
                .is_some_and(|account| account.text == words)
        };
        let line = |line: amends_journal::talk::Line| {
            let (verb, words, current) = match line.say {
                Say::Account(words) => {
                    let current = is_current(line.person, &words);
                    ("account", words, current)
                }
                Say::Commit(_) => ("commit", String::new(), true),
                Say::Open { text, .. } => {
                    let current = is_current(line.person, &text);
                    ("open", text, current)
                }
                Say::Heard { of, words } => ("heard", words, accounts.accounts().contains(&of)),
                Say::Meant {
                    yes: true, words, ..
                } => ("meant", words, true),
                Say::Meant { words, .. } => ("not_meant", words, true),
                Say::Settle { on: true, .. } => ("settle", String::new(), true),
                Say::Settle { .. } => ("reopen", String::new(), true),
                Say::Ask(words) => ("ask", words, true),
                Say::Reply(words) => ("reply", words, true),
            };
            ActLine {
                verb: verb.to_owned(),
                by: self.name_of_person(line.person),
                at: time_of(line.time),
                reason: Some(words).filter(|words| !words.is_empty()),
                to_current_text: current,
                hash: String::new(),
            }
        };
        Ok(lines.into_iter().map(line).collect())
    }
}

/// Whether an account can be told: the same that the journal asks of it.
pub(super) fn tellable(text: &str) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return Err(Advice::TextEmpty.into());
    }
    if text.len() > WORDS_BYTES {
        return Err(Advice::TextTooLong {
            what: "account".to_owned(),
            length: text.len() as u64,
            limit: WORDS_BYTES as u64,
        }
        .into());
    }
    Ok(())
}

impl NewTalk {
    pub(super) fn beginnings(&self) -> Beginnings {
        let says = match (self.role, &self.text) {
            (ASKED, text) => vec![Say::Ask(text.clone().unwrap_or_default()).into()],
            (PLAIN, Some(text)) => vec![Say::Account(text.clone()).into()],
            _ => Vec::new(),
        };
        Beginnings {
            kind: EntryKind::Talk,
            role: self.role,
            from: self.from,
            words: Some(Words {
                title: self.topic.clone(),
                language: self.language.clone(),
                ..Words::default()
            }),
            agreed: false,
            says,
        }
    }
}
