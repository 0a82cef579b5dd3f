//! Points and signatures that are not to be taken: every encoding of a point of small order of X25519 and of Ed25519,
//! second spellings, and what is no point of ristretto255 (RFC 9496).

use amends_keys::identity::{KeyError, LogKey, LogSecret, StaticKey, StaticSecret};
use amends_keys::pairing::cpace::{self, Share, ShareError};
use serde_json::{Value, json};

use crate::harness::{self, Answer, Area, array, bytes, fixed, flip, hex, text, unhex, with};

const OWN: [u8; 32] = [0x77; 32];

fn share() -> Share {
    Share::new(
        &cpace::generator(b"48291306", b"channel", b"session"),
        &fixed(31),
    )
}

fn answer(given: &Value) -> Answer {
    let key = |refused| {
        Answer::refuses(match refused {
            KeyError::NotCanonical => "second spelling",
            KeyError::NotAPoint => "no point",
            KeyError::SmallOrder => "small order",
        })
    };
    match text(given, "curve") {
        "X25519" => match StaticKey::check(array(given, "public key")) {
            Err(refused) => key(refused),
            Ok(public) => {
                match StaticSecret::from_bytes(&array(given, "secret key")).exchange(&public) {
                    Ok(shared) => Answer::Gives(json!({ "shared": hex(*shared) })),
                    Err(_) => Answer::refuses("small order"),
                }
            }
        },
        "Ed25519" => match LogKey::check(array(given, "public key")) {
            Err(refused) => key(refused),
            Ok(public) => match given.get("signature") {
                None => Answer::Gives(json!({})),
                Some(_) => {
                    let signature: [u8; 64] = array(given, "signature");
                    match public.verify(&bytes(given, "message"), &signature) {
                        Ok(()) => Answer::Gives(json!({})),
                        Err(_) => Answer::refuses("signature"),
                    }
                }
            },
        },
        _ => match share().shared(&array(given, "share")) {
            Ok(k) => Answer::Gives(json!({ "K": hex(*k) })),
            Err(ShareError::NotAPoint) => Answer::refuses("no point"),
            Err(ShareError::Identity) => Answer::refuses("identity"),
        },
    }
}

/// u = 0, 1, p - 1 and the two points of order 8, each as itself, plus p where that fits, and with the top bit set.
const X25519_SMALL: [(&str, &str, &str); 14] = [
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "u = 0",
        "small order",
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "u = 1",
        "small order",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "u = p minus 1",
        "small order",
    ),
    (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "the first u of order 8",
        "small order",
    ),
    (
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "the second u of order 8",
        "small order",
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "u = p",
        "second spelling",
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "u = p plus 1",
        "second spelling",
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000080",
        "u = 0 with the top bit",
        "second spelling",
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000080",
        "u = 1 with the top bit",
        "second spelling",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "u = p minus 1 with the top bit",
        "second spelling",
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "u = p with the top bit",
        "second spelling",
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "u = p plus 1 with the top bit",
        "second spelling",
    ),
    (
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "the first u of order 8 with the top bit",
        "second spelling",
    ),
    (
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
        "the second u of order 8 with the top bit",
        "second spelling",
    ),
];

/// The eight points of small order and their six second spellings.
const ED25519_SMALL: [(&str, &str); 14] = [
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "the neutral point",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "the point of order 2",
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "the first point of order 4",
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000080",
        "the second point of order 4",
    ),
    (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "the first point of order 8",
    ),
    (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "the second point of order 8",
    ),
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "the third point of order 8",
    ),
    (
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "the fourth point of order 8",
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000080",
        "the neutral point with a sign",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "the point of order 2 with a sign",
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "the first point of order 4 as y = p",
    ),
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "the second point of order 4 as y = p",
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "the neutral point as y = p plus 1",
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "the neutral point as y = p plus 1 with a sign",
    ),
];

const RISTRETTO_BAD: [(&str, &str); 14] = [
    (
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "s = p",
    ),
    (
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "s = p plus 1",
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "s = 2^255 minus 1",
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "s = 2^256 minus 1",
    ),
    (
        "0400000000000000000000000000000000000000000000000000000000000080",
        "a point with the top bit",
    ),
    (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "a negative s, 1",
    ),
    (
        "0300000000000000000000000000000000000000000000000000000000000000",
        "a negative s, 3",
    ),
    (
        "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "a negative s, p minus 2",
    ),
    (
        "0800000000000000000000000000000000000000000000000000000000000000",
        "an s without a square root, 8",
    ),
    (
        "0c00000000000000000000000000000000000000000000000000000000000000",
        "an s without a square root, 12",
    ),
    (
        "1800000000000000000000000000000000000000000000000000000000000000",
        "an s without a square root, 24",
    ),
    (
        "0200000000000000000000000000000000000000000000000000000000000000",
        "an s whose t is negative, 2",
    ),
    (
        "0a00000000000000000000000000000000000000000000000000000000000000",
        "an s whose t is negative, 10",
    ),
    (
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "an s whose y is 0, p minus 1",
    ),
];

