//! Where a TEXT comes from: the argument, standard input where it is `-`, or an editor where there is none.

use std::io::{self, Read};

use crate::advice::Advice;
use crate::cli::Context;
use crate::request::Failure;
use crate::terminal::reason;

pub mod editor;

/// The longest text that a boundary takes, in bytes.
pub const LONGEST: usize = 262_144;

/// A text, and whether it would be lost if what comes next fails.
#[derive(Debug)]
pub struct Text {
    /// The text, its line ends those of Unix, without empty lines at its end.
    pub text: String,
    /// It was written in an editor just now and is nowhere else.
    pub nowhere_else: bool,
}

/// Takes the text that `argument` names; in an editor it begins as `draft`.
///
/// # Errors
/// [`Advice::TextTooLong`], [`Advice::InputNotText`], and what can go wrong with an editor.
pub async fn take(context: &Context, argument: Option<&str>, draft: &str) -> Result<Text, Failure> {
    let (text, nowhere_else) = match argument {
        Some("-") => (from_standard_input()?, false),
        Some(text) => (text.to_owned(), false),
        None if !context.may_ask || context.out.is_json() => {
            return Err(Advice::NothingTyped.into());
        }
        None => (editor::write(context.out, draft).await?, true),
    };
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end_matches('\n').to_owned();
    if text.len() > LONGEST {
        if nowhere_else {
            editor::show_again(context.out, &text);
        }
        let (length, limit) = (text.len() as u64, LONGEST as u64);
        return Err(Advice::TextTooLong {
            what: "text".to_owned(),
            length,
            limit,
        }
        .into());
    }
    Ok(Text { text, nowhere_else })
}

impl Text {
    /// Where this text is nowhere else and `outcome` is a failure, shows it again, so that nobody writes it twice.
    pub fn keep<T>(&self, context: &Context, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.is_err() && self.nowhere_else {
            editor::show_again(context.out, &self.text);
        }
        outcome
    }
}

/// A title for a text that was given none: the first words of it, without what a title may not hold.
pub fn title_of(text: &str) -> String {
    const WIDTH: usize = 60;
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let plain: String = first
        .chars()
        .filter(|c| !is_direction(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= WIDTH {
        return words;
    }
    let cut: String = words.chars().take(WIDTH).collect();
    // At a word's end, where the first word is not longer than all of it; some scripts have no spaces.
    let end = cut
        .rfind(' ')
        .filter(|end| *end > WIDTH / 2)
        .unwrap_or(cut.len());
    format!("{} …", cut.split_at(end).0.trim_end())
}

/// Marks that turn the reading direction, or that break a line (Unicode UAX 9 and 14).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn from_standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(editor::READ_AT_MOST)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Failure::from(Advice::InputUnreadable {
                error: reason(&error),
            })
        })?;
    String::from_utf8(bytes).map_err(|_| Advice::InputNotText.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_words() {
        assert_eq!(
            title_of("\n  No phones\tat dinner.\nNor in bed."),
            "No phones at dinner."
        );
        assert_eq!(title_of("\u{202e}No\u{200f} phones"), "No phones");
        let long =
            "I would like us to keep our phones out of the bedroom, from ten in the evening on.";
        assert_eq!(
            title_of(long),
            "I would like us to keep our phones out of the bedroom, from …"
        );
        assert_eq!(
            title_of(&"長".repeat(100)),
            format!("{} …", "長".repeat(60))
        );
        assert_eq!(title_of(" \n "), "");
    }
}
