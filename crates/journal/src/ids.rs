//! Names of things: entries and devices' actors.

use std::fmt;

/// The consonants of a proquint, 4 bits each, in rising order (Wilkerson, "A Proposal for
/// Proquints", arXiv:0901.4016).
const CONSONANTS: [char; 16] = [
    'b', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z',
];
/// The vowels of a proquint, 2 bits each, in rising order.
const VOWELS: [char; 4] = ['a', 'i', 'o', 'u'];

/// How many words a whole entry id has: 16 bits each.
pub const WORDS: usize = 8;
/// An id is never shown shorter than this many words, so that one learnt by heart stays unique for
/// a while.
pub const LEAST_WORDS: usize = 2;
/// Letters in one word of an id.
const LETTERS: usize = 5;

/// The name of an entry: 16 random bytes, given once by its author's device.
///
/// Its text is eight pronounceable words of five letters (proquints). Both alphabets are in rising
/// order, so the words sort as the bytes do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub [u8; 16]);

/// Why a typed id names no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing but dashes and spaces.
    #[error("the id is empty")]
    Empty,
    /// No entry begins with it.
    #[error("no entry has this id")]
    None,
    /// Several entries begin with it: more letters are needed.
    #[error("{0} entries begin with this id")]
    Several(usize),
}

impl EntryId {
    /// The first `n` words joined by dashes, at most all eight.
    #[must_use]
    pub fn words(&self, n: usize) -> String {
        let mut out = String::with_capacity(WORDS * (LETTERS + 1));
        for (at, pair) in self.0.chunks_exact(2).take(n).enumerate() {
            if at > 0 {
                out.push('-');
            }
            let word = pair.iter().fold(0u16, |w, b| (w << 8) | u16::from(*b));
            out.extend(proquint(word));
        }
        out
    }

    /// The id of exactly this text: all eight words, as [`Display`](fmt::Display) writes them. `None` for any other.
    #[must_use]
    pub fn from_whole(text: &str) -> Option<EntryId> {
        let mut bytes = [0; 16];
        let mut words = text.split('-');
        for pair in bytes.chunks_exact_mut(2) {
            let word = unproquint(words.next()?)?.to_be_bytes();
            pair.copy_from_slice(&word);
        }
        words.next().is_none().then_some(EntryId(bytes))
    }

    /// The shortest beginning, of at least [`LEAST_WORDS`] words, that no other id of `sorted` has.
    ///
    /// `sorted` is all ids of the journal in rising order; whether this one is among them does not
    /// matter. Only its neighbours are looked at.
    #[must_use]
    pub fn shortest(&self, sorted: &[EntryId]) -> String {
        let at = sorted.partition_point(|id| id < self);
        let before = at.checked_sub(1).and_then(|i| sorted.get(i));
        let after = sorted
            .get(at..)
            .and_then(|rest| rest.iter().find(|id| *id != self));
        let needed = [before, after]
            .into_iter()
            .flatten()
            .map(|other| self.common_words(other) + 1)
            .max()
            .unwrap_or(0);
        self.words(needed.clamp(LEAST_WORDS, WORDS))
    }

    /// The one id of `sorted` that begins with what was typed. Case, dashes and spaces are ignored;
    /// any unique beginning serves, down to a single letter.
    ///
    /// # Errors
    /// [`FindError`] where none or several begin with it.
    pub fn find(typed: &str, sorted: &[EntryId]) -> Result<EntryId, FindError> {
        let letters: String = typed
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect();
        if letters.is_empty() {
            return Err(FindError::Empty);
        }
        let beginning = |id: &EntryId| -> String {
            let mut all = id.words(WORDS);
            all.retain(|c| c != '-');
            all.truncate(letters.len().min(all.len()));
            all
        };
        let from = sorted.partition_point(|id| beginning(id) < letters);
        let rest = sorted.get(from..).unwrap_or_default();
        let count = rest.partition_point(|id| beginning(id) == letters);
        match (rest.first(), count) {
            (Some(id), 1) => Ok(*id),
            (_, 0) | (None, _) => Err(FindError::None),
            (_, several) => Err(FindError::Several(several)),
        }
    }

    fn common_words(&self, other: &EntryId) -> usize {
        self.0
            .chunks_exact(2)
            .zip(other.0.chunks_exact(2))
            .take_while(|(a, b)| a == b)
            .count()
    }
}

