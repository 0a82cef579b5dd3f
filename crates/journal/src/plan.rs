//! Plans: something to do together, in steps, with wishes for it.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 step | id (8 bytes), owner (0 who writes it, 1 the other, 2 both), asks to be confirmed (0 or 1), due (nothing, or `YYYY-MM-DD`), words |
//! | 17 done | the step's id, the day, the hash of the step's statement that was done |
//! | 18 undo | the hash of one's own 17 or 19, which is taken back |
//! | 19 confirm | the hash of the other's 17 |
//! | 20 wish | id (8 bytes), what (0 a place, 1 a thing, 2 food), words |
//! | 21 drop | the id of a step or wish |
//! | 22 finish | the day; nothing where the plan goes on again |
//!
//! Both say all of it. Of steps and wishes with one id the last stands, by the entry's order, and so does a drop. A step is
//! done in the words that it had: in other words it is open again. Whether it asks to be confirmed is each person's own word,
//! so that neither takes back what the other asked. A confirmation counts where it names what the other said, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::agreement::{Field, RuleError, plain};
use crate::entry::{self, Entry};
use crate::kind::Person;
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, Statement, Writer};
use crate::schema::{DATE, is_date};

const STEP: u8 = 16;
const DONE: u8 = 17;
const UNDO: u8 = 18;
const CONFIRM: u8 = 19;
const WISH: u8 = 20;
const DROP: u8 = 21;
const FINISH: u8 = 22;

/// Bytes of the words of a step or wish.
pub const ITEM_BYTES: usize = 2_000;
/// Steps and wishes that one person may put into one plan.
pub const ITEMS: usize = 300;

/// The name of a step or wish: random bytes.
pub type ItemId = [u8; 8];

/// Whose a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// One person's, seen from whoever says or sees it.
    One(Person),
    /// Of both.
    Both,
}

/// What a wish is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum What {
    /// Somewhere to go.
    Place = 0,
    /// Something to do or to have.
    Thing = 1,
    /// Something to eat or drink.
    Food = 2,
}

/// What can be said of a plan.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// A step, or other words for one that is there.
    Step {
        /// Its name.
        id: ItemId,
        /// Whose it is, seen from the writer.
        owner: Owner,
        /// Whether the other is asked to confirm that it is done.
        asks: bool,
        /// Until when, as `YYYY-MM-DD`.
        due: Option<String>,
        /// What is to be done.
        text: String,
    },
    /// A step is done.
    Done {
        /// Which.
        step: ItemId,
        /// On which day.
        on: String,
        /// The hash of the step's statement, as it was seen.
        version: [u8; 32],
    },
    /// One's own word of something done, or confirmed, is taken back: its hash.
    Undo([u8; 32]),
    /// What the other said is done is so: the hash of their statement.
    Confirm([u8; 32]),
    /// A wish, or other words for one that is there.
    Wish {
        /// Its name.
        id: ItemId,
        /// What it is for.
        what: What,
        /// In words.
        text: String,
    },
    /// A step or wish falls away.
    Drop(ItemId),
    /// The plan is finished since this day; or it goes on again.
    Finish(Option<String>),
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepState {
    /// To be done.
    Open,
    /// One of the two said that it is done. Where it asks to be confirmed, it waits for that.
    Done,
    /// The other said so too.
    Confirmed,
}

/// A step as it stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub id: ItemId,
    /// What is to be done.
    pub text: String,
    /// Whose it is, seen from here.
    pub owner: Owner,
    /// Until when.
    pub due: Option<String>,
    /// Who asks that it is confirmed.
    pub asked_by: Vec<Person>,
    /// Where it stands.
    pub state: StepState,
    /// Who said last that it is done, and on which day.
    pub done: Option<(Person, String)>,
    /// The hash by which a done step is confirmed.
    pub done_hash: Option<[u8; 32]>,
    /// The hash of the statement whose words these are.
    pub version: [u8; 32],
    /// What of this I can take back: my confirmation first, else my word that it is done.
    pub mine_to_undo: Option<[u8; 32]>,
}

/// A wish as it stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Its name.
    pub id: ItemId,
    /// What it is for.
    pub what: What,
    /// In words.
    pub text: String,
    /// Who wished it first.
    pub by: Person,
}

