//! Feelings in words for people.

use super::name_of;
use crate::request::{Entry, Feeling};
use crate::terminal::{line, lines};

/// A feeling, whole.
pub(super) fn all(feeling: &Feeling) -> Vec<String> {
    let mut said = said(feeling);
    if !feeling.tags.is_empty() {
        said.push(format!("Tags: {}", tags(feeling)));
    }
    if !feeling.shared_as.is_empty() {
        let copies: Vec<String> = feeling.shared_as.iter().map(|id| line(id)).collect();
        said.push(format!("You shared a copy of it: {}.", copies.join(", ")));
    }
    said
}

/// What a partner is shown of a feeling that is shared, each with an empty line behind it.
fn said(feeling: &Feeling) -> Vec<String> {
    let mut said = Vec::new();
    if !feeling.words.trim().is_empty() {
        said.extend([lines(&feeling.words), String::new()]);
    }
    if !feeling.because.trim().is_empty() {
        said.extend([
            "Because:".to_owned(),
            lines(&feeling.because),
            String::new(),
        ]);
    }
    if let Some(strong) = feeling.intensity {
        said.extend([format!("How strong: {strong} of 5"), String::new()]);
    }
    said
}

fn tags(feeling: &Feeling) -> String {
    let tags: Vec<String> = feeling.tags.iter().map(|tag| line(tag)).collect();
    tags.join(", ")
}

/// Exactly what would go to the partner, and what stays.
pub fn would_go(partner: &str, feeling: &Feeling, talk: Option<&str>) -> String {
    let partner = line(partner);
    let mut words = vec![
        format!("This is what {partner} would get, all of it, word for word:"),
        String::new(),
    ];
    match talk {
        None => words.extend(said(feeling)),
        Some(talk) => words.extend([
            lines(&feeling.as_account()),
            String::new(),
            format!("It becomes your account in the talk {}.", line(talk)),
        ]),
    }
    let strong = match (talk, feeling.intensity) {
        (Some(_), Some(_)) => "how strong it is, ",
        _ => "",
    };
    let tags = match feeling.tags.as_slice() {
        [] => String::new(),
        _ => format!("its tags ({}), ", tags(feeling)),
    };
    words.push(format!(
        "With it go your name and the time at which you share it. The feeling itself stays here and private: {strong}{tags}when you wrote it, and what it said earlier."
    ));
    words.push(format!(
        "Once it has reached {partner}'s device, it cannot be taken back."
    ));
    words.join("\n")
}

/// A feeling was written down.
pub fn kept(entry: &Entry) -> String {
    let id = line(&entry.id);
    if entry.state == "draft" {
        return format!(
            "Kept as the draft {id}, for you alone. Go on with it: amends feel edit {id}"
        );
    }
    format!(
        "Kept {id} {}, for you alone. Nothing of it leaves this device unless you share it: amends feel share {id}",
        name_of(entry)
    )
}
