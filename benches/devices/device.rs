//! A device: a home of its own, and the released program started in it as people and scripts start it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use amends::request::Request;
use serde_json::Value;

use crate::Told;

/// The passphrase of every home here.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// The other device's network, where there is one.
pub(crate) const OTHER: &str = "bo";

/// A person's device.
pub(crate) struct Device {
    pub(crate) name: &'static str,
    base: PathBuf,
    /// The network namespace that its processes stand in, where it is not this one.
    network: Option<&'static str>,
    /// Where it listens, without the port.
    pub(crate) address: &'static str,
}

impl Device {
    /// A new home in `folder`, made by `init`. Trying its passphrase costs next to nothing, as no real home's does.
    pub(crate) fn new(folder: &Path, name: &'static str, apart: bool) -> Told<Device> {
        let there = name == "Bo" && apart;
        let device = Device {
            name,
            base: folder.join(name),
            network: there.then_some(OTHER),
            address: match (apart, there) {
                (false, _) => "127.0.0.1",
                (true, false) => "10.97.0.1",
                (true, true) => "10.97.0.2",
            },
        };
        let made = std::fs::create_dir_all(&device.base)
            .and_then(|()| std::fs::write(device.passphrase(), PASSPHRASE))
            .and_then(|()| {
                let private = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(device.passphrase(), private)
            });
        made.map_err(|error| format!("{}: {error}", device.base.display()))?;
        device.run(&["init", "--name", name, "--argon2-memory", "64"])?;
        Ok(device)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.base.join("home")
    }

    pub(crate) fn passphrase(&self) -> PathBuf {
        self.base.join("passphrase")
    }

    /// The program in this home, with nothing of this machine's settings and nobody to ask.
    fn command(&self, arguments: &[&str], unlocks: bool) -> Command {
        let program = env!("CARGO_BIN_EXE_amends");
        let home = self.home();
        let mut command = match self.network {
            None => Command::new(program),
            Some(network) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", network, program]);
                command
            }
        };
        command
            .env_clear()
            .env("HOME", &self.base)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("AMENDS_HOME", home)
            .args(["--json", "--no-input"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if unlocks {
            command.arg("--passphrase-file").arg(self.passphrase());
        }
        command
    }

    /// Runs a command with the passphrase to its end; gives what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Told<String> {
        run(self.command(arguments, true))
    }

    /// Runs a command without the passphrase to its end; gives what it printed and for how long it ran, from before it was
    /// started until its last byte was read and it was gone.
    pub(crate) fn timed(&self, arguments: &[&str]) -> Told<(String, Duration)> {
        let command = self.command(arguments, false);
        let begun = Instant::now();
        let printed = run(command)?;
        Ok((printed, begun.elapsed()))
    }

    /// The same with the passphrase.
    pub(crate) fn timed_unlocking(&self, arguments: &[&str]) -> Told<(String, Duration)> {
        let command = self.command(arguments, true);
        let begun = Instant::now();
        let printed = run(command)?;
        Ok((printed, begun.elapsed()))
    }

    /// Starts a command with the passphrase; what it says is waited for line by line.
    pub(crate) fn start(&self, arguments: &[&str]) -> Told<Running> {
        Running::new(
            format!("{}: amends {}", self.name, arguments.join(" ")),
            self.command(arguments, true),
        )
    }

    /// `up`, listening; it is, when this returns. With `peer` it dials there.
    pub(crate) fn up(&self, peer: Option<&str>) -> Told<Up> {
        let listen = format!("{}:0", self.address);
        let mut arguments = vec!["up", "--quiet", "--listen", &listen];
        if let Some(peer) = peer {
            arguments.extend(["--peer", peer]);
        }
        let mut running = self.start(&arguments)?;
        let (event, _) = running.event("up", |_| true)?;
        let listen = event["listen"][0].as_str().unwrap_or_default().to_owned();
        Ok(Up { running, listen })
    }

    /// Asks the process that holds this home, as a page or a command that is started already does.
    pub(crate) fn ask(&self, request: &Request) -> Told<Asked> {
        let failed = |error: std::io::Error| format!("{}'s local socket: {error}", self.name);
        let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        line.push(b'\n');
        let begun = Instant::now();
        let mut stream = UnixStream::connect(self.home().join("socket")).map_err(failed)?;
        stream.write_all(&line).map_err(failed)?;
        let mut lines = BufReader::with_capacity(1 << 18, stream);
        let mut told = String::new();
        // The greeting, then what happens, then the end.
        loop {
            told.clear();
            if lines.read_line(&mut told).map_err(failed)? == 0 {
                return Err(format!("{}'s holder closed.", self.name));
            }
            if told.starts_with("{\"end\"") {
                break;
            }
        }
        let took = begun.elapsed();
        let value: Value = serde_json::from_str(&told).map_err(|error| error.to_string())?;
        let end = value["end"].clone();
        if end["response"] == "failed" {
            return Err(format!("{}: {end}", self.name));
        }
        Ok(Asked {
            value: end["value"].clone(),
            begun,
            took,
        })
    }
}

/// What was asked of a holder.
pub(crate) struct Asked {
    /// What it answered.
    pub(crate) value: Value,
    /// Before the local socket was connected to.
    pub(crate) begun: Instant,
    /// From then until the answer was read.
    pub(crate) took: Duration,
}

/// Two devices that are a pair.
pub(crate) struct Pair {
    pub(crate) ana: Device,
    pub(crate) bo: Device,
    _folder: tempfile::TempDir,
}

