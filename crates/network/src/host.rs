//! The one task that owns the swarm: commands in, events out.
//!
//! It never waits for its caller. What it has to tell stands in a queue until there is room; what anybody on the network
//! can cause is left out while that queue is long. So the swarm always runs on, and nothing piles up in it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use if_watch::tokio::IfWatcher;
use libp2p::swarm::{self, ConnectionId, ListenError, StreamProtocol, Swarm, SwarmEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::address::socket_of;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::cables::Cables;
use crate::dials::{Dials, Failed};
use crate::door::{Denied, Door};
use crate::event::{Event, LinkId, RefusedReason};
use crate::finder::{Finder, FinderEvent};
use crate::listen::{Listeners, Updated};
use crate::lobby::Lobby;
use crate::network::Links;
use crate::stream::{NoStream, StreamEvent, Streams};
use crate::{Address, Closed, Config, Limits, PeerId, StartError, link, peer, transport};

/// Waiting events beyond which what others cause is left out.
const CROWDED: usize = 256;
/// Waiting events beyond which no command is taken.
const FULL: usize = 1024;
/// When to look at the interfaces again, where some place could not be listened on or cannot be watched.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long stopping waits for links to say goodbye.
const GOODBYES: Duration = Duration::from_secs(3);

/// What the handle asks of the host.
#[derive(Debug)]
pub(crate) enum Command {
    Dial {
        address: Address,
        peer: Option<PeerId>,
        claimed: bool,
    },
    Listening(oneshot::Sender<Vec<Address>>),
    Ask,
    Stop(oneshot::Sender<()>),
}

struct Host {
    swarm: Swarm<Behaviour>,
    limits: Limits,
    /// Peers are limited: they are the devices of one partner.
    known_peers: bool,
    listeners: Listeners,
    real: Option<bool>,
    watcher: Option<IfWatcher>,
    cables: Cables,
    look_again: Option<Instant>,
    dials: Dials,
    /// Where the connections lead, and whether this side dialled.
    connections: HashMap<ConnectionId, (Address, bool)>,
    links: Links,
    link_count: usize,
    link_done: mpsc::UnboundedSender<ConnectionId>,
    links_done: mpsc::UnboundedReceiver<ConnectionId>,
    asked_where: Vec<oneshot::Sender<Vec<Address>>>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    telling: VecDeque<Event>,
}

/// Opens the doors and starts the task.
pub(crate) fn spawn(
    config: Config,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    links: Links,
) -> Result<(), StartError> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
    let mut swarm = swarm(&config)?;
    let seen = crate::interfaces::look().map_err(StartError::Interfaces)?;
    let (listeners, updated) = Listeners::start(config.listen, &seen.up, &mut swarm)?;
    let (link_done, links_done) = mpsc::unbounded_channel();
    let mut host = Host {
        swarm,
        limits: config.limits,
        known_peers: config.peers.is_some(),
        listeners,
        real: None,
        watcher: IfWatcher::new().ok(),
        cables: Cables::new(seen.running),
        look_again: None,
        dials: Dials::default(),
        connections: HashMap::new(),
        links,
        link_count: 0,
        link_done,
        links_done,
        asked_where: Vec::new(),
        commands,
        events,
        telling: VecDeque::new(),
    };
    host.updated(updated);
    runtime.spawn(host.run());
    Ok(())
}

fn swarm(config: &Config) -> Result<Swarm<Behaviour>, StartError> {
    let limits = config.limits;
    let keypair = peer::keypair(&config.identity);
    let local = keypair.public().to_peer_id();
    let protocol = StreamProtocol::try_from_owned(config.protocol.to_owned())
        .map_err(|_| StartError::Protocol(config.protocol))?;
    let psk = config.psk.clone();
    let transport = transport::transport(
        &keypair,
        psk,
        limits.handshake,
        &Lobby::new(limits.pending_incoming),
    )
    .map_err(|_| StartError::Noise)?;
    let allowed: Option<HashSet<_>> = config
        .peers
        .as_ref()
        .map(|peers| peers.iter().filter_map(|peer| peer.to_libp2p()).collect());
    let behaviour = Behaviour {
        door: Door::new(allowed.clone(), limits),
        finder: if config.announce {
            Finder::new(
                peer::peer_id_of_seed(&config.identity),
                limits.query,
                allowed,
            )
        } else {
            Finder::off()
        },
        streams: Streams::new(protocol, limits.handshake),
    };
    let settings = swarm::Config::with_tokio_executor()
        .with_max_negotiating_inbound_streams(2)
        // Once the one stream is gone, there is nothing to wait for.
        .with_idle_connection_timeout(Duration::ZERO);
    Ok(Swarm::new(transport, behaviour, local, settings))
}

/// What one turn of the loop is about.
enum Turn {
    Room,
    Command(Option<Command>),
    Swarm(SwarmEvent<BehaviourEvent>),
    LinkDone(ConnectionId),
    Interfaces,
    Cables,
    Forsaken,
}

