//! The kit's slot of the vault, kind 3.
//!
//! ```text
//! kit         = salt(32) commit(32) ct(48) kept(48)
//! key||commit = HKDF(salt, ikm = kit, "amends/vault/v1 kit key|commit", 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = "AMNV" ver kind salt commit, vault key)
//! kept        = ChaCha20-Poly1305(HKDF(salt, ikm = vault key, "amends/vault/v1 kit kept"),
//!                                 nonce 0^12, aad = "AMNV" ver kind salt commit ct, kit)
//! ```
//!
//! No Argon2id: the kit is 256 random bits, which nobody guesses. It is kept for who has opened the vault, so that some
//! of its words can be asked for; who has opened it has all that the kit opens anyway.

use subtle::ConstantTimeEq;

use super::{COMMIT, KIND_KIT, KitUnlockError, MAGIC, SALT, SEALED, VERSION, VaultKey};
use crate::kdf;
use crate::kit::Kit;
use crate::label;
use rand_core::CryptoRng;

const BODY: usize = SALT + COMMIT + SEALED + SEALED;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct KitSlot {
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

impl KitSlot {
    pub(super) fn seal(kit: &Kit, key: &VaultKey, rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (slot_key, commit) = kdf::key_and_commit(&salt, kit.expose(), label::KIT_SLOT);
        let mut slot = Self {
            salt,
            commit,
            sealed: [0; SEALED],
            kept: [0; SEALED],
        };
        slot.sealed = seal(&slot_key, &slot.aad(), key.expose());
        slot.kept = seal(&slot.keeping_key(key), &slot.kept_aad(), kit.expose());
        slot
    }

    pub(super) fn open(&self, kit: &Kit) -> Result<VaultKey, KitUnlockError> {
        let (slot_key, commit) = kdf::key_and_commit(&self.salt, kit.expose(), label::KIT_SLOT);
        if !bool::from(commit.ct_eq(&self.commit)) {
            return Err(KitUnlockError::OtherKit);
        }
        let key = kdf::open_once(&slot_key, &self.aad(), &self.sealed)
            .map_err(|_| KitUnlockError::Changed)?;
        let key = key.first_chunk().ok_or(KitUnlockError::Changed)?;
        Ok(VaultKey::from_bytes(key))
    }

    pub(super) fn kept(&self, key: &VaultKey) -> Result<Kit, KitUnlockError> {
        let kit = kdf::open_once(&self.keeping_key(key), &self.kept_aad(), &self.kept)
            .map_err(|_| KitUnlockError::Changed)?;
        let kit = kit.first_chunk().ok_or(KitUnlockError::Changed)?;
        Ok(Kit::from_bytes(kit))
    }

    fn keeping_key(&self, key: &VaultKey) -> kdf::Key {
        kdf::hkdf(Some(&self.salt), key.expose(), &[label::KIT_KEPT])
    }

    /// `"AMNV" ver kind salt commit`
    fn aad(&self) -> Vec<u8> {
        let head = [MAGIC, &[VERSION, KIND_KIT][..]].concat();
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
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body: &[u8; BODY] = body.try_into().ok()?;
        let (salt, rest) = body.split_first_chunk::<SALT>()?;
        let (commit, rest) = rest.split_first_chunk::<COMMIT>()?;
        let (sealed, rest) = rest.split_first_chunk::<SEALED>()?;
        Some(Self {
            salt: *salt,
            commit: *commit,
            sealed: *sealed,
            kept: *rest.first_chunk::<SEALED>()?,
        })
    }
}
