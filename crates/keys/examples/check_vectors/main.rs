//! Checks a file of vectors, of the shape of `tests/vectors/pairing-and-envelope.json`, by running
//! the real code on its inputs:
//!
//! ```text
//! cargo run -p amends-keys --example check_vectors -- FILE
//! ```
//!
//! One line for each value: `ok`, `WRONG` with both values, `missing`, or `unknown` for a field that
//! nothing here knows (`not seen` where the code stopped before it). Ends with 1 where a value is wrong or missing, or the code stops at an input.

mod file;
mod given;
mod records;

use std::process::ExitCode;

use amends_journal::EntryId;
use amends_keys::identity::{
    DiscoveryKey, JournalId, LogKey, LogSecret, PersonName, StaticSecret, identity_of_the_day,
};
use amends_keys::invite::{Entered, Form, Invite};
use amends_keys::pairing::cpace::{self, Sent, Share};
use amends_keys::pairing::schedule::{self, CodeKeys, Transcript};
use amends_keys::pairing::{self, Bundle, Channels, Device, PairRoot, Paired};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{Record, RecordHash, actor_of};

use file::{Outcome, Vectors};
use given::Given;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(path), None) = (args.next(), args.next()) else {
        eprintln!("One file of vectors is asked for: check_vectors FILE");
        return ExitCode::from(2);
    };
    let mut vectors = match Vectors::read(path.as_ref()) {
        Ok(vectors) => vectors,
        Err(error) => {
            eprintln!(
                "{} cannot be read as vectors: {error}",
                path.to_string_lossy()
            );
            return ExitCode::from(2);
        }
    };
    for part in [check_pairing, check_envelope, check_discovery, check_hashes] {
        if let Err(stop) = part(&mut vectors) {
            vectors.stopped(&stop);
        }
    }
    vectors.finish()
}

/// The inputs of a pairing, as both sides take them.
struct Inputs {
    prs: Vec<u8>,
    form: Form,
    n_h: [u8; 32],
    n_j: [u8; 32],
    chan_h: Vec<u8>,
    chan_j: Vec<u8>,
    y_j: [u8; 64],
    y_h: [u8; 64],
    e_j: StaticSecret,
    e_h: StaticSecret,
    joiner: Device,
    host: Device,
    journal: JournalId,
    epoch_0: EpochSecret,
}

impl Inputs {
    fn read(v: &mut Vectors) -> Outcome<Self> {
        let purpose = v.number("inputs", "purpose")?;
        if purpose != 1 {
            return Err(format!(
                "inputs/purpose is {purpose}; only 1, a partner, can be run yet"
            ));
        }
        let form = v.number("inputs", "form")?;
        let form = u8::try_from(form)
            .ok()
            .and_then(|form| Form::try_from(form).ok());
        let mut device = |side: &str| -> Outcome<Device> {
            Ok(Device {
                static_secret: StaticSecret::from_bytes(&v.bytes("inputs", &format!("s_{side}"))?),
                log_key: log_secret(v, side)?.public(),
                name: PersonName::try_from(&*v.text("inputs", &format!("name_{side}"))?)
                    .map_err(|e| format!("inputs/name_{side}: {e}"))?,
            })
        };
        let (joiner, host) = (device("J")?, device("H")?);
        Ok(Self {
            prs: v.hex("pairing", "code")?,
            form: form.ok_or("inputs/form is neither 1, typed, nor 2, scanned")?,
            n_h: v.bytes("pairing", "N_H")?,
            n_j: v.bytes("pairing", "N_J")?,
            chan_h: v.hex("inputs", "chan_H")?,
            chan_j: v.hex("inputs", "chan_J")?,
            y_j: v.bytes("inputs", "y_J (wide, 64 bytes, reduced)")?,
            y_h: v.bytes("inputs", "y_H (wide, 64 bytes, reduced)")?,
            e_j: StaticSecret::from_bytes(&v.bytes("inputs", "e_J")?),
            e_h: StaticSecret::from_bytes(&v.bytes("inputs", "e_H")?),
            joiner,
            host,
            journal: JournalId(v.bytes("inputs", "journal_id")?),
            epoch_0: EpochSecret::from_bytes(&v.bytes("inputs", "epoch_secret")?),
        })
    }

    fn channels(&self) -> Channels<'_> {
        Channels {
            host: &self.chan_h,
            joiner: &self.chan_j,
        }
    }

    /// The code on the host's screen, drawn from randomness that makes it the one in the file.
    fn invite(&self) -> Outcome<Invite> {
        let (number, secret) = match self.form {
            Form::Typed => {
                let digits = std::str::from_utf8(&self.prs).ok().filter(|d| d.len() == 8);
                let number = digits.and_then(|digits| digits.parse::<u32>().ok());
                (
                    number.ok_or("pairing/code is not eight ASCII digits")?,
                    vec![0; 16],
                )
            }
            Form::Scanned => (0, self.prs.clone()),
        };
        let mut rng = Given::new([&number.to_be_bytes()[..], &secret, &self.n_h].concat());
        let invite = Invite::new(&mut rng);
        rng.all_used("the invite")?;
        if invite.prs(self.form) != self.prs {
            return Err("pairing/code has not the form that inputs/form says".to_owned());
        }
        Ok(invite)
    }
}

