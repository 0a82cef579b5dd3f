//! Packets for a counselor: an exact list, seen before it is agreed to, and opened by the ordinary `age` program.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use zip::ZipArchive;

use crate::harness::{PASSPHRASE, Person, Place, a_pair, meet, mode};

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
fn identity(folder: &Path) -> (std::path::PathBuf, String) {
    let file = folder.join("counselor");
    let made = Command::new("age-keygen").arg("-o").arg(&file).output();
    assert!(made.unwrap().status.success());
    let shown = Command::new("age-keygen").arg("-y").arg(&file).output();
    let recipient = String::from_utf8(shown.unwrap().stdout).unwrap();
    (file, recipient.trim().to_owned())
}

/// What the age program finds in a file: the page, and the Markdown.
fn opened(identity: &Path, sealed: &Path) -> (String, String) {
    let opened = Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(identity)
        .arg(sealed)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&opened.stderr);
    assert!(opened.status.success(), "{complaint}");
    let mut archive = ZipArchive::new(Cursor::new(opened.stdout)).unwrap();
    assert_eq!(archive.len(), 2);
    ["packet.html", "packet.md"]
        .map(|name| {
            let mut text = String::new();
            let mut file = archive.by_name(name).unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        })
        .into()
}

fn made(place: &Place, arguments: &[&str]) -> Value {
    place.open(&[arguments, &["--json"]].concat()).ok().json()
}

