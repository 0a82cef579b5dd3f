//! Apologies in words for people.

use super::when;
use crate::request::{ActLine, Apology, ApologyWords, Entry};
use crate::terminal::{line, lines};

/// An apology, whole.
pub(super) fn all(apology: &Apology) -> Vec<String> {
    let mut said = words(&apology.words);
    for addition in &apology.additions {
        said.extend(["Added:".to_owned(), lines(addition), String::new()]);
    }
    said
}

/// What an apology says, each with an empty line behind it.
fn words(words: &ApologyWords) -> Vec<String> {
    [
        ("What I did:", &words.did),
        ("How it hurt you:", &words.hurt),
        ("What I own:", &words.own),
        ("What I will change:", &words.change),
        ("How I will repair it:", &words.repair),
    ]
    .into_iter()
    .filter(|(_, said)| !said.trim().is_empty())
    .flat_map(|(name, said)| [name.to_owned(), lines(said), String::new()])
    .collect()
}

/// Where it stands, within a list or a line. None where that is no state of an apology.
pub(super) fn state(entry: &Entry) -> Option<String> {
    let author = line(&entry.author);
    Some(match entry.state.as_str() {
        "given" => format!("given by {author}"),
        "heard" => format!("given by {author}, heard"),
        "not_yet" => format!("given by {author}, not yet"),
        "accepted" => format!("given by {author}, accepted"),
        "forgiven" => format!("given by {author}, forgiven"),
        "declined" => format!("given by {author}, declined"),
        "incomplete" => format!("by {author}, set aside"),
        _ => return None,
    })
}

/// One line of its history.
pub(super) fn act(act: &ActLine) -> String {
    let verb = match act.verb.as_str() {
        "give" => "gave it",
        "add" => "added",
        "heard" => "heard it",
        "not_yet" => "answered: not yet",
        "accepted" => "accepted it",
        "forgiven" => "forgave",
        "declined" => "declined it",
        "withdraw" => "took the answer back",
        other => return format!("  {}  {} {}", when(&act.at), line(&act.by), line(other)),
    };
    let words = act.reason.as_deref().map(line).unwrap_or_default();
    let words = if words.trim().is_empty() {
        words
    } else {
        format!(": “{words}”")
    };
    format!("  {}  {} {verb}{words}", when(&act.at), line(&act.by))
}

/// Exactly what would be given.
pub fn would_go(partner: &str, apology: &Apology) -> String {
    let partner = line(partner);
    let mut said = vec![
        format!("This is what {partner} would get, all of it, word for word:"),
        String::new(),
    ];
    said.extend(words(&apology.words));
    said.push(format!(
        "With it go your name and the time at which you give it. From then on it stays as it is; you can add to it, and not take anything back. Whether and how {partner} answers is theirs alone."
    ));
    said.join("\n")
}

/// A draft was kept.
pub fn kept(entry: &Entry) -> String {
    let id = line(&entry.id);
    format!(
        "Kept as the draft {id}, for you alone. Go on with it: amends apology edit {id}\nWhen you want to give it: amends apology give {id}"
    )
}
