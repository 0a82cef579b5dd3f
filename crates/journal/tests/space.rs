//! Space: nobody makes it longer than it was asked for, whatever program they run, and no claimed time does.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/said.rs"]
mod said;

use amends_journal::space::{CLOCK_STEP, LONGEST, Say, View};
use amends_journal::wall::{self, PermitFault};
use amends_journal::{
    Begin, Entry, EntryKind, Part, PartKind, Refusal, RuleError, RuleFault, Statement, begin,
};
use said::{ANA, ANA_TOO, BO, NOW, begins, change, own, says, statement, writer};

const KIND: EntryKind = EntryKind::Space;
const HOUR: i64 = 60 * 60 * 1000;

/// Asks, at a claimed time, for space until then.
fn asks(n: u64, time: i64, until: i64) -> Statement {
    Statement {
        time,
        ..statement(16, n, &[&until.to_be_bytes(), b"I need to think."])
    }
}

fn over(n: u64) -> Statement {
    statement(17, n, &[])
}

#[track_caller]
fn refused(part: &Part, actor: amends_journal::Actor, statements: &[Statement]) -> RuleFault {
    let before = part.save();
    let refusal = says(part, actor, statements).expect_err("must be refused");
    assert_eq!(part.save(), before);
    match refusal {
        Refusal::Permit(PermitFault::Rule(_, fault)) => fault,
        other => panic!("{other}"),
    }
}

fn view(part: &Part) -> View {
    let shared = Part::new(KIND, 1, PartKind::Shared).unwrap();
    let bos = own(KIND);
    let seen = |pair| said::look(KIND, &shared, pair, |entry| entry.space());
    let (anas, his) = (seen((part, &bos)), seen((&bos, part)));
    assert_eq!(anas, his, "both see the same");
    anas
}

/// Ana asked for a day.
fn asked() -> Part {
    says(&own(KIND), ANA, &[begins(0), asks(2, NOW, NOW + 24 * HOUR)]).unwrap()
}

#[test]
fn a_space_is_asked_for_by_its_own_program_and_read_as_it_was_asked() {
    let begun = begin(
        KIND,
        &writer(KIND, ANA),
        NOW,
        Begin {
            nonce: [5; 16],
            role: 0,
            from: None,
        },
        None,
        false,
        &[Say::Ask {
            until: NOW + LONGEST,
            words: "I love you.".into(),
        }
        .into()],
    )
    .unwrap();
    assert!(begun.shared.is_none());
    let changes: Vec<&[u8]> = begun.own.changes.iter().map(Vec::as_slice).collect();
    let there = wall::admit(&own(KIND), &writer(KIND, ANA), &changes).unwrap();
    let seen = view(&there);
    assert_eq!(
        (seen.until, seen.words.as_str(), seen.over),
        (Some(NOW + LONGEST), "I love you.", None)
    );

    let shared = Part::new(KIND, 1, PartKind::Shared).unwrap();
    let none = own(KIND);
    let entry = |mine| Entry {
        entry: said::id(KIND),
        shared: &shared,
        mine,
        partners: &none,
    };
    let over = entry(&there)
        .say(&writer(KIND, ANA), NOW + HOUR, &[Say::Over.into()])
        .unwrap();
    assert_eq!(view(&over.part).over, Some(NOW + HOUR));
    assert_eq!(
        entry(&over.part)
            .say(&writer(KIND, ANA), NOW + HOUR, &[Say::Over.into()])
            .map(|_| ()),
        Err(RuleError::Fault(RuleFault::Once))
    );
    // Whoever did not ask for it cannot end it.
    let other_side = Entry {
        entry: said::id(KIND),
        shared: &shared,
        mine: &none,
        partners: &there,
    };
    assert_eq!(
        other_side
            .say(&writer(KIND, BO), NOW, &[Say::Over.into()])
            .map(|_| ()),
        Err(RuleError::Fault(RuleFault::OnlyBeginner))
    );
}

