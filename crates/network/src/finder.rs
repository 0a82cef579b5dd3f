//! Finding others by mDNS, with bounds that libp2p's own behaviour lacks.
//!
//! Three things are put around `libp2p::mdns` (0.49):
//!
//! * It keeps whatever anybody on the network claims for as long as the claim says, a hundred years if it likes. Here a
//!   table of bounded size is kept, the oldest going first, and when the behaviour's own list grows beyond
//!   [`FLOOD`], it is thrown away and started again after [`PAUSE`].
//! * It starts tasks that outlive it and would go on announcing this host. Here they run on a runtime of their own, with
//!   one thread, which ends when this ends.
//! * It speaks IPv4 or IPv6. Here are two.
//!
//! It answers a query with the addresses of the interface on which the query came, and only real interfaces are listened
//! on, so that what goes over a tunnel names nobody.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use libp2p::core::transport::{ListenerId, PortUse};
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::mdns;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, ExpiredListenAddr, FromSwarm, NetworkBehaviour, NewListenAddr,
    THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

use crate::address::socket_of;
use crate::{Address, PeerId};

/// Peers that are remembered.
pub(crate) const PEERS: usize = 64;
/// Addresses of one peer that are remembered.
pub(crate) const ADDRESSES: usize = 16;
/// Claims that libp2p's list may hold: what the table holds, and then somebody is lying.
const FLOOD: usize = PEERS * ADDRESSES;
/// How long nobody is listened to after a flood, or after mDNS could not be started.
const PAUSE: Duration = Duration::from_secs(10);
/// How long others may remember us after we are gone. Every query renews it.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Events of one behaviour that are handled before the rest of the swarm has its turn.
const AT_ONCE: usize = 64;

/// What was found. The table is only of what mDNS claims.
#[derive(Debug)]
pub(crate) enum FinderEvent {
    Found {
        peer: PeerId,
        addresses: Vec<Address>,
    },
    Lost {
        peer: PeerId,
    },
}

pub(crate) struct Finder {
    /// `None`: switched off.
    asks: Option<Asks>,
    mdns: Option<Mdns>,
    again: Option<Pin<Box<Sleep>>>,
    allowed: Option<HashSet<libp2p::PeerId>>,
    /// What mDNS announces: where this host listens, loopback left out.
    listening: Vec<(ListenerId, Multiaddr)>,
    table: Table,
    waiting: VecDeque<FinderEvent>,
}

/// Who asks, and how often.
#[derive(Debug, Clone)]
struct Asks {
    local: libp2p::PeerId,
    every: Duration,
}

impl Finder {
    /// A finder that says and hears nothing.
    pub(crate) fn off() -> Self {
        Self {
            asks: None,
            mdns: None,
            again: None,
            allowed: None,
            listening: Vec::new(),
            table: Table::default(),
            waiting: VecDeque::new(),
        }
    }

    /// Asks `every` so often, and tells of the `allowed` alone.
    pub(crate) fn new(
        local: libp2p::PeerId,
        every: Duration,
        allowed: Option<HashSet<libp2p::PeerId>>,
    ) -> Self {
        let mut finder = Self {
            asks: Some(Asks { local, every }),
            allowed,
            ..Self::off()
        };
        finder.begin();
        finder
    }

    fn begin(&mut self) {
        let Some(asks) = &self.asks else { return };
        self.again = None;
        match Mdns::start(asks) {
            Ok(mut mdns) => {
                for (listener_id, addr) in &self.listening {
                    mdns.tell(&FromSwarm::NewListenAddr(NewListenAddr {
                        listener_id: *listener_id,
                        addr,
                    }));
                }
                self.mdns = Some(mdns);
            }
            // No multicast here, or no more threads: perhaps later.
            Err(_) => self.pause(),
        }
    }

    fn pause(&mut self) {
        self.mdns = None;
        self.table = Table::default();
        self.again = Some(Box::pin(sleep(PAUSE)));
    }

