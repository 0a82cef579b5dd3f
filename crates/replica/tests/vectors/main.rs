//! The files of `tests/vectors` that speak of records, what they carry, the frames of a session, and the items of a bundle.

#[path = "../../../journal/tests/common/forge.rs"]
mod forge;
#[path = "../../../../tests/vectors/harness.rs"]
mod harness;
mod wire;

use amends_journal::{EntryId, EntryKind, Part, PartKind};
use amends_keys::identity::{JournalId, LogSecret, PersonName, StaticKey};
use amends_keys::{label, lv};
use amends_replica::{
    Beginning, BundleError, BundleItem, BundleParser, Frame, FrameError, Item, MAX_PAYLOAD,
    PayloadError, RECORD_OPERATIONS, Record, RecordError, RecordHash, Seen, actor_of, claimed,
    read_items, write_items,
};
use automerge::{Change, ChangeHash};
use harness::{Answer, Area, array, bytes, fixed, flip, hex, text, with};
use serde_json::{Value, json};

fn log() -> LogSecret {
    LogSecret::from_bytes(&fixed(101))
}

fn answer_record(given: &Value) -> Answer {
    match Record::verify(&bytes(given, "record"), &array(given, "signature")) {
        Ok(record) => Answer::Gives(json!({
            "journal id": hex(record.journal.0),
            "log key": hex(record.log.as_bytes()),
            "seq": record.seq,
            "prev": hex(record.prev.0),
            "epoch": record.epoch,
            "kind": record.kind,
            "seen": record.seen.iter().map(|seen| json!({
                "log key": hex(seen.log.as_bytes()), "seq": seen.seq, "record hash": hex(seen.hash.0),
            })).collect::<Vec<_>>(),
            "payload": hex(&record.payload),
            "record hash": hex(RecordHash::of(&bytes(given, "record")).0),
            "actor": hex(actor_of(&record.log).0),
        })),
        Err(refused) => Answer::refuses(match refused {
            RecordError::Label => "label",
            RecordError::Short => "cut short",
            RecordError::Trailing(_) => "trailing",
            RecordError::Payload(_) => "payload too large",
            RecordError::Seen(_) => "too many heads",
            RecordError::Zero => "number 0",
            RecordError::Runs => "runs",
            RecordError::Signature => "signature",
        }),
    }
}

