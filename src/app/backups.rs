//! Backups: everything as it is at one moment, sealed into a file by a thread of its own, so that nobody waits for it.

use std::path::PathBuf;

use amends_replica::Input;

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

    /// Whether this home is where it was. One that was copied, or came out of a backup with an earlier version of this program,
    /// writes nothing more into its present log.
    ///
    /// # Errors
    /// Where that cannot be read or saved.
    pub(super) fn look_at_place(&mut self) -> Result<(), Failure> {
        let restored = self.open.was_restored()?;
        let moved = self.open.has_moved()?;
        if self.replica.is_some() && (restored || moved) {
            let fed = self.feed(Input::Copied);
            self.survive(fed)?;
        }
        self.open.keep_place()
    }
}
