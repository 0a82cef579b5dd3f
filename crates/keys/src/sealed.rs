//! The one form of everything that is sealed for the pair: envelopes, the clock of a bundle, the chunks of a blob
//! (`docs/PROTOCOL.md` section 4).
//!
//! ```text
//! sealed      = magic(4) ver=1 suite=1 middle salt(24 random) commit(32) ct
//! key||commit = HKDF(salt, ikm = secret, info = label, 64 bytes)
//! ct          = ChaCha20-Poly1305(key, nonce 0^12, aad = all header bytes || bound, plaintext)
//! ```
//!
//! A fresh salt makes a fresh key, which seals once. The commitment is compared first, in constant time, so that sealed
//! bytes open under one secret only.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kdf;

/// The version that this program writes and reads.
pub(crate) const VERSION: u8 = 1;
/// The suite that this program writes and reads.
pub(crate) const SUITE: u8 = 1;
/// A plaintext is never shorter, so that short ones look alike.
pub(crate) const LEAST: usize = 256;

const MAGIC: usize = 4;
const SALT: usize = 24;
const COMMIT: usize = 32;
const TAG: usize = 16;

/// What tells one kind of sealed bytes from another.
pub(crate) struct Form {
    /// How they begin.
    pub(crate) magic: &'static [u8; MAGIC],
    /// How many bytes stand between the suite and the salt.
    pub(crate) middle: usize,
    /// What key and commitment are derived with.
    pub(crate) label: &'static [u8],
    /// They have at most this many bytes.
    pub(crate) most: usize,
}

/// Why bytes are not of a form.
pub(crate) enum Unread {
    TooLarge,
    TooShort,
    Magic,
    Version(u8),
    Suite(u8),
}

/// Why bytes of a form do not open.
pub(crate) enum Unopened {
    OtherSecret,
    Forged,
}

/// Sealed bytes, taken apart; nothing is proved of them yet.
pub(crate) struct Parts<'a> {
    header: &'a [u8],
    pub(crate) middle: &'a [u8],
    salt: &'a [u8],
    commit: &'a [u8],
    ct: &'a [u8],
}

impl Form {
    /// What sealing adds to a plaintext.
    pub(crate) const fn overhead(&self) -> usize {
        self.header() + TAG
    }

    /// The least length of sealed bytes.
    pub(crate) const fn least(&self) -> usize {
        self.overhead() + LEAST
    }

    const fn header(&self) -> usize {
        MAGIC + 2 + self.middle + SALT + COMMIT
    }

    /// Seals a plaintext that is padded already. `middle` is as long as the form says, `salt` fresh.
    ///
    /// # Errors
    /// Over 256 GiB of plaintext.
    pub(crate) fn seal(
        &self,
        middle: &[u8],
        salt: &[u8; SALT],
        secret: &[u8; 32],
        bound: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, kdf::Refused> {
        let (key, commit) = kdf::key_and_commit(salt, secret, self.label);
        let mut out = Vec::with_capacity(self.overhead().saturating_add(plain.len()));
        out.extend_from_slice(self.magic);
        out.extend_from_slice(&[VERSION, SUITE]);
        out.extend_from_slice(middle);
        out.extend_from_slice(salt);
        out.extend_from_slice(&commit);
        let ct = kdf::seal_once(&key, &[&out, bound].concat(), plain)?;
        out.extend_from_slice(&ct);
        Ok(out)
    }

    /// Takes sealed bytes apart.
    ///
    /// # Errors
    /// [`Unread`], sizes first.
    pub(crate) fn read<'a>(&self, bytes: &'a [u8]) -> Result<Parts<'a>, Unread> {
        if bytes.len() > self.most {
            return Err(Unread::TooLarge);
        }
        let (magic, rest) = bytes.split_first_chunk::<MAGIC>().ok_or(Unread::TooShort)?;
        if magic != self.magic {
            return Err(Unread::Magic);
        }
        let (&[version, suite], rest) = rest.split_first_chunk::<2>().ok_or(Unread::TooShort)?;
        if version != VERSION {
            return Err(Unread::Version(version));
        }
        if suite != SUITE {
            return Err(Unread::Suite(suite));
        }
        let (middle, rest) = rest.split_at_checked(self.middle).ok_or(Unread::TooShort)?;
        let (salt, rest) = rest.split_at_checked(SALT).ok_or(Unread::TooShort)?;
        let (commit, ct) = rest.split_at_checked(COMMIT).ok_or(Unread::TooShort)?;
        let header = bytes.get(..self.header()).ok_or(Unread::TooShort)?;
        if ct.len() < LEAST + TAG {
            return Err(Unread::TooShort);
        }
        Ok(Parts {
            header,
            middle,
            salt,
            commit,
            ct,
        })
    }

    /// Opens what [`Form::seal`] sealed under the same secret, bound to the same bytes.
    ///
    /// # Errors
    /// [`Unopened`].
    pub(crate) fn open(
        &self,
        parts: &Parts<'_>,
        secret: &[u8; 32],
        bound: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (key, commit) = kdf::key_and_commit(parts.salt, secret, self.label);
        if !bool::from(commit.ct_eq(parts.commit)) {
            return Err(Unopened::OtherSecret);
        }
        kdf::open_once(&key, &[parts.header, bound].concat(), parts.ct)
            .map_err(|_| Unopened::Forged)
    }
}
