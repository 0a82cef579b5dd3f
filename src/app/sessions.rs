//! The links of this process and the sessions on them (PROTOCOL section 2): what comes from the network is opened here
//! before the replica sees it, what the replica sends is sealed here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use amends_keys::identity::{JournalId, StaticKey, StaticSecret};
use amends_keys::pairing::SessionPsk;
use amends_keys::session::{self, Dialer, Listener, Session};
use amends_network::{Address, LinkId as NetLink, Network, PeerId};
use amends_replica::{Frame, LinkId};
use tokio::time::Instant;

use super::stores::system_rng;

/// A link on which nothing was sent for so long gets a heartbeat; the other side closes it after ten seconds of silence.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(3);
/// A session on which nothing came for so long may be dead: one heartbeat is overdue by half.
const DOUBT: Duration = Duration::from_millis(4500);
/// A link on which more than heartbeats went in this time is at work.
const AT_WORK: Duration = Duration::from_secs(2);
/// The session must be open by then.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The keys that a session is made from.
pub(crate) struct SessionKeys<'a> {
    pub(crate) own: &'a StaticSecret,
    pub(crate) partner: StaticKey,
    pub(crate) psk: &'a SessionPsk,
    pub(crate) journal: JournalId,
}

enum Stage {
    Dialing(Box<Dialer>),
    Listening(Box<Listener>),
    Open(Box<Session>),
}

struct Link {
    network: Network,
    id: LinkId,
    stage: Option<Stage>,
    /// Where the other device was dialled, or came from.
    address: Address,
    /// Whether this device dialled.
    dialled: bool,
    /// The first 32 bytes that the dialer said, a public key made for this session: both sides know them, and nobody else
    /// has the same, so that both name the same one of two links.
    begun_with: [u8; 32],
    since: Instant,
    last_sent: Instant,
    /// When the last frame came.
    heard: Option<Instant>,
    /// When more than a heartbeat last went one way or the other.
    worked: Instant,
    /// An address of this machine went away since the last frame came.
    doubted: bool,
}

impl Link {
    fn doubtful_from(&self) -> Instant {
        match self.heard {
            _ if self.doubted => self.since,
            heard => heard.unwrap_or(self.since) + DOUBT,
        }
    }

    fn doubts(&self, now: Instant) -> bool {
        self.doubtful_from() <= now
    }
}

/// The first 32 bytes of a session's first message; zeros where it has fewer, and then it is none.
fn beginning(message: &[u8]) -> [u8; 32] {
    message.first_chunk().copied().unwrap_or_default()
}

/// Every link, with how far its session is.
#[derive(Default)]
pub(crate) struct Sessions {
    links: HashMap<NetLink, Link>,
    last: u64,
}

/// What a frame from the network turned out to be.
pub(crate) enum Came {
    /// The session is open now.
    Opened(LinkId),
    /// A frame of the sync, opened.
    Frame(LinkId, Vec<u8>),
    /// Nothing to do.
    Nothing,
    /// Not the partner, or not this protocol: the link is to be closed.
    Broken(String),
}

impl Sessions {
    /// A link is up. The dialer speaks first.
    pub(crate) fn begin(
        &mut self,
        network: &Network,
        link: NetLink,
        peer: PeerId,
        (address, dialled): (Address, bool),
        keys: &SessionKeys<'_>,
    ) -> Result<(), String> {
        let mine = network.peer_id();
        let mut rng = system_rng();
        let (dialer, listener) = if dialled { (mine, peer) } else { (peer, mine) };
        let between = session::Between {
            journal: &keys.journal,
            dialer: dialer.as_bytes(),
            listener: listener.as_bytes(),
        };
        let mut begun_with = [0; 32];
        let stage = if dialled {
            let (dialer, first) = Dialer::new(keys.own, &keys.partner, keys.psk, between, &mut rng)
                .map_err(|error| error.to_string())?;
            begun_with = beginning(&first);
            network
                .try_send(link, first)
                .map_err(|error| error.to_string())?;
            Stage::Dialing(Box::new(dialer))
        } else {
            let listener = Listener::new(keys.own, &keys.partner, keys.psk, between, &mut rng)
                .map_err(|error| error.to_string())?;
            Stage::Listening(Box::new(listener))
        };
        self.last = self.last.saturating_add(1);
        let now = Instant::now();
        let state = Link {
            network: network.clone(),
            id: LinkId(self.last),
            stage: Some(stage),
            address,
            dialled,
            begun_with,
            since: now,
            last_sent: now,
            heard: None,
            worked: now,
            doubted: false,
        };
        self.links.insert(link, state);
        Ok(())
    }

