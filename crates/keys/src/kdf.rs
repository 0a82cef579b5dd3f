//! The few symmetric operations that pairing, envelopes and the vault share: SHA-256, HMAC (RFC
//! 2104), HKDF (RFC 5869) and ChaCha20-Poly1305 (RFC 8439) under a key that seals once.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// 32 bytes that are wiped on drop.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The AEAD refused: another key, other data beside it, or a changed byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// SHA-256 over the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-SHA-256.
pub(crate) fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    keyed(key)
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// Whether `tag` is the HMAC-SHA-256 of `message`, in constant time.
pub(crate) fn hmac_is(key: &[u8; 32], message: &[u8], tag: &[u8]) -> bool {
    keyed(key).chain_update(message).verify_slice(tag).is_ok()
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // RFC 2104 fills a short key up to the hash's block with zeros.
    let mut block = Zeroizing::new([0_u8; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into())
}

/// HKDF-Extract, ready to expand.
pub(crate) struct Prk {
    /// The pseudorandom key itself.
    pub(crate) bytes: Key,
    hkdf: Hkdf<Sha256>,
}

impl Prk {
    /// `HKDF-Extract(salt, ikm)`; without a salt, RFC 5869 takes 32 zeros.
    pub(crate) fn extract(salt: Option<&[u8]>, ikm: &[u8]) -> Self {
        let (prk, hkdf) = Hkdf::<Sha256>::extract(salt, ikm);
        Self {
            bytes: Zeroizing::new(prk.into()),
            hkdf,
        }
    }

    /// `HKDF-Expand(prk, info, N)`.
    pub(crate) fn expand<const N: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
        const { assert!(N <= 255 * 32) };
        let mut out = Zeroizing::new([0; N]);
        // Only a length over 255 blocks fails, and the line above excludes it when compiling.
        let _ = self.hkdf.expand_multi_info(info, out.as_mut());
        out
    }
}

/// HKDF in one: 32 bytes.
pub(crate) fn hkdf(salt: Option<&[u8]>, ikm: &[u8], info: &[&[u8]]) -> Key {
    Prk::extract(salt, ikm).expand(info)
}

/// The two halves of an HKDF of 64 bytes: a key that seals once, and the commitment to it.
/// (`docs/PROTOCOL.md` section 4; the vault does the same.)
pub(crate) fn key_and_commit(salt: &[u8], ikm: &[u8], label: &[u8]) -> (Key, [u8; 32]) {
    let both: Zeroizing<[u8; 64]> = Prk::extract(Some(salt), ikm).expand(&[label]);
    let (mut key, mut commit) = (Zeroizing::new([0; 32]), [0; 32]);
    for (to, from) in key.iter_mut().chain(commit.iter_mut()).zip(both.iter()) {
        *to = *from;
    }
    (key, commit)
}

/// ChaCha20-Poly1305 under a zero nonce. Safe only because each of our keys seals once: it is
/// derived from a fresh salt (envelopes, vault) or a fresh exchange (pairing).
///
/// # Errors
/// Over 256 GiB of plaintext.
pub(crate) fn seal_once(key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refused> {
    let payload = Payload { msg: plain, aad };
    ChaCha20Poly1305::new(key.into())
        .encrypt(&Nonce::default(), payload)
        .map_err(|_| Refused)
}

/// Opens what [`seal_once`] sealed.
pub(crate) fn open_once(
    key: &[u8; 32],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let payload = Payload { msg: sealed, aad };
    ChaCha20Poly1305::new(key.into())
        .decrypt(&Nonce::default(), payload)
        .map(Zeroizing::new)
        .map_err(|_| Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_gives_what_rfc_5869_gives() {
        // Test case 1 of appendix A.1, its first 32 bytes.
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let okm = hkdf(Some(&salt), &[0x0b; 22], &[&info]);
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(data_encoding::HEXLOWER.encode(&*okm), expected);
    }

    #[test]
    fn hmac_gives_what_another_road_to_it_gives() {
        let key = [0x42; 32];
        let (mut inner, mut outer) = ([0x36_u8; 64], [0x5c_u8; 64]);
        for i in 0..32 {
            inner[i] ^= key[i];
            outer[i] ^= key[i];
        }
        let expected = sha256(&[&outer, &sha256(&[&inner, b"words"])]);
        assert_eq!(hmac(&key, b"words"), expected);
        assert!(hmac_is(&key, b"words", &expected));
        assert!(!hmac_is(&key, b"words", &expected[..31]));
        assert!(!hmac_is(&key, b"other", &expected));
    }
}
