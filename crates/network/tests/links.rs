//! Links between two hosts on real sockets: frames, order, bounds and ends.

mod common;

use std::time::{Duration, Instant};

use amends_network::{Closed, DialError, Event, Limits, SendError};
use common::{Host, journals, linked, pairing};

const MIB: usize = 1024 * 1024;

fn with(
    limits: impl Fn(&mut Limits),
    configs: (amends_network::Config, amends_network::Config),
) -> (amends_network::Config, amends_network::Config) {
    let (mut a, mut b) = configs;
    limits(&mut a.limits);
    limits(&mut b.limits);
    (a, b)
}

#[tokio::test]
async fn two_hosts_connect_by_address_with_and_without_a_pre_shared_key() {
    for configs in [journals(), pairing()] {
        let (mut a, mut b) = (Host::start(configs.0), Host::start(configs.1));
        let address = b.address().await;
        a.network.dial(address, None).await.unwrap();
        let (at_a, peer, dialer, seen) = a.connected().await;
        assert_eq!((peer, dialer), (b.network.peer_id(), true));
        assert_eq!(seen, address.with_peer(peer));
        let (at_b, peer, dialer, seen) = b.connected().await;
        assert_eq!((peer, dialer), (a.network.peer_id(), false));
        assert!(seen.socket.ip().is_loopback());
        a.network
            .send(at_a, b"I was late, and I said nothing.".to_vec())
            .await
            .unwrap();
        assert_eq!(b.frame(at_b).await, b"I was late, and I said nothing.");
        b.network
            .send(at_b, b"Thank you for saying it.".to_vec())
            .await
            .unwrap();
        assert_eq!(a.frame(at_a).await, b"Thank you for saying it.");
    }
}

#[tokio::test]
async fn frames_of_every_length_arrive_whole_both_ways() {
    let (mut a, at_a, mut b, at_b) =
        linked(with(|limits| limits.max_frame = MIB, journals())).await;
    for len in [0, 1, 3, 4, 5, 1024, 16 * 1024, 65_535, 65_536, MIB - 1, MIB] {
        let frame: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        a.network.send(at_a, frame.clone()).await.unwrap();
        assert!(b.frame(at_b).await == frame, "{len} bytes to the listener");
        b.network.send(at_b, frame.clone()).await.unwrap();
        assert!(a.frame(at_a).await == frame, "{len} bytes to the dialer");
    }
    let refused = a.network.send(at_a, vec![0; MIB + 1]).await;
    assert_eq!(
        refused,
        Err(SendError::TooLong {
            len: MIB + 1,
            max: MIB
        })
    );
    a.network.send(at_a, b"still there".to_vec()).await.unwrap();
    assert_eq!(b.frame(at_b).await, b"still there");
}

#[tokio::test]
async fn a_frame_over_the_takers_limit_ends_the_link() {
    let (mut a, mut b) = journals();
    a.limits.max_frame = 2 * MIB;
    b.limits.max_frame = MIB;
    let (mut a, at_a, mut b, at_b) = linked((a, b)).await;
    a.network.send(at_a, vec![0; MIB + 1]).await.unwrap();
    assert_eq!(
        b.closed(at_b).await,
        Closed::TooLong {
            len: MIB as u32 + 1,
            max: MIB
        }
    );
    assert_eq!(a.closed(at_a).await, Closed::There);
    assert_eq!(a.network.send(at_a, Vec::new()).await, Err(SendError::Gone));
}

#[tokio::test]
async fn many_frames_keep_their_order_both_ways_at_once() {
    let (mut a, at_a, mut b, at_b) = linked(journals()).await;
    const COUNT: u32 = 5000;
    let frame = |n: u32| n.to_be_bytes().repeat(1 + n as usize % 300);
    let senders = [(a.network.clone(), at_a), (b.network.clone(), at_b)].map(|(network, link)| {
        tokio::spawn(async move {
            for n in 0..COUNT {
                network.send(link, frame(n)).await.unwrap();
            }
        })
    });
    let taking = async |host: &mut Host, link| {
        for n in 0..COUNT {
            assert_eq!(host.frame(link).await, frame(n), "frame {n}");
        }
    };
    tokio::join!(taking(&mut a, at_a), taking(&mut b, at_b));
    for sender in senders {
        sender.await.unwrap();
    }
}

#[tokio::test]
async fn links_between_the_same_two_are_apart_and_a_fifth_is_refused() {
    let (a, b) = journals();
    let (mut a, mut b) = (Host::start(a), Host::start(b));
    tokio::join!(a.dial(&b), b.dial(&a));
    let mut links_a = [a.connected().await, a.connected().await];
    let mut links_b = [b.connected().await, b.connected().await];
    // The one that a dialled first.
    links_a.sort_by_key(|(_, _, dialer, _)| !dialer);
    links_b.sort_by_key(|(_, _, dialer, _)| *dialer);
    for (n, (at_a, at_b)) in links_a.iter().zip(&links_b).enumerate() {
        a.network.send(at_a.0, vec![n as u8]).await.unwrap();
        assert_eq!(b.frame(at_b.0).await, [n as u8]);
    }
    for _ in 2..4 {
        a.dial(&b).await;
        a.connected().await;
        b.connected().await;
    }
    a.dial(&b).await;
    assert_eq!(a.dial_failed().await, DialError::TooMany);
    a.network.close(links_a[0].0).await;
    assert_eq!(b.closed(links_b[0].0).await, Closed::There);
    a.network
        .send(links_a[1].0, b"the other lives".to_vec())
        .await
        .unwrap();
    assert_eq!(b.frame(links_b[1].0).await, b"the other lives");
}

