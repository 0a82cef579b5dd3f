//! Dials that run and dials that wait, and what a failed one means.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::time::Duration;

use libp2p::core::transport::TransportError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{self, ConnectionId, Swarm};
use tokio::time::Instant;

use crate::behaviour::Behaviour;
use crate::door::Denied;
use crate::stream::NoStream;
use crate::transport::innermost;
use crate::{Address, DialError, PeerId};

/// Dials that run at a time.
const RUNNING: usize = 8;
/// Of which so many may be of addresses that anybody may have claimed, and so many of others while such wait: neither false
/// claims nor old addresses at which nobody answers keep the other sort waiting.
const RUNNING_OF_ONE_SORT: usize = 5;
/// Dials that run, and those besides that went a way which is a new one by now.
const RUNNING_IN_ALL: usize = 4 * RUNNING;
/// Dials that wait; claimed ones are counted apart.
const WAITING: usize = 256;

/// One dial, of one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dial {
    pub(crate) address: Address,
    pub(crate) peer: Option<PeerId>,
    claimed: bool,
    began: Instant,
    /// Something opened a way since it began. It may still come through, and keeps no other waiting.
    overtaken: bool,
}

/// Every dial from the command to its link or its failure.
#[derive(Default)]
pub(crate) struct Dials {
    waiting: VecDeque<(Address, Option<PeerId>)>,
    /// Addresses of which nothing is known but that somebody on the network claimed them: they never take every place, so
    /// that a thousand false ones do not stand before a true one.
    claimed: VecDeque<(Address, Option<PeerId>)>,
    running: HashMap<ConnectionId, Dial>,
}

/// A dial that led to no link.
pub(crate) type Failed = (Address, Option<PeerId>, DialError);

impl Dials {
    /// Another dial to do, unless too many wait.
    pub(crate) fn add(
        &mut self,
        address: Address,
        peer: Option<PeerId>,
        claimed: bool,
    ) -> Option<Failed> {
        let waiting = if claimed {
            &mut self.claimed
        } else {
            &mut self.waiting
        };
        if waiting.len() >= WAITING {
            return Some((address, peer, DialError::TooMany));
        }
        waiting.push_back((address, peer));
        None
    }

    /// What runs began before some way was opened: a packet that was lost is sent again only after seconds, so that all are
    /// worth to be dialled anew.
    pub(crate) fn overtake(&mut self) {
        for dial in self.running.values_mut() {
            dial.overtaken = true;
        }
    }

    fn next(&mut self) -> Option<(Address, Option<PeerId>, bool)> {
        let counted = || self.running.values().filter(|dial| !dial.overtaken);
        let claimed = counted().filter(|dial| dial.claimed).count();
        let others = counted().count().saturating_sub(claimed);
        if claimed.saturating_add(others) >= RUNNING || self.running.len() >= RUNNING_IN_ALL {
            return None;
        }
        if self.claimed.is_empty() || others < RUNNING_OF_ONE_SORT {
            let next = self.waiting.pop_front();
            if let Some((address, peer)) = next {
                return Some((address, peer, false));
            }
        }
        if claimed >= RUNNING_OF_ONE_SORT {
            return None;
        }
        let (address, peer) = self.claimed.pop_front()?;
        Some((address, peer, true))
    }

    /// Starts what may run; gives back what failed at once.
    pub(crate) fn start(&mut self, swarm: &mut Swarm<Behaviour>) -> Vec<Failed> {
        let mut failed = Vec::new();
        while let Some((address, peer, claimed)) = self.next() {
            let options = options(address, peer);
            let connection = options.connection_id();
            match swarm.dial(options) {
                Ok(()) => {
                    self.running.insert(
                        connection,
                        Dial {
                            address,
                            peer,
                            claimed,
                            began: Instant::now(),
                            overtaken: false,
                        },
                    );
                }
                Err(error) => {
                    failed.push((address, peer, why(&error, Duration::ZERO, Duration::MAX)))
                }
            }
        }
        failed
    }

    /// The dial of this connection is over, one way or the other; `None` where it was no dial, or is over already.
    pub(crate) fn done(&mut self, connection: ConnectionId) -> Option<Dial> {
        self.running.remove(&connection)
    }
}

impl Dial {
    /// What it means that libp2p gave up, where a connection may take as long as `limit`.
    pub(crate) fn failed(self, error: &swarm::DialError, limit: Duration) -> Failed {
        (
            self.address,
            self.peer,
            why(error, self.began.elapsed(), limit),
        )
    }

