//! Talks between two devices: heard, settled, and told together, where neither sees the other's account before both are fixed.

mod devices;

use amends_journal::talk::Say;
use amends_keys::identity::LogSecret;
use devices::opened::{Opened, bundle};
use devices::{Device, Pair};
use serde_json::{Value, json};

fn talk(device: &Device, arguments: &[&str]) -> Value {
    device.run(&[&["talk"], arguments].concat()).ok()
}

fn id(entry: &Value) -> String {
    entry["id"].as_str().unwrap().to_owned()
}

/// One person's side of a talk.
fn side<'a>(entry: &'a Value, by: &str) -> &'a Value {
    let accounts = entry["accounts"].as_array().unwrap();
    accounts.iter().find(|side| side["by"] == by).unwrap()
}

/// What waits for this person, by why.
fn waits(device: &Device) -> Vec<String> {
    let status = device.status();
    let waiting = status["waiting_for_me"].as_array().unwrap().clone();
    let why = |waits: Value| waits["why"].as_str().unwrap().to_owned();
    waiting.into_iter().map(why).collect()
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|at| at == words.as_bytes())
}

#[test]
fn both_tell_hear_are_heard_and_settle() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    let begun = talk(
        ana,
        &["begin", "--topic", "Saturday", "I waited until two."],
    );
    let id = id(&begun);
    assert_eq!(
        (&begun["state"], &begun["title"]),
        (&json!("open"), &json!("Saturday"))
    );
    pair.meet();
    assert_eq!(waits(bo), ["hear"]);
    assert!(waits(ana).is_empty());

    talk(bo, &["heard", &id, "You were alone with it."]);
    talk(bo, &["account", &id, "My phone was dead."]);
    pair.meet();
    assert_eq!(waits(ana), ["confirm"]);
    let answered = talk(ana, &["meant", &id, "no", "I was afraid."]);
    let hearing = &side(&answered, "Ana")["hearing"];
    assert_eq!(
        (&hearing["meant"], &hearing["remark"]),
        (&json!(false), &json!("I was afraid."))
    );
    pair.meet();
    assert_eq!(waits(bo), ["hear"]);
    talk(bo, &["heard", &id, "You were afraid."]);
    pair.meet();
    talk(ana, &["meant", &id, "yes"]);
    talk(ana, &["heard", &id, "You could not call."]);
    pair.meet();
    let shown = talk(bo, &["show", &id]);
    assert_eq!(
        (&shown["state"], &side(&shown, "Ana")["heard"]),
        (&json!("heard_by_one"), &json!(true))
    );
    talk(bo, &["meant", &id, "yes"]);
    talk(bo, &["settle", &id]);
    pair.meet();
    assert_eq!(talk(ana, &["show", &id])["state"], "heard_by_both");
    assert_eq!(talk(ana, &["settle", &id])["state"], "settled");
    pair.meet();
    assert_eq!(talk(bo, &["list"])[0]["state"], "settled");
    assert!(waits(ana).is_empty() && waits(bo).is_empty());

    // A new version is open again; the old one is in the history.
    talk(ana, &["account", &id, "I waited until three."]);
    pair.meet();
    let shown = talk(bo, &["show", &id]);
    assert_eq!(shown["state"], "heard_by_one");
    let anas = side(&shown, "Ana");
    assert_eq!(
        (&anas["versions"], &anas["heard_before"]),
        (&json!(2), &json!(true))
    );
    let history = shown["history"].to_string();
    assert!(history.contains("I waited until two."), "{history}");
    // Both see the same.
    let mut views = [talk(ana, &["show", &id]), talk(bo, &["show", &id])];
    for view in &mut views {
        view.as_object_mut().unwrap().remove("held");
        view.as_object_mut().unwrap().remove("met");
        for side in view["accounts"].as_array_mut().unwrap() {
            side.as_object_mut().unwrap().remove("mine");
        }
    }
    assert_eq!(views[0], views[1]);
}

