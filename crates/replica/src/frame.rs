//! What two devices say to each other inside a session (`docs/decisions/0002`).
//!
//! ```text
//! frame = 1 version(1)=1 flags(1) clock      flags: 1 "send again from here", 2 "I know the frames 4 to 8", 4 "I want chunks of you",
//!                                                 and five bits for how much the sender's program can read
//!       | 2 envelope                          PROTOCOL section 4
//!       | 3                                   heartbeat
//!       | 4 names                             send me these chunks
//!       | 5 chunk                             PROTOCOL section 3, to the frame's end
//!       | 6 names                             these chunks are on my disk
//!       | 7 names                             these chunks are not here
//!       | 8 names                             do you have these chunks? 6 and 7 answer
//! names = 1 to 64 x name(32), to the frame's end
//! ```
//! A frame of another type is ignored, so that a later version can say more to who understands it.

use amends_keys::blob::ChunkName;
use thiserror::Error;

use crate::clock::Clock;

const CLOCK: u8 = 1;
const ENVELOPE: u8 = 2;
const HEARTBEAT: u8 = 3;
/// The version of the sync inside a session: another one cannot be spoken with at all.
pub const VERSION: u8 = 1;
/// How much this version of the program can read of what others write: one more, up to 31, with each version that writes
/// something which the one before cannot read, such as a new kind of entry. Two that differ sync even so
/// (`docs/decisions/0040-which-side-is-older.md`).
pub const KNOWS: u8 = 0;
/// Where that stands in a clock's flags.
const KNOWS_AT: u32 = 3;
const AGAIN: u8 = 1;
const CHUNKS: u8 = 2;
const WANTS: u8 = 4;

const ASK: u8 = 4;
const CHUNK: u8 = 5;
const HAVE: u8 = 6;
const LACK: u8 = 7;
const WHETHER: u8 = 8;
/// A frame holds at most this many names.
pub(crate) const MOST_NAMES: usize = 64;

/// One message of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// How far the sender holds each log: the opening, and every acknowledgement.
    Clock {
        /// What is held.
        clock: Clock,
        /// What was sent beyond it was dropped, and is asked for again.
        again: bool,
        /// None where the sender does not know the frames that are about chunks; else whether it lacks chunks that
        /// entries name, and the other device did not say that it lacks them too.
        chunks: Option<bool>,
        /// How much the sender's program can read: its [`KNOWS`].
        knows: u8,
    },
    /// Asks for chunks.
    Ask(Vec<ChunkName>),
    /// One sealed chunk.
    Chunk(Vec<u8>),
    /// Says which chunks are on the sender's disk.
    Have(Vec<ChunkName>),
    /// Says which chunks the sender does not have.
    Lack(Vec<ChunkName>),
    /// Asks which of these chunks the other device has.
    Whether(Vec<ChunkName>),
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
    /// Names of chunks that are not 1 to 64 of them.
    #[error("a malformed list of chunks")]
    Names,
    /// The other device speaks another version.
    #[error(
        "the program on {} device is of an older version: it speaks sync version {}, the other one {}",
        if *found > VERSION { "this" } else { "the other" },
        VERSION.min(*found), VERSION.max(*found)
    )]
    Version {
        /// What it speaks.
        found: u8,
    },
}

impl Frame {
    /// The bytes that a session seals.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Frame::Clock {
                clock,
                again,
                chunks,
                knows,
            } => {
                let flag = |is: bool, bit: u8| if is { bit } else { 0 };
                let flags = flag(*again, AGAIN)
                    | flag(chunks.is_some(), CHUNKS)
                    | flag(*chunks == Some(true), WANTS)
                    | (*knows).min(u8::MAX >> KNOWS_AT) << KNOWS_AT;
                let mut out = vec![CLOCK, VERSION, flags];
                clock.write(&mut out);
                out
            }
            Frame::Envelope(envelope) => of(ENVELOPE, envelope),
            Frame::Ask(names) => of(ASK, names.as_flattened()),
            Frame::Chunk(chunk) => of(CHUNK, chunk),
            Frame::Have(names) => of(HAVE, names.as_flattened()),
            Frame::Lack(names) => of(LACK, names.as_flattened()),
            Frame::Whether(names) => of(WHETHER, names.as_flattened()),
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
                    chunks: (flags & CHUNKS != 0).then_some(flags & WANTS != 0),
                    knows: flags >> KNOWS_AT,
                })
            }
            ENVELOPE => Ok(Frame::Envelope(rest.to_vec())),
            HEARTBEAT => Ok(Frame::Heartbeat),
            ASK => names(rest).map(Frame::Ask),
            CHUNK => Ok(Frame::Chunk(rest.to_vec())),
            HAVE => names(rest).map(Frame::Have),
            LACK => names(rest).map(Frame::Lack),
            WHETHER => names(rest).map(Frame::Whether),
            other => Ok(Frame::Unknown(other)),
        }
    }
}

fn of(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len().saturating_add(1));
    out.push(kind);
    out.extend_from_slice(body);
    out
}

fn names(bytes: &[u8]) -> Result<Vec<ChunkName>, FrameError> {
    let (names, rest) = bytes.as_chunks::<32>();
    if names.is_empty() || names.len() > MOST_NAMES || !rest.is_empty() {
        return Err(FrameError::Names);
    }
    Ok(names.to_vec())
}
