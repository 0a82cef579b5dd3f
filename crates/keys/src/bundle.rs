//! The clock of a bundle (`docs/decisions/0012-bundles.md`): what a device says that it holds, signed by its log's key and
//! sealed for the pair. In a session nobody needs to sign it, since the session proves who speaks; a file comes from
//! anywhere.
//!
//! ```text
//! "AMNC" ver=1 suite=1 epoch(u32) salt(24 random) commit(32) ct
//! key||commit = HKDF(salt, ikm = epoch secret, info = "amends/bundle/v1 key|commit", 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = all 66 header bytes || journal_id, plaintext)
//! plaintext   = log_pk(32) sig(64) u32(len) clock, zeros to PADME(max(256, n))
//! sig         = Ed25519(log_sk, "amends/bundle/v1 clock" || journal_id || log_pk || clock)
//! ```
//!
//! What the clock's bytes say is not known here.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::identity::{JournalId, LogKey, LogSecret};
use crate::label;
use crate::seal::{EpochSecret, MAX_ENVELOPE, padme};
use crate::sealed::{Form, LEAST, Parts, Unopened, Unread};

/// Between suite and salt stands the epoch.
const FORM: Form = Form {
    magic: b"AMNC",
    middle: 4,
    label: label::BUNDLE_SEAL,
    most: MAX_CLOCK,
};
/// A log's key, a signature, a length.
const BEFORE: usize = 32 + 64 + 4;

/// A sealed clock has at most this many bytes, as an envelope has.
pub const MAX_CLOCK: usize = MAX_ENVELOPE;

/// The clock would be over [`MAX_CLOCK`] bytes once sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the clock has {size} bytes, too many to be sealed")]
pub struct ClockTooLarge {
    /// The clock's bytes.
    pub size: usize,
}

/// Why a bundle's clock was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ClockError {
    #[error("the clock has {size} bytes, at most {limit} are taken", limit = MAX_CLOCK)]
    TooLarge { size: usize },
    #[error("the clock has {size} bytes, the least is {least}", least = FORM.least())]
    TooShort { size: usize },
    #[error("these bytes are no clock of a bundle")]
    NotAClock,
    #[error("the clock has version {0}, this program reads version 1")]
    Version(u8),
    #[error("the clock has suite {0}, this program reads suite 1")]
    Suite(u8),
    #[error("the clock was sealed under another epoch secret")]
    OtherSecret,
    #[error("the clock was changed, or belongs to another journal")]
    Forged,
    #[error("the clock is not filled with zeros to the length that it asks for")]
    Padding,
    #[error("the clock is not signed by the log that it names")]
    Signature,
}

/// A clock whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedClock {
    /// The log whose device says it.
    pub log: LogKey,
    /// What it says, as it was signed.
    pub clock: Vec<u8>,
}

fn signed(journal: &JournalId, log: &LogKey, clock: &[u8]) -> Vec<u8> {
    [label::BUNDLE_CLOCK, &journal.0, log.as_bytes(), clock].concat()
}

/// Signs and seals a clock. `salt` is 24 random bytes, fresh for every call.
///
/// # Errors
/// [`ClockTooLarge`].
pub fn seal_clock(
    epoch: u32,
    secret: &EpochSecret,
    journal: &JournalId,
    salt: [u8; 24],
    log: &LogSecret,
    clock: &[u8],
) -> Result<Vec<u8>, ClockTooLarge> {
    let too_large = ClockTooLarge { size: clock.len() };
    let len = u32::try_from(clock.len()).map_err(|_| too_large)?;
    let filled = clock.len().checked_add(BEFORE).ok_or(too_large)?;
    let padded = padme(filled.max(LEAST));
    if padded > MAX_CLOCK.saturating_sub(FORM.overhead()) {
        return Err(too_large);
    }
    let key_of_log = log.public();
    let mut plain = Zeroizing::new(Vec::with_capacity(padded));
    plain.extend_from_slice(key_of_log.as_bytes());
    plain.extend_from_slice(&log.sign(&signed(journal, &key_of_log, clock)));
    plain.extend_from_slice(&len.to_be_bytes());
    plain.extend_from_slice(clock);
    plain.resize(padded, 0);

    FORM.seal(
        &epoch.to_be_bytes(),
        &salt,
        secret.expose(),
        &journal.0,
        &plain,
    )
    .map_err(|_| too_large)
}

