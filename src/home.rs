//! The home: the one folder that holds a person's journal on this device.
//!
//! ```text
//! vault        the sealed vault key (keys crate)
//! vault.new    the next one, while it is being written; left behind where that was cut short
//! journal.db   what the pair shares, sealed rows
//! private.db   what never leaves this person's devices, sealed rows, under another key
//! lock         empty; who locks it owns the open journal
//! socket       where the owner can be asked; stale where nobody holds the lock
//! ```
//!
//! The folder has mode 0700 and every file 0600; a home that others could read is refused until that is put right,
//! since somebody may have looked already and the person should know (PROTOCOL section 7).

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::sync::oneshot;

mod leaving;
mod place;
mod replacing;

pub use leaving::{Destroyed, Leaving};
pub use place::Place;
pub use replacing::ReplaceVaultError;

/// The vault's file name in a home.
pub const VAULT: &str = "vault";
/// The file name of a vault that is to take the other one's place.
pub const NEW_VAULT: &str = "vault.new";
/// The file name of the store that the pair shares.
pub const JOURNAL_DB: &str = "journal.db";
/// The file name of the private store.
pub const PRIVATE_DB: &str = "private.db";
/// The file name of the lock.
pub const LOCK: &str = "lock";
/// The file name of the local socket.
pub const SOCKET: &str = "socket";

/// What SQLite may leave beside a database while it is open, or after a power cut.
const SIDE_FILES: [&str; 30] = [
    "journal.db-wal",
    "journal.db-shm",
    "journal.db-journal",
    "private.db-wal",
    "private.db-shm",
    "private.db-journal",
    // What a migration keeps of an older version, one name for each version before this one.
    "journal.db.version-1",
    "journal.db.copy-unfinished",
    "private.db.version-1",
    "private.db.copy-unfinished",
    // What a repair keeps of a damaged one, and what one that was cut short leaves.
    "journal.db.damaged",
    "journal.db.damaged-wal",
    "journal.db.repaired",
    "journal.db.repaired-wal",
    "journal.db.repaired-journal",
    "journal.db.repaired.read",
    "journal.db.repaired.read-wal",
    "journal.db.repaired.read-shm",
    "journal.db.repaired.second",
    "journal.db.repaired.second-wal",
    "private.db.damaged",
    "private.db.damaged-wal",
    "private.db.repaired",
    "private.db.repaired-wal",
    "private.db.repaired-journal",
    "private.db.repaired.read",
    "private.db.repaired.read-wal",
    "private.db.repaired.read-shm",
    "private.db.repaired.second",
    "private.db.repaired.second-wal",
];

/// A vault is some hundred bytes; this bound only keeps a foreign file from filling the memory.
const MAX_VAULT: u64 = 1 << 20;

/// A home that was checked: it is a folder of this user that nobody else can read.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

