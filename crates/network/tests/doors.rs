//! Who is let in, who is turned away, and what either sees.

mod common;

use std::net::TcpListener;
use std::time::Duration;

use amends_network::{
    Config, DialError, Event, Listen, RefusedReason, StartError, peer_id_of_seed, start,
};
use common::{Host, PSK, journals, linked, pairing, quiet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

impl Host {
    async fn refused(&mut self) -> RefusedReason {
        self.until(|event| match event {
            Event::Refused { reason, .. } => Some(reason),
            Event::Connected { .. } => panic!("let in where nobody may be"),
            _ => None,
        })
        .await
    }
}

fn hasty(mut config: Config) -> Config {
    config.limits.handshake = Duration::from_millis(700);
    config
}

#[tokio::test]
async fn another_pre_shared_key_meets_a_closed_door() {
    let (a, b) = journals();
    let mut b = Host::start(hasty(b));
    // The right identity, and all else right.
    let mut outsider = Host::start(hasty(quiet(Config::journal(
        [1; 32],
        [8; 32],
        a.peers.unwrap(),
    ))));
    outsider.dial(&b).await;
    let reason = outsider.dial_failed().await;
    assert!(
        matches!(reason, DialError::Handshake | DialError::NoAnswer),
        "{reason}"
    );
    assert_eq!(b.refused().await, RefusedReason::Handshake);
}

#[tokio::test]
async fn one_who_joins_a_pairing_learns_that_a_journal_host_is_none() {
    let (_, b) = journals();
    let b = Host::start(hasty(b));
    let mut joiner = Host::start(hasty(pairing().1));
    joiner.dial(&b).await;
    let reason = joiner.dial_failed().await;
    assert!(
        matches!(reason, DialError::Handshake | DialError::NoAnswer),
        "{reason}"
    );
    // A host of somebody else's program, without a pre-shared key.
    let mut other = pairing().0;
    other.protocol = "/somebody/else/1";
    let other = Host::start(other);
    joiner.dial(&other).await;
    assert_eq!(joiner.dial_failed().await, DialError::NotSpoken);
}

/// What a prober may get is 24 random bytes (the nonce that pnet sends at once) and the end.
#[tokio::test]
async fn a_prober_gets_no_byte_that_tells_what_listens() {
    let (_, b) = journals();
    let mut b = Host::start(hasty(b));
    let address = b.address().await;
    let hello = b"\x13/multistream/1.0.0\n\x07/noise\n";
    let long = [0x55; 5000];
    for sent in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", hello, &long] {
        let mut socket = TcpStream::connect(address.socket).await.unwrap();
        socket.write_all(sent).await.unwrap();
        let mut got = Vec::new();
        // A reset is an end too.
        socket.read_to_end(&mut got).await.ok();
        assert!(
            got.len() <= 24,
            "{} bytes after {sent:?}: {}",
            got.len(),
            String::from_utf8_lossy(&got)
        );
        for word in [&b"multi"[..], b"noise", b"yamux", b"amends", b"p2p"] {
            assert!(
                !got.windows(word.len()).any(|part| part == word),
                "{}",
                String::from_utf8_lossy(&got)
            );
        }
        assert_eq!(b.refused().await, RefusedReason::Handshake);
    }
}

#[tokio::test]
async fn a_peer_that_is_not_expected_is_refused_though_it_has_the_key() {
    let (_, b) = journals();
    let mut b = Host::start(b);
    let mut stranger = Host::start(quiet(Config::journal(
        [3; 32],
        PSK,
        vec![peer_id_of_seed(&[2; 32])],
    )));
    stranger.dial(&b).await;
    assert_eq!(stranger.dial_failed().await, DialError::HungUp);
    assert_eq!(b.refused().await, RefusedReason::NotAllowed);
    // Nor is it dialled.
    b.dial(&stranger).await;
    assert_eq!(b.dial_failed().await, DialError::NotAllowed);
    b.network
        .dial(stranger.address().await, None)
        .await
        .unwrap();
    assert_eq!(b.dial_failed().await, DialError::NotAllowed);
}

