//! mDNS (RFC 6762) as hosts of libp2p speak it: one socket for each real interface and family, what is asked there, what is
//! answered, and what others claim.
//!
//! The form is that of libp2p's specification "mDNS": a question for [`SERVICE`]; in the answer a pointer to a name that means
//! nothing, and for each address a text `dnsaddr=/ip4/192.168.1.5/tcp/4001/p2p/12D3Koo…`. Why not libp2p's own behaviour:
//! `docs/decisions/0060-mdns-on-each-interface.md`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{PTR, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use libp2p::Multiaddr;
use rand::TryRng;
use rand::rngs::SysRng;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::interfaces::serves;
use crate::look::{Interface, Sort};
use crate::{Address, PeerId};

/// The port and the groups of mDNS (RFC 6762 section 3).
pub(crate) const MDNS: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// What hosts of libp2p answer to.
pub(crate) const SERVICE: &str = "_p2p._udp.local.";
/// What everything that speaks mDNS answers to (RFC 6763 section 9).
pub(crate) const SERVICES: &str = "_services._dns-sd._udp.local.";
/// The longest packet of mDNS (RFC 6762 section 17).
pub(crate) const LONGEST: usize = 9000;
/// Addresses that are told in one answer, and claims that are read of one.
const CLAIMS: usize = 64;
/// Sockets at most; a machine with so many addresses is none of a person's.
const PLACES: usize = 32;

/// Where there is a socket: an interface, and in it one IPv4 address or IPv6 as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    index: u32,
    /// Those at which others reach this machine here; one where it is IPv4.
    pub(crate) addresses: Vec<IpAddr>,
}

/// Every place among `interfaces` where others may be found.
pub(crate) fn places(interfaces: &[Interface]) -> Vec<Place> {
    let mut places = Vec::new();
    for interface in interfaces.iter().filter(|one| one.sort == Sort::Real) {
        let place = |addresses: Vec<IpAddr>| Place {
            name: interface.name.clone(),
            index: interface.index,
            addresses,
        };
        let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = interface
            .addresses
            .iter()
            .filter(|ip| serves(**ip))
            .partition(|ip| ip.is_ipv4());
        places.extend(four.into_iter().map(|ip| place(vec![ip])));
        if !six.is_empty() {
            places.push(place(six));
        }
    }
    places.truncate(PLACES);
    places
}

impl Place {
    /// Whether a socket for `self` serves `other` as well: addresses of IPv6 may come and go within it.
    pub(crate) fn is(&self, other: &Place) -> bool {
        let six = |place: &Place| place.addresses.iter().any(IpAddr::is_ipv6);
        let here = self.index == other.index && self.name == other.name;
        here && match (six(self), six(other)) {
            (true, true) => true,
            (false, false) => self.addresses == other.addresses,
            _ => false,
        }
    }
}

/// A socket at one place.
#[derive(Debug)]
pub(crate) struct Ear {
    pub(crate) place: Place,
    socket: UdpSocket,
    group: SocketAddr,
}

impl Ear {
    /// Joins the group at this place.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(place: Place) -> io::Result<Ear> {
        let Some(ip) = place.addresses.first().copied() else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        let domain = if ip.is_ipv4() {
            Domain::IPV4
        } else {
            Domain::IPV6
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        // By default a socket hears every group that anybody on this machine joined, on any interface.
        #[cfg(target_os = "linux")]
        match ip {
            IpAddr::V4(_) => socket.set_multicast_all_v4(false)?,
            IpAddr::V6(_) => socket.set_multicast_all_v6(false)?,
        }
        let group: SocketAddr = match ip {
            IpAddr::V4(ip) => {
                socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, MDNS)).into())?;
                socket.set_multicast_loop_v4(true)?;
                socket.set_multicast_ttl_v4(255)?;
                socket.set_multicast_if_v4(&ip)?;
                socket.join_multicast_v4(&GROUP_V4, &ip)?;
                (GROUP_V4, MDNS).into()
            }
            IpAddr::V6(_) => {
                socket.set_only_v6(true)?;
                socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, MDNS)).into())?;
                socket.set_multicast_loop_v6(true)?;
                socket.set_multicast_hops_v6(255)?;
                socket.set_multicast_if_v6(place.index)?;
                socket.join_multicast_v6(&GROUP_V6, place.index)?;
                (GROUP_V6, MDNS).into()
            }
        };
        socket.set_nonblocking(true)?;
        Ok(Ear {
            place,
            socket: UdpSocket::from_std(socket.into())?,
            group,
        })
    }

    /// Says something to everybody at this place.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.socket.send_to(bytes, self.group).await.map(|_| ())
    }

    /// As [`Ear::send`], at once or not at all.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        // Past tokio, which takes a socket for not ready until it was waited for once.
        let socket = socket2::SockRef::from(&self.socket);
        socket.send_to(bytes, &self.group.into()).map(|_| ())
    }

    /// Writes the next packet over the beginning of `into`.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn poll_hear(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(into);
        self.socket
            .poll_recv_from(cx, &mut buffer)
            .map_ok(|from| (buffer.filled().len(), from))
    }

    /// The next packet.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn hear(&self) -> io::Result<(Vec<u8>, SocketAddr)> {
        let mut bytes = vec![0; LONGEST];
        let (length, from) = self.socket.recv_from(&mut bytes).await?;
        bytes.truncate(length);
        Ok((bytes, from))
    }
}

