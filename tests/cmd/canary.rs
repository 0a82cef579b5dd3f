//! Sentences that stand nowhere but in the sealed rows: in no file of the home, no temporary file, no complaint.

use std::fs;
use std::path::Path;

use crate::harness::{Place, Said, said_with};

const TEXT: &str = "The heron stood by the frozen lake.";
const WORDS: [&str; 4] = ["heron", "frozen lake", "herons", "kingfisher"];

fn assert_clean(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let name = entry.file_name();
        assert!(
            !WORDS
                .iter()
                .any(|word| name.to_string_lossy().contains(word))
        );
        if entry.file_type().unwrap().is_dir() {
            assert_clean(&path);
        } else if entry.file_type().unwrap().is_file() {
            let bytes = fs::read(&path).unwrap();
            for word in WORDS {
                let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
                assert!(!found, "{word} in {}", path.display());
            }
        }
    }
}

#[test]
fn what_was_written_is_in_no_file_and_no_complaint_whatever_is_asked_for() {
    let place = Place::with_pair();
    fs::create_dir(place.path().join("tmp")).unwrap();
    let run = |arguments: &[&str]| -> Said {
        let mut command = place.command(arguments);
        command
            .env("TMPDIR", place.path().join("tmp"))
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .arg("-v")
            .arg("--no-input")
            .arg("--passphrase-file")
            .arg(place.path().join("passphrase"));
        said_with(&mut command)
    };
    run(&["up", "--background", "--quiet", "--listen", "127.0.0.1:0"]).ok();
    let made = run(&["boundary", "propose", TEXT, "--title", "herons", "--json"]).ok();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_clean(place.path());
    run(&["boundary", "edit", &id, "The kingfisher flew off."]).ok();
    // Whatever is refused is refused without being repeated.
    let endless = "kingfisher ".repeat(5000);
    for refused in [
        &["boundary", "edit", &id, "Short.", "--title", &endless][..],
        &["boundary", "propose", "", "--title", "herons"],
        &["boundary", "agree", "kingf"],
        &[
            "boundary",
            "edit",
            &id,
            "The kingfisher flew off twice.",
            "--review-on",
            "2027-99-99",
        ],
    ] {
        let said = run(refused);
        assert_ne!(said.code, 0);
        let repeated = said.err.contains("flew off") || said.err.contains("herons");
        assert!(!repeated && said.out.is_empty(), "{said:?}");
        assert!(said.err.len() < 1000, "{said:?}");
    }
    assert_clean(place.path());
    run(&["lock"]).ok();
    assert_clean(place.path());
    // What is looked for is found where it is.
    let shown = run(&["boundary", "show", &id]).ok();
    assert!(shown.out.contains("kingfisher"), "{shown:?}");
}
