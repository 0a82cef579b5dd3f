//! What this person does: the way of an edit into this device's log (DESIGN section 3, steps 2 and 3).

mod photo;

use std::collections::BTreeSet;

use amends_journal::wall::claims;
use amends_journal::{
    Begin, Draft, Entry, EntryId, EntryKind, FindError, PartKind, RuleError, SCHEMA, Say, Writer,
    Written, propose,
};
use rand_core::CryptoRng;
use thiserror::Error;

use crate::effect::{Effect, HandleError, Shown, World};
use crate::payload::{Item, MAX_ITEMS, write_items};
use crate::record::{Record, RecordHash, RecordKind, Seen, actor_of};
use crate::replica::Replica;
use crate::rows::{self, Fate, PartName, RecordRow, RowError, Whose, name};
use crate::shelf::{Gathered, Shelf, Table};

pub use photo::NewPhoto;

/// Something that this person does to the journal.
#[derive(Clone)]
pub enum Edit {
    /// Propose a boundary; it is also this person's agreement to that exact text.
    Propose(Words),
    /// Begin an entry of any other kind.
    Begin(Beginnings),
    /// Begin it with an id that is known before: see [`Replica::new_seed`].
    BeginWith {
        /// The random bytes that the id is made from.
        seed: [u8; 16],
        /// What it begins with.
        beginnings: Beginnings,
    },
    /// Change the shared words of an entry; nobody's agreement.
    Change {
        /// Which.
        entry: EntryId,
        /// What.
        change: Change,
    },
    /// Put down why a boundary matters to this person.
    Why {
        /// Which.
        entry: EntryId,
        /// In their words.
        why: String,
    },
    /// Say something, in this person's own part.
    Say {
        /// Of which entry.
        entry: EntryId,
        /// In this order, all or nothing.
        says: Vec<Say>,
    },
    /// Put a photo into a memory, as a sealed blob.
    Photo {
        /// Which.
        entry: EntryId,
        /// What.
        photo: NewPhoto,
    },
    /// Agree to the current text.
    Agree {
        /// Which.
        entry: EntryId,
        /// The hash of the text that was shown, where it was shown: another text now is refused.
        shown: Option<[u8; 32]>,
    },
    /// Decline the current text.
    Decline {
        /// Which.
        entry: EntryId,
        /// Why, if they want to say.
        reason: Option<String>,
    },
    /// End this person's agreement, alone.
    End {
        /// Which.
        entry: EntryId,
        /// Why, if they want to say.
        reason: Option<String>,
    },
}

/// The shared words that an entry begins with.
#[derive(Clone, Default)]
pub struct Words {
    /// One line, may be empty.
    pub title: String,
    /// The text.
    pub text: String,
    /// BCP 47 tag of the language it is written in.
    pub language: String,
    /// When to look at it again (RFC 3339 full-date).
    pub review_on: Option<String>,
    /// The day that it is about.
    pub date: Option<String>,
    /// Where it was.
    pub place: Option<String>,
}

impl Words {
    fn draft(&self) -> Draft<'_> {
        Draft {
            title: &self.title,
            text: &self.text,
            language: &self.language,
            review_on: self.review_on.as_deref(),
            date: self.date.as_deref(),
            place: self.place.as_deref(),
        }
    }
}

/// What becomes of an entry's shared words; what is absent stays.
#[derive(Clone, Default)]
pub struct Change {
    /// Another title.
    pub title: Option<String>,
    /// Another text.
    pub text: Option<String>,
    /// Another review date, or none.
    pub review_on: Option<Option<String>>,
    /// Another day that it is about, or none.
    pub date: Option<Option<String>>,
    /// Another place, or none.
    pub place: Option<Option<String>>,
}

