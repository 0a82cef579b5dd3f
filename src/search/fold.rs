//! Texts without the differences that a person who searches does not type.

use std::collections::HashMap;
use std::ops::Range;

use icu_casemap::CaseMapper;
use icu_properties::props::{DefaultIgnorableCodePoint, Script};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// `text` as it is searched: two texts that a person takes for the same words are the same folded.
///
/// - Compatibility forms are the plain ones (NFKD): `ﬁ` is `fi`, `２` is `2`.
/// - Accents of Latin, Greek and Cyrillic letters, points of Hebrew and vowel marks of Arabic are dropped, and letters
///   with a stroke through them are plain (`đ`, `ø`, `ł`, `ħ`; `æ` and `œ` are two). Marks that are letters of their
///   own stay: vowel signs of Devanagari, voicing marks of Kana, tones of Thai.
/// - Case is folded in full and for no language (`ß` is `ss`, `İ` is `i`, `ς` is `σ`).
/// - White space of any kind and length is one space. What cannot be seen (soft hyphens, joiners, marks of direction) is
///   dropped. Curly quotes and dashes are those of a keyboard.
///
/// The result is decomposed: it is for comparing, not for showing. Folding it again changes nothing.
pub fn fold(text: &str) -> String {
    Folder::default().fold(text).text
}

/// A text folded, and where each part of it stands in the original.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    pub(super) text: String,
    runs: Vec<Run>,
    /// The length of the original.
    length: usize,
}

/// Where units begin, in bytes. A unit is what was folded as one: a letter with its marks, a run of white space.
#[derive(Debug, Clone, Copy)]
struct Run {
    folded: usize,
    original: usize,
    /// Up to the next run every byte is a unit, in both texts.
    plain: bool,
}

/// Folds texts, and keeps what it has found out of each character: most texts are of few.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    known: HashMap<char, Known>,
}

/// What there is to know of a character beyond ASCII.
#[derive(Debug, Clone)]
struct Known {
    /// It is folded together with what stands before it.
    continues: bool,
    /// It folded, where nothing is folded together with it.
    alone: String,
}

impl Folder {
    pub(super) fn fold(&mut self, original: &str) -> Folded {
        let mut folded = Folded {
            text: String::with_capacity(original.len()),
            runs: Vec::new(),
            length: original.len(),
        };
        let mut rest = original;
        while let Some(first) = rest.chars().next() {
            let space = first.is_whitespace();
            let goes_on = |c: char, folder: &mut Folder| {
                if space {
                    c.is_whitespace() || is_dropped(c)
                } else {
                    !c.is_whitespace() && !c.is_ascii() && folder.know(c).continues
                }
            };
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !goes_on(*c, self))
                .map_or(rest.len(), |(at, _)| at);
            let (unit, after) = rest.split_at(end);
            folded.mark(original.len().saturating_sub(rest.len()), unit.len() == 1);
            if space {
                folded.text.push(' ');
            } else if unit.len() == 1 {
                folded.text.push(first.to_ascii_lowercase());
            } else if unit.len() == first.len_utf8() {
                folded.text.push_str(&self.know(first).alone);
            } else {
                fold_unit(unit, &mut folded.text);
            }
            rest = after;
        }
        folded
    }

    fn know(&mut self, c: char) -> &Known {
        self.known.entry(c).or_insert_with(|| {
            let mut alone = String::new();
            fold_unit(c.encode_utf8(&mut [0; 4]), &mut alone);
            Known {
                continues: continues(c),
                alone,
            }
        })
    }
}

impl Folded {
    fn mark(&mut self, original: usize, plain: bool) {
        if plain && self.runs.last().is_some_and(|run| run.plain) {
            return;
        }
        self.runs.push(Run {
            folded: self.text.len(),
            original,
            plain,
        });
    }

