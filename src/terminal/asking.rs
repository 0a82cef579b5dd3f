//! Asking a person something at their terminal. Everything that is asked can be answered with Ctrl-C.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::holder::stop_wished;
use crate::request::Failure;
use crate::terminal::reason;

/// The longest line that is taken. A terminal's own limit is 4 KiB.
const LONGEST: usize = 64 * 1024;

/// The person's terminal. One reader for the whole command, so that two questions never compete for one answer.
#[derive(Debug)]
pub struct Terminal {
    screen: File,
    want: std::sync::mpsc::Sender<()>,
    lines: mpsc::Receiver<io::Result<Option<Zeroizing<String>>>>,
    /// A question was given up before it was answered: its line still comes, for the next question.
    outstanding: bool,
}

/// The terminal's other screen: what is shown there is gone when this is, and in no history that could be scrolled back to.
/// A terminal that has none shows it like everything else.
#[derive(Debug)]
pub struct OtherScreen {
    screen: Option<File>,
}

impl Drop for OtherScreen {
    fn drop(&mut self) {
        if let Some(screen) = &mut self.screen {
            // Cleared first: some terminals keep what stood on the other screen.
            drop(screen.write_all(b"\x1b[2J\x1b[H\x1b[?1049l"));
        }
    }
}

/// Puts the terminal back as it was, whatever happens to the question.
struct Unseen<'a> {
    screen: &'a File,
    before: Termios,
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        // There is nobody left to tell where this fails: the terminal is gone.
        let _ = tcsetattr(self.screen, OptionalActions::Now, &self.before);
    }
}

impl Terminal {
    /// Opens the terminal: standard input where that is one, else the terminal that the process belongs to.
    ///
    /// # Errors
    /// [`Advice::NoTerminal`].
    pub fn open() -> Result<Terminal, Failure> {
        let open = || -> io::Result<(File, File)> {
            let both = terminal_of_the_person()?;
            Ok((both.try_clone()?, both))
        };
        let (screen, keyboard) = open().map_err(|_| Failure::from(Advice::NoTerminal))?;
        Ok(Terminal::new(screen, keyboard))
    }

    /// Reads lines from standard input, whatever that is, and shows no questions.
    ///
    /// # Errors
    /// [`Advice::InputUnreadable`].
    pub fn from_standard_input() -> Result<Terminal, Failure> {
        let unreadable = |error: io::Error| {
            Failure::from(Advice::InputUnreadable {
                error: reason(&error),
            })
        };
        let keyboard = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(unreadable)?;
        let screen = OpenOptions::new()
            .write(true)
            .open("/dev/null")
            .map_err(unreadable)?;
        Ok(Terminal::new(screen, keyboard.into()))
    }

    fn new(screen: File, keyboard: File) -> Terminal {
        let (want, wanted) = std::sync::mpsc::channel();
        let (tell, lines) = mpsc::channel(1);
        // A thread of its own: a terminal is read with a call that returns when the person has typed a line, or never.
        std::thread::spawn(move || {
            let mut keyboard = keyboard;
            while wanted.recv().is_ok() {
                if tell.blocking_send(read_line(&mut keyboard)).is_err() {
                    return;
                }
            }
        });
        Terminal {
            screen,
            want,
            lines,
            outstanding: false,
        }
    }

    /// Asks for a line. None where the person ended the input (Ctrl-D).
    ///
    /// # Errors
    /// [`Advice::Stopped`] on Ctrl-C, [`Advice::NoTerminal`] where the terminal went away.
    pub async fn ask(&mut self, question: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let stopped = stop_wished();
        self.begin(question);
        tokio::select! {
            answer = self.answer() => answer,
            () = stopped => {
                self.put("\n");
                Err(Advice::Stopped.into())
            }
        }
    }

