//! What somebody sees who records every byte between two devices, or who has a copy of their homes.

mod devices;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use amends_keys::identity::StaticSecret;
use amends_keys::vault::Vault;
use amends_store::{Store, Table};
use devices::network::{A_CABLE, in_namespaces};
use devices::{Code, Device, PASSPHRASE, Pair, assert_equal};
use serde_json::Value;

/// Stands between two devices and keeps what it carries.
struct Relay {
    at: String,
    to: Arc<Mutex<String>>,
    /// For each connection the bytes each way.
    carried: Arc<Mutex<Vec<[Vec<u8>; 2]>>>,
}

impl Relay {
    fn to(address: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let (to, carried) = (
            Arc::new(Mutex::new(address.to_owned())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let relay = Relay {
            at,
            to: to.clone(),
            carried: carried.clone(),
        };
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(&*to.lock().unwrap()) else {
                    continue;
                };
                let number = {
                    let mut carried = carried.lock().unwrap();
                    carried.push([Vec::new(), Vec::new()]);
                    carried.len() - 1
                };
                let ways = [
                    (here.try_clone().unwrap(), there.try_clone().unwrap()),
                    (there, here),
                ];
                for (way, (from, to)) in ways.into_iter().enumerate() {
                    let carried = carried.clone();
                    std::thread::spawn(move || {
                        carry(from, to, |bytes| {
                            carried.lock().unwrap()[number][way].extend_from_slice(bytes)
                        })
                    });
                }
            }
        });
        relay
    }

    fn now_to(&self, address: &str) {
        *self.to.lock().unwrap() = address.to_owned();
    }

    fn carried(&self) -> Vec<[Vec<u8>; 2]> {
        self.carried.lock().unwrap().clone()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The address part that a relay connects to.
fn socket(listen: &str) -> String {
    let address: amends_network::Address = listen.parse().unwrap();
    address.socket.to_string()
}

const TEXT: &str = "We keep our phones out of the bedroom from now on";
const EDIT: &str = "We keep our phones out of the bedroom after ten";
const TITLE: &str = "Evenings of our own";
const NAMES: [&str; 2] = ["Anastasia of the Wire", "Bogdan of the Wire"];

/// Every value of the journal's own rows that could name somebody: keys, ids, secrets, names; as 16-byte windows.
fn secrets_of(device: &Device) -> HashSet<[u8; 16]> {
    let vault = Vault::parse(&std::fs::read(device.home().join("vault")).unwrap()).unwrap();
    let key = vault.unlock(PASSPHRASE).unwrap();
    let rng = Box::new(rand_core::UnwrapErr(rand::rngs::SysRng));
    let store = Store::open(device.home().join("journal.db"), key.journal_store(), rng).unwrap();
    let mut windows = HashSet::new();
    let mut add = |bytes: &[u8]| {
        // Runs of a few values, as of zeros, are nobody's name.
        let telling = bytes
            .windows(16)
            .filter(|window| window.iter().collect::<HashSet<_>>().len() > 8);
        windows.extend(telling.map(|window| <[u8; 16]>::try_from(window).unwrap()));
    };
    let mut statics = 0;
    for (_, value) in store.scan(Table::Meta, &[], None, 100).unwrap() {
        add(&value);
        let Ok(Value::Object(fields)) = serde_json::from_slice(&value) else {
            continue;
        };
        for (name, field) in &fields {
            let numbers: Option<Vec<u8>> = serde_json::from_value(field.clone()).ok();
            let Some(bytes) = numbers else { continue };
            add(&bytes);
            if name == "static_secret" {
                add(
                    StaticSecret::from_bytes(bytes.as_slice().try_into().unwrap())
                        .public()
                        .as_bytes(),
                );
                statics += 1;
            }
        }
    }
    assert_eq!(
        statics, 1,
        "this device's static key was looked for and not found"
    );
    assert!(windows.len() > 200, "{} windows are too few", windows.len());
    store.close().unwrap();
    windows
}

/// The first sixteen bytes that are among the secrets.
fn secret_in<'a>(bytes: &'a [u8], secrets: &HashSet<[u8; 16]>) -> Option<&'a [u8]> {
    bytes.windows(16).find(|window| secrets.contains(*window))
}

#[track_caller]
fn assert_tells_nothing(what: &str, carried: &[[Vec<u8>; 2]], secrets: &HashSet<[u8; 16]>) {
    assert!(!carried.is_empty(), "{what}: nothing was carried");
    for (number, bytes) in carried.iter().flatten().enumerate() {
        for needle in [
            TEXT,
            EDIT,
            "bedroom",
            TITLE,
            NAMES[0],
            NAMES[1],
            "of the Wire",
            "amends",
            "AMND",
            "boundary",
        ] {
            assert!(
                !holds(bytes, needle.as_bytes()),
                "{what}: {needle:?} is in direction {number}"
            );
        }
        let found = secret_in(bytes, secrets);
        assert_eq!(
            found, None,
            "{what}: a key, an id or a secret is in direction {number}"
        );
    }
}

