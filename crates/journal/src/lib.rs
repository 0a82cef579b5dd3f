//! The journal of Amends: what its entries are made of, the rules that they follow, and the wall that
//! every change passes before it is believed.
//!
//! An entry is made of [parts](Part), each a small Automerge document: the shared one that both people
//! write, and each person's own. [`Entry`] looks at the three parts of one entry together: it says what
//! is in force and what was said, and writes. [`wall::admit`] takes what arrives.
//!
//! ```
//! use amends_journal::{Actor, Entry, Draft, EntryId, EntryKind, Part, PartKind, State, Writer, propose, wall};
//!
//! let entry = EntryId([7; 16]);
//! let writer = |n| Writer {
//!     journal: [9; 32], entry, log: [n; 32], device: Actor([n; 16]), actor: Actor([n; 16]), alone: false,
//! };
//! let (ana, bo) = (writer(1), writer(2));
//! let new = |part| Part::new(EntryKind::Boundary, 1, part).unwrap();
//!
//! // Ana proposes.
//! let draft = Draft { title: "Evenings", text: "Phones away at dinner.", language: "en", ..Draft::default() };
//! let proposed = propose(&ana, 0, &draft).unwrap();
//!
//! // Her changes arrive at Bo's, who agrees to exactly this text.
//! let slices = |changes: &[Vec<u8>]| -> Vec<Vec<u8>> { changes.to_vec() };
//! let admit = |part: &Part, from: &Writer, changes: &[Vec<u8>]| {
//!     wall::admit(part, from, &changes.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
//! };
//! let shared = admit(&new(PartKind::Shared), &ana, &slices(&proposed.shared.changes));
//! let anas = admit(&new(PartKind::Own), &ana, &slices(&proposed.own.changes));
//! let mine = new(PartKind::Own);
//! let agreed = Entry { entry, shared: &shared, mine: &mine, partners: &anas }.agree(&bo, 0).unwrap().unwrap();
//!
//! let view = Entry { entry, shared: &shared, mine: &agreed.part, partners: &anas }.agreement();
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

// What makes hostile changes in `tests/common` knows this crate by its name, also where a test in here calls it.
#[cfg(test)]
extern crate self as amends_journal;

mod act;
mod agreement;
pub mod apology;
pub mod carry;
pub mod checkin;
pub mod draft;
mod entry;
pub mod feeling;
mod hash;
mod history;
mod ids;
mod kind;
mod lesson;
pub mod memory;
pub mod packet;
mod part;
pub mod plan;
mod rule;
mod said;
pub mod schedule;
mod schema;
mod seen;
pub mod space;
pub mod talk;
mod versions;
pub mod wall;
mod write;

pub use act::{Act, ActFault, ActId, ENDS, GREATEST_N, HEADS, REASON_BYTES, Verb};
pub use agreement::{
    Agreed, AgreementView, Draft, Edit, Field, Proposed, RuleError, ShownAct, Standing, State,
    TEXT_BYTES, TITLE_CHARACTERS, TextField, TextVersion, merge, propose,
};
pub use entry::{Begun, Entry, Say, Short, Told, View, begin};
pub use hash::{agree_hash, content_digest, together_hash};
pub use ids::{Actor, EntryId, FindError, LEAST_WORDS, WORDS};
pub use kind::{EntryKind, PartAddress, PartKind, Person};
pub use part::{LoadError, Part, SNAPSHOT_BYTES};
pub use rule::RuleFault;
pub use said::{BEGIN, Begin, STATEMENT_BYTES, STATEMENT_ITEMS, Statement, StatementFault, Writer};
pub use schema::{SCHEMA, UnknownSchema, first_change, known};
pub use versions::{Piece, Version, difference};
pub use wall::Refusal;
pub use write::{PART_BYTES, WRITTEN_BYTES, WRITTEN_OPERATIONS, WriteError, Written};
