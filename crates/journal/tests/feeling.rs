//! Feelings: who says them, how often, and what stays private.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::feeling::{Feel, Say, TAG_BYTES, TAGS};
use amends_journal::wall::PermitFault;
use amends_journal::{
    EntryId, EntryKind, Field, GREATEST_N, Person, Refusal, RuleError, RuleFault, Statement,
    StatementFault, View,
};
use told::{Device, Record, entry_of, forge_said};

const FEELING: EntryKind = EntryKind::Feeling;

fn feel(words: &str) -> Feel {
    Feel {
        words: words.to_owned(),
        because: "you laughed without me".to_owned(),
        intensity: Some(4),
        tags: vec!["evenings".to_owned()],
    }
}

fn say(words: &str) -> Say {
    Say::Feel(feel(words))
}

#[test]
fn in_a_private_store_a_feeling_is_said_anew_and_the_latest_stands() {
    let mut ana = Device::alone(FEELING, 1);
    ana.begins(&[say("Left out.").into()]).unwrap();
    assert_eq!(ana.view().feeling().feel, feel("Left out."));
    let less = Feel {
        intensity: None,
        tags: Vec::new(),
        because: String::new(),
        ..feel("Sad.")
    };
    ana.says(Say::Feel(less.clone())).unwrap();
    assert_eq!(ana.view().feeling().feel, less);
    let copy = EntryId([3; 16]);
    ana.says(Say::Shared(copy)).unwrap();
    let view = ana.view().feeling();
    assert_eq!((view.feel, view.shared), (less, vec![copy.0]));
}

#[test]
fn one_change_holds_sixteen_statements_and_no_more() {
    let mut ana = Device::alone(FEELING, 1);
    ana.begins(&[say("Left out.").into()]).unwrap();
    let said = vec![ana.statement(16, &[b"Sad.", b"", b""]); 17];
    let mut taken = |statements: &[Statement]| {
        let record = ana.forges(statements);
        ana.clone().takes(&record)
    };
    taken(&said[..16]).unwrap();
    assert!(matches!(
        taken(&said),
        Err(Refusal::Permit(PermitFault::TooManyActs(17)))
    ));
}

#[test]
fn numbers_of_statements_rise_until_the_greatest_which_they_may_share() {
    let mut ana = Device::alone(FEELING, 1);
    ana.begins(&[say("Left out.").into()]).unwrap();
    let says = |ana: &mut Device, n: u64| {
        let statement = Statement {
            n,
            ..ana.statement(16, &[b"Sad.", b"", b""])
        };
        let change = forge_said(&ana.anas, told::actor(1), &[statement]);
        ana.takes(&Record {
            device: 1,
            changes: vec![change],
        })
    };
    let late = GREATEST_N - 1;
    says(&mut ana, late).unwrap();
    for n in [late, late - 1, 1] {
        assert!(matches!(
            says(&mut ana, n),
            Err(Refusal::Permit(PermitFault::Statement(
                _,
                StatementFault::Number
            )))
        ));
    }
    for _ in 0..2 {
        says(&mut ana, GREATEST_N).unwrap();
    }
}

#[test]
fn what_was_shared_is_said_once_and_by_its_author() {
    let entry = entry_of(FEELING, 1);
    let (mut ana, mut bo) = (
        Device::new(FEELING, entry, 1),
        Device::new(FEELING, entry, 3),
    );
    let begun = ana.begins(&[say("Left out.").into()]).unwrap();
    bo.takes(&begun).unwrap();
    assert_eq!(bo.view().feeling().feel, feel("Left out."));
    assert_eq!(bo.view().begun().unwrap().person, Person::Partner);

    let once = RuleError::Fault(RuleFault::Once);
    assert_eq!(ana.says(say("Furious.")).unwrap_err(), once);
    let again = ana.statement(16, &[b"Furious.", b"", b""]);
    assert_eq!(ana.fault_of(&[again]), Some(RuleFault::Once));
    // Nor by another device of hers, which has not seen it: it did not begin it.
    let mut second = Device::new(FEELING, entry, 2);
    let unseen = second.statement(16, &[b"Furious.", b"", b""]);
    assert_eq!(
        second.fault_of(std::slice::from_ref(&unseen)),
        Some(RuleFault::OnlyBeginner)
    );
    second.takes(&begun).unwrap();
    assert_eq!(second.fault_of(&[unseen]), Some(RuleFault::OnlyBeginner));
    // Bo neither speaks for her nor begins what she began.
    let his = bo.statement(16, &[b"Happy.", b"", b""]);
    assert_eq!(bo.fault_of(&[his]), Some(RuleFault::OnlyBeginner));
    let his = [bo.beginning(0), bo.statement(16, &[b"Happy.", b"", b""])];
    assert_eq!(bo.fault_of(&his), Some(RuleFault::NotItsBeginner));
    assert_eq!(bo.view().feeling().feel, feel("Left out."));
}

