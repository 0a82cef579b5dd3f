//! The keys of a terminal, one by one, and what is pasted, as a whole.
//!
//! A terminal's own way of reading lines cuts them at 4,096 bytes on Linux and at 1,024 elsewhere, so that a pasted
//! paragraph would lose its end without a word. Here the lines are edited by us ([`super::field`]) instead. The crates
//! that do this read with a call that nothing but a key ends, and draw the whole line anew for every key.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use tokio::sync::mpsc;

use crate::advice::Advice;
use crate::request::Failure;
use crate::terminal::asking::terminal_of_the_person;

/// What a person did at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Typed letters, without control characters other than a tab.
    Text(String),
    /// Pasted as a whole, lines ended by `\n`; without control characters other than those and tabs.
    Pasted(String),
    /// Return.
    Enter,
    /// Erases what stands before the cursor.
    Backspace,
    /// Erases what stands at the cursor.
    Delete,
    /// One to the left.
    Left,
    /// One to the right.
    Right,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// To the beginning of the line.
    Home,
    /// To the end of the line.
    End,
    /// Ctrl-U: erases the line up to the cursor.
    EraseToStart,
    /// Ctrl-K: erases the line from the cursor on.
    EraseToEnd,
    /// Ctrl-W: erases the word before the cursor.
    EraseWord,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
}

const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// The longest sequence of a key that is waited for; what is longer is none.
const LONGEST_SEQUENCE: usize = 32;

/// Makes keys of the bytes of a terminal, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

impl Parser {
    /// The keys that `bytes` complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.pending.extend_from_slice(bytes);
        let mut keys = Vec::new();
        loop {
            if let Some(mut pasted) = self.paste.take() {
                let looked_at = pasted.len().saturating_sub(PASTE_ENDS.len() - 1);
                pasted.append(&mut self.pending);
                let end = pasted[looked_at..]
                    .windows(PASTE_ENDS.len())
                    .position(|window| window == PASTE_ENDS);
                let Some(end) = end.map(|end| end + looked_at) else {
                    self.paste = Some(pasted);
                    return keys;
                };
                self.pending = pasted.split_off(end + PASTE_ENDS.len());
                pasted.truncate(end);
                keys.push(Key::Pasted(cleaned(&pasted)));
            }
            let (used, key) = match first(&self.pending) {
                First::Nothing => return keys,
                First::Key(used, key) => (used, Some(key)),
                First::Ignored(used) => (used, None),
                First::Paste(used) => {
                    self.paste = Some(Vec::new());
                    (used, None)
                }
            };
            self.pending.drain(..used);
            keys.extend(key);
        }
    }

    /// What was being pasted when the terminal went away.
    pub fn rest(&mut self) -> Option<Key> {
        let pasted = cleaned(&self.paste.take()?);
        Some(Key::Pasted(pasted))
    }
}

enum First {
    /// Not a whole key yet.
    Nothing,
    /// This many bytes are a key.
    Key(usize, Key),
    /// This many bytes mean nothing here.
    Ignored(usize),
    /// This many bytes begin what is pasted.
    Paste(usize),
}

fn first(bytes: &[u8]) -> First {
    let Some(byte) = bytes.first() else {
        return First::Nothing;
    };
    let key = match byte {
        b'\r' if bytes.starts_with(b"\r\n") => return First::Key(2, Key::Enter),
        b'\r' | b'\n' => Key::Enter,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 | 0x7f => Key::Backspace,
        0x0b => Key::EraseToEnd,
        0x15 => Key::EraseToStart,
        0x17 => Key::EraseWord,
        0x1b => return sequence(bytes),
        b'\t' | 0x20..=0x7e | 0x80.. => return letters(bytes),
        _ => return First::Ignored(1),
    };
    First::Key(1, key)
}

