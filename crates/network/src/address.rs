//! Where a host can be reached: an IP address, a TCP port and, where it is known, who must be there.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::{PeerId, PeerIdError};

/// An address that can be dialled. Written as `192.168.1.5:4001` or `[2001:db8::5]:4001`; a multiaddress such as
/// `/ip4/192.168.1.5/tcp/4001/p2p/12D3Koo…` is read too, and then [`peer`](Address::peer) is set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The IP address and the TCP port.
    pub socket: SocketAddr,
    /// Who must answer there, where the address says so.
    pub peer: Option<PeerId>,
}

/// Why a text is not an [`Address`] that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[allow(missing_docs)]
    #[error("the address is empty")]
    Empty,
    #[allow(missing_docs)]
    #[error("the address {0} has no port")]
    NoPort(IpAddr),
    #[allow(missing_docs)]
    #[error("{0:?} is not a port: a port is a number from 1 to 65535")]
    BadPort(String),
    #[allow(missing_docs)]
    #[error("an IPv6 address with a port is written in brackets, as in [2001:db8::5]:4001")]
    NoBrackets,
    #[allow(missing_docs)]
    #[error("{0:?} is not an IP address; names of hosts are not looked up")]
    NotAnIp(String),
    /// fe80::…: one must know through which interface, and libp2p cannot say it.
    #[error(
        "{0} is valid on one cable only (link-local) and cannot be dialled; use another address"
    )]
    LinkLocal(Ipv6Addr),
    #[allow(missing_docs)]
    #[error("addresses with an interface (%{0}) cannot be dialled; use another address")]
    Zone(String),
    #[allow(missing_docs)]
    #[error("{0} is not the address of one host")]
    NotAHost(IpAddr),
    /// A multiaddress that is not /ip4 or /ip6, then /tcp, then nothing or /p2p.
    #[error("only addresses of the form /ip4/…/tcp/… and /ip6/…/tcp/… are understood, got {0}")]
    NotTcp(String),
    #[allow(missing_docs)]
    #[error(transparent)]
    Peer(#[from] PeerIdError),
}

impl Address {
    /// An address, where `socket` is one of a host that can be dialled.
    pub fn new(socket: SocketAddr, peer: Option<PeerId>) -> Result<Self, AddressError> {
        if socket.port() == 0 {
            return Err(AddressError::BadPort("0".to_owned()));
        }
        // ::ffff:192.168.1.5 is an IPv4 address in disguise; a socket that speaks IPv6 alone could not reach it.
        let ip = socket.ip().to_canonical();
        match ip {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                return Err(AddressError::LinkLocal(v6));
            }
            IpAddr::V4(v4) if v4.is_broadcast() => return Err(AddressError::NotAHost(ip)),
            _ if ip.is_unspecified() || ip.is_multicast() => {
                return Err(AddressError::NotAHost(ip));
            }
            _ => {}
        }
        Ok(Self {
            socket: SocketAddr::new(ip, socket.port()),
            peer,
        })
    }

    /// The same place, with who must be there.
    pub fn with_peer(self, peer: PeerId) -> Self {
        Self {
            peer: Some(peer),
            ..self
        }
    }

    /// As a multiaddress, with the peer where it is known: `/ip4/192.168.1.5/tcp/4001/p2p/12D3Koo…`.
    pub fn to_multiaddress(&self) -> String {
        let base = self.to_multiaddr();
        match self.peer {
            Some(peer) => format!("{base}/p2p/{peer}"),
            None => base.to_string(),
        }
    }

    pub(crate) fn to_multiaddr(self) -> Multiaddr {
        multiaddr_of(self.socket)
    }

    pub(crate) fn from_multiaddr(address: &Multiaddr) -> Result<Self, AddressError> {
        let wrong = || AddressError::NotTcp(address.to_string());
        let mut parts = address.iter();
        let ip: IpAddr = match parts.next() {
            Some(Protocol::Ip4(ip)) => ip.into(),
            Some(Protocol::Ip6(ip)) => ip.into(),
            Some(Protocol::Ip6zone(zone)) => return Err(AddressError::Zone(zone.into_owned())),
            _ => return Err(wrong()),
        };
        let port = match parts.next() {
            Some(Protocol::Tcp(port)) => port,
            None => return Err(AddressError::NoPort(ip)),
            _ => return Err(wrong()),
        };
        let peer = match parts.next() {
            None => None,
            Some(Protocol::P2p(peer)) => Some(PeerId::from_libp2p(&peer)?),
            Some(_) => return Err(wrong()),
        };
        if parts.next().is_some() {
            return Err(wrong());
        }
        Self::new(SocketAddr::new(ip, port), peer)
    }
}

