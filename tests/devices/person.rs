//! Somebody who sits before the program.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Long enough for a slow machine, and only waited for by a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person at a terminal, with the program in front of them.
pub(crate) struct Person {
    child: Child,
    keyboard: File,
    shown: Receiver<Vec<u8>>,
    seen: String,
    /// How much of what was seen was looked for already.
    read: usize,
}

impl Person {
    /// Starts `command` on a terminal of its own.
    pub(crate) fn at(command: &mut Command) -> Person {
        Person::at_kind(command, "xterm", (0, 0))
    }

    /// Starts `command` on a terminal that says it is a `term`, of so many columns and rows.
    pub(crate) fn at_kind(command: &mut Command, term: &str, size: (u16, u16)) -> Person {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = rustix::termios::Winsize {
            ws_col: size.0,
            ws_row: size.1,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let screen = || File::options().read(true).write(true).open(&name).unwrap();
        let child = command
            .stdin(screen())
            .stdout(screen())
            .stderr(screen())
            .env("TERM", term)
            .spawn()
            .unwrap();
        // The command holds the program's end of the terminal open until it is given something else.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let keyboard = File::from(master);
        let mut eyes = keyboard.try_clone().unwrap();
        let (tell, shown) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux the end of a terminal is an error.
            while let Ok(n @ 1..) = eyes.read(&mut buffer) {
                if tell.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Person {
            child,
            keyboard,
            shown,
            seen: String::new(),
            read: 0,
        }
    }

    /// Waits until `words` are shown, after those waited for before.
    pub(crate) fn sees(&mut self, words: &str) -> &mut Person {
        loop {
            if let Some(at) = self.seen[self.read..].find(words) {
                self.read += at + words.len();
                return self;
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.push_str(&String::from_utf8_lossy(&more)),
                Err(RecvTimeoutError::Timeout) => panic!("{words:?} never came: {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{words:?} did not come: {:?}", self.seen)
                }
            }
        }
    }

    /// Everything that was shown, up to the words waited for last.
    pub(crate) fn seen(&self) -> &str {
        &self.seen[..self.read]
    }

    /// Types a line, Enter included.
    pub(crate) fn types(&mut self, line: &str) -> &mut Person {
        self.keyboard
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        self
    }

    /// Presses keys, as the bytes that a terminal sends for them.
    pub(crate) fn presses(&mut self, keys: impl AsRef<[u8]>) -> &mut Person {
        self.keyboard.write_all(keys.as_ref()).unwrap();
        self
    }

    /// The process at the terminal.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Sends the program what Ctrl-C sends it.
    pub(crate) fn interrupts(&mut self) -> &mut Person {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self
    }

    /// Whether what is typed now would be shown.
    pub(crate) fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&self.keyboard)
            .unwrap()
            .local_modes
            .contains(rustix::termios::LocalModes::ECHO)
    }

    /// Waits for the end: the exit code, and everything that was shown.
    pub(crate) fn leaves(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        // The program's end of the terminal is closed now, so that this ends.
        while let Ok(more) = self.shown.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        (code, self.seen)
    }
}
