//! Homes that are damaged, foreign, full or closed: a clear error, and nothing lost once it is put right.

mod devices;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use devices::network::{in_namespaces, shell};
use devices::{Device, Pair, Said, assert_equal};
use serde_json::Value;

/// A pair with something written, and what Ana's list says.
fn with_something_written() -> (Pair, Vec<Value>) {
    let pair = Pair::new();
    for n in 0..8 {
        pair.ana.propose(&format!(
            "Number {n}, {}",
            "with enough words to fill some pages. ".repeat(20)
        ));
    }
    pair.meet();
    let list = pair.ana.list();
    (pair, list)
}

/// Every command must fail with this, and `put_right` must bring everything back.
#[track_caller]
fn assert_refuses(
    device: &Device,
    what: &str,
    expected: (i32, &[&str]),
    put_right: impl FnOnce(),
    list: &[Value],
) {
    let refused = |said: Said| {
        let (exit, code) = said.failure();
        assert!(
            exit == expected.0 && expected.1.contains(&code.as_str()),
            "{what}: {said:#?}"
        );
        for panicking in ["panicked", "internal"] {
            assert!(!said.err.contains(panicking), "{what}: {said:#?}");
        }
    };
    refused(device.run(&["boundary", "list"]));
    refused(device.run(&["boundary", "propose", "Into what is damaged."]));
    refused(device.run(&["up", "--quiet", "--listen", "127.0.0.1:0"]));
    put_right();
    assert_eq!(device.list(), list, "{what}");
}

#[test]
fn a_store_that_was_cut_short_is_said_and_comes_back_with_its_copy() {
    let (pair, list) = with_something_written();
    for store in ["journal.db", "private.db"] {
        let path = pair.ana.home().join(store);
        let whole = fs::read(&path).unwrap();
        let size = whole.len() as u64;
        assert!(size > 8192, "{store} has {size} bytes, too few to be cut");
        for length in [0, 1, 99, 4096, size / 2, size - 1] {
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(length)
                .unwrap();
            let put_right = || fs::write(&path, &whole).unwrap();
            assert_refuses(
                &pair.ana,
                &format!("{store} cut to {length}"),
                (7, &["damaged", "foreign"]),
                put_right,
                &list,
            );
        }
    }
}

#[test]
fn a_store_with_changed_bytes_is_said() {
    let (pair, list) = with_something_written();
    let path = pair.ana.home().join("journal.db");
    let whole = fs::read(&path).unwrap();
    // Its header, then the middle of the last page: sealed rows.
    for at in [0, 20] {
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[whole[at] ^ 0x55; 4], at as u64)
            .unwrap();
        let put_right = || fs::write(&path, &whole).unwrap();
        assert_refuses(
            &pair.ana,
            &format!("bytes changed at {at}"),
            (7, &["damaged", "foreign"]),
            put_right,
            &list,
        );
    }
}

/// What `doctor --repair` says, check by check.
fn repair(device: &Device) -> Vec<Value> {
    let said = device.run(&["doctor", "--repair", "--quiet"]);
    said.last().as_array().unwrap().clone()
}

fn of<'a>(found: &'a [Value], check: &str) -> &'a Value {
    let is = |one: &&Value| one["check"] == check;
    found
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("{check} in {found:#?}"))
}

