//! Why the two devices do not meet: what this one can see, and what follows from it.
//!
//! One side alone sees: which interfaces there are and which way the system takes; whether its own question comes back to it
//! by multicast; who answers, and whether that is the partner's device of some day; and what becomes of a connection
//! to where it was found or last met. [`examine`] looks, [`conclude`] says what it means. What one side cannot know is said so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use amends_keys::identity::{DiscoveryKey, StaticKey, identity_of_the_day};
use amends_network::{
    Address, Config, DialError, Event, Heard, Interface, Listen, PeerId, Sort, peer_id_of_seed,
};
use rand_core::Rng;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::{failed, ill, unknown, well};
use crate::advice::Advice;
use crate::app::system_rng;
use crate::request::{Finding, State};

/// How long answers are waited for. Whoever is there answers at once; a packet may be lost, and is asked for three times.
const LOOKING: Duration = Duration::from_millis(1800);
/// How long connections may take all together: a little more than one may.
const DIALLING: Duration = Duration::from_secs(6);
/// So many days off a clock is recognised by the identity that its device shows.
const DAYS: u64 = 400;
/// Addresses outside this network (RFC 5737, RFC 3849): which way the system would take to them is asked, nothing is sent.
const OUTSIDE: [&str; 2] = ["198.51.100.1", "2001:db8::1"];
/// Addresses that are tried.
const ADDRESSES: usize = 16;

/// What is known of the pair.
pub struct Facts {
    /// The partner's name, made harmless.
    pub partner: String,
    /// Today, as days since 1970 UTC.
    pub today: u64,
    /// This device's libp2p identity of today.
    pub identity: Box<Zeroizing<[u8; 32]>>,
    /// The key that hides the pair's connections.
    pub pnet: Box<Zeroizing<[u8; 32]>>,
    /// Leads to both devices' identities of any day.
    pub discovery: DiscoveryKey,
    /// This device.
    pub own: StaticKey,
    /// The partner's.
    pub theirs: StaticKey,
    /// Where the partner's device was named or last met, the best first.
    pub addresses: Vec<Address>,
    /// There is a session with it now.
    pub connected: bool,
    /// Nothing is to be asked by mDNS.
    pub quiet: bool,
}

/// Who claims to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The partner's device, as it shows itself on the day that is so many days from this one's.
    Partner(i64),
    /// This device itself.
    Own,
    /// Nobody of this pair.
    Stranger,
}

/// All that was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// None where the system does not tell.
    pub interfaces: Option<Vec<Interface>>,
    /// The interface by which the system leaves this network, where it is a tunnel.
    pub vpn: Option<String>,
    /// None where nothing was asked.
    pub heard: Option<Heard>,
    /// Who was heard, and where.
    pub who: Vec<(Who, Vec<Address>)>,
    /// What became of connections: none where it was the partner's device.
    pub dials: Vec<(Address, Result<Who, DialError>)>,
    /// Addresses of this machine at which it does not even reach itself.
    pub closed: Vec<IpAddr>,
}

impl Facts {
    /// Who shows this identity.
    fn who(&self, peer: &PeerId) -> Who {
        let shows = |device: &StaticKey, day: u64| {
            peer_id_of_seed(&identity_of_the_day(&self.discovery, day, device)) == *peer
        };
        // The nearest days first: they are nearly always enough.
        for distance in 0..=DAYS {
            let days = [
                self.today.checked_sub(distance),
                self.today.checked_add(distance),
            ];
            for day in days.into_iter().flatten() {
                if shows(&self.theirs, day) {
                    let (day, today) = (i64::try_from(day), i64::try_from(self.today));
                    return Who::Partner(day.unwrap_or(0).saturating_sub(today.unwrap_or(0)));
                }
                if distance <= 1 && shows(&self.own, day) {
                    return Who::Own;
                }
            }
        }
        Who::Stranger
    }

    fn peers(&self) -> Vec<PeerId> {
        (self.today.saturating_sub(1)..=self.today.saturating_add(1))
            .map(|day| peer_id_of_seed(&identity_of_the_day(&self.discovery, day, &self.theirs)))
            .collect()
    }
}

