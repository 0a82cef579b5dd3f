//! Somebody between the two who holds no code: M0 to M6 dropped, doubled, reordered, reflected,
//! from another session, every byte flipped, cut and lengthened, towards either role. Nothing of it
//! may end in a pair on the side that it reaches.

use super::*;

const ALL: [Message; 7] = [
    Message::M0,
    Message::M1,
    Message::M2,
    Message::M3,
    Message::M4,
    Message::M5,
    Message::M6,
];

/// M0, M2, M4 and M6 reach the joiner.
fn reaches_joiner(message: Message) -> bool {
    (message as usize).is_multiple_of(2)
}

/// Neither side pairs, but for the host after M6: it has answered, and waits for a session.
fn assert_no_pair(run: &Run, disturbed: Message, what: &str) {
    assert!(
        !run.joiner.paired(),
        "{disturbed} {what}: the joiner paired"
    );
    let unconfirmed = disturbed == Message::M6;
    assert_eq!(
        run.host.paired(),
        unconfirmed,
        "{disturbed} {what}: the host"
    );
}

/// As above, and somebody saw an error.
fn assert_noticed(run: &Run, disturbed: Message, what: &str) -> PairingError {
    assert_no_pair(run, disturbed, what);
    let error = run.host.error().or(run.joiner.error());
    error.unwrap_or_else(|| panic!("{disturbed} {what}: nobody noticed"))
}

/// Whoever the message reaches sees the error at once.
fn assert_refused(run: &Run, disturbed: Message, what: &str) -> PairingError {
    assert_no_pair(run, disturbed, what);
    let end = if reaches_joiner(disturbed) {
        &run.joiner
    } else {
        &run.host
    };
    end.error()
        .unwrap_or_else(|| panic!("{disturbed} {what}: taken"))
}

fn instead(setup: &Setup, of: Message, arrives: &[u8]) -> Run {
    run(setup, |message, bytes| {
        Some(if message == of {
            arrives.to_vec()
        } else {
            bytes.to_vec()
        })
    })
}

#[test]
fn dropped() {
    let setup = Setup::new(1, Form::Typed);
    for dropped in ALL {
        let run = run(&setup, |message, bytes| {
            (message != dropped).then(|| bytes.to_vec())
        });
        assert_no_pair(&run, dropped, "dropped");
        assert!(run.host.error().is_none() && run.joiner.error().is_none());
        assert_eq!(
            run.sent.len(),
            dropped as usize + 1,
            "nothing is sent after it"
        );
    }
}

#[test]
fn doubled() {
    // The copy arrives where the receiver awaits the next message from the other side. After M5 and
    // M6 there is no such place: the states that follow take no message.
    let setup = Setup::new(1, Form::Typed);
    for doubled in 0..5 {
        let place = ALL[doubled + 2];
        let mut copy = Vec::new();
        let run = run(&setup, |message, bytes| {
            if message == ALL[doubled] {
                copy = bytes.to_vec();
            }
            Some(if message == place {
                copy.clone()
            } else {
                bytes.to_vec()
            })
        });
        assert_refused(&run, place, "taken by a doubled message");
    }
}

#[test]
fn reordered() {
    // Every message of the very same session in the place of every other.
    let setup = Setup::new(1, Form::Typed);
    let genuine = undisturbed(&setup).sent;
    for place in ALL {
        for (i, other) in genuine.iter().enumerate() {
            if i != place as usize {
                let run = instead(&setup, place, other);
                assert_refused(&run, place, &format!("taken by M{i}"));
            }
        }
    }
}

#[test]
fn reflected() {
    // What the receiver sent last comes back to it.
    let setup = Setup::new(1, Form::Typed);
    for place in ALL.into_iter().skip(1) {
        let mut last = Vec::new();
        let run = run(&setup, |message, bytes| {
            let arrives = if message == place {
                last.clone()
            } else {
                bytes.to_vec()
            };
            last = bytes.to_vec();
            Some(arrives)
        });
        assert_refused(&run, place, "reflected");
    }
}

#[test]
fn reflected_to_oneself() {
    // A host that sends the joiner's own M3 back as M4, and a joiner that sends M5 back as M6.
    let setup = Setup::new(1, Form::Typed);
    let run = undisturbed(&setup);
    let m4 = assert_refused(
        &instead(&setup, Message::M4, &run.sent[3]),
        Message::M4,
        "M3 back",
    );
    assert_eq!(m4, PairingError::WrongCode);
    let mut padded = run.sent[5].clone();
    padded.resize(run.sent[6].len(), 0);
    let m6 = assert_refused(
        &instead(&setup, Message::M6, &padded),
        Message::M6,
        "M5 back",
    );
    assert_eq!(m6, PairingError::Finish(Message::M6));
}

