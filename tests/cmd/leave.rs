//! Leaving: alone, without the passphrase, within seconds, and nothing of the journal stays.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::harness::{Person, Place, Said, Stream, a_pair, set_mode, up};

/// What a person is promised, from the yes to the end.
const PROMISED: Duration = Duration::from_secs(3);

/// Leaves as a script does, without a passphrase, in the time that is promised.
fn leave(place: &Place) -> Said {
    let yes = Instant::now();
    let said = place.run(&["leave", "--yes", "--json"]);
    assert!(yes.elapsed() < PROMISED, "{:?}: {said:?}", yes.elapsed());
    said
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn nothing_of_the_home_is_left_and_nothing_else_is_touched() {
    let place = Place::with_pair();
    let other = Place::with_home();
    place.file("holiday.txt", "sun");
    let (around, others) = (names(place.path()), other.snapshot());
    let left = leave(&place).ok().json();
    assert_eq!(left["stopped"], false);
    assert_eq!(left["overwritten"], true);
    assert_eq!(left["left"], serde_json::json!([]));
    let home = fs::canonicalize(place.path()).unwrap().join("home");
    assert_eq!(left["home"], home.to_str().unwrap());
    let without: Vec<String> = around.into_iter().filter(|name| name != "home").collect();
    assert_eq!(names(place.path()), without);
    assert_eq!(other.snapshot(), others);

    let again = leave(&place);
    assert_eq!((again.code, again.error().as_str()), (1, "no_journal"));
    assert!(!again.err.contains("init"), "{again:?}");
}

#[test]
fn a_person_reads_what_it_means_and_types_yes() {
    let place = Place::with_home();
    let mut person = Person::at(&mut place.command(&["leave"]));
    person
        .sees("your partner keeps their own copy")
        .sees("To leave, type yes: ")
        .types("y")
        .sees("the whole word");
    assert!(place.home().join("vault").exists());
    person.types("Yes").sees("You have left.");
    person
        .sees("keeps their own copy")
        .sees("backups")
        .sees("passphrase");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(!place.home().exists());
}

#[test]
fn whatever_is_not_a_yes_leaves_everything_as_it_was() {
    for answer in ["", "no", "maybe", "yes please", "\u{4}"] {
        let place = Place::with_home();
        let before = place.snapshot();
        let mut person = Person::at(&mut place.command(&["leave"]));
        person.sees("type yes: ").types(answer);
        let (code, seen) = person.leaves();
        assert_eq!(code, 1, "{answer:?}: {seen}");
        assert!(seen.contains("Nothing was done"), "{answer:?}: {seen}");
        assert_eq!(place.snapshot(), before, "{answer:?}");
    }
    let place = Place::with_home();
    let before = place.snapshot();
    let mut person = Person::at(&mut place.command(&["leave"]));
    person.sees("type yes: ").interrupts();
    let (code, seen) = person.leaves();
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("Nothing was done"), "{seen}");
    assert_eq!(place.snapshot(), before);
}

