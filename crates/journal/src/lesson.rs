//! Lessons: what was learnt from something, agreed by both as a boundary is, to its exact words. The entry that it came from
//! stands in its beginning and stays.

use crate::rule::{Past, RuleFault};
use crate::said::{BEGIN, Begin, Statement, Writer};

/// A lesson is begun, and then agreed to; nothing else is said of it.
pub(crate) fn rule(_: &Writer, _: Past<'_>, statement: &Statement) -> Result<(), RuleFault> {
    if statement.verb != BEGIN {
        return Err(RuleFault::Verb(statement.verb));
    }
    match Begin::read(&statement.items) {
        Some(Begin { role: 0, .. }) => Ok(()),
        Some(Begin { role, .. }) => Err(RuleFault::Role(role)),
        None => Err(RuleFault::Malformed),
    }
}
