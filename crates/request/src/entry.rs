//! An entry as scripts and pages see it (DESIGN section 6): the fields that every kind has, and its own beside them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::apology::Apology;
use super::feel::Feeling;
use super::memory::Memory;
use super::plan::Plan;
use super::talk::Talk;
use super::{Checkin, Space};

/// An entry of any kind. In JSON its own fields stand beside these, and `kind` says whose they are. Where it is made to be written
/// out at once, its texts (`T`) are lent.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry<T = String> {
    /// Short, lower case; any unique beginning serves.
    pub id: String,
    /// May be empty.
    pub title: T,
    /// Where it stands, in the words of its kind.
    pub state: T,
    /// The name of whoever began it.
    pub author: T,
    /// When its author's device says it was begun.
    pub created: String,
    /// When this device first held anything of it, by its own clock.
    #[serde(default)]
    pub held: String,
    /// true once the partner's device holds every record of mine in it.
    pub reached: bool,
    /// Records of mine in this entry that the partner's device keeps but could not read.
    #[serde(default)]
    pub not_readable_there: bool,
    /// Changes to it that came and cannot be taken yet, since others that come before them have not come.
    #[serde(default)]
    pub not_come: u64,
    /// true where it stands in the private store and nowhere else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// true where a later version wrote something in it that cannot be read here yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// The id of the entry that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What its kind has beside these.
    #[serde(flatten)]
    pub own: Own<T>,
    /// Acts in order, only with `show`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<ActLine>,
    /// How far the two devices have met, only with `show`; absent in the private store and before pairing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Met>,
}

impl Entry<Cow<'_, str>> {
    /// Writes its JSON behind what is there.
    ///
    /// # Errors
    /// serde_json's own, of which no entry knows one.
    pub fn json_onto(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(json, self)
    }
}

/// What is known of the partner's device at all, for whoever looks at one entry.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Met {
    /// When a session with it was last open; null before the first.
    pub last_met: Option<String>,
    /// Whether one is open now.
    pub connected: bool,
    /// Changes that exist by what it said and have not come. Which entries they are of is not known before they come.
    pub not_come: u64,
}

/// The fields that each kind has of its own. The name of the kind is the field `kind`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Own<T = String> {
    /// What a later version wrote, of a kind that is not known here.
    Unread(Unread),
    /// Words that both agree to.
    Boundary(Agreement<T>),
    /// What it is like for one of them.
    Feeling(Feeling),
    /// What one of them is sorry for.
    Apology(Apology),
    /// What was learnt, in words that both agree to.
    Lesson(Agreement<T>),
    /// A list of entries for a counselor, as the words that both agree to.
    Packet(Agreement<T>),
    /// Time apart.
    Space(Space),
    /// What broke trust, as each of them tells it.
    Talk(Talk),
    /// Something to do together.
    Plan(Plan),
    /// A set time to talk, or one that was held.
    Checkin(Box<Checkin>),
    /// Something good, kept; or an idea for it.
    Memory(Memory),
}

impl Own {
    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Own::Unread(_) => "unread",
            Own::Boundary(_) => "boundary",
            Own::Feeling(_) => "feeling",
            Own::Apology(_) => "apology",
            Own::Lesson(_) => "lesson",
            Own::Packet(_) => "packet",
            Own::Space(_) => "space",
            Own::Talk(_) => "talk",
            Own::Plan(_) => "plan",
            Own::Checkin(_) => "checkin",
            Own::Memory(_) => "memory",
        }
    }

    /// Its words, for where a title would stand.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Own::Unread(_) => "",
            Own::Boundary(agreement) | Own::Lesson(agreement) | Own::Packet(agreement) => {
                &agreement.text
            }
            Own::Feeling(feeling) if feeling.words.trim().is_empty() => &feeling.because,
            Own::Feeling(feeling) => &feeling.words,
            Own::Space(space) => &space.words,
            Own::Talk(talk) => talk.words(),
            Own::Plan(plan) => &plan.text,
            Own::Apology(apology) => apology.words.first(),
            Own::Checkin(checkin) => &checkin.agreement.text,
            Own::Memory(memory) => &memory.text,
        }
    }

    /// The words that both agree to, where it has any.
    #[must_use]
    pub fn agreement(&self) -> Option<&Agreement> {
        match self {
            Own::Boundary(agreement) | Own::Lesson(agreement) | Own::Packet(agreement) => {
                Some(agreement)
            }
            Own::Checkin(checkin) => Some(&checkin.agreement),
            _ => None,
        }
    }
}

/// What a later version wrote: kept, and readable once this program is of one that knows it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Unread {
    /// The number of its kind.
    pub number: u8,
    /// The version of its schema.
    pub schema: u8,
}

/// What is agreed to, word for word.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Agreement<T = String> {
    /// The text as it stands now.
    pub text: T,
    /// The text that both agreed to, if one is in force.
    pub in_force: Option<T>,
    /// The names of those who agreed to the text as it stands.
    pub agreed_by: Vec<T>,
    /// When to look at it again.
    pub review_on: Option<T>,
    /// Hex of the text's hash (DESIGN section 2, Acts), so that `agree` can name exactly what was shown.
    pub hash: String,
    /// Why it matters, by whoever said so.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub whys: Vec<Why<T>>,
}

/// Why something matters to one of them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Why<T = String> {
    /// The name of whoever says so.
    pub by: T,
    /// In their words.
    pub why: T,
}

/// One act, for showing.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct ActLine {
    /// `agree`, `decline` or `end`.
    pub verb: String,
    /// The name of whoever did it.
    pub by: String,
    /// When their device says it was done.
    pub at: String,
    /// Their reason, where they gave one.
    pub reason: Option<String>,
    /// Whether it speaks of the text as it stands now.
    pub to_current_text: bool,
    /// Hex of the hash of the text that it speaks of; empty where it speaks of none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a, T: From<&'a str>>(text: &'a str) -> Entry<T> {
        Entry {
            id: "lusab-babad".to_owned(),
            title: T::from("A \"title\""),
            state: T::from("agreed"),
            author: T::from("Ana"),
            created: "2026-11-22T13:03:00Z".to_owned(),
            held: "2026-11-22T13:03:01Z".to_owned(),
            reached: true,
            not_readable_there: false,
            not_come: 0,
            private: false,
            unread: false,
            from: None,
            own: Own::Boundary(Agreement {
                text: T::from(text),
                in_force: Some(T::from(text)),
                agreed_by: vec![T::from("Ana"), T::from("Bo")],
                review_on: None,
                hash: "00".repeat(32),
                whys: vec![Why {
                    by: T::from("Bo"),
                    why: T::from("So that we sleep."),
                }],
            }),
            history: Vec::new(),
            met: None,
        }
    }

    #[test]
    fn texts_that_are_lent_are_written_as_those_that_are_copied() {
        let text = "\u{1b}[2J \"\\\n€ \u{202e}";
        let lent: Entry<Cow<'_, str>> = entry(text);
        let copied: Entry = entry(text);
        let mut json = b"[".to_vec();
        lent.json_onto(&mut json).unwrap();
        assert_eq!(json[1..], serde_json::to_vec(&copied).unwrap());
        assert_eq!(serde_json::from_slice::<Entry>(&json[1..]).unwrap(), copied);
    }
}
