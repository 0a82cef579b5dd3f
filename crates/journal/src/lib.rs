//! The journal of Amends: what its entries are made of, the rules that they follow, and the wall that
//! every change passes before it is believed.
//!
//! An entry is made of [parts](Part), each a small Automerge document: the shared one that both people
//! write, and each person's own. [`Boundary`] looks at three parts of one entry together: it says what
//! is in force, and writes. [`wall::admit`] takes what arrives.
//!
//! ```
//! use amends_journal::{Actor, Boundary, Draft, EntryId, EntryKind, Part, PartKind, State, propose, wall};
//!
//! let (ana, bo) = (Actor([1; 16]), Actor([2; 16]));
//! let entry = EntryId([7; 16]);
//! let new = |part| Part::new(EntryKind::Boundary, 1, part).unwrap();
//!
//! // Ana proposes.
//! let draft = Draft { title: "Evenings", text: "Phones away at dinner.", language: "en", review_on: None };
//! let proposed = propose(entry, &ana, 0, &draft).unwrap();
//!
//! // Her changes arrive at Bo's, who agrees to exactly this text.
//! let slices = |changes: &[Vec<u8>]| -> Vec<Vec<u8>> { changes.to_vec() };
//! let admit = |part: &Part, from: &Actor, changes: &[Vec<u8>]| {
//!     wall::admit(part, from, &changes.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
//! };
//! let shared = admit(&new(PartKind::Shared), &ana, &slices(&proposed.shared.changes));
//! let anas = admit(&new(PartKind::Own), &ana, &slices(&proposed.own.changes));
//! let mine = new(PartKind::Own);
//! let agreed = Boundary { entry, shared: &shared, mine: &mine, partners: &anas }.agree(&bo, 0).unwrap().unwrap();
//!
//! let view = Boundary { entry, shared: &shared, mine: &agreed.part, partners: &anas }.view();
//! assert_eq!(view.state, State::Agreed);
//! assert_eq!(view.in_force.unwrap().text, "Phones away at dinner.");
//! ```
//!
//! Nothing here knows keys, logs, envelopes, clocks or files: the actor, the time and the random entry
//! id come in as arguments.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable,
        clippy::todo
    )
)]

mod act;
mod boundary;
mod hash;
mod history;
mod ids;
mod kind;
mod part;
mod schema;
pub mod wall;
mod write;

pub use act::{Act, ActFault, ActId, ENDS, GREATEST_N, HEADS, REASON_BYTES, Verb};
pub use boundary::{
    Boundary, BoundaryView, Draft, Edit, Field, Proposed, RuleError, ShownAct, Standing, State,
    TEXT_BYTES, TITLE_CHARACTERS, TextField, TextVersion, propose,
};
pub use hash::{agree_hash, together_hash};
pub use ids::{Actor, EntryId, FindError, LEAST_WORDS, WORDS};
pub use kind::{EntryKind, PartAddress, PartKind, Person};
pub use part::{LoadError, Part, SNAPSHOT_BYTES};
pub use schema::{BOUNDARY_SCHEMA, UnknownSchema, first_change, known};
pub use wall::Refusal;
pub use write::{PART_BYTES, WRITTEN_BYTES, WRITTEN_OPERATIONS, WriteError, Written};
