//! Talks: what may be said, what is refused of whoever says it, and that every order of arrival gives one view.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/talking.rs"]
mod talking;

use amends_journal::talk::{ASKED, PLAIN, Say, Side, State, TOGETHER, View, WORDS_BYTES};
use amends_journal::{Actor, Person, Refusal, RuleError, RuleFault, Statement, wall};
use forge::{add_first, forged};
use talking::*;

#[test]
fn a_talk_is_open_heard_by_one_heard_by_both_and_settled() {
    let (mut ana, mut bo) = began(PLAIN);
    assert_eq!(bo.view().topic, "Saturday");
    both(&mut ana, &mut bo, account("I waited until two."));
    both(&mut bo, &mut ana, account("My phone was dead."));
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::Open, State::Open)
    );

    heard(&mut ana, &mut bo, false);
    assert_eq!(ana.view().state, State::Open);
    let hearing = bo.view().partners.hearing.unwrap();
    assert_eq!(
        (hearing.words.as_str(), hearing.meant),
        ("That it hurt.", Some(false))
    );
    heard(&mut ana, &mut bo, true);
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::HeardByOne, State::HeardByOne)
    );
    heard(&mut bo, &mut ana, true);
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::HeardByBoth, State::HeardByBoth)
    );

    let settle = |device: &Device, on| Say::Settle {
        on,
        of: device.view().accounts(),
    };
    let say = settle(&ana, true);
    both(&mut ana, &mut bo, say);
    assert_eq!(ana.view().state, State::HeardByBoth);
    let say = settle(&bo, true);
    both(&mut bo, &mut ana, say);
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::Settled, State::Settled)
    );
    // Either opens it again.
    let say = settle(&bo, false);
    both(&mut bo, &mut ana, say);
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::HeardByBoth, State::HeardByBoth)
    );
    assert_eq!(
        ana.entry().talk_history().len(),
        bo.entry().talk_history().len()
    );
}

#[test]
fn a_new_version_is_heard_anew_and_nobody_has_settled_it() {
    let (mut ana, mut bo) = began(PLAIN);
    both(&mut ana, &mut bo, account("I waited."));
    heard(&mut ana, &mut bo, true);
    for device in [true, false] {
        let (one, other) = if device {
            (&mut ana, &mut bo)
        } else {
            (&mut bo, &mut ana)
        };
        let of = one.view().accounts();
        both(one, other, Say::Settle { on: true, of });
    }
    assert_eq!(bo.view().state, State::Settled);
    let old = hash_of(&bo.view().partners);
    // Said while Ana writes a new version.
    let hears_the_old = bo
        .says(Say::Heard {
            of: old,
            words: "Waiting was long.".into(),
        })
        .unwrap();
    let record = ana.says(account("I waited, and nobody called.")).unwrap();
    bo.takes(&record).unwrap();
    ana.takes(&hears_the_old).unwrap();
    for (view, anas) in [
        (ana.view(), ana.view().mine),
        (bo.view(), bo.view().partners),
    ] {
        assert_eq!(view.state, State::Open);
        assert_eq!(text(&anas), Some("I waited, and nobody called."));
        assert_eq!(
            (anas.versions, anas.heard_before, anas.heard),
            (2, true, false)
        );
        assert!(anas.hearing.is_none() && !view.mine.settled && !view.partners.settled);
    }
    // Both versions are kept.
    let accounts = bo.entry().talk_history();
    let accounts = accounts
        .iter()
        .filter(|line| matches!(line.say, Say::Account(_)));
    assert_eq!(accounts.count(), 2);
}

#[test]
fn only_the_others_account_is_heard_and_only_its_author_says_what_was_meant() {
    let (mut ana, mut bo) = began(PLAIN);
    let fault = |result: Result<Record, RuleError>| match result {
        Err(RuleError::Fault(fault)) => fault,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was said"),
    };
    let hears = |of| Say::Heard {
        of,
        words: "x".into(),
    };
    let meant = |of| Say::Meant {
        of,
        yes: true,
        words: String::new(),
    };
    assert_eq!(fault(ana.says(hears([1; 32]))), RuleFault::Names);
    both(&mut ana, &mut bo, account("Mine."));
    both(&mut bo, &mut ana, account("His."));
    let own = hash_of(&ana.view().mine);
    assert_eq!(fault(ana.says(hears(own))), RuleFault::Newer);
    assert_eq!(fault(ana.says(meant([1; 32]))), RuleFault::Names);
    both(&mut bo, &mut ana, hears(own));
    let hearing = ana.view().mine.hearing.unwrap().hash;
    // Bo cannot say of what he heard himself that it was meant so.
    assert_eq!(fault(bo.says(meant(hearing))), RuleFault::Names);

    // A program that says it all the same is heard by nobody: one hears oneself, the other answers for the author.
    let hears_himself = hash_of(&ana.view().partners);
    let mut here = ana.clone();
    here.bos = forged_by(BO, &ana.bos, 20, vec![hearing.to_vec(), vec![1], vec![]]).unwrap();
    assert_eq!(
        (here.view().mine.heard, here.view().state),
        (false, State::Open)
    );
    here.bos = forged_by(
        BO,
        &ana.bos,
        19,
        vec![hears_himself.to_vec(), b"me".to_vec()],
    )
    .unwrap();
    assert!(here.view().partners.hearing.is_none());
}

