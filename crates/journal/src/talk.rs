//! Talks: what broke trust, told by each in an account of their own, and heard by the other.
//!
//! The topic is the shared title. A talk has one of three roles: 0 is a plain one, 1 is told *together*, 2 began as a
//! question, "can we talk?".
//!
//! | verb | items | who, when |
//! | --- | --- | --- |
//! | 16 account | text | either; the latest stands, all are kept. Not in a talk told together |
//! | 17 commit | c(32) | either, once, in a talk told together |
//! | 18 open | c(32), nonce(32), text | who committed to c, once, and only to what [`together_hash`] makes c of |
//! | 19 heard | the account's hash(32), words | of the other's account |
//! | 20 meant | the hearing's hash(32), 1 for yes or 0, words | of what the other heard in one's own account |
//! | 21 settle | 1 or 0 for reopen, the hash(32) of each account there is | either |
//! | 22 ask | words, may be empty | who began a talk of role 2, once |
//! | 23 reply | words, may be empty | the other, to a talk of role 2 |
//!
//! The wall sees one own part at a time. So whether a talk is told together, which stands in the beginning, holds at the
//! wall for whoever began it, and for the other when it is read: plain accounts in a talk told together count for nothing,
//! and no opened account is shown before both have committed.

use serde::{Deserialize, Serialize};

use crate::agreement::RuleError;
use crate::entry::{self, Entry, Told};
use crate::hash::together_hash;
use crate::kind::Person;
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, Begin, Statement, Writer};
use crate::schema::TITLE;

/// The role of a talk in which either tells when they like.
pub const PLAIN: u8 = 0;
/// The role of a talk in which neither account is seen before both are fixed.
pub const TOGETHER: u8 = 1;
/// The role of a talk that began as a question.
pub const ASKED: u8 = 2;

const ACCOUNT: u8 = 16;
const COMMIT: u8 = 17;
const OPEN: u8 = 18;
const HEARD: u8 = 19;
const MEANT: u8 = 20;
const SETTLE: u8 = 21;
const ASK: u8 = 22;
const REPLY: u8 = 23;

/// Bytes of an account, and of anything else that is said in a talk.
pub const WORDS_BYTES: usize = 100_000;

/// What can be said in a talk.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// How it was for me.
    Account(String),
    /// That my account is fixed, and what fixes it.
    Commit([u8; 32]),
    /// The account that I committed to.
    Open {
        /// What I committed to.
        c: [u8; 32],
        /// The random bytes that hid it.
        nonce: [u8; 32],
        /// The account.
        text: String,
    },
    /// What I heard the other say.
    Heard {
        /// Which account.
        of: [u8; 32],
        /// In my words.
        words: String,
    },
    /// Whether what the other heard is what I meant.
    Meant {
        /// Which hearing.
        of: [u8; 32],
        /// "Yes, that is what I meant."
        yes: bool,
        /// What else there is to say about it; may be empty.
        words: String,
    },
    /// That it is settled for me, or open again.
    Settle {
        /// Whether it is settled.
        on: bool,
        /// The accounts that were there.
        of: Vec<[u8; 32]>,
    },
    /// "Can we talk?"
    Ask(String),
    /// An answer to that.
    Reply(String),
}

/// Where a talk stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// One of them asked for it, and nothing else was said yet.
    Asked,
    /// It began.
    #[default]
    Open,
    /// One of them was heard.
    HeardByOne,
    /// Both were heard.
    HeardByBoth,
    /// For both it is settled.
    Settled,
}

/// A talk as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What it is about.
    pub topic: String,
    /// Where it stands.
    pub state: State,
    /// Whether neither sees the other's account before both are fixed.
    pub together: bool,
    /// The words with which one of them asked for it, where one did.
    pub asked: Option<String>,
    /// The other's latest reply to that.
    pub reply: Option<String>,
    /// What I said, and how it was heard.
    pub mine: Side,
    /// What my partner said, and how it was heard.
    pub partners: Side,
}