#[test]
fn from_another_session() {
    // Of the same two devices; with another code, and with the same code on the screen.
    let setup = Setup::new(1, Form::Typed);
    let same_code = Setup {
        seed: 77,
        ..Setup::new(1, Form::Typed)
    };
    for other in [Setup::new(2, Form::Typed), same_code] {
        let same_screen = other.invite.nonce() == setup.invite.nonce();
        let recorded = undisturbed(&other).sent;
        for place in ALL {
            let arrives = &recorded[place as usize];
            let run = instead(&setup, place, arrives);
            match place {
                // The code on the screen fixes M0: it is the same message, and no attack.
                Message::M0 if same_screen => assert!(run.joiner.paired()),
                // These hold nothing keyed; what follows tells.
                Message::M0 | Message::M1 | Message::M2 => {
                    let error = assert_noticed(&run, place, "of another session");
                    assert_eq!(error, PairingError::WrongCode);
                }
                _ => {
                    assert_refused(&run, place, "of another session");
                }
            }
        }
        // And a whole recorded side, played back to each role.
        for reaches in [0, 1] {
            let run = run(&setup, |message, bytes| {
                let replayed = message as usize % 2 == reaches && message != Message::M0;
                Some(if replayed {
                    recorded[message as usize].clone()
                } else {
                    bytes.to_vec()
                })
            });
            assert!(!run.host.paired() && !run.joiner.paired());
        }
    }
}

#[test]
fn every_byte_flipped() {
    for form in [Form::Typed, Form::Scanned] {
        let setup = Setup::new(1, form);
        let genuine = undisturbed(&setup).sent;
        for place in ALL {
            let message = &genuine[place as usize];
            for i in 0..message.len() {
                for flip in [0x01, 0x80, 0xff] {
                    let mut changed = message.clone();
                    changed[i] ^= flip;
                    let run = instead(&setup, place, &changed);
                    let what = format!("byte {i} flipped by {flip:#04x}");
                    if matches!(place, Message::M0 | Message::M1 | Message::M2) {
                        assert_noticed(&run, place, &what);
                    } else {
                        assert_refused(&run, place, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn cut_and_lengthened() {
    let setup = Setup::new(1, Form::Typed);
    let genuine = undisturbed(&setup).sent;
    for place in ALL {
        let message = &genuine[place as usize];
        for got in (0..message.len()).chain([message.len() + 1, 1023, 1024, 1025, 70_000]) {
            let mut changed = message.clone();
            changed.resize(got, 0);
            let run = instead(&setup, place, &changed);
            let error = assert_refused(&run, place, &format!("of {got} bytes"));
            let sealed = matches!(place, Message::M3 | Message::M4 | Message::M6);
            if !sealed || !(48..=MAX_MESSAGE).contains(&got) {
                assert_eq!(
                    error,
                    PairingError::Size {
                        message: place,
                        got
                    }
                );
            }
        }
    }
}

#[test]
fn versions_suites_purposes_and_forms_that_are_not_known() {
    let setup = Setup::new(1, Form::Typed);
    let genuine = undisturbed(&setup).sent;
    let error = |place: Message, at: usize, byte: u8| {
        let mut changed = genuine[place as usize].clone();
        changed[at] = byte;
        assert_refused(&instead(&setup, place, &changed), place, "changed")
    };
    for message in [Message::M0, Message::M1, Message::M2] {
        for got in [0, 2, 255] {
            assert_eq!(
                error(message, 0, got),
                PairingError::Version { message, got }
            );
            assert_eq!(error(message, 1, got), PairingError::Suite { message, got });
        }
    }
    for purpose in [2, 3] {
        assert_eq!(
            error(Message::M0, 2, purpose),
            PairingError::PurposeNotYet(purpose)
        );
    }
    for purpose in [0, 4, 255] {
        assert_eq!(
            error(Message::M0, 2, purpose),
            PairingError::UnknownPurpose(purpose)
        );
    }
    for form in [0, 3, 255] {
        assert_eq!(error(Message::M1, 2, form), PairingError::UnknownForm(form));
    }
    // A known form that is not the one entered: the other secret, a wrong code.
    let mut changed = genuine[1].clone();
    changed[2] = 2;
    let run = instead(&setup, Message::M1, &changed);
    assert_eq!(run.host.error(), Some(PairingError::WrongCode));
}
