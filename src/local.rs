//! Conversations between a face and the process that holds the journal open.
//!
//! A face (a command, later the page) holds a [`Caller`]; the holder is given a [`Conversation`]. Where both are in one
//! process these are two ends of channels. Where they are not, JSON lines over the local socket join a `Caller` on one
//! side to a `Conversation` on the other, so neither end can tell:
//!
//! ```text
//! holder -> face   {"amends": VERSION, "stays": BOOL}      the greeting; nothing was asked before it
//! face -> holder   one Request
//! holder -> face   Turn, Turn, …                           events, at last the end
//! face -> holder   Answer, …                               meanwhile, where an event asks
//! ```
//!
//! Where the end is [`Response::Json`], that JSON follows its line in pieces, as it is made: of each its length in four bytes, the
//! highest first, then its bytes. A piece of no bytes says that it is whole; without one the JSON broke off.
//!
//! The socket stands in the home with mode 0600 and takes this user's processes alone. Whoever closes it ends the
//! conversation: a command that is stopped with Ctrl-C is simply gone.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::advice::Advice;
use crate::home::{Home, Lock};
use crate::request::{Answer, BrokeOff, Event, Made, Making, PIECE, Request, Response};

/// The longest line that a face may send: a text at its bound, escaped, fits many times over.
const MAX_ASKED: u64 = 2 << 20;
/// The longest that the holder may send at once: a list of everything there is.
const MAX_TOLD: u64 = 512 << 20;
/// Bytes read at once: a long list comes in few pieces.
const READ_AT_ONCE: usize = 64 << 10;
/// Events that may wait for a face to read them. One that stopped reading is let go rather than waited for.
const WAITING_EVENTS: usize = 4096;
/// Faces that may talk at once.
const MAX_FACES: usize = 64;
/// How long a face may take between connecting and asking.
const TIME_TO_ASK: Duration = Duration::from_secs(10);

/// One conversation as the holder sees it: what is asked, and who asks.
#[derive(Debug)]
pub struct Conversation {
    /// What is asked.
    pub request: Request,
    /// Who asks.
    pub face: Face,
}

/// The holder's end: whom to tell and who answers. Dropping it without [`Face::end`] tells the caller that the holder went away.
#[derive(Debug)]
pub struct Face {
    events: mpsc::Sender<Event>,
    answers: mpsc::Receiver<Answer>,
    end: oneshot::Sender<Response>,
}

/// The face is not there any more, or has stopped reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("nobody listens any more")]
pub struct Gone;

impl Face {
    /// Tells the face what happened. Never waits.
    ///
    /// # Errors
    /// [`Gone`] where the face went away, or has not read its last few thousand events.
    pub fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.try_send(event).map_err(|_| Gone)
    }

    /// Waits for the next answer; None when the face is gone. May be dropped and called again without losing one.
    pub async fn answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }

    /// Waits until the face is gone.
    pub async fn gone(&self) {
        self.events.closed().await;
    }

    /// Whether the face is gone.
    pub fn is_gone(&self) -> bool {
        self.events.is_closed()
    }

    /// Ends the conversation. A face that went away meanwhile misses nothing that it could still show.
    pub fn end(self, response: Response) {
        drop(self.end.send(response));
    }
}

/// A face's end of a conversation. Dropping it leaves the conversation.
#[derive(Debug)]
pub struct Caller {
    events: mpsc::Receiver<Event>,
    answers: mpsc::Sender<Answer>,
    end: oneshot::Receiver<Response>,
}

/// What the holder says next.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "almost all of them are events")]
pub enum Turn {
    /// Something happened; more will come.
    Event(Event),
    /// The end.
    End(Response),
}

/// The holder ended, or its process died, before it had answered. What was asked may be done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the holder went away before it had answered")]
pub struct HolderLost;

impl Caller {
    /// Waits for what the holder says next. After [`Turn::End`] there is nothing more.
    ///
    /// # Errors
    /// [`HolderLost`].
    pub async fn next(&mut self) -> Result<Turn, HolderLost> {
        match self.events.recv().await {
            Some(event) => Ok(Turn::Event(event)),
            None => (&mut self.end).await.map(Turn::End).map_err(|_| HolderLost),
        }
    }

    /// Answers an event that asked. A holder that went away is noticed by [`Caller::next`].
    pub async fn answer(&self, answer: Answer) {
        drop(self.answers.send(answer).await);
    }