/// One person's side of a talk.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Their account.
    pub account: Option<Account>,
    /// How many versions of it there are.
    pub versions: u32,
    /// What they committed to first, in a talk told together.
    pub committed: Option<[u8; 32]>,
    /// Whether they committed to something else beside it, as on a second device. The first counts.
    pub committed_twice: bool,
    /// Whether they opened what they committed to, shown yet or not.
    pub opened: bool,
    /// What the other heard in the account as it stands: the latest.
    pub hearing: Option<Hearing>,
    /// Whether what the other heard was of an earlier version.
    pub heard_before: bool,
    /// Whether they said of something that the other heard in it: yes, that is what I meant.
    pub heard: bool,
    /// Whether it is settled for them, with the accounts as they stand.
    pub settled: bool,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The hash of its statement.
    pub hash: [u8; 32],
    /// When its author says that it was told, in milliseconds since 1970 UTC.
    pub time: i64,
    /// Its words.
    pub text: String,
}

/// What was heard in an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hearing {
    /// The hash of its statement.
    pub hash: [u8; 32],
    /// When, in milliseconds since 1970 UTC.
    pub time: i64,
    /// What was heard, in the words of who heard.
    pub words: String,
    /// Whether it was meant so, once the account's author said.
    pub meant: Option<bool>,
    /// What they said beside yes or no.
    pub remark: String,
}

/// One thing that was said, for a history.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Who said it.
    pub person: Person,
    /// When, in milliseconds since 1970 UTC.
    pub time: i64,
    /// What.
    pub say: Say,
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk")
            .field("state", &self.state)
            .field("together", &self.together)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Side {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side")
            .field("versions", &self.versions)
            .field("committed", &self.committed.is_some())
            .field("opened", &self.opened)
            .field("heard", &self.heard)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Talk(say)
    }
}

impl View {
    /// The accounts as they stand, by their hashes, mine first.
    #[must_use]
    pub fn accounts(&self) -> Vec<[u8; 32]> {
        [&self.mine, &self.partners]
            .into_iter()
            .filter_map(|side| Some(side.account.as_ref()?.hash))
            .collect()
    }

    /// Whether both have fixed what they will tell.
    #[must_use]
    pub fn both_committed(&self) -> bool {
        self.mine.committed.is_some() && self.partners.committed.is_some()
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        let text = |words: &String| words.as_bytes().to_vec();
        match self {
            Say::Account(words) => (ACCOUNT, vec![text(words)]),
            Say::Commit(c) => (COMMIT, vec![c.to_vec()]),
            Say::Open {
                c,
                nonce,
                text: words,
            } => (OPEN, vec![c.to_vec(), nonce.to_vec(), text(words)]),
            Say::Heard { of, words } => (HEARD, vec![of.to_vec(), text(words)]),
            Say::Meant { of, yes, words } => {
                (MEANT, vec![of.to_vec(), vec![u8::from(*yes)], text(words)])
            }
            Say::Settle { on, of } => {
                let mut items = vec![vec![u8::from(*on)]];
                items.extend(of.iter().map(|hash| hash.to_vec()));
                (SETTLE, items)
            }
            Say::Ask(words) => (ASK, vec![text(words)]),
            Say::Reply(words) => (REPLY, vec![text(words)]),
        }
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        let items: Vec<&[u8]> = statement.items.iter().map(Vec::as_slice).collect();
        Ok(match (statement.verb, items.as_slice()) {
            (ACCOUNT, [text]) => Say::Account(some_words(text)?),
            (COMMIT, [c]) => Say::Commit(exact(c)?),
            (OPEN, [c, nonce, text]) => Say::Open {
                c: exact(c)?,
                nonce: exact(nonce)?,
                text: some_words(text)?,
            },
            (HEARD, [of, said]) => Say::Heard {
                of: exact(of)?,
                words: some_words(said)?,
            },
            (MEANT, [of, yes, said]) => Say::Meant {
                of: exact(of)?,
                yes: flag(yes)?,
                words: any_words(said)?,
            },
            (SETTLE, [on, of @ ..]) if of.len() <= 2 => Say::Settle {
                on: flag(on)?,
                of: of
                    .iter()
                    .map(|hash| exact(hash))
                    .collect::<Result<_, _>>()?,
            },
            (ASK, [said]) => Say::Ask(any_words(said)?),
            (REPLY, [said]) => Say::Reply(any_words(said)?),
            (ACCOUNT..=REPLY, _) => return Err(RuleFault::Malformed),
            (verb, _) => return Err(RuleFault::Verb(verb)),
        })
    }

    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        let view = entry.talk();
        let fault = match self {
            Say::Account(_) if view.together => RuleFault::Sealed,
            Say::Commit(_) if !view.together => RuleFault::NotTogether,
            Say::Open { .. } if !view.both_committed() => RuleFault::Before,
            Say::Heard { of, .. } => match &view.partners.account {
                Some(account) if account.hash == *of => return Ok(()),
                Some(_) => RuleFault::Newer,
                None => RuleFault::Names,
            },
            Say::Meant { of, .. } => match &view.mine.hearing {
                Some(hearing) if hearing.hash == *of => return Ok(()),
                Some(_) => RuleFault::Newer,
                None => RuleFault::Names,
            },
            Say::Settle { of, .. } if !same(of, &view.accounts()) => RuleFault::Newer,
            Say::Reply(_) if view.asked.is_none() => RuleFault::Names,
            _ => return Ok(()),
        };
        Err(RuleError::Fault(fault))
    }
}