/// The lock on a home. Who holds it owns the open journal; dropping it lets the next one in.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a home could not be opened.
#[derive(Debug, Error)]
pub enum OpenHomeError {
    /// Nothing is there, or an empty folder.
    #[error("no journal at {}", .0.display())]
    Absent(PathBuf),
    /// Something is there that is not a folder.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// A folder with other things in it, and no vault.
    #[error("{} is not a journal", .0.display())]
    NotOurs(PathBuf),
    /// The folder or a file in it belongs to another user of this machine.
    #[error("{} belongs to another user", .0.display())]
    OtherOwner(PathBuf),
    /// Others may read or write it. `mode` holds the nine permission bits.
    #[error("{} can be read by others (mode {mode:03o})", path.display())]
    TooOpen {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Whether it is the folder itself.
        folder: bool,
    },
    /// Something stands where a plain file should be: a link, a folder, a device.
    #[error("{} is not a plain file", .0.display())]
    NotAFile(PathBuf),
    /// A file without which it is no journal.
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was tried on.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// Why a home could not be made. `E` is the error of what fills it.
#[derive(Debug, Error)]
pub enum CreateHomeError<E> {
    /// There is a journal already.
    #[error("{} holds a journal already", .0.display())]
    Exists(PathBuf),
    /// There is something else.
    #[error("{} is not an empty folder", .0.display())]
    Occupied(PathBuf),
    /// The path has no folder above it, or names none.
    #[error("{} cannot be a folder", .0.display())]
    NoParent(PathBuf),
    /// It is a mount point, which nothing can be renamed onto.
    #[error("{} is a mount point", .0.display())]
    MountPoint(PathBuf),
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was tried on.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The vault or the stores could not be made.
    #[error("the home could not be filled")]
    Fill(E),
}

impl Home {
    /// Where a home is when nobody says: `$XDG_DATA_HOME/amends`, else `~/.local/share/amends`, on macOS
    /// `~/Library/Application Support/amends`. None where the user has no home folder.
    pub fn default_dir() -> Option<PathBuf> {
        let from_xdg = std::env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute());
        let data = match from_xdg {
            Some(dir) if !cfg!(target_os = "macos") => dir,
            _ => {
                let user = std::env::home_dir().filter(|dir| !dir.as_os_str().is_empty())?;
                user.join(if cfg!(target_os = "macos") {
                    "Library/Application Support"
                } else {
                    ".local/share"
                })
            }
        };
        Some(data.join("amends"))
    }

