//! The invite: the one-time code that pairs two devices (`docs/PROTOCOL.md` section 1, *Code* and
//! *Guesses*).
//!
//! It has two forms for the same screen. *Typed*: eight random digits and a Damm check digit, shown
//! as `482 913 067`. *Scanned* (or pasted): `amends1:` and base32 (RFC 4648, without padding) of
//!
//! ```text
//! version(1)=1 secret(16) lv(chan_H, address, …)
//! ```
//!
//! where an address is bytes that only the network crate reads. [`Invite::paste`] gives it in lower
//! case, for people; [`Invite::qr`] the same in upper case, since a QR code packs upper case letters,
//! digits and `:` into 5.5 bits each and anything else into 8. Both are read in either case.
//!
//! [`guesses`] holds how often, how long and by whom a code may be tried.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::lv;

pub mod guesses;

pub use guesses::{
    CodeEnd, CodeLife, CodeRefused, Failure, NewCode, Renewals, TriedCodes, TriedCodesError,
};

/// Version of the scanned form.
pub const VERSION: u8 = 1;

const PREFIX: &str = "amends1:";
/// Digits before the check digit.
const DIGITS: usize = 8;
const MAX_ADDRESSES: usize = 16;
const MAX_ITEM: usize = 256;
/// A longer text is no code: room for sixteen addresses of full length.
const MAX_TEXT: usize = 8192;

/// How the joiner came by the code: a byte of M1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Eight digits, typed.
    Typed,
    /// Sixteen random bytes, scanned or pasted.
    Scanned,
}

impl From<Form> for u8 {
    fn from(form: Form) -> u8 {
        match form {
            Form::Typed => 1,
            Form::Scanned => 2,
        }
    }
}

impl TryFrom<u8> for Form {
    type Error = u8;

    /// The byte itself is the error.
    fn try_from(byte: u8) -> Result<Self, u8> {
        match byte {
            1 => Ok(Self::Typed),
            2 => Ok(Self::Scanned),
            unknown => Err(unknown),
        }
    }
}

/// What the host shows: one code in its two forms, and the `N_H` that goes with it. A new code is a
/// new `Invite`.
#[derive(Clone)]
pub struct Invite {
    typed: TypedCode,
    secret: Zeroizing<[u8; 16]>,
    nonce: [u8; 32],
}

impl Invite {
    /// A new random code. Takes 4 random bytes for the digits (again where they would make some
    /// digits likelier than others), 16 for the scanned secret, 32 for `N_H`.
    pub fn new(rng: &mut dyn CryptoRng) -> Self {
        let typed = TypedCode::generate(rng);
        let mut secret = Zeroizing::new([0; 16]);
        rng.fill_bytes(secret.as_mut());
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        Self {
            typed,
            secret,
            nonce,
        }
    }

    /// `N_H`
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// The typed form.
    pub fn typed(&self) -> &TypedCode {
        &self.typed
    }

    /// `PRS` for a joiner who entered this form.
    pub fn prs(&self, form: Form) -> &[u8] {
        match form {
            Form::Typed => self.typed.prs(),
            Form::Scanned => self.secret.as_ref(),
        }
    }

    /// The scanned form in lower case, to be copied as text. `host` is `chan_H`; at most 16
    /// addresses of at most 256 bytes are taken, the first ones.
    pub fn paste(&self, host: &[u8], addresses: &[&[u8]]) -> Zeroizing<String> {
        Zeroizing::new(self.qr(host, addresses).to_ascii_lowercase())
    }

    /// The scanned form in upper case, as a QR code packs it best.
    pub fn qr(&self, host: &[u8], addresses: &[&[u8]]) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(vec![VERSION]);
        bytes.extend_from_slice(self.secret.as_ref());
        lv::write(&mut bytes, host);
        let fitting = addresses.iter().filter(|address| address.len() <= MAX_ITEM);
        for address in fitting.take(MAX_ADDRESSES) {
            lv::write(&mut bytes, address);
        }
        let mut text = Zeroizing::new(PREFIX.to_ascii_uppercase());
        text.push_str(&Zeroizing::new(BASE32_NOPAD.encode(&bytes)));
        text
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invite(secret)")
    }
}

