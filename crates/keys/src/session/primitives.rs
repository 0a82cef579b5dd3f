//! What snow computes with: the crates that the rest of this crate uses, so that there is one of
//! each. Beyond snow's own choice this wipes keys, takes its randomness from the caller, and refuses
//! an exchange with a point of small order (the Noise framework, section 9.1, leaves that open).

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::identity::{StaticKey, StaticSecret};

/// Resolves the one suite of section 2.
pub(super) struct Primitives {
    ephemeral: Zeroizing<[u8; 32]>,
}

impl Primitives {
    /// A handshake of either role needs one ephemeral key: 32 random bytes.
    pub(super) fn new(rng: &mut dyn CryptoRng) -> Self {
        let mut ephemeral = Zeroizing::new([0; 32]);
        rng.fill_bytes(ephemeral.as_mut());
        Self { ephemeral }
    }
}

impl CryptoResolver for Primitives {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::<X25519>::default() as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::<HashSha256>::default() as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::ChaChaPoly)
            .then(|| Box::<ChaChaPoly>::default() as Box<dyn Cipher>)
    }
}

/// Gives its 32 bytes once; a second request fails rather than repeat a key.
struct Once(Option<Zeroizing<[u8; 32]>>);

impl Random for Once {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let bytes = self
            .0
            .take()
            .filter(|bytes| bytes.len() == dest.len())
            .ok_or(Error::Rng)?;
        dest.copy_from_slice(bytes.as_ref());
        Ok(())
    }
}

struct X25519 {
    secret: StaticSecret,
    public: StaticKey,
}

impl Default for X25519 {
    fn default() -> Self {
        let secret = StaticSecret::from_bytes(&[0; 32]);
        Self {
            public: StaticKey([0; 32]),
            secret,
        }
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        // snow takes any length here; ours come from a `StaticSecret` and have 32 bytes.
        if let Ok(bytes) = privkey.try_into() {
            self.secret = StaticSecret::from_bytes(bytes);
            self.public = self.secret.public();
        }
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(bytes.as_mut())?;
        self.set(bytes.as_ref());
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public.0
    }

    fn privkey(&self) -> &[u8] {
        self.secret.expose()
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        // snow hands over buffers made for the longest key that it knows.
        let public = pubkey.first_chunk().ok_or(Error::Dh)?;
        let shared = self
            .secret
            .exchange(&StaticKey(*public))
            .map_err(|_| Error::Dh)?;
        *out.first_chunk_mut::<32>().ok_or(Error::Dh)? = *shared;
        Ok(())
    }
}

#[derive(Default)]
struct HashSha256(Sha256);

impl Hash for HashSha256 {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        self.0 = Sha256::new();
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let hash = self.0.finalize_reset();
        for (to, from) in out.iter_mut().zip(hash) {
            *to = from;
        }
    }
}

#[derive(Default)]
struct ChaChaPoly(Zeroizing<[u8; 32]>);

impl ChaChaPoly {
    /// The Noise framework, section 12.3: 32 bits of zeros, then the nonce little-endian.
    fn nonce(nonce: u64) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (to, from) in bytes.iter_mut().skip(4).zip(nonce.to_le_bytes()) {
            *to = from;
        }
        bytes
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&*self.0).into())
    }
}

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        *self.0 = *key;
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let payload = Payload {
            msg: plaintext,
            aad: authtext,
        };
        // A message of 64 KiB at most is never too long for the cipher. Were it, nothing written is
        // a message that the other side refuses.
        let sealed = self
            .cipher()
            .encrypt(&Self::nonce(nonce).into(), payload)
            .unwrap_or_default();
        copy(&sealed, out)
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let payload = Payload {
            msg: ciphertext,
            aad: authtext,
        };
        let plain = self.cipher().decrypt(&Self::nonce(nonce).into(), payload);
        let plain = Zeroizing::new(plain.map_err(|_| Error::Decrypt)?);
        Ok(copy(&plain, out))
    }
}

/// snow has made sure that there is room.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    match to.get_mut(..from.len()) {
        Some(room) => {
            room.copy_from_slice(from);
            from.len()
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// snow 0.10 reads no name and no private key of what it is given, and sets a hash back that is new already.
    #[test]
    fn what_snow_may_ask_one_day_is_answered() {
        let mut dh = X25519::default();
        assert_eq!((dh.name(), dh.priv_len()), ("25519", 32));
        dh.set(&[9; 32]);
        assert_eq!(dh.privkey(), [9; 32]);
        assert_eq!(ChaChaPoly::default().name(), "ChaChaPoly");
        let mut hash = HashSha256::default();
        assert_eq!(hash.name(), "SHA256");
        let mut out = [0; 32];
        hash.input(b"forgotten");
        hash.reset();
        hash.input(b"abc");
        hash.result(&mut out);
        assert_eq!(out, crate::kdf::sha256(&[b"abc"]));
    }
}
