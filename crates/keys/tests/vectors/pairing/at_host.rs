//! What a host is sent.

use serde_json::json;

use super::*;

pub(super) fn vectors(area: &mut Area) {
    const WHOLE: &str = "A host pairs with a joiner who holds the code";
    let [m0, m1, m2, m3, m4, m5, m6] = honest();
    let whole = given("host", &[&m1, &m3, &m5]);
    let Answer::Gives(gives) = answer(&whole) else {
        panic!("an honest pairing fails")
    };
    assert_eq!(
        gives["sends"],
        json!([hex(&m0), hex(&m2), hex(&m4), hex(&m6)])
    );
    area.whole(WHOLE, whole.clone(), gives);
    let mut no = |says: &str, messages: [&[u8]; 3], step: &str| {
        area.broken(WHOLE, says, given("host", &messages), step);
    };
    let peer = Peer::new("joiner", [&m0, &m1, &m2], PRS);
    assert_eq!(peer.m3(&Bundle::of("joiner").bytes()), m3);

    let at = |at: usize, byte: u8| {
        let mut m1 = m1.clone();
        m1[at] = byte;
        m1
    };
    no(
        "An M1 of version 2 is refused",
        [&at(0, 2), &m3, &m5],
        "M1: version",
    );
    no(
        "An M1 of suite 2 is refused",
        [&at(1, 2), &m3, &m5],
        "M1: suite",
    );
    no(
        "An M1 of form 0 is refused",
        [&at(2, 0), &m3, &m5],
        "M1: form",
    );
    no(
        "An M1 of form 3 is refused",
        [&at(2, 3), &m3, &m5],
        "M1: form",
    );
    no(
        "An M1 that lacks a byte is refused",
        [&m1[..66], &m3, &m5],
        "M1: size",
    );
    no(
        "An M1 with a byte more is refused",
        [&[&m1[..], &[0]].concat(), &m3, &m5],
        "M1: size",
    );
    no(
        "An M1 whose share is no point is refused",
        [&[&m1[..35], &NO_POINT].concat(), &m3, &m5],
        "M1: no point",
    );
    no(
        "An M1 whose share is the identity is refused",
        [&[&m1[..35], &[0; 32]].concat(), &m3, &m5],
        "M1: identity",
    );
    no(
        "An M1 that says the code was scanned where it was typed ends at M3",
        [&at(2, 2), &m3, &m5],
        "M3: confirmation",
    );
    no(
        "An M1 with one bit of its nonce turned on the way ends at M3",
        [&flip(&m1, 3), &m3, &m5],
        "M3: confirmation",
    );
    no(
        "An M0 sent back as M1 is refused",
        [&m0, &m3, &m5],
        "M1: size",
    );
    no(
        "An M3 with one bit of its tag turned is refused",
        [&m1, &flip(&m3, 0), &m5],
        "M3: confirmation",
    );
    no(
        "An M3 with one bit of its bundle turned is refused",
        [&m1, &flip(&m3, 40), &m5],
        "M3: aead",
    );
    no(
        "An M3 that is shorter than its tags is refused",
        [&m1, &m3[..47], &m5],
        "M3: size",
    );
    no(
        "An M3 over a kibibyte is refused",
        [&m1, &[&m3[..], &[0; 1024]].concat(), &m5],
        "M3: size",
    );
    let [guess_m1, guess_m3] = by_guess(&m0, CODE + 1);
    no(
        "An M3 by somebody who holds another code is refused",
        [&guess_m1, &guess_m3, &m5],
        "M3: confirmation",
    );
    no(
        "An M4 sent back as M3 is refused",
        [&m1, &m4, &m5],
        "M3: confirmation",
    );
    let mut bundle = |says: &str, bundle: Vec<u8>, step: &str| {
        let m3 = peer.m3(&bundle);
        area.broken(WHOLE, says, given("host", &[&m1, &m3, &m5]), step);
    };
    bundle(
        "A joiner's bundle of nothing is refused",
        Vec::new(),
        "M3: bundle items",
    );
    bundle(
        "A joiner's bundle with an item more is refused",
        [&Bundle::of("joiner").bytes()[..], &[1, 0]].concat(),
        "M3: bundle items",
    );
    bundle(
        "A joiner's bundle whose static key has 31 bytes is refused",
        Bundle::with("joiner", 0, [7; 31]),
        "M3: bundle key size",
    );
    bundle(
        "A joiner's bundle whose static key is a second spelling is refused",
        Bundle::with("joiner", 0, [0xff; 32]),
        "M3: static key",
    );
    bundle(
        "A joiner's bundle whose static key is of small order is refused",
        Bundle::with("joiner", 0, [0; 32]),
        "M3: non-contributory",
    );
    bundle(
        "A joiner's bundle whose ephemeral key is a second spelling is refused",
        Bundle::with("joiner", 1, [0xff; 32]),
        "M3: ephemeral key",
    );
    bundle(
        "A joiner's bundle whose ephemeral key is of small order is refused",
        Bundle::with("joiner", 1, [0; 32]),
        "M3: non-contributory",
    );
    bundle(
        "A joiner's bundle whose log key is of small order is refused",
        Bundle::with("joiner", 2, NO_POINT),
        "M3: log key",
    );
    bundle(
        "A joiner's bundle whose log key is no point is refused",
        Bundle::with("joiner", 2, [&[2][..], &[0; 31]].concat()),
        "M3: log key",
    );
    bundle(
        "A joiner's bundle whose name has 41 bytes is refused",
        Bundle::with("joiner", 3, [b'a'; 41]),
        "M3: name",
    );
    bundle(
        "A joiner's bundle whose name shows nothing is refused",
        Bundle::with("joiner", 3, "\u{200b}"),
        "M3: name",
    );
    bundle(
        "A joiner's bundle whose name turns the direction of text is refused",
        Bundle::with("joiner", 3, "a\u{202e}b"),
        "M3: name",
    );
    bundle(
        "A joiner's bundle whose name holds a control character is refused",
        Bundle::with("joiner", 3, "a\u{1b}[1mb"),
        "M3: name",
    );
    bundle(
        "A joiner's bundle whose name is not UTF-8 is refused",
        Bundle::with("joiner", 3, [0xff, 0xfe]),
        "M3: name",
    );
    bundle(
        "A joiner's bundle with the host's static key is refused",
        Bundle::with("joiner", 0, public("own static secret", "host")),
        "M3: own key",
    );
    bundle(
        "A joiner's bundle with the host's log key is refused",
        Bundle::with("joiner", 2, &Bundle::of("host").items[2]),
        "M3: own key",
    );
    bundle(
        "A joiner's bundle whose static key is the host's ephemeral one is refused",
        Bundle::with("joiner", 0, public("e_H", "host")),
        "M3: own key",
    );
    let mut no = |says: &str, m5: &[u8], step: &str| {
        area.broken(WHOLE, says, given("host", &[&m1, &m3, m5]), step);
    };
    no(
        "An M5 with one bit turned is refused",
        &flip(&m5, 31),
        "M5: finish",
    );
    no("An M5 of 31 bytes is refused", &m5[..31], "M5: size");
    no(
        "An M5 that is the tag of M6 is refused",
        &m6[..32],
        "M5: finish",
    );
    no(
        "An M5 that is the tag of M3 is refused",
        &m3[..32],
        "M5: finish",
    );
    let other = with(&whole, "chan_J", hex(b"peer of somebody between"));
    area.broken(
        WHOLE,
        "A joiner of whom the host sees another PeerId is refused",
        other,
        "M3: confirmation",
    );
}
