//! Memories: photos on their way into the journal, over a real meeting, and out again; ideas; and what comes up again.

use std::fs;
use std::io::Cursor;

use image::ImageEncoder;
use img_parts::png::{Png, PngChunk};
use serde_json::{Value, json};

use crate::harness::{Place, a_pair, meet, mode};

/// What a memory's verb prints.
fn memory(place: &Place, arguments: &[&str]) -> Value {
    place
        .open(&[&["memory"], arguments, &["--json"]].concat())
        .ok()
        .json()
}

/// A PNG of noise, which no compression makes smaller, that also says who made it.
fn picture(side: u32) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = (0..side * side * 3)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(Cursor::new(&mut bytes))
        .write_image(&noise, side, side, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut png = Png::from_bytes(bytes.into()).unwrap();
    let says = PngChunk::new(*b"tEXt", b"Author\0SECRET of Ana".to_vec().into());
    png.chunks_mut().insert(1, says);
    png.encoder().bytes().to_vec()
}

fn holds(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

#[test]
fn a_photo_goes_by_stick_and_comes_out_as_it_was_taken() {
    let (ana, bo) = a_pair();
    let file = ana.file("boat.png", picture(300));
    let file = file.to_str().unwrap();
    let kept = memory(&ana, &["add", "We laughed.", "--photo", file]);
    let id = kept["id"].as_str().unwrap();
    let stick = |name: &str| ana.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, more: &[&str]| {
        let file = stick(name);
        let command = [&["bundle", "write", &file, "--json"], more].concat();
        ana.open(&command).ok().json()
    };
    assert_eq!(write("without", &["--no-photos"])["chunks"], 0);
    let written = write("with", &[]);
    let pieces = kept["photos"][0]["of"].as_u64().unwrap();
    assert!(
        pieces > 1 && written["chunks"] == json!(pieces),
        "{written}"
    );
    let read = |name: &str| {
        bo.open(&["bundle", "read", &stick(name), "--json"])
            .ok()
            .json()
    };
    assert_eq!(read("without")["chunks"], 0);
    assert_eq!(memory(&bo, &["show", id])["photos"][0]["here"], 0);
    assert_eq!(read("with")["chunks"], json!(pieces));
    let (mine, theirs) = (ana.path().join("mine.png"), bo.path().join("theirs.png"));
    memory(&ana, &["save", id, "1", "--to", mine.to_str().unwrap()]);
    memory(&bo, &["save", id, "1", "--to", theirs.to_str().unwrap()]);
    assert!(fs::read(mine).unwrap() == fs::read(theirs).unwrap());
    // Nobody but the other device says that it has reached.
    assert_eq!(memory(&ana, &["show", id])["photos"][0]["reached"], false);
}

#[test]
fn a_photo_goes_over_a_real_meeting_and_comes_out_as_it_was_taken() {
    let (ana, bo) = a_pair();
    let picture = picture(1000);
    assert!(picture.len() > 3_000_000);
    let file = ana.file("boat.png", &picture);
    let file = file.to_str().unwrap();
    let kept = memory(
        &ana,
        &[
            "add",
            "We laughed.",
            "--date",
            "2026-07-04",
            "--place",
            "The lake",
            "--photo",
            file,
        ],
    );
    let id = kept["id"].as_str().unwrap();
    let photo = &kept["photos"][0];
    for (field, value) in [
        ("number", json!(1)),
        ("by", json!("Ana")),
        ("mime", json!("image/png")),
        ("width", json!(1000)),
        ("height", json!(1000)),
        ("as_it_was", json!(false)),
        ("reached", json!(false)),
        ("removed", json!(["comments"])),
    ] {
        assert_eq!(photo[field], value, "{field}");
    }
    assert_eq!(
        (&photo["here"], photo["of"].as_u64().unwrap() > 20),
        (&photo["of"], true)
    );
    assert_eq!(
        (&kept["date"], &kept["place"]),
        (&json!("2026-07-04"), &json!("The lake"))
    );

    let met = meet(&ana, &bo);
    assert_eq!(
        (&met["partner_has_all"], &met["have_all"]),
        (&json!(true), &json!(true))
    );
    let seen = memory(&bo, &["show", id]);
    let photo = &seen["photos"][0];
    assert_eq!(
        (&photo["by"], &photo["here"]),
        (&json!("Ana"), &photo["of"])
    );
    assert_eq!(memory(&ana, &["show", id])["photos"][0]["reached"], true);

    let taken = amends::photo::take(picture, false).unwrap();
    assert!(!holds(&taken.bytes, b"SECRET"));
    for place in [&ana, &bo] {
        let to = place.path().join("again.png");
        let saved = memory(place, &["save", id, "1", "--to", to.to_str().unwrap()]);
        assert_eq!(saved["bytes"], json!(taken.bytes.len()));
        assert_eq!(mode(&to), 0o600);
        assert!(
            fs::read(&to).unwrap() == taken.bytes,
            "another picture came out"
        );
        // Nothing is written over, and nothing is left beside it.
        let again = [
            "memory",
            "save",
            id,
            "1",
            "--to",
            to.to_str().unwrap(),
            "--json",
        ];
        place.open(&again).fails(1, "file_exists");
        let left = fs::read_dir(place.path()).unwrap();
        assert!(
            left.flatten()
                .all(|file| !file.file_name().to_string_lossy().starts_with(".amends"))
        );
    }
    // No file of either home holds a piece of it in clear.
    for place in [&ana, &bo] {
        for (path, bytes) in place.snapshot() {
            let inside = path.starts_with(place.home());
            let piece = &taken.bytes[1_000_000..1_000_032];
            assert!(
                !inside || !bytes.is_some_and(|b| holds(&b, piece)),
                "{}",
                path.display()
            );
        }
    }

    // Bo adds one; each takes back their own alone.
    let his = bo.file("his.png", self::picture(20));
    let his = memory(&bo, &["photo", id, his.to_str().unwrap()]);
    assert_eq!(his["photos"][1]["removed"], json!(["comments"]));
    bo.open(&["memory", "take-back", id, "1", "--json"])
        .fails(6, "photo_of_partner");
    let left = memory(&bo, &["take-back", id, "2"]);
    assert_eq!(left["photos"].as_array().unwrap().len(), 1);
}

#[test]
fn an_export_takes_the_photos_along() {
    let ana = Place::with_pair();
    let file = ana.file("boat.png", picture(40));
    let path = file.to_str().unwrap();
    let added = memory(&ana, &["add", "The boat.", "--photo", path]);
    let saved = ana.path().join("saved.png");
    memory(
        &ana,
        &[
            "save",
            added["id"].as_str().unwrap(),
            "1",
            "--to",
            saved.to_str().unwrap(),
        ],
    );
    let to = ana.path().join("export");
    let said = ["export", "--to", to.to_str().unwrap(), "--yes", "--json"];
    ana.open(&said).ok();
    let journal: Value =
        serde_json::from_slice(&fs::read(to.join("journal.json")).unwrap()).unwrap();
    let entry = &journal["entries"][0];
    let name = entry["photo_files"][0].as_str().unwrap();
    assert_eq!(fs::read(to.join(name)).unwrap(), fs::read(saved).unwrap());
    let page = fs::read_to_string(to.join(entry["markdown"].as_str().unwrap())).unwrap();
    assert!(page.contains(&format!("../{name}>)")), "{page}");
}

#[test]
fn what_cannot_be_cleaned_or_read_is_refused_and_nothing_is_kept() {
    let ana = Place::with_pair();
    let gif = ana.file("a.gif", b"GIF89a and what it tells");
    let cut = ana.file("cut.png", &picture(20)[..200]);
    let empty = ana.file("empty.jpg", b"");
    let large = ana.file("large.jpg", vec![0; (25 << 20) + 1]);
    let add = |file: &std::path::Path, exit, code| {
        let add = [
            "memory",
            "add",
            "x",
            "--photo",
            file.to_str().unwrap(),
            "--json",
        ];
        ana.open(&add).fails(exit, code);
    };
    add(&gif, 6, "photo_not_cleanable");
    add(&cut, 1, "photo_damaged");
    add(&empty, 6, "photo_not_cleanable");
    add(&large, 6, "photo_too_large");
    add(&ana.path().join("nowhere.jpg"), 1, "photo_unreadable");
    add(ana.path(), 1, "photo_unreadable");
    assert_eq!(memory(&ana, &["list"]), json!([]));

    let gif = gif.to_str().unwrap();
    let kept = memory(
        &ana,
        &["add", "--title", "Old", "--photo", gif, "--keep-as-it-is"],
    );
    let photo = &kept["photos"][0];
    assert_eq!(
        (&photo["mime"], &photo["as_it_was"], &photo["width"]),
        (&json!("image/gif"), &json!(true), &json!(null))
    );
    let id = kept["id"].as_str().unwrap();
    let inside = ana.home().join("a.gif");
    let save = [
        "memory",
        "save",
        id,
        "1",
        "--to",
        inside.to_str().unwrap(),
        "--json",
    ];
    ana.open(&save).fails(2, "photo_place");
    let out = ana.path().join("out.gif");
    ana.open(&[
        "memory",
        "save",
        id,
        "2",
        "--to",
        out.to_str().unwrap(),
        "--json",
    ])
    .fails(1, "unknown_photo");
    memory(&ana, &["save", id, "1", "--to", out.to_str().unwrap()]);
    assert_eq!(fs::read(out).unwrap(), b"GIF89a and what it tells");
    let shown = ana.open(&["memory", "show", id]).ok().out;
    assert!(
        shown.contains("kept as it was, with whatever it tells"),
        "{shown}"
    );
}

#[test]
fn ideas_are_done_and_memories_come_up_again_where_both_want_that() {
    let (ana, bo) = a_pair();
    let idea = memory(&ana, &["idea", "Learn to sail."]);
    assert_eq!(
        (&idea["state"], &idea["idea"]),
        (&json!("idea"), &json!(true))
    );
    let idea = idea["id"].as_str().unwrap();
    let did = memory(&ana, &["did", idea, "--on", "2026-07-04"]);
    assert_eq!(
        (&did["state"], &did["did_on"], &did["did_by"]),
        (&json!("done"), &json!("2026-07-04"), &json!("Ana"))
    );
    assert_eq!(memory(&ana, &["did", idea, "--not-yet"])["state"], "idea");
    ana.open(&["memory", "again", idea, "on", "--json"])
        .fails(6, "is_idea");

    // Four years ago, on this day, so that there is one in a leap year too.
    let today = jiff::Zoned::now().date();
    let then = format!(
        "{:04}-{:02}-{:02}",
        today.year() - 4,
        today.month(),
        today.day()
    );
    let kept = memory(&ana, &["add", "We laughed.", "--date", &then]);
    let id = kept["id"].as_str().unwrap();
    ana.open(&["memory", "did", id, "--json"])
        .fails(6, "is_no_idea");
    assert_eq!(
        memory(&ana, &["again", id, "on"])["again_by"],
        json!(["Ana"])
    );
    assert_eq!(memory(&ana, &["today"]), json!([]));
    meet(&ana, &bo);
    assert_eq!(memory(&bo, &["today"]), json!([]));
    memory(&bo, &["again", id, "on"]);
    assert_eq!(memory(&bo, &["today"])[0]["id"], json!(id));
    meet(&ana, &bo);
    let status = ana.open(&["status", "--json"]).ok().json();
    assert_eq!(status["this_day"][0]["id"], json!(id));
    assert_eq!(
        status["waiting_for_me"],
        json!([]),
        "nobody is asked for anything"
    );
    let moved = memory(
        &ana,
        &["edit", id, "--date", "2020-02-29", "--place", "The lake"],
    );
    assert_eq!(
        (&moved["place"], &moved["text"]),
        (&json!("The lake"), &json!("We laughed."))
    );
    assert_eq!(
        memory(&ana, &["edit", id, "--place", ""])["place"],
        json!(null)
    );
    memory(&ana, &["edit", id, "--date", &then]);
    memory(&ana, &["again", id, "off"]);
    assert_eq!(memory(&ana, &["today"]), json!([]));
}
