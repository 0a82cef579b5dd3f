//! Entries as something to read, for an export and for a counselor's packet: [`section`] makes of any entry a
//! [`Section`] of a [`Document`](crate::document::Document).
//!
//! **It says the same on both devices.** Whatever differs between them is left out: how far something has reached, when
//! it came here, who is "I". People are called by their names, times are in UTC, and where two stand beside each other
//! their order is that of their words. So both can see that they hand on the same.
//!
//! Each kind that has more to say than words and dates has a function of its own; `others` reads any kind from
//! the fields that scripts see, so that nothing of an entry is left out because this file does not know its kind.

mod kinds;
mod others;
mod plain;
mod talk;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use plain::plain;

use crate::document::{Block, Section};
use crate::request::{ActLine, Agreement, Entry, Feeling, Own, Space};

/// An entry as something to read. Its `language` (BCP 47) is that of its own words; empty where it is not known.
#[must_use]
pub fn section(entry: &Entry, language: &str) -> Section {
    let mut details = vec![("Kind".to_owned(), kind_name(entry.own.kind()))];
    let mut detail = |label: &str, value: &str| {
        if !value.trim().is_empty() {
            details.push((label.to_owned(), value.to_owned()));
        }
    };
    detail("Begun by", &entry.author);
    detail("Begun", &time(&entry.created));
    // A space lasts by each device's own clock.
    if !matches!(entry.own, Own::Space(_)) {
        detail("State", state(&entry.state));
    }
    detail("Comes from", entry.from.as_deref().unwrap_or_default());
    if entry.private {
        detail("Private", "never left this device");
    }
    let mut section = Section {
        id: entry.id.clone(),
        heading: heading(entry),
        language: language.to_owned(),
        details,
        blocks: Vec::new(),
    };
    if let Some(agreement) = entry.own.agreement() {
        agreed(agreement, &mut section);
        if let Own::Checkin(checkin) = &entry.own
            && let Some(held) = &checkin.session
        {
            kinds::session(held, &mut section);
        }
    } else if let Own::Feeling(felt) = &entry.own {
        feeling(felt, &mut section);
    } else if let Own::Space(asked) = &entry.own {
        space(asked, &mut section);
    } else if let Own::Talk(told) = &entry.own {
        talk::read(told, &mut section);
    } else if let Own::Apology(given) = &entry.own {
        kinds::apology(given, &mut section);
    } else if let Own::Plan(planned) = &entry.own {
        kinds::plan(planned, &mut section);
    } else {
        others::read(&entry.own, &mut section);
    }
    history(&entry.history, &mut section);
    section
}

/// An entry's title, else how its words begin, else its kind.
fn heading(entry: &Entry) -> String {
    const CHARACTERS: usize = 80;
    let words = entry.own.words();
    let line = [entry.title.as_str(), words]
        .into_iter()
        .flat_map(str::lines)
        .map(str::trim)
        .find(|line| !line.is_empty());
    match line {
        None => kind_name(entry.own.kind()),
        Some(line) if line.chars().count() <= CHARACTERS => line.to_owned(),
        Some(line) => line.chars().take(CHARACTERS - 1).chain(['…']).collect(),
    }
}

/// A kind's name as a reader who knows nothing of this program should meet it.
#[must_use]
pub fn kind_name(kind: &str) -> String {
    match kind {
        "checkin" => "Set time to talk".to_owned(),
        "feeling" => "Feeling".to_owned(),
        "packet" => "List for a counselor".to_owned(),
        other => others::label(other),
    }
}

fn state(state: &str) -> &str {
    match state {
        "agreed" => "agreed by both",
        "changed" => "changed since both agreed",
        other => other,
    }
}

/// A time of the journal, the same for every reader: `22 Nov 2026, 14:03 UTC`.
#[must_use]
pub fn time(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(time) => time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

fn detail(section: &mut Section, label: &str, value: String) {
    section.details.push((label.to_owned(), value));
}

/// Words that both agree to: as they stand, who agreed, why they matter, and what is in force if that is another text.
fn agreed(agreement: &Agreement, section: &mut Section) {
    let mut names = agreement.agreed_by.clone();
    names.sort();
    detail(
        section,
        "Agreed to exactly these words",
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(" and ")
        },
    );
    if let Some(date) = &agreement.review_on {
        detail(section, "To be looked at again", date.clone());
    }
    section.blocks.push(Block::Words(agreement.text.clone()));
    let in_force = agreement.in_force.as_ref();
    if let Some(in_force) = in_force.filter(|text| **text != agreement.text) {
        section.blocks.extend([
            Block::Subheading("In force until both agree to the words above".to_owned()),
            Block::Words(in_force.clone()),
        ]);
    }
    let mut whys: Vec<_> = agreement.whys.iter().collect();
    whys.sort_by_key(|why| (&why.by, &why.why));
    if !whys.is_empty() {
        section
            .blocks
            .push(Block::Subheading("Why it matters".to_owned()));
    }
    section
        .blocks
        .extend(whys.into_iter().map(|why| Block::Quote {
            by: why.by.clone(),
            words: why.why.clone(),
        }));
}

fn feeling(feeling: &Feeling, section: &mut Section) {
    if let Some(strong) = feeling.intensity {
        detail(section, "How strong", format!("{strong} of 5"));
    }
    if !feeling.tags.is_empty() {
        detail(section, "Tags", feeling.tags.join(", "));
    }
    if !feeling.shared_as.is_empty() {
        detail(section, "Shared as", feeling.shared_as.join(", "));
    }
    if !feeling.words.trim().is_empty() {
        section.blocks.push(Block::Words(feeling.words.clone()));
    }
    if !feeling.because.trim().is_empty() {
        section.blocks.extend([
            Block::Subheading("Because".to_owned()),
            Block::Words(feeling.because.clone()),
        ]);
    }
}

fn space(space: &Space, section: &mut Section) {
    if let Some(until) = &space.until {
        detail(section, "Asked for until", time(until));
    }
    if let Some(over) = &space.over {
        detail(section, "Ended before", time(over));
    }
    if !space.words.trim().is_empty() {
        section.blocks.push(Block::Words(space.words.clone()));
    }
}

/// What each of them did with it, in order.
fn history(acts: &[ActLine], section: &mut Section) {
    if acts.is_empty() {
        return;
    }
    section
        .blocks
        .push(Block::Subheading("What was said of it".to_owned()));
    let lines = acts.iter().map(|act| {
        let did = match act.verb.as_str() {
            "propose" => "proposed it".to_owned(),
            "agree" => "agreed".to_owned(),
            "decline" => "declined".to_owned(),
            "end" => "ended it".to_owned(),
            "account" | "open" => "told this".to_owned(),
            "commit" => "fixed an account, not open yet".to_owned(),
            "heard" => "heard".to_owned(),
            "meant" => "said: that is what I meant".to_owned(),
            "not_meant" => "said: that is not what I meant".to_owned(),
            "settle" => "said that it is settled".to_owned(),
            "reopen" => "opened it again".to_owned(),
            "ask" => "asked to talk".to_owned(),
            "reply" => "replied".to_owned(),
            other => others::label(other).to_lowercase(),
        };
        let which = match act.verb.as_str() {
            "agree" | "decline" if !act.to_current_text => " to an earlier text",
            _ => "",
        };
        let reason = act.reason.as_deref().unwrap_or_default();
        let said = format!("{}: {} {did}{which}", time(&act.at), act.by);
        if reason.is_empty() {
            said
        } else {
            format!("{said}\n{reason}")
        }
    });
    section.blocks.push(Block::List(lines.collect()));
}
