//! A look around, for who wants to know why two devices do not find each other: which interfaces there are, which way the
//! system would take to an address, and what can be heard by mDNS.
//!
//! Nothing is announced. What is asked is what every host of libp2p asks, and what every browser of services asks; what
//! is told apart is only who answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use libp2p::Multiaddr;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Instant, sleep_until, timeout};

use crate::finder::{ADDRESSES, PEERS};
use crate::interfaces::{is_real, is_tunnel, serves};
use crate::{Address, PeerId};

/// The port and the groups of mDNS (RFC 6762 section 3).
const MDNS: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// What hosts of libp2p answer to, and what everything that speaks mDNS answers to (RFC 6763 section 9).
const QUESTIONS: [&str; 2] = ["_p2p._udp.local.", "_services._dns-sd._udp.local."];
/// How often it is asked within one look: a packet can be lost, on a radio above all.
const TIMES: u32 = 3;
/// Packets of others that are looked at in one look.
const PACKETS: usize = 512;
/// How long a bare connection may take, within this machine or to another one of this network.
const TO_ONESELF: Duration = Duration::from_secs(1);

/// One interface that is up, with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// As the system calls it.
    pub name: String,
    /// What it is to us.
    pub sort: Sort,
    /// Its addresses, those that nobody can dial included.
    pub addresses: Vec<IpAddr>,
    index: u32,
}

/// What an interface is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Others may be found there: it is listened on.
    Real,
    /// This machine alone.
    Loopback,
    /// A VPN, or another way through which nothing is announced.
    Tunnel,
    /// A network of containers or of virtual machines within this machine.
    Inside,
    /// It has no address at which anybody could dial us.
    WithoutAddress,
}

/// What was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Interfaces that were asked on, by name, and whether this machine heard its own question there.
    pub asked: BTreeMap<String, bool>,
    /// Interfaces on which the system would not let a question out, or not let anybody listen, with what it said.
    pub refused: BTreeMap<String, String>,
    /// Other machines that said anything at all by mDNS.
    pub others: BTreeSet<IpAddr>,
    /// Who claims to be where, in answers to our own questions; at most 64 peers with 16 addresses.
    pub claims: BTreeMap<PeerId, BTreeSet<Address>>,
}

/// Every interface that is up and has an address.
///
/// # Errors
/// Where the system does not tell.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut all: BTreeMap<String, Interface> = BTreeMap::new();
    for found in if_addrs::get_if_addrs()? {
        let ip = found.ip();
        all.entry(found.name.clone())
            .or_insert_with(|| Interface {
                sort: Sort::WithoutAddress,
                addresses: Vec::new(),
                index: found.index.unwrap_or(0),
                name: found.name,
            })
            .addresses
            .push(ip);
    }
    let mut all: Vec<Interface> = all.into_values().collect();
    for interface in &mut all {
        let served = interface.addresses.iter().any(|ip| serves(*ip));
        interface.sort = if is_real(&interface.name) {
            match served {
                true => Sort::Real,
                false if interface.addresses.iter().any(IpAddr::is_loopback) => Sort::Loopback,
                false => Sort::WithoutAddress,
            }
        } else if is_tunnel(&interface.name) {
            Sort::Tunnel
        } else {
            Sort::Inside
        };
    }
    Ok(all)
}

