//! Finding the partner's device and keeping the way to it (PROTOCOL section 5): the hosts of this process, the identity of the
//! day, whom to dial and when.
//!
//! mDNS tells where to dial, but is no sign of life: while no session is known to be alive, everything known is dialled again
//! with backoff, the addresses that somebody named first, then the last good ones, with the port of the day beside the one that
//! was good (decision 0061), then what was found. Whatever may have opened a way has it done at once: an address of this machine
//! that came or went, a partner that is heard of, a machine that slept.

mod known;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use amends_keys::identity::{day_of, identity_of_the_day, port_of_the_day};
use amends_network::{
    Address, Backoff, Config, Event as Heard, Events, LinkId as NetLink, Listen, Network, PeerId,
    StartError, peer_id_of_seed,
};
use rand_core::Rng;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::sessions::SessionKeys;
use super::stores::{Pair, system_rng};
use super::{App, now};
use crate::advice::Advice;
use crate::request::{Event, Failure};

/// The wait before everything known is dialled again where the partner was heard of.
const AT_ONCE: Duration = Duration::from_millis(300);
/// Where this clock and the system's steady one, which stands still while a machine sleeps, are so far apart, it slept or was
/// set.
const SLEPT: Duration = Duration::from_secs(10);
/// How long what was queued has to go out at the end.
const STOPPING: Duration = Duration::from_secs(3);
/// Before this program was written, and long after it, a clock is wrong: under the identity of such a day nobody is found.
pub(crate) const EARLIEST: i64 = 1_767_225_600_000; // 2026-01-01
pub(crate) const LATEST: i64 = 3_786_912_000_000; // 2090-01-01
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// One libp2p host of this process.
pub(super) struct Carrier {
    id: u64,
    network: Network,
    /// The day whose identity it shows; none for the throw-away host of a pairing.
    day: Option<u64>,
}

/// The hosts, and what is known of where the partner's device is.
pub(crate) struct Meetings {
    tell: mpsc::Sender<(u64, Heard)>,
    last_carrier: u64,
    carriers: Vec<Carrier>,
    /// Where this device listens, as a person would type it.
    pub(crate) listening: Vec<String>,
    /// There is an interface besides loopback.
    pub(crate) real_interface: bool,
    /// Addresses that somebody named.
    named: Vec<Address>,
    /// What mDNS claims of each of the partner's identities, of yesterday, today and tomorrow.
    found: Vec<(PeerId, Vec<Address>)>,
    /// Dialled, and nothing came of it yet.
    dialling: HashSet<SocketAddr>,
    backoff: Backoff,
    next_dial: Option<Instant>,
    /// Both clocks as they were when last looked at: milliseconds since 1970 UTC, and the steady one.
    clocks: (i64, Instant),
    /// When, after midnight, this device changes to the new day's identity (milliseconds since 1970 UTC).
    change_at: Option<i64>,
}

impl Meetings {
    pub(crate) fn new(tell: mpsc::Sender<(u64, Heard)>) -> Self {
        Self {
            tell,
            last_carrier: 0,
            carriers: Vec::new(),
            listening: Vec::new(),
            real_interface: true,
            named: Vec::new(),
            found: Vec::new(),
            dialling: HashSet::new(),
            backoff: Backoff::new(),
            next_dial: None,
            clocks: (now(), Instant::now()),
            change_at: None,
        }
    }

    /// Whether there is any address to try.
    pub(crate) fn knows_where(&self) -> bool {
        !self.named.is_empty() || !self.found.is_empty()
    }

    /// Where the partner's device was named or found.
    pub(super) fn known(&self) -> impl Iterator<Item = Address> + '_ {
        self.named.iter().copied().chain(self.claimed())
    }

    /// What was found, the newest first.
    fn claimed(&self) -> impl Iterator<Item = Address> + '_ {
        let addresses = self.found.iter().flat_map(|(_, found)| found.iter().rev());
        addresses.map(|address| Address {
            peer: None,
            ..*address
        })
    }

    /// Something may have opened a way: it is looked for at once.
    fn look_now(&mut self) {
        self.backoff.succeeded();
        self.next_dial = Some(Instant::now());
        // Whatever is under way went the old way.
        self.dialling.clear();
    }

    /// Whether this machine slept, or its clock was set, since this was last asked.
    fn slept(&mut self) -> bool {
        let (wall, steady) = std::mem::replace(&mut self.clocks, (now(), Instant::now()));
        let (wall, steady) = (
            self.clocks.0.saturating_sub(wall),
            self.clocks.1.duration_since(steady).as_millis(),
        );
        let steady = i64::try_from(steady).unwrap_or(i64::MAX);
        u128::from(wall.abs_diff(steady)) > SLEPT.as_millis()
    }

    /// Whether this machine has no network but itself. A host told to listen on loopback alone cannot tell.
    pub(crate) fn no_network(&self, listen: Option<&str>) -> bool {
        let looks_for_all = match listen_of(listen) {
            Ok(Listen::Only(socket)) => socket.ip().is_unspecified(),
            _ => true,
        };
        looks_for_all && !self.real_interface
    }

    fn add(&mut self, network: Network, events: Events, day: Option<u64>) -> u64 {
        self.last_carrier = self.last_carrier.saturating_add(1);
        let id = self.last_carrier;
        tokio::spawn(forward(id, events, self.tell.clone()));
        self.carriers.push(Carrier { id, network, day });
        id
    }

    fn carrier(&self, id: u64) -> Option<&Carrier> {
        self.carriers.iter().find(|carrier| carrier.id == id)
    }

    fn of_a_day(&self) -> Option<&Carrier> {
        self.carriers
            .iter()
            .rev()
            .find(|carrier| carrier.day.is_some())
    }
}

