//! Writes every mutant into the source, asleep.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use proc_macro2::LineColumn;
use serde_json::Value;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::{Mutant, Place, Span};

/// What each crate with mutants gets as a module: which mutant is awake, and who was reached.
const SWITCH: &str = include_str!("switch.rs.txt");

/// A piece of source that mutants change, in bytes of the file.
enum Piece {
    /// A function's body, before which one returns.
    Body { at: usize },
    /// Two operands and what stands between them.
    Binary {
        whole: Range<usize>,
        operator: Range<usize>,
    },
    /// An operand and what stands before it.
    Unary {
        whole: Range<usize>,
        operator: Range<usize>,
    },
    /// A guard of an arm.
    Guard { whole: Range<usize> },
    /// An arm without a guard, or with the one that begins there: where its pattern ends.
    Arm { at: usize, guarded: bool },
}

/// A piece and its mutants: their numbers, and what they put there.
struct Planted {
    piece: Piece,
    mutants: Vec<(usize, String)>,
}

impl Planted {
    fn range(&self) -> Range<usize> {
        match &self.piece {
            Piece::Body { at } | Piece::Arm { at, .. } => *at..*at,
            Piece::Binary { whole, .. } | Piece::Unary { whole, .. } | Piece::Guard { whole } => {
                whole.clone()
            }
        }
    }
}

/// Plants all mutants of the list into the copy of the workspace, and builds it by `cargo` with these arguments, taking out
/// what does not compile, until it does. Writes `planted.json` into the copy: which are in.
pub fn plant(list: &[Mutant], copy: &Path, cargo: &[&str]) {
    let originals: BTreeMap<&str, String> = list
        .iter()
        .map(|mutant| mutant.file.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|file| (file, fs::read_to_string(copy.join(file)).unwrap()))
        .collect();
    for root in originals
        .keys()
        .map(|file| &file[..file.find("src/").unwrap()])
        .collect::<BTreeSet<_>>()
    {
        fs::write(copy.join(root).join("src/mutant.rs"), SWITCH).unwrap();
        let lib = copy.join(root).join("src/lib.rs");
        let text = fs::read_to_string(&lib).unwrap();
        assert!(
            !originals.contains_key(format!("{root}src/lib.rs").as_str()),
            "lib.rs itself has mutants"
        );
        if !text.contains("mod mutant;") {
            fs::write(&lib, text + "\n#[doc(hidden)] #[allow(missing_docs, clippy::all, unreachable_pub)] mod mutant;\n").unwrap();
        }
    }
    let mut out: BTreeSet<usize> = BTreeSet::new();
    loop {
        let mut found = BTreeSet::new();
        for (file, original) in &originals {
            let mut planted = pieces(list, file, original, &out);
            planted.sort_by_key(|planted| {
                (
                    planted.range().start,
                    std::cmp::Reverse(planted.range().end),
                )
            });
            found.extend(
                planted
                    .iter()
                    .flat_map(|planted| planted.mutants.iter().map(|(n, _)| *n)),
            );
            let text = render(original, 0..original.len(), &planted);
            fs::write(copy.join(file), text).unwrap();
        }
        let blamed = build(copy, cargo);
        println!(
            "{} planted, {} do not compile with the others",
            found.len(),
            blamed.len()
        );
        if blamed.is_empty() {
            let json = serde_json::to_vec(&found).unwrap();
            fs::write(copy.join("planted.json"), json).unwrap();
            return;
        }
        out.extend(blamed);
    }
}

/// Where the mutants of one file are, without those that are out.
fn pieces(list: &[Mutant], file: &str, text: &str, out: &BTreeSet<usize>) -> Vec<Planted> {
    let mut search = Search {
        lines: lines(text),
        text,
        wanted: Vec::new(),
        found: Vec::new(),
    };
    for (number, mutant) in list.iter().enumerate() {
        if mutant.file == file && !out.contains(&number) {
            search
                .wanted
                .push((number, mutant, search.bytes(mutant.span)));
        }
    }
    let parsed = syn::parse_file(text).expect("it is Rust");
    // A function's body needs no search: its span is what stands between the braces.
    let mut bodies: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    for (number, mutant, span) in &search.wanted {
        if mutant.genre == "FnValue" {
            bodies
                .entry(span.start)
                .or_default()
                .push((*number, mutant.replacement.clone()));
        }
    }
    search
        .found
        .extend(bodies.into_iter().map(|(at, mutants)| Planted {
            piece: Piece::Body { at },
            mutants,
        }));
    search.visit_file(&parsed);
    search.found
}

