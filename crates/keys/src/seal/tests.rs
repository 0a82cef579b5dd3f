use super::*;
use crate::kdf;
use proptest::prelude::*;

const JOURNAL: JournalId = JournalId([7; 32]);

fn secret() -> EpochSecret {
    EpochSecret::from_bytes(&[8; 32])
}

fn sealed(records: &[(&[u8], &[u8; 64])]) -> Vec<u8> {
    seal(3, &secret(), &JOURNAL, [9; 24], records).unwrap()
}

/// Seals a plaintext of any form, as a partner with another program could.
fn sealed_plain(plain: &[u8]) -> Vec<u8> {
    FORM.seal(
        &[0, 0, 0, 3],
        &[9; 24],
        secret().expose(),
        &JOURNAL.0,
        plain,
    )
    .ok()
    .unwrap()
}

type Records = Vec<(Vec<u8>, [u8; 64])>;

fn opened(envelope: &[u8]) -> Result<Records, OpenError> {
    open(envelope, &secret(), &JOURNAL).map(Opened::into_records)
}

#[test]
fn padme_is_as_in_the_paper() {
    // From the definition: e = floor(log2 n), s = floor(log2 e) + 1, the low e - s bits zero.
    for (n, padded) in [
        (0, 0),
        (1, 1),
        (2, 2),
        (8, 8),
        (9, 10),
        (100, 104),
        (256, 256),
        (257, 272),
        (1000, 1024),
    ] {
        assert_eq!(padme(n), padded, "of {n}");
    }
    for n in 1..100_000_usize {
        let p = padme(n);
        assert!(p >= n && p <= n + n / 8 && padme(p) == p, "of {n}");
    }
    assert_eq!(padme(usize::MAX), usize::MAX);
}

#[test]
fn an_envelope_opens_under_one_key_only() {
    let envelope = sealed(&[(b"a record", &[1; 64])]);
    let other = EpochSecret::from_bytes(&[80; 32]);
    assert_eq!(
        open(&envelope, &other, &JOURNAL),
        Err(OpenError::OtherSecret)
    );

    // Whoever puts a commitment of their own in place of the right one gains nothing either: each
    // key's commitment excludes the other key, and the header is part of the AAD.
    let mut forged = envelope.clone();
    let (_, commit) = kdf::key_and_commit(&[9; 24], other.expose(), label::ENVELOPE);
    forged[34..66].copy_from_slice(&commit);
    assert_eq!(opened(&forged), Err(OpenError::OtherSecret));
    assert_eq!(open(&forged, &other, &JOURNAL), Err(OpenError::Forged));
}

#[test]
fn an_envelope_belongs_to_its_journal() {
    let envelope = sealed(&[(b"a record", &[1; 64])]);
    assert_eq!(
        open(&envelope, &secret(), &JournalId([70; 32])),
        Err(OpenError::Forged)
    );
}

