//! Sessions, `amends/sess/v1` (`docs/PROTOCOL.md` section 2): Noise_KKpsk0_25519_ChaChaPoly_SHA256
//! (the Noise framework, revision 34, by snow) between the static keys of two paired devices, inside
//! whatever stream carries it. The dialer, A, is the initiator.
//!
//! ```text
//! KKpsk0:   -> s   <- s   …                     prologue = lv("amends/sess/v1", journal_id, peerid_A, peerid_B)
//!   -> psk, e, es, ss                            48 bytes: Dialer::new gives it, Listener::answer takes it
//!   <- e, ee, se                                 48 bytes: Listener::answer gives it, Dialer::finish takes it
//! ```
//!
//! Handshake payloads are empty, so both messages have one size.
//!
//! **A frame** is up to [`MAX_FRAME`] bytes. What is sealed is `u32(len) frame`, cut into pieces of
//! 65,519 bytes, each one Noise message; the messages stand one after the other, every one but the
//! last 65,535 bytes long. The length inside is what joins them: without it, whoever carries the
//! bytes could end a frame early and begin the next one with its rest.

use rand_core::CryptoRng;
use snow::{Builder, HandshakeState, TransportState};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::identity::{JournalId, StaticKey, StaticSecret};
use crate::pairing::SessionPsk;
use crate::{label, lv};

mod primitives;

/// A frame has at most this many bytes: an envelope of 1 MiB, and room for what says what it is.
pub const MAX_FRAME: usize = (1 << 20) + 1024;
/// A sealed frame has at most this many bytes. No transport need take more at once.
pub const MAX_SEALED: usize = sealed_len(MAX_FRAME);

const PATTERN: &str = "Noise_KKpsk0_25519_ChaChaPoly_SHA256";
const HANDSHAKE: usize = 32 + TAG;
const TAG: usize = 16;
const MESSAGE: usize = 65_535;
const PIECE: usize = MESSAGE - TAG;
const LENGTH: usize = 4;

/// How long a frame of `len` bytes, up to [`MAX_FRAME`], is once sealed.
pub const fn sealed_len(len: usize) -> usize {
    let plain = len.saturating_add(LENGTH);
    plain.saturating_add(plain.div_ceil(PIECE).saturating_mul(TAG))
}

/// Whom a session is between.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    /// The journal that both hold.
    pub journal: &'a JournalId,
    /// The PeerId bytes of the dialer, A.
    pub dialer: &'a [u8],
    /// The PeerId bytes of the listener, B.
    pub listener: &'a [u8],
}

impl Between<'_> {
    /// `lv("amends/sess/v1", journal_id, peerid_A, peerid_B)`
    fn prologue(&self) -> Vec<u8> {
        lv::of(&[label::SESSION, &self.journal.0, self.dialer, self.listener])
    }
}

/// Why no session came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum HandshakeError {
    #[error("a handshake message has {got} bytes instead of {expected}", expected = HANDSHAKE)]
    Size { got: usize },
    /// Another partner, another journal, another pair, other peers, or a changed byte.
    #[error("the other side does not hold this pair's keys")]
    Refused,
    #[error("the keys at hand cannot make a handshake")]
    Setup,
}

/// Why a frame was not sealed or opened. After any of these but a too long frame to seal, the
/// session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum FrameError {
    #[error("the frame has {size} bytes, at most {limit} are carried", limit = MAX_FRAME)]
    TooLarge { size: usize },
    #[error("the sealed frame has {size} bytes, which none has")]
    SealedSize { size: usize },
    #[error("the frame was changed, repeated, left out or put in another order")]
    Refused,
    #[error("the frame says that it has {expected} bytes and has {got}")]
    Length { expected: u32, got: usize },
    #[error("the session ended at an earlier error")]
    Over,
}

/// Everything that both roles start from but the pre-shared key: see [`with_psk`].
fn start(
    own: &StaticSecret,
    partner: &StaticKey,
    between: Between<'_>,
    dials: bool,
    rng: &mut dyn CryptoRng,
) -> Result<HandshakeState, HandshakeError> {
    let params = PATTERN.parse().map_err(|_| HandshakeError::Setup)?;
    let prologue = between.prologue();
    let resolver = Box::new(primitives::Primitives::new(rng));
    let builder = Builder::with_resolver(params, resolver)
        .local_private_key(own.expose())
        .and_then(|builder| builder.remote_public_key(&partner.0))
        .and_then(|builder| builder.prologue(&prologue));
    let built = builder.and_then(|builder| {
        if dials {
            builder.build_initiator()
        } else {
            builder.build_responder()
        }
    });
    built.map_err(|_| HandshakeError::Setup)
}

/// Does the step of the handshake that needs the pre-shared key. snow keeps a copy of it for as long as it lives, in its own
/// midst, and wipes none: so it is given the key for this step alone.
fn with_psk<T>(
    state: &mut HandshakeState,
    psk: &SessionPsk,
    step: impl FnOnce(&mut HandshakeState) -> Result<T, HandshakeError>,
) -> Result<T, HandshakeError> {
    let give = |state: &mut HandshakeState, key: &[u8; 32]| {
        state.set_psk(0, key).map_err(|_| HandshakeError::Setup)
    };
    give(state, psk.expose())?;
    let done = step(state);
    give(state, &[0; 32])?;
    done
}

