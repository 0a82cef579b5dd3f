//! Somebody who holds the code and breaks the rules otherwise: what only a partner's own program
//! can send.

use super::*;
use crate::identity::KeyError;
use crate::pairing::schedule::{CodeKeys, commit};

/// `ver suite …` with a share put into M1 or M2.
fn with_share(message: &[u8], at: usize, share: [u8; 32]) -> Vec<u8> {
    let mut message = message.to_vec();
    message[at..at + 32].copy_from_slice(&share);
    message
}

#[test]
fn shares_that_are_no_points_or_the_identity() {
    let setup = Setup::new(1, Form::Typed);
    let genuine = undisturbed(&setup).sent;
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let mut one = [0; 32];
    one[0] = 1;
    for (share, is_identity) in [
        ([0; 32], true),
        (p, false),
        ([0xff; 32], false),
        (one, false),
    ] {
        let ends = [
            (Message::M1, with_share(&genuine[1], 35, share)),
            (Message::M2, with_share(&genuine[2], 2, share)),
        ];
        for (place, changed) in ends {
            let run = run(&setup, |message, bytes| {
                Some(if message == place {
                    changed.clone()
                } else {
                    bytes.to_vec()
                })
            });
            let error = run.host.error().or(run.joiner.error());
            let expected = match is_identity {
                true => PairingError::IdentityPoint,
                false => PairingError::NotAPoint(place),
            };
            assert_eq!(error, Some(expected));
        }
    }
}

/// Both sides as they stand after M2, with M3 as the joiner would send it.
fn after_m2(setup: &Setup) -> (HostWaitsM3, JoinerWaitsM4, Vec<u8>) {
    let (mut rng_h, mut rng_j) = (rng(5), rng(6));
    let (host, m0) = host(&setup.invite, CHANNELS, setup.host.clone());
    let joiner = join(&setup.entered, CHANNELS, setup.joiner.clone()).unwrap();
    let (joiner, m1) = joiner.m0(&m0, &mut rng_j).unwrap();
    let (host, m2) = host.m1(&m1, &mut rng_h).unwrap();
    let (joiner, m3) = joiner.m2(&m2, &mut rng_j).unwrap();
    (host, joiner, m3)
}

/// What the host says to a joiner who knows the code and sends this in place of a bundle.
fn host_given(bundle: &[u8]) -> Result<(), PairingError> {
    let (host, _, _) = after_m2(&Setup::new(1, Form::Typed));
    let th2 = *host.th2.hash();
    let CodeKeys {
        confirm_joiner,
        seal_joiner,
        ..
    } = &host.keys;
    let tag = kdf::hmac(confirm_joiner, &th2);
    let m3 = tag_and_seal(Message::M3, tag, seal_joiner, &th2, bundle).unwrap();
    host.m3(&m3).map(|_| ())
}

/// What the joiner says to a host who knows the code, and committed to what it now sends.
fn joiner_given(bundle: &[u8]) -> Result<(), PairingError> {
    let (_, mut joiner, _) = after_m2(&Setup::new(1, Form::Typed));
    joiner.c_h = commit(bundle);
    let m4 = m4_of(&joiner, bundle);
    joiner.m4(&m4).map(|_| ())
}

fn m4_of(joiner: &JoinerWaitsM4, bundle: &[u8]) -> Vec<u8> {
    let th3 = *joiner.th3.hash();
    let tag = kdf::hmac(&joiner.keys.confirm_host, &th3);
    tag_and_seal(Message::M4, tag, &joiner.keys.seal_host, &th3, bundle).unwrap()
}

fn fresh() -> [[u8; 32]; 3] {
    let mut rng = rng(99);
    [
        StaticSecret::generate(&mut rng).public().0,
        StaticSecret::generate(&mut rng).public().0,
        LogSecret::generate(&mut rng).public().0,
    ]
}

fn both_given(bundle: &[u8]) -> Result<(), PairingError> {
    let at_host = host_given(bundle);
    assert_eq!(
        at_host,
        joiner_given(bundle),
        "both roles look at a bundle alike"
    );
    at_host
}

