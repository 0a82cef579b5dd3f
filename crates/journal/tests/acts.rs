//! What is agreed, and what is in force.

mod common;
#[path = "common/forge.rs"]
mod forge;

use amends_journal::{
    Act, Actor, Draft, Edit, Field, Person, RuleError, Standing, State, TextField, Verb,
    agree_hash, propose,
};
use common::{Deed, Device, ENTRY, NOW, Record, Which};

fn pair() -> (Device, Device) {
    let (mut ana, mut bo) = (Device::new(Which::Anas, 1), Device::new(Which::Bos, 2));
    let record = ana.propose("Evenings", "Phones away at dinner.");
    bo.takes(&record).unwrap();
    (ana, bo)
}

fn agreed() -> (Device, Device) {
    let (mut ana, mut bo) = pair();
    ana.takes(&bo.agrees()).unwrap();
    (ana, bo)
}

fn does(device: &mut Device, deed: Deed) -> Record {
    device.does(&deed).expect("allowed, and a change")
}

fn text(text: &str) -> Deed {
    Deed::Text(text.into())
}

#[test]
fn a_proposal_is_its_authors_agreement_and_waits_for_the_other() {
    let (ana, bo) = pair();
    let view = ana.view();
    assert_eq!(view.state, State::Proposed);
    assert_eq!((view.author, view.created), (Some(Person::Me), Some(NOW)));
    assert_eq!(view.agreed_by, [Person::Me]);
    assert_eq!(view.in_force, None);
    assert_eq!(bo.view().agreed_by, [Person::Partner]);
    assert_eq!(bo.view().current.text, "Phones away at dinner.");
    assert_eq!(bo.view().current.language, "en");
}

#[test]
fn agreed_by_both_it_is_in_force() {
    let (ana, mut bo) = agreed();
    for device in [&ana, &bo] {
        let view = device.view();
        assert_eq!(view.state, State::Agreed);
        assert_eq!(view.agreed_by, [Person::Me, Person::Partner]);
        assert_eq!(view.in_force, Some(view.current));
    }
    assert!(
        bo.does(&Deed::Agree).is_none(),
        "agreeing again says nothing new"
    );
}

#[test]
fn a_newer_text_waits_while_the_older_stays_in_force() {
    let (mut ana, mut bo) = agreed();
    bo.takes(&does(&mut ana, text("Phones away at dinner and after.")))
        .unwrap();
    let view = bo.view();
    assert_eq!(view.state, State::Changed);
    assert_eq!(
        view.agreed_by,
        [],
        "an edit is nobody's agreement, its author's neither"
    );
    assert_eq!(view.in_force.unwrap().text, "Phones away at dinner.");

    ana.takes(&bo.agrees()).unwrap();
    assert_eq!(ana.view().state, State::Changed);
    bo.takes(&ana.agrees()).unwrap();
    assert_eq!(bo.view().state, State::Agreed);
    assert_eq!(
        bo.view().in_force.unwrap().text,
        "Phones away at dinner and after."
    );
}

#[test]
fn a_new_date_is_a_new_text() {
    let (mut ana, mut bo) = agreed();
    bo.takes(&does(&mut ana, Deed::Review(Some("2027-03-01".into()))))
        .unwrap();
    let view = bo.view();
    assert_eq!(view.state, State::Changed);
    assert_eq!(view.current.review_on.as_deref(), Some("2027-03-01"));
    assert_eq!(view.in_force.unwrap().review_on, None);
    bo.takes(&does(&mut ana, Deed::Review(None))).unwrap();
    assert_eq!(
        bo.view().state,
        State::Agreed,
        "back at the very text that is in force"
    );
}

#[test]
fn a_merge_of_two_edits_is_a_text_that_nobody_agreed_to() {
    let (mut ana, mut bo) = agreed();
    let anas = does(&mut ana, text("All phones away at dinner."));
    let bos = does(&mut bo, text("Phones away at dinner, please."));
    let (anas_yes, bos_yes) = (ana.agrees(), bo.agrees());
    for record in [bos, bos_yes] {
        ana.takes(&record).unwrap();
    }
    for record in [anas, anas_yes] {
        bo.takes(&record).unwrap();
    }
    for device in [&ana, &bo] {
        let view = device.view();
        assert_eq!(view.current.text, "All phones away at dinner, please.");
        assert_eq!((view.state, view.agreed_by), (State::Changed, vec![]));
        assert_eq!(view.in_force.unwrap().text, "Phones away at dinner.");
    }
}

