//! Pairings, each as one side sees it: the messages that arrive, and what it answers or where it ends.

mod at_host;
mod at_joiner;

use amends_keys::identity::{LogKey, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::invite::{Entered, Form, Invite};
use amends_keys::pairing::cpace::{self, Sent, Share};
use amends_keys::pairing::schedule::{self, CodeKeys, PairKeys, Transcript};
use amends_keys::pairing::{self, BundleError, Channels, Device, Paired, PairingError};
use amends_keys::{label, lv};
use serde_json::{Value, json};

use crate::craft::{Given, aead, hmac, open_aead};
use crate::harness::{
    self, Answer, Area, array, bytes, fixed, flip, hex, number, text, unhex, with,
};

const HOST: &[u8] = b"peer of the host";
const JOINER: &[u8] = b"peer of the joiner";
const CHANNELS: Channels<'static> = Channels {
    host: HOST,
    joiner: JOINER,
};
const CODE: u32 = 48_291_306;
const PRS: &[u8] = b"48291306";

fn channels(given: &Value) -> (Vec<u8>, Vec<u8>) {
    (bytes(given, "chan_H"), bytes(given, "chan_J"))
}

fn device(given: &Value) -> Device {
    Device {
        static_secret: StaticSecret::from_bytes(&array(given, "own static secret")),
        log_key: LogSecret::from_bytes(&array(given, "own log secret")).public(),
        name: PersonName::try_from(text(given, "own name")).unwrap(),
    }
}

fn refused(at: usize, error: PairingError) -> Answer {
    let step = match error {
        PairingError::OtherHost => "other host",
        PairingError::Size { .. } => "size",
        PairingError::Version { .. } => "version",
        PairingError::Suite { .. } => "suite",
        PairingError::PurposeNotYet(_) | PairingError::UnknownPurpose(_) => "purpose",
        PairingError::UnknownForm(_) => "form",
        PairingError::NotAPoint(_) => "no point",
        PairingError::IdentityPoint => "identity",
        PairingError::WrongCode => "confirmation",
        PairingError::Sealed(_) => "aead",
        PairingError::Bundle(bundle) => match bundle {
            BundleError::Items(_) => "bundle items",
            BundleError::KeySize(_) => "bundle key size",
            BundleError::StaticKey(_) => "static key",
            BundleError::EphemeralKey(_) => "ephemeral key",
            BundleError::LogKey(_) => "log key",
            BundleError::Name(_) => "name",
        },
        PairingError::OwnKey => "own key",
        PairingError::CommitMismatch => "commitment",
        PairingError::NonContributory(_) => "non-contributory",
        PairingError::Finish(_) => "finish",
        PairingError::Space(_) => "space",
    };
    Answer::refuses(&format!("M{at}: {step}"))
}

fn paired(sent: &[Vec<u8>], paired: &Paired) -> Answer {
    Answer::Gives(json!({
        "sends": sent.iter().map(hex).collect::<Vec<_>>(),
        "number": paired.number.to_string(),
        "pair root": hex(paired.root.expose()),
        "journal id": hex(paired.journal.0),
        "epoch 0 secret": hex(paired.epoch_0.expose()),
        "partner's static key": hex(paired.partner.static_key.as_bytes()),
        "partner's log key": hex(paired.partner.log_key.as_bytes()),
        "partner's name": paired.partner.name.as_str(),
    }))
}

fn invite(given: &Value) -> Invite {
    Invite::new(&mut Given::new(
        [&CODE.to_be_bytes()[..], &[5; 16], &bytes(given, "N_H")].concat(),
    ))
}

fn arrives(given: &Value) -> Vec<Vec<u8>> {
    let all = given["arrives"].as_array().unwrap().iter();
    all.map(|message| unhex(message.as_str().unwrap()))
        .collect()
}

/// The host: M1, M3 and M5 arrive.
fn host(given: &Value) -> Result<Answer, (usize, PairingError)> {
    let (chan_h, chan_j) = channels(given);
    let channels = Channels {
        host: &chan_h,
        joiner: &chan_j,
    };
    let mut rng = randomness(given, HOST_RANDOM);
    let arrives = arrives(given);
    let (state, m0) = pairing::host(&invite(given), channels, device(given));
    let (state, m2) = state.m1(&arrives[0], &mut rng).map_err(|e| (1, e))?;
    let (state, m4) = state.m3(&arrives[1]).map_err(|e| (3, e))?;
    let state = state.m5(&arrives[2]).map_err(|e| (5, e))?;
    let (pair, m6) = state.yes(&mut rng).map_err(|e| (6, e))?;
    Ok(paired(&[m0, m2, m4, m6], &pair))
}