#[test]
fn told_together_nobody_sees_an_account_before_both_have_committed() {
    let (mut ana, mut bo) = began(TOGETHER);
    both(&mut ana, &mut bo, Say::Commit(commitment(ANA, "It hurt.")));
    // Ana's own device does not open it yet.
    let early = ana.says(opening(ANA, "It hurt."));
    assert_eq!(early.err(), Some(RuleError::Fault(RuleFault::Before)));
    let bos = |say| bo.clone().says(say).err();
    assert_eq!(
        bos(account("Mine.")),
        Some(RuleError::Fault(RuleFault::Sealed))
    );

    // A program that opens early is shown to nobody.
    let (c, words) = (commitment(ANA, "It hurt."), b"It hurt.".to_vec());
    let mut there = bo.clone();
    there.anas = forged_by(ANA, &bo.anas, 18, vec![c.to_vec(), NONCE.to_vec(), words]).unwrap();
    let view = there.view();
    assert!(view.partners.opened && view.partners.account.is_none());
    assert!(
        there
            .entry()
            .talk_history()
            .iter()
            .all(|line| matches!(line.say, Say::Commit(_)))
    );
    there.says(Say::Commit(commitment(BO, "I slept."))).unwrap();
    assert_eq!(text(&there.view().partners), Some("It hurt."));

    both(&mut bo, &mut ana, Say::Commit(commitment(BO, "I slept.")));
    both(&mut ana, &mut bo, opening(ANA, "It hurt."));
    assert_eq!(
        (text(&bo.view().partners), text(&bo.view().mine)),
        (Some("It hurt."), None)
    );
    both(&mut bo, &mut ana, opening(BO, "I slept."));
    assert_eq!(text(&ana.view().partners), Some("I slept."));
    heard(&mut ana, &mut bo, true);
    heard(&mut bo, &mut ana, true);
    assert_eq!(bo.view().state, State::HeardByBoth);
}

