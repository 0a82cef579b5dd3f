use super::*;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

const JOURNAL: JournalId = JournalId([7; 32]);
const BETWEEN: Between<'static> = Between {
    journal: &JOURNAL,
    dialer: b"peer of ana",
    listener: b"peer of bo",
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn ana() -> StaticSecret {
    StaticSecret::from_bytes(&[1; 32])
}

fn bo() -> StaticSecret {
    StaticSecret::from_bytes(&[2; 32])
}

fn psk() -> SessionPsk {
    SessionPsk::from_bytes(&[3; 32])
}

fn dial(between: Between<'_>, seed: u64) -> (Dialer, Vec<u8>) {
    Dialer::new(&ana(), &bo().public(), &psk(), between, &mut rng(seed)).unwrap()
}

fn listen(between: Between<'_>, seed: u64) -> Listener {
    Listener::new(&bo(), &ana().public(), &psk(), between, &mut rng(seed)).unwrap()
}

fn meet(seed: u64) -> (Session, Session) {
    let (dialer, first) = dial(BETWEEN, seed);
    let (bo, second) = listen(BETWEEN, seed + 1).answer(&first).unwrap();
    (dialer.finish(&second).unwrap(), bo)
}

#[test]
fn two_devices_of_a_pair_speak_both_ways() {
    let (mut ana, mut bo) = meet(1);
    for round in 0..5_u8 {
        let sealed = ana.seal(&[round; 40]).unwrap();
        assert_eq!(bo.open(&sealed).unwrap(), [round; 40]);
        let sealed = bo.seal(&[]).unwrap();
        assert_eq!(ana.open(&sealed).unwrap(), b"");
    }
}

#[test]
fn frames_span_messages_and_have_the_length_that_is_told() {
    let (mut ana, mut bo) = meet(1);
    let mut bytes = vec![0; MAX_FRAME];
    rng(9).fill_bytes(&mut bytes);
    for len in [
        0,
        1,
        PIECE - 5,
        PIECE - 4,
        PIECE - 3,
        2 * PIECE - 4,
        2 * PIECE,
        1 << 20,
        MAX_FRAME,
    ] {
        let sealed = ana.seal(&bytes[..len]).unwrap();
        assert_eq!(sealed.len(), sealed_len(len));
        assert!(sealed.len() <= MAX_SEALED);
        assert!(bo.open(&sealed).unwrap() == bytes[..len], "{len} bytes");
    }
    let size = MAX_FRAME + 1;
    assert_eq!(ana.seal(&vec![0; size]), Err(FrameError::TooLarge { size }));
    let sealed = ana.seal(b"still here").unwrap();
    assert_eq!(bo.open(&sealed).unwrap(), b"still here");
}

#[test]
fn another_pair_another_journal_and_other_peers_are_refused() {
    let refused = |dialer: Dialer, first: &[u8], listener: Listener| {
        drop(dialer);
        assert_eq!(listener.answer(first).err(), Some(HandshakeError::Refused));
    };
    let others = [
        Between {
            journal: &JournalId([8; 32]),
            ..BETWEEN
        },
        Between {
            dialer: b"peer of eve",
            ..BETWEEN
        },
        Between {
            listener: b"peer of eve",
            ..BETWEEN
        },
        Between {
            dialer: BETWEEN.listener,
            listener: BETWEEN.dialer,
            ..BETWEEN
        },
    ];
    for other in others {
        let (dialer, first) = dial(other, 1);
        refused(dialer, &first, listen(BETWEEN, 2));
    }
    let eve = StaticSecret::from_bytes(&[66; 32]);
    let other_psk = SessionPsk::from_bytes(&[33; 32]);
    for (own, partner, psk) in [
        (&eve, bo().public(), psk()),
        (&ana(), eve.public(), psk()),
        (&ana(), bo().public(), other_psk),
    ] {
        let (dialer, first) = Dialer::new(own, &partner, &psk, BETWEEN, &mut rng(1)).unwrap();
        refused(dialer, &first, listen(BETWEEN, 2));
    }
}

#[test]
fn a_listener_that_is_not_the_partner_is_refused() {
    // It knows ana's key and the psk and answers in a handshake of its own.
    let eve = StaticSecret::from_bytes(&[66; 32]);
    let (_, to_eve) = Dialer::new(&ana(), &eve.public(), &psk(), BETWEEN, &mut rng(3)).unwrap();
    let listener = Listener::new(&eve, &ana().public(), &psk(), BETWEEN, &mut rng(4)).unwrap();
    let (_, answer) = listener.answer(&to_eve).unwrap();
    let (dialer, _) = dial(BETWEEN, 3);
    assert_eq!(dialer.finish(&answer).err(), Some(HandshakeError::Refused));
}