#[tokio::test]
async fn a_dial_that_leads_elsewhere_says_where() {
    let (a, b) = journals();
    let (mut a, b) = (Host::start(a), Host::start(b));
    let other = Host::start(quiet(Config::journal([3; 32], PSK, vec![])));
    let wrong = other.address().await;
    a.network
        .dial(wrong, Some(b.network.peer_id()))
        .await
        .unwrap();
    assert_eq!(
        a.dial_failed().await,
        DialError::OtherPeer {
            found: Some(other.network.peer_id())
        }
    );
    let own = a.address().await;
    a.network.dial(own, None).await.unwrap();
    assert_eq!(a.dial_failed().await, DialError::Ourselves);
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    a.network
        .dial(free.to_string().parse().unwrap(), None)
        .await
        .unwrap();
    assert_eq!(a.dial_failed().await, DialError::NothingThere);
    // Somebody who listens, accepts and never says a word.
    let mut hasty_a = Host::start(hasty(quiet(Config::journal([4; 32], PSK, vec![]))));
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    hasty_a
        .network
        .dial(
            mute.local_addr().unwrap().to_string().parse().unwrap(),
            None,
        )
        .await
        .unwrap();
    assert_eq!(hasty_a.dial_failed().await, DialError::NoAnswer);
}

#[tokio::test]
async fn a_pairing_host_has_one_session_at_a_time() {
    let (host, joiner) = pairing();
    let (mut joiner, at_joiner, mut host, _) = linked((joiner, host)).await;
    let mut second = Host::start(quiet(Config::pairing([13; 32])));
    second.dial(&host).await;
    assert_eq!(second.dial_failed().await, DialError::HungUp);
    assert_eq!(host.refused().await, RefusedReason::TooMany);
    joiner.network.close(at_joiner).await;
    joiner.closed(at_joiner).await;
    host.until(|event| matches!(event, Event::Closed { .. }).then_some(()))
        .await;
    // The connection may take a moment longer than its link.
    loop {
        second.dial(&host).await;
        let in_now = second
            .until(|event| match event {
                Event::Connected { .. } => Some(true),
                Event::DialFailed { .. } => Some(false),
                _ => None,
            })
            .await;
        if in_now {
            break;
        }
    }
}

#[tokio::test]
async fn a_connection_without_a_stream_is_closed_in_time() {
    use futures::StreamExt;
    use libp2p::swarm::{SwarmEvent, dummy};
    let (host, _) = pairing();
    let mut host = Host::start(hasty(host));
    let address = host.address().await;
    // A libp2p host that connects, proves who it is and then does nothing.
    let mut lazy = libp2p::SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            Default::default(),
            libp2p::noise::Config::new,
            libp2p::yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|_| dummy::Behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build();
    lazy.dial(
        address
            .to_multiaddress()
            .parse::<libp2p::Multiaddr>()
            .unwrap(),
    )
    .unwrap();
    let lazy = tokio::spawn(async move {
        loop {
            if let SwarmEvent::ConnectionClosed { .. } = lazy.select_next_some().await {
                return;
            }
        }
    });
    assert_eq!(host.refused().await, RefusedReason::NoStream);
    lazy.await.unwrap();
}

/// Who holds connections and says nothing, or a little, is pushed out by those who come later.
#[tokio::test]
async fn a_flood_of_connections_is_bounded_and_keeps_nobody_out() {
    let (a, b) = journals();
    let places = usize::try_from(b.limits.pending_incoming).unwrap();
    let b = Host::start(b);
    let address = b.address().await;
    let mut flood = Vec::new();
    for n in 0..4 * places {
        let mut socket = TcpStream::connect(address.socket).await.unwrap();
        // Nothing; a part of the nonce; the nonce and what cannot be read; each is held open from now on.
        let said = [0, 11, 24, 60][n % 4];
        socket.write_all(&vec![0x42; said]).await.ok();
        flood.push(socket);
    }
    // Their five seconds are not over, and every place is taken: the partner comes in all the same.
    let mut a = Host::start(a);
    a.dial(&b).await;
    a.connected().await;
    let mut held = 0;
    for socket in &mut flood {
        let mut answer = [0; 25];
        let heard = async { while let Ok(1..) = socket.read(&mut answer).await {} };
        held += usize::from(
            tokio::time::timeout(Duration::from_millis(5), heard)
                .await
                .is_err(),
        );
    }
    assert!(held <= places, "{held} of {} are held", flood.len());
}