#[test]
fn bundles_with_bad_keys() {
    let [s, e, log] = fresh();
    assert_eq!(both_given(&lv::of(&[&s, &e, &log, b"Eve"])), Ok(()));

    let low = [0; 32];
    for bundle in [[&low, &e], [&s, &low]] {
        let bundle = lv::of(&[bundle[0], bundle[1], &log, b"Eve"]);
        assert_eq!(
            both_given(&bundle),
            Err(PairingError::NonContributory(NonContributory))
        );
    }
    let mut spelled_otherwise = s;
    spelled_otherwise[31] |= 0x80;
    assert_eq!(
        both_given(&lv::of(&[&spelled_otherwise, &e, &log, b"Eve"])),
        Err(BundleError::StaticKey(KeyError::NotCanonical).into())
    );
    assert_eq!(
        both_given(&lv::of(&[&s, &spelled_otherwise, &log, b"Eve"])),
        Err(BundleError::EphemeralKey(KeyError::NotCanonical).into())
    );
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(
        both_given(&lv::of(&[&s, &e, &identity, b"Eve"])),
        Err(BundleError::LogKey(KeyError::SmallOrder).into())
    );
}

#[test]
fn bundles_of_another_form() {
    let [s, e, log] = fresh();
    let error = |bundle: &[u8]| both_given(bundle).unwrap_err();
    let items = |error: LvError| PairingError::Bundle(BundleError::Items(error));
    assert_eq!(
        error(b""),
        items(LvError::Truncated {
            expected: 1,
            got: 0
        })
    );
    assert_eq!(
        error(&lv::of(&[&s, &e, &log])),
        items(LvError::Truncated {
            expected: 1,
            got: 0
        })
    );
    assert_eq!(
        error(&lv::of(&[&s, &e, &log, b"Eve", b""])),
        items(LvError::Trailing(1))
    );
    assert_eq!(
        error(&lv::of(&[&s[1..], &e, &log, b"Eve"])),
        BundleError::KeySize(31).into()
    );
    assert_eq!(
        error(&lv::of(&[&s, &e, &[0; 33], b"Eve"])),
        BundleError::KeySize(33).into()
    );
    let name = |name: &[u8]| error(&lv::of(&[&s, &e, &log, name]));
    assert_eq!(name(b""), BundleError::Name(NameError::Empty).into());
    assert_eq!(name(&[0xc3]), BundleError::Name(NameError::NotUtf8).into());
    assert_eq!(
        name(b"\x1b[2J"),
        BundleError::Name(NameError::Control('\x1b')).into()
    );
    assert_eq!(
        name("\u{202e}oB".as_bytes()),
        BundleError::Name(NameError::Bidi('\u{202e}')).into()
    );
    assert_eq!(
        name(&[b'a'; 41]),
        BundleError::Name(NameError::TooLong { got: 41 }).into()
    );
}

#[test]
fn a_bundle_with_a_key_of_one_s_own() {
    let [s, e, log] = fresh();
    let (at_host, at_joiner, _) = after_m2(&Setup::new(1, Form::Typed));
    let own = |party: &Party| {
        [
            party.device.static_secret.public().0,
            party.ephemeral.public().0,
            party.device.log_key.0,
        ]
    };
    let [own_s, own_e, own_log] = own(&at_host.me);
    for bundle in [
        [own_s, e, log],
        [s, own_e, log],
        [s, own_s, log],
        [s, e, own_log],
    ] {
        let bundle = lv::of(&[&bundle[0], &bundle[1], &bundle[2], b"Eve"]);
        assert_eq!(host_given(&bundle), Err(PairingError::OwnKey));
    }
    let [own_s, own_e, own_log] = own(&at_joiner.me);
    for bundle in [
        [own_s, e, log],
        [s, own_e, log],
        [own_e, e, log],
        [s, e, own_log],
    ] {
        let bundle = lv::of(&[&bundle[0], &bundle[1], &bundle[2], b"Eve"]);
        assert_eq!(joiner_given(&bundle), Err(PairingError::OwnKey));
    }
}

