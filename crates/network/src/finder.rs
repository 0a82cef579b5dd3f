//! Finding others by mDNS on every real interface, with bounds on what anybody can make it hold.
//!
//! At each place (`multicast`) it asks at once, soon again, and then every few seconds, and tells where this host listens
//! there: when it was asked, and unasked when that changes, so that nobody has to wait for the next question. It hears the
//! allowed peers alone. What was heard is forgotten after [`REMEMBERED`], whatever a claim says of itself.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::transport::{ListenerId, PortUse};
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, ExpiredListenAddr, FromSwarm, NetworkBehaviour, NewListenAddr,
    THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::address::socket_of;
use crate::multicast::{self, Ear, LONGEST, SERVICE, Said};
use crate::{Address, PeerId, look};

/// Peers that are remembered.
pub(crate) const PEERS: usize = 64;
/// Addresses of one peer that are remembered.
pub(crate) const ADDRESSES: usize = 16;
/// When it is tried again to listen where it did not work.
const PAUSE: Duration = Duration::from_secs(2);
/// How long we and others remember what was said. Every question renews it.
const REMEMBERED: Duration = Duration::from_secs(60);
/// The wait between the first two questions; it doubles up to the usual one.
const SOON: Duration = Duration::from_millis(500);
/// The wait between questions while whoever is looked for is there.
const AT_REST: Duration = Duration::from_secs(60);
/// Packets of one place that are looked at before the rest of the swarm has its turn.
const AT_ONCE: usize = 64;
/// Answers at one place within one second. All hear each of them, whoever asked.
const ANSWERS: u32 = 10;

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
    allowed: Option<HashSet<libp2p::PeerId>>,
    /// Where this host listens, loopback left out.
    listening: Vec<(ListenerId, SocketAddr)>,
    places: Vec<Listening>,
    /// When to look for new places; at once where interfaces changed.
    look_at: Option<Instant>,
    table: Table,
    waiting: VecDeque<FinderEvent>,
    /// Nobody is looked for.
    rests: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Who asks, and how often.
#[derive(Debug, Clone, Copy)]
struct Asks {
    local: PeerId,
    every: Duration,
}

/// A place, and what is due there.
struct Listening {
    ear: Ear,
    ask_at: Instant,
    /// The wait after that.
    wait: Duration,
    /// Where we listen is to be told unasked.
    tell: bool,
    /// Answers since then.
    answered: (Instant, u32),
}

impl Finder {
    /// A finder that says and hears nothing.
    pub(crate) fn off() -> Self {
        Self {
            asks: None,
            allowed: None,
            listening: Vec::new(),
            places: Vec::new(),
            look_at: None,
            table: Table::default(),
            waiting: VecDeque::new(),
            rests: false,
            timer: None,
        }
    }

    /// Asks `every` so often, and tells of the `allowed` alone.
    pub(crate) fn new(
        local: PeerId,
        every: Duration,
        allowed: Option<HashSet<libp2p::PeerId>>,
    ) -> Self {
        Self {
            asks: Some(Asks { local, every }),
            allowed,
            look_at: Some(Instant::now()),
            ..Self::off()
        }
    }

    /// Whether whoever is looked for is there: then hardly anything is asked. Answers are given all the same.
    pub(crate) fn rest(&mut self, rests: bool) {
        if std::mem::replace(&mut self.rests, rests) && !rests {
            self.ask();
        }
    }

    /// Asks at once, and soon again.
    pub(crate) fn ask(&mut self) {
        for place in &mut self.places {
            place.wait = SOON;
            place.ask_at = Instant::now();
        }
    }

    /// Addresses or interfaces came or went.
    pub(crate) fn interfaces_changed(&mut self) {
        if self.asks.is_some() {
            self.look_at = Some(Instant::now());
        }
    }

    /// Follows the interfaces.
    fn look(&mut self, now: Instant) {
        self.look_at = None;
        let Ok(interfaces) = look::interfaces() else {
            self.look_at = now.checked_add(PAUSE);
            return;
        };
        let wanted = multicast::places(&interfaces);
        self.places
            .retain(|place| wanted.iter().any(|wanted| wanted.is(&place.ear.place)));
        for place in wanted {
            let known = |known: &&mut Listening| known.ear.place.is(&place);
            if let Some(known) = self.places.iter_mut().find(known) {
                known.tell |= known.ear.place != place;
                known.ear.place = place;
                continue;
            }
            match Ear::open(place) {
                Ok(ear) => self.places.push(Listening {
                    ear,
                    ask_at: now,
                    wait: SOON,
                    tell: true,
                    answered: (now, 0),
                }),
                // No multicast there, or not yet.
                Err(_) => self.look_at = now.checked_add(PAUSE),
            }
        }
    }