/// Eight digits in ASCII: the `PRS` of the typed form. Nothing public derives from it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TypedCode([u8; DIGITS]);

impl TypedCode {
    /// Eight random digits, every code as likely as any other.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        const CODES: u32 = 100_000_000;
        // The largest multiple of 10^8 in 32 bits: from there on some codes would come once more.
        const EVEN: u32 = u32::MAX - u32::MAX % CODES;
        loop {
            let mut bytes = Zeroizing::new([0; 4]);
            rng.fill_bytes(bytes.as_mut());
            let number = u32::from_be_bytes(*bytes);
            if number < EVEN {
                return Self::from_number(number % CODES);
            }
        }
    }

    fn from_number(mut number: u32) -> Self {
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
        Self(digits)
    }

    /// `PRS`: the eight digits in ASCII, without the check digit.
    pub fn prs(&self) -> &[u8] {
        &self.0
    }

    /// As it stands on the screen: nine digits, `482 913 067`.
    pub fn shown(&self) -> Zeroizing<String> {
        let mut shown = Zeroizing::new(String::with_capacity(11));
        let check = damm(self.0.iter().map(|digit| digit - b'0'));
        for (i, digit) in self
            .0
            .iter()
            .map(|digit| digit - b'0')
            .chain([check])
            .enumerate()
        {
            if i > 0 && i % 3 == 0 {
                shown.push(' ');
            }
            shown.push(char::from(b'0' + digit));
        }
        shown
    }

    fn parse(text: &str) -> Result<Self, CodeError> {
        let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
        for c in text.chars() {
            match digit(c) {
                Some(digit) => digits.push(digit),
                None if is_separator(c) => {}
                None => return Err(CodeError::NotADigit(c)),
            }
        }
        let got = digits.len();
        let Some((check, rest)) = digits.split_last() else {
            return Err(CodeError::TooShort { got });
        };
        let mut code: [u8; DIGITS] = match rest.len() {
            DIGITS => rest.try_into().map_err(|_| CodeError::TooShort { got })?,
            0..DIGITS => return Err(CodeError::TooShort { got }),
            _ => return Err(CodeError::TooLong { got }),
        };
        if damm(code) != *check {
            code.zeroize();
            return Err(CodeError::WrongCheckDigit);
        }
        for digit in &mut code {
            *digit += b'0';
        }
        Ok(Self(code))
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(secret)")
    }
}

/// The check digit that follows these digits (H. Michael Damm, "Total anti-symmetrische
/// Quasigruppen", 2004, with the order-10 table that is in common use): notices every single wrong
/// digit and every exchange of two neighbours.
fn damm(digits: impl IntoIterator<Item = u8>) -> u8 {
    const TABLE: [[u8; 10]; 10] = [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ];
    digits.into_iter().fold(0, |interim, digit| {
        let row = TABLE.get(usize::from(interim));
        row.and_then(|row| row.get(usize::from(digit)))
            .copied()
            .unwrap_or_default()
    })
}

/// A decimal digit of ASCII, full width, or one of the scripts that keyboards give digits in.
fn digit(c: char) -> Option<u8> {
    // Arabic-Indic, its Persian and Urdu forms, Devanagari, Bengali, Thai, full width.
    const ZEROS: [u32; 7] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10];
    let distance = |zero: u32| (c as u32).checked_sub(zero).filter(|digit| *digit < 10);
    ZEROS
        .into_iter()
        .find_map(distance)
        .map(|digit| digit as u8)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '_' | '.' | ',' | '·' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        // What chats and mail put in and nobody sees.
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ff0d}')
}

/// What the scanned form holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Scanned {
    secret: Zeroizing<[u8; 16]>,
    host: Vec<u8>,
    addresses: Vec<Vec<u8>>,
}

impl Scanned {
    /// `chan_H`: no other host may answer.
    pub fn host(&self) -> &[u8] {
        &self.host
    }

