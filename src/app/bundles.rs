//! Bundles: what two devices have for each other, in files that people carry (`docs/decisions/0012-bundles.md`). They are
//! written and read a piece at a time between everything else that happens, so that a long one holds nobody up.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use amends_replica::{
    BundleError, BundleParser, BundleRead, BundleWriter, ClockHeard, Input, LinkId, World,
};
use tempfile::NamedTempFile;
use tokio::time::Instant;

use super::stores::{Shelves, damaged, internal, system_rng};
use super::{App, FeedError, now};
use crate::advice::Advice;
use crate::local::Face;
use crate::request::{BundleHeard, BundleReceived, BundleWritten, Event, Failure, Response};
use crate::terminal::{line, reason};

/// What is read of a file at once.
const PIECE: usize = 64 * 1024;
/// How often whoever waits is told how far it is.
const TELLING: std::time::Duration = std::time::Duration::from_secs(1);

/// A bundle that somebody waits for.
pub(crate) struct Bundling {
    pub(crate) face: Face,
    path: PathBuf,
    work: Work,
    /// When its face was last told how far it is.
    told: Instant,
}

enum Work {
    Write(Box<Writing>),
    Read(Box<Reading>),
}

struct Writing {
    writer: BundleWriter,
    /// Beside its place, until it is whole; gone again where that is never.
    file: NamedTempFile,
    bytes: u64,
    force: bool,
}

struct Reading {
    link: LinkId,
    file: File,
    parser: BundleParser,
    bytes: u64,
}

/// Whether there is more to do.
enum Step {
    More,
    Done(Response),
}

fn shown(path: &Path) -> String {
    line(&path.display().to_string())
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let (path, error) = (shown(path), reason(error));
    Advice::BundleNotWritten { path, error }.into()
}

fn not_read(path: &Path, error: &io::Error) -> Failure {
    let (path, error) = (shown(path), reason(error));
    Advice::BundleUnreadable { path, error }.into()
}

impl App {
    /// Begins to write a bundle.
    pub(super) fn write_bundle(
        &mut self,
        face: Face,
        path: PathBuf,
        (all, force, photos): (bool, bool, bool),
    ) {
        match self.begin_writing(&path, all, force, photos) {
            Ok(writing) => self.bundles.push_back(Bundling {
                face,
                path,
                work: Work::Write(Box::new(writing)),
                told: Instant::now(),
            }),
            Err(failure) => face.end(Response::Failed(failure)),
        }
    }

