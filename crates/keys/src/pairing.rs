//! Pairing, `amends/pair/v1`: `docs/PROTOCOL.md` section 1, which this module and the two beside it
//! ([`cpace`], [`schedule`]) are written to be laid next to.
//!
//! H hosts and shows a code, J joins and enters it. Each step takes the state before it and gives
//! the next one with the bytes to send; an error ends the session, for the state is gone. Messages
//! are the bytes M0 to M6 without the `u32` length, which is the transport's.
//!
//! ```text
//!      host                                     joiner
//!  1.  host() ──────────── M0 ───────────────▶  join(), JoinerWaitsM0::m0
//!  2.  HostWaitsM1::m1 ◀── M1 ────────────────
//!  3.              ─────── M2 ───────────────▶  JoinerWaitsM2::m2
//!  4.  HostWaitsM3::m3 ◀── M3 ────────────────  (the code is spent, right or wrong)
//!  5.              ─────── M4 ───────────────▶  JoinerWaitsM4::m4
//!      both screens show HostWaitsM5::number = JoinerConfirms::number, both people are asked
//!  6.  HostWaitsM5::m5 ◀── M5 ────────────────  JoinerConfirms::yes
//!  7.  HostConfirms::yes ─ M6 ───────────────▶  JoinerWaitsM6::m6
//!      Paired                                   Paired
//! ```
//!
//! A *no*, a closed connection or a timeout is: drop the state. The host saves what it got before it
//! sends M6; the joiner has nothing to save before M6 opened.

use thiserror::Error;

use crate::identity::{
    DiscoveryKey, JournalId, KeyError, LogKey, NameError, NonContributory, PersonName, StaticKey,
    StaticSecret,
};
use crate::lv::{self, LvError};
use crate::seal::EpochSecret;
use crate::secret::secret_bytes;
use crate::{kdf, label};

pub mod cpace;
mod host;
mod joiner;
pub mod schedule;

pub use host::{HostConfirms, HostWaitsM1, HostWaitsM3, HostWaitsM5, host};
pub use joiner::{
    JoinerConfirms, JoinerWaitsM0, JoinerWaitsM2, JoinerWaitsM4, JoinerWaitsM6, join,
};

/// Version of the messages M0 to M2.
pub const VERSION: u8 = 1;
/// The only suite: suites are compared, never negotiated.
pub const SUITE: u8 = 1;
/// No message is longer.
pub const MAX_MESSAGE: usize = 1024;

const PURPOSE_PARTNER: u8 = 1;
const TAG: usize = 32;
const AEAD_TAG: usize = 16;

