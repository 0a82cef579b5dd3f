//! A new vault in the old one's place (`amends passphrase`, `amends kit make`), whole at every moment: the new bytes go into
//! a file beside it, to the disk, and then take its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Home, NEW_VAULT, VAULT};

/// Why the vault was not replaced. The old one is there as it was, except where [`ReplaceVaultError::Io`] names the folder:
/// then the new one is, and a power cut may bring the old one back.
#[derive(Debug, Error)]
pub enum ReplaceVaultError {
    /// Another command is just replacing it, or has since it was read.
    #[error("another command changed the vault meanwhile")]
    Meanwhile,
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was tried on.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

impl Home {
    /// Puts `new` in the place of the vault, which must still hold `old`. Durable when it returns. The old bytes are
    /// written over, where no other name of theirs is known.
    ///
    /// # Errors
    /// [`ReplaceVaultError`].
    pub fn replace_vault(&self, old: &[u8], new: &[u8]) -> Result<(), ReplaceVaultError> {
        let (place, beside) = (self.dir.join(VAULT), self.dir.join(NEW_VAULT));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| ReplaceVaultError::Io { path, error }
        };
        let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let open = |path: &Path, create| {
            OpenOptions::new()
                .write(true)
                .create(create)
                .truncate(false)
                .mode(0o600)
                .custom_flags(no_link)
                .open(path)
        };
        let mut file = open(&beside, true).map_err(at(&beside))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(ReplaceVaultError::Meanwhile),
            Err(fs::TryLockError::Error(error)) => return Err(at(&beside)(error)),
        }
        // Between opening and locking, another one may have given it its name.
        let same = |found: &fs::Metadata, named: io::Result<fs::Metadata>| {
            named.is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino()))
        };
        let found = file.metadata().map_err(at(&beside))?;
        let unchanged = self.read_vault().is_ok_and(|now| now == old);
        if !same(&found, fs::symlink_metadata(&beside)) || !unchanged {
            return Err(ReplaceVaultError::Meanwhile);
        }
        let replaced = open(&place, false).map_err(at(&place))?;
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(new))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&beside, &place));
        if let Err(error) = written {
            // A full disk gets its room back; whoever comes next writes over what stays.
            drop(fs::remove_file(&beside));
            return Err(at(&beside)(error));
        }
        File::open(&self.dir)
            .and_then(|folder| folder.sync_all())
            .map_err(at(&self.dir))?;
        // Only now: until the new name is on the disk, the old bytes are what a power cut would bring back.
        write_over(replaced);
        Ok(())
    }
}

/// Writes zeros over a file that has lost its name, so that its old passphrase opens nothing that still lies about. Nothing
/// depends on it: a copy that somebody made has them too.
fn write_over(mut file: File) {
    let zeros = |len: u64| vec![0; usize::try_from(len.min(super::MAX_VAULT)).unwrap_or(0)];
    // Another name may be a copy that the person made.
    if let Ok(found) = file.metadata()
        && found.nlink() == 0
    {
        drop(
            file.write_all(&zeros(found.len()))
                .and_then(|()| file.sync_all()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn a_home(base: &Path) -> Home {
        Home::create(&base.join("home"), |dir| {
            for name in [VAULT, super::super::JOURNAL_DB, super::super::PRIVATE_DB] {
                fs::write(dir.join(name), b"old")?;
            }
            io::Result::Ok(())
        })
        .unwrap()
    }

    #[test]
    fn the_new_one_is_there_and_the_old_one_written_over() {
        let base = tempfile::tempdir().unwrap();
        let home = a_home(base.path());
        let mut old = File::open(home.dir().join(VAULT)).unwrap();
        home.replace_vault(b"old", b"the new one").unwrap();
        assert_eq!(home.read_vault().unwrap(), b"the new one");
        let mode = fs::metadata(home.dir().join(VAULT)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!home.dir().join(NEW_VAULT).exists());
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut old, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 3]);
    }

    #[test]
    fn whatever_a_cut_leaves_the_vault_is_whole_and_the_next_one_goes_on() {
        let base = tempfile::tempdir().unwrap();
        let home = a_home(base.path());
        // Every state that the disk can be in before the new name counts: no file beside it, or any beginning of one.
        for written in 0..=b"the new one".len() {
            fs::write(home.dir().join(NEW_VAULT), &b"the new one"[..written]).unwrap();
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(home.dir().join(NEW_VAULT), mode).unwrap();
            let home = Home::open(home.dir()).unwrap();
            assert_eq!(home.read_vault().unwrap(), b"old");
            home.replace_vault(b"old", b"new").unwrap();
            home.replace_vault(b"new", b"old").unwrap();
        }
    }

    #[test]
    fn of_two_at_once_one_is_told() {
        let base = tempfile::tempdir().unwrap();
        let home = a_home(base.path());
        let refused = |outcome| matches!(outcome, Err(ReplaceVaultError::Meanwhile));
        assert!(refused(home.replace_vault(b"older", b"new")));
        let other = File::create(home.dir().join(NEW_VAULT)).unwrap();
        other.lock().unwrap();
        assert!(refused(home.replace_vault(b"old", b"new")));
        assert_eq!(home.read_vault().unwrap(), b"old");
        drop(other);
        home.replace_vault(b"old", b"new").unwrap();
    }

    #[test]
    fn another_name_of_the_old_one_is_a_copy_and_stays() {
        let base = tempfile::tempdir().unwrap();
        let home = a_home(base.path());
        let copy = base.path().join("copy");
        fs::hard_link(home.dir().join(VAULT), &copy).unwrap();
        home.replace_vault(b"old", b"new").unwrap();
        assert_eq!(fs::read(&copy).unwrap(), b"old");
    }

    #[test]
    fn a_link_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        let home = a_home(base.path());
        let theirs = base.path().join("theirs");
        fs::write(&theirs, "sun").unwrap();
        symlink(&theirs, home.dir().join(NEW_VAULT)).unwrap();
        let refused = home.replace_vault(b"old", b"new");
        assert!(matches!(refused, Err(ReplaceVaultError::Io { .. })));
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "sun");
        assert_eq!(home.read_vault().unwrap(), b"old");
    }
}
