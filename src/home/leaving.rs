//! The end of a home (`amends leave`): its key first, then everything else that is ours, then the folder.
//!
//! Unlike [`Home::open`] this asks for no more than that the folder is a journal's and this user's: a home that is damaged,
//! or that others can look into, can be left like any other.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use super::{
    Home, JOURNAL_DB, LOCK, Lock, MAX_VAULT, NEW_VAULT, OpenHomeError, PRIVATE_DB, SIDE_FILES,
    SOCKET, VAULT, folder_of_mine,
};

/// What every vault begins with, damaged further on or not ([`amends_keys::vault`]).
const VAULT_BEGINS: &[u8] = b"AMNV";
/// What every store begins with, and the `application_id` that stands in it (SQLite file format, section 1.3).
const SQLITE_BEGINS: &[u8] = b"SQLite format 3\0";
const STORE_ID: &[u8] = b"AMND";
const STORE_ID_AT: usize = 68;

/// A file may come back while its folder is emptied, where a command that was just begun makes its lock. It is refused
/// the second time: there is no vault any more.
const SWEEPS: usize = 3;

/// A home that may be left, or locked, in whatever state it is.
#[derive(Debug)]
pub struct Leaving {
    /// Not checked as [`Home::open`] does: good for its socket and its lock only.
    home: Home,
    /// The link through which the folder was named, where it was one.
    link: Option<PathBuf>,
}

/// What became of a home.
#[derive(Debug)]
pub struct Destroyed {
    /// The folder, absolute and without links.
    pub dir: PathBuf,
    /// Whether there was a vault, and its bytes were written over before it was removed; else why not.
    pub overwritten: io::Result<()>,
    /// Files of ours that could not be removed, the vault first where it is among them.
    pub kept: Vec<(PathBuf, io::Error)>,
    /// What is not ours and was left, with the folder where it had to stay.
    pub left: Vec<PathBuf>,
}

impl Destroyed {
    /// Whether the vault's bytes are still there as they were, which means that the key is.
    pub fn key_is_left(&self) -> bool {
        let vault = self.dir.join(VAULT);
        self.overwritten.is_err() && self.kept.iter().any(|(path, _)| *path == vault)
    }
}

impl Leaving {
    /// Finds the home at `dir`. It is one where its vault or one of its stores can be told by how it begins, or where
    /// nothing lies in it but what only a home holds, as after a leaving that was cut short.
    ///
    /// # Errors
    /// [`OpenHomeError`]; nothing is changed on the disk.
    pub fn find(dir: &Path) -> Result<Leaving, OpenHomeError> {
        let (real, _) = folder_of_mine(dir)?;
        let io_at = |path: &Path, error| OpenHomeError::Io {
            path: path.to_owned(),
            error,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&real).map_err(|e| io_at(&real, e))? {
            names.push(entry.map_err(|e| io_at(&real, e))?.file_name());
        }
        if names.is_empty() {
            return Err(OpenHomeError::Absent(real));
        }
        let is_store = |name: &str| {
            let head = beginning_of(&real.join(name));
            head.starts_with(SQLITE_BEGINS) && head[STORE_ID_AT..].starts_with(STORE_ID)
        };
        let told = beginning_of(&real.join(VAULT)).starts_with(VAULT_BEGINS)
            || [JOURNAL_DB, PRIVATE_DB].into_iter().any(is_store);
        // A vault alone may be any program's; one with a store beside it is no accident.
        let nothing_else = names.iter().all(|name| ours().any(|own| *name == *own))
            && (!names.iter().any(|name| name == VAULT)
                || names
                    .iter()
                    .any(|name| name == JOURNAL_DB || name == PRIVATE_DB));
        if !told && !nothing_else {
            return Err(OpenHomeError::NotOurs(real));
        }
        Ok(Leaving {
            home: Home { dir: real },
            link: fs::symlink_metadata(dir)
                .is_ok_and(|found| found.is_symlink())
                .then(|| dir.to_owned()),
        })
    }