#[tokio::test]
async fn closing_on_either_side_is_told_on_both_and_loses_nothing_queued() {
    for dialer_closes in [true, false] {
        let (a, at_a, b, at_b) = linked(journals()).await;
        let (mut closer, here, mut other, there) = if dialer_closes {
            (a, at_a, b, at_b)
        } else {
            (b, at_b, a, at_a)
        };
        // Something unread on the closing side must not turn its goodbye into a reset.
        other.network.send(there, vec![1; 1000]).await.unwrap();
        for n in 0..20 {
            closer.network.send(here, vec![n; 60_000]).await.unwrap();
        }
        closer.network.close(here).await;
        for n in 0..20 {
            assert_eq!(other.frame(there).await, vec![n; 60_000]);
        }
        let began = Instant::now();
        assert_eq!(other.closed(there).await, Closed::There);
        assert_eq!(closer.closed(here).await, Closed::Here);
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(
            closer.network.send(here, Vec::new()).await,
            Err(SendError::Gone)
        );
        closer.network.close(here).await;
    }
}

#[tokio::test]
async fn a_link_that_says_nothing_is_closed() {
    let (mut a, mut b) = journals();
    a.limits.silence = Some(Duration::from_millis(300));
    b.limits.silence = None;
    let (mut a, at_a, mut b, at_b) = linked((a, b)).await;
    assert_eq!(a.closed(at_a).await, Closed::Silent);
    assert_eq!(b.closed(at_b).await, Closed::There);
}

#[tokio::test]
async fn whoever_takes_nothing_fills_no_memory_and_is_closed() {
    const LEN: usize = 64 * 1024;
    let bounds = |limits: &mut Limits| {
        limits.max_frame = LEN;
        limits.frame = Duration::from_millis(500);
    };
    let (mut a, at_a, b, _) = linked(with(bounds, journals())).await;
    // b's events are not taken from here on: 64 of them wait there, a few frames are on the way, two wait here.
    let mut taken = 0;
    let refused = loop {
        match a.network.send(at_a, vec![0; LEN]).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(
            taken < 150,
            "{taken} frames were taken and nobody read them"
        );
    };
    assert_eq!(refused, SendError::Gone);
    assert_eq!(a.closed(at_a).await, Closed::Stalled);
    drop(b);
}

#[tokio::test]
async fn a_full_queue_is_said_where_waiting_is_not_wanted() {
    let (a, at_a, _b, _) = linked(journals()).await;
    let mut taken = 0;
    let refused = loop {
        match a.network.try_send(at_a, vec![0; MIB]) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    // No task ran in between: two frames are what the queue holds.
    assert_eq!((taken, refused), (2, SendError::Full));
}

#[tokio::test]
async fn stopping_closes_every_link_and_every_door() {
    let (mut a, at_a, mut b, at_b) = linked(journals()).await;
    let address = b.address().await;
    b.network.send(at_b, b"goodbye".to_vec()).await.unwrap();
    b.network.stop().await;
    assert!(
        tokio::net::TcpStream::connect(address.socket)
            .await
            .is_err(),
        "something still listens"
    );
    assert_eq!(a.frame(at_a).await, b"goodbye");
    assert_eq!(a.closed(at_a).await, Closed::There);
    assert_eq!(b.closed(at_b).await, Closed::Here);
    assert_eq!(b.events.next().await, None);
    assert_eq!(b.network.listening().await, []);
    assert!(b.network.dial(address, None).await.is_err());
    b.network.stop().await;
    a.network.dial(address, None).await.unwrap();
    assert_eq!(a.dial_failed().await, DialError::NothingThere);
}

#[tokio::test]
async fn a_host_that_nobody_holds_any_more_is_gone() {
    let (mut a, at_a, b, _) = linked(journals()).await;
    drop(b.events);
    assert_eq!(a.closed(at_a).await, Closed::There);
    let (mut a, at_a, b, at_b) = linked(journals()).await;
    let Host {
        network,
        mut events,
    } = b;
    drop(network);
    assert_eq!(a.closed(at_a).await, Closed::There);
    while let Some(event) = events.next().await {
        if let Event::Closed { link, reason } = event {
            assert_eq!((link, reason), (at_b, Closed::Here));
        }
    }
}

/// Not a bound that fails: shown with `--nocapture`, in release for figures that mean something.
#[tokio::test]
async fn connecting_and_a_round_trip_are_measured() {
    let (a, b) = journals();
    let (mut a, mut b) = (Host::start(a), Host::start(b));
    let mut connects = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        a.dial(&b).await;
        let (link, ..) = a.connected().await;
        connects.push(began.elapsed());
        b.connected().await;
        a.network.close(link).await;
        a.closed(link).await;
    }
    a.dial(&b).await;
    let (at_a, ..) = a.connected().await;
    let (at_b, ..) = b.connected().await;
    let mut trips = Vec::new();
    for _ in 0..1000 {
        let began = Instant::now();
        a.network.send(at_a, vec![1; 300]).await.unwrap();
        let frame = b.frame(at_b).await;
        b.network.send(at_b, frame).await.unwrap();
        assert_eq!(a.frame(at_a).await.len(), 300);
        trips.push(began.elapsed());
    }
    connects.sort();
    trips.sort();
    println!(
        "connect {:?} (median of {}), 300 bytes there and back {:?} (median of {}, worst {:?})",
        connects[connects.len() / 2],
        connects.len(),
        trips[trips.len() / 2],
        trips.len(),
        trips[trips.len() - 1]
    );
}
