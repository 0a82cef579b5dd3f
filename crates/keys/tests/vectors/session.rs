//! A session as the listener sees it: the handshake of Noise_KKpsk0, then frames in their order.

use amends_keys::identity::{JournalId, StaticKey, StaticSecret};
use amends_keys::pairing::SessionPsk;
use amends_keys::session::{Between, Dialer, FrameError, HandshakeError, Listener, Session};
use serde_json::{Value, json};

use crate::craft::Given;
use crate::harness::{self, Answer, Area, array, bytes, fixed, flip, hex, unhex, with};

const PIECE: usize = 65_519;

/// The listener's side, with the dialer's first message and every sealed frame as they arrive.
fn answer(given: &Value) -> Answer {
    let journal = JournalId(array(given, "journal id"));
    let (dialer, listener) = (
        bytes(given, "dialer's PeerId"),
        bytes(given, "listener's PeerId"),
    );
    let between = Between {
        journal: &journal,
        dialer: &dialer,
        listener: &listener,
    };
    let opened = Listener::new(
        &StaticSecret::from_bytes(&array(given, "listener's static secret")),
        &StaticKey(array(given, "dialer's static key")),
        &SessionPsk::from_bytes(&array(given, "session psk")),
        between,
        &mut Given::new(bytes(given, "listener's ephemeral secret")),
    )
    .and_then(|own| own.answer(&bytes(given, "first message")));
    let (mut session, answer) = match opened {
        Ok(opened) => opened,
        Err(HandshakeError::Size { .. }) => return Answer::refuses("handshake size"),
        Err(HandshakeError::Refused) => return Answer::refuses("handshake"),
        Err(HandshakeError::Setup) => return Answer::refuses("setup"),
    };
    let mut frames = Vec::new();
    for sealed in given["sealed frames"].as_array().unwrap() {
        match session.open(&unhex(sealed.as_str().unwrap())) {
            Ok(frame) => frames.push(hex(frame)),
            Err(refused) => {
                return Answer::refuses(match refused {
                    FrameError::TooLarge { .. } => "too large",
                    FrameError::SealedSize { .. } => "frame size",
                    FrameError::Refused => "aead",
                    FrameError::Length { .. } => "frame length",
                    FrameError::Over => "over",
                });
            }
        }
    }
    Answer::Gives(json!({ "second message": hex(answer), "frames": frames }))
}

struct Meeting {
    ana: StaticSecret,
    bo: StaticSecret,
    psk: [u8; 32],
    journal: [u8; 32],
    /// The dialer's ephemeral secret, fresh for each meeting.
    e: [u8; 32],
}

impl Meeting {
    fn new() -> Self {
        Self {
            ana: StaticSecret::from_bytes(&fixed(71)),
            bo: StaticSecret::from_bytes(&fixed(72)),
            psk: fixed(73),
            journal: [0x4a; 32],
            e: fixed(74),
        }
    }

    /// The dialer's session and its first message.
    fn dial(&self) -> (Session, Vec<u8>, Vec<u8>) {
        let journal = JournalId(self.journal);
        let between = Between {
            journal: &journal,
            dialer: b"peer A",
            listener: b"peer B",
        };
        let psk = SessionPsk::from_bytes(&self.psk);
        let (dialer, first) = Dialer::new(
            &self.ana,
            &self.bo.public(),
            &psk,
            between,
            &mut Given::new(self.e),
        )
        .unwrap();
        let mut rng = Given::new(fixed::<32>(75));
        let listener =
            Listener::new(&self.bo, &self.ana.public(), &psk, between, &mut rng).unwrap();
        let (_, second) = listener.answer(&first).unwrap();
        (dialer.finish(&second).unwrap(), first, second)
    }

    fn give(&self, first: &[u8], frames: &[&[u8]]) -> Value {
        let frames: Vec<String> = frames.iter().map(hex).collect();
        json!({
            "journal id": hex(self.journal),
            "dialer's PeerId": hex(b"peer A"),
            "listener's PeerId": hex(b"peer B"),
            "session psk": hex(self.psk),
            "listener's static secret": hex(self.bo.expose()),
            "listener's ephemeral secret": hex(fixed::<32>(75)),
            "dialer's static key": hex(self.ana.public().as_bytes()),
            "first message": hex(first),
            "sealed frames": frames,
        })
    }
}