/// One word: consonant, vowel, consonant, vowel, consonant from the high bits down.
fn proquint(word: u16) -> [char; LETTERS] {
    let consonant = |shift: u16| {
        CONSONANTS
            .get(usize::from((word >> shift) & 0xf))
            .copied()
            .unwrap_or('b')
    };
    let vowel = |shift: u16| {
        VOWELS
            .get(usize::from((word >> shift) & 0x3))
            .copied()
            .unwrap_or('a')
    };
    [
        consonant(12),
        vowel(10),
        consonant(6),
        vowel(4),
        consonant(0),
    ]
}

/// The number of one word; `None` for what is none.
fn unproquint(word: &str) -> Option<u16> {
    let mut letters = word.chars();
    let mut number = 0u16;
    for place in 0..LETTERS {
        let letter = letters.next()?;
        let (alphabet, bits): (&[char], u32) = if place % 2 == 0 {
            (&CONSONANTS, 4)
        } else {
            (&VOWELS, 2)
        };
        let value = alphabet.iter().position(|known| *known == letter)?;
        number = number.checked_shl(bits)? | u16::try_from(value).ok()?;
    }
    letters.next().is_none().then_some(number)
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(WORDS))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({self})")
    }
}

/// Who wrote a change: `SHA-256("amends/actor/v1" || log_pk)[..16]` (PROTOCOL section 3), derived by
/// the caller from the log that a change came in. One for each device incarnation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(pub [u8; 16]);

impl Actor {
    /// The actor of the fixed first changes: zeros. Nobody writes as this one.
    pub(crate) const FIRST: Actor = Actor([0; 16]);
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Actor(")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of the proquint paper, two words each.
    #[test]
    fn words_are_those_of_the_paper() {
        for (ip, words) in [
            ([127, 0, 0, 1], "lusab-babad"),
            ([63, 84, 220, 193], "gutih-tugad"),
            ([140, 98, 193, 141], "mudof-sakat"),
            ([212, 58, 253, 68], "tibup-zujah"),
            ([216, 68, 232, 21], "todah-vobij"),
        ] {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&ip);
            assert_eq!(EntryId(id).words(2), words);
        }
        assert_eq!(
            EntryId([0xff; 16]).to_string(),
            "zuzuz-zuzuz-zuzuz-zuzuz-zuzuz-zuzuz-zuzuz-zuzuz"
        );
    }

    #[test]
    fn a_beginning_that_two_share_names_neither() {
        let (mut a, mut b) = ([7; 16], [7; 16]);
        (a[15], b[15]) = (1, 2);
        let ids = [EntryId(a), EntryId(b)];
        assert_eq!(EntryId::find("", &ids), Err(FindError::Empty));
        assert_eq!(EntryId::find(" -", &ids), Err(FindError::Empty));
        assert_eq!(
            EntryId::find(&EntryId(a).words(7), &ids),
            Err(FindError::Several(2))
        );
        assert_eq!(EntryId::find("zz", &ids), Err(FindError::None));
        assert_eq!(EntryId::find("\u{e9}", &ids), Err(FindError::None));
        assert_eq!(
            EntryId::find(&format!("{}a", EntryId(a)), &ids),
            Err(FindError::None)
        );
        assert_eq!(ids[0].shortest(&ids), ids[0].to_string());
        assert_eq!(ids[0].shortest(&ids[..1]), ids[0].words(2));
    }

    proptest! {
        #[test]
        fn words_sort_as_bytes_do(a: [u8; 16], b: [u8; 16]) {
            prop_assert_eq!(a.cmp(&b), EntryId(a).to_string().cmp(&EntryId(b).to_string()));
        }

        #[test]
        fn what_is_shown_finds_its_entry(
            ids in proptest::collection::vec(proptest::array::uniform16(0u8..3), 1..40)
        ) {
            let mut ids: Vec<_> = ids.into_iter().map(EntryId).collect();
            ids.sort();
            ids.dedup();
            for id in &ids {
                prop_assert_eq!(EntryId::from_whole(&id.to_string()), Some(*id));
                let shown = id.shortest(&ids);
                prop_assert_eq!(EntryId::find(&shown, &ids), Ok(*id));
                prop_assert_eq!(EntryId::find(&shown.to_uppercase().replace('-', ""), &ids), Ok(*id));
                let words = shown.split('-').count();
                prop_assert!(words >= LEAST_WORDS);
                if words > LEAST_WORDS {
                    let shorter = EntryId::find(&id.words(words - 1), &ids);
                    prop_assert!(matches!(shorter, Err(FindError::Several(_))));
                }
            }
        }
    }
}
