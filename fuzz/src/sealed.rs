//! Envelopes, the clock of a bundle, the chunks of a photo: what is sealed for the pair (PROTOCOL sections 3 and 4).

use amends_keys::blob::{self, BlobKey};
use amends_keys::bundle;
use amends_keys::identity::{JournalId, LogSecret};
use amends_keys::seal::{self, EpochSecret};

use super::mend::{self, Form};
use super::word;

const JOURNAL: JournalId = JournalId([7; 32]);
const SECRET: [u8; 32] = [1; 32];
const SALT: [u8; 24] = [9; 24];
const EPOCH: [u8; 4] = [0, 0, 0, 3];

const ENVELOPE: Form<'_> = Form {
    magic: b"AMND",
    middle: &EPOCH,
    label: b"amends/env/v1 key|commit",
    bound: &JOURNAL.0,
};
const CLOCK: Form<'_> = Form {
    magic: b"AMNC",
    middle: &EPOCH,
    label: b"amends/bundle/v1 key|commit",
    bound: &JOURNAL.0,
};

fn secret() -> EpochSecret {
    EpochSecret::from_bytes(&SECRET)
}

/// Two records, as honest as it takes.
fn honest_envelope() -> Vec<u8> {
    let records: [(&[u8], _); 2] = [(b"first", &[3; 64]), (b"second", &[4; 64])];
    seal::seal(3, &secret(), &JOURNAL, SALT, &records).unwrap()
}

/// 0: raw bytes. 1: these bytes, sealed. 2: these bytes, filled up as they should be, and sealed. 3: an honest envelope,
/// altered.
pub fn envelope(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let bytes = match how % 4 {
        0 => rest.to_vec(),
        1 => mend::seal(&ENVELOPE, &SECRET, &SALT, rest),
        2 => {
            let mut plain = rest.to_vec();
            plain.resize(seal::padme(plain.len().max(256)), 0);
            mend::seal(&ENVELOPE, &SECRET, &SALT, &plain)
        }
        _ => mend::altered(&honest_envelope(), rest),
    };
    let opened = match seal::open(&bytes, &secret(), &JOURNAL) {
        Ok(opened) => opened,
        Err(error) => return word(&error),
    };
    if how % 4 == 3 {
        assert_eq!(bytes, honest_envelope(), "an altered envelope opened");
    }
    // There is one form of an envelope with these records, this salt and this secret.
    assert_eq!(seal::epoch_of(&bytes), Ok(opened.epoch()));
    let epoch = opened.epoch();
    let records = opened.into_records();
    let again: Vec<(&[u8], &[u8; 64])> = records
        .iter()
        .map(|(record, signature)| (record.as_slice(), signature))
        .collect();
    assert_eq!(
        seal::seal(epoch, &secret(), &JOURNAL, SALT, &again).as_ref(),
        Ok(&bytes)
    );
    assert_eq!(
        seal::sealed_len(records.iter().map(|(record, _)| record.len())),
        Some(bytes.len())
    );
    let other = EpochSecret::from_bytes(&[2; 32]);
    assert!(seal::open(&bytes, &other, &JOURNAL).is_err());
    if records.len() == 1 {
        "one record".into()
    } else {
        "records".into()
    }
}

pub fn envelope_seeds() -> Vec<Vec<u8>> {
    let record = |body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&len[..], body, &[5; 64]].concat()
    };
    let two = [record(b"one"), record(b"two"), vec![0; 4]].concat();
    let mut padded = two.clone();
    padded.resize(256, 0);
    vec![
        [&[0], &honest_envelope()[..]].concat(),
        [&[1], &padded[..]].concat(),
        [&[2], &record(b"alone")[..]].concat(),
        [&[2], &two[..]].concat(),
        [&[2], &record(&[1; 300])[..]].concat(),
        vec![2],
        [&[2], &two[..], &[1]].concat(),
        vec![2, 0, 0, 1, 0, 7],
        vec![3],
        vec![3, 0, 4, 1],
        vec![3, 0, 70, 1],
        vec![3, 0, 40, 1],
        vec![0],
    ]
}

