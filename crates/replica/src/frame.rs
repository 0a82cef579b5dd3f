//! What two devices say to each other inside a session (`docs/decisions/0002`).
//!
//! ```text
//! frame = 1 version(1)=1 flags(1) clock      flags: 1 "send again from here"
//!       | 2 envelope                          PROTOCOL section 4
//!       | 3                                   heartbeat
//! ```
//! A frame of another type is ignored, so that a later version can say more to who understands it.

use thiserror::Error;

use crate::clock::Clock;

const CLOCK: u8 = 1;
const ENVELOPE: u8 = 2;
const HEARTBEAT: u8 = 3;
/// The version of the sync inside a session.
pub const VERSION: u8 = 1;
const AGAIN: u8 = 1;

/// One message of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// How far the sender holds each log: the opening, and every acknowledgement.
    Clock {
        /// What is held.
        clock: Clock,
        /// What was sent beyond it was dropped, and is asked for again.
        again: bool,
    },
    /// One envelope with one or more records.
    Envelope(Vec<u8>),
    /// Nothing but a sign that the link lives.
    Heartbeat,
    /// A type that this version does not know.
    Unknown(u8),
}

/// Why bytes are not a frame. The link is closed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// Nothing in it.
    #[error("an empty frame")]
    Empty,
    /// A clock that cannot be read.
    #[error("a malformed clock")]
    Clock,
    /// The other device speaks another version.
    #[error("sync version {found}, this program speaks {VERSION}")]
    Version {
        /// What it speaks.
        found: u8,
    },
}

impl Frame {
    /// The bytes that a session seals.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Frame::Clock { clock, again } => {
                let mut out = vec![CLOCK, VERSION, if *again { AGAIN } else { 0 }];
                clock.write(&mut out);
                out
            }
            Frame::Envelope(envelope) => {
                let mut out = Vec::with_capacity(1 + envelope.len());
                out.push(ENVELOPE);
                out.extend_from_slice(envelope);
                out
            }
            Frame::Heartbeat => vec![HEARTBEAT],
            Frame::Unknown(kind) => vec![*kind],
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let (kind, rest) = bytes.split_first().ok_or(FrameError::Empty)?;
        match *kind {
            CLOCK => {
                let [version, flags, clock @ ..] = rest else {
                    return Err(FrameError::Clock);
                };
                if *version != VERSION {
                    return Err(FrameError::Version { found: *version });
                }
                let clock = Clock::read(clock).map_err(|_| FrameError::Clock)?;
                Ok(Frame::Clock {
                    clock,
                    again: flags & AGAIN != 0,
                })
            }
            ENVELOPE => Ok(Frame::Envelope(rest.to_vec())),
            HEARTBEAT => Ok(Frame::Heartbeat),
            other => Ok(Frame::Unknown(other)),
        }
    }
}
