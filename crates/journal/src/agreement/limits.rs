//! What a person may write here. The partner's words are not measured by these: they are shown as they
//! came, escaped where they must be.

use super::RuleError;
use crate::act::REASON_BYTES;
use crate::schema::{is_date, schema};
use crate::{EntryKind, PartKind, SCHEMA};

/// Characters of a title, which is one line.
pub const TITLE_CHARACTERS: usize = 200;
/// Bytes of a text: 256 KiB.
pub const TEXT_BYTES: usize = 262_144;

/// What a person writes in a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Its one line.
    Title,
    /// What is agreed.
    Text,
    /// The language that both are in.
    Language,
    /// When to look at it again.
    ReviewOn,
    /// Why it is declined or ended.
    Reason,
    /// Why it matters to this person.
    Why,
    /// The day that it is about.
    Date,
    /// Where it was.
    Place,
}

pub(super) fn title(title: &str) -> Result<(), RuleError> {
    let characters = title.chars().count();
    if characters > TITLE_CHARACTERS {
        return Err(too_long(Field::Title, characters, TITLE_CHARACTERS));
    }
    // A boundary may go without a title; one of spaces alone is a slip.
    if title.is_empty() {
        Ok(())
    } else {
        not_empty(Field::Title, title)
    }
}

pub(super) fn text(text: &str) -> Result<(), RuleError> {
    within(Field::Text, text, TEXT_BYTES)?;
    not_empty(Field::Text, text)
}

pub(super) fn why(why: &str) -> Result<(), RuleError> {
    within(Field::Why, why, TEXT_BYTES)
}

pub(super) fn reason(reason: &str) -> Result<(), RuleError> {
    within(Field::Reason, reason, REASON_BYTES)?;
    plain(Field::Reason, reason)
}

pub(super) fn language(language: &str) -> Result<(), RuleError> {
    let allowed = schema(EntryKind::Boundary, SCHEMA, PartKind::Shared).is_ok_and(|s| {
        s.fields
            .iter()
            .any(|f| f.key == crate::schema::LANGUAGE && (f.allows)(language))
    });
    if allowed {
        Ok(())
    } else {
        Err(RuleError::Language)
    }
}

pub(super) fn review_on(date: Option<&str>) -> Result<(), RuleError> {
    if date.is_none_or(is_date) {
        Ok(())
    } else {
        Err(RuleError::Date)
    }
}

pub(super) fn date(date: Option<&str>) -> Result<(), RuleError> {
    review_on(date)
}

pub(super) fn place(place: Option<&str>) -> Result<(), RuleError> {
    let place = place.unwrap_or_default();
    within(Field::Place, place, crate::schema::PLACE_BYTES)?;
    match place.chars().find(|c| c.is_control()) {
        Some(character) => Err(RuleError::Character {
            field: Field::Place,
            character,
        }),
        None => Ok(()),
    }
}

/// No control characters but line feed and tab; in a title neither these nor anything that breaks or
/// reverses a line, since titles stand in lists beside other words. Measured is what is put in, not what
/// stands there: the partner's program may have let through what this one does not.
pub(crate) fn plain(field: Field, value: &str) -> Result<(), RuleError> {
    let one_line = field == Field::Title;
    let forbidden = |c: char| match c {
        '\n' | '\t' => one_line,
        '\u{2028}' | '\u{2029}' => one_line,
        c if is_bidi(c) => one_line,
        c => c.is_control(),
    };
    match value.chars().find(|c| forbidden(*c)) {
        Some(character) => Err(RuleError::Character { field, character }),
        None => Ok(()),
    }
}

/// The characters that change the direction of what follows (Unicode UAX 9, Bidi_Control).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn within(field: Field, value: &str, limit: usize) -> Result<(), RuleError> {
    if value.len() > limit {
        Err(too_long(field, value.len(), limit))
    } else {
        Ok(())
    }
}

fn not_empty(field: Field, value: &str) -> Result<(), RuleError> {
    if value.trim().is_empty() {
        Err(RuleError::Empty(field))
    } else {
        Ok(())
    }
}

pub(super) fn too_long(field: Field, size: usize, limit: usize) -> RuleError {
    RuleError::TooLong { field, size, limit }
}
