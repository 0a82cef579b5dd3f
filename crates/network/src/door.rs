//! Who may connect, and how many at once.
//!
//! libp2p has two behaviours for this. `connection_limits` keeps an entry for every peer that was ever connected, so that
//! strangers with ever new identities fill the memory of a pairing host; `allow_block_list` beside it does not tell
//! which of the two said no. This one counts what is there, and nothing else.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::task::{Context, Poll};

use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};

use crate::Limits;

/// Why the door stays closed; it travels as the cause of a `ConnectionDenied`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("too many connections")]
    TooMany,
    #[error("not one of the allowed peers")]
    NotAllowed,
}

/// How many times the limit of pending connections may be on their way out before nobody comes in.
const OVER: u32 = 4;

pub(crate) struct Door {
    peers: Option<HashSet<PeerId>>,
    limits: Limits,
    /// Incoming connections whose handshake runs.
    pending: HashSet<ConnectionId>,
    /// Connections that are up, and whether they came from outside.
    inside: HashMap<ConnectionId, (PeerId, bool)>,
}

impl Door {
    pub(crate) fn new(peers: Option<HashSet<PeerId>>, limits: Limits) -> Self {
        Self {
            peers,
            limits,
            pending: HashSet::new(),
            inside: HashMap::new(),
        }
    }

    pub(crate) fn allows(&self, peer: &PeerId) -> bool {
        self.peers.as_ref().is_none_or(|peers| peers.contains(peer))
    }

    fn enter(&self, peer: &PeerId, incoming: bool) -> Result<(), Denied> {
        if !self.allows(peer) {
            return Err(Denied::NotAllowed);
        }
        let of_peer = self
            .inside
            .values()
            .filter(|(inside, _)| inside == peer)
            .count();
        let from_outside = self
            .inside
            .values()
            .filter(|(_, incoming)| *incoming)
            .count();
        let full = at_least(of_peer, self.limits.per_peer)
            || incoming && at_least(from_outside, self.limits.established_incoming);
        if full { Err(Denied::TooMany) } else { Ok(()) }
    }
}

fn at_least(count: usize, limit: u32) -> bool {
    u32::try_from(count).is_ok_and(|count| count >= limit)
}

impl NetworkBehaviour for Door {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        // The lobby keeps them to the limit by letting one go for each that comes. That takes a moment to be heard of here.
        let most = self.limits.pending_incoming.saturating_mul(OVER);
        if at_least(self.pending.len(), most) {
            return Err(ConnectionDenied::new(Denied::TooMany));
        }
        self.pending.insert(connection);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.pending.remove(&connection);
        self.enter(&peer, true).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if let Some(peer) = peer {
            self.enter(&peer, false).map_err(ConnectionDenied::new)?;
        }
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(&peer, false).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => {
                self.inside.insert(
                    event.connection_id,
                    (event.peer_id, event.endpoint.is_listener()),
                );
            }
            FromSwarm::ConnectionClosed(event) => {
                self.inside.remove(&event.connection_id);
            }
            FromSwarm::ListenFailure(event) => {
                self.pending.remove(&event.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}
