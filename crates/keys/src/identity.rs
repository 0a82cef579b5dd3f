//! Who a device is: its X25519 static key, its Ed25519 log key, its person's name, and the libp2p
//! identity that it shows for one day (`docs/PROTOCOL.md` sections 1, 3 and 5).

use std::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use thiserror::Error;
use x25519_dalek::PublicKey;
use zeroize::Zeroizing;

use crate::secret::secret_bytes;
use crate::{kdf, label};

macro_rules! public_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The bytes as they stand in messages and records.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}{:02x}{:02x}…)"), a, b, c, d)
            }
        }
    };
}

public_bytes! {
    /// Names a journal: 32 random bytes, made by the host of the pairing. It is never sent in clear.
    JournalId
}

public_bytes! {
    /// A device's X25519 public key, 32 bytes little-endian (RFC 7748). What came from outside is
    /// looked at with [`StaticKey::check`] first.
    StaticKey
}

public_bytes! {
    /// A log's Ed25519 public key, 32 bytes (RFC 8032). What came from outside is looked at with
    /// [`LogKey::check`] first.
    LogKey
}

impl JournalId {
    /// A new random id.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut id = [0; 32];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}

/// Why 32 bytes from outside are not taken as a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum KeyError {
    #[error("the key is not written in the one way that its number has")]
    NotCanonical,
    #[error("the bytes are no point of the curve")]
    NotAPoint,
    #[error("the key is a point of small order")]
    SmallOrder,
}

/// The exchange with this key gives the same result whatever the secret: a point of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the exchange was not contributory: the other key is a point of small order")]
pub struct NonContributory;

impl StaticKey {
    /// Refuses a second spelling of a key: a number of 2^255-19 or more, or the top bit set.
    /// X25519 itself would read them as the key they are congruent to, and a bundle could carry
    /// one's own key unseen.
    ///
    /// # Errors
    /// [`KeyError::NotCanonical`]. Small orders show in [`StaticSecret::exchange`].
    pub fn check(bytes: [u8; 32]) -> Result<Self, KeyError> {
        // p = 2^255 - 19, little-endian.
        let mut p = [0xff; 32];
        let [first, .., last] = &mut p;
        (*first, *last) = (0xed, 0x7f);
        if bytes.iter().rev().lt(p.iter().rev()) {
            Ok(Self(bytes))
        } else {
            Err(KeyError::NotCanonical)
        }
    }
}

/// The secret of a device's [`StaticKey`]; also the shape of an ephemeral one.
#[derive(Clone)]
pub struct StaticSecret(Box<x25519_dalek::StaticSecret>);

impl StaticSecret {
    /// A new secret of 32 random bytes.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut());
        Self::from_bytes(&bytes)
    }

    /// Takes back what [`Self::expose`] gave.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(x25519_dalek::StaticSecret::from(*bytes)))
    }

    /// The secret itself, for storing it sealed.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    pub fn public(&self) -> StaticKey {
        StaticKey(PublicKey::from(&*self.0).to_bytes())
    }

    /// X25519 (RFC 7748 section 6.1): 32 bytes that only the two hold.
    ///
    /// # Errors
    /// [`NonContributory`] where the result is all zeros.
    pub fn exchange(&self, other: &StaticKey) -> Result<Zeroizing<[u8; 32]>, NonContributory> {
        let shared = self.0.diffie_hellman(&PublicKey::from(other.0));
        if shared.was_contributory() {
            Ok(Zeroizing::new(shared.to_bytes()))
        } else {
            Err(NonContributory)
        }
    }
}

impl fmt::Debug for StaticSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticSecret(secret)")
    }
}

/// The signature is not the key's for this message, or key or signature are of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl LogKey {
    /// Refuses bytes that are no point, a second spelling of a point, and points of small order.
    ///
    /// # Errors
    /// [`KeyError`], which says which.
    pub fn check(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        if key.to_edwards().compress() != CompressedEdwardsY(bytes) {
            return Err(KeyError::NotCanonical);
        }
        Ok(Self(bytes))
    }

    /// Ed25519 `verify_strict`: the equation without cofactor, small orders refused.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| BadSignature)
    }
}

