//! What a host is started with.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::PeerId;

/// What a host is started with. [`Config::journal`] and [`Config::pairing`] hold what PROTOCOL says; the fields may be
/// changed before [`start`](crate::start).
#[derive(Clone)]
pub struct Config {
    /// The Ed25519 seed of this host's libp2p identity.
    pub identity: Box<Zeroizing<[u8; 32]>>,
    /// The pre-shared key under which everything lies (libp2p pnet), or none.
    pub psk: Option<Arc<Zeroizing<[u8; 32]>>>,
    /// The name of the one protocol that is spoken; it begins with `/`.
    pub protocol: &'static str,
    /// Whom to dial and accept; `None` is anyone.
    pub peers: Option<Vec<PeerId>>,
    /// Where to listen.
    pub listen: Listen,
    /// Whether to announce oneself and look for others by mDNS.
    pub announce: bool,
    /// How much is allowed.
    pub limits: Limits,
}

/// Where a host listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listen {
    /// Every real interface and loopback, each on a port that the system chooses. Tunnels and the bridges of
    /// containers and virtual machines are left out, and so are IPv6 link-local addresses, which libp2p cannot dial.
    /// Interfaces that come and go are followed.
    #[default]
    Everywhere,
    /// As [`Everywhere`](Listen::Everywhere), on this port.
    Port(u16),
    /// As [`Everywhere`](Listen::Everywhere), on this port at every address where it is free.
    Preferred(u16),
    /// This address alone. Port 0 lets the system choose; the address 0.0.0.0 or :: means every real interface of that
    /// family, and loopback.
    Only(SocketAddr),
}

/// How much a host allows before it says no. Every number is a bound on what somebody else can make it hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame, in bytes, that is sent or taken.
    pub max_frame: usize,
    /// Incoming connections that have not shown who they are. One more pushes out one of those from where most come from.
    pub pending_incoming: u32,
    /// Incoming connections that have.
    pub established_incoming: u32,
    /// Connections with one peer, incoming and outgoing.
    pub per_peer: u32,
    /// How long a connection may take until it is up, and then how long its one stream may take.
    pub handshake: Duration,
    /// A link from which no byte came for so long is closed; `None` waits for ever.
    pub silence: Option<Duration>,
    /// How long one frame may take to arrive, from its first byte to its last, and how long the other side may leave
    /// us unable to send a byte.
    pub frame: Duration,
    /// How often mDNS asks; once a minute while a link is up and [`Config::peers`] are limited.
    pub query: Duration,
}

impl Config {
    /// The journal host of a day (PROTOCOL section 5): `identity` and `psk` from the pair key, `peers` the partner's
    /// PeerIds of yesterday, today and tomorrow.
    pub fn journal(identity: [u8; 32], psk: [u8; 32], peers: Vec<PeerId>) -> Self {
        Self {
            identity: Box::new(Zeroizing::new(identity)),
            psk: Some(Arc::new(Zeroizing::new(psk))),
            protocol: "/amends/sync/1",
            peers: Some(peers),
            listen: Listen::Everywhere,
            announce: true,
            limits: Limits {
                // An envelope of 1 MiB, and room for what the session puts around it.
                max_frame: 1024 * 1024 + 4096,
                pending_incoming: 64,
                established_incoming: 4,
                per_peer: 4,
                handshake: Duration::from_secs(5),
                silence: Some(Duration::from_secs(10)),
                frame: Duration::from_secs(60),
                query: Duration::from_secs(5),
            },
        }
    }

    /// The throw-away host of a pairing (PROTOCOL section 1): `identity` is fresh random bytes. One incoming session at a
    /// time: whoever comes while one is there is refused and may come again.
    pub fn pairing(identity: [u8; 32]) -> Self {
        let journal = Self::journal(identity, [0; 32], Vec::new());
        Self {
            psk: None,
            protocol: "/amends/pair/1",
            peers: None,
            limits: Limits {
                max_frame: 1024,
                established_incoming: 1,
                // The people read numbers to each other meanwhile; how long an attempt may take is the caller's to say.
                silence: None,
                frame: Duration::from_secs(5),
                ..journal.limits
            },
            ..journal
        }
    }
}

/// Leaves out the two secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("protocol", &self.protocol)
            .field("peers", &self.peers)
            .field("listen", &self.listen)
            .field("announce", &self.announce)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_identity_nor_psk() {
        let shown = format!("{:?}", Config::journal([0xab; 32], [0xcd; 32], Vec::new()));
        assert!(
            shown.starts_with("Config { protocol: \"/amends/sync/1\", peers: Some([]), "),
            "{shown}"
        );
        for secret in ["identity", "psk", "171", "205", "ab, ", "cd, "] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