#[test]
fn a_changed_byte_anywhere_is_said_and_repaired_and_the_partner_gives_the_rest() {
    let (pair, list) = with_something_written();
    let path = pair.ana.home().join("journal.db");
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    let long = std::env::var_os("AMENDS_LONG").is_some();
    let places: Vec<usize> = (0..pages)
        .filter(|page| long || page % 4 == 1)
        .map(|page| page * 4096 + [5, 9, 300, 1700, 3000, 4000][page % 6])
        // How the pages are to be read, and the list of tables.
        .chain([20, 28, 110, 4000])
        .collect();
    let (mut repaired, mut beyond) = (0, Vec::new());
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&path, &bytes).unwrap();
        let found = repair(&pair.ana);
        let told = of(&found, "repair_journal");
        for panicking in ["panicked", "internal"] {
            assert!(!told.to_string().contains(panicking), "byte {at}: {told}");
        }
        if told["code"] == "beyond_repair" {
            // The one row that nothing else has.
            beyond.push(at);
            fs::write(&path, &whole).unwrap();
            continue;
        }
        assert_eq!(told["state"], "ok", "byte {at}: {found:#?}");
        assert_eq!(
            of(&found, "journal")["state"],
            "ok",
            "byte {at}: {found:#?}"
        );
        repaired += usize::from(told["message"].to_string().contains("is made anew"));
        pair.meet();
        pair.meet();
        assert_eq!(pair.ana.list(), list, "byte {at}: {told}");
        assert_equal(&pair.ana, &pair.bo);
        let found = repair(&pair.ana);
        assert_eq!(of(&found, "journal")["state"], "ok", "byte {at}");
        assert!(
            found.iter().all(|one| one["check"] != "lost"),
            "byte {at}: {found:#?}"
        );
        // From the same state once more; Bo's device has seen nothing that could not be.
        fs::write(&path, &whole).unwrap();
        assert!(pair.bo.status()["refused"].as_array().unwrap().is_empty());
    }
    assert!(repaired > 4 && beyond.len() <= 3, "{repaired} {beyond:?}");
    let kept = pair.ana.home().join("journal.db.damaged");
    assert!(kept.exists(), "what was damaged is kept");
    // While somebody has the journal open nothing is repaired.
    let up = pair.ana.up();
    let said = pair.ana.run_locked(&["doctor", "--repair", "--quiet"]);
    assert_eq!(said.failure(), (1, "repair_while_up".to_owned()));
    up.down();
    assert_eq!(pair.ana.list(), list);
}

#[test]
fn a_changed_byte_of_the_header_is_said_whatever_it_says_and_repaired() {
    let (pair, list) = with_something_written();
    let home = pair.ana.home();
    let long = std::env::var_os("AMENDS_LONG").is_some();
    for store in ["journal.db", "private.db"] {
        let path = home.join(store);
        let whole = fs::read(&path).unwrap();
        // The number of the tables is in 60..64, whose file it is in 68..72.
        let some: &[usize] = match store {
            "journal.db" => &[0, 18, 60, 63, 68],
            _ => &[63],
        };
        let places = (0..100).filter(|at| long || some.contains(at));
        for at in places {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            fs::write(&path, &bytes).unwrap();
            let said = pair.ana.run(&["boundary", "list"]);
            // What SQLite does not look at changes nothing.
            if said.exit != 0 {
                let (exit, code) = said.failure();
                let clear = ["damaged", "foreign", "incomplete"].contains(&code.as_str());
                assert!(exit == 7 && clear, "{store} byte {at}: {said:#?}");
                assert!(
                    !said.err.contains("panicked"),
                    "{store} byte {at}: {said:#?}"
                );
                let name = format!("repair_{}", store.trim_end_matches(".db"));
                let found = repair(&pair.ana);
                assert_eq!(
                    of(&found, &name)["state"],
                    "ok",
                    "{store} byte {at}: {found:#?}"
                );
            }
            assert_eq!(pair.ana.list(), list, "{store} byte {at}");
            fs::write(&path, &whole).unwrap();
        }
    }
}

