//! What each part may hold, and the fixed first change that makes its containers.
//!
//! A schema is two lists: containers, made once by the first change and by nothing else, and fields
//! of the root that hold one string each. Version 1:
//!
//! | part | key | holds |
//! | --- | --- | --- |
//! | shared | `title`, `text` | text, one character an operation, that both write at once |
//! | shared | `language` | a string: letters, digits and `-`, at most 35 bytes (BCP 47) |
//! | shared | `review_on`, `date` | a string: `YYYY-MM-DD`, or empty for none |
//! | shared | `place` | a string: one line of at most 400 bytes |
//! | own | `acts` | a list of byte strings, one for each [`Act`](crate::Act); only ever added to |
//! | own | `said` | a list of byte strings, one for each [`Statement`](crate::Statement); only ever added to |
//! | own | `why` | text: why it matters to this person |
//!
//! | kind | shared | own |
//! | --- | --- | --- |
//! | boundary | title, text; language, review_on | acts, why |
//! | lesson, check-in, packet | title, text; language, review_on | acts, said |
//! | talk | title, text; language | said |
//! | memory | title, text; language, date, place | said |
//! | plan | title, text; language, date | said |
//! | space, feeling, apology | nothing | said |

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjId, ObjType, ROOT, TextEncoding};

use crate::ids::Actor;
use crate::kind::{EntryKind, PartKind};
use crate::rule::Rule;
use crate::{apology, checkin, feeling, lesson, memory, packet, plan, space, talk};

/// The schema of every kind that this version writes.
pub const SCHEMA: u8 = 1;

/// A date is ten bytes; a language tag 35 at most (RFC 5646, section 4.4.1).
pub(crate) const LANGUAGE_BYTES: usize = 35;

/// What a container holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Characters that may be inserted and deleted.
    Text,
    /// Acts: added, never altered or taken away.
    Acts,
    /// Statements: the same, by their kind's rules.
    Said,
}

/// A container of a part; the `n`th of its schema is made by operation `n` of the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) key: &'static str,
    pub(crate) holds: Holds,
}

/// A string at the root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) allows: fn(&str) -> bool,
}

/// Everything that one part may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema {
    pub(crate) containers: &'static [Container],
    pub(crate) fields: &'static [Field],
    /// What statements its kind allows, where it has any.
    pub(crate) rule: Option<Rule>,
}

/// A container by its place in the schema's list.
pub(crate) const TITLE: usize = 0;
/// See [`TITLE`].
pub(crate) const TEXT: usize = 1;
/// See [`TITLE`].
pub(crate) const ACTS: usize = 0;
/// See [`TITLE`].
pub(crate) const WHY: usize = 1;
/// The key of the text's language.
pub(crate) const LANGUAGE: &str = "language";
/// The key of the date on which to look at it again.
pub(crate) const REVIEW_ON: &str = "review_on";

/// The key of the day that it is about.
pub(crate) const DATE: &str = "date";
/// The key of where it was.
pub(crate) const PLACE: &str = "place";
/// Bytes of a place.
pub(crate) const PLACE_BYTES: usize = 400;

const TITLE_AND_TEXT: &[Container] = &[
    Container {
        key: "title",
        holds: Holds::Text,
    },
    Container {
        key: "text",
        holds: Holds::Text,
    },
];
const HOLDS_LANGUAGE: Field = Field {
    key: LANGUAGE,
    allows: is_language,
};
const HOLDS_REVIEW_ON: Field = Field {
    key: REVIEW_ON,
    allows: is_date_or_none,
};
const HOLDS_DATE: Field = Field {
    key: DATE,
    allows: is_date_or_none,
};
const HOLDS_PLACE: Field = Field {
    key: PLACE,
    allows: is_place,
};
const HOLDS_ACTS: Container = Container {
    key: "acts",
    holds: Holds::Acts,
};
const HOLDS_SAID: Container = Container {
    key: "said",
    holds: Holds::Said,
};

/// A shared part of a title, a text and these fields.
const fn shared(fields: &'static [Field]) -> Schema {
    Schema {
        containers: TITLE_AND_TEXT,
        fields,
        rule: None,
    }
}

/// An own part of statements.
const fn said(rule: Rule) -> Schema {
    Schema {
        containers: &[HOLDS_SAID],
        fields: &[],
        rule: Some(rule),
    }
}

/// An own part of acts and statements.
const fn acts_and_said(rule: Rule) -> Schema {
    Schema {
        containers: &[HOLDS_ACTS, HOLDS_SAID],
        fields: &[],
        rule: Some(rule),
    }
}

static AGREED_SHARED: Schema = shared(&[HOLDS_LANGUAGE, HOLDS_REVIEW_ON]);
static BOUNDARY_OWN: Schema = Schema {
    containers: &[
        HOLDS_ACTS,
        Container {
            key: "why",
            holds: Holds::Text,
        },
    ],
    fields: &[],
    rule: None,
};
/// Of kinds in which nothing is shared: no change of it is ever allowed.
static NOTHING_SHARED: Schema = Schema {
    containers: &[],
    fields: &[],
    rule: None,
};
static FEELING_OWN: Schema = said(feeling::rule);
static APOLOGY_OWN: Schema = said(apology::rule);
static LESSON_OWN: Schema = acts_and_said(lesson::rule);
static PACKET_OWN: Schema = acts_and_said(packet::rule);
static PLAN_SHARED: Schema = shared(&[HOLDS_LANGUAGE, HOLDS_DATE]);
static PLAN_OWN: Schema = said(plan::rule);
static MEMORY_SHARED: Schema = shared(&[HOLDS_LANGUAGE, HOLDS_DATE, HOLDS_PLACE]);
static MEMORY_OWN: Schema = said(memory::rule);
static SPACE_OWN: Schema = said(space::rule);
static TALK_SHARED: Schema = shared(&[HOLDS_LANGUAGE]);
static TALK_OWN: Schema = said(talk::rule);
static CHECKIN_OWN: Schema = acts_and_said(checkin::rule);