fn sessions() -> Area {
    const WHOLE: &str = "A listener answers the partner and opens two frames";
    let mut area = Area::default();
    let meeting = Meeting::new();
    let (mut session, first, second) = meeting.dial();
    let frames: [&[u8]; 2] = [b"the first frame", b"and the second"];
    let sealed: Vec<Vec<u8>> = frames
        .iter()
        .map(|frame| session.seal(frame).unwrap())
        .collect();
    let [one, two] = [&sealed[0][..], &sealed[1][..]];
    let give = |first: &[u8], frames: &[&[u8]]| meeting.give(first, frames);
    let gives = json!({ "second message": hex(&second), "frames": frames.map(hex) });
    let whole = give(&first, &[one, two]);
    area.whole(WHOLE, whole.clone(), gives);

    let mut no = |says: &str, given: Value, step: &str| area.broken(WHOLE, says, given, step);
    no(
        "A first message of 47 bytes is refused",
        give(&first[..47], &[]),
        "handshake size",
    );
    no(
        "A first message with a payload is refused",
        give(&[&first[..], &[0]].concat(), &[]),
        "handshake size",
    );
    no(
        "A first message with one bit of its ephemeral key turned is refused",
        give(&flip(&first, 0), &[]),
        "handshake",
    );
    no(
        "A first message with one bit of its tag turned is refused",
        give(&flip(&first, 47), &[]),
        "handshake",
    );
    let mut small = first.clone();
    small[..32].fill(0);
    no(
        "A first message whose ephemeral key is of small order is refused",
        give(&small, &[]),
        "handshake",
    );
    no(
        "A second message sent back as a first one is refused",
        give(&second, &[]),
        "handshake",
    );
    for (field, what) in [
        ("session psk", "under another psk"),
        ("journal id", "for another journal"),
        ("listener's static secret", "to another device"),
    ] {
        let other = with(&whole, field, hex(fixed::<32>(79)));
        no(
            &format!("A first message {what} is refused"),
            other,
            "handshake",
        );
    }
    let other = StaticSecret::from_bytes(&fixed(78)).public();
    no(
        "A first message by another device is refused",
        with(&whole, "dialer's static key", hex(other.as_bytes())),
        "handshake",
    );
    no(
        "A first message from another peer is refused",
        with(&whole, "dialer's PeerId", hex(b"peer C")),
        "handshake",
    );
    no(
        "A first message to another peer is refused",
        with(&whole, "listener's PeerId", hex(b"peer C")),
        "handshake",
    );
    no(
        "A frame with one bit turned is refused",
        give(&first, &[&flip(one, 2)]),
        "aead",
    );
    no(
        "A frame that comes again is refused",
        give(&first, &[one, one]),
        "aead",
    );
    no(
        "A frame that comes before its time is refused",
        give(&first, &[two]),
        "aead",
    );
    no(
        "Frames that have changed places are refused",
        give(&first, &[two, one]),
        "aead",
    );
    no(
        "A frame shorter than any is refused",
        give(&first, &[&one[..19]]),
        "frame size",
    );
    no(
        "An empty frame on the wire is refused",
        give(&first, &[&[]]),
        "frame size",
    );
    let mut before = Meeting::new();
    before.e = fixed(76);
    let (mut session, ..) = before.dial();
    let theirs = session.seal(frames[0]).unwrap();
    no(
        "A frame of an earlier session is refused",
        give(&first, &[&theirs]),
        "aead",
    );
    // A frame of two messages: whoever carries it ends it after the first, or gives the second as a frame of its own.
    let (mut session, ..) = meeting.dial();
    let long = session.seal(&vec![7; PIECE]).unwrap();
    let (head, tail) = long.split_at(65_535);
    no(
        "A long frame that is ended after its first message is refused",
        give(&first, &[head]),
        "frame length",
    );
    no(
        "A long frame with its two messages exchanged is refused",
        give(&first, &[&[tail, head].concat()]),
        "aead",
    );
    area
}

#[test]
fn sessions_are_answered_as_they_say() {
    harness::check("session", &sessions(), answer);
}