/// A random number from the system, or 0: no secret hangs on it.
pub(crate) fn random() -> u32 {
    SysRng.try_next_u32().unwrap_or(0)
}

/// Who answers to `name`?
pub(crate) fn question(id: u16, name: &str) -> io::Result<Vec<u8>> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    let name = Name::from_ascii(name).map_err(io::Error::other)?;
    message.add_query(Query::query(name, RecordType::PTR));
    message.to_vec().map_err(io::Error::other)
}

/// `peer` listens at these sockets, which may be remembered for so long.
pub(crate) fn answer(
    id: u16,
    peer: &PeerId,
    at: &[SocketAddr],
    remembered: Duration,
) -> io::Result<Vec<u8>> {
    let seconds = u32::try_from(remembered.as_secs()).unwrap_or(u32::MAX);
    let mut message = response(id);
    // Another name each time, as libp2p does it: it names nothing.
    let label = format!(
        "{:08x}{:08x}{:08x}{:08x}",
        random(),
        random(),
        random(),
        random()
    );
    let instance = Name::from_ascii(format!("{label}.")).map_err(io::Error::other)?;
    let service = Name::from_ascii(SERVICE).map_err(io::Error::other)?;
    message.add_answer(Record::from_rdata(
        service,
        seconds,
        RData::PTR(PTR(instance.clone())),
    ));
    for socket in at.iter().take(CLAIMS) {
        let address = crate::address::multiaddr_of(*socket);
        let text = TXT::new(vec![format!("dnsaddr={address}/p2p/{peer}")]);
        let mut record = Record::from_rdata(instance.clone(), seconds, RData::TXT(text));
        record.mdns_cache_flush = true;
        message.add_additional(record);
    }
    message.to_vec().map_err(io::Error::other)
}

/// There is something here that answers to [`SERVICE`].
pub(crate) fn services(id: u16, remembered: Duration) -> io::Result<Vec<u8>> {
    let seconds = u32::try_from(remembered.as_secs()).unwrap_or(u32::MAX);
    let mut message = response(id);
    let service = Name::from_ascii(SERVICE).map_err(io::Error::other)?;
    let mut record = Record::from_rdata(
        Name::from_ascii(SERVICES).map_err(io::Error::other)?,
        seconds,
        RData::PTR(PTR(service)),
    );
    record.mdns_cache_flush = true;
    message.add_answer(record);
    message.to_vec().map_err(io::Error::other)
}

fn response(id: u16) -> Message {
    let mut message = Message::new(id, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = true;
    message
}

/// What a packet says that concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Who answers to [`SERVICE`]?
    WhoIsThere,
    /// Which services are there?
    WhichServices,
    /// Who claims to be where; perhaps nobody.
    Claims(Vec<(PeerId, Address)>),
    /// A question for somebody else.
    Other,
}

/// A packet, with the number by which question and answer know each other; `from` is where it came from.
pub(crate) fn read(bytes: &[u8], from: IpAddr) -> Option<(u16, Said)> {
    let message = Message::from_vec(bytes).ok()?;
    let asks = |service: &str| {
        let mut queries = message.queries.iter();
        queries.any(|query| query.name().to_utf8().eq_ignore_ascii_case(service))
    };
    let said = if message.queries.is_empty() {
        let records = message.answers.iter().chain(&message.additionals);
        let texts = records.filter_map(|record| match &record.data {
            RData::TXT(text) => Some(text),
            _ => None,
        });
        let claims = texts
            .flat_map(|text| text.txt_data.iter())
            .filter_map(|piece| claim(piece))
            .filter(|(_, address)| plausible(address.socket.ip(), from));
        Said::Claims(claims.take(CLAIMS).collect())
    } else if asks(SERVICE) {
        Said::WhoIsThere
    } else if asks(SERVICES) {
        Said::WhichServices
    } else {
        Said::Other
    };
    Some((message.metadata.id, said))
}

/// Whether somebody at `from` may be at `claimed`. What is claimed over IPv4 must be where the packet came from, so that nobody
/// can send us elsewhere; packets of IPv6 come from link-local addresses, which cannot be dialled.
fn plausible(claimed: IpAddr, from: IpAddr) -> bool {
    serves(claimed)
        && match from {
            IpAddr::V4(_) => claimed == from,
            IpAddr::V6(_) => claimed.is_ipv6(),
        }
}

