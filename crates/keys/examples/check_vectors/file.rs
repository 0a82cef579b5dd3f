//! The file: its inputs, and what each of its values is held against.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

/// What stops a part of the checks is said in words.
pub(crate) type Outcome<T> = Result<T, String>;

pub(crate) struct Vectors {
    file: Value,
    read: BTreeSet<(String, String)>,
    right: usize,
    wrong: usize,
    stopped: bool,
}

impl Vectors {
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let file: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if !file.is_object() {
            return Err("the file holds no JSON object".to_owned());
        }
        Ok(Self {
            file,
            read: BTreeSet::new(),
            right: 0,
            wrong: 0,
            stopped: false,
        })
    }

    fn value(&mut self, section: &str, field: &str) -> Option<&Value> {
        self.read.insert((section.to_owned(), field.to_owned()));
        self.file.get(section)?.get(field)
    }

    fn input(&mut self, section: &str, field: &str) -> Outcome<&Value> {
        self.value(section, field)
            .ok_or_else(|| format!("{section}/{field} is missing"))
    }

    pub(crate) fn number(&mut self, section: &str, field: &str) -> Outcome<u64> {
        let number = self.input(section, field)?.as_u64();
        number.ok_or_else(|| format!("{section}/{field} is no whole number"))
    }

    pub(crate) fn text(&mut self, section: &str, field: &str) -> Outcome<String> {
        let text = self.input(section, field)?.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{section}/{field} is no text"))
    }

    pub(crate) fn texts(&mut self, section: &str, field: &str) -> Outcome<Vec<String>> {
        let list = self.input(section, field)?.as_array();
        let texts = list.and_then(|list| {
            list.iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| format!("{section}/{field} is no list of texts"))
    }

    pub(crate) fn hex(&mut self, section: &str, field: &str) -> Outcome<Vec<u8>> {
        let text = self.text(section, field)?;
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        bytes.map_err(|e| format!("{section}/{field} is no hexadecimal: {e}"))
    }

    pub(crate) fn bytes<const N: usize>(&mut self, section: &str, field: &str) -> Outcome<[u8; N]> {
        let bytes = self.hex(section, field)?;
        let got = bytes.len();
        bytes
            .try_into()
            .map_err(|_| format!("{section}/{field} has {got} bytes instead of {N}"))
    }

    /// Holds a value of the file against the bytes that the code gave.
    pub(crate) fn check(&mut self, section: &str, field: &str, computed: &[u8]) {
        self.check_text(section, field, &data_encoding::HEXLOWER.encode(computed));
    }

    pub(crate) fn check_number(&mut self, section: &str, field: &str, computed: usize) {
        self.check_text(section, field, &computed.to_string());
    }

    pub(crate) fn check_text(&mut self, section: &str, field: &str, computed: &str) {
        let given = match self.value(section, field) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        match given {
            Some(given) if given.eq_ignore_ascii_case(computed) => {
                self.right += 1;
                println!("ok       {section}/{field}");
            }
            Some(given) => {
                self.wrong += 1;
                println!("WRONG    {section}/{field}");
                println!("           file {given}");
                println!("           code {computed}");
            }
            None => {
                self.wrong += 1;
                println!("missing  {section}/{field}");
                println!("           code {computed}");
            }
        }
    }

    /// A part could not be run to its end.
    pub(crate) fn stopped(&mut self, why: &str) {
        self.wrong += 1;
        self.stopped = true;
        println!("WRONG    {why}");
    }

    /// Says what no check looked at, and the sum.
    pub(crate) fn finish(self) -> ExitCode {
        let mut unknown = 0;
        // After a stop a field may be known well and only not reached.
        let word = if self.stopped { "not seen" } else { "unknown " };
        for (section, fields) in self.file.as_object().into_iter().flatten() {
            let Some(fields) = fields.as_object() else {
                unknown += 1;
                println!("{word} {section}");
                continue;
            };
            for field in fields.keys() {
                if !self.read.contains(&(section.clone(), field.clone())) {
                    unknown += 1;
                    println!("{word} {section}/{field}");
                }
            }
        }
        println!(
            "{} ok, {} wrong or missing, {unknown} unknown",
            self.right, self.wrong
        );
        if self.wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