/// The address of this machine from which the system would send to `ip`, none where it has no way there. Nothing is sent.
pub fn way_to(ip: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match ip {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any).ok()?;
    // Connecting a UDP socket only asks for a route.
    socket.connect((ip, MDNS)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Whether a connection from this machine to itself at `ip` comes about. A firewall that lets nothing in mostly lets what
/// comes from the same machine in, so that only `false` tells anything.
pub async fn reaches_itself(ip: IpAddr) -> bool {
    let Ok(listener) = TcpListener::bind((ip, 0)).await else {
        return true;
    };
    let Ok(at) = listener.local_addr() else {
        return true;
    };
    let (dialled, _) = tokio::join!(
        timeout(TO_ONESELF, TcpStream::connect(at)),
        timeout(TO_ONESELF, listener.accept())
    );
    matches!(dialled, Ok(Ok(_)))
}

/// Whether anything takes a connection there, whatever it speaks.
pub async fn accepts(at: SocketAddr) -> bool {
    let dialled = timeout(TO_ONESELF, TcpStream::connect(at)).await;
    matches!(dialled, Ok(Ok(_)))
}

/// Asks on every real interface among `on` and listens for `time`. `id` marks our own questions, and should be random.
pub async fn look(on: &[Interface], id: u16, time: Duration) -> Heard {
    let mut heard = Heard::default();
    let mut ears = Vec::new();
    for interface in on.iter().filter(|interface| interface.sort == Sort::Real) {
        let mut families: Vec<&IpAddr> = Vec::new();
        for ip in &interface.addresses {
            if serves(*ip) && families.iter().all(|known| known.is_ipv4() != ip.is_ipv4()) {
                families.push(ip);
            }
        }
        for ip in families {
            match Ear::open(interface, *ip) {
                Ok(ear) => ears.push(ear),
                Err(error) => {
                    heard
                        .refused
                        .insert(interface.name.clone(), error.kind().to_string());
                }
            }
        }
    }
    let mine: BTreeSet<IpAddr> = on
        .iter()
        .flat_map(|interface| interface.addresses.iter().copied())
        .collect();
    let begun = Instant::now();
    let end = begun.checked_add(time).unwrap_or(begun);
    let mut packets = 0_usize;
    for turn in 0..TIMES {
        for ear in &ears {
            heard.asked.entry(ear.name.clone()).or_insert(false);
            if let Err(error) = ear.ask(id).await {
                heard
                    .refused
                    .insert(ear.name.clone(), error.kind().to_string());
            }
        }
        // The last turn listens to the end, the others for their share.
        let until = time
            .checked_div(TIMES)
            .and_then(|share| share.checked_mul(turn.saturating_add(1)))
            .and_then(|share| begun.checked_add(share))
            .filter(|_| turn.saturating_add(1) < TIMES)
            .unwrap_or(end);
        let waiting = sleep_until(until);
        tokio::pin!(waiting);
        while packets < PACKETS && !ears.is_empty() {
            let mut next: FuturesUnordered<_> = ears.iter().map(Ear::hear).collect();
            let came = tokio::select! {
                came = next.next() => came,
                () = &mut waiting => break,
            };
            let Some((name, Ok((bytes, from)))) = came else {
                // A socket that fails says nothing more worth waiting for.
                (&mut waiting).await;
                break;
            };
            packets = packets.saturating_add(1);
            heard.note(name, &bytes, from, id, &mine);
        }
    }
    heard
}

impl Heard {
    /// Whether a question of this machine's own came back to it anywhere.
    pub fn hears_itself(&self) -> bool {
        self.asked.values().any(|own| *own)
    }

    fn note(
        &mut self,
        name: &str,
        bytes: &[u8],
        from: SocketAddr,
        id: u16,
        mine: &BTreeSet<IpAddr>,
    ) {
        let own = mine.contains(&from.ip());
        if !own {
            self.others.insert(from.ip());
            if self.others.len() > PEERS {
                self.others.pop_last();
            }
        }
        let Ok(message) = Message::from_vec(bytes) else {
            return;
        };
        if own && message.metadata.id == id && !message.queries.is_empty() {
            self.asked.insert(name.to_owned(), true);
        }
        if message.metadata.id != id {
            return;
        }
        for record in &message.additionals {
            let RData::TXT(text) = &record.data else {
                continue;
            };
            for piece in text.txt_data.iter() {
                if let Some((peer, address)) = claim(piece) {
                    let full = self.claims.len() >= PEERS;
                    if full && !self.claims.contains_key(&peer) {
                        continue;
                    }
                    let addresses = self.claims.entry(peer).or_default();
                    // A host tells all of its addresses; where the answer came from is one that leads there.
                    if addresses.len() < ADDRESSES && address.socket.ip() == from.ip() {
                        addresses.insert(address);
                    }
                }
            }
        }
    }
}

/// `dnsaddr=/ip4/192.168.1.5/tcp/4001/p2p/12D3Koo…`, perhaps in quotes: libp2p's specification of its mDNS.
fn claim(piece: &[u8]) -> Option<(PeerId, Address)> {
    let text = std::str::from_utf8(piece).ok()?.trim_matches('"');
    let address = Multiaddr::from_str(text.strip_prefix("dnsaddr=")?).ok()?;
    let address = Address::from_multiaddr(&address).ok()?;
    Some((address.peer?, address))
}

/// A socket on one interface, in one of the two families.
struct Ear {
    name: String,
    socket: UdpSocket,
    group: SocketAddr,
}

impl Ear {
    fn open(interface: &Interface, ip: IpAddr) -> io::Result<Ear> {
        let domain = if ip.is_ipv4() {
            Domain::IPV4
        } else {
            Domain::IPV6
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
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
                socket.set_multicast_if_v6(interface.index)?;
                socket.join_multicast_v6(&GROUP_V6, interface.index)?;
                (GROUP_V6, MDNS).into()
            }
        };
        socket.set_nonblocking(true)?;
        Ok(Ear {
            name: interface.name.clone(),
            socket: UdpSocket::from_std(socket.into())?,
            group,
        })
    }

    async fn ask(&self, id: u16) -> io::Result<()> {
        for question in QUESTIONS {
            let mut message = Message::new(id, MessageType::Query, OpCode::Query);
            let name = Name::from_ascii(question).map_err(io::Error::other)?;
            message.add_query(Query::query(name, RecordType::PTR));
            let bytes = message.to_vec().map_err(io::Error::other)?;
            self.socket.send_to(&bytes, self.group).await?;
        }
        Ok(())
    }

    async fn hear(&self) -> (&str, io::Result<(Vec<u8>, SocketAddr)>) {
        // The longest packet of mDNS (RFC 6762 section 17).
        let mut bytes = vec![0; 9000];
        let came = self.socket.recv_from(&mut bytes).await;
        let came = came.map(|(length, from)| {
            bytes.truncate(length);
            (bytes, from)
        });
        (&self.name, came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_with_quotes_and_without() {
        let peer = crate::peer_id_of_seed(&[3; 32]);
        let text = format!("dnsaddr=/ip4/10.0.0.7/tcp/4100/p2p/{peer}");
        let expected = Some((
            peer,
            Address::new("10.0.0.7:4100".parse().unwrap(), Some(peer)).unwrap(),
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
    fn the_way_to_oneself_is_oneself() {
        let own = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(way_to(own), Some(own));
    }

    #[tokio::test]
    async fn loopback_is_no_network_and_is_reached() {
        let all = interfaces().unwrap();
        let loopback = all
            .iter()
            .find(|one| one.addresses.contains(&IpAddr::from([127, 0, 0, 1])));
        // In a namespace whose loopback carries another address it is a network.
        assert!(loopback.is_none_or(|one| matches!(one.sort, Sort::Loopback | Sort::Real)));
        assert!(reaches_itself(IpAddr::from([127, 0, 0, 1])).await);
    }

    #[test]
    fn a_flood_of_packets_leaves_what_is_kept_small() {
        let mut heard = Heard::default();
        for n in 0..1000_u32 {
            let from = SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + n), MDNS));
            heard.note("eth0", &[0xff; 40], from, 7, &BTreeSet::new());
        }
        assert!(heard.others.len() <= PEERS && heard.claims.is_empty());
    }
}
