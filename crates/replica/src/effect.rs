//! What goes into a replica and what comes out of it.

use amends_journal::EntryId;
use amends_keys::identity::StaticKey;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::bundle::{BundleItem, BundleRead};
use crate::edit::{Edit, EditError};
use crate::incarnation::Began;
use crate::rows::{RowError, Whose};
use crate::shelf::{Shelf, Write};

/// A session with another device, named by whoever carries the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What a replica is given with every input: the time, randomness, and what was saved.
pub struct World<'a> {
    /// Milliseconds since 1970 UTC. It is shown and orders nothing.
    pub now: i64,
    /// Salts and ids come from here.
    pub rng: &'a mut dyn CryptoRng,
    /// Everything that earlier [`Effect::Save`]s put there.
    pub shelf: &'a dyn Shelf,
}

/// Something that happens to a replica.
#[derive(Debug)]
pub enum Input<'a> {
    /// This person does something.
    Edit(Edit),
    /// A session with another device of the pair is open; its static key is proven.
    Met {
        /// The session.
        link: LinkId,
        /// The other device.
        device: StaticKey,
    },
    /// A session ended.
    Parted {
        /// The session.
        link: LinkId,
    },
    /// A frame came, opened by the session.
    Received {
        /// The session.
        link: LinkId,
        /// A [`crate::Frame`].
        frame: &'a [u8],
    },
    /// A bundle is about to be read.
    BundleOpened {
        /// What to call it, as no session is called.
        link: LinkId,
    },
    /// A piece of that bundle.
    Bundled {
        /// The bundle.
        link: LinkId,
        /// Its next item.
        item: &'a BundleItem,
    },
    /// That bundle is read, as far as it goes. [`Shown::BundleRead`] says what it brought.
    BundleClosed {
        /// The bundle.
        link: LinkId,
    },
    /// This home is found to be a copy of another one, or to have come out of a backup: nothing more is written into its
    /// present log, since another copy may be writing in it. The next edit begins a new incarnation.
    Copied,
    /// What [`Effect::Continue`] asked for.
    Continue,
}

/// What a replica wants done, in this order. Where a save fails, nothing after it is done, and the replica is loaded
/// again from what was saved.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// One transaction.
    Save {
        /// Its rows.
        writes: Vec<Write>,
        /// Whether it must outlive a power cut, or only this process (PROTOCOL section 6, step 6).
        durable: bool,
    },
    /// Something to show.
    Show(Shown),
    /// A frame for a session.
    Send {
        /// The session.
        link: LinkId,
        /// The frame, not yet sealed by the session.
        frame: Vec<u8>,
    },
    /// End a session.
    Close {
        /// The session.
        link: LinkId,
        /// Why, in plain words.
        reason: String,
    },
    /// Give [`Input::Continue`] next, before any other input.
    Continue,
}

/// What can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// This person's edit is saved.
    Edited(EntryId),
    /// An entry changed.
    Changed {
        /// Which.
        entry: EntryId,
        /// Through whom.
        by: Whose,
    },
    /// Every record of mine in this entry is on the partner's disk.
    Reached(EntryId),
    /// A chunk of an entry's photos came, and is saved with the effects before.
    BlobCame {
        /// The entry that names it.
        entry: EntryId,
        /// How many chunks of all its photos are here.
        here: usize,
        /// How many there are.
        of: usize,
    },
    /// All photos of this entry are on the partner's disk.
    BlobsReached(EntryId),
    /// The partner's device opened its first session: the pair is whole.
    Confirmed,
    /// A record was kept and set aside.
    SetAside {
        /// Whose log it is in.
        whose: Whose,
        /// Its number.
        seq: u64,
        /// At which step of the wall, and why.
        reason: String,
    },
    /// Bytes came that are no record of this pair; nothing of them was kept.
    Refused(String),
    /// The partner's device says that it holds more of this device's own log than this device does: this home is an older
    /// copy of itself.
    OlderCopy,
    /// Two different records of one log carry the same number.
    Fork(Whose),
    /// The partner's device holds less than it said before: it came back from an older copy.
    PartnerWentBack,
    /// The two devices run versions of the program of which one cannot read all that the other writes: whose is older, or none
    /// of them any more.
    Older(Option<Whose>),
    /// This device writes on as a new incarnation.
    Began(Began),
    /// A device has begun a new incarnation: the partner's, or, by another copy of it, this one.
    Incarnation(Whose),
    /// What a bundle brought. Nothing is shown where the replica was loaded anew since it was opened.
    BundleRead(BundleRead),
}

/// Why an input was not handled. But for [`HandleError::Edit`], the replica is to be loaded again.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HandleError {
    /// The edit is not possible; nothing changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A saved row cannot be used.
    #[error(transparent)]
    Row(#[from] RowError),
    /// What was built here would be refused by the wall.
    #[error("an edit could not be sealed: {0}")]
    Seal(String),
}

impl From<crate::shelf::ShelfError> for HandleError {
    fn from(error: crate::shelf::ShelfError) -> Self {
        Self::Row(RowError::Shelf(error))
    }
}