    /// Checks that `dir` is a home of this user and closed to others.
    ///
    /// # Errors
    /// See [`OpenHomeError`]; nothing is changed on the disk.
    pub fn open(dir: &Path) -> Result<Home, OpenHomeError> {
        let (dir, folder) = folder_of_mine(dir)?;
        let at = |error| OpenHomeError::Io {
            path: dir.clone(),
            error,
        };
        if fs::symlink_metadata(dir.join(VAULT)).is_err() {
            let empty = fs::read_dir(&dir).map_err(at)?.next().is_none();
            let stores = [JOURNAL_DB, PRIVATE_DB].map(|name| dir.join(name));
            return Err(if empty {
                OpenHomeError::Absent(dir)
            } else if stores.iter().all(|store| store.is_file()) {
                // Both stores under our names and no vault: a home that lost it, and should be told so.
                OpenHomeError::Missing(dir.join(VAULT))
            } else {
                OpenHomeError::NotOurs(dir)
            });
        }
        let me = rustix::process::geteuid().as_raw();
        let mode = folder.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenHomeError::TooOpen {
                path: dir,
                mode,
                folder: true,
            });
        }
        for (name, needed) in [
            (VAULT, true),
            (JOURNAL_DB, true),
            (PRIVATE_DB, true),
            (LOCK, false),
            (NEW_VAULT, false),
        ]
        .into_iter()
        .chain(SIDE_FILES.map(|name| (name, false)))
        {
            check_file(dir.join(name), needed, me)?;
        }
        Ok(Home { dir })
    }

    /// The folder, absolute and without links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the shared store is.
    pub fn journal_db(&self) -> PathBuf {
        self.dir.join(JOURNAL_DB)
    }

    /// Where the private store is.
    pub fn private_db(&self) -> PathBuf {
        self.dir.join(PRIVATE_DB)
    }

    /// Where the local socket is, if somebody holds the journal open.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(SOCKET)
    }

    /// The bytes of the vault file.
    ///
    /// # Errors
    /// [`OpenHomeError::Io`], also where the file is longer than any vault is.
    pub fn read_vault(&self) -> Result<Vec<u8>, OpenHomeError> {
        let path = self.dir.join(VAULT);
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(MAX_VAULT + 1).read_to_end(&mut bytes));
        match read {
            Ok(n) if n as u64 > MAX_VAULT => Err(OpenHomeError::Io {
                path,
                error: io::ErrorKind::FileTooLarge.into(),
            }),
            Ok(_) => Ok(bytes),
            Err(error) => Err(OpenHomeError::Io { path, error }),
        }
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// [`OpenHomeError::Io`] where the lock file cannot be opened, for example on a disk that is read-only.
    pub fn try_lock(&self) -> Result<Option<Lock>, OpenHomeError> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(OpenHomeError::Io {
                path: self.dir.join(LOCK),
                error,
            }),
        }
    }

    /// Waits in the kernel's own queue until the lock is free. What is received is the lock; dropping the receiver
    /// gives the place in the queue up.
    ///
    /// # Errors
    /// As [`Home::try_lock`].
    pub fn queue_for_lock(&self) -> Result<oneshot::Receiver<io::Result<Lock>>, OpenHomeError> {
        let file = self.lock_file()?;
        let (tell, told) = oneshot::channel();
        // A thread of its own and not the runtime's: a runtime waits for its blocking threads when it ends, and this
        // one may wait as long as another process likes. A lock that nobody waits for any more is dropped at once.
        std::thread::spawn(move || {
            let outcome = file.lock().map(|()| Lock { _file: file });
            drop(tell.send(outcome));
        });
        Ok(told)
    }

    fn lock_file(&self) -> Result<File, OpenHomeError> {
        let path = self.dir.join(LOCK);
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| OpenHomeError::Io { path, error })
    }

    /// Says whether a home could be made at `dir`, before anybody is asked for a passphrase.
    ///
    /// # Errors
    /// As [`Home::create`].
    pub fn check_vacant<E>(dir: &Path) -> Result<(), CreateHomeError<E>> {
        if dir.join(VAULT).symlink_metadata().is_ok() {
            return Err(CreateHomeError::Exists(dir.to_owned()));
        }
        match fs::symlink_metadata(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(CreateHomeError::Io {
                path: dir.to_owned(),
                error,
            }),
            Ok(found) if found.is_dir() => match fs::read_dir(dir) {
                Err(error) => Err(CreateHomeError::Io {
                    path: dir.to_owned(),
                    error,
                }),
                Ok(mut entries) => match entries.next() {
                    Some(_) => Err(CreateHomeError::Occupied(dir.to_owned())),
                    None => Ok(()),
                },
            },
            Ok(_) => Err(CreateHomeError::Occupied(dir.to_owned())),
        }
    }

    /// Makes a home at `dir`, which must be absent or an empty folder. `fill` writes the vault and both stores into the
    /// folder it is given: one beside `dir`, renamed into place once everything is in it and on the disk. Where
    /// anything fails nothing is left, folders that had to be made above `dir` included.
    ///
    /// # Errors
    /// See [`CreateHomeError`]. What was at `dir` is as it was.
    pub fn create<E>(
        dir: &Path,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Home, CreateHomeError<E>> {
        Self::check_vacant(dir)?;
        let absolute = std::path::absolute(dir).map_err(|error| CreateHomeError::Io {
            path: dir.to_owned(),
            error,
        })?;
        let (Some(parent), Some(_)) = (absolute.parent(), absolute.file_name()) else {
            return Err(CreateHomeError::NoParent(dir.to_owned()));
        };
        let mut made = MadeFolders::up_to(parent)?;
        let io_at = |path: &Path| {
            let path = path.to_owned();
            move |error| CreateHomeError::Io { path, error }
        };
        let building = tempfile::Builder::new()
            .prefix(".amends-new-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(io_at(parent))?;
        fill(building.path()).map_err(CreateHomeError::Fill)?;
        write_new(&building.path().join(LOCK), b"").map_err(io_at(building.path()))?;
        close_and_sync(building.path()).map_err(io_at(building.path()))?;
        fs::rename(building.path(), &absolute).map_err(|error| match error.kind() {
            // Between the check and here somebody else made one.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                CreateHomeError::Exists(dir.to_owned())
            }
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => {
                CreateHomeError::MountPoint(dir.to_owned())
            }
            _ => CreateHomeError::Io {
                path: dir.to_owned(),
                error,
            },
        })?;
        // It has another name now and must not be swept away under the old one.
        let _ = building.keep();
        made.keep();
        File::open(parent)
            .and_then(|folder| folder.sync_all())
            .map_err(io_at(parent))?;
        Ok(Home {
            dir: fs::canonicalize(&absolute).map_err(io_at(&absolute))?,
        })
    }
}

