//! What somebody who does not keep to the rules can make, by the formulas of the protocol and the same ciphers.

use amends_keys::CryptoRng;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

/// Yields the given bytes, and panics where more are asked for.
pub(crate) struct Given(std::collections::VecDeque<u8>);

impl Given {
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        let given = Self(bytes.as_ref().to_vec().into());
        let _: &dyn CryptoRng = &given;
        given
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for byte in dst {
            *byte = self.0.pop_front().expect("enough randomness was given");
        }
        Ok(())
    }
}

impl TryCryptoRng for Given {}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// 64 bytes of HKDF-SHA-256, as key and commitment.
pub(crate) fn key_and_commit(salt: &[u8], secret: &[u8], label: &[u8]) -> ([u8; 32], [u8; 32]) {
    let mut both = [0; 64];
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(label, &mut both)
        .unwrap();
    let (key, commit) = both.split_at(32);
    (key.try_into().unwrap(), commit.try_into().unwrap())
}

pub(crate) fn hkdf(salt: Option<&[u8]>, secret: &[u8], label: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(salt, secret)
        .expand(label, &mut key)
        .unwrap();
    key
}

/// ChaCha20-Poly1305 as RFC 8439 has it, which commits to nothing.
pub(crate) fn aead(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: plain, aad };
    let cipher = ChaCha20Poly1305::new(key.into());
    cipher.encrypt((&nonce).into(), payload).unwrap()
}

pub(crate) fn open_aead(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], ct: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload { msg: ct, aad };
    let cipher = ChaCha20Poly1305::new(key.into());
    cipher.decrypt((&nonce).into(), payload).ok()
}