    fn heard(&mut self, event: mdns::Event) {
        match event {
            mdns::Event::Discovered(claims) => {
                for (peer, address) in claims {
                    if self
                        .allowed
                        .as_ref()
                        .is_some_and(|allowed| !allowed.contains(&peer))
                    {
                        continue;
                    }
                    let Some((peer, address)) = dialable(&peer, &address) else {
                        continue;
                    };
                    if let Some(addresses) = self.table.found(peer, address) {
                        self.waiting
                            .push_back(FinderEvent::Found { peer, addresses });
                    }
                }
            }
            mdns::Event::Expired(claims) => {
                for (peer, address) in claims {
                    if let Some((peer, address)) = dialable(&peer, &address)
                        && self.table.expired(peer, address)
                    {
                        self.waiting.push_back(FinderEvent::Lost { peer });
                    }
                }
            }
        }
    }
}

/// What can be dialled at all: an Ed25519 peer at an IP address that is neither link-local nor loopback.
fn dialable(peer: &libp2p::PeerId, address: &Multiaddr) -> Option<(PeerId, Address)> {
    let peer = PeerId::from_libp2p(peer).ok()?;
    let address = Address::from_multiaddr(address).ok()?;
    (!address.socket.ip().is_loopback()).then_some((peer, address.with_peer(peer)))
}

impl NetworkBehaviour for Finder {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = FinderEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: libp2p::PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: libp2p::PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::NewListenAddr(NewListenAddr { listener_id, addr }) => {
                if socket_of(addr).is_none_or(|socket| socket.ip().is_loopback()) {
                    return;
                }
                self.listening.push((*listener_id, (*addr).clone()));
            }
            FromSwarm::ExpiredListenAddr(ExpiredListenAddr { listener_id, addr }) => {
                self.listening
                    .retain(|(id, address)| id != listener_id || address != *addr);
            }
            _ => return,
        }
        if let Some(mdns) = &mut self.mdns {
            mdns.tell(&event);
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: libp2p::PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<FinderEvent, THandlerInEvent<Self>>> {
        if self
            .again
            .as_mut()
            .is_some_and(|again| again.as_mut().poll(cx).is_ready())
        {
            self.begin();
        }
        // What was heard is told before more is listened to, so that `waiting` stays short.
        if self.waiting.is_empty()
            && let Some(mut mdns) = self.mdns.take()
        {
            let flooded = mdns.listen(cx, |event| self.heard(event));
            if flooded {
                drop(mdns);
                self.pause();
                cx.waker().wake_by_ref();
            } else {
                self.mdns = Some(mdns);
            }
        }
        match self.waiting.pop_front() {
            Some(event) => Poll::Ready(ToSwarm::GenerateEvent(event)),
            None => Poll::Pending,
        }
    }
}