pub(crate) fn multiaddr_of(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port()))
}

/// The socket of a multiaddress that libp2p gave out itself; unlike [`Address::from_multiaddr`] it allows whatever can
/// stand there, link-local addresses too.
pub(crate) fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

/// Host and port alone: what a person types.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.to_multiaddress())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.starts_with('/') {
            let parsed: Multiaddr = text
                .parse()
                .map_err(|_| AddressError::NotTcp(text.to_owned()))?;
            return Self::from_multiaddr(&parsed);
        }
        if let Ok(ip) = text
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
        {
            return Err(AddressError::NoPort(ip));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(AddressError::NotAnIp(text.to_owned()));
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let bare = bracketed.unwrap_or(host);
        if let Some((_, zone)) = bare.split_once('%') {
            return Err(AddressError::Zone(zone.to_owned()));
        }
        let ip: IpAddr = bare
            .parse()
            .map_err(|_| AddressError::NotAnIp(bare.to_owned()))?;
        if ip.is_ipv6() && bracketed.is_none() {
            return Err(AddressError::NoBrackets);
        }
        // u16's own reader takes "+4001".
        let port = Some(port)
            .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|port| port.parse().ok())
            .ok_or_else(|| AddressError::BadPort(port.to_owned()))?;
        Self::new(SocketAddr::new(ip, port), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, AddressError> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn what_a_person_types_is_read_and_shown_alike() {
        assert_eq!(read("192.168.1.5:4001").unwrap(), "192.168.1.5:4001");
        assert_eq!(read(" [2001:db8::5]:4001\n").unwrap(), "[2001:db8::5]:4001");
        assert_eq!(read("127.0.0.1:1").unwrap(), "127.0.0.1:1");
        assert_eq!(read("[::ffff:10.0.0.7]:80").unwrap(), "10.0.0.7:80");
    }

    #[test]
    fn a_multiaddress_is_read_with_its_peer() {
        let peer = crate::peer_id_of_seed(&[1; 32]);
        assert_eq!(read("/ip4/10.0.0.7/tcp/4001").unwrap(), "10.0.0.7:4001");
        let text = format!("/ip6/2001:db8::5/tcp/4001/p2p/{peer}");
        let address: Address = text.parse().unwrap();
        assert_eq!(address.peer, Some(peer));
        assert_eq!(address.to_string(), "[2001:db8::5]:4001");
        assert_eq!(address.to_multiaddress(), text);
        assert_eq!(Address::from_multiaddr(&text.parse().unwrap()), Ok(address));
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        use AddressError::*;
        assert_eq!(read(" "), Err(Empty));
        assert_eq!(read("10.0.0.7"), Err(NoPort("10.0.0.7".parse().unwrap())));
        assert_eq!(
            read("[2001:db8::5]"),
            Err(NoPort("2001:db8::5".parse().unwrap()))
        );
        assert_eq!(
            read("/ip4/10.0.0.7"),
            Err(NoPort("10.0.0.7".parse().unwrap()))
        );
        for port in ["0", "65536", "-1", "+1", "", "http", "4294967297"] {
            assert_eq!(
                read(&format!("10.0.0.7:{port}")),
                Err(BadPort(port.to_owned())),
                "{port}"
            );
        }
        assert_eq!(read("ana.local:4001"), Err(NotAnIp("ana.local".to_owned())));
        assert_eq!(read("ana"), Err(NotAnIp("ana".to_owned())));
        assert_eq!(read("1234:2001:db8::5:x"), Err(NoBrackets));
        assert_eq!(read("[fe80::1%eth0]:4001"), Err(Zone("eth0".to_owned())));
        assert_eq!(
            read("[fe80::1]:4001"),
            Err(LinkLocal("fe80::1".parse().unwrap()))
        );
        assert_eq!(
            read("0.0.0.0:4001"),
            Err(NotAHost("0.0.0.0".parse().unwrap()))
        );
        assert_eq!(
            read("224.0.0.251:4001"),
            Err(NotAHost("224.0.0.251".parse().unwrap()))
        );
        assert_eq!(
            read("255.255.255.255:1"),
            Err(NotAHost("255.255.255.255".parse().unwrap()))
        );
        for text in [
            "/dns4/ana.local/tcp/1",
            "/ip4/10.0.0.7/udp/1",
            "/ip4/10.0.0.7/tcp/1/ws",
            "/x",
        ] {
            assert_eq!(read(text), Err(NotTcp(text.to_owned())), "{text}");
        }
        let rsa = "/ip4/10.0.0.7/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(read(rsa), Err(Peer(PeerIdError::Length(34))));
    }
}
