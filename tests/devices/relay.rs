//! A way between two devices that is long: what goes over it is late, each byte by the same time, as over a satellite. It stands
//! where a kernel that cannot delay packets has nothing of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Listens on loopback, and carries whatever comes to another address and back.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) at: String,
}

impl Relay {
    /// A relay to `address` over which everything is `late`, each way. It lives as long as the test.
    pub(crate) fn to(address: &str, late: Duration) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let address = address.to_owned();
        thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                // Whoever is not there is not there for the one who came either.
                let Ok(there) = TcpStream::connect(&address) else {
                    continue;
                };
                carry(&here, &there, late);
                carry(&there, &here, late);
            }
        });
        Relay { at }
    }
}

fn carry(from: &TcpStream, to: &TcpStream, late: Duration) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    // Else what is small waits here for what it was sent with.
    to.set_nodelay(true).unwrap();
    let (send, due) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if send
                .send((Instant::now() + late, buffer[..n].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in due {
            // This is the length of the way, not a wait for anything.
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
