//! What is sealed for the pair: envelopes, the clock of a bundle, the chunks of a blob.

use amends_keys::blob::{self, BlobKey, ChunkError};
use amends_keys::bundle::{self, ClockError};
use amends_keys::identity::{JournalId, LogSecret};
use amends_keys::label;
use amends_keys::seal::{self, EpochSecret, OpenError};
use serde_json::{Value, json};

use crate::craft::{aead, key_and_commit};
use crate::harness::{self, Answer, Area, array, bytes, fixed, flip, hex, number, with};

const JOURNAL: [u8; 32] = [0x4a; 32];
const EPOCH: u32 = 3;
const HEADER: usize = 66;

fn secret() -> [u8; 32] {
    fixed(1)
}

/// How something is sealed; a test turns one of these from what it is to be.
struct Recipe {
    magic: &'static [u8; 4],
    middle: Vec<u8>,
    label: &'static [u8],
    bound: Vec<u8>,
    /// Taken out of what is authenticated.
    left_out: std::ops::Range<usize>,
    nonce: [u8; 12],
}

impl Recipe {
    fn envelope() -> Self {
        Self {
            magic: b"AMND",
            middle: EPOCH.to_be_bytes().to_vec(),
            label: label::ENVELOPE,
            bound: JOURNAL.to_vec(),
            left_out: 0..0,
            nonce: [0; 12],
        }
    }

    fn clock() -> Self {
        Self {
            magic: b"AMNC",
            label: label::BUNDLE_SEAL,
            ..Self::envelope()
        }
    }

    fn chunk(length: u64, index: u32) -> Self {
        Self {
            magic: b"AMNP",
            middle: Vec::new(),
            label: label::BLOB,
            bound: [&JOURNAL[..], &index.to_be_bytes(), &length.to_be_bytes()].concat(),
            ..Self::envelope()
        }
    }

    fn seal(&self, salt: u8, plain: &[u8]) -> Vec<u8> {
        let salt: [u8; 24] = fixed(salt);
        let (key, commit) = key_and_commit(&salt, &secret(), self.label);
        let mut out = [&self.magic[..], &[1, 1], &self.middle, &salt, &commit].concat();
        let mut aad = [&out[..], &self.bound].concat();
        aad.drain(self.left_out.clone());
        out.extend(aead(&key, self.nonce, &aad, plain));
        out
    }
}

fn one_record(record: &[u8]) -> Vec<u8> {
    let len = (record.len() as u32).to_be_bytes();
    [&len[..], record, &fixed::<64>(9)].concat()
}

fn padded(mut plain: Vec<u8>, to: usize) -> Vec<u8> {
    plain.resize(to, 0);
    plain
}

fn answer_envelope(given: &Value) -> Answer {
    let journal = JournalId(array(given, "journal id"));
    let secret = EpochSecret::from_bytes(&array(given, "epoch secret"));
    match seal::open(&bytes(given, "envelope"), &secret, &journal) {
        Ok(opened) => {
            let records: Vec<Value> = opened
                .records()
                .map(|(record, sig)| json!({ "record": hex(record), "signature": hex(sig) }))
                .collect();
            Answer::Gives(json!({ "epoch": opened.epoch(), "records": records }))
        }
        Err(refused) => Answer::refuses(match refused {
            OpenError::TooLarge { .. } => "too large",
            OpenError::TooShort { .. } => "too short",
            OpenError::NotAnEnvelope => "magic",
            OpenError::Version(_) => "version",
            OpenError::Suite(_) => "suite",
            OpenError::OtherSecret => "commitment",
            OpenError::Forged => "aead",
            OpenError::RecordCutShort { .. } => "record length",
            OpenError::NoRecords => "no record",
            OpenError::Padding => "padding",
        }),
    }
}