/// Looks, and says what it means. Takes seconds. Without facts (no pair, or no key) it is this machine alone that is
/// looked at.
pub async fn examine(facts: Option<Facts>) -> Vec<Finding> {
    let mut seen = Seen {
        interfaces: amends_network::interfaces().ok(),
        ..Seen::default()
    };
    let interfaces = seen.interfaces.clone().unwrap_or_default();
    seen.vpn = vpn(&interfaces);
    for ip in real(&interfaces) {
        if !amends_network::reaches_itself(ip).await {
            seen.closed.push(ip);
        }
    }
    let connected = facts.as_ref().is_some_and(|facts| facts.connected);
    if facts.as_ref().is_none_or(|facts| !facts.quiet) {
        let id = system_rng().next_u32() as u16;
        seen.heard = Some(amends_network::look(&interfaces, id, LOOKING).await);
    }
    if let (Some(facts), Some(heard)) = (&facts, &seen.heard) {
        let claims = heard.claims.iter();
        seen.who = claims
            .map(|(peer, at)| (facts.who(peer), at.iter().copied().collect()))
            .filter(|(who, _)| *who != Who::Own)
            .collect();
    }
    if let Some(facts) = facts.as_ref().filter(|_| !connected) {
        let found = seen
            .who
            .iter()
            .filter(|(who, _)| matches!(who, Who::Partner(-1..=1)))
            .flat_map(|(_, addresses)| addresses.iter());
        let mut addresses: Vec<Address> = Vec::new();
        for address in found.chain(&facts.addresses) {
            let address = Address {
                peer: None,
                ..*address
            };
            if !addresses.contains(&address) && addresses.len() < ADDRESSES {
                addresses.push(address);
            }
        }
        seen.dials = dial(facts, addresses).await;
    }
    conclude(
        facts.as_ref().map(|facts| (&*facts.partner, connected)),
        &seen,
    )
}

/// The addresses of real interfaces at which others could reach this machine.
fn real(interfaces: &[Interface]) -> Vec<IpAddr> {
    interfaces
        .iter()
        .filter(|interface| interface.sort == Sort::Real)
        .flat_map(|interface| interface.addresses.iter().copied())
        .filter(|ip| match ip {
            IpAddr::V4(ip) => !ip.is_loopback(),
            IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
        })
        .collect()
}

/// The tunnel by which the system leaves this network, if it does so by one.
fn vpn(interfaces: &[Interface]) -> Option<String> {
    let leaves_by = OUTSIDE
        .iter()
        .filter_map(|ip| amends_network::way_to(ip.parse().ok()?))
        .collect::<Vec<_>>();
    interfaces
        .iter()
        .filter(|interface| interface.sort == Sort::Tunnel)
        .find(|interface| interface.addresses.iter().any(|ip| leaves_by.contains(ip)))
        .map(|interface| interface.name.clone())
}

/// Tries every address at once. Whoever is dialled sees a device of the pair that comes and goes.
async fn dial(facts: &Facts, addresses: Vec<Address>) -> Vec<(Address, Result<Who, DialError>)> {
    let mut config = Config::journal(**facts.identity, **facts.pnet, facts.peers());
    config.listen = Listen::Only((IpAddr::from([127, 0, 0, 1]), 0).into());
    config.announce = false;
    let expected = peer_id_of_seed(&identity_of_the_day(
        &facts.discovery,
        facts.today,
        &facts.theirs,
    ));
    let Ok((network, mut events)) = amends_network::start(config) else {
        return Vec::new();
    };
    let mut waiting: BTreeSet<Address> = BTreeSet::new();
    for address in addresses {
        // Naming who must be there, one is told who is there in their place.
        if network.dial(address, Some(expected)).await.is_ok() {
            waiting.insert(address);
        }
    }
    let mut came = BTreeMap::new();
    let deadline = Instant::now() + DIALLING;
    while !waiting.is_empty() {
        let Ok(Some(event)) = timeout_at(deadline, events.next()).await else {
            break;
        };
        let (address, outcome) = match event {
            Event::Connected { address, peer, .. } => (address, Ok(facts.who(&peer))),
            Event::DialFailed {
                address,
                reason: DialError::OtherPeer { found: Some(found) },
                ..
            } => (address, Ok(facts.who(&found))),
            Event::DialFailed {
                address, reason, ..
            } => (address, Err(reason)),
            _ => continue,
        };
        let address = Address {
            peer: None,
            ..address
        };
        if waiting.remove(&address) {
            came.insert(address, outcome);
        }
    }
    came.extend(
        waiting
            .into_iter()
            .map(|address| (address, Err(DialError::NoAnswer))),
    );
    network.stop().await;
    for (address, outcome) in &mut came {
        // Whoever takes the connection and does not go on has another key: by design it says nothing.
        let silent = *outcome == Err(DialError::NoAnswer);
        if silent && amends_network::accepts(address.socket).await {
            *outcome = Err(DialError::Handshake);
        }
    }
    came.into_iter().collect()
}

