//! Backups: everything as it is at one moment, sealed into a file by a thread of its own, so that nobody waits for it.

use std::path::PathBuf;

use super::App;
use super::stores::damaged;
use crate::backup::{self, Contents};
use crate::local::Face;
use crate::request::{BackupWritten, Failure, Response};

impl App {
    /// Takes everything as it is now, and has it written.
    pub(super) fn write_backup(&mut self, face: Face, path: PathBuf, force: bool) {
        let contents = match self.contents(&path, force) {
            Ok(contents) => contents,
            Err(failure) => return face.end(Response::Failed(failure)),
        };
        std::thread::spawn(move || {
            let written = backup::write(&contents, &path, force);
            face.end(written.map_or_else(Response::Failed, |bytes| {
                Response::BackupWritten(BackupWritten {
                    file: path.display().to_string(),
                    bytes,
                })
            }));
        });
    }

    fn contents(&mut self, path: &std::path::Path, force: bool) -> Result<Contents, Failure> {
        let home = self.open.home.clone();
        backup::check_place(home.dir(), path, force)?;
        let journal = self.open.journal.snapshot();
        let private = self.open.private.snapshot();
        Ok(Contents {
            vault: home.read_vault()?,
            key: self.open.backups.clone(),
            journal: journal.map_err(|error| damaged(&home.journal_db(), &error))?,
            private: private.map_err(|error| damaged(&home.private_db(), &error))?,
        })
    }

    /// This home came out of a backup, and it is not known yet how much of its log others hold: by a meeting or a bundle it
    /// now is.
    pub(super) fn found_its_place(&mut self) {
        if std::mem::take(&mut self.restored) {
            // Where this cannot be saved it is found out once more the next time.
            drop(self.open.forget_restored());
        }
    }
}