#[test]
fn our_own_program_asks_for_no_more_than_the_wall_lets_through() {
    let new = |until| {
        begin(
            KIND,
            &writer(KIND, ANA),
            NOW,
            Begin {
                nonce: [5; 16],
                role: 0,
                from: None,
            },
            None,
            false,
            &[Say::Ask {
                until,
                words: String::new(),
            }
            .into()],
        )
        .map(|_| ())
    };
    let too_long = Err(RuleError::Fault(RuleFault::SpaceLength));
    assert_eq!(new(NOW + 1), Ok(()));
    for until in [NOW, NOW - 1, NOW + LONGEST + 1, i64::MIN, i64::MAX] {
        assert_eq!(new(until), too_long, "{until}");
    }
}

#[test]
fn nobody_makes_a_space_longer() {
    let asked = asked();
    // By asking again, in a later change or in the same one.
    let again = asks(3, NOW + HOUR, NOW + LONGEST);
    assert_eq!(
        refused(&asked, ANA, std::slice::from_ref(&again)),
        RuleFault::Once
    );
    let both = [begins(0), asks(2, NOW, NOW + HOUR), again.clone()];
    assert_eq!(refused(&own(KIND), ANA, &both), RuleFault::Once);
    // From another device of hers that saw the first.
    assert_eq!(refused(&asked, ANA_TOO, &[again]), RuleFault::Once);
    // By a length that no space has, whatever time is claimed.
    for (time, until) in [
        (NOW, NOW + LONGEST + 1),
        (0, NOW),
        (NOW - 365 * 24 * HOUR, NOW + HOUR),
        (NOW, NOW),
        (NOW, NOW - HOUR),
        (NOW, i64::MIN),
        (NOW, i64::MAX),
    ] {
        let ask = [begins(0), asks(2, time, until)];
        assert_eq!(
            refused(&own(KIND), ANA, &ask),
            RuleFault::SpaceLength,
            "{time} {until}"
        );
    }
    assert_eq!(view(&asked).until, Some(NOW + 24 * HOUR));
}

#[test]
fn only_who_asked_says_anything_in_it() {
    let none = own(KIND);
    for said in [asks(2, NOW, NOW + HOUR), over(2)] {
        assert_eq!(refused(&none, BO, &[said]), RuleFault::OnlyBeginner);
    }
    // Bo cannot begin what Ana began.
    assert_eq!(refused(&none, BO, &[begins(0)]), RuleFault::NotItsBeginner);
    let begun = says(&none, ANA, &[begins(0)]).unwrap();
    assert_eq!(refused(&begun, ANA, &[over(2)]), RuleFault::Before);
    let ended = says(&asked(), ANA, &[over(3)]).unwrap();
    assert_eq!(refused(&ended, ANA, &[over(4)]), RuleFault::Once);
}

#[test]
fn what_is_no_statement_of_a_space_is_refused() {
    let none = own(KIND);
    assert_eq!(refused(&none, ANA, &[begins(1)]), RuleFault::Role(1));
    let until = (NOW + HOUR).to_be_bytes();
    let long = vec![b'x'; 8_001];
    for (items, fault) in [
        (vec![&until[..]], RuleFault::Malformed),
        (vec![&until[..], b"x", b"y"], RuleFault::Malformed),
        (vec![&until[..7], b"x"], RuleFault::Malformed),
        (vec![&until[..], &[0xff]], RuleFault::Malformed),
        (vec![&until[..], &long], RuleFault::TooLong),
    ] {
        let ask = statement(16, 2, &items);
        assert_eq!(refused(&none, ANA, &[begins(0), ask]), fault);
    }
    assert_eq!(
        refused(&asked(), ANA, &[statement(17, 3, &[b"x"])]),
        RuleFault::Malformed
    );
    assert_eq!(
        refused(&asked(), ANA, &[statement(18, 3, &[])]),
        RuleFault::Verb(18)
    );
    // A draft of one does not belong in the journal of two.
    assert_eq!(
        refused(&asked(), ANA, &[statement(2, 3, &[&[0]])]),
        RuleFault::Private
    );
}

