//! Two devices in one thread, with somebody between them.

use super::*;
use crate::identity::LogSecret;
use crate::invite::{Entered, Form, Invite};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

mod between;
mod crafted;

const CHANNELS: Channels<'static> = Channels {
    host: b"peer of the host",
    joiner: b"peer of the joiner",
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn device(name: &str, seed: u64) -> Device {
    let mut rng = rng(seed);
    Device {
        static_secret: StaticSecret::generate(&mut rng),
        log_key: LogSecret::generate(&mut rng).public(),
        name: PersonName::try_from(name).unwrap(),
    }
}

fn ana() -> Device {
    device("Ana", 1)
}

fn bo() -> Device {
    device("Bo", 2)
}

/// One code on Bo's screen, entered by Ana.
struct Setup {
    invite: Invite,
    entered: Entered,
    host: Device,
    joiner: Device,
    seed: u64,
}

impl Setup {
    fn new(seed: u64, form: Form) -> Self {
        let invite = Invite::new(&mut rng(1000 + seed));
        let text = match form {
            Form::Typed => invite.typed().shown(),
            Form::Scanned => invite.paste(CHANNELS.host, &[]),
        };
        let entered = Entered::parse(&text).unwrap();
        Self {
            invite,
            entered,
            host: bo(),
            joiner: ana(),
            seed,
        }
    }
}

/// Where one side stands when nothing moves any more.
#[derive(Debug)]
enum End {
    Paired(Box<Paired>),
    Failed(PairingError),
    Waiting,
}

impl End {
    fn paired(&self) -> bool {
        matches!(self, End::Paired(_))
    }

    fn error(&self) -> Option<PairingError> {
        match self {
            End::Failed(error) => Some(*error),
            _ => None,
        }
    }
}

struct Run {
    host: End,
    joiner: End,
    /// What the two sides gave to send, M0 first.
    sent: Vec<Vec<u8>>,
}

/// Runs both sides. `carry` is given each message as it was sent and gives what arrives, or nothing.
/// Both people say yes.
fn run(setup: &Setup, mut carry: impl FnMut(Message, &[u8]) -> Option<Vec<u8>>) -> Run {
    let mut sent = Vec::new();
    let (host, joiner) = exchange(setup, &mut |message, bytes: Vec<u8>| {
        let arrives = carry(message, &bytes);
        sent.push(bytes);
        arrives
    });
    Run { host, joiner, sent }
}

type Carry<'a> = &'a mut dyn FnMut(Message, Vec<u8>) -> Option<Vec<u8>>;

fn exchange(setup: &Setup, carry: Carry<'_>) -> (End, End) {
    // What each step comes to: go on with a value, or end both sides here.
    macro_rules! arrives {
        ($message:ident, $bytes:expr) => {
            match carry(Message::$message, $bytes) {
                Some(bytes) => bytes,
                None => return (End::Waiting, End::Waiting),
            }
        };
    }
    macro_rules! joiner {
        ($step:expr) => {
            match $step {
                Ok(next) => next,
                Err(error) => return (End::Waiting, End::Failed(error)),
            }
        };
    }
    macro_rules! host {
        ($step:expr) => {
            match $step {
                Ok(next) => next,
                Err(error) => return (End::Failed(error), End::Waiting),
            }
        };
    }
    let mut rng_h = rng(2000 + setup.seed);
    let mut rng_j = rng(3000 + setup.seed);
    let (host, m0) = host(&setup.invite, CHANNELS, setup.host.clone());
    let joiner = joiner!(join(&setup.entered, CHANNELS, setup.joiner.clone()));
    let (joiner, m1) = joiner!(joiner.m0(&arrives!(M0, m0), &mut rng_j));
    let (host, m2) = host!(host.m1(&arrives!(M1, m1), &mut rng_h));
    let (joiner, m3) = joiner!(joiner.m2(&arrives!(M2, m2), &mut rng_j));
    let (host, m4) = host!(host.m3(&arrives!(M3, m3)));
    let joiner = joiner!(joiner.m4(&arrives!(M4, m4)));
    let (joiner, m5) = joiner.yes();
    let host = host!(host.m5(&arrives!(M5, m5)));
    let (at_host, m6) = host!(host.yes(&mut rng_h));
    // The host has saved its pair before M6 is sent; an unconfirmed one is replaced by pairing again.
    let at_host = End::Paired(Box::new(at_host));
    match carry(Message::M6, m6) {
        None => (at_host, End::Waiting),
        Some(m6) => match joiner.m6(&m6) {
            Ok(paired) => (at_host, End::Paired(Box::new(paired))),
            Err(error) => (at_host, End::Failed(error)),
        },
    }
}