#[test]
fn every_flipped_bit_of_the_handshake_is_noticed() {
    let (_, first) = dial(BETWEEN, 1);
    let (_, second) = listen(BETWEEN, 2).answer(&first).unwrap();
    for i in 0..HANDSHAKE {
        for bit in 0..8 {
            // X25519 leaves out the top bit of a key; the hash over the message does not.
            let mut changed = first.clone();
            changed[i] ^= 1 << bit;
            let error = listen(BETWEEN, 2).answer(&changed).err();
            assert_eq!(
                error,
                Some(HandshakeError::Refused),
                "first, byte {i} bit {bit}"
            );
            let mut changed = second.clone();
            changed[i] ^= 1 << bit;
            let error = dial(BETWEEN, 1).0.finish(&changed).err();
            assert_eq!(
                error,
                Some(HandshakeError::Refused),
                "second, byte {i} bit {bit}"
            );
        }
    }
}

#[test]
fn handshake_messages_have_one_size_and_no_payload() {
    let (_, first) = dial(BETWEEN, 1);
    for got in (0..HANDSHAKE).chain([HANDSHAKE + 1, 100, 65_535, 100_000]) {
        let mut message = first.clone();
        message.resize(got, 0);
        let error = listen(BETWEEN, 2).answer(&message).err();
        assert_eq!(error, Some(HandshakeError::Size { got }));
        let error = dial(BETWEEN, 1).0.finish(&message).err();
        assert_eq!(error, Some(HandshakeError::Size { got }));
    }
}

#[test]
fn a_handshake_that_comes_back_or_again_is_refused() {
    let (dialer, first) = dial(BETWEEN, 1);
    assert_eq!(dialer.finish(&first).err(), Some(HandshakeError::Refused));
    // Replayed: the listener answers, as it must, and no key comes of it that the replayer holds.
    let (mut bo, second) = listen(BETWEEN, 2).answer(&first).unwrap();
    let (mut again, third) = listen(BETWEEN, 20).answer(&first).unwrap();
    let mut ana = dial(BETWEEN, 1).0.finish(&second).unwrap();
    assert!(dial(BETWEEN, 5).0.finish(&third).is_err());
    let sealed = ana.seal(b"once").unwrap();
    assert_eq!(again.open(&sealed), Err(FrameError::Refused));
    assert_eq!(bo.open(&sealed).unwrap(), b"once");
}

#[test]
fn a_partner_key_of_small_order_gives_no_session() {
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one] {
        let dialled = Dialer::new(&ana(), &StaticKey(key), &psk(), BETWEEN, &mut rng(1));
        assert_eq!(dialled.err(), Some(HandshakeError::Refused));
        let (_, first) = dial(BETWEEN, 1);
        let listener = Listener::new(&bo(), &StaticKey(key), &psk(), BETWEEN, &mut rng(1)).unwrap();
        assert_eq!(listener.answer(&first).err(), Some(HandshakeError::Refused));
    }
}

#[test]
fn a_changed_frame_ends_the_session() {
    let (mut first, _) = meet(1);
    let sealed = first.seal(b"words").unwrap();
    for i in 0..sealed.len() {
        let (_, mut bo) = meet(1);
        let mut changed = sealed.clone();
        changed[i] ^= 0x40;
        assert_eq!(bo.open(&changed), Err(FrameError::Refused), "byte {i}");
        assert_eq!(bo.open(&sealed), Err(FrameError::Over));
        assert_eq!(bo.seal(b"more"), Err(FrameError::Over));
    }
}

#[test]
fn frames_repeated_left_out_exchanged_or_sent_back_are_refused() {
    let (mut ana, _) = meet(1);
    let one = ana.seal(b"one").unwrap();
    let two = ana.seal(b"two").unwrap();
    let bo = || meet(1).1;
    let mut repeated = bo();
    repeated.open(&one).unwrap();
    assert_eq!(repeated.open(&one), Err(FrameError::Refused));
    assert_eq!(bo().open(&two), Err(FrameError::Refused));
    assert_eq!(
        ana.open(&two),
        Err(FrameError::Refused),
        "one's own frame sent back"
    );
    assert_eq!(
        meet(50).1.open(&one),
        Err(FrameError::Refused),
        "another session"
    );
}