    fn begin_writing(
        &mut self,
        path: &Path,
        all: bool,
        force: bool,
        photos: bool,
    ) -> Result<Writing, Failure> {
        let writer = self.replica()?.begin_bundle_with(all, photos);
        let failed = |error: &io::Error| not_written(path, error);
        let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
            return Err(failed(&io::Error::from(io::ErrorKind::IsADirectory)));
        };
        let folder = folder.canonicalize().map_err(|error| failed(&error))?;
        let home = self.open.home.dir().canonicalize();
        if home.is_ok_and(|home| folder.starts_with(home)) {
            return Err(Advice::BundleInsideHome { path: shown(path) }.into());
        }
        match fs::symlink_metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(failed(&io::Error::from(io::ErrorKind::IsADirectory)));
            }
            Ok(_) if !force => return Err(Advice::BundleExists { path: shown(path) }.into()),
            _ => {}
        }
        let file = tempfile::Builder::new()
            .prefix(".amends-bundle-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&folder)
            .map_err(|error| failed(&error))?;
        Ok(Writing {
            writer,
            file,
            bytes: 0,
            force,
        })
    }

    /// Begins to read a bundle.
    pub(super) fn read_bundle(&mut self, face: Face, path: PathBuf) -> Result<(), Failure> {
        let link = LinkId(self.next_bundle);
        let begun = self.replica().and_then(|_| open_plain(&path));
        let file = match begun {
            Ok(file) => file,
            Err(failure) => {
                face.end(Response::Failed(failure));
                return Ok(());
            }
        };
        self.next_bundle = self.next_bundle.saturating_sub(1);
        let fed = self.feed(Input::BundleOpened { link });
        self.survive(fed)?;
        self.bundles.push_back(Bundling {
            face,
            path,
            work: Work::Read(Box::new(Reading {
                link,
                file,
                parser: BundleParser::default(),
                bytes: 0,
            })),
            told: Instant::now(),
        });
        Ok(())
    }

    /// Goes on with one of the bundles, by one piece.
    pub(super) fn bundle_step(&mut self) -> Result<(), Failure> {
        let Some(mut bundling) = self.bundles.pop_front() else {
            return Ok(());
        };
        if bundling.face.is_gone() {
            // What came is kept; a bundle that is not whole is not left behind.
            if let Work::Read(reading) = &bundling.work {
                let fed = self.feed(Input::BundleClosed { link: reading.link });
                self.survive(fed)?;
            }
            return Ok(());
        }
        let path = bundling.path.clone();
        self.bundling = true;
        let step = match &mut bundling.work {
            Work::Write(writing) => self.write_piece(&path, writing),
            Work::Read(reading) => self.read_piece(&path, reading),
        };
        self.bundling = false;
        for event in self.bundle_events.drain(..) {
            // One that has left is let go at the next piece.
            let _ = bundling.face.tell(event);
        }
        if bundling.told.elapsed() >= TELLING {
            bundling.told = Instant::now();
            let (bytes, of) = match &bundling.work {
                Work::Write(writing) => (writing.bytes, None),
                Work::Read(reading) => {
                    let whole = reading.file.metadata().ok();
                    (reading.bytes, whole.map(|file| file.len()))
                }
            };
            let _ = bundling.face.tell(Event::Bundling { bytes, of });
        }
        match step {
            Ok(Step::More) => self.bundles.push_back(bundling),
            Ok(Step::Done(Response::BundleWritten(written))) => {
                let response = match bundling.work {
                    Work::Write(writing) => put_in_place(*writing, &path)
                        .map_or_else(Response::Failed, |()| Response::BundleWritten(written)),
                    Work::Read(_) => Response::BundleWritten(written),
                };
                bundling.face.end(response);
            }
            Ok(Step::Done(response)) => bundling.face.end(response),
            Err(failure) => bundling.face.end(Response::Failed(failure)),
        }
        if self.replica.is_none() {
            self.reload()?;
        }
        Ok(())
    }

    fn write_piece(&mut self, path: &Path, writing: &mut Writing) -> Result<Step, Failure> {
        let Some(replica) = &self.replica else {
            return Err(Advice::NotPaired.into());
        };
        let mut rng = system_rng();
        let mut world = World {
            now: now(),
            rng: &mut rng,
            shelf: &Shelves(&self.open.journal),
        };
        let piece = replica
            .write_bundle(&mut world, &mut writing.writer)
            .map_err(|error| match error {
                amends_replica::HandleError::Row(error) => {
                    damaged(&self.open.home.journal_db(), &error)
                }
                other => internal(&other),
            })?;
        let Some(piece) = piece else {
            return Ok(Step::Done(Response::BundleWritten(BundleWritten {
                file: path.display().to_string(),
                records: writing.writer.records(),
                chunks: writing.writer.chunks(),
                bytes: writing.bytes,
                partner: self.partner_name(),
            })));
        };
        writing
            .file
            .write_all(&piece)
            .map_err(|error| not_written(path, &error))?;
        writing.bytes = writing.bytes.saturating_add(piece.len() as u64);
        Ok(Step::More)
    }

    fn read_piece(&mut self, path: &Path, reading: &mut Reading) -> Result<Step, Failure> {
        let link = reading.link;
        let ended = match reading.parser.next_item() {
            Ok(Some(item)) => {
                self.feed_bundle(Input::Bundled { link, item: &item })?;
                let goes_on = self
                    .replica
                    .as_ref()
                    .is_some_and(|replica| replica.takes_bundle(link));
                if goes_on {
                    return Ok(Step::More);
                }
                Ok(())
            }
            Ok(None) => {
                let mut piece = vec![0; PIECE];
                match reading.file.read(&mut piece) {
                    Ok(0) => reading.parser.finish(),
                    Ok(read) => {
                        reading.bytes = reading.bytes.saturating_add(read as u64);
                        reading.parser.give(piece.get(..read).unwrap_or_default());
                        return Ok(Step::More);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        return Ok(Step::More);
                    }
                    Err(error) => {
                        self.feed_bundle(Input::BundleClosed { link })?;
                        return Err(not_read(path, &error));
                    }
                }
            }
            Err(error) => Err(error),
        };
        self.bundle_read = None;
        self.feed_bundle(Input::BundleClosed { link })?;
        let Some(read) = self.bundle_read.take() else {
            return Err(Advice::BundleInterrupted { path: shown(path) }.into());
        };
        self.brought(path, read, ended)
            .map(|received| Step::Done(Response::BundleRead(Box::new(received))))
    }

    fn feed_bundle(&mut self, input: Input<'_>) -> Result<(), Failure> {
        match self.feed(input) {
            Ok(_) => Ok(()),
            Err(FeedError::Failed(failure)) => Err(failure),
            Err(FeedError::Edit(error)) => Err(internal(&error)),
        }
    }

    /// What a bundle brought, or what was wrong with it.
    fn brought(
        &self,
        path: &Path,
        read: BundleRead,
        ended: Result<(), BundleError>,
    ) -> Result<BundleReceived, Failure> {
        let path = shown(path);
        let taken = read
            .received
            .max(read.already_here)
            .max(read.waiting)
            .max(read.chunks);
        if read.refused > 0 && taken == 0 && read.clock == ClockHeard::None {
            return Err(Advice::BundleForeign { path }.into());
        }
        let received = read.received;
        match ended {
            Ok(()) => {}
            Err(BundleError::Magic) => return Err(Advice::NotABundle { path }.into()),
            Err(BundleError::Version { .. }) => return Err(Advice::BundleNewer { path }.into()),
            Err(BundleError::CutShort) => {
                return Err(Advice::BundleCutShort { path, received }.into());
            }
            Err(BundleError::TooLarge { .. } | BundleError::Trailing) => {
                return Err(Advice::BundleDamaged { path, received }.into());
            }
        }
        let not_reached = self.replica.as_ref().map_or(0, |replica| {
            replica
                .cards()
                .filter(|(_, card)| !replica.reached(card))
                .count() as u64
        });
        Ok(BundleReceived {
            received,
            chunks: read.chunks,
            already_here: read.already_here,
            waiting: read.waiting,
            refused: read.refused,
            reason: read.reason,
            heard: match read.clock {
                ClockHeard::None => BundleHeard::Nothing,
                ClockHeard::Own => BundleHeard::Own,
                ClockHeard::Older => BundleHeard::Older,
                ClockHeard::Heard => BundleHeard::Heard,
            },
            older_copy: read.older_copy,
            not_reached,
            partner: self.partner_name(),
        })
    }
}

