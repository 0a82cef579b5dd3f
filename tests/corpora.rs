//! What the fuzzer found worth keeping (`fuzz/corpus/`), met by the same bodies that the fuzzer calls (`fuzz/src/`), without it.
//!
//! `AMENDS_WRITE_SEEDS=1 cargo test --test corpora` writes what an honest program would give into the corpora, where it is not there.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use fuzz::{TARGETS, Target};

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod fuzz;

/// No input of a corpus weighs more together, in bytes; all of them two megabytes.
const MOST: u64 = 200_000;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name)
}

fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap_or_else(|error| panic!("the corpus of {name}: {error}"))
        .map(|file| {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs every input twice; what became of them, or which one failed and how.
fn run_corpus(target: &Target) -> Result<BTreeSet<String>, String> {
    let mut became = BTreeSet::new();
    let seeds = (target.seeds)()
        .into_iter()
        .map(|seed| ("a seed".to_owned(), seed));
    let mut weight = 0;
    for (name, input) in inputs(target.name).into_iter().chain(seeds) {
        let failed = |how: String| Err(format!("{}/{name}: {how}", target.name));
        weight += input.len() as u64;
        if input.len() > target.longest {
            return failed(format!("{} bytes, {} at most", input.len(), target.longest));
        }
        let once = catch_unwind(AssertUnwindSafe(|| [(); 2].map(|()| target.run(&input))));
        match once {
            Ok([first, second]) if first == second => drop(became.insert(first)),
            Ok([first, second]) => return failed(format!("first {first}, then {second}")),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().cloned();
                let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                return failed(said.unwrap_or_default());
            }
        }
    }
    if weight > MOST {
        return Err(format!("{}: {weight} bytes, {MOST} at most", target.name));
    }
    Ok(became)
}

/// Memory is counted for the whole process, so one runs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn passes(name: &str) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = fuzz::target(name);
    if std::env::var_os("AMENDS_WRITE_SEEDS").is_some() {
        write_seeds(target);
    }
    let became = run_corpus(target).unwrap_or_else(|failed| panic!("{failed}"));
    for wanted in target.reaches {
        assert!(
            became.contains(*wanted),
            "{name}: nothing in its corpus becomes {wanted:?}, only {became:?}"
        );
    }
}

fn write_seeds(target: &Target) {
    std::fs::create_dir_all(folder(target.name)).unwrap();
    for (n, seed) in (target.seeds)().into_iter().enumerate() {
        std::fs::write(folder(target.name).join(format!("seed-{n:02}")), seed).unwrap();
    }
}

macro_rules! corpora {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            passes(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_test_and_its_binary() {
            let tested: BTreeSet<&str> = [$(stringify!($name)),*].into();
            let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(tested, targets);
            let manifest = std::fs::read_to_string(
                Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml"),
            )
            .unwrap();
            let binaries: BTreeSet<&str> = manifest
                .lines()
                .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
                .collect();
            assert_eq!(binaries, targets);
        }
    };
}

corpora![
    pairing,
    pairing_frame,
    invite,
    noise,
    frame,
    envelope,
    clock,
    chunk,
    record,
    payload,
    columns,
    wall,
    bundle,
    vault,
    backup,
    kit,
    rows,
    photo,
    request,
    page,
    texts,
    partner,
];

/// A target over the corpus of `frame`, with another body.
fn control(body: fn(&[u8]) -> String) -> Result<BTreeSet<String>, String> {
    static WARM: Once = Once::new();
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    run_corpus(&Target {
        name: "frame",
        longest: 1024,
        memory: 1024,
        body,
        seeds: Vec::new,
        reaches: &[],
        warm: &WARM,
    })
}

#[test]
fn a_corpus_notices_a_parser_that_panics_forgets_or_takes_memory() {
    let honest = control(|input| format!("{:?}", input.first()));
    assert!(honest.is_ok(), "{honest:?}");
    // A heartbeat is one byte; a parser that asks for a second one without looking fails.
    let panics = control(|input| format!("{}", input[1]));
    assert!(panics.unwrap_err().contains("index out of bounds"));
    let takes = control(|input| format!("{}", vec![0_u8; 4096 + input.len()].len()));
    assert!(takes.unwrap_err().contains("bytes in memory"));
    static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let forgets = control(|_| {
        let before = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        before.to_string()
    });
    assert!(forgets.unwrap_err().contains("first 0, then 1"));
}