#[test]
fn a_carrier_cannot_move_the_border_between_frames() {
    let (mut ana, _) = meet(1);
    let bo = || meet(1).1;
    let long = ana.seal(&vec![5; 3 * PIECE]).unwrap();
    let next = ana.seal(b"next").unwrap();
    for end in [MESSAGE, 2 * MESSAGE, 3 * MESSAGE] {
        let error = bo().open(&long[..end]).unwrap_err();
        assert!(
            matches!(error, FrameError::Length { .. }),
            "cut at {end}: {error}"
        );
    }
    // The last piece of the long frame is short, so what follows it cannot join it.
    assert_eq!(
        bo().open(&[&long[..], &next].concat()),
        Err(FrameError::Refused)
    );
    // Where it is full, it could, but for the length.
    let (mut ana, mut bo) = meet(60);
    let full = ana.seal(&vec![5; PIECE - LENGTH]).unwrap();
    let next = ana.seal(b"next").unwrap();
    let error = bo.open(&[full, next].concat()).unwrap_err();
    let expected = u32::try_from(PIECE - LENGTH).unwrap();
    assert_eq!(
        error,
        FrameError::Length {
            expected,
            got: PIECE - LENGTH + LENGTH + 4
        }
    );
}

#[test]
fn sizes_that_no_frame_has_are_refused() {
    for size in (0..sealed_len(0)).chain([MAX_SEALED + 1, 4 * MAX_SEALED]) {
        let (_, mut bo) = meet(1);
        assert_eq!(
            bo.open(&vec![0; size]),
            Err(FrameError::SealedSize { size })
        );
    }
    let (_, mut bo) = meet(1);
    assert_eq!(bo.open(&vec![0; MESSAGE + 5]), Err(FrameError::Refused));
}

#[test]
fn snow_with_its_own_primitives_understands_us() {
    let between = BETWEEN.prologue();
    let build = |own: &StaticSecret, partner: &StaticKey, dials: bool| {
        let builder = Builder::new(PATTERN.parse().unwrap())
            .local_private_key(own.expose())
            .and_then(|b| b.remote_public_key(&partner.0))
            .and_then(|b| b.psk(0, &[3; 32]))
            .and_then(|b| b.prologue(&between))
            .unwrap();
        if dials {
            builder.build_initiator()
        } else {
            builder.build_responder()
        }
        .unwrap()
    };
    let mut room = vec![0; MESSAGE];

    let (dialer, first) = dial(BETWEEN, 1);
    let mut other = build(&bo(), &ana().public(), false);
    assert_eq!(other.read_message(&first, &mut room).unwrap(), 0);
    let n = other.write_message(&[], &mut room).unwrap();
    let mut ana_session = dialer.finish(&room[..n]).unwrap();
    let mut other = other.into_transport_mode().unwrap();
    let sealed = ana_session.seal(b"to an oracle").unwrap();
    let n = other.read_message(&sealed, &mut room).unwrap();
    assert_eq!(room[..n], *b"\0\0\0\x0cto an oracle");

    let mut other = build(&ana(), &bo().public(), true);
    let n = other.write_message(&[], &mut room).unwrap();
    let (mut bo_session, second) = listen(BETWEEN, 2).answer(&room[..n]).unwrap();
    assert_eq!(other.read_message(&second, &mut room).unwrap(), 0);
    let mut other = other.into_transport_mode().unwrap();
    let n = other.write_message(b"\0\0\0\x02no", &mut room).unwrap();
    assert_eq!(bo_session.open(&room[..n]).unwrap(), b"no");
}

#[test]
fn an_ephemeral_key_is_never_used_twice() {
    let (_, one) = dial(BETWEEN, 1);
    let (_, two) = dial(BETWEEN, 2);
    assert_ne!(one[..32], two[..32]);
    let mut rng = rng(1);
    let (_, first) = Dialer::new(&ana(), &bo().public(), &psk(), BETWEEN, &mut rng).unwrap();
    let (_, second) = Dialer::new(&ana(), &bo().public(), &psk(), BETWEEN, &mut rng).unwrap();
    assert_ne!(first[..32], second[..32]);
}

#[test]
fn debug_shows_no_secret() {
    let (dialer, first) = dial(BETWEEN, 1);
    let listener = listen(BETWEEN, 2);
    let shown = format!("{dialer:?} {listener:?} {:?}", listener_session(&first));
    assert_eq!(shown, "Dialer { .. } Listener { .. } Session { .. }");
}

fn listener_session(first: &[u8]) -> Session {
    listen(BETWEEN, 2).answer(first).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_frames_arrive_as_they_were_sent(
        frames in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..3000)), 1..12),
    ) {
        let (mut ana, mut bo) = meet(1);
        for (from_ana, frame) in frames {
            let (from, to) = if from_ana { (&mut ana, &mut bo) } else { (&mut bo, &mut ana) };
            prop_assert_eq!(to.open(&from.seal(&frame).unwrap()).unwrap(), frame);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(meet(1).0.open(&bytes).is_err());
        prop_assert!(listen(BETWEEN, 1).answer(&bytes).is_err());
    }
}
