//! Mutation testing without a build for each mutant (decision 0086).
//!
//! `cargo mutants --list --json` says what is to be mutated. `plant` writes all of it into a copy of the workspace at once, each
//! mutant asleep until `AMENDS_MUTANT` names it; where one does not compile it is taken out, until the rest does. `meet` runs
//! each test alone, to see which mutants it reaches, and then wakes one mutant after another for the tests that reach it.
//!
//! `docs/testing.md` says how to run this, and what came of it.

mod meet;
mod plant;

use serde::Deserialize;

/// A mutant as cargo-mutants lists it.
#[derive(Deserialize)]
struct Mutant {
    /// The file, from the root of the workspace.
    file: String,
    genre: String,
    name: String,
    replacement: String,
    span: Span,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
struct Span {
    start: Place,
    end: Place,
}

/// Counted from one, columns in characters.
#[derive(Deserialize, Clone, Copy, PartialEq)]
struct Place {
    line: usize,
    column: usize,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["plant", list, copy, cargo @ ..] => plant::plant(&listed(list), copy.as_ref(), cargo),
        ["meet", list, copy, results, binaries @ ..] if !binaries.is_empty() => {
            meet::meet(&listed(list), copy.as_ref(), results.as_ref(), binaries);
        }
        _ => {
            eprintln!(
                "amends-mutants plant LIST COPY CARGO-ARGUMENTS...\namends-mutants meet LIST COPY RESULTS TEST-BINARIES..."
            );
            std::process::exit(2);
        }
    }
}

fn listed(path: &str) -> Vec<Mutant> {
    let bytes = std::fs::read(path).expect("the list of mutants is there");
    serde_json::from_slice(&bytes).expect("the list is what cargo-mutants wrote")
}
