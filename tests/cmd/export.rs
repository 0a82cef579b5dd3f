//! `export`: everything that is mine to read, in the clear, by one's own wish alone.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Person, Place, Said, a_pair, meet, mode, set_mode, up};

const HERS: &str = "We put our phones away at dinner.\nAnd in bed — 🌙.";
const WHY: &str = "I want to *see* you <b>there</b>.";

/// Ana's home and Bo's, with something of each kind of place: agreed, shared, private.
fn with_words() -> (Place, Place) {
    let (ana, bo) = a_pair();
    let propose = ["boundary", "propose", HERS, "--title", "Evenings", "--json"];
    let id = ana.open(&propose).ok().json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ana.open(&["boundary", "why", &id, WHY]).ok();
    ana.open(&["feel", "I felt left out.", "--tag", "evenings"])
        .ok();
    meet(&ana, &bo);
    bo.open(&["boundary", "agree", &id, "--yes"]).ok();
    bo.open(&["lesson", "propose", "We say when we are late."])
        .ok();
    meet(&ana, &bo);
    (ana, bo)
}

fn export(place: &Place, to: &Path) -> Said {
    let to = to.to_str().unwrap();
    place.open(&["export", "--to", to, "--yes", "--json"])
}

/// Every file below a folder, by its path there.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, below: &str, all: &mut Vec<String>) {
        for there in fs::read_dir(folder).unwrap() {
            let there = there.unwrap();
            let name = format!("{below}{}", there.file_name().to_str().unwrap());
            if there.path().is_dir() {
                assert_eq!(mode(&there.path()), 0o700, "{name}");
                walk(&there.path(), &format!("{name}/"), all);
            } else {
                assert_eq!(mode(&there.path()), 0o600, "{name}");
                all.push(name);
            }
        }
    }
    let mut all = Vec::new();
    walk(folder, "", &mut all);
    all.sort();
    all
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The one entry of this kind in a `journal.json`.
fn of_kind<'a>(journal: &'a Value, kind: &str) -> &'a Value {
    let mut all = journal["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == kind);
    let one = all.next().unwrap();
    assert!(all.next().is_none());
    one
}

