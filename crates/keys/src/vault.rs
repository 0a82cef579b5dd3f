//! The vault (`docs/PROTOCOL.md` section 7): one random 32-byte vault key opens the stores, and this
//! file holds it sealed, once for each way to open it. The bytes are laid out in `docs/formats.md`.
//!
//! ```text
//! "AMNV" ver=1 slots(u8)  slot…  check(32)             check = SHA-256 of all bytes before it
//! slot       = kind(u8) len(u32) body
//! passphrase = m_KiB(u32) t(u32) p(u32) salt(32) commit(32) ct(48)                       kind 1
//! key||commit = HKDF(salt, ikm = Argon2id(passphrase, salt, m, t, p, 32 bytes), "amends/vault/v1 key|commit")
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = "AMNV" ver kind m t p salt commit, vault key)
//! keyring    = salt(32) commit(32) ct(48) kept(48)                                       kind 2, [`secret`]
//! kit        = the same                                                                  kind 3, [`secret`]
//! ```
//!
//! Argon2id is RFC 9106, version 0x13, without secret or associated data. A passphrase is taken as
//! the UTF-8 bytes of its NFC form, so that two keyboards that write one word differently open the
//! same vault; nothing else about it is changed. The check tells a damaged file from a wrong
//! passphrase; it keeps nobody out, the AEAD does.
//!
//! A slot of a kind not known here is kept as it is when the file is written again. The keyring's is
//! never the only one: there is always a passphrase.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::kdf;
use crate::kit::Kit;
use crate::label;
use crate::seal::StoreKey;
use crate::secret::secret_bytes;
pub use keyring::KeyringSecret;
pub use mend::mended;
use secret::{Of, SecretSlot};

mod keyring;
mod mend;
mod secret;

/// A vault file has at most this many bytes: nothing longer is read.
pub const MAX_FILE: usize = 64 * 1024;
/// A passphrase has at most this many bytes in its NFC form.
pub const MAX_PASSPHRASE: usize = 4096;

const MAGIC: &[u8; 4] = b"AMNV";
const VERSION: u8 = 1;
const CHECK: usize = 32;
const KIND_PASSPHRASE: u8 = 1;
const KIND_KEYRING: u8 = 2;
const KIND_KIT: u8 = 3;
const SALT: usize = 32;
const COMMIT: usize = 32;
const SEALED: usize = 32 + 16;
const PASSPHRASE_BODY: usize = 3 * 4 + SALT + COMMIT + SEALED;

/// What a guess at a passphrase costs: the parameters of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// 256 MiB, 3 passes, 4 lanes.
    pub const DEFAULT: Self = Self {
        memory_kib: 256 * 1024,
        passes: 3,
        lanes: 4,
    };
    /// The least that is written and read: 64 MiB, 3 passes, 4 lanes. For small devices, and tests.
    pub const LEAST: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// Memory in KiB from 64 MiB to 1 GiB, 3 to 20 passes, 1 to 16 lanes. The upper bounds keep a
    /// damaged or foreign file from taking the machine's memory or its afternoon.
    ///
    /// # Errors
    /// [`CostError`], which says which bound.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        match (memory_kib, passes, lanes) {
            (0..65_536, _, _) => Err(CostError::TooLittleMemory { memory_kib }),
            (1_048_577.., _, _) => Err(CostError::TooMuchMemory { memory_kib }),
            (_, 0..3, _) => Err(CostError::TooFewPasses { passes }),
            (_, 21.., _) => Err(CostError::TooManyPasses { passes }),
            (_, _, 0 | 17..) => Err(CostError::Lanes { lanes }),
            _ => Ok(Self {
                memory_kib,
                passes,
                lanes,
            }),
        }
    }

    /// In KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often the memory is gone over.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// How many ways it could be worked on at once.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    fn to_bytes(self) -> [u8; 12] {
        let numbers = [self.memory_kib, self.passes, self.lanes];
        let mut bytes = [0; 12];
        for (to, from) in bytes
            .iter_mut()
            .zip(numbers.iter().flat_map(|n| n.to_be_bytes()))
        {
            *to = from;
        }
        bytes
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which bound a cost breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CostError {
    #[error("{memory_kib} KiB of memory are fewer than 65536")]
    TooLittleMemory { memory_kib: u32 },
    #[error("{memory_kib} KiB of memory are more than 1048576")]
    TooMuchMemory { memory_kib: u32 },
    #[error("{passes} passes are fewer than 3")]
    TooFewPasses { passes: u32 },
    #[error("{passes} passes are more than 20")]
    TooManyPasses { passes: u32 },
    #[error("{lanes} lanes are not between 1 and 16")]
    Lanes { lanes: u32 },
}

secret_bytes! {
    /// Opens the stores. It is the same for as long as the vault lives, whatever the passphrase.
    VaultKey
}

