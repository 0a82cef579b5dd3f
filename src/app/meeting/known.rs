//! The addresses at which the partner's device was met, which are kept in the journal's store, sealed like all of it.

use std::net::{IpAddr, SocketAddr};

use amends_keys::identity::{day_of, port_of_the_day};
use amends_network::Address;
use amends_replica::LinkId;
use tokio::time::Instant;

use super::super::{App, now};
use crate::request::Event;

/// Addresses of the partner's device that are kept.
const KEPT: usize = 8;
/// Of which so many are tried with the ports of yesterday and tomorrow too, where clocks differ or midnight is near.
const NEWEST: usize = 2;

impl App {
    /// The last good addresses, each as it was and with the port of the day.
    pub(super) fn saved(&self) -> Vec<Address> {
        let kept = self.open.addresses();
        let kept = kept
            .iter()
            .filter_map(|typed| typed.parse::<Address>().ok());
        let Some(pair) = &self.pair else {
            return kept.collect();
        };
        let today = day_of(now());
        let mut all: Vec<Address> = Vec::new();
        for (n, address) in kept.enumerate() {
            let near = if n < NEWEST { 1 } else { 0 };
            let days = today.saturating_sub(near)..=today.saturating_add(near);
            // Within one machine somebody else may be on that port.
            let days = days.filter(|_| !address.socket.ip().is_loopback());
            let ports = days.map(|day| port_of_the_day(&pair.discovery, day, &pair.partner));
            for port in std::iter::once(address.socket.port()).chain(ports) {
                let socket = SocketAddr::new(address.socket.ip(), port);
                let address = Address { socket, peer: None };
                if !all.contains(&address) {
                    all.push(address);
                }
            }
        }
        all
    }

    /// A session is open over this link: its address was a good one, and where the partner came here, so is the one that it
    /// came from, with the port on which it listens today unless somebody asked for another.
    pub(in crate::app) fn met_over(&mut self, id: LinkId) {
        self.meetings.backoff.succeeded();
        self.meetings.next_dial = Some(Instant::now());
        let Some((address, dialled)) = self.sessions.reached_at(id) else {
            return;
        };
        let ip = address.socket.ip();
        let of = |typed: &String| typed.parse::<Address>().ok().map(|known| known.socket.ip());
        let mut kept = self.open.addresses();
        let good = match &self.pair {
            _ if dialled => address.socket,
            Some(pair) if !ip.is_loopback() && !kept.iter().any(|known| of(known) == Some(ip)) => {
                let today = day_of(now());
                SocketAddr::new(ip, port_of_the_day(&pair.discovery, today, &pair.partner))
            }
            _ => return,
        };
        let good = Address {
            socket: good,
            peer: None,
        }
        .to_string();
        if kept.first() == Some(&good) {
            return;
        }
        // On one machine alone two devices may have one address.
        let same = |known: &String| match ip {
            _ if *known == good => true,
            IpAddr::V4(ip) if ip.is_loopback() => false,
            _ => of(known) == Some(ip),
        };
        kept.retain(|known| !same(known));
        kept.insert(0, good);
        kept.truncate(KEPT);
        if let Err(failure) = self.open.keep_addresses(&kept) {
            self.tell(&Event::Notice {
                message: failure.message,
            });
        }
    }
}