/// 0: raw bytes. 1: these bytes, signed and sealed as a clock. 2: these bytes, sealed. 3: an honest clock, altered.
pub fn clock(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let log = LogSecret::from_bytes(&[2; 32]);
    let honest =
        |clock: &[u8]| bundle::seal_clock(3, &secret(), &JOURNAL, SALT, &log, clock).unwrap();
    let bytes = match how % 4 {
        0 => rest.to_vec(),
        1 => honest(rest),
        2 => mend::seal(&CLOCK, &SECRET, &SALT, rest),
        _ => mend::altered(&honest(b"a clock"), rest),
    };
    let signed = match bundle::open_clock(&bytes, &secret(), &JOURNAL) {
        Ok(signed) => signed,
        Err(error) => {
            assert_ne!(how % 4, 1, "an honest clock is refused: {error}");
            return word(&error);
        }
    };
    assert_eq!(bundle::epoch_of(&bytes), Ok(3));
    assert_eq!(signed.log, log.public(), "nobody else can have signed it");
    assert_eq!(honest(&signed.clock), bytes, "a clock has one form");
    "signed".into()
}

pub fn clock_seeds() -> Vec<Vec<u8>> {
    let mut plain = [&[6; 96][..], &[0, 0, 0, 7], b"a clock"].concat();
    plain.resize(256, 0);
    vec![
        b"\x01a clock".to_vec(),
        [&[1], &[0; 300][..]].concat(),
        [&[2], &plain[..]].concat(),
        [&[2], &[0; 256][..]].concat(),
        [&[2], &[0; 300][..]].concat(),
        vec![2],
        vec![3],
        vec![3, 0, 90, 1],
        vec![3, 0, 0, 1],
        vec![0],
    ]
}

/// How (one byte), the blob's length (four bytes) and the chunk's number (one), then as for an envelope: 0: raw bytes.
/// 1: these bytes, sealed. 2: these bytes, filled up as they should be, and sealed. 3: an honest chunk, altered.
pub fn chunk(input: &[u8]) -> String {
    let Some((head, rest)) = input.split_first_chunk::<6>() else {
        return "empty".into();
    };
    let [how, a, b, c, d, index] = *head;
    let length = u64::from(u32::from_be_bytes([a, b, c, d]));
    let index = u32::from(index);
    let bound = [&JOURNAL.0[..], &index.to_be_bytes(), &length.to_be_bytes()].concat();
    let form = Form {
        magic: b"AMNP",
        middle: &[],
        label: b"amends/blob/v1 key|commit",
        bound: &bound,
    };
    let key = BlobKey::from_bytes(&SECRET);
    let short = &rest[..rest.len().min(255)];
    let bytes = match how % 4 {
        0 => rest.to_vec(),
        1 => mend::seal(&form, &SECRET, &SALT, rest),
        2 => {
            let mut plain = rest.to_vec();
            plain.resize(seal::padme(plain.len().max(256)), 0);
            mend::seal(&form, &SECRET, &SALT, &plain)
        }
        _ => {
            let honest = blob::seal_chunk(&key, &JOURNAL, SALT, 5, 0, b"photo").unwrap();
            mend::altered(&honest, short)
        }
    };
    let opened = match blob::open_chunk(&key, &JOURNAL, length, index, &bytes) {
        Ok(opened) => opened,
        Err(error) => return word(&error),
    };
    let again = blob::seal_chunk(&key, &JOURNAL, SALT, length, index, &opened).unwrap();
    assert_eq!(again, bytes, "a chunk has one form");
    assert_eq!(
        blob::sealed_chunk_len(length, index),
        Ok(bytes.len()),
        "its length is known before"
    );
    "opened".into()
}

pub fn chunk_seeds() -> Vec<Vec<u8>> {
    let head =
        |how: u8, length: u32, index: u8| [&[how][..], &length.to_be_bytes(), &[index]].concat();
    vec![
        [head(2, 5, 0), b"photo".to_vec()].concat(),
        [head(2, 5, 0), b"photos".to_vec()].concat(),
        [head(1, 5, 0), vec![0; 256]].concat(),
        [head(2, 300, 0), vec![8; 300]].concat(),
        [head(2, 131_073, 1), vec![8]].concat(),
        [head(2, 5, 1), b"photo".to_vec()].concat(),
        head(2, 0, 0),
        head(2, u32::MAX, 255),
        head(3, 5, 0),
        [head(3, 5, 0), vec![0, 70, 1]].concat(),
        [head(3, 5, 0), vec![0, 10, 1]].concat(),
        head(0, 5, 0),
    ]
}