impl VaultKey {
    /// The key of the journal's store: HKDF without salt, "amends/vault/v1 journal store".
    pub fn journal_store(&self) -> StoreKey {
        StoreKey::from_bytes(&kdf::hkdf(None, self.expose(), &[label::STORE_JOURNAL]))
    }

    /// The key of the private store: HKDF without salt, "amends/vault/v1 private store".
    pub fn private_store(&self) -> StoreKey {
        StoreKey::from_bytes(&kdf::hkdf(None, self.expose(), &[label::STORE_PRIVATE]))
    }
}

/// Why a passphrase was not taken for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PassphraseError {
    #[error("the passphrase is empty")]
    Empty,
    #[error("the passphrase has over {limit} bytes", limit = MAX_PASSPHRASE)]
    TooLong,
    #[error("the device has not {memory_kib} KiB of memory for the passphrase")]
    OutOfMemory { memory_kib: u32 },
}

/// Why bytes are no vault file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum VaultFileError {
    #[error("the file is no vault")]
    NotAVault,
    #[error("the vault file has version {0}, this program reads version 1")]
    Version(u8),
    #[error("the vault file has {got} bytes, at most {limit} are read", limit = MAX_FILE)]
    TooLarge { got: usize },
    #[error("the vault file is damaged")]
    Damaged,
    #[error("the vault file asks for what is not done: {0}")]
    Cost(#[from] CostError),
}

/// Why a passphrase did not open the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum UnlockError {
    #[error("the passphrase does not open this vault")]
    WrongPassphrase,
    #[error("no passphrase opens this vault")]
    NoPassphraseSlot,
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The passphrase or the kit is right (the commitment fits) and what it sealed was changed.
    #[error("the vault file was changed")]
    Changed,
}

/// Why a kit did not open the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum KitUnlockError {
    #[error("these words are a kit, and not that of this vault")]
    OtherKit,
    #[error("this vault has no kit")]
    NoKit,
    #[error("the vault file was changed")]
    Changed,
}

/// The vault file, locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    slots: Vec<Slot>,
}

#[derive(Clone, PartialEq, Eq)]
enum Slot {
    Passphrase(PassphraseSlot),
    Keyring(SecretSlot),
    Kit(SecretSlot),
    Unknown { kind: u8, body: Vec<u8> },
}

#[derive(Clone, PartialEq, Eq)]
struct PassphraseSlot {
    cost: Cost,
    salt: [u8; SALT],
    commit: [u8; COMMIT],
    sealed: [u8; SEALED],
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(slot) => write!(f, "Passphrase({:?})", slot.cost),
            Self::Keyring(_) => f.write_str("Keyring"),
            Self::Kit(_) => f.write_str("Kit"),
            Self::Unknown { kind, body } => write!(f, "Unknown({kind}, {} bytes)", body.len()),
        }
    }
}

