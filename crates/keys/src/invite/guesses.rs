//! How often a code may be tried: `docs/PROTOCOL.md` section 1, *Guesses*.
//!
//! At the host a [`CodeLife`] belongs to each code shown and [`Renewals`] to the sitting; at the
//! joiner [`TriedCodes`] is kept on the disk. With them an attacker in the middle has two guesses in
//! 10^8 for each code shown: one towards the host by M3, one towards the joiner by M4.
//!
//! Times are milliseconds since 1970 UTC. A clock that goes backwards ends a code and never
//! lengthens a life.

use thiserror::Error;

use super::Entered;
use crate::{kdf, label, lv};

/// A code lives five minutes.
pub const CODE_LIFE_MS: i64 = 5 * 60 * 1000;
/// An attempt has 15 seconds to come to M3.
pub const ATTEMPT_MS: i64 = 15 * 1000;
/// Attempts that stop before M3 are free, ten a code: bad Wi-Fi does not burn codes.
pub const FREE_ATTEMPTS: u8 = 10;
/// A new code appears by itself twice.
pub const NEW_CODES_BY_THEMSELVES: u8 = 2;
/// A code for which M3 left without a valid M4 coming back is refused for ten minutes.
pub const REFUSED_MS: i64 = 10 * 60 * 1000;

/// Why a code is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CodeEnd {
    #[error("the code is older than five minutes")]
    Expired,
    #[error("eleven attempts stopped half-way")]
    TooManyAttempts,
    #[error("the code was used")]
    Spent,
}

/// The life of one code on the host's screen, in both its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLife {
    shown: i64,
    attempts: u8,
    end: Option<CodeEnd>,
}

impl CodeLife {
    /// The code appears.
    pub fn new(now: i64) -> Self {
        Self {
            shown: now,
            attempts: 0,
            end: None,
        }
    }

    /// When the code dies of age.
    pub fn expires(&self) -> i64 {
        self.shown.saturating_add(CODE_LIFE_MS)
    }

    /// Whether and of what the code is dead. Once dead it stays so.
    pub fn end(&mut self, now: i64) -> Option<CodeEnd> {
        if self.end.is_none() && (now < self.shown || now >= self.expires()) {
            self.end = Some(CodeEnd::Expired);
        }
        self.end
    }

    /// Somebody connected and will be sent M0. Gives the time by which their M3 must be here.
    ///
    /// # Errors
    /// The code is dead: the eleventh attempt kills it.
    pub fn attempt(&mut self, now: i64) -> Result<i64, CodeEnd> {
        if let Some(end) = self.end(now) {
            return Err(end);
        }
        if self.attempts >= FREE_ATTEMPTS {
            self.end = Some(CodeEnd::TooManyAttempts);
            return Err(CodeEnd::TooManyAttempts);
        }
        self.attempts = self.attempts.saturating_add(1);
        Ok(now.saturating_add(ATTEMPT_MS).min(self.expires()))
    }

    /// An M3 arrived: it kills the code, right or wrong. Only where this is `Ok` is it looked at.
    ///
    /// # Errors
    /// The code was dead already.
    pub fn m3(&mut self, now: i64) -> Result<(), CodeEnd> {
        match self.end(now) {
            Some(end) => Err(end),
            None => {
                self.end = Some(CodeEnd::Spent);
                Ok(())
            }
        }
    }
}

/// How a code failed to make a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An M3 with the wrong tag.
    WrongCode,
    /// Anything else: age, attempts, a no, a lost connection after M3.
    Other,
}

/// What follows a dead code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewCode {
    /// A new one appears by itself.
    ByItself,
    /// A new one appears at the press of a key. `wrong` is how many of the codes failed because
    /// somebody, or a typing error, used a wrong one: where it is 3, that is said.
    AfterKey {
        /// 0 to 3.
        wrong: u8,
    },
}

/// How many codes failed since somebody last pressed a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Renewals {
    failed: u8,
    wrong: u8,
}