/// Writes a new file that only this user can read, and waits until it is on the disk.
///
/// # Errors
/// The operating system's, also where the file exists.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The folder without links, and what the system knows of it, where it is one and this user's.
fn folder_of_mine(dir: &Path) -> Result<(PathBuf, fs::Metadata), OpenHomeError> {
    let at = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => OpenHomeError::Absent(dir.to_owned()),
        io::ErrorKind::NotADirectory => OpenHomeError::NotAFolder(dir.to_owned()),
        _ => OpenHomeError::Io {
            path: dir.to_owned(),
            error,
        },
    };
    let real = fs::canonicalize(dir).map_err(at)?;
    let folder = fs::metadata(&real).map_err(at)?;
    if !folder.is_dir() {
        return Err(OpenHomeError::NotAFolder(real));
    }
    // The owner first: in another's folder even the question whether there is a vault may be refused.
    if folder.uid() != rustix::process::geteuid().as_raw() {
        return Err(OpenHomeError::OtherOwner(real));
    }
    Ok((real, folder))
}

fn check_file(path: PathBuf, needed: bool, me: u32) -> Result<(), OpenHomeError> {
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !needed => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(OpenHomeError::Missing(path)),
        Err(error) => return Err(OpenHomeError::Io { path, error }),
    };
    if !found.is_file() {
        return Err(OpenHomeError::NotAFile(path));
    }
    if found.uid() != me {
        return Err(OpenHomeError::OtherOwner(path));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenHomeError::TooOpen {
            path,
            mode,
            folder: false,
        });
    }
    Ok(())
}

/// Gives every file in a new home mode 0600 and waits until all of them, and their names, are on the disk.
fn close_and_sync(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        File::open(&path)?.sync_all()?;
    }
    File::open(dir)?.sync_all()
}

/// Folders that had to be made above a new home; removed again unless kept.
struct MadeFolders {
    made: Vec<PathBuf>,
}

impl MadeFolders {
    fn up_to<E>(parent: &Path) -> Result<MadeFolders, CreateHomeError<E>> {
        let missing: Vec<&Path> = parent.ancestors().take_while(|dir| !dir.exists()).collect();
        let mut folders = MadeFolders { made: Vec::new() };
        for dir in missing.into_iter().rev() {
            match fs::create_dir(dir) {
                Ok(()) => folders.made.push(dir.to_owned()),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(CreateHomeError::Io {
                        path: dir.to_owned(),
                        error,
                    });
                }
            }
        }
        Ok(folders)
    }

    fn keep(&mut self) {
        self.made.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        while let Some(dir) = self.made.pop() {
            // One that is no longer empty has found another use meanwhile, and stays.
            if fs::remove_dir(&dir).is_err() {
                break;
            }
        }
    }
}

