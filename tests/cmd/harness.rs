//! The program in a home of its own, and a terminal to type at.

use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

#[path = "../devices/person.rs"]
mod person;

pub(crate) use person::Person;

/// The passphrase of every home here.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The last line of standard output as one JSON value.
    pub(crate) fn json_last(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The code of the error on standard error, which must have the shape that scripts rely on.
    pub(crate) fn error(&self) -> String {
        let value: Value =
            serde_json::from_str(&self.err).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        let error = value["error"]
            .as_object()
            .unwrap_or_else(|| panic!("{self:?}"));
        let mut fields: Vec<&str> = error.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["code", "hint", "message"], "{self:?}");
        assert!(self.out.is_empty() || self.out.ends_with('\n'), "{self:?}");
        error["code"].as_str().unwrap().to_owned()
    }

    /// Fails the test unless it ended well.
    pub(crate) fn ok(self) -> Said {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with this exit code and, in JSON, this code of the error.
    pub(crate) fn fails(&self, exit: i32, code: &str) {
        assert_eq!((self.code, self.error().as_str()), (exit, code), "{self:?}");
    }
}

/// A folder for one test: a place for a home, and a file with its passphrase.
pub(crate) struct Place {
    base: TempDir,
}

impl Place {
    /// A place with nothing at [`Place::home`].
    pub(crate) fn empty() -> Place {
        let base = tempfile::tempdir().unwrap();
        let place = Place { base };
        place.file("passphrase", PASSPHRASE);
        place
    }

    /// A place with a fresh home of Ana's.
    pub(crate) fn with_home() -> Place {
        static MADE: OnceLock<Place> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let place = Place::empty();
            place
                .open(&["init", "--name", "Ana", "--argon2-memory", "64"])
                .ok();
            place
        });
        made.copy()
    }

    /// A place with a home of Ana's that was paired with Bo's, which is nowhere any more.
    pub(crate) fn with_pair() -> Place {
        static MADE: OnceLock<Place> = OnceLock::new();
        MADE.get_or_init(|| a_pair().0).copy()
    }

    /// A copy: a passphrase costs what it should, and once is enough.
    pub(crate) fn copy(&self) -> Place {
        let place = Place::empty();
        fs::create_dir(place.home()).unwrap();
        set_mode(&place.home(), 0o700);
        for entry in fs::read_dir(self.home()).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, place.home().join(from.file_name().unwrap())).unwrap();
        }
        place
    }

    /// Where the home is.
    pub(crate) fn home(&self) -> PathBuf {
        self.base.path().join("home")
    }

    /// The folder around the home.
    pub(crate) fn path(&self) -> &Path {
        self.base.path()
    }

    /// Writes a file beside the home that only this user can read.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.base.path().join(name);
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// The program with the home named, and nothing of this machine's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amends"));
        command
            .env_clear()
            .env("HOME", self.base.path())
            .env("PATH", "/usr/bin:/bin")
            .env("AMENDS_HOME", self.home());
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command that may ask nobody.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(
            &mut self.command(&[arguments, &["--no-input"]].concat()),
            b"",
        )
    }

    /// Runs a command with the passphrase.
    pub(crate) fn open(&self, arguments: &[&str]) -> Said {
        self.open_with(arguments, b"")
    }

    /// Runs a command with the passphrase, and `input` on standard input.
    pub(crate) fn open_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let file = self.base.path().join("passphrase");
        let mut command = self.command(&[arguments, &["--no-input"]].concat());
        said(command.arg("--passphrase-file").arg(file), input)
    }

    /// Everything beside and in the home, with its content, to be compared later.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        fn walk(dir: &Path, all: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    all.push((path.clone(), None));
                    walk(&path, all);
                } else {
                    all.push((path.clone(), fs::read(&path).ok()));
                }
            }
        }
        let mut all = Vec::new();
        walk(self.base.path(), &mut all);
        all.sort();
        all
    }
}

/// A command of which every line is waited for, and that goes when the test does.
pub(crate) struct Stream {
    child: Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Stream {
    /// Starts a command with the passphrase, on the loopback interface alone.
    pub(crate) fn of(place: &Place, arguments: &[&str]) -> Stream {
        let mut command = place.command(arguments);
        command
            .arg("--json")
            .arg("--passphrase-file")
            .arg(place.path().join("passphrase"));
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        Stream { child, lines }
    }

    /// Gives it a line on standard input.
    pub(crate) fn is_told(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for the next event of this name, over others.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        let mut passed = Vec::new();
        for line in self.lines.by_ref() {
            let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if value["event"] == event {
                return value;
            }
            passed.push(value);
        }
        panic!("no {event} came, but {passed:?}");
    }

    /// Waits for its next line.
    pub(crate) fn line(&mut self) -> Value {
        let line = self.lines.next().expect("another line").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Its process, to be sent signals.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Kills it as a power cut would.
    pub(crate) fn loses_power(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: the exit code, and the last object that it printed.
    pub(crate) fn ends(mut self) -> (Option<i32>, Value) {
        let mut last = Value::Null;
        for line in self.lines.by_ref() {
            last = serde_json::from_str(&line.unwrap()).unwrap();
        }
        (self.child.wait().unwrap().code(), last)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Gone already, where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An `up` that is up, and where it listens.
pub(crate) fn up(place: &Place) -> (Stream, String) {
    let mut up = Stream::of(place, &["up", "--quiet", "--listen", "127.0.0.1:0"]);
    let event = up.until("up");
    let listen = event["listen"][0].as_str().unwrap().to_owned();
    (up, listen)
}

/// Ana's home and Bo's, paired with each other over the loopback interface.
pub(crate) fn a_pair() -> (Place, Place) {
    let (ana, bo) = (Place::with_home(), Place::empty());
    bo.open(&["init", "--name", "Bo", "--argon2-memory", "64"])
        .ok();
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = host.until("code");
    let at = code["listen"][0].as_str().unwrap();
    let mut joiner = Stream::of(&bo, &["pair", "-", "--yes", "--peer", at]);
    joiner.is_told(code["code"].as_str().unwrap());
    assert_eq!(host.until("paired")["partner"], "Bo");
    assert_eq!(joiner.until("paired")["partner"], "Ana");
    assert_eq!(host.ends().0, Some(0));
    assert_eq!(joiner.ends().0, Some(0));
    (ana, bo)
}

/// The two devices meet once: what `sync` said of it.
pub(crate) fn meet(ana: &Place, bo: &Place) -> Value {
    let (up, at) = up(ana);
    let met = bo.open(&["sync", "--peer", &at, "--json"]).ok();
    ana.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
    serde_json::from_str(met.out.lines().last().unwrap()).unwrap()
}

/// Runs a command that reads nothing.
pub(crate) fn said_with(command: &mut Command) -> Said {
    said(command, b"")
}

fn said(command: &mut Command, input: &[u8]) -> Said {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    let writing = child.stdin.take().map(|mut to| {
        let input = input.to_owned();
        // A command that does not want all of it may go before it is written.
        std::thread::spawn(move || drop(to.write_all(&input)))
    });
    let output = child.wait_with_output().unwrap();
    if let Some(writing) = writing {
        writing.join().unwrap();
    }
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Sets the nine permission bits.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The nine permission bits.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