/// libp2p's two behaviours and the thread on which their tasks run.
struct Mdns {
    behaviours: Vec<mdns::tokio::Behaviour>,
    runtime: runtime::Handle,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Mdns {
    fn start(asks: &Asks) -> io::Result<Self> {
        let own = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let runtime = own.handle().clone();
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = std::thread::Builder::new()
            .name("mdns".to_owned())
            .spawn(move || {
                own.block_on(async {
                    // Ends when the sender is dropped; nothing can be sent.
                    stopped.await.ok();
                });
            })?;
        let mut mdns = Self {
            behaviours: Vec::new(),
            runtime,
            stop: Some(stop),
            thread: Some(thread),
        };
        let mut failed = None;
        for enable_ipv6 in [false, true] {
            let config = mdns::Config {
                ttl: REMEMBERED,
                query_interval: asks.every,
                enable_ipv6,
            };
            let entered = mdns.runtime.enter();
            match mdns::tokio::Behaviour::new(config, asks.local) {
                Ok(behaviour) => mdns.behaviours.push(behaviour),
                Err(error) => failed = Some(error),
            }
            drop(entered);
        }
        match failed {
            Some(error) if mdns.behaviours.is_empty() => Err(error),
            _ => Ok(mdns),
        }
    }

    fn tell(&mut self, event: &FromSwarm<'_>) {
        for behaviour in &mut self.behaviours {
            behaviour.on_swarm_event(*event);
        }
    }

    /// Takes what was heard. True says that it is more than can be true.
    fn listen(&mut self, cx: &mut Context<'_>, mut heard: impl FnMut(mdns::Event)) -> bool {
        let _entered = self.runtime.enter();
        for behaviour in &mut self.behaviours {
            for turn in 0.. {
                if behaviour.discovered_nodes().len() > FLOOD {
                    return true;
                }
                if turn == AT_ONCE {
                    cx.waker().wake_by_ref();
                    break;
                }
                match behaviour.poll(cx) {
                    Poll::Ready(ToSwarm::GenerateEvent(event)) => heard(event),
                    Poll::Ready(_) => {}
                    Poll::Pending => break,
                }
            }
        }
        false
    }
}

impl Drop for Mdns {
    fn drop(&mut self) {
        self.behaviours.clear();
        self.stop = None;
        // Short: the thread only drops its tasks. Once this returns, nothing announces us.
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Who was found where, of bounded size; the oldest goes first, so that a flood of false claims cannot keep a true one
/// out, only push it out after it was told.
#[derive(Debug, Default)]
struct Table(VecDeque<(PeerId, VecDeque<Address>)>);

impl Table {
    /// All addresses of the peer, where this one is new.
    fn found(&mut self, peer: PeerId, address: Address) -> Option<Vec<Address>> {
        if !self.0.iter().any(|(known, _)| *known == peer) {
            if self.0.len() >= PEERS {
                self.0.pop_front();
            }
            self.0.push_back((peer, VecDeque::new()));
        }
        let (_, addresses) = self.0.iter_mut().find(|(known, _)| *known == peer)?;
        if addresses.contains(&address) {
            return None;
        }
        if addresses.len() >= ADDRESSES {
            addresses.pop_front();
        }
        addresses.push_back(address);
        Some(addresses.iter().copied().collect())
    }

    /// Whether that was the peer's last address.
    fn expired(&mut self, peer: PeerId, address: Address) -> bool {
        let Some((_, addresses)) = self.0.iter_mut().find(|(known, _)| *known == peer) else {
            return false;
        };
        addresses.retain(|known| *known != address);
        let lost = addresses.is_empty();
        if lost {
            self.0.retain(|(known, _)| *known != peer);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer_id_of_seed;

    fn address(port: u16) -> Address {
        Address::new(([10, 0, 0, 7], port).into(), None).unwrap()
    }

    #[test]
    fn a_flood_of_claims_leaves_the_table_small() {
        let mut table = Table::default();
        let peers: Vec<_> = (0..200).map(|n| peer_id_of_seed(&[n; 32])).collect();
        for peer in &peers {
            for port in 1..=100 {
                let addresses = table.found(*peer, address(port)).unwrap();
                assert!(addresses.len() <= ADDRESSES);
                assert_eq!(addresses.last(), Some(&address(port)));
            }
        }
        assert_eq!(table.0.len(), PEERS);
        assert_eq!(table.0.front().unwrap().0, peers[200 - PEERS]);
        assert!(
            table
                .0
                .iter()
                .all(|(_, addresses)| addresses.len() == ADDRESSES)
        );
    }

    #[test]
    fn a_peer_is_found_once_and_lost_with_its_last_address() {
        let mut table = Table::default();
        let peer = peer_id_of_seed(&[1; 32]);
        assert_eq!(table.found(peer, address(1)), Some(vec![address(1)]));
        assert_eq!(table.found(peer, address(1)), None);
        assert_eq!(
            table.found(peer, address(2)),
            Some(vec![address(1), address(2)])
        );
        assert!(!table.expired(peer, address(1)));
        assert!(!table.expired(peer, address(3)));
        assert!(table.expired(peer, address(2)));
        assert!(!table.expired(peer, address(2)));
    }

    #[test]
    fn what_cannot_be_dialled_is_not_told() {
        let peer = crate::peer::keypair(&[1; 32]).public().to_peer_id();
        let check = |text: &str| dialable(&peer, &text.parse().unwrap()).is_some();
        assert!(check("/ip4/10.0.0.7/tcp/1"));
        assert!(check(&format!("/ip6/2001:db8::1/tcp/1/p2p/{peer}")));
        for text in [
            "/ip6/fe80::1/tcp/1",
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.0.0.7/udp/1/quic-v1",
            "/ip4/10.0.0.7/tcp/0",
        ] {
            assert!(!check(text), "{text}");
        }
    }
}