/// The secret of a [`LogKey`]. It signs records and nothing that names a person.
#[derive(Clone)]
pub struct LogSecret(Box<SigningKey>);

impl LogSecret {
    /// A new secret of 32 random bytes.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        Self::from_bytes(&seed)
    }

    /// Takes back what [`Self::expose`] gave: the 32-byte seed of RFC 8032.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The seed itself, for storing it sealed.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    pub fn public(&self) -> LogKey {
        LogKey(self.0.verifying_key().to_bytes())
    }

    /// Ed25519 (RFC 8032), 64 bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for LogSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSecret(secret)")
    }
}

secret_bytes! {
    /// `disc` of section 5, from the pair root: from it each device computes both devices'
    /// identities of the day.
    DiscoveryKey
}

/// The day, counted from 1970-01-01 UTC, of a time in milliseconds since then. A clock before 1970
/// counts as day 0.
pub fn day_of(now: i64) -> u64 {
    u64::try_from(now.div_euclid(86_400_000)).unwrap_or(0)
}

/// The Ed25519 seed of a device's libp2p identity on one day: HKDF(salt = the day as a u64 since
/// 1970 UTC, ikm = disc, info = "amends/v1 peerid" || static key). Section 5.
pub fn identity_of_the_day(
    disc: &DiscoveryKey,
    day: u64,
    static_key: &StaticKey,
) -> Zeroizing<[u8; 32]> {
    kdf::hkdf(
        Some(&day.to_be_bytes()),
        disc.expose(),
        &[label::PEER_ID, &static_key.0],
    )
}

/// The TCP port on which a device listens on one day where nothing else was asked for: 49152 plus the first 14 bits of
/// HKDF(salt = the day as a u64 since 1970 UTC, ikm = disc, info = "amends/v1 port" || static key).
/// `docs/decisions/0061-the-port-of-the-day.md`.
pub fn port_of_the_day(disc: &DiscoveryKey, day: u64, static_key: &StaticKey) -> u16 {
    let derived = kdf::hkdf(
        Some(&day.to_be_bytes()),
        disc.expose(),
        &[label::PORT, &static_key.0],
    );
    let [first, second, ..] = *derived;
    // The dynamic ports of RFC 6335 section 6 are those that begin with two ones.
    0xc000 | (u16::from_be_bytes([first, second]) >> 2)
}

/// What a person is called on the partner's screen: 1 to 40 bytes of UTF-8 without control or
/// bidirectional formatting characters, something of it visible. The bytes are kept as given.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

/// Why a text is not taken as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NameError {
    #[error("the name shows nothing")]
    Empty,
    #[error("the name has {got} bytes, at most {} fit", PersonName::MAX_BYTES)]
    TooLong { got: usize },
    #[error("the name holds the control character U+{:04X}", *.0 as u32)]
    Control(char),
    #[error("the name holds U+{:04X}, which changes the direction of text", *.0 as u32)]
    Bidi(char),
    #[error("the name is not UTF-8")]
    NotUtf8,
}

impl PersonName {
    /// At most this many bytes of UTF-8 (section 1).
    pub const MAX_BYTES: usize = 40;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a name from the bytes of a bundle.
    ///
    /// # Errors
    /// [`NameError`], as for a text.
    pub fn from_utf8(bytes: &[u8]) -> Result<Self, NameError> {
        std::str::from_utf8(bytes)
            .map_err(|_| NameError::NotUtf8)?
            .try_into()
    }
}

impl TryFrom<&str> for PersonName {
    type Error = NameError;

    fn try_from(name: &str) -> Result<Self, NameError> {
        if name.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { got: name.len() });
        }
        for c in name.chars() {
            match c {
                // Line and paragraph separators break a line as a control character does.
                '\u{2028}' | '\u{2029}' => return Err(NameError::Control(c)),
                _ if c.is_control() => return Err(NameError::Control(c)),
                '\u{061c}' | '\u{200e}' | '\u{200f}' => return Err(NameError::Bidi(c)),
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    return Err(NameError::Bidi(c));
                }
                _ => {}
            }
        }
        if name.chars().all(shows_nothing) {
            return Err(NameError::Empty);
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PersonName {
    // A name in a log or a panic message would name a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonName({} bytes)", self.0.len())
    }
}

