//! A backup as a file: written whole or not at all, read piece by piece. What stands in it is sealed by
//! [`amends_keys::backup`]; the bytes are laid out in `docs/formats.md`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use amends_keys::backup::{
    BEGINNING, BackupError, BackupKey, Header, Opener, PIECE, SEALED_PIECE, Sealer,
};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::advice::Advice;
use crate::passphrase::Locked;
use crate::request::Failure;
use crate::terminal::{line, reason};

/// The lengths of both stores, before their bytes.
const LENGTHS: usize = 16;

/// All of a home at one moment.
pub struct Contents {
    /// The vault file.
    pub vault: Vec<u8>,
    /// Seals it.
    pub key: BackupKey,
    /// The journal's store, a whole database of sealed rows.
    pub journal: Vec<u8>,
    /// The private store, likewise.
    pub private: Vec<u8>,
}

/// One of the two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The journal's.
    Journal,
    /// The private one.
    Private,
}

fn shown(path: &Path) -> String {
    line(&path.display().to_string())
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let (path, error) = (shown(path), reason(error));
    Advice::BackupNotWritten { path, error }.into()
}

fn not_read(path: &Path, error: &io::Error) -> Failure {
    let (path, error) = (shown(path), reason(error));
    Advice::BackupUnreadable { path, error }.into()
}

fn refused(path: &Path, error: BackupError) -> Failure {
    let path = shown(path);
    match error {
        BackupError::NotABackup => Advice::NotABackup { path },
        BackupError::Version(_) => Advice::BackupNewer { path },
        BackupError::Changed => Advice::BackupDamaged { path },
    }
    .into()
}

/// Whether a backup may be written at `path`, beside all that is costly.
///
/// # Errors
/// [`Advice::BackupInsideHome`], [`Advice::BackupExists`], [`Advice::BackupNotWritten`].
pub fn check_place(home: &Path, path: &Path, force: bool) -> Result<(), Failure> {
    let folder = path.parent().filter(|_| path.file_name().is_some());
    let no_file = io::Error::from(io::ErrorKind::IsADirectory);
    let folder = folder.ok_or_else(|| not_written(path, &no_file))?;
    let folder = folder
        .canonicalize()
        .map_err(|error| not_written(path, &error))?;
    if home
        .canonicalize()
        .is_ok_and(|home| folder.starts_with(home))
    {
        return Err(Advice::BackupInsideHome { path: shown(path) }.into());
    }
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => Err(not_written(path, &no_file)),
        Ok(_) if !force => Err(Advice::BackupExists { path: shown(path) }.into()),
        _ => Ok(()),
    }
}

/// Writes a backup: under another name until it is whole and on the disk. Gives its size.
///
/// # Errors
/// [`Advice::BackupExists`], [`Advice::BackupNotWritten`]; nothing is left there then.
pub fn write(contents: &Contents, path: &Path, force: bool) -> Result<u64, Failure> {
    let failed = |error: &io::Error| not_written(path, error);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new()
        .prefix(".amends-backup-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    let (header, mut sealer) =
        Sealer::begin(&contents.vault, &contents.key, &mut UnwrapErr(SysRng))
            .map_err(|error| refused(path, error))?;
    let (journal, private) = (&contents.journal[..], &contents.private[..]);
    let lengths = [journal, private].map(|store| (store.len() as u64).to_be_bytes());
    let mut written = header.len() as u64;
    file.write_all(&header).map_err(|error| failed(&error))?;
    let mut waiting: Vec<u8> = Vec::with_capacity(2 * PIECE);
    for part in [&lengths.concat()[..], journal, private] {
        for some in part.chunks(PIECE) {
            waiting.extend_from_slice(some);
            // The last piece is never empty, so that what fills one exactly waits for more.
            if waiting.len() > PIECE {
                let after = waiting.split_off(PIECE);
                let sealed = sealer
                    .piece(&waiting)
                    .map_err(|error| refused(path, error))?;
                file.write_all(&sealed).map_err(|error| failed(&error))?;
                written += sealed.len() as u64;
                waiting = after;
            }
        }
    }
    let sealed = sealer
        .last(&waiting)
        .map_err(|error| refused(path, error))?;
    file.write_all(&sealed)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    written += sealed.len() as u64;
    if force {
        file.persist(path).map_err(|error| failed(&error.error))?;
    } else {
        file.persist_noclobber(path)
            .map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => Advice::BackupExists { path: shown(path) }.into(),
                _ => failed(&error.error),
            })?;
    }
    // Some file systems of sticks know no sync of a folder; the file itself is on the disk.
    if let Ok(folder) = File::open(folder) {
        drop(folder.sync_all());
    }
    Ok(written)
}

/// A backup whose vault is still locked.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    file: File,
    header: Header,
    /// The vault of the day on which it was written.
    pub locked: Locked,
}

