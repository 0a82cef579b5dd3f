//! Two whole devices meet and write, while a third machine on their network does what it can to the one of them. Where this machine
//! gives no namespaces the test says that it was skipped, and fails if `AMENDS_REQUIRE_NETNS` is 1.
#![cfg(target_os = "linux")]

mod devices;

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use devices::network::{A_CABLE, in_namespaces};
use devices::running::patience;
use devices::{Pair, Running, assert_equal};
use serde_json::Value;

/// Memory that a flood may cost: the places of the lobby, the claims, and what the allocator keeps.
const MEMORY: u64 = 24 * 1024 * 1024;

/// Attackers, each a thread that goes on until the end.
struct Flood {
    over: Arc<AtomicBool>,
    attackers: Vec<(&'static str, Arc<AtomicU64>, JoinHandle<()>)>,
    /// Each attacker says here that it came, the first time.
    come: (Sender<&'static str>, Receiver<&'static str>),
}

impl Flood {
    fn new() -> Flood {
        Flood {
            over: Arc::new(AtomicBool::new(false)),
            attackers: Vec::new(),
            come: channel(),
        }
    }

    /// Does `attack` again and again, with a number; it says whether that worked.
    fn add(&mut self, what: &'static str, mut attack: impl FnMut(u64) -> bool + Send + 'static) {
        let (over, count) = (self.over.clone(), Arc::new(AtomicU64::new(0)));
        let (counted, come) = (count.clone(), self.come.0.clone());
        let attacker = std::thread::spawn(move || {
            for n in 0.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                if attack(n) && counted.fetch_add(1, Ordering::Relaxed) == 0 {
                    come.send(what).unwrap();
                }
            }
        });
        self.attackers.push((what, count, attacker));
    }

    /// Until each of them came: on a busy machine they are in each other's way too.
    fn until_all_came(&self) {
        let mut missing: Vec<&str> = self.attackers.iter().map(|(what, ..)| *what).collect();
        while !missing.is_empty() {
            match self.come.1.recv_timeout(patience()) {
                Ok(came) => missing.retain(|what| *what != came),
                Err(_) => panic!("none ever came of {missing:?}"),
            }
        }
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for (what, count, attacker) in self.attackers {
            attacker.join().unwrap();
            // How many there are depends on the machine, and on how long the door holds each of them.
            println!("{what}: {}", count.load(Ordering::Relaxed));
        }
    }
}

/// What a process has in memory (proc_pid_statm(5), in pages of 4 KiB).
fn resident(of: &Running) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", of.pid())).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn connect(at: SocketAddr) -> Option<TcpStream> {
    let socket = TcpStream::connect_timeout(&at, Duration::from_secs(1)).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// An mDNS answer (RFC 6762, RFC 1035) in which somebody claims to be at our own address, at twenty ports, for sixty-eight years.
fn claims(n: u64) -> Vec<u8> {
    let name = |out: &mut Vec<u8>, text: &str| {
        for label in text.split('.') {
            out.push(u8::try_from(label.len()).unwrap());
            out.extend_from_slice(label.as_bytes());
        }
        out.push(0);
    };
    let record = |out: &mut Vec<u8>, of: &str, kind: u16, data: &[u8]| {
        name(out, of);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&1_u16.to_be_bytes());
        out.extend_from_slice(&0x7fff_ffff_u32.to_be_bytes());
        out.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend_from_slice(data);
    };
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend_from_slice(&n.to_be_bytes().repeat(4));
    let peer = amends_network::PeerId::from_bytes(&bytes).unwrap();
    let mut out = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 20];
    let instance = format!("liar{n}");
    let mut pointer = Vec::new();
    name(&mut pointer, &instance);
    record(&mut out, "_p2p._udp.local", 12, &pointer);
    for port in 1..=20 {
        let text = format!("dnsaddr=/ip4/10.97.0.1/tcp/{port}/p2p/{peer}");
        let mut data = vec![u8::try_from(text.len()).unwrap()];
        data.extend_from_slice(text.as_bytes());
        record(&mut out, &instance, 16, &data);
    }
    out
}

#[test]
fn the_two_go_on_while_somebody_floods_one_of_them() {
    let name = "the_two_go_on_while_somebody_floods_one_of_them";
    in_namespaces(name, A_CABLE, || {
        let pair = Pair::new();
        let mut ana = pair.ana.start(&["up"]);
        let listen = ana.until("up")["listen"].clone();
        let listen = listen.as_array().unwrap().iter().filter_map(Value::as_str);
        let at = listen.clone().find(|at| at.starts_with("10.97.0.1:"));
        let at: SocketAddr = at.unwrap().parse().unwrap();
        let mut bo = pair.bo.start_in("bo", &["up"]);
        ana.until("met");
        bo.until("met");

        let mut flood = Flood::new();
        // As fast as it goes: connected and gone.
        flood.add("connections", move |_| connect(at).is_some());
        // Two hundred that are held and say nothing, or half of what begins a connection.
        let mut held = Vec::new();
        flood.add("half-open", move |n| {
            held.truncate(199);
            let Some(mut socket) = connect(at) else {
                return false;
            };
            let _ = socket.write(&[0x42; 24][..usize::try_from(n % 25).unwrap()]);
            held.insert(0, socket);
            true
        });
        // A byte now and then, on fifty at once.
        let mut slow: Vec<TcpStream> = Vec::new();
        flood.add("slow senders", move |_| {
            slow.retain_mut(|socket| socket.write(&[0xff]).is_ok());
            std::thread::sleep(Duration::from_millis(20));
            if slow.len() < 50 {
                slow.extend(connect(at));
            }
            !slow.is_empty()
        });
        // The nonce of the pre-shared key, and then lengths of four gibibytes, as long as they are taken.
        flood.add("four gibibytes", move |_| {
            let Some(mut socket) = connect(at) else {
                return false;
            };
            let _ = socket.write(&[0x42; 24]);
            while socket.write(&[0xff; 4096]).is_ok() {}
            true
        });
        let socket = UdpSocket::bind(("10.97.0.1", 0)).unwrap();
        socket.set_multicast_loop_v4(true).unwrap();
        flood.add("false claims", move |n| {
            socket.send_to(&claims(n), "224.0.0.251:5353").is_ok()
        });

        // What the first of it costs is no leak.
        let round = |turn: u32, ana: &mut Running, bo: &mut Running| {
            pair.ana.propose(&format!("Ana, {turn}"));
            pair.bo.propose(&format!("Bo, {turn}"));
            for (up, text) in [(ana, format!("Bo, {turn}")), (bo, format!("Ana, {turn}"))] {
                up.until_such(&text, |line| {
                    line["event"] == "changed" && line["entry"]["text"] == text.as_str()
                });
            }
        };
        round(0, &mut ana, &mut bo);
        flood.until_all_came();
        let before = resident(&ana);
        for turn in 1..8 {
            round(turn, &mut ana, &mut bo);
        }
        // Bo's device goes and comes in again among all of them.
        bo.interrupt();
        bo.ends_well();
        let mut bo = pair.bo.start_in("bo", &["up"]);
        bo.until("met");
        ana.until("met");
        round(8, &mut ana, &mut bo);
        let grown = resident(&ana).saturating_sub(before);
        flood.end();
        println!("{} KiB more in memory", grown / 1024);
        assert!(grown < MEMORY, "{grown} bytes more in memory");
        for up in [ana, bo] {
            up.interrupt();
            up.ends_well();
        }
        assert_equal(&pair.ana, &pair.bo);
    });
}
