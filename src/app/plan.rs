//! Plans: what is asked of them, and how scripts see them.

use amends_journal::{EntryId, EntryKind, Person, View, plan};
use amends_replica::{Beginnings, Change, Edit, Words};

use super::App;
use super::answers::{Store, Typed, today};
use super::stores::{internal, system_rng};
use crate::advice::Advice;
use crate::request::{Failure, Owner, Plan, PlanRequest, Response, Step, What, Wish};

const KIND: &str = "plan";
/// Words of five letters that an item's id has.
const ITEM_WORDS: usize = 4;

impl App {
    /// One of the verbs of a plan.
    pub(super) fn plan(&mut self, request: PlanRequest) -> Result<Response, Failure> {
        match request {
            PlanRequest::Add {
                title,
                text,
                language,
                date,
            } => {
                let typed = Typed {
                    date: date.clone().unwrap_or_default(),
                    language: language.clone(),
                    ..Typed::default()
                };
                let words = Words {
                    title,
                    text,
                    language,
                    date,
                    ..Words::default()
                };
                let edit = Edit::Begin(Beginnings {
                    kind: EntryKind::Plan,
                    role: 0,
                    from: None,
                    words: Some(words),
                    agreed: false,
                    says: Vec::new(),
                });
                self.answer(Store::Journal, edit, &typed)
            }
            PlanRequest::Edit {
                id,
                title,
                text,
                date,
            } => {
                let entry = self.find_of(KIND, &id)?;
                let typed = Typed {
                    date: date.clone().flatten().unwrap_or_default(),
                    ..Typed::id(&id)
                };
                let change = Change {
                    title,
                    text,
                    date,
                    ..Change::default()
                };
                self.answer(Store::Journal, Edit::Change { entry, change }, &typed)
            }
            PlanRequest::Step {
                id,
                text,
                owner,
                due,
                confirm,
            } => {
                let (entry, view) = self.plan_of(&id)?;
                let step = plan::Say::Step {
                    id: new_item(&view),
                    owner: owner_of(owner),
                    asks: confirm,
                    due,
                    text,
                };
                self.say_of_plan(&id, entry, step)
            }
            PlanRequest::ChangeStep {
                id,
                step,
                text,
                owner,
                due,
                confirm,
            } => {
                let (entry, view) = self.plan_of(&id)?;
                let before = step_of(&view, &id, &step)?;
                let step = plan::Say::Step {
                    id: before.id,
                    owner: owner.map_or(before.owner, owner_of),
                    asks: confirm.unwrap_or_else(|| before.asked_by.contains(&Person::Me)),
                    due: due.unwrap_or_else(|| before.due.clone()),
                    text: text.unwrap_or_else(|| before.text.clone()),
                };
                self.say_of_plan(&id, entry, step)
            }
            PlanRequest::Done { id, step, on } => {
                let (entry, view) = self.plan_of(&id)?;
                let step = step_of(&view, &id, &step)?;
                let say = plan::Say::Done {
                    step: step.id,
                    on: on.unwrap_or_else(today),
                    version: step.version,
                };
                self.say_of_plan(&id, entry, say)
            }
            PlanRequest::Undo {
                id,
                step: Some(step),
            } => {
                let (entry, view) = self.plan_of(&id)?;
                let found = step_of(&view, &id, &step)?;
                let hash = found.mine_to_undo.ok_or(Advice::NothingToUndo {
                    id: id.clone(),
                    step,
                })?;
                self.say_of_plan(&id, entry, plan::Say::Undo(hash))
            }
            PlanRequest::Undo { id, step: None } => {
                let (entry, _) = self.plan_of(&id)?;
                self.say_of_plan(&id, entry, plan::Say::Finish(None))
            }
            PlanRequest::Confirm { id, step } => {
                let (entry, view) = self.plan_of(&id)?;
                let found = step_of(&view, &id, &step)?;
                match (&found.done, found.done_hash) {
                    (Some((Person::Partner, _)), Some(hash)) => {
                        self.say_of_plan(&id, entry, plan::Say::Confirm(hash))
                    }
                    (Some(_), _) => Err(Advice::OwnWordConfirmed { id, step }.into()),
                    _ => Err(Advice::StepNotDone { id, step }.into()),
                }
            }
            PlanRequest::Wish { id, what, text } => {
                let (entry, view) = self.plan_of(&id)?;
                let wish = plan::Say::Wish {
                    id: new_item(&view),
                    what: match what {
                        What::Place => plan::What::Place,
                        What::Thing => plan::What::Thing,
                        What::Food => plan::What::Food,
                    },
                    text,
                };
                self.say_of_plan(&id, entry, wish)
            }
            PlanRequest::Drop { id, item } => {
                let (entry, view) = self.plan_of(&id)?;
                let wish = numbered(&item, "w").and_then(|at| view.wishes.get(at));
                let found = match wish {
                    Some(wish) => wish.id,
                    None => item_of(&view, &id, &item)?,
                };
                self.say_of_plan(&id, entry, plan::Say::Drop(found))
            }
            PlanRequest::Finish { id, on } => {
                let (entry, _) = self.plan_of(&id)?;
                let on = Some(on.unwrap_or_else(today));
                self.say_of_plan(&id, entry, plan::Say::Finish(on))
            }
        }
    }

    /// The plan whose id begins so, as it stands.
    fn plan_of(&mut self, typed: &str) -> Result<(EntryId, plan::View), Failure> {
        let entry = self.find_of(KIND, typed)?;
        match self.card_of(Store::Journal, &entry).map(|card| &card.view) {
            Some(View::Plan(view)) => Ok((entry, view.clone())),
            _ => Err(internal(&"a plan has no card of a plan")),
        }
    }

