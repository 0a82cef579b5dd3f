//! What the record and the journal's hashes are made of, by the formulas of `docs/PROTOCOL.md`
//! section 3 and `docs/DESIGN.md` section 2. This is the one place to put the replica's and the
//! journal's own functions in their stead.

use amends_keys::identity::{JournalId, LogKey};
use amends_keys::{label, lv};
use sha2::{Digest, Sha256};

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

/// One change of a record of kind 1.
pub(crate) struct Change {
    pub(crate) entry_id: [u8; 16],
    pub(crate) entry_kind: [u8; 1],
    pub(crate) schema: [u8; 1],
    pub(crate) part: [u8; 1],
    pub(crate) change: Vec<u8>,
}

pub(crate) fn payload(c: &Change) -> Vec<u8> {
    lv::of(&[&c.entry_id, &c.entry_kind, &c.schema, &c.part, &c.change])
}

pub(crate) fn record(
    journal: &JournalId,
    log: &LogKey,
    author: &Author,
    payload: &[u8],
) -> Vec<u8> {
    [
        label::RECORD,
        &journal.0,
        &log.0,
        &author.seq.to_be_bytes(),
        &[0; 32],
        &author.epoch.to_be_bytes(),
        &[author.kind],
        &0_u16.to_be_bytes(),
        &u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
        payload,
    ]
    .concat()
}

pub(crate) fn record_hash(record: &[u8]) -> [u8; 32] {
    Sha256::digest([label::RECORD_HASH, record].concat()).into()
}

pub(crate) fn actor(log: &LogKey) -> Vec<u8> {
    Sha256::digest([label::ACTOR, &log.0].concat())
        .into_iter()
        .take(16)
        .collect()
}

/// `texts`: kind, language, title, text, review date.
pub(crate) fn agree_hash(entry_id: &[u8; 16], texts: &[String]) -> [u8; 32] {
    let mut items: Vec<&[u8]> = vec![b"amends/agree/v1", entry_id];
    items.extend(texts.iter().map(String::as_bytes));
    Sha256::digest(lv::of(&items)).into()
}

pub(crate) fn together_hash(
    journal: &JournalId,
    entry_id: &[u8; 16],
    log: &LogKey,
    nonce: &[u8; 32],
    text: &str,
) -> [u8; 32] {
    let label = b"amends/together/v1";
    Sha256::digest(lv::of(&[
        label,
        &journal.0,
        entry_id,
        &log.0,
        nonce,
        text.as_bytes(),
    ]))
    .into()
}
