//! Two devices that are a pair: apart, together, and coming back to each other.

mod devices;

use devices::opened::Opened;
use devices::{Device, Pair, assert_equal};
use serde_json::json;

#[test]
fn what_both_write_while_apart_is_on_both_sides_after_they_meet() {
    let pair = Pair::new();
    let from_ana = pair.ana.propose("Phones stay out of the bedroom.");
    let from_bo = pair.bo.propose("Each of us has one evening alone a week.");
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    let list = pair.ana.list();
    assert_eq!(list.len(), 2);
    for (id, author) in [(from_ana, "Ana"), (from_bo, "Bo")] {
        let entry = list
            .iter()
            .find(|entry| id.starts_with(entry["id"].as_str().unwrap()) || entry["id"] == *id);
        let entry = entry.unwrap_or_else(|| panic!("{id} in {list:#?}"));
        assert_eq!(
            (&entry["author"], &entry["agreed_by"]),
            (&json!(author), &json!([author]))
        );
    }
}

#[test]
fn of_two_edits_of_one_text_at_once_both_keep_their_words_and_nobody_has_agreed() {
    let pair = Pair::new();
    let id = pair
        .ana
        .propose("We talk on Sundays after breakfast. Phones are off.");
    pair.meet();
    pair.bo.run(&["boundary", "agree", &id]).ok();
    pair.meet();
    assert_eq!(pair.ana.only()["state"], "agreed");

    pair.ana
        .run(&[
            "boundary",
            "edit",
            &id,
            "We talk on quiet Sundays after breakfast. Phones are off.",
        ])
        .ok();
    pair.bo
        .run(&[
            "boundary",
            "edit",
            &id,
            "We talk on Sundays after breakfast. Phones are off and away.",
        ])
        .ok();
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    let merged = pair.ana.only();
    let text = "We talk on quiet Sundays after breakfast. Phones are off and away.";
    assert_eq!(
        (&merged["text"], &merged["state"], &merged["agreed_by"]),
        (&json!(text), &json!("changed"), &json!([]))
    );
    assert_eq!(
        merged["in_force"],
        "We talk on Sundays after breakfast. Phones are off."
    );
    for device in [&pair.ana, &pair.bo] {
        let waits = device.status()["waiting_for_me"].clone();
        assert_eq!(
            (waits[0]["why"].as_str(), waits.as_array().unwrap().len()),
            (Some("agree"), 1),
            "{waits}"
        );
    }

    pair.ana.run(&["boundary", "agree", &id]).ok();
    pair.bo.run(&["boundary", "agree", &id]).ok();
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    let agreed = pair.bo.only();
    assert_eq!(
        (&agreed["state"], &agreed["in_force"]),
        (&json!("agreed"), &json!(text))
    );
}

#[test]
fn either_can_end_an_agreement_alone_and_declining_is_an_answer() {
    let pair = Pair::new();
    let ended = pair.ana.propose("No work mail after eight.");
    let declined = pair.ana.propose("We move in together in May.");
    pair.meet();
    pair.bo.run(&["boundary", "agree", &ended]).ok();
    pair.bo
        .run(&[
            "boundary",
            "decline",
            &declined,
            "--reason",
            "That is too soon for me.",
        ])
        .ok();
    pair.meet();
    pair.bo.run(&["boundary", "end", &ended]).ok();
    pair.meet();
    assert_equal(&pair.ana, &pair.bo);
    let states: Vec<_> = [&ended, &declined]
        .map(|id| pair.ana.run(&["boundary", "show", id]).ok())
        .into();
    assert_eq!(
        (&states[0]["state"], &states[0]["in_force"]),
        (&json!("ended"), &json!(null))
    );
    assert_eq!(states[1]["state"], "declined");
    let reasons: Vec<_> = states[1]["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|act| act["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["That is too soon for me."]);
}

