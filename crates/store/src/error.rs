//! One error for each operation. SQLite's own words are carried as `detail`; they name statements and pages, never a value.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::Table;

/// Why a store could not be created or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Only from opening.
    #[error("no store at {0}")]
    NotFound(PathBuf),
    /// Only from creating: the file, or what a former one left beside it, is there.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// A folder, a symbolic link, a device.
    #[error("{0} is not a plain file")]
    NotAFile(PathBuf),
    /// Others than its owner may read or write it.
    #[error("{path} may be reached by others: mode {mode:03o}, expected 600")]
    TooOpen {
        /// The store's file or its `-wal` beside it.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// Not SQLite, or a database of another program. It was not touched.
    #[error("{0} is not a store of Amends")]
    NotOurs(PathBuf),
    /// Empty, or ours without its tables: its creation was cut short, or it was emptied.
    #[error("{0} was never finished")]
    Unfinished(PathBuf),
    /// A later version of Amends wrote it. It was not changed.
    #[error("store of version {found}, at most {known} is known")]
    NewerVersion {
        /// The file's version.
        found: u32,
        /// [`crate::VERSION`].
        known: u32,
    },
    /// The key opens none of the rows.
    #[error("the key does not open this store")]
    WrongKey,
    /// Another process, or another `Store` of this one, holds it.
    #[error("the store is in use")]
    InUse,
    /// Ours, but not whole.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The file or its disk can only be read.
    #[error("the store cannot be written to")]
    ReadOnly,
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// Copying it before a migration failed; the store stands as it was.
    #[error("cannot keep a copy before migrating: {0}")]
    Copy(String),
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that SQLite reports.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why a commit failed. Nothing of it was applied to the open store.
///
/// After [`Full`](CommitError::Full), [`ReadOnly`](CommitError::ReadOnly), [`InUse`](CommitError::InUse) and [`TooLong`](CommitError::TooLong) nothing
/// of it is on the disk either. After the others the disk itself failed and nobody can say: open the store again and look.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// The file or its disk can only be read.
    #[error("the store cannot be written to")]
    ReadOnly,
    /// Another process holds it.
    #[error("the store is in use")]
    InUse,
    /// A value longer than SQLite takes (10^9 bytes).
    #[error("a value is too long for the store")]
    TooLong,
    /// The database is not whole.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Io(String),
    /// A value could not be sealed, or anything else that SQLite reports.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why a read failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// This row does not open: it was changed, moved or written under another key. Other rows may be read.
    #[error("row {} of {table} is damaged", Hex(.key))]
    Row {
        /// The row's table.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
    },
    /// The database is not whole.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Io(String),
    /// Anything else that SQLite reports.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why closing failed. What was committed is safe: it stays in the `-wal` file and is taken over at the next opening.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CloseError {
    /// No room on the disk to move the WAL into the database.
    #[error("the disk is full")]
    Full,
    /// Anything else that SQLite reports.
    #[error("the store did not close cleanly: {0}")]
    Failed(String),
}

/// What an error of SQLite means to us, before an operation names it.
pub(crate) enum Cause {
    Full,
    ReadOnly,
    InUse,
    TooLong,
    Damaged(String),
    Io(String),
    /// SQLITE_ERROR: SQLite makes no sense of a statement, or of the file that it speaks of.
    Sql(String),
    Other(String),
}

impl From<rusqlite::Error> for Cause {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let detail = error.to_string();
        match error {
            E::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => Cause::Full,
                ErrorCode::ReadOnly => Cause::ReadOnly,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => Cause::InUse,
                ErrorCode::TooBig => Cause::TooLong,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch => {
                    Cause::Damaged(detail)
                }
                ErrorCode::SystemIoFailure
                    if matches!(
                        failure.extended_code,
                        rusqlite::ffi::SQLITE_IOERR_CORRUPTFS
                            | rusqlite::ffi::SQLITE_IOERR_SHORT_READ
                    ) =>
                {
                    Cause::Damaged(detail)
                }
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied => {
                    Cause::Io(format!("{detail} ({})", failure.extended_code))
                }
                ErrorCode::Unknown => Cause::Sql(detail),
                _ => Cause::Other(detail),
            },
            E::SqlInputError { .. } => Cause::Sql(detail),
            // Our statements are fixed and the tables were compared at opening: a value of another type is in no row that we wrote.
            E::InvalidColumnType(..)
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::Utf8Error(..) => Cause::Damaged(detail),
            _ => Cause::Other(detail),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match Cause::from(error) {
            Cause::Full => OpenError::Full,
            Cause::ReadOnly => OpenError::ReadOnly,
            Cause::InUse => OpenError::InUse,
            // Only a file bearing our mark comes so far, and our statements fit every file that is whole.
            Cause::Damaged(detail) | Cause::Sql(detail) => OpenError::Damaged(detail),
            Cause::Io(detail) | Cause::Other(detail) => OpenError::Failed(detail),
            Cause::TooLong => OpenError::Failed("a value is too long".into()),
        }
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        match Cause::from(error) {
            Cause::Full => CommitError::Full,
            Cause::ReadOnly => CommitError::ReadOnly,
            Cause::InUse => CommitError::InUse,
            Cause::TooLong => CommitError::TooLong,
            Cause::Damaged(detail) => CommitError::Damaged(detail),
            Cause::Io(detail) => CommitError::Io(detail),
            Cause::Sql(detail) | Cause::Other(detail) => CommitError::Failed(detail),
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        match Cause::from(error) {
            Cause::Damaged(detail) => ReadError::Damaged(detail),
            Cause::Io(detail) => ReadError::Io(detail),
            Cause::Sql(detail) | Cause::Other(detail) => ReadError::Failed(detail),
            Cause::Full => ReadError::Failed("the disk is full".into()),
            Cause::ReadOnly => ReadError::Failed("read only".into()),
            Cause::InUse => ReadError::Failed("in use".into()),
            Cause::TooLong => ReadError::Failed("a key is too long".into()),
        }
    }
}

impl From<rusqlite::Error> for CloseError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        match Cause::from(error) {
            Cause::Full => CloseError::Full,
            _ => CloseError::Failed(detail),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
