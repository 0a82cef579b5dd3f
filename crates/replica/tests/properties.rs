//! Any order of edits, meetings, cuts and faults ends in equal journals on both sides.

mod common;

use amends_journal::EntryId;
use amends_replica::{Change, Edit, Input, LinkId};
use common::*;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone)]
enum Verb {
    Propose(String),
    Text(Index, String),
    Title(Index, String),
    Review(Index, bool),
    Agree(Index),
    Decline(Index, bool),
    End(Index),
}

#[derive(Debug, Clone)]
enum Step {
    Edit(usize, Verb),
    Connect,
    Cut(Index),
    Deliver(usize),
    Fault(usize, Fault),
    Restart(usize, bool),
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["we ", "eat ", "talk ", "café ", "語", "👩🏽 ", "\n"]),
        1..8,
    )
    .prop_map(|words| words.concat())
    .prop_filter("something is said", |text| !text.trim().is_empty())
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        2 => words().prop_map(Verb::Propose),
        4 => (any::<Index>(), words()).prop_map(|(at, text)| Verb::Text(at, text)),
        1 => (any::<Index>(), "[a-e ]{0,6}").prop_map(|(at, title)| Verb::Title(at, title)),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(at, date)| Verb::Review(at, date)),
        5 => any::<Index>().prop_map(Verb::Agree),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(at, why)| Verb::Decline(at, why)),
        2 => any::<Index>().prop_map(Verb::End),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        (0usize..9).prop_map(Fault::Killed),
        (0usize..9).prop_map(Fault::PowerCut),
        (0usize..4).prop_map(Fault::SaveFails),
    ];
    prop_oneof![
        10 => (0usize..2, verb()).prop_map(|(who, verb)| Step::Edit(who, verb)),
        4 => Just(Step::Connect),
        2 => any::<Index>().prop_map(Step::Cut),
        12 => (1usize..8).prop_map(Step::Deliver),
        2 => (0usize..2, fault).prop_map(|(who, fault)| Step::Fault(who, fault)),
        1 => (0usize..2, any::<bool>()).prop_map(|(who, power)| Step::Restart(who, power)),
    ]
}

fn edit(pair: &Pair, who: usize, verb: Verb) -> Option<Edit> {
    let ids: Vec<EntryId> = pair.devices[who].cards().into_keys().collect();
    let pick = |at: &Index| (!ids.is_empty()).then(|| *at.get(&ids));
    Some(match verb {
        Verb::Propose(text) => proposal(&text),
        Verb::Text(at, text) => new_text(pick(&at)?, &text),
        Verb::Title(at, title) => Edit::Change {
            entry: pick(&at)?,
            change: Change {
                title: Some(title),
                ..Change::default()
            },
        },
        Verb::Review(at, date) => {
            let review_on = Some(date.then(|| "2027-03-01".to_owned()));
            Edit::Change {
                entry: pick(&at)?,
                change: Change {
                    review_on,
                    ..Change::default()
                },
            }
        }
        Verb::Agree(at) => agree(pick(&at)?),
        Verb::Decline(at, why) => Edit::Decline {
            entry: pick(&at)?,
            reason: why.then(|| "not now".to_owned()),
        },
        Verb::End(at) => Edit::End {
            entry: pick(&at)?,
            reason: None,
        },
    })
}

fn play(seed: u64, steps: Vec<Step>) {
    let mut pair = met_pair(seed);
    for step in steps {
        match step {
            Step::Edit(who, verb) => {
                if let Some(edit) = edit(&pair, who, verb) {
                    // A rule may refuse it, a fault may come in between.
                    let _ = pair.feed(who, Input::Edit(edit));
                }
            }
            Step::Connect if pair.links.len() < 2 => {
                pair.connect();
            }
            Step::Connect => {}
            Step::Cut(at) => {
                let links: Vec<LinkId> = pair.links.keys().copied().collect();
                if !links.is_empty() {
                    pair.cut(*at.get(&links));
                }
            }
            Step::Deliver(frames) => {
                pair.run_for(frames);
            }
            Step::Fault(who, fault) => pair.devices[who].fault = Some(fault),
            Step::Restart(who, power) => pair.restart(who, power),
        }
    }
    for who in [ANA, BO] {
        pair.devices[who].fault = None;
    }
    // Whatever is open ends well by itself, without another meeting.
    if let Some(link) = pair.links.keys().next().copied() {
        pair.run();
        for device in &pair.devices {
            let meeting = device.replica.meeting(link);
            assert!(meeting.have_all && meeting.partner_has_all, "{meeting:?}");
        }
    }
    for link in pair.links.keys().copied().collect::<Vec<_>>() {
        pair.cut(link);
    }
    pair.meet();
    pair.assert_equal();
    for who in [ANA, BO] {
        let (device, other) = (&pair.devices[who], &pair.devices[1 - who]);
        assert!(
            other.held(&device.log) >= device.confirmed,
            "a confirmed edit did not arrive"
        );
        assert_eq!(device.set_aside(), vec![], "nothing honest is set aside");
        assert_eq!(
            device.refused(),
            Vec::<String>::new(),
            "nothing honest is refused"
        );
    }
    // And all of it is on the disks.
    let cards = [ANA, BO].map(|who| pair.devices[who].cards());
    for who in [ANA, BO] {
        pair.restart(who, true);
        assert_eq!(
            pair.devices[who].cards().into_keys().collect::<Vec<_>>(),
            cards[who].keys().copied().collect::<Vec<_>>()
        );
    }
    pair.meet();
    pair.assert_equal();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_edits_meetings_cuts_and_faults_ends_in_equal_journals(
        seed in 0u64..1_000_000,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        play(seed, steps);
    }
}
