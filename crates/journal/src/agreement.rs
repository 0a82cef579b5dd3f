//! Agreements: words that two people agree to, one by one: boundaries, and every other kind that is agreed.
//!
//! The shared part holds the text, which both write; each person's own part holds what they said of it.
//! Whoever proposes agrees to what they proposed; whoever edits agrees to nothing yet.

use crate::act::{Act, ENDS, GREATEST_N, HEADS, Verb};
use crate::entry::Entry;
use crate::kind::{EntryKind, PartKind, Person};
use crate::part::Part;
use crate::rule::RuleFault;
use crate::said::Writer;
use crate::schema::{
    ACTS, DATE, LANGUAGE, PLACE, REVIEW_ON, SCHEMA, TEXT, TITLE, UnknownSchema, WHY,
};
use crate::wall::{LATEST_TIME, PART_OPERATIONS, WRITER_BYTES};
use crate::write::{PART_BYTES, Step, WriteError, Written, write};

mod difference;
mod limits;
mod view;

pub use difference::merge;
pub(crate) use difference::splices;
pub(crate) use limits::plain;
pub use limits::{Field, TEXT_BYTES, TITLE_CHARACTERS};
pub use view::{Agreed, AgreementView, ShownAct, Standing, State, TextVersion};

/// The shared words that an entry begins with.
#[derive(Clone, Copy, Default)]
pub struct Draft<'a> {
    /// One line, at most [`TITLE_CHARACTERS`], or empty.
    pub title: &'a str,
    /// At most [`TEXT_BYTES`].
    pub text: &'a str,
    /// The language of both, as BCP 47 writes it: `en`, `pt-BR`.
    pub language: &'a str,
    /// When to look at it again, as `YYYY-MM-DD`.
    pub review_on: Option<&'a str>,
    /// The day that it is about, where its kind has one.
    pub date: Option<&'a str>,
    /// Where it was, where its kind has one.
    pub place: Option<&'a str>,
}

/// What an edit puts in the place of what is there; `None` leaves it.
#[derive(Clone, Copy, Default)]
pub struct Edit<'a> {
    /// Another title.
    pub title: Option<&'a str>,
    /// Another text.
    pub text: Option<&'a str>,
    /// Another date, or none.
    pub review_on: Option<Option<&'a str>>,
    /// Another day that it is about, or none.
    pub date: Option<Option<&'a str>>,
    /// Another place, or none.
    pub place: Option<Option<&'a str>>,
}

/// A text that may be edited at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// In the shared part.
    Title,
    /// In the shared part.
    Text,
    /// In my own part.
    Why,
}

/// A new boundary, in two parts: the shared one goes first, the act last.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Title, text, language and date.
    pub shared: Written,
    /// The act that proposes and agrees.
    pub own: Written,
}

