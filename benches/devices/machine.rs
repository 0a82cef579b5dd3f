//! What it was measured on.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// The machine, as far as it counts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    /// When (UTC).
    pub(crate) at: String,
    /// The load when it began (one minute).
    pub(crate) load: f64,
    /// Whether the two devices stood in networks of their own.
    pub(crate) namespaces: bool,
}

impl Machine {
    pub(crate) fn here(namespaces: bool) -> Machine {
        let cpu = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                Some(
                    line.strip_prefix("model name")?
                        .split_once(':')?
                        .1
                        .trim()
                        .to_owned(),
                )
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        Machine {
            cpu,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: said("rustc", &["--version"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
            at: said("date", &["-u", "+%Y-%m-%dT%H:%MZ"]),
            load: load(),
            namespaces,
        }
    }

    pub(crate) fn told(&self) -> String {
        format!(
            "{}, {} cores, Linux {}, {}, commit {}, {}, load {:.1} at the start, {}",
            self.cpu,
            self.cores,
            self.kernel,
            self.rustc,
            self.commit,
            self.at,
            self.load,
            if self.namespaces {
                "two network namespaces"
            } else {
                "loopback"
            }
        )
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn said(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// How many processes wanted a core, on average over the last minute.
pub(crate) fn load() -> f64 {
    read("/proc/loadavg")
        .split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .unwrap_or_default()
}

/// The name of the file system that holds a path.
pub(crate) fn file_system(path: &Path) -> String {
    let mut found = (0, "unknown".to_owned());
    for line in read("/proc/self/mounts").lines() {
        let mut words = line.split(' ').skip(1);
        if let (Some(at), Some(kind)) = (words.next(), words.next())
            && path.starts_with(at)
            && at.len() >= found.0
        {
            found = (at.len(), kind.to_owned());
        }
    }
    found.1
}

/// A field of `/proc/PID/status` in KiB.
pub(crate) fn memory(pid: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().split(' ').next()?.parse().ok()
}

/// For how long the threads of a process that still run have run, in milliseconds: what the scheduler counts, to the nanosecond.
pub(crate) fn cpu(pid: u32) -> f64 {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0.0;
    };
    let ran = |task: std::fs::DirEntry| -> Option<f64> {
        let told = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse().ok()
    };
    tasks.flatten().filter_map(ran).sum::<f64>() / 1e6
}

/// For how long the processes that this one waited for have run, in milliseconds.
pub(crate) fn cpu_of_children() -> f64 {
    let stat = read("/proc/self/stat");
    // After the name, which may hold anything, comes the third field.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = |n: usize| -> f64 {
        after
            .split_whitespace()
            .nth(n - 3)
            .and_then(|field| field.parse().ok())
            .unwrap_or_default()
    };
    // cutime and cstime; a tick is 10 ms on every Linux that this runs on (USER_HZ).
    (ticks(16) + ticks(17)) * 10.0
}

/// Bytes that went over a network interface of this namespace, both ways, its own headers included.
pub(crate) fn bytes_over(interface: &str) -> Option<f64> {
    let told = read("/proc/self/net/dev");
    let line = told
        .lines()
        .find_map(|line| line.trim().strip_prefix(interface)?.strip_prefix(':'))?;
    let fields: Vec<f64> = line
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    Some(fields.first()? + fields.get(8)?)
}