#[test]
fn nothing_that_is_carried_names_anything_or_comes_twice() {
    let (ana, bo) = (Device::new(NAMES[0]), Device::new(NAMES[1]));
    let mut host = ana.start(&["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = Code::of(&host.until("code"));
    let pairing = Relay::to(&socket(&code.at));
    let mut joiner = bo.joins(&pairing.at);
    joiner.types(&code.typed);
    host.until("paired");
    joiner.until("paired");
    host.ends_well();
    joiner.ends_well();

    let syncing = Relay::to("127.0.0.1:1");
    for round in 0..3 {
        ana.run(&["boundary", "propose", TEXT, "--title", TITLE])
            .ok();
        let id = bo.propose(&format!("{TEXT}, says the other, {round}"));
        bo.run(&["boundary", "edit", &id, EDIT]).ok();
        let up = ana.up();
        syncing.now_to(&socket(&up.listen));
        let synced = bo.sync(&syncing.at).ok();
        assert_eq!(
            (&synced["sent"], &synced["received"]),
            (&2.into(), &1.into())
        );
        up.down();
    }
    assert_equal(&ana, &bo);

    let mut secrets = secrets_of(&ana);
    secrets.extend(secrets_of(&bo));
    let (pairing, syncing) = (pairing.carried(), syncing.carried());
    assert_eq!((pairing.len(), syncing.len()), (1, 3));
    for ways in pairing.iter().chain(&syncing) {
        assert!(
            ways.iter().all(|way| way.len() > 500),
            "too little was recorded to show anything"
        );
    }
    // What is looked for is found where it is: the code's own connection opens in clear, as every libp2p one does.
    assert!(holds(&pairing[0][0], b"/noise"));
    let secret = secrets.iter().next().unwrap();
    let with_a_secret = [&pairing[0][0][..100], secret, &pairing[0][1]].concat();
    // Not necessarily this one: the byte before it may be the one that stands before it in a longer secret.
    assert!(secret_in(&with_a_secret, &secrets).is_some());
    assert_tells_nothing("pairing", &pairing, &secrets);
    assert_tells_nothing("sync", &syncing, &secrets);

    // Two meetings share no sixteen bytes: nothing says that they were the same two devices.
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for ways in &syncing {
        let windows: HashSet<&[u8]> = ways.iter().flat_map(|way| way.windows(16)).collect();
        let again = windows.intersection(&seen).next();
        assert_eq!(again, None, "sixteen bytes came in two meetings");
        assert!(
            !ways
                .iter()
                .any(|way| holds(way, b"/noise") || holds(way, b"/multistream"))
        );
        seen.extend(windows);
    }
}

/// Everything that is on a cable, as a packet socket hears it; none where this machine lets nobody listen.
fn overheard(on: &str) -> Option<Arc<Mutex<Vec<Vec<u8>>>>> {
    // Python's standard library has packet sockets, which Rust's has not.
    let script = "import socket, sys
heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
heard.bind((sys.argv[1], 0))
print('listening', flush=True)
while True:
    packet = heard.recv(65535)
    sys.stdout.write(packet.hex() + '\\n')
    sys.stdout.flush()";
    let mut child = std::process::Command::new("python3")
        .args(["-c", script, on])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .ok()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if !matches!(lines.next(), Some(Ok(line)) if line == "listening") {
        let _ = child.wait();
        return None;
    }
    let packets = Arc::new(Mutex::new(Vec::new()));
    let kept = packets.clone();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let packet = data_encoding::HEXLOWER.decode(line.as_bytes()).unwrap();
            kept.lock().unwrap().push(packet);
        }
        let _ = child.wait();
    });
    Some(packets)
}