fn envelopes() -> Area {
    const WHOLE: &str = "An envelope with one record opens";
    let mut area = Area::default();
    let give = |envelope: &[u8]| json!({ "journal id": hex(JOURNAL), "epoch secret": hex(secret()), "envelope": hex(envelope) });
    let (key, journal) = (EpochSecret::from_bytes(&secret()), JournalId(JOURNAL));
    let (record, sig): (Vec<u8>, [u8; 64]) = (b"a record, whatever it says".to_vec(), fixed(9));
    let other = b"and another one".to_vec();
    let seal_of = |salt: u8, records: &[(&[u8], &[u8; 64])]| {
        seal::seal(EPOCH, &key, &journal, fixed(salt), records).unwrap()
    };
    let records = |all: &[&[u8]]| {
        let all: Vec<Value> = all
            .iter()
            .map(|record| json!({ "record": hex(record), "signature": hex(sig) }))
            .collect();
        json!({ "epoch": EPOCH, "records": all })
    };
    let whole = seal_of(2, &[(&record, &sig)]);
    // What is crafted here by the formulas is what the code seals.
    let recipe = Recipe::envelope();
    assert_eq!(recipe.seal(2, &padded(one_record(&record), 256)), whole);
    area.whole(WHOLE, give(&whole), records(&[&record]));
    area.whole(
        "An envelope with two records opens",
        give(&seal_of(3, &[(&record, &sig), (&other, &sig)])),
        records(&[&record, &other]),
    );
    let long = vec![0x61; 700];
    area.whole(
        "An envelope whose record is longer than the least is padded to PADME",
        give(&seal_of(4, &[(&long, &sig)])),
        records(&[&long]),
    );

    let mut no = |says: &str, envelope: &[u8], step: &str| {
        area.broken(WHOLE, says, give(envelope), step);
    };
    no(
        "An envelope that begins with another word is refused",
        &flip(&whole, 0),
        "magic",
    );
    no(
        "An envelope of version 0 is refused",
        &flip(&whole, 4),
        "version",
    );
    no(
        "An envelope of suite 0 is refused",
        &flip(&whole, 5),
        "suite",
    );
    no(
        "An envelope that says another epoch than it was sealed for is refused",
        &flip(&whole, 9),
        "aead",
    );
    no(
        "An envelope with one bit of its salt turned is refused",
        &flip(&whole, 10),
        "commitment",
    );
    no(
        "An envelope with one bit of its commitment turned is refused",
        &flip(&whole, 34),
        "commitment",
    );
    no(
        "An envelope with the last bit of its commitment turned is refused",
        &flip(&whole, 65),
        "commitment",
    );
    no(
        "An envelope with one bit of its ciphertext turned is refused",
        &flip(&whole, HEADER + 5),
        "aead",
    );
    no(
        "An envelope with one bit of its tag turned is refused",
        &flip(&whole, whole.len() - 1),
        "aead",
    );
    no(
        "An envelope that lacks its last byte is refused",
        &whole[..whole.len() - 1],
        "too short",
    );
    no(
        "An envelope with a byte after it is refused",
        &[&whole[..], &[0]].concat(),
        "aead",
    );
    no(
        "An envelope of a header alone is refused",
        &whole[..HEADER],
        "too short",
    );
    no("An empty envelope is refused", &[], "too short");
    let sealed = |recipe: Recipe| recipe.seal(2, &padded(one_record(&record), 256));
    no(
        "An envelope sealed with another nonce than zeros is refused",
        &sealed(Recipe {
            nonce: [1; 12],
            ..Recipe::envelope()
        }),
        "aead",
    );
    no(
        "An envelope that does not authenticate its commitment is refused",
        &sealed(Recipe {
            left_out: 34..66,
            ..Recipe::envelope()
        }),
        "aead",
    );
    no(
        "An envelope that does not authenticate its header is refused",
        &sealed(Recipe {
            left_out: 0..66,
            ..Recipe::envelope()
        }),
        "aead",
    );
    no(
        "An envelope that does not authenticate its journal is refused",
        &sealed(Recipe {
            bound: Vec::new(),
            ..Recipe::envelope()
        }),
        "aead",
    );
    no(
        "An envelope whose key was derived with the label of a blob is refused",
        &sealed(Recipe {
            label: label::BLOB,
            ..Recipe::envelope()
        }),
        "commitment",
    );
    no(
        "The sealed clock of a bundle is no envelope",
        &Recipe::clock().seal(2, &padded(one_record(&record), 256)),
        "magic",
    );
    let inside = |plain: Vec<u8>| recipe.seal(5, &plain);
    no(
        "An envelope of nothing but zeros holds no record",
        &inside(vec![0; 256]),
        "no record",
    );
    no(
        "An envelope that is padded beyond PADME is refused",
        &inside(padded(one_record(&record), 272)),
        "padding",
    );
    no(
        "An envelope that is padded to less than PADME asks for is refused",
        &inside(padded(one_record(&vec![1; 440]), 511)),
        "padding",
    );
    let mut dirty = padded(one_record(&record), 256);
    dirty[255] = 1;
    no(
        "An envelope whose padding is not all zeros is refused",
        &inside(dirty),
        "padding",
    );
    let mut too_long = padded(one_record(&record), 256);
    too_long[..4].copy_from_slice(&1000_u32.to_be_bytes());
    no(
        "An envelope whose record says that it is longer than what is there is refused",
        &inside(too_long),
        "record length",
    );
    let mut no_room = padded(one_record(&record), 256);
    no_room[..4].copy_from_slice(&250_u32.to_be_bytes());
    no(
        "An envelope without room for the signature of its record is refused",
        &inside(no_room),
        "record length",
    );
    let mut endless = padded(one_record(&record), 256);
    endless[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    no(
        "An envelope whose record says that it has four gibibytes is refused",
        &inside(endless),
        "record length",
    );
    let two = [one_record(&[7; 100]), one_record(&[8; 16])].concat();
    assert_eq!(two.len(), 252);
    let mut three = two.clone();
    three.extend_from_slice(&1_u32.to_be_bytes());
    no(
        "An envelope whose last record has a length and nothing else is refused",
        &inside(three),
        "record length",
    );

    area.broken(
        WHOLE,
        "An envelope of another journal is refused",
        with(&give(&whole), "journal id", hex([0x4b; 32])),
        "aead",
    );
    area.broken(
        WHOLE,
        "An envelope under another epoch secret is refused",
        with(&give(&whole), "epoch secret", hex(fixed::<32>(7))),
        "commitment",
    );
    let mut large = give(&whole);
    large["envelope, then zeros"] = json!((1 << 20) + 1 - whole.len());
    area.broken(
        WHOLE,
        "An envelope of a byte over a mebibyte is refused",
        large,
        "too large",
    );
    area
}

#[test]
fn envelopes_are_answered_as_they_say() {
    harness::check("envelope", &envelopes(), answer_envelope);
}

fn answer_clock(given: &Value) -> Answer {
    let journal = JournalId(array(given, "journal id"));
    let secret = EpochSecret::from_bytes(&array(given, "epoch secret"));
    match bundle::open_clock(&bytes(given, "sealed clock"), &secret, &journal) {
        Ok(signed) => Answer::Gives(json!({
            "log key": hex(signed.log.as_bytes()),
            "clock": hex(signed.clock),
        })),
        Err(refused) => Answer::refuses(match refused {
            ClockError::TooLarge { .. } => "too large",
            ClockError::TooShort { .. } => "too short",
            ClockError::NotAClock => "magic",
            ClockError::Version(_) => "version",
            ClockError::Suite(_) => "suite",
            ClockError::OtherSecret => "commitment",
            ClockError::Forged => "aead",
            ClockError::Padding => "padding",
            ClockError::Signature => "signature",
        }),
    }
}

fn clocks() -> Area {
    const WHOLE: &str = "The sealed clock of a bundle opens";
    let mut area = Area::default();
    let log = LogSecret::from_bytes(&fixed(11));
    let clock = b"what is held, in the form of a session's clock".to_vec();
    let give = |sealed: &[u8]| json!({ "journal id": hex(JOURNAL), "epoch secret": hex(secret()), "sealed clock": hex(sealed) });
    let whole = bundle::seal_clock(
        EPOCH,
        &EpochSecret::from_bytes(&secret()),
        &JournalId(JOURNAL),
        fixed(2),
        &log,
        &clock,
    )
    .unwrap();
    let plain = |signed: &[u8], by: &LogSecret| {
        let len = (clock.len() as u32).to_be_bytes();
        let log = log.public();
        padded(
            [&log.as_bytes()[..], &by.sign(signed), &len, &clock].concat(),
            256,
        )
    };
    let log_key = log.public();
    let signed = [label::BUNDLE_CLOCK, &JOURNAL, log_key.as_bytes(), &clock].concat();
    let recipe = Recipe::clock();
    assert_eq!(recipe.seal(2, &plain(&signed, &log)), whole);
    area.whole(
        WHOLE,
        give(&whole),
        json!({ "log key": hex(log_key.as_bytes()), "clock": hex(&clock) }),
    );
    let mut no = |says: &str, sealed: &[u8], step: &str| {
        area.broken(WHOLE, says, give(sealed), step);
    };
    no(
        "A sealed clock that begins as an envelope is refused",
        &[b"AMND", &whole[4..]].concat(),
        "magic",
    );
    no(
        "A sealed clock of version 0 is refused",
        &flip(&whole, 4),
        "version",
    );
    no(
        "A sealed clock of suite 0 is refused",
        &flip(&whole, 5),
        "suite",
    );
    no(
        "A sealed clock with one bit of its commitment turned is refused",
        &flip(&whole, 40),
        "commitment",
    );
    no(
        "A sealed clock that says another epoch is refused",
        &flip(&whole, 9),
        "aead",
    );
    no(
        "A sealed clock with one bit of its ciphertext turned is refused",
        &flip(&whole, 70),
        "aead",
    );
    no(
        "A sealed clock that lacks its last byte is refused",
        &whole[..whole.len() - 1],
        "too short",
    );
    no(
        "A sealed clock that somebody else signed is refused",
        &recipe.seal(2, &plain(&signed, &LogSecret::from_bytes(&fixed(12)))),
        "signature",
    );
    let elsewhere = [label::BUNDLE_CLOCK, &[1; 32], log_key.as_bytes(), &clock].concat();
    no(
        "A sealed clock that was signed for another journal is refused",
        &recipe.seal(2, &plain(&elsewhere, &log)),
        "signature",
    );
    let bare = [&JOURNAL[..], log_key.as_bytes(), &clock].concat();
    no(
        "A sealed clock that was signed without its label is refused",
        &recipe.seal(2, &plain(&bare, &log)),
        "signature",
    );
    let mut dirty = plain(&signed, &log);
    dirty[255] = 1;
    no(
        "A sealed clock whose padding is not all zeros is refused",
        &recipe.seal(2, &dirty),
        "padding",
    );
    let mut long = plain(&signed, &log);
    long[96..100].copy_from_slice(&300_u32.to_be_bytes());
    no(
        "A sealed clock that says that it is longer than what is there is refused",
        &recipe.seal(2, &long),
        "padding",
    );
    area.broken(
        WHOLE,
        "A sealed clock of another journal is refused",
        with(&give(&whole), "journal id", hex([0x4b; 32])),
        "aead",
    );
    area
}

#[test]
fn clocks_of_bundles_are_answered_as_they_say() {
    harness::check("bundle-clock", &clocks(), answer_clock);
}

fn answer_chunk(given: &Value) -> Answer {
    let (length, index) = (number(given, "length of the blob"), number(given, "index"));
    let opened = blob::open_chunk(
        &BlobKey::from_bytes(&array(given, "key")),
        &JournalId(array(given, "journal id")),
        length,
        index as u32,
        &bytes(given, "sealed chunk"),
    );
    match opened {
        Ok(plain) => Answer::Gives(json!({
            "plain": hex(plain.as_slice()),
            "name": hex(blob::chunk_name(&bytes(given, "sealed chunk"))),
        })),
        Err(refused) => Answer::refuses(match refused {
            ChunkError::NoSuchChunk(_) => "no such chunk",
            ChunkError::Size { .. } => "size",
            ChunkError::NotAChunk => "magic",
            ChunkError::Version(_) => "version",
            ChunkError::Suite(_) => "suite",
            ChunkError::OtherKey => "commitment",
            ChunkError::Forged => "aead",
            ChunkError::Padding => "padding",
        }),
    }
}

fn chunks() -> Area {
    const WHOLE: &str = "The one chunk of a small blob opens";
    const LENGTH: u64 = 100;
    let mut area = Area::default();
    let plain: [u8; 100] = fixed(21);
    let give = |sealed: &[u8]| {
        json!({
            "journal id": hex(JOURNAL), "key": hex(secret()), "length of the blob": LENGTH, "index": 0,
            "sealed chunk": hex(sealed),
        })
    };
    let key = BlobKey::from_bytes(&secret());
    let whole = blob::seal_chunk(&key, &JournalId(JOURNAL), fixed(2), LENGTH, 0, &plain).unwrap();
    let recipe = Recipe::chunk(LENGTH, 0);
    assert_eq!(recipe.seal(2, &padded(plain.to_vec(), 256)), whole);
    let name = hex(crate::craft::sha256(&[&whole]));
    area.whole(
        WHOLE,
        give(&whole),
        json!({ "plain": hex(plain), "name": name }),
    );
    let mut no = |says: &str, given: Value, step: &str| area.broken(WHOLE, says, given, step);
    no(
        "A chunk that begins with another word is refused",
        give(&flip(&whole, 0)),
        "magic",
    );
    no(
        "A chunk of version 0 is refused",
        give(&flip(&whole, 4)),
        "version",
    );
    no(
        "A chunk of suite 0 is refused",
        give(&flip(&whole, 5)),
        "suite",
    );
    no(
        "A chunk with one bit of its commitment turned is refused",
        give(&flip(&whole, 30)),
        "commitment",
    );
    no(
        "A chunk with one bit of its ciphertext turned is refused",
        give(&flip(&whole, 70)),
        "aead",
    );
    no(
        "A chunk that lacks its last byte is refused",
        give(&whole[..whole.len() - 1]),
        "size",
    );
    no(
        "A chunk with a byte after it is refused",
        give(&[&whole[..], &[0]].concat()),
        "size",
    );
    no(
        "A chunk in another blob of the same size in steps is refused",
        with(&give(&whole), "length of the blob", 101),
        "aead",
    );
    no(
        "A chunk that a blob does not have is refused",
        with(&give(&whole), "index", 1),
        "no such chunk",
    );
    no(
        "A chunk under the key of another blob is refused",
        with(&give(&whole), "key", hex(fixed::<32>(7))),
        "commitment",
    );
    no(
        "A chunk of another journal is refused",
        with(&give(&whole), "journal id", hex([0x4b; 32])),
        "aead",
    );
    no(
        "A chunk that was sealed as another of its blob is refused",
        give(&Recipe::chunk(LENGTH, 1).seal(2, &padded(plain.to_vec(), 256))),
        "aead",
    );
    let mut dirty = padded(plain.to_vec(), 256);
    dirty[200] = 1;
    no(
        "A chunk whose padding is not all zeros is refused",
        give(&recipe.seal(2, &dirty)),
        "padding",
    );
    area
}

#[test]
fn chunks_of_blobs_are_answered_as_they_say() {
    harness::check("blob", &chunks(), answer_chunk);
}
