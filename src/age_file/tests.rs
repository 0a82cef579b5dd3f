use std::io::Read;
use std::path::PathBuf;

use age::secrecy::ExposeSecret;
use bech32::{ToBase32, Variant};

use super::*;

const FILES: &[Inside<'static>] = &[
    Inside {
        name: "packet.html",
        bytes: b"<!DOCTYPE html>\nwhat Ana wrote",
    },
    Inside {
        name: "packet.md",
        bytes: b"# what Ana wrote\n",
    },
    Inside {
        name: "pictures/1.jpg",
        bytes: &[0xff, 0xd8, 0, 1, 2],
    },
];

fn identity() -> (age::x25519::Identity, Recipient) {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string().parse().unwrap();
    (identity, recipient)
}

fn unsealed(path: &Path, identity: &dyn age::Identity) -> Result<Vec<u8>, age::DecryptError> {
    let bytes = fs::read(path).unwrap();
    let mut plain = Vec::new();
    age::Decryptor::new(bytes.as_slice())?
        .decrypt(std::iter::once(identity))?
        .read_to_end(&mut plain)
        .unwrap();
    Ok(plain)
}

/// What lies in a folder, with modes.
fn listing(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into(),
                entry.metadata().unwrap().permissions().mode() & 0o7777,
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn each_recipient_opens_it_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("packet.zip.age");
    let ((ana, to_ana), (bo, to_bo), (stranger, _)) = (identity(), identity(), identity());
    let length = write(&target, FILES, &To::Recipients(vec![to_ana, to_bo]), false).unwrap();
    assert_eq!(length, fs::metadata(&target).unwrap().len());
    assert_eq!(listing(folder.path()), [("packet.zip.age".into(), 0o600)]);
    assert!(
        fs::read(&target)
            .unwrap()
            .starts_with(b"age-encryption.org/v1\n-> X25519 ")
    );

    let plain = unsealed(&target, &ana).unwrap();
    assert_eq!(plain, unsealed(&target, &bo).unwrap());
    assert_eq!(plain, *archive(FILES).unwrap());
    assert!(matches!(
        unsealed(&target, &stranger),
        Err(age::DecryptError::NoMatchingKeys)
    ));
    let sealed = fs::read(&target).unwrap();
    assert!(
        !sealed
            .windows(9)
            .any(|window| window == b"packet.md" || window == b"Ana wrote")
    );
}

#[test]
fn the_passphrase_opens_it_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("packet.zip.age");
    let to = To::Passphrase(Zeroizing::new("a långer passphrase".to_owned()));
    write(&target, FILES, &to, false).unwrap();
    let header = fs::read(&target).unwrap();
    let header =
        String::from_utf8_lossy(header.split(|byte| *byte == b'\n').nth(1).unwrap()).into_owned();
    assert!(
        header.starts_with("-> scrypt ") && header.ends_with(" 18"),
        "{header}"
    );

    let with = |passphrase: &str| {
        let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
        // What the age program takes; the crate would measure this machine, which may be busy.
        identity.set_max_work_factor(22);
        unsealed(&target, &identity)
    };
    assert_eq!(
        with("a långer passphrase").unwrap(),
        *archive(FILES).unwrap()
    );
    assert!(with("a langer passphrase").is_err());
}

#[test]
fn what_is_there_stays_unless_it_is_told_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("packet.zip.age");
    fs::write(&target, "mine").unwrap();
    let (me, to_me) = identity();
    let to = To::Recipients(vec![to_me]);
    assert!(matches!(
        write(&target, FILES, &to, false),
        Err(AgeFileError::Exists)
    ));
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    write(&target, FILES, &to, true).unwrap();
    assert_eq!(unsealed(&target, &me).unwrap(), *archive(FILES).unwrap());
    assert_eq!(listing(folder.path()), [("packet.zip.age".into(), 0o600)]);

    // A link that leads nowhere is something too.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/nowhere/at/all", &link).unwrap();
    assert!(matches!(
        write(&link, FILES, &to, false),
        Err(AgeFileError::Exists)
    ));
}

#[test]
fn where_it_cannot_be_written_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (_, to_me) = identity();
    let to = To::Recipients(vec![to_me]);
    let at = |name: &str| folder.path().join(name);
    let write = |target: &Path, files: &[Inside<'_>], to: &To| write(target, files, to, true);
    assert!(matches!(
        write(&at("no/packet.age"), FILES, &to),
        Err(AgeFileError::Io(_))
    ));
    assert!(matches!(
        write(folder.path(), FILES, &to),
        Err(AgeFileError::Folder)
    ));
    assert!(matches!(
        write(Path::new("/"), FILES, &to),
        Err(AgeFileError::Folder)
    ));
    let nobody = To::Recipients(Vec::new());
    assert!(matches!(
        write(&at("x"), FILES, &nobody),
        Err(AgeFileError::NoRecipient)
    ));
    let everybody = To::Passphrase(Zeroizing::new(String::new()));
    assert!(matches!(
        write(&at("x"), FILES, &everybody),
        Err(AgeFileError::EmptyPassphrase)
    ));
    let long = "x".repeat(LONGEST_NAME + 1);
    for name in [
        "",
        "/etc/x",
        "../x",
        "a//b",
        "a/",
        ".x",
        "a/./b",
        "a\\b",
        "C:x",
        "Ana Weber.md",
        "é.md",
        "x.",
        &long,
    ] {
        let files = [Inside { name, bytes: b"" }];
        assert!(
            matches!(write(&at("x"), &files, &to), Err(AgeFileError::Name(_))),
            "{name}"
        );
    }
    let twice = [
        Inside {
            name: "a.md",
            bytes: b"",
        },
        Inside {
            name: "A.md",
            bytes: b"",
        },
    ];
    assert!(matches!(
        write(&at("x"), &twice, &to),
        Err(AgeFileError::Name(_))
    ));
    assert_eq!(listing(folder.path()), []);
}

