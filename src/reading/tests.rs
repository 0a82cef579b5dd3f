//! What is read of an entry, and that nothing of it is missing or different on the other device.

use serde_json::json;

use super::*;
use crate::document::Document;
use crate::request::Entry;

fn entry(own: serde_json::Value) -> Entry {
    let mut whole = json!({
        "id": "lusab-babad", "title": "Evenings", "state": "agreed", "author": "Ana",
        "created": "2026-11-22T14:03:00Z", "held": "2026-11-22T15:00:00Z", "reached": true,
    });
    for (key, value) in own.as_object().unwrap() {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn text_of(section: Section) -> String {
    plain(&Document {
        sections: vec![section],
        ..Document::default()
    })
}

fn boundary() -> Entry {
    entry(json!({
        "kind": "boundary", "text": "New words.", "in_force": "Old words.",
        "agreed_by": ["Bo", "Ana"], "review_on": "2027-03-01", "hash": "00",
        "whys": [{"by": "Bo", "why": "b"}, {"by": "Ana", "why": "a"}],
        "history": [
            {"verb": "propose", "by": "Ana", "at": "2026-11-22T14:03:00Z", "reason": null, "to_current_text": false},
            {"verb": "decline", "by": "Bo", "at": "2026-11-23T14:03:00Z", "reason": "too soon", "to_current_text": false},
        ],
    }))
}

#[test]
fn words_that_both_agree_to() {
    let text = text_of(section(&boundary(), "de"));
    for words in [
        "— Evenings",
        "Kind: Boundary",
        "Begun: 22 Nov 2026, 14:03 UTC",
        "Agreed to exactly these words: Ana and Bo",
        "To be looked at again: 2027-03-01",
        "New words.",
        "In force until both agree to the words above:\n\nOld words.",
        "    a\n    — Ana\n\n    b\n    — Bo",
        "- 22 Nov 2026, 14:03 UTC: Ana proposed it",
        "- 23 Nov 2026, 14:03 UTC: Bo declined to an earlier text\n  too soon",
    ] {
        assert!(text.contains(words), "{words}\nis not in\n{text}");
    }
    assert_eq!(section(&boundary(), "de").language, "de");
}

#[test]
fn it_reads_the_same_on_the_other_device() {
    let here = boundary();
    let mut there = boundary();
    there.reached = false;
    there.held = "2026-12-24T00:00:00Z".to_owned();
    there.not_readable_there = true;
    if let Own::Boundary(agreement) = &mut there.own {
        agreement.agreed_by.reverse();
        agreement.whys.reverse();
    }
    assert_eq!(section(&here, "en"), section(&there, "en"));
}

#[test]
fn a_kind_without_a_function_of_its_own_is_read_from_its_fields() {
    // Any kind's fields; here those of one that has a function, read as if it had none.
    let own = Own::Feeling(Feeling {
        words: "I felt\nleft out.".to_owned(),
        because: "you laughed".to_owned(),
        intensity: Some(4),
        tags: vec!["evenings".to_owned(), "us".to_owned()],
        shared_as: Vec::new(),
    });
    let mut section = Section::default();
    others::read(&own, &mut section);
    let text = text_of(section);
    for words in [
        "I felt\nleft out.",
        "Because: you laughed",
        "Intensity: 4",
        "Tags:\n\n- evenings\n- us",
    ] {
        assert!(text.contains(words), "{words}\nis not in\n{text}");
    }
    let boundary = boundary();
    let mut section = Section::default();
    others::read(&boundary.own, &mut section);
    let text = text_of(section);
    assert!(text.contains("    b\n    — Bo"), "{text}");
    assert!(!text.contains("Hash"), "{text}");
}

#[test]
fn apologies_and_plans_are_read_whole() {
    let apology = entry(json!({
        "kind": "apology", "did": "I laughed.", "hurt": "", "own": "It was mine.", "change": "", "repair": "",
        "additions": ["And again."], "answer": "not_yet", "answer_words": "Later.",
    }));
    let text = text_of(section(&apology, ""));
    for words in [
        "What I did:\n\nI laughed.",
        "What I own:\n\nIt was mine.",
        "Added later:\n\nAnd again.",
        "Answer: not yet",
        "Later.",
    ] {
        assert!(text.contains(words), "{words}\nis not in\n{text}");
    }
    assert!(!text.contains("How it hurt you"), "{text}");
    let plan = entry(json!({
        "kind": "plan", "text": "The sea.", "date": "2027-06-01", "finished_on": null, "finished_by": null,
        "steps": [{"number": 1, "step": "babad", "text": "Book it.", "owners": ["Bo", "Ana"], "due": "2027-03-01",
            "state": "done", "confirm_asked_by": [], "done_by": "Bo", "done_on": "2027-02-01"}],
        "wishes": [{"number": "w1", "wish": "dabab", "what": "food", "text": "Fish.", "by": "Ana"}],
    }));
    let text = text_of(section(&plan, ""));
    for words in [
        "On: 2027-06-01",
        "The sea.",
        "- Book it. · done · Ana and Bo · until 2027-03-01 · Bo said on 2027-02-01 that it is done",
        "- Fish. (food, wished by Ana)",
    ] {
        assert!(text.contains(words), "{words}\nis not in\n{text}");
    }
}