impl Backup {
    /// Opens the file and reads what stands before the sealed pieces.
    ///
    /// # Errors
    /// [`Advice::BackupUnreadable`], [`Advice::NotABackup`], [`Advice::BackupNewer`], [`Advice::BackupDamaged`].
    pub fn open(path: &Path) -> Result<Backup, Failure> {
        let failed = |error: &io::Error| not_read(path, error);
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(nonblock)
            .open(path)
            .map_err(|error| failed(&error))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(Advice::NotABackup { path: shown(path) }.into());
        }
        let mut bytes = Vec::new();
        fill(&mut file, &mut bytes, BEGINNING).map_err(|error| failed(&error))?;
        let beginning = bytes
            .first_chunk()
            .ok_or(BackupError::NotABackup)
            .map_err(|error| refused(path, error))?;
        let len = Header::len(beginning).map_err(|error| refused(path, error))?;
        fill(&mut file, &mut bytes, len).map_err(|error| failed(&error))?;
        let header = Header::parse(&bytes).map_err(|error| refused(path, error))?;
        let locked = Locked::read(header.vault.clone(), path.to_owned())
            .map_err(|_| refused(path, BackupError::Changed))?;
        Ok(Backup {
            path: path.to_owned(),
            file,
            header,
            locked,
        })
    }

    /// The vault file in it.
    pub fn vault(&self) -> &[u8] {
        &self.header.vault
    }

    /// Reads all of it and gives the stores' bytes to `take`, in order. What was given is good only where this ends well.
    ///
    /// # Errors
    /// [`Advice::BackupDamaged`], [`Advice::BackupUnreadable`], and what `take` fails with.
    pub fn read(
        mut self,
        key: &BackupKey,
        mut take: impl FnMut(Which, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let path = self.path;
        let broken = |error| refused(&path, error);
        let mut opener = Opener::begin(&self.header, key).map_err(broken)?;
        let mut lengths: Option<[u64; 2]> = None;
        let mut unpack = |plain: &[u8]| {
            let mut rest = plain;
            let left = match &mut lengths {
                Some(left) => left,
                none => {
                    let (numbers, after) = rest
                        .split_first_chunk::<LENGTHS>()
                        .ok_or(broken(BackupError::Changed))?;
                    let numbers = u128::from_be_bytes(*numbers);
                    rest = after;
                    none.insert([(numbers >> 64) as u64, numbers as u64])
                }
            };
            for (which, left) in [Which::Journal, Which::Private].into_iter().zip(left) {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                let (now, after) = rest.split_at(here);
                if !now.is_empty() {
                    take(which, now)?;
                }
                *left -= here as u64;
                rest = after;
            }
            if rest.is_empty() {
                Ok(())
            } else {
                Err(broken(BackupError::Changed))
            }
        };
        let failed = |error: io::Error| not_read(&path, &error);
        let (mut piece, mut next) = (Vec::new(), Vec::new());
        fill(&mut self.file, &mut piece, SEALED_PIECE).map_err(failed)?;
        loop {
            next.clear();
            fill(&mut self.file, &mut next, SEALED_PIECE).map_err(failed)?;
            if next.is_empty() {
                unpack(&opener.last(&piece).map_err(broken)?)?;
                break;
            }
            unpack(&opener.piece(&piece).map_err(broken)?)?;
            std::mem::swap(&mut piece, &mut next);
        }
        if lengths == Some([0, 0]) {
            Ok(())
        } else {
            Err(broken(BackupError::Changed))
        }
    }
}

/// Reads until `bytes` has `len` bytes, or there are no more.
fn fill(file: &mut File, bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    let more = len.saturating_sub(bytes.len()) as u64;
    file.take(more).read_to_end(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(journal: usize, private: usize) -> (Contents, BackupKey) {
        let cost = amends_keys::vault::Cost::LEAST;
        let made = amends_keys::vault::Vault::create("words", cost, &mut UnwrapErr(SysRng));
        let (vault, key) = made.unwrap();
        let contents = Contents {
            vault: vault.to_bytes(),
            key: key.backups(),
            journal: (0..journal).map(|at| at as u8).collect(),
            private: vec![9; private],
        };
        (contents, key.backups())
    }

    fn read(path: &Path, key: &BackupKey) -> Result<[Vec<u8>; 2], Failure> {
        let mut stores = [Vec::new(), Vec::new()];
        Backup::open(path)?.read(key, |which, bytes| {
            stores[usize::from(which == Which::Private)].extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(stores)
    }

    #[test]
    fn what_is_written_is_read_whatever_its_lengths() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backup");
        let (mut contents, key) = contents(0, 0);
        for (journal, private) in [
            (0, 0),
            (1, 0),
            (PIECE - LENGTHS, 0),
            (PIECE - LENGTHS - 1, 1),
            (PIECE - LENGTHS, 1),
            (2 * PIECE - LENGTHS, PIECE),
            (200_000, 300_000),
        ] {
            contents.journal = (0..journal).map(|at| at as u8).collect();
            contents.private = vec![9; private];
            let size = write(&contents, &path, true).unwrap();
            assert_eq!(size, fs::metadata(&path).unwrap().len());
            let stores = read(&path, &key).unwrap();
            assert!(stores == [contents.journal.clone(), contents.private.clone()]);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = write(&contents, &path, false).unwrap_err();
        assert_eq!(again.code, "backup_exists");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_cut_and_no_changed_byte_is_read_to_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backup");
        let (contents, key) = contents(150_000, 10);
        write(&contents, &path, false).unwrap();
        let whole = fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path, &key).unwrap_err().code
        };
        for end in (0..whole.len()).step_by(997).chain([whole.len() - 1]) {
            let code = refused(&whole[..end]);
            assert!(code == "backup_damaged" || (end < BEGINNING && code == "not_a_backup"));
        }
        for at in (0..whole.len()).step_by(997).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let code = refused(&changed);
            let expected = if at < 4 {
                "not_a_backup"
            } else {
                "backup_damaged"
            };
            assert_eq!(code, expected, "byte {at}");
        }
        assert_eq!(refused(&[&whole[..], b"x"].concat()), "backup_damaged");
        assert_eq!(refused(b"AMNK\x02\0\0\0\0"), "backup_newer");
    }
}
