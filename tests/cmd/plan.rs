//! Plans: steps, wishes, and a step that the other confirms.

use serde_json::{Value, json};

use crate::harness::{Place, a_pair, meet};

/// What a plan's verb prints.
fn plan(place: &Place, arguments: &[&str]) -> Value {
    place
        .open(&[&["plan"], arguments, &["--json"]].concat())
        .ok()
        .json()
}

/// What waits for somebody.
fn waits(place: &Place) -> Vec<(String, String)> {
    let status = place.open(&["status", "--json"]).ok().json();
    let all = status["waiting_for_me"].as_array().unwrap().clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .map(|waits| (word(&waits["kind"]), word(&waits["why"])))
        .collect()
}

#[test]
fn a_step_that_asks_for_it_is_confirmed_by_the_other_over_a_real_meeting() {
    let (ana, bo) = a_pair();
    let lake = plan(
        &ana,
        &["add", "A weekend at the lake.", "--date", "2027-07-03"],
    );
    for (field, value) in [
        ("kind", json!("plan")),
        ("title", json!("A weekend at the lake.")),
        ("text", json!("A weekend at the lake.")),
        ("date", json!("2027-07-03")),
        ("state", json!("open")),
        ("author", json!("Ana")),
        ("steps", json!([])),
    ] {
        assert_eq!(lake[field], value, "{field}");
    }
    let id = lake["id"].as_str().unwrap();
    let hut = [
        "step",
        id,
        "Book the hut",
        "--owner",
        "partner",
        "--due",
        "2020-05-01",
        "--confirm",
    ];
    let hut = plan(&ana, &hut)["steps"][0].clone();
    assert_eq!(hut["owners"], json!(["Bo"]));
    plan(&ana, &["step", id, "Pack"]);
    assert!(
        waits(&ana).is_empty(),
        "it is Bo's, and the other has no day"
    );
    meet(&ana, &bo);

    assert_eq!(waits(&bo), [("plan".to_owned(), "due".to_owned())]);
    plan(&bo, &["wish", id, "Blueberry pie", "--what", "food"]);
    // Bo says that it is done, by its short name; nobody confirms their own word.
    let name = hut["step"].as_str().unwrap();
    let done = plan(&bo, &["done", id, name, "--on", "2027-04-30"]);
    assert_eq!(done["steps"][0]["state"], "done");
    bo.open(&["plan", "confirm", id, "1", "--json"])
        .fails(6, "own_word");
    assert!(waits(&bo).is_empty());
    meet(&ana, &bo);

    assert_eq!(waits(&ana), [("plan".to_owned(), "confirm".to_owned())]);
    ana.open(&["plan", "confirm", id, "2", "--json"])
        .fails(6, "step_not_done");
    ana.open(&["plan", "undo", id, "1", "--json"])
        .fails(6, "nothing_to_undo");
    let shown = ana.open(&["plan", "show", id]).ok().out;
    assert!(
        shown.contains("Bo did it on 2027-04-30; it waits to be confirmed"),
        "{shown}"
    );
    assert!(shown.contains("w1 Blueberry pie (food, Bo)"), "{shown}");
    plan(&ana, &["confirm", id, "1"]);
    meet(&ana, &bo);

    let seen = plan(&bo, &["show", id]);
    let step = &seen["steps"][0];
    assert_eq!(
        (
            &step["state"],
            &step["done_by"],
            &step["done_on"],
            &step["confirm_asked_by"]
        ),
        (
            &json!("confirmed"),
            &json!("Bo"),
            &json!("2027-04-30"),
            &json!(["Ana"])
        )
    );
    assert_eq!(seen["steps"][1]["owners"], json!(["Bo", "Ana"]));
    assert_eq!(seen["reached"], true);
}

#[test]
fn steps_and_wishes_are_named_by_number_or_name_and_changed() {
    let ana = Place::with_pair();
    let lake = plan(&ana, &["add", "--title", "The lake"]);
    assert_eq!(
        (&lake["title"], &lake["text"]),
        (&json!("The lake"), &json!(""))
    );
    let id = lake["id"].as_str().unwrap();
    plan(
        &ana,
        &[
            "step",
            id,
            "Book the hut",
            "--owner",
            "me",
            "--due",
            "2020-05-01",
        ],
    );
    plan(&ana, &["step", id, "Pack", "--owner", "me"]);
    plan(&ana, &["wish", id, "The island", "--what", "place"]);
    assert_eq!(waits(&ana), [("plan".to_owned(), "due".to_owned())]);

    let changed = plan(
        &ana,
        &["step", id, "--change", "1", "--due", "none", "--confirm"],
    );
    let step = &changed["steps"][0];
    assert_eq!(
        (
            &step["text"],
            &step["due"],
            &step["owners"],
            &step["confirm_asked_by"]
        ),
        (
            &json!("Book the hut"),
            &json!(null),
            &json!(["Ana"]),
            &json!(["Ana"])
        )
    );
    assert!(waits(&ana).is_empty());
    let done = plan(&ana, &["done", id, "2"]);
    assert_eq!(done["steps"][1]["state"], "done");
    let open = plan(&ana, &["undo", id, "2"]);
    assert_eq!(open["steps"][1]["state"], "open");
    let other = plan(&ana, &["step", id, "Pack the tent", "--change", "2"]);
    assert_eq!(other["steps"][1]["text"], "Pack the tent");

    // A number moves when something falls away, a name stays.
    let name = other["steps"][1]["step"].as_str().unwrap();
    plan(&ana, &["drop", id, "1"]);
    let fewer = plan(&ana, &["drop", id, "w1"]);
    assert_eq!(
        (fewer["steps"].as_array().unwrap().len(), &fewer["wishes"]),
        (1, &json!([]))
    );
    assert_eq!(fewer["steps"][0]["step"], json!(name));
    for item in ["0", "2", "w1", "zzzzz", ""] {
        ana.open(&["plan", "drop", id, item, "--json"])
            .fails(1, "unknown_item");
    }

    let finished = plan(&ana, &["finish", id, "--on", "2027-07-05"]);
    assert_eq!(
        (
            &finished["state"],
            &finished["finished_on"],
            &finished["finished_by"]
        ),
        (&json!("finished"), &json!("2027-07-05"), &json!("Ana"))
    );
    assert_eq!(plan(&ana, &["undo", id])["state"], "open");
    let edited = plan(&ana, &["edit", id, "Three days.", "--date", "2027-07-04"]);
    assert_eq!(
        (&edited["title"], &edited["text"], &edited["date"]),
        (
            &json!("The lake"),
            &json!("Three days."),
            &json!("2027-07-04")
        )
    );
    assert_eq!(
        plan(&ana, &["edit", id, "--date", "none"])["date"],
        json!(null)
    );
    let list = ana.open(&["plan", "list", "--json"]).ok().json();
    assert_eq!(list.as_array().unwrap().len(), 1);

    ana.open(&["plan", "step", id, " ", "--json"])
        .fails(6, "rule");
    ana.open(&["plan", "step", id, "a\nb", "--json"])
        .fails(6, "forbidden_character");
    ana.open(&["plan", "add", "x", "--date", "2027-02-30", "--json"])
        .fails(2, "wrong_use");
    let boundary = ana
        .open(&["boundary", "propose", "We call.", "--json"])
        .ok()
        .json();
    let boundary = boundary["id"].as_str().unwrap();
    ana.open(&["plan", "finish", boundary, "--json"])
        .fails(6, "other_kind");
    ana.open(&["lesson", "end", id, "--json"])
        .fails(6, "other_kind");
}