/// Why a boundary does not let something be written. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Nothing but spaces where something must be said.
    #[error("{0:?} is empty")]
    Empty(Field),
    /// Title in characters, the others in bytes.
    #[error("{field:?} of {size}, {limit} at most")]
    TooLong {
        /// Which.
        field: Field,
        /// How long it is.
        size: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A control character; in a title, one that breaks or turns the line, too.
    #[error("{field:?} holds the character U+{:04X}", u32::from(*character))]
    Character {
        /// Where.
        field: Field,
        /// Which.
        character: char,
    },
    /// Not a language tag of letters, digits and `-`.
    #[error("not a language tag")]
    Language,
    /// Not a day of the calendar as `YYYY-MM-DD`.
    #[error("not a date")]
    Date,
    /// There is no text to speak of yet.
    #[error("nothing is proposed")]
    NothingProposed,
    /// There is nothing to end.
    #[error("nothing is in force")]
    NothingInForce,
    /// The text is in force: it is ended, not declined.
    #[error("the text is in force")]
    InForce,
    /// It is said of a boundary why it matters, and of nothing else.
    #[error("only a boundary has a place for why it matters")]
    NoWhy,
    /// Beyond the end of the text.
    #[error("position {at} in a text of {length}")]
    Position {
        /// Where, in characters.
        at: usize,
        /// How many characters there are.
        length: usize,
    },
    /// The merged part is too long for more edits here.
    #[error("the part is full: {size}, {limit} at most")]
    PartTooLong {
        /// What it weighs, in bytes, or how many operations it counts.
        size: u64,
        /// From where on it takes no more.
        limit: u64,
    },
    /// More ends, or more devices' heads, than an act can name.
    #[error("more than an act can name")]
    TooMany,
    /// A rule of the entry's kind.
    #[error("{0}")]
    Fault(#[from] RuleFault),
    /// Nothing here knows entries of this schema.
    #[error(transparent)]
    UnknownSchema(#[from] UnknownSchema),
    /// The edit could not be made.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Begins a boundary. The proposal is also its author's agreement to exactly this text.
///
/// The writer's entry is new and random. `now`, in milliseconds since 1970 UTC, is kept as a claim, for showing.
///
/// # Errors
/// [`RuleError`], where the draft breaks a limit.
pub fn propose(writer: &Writer, now: i64, draft: &Draft<'_>) -> Result<Proposed, RuleError> {
    let shared = Part::new(EntryKind::Boundary, SCHEMA, PartKind::Shared)?;
    let own = Part::new(EntryKind::Boundary, SCHEMA, PartKind::Own)?;
    let steps = draft_steps(EntryKind::Boundary, draft)?;
    let shared = write(&shared, writer, now, &steps)?.ok_or(RuleError::Empty(Field::Text))?;
    let boundary = Entry {
        entry: writer.entry,
        shared: &shared.part,
        mine: &own,
        partners: &own,
    };
    let current = boundary.current();
    let own = boundary.say_act(
        writer,
        now,
        Verb::Propose,
        current.hash,
        shared.part.heads(),
        &[],
        "",
    )?;
    Ok(Proposed { shared, own })
}

/// What puts a draft into a new shared part, within the limits.
pub(crate) fn draft_steps<'a>(
    kind: EntryKind,
    draft: &Draft<'a>,
) -> Result<Vec<Step<'a>>, RuleError> {
    limits::title(draft.title)?;
    limits::plain(Field::Title, draft.title)?;
    // What is agreed to must be there, but the outcome of a session may be written later; other kinds may say all of it
    // elsewhere.
    let may_be_empty = !is_agreed(kind) || kind == EntryKind::Checkin;
    if !may_be_empty || !draft.text.is_empty() {
        limits::text(draft.text)?;
    }
    limits::plain(Field::Text, draft.text)?;
    limits::language(draft.language)?;
    limits::review_on(draft.review_on)?;
    limits::date(draft.date)?;
    limits::place(draft.place)?;
    let mut steps = vec![
        Step::Put {
            key: LANGUAGE,
            value: draft.language,
        },
        Step::Splice {
            place: TITLE,
            at: 0,
            delete: 0,
            insert: draft.title,
        },
        Step::Splice {
            place: TEXT,
            at: 0,
            delete: 0,
            insert: draft.text,
        },
    ];
    let fields = [
        (REVIEW_ON, draft.review_on),
        (DATE, draft.date),
        (PLACE, draft.place),
    ];
    steps.extend(
        fields
            .into_iter()
            .filter_map(|(key, value)| Some(Step::Put { key, value: value? })),
    );
    Ok(steps)
}

/// Whether the shared text of a kind is agreed to, word for word.
pub(crate) fn is_agreed(kind: EntryKind) -> bool {
    matches!(
        kind,
        EntryKind::Boundary | EntryKind::Lesson | EntryKind::Checkin | EntryKind::Packet
    )
}

impl Entry<'_> {
    /// Puts a new title, text or date in the place of what is there, by the smallest splices, so that
    /// what the partner edits at the same time stays. Nobody has agreed to what comes of it.
    ///
    /// `None` where nothing changes.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn edit(
        &self,
        writer: &Writer,
        now: i64,
        edit: &Edit<'_>,
    ) -> Result<Option<Written>, RuleError> {
        self.proposed()?;
        room(self.shared)?;
        let current = self.current();
        let mut steps = Vec::new();
        if let Some(title) = edit.title {
            limits::title(title)?;
            steps.extend(rewrite(Field::Title, TITLE, &current.title, title)?);
        }
        if let Some(text) = edit.text {
            if is_agreed(self.kind()) || !text.is_empty() {
                limits::text(text)?;
            }
            steps.extend(rewrite(Field::Text, TEXT, &current.text, text)?);
        }
        limits::review_on(edit.review_on.flatten())?;
        limits::date(edit.date.flatten())?;
        limits::place(edit.place.flatten())?;
        for (key, value) in [
            (REVIEW_ON, edit.review_on),
            (DATE, edit.date),
            (PLACE, edit.place),
        ] {
            let Some(value) = value.map(Option::unwrap_or_default) else {
                continue;
            };
            if self.shared.field(key, None).as_deref() != Some(value) {
                steps.push(Step::Put { key, value });
            }
        }
        Ok(write(self.shared, writer, now, &steps)?)
    }

    /// A live edit: at a position, in characters, deletes so many and inserts. The text may be empty
    /// on the way; what is empty cannot be agreed to.
    ///
    /// For [`TextField::Why`] it is the own part that is written, else the shared one. `None` where
    /// nothing changes.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn splice(
        &self,
        writer: &Writer,
        now: i64,
        field: TextField,
        at: usize,
        delete: usize,
        insert: &str,
    ) -> Result<Option<Written>, RuleError> {
        let (part, place, field) = match field {
            TextField::Title => (self.shared, TITLE, Field::Title),
            TextField::Text => (self.shared, TEXT, Field::Text),
            TextField::Why => {
                self.has_why()?;
                (self.mine, WHY, Field::Why)
            }
        };
        if place != WHY || field != Field::Why {
            self.proposed()?;
        }
        room(part)?;
        limits::plain(field, insert)?;
        let length = part.length(place);
        if at.checked_add(delete).is_none_or(|end| end > length) {
            return Err(RuleError::Position { at, length });
        }
        if field == Field::Title {
            let size = length
                .saturating_sub(delete)
                .saturating_add(insert.chars().count());
            if size > TITLE_CHARACTERS {
                return Err(limits::too_long(field, size, TITLE_CHARACTERS));
            }
        } else {
            let text = part.text(place, None).unwrap_or_default();
            let gone: usize = text.chars().skip(at).take(delete).map(char::len_utf8).sum();
            let size = text.len().saturating_sub(gone).saturating_add(insert.len());
            if size > TEXT_BYTES {
                return Err(limits::too_long(field, size, TEXT_BYTES));
            }
        }
        Ok(write(
            part,
            writer,
            now,
            &[Step::Splice {
                place,
                at,
                delete,
                insert,
            }],
        )?)
    }

    /// Other kinds keep something else in that place, or nothing.
    fn has_why(&self) -> Result<(), RuleError> {
        if self.kind() == EntryKind::Boundary {
            Ok(())
        } else {
            Err(RuleError::NoWhy)
        }
    }

    /// Puts down why it matters to me, in my own part. `None` where nothing changes.
    ///
    /// # Errors
    /// [`RuleError`]; [`RuleError::NoWhy`] in every kind but a boundary.
    pub fn say_why(
        &self,
        writer: &Writer,
        now: i64,
        why: &str,
    ) -> Result<Option<Written>, RuleError> {
        self.has_why()?;
        limits::why(why)?;
        room(self.mine)?;
        let before = self.mine.text(WHY, None).unwrap_or_default();
        Ok(write(
            self.mine,
            writer,
            now,
            &rewrite(Field::Why, WHY, &before, why)?,
        )?)
    }

    /// Agrees to exactly the current text, an ended one included: the agreement names every end there
    /// is, and so begins anew. `None` where I already agree to it.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn agree(&self, writer: &Writer, now: i64) -> Result<Option<Written>, RuleError> {
        self.proposed()?;
        let current = self.current();
        if current.text.trim().is_empty() {
            return Err(RuleError::Empty(Field::Text));
        }
        let acts = self.judged();
        if view::agrees(&acts, Person::Me, &current.hash) {
            return Ok(None);
        }
        room(self.mine)?;
        self.say_act(
            writer,
            now,
            Verb::Agree,
            current.hash,
            self.shared.heads(),
            &acts,
            "",
        )
        .map(Some)
    }

    /// Says no to the current text, with or without a reason. `None` where that is already my last
    /// word on it, for the same reason.
    ///
    /// # Errors
    /// [`RuleError::InForce`] where the current text is in force: that is ended.
    pub fn decline(
        &self,
        writer: &Writer,
        now: i64,
        reason: Option<&str>,
    ) -> Result<Option<Written>, RuleError> {
        self.proposed()?;
        let reason = reason.unwrap_or("");
        limits::reason(reason)?;
        let current = self.current();
        let acts = self.judged();
        if view::agreement_in_force(&acts).is_some_and(|shown| shown.act.hash == current.hash) {
            return Err(RuleError::InForce);
        }
        let last = view::last_word(&acts, Person::Me, &current.hash);
        if last.is_some_and(|shown| shown.act.verb == Verb::Decline && shown.act.reason == reason) {
            return Ok(None);
        }
        room(self.mine)?;
        self.say_act(
            writer,
            now,
            Verb::Decline,
            current.hash,
            self.shared.heads(),
            &acts,
            reason,
        )
        .map(Some)
    }

    /// Ends what is in force, alone and for both, with or without a reason. No limit of length stands
    /// in its way.
    ///
    /// # Errors
    /// [`RuleError::NothingInForce`].
    pub fn end(
        &self,
        writer: &Writer,
        now: i64,
        reason: Option<&str>,
    ) -> Result<Written, RuleError> {
        let reason = reason.unwrap_or("");
        limits::reason(reason)?;
        let acts = self.judged();
        let ending = view::agreement_in_force(&acts).ok_or(RuleError::NothingInForce)?;
        let (hash, heads) = (ending.act.hash, ending.act.heads.clone());
        self.say_act(writer, now, Verb::End, hash, heads, &acts, reason)
    }

    /// Nothing can be said of what nobody proposed.
    fn proposed(&self) -> Result<(), RuleError> {
        if self.shared.is_new() {
            Err(RuleError::NothingProposed)
        } else {
            Ok(())
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an act has so many fields, and each verb differs in each"
    )]
    fn say_act(
        &self,
        writer: &Writer,
        now: i64,
        verb: Verb,
        hash: [u8; 32],
        heads: Vec<[u8; 32]>,
        acts: &[ShownAct],
        reason: &str,
    ) -> Result<Written, RuleError> {
        let act = self.act(now, verb, hash, heads, acts, reason)?;
        let written = write(
            self.mine,
            writer,
            now,
            &[Step::Act {
                place: ACTS,
                bytes: act.bytes(),
            }],
        )?;
        written.ok_or_else(|| WriteError::Automerge("the act changed nothing".into()).into())
    }

    /// The next act in this entry.
    pub(crate) fn act(
        &self,
        now: i64,
        verb: Verb,
        hash: [u8; 32],
        heads: Vec<[u8; 32]>,
        acts: &[ShownAct],
        reason: &str,
    ) -> Result<Act, RuleError> {
        let mut ends: Vec<_> = acts
            .iter()
            .filter(|shown| shown.act.verb == Verb::End)
            .map(|shown| shown.id)
            .collect();
        ends.sort_unstable();
        if verb == Verb::End {
            // An end is an end whatever it names: nothing may stand in its way.
            ends.truncate(ENDS);
        }
        if ends.len() > ENDS || heads.len() > HEADS {
            return Err(RuleError::TooMany);
        }
        Ok(Act {
            verb,
            n: self.greatest_n().saturating_add(1).min(GREATEST_N),
            time: now.clamp(0, LATEST_TIME),
            hash,
            heads,
            ends,
            reason: reason.to_owned(),
        })
    }
}

/// The splices that make one text into another, as steps, if what they put in is plain.
fn rewrite<'a>(
    field: Field,
    place: usize,
    old: &str,
    new: &'a str,
) -> Result<Vec<Step<'a>>, RuleError> {
    difference::splices(old, new)
        .into_iter()
        .map(|difference::Splice { at, delete, insert }| {
            limits::plain(field, insert)?;
            Ok(Step::Splice {
                place,
                at,
                delete,
                insert,
            })
        })
        .collect()
}

/// Whether a part takes more local edits. The last one that it takes may be a whole new text, and still passes the wall.
pub(crate) fn room(part: &Part) -> Result<(), RuleError> {
    let (written, operations) = part.size();
    let measures = [
        (part.weight() as u64, PART_BYTES as u64),
        (written, WRITER_BYTES / 2),
        // An operation for each character that goes, and for each that comes.
        (operations, PART_OPERATIONS - 2 * TEXT_BYTES as u64 - 4_096),
    ];
    match measures.into_iter().find(|(size, limit)| size > limit) {
        Some((size, limit)) => Err(RuleError::PartTooLong { size, limit }),
        None => Ok(()),
    }
}