    /// Bytes came on a link.
    pub(crate) fn came(&mut self, link: NetLink, bytes: &[u8]) -> Came {
        let Some(state) = self.links.get_mut(&link) else {
            return Came::Nothing;
        };
        match state.stage.take() {
            Some(Stage::Dialing(dialer)) => match dialer.finish(bytes) {
                Ok(session) => {
                    state.since = Instant::now();
                    state.stage = Some(Stage::Open(Box::new(session)));
                    Came::Opened(state.id)
                }
                Err(error) => Came::Broken(error.to_string()),
            },
            Some(Stage::Listening(listener)) => match listener.answer(bytes) {
                Ok((session, answer)) => {
                    if let Err(error) = state.network.try_send(link, answer) {
                        return Came::Broken(error.to_string());
                    }
                    state.begun_with = beginning(bytes);
                    state.last_sent = Instant::now();
                    state.since = Instant::now();
                    state.stage = Some(Stage::Open(Box::new(session)));
                    Came::Opened(state.id)
                }
                Err(error) => Came::Broken(error.to_string()),
            },
            Some(Stage::Open(mut session)) => match session.open(bytes) {
                Ok(frame) => {
                    let now = Instant::now();
                    state.heard = Some(now);
                    state.doubted = false;
                    if frame != Frame::Heartbeat.to_bytes() {
                        state.worked = now;
                    }
                    state.stage = Some(Stage::Open(session));
                    Came::Frame(state.id, frame)
                }
                Err(error) => Came::Broken(error.to_string()),
            },
            None => Came::Nothing,
        }
    }

    /// Seals a frame and sends it. Where it cannot be sent the link is of no more use.
    pub(crate) fn send(&mut self, id: LinkId, frame: &[u8]) -> Result<(), NetLink> {
        let Some((link, state)) = self.links.iter_mut().find(|(_, state)| state.id == id) else {
            // It closed while the replica thought; the replica is told by the link's own end.
            return Ok(());
        };
        let Some(Stage::Open(session)) = &mut state.stage else {
            return Ok(());
        };
        let sealed = session.seal(frame).map_err(|_| *link)?;
        state.network.try_send(*link, sealed).map_err(|_| *link)?;
        state.last_sent = Instant::now();
        state.worked = state.last_sent;
        Ok(())
    }

    /// Links that are of no more use since another one to the same device is alive: a frame came over that one after this one
    /// was opened, and this one is either silent beyond [`DOUBT`], or at rest and the greater of the two by
    /// [`Link::begun_with`]. Both sides see the same order, so that by it they do not each close what the other keeps;
    /// and a link is let go only for one over which something has just come (decision 0062).
    pub(crate) fn spare(&self, now: Instant) -> Vec<NetLink> {
        let open = || {
            let links = self.links.iter();
            links.filter(|(_, state)| matches!(state.stage, Some(Stage::Open(_))))
        };
        let spare = |link: &Link| {
            open().any(|(_, other)| {
                let Some(heard) = other.heard.filter(|_| !other.doubts(now)) else {
                    return false;
                };
                let alive = other.id != link.id && heard >= link.since;
                let at_rest = link.worked + AT_WORK <= now;
                alive && (link.doubts(now) || (at_rest && other.begun_with < link.begun_with))
            })
        };
        open()
            .filter(|(_, state)| spare(state))
            .map(|(link, _)| *link)
            .collect()
    }

    /// From when on no open session is known to be alive; none where none is open.
    pub(crate) fn doubtful_from(&self) -> Option<Instant> {
        self.links
            .values()
            .filter(|state| matches!(state.stage, Some(Stage::Open(_))))
            .map(Link::doubtful_from)
            .max()
    }

