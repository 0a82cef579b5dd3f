//! Only this user's processes reach the page. A port on loopback is open to every user of the machine; the system says
//! whose socket is at the other end, and another user's connection is closed before a byte of it is read.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};

use super::unkept::Unkept;

/// A listener that gives only this user's connections.
pub(super) struct Mine(pub(super) TcpListener);

impl Listener for Mine {
    type Io = Unkept;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Unkept, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, from)) if is_mine(&stream, from) => {
                    // An answer is written in pieces, and the later ones would wait for the browser to say that it has the
                    // first, which takes 40 ms. Without it they still come.
                    drop(stream.set_nodelay(true));
                    return (Unkept(stream), from);
                }
                Ok(_) => {}
                // Out of file descriptors: those who talk now will give some back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Whether the other end is a socket of this user. Where the system does not say, as on macOS, the token alone decides.
fn is_mine(stream: &TcpStream, from: SocketAddr) -> bool {
    let Ok(to) = stream.local_addr() else {
        return false;
    };
    match std::fs::read_to_string("/proc/net/tcp") {
        Ok(table) => {
            owner(&table, from, to).is_some_and(|uid| uid == rustix::process::geteuid().as_raw())
        }
        Err(_) => true,
    }
}

/// The user whose socket leads from the one address to the other, by the kernel's table (proc_net_tcp(5)).
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    let (from, to) = (written(from)?, written(to)?);
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let found = fields.next()? == from && fields.next()? == to;
        // After the two addresses: state, queues, timer, retransmissions, then the user.
        if found {
            fields.nth(4)?.parse().ok()
        } else {
            None
        }
    })
}

/// An address as the kernel writes it there: the four bytes as one number of this machine's, in hex.
fn written(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(v4) => Some(format!(
            "{:08X}:{:04X}",
            u32::from_ne_bytes(v4.ip().octets()),
            v4.port()
        )),
        SocketAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_stands_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n   \
            1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0\n   \
            2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0\n";
        let of = |from: &str, to: &str| owner(table, from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(of("127.0.0.1:49153", "127.0.0.1:8080"), Some(1000));
        assert_eq!(of("127.0.0.1:8080", "127.0.0.1:49153"), Some(0));
        assert_eq!(of("127.0.0.1:49154", "127.0.0.1:8080"), None);
        assert_eq!(
            owner(
                "",
                "127.0.0.1:1".parse().unwrap(),
                "127.0.0.1:2".parse().unwrap()
            ),
            None
        );
    }

    #[tokio::test]
    async fn pieces_of_an_answer_do_not_wait_for_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let mut mine = Mine(listener);
        let (browser, (accepted, _)) = tokio::join!(TcpStream::connect(to), mine.accept());
        browser.unwrap();
        assert!(accepted.0.nodelay().unwrap());
    }
}
