//! Listening on every real interface, and following interfaces that come and go.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use libp2p::core::Multiaddr;
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::swarm::Swarm;

use crate::address::{multiaddr_of, socket_of};
use crate::behaviour::Behaviour;
use crate::transport::innermost;
use crate::{Address, Listen, StartError, interfaces};

/// What a host listens on.
pub(crate) struct Listeners {
    listen: Listen,
    /// The listener of each place of the plan.
    open: HashMap<SocketAddr, Listener>,
}

struct Listener {
    id: ListenerId,
    /// Where it really listens, once it does.
    address: Option<Address>,
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Updated {
    /// A real interface is listened on.
    pub(crate) real: bool,
    /// Some place of the plan could not be opened and should be tried again: an IPv6 address is not ready at once.
    pub(crate) again: bool,
}

impl Listeners {
    /// Opens what is there now, at these addresses. Fails where nothing can be opened, or not the port or address that was
    /// asked for.
    pub(crate) fn start(
        listen: Listen,
        real: &[IpAddr],
        swarm: &mut Swarm<Behaviour>,
    ) -> Result<(Self, Updated), StartError> {
        let mut listeners = Self {
            listen,
            open: HashMap::new(),
        };
        let errors = listeners.open_new(&plan(listen, real), swarm);
        let updated = listeners.state(&errors);
        for (socket, error) in errors {
            let asked_for =
                listen == Listen::Only(socket) || error.kind() == io::ErrorKind::AddrInUse;
            if asked_for || listeners.open.is_empty() {
                return Err(start_error(socket, error));
            }
        }
        Ok((listeners, updated))
    }

    /// Follows the interfaces: closes what is gone, opens what is new.
    pub(crate) fn update(&mut self, swarm: &mut Swarm<Behaviour>) -> io::Result<Updated> {
        let plan = plan(self.listen, &interfaces::look()?.up);
        self.open.retain(|socket, listener| {
            let stays = plan.contains(socket);
            if !stays {
                swarm.remove_listener(listener.id);
            }
            stays
        });
        let errors = self.open_new(&plan, swarm);
        Ok(self.state(&errors))
    }

    fn state(&self, errors: &[(SocketAddr, io::Error)]) -> Updated {
        let real = |socket: &SocketAddr| !socket.ip().is_loopback();
        Updated {
            real: self.open.keys().any(real),
            // A machine without IPv6 has no ::1, now or later.
            again: errors.iter().any(|(socket, _)| real(socket)),
        }
    }

    fn open_new(
        &mut self,
        plan: &[SocketAddr],
        swarm: &mut Swarm<Behaviour>,
    ) -> Vec<(SocketAddr, io::Error)> {
        let mut errors = Vec::new();
        for socket in plan {
            if self.open.contains_key(socket) {
                continue;
            }
            let opened = match open(*socket, swarm) {
                Err(error)
                    if matches!(self.listen, Listen::Preferred(_))
                        && error.kind() == io::ErrorKind::AddrInUse =>
                {
                    open(SocketAddr::new(socket.ip(), 0), swarm)
                }
                opened => opened,
            };
            match opened {
                Ok(id) => {
                    self.open.insert(*socket, Listener { id, address: None });
                }
                Err(error) => errors.push((*socket, error)),
            }
        }
        errors
    }

    /// A listener says where it listens.
    pub(crate) fn opened(&mut self, id: ListenerId, address: &Multiaddr) -> Option<Address> {
        let address = Address::new(socket_of(address)?, None).ok()?;
        let listener = self.open.values_mut().find(|listener| listener.id == id)?;
        listener.address = Some(address);
        Some(address)
    }

    /// A listener ended by itself: its place is free to be opened again.
    pub(crate) fn closed(&mut self, id: ListenerId) {
        self.open.retain(|_, listener| listener.id != id);
    }

    /// Whether some listener has not said yet where it listens.
    pub(crate) fn opening(&self) -> bool {
        self.open
            .values()
            .any(|listener| listener.address.is_none())
    }

    /// Where others can connect, in order.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let mut addresses: Vec<_> = self
            .open
            .values()
            .filter_map(|listener| listener.address)
            .collect();
        addresses.sort();
        addresses
    }

    pub(crate) fn close_all(&mut self, swarm: &mut Swarm<Behaviour>) {
        for (_, listener) in self.open.drain() {
            swarm.remove_listener(listener.id);
        }
    }
}

/// The places to listen on, given the real interfaces' addresses.
fn plan(listen: Listen, real: &[IpAddr]) -> Vec<SocketAddr> {
    let loopback = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let everywhere = |port| {
        loopback
            .iter()
            .chain(real)
            .map(move |ip| SocketAddr::new(*ip, port))
    };
    match listen {
        Listen::Everywhere => everywhere(0).collect(),
        Listen::Port(port) | Listen::Preferred(port) => everywhere(port).collect(),
        Listen::Only(only) if only.ip().is_unspecified() => everywhere(only.port())
            .filter(|socket| socket.is_ipv4() == only.is_ipv4())
            .collect(),
        Listen::Only(only) => vec![only],
    }
}

fn open(socket: SocketAddr, swarm: &mut Swarm<Behaviour>) -> io::Result<ListenerId> {
    if socket.port() != 0 {
        // libp2p listens with SO_REUSEPORT, so that a second host on the same port would take half of the connections
        // and nobody would know. A socket without it says what is.
        drop(TcpListener::bind(socket)?);
    }
    swarm
        .listen_on(multiaddr_of(socket))
        .map_err(|error| match error {
            // Without its wrappings; it cannot be taken out of them.
            TransportError::Other(error) => match innermost(&error).raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error,
            },
            TransportError::MultiaddrNotSupported(_) => io::ErrorKind::Unsupported.into(),
        })
}

fn start_error(socket: SocketAddr, error: io::Error) -> StartError {
    match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse(socket),
        io::ErrorKind::AddrNotAvailable => StartError::NotOurs(socket),
        io::ErrorKind::PermissionDenied => StartError::NotPermitted(socket),
        _ => StartError::Listen(socket, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_follows_what_was_asked_for() {
        let real: Vec<IpAddr> = vec!["10.0.0.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        let show = |listen| {
            plan(listen, &real)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            show(Listen::Everywhere),
            "127.0.0.1:0 [::1]:0 10.0.0.7:0 [2001:db8::7]:0"
        );
        assert_eq!(
            show(Listen::Port(4001)),
            "127.0.0.1:4001 [::1]:4001 10.0.0.7:4001 [2001:db8::7]:4001"
        );
        assert_eq!(show(Listen::Preferred(4001)), show(Listen::Port(4001)));
        assert_eq!(
            show(Listen::Only("10.0.0.9:4001".parse().unwrap())),
            "10.0.0.9:4001"
        );
        assert_eq!(
            show(Listen::Only("0.0.0.0:4001".parse().unwrap())),
            "127.0.0.1:4001 10.0.0.7:4001"
        );
        assert_eq!(
            show(Listen::Only("[::]:0".parse().unwrap())),
            "[::1]:0 [2001:db8::7]:0"
        );
    }
}