#[test]
fn told_together_the_partners_store_holds_a_hash_and_nothing_else_before_both_are_fixed() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    let (anas, bos) = ("I waited until two and was afraid", "I was ashamed to call");
    let begun = talk(ana, &["begin", "--together", "--topic", "Saturday", anas]);
    let id = id(&begun);
    // Her own device shows it to her.
    let side_of = side(&begun, "Ana").clone();
    assert_eq!(
        side_of["keeping"],
        json!({"state": "waiting", "text": anas})
    );
    assert_eq!(
        (&side_of["text"], &side_of["committed"]),
        (&Value::Null, &json!(true))
    );
    pair.meet();
    pair.meet();

    // Bo's device and all of its keys: the commitment is there, and no word of it.
    let mut opened = Opened::of(bo);
    let entry = opened.ids()[&id];
    let c = opened
        .look(&entry, |entry| entry.talk().partners.committed)
        .unwrap();
    let everything = opened.everything();
    assert!(
        everything.windows(32).any(|at| at == c),
        "the hash is not there"
    );
    for words in [anas, "waited", "afraid"] {
        assert!(!holds(&everything, words), "{words:?} is there");
    }
    opened.close();
    let shown = talk(bo, &["show", &id]);
    assert_eq!(
        (
            &side(&shown, "Ana")["committed"],
            &side(&shown, "Ana")["text"]
        ),
        (&json!(true), &Value::Null)
    );
    assert_eq!(waits(bo), ["tell"]);
    // Nor is it open on Ana's side: nobody has to.
    assert!(waits(ana).is_empty());

    // Bo fixes his; they meet, and both are open on both sides.
    talk(bo, &["account", &id, bos]);
    assert!(!Opened::of(bo).everything().is_empty());
    pair.meet();
    pair.meet();
    for device in [ana, bo] {
        let shown = talk(device, &["show", &id]);
        assert_eq!(side(&shown, "Ana")["text"], anas, "{shown:#}");
        assert_eq!(side(&shown, "Bo")["text"], bos, "{shown:#}");
        assert_eq!(waits(device), ["hear"]);
    }
    // What was looked for is found where it is.
    let mut opened = Opened::of(bo);
    assert!(holds(&opened.everything(), anas));
    // And it is opened once.
    let opens = opened.look(&entry, |entry| {
        let history = entry.talk_history();
        let opens = history
            .iter()
            .filter(|line| matches!(line.say, Say::Open { .. }));
        opens.count()
    });
    assert_eq!(opens, 2);
    // It is final.
    let again = ana.run(&["talk", "account", &id, "Something else."]);
    assert_eq!(again.failure(), (6, "rule".to_owned()));
}

#[test]
fn whoever_never_fixes_theirs_never_sees_the_others_and_nobody_has_to_open() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    let begun = talk(
        ana,
        &["begin", "--together", "--topic", "Saturday", "I waited."],
    );
    let id = id(&begun);
    for _ in 0..3 {
        pair.meet();
        assert_eq!(side(&talk(bo, &["show", &id]), "Ana")["text"], Value::Null);
    }
    // Ana keeps hers back, and even Bo's commitment does not open it.
    let kept = talk(ana, &["keep-back", &id]);
    assert_eq!(side(&kept, "Ana")["keeping"], json!({"state": "kept_back"}));
    talk(bo, &["account", &id, "I slept."]);
    pair.meet();
    pair.meet();
    let there = talk(bo, &["show", &id]);
    assert_eq!(
        (
            &side(&there, "Ana")["text"],
            &side(&there, "Ana")["committed"]
        ),
        (&Value::Null, &json!(true))
    );
    let none = bo.run(&["talk", "keep-back", &id]);
    assert_eq!(none.failure(), (6, "nothing_to_keep_back".to_owned()));
}

