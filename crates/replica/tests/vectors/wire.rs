//! The frames of a session, and the items of a bundle.

use super::*;

fn answer_frame(given: &Value) -> Answer {
    match Frame::parse(&bytes(given, "frame")) {
        Ok(frame) => {
            let names = |names: &[[u8; 32]]| names.iter().map(hex).collect::<Vec<_>>();
            Answer::Gives(match frame {
                Frame::Clock {
                    clock,
                    again,
                    chunks,
                    ..
                } => json!({
                    "clock": clock.0.iter().map(|(log, position)| json!({
                        "log key": hex(log.as_bytes()), "seq": position.seq, "head": hex(position.head),
                        "set aside": position.set_aside,
                    })).collect::<Vec<_>>(),
                    "again": again,
                    "chunks": chunks,
                }),
                Frame::Envelope(envelope) => json!({ "envelope": hex(envelope) }),
                Frame::Heartbeat => json!({ "heartbeat": true }),
                Frame::Ask(all) => json!({ "asks for": names(&all) }),
                Frame::Chunk(chunk) => json!({ "chunk": hex(chunk) }),
                Frame::Have(all) => json!({ "has": names(&all) }),
                Frame::Lack(all) => json!({ "lacks": names(&all) }),
                Frame::Whether(all) => json!({ "asks whether": names(&all) }),
                Frame::Unknown(kind) => json!({ "ignored": kind }),
            })
        }
        Err(refused) => Answer::refuses(match refused {
            FrameError::Empty => "empty",
            FrameError::Clock => "clock",
            FrameError::Names => "names",
            FrameError::Version { .. } => "version",
        }),
    }
}

fn frames() -> Area {
    const CLOCK: &str = "A frame with a clock of one log is read";
    const NAMES: &str = "A frame that asks for one chunk is read";
    let mut area = Area::default();
    let give = |frame: &[u8]| json!({ "frame": hex(frame) });
    let mut whole = |says: &str, frame: &[u8]| {
        let Answer::Gives(gives) = answer_frame(&give(frame)) else {
            panic!("{says}")
        };
        area.whole(says, give(frame), gives);
    };
    let position = |runs: &[(u64, u64)]| {
        let mut out = [
            &fixed::<32>(121)[..],
            &9_u64.to_be_bytes(),
            &fixed::<32>(122),
        ]
        .concat();
        out.extend((runs.len() as u16).to_be_bytes());
        for (first, last) in runs {
            out.extend(first.to_be_bytes());
            out.extend(last.to_be_bytes());
        }
        out
    };
    let clock = |count: u16, rest: &[u8]| [&[1, 1, 0][..], &count.to_be_bytes(), rest].concat();
    let good = clock(1, &position(&[(2, 3), (5, 5)]));
    whole(CLOCK, &good);
    whole("A frame with an empty clock is read", &clock(0, &[]));
    whole("A frame that is a heartbeat is read", &[3]);
    whole(
        "A frame with an envelope is read to its end",
        &[&[2][..], b"whatever it holds"].concat(),
    );
    whole(
        "A frame of a type that is not known is ignored",
        &[77, 1, 2, 3],
    );
    let names = |count: usize| [&[4][..], &[7; 32].repeat(count)].concat();
    whole(NAMES, &names(1));
    whole("A frame that asks for 64 chunks is read", &names(64));
    let mut no = |from: &str, says: &str, frame: &[u8], step: &str| {
        area.broken(from, says, give(frame), step)
    };
    no(CLOCK, "An empty frame is refused", &[], "empty");
    no(
        CLOCK,
        "A frame with a clock of version 2 is refused",
        &[&[1, 2][..], &good[2..]].concat(),
        "version",
    );
    no(
        CLOCK,
        "A frame with a clock that ends after its type is refused",
        &[1],
        "clock",
    );
    no(
        CLOCK,
        "A frame with a clock that lacks its last byte is refused",
        &good[..good.len() - 1],
        "clock",
    );
    no(
        CLOCK,
        "A frame with bytes after its clock is refused",
        &[&good[..], &[0]].concat(),
        "clock",
    );
    no(
        CLOCK,
        "A frame with a clock of 257 logs is refused",
        &clock(257, &position(&[]).repeat(257)),
        "clock",
    );
    no(
        CLOCK,
        "A frame with runs out of order is refused",
        &clock(1, &position(&[(5, 5), (2, 3)])),
        "clock",
    );
    no(
        CLOCK,
        "A frame with runs that overlap is refused",
        &clock(1, &position(&[(2, 5), (5, 6)])),
        "clock",
    );
    no(
        CLOCK,
        "A frame with a run that goes backwards is refused",
        &clock(1, &position(&[(3, 2)])),
        "clock",
    );
    no(
        CLOCK,
        "A frame with a run from 0 is refused",
        &clock(1, &position(&[(0, 2)])),
        "clock",
    );
    no(
        NAMES,
        "A frame that asks for no chunk is refused",
        &names(0),
        "names",
    );
    no(
        NAMES,
        "A frame that asks for 65 chunks is refused",
        &names(65),
        "names",
    );
    no(
        NAMES,
        "A frame that asks for half a chunk is refused",
        &names(1)[..17],
        "names",
    );
    area
}

