//! What is carried between two devices, and between a face and the process that holds the journal.

use std::pin::Pin;
use std::task::{Context, Poll};

use amends::local::Lines;
use amends::local::Turn;
use amends::request::{Answer, Request};
use amends_journal::{EntryId, PartKind};
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey};
use amends_network::{Config, Limits, read_frame};
use amends_replica::{
    Beginning, BundleError, BundleItem, BundleParser, Clock, Frame, Item, MAX_PAYLOAD, Position,
    Record, RecordError, RecordHash, Seen, read_items, write_items,
};
use futures::FutureExt;
use futures::io::{AsyncRead, BufReader};

use super::mend;
use super::word;

/// Gives a few bytes at a time, as a network does.
struct Dripping<'a> {
    bytes: &'a [u8],
    at_once: usize,
}

impl AsyncRead for Dripping<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let count = self.at_once.min(into.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        into[..count].copy_from_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(count))
    }
}

/// How many bytes come at once, then a stream: frames until it ends. As a pairing reads them, but for the clock.
pub fn pairing_frame(input: &[u8]) -> String {
    let Some((at_once, stream)) = mend::first(input) else {
        return "empty".into();
    };
    let mut limits = Config::pairing([0; 32]).limits;
    without_clock(&mut limits);
    let dripping = Dripping {
        bytes: stream,
        at_once: usize::from(at_once) + 1,
    };
    let mut reader = BufReader::with_capacity(64, dripping);
    let mut left = stream;
    let mut frames = 0;
    loop {
        let came = read_frame(&mut reader, &limits).now_or_never();
        // The same, without a stream.
        let expected = left.split_first_chunk::<4>().map(|(len, rest)| {
            let len = u32::from_be_bytes(*len) as usize;
            (len <= limits.max_frame, rest.split_at_checked(len))
        });
        match (came.expect("nothing here waits"), expected) {
            (Ok(bytes), Some((true, Some((frame, rest))))) => {
                assert_eq!(bytes, frame);
                left = rest;
                frames += 1;
            }
            (Err(amends_network::Closed::TooLong { .. }), Some((false, _))) => {
                return format!("{frames} frames, then TooLong");
            }
            (Err(amends_network::Closed::There), None | Some((true, None))) => {
                return format!("{frames} frames, then There");
            }
            (came, expected) => panic!("{came:?} came, and {expected:?} was to be expected"),
        }
    }
}

/// Time is not asked for where nothing can time out.
fn without_clock(limits: &mut Limits) {
    limits.silence = None;
    limits.frame = std::time::Duration::MAX;
}

pub fn pairing_frame_seeds() -> Vec<Vec<u8>> {
    let frame = |body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&len[..], body].concat()
    };
    let three = [frame(&[1, 1, 1]), frame(b""), frame(&[7; 66])].concat();
    vec![
        [&[255], &three[..]].concat(),
        [&[0], &three[..]].concat(),
        [&[3], &frame(&[1; 20])[..], &[0xff; 4]].concat(),
        vec![9, 0, 0, 4, 0, 1],
        vec![9, 0, 0, 4, 1],
        vec![9, 0, 0],
        vec![9],
    ]
}

/// A frame of a session, once opened.
pub fn frame(input: &[u8]) -> String {
    let frame = match Frame::parse(input) {
        Ok(frame) => frame,
        Err(error) => return word(&error),
    };
    let again = frame.to_bytes();
    assert_eq!(Frame::parse(&again).as_ref(), Ok(&frame));
    match &frame {
        Frame::Clock { clock, .. } => {
            // Flags that nobody knows yet are not written again, and logs stand in one order, each once.
            assert!(again.len() <= input.len());
            for position in clock.0.values() {
                let mut before = 0;
                for (first, last) in &position.set_aside {
                    assert!(before < *first && first <= last);
                    assert!(position.is_set_aside(*first) && position.is_set_aside(*last));
                    before = *last;
                }
            }
            assert!(clock.covers(clock));
            "Clock".into()
        }
        // What a later version says with it is not known.
        Frame::Unknown(_) => "Unknown".into(),
        Frame::Heartbeat => "Heartbeat".into(),
        other => {
            assert_eq!(again, input);
            word(other)
        }
    }
}