    /// Asks and tells what is due.
    fn speak(&mut self, asks: &Asks, now: Instant) {
        for place in &mut self.places {
            if place.ask_at <= now {
                // What is lost is said again.
                if let Ok(question) = multicast::question(multicast::random() as u16, SERVICE) {
                    place.ear.try_send(&question).ok();
                }
                let usual = if self.rests { AT_REST } else { asks.every };
                place.wait = place.wait.min(usual);
                // Spread, so that not all of a house ask at once.
                let spread = asks.every.as_millis() as u32 / 8;
                let more = multicast::random().checked_rem(spread).unwrap_or(0);
                place.ask_at = now + place.wait + Duration::from_millis(more.into());
                place.wait = place.wait.saturating_mul(2);
            }
            if std::mem::take(&mut place.tell) {
                place.answer(0, asks, &self.listening, now);
            }
        }
    }

    /// Takes what came; true where more may be there.
    fn listen(&mut self, asks: &Asks, now: Instant, cx: &mut Context<'_>) -> bool {
        let (mut more, mut broken) = (false, false);
        let mut buffer = [0; LONGEST];
        let Self {
            places,
            listening,
            allowed,
            table,
            waiting,
            ..
        } = self;
        places.retain_mut(|place| {
            for _ in 0..AT_ONCE {
                let (length, from) = match place.ear.poll_hear(cx, &mut buffer) {
                    Poll::Pending => return true,
                    Poll::Ready(Ok(came)) => came,
                    Poll::Ready(Err(_)) => {
                        broken = true;
                        return false;
                    }
                };
                let bytes = buffer.get(..length).unwrap_or_default();
                match multicast::read(bytes, from.ip()) {
                    Some((id, Said::WhoIsThere)) => place.answer(id, asks, listening, now),
                    Some((id, Said::WhichServices)) => {
                        if place.may_answer(now)
                            && let Ok(answer) = multicast::services(id, REMEMBERED)
                        {
                            place.ear.try_send(&answer).ok();
                        }
                    }
                    Some((_, Said::Claims(claims))) => {
                        for (peer, address) in claims {
                            let known = allowed.as_ref().is_none_or(|allowed| {
                                peer.to_libp2p().is_some_and(|peer| allowed.contains(&peer))
                            });
                            if !known || peer == asks.local {
                                continue;
                            }
                            let gap = asks.every.saturating_mul(5) / 2;
                            if let Some(addresses) = table.found(peer, address, now, gap) {
                                waiting.push_back(FinderEvent::Found { peer, addresses });
                            }
                        }
                    }
                    Some((_, Said::Other)) | None => {}
                }
            }
            more = true;
            true
        });
        if broken {
            self.look_at = now.checked_add(PAUSE);
        }
        more
    }

    /// When something is due next.
    fn due(&self) -> Option<Instant> {
        let asking = self.places.iter().map(|place| place.ask_at);
        asking
            .chain(self.look_at)
            .chain(self.table.forgets_at())
            .min()
    }
}

impl Listening {
    fn may_answer(&mut self, now: Instant) -> bool {
        let (since, count) = self.answered;
        self.answered = if now.duration_since(since) >= Duration::from_secs(1) {
            (now, 1)
        } else {
            (since, count.saturating_add(1))
        };
        self.answered.1 <= ANSWERS
    }

