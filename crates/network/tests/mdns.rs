//! Finding others, in a network of our own: each test runs this binary again inside a fresh network namespace (as an
//! ordinary user, where the system allows it), whose loopback interface carries an address that is not a loopback one.
//!
//! Where no namespace can be made the tests say SKIPPED, and fail if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use amends_network::{Config, DialError, Event, PeerId, peer_id_of_seed, start};
use common::{Host, PSK};

const INSIDE: &str = "AMENDS_TEST_INSIDE_NETNS";
const ADDRESS: &str = "10.98.0.1";

/// Runs `test` inside a namespace. `name` is the calling test's.
fn in_a_network_of_our_own(name: &str, test: impl AsyncFnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(test());
    }
    let setup = format!("ip link set lo up && ip addr add {ADDRESS}/24 dev lo");
    let works = |flags: &&&str| {
        let probe = Command::new("unshare")
            .args([flags, "sh", "-c", &setup])
            .output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(flags) = ["-Urn", "-n"].iter().find(works) else {
        let required = std::env::var("AMENDS_REQUIRE_NETNS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "no network namespace can be made here, and AMENDS_REQUIRE_NETNS=1"
        );
        println!(
            "SKIPPED: {name}: no network namespace can be made here (unshare {setup:?} failed)"
        );
        return;
    };
    let this = std::env::current_exe().unwrap();
    let inner = Command::new("unshare")
        .args([flags, "sh", "-c"])
        .arg(format!("{setup} && exec \"$0\" --exact {name} --nocapture"))
        .arg(this)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inner.stdout);
    let complained = String::from_utf8_lossy(&inner.stderr);
    println!("{said}");
    assert!(
        inner.status.success() && said.contains("1 passed"),
        "inside the namespace:\n{said}\n{complained}"
    );
}

fn ip(arguments: &str) {
    let done = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "ip {arguments}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn often(mut config: Config) -> Config {
    config.limits.query = Duration::from_millis(500);
    config.limits.handshake = Duration::from_millis(1500);
    config
}

fn journal(own: u8, partner: u8) -> Config {
    often(Config::journal(
        [own; 32],
        PSK,
        vec![peer_id_of_seed(&[partner; 32])],
    ))
}

fn pairing(own: u8) -> Config {
    often(Config::pairing([own; 32]))
}

async fn found(host: &mut Host, whom: PeerId) -> Vec<amends_network::Address> {
    host.until(|event| match event {
        Event::Found { peer, addresses } if peer == whom => Some(addresses),
        _ => None,
    })
    .await
}

/// Everybody that is found in the next two seconds: four questions and their answers.
async fn found_in_two_seconds(host: &mut Host) -> BTreeSet<PeerId> {
    let mut all = BTreeSet::new();
    let search = async {
        while let Some(event) = host.events.next().await {
            if let Event::Found { peer, .. } = event {
                all.insert(peer);
            }
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(2), search)
            .await
            .is_err(),
        "the host stopped"
    );
    all
}

#[test]
fn partners_find_each_other_and_nobody_else() {
    in_a_network_of_our_own("partners_find_each_other_and_nobody_else", async || {
        let _stranger = Host::start(pairing(3));
        let (mut a, mut b) = (Host::start(journal(1, 2)), Host::start(journal(2, 1)));
        let began = Instant::now();
        let addresses = found(&mut a, b.network.peer_id()).await;
        println!("found after {:?}", began.elapsed());
        assert_eq!(addresses.len(), 1, "{addresses:?}");
        assert_eq!(addresses[0].socket.ip().to_string(), ADDRESS);
        assert!(
            b.network
                .listening()
                .await
                .iter()
                .any(|address| address.socket == addresses[0].socket)
        );
        a.network.dial(addresses[0], None).await.unwrap();
        assert_eq!(a.connected().await.1, b.network.peer_id());
        assert_eq!(b.connected().await.1, a.network.peer_id());
        // Somebody without a list hears of all three, a of its partner alone.
        let mut anyone = Host::start(pairing(4));
        let all = found_in_two_seconds(&mut anyone).await;
        assert_eq!(
            all,
            [1, 2, 3].map(|seed| peer_id_of_seed(&[seed; 32])).into()
        );
        let known_to_a = found_in_two_seconds(&mut a).await;
        assert!(
            known_to_a.iter().all(|peer| *peer == b.network.peer_id()),
            "{known_to_a:?}"
        );
    });
}

