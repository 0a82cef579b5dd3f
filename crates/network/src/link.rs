//! One link: frames over one long stream.
//!
//! A frame is its length as u32, big-endian, and as many bytes (PROTOCOL sections 1 and 5). Each link has a task of its
//! own that reads and writes side by side. Nobody can make it hold much: a length over the limit ends the link before a
//! byte is allocated, a frame's buffer grows only with what arrives, reading stops while the caller does not take its
//! events, and what waits to be sent is counted in bytes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::event::{Closed, Event, LinkId};
use crate::{Limits, SendError};

/// Read from the stream at a time.
const CHUNK: usize = 16 * 1024;
/// What a queued frame counts beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = 64;
/// How long a link that is closed here may take to send what is queued and to hear that the other side heard.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where frames are queued for one link.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    /// Unbounded, because `room` bounds it.
    queue: mpsc::UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
    close: Arc<watch::Sender<bool>>,
}

/// The other end of an [`Outbox`].
#[derive(Debug)]
pub(crate) struct Outgate {
    queue: mpsc::UnboundedReceiver<Outgoing>,
    room: Arc<Semaphore>,
    close: watch::Receiver<bool>,
}

/// A frame with its length in front, and its share of the room, given back when it is written.
#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Two ends of a queue that holds two frames of the longest kind, or many short ones.
pub(crate) fn outbox(max_frame: usize) -> (Outbox, Outgate) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (close, closed) = watch::channel(false);
    let size = max_frame
        .saturating_add(OVERHEAD)
        .saturating_mul(2)
        .min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(size));
    let outbox = Outbox {
        queue: sender,
        room: room.clone(),
        close: Arc::new(close),
    };
    (
        outbox,
        Outgate {
            queue: receiver,
            room,
            close: closed,
        },
    )
}

impl Outbox {
    pub(crate) async fn send(&self, frame: Vec<u8>) -> Result<(), SendError> {
        let share = share(&frame)?;
        let room = self
            .room
            .clone()
            .acquire_many_owned(share)
            .await
            .map_err(|_| SendError::Gone)?;
        self.enqueue(with_length(frame)?, room)
    }

    pub(crate) fn try_send(&self, frame: Vec<u8>) -> Result<(), SendError> {
        let share = share(&frame)?;
        let room =
            self.room
                .clone()
                .try_acquire_many_owned(share)
                .map_err(|error| match error {
                    TryAcquireError::Closed => SendError::Gone,
                    TryAcquireError::NoPermits => SendError::Full,
                })?;
        self.enqueue(with_length(frame)?, room)
    }

    #[cfg(test)]
    pub(crate) async fn send_raw(&self, bytes: Vec<u8>) -> Result<(), SendError> {
        let room = self
            .room
            .clone()
            .acquire_many_owned(1)
            .await
            .map_err(|_| SendError::Gone)?;
        self.enqueue(bytes, room)
    }

    fn enqueue(&self, bytes: Vec<u8>, room: OwnedSemaphorePermit) -> Result<(), SendError> {
        self.queue
            .send(Outgoing { bytes, _room: room })
            .map_err(|_| SendError::Gone)
    }

    pub(crate) fn close(&self) {
        self.close.send_replace(true);
    }
}

fn share(frame: &[u8]) -> Result<u32, SendError> {
    u32::try_from(frame.len().saturating_add(OVERHEAD)).map_err(|_| too_long(frame))
}

fn with_length(frame: Vec<u8>) -> Result<Vec<u8>, SendError> {
    let len = u32::try_from(frame.len()).map_err(|_| too_long(&frame))?;
    // One write for a short frame, so that it leaves in one packet.
    let mut bytes = Vec::with_capacity(frame.len().saturating_add(4));
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&frame);
    Ok(bytes)
}

fn too_long(frame: &[u8]) -> SendError {
    SendError::TooLong {
        len: frame.len(),
        max: u32::MAX as usize,
    }
}

/// Carries frames both ways until the link ends, and says why it did. `Frame` events are sent from here.
pub(crate) async fn carry<S>(
    id: LinkId,
    stream: S,
    gate: &mut Outgate,
    events: &mpsc::Sender<Event>,
    limits: &Limits,
) -> Closed
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (reader, writer) = stream.split();
    let (closing, room) = (gate.close.clone(), gate.room.clone());
    let goodbye = async {
        wait_for_close(closing.clone()).await;
        sleep(GOODBYE).await;
        Closed::Here
    };
    let reading = pin!(read_frames(id, reader, events, limits));
    let writing = pin!(write_frames(writer, gate, limits));
    let reason = tokio::select! {
        reason = reading => reason,
        reason = writing => reason,
        reason = goodbye => reason,
    };
    room.close();
    // The other side answers our goodbye with its own, which is then read as its end.
    if *closing.borrow() && reason == Closed::There {
        Closed::Here
    } else {
        reason
    }
}