/// A plan as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// One line, may be empty.
    pub title: String,
    /// May be empty.
    pub text: String,
    /// When it is to be.
    pub date: Option<String>,
    /// In the order in which they were said first.
    pub steps: Vec<Step>,
    /// In the order in which they were said first.
    pub wishes: Vec<Wish>,
    /// Since when it is finished, and who said so.
    pub finished: Option<(Person, String)>,
}

impl std::fmt::Debug for Step {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Step({:?}, {:?})", self.id, self.state)
    }
}

impl std::fmt::Debug for Wish {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wish({:?}, {:?})", self.id, self.what)
    }
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("steps", &self.steps)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Plan(say)
    }
}

impl Owner {
    fn byte(self) -> u8 {
        match self {
            Owner::One(Person::Me) => 0,
            Owner::One(Person::Partner) => 1,
            Owner::Both => 2,
        }
    }

    /// What its writer said of it, seen from here.
    fn seen(self, writer: Person) -> Owner {
        match (self, writer) {
            (Owner::One(person), Person::Partner) => Owner::One(person.other()),
            (owner, _) => owner,
        }
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        let day = |day: &Option<String>| day.as_deref().unwrap_or_default().as_bytes().to_vec();
        match self {
            Say::Step {
                id,
                owner,
                asks,
                due,
                text,
            } => (
                STEP,
                vec![
                    id.to_vec(),
                    vec![owner.byte()],
                    vec![u8::from(*asks)],
                    day(due),
                    text.as_bytes().to_vec(),
                ],
            ),
            Say::Done { step, on, version } => (
                DONE,
                vec![step.to_vec(), on.as_bytes().to_vec(), version.to_vec()],
            ),
            Say::Undo(hash) => (UNDO, vec![hash.to_vec()]),
            Say::Confirm(hash) => (CONFIRM, vec![hash.to_vec()]),
            Say::Wish { id, what, text } => (
                WISH,
                vec![id.to_vec(), vec![*what as u8], text.as_bytes().to_vec()],
            ),
            Say::Drop(id) => (DROP, vec![id.to_vec()]),
            Say::Finish(on) => (FINISH, vec![day(on)]),
        }
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        match (statement.verb, statement.items.as_slice()) {
            (STEP, [id, owner, asks, due, text]) => Ok(Say::Step {
                id: exact(id)?,
                owner: match owner.as_slice() {
                    [0] => Owner::One(Person::Me),
                    [1] => Owner::One(Person::Partner),
                    [2] => Owner::Both,
                    _ => return Err(RuleFault::Malformed),
                },
                asks: match asks.as_slice() {
                    [0] => false,
                    [1] => true,
                    _ => return Err(RuleFault::Malformed),
                },
                due: day_or_none(due)?,
                text: some_words(text)?,
            }),
            (DONE, [step, on, version]) => Ok(Say::Done {
                step: exact(step)?,
                on: day_or_none(on)?.ok_or(RuleFault::Malformed)?,
                version: exact(version)?,
            }),
            (UNDO, [hash]) => Ok(Say::Undo(exact(hash)?)),
            (CONFIRM, [hash]) => Ok(Say::Confirm(exact(hash)?)),
            (WISH, [id, what, text]) => Ok(Say::Wish {
                id: exact(id)?,
                what: match what.as_slice() {
                    [0] => What::Place,
                    [1] => What::Thing,
                    [2] => What::Food,
                    _ => return Err(RuleFault::Malformed),
                },
                text: some_words(text)?,
            }),
            (DROP, [id]) => Ok(Say::Drop(exact(id)?)),
            (FINISH, [on]) => Ok(Say::Finish(day_or_none(on)?)),
            (STEP..=FINISH, _) => Err(RuleFault::Malformed),
            (verb, _) => Err(RuleFault::Verb(verb)),
        }
    }

    /// What a person may say here beyond what the wall asks: only of what is there.
    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        let there = |is: &dyn Fn(&View) -> bool| {
            if is(&entry.plan()) {
                Ok(())
            } else {
                Err(RuleFault::Names.into())
            }
        };
        match self {
            Say::Step { text, .. } | Say::Wish { text, .. } => one_line(text),
            Say::Done { step, version, .. } => there(&|plan| {
                let of = |s: &Step| s.id == *step && s.version == *version;
                plan.steps.iter().any(of)
            }),
            Say::Confirm(hash) => there(&|plan| {
                let of = |s: &Step| s.done_hash == Some(*hash);
                plan.steps.iter().any(of)
            }),
            Say::Drop(id) => there(&|plan| {
                plan.steps.iter().any(|step| step.id == *id)
                    || plan.wishes.iter().any(|wish| wish.id == *id)
            }),
            // The wall knows what is one's own.
            Say::Undo(_) | Say::Finish(_) => Ok(()),
        }
    }
}

