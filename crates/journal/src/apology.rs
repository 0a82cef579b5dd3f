//! Apologies. One person gives it, once; from then on only additions come. The other alone answers, if and when they want
//! to, and may change and withdraw what they answered; each answer stays in the history. Nothing is assumed where nothing
//! was said.
//!
//! | verb | items | in whose own part |
//! | --- | --- | --- |
//! | 16 give | what I did, how it hurt you, what I own, what I will change, how I will repair | its author's, by the device that began it |
//! | 17 add | words | its author's, after it was given |
//! | 18 answer | the hash of the statement that gave it, answer (1), words | the other's |
//! | 19 withdraw | | the other's, after an answer |
//!
//! Answers: 1 heard, 2 not yet, 3 accepted, 4 forgiven, 5 declined.

use serde::{Deserialize, Serialize};

use crate::agreement::{Field, RuleError, plain};
use crate::entry::{self, Entry, Told};
use crate::kind::{EntryKind, Person};
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, STATEMENT_BYTES, Statement, Writer};

const GIVE: u8 = 16;
const ADD: u8 = 17;
const ANSWER: u8 = 18;
const WITHDRAW: u8 = 19;

/// What an apology says. Any of it may be empty, but not all.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// What I did.
    pub did: String,
    /// How it hurt you.
    pub hurt: String,
    /// What I own.
    pub own: String,
    /// What I will change.
    pub change: String,
    /// How I will repair.
    pub repair: String,
}

/// What its receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Answer {
    /// I heard it.
    Heard = 1,
    /// Not yet.
    NotYet = 2,
    /// I accept it.
    Accepted = 3,
    /// I forgive you.
    Forgiven = 4,
    /// I do not accept it.
    Declined = 5,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Answer; 5] = [
        Answer::Heard,
        Answer::NotYet,
        Answer::Accepted,
        Answer::Forgiven,
        Answer::Declined,
    ];

    /// Its name, as scripts read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Answer::Heard => "heard",
            Answer::NotYet => "not_yet",
            Answer::Accepted => "accepted",
            Answer::Forgiven => "forgiven",
            Answer::Declined => "declined",
        }
    }
}

/// What can be said of an apology.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// The apology, given.
    Give(Words),
    /// More to it.
    Add(String),
    /// What the other answers.
    Answer {
        /// The hash of the statement that gave what is answered.
        of: [u8; 32],
        /// Which.
        answer: Answer,
        /// In words; may be empty.
        words: String,
    },
    /// The last answer is taken back.
    Withdraw,
}

/// An apology as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What was given. `None` where that has not come, or was set aside.
    pub given: Option<Words>,
    /// The hash of the statement that gave it, which answers name.
    pub hash: [u8; 32],
    /// What was added, in order.
    pub additions: Vec<String>,
    /// The answer that stands, with its words.
    pub answer: Option<(Answer, String)>,
}

impl std::fmt::Debug for Words {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words")
    }
}

impl std::fmt::Debug for Say {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Say::Give(_) => "Give",
            Say::Add(_) => "Add",
            Say::Answer { answer, .. } => answer.name(),
            Say::Withdraw => "Withdraw",
        })
    }
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apology")
            .field("given", &self.given.is_some())
            .field("additions", &self.additions.len())
            .field("answer", &self.answer.as_ref().map(|(answer, _)| answer))
            .finish_non_exhaustive()
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Apology(say)
    }
}

impl Words {
    /// Each with what it is called.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("did", &self.did),
            ("hurt", &self.hurt),
            ("own", &self.own),
            ("change", &self.change),
            ("repair", &self.repair),
        ]
    }

    /// Whether there is nothing in it that anybody could read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields()
            .iter()
            .all(|(_, words)| words.trim().is_empty())
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Give(words) => {
                let items = words.fields().map(|(_, words)| words.as_bytes().to_vec());
                (GIVE, items.to_vec())
            }
            Say::Add(words) => (ADD, vec![words.as_bytes().to_vec()]),
            Say::Answer { of, answer, words } => (
                ANSWER,
                vec![of.to_vec(), vec![*answer as u8], words.as_bytes().to_vec()],
            ),
            Say::Withdraw => (WITHDRAW, Vec::new()),
        }
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        let text = |item: &[u8]| words(item, STATEMENT_BYTES).map(str::to_owned);
        match (statement.verb, statement.items.as_slice()) {
            (GIVE, [did, hurt, own, change, repair]) => {
                let given = Words {
                    did: text(did)?,
                    hurt: text(hurt)?,
                    own: text(own)?,
                    change: text(change)?,
                    repair: text(repair)?,
                };
                if given.is_empty() {
                    return Err(RuleFault::Empty);
                }
                Ok(Say::Give(given))
            }
            (ADD, [words]) => {
                let words = text(words)?;
                if words.trim().is_empty() {
                    return Err(RuleFault::Empty);
                }
                Ok(Say::Add(words))
            }
            (ANSWER, [of, answer, words]) => {
                let [answer] = exact(answer)?;
                let answer = Answer::ALL.into_iter().find(|known| *known as u8 == answer);
                Ok(Say::Answer {
                    of: exact(of)?,
                    answer: answer.ok_or(RuleFault::Malformed)?,
                    words: text(words)?,
                })
            }
            (WITHDRAW, []) => Ok(Say::Withdraw),
            (GIVE | ADD | ANSWER | WITHDRAW, _) => Err(RuleFault::Malformed),
            (verb, _) => Err(RuleFault::Verb(verb)),
        }
    }

    /// What this person may say, beyond what the wall asks of everyone.
    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        let text = |words: &str| plain(Field::Text, words);
        let answered = |entry: &Entry<'_>| match entry.begun().map(|told| told.person) {
            Some(Person::Me) => Err(RuleFault::OnlyOther),
            Some(Person::Partner) => entry.apology().given.map(|_| ()).ok_or(RuleFault::Names),
            None => Err(RuleFault::Names),
        };
        match self {
            Say::Give(words) => words.fields().iter().try_for_each(|(_, words)| text(words)),
            Say::Add(words) => text(words),
            Say::Answer { of, words, .. } => {
                answered(entry)?;
                if *of != entry.apology().hash {
                    return Err(RuleFault::Names.into());
                }
                text(words)
            }
            Say::Withdraw => {
                answered(entry)?;
                if entry.apology().answer.is_none() {
                    return Err(RuleFault::Before.into());
                }
                Ok(())
            }
        }
    }
}

pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return match begun(&[statement]) {
            Some(begin) if begin.role != 0 => Err(RuleFault::Role(begin.role)),
            _ => Ok(()),
        };
    }
    let say = Say::read(statement)?;
    let was_said = |verb| past.iter().any(|said| said.verb == verb);
    let begin = begun(past);
    match say {
        // A private store holds drafts of it alone.
        _ if writer.alone => Err(RuleFault::Verb(statement.verb)),
        Say::Give(_) => match begin {
            // The device that began it, whose statements follow each other: so that once is once.
            Some(begin) if begin.is_of(writer, EntryKind::Apology) => {
                if was_said(GIVE) {
                    Err(RuleFault::Once)
                } else {
                    Ok(())
                }
            }
            _ => Err(RuleFault::OnlyBeginner),
        },
        Say::Add(_) => {
            begin.ok_or(RuleFault::OnlyBeginner)?;
            was_said(GIVE).then_some(()).ok_or(RuleFault::Before)
        }
        // Nobody answers their own apology.
        Say::Answer { .. } | Say::Withdraw if begin.is_some() || was_said(GIVE) => {
            Err(RuleFault::OnlyOther)
        }
        Say::Answer { .. } => Ok(()),
        Say::Withdraw => was_said(ANSWER).then_some(()).ok_or(RuleFault::Before),
    }
}

impl Entry<'_> {
    /// The apology as it stands.
    #[must_use]
    pub fn apology(&self) -> View {
        let mut view = View::default();
        for told in self.apology_history() {
            match told.say {
                Say::Give(words) => view.given = Some(words),
                Say::Add(words) => view.additions.push(words),
                Say::Answer { answer, words, .. } => view.answer = Some((answer, words)),
                Say::Withdraw => view.answer = None,
            }
        }
        view.hash = self.given().map(|told| told.say.0).unwrap_or_default();
        view
    }

    /// Everything that was said of it and counts, in order: what its author gave and added, and what the other answered to
    /// exactly that.
    #[must_use]
    pub fn apology_history(&self) -> Vec<Told<Say>> {
        let Some(given) = self.given() else {
            return Vec::new();
        };
        let (of_given, author) = (given.say.0, given.person);
        let mut history = vec![given.with(Say::Give(given.say.1.clone()))];
        let said = self.told(|statement| Say::read(statement).ok());
        history.extend(said.into_iter().filter(|told| match &told.say {
            Say::Give(_) => false,
            Say::Add(_) => told.person == author,
            Say::Answer { of, .. } => told.person != author && *of == of_given,
            Say::Withdraw => told.person != author,
        }));
        history
    }

    /// The statement that gave it: its hash and its words.
    fn given(&self) -> Option<Told<([u8; 32], Words)>> {
        let author = self.begun()?.person;
        let read = |statement: &Statement| match Say::read(statement) {
            Ok(Say::Give(words)) => Some((statement.hash(), words)),
            _ => None,
        };
        let mut given = self.told(read);
        given.retain(|told| told.person == author);
        // Two copies of one device can give it at once. What the other has answered stays what was given; nothing that its
        // author's device brings later takes its place.
        let answers = self.told(|statement| Say::read(statement).ok());
        let answered = |hash: &[u8; 32]| {
            answers.iter().any(|told| {
                told.person != author && matches!(&told.say, Say::Answer { of, .. } if of == hash)
            })
        };
        let at = given.iter().position(|told| answered(&told.say.0));
        (!given.is_empty()).then(|| given.swap_remove(at.unwrap_or(0)))
    }
}