    fn say_of_plan(
        &mut self,
        typed: &str,
        entry: EntryId,
        say: plan::Say,
    ) -> Result<Response, Failure> {
        let says = vec![say.into()];
        self.answer(Store::Journal, Edit::Say { entry, says }, &Typed::id(typed))
    }

    /// A plan, as scripts see it.
    pub(super) fn plan_seen(&self, view: &plan::View) -> (String, String, Plan) {
        let name = |person: Person| self.name_of_person(person);
        let short = |id: &plan::ItemId| short_of(view, id);
        let steps = (1..).zip(&view.steps).map(|(number, step)| Step {
            number,
            step: short(&step.id),
            text: step.text.clone(),
            owners: match step.owner {
                plan::Owner::One(person) => vec![name(person)],
                plan::Owner::Both => vec![name(Person::Me), name(Person::Partner)],
            },
            due: step.due.clone(),
            state: match step.state {
                plan::StepState::Open => "open",
                plan::StepState::Done => "done",
                plan::StepState::Confirmed => "confirmed",
            }
            .to_owned(),
            confirm_asked_by: step.asked_by.iter().map(|person| name(*person)).collect(),
            done_by: step.done.as_ref().map(|(person, _)| name(*person)),
            done_on: step.done.as_ref().map(|(_, on)| on.clone()),
        });
        let wishes = (1..)
            .zip(&view.wishes)
            .map(|(number, wish): (u64, _)| Wish {
                number: format!("w{number}"),
                wish: short(&wish.id),
                what: match wish.what {
                    plan::What::Place => What::Place,
                    plan::What::Thing => What::Thing,
                    plan::What::Food => What::Food,
                },
                text: wish.text.clone(),
                by: name(wish.by),
            });
        let seen = Plan {
            text: view.text.clone(),
            date: view.date.clone(),
            steps: steps.collect(),
            wishes: wishes.collect(),
            finished_on: view.finished.as_ref().map(|(_, on)| on.clone()),
            finished_by: view.finished.as_ref().map(|(person, _)| name(*person)),
        };
        let state = if view.finished.is_some() {
            "finished"
        } else {
            "open"
        };
        (view.title.clone(), state.to_owned(), seen)
    }
}

/// What a plan waits for from this person.
pub(super) fn waits(view: &plan::View, today: &str) -> Option<&'static str> {
    match (view.waits_to_be_confirmed(), view.is_due(today)) {
        (true, _) => Some("confirm"),
        (_, true) => Some("due"),
        _ => None,
    }
}

fn owner_of(owner: Owner) -> plan::Owner {
    match owner {
        Owner::Me => plan::Owner::One(Person::Me),
        Owner::Partner => plan::Owner::One(Person::Partner),
        Owner::Both => plan::Owner::Both,
    }
}

/// An id in words, as those of entries are.
fn words_of(id: &plan::ItemId, words: usize) -> String {
    let mut whole = [0; 16];
    whole.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    EntryId(whole).words(words)
}

fn items(view: &plan::View) -> impl Iterator<Item = plan::ItemId> + '_ {
    let steps = view.steps.iter().map(|step| step.id);
    steps.chain(view.wishes.iter().map(|wish| wish.id))
}

/// As many words of an id as no other item of the plan has.
fn short_of(view: &plan::View, id: &plan::ItemId) -> String {
    (1..ITEM_WORDS)
        .map(|words| words_of(id, words))
        .find(|short| {
            !items(view)
                .any(|other| other != *id && words_of(&other, ITEM_WORDS).starts_with(short))
        })
        .unwrap_or_else(|| words_of(id, ITEM_WORDS))
}

/// A random id, the first word of which no other item of the plan has, if that can be.
fn new_item(view: &plan::View) -> plan::ItemId {
    use rand_core::Rng;
    let mut id = [0; 8];
    for _ in 0..64 {
        system_rng().fill_bytes(&mut id);
        if !items(view).any(|other| words_of(&other, 1) == words_of(&id, 1)) {
            break;
        }
    }
    id
}

/// `2` names the second, `w2` with `w` before it.
fn numbered(typed: &str, before: &str) -> Option<usize> {
    let number = typed.strip_prefix(before)?;
    number.parse::<usize>().ok()?.checked_sub(1)
}

fn step_of<'a>(view: &'a plan::View, plan: &str, typed: &str) -> Result<&'a plan::Step, Failure> {
    let unknown = || Failure::from(unknown(plan, typed));
    if let Some(at) = numbered(typed, "") {
        return view.steps.get(at).ok_or_else(unknown);
    }
    let id = item_of(view, plan, typed)?;
    let step = view.steps.iter().find(|step| step.id == id);
    step.ok_or_else(unknown)
}

/// The one step or wish that a number or a beginning of a short name says.
fn item_of(view: &plan::View, plan: &str, typed: &str) -> Result<plan::ItemId, Failure> {
    if let Some(step) = numbered(typed, "").and_then(|at| view.steps.get(at)) {
        return Ok(step.id);
    }
    let typed_lower = typed.to_lowercase();
    let mut found = items(view)
        .filter(|id| !typed.is_empty() && words_of(id, ITEM_WORDS).starts_with(&typed_lower));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        _ => Err(unknown(plan, typed).into()),
    }
}

fn unknown(plan: &str, typed: &str) -> Advice {
    Advice::UnknownItem {
        id: plan.to_owned(),
        item: typed.to_owned(),
    }
}
