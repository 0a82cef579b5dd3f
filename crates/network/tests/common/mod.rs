//! Two devices' hosts on real sockets of this machine, in one process.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::time::Duration;

use amends_network::{
    Address, Closed, Config, DialError, Event, Events, LinkId, Listen, Network, PeerId, start,
};

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub const PSK: [u8; 32] = [7; 32];

/// A host and what it tells.
pub struct Host {
    pub network: Network,
    pub events: Events,
}

/// On loopback alone, without mDNS.
pub fn quiet(config: Config) -> Config {
    Config {
        listen: Listen::Only("127.0.0.1:0".parse().unwrap()),
        announce: false,
        ..config
    }
}

/// The configurations of two journal hosts that know each other.
pub fn journals() -> (Config, Config) {
    let peer = |seed| amends_network::peer_id_of_seed(&[seed; 32]);
    (
        quiet(Config::journal([1; 32], PSK, vec![peer(2)])),
        quiet(Config::journal([2; 32], PSK, vec![peer(1)])),
    )
}

/// The configurations of a pairing host and one who joins.
pub fn pairing() -> (Config, Config) {
    (
        quiet(Config::pairing([11; 32])),
        quiet(Config::pairing([12; 32])),
    )
}

impl Host {
    pub fn start(config: Config) -> Self {
        let (network, events) = start(config).unwrap();
        Self { network, events }
    }

    pub async fn address(&self) -> Address {
        self.network.listening().await[0]
    }

    pub async fn dial(&self, other: &Host) {
        self.network
            .dial(other.address().await, Some(other.network.peer_id()))
            .await
            .unwrap();
    }

    /// The first event that `wanted` takes; what comes before is passed over.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self
                    .events
                    .next()
                    .await
                    .expect("the host stopped while an event was waited for");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .expect("the event did not come")
    }

    pub async fn connected(&mut self) -> (LinkId, PeerId, bool, Address) {
        self.until(|event| match event {
            Event::Connected {
                link,
                peer,
                dialer,
                address,
            } => Some((link, peer, dialer, address)),
            Event::DialFailed { reason, .. } => panic!("the dial failed: {reason}"),
            _ => None,
        })
        .await
    }

    pub async fn frame(&mut self, of: LinkId) -> Vec<u8> {
        self.until(|event| match event {
            Event::Frame { link, bytes } if link == of => Some(bytes),
            Event::Closed { link, reason } if link == of => {
                panic!("closed while a frame was waited for: {reason}")
            }
            _ => None,
        })
        .await
    }

    pub async fn closed(&mut self, of: LinkId) -> Closed {
        self.until(|event| match event {
            Event::Closed { link, reason } if link == of => Some(reason),
            _ => None,
        })
        .await
    }

    pub async fn dial_failed(&mut self) -> DialError {
        self.until(|event| match event {
            Event::DialFailed { reason, .. } => Some(reason),
            Event::Connected { .. } => panic!("connected where the dial should fail"),
            _ => None,
        })
        .await
    }
}

/// Two hosts with one link, dialled by the first.
pub async fn linked((a, b): (Config, Config)) -> (Host, LinkId, Host, LinkId) {
    let (mut a, mut b) = (Host::start(a), Host::start(b));
    a.dial(&b).await;
    let (at_a, ..) = a.connected().await;
    let (at_b, ..) = b.connected().await;
    (a, at_a, b, at_b)
}
