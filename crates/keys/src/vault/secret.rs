//! A slot of the vault for a secret of 256 random bits: the recovery kit's, kind 3, and the one that the system's keyring
//! holds, kind 2.
//!
//! ```text
//! kit         = salt(32) commit(32) ct(48) kept(48)
//! key||commit = HKDF(salt, ikm = kit, "amends/vault/v1 kit key|commit", 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = "AMNV" ver kind salt commit, vault key)
//! kept        = ChaCha20-Poly1305(HKDF(salt, ikm = vault key, "amends/vault/v1 kit kept"),
//!                                 nonce 0^12, aad = "AMNV" ver kind salt commit ct, kit)
//! ```
//!
//! The keyring's is the same under labels of its own: "amends/vault/v1 keyring key|commit" and "amends/vault/v1 keyring kept".
//!
//! No Argon2id: nobody guesses 256 random bits. The secret is kept for who has opened the vault: of the kit some words can
//! be asked for, and to the keyring it can be given back. Who has opened the vault has all that the secret opens anyway.

use subtle::ConstantTimeEq;

use super::{
    COMMIT, KIND_KEYRING, KIND_KIT, KitUnlockError, MAGIC, SALT, SEALED, VERSION, VaultKey,
};
use crate::kdf;
use crate::label;
use rand_core::CryptoRng;

const BODY: usize = SALT + COMMIT + SEALED + SEALED;

/// Whose secret it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Kit,
    Keyring,
}

impl Of {
    fn kind(self) -> u8 {
        match self {
            Self::Kit => KIND_KIT,
            Self::Keyring => KIND_KEYRING,
        }
    }

    fn slot(self) -> &'static [u8] {
        match self {
            Self::Kit => label::KIT_SLOT,
            Self::Keyring => label::KEYRING_SLOT,
        }
    }

    fn kept(self) -> &'static [u8] {
        match self {
            Self::Kit => label::KIT_KEPT,
            Self::Keyring => label::KEYRING_KEPT,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretSlot {
    of: Of,
    salt: [u8; SALT],
    commit: [u8; COMMIT],
    sealed: [u8; SEALED],
    kept: [u8; SEALED],
}

/// 32 bytes sealed under a key that seals once.
fn seal(key: &kdf::Key, aad: &[u8], secret: &[u8; 32]) -> [u8; SEALED] {
    let mut sealed = [0; SEALED];
    let ct = kdf::seal_once(key, aad, secret).unwrap_or_default();
    // 32 bytes always seal to 48.
    for (to, from) in sealed.iter_mut().zip(ct) {
        *to = from;
    }
    sealed
}

impl SecretSlot {
    pub(super) fn seal(of: Of, secret: &[u8; 32], key: &VaultKey, rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (slot_key, commit) = kdf::key_and_commit(&salt, secret, of.slot());
        let mut slot = Self {
            of,
            salt,
            commit,
            sealed: [0; SEALED],
            kept: [0; SEALED],
        };
        slot.sealed = seal(&slot_key, &slot.aad(), key.expose());
        slot.kept = seal(&slot.keeping_key(key), &slot.kept_aad(), secret);
        slot
    }

    pub(super) fn open(&self, secret: &[u8; 32]) -> Result<VaultKey, KitUnlockError> {
        let (slot_key, commit) = kdf::key_and_commit(&self.salt, secret, self.of.slot());
        if !bool::from(commit.ct_eq(&self.commit)) {
            return Err(KitUnlockError::OtherKit);
        }
        let key = kdf::open_once(&slot_key, &self.aad(), &self.sealed)
            .map_err(|_| KitUnlockError::Changed)?;
        let key = key.first_chunk().ok_or(KitUnlockError::Changed)?;
        Ok(VaultKey::from_bytes(key))
    }

    /// Gives the secret to `take`.
    pub(super) fn kept<T>(
        &self,
        key: &VaultKey,
        take: impl FnOnce(&[u8; 32]) -> T,
    ) -> Result<T, KitUnlockError> {
        let secret = kdf::open_once(&self.keeping_key(key), &self.kept_aad(), &self.kept)
            .map_err(|_| KitUnlockError::Changed)?;
        secret
            .first_chunk()
            .map(take)
            .ok_or(KitUnlockError::Changed)
    }

    /// Random, and another one in every slot.
    pub(super) fn salt(&self) -> &[u8; SALT] {
        &self.salt
    }

    fn keeping_key(&self, key: &VaultKey) -> kdf::Key {
        kdf::hkdf(Some(&self.salt), key.expose(), &[self.of.kept()])
    }

    /// `"AMNV" ver kind salt commit`
    fn aad(&self) -> Vec<u8> {
        let head = [MAGIC, &[VERSION, self.of.kind()][..]].concat();
        [&head[..], &self.salt, &self.commit].concat()
    }

    /// `"AMNV" ver kind salt commit ct`
    fn kept_aad(&self) -> Vec<u8> {
        [&self.aad()[..], &self.sealed].concat()
    }

    pub(super) fn body(&self) -> Vec<u8> {
        [&self.salt[..], &self.commit, &self.sealed, &self.kept].concat()
    }

    /// None where the length is another.
    pub(super) fn parse(of: Of, body: &[u8]) -> Option<Self> {
        let body: &[u8; BODY] = body.try_into().ok()?;
        let (salt, rest) = body.split_first_chunk::<SALT>()?;
        let (commit, rest) = rest.split_first_chunk::<COMMIT>()?;
        let (sealed, rest) = rest.split_first_chunk::<SEALED>()?;
        Some(Self {
            of,
            salt: *salt,
            commit: *commit,
            sealed: *sealed,
            kept: *rest.first_chunk::<SEALED>()?,
        })
    }
}
