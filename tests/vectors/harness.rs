//! Reads and makes the files of `tests/vectors` (see its README). Every crate that has vectors includes this file.
#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// What is to be answered to what a vector gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is taken, and these are its values.
    Gives(Value),
    /// It is refused at this step.
    Refuses(String),
}

impl Answer {
    pub fn refuses(step: &str) -> Self {
        Answer::Refuses(step.to_owned())
    }
}

/// One vector: a sentence, what is given, what is to be answered.
#[derive(Clone, Debug)]
pub struct Vector {
    pub says: String,
    /// The sentence of the vector that is whole, and of which this one breaks one thing.
    pub broken_from: Option<String>,
    pub given: Value,
    pub answer: Answer,
}

impl Vector {
    /// The sentence as a file's name.
    fn file(says: &str) -> String {
        let name: String = says
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        format!("{}.json", words.join("-"))
    }

    fn to_text(&self) -> String {
        let mut out = Map::new();
        out.insert("vector".into(), json!(self.says));
        if let Some(whole) = &self.broken_from {
            out.insert("broken from".into(), json!(Self::file(whole)));
        }
        out.insert("given".into(), self.given.clone());
        out.insert(
            "answer".into(),
            match &self.answer {
                Answer::Gives(values) => json!({ "gives": values }),
                Answer::Refuses(step) => json!({ "refuses": step }),
            },
        );
        let mut text = serde_json::to_string_pretty(&sorted(Value::Object(out))).unwrap();
        text.push('\n');
        text
    }
}

/// With its keys in order, whichever way serde_json keeps them.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let in_order: BTreeMap<_, _> = map.into_iter().collect();
            let sorted = in_order
                .into_iter()
                .map(|(key, value)| (key, sorted(value)));
            Value::Object(sorted.collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The vectors of one area, as they are made.
#[derive(Default)]
pub struct Area {
    pub vectors: Vec<Vector>,
}

impl Area {
    /// One that is whole.
    pub fn whole(&mut self, says: &str, given: Value, gives: Value) {
        self.vectors.push(Vector {
            says: says.to_owned(),
            broken_from: None,
            given,
            answer: Answer::Gives(gives),
        });
    }

    /// One that breaks one thing of a whole one.
    pub fn broken(&mut self, from: &str, says: &str, given: Value, step: &str) {
        self.vectors.push(Vector {
            says: says.to_owned(),
            broken_from: Some(from.to_owned()),
            given,
            answer: Answer::refuses(step),
        });
    }
}

fn folder(area: &str) -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = [top.join("tests/vectors"), top.join("../../tests/vectors")];
    let [own, above] = vectors;
    let here = if above.join("README.md").is_file() {
        above
    } else {
        own
    };
    here.join(area)
}

/// Holds the files of an area to what makes them, and the code to the files: nothing is missing, changed or left unread,
/// and each is answered by exactly what it says. With `AMENDS_VECTORS=write` the files are written first.
pub fn check(area: &str, made: &Area, answer: impl Fn(&Value) -> Answer) {
    let folder = folder(area);
    let files: BTreeMap<String, &Vector> = made
        .vectors
        .iter()
        .map(|vector| (Vector::file(&vector.says), vector))
        .collect();
    assert_eq!(files.len(), made.vectors.len(), "two say the same");

    if std::env::var_os("AMENDS_VECTORS").is_some_and(|mode| mode == "write") {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, vector) in &files {
            std::fs::write(folder.join(file), vector.to_text()).unwrap();
        }
    }

    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<String> = files.keys().cloned().collect();
    assert_eq!(
        there, wanted,
        "{area}: AMENDS_VECTORS=write makes them anew"
    );

    for (file, vector) in &files {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(text, vector.to_text(), "{area}/{file} is another than made");
        let read: Value = serde_json::from_str(&text).unwrap();
        let expected = match read["answer"].as_object().unwrap().iter().next().unwrap() {
            (word, values) if word == "gives" => Answer::Gives(values.clone()),
            (_, step) => Answer::refuses(step.as_str().unwrap()),
        };
        assert_eq!(answer(&read["given"]), expected, "{area}/{file}");

        // What is broken differs from a whole one, which is there and taken.
        assert_eq!(
            matches!(expected, Answer::Refuses(_)),
            vector.broken_from.is_some(),
            "{file}"
        );
        if let Some(whole) = read.get("broken from") {
            let whole = std::fs::read_to_string(folder.join(whole.as_str().unwrap())).unwrap();
            let whole: Value = serde_json::from_str(&whole).unwrap();
            assert!(whole["answer"].get("gives").is_some(), "{file}");
            assert_ne!(whole["given"], read["given"], "{file}");
        }
    }
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes of a field in lower-case hex, and as many zeros after them as `NAME, then zeros` says where it is there.
pub fn bytes(given: &Value, field: &str) -> Vec<u8> {
    let text = given[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {given}"));
    let mut bytes = unhex(text);
    if let Some(zeros) = given.get(format!("{field}, then zeros")) {
        bytes.resize(bytes.len() + zeros.as_u64().unwrap() as usize, 0);
    }
    bytes
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2) && !text.bytes().any(|b| b.is_ascii_uppercase()));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub fn array<const N: usize>(given: &Value, field: &str) -> [u8; N] {
    bytes(given, field).try_into().unwrap()
}

pub fn number(given: &Value, field: &str) -> u64 {
    given[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no {field}"))
}

pub fn text<'a>(given: &'a Value, field: &str) -> &'a str {
    given[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}"))
}

/// The same, with one field another.
pub fn with(given: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut given = given.clone();
    given[field] = value.into();
    given
}

/// Bytes that look random and are the same every time.
pub fn fixed<const N: usize>(seed: u8) -> [u8; N] {
    std::array::from_fn(|at| {
        seed.wrapping_mul(31)
            .wrapping_add((at as u8).wrapping_mul(7))
            ^ seed
    })
}

/// The same with one bit turned.
pub fn flip(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
