//! A command that runs, and what it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longer than anything here takes; a test that waits so long has failed. `AMENDS_PATIENCE` says how many seconds instead, where a
/// long run gets only what other work leaves of a machine.
pub(crate) fn patience() -> Duration {
    let asked = std::env::var("AMENDS_PATIENCE").ok();
    Duration::from_secs(asked.map_or(60, |seconds| seconds.parse().unwrap()))
}

/// A command of which every line is waited for. It is killed when the test is over.
#[derive(Debug)]
pub(crate) struct Running {
    what: String,
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    complaints: Arc<Mutex<String>>,
    complaining: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(what: &str, mut command: Command) -> Running {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(value).is_err() {
                    break;
                }
            }
        });
        let complaints = Arc::new(Mutex::new(String::new()));
        let (mut err, kept) = (child.stderr.take().unwrap(), complaints.clone());
        let complaining = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut buffer) {
                kept.lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Running {
            what: what.to_owned(),
            child,
            lines,
            seen: Vec::new(),
            complaints,
            complaining: Some(complaining),
        }
    }

    /// Waits for the next event of this name, over others.
    #[track_caller]
    pub(crate) fn until(&mut self, event: &str) -> Value {
        self.until_such(event, |value| value["event"] == event)
    }

    /// Waits for the next line that `wanted` takes, over others; `what` names it where it does not come.
    #[track_caller]
    pub(crate) fn until_such(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.next_such(what, wanted).unwrap_or_else(|| {
            let _ = self.child.wait();
            panic!("it ended before {what:?} came. {}", self.story())
        })
    }

    /// Waits for the next event of this name; false where it ends before that comes.
    #[track_caller]
    pub(crate) fn comes_to(&mut self, event: &str) -> bool {
        self.next_such(event, |value| value["event"] == event)
            .is_some()
    }

    /// Waits for the next line that `wanted` takes, over others; none where it ends before that comes.
    #[track_caller]
    fn next_such(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let deadline = Instant::now() + patience();
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(value) => {
                    self.seen.push(value.clone());
                    if wanted(&value) {
                        return Some(value);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{what:?} did not come in time. {}", self.story())
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn story(&self) -> String {
        let seen: Vec<String> = self.seen.iter().map(ToString::to_string).collect();
        format!(
            "{}\n{}\n{}",
            self.what,
            seen.join("\n"),
            self.complaints.lock().unwrap()
        )
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        // Where it has gone, what it said is what the test fails with.
        let _ = writeln!(self.child.stdin.as_mut().unwrap(), "{line}");
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it where it is, as a machine that falls asleep does.
    pub(crate) fn sleeps(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// Lets it go on.
    pub(crate) fn wakes(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Everything that it has said so far.
    pub(crate) fn seen(&self) -> &[Value] {
        &self.seen
    }

    /// Waits for its end: the exit code, and the code of its error where there is one.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ended {
        let deadline = Instant::now() + patience();
        // Its standard input ends too: nobody types anything more.
        drop(self.child.stdin.take());
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(value) => self.seen.push(value),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end. {}", self.story()),
            }
        }
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        self.complaining.take().unwrap().join().unwrap();
        Ended {
            exit,
            seen: std::mem::take(&mut self.seen),
            err: self.complaints.lock().unwrap().clone(),
            what: self.what.clone(),
        }
    }

    #[track_caller]
    pub(crate) fn ends_well(self) {
        let ended = self.ends();
        assert_eq!(ended.exit, 0, "{ended:#?}");
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    what: String,
    pub(crate) exit: i32,
    pub(crate) seen: Vec<Value>,
    pub(crate) err: String,
}

impl Ended {
    /// The last `failed` event: its code and message.
    #[track_caller]
    pub(crate) fn failed(&self) -> (&str, &str) {
        let event = self
            .seen
            .iter()
            .rev()
            .find(|event| event["event"] == "failed");
        let event = event.unwrap_or_else(|| panic!("no failed event: {self:#?}"));
        (
            event["code"].as_str().unwrap(),
            event["message"].as_str().unwrap(),
        )
    }

    /// The code of the error that it ended with.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let value = self
            .err
            .lines()
            .find_map(|line| serde_json::from_str::<Value>(line).ok());
        let value = value.unwrap_or_else(|| panic!("no error: {self:#?}"));
        value["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{self:#?}"))
            .to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An `up` that is up.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) running: Running,
    /// Where it listens.
    pub(crate) listen: String,
}

impl Up {
    /// Stops it as Ctrl-C does, and waits until it is gone.
    #[track_caller]
    pub(crate) fn down(self) {
        self.running.interrupt();
        self.running.ends_well();
    }
}