impl Vault {
    /// A new vault with a new random key behind a passphrase. Takes 32 random bytes for the key,
    /// then 32 for the salt; takes as long as the cost says.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn create(
        passphrase: &str,
        cost: Cost,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, VaultKey), PassphraseError> {
        let key = VaultKey::generate(rng);
        let slot = PassphraseSlot::seal(passphrase, cost, &key, rng)?;
        Ok((
            Self {
                slots: vec![Slot::Passphrase(slot)],
            },
            key,
        ))
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub fn unlock(&self, passphrase: &str) -> Result<VaultKey, UnlockError> {
        let mut refused = UnlockError::NoPassphraseSlot;
        for slot in &self.slots {
            if let Slot::Passphrase(slot) = slot {
                match slot.open(passphrase) {
                    Err(UnlockError::WrongPassphrase) => refused = UnlockError::WrongPassphrase,
                    opened_or_failed => return opened_or_failed,
                }
            }
        }
        Err(refused)
    }

    /// Puts a new passphrase in the old one's place; every other slot stays. On an error nothing is
    /// changed. The old file, where a copy of it is kept, still opens with the old passphrase.
    ///
    /// # Errors
    /// [`UnlockError`], of the old passphrase or of the new one.
    pub fn change_passphrase(
        &mut self,
        old: &str,
        new: &str,
        cost: Cost,
        rng: &mut dyn CryptoRng,
    ) -> Result<VaultKey, UnlockError> {
        let key = self.unlock(old)?;
        self.set_passphrase(&key, new, cost, rng)?;
        Ok(key)
    }

    /// As [`Vault::change_passphrase`], for who has this vault's key: from the old passphrase, or from
    /// the kit where that is forgotten.
    ///
    /// # Errors
    /// [`PassphraseError`]; nothing is changed then.
    pub fn set_passphrase(
        &mut self,
        key: &VaultKey,
        new: &str,
        cost: Cost,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PassphraseError> {
        let new = PassphraseSlot::seal(new, cost, key, rng)?;
        self.slots
            .retain(|slot| !matches!(slot, Slot::Passphrase(_)));
        self.slots.insert(0, Slot::Passphrase(new));
        Ok(())
    }

    /// What a guess at the passphrase costs; None where there is no passphrase.
    pub fn cost(&self) -> Option<Cost> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Passphrase(slot) => Some(slot.cost),
            _ => None,
        })
    }

    /// Makes a new kit that opens this vault, in the place of an older one, which opens it no longer;
    /// every other slot stays. Takes 32 random bytes for the kit, then 32 for the salt. `key` is this
    /// vault's.
    pub fn make_kit(&mut self, key: &VaultKey, rng: &mut dyn CryptoRng) -> Kit {
        let kit = Kit::generate(rng);
        let slot = SecretSlot::seal(Of::Kit, kit.expose(), key, rng);
        self.slots.retain(|slot| !matches!(slot, Slot::Kit(_)));
        let at = self.slots.len().min(1);
        self.slots.insert(at, Slot::Kit(slot));
        kit
    }

    fn kit_slot(&self) -> Option<&SecretSlot> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Kit(slot) => Some(slot),
            _ => None,
        })
    }

    /// Whether there is a kit.
    pub fn has_kit(&self) -> bool {
        self.kit_slot().is_some()
    }

    /// Opens it with its kit.
    ///
    /// # Errors
    /// [`KitUnlockError`].
    pub fn unlock_with_kit(&self, kit: &Kit) -> Result<VaultKey, KitUnlockError> {
        self.kit_slot()
            .ok_or(KitUnlockError::NoKit)?
            .open(kit.expose())
    }

    /// The kit itself, for who has opened the vault, so that a person can be asked for some of its
    /// words.
    ///
    /// # Errors
    /// [`KitUnlockError`]; never [`KitUnlockError::OtherKit`].
    pub fn kit(&self, key: &VaultKey) -> Result<Kit, KitUnlockError> {
        self.kit_slot()
            .ok_or(KitUnlockError::NoKit)?
            .kept(key, Kit::from_bytes)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        // `parse` reads no more of them; what a kit pushes out of 255 is one that is not known.
        out.push(self.slots.len().min(255) as u8);
        for slot in self.slots.iter().take(255) {
            let (kind, body) = match slot {
                Slot::Passphrase(slot) => (KIND_PASSPHRASE, slot.body()),
                Slot::Keyring(slot) => (KIND_KEYRING, slot.body()),
                Slot::Kit(slot) => (KIND_KIT, slot.body()),
                Slot::Unknown { kind, body } => (*kind, body.clone()),
            };
            out.push(kind);
            // No body is longer than the file that it was read from.
            out.extend_from_slice(&(body.len() as u32).to_be_bytes());
            out.extend_from_slice(&body);
        }
        let check = kdf::sha256(&[&out]);
        out.extend_from_slice(&check);
        out
    }

    /// Reads the file's bytes. Nothing is opened, and nothing costly done, yet.
    ///
    /// # Errors
    /// [`VaultFileError`]; a cost out of its bounds is refused here.
    pub fn parse(bytes: &[u8]) -> Result<Self, VaultFileError> {
        if bytes.len() > MAX_FILE {
            return Err(VaultFileError::TooLarge { got: bytes.len() });
        }
        let (magic, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or(VaultFileError::NotAVault)?;
        if magic != MAGIC {
            return Err(VaultFileError::NotAVault);
        }
        let (version, _) = rest.split_first().ok_or(VaultFileError::Damaged)?;
        if *version != VERSION {
            return Err(VaultFileError::Version(*version));
        }
        let (checked, check) = bytes
            .split_last_chunk::<CHECK>()
            .ok_or(VaultFileError::Damaged)?;
        if kdf::sha256(&[checked]) != *check {
            return Err(VaultFileError::Damaged);
        }
        read_slots(checked)
    }
}

/// Reads the slots of a file whose magic, version and check are right.
fn read_slots(checked: &[u8]) -> Result<Vault, VaultFileError> {
    let damaged = VaultFileError::Damaged;
    let (_, rest) = checked.split_first_chunk::<5>().ok_or(damaged)?;
    let (count, mut rest) = rest.split_first().ok_or(damaged)?;
    let mut slots = Vec::new();
    for _ in 0..*count {
        let (kind, after) = rest.split_first().ok_or(damaged)?;
        let (len, after) = after.split_first_chunk::<4>().ok_or(damaged)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| damaged)?;
        let (body, after) = after.split_at_checked(len).ok_or(damaged)?;
        slots.push(match *kind {
            KIND_PASSPHRASE => Slot::Passphrase(PassphraseSlot::parse(body)?),
            KIND_KEYRING => Slot::Keyring(SecretSlot::parse(Of::Keyring, body).ok_or(damaged)?),
            KIND_KIT => Slot::Kit(SecretSlot::parse(Of::Kit, body).ok_or(damaged)?),
            kind => Slot::Unknown {
                kind,
                body: body.to_vec(),
            },
        });
        rest = after;
    }
    if rest.is_empty() {
        Ok(Vault { slots })
    } else {
        Err(damaged)
    }
}