    /// Shows a question; [`Terminal::answer`] waits for what is typed. What was typed for a question that was given up
    /// is no answer to this one.
    pub fn begin(&mut self, question: &str) {
        self.put(question);
        if self.outstanding && self.lines.try_recv().is_ok() {
            self.outstanding = false;
        }
        if !self.outstanding {
            let _ = self.want.send(());
            self.outstanding = true;
        }
    }

    /// Waits for the answer to the last question. May be dropped and called again without losing it.
    ///
    /// # Errors
    /// [`Advice::NoTerminal`] where the terminal went away.
    pub async fn answer(&mut self) -> Result<Option<Zeroizing<String>>, Failure> {
        let answer = self.lines.recv().await;
        self.outstanding = false;
        match answer {
            Some(Ok(line)) => Ok(line),
            Some(Err(_)) | None => Err(Advice::NoTerminal.into()),
        }
    }

    /// Asks for a line that is not shown while it is typed.
    ///
    /// # Errors
    /// As [`Terminal::ask`].
    pub async fn ask_unseen(
        &mut self,
        question: &str,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        let gone = |_| Failure::from(Advice::NoTerminal);
        let screen = self.screen.try_clone().map_err(gone)?;
        let before = tcgetattr(&screen).map_err(io::Error::from).map_err(gone)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        unseen.local_modes.insert(LocalModes::ECHONL);
        // What was typed before the question belongs to another one, and is thrown away with the change of mode.
        tcsetattr(&screen, OptionalActions::Flush, &unseen)
            .map_err(io::Error::from)
            .map_err(gone)?;
        let back = Unseen {
            screen: &screen,
            before,
        };
        let answer = self.ask(question).await;
        drop(back);
        answer
    }

    /// Asks until the answer is yes or no. The end of the input is a no.
    ///
    /// # Errors
    /// As [`Terminal::ask`].
    pub async fn ask_yes_or_no(&mut self, question: &str) -> Result<bool, Failure> {
        loop {
            let answer = self.ask(&format!("{question} (yes/no) ")).await?;
            let Some(answer) = answer else {
                self.put("\n");
                return Ok(false);
            };
            match yes_or_no(&answer) {
                Some(yes) => return Ok(yes),
                None => self.put("Please type yes or no. "),
            }
        }
    }

    /// Goes to the other screen until what is given back is dropped.
    pub fn other_screen(&mut self) -> OtherScreen {
        let knows = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let screen = self.screen.try_clone().ok().filter(|_| knows);
        if screen.is_some() {
            self.put("\x1b[?1049h\x1b[2J\x1b[H");
        }
        OtherScreen { screen }
    }

    /// Shows words where the questions are shown. They must be harmless already.
    pub fn put(&mut self, words: &str) {
        // A person who cannot see the question can still answer it.
        drop(
            self.screen
                .write_all(words.as_bytes())
                .and_then(|()| self.screen.flush()),
        );
    }
}

/// Standard input where that is a terminal, else the terminal that the process belongs to; to be read and written.
pub(crate) fn terminal_of_the_person() -> io::Result<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        Ok(File::from(stdin.as_fd().try_clone_to_owned()?))
    } else {
        OpenOptions::new().read(true).write(true).open("/dev/tty")
    }
}

/// What a typed answer means; None where it is neither.
pub fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// One line without its end; None at the end of the input. Bytes that are no UTF-8 are an error.
///
/// # Errors
/// The operating system's; `InvalidData` for what is no text, and for a line without end.
pub fn read_line(from: &mut impl Read) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    let mut byte = Zeroizing::new([0u8; 1]);
    // Byte by byte: what stands after this line is for whoever reads next.
    loop {
        match from.read(&mut byte[..]) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() >= LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            Ok(_) => line.push(byte[0]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let text =
        std::str::from_utf8(&line).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one() {
        let mut from = "first\r\n\nlast".as_bytes();
        let mut next = || read_line(&mut from).unwrap().map(|line| line.to_string());
        assert_eq!(next().as_deref(), Some("first"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
        assert!(read_line(&mut &b"\xff\n"[..]).is_err());
    }
}
