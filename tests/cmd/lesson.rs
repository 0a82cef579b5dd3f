//! Lessons: agreed as boundaries are, and linked to what they came from.

use serde_json::json;

use crate::harness::{a_pair, meet};

#[test]
fn a_lesson_is_linked_and_agreed_by_both_to_its_exact_words() {
    let (ana, bo) = a_pair();
    let from = ana
        .open(&["boundary", "propose", "We call.", "--json"])
        .ok()
        .json();
    let from = from["id"].as_str().unwrap();
    let said = "We tell each other before we are late.";
    let lesson = ["lesson", "propose", said, "--from", from, "--json"];
    let lesson = ana.open(&lesson).ok().json();
    let id = lesson["id"].as_str().unwrap();
    for (field, value) in [
        ("kind", json!("lesson")),
        ("text", json!(said)),
        ("state", json!("proposed")),
        ("author", json!("Ana")),
        ("from", json!(from)),
        ("agreed_by", json!(["Ana"])),
    ] {
        assert_eq!(lesson[field], value, "{field}");
    }
    meet(&ana, &bo);
    let waits = bo.open(&["status", "--json"]).ok().json();
    let waits = waits["waiting_for_me"].as_array().unwrap().clone();
    assert!(
        waits
            .iter()
            .any(|w| w["kind"] == "lesson" && w["why"] == "agree"),
        "{waits:?}"
    );
    let agreed = bo
        .open(&["lesson", "agree", id, "--yes", "--json"])
        .ok()
        .json();
    assert_eq!(
        (&agreed["state"], &agreed["author"], &agreed["in_force"]),
        (&json!("agreed"), &json!("Ana"), &json!(said))
    );
    meet(&ana, &bo);
    let list = ana.open(&["lesson", "list", "--json"]).ok().json();
    assert_eq!(
        list.as_array().unwrap().len(),
        1,
        "boundaries are not lessons: {list}"
    );
    assert_eq!(list[0]["state"], "agreed");

    // A verb of one kind is not one of another.
    let other = ana.open(&["lesson", "end", from, "--json"]);
    other.fails(6, "other_kind");
    let ended = ana.open(&["lesson", "end", id, "--json"]).ok().json();
    assert_eq!(ended["state"], "ended");
}