/// The joiner: M0, M2, M4 and M6 arrive.
fn joiner(given: &Value) -> Result<Answer, (usize, PairingError)> {
    let (chan_h, chan_j) = channels(given);
    let channels = Channels {
        host: &chan_h,
        joiner: &chan_j,
    };
    let mut rng = randomness(given, JOINER_RANDOM);
    let arrives = arrives(given);
    let entered = Entered::parse(text(given, "entered")).unwrap();
    let state = pairing::join(&entered, channels, device(given)).map_err(|e| (0, e))?;
    let (state, m1) = state.m0(&arrives[0], &mut rng).map_err(|e| (0, e))?;
    let (state, m3) = state.m2(&arrives[1], &mut rng).map_err(|e| (2, e))?;
    let state = state.m4(&arrives[2]).map_err(|e| (4, e))?;
    let (state, m5) = state.yes();
    let pair = state.m6(&arrives[3]).map_err(|e| (6, e))?;
    Ok(paired(&[m1, m3, m5], &pair))
}

fn answer(given: &Value) -> Answer {
    let _ = number(given, "form");
    let end = match text(given, "role") {
        "host" => host(given),
        _ => joiner(given),
    };
    end.unwrap_or_else(|(at, error)| refused(at, error))
}

/// What one side has of its own.
fn side(role: &str) -> Value {
    let seed = if role == "host" { 90 } else { 80 };
    let mut given = json!({
        "role": role,
        "form": 1,
        "chan_H": hex(HOST),
        "chan_J": hex(JOINER),
        "own static secret": hex(fixed::<32>(seed)),
        "own log secret": hex(fixed::<32>(seed + 1)),
        "own name": if role == "host" { "Bo" } else { "Ana" },
        "arrives": [],
    });
    if role == "host" {
        given["N_H"] = json!(hex([0x11; 32]));
        given["PRS"] = json!(hex(PRS));
        given["y_H, 64 bytes, reduced"] = json!(hex(fixed::<64>(92)));
        given["e_H"] = json!(hex(fixed::<32>(93)));
        given["journal id"] = json!(hex([0x4a; 32]));
        given["epoch 0 secret"] = json!(hex(fixed::<32>(94)));
    } else {
        given["entered"] = json!(*invite(&side("host")).typed().shown());
        given["N_J"] = json!(hex([0x22; 32]));
        given["y_J, 64 bytes, reduced"] = json!(hex(fixed::<64>(82)));
        given["e_J"] = json!(hex(fixed::<32>(83)));
    }
    given
}

fn given(role: &str, messages: &[&[u8]]) -> Value {
    let messages: Vec<String> = messages.iter().map(hex).collect();
    with(&side(role), "arrives", messages)
}

fn public(field: &str, role: &str) -> [u8; 32] {
    *StaticSecret::from_bytes(&array(&side(role), field))
        .public()
        .as_bytes()
}

/// Somebody who holds the code and speaks the protocol, but says what they like.
struct Peer {
    th2: Transcript,
    keys: CodeKeys,
}

struct Bundle {
    items: [Vec<u8>; 4],
}

impl Bundle {
    fn of(role: &str) -> Self {
        let e = if role == "host" { "e_H" } else { "e_J" };
        let log = LogSecret::from_bytes(&array(&side(role), "own log secret")).public();
        Self {
            items: [
                public("own static secret", role).to_vec(),
                public(e, role).to_vec(),
                log.as_bytes().to_vec(),
                text(&side(role), "own name").as_bytes().to_vec(),
            ],
        }
    }

    fn with(role: &str, at: usize, item: impl AsRef<[u8]>) -> Vec<u8> {
        let mut bundle = Self::of(role);
        bundle.items[at] = item.as_ref().to_vec();
        bundle.bytes()
    }

    fn bytes(&self) -> Vec<u8> {
        let items: Vec<&[u8]> = self.items.iter().map(Vec::as_slice).collect();
        lv::of(&items)
    }
}

impl Peer {
    /// After these three messages, with the share of `role`.
    fn new(role: &str, messages: [&[u8]; 3], prs: &[u8]) -> Self {
        let [m0, m1, m2] = messages;
        let (n_h, n_j, y_j, y_h) = (&m0[3..], &m1[3..35], &m1[35..67], &m2[2..34]);
        let sid = schedule::sid(n_h.try_into().unwrap(), n_j.try_into().unwrap());
        let g = cpace::generator(prs, &schedule::channel_identifier(CHANNELS), &sid);
        let field = if role == "host" {
            "y_H, 64 bytes, reduced"
        } else {
            "y_J, 64 bytes, reduced"
        };
        let share = Share::new(&g, &array(&side(role), field));
        let theirs = if role == "host" { y_j } else { y_h };
        let k = share.shared(theirs.try_into().unwrap()).unwrap();
        let isk = cpace::isk(
            &sid,
            &k,
            Sent {
                share: y_j.try_into().unwrap(),
                data: b"joiner",
            },
            Sent {
                share: y_h.try_into().unwrap(),
                data: b"host",
            },
        );
        let th2 = Transcript::new(CHANNELS).with(m0).with(m1).with(m2);
        let keys = CodeKeys::new(&th2, &isk);
        Self { th2, keys }
    }

