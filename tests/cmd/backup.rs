//! Backups as people and scripts meet them: whole or refused, private, opened by the passphrase or the kit of their day.

use std::fs;

use crate::harness::{PASSPHRASE, Place, mode};

/// A home with a kit, its words, and a backup of it.
fn backed_up() -> (Place, String, String) {
    let place = Place::with_home();
    let made = place.open(&["kit", "make", "--to", "-"]).ok();
    let file = place.path().join("backup").to_str().unwrap().to_owned();
    place.open(&["backup", "write", &file]).ok();
    (place, made.out.trim().to_owned(), file)
}

/// Beside the first home, another one.
fn elsewhere(place: &Place) -> String {
    place.path().join("new/home").to_str().unwrap().to_owned()
}

#[test]
fn it_is_one_private_file_and_is_never_written_over_unasked() {
    let (place, _, file) = backed_up();
    assert_eq!(mode(file.as_ref()), 0o600);
    let before = place.snapshot();
    let again = place.open(&["backup", "write", &file, "--json"]);
    assert_eq!((again.code, again.error().as_str()), (1, "backup_exists"));
    let inside = place.home().join("backup");
    let inside = place.open(&["backup", "write", inside.to_str().unwrap(), "--json"]);
    assert_eq!((inside.code, inside.error().as_str()), (2, "backup_place"));
    let nowhere = place.path().join("nowhere/backup");
    let nowhere = place.open(&["backup", "write", nowhere.to_str().unwrap(), "--json"]);
    assert_eq!(nowhere.error(), "backup_not_written");
    assert_eq!(place.snapshot(), before);
    let forced = place
        .open(&["backup", "write", &file, "--force", "--json"])
        .ok();
    assert_eq!(forced.json()["bytes"], fs::metadata(&file).unwrap().len());
}

#[test]
fn the_passphrase_or_the_kit_of_its_day_opens_it() {
    let (place, words, file) = backed_up();
    // Both are others today.
    let new = place.file("new-passphrase", "four other words here");
    place
        .open(&["passphrase", "--new-passphrase-file", new.to_str().unwrap()])
        .ok();
    place.file("passphrase", "four other words here");
    place.open(&["kit", "make", "--to", "-"]).ok();
    let wrong = place.open(&["backup", "check", &file, "--json"]);
    assert_eq!(
        (wrong.code, wrong.error().as_str()),
        (3, "wrong_passphrase")
    );
    place.file("passphrase", PASSPHRASE);
    let checked = place.open(&["backup", "check", &file, "--json"]).ok();
    assert_eq!(
        checked.json(),
        serde_json::json!({"whole": true, "kit": true})
    );

    let home = elsewhere(&place);
    let words = place.file("words", words);
    let words = words.to_str().unwrap();
    place
        .run(&[
            "backup",
            "restore",
            &file,
            "--kit-file",
            words,
            "--home",
            &home,
        ])
        .ok();
    let status = place.open(&["status", "--json", "--home", &home]).ok();
    assert_eq!(status.json()["name"], "Ana");
    assert_eq!(mode(home.as_ref()), 0o700);
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn one_that_was_changed_or_cut_short_is_refused_and_nothing_is_left_of_it() {
    let (place, _, file) = backed_up();
    let whole = fs::read(&file).unwrap();
    let home = elsewhere(&place);
    // The last bytes, the middle, the vault before the pieces.
    let mut files = vec![
        whole[..whole.len() - 1].to_vec(),
        whole[..whole.len() / 2].to_vec(),
    ];
    for at in [20, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        files.push(changed);
    }
    for bytes in files {
        fs::write(&file, bytes).unwrap();
        let before = place.snapshot();
        for command in [
            &["backup", "check", &file, "--json"][..],
            &["backup", "restore", &file, "--json", "--home", &home],
        ] {
            let refused = place.open(command);
            assert_eq!(
                (refused.code, refused.error().as_str()),
                (7, "backup_damaged")
            );
        }
        assert_eq!(place.snapshot(), before);
    }
    let other = place.file(
        "holiday.txt",
        "sun, and a file that is long enough for anything",
    );
    let refused = place.open(&["backup", "check", other.to_str().unwrap(), "--json"]);
    assert_eq!(
        (refused.code, refused.error().as_str()),
        (1, "not_a_backup")
    );
}

#[test]
fn it_is_restored_only_where_there_is_nothing() {
    let (place, _, file) = backed_up();
    let before = place.snapshot();
    let there = place.open(&["backup", "restore", &file, "--json"]);
    assert_eq!((there.code, there.error().as_str()), (1, "exists"));
    assert_eq!(place.snapshot(), before);
}
