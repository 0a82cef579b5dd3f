//! What `benches/devices` measures beside Amends: two programs with samod between them, over TCP, as its documentation shows it.
//! Nothing is encrypted, and what is kept is not waited for.
//!
//! ```text
//! samod-peer give ADDRESS FOLDER          listens there; keeps in the folder, or in memory alone where that is -
//!   > make NUMBER CHARACTERS FILE         makes so many texts, and writes their ids into the file
//!   < made
//!   > edit POSITION MARK                  puts the mark in the place of as many characters of the last text made
//! samod-peer take ADDRESS FOLDER FILE     finds all of the file's texts there
//!   < have NUMBER
//!   < changed TEXT                        the last of them is another now
//! ```

use std::error::Error;
use std::io::Write;
use std::str::FromStr;

use automerge::transaction::Transactable;
use automerge::{Automerge, ObjType, ROOT, ReadDoc};
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use samod::storage::TokioFilesystemStorage;
use samod::{BackoffConfig, DialError, Dialer, DocHandle, DocumentId, Repo, Transport};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Done = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["give", address, folder] => give(address, folder).await,
        ["take", address, folder, file] => take(address, folder, file).await,
        _ => Err("give ADDRESS FOLDER, or take ADDRESS FOLDER FILE".into()),
    }
}

fn say(line: &str) -> Done {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

async fn repo(folder: &str) -> Repo {
    if folder == "-" {
        return Repo::build_tokio().load().await;
    }
    Repo::build_tokio()
        .with_storage(TokioFilesystemStorage::new(folder))
        .load()
        .await
}

/// A text like no other.
fn text(n: usize, characters: usize) -> String {
    let mut text = format!("Number {n}:");
    let mut state = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() < characters {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = 2 + (state >> 40) as usize % 7;
        text.push(' ');
        for k in 0..length {
            text.push(char::from(b'a' + (state >> (5 * k)) as u8 % 26));
        }
    }
    text.truncate(characters);
    text
}

async fn give(address: &str, folder: &str) -> Done {
    let repo = repo(folder).await;
    let listener = TcpListener::bind(address).await?;
    let at = listener.local_addr()?;
    let acceptor = repo.make_acceptor(url::Url::parse(&format!("tcp://{at}"))?)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream
                .set_nodelay(true)
                .expect("a socket that was just taken");
            acceptor
                .accept(Transport::from_tokio_io(stream))
                .expect("a repo that runs");
        }
    });
    say(&format!("listening {at}"))?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut last: Option<DocHandle> = None;
    while let Some(line) = lines.next_line().await? {
        let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let (first, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match (what, rest.split_once(' ')) {
            ("make", Some((characters, file))) => {
                let (number, characters): (usize, usize) = (first.parse()?, characters.parse()?);
                let mut ids = String::new();
                for n in 0..number {
                    let mut doc = Automerge::new();
                    let mut edit = doc.transaction();
                    let place = edit.put_object(ROOT, "text", ObjType::Text)?;
                    edit.splice_text(&place, 0, 0, &text(n, characters))?;
                    edit.commit();
                    let handle = repo.create(doc).await?;
                    ids.push_str(&handle.document_id().to_string());
                    ids.push('\n');
                    last = Some(handle);
                }
                std::fs::write(file, ids)?;
                say("made")?;
            }
            ("edit", _) => {
                let at: usize = first.parse()?;
                let (handle, mark) = (last.as_ref().ok_or("nothing was made")?, rest);
                handle.with_document(|doc| -> Result<(), automerge::AutomergeError> {
                    let mut edit = doc.transaction();
                    if let Some((_, place)) = edit.get(ROOT, "text")? {
                        edit.splice_text(
                            &place,
                            at,
                            isize::try_from(mark.len()).unwrap_or(0),
                            mark,
                        )?;
                    }
                    edit.commit();
                    Ok(())
                })?;
            }
            _ => return Err(format!("what is {line:?}?").into()),
        }
    }
    Ok(())
}

/// As samod's own, but that a small message is sent at once.
struct Dial(String);

impl Dialer for Dial {
    type Error = std::convert::Infallible;

    fn url(&self) -> url::Url {
        url::Url::parse(&format!("tcp://{}", self.0)).expect("an address and a port")
    }

    fn connect(&self) -> BoxFuture<'static, Result<Transport, DialError<Self::Error>>> {
        let address = self.0.clone();
        async move {
            let stream = TcpStream::connect(address)
                .await
                .map_err(DialError::transient)?;
            stream.set_nodelay(true).map_err(DialError::transient)?;
            Ok(Transport::from_tokio_io(stream))
        }
        .boxed()
    }
}

fn text_of(handle: &DocHandle) -> Result<String, automerge::AutomergeError> {
    handle.with_document(|doc| match doc.get(ROOT, "text")? {
        Some((_, place)) => doc.text(&place),
        None => Ok(String::new()),
    })
}

async fn take(address: &str, folder: &str, file: &str) -> Done {
    let ids: Vec<DocumentId> = std::fs::read_to_string(file)?
        .lines()
        .map(|line| DocumentId::from_str(line).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let repo = repo(folder).await;
    let dialer = repo.dial(
        BackoffConfig::default(),
        std::sync::Arc::new(Dial(address.to_owned())),
    )?;
    dialer
        .established()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let found = futures::future::join_all(ids.iter().map(|id| repo.find(id.clone()))).await;
    let mut last = None;
    let mut have = 0;
    for handle in found {
        let handle = handle?.ok_or("a text is nowhere")?;
        if !text_of(&handle)?.is_empty() {
            have += 1;
        }
        last = Some(handle);
    }
    let last = last.ok_or("no text is asked for")?;
    let mut changes = last.changes();
    say(&format!("have {have}"))?;
    while changes.next().await.is_some() {
        say(&format!("changed {}", text_of(&last)?))?;
    }
    Ok(())
}