#[test]
fn a_changed_byte_of_the_log_that_is_written_first_loses_what_stands_behind_it_and_nothing_before()
{
    let (pair, _) = with_something_written();
    let home = pair.ana.home();
    // Killed, so that what it wrote stands in the `-wal` alone.
    let up = pair.ana.up();
    for n in 0..4 {
        let said = pair
            .ana
            .run_locked(&["boundary", "propose", &format!("Late {n}.")]);
        said.ok();
    }
    up.running.kill();
    let wal = fs::read(home.join("journal.db-wal")).unwrap();
    let store = fs::read(home.join("journal.db")).unwrap();
    assert!(wal.len() > 4 * 4096, "{}", wal.len());
    let late = |device: &Device| -> Vec<String> {
        let texts = device.list();
        let texts = texts
            .iter()
            .map(|entry| entry["text"].as_str().unwrap().to_owned());
        texts.filter(|text| text.starts_with("Late")).collect()
    };
    let copy = || {
        let copy = pair.ana.copy();
        fs::write(copy.home().join("journal.db"), &store).unwrap();
        copy
    };
    assert_eq!(late(&copy()).len(), 4);
    let frames: Vec<usize> = (32..wal.len()).step_by(24 + 4096).collect();
    let mut lengths = Vec::new();
    for at in [0, 8, 16, 24].into_iter().chain(
        frames
            .iter()
            .step_by(frames.len() / 5 + 1)
            .map(|at| at + 600),
    ) {
        let device = copy();
        let mut bytes = wal.clone();
        bytes[at] ^= 0x41;
        fs::write(device.home().join("journal.db-wal"), &bytes).unwrap();
        let now = late(&device);
        // What is there is the beginning of what was written.
        let expected: Vec<String> = (0..now.len()).map(|n| format!("Late {n}.")).collect();
        assert_eq!(now, expected, "byte {at}");
        lengths.push(now.len());
        let found = repair(&device);
        assert_eq!(
            of(&found, "journal")["state"],
            "ok",
            "byte {at}: {found:#?}"
        );
        device.propose("And on it goes.");
    }
    assert!(
        lengths.contains(&0) && lengths.iter().any(|length| *length > 0),
        "{lengths:?}"
    );
}

#[test]
fn a_changed_byte_anywhere_in_the_vault_is_said_and_put_right() {
    let (pair, list) = with_something_written();
    let path = pair.ana.home().join("vault");
    let whole = fs::read(&path).unwrap();
    for at in [0, 4, 5, 6, 9, 14, 40, whole.len() - 40, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&path, &bytes).unwrap();
        let said = pair.ana.run(&["boundary", "list"]);
        assert_eq!(said.failure(), (7, "vault_damaged".to_owned()), "byte {at}");
        let found = repair(&pair.ana);
        assert_eq!(
            of(&found, "repair_vault")["state"],
            "ok",
            "byte {at}: {found:#?}"
        );
        assert_eq!(of(&found, "vault")["state"], "ok", "byte {at}: {found:#?}");
        assert_eq!(fs::read(&path).unwrap(), whole, "byte {at}");
        assert_eq!(pair.ana.list(), list, "byte {at}");
    }
    // Two are beyond it, and nothing is touched.
    let mut bytes = whole.clone();
    (bytes[20], bytes[60]) = (bytes[20] ^ 1, bytes[60] ^ 1);
    fs::write(&path, &bytes).unwrap();
    let found = repair(&pair.ana);
    assert_eq!(of(&found, "vault")["code"], "vault_damaged");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_belongs_to_another_home_is_said_and_left_alone() {
    let (pair, list) = with_something_written();
    for (file, codes) in [
        ("journal.db", &["foreign"][..]),
        ("private.db", &["foreign"]),
        ("vault", &["foreign"]),
    ] {
        let path = pair.ana.home().join(file);
        let (own, foreign) = (
            fs::read(&path).unwrap(),
            fs::read(pair.bo.home().join(file)).unwrap(),
        );
        fs::write(&path, &foreign).unwrap();
        let put_right = || {
            assert_eq!(fs::read(&path).unwrap(), foreign, "it was changed");
            fs::write(&path, &own).unwrap();
        };
        assert_refuses(
            &pair.ana,
            &format!("{file} of another home"),
            (7, codes),
            put_right,
            &list,
        );
    }
}

#[test]
fn what_is_missing_or_no_vault_is_said() {
    let (pair, list) = with_something_written();
    for (file, missing) in [
        ("journal.db", (7, "incomplete")),
        ("private.db", (7, "incomplete")),
        ("vault", (7, "incomplete")),
    ] {
        let path = pair.ana.home().join(file);
        let own = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let put_right = || devices::write_private(&path, &own);
        assert_refuses(
            &pair.ana,
            &format!("no {file}"),
            (missing.0, &[missing.1]),
            put_right,
            &list,
        );
        for other in [&b""[..], b"Not what belongs here.", &own[..own.len() / 2]] {
            fs::write(&path, other).unwrap();
            let put_right = || fs::write(&path, &own).unwrap();
            let what = format!("{} other bytes in {file}", other.len());
            assert_refuses(
                &pair.ana,
                &what,
                (7, &["damaged", "foreign", "vault_damaged"]),
                put_right,
                &list,
            );
        }
    }
}

