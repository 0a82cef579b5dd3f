//! JSON on its way from whoever makes it to whoever hands it on: in pieces, so that the one goes on making while the other
//! writes, and nobody ever holds a long list as a whole.

use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes after which a piece is given away. Few enough that a piece is still in a core's cache when it is looked through, and
/// written out.
pub const PIECE: usize = 64 << 10;
/// Pieces that may wait for whoever reads them: more than any list has. One that stopped reading is let go rather than waited for.
const WAITING_PIECES: usize = (512 << 20) / PIECE;

/// JSON that is being made, as it is taken by whoever hands it on. Over the local socket its pieces follow the line that tells
/// of it, so that nobody takes a long list apart only to pass it on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Made {
    /// Ends with an empty piece. None where the pieces are still to follow.
    #[serde(skip)]
    pieces: Option<mpsc::Receiver<Vec<u8>>>,
}

/// The JSON broke off before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what was being told broke off")]
pub struct BrokeOff;

impl Made {
    /// JSON that is still to be made, and the end where its pieces are put in by one that does not wait for whoever reads.
    #[must_use]
    pub fn begun() -> (Making, Made) {
        Made::with_room_for(WAITING_PIECES)
    }

    /// The same, of which no more than so many pieces wait to be taken.
    #[must_use]
    pub fn with_room_for(pieces: usize) -> (Making, Made) {
        // Whoever puts them in has one place by that alone.
        let (to, pieces) = mpsc::channel(pieces.saturating_sub(1));
        let made = Made {
            pieces: Some(pieces),
        };
        (Making { to }, made)
    }

    /// Waits for the next piece: None after the last one. A piece ends where a character does.
    ///
    /// # Errors
    /// [`BrokeOff`] where whoever made it went away.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BrokeOff> {
        let pieces = self.pieces.as_mut().ok_or(BrokeOff)?;
        let piece = pieces.next().await.ok_or(BrokeOff)?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

/// Where the pieces are put in. Dropping it without [`Making::end`] tells whoever takes them that they broke off.
#[derive(Debug)]
pub struct Making {
    to: mpsc::Sender<Vec<u8>>,
}

/// Nobody takes the pieces any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("nobody takes it any more")]
pub struct NotTaken;

impl Making {
    /// Puts in a piece. Never waits.
    ///
    /// # Errors
    /// [`NotTaken`], which it is too where the pieces of a whole list wait already.
    pub fn put(&mut self, piece: Vec<u8>) -> Result<(), NotTaken> {
        if piece.is_empty() {
            return Ok(());
        }
        self.to.try_send(piece).map_err(|_| NotTaken)
    }

    /// Puts in a piece once there is room for it.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn give(&mut self, piece: Vec<u8>) -> Result<(), NotTaken> {
        if piece.is_empty() {
            return Ok(());
        }
        self.to.send(piece).await.map_err(|_| NotTaken)
    }

    /// That was all. Waits for room as [`Making::give`] does.
    pub async fn end(mut self) {
        drop(self.to.send(Vec::new()).await);
    }
}