/// Words that are there, fit, and stand in one line beside others.
fn one_line(text: &str) -> Result<(), RuleError> {
    if text.trim().is_empty() {
        return Err(RuleFault::Empty.into());
    }
    if text.len() > ITEM_BYTES {
        return Err(RuleFault::TooLong.into());
    }
    match text.chars().find(|c| matches!(c, '\n' | '\t')) {
        Some(character) => Err(RuleError::Character {
            field: Field::Text,
            character,
        }),
        None => plain(Field::Text, text),
    }
}

fn some_words(item: &[u8]) -> Result<String, RuleFault> {
    let text = words(item, ITEM_BYTES)?;
    if text.trim().is_empty() {
        return Err(RuleFault::Empty);
    }
    Ok(text.to_owned())
}

fn day_or_none(item: &[u8]) -> Result<Option<String>, RuleFault> {
    match words(item, 10)? {
        "" => Ok(None),
        day if is_date(day) => Ok(Some(day.to_owned())),
        _ => Err(RuleFault::Malformed),
    }
}

pub(crate) fn rule(_: &Writer, past: Past<'_>, statement: &Statement) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return match begun(&[statement]) {
            Some(begin) if begin.role != 0 => Err(RuleFault::Role(begin.role)),
            _ => Ok(()),
        };
    }
    let said = |verbs: &[u8], hash: &[u8; 32]| {
        past.iter()
            .any(|said| verbs.contains(&said.verb) && said.hash() == *hash)
    };
    match Say::read(statement)? {
        Say::Step { id, .. } | Say::Wish { id, .. } => {
            let ids: BTreeSet<&[u8]> = past
                .iter()
                .filter(|said| matches!(said.verb, STEP | WISH))
                .filter_map(|said| said.items.first().map(Vec::as_slice))
                .collect();
            if ids.len() >= ITEMS && !ids.contains(id.as_slice()) {
                return Err(RuleFault::TooLong);
            }
            Ok(())
        }
        Say::Undo(hash) if !said(&[DONE, CONFIRM], &hash) => Err(RuleFault::Names),
        // Nobody confirms their own word.
        Say::Confirm(hash) if said(&[DONE], &hash) => Err(RuleFault::OnlyOther),
        _ => Ok(()),
    }
}

/// Something that a person said to be done, and did not take back.
struct Doing {
    person: Person,
    hash: [u8; 32],
    on: String,
    version: [u8; 32],
}

/// Everything said of a plan, gathered in the entry's order.
#[derive(Default)]
struct Gathered {
    /// Names in the order in which they were said first, and by whom.
    order: Vec<(ItemId, Person)>,
    steps: BTreeMap<ItemId, Option<Step>>,
    wishes: BTreeMap<ItemId, Option<(What, String)>>,
    /// Each person's own last word of whether a step asks to be confirmed.
    asks: BTreeMap<(ItemId, Person), bool>,
    /// The words of each version of a step.
    versions: BTreeMap<(ItemId, [u8; 32]), String>,
    dones: Vec<(ItemId, Doing)>,
    /// Whose confirmations name what, with their own hash.
    confirms: Vec<(Person, [u8; 32], [u8; 32])>,
    undone: BTreeSet<(Person, [u8; 32])>,
    finished: Option<(Person, String)>,
}

impl Gathered {
    fn hear(&mut self, person: Person, hash: [u8; 32], say: Say) {
        match say {
            Say::Step {
                id,
                owner,
                asks,
                due,
                text,
            } => {
                self.note(id, person);
                self.asks.insert((id, person), asks);
                self.versions.insert((id, hash), text.clone());
                let step = Step {
                    id,
                    text,
                    owner: owner.seen(person),
                    due,
                    asked_by: Vec::new(),
                    state: StepState::Open,
                    done: None,
                    done_hash: None,
                    version: hash,
                    mine_to_undo: None,
                };
                self.steps.insert(id, Some(step));
            }
            Say::Wish { id, what, text } => {
                self.note(id, person);
                self.wishes.insert(id, Some((what, text)));
            }
            Say::Drop(id) => {
                self.steps.entry(id).and_modify(|step| *step = None);
                self.wishes.entry(id).and_modify(|wish| *wish = None);
            }
            Say::Done { step, on, version } => {
                let doing = Doing {
                    person,
                    hash,
                    on,
                    version,
                };
                self.dones.push((step, doing));
            }
            Say::Confirm(of) => self.confirms.push((person, of, hash)),
            Say::Undo(of) => {
                self.undone.insert((person, of));
            }
            Say::Finish(on) => self.finished = on.map(|on| (person, on)),
        }
    }

