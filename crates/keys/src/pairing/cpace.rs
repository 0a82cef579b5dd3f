//! CPACE-RISTR255-SHA512, initiator and responder (draft-irtf-cfrg-cpace-21, sections 5 to 8.3).
//! The joiner is the initiator, `a`; the host is the responder, `b`.
//!
//! ```text
//! g   = ristretto255 from SHA512(generator_string("CPaceRistretto255", PRS, CI, sid, 128))
//! Y   = y * g          K = y * Y_peer; abort where the point does not decode or K is the identity
//! ISK = SHA512(lv("CPaceRistretto255_ISK", sid, K) || lv(Y_a, ADa) || lv(Y_b, ADb))
//! ```
//!
//! The functions are public so that vectors can be laid beside each value. A pairing goes through
//! the states of [`super`].

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::lv;

const DSI: &[u8] = b"CPaceRistretto255";
const DSI_ISK: &[u8] = b"CPaceRistretto255_ISK";
/// Input block of SHA-512: the code alone fills the first block, so that how long it takes to hash
/// does not tell how long it is.
const HASH_BLOCK: usize = 128;

/// Why the other's share is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ShareError {
    #[error("the share is no canonical point of ristretto255")]
    NotAPoint,
    #[error("the shared point is the identity")]
    Identity,
}

/// `lv(DSI, PRS, zeros, CI, sid)`, the zeros filling DSI and PRS up to the hash's block less one.
pub fn generator_string(prs: &[u8], ci: &[u8], sid: &[u8]) -> Zeroizing<Vec<u8>> {
    let filled = lv::of(&[DSI])
        .len()
        .saturating_add(Zeroizing::new(lv::of(&[prs])).len());
    let zeros = vec![0; (HASH_BLOCK - 1).saturating_sub(filled)];
    Zeroizing::new(lv::of(&[DSI, prs, &zeros, ci, sid]))
}

/// `g`, as secret as the code.
pub fn generator(prs: &[u8], ci: &[u8], sid: &[u8]) -> Zeroizing<RistrettoPoint> {
    let mut hash: [u8; 64] = Sha512::digest(&*generator_string(prs, ci, sid)).into();
    let g = Zeroizing::new(RistrettoPoint::from_uniform_bytes(&hash));
    hash.zeroize();
    g
}

/// A secret scalar and the share `Y = y * g` that is sent.
pub struct Share {
    y: Zeroizing<Scalar>,
    /// `Y`, 32 bytes.
    pub public: [u8; 32],
}

impl Share {
    /// `y` is 64 random bytes, reduced modulo the group's order.
    pub fn new(g: &RistrettoPoint, y: &[u8; 64]) -> Self {
        Self::from_scalar(g, Scalar::from_bytes_mod_order_wide(y))
    }

    fn from_scalar(g: &RistrettoPoint, y: Scalar) -> Self {
        Self {
            public: (y * g).compress().to_bytes(),
            y: Zeroizing::new(y),
        }
    }

    /// `K = y * Y_peer`, 32 bytes: `scalar_mult_vfy` of the draft.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn shared(&self, peer: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, ShareError> {
        let peer = CompressedRistretto(*peer)
            .decompress()
            .ok_or(ShareError::NotAPoint)?;
        let k = Zeroizing::new(*self.y * peer);
        if k.is_identity() {
            return Err(ShareError::Identity);
        }
        Ok(Zeroizing::new(k.compress().to_bytes()))
    }
}

/// One side's share with its associated data.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// `Y`
    pub share: &'a [u8; 32],
    /// `AD`
    pub data: &'a [u8],
}

/// The intermediate session key, 64 bytes.
pub fn isk(sid: &[u8], k: &[u8; 32], a: Sent<'_>, b: Sent<'_>) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::new();
    hash.update(&*Zeroizing::new(lv::of(&[DSI_ISK, sid, k])));
    hash.update(lv::of(&[a.share, a.data]));
    hash.update(lv::of(&[b.share, b.data]));
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
mod tests;
