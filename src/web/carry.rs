//! Files on their way to and from the browser. The commands name files by their paths, and a page has none: so each file
//! lies for a moment in a folder of its own for this user alone, in memory where the system has such a place, and is
//! wiped and removed when the browser has it. What asks the journal are the commands' own [`Request`]s.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response as Answer};
use futures::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::watch;
use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::guard::{session, unkept};
use super::{House, Refused};
use crate::advice::Advice;
use crate::age_file::{Recipient, To};
use crate::commands::packet::{not_one, seal};
use crate::document::PictureKind;
use crate::photo;
use crate::request::{
    BundleReceived, Entry, Failure, MemoryRequest, PacketRequest, Request, Response,
};
use crate::terminal::reason;
use crate::text::editor::Folder;

/// The header with the id of the memory that a photo is for.
const ENTRY: &str = "amends-entry";
/// The header of a photo that is to be taken with all that it tells.
const AS_IT_IS: &str = "amends-as-it-is";
/// The longest bundle or backup that a browser may bring: more than all photos that a pair may have.
pub(super) const LONGEST_BUNDLE: u64 = 8 << 30;
/// What is given to the browser at once.
const PIECE: usize = 256 << 10;
/// What any file is, for a browser that is to keep it and do nothing with it.
const BYTES: &str = "application/octet-stream";

/// What brings bytes of its own instead of JSON.
pub(super) const BRINGS: [&str; 3] = ["/photo/add", "/bundle/read", "/backup/bring"];

fn not_here(error: &io::Error) -> Failure {
    Advice::PageNoRoom {
        error: reason(error),
    }
    .into()
}

/// A path in a folder, as requests name it.
fn named(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string()
        .into_string()
        .map_err(|_| not_here(&io::Error::from(io::ErrorKind::InvalidFilename)))
}

/// Puts what comes into a file.
pub(super) async fn bring(
    body: Body,
    folder: &Folder,
    most: u64,
    long: Advice,
) -> Result<String, Failure> {
    let path = folder.path().join("brought");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| not_here(&error))?;
    let mut room = most;
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        // The page went away in the middle.
        let piece = piece.map_err(|_| Failure::from(Advice::HolderLost))?;
        room = match room.checked_sub(piece.len() as u64) {
            Some(room) => room,
            None => return Err(long.into()),
        };
        file.write_all(&piece).map_err(|error| not_here(&error))?;
    }
    named(path)
}

/// A file that goes to the browser, and its folder with it once it is gone.
struct Going {
    file: File,
    over: watch::Receiver<bool>,
    _folder: Folder,
}

