//! What goes over the wire and into the logs, byte for byte.

use amends_journal::{EntryId, PartKind};
use amends_keys::blob::BlobKey;
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey};
use amends_replica::{
    Beginning, BlobRef, Clock, Frame, FrameError, Item, PayloadError, Position, Record,
    RecordError, RecordHash, Seen, actor_of, read_items, write_items,
};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn records_hashes_actors_and_payloads_are_as_the_vectors_say() {
    let file = include_str!("../../keys/tests/vectors/pairing-and-envelope.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let value = |section: &str, field: &str| hex(file[section][field].as_str().unwrap());
    let array = |field: &str| -> [u8; 32] { value("inputs", field).try_into().unwrap() };

    let secret = LogSecret::from_bytes(&array("log_sk_J"));
    let item = Item {
        entry: EntryId(value("inputs", "entry_id").try_into().unwrap()),
        kind: value("inputs", "entry_kind")[0],
        schema: value("inputs", "schema")[0],
        part: PartKind::Shared,
        change: value("inputs", "change"),
    };
    let payload = write_items([&item]);
    assert_eq!(payload, value("envelope", "payload"));
    assert_eq!(read_items(&payload), Ok(vec![item]));
    let record = Record {
        journal: JournalId(array("journal_id")),
        log: secret.public(),
        seq: 1,
        prev: RecordHash::NONE,
        epoch: 0,
        kind: 1,
        seen: vec![],
        payload,
    };
    let bytes = record.to_bytes();
    assert_eq!(bytes, value("envelope", "rec"));
    let signature = Record::sign(&bytes, &secret);
    assert_eq!(signature.to_vec(), value("envelope", "sig"));
    assert_eq!(Record::verify(&bytes, &signature), Ok(record));
    assert_eq!(
        RecordHash::of(&bytes).0.to_vec(),
        value("envelope", "rec_hash")
    );
    assert_eq!(
        actor_of(&secret.public()).0.to_vec(),
        value("envelope", "actor")
    );
}

prop_compose! {
    fn record()(
        ids in any::<([u8; 32], [u8; 32], [u8; 32])>(),
        seq in 1u64..,
        epoch: u32,
        kind: u8,
        seen in prop::collection::vec(any::<([u8; 32], u64, [u8; 32])>(), 0..5),
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Record {
        Record {
            journal: JournalId(ids.0), log: LogKey(ids.1), seq, prev: RecordHash(ids.2), epoch, kind,
            seen: seen.into_iter().map(|(log, seq, hash)| Seen { log: LogKey(log), seq, hash: RecordHash(hash) }).collect(),
            payload,
        }
    }
}

prop_compose! {
    fn item()(entry: [u8; 16], kind: u8, schema: u8, own: bool, change in prop::collection::vec(any::<u8>(), 0..300)) -> Item {
        Item { entry: EntryId(entry), kind, schema, part: if own { PartKind::Own } else { PartKind::Shared }, change }
    }
}

fn position() -> impl Strategy<Value = Position> {
    let runs = prop::collection::vec((1u64..9, 0u64..9), 0..6).prop_map(|steps| {
        let mut at = 0;
        let run = |(gap, length): &(u64, u64)| {
            let first = at + gap;
            at = first + length;
            (first, at)
        };
        steps.iter().map(run).collect()
    });
    (any::<u64>(), any::<[u8; 32]>(), runs).prop_map(|(seq, head, set_aside)| Position {
        seq,
        head,
        set_aside,
    })
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written_and_in_no_other_form(record in record(), cut: prop::sample::Index) {
        let bytes = record.to_bytes();
        prop_assert_eq!(Record::parse(&bytes), Ok(record));
        prop_assert!(Record::parse(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert_eq!(Record::parse(&[&bytes[..], &[0]].concat()), Err(RecordError::Trailing(1)));
        prop_assert_eq!(Record::verify(&bytes, &[1; 64]), Err(RecordError::Signature));
    }

    #[test]
    fn items_are_read_as_they_were_written(items in prop::collection::vec(item(), 1..6)) {
        prop_assert_eq!(read_items(&write_items(&items)), Ok(items));
    }

    #[test]
    fn a_clock_is_read_as_it_was_written(logs in prop::collection::btree_map(any::<[u8; 32]>(), position(), 0..5), again: bool, chunks: Option<bool>) {
        let clock = Clock(logs.into_iter().map(|(log, position)| (LogKey(log), position)).collect());
        let frame = Frame::Clock {
            clock,
            again,
            chunks,
            knows: amends_replica::KNOWS,
        };
        prop_assert_eq!(Frame::parse(&frame.to_bytes()), Ok(frame));
    }

    #[test]
    fn a_set_aside_record_is_found_in_its_run(position in position(), seq in 0u64..70) {
        let simple = position.set_aside.iter().any(|(first, last)| (*first..=*last).contains(&seq));
        prop_assert_eq!(position.is_set_aside(seq), simple);
    }

    #[test]
    fn other_frames_are_read_as_they_were_written(bytes in prop::collection::vec(any::<u8>(), 0..99), names in prop::collection::vec(any::<[u8; 32]>(), 1..=64)) {
        for frame in [
            Frame::Envelope(bytes.clone()),
            Frame::Chunk(bytes),
            Frame::Ask(names.clone()),
            Frame::Have(names.clone()),
            Frame::Lack(names.clone()),
            Frame::Whether(names),
            Frame::Heartbeat,
            Frame::Unknown(77),
        ] {
            prop_assert_eq!(Frame::parse(&frame.to_bytes()), Ok(frame));
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (Frame::parse(&bytes), Record::parse(&bytes), read_items(&bytes), Beginning::parse(&bytes));
    }
}

#[test]
fn a_beginning_is_read_as_it_was_written() {
    for kit in [None, Some([7; 32])] {
        let name = PersonName::try_from("Ana").unwrap();
        let beginning = Beginning {
            static_key: StaticKey([5; 32]),
            kit,
            name,
        };
        let bytes = beginning.to_bytes();
        assert_eq!(Beginning::parse(&bytes), Ok(beginning));
        assert_eq!(
            Beginning::parse(&bytes[..bytes.len() - 1]),
            Err(PayloadError::Malformed)
        );
    }
}

#[test]
fn what_a_person_wrote_and_every_key_stay_out_of_debug() {
    use amends_replica::{Edit, Table, Words, Write};
    let edit = Edit::Propose(Words {
        title: "T".into(),
        text: "secret words".into(),
        language: "en".into(),
        ..Words::default()
    });
    assert_eq!(format!("{edit:?}"), "Propose");
    let write = Write::Put {
        table: Table::Meta,
        key: vec![1],
        value: vec![200, 201],
    };
    assert_eq!(format!("{write:?}"), "Put(Meta, 2 bytes at [01])");
}

#[test]
fn a_list_of_chunks_has_1_to_64_whole_names() {
    for kind in [4, 6, 7, 8] {
        for len in [0, 31, 33, 65 * 32, 1 << 20] {
            let frame = [&[kind][..], &vec![7; len]].concat();
            assert_eq!(Frame::parse(&frame), Err(FrameError::Names), "{kind} {len}");
        }
        assert!(Frame::parse(&[&[kind][..], &[7; 64 * 32]].concat()).is_ok());
    }
}

proptest! {
    #[test]
    fn a_reference_to_a_blob_has_one_form(length in 1..3_000_000u64, key: [u8; 32], cut: prop::sample::Index) {
        let chunks = vec![[9; 32]; length.div_ceil(128 << 10) as usize];
        let blob = BlobRef { key: BlobKey::from_bytes(&key), length, chunks };
        let bytes = blob.to_bytes();
        prop_assert_eq!(BlobRef::parse(&bytes), Ok(blob.clone()));
        prop_assert!(BlobRef::parse(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(BlobRef::parse(&[&bytes[..], &[0]].concat()).is_err());
        let mut more = blob;
        more.chunks.push([9; 32]);
        prop_assert!(BlobRef::parse(&more.to_bytes()).is_err());
    }
}