#[test]
fn either_ends_it_alone_and_an_end_undoes_both_agreements() {
    let (mut ana, mut bo) = agreed();
    ana.takes(&does(&mut bo, Deed::End("I need something else".into())))
        .unwrap();
    for (device, who) in [(&ana, Person::Partner), (&bo, Person::Me)] {
        let view = device.view();
        assert_eq!((view.state, view.in_force), (State::Ended, None));
        let ended = view.ended.unwrap();
        assert_eq!(
            (ended.person, ended.act.reason.as_str()),
            (who, "I need something else")
        );
        assert!(
            view.acts
                .iter()
                .take(2)
                .all(|shown| shown.standing == Standing::Undone)
        );
    }
    assert_eq!(
        ana.boundary()
            .end(&common::writer(ana.actor), NOW, None)
            .unwrap_err(),
        RuleError::NothingInForce
    );

    // Begun anew, it needs both again.
    let yes = ana.agrees();
    assert_eq!(ana.view().state, State::Proposed);
    bo.takes(&yes).unwrap();
    ana.takes(&bo.agrees()).unwrap();
    assert_eq!(ana.view().state, State::Agreed);
}

#[test]
fn an_agreement_made_at_the_same_moment_as_an_end_does_not_count() {
    let (mut ana, mut bo) = agreed();
    bo.takes(&does(&mut ana, text("Phones away all evening.")))
        .unwrap();
    bo.takes(&ana.agrees()).unwrap();
    // Bo agrees while Ana, who has not seen it, ends what is in force.
    let yes = bo.agrees();
    let end = does(&mut ana, Deed::End(String::new()));
    ana.takes(&yes).unwrap();
    bo.takes(&end).unwrap();
    for device in [&ana, &bo] {
        assert_eq!(
            (device.view().state, device.view().in_force),
            (State::Ended, None)
        );
    }
}

#[test]
fn a_decline_takes_back_and_may_be_taken_back() {
    let (mut ana, mut bo) = pair();
    ana.takes(&does(&mut bo, Deed::Decline("too early".into())))
        .unwrap();
    let view = ana.view();
    assert_eq!(view.state, State::Declined);
    assert_eq!(view.declined.unwrap().act.reason, "too early");
    assert!(
        bo.does(&Deed::Decline("too early".into())).is_none(),
        "said already"
    );

    // Ana takes back her own agreement: now nobody agrees.
    bo.takes(&does(&mut ana, Deed::Decline(String::new())))
        .unwrap();
    assert_eq!(bo.view().agreed_by, []);
    ana.takes(&bo.agrees()).unwrap();
    assert_eq!(ana.view().state, State::Declined);
    bo.takes(&ana.agrees()).unwrap();
    assert_eq!(bo.view().state, State::Agreed);
    assert_eq!(
        bo.boundary()
            .decline(&common::writer(bo.actor), NOW, None)
            .unwrap_err(),
        RuleError::InForce
    );
}

#[test]
fn a_declined_edit_leaves_the_older_text_in_force() {
    let (mut ana, mut bo) = agreed();
    bo.takes(&does(&mut ana, text("No phones at all.")))
        .unwrap();
    ana.takes(&does(&mut bo, Deed::Decline("no".into())))
        .unwrap();
    let view = ana.view();
    assert_eq!(view.state, State::Changed);
    assert!(view.declined.is_some());
    assert_eq!(view.in_force.unwrap().text, "Phones away at dinner.");
}

#[test]
fn what_both_agreed_to_last_is_in_force() {
    let (mut ana, mut bo) = agreed();
    for words in ["Second.", "Third.", "Phones away at dinner."] {
        bo.takes(&does(&mut ana, text(words))).unwrap();
        // The first text returns at last, but both have agreed to others since.
        assert_eq!(
            (bo.view().state, bo.view().agreed_by),
            (State::Changed, vec![])
        );
        bo.takes(&ana.agrees()).unwrap();
        assert_eq!(
            (bo.view().state, bo.view().agreed_by),
            (State::Changed, vec![Person::Partner])
        );
        ana.takes(&bo.agrees()).unwrap();
        for device in [&ana, &bo] {
            assert_eq!(device.view().state, State::Agreed);
            assert_eq!(device.view().in_force.unwrap().text, words);
        }
    }
}

#[test]
fn an_act_that_comes_before_its_text_waits_for_it() {
    let (mut ana, mut bo) = agreed();
    let edit = does(&mut ana, text("No phones."));
    let yes = ana.agrees();
    bo.takes(&yes).unwrap();
    let waiting = bo.view().acts.last().unwrap().standing;
    assert_eq!(waiting, Standing::Waits);
    bo.takes(&edit).unwrap();
    assert_eq!(bo.view().acts.last().unwrap().standing, Standing::Counts);
}