    fn m3(&self, bundle: &[u8]) -> Vec<u8> {
        sealed(
            &self.keys.confirm_joiner,
            &self.keys.seal_joiner,
            &self.th2,
            bundle,
        )
    }

    fn m4(&self, m3: &[u8], bundle: &[u8]) -> Vec<u8> {
        sealed(
            &self.keys.confirm_host,
            &self.keys.seal_host,
            &self.th2.with(m3),
            bundle,
        )
    }
}

/// `tag || AEAD(key, aad = th || tag, plain)`
fn sealed(tag_key: &[u8; 32], key: &[u8; 32], th: &Transcript, plain: &[u8]) -> Vec<u8> {
    let tag = hmac(tag_key, th.hash());
    let ct = aead(key, [0; 12], &[&th.hash()[..], &tag].concat(), plain);
    [&tag[..], &ct].concat()
}

const HOST_RANDOM: &[&str] = &[
    "y_H, 64 bytes, reduced",
    "e_H",
    "journal id",
    "epoch 0 secret",
];
const JOINER_RANDOM: &[&str] = &["N_J", "y_J, 64 bytes, reduced", "e_J"];

fn randomness(given: &Value, fields: &[&str]) -> Given {
    let all = fields.iter().map(|field| bytes(given, field));
    Given::new(all.collect::<Vec<_>>().concat())
}

/// M1 and M3 of a joiner who holds everything but the code.
fn by_guess(m0: &[u8], code: u32) -> [Vec<u8>; 2] {
    let guess = Invite::new(&mut Given::new(
        [&code.to_be_bytes()[..], &[5; 16], &[0x11; 32]].concat(),
    ));
    let (host, joiner) = (side("host"), side("joiner"));
    let (mut rng_h, mut rng_j) = (
        randomness(&host, HOST_RANDOM),
        randomness(&joiner, JOINER_RANDOM),
    );
    let entered = Entered::parse(&guess.typed().shown()).unwrap();
    let (h, _) = pairing::host(&invite(&host), CHANNELS, device(&host));
    let j = pairing::join(&entered, CHANNELS, device(&joiner)).unwrap();
    let (j, m1) = j.m0(m0, &mut rng_j).unwrap();
    let (_, m2) = h.m1(&m1, &mut rng_h).unwrap();
    let (_, m3) = j.m2(&m2, &mut rng_j).unwrap();
    [m1, m3]
}

/// The seven messages of an honest pairing.
fn honest() -> [Vec<u8>; 7] {
    let (host, joiner) = (side("host"), side("joiner"));
    let mut rng_h = randomness(&host, HOST_RANDOM);
    let mut rng_j = randomness(&joiner, JOINER_RANDOM);
    let entered = Entered::parse(text(&joiner, "entered")).unwrap();
    assert_eq!((entered.form(), entered.prs()), (Form::Typed, PRS));
    let (h, m0) = pairing::host(&invite(&host), CHANNELS, device(&host));
    let j = pairing::join(&entered, CHANNELS, device(&joiner)).unwrap();
    let (j, m1) = j.m0(&m0, &mut rng_j).unwrap();
    let (h, m2) = h.m1(&m1, &mut rng_h).unwrap();
    let (j, m3) = j.m2(&m2, &mut rng_j).unwrap();
    let (h, m4) = h.m3(&m3).unwrap();
    let (j, m5) = j.m4(&m4).unwrap().yes();
    let (_, m6) = h.m5(&m5).unwrap().yes(&mut rng_h).unwrap();
    j.m6(&m6).unwrap();
    [m0, m1, m2, m3, m4, m5, m6]
}

/// A point of ristretto255 that is none: its s is negative.
const NO_POINT: [u8; 32] = {
    let mut s = [0; 32];
    s[0] = 1;
    s
};

#[test]
fn pairings_are_answered_as_they_say() {
    let mut area = Area::default();
    at_host::vectors(&mut area);
    at_joiner::vectors(&mut area);
    harness::check("pairing", &area, answer);
}
