//! What a joiner is sent.

use serde_json::json;

use super::*;

pub(super) fn vectors(area: &mut Area) {
    const WHOLE: &str = "A joiner pairs with a host who holds the code";
    let [m0, m1, m2, m3, m4, m5, m6] = honest();
    let whole = given("joiner", &[&m0, &m2, &m4, &m6]);
    let Answer::Gives(gives) = answer(&whole) else {
        panic!("an honest pairing fails")
    };
    assert_eq!(gives["sends"], json!([hex(&m1), hex(&m3), hex(&m5)]));
    area.whole(WHOLE, whole.clone(), gives);
    let mut no = |says: &str, messages: [&[u8]; 4], step: &str| {
        area.broken(WHOLE, says, given("joiner", &messages), step);
    };
    let at = |at: usize, byte: u8| {
        let mut m0 = m0.clone();
        m0[at] = byte;
        m0
    };
    no(
        "An M0 of version 2 is refused",
        [&at(0, 2), &m2, &m4, &m6],
        "M0: version",
    );
    no(
        "An M0 of suite 2 is refused",
        [&at(1, 2), &m2, &m4, &m6],
        "M0: suite",
    );
    no(
        "An M0 for an own device is not taken yet",
        [&at(2, 2), &m2, &m4, &m6],
        "M0: purpose",
    );
    no(
        "An M0 for an unknown purpose is refused",
        [&at(2, 4), &m2, &m4, &m6],
        "M0: purpose",
    );
    no(
        "An M0 that lacks a byte is refused",
        [&m0[..34], &m2, &m4, &m6],
        "M0: size",
    );
    no(
        "An M2 of version 2 is refused",
        [&m0, &[&[2][..], &m2[1..]].concat(), &m4, &m6],
        "M2: version",
    );
    no(
        "An M2 of suite 2 is refused",
        [&m0, &[&[1, 2][..], &m2[2..]].concat(), &m4, &m6],
        "M2: suite",
    );
    no(
        "An M2 that lacks a byte is refused",
        [&m0, &m2[..65], &m4, &m6],
        "M2: size",
    );
    no(
        "An M2 whose share is no point is refused",
        [&m0, &[&m2[..2], &NO_POINT, &m2[34..]].concat(), &m4, &m6],
        "M2: no point",
    );
    no(
        "An M2 whose share is the identity is refused",
        [&m0, &[&m2[..2], &[0; 32], &m2[34..]].concat(), &m4, &m6],
        "M2: identity",
    );
    no(
        "An M2 whose commitment was turned on the way ends at M4",
        [&m0, &flip(&m2, 60), &m4, &m6],
        "M4: confirmation",
    );
    no(
        "An M1 sent back as M2 is refused",
        [&m0, &m1[..66], &m4, &m6],
        "M2: no point",
    );
    no(
        "An M4 with one bit of its tag turned is refused",
        [&m0, &m2, &flip(&m4, 0), &m6],
        "M4: confirmation",
    );
    no(
        "An M4 with one bit of its bundle turned is refused",
        [&m0, &m2, &flip(&m4, 40), &m6],
        "M4: aead",
    );
    no(
        "An M3 sent back as M4 is refused",
        [&m0, &m2, &m3, &m6],
        "M4: confirmation",
    );
    no(
        "An M6 with one bit of its tag turned is refused",
        [&m0, &m2, &m4, &flip(&m6, 0)],
        "M6: finish",
    );
    no(
        "An M6 with one bit of its journal turned is refused",
        [&m0, &m2, &m4, &flip(&m6, 40)],
        "M6: aead",
    );
    no(
        "An M6 that is an M5 sent back is refused",
        [&m0, &m2, &m4, &m5],
        "M6: size",
    );

    // A host that holds the code and says what it likes: the bundle it committed to, or another one.
    let mut host = |says: &str, committed: &[u8], bundle: &[u8], step: &str| {
        let m2 = [&m2[..34], &schedule::commit(committed)].concat();
        let peer = Peer::new("host", [&m0, &m1, &m2], PRS);
        let m3 = peer.m3(&Bundle::of("joiner").bytes());
        let m4 = peer.m4(&m3, bundle);
        area.broken(WHOLE, says, given("joiner", &[&m0, &m2, &m4, &m6]), step);
    };
    let honest = Bundle::of("host").bytes();
    let other = Bundle::with(
        "host",
        1,
        public("own static secret", "joiner").map(|byte| byte ^ 2),
    );
    host(
        "A host that sends another bundle than it committed to is refused",
        &honest,
        &other,
        "M4: commitment",
    );
    let mut bundle = |says: &str, bundle: Vec<u8>, step: &str| host(says, &bundle, &bundle, step);
    bundle(
        "A host's bundle of nothing is refused",
        Vec::new(),
        "M4: bundle items",
    );
    bundle(
        "A host's bundle whose static key is a second spelling is refused",
        Bundle::with("host", 0, [0xff; 32]),
        "M4: static key",
    );
    bundle(
        "A host's bundle whose static key is of small order is refused",
        Bundle::with("host", 0, [0; 32]),
        "M4: non-contributory",
    );
    bundle(
        "A host's bundle whose ephemeral key is of small order is refused",
        Bundle::with("host", 1, [0; 32]),
        "M4: non-contributory",
    );
    bundle(
        "A host's bundle whose log key is of small order is refused",
        Bundle::with("host", 2, NO_POINT),
        "M4: log key",
    );
    bundle(
        "A host's bundle with the joiner's log key is refused",
        Bundle::with("host", 2, &Bundle::of("joiner").items[2]),
        "M4: own key",
    );
    bundle(
        "A host's bundle that is the joiner's own is refused",
        Bundle::of("joiner").bytes(),
        "M4: own key",
    );
    bundle(
        "A host's bundle whose name is empty is refused",
        Bundle::with("host", 3, ""),
        "M4: name",
    );

    // The keys after M5, from the honest messages, to seal something else into M6.
    let peer = Peer::new("host", [&m0, &m1, &m2], PRS);
    let th4 = peer.th2.with(&m3).with(&m4);
    let bundle_j = open_aead(
        &peer.keys.seal_joiner,
        [0; 12],
        &[&peer.th2.hash()[..], &m3[..32]].concat(),
        &m3[32..],
    );
    assert_eq!(bundle_j.unwrap(), Bundle::of("joiner").bytes());
    let secret = |field: &str| StaticSecret::from_bytes(&array(&side("host"), field));
    let dh = schedule::exchange_at_host(
        &secret("e_H"),
        &secret("own static secret"),
        &StaticKey(public("e_J", "joiner")),
        &StaticKey(public("own static secret", "joiner")),
    );
    let keys = PairKeys::new(&th4, &peer.keys.prk1, &dh.unwrap());
    let th5 = th4.with(&m5);
    let m6_of = |plain: &[u8]| sealed(&keys.finish_host, &keys.seal_space, &th5, plain);
    assert_eq!(m6_of(&lv::of(&[&[0x4a; 32], &fixed::<32>(94)])), m6);
    let mut space = |says: &str, plain: Vec<u8>| {
        area.broken(
            WHOLE,
            says,
            given("joiner", &[&m0, &m2, &m4, &m6_of(&plain)]),
            "M6: space",
        );
    };
    space("An M6 that holds nothing is refused", Vec::new());
    space(
        "An M6 with a journal id of 31 bytes is refused",
        lv::of(&[&[0x4a; 31], &fixed::<32>(94)]),
    );
    space(
        "An M6 without an epoch secret is refused",
        lv::of(&[&[0x4a; 32]]),
    );
    space(
        "An M6 with an item more is refused",
        lv::of(&[&[0x4a; 32], &fixed::<32>(94), &[]]),
    );

    let pasted = invite(&side("host")).paste(b"peer of another host", &[]);
    let mut other = with(&whole, "entered", pasted.as_str());
    other["form"] = json!(2);
    area.broken(
        WHOLE,
        "A joiner whose scanned code names another host does not begin",
        other,
        "M0: other host",
    );
    let between = with(&whole, "chan_H", hex(b"peer of somebody between"));
    area.broken(
        WHOLE,
        "A host of whom the joiner sees another PeerId is refused",
        between,
        "M4: confirmation",
    );
    let log: LogKey = device(&side("host")).log_key;
    assert_ne!(label::PAIR, log.as_bytes());
}