fn some_words(item: &[u8]) -> Result<String, RuleFault> {
    let said = words(item, WORDS_BYTES)?;
    if said.trim().is_empty() {
        return Err(RuleFault::Empty);
    }
    Ok(said.to_owned())
}

fn any_words(item: &[u8]) -> Result<String, RuleFault> {
    words(item, WORDS_BYTES).map(str::to_owned)
}

fn flag(item: &[u8]) -> Result<bool, RuleFault> {
    match item {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(RuleFault::Malformed),
    }
}

/// Whether both name the same accounts, in whatever order.
fn same(one: &[[u8; 32]], other: &[[u8; 32]]) -> bool {
    one.len() == other.len() && one.iter().all(|hash| other.contains(hash))
}

pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        let role = Begin::read(&statement.items)
            .ok_or(RuleFault::Malformed)?
            .role;
        return match role {
            PLAIN | TOGETHER | ASKED => Ok(()),
            other => Err(RuleFault::Role(other)),
        };
    }
    let role = begun(past).map(|begin| begin.role);
    let said = |verb| past.iter().any(|before| before.verb == verb);
    match Say::read(statement)? {
        Say::Account(_) if role == Some(TOGETHER) || said(COMMIT) => Err(RuleFault::Sealed),
        Say::Commit(_) if role.is_some_and(|role| role != TOGETHER) => Err(RuleFault::NotTogether),
        Say::Commit(_) if said(ACCOUNT) => Err(RuleFault::Sealed),
        Say::Commit(_) if said(COMMIT) => Err(RuleFault::Once),
        Say::Open { .. } if said(OPEN) => Err(RuleFault::Once),
        Say::Open { c, nonce, text } => {
            let committed = past
                .iter()
                .any(|before| matches!(Say::read(before), Ok(Say::Commit(before)) if before == c));
            if !committed {
                return Err(RuleFault::Before);
            }
            if together_hash(&writer.journal, &writer.entry, &writer.log, &nonce, &text) != c {
                return Err(RuleFault::Mismatch);
            }
            Ok(())
        }
        Say::Ask(_) if role.is_none() => Err(RuleFault::OnlyBeginner),
        Say::Ask(_) if role != Some(ASKED) => Err(RuleFault::Names),
        Say::Ask(_) if said(ASK) => Err(RuleFault::Once),
        Say::Reply(_) if role.is_some() => Err(RuleFault::OnlyOther),
        _ => Ok(()),
    }
}

/// A statement as it was understood, with the hash by which others name it.
struct Said {
    hash: [u8; 32],
    told: Told<Say>,
}