fn records() -> Area {
    const WHOLE: &str = "A record with one head and a payload verifies";
    const LABEL: usize = label::RECORD.len();
    const SEQ: usize = LABEL + 64;
    const SEEN: usize = SEQ + 8 + 32 + 4 + 1;
    let mut area = Area::default();
    let record = Record {
        journal: JournalId([0x4a; 32]),
        log: log().public(),
        seq: 7,
        prev: RecordHash(fixed(102)),
        epoch: 3,
        kind: 1,
        seen: vec![Seen {
            log: LogSecret::from_bytes(&fixed(103)).public(),
            seq: 9,
            hash: RecordHash(fixed(104)),
        }],
        payload: b"what it carries".to_vec(),
    };
    let give = |bytes: &[u8], by: &LogSecret| json!({ "record": hex(bytes), "signature": hex(by.sign(bytes)) });
    let signed = |bytes: &[u8]| give(bytes, &log());
    let mut whole_of = |says: &str, record: &Record| {
        let given = signed(&record.to_bytes());
        let Answer::Gives(gives) = answer_record(&given) else {
            panic!("{says}")
        };
        area.whole(says, given, gives);
    };
    whole_of(WHOLE, &record);
    let first = Record {
        seq: 1,
        prev: RecordHash::NONE,
        seen: vec![],
        payload: vec![],
        kind: 2,
        ..record.clone()
    };
    whole_of("The first record of a log verifies", &first);
    let later = Record {
        kind: 200,
        ..record.clone()
    };
    whole_of("A record of a kind that is not known verifies", &later);
    let whole = record.to_bytes();
    let replaced = |at: usize, with: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let mut no = |says: &str, given: Value, step: &str| area.broken(WHOLE, says, given, step);
    no(
        "A record that begins with another label is refused",
        signed(&flip(&whole, 0)),
        "label",
    );
    no(
        "A record without its label is refused",
        signed(&whole[LABEL..]),
        "label",
    );
    no(
        "A record that lacks its last byte is refused",
        signed(&whole[..whole.len() - 1]),
        "cut short",
    );
    no(
        "A record that ends within its head is refused",
        signed(&whole[..SEQ + 4]),
        "cut short",
    );
    no(
        "A record with a byte after it is refused",
        signed(&[&whole[..], &[0]].concat()),
        "trailing",
    );
    no(
        "A record numbered 0 is refused",
        signed(&replaced(SEQ, &[0; 8])),
        "number 0",
    );
    no(
        "A record that names 257 heads is refused",
        signed(&replaced(SEEN, &257_u16.to_be_bytes())),
        "too many heads",
    );
    no(
        "A record that names a head which is not there is refused",
        signed(&replaced(SEEN, &2_u16.to_be_bytes())),
        "cut short",
    );
    let length = SEEN + 2 + 72;
    no(
        "A record that says its payload is over the limit is refused",
        signed(&replaced(length, &(MAX_PAYLOAD as u32 + 1).to_be_bytes())),
        "payload too large",
    );
    no(
        "A record that says its payload has four gibibytes is refused",
        signed(&replaced(length, &[0xff; 4])),
        "payload too large",
    );
    no(
        "A record that says its payload is shorter than it is, is refused",
        signed(&replaced(length, &1_u32.to_be_bytes())),
        "trailing",
    );
    no(
        "A record that another log signed is refused",
        give(&whole, &LogSecret::from_bytes(&fixed(105))),
        "signature",
    );
    let changed = |at: usize| with(&signed(&whole), "record", hex(flip(&whole, at)));
    no(
        "A record whose journal was changed after signing is refused",
        changed(LABEL),
        "signature",
    );
    no(
        "A record whose number was changed after signing is refused",
        changed(SEQ + 7),
        "signature",
    );
    no(
        "A record whose predecessor was changed after signing is refused",
        changed(SEQ + 8),
        "signature",
    );
    no(
        "A record whose epoch was changed after signing is refused",
        changed(SEQ + 43),
        "signature",
    );
    no(
        "A record whose kind was changed after signing is refused",
        changed(SEQ + 44),
        "signature",
    );
    no(
        "A record whose named head was changed after signing is refused",
        changed(SEEN + 2),
        "signature",
    );
    no(
        "A record whose payload was changed after signing is refused",
        changed(whole.len() - 1),
        "signature",
    );
    let sig = log().sign(&whole);
    no(
        "A record with one bit of R of its signature turned is refused",
        with(&signed(&whole), "signature", hex(flip(&sig, 0))),
        "signature",
    );
    no(
        "A record with one bit of S of its signature turned is refused",
        with(&signed(&whole), "signature", hex(flip(&sig, 40))),
        "signature",
    );
    let hashed = RecordHash::of(&whole);
    no(
        "A record whose hash was signed in its place is refused",
        with(&signed(&whole), "signature", hex(log().sign(&hashed.0))),
        "signature",
    );
    // A log key of small order has signatures that everybody can make: R neutral, S zero.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = replaced(LABEL + 32, &neutral);
    let forged = [&neutral[..], &[0; 32]].concat();
    no(
        "A record of a log whose key is of small order is refused",
        json!({ "record": hex(&weak), "signature": hex(forged) }),
        "signature",
    );
    area
}

#[test]
fn records_are_answered_as_they_say() {
    harness::check("record", &records(), answer_record);
}