pub fn frame_seeds() -> Vec<Vec<u8>> {
    let mut clock = Clock::default();
    let log = |n: u8| LogKey([n; 32]);
    clock.0.insert(
        log(1),
        Position {
            seq: 9,
            head: [5; 32],
            set_aside: vec![(2, 3), (7, 7)],
        },
    );
    clock.0.insert(log(2), Position::default());
    let clocks = [None, Some(false), Some(true)].map(|chunks| {
        let frame = Frame::Clock {
            clock: clock.clone(),
            again: chunks.is_some(),
            chunks,
            knows: 0,
        };
        frame.to_bytes()
    });
    let names = vec![[1; 32], [2; 32]];
    let others = [
        Frame::Envelope(vec![1, 2, 3]),
        Frame::Heartbeat,
        Frame::Ask(names.clone()),
        Frame::Chunk(vec![4; 9]),
        Frame::Have(names.clone()),
        Frame::Lack(names.clone()),
        Frame::Whether(names),
        Frame::Unknown(9),
    ];
    let mut seeds: Vec<Vec<u8>> = others.iter().map(Frame::to_bytes).collect();
    seeds.extend(clocks);
    seeds.extend([vec![4, 1], vec![1, 2], vec![1, 1, 0]]);
    seeds
}

/// A record. Where it is one, its log becomes one whose key is known here, and it is signed.
pub fn record(input: &[u8]) -> String {
    let mut record = match Record::parse(input) {
        Ok(record) => record,
        Err(error) => return word(&error),
    };
    assert_eq!(record.to_bytes(), input, "a record has one form");
    assert!(record.payload.len() <= MAX_PAYLOAD && record.seq > 0);
    // Signatures are dear: one in eight is made.
    if input.last().is_some_and(|last| last % 8 != 0) {
        return "unsigned".into();
    }
    let secret = LogSecret::from_bytes(&[2; 32]);
    record.log = secret.public();
    let bytes = record.to_bytes();
    let mut signature = Record::sign(&bytes, &secret);
    assert_eq!(Record::verify(&bytes, &signature).as_ref(), Ok(&record));
    assert_eq!(RecordHash::of(&bytes), RecordHash::of(&record.to_bytes()));
    signature[usize::from(record.kind) % 64] ^= 1 << (record.epoch % 8);
    assert_eq!(
        Record::verify(&bytes, &signature),
        Err(RecordError::Signature)
    );
    "signed".into()
}

pub fn record_seeds() -> Vec<Vec<u8>> {
    let seen = |n: u8| Seen {
        log: LogKey([n; 32]),
        seq: 3,
        hash: RecordHash([n; 32]),
    };
    let record = |seq, seen: Vec<Seen>, payload: &[u8]| Record {
        journal: JournalId([7; 32]),
        log: LogKey([1; 32]),
        seq,
        prev: RecordHash::NONE,
        epoch: 0,
        kind: 1,
        seen,
        payload: payload.to_vec(),
    };
    let whole = record(4, vec![seen(1), seen(2)], &[1, 2, 8]).to_bytes();
    vec![
        record(1, vec![], &[]).to_bytes(),
        record(0, vec![], &[]).to_bytes(),
        record(u64::MAX, vec![seen(9)], &[0; 64]).to_bytes(),
        whole[..whole.len() - 1].to_vec(),
        b"amends/rec/v2".to_vec(),
        [&whole[..], &[0]].concat(),
        whole,
    ]
}

/// 0: the items of a change record; otherwise what a membership record says.
pub fn payload(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    if which == 0 {
        return match read_items(rest) {
            Ok(items) => {
                assert!(!items.is_empty());
                assert_eq!(write_items(&items), rest, "items have one form");
                "items".into()
            }
            Err(error) => word(&error),
        };
    }
    match Beginning::parse(rest) {
        Ok(beginning) => {
            assert_eq!(beginning.to_bytes(), rest, "a beginning has one form");
            assert!(beginning.name.as_str().len() <= PersonName::MAX_BYTES);
            "beginning".into()
        }
        Err(error) => word(&error),
    }
}

pub fn payload_seeds() -> Vec<Vec<u8>> {
    let item = |part, change: &[u8]| Item {
        entry: EntryId([3; 16]),
        kind: 3,
        schema: 1,
        part,
        change: change.to_vec(),
    };
    let two = write_items(&[
        item(PartKind::Shared, b"change"),
        item(PartKind::Own, &[9; 200]),
    ]);
    let beginning = |kit| Beginning {
        static_key: StaticKey([4; 32]),
        kit,
        name: PersonName::try_from("Ana Müller").unwrap(),
    };
    let mut seeds = vec![vec![0], vec![1], vec![1, 2], vec![0, 16]];
    seeds.push([&[0], &two[..]].concat());
    for kit in [None, Some([6; 32])] {
        seeds.push([&[1], &beginning(kit).to_bytes()[..]].concat());
    }
    seeds
}

