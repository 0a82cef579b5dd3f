//! What only a broken or hostile program puts on the stream, sent through a real host that has the right key.

use std::time::Duration;

use crate::{
    Closed, Config, Event, Events, Limits, LinkId, Listen, Network, peer_id_of_seed, start,
};

/// What the honest side tells; its handle is kept, since a host stops with its last one.
struct Taker {
    events: Events,
    _network: Network,
}

async fn until<T>(events: &mut Events, wanted: impl Fn(Event) -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = wanted(events.next().await.unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), search)
        .await
        .unwrap()
}

async fn link(events: &mut Events) -> LinkId {
    until(events, |event| match event {
        Event::Connected { link, .. } => Some(link),
        _ => None,
    })
    .await
}

async fn closed(events: &mut Events) -> Closed {
    until(events, |event| match event {
        Event::Closed { reason, .. } => Some(reason),
        Event::Frame { .. } => panic!("a frame was taken"),
        _ => None,
    })
    .await
}

/// A sender that can be made to say anything, and the events of an honest taker with these limits.
async fn hostile(limits: impl Fn(&mut Limits)) -> (Network, LinkId, Events, Taker) {
    let host = |seed: u8, other: u8| {
        let mut config = Config::journal([seed; 32], [9; 32], vec![peer_id_of_seed(&[other; 32])]);
        config.listen = Listen::Only("127.0.0.1:0".parse().unwrap());
        config.announce = false;
        config
    };
    let (sender, mut sent) = start(host(1, 2)).unwrap();
    let mut honest = host(2, 1);
    limits(&mut honest.limits);
    let (taker, mut taken) = start(honest).unwrap();
    sender.dial(taker.listening().await[0], None).await.unwrap();
    let at_sender = link(&mut sent).await;
    link(&mut taken).await;
    (
        sender,
        at_sender,
        sent,
        Taker {
            events: taken,
            _network: taker,
        },
    )
}

#[tokio::test]
async fn a_length_of_four_gibibytes_ends_the_link_before_anything_is_allocated() {
    let (sender, at_sender, mut sent, mut taken) = hostile(|_| {}).await;
    assert!(sender.send_raw(at_sender, vec![0xff; 4]).await);
    let max = Config::journal([0; 32], [0; 32], Vec::new())
        .limits
        .max_frame;
    assert_eq!(
        closed(&mut taken.events).await,
        Closed::TooLong { len: u32::MAX, max }
    );
    assert_eq!(closed(&mut sent).await, Closed::There);
}

#[tokio::test]
async fn one_byte_over_the_limit_is_too_long_and_the_limit_is_not() {
    let (sender, at_sender, _sent, mut taken) = hostile(|limits| limits.max_frame = 3).await;
    assert!(
        sender
            .send_raw(at_sender, [0, 0, 0, 3, 1, 2, 3].to_vec())
            .await
    );
    let frame = until(&mut taken.events, |event| match event {
        Event::Frame { bytes, .. } => Some(bytes),
        _ => None,
    })
    .await;
    assert_eq!(frame, [1, 2, 3]);
    assert!(
        sender
            .send_raw(at_sender, [0, 0, 0, 4, 1, 2, 3, 4].to_vec())
            .await
    );
    assert_eq!(
        closed(&mut taken.events).await,
        Closed::TooLong { len: 4, max: 3 }
    );
}

#[tokio::test]
async fn a_frame_that_is_begun_and_left_lying_ends_the_link() {
    for begun in [&[0][..], &[0, 0, 0, 10], &[0, 0, 0, 10, 1, 2]] {
        let (sender, at_sender, _sent, mut taken) =
            hostile(|limits| limits.frame = Duration::from_millis(200)).await;
        assert!(sender.send_raw(at_sender, begun.to_vec()).await);
        assert_eq!(
            closed(&mut taken.events).await,
            Closed::Unfinished,
            "{begun:?}"
        );
    }
}

#[tokio::test]
async fn dripping_bytes_does_not_hold_a_link() {
    let (sender, at_sender, mut sent, mut taken) = hostile(|limits| {
        limits.frame = Duration::from_millis(400);
        limits.silence = Some(Duration::from_millis(200));
    })
    .await;
    assert!(sender.send_raw(at_sender, vec![0, 1, 0, 0]).await);
    let began = tokio::time::Instant::now();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if !sender.send_raw(at_sender, vec![0]).await {
                return;
            }
        }
    };
    tokio::select! {
        reason = closed(&mut taken.events) => assert_eq!(reason, Closed::Unfinished),
        () = drip => assert_eq!(closed(&mut taken.events).await, Closed::Unfinished),
    }
    assert!(
        began.elapsed() >= Duration::from_millis(300),
        "cut as silent after {:?}",
        began.elapsed()
    );
    assert_eq!(closed(&mut sent).await, Closed::There);
}

#[tokio::test]
async fn bytes_that_stop_in_the_middle_of_a_frame_give_no_frame() {
    let (sender, at_sender, _sent, mut taken) = hostile(|_| {}).await;
    assert!(sender.send_raw(at_sender, vec![0, 0, 0, 10, 1, 2, 3]).await);
    sender.close(at_sender).await;
    assert_eq!(closed(&mut taken.events).await, Closed::There);
}