#[test]
fn nobody_is_taken_to_have_said_yes() {
    let place = Place::with_home();
    let before = place.snapshot();
    // With nobody to ask, and where a script reads and nobody could read the question.
    let mut may_ask = place.command(&["leave", "--json"]);
    let output = may_ask.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = place.run(&["leave", "--json"]);
    assert_eq!((said.code, said.error().as_str()), (2, "nobody_says_yes"));
    assert_eq!(output.stderr, said.err.as_bytes());
    for arguments in [&["leave"][..], &["leave", "--yes"]] {
        let said = place.run(arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
    assert_eq!(place.snapshot(), before);
}

#[test]
fn what_is_mine_can_be_taken_along_and_nothing_goes_where_that_fails() {
    let place = Place::with_pair();
    place.open(&["boundary", "propose", "Kept."]).ok();
    let to = place.path().join("taken");
    let said = |to: &Path| {
        let to = to.to_str().unwrap().to_owned();
        place.open(&["leave", "--yes", "--json", "--export", &to])
    };
    said(&place.home().join("inside")).fails(2, "wrong_use");
    std::fs::create_dir(&to).unwrap();
    std::fs::write(to.join("mine.txt"), "x").unwrap();
    assert_ne!(
        said(&to).code,
        0,
        "a folder that holds something is not written into"
    );
    assert!(place.home().join("vault").exists(), "nothing was destroyed");

    let to = place.path().join("along");
    let left = said(&to).ok().json();
    assert_eq!(left["exported"], to.to_str().unwrap());
    assert!(!place.home().exists());
    let journal = std::fs::read_to_string(to.join("journal.json")).unwrap();
    assert!(journal.contains("Kept."));
}

#[test]
fn an_up_is_ended_first() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    assert_eq!(leave(&place).ok().json()["stopped"], true);
    assert_eq!(up.ends().0, Some(0), "in good order");
    assert!(!place.home().exists());
}

#[test]
fn an_up_that_just_meets_the_partner_is_ended_and_the_partners_goes_on() {
    let (ana, bo) = a_pair();
    let (mut bo_up, at) = up(&bo);
    let quiet = [
        "up",
        "--quiet",
        "--listen",
        "127.0.0.1:0",
        "--peer",
        at.as_str(),
    ];
    let mut ana_up = Stream::of(&ana, &quiet);
    ana_up.until("met");
    bo_up.until("met");
    assert_eq!(leave(&ana).ok().json()["stopped"], true);
    assert_eq!(ana_up.ends().0, Some(0));
    bo_up.until("parted");
    let status = bo.run(&["status", "--json"]).ok().json();
    assert_eq!(status["partner"], "Ana");
    assert_eq!(status["refused"], serde_json::json!([]), "{status}");
    bo.run(&["down"]).ok();
    assert_eq!(bo_up.ends().0, Some(0));
}

#[test]
fn an_up_in_the_background_is_ended_too() {
    let place = Place::with_pair();
    place
        .open(&["up", "--background", "--quiet", "--listen", "127.0.0.1:0"])
        .ok();
    assert!(place.home().join("socket").exists());
    assert_eq!(leave(&place).ok().json()["stopped"], true);
    assert!(!place.home().exists());
}

#[test]
fn an_up_that_does_not_answer_is_killed() {
    let place = Place::with_pair();
    let (up, _) = up(&place);
    kill_process(up.pid(), Signal::STOP).unwrap();
    assert_eq!(leave(&place).ok().json()["stopped"], true);
    assert_eq!(up.ends().0, None, "by a signal");
    assert!(!place.home().exists());
}

#[test]
fn a_sync_that_waits_is_ended_too() {
    let place = Place::with_pair();
    let sync = Stream::of(
        &place,
        &["sync", "--timeout", "50s", "--peer", "127.0.0.1:9"],
    );
    while !place.home().join("socket").exists() {
        std::thread::yield_now();
    }
    assert_eq!(leave(&place).ok().json()["stopped"], true);
    assert_eq!(sync.ends().0, Some(1));
    assert!(!place.home().exists());
}

#[test]
fn what_holds_the_lock_and_cannot_be_asked_is_said_and_keeps_nothing() {
    let place = Place::with_pair();
    let lock = File::open(place.home().join("lock")).unwrap();
    lock.lock().unwrap();
    let said = leave(&place);
    assert_eq!((said.code, said.error().as_str()), (1, "still_open"));
    assert!(!place.home().exists());
}

#[test]
fn what_a_killed_up_leaves_goes_too() {
    let place = Place::with_pair();
    up(&place).0.loses_power();
    assert!(place.home().join("socket").exists());
    for name in ["journal.db-wal", "journal.db-shm", "private.db-journal"] {
        fs::write(place.home().join(name), "x").unwrap();
    }
    assert_eq!(leave(&place).ok().json()["stopped"], false);
    assert!(!place.home().exists());
}

#[test]
fn a_damaged_home_can_be_left() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 8] = [
        ("vault cut", |home| {
            let vault = fs::read(home.join("vault")).unwrap();
            fs::write(home.join("vault"), &vault[..vault.len() / 2]).unwrap();
        }),
        ("vault empty", |home| {
            fs::write(home.join("vault"), "").unwrap()
        }),
        ("vault foreign", |home| {
            fs::write(home.join("vault"), "something else").unwrap();
        }),
        ("stores cut", |home| {
            fs::write(home.join("journal.db"), "").unwrap();
            fs::write(home.join("private.db"), "no store").unwrap();
        }),
        ("stores gone", |home| {
            fs::remove_file(home.join("journal.db")).unwrap();
            fs::remove_file(home.join("private.db")).unwrap();
        }),
        ("lock gone", |home| {
            fs::remove_file(home.join("lock")).unwrap()
        }),
        ("too open", |home| {
            set_mode(home, 0o755);
            set_mode(&home.join("vault"), 0o644);
        }),
        ("not writable", |home| {
            set_mode(&home.join("vault"), 0o400);
            set_mode(home, 0o500);
        }),
    ];
    for (what, damage) in damages {
        let place = Place::with_home();
        damage(&place.home());
        let said = leave(&place);
        assert_eq!(said.code, 0, "{what}: {said:?}");
        assert_eq!(said.json()["overwritten"], true, "{what}");
        assert!(!place.home().exists(), "{what}");
    }
}

