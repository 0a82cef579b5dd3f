//! The other side of a pairing, played by the test itself over real sockets, message by message (PROTOCOL section 1): it stops
//! wherever the test wants it to, and its link stays open until it is dropped.

use std::time::Duration;

use amends_keys::identity::{LogSecret, PersonName, StaticSecret};
use amends_keys::invite::{Entered, Invite};
use amends_keys::pairing::{
    Channels, Device, HostWaitsM1, HostWaitsM3, HostWaitsM5, JoinerConfirms, JoinerWaitsM2,
    JoinerWaitsM4, host, join,
};
use amends_network::{Address, Config, Event, Events, LinkId, Listen, Network};
use rand_core::CryptoRng;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(30);

fn rng() -> impl CryptoRng {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// A device that exists for this one pairing.
fn device(name: &str) -> Device {
    let mut rng = rng();
    Device {
        static_secret: StaticSecret::generate(&mut rng),
        log_key: LogSecret::generate(&mut rng).public(),
        name: PersonName::try_from(name).unwrap(),
    }
}

/// A throw-away host of the test's own. It runs in a thread, so that what was sent goes out while the test does other things.
struct Host {
    runtime: Handle,
    network: Network,
    events: Events,
    end: Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.end.take() {
            // The runtime ends with its thread, and every socket with it.
            drop(end);
            let _ = thread.join();
        }
    }
}

impl Host {
    fn new() -> Host {
        let owner = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let runtime = owner.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || drop(owner.block_on(ended)));
        let mut identity = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng(), &mut identity);
        let config = Config {
            listen: Listen::Only("127.0.0.1:0".parse().unwrap()),
            announce: false,
            ..Config::pairing(identity)
        };
        let (network, events) = runtime
            .block_on(async { amends_network::start(config) })
            .unwrap();
        Host {
            runtime,
            network,
            events,
            end: Some((end, thread)),
        }
    }

    #[track_caller]
    fn next(&mut self) -> Event {
        let events = &mut self.events;
        let next = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, events.next()).await });
        next.expect("nothing happened at the test's own side")
            .expect("the test's own host stopped")
    }

    #[track_caller]
    fn connected(&mut self) -> (LinkId, amends_network::PeerId) {
        loop {
            match self.next() {
                Event::Connected { link, peer, .. } => return (link, peer),
                Event::DialFailed { reason, .. } => panic!("the test's own dial failed: {reason}"),
                _ => {}
            }
        }
    }

    #[track_caller]
    fn frame(&mut self) -> Vec<u8> {
        loop {
            match self.next() {
                Event::Frame { bytes, .. } => return bytes,
                Event::Closed { reason, .. } => {
                    panic!("closed while a message was waited for: {reason}")
                }
                _ => {}
            }
        }
    }

    fn closed(&mut self) {
        while !matches!(self.next(), Event::Closed { .. }) {}
    }

    fn send(&mut self, link: LinkId, bytes: Vec<u8>) {
        let network = &self.network;
        self.runtime
            .block_on(async { network.send(link, bytes).await })
            .unwrap();
    }

    fn dial(&mut self, at: &str) -> (LinkId, amends_network::PeerId) {
        let address: Address = at.parse().unwrap();
        let network = &self.network;
        self.runtime
            .block_on(async { network.dial(address, None).await })
            .unwrap();
        self.connected()
    }
}

/// Connects, takes M0 and goes away again: an attempt that breaks off before M3.
pub(crate) fn breaks_off(at: &str) {
    let mut host = Host::new();
    let (link, _) = host.dial(at);
    host.frame();
    let network = host.network.clone();
    host.runtime.block_on(async { network.close(link).await });
    host.closed();
}

/// Connects to a host whose code is dead, which hangs up before it has said anything.
pub(crate) fn is_turned_away(at: &str) {
    let mut host = Host::new();
    host.dial(at);
    host.closed();
}

/// Somebody who joins.
pub(crate) struct HalfJoiner {
    host: Host,
    link: LinkId,
    stage: JoinerStage,
}

enum JoinerStage {
    WaitsM2(Box<JoinerWaitsM2>),
    WaitsM4(Box<JoinerWaitsM4>),
    Confirms(Box<JoinerConfirms>),
    Over,
}

impl HalfJoiner {
    /// M1 is sent.
    pub(crate) fn found(at: &str, code: &str) -> HalfJoiner {
        let mut own = Host::new();
        let (link, peer) = own.dial(at);
        let entered = Entered::parse(code).unwrap();
        let mine = own.network.peer_id();
        let channels = Channels {
            host: peer.as_bytes(),
            joiner: mine.as_bytes(),
        };
        let state = join(&entered, channels, device("Bo")).unwrap();
        let m0 = own.frame();
        let (state, m1) = state.m0(&m0, &mut rng()).unwrap();
        own.send(link, m1);
        HalfJoiner {
            host: own,
            link,
            stage: JoinerStage::WaitsM2(Box::new(state)),
        }
    }