async fn forward(id: u64, mut events: Events, tell: mpsc::Sender<(u64, Heard)>) {
    while let Some(event) = events.next().await {
        if tell.send((id, event)).await.is_err() {
            return;
        }
    }
}

/// The random numbers that spread waits.
fn random() -> u32 {
    system_rng().next_u32()
}

/// What was typed as a place to listen: a port, an address, or an address with a port.
pub(super) fn listen_of(typed: Option<&str>) -> Result<Listen, Failure> {
    let Some(typed) = typed else {
        return Ok(Listen::Everywhere);
    };
    let bad = || Advice::BadAddress {
        given: typed.to_owned(),
    };
    if let Ok(port) = typed.trim_start_matches(':').parse::<u16>() {
        return Ok(Listen::Port(port));
    }
    if let Ok(socket) = typed.parse() {
        return Ok(Listen::Only(socket));
    }
    let address: Address = typed.parse().map_err(|_| bad())?;
    Ok(Listen::Only(address.socket))
}

pub(super) fn start_failed(error: &StartError) -> Failure {
    match error {
        StartError::PortInUse(address) => Advice::PortTaken {
            address: address.to_string(),
        },
        StartError::NotOurs(address) | StartError::NotPermitted(address) => Advice::CannotListen {
            address: address.to_string(),
            error: error.to_string(),
        },
        StartError::Listen(address, cause) => Advice::CannotListen {
            address: address.to_string(),
            error: cause.to_string(),
        },
        other => Advice::NetworkFailed {
            error: other.to_string(),
        },
    }
    .into()
}

pub(super) fn address_of(typed: &str) -> Result<Address, Failure> {
    typed.parse().map_err(|_| {
        Advice::BadAddress {
            given: typed.to_owned(),
        }
        .into()
    })
}

/// The partner's PeerIds of yesterday, today and tomorrow.
fn partner_peers(pair: &Pair, day: u64) -> Vec<PeerId> {
    (day.saturating_sub(1)..=day.saturating_add(1))
        .map(|day| peer_id_of_seed(&identity_of_the_day(&pair.discovery, day, &pair.partner)))
        .collect()
}

impl App {
    /// Opens this device's doors under the identity of the day.
    pub(super) async fn start_meeting(&mut self) -> Result<(), Failure> {
        if self.meetings.of_a_day().is_some() {
            return Ok(());
        }
        let Some(pair) = &self.pair else {
            return Err(Advice::NotPaired.into());
        };
        let now = now();
        if !(EARLIEST..LATEST).contains(&now) {
            return Err(Advice::ClockAbsurd {
                now: super::answers::time_of(now),
            }
            .into());
        }
        let day = day_of(now);
        let own = self.open.device.static_secret.public();
        let identity = identity_of_the_day(&pair.discovery, day, &own);
        let mut config = Config::journal(*identity, *pair.pnet.expose(), partner_peers(pair, day));
        config.listen = match listen_of(self.options.listen.as_deref())? {
            Listen::Everywhere => Listen::Preferred(port_of_the_day(&pair.discovery, day, &own)),
            asked_for => asked_for,
        };
        config.announce = !self.options.quiet;
        let (network, events) =
            amends_network::start(config).map_err(|error| start_failed(&error))?;
        if let Some(peer) = self.options.peer.clone() {
            self.name_address(&peer)?;
        }
        self.meetings.add(network.clone(), events, Some(day));
        self.listens(&network).await;
        self.meetings.next_dial = Some(Instant::now());
        self.change_after(day);
        Ok(())
    }