#[test]
fn an_opening_that_its_commitment_does_not_match_is_set_aside_and_shown() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    let begun = talk(
        ana,
        &["begin", "--together", "--topic", "Saturday", "I waited."],
    );
    let id = id(&begun);
    pair.meet();
    // Bo's program is another one: it commits to what no opening in his log can match, and opens it all the same.
    let mut opened = Opened::of(bo);
    let entry = opened.ids()[&id];
    let elsewhere = LogSecret::from_bytes(&[7; 32]).public();
    let (nonce, text) = ([5; 32], "I never said that".to_owned());
    let journal = opened.replica.journal().0;
    let c = amends_journal::together_hash(&journal, &entry, elsewhere.as_bytes(), &nonce, &text);
    opened.says(entry, Say::Commit(c).into());
    opened.close();
    pair.meet();
    assert_eq!(side(&talk(ana, &["show", &id]), "Bo")["committed"], true);
    let mut opened = Opened::of(bo);
    let open = Say::Open {
        c,
        nonce,
        text: text.clone(),
    };
    let envelope = opened.forges(entry, elsewhere, open.into());
    opened.close();

    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("forged");
    devices::write_private(&file, &bundle(&[envelope]));
    let read = ana.run(&["bundle", "read", file.to_str().unwrap()]).ok();
    assert_eq!(
        (&read["received"], &read["refused"]),
        (&json!(1), &json!(0)),
        "{read}"
    );
    // Kept aside and shown; the journal has nothing of it, and everything else goes on.
    // Why is said by a process that was not there when it came, and by doctor.
    let refused = ana.status()["refused"].clone();
    assert_eq!(refused.as_array().map(Vec::len), Some(1), "{refused}");
    let why = refused[0].as_str().unwrap();
    for said in ["of Bo's log, of ", "is kept and set aside: ", "step 4: "] {
        assert!(why.contains(said), "{why}");
    }
    let found = ana.run(&["doctor", "--quiet"]).last();
    let found = found.as_array().unwrap().iter();
    let aside = found.clone().find(|one| one["check"] == "set_aside");
    assert_eq!(aside.unwrap()["message"], refused[0], "{found:?}");
    let shown = talk(ana, &["show", &id]);
    assert_eq!(side(&shown, "Bo")["text"], Value::Null);
    assert!(!shown.to_string().contains(&text), "{shown}");
    assert_eq!(talk(ana, &["settle", &id])["state"], "open");
}

#[test]
fn a_home_whose_private_store_lost_the_account_says_so() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    // The private store as it was before, as where only it came back from an older copy.
    let before = ana.copy();
    let begun = talk(
        ana,
        &["begin", "--together", "--topic", "Saturday", "I waited."],
    );
    let id = id(&begun);
    let private = "private.db";
    std::fs::copy(before.home().join(private), ana.home().join(private)).unwrap();
    let shown = talk(ana, &["show", &id]);
    assert_eq!(side(&shown, "Ana")["keeping"], json!({"state": "lost"}));
    assert_eq!(waits(ana), ["lost"]);
    pair.meet();
    talk(bo, &["account", &id, "I slept."]);
    pair.meet();
    assert_eq!(side(&talk(bo, &["show", &id]), "Ana")["text"], Value::Null);
}

#[test]
fn rocky_asks_waits_without_pressing_and_is_answered_by_talking() {
    let pair = Pair::new();
    let Pair { ana, bo } = &pair;
    let asked = ana.run(&["rocky", "I feel far away. Can we talk?"]).ok();
    let id = id(&asked);
    assert_eq!(
        (&asked["kind"], &asked["state"]),
        (&json!("talk"), &json!("asked"))
    );
    assert!(waits(ana).is_empty());
    pair.meet();
    assert_eq!(waits(bo), ["asked"]);
    let status = bo.status();
    assert_eq!(
        status["waiting_for_me"][0]["title"],
        "I feel far away. Can we talk?"
    );
    // A reply is an answer, and so is a talk.
    talk(bo, &["reply", &id, "After eight."]);
    assert!(waits(bo).is_empty());
    pair.meet();
    assert_eq!(talk(ana, &["show", &id])["reply"], "After eight.");

    ana.run(&["rocky"]).ok();
    pair.meet();
    let status = bo.status();
    let second = status["waiting_for_me"][0]["id"].as_str().unwrap();
    let begun = talk(
        bo,
        &["begin", "--topic", "Us", "--from", second, "I miss you."],
    );
    assert_eq!(begun["from"], second);
    assert!(waits(bo).is_empty());

    // Whoever asked can take it back.
    let third = ana.run(&["rocky"]).ok();
    let id = third["id"].as_str().unwrap();
    assert_eq!(talk(ana, &["settle", id])["state"], "settled");
    pair.meet();
    assert_eq!(waits(ana), ["hear"]);
    assert!(waits(bo).is_empty());
}