    /// M3 is sent: the guess is spent.
    pub(crate) fn guessed(at: &str, code: &str) -> HalfJoiner {
        let mut this = HalfJoiner::found(at, code);
        let m2 = this.host.frame();
        let JoinerStage::WaitsM2(state) = std::mem::replace(&mut this.stage, JoinerStage::Over)
        else {
            panic!("out of step")
        };
        let (state, m3) = state.m2(&m2, &mut rng()).unwrap();
        this.host.send(this.link, m3);
        this.stage = JoinerStage::WaitsM4(Box::new(state));
        this
    }

    /// M4 has come: the number is on this screen.
    pub(crate) fn sees_the_number(at: &str, code: &str) -> HalfJoiner {
        let mut this = HalfJoiner::guessed(at, code);
        let m4 = this.host.frame();
        let JoinerStage::WaitsM4(state) = std::mem::replace(&mut this.stage, JoinerStage::Over)
        else {
            panic!("out of step")
        };
        this.stage = JoinerStage::Confirms(Box::new(state.m4(&m4).unwrap()));
        this
    }

    /// Says yes, takes M6 and goes away before the first session.
    pub(crate) fn says_yes_and_vanishes(mut self) {
        let JoinerStage::Confirms(state) = std::mem::replace(&mut self.stage, JoinerStage::Over)
        else {
            panic!("out of step")
        };
        let (state, m5) = state.yes();
        self.host.send(self.link, m5);
        let m6 = self.host.frame();
        state.m6(&m6).unwrap();
    }
}

impl HalfJoiner {
    /// Says yes, and M5 goes out twice. The link is open until this is dropped.
    pub(crate) fn says_yes_twice(mut self) -> Self {
        let JoinerStage::Confirms(state) = std::mem::replace(&mut self.stage, JoinerStage::Over)
        else {
            panic!("out of step")
        };
        let (_, m5) = state.yes();
        self.host.send(self.link, m5.clone());
        self.host.send(self.link, m5);
        self
    }
}

/// Somebody who shows a code.
pub(crate) struct HalfHost {
    host: Host,
    invite: Invite,
    link: Option<LinkId>,
    stage: HostStage,
}

enum HostStage {
    Shows,
    WaitsM1(Box<HostWaitsM1>),
    WaitsM3(Box<HostWaitsM3>),
    WaitsM5(Box<HostWaitsM5>),
}

impl HalfHost {
    pub(crate) fn new() -> HalfHost {
        HalfHost {
            host: Host::new(),
            invite: Invite::new(&mut rng()),
            link: None,
            stage: HostStage::Shows,
        }
    }

    pub(crate) fn code(&self) -> String {
        self.invite.typed().shown().to_string()
    }

    pub(crate) fn at(&self) -> String {
        let network = &self.host.network;
        self.host
            .runtime
            .block_on(async { network.listening().await })[0]
            .to_string()
    }

    /// Somebody has come and was sent M0.
    #[track_caller]
    pub(crate) fn is_found(&mut self) {
        let (link, peer) = self.host.connected();
        let mine = self.host.network.peer_id();
        let channels = Channels {
            host: mine.as_bytes(),
            joiner: peer.as_bytes(),
        };
        let (state, m0) = host(&self.invite, channels, device("Ana"));
        self.host.send(link, m0);
        self.link = Some(link);
        self.stage = HostStage::WaitsM1(Box::new(state));
    }

    /// M1 was answered by M2, and M3 has come: the joiner's guess is spent. Gives M4, not sent yet.
    #[track_caller]
    pub(crate) fn is_guessed(&mut self) -> Vec<u8> {
        self.is_found();
        let m1 = self.host.frame();
        let HostStage::WaitsM1(state) = std::mem::replace(&mut self.stage, HostStage::Shows) else {
            panic!("out of step")
        };
        let (state, m2) = state.m1(&m1, &mut rng()).unwrap();
        self.host.send(self.link.unwrap(), m2);
        self.stage = HostStage::WaitsM3(Box::new(state));
        let m3 = self.host.frame();
        let HostStage::WaitsM3(state) = std::mem::replace(&mut self.stage, HostStage::Shows) else {
            panic!("out of step")
        };
        let (state, m4) = state.m3(&m3).unwrap();
        self.stage = HostStage::WaitsM5(Box::new(state));
        m4
    }

    /// M4 is sent, the joiner's yes, M5, has come, and M6 goes out twice.
    #[track_caller]
    pub(crate) fn confirms_twice(&mut self) {
        let m4 = self.is_guessed();
        self.host.send(self.link.unwrap(), m4);
        let m5 = self.host.frame();
        let HostStage::WaitsM5(state) = std::mem::replace(&mut self.stage, HostStage::Shows) else {
            panic!("out of step")
        };
        let (_, m6) = state.m5(&m5).unwrap().yes(&mut rng()).unwrap();
        self.host.send(self.link.unwrap(), m6.clone());
        self.host.send(self.link.unwrap(), m6);
    }

    /// M4 is sent, and the joiner's yes, M5, has come. M6 never goes out.
    #[track_caller]
    pub(crate) fn is_confirmed(&mut self) {
        let m4 = self.is_guessed();
        self.host.send(self.link.unwrap(), m4);
        let m5 = self.host.frame();
        let HostStage::WaitsM5(state) = std::mem::replace(&mut self.stage, HostStage::Shows) else {
            panic!("out of step")
        };
        state.m5(&m5).unwrap();
    }
}
