//! What is printed, and how it stays harmless: nothing that a partner wrote can move the cursor, change a colour or turn
//! the reading direction of the words around it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::advice::Advice;
use crate::request::Failure;

pub mod asking;
pub mod field;
pub mod keyboard;
pub mod qr;
pub mod timer;

/// When to print colours (`--color`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// Where standard output is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Standard output and standard error, as this command may use them.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    quiet: bool,
    color: bool,
    terminal: bool,
}

impl Output {
    /// `json`: values for scripts. `quiet`: nothing on standard error but what failed.
    pub fn new(json: bool, quiet: bool, color: Color) -> Output {
        let terminal = io::stdout().is_terminal();
        let wished_away = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && !wished_away
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Output {
            json,
            quiet,
            color: color && !json,
            terminal,
        }
    }

    /// Whether scripts read this.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person sees standard output on a terminal.
    pub fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Whether colours may be used.
    pub fn has_color(self) -> bool {
        self.color
    }

    /// `words` in bold, where colours may be used. They must be made harmless already.
    pub fn bold(self, words: &str) -> String {
        if self.color {
            format!("\x1b[1m{words}\x1b[0m")
        } else {
            words.to_owned()
        }
    }

    /// Prints words for a person; with `--json` nothing.
    ///
    /// # Errors
    /// [`Advice::OutputFailed`], where standard output takes nothing any more.
    pub fn say(self, words: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print(words) }
    }

    /// Prints a value for scripts, or else words for a person, which are put together only then.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn value_or(
        self,
        value: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.value(value)
        } else {
            print(&words())
        }
    }

    /// Prints a value for scripts; without `--json` nothing.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn value(self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let json = serde_json::to_string(value).map_err(|e| Advice::Internal {
            what: format!("a value cannot be written as JSON ({e})"),
        })?;
        print(&harmless_json(&json))
    }

    /// Prints a piece of a value for scripts that is JSON already, and that [`Output::json_ends`] ends; without `--json`
    /// nothing. A piece ends where a character does.
    ///
    /// # Errors
    /// As [`Output::say`]; and where the piece is no text.
    pub fn json_piece(self, piece: &[u8]) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        if is_plain(piece) {
            return put(&mut io::stdout().lock(), piece);
        }
        let text = std::str::from_utf8(piece).map_err(|_| Advice::Internal {
            what: "JSON that is no UTF-8".to_owned(),
        })?;
        put(&mut io::stdout().lock(), harmless_json(text).as_bytes())
    }

    /// Ends what [`Output::json_piece`] printed.
    ///
    /// # Errors
    /// As [`Output::say`].
    pub fn json_ends(self) -> Result<(), Failure> {
        if self.json { print("") } else { Ok(()) }
    }

    /// Tells a person, on standard error, what they must see even where little was to be said (`-q`): their own words,
    /// where these are kept nowhere else. With `--json` nothing.
    pub fn insist(self, words: &str) {
        if !self.json {
            drop(writeln!(io::stderr().lock(), "{words}"));
        }
    }

    /// Tells a person, on standard error, what is going on. Lost where nobody can read it: nothing depends on it.
    pub fn note(self, words: &str) {
        if !self.json && !self.quiet {
            drop(writeln!(io::stderr().lock(), "{words}"));
        }
    }
}

fn print(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    put(&mut out, line.as_bytes())?;
    put(&mut out, b"\n")
}

fn put(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| {
        Advice::OutputFailed {
            error: reason(&error),
        }
        .into()
    })
}

/// Says on standard error what failed, then what to do; with `json` as `{"error": {"code", "message", "hint"}}`.
pub fn complain(failure: &Failure, json: bool) {
    let words = if json {
        let error = serde_json::json!({
            "error": { "code": failure.code, "message": failure.message, "hint": failure.hint }
        });
        harmless_json(&error.to_string()).into_owned()
    } else {
        let mut words = format!("amends: {}", failure.message);
        if !failure.hint.is_empty() {
            words.push('\n');
            words.push_str(&failure.hint);
        }
        words
    };
    // Where standard error is gone too, the exit code is all that can be said.
    drop(writeln!(io::stderr().lock(), "{words}"));
}