    /// Says where we listen at this place, if we do.
    fn answer(
        &mut self,
        id: u16,
        asks: &Asks,
        listening: &[(ListenerId, SocketAddr)],
        now: Instant,
    ) {
        let here: Vec<SocketAddr> = listening
            .iter()
            .map(|(_, socket)| *socket)
            .filter(|socket| self.ear.place.addresses.contains(&socket.ip()))
            .collect();
        if !here.is_empty()
            && self.may_answer(now)
            && let Ok(answer) = multicast::answer(id, &asks.local, &here, REMEMBERED)
        {
            self.ear.try_send(&answer).ok();
        }
    }
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
                if let Some(socket) = socket_of(addr).filter(|socket| !socket.ip().is_loopback()) {
                    self.listening.push((*listener_id, socket));
                    for place in &mut self.places {
                        place.tell |= place.ear.place.addresses.contains(&socket.ip());
                    }
                }
            }
            FromSwarm::ExpiredListenAddr(ExpiredListenAddr { listener_id, addr }) => {
                self.listening.retain(|(id, socket)| {
                    id != listener_id || socket_of(addr).as_ref() != Some(socket)
                });
            }
            _ => {}
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
        let Some(asks) = self.asks else {
            return Poll::Pending;
        };
        // What was heard is told before more is listened to, so that `waiting` stays short.
        if self.waiting.is_empty() {
            let now = Instant::now();
            if self.look_at.is_some_and(|at| at <= now) {
                self.look(now);
            }
            self.speak(&asks, now);
            if self.listen(&asks, now, cx) {
                cx.waker().wake_by_ref();
            }
            for peer in self.table.forget(now) {
                self.waiting.push_back(FinderEvent::Lost { peer });
            }
        }
        if let Some(event) = self.waiting.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(event));
        }
        if let Some(due) = self.due() {
            let timer = self.timer.insert(Box::pin(sleep_until(due)));
            if timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

/// Who was found where, of bounded size; the oldest goes first, so that a flood of false claims cannot keep a true one
/// out, only push it out after it was told.
#[derive(Debug, Default)]
struct Table(VecDeque<(PeerId, VecDeque<(Address, Instant)>)>);

impl Table {
    /// All addresses of the peer, the newest last, where this one is new, or was not heard of for longer than `gap`.
    fn found(
        &mut self,
        peer: PeerId,
        address: Address,
        now: Instant,
        gap: Duration,
    ) -> Option<Vec<Address>> {
        if !self.0.iter().any(|(known, _)| *known == peer) {
            if self.0.len() >= PEERS {
                self.0.pop_front();
            }
            self.0.push_back((peer, VecDeque::new()));
        }
        let (_, addresses) = self.0.iter_mut().find(|(known, _)| *known == peer)?;
        if let Some((_, heard)) = addresses.iter_mut().find(|(known, _)| *known == address) {
            let before = std::mem::replace(heard, now);
            if now.duration_since(before) <= gap {
                return None;
            }
        } else {
            if addresses.len() >= ADDRESSES {
                addresses.pop_front();
            }
            addresses.push_back((address, now));
        }
        Some(addresses.iter().map(|(address, _)| *address).collect())
    }

    /// Forgets what was not heard of for long; gives the peers of whom nothing is left.
    fn forget(&mut self, now: Instant) -> Vec<PeerId> {
        let mut lost = Vec::new();
        self.0.retain_mut(|(peer, addresses)| {
            addresses.retain(|(_, heard)| now.duration_since(*heard) < REMEMBERED);
            if addresses.is_empty() {
                lost.push(*peer);
            }
            !addresses.is_empty()
        });
        lost
    }

    /// When [`Table::forget`] next has something to do.
    fn forgets_at(&self) -> Option<Instant> {
        let heard = self.0.iter().flat_map(|(_, addresses)| addresses);
        heard
            .filter_map(|(_, heard)| heard.checked_add(REMEMBERED))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer_id_of_seed;

    const GAP: Duration = Duration::from_secs(12);

    fn address(port: u16) -> Address {
        Address::new(([10, 0, 0, 7], port).into(), None).unwrap()
    }

    #[test]
    fn a_flood_of_claims_leaves_the_table_small() {
        let mut table = Table::default();
        let now = Instant::now();
        let peers: Vec<_> = (0..200).map(|n| peer_id_of_seed(&[n; 32])).collect();
        for peer in &peers {
            for port in 1..=100 {
                let addresses = table.found(*peer, address(port), now, GAP).unwrap();
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
    fn a_peer_is_told_once_and_again_after_a_silence_and_lost_with_its_last_address() {
        let mut table = Table::default();
        let (peer, now) = (peer_id_of_seed(&[1; 32]), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(
            table.found(peer, address(1), now, GAP),
            Some(vec![address(1)])
        );
        assert_eq!(table.found(peer, address(1), after(5), GAP), None);
        assert_eq!(
            table.found(peer, address(2), after(10), GAP),
            Some(vec![address(1), address(2)])
        );
        // Twenty seconds of silence: it came back.
        assert_eq!(
            table.found(peer, address(1), after(25), GAP),
            Some(vec![address(1), address(2)])
        );
        assert_eq!(table.forgets_at(), Some(after(70)));
        assert_eq!(table.forget(after(69)), []);
        assert_eq!(table.forget(after(70)), []);
        assert_eq!(table.forget(after(85)), [peer]);
        assert_eq!(
            (table.forget(after(90)), table.forgets_at()),
            (vec![], None)
        );
    }
}