    fn note(&mut self, id: ItemId, person: Person) {
        if !self.order.iter().any(|(known, _)| *known == id) {
            self.order.push((id, person));
        }
    }

    /// A step with what was said of its being done.
    fn settled(&self, mut step: Step) -> Step {
        let words = |doing: &Doing| self.versions.get(&(step.id, doing.version));
        let standing: Vec<&Doing> = self
            .dones
            .iter()
            .filter(|(id, doing)| *id == step.id && words(doing) == Some(&step.text))
            .map(|(_, doing)| doing)
            .filter(|doing| !self.undone.contains(&(doing.person, doing.hash)))
            .collect();
        let confirmed_by = |doing: &&Doing| {
            self.confirms
                .iter()
                .filter(|(person, of, hash)| {
                    *of == doing.hash
                        && *person == doing.person.other()
                        && !self.undone.contains(&(*person, *hash))
                })
                .map(|(person, _, hash)| (*person, *hash))
                .next_back()
        };
        let confirmations: Vec<(Person, [u8; 32])> =
            standing.iter().filter_map(confirmed_by).collect();
        let by = |person: Person| standing.iter().any(|doing| doing.person == person);
        step.state = match standing.last() {
            None => StepState::Open,
            // Where both said it, each confirms the other.
            Some(_) if !confirmations.is_empty() || (by(Person::Me) && by(Person::Partner)) => {
                StepState::Confirmed
            }
            Some(_) => StepState::Done,
        };
        step.done = standing.last().map(|last| (last.person, last.on.clone()));
        step.done_hash = standing.last().map(|last| last.hash);
        step.asked_by = [Person::Me, Person::Partner]
            .into_iter()
            .filter(|person| self.asks.get(&(step.id, *person)) == Some(&true))
            .collect();
        let mine = |(person, hash): &(Person, [u8; 32])| (*person == Person::Me).then_some(*hash);
        step.mine_to_undo = confirmations.iter().find_map(mine).or_else(|| {
            let mine = |doing: &&&Doing| doing.person == Person::Me;
            standing.iter().rev().find(mine).map(|doing| doing.hash)
        });
        step
    }
}

impl Entry<'_> {
    /// The plan that this entry is.
    #[must_use]
    pub fn plan(&self) -> View {
        let mut gathered = Gathered::default();
        for told in self.statements() {
            if let Ok(say) = Say::read(&told.say) {
                gathered.hear(told.person, told.say.hash(), say);
            }
        }
        let current = self.current();
        let steps = gathered
            .order
            .iter()
            .filter_map(|(id, _)| gathered.steps.get(id).cloned().flatten())
            .map(|step| gathered.settled(step))
            .collect();
        let wishes = gathered
            .order
            .iter()
            .filter_map(|(id, by)| {
                let (what, text) = gathered.wishes.get(id).cloned().flatten()?;
                Some(Wish {
                    id: *id,
                    what,
                    text,
                    by: *by,
                })
            })
            .collect();
        View {
            title: current.title,
            text: current.text,
            date: self
                .shared
                .field(DATE, None)
                .filter(|date| !date.is_empty()),
            steps,
            wishes,
            finished: gathered.finished,
        }
    }
}

impl View {
    /// Whether one of my steps, or of both, is due on this day or was before.
    #[must_use]
    pub fn is_due(&self, today: &str) -> bool {
        let due = |step: &Step| {
            step.state == StepState::Open
                && step.owner != Owner::One(Person::Partner)
                && step.due.as_ref().is_some_and(|due| due.as_str() <= today)
        };
        self.finished.is_none() && self.steps.iter().any(due)
    }

    /// Whether something that the partner did waits for me to confirm it.
    #[must_use]
    pub fn waits_to_be_confirmed(&self) -> bool {
        let by_partner =
            |step: &Step| matches!(&step.done, Some((person, _)) if *person == Person::Partner);
        let waits = |step: &Step| {
            step.state == StepState::Done && !step.asked_by.is_empty() && by_partner(step)
        };
        self.finished.is_none() && self.steps.iter().any(waits)
    }
}
