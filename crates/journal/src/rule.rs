//! The rules of statements: what may follow what in one person's own part. The wall asks them of every statement, whoever
//! wrote it; they see the statements that it causally follows in that own part and nothing else, so that every device
//! decides alike whenever it asks.

use crate::said::{BEGIN, Begin, Statement, Writer};

/// Statements that one follows, those of its own change before it included.
pub(crate) type Past<'a> = &'a [&'a Statement];

/// Whether a kind allows a statement of one of its own verbs, or its role for [`BEGIN`].
pub(crate) type Rule = fn(&Writer, Past<'_>, &Statement) -> Result<(), RuleFault>;

/// What a statement breaks. Each is a sentence that a person may read, and holds nothing that anyone wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// A verb that the kind does not have.
    #[error("verb {0} is not known")]
    Verb(u8),
    /// Its items are not those of its verb.
    #[error("what it holds is malformed")]
    Malformed,
    /// A role that the kind does not have.
    #[error("role {0} is not known")]
    Role(u8),
    /// The entry's id was made by somebody else.
    #[error("it would begin what somebody else began")]
    NotItsBeginner,
    /// An entry begins once, and first.
    #[error("it would begin an entry anew")]
    BegunBefore,
    /// Only who began the entry says this.
    #[error("only who began it can do that")]
    OnlyBeginner,
    /// Only the other person says this.
    #[error("only the other of you can do that")]
    OnlyOther,
    /// It is said once, and stays.
    #[error("it was said once, and that stays as it is")]
    Once,
    /// Something must be said before it.
    #[error("something that must come first is missing")]
    Before,
    /// Nothing but spaces.
    #[error("it holds no words")]
    Empty,
    /// More than it may hold.
    #[error("it is longer than it may be")]
    TooLong,
    /// It stands in a private store or nowhere.
    #[error("a private draft does not belong in the journal of two")]
    Private,
    /// A space that is over before it begins, or longer than a space may be.
    #[error("a space lasts 72 hours at most, and ends after it is asked for")]
    SpaceLength,
    /// What it names is not there.
    #[error("what it speaks of is not there")]
    Names,
    /// What it names is there, and something newer is too.
    #[error("there is something newer than what it speaks of")]
    Newer,
    /// A plain account in a talk told together.
    #[error("in a talk told together, what one tells is fixed first and seen when both are")]
    Sealed,
    /// A commitment in a talk that is not told together.
    #[error("this talk is not told together")]
    NotTogether,
    /// An account that is not the one committed to.
    #[error("it is not what its author had committed to")]
    Mismatch,
}

/// The rule of every kind, before the kind's own: an entry is begun once, first, and by whom its id says.
pub(crate) fn judge(
    kind: crate::EntryKind,
    rule: Rule,
    writer: &Writer,
    past: Past<'_>,
    statement: &Statement,
) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        let begin = Begin::read(&statement.items).ok_or(RuleFault::Malformed)?;
        if !past.is_empty() {
            return Err(RuleFault::BegunBefore);
        }
        if !begin.is_of(writer, kind) {
            return Err(RuleFault::NotItsBeginner);
        }
    }
    if crate::draft::is_drafts(statement.verb) {
        return crate::draft::rule(writer, past, statement);
    }
    rule(writer, past, statement)
}

/// What the own part's person began, if they did.
pub(crate) fn begun(past: Past<'_>) -> Option<Begin> {
    past.iter()
        .find(|statement| statement.verb == BEGIN)
        .and_then(|statement| Begin::read(&statement.items))
}

/// An item that is words: UTF-8 of at most so many bytes.
pub(crate) fn words(item: &[u8], limit: usize) -> Result<&str, RuleFault> {
    if item.len() > limit {
        return Err(RuleFault::TooLong);
    }
    std::str::from_utf8(item).map_err(|_| RuleFault::Malformed)
}

/// An item of exactly so many bytes.
pub(crate) fn exact<const N: usize>(item: &[u8]) -> Result<[u8; N], RuleFault> {
    item.try_into().map_err(|_| RuleFault::Malformed)
}