fn answer_payload(given: &Value) -> Answer {
    let payload = bytes(given, "payload");
    let read = match text(given, "of a record of kind") {
        "1 change" => read_items(&payload).map(|items| {
            if claimed(&items) > RECORD_OPERATIONS {
                return Answer::refuses("too many operations");
            }
            let items: Vec<Value> = items
                .iter()
                .map(|item| {
                    json!({
                        "entry id": hex(item.entry.0), "entry kind": item.kind, "schema": item.schema,
                        "part": item.part.byte(), "change": hex(&item.change),
                    })
                })
                .collect();
            Answer::Gives(json!({ "items": items }))
        }),
        _ => Beginning::parse(&payload).map(|begun| {
            Answer::Gives(json!({
                "static key": hex(begun.static_key.as_bytes()),
                "kit": begun.kit.map(hex),
                "name": begun.name.as_str(),
            }))
        }),
    };
    match read {
        Ok(answer) => answer,
        Err(refused) => Answer::refuses(match refused {
            PayloadError::Malformed => "malformed",
            PayloadError::Empty => "empty",
            PayloadError::TooMany => "too many items",
            PayloadError::UnknownOperation(_) => "unknown operation",
        }),
    }
}

/// Changes of the shared part of a boundary, one after the other, that each delete so many characters in a row: of what claims
/// many operations the shortest.
fn deletions(counts: &[i64]) -> Vec<Item> {
    let part = Part::new(EntryKind::Boundary, 1, PartKind::Shared).unwrap();
    let mut after = ChangeHash(part.heads()[0]);
    let change = |(at, n): (usize, &i64)| {
        // The characters came of the operations from 3 on. A first step of its own, then steps of 1.
        let mut counters = Vec::new();
        forge::sleb128(-1, &mut counters);
        forge::sleb128(3, &mut counters);
        if *n > 1 {
            counters.extend(forge::run(n - 1, 1));
        }
        let mut inserts = Vec::new();
        forge::leb128(*n as u64, &mut inserts);
        let columns = [
            (1, forge::run(*n, 1)),
            (2, forge::run(*n, 2)),
            (17, forge::run(*n, 0)),
            (19, counters.clone()),
            (52, inserts),
            (66, forge::run(*n, 3)),
            (86, forge::run(*n, 0)),
            (112, forge::run(*n, 1)),
            (113, forge::run(*n, 0)),
            (115, counters),
        ];
        let (seq, start) = (at as u64 + 2, 20_003 * (at as u64 + 1));
        let change = forge::by_hand(&[after], forge::EVE, seq, start, &columns);
        after = Change::try_from(&change[..]).unwrap().hash();
        Item {
            entry: EntryId(fixed(111)),
            kind: EntryKind::Boundary.byte(),
            schema: 1,
            part: PartKind::Shared,
            change,
        }
    };
    counts.iter().enumerate().map(change).collect()
}

