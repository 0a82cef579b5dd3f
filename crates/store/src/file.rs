//! The store's files before SQLite meets them: whose they are and who may reach them. A database of another program is never given to
//! SQLite, which would roll its journal back and lock it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// "AMND", at byte 68 of the file.
pub(crate) const APPLICATION_ID: u32 = 0x414d_4e44;

/// The first bytes of every SQLite database (its file format, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where `application_id` stands in the header (the same section).
const APPLICATION_ID_AT: usize = 68;

/// Where the versions stand by which the file may be written and read: 1 for a rollback journal, 2 for a WAL.
const FORMAT_AT: std::ops::Range<usize> = 18..20;

/// What SQLite keeps beside the file. `-shm` is not made under exclusive locking, but a foreign tool may leave one.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

const PRIVATE: u32 = 0o600;

/// `path` with `suffix` on its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes an empty file that its owner alone may reach, from its first byte; SQLite gives the `-wal` beside it the same mode.
///
/// # Errors
/// [`OpenError::Exists`] where it or a leftover beside it is there: SQLite would take a leftover for this database's own.
pub(crate) fn create_private(path: &Path) -> Result<(), OpenError> {
    for leftover in BESIDE.map(|suffix| beside(path, suffix)) {
        if fs::symlink_metadata(&leftover).is_ok() {
            return Err(OpenError::Exists(leftover));
        }
    }
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => OpenError::Exists(path.into()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full,
        io::ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly,
        _ => OpenError::File {
            path: path.into(),
            source,
        },
    };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)
        .map_err(failed)?;
    // The umask may have taken bits from the owner; it cannot add any.
    file.set_permissions(Permissions::from_mode(PRIVATE))
        .map_err(failed)
}

/// Takes away what a failed creation made. Best effort: what stays is empty of content, and opening it says `Unfinished`.
pub(crate) fn remove_unfinished(path: &Path) {
    for file in BESIDE.map(|suffix| beside(path, suffix)) {
        fs::remove_file(file).ok();
    }
    fs::remove_file(path).ok();
}

/// Makes a new file's name outlive a power cut.
///
/// # Errors
/// [`OpenError::File`].
pub(crate) fn sync_folder(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| OpenError::File {
            path: folder.into(),
            source,
        })
}

/// Looks at an existing store before SQLite does.
///
/// # Errors
/// `NotFound`, `NotAFile`, `TooOpen`, `Unfinished`, `NotOurs`, `Damaged` (ours with a broken header), `File`.
pub(crate) fn inspect(path: &Path) -> Result<(), OpenError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::NotFound(path.into()));
        }
        Err(source) => {
            return Err(OpenError::File {
                path: path.into(),
                source,
            });
        }
    };
    if !meta.is_file() {
        return Err(OpenError::NotAFile(path.into()));
    }
    refuse_too_open(path, &meta)?;
    for file in BESIDE.map(|suffix| beside(path, suffix)) {
        if let Ok(meta) = fs::symlink_metadata(&file) {
            if !meta.is_file() {
                return Err(OpenError::NotAFile(file));
            }
            refuse_too_open(&file, &meta)?;
        }
    }
    let mut header = Vec::with_capacity(100);
    let read = File::open(path).and_then(|file| file.take(100).read_to_end(&mut header));
    if let Err(source) = read {
        return Err(OpenError::File {
            path: path.into(),
            source,
        });
    }
    if header.is_empty() {
        return Err(OpenError::Unfinished(path.into()));
    }
    // Either mark alone says that it is, or was, a store of ours; both must be right for SQLite to see it.
    let magic = header.starts_with(MAGIC);
    let id = header
        .get(APPLICATION_ID_AT..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map(|id| u32::from_be_bytes(*id));
    match (magic, id) {
        // SQLite would take a greater write version for a file that may only be read.
        (true, Some(APPLICATION_ID)) if !matches!(header.get(FORMAT_AT), Some([1 | 2, 1 | 2])) => {
            Err(OpenError::Damaged(
                "the file's format version is not SQLite's".into(),
            ))
        }
        (true, Some(APPLICATION_ID)) => refuse_cut_short(path, &header, meta.len()),
        (false, Some(APPLICATION_ID)) => Err(OpenError::Damaged(
            "the file's first bytes are not SQLite's".into(),
        )),
        (true, None) => Err(OpenError::Damaged("the file ends in its header".into())),
        _ => Err(OpenError::NotOurs(path.into())),
    }
}

/// Where the size of a page, the change counter, the number of pages and the change counter of that number stand.
const PAGE_SIZE_AT: std::ops::Range<usize> = 16..18;
const CHANGES_AT: std::ops::Range<usize> = 24..28;
const PAGES_AT: std::ops::Range<usize> = 28..32;
const PAGES_OF_AT: std::ops::Range<usize> = 92..96;

/// SQLite notices a file that was cut short only when it comes to a page that is gone, which may be long after rows were
/// written that build on it. Where a `-wal` is beside the file, its pages may be there.
fn refuse_cut_short(path: &Path, header: &[u8], len: u64) -> Result<(), OpenError> {
    let wal = fs::symlink_metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    let (Some(page), Some(pages)) = (header.get(PAGE_SIZE_AT), header.get(PAGES_AT)) else {
        return Err(OpenError::Damaged("the file ends in its header".into()));
    };
    // The number is right only where it was written by the latest change.
    if wal || header.get(CHANGES_AT) != header.get(PAGES_OF_AT) {
        return Ok(());
    }
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let page = match number(page) {
        1 => 65_536,
        size => size,
    };
    if len < page.saturating_mul(number(pages)) {
        return Err(OpenError::Damaged("the file was cut short".into()));
    }
    Ok(())
}

fn refuse_too_open(path: &Path, meta: &fs::Metadata) -> Result<(), OpenError> {
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(OpenError::TooOpen {
            path: path.into(),
            mode,
        })
    }
}