/// What it means. `pair`: the partner's name, and whether there is a session now.
pub fn conclude(pair: Option<(&str, bool)>, seen: &Seen) -> Vec<Finding> {
    let partner = pair.map(|(partner, connected)| partner_found(partner, connected, seen));
    let met = partner
        .as_ref()
        .is_none_or(|finding| finding.state == State::Ok);
    let mut findings: Vec<Finding> = in_the_way(pair.map(|(partner, _)| partner), met, seen)
        .into_iter()
        .collect();
    findings.push(interfaces(seen));
    findings.push(multicast(met && pair.is_some(), seen));
    findings.extend(partner);
    findings
}

fn names(interfaces: &[Interface], sort: Sort) -> Vec<&str> {
    let of = interfaces.iter().filter(|one| one.sort == sort);
    of.map(|one| &*one.name).collect()
}

fn interfaces(seen: &Seen) -> Finding {
    let Some(all) = &seen.interfaces else {
        return unknown(
            "interfaces",
            "The system does not tell which networks there are.",
        );
    };
    let real = names(all, Sort::Real);
    let skipped: Vec<&str> = [Sort::Tunnel, Sort::Inside]
        .into_iter()
        .flat_map(|sort| names(all, sort))
        .collect();
    let but = if skipped.is_empty() {
        String::new()
    } else {
        format!(
            " Not looked at, since they lead elsewhere: {}.",
            skipped.join(", ")
        )
    };
    if real.is_empty() {
        return failed("interfaces", Advice::NoInterface);
    }
    if let Some(ip) = seen.closed.first() {
        let ip = ip.to_string();
        return failed("interfaces", Advice::ClosedToItself { ip });
    }
    well(
        "interfaces",
        format!("This machine is on a network: {}.{but}", real.join(", ")),
    )
}

/// A VPN matters where the partner's device is not seen, and nothing that was seen speaks against it.
fn in_the_way(partner: Option<&str>, met: bool, seen: &Seen) -> Option<Finding> {
    let all = seen.interfaces.as_deref().unwrap_or_default();
    let alone = names(all, Sort::Real).is_empty();
    if let Some(name) = names(all, Sort::Tunnel).first().filter(|_| alone) {
        let name = (*name).to_owned();
        return Some(failed("vpn", Advice::VpnAlone { name }));
    }
    let name = seen.vpn.clone()?;
    let not_the_reason = met || evidence(partner.unwrap_or_default(), seen).is_some();
    Some(if not_the_reason {
        well(
            "vpn",
            format!(
                "A VPN ({name}) carries this machine's traffic, and nothing shows that it keeps the two devices apart."
            ),
        )
    } else {
        failed("vpn", Advice::VpnInTheWay { name })
    })
}

fn multicast(met: bool, seen: &Seen) -> Finding {
    let Some(heard) = &seen.heard else {
        return unknown("multicast", "Nothing was asked by mDNS, as you wished.");
    };
    if heard.asked.is_empty() && heard.refused.is_empty() {
        return unknown(
            "multicast",
            "Without a network nothing can be asked by mDNS.",
        );
    }
    if !heard.hears_itself() {
        let on: Vec<&str> = heard
            .asked
            .keys()
            .chain(heard.refused.keys())
            .map(|name| &**name)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let said = heard.refused.values().next();
        let how = said.map_or_else(
            || "this machine does not hear its own question".to_owned(),
            |said| format!("the system says: {said}"),
        );
        let blocked = Advice::MulticastBlocked {
            on: on.join(", "),
            how,
            first: opening_mdns().to_owned(),
        };
        // Whoever is met all the same has been found by an address.
        let state = if met { State::Warning } else { State::Failed };
        return ill("multicast", state, blocked);
    }
    well(
        "multicast",
        match heard.others.len() {
            0 => "Multicast (mDNS) works on this machine. No other device was heard on this network at all.".to_owned(),
            1 => "Multicast (mDNS) works: one other device was heard.".to_owned(),
            n => format!("Multicast (mDNS) works: {n} other devices were heard."),
        },
    )
}

/// How mDNS is let in by the firewalls that ask a person for commands, where one of them runs here.
fn opening_mdns() -> &'static str {
    let ufw = std::fs::read_to_string("/etc/ufw/ufw.conf")
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "ENABLED=yes"));
    if ufw {
        "Here: sudo ufw allow 5353/udp. "
    } else if std::path::Path::new("/run/firewalld").exists() {
        "Here: sudo firewall-cmd --permanent --add-service=mdns, then sudo firewall-cmd --reload. "
    } else {
        ""
    }
}

