//! What is handed on, in words for people.

use super::count;
use crate::request::Exported;
use crate::terminal::line;

/// What is said before everything is written in the clear.
pub fn warning(folder: &str) -> String {
    format!(
        "Everything that is yours to read will lie in {}, in the clear: your private entries, and what your partner wrote to you.\nWhoever can open that folder can read it, without a passphrase. Nothing in it can be locked or taken back by amends.",
        line(folder)
    )
}

/// Everything is written.
pub fn done(exported: &Exported) -> String {
    let mut said = vec![format!(
        "Wrote {} and {} to {}.",
        count(
            exported.entries,
            "entry of the journal",
            "entries of the journal"
        ),
        count(exported.private, "private one", "private ones"),
        line(&exported.folder),
    )];
    if exported.set_aside > 0 {
        said.push(format!(
            "{} that came could not be taken into the journal and {} not in it.",
            count(exported.set_aside, "record", "records"),
            if exported.set_aside == 1 { "is" } else { "are" }
        ));
    }
    if !exported.unreadable.is_empty() {
        said.push(format!(
            "Could not be read, and are not in it: {}. See how to put them right with: amends status",
            line(&exported.unreadable.join(", "))
        ));
    }
    said.push("It is in the clear. Keep it where nobody else reads it.".to_owned());
    said.join("\n")
}