    /// Where answers can be given, for as long as the conversation goes on.
    pub(crate) fn answers(&self) -> mpsc::Sender<Answer> {
        self.answers.clone()
    }

    /// A conversation that asks `request`, both ends in this process.
    pub fn ask(request: Request) -> (Conversation, Caller) {
        let (tell, events) = mpsc::channel(WAITING_EVENTS);
        let (answers, answered) = mpsc::channel(16);
        let (end, ended) = oneshot::channel();
        let face = Face {
            events: tell,
            answers: answered,
            end,
        };
        (
            Conversation { request, face },
            Caller {
                events,
                answers,
                end: ended,
            },
        )
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    amends: String,
    stays: bool,
}

/// Why a line could not be read.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LineError {
    #[error("the other side closed")]
    Closed,
    #[error("a line is longer than {0} bytes")]
    TooLong(u64),
    #[error("a line is not what was expected: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What one side says, line for line.
pub struct Lines<R> {
    from: BufReader<R>,
    buffer: Vec<u8>,
    longest: u64,
}

impl<R: tokio::io::AsyncRead + Unpin> Lines<R> {
    /// What a face asks and answers: no line of it is longer than 2 MiB.
    pub fn asked(from: R) -> Lines<R> {
        Lines::new(from, MAX_ASKED)
    }

    fn new(from: R, longest: u64) -> Lines<R> {
        Lines {
            from: BufReader::with_capacity(READ_AT_ONCE, from),
            buffer: Vec::new(),
            longest,
        }
    }

    /// The next line. Never more than the longest line is held.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<T, LineError> {
        self.buffer.clear();
        (&mut self.from)
            .take(self.longest)
            .read_until(b'\n', &mut self.buffer)
            .await?;
        if self.buffer.last() != Some(&b'\n') {
            let full = self.buffer.len() as u64 >= self.longest;
            return Err(if full {
                LineError::TooLong(self.longest)
            } else {
                LineError::Closed
            });
        }
        Ok(serde_json::from_slice(&self.buffer)?)
    }

    /// A piece of what follows a line: its length, then its bytes.
    async fn piece(&mut self) -> Result<Vec<u8>, LineError> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length).await?;
        let length = u32::from_be_bytes(length);
        if u64::from(length) > self.longest {
            return Err(LineError::TooLong(self.longest));
        }
        let mut piece = Vec::new();
        // Of a length that only is claimed nothing is set aside.
        piece.reserve_exact(usize::try_from(length).unwrap_or(0).min(2 * PIECE));
        (&mut self.from)
            .take(length.into())
            .read_to_end(&mut piece)
            .await?;
        if piece.len() as u64 == u64::from(length) {
            Ok(piece)
        } else {
            Err(LineError::Closed)
        }
    }
}

async fn send<W: tokio::io::AsyncWrite + Unpin, T: Serialize>(
    to: &mut W,
    value: &T,
) -> Result<(), LineError> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    Ok(to.flush().await?)
}

/// Sends JSON as it is made, up to the piece that says that it is whole.
async fn send_pieces<W: tokio::io::AsyncWrite + Unpin>(
    to: &mut W,
    mut made: Made,
) -> Result<(), LineError> {
    loop {
        let piece = made.next().await.map_err(|BrokeOff| LineError::Closed)?;
        let bytes = piece.as_deref().unwrap_or_default();
        let length = u32::try_from(bytes.len()).map_err(|_| LineError::TooLong(MAX_TOLD))?;
        let length = length.to_be_bytes();
        // Both go at once: a reader is not woken for four bytes.
        let mut sent = 0;
        while sent < length.len() {
            let both = [&length[sent..], bytes].map(io::IoSlice::new);
            sent += match to.write_vectored(&both).await? {
                0 => return Err(LineError::Closed),
                more => more,
            };
        }
        to.write_all(&bytes[sent - length.len()..]).await?;
        if piece.is_none() {
            return Ok(to.flush().await?);
        }
    }
}

fn is_this_user(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// A path to the socket that is short enough for the kernel (108 bytes on Linux), however deep the home lies. The file
/// must live as long as the path is used.
fn short_path(home: &Home) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    const LONGEST: usize = 100;
    let path = home.socket();
    if path.as_os_str().len() <= LONGEST {
        return Ok((path, None));
    }
    if cfg!(target_os = "linux") {
        use std::os::fd::AsRawFd;
        let dir = std::fs::File::open(home.dir())?;
        let through = Path::new("/proc/self/fd")
            .join(dir.as_raw_fd().to_string())
            .join(crate::home::SOCKET);
        return Ok((through, Some(dir)));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidFilename,
        "the path of the home is too long for a local socket",
    ))
}