    /// When [`Sessions::spare`] next may have more to give.
    pub(crate) fn next_spare(&self, now: Instant) -> Option<Instant> {
        let open = self.links.values();
        let open: Vec<&Link> = open
            .filter(|state| matches!(state.stage, Some(Stage::Open(_))))
            .collect();
        if open.len() < 2 {
            return None;
        }
        let times = open
            .iter()
            .flat_map(|link| [link.doubtful_from(), link.worked + AT_WORK]);
        times.filter(|time| *time > now).min()
    }

    /// This machine's addresses changed, or it slept: until something comes again, no session is known to be alive.
    pub(crate) fn doubt_all(&mut self) {
        for state in self.links.values_mut() {
            state.doubted = true;
        }
    }

    /// Forgets a link; gives its session's id where the session was open.
    pub(crate) fn end(&mut self, link: NetLink) -> Option<LinkId> {
        let state = self.links.remove(&link)?;
        matches!(state.stage, Some(Stage::Open(_))).then_some(state.id)
    }

    /// The session on a link, once it is open.
    pub(crate) fn id_of(&self, link: NetLink) -> Option<LinkId> {
        self.links
            .get(&link)
            .filter(|state| matches!(state.stage, Some(Stage::Open(_))))
            .map(|state| state.id)
    }

    /// Whether a link is there, its session open or not.
    pub(crate) fn has(&self, link: NetLink) -> bool {
        self.links.contains_key(&link)
    }

    /// The network's link of a session, with its host.
    pub(crate) fn link_of(&self, id: LinkId) -> Option<(NetLink, Network)> {
        self.links
            .iter()
            .find(|(_, state)| state.id == id)
            .map(|(link, state)| (*link, state.network.clone()))
    }

    /// Where the session's other device was dialled or came from, and whether it was dialled.
    pub(crate) fn reached_at(&self, id: LinkId) -> Option<(Address, bool)> {
        self.links
            .values()
            .find(|state| state.id == id)
            .map(|state| (state.address, state.dialled))
    }

    /// Whether a session begins on a link that was dialled there.
    pub(crate) fn begins_at(&self, socket: SocketAddr) -> bool {
        self.links.values().any(|state| {
            !matches!(state.stage, Some(Stage::Open(_)))
                && state.dialled
                && state.address.socket == socket
        })
    }

    /// The sessions that are open.
    pub(crate) fn open(&self) -> impl Iterator<Item = LinkId> + '_ {
        self.links
            .values()
            .filter(|state| matches!(state.stage, Some(Stage::Open(_))))
            .map(|state| state.id)
    }

    /// When [`Sessions::beat`] next has something to do.
    pub(crate) fn next_beat(&self) -> Option<Instant> {
        let due = |state: &Link| match state.stage {
            Some(Stage::Open(_)) => state.last_sent + HEARTBEAT,
            _ => state.since + HANDSHAKE,
        };
        self.links.values().map(due).min()
    }

    /// Sends the heartbeats that are due; gives the links that are of no more use.
    pub(crate) fn beat(&mut self, now: Instant) -> Vec<NetLink> {
        let mut dead = Vec::new();
        for (link, state) in &mut self.links {
            match &mut state.stage {
                Some(Stage::Open(session)) if state.last_sent + HEARTBEAT <= now => {
                    let sent = session
                        .seal(&Frame::Heartbeat.to_bytes())
                        .ok()
                        .is_some_and(|sealed| state.network.try_send(*link, sealed).is_ok());
                    state.last_sent = now;
                    if !sent {
                        dead.push(*link);
                    }
                }
                Some(Stage::Open(_)) => {}
                _ if state.since + HANDSHAKE <= now => {
                    // Its end comes as an event; until then it is not looked at again and again.
                    state.since = now;
                    dead.push(*link);
                }
                _ => {}
            }
        }
        dead
    }

    /// Closes a link; its end comes back as an event of the network.
    pub(crate) fn network_of(&self, link: NetLink) -> Option<Network> {
        self.links.get(&link).map(|state| state.network.clone())
    }
}