fn x25519(area: &mut Area) {
    const WHOLE: &str = "An X25519 exchange with an honest key gives a shared secret";
    let give =
        |public: &str| json!({ "curve": "X25519", "secret key": hex(OWN), "public key": public });
    let own = StaticSecret::from_bytes(&OWN);
    let public = StaticSecret::from_bytes(&fixed(33)).public();
    let shared = own.exchange(&public).unwrap();
    area.whole(
        WHOLE,
        give(&hex(public.as_bytes())),
        json!({ "shared": hex(*shared) }),
    );
    for (public, what, step) in X25519_SMALL {
        area.broken(
            WHOLE,
            &format!("The X25519 key of {what} is refused"),
            give(public),
            step,
        );
    }
    // The base point, u = 9, as p plus 9: of large order, and another spelling of a key that is taken.
    let nine = hex([&[9][..], &[0; 31]].concat());
    let shared = own.exchange(&StaticKey::check(unhex(&nine).try_into().unwrap()).unwrap());
    area.whole(
        "The X25519 base point itself is taken",
        give(&nine),
        json!({ "shared": hex(*shared.unwrap()) }),
    );
    for (public, what) in [
        (
            "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "p plus 9",
        ),
        (
            "0900000000000000000000000000000000000000000000000000000000000080",
            "9 with the top bit",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "2^255 minus 1",
        ),
    ] {
        let says = format!("The X25519 key written as {what} is refused");
        area.broken(WHOLE, &says, give(public), "second spelling");
    }
}

fn ed25519(area: &mut Area) {
    const WHOLE: &str = "An honest Ed25519 signature verifies";
    let log = LogSecret::from_bytes(&fixed(35));
    let message = b"what is signed".to_vec();
    let signature = log.sign(&message);
    let whole = json!({
        "curve": "Ed25519", "public key": hex(log.public().as_bytes()), "message": hex(&message),
        "signature": hex(signature),
    });
    area.whole(WHOLE, whole.clone(), json!({}));
    for (public, what) in ED25519_SMALL {
        let says = format!("The Ed25519 key that is {what} is refused");
        area.broken(
            WHOLE,
            &says,
            with(&whole, "public key", public),
            "small order",
        );
    }
    for (public, what, step) in [
        (
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "y = 3 written as p plus 3",
            "second spelling",
        ),
        (
            "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "y = 4 written as p plus 4",
            "second spelling",
        ),
        (
            "0200000000000000000000000000000000000000000000000000000000000000",
            "y = 2, which is on no point",
            "no point",
        ),
        (
            "0700000000000000000000000000000000000000000000000000000000000000",
            "y = 7, which is on no point",
            "no point",
        ),
    ] {
        let says = format!("The Ed25519 key of {what} is refused");
        area.broken(WHOLE, &says, with(&whole, "public key", public), step);
    }
    let mut no = |says: &str, signature: &[u8]| {
        area.broken(
            WHOLE,
            says,
            with(&whole, "signature", hex(signature)),
            "signature",
        );
    };
    no(
        "An Ed25519 signature with one bit of R turned is refused",
        &flip(&signature, 0),
    );
    no(
        "An Ed25519 signature with one bit of S turned is refused",
        &flip(&signature, 32),
    );
    // S + L is the same number modulo the group's order: RFC 8032 takes one of them.
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0u16;
    let mut second = signature;
    for (byte, add) in second[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    no(
        "An Ed25519 signature whose S is written as S + L is refused",
        &second,
    );
    let mut neutral = [0; 64];
    neutral[0] = 1;
    no(
        "An Ed25519 signature of a neutral R and an S of 0 is refused",
        &neutral,
    );
    area.broken(
        WHOLE,
        "An Ed25519 signature over another message is refused",
        with(&whole, "message", hex(b"what was not")),
        "signature",
    );
    area.broken(
        WHOLE,
        "An Ed25519 signature by another key is refused",
        with(
            &whole,
            "public key",
            hex(LogSecret::from_bytes(&fixed(36)).public().as_bytes()),
        ),
        "signature",
    );
}

fn ristretto(area: &mut Area) {
    const WHOLE: &str = "A share that is a point of ristretto255 gives a shared point";
    let give = |share: &str| {
        json!({
            "curve": "ristretto255", "PRS": hex(b"48291306"), "CI": hex(b"channel"), "sid": hex(b"session"),
            "y, 64 bytes, reduced": hex(fixed::<64>(31)), "share": share,
        })
    };
    let point = "0400000000000000000000000000000000000000000000000000000000000000";
    let k = share().shared(&unhex(point).try_into().unwrap()).unwrap();
    area.whole(WHOLE, give(point), json!({ "K": hex(*k) }));
    for (share, what) in RISTRETTO_BAD {
        area.broken(
            WHOLE,
            &format!("A share that is {what} is refused"),
            give(share),
            "no point",
        );
    }
    area.broken(
        WHOLE,
        "A share that is the identity is refused",
        give(&hex([0; 32])),
        "identity",
    );
}

#[test]
fn points_and_signatures_are_answered_as_they_say() {
    let mut area = Area::default();
    x25519(&mut area);
    ed25519(&mut area);
    ristretto(&mut area);
    harness::check("points", &area, answer);
}