/// `dnsaddr=/ip4/192.168.1.5/tcp/4001/p2p/12D3Koo…`, perhaps in quotes: libp2p's specification of its mDNS.
fn claim(piece: &[u8]) -> Option<(PeerId, Address)> {
    let text = std::str::from_utf8(piece).ok()?.trim_matches('"');
    let address = Multiaddr::from_str(text.strip_prefix("dnsaddr=")?).ok()?;
    let address = Address::from_multiaddr(&address).ok()?;
    Some((address.peer?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> PeerId {
        crate::peer_id_of_seed(&[3; 32])
    }

    #[test]
    fn a_claim_is_read_with_quotes_and_without() {
        let text = format!("dnsaddr=/ip4/10.0.0.7/tcp/4100/p2p/{}", peer());
        let expected = Some((
            peer(),
            Address::new("10.0.0.7:4100".parse().unwrap(), Some(peer())).unwrap(),
        ));
        assert_eq!(claim(text.as_bytes()), expected);
        assert_eq!(claim(format!("\"{text}\"").as_bytes()), expected);
        for other in [
            "",
            "dnsaddr=",
            "dnsaddr=/ip4/10.0.0.7/udp/1",
            "dnsaddr=/dns/x/tcp/1/p2p/12D3Koo",
            "path=/",
        ] {
            assert_eq!(claim(other.as_bytes()), None, "{other}");
        }
        assert_eq!(claim(&[0xff, 0xfe]), None);
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        let four: IpAddr = "10.0.0.7".parse().unwrap();
        let asked = question(7, SERVICE).unwrap();
        assert_eq!(read(&asked, four), Some((7, Said::WhoIsThere)));
        let asked = question(8, SERVICES).unwrap();
        assert_eq!(read(&asked, four), Some((8, Said::WhichServices)));
        let asked = question(9, "_ipp._tcp.local.").unwrap();
        assert_eq!(read(&asked, four), Some((9, Said::Other)));
        let told = services(10, Duration::from_secs(60)).unwrap();
        assert_eq!(read(&told, four), Some((10, Said::Claims(Vec::new()))));
        let at: Vec<SocketAddr> = vec!["10.0.0.7:4100".parse().unwrap()];
        let told = answer(11, &peer(), &at, Duration::from_secs(60)).unwrap();
        let expected = vec![(peer(), Address::new(at[0], Some(peer())).unwrap())];
        assert_eq!(read(&told, four), Some((11, Said::Claims(expected))));
        for (n, byte) in told.iter().enumerate() {
            let mut altered = told.clone();
            altered[n] = byte.wrapping_add(1);
            // Whatever it says now, it is read or it is not.
            let _ = read(&altered, four);
            let _ = read(&told[..n], four);
        }
    }

    #[test]
    fn nobody_is_sent_to_a_third_place() {
        let at: Vec<SocketAddr> = [
            "10.0.0.7:4100",
            "10.0.0.8:4100",
            "198.51.100.1:22",
            "127.0.0.1:631",
            "[2001:db8::7]:4100",
            "[fe80::7]:4100",
            "[::1]:4100",
        ]
        .map(|socket| socket.parse().unwrap())
        .to_vec();
        let told = answer(1, &peer(), &at, Duration::from_secs(60)).unwrap();
        let from = |from: &str| match read(&told, from.parse().unwrap()) {
            Some((_, Said::Claims(claims))) => claims
                .iter()
                .map(|(_, address)| address.socket.to_string())
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(from("10.0.0.7"), ["10.0.0.7:4100"]);
        assert_eq!(from("fe80::7"), ["[2001:db8::7]:4100"]);
        assert_eq!(from("10.0.0.9"), [""; 0]);
    }

    #[test]
    fn each_address_of_ipv4_has_its_place_and_ipv6_has_one() {
        let interface = |name: &str, sort, addresses: &[&str]| Interface {
            name: name.to_owned(),
            sort,
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
            index: 3,
        };
        let all = [
            interface(
                "eth0",
                Sort::Real,
                &["10.0.0.7", "10.1.0.7", "fe80::7", "fd00::7", "2001:db8::7"],
            ),
            interface("tun0", Sort::Tunnel, &["10.8.0.2"]),
            interface("docker0", Sort::Inside, &["172.17.0.1"]),
            interface("lo", Sort::Loopback, &["127.0.0.1", "::1"]),
            interface("eth1", Sort::WithoutAddress, &["fe80::8"]),
        ];
        let found = places(&all);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|place| place.name == "eth0"));
        let mut six = found[2].clone();
        six.addresses.pop();
        assert!(six.is(&found[2]) && !found[0].is(&found[1]) && !found[0].is(&six));
    }
}