/// What mDNS says and what goes over the links, on two days. Addresses of the machines stay; nothing else does, and nothing names
/// the program or a protocol of its own.
#[test]
fn two_days_on_a_cable_share_nothing_and_name_nothing() {
    let name = "two_days_on_a_cable_share_nothing_and_name_nothing";
    in_namespaces(name, A_CABLE, || {
        let mut pair = Pair::new();
        let Some(packets) = overheard("cable0") else {
            return devices::loudly(name, "nobody may listen to packets here (python3)");
        };
        let mut days = Vec::new();
        for day in 0..2 {
            for device in [&mut pair.ana, &mut pair.bo] {
                devices::clocks::shift(device, day * devices::clocks::DAY);
            }
            let mut ana = pair.ana.start(&["up"]);
            let mut bo = pair.bo.start_in("bo", &["up"]);
            ana.until("met");
            bo.until("met");
            pair.ana
                .run_locked(&["boundary", "propose", TEXT, "--title", TITLE])
                .ok();
            bo.until("changed");
            for up in [ana, bo] {
                up.interrupt();
                up.ends_well();
            }
            days.push(std::mem::take(&mut *packets.lock().unwrap()));
        }
        // For each day what mDNS said, and what went over the links.
        let days = days.iter().map(|day| {
            let payloads = day.iter().filter_map(|packet| payload(packet));
            payloads.partition::<Vec<_>, _>(|(protocol, _)| *protocol == UDP)
        });
        let days: Vec<_> = days.collect();
        for (told, carried) in &days {
            let bytes: usize = carried.iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(
                claims(told).len() >= 2 && bytes > 2000,
                "too little was overheard: {told:?}, {bytes} bytes"
            );
            for (_, payload) in told.iter().chain(carried) {
                for needle in [
                    "amends", "Amends", "AMND", "sync/1", "/noise", "/yamux", "boundary", TEXT,
                    TITLE,
                ] {
                    assert!(
                        !holds(payload, needle.as_bytes()),
                        "{needle:?} went over the cable: {}",
                        String::from_utf8_lossy(payload)
                    );
                }
            }
        }
        // What is claimed: "/ip4/10.97.0.1/tcp/PORT/p2p/PEER". The addresses of the machines stay, and nothing else.
        let [first, second] = [&days[0].0, &days[1].0].map(|told| claims(told));
        for part in [4, 6] {
            let parts = |claims: &HashSet<String>| -> HashSet<String> {
                let part = |claim: &String| claim.split('/').nth(part).unwrap().to_owned();
                claims.iter().map(part).collect()
            };
            assert_eq!(parts(&first).len(), 2, "{first:?}");
            assert!(
                parts(&first).is_disjoint(&parts(&second)),
                "{first:?} {second:?}"
            );
        }
        let [first, second] = [&days[0].1, &days[1].1].map(|carried| {
            let runs = carried.iter().flat_map(|(_, bytes)| bytes.windows(12));
            runs.map(<[u8]>::to_vec).collect::<HashSet<_>>()
        });
        assert_eq!(first.intersection(&second).next(), None, "on both days");
    });
}

const UDP: u8 = 17;
const TCP: u8 = 6;

/// Every claim of mDNS in these packets.
fn claims(told: &[(u8, Vec<u8>)]) -> HashSet<String> {
    let mut claims = HashSet::new();
    for (_, packet) in told {
        let text: String = packet.iter().map(|byte| char::from(*byte)).collect();
        for claim in text.split("dnsaddr=").skip(1) {
            let (before, peer) = claim.split_once("/p2p/").unwrap();
            // A PeerId has 52 letters; what follows is another record.
            claims.insert(format!("{before}/p2p/{}", &peer[..52]));
        }
    }
    claims
}

/// What TCP or UDP over IPv4 carries in an Ethernet packet, and which of the two; none of anything else.
fn payload(packet: &[u8]) -> Option<(u8, Vec<u8>)> {
    let ip = packet.get(14..).filter(|_| packet[12..14] == [8, 0])?;
    let header = usize::from(ip[0] & 15) * 4;
    let whole = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let above = ip.get(header..whole)?;
    let start = match ip[9] {
        TCP => usize::from(above[12] >> 4) * 4,
        UDP => 8,
        _ => return None,
    };
    Some((ip[9], above.get(start..)?.to_vec()))
}

/// The first file under `dir` that holds `needle`, by its bytes.
fn file_with(dir: &Path, needle: &[u8]) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        let in_it = if kind.is_dir() {
            file_with(&entry.path(), needle).is_some()
        } else {
            kind.is_file() && holds(&std::fs::read(entry.path()).unwrap(), needle)
        };
        if in_it || holds(name.as_encoded_bytes(), needle) {
            return Some(entry.path());
        }
    }
    None
}

#[test]
fn no_file_of_a_home_holds_a_word_in_clear() {
    let (ana, bo) = (Device::new(NAMES[0]), Device::new(NAMES[1]));
    ana.pair_with(&bo);
    let up = ana.up();
    let id = ana
        .run_locked(&["boundary", "propose", TEXT, "--title", TITLE])
        .ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    bo.sync(&up.listen).ok();
    bo.run(&["boundary", "decline", &id, "--reason", EDIT]).ok();
    bo.sync(&up.listen).ok();
    let look = |device: &Device, when: &str| {
        for needle in [
            TEXT,
            EDIT,
            "bedroom",
            TITLE,
            NAMES[0],
            NAMES[1],
            "of the Wire",
            PASSPHRASE,
            "127.0.0.1",
        ] {
            assert_eq!(
                file_with(&device.home(), needle.as_bytes()),
                None,
                "{when}: {needle:?} stands in clear"
            );
        }
    };
    assert!(
        ana.home().join("journal.db-wal").exists(),
        "while it is up the newest rows are in the log beside"
    );
    look(&ana, "while it is up");
    up.running.kill();
    look(&ana, "after a kill");
    look(&bo, "after its commands ended");
    // What is looked for is found where it is.
    let scratch = ana.home().join("scratch");
    std::fs::write(&scratch, format!("\0\x01{TEXT}")).unwrap();
    assert_eq!(file_with(&ana.home(), b"bedroom"), Some(scratch));
}