#[test]
fn reached_is_said_only_after_they_met_and_a_second_meeting_finds_nothing_to_do() {
    let pair = Pair::new();
    pair.bo.propose("We say it when we are tired.");
    assert_eq!(pair.bo.only()["reached"], false);
    assert_eq!(pair.bo.status()["not_reached"], 1);
    let up = pair.ana.up();
    let first = pair.bo.sync(&up.listen).ok();
    assert_eq!(
        first,
        json!({"sent": 1, "received": 0, "partner_has_all": true, "have_all": true})
    );
    assert_eq!(pair.bo.only()["reached"], true);
    assert_eq!(pair.bo.status()["not_reached"], 0);
    assert!(pair.bo.status()["last_met"].is_string());
    let second = pair.bo.sync(&up.listen).ok();
    assert_eq!(
        second,
        json!({"sent": 0, "received": 0, "partner_has_all": true, "have_all": true})
    );
    up.down();
}

#[test]
fn with_both_up_an_edit_is_shown_on_the_other_screen_and_its_arrival_on_this_one() {
    let pair = Pair::new();
    let mut ana = pair.ana.up();
    let mut bo = pair
        .bo
        .up_with(&["--listen", "127.0.0.1:0", "--peer", &ana.listen]);
    assert_eq!(ana.running.until("met")["partner"], "Bo");
    assert_eq!(bo.running.until("met")["partner"], "Ana");

    let id = pair.ana.propose("We eat together on Fridays.");
    let shown = bo.running.until("changed");
    assert_eq!(
        (&shown["by"], &shown["entry"]["text"]),
        (&json!("Ana"), &json!("We eat together on Fridays."))
    );
    assert_eq!(ana.running.until("reached")["id"], *id);

    pair.bo.run(&["boundary", "agree", &id]).ok();
    let shown = ana.running.until_such("Bo's yes", |line| {
        line["event"] == "changed" && line["by"] == "Bo"
    });
    assert_eq!(shown["entry"]["state"], "agreed");
    ana.down();
    bo.running.until("parted");
    bo.down();
}

#[test]
fn an_up_that_was_killed_and_started_again_is_met_again_by_itself() {
    let pair = Pair::new();
    let mut ana = pair.ana.up();
    let at = ana.listen.clone();
    let mut bo = pair.bo.up_with(&["--listen", "127.0.0.1:0", "--peer", &at]);
    ana.running.until("met");
    bo.running.until("met");
    let bo_listens = bo.listen.clone();

    // Ana's comes back on the same port: Bo's, which knows it, dials again by itself.
    ana.running.kill();
    bo.running.until("parted");
    let while_apart = pair.bo.propose("Written while the other one was down.");
    let mut ana = pair.ana.up_with(&["--listen", &at]);
    ana.running.until("met");
    let shown = ana.running.until("changed");
    assert_eq!(shown["entry"]["id"], *while_apart);

    // Bo's comes back on another port and without any address: the last good one is remembered.
    bo.running.kill();
    ana.running.until("parted");
    let mut bo = pair.bo.up();
    assert_ne!(bo.listen, bo_listens);
    bo.running.until("met");
    ana.running.until("met");
    ana.down();
    bo.down();
    assert_equal(&pair.ana, &pair.bo);
}

#[test]
fn a_meeting_with_nobody_there_says_so_and_loses_nothing() {
    let pair = Pair::new();
    let id = pair.ana.propose("It stays until we meet.");
    let said = pair
        .ana
        .run(&["sync", "--timeout", "1s", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.failure(), (5, "partner_not_reached".to_owned()));
    assert_eq!(
        (&pair.ana.only()["id"], &pair.ana.only()["reached"]),
        (&json!(id), &json!(false))
    );
}

#[test]
fn hundreds_of_edits_made_apart_meet_at_once() {
    const EACH: usize = 120;
    let pair = Pair::new();
    let edits = |device: &Device| {
        let up = device.up();
        let id = device.propose("Version 0 of a text that is changed often.");
        for n in 1..EACH {
            if n % 4 == 0 {
                let text = format!("Version {n} of a text that is changed often.");
                device.run_locked(&["boundary", "edit", &id, &text]).ok();
            } else {
                device
                    .run_locked(&[
                        "boundary",
                        "propose",
                        &format!("Proposal {n} of {}.", device.name),
                    ])
                    .ok();
            }
        }
        up.down();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| edits(&pair.ana));
        scope.spawn(|| edits(&pair.bo));
    });
    let synced = pair.meet();
    assert_eq!(
        (&synced["sent"], &synced["received"]),
        (&json!(EACH), &json!(EACH))
    );
    assert_equal(&pair.ana, &pair.bo);
    assert_eq!(pair.ana.list().len(), 2 * (1 + (EACH - 1) - (EACH - 1) / 4));
}