/// A key that sends more than one byte: ECMA-48 section 5.4, and xterm's "PC-style function keys".
fn sequence(bytes: &[u8]) -> First {
    let ends = match bytes.get(1) {
        None => return First::Nothing,
        Some(b'[') => bytes
            .iter()
            .skip(2)
            .position(|byte| (0x40..=0x7e).contains(byte)),
        Some(b'O') => bytes.get(2).map(|_| 0),
        // Escape, and then something else.
        Some(_) => return First::Ignored(1),
    };
    let Some(end) = ends.map(|end| end + 2) else {
        return if bytes.len() > LONGEST_SEQUENCE {
            First::Ignored(1)
        } else {
            First::Nothing
        };
    };
    let used = end + 1;
    let number = bytes[2..end].split(|byte| *byte == b';').next();
    let key = match (bytes[end], number.unwrap_or_default()) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"3") => Key::Delete,
        (b'~', b"200") => return First::Paste(used),
        _ => return First::Ignored(used),
    };
    First::Key(used, key)
}

fn letters(bytes: &[u8]) -> First {
    let is_letter = |byte: &u8| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f);
    let end = bytes
        .iter()
        .position(|byte| !is_letter(byte))
        .unwrap_or(bytes.len());
    // A letter of several bytes may be cut at the end of what has come.
    let whole = match std::str::from_utf8(&bytes[..end]) {
        Err(error) if error.error_len().is_none() && end == bytes.len() => error.valid_up_to(),
        _ => end,
    };
    if whole == 0 {
        return First::Nothing;
    }
    First::Key(whole, Key::Text(cleaned(&bytes[..whole])))
}

/// Text without the control characters that no text needs (ISO 6429); what is no UTF-8 is shown as such.
fn cleaned(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// How many letters a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns, at least ten.
    pub columns: usize,
    /// Rows, at least three.
    pub rows: usize,
}

/// The person's terminal while every key comes here at once. When this goes, it is as it was before.
#[derive(Debug)]
pub struct Keyboard {
    screen: File,
    before: Termios,
    can_move: bool,
    parser: Parser,
    batches: mpsc::Receiver<Vec<u8>>,
    /// What came while [`Keyboard::follows`] waited for it.
    early: Option<Vec<u8>>,
    stop: Option<PipeWriter>,
    reader: Option<JoinHandle<()>>,
}

impl Keyboard {
    /// Takes over the person's terminal.
    ///
    /// # Errors
    /// [`Advice::NoTerminal`].
    pub fn open() -> Result<Keyboard, Failure> {
        let open = || -> io::Result<Keyboard> {
            let screen = terminal_of_the_person()?;
            let (stopped, stop) = io::pipe()?;
            let (tell, batches) = mpsc::channel(4);
            let eyes = screen.try_clone()?;
            let before = tcgetattr(&screen)?;
            let mut raw = before.clone();
            // Without ISIG, Ctrl-Z leaves nobody's words in a process that is forgotten.
            raw.local_modes.remove(
                LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN,
            );
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&screen, OptionalActions::Now, &raw)?;
            // A thread of its own, since a terminal cannot be waited for together with other things everywhere. It ends
            // when the keyboard goes, so that the editor or the next question gets every key.
            let reader = std::thread::spawn(move || read(eyes, &stopped, &tell));
            Ok(Keyboard {
                screen,
                before,
                can_move: std::env::var_os("TERM")
                    .is_some_and(|term| !term.is_empty() && term != "dumb"),
                parser: Parser::default(),
                batches,
                early: None,
                stop: Some(stop),
                reader: Some(reader),
            })
        };
        let mut keyboard = open().map_err(|_| Failure::from(Advice::NoTerminal))?;
        if keyboard.can_move {
            // Pasted text comes marked as such (xterm, "bracketed paste").
            keyboard.put("\x1b[?2004h");
        }
        Ok(keyboard)
    }

    /// The next keys that come together. None where the terminal went away. May be dropped without losing a key.
    pub async fn next(&mut self) -> Option<Vec<Key>> {
        let batch = match self.early.take() {
            Some(early) => Some(early),
            None => self.batches.recv().await,
        };
        match batch {
            Some(batch) => Some(self.parser.feed(&batch)),
            None => self.parser.rest().map(|key| vec![key]),
        }
    }

    /// Whether more comes at once, faster than anybody types: then what came is the beginning of something pasted, on
    /// a terminal that does not say so.
    pub async fn follows(&mut self) -> bool {
        const FASTER_THAN_FINGERS: Duration = Duration::from_millis(30);
        if self.early.is_none() {
            let more = tokio::time::timeout(FASTER_THAN_FINGERS, self.batches.recv()).await;
            self.early = more.ok().flatten();
        }
        self.early.is_some()
    }

    /// Writes to the screen. Lost where the terminal went away.
    pub fn put(&mut self, words: &str) {
        drop(
            self.screen
                .write_all(words.as_bytes())
                .and_then(|()| self.screen.flush()),
        );
    }

    /// How large the screen is now.
    pub fn size(&self) -> Size {
        let (columns, rows) = tcgetwinsize(&self.screen).map_or((0, 0), |size| {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        });
        let or = |known: usize, usual: usize, least: usize| match known {
            0 => usual,
            known => known.max(least),
        };
        Size {
            columns: or(columns, 80, 10),
            rows: or(rows, 24, 3),
        }
    }

    /// Whether the cursor can be moved (`TERM` is set, and not `dumb`).
    pub fn can_move(&self) -> bool {
        self.can_move
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if self.can_move {
            self.put("\x1b[?2004l");
        }
        self.batches.close();
        drop(self.stop.take());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        // There is nobody left to tell where this fails: the terminal is gone.
        let _ = tcsetattr(&self.screen, OptionalActions::Now, &self.before);
    }
}

