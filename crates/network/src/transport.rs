//! TCP, the pre-shared key where there is one, Noise, Yamux.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use libp2p::core::connection::ConnectedPoint;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::{PeerId, Transport as _, noise, tcp, yamux};
use zeroize::Zeroizing;

use crate::address::socket_of;
use crate::lobby::{Guest, Lobby};

/// Sockets that wait to be accepted; each is taken in as fast as the machine can, and the [`Lobby`] chooses.
const BACKLOG: u32 = 256;
/// Streams of a connection: ours, and a few that are refused.
const STREAMS: usize = 4;

/// An error of the TCP socket itself. libp2p wraps it in `Either`s, whose `source` leaves out what they hold; one more
/// wrapping is what they leave out then.
#[derive(Debug, thiserror::Error)]
#[error("TCP")]
struct Tcp(#[source] io::Error);

/// The system's error, where there is one under all that libp2p wraps around it; else the outermost.
pub(crate) fn innermost(error: &io::Error) -> &io::Error {
    let mut found = error;
    let mut next = inside(error);
    while let Some(error) = next {
        next = match error.downcast_ref::<io::Error>() {
            Some(io) => {
                found = io;
                inside(io)
            }
            None => error.source(),
        };
    }
    found
}

/// `io::Error::source` leaves out the very error that it holds.
fn inside(error: &io::Error) -> Option<&(dyn Error + 'static)> {
    error.get_ref().map(|inner| inner as &(dyn Error + 'static))
}

/// The transport of a host; a connection that is not up within `handshake` is dropped, and one that comes in waits in the
/// `lobby` until then. TCP sends at once (no Nagle).
pub(crate) fn transport(
    keypair: &Keypair,
    psk: Option<Arc<Zeroizing<[u8; 32]>>>,
    handshake: Duration,
    lobby: &Lobby,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let (entering, leaving) = (lobby.clone(), lobby.clone());
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true).listen_backlog(BACKLOG))
        .map(move |stream, point| match came_from(&point) {
            Some(from) => entering.enter(stream, from),
            None => Guest::own(stream),
        })
        .map_err(Tcp);
    let noise = noise::Config::new(keypair)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS);
    let up = match psk {
        None => tcp
            .upgrade(Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux)
            .timeout(handshake)
            .boxed(),
        Some(psk) => tcp
            .and_then(move |socket, _| PnetConfig::new(PreSharedKey::new(**psk)).handshake(socket))
            .upgrade(Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux)
            .timeout(handshake)
            .boxed(),
    };
    let up = up.map(move |who, point| {
        if let Some(from) = came_from(&point) {
            leaving.passed(from);
        }
        who
    });
    Ok(up.boxed())
}

fn came_from(point: &ConnectedPoint) -> Option<SocketAddr> {
    match point {
        ConnectedPoint::Listener { send_back_addr, .. } => socket_of(send_back_addr),
        ConnectedPoint::Dialer { .. } => None,
    }
}