/// The home that was asked for: the argument, else `AMENDS_HOME`, else [`Home::default_dir`].
pub fn chosen_dir(argument: Option<PathBuf>, variable: Option<OsString>) -> Option<PathBuf> {
    argument
        .or_else(|| {
            variable
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        })
        .or_else(Home::default_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(dir: &Path) -> io::Result<()> {
        for name in [VAULT, JOURNAL_DB, PRIVATE_DB] {
            fs::write(dir.join(name), b"x")?;
        }
        Ok(())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_home_is_closed_to_others_and_opens() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("a/b/home");
        Home::create(&dir, fill).unwrap();
        assert_eq!(mode(&dir), 0o700);
        for name in [VAULT, JOURNAL_DB, PRIVATE_DB, LOCK] {
            assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
        }
        assert_eq!(Home::open(&dir).unwrap().read_vault().unwrap(), b"x");
        assert!(matches!(
            Home::create(&dir, fill),
            Err(CreateHomeError::Exists(_))
        ));
    }

    #[test]
    fn what_fails_half_way_leaves_nothing() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("a/b/home");
        let outcome = Home::create(&dir, |at| {
            fill(at)?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(matches!(outcome, Err(CreateHomeError::Fill(_))));
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_empty_folder_becomes_a_home_and_a_used_one_never() {
        let base = tempfile::tempdir().unwrap();
        let empty = base.path().join("empty");
        fs::create_dir(&empty).unwrap();
        Home::create(&empty, fill).unwrap();
        let used = base.path().join("used");
        fs::create_dir(&used).unwrap();
        fs::write(used.join("holiday.txt"), "sun").unwrap();
        assert!(matches!(
            Home::create(&used, fill),
            Err(CreateHomeError::Occupied(_))
        ));
        assert!(matches!(Home::open(&used), Err(OpenHomeError::NotOurs(_))));
        assert_eq!(fs::read_to_string(used.join("holiday.txt")).unwrap(), "sun");
        assert_eq!(fs::read_dir(&used).unwrap().count(), 1);
    }

    #[test]
    fn what_others_could_read_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("home");
        let home = Home::create(&dir, fill).unwrap();
        let open =
            |path: &Path, to| fs::set_permissions(path, fs::Permissions::from_mode(to)).unwrap();
        open(&dir, 0o750);
        assert!(matches!(
            Home::open(&dir),
            Err(OpenHomeError::TooOpen {
                mode: 0o750,
                folder: true,
                ..
            })
        ));
        open(&dir, 0o700);
        open(&home.journal_db(), 0o640);
        assert!(matches!(
            Home::open(&dir),
            Err(OpenHomeError::TooOpen {
                mode: 0o640,
                folder: false,
                ..
            })
        ));
        open(&home.journal_db(), 0o600);
        fs::remove_file(home.private_db()).unwrap();
        assert!(matches!(Home::open(&dir), Err(OpenHomeError::Missing(_))));
        std::os::unix::fs::symlink("/etc/passwd", home.private_db()).unwrap();
        assert!(matches!(Home::open(&dir), Err(OpenHomeError::NotAFile(_))));
    }

    #[tokio::test]
    async fn one_holds_the_lock_and_the_next_in_the_queue_gets_it() {
        let base = tempfile::tempdir().unwrap();
        let home = Home::create(&base.path().join("home"), fill).unwrap();
        let first = home.try_lock().unwrap().unwrap();
        assert!(home.try_lock().unwrap().is_none());
        let queued = home.queue_for_lock().unwrap();
        drop(first);
        let second = queued.await.unwrap().unwrap();
        assert!(home.try_lock().unwrap().is_none());
        drop(second);
        assert!(home.try_lock().unwrap().is_some());
    }

    #[test]
    fn the_argument_stands_before_the_variable() {
        let of = |a: Option<&str>, v: Option<&str>| {
            chosen_dir(a.map(PathBuf::from), v.map(OsString::from))
        };
        assert_eq!(of(Some("/a"), Some("/v")), Some(PathBuf::from("/a")));
        assert_eq!(of(None, Some("/v")), Some(PathBuf::from("/v")));
        assert_eq!(of(None, Some("")), Home::default_dir());
    }

    #[test]
    fn the_copy_of_every_older_store_is_known_by_name() {
        for version in 1..amends_store::VERSION {
            for store in [JOURNAL_DB, PRIVATE_DB] {
                let copy = format!("{store}.version-{version}");
                assert!(SIDE_FILES.contains(&&*copy), "{copy}");
            }
        }
    }
}