/// What was seen of the partner's device itself, or in its place, where that explains why it is not met.
fn evidence(partner: &str, seen: &Seen) -> Option<Advice> {
    let partner = partner.to_owned();
    let dialled = seen.dials.iter().filter_map(|(_, who)| who.as_ref().ok());
    let off = seen
        .who
        .iter()
        .map(|(who, _)| who)
        .chain(dialled)
        .find_map(|who| match who {
            Who::Partner(days) if days.unsigned_abs() > 1 => Some(*days),
            _ => None,
        });
    if let Some(days) = off {
        return Some(clocks_differ(partner, days));
    }
    let failed = |wanted: DialError| {
        seen.dials
            .iter()
            .find(|(_, outcome)| *outcome == Err(wanted))
            .map(|(address, _)| address.socket.to_string())
    };
    if failed(DialError::NotSpoken).is_some() {
        return Some(Advice::OtherVersionThere { partner });
    }
    let here: Vec<&Address> = seen
        .who
        .iter()
        .filter(|(who, _)| matches!(who, Who::Partner(_)))
        .flat_map(|(_, addresses)| addresses)
        .collect();
    if let Some(address) = here.first() {
        // It answered a moment ago from where nobody can connect to it.
        let address = address.socket.to_string();
        return Some(Advice::PortBlocked { partner, address });
    }
    let stranger = seen
        .dials
        .iter()
        .find(|(_, outcome)| matches!(outcome, Ok(Who::Stranger) | Err(DialError::Handshake)));
    if let Some((address, _)) = stranger {
        let address = address.socket.to_string();
        return Some(Advice::OtherDeviceAt { partner, address });
    }
    // Behind its own loopback address another device of this machine is meant, as in a test of both on one.
    let refused = seen
        .dials
        .iter()
        .find(|(_, outcome)| *outcome == Err(DialError::NothingThere));
    if let Some((address, _)) = refused {
        let hears = seen.heard.as_ref().is_none_or(Heard::hears_itself);
        let elsewhere = !address.socket.ip().is_loopback();
        if elsewhere && hears {
            let address = address.socket.to_string();
            return Some(Advice::NotRunning { partner, address });
        }
    }
    None
}

fn clocks_differ(partner: String, days: i64) -> Advice {
    let day = |offset: i64| {
        jiff::Timestamp::now()
            .checked_add(jiff::SignedDuration::from_hours(offset.saturating_mul(24)))
            .map_or_else(
                |_| "?".to_owned(),
                |time| time.strftime("%-d %b %Y").to_string(),
            )
    };
    Advice::ClocksDiffer {
        partner,
        days: days.unsigned_abs(),
        here: day(0),
        there: day(days),
    }
}

fn partner_found(partner: &str, connected: bool, seen: &Seen) -> Finding {
    if connected {
        return well("partner", format!("{partner}'s device is here now."));
    }
    let reached = seen
        .dials
        .iter()
        .find(|(_, outcome)| matches!(outcome, Ok(Who::Partner(-1..=1))));
    if let Some((address, _)) = reached {
        let at = address.socket;
        return well(
            "partner",
            format!("{partner}'s device is up and answers at {at}."),
        );
    }
    if let Some(advice) = evidence(partner, seen) {
        return failed("partner", advice);
    }
    let all = seen.interfaces.as_deref().unwrap_or_default();
    let real = names(all, Sort::Real);
    let not_known = |why: &str| {
        unknown(
            "partner",
            format!("Whether {partner}'s device is up cannot be seen from here {why}."),
        )
    };
    if seen.interfaces.is_some() && real.is_empty() {
        return not_known("without a network");
    }
    if seen
        .heard
        .as_ref()
        .is_some_and(|heard| !heard.hears_itself())
    {
        return not_known("while mDNS is blocked");
    }
    if seen.vpn.is_some() {
        return not_known("as long as the VPN may be in the way");
    }
    let partner = partner.to_owned();
    if seen.who.iter().any(|(who, _)| *who == Who::Stranger) {
        return failed("partner", Advice::OtherDevice { partner });
    }
    let silent = seen.dials.iter().find(|(address, outcome)| {
        !address.socket.ip().is_loopback()
            && matches!(outcome, Err(DialError::NoAnswer | DialError::Unreachable))
    });
    if let Some((address, _)) = silent {
        let address = address.socket.to_string();
        return failed("partner", Advice::NoAnswerAt { partner, address });
    }
    let alone = seen
        .heard
        .as_ref()
        .is_some_and(|heard| heard.others.is_empty());
    failed(
        "partner",
        if alone {
            Advice::NobodyHeard { partner }
        } else {
            Advice::NotSeen { partner }
        },
    )
}

#[cfg(test)]
mod tests;
