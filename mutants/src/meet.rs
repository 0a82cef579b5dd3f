//! Meets each mutant with the tests that reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Mutant;

/// A test, and how long it takes with all mutants asleep.
struct Test<'a> {
    binary: &'a str,
    name: String,
    takes: Duration,
}

/// Runs the test binaries (each `BINARY` or `BINARY=FOLDER` to run it in) and writes a line for each mutant into the results: `caught`, `timeout`, `survived` or
/// `unplanted`, and its name. What is in the results already is not met again.
pub fn meet(list: &[Mutant], copy: &Path, results: &Path, binaries: &[&str]) {
    let planted: BTreeSet<usize> =
        serde_json::from_slice(&fs::read(copy.join("planted.json")).unwrap()).unwrap();
    let known = fs::read_to_string(results).unwrap_or_default();
    let known: BTreeSet<&str> = known
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(_, name)| name)
        .collect();
    let mut results = File::options()
        .append(true)
        .create(true)
        .open(results)
        .unwrap();
    let mut note = |what: &str, mutant: &Mutant| {
        writeln!(results, "{what}\t{}", mutant.name).unwrap();
    };
    let only = std::env::var("AMENDS_ONLY").unwrap_or_default();
    let (tests, reached) = reached(binaries);
    for (number, mutant) in list.iter().enumerate() {
        if known.contains(mutant.name.as_str()) || !mutant.file.starts_with(&only) {
            continue;
        }
        if !planted.contains(&number) {
            note("unplanted", mutant);
            continue;
        }
        let mut able: Vec<&Test> = reached
            .get(&number)
            .into_iter()
            .flatten()
            .map(|test| &tests[*test])
            .collect();
        able.sort_by_key(|test| test.takes);
        let mut became = if able.is_empty() {
            "unreached"
        } else {
            "survived"
        };
        // The quick ones first, a few at once; most mutants fall to the first.
        let mut left = able.as_slice();
        let mut size = 4;
        while !left.is_empty() && became == "survived" {
            let binary = left[0].binary;
            let count = left
                .iter()
                .take(size)
                .take_while(|test| test.binary == binary)
                .count();
            let (now, later) = left.split_at(count);
            became = run(binary, now, number).unwrap_or(became);
            left = later;
            size = size.saturating_mul(2);
        }
        note(became, mutant);
    }
}

fn command(binary: &str) -> Command {
    let (path, folder) = binary.split_once('=').unwrap_or((binary, "."));
    let mut command = Command::new("prlimit");
    command.arg("--as=6000000000").arg(path);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_FAILURE_PERSISTENCE", "off");
    command
}

/// Every test that holds with all mutants asleep, and for each mutant the numbers of those that reach it.
fn reached(binaries: &[&str]) -> (Vec<Test<'static>>, BTreeMap<usize, Vec<usize>>) {
    let slowest = std::env::var("AMENDS_SLOWEST").map_or(u64::MAX, |secs| secs.parse().unwrap());
    let mut tests = Vec::new();
    let mut reached: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let trace = std::env::temp_dir().join(format!("amends-mutants-{}", std::process::id()));
    for binary in binaries {
        let binary: &'static str = Box::leak(binary.to_string().into_boxed_str());
        let listed = command(binary)
            .args(["--list", "--format=terse"])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for name in listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
        {
            let _ = fs::remove_file(&trace);
            let begun = Instant::now();
            let status = command(binary)
                .args(["--exact", name])
                .env("AMENDS_REACHED", &trace)
                .status()
                .unwrap();
            if !status.success() {
                eprintln!("{name} fails with all mutants asleep, and is left out");
                continue;
            }
            let takes = begun.elapsed();
            if takes.as_secs() >= slowest {
                eprintln!("{name} takes {} s, and is left out", takes.as_secs());
                continue;
            }
            let number = tests.len();
            for line in fs::read_to_string(&trace).unwrap_or_default().lines() {
                reached
                    .entry(line.parse().unwrap())
                    .or_default()
                    .push(number);
            }
            tests.push(Test {
                binary,
                name: name.to_owned(),
                takes,
            });
        }
    }
    let _ = fs::remove_file(&trace);
    eprintln!("{} tests, {} mutants reached", tests.len(), reached.len());
    (tests, reached)
}

/// Runs these tests with one mutant awake; what became of it, where that is known.
fn run(binary: &str, tests: &[&Test], number: usize) -> Option<&'static str> {
    let mut child = command(binary)
        .arg("--exact")
        .args(tests.iter().map(|test| &test.name))
        .env("AMENDS_MUTANT", number.to_string())
        .spawn()
        .unwrap();
    // The machine may be busy with something else by now.
    let usual: Duration = tests.iter().map(|test| test.takes).sum();
    let end = Instant::now() + usual * 20 + Duration::from_secs(60);
    loop {
        match child.try_wait().unwrap() {
            Some(status) if status.success() => return None,
            Some(_) => return Some("caught"),
            None if Instant::now() > end => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Some("timeout");
            }
            None => std::thread::sleep(Duration::from_millis(3)),
        }
    }
}