    /// Where the host listened when it showed the code, as the network crate wrote it.
    pub fn addresses(&self) -> &[Vec<u8>] {
        &self.addresses
    }

    fn parse(base32: &str) -> Result<Self, CodeError> {
        let mut letters = Zeroizing::new(Vec::with_capacity(base32.len()));
        for c in base32.chars().filter(|c| !c.is_whitespace()) {
            match c.to_ascii_uppercase() {
                c @ ('A'..='Z' | '2'..='7') => letters.push(c as u8),
                _ => return Err(CodeError::NotBase32(c)),
            }
        }
        let bytes = Zeroizing::new(
            BASE32_NOPAD
                .decode(&letters)
                .map_err(|_| CodeError::Incomplete)?,
        );
        let (version, rest) = bytes.split_first().ok_or(CodeError::Incomplete)?;
        if *version != VERSION {
            return Err(CodeError::Version(*version));
        }
        let (secret, items) = rest
            .split_first_chunk::<16>()
            .ok_or(CodeError::Incomplete)?;
        let mut items = lv::Reader::new(items);
        let mut item = || match items.next() {
            Ok(item) if item.len() <= MAX_ITEM => Ok(item.to_vec()),
            _ => Err(CodeError::Incomplete),
        };
        let host = item()?;
        let mut addresses = Vec::new();
        while !items.is_empty() {
            if addresses.len() == MAX_ADDRESSES {
                return Err(CodeError::Incomplete);
            }
            addresses.push(items.next().map_err(|_| CodeError::Incomplete)?.to_vec());
        }
        if host.is_empty() || addresses.iter().any(|address| address.len() > MAX_ITEM) {
            return Err(CodeError::Incomplete);
        }
        Ok(Self {
            secret: Zeroizing::new(*secret),
            host,
            addresses,
        })
    }
}

impl fmt::Debug for Scanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scanned(secret, {} addresses)", self.addresses.len())
    }
}

/// A code as the joiner entered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// Nine digits, the check digit right.
    Typed(TypedCode),
    /// The scanned or pasted form.
    Scanned(Scanned),
}

/// Why a text is no code. None of these costs a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CodeError {
    #[error("the check digit does not fit: one digit is wrong or two are exchanged")]
    WrongCheckDigit,
    #[error("the code has {got} digits, {expected} are asked for", expected = DIGITS + 1)]
    TooShort { got: usize },
    #[error("the code has {got} digits, {expected} are asked for", expected = DIGITS + 1)]
    TooLong { got: usize },
    #[error("the code holds something other than digits")]
    NotADigit(char),
    #[error("the pasted code holds something other than letters and the digits 2 to 7")]
    NotBase32(char),
    #[error("the pasted code is incomplete")]
    Incomplete,
    #[error("the pasted code has version {0}, this program reads version 1")]
    Version(u8),
    #[error("the pasted code is of a version that this program does not read")]
    UnknownPrefix,
    #[error("the text has {got} bytes, which no code has")]
    TextTooLong { got: usize },
}

impl Entered {
    /// Reads what a person typed or pasted. Spaces, dashes and dots count for nothing, digits may
    /// be full width or of another script, letters in either case.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        if text.len() > MAX_TEXT {
            return Err(CodeError::TextTooLong { got: text.len() });
        }
        let text = text.trim_matches(is_separator);
        let starts = |prefix: &str| {
            text.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if starts(PREFIX) {
            let base32 = text.get(PREFIX.len()..).unwrap_or_default();
            return Scanned::parse(base32).map(Self::Scanned);
        }
        if starts("amends") {
            return Err(CodeError::UnknownPrefix);
        }
        TypedCode::parse(text).map(Self::Typed)
    }

    /// Which form it is, as M1 says it.
    pub fn form(&self) -> Form {
        match self {
            Self::Typed(_) => Form::Typed,
            Self::Scanned(_) => Form::Scanned,
        }
    }

    /// `PRS`: eight ASCII digits, or 16 raw bytes.
    pub fn prs(&self) -> &[u8] {
        match self {
            Self::Typed(code) => code.prs(),
            Self::Scanned(scanned) => scanned.secret.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