#[test]
fn two_syncs_that_look_for_each_other_meet() {
    let pair = Pair::new();
    let mut ana = pair.ana.up();
    let at = ana.listen.clone();
    let mut bo = pair.bo.up_with(&["--listen", "127.0.0.1:0", "--peer", &at]);
    ana.running.until("met");
    bo.running.until("met");
    ana.down();
    bo.down();
    pair.ana.propose("From Ana.");
    pair.bo.propose("From Bo.");
    // One listens where the other one knows it to be; neither stays.
    let here = pair.ana.start(&["sync", "--listen", &at]);
    let there = pair.bo.start(&["sync", "--listen", "127.0.0.1:0"]);
    for ended in [here.ends(), there.ends()] {
        assert_eq!(ended.exit, 0, "{ended:#?}");
        let synced = ended.seen.last().unwrap();
        assert_eq!(
            synced,
            &json!({"sent": 1, "received": 1, "partner_has_all": true, "have_all": true})
        );
    }
    assert_equal(&pair.ana, &pair.bo);
}

#[test]
fn a_stranger_at_the_partners_address_is_not_met() {
    let (pair, strangers) = (Pair::new(), Pair::by_code());
    let up = strangers.ana.up();
    let said = pair.bo.run(&[
        "sync",
        "--timeout",
        "2s",
        "--peer",
        &up.listen,
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(said.failure(), (5, "partner_not_reached".to_owned()));
    // The one it belongs to still gets in.
    strangers.bo.sync(&up.listen).ok();
    up.down();
}

/// What a search looks through is made ready once, and then only what was written since: it is what there is all the same.
#[test]
fn while_up_a_search_finds_what_was_written_since_the_last_one_by_either() {
    let pair = Pair::new();
    let (ana, bo) = (&pair.ana, &pair.bo);
    let finds = |words: &str| -> Vec<(String, String)> {
        let found = ana.run(&["search", words]).ok();
        let found = found.as_array().unwrap().iter();
        found
            .map(|found| {
                let text = |name: &str| found[name].as_str().unwrap().to_owned();
                (text("id"), text("snippet"))
            })
            .collect()
    };
    let propose = |text: &str| {
        let made = ana.run(&["boundary", "propose", text, "--title", "Things"]);
        made.ok()["id"].as_str().unwrap().to_owned()
    };
    let kettle = propose("The red kettle stays with Ana.");
    let mut up = ana.up();
    assert_eq!(finds("red")[0].0, kettle);

    ana.run(&[
        "boundary",
        "edit",
        &kettle,
        "The red teapot stays with Ana.",
    ])
    .ok();
    assert_eq!(finds("kettle"), []);
    let spoons = propose("The red spoons, too.");
    let both: Vec<String> = finds("red").into_iter().map(|(id, _)| id).collect();
    assert_eq!(both, [kettle.clone(), spoons]);

    bo.sync(&up.listen).ok();
    bo.run(&[
        "boundary",
        "edit",
        &kettle,
        "The blue teapot stays with Ana.",
    ])
    .ok();
    let chairs = bo.propose("And the blue chairs with Bo.");
    bo.sync(&up.listen).ok();
    up.running.until_such("the chairs", |event| {
        event["entry"]["id"] == chairs.as_str()
    });
    // Where it stands in the title, it comes first.
    assert_eq!(
        finds("blue"),
        [
            (chairs, "And the blue chairs with Bo.".to_owned()),
            (kettle, "The blue teapot stays with Ana.".to_owned()),
        ]
    );

    ana.run(&["feel", "Blue is the sky today."]).ok();
    assert_eq!(finds("blue").len(), 3);

    // More at once than is remembered one by one.
    let mut opened = Opened::of(bo);
    opened.proposes(300);
    opened.close();
    bo.sync(&up.listen).ok();
    let most = finds("sentence somebody").len();
    assert_eq!((most, finds("\"sentence 299\"").len()), (50, 1));
    up.down();
}