/// What an entry of any kind but a boundary begins with.
#[derive(Clone)]
pub struct Beginnings {
    /// What it is.
    pub kind: EntryKind,
    /// Which of its kind's roles it has, 0 where there is one alone.
    pub role: u8,
    /// The entry that it came from.
    pub from: Option<EntryId>,
    /// Its shared words, where it has any.
    pub words: Option<Words>,
    /// Whether they are also this person's agreement to exactly these words.
    pub agreed: bool,
    /// What its author says of it at once.
    pub says: Vec<Say>,
}

impl Edit {
    /// The entry that is there already, and whether this only ends something in it.
    fn entry(&self) -> Option<(EntryId, bool)> {
        match self {
            Edit::Propose(_) | Edit::Begin(_) | Edit::BeginWith { .. } => None,
            Edit::Change { entry, .. }
            | Edit::Why { entry, .. }
            | Edit::Say { entry, .. }
            | Edit::Photo { entry, .. }
            | Edit::Agree { entry, .. }
            | Edit::Decline { entry, .. } => Some((*entry, false)),
            Edit::End { entry, .. } => Some((*entry, true)),
        }
    }
}

impl std::fmt::Debug for Edit {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (verb, entry) = match self {
            Edit::Propose(_) => return f.write_str("Propose"),
            Edit::Begin(beginnings) | Edit::BeginWith { beginnings, .. } => {
                return write!(f, "Begin({:?})", beginnings.kind);
            }
            Edit::Change { entry, .. } => ("Change", entry),
            Edit::Why { entry, .. } => ("Why", entry),
            Edit::Say { entry, .. } => ("Say", entry),
            Edit::Photo { entry, .. } => ("Photo", entry),
            Edit::Agree { entry, .. } => ("Agree", entry),
            Edit::Decline { entry, .. } => ("Decline", entry),
            Edit::End { entry, .. } => ("End", entry),
        };
        write!(f, "{verb}({entry:?})")
    }
}

/// Why an edit is not possible. Nothing changed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// The partner's device has not confirmed the pair.
    #[error("the partner's device has not confirmed the pair")]
    Unconfirmed,
    /// The partner's device holds more of this device's log than this device does.
    #[error("this home is an older copy of itself")]
    OlderCopy,
    /// Something in the entry was written by a later version: nothing is written over it.
    #[error("a later version wrote in it")]
    Unread,
    /// No such entry.
    #[error("no such entry")]
    Unknown,
    /// This home was put back or copied too often: there are as many logs of this device as there may be.
    #[error("there are as many logs of this device as there may be")]
    TooManyLogs,
    /// The text is another one than was shown.
    #[error("the text has changed since it was shown")]
    TextChanged,
    /// A rule of the journal.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The random numbers given name existing entries again and again.
    #[error("no new id could be made")]
    NoId,
}

/// A record's payload is filled up to this many bytes where it holds more than one item.
const PAYLOAD_FILL: usize = 192 * 1024;
/// And up to this many operations: with one change more it stays below [`RECORD_OPERATIONS`](crate::apply::RECORD_OPERATIONS).
const OPERATIONS_FILL: u64 = 64_000;