/// Where each line begins.
fn lines(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect()
}

struct Search<'a> {
    text: &'a str,
    lines: Vec<usize>,
    wanted: Vec<(usize, &'a Mutant, Range<usize>)>,
    found: Vec<Planted>,
}

impl Search<'_> {
    fn place(&self, line: usize, column: usize) -> usize {
        let start = self.lines[line - 1];
        let rest = &self.text[start..];
        start
            + rest
                .char_indices()
                .nth(column)
                .map_or(rest.len(), |(at, _)| at)
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let at = |place: Place| self.place(place.line, place.column - 1);
        at(span.start)..at(span.end)
    }

    fn of(&self, spanned: &impl Spanned) -> Range<usize> {
        let span = spanned.span();
        let at = |place: LineColumn| self.place(place.line, place.column);
        at(span.start())..at(span.end())
    }

    /// The mutants of this kind at this place.
    fn at(&self, genre: &str, span: &Range<usize>) -> Vec<(usize, String)> {
        let fits = |mutant: &Mutant, at: &Range<usize>| mutant.genre == genre && at == span;
        let fitting = self
            .wanted
            .iter()
            .filter(|(_, mutant, at)| fits(mutant, at));
        fitting
            .map(|(number, mutant, _)| (*number, mutant.replacement.clone()))
            .collect()
    }

    fn keep(&mut self, piece: Piece, mutants: Vec<(usize, String)>) {
        if !mutants.is_empty() {
            self.found.push(Planted { piece, mutants });
        }
    }
}

