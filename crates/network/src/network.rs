//! The handle on a running host.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::event::{Events, LinkId};
use crate::host::{self, Command};
use crate::link::Outbox;
use crate::{Address, Config, PeerId, peer_id_of_seed};

/// Commands that wait for the host. It handles each at once, so a caller hardly ever waits.
const COMMANDS: usize = 64;
/// Events that wait for the caller.
const EVENTS: usize = 64;

/// A running host. Clones are the same host; it stops with [`Network::stop`], or when every clone or the [`Events`] are
/// dropped.
#[derive(Debug, Clone)]
pub struct Network {
    peer_id: PeerId,
    max_frame: usize,
    commands: mpsc::Sender<Command>,
    links: Links,
}

/// Why a host could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[allow(missing_docs)]
    #[error("another program listens on {0} already")]
    PortInUse(SocketAddr),
    #[allow(missing_docs)]
    #[error("{0} is not an address of this machine")]
    NotOurs(SocketAddr),
    #[allow(missing_docs)]
    #[error("the system does not allow to listen on {0}")]
    NotPermitted(SocketAddr),
    #[allow(missing_docs)]
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    #[allow(missing_docs)]
    #[error("cannot list the network interfaces")]
    Interfaces(#[source] io::Error),
    #[allow(missing_docs)]
    #[error("the protocol name {0:?} does not begin with a slash")]
    Protocol(&'static str),
    #[allow(missing_docs)]
    #[error("the Noise keys could not be made")]
    Noise,
    #[allow(missing_docs)]
    #[error("a host starts within a Tokio runtime only")]
    NoRuntime,
}

/// The host has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network host has stopped")]
pub struct Stopped;

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[allow(missing_docs)]
    #[error("the link is closed")]
    Gone,
    #[allow(missing_docs)]
    #[error("a frame of {len} bytes is too long, at most {max} are sent")]
    TooLong {
        /// What was given, in bytes.
        len: usize,
        /// What is sent at most, in bytes.
        max: usize,
    },
    /// Only [`Network::try_send`] says so.
    #[error("the link's queue is full")]
    Full,
}

/// Opens the doors. Call it within a Tokio runtime with timers and IO; everything of the host runs there.
///
/// No real interface is no error: the host listens on loopback, says so in
/// [`Event::Interfaces`](crate::Event::Interfaces) and follows what comes up.
pub fn start(config: Config) -> Result<(Network, Events), StartError> {
    let peer_id = peer_id_of_seed(&config.identity);
    let max_frame = config.limits.max_frame;
    let links = Links::default();
    let (commands, command_queue) = mpsc::channel(COMMANDS);
    let (event_sender, events) = mpsc::channel(EVENTS);
    host::spawn(config, command_queue, event_sender, links.clone())?;
    Ok((
        Network {
            peer_id,
            max_frame,
            commands,
            links,
        },
        Events(events),
    ))
}

impl Network {
    /// Who this host is.
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Dials an address. `peer`, or else the address's own, is who must be there; where peers are limited and none is
    /// named, any of them may be. Answers at once; what comes of it is told as `Connected` with `dialer`, or as
    /// `DialFailed`, one of the two for every dial. At most eight dials run at a time and 256 wait; beyond that they fail.
    pub async fn dial(&self, address: Address, peer: Option<PeerId>) -> Result<(), Stopped> {
        self.command(Command::Dial {
            address,
            peer: peer.or(address.peer),
            claimed: false,
        })
        .await
    }

    /// As [`Network::dial`], for an address of which nothing is known but that somebody claimed it
    /// ([`Event::Found`](crate::Event::Found)): at most five of the eight that run are such, and while some wait at most five
    /// are others.
    pub async fn dial_claimed(&self, address: Address) -> Result<(), Stopped> {
        self.command(Command::Dial {
            address,
            peer: address.peer,
            claimed: true,
        })
        .await
    }

    /// Asks by mDNS at once and soon again, where it is asked at all. While a link to one of the peers is up it is asked once a
    /// minute otherwise: for who knows that such a link may be dead.
    pub async fn ask(&self) -> Result<(), Stopped> {
        self.command(Command::Ask).await
    }

    /// Queues a frame for a link, waiting while what is queued is too much (two frames of the longest kind). What is
    /// queued may still be lost when the link closes: only the other side's answer tells that it arrived.
    ///
    /// While waiting, the caller must go on taking [`Events`]: two sides that both only wait to send would wait for each
    /// other. A side that takes nothing for [`Limits::frame`](crate::Limits::frame) is closed, which ends any wait.
    pub async fn send(&self, link: LinkId, frame: Vec<u8>) -> Result<(), SendError> {
        let outbox = self.outbox(link, &frame)?;
        outbox.send(frame).await
    }

    /// As [`Network::send`], but says [`SendError::Full`] where it would wait.
    pub fn try_send(&self, link: LinkId, frame: Vec<u8>) -> Result<(), SendError> {
        self.outbox(link, &frame)?.try_send(frame)
    }

    fn outbox(&self, link: LinkId, frame: &[u8]) -> Result<Outbox, SendError> {
        if frame.len() > self.max_frame {
            return Err(SendError::TooLong {
                len: frame.len(),
                max: self.max_frame,
            });
        }
        self.links.get(link).ok_or(SendError::Gone)
    }

    /// Closes a link when what is queued for it has gone out, or after two seconds. [`Closed::Here`](crate::Closed::Here)
    /// is told then. A link that is gone already is no error.
    pub async fn close(&self, link: LinkId) {
        if let Some(outbox) = self.links.get(link) {
            outbox.close();
        }
    }

    /// Where this host listens now; nowhere, where it has stopped. Right after [`start`] it waits until the first doors are
    /// open.
    pub async fn listening(&self) -> Vec<Address> {
        let (answer, answered) = oneshot::channel();
        match self.command(Command::Listening(answer)).await {
            Ok(()) => answered.await.unwrap_or_default(),
            Err(Stopped) => Vec::new(),
        }
    }

    /// Closes every link (as [`Network::close`] does), stops listening and announcing, and answers when that is done. The
    /// `Closed` of each link can still be taken from [`Events`] afterwards.
    pub async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        if self.command(Command::Stop(answer)).await.is_ok() {
            // Where the answer is lost the host was gone already, which is what was asked for.
            answered.await.unwrap_or(());
        }
    }

    async fn command(&self, command: Command) -> Result<(), Stopped> {
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    /// Bytes without a length in front; says whether the link took them.
    #[cfg(test)]
    pub(crate) async fn send_raw(&self, link: LinkId, bytes: Vec<u8>) -> bool {
        match self.links.get(link) {
            Some(outbox) => outbox.send_raw(bytes).await.is_ok(),
            None => false,
        }
    }
}

/// The open links. Frames go straight to their link's task, so that the host is never in their way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links(Arc<Mutex<HashMap<LinkId, Outbox>>>);

impl Links {
    pub(crate) fn insert(&self, link: LinkId, outbox: Outbox) {
        self.lock().insert(link, outbox);
    }

    pub(crate) fn remove(&self, link: LinkId) {
        self.lock().remove(&link);
    }

    pub(crate) fn get(&self, link: LinkId) -> Option<Outbox> {
        self.lock().get(&link).cloned()
    }

    pub(crate) fn close_all(&self) {
        for outbox in self.lock().values() {
            outbox.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LinkId, Outbox>> {
        // A map of queues is whole after every line above, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