#[test]
fn frames_are_answered_as_they_say() {
    harness::check("frame", &frames(), answer_frame);
}

fn answer_bundle(given: &Value) -> Answer {
    let mut parser = BundleParser::default();
    parser.give(&bytes(given, "bundle"));
    let mut items = Vec::new();
    let refused = loop {
        match parser.next_item() {
            Ok(Some(item)) => items.push(match item {
                BundleItem::Clock(body) => json!({ "sealed clock": hex(body) }),
                BundleItem::Envelope(body) => json!({ "envelope": hex(body) }),
                BundleItem::Chunk(body) => json!({ "sealed chunk": hex(body) }),
                BundleItem::Unknown(kind) => json!({ "passed over": kind }),
                BundleItem::End => json!({ "end": true }),
            }),
            Ok(None) => match parser.finish() {
                Ok(()) => return Answer::Gives(json!({ "items": items })),
                Err(refused) => break refused,
            },
            Err(refused) => break refused,
        }
    };
    Answer::refuses(match refused {
        BundleError::Magic => "magic",
        BundleError::Version { .. } => "version",
        BundleError::TooLarge { .. } => "too large",
        BundleError::CutShort => "cut short",
        BundleError::Trailing => "trailing",
    })
}

fn bundles() -> Area {
    const WHOLE: &str = "A bundle of a clock and an envelope is taken apart";
    let mut area = Area::default();
    let item =
        |kind: u8, body: &[u8]| [&[kind][..], &(body.len() as u32).to_be_bytes(), body].concat();
    let of = |items: &[Vec<u8>]| [&b"AMNB\x01"[..], &items.concat()].concat();
    let (clock, envelope, end) = (
        item(1, b"a sealed clock"),
        item(2, b"an envelope"),
        item(0, b""),
    );
    let give = |bundle: &[u8]| json!({ "bundle": hex(bundle) });
    let mut whole_of = |says: &str, bundle: &[u8]| {
        let Answer::Gives(gives) = answer_bundle(&give(bundle)) else {
            panic!("{says}")
        };
        area.whole(says, give(bundle), gives);
    };
    let whole = of(&[clock.clone(), envelope.clone(), end.clone()]);
    whole_of(WHOLE, &whole);
    whole_of(
        "A bundle of an end alone is taken apart",
        &of(std::slice::from_ref(&end)),
    );
    whole_of(
        "A bundle with an item of a later version is taken apart",
        &of(&[clock.clone(), item(9, b"new"), end.clone()]),
    );
    let mut no =
        |says: &str, bundle: &[u8], step: &str| area.broken(WHOLE, says, give(bundle), step);
    no("An empty file is no bundle", &[], "magic");
    no(
        "A bundle that begins with another word is refused",
        &flip(&whole, 3),
        "magic",
    );
    no(
        "A bundle of version 0 is refused",
        &flip(&whole, 4),
        "version",
    );
    no(
        "A bundle of its first four bytes is refused",
        &whole[..4],
        "cut short",
    );
    no(
        "A bundle without its end is refused",
        &of(&[clock.clone(), envelope.clone()]),
        "cut short",
    );
    no(
        "A bundle that ends within an item is refused",
        &whole[..whole.len() - 8],
        "cut short",
    );
    no(
        "A bundle with a byte after its end is refused",
        &[&whole[..], &[0]].concat(),
        "trailing",
    );
    no(
        "A bundle with two ends is refused",
        &of(&[clock.clone(), end.clone(), end.clone()]),
        "trailing",
    );
    no(
        "A bundle whose end has a body is refused",
        &of(&[clock.clone(), item(0, b"x")]),
        "too large",
    );
    let claims = |size: u32| [&whole[..6], &size.to_be_bytes(), &whole[10..]].concat();
    no(
        "A bundle with an item that says it has a byte over a mebibyte is refused",
        &claims((1 << 20) + 1),
        "too large",
    );
    no(
        "A bundle with an item that says it has four gibibytes is refused",
        &claims(u32::MAX),
        "too large",
    );
    area
}

#[test]
fn bundles_are_answered_as_they_say() {
    harness::check("bundle", &bundles(), answer_bundle);
}
