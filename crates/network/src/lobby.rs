//! Connections that came in and have not shown who they are.
//!
//! Whoever refuses the newest when all places are taken lets a stranger who holds them keep the partner out for ever. Here
//! everybody comes in, and when there are more than there are places, somebody goes who came from where most of them came from,
//! by lot: one who connects a thousand times a second from a few addresses pushes out himself alone, and even from the
//! partner's own address he has to hit, within the milliseconds that an honest handshake takes, the one among many.
//! [`Limits::handshake`](crate::Limits::handshake) ends whoever stays too long.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};
use futures::task::AtomicWaker;

/// The places, shared by the transport, which fills them, and every [`Guest`], which leaves its own.
#[derive(Debug, Clone)]
pub(crate) struct Lobby {
    places: usize,
    guests: Arc<Mutex<Vec<Arc<Ticket>>>>,
}

/// One guest's place.
#[derive(Debug)]
struct Ticket {
    from: SocketAddr,
    /// Pushed out: every read and write fails from now on.
    out: AtomicBool,
    /// Shown who it is: nobody pushes it out any more.
    inside: AtomicBool,
    waker: AtomicWaker,
}

/// An incoming connection until it has shown who it is, and after; or an outgoing one, which needs no place.
#[derive(Debug)]
pub(crate) struct Guest<S> {
    stream: S,
    place: Option<(Lobby, Arc<Ticket>)>,
}

impl Lobby {
    pub(crate) fn new(places: u32) -> Self {
        Self {
            places: usize::try_from(places).unwrap_or(usize::MAX).max(1),
            guests: Arc::default(),
        }
    }

    /// Somebody came from there. Where there is no place left, somebody goes.
    pub(crate) fn enter<S>(&self, stream: S, from: SocketAddr) -> Guest<S> {
        let ticket = Arc::new(Ticket {
            from,
            out: AtomicBool::new(false),
            inside: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let mut guests = self.lock();
        guests.push(ticket.clone());
        if guests.len() > self.places
            && let Some(unlucky) = pick(&guests, lot())
        {
            let unlucky = guests.swap_remove(unlucky);
            unlucky.out.store(true, Ordering::Release);
            unlucky.waker.wake();
        }
        drop(guests);
        Guest {
            stream,
            place: Some((self.clone(), ticket)),
        }
    }

    /// Who came from there has shown who it is.
    pub(crate) fn passed(&self, from: SocketAddr) {
        self.lock().retain(|ticket| {
            let passed = ticket.from == from;
            if passed {
                ticket.inside.store(true, Ordering::Release);
            }
            !passed
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Ticket>>> {
        // A list of tickets is whole after every line above, whoever panicked.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one place to come from: an IPv4 address, or an IPv6 network of one link (RFC 4291, section 2.5.4), of
/// which anybody on it has 2^64 addresses.
fn origin(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into()),
        ip => ip,
    }
}

/// Which of them goes: by lot, among those from where most came from.
fn pick(guests: &[Arc<Ticket>], lot: u64) -> Option<usize> {
    let mut from: HashMap<IpAddr, usize> = HashMap::new();
    for guest in guests {
        let count = from.entry(origin(guest.from.ip())).or_default();
        *count = count.saturating_add(1);
    }
    let most = from.values().copied().max()?;
    let eligible: Vec<usize> = guests
        .iter()
        .enumerate()
        .filter(|(_, guest)| from.get(&origin(guest.from.ip())) == Some(&most))
        .map(|(index, _)| index)
        .collect();
    let nth = lot.checked_rem(u64::try_from(eligible.len()).ok()?)?;
    eligible.get(usize::try_from(nth).ok()?).copied()
}

/// A number that nobody outside can guess: the keys of a `RandomState` are the system's randomness.
fn lot() -> u64 {
    RandomState::new().hash_one(())
}

impl<S> Guest<S> {
    /// A connection that this side opened.
    pub(crate) fn own(stream: S) -> Self {
        Self {
            stream,
            place: None,
        }
    }

    /// Fails once it was pushed out; the task that asks is woken when it is.
    fn stays(&mut self, cx: &Context<'_>) -> io::Result<()> {
        let Some((_, ticket)) = &self.place else {
            return Ok(());
        };
        if ticket.inside.load(Ordering::Acquire) {
            self.place = None;
            return Ok(());
        }
        ticket.waker.register(cx.waker());
        if ticket.out.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl<S> Drop for Guest<S> {
    fn drop(&mut self) {
        if let Some((lobby, ticket)) = &self.place {
            lobby.lock().retain(|other| !Arc::ptr_eq(other, ticket));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guest<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_read_vectored(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guest<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stays(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn is_out<S>(guest: &Guest<S>) -> bool {
        guest
            .place
            .as_ref()
            .is_some_and(|(_, ticket)| ticket.out.load(Ordering::Acquire))
    }

    #[test]
    fn one_who_comes_a_thousand_times_pushes_out_himself_alone() {
        let lobby = Lobby::new(8);
        let partner = lobby.enter((), at("10.0.0.2:40000"));
        let crowd: Vec<_> = (0..1000)
            .map(|port| lobby.enter((), at(&format!("10.0.0.66:{}", 1000 + port))))
            .collect();
        assert!(!is_out(&partner));
        assert_eq!(crowd.iter().filter(|guest| !is_out(guest)).count(), 7);
        // Nor does it help him to be at many addresses of one IPv6 link.
        let partner = lobby.enter((), at("[fd00:0:0:1::2]:40000"));
        let crowd: Vec<_> = (1..1000)
            .map(|host| lobby.enter((), at(&format!("[fd00:0:0:2::{host:x}]:4000"))))
            .collect();
        assert!(!is_out(&partner));
        assert!(crowd.iter().filter(|guest| !is_out(guest)).count() <= 8);
    }

    #[test]
    fn from_the_partners_own_address_the_lot_falls_on_everybody_alike() {
        let mut stayed = 0;
        for _ in 0..200 {
            let lobby = Lobby::new(64);
            let held: Vec<_> = (0..64)
                .map(|port| lobby.enter((), at(&format!("127.0.0.1:{}", 2000 + port))))
                .collect();
            let partner = lobby.enter((), at("127.0.0.1:40000"));
            let more: Vec<_> = (0..16)
                .map(|port| lobby.enter((), at(&format!("127.0.0.1:{}", 3000 + port))))
                .collect();
            stayed += usize::from(!is_out(&partner));
            drop((held, more));
        }
        // (64/65)^17 is 0.77; fewer than a half of 200 has a probability below 10^-15.
        assert!(stayed > 100, "{stayed} of 200");
    }

    #[test]
    fn who_has_shown_who_it_is_or_has_gone_takes_no_place() {
        let lobby = Lobby::new(2);
        let inside = lobby.enter((), at("10.0.0.2:1"));
        lobby.passed(at("10.0.0.2:1"));
        drop(lobby.enter((), at("10.0.0.2:2")));
        assert!(lobby.lock().is_empty());
        let more: Vec<_> = (10..20)
            .map(|port| lobby.enter((), at(&format!("10.0.0.2:{port}"))))
            .collect();
        assert_eq!(more.iter().filter(|guest| !is_out(guest)).count(), 2);
        assert!(!is_out(&inside));
        drop(more);
        assert!(lobby.lock().is_empty());
    }
}