#[test]
fn who_is_quiet_or_has_stopped_is_not_announced() {
    in_a_network_of_our_own("who_is_quiet_or_has_stopped_is_not_announced", async || {
        let _quiet = Host::start(Config {
            announce: false,
            ..pairing(1)
        });
        let stopped = Host::start(pairing(2));
        let there = Host::start(pairing(3));
        let mut before = Host::start(pairing(4));
        found(&mut before, stopped.network.peer_id()).await;
        stopped.network.stop().await;
        before.network.stop().await;
        let mut after = Host::start(pairing(5));
        assert_eq!(
            found_in_two_seconds(&mut after).await,
            [there.network.peer_id()].into()
        );
    });
}

#[test]
fn one_who_joins_finds_the_pairing_host_among_others() {
    in_a_network_of_our_own(
        "one_who_joins_finds_the_pairing_host_among_others",
        async || {
            let journals: Vec<_> = (10..13).map(|seed| Host::start(journal(seed, 1))).collect();
            let host = Host::start(pairing(2));
            let mut joiner = Host::start(pairing(3));
            let (mut connected, mut failed) = (None, BTreeSet::new());
            let began = Instant::now();
            let dialer = joiner.network.clone();
            while connected.is_none() || failed.len() < journals.len() {
                let event = joiner.until(Some).await;
                match event {
                    Event::Found { addresses, .. } => {
                        let newest = addresses[addresses.len() - 1];
                        dialer.dial(newest, None).await.unwrap();
                    }
                    Event::Connected { peer, .. } => {
                        println!("the pairing host is known after {:?}", began.elapsed());
                        assert_eq!(connected.replace(peer), None);
                    }
                    Event::DialFailed { peer, reason, .. } => {
                        assert!(
                            matches!(reason, DialError::Handshake | DialError::NoAnswer),
                            "{reason}"
                        );
                        failed.insert(peer.unwrap());
                    }
                    _ => {}
                }
            }
            assert_eq!(connected, Some(host.network.peer_id()));
            assert_eq!(
                failed,
                journals.iter().map(|host| host.network.peer_id()).collect()
            );
        },
    );
}

#[test]
fn interfaces_that_come_and_go_are_followed() {
    in_a_network_of_our_own("interfaces_that_come_and_go_are_followed", async || {
        ip("addr del 10.98.0.1/24 dev lo");
        let mut host = Host::start(Config::pairing([1; 32]));
        let real = async |host: &mut Host| {
            host.until(|event| match event {
                Event::Interfaces { real } => Some(real),
                _ => None,
            })
            .await
        };
        assert!(
            !real(&mut host).await,
            "loopback alone was told as a real interface"
        );
        assert!(
            host.network
                .listening()
                .await
                .iter()
                .all(|address| address.socket.ip().is_loopback())
        );
        // A container's bridge is not for us; our own end of a cable is, where we are in the container.
        ip("link add docker0 type veth peer name veth7");
        ip("addr add 10.97.0.1/24 dev docker0");
        ip("link set docker0 up");
        ip("addr add 10.98.0.2/24 dev lo");
        assert!(real(&mut host).await);
        let address = host
            .until(|event| match event {
                Event::Listening(address) if !address.socket.ip().is_loopback() => Some(address),
                _ => None,
            })
            .await;
        assert_eq!(address.socket.ip().to_string(), "10.98.0.2");
        let all = host.network.listening().await;
        assert!(
            all.contains(&address)
                && all
                    .iter()
                    .all(|address| address.socket.ip().to_string() != "10.97.0.1")
        );
        assert!(tokio::net::TcpStream::connect(address.socket).await.is_ok());
        ip("addr del 10.98.0.2/24 dev lo");
        assert!(!real(&mut host).await);
        let gone = host
            .until(|event| match event {
                Event::StoppedListening(address) => Some(address),
                _ => None,
            })
            .await;
        assert_eq!(gone, address);
        assert!(!host.network.listening().await.contains(&address));
        ip("addr add 10.96.0.1/24 dev veth7");
        ip("link set veth7 up");
        assert!(real(&mut host).await);
        let all = host.network.listening().await;
        assert!(
            all.iter()
                .any(|address| address.socket.ip().to_string() == "10.96.0.1"),
            "{all:?}"
        );
    });
}

