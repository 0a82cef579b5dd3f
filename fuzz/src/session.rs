//! Sessions (PROTOCOL section 2): the two handshake messages, and frames once it stands, from a partner whose Noise is
//! another one's.

use std::cell::RefCell;
use std::sync::LazyLock;

use amends_keys::identity::{JournalId, StaticSecret};
use amends_keys::pairing::SessionPsk;
use amends_keys::session::{Between, Dialer, Listener, Session};
use snow::{Builder, TransportState};

use super::mend;
use super::word;

const PATTERN: &str = "Noise_KKpsk0_25519_ChaChaPoly_SHA256";
const BETWEEN: Between<'_> = Between {
    journal: &JournalId([7; 32]),
    dialer: &[1; 38],
    listener: &[2; 38],
};
const PSK: [u8; 32] = [8; 32];

fn anas() -> StaticSecret {
    StaticSecret::from_bytes(&[3; 32])
}

fn bos() -> StaticSecret {
    StaticSecret::from_bytes(&[4; 32])
}

fn dialer() -> (Dialer, Vec<u8>) {
    let psk = SessionPsk::from_bytes(&PSK);
    Dialer::new(&anas(), &bos().public(), &psk, BETWEEN, &mut mend::rng(1)).unwrap()
}

fn listener() -> Listener {
    let psk = SessionPsk::from_bytes(&PSK);
    Listener::new(&bos(), &anas().public(), &psk, BETWEEN, &mut mend::rng(2)).unwrap()
}

static FIRST: LazyLock<Vec<u8>> = LazyLock::new(|| dialer().1);
static ANSWER: LazyLock<Vec<u8>> = LazyLock::new(|| listener().answer(&FIRST).unwrap().1);

thread_local! {
    /// A session and the partner's end of it, for as long as nothing was refused: beginning one anew is dear.
    static OPEN: RefCell<Option<(Session, TransportState)>> = const { RefCell::new(None) };
}

/// Ana's session with somebody whose Noise is snow's own.
fn begin() -> (Session, TransportState) {
    let prologue = amends_keys::lv::of(&[
        b"amends/sess/v1",
        &BETWEEN.journal.0,
        BETWEEN.dialer,
        BETWEEN.listener,
    ]);
    let bos = bos();
    let anas = anas().public();
    let builder = Builder::new(PATTERN.parse().unwrap())
        .local_private_key(bos.expose())
        .and_then(|builder| builder.remote_public_key(&anas.0))
        .and_then(|builder| builder.psk(0, &PSK))
        .and_then(|builder| builder.prologue(&prologue));
    let mut partner = builder.unwrap().build_responder().unwrap();
    let (dialer, first) = dialer();
    partner.read_message(&first, &mut []).unwrap();
    let mut answer = [0; 48];
    assert_eq!(partner.write_message(&[], &mut answer), Ok(48));
    let session = dialer.finish(&answer).unwrap();
    (session, partner.into_transport_mode().unwrap())
}

/// 0: the dialer's message. 1: the listener's. 2 and 3: these, altered. 4: a frame in a session. 5: this, sealed by the
/// partner as it is, without its length. Otherwise: the same with its length, and then altered by the three bytes before it.
pub fn noise(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    match how % 8 {
        0 => first(rest),
        1 => answer(rest),
        2 => first(&mend::altered(&FIRST, rest)),
        3 => answer(&mend::altered(&ANSWER, rest)),
        4 => frame(|_| rest.to_vec()),
        5 => frame(|partner| sealed(partner, rest)),
        _ => {
            let (changes, plain) = rest.split_at(rest.len().min(3));
            let len = u32::try_from(plain.len()).unwrap().to_be_bytes();
            frame(|partner| mend::altered(&sealed(partner, &[&len, plain].concat()), changes))
        }
    }
}

fn first(message: &[u8]) -> String {
    match listener().answer(message) {
        Ok((_, answer)) => {
            assert_eq!(message, *FIRST, "a forged handshake was taken");
            assert_eq!(answer, *ANSWER);
            "handshake taken".into()
        }
        Err(error) => format!("handshake {}", word(&error)),
    }
}

fn answer(message: &[u8]) -> String {
    match dialer().0.finish(message) {
        Ok(_) => {
            assert_eq!(message, *ANSWER, "a forged handshake was taken");
            "answer taken".into()
        }
        Err(error) => format!("answer {}", word(&error)),
    }
}

fn sealed(partner: &mut TransportState, plain: &[u8]) -> Vec<u8> {
    let mut message = vec![0; plain.len() + 16];
    let len = partner.write_message(plain, &mut message).unwrap();
    message.truncate(len);
    message
}

fn frame(make: impl FnOnce(&mut TransportState) -> Vec<u8>) -> String {
    OPEN.with_borrow_mut(|open| {
        let (session, partner) = open.get_or_insert_with(begin);
        let message = make(partner);
        match session.open(&message) {
            Ok(frame) => {
                assert_eq!(message.len(), amends_keys::session::sealed_len(frame.len()));
                "frame taken".into()
            }
            Err(error) => {
                assert!(session.open(&message).is_err(), "it went on");
                *open = None;
                word(&error)
            }
        }
    })
}

pub fn noise_seeds() -> Vec<Vec<u8>> {
    OPEN.with_borrow_mut(|open| *open = Some(begin()));
    vec![
        [&[0], &FIRST[..]].concat(),
        [&[1], &ANSWER[..]].concat(),
        vec![2],
        vec![3],
        vec![2, 0, 9, 1],
        vec![3, 0, 40, 1],
        vec![4; 40],
        vec![4],
        b"\x05\0\0\0\x05frame".to_vec(),
        b"\x05\0\0\0\x06frame".to_vec(),
        vec![5, 0, 0],
        b"\x06\0\0\0frame".to_vec(),
        b"\x06\0\x02\x01frame".to_vec(),
        vec![6],
    ]
}
