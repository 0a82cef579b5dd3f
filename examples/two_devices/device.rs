//! One of the two devices: a home of its own, and the whole program started in it, a process for each command.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The first argument with which this example is one device's program instead of the teller of the story.
pub(crate) const AS_DEVICE: &str = "--device";
/// How long anything may take before the story ends with what it waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What went wrong, as one sentence.
pub(crate) type Told<T> = Result<T, String>;

/// Lets this process, one of a device's, end when the one that tells the story does, however that ends.
pub(crate) fn end_with_the_story() {
    // Where this is refused, or elsewhere, Ctrl-C still reaches both, since they belong to one terminal.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
}

/// A person's device.
pub(crate) struct Device {
    /// What the story calls its person.
    pub(crate) person: &'static str,
    home: PathBuf,
    passphrase: PathBuf,
}

impl Device {
    /// A device of `person` in `folder`, with a passphrase in a file that nobody else may read. Its home is not made yet.
    pub(crate) fn new(folder: &Path, person: &'static str) -> Told<Self> {
        let (home, passphrase) = (
            folder.join(person),
            folder.join(format!("{person}.passphrase")),
        );
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        options
            .open(&passphrase)
            .and_then(|mut file| writeln!(file, "a passphrase that only {person} knows"))
            .map_err(|error| format!("{} could not be written: {error}.", passphrase.display()))?;
        Ok(Self {
            person,
            home,
            passphrase,
        })
    }

    /// Where everything of this device lies.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Runs one command to its end and gives what it printed for people.
    pub(crate) fn run(&self, arguments: &[&str]) -> Told<String> {
        let mut running = self.start(arguments, None)?;
        let mut printed = Vec::new();
        while let Some((line, _)) = running.line()? {
            printed.push(line);
        }
        running.ended_well()?;
        Ok(printed.join("\n"))
    }

    /// Runs one command to its end with `--json` and gives the last value that it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Told<Value> {
        let printed = self.run(&[&["--json"], arguments].concat())?;
        let last = printed.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .map_err(|_| format!("{} printed no JSON, but: {last}", self.command(arguments)))
    }

    /// Starts a command that goes on by itself, with `--json`: it prints one object a line. `typed` is its standard input.
    pub(crate) fn start_json(&self, arguments: &[&str], typed: Option<&str>) -> Told<Running> {
        self.start(&[&["--json"], arguments].concat(), typed)
    }

    fn start(&self, arguments: &[&str], typed: Option<&str>) -> Told<Running> {
        let what = self.command(arguments);
        let failed = |error: std::io::Error| format!("{what} could not be started: {error}.");
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .arg(AS_DEVICE)
            .arg("--home")
            .arg(&self.home)
            .arg("--passphrase-file")
            .arg(&self.passphrase)
            .arg("--no-input")
            .args(arguments)
            .env_remove("AMENDS_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // Dropped at once, so that a command that reads more finds the end and not a wait.
        if let (Some(mut stdin), Some(typed)) = (child.stdin.take(), typed) {
            writeln!(stdin, "{typed}").map_err(failed)?;
        }
        let (say, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if say.send((line, Instant::now())).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Running { what, child, lines })
    }

    fn command(&self, arguments: &[&str]) -> String {
        format!("{}'s “amends {}”", self.person, arguments.join(" "))
    }
}

/// A command that runs. It does not outlive the story.
pub(crate) struct Running {
    what: String,
    child: Child,
    lines: Receiver<(String, Instant)>,
}

impl Running {
    /// The next line that it prints, with the moment at which it came; `None` once there will be no more.
    fn line(&mut self) -> Told<Option<(String, Instant)>> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "{} said nothing for {} s.",
                self.what,
                PATIENCE.as_secs()
            )),
        }
    }

    /// Waits for the next event of this name that `fits`; gives it, with the moment at which it was on the screen.
    pub(crate) fn event(
        &mut self,
        name: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Told<(Value, Instant)> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let Some((line, at)) = self.line()? else {
                self.ended_well()?;
                return Err(format!("{} ended before it said “{name}”.", self.what));
            };
            let value: Value = serde_json::from_str(&line)
                .map_err(|_| format!("{} printed no JSON, but: {line}", self.what))?;
            if value["event"] == name && fits(&value) {
                return Ok((value, at));
            }
        }
        Err(format!(
            "{} did not say “{name}” within {} s.",
            self.what,
            PATIENCE.as_secs()
        ))
    }

    /// Whether it goes on.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn ended_well(&mut self) -> Told<()> {
        while self.line()?.is_some() {}
        let status = self
            .child
            .wait()
            .map_err(|error| format!("{}: {error}.", self.what))?;
        if status.success() {
            return Ok(());
        }
        let mut complaint = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            // What it complained of only explains the failure; it fails with or without it.
            drop(std::io::Read::read_to_string(&mut stderr, &mut complaint));
        }
        Err(format!(
            "{} ended with {status}: {}",
            self.what,
            complaint.trim()
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
