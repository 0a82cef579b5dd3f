//! What `doctor` found, in words: one cause first, then the next step, then all that was looked at.

use crate::request::{Finding, State};
use crate::terminal::{Output, line};

/// All of it; the worst comes first in `findings`.
pub fn all(out: Output, findings: &[Finding]) -> String {
    let mut said = Vec::new();
    match findings.first() {
        Some(first) if first.state == State::Failed => {
            said.push(out.bold(&line(&first.message)));
            if let Some(hint) = &first.hint {
                said.push(format!("Next: {}", line(hint)));
            }
        }
        _ => said.push(out.bold("Nothing is wrong that could be seen.")),
    }
    said.push(String::new());
    for finding in findings {
        let mark = match finding.state {
            State::Ok => "ok     ",
            State::Unknown => "unknown",
            State::Warning => "note   ",
            State::Failed => "wrong  ",
        };
        let check = line(&finding.check).replace('_', " ");
        said.push(format!("{mark}  {check}: {}", line(&finding.message)));
        let told = findings.first() == Some(finding);
        if let Some(hint) = finding.hint.as_ref().filter(|_| !told) {
            said.push(format!("         {}", line(hint)));
        }
    }
    said.join("\n")
}