/// The holder's side of the socket, open for as long as it holds the lock.
#[derive(Debug)]
pub struct Door {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Door {
    /// Opens the socket in `home`, replacing a stale one, and hands every conversation to `conversations`. `stays` tells
    /// the faces whether this process stays (`up`) or goes when its own work is done. The lock is proof of the right to it.
    ///
    /// # Errors
    /// The operating system's, where a socket cannot be made there.
    pub fn open(
        home: &Home,
        _held: &Lock,
        stays: bool,
        conversations: mpsc::Sender<Conversation>,
    ) -> io::Result<Door> {
        let socket = home.socket();
        match std::fs::remove_file(&socket) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let (short, _dir) = short_path(home)?;
        let listener = UnixListener::bind(short)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, socket, stays, conversations, stopped));
        Ok(Door { stop, serving })
    }

    /// Takes no new faces. Those that were greeted may still ask.
    pub fn close(self) -> JoinHandle<()> {
        drop(self.stop);
        self.serving
    }
}

async fn serve(
    listener: UnixListener,
    socket: PathBuf,
    stays: bool,
    conversations: mpsc::Sender<Conversation>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut faces = JoinSet::new();
    let seats = Arc::new(Semaphore::new(MAX_FACES));
    loop {
        let seat = tokio::select! {
            _ = &mut stopped => break,
            seat = Arc::clone(&seats).acquire_owned() => seat,
        };
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if is_this_user(&stream) => {
                let conversations = conversations.clone();
                faces.spawn(async move {
                    let _seat = seat;
                    // What goes wrong here is a face that left; the holder learns it from the conversation.
                    drop(relay(stream, stays, conversations).await);
                });
            }
            Ok(_) => {}
            // Out of file descriptors: those who talk now will give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        while faces.try_join_next().is_some() {}
    }
    // The name goes before the lock does, so that a socket that exists is either ours or stale. Where it cannot be
    // removed the next holder does it.
    drop(std::fs::remove_file(&socket));
    drop(listener);
    drop(conversations);
    while faces.join_next().await.is_some() {}
}

/// Joins a face at the other end of `stream` to a conversation here.
async fn relay(
    stream: UnixStream,
    stays: bool,
    conversations: mpsc::Sender<Conversation>,
) -> Result<(), LineError> {
    let (from, mut to) = stream.into_split();
    let mut lines = Lines::asked(from);
    send(
        &mut to,
        &Greeting {
            amends: env!("CARGO_PKG_VERSION").to_owned(),
            stays,
        },
    )
    .await?;
    let request = match tokio::time::timeout(TIME_TO_ASK, lines.next::<Request>()).await {
        Err(_) => return Err(LineError::Closed),
        Ok(Ok(request)) => request,
        Ok(Err(LineError::TooLong(_))) => {
            return refuse(&mut to, Advice::AskedTooMuch { bytes: MAX_ASKED }).await;
        }
        Ok(Err(LineError::Malformed(_))) => return refuse(&mut to, Advice::NotUnderstood).await,
        Ok(Err(error)) => return Err(error),
    };
    let (conversation, mut caller) = Caller::ask(request);
    if conversations.send(conversation).await.is_err() {
        return refuse(&mut to, Advice::HolderEnding).await;
    }
    drop(conversations);
    let answers = caller.answers.clone();
    let hearing = async {
        while let Ok(answer) = lines.next::<Answer>().await {
            match answers.try_send(answer) {
                Ok(()) => {}
                // The conversation takes no answers any more; its end is still to be told.
                Err(mpsc::error::TrySendError::Closed(_)) => std::future::pending().await,
                // Answers to nothing: waiting here would hide that this face leaves.
                Err(mpsc::error::TrySendError::Full(_)) => return,
            }
        }
    };
    let telling = async {
        loop {
            let turn = caller.next().await.unwrap_or_else(|HolderLost| {
                Turn::End(Response::Failed(Advice::HolderLost.into()))
            });
            send(&mut to, &turn).await?;
            if let Turn::End(response) = turn {
                return match response {
                    Response::Json(made) => send_pieces(&mut to, made).await,
                    _ => Ok(()),
                };
            }
        }
    };
    // Each is begun once and never begun anew, so that no half-read line is lost. A face that closes is heard first.
    tokio::select! {
        () = hearing => Err(LineError::Closed),
        told = telling => told,
    }
}