#[test]
fn the_archive_says_nothing_of_who_made_it() {
    let bytes = archive(FILES).unwrap();
    assert_eq!(*bytes, *archive(FILES).unwrap());
    // The first local header (APPNOTE 4.3.7): no flag for sizes behind the file, stored, 1980-01-01 00:00.
    assert_eq!(bytes[..4], *b"PK\x03\x04");
    assert_eq!(bytes[6..14], [0, 0, 0, 0, 0, 0, 0x21, 0]);
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes.as_slice())).unwrap();
    assert_eq!(zip.len(), FILES.len());
    assert_eq!(zip.comment(), b"");
    for (number, inside) in FILES.iter().enumerate() {
        let mut file = zip.by_index(number).unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!((file.name(), read.as_slice()), (inside.name, inside.bytes));
        assert_eq!(file.unix_mode(), Some(0o100_600));
        assert_eq!(file.extra_data().unwrap_or_default(), b"");
        assert_eq!(file.comment(), "");
        assert_eq!(file.last_modified(), Some(DateTime::default()));
    }
}

#[test]
fn an_archive_of_any_size_is_made_without_growing() {
    // The assertion is in `archive` itself.
    assert!(!archive(&[]).unwrap().is_empty());
    for size in [0, 1, 1000, 70_000] {
        let bytes = vec![7; size];
        let names: Vec<String> = (0..40)
            .map(|n| format!("{}{n}", "x".repeat(LONGEST_NAME - 2)))
            .collect();
        let files: Vec<_> = names
            .iter()
            .map(|name| Inside {
                name,
                bytes: &bytes,
            })
            .collect();
        assert!(archive(&files).unwrap().len() > 40 * size);
    }
}

#[test]
fn a_recipient_is_read_as_it_is_written() {
    let typed = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    let recipient: Recipient = format!("  {typed}\n").parse().unwrap();
    assert_eq!(recipient.to_string(), typed);
    assert_eq!(format!("{recipient:?}"), typed);
}

#[test]
fn what_is_no_recipient_is_refused_by_its_kind() {
    let letters = |kind: &str, bytes: &[u8], variant| {
        bech32::encode(kind, bytes.to_base32(), variant).unwrap()
    };
    let secret = age::x25519::Identity::generate().to_string();
    let mut newer = "age1pq1".to_owned();
    newer.push_str(&"q".repeat(1950));
    for (typed, error) in [
        (secret.expose_secret(), RecipientError::Secret),
        ("AGE-PLUGIN-YUBIKEY-1QQQQ", RecipientError::Secret),
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
            RecipientError::OtherKind,
        ),
        (
            &letters("age1yubikey", &[2; 33], Variant::Bech32),
            RecipientError::OtherKind,
        ),
        (&newer, RecipientError::OtherKind),
        ("", RecipientError::NotOne),
        ("Dr. Weber", RecipientError::NotOne),
        ("age1", RecipientError::NotOne),
        (
            "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pb",
            RecipientError::NotOne,
        ),
        (
            &letters("age", &[9; 31], Variant::Bech32),
            RecipientError::NotOne,
        ),
        (
            &letters("age", &[9; 32], Variant::Bech32m),
            RecipientError::NotOne,
        ),
        (
            &letters("bc", &[9; 32], Variant::Bech32),
            RecipientError::NotOne,
        ),
    ] {
        assert_eq!(typed.parse::<Recipient>().unwrap_err(), error, "{typed}");
    }
}

#[test]
fn a_key_whose_secret_everybody_knows_is_refused() {
    // The points of small order, each in every spelling (Bernstein and Lange, https://cr.yp.to/ecdh.html#validate).
    let order_eight = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let mut keys: Vec<[u8; 32]> = order_eight
        .iter()
        .map(|hex| {
            data_encoding::HEXLOWER
                .decode(hex.as_bytes())
                .unwrap()
                .try_into()
                .unwrap()
        })
        .collect();
    for low in [0, 1] {
        let mut key = [0; 32];
        key[0] = low;
        keys.push(key);
    }
    // p - 1, p, p + 1
    for low in [0xec, 0xed, 0xee] {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (low, 0x7f);
        keys.push(key);
    }
    for mut key in keys {
        for high in [0, 0x80] {
            key[31] ^= high;
            let typed = bech32::encode("age", key.to_base32(), Variant::Bech32).unwrap();
            assert_eq!(
                typed.parse::<Recipient>().unwrap_err(),
                RecipientError::Open,
                "{typed}"
            );
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_typing_breaks_a_recipient(typed in ".{0,80}") {
        let _ = typed.parse::<Recipient>();
        let _ = format!("age1{typed}").parse::<Recipient>();
    }
}