impl Renewals {
    /// None failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A code died without a pair.
    pub fn failed(&mut self, failure: Failure) -> NewCode {
        self.failed = self.failed.saturating_add(1);
        if failure == Failure::WrongCode {
            self.wrong = self.wrong.saturating_add(1);
        }
        if self.failed <= NEW_CODES_BY_THEMSELVES {
            NewCode::ByItself
        } else {
            NewCode::AfterKey { wrong: self.wrong }
        }
    }

    /// Somebody pressed a key: counting begins anew.
    pub fn key_pressed(&mut self) {
        *self = Self::default();
    }
}

/// The code was tried less than ten minutes ago and not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this code was tried already; it is refused for {for_ms} ms more")]
pub struct CodeRefused {
    /// Milliseconds until it may be tried again, 1 to 600,000.
    pub for_ms: i64,
}

/// Why bytes are no memory of tried codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a memory of tried codes has {got} bytes, which it never has")]
pub struct TriedCodesError {
    /// The size met.
    pub got: usize,
}

/// What a joiner remembers: of each code tried a hash, SHA-256 of
/// `lv("amends/pair/v1 code memory", PRS)`, and when. Kept on the disk before M3 leaves, so that a
/// program started anew does not give an attacker another guess.
///
/// As bytes: `hash(32) time(i64)`, repeated, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TriedCodes {
    tried: Vec<([u8; 32], i64)>,
}

impl TriedCodes {
    /// More are not remembered; a person does not type as many in ten minutes.
    pub const MOST: usize = 256;

    /// Whether the code may be tried.
    ///
    /// # Errors
    /// [`CodeRefused`] with the time left.
    pub fn check(&self, code: &Entered, now: i64) -> Result<(), CodeRefused> {
        let hash = hash(code);
        let latest = self
            .tried
            .iter()
            .filter(|(h, _)| *h == hash)
            .map(|(_, at)| *at)
            .max();
        let for_ms = latest.map_or(0, |at| left(at, now));
        if for_ms > 0 {
            Err(CodeRefused { for_ms })
        } else {
            Ok(())
        }
    }

    /// M3 is about to be sent with this code: save [`Self::to_bytes`], then send.
    pub fn sending(&mut self, code: &Entered, now: i64) {
        self.tried.retain(|(_, at)| left(*at, now) > 0);
        let surplus = self
            .tried
            .len()
            .saturating_add(1)
            .saturating_sub(Self::MOST);
        self.tried.drain(..surplus.min(self.tried.len()));
        self.tried.push((hash(code), now));
    }

    /// A valid M4 came: the code was right, and its host alone could know.
    pub fn confirmed(&mut self, code: &Entered) {
        let hash = hash(code);
        self.tried.retain(|(h, _)| *h != hash);
    }

    /// For the disk.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.tried
            .iter()
            .flat_map(|(h, at)| h.iter().copied().chain(at.to_be_bytes()))
            .collect()
    }

    /// From the disk.
    ///
    /// # Errors
    /// A size that [`Self::to_bytes`] never gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TriedCodesError> {
        let error = TriedCodesError { got: bytes.len() };
        let (entries, rest) = bytes.as_chunks::<40>();
        if !rest.is_empty() || entries.len() > Self::MOST {
            return Err(error);
        }
        let read = |entry: &[u8; 40]| {
            let (hash, at) = entry.split_first_chunk::<32>()?;
            Some((*hash, i64::from_be_bytes(*at.first_chunk()?)))
        };
        let tried = entries
            .iter()
            .map(read)
            .collect::<Option<_>>()
            .ok_or(error)?;
        Ok(Self { tried })
    }
}

fn hash(code: &Entered) -> [u8; 32] {
    kdf::sha256(&[&zeroize::Zeroizing::new(lv::of(&[
        label::CODE_MEMORY,
        code.prs(),
    ]))])
}

/// How long a code tried `at` is still refused; a time in the future counts as now.
fn left(at: i64, now: i64) -> i64 {
    at.saturating_add(REFUSED_MS)
        .saturating_sub(now)
        .clamp(0, REFUSED_MS)
}

#[cfg(test)]
mod tests;