    /// Where the host listens now; told when it changed.
    async fn listens(&mut self, network: &Network) {
        let listening: Vec<String> = network
            .listening()
            .await
            .iter()
            .map(ToString::to_string)
            .collect();
        if listening != self.meetings.listening {
            self.meetings.listening.clone_from(&listening);
            self.tell(&Event::Up { listen: listening });
        }
    }

    /// Each device changes to the new day's identity at a random minute of the first hour, so that no two that change
    /// together show that they belong together.
    fn change_after(&mut self, day: u64) {
        let midnight = i64::try_from(day)
            .unwrap_or(0)
            .saturating_add(1)
            .saturating_mul(DAY_MS);
        self.meetings.change_at = Some(midnight.saturating_add(i64::from(random()) % HOUR_MS));
    }

    fn name_address(&mut self, typed: &str) -> Result<(), Failure> {
        // Who is there changes with the day.
        let address = Address {
            peer: None,
            ..address_of(typed)?
        };
        if !self.meetings.named.contains(&address) {
            self.meetings.named.push(address);
        }
        Ok(())
    }

    /// Somebody waits for the partner: the doors are opened where they are not, and everything known is dialled now.
    pub(super) async fn look_for(&mut self, peer: Option<String>) -> Result<(), Failure> {
        if let Some(peer) = peer {
            self.name_address(&peer)?;
        }
        self.start_meeting().await?;
        self.meetings.backoff.succeeded();
        if self.searches() {
            self.dial_all().await;
        }
        Ok(())
    }

    /// Whether the partner is wanted, and no session with it is known to be alive.
    fn searches(&self) -> bool {
        let from = self.sessions.doubtful_from();
        self.wants_to_meet() && from.is_none_or(|from| from <= Instant::now())
    }

