//! The messages M0 to M6 of a pairing (PROTOCOL section 1), each met in the state in which it is expected, by a side that
//! does not know who speaks; and, since a partner may be the adversary, sealed contents under the right keys.

use std::sync::LazyLock;

use amends_keys::identity::{LogSecret, PersonName, StaticSecret};
use amends_keys::invite::{Entered, Invite};
use amends_keys::pairing::schedule::{self, CodeKeys, PairKeys, Transcript};
use amends_keys::pairing::{
    Bundle, Channels, Device, HostWaitsM1, HostWaitsM3, HostWaitsM5, JoinerConfirms, JoinerWaitsM0,
    JoinerWaitsM2, JoinerWaitsM4, JoinerWaitsM6, PairingError, cpace, host, join,
};
use hmac::{Hmac, KeyInit, Mac};
use rand_chacha::rand_core::Rng;
use sha2::Sha256;

use super::mend;
use super::word;

const CHANNELS: Channels<'_> = Channels {
    host: &[1; 38],
    joiner: &[2; 38],
};
/// Where each side's randomness comes from, so that their secrets can be known here.
const HOSTS: u64 = 11;
const JOINS: u64 = 12;

fn device(n: u8, name: &str) -> Device {
    Device {
        static_secret: StaticSecret::from_bytes(&[n; 32]),
        log_key: LogSecret::from_bytes(&[n; 32]).public(),
        name: PersonName::try_from(name).unwrap(),
    }
}

/// One honest pairing, and the secrets of both sides.
struct Honest {
    invite: Invite,
    entered: Entered,
    messages: [Vec<u8>; 7],
    isk: [u8; 64],
    code_keys: CodeKeys,
    pair_keys: PairKeys,
    /// What M3 seals.
    joiners: Vec<u8>,
    /// What M4 seals.
    hosts: Vec<u8>,
}

/// Of a typed code, and of a scanned one.
static HONEST: LazyLock<[Honest; 2]> = LazyLock::new(|| [pairs(false), pairs(true)]);

fn pairs(scanned: bool) -> Honest {
    let invite = Invite::new(&mut mend::rng(10));
    let entered = if scanned {
        Entered::parse(&invite.paste(CHANNELS.host, &[]))
    } else {
        Entered::parse(&invite.typed().shown())
    }
    .unwrap();
    let (waits, m0) = host(&invite, CHANNELS, device(3, "Ana"));
    let joiner = join(&entered, CHANNELS, device(4, "Bo")).unwrap();
    let (joiner, m1) = joiner.m0(&m0, &mut mend::rng(JOINS)).unwrap();
    let (waits, m2) = waits.m1(&m1, &mut mend::rng(HOSTS)).unwrap();
    let (joiner, m3) = joiner.m2(&m2, &mut mend::rng(JOINS)).unwrap();
    let (waits, m4) = waits.m3(&m3).unwrap();
    let joiner = joiner.m4(&m4).unwrap();
    assert_eq!(joiner.number(), waits.number());
    let (joiner, m5) = joiner.yes();
    let confirms = waits.m5(&m5).unwrap();
    let (_, m6) = confirms.yes(&mut mend::rng(HOSTS)).unwrap();
    joiner.m6(&m6).unwrap();

    // The same again from the secrets: 64 random bytes are y_H, the next 32 e_H; the joiner's next 32 are e_J.
    let mut random = mend::rng(HOSTS);
    let mut y_h = [0; 64];
    random.fill_bytes(&mut y_h);
    let e_h = StaticSecret::generate(&mut random);
    let e_j = StaticSecret::generate(&mut mend::rng(JOINS));
    let n_j: &[u8; 32] = m1[3..35].try_into().unwrap();
    let y_j: &[u8; 32] = m1[35..].try_into().unwrap();
    let sid = schedule::sid(invite.nonce(), n_j);
    let ci = schedule::channel_identifier(CHANNELS);
    let g = cpace::generator(entered.prs(), &ci, &sid);
    let share = cpace::Share::new(&g, &y_h);
    let k = share.shared(y_j).unwrap();
    let joiners_share = cpace::Sent {
        share: y_j,
        data: b"joiner",
    };
    let hosts_share = cpace::Sent {
        share: &share.public,
        data: b"host",
    };
    let isk = *cpace::isk(&sid, &k, joiners_share, hosts_share);
    let th = |messages: &[&[u8]]| transcript(messages);
    let code_keys = CodeKeys::new(&th(&[&m0, &m1, &m2]), &isk);
    let bundle = |device: Device, ephemeral: &StaticSecret| {
        let bundle = Bundle {
            static_key: device.static_secret.public(),
            log_key: device.log_key,
            name: device.name,
        };
        bundle.to_bytes(&ephemeral.public())
    };
    let joiners = bundle(device(4, "Bo"), &e_j);
    let hosts = bundle(device(3, "Ana"), &e_h);
    let dh = schedule::exchange_at_host(
        &e_h,
        &StaticSecret::from_bytes(&[3; 32]),
        &e_j.public(),
        &StaticSecret::from_bytes(&[4; 32]).public(),
    );
    let th4 = th(&[&m0, &m1, &m2, &m3, &m4]);
    let pair_keys = PairKeys::new(&th4, &code_keys.prk1, &dh.unwrap());
    Honest {
        invite,
        entered,
        messages: [m0, m1, m2, m3, m4, m5, m6],
        isk,
        code_keys,
        pair_keys,
        joiners,
        hosts,
    }
}

