//! The system's keyring, which may hold a secret that opens the vault, so that nobody is asked: on Linux the kernel's own,
//! which is there without a desktop, lies in no file, and forgets when the device restarts.
//!
//! The secret stands in the user's keyring: every program of this user can read it, and no other user's. It is never the
//! only way in (PROTOCOL section 7).

use std::path::Path;

use amends_keys::vault::{KeyringSecret, Vault, VaultKey};
use thiserror::Error;

use crate::home::Leaving;

/// Why the keyring does not hold something.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringFault {
    /// There is none that is known here.
    #[error("there is none on this system that amends knows")]
    Absent,
    /// The system refused.
    #[error("{0}")]
    Refused(String),
}

/// The key of a vault, where the keyring holds what opens it.
pub fn open(vault: &Vault) -> Option<VaultKey> {
    let secret = system::get(&vault.keyring_name()?)?;
    vault.unlock_with_keyring(&secret).ok().flatten()
}

/// Whether the keyring holds what opens this vault.
pub fn holds(vault: &Vault) -> bool {
    vault
        .keyring_name()
        .is_some_and(|name| system::get(&name).is_some())
}

/// Gives the keyring what opens a vault that has a slot for it, where it does not hold it: after a restart, or after `lock`.
///
/// # Errors
/// [`KeyringFault`].
pub fn give(vault: &Vault, key: &VaultKey) -> Result<(), KeyringFault> {
    match (vault.keyring_name(), vault.keyring_secret(key)) {
        (Some(name), Some(secret)) if system::get(&name).is_none() => system::put(&name, &secret),
        _ => Ok(()),
    }
}

/// Takes what opens a vault out of the keyring. Says whether it was there.
pub fn forget(vault: &Vault) -> bool {
    vault
        .keyring_name()
        .is_some_and(|name| system::forget(&name))
}

/// The same for a home in whatever state it is.
pub fn forget_of(home: &Leaving) -> bool {
    let read = |path: &Path| Vault::parse(&std::fs::read(path).ok()?).ok();
    read(&home.dir().join(crate::home::VAULT)).is_some_and(|vault| forget(&vault))
}

/// Whether there is a keyring that holds something and gives it back.
///
/// # Errors
/// [`KeyringFault`].
pub fn works() -> Result<(), KeyringFault> {
    let name = format!("amends:try-{}", std::process::id());
    let secret = KeyringSecret::generate(&mut crate::app::system_rng());
    system::put(&name, &secret)?;
    let given = system::get(&name);
    system::forget(&name);
    if given.as_ref() == Some(&secret) {
        Ok(())
    } else {
        Err(KeyringFault::Refused(
            "it does not give back what it was given".to_owned(),
        ))
    }
}

#[cfg(target_os = "linux")]
mod system {
    use amends_keys::vault::KeyringSecret;
    use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
    use zeroize::Zeroize;

    use super::KeyringFault;

    fn refused(error: KeyError) -> KeyringFault {
        KeyringFault::Refused(format!("the kernel's key store says: {error}"))
    }

    fn of_user() -> Result<KeyRing, KeyError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false)
    }

    pub(super) fn put(name: &str, secret: &KeyringSecret) -> Result<(), KeyringFault> {
        // Whoever made a key may only say who can read it while it is in a keyring of this very thread.
        let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(refused)?;
        let key = own.add_key(name, secret.expose()).map_err(refused)?;
        let all = KeyPermissionsBuilder::builder()
            .posessor(Permission::ALL)
            .user(Permission::ALL)
            .build();
        let linked = key.set_perms(all).and_then(|()| of_user()?.link_key(key));
        let _ = own.unlink_key(key);
        linked.map_err(refused)
    }

    pub(super) fn get(name: &str) -> Option<KeyringSecret> {
        let key = of_user().ok()?.search(name).ok()?;
        let mut bytes = [0; 32];
        let read = key.read(&mut bytes).ok()?;
        let secret = (read == bytes.len()).then(|| KeyringSecret::from_bytes(&bytes));
        bytes.zeroize();
        secret
    }

    pub(super) fn forget(name: &str) -> bool {
        let Ok(ring) = of_user() else {
            return false;
        };
        let mut found = false;
        while let Ok(key) = ring.search(name) {
            found = true;
            // What other keyrings link to it is of no use from then on.
            if key.revoke().is_err() | ring.unlink_key(key).is_err() {
                break;
            }
        }
        found
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use amends_keys::vault::KeyringSecret;

    use super::KeyringFault;

    pub(super) fn put(_: &str, _: &KeyringSecret) -> Result<(), KeyringFault> {
        Err(KeyringFault::Absent)
    }

    pub(super) fn get(_: &str) -> Option<KeyringSecret> {
        None
    }

    pub(super) fn forget(_: &str) -> bool {
        false
    }
}