    /// What it means that the connection got no stream; `None`: it was closed before.
    pub(crate) fn without_stream(self, reason: Option<NoStream>) -> Failed {
        let reason = match reason {
            Some(NoStream::NotSpoken) => DialError::NotSpoken,
            Some(NoStream::TooSlow) => DialError::NoAnswer,
            Some(NoStream::Broken) | None => DialError::HungUp,
        };
        (self.address, self.peer, reason)
    }
}

fn options(address: Address, peer: Option<PeerId>) -> DialOpts {
    let place = address.to_multiaddr();
    // A port of its own for each: our listening port is nobody's way to recognise us.
    match peer.and_then(PeerId::to_libp2p) {
        Some(peer) => DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .addresses(vec![place])
            .allocate_new_port()
            .build(),
        None => DialOpts::unknown_peer_id()
            .address(place)
            .allocate_new_port()
            .build(),
    }
}

fn why(error: &swarm::DialError, took: Duration, limit: Duration) -> DialError {
    match error {
        // Every dial has an address; libp2p takes out those that this host listens on.
        swarm::DialError::LocalPeerId { .. } | swarm::DialError::NoAddresses => {
            DialError::Ourselves
        }
        swarm::DialError::WrongPeerId { obtained, .. } => DialError::OtherPeer {
            found: PeerId::from_libp2p(obtained).ok(),
        },
        swarm::DialError::Denied { cause } => match cause.downcast_ref::<Denied>() {
            Some(Denied::NotAllowed) => DialError::NotAllowed,
            Some(Denied::TooMany) | None => DialError::TooMany,
        },
        swarm::DialError::Transport(errors) => match errors.first() {
            Some((_, TransportError::Other(error))) => why_io(error, took, limit),
            _ => DialError::System,
        },
        swarm::DialError::DialPeerConditionFalse(_) | swarm::DialError::Aborted => {
            DialError::System
        }
    }
}

fn why_io(error: &io::Error, took: Duration, limit: Duration) -> DialError {
    let innermost = innermost(error);
    match innermost.kind() {
        ErrorKind::ConnectionRefused => DialError::NothingThere,
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::AddrNotAvailable => DialError::Unreachable,
        ErrorKind::TimedOut => DialError::NoAnswer,
        // libp2p's own timeout is hidden in a type that cannot be named here; the clock tells.
        _ if took >= limit => DialError::NoAnswer,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            DialError::Handshake
        }
        _ if innermost.raw_os_error().is_some() => DialError::System,
        _ => DialError::Handshake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_an_old_way_keeps_nothing_waiting() {
        let mut dials = Dials::default();
        let address: Address = "10.0.0.7:4000".parse().unwrap();
        let runs = |dials: &mut Dials, numbers: std::ops::Range<usize>| {
            for number in numbers {
                let dial = Dial {
                    address,
                    peer: None,
                    claimed: false,
                    began: Instant::now(),
                    overtaken: false,
                };
                dials
                    .running
                    .insert(ConnectionId::new_unchecked(number), dial);
            }
        };
        runs(&mut dials, 0..RUNNING);
        assert!(dials.add(address, None, false).is_none());
        assert!(dials.next().is_none());
        dials.overtake();
        assert_eq!(dials.next(), Some((address, None, false)));
        // Whatever comes and goes, no more than so many run.
        runs(&mut dials, RUNNING..RUNNING_IN_ALL);
        dials.overtake();
        dials.add(address, None, false);
        assert!(dials.next().is_none());
    }

    #[test]
    fn the_systems_error_is_found_under_all_wrappings() {
        let wrapped = io::Error::other(io::Error::other(io::Error::from(
            ErrorKind::ConnectionRefused,
        )));
        assert_eq!(
            why_io(&wrapped, Duration::ZERO, Duration::MAX),
            DialError::NothingThere
        );
        assert_eq!(
            why_io(&io::Error::other("noise"), Duration::ZERO, Duration::MAX),
            DialError::Handshake
        );
        let second = Duration::from_secs(1);
        assert_eq!(
            why_io(&io::Error::other("timeout"), second, second),
            DialError::NoAnswer
        );
        assert_eq!(
            why_io(&io::Error::from_raw_os_error(24), Duration::ZERO, second),
            DialError::System
        );
    }
}