#[test]
fn a_cable_that_goes_and_comes_back_is_told() {
    in_a_network_of_our_own("a_cable_that_goes_and_comes_back_is_told", async || {
        ip("link add cable0 type veth peer name cable1");
        ip("addr add 10.95.0.1/24 dev cable0");
        ip("link set cable0 up");
        ip("link set cable1 up");
        let mut host = Host::start(Config::pairing([1; 32]));
        let told = async |host: &mut Host| {
            host.until(|event| match event {
                Event::Cable { plugged } => Some(plugged),
                // Its address stays, and so does who listens there.
                Event::StoppedListening(address) => panic!("{address} went with its cable"),
                _ => None,
            })
            .await
        };
        for _ in 0..2 {
            ip("link set cable1 down");
            assert!(!told(&mut host).await);
            ip("link set cable1 up");
            assert!(told(&mut host).await);
        }
    });
}

#[test]
fn a_flood_of_false_claims_stays_flat_and_passes() {
    in_a_network_of_our_own(
        "a_flood_of_false_claims_stays_flat_and_passes",
        async || {
            let (network, events) = start(pairing(1)).unwrap();
            let mut host = Host { network, events };
            host.until(|event| matches!(event, Event::Listening(_)).then_some(()))
                .await;
            let before = resident();
            let flood = std::thread::spawn(|| {
                let socket = UdpSocket::bind((ADDRESS, 0)).unwrap();
                for n in 0..20_000_u32 {
                    socket.send_to(&claims(n), "224.0.0.251:5353").unwrap();
                }
            });
            let mut told = 0;
            while !flood.is_finished() {
                if let Ok(Some(event)) =
                    tokio::time::timeout(Duration::from_millis(10), host.events.next()).await
                    && let Event::Found { addresses, .. } = event
                {
                    told += 1;
                    assert!(addresses.len() <= 16);
                }
            }
            flood.join().unwrap();
            let grown = resident().saturating_sub(before);
            println!(
                "{told} false claims told of 400,000 made, {} KiB more resident",
                grown / 1024
            );
            assert!(told > 0, "the flood did not arrive, so nothing is shown");
            assert!(grown < 32 * 1024 * 1024, "{grown} bytes more");
            // Somebody true is found when the flood is over.
            let other = Host::start(pairing(2));
            found(&mut host, other.network.peer_id()).await;
        },
    );
}

/// Bytes of this process in memory (proc_pid_statm(5), in pages of 4 KiB at least).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// An mDNS answer (RFC 6762, RFC 1035) as libp2p makes them, of a peer that is not there, at twenty addresses, valid for
/// sixty-eight years.
fn claims(n: u32) -> Vec<u8> {
    let name = |out: &mut Vec<u8>, text: &str| {
        for label in text.split('.') {
            out.push(label.len() as u8);
            out.extend_from_slice(label.as_bytes());
        }
        out.push(0);
    };
    let record = |out: &mut Vec<u8>, of: &str, kind: u16, class: u16, data: &[u8]| {
        name(out, of);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&class.to_be_bytes());
        out.extend_from_slice(&(i32::MAX as u32).to_be_bytes());
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        out.extend_from_slice(data);
    };
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend_from_slice(&n.to_be_bytes().repeat(8));
    let peer = PeerId::from_bytes(&bytes).unwrap();
    let mut out = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 20];
    let instance = format!("liar{n}");
    let mut pointer = Vec::new();
    name(&mut pointer, &instance);
    record(&mut out, "_p2p._udp.local", 12, 1, &pointer);
    for port in 1..=20 {
        let text = format!("dnsaddr=/ip4/{ADDRESS}/tcp/{port}/p2p/{peer}");
        let mut data = vec![text.len() as u8];
        data.extend_from_slice(text.as_bytes());
        record(&mut out, &instance, 16, 0x8001, &data);
    }
    out
}