impl Host {
    async fn run(mut self) {
        let stop = loop {
            let turn = tokio::select! {
                room = self.events.reserve(), if !self.telling.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = self.telling.pop_front() {
                            room.send(event);
                        }
                        Turn::Room
                    }
                    Err(_) => Turn::Forsaken,
                },
                () = self.events.closed() => Turn::Forsaken,
                command = self.commands.recv(), if self.telling.len() < FULL => Turn::Command(command),
                Some(connection) = self.links_done.recv() => Turn::LinkDone(connection),
                () = interfaces(&mut self.watcher) => Turn::Interfaces,
                () = at(self.look_again) => Turn::Interfaces,
                () = self.cables.changed() => Turn::Cables,
                event = self.swarm.select_next_some() => Turn::Swarm(event),
            };
            match turn {
                Turn::Room => {}
                Turn::Command(Some(Command::Stop(answer))) => break Some(answer),
                Turn::Command(Some(command)) => self.command(command),
                Turn::Swarm(event) => self.happened(event),
                Turn::LinkDone(connection) => self.link_done(connection),
                Turn::Interfaces => self.look(),
                Turn::Cables => self.look_at_cables(),
                Turn::Command(None) | Turn::Forsaken => break None,
            }
        };
        self.end().await;
        // Nobody may be there to hear it any more.
        stop.map(|answer| answer.send(()).ok());
    }

    /// Ends announcing, listening and dialling; lets the links say goodbye. The swarm goes with `self`.
    async fn end(mut self) {
        self.swarm.behaviour_mut().finder = Finder::off();
        self.listeners.close_all(&mut self.swarm);
        self.links.close_all();
        let Some(deadline) = Instant::now().checked_add(GOODBYES) else {
            return;
        };
        let goodbyes = async {
            while self.link_count > 0 {
                tokio::select! {
                    Some(_) = self.links_done.recv() => self.link_count = self.link_count.saturating_sub(1),
                    // The connections need the swarm to go on; nothing new is taken up.
                    _ = self.swarm.select_next_some() => {}
                }
            }
        };
        // Whoever has not said goodbye by now is cut off with the swarm.
        timeout_at(deadline, goodbyes).await.ok();
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Dial {
                address,
                peer,
                claimed,
            } => {
                if let Some(failed) = self.dials.add(address, peer, claimed) {
                    self.dial_failed(failed);
                }
                self.start_dials();
            }
            Command::Listening(answer) => {
                self.asked_where.push(answer);
                self.answer_where();
            }
            Command::Ask => self.swarm.behaviour_mut().finder.ask(),
            // `run` takes it out before.
            Command::Stop(_) => {}
        }
    }

    fn happened(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Door(never)) => match never {},
            SwarmEvent::Behaviour(BehaviourEvent::Finder(FinderEvent::Found {
                peer,
                addresses,
            })) => {
                self.tell_unless_crowded(Event::Found { peer, addresses });
            }
            SwarmEvent::Behaviour(BehaviourEvent::Finder(FinderEvent::Lost { peer })) => {
                self.tell_unless_crowded(Event::Lost { peer });
            }
            SwarmEvent::Behaviour(BehaviourEvent::Streams(StreamEvent::Opened {
                connection,
                peer,
                stream,
            })) => {
                self.opened(connection, &peer, stream);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Streams(StreamEvent::Failed {
                connection,
                reason,
            })) => {
                self.without_stream(connection, Some(reason));
            }
            SwarmEvent::ConnectionEstablished {
                connection_id,
                endpoint,
                ..
            } => {
                if let Some(socket) = socket_of(endpoint.get_remote_address()) {
                    let address = Address { socket, peer: None };
                    self.connections
                        .insert(connection_id, (address, endpoint.is_dialer()));
                }
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => {
                self.without_stream(connection_id, None);
                self.connections.remove(&connection_id);
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                error,
                ..
            } => {
                if let Some(dial) = self.dials.done(connection_id) {
                    self.dial_failed(dial.failed(&error, self.limits.handshake));
                }
                self.start_dials();
            }
            SwarmEvent::IncomingConnectionError {
                send_back_addr,
                error,
                ..
            } => {
                if let Some(socket) = socket_of(&send_back_addr) {
                    let address = Address { socket, peer: None };
                    self.tell_unless_crowded(Event::Refused {
                        address,
                        reason: why_refused(&error),
                    });
                }
            }
            SwarmEvent::NewListenAddr {
                listener_id,
                address,
            } => {
                if let Some(address) = self.listeners.opened(listener_id, &address) {
                    self.dials.overtake();
                    self.telling.push_back(Event::Listening(address));
                }
                self.answer_where();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.stopped_listening(&address),
            SwarmEvent::ListenerClosed {
                listener_id,
                addresses,
                ..
            } => {
                for address in &addresses {
                    self.stopped_listening(address);
                }
                self.listeners.closed(listener_id);
                self.answer_where();
                self.look_later();
            }
            _ => {}
        }
    }

    fn opened(&mut self, connection: ConnectionId, peer: &libp2p::PeerId, stream: swarm::Stream) {
        let dial = self.dials.done(connection);
        self.start_dials();
        let (Some((address, dialer)), Ok(peer)) =
            (self.connections.get(&connection), PeerId::from_libp2p(peer))
        else {
            // Only Ed25519 is compiled in, so every peer's name can be written here.
            self.swarm.close_connection(connection);
            return;
        };
        let (dialer, address) = (
            *dialer,
            dial.map_or(*address, |dial| dial.address).with_peer(peer),
        );
        let id = LinkId::next();
        let (outbox, mut gate) = link::outbox(self.limits.max_frame);
        self.links.insert(id, outbox);
        self.link_count = self.link_count.saturating_add(1);
        self.rest();
        let (limits, links) = (self.limits, self.links.clone());
        let (events, done) = (self.events.clone(), self.link_done.clone());
        tokio::spawn(async move {
            let connected = Event::Connected {
                link: id,
                peer,
                dialer,
                address,
            };
            let reason = match events.send(connected).await {
                Ok(()) => link::carry(id, stream, &mut gate, &events, &limits).await,
                Err(_) => Closed::Here,
            };
            links.remove(id);
            // The host, and then the caller, may be gone; there is nobody else to tell.
            done.send(connection).ok();
            events.send(Event::Closed { link: id, reason }).await.ok();
        });
    }

    fn link_done(&mut self, connection: ConnectionId) {
        self.link_count = self.link_count.saturating_sub(1);
        self.rest();
        self.swarm.close_connection(connection);
    }

    /// Whoever is linked with all that it looks for asks for nobody.
    fn rest(&mut self) {
        let there = self.link_count > 0 && self.known_peers;
        self.swarm.behaviour_mut().finder.rest(there);
    }

    /// A connection has no stream: it failed, or the connection was closed, before which there may have been one.
    fn without_stream(&mut self, connection: ConnectionId, reason: Option<NoStream>) {
        if let Some(dial) = self.dials.done(connection) {
            self.dial_failed(dial.without_stream(reason));
            self.start_dials();
        } else if reason.is_some()
            && let Some((address, _)) = self.connections.get(&connection)
        {
            self.tell_unless_crowded(Event::Refused {
                address: *address,
                reason: RefusedReason::NoStream,
            });
        }
    }

    fn start_dials(&mut self) {
        for failed in self.dials.start(&mut self.swarm) {
            self.dial_failed(failed);
        }
    }

    fn dial_failed(&mut self, (address, peer, reason): Failed) {
        self.telling.push_back(Event::DialFailed {
            address,
            peer,
            reason,
        });
    }

    fn tell_unless_crowded(&mut self, event: Event) {
        if self.telling.len() < CROWDED {
            self.telling.push_back(event);
        }
    }

    fn stopped_listening(&mut self, address: &libp2p::Multiaddr) {
        if let Some(socket) = socket_of(address) {
            self.telling
                .push_back(Event::StoppedListening(Address { socket, peer: None }));
        }
    }

    fn answer_where(&mut self) {
        if !self.listeners.opening() {
            for answer in self.asked_where.drain(..) {
                // Who asked may have stopped waiting.
                answer.send(self.listeners.addresses()).ok();
            }
        }
    }

    /// Much is told of an interface that changes nothing here: how strong a radio network is, for example.
    fn look_at_cables(&mut self) {
        let changed = self.cables.look();
        if changed.unplugged {
            self.telling.push_back(Event::Cable { plugged: false });
        }
        if changed.plugged {
            self.dials.overtake();
            self.telling.push_back(Event::Cable { plugged: true });
            self.look();
        }
    }

    fn look(&mut self) {
        self.swarm.behaviour_mut().finder.interfaces_changed();
        match self.listeners.update(&mut self.swarm) {
            Ok(updated) => self.updated(updated),
            Err(_) => self.look_later(),
        }
        self.answer_where();
    }

    fn updated(&mut self, updated: Updated) {
        self.look_again = None;
        if updated.again || self.watcher.is_none() {
            self.look_later();
        }
        if self.real != Some(updated.real) {
            self.real = Some(updated.real);
            self.telling
                .push_back(Event::Interfaces { real: updated.real });
        }
    }

    fn look_later(&mut self) {
        self.look_again = Instant::now().checked_add(LOOK_AGAIN);
    }
}

fn why_refused(error: &ListenError) -> RefusedReason {
    match error {
        ListenError::Denied { cause } => match cause.downcast_ref::<Denied>() {
            Some(Denied::NotAllowed) => RefusedReason::NotAllowed,
            Some(Denied::TooMany) | None => RefusedReason::TooMany,
        },
        _ => RefusedReason::Handshake,
    }
}

/// Ready when some addresses came or went; for ever waiting where that cannot be watched.
async fn interfaces(watcher: &mut Option<IfWatcher>) {
    match watcher {
        Some(watched) => match watched.next().await {
            // One look serves all that is known by now: at a start every address is told.
            Some(Ok(_)) => while let Some(Some(Ok(_))) = watched.next().now_or_never() {},
            // Watching broke: from now on the host looks by itself.
            Some(Err(_)) | None => *watcher = None,
        },
        None => std::future::pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
