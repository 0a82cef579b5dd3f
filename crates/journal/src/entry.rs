//! An entry as it stands on this device: its three parts looked at together, what each person said in it, and what may be
//! said next. Each kind's own words and rules are in the file of its name; what is agreed word for word is in
//! [`agreement`](crate::AgreementView).

use serde::{Deserialize, Serialize};

use crate::act::{ActId, GREATEST_N, Verb};
use crate::agreement::{Draft, Field, RuleError, draft_steps, room};
use crate::ids::EntryId;
use crate::kind::{EntryKind, PartKind, Person};
use crate::part::Part;
use crate::rule::RuleFault;
use crate::said::{BEGIN, Begin, Statement, Writer};
use crate::schema::{ACTS, SCHEMA};
use crate::wall::LATEST_TIME;
use crate::write::{Step, WriteError, Written, write};
use crate::{apology, checkin, draft, feeling, memory, plan, space, talk};

/// The three parts of one entry, as they are on this device. One that does not exist yet is
/// [`Part::new`].
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its id, which every agreement names.
    pub entry: EntryId,
    /// What both write.
    pub shared: &'a Part,
    /// What I said.
    pub mine: &'a Part,
    /// What my partner said.
    pub partners: &'a Part,
}

/// Something that one person says, in their own part.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// A private draft, of any kind.
    Draft(draft::Say),
    /// Of an apology.
    Apology(apology::Say),
    /// Of a feeling.
    Feeling(feeling::Say),
    /// Of a plan.
    Plan(plan::Say),
    /// Of a memory.
    Memory(memory::Say),
    /// Of a space.
    Space(space::Say),
    /// In a talk.
    Talk(talk::Say),
    /// Of a check-in.
    Checkin(checkin::Say),
}

/// Something said, with whose own part holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<T> {
    /// Whose own part holds it.
    pub person: Person,
    /// Its name.
    pub id: ActId,
    /// Its place in the entry's order.
    pub n: u64,
    /// When, by the writer's clock, in milliseconds since 1970 UTC.
    pub time: i64,
    /// What was said.
    pub say: T,
}

/// All that a list or a page shows of an entry, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// What a later version wrote: kept, and not readable here yet.
    Unread,
    /// A private draft of any kind.
    Draft(draft::View),
    /// Words that both agree to: a boundary.
    Boundary(crate::agreement::Agreed),
    /// A feeling.
    Feeling(feeling::View),
    /// A lesson: words that both agree to.
    Lesson(crate::agreement::Agreed),
    /// Time apart.
    Space(space::View),
    /// A talk.
    Talk(Box<talk::View>),
    /// A plan.
    Plan(plan::View),
    /// An apology.
    Apology(apology::View),
    /// A check-in: a schedule or a session.
    Checkin(checkin::View),
    /// A list of entries for a counselor, as the words that both agree to.
    Packet(crate::agreement::Agreed),
    /// A memory, or an idea.
    Memory(memory::View),
}

/// What a list shows of an entry, whatever its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// Who began it. `None` where that has not come, or was set aside.
    pub author: Option<Person>,
    /// When its author says that it was begun, in milliseconds since 1970 UTC.
    pub created: Option<i64>,
    /// Which of its kind's roles it has.
    pub role: u8,
    /// The entry that it came from.
    pub from: Option<EntryId>,
    /// What its kind shows.
    pub view: View,
}

/// A new entry: the shared part goes first, what was said of it last.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its id.
    pub entry: EntryId,
    /// Title, text and fields, where the kind has them.
    pub shared: Option<Written>,
    /// What its author said.
    pub own: Written,
}

impl std::fmt::Debug for Say {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Say({})", self.statement().0)
    }
}