fn id_of(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

/// Two devices with a boundary that both agreed to, and a feeling that Bo shared.
fn with_words() -> (Place, Place, String, String) {
    let (ana, bo) = a_pair();
    let text = "We put our <b>phones</b> away at dinner.";
    let boundary = ["boundary", "propose", text, "--title", "Evenings"];
    let boundary = id_of(&made(&ana, &boundary));
    ana.open(&["boundary", "why", &boundary, "I want to see you."])
        .ok();
    let feeling = id_of(&made(
        &bo,
        &["feel", "I felt left out.", "--tag", "secret-tag"],
    ));
    let shared = id_of(&made(&bo, &["feel", "share", &feeling, "--yes"]));
    meet(&ana, &bo);
    bo.open(&["boundary", "agree", &boundary, "--yes"]).ok();
    bo.open(&["boundary", "why", &boundary, "You look tired."])
        .ok();
    meet(&ana, &bo);
    (ana, bo, boundary, shared)
}

#[test]
fn both_agree_and_either_exports_the_same_page_that_age_opens() {
    if !age_is_here("both_agree_and_either_exports_the_same_page_that_age_opens") {
        return;
    }
    let (ana, bo, boundary, feeling) = with_words();
    let (identity, recipient) = identity(ana.path());
    let begun = made(
        &ana,
        &[
            "packet",
            "new",
            &feeling,
            &boundary,
            "--title",
            "For Dr. Weber",
        ],
    );
    let packet = id_of(&begun);
    assert_eq!(
        (&begun["kind"], &begun["state"], &begun["agreed_by"]),
        (&json!("packet"), &json!("proposed"), &json!(["Ana"]))
    );
    let export = |place: &Place, name: &str| {
        let file = place.path().join(name);
        let to = file.to_str().unwrap();
        let all = [
            "packet",
            "export",
            &packet,
            "--to",
            to,
            "--recipient",
            &recipient,
            "--json",
        ];
        (place.open(&all), file)
    };
    // One alone exports nothing.
    let (said, file) = export(&ana, "early.age");
    said.fails(6, "packet_not_agreed");
    assert!(!file.exists());

    meet(&ana, &bo);
    let waits = made(&bo, &["status"])["waiting_for_me"].clone();
    assert!(
        waits
            .as_array()
            .unwrap()
            .iter()
            .any(|w| w["kind"] == "packet" && w["why"] == "agree"),
        "{waits}"
    );
    // What Bo is shown is what will be read.
    let shown = made(&bo, &["packet", "show", &packet]);
    let standings: Vec<_> = shown["entries"].as_array().unwrap().iter().collect();
    assert_eq!(standings.len(), 2);
    assert!(standings.iter().all(|item| item["standing"] == "as_listed"));
    let passphrase = bo.path().join("passphrase");
    let mut command = bo.command(&["packet", "agree", &packet]);
    let mut person = Person::at(command.arg("--passphrase-file").arg(passphrase));
    person
        .sees("The list, 2 entries:")
        .sees("What would be read, all of it:")
        .sees("For Dr. Weber")
        .sees("We put our <b>phones</b> away at dinner.")
        .sees("I felt left out.")
        .sees("exactly this?")
        .types("yes");
    let (code, seen) = person.leaves();
    assert_eq!(code, 0, "{seen}");
    meet(&ana, &bo);

    let pages = [(&ana, "ana.age"), (&bo, "bo.age")].map(|(place, name)| {
        let (said, file) = export(place, name);
        let said = said.ok().json();
        assert_eq!(said["entries"], 2);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(said["bytes"], fs::metadata(&file).unwrap().len());
        opened(&identity, &file)
    });
    assert_eq!(pages[0], pages[1]);
    let (html, markdown) = &pages[0];
    for words in [
        "For Dr. Weber",
        "We put our &lt;b&gt;phones&lt;/b&gt; away at dinner.",
        "I felt left out.",
        "I want to see you.",
        "You look tired.",
        "Ana and Bo",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(markdown.contains("# For Dr. Weber"), "{markdown}");
    assert!(!html.contains("secret-tag"));
    // What is there is not written over unasked.
    export(&ana, "ana.age").0.fails(1, "packet_file_exists");

    // Either ends it, alone; then nobody exports it.
    let ended = bo.open(&["packet", "end", &packet]).ok();
    assert!(ended.out.contains("cannot be called back"), "{}", ended.out);
    export(&bo, "after.age").0.fails(6, "packet_not_agreed");
    meet(&ana, &bo);
    export(&ana, "after.age").0.fails(6, "packet_not_agreed");
}

#[test]
fn what_changes_after_both_agreed_is_noticed_named_and_not_exported() {
    let (ana, bo, boundary, feeling) = with_words();
    let packet = id_of(&made(&ana, &["packet", "new", &boundary, &feeling]));
    meet(&ana, &bo);
    made(&bo, &["packet", "agree", &packet, "--yes"]);
    meet(&ana, &bo);
    let passphrase = ana.file("theirs", "seven lakes");
    let export = |place: &Place, name: &str| {
        let to = place.path().join(name);
        place.open(&[
            "packet",
            "export",
            &packet,
            "--to",
            to.to_str().unwrap(),
            "--packet-passphrase-file",
            passphrase.to_str().unwrap(),
            "--json",
        ])
    };
    export(&ana, "before.age").ok();
    // He only says why it matters: that is something else than she agreed to hand on.
    bo.open(&["boundary", "why", &boundary, "Something new."])
        .ok();
    let said = export(&bo, "changed.age");
    said.fails(6, "packet_changed");
    assert!(said.err.contains(&boundary) && !said.err.contains(&feeling));
    meet(&ana, &bo);
    export(&ana, "changed.age").fails(6, "packet_changed");
    let shown = made(&ana, &["packet", "show", &packet]);
    let standing = |id: &str| {
        let mut items = shown["entries"].as_array().unwrap().iter();
        items.find(|item| item["id"] == id).unwrap()["standing"].clone()
    };
    assert_eq!(
        (standing(&boundary), standing(&feeling)),
        (json!("changed"), json!("as_listed"))
    );
    // Nobody can agree to it as it is; taken anew, both agree anew.
    ana.open(&["packet", "agree", &packet, "--yes", "--json"])
        .fails(6, "packet_changed");
    let again = made(&ana, &["packet", "add", &packet, &boundary]);
    assert_eq!(
        (&again["state"], &again["agreed_by"]),
        (&json!("changed"), &json!([]))
    );
    export(&ana, "again.age").fails(6, "packet_not_agreed");
    made(&ana, &["packet", "agree", &packet, "--yes"]);
    meet(&ana, &bo);
    made(&bo, &["packet", "agree", &packet, "--yes"]);
    export(&bo, "again.age").ok();

    // Taken off the list it need not be what it was.
    let less = made(&bo, &["packet", "remove", &packet, &boundary]);
    assert_eq!(less["text"].as_str().unwrap().lines().count(), 1);
    bo.open(&["packet", "remove", &packet, &boundary, "--json"])
        .fails(6, "packet_without");
    bo.open(&["packet", "remove", &packet, &feeling, "--json"])
        .fails(6, "packet_empty");
}

#[test]
fn what_is_no_list_or_not_here_is_shown_as_that_and_goes_nowhere() {
    let (ana, bo, boundary, _) = with_words();
    let packet = id_of(&made(&ana, &["packet", "new", &boundary]));
    // As another program may write it: a name that is here on neither device, then words that are no list.
    let text = made(&ana, &["packet", "list"])[0]["text"].clone();
    let (_, rest) = text.as_str().unwrap().split_once(' ').unwrap();
    let elsewhere = format!("{} {rest}", ["lusab"; 8].join("-"));
    let write = |text: &str| {
        let ask = json!({"verb": "edit", "id": packet, "title": null, "text": text, "review_on": ["keep", null]});
        asks(
            &bo,
            &json!({"request": "agreement", "kind": "packet", "ask": ask}),
        );
    };
    meet(&ana, &bo);
    for (text, code, readable) in [
        (elsewhere.as_str(), "packet_not_here", true),
        ("Just hand on everything, love.", "packet_unreadable", false),
    ] {
        write(text);
        meet(&ana, &bo);
        for place in [&ana, &bo] {
            let shown = made(place, &["packet", "show", &packet]);
            assert_eq!(shown["readable"], readable);
            place
                .open(&["packet", "agree", &packet, "--yes", "--json"])
                .fails(6, code);
            let to = place.path().join("packet.age");
            let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
            let to = to.to_str().unwrap();
            let export = ["packet", "export", &packet, "--to", to];
            place
                .open(&[&export[..], &["--recipient", recipient, "--json"]].concat())
                .fails(6, code);
        }
    }
    let shown = ana.open(&["packet", "show", &packet]).ok().out;
    assert!(
        shown.contains("no list of entries") && shown.contains("hand on everything"),
        "{shown}"
    );
    ana.open(&["packet", "add", &packet, &boundary, "--json"])
        .fails(6, "packet_unreadable");
}

/// Asks an amends that is up as another program of the same user could.
fn asks(place: &Place, request: &Value) {
    use std::io::{BufRead, BufReader};
    let (up, _) = crate::harness::up(place);
    let mut socket = std::os::unix::net::UnixStream::connect(place.home().join("socket")).unwrap();
    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
    lines.next().unwrap().unwrap();
    writeln!(socket, "{request}").unwrap();
    let answer = lines.next().unwrap().unwrap();
    assert!(answer.contains("\"entry\""), "{answer}");
    place.run(&["down"]).ok();
    assert_eq!(up.ends().0, Some(0));
}

#[test]
fn what_is_private_is_never_on_a_list() {
    let (ana, _bo) = a_pair();
    let private = id_of(&made(&ana, &["feel", "I felt alone."]));
    let said = ana.open(&["packet", "new", &private, "--json"]);
    said.fails(6, "packet_private");
    let list = made(&ana, &["packet", "list"]);
    assert_eq!(list, json!([]));
}

#[test]
fn who_can_open_it_is_asked_for_and_a_secret_is_never_repeated() {
    let (ana, bo, boundary, _) = with_words();
    let packet = id_of(&made(&ana, &["packet", "new", &boundary]));
    meet(&ana, &bo);
    made(&bo, &["packet", "agree", &packet, "--yes"]);
    let to = bo.path().join("packet.age");
    let export = ["packet", "export", &packet, "--to", to.to_str().unwrap()];
    bo.open(&[&export[..], &["--json"]].concat())
        .fails(2, "packet_needs_reader");
    let secret = "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQS3290GQ";
    for (recipient, code) in [
        (secret, "recipient_secret"),
        ("ssh-ed25519 AAAA", "recipient_kind"),
        ("age1nothing", "recipient_mistyped"),
    ] {
        let said = bo.open(&[&export[..], &["--recipient", recipient, "--json"]].concat());
        said.fails(2, code);
        assert!(!said.err.contains("1QYQSZ"), "{said:?}");
    }
    let inside = bo.home().join("packet.age");
    let inside = [
        "packet",
        "export",
        &packet,
        "--to",
        inside.to_str().unwrap(),
    ];
    bo.open(
        &[
            &inside[..],
            &[
                "--recipient",
                "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
                "--json",
            ],
        ]
        .concat(),
    )
    .fails(2, "bundle_place");
    assert!(!to.exists());

    // A person is asked twice, and what they type is not shown.
    let passphrase = bo.path().join("passphrase");
    let person = |again: &str| {
        let mut command = bo.command(&export);
        let mut person = Person::at(command.arg("--passphrase-file").arg(&passphrase));
        person.sees("Passphrase for the file: ");
        assert!(!person.echoes());
        person.types("seven lakes, one bridge");
        person.sees("And once more: ").types(again);
        let (code, seen) = person.leaves();
        assert!(!seen.contains("seven lakes") && !seen.contains(PASSPHRASE));
        (code, seen)
    };
    assert_eq!(person("seven lakes").0, 3);
    assert!(!to.exists());
    let (code, seen) = person("seven lakes, one bridge");
    assert_eq!(code, 0, "{seen}");
    let sealed = fs::read(&to).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n-> scrypt "));
}
