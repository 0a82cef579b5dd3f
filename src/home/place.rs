//! Where a home is, as far as a copy of it can be told from it before anything is written (docs/decisions/0037).
//!
//! A file that is copied, unpacked or restored is born anew: no tool can give it the birth time that the first one had. So the birth
//! of `journal.db`, kept inside it, tells a copy from what it was copied from. The machine's id tells a copy of a whole machine
//! that was given an id of its own.
//!
//! *What this cannot see*: files that are written over in place (`cp` onto the old ones), a disk or a virtual machine that was set
//! back or cloned as a whole, and file systems that keep no birth times. Those are noticed at the first meeting.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where a home's journal is. What is not known here is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When the file was born, in nanoseconds since 1970 UTC, as text.
    born: Option<String>,
    /// Its number, where birth times can be copied.
    file: Option<u64>,
    /// A hash of the machine's id.
    machine: Option<[u8; 32]>,
}

/// machine-id(5), which all Linux distributions with systemd have, and others too.
const MACHINE_ID: &str = "/etc/machine-id";
/// An id that is made anew at every start lies there, and tells nothing.
const TRANSIENT_ID: &str = "/run/machine-id";

impl Place {
    /// The place of a file.
    #[must_use]
    pub fn of(path: &Path) -> Place {
        let found = fs::metadata(path).ok();
        let born = found
            .as_ref()
            .and_then(|found| found.created().ok())
            .and_then(|born| born.duration_since(UNIX_EPOCH).ok())
            .map(|since| since.as_nanos().to_string());
        // On Linux nothing sets a birth time, and some file systems number their files anew at every mount.
        let file = found
            .filter(|_| cfg!(target_os = "macos"))
            .map(|found| found.ino());
        Place {
            born,
            file,
            machine: machine(),
        }
    }

    /// Whether one of them is a copy of the other. What is not known of both says nothing.
    #[must_use]
    pub fn is_another_than(&self, other: &Place) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.is_some_and(|one| other.is_some_and(|other| one != other))
        }
        differ(self.born.as_ref(), other.born.as_ref())
            || differ(self.file.as_ref(), other.file.as_ref())
            || differ(self.machine.as_ref(), other.machine.as_ref())
    }
}

fn machine() -> Option<[u8; 32]> {
    if Path::new(TRANSIENT_ID).exists() {
        return None;
    }
    let id = fs::read_to_string(MACHINE_ID).ok()?;
    let id = id.trim();
    // `uninitialized`, or nothing: not known yet.
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| {
        Sha256::new()
            .chain_update("amends/place/v1")
            .chain_update(id)
            .finalize()
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_another_place_and_what_stays_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (first, copy) = (dir.path().join("first"), dir.path().join("copy"));
        fs::write(&first, "x").unwrap();
        let place = Place::of(&first);
        if place.born.is_none() {
            eprintln!("SKIPPED: this file system keeps no birth times");
            return;
        }
        // Birth times are as fine as the kernel's tick: a copy of the same tick would be told from nothing.
        let since = std::time::Instant::now();
        loop {
            fs::copy(&first, &copy).unwrap();
            if place.is_another_than(&Place::of(&copy)) {
                break;
            }
            assert!(
                since.elapsed().as_secs() < 10,
                "a copy looks like the first one"
            );
            fs::remove_file(&copy).unwrap();
        }
        fs::write(&first, "longer than it was").unwrap();
        let moved = dir.path().join("moved");
        fs::rename(&first, &moved).unwrap();
        assert!(!place.is_another_than(&Place::of(&moved)));
    }

    #[test]
    fn what_is_not_known_says_nothing() {
        let known = Place {
            born: Some("1".into()),
            file: Some(7),
            machine: Some([1; 32]),
        };
        let unknown = Place {
            born: None,
            file: None,
            machine: None,
        };
        assert!(!known.is_another_than(&unknown) && !unknown.is_another_than(&known));
        let other = Place {
            machine: Some([2; 32]),
            ..unknown
        };
        assert!(known.is_another_than(&other));
    }
}