/// Opens a file to be read, and nothing that has no end or that waits for somebody.
fn open_plain(path: &Path) -> Result<File, Failure> {
    let file = open_waiting_for_nobody(path).map_err(|error| not_read(path, &error))?;
    let there = file.metadata().map_err(|error| not_read(path, &error))?;
    if there.is_file() {
        Ok(file)
    } else {
        Err(Advice::BundleNotAFile { path: shown(path) }.into())
    }
}

/// Opens a file for reading, and waits for nobody where it is a pipe.
fn open_waiting_for_nobody(path: &Path) -> io::Result<File> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits();
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(nonblock).unwrap_or(0))
        .open(path)
}

/// Opens a plain file for reading, and nothing else.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_waiting_for_nobody(path)?;
    let there = file.metadata()?;
    if there.is_file() {
        Ok(file)
    } else if there.is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory))
    } else {
        Err(io::Error::from(io::ErrorKind::InvalidInput))
    }
}

/// A bundle is whole: on the disk first, then under its name.
fn put_in_place(writing: Writing, path: &Path) -> Result<(), Failure> {
    let failed = |error: &io::Error| not_written(path, error);
    let Writing { file, force, .. } = writing;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    if force {
        file.persist(path).map_err(|error| failed(&error.error))?;
    } else {
        file.persist_noclobber(path).map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                Advice::BundleExists { path: shown(path) }.into()
            } else {
                failed(&error.error)
            }
        })?;
    }
    // Some file systems of sticks know no sync of a folder; the file itself is on the disk.
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        drop(folder.sync_all());
    }
    Ok(())
}
