//! The smallest splices that make one text into another, by words, so that what two people changed in
//! different places is merged and not doubled.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_normalization::char::is_combining_mark;

/// Words, or else lines, compared on each side at most. Comparing takes time with their product where
/// the texts have nothing in common; beyond this the middle is replaced.
const COMPARED: usize = 1_000;

/// At a position of the old text, in characters: deletes so many and inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Splice<'a> {
    pub(crate) at: usize,
    pub(crate) delete: usize,
    pub(crate) insert: &'a str,
}

/// From the last to the first, so that none moves the place of the next.
pub(crate) fn splices<'a>(old: &str, new: &'a str) -> Vec<Splice<'a>> {
    let prefix = common(old.chars(), new.chars());
    let (old_rest, new_rest) = (tail(old, prefix), tail(new, prefix));
    let suffix = common(old_rest.chars().rev(), new_rest.chars().rev());
    let (old, new) = (head(old_rest, suffix), head(new_rest, suffix));
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let by = [words(old, new), lines(old, new)];
    let compared = by
        .into_iter()
        .find(|(a, b)| a.len() <= COMPARED && b.len() <= COMPARED);
    let (olds, news) = compared.unwrap_or_else(|| (vec![old], vec![new]));

    let (old_starts, new_starts) = (starts(&olds), starts(&news));
    // What lies between the pieces that both have. Deletions and insertions are not taken from the
    // comparison one by one: where they touch, their positions are not always those of the old text.
    let end = DiffOp::Equal {
        old_index: olds.len(),
        new_index: news.len(),
        len: 0,
    };
    let (mut old_at, mut new_at, mut at) = (0, 0, prefix);
    let mut all = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &olds, &news)
        .into_iter()
        .filter(|op| matches!(op, DiffOp::Equal { .. }))
        .chain([end])
    {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        let gone = slice(old, &old_starts, old_at..old_range.start).unwrap_or("");
        let come = slice(new, &new_starts, new_at..new_range.start).unwrap_or("");
        if !gone.is_empty() || !come.is_empty() {
            all.push(trimmed(at, gone, come));
        }
        // On to the end of the piece that both have.
        let passed = slice(old, &old_starts, old_at..old_range.end).unwrap_or("");
        at = at.saturating_add(passed.chars().count());
        (old_at, new_at) = (old_range.end, new_range.end);
    }
    all.reverse();
    all
}

/// What comes of two texts that were both made from `base`: everything that either put in stays, and what either took away
/// goes. Where both put something in at one place, `theirs` comes first.
///
/// A page sends what it shows together with what it last saw, and the journal has moved on meanwhile: this is what the
/// person meant, said of the text as it is now.
#[must_use]
pub fn merge(base: &str, mine: &str, theirs: &str) -> String {
    let length = base.chars().count();
    let gaps = length.saturating_add(1);
    let mut gone = vec![false; length];
    let mut come = vec![[""; 2]; gaps];
    for (which, text) in [theirs, mine].into_iter().enumerate() {
        for splice in splices(base, text) {
            let end = splice.at.saturating_add(splice.delete);
            if let Some(taken) = gone.get_mut(splice.at..end) {
                taken.fill(true);
            }
            if let Some(at) = come.get_mut(splice.at).and_then(|at| at.get_mut(which)) {
                *at = splice.insert;
            }
        }
    }
    let mut merged = String::new();
    let kept = base.chars().zip(gone).map(|(c, gone)| (!gone).then_some(c));
    for (put_in, kept) in come.iter().zip(kept.chain([None])) {
        merged.extend(put_in.iter().copied());
        merged.extend(kept);
    }
    merged
}

/// Leaves out what both begin and end with: of a word, the letters that changed.
fn trimmed<'a>(at: usize, gone: &str, come: &'a str) -> Splice<'a> {
    let prefix = common(gone.chars(), come.chars());
    let (gone, come) = (tail(gone, prefix), tail(come, prefix));
    let suffix = common(gone.chars().rev(), come.chars().rev());
    Splice {
        at: at.saturating_add(prefix),
        delete: gone.chars().count().saturating_sub(suffix),
        insert: head(come, suffix),
    }
}

fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// Without its first `n` characters.
fn tail(text: &str, n: usize) -> &str {
    text.char_indices()
        .nth(n)
        .and_then(|(at, _)| text.get(at..))
        .unwrap_or("")
}

/// Without its last `n` characters.
fn head(text: &str, n: usize) -> &str {
    match n.checked_sub(1) {
        None => text,
        Some(last) => text
            .char_indices()
            .rev()
            .nth(last)
            .and_then(|(at, _)| text.get(..at))
            .unwrap_or(""),
    }
}

fn words<'o, 'n>(old: &'o str, new: &'n str) -> (Vec<&'o str>, Vec<&'n str>) {
    (split_words(old), split_words(new))
}

fn lines<'o, 'n>(old: &'o str, new: &'n str) -> (Vec<&'o str>, Vec<&'n str>) {
    (
        old.split_inclusive('\n').collect(),
        new.split_inclusive('\n').collect(),
    )
}