/// A run with nobody between.
fn undisturbed(setup: &Setup) -> Run {
    run(setup, |_, bytes| Some(bytes.to_vec()))
}

#[test]
fn two_devices_pair_in_either_form_and_hold_the_same() {
    for form in [Form::Typed, Form::Scanned] {
        let run = undisturbed(&Setup::new(1, form));
        let (End::Paired(host), End::Paired(joiner)) = (run.host, run.joiner) else {
            panic!("no pair came of it")
        };
        assert_eq!(host.partner.name.as_str(), "Ana");
        assert_eq!(joiner.partner.name.as_str(), "Bo");
        assert_eq!(host.partner.static_key, ana().static_secret.public());
        assert_eq!(joiner.partner.log_key, bo().log_key);
        assert_eq!(host.root, joiner.root);
        assert_eq!(host.discovery, joiner.discovery);
        assert_eq!(host.pnet, joiner.pnet);
        assert_eq!(host.session_psk, joiner.session_psk);
        assert_eq!(host.journal, joiner.journal);
        assert_eq!(host.epoch_0, joiner.epoch_0);
        assert_eq!(host.number, joiner.number);
        assert_eq!(host.number.to_string().len(), 6);
        assert_ne!(host.pnet.expose(), host.session_psk.expose());
    }
}

#[test]
fn messages_have_the_sizes_of_the_protocol_and_no_name_in_clear() {
    let run = undisturbed(&Setup::new(1, Form::Typed));
    let sizes: Vec<usize> = run.sent.iter().map(Vec::len).collect();
    assert_eq!(sizes[..3], [35, 67, 66]);
    assert_eq!(sizes[5], 32);
    assert!(sizes.iter().all(|size| *size <= MAX_MESSAGE));
    let keys = [
        ana().static_secret.public().0,
        bo().static_secret.public().0,
        ana().log_key.0,
    ];
    for message in &run.sent {
        assert!(!message.windows(3).any(|w| w == b"Ana"));
        assert!(
            keys.iter()
                .all(|key| !message.windows(32).any(|w| w == key))
        );
    }
}

#[test]
fn two_pairings_of_the_same_devices_share_nothing() {
    let one = undisturbed(&Setup::new(1, Form::Typed));
    let two = undisturbed(&Setup::new(2, Form::Typed));
    let (End::Paired(one), End::Paired(two)) = (one.host, two.host) else {
        panic!("no pair")
    };
    assert_ne!(one.root, two.root);
    assert_ne!(one.journal, two.journal);
    assert_ne!(one.epoch_0, two.epoch_0);
}

#[test]
fn a_wrong_code_is_told_at_m3_before_the_host_has_sent_anything_keyed() {
    for form in [Form::Typed, Form::Scanned] {
        let mut setup = Setup::new(1, form);
        setup.entered = Setup::new(2, form).entered;
        let run = undisturbed(&setup);
        assert_eq!(run.host.error(), Some(PairingError::WrongCode));
        assert!(
            matches!(run.joiner, End::Waiting),
            "the joiner learns it by the hang-up"
        );
        assert_eq!(run.sent.len(), 4, "no M4");
    }
}

#[test]
fn a_scanned_code_lets_no_other_host_answer() {
    let setup = Setup::new(1, Form::Scanned);
    let channels = Channels {
        host: b"another peer",
        ..CHANNELS
    };
    let joined = join(&setup.entered, channels, ana());
    assert_eq!(joined.err(), Some(PairingError::OtherHost));
}

