//! Clocks that are moved: the program runs with the system's clock moved by a small library that is compiled here, as SQLite
//! is, and loaded before the C library.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use tempfile::TempDir;

use super::Device;

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, t);
    const char *shift = getenv("AMENDS_TEST_SHIFT");
    if (r == 0 && id == CLOCK_REALTIME && shift) t->tv_sec += atoll(shift);
    return r;
}
"#;

fn shim() -> PathBuf {
    static MADE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (source, path) = (dir.path().join("shift.c"), dir.path().join("shift.so"));
        std::fs::write(&source, SHIM).unwrap();
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&path)
            .arg(&source)
            .arg("-ldl")
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        (dir, path)
    });
    path.clone()
}

pub(crate) const DAY: i64 = 86_400;

/// Moves a device's clock by seconds.
pub(crate) fn shift(device: &mut Device, seconds: i64) {
    device.set("LD_PRELOAD", shim().to_str().unwrap());
    device.set("AMENDS_TEST_SHIFT", &seconds.to_string());
}

/// Sets a device's clock to a time in seconds since 1970 UTC.
pub(crate) fn set(device: &mut Device, to: i64) {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    shift(device, to - now);
}
