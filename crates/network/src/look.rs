//! A look around, for who wants to know why two devices do not find each other: which interfaces there are, which way the
//! system would take to an address, and what can be heard by mDNS.
//!
//! Nothing is announced. What is asked is what every host of libp2p asks, and what every browser of services asks; what
//! is told apart is only who answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};

use crate::finder::{ADDRESSES, PEERS};
use crate::interfaces::{is_real, is_tunnel, serves};
use crate::multicast::{self, Ear, MDNS, SERVICE, SERVICES, Said};
use crate::{Address, PeerId};

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
    pub(crate) index: u32,
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
    for place in multicast::places(on) {
        let name = place.name.clone();
        match Ear::open(place) {
            Ok(ear) => ears.push(ear),
            Err(error) => {
                heard.refused.insert(name, error.kind().to_string());
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
            let name = &ear.place.name;
            heard.asked.entry(name.clone()).or_insert(false);
            for service in [SERVICE, SERVICES] {
                let asked = match multicast::question(id, service) {
                    Ok(question) => ear.send(&question).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = asked {
                    heard.refused.insert(name.clone(), error.kind().to_string());
                }
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
            let mut next: FuturesUnordered<_> = ears
                .iter()
                .map(async |ear| (&*ear.place.name, ear.hear().await))
                .collect();
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
        match multicast::read(bytes, from.ip()) {
            Some((theirs, Said::WhoIsThere | Said::WhichServices)) if own && theirs == id => {
                self.asked.insert(name.to_owned(), true);
            }
            Some((theirs, Said::Claims(claims))) if theirs == id => {
                for (peer, address) in claims {
                    let full = self.claims.len() >= PEERS;
                    if full && !self.claims.contains_key(&peer) {
                        continue;
                    }
                    let addresses = self.claims.entry(peer).or_default();
                    if addresses.len() < ADDRESSES {
                        addresses.insert(address);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
