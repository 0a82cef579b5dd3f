//! Texts to measure with.
#![allow(dead_code, reason = "every bench uses a part of it")]

/// A text of so many characters, each like no other. Words of five letters on average, as in English.
pub(crate) fn text(n: u64, characters: usize) -> String {
    const WORDS: [&str; 24] = [
        "evening", "we", "put", "away", "our", "phones", "and", "talk", "about", "the", "day",
        "without", "blame", "then", "walk", "home", "together", "because", "it", "helps", "us",
        "both", "sleep", "better",
    ];
    let mut text = format!("Number {n}:");
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < characters {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push(' ');
        text.push_str(WORDS[usize::try_from(state >> 33).unwrap_or_default() % WORDS.len()]);
    }
    text.truncate(characters);
    // The end of a text may not be white space.
    if text.ends_with(' ') {
        text.pop();
        text.push('.');
    }
    text
}

/// How many characters an edit takes away, and how many it puts there.
const EDITED: usize = 20;

/// Where the edit `n` of a text of so many characters is.
pub(crate) fn place(characters: usize, n: usize) -> usize {
    (n * 7919) % (characters / EDITED) * EDITED
}

/// Puts 20 characters into a text, somewhere else for each `n`, or takes those of the same `n` out again.
pub(crate) fn typed(text: &mut String, n: usize, is_put_in: bool) {
    let come = format!("edit {n:05}, and more");
    let before = text.len() - if is_put_in { 0 } else { EDITED };
    let at = place(before, n);
    if is_put_in {
        text.insert_str(at, &come);
    } else {
        text.replace_range(at..at + EDITED, "");
    }
}

/// Makes 20 characters of a text into 20 others, somewhere else for each `n`, and gives what to look for in what came of it.
pub(crate) fn edited(text: &mut String, n: usize) -> String {
    let at = place(text.len(), n);
    let mark = format!("edit {n:05},");
    text.replace_range(at..at + EDITED, &format!("{mark} and more"));
    mark
}
