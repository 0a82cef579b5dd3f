//! What can be seen of a home without its key.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{failed, ill, well};
use crate::advice::Advice;
use crate::app::{EARLIEST, LATEST, now, time_of};
use crate::home::{Home, JOURNAL_DB, PRIVATE_DB, VAULT};
use crate::keyring;
use crate::passphrase::Locked;
use crate::request::{Failure, Finding, State};
use crate::terminal::line;

/// With less room than this a photo does not fit any more.
const LITTLE_ROOM: u64 = 64 << 20;
/// How far a file's time may lie ahead of the clock: zones of a disk that was written by another system.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The folder, and the home where it can be opened.
pub fn home(dir: &Path) -> (Finding, Option<Home>) {
    match Home::open(dir) {
        Ok(home) => {
            let path = line(&home.dir().display().to_string());
            let message = format!("{path} is this user's, and closed to others.");
            (well("home", message), Some(home))
        }
        Err(error) => (failed("home", Failure::from(error)), None),
    }
}

/// How much room its disk has.
pub fn disk(dir: &Path) -> Option<Finding> {
    let found = rustix::fs::statvfs(dir).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let mib = free >> 20;
    Some(if free < LITTLE_ROOM {
        let path = line(&dir.display().to_string());
        let state = if mib == 0 {
            State::Failed
        } else {
            State::Warning
        };
        ill("disk", state, Advice::LittleRoom { path, mib })
    } else {
        well("disk", format!("The disk has {mib} MiB of room."))
    })
}

/// The vault's file, not opened.
pub fn vault(home: &Home) -> Finding {
    match Locked::of(home) {
        Err(failure) => failed("vault", failure),
        Ok(locked) if locked.vault.cost().is_none() => {
            failed("vault", locked.damaged(&"no passphrase opens it"))
        }
        Ok(locked) => {
            let vault = &locked.vault;
            let kit = if vault.has_kit() {
                "The passphrase opens it, and the recovery kit."
            } else {
                "Only the passphrase opens it: there is no recovery kit (amends kit make)."
            };
            let keyring = match (vault.keyring_name(), keyring::holds(vault)) {
                (None, _) => "",
                (Some(_), true) => " The system's keyring opens it without asking.",
                (Some(_), false) => {
                    " The system's keyring holds nothing now; after the next passphrase it opens it again."
                }
            };
            well("vault", format!("The vault is whole. {kit}{keyring}"))
        }
    }
}

/// The clock, against what no clock can show, and against what was written here before. Both times in milliseconds since
/// 1970 UTC.
pub fn clock(dir: &Path, met: Option<i64>) -> Finding {
    let now = now();
    if !(EARLIEST..LATEST).contains(&now) {
        return failed("clock", Advice::ClockAbsurd { now: time_of(now) });
    }
    let written = [VAULT, JOURNAL_DB, PRIVATE_DB]
        .iter()
        .filter_map(|name| std::fs::metadata(dir.join(name)).ok()?.modified().ok())
        .filter_map(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .filter_map(|since| i64::try_from(since.as_millis()).ok())
        .chain(met)
        .max();
    let ahead = i64::try_from(AHEAD.as_millis()).unwrap_or(i64::MAX);
    match written {
        Some(written) if written > now.saturating_add(ahead) => failed(
            "clock",
            Advice::ClockBehind {
                now: time_of(now),
                written: time_of(written),
            },
        ),
        _ => well(
            "clock",
            format!(
                "This machine's clock says {}.",
                crate::words::when(&time_of(now))
            ),
        ),
    }
}