/// Writes the next handshake message, with an empty payload.
fn write(state: &mut HandshakeState) -> Result<Vec<u8>, HandshakeError> {
    let mut message = vec![0; HANDSHAKE];
    match state.write_message(&[], &mut message) {
        Ok(HANDSHAKE) => Ok(message),
        // An exchange with a point of small order gives no key.
        _ => Err(HandshakeError::Refused),
    }
}

/// Reads the next handshake message. Its size leaves room for no payload.
fn read(state: &mut HandshakeState, message: &[u8]) -> Result<(), HandshakeError> {
    if message.len() != HANDSHAKE {
        return Err(HandshakeError::Size { got: message.len() });
    }
    match state.read_message(message, &mut []) {
        Ok(0) => Ok(()),
        _ => Err(HandshakeError::Refused),
    }
}

fn transport(state: HandshakeState) -> Result<Session, HandshakeError> {
    let state = state
        .into_transport_mode()
        .map_err(|_| HandshakeError::Refused)?;
    Ok(Session { state, over: false })
}

/// The side that dialled, A: it speaks first.
pub struct Dialer(HandshakeState);

impl Dialer {
    /// Begins with the one partner's device that `between.listener` names today. Gives the first
    /// message, 48 bytes. Takes 32 random bytes.
    ///
    /// # Errors
    /// [`HandshakeError::Refused`] where `partner` is a point of small order.
    pub fn new(
        own: &StaticSecret,
        partner: &StaticKey,
        psk: &SessionPsk,
        between: Between<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let mut state = start(own, partner, between, true, rng)?;
        let message = with_psk(&mut state, psk, write)?;
        Ok((Self(state), message))
    }

    /// Takes the listener's answer.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn finish(mut self, answer: &[u8]) -> Result<Session, HandshakeError> {
        read(&mut self.0, answer)?;
        transport(self.0)
    }
}

/// The side that was dialled, B.
pub struct Listener {
    state: HandshakeState,
    psk: SessionPsk,
}

impl Listener {
    /// Awaits the one partner's device that `between.dialer` names today. Takes 32 random bytes.
    ///
    /// # Errors
    /// [`HandshakeError::Setup`], which no key met so far gives.
    pub fn new(
        own: &StaticSecret,
        partner: &StaticKey,
        psk: &SessionPsk,
        between: Between<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, HandshakeError> {
        Ok(Self {
            state: start(own, partner, between, false, rng)?,
            psk: psk.clone(),
        })
    }

    /// Takes the dialer's message; gives the session and the answer to send, 48 bytes.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn answer(mut self, message: &[u8]) -> Result<(Session, Vec<u8>), HandshakeError> {
        with_psk(&mut self.state, &self.psk, |state| read(state, message))?;
        let answer = write(&mut self.state)?;
        Ok((transport(self.state)?, answer))
    }
}

/// Two devices that have proved themselves to each other. Frames must be opened in the order in
/// which they were sealed.
pub struct Session {
    state: TransportState,
    over: bool,
}

impl Session {
    /// Seals one frame; [`sealed_len`] tells how long it becomes.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`], which leaves the session as it was; [`FrameError::Over`].
    pub fn seal(&mut self, frame: &[u8]) -> Result<Vec<u8>, FrameError> {
        let too_large = FrameError::TooLarge { size: frame.len() };
        if frame.len() > MAX_FRAME {
            return Err(too_large);
        }
        let len = u32::try_from(frame.len()).map_err(|_| too_large)?;
        if self.over {
            return Err(FrameError::Over);
        }
        let plain = Zeroizing::new([&len.to_be_bytes()[..], frame].concat());
        let mut sealed = vec![0; sealed_len(frame.len())];
        let mut room = sealed.as_mut_slice();
        for piece in plain.chunks(PIECE) {
            let filled = self.state.write_message(piece, room);
            let rest = filled.ok().and_then(|n| room.split_at_mut_checked(n));
            let Some((_, rest)) = rest else {
                // Only after 2^64 messages.
                self.over = true;
                return Err(FrameError::Over);
            };
            room = rest;
        }
        Ok(sealed)
    }

    /// Opens one frame.
    ///
    /// # Errors
    /// [`FrameError`]; the session is over, for what follows could not be trusted to follow.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, FrameError> {
        if self.over {
            return Err(FrameError::Over);
        }
        let opened = self.open_pieces(sealed);
        self.over = opened.is_err();
        opened
    }

    fn open_pieces(&mut self, sealed: &[u8]) -> Result<Vec<u8>, FrameError> {
        let size = sealed.len();
        if !(sealed_len(0)..=MAX_SEALED).contains(&size) {
            return Err(FrameError::SealedSize { size });
        }
        let mut plain = Vec::with_capacity(size);
        let mut piece = Zeroizing::new(vec![0; PIECE.min(size)]);
        for message in sealed.chunks(MESSAGE) {
            let opened = self.state.read_message(message, &mut piece);
            let len = opened.map_err(|_| FrameError::Refused)?;
            plain.extend(piece.iter().take(len));
        }
        let (len, frame) = plain
            .split_first_chunk::<LENGTH>()
            .ok_or(FrameError::SealedSize { size })?;
        let expected = u32::from_be_bytes(*len);
        if usize::try_from(expected) != Ok(frame.len()) {
            return Err(FrameError::Length {
                expected,
                got: frame.len(),
            });
        }
        plain.drain(..LENGTH);
        Ok(plain)
    }
}

macro_rules! debug_without_secrets {
    ($($state:ident),*) => {$(
        impl std::fmt::Debug for $state {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($state)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_secrets!(Dialer, Listener, Session);

#[cfg(test)]
mod tests;