    /// The folder, absolute and without links.
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }

    /// The home, where somebody may be asked at its socket. None where no socket stands there, a link to one included:
    /// who listens at the end of that is none of ours.
    pub fn with_socket(&self) -> Option<&Home> {
        fs::symlink_metadata(self.home.socket())
            .is_ok_and(|found| found.file_type().is_socket())
            .then_some(&self.home)
    }

    /// As [`Home::queue_for_lock`]; None where what stands there cannot be locked, a link included.
    pub fn queue_for_lock(&self) -> Option<oneshot::Receiver<io::Result<Lock>>> {
        match fs::symlink_metadata(self.dir().join(LOCK)) {
            Ok(found) if !found.is_file() => None,
            _ => self.home.queue_for_lock().ok(),
        }
    }

    /// Destroys the key, then removes everything that is ours, then the folder where nothing else lies in it. Goes on
    /// over whatever cannot be removed. `held` is given up at the end: no other command opens the journal meanwhile.
    pub fn destroy(self, held: Option<Lock>) -> Destroyed {
        let dir = self.home.dir;
        // It is ours; where this fails removing says why.
        drop(fs::set_permissions(&dir, Permissions::from_mode(0o700)));
        let overwritten = overwrite(&dir.join(VAULT));
        // One that was never finished may hold the key too.
        drop(overwrite(&dir.join(NEW_VAULT)));
        let (mut kept, mut left) = (Vec::new(), Vec::new());
        for _ in 0..SWEEPS {
            kept.clear();
            for path in ours().map(|name| dir.join(name)) {
                if let Err(error) = remove(&path) {
                    kept.push((path, error));
                }
            }
            // On the disk as well, before it is said.
            drop(File::open(&dir).and_then(|folder| folder.sync_all()));
            left = foreign(&dir);
            if kept.is_empty() && left.is_empty() && fs::remove_dir(&dir).is_ok() {
                break;
            }
        }
        drop(held);
        if let Some(parent) = dir.parent() {
            drop(File::open(parent).and_then(|folder| folder.sync_all()));
        }
        left.extend(
            [Some(dir.clone()), self.link]
                .into_iter()
                .flatten()
                .filter(|path| fs::symlink_metadata(path).is_ok()),
        );
        Destroyed {
            dir,
            overwritten,
            kept,
            left,
        }
    }
}

/// Every name that a file of ours may have, in the order in which they go: the key first, so that nothing can be opened
/// where the rest is cut short, and last the lock, which keeps others out meanwhile.
fn ours() -> impl Iterator<Item = &'static str> {
    [VAULT, NEW_VAULT, PRIVATE_DB, JOURNAL_DB]
        .into_iter()
        .chain(SIDE_FILES)
        .chain([SOCKET, LOCK])
}

/// The first hundred bytes of a plain file, zeros where there are less or none.
fn beginning_of(path: &Path) -> [u8; 100] {
    let mut head = [0; 100];
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && let Ok(file) = File::open(path)
    {
        let mut bytes = Vec::with_capacity(head.len());
        // What cannot be read is no beginning of anything.
        if file.take(head.len() as u64).read_to_end(&mut bytes).is_ok() {
            head[..bytes.len()].copy_from_slice(&bytes);
        }
    }
    head
}

/// Writes zeros over the vault, in place and down to the disk. A link is not followed.
fn overwrite(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    drop(fs::set_permissions(path, Permissions::from_mode(0o600)));
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits();
    let mut file = OpenOptions::new()
        .write(true)
        .custom_flags(no_link.cast_signed())
        .open(path)?;
    // What is longer is no vault, and would only take time.
    let zeros = vec![0; usize::try_from(found.len().min(MAX_VAULT)).unwrap_or(0)];
    file.write_all(&zeros)?;
    file.sync_all()
}

/// Removes a file, or a link and not what it points to. A folder is not ours, whatever its name, and stays.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(found) if found.is_dir() => Ok(()),
        _ => match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        },
    }
}

