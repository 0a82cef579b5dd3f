//! One device's whole behaviour, without IO: what it is given goes into [`Replica::handle`], what it wants done comes out
//! as [`Effect`]s in the order in which they are to be done.
//!
//! The way of one edit: [`Input::Edit`] becomes an Automerge change (`amends_journal`), goes as a signed [`Record`] into
//! this device's log, is sealed as an envelope (`amends_keys::seal`), and comes out as `[Save, Show, Send]`. On the other
//! device the frame is [`Input::Received`]: it passes the wall (`wall.rs` and `apply.rs`, PROTOCOL section 6) in two calls, since it is
//! marked before Automerge sees it: `[Save mark, Continue]`, then `[Show, Save, Send clock]`. The clock that comes back turns the
//! entry from waiting to reached.
//!
//! A bundle (`bundle.rs`) is the same by hand: envelopes and a clock in a file.
//!
//! Time, randomness and everything saved come in as a [`World`], so that a test can replay a whole meeting of two devices
//! byte by byte.
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

mod apply;
mod awaited;
mod blob;
mod branch;
mod bundle;
mod card;
mod chunks;
mod clock;
mod edit;
mod effect;
mod frame;
mod hands;
mod incarnation;
mod mend;
mod parts;
mod payload;
mod record;
mod replica;
mod rows;
mod send;
mod shelf;
mod standing;
mod sync;
mod waiting;
mod wall;

// So that the two devices in one thread of `tests` serve the tests beside the code too.
#[cfg(test)]
extern crate self as amends_replica;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

pub use apply::RECORD_OPERATIONS;
pub use blob::{BlobError, BlobProgress, BlobRef, BlobRefError, MOST_IN_ALL, MOST_OF_ENTRY};
pub use bundle::{
    BUNDLE_VERSION, BundleError, BundleItem, BundleParser, BundleRead, BundleWriter, ClockHeard,
};
pub use card::Card;
pub use clock::{Clock, Position};
pub use edit::{Beginnings, Change, Edit, EditError, NewPhoto, Words};
pub use effect::{Effect, HandleError, Input, LinkId, Shown, World};
pub use frame::{Frame, FrameError, KNOWS, VERSION};
pub use hands::{Hands, OneHand};
pub use incarnation::{Began, Incarnated, MOST_LOGS};
pub use mend::{Mended, mend_rows};
pub use payload::{Beginning, Incarnation, Item, PayloadError, read_items, write_items};
pub use record::{MAX_PAYLOAD, Record, RecordError, RecordHash, RecordKind, Seen, actor_of};
pub use replica::{Founding, Partner, Replica};
pub use rows::{RowError, RowSecret, Whose};
pub use shelf::{MemoryShelf, Row, Shelf, ShelfError, Table, Write};
pub use standing::{Cause, Meeting, SetAside};
pub use wall::{Refusal, claimed};