#[test]
fn nothing_can_be_said_of_what_nobody_proposed() {
    let mut bo = Device::new(Which::Bos, 2);
    for deed in [
        Deed::Agree,
        Deed::Decline(String::new()),
        text("x"),
        Deed::End(String::new()),
    ] {
        assert!(bo.does(&deed).is_none());
    }
    assert_eq!(
        bo.boundary()
            .agree(&common::writer(bo.actor), NOW)
            .unwrap_err(),
        RuleError::NothingProposed
    );
    assert_eq!(bo.view().author, None);
}

#[test]
fn limits_are_told_apart() {
    let good = Draft {
        title: "T",
        text: "x",
        language: "en",
        ..Draft::default()
    };
    let with = |draft: &Draft<'_>| {
        propose(
            &common::writer(common::Device::new(Which::Anas, 1).actor),
            NOW,
            draft,
        )
        .map(|_| ())
    };
    assert_eq!(with(&good), Ok(()));
    let long = "x".repeat(262_145);
    let title = "\u{e9}".repeat(201);
    for (draft, error) in [
        (Draft { title: " ", ..good }, RuleError::Empty(Field::Title)),
        (
            Draft {
                text: "\n\u{3000} ",
                ..good
            },
            RuleError::Empty(Field::Text),
        ),
        (
            Draft {
                title: &title,
                ..good
            },
            RuleError::TooLong {
                field: Field::Title,
                size: 201,
                limit: 200,
            },
        ),
        (
            Draft {
                text: &long,
                ..good
            },
            RuleError::TooLong {
                field: Field::Text,
                size: 262_145,
                limit: 262_144,
            },
        ),
        (
            Draft {
                title: "a\nb",
                ..good
            },
            RuleError::Character {
                field: Field::Title,
                character: '\n',
            },
        ),
        (
            Draft {
                title: "a\u{202e}b",
                ..good
            },
            RuleError::Character {
                field: Field::Title,
                character: '\u{202e}',
            },
        ),
        (
            Draft {
                text: "a\u{1b}[2Jb",
                ..good
            },
            RuleError::Character {
                field: Field::Text,
                character: '\u{1b}',
            },
        ),
        (
            Draft {
                text: "a\0b",
                ..good
            },
            RuleError::Character {
                field: Field::Text,
                character: '\0',
            },
        ),
        (
            Draft {
                language: "",
                ..good
            },
            RuleError::Language,
        ),
        (
            Draft {
                language: "e n",
                ..good
            },
            RuleError::Language,
        ),
        (
            Draft {
                review_on: Some("2027-02-30"),
                ..good
            },
            RuleError::Date,
        ),
        (
            Draft {
                review_on: Some(""),
                ..good
            },
            RuleError::Date,
        ),
    ] {
        assert_eq!(with(&draft), Err(error));
    }
    assert_eq!(
        with(&Draft { title: "", ..good }),
        Ok(()),
        "a title may be left out"
    );
    assert_eq!(
        with(&Draft {
            text: "tabs\tand\nlines \u{202b}\u{5e9}",
            ..good
        }),
        Ok(())
    );

    let (ana, _) = pair();
    let b = ana.boundary();
    let reason = "r".repeat(4_001);
    assert!(matches!(
        b.decline(&common::writer(ana.actor), NOW, Some(&reason)),
        Err(RuleError::TooLong {
            field: Field::Reason,
            ..
        })
    ));
    assert_eq!(
        b.splice(&common::writer(ana.actor), NOW, TextField::Text, 20, 3, "x")
            .unwrap_err(),
        RuleError::Position { at: 20, length: 22 }
    );
    assert!(matches!(
        b.splice(
            &common::writer(ana.actor),
            NOW,
            TextField::Text,
            usize::MAX,
            3,
            "x"
        ),
        Err(RuleError::Position { .. })
    ));
    assert!(
        b.edit(&common::writer(ana.actor), NOW, &Edit::default())
            .unwrap()
            .is_none()
    );
    assert!(matches!(
        b.edit(
            &common::writer(ana.actor),
            NOW,
            &Edit {
                text: Some(""),
                ..Edit::default()
            }
        ),
        Err(RuleError::Empty(Field::Text))
    ));
}

/// 1970 and 2100 and beyond: a time is a claim and stands in nothing's way.
#[test]
fn any_clock_may_write() {
    for now in [i64::MIN, -1, 0, 4_102_444_800_000, i64::MAX] {
        let ana = Device::new(Which::Anas, 1);
        let draft = Draft {
            title: "T",
            text: "x",
            language: "en",
            ..Draft::default()
        };
        let proposed = propose(&common::writer(ana.actor), now, &draft).unwrap();
        assert!((0..=253_402_300_799_999).contains(&proposed.own.part.latest_time()));
    }
}

