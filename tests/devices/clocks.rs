//! Clocks that are moved: the program runs with the system's clock moved by a small library that is compiled here, as SQLite
//! is, and loaded before the C library. Where it runs on, its clock follows a file.
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
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static long long in_file(const char *path) {
    char text[32] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    return n > 0 ? atoll(text) : 0;
}
int clock_gettime(clockid_t id, struct timespec *t) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, t);
    if (r != 0 || id != CLOCK_REALTIME) return r;
    const char *shift = getenv("AMENDS_TEST_SHIFT"), *path = getenv("AMENDS_TEST_SHIFT_FILE");
    if (shift) t->tv_sec += atoll(shift);
    if (path) t->tv_sec += in_file(path);
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

/// A clock that can be moved while the device's program runs.
pub(crate) struct Moving(PathBuf);

impl Moving {
    /// The clock of every command of `device` from now on.
    pub(crate) fn of(device: &mut Device) -> Moving {
        let path = device.home().with_file_name("clock");
        std::fs::write(&path, "0").unwrap();
        device.set("LD_PRELOAD", shim().to_str().unwrap());
        device.set("AMENDS_TEST_SHIFT_FILE", path.to_str().unwrap());
        Moving(path)
    }

    /// Moves it so many seconds away from the machine's.
    pub(crate) fn to(&self, seconds: i64) {
        // Renamed into its place: nobody reads half a number.
        let new = self.0.with_extension("new");
        std::fs::write(&new, seconds.to_string()).unwrap();
        std::fs::rename(new, &self.0).unwrap();
    }
}

/// Sets a device's clock to a time in seconds since 1970 UTC.
pub(crate) fn set(device: &mut Device, to: i64) {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    shift(device, to - now);
}