impl Say {
    /// Its verb and items.
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Draft(say) => say.statement(),
            Say::Apology(say) => say.statement(),
            Say::Feeling(say) => say.statement(),
            Say::Plan(say) => say.statement(),
            Say::Memory(say) => say.statement(),
            Say::Space(say) => say.statement(),
            Say::Talk(say) => say.statement(),
            Say::Checkin(say) => say.statement(),
        }
    }

    /// What this person may say here, beyond what the wall asks of everyone.
    fn allowed(&self, entry: &Entry<'_>, _now: i64) -> Result<(), RuleError> {
        match self {
            Say::Draft(say) => say.allowed(entry),
            Say::Apology(say) => say.allowed(entry),
            Say::Feeling(say) => say.allowed(entry),
            Say::Plan(say) => say.allowed(entry),
            Say::Memory(say) => say.allowed(entry),
            Say::Space(say) => say.allowed(entry),
            Say::Talk(say) => say.allowed(entry),
            // The wall asks all of it.
            Say::Checkin(_) => Ok(()),
        }
    }
}

/// Begins an entry of any kind but a boundary, in this person's own part. With `agreed`, its draft is also its author's
/// agreement to exactly that text.
///
/// # Errors
/// [`RuleError`], where the draft or something said breaks a limit or rule.
pub fn begin(
    kind: EntryKind,
    writer: &Writer,
    now: i64,
    begin: Begin,
    draft: Option<&Draft<'_>>,
    agreed: bool,
    says: &[Say],
) -> Result<Begun, RuleError> {
    let entry = writer.entry;
    let shared = Part::new(kind, SCHEMA, PartKind::Shared)?;
    let own = Part::new(kind, SCHEMA, PartKind::Own)?;
    let written = match draft {
        Some(draft) => {
            let steps = draft_steps(kind, draft)?;
            write(&shared, writer, now, &steps)?
        }
        None => None,
    };
    let shared = written.as_ref().map_or(&shared, |written| &written.part);
    let here = Entry {
        entry,
        shared,
        mine: &own,
        partners: &own,
    };
    let mut steps = Vec::new();
    let mut n = 0;
    if agreed {
        if here.current().text.trim().is_empty() {
            return Err(RuleError::Empty(Field::Text));
        }
        let act = here.act(
            now,
            Verb::Propose,
            here.current().hash,
            shared.heads(),
            &[],
            "",
        )?;
        n = act.n;
        steps.push(Step::Act {
            place: ACTS,
            bytes: act.bytes(),
        });
    }
    n += 1;
    let beginning = Statement {
        verb: BEGIN,
        n,
        time: now.clamp(0, LATEST_TIME),
        items: begin.items(),
    };
    let place = own
        .said_place()
        .ok_or(RuleError::Fault(RuleFault::Verb(BEGIN)))?;
    steps.push(Step::Say {
        place,
        bytes: beginning.bytes(),
    });
    steps.extend(here.say_steps(now, n, says)?);
    let own = write(&own, writer, now, &steps)
        .map_err(fault_of)?
        .ok_or_else(|| WriteError::Automerge("the beginning changed nothing".into()))?;
    Ok(Begun {
        entry,
        shared: written,
        own,
    })
}