#[test]
fn drafts_and_what_a_private_store_knows_of_copies_do_not_go_into_the_journal() {
    let mut ana = Device::new(FEELING, entry_of(FEELING, 1), 1);
    ana.begins(&[say("Left out.").into()]).unwrap();
    let refused = |ana: &mut Device, verb, items: &[&[u8]]| {
        let statement = ana.statement(verb, items);
        ana.fault_of(&[statement])
    };
    assert_eq!(refused(&mut ana, 17, &[&[3; 16]]), Some(RuleFault::Private));
    assert_eq!(
        refused(&mut ana, 2, &[&[0], b"words", b"x"]),
        Some(RuleFault::Private)
    );
    assert_eq!(refused(&mut ana, 3, &[&[]]), Some(RuleFault::Private));
    assert_eq!(
        ana.says(Say::Shared(EntryId([3; 16]))).unwrap_err(),
        RuleError::Fault(RuleFault::Private)
    );
}

#[test]
fn what_is_malformed_is_refused() {
    let mut ana = Device::new(FEELING, entry_of(FEELING, 1), 1);
    let first = ana.beginning(0);
    let tag = vec![b'x'; TAG_BYTES + 1];
    let tags = vec![&b"t"[..]; TAGS + 1];
    let many: Vec<&[u8]> = [&b"w"[..], b"", b""].into_iter().chain(tags).collect();
    let cases: [(&[&[u8]], RuleFault); 10] = [
        (&[], RuleFault::Malformed),
        (&[b"w", b""], RuleFault::Malformed),
        (&[b"w", b"", &[0]], RuleFault::Malformed),
        (&[b"w", b"", &[6]], RuleFault::Malformed),
        (&[b"w", b"", &[3, 3]], RuleFault::Malformed),
        (&[b"\xff", b"", &[3]], RuleFault::Malformed),
        (&[b"w", b"\xc0\x80", &[3]], RuleFault::Malformed),
        (&[b" \n", b"\t", &[3]], RuleFault::Empty),
        (&[b"w", b"", b"", &tag], RuleFault::TooLong),
        (&many, RuleFault::TooLong),
    ];
    for (items, fault) in cases {
        let feel = ana.statement(16, items);
        assert_eq!(
            ana.fault_of(&[first.clone(), feel]),
            Some(fault),
            "{items:?}"
        );
    }
    for (verb, items) in [
        (17, vec![]),
        (17, vec![&[1][..]]),
        (17, vec![&[1; 16][..], &[]]),
    ] {
        let statement = ana.statement(verb, &items);
        assert_eq!(
            ana.fault_of(&[first.clone(), statement]),
            Some(RuleFault::Malformed)
        );
    }
    let unknown = ana.statement(18, &[]);
    assert_eq!(ana.fault_of(&[first, unknown]), Some(RuleFault::Verb(18)));
    let role = ana.beginning(1);
    assert_eq!(ana.fault_of(&[role]), Some(RuleFault::Role(1)));
    let before = ana.statement(16, &[b"w", b"", b""]);
    assert_eq!(ana.fault_of(&[before]), Some(RuleFault::OnlyBeginner));
    assert_eq!(ana.view().feeling().feel, Feel::default());
}

#[test]
fn a_person_writes_what_can_be_read() {
    let mut ana = Device::alone(FEELING, 1);
    let with = |feel: Feel| [Say::Feel(feel).into()];
    let empty = Feel {
        words: " ".to_owned(),
        because: "\n".to_owned(),
        ..Feel::default()
    };
    assert_eq!(
        ana.begins(&with(empty)).unwrap_err(),
        RuleError::Fault(RuleFault::Empty)
    );
    for (words, tag) in [("a\u{1b}[2Jb", "t"), ("a", "t\u{202e}"), ("a", "t\nu")] {
        let feel = Feel {
            words: words.to_owned(),
            tags: vec![tag.to_owned()],
            ..Feel::default()
        };
        let error = ana.begins(&with(feel)).unwrap_err();
        assert!(
            matches!(
                error,
                RuleError::Character {
                    field: Field::Text | Field::Title,
                    ..
                }
            ),
            "{error}"
        );
    }
    let long = Feel {
        words: "x".repeat(120_000),
        ..Feel::default()
    };
    assert_eq!(
        ana.begins(&with(long)).unwrap_err(),
        RuleError::Fault(RuleFault::TooLong)
    );
}

#[test]
fn a_draft_that_becomes_itself_is_a_feeling() {
    use amends_journal::draft::{self, WaitsFor};
    let mut ana = Device::alone(FEELING, 1);
    let write = draft::Say::Write {
        waits_for: WaitsFor::Author,
        answers: vec![("words".to_owned(), "Left".to_owned())],
    };
    ana.begins(&[write.into()]).unwrap();
    assert!(matches!(ana.view().in_short().view, View::Draft(draft) if !draft.done));
    ana.says(say("Left out.")).unwrap();
    ana.says(draft::Say::Done(Some(ana.entry))).unwrap();
    let View::Feeling(view) = ana.view().in_short().view else {
        panic!("still a draft");
    };
    assert_eq!(view.feel, feel("Left out."));
}