/// One of the seven messages, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the module's diagram shows them")]
pub enum Message {
    M0,
    M1,
    M2,
    M3,
    M4,
    M5,
    M6,
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Why a pairing ended without a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PairingError {
    #[error("the scanned code names another host than the one that answers")]
    OtherHost,
    #[error("{message} has {got} bytes, which it never has")]
    Size { message: Message, got: usize },
    #[error("{message} has version {got}, this program speaks version 1")]
    Version { message: Message, got: u8 },
    #[error("{message} has suite {got}, this program speaks suite 1")]
    Suite { message: Message, got: u8 },
    #[error("the host pairs for purpose {0}, which this program cannot do yet")]
    PurposeNotYet(u8),
    #[error("the host pairs for the unknown purpose {0}")]
    UnknownPurpose(u8),
    #[error("the joiner entered the code in the unknown form {0}")]
    UnknownForm(u8),
    #[error("{0} holds no point of ristretto255")]
    NotAPoint(Message),
    #[error("the exchange of codes gave the identity point")]
    IdentityPoint,
    /// The two sides hold different codes, or something between them changed what they said:
    /// nobody can tell which, and the people are told the same.
    #[error("the codes are not the same")]
    WrongCode,
    #[error("what {0} seals was changed")]
    Sealed(Message),
    #[error("the bundle cannot be read: {0}")]
    Bundle(#[from] BundleError),
    #[error("the bundle holds a key of this device's own")]
    OwnKey,
    #[error("the host's bundle is not the one that it committed to")]
    CommitMismatch,
    #[error(transparent)]
    NonContributory(#[from] NonContributory),
    #[error("{0} does not prove the exchange")]
    Finish(Message),
    #[error("M6 does not hold a journal: {0}")]
    Space(SpaceError),
}

/// Why the bytes of a bundle are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum BundleError {
    #[error(transparent)]
    Items(#[from] LvError),
    #[error("a key has {0} bytes instead of 32")]
    KeySize(usize),
    #[error("the static key: {0}")]
    StaticKey(KeyError),
    #[error("the ephemeral key: {0}")]
    EphemeralKey(KeyError),
    #[error("the log key: {0}")]
    LogKey(KeyError),
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Why what M6 sealed is not `lv(journal_id, epoch_0_secret)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SpaceError {
    #[error(transparent)]
    Items(#[from] LvError),
    #[error("an item has {0} bytes instead of 32")]
    ItemSize(usize),
}

/// The PeerId bytes of the two throw-away libp2p identities that the pairing runs between.
#[derive(Debug, Clone, Copy)]
pub struct Channels<'a> {
    /// `chan_H`
    pub host: &'a [u8],
    /// `chan_J`
    pub joiner: &'a [u8],
}

/// What this device brings to a pairing.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its static X25519 secret, `s`.
    pub static_secret: StaticSecret,
    /// Its log's public key.
    pub log_key: LogKey,
    /// Its person's name, shown on the other screen.
    pub name: PersonName,
}

/// What one device tells the other about itself: the bundle of M3 and M4 without its ephemeral key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The device's static X25519 key.
    pub static_key: StaticKey,
    /// Its log's Ed25519 key.
    pub log_key: LogKey,
    /// Its person's name.
    pub name: PersonName,
}

impl Bundle {
    /// `lv(static X25519 pk, ephemeral X25519 pk, log Ed25519 pk, name)`, as M3 and M4 seal it.
    pub fn to_bytes(&self, ephemeral: &StaticKey) -> Vec<u8> {
        lv::of(&[
            &self.static_key.0,
            &ephemeral.0,
            &self.log_key.0,
            self.name.as_str().as_bytes(),
        ])
    }

    fn read(bytes: &[u8]) -> Result<(Self, StaticKey), BundleError> {
        let mut items = lv::Reader::new(bytes);
        let mut key = || {
            let item = items.next()?;
            <[u8; 32]>::try_from(item).map_err(|_| BundleError::KeySize(item.len()))
        };
        let (static_key, ephemeral, log_key) = (key()?, key()?, key()?);
        let name = items.next()?;
        items.finish()?;
        let bundle = Self {
            static_key: StaticKey::check(static_key).map_err(BundleError::StaticKey)?,
            log_key: LogKey::check(log_key).map_err(BundleError::LogKey)?,
            name: PersonName::from_utf8(name)?,
        };
        let ephemeral = StaticKey::check(ephemeral).map_err(BundleError::EphemeralKey)?;
        Ok((bundle, ephemeral))
    }
}

/// A device with the ephemeral key of one attempt.
struct Party {
    device: Device,
    ephemeral: StaticSecret,
}

impl Party {
    fn bundle(&self) -> Bundle {
        Bundle {
            static_key: self.device.static_secret.public(),
            log_key: self.device.log_key,
            name: self.device.name.clone(),
        }
    }

    /// The bundle as it goes into M3 or M4.
    fn bundle_bytes(&self) -> Vec<u8> {
        self.bundle().to_bytes(&self.ephemeral.public())
    }

    /// Reads the other's bundle; a key of one's own in it is a reflection.
    fn read_other(&self, bytes: &[u8]) -> Result<(Bundle, StaticKey), PairingError> {
        let (bundle, ephemeral) = Bundle::read(bytes)?;
        let mine = self.bundle();
        let mine = [mine.static_key.0, self.ephemeral.public().0, mine.log_key.0];
        let theirs = [bundle.static_key.0, ephemeral.0, bundle.log_key.0];
        if theirs.iter().any(|key| mine.contains(key)) {
            return Err(PairingError::OwnKey);
        }
        Ok((bundle, ephemeral))
    }
}

/// The six-digit number that both screens show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(u32);

impl std::fmt::Display for Number {
    /// Six digits, leading zeros included.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

secret_bytes! {
    /// What the pair derives everything later from. An own or restored device will be given it.
    PairRoot
}

secret_bytes! {
    /// libp2p's pre-shared key of the pair (section 5).
    PnetKey
}

secret_bytes! {
    /// The psk of the pair's sessions (section 2).
    SessionPsk
}

impl PairRoot {
    /// HKDF without salt, "amends/v1 discovery".
    pub fn discovery(&self) -> DiscoveryKey {
        DiscoveryKey::from_bytes(&kdf::hkdf(None, self.expose(), &[label::DISCOVERY]))
    }

    /// HKDF without salt, "amends/v1 pnet".
    pub fn pnet(&self) -> PnetKey {
        PnetKey::from_bytes(&kdf::hkdf(None, self.expose(), &[label::PNET]))
    }

    /// HKDF without salt, "amends/v1 session psk".
    pub fn session_psk(&self) -> SessionPsk {
        SessionPsk::from_bytes(&kdf::hkdf(None, self.expose(), &[label::SESSION_PSK]))
    }
}

/// What a pairing gives, the same on both sides but for the partner.
#[derive(Debug, Clone)]
pub struct Paired {
    /// The other device and its person.
    pub partner: Bundle,
    /// The root, and the three keys derived from it.
    pub root: PairRoot,
    /// For the identities of the day.
    pub discovery: DiscoveryKey,
    /// For libp2p's pre-shared key.
    pub pnet: PnetKey,
    /// For the sessions.
    pub session_psk: SessionPsk,
    /// The journal, made by the host.
    pub journal: JournalId,
    /// The secret of its epoch 0, made by the host.
    pub epoch_0: EpochSecret,
    /// The number that was compared.
    pub number: Number,
}

impl Paired {
    fn new(
        partner: Bundle,
        root: PairRoot,
        journal: JournalId,
        epoch_0: EpochSecret,
        number: Number,
    ) -> Self {
        let (discovery, pnet, session_psk) = (root.discovery(), root.pnet(), root.session_psk());
        Self {
            partner,
            root,
            discovery,
            pnet,
            session_psk,
            journal,
            epoch_0,
            number,
        }
    }
}

/// Takes `ver suite` off M0, M1 or M2.
fn versioned(message: Message, bytes: &[u8], size: usize) -> Result<&[u8], PairingError> {
    let wrong_size = PairingError::Size {
        message,
        got: bytes.len(),
    };
    let (&[version, suite], rest) = bytes.split_first_chunk::<2>().ok_or(wrong_size)?;
    // A later version may have another size, so the version is what is said first.
    if version != VERSION {
        return Err(PairingError::Version {
            message,
            got: version,
        });
    }
    if suite != SUITE {
        return Err(PairingError::Suite {
            message,
            got: suite,
        });
    }
    if bytes.len() == size {
        Ok(rest)
    } else {
        Err(wrong_size)
    }
}

/// Splits M3, M4 or M6 into its tag and what it seals.
fn tagged(message: Message, bytes: &[u8]) -> Result<(&[u8; TAG], &[u8]), PairingError> {
    let wrong_size = PairingError::Size {
        message,
        got: bytes.len(),
    };
    if bytes.len() > MAX_MESSAGE {
        return Err(wrong_size);
    }
    let (tag, sealed) = bytes.split_first_chunk::<TAG>().ok_or(wrong_size)?;
    if sealed.len() < AEAD_TAG {
        return Err(wrong_size);
    }
    Ok((tag, sealed))
}

/// `tag || AEAD(key, aad = th || tag, plain)`
fn tag_and_seal(
    message: Message,
    tag: [u8; TAG],
    key: &[u8; 32],
    th: &[u8; 32],
    plain: &[u8],
) -> Result<Vec<u8>, PairingError> {
    let sealed =
        kdf::seal_once(key, &[&th[..], &tag].concat(), plain).map_err(|_| PairingError::Size {
            message,
            got: plain.len(),
        })?;
    Ok([&tag[..], &sealed].concat())
}

#[cfg(test)]
mod tests;