#[test]
fn what_breaks_a_rule_is_refused_whoever_wrote_it() {
    let (ana, bo) = began(TOGETHER);
    let c = commitment(BO, "I slept.");
    let open = |c: [u8; 32], nonce: [u8; 32], text: &str| {
        vec![c.to_vec(), nonce.to_vec(), text.as_bytes().to_vec()]
    };
    // Bo opens what he has not committed to, or something else than he has.
    let before = forged_by(BO, &ana.bos, 18, open(c, NONCE, "I slept."));
    assert_eq!(before.err(), Some(RuleFault::Before));
    let mut committed = bo.clone();
    committed.says(Say::Commit(c)).unwrap();
    let bos = &committed.bos;
    for (nonce, text) in [(NONCE, "I worked."), ([6; 32], "I slept.")] {
        let opened = forged_by(BO, bos, 18, open(c, nonce, text));
        assert_eq!(opened.err(), Some(RuleFault::Mismatch));
    }
    // Nor what Ana committed to, by her log.
    let stolen = commitment(ANA, "It hurt.");
    let with_hers = forged_by(BO, &ana.bos, 17, vec![stolen.to_vec()]).unwrap();
    let change = Statement {
        verb: 18,
        n: 901,
        time: NOW,
        items: open(stolen, NONCE, "It hurt."),
    };
    let change = forged(&with_hers, Actor([BO; 16]), vec![add_first(change.bytes())]);
    let refused = wall::admit(&with_hers, &writer(BO), &[&change]).unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::Permit(wall::PermitFault::Rule(_, RuleFault::Mismatch))
        ),
        "{refused}"
    );
    // Once each, and no plain account beside it.
    let again = forged_by(BO, bos, 17, vec![vec![9; 32]]);
    assert_eq!(again.err(), Some(RuleFault::Once));
    assert_eq!(
        forged_by(BO, bos, 16, vec![b"x".to_vec()]).err(),
        Some(RuleFault::Sealed)
    );
    assert_eq!(
        forged_by(ANA, &bo.anas, 16, vec![b"x".to_vec()]).err(),
        Some(RuleFault::Sealed)
    );
    let opened = forged_by(BO, bos, 18, open(c, NONCE, "I slept.")).unwrap();
    let change = Statement {
        verb: 18,
        n: 901,
        time: NOW,
        items: open(c, NONCE, "I slept."),
    };
    let change = forged(&opened, Actor([BO; 16]), vec![add_first(change.bytes())]);
    assert!(wall::admit(&opened, &writer(BO), &[&change]).is_err());

    // A plain account of Bo's in a talk told together passes the wall, which sees his part alone, and counts for nothing.
    let mut here = ana.clone();
    here.bos = forged_by(BO, &ana.bos, 16, vec![b"I slept.".to_vec()]).unwrap();
    assert_eq!(
        (
            text(&here.view().partners),
            here.entry().talk_history().len()
        ),
        (None, 0)
    );
    // A commitment where nothing is told together counts for as little; of who began it, the wall refuses it.
    let (ana, _) = began(PLAIN);
    let mut here = ana.clone();
    here.bos = forged_by(BO, &ana.bos, 17, vec![vec![9; 32]]).unwrap();
    assert_eq!(here.view().partners, Side::default());
    assert_eq!(
        forged_by(ANA, &ana.anas, 17, vec![vec![9; 32]]).err(),
        Some(RuleFault::NotTogether)
    );
    // Roles that there are none of, and questions in the place of others.
    let mut other = Device::new(ANA);
    let role = other.begins(9, &[]).err();
    assert_eq!(role, Some(RuleError::Fault(RuleFault::Role(9))));
    assert_eq!(
        forged_by(ANA, &ana.anas, 22, vec![vec![]]).err(),
        Some(RuleFault::Names)
    );
    assert_eq!(
        forged_by(BO, &ana.bos, 22, vec![vec![]]).err(),
        Some(RuleFault::OnlyBeginner)
    );
    assert_eq!(
        forged_by(ANA, &ana.anas, 23, vec![vec![]]).err(),
        Some(RuleFault::OnlyOther)
    );
    assert_eq!(
        forged_by(BO, &ana.bos, 99, vec![vec![]]).err(),
        Some(RuleFault::Verb(99))
    );
}

#[test]
fn what_is_malformed_is_refused() {
    let (ana, _) = began(PLAIN);
    let long = vec![b'x'; WORDS_BYTES + 1];
    for (verb, items, fault) in [
        (16, vec![], RuleFault::Malformed),
        (16, vec![b"x".to_vec(), vec![]], RuleFault::Malformed),
        (16, vec![vec![0xff]], RuleFault::Malformed),
        (16, vec![b" \n ".to_vec()], RuleFault::Empty),
        (16, vec![long.clone()], RuleFault::TooLong),
        (17, vec![vec![0; 31]], RuleFault::Malformed),
        (
            18,
            vec![vec![0; 32], vec![0; 31], b"x".to_vec()],
            RuleFault::Malformed,
        ),
        (19, vec![vec![0; 32], vec![]], RuleFault::Empty),
        (19, vec![vec![0; 33], b"x".to_vec()], RuleFault::Malformed),
        (20, vec![vec![0; 32], vec![2], vec![]], RuleFault::Malformed),
        (20, vec![vec![0; 32], vec![], vec![]], RuleFault::Malformed),
        (
            21,
            vec![vec![1], vec![0; 32], vec![0; 32], vec![0; 32]],
            RuleFault::Malformed,
        ),
        (21, vec![vec![1], vec![0; 5]], RuleFault::Malformed),
        (21, vec![], RuleFault::Malformed),
        (23, vec![long], RuleFault::TooLong),
    ] {
        let refused = forged_by(BO, &ana.bos, verb, items.clone()).err();
        assert_eq!(refused, Some(fault), "{verb} with {} items", items.len());
    }
}

