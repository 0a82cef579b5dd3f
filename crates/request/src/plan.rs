//! The verbs of a plan, and a plan as scripts and pages see it.

use serde::{Deserialize, Serialize};

/// A plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Plan {
    /// May be empty.
    pub text: String,
    /// When it is to be.
    pub date: Option<String>,
    /// In the order in which they were said first.
    pub steps: Vec<Step>,
    /// In the order in which they were said first.
    pub wishes: Vec<Wish>,
    /// Since when it is finished; null while it is not.
    pub finished_on: Option<String>,
    /// The name of whoever said so.
    pub finished_by: Option<String>,
}

/// A step of a plan.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Step {
    /// Its place, from 1; it changes when something before it falls away.
    pub number: u64,
    /// A short name that stays.
    pub step: String,
    /// What is to be done.
    pub text: String,
    /// The names of those whose step it is.
    pub owners: Vec<String>,
    /// Until when.
    pub due: Option<String>,
    /// `open`, `done` or `confirmed`.
    pub state: String,
    /// The names of those who ask that it is confirmed.
    pub confirm_asked_by: Vec<String>,
    /// The name of whoever said that it is done.
    pub done_by: Option<String>,
    /// On which day.
    pub done_on: Option<String>,
}

/// A wish for a plan.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Wish {
    /// Its place, as `w1`.
    pub number: String,
    /// A short name that stays.
    pub wish: String,
    /// `place`, `thing` or `food`.
    pub what: What,
    /// In words.
    pub text: String,
    /// The name of whoever wished it first.
    pub by: String,
}

/// What a wish is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somewhere to go.
    Place,
    /// Something to do or to have.
    Thing,
    /// Something to eat or drink.
    Food,
}

/// Whose a step is, as its writer says it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The writer's.
    Me,
    /// The other's.
    Partner,
    /// Of both.
    Both,
}

/// The verbs of a plan. `id` is any unique beginning of an id; `step` and `item` a number or any unique beginning of a short
/// name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Plan explains them"
)]
pub enum PlanRequest {
    /// A new one.
    Add {
        title: String,
        text: String,
        language: String,
        date: Option<String>,
    },
    /// Another title, text or day; what is absent stays.
    Edit {
        id: String,
        title: Option<String>,
        text: Option<String>,
        #[serde(default, with = "super::double_option")]
        date: Option<Option<String>>,
    },
    /// A step more.
    Step {
        id: String,
        text: String,
        owner: Owner,
        due: Option<String>,
        confirm: bool,
    },
    /// Other words for a step; what is absent stays.
    ChangeStep {
        id: String,
        step: String,
        text: Option<String>,
        owner: Option<Owner>,
        #[serde(default, with = "super::double_option")]
        due: Option<Option<String>>,
        /// Whether this person asks that it is confirmed.
        confirm: Option<bool>,
    },
    /// A step is done, today where no day is named.
    Done {
        id: String,
        step: String,
        on: Option<String>,
    },
    /// Take back one's own word of a step; without one, a finished plan goes on again.
    Undo { id: String, step: Option<String> },
    /// What the partner said is done is so.
    Confirm { id: String, step: String },
    /// A wish more.
    Wish {
        id: String,
        what: What,
        text: String,
    },
    /// A step or wish falls away.
    Drop { id: String, item: String },
    /// It is finished, today where no day is named.
    Finish { id: String, on: Option<String> },
}