/// A disk of its own for Ana's home.
const A_SMALL_DISK: &str = "ip link set lo up && mount -t tmpfs -o size=2m,mode=700 none /mnt";

fn fill(disk: &Path) {
    let file = fs::File::create(disk.join("filler")).unwrap();
    let mut at = 0;
    for size in [65536, 4096, 1] {
        while let Ok(written @ 1..) = file.write_at(&vec![1; size], at) {
            at += written as u64;
        }
    }
}

#[test]
fn a_full_disk_confirms_nothing_loses_nothing_and_takes_more_once_there_is_room() {
    in_namespaces(
        "a_full_disk_confirms_nothing_loses_nothing_and_takes_more_once_there_is_room",
        A_SMALL_DISK,
        || {
            let disk = Path::new("/mnt");
            let Pair { ana, bo } = Pair::by_code();
            let pair = Pair {
                ana: ana.moved_to(&disk.join("home")),
                bo,
            };
            pair.ana.propose("There was room for this.");
            let before = pair.ana.list();

            // While up holds the journal.
            let up = pair.ana.up();
            fill(disk);
            let mut refused = 0;
            let mut kept = Vec::new();
            // SQLite may have some pages left in files that are there.
            for n in 0..200 {
                let said = pair.ana.run_locked(&[
                    "boundary",
                    "propose",
                    &format!("Number {n} on a full disk."),
                ]);
                if said.exit == 0 {
                    kept.push(said.ok()["text"].clone());
                } else {
                    assert_eq!(said.failure(), (1, "disk_full".to_owned()), "{said:#?}");
                    refused += 1;
                    if refused == 3 {
                        break;
                    }
                }
            }
            assert_eq!(refused, 3, "the disk was never full");
            let texts = |list: &[Value]| -> Vec<Value> {
                list.iter().map(|entry| entry["text"].clone()).collect()
            };
            let listed = pair.ana.run_locked(&["boundary", "list"]).ok();
            assert_eq!(
                texts(listed.as_array().unwrap()),
                [texts(&before), kept.clone()].concat()
            );
            // What cannot be kept is not acknowledged.
            let id = pair.bo.propose("From Bo, to a full disk.");
            let met = pair.bo.run(&[
                "sync",
                "--timeout",
                "3s",
                "--peer",
                &up.listen,
                "--listen",
                "127.0.0.1:0",
            ]);
            assert!(
                met.exit == 5 || met.last()["partner_has_all"] == false,
                "{met:#?}"
            );
            assert_eq!(
                pair.bo.run(&["boundary", "show", &id]).ok()["reached"],
                false
            );

            fs::remove_file(disk.join("filler")).unwrap();
            pair.ana
                .run_locked(&["boundary", "propose", "There is room again."])
                .ok();
            pair.bo.sync(&up.listen).ok();
            up.down();
            assert_equal(&pair.ana, &pair.bo);
            assert_eq!(pair.ana.list().len(), before.len() + kept.len() + 2);

            // A command alone.
            let before = pair.ana.list();
            fill(disk);
            for _ in 0..2 {
                let said =
                    pair.ana
                        .run(&["boundary", "propose", &"Too much for it. ".repeat(2000)]);
                assert_eq!(said.failure(), (1, "disk_full".to_owned()));
            }
            fs::remove_file(disk.join("filler")).unwrap();
            assert_eq!(pair.ana.list(), before);
            pair.ana.propose("And again there is room.");
            pair.meet();
            assert_equal(&pair.ana, &pair.bo);
        },
    );
}

#[test]
fn a_disk_that_may_only_be_read_is_said() {
    in_namespaces("a_disk_that_may_only_be_read_is_said", A_SMALL_DISK, || {
        let Pair { ana, bo } = Pair::by_code();
        let ana = ana.moved_to(Path::new("/mnt/home"));
        ana.propose("Written before.");
        let list = ana.list();
        shell("mount -o remount,ro /mnt");
        let put_right = || shell("mount -o remount,rw /mnt");
        assert_refuses(&ana, "read-only", (1, &["home_unusable"]), put_right, &list);
        let pair = Pair { ana, bo };
        pair.meet();
        assert_equal(&pair.ana, &pair.bo);
    });
}