impl Replica {
    pub(crate) fn edit(
        &mut self,
        world: &mut World<'_>,
        edit: Edit,
    ) -> Result<Vec<Effect>, HandleError> {
        if !self.member.confirmed {
            return Err(EditError::Unconfirmed.into());
        }
        // A record written now would carry a number that is taken already: both texts would be lost to a fork.
        if !self.due && self.is_older_copy() {
            return Err(EditError::OlderCopy.into());
        }
        if let Some((entry, ends)) = edit.entry()
            && self.is_unread(&entry, ends)
        {
            return Err(EditError::Unread.into());
        }
        let now = world.now;
        let gathered = Gathered::new(world.shelf);
        match edit {
            Edit::Propose(words) => {
                let entry = self.new_id(world)?;
                let writer = self.writer(&self.me, entry);
                let proposed = propose(&writer, now, &words.draft()).map_err(EditError::Rule)?;
                let of = (EntryKind::Boundary, SCHEMA);
                self.write(world, entry, of, Some(proposed.shared), Some(proposed.own))
            }
            Edit::Begin(beginnings) => {
                let kind = beginnings.kind;
                let seed = self.new_id_from(world, |seed| self.seeded(kind, seed))?.1;
                self.begin(world, &beginnings, seed)
            }
            Edit::BeginWith { seed, beginnings } => self.begin(world, &beginnings, seed),
            Edit::Change { entry, change } => {
                let edit = amends_journal::Edit {
                    title: change.title.as_deref(),
                    text: change.text.as_deref(),
                    review_on: change.review_on.as_ref().map(Option::as_deref),
                    date: change.date.as_ref().map(Option::as_deref),
                    place: change.place.as_ref().map(Option::as_deref),
                };
                let (of, shared) = self.of_entry(&gathered, &entry, |entry, writer| {
                    entry.edit(writer, now, &edit)
                })?;
                self.write(world, entry, of, shared, None)
            }
            Edit::Agree { entry, shown } => {
                if let Some(shown) = shown {
                    self.must_hold(&entry)?;
                    let current = self.with_entry(&gathered, &entry, |e| e.agreement().current)?;
                    if current.hash != shown {
                        return Err(EditError::TextChanged.into());
                    }
                }
                let (of, own) =
                    self.of_entry(&gathered, &entry, |entry, writer| entry.agree(writer, now))?;
                self.write(world, entry, of, None, own)
            }
            Edit::Why { entry, why } => {
                let (of, own) = self.of_entry(&gathered, &entry, |entry, writer| {
                    entry.say_why(writer, now, &why)
                })?;
                self.write(world, entry, of, None, own)
            }
            Edit::Say { entry, says } => {
                let (of, own) = self.of_entry(&gathered, &entry, |entry, writer| {
                    entry.say(writer, now, &says).map(Some)
                })?;
                self.write(world, entry, of, None, own)
            }
            Edit::Photo { entry, photo } => self.add_photo(world, entry, photo),
            Edit::Decline { entry, reason } => {
                let (of, own) = self.of_entry(&gathered, &entry, |entry, writer| {
                    entry.decline(writer, now, reason.as_deref())
                })?;
                self.write(world, entry, of, None, own)
            }
            Edit::End { entry, reason } => {
                let (of, own) = self.of_entry(&gathered, &entry, |entry, writer| {
                    entry.end(writer, now, reason.as_deref()).map(Some)
                })?;
                self.write(world, entry, of, None, own)
            }
        }
    }