/// The form of a sealed clock and the epoch in its header.
fn header(sealed: &[u8]) -> Result<(Parts<'_>, u32), ClockError> {
    let size = sealed.len();
    let parts = FORM.read(sealed).map_err(|unread| match unread {
        Unread::TooLarge => ClockError::TooLarge { size },
        Unread::TooShort => ClockError::TooShort { size },
        Unread::Magic => ClockError::NotAClock,
        Unread::Version(version) => ClockError::Version(version),
        Unread::Suite(suite) => ClockError::Suite(suite),
    })?;
    let epoch = <[u8; 4]>::try_from(parts.middle).map_err(|_| ClockError::TooShort { size })?;
    Ok((parts, u32::from_be_bytes(epoch)))
}

/// The epoch that a sealed clock names, not yet authenticated: which secret to try.
///
/// # Errors
/// [`ClockError`], where these are no bytes of a sealed clock.
pub fn epoch_of(sealed: &[u8]) -> Result<u32, ClockError> {
    header(sealed).map(|(_, epoch)| epoch)
}

/// Opens a sealed clock and checks its signature. Whether the log is a member's is for the caller to know.
///
/// # Errors
/// [`ClockError`]; nothing of a clock that fails is to be used.
pub fn open_clock(
    sealed: &[u8],
    secret: &EpochSecret,
    journal: &JournalId,
) -> Result<SignedClock, ClockError> {
    let (parts, _) = header(sealed)?;
    let plain =
        FORM.open(&parts, secret.expose(), &journal.0)
            .map_err(|unopened| match unopened {
                Unopened::OtherSecret => ClockError::OtherSecret,
                Unopened::Forged => ClockError::Forged,
            })?;
    let (log, rest) = plain.split_first_chunk::<32>().ok_or(ClockError::Padding)?;
    let (signature, rest) = rest.split_first_chunk::<64>().ok_or(ClockError::Padding)?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or(ClockError::Padding)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| ClockError::Padding)?;
    let (clock, zeros) = rest.split_at_checked(len).ok_or(ClockError::Padding)?;
    let expected = padme(len.saturating_add(BEFORE).max(LEAST));
    if plain.len() != expected || zeros.iter().any(|byte| *byte != 0) {
        return Err(ClockError::Padding);
    }
    let log = LogKey(*log);
    log.verify(&signed(journal, &log, clock), signature)
        .map_err(|_| ClockError::Signature)?;
    Ok(SignedClock {
        log,
        clock: clock.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL: JournalId = JournalId([7; 32]);

    fn sealed(clock: &[u8]) -> Vec<u8> {
        let (secret, log) = (
            EpochSecret::from_bytes(&[1; 32]),
            LogSecret::from_bytes(&[2; 32]),
        );
        seal_clock(3, &secret, &JOURNAL, [9; 24], &log, clock).unwrap()
    }

    fn open(sealed: &[u8]) -> Result<SignedClock, ClockError> {
        open_clock(sealed, &EpochSecret::from_bytes(&[1; 32]), &JOURNAL)
    }

    #[test]
    fn a_clock_is_its_signer_s_its_journal_s_and_its_pair_s() {
        let bytes = sealed(b"a clock");
        assert_eq!(epoch_of(&bytes), Ok(3));
        let signed = open(&bytes).unwrap();
        assert_eq!(signed.clock, b"a clock");
        assert_eq!(signed.log, LogSecret::from_bytes(&[2; 32]).public());
        let other = EpochSecret::from_bytes(&[4; 32]);
        assert_eq!(
            open_clock(&bytes, &other, &JOURNAL),
            Err(ClockError::OtherSecret)
        );
        let secret = EpochSecret::from_bytes(&[1; 32]);
        assert_eq!(
            open_clock(&bytes, &secret, &JournalId([8; 32])),
            Err(ClockError::Forged)
        );
    }

    #[test]
    fn no_changed_byte_and_no_cut_is_taken() {
        let bytes = sealed(b"a clock");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(open(&changed).is_err(), "byte {at}");
            assert!(open(&bytes[..at]).is_err(), "{at} bytes");
        }
        assert!(open(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn whoever_has_the_secret_cannot_sign_for_another_log() {
        let mut plain = Vec::new();
        let ana = LogSecret::from_bytes(&[2; 32]);
        let bo = LogSecret::from_bytes(&[5; 32]);
        plain.extend_from_slice(ana.public().as_bytes());
        plain.extend_from_slice(&bo.sign(&signed(&JOURNAL, &ana.public(), b"holds all")));
        plain.extend_from_slice(&9_u32.to_be_bytes());
        plain.extend_from_slice(b"holds all");
        plain.resize(256, 0);
        let out = FORM
            .seal(&[0, 0, 0, 3], &[9; 24], &[1; 32], &JOURNAL.0, &plain)
            .ok()
            .unwrap();
        assert_eq!(open(&out), Err(ClockError::Signature));
    }

    #[test]
    fn sizes_are_bounded_and_padded() {
        assert_eq!(sealed(b"").len(), sealed(&[1; 156]).len());
        let secret = EpochSecret::from_bytes(&[1; 32]);
        let log = LogSecret::from_bytes(&[2; 32]);
        let large = vec![0; MAX_CLOCK];
        assert_eq!(
            seal_clock(0, &secret, &JOURNAL, [0; 24], &log, &large),
            Err(ClockTooLarge { size: MAX_CLOCK })
        );
        assert_eq!(
            epoch_of(&vec![0; MAX_CLOCK + 1]),
            Err(ClockError::TooLarge {
                size: MAX_CLOCK + 1
            })
        );
    }

    /// Every byte that is signed, put together here from the document.
    #[test]
    fn the_signature_is_of_the_label_the_journal_the_log_and_the_clock() {
        let log = LogSecret::from_bytes(&[2; 32]);
        let key = log.public();
        let by_hand = |journal: u8, signer: &[u8]| {
            let message = [
                b"amends/bundle/v1 clock",
                &[journal; 32][..],
                signer,
                b"a clock",
            ];
            message.concat()
        };
        let with = |signature: [u8; 64]| {
            let mut plain = [key.as_bytes(), &signature[..], &[0, 0, 0, 7], b"a clock"].concat();
            plain.resize(256, 0);
            let sealed = FORM.seal(&[0, 0, 0, 3], &[9; 24], &[1; 32], &JOURNAL.0, &plain);
            sealed.ok().unwrap()
        };
        let honest = with(log.sign(&by_hand(7, key.as_bytes())));
        assert_eq!(honest, sealed(b"a clock"));
        assert!(open(&honest).is_ok());
        for other in [
            by_hand(8, key.as_bytes()),
            by_hand(7, &[5; 32]),
            b"a clock".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(open(&with(log.sign(&other))), Err(ClockError::Signature));
        }
    }

    #[test]
    fn a_clock_is_filled_with_zeros_to_its_one_length() {
        let log = LogSecret::from_bytes(&[2; 32]);
        let key = log.public();
        let signature = log.sign(&signed(&JOURNAL, &key, b"a clock"));
        let filled = |length: usize, last: u8| {
            let mut plain = [key.as_bytes(), &signature[..], &[0, 0, 0, 7], b"a clock"].concat();
            plain.resize(length, 0);
            *plain.last_mut().unwrap() = last;
            let sealed = FORM.seal(&[0, 0, 0, 3], &[9; 24], &[1; 32], &JOURNAL.0, &plain);
            open(&sealed.ok().unwrap())
        };
        assert!(filled(256, 0).is_ok());
        for (length, last) in [(256, 1), (257, 0), (272, 0), (512, 0)] {
            assert_eq!(filled(length, last), Err(ClockError::Padding));
        }
    }
}
