//! Check-ins: a set time to talk. An entry is a schedule (role 0) or a session that was held (role 1). The shared text is in
//! both what is agreed, word for word: of a schedule its [one text](crate::schedule), of a session its outcome, one line.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 held | when it began (8 bytes, big-endian: milliseconds since 1970 UTC), how long it was (1 byte: minutes), the entries on its agenda, those of them that it did not reach; of both the ids of 16 bytes, one behind the other |
//!
//! A session is held once, said by the device that began its entry. Its outcome may be written later, by either.

use serde::{Deserialize, Serialize};

use crate::agreement::{Agreed, AgreementView};
use crate::entry::{self, Entry};
use crate::ids::EntryId;
use crate::kind::EntryKind;
use crate::rule::{Past, RuleFault, begun, exact};
use crate::said::{BEGIN, Begin, Statement, Writer};
use crate::schedule::Schedule;
use crate::wall::LATEST_TIME;

/// The role of a schedule.
pub const SCHEDULE: u8 = 0;
/// The role of a session.
pub const SESSION: u8 = 1;
/// Entries on one agenda.
pub const AGENDA: usize = 64;
/// Characters of an outcome, which is one line.
pub const OUTCOME_CHARACTERS: usize = 500;

const HELD: u8 = 16;

/// What can be said of a check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// The session that its entry is.
    Held(Session),
}

/// A session that was held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When it began, in milliseconds since 1970 UTC, as who wrote it down says.
    pub started: i64,
    /// How long it was, in minutes.
    pub minutes: u8,
    /// What was on its agenda, by full ids, in their order; each once.
    pub agenda: Vec<[u8; 16]>,
    /// What of the agenda it did not reach, in the same order.
    pub left: Vec<[u8; 16]>,
}

/// A check-in as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its words, and who agrees to them. The text of a session is empty as long as it has no outcome.
    pub agreed: Agreed,
    /// What was held, where it is a session.
    pub session: Option<Session>,
    /// When the later of the two agreed to what is in force, by their own clock (milliseconds since 1970 UTC).
    pub since: Option<i64>,
    /// Whether it was begun as a session.
    pub is_session: bool,
}

impl View {
    /// The schedule that both agreed to, where this is one. A text in force that is none schedules nothing.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        let text = self.agreed.in_force.as_ref().filter(|_| !self.is_session)?;
        text.parse().ok()
    }

    /// Whether it is a session that nobody has written an outcome of.
    #[must_use]
    pub fn lacks_outcome(&self) -> bool {
        self.is_session && self.agreed.text.trim().is_empty()
    }
}

/// Whether this can be an outcome: words on one line, [`OUTCOME_CHARACTERS`] at most.
#[must_use]
pub fn is_outcome(text: &str) -> bool {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    !text.trim().is_empty() && !text.contains(breaks) && text.chars().count() <= OUTCOME_CHARACTERS
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Checkin(say)
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        let Say::Held(session) = self;
        let items = vec![
            session.started.to_be_bytes().to_vec(),
            vec![session.minutes],
            session.agenda.concat(),
            session.left.concat(),
        ];
        (HELD, items)
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        let (HELD, items) = (statement.verb, statement.items.as_slice()) else {
            return Err(RuleFault::Verb(statement.verb));
        };
        let [started, minutes, agenda, left] = items else {
            return Err(RuleFault::Malformed);
        };
        let started = i64::from_be_bytes(exact(started)?);
        let [minutes] = exact(minutes)?;
        let (agenda, left) = (ids(agenda)?, ids(left)?);
        // In the agenda's order, so that one session has one form.
        let mut rest = agenda.iter();
        let in_order = left.iter().all(|id| rest.any(|other| other == id));
        if !(0..=LATEST_TIME).contains(&started) || !in_order {
            return Err(RuleFault::Malformed);
        }
        Ok(Say::Held(Session {
            started,
            minutes,
            agenda,
            left,
        }))
    }
}

/// Ids one behind the other, each once.
fn ids(item: &[u8]) -> Result<Vec<[u8; 16]>, RuleFault> {
    let (ids, rest) = item.as_chunks::<16>();
    if ids.len() > AGENDA {
        return Err(RuleFault::TooLong);
    }
    let once: std::collections::BTreeSet<_> = ids.iter().collect();
    if !rest.is_empty() || once.len() != ids.len() {
        return Err(RuleFault::Malformed);
    }
    Ok(ids.to_vec())
}

pub(crate) fn rule(
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return match Begin::read(&statement.items) {
            Some(begin) if matches!(begin.role, SCHEDULE | SESSION) => Ok(()),
            Some(begin) => Err(RuleFault::Role(begin.role)),
            None => Err(RuleFault::Malformed),
        };
    }
    let Say::Held(_) = Say::read(statement)?;
    let begin = begun(past).ok_or(RuleFault::OnlyBeginner)?;
    // The device that began it, whose statements follow each other: so that once is once.
    if !begin.is_of(writer, EntryKind::Checkin) {
        return Err(RuleFault::OnlyBeginner);
    }
    if begin.role != SESSION {
        return Err(RuleFault::Verb(statement.verb));
    }
    if past.iter().any(|said| said.verb == HELD) {
        return Err(RuleFault::Once);
    }
    Ok(())
}

impl Entry<'_> {
    /// The check-in that this entry is.
    #[must_use]
    pub fn checkin(&self) -> View {
        let agreement = self.agreement();
        let begun = self.begun();
        let author = begun.as_ref().map(|told| told.person);
        let session = self
            .told(|statement| Say::read(statement).ok())
            .into_iter()
            .find(|told| Some(told.person) == author)
            .map(|told| {
                let Say::Held(session) = told.say;
                session
            });
        View {
            since: since(&agreement),
            agreed: agreement.in_short(),
            session,
            is_session: begun.is_some_and(|told| told.say.role == SESSION),
        }
    }
}

/// When the later of both agreed to what is in force.
fn since(agreement: &AgreementView) -> Option<i64> {
    let hash = agreement.in_force.as_ref()?.hash;
    let counts = agreement.acts.iter().filter(|shown| {
        shown.standing == crate::agreement::Standing::Counts && shown.act.hash == hash
    });
    counts.map(|shown| shown.act.time).max()
}

/// The ids of entries, as a session holds them.
impl Session {
    /// What was on the agenda.
    pub fn agenda(&self) -> impl Iterator<Item = EntryId> {
        self.agenda.iter().map(|id| EntryId(*id))
    }

    /// What of it was not reached.
    pub fn left(&self) -> impl Iterator<Item = EntryId> {
        self.left.iter().map(|id| EntryId(*id))
    }
}
