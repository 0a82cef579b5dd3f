//! The record, by the replica's own code, and the journal's hashes, by the journal's (`docs/PROTOCOL.md` section 3 and
//! `docs/DESIGN.md` section 2).

use amends_journal::{EntryId, EntryKind, PartKind};
use amends_keys::identity::{JournalId, LogKey};
use amends_replica::{Item, Record, RecordHash, write_items};

use crate::file::Outcome;

/// "author of the record": who wrote it, and its numbers.
pub(crate) struct Author {
    pub(crate) side: String,
    pub(crate) seq: u64,
    pub(crate) epoch: u32,
    pub(crate) kind: u8,
}

impl Author {
    /// Reads `J, seq 1, prev zeros, epoch 0, kind 1, nothing seen`.
    pub(crate) fn read(text: &str) -> Outcome<Self> {
        let not_read = || format!("inputs/author of the record is not understood: {text}");
        let parts: Vec<&str> = text.split(", ").collect();
        let [
            side @ ("J" | "H"),
            seq,
            "prev zeros",
            epoch,
            kind,
            "nothing seen",
        ] = parts[..]
        else {
            return Err(not_read());
        };
        let number = |part: &str, name: &str| part.strip_prefix(name)?.parse::<u64>().ok();
        let author = || {
            Some(Self {
                side: side.to_owned(),
                seq: number(seq, "seq ")?,
                epoch: number(epoch, "epoch ")?.try_into().ok()?,
                kind: number(kind, "kind ")?.try_into().ok()?,
            })
        };
        author().ok_or_else(not_read)
    }
}

/// The payload of a record of kind 1 that holds one change.
pub(crate) fn payload(
    entry: [u8; 16],
    kind: u8,
    schema: u8,
    part: u8,
    change: Vec<u8>,
) -> Outcome<Vec<u8>> {
    let part = PartKind::from_byte(part).ok_or("inputs/part is neither 00 nor 01")?;
    Ok(write_items([&Item {
        entry: EntryId(entry),
        kind,
        schema,
        part,
        change,
    }]))
}

pub(crate) fn record(
    journal: &JournalId,
    log: &LogKey,
    author: &Author,
    payload: Vec<u8>,
) -> Record {
    Record {
        journal: *journal,
        log: *log,
        seq: author.seq,
        prev: RecordHash::NONE,
        epoch: author.epoch,
        kind: author.kind,
        seen: Vec::new(),
        payload,
    }
}

/// `texts`: kind, language, title, text, review date.
pub(crate) fn agree_hash(entry: &EntryId, texts: &[String]) -> Outcome<[u8; 32]> {
    let [kind, language, title, text, review_on] = texts else {
        return Err("inputs/agree is not five texts".to_owned());
    };
    let known = (0..=u8::MAX).filter_map(EntryKind::from_byte);
    let kind = known.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or("inputs/agree names no kind of entry")?;
    Ok(amends_journal::agree_hash(
        entry, kind, language, title, text, review_on,
    ))
}