#[test]
fn a_host_that_sends_another_bundle_than_it_committed_to() {
    // The attack that c_H is there for: keys tried until both numbers agree.
    let [s, e, log] = fresh();
    let (_, joiner, _) = after_m2(&Setup::new(1, Form::Typed));
    let m4 = m4_of(&joiner, &lv::of(&[&s, &e, &log, b"Bo"]));
    assert_eq!(joiner.m4(&m4).err(), Some(PairingError::CommitMismatch));
}

#[test]
fn a_host_that_does_not_hold_the_code() {
    let (_, joiner, _) = after_m2(&Setup::new(1, Form::Typed));
    let [s, e, log] = fresh();
    let bundle = lv::of(&[&s, &e, &log, b"Bo"]);
    let th3 = *joiner.th3.hash();
    let guessed = CodeKeys::new(&schedule::Transcript::new(CHANNELS), &[0; 64]);
    let tag = kdf::hmac(&guessed.confirm_host, &th3);
    let m4 = tag_and_seal(Message::M4, tag, &guessed.seal_host, &th3, &bundle).unwrap();
    assert_eq!(joiner.m4(&m4).err(), Some(PairingError::WrongCode));
}

#[test]
fn a_seal_that_was_changed_under_a_right_tag() {
    let setup = Setup::new(1, Form::Typed);
    let (host, joiner, mut m3) = after_m2(&setup);
    *m3.last_mut().unwrap() ^= 1;
    assert_eq!(host.m3(&m3).err(), Some(PairingError::Sealed(Message::M3)));
    let mut m4 = m4_of(&joiner, b"anything");
    *m4.last_mut().unwrap() ^= 1;
    assert_eq!(
        joiner.m4(&m4).err(),
        Some(PairingError::Sealed(Message::M4))
    );
}

#[test]
fn an_m6_that_holds_something_else() {
    let read = |bytes: &[u8]| joiner::read_space(bytes).map(|_| ());
    assert_eq!(read(&lv::of(&[&[1; 32], &[2; 32]])), Ok(()));
    assert_eq!(
        read(&lv::of(&[&[1; 31], &[2; 32]])),
        Err(SpaceError::ItemSize(31))
    );
    assert_eq!(
        read(&lv::of(&[&[1; 32], &[2; 32], b""])),
        Err(SpaceError::Items(LvError::Trailing(1)))
    );
    assert!(matches!(
        read(&[]),
        Err(SpaceError::Items(LvError::Truncated { .. }))
    ));

    // Rightly finished and sealed, and still not a journal.
    let (host, joiner, m3) = after_m2(&Setup::new(1, Form::Typed));
    let (host, m4) = host.m3(&m3).unwrap();
    let (joiner, m5) = joiner.m4(&m4).unwrap().yes();
    let host = host.m5(&m5).unwrap();
    let fin = kdf::hmac(&host.keys.finish_host, host.th5.hash());
    let seal = &host.keys.seal_space;
    let m6 = tag_and_seal(Message::M6, fin, seal, host.th5.hash(), b"\x01x").unwrap();
    assert_eq!(
        joiner.m6(&m6).err(),
        Some(PairingError::Space(SpaceError::ItemSize(1)))
    );
}

#[test]
fn everybody_sees_the_same_number_or_the_finish_fails() {
    // Two sessions with one code: the numbers differ, and M5 of one does not finish the other.
    let setup = Setup::new(1, Form::Typed);
    let (host, joiner, m3) = after_m2(&setup);
    let (host, m4) = host.m3(&m3).unwrap();
    let joiner = joiner.m4(&m4).unwrap();
    assert_eq!(host.number(), joiner.number());
    let other = undisturbed(&setup);
    let End::Paired(pair) = &other.joiner else {
        panic!("no pair")
    };
    assert_ne!(pair.number, host.number());
    assert_eq!(
        host.m5(&other.sent[5]).err(),
        Some(PairingError::Finish(Message::M5))
    );
}