/// How a pairing went.
pub(crate) struct Paired {
    /// From the code being typed until both said that they are a pair.
    pub(crate) took: Duration,
}

impl Pair {
    /// Two new homes below `folder`, not paired yet.
    pub(crate) fn apart(folder: &Path, apart: bool) -> Told<Pair> {
        let folder = tempfile::Builder::new()
            .prefix("pair-")
            .tempdir_in(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Pair {
            ana: Device::new(folder.path(), "Ana", apart)?,
            bo: Device::new(folder.path(), "Bo", apart)?,
            _folder: folder,
        })
    }

    /// Two new homes, paired.
    pub(crate) fn new(folder: &Path, apart: bool) -> Told<Pair> {
        let pair = Pair::apart(folder, apart)?;
        pair.pairs(false)?;
        Ok(pair)
    }

    /// Ana shows a code, Bo types it. `finding`: Bo is not told where to look.
    pub(crate) fn pairs(&self, finding: bool) -> Told<Paired> {
        let listen = format!("{}:0", self.ana.address);
        let mut hosts = self.ana.start(&["pair", "--yes", "--listen", &listen])?;
        let (code, _) = hosts.event("code", |_| true)?;
        let place = code["listen"][0].as_str().unwrap_or_default();
        let mut arguments = vec!["pair", "-", "--yes"];
        if !finding {
            arguments.extend(["--peer", place]);
        }
        let mut joins = self.bo.start(&arguments)?;
        joins.settles();
        hosts.settles();
        let entered = Instant::now();
        joins.types(code["code"].as_str().unwrap_or_default())?;
        let (_, here) = hosts.event("paired", |_| true)?;
        let (_, there) = joins.event("paired", |_| true)?;
        hosts.ended_well()?;
        joins.ended_well()?;
        Ok(Paired {
            took: here.max(there) - entered,
        })
    }

    /// Both `up`, in a session with each other.
    pub(crate) fn up(&self) -> Told<(Up, Up)> {
        let mut ana = self.ana.up(None)?;
        let mut bo = self.bo.up(Some(&ana.listen))?;
        ana.running.event("met", |_| true)?;
        bo.running.event("met", |_| true)?;
        Ok((ana, bo))
    }
}

fn run(mut command: Command) -> Told<String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    } else {
        Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// A command that runs, with when each line of it was read. It does not outlive this.
pub(crate) struct Running {
    what: String,
    child: Child,
    lines: Receiver<(String, Instant)>,
}

impl Running {
    /// Starts it. Its standard output and error are pipes.
    pub(crate) fn new(what: String, mut command: Command) -> Told<Running> {
        let failed = |error: std::io::Error| format!("{what}: {error}");
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
        let (say, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut lines = BufReader::with_capacity(1 << 18, stdout);
                loop {
                    let mut line = String::new();
                    match lines.read_line(&mut line) {
                        Ok(1..) if say.send((line, Instant::now())).is_ok() => {}
                        _ => return,
                    }
                }
            });
        }
        Ok(Running { what, child, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says, which must come.
    pub(crate) fn line(&mut self) -> Told<(String, Instant)> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(format!("{} says nothing.", self.what)),
            Err(RecvTimeoutError::Disconnected) => Err(self.complaint("ended")),
        }
    }

    /// The first line since then that holds all of `marks`, with when it was read. The line is not taken apart: that takes time.
    pub(crate) fn holding(&mut self, since: Instant, marks: &[&str]) -> Told<Instant> {
        loop {
            let (line, at) = self.line()?;
            if at >= since && marks.iter().all(|mark| line.contains(mark)) {
                return Ok(at);
            }
        }
    }

    /// The next event of this name that `fits`.
    pub(crate) fn event(
        &mut self,
        name: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Told<(Value, Instant)> {
        loop {
            let (line, at) = self.line()?;
            let value: Value = serde_json::from_str(&line)
                .map_err(|_| format!("{} said no JSON, but: {line}", self.what))?;
            if value["event"] == name && fits(&value) {
                return Ok((value, at));
            }
        }
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has done nothing for a while: it waits for something itself.
    pub(crate) fn settles(&self) {
        let mut before = f64::NAN;
        loop {
            let now = crate::machine::cpu(self.pid());
            #[expect(clippy::float_cmp, reason = "a counter that stands still")]
            if now == before {
                return;
            }
            before = now;
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) -> Told<()> {
        let stdin = self.child.stdin.as_mut().ok_or("nobody reads")?;
        writeln!(stdin, "{line}").map_err(|error| format!("{}: {error}", self.what))
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn ended_well(&mut self) -> Told<()> {
        drop(self.child.stdin.take());
        while self.lines.recv().is_ok() {}
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.complaint(&format!("ended with {status}"))),
            Err(error) => Err(format!("{}: {error}", self.what)),
        }
    }

    /// How it went wrong: `how`, and what it complained of.
    fn complaint(&mut self, how: &str) -> String {
        let mut complaint = format!("{} {how}: ", self.what);
        if let Some(mut stderr) = self.child.stderr.take() {
            // It only explains.
            drop(stderr.read_to_string(&mut complaint));
        }
        complaint
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, where all went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An `up` that is up.
pub(crate) struct Up {
    pub(crate) running: Running,
    /// Where it listens.
    pub(crate) listen: String,
}

impl Up {
    /// Stops it, as Ctrl-C does, and waits until it is gone.
    pub(crate) fn down(mut self) -> Told<()> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = Pid::from_child(&self.running.child);
        kill_process(pid, Signal::INT).map_err(|error| error.to_string())?;
        self.running.ended_well()
    }
}