fn read(mut from: File, stopped: &PipeReader, tell: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        let mut ready = [
            PollFd::new(&from, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !ready[1].revents().is_empty() => return,
            Ok(_) => {}
        }
        match from.read(&mut buffer) {
            Ok(n @ 1..) if tell.blocking_send(buffer[..n].to_vec()).is_ok() => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The terminal went away, or nobody listens any more.
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> Key {
        Key::Text(words.to_owned())
    }

    #[test]
    fn keys_are_the_same_wherever_their_bytes_are_cut() {
        let bytes = "aü👩\u{200d}👧\t\r\n\x1b[A\x1bOD\x1b[1;5C\x1b[3~\x1b[H\x7f\x03\x04\x1bx\x1b[99~\x1b[200~שלום\rtwo\r\n\r\n\x1b[2J\x03three\x1b[201~z\n".as_bytes();
        let expected = [
            text("aü👩\u{200d}👧\t"),
            Key::Enter,
            Key::Up,
            Key::Left,
            Key::Right,
            Key::Delete,
            Key::Home,
            Key::Backspace,
            Key::Interrupt,
            Key::EndOfInput,
            text("x"),
            Key::Pasted("שלום\ntwo\n\n[2Jthree".to_owned()),
            text("z"),
            Key::Enter,
        ];
        assert_eq!(Parser::default().feed(bytes), expected);
        for cut in 1..bytes.len() {
            // Between these two, nobody can know that they belong together.
            if bytes[..cut].ends_with(b"\r") && bytes[cut] == b'\n' && !bytes[..cut].contains(&b'[')
            {
                continue;
            }
            let mut parser = Parser::default();
            let mut keys = parser.feed(&bytes[..cut]);
            keys.extend(parser.feed(&bytes[cut..]));
            let mut joined: Vec<Key> = Vec::new();
            for key in keys {
                match (joined.last_mut(), key) {
                    (Some(Key::Text(before)), Key::Text(more)) => before.push_str(&more),
                    (_, key) => joined.push(key),
                }
            }
            assert_eq!(joined, expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_text_and_no_key_goes_by() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"a\xffb\x00\x1a"), [text("a\u{fffd}b")]);
        assert_eq!(parser.feed(b"\x1b["), []);
        let mut keys = parser.feed(&[b'1'; 100]);
        keys.extend(parser.feed(b"x"));
        assert!(matches!(keys.last(), Some(Key::Text(_))), "{keys:?}");
    }

    #[test]
    fn what_was_pasted_half_is_not_lost() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"\x1b[200~half of it"), []);
        assert_eq!(parser.rest(), Some(Key::Pasted("half of it".to_owned())));
        assert_eq!(parser.rest(), None);
    }
}
