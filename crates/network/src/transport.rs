//! TCP, the pre-shared key where there is one, Noise, Yamux.

use std::error::Error;
use std::io;
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::{PeerId, Transport as _, noise, tcp, yamux};

/// Sockets that wait to be accepted. More would only hide a flood.
const BACKLOG: u32 = 64;
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

/// The transport of a host; a connection that is not up within `handshake` is dropped. TCP sends at once (no Nagle).
pub(crate) fn transport(
    keypair: &Keypair,
    psk: Option<[u8; 32]>,
    handshake: Duration,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true).listen_backlog(BACKLOG))
        .map_err(Tcp);
    let noise = noise::Config::new(keypair)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS);
    Ok(match psk {
        None => tcp
            .upgrade(Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux)
            .timeout(handshake)
            .boxed(),
        Some(psk) => tcp
            .and_then(move |socket, _| PnetConfig::new(PreSharedKey::new(psk)).handshake(socket))
            .upgrade(Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux)
            .timeout(handshake)
            .boxed(),
    })
}