/// Whether it is a chain with a `let` in it, which is no expression by itself.
fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl Visit<'_> for Search<'_> {
    fn visit_expr(&mut self, expr: &syn::Expr) {
        match expr {
            syn::Expr::Binary(binary) if !has_let(expr) => {
                let operator = self.of(&binary.op);
                let mutants = self.at("BinaryOperator", &operator);
                let whole = self.of(expr);
                self.keep(Piece::Binary { whole, operator }, mutants);
            }
            syn::Expr::Unary(unary) => {
                let operator = self.of(&unary.op);
                let mutants = self.at("UnaryOperator", &operator);
                let whole = self.of(expr);
                self.keep(Piece::Unary { whole, operator }, mutants);
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        let mutants = self.at("MatchArm", &self.of(arm));
        let at = arm
            .guard
            .as_ref()
            .map_or(self.of(&arm.pat).end, |(_, guard)| self.of(guard).start);
        self.keep(
            Piece::Arm {
                at,
                guarded: arm.guard.is_some(),
            },
            mutants,
        );
        if let Some((_, guard)) = &arm.guard
            && !has_let(guard)
        {
            let whole = self.of(guard);
            let mutants = self.at("MatchArmGuard", &whole);
            self.keep(Piece::Guard { whole }, mutants);
        }
        visit::visit_arm(self, arm);
    }
}

/// The source in this range with what is planted in it. `planted` is in order, the outer before the inner.
fn render(text: &str, range: Range<usize>, planted: &[Planted]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    let mut rest = planted;
    while let [first, after @ ..] = rest {
        let piece = first.range();
        if piece.start < at || piece.end > range.end {
            rest = after;
            continue;
        }
        let inner = after
            .iter()
            .take_while(|other| {
                other.range().end <= piece.end && other.range().start < piece.end.max(piece.start)
            })
            .count();
        let (inner, after) = after.split_at(if piece.is_empty() { 0 } else { inner });
        out.push_str(&text[at..piece.start]);
        let arms = |make: &dyn Fn(&str) -> String| {
            let arm = |(number, to): &(usize, String)| {
                format!("\n//<{number}\n{number} => {},\n//>\n", make(to))
            };
            first.mutants.iter().map(arm).collect::<String>()
        };
        let numbers: Vec<String> = first
            .mutants
            .iter()
            .map(|(number, _)| number.to_string())
            .collect();
        let names = numbers.join(" ");
        let on = format!("crate::mutant::awake(&[{}])", numbers.join(","));
        match &first.piece {
            Piece::Body { .. } => {
                for (number, to) in &first.mutants {
                    out.push_str(&format!("\n//<{number}\nif crate::mutant::awake(&[{number}]) == {number} {{ return {to}; }}\n//>\n"));
                }
            }
            Piece::Arm { guarded, .. } => {
                let alive = format!("\n//<{names}\n{on} == usize::MAX\n//>\n");
                out.push_str(&if *guarded {
                    format!("{alive} && ")
                } else {
                    format!(" if {alive}")
                });
            }
            Piece::Guard { whole } => {
                let arms = arms(&|to| to.to_owned());
                let asleep = render(text, whole.clone(), inner);
                out.push_str(&format!(
                    "\n//<{names}\n(match {on} {{\n//>\n{arms} _ => {asleep} }})"
                ));
            }
            Piece::Binary { whole, operator } => {
                let (left, right) = (whole.start..operator.start, operator.end..whole.end);
                let arms =
                    arms(&|to| format!("{} {to} {}", &text[left.clone()], &text[right.clone()]));
                let asleep = format!(
                    "{}{}{}",
                    render(text, left.clone(), inner),
                    &text[operator.clone()],
                    render(text, right.clone(), inner)
                );
                out.push_str(&format!(
                    "\n//<{names}\n(match {on} {{\n//>\n{arms} _ => {asleep} }})"
                ));
            }
            Piece::Unary { whole, operator } => {
                let operand = operator.end..whole.end;
                let arms = arms(&|_| text[operand.clone()].to_owned());
                let asleep = format!(
                    "{}{}",
                    &text[operator.clone()],
                    render(text, operand.clone(), inner)
                );
                out.push_str(&format!(
                    "\n//<{names}\n(match {on} {{\n//>\n{arms} _ => {asleep} }})"
                ));
            }
        }
        at = piece.end;
        rest = after;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// Builds; the mutants in whose lines the compiler found something.
fn build(copy: &Path, cargo: &[&str]) -> BTreeSet<usize> {
    let output = Command::new("cargo")
        .args(cargo)
        .arg("--message-format=json")
        .current_dir(copy)
        .env("RUSTFLAGS", "--cap-lints=allow")
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo is here");
    let mut blamed = BTreeSet::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(said) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        if said["message"]["level"] != "error" {
            continue;
        }
        let mut here = BTreeSet::new();
        blame(&said["message"], copy, true, &mut here);
        if here.is_empty() {
            // What a function's other `return` gives decides what its end must give.
            blame(&said["message"], copy, false, &mut here);
        }
        if here.is_empty()
            && said["message"]["spans"]
                .as_array()
                .is_some_and(|spans| !spans.is_empty())
        {
            eprintln!(
                "{}",
                said["message"]["rendered"].as_str().unwrap_or_default()
            );
        }
        blamed.extend(here);
    }
    assert!(
        output.status.success() || !blamed.is_empty(),
        "it does not build, for no mutant's sake"
    );
    blamed
}

/// The mutants in whose lines the spans of this error are.
fn blame(message: &Value, copy: &Path, primary: bool, blamed: &mut BTreeSet<usize>) {
    for span in message["spans"].as_array().into_iter().flatten() {
        if span["is_primary"] != primary {
            continue;
        }
        let Some(file) = span["file_name"].as_str() else {
            continue;
        };
        let Ok(text) = fs::read_to_string(copy.join(file)) else {
            continue;
        };
        let line = span["line_start"].as_u64().unwrap_or(1) as usize;
        let mut inside: &str = "";
        for line in text.lines().take(line) {
            if let Some(names) = line.trim_start().strip_prefix("//<") {
                inside = names;
            } else if line.trim_start().starts_with("//>") {
                inside = "";
            }
        }
        blamed.extend(
            inside
                .split_whitespace()
                .filter_map(|name| name.parse::<usize>().ok()),
        );
    }
}