/// How many bytes come at once (none: all of them), then a bundle: the same items, however it comes.
pub fn bundle(input: &[u8]) -> String {
    let Some((at_once, file)) = mend::first(input) else {
        return "empty".into();
    };
    let whole = taken_apart(&[file]);
    let size = usize::from(at_once).max(1);
    let pieces: Vec<&[u8]> = file.chunks(size).collect();
    assert_eq!(whole, taken_apart(&pieces), "it matters how a bundle comes");
    let (items, end) = whole;
    let held: usize = items.iter().map(length).sum();
    assert!(held <= file.len());
    match end {
        Ok(()) => {
            assert_eq!(items.last(), Some(&BundleItem::End));
            "whole".into()
        }
        Err(error) => word(&error),
    }
}

fn length(item: &BundleItem) -> usize {
    match item {
        BundleItem::Clock(bytes) | BundleItem::Envelope(bytes) | BundleItem::Chunk(bytes) => {
            bytes.len()
        }
        BundleItem::Unknown(_) | BundleItem::End => 0,
    }
}

fn taken_apart(pieces: &[&[u8]]) -> (Vec<BundleItem>, Result<(), BundleError>) {
    let mut parser = BundleParser::default();
    let mut items = Vec::new();
    for piece in pieces {
        parser.give(piece);
        loop {
            match parser.next_item() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
    }
    (items, parser.finish())
}

pub fn bundle_seeds() -> Vec<Vec<u8>> {
    let item = |kind: u8, body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &len[..], body].concat()
    };
    let file = |rest: &[Vec<u8>]| [&[7], &b"AMNB\x01"[..], &rest.concat()].concat();
    let items = [item(1, b"clock"), item(2, &[5; 300]), item(9, b"later")];
    vec![
        file(&[&items[..], &[item(0, b"")]].concat()),
        file(&items),
        file(&[item(0, b""), item(2, b"x")]),
        file(&[item(0, b"x")]),
        file(&[vec![2, 0, 16, 0, 1]]),
        file(&[]),
        b"\0AMNB\x02".to_vec(),
        b"\0AMNX\x01".to_vec(),
        vec![0],
    ]
}

/// What a process of this user writes into the local socket: 0, a request; 1, an answer; otherwise what the holder says.
pub fn request(input: &[u8]) -> String {
    let Some((which, line)) = mend::first(input) else {
        return "empty".into();
    };
    match which % 3 {
        0 => said::<Request>(line, "request"),
        1 => said::<Answer>(line, "answer"),
        _ => said::<Turn>(line, "turn"),
    }
}

fn said<T: serde::Serialize + serde::de::DeserializeOwned>(line: &[u8], name: &str) -> String {
    match read_line::<T>(line) {
        Ok(value) => {
            let once = serde_json::to_vec(&value).unwrap();
            let again: T = serde_json::from_slice(&once).expect("what is written is read");
            assert_eq!(serde_json::to_vec(&again).unwrap(), once);
            name.into()
        }
        Err(error) => word(&error),
    }
}

fn read_line<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, amends::local::LineError> {
    let next = async { Lines::asked(line).next().await };
    next.now_or_never().expect("nothing here waits")
}

pub fn request_seeds() -> Vec<Vec<u8>> {
    let line = |which: u8, json: &str| [&[which], json.as_bytes(), b"\n"].concat();
    let mut seeds = vec![
        line(1, r#"{"answer":"same_number","yes":true}"#),
        line(1, r#"{"answer":"code","code":"482 913 067"}"#),
        line(2, r#"{"event":{"event":"found"}}"#),
        line(2, r#"{"event":{"event":"transfer","sent":1,"received":2}}"#),
        line(2, r#"{"end":{"response":"done"}}"#),
        line(
            2,
            r#"{"end":{"response":"synced","value":{"sent":1,"received":0,"partner_has_all":true,"have_all":true,"partner":"Bo"}}}"#,
        ),
        line(0, "{}"),
        b"\0{".to_vec(),
        vec![0],
    ];
    let requests = [
        r#"{"request":"watch"}"#,
        r#"{"request":"status"}"#,
        r#"{"request":"list","kind":"boundary"}"#,
        r#"{"request":"pair_host","listen":"127.0.0.1:0"}"#,
        r#"{"request":"sync","timeout_ms":30000,"peer":null}"#,
        r#"{"request":"search","words":"evenings","most":20}"#,
        r#"{"request":"agreement","kind":"boundary","ask":{"verb":"edit","id":"lusab","title":null,"text":"x","review_on":["set","2027-01-01"]}}"#,
        r#"{"request":"agreement","kind":"boundary","ask":{"verb":"agree","id":"lusab"}}"#,
    ];
    seeds.extend(requests.map(|json| line(0, json)));
    seeds
}