/// The words of an error of the operating system, without Rust's number behind them and in lower case.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        _ => {
            let words = error.to_string();
            let end = words.find(" (os error").unwrap_or(words.len());
            words[..end].to_lowercase()
        }
    }
}

/// Whether a terminal would act on the character, or turn the direction of what stands around it.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` on one line, with every harmful character shown as its number.
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// `text` with its line ends and tabs, and every other harmful character shown as its number.
pub fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) && !keep(c) {
            out.push_str(&c.escape_unicode().to_string());
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON that a terminal can show: harmful characters stand only within strings, where JSON has its own escape for them.
fn harmless_json(json: &str) -> Cow<'_, str> {
    if is_plain(json.as_bytes()) || !json.chars().any(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether all of it is printable ASCII, which is seen of eight characters at a time: this program is built for size, where no
/// compiler would make it so.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const SPACES: u64 = ONES * 0x20;
    const HIGH: u64 = ONES * 0x80;
    // The highest bit of a byte stands where it is set already, where one more sets it (0x7f), and where it is less than a space.
    // What is carried from one byte into the next is so only where the first is odd itself.
    let odd = |eight: &[u8; 8]| {
        let eight = u64::from_ne_bytes(*eight);
        eight | eight.wrapping_add(ONES) | (eight.wrapping_sub(SPACES) & !eight)
    };
    let (eights, rest) = text.as_chunks::<8>();
    let all = |some: &[[u8; 8]]| some.iter().fold(0, |all, eight| all | odd(eight));
    eights.chunks(64).all(|some| all(some) & HIGH == 0)
        && rest.iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// The first words of `text`, at most `width` characters, on one line.
pub fn beginning(text: &str, width: usize) -> String {
    // Of a long text only as much is looked at as could be shown.
    let mut flat = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            flat.push(' ');
        }
        let end = word.char_indices().nth(width.saturating_add(1));
        flat.push_str(&line(&word[..end.map_or(word.len(), |(end, _)| end)]));
        length = flat.chars().count();
        if length > width {
            break;
        }
    }
    if length <= width {
        return flat;
    }
    let mut cut: String = flat.chars().take(width.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_partners_text_reaches_the_terminal_as_a_command() {
        let hostile = "a\x1b[2Jb\u{202e}c\u{9b}d\u{2066}e\u{e0041}f\rg\u{7f}";
        assert_eq!(
            line(hostile),
            "a\\u{1b}[2Jb\\u{202e}c\\u{9b}d\\u{2066}e\\u{e0041}f\\u{d}g\\u{7f}"
        );
        assert_eq!(lines("one\ttwo\nthree\x07"), "one\ttwo\nthree\\u{7}");
        assert_eq!(line("one\ntwo"), "one\\u{a}two");
    }

    #[test]
    fn every_script_is_left_as_it_is() {
        for text in [
            "Привет",
            "שלום\u{200f}",
            "مرحبا",
            "नमस्ते",
            "👩\u{200d}👩\u{200d}👧",
            "e\u{301}",
            "日本語",
        ] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = "\u{202e}\u{9b}\u{e0041}\u{7f}\n\"\\ü";
        let json = serde_json::to_string(value).unwrap();
        let harmless = harmless_json(&json);
        assert!(!harmless.chars().any(is_harmful), "{harmless}");
        assert_eq!(serde_json::from_str::<String>(&harmless).unwrap(), value);
    }

    #[test]
    fn only_printable_ascii_is_plain() {
        for at in 0..20 {
            for byte in 0..=u8::MAX {
                for around in [b' ', b'a', b'~'] {
                    let mut text = [around; 20];
                    text[at] = byte;
                    let plain = (b' '..=b'~').contains(&byte);
                    assert_eq!(is_plain(&text), plain, "{byte} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_beginning_is_one_short_line() {
        assert_eq!(
            beginning("No phones\n  at dinner", 40),
            "No phones at dinner"
        );
        assert_eq!(beginning("No phones at dinner", 10), "No phones…");
        assert_eq!(beginning("äöüäöü", 4), "äöü…");
    }

    #[test]
    fn the_systems_words_lose_their_number() {
        assert_eq!(
            reason(&io::Error::from_raw_os_error(13)),
            "permission denied"
        );
        assert_eq!(
            reason(&io::Error::from_raw_os_error(5)),
            "input/output error"
        );
    }
}
