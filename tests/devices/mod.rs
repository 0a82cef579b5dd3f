//! Whole devices for tests: the program itself in processes, homes of their own, real sockets. Nothing here sleeps to wait
//! for something: what is waited for is a line of output or the end of a process, and a wait that is too long fails.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub(crate) mod clocks;
pub(crate) mod half;
pub(crate) mod network;
pub(crate) mod opened;
pub(crate) mod person;
pub(crate) mod relay;
pub(crate) mod running;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use amends_keys::invite::TypedCode;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use running::{Running, Up};

/// The passphrase of every home here.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The command.
    pub(crate) of: String,
    /// Its exit code; -1 where a signal ended it.
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails the test unless it ended well; gives its last line as JSON.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.exit, 0, "{self:#?}");
        self.last()
    }

    /// The last line of standard output as JSON, null where there is none.
    #[track_caller]
    pub(crate) fn last(&self) -> Value {
        let last = self.out.lines().last().unwrap_or("null");
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Exit code and the error's code; fails the test where it ended well.
    #[track_caller]
    pub(crate) fn failure(&self) -> (i32, String) {
        let error = self.err.lines().find_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            Some(value["error"]["code"].as_str()?.to_owned())
        });
        match error {
            Some(code) if self.exit != 0 => (self.exit, code),
            _ => panic!("no failure: {self:#?}"),
        }
    }
}

/// One device of one person: a home, and a file with its passphrase.
#[derive(Debug)]
pub(crate) struct Device {
    base: TempDir,
    home: PathBuf,
    settings: Vec<(String, String)>,
    pub(crate) name: String,
}

impl Device {
    /// A new home, made by `init`.
    pub(crate) fn new(name: &str) -> Device {
        let device = Device::without_home(name);
        device
            .run(&["init", "--name", name, "--argon2-memory", "64"])
            .ok();
        device
    }

    /// A place for a home where there is none yet.
    pub(crate) fn without_home(name: &str) -> Device {
        let base = tempfile::Builder::new()
            .prefix("amends-")
            .tempdir()
            .unwrap();
        let device = Device {
            home: base.path().join("home"),
            base,
            settings: Vec::new(),
            name: name.to_owned(),
        };
        let file = device.passphrase_file();
        fs::write(&file, PASSPHRASE).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        device
    }

    /// The same home once more, as a backup program would copy it while nothing runs.
    pub(crate) fn copy(&self) -> Device {
        let copy = Device::without_home(&self.name);
        copy_home(&self.home(), &copy.home());
        copy
    }

    /// Puts the home of `other` in the place of this one's.
    pub(crate) fn becomes(&self, other: &Device) {
        fs::remove_dir_all(self.home()).unwrap();
        copy_home(&other.home(), &self.home());
    }

    /// Writes the files of the home of `other` over this one's, which stay the files that they are: as a disk that is set back,
    /// or a virtual machine, nothing shows that they are older.
    pub(crate) fn is_set_back_to(&self, other: &Device) {
        for entry in fs::read_dir(other.home()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                // Truncates, and writes into the same file.
                fs::write(self.home().join(entry.file_name()), bytes).unwrap();
            }
        }
    }

    /// Where its home is.
    pub(crate) fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// The same with its home moved to `home`, to another disk for example.
    pub(crate) fn moved_to(mut self, home: &Path) -> Device {
        copy_home(&self.home, home);
        fs::remove_dir_all(&self.home).unwrap();
        self.home = home.to_owned();
        self
    }

    /// What every command finds in its environment from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// What no command finds in its environment any more.
    pub(crate) fn unset(&mut self, name: &str) {
        self.settings.retain(|(known, _)| known != name);
    }

    /// The folder in which its home is.
    pub(crate) fn base(&self) -> &Path {
        self.base.path()
    }

    pub(crate) fn passphrase_file(&self) -> PathBuf {
        self.base.path().join("passphrase")
    }

    /// The program in this home, with nothing of this machine's settings, nobody to ask, and output for scripts.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The program with the passphrase, and output for whoever sits before it.
    pub(crate) fn for_a_person(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command
            .args(arguments)
            .arg("--passphrase-file")
            .arg(self.passphrase_file());
        command
    }

    fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amends"));
        command
            .env_clear()
            .env("HOME", self.base.path())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("AMENDS_HOME", self.home())
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    fn unlocking(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--passphrase-file").arg(self.passphrase_file());
        command
    }

    /// Runs a command with the passphrase, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(self.unlocking(arguments), arguments)
    }

    /// Runs a command without the passphrase.
    pub(crate) fn run_locked(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.arg("--no-input");
        said(command, arguments)
    }

    /// Starts a command with the passphrase; what it says is waited for line by line.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(
            &format!("{}: amends {}", self.name, arguments.join(" ")),
            self.unlocking(arguments),
        )
    }

    /// As [`Device::start`], on another machine's network: a named network namespace.
    pub(crate) fn start_in(&self, network: &str, arguments: &[&str]) -> Running {
        let unlocking = self.unlocking(arguments);
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", network, "env", "-i"])
            .args(unlocking.get_envs().filter_map(|(name, value)| {
                let mut pair = name.to_owned();
                pair.push("=");
                pair.push(value?);
                Some(pair)
            }))
            .arg(unlocking.get_program())
            .args(unlocking.get_args())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Running::new(
            &format!("{}: amends {}", self.name, arguments.join(" ")),
            command,
        )
    }

    /// `up`, listening on a loopback port of its own; it is listening when this returns.
    pub(crate) fn up(&self) -> Up {
        self.up_with(&["--listen", "127.0.0.1:0"])
    }

    /// `up --quiet` with more arguments.
    pub(crate) fn up_with(&self, more: &[&str]) -> Up {
        let mut running = self.start(&[&["up", "--quiet"], more].concat());
        let event = running.until("up");
        Up {
            listen: event["listen"][0].as_str().unwrap().to_owned(),
            running,
        }
    }

    /// All boundaries, as `boundary list` gives them.
    #[track_caller]
    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(&["boundary", "list"])
            .ok()
            .as_array()
            .unwrap()
            .clone()
    }

    /// The one boundary there is.
    #[track_caller]
    pub(crate) fn only(&self) -> Value {
        let list = self.list();
        assert_eq!(list.len(), 1, "{list:#?}");
        list[0].clone()
    }

    /// Proposes a boundary; gives its id.
    #[track_caller]
    pub(crate) fn propose(&self, text: &str) -> String {
        self.run(&["boundary", "propose", text]).ok()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.run(&["status"]).ok()
    }

    /// `sync` with a device that is up at `address`.
    pub(crate) fn sync(&self, address: &str) -> Said {
        self.run(&["sync", "--peer", address, "--listen", "127.0.0.1:0"])
    }
}