async fn wait_for_close(mut close: watch::Receiver<bool>) {
    // An error says that no outbox is left: nobody can send any more.
    close.wait_for(|close| *close).await.ok();
}

async fn read_frames(
    id: LinkId,
    reader: impl AsyncRead + Unpin,
    events: &mpsc::Sender<Event>,
    limits: &Limits,
) -> Closed {
    let mut reader = BufReader::with_capacity(CHUNK, reader);
    loop {
        let bytes = match read_frame(&mut reader, limits).await {
            Ok(bytes) => bytes,
            Err(reason) => return reason,
        };
        // No time limit here: it is the caller who is slow, not the other side.
        if events.send(Event::Frame { link: id, bytes }).await.is_err() {
            return Closed::Here;
        }
    }
}

/// Reads one frame off a stream, as every link does. Nothing is allocated before it came.
///
/// # Errors
/// [`Closed`]: the stream ended, the frame is longer than the limits allow, or it came too slowly.
pub async fn read_frame(
    reader: &mut (impl AsyncBufRead + Unpin),
    limits: &Limits,
) -> Result<Vec<u8>, Closed> {
    let mut deadline = None;
    let mut header = Vec::with_capacity(4);
    read_until(reader, &mut header, 4, &mut deadline, limits).await?;
    let header: [u8; 4] = header.as_slice().try_into().map_err(|_| Closed::There)?;
    let len = u32::from_be_bytes(header);
    let wanted = usize::try_from(len).unwrap_or(usize::MAX);
    if wanted > limits.max_frame {
        return Err(Closed::TooLong {
            len,
            max: limits.max_frame,
        });
    }
    let mut body = Vec::new();
    read_until(reader, &mut body, wanted, &mut deadline, limits).await?;
    Ok(body)
}

/// Reads until `into` holds `wanted` bytes. Every byte ends the silence, so that a long frame over a slow network is no
/// silence; a frame has its `deadline` from its first byte, so that dripping bytes is not enough to hold a link.
async fn read_until(
    reader: &mut (impl AsyncBufRead + Unpin),
    into: &mut Vec<u8>,
    wanted: usize,
    deadline: &mut Option<Instant>,
    limits: &Limits,
) -> Result<(), Closed> {
    while into.len() < wanted {
        let silent = limits
            .silence
            .and_then(|silence| Instant::now().checked_add(silence));
        let (limit, reason) = match (silent, *deadline) {
            (Some(silent), Some(deadline)) if deadline < silent => {
                (Some(deadline), Closed::Unfinished)
            }
            (None, Some(deadline)) => (Some(deadline), Closed::Unfinished),
            (silent, _) => (silent, Closed::Silent),
        };
        let bytes = match limit {
            Some(limit) => timeout_at(limit, reader.fill_buf())
                .await
                .map_err(|_| reason)?,
            None => reader.fill_buf().await,
        };
        let bytes = bytes.map_err(|_| Closed::There)?;
        let count = bytes.len().min(wanted.saturating_sub(into.len()));
        match bytes.get(..count) {
            Some(bytes) if count > 0 => into.extend_from_slice(bytes),
            _ => return Err(Closed::There),
        }
        reader.consume_unpin(count);
        if deadline.is_none() {
            *deadline = Instant::now().checked_add(limits.frame);
        }
    }
    Ok(())
}

async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    gate: &mut Outgate,
    limits: &Limits,
) -> Closed {
    let mut close = gate.close.clone();
    // The negotiation of the stream's protocol may be waiting to leave with the first bytes.
    if let Err(reason) = within(limits, writer.flush()).await {
        return reason;
    }
    loop {
        let next = tokio::select! {
            biased;
            next = gate.queue.recv() => next,
            _ = close.wait_for(|close| *close) => None,
        };
        let Some(next) = next else {
            // Nothing is queued any more, and the link is to be closed.
            if let Err(reason) = within(limits, writer.close()).await {
                return reason;
            }
            // What still comes is read until the other side has heard; `carry` bounds how long.
            return std::future::pending().await;
        };
        if let Err(reason) = write(&mut writer, &next.bytes, limits).await {
            return reason;
        }
        if gate.queue.is_empty()
            && let Err(reason) = within(limits, writer.flush()).await
        {
            return reason;
        }
    }
}

async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    mut bytes: &[u8],
    limits: &Limits,
) -> Result<(), Closed> {
    while !bytes.is_empty() {
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        let written = within(limits, writer.write(chunk)).await?;
        bytes = match bytes.get(written..) {
            Some(rest) if written > 0 => rest,
            _ => return Err(Closed::There),
        };
    }
    Ok(())
}

async fn within<T>(
    limits: &Limits,
    step: impl Future<Output = std::io::Result<T>>,
) -> Result<T, Closed> {
    match timeout(limits.frame, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Closed::There),
        Err(_) => Err(Closed::Stalled),
    }
}
