//! The slot of the vault that opens with a secret which the system's keyring holds.

use rand_core::CryptoRng;

use super::secret::{Of, SecretSlot};
use super::{KitUnlockError, Slot, UnlockError, Vault, VaultKey};
use crate::secret::secret_bytes;

secret_bytes! {
    /// What the system's keyring holds for a vault.
    KeyringSecret
}

impl Vault {
    /// Makes a slot that opens with a new secret, for the system's keyring to hold, in the place of an
    /// older one; every other slot stays. Takes 32 random bytes for the secret, then 32 for the salt.
    /// `key` is this vault's.
    pub fn make_keyring(&mut self, key: &VaultKey, rng: &mut dyn CryptoRng) -> KeyringSecret {
        let secret = KeyringSecret::generate(rng);
        let slot = SecretSlot::seal(Of::Keyring, secret.expose(), key, rng);
        self.forget_keyring();
        self.slots.push(Slot::Keyring(slot));
        secret
    }

    /// Takes the keyring's slot away. Says whether there was one.
    pub fn forget_keyring(&mut self) -> bool {
        let before = self.slots.len();
        self.slots.retain(|slot| !matches!(slot, Slot::Keyring(_)));
        self.slots.len() < before
    }

    fn keyring_slot(&self) -> Option<&SecretSlot> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Keyring(slot) => Some(slot),
            _ => None,
        })
    }

    /// What the keyring's entry is called, none where the vault has no slot for it: 16 hexadecimal
    /// digits of the slot's salt, which say nothing of whose it is.
    pub fn keyring_name(&self) -> Option<String> {
        use std::fmt::Write as _;
        let salt = self.keyring_slot()?.salt();
        let mut name = String::from("amends:");
        for byte in salt.iter().take(8) {
            // Writing into a text does not fail.
            write!(name, "{byte:02x}").ok();
        }
        Some(name)
    }

    /// Opens it with the secret that the keyring holds; none where that is not this vault's.
    ///
    /// # Errors
    /// [`UnlockError::Changed`].
    pub fn unlock_with_keyring(
        &self,
        secret: &KeyringSecret,
    ) -> Result<Option<VaultKey>, UnlockError> {
        let Some(slot) = self.keyring_slot() else {
            return Ok(None);
        };
        match slot.open(secret.expose()) {
            Ok(key) => Ok(Some(key)),
            Err(KitUnlockError::Changed) => Err(UnlockError::Changed),
            Err(KitUnlockError::OtherKit | KitUnlockError::NoKit) => Ok(None),
        }
    }

    /// The secret itself, for who has opened the vault, to give it to the keyring again.
    pub fn keyring_secret(&self, key: &VaultKey) -> Option<KeyringSecret> {
        self.keyring_slot()?
            .kept(key, KeyringSecret::from_bytes)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Cost, MAX_FILE};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn a_vault() -> (Vault, VaultKey, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (vault, key) = Vault::create("correct horse", Cost::LEAST, &mut rng).unwrap();
        (vault, key, rng)
    }

    #[test]
    fn the_keyrings_secret_opens_it_beside_passphrase_and_kit() {
        let (mut vault, key, mut rng) = a_vault();
        assert_eq!(vault.keyring_name(), None);
        let secret = vault.make_keyring(&key, &mut rng);
        let kit = vault.make_kit(&key, &mut rng);
        let read = Vault::parse(&vault.to_bytes()).unwrap();
        assert_eq!(read, vault);
        assert!(read.to_bytes().len() <= MAX_FILE);
        assert_eq!(read.unlock_with_keyring(&secret), Ok(Some(key.clone())));
        assert_eq!(read.unlock_with_kit(&kit), Ok(key.clone()));
        assert_eq!(read.unlock("correct horse"), Ok(key.clone()));
        assert_eq!(read.keyring_secret(&key).unwrap(), secret);
        // A new passphrase leaves it as it is.
        let mut changed = read;
        changed
            .set_passphrase(&key, "another", Cost::LEAST, &mut rng)
            .unwrap();
        assert_eq!(changed.unlock_with_keyring(&secret), Ok(Some(key)));
    }

    #[test]
    fn an_older_secret_and_a_forgotten_slot_open_nothing() {
        let (mut vault, key, mut rng) = a_vault();
        let old = vault.make_keyring(&key, &mut rng);
        let name = vault.keyring_name().unwrap();
        let new = vault.make_keyring(&key, &mut rng);
        assert_ne!(vault.keyring_name().unwrap(), name);
        assert_eq!(vault.unlock_with_keyring(&old), Ok(None));
        assert!(vault.forget_keyring() && !vault.forget_keyring());
        assert_eq!(vault.unlock_with_keyring(&new), Ok(None));
        assert!(vault.keyring_secret(&key).is_none());
    }

    #[test]
    fn the_kits_words_do_not_open_the_keyrings_slot() {
        let (mut vault, key, mut rng) = a_vault();
        let kit = vault.make_kit(&key, &mut rng);
        vault.make_keyring(&key, &mut rng);
        let as_secret = KeyringSecret::from_bytes(kit.expose());
        assert_eq!(vault.unlock_with_keyring(&as_secret), Ok(None));
    }

    #[test]
    fn what_it_sealed_was_changed() {
        let (mut vault, key, mut rng) = a_vault();
        let secret = vault.make_keyring(&key, &mut rng);
        let mut bytes = vault.to_bytes();
        // The slot is the last, before the check: its sealed key, then 48 bytes for who has opened it.
        let at = bytes.len() - 32 - 48 - 48;
        bytes[at] ^= 1;
        let end = bytes.len() - 32;
        let check = crate::kdf::sha256(&[&bytes[..end]]);
        bytes[end..].copy_from_slice(&check);
        let changed = Vault::parse(&bytes).unwrap();
        assert_eq!(
            changed.unlock_with_keyring(&secret),
            Err(UnlockError::Changed)
        );
    }
}