#[test]
fn a_leaving_that_was_cut_short_can_be_finished() {
    let place = Place::with_home();
    // The vault is the first to go. What the program itself wrote is known without it, beside other things too.
    fs::remove_file(place.home().join("vault")).unwrap();
    fs::write(place.home().join("holiday.txt"), "sun").unwrap();
    let left = leave(&place).ok().json();
    assert_eq!(left["overwritten"], false, "there was none");
    assert_eq!(names(&place.home()), ["holiday.txt"]);
}

#[test]
fn what_is_not_ours_is_left_and_named() {
    let place = Place::with_home();
    fs::write(place.home().join("holiday.txt"), "sun").unwrap();
    fs::create_dir(place.home().join("photos")).unwrap();
    fs::write(place.home().join("photos/one.jpg"), "sea").unwrap();
    let mut person = Person::at(&mut place.command(&["leave"]));
    person.sees("type yes: ").types("yes");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("holiday.txt") && seen.contains("photos"),
        "{seen}"
    );
    assert_eq!(names(&place.home()), ["holiday.txt", "photos"]);
    assert_eq!(
        fs::read_to_string(place.home().join("photos/one.jpg")).unwrap(),
        "sea"
    );
    let again = leave(&place);
    assert_eq!((again.code, again.error().as_str()), (1, "not_a_journal"));
}

#[test]
fn a_folder_that_is_no_journal_is_refused() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    let refused = |code: &str| {
        let before = place.snapshot();
        let said = leave(&place);
        assert_eq!((said.code, said.error().as_str()), (1, code), "{said:?}");
        assert_eq!(place.snapshot(), before);
    };
    refused("no_journal");
    fs::write(place.home().join("vault"), "of another program").unwrap();
    refused("not_a_journal");
    fs::write(place.home().join("holiday.txt"), "sun").unwrap();
    fs::write(place.home().join("lock"), "").unwrap();
    refused("not_a_journal");
    fs::remove_dir_all(place.home()).unwrap();
    place.file("home", "a file");
    refused("not_a_folder");
}

#[test]
fn through_a_link_the_home_goes_and_the_link_is_named() {
    let place = Place::with_home();
    let link = place.path().join("link");
    symlink(place.home(), &link).unwrap();
    let arguments = ["leave", "--yes", "--json", "--home", link.to_str().unwrap()];
    let left = place.run(&arguments).ok().json();
    assert_eq!(left["left"], serde_json::json!([link.to_str().unwrap()]));
    assert!(!place.home().exists());
}

#[test]
fn the_partner_keeps_everything_and_a_new_beginning_is_clean() {
    let (ana, bo) = a_pair();
    let text = "We talk on Sundays after breakfast.";
    ana.open(&["boundary", "propose", text]).ok();
    let (bo_up, at) = up(&bo);
    ana.open(&["sync", "--peer", &at, "--timeout", "30s"]).ok();
    assert_eq!(bo.run(&["down", "--json"]).ok().json()["stopped"], true);
    assert_eq!(bo_up.ends().0, Some(0));
    let before = bo.open(&["boundary", "list", "--json"]).ok().json();
    assert_eq!(before[0]["text"], text);

    leave(&ana).ok();
    assert_eq!(
        bo.open(&["boundary", "list", "--json"]).ok().json(),
        before,
        "nothing reached the partner's side"
    );
    assert_eq!(
        bo.open(&["status", "--json"]).ok().json()["partner"],
        "Ana",
        "nobody was told"
    );

    // In the same place, with another person, nothing of the old is there.
    ana.open(&["init", "--name", "Ana", "--argon2-memory", "64"])
        .ok();
    let cem = Place::empty();
    cem.open(&["init", "--name", "Cem", "--argon2-memory", "64"])
        .ok();
    let mut host = Stream::of(&ana, &["pair", "--yes", "--listen", "127.0.0.1:0"]);
    let code = host.until("code");
    let at = code["listen"][0].as_str().unwrap();
    let mut joiner = Stream::of(&cem, &["pair", "-", "--yes", "--peer", at]);
    joiner.is_told(code["code"].as_str().unwrap());
    assert_eq!(host.until("paired")["partner"], "Cem");
    assert_eq!(joiner.until("paired")["partner"], "Ana");
    assert_eq!(host.ends().0, Some(0));
    assert_eq!(joiner.ends().0, Some(0));
    assert_eq!(
        ana.open(&["boundary", "list", "--json"]).ok().json(),
        serde_json::json!([])
    );
}