#[test]
fn all_that_is_mine_to_read_is_there_in_every_form() {
    let (ana, _bo) = with_words();
    let to = ana.path().join("export");
    let said = export(&ana, &to).ok().json();
    assert_eq!(
        (&said["entries"], &said["private"], &said["unreadable"]),
        (&json!(2), &json!(1), &json!([]))
    );
    assert_eq!(mode(&to), 0o700);
    let all = files(&to);
    assert_eq!(said["files"], all.len());

    let journal = json_of(&to.join("journal.json"));
    assert_eq!(
        (&journal["name"], &journal["partner"]),
        (&json!("Ana"), &json!("Bo"))
    );
    let boundary = of_kind(&journal, "boundary");
    assert_eq!(
        (&boundary["text"], &boundary["state"]),
        (&json!(HERS), &json!("agreed"))
    );
    let acts: Vec<_> = boundary["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (act["verb"].as_str().unwrap(), act["by"].as_str().unwrap()))
        .collect();
    assert_eq!(acts, [("propose", "Ana"), ("agree", "Bo")]);
    assert_eq!(boundary["versions"][0]["text"], HERS);
    // Words are words in Markdown too.
    let page = fs::read_to_string(to.join(boundary["markdown"].as_str().unwrap())).unwrap();
    for words in [
        "## Evenings",
        "We put our phones away at dinner.\\\nAnd in bed",
        "agreed by both",
        "\\*see\\* you \\<b>",
        "Bo agreed",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let id = boundary["whole_id"].as_str().unwrap();
    assert_eq!(id.split('-').count(), 8);
    let parts = ["shared", "mine", "partners"].map(|whose| format!("parts/{id}-{whose}.automerge"));
    assert_eq!(boundary["parts"], json!(parts));
    for part in parts {
        assert!(all.contains(&part), "{part}: {all:?}");
    }
    assert_eq!(of_kind(&journal, "lesson")["author"], "Bo");

    // What is private lies by itself.
    let private = json_of(&to.join("private/journal.json"));
    let feeling = of_kind(&private, "feeling");
    assert_eq!(feeling["words"], "I felt left out.");
    let page = to
        .join("private")
        .join(feeling["markdown"].as_str().unwrap());
    assert!(
        fs::read_to_string(page)
            .unwrap()
            .contains("I felt left out.")
    );
    let inside = |name: &&String| name.starts_with("private/");
    for name in all.iter().filter(|name| !inside(name)) {
        let bytes = fs::read(to.join(name)).unwrap();
        let words = b"left out";
        assert!(!bytes.windows(words.len()).any(|at| at == words), "{name}");
    }
    let readme = fs::read_to_string(to.join("README.md")).unwrap();
    assert!(readme.contains("in the clear"), "{readme}");
}

#[test]
fn it_goes_through_an_amends_that_is_up() {
    let (ana, _bo) = with_words();
    let alone = ana.path().join("alone");
    export(&ana, &alone).ok();
    let (up, _) = up(&ana);
    let through = ana.path().join("through");
    let to = through.to_str().unwrap();
    ana.run(&["export", "--to", to, "--yes"]).ok();
    ana.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
    assert_eq!(files(&alone), files(&through));
    for name in files(&alone) {
        // Only these two say when they were written.
        if !name.ends_with("journal.json") && name != "README.md" {
            let read = |folder: &Path| fs::read(folder.join(&name)).unwrap();
            assert!(read(&alone) == read(&through), "{name}");
        }
    }
}

#[test]
fn it_needs_no_partner() {
    let ana = Place::with_home();
    ana.open(&["feel", "I felt alone."]).ok();
    let to = ana.path().join("export");
    let said = export(&ana, &to).ok().json();
    assert_eq!((&said["entries"], &said["private"]), (&json!(0), &json!(1)));
    assert_eq!(json_of(&to.join("journal.json"))["partner"], Value::Null);
    let private = json_of(&to.join("private/journal.json"));
    assert_eq!(of_kind(&private, "feeling")["words"], "I felt alone.");
}

#[test]
fn it_is_said_plainly_and_asked_before_anything_is_written() {
    let ana = Place::with_home();
    let to = ana.path().join("export");
    let arguments = ["export", "--to", to.to_str().unwrap()];
    ana.open(&[&arguments[..], &["--json"]].concat())
        .fails(2, "export_not_answered");
    let asks = |answer: &str| {
        let passphrase = ana.path().join("passphrase");
        let mut command = ana.command(&arguments);
        let mut person = Person::at(command.arg("--passphrase-file").arg(passphrase));
        person
            .sees("in the clear")
            .sees("Do you want that?")
            .types(answer);
        person.leaves()
    };
    assert_eq!(asks("no").0, 1);
    assert!(!to.exists());
    let (code, seen) = asks("yes");
    assert_eq!(code, 0, "{seen}");
    assert!(to.join("README.md").exists());
}

#[test]
fn what_is_there_stays_and_nothing_is_left_behind() {
    let ana = Place::with_home();
    ana.open(&["feel", "I felt alone."]).ok();
    let beside = || {
        let mut names: Vec<_> = fs::read_dir(ana.path())
            .unwrap()
            .map(|there| there.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    // A folder with something in it, a file, a link, and the home itself.
    let full = ana.path().join("full");
    fs::create_dir(&full).unwrap();
    let mine = ana.file("full/mine.txt", "mine");
    export(&ana, &full).fails(1, "export_not_empty");
    export(&ana, &mine).fails(1, "export_not_empty");
    let link = ana.path().join("link");
    std::os::unix::fs::symlink(ana.path().join("elsewhere"), &link).unwrap();
    export(&ana, &link).fails(1, "export_not_empty");
    export(&ana, &ana.home().join("export")).fails(2, "export_place");
    export(&ana, &ana.path().join("no/such/folder")).fails(1, "export_not_written");
    assert_eq!(fs::read(mine).unwrap(), b"mine");

    // An empty one is taken, whatever its mode was.
    let empty = ana.path().join("empty");
    fs::create_dir(&empty).unwrap();
    set_mode(&empty, 0o755);
    let before = beside();
    export(&ana, &empty).ok();
    assert_eq!(mode(&empty), 0o700);
    assert_eq!(beside(), before);
}

#[test]
fn the_official_automerge_opens_every_part_and_reads_the_same() {
    let Some(library) = automerge("the_official_automerge_opens_every_part_and_reads_the_same")
    else {
        return;
    };
    let (ana, _bo) = with_words();
    let to = ana.path().join("export");
    export(&ana, &to).ok();
    let journal = json_of(&to.join("journal.json"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/automerge/read.mjs");
    let read = |base: &Path, entry: &Value| -> Vec<Value> {
        let parts = entry["parts"].as_array().unwrap().iter();
        let output = Command::new("node")
            .arg(&script)
            .arg(&library)
            .args(parts.map(|part| base.join(part.as_str().unwrap())))
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let boundary = of_kind(&journal, "boundary");
    let [shared, mine, partners] = read(&to, boundary).try_into().unwrap();
    assert_eq!(
        (&shared["root"]["title"], &shared["root"]["text"]),
        (&boundary["title"], &boundary["text"])
    );
    assert_eq!(mine["root"]["why"], WHY);
    // Her proposal and his agreement, as the bytes that they are.
    for own in [&mine, &partners] {
        assert_eq!(own["root"]["acts"].as_array().unwrap().len(), 1);
    }
    let lesson = of_kind(&journal, "lesson");
    let of_lesson = read(&to, lesson);
    assert_eq!(of_lesson[0]["root"]["text"], lesson["text"]);
    let private = json_of(&to.join("private/journal.json"));
    let of_feeling = read(&to.join("private"), of_kind(&private, "feeling"));
    assert_eq!(of_feeling.len(), 1);
    for part in [&shared, &mine, &partners]
        .into_iter()
        .chain(&of_lesson)
        .chain(&of_feeling)
    {
        assert_eq!(part["whole"], true);
        assert!(part["changes"].as_u64().unwrap() >= 2);
    }
}

/// Where `.ci/run` has put the official library for JavaScript: beside the folder that this test was built in.
fn automerge(test: &str) -> Option<PathBuf> {
    let this = std::env::current_exe().unwrap();
    let place = this.ancestors().nth(3).unwrap().join("ci-tools/automerge");
    if place.join("installed").exists() {
        return Some(place);
    }
    let required = std::env::var("AMENDS_REQUIRE_AUTOMERGE_READER").is_ok_and(|value| value == "1");
    let why = format!(
        "there is no Automerge for JavaScript in {}",
        place.display()
    );
    assert!(
        !required,
        "{test}: {why}, and AMENDS_REQUIRE_AUTOMERGE_READER=1"
    );
    // println! would be kept back by the harness.
    let _ = writeln!(
        std::io::stderr(),
        "!!! SKIPPED: {test}: {why} (.ci/run installs it)"
    );
    None
}
