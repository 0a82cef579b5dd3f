//! A sealed file is opened by the `age` program itself, and what comes out by whatever reads a zip here. Where this
//! machine has no `age` these tests say that they were skipped, and fail if `AMENDS_REQUIRE_AGE` is 1.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use amends::age_file::{Inside, Recipient, To, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use zeroize::Zeroizing;
use zip::ZipArchive;

const PAGE: &str = "<!DOCTYPE html>\n<title>Words</title>";
/// More than one of the pieces that age seals by (64 KiB).
const PICTURE: &[u8] = &[0x5a; 200_000];
const FILES: &[Inside<'static>] = &[
    Inside {
        name: "packet.html",
        bytes: PAGE.as_bytes(),
    },
    Inside {
        name: "pictures/1.jpg",
        bytes: PICTURE,
    },
];

/// Whether `age` is here; says loudly where it is not.
fn age_is_here(test: &str) -> bool {
    let here = Command::new("age").arg("--version").output().is_ok();
    let required = std::env::var("AMENDS_REQUIRE_AGE").is_ok_and(|value| value == "1");
    assert!(
        here || !required,
        "{test}: age is missing, and AMENDS_REQUIRE_AGE=1"
    );
    if !here {
        // println! would be kept back by the harness.
        let _ = writeln!(std::io::stderr(), "!!! SKIPPED: {test}: age is missing");
    }
    here
}

/// A new identity: its file, and the recipient to it.
fn identity(folder: &Path, name: &str) -> (PathBuf, Recipient) {
    let file = folder.join(name);
    let made = Command::new("age-keygen")
        .arg("-o")
        .arg(&file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let shown = Command::new("age-keygen")
        .arg("-y")
        .arg(&file)
        .output()
        .unwrap();
    (
        file,
        String::from_utf8(shown.stdout).unwrap().parse().unwrap(),
    )
}

fn check(archive: Vec<u8>) {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    assert_eq!(archive.len(), FILES.len());
    for file in FILES {
        let mut bytes = Vec::new();
        archive
            .by_name(file.name)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert!(bytes == file.bytes, "{}", file.name);
    }
}

#[test]
fn age_opens_it_for_every_recipient() {
    if !age_is_here("age_opens_it_for_every_recipient") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (ana, to_ana) = identity(folder.path(), "ana");
    let (bo, to_bo) = identity(folder.path(), "bo");
    let (stranger, _) = identity(folder.path(), "stranger");
    let target = folder.path().join("packet.zip.age");
    write(&target, FILES, &To::Recipients(vec![to_ana, to_bo]), false).unwrap();
    let open = |identity: &Path| {
        Command::new("age")
            .arg("-d")
            .arg("-i")
            .arg(identity)
            .arg(&target)
            .output()
            .unwrap()
    };
    for identity in [ana, bo] {
        let opened = open(&identity);
        assert!(
            opened.status.success(),
            "{}",
            String::from_utf8_lossy(&opened.stderr)
        );
        check(opened.stdout);
    }
    let opened = open(&stranger);
    assert!(!opened.status.success() && opened.stdout.is_empty());
}

#[test]
fn age_opens_it_with_the_passphrase_typed() {
    if !age_is_here("age_opens_it_with_the_passphrase_typed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("packet.zip.age");
    let to = To::Passphrase(Zeroizing::new("seven lakes, één bridge".to_owned()));
    write(&target, FILES, &to, false).unwrap();
    let opened = folder.path().join("packet.zip");
    assert!(
        type_into_age(&target, &opened, "seven lakes, one bridge").contains("incorrect passphrase")
    );
    assert!(!opened.exists());
    let said = type_into_age(&target, &opened, "seven lakes, één bridge");
    check(fs::read(&opened).unwrap_or_else(|error| panic!("{error}: {said}")));
}

/// Runs `age -d` on a terminal of its own, types the passphrase once it is asked for, and gives what it said.
fn type_into_age(sealed: &Path, opened: &Path, passphrase: &str) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let screen = || File::options().read(true).write(true).open(&name).unwrap();
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait", "age", "-d", "-o"])
        .args([opened, sealed])
        .stdin(Stdio::from(screen()))
        .stdout(screen())
        .stderr(screen())
        .spawn()
        .unwrap();
    let mut keyboard = File::from(master);
    let (mut said, mut typed) = (String::new(), false);
    let mut buffer = [0; 1024];
    // On Linux the end of a terminal is an error.
    while let Ok(n @ 1..) = keyboard.read(&mut buffer) {
        said.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if !typed && said.contains("nter passphrase") {
            typed = true;
            keyboard
                .write_all(format!("{passphrase}\n").as_bytes())
                .unwrap();
        }
    }
    assert!(typed, "{said}");
    child.wait().unwrap();
    said
}