    /// When [`App::keep_meeting`] next dials.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        let next = self.meetings.next_dial.filter(|_| self.wants_to_meet())?;
        let doubtful = self.sessions.doubtful_from();
        Some(doubtful.map_or(next, |doubtful| doubtful.max(next)))
    }

    /// What is due: dialling again, or the new day's identity.
    pub(super) async fn keep_meeting(&mut self) -> Result<(), Failure> {
        if self.meetings.slept() {
            self.sessions.doubt_all();
            self.meetings.look_now();
        }
        let today = day_of(now());
        let shown = self.meetings.of_a_day().and_then(|carrier| carrier.day);
        if let Some(shown) = shown
            && shown != today
            // A clock that was set is followed at once; midnight at this device's own minute.
            && (shown.saturating_add(1) != today || self.meetings.change_at.is_none_or(|at| now() >= at))
        {
            self.close_doors(true).await;
            if self.wants_to_meet() {
                self.start_meeting().await?;
            }
        }
        if self.next_dial().is_some_and(|due| due <= Instant::now()) {
            self.dial_all().await;
        }
        Ok(())
    }

    async fn dial_all(&mut self) {
        let known = self.meetings.named.clone();
        self.dial(known.into_iter().chain(self.saved()), false)
            .await;
        // What mDNS said may be anybody's claim.
        let claimed: Vec<Address> = self.meetings.claimed().collect();
        self.dial(claimed, true).await;
        // A session that may be dead keeps the host from asking.
        if self.sessions.open().next().is_some()
            && let Some(host) = self.meetings.of_a_day()
        {
            host.network.ask().await.ok();
        }
        let wait = self.meetings.backoff.failed(random());
        self.meetings.next_dial = Some(Instant::now() + wait.max(Duration::from_millis(50)));
    }

    /// Dials each address on which nothing is under way already: a network that is slower than the wait before dialling
    /// again would else be given one connection after the other.
    async fn dial(&mut self, addresses: impl IntoIterator<Item = Address>, claimed: bool) {
        let Some(network) = self
            .meetings
            .of_a_day()
            .map(|carrier| carrier.network.clone())
        else {
            return;
        };
        for address in addresses {
            if self.meetings.dialling.contains(&address.socket)
                || self.sessions.begins_at(address.socket)
            {
                continue;
            }
            let dialled = if claimed {
                network.dial_claimed(address).await
            } else {
                network.dial(address, None).await
            };
            if dialled.is_err() {
                return;
            }
            self.meetings.dialling.insert(address.socket);
        }
    }

    /// Lets go of links that another one has taken the place of, and counts on them no longer: one that is dead takes its time
    /// to be closed.
    pub(super) fn let_spare_go(&mut self) -> Result<(), Failure> {
        for link in self.sessions.spare(Instant::now()) {
            self.close(link);
            self.link_closed(link)?;
        }
        Ok(())
    }

    /// A host brings something.
    pub(super) async fn carried(&mut self, carrier: u64, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Listening(address) | Heard::StoppedListening(address) => {
                if let Some(network) = self
                    .meetings
                    .carrier(carrier)
                    .filter(|carrier| carrier.day.is_some())
                    .map(|carrier| carrier.network.clone())
                {
                    self.listens(&network).await;
                    if !address.socket.ip().is_loopback() {
                        if matches!(heard, Heard::StoppedListening(_)) {
                            self.sessions.doubt_all();
                        }
                        self.meetings.look_now();
                    }
                }
            }
            Heard::Interfaces { real } => {
                if real && !self.meetings.real_interface {
                    self.meetings.look_now();
                }
                self.meetings.real_interface = real;
            }
            Heard::Cable { plugged: true } => self.meetings.look_now(),
            Heard::Cable { plugged: false } => self.sessions.doubt_all(),
            Heard::Found { peer, addresses } => {
                let before: Vec<Address> = self.meetings.claimed().collect();
                self.meetings.found.retain(|(known, _)| *known != peer);
                self.meetings.found.insert(0, (peer, addresses));
                if self.searches() {
                    // It is there, or there again. Anybody may say so, and as often as they like.
                    let soon = Instant::now() + AT_ONCE;
                    let next = self.meetings.next_dial;
                    self.meetings.next_dial = Some(next.map_or(soon, |next| next.min(soon)));
                    let new: Vec<Address> = self.meetings.claimed().collect();
                    let new = new.into_iter().filter(|address| !before.contains(address));
                    self.dial(new, true).await;
                }
            }
            Heard::Lost { peer } => self.meetings.found.retain(|(known, _)| *known != peer),
            Heard::Connected {
                link,
                peer,
                dialer,
                address,
            } => {
                let Some((network, of_a_day)) = self
                    .meetings
                    .carrier(carrier)
                    .map(|carrier| (carrier.network.clone(), carrier.day.is_some()))
                else {
                    return Ok(());
                };
                if dialer {
                    self.meetings.dialling.remove(&address.socket);
                }
                if !of_a_day {
                    // A pairing's host has its one link already.
                    network.close(link).await;
                    return Ok(());
                }
                self.begin_session(&network, link, peer, address, dialer);
            }
            Heard::Frame { link, bytes } => {
                self.frame_came(link, &bytes)?;
                self.look_at_pairing().await?;
            }
            Heard::Closed { link, .. } => {
                self.link_closed(link)?;
                self.look_at_syncs();
                self.look_at_pairing().await?;
            }
            // Somebody was turned away, or nobody was there: nothing to do but to try again when it is due.
            Heard::DialFailed { address, .. } => {
                self.meetings.dialling.remove(&address.socket);
            }
            Heard::Refused { .. } => {}
        }
        Ok(())
    }

    /// A link is up: the session on it begins.
    pub(super) fn begin_session(
        &mut self,
        network: &Network,
        link: NetLink,
        peer: PeerId,
        address: Address,
        dialled: bool,
    ) {
        let Some(pair) = &self.pair else {
            return;
        };
        let keys = SessionKeys {
            own: &self.open.device.static_secret,
            partner: pair.partner,
            psk: &pair.session_psk,
            journal: pair.journal,
        };
        if self
            .sessions
            .begin(network, link, peer, (address, dialled), &keys)
            .is_err()
        {
            let network = network.clone();
            tokio::spawn(async move { network.close(link).await });
        }
    }

    /// Takes over the host of a pairing with its one link, on which the first session runs.
    pub(super) fn adopt(&mut self, network: Network, events: Events) -> u64 {
        self.meetings.add(network, events, None)
    }

    /// Lets a pairing's host go.
    pub(super) async fn let_carrier_go(&mut self, id: u64) {
        if let Some(at) = self
            .meetings
            .carriers
            .iter()
            .position(|carrier| carrier.id == id)
        {
            let carrier = self.meetings.carriers.swap_remove(at);
            stop(carrier).await;
        }
    }

    /// Closes the doors of the day, or all of them.
    pub(super) async fn close_doors(&mut self, of_a_day_only: bool) {
        let (close, keep): (Vec<_>, Vec<_>) = std::mem::take(&mut self.meetings.carriers)
            .into_iter()
            .partition(|carrier| !of_a_day_only || carrier.day.is_some());
        self.meetings.carriers = keep;
        for carrier in close {
            stop(carrier).await;
        }
        self.meetings.found.clear();
        self.meetings.dialling.clear();
    }

    /// The end: what is on its way goes out, then everything closes.
    pub(super) async fn stop_meeting(&mut self) {
        self.close_doors(false).await;
    }
}

/// What was queued goes out first. What the host still tells, the end of each link above all, comes through its forwarder,
/// which ends with it.
async fn stop(carrier: Carrier) {
    drop(tokio::time::timeout(STOPPING, carrier.network.stop()).await);
}