/// A thousand connections one after the other, while the partner comes and goes.
#[tokio::test]
async fn the_partner_comes_in_while_others_come_without_end() {
    let (a, b) = journals();
    let Host {
        network,
        mut events,
    } = Host::start(b);
    let address = network.listening().await[0];
    let _taking = tokio::spawn(async move { while events.next().await.is_some() {} });
    let flood = tokio::spawn(async move {
        let mut held = std::collections::VecDeque::new();
        // The rate is the attacker's: as near to a thousand a second as the timer comes.
        let mut every = tokio::time::interval(Duration::from_millis(1));
        for n in 0_u32.. {
            every.tick().await;
            if let Ok(mut socket) = TcpStream::connect(address.socket).await {
                socket.write_all(&vec![0x42; (n % 70) as usize]).await.ok();
                held.push_back(socket);
            }
            if held.len() > 200 {
                held.pop_front();
            }
        }
    });
    let mut a = Host::start(a);
    let (mut came_in, began) = (0, std::time::Instant::now());
    for _ in 0..100 {
        // A dial may meet the lot; the caller dials again, as it does after anything else.
        a.network.dial(address, None).await.unwrap();
        let link = a
            .until(|event| match event {
                Event::Connected { link, .. } => Some(Some(link)),
                Event::DialFailed { .. } => Some(None),
                _ => None,
            })
            .await;
        if let Some(link) = link {
            came_in += 1;
            a.network.close(link).await;
            a.closed(link).await;
        }
    }
    println!("came in {came_in} times of 100 in {:?}", began.elapsed());
    assert!(came_in > 50 && !flood.is_finished());
    flood.abort();
}

#[tokio::test]
async fn a_port_in_use_is_said_and_a_free_one_is_taken() {
    let other_program = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other_program.local_addr().unwrap();
    let (a, b) = journals();
    for listen in [Listen::Only(taken), Listen::Port(taken.port())] {
        let refused = start(Config {
            listen,
            ..a.clone()
        });
        assert!(
            matches!(refused, Err(StartError::PortInUse(socket)) if socket == taken),
            "{refused:?}"
        );
    }
    drop(other_program);
    let first = Host::start(Config {
        listen: Listen::Only(taken),
        ..a.clone()
    });
    assert_eq!(first.address().await.socket, taken);
    // libp2p itself would let a second host share the port.
    let refused = start(Config {
        listen: Listen::Only(taken),
        ..b.clone()
    });
    assert!(
        matches!(refused, Err(StartError::PortInUse(socket)) if socket == taken),
        "{refused:?}"
    );
    first.network.stop().await;
    let second = Host::start(Config {
        listen: Listen::Only(taken),
        ..b
    });
    assert_eq!(second.address().await.socket, taken);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let (a, _) = journals();
    // TEST-NET-3 of RFC 5737: nobody's address.
    let nobodys = "203.0.113.1:0".parse().unwrap();
    let refused = start(Config {
        listen: Listen::Only(nobodys),
        ..a.clone()
    });
    assert!(
        matches!(refused, Err(StartError::NotOurs(socket)) if socket == nobodys),
        "{refused:?}"
    );
    let refused = start(Config {
        protocol: "no slash",
        ..a.clone()
    });
    assert!(
        matches!(refused, Err(StartError::Protocol("no slash"))),
        "{refused:?}"
    );
    let refused = std::thread::spawn(|| start(a).map(|_| ())).join().unwrap();
    assert!(matches!(refused, Err(StartError::NoRuntime)), "{refused:?}");
}

#[tokio::test]
async fn everywhere_includes_loopback_and_one_port_serves_all() {
    let (a, _) = journals();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = Host::start(Config {
        listen: Listen::Port(free),
        ..a
    });
    let addresses = host.network.listening().await;
    assert!(
        addresses
            .iter()
            .any(|address| address.to_string() == format!("127.0.0.1:{free}")),
        "{addresses:?}"
    );
    assert!(
        addresses
            .iter()
            .all(|address| address.socket.port() == free),
        "{addresses:?}"
    );
}