    /// Where a unit begins in the original that begins at `at` here, or all ends; `None` within a unit.
    fn edge(&self, at: usize) -> Option<usize> {
        if at >= self.text.len() {
            return (at == self.text.len()).then_some(self.length);
        }
        let next = self.runs.partition_point(|run| run.folded <= at);
        let run = self.runs.get(next.checked_sub(1)?)?;
        let within = at.checked_sub(run.folded)?;
        (run.plain || within == 0).then(|| run.original.saturating_add(within))
    }

    /// The range of the original that was folded to this one, if it is of whole units.
    pub(super) fn original(&self, folded: &Range<usize>) -> Option<Range<usize>> {
        Some(self.edge(folded.start)?..self.edge(folded.end)?)
    }

    /// Whether a word begins or ends at `at`: one side is no letter, or is of a script that puts no spaces between words.
    pub(super) fn parts_words(&self, at: usize) -> bool {
        let Some((before, after)) = self.text.split_at_checked(at) else {
            return false;
        };
        match (before.chars().next_back(), after.chars().next()) {
            (Some(before), Some(after)) => {
                !is_of_word(before)
                    || !is_of_word(after)
                    || is_unspaced(before)
                    || is_unspaced(after)
            }
            _ => true,
        }
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn fold_unit(unit: &str, out: &mut String) {
    let mut word: String = unit.chars().filter(|c| !is_dropped(*c)).collect();
    // Folding a case can give what decomposes again (Unicode section 3.13, D146), and what a mark is dropped from.
    word = decomposed(&word);
    word = CaseMapper::new().fold_string(&word).into_owned();
    word = decomposed(&word);
    for c in word.chars() {
        match c {
            'đ' => out.push('d'),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            '\u{2018}' | '\u{2019}' | '\u{2bc}' => out.push('\''),
            '\u{201c}'..='\u{201e}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            c => out.push(c),
        }
    }
}

/// In the plainest form, without what is dropped.
fn decomposed(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        // An accent that stands alone is a space and an accent in compatibility form; it parts no words.
        if std::iter::once(c).nfkd().any(char::is_whitespace) {
            plain.push(c);
        } else {
            plain.extend(std::iter::once(c).nfkd());
        }
    }
    plain.nfd().filter(|c| !is_dropped(*c)).collect()
}

/// Whether a character is folded together with what stands before it: it is dropped, or combines with that.
fn continues(c: char) -> bool {
    if c < '\u{300}' {
        return c == '\u{ad}';
    }
    let first = std::iter::once(c).nfkd().next().unwrap_or(c);
    is_dropped(c)
        || canonical_combining_class(first) != 0
        || is_nfc_quick(std::iter::once(first)) == IsNormalized::Maybe
}

/// Whether nobody types this when they search.
fn is_dropped(c: char) -> bool {
    if c < '\u{300}' {
        return c == '\u{ad}';
    }
    is_accent(c) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Marks that are put on or under a letter which is whole without them.
fn is_accent(c: char) -> bool {
    matches!(c,
        // Combining diacritical marks, their extensions and supplements, those for symbols, and half marks.
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Cyrillic.
        | '\u{483}'..='\u{489}' | '\u{a66f}'..='\u{a672}' | '\u{a67c}'..='\u{a67d}'
        // Hebrew: accents and points, but not its punctuation.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{fb1e}'
        // Arabic: signs, harakat, marks of the Quran, and the line that only makes a word longer.
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{8ca}'..='\u{8e1}' | '\u{8e3}'..='\u{8ff}')
}

/// Whether a character is of a script that puts no spaces between words.
fn is_unspaced(c: char) -> bool {
    // No such script lies before Thai.
    if c < '\u{e00}' {
        return false;
    }
    // Marks of Kana that belong to two scripts.
    matches!(c, '\u{3099}' | '\u{309a}' | '\u{30fc}')
        || matches!(
            CodePointMapData::<Script>::new().get(c),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Bopomofo
                | Script::Yi
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
                | Script::Tibetan
                | Script::TaiLe
                | Script::NewTaiLue
                | Script::TaiTham
                | Script::TaiViet
                | Script::Javanese
                | Script::Balinese
        )
}
