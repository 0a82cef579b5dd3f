//! Files of any kind and number, and where each belongs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use amends_journal::{EntryKind, PartKind};

use crate::device::Into;
use crate::story::Told;

/// More than this of one file is not read: no frame holds it.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// Every file in a folder and those in it, in the order of their names.
pub(crate) fn all(folder: &Path) -> Told<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut first = true;
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if first => return Err(format!("{}: {error}", folder.display())),
            Err(error) => {
                println!("{}: not read: {error}", shown(&folder, Path::new("")));
                continue;
            }
        };
        first = false;
        for entry in entries.filter_map(Result::ok) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A file's bytes, up to [`MOST_BYTES`], and whether these are all.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, bool), String> {
    // Nothing but a file is opened: a pipe or a terminal would make us wait.
    let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !is_file.is_file() {
        return Err("it is no file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let whole = bytes.len() as u64 <= MOST_BYTES;
    bytes.truncate(MOST_BYTES as usize);
    Ok((bytes, whole))
}

/// A name that does nothing to a terminal.
pub(crate) fn shown(path: &Path, folder: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap_or(path);
    name.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// `KIND-PART…` at the beginning of a file's name.
pub(crate) fn into_of_file(path: &Path) -> Option<Into> {
    let name = path.file_name()?.to_str()?;
    let mut words = name.splitn(3, ['-', '.', '_']);
    let (kind, part) = (words.next()?, words.next()?);
    into_of(&format!("{kind}/{part}"), '/')
}

/// A kind and a part, with this between them.
pub(crate) fn into_of(said: &str, between: char) -> Option<Into> {
    let (kind, part) = said.split_once(between)?;
    let part = match part {
        "shared" => PartKind::Shared,
        "own" => PartKind::Own,
        _ => return None,
    };
    Some(Into {
        kind: EntryKind::from_name(kind)?,
        part: part.byte(),
    })
}