impl<'a> Entry<'a> {
    /// What kind of entry it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.shared.kind()
    }

    /// Who began it, and how. `None` for a boundary, and where its beginning has not come or was set aside.
    #[must_use]
    pub fn begun(&self) -> Option<Told<Begin>> {
        // The wall lets only one actor begin this id, so at most one own part holds it.
        self.statements()
            .into_iter()
            .find(|told| told.say.verb == BEGIN)
            .and_then(|told| {
                let say = Begin::read(&told.say.items)?;
                Some(told.with(say))
            })
    }

    /// Everything said by both, in order of `n`; ties go by device.
    pub(crate) fn statements(&self) -> Vec<Told<Statement>> {
        let of = |person: Person, part: &Part| {
            part.said()
                .into_iter()
                .map(move |(id, statement)| Told {
                    person,
                    id,
                    n: statement.n,
                    time: statement.time,
                    say: statement,
                })
                .collect::<Vec<_>>()
        };
        let mut all = of(Person::Me, self.mine);
        all.extend(of(Person::Partner, self.partners));
        all.sort_by_key(|told| (told.n, told.id.counter, told.id.actor));
        all
    }

    /// Everything said that `read` understands, in order.
    pub(crate) fn told<T>(&self, read: impl Fn(&Statement) -> Option<T>) -> Vec<Told<T>> {
        self.statements()
            .into_iter()
            .filter_map(|told| {
                let say = read(&told.say)?;
                Some(told.with(say))
            })
            .collect()
    }

    /// Says something, in my own part.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn say(&self, writer: &Writer, now: i64, says: &[Say]) -> Result<Written, RuleError> {
        room(self.mine)?;
        let steps = self.say_steps(now, self.greatest_n(), says)?;
        write(self.mine, writer, now, &steps)
            .map_err(fault_of)?
            .ok_or_else(|| WriteError::Automerge("nothing was said".into()).into())
    }

    fn say_steps(
        &self,
        now: i64,
        mut n: u64,
        says: &[Say],
    ) -> Result<Vec<Step<'static>>, RuleError> {
        let place = self
            .mine
            .said_place()
            .ok_or(RuleError::Fault(RuleFault::Verb(0)))?;
        let mut steps = Vec::new();
        for say in says {
            say.allowed(self, now)?;
            let (verb, items) = say.statement();
            n = n.saturating_add(1).min(GREATEST_N);
            let statement = Statement {
                verb,
                n,
                time: now.clamp(0, LATEST_TIME),
                items,
            };
            let bytes = statement.bytes();
            if bytes.len() > crate::said::STATEMENT_BYTES {
                return Err(RuleError::Fault(RuleFault::TooLong));
            }
            steps.push(Step::Say { place, bytes });
        }
        Ok(steps)
    }

    /// The greatest `n` that anyone used in this entry.
    pub(crate) fn greatest_n(&self) -> u64 {
        let acts = [self.mine, self.partners].map(|part| {
            let acts = part.acts(ACTS).into_iter().map(|(_, act)| act.n);
            let said = part.said().into_iter().map(|(_, statement)| statement.n);
            acts.chain(said).max().unwrap_or(0)
        });
        acts.into_iter().max().unwrap_or(0)
    }

    /// All that there is to show in a list.
    #[must_use]
    pub fn in_short(&self) -> Short {
        if self.kind() == EntryKind::Boundary {
            let agreement = self.agreement();
            return Short {
                author: agreement.author,
                created: agreement.created,
                role: 0,
                from: None,
                view: View::Boundary(agreement.in_short()),
            };
        }
        let begun = self.begun();
        Short {
            author: begun.as_ref().map(|told| told.person),
            created: begun.as_ref().map(|told| told.time),
            role: begun.as_ref().map_or(0, |told| told.say.role),
            from: begun.and_then(|told| told.say.from),
            view: self.view(),
        }
    }

    fn view(&self) -> View {
        // What was written in the private store to stay there is no draft any more once it is done: it became itself.
        let draft = self.draft();
        if let Some(draft) = draft.filter(|draft| draft.became != Some(self.entry.0)) {
            return View::Draft(draft);
        }
        match self.kind() {
            EntryKind::Apology => View::Apology(self.apology()),
            EntryKind::Feeling => View::Feeling(self.feeling()),
            EntryKind::Lesson => View::Lesson(self.agreement().in_short()),
            EntryKind::Packet => View::Packet(self.agreement().in_short()),
            EntryKind::Plan => View::Plan(self.plan()),
            EntryKind::Memory => View::Memory(self.memory()),
            EntryKind::Space => View::Space(self.space()),
            EntryKind::Talk => View::Talk(Box::new(self.talk())),
            EntryKind::Checkin => View::Checkin(self.checkin()),
            _ => View::Boundary(self.agreement().in_short()),
        }
    }
}

impl<T> Told<T> {
    pub(crate) fn with<U>(&self, say: U) -> Told<U> {
        Told {
            person: self.person,
            id: self.id,
            n: self.n,
            time: self.time,
            say,
        }
    }
}

/// What the wall says of our own statement is what a person is told.
fn fault_of(error: WriteError) -> RuleError {
    match error {
        WriteError::Refused(crate::Refusal::Permit(crate::wall::PermitFault::Rule(_, fault))) => {
            RuleError::Fault(fault)
        }
        other => RuleError::Write(other),
    }
}
