//! The key schedule of a pairing: transcript, tags and keys, in the order and words of
//! `docs/PROTOCOL.md` section 1. Public for the same reason as [`super::cpace`].
//!
//! ```text
//! sid = N_H||N_J      CI = lv("amends/pair/v1", chan_H, chan_J)
//! th_-1 = SHA256(lv("amends/pair/v1 transcript", chan_H, chan_J));   th_i = SHA256(th_{i-1} || lv(M_i))
//! PRK1 = HKDF-Extract(salt = th2, ikm = ISK)
//! c_H  = SHA256(lv("amends/pair/v1 commit", bundle_H))
//! dh   = X25519(e_J,e_H) || X25519(s_J,e_H) || X25519(e_J,s_H)
//! PRK2 = HKDF-Extract(salt = th4, ikm = PRK1||dh)
//! ```

use zeroize::Zeroizing;

use super::{Channels, Number, PairRoot};
use crate::identity::{NonContributory, StaticKey, StaticSecret};
use crate::kdf::{self, Key, Prk};
use crate::{label, lv};

/// `sid = N_H||N_J`
pub fn sid(n_h: &[u8; 32], n_j: &[u8; 32]) -> [u8; 64] {
    let mut sid = [0; 64];
    for (to, from) in sid.iter_mut().zip(n_h.iter().chain(n_j)) {
        *to = *from;
    }
    sid
}

/// `CI = lv("amends/pair/v1", chan_H, chan_J)`
pub fn channel_identifier(channels: Channels<'_>) -> Vec<u8> {
    lv::of(&[label::PAIR, channels.host, channels.joiner])
}

/// `th_i`: the hash over every message so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript([u8; 32]);

impl Transcript {
    /// `th_-1`
    pub fn new(channels: Channels<'_>) -> Self {
        let start = lv::of(&[label::PAIR_TRANSCRIPT, channels.host, channels.joiner]);
        Self(kdf::sha256(&[&start]))
    }

    /// `th_i` from `th_{i-1}` and `M_i`.
    pub fn with(self, message: &[u8]) -> Self {
        Self(kdf::sha256(&[&self.0, &lv::of(&[message])]))
    }

    /// The hash itself.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0
    }
}

/// `c_H = SHA256(lv("amends/pair/v1 commit", bundle_H))`
pub fn commit(bundle_h: &[u8]) -> [u8; 32] {
    kdf::sha256(&[&lv::of(&[label::PAIR_COMMIT, bundle_h])])
}

/// The keys that need the code: `PRK1 = HKDF-Extract(salt = th2, ikm = ISK)`, 32 bytes for a label.
#[allow(missing_docs, reason = "the labels name them")]
pub struct CodeKeys {
    pub prk1: Key,
    pub confirm_joiner: Key,
    pub confirm_host: Key,
    pub seal_joiner: Key,
    pub seal_host: Key,
}

impl CodeKeys {
    /// From `th2` and `ISK`.
    pub fn new(th2: &Transcript, isk: &[u8; 64]) -> Self {
        let prk = Prk::extract(Some(&th2.0), isk);
        Self {
            confirm_joiner: prk.expand(&[label::PAIR_CONFIRM_JOINER]),
            confirm_host: prk.expand(&[label::PAIR_CONFIRM_HOST]),
            seal_joiner: prk.expand(&[label::PAIR_SEAL_JOINER]),
            seal_host: prk.expand(&[label::PAIR_SEAL_HOST]),
            prk1: prk.bytes,
        }
    }
}

/// `dh` as the joiner computes it: `X25519(e_J,e_H) || X25519(s_J,e_H) || X25519(e_J,s_H)`.
///
/// # Errors
/// [`NonContributory`] where one of the three is all zeros.
pub fn exchange_at_joiner(
    e_j: &StaticSecret,
    s_j: &StaticSecret,
    e_h: &StaticKey,
    s_h: &StaticKey,
) -> Result<Zeroizing<Vec<u8>>, NonContributory> {
    in_line([e_j.exchange(e_h)?, s_j.exchange(e_h)?, e_j.exchange(s_h)?])
}

/// The same `dh` as the host computes it.
///
/// # Errors
/// [`NonContributory`] where one of the three is all zeros.
pub fn exchange_at_host(
    e_h: &StaticSecret,
    s_h: &StaticSecret,
    e_j: &StaticKey,
    s_j: &StaticKey,
) -> Result<Zeroizing<Vec<u8>>, NonContributory> {
    in_line([e_h.exchange(e_j)?, e_h.exchange(s_j)?, s_h.exchange(e_j)?])
}

fn in_line(three: [Key; 3]) -> Result<Zeroizing<Vec<u8>>, NonContributory> {
    let mut dh = Zeroizing::new(Vec::with_capacity(96));
    for one in &three {
        dh.extend_from_slice(&one[..]);
    }
    Ok(dh)
}

/// The keys that need both devices too: `PRK2 = HKDF-Extract(salt = th4, ikm = PRK1||dh)`.
#[allow(missing_docs, reason = "the labels name them")]
pub struct PairKeys {
    pub root: PairRoot,
    pub finish_joiner: Key,
    pub finish_host: Key,
    pub seal_space: Key,
    pub number: Number,
}

impl PairKeys {
    /// From `th4`, `PRK1` and `dh`.
    pub fn new(th4: &Transcript, prk1: &[u8; 32], dh: &[u8]) -> Self {
        let ikm = Zeroizing::new([&prk1[..], dh].concat());
        let prk = Prk::extract(Some(&th4.0), &ikm);
        // 8 bytes modulo 10^6: far enough above 10^6 that no number is likelier than another.
        let sas = u64::from_be_bytes(*prk.expand::<8>(&[label::PAIR_SAS])) % 1_000_000;
        Self {
            root: PairRoot::from_bytes(&prk.expand(&[label::PAIR_ROOT])),
            finish_joiner: prk.expand(&[label::PAIR_FINISH_JOINER]),
            finish_host: prk.expand(&[label::PAIR_FINISH_HOST]),
            seal_space: prk.expand(&[label::PAIR_SEAL_SPACE]),
            number: Number(sas as u32),
        }
    }
}