impl PassphraseSlot {
    fn seal(
        passphrase: &str,
        cost: Cost,
        key: &VaultKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PassphraseError> {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (slot_key, commit) = stretch(passphrase, cost, &salt)?;
        let mut slot = Self {
            cost,
            salt,
            commit,
            sealed: [0; SEALED],
        };
        let ct = kdf::seal_once(&slot_key, &slot.aad(), key.expose()).unwrap_or_default();
        // 32 bytes always seal to 48.
        for (to, from) in slot.sealed.iter_mut().zip(ct) {
            *to = from;
        }
        Ok(slot)
    }

    fn open(&self, passphrase: &str) -> Result<VaultKey, UnlockError> {
        let (slot_key, commit) = match stretch(passphrase, self.cost, &self.salt) {
            // No slot was made with such a passphrase.
            Err(PassphraseError::Empty | PassphraseError::TooLong) => {
                return Err(UnlockError::WrongPassphrase);
            }
            stretched => stretched?,
        };
        if !bool::from(commit.ct_eq(&self.commit)) {
            return Err(UnlockError::WrongPassphrase);
        }
        let key = kdf::open_once(&slot_key, &self.aad(), &self.sealed)
            .map_err(|_| UnlockError::Changed)?;
        let key = key.first_chunk().ok_or(UnlockError::Changed)?;
        Ok(VaultKey::from_bytes(key))
    }

    /// `"AMNV" ver kind m t p salt commit`
    fn aad(&self) -> Vec<u8> {
        let head = [MAGIC, &[VERSION, KIND_PASSPHRASE][..]].concat();
        [&head[..], &self.cost.to_bytes(), &self.salt, &self.commit].concat()
    }

    fn body(&self) -> Vec<u8> {
        [
            &self.cost.to_bytes()[..],
            &self.salt,
            &self.commit,
            &self.sealed,
        ]
        .concat()
    }

    fn parse(body: &[u8]) -> Result<Self, VaultFileError> {
        let damaged = VaultFileError::Damaged;
        let body: &[u8; PASSPHRASE_BODY] = body.try_into().map_err(|_| damaged)?;
        let (memory_kib, rest) = body.split_first_chunk::<4>().ok_or(damaged)?;
        let (passes, rest) = rest.split_first_chunk::<4>().ok_or(damaged)?;
        let (lanes, rest) = rest.split_first_chunk::<4>().ok_or(damaged)?;
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(damaged)?;
        let (commit, rest) = rest.split_first_chunk::<COMMIT>().ok_or(damaged)?;
        let sealed = rest.first_chunk::<SEALED>().ok_or(damaged)?;
        let [memory_kib, passes, lanes] =
            [memory_kib, passes, lanes].map(|n| u32::from_be_bytes(*n));
        let cost = Cost::new(memory_kib, passes, lanes)?;
        Ok(Self {
            cost,
            salt: *salt,
            commit: *commit,
            sealed: *sealed,
        })
    }
}

/// Argon2id over the passphrase's NFC form, then HKDF to a key and its commitment.
fn stretch(
    passphrase: &str,
    cost: Cost,
    salt: &[u8; SALT],
) -> Result<(kdf::Key, [u8; COMMIT]), PassphraseError> {
    if passphrase.is_empty() {
        return Err(PassphraseError::Empty);
    }
    // NFC grows a text threefold at most (Unicode Standard Annex 15), so that nothing is moved, and
    // left behind in memory, while it grows; the bound keeps what is reserved small.
    if passphrase.len() > MAX_PASSPHRASE {
        return Err(PassphraseError::TooLong);
    }
    let mut nfc = Zeroizing::new(String::with_capacity(passphrase.len().saturating_mul(3)));
    nfc.extend(passphrase.nfc());
    if nfc.len() > MAX_PASSPHRASE {
        return Err(PassphraseError::TooLong);
    }

    let out_of_memory = PassphraseError::OutOfMemory {
        memory_kib: cost.memory_kib,
    };
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let params = params.map_err(|_| out_of_memory)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut stretched = Zeroizing::new([0; 32]);
    // With bounded lengths and costs the one thing left that can fail is finding the memory.
    argon2
        .hash_password_into(nfc.as_bytes(), salt, stretched.as_mut())
        .map_err(|_| out_of_memory)?;
    Ok(kdf::key_and_commit(
        salt,
        stretched.as_ref(),
        label::VAULT_SLOT,
    ))
}

#[cfg(test)]
mod tests;