fn transcript(messages: &[&[u8]]) -> Transcript {
    messages
        .iter()
        .fold(Transcript::new(CHANNELS), |th, message| th.with(message))
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().into()
}

/// `tag || AEAD(key, aad = th || tag, plain)`
fn tagged(tag: &[u8], key: &[u8; 32], th: &Transcript, plain: &[u8]) -> Vec<u8> {
    let aad = [&th.hash()[..], tag].concat();
    [tag, &mend::aead(key, &aad, plain)].concat()
}

impl Honest {
    fn waits_m0(&self) -> JoinerWaitsM0 {
        join(&self.entered, CHANNELS, device(4, "Bo")).unwrap()
    }

    fn waits_m1(&self) -> HostWaitsM1 {
        host(&self.invite, CHANNELS, device(3, "Ana")).0
    }

    fn waits_m2(&self) -> JoinerWaitsM2 {
        let waits = self.waits_m0();
        waits
            .m0(&self.messages[0], &mut mend::rng(JOINS))
            .unwrap()
            .0
    }

    fn waits_m3(&self) -> HostWaitsM3 {
        let waits = self.waits_m1();
        waits
            .m1(&self.messages[1], &mut mend::rng(HOSTS))
            .unwrap()
            .0
    }

    fn waits_m4(&self) -> JoinerWaitsM4 {
        let waits = self.waits_m2();
        waits
            .m2(&self.messages[2], &mut mend::rng(JOINS))
            .unwrap()
            .0
    }

    fn waits_m5(&self) -> HostWaitsM5 {
        self.waits_m3().m3(&self.messages[3]).unwrap().0
    }

    fn waits_m6(&self) -> JoinerWaitsM6 {
        self.waits_m4().m4(&self.messages[4]).unwrap().yes().0
    }

    /// A joiner who knows the code seals this in M3.
    fn hostile_m3(&self, plain: &[u8]) -> Vec<u8> {
        let [m0, m1, m2, m3, ..] = &self.messages;
        let th2 = transcript(&[m0, m1, m2]);
        tagged(&m3[..32], &self.code_keys.seal_joiner, &th2, plain)
    }

    /// A host who knows the code committed to this in M2, and seals it in M4.
    fn hostile_m4(&self, plain: &[u8]) -> Result<JoinerConfirms, PairingError> {
        let [m0, m1, m2, ..] = &self.messages;
        let m2 = [&m2[..34], &schedule::commit(plain)].concat();
        let (waits, m3) = self.waits_m2().m2(&m2, &mut mend::rng(JOINS)).unwrap();
        let keys = CodeKeys::new(&transcript(&[m0, m1, &m2]), &self.isk);
        let th3 = transcript(&[m0, m1, &m2, &m3]);
        let tag = hmac(&keys.confirm_host, th3.hash());
        waits.m4(&tagged(&tag, &keys.seal_host, &th3, plain))
    }

    /// The same without having committed to it.
    fn uncommitted_m4(&self, plain: &[u8]) -> Vec<u8> {
        let [m0, m1, m2, m3, m4, ..] = &self.messages;
        let th3 = transcript(&[m0, m1, m2, m3]);
        tagged(&m4[..32], &self.code_keys.seal_host, &th3, plain)
    }

    /// A host who paired honestly until now seals this in M6.
    fn hostile_m6(&self, plain: &[u8]) -> Vec<u8> {
        let [m0, m1, m2, m3, m4, m5, m6] = &self.messages;
        let th5 = transcript(&[m0, m1, m2, m3, m4, m5]);
        tagged(&m6[..32], &self.pair_keys.seal_space, &th5, plain)
    }
}