#[test]
fn a_question_waits_without_pressing_and_can_be_taken_back() {
    let mut ana = Device::new(ANA);
    let ask = Say::Ask("Can we talk tonight?".into());
    let mut bo = Device::new(BO);
    for record in ana.begins(ASKED, &[ask.into()]).unwrap() {
        bo.takes(&record).unwrap();
    }
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::Asked, State::Asked)
    );
    assert_eq!(bo.view().asked.as_deref(), Some("Can we talk tonight?"));
    let mut taken_back = ana.clone();
    taken_back
        .says(Say::Settle {
            on: true,
            of: vec![],
        })
        .unwrap();
    assert_eq!(taken_back.view().state, State::Settled);
    both(&mut bo, &mut ana, Say::Reply("After eight, yes.".into()));
    assert_eq!(
        (ana.view().state, bo.view().state),
        (State::Open, State::Open)
    );
    assert_eq!(ana.view().reply.as_deref(), Some("After eight, yes."));
    both(&mut ana, &mut bo, account("I feel far away from you."));
    assert_eq!(text(&bo.view().partners), Some("I feel far away from you."));
}

/// Every way to lay `records` out that keeps each device's own in order.
fn orders(records: &[Vec<Record>]) -> Vec<Vec<Record>> {
    if records.iter().all(Vec::is_empty) {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for (at, of_one) in records.iter().enumerate() {
        if let Some((first, rest)) = of_one.split_first() {
            let mut left = records.to_vec();
            left[at] = rest.to_vec();
            for mut order in orders(&left) {
                order.insert(0, first.clone());
                all.push(order);
            }
        }
    }
    all
}

/// The other side's view of the same.
fn turned(view: View) -> View {
    View {
        mine: view.partners,
        partners: view.mine,
        ..view
    }
}

#[test]
fn every_order_of_arrival_gives_one_view_on_three_devices() {
    let (mut ana, mut bo) = began(PLAIN);
    both(&mut ana, &mut bo, account("I waited."));
    let mut other = Device::new(BOS_OTHER);
    (other.shared, other.anas) = (bo.shared.clone(), bo.anas.clone());
    let start = [ana.clone(), bo.clone(), other.clone()];
    let of = hash_of(&bo.view().partners);
    let hears = |words: &str| Say::Heard {
        of,
        words: words.into(),
    };
    // All three speak at once, Bo on two devices.
    let records = vec![
        vec![
            ana.says(account("I waited long.")).unwrap(),
            ana.says(account("I waited until two.")).unwrap(),
        ],
        vec![
            bo.says(hears("You waited.")).unwrap(),
            bo.says(account("My phone was dead.")).unwrap(),
        ],
        vec![
            other.says(account("I lost my phone.")).unwrap(),
            other.says(hears("You were alone.")).unwrap(),
        ],
    ];
    let mut views = Vec::new();
    for order in orders(&records) {
        let devices = start.clone().map(|mut device| {
            for record in &order {
                device.takes(record).unwrap();
            }
            device
        });
        let [ana, bo, other] = devices.map(|device| device.view());
        assert_eq!(bo, other);
        assert_eq!(turned(ana), bo);
        views.push(bo);
    }
    assert_eq!(views.len(), 90);
    views.dedup();
    assert_eq!(views.len(), 1);
    assert_eq!(text(&views[0].partners), Some("I waited until two."));
    assert_eq!(views[0].mine.versions, 2);
}

#[test]
fn two_devices_that_commit_at_once_are_told_apart_and_the_first_counts() {
    let (mut ana, mut bo) = began(TOGETHER);
    both(&mut ana, &mut bo, Say::Commit(commitment(ANA, "It hurt.")));
    let mut other = Device::new(BOS_OTHER);
    (other.shared, other.anas) = (bo.shared.clone(), bo.anas.clone());
    let start = ana.clone();
    let records = vec![
        vec![
            bo.says(Say::Commit(commitment(BO, "I slept."))).unwrap(),
            bo.says(opening(BO, "I slept.")).unwrap(),
        ],
        vec![
            other
                .says(Say::Commit(commitment(BOS_OTHER, "I worked.")))
                .unwrap(),
            other.says(opening(BOS_OTHER, "I worked.")).unwrap(),
        ],
    ];
    for order in orders(&records) {
        let mut ana = start.clone();
        for record in &order {
            ana.takes(record).unwrap();
        }
        let partners = ana.view().partners;
        assert_eq!(text(&partners), Some("I slept."));
        assert!(partners.committed_twice);
    }
}

#[test]
fn nothing_that_people_wrote_is_in_what_is_logged() {
    let (mut ana, mut bo) = began(PLAIN);
    both(&mut ana, &mut bo, account("A secret."));
    let said = format!(
        "{:?} {:?}",
        ana.view(),
        amends_journal::Say::from(account("A secret."))
    );
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(
        ana.entry().begun().map(|told| told.person),
        Some(Person::Me)
    );
}