/// White space, and the letters and joiners that most screens draw as nothing.
fn shows_nothing(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn low_order_u() -> Vec<[u8; 32]> {
        let mut one = [0; 32];
        one[0] = 1;
        let order_eight: [u8; 32] = [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ];
        let mut minus_one = [0xff; 32];
        (minus_one[0], minus_one[31]) = (0xec, 0x7f);
        vec![[0; 32], one, order_eight, minus_one]
    }

    #[test]
    fn points_of_small_order_give_no_shared_secret() {
        let secret = StaticSecret::from_bytes(&[9; 32]);
        for u in low_order_u() {
            assert_eq!(
                secret.exchange(&StaticKey(u)).map(|_| ()),
                Err(NonContributory)
            );
        }
    }

    #[test]
    fn the_port_changes_with_the_day_and_the_device_and_is_a_dynamic_one() {
        let disc = DiscoveryKey::from_bytes(&[5; 32]);
        let port = |day, device| port_of_the_day(&disc, day, &StaticKey([device; 32]));
        let ports: std::collections::BTreeSet<u16> = (0..50)
            .flat_map(|day| [port(day, 1), port(day, 2)])
            .collect();
        assert!(ports.len() > 90, "{ports:?}");
        assert!(ports.iter().all(|port| *port >= 49_152));
        // HKDF-SHA256 by Python's hashlib: what another program must come to.
        assert_eq!(port(20_000, 1), 51_791);
    }

    #[test]
    fn a_static_key_has_one_spelling() {
        let key = StaticSecret::from_bytes(&[9; 32]).public();
        assert_eq!(StaticKey::check(key.0), Ok(key));
        let mut top = key.0;
        top[31] |= 0x80;
        assert_eq!(StaticKey::check(top), Err(KeyError::NotCanonical));
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        assert_eq!(StaticKey::check(p), Err(KeyError::NotCanonical));
        p[0] = 0xec;
        assert_eq!(StaticKey::check(p), Ok(StaticKey(p)));
        p[0] = 0xee;
        assert_eq!(StaticKey::check(p), Err(KeyError::NotCanonical));
        assert_eq!(StaticKey::check([0xff; 32]), Err(KeyError::NotCanonical));
    }

    #[test]
    fn a_log_key_is_a_point_of_large_order_with_one_spelling() {
        let key = LogSecret::from_bytes(&[3; 32]).public();
        assert_eq!(LogKey::check(key.0), Ok(key));
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(LogKey::check(identity), Err(KeyError::SmallOrder));
        let no_point = (0..=255_u8)
            .map(|b| LogKey::check([b; 32]))
            .filter(|k| *k == Err(KeyError::NotAPoint))
            .count();
        assert!(
            no_point > 50,
            "about half of all numbers are no point, found {no_point}"
        );
        // y = p + 3 and y = p + 4 …: the same points as y = 3, 4 …, written otherwise.
        let mut spelled_twice = 0;
        for low in 0_u8..19 {
            let mut y = [0xff; 32];
            (y[0], y[31]) = (0xed + low, 0x7f);
            spelled_twice += usize::from(LogKey::check(y) == Err(KeyError::NotCanonical));
            assert!(LogKey::check(y).is_err());
        }
        assert!(spelled_twice > 0);
    }

    #[test]
    fn a_signature_is_its_key_s_and_its_message_s_alone() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let (ana, bo) = (LogSecret::generate(&mut rng), LogSecret::generate(&mut rng));
        let sig = ana.sign(b"a record");
        assert_eq!(ana.public().verify(b"a record", &sig), Ok(()));
        assert_eq!(ana.public().verify(b"a recorD", &sig), Err(BadSignature));
        assert_eq!(bo.public().verify(b"a record", &sig), Err(BadSignature));
        let mut broken = sig;
        broken[63] ^= 0x80;
        assert_eq!(ana.public().verify(b"a record", &broken), Err(BadSignature));
        // A key and an R of small order "verify" anything under the loose equation.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut loose = [0; 64];
        loose[0] = 1;
        assert_eq!(
            LogKey(identity).verify(b"a record", &loose),
            Err(BadSignature)
        );
    }

    #[test]
    fn names_are_refused_by_reason() {
        let name = |text: &str| PersonName::try_from(text);
        assert_eq!(name("Ana").unwrap().as_str(), "Ana");
        assert_eq!(name("Zoë 👩‍❤️‍👨").unwrap().as_str(), "Zoë 👩‍❤️‍👨");
        assert_eq!(name(""), Err(NameError::Empty));
        assert_eq!(name(" \u{a0}\u{200b}"), Err(NameError::Empty));
        assert_eq!(name(&"a".repeat(40)).unwrap().as_str().len(), 40);
        assert_eq!(name(&"a".repeat(41)), Err(NameError::TooLong { got: 41 }));
        assert_eq!(name(&"é".repeat(21)), Err(NameError::TooLong { got: 42 }));
        assert_eq!(name("a\nb"), Err(NameError::Control('\n')));
        assert_eq!(name("a\u{1b}[31m"), Err(NameError::Control('\u{1b}')));
        assert_eq!(name("a\u{85}"), Err(NameError::Control('\u{85}')));
        assert_eq!(name("a\u{2028}b"), Err(NameError::Control('\u{2028}')));
        assert_eq!(name("\u{202e}anA"), Err(NameError::Bidi('\u{202e}')));
        assert_eq!(name("A\u{2066}"), Err(NameError::Bidi('\u{2066}')));
        assert_eq!(PersonName::from_utf8(&[0xff]), Err(NameError::NotUtf8));
    }

    #[test]
    fn days_change_at_midnight_utc() {
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(86_399_999), 0);
        assert_eq!(day_of(86_400_000), 1);
        assert_eq!(day_of(-1), 0);
        assert_eq!(day_of(i64::MIN), 0);
        assert_eq!(day_of(i64::MAX), 106_751_991_167);
    }

    #[test]
    fn debug_shows_no_secret_and_no_name() {
        let bytes = [0x5a; 32];
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            StaticSecret::from_bytes(&bytes),
            LogSecret::from_bytes(&bytes),
            DiscoveryKey::from_bytes(&bytes),
            PersonName::try_from("Ana").unwrap(),
            JournalId(bytes),
        );
        assert_eq!(
            shown,
            "StaticSecret(secret) LogSecret(secret) DiscoveryKey(secret) PersonName(3 bytes) \
             JournalId(5a5a5a5a…)"
        );
    }

    #[test]
    fn each_mark_that_turns_the_direction_of_text_is_refused_in_a_name() {
        for c in ['\u{061c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{2069}'] {
            let name = PersonName::try_from(format!("A{c}b").as_str());
            assert_eq!(name, Err(NameError::Bidi(c)));
        }
    }

    #[test]
    fn the_identity_of_the_day_is_derived_as_the_document_says() {
        let by_hand = kdf::Prk::extract(Some(&[0, 0, 0, 0, 0, 0, 0x50, 0x88]), &[3; 32])
            .expand(&[b"amends/v1 peerid", &[4; 32]]);
        let disc = DiscoveryKey::from_bytes(&[3; 32]);
        let identity = |day, key| identity_of_the_day(&disc, day, &StaticKey([key; 32]));
        assert_eq!(identity(0x5088, 4), by_hand);
        assert_ne!(identity(0x5089, 4), by_hand);
        assert_ne!(identity(0x5088, 5), by_hand);
    }

    #[test]
    fn the_seed_of_a_log_comes_back_as_it_was_given() {
        assert_eq!(LogSecret::from_bytes(&[6; 32]).expose(), &[6; 32]);
    }
}