/// Gives a file, piece by piece, until the page is locked.
fn give(
    folder: Folder,
    path: &Path,
    kind: &'static str,
    over: watch::Receiver<bool>,
) -> Result<Answer, Failure> {
    let file = File::open(path).map_err(|error| not_here(&error))?;
    let length = file.metadata().map_err(|error| not_here(&error))?.len();
    let going = Going {
        file,
        over,
        _folder: folder,
    };
    let pieces = stream::unfold(Some(going), |going| async move {
        let mut going = going?;
        if *going.over.borrow() {
            let locked = io::Error::from(io::ErrorKind::ConnectionAborted);
            return Some((Err(locked), None));
        }
        let mut piece = Vec::with_capacity(PIECE);
        match (&going.file).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some((Ok(Bytes::from(piece)), Some(going))),
            Err(error) => {
                going.file = File::open("/dev/null").ok()?;
                Some((Err(error), None))
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

pub(super) fn own_folder() -> Result<Folder, Failure> {
    Folder::new().map_err(|error| not_here(&error))
}

fn other() -> Failure {
    Advice::NotUnderstood.into()
}

/// A photo for a memory: cleaned like any other by whoever holds the journal, and sealed.
pub(super) async fn photo_add(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Box<Entry>>, Refused> {
    session(&house, &headers)?;
    let id = headers.get(ENTRY).and_then(|id| id.to_str().ok());
    let id = id.ok_or(Advice::NotUnderstood)?.to_owned();
    let folder = own_folder()?;
    let too_large = Advice::PhotoTooLarge {
        path: "The photo".to_owned(),
    };
    let path = bring(body, &folder, photo::BYTES as u64, too_large).await?;
    // One that cannot be cleaned is refused first, so that somebody says twice that they want it.
    let as_it_is = headers.contains_key(AS_IT_IS);
    let request = MemoryRequest::Photo { id, path, as_it_is };
    match house.gate.ask_to_the_end(Request::Memory(request)).await? {
        Response::Entry(entry) => Ok(Json(entry)),
        _ => Err(other().into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    id: String,
    photo: u64,
}

/// A photo, to be looked at or kept. What it is goes by its bytes: a browser shows the three formats that are cleaned and
/// nothing else, whatever the partner called it.
pub(super) async fn photo_look(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Which { id, photo }): Json<Which>,
) -> Result<Answer, Refused> {
    let over = session(&house, &headers)?;
    let folder = own_folder()?;
    let file = folder.path().join("photo");
    let request = MemoryRequest::Save {
        id,
        photo,
        path: named(file.clone())?,
    };
    let Response::PhotoSaved(saved) = house.gate.ask_to_the_end(Request::Memory(request)).await?
    else {
        return Err(other().into());
    };
    let mut beginning = Vec::new();
    File::open(&file)
        .and_then(|file| file.take(16).read_to_end(&mut beginning))
        .map_err(|error| not_here(&error))?;
    let kind = match (PictureKind::of(&saved.mime), seems(&beginning)) {
        (Some(said), Some(is)) if said == is => is.media_type(),
        _ => BYTES,
    };
    Ok(give(folder, &file, kind, over)?)
}

/// What a file is by how it begins.
fn seems(beginning: &[u8]) -> Option<PictureKind> {
    match beginning {
        [0xff, 0xd8, 0xff, ..] => Some(PictureKind::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(PictureKind::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(PictureKind::WebP),
        _ => None,
    }
}

#[derive(Deserialize)]
pub(super) struct Hand {
    id: String,
    /// The passphrase of the file; of no meaning where recipients are named.
    #[serde(deserialize_with = "unkept", default)]
    passphrase: Zeroizing<String>,
    /// age recipients.
    #[serde(default)]
    recipients: Vec<String>,
}

/// The counselor's file, sealed to a passphrase or to recipients. Only what is sealed leaves memory.
pub(super) async fn packet(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(hand): Json<Hand>,
) -> Result<Answer, Refused> {
    let over = session(&house, &headers)?;
    let recipients = hand
        .recipients
        .iter()
        .map(|typed| {
            typed
                .parse::<Recipient>()
                .map_err(|error| not_one(typed, error))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let to = if !recipients.is_empty() {
        To::Recipients(recipients)
    } else if hand.passphrase.is_empty() {
        return Err(Advice::EmptyPassphrase.into());
    } else {
        To::Passphrase(hand.passphrase)
    };
    // It takes a second and 256 MiB, so one at a time.
    let _turn = house.gate.turn().await;
    let request = Request::Packet(PacketRequest::Hand { id: hand.id });
    let Response::PacketPages(pages) = house.gate.ask_to_the_end(request).await? else {
        return Err(other().into());
    };
    let folder = own_folder()?;
    let file = folder.path().join("packet.zip.age");
    let sealed = tokio::task::spawn_blocking(move || seal(&file, &pages, &to, false).map(|_| file));
    let file = sealed.await.map_err(|_| super::gate::no_thread())??;
    Ok(give(folder, &file, BYTES, over)?)
}

/// Everything that is this person's to read, in the clear, as one zip of what `amends export` writes.
pub(super) async fn export(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<Answer, Refused> {
    let over = session(&house, &headers)?;
    let all = own_folder()?;
    let written = all.path().join("export");
    let request = Request::Export {
        path: named(written.clone())?,
    };
    let Response::Exported(_) = house.gate.ask_to_the_end(request).await? else {
        return Err(other().into());
    };
    let folder = own_folder()?;
    let file = folder.path().join("export.zip");
    let zipped = tokio::task::spawn_blocking(move || {
        let zipped = zip_of(&written, &file).map(|()| file);
        // The folder goes here, where its wiping holds nobody up.
        drop(all);
        zipped
    });
    let file = zipped
        .await
        .map_err(|_| super::gate::no_thread())?
        .map_err(|error| not_here(&error))?;
    Ok(give(folder, &file, BYTES, over)?)
}

/// Puts a folder into a zip, stored as it is.
fn zip_of(folder: &Path, to: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut zip = ZipWriter::new(io::BufWriter::new(file));
    let mut folders = vec![(folder.to_owned(), "amends-export".to_owned())];
    while let Some((folder, name)) = folders.pop() {
        let mut all = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        all.sort_by_key(fs::DirEntry::file_name);
        for there in all {
            let name = format!("{name}/{}", there.file_name().to_string_lossy());
            let kind = there.file_type()?;
            if kind.is_dir() {
                folders.push((there.path(), name));
            } else if kind.is_file() {
                let options = SimpleFileOptions::default()
                    .compression_method(CompressionMethod::Stored)
                    .last_modified_time(DateTime::default())
                    .unix_permissions(0o600)
                    .large_file(there.metadata()?.len() >= u64::from(u32::MAX));
                zip.start_file(name, options).map_err(io::Error::other)?;
                io::copy(&mut File::open(there.path())?, &mut zip)?;
            }
        }
    }
    zip.finish().map_err(io::Error::other)?.flush()
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// Everything, not only what the partner's device lacks.
    all: bool,
    /// With photos.
    photos: bool,
}

/// A bundle for the partner's device.
pub(super) async fn bundle_write(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Wanted { all, photos }): Json<Wanted>,
) -> Result<Answer, Refused> {
    let over = session(&house, &headers)?;
    let folder = own_folder()?;
    let file = folder.path().join("bundle.amends");
    let request = Request::BundleWrite {
        path: named(file.clone())?,
        all,
        force: false,
        no_photos: !photos,
    };
    let Response::BundleWritten(_) = house.gate.ask_to_the_end(request).await? else {
        return Err(other().into());
    };
    Ok(give(folder, &file, BYTES, over)?)
}

/// A bundle that the partner's device wrote.
pub(super) async fn bundle_read(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Box<BundleReceived>>, Refused> {
    session(&house, &headers)?;
    let folder = own_folder()?;
    let path = bring(body, &folder, LONGEST_BUNDLE, Advice::NotUnderstood).await?;
    let request = Request::BundleRead { path };
    match house.gate.ask_to_the_end(request).await? {
        Response::BundleRead(received) => Ok(Json(received)),
        _ => Err(other().into()),
    }
}

/// A backup of everything, sealed.
pub(super) async fn backup(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<Answer, Refused> {
    let over = session(&house, &headers)?;
    let folder = own_folder()?;
    let file = folder.path().join("amends.backup");
    let request = Request::BackupWrite {
        path: named(file.clone())?,
        force: false,
    };
    let Response::BackupWritten(_) = house.gate.ask_to_the_end(request).await? else {
        return Err(other().into());
    };
    Ok(give(folder, &file, BYTES, over)?)
}
