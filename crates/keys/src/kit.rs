//! The recovery kit: 256 random bits that a person keeps on paper, as 24 words of the English list of BIP 39. The list
//! and the checksum are those of the `bip0039` crate; of its words we take nothing but the entropy that they stand for.
//!
//! What the kit opens is a slot of the vault ([`crate::vault`]), and so this device's stores and every backup of them.

use bip0039::{English, Mnemonic};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::secret_bytes;

/// So many words make a kit.
pub const WORDS: usize = 24;

/// No text of 24 words is longer: a word has at most 8 letters, and what people put between them is little.
const LONGEST: usize = 4096;

secret_bytes! {
    /// What the 24 words stand for.
    Kit
}

/// Why words are no kit. Never holds a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KitError {
    /// Too few words, or too many.
    #[error("a kit has 24 words, and these are {0}")]
    Count(usize),
    /// A word that is not in the list.
    #[error("word {0} is none of the list")]
    NotAWord(usize),
    /// Every word is one of the list, and together they are no kit: the checksum of BIP 39 is wrong.
    #[error("a word is another than it was, or two have changed places")]
    Checksum,
}

impl Kit {
    /// Reads words that a person typed: in any case, with any white space between and around them.
    ///
    /// # Errors
    /// [`KitError`].
    pub fn parse(typed: &str) -> Result<Self, KitError> {
        let count = typed.split_whitespace().count();
        if count != WORDS || typed.len() > LONGEST {
            return Err(KitError::Count(count));
        }
        if let Some(at) = typed.split_whitespace().position(|word| !is_word(word)) {
            return Err(KitError::NotAWord(at.saturating_add(1)));
        }
        // Every word is ASCII now, so that nothing is moved, and left behind in memory, while this is made.
        let mut small = Zeroizing::new(typed.to_owned());
        small.make_ascii_lowercase();
        let mnemonic = Mnemonic::<English>::from_normalized_phrase(small.as_str())
            .map_err(|_| KitError::Checksum)?;
        let entropy = mnemonic.entropy().first_chunk();
        entropy.map(Self::from_bytes).ok_or(KitError::Checksum)
    }

    /// The words, one space between two.
    pub fn words(&self) -> Zeroizing<String> {
        // 32 bytes are one of the lengths that BIP 39 knows, so that this does not fail.
        let mnemonic = Mnemonic::<English>::from_entropy(self.expose().to_vec());
        Zeroizing::new(mnemonic.map(Mnemonic::into_phrase).unwrap_or_default())
    }
}

/// Whether a kit may hold this word, in whatever case it is typed.
pub fn is_word(typed: &str) -> bool {
    let mut small = Zeroizing::new(typed.to_owned());
    small.make_ascii_lowercase();
    English::words().binary_search(&small.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors of BIP 39 (github.com/trezor/python-mnemonic, vectors.json), those of 256 bits.
    const VECTORS: [([u8; 32], &str); 3] = [
        (
            [0x7f; 32],
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title",
        ),
        (
            [0xff; 32],
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
        ),
        (
            [
                0xf5, 0x85, 0xc1, 0x1a, 0xec, 0x52, 0x0d, 0xb5, 0x7d, 0xd3, 0x53, 0xc6, 0x95, 0x54,
                0xb2, 0x1a, 0x89, 0xb2, 0x0f, 0xb0, 0x65, 0x09, 0x66, 0xfa, 0x0a, 0x9d, 0x6f, 0x74,
                0xfd, 0x98, 0x9d, 0x8f,
            ],
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
        ),
    ];

    #[test]
    fn the_words_are_those_of_bip_39() {
        for (bytes, words) in VECTORS {
            let kit = Kit::from_bytes(&bytes);
            assert_eq!(*kit.words(), words);
            assert_eq!(Kit::parse(words), Ok(kit));
        }
    }

    #[test]
    fn people_type_them_as_they_like() {
        let (bytes, words) = VECTORS[2];
        let typed = format!("\n {}\t\r\n", words.to_uppercase().replace(' ', "  \n"));
        assert_eq!(Kit::parse(&typed), Ok(Kit::from_bytes(&bytes)));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_words() {
        let words = VECTORS[2].1;
        let parse = |words: &str| Kit::parse(words);
        assert_eq!(parse(""), Err(KitError::Count(0)));
        assert_eq!(
            parse(&words.replace(" unfold", "")),
            Err(KitError::Count(23))
        );
        assert_eq!(parse(&format!("{words} zoo")), Err(KitError::Count(25)));
        assert_eq!(
            parse(&words.replace("camp", "kamp")),
            Err(KitError::NotAWord(5))
        );
        assert_eq!(
            parse(&words.replace("camp", "c\u{e4}mp")),
            Err(KitError::NotAWord(5))
        );
        let swapped = words.replace("come effort", "effort come");
        assert_eq!(parse(&swapped), Err(KitError::Checksum));
        assert_eq!(
            parse(&words.replace("come", "zoo")),
            Err(KitError::Checksum)
        );
        let endless = words.replace(' ', &" ".repeat(1000));
        assert!(parse(&endless).is_err());
        assert_eq!(format!("{:?}", Kit::from_bytes(&[7; 32])), "Kit(secret)");
    }

    #[test]
    fn twelve_words_are_none() {
        let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        assert_eq!(Kit::parse(twelve), Err(KitError::Count(12)));
    }

    #[test]
    fn words_are_read_up_to_their_greatest_length() {
        let kit = Kit::from_bytes(&[0x7f; 32]);
        let padded = |length: usize| format!("{:length$}", kit.words().as_str());
        assert_eq!(Kit::parse(&padded(LONGEST)).as_ref(), Ok(&kit));
        assert_eq!(
            Kit::parse(&padded(LONGEST + 1)),
            Err(KitError::Count(WORDS))
        );
    }
}
