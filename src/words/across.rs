//! The timeline, what is due, what was found, and versions, in words for people.

use amends_journal::Piece;

use super::{count, state, title_or_words, when};
use crate::request::{Due, Found, History, VersionLine, Week};
use crate::terminal::{Output, beginning, line, lines};

const WIDTH: usize = 60;

/// Everything by week.
pub fn timeline(out: Output, weeks: &[Week]) -> String {
    if weeks.is_empty() {
        return "There is nothing yet. It begins with whatever you write first.".to_owned();
    }
    let mut said = Vec::new();
    let mut quiet = 0;
    for week in weeks {
        if week.entries.is_empty() {
            quiet += 1;
            continue;
        }
        if quiet > 0 {
            said.push(format!("\n{}", count(quiet, "quiet week", "quiet weeks")));
            quiet = 0;
        }
        said.push(format!(
            "\n{}",
            out.bold(&format!("Week of {}", line(&week.from)))
        ));
        for entry in &week.entries {
            let claimed = if differ_by_a_day(&entry.created, &entry.held) {
                format!(" (their clock said {})", when(&entry.created))
            } else {
                String::new()
            };
            let private = if entry.private { ", private" } else { "" };
            said.push(format!(
                "  {}  {}  {} {}, {}{private}{claimed}",
                when(&entry.held),
                line(&entry.id),
                line(entry.own.kind()),
                out.bold(&beginning(title_or_words(entry), WIDTH)),
                state(entry),
            ));
        }
    }
    said.join("\n").trim_start().to_owned()
}

/// Times are claims: where two differ by more than a day, both are shown (PROTOCOL section 3).
fn differ_by_a_day(a: &str, b: &str) -> bool {
    match (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
        (Ok(a), Ok(b)) => a.as_second().abs_diff(b.as_second()) > 24 * 3_600,
        _ => false,
    }
}

/// What is due.
pub fn due(due: &[Due]) -> String {
    if due.is_empty() {
        return "Nothing is due.".to_owned();
    }
    let rows = due.iter().map(|due| {
        let why = match due.why.as_str() {
            "review" => "to be looked at again",
            "step" => "a step of a plan",
            "plan" => "planned for that day",
            other => other,
        };
        format!(
            "{}  {}  {} “{}”, {}",
            line(&due.on),
            line(&due.id),
            line(&due.kind),
            beginning(&due.title, WIDTH),
            line(why)
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Where words stand.
pub fn found(out: Output, found: &[Found]) -> String {
    if found.is_empty() {
        return "Nothing here holds all of these words.".to_owned();
    }
    let rows = found.iter().map(|found| {
        let private = if found.private { ", private" } else { "" };
        // The places are of the text as it was written: marked piece by piece, each made harmless for itself.
        let (mut shown, mut at) = (String::new(), 0);
        for (from, to) in &found.hits {
            let (from, to) = (
                usize::try_from(*from).unwrap_or(usize::MAX),
                usize::try_from(*to).unwrap_or(usize::MAX),
            );
            shown += &line(found.snippet.get(at..from).unwrap_or_default());
            shown += &out.bold(&line(found.snippet.get(from..to).unwrap_or_default()));
            at = to;
        }
        shown += &line(found.snippet.get(at..).unwrap_or_default());
        format!(
            "{}  {} “{}”{private}\n    {}: {shown}",
            line(&found.id),
            line(&found.kind),
            beginning(&found.title, WIDTH),
            line(&found.field),
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Every version, with who wrote it and who agreed.
pub fn history(out: Output, history: &History) -> String {
    let mut said = Vec::new();
    for version in &history.versions {
        said.push(out.bold(&format!("Version {}", version.version)) + &told_of(version));
        if !version.title.trim().is_empty() {
            said.push(format!("  {}", line(&version.title)));
        }
        said.extend(lines(&version.text).lines().map(|text| format!("  {text}")));
        said.push(String::new());
    }
    if history.versions.is_empty() {
        said.push("It has no words that both of you write, and so no versions.".to_owned());
        said.push(String::new());
    }
    said.extend(history.acts.iter().map(super::act));
    said.join("\n").trim_end().to_owned()
}

fn told_of(version: &VersionLine) -> String {
    let mut facts = vec![match &version.by {
        Some(by) => format!("by {}, {}", line(by), when(&version.at)),
        None => "of what both of you wrote at once".to_owned(),
    }];
    match version.agreed_by.as_slice() {
        [] => {}
        names => {
            let names: Vec<String> = names.iter().map(|name| line(name)).collect();
            facts.push(format!("agreed to by {}", names.join(" and ")));
        }
    }
    if version.in_force {
        facts.push("in force".to_owned());
    }
    if version.current {
        facts.push("as it stands now".to_owned());
    }
    if let Some(day) = &version.review_on {
        facts.push(format!("to be looked at again on {}", line(day)));
    }
    format!(", {}", facts.join(" · "))
}

/// What changed from one version to another, word by word.
pub fn difference(
    out: Output,
    (from, to): (&VersionLine, &VersionLine),
    title: &[Piece],
    text: &[Piece],
) -> String {
    let mut said = vec![format!(
        "From version {} to version {}. [-What went-], {{+what came+}}.",
        from.version, to.version
    )];
    if title.iter().any(|piece| !matches!(piece, Piece::Same(_))) {
        said.push(String::new());
        said.push(marked(out, title));
    }
    if from.review_on != to.review_on {
        let day = |day: &Option<String>| day.as_deref().map_or("never".to_owned(), line);
        said.push(format!(
            "To be looked at again: [-{}-] {{+{}+}}",
            day(&from.review_on),
            day(&to.review_on)
        ));
    }
    said.push(String::new());
    if text.iter().all(|piece| matches!(piece, Piece::Same(_))) {
        said.push("The text is the same.".to_owned());
    } else {
        said.push(marked(out, text));
    }
    said.join("\n")
}

/// Marked by brackets, which stay where there is no colour and are read aloud.
fn marked(out: Output, pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Same(words) => lines(words),
            Piece::Removed(words) => format!("[-{}-]", lines(words)),
            Piece::Added(words) => out.bold(&format!("{{+{}+}}", lines(words))),
        })
        .collect()
}
