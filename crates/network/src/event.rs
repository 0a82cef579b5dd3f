//! What a host tells its caller.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::{Address, PeerId};

/// One link: a connection with its one open stream. Never used twice in a process, not even by two hosts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({})", self.0)
    }
}

/// What happened. For one link the order is always `Connected`, any number of `Frame`, `Closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Others can reach this host here.
    Listening(Address),
    /// They no longer can.
    StoppedListening(Address),
    /// Whether there is any interface but loopback; told at the start and whenever it changes.
    Interfaces {
        /// At least one real interface is listened on.
        real: bool,
    },
    /// An interface got its cable or its radio network, or lost it; its addresses may have stayed the whole time.
    Cable {
        /// It got it: what nobody answered before may be answered now. Otherwise links over it may be dead.
        plugged: bool,
    },
    /// mDNS found this peer, or more of its addresses, or heard of it again after a silence. It claims; only a link proves.
    Found {
        /// Who it says it is; one of the allowed, where peers are limited.
        peer: PeerId,
        /// Every address known now, at most 16, the newest last; none that cannot be dialled.
        addresses: Vec<Address>,
    },
    /// mDNS has not heard of this peer for a minute. No sign that a link with it is gone.
    Lost {
        /// Whom.
        peer: PeerId,
    },
    /// A link is up: frames can go both ways.
    Connected {
        /// Its name from now on.
        link: LinkId,
        /// Who is at the other end; the handshake proved that it holds this identity's key, and no more than that.
        peer: PeerId,
        /// Whether this side dialled.
        dialer: bool,
        /// The address dialled, or the one that the other side came from.
        address: Address,
    },
    /// A frame came.
    Frame {
        /// By this link.
        link: LinkId,
        /// As long as [`Limits::max_frame`](crate::Limits::max_frame) at most; may be empty.
        bytes: Vec<u8>,
    },
    /// The link is no more. Comes once for every `Connected`.
    Closed {
        /// Which.
        link: LinkId,
        /// Why.
        reason: Closed,
    },
    /// A dial led to no link. Comes once for every dial that ends without `Connected`.
    DialFailed {
        /// What was dialled.
        address: Address,
        /// Who was expected there, if anyone was.
        peer: Option<PeerId>,
        /// Why.
        reason: DialError,
    },
    /// Somebody came and was turned away. Told while the caller keeps up with the events, left out otherwise.
    Refused {
        /// Where they came from.
        address: Address,
        /// Why.
        reason: RefusedReason,
    },
}

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    #[allow(missing_docs)]
    #[error("closed here")]
    Here,
    /// The two cannot be told apart: TCP ends the same way when a program stops and when it is killed.
    #[error("closed by the other side, or cut")]
    There,
    #[allow(missing_docs)]
    #[error("the other side said nothing for too long")]
    Silent,
    #[allow(missing_docs)]
    #[error("a frame of {len} bytes was announced, at most {max} are taken")]
    TooLong {
        /// What was announced, in bytes.
        len: u32,
        /// What is taken, in bytes.
        max: usize,
    },
    #[allow(missing_docs)]
    #[error("a frame was begun and not finished in time")]
    Unfinished,
    #[allow(missing_docs)]
    #[error("the other side took nothing for too long")]
    Stalled,
}

/// Why a dial led to no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    #[allow(missing_docs)]
    #[error("nothing listens there")]
    NothingThere,
    #[allow(missing_docs)]
    #[error("no way to that address from this network")]
    Unreachable,
    /// Nothing came back, or what did was no answer that could be finished.
    #[error("no answer in time")]
    NoAnswer,
    /// What answered broke off or spoke gibberish: another program, or another pre-shared key.
    #[error("what answered there does not have our key, or is another program")]
    Handshake,
    #[allow(missing_docs)]
    #[error("another host is at that address")]
    OtherPeer {
        /// Who it is, where it could be told.
        found: Option<PeerId>,
    },
    #[allow(missing_docs)]
    #[error("that address is this host's own")]
    Ourselves,
    #[allow(missing_docs)]
    #[error("that host is not one of those that may be dialled")]
    NotAllowed,
    /// The host is up and does not speak [`Config::protocol`](crate::Config::protocol): for one who joins a pairing, it is
    /// not a host that pairs.
    #[error("that host does not speak our protocol")]
    NotSpoken,
    /// The host took the connection and ended it at once: it is busy with another, or does not know us.
    #[error("that host hung up")]
    HungUp,
    #[allow(missing_docs)]
    #[error("there are too many connections already")]
    TooMany,
    #[allow(missing_docs)]
    #[error("the system would not open a connection")]
    System,
}

/// Why somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedReason {
    #[allow(missing_docs)]
    #[error("too many connections at once")]
    TooMany,
    #[allow(missing_docs)]
    #[error("not one of the peers that may come in")]
    NotAllowed,
    /// Another program, another pre-shared key, or too slow.
    #[error("the handshake failed")]
    Handshake,
    #[allow(missing_docs)]
    #[error("connected and opened no stream of our protocol")]
    NoStream,
}

/// What a host tells, in order. Dropping it stops the host.
///
/// At most 64 frames wait here; then no link reads on, so the caller must keep taking events, above all while it waits in
/// [`Network::send`](crate::Network::send).
#[derive(Debug)]
pub struct Events(pub(crate) mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` once the host has stopped and everything was told. May be dropped while waiting without
    /// losing an event.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}