/// A kind or schema that this version does not know. What was written in it is kept, set aside and
/// tried again after an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("schema {schema} of a {} is not known", kind.name())]
pub struct UnknownSchema {
    /// The entry's kind.
    pub kind: EntryKind,
    /// The schema asked for.
    pub schema: u8,
}

pub(crate) fn schema(
    kind: EntryKind,
    schema: u8,
    part: PartKind,
) -> Result<&'static Schema, UnknownSchema> {
    use EntryKind as Kind;
    use PartKind::{Own, Shared};
    if schema != SCHEMA {
        return Err(UnknownSchema { kind, schema });
    }
    Ok(match (kind, part) {
        (Kind::Boundary | Kind::Lesson | Kind::Checkin | Kind::Packet, Shared) => &AGREED_SHARED,
        (Kind::Space | Kind::Feeling | Kind::Apology, Shared) => &NOTHING_SHARED,
        (Kind::Boundary, Own) => &BOUNDARY_OWN,
        (Kind::Feeling, Own) => &FEELING_OWN,
        (Kind::Apology, Own) => &APOLOGY_OWN,
        (Kind::Lesson, Own) => &LESSON_OWN,
        (Kind::Packet, Own) => &PACKET_OWN,
        (Kind::Plan, Shared) => &PLAN_SHARED,
        (Kind::Plan, Own) => &PLAN_OWN,
        (Kind::Memory, Shared) => &MEMORY_SHARED,
        (Kind::Memory, Own) => &MEMORY_OWN,
        (Kind::Space, Own) => &SPACE_OWN,
        (Kind::Talk, Shared) => &TALK_SHARED,
        (Kind::Talk, Own) => &TALK_OWN,
        (Kind::Checkin, Own) => &CHECKIN_OWN,
    })
}

/// Whether this version can read and write parts of this schema.
#[must_use]
pub fn known(kind: EntryKind, schema_version: u8) -> bool {
    schema(kind, schema_version, PartKind::Own).is_ok()
}

/// The fixed first change of a part (PROTOCOL section 6, last paragraph): actor of 16 zeros, seq 1,
/// time 0, every container of the schema in its order. It is built locally and never sent; its bytes
/// are pinned in `tests/vectors/first-changes.json`.
///
/// # Errors
/// [`UnknownSchema`].
pub fn first_change(
    kind: EntryKind,
    schema_version: u8,
    part: PartKind,
) -> Result<Vec<u8>, UnknownSchema> {
    let (_, change) = begin(schema(kind, schema_version, part)?);
    Ok(change)
}

/// An empty document with the schema's containers, and the change that made them.
pub(crate) fn begin(schema: &Schema) -> (Automerge, Vec<u8>) {
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
        .with_actor(ActorId::from(Actor::FIRST.0));
    let mut transaction = doc.transaction();
    for container in schema.containers {
        let kind = match container.holds {
            Holds::Text => ObjType::Text,
            Holds::Acts | Holds::Said => ObjType::List,
        };
        // It can only fail on a list's index or a foreign object, and this is the root's key. The
        // pinned bytes would show it.
        let _made = transaction.put_object(ROOT, container.key, kind);
    }
    transaction.commit_with(CommitOptions::default().with_time(0));
    let change = doc
        .get_changes(&[])
        .first()
        .map(|c| c.raw_bytes().to_vec())
        .unwrap_or_default();
    (doc, change)
}

/// The name by which Automerge knows a container: the operation of the first change that made it.
pub(crate) fn object(at: usize) -> ObjId {
    // The last number is where Automerge may look for the actor first; zeros sort before all others.
    ObjId::Id(at as u64 + 1, ActorId::from(Actor::FIRST.0), 0)
}

fn is_language(value: &str) -> bool {
    (1..=LANGUAGE_BYTES).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_date_or_none(value: &str) -> bool {
    value.is_empty() || is_date(value)
}

/// One line of people's words.
fn is_place(value: &str) -> bool {
    value.len() <= PLACE_BYTES && !value.chars().any(char::is_control)
}

/// A day of the calendar as `YYYY-MM-DD` (RFC 3339, full-date), in exactly these ten characters, so
/// that one day is one text.
pub(crate) fn is_date(value: &str) -> bool {
    let shape = value.bytes().enumerate().all(|(at, b)| match at {
        4 | 7 => b == b'-',
        _ => b.is_ascii_digit(),
    });
    value.len() == 10 && shape && value.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar_in_one_form() {
        for good in ["2027-03-01", "2028-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "2027-02-29",
            "2027-13-01",
            "2027-3-1",
            "20270301",
            "2027-03-01T00",
            "+002027-01",
            "",
            " 2027-03-1",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}