async fn refuse<W: tokio::io::AsyncWrite + Unpin>(
    to: &mut W,
    advice: Advice,
) -> Result<(), LineError> {
    send(to, &Turn::End(Response::Failed(advice.into()))).await
}

/// The process of this user that listens at the socket of `home`, whether it still answers or not. None where there is none.
pub async fn listening_process(home: &Home) -> Option<rustix::process::Pid> {
    let (short, _dir) = short_path(home).ok()?;
    let stream = UnixStream::connect(short).await.ok()?;
    let peer = stream.peer_cred().ok().filter(|_| is_this_user(&stream))?;
    rustix::process::Pid::from_raw(peer.pid()?)
}

/// A process that holds the journal and has greeted us; nothing is asked yet.
#[derive(Debug)]
pub struct Holder {
    stream: UnixStream,
    greeting: Greeting,
    early: Vec<u8>,
}

impl Holder {
    /// Finds the process that holds `home` open. None where there is none, or where it is just going.
    ///
    /// # Errors
    /// The operating system's, where a socket cannot be used at all. A socket of another user's process is refused.
    pub async fn find(home: &Home) -> io::Result<Option<Holder>> {
        let (short, _dir) = short_path(home)?;
        let stream = match UnixStream::connect(short).await {
            Ok(stream) => stream,
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        if !is_this_user(&stream) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut stream = stream;
        let mut lines = Lines::asked(&mut stream);
        match tokio::time::timeout(TIME_TO_ASK, lines.next::<Greeting>()).await {
            Ok(Ok(greeting)) => {
                let early = lines.from.buffer().to_vec();
                Ok(Some(Holder {
                    stream,
                    greeting,
                    early,
                }))
            }
            Ok(Err(LineError::Malformed(_) | LineError::TooLong(_))) => {
                Err(io::ErrorKind::InvalidData.into())
            }
            Ok(Err(LineError::Closed | LineError::Io(_))) => Ok(None),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Whether it stays until it is told to go (`up`), or goes by itself when its own work is done.
    pub fn stays(&self) -> bool {
        self.greeting.stays
    }

    /// Its version, where it is another than ours: what one says the other may not understand.
    pub fn other_version(&self) -> Option<&str> {
        Some(self.greeting.amends.as_str()).filter(|theirs| *theirs != env!("CARGO_PKG_VERSION"))
    }

    /// Asks it. The conversation goes on in a task of its own until either side ends it.
    pub fn ask(self, request: Request) -> Caller {
        let (conversation, caller) = Caller::ask(request);
        tokio::spawn(carry(conversation, self));
        caller
    }
}

/// Joins a conversation here to the holder at the other end of the stream: the counterpart of [`relay`].
async fn carry(conversation: Conversation, holder: Holder) {
    let Conversation {
        request,
        face: Face {
            events,
            mut answers,
            end,
        },
    } = conversation;
    let (from, mut to) = holder.stream.into_split();
    let mut lines = Lines::new(std::io::Cursor::new(holder.early).chain(from), MAX_TOLD);
    let sent = send(&mut to, &request).await;
    let heard = async {
        loop {
            match lines.next::<Turn>().await {
                Ok(Turn::End(response)) => return Some(response),
                Ok(Turn::Event(event)) => {
                    if events.send(event).await.is_err() {
                        return None;
                    }
                }
                Err(_) => return None,
            }
        }
    };
    let answered = async {
        while let Some(answer) = answers.recv().await {
            if send(&mut to, &answer).await.is_err() {
                std::future::pending().await
            }
        }
    };
    // A request that could not be sent whole may still have been refused in words: listen first.
    drop(sent);
    let response = tokio::select! {
        response = heard => response,
        () = answered => None,
    };
    // The end is heard once no event can come any more.
    drop(events);
    match response {
        // One piece is looked at while the next is read.
        Some(Response::Json(_)) => {
            let (making, made) = Made::with_room_for(1);
            drop(end.send(Response::Json(made)));
            take_pieces(&mut lines, making).await;
        }
        Some(response) => drop(end.send(response)),
        None => {}
    }
}

/// Takes the pieces of JSON as they come. Where they break off, so does what is made of them here.
async fn take_pieces<R: tokio::io::AsyncRead + Unpin>(lines: &mut Lines<R>, mut making: Making) {
    while let Ok(piece) = lines.piece().await {
        if piece.is_empty() {
            return making.end().await;
        }
        if making.give(piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