fn log_secret(v: &mut Vectors, side: &str) -> Outcome<LogSecret> {
    Ok(LogSecret::from_bytes(
        &v.bytes("inputs", &format!("log_sk_{side}"))?,
    ))
}

/// What both sides ended with, and every message.
struct Run {
    messages: [Vec<u8>; 7],
    number: String,
    joiner: Paired,
    host: Paired,
}

/// Both roles of `pairing`, step by step, on randomness from the file.
fn run(inputs: &Inputs) -> Outcome<Run> {
    let at = |step: &'static str| move |e: pairing::PairingError| format!("{step}: {e}");
    let invite = inputs.invite()?;
    let entered = match inputs.form {
        Form::Typed => invite.typed().shown(),
        Form::Scanned => invite.paste(&inputs.chan_h, &[]),
    };
    let entered = Entered::parse(&entered).map_err(|e| e.to_string())?;
    let mut rng_h = Given::new(
        [
            &inputs.y_h[..],
            inputs.e_h.expose(),
            &inputs.journal.0,
            inputs.epoch_0.expose(),
        ]
        .concat(),
    );
    let mut rng_j = Given::new([&inputs.n_j[..], &inputs.y_j, inputs.e_j.expose()].concat());

    let (host, m0) = pairing::host(&invite, inputs.channels(), inputs.host.clone());
    let joiner = pairing::join(&entered, inputs.channels(), inputs.joiner.clone());
    let (joiner, m1) = joiner
        .map_err(at("join"))?
        .m0(&m0, &mut rng_j)
        .map_err(at("M0"))?;
    let (host, m2) = host.m1(&m1, &mut rng_h).map_err(at("M1"))?;
    let (joiner, m3) = joiner.m2(&m2, &mut rng_j).map_err(at("M2"))?;
    let (host, m4) = host.m3(&m3).map_err(at("M3"))?;
    let joiner = joiner.m4(&m4).map_err(at("M4"))?;
    let (number, numbers_agree) = (
        joiner.number().to_string(),
        joiner.number() == host.number(),
    );
    let (joiner, m5) = joiner.yes();
    let host = host.m5(&m5).map_err(at("M5"))?;
    let (host, m6) = host.yes(&mut rng_h).map_err(at("yes"))?;
    let joiner = joiner.m6(&m6).map_err(at("M6"))?;
    rng_h.all_used("the host")?;
    rng_j.all_used("the joiner")?;
    if !numbers_agree || joiner.root != host.root || joiner.epoch_0 != host.epoch_0 {
        return Err("the two sides do not end with the same".to_owned());
    }
    Ok(Run {
        messages: [m0, m1, m2, m3, m4, m5, m6],
        number,
        joiner,
        host,
    })
}

fn bundle_bytes(device: &Device, ephemeral: &StaticSecret) -> Vec<u8> {
    let bundle = Bundle {
        static_key: device.static_secret.public(),
        log_key: device.log_key,
        name: device.name.clone(),
    };
    bundle.to_bytes(&ephemeral.public())
}

fn check_pairing(v: &mut Vectors) -> Outcome<()> {
    let inputs = Inputs::read(v)?;
    let run = run(&inputs)?;

    let sid = schedule::sid(&inputs.n_h, &inputs.n_j);
    let ci = schedule::channel_identifier(inputs.channels());
    let g = cpace::generator(&inputs.prs, &ci, &sid);
    v.check("pairing", "sid", &sid);
    v.check("pairing", "CI", &ci);
    v.check("pairing", "g", &g.compress().to_bytes());

    let [m0, m1, m2, m3, m4, m5, m6] = &run.messages;
    v.check("pairing", "M0", m0);
    v.check("pairing", "M1", m1);
    v.check("pairing", "M2", m2);

    let (bundle_j, bundle_h) = (
        bundle_bytes(&inputs.joiner, &inputs.e_j),
        bundle_bytes(&inputs.host, &inputs.e_h),
    );
    v.check("pairing", "c_H", &schedule::commit(&bundle_h));
    let th2 = Transcript::new(inputs.channels())
        .with(m0)
        .with(m1)
        .with(m2);
    v.check("pairing", "th2", th2.hash());

    let (a, b) = (Share::new(&g, &inputs.y_j), Share::new(&g, &inputs.y_h));
    let k = a.shared(&b.public).map_err(|e| e.to_string())?;
    let isk = cpace::isk(
        &sid,
        &k,
        Sent {
            share: &a.public,
            data: b"joiner",
        },
        Sent {
            share: &b.public,
            data: b"host",
        },
    );
    v.check("pairing", "ISK", &isk[..]);
    let keys = CodeKeys::new(&th2, &isk);
    v.check("pairing", "PRK1", &keys.prk1[..]);
    v.check("pairing", "k_confirm_J", &keys.confirm_joiner[..]);
    v.check("pairing", "k_seal_J", &keys.seal_joiner[..]);
    v.check("pairing", "bundle_J", &bundle_j);
    v.check("pairing", "bundle_H", &bundle_h);
    v.check("pairing", "M3", m3);
    v.check("pairing", "M4", m4);

    let th4 = th2.with(m3).with(m4);
    v.check("pairing", "th4", th4.hash());
    let dh = schedule::exchange_at_joiner(
        &inputs.e_j,
        &inputs.joiner.static_secret,
        &inputs.e_h.public(),
        &inputs.host.static_secret.public(),
    );
    v.check("pairing", "dh", &dh.map_err(|e| e.to_string())?);
    v.check("pairing", "pair_root", run.joiner.root.expose());
    v.check("pairing", "M5", m5);
    v.check("pairing", "M6", m6);
    v.check_text("pairing", "SAS", &run.number);
    if run.joiner.journal != inputs.journal || run.host.journal != inputs.journal {
        return Err("M6 does not carry the journal's id".to_owned());
    }
    Ok(())
}