/// What both see of an entry must be the same; ids may be shortened differently, `reached` and `held` are each side's own.
pub(crate) fn comparable(list: &[Value]) -> Vec<Value> {
    let mut list: Vec<Value> = list.to_vec();
    for entry in &mut list {
        let entry = entry.as_object_mut().unwrap();
        entry.remove("reached");
        // Each says when it first held it.
        entry.remove("held");
        entry.remove("not_readable_there");
        entry.remove("not_come");
        let agreed = entry["agreed_by"].as_array_mut().unwrap();
        agreed.sort_by_key(ToString::to_string);
    }
    list.sort_by_key(|entry| entry["id"].to_string());
    list
}

/// Fails the test unless both devices show the same.
#[track_caller]
pub(crate) fn assert_equal(a: &Device, b: &Device) {
    let (here, there) = (comparable(&a.list()), comparable(&b.list()));
    assert_eq!(here, there, "{} and {} differ", a.name, b.name);
}

/// Two devices that are a pair.
pub(crate) struct Pair {
    pub(crate) ana: Device,
    pub(crate) bo: Device,
}

impl Pair {
    /// Copies of two homes that were paired by code once in this process: every test has the pair for itself, and none
    /// waits for what another one tests.
    pub(crate) fn new() -> Pair {
        static MADE: OnceLock<Pair> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let pair = Pair::by_code();
            // Else each of them would know that it is a copy, and write under a new key.
            opened::forget_place(&pair.ana);
            opened::forget_place(&pair.bo);
            pair
        });
        made.copy()
    }

    /// The same two homes once more.
    pub(crate) fn copy(&self) -> Pair {
        Pair {
            ana: self.ana.copy(),
            bo: self.bo.copy(),
        }
    }

    /// Two new homes, paired now.
    pub(crate) fn by_code() -> Pair {
        let pair = Pair {
            ana: Device::new("Ana"),
            bo: Device::new("Bo"),
        };
        pair.ana.pair_with(&pair.bo);
        pair
    }

    /// Both meet once, Bo coming to Ana; everything is on both sides then.
    #[track_caller]
    pub(crate) fn meet(&self) -> Value {
        let up = self.ana.up();
        let synced = self.bo.sync(&up.listen).ok();
        assert_eq!(
            (&synced["partner_has_all"], &synced["have_all"]),
            (&Value::Bool(true), &Value::Bool(true)),
            "{synced}"
        );
        up.down();
        synced
    }
}

impl Device {
    /// Shows a code, and whoever else types it.
    pub(crate) fn pair_with(&self, joiner: &Device) {
        let mut host = self.start(&["pair", "--yes", "--listen", "127.0.0.1:0"]);
        let code = Code::of(&host.until("code"));
        let mut joins = joiner.joins(&code.at);
        joins.types(&code.typed);
        host.until("paired");
        joins.until("paired");
        host.ends_well();
        joins.ends_well();
    }

    /// `pair -` by address, which waits for a code to be typed.
    pub(crate) fn joins(&self, at: &str) -> Running {
        self.start(&["pair", "-", "--yes", "--peer", at])
    }
}

/// What the host's `code` event says.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) typed: String,
    pub(crate) paste: String,
    pub(crate) at: String,
}

impl Code {
    #[track_caller]
    pub(crate) fn of(event: &Value) -> Code {
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{event}"))
                .to_owned()
        };
        Code {
            typed: text(&event["code"]),
            paste: text(&event["paste"]),
            at: text(&event["listen"][0]),
        }
    }

    /// Another code with a right check digit.
    pub(crate) fn another(&self) -> String {
        let mut rng = rand_core::UnwrapErr(rand::rngs::SysRng);
        loop {
            let code = TypedCode::generate(&mut rng).shown().to_string();
            if code != self.typed {
                return code;
            }
        }
    }
}

pub(crate) fn copy_home(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // A socket that a killed process left is no file to copy.
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn said(mut command: Command, arguments: &[&str]) -> Said {
    let output = command.output().unwrap();
    Said {
        of: arguments.join(" "),
        exit: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Says loudly, past the test harness, that a test could not be run; fails it where it must be.
pub(crate) fn skipped(test: &str, why: &str) {
    let required = std::env::var("AMENDS_REQUIRE_NETNS").is_ok_and(|value| value == "1");
    assert!(!required, "{test}: {why}, and AMENDS_REQUIRE_NETNS=1");
    loudly(test, why);
}

/// As [`skipped`], for what no machine of ours can be asked to have.
pub(crate) fn loudly(test: &str, why: &str) {
    // println! would be kept back by the harness.
    let _ = writeln!(std::io::stderr(), "!!! SKIPPED: {test}: {why}");
}

/// Writes a file that only this user can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