/// The longest text that is allowed, and its replacement: many changes, each within the limits.
#[test]
fn long_texts_go_in_many_changes_that_everyone_takes() {
    let (mut ana, mut bo) = (Device::new(Which::Anas, 1), Device::new(Which::Bos, 2));
    let long: String = (0..65_536)
        .map(|n| char::from_u32(0x1f300 + n % 700).unwrap())
        .collect();
    assert_eq!(long.len(), 262_144);
    let record = ana.propose("Long", &long);
    let edit = does(&mut ana, Deed::Text("x ".repeat(131_072)));
    for (_, changes) in record.items.iter().chain(&edit.items) {
        assert!(changes.iter().all(|change| change.len() <= 128 * 1024));
    }
    assert!(record.items[0].1.len() >= 9);
    bo.takes(&record).unwrap();
    assert_eq!(bo.view().current.text, long);
    bo.takes(&edit).unwrap();
    assert_eq!(bo.view().current.text, "x ".repeat(131_072));
    assert_eq!(ana.heads(), bo.heads());
}

#[test]
fn what_people_wrote_is_in_no_debug_form() {
    let (mut ana, mut bo) = agreed();
    ana.takes(&does(&mut bo, Deed::End("secret reason".into())))
        .unwrap();
    let all = format!(
        "{:?} {:?} {:?}",
        ana.view(),
        ana.boundary(),
        ana.view().current
    );
    for words in ["Phones", "Evenings", "secret"] {
        assert!(!all.contains(words), "{all}");
    }
}

/// Adds an act as no program of ours would write it, by this actor, to an own part.
fn say(device: &mut Device, which: Which, actor: Actor, act: &Act) {
    let value = automerge::ScalarValue::Bytes(act.bytes());
    let operation = forge::op(
        forge::put(value),
        forge::container(1),
        forge::beginning(),
        true,
        vec![],
    );
    let change = forge::forged(device.part(which), actor, vec![operation]);
    *device.part(which) = common::admit(device.part(which), &actor, &[change]).unwrap();
}

#[test]
fn ties_go_to_the_smaller_hash() {
    let (mut ana, bo) = pair();
    let mut versions = vec![];
    for words in ["One.", "Two."] {
        does(&mut ana, text(words));
        versions.push((ana.view().current.hash, ana.shared.heads()));
    }
    versions.sort();
    let anas = ana.actor;
    // Ana agrees to the one and then to the other, Bo the other way round: the smaller number is 10
    // for both.
    for (which, actor, at, n) in [
        (Which::Anas, anas, 1, 10),
        (Which::Anas, anas, 0, 12),
        (Which::Bos, bo.actor, 0, 10),
        (Which::Bos, bo.actor, 1, 12),
    ] {
        let (hash, heads) = versions[at].clone();
        let (ends, reason) = (vec![], String::new());
        let act = Act {
            verb: Verb::Agree,
            n,
            time: NOW,
            hash,
            heads,
            ends,
            reason,
        };
        say(&mut ana, which, actor, &act);
    }
    assert_eq!(ana.view().in_force.unwrap().hash, versions[0].0);
}

#[test]
fn an_agreement_to_another_text_than_it_names_does_not_count() {
    let (mut ana, bo) = pair();
    let elsewhere = agree_hash(
        &ENTRY,
        amends_journal::EntryKind::Boundary,
        "en",
        "Evenings",
        "Bo owns the house.",
        "",
    );
    let act = |n, hash, heads| {
        let (ends, reason) = (vec![], String::new());
        Act {
            verb: Verb::Agree,
            n,
            time: NOW,
            hash,
            heads,
            ends,
            reason,
        }
    };
    let (heads, current) = (ana.shared.heads(), ana.view().current.hash);
    for who in [Which::Anas, Which::Bos] {
        let actor = if who == Which::Anas {
            ana.actor
        } else {
            bo.actor
        };
        say(&mut ana, who, actor, &act(5, elsewhere, heads.clone()));
    }
    // The right hash at heads of another text is no better.
    let first = common::part(amends_journal::PartKind::Shared).heads();
    say(&mut ana, Which::Bos, bo.actor, &act(6, current, first));
    let view = ana.view();
    assert_eq!((view.state, view.in_force), (State::Proposed, None));
    let invalid = |n| {
        view.acts
            .iter()
            .filter(|a| a.act.n == n)
            .all(|a| a.standing == Standing::Invalid)
    };
    assert!(invalid(5) && invalid(6));
    say(&mut ana, Which::Bos, bo.actor, &act(7, current, heads));
    assert_eq!(ana.view().state, State::Agreed);
}
