//! Finding the partner's device, connecting to it, and carrying frames of bytes both ways over libp2p.
//!
//! This crate knows no journal and no key but the ones it is given: what a frame holds is the caller's affair
//! (`docs/PROTOCOL.md`, section 5, and for pairing section 1).
//!
//! # The story of one link
//!
//! 1. [`start`] opens the doors: one task owns the libp2p swarm, [`Network`] gives it commands, [`Events`] tells what
//!    happened. [`Event::Listening`] says where others can reach it.
//! 2. mDNS tells [`Event::Found`], or the caller knows an address already; either way the caller says
//!    [`Network::dial`]. Nothing dials by itself, and [`Backoff`] helps the caller to dial again.
//! 3. Under TCP (with a pre-shared key where there is one), Noise and Yamux, the side that dialled opens exactly one
//!    long stream. Once it is there both sides get [`Event::Connected`] with a [`LinkId`].
//! 4. [`Network::send`] carries a frame; the other side gets [`Event::Frame`]. Frames keep their order.
//! 5. [`Event::Closed`] comes exactly once for every link, and says why. A link that says nothing for
//!    [`Limits::silence`] is closed, so the caller sends heartbeats.
//!
//! # Two hosts of one type
//!
//! [`Config::journal`] is the host of the day: its peers are known, everything lies under the pre-shared key, and
//! an outsider meets a closed door. [`Config::pairing`] is the throw-away host while a code is on the screen: no
//! pre-shared key, anyone may connect, one at a time.
//!
//! # How somebody who joins a pairing recognises the host
//!
//! The service name of libp2p's mDNS is a constant, so [`Event::Found`] of a pairing network also tells of hosts
//! that do not pair: the journal hosts of this house, and other programs. Nothing announced says which is which, on
//! purpose. So the joiner dials every address found, at once (this crate runs at most eight dials at a time and queues
//! the rest). A journal host breaks the handshake off, because it expects its pre-shared key; a stranger's program does
//! not speak the pairing protocol: both end as [`Event::DialFailed`] and are not tried again. A link that reaches
//! [`Event::Connected`] is a pairing host. It may have been found at several addresses: its first link counts, and the
//! dials to its other addresses end as [`DialError::HungUp`], since it takes one session. Where several hosts do,
//! PROTOCOL section 1 says to stop and ask for the QR or an address.

// Bytes from outside reach every module here: what keeps the pure crates from panicking keeps this one too.
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

mod address;
mod backoff;
mod behaviour;
mod cables;
mod config;
mod dials;
mod door;
mod event;
mod finder;
mod host;
mod interfaces;
mod link;
mod listen;
mod lobby;
mod look;
mod multicast;
mod network;
mod peer;
mod stream;
#[cfg(test)]
mod tests;
mod transport;

pub use address::{Address, AddressError};
pub use backoff::Backoff;
pub use config::{Config, Limits, Listen};
pub use event::{Closed, DialError, Event, Events, LinkId, RefusedReason};
pub use link::read_frame;
pub use look::{Heard, Interface, Sort, accepts, interfaces, look, reaches_itself, way_to};
pub use network::{Network, SendError, StartError, Stopped, start};
pub use peer::{PeerId, PeerIdError, peer_id_of_seed};