/// What lies in the folder and is not ours, in the order of its names.
fn foreign(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut left: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            entry.file_type().is_ok_and(|kind| kind.is_dir())
                || !ours().any(|name| entry.file_name() == name)
        })
        .map(|entry| entry.path())
        .collect();
    left.sort();
    left
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn a_home(base: &Path) -> PathBuf {
        let dir = base.join("home");
        fs::create_dir(&dir).unwrap();
        for name in ours() {
            fs::write(dir.join(name), "x").unwrap();
        }
        fs::write(dir.join(VAULT), "AMNV and more").unwrap();
        dir
    }

    #[test]
    fn the_vaults_bytes_are_written_over_before_it_is_removed() {
        let base = tempfile::tempdir().unwrap();
        let dir = a_home(base.path());
        // Another name for the same file shows what became of it.
        let seen = base.path().join("seen");
        fs::hard_link(dir.join(VAULT), &seen).unwrap();
        let unfinished = base.path().join("unfinished");
        fs::hard_link(dir.join(NEW_VAULT), &unfinished).unwrap();
        fs::set_permissions(dir.join(VAULT), Permissions::from_mode(0o400)).unwrap();
        let destroyed = Leaving::find(&dir).unwrap().destroy(None);
        assert!(destroyed.overwritten.is_ok() && destroyed.kept.is_empty());
        assert!(destroyed.left.is_empty() && !dir.exists());
        assert_eq!(fs::read(&seen).unwrap(), [0; 13]);
        assert_eq!(fs::read(&unfinished).unwrap(), [0]);
    }

    #[test]
    fn links_are_removed_and_what_they_point_to_is_not() {
        let base = tempfile::tempdir().unwrap();
        let dir = a_home(base.path());
        let theirs = base.path().join("theirs");
        fs::write(&theirs, "sun").unwrap();
        for name in [JOURNAL_DB, SOCKET, LOCK] {
            fs::remove_file(dir.join(name)).unwrap();
            symlink(&theirs, dir.join(name)).unwrap();
        }
        let leaving = Leaving::find(&dir).unwrap();
        assert!(leaving.with_socket().is_none() && leaving.queue_for_lock().is_none());
        let destroyed = leaving.destroy(None);
        assert!(destroyed.kept.is_empty() && !dir.exists());
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "sun");

        let dir = a_home(base.path());
        fs::remove_file(dir.join(VAULT)).unwrap();
        symlink(&theirs, dir.join(VAULT)).unwrap();
        assert!(overwrite(&dir.join(VAULT)).is_err());
        Leaving::find(&dir).unwrap().destroy(None);
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "sun");
    }

    #[test]
    fn what_is_not_ours_stays_and_is_named() {
        let base = tempfile::tempdir().unwrap();
        let dir = a_home(base.path());
        fs::write(dir.join("holiday.txt"), "sun").unwrap();
        fs::remove_file(dir.join(JOURNAL_DB)).unwrap();
        fs::create_dir(dir.join(JOURNAL_DB)).unwrap();
        let dir = fs::canonicalize(dir).unwrap();
        let destroyed = Leaving::find(&dir).unwrap().destroy(None);
        let left = [dir.join("holiday.txt"), dir.join(JOURNAL_DB), dir.clone()];
        assert!(destroyed.kept.is_empty() && !destroyed.key_is_left());
        assert_eq!(destroyed.left, left);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
    }

    #[test]
    fn a_home_is_told_by_what_only_a_home_holds() {
        let base = tempfile::tempdir().unwrap();
        let found = |files: &[(&str, &[u8])]| {
            let dir = tempfile::tempdir_in(base.path()).unwrap();
            for (name, bytes) in files {
                fs::write(dir.path().join(name), bytes).unwrap();
            }
            let found = Leaving::find(dir.path());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), files.len());
            found.is_ok()
        };
        let mut store = vec![0; 4096];
        store[..SQLITE_BEGINS.len()].copy_from_slice(SQLITE_BEGINS);
        let other_programs = store.clone();
        store[STORE_ID_AT..][..STORE_ID.len()].copy_from_slice(STORE_ID);
        let holiday: (&str, &[u8]) = ("holiday.txt", b"sun");
        assert!(found(&[(VAULT, b"AMNV"), holiday]));
        assert!(found(&[(PRIVATE_DB, &store), holiday]));
        assert!(found(&[(VAULT, b""), (JOURNAL_DB, b"")]));
        assert!(found(&[(JOURNAL_DB, b""), (LOCK, b"")]));
        assert!(found(&[(LOCK, b"")]));
        assert!(!found(&[(VAULT, b"another program's"), holiday]));
        assert!(!found(&[(VAULT, b"another program's")]));
        assert!(!found(&[(VAULT, b""), (LOCK, b"")]));
        assert!(!found(&[(JOURNAL_DB, &other_programs), holiday]));
        assert!(!found(&[(LOCK, b""), holiday]));
        assert!(!found(&[holiday]));
        assert!(!found(&[]));
    }
}