/// Runs of letters and digits, runs of spaces, and every other character alone with the marks on it.
/// Scripts that write without spaces go character by character.
fn split_words(text: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Sort {
        Word,
        Space,
        Alone,
    }
    let sort = |c: char| match c {
        // Thai to Myanmar, Khmer, and everything from the CJK radicals on.
        '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'.. => Sort::Alone,
        c if c.is_alphanumeric() => Sort::Word,
        c if c.is_whitespace() => Sort::Space,
        _ => Sort::Alone,
    };
    let mut all = Vec::new();
    let (mut from, mut last) = (0, None);
    for (at, c) in text.char_indices() {
        let joins = is_combining_mark(c) || c == '\u{200d}';
        let now = sort(c);
        let begins = last.is_some_and(|last| !joins && (last != now || now == Sort::Alone));
        if begins {
            all.extend(text.get(from..at));
            from = at;
        }
        if !joins || last.is_none() {
            last = Some(now);
        }
    }
    all.extend(text.get(from..).filter(|rest| !rest.is_empty()));
    all
}

/// Where each piece begins, in bytes, and where the last one ends.
fn starts(pieces: &[&str]) -> Vec<usize> {
    let mut at = 0usize;
    let mut all = vec![0];
    for piece in pieces {
        at = at.saturating_add(piece.len());
        all.push(at);
    }
    all
}

fn slice<'a>(text: &'a str, starts: &[usize], range: Range<usize>) -> Option<&'a str> {
    text.get(*starts.get(range.start)?..*starts.get(range.end)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(old: &str, splices: &[Splice<'_>]) -> String {
        let mut text: Vec<char> = old.chars().collect();
        for s in splices {
            text.splice(s.at..s.at + s.delete, s.insert.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn only_what_changed_is_spliced() {
        let old = "We put phones away at dinner.";
        let new = "We put all phones away at dinners.";
        let found = splices(old, new);
        assert_eq!(
            found,
            [
                Splice {
                    at: 28,
                    delete: 0,
                    insert: "s"
                },
                Splice {
                    at: 7,
                    delete: 0,
                    insert: "all "
                },
            ]
        );
        assert_eq!(splices(old, old), []);
        assert_eq!(splices("", ""), []);
        let all: usize = splices("食事の時は電話を置く", "食事中は電話を置く")
            .iter()
            .map(|s| s.delete)
            .sum();
        assert_eq!(all, 2);
    }

    #[test]
    fn what_two_made_of_one_text_is_merged() {
        let base = "We put phones away at dinner.";
        for (mine, theirs, both) in [
            (
                "We put our phones away at dinner.",
                "We put phones away at dinner and in bed.",
                "We put our phones away at dinner and in bed.",
            ),
            (base, "Another.", "Another."),
            ("Another.", base, "Another."),
            ("", base, ""),
            (
                "We put phones away.",
                "We put phones far away at dinner.",
                "We put phones far away.",
            ),
        ] {
            assert_eq!(merge(base, mine, theirs), both);
        }
        assert_eq!(merge("", "mine", "theirs "), "theirs mine");
        // A word and a space, typed before the lines that the other one goes on with.
        let (mine, theirs) = ("for us. This \n\n", "for us. \n\n\n\n");
        assert_eq!(merge("for us. \n\n", mine, theirs), "for us. This \n\n\n\n");
    }

    #[test]
    fn texts_that_share_nothing_are_replaced_in_good_time() {
        let old: String = (0..40_000).map(|n| format!("a{n} ")).collect();
        let new: String = (0..40_000).map(|n| format!("b{n} ")).collect();
        let found = splices(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!(apply(&old, &found), new);
    }

    proptest! {
        #[test]
        fn the_splices_make_the_one_text_into_the_other(old in ".{0,60}", new in ".{0,60}", words in "[ab e\u{301}\u{200d}👩あ\n]{0,80}", more in "[ab e\u{301}\u{200d}👩あ\n]{0,80}") {
            prop_assert_eq!(apply(&old, &splices(&old, &new)), new);
            prop_assert_eq!(apply(&words, &splices(&words, &more)), more);
        }

        #[test]
        fn a_merge_keeps_what_either_put_in(before in "[a-d ]{0,20}", after in "[a-d ]{0,20}", mine in "[A-F]{0,12}", theirs in "[U-Z]{0,12}", at in 0usize..20, from in 0usize..20) {
            let base = format!("{before}{after}");
            let put = |at: usize, what: &str| {
                let mut text: Vec<char> = base.chars().collect();
                let at = at.min(text.len());
                text.splice(at..at, what.chars());
                text.into_iter().collect::<String>()
            };
            let (my_text, their_text) = (put(at, &mine), put(from, &theirs));
            let merged = merge(&base, &my_text, &their_text);
            prop_assert!(merged.contains(&mine) && merged.contains(&theirs), "{merged}");
            let rest: String = merged.replacen(&mine, "", 1).replacen(&theirs, "", 1);
            prop_assert_eq!(rest, base.clone());
            prop_assert_eq!(merge(&base, &my_text, &base), my_text);
            prop_assert_eq!(merge(&base, &base, &their_text), their_text);
        }

        #[test]
        fn any_three_texts_are_merged(base in ".{0,40}", mine in ".{0,40}", theirs in ".{0,40}") {
            prop_assert_eq!(merge(&base, &mine, &base), mine);
            prop_assert_eq!(merge(&base, &base, &theirs), theirs);
        }

        #[test]
        fn words_are_all_of_the_text(text in ".{0,60}") {
            prop_assert_eq!(split_words(&text).concat(), text);
        }
    }
}