/// A first byte: which message (its lowest three bits); whether the rest is the message (0), what is added to an honest one
/// (1) or what is sealed in it (2, and 3 without the commitment of M2) (the next two); whether the code was scanned (the next).
pub fn messages(input: &[u8]) -> String {
    let Some((first, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let which = usize::from(first & 7).min(6);
    let how = first >> 3 & 3;
    let honest = &HONEST[usize::from(first >> 5 & 1)];
    let message = match (how, which) {
        (0, _) => rest.to_vec(),
        (2 | 3, 3) => honest.hostile_m3(rest),
        (2, 4) => return said(4, honest.hostile_m4(rest).map(|_| ())),
        (3, 4) => honest.uncommitted_m4(rest),
        (2 | 3, 6) => honest.hostile_m6(rest),
        _ => mend::altered(&honest.messages[which], rest),
    };
    let message = message.as_slice();
    let taken = match which {
        0 => honest
            .waits_m0()
            .m0(message, &mut mend::rng(JOINS))
            .map(|(_, m1)| {
                assert_eq!(m1.len(), 67);
            }),
        1 => honest
            .waits_m1()
            .m1(message, &mut mend::rng(HOSTS))
            .map(|(_, m2)| {
                assert_eq!(m2.len(), 66);
            }),
        2 => honest
            .waits_m2()
            .m2(message, &mut mend::rng(JOINS))
            .map(|(_, m3)| {
                assert!(m3.len() <= 1024);
            }),
        3 => honest.waits_m3().m3(message).map(|(waits, m4)| {
            assert!(m4.len() <= 1024);
            decent(waits.partner(), &device(3, "Ana"));
        }),
        4 => honest.waits_m4().m4(message).map(|confirms| {
            assert_eq!(confirms.partner().name.as_str(), "Ana");
        }),
        5 => honest.waits_m5().m5(message).map(|_| ()),
        _ => honest.waits_m6().m6(message).map(|paired| {
            assert_eq!(paired.number, honest.pair_keys.number);
        }),
    };
    if taken.is_ok() && which >= 3 && how < 2 {
        assert_eq!(
            message, honest.messages[which],
            "a forged message was taken"
        );
    }
    said(which, taken)
}

/// What a bundle that was taken may hold.
fn decent(bundle: &Bundle, mine: &Device) {
    let name = bundle.name.as_str();
    assert!(!name.is_empty() && name.len() <= PersonName::MAX_BYTES);
    assert!(!name.chars().any(char::is_control));
    assert_ne!(bundle.static_key, mine.static_secret.public());
    assert_ne!(bundle.log_key, mine.log_key);
}

fn said(which: usize, taken: Result<(), PairingError>) -> String {
    match taken {
        Ok(()) => format!("M{which} taken"),
        Err(error) => format!("M{which} {}", word(&error)),
    }
}

pub fn message_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (form, honest) in (0u8..).zip(HONEST.iter()) {
        for (which, message) in (0u8..).zip(&honest.messages) {
            seeds.push([&[which | form << 5], &message[..]].concat());
            seeds.push(vec![which | 1 << 3 | form << 5]);
            for at in [0, 1, 2, 40] {
                seeds.push(vec![which | 1 << 3 | form << 5, 0, at, 1]);
            }
        }
    }
    let honest = &HONEST[0];
    let sealed = |which: u8, how: u8, plain: &[u8]| [&[which | how << 3], plain].concat();
    seeds.push(sealed(3, 2, &honest.joiners));
    seeds.push(sealed(4, 2, &honest.hosts));
    seeds.push(sealed(4, 3, &honest.hosts));
    seeds.push(sealed(4, 3, &honest.joiners));
    // Each side's own keys, reflected.
    seeds.push(sealed(3, 2, &honest.hosts));
    seeds.push(sealed(4, 2, &honest.joiners));
    let nameless = |bundle: &[u8], name: &[u8]| {
        let keys = &bundle[..99];
        [keys, &[name.len() as u8], name].concat()
    };
    seeds.push(sealed(3, 2, &nameless(&honest.joiners, b"")));
    seeds.push(sealed(4, 2, &nameless(&honest.hosts, b"a\nb")));
    seeds.push(sealed(3, 2, &honest.joiners[..98]));
    let space = [&[32], &[5; 32][..], &[32], &[6; 32]].concat();
    seeds.push(sealed(6, 2, &space));
    seeds.push(sealed(6, 2, &space[..33]));
    seeds.push(sealed(6, 2, &[1, 5, 32]));
    // The identity of ristretto255 is all zeros; all ones are no point at all.
    let mut m1 = honest.messages[1].clone();
    for byte in [0, 0xff] {
        m1[35..].fill(byte);
        seeds.push([&[1], &m1[..]].concat());
    }
    seeds
}