fn check_envelope(v: &mut Vectors) -> Outcome<()> {
    let author = records::Author::read(&v.text("inputs", "author of the record")?)?;
    let log = log_secret(v, &author.side)?;
    let journal = JournalId(v.bytes("inputs", "journal_id")?);
    let secret = EpochSecret::from_bytes(&v.bytes("inputs", "epoch_secret")?);
    let salt = v.bytes("inputs", "salt")?;
    let [kind] = v.bytes("inputs", "entry_kind")?;
    let [schema] = v.bytes("inputs", "schema")?;
    let [part] = v.bytes("inputs", "part")?;
    let entry = v.bytes("inputs", "entry_id")?;
    let change = v.hex("inputs", "change")?;

    let payload = records::payload(entry, kind, schema, part, change)?;
    v.check("envelope", "payload", &payload);
    let fields = records::record(&journal, &log.public(), &author, payload);
    let record = fields.to_bytes();
    let sig = Record::sign(&record, &log);
    let signed = Record::verify(&record, &sig) == Ok(fields);
    v.check("envelope", "rec", &record);
    v.check("envelope", "sig", &sig);
    v.check("envelope", "rec_hash", &RecordHash::of(&record).0);
    v.check("envelope", "actor", &actor_of(&log.public()).0);

    let envelope = seal::seal(author.epoch, &secret, &journal, salt, &[(&record, &sig)])
        .map_err(|e| e.to_string())?;
    let commit = envelope.get(34..66).unwrap_or_default();
    v.check_number("envelope", "plaintext_padded_len", envelope.len() - 66 - 16);
    v.check_number("envelope", "envelope_len", envelope.len());
    v.check("envelope", "commit", commit);
    v.check("envelope", "envelope", &envelope);

    // The file's own envelope must open as well as ours.
    let given = v.hex("envelope", "envelope")?;
    let opened = seal::open(&given, &secret, &journal)
        .map_err(|e| format!("envelope/envelope does not open: {e}"))?;
    let expected = vec![(record, sig)];
    if opened.epoch() != author.epoch || opened.into_records() != expected || !signed {
        return Err("envelope/envelope does not hold the signed record".to_owned());
    }
    Ok(())
}

fn check_discovery(v: &mut Vectors) -> Outcome<()> {
    let root = PairRoot::from_bytes(&v.bytes("pairing", "pair_root")?);
    v.check("discovery", "disc_key", root.discovery().expose());
    v.check("discovery", "pnet_psk", root.pnet().expose());
    v.check("discovery", "session_psk", root.session_psk().expose());
    let disc = DiscoveryKey::from_bytes(&v.bytes("discovery", "disc_key")?);
    let day = v.number("discovery", "day")?;
    for (side, who) in [("J", "joiner"), ("H", "host")] {
        let key = StaticSecret::from_bytes(&v.bytes("inputs", &format!("s_{side}"))?).public();
        let seed = identity_of_the_day(&disc, day, &key);
        v.check(
            "discovery",
            &format!("libp2p_ed25519_seed({who})"),
            &seed[..],
        );
    }
    Ok(())
}

fn check_hashes(v: &mut Vectors) -> Outcome<()> {
    let entry = EntryId(v.bytes("inputs", "entry_id")?);
    let agree = v.texts("inputs", "agree")?;
    v.check(
        "hashes",
        "agree_hash",
        &records::agree_hash(&entry, &agree)?,
    );
    let author = records::Author::read(&v.text("inputs", "author of the record")?)?;
    let log: LogKey = log_secret(v, &author.side)?.public();
    let journal: [u8; 32] = v.bytes("inputs", "journal_id")?;
    let nonce = v.bytes("inputs", "together nonce")?;
    let text = v.text("inputs", "together text")?;
    let hash = amends_journal::together_hash(&journal, &entry, &log.0, &nonce, &text);
    v.check("hashes", "together_hash", &hash);
    Ok(())
}
