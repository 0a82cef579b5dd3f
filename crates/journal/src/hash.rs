//! The two hashes that people's words are bound by, and the length-prefixed items they are over.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::ids::EntryId;
use crate::kind::EntryKind;

/// Appends each item's length in LEB128 and its bytes: `lv(a, b, …)` of PROTOCOL.
pub(crate) fn lv(items: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.iter().map(|i| i.len().saturating_add(10)).sum());
    for item in items {
        leb128(item.len() as u64, &mut out);
        out.extend_from_slice(item);
    }
    out
}

/// Unsigned LEB128 (DWARF 5, section 7.6), shortest form.
pub(crate) fn leb128(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// SHA-256 of `lv` of the items.
fn sha256_lv(items: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut length = Vec::with_capacity(10);
    for item in items {
        length.clear();
        leb128(item.len() as u64, &mut length);
        hash.update(&length);
        hash.update(item);
    }
    hash.finalize().into()
}

/// The text in NFC. Most texts are, and to see that costs far less than to make it so.
fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// What an agreement is to (DESIGN section 2, Acts): SHA-256 of
/// `lv("amends/agree/v1", entry id, kind name, language, title, text, review date)`, strings in NFC;
/// the review date is empty where there is none.
#[must_use]
pub fn agree_hash(
    entry: &EntryId,
    kind: EntryKind,
    language: &str,
    title: &str,
    text: &str,
    review_on: &str,
) -> [u8; 32] {
    sha256_lv(&[
        b"amends/agree/v1",
        &entry.0,
        kind.name().as_bytes(),
        nfc(language).as_bytes(),
        nfc(title).as_bytes(),
        nfc(text).as_bytes(),
        nfc(review_on).as_bytes(),
    ])
}

/// What an entry holds, as a [`packet`](crate::packet) names it: SHA-256 of
/// `lv("amends/packet/v1", entry id, kind name, head, …)`, every head of its three parts, rising.
#[must_use]
pub fn content_digest(entry: &EntryId, kind: EntryKind, heads: &[[u8; 32]]) -> [u8; 32] {
    let mut items: Vec<&[u8]> = vec![b"amends/packet/v1", &entry.0, kind.name().as_bytes()];
    items.extend(heads.iter().map(|head| head.as_slice()));
    sha256_lv(&items)
}

/// What a talk's account written `--together` is bound by before it is revealed (DESIGN section 2,
/// talk): SHA-256 of `lv("amends/together/v1", journal id, entry id, log key, nonce, text)`, the text
/// in NFC.
#[must_use]
pub fn together_hash(
    journal: &[u8; 32],
    entry: &EntryId,
    log_pk: &[u8; 32],
    nonce: &[u8; 32],
    text: &str,
) -> [u8; 32] {
    sha256_lv(&[
        b"amends/together/v1",
        journal,
        &entry.0,
        log_pk,
        nonce,
        nfc(text).as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// `vectors/pairing-and-envelope.json`, `hashes` and `inputs`.
    #[test]
    fn the_hashes_are_those_of_the_protocol() {
        let entry = EntryId([0x79; 16]);
        let agree = |text: &str| {
            agree_hash(
                &entry,
                EntryKind::Boundary,
                "en",
                "Evenings",
                text,
                "2027-03-01",
            )
        };
        let expected = "88cba79cda799c39213a24511745419d42078d1055cf359c741d058cea15c6d9";
        assert_eq!(
            hex(&agree("We put phones away at dinner, caf\u{e9} included.")),
            expected
        );
        // Typed on a keyboard that composes differently, it is the same text.
        assert_eq!(
            hex(&agree(
                "We put phones away at dinner, cafe\u{301} included."
            )),
            expected
        );

        let log_pk = "c84069fa2216c6edc1d52ca83aa11c267dd5440afa526090ca43ebd0ca86a9cf";
        let mut key = [0; 32];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&log_pk[2 * at..2 * at + 2], 16).unwrap();
        }
        assert_eq!(
            hex(&together_hash(
                &[0x77; 32],
                &entry,
                &key,
                &[0x7a; 32],
                "what happened, as I saw it"
            )),
            "fd60919d48ecf14bd49021baaef1b5578538cb8f3b64ca31e805bedc9879e5e0"
        );
    }
}