impl Entry<'_> {
    fn talked(&self) -> Vec<Said> {
        self.statements()
            .into_iter()
            .filter_map(|told| {
                let say = Say::read(&told.say).ok()?;
                Some(Said {
                    hash: told.say.hash(),
                    told: told.with(say),
                })
            })
            .collect()
    }

    /// The talk that this entry is.
    #[must_use]
    pub fn talk(&self) -> View {
        let said = self.talked();
        let begun = self.begun();
        let role = begun.as_ref().map_or(PLAIN, |told| told.say.role);
        let together = role == TOGETHER;
        let (mut mine, mut partners) = (
            side(&said, Person::Me, together),
            side(&said, Person::Partner, together),
        );
        if together && (mine.committed.is_none() || partners.committed.is_none()) {
            // Whoever opens before the other has committed shows it to nobody.
            for side in [&mut mine, &mut partners] {
                (side.account, side.versions) = (None, 0);
            }
        }
        let mut view = View {
            topic: self.shared.text(TITLE, None).unwrap_or_default(),
            state: State::Open,
            together,
            asked: None,
            reply: None,
            mine,
            partners,
        };
        for (person, side) in [
            (Person::Me, &mut view.mine),
            (Person::Partner, &mut view.partners),
        ] {
            hearing(&said, person, side);
        }
        let accounts = view.accounts();
        view.mine.settled = settled(&said, Person::Me, &accounts);
        view.partners.settled = settled(&said, Person::Partner, &accounts);
        let author = begun.map(|told| told.person);
        if role == ASKED {
            // Where the question itself was set aside, that one was asked still stands in the beginning.
            view.asked = Some(String::new());
            for said in &said {
                match &said.told.say {
                    Say::Ask(words) => view.asked = Some(words.clone()),
                    Say::Reply(words) => view.reply = Some(words.clone()),
                    _ => {}
                }
            }
        }
        let only_asked = view.asked.is_some() && accounts.is_empty();
        let withdrawn = only_asked
            && match author {
                Some(Person::Me) => view.mine.settled,
                Some(Person::Partner) => view.partners.settled,
                None => false,
            };
        view.state = match (view.mine.heard, view.partners.heard) {
            _ if withdrawn || (view.mine.settled && view.partners.settled) => State::Settled,
            _ if only_asked && view.reply.is_none() => State::Asked,
            (true, true) => State::HeardByBoth,
            (false, false) => State::Open,
            _ => State::HeardByOne,
        };
        view
    }

    /// Everything that was said in a talk, in order; of accounts told together, only what [`talk`](Entry::talk) shows.
    #[must_use]
    pub fn talk_history(&self) -> Vec<Line> {
        let view = self.talk();
        self.talked()
            .into_iter()
            .filter(|said| match said.told.say {
                Say::Account(_) => !view.together,
                Say::Commit(_) => view.together,
                Say::Open { .. } => view.together && view.both_committed(),
                _ => true,
            })
            .map(|said| Line {
                person: said.told.person,
                time: said.told.time,
                say: said.told.say,
            })
            .collect()
    }
}

/// What one person told: their account, or what they committed to and opened.
fn side(said: &[Said], person: Person, together: bool) -> Side {
    let mine = || said.iter().filter(move |said| said.told.person == person);
    let account = |said: &Said, text: &str| Account {
        hash: said.hash,
        time: said.told.time,
        text: text.to_owned(),
    };
    let mut side = Side::default();
    if !together {
        for said in mine() {
            if let Say::Account(text) = &said.told.say {
                side.account = Some(account(said, text));
                side.versions = side.versions.saturating_add(1);
            }
        }
        return side;
    }
    for said in mine() {
        if let Say::Commit(c) = &said.told.say {
            let first = *side.committed.get_or_insert(*c);
            side.committed_twice |= first != *c;
        }
    }
    // The wall took it, so it is what was committed to.
    for said in mine() {
        match &said.told.say {
            Say::Open { c, text, .. } if Some(*c) == side.committed && !side.opened => {
                side.opened = true;
                side.account = Some(account(said, text));
                side.versions = 1;
            }
            _ => {}
        }
    }
    side
}

/// How this person's account was heard by the other.
fn hearing(said: &[Said], person: Person, side: &mut Side) {
    let Some(account) = &side.account else {
        return;
    };
    let others = |hearing: &&Said| hearing.told.person == person.other();
    for heard in said.iter().filter(others) {
        let Say::Heard { of, words } = &heard.told.say else {
            continue;
        };
        if *of != account.hash {
            let of_mine = |said: &Said| said.told.person == person && said.hash == *of;
            side.heard_before |= said.iter().any(of_mine);
            continue;
        }
        let mut hearing = Hearing {
            hash: heard.hash,
            time: heard.told.time,
            words: words.clone(),
            meant: None,
            remark: String::new(),
        };
        for answer in said.iter().filter(|said| said.told.person == person) {
            match &answer.told.say {
                Say::Meant { of, yes, words } if *of == heard.hash => {
                    (hearing.meant, hearing.remark) = (Some(*yes), words.clone());
                }
                _ => {}
            }
        }
        side.heard |= hearing.meant == Some(true);
        side.hearing = Some(hearing);
    }
}

/// Whether a person's last word is that it is settled, with the accounts as they stand now.
fn settled(said: &[Said], person: Person, accounts: &[[u8; 32]]) -> bool {
    said.iter()
        .rev()
        .filter(|said| said.told.person == person)
        .find_map(|said| match &said.told.say {
            Say::Settle { on, of } => Some(*on && same(of, accounts)),
            _ => None,
        })
        .unwrap_or(false)
}