#[test]
fn of_two_devices_that_ask_in_one_entry_at_once_the_earlier_end_counts_in_every_order() {
    let begun = says(&own(KIND), ANA, &[begins(0)]).unwrap();
    // Neither device saw the other's; one more of hers ends it.
    let all = [
        (ANA, asks(2, NOW, NOW + 2 * HOUR)),
        (ANA_TOO, asks(2, NOW, NOW + 70 * HOUR)),
    ]
    .map(|(actor, ask)| (actor, change(&begun, actor, 1, &[ask])));
    let mut seen = Vec::new();
    for order in said::orders(all.len()) {
        let mut part = begun.clone();
        for at in order {
            let (actor, change) = &all[at];
            part = wall::admit(&part, &writer(KIND, *actor), &[change]).unwrap();
        }
        seen.push(view(&part));
    }
    assert!(seen.iter().all(|one| *one == seen[0]));
    assert_eq!(seen[0].until, Some(NOW + 2 * HOUR));
}

#[test]
fn it_ends_at_the_earlier_of_what_was_asked_and_72_hours_after_it_came() {
    let of = |until| View {
        until: Some(until),
        ..View::default()
    };
    let day = of(NOW + 24 * HOUR);
    for (first_held, end) in [
        (NOW, NOW + 24 * HOUR),
        // It was on its way for an hour: `until` is fixed when it is asked.
        (NOW + HOUR, NOW + 24 * HOUR),
        // This device's clock is far behind: 72 hours of its own.
        (NOW - 365 * 24 * HOUR, NOW - 362 * 24 * HOUR),
    ] {
        assert_eq!(day.ends_at(first_held), Some(end));
        assert!(day.runs(first_held, first_held), "{first_held}");
        assert!(day.runs(first_held, end - 1), "{first_held}");
        assert!(!day.runs(first_held, end), "{first_held}");
        assert!(!day.runs(first_held, i64::MAX), "{first_held}");
    }
    // It came when it was over: claimed a year ago, or on its way for days.
    assert!(!day.runs(NOW + 24 * HOUR, NOW + 24 * HOUR));
    assert!(!of(NOW - 365 * 24 * HOUR).runs(NOW, NOW));
    // Claimed by a clock that is years ahead, it lasts 72 hours here.
    let ahead = of(NOW + 9_000 * 24 * HOUR);
    assert!(ahead.runs(NOW, NOW + LONGEST - 1));
    assert!(!ahead.runs(NOW, NOW + LONGEST));
    assert!(!of(i64::MAX).runs(i64::MAX, i64::MAX));
    // Nothing was asked for, or it was ended.
    assert!(!View::default().runs(NOW, NOW));
    let ended = View {
        over: Some(0),
        ..day.clone()
    };
    assert!(!ended.runs(NOW, NOW));
}

#[test]
fn a_clock_that_was_put_back_holds_nobody() {
    let space = View {
        until: Some(NOW + 1_000 * 24 * HOUR),
        ..View::default()
    };
    // Put right by a little, it goes on; put back by more, nobody can tell how much of it has passed.
    assert!(space.runs(NOW, NOW - CLOCK_STEP));
    assert!(!space.runs(NOW, NOW - CLOCK_STEP - 1));
    assert!(!space.runs(NOW, i64::MIN));
}

#[test]
fn nothing_can_be_written_into_the_part_that_both_share() {
    let shared = Part::new(KIND, 1, PartKind::Shared).unwrap();
    let forged = change(&own(KIND), ANA, 1, &[begins(0)]);
    assert!(wall::admit(&shared, &writer(KIND, ANA), &[&forged]).is_err());
}
