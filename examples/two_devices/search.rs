//! Looks through every file of a home, byte by byte, for words in clear.

use std::path::{Path, PathBuf};

use crate::device::Told;

/// What was looked through.
#[derive(Default)]
pub(crate) struct Searched {
    /// Regular files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// What was found, and where.
    pub(crate) found: Vec<(String, PathBuf)>,
}

/// Everything to look for that gives a text away: the text, and each run of three of its words, since an edit is kept as
/// what it changed.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let runs = words.windows(3).map(|run| run.join(" "));
    std::iter::once(text.to_owned()).chain(runs).collect()
}

/// Looks for each of `sought` in the names and the bytes of all files under `folder`, as UTF-8 and as UTF-16.
pub(crate) fn search(folder: &Path, sought: &[String]) -> Told<Searched> {
    let patterns: Vec<(&String, Vec<u8>)> = sought
        .iter()
        .flat_map(|text| {
            let wide = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [(text, text.as_bytes().to_vec()), (text, wide)]
        })
        .collect();
    let mut searched = Searched::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed =
            |error: std::io::Error| format!("{} could not be searched: {error}.", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let mut held = entry.file_name().into_encoded_bytes();
            if kind.is_dir() {
                folders.push(path.clone());
            } else if kind.is_file() {
                // A write-ahead log may go away between the listing and the reading: then there is nothing to find in it.
                let bytes = match std::fs::read(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    read => read.map_err(failed)?,
                };
                searched.files += 1;
                searched.bytes += bytes.len() as u64;
                held.push(0);
                held.extend(bytes);
            }
            for (text, pattern) in &patterns {
                if held
                    .windows(pattern.len())
                    .any(|window| window == pattern.as_slice())
                {
                    searched.found.push(((*text).clone(), path.clone()));
                }
            }
        }
    }
    Ok(searched)
}
