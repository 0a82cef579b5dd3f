//! TCP, the pre-shared key where there is one, Noise, Yamux.

use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::{PeerId, Transport, noise, tcp, yamux};

/// Sockets that wait to be accepted. More would only hide a flood.
const BACKLOG: u32 = 64;
/// Streams of a connection: ours, and a few that are refused.
const STREAMS: usize = 4;

/// The transport of a host; a connection that is not up within `handshake` is dropped. TCP sends at once (no Nagle).
pub(crate) fn transport(
    keypair: &Keypair,
    psk: Option<[u8; 32]>,
    handshake: Duration,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, noise::Error> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true).listen_backlog(BACKLOG));
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