#[test]
fn every_flipped_bit_is_noticed() {
    let envelope = sealed(&[(b"a record", &[1; 64])]);
    assert!(opened(&envelope).is_ok());
    for i in 0..envelope.len() {
        for bit in 0..8 {
            let mut changed = envelope.clone();
            changed[i] ^= 1 << bit;
            let error = opened(&changed).unwrap_err();
            let expected = match i {
                0..4 => OpenError::NotAnEnvelope,
                4 => OpenError::Version(changed[4]),
                5 => OpenError::Suite(changed[5]),
                6..10 => OpenError::Forged,
                10..66 => OpenError::OtherSecret,
                _ => OpenError::Forged,
            };
            assert_eq!(error, expected, "byte {i}");
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let envelope = sealed(&[(b"a record", &[1; 64])]);
    for end in 0..envelope.len() {
        assert!(opened(&envelope[..end]).is_err());
        assert!(end >= FORM.least() || epoch_of(&envelope[..end]).is_err());
    }
    let longer = [&envelope[..], &[0]].concat();
    assert_eq!(opened(&longer), Err(OpenError::Forged));
    let size = MAX_ENVELOPE + 1;
    assert_eq!(opened(&vec![0; size]), Err(OpenError::TooLarge { size }));
}

#[test]
fn what_is_inside_has_one_form() {
    let item = [&5_u32.to_be_bytes()[..], b"hello", &[1; 64]].concat();
    let with = |len: usize, parts: &[&[u8]]| {
        let mut plain = parts.concat();
        plain.resize(len, 0);
        sealed_plain(&plain)
    };
    assert_eq!(opened(&with(256, &[&item])).unwrap().len(), 1);
    assert_eq!(opened(&with(256, &[&item, &item])).unwrap().len(), 2);
    assert_eq!(opened(&with(256, &[])), Err(OpenError::NoRecords));
    assert_eq!(opened(&with(272, &[&item])), Err(OpenError::Padding));
    assert_eq!(opened(&with(257, &[&item])), Err(OpenError::Padding));
    assert_eq!(
        opened(&with(256, &[&item, &[0; 9], &[1]])),
        Err(OpenError::Padding)
    );
    assert_eq!(
        opened(&with(256, &[&item, &[0, 0, 0, 200]])),
        Err(OpenError::RecordCutShort {
            expected: 200,
            got: 179
        })
    );
    assert_eq!(
        opened(&with(256, &[&item, &[0xff; 4]])),
        Err(OpenError::RecordCutShort {
            expected: u32::MAX,
            got: 179
        })
    );
    // A record that fits and leaves no room for its signature.
    assert_eq!(
        opened(&with(256, &[&item, &[0, 0, 0, 170]])),
        Err(OpenError::RecordCutShort {
            expected: 170,
            got: 179
        })
    );
}

#[test]
fn lengths_around_a_step_of_the_padding_open_again() {
    // One record that fills the plaintext to the byte leaves no room for an ending 0 and needs none.
    for len in 120..700 {
        let record = vec![1; len];
        for count in 1..4 {
            let envelope = sealed(&vec![(&record[..], &[2; 64]); count]);
            assert_eq!(Some(envelope.len()), sealed_len(vec![len; count]));
            assert_eq!(opened(&envelope).unwrap().len(), count, "{count} of {len}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_before_sealing() {
    let no = |records: &[(&[u8], &[u8; 64])]| seal(0, &secret(), &JOURNAL, [0; 24], records);
    assert_eq!(no(&[]), Err(SealError::NoRecords));
    assert_eq!(no(&[(b"", &[0; 64])]), Err(SealError::EmptyRecord));
    assert_eq!(
        no(&[(&vec![1; MAX_ENVELOPE], &[0; 64])]),
        Err(SealError::TooLarge)
    );
    assert_eq!(sealed_len([usize::MAX, 1]), None);
    assert_eq!(sealed_len([]), None);

    let longest = (1..MAX_ENVELOPE)
        .rev()
        .find(|len| sealed_len([*len]).is_some())
        .unwrap();
    let envelope = sealed(&[(&vec![1; longest], &[0; 64])]);
    assert!(envelope.len() <= MAX_ENVELOPE);
    assert_eq!(opened(&envelope).unwrap()[0].0.len(), longest);
}

#[test]
fn a_row_opens_in_its_place_under_its_key() {
    let key = StoreKey::from_bytes(&[1; 32]);
    let row = seal_row(&key, [2; 24], b"card:1", b"Evenings");
    assert_eq!(open_row(&key, b"card:1", &row).unwrap(), b"Evenings");
    assert_eq!(open_row(&key, b"card:2", &row), Err(RowError::Damaged));
    let other = StoreKey::from_bytes(&[3; 32]);
    assert_eq!(open_row(&other, b"card:1", &row), Err(RowError::Damaged));
    for i in 0..row.len() {
        let mut changed = row.clone();
        changed[i] ^= 0x10;
        assert_eq!(open_row(&key, b"card:1", &changed), Err(RowError::Damaged));
    }
    for size in 0..40 {
        assert_eq!(
            open_row(&key, b"card:1", &row[..size]),
            Err(RowError::TooShort { size })
        );
    }
    assert_eq!(
        open_row(&key, b"", &seal_row(&key, [0; 24], b"", b"")).unwrap(),
        b""
    );
}

#[test]
fn debug_shows_no_secret_and_no_text() {
    let opened = open(&sealed(&[(b"a record", &[1; 64])]), &secret(), &JOURNAL).unwrap();
    let shown = format!(
        "{:?} {:?} {:?}",
        secret(),
        StoreKey::from_bytes(&[1; 32]),
        opened
    );
    assert_eq!(
        shown,
        "EpochSecret(secret) StoreKey(secret) Opened(epoch 3, 1 records)"
    );
}

proptest! {
    #[test]
    fn what_was_sealed_opens(
        epoch: u32,
        key: [u8; 32],
        salt: [u8; 24],
        records in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..900), any::<u8>()), 1..8),
    ) {
        let secret = EpochSecret::from_bytes(&key);
        let records: Vec<(Vec<u8>, [u8; 64])> = records.into_iter().map(|(r, s)| (r, [s; 64])).collect();
        let slices: Vec<(&[u8], &[u8; 64])> = records.iter().map(|(r, s)| (&r[..], s)).collect();
        let envelope = seal(epoch, &secret, &JOURNAL, salt, &slices).unwrap();
        prop_assert_eq!(epoch_of(&envelope), Ok(epoch));
        let opened = open(&envelope, &secret, &JOURNAL).unwrap();
        prop_assert_eq!(opened.epoch(), epoch);
        prop_assert_eq!(opened.into_records(), records);
        prop_assert_eq!(padme(envelope.len() - FORM.overhead()), envelope.len() - FORM.overhead());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(opened(&bytes).is_err());
        // And none inside a rightly sealed envelope, whatever they say their lengths are.
        let _ = opened(&sealed_plain(&bytes));
    }

    #[test]
    fn rows_open_again(plain in prop::collection::vec(any::<u8>(), 0..500), nonce: [u8; 24], aad: [u8; 9]) {
        let key = StoreKey::from_bytes(&[4; 32]);
        prop_assert_eq!(open_row(&key, &aad, &seal_row(&key, nonce, &aad, &plain)).unwrap(), plain);
    }
}

#[test]
fn one_record_needs_no_ending_zero_and_two_do() {
    // 66 bytes of header and 16 of tag; a length and a signature are 68.
    assert_eq!(sealed_len([256 - 68]), Some(66 + 16 + 256));
    assert_eq!(sealed_len([257 - 68]), Some(66 + 16 + padme(257)));
    assert_eq!(sealed_len([1, 252 - 2 * 68 - 1]), Some(66 + 16 + 256));
    assert_eq!(
        sealed_len([1, 253 - 2 * 68 - 1]),
        Some(66 + 16 + padme(257))
    );
    assert!(padme(257) > 256);
    let short = OpenError::TooShort { size: 1 };
    assert!(short.to_string().ends_with("the least is 338"));
}