fn payloads() -> Area {
    const CHANGE: &str = "A payload of two changes is read";
    const BEGINS: &str = "A payload that begins a log is read";
    let mut area = Area::default();
    let item = |part| Item {
        entry: EntryId(fixed(111)),
        kind: 3,
        schema: 1,
        part,
        change: b"a change".to_vec(),
    };
    let changes = write_items(&[item(PartKind::Shared), item(PartKind::Own)]);
    let one = |entry: &[u8], kind: &[u8], schema: &[u8], part: &[u8]| {
        lv::of(&[entry, kind, schema, part, b"a change"])
    };
    let id: [u8; 16] = fixed(111);
    assert_eq!(
        [one(&id, &[3], &[1], &[0]), one(&id, &[3], &[1], &[1])].concat(),
        changes
    );
    let give =
        |payload: &[u8]| json!({ "of a record of kind": "1 change", "payload": hex(payload) });
    let Answer::Gives(gives) = answer_payload(&give(&changes)) else {
        panic!("{CHANGE}")
    };
    area.whole(CHANGE, give(&changes), gives);
    let mut no =
        |says: &str, payload: &[u8], step: &str| area.broken(CHANGE, says, give(payload), step);
    no("A payload of no change is refused", &[], "empty");
    no(
        "A payload of 257 changes is refused",
        &one(&id, &[3], &[1], &[0]).repeat(257),
        "too many items",
    );
    no(
        "A payload that lacks its last byte is refused",
        &changes[..changes.len() - 1],
        "malformed",
    );
    no(
        "A payload with a byte after its changes is refused",
        &[&changes[..], &[7]].concat(),
        "malformed",
    );
    no(
        "A payload with an entry id of 15 bytes is refused",
        &one(&id[..15], &[3], &[1], &[0]),
        "malformed",
    );
    no(
        "A payload with an entry kind of two bytes is refused",
        &one(&id, &[0, 3], &[1], &[0]),
        "malformed",
    );
    no(
        "A payload with an empty schema is refused",
        &one(&id, &[3], &[], &[0]),
        "malformed",
    );
    no(
        "A payload with a part that is neither shared nor own is refused",
        &one(&id, &[3], &[1], &[2]),
        "malformed",
    );
    let padded = [&[0x90, 0x00][..], &changes[1..]].concat();
    no(
        "A payload with a length that is written longer than it need be is refused",
        &padded,
        "malformed",
    );
    let endless = [&[0xff; 9][..], &[0x01], &changes[1..]].concat();
    no(
        "A payload with a length of 2 to the 64th is refused",
        &endless,
        "malformed",
    );

    const MOST: &str = "A payload whose changes claim 100000 operations is read";
    let most = write_items(&deletions(&[20_000; 5]));
    let Answer::Gives(gives) = answer_payload(&give(&most)) else {
        panic!("{MOST}")
    };
    area.whole(MOST, give(&most), gives);
    area.broken(
        MOST,
        "A payload whose changes claim 100001 operations is refused",
        give(&write_items(&deletions(&[
            20_000, 20_000, 20_000, 20_000, 20_000, 1,
        ]))),
        "too many operations",
    );

    let begin = |static_key: &[u8], kit: &[u8], name: &[u8]| {
        [&[1][..], &lv::of(&[static_key, kit, name])].concat()
    };
    let key: [u8; 32] = fixed(112);
    let name = PersonName::try_from("Ana").unwrap();
    let begins = Beginning {
        static_key: StaticKey(key),
        kit: None,
        name,
    }
    .to_bytes();
    assert_eq!(begin(&key, &[], b"Ana"), begins);
    let give =
        |payload: &[u8]| json!({ "of a record of kind": "2 membership", "payload": hex(payload) });
    let mut whole = |says: &str, payload: &[u8]| {
        let Answer::Gives(gives) = answer_payload(&give(payload)) else {
            panic!("{says}")
        };
        area.whole(says, give(payload), gives);
    };
    whole(BEGINS, &begins);
    whole(
        "A payload that begins a log with a kit is read",
        &begin(&key, &fixed::<32>(113), b"Ana"),
    );
    let mut no =
        |says: &str, payload: &[u8], step: &str| area.broken(BEGINS, says, give(payload), step);
    no("A membership of no bytes is refused", &[], "empty");
    no(
        "A membership operation that is not known is refused",
        &[&[9][..], &begins[1..]].concat(),
        "unknown operation",
    );
    no(
        "A membership with a static key of 31 bytes is refused",
        &begin(&key[..31], &[], b"Ana"),
        "malformed",
    );
    no(
        "A membership with a kit of 31 bytes is refused",
        &begin(&key, &key[..31], b"Ana"),
        "malformed",
    );
    no(
        "A membership with an empty name is refused",
        &begin(&key, &[], b""),
        "malformed",
    );
    no(
        "A membership whose name turns the direction of text is refused",
        &begin(&key, &[], "a\u{202e}b".as_bytes()),
        "malformed",
    );
    no(
        "A membership with an item more is refused",
        &[&begins[..], &[1, 0]].concat(),
        "malformed",
    );
    area
}

#[test]
fn payloads_are_answered_as_they_say() {
    harness::check("payload", &payloads(), answer_payload);
}