#[test]
fn somebody_who_relays_between_two_connections_is_noticed() {
    // Each side runs with the channel that it sees; the code is right, the PeerIds are not.
    let setup = Setup::new(1, Form::Typed);
    let mut rng_h = rng(1);
    let mut rng_j = rng(2);
    let middle = b"peer in the middle";
    let (host, m0) = host(
        &setup.invite,
        Channels {
            joiner: middle,
            ..CHANNELS
        },
        bo(),
    );
    let joiner = join(
        &setup.entered,
        Channels {
            host: middle,
            ..CHANNELS
        },
        ana(),
    )
    .unwrap();
    let (joiner, m1) = joiner.m0(&m0, &mut rng_j).unwrap();
    let (host, m2) = host.m1(&m1, &mut rng_h).unwrap();
    let (_, m3) = joiner.m2(&m2, &mut rng_j).unwrap();
    assert_eq!(host.m3(&m3).err(), Some(PairingError::WrongCode));
}

#[test]
fn a_device_does_not_pair_with_itself() {
    let setup = Setup {
        joiner: bo(),
        ..Setup::new(1, Form::Typed)
    };
    let run = undisturbed(&setup);
    assert_eq!(run.host.error(), Some(PairingError::OwnKey));
    let same_log = Device {
        log_key: bo().log_key,
        ..ana()
    };
    let setup = Setup {
        joiner: same_log,
        ..Setup::new(1, Form::Typed)
    };
    assert_eq!(undisturbed(&setup).host.error(), Some(PairingError::OwnKey));
}

#[test]
fn the_number_has_six_digits_with_its_zeros() {
    assert_eq!(Number(42).to_string(), "000042");
    assert_eq!(Number(999_999).to_string(), "999999");
}

#[test]
fn debug_shows_no_secret_and_no_name() {
    let setup = Setup::new(1, Form::Typed);
    let mut rng = rng(1);
    let (host, m0) = host(&setup.invite, CHANNELS, bo());
    let joiner = join(&setup.entered, CHANNELS, ana()).unwrap();
    let waiting = format!("{host:?} {joiner:?}");
    for part in [
        "Invite(secret)",
        "TypedCode(secret)",
        "StaticSecret(secret)",
        "PersonName(",
    ] {
        assert!(waiting.contains(part), "{waiting}");
    }
    assert!(!waiting.contains("Ana") && !waiting.contains("Bo\""));
    let (joiner, m1) = joiner.m0(&m0, &mut rng).unwrap();
    let (host, m2) = host.m1(&m1, &mut rng).unwrap();
    let mut shown = format!("{host:?} {joiner:?}");
    let (joiner, m3) = joiner.m2(&m2, &mut rng).unwrap();
    let (host, m4) = host.m3(&m3).unwrap();
    shown += &format!(" {host:?} {joiner:?}");
    let joiner = joiner.m4(&m4).unwrap();
    shown += &format!(" {joiner:?}");
    let (joiner, m5) = joiner.yes();
    let host = host.m5(&m5).unwrap();
    shown += &format!(" {host:?} {joiner:?}");
    assert_eq!(
        shown,
        "HostWaitsM3 { .. } JoinerWaitsM2 { .. } HostWaitsM5 { .. } JoinerWaitsM4 { .. } \
         JoinerConfirms { .. } HostConfirms { .. } JoinerWaitsM6 { .. }"
    );
    let (paired, _) = host.yes(&mut rng).unwrap();
    let shown = format!("{paired:?}");
    for part in [
        "PairRoot(secret)",
        "DiscoveryKey(secret)",
        "PnetKey(secret)",
        "SessionPsk(secret)",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(
        shown.contains("EpochSecret(secret)") && !shown.contains("Ana"),
        "{shown}"
    );
}

#[test]
fn a_sealed_message_is_read_from_its_least_to_its_greatest_length() {
    for length in [TAG + AEAD_TAG, MAX_MESSAGE] {
        let bytes = vec![0; length];
        let (_, sealed) = tagged(Message::M3, &bytes).unwrap();
        assert_eq!(sealed.len(), length - TAG);
    }
    for got in [0, TAG, TAG + AEAD_TAG - 1, MAX_MESSAGE + 1] {
        let message = Message::M3;
        assert_eq!(
            tagged(message, &vec![0; got]).unwrap_err(),
            PairingError::Size { message, got }
        );
    }
}
