//! Why an envelope commits to its key: without that, one ciphertext can be made for two keys.

use amends_keys::identity::JournalId;
use amends_keys::label;
use amends_keys::seal::{self, EpochSecret, OpenError};
use serde_json::Value;

use crate::craft::{key_and_commit, open_aead};
use crate::harness::{array, bytes, text};

const HEADER: usize = 66;

/// Two secrets under which plain ChaCha20-Poly1305 opens the same bytes: made by `tests/vectors/salamander.py`.
#[test]
fn a_salamander_opens_under_two_keys_without_the_commitment_and_under_one_with_it() {
    let salamanders: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/salamander.json")).unwrap();
    let salamanders = salamanders["salamanders"].as_array().unwrap();
    assert_eq!(salamanders.len(), 2);
    for salamander in salamanders {
        let envelope = bytes(salamander, "envelope");
        let journal: [u8; 32] = array(salamander, "journal id");
        let (header, ct) = envelope.split_at(HEADER);
        let aad = [header, &journal].concat();
        let mut opened = Vec::new();
        for name in ["opens under", "is refused under"] {
            let secret: [u8; 32] = array(salamander, name);
            let (key, _) = key_and_commit(&header[10..34], &secret, label::ENVELOPE);
            let plain = open_aead(&key, [0; 12], &aad, ct);
            opened.push(plain.expect("the cipher itself takes it under both keys"));
        }
        assert_ne!(opened[0], opened[1]);

        let ours = |name: &str| {
            let secret = EpochSecret::from_bytes(&array(salamander, name));
            seal::open(&envelope, &secret, &JournalId(journal))
        };
        let taken = ours("opens under").expect("its commitment is to this key");
        assert_eq!(taken.records().len(), 1);
        assert_eq!(ours("is refused under"), Err(OpenError::OtherSecret));
    }
    // The same two secrets, each time the other one is refused: neither is a bad secret by itself.
    let key = |at: usize, name: &str| text(&salamanders[at], name).to_owned();
    assert_eq!(key(0, "opens under"), key(1, "is refused under"));
    assert_eq!(key(1, "opens under"), key(0, "is refused under"));
}
