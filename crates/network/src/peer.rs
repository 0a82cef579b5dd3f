//! The name of a libp2p identity, as bytes, so that the crates above need no libp2p.

use std::fmt;
use std::str::FromStr;

use libp2p::identity::Keypair;
use zeroize::Zeroizing;

/// How every PeerId of an Ed25519 key begins: multihash "identity", 36 bytes long, of the protobuf message that says
/// "Ed25519, 32 bytes" (libp2p specification "Peer Ids and Keys").
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The PeerId of an Ed25519 identity: 38 bytes, six fixed ones and the public key.
///
/// PeerIds of other kinds of keys exist in libp2p; no device of ours has one, so they are refused where they come in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId([u8; PeerId::LEN]);

/// Why bytes or text are not a [`PeerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerIdError {
    #[allow(missing_docs)]
    #[error("a PeerId has {len} bytes, got {0}", len = PeerId::LEN)]
    Length(usize),
    #[allow(missing_docs)]
    #[error("the PeerId is not one of an Ed25519 key")]
    NotEd25519,
    #[allow(missing_docs)]
    #[error("the PeerId is not written in base58")]
    NotBase58,
}

impl PeerId {
    /// The length of every PeerId here, in bytes.
    pub const LEN: usize = 38;

    /// Reads the 38 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerIdError> {
        let bytes: [u8; Self::LEN] = bytes
            .try_into()
            .map_err(|_| PeerIdError::Length(bytes.len()))?;
        if !bytes.starts_with(&PREFIX) {
            return Err(PeerIdError::NotEd25519);
        }
        Ok(Self(bytes))
    }

    /// The 38 bytes, as PROTOCOL uses them in `chan_H`, `chan_J` and the session's prologue.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub(crate) fn from_libp2p(peer: &libp2p::PeerId) -> Result<Self, PeerIdError> {
        Self::from_bytes(&peer.to_bytes())
    }

    /// `None` cannot happen for the bytes that a `PeerId` holds; the caller treats it as "no such peer".
    pub(crate) fn to_libp2p(self) -> Option<libp2p::PeerId> {
        libp2p::PeerId::from_bytes(&self.0).ok()
    }
}

/// In base58, as libp2p writes it.
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_libp2p() {
            Some(peer) => write!(f, "{peer}"),
            None => f.write_str("?"),
        }
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl FromStr for PeerId {
    type Err = PeerIdError;

    fn from_str(text: &str) -> Result<Self, PeerIdError> {
        let peer: libp2p::PeerId = text.parse().map_err(|_| PeerIdError::NotBase58)?;
        Self::from_libp2p(&peer)
    }
}

/// The PeerId of the identity that this Ed25519 seed makes (`Keypair::ed25519_from_bytes`, PROTOCOL section 5).
pub fn peer_id_of_seed(seed: &[u8; 32]) -> PeerId {
    let key = keypair(seed).public();
    let mut bytes = [0; PeerId::LEN];
    let public = key
        .try_into_ed25519()
        .map(|key| key.to_bytes())
        .unwrap_or_default();
    for (to, from) in bytes.iter_mut().zip(PREFIX.iter().chain(&public)) {
        *to = *from;
    }
    PeerId(bytes)
}

pub(crate) fn keypair(seed: &[u8; 32]) -> Keypair {
    // libp2p wipes the bytes it is given; the copy is ours to lose.
    let mut seed = Zeroizing::new(*seed);
    match Keypair::ed25519_from_bytes(&mut *seed) {
        Ok(keypair) => keypair,
        // Only a wrong length is refused, and 32 is the right one. A fresh identity is never recognised by anybody,
        // which is the safe way to be wrong.
        Err(_) => Keypair::generate_ed25519(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_id_is_the_one_libp2p_computes() {
        for byte in [0, 7, 255] {
            let seed = [byte; 32];
            let theirs = keypair(&seed).public().to_peer_id();
            let ours = peer_id_of_seed(&seed);
            assert_eq!(ours.as_bytes().as_slice(), theirs.to_bytes());
            assert_eq!(ours.to_libp2p(), Some(theirs));
            assert_eq!(ours.to_string(), theirs.to_string());
            assert_eq!(ours.to_string().parse(), Ok(ours));
            assert_eq!(PeerId::from_bytes(ours.as_bytes()), Ok(ours));
        }
    }

    #[test]
    fn other_bytes_are_refused_with_the_reason() {
        assert_eq!(PeerId::from_bytes(&[0; 37]), Err(PeerIdError::Length(37)));
        assert_eq!(PeerId::from_bytes(&[0; 38]), Err(PeerIdError::NotEd25519));
        assert_eq!("not a peer".parse::<PeerId>(), Err(PeerIdError::NotBase58));
        // A SHA-256 PeerId, as an RSA key has it.
        let rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(rsa.parse::<PeerId>(), Err(PeerIdError::Length(34)));
    }
}
