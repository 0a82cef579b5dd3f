//! What people would use instead, doing the same in the same run. Where one cannot be had it is left out loudly.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::device::{OTHER, Running};
use crate::figures::{Bound, Samples};
use crate::machine::{bytes_over, cpu, memory};
use crate::{Bench, Told, text};

/// A program with a library of somebody else's, which speaks as `benches/peers/samod/src/main.rs` says.
struct Peer {
    name: &'static str,
    program: Vec<String>,
    /// Whether it keeps what it has in files. What samod writes for ten thousand texts would be most of what is measured.
    keeps: bool,
}

/// Where they are built and installed.
fn beside_the_build() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../peers")
}

/// Builds and installs what can be: while there is a network.
pub(crate) fn prepare() {
    if let Err(error) = build_samod() {
        crate::skipped("samod", &error);
    }
    if let Err(error) = install_automerge_repo() {
        crate::skipped("automerge-repo", &error);
    }
}

/// samod, with a lock file of its own.
fn build_samod() -> Told<()> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/samod/Cargo.toml");
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(beside_the_build())
        .stdin(Stdio::null())
        .status();
    if built.is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err("it cannot be built".to_owned())
    }
}

/// automerge-repo, with a lock file of its own.
fn install_automerge_repo() -> Told<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/automerge-repo");
    let folder = beside_the_build().join("automerge-repo");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json", "peer.mjs"] {
        std::fs::copy(source.join(name), folder.join(name))
            .map_err(|error| format!("{name}: {error}"))?;
    }
    if folder.join("node_modules").exists() {
        return Ok(());
    }
    let installed = Command::new("npm")
        .args([
            "ci",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .status();
    if installed.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    // Half of it is of no use.
    drop(std::fs::remove_dir_all(folder.join("node_modules")));
    Err("it cannot be installed (node and npm)".to_owned())
}

/// The peers that are there.
fn peers() -> Vec<Peer> {
    let (samod, js) = (
        beside_the_build().join("release/samod-peer"),
        beside_the_build().join("automerge-repo"),
    );
    let mut peers = Vec::new();
    if samod.exists() {
        peers.push(Peer {
            name: "samod",
            program: vec![samod.display().to_string()],
            keeps: false,
        });
    }
    if js.join("node_modules").exists() {
        peers.push(Peer {
            name: "automerge-repo",
            program: vec!["node".to_owned(), js.join("peer.mjs").display().to_string()],
            keeps: true,
        });
    }
    peers
}

/// Both sides of a peer, one of which holds so many texts.
struct Sides {
    gives: Running,
    at: String,
    folder: tempfile::TempDir,
    ids: PathBuf,
}

impl Peer {
    /// The folder, as its program is told it.
    fn place(&self, folder: &Path) -> String {
        if self.keeps {
            folder.display().to_string()
        } else {
            "-".to_owned()
        }
    }

    fn command(&self, there: bool, arguments: &[&str]) -> Command {
        let mut words = Vec::new();
        if there {
            words.extend(["ip", "netns", "exec", OTHER].map(str::to_owned));
        }
        words.extend(self.program.iter().cloned());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn gives(&self, bench: &Bench<'_>, texts: u64, characters: usize) -> Told<Sides> {
        let folder = tempfile::tempdir_in(&bench.folder).map_err(|error| error.to_string())?;
        let (here, ids) = (folder.path().join("gives"), folder.path().join("ids"));
        std::fs::create_dir(&here).map_err(|error| error.to_string())?;
        let address = if bench.apart {
            "10.97.0.1:0"
        } else {
            "127.0.0.1:0"
        };
        let command = self.command(false, &["give", address, &self.place(&here)]);
        let mut gives = Running::new(format!("{} give", self.name), command)?;
        let (line, begun) = gives.line()?;
        let at = line
            .trim()
            .strip_prefix("listening ")
            .unwrap_or_default()
            .to_owned();
        gives.types(&format!("make {texts} {characters} {}", ids.display()))?;
        gives.holding(begun, &["made"])?;
        Ok(Sides {
            gives,
            at,
            folder,
            ids,
        })
    }

    fn takes(&self, bench: &Bench<'_>, sides: &Sides) -> Told<Running> {
        let there = sides.folder.path().join("takes");
        std::fs::create_dir(&there).map_err(|error| error.to_string())?;
        let (there, ids) = (self.place(&there), sides.ids.display().to_string());
        let command = self.command(bench.apart, &["take", &sides.at, &there, &ids]);
        Running::new(format!("{} take", self.name), command)
    }

    fn edits(&self, bench: &mut Bench<'_>, characters: usize, row: &'static str) -> Told<()> {
        let mut sides = self.gives(bench, 1, characters)?;
        let begun = Instant::now();
        let mut takes = self.takes(bench, &sides)?;
        takes.holding(begun, &["have 1"])?;
        let pids = [sides.gives.pid(), takes.pid()];
        let mut shown = Samples::default();
        let mut weighs = Samples::default();
        let mut busy = [Samples::default(), Samples::default()];
        for n in 1..=bench.arguments.samples {
            std::thread::sleep(Duration::from_millis(80));
            let (before, wire) = (pids.map(cpu), bytes_over("cable0"));
            let mark = format!("edit {n:05}, and more");
            let at = text::place(characters, n);
            let begun = Instant::now();
            sides.gives.types(&format!("edit {at} {mark}"))?;
            let seen = takes.holding(begun, &[&mark])?;
            shown.took(seen - begun);
            std::thread::sleep(Duration::from_millis(80));
            if let Some((after, before)) = bytes_over("cable0").zip(wire) {
                weighs.add(after - before);
            }
            for ((pid, before), busy) in pids.into_iter().zip(before).zip(&mut busy) {
                busy.add(cpu(pid) - before);
            }
        }
        let (figures, name) = (&mut bench.figures, self.name);
        figures.add(
            row,
            format!("{name}: asked of one, on the other's screen"),
            "ms",
            &shown,
            None,
            Bound::None,
        );
        let [here, there] = &busy;
        figures.add(
            row,
            format!("- {name}: CPU of the one that is asked"),
            "ms",
            here,
            None,
            Bound::None,
        );
        figures.add(
            row,
            format!("- {name}: CPU of the other"),
            "ms",
            there,
            None,
            Bound::None,
        );
        if weighs.len() > 0 {
            figures.add(
                row,
                format!("- {name}: on the wire, both ways"),
                "B",
                &weighs,
                None,
                Bound::None,
            );
        }
        Ok(())
    }

    fn catches_up(&self, bench: &mut Bench<'_>, texts: u64) -> Told<()> {
        const ROW: &str = "catching up";
        let sides = self.gives(bench, texts, crate::grow::CHARACTERS)?;
        let wire = bytes_over("cable0");
        let begun = Instant::now();
        let mut takes = self.takes(bench, &sides)?;
        let seen = takes.holding(begun, &[&format!("have {texts}")])?;
        std::thread::sleep(Duration::from_millis(80));
        let wire = bytes_over("cable0")
            .zip(wire)
            .map(|(after, before)| after - before);
        let one = |value: f64| Samples::of([value]);
        let (figures, name) = (&mut bench.figures, self.name);
        let took = one((seen - begun).as_secs_f64() * 1000.0);
        figures.add(
            ROW,
            format!("{name}: {texts} texts from nothing, from its start"),
            "ms",
            &took,
            None,
            Bound::None,
        );
        for (what, running) in [("that takes", &takes), ("that gives", &sides.gives)] {
            let peak = memory(running.pid(), "VmHWM").unwrap_or_default() / 1e3 * 1.024;
            figures.add(
                ROW,
                format!("- {name}: peak memory of the one {what}"),
                "MB",
                &one(peak),
                None,
                Bound::None,
            );
        }
        if let Some(wire) = wire {
            figures.add(
                ROW,
                format!("- {name}: on the wire, both ways"),
                "kB",
                &one(wire / 1e3),
                None,
                Bound::None,
            );
        }
        Ok(())
    }
}

/// Every peer that can be had, with a journal of so many entries beside it.
pub(crate) fn all(bench: &mut Bench<'_>, entries: u64) {
    for peer in peers() {
        let measured = peer
            .edits(bench, 3_000, "edit, 3,000")
            .and_then(|()| peer.edits(bench, 100_000, "edit, 100,000"))
            .and_then(|()| peer.catches_up(bench, entries));
        if let Err(error) = measured {
            crate::skipped(peer.name, &error);
        }
    }
}