    /// What an edit writes into an entry that is there, and what kind of entry it is.
    fn of_entry(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        then: impl FnOnce(&Entry<'_>, &Writer) -> Result<Option<Written>, RuleError>,
    ) -> Result<((EntryKind, u8), Option<Written>), HandleError> {
        self.must_hold(entry)?;
        let writer = self.writer(&self.me, *entry);
        let (of, written) = self.with_entry(gathered, entry, |entry| {
            let of = (entry.kind(), entry.mine.schema_version());
            (of, then(entry, &writer))
        })?;
        Ok((of, written.map_err(EditError::Rule)?))
    }

    fn begin(
        &mut self,
        world: &mut World<'_>,
        beginnings: &Beginnings,
        nonce: [u8; 16],
    ) -> Result<Vec<Effect>, HandleError> {
        let kind = beginnings.kind;
        let entry = self.seeded(kind, &nonce);
        if self.cards.contains_key(&entry) {
            return Err(EditError::NoId.into());
        }
        let begin = Begin {
            nonce,
            role: beginnings.role,
            from: beginnings.from,
        };
        let begun = amends_journal::begin(
            kind,
            &self.writer(&self.me, entry),
            world.now,
            begin,
            beginnings.words.as_ref().map(Words::draft).as_ref(),
            beginnings.agreed,
            &beginnings.says,
        )
        .map_err(EditError::Rule)?;
        self.write(world, entry, (kind, SCHEMA), begun.shared, Some(begun.own))
    }

    /// Random bytes that an entry of this kind can begin with.
    ///
    /// # Errors
    /// [`EditError::NoId`].
    pub fn new_seed(
        &self,
        kind: EntryKind,
        rng: &mut dyn CryptoRng,
    ) -> Result<[u8; 16], EditError> {
        Ok(self.free_id(rng, |seed| self.seeded(kind, seed))?.1)
    }

    /// The id of the entry that this device begins with these random bytes.
    #[must_use]
    pub fn seeded(&self, kind: EntryKind, seed: &[u8; 16]) -> EntryId {
        Begin::id(
            &self.journal.0,
            kind,
            &actor_of(&self.root_of(&self.me)),
            seed,
        )
    }

    fn must_hold(&self, entry: &EntryId) -> Result<(), EditError> {
        if self.cards.contains_key(entry) {
            Ok(())
        } else {
            Err(EditError::Unknown)
        }
    }

    /// A random id whose first two words no entry has, so that short ids stay short.
    fn new_id(&self, world: &mut World<'_>) -> Result<EntryId, HandleError> {
        Ok(self.new_id_from(world, |random| EntryId(*random))?.0)
    }

    /// The same where an id is made of random bytes; gives those too.
    fn new_id_from(
        &self,
        world: &mut World<'_>,
        id_of: impl Fn(&[u8; 16]) -> EntryId,
    ) -> Result<(EntryId, [u8; 16]), HandleError> {
        for _ in 0..64 {
            let (id, random) = self.free_id(world.rng, &id_of)?;
            if self.whole || !is_begun(world.shelf, &id)? {
                return Ok((id, random));
            }
        }
        Err(EditError::NoId.into())
    }

    /// One that no entry has whose card is here.
    fn free_id(
        &self,
        rng: &mut dyn CryptoRng,
        id_of: impl Fn(&[u8; 16]) -> EntryId,
    ) -> Result<(EntryId, [u8; 16]), EditError> {
        for _ in 0..64 {
            let mut random = [0u8; 16];
            rng.fill_bytes(&mut random);
            let id = id_of(&random);
            if self.find(&id.words(2)) == Err(FindError::None) {
                return Ok((id, random));
            }
        }
        Err(EditError::NoId)
    }

    /// Puts what was written into records of this device's log: text first, act last, all in one transaction.
    fn write(
        &mut self,
        world: &mut World<'_>,
        entry: EntryId,
        of: (EntryKind, u8),
        shared: Option<Written>,
        own: Option<Written>,
    ) -> Result<Vec<Effect>, HandleError> {
        let gathered = Gathered::new(world.shelf);
        self.write_with(gathered, world, entry, of, shared, own)
    }

    /// The same, in the transaction of what was gathered already.
    fn write_with(
        &mut self,
        mut gathered: Gathered<'_>,
        world: &mut World<'_>,
        entry: EntryId,
        (kind, schema): (EntryKind, u8),
        shared: Option<Written>,
        own: Option<Written>,
    ) -> Result<Vec<Effect>, HandleError> {
        let item = |part: PartKind, change: &Vec<u8>| Item {
            entry,
            kind: kind.byte(),
            schema,
            part,
            change: change.clone(),
        };
        let items: Vec<Item> = shared
            .iter()
            .flat_map(|written| {
                written
                    .changes
                    .iter()
                    .map(|change| item(PartKind::Shared, change))
            })
            .chain(own.iter().flat_map(|written| {
                written
                    .changes
                    .iter()
                    .map(|change| item(PartKind::Own, change))
            }))
            .collect();
        if items.is_empty() {
            return Ok(vec![Effect::Show(Shown::Edited(entry))]);
        }

        let mut last = 0;
        for group in groups(&items) {
            last = self.append(
                &mut gathered,
                world,
                RecordKind::Change,
                write_items(group),
                &BTreeSet::from([entry]),
            )?;
        }
        if let Some(written) = shared {
            self.keep_part(&mut gathered, entry, PartName::Shared, written.part);
        }
        if let Some(written) = own {
            self.keep_part(&mut gathered, entry, PartName::Mine, written.part);
        }
        self.keep_card(&mut gathered, world.now, entry, (kind, schema), Some(last))?;
        self.keep_logs(&mut gathered)?;

        let sends = self.pump_all(&gathered, world)?;
        let mut effects = vec![
            Effect::Save {
                writes: gathered.into_writes(),
                durable: true,
            },
            Effect::Show(Shown::Edited(entry)),
            Effect::Show(Shown::Changed {
                entry,
                by: Whose::Mine,
            }),
        ];
        effects.extend(sends);
        Ok(effects)
    }

    /// Appends one record to this device's log: numbers, signs and seals it. Gives its number.
    pub(crate) fn append(
        &mut self,
        gathered: &mut Gathered<'_>,
        world: &mut World<'_>,
        kind: RecordKind,
        payload: Vec<u8>,
        entries: &BTreeSet<EntryId>,
    ) -> Result<u64, HandleError> {
        let me = self.me;
        let mut seen = Vec::new();
        for (key, log) in &mut self.logs {
            if *key != me && log.named < log.seq {
                seen.push(Seen {
                    log: *key,
                    seq: log.seq,
                    hash: log.head,
                });
                log.named = log.seq;
            }
        }
        let (epoch, secret) = self
            .epochs
            .last_key_value()
            .ok_or_else(|| HandleError::Seal("no epoch".to_owned()))?;
        let own = self
            .logs
            .get_mut(&me)
            .ok_or(RowError::Missing(name::LOGS))?;
        let seq = own
            .seq
            .checked_add(1)
            .ok_or_else(|| HandleError::Seal("the log is full".to_owned()))?;
        let record = Record {
            journal: self.journal,
            log: me,
            seq,
            prev: own.head,
            epoch: *epoch,
            kind: kind as u8,
            seen,
            payload,
        };
        let bytes = record.to_bytes();
        let signature = Record::sign(&bytes, &self.secret);
        let mut salt = [0u8; 24];
        world.rng.fill_bytes(&mut salt);
        let envelope =
            amends_keys::seal::seal(*epoch, secret, &self.journal, salt, &[(&bytes, &signature)])
                .map_err(|error| HandleError::Seal(error.to_string()))?;
        own.seq = seq;
        own.head = RecordHash::of(&bytes);

        let row = RecordRow {
            hash: own.head,
            envelope: self.next_envelope,
            place: 0,
            fate: Fate::Applied,
            held_at: world.now,
            entries: entries.iter().map(|entry| entry.0).collect(),
        };
        gathered.put(
            Table::Record,
            rows::record_key(own.number, seq),
            rows::encode(name::RECORD, &row)?,
        );
        gathered.put(
            Table::Envelope,
            self.next_envelope.to_be_bytes().to_vec(),
            envelope,
        );
        self.next_envelope = self.next_envelope.saturating_add(1);
        Ok(seq)
    }
}

/// Whether there is an entry whose id begins with the same two words: four bytes.
fn is_begun(shelf: &dyn Shelf, id: &EntryId) -> Result<bool, RowError> {
    let beginning = id.0.get(..4).unwrap_or_default();
    let next = shelf.scan(Table::Card, beginning, 1)?;
    Ok(next.iter().any(|(key, _)| key.starts_with(beginning)))
}

/// Splits items into rows that fit a record each, in order.
pub(crate) fn groups(items: &[Item]) -> Vec<&[Item]> {
    let mut groups = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut weight = 0usize;
        let mut operations = 0u64;
        let mut count = 0usize;
        for item in rest {
            weight = weight.saturating_add(item.change.len()).saturating_add(64);
            operations = operations.saturating_add(claims(&item.change));
            let full = weight > PAYLOAD_FILL || operations > OPERATIONS_FILL;
            if count == MAX_ITEMS || (count > 0 && full) {
                break;
            }
            count = count.saturating_add(1);
        }
        let (group, tail) = rest.split_at(count.min(rest.len()));
        groups.push(group);
        rest = tail;
    }
    groups
}
