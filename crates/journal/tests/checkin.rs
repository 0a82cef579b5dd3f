//! Check-ins: a schedule that both agree to, and sessions that are held once.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::checkin::{AGENDA, SCHEDULE, SESSION, Say, Session, View, is_outcome};
use amends_journal::schedule::Schedule;
use amends_journal::{
    Begin, Draft, EntryKind, Person, RuleError, RuleFault, State, Statement, TextField, begin, wall,
};
use told::{Device, NONCE, NOW, entry_of, orders};

const CHECKIN: EntryKind = EntryKind::Checkin;
const TEXT: &str = "20 minutes at 19:30, Europe/Berlin\nfrom 2026-12-01: Monday, Friday";

fn draft(text: &str) -> Draft<'_> {
    Draft {
        text,
        language: "en",
        ..Draft::default()
    }
}

fn session() -> Session {
    Session {
        started: NOW,
        minutes: 18,
        agenda: vec![[1; 16], [2; 16], [3; 16]],
        left: vec![[1; 16], [3; 16]],
    }
}

/// What a device wrote: of the shared part, or of its person's own one.
#[derive(Clone)]
enum Came {
    Shared(u8, Vec<Vec<u8>>),
    Own(told::Record),
}

fn takes(device: &mut Device, came: &Came) -> Result<(), amends_journal::Refusal> {
    match came {
        Came::Own(record) => device.takes(record),
        Came::Shared(by, changes) => {
            let changes: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
            device.shared = wall::admit(&device.shared, &device.writer(*by), &changes)?;
            Ok(())
        }
    }
}

/// Ana's first device begins a check-in, as an honest program does.
fn begun(
    role: u8,
    text: &str,
    agreed: bool,
    says: &[Say],
) -> Result<(Device, [Came; 2]), RuleError> {
    let mut ana = Device::new(CHECKIN, entry_of(CHECKIN, 1), 1);
    let beginning = Begin {
        nonce: NONCE,
        role,
        from: None,
    };
    let says: Vec<_> = says.iter().cloned().map(Into::into).collect();
    let draft = draft(text);
    let begun = begin(
        CHECKIN,
        &ana.writer(1),
        NOW,
        beginning,
        Some(&draft),
        agreed,
        &says,
    )?;
    let shared = begun.shared.unwrap();
    ana.shared = shared.part;
    ana.anas = begun.own.part;
    let own = told::Record {
        device: 1,
        changes: begun.own.changes,
    };
    Ok((ana, [Came::Shared(1, shared.changes), Came::Own(own)]))
}

fn other(device: u8, came: &[Came]) -> Device {
    let mut other = Device::new(CHECKIN, entry_of(CHECKIN, 1), device);
    for came in came {
        takes(&mut other, came).unwrap();
    }
    other
}

fn agrees(device: &mut Device, now: i64) -> Came {
    let writer = device.writer(device.device);
    let written = device.view().agree(&writer, now).unwrap().unwrap();
    *device.own(device.device) = written.part;
    Came::Own(told::Record {
        device: device.device,
        changes: written.changes,
    })
}

#[test]
fn a_schedule_counts_once_both_agreed_to_it() {
    let (mut ana, came) = begun(SCHEDULE, TEXT, true, &[]).unwrap();
    let mut bo = other(3, &came);
    let view = bo.view().checkin();
    assert_eq!(
        (view.is_session, view.schedule(), view.since),
        (false, None, None)
    );
    assert_eq!(view.agreed.state, State::Proposed);
    let yes = agrees(&mut bo, NOW + 5);
    takes(&mut ana, &yes).unwrap();
    let schedule: Schedule = TEXT.parse().unwrap();
    for device in [&ana, &bo] {
        let view = device.view().checkin();
        assert_eq!(view.schedule(), Some(schedule.clone()));
        assert_eq!(view.since, Some(NOW + 5));
    }
    // An end is alone, and nothing is scheduled then.
    let end = ana.view().end(&ana.writer(1), NOW + 9, None).unwrap();
    ana.anas = end.part;
    assert_eq!(ana.view().checkin().schedule(), None);
}

#[test]
fn what_is_no_schedule_schedules_nothing_though_both_agreed_to_it() {
    let (_, came) = begun(SCHEDULE, "Whenever we feel like it.", true, &[]).unwrap();
    let mut bo = other(3, &came);
    agrees(&mut bo, NOW);
    let view = bo.view().checkin();
    assert_eq!((view.agreed.state, view.schedule()), (State::Agreed, None));
    // Nor does an outcome that looks like one.
    let (_, came) = begun(SESSION, TEXT, true, &[Say::Held(session())]).unwrap();
    let mut bo = other(3, &came);
    agrees(&mut bo, NOW);
    let view = bo.view().checkin();
    assert_eq!((view.agreed.state, view.schedule()), (State::Agreed, None));
}

#[test]
fn a_session_is_the_same_on_every_device_in_every_order() {
    let (ana, came) = begun(SESSION, "", false, &[Say::Held(session())]).unwrap();
    assert!(ana.view().checkin().lacks_outcome());
    // The outcome is written later, by the other, and confirmed by who wrote the session down.
    let mut bo = other(3, &came);
    let edit = amends_journal::Edit {
        text: Some("We talk on Sunday again."),
        ..Default::default()
    };
    let written = bo.view().edit(&bo.writer(3), NOW, &edit).unwrap().unwrap();
    bo.shared = written.part;
    let outcome = Came::Shared(3, written.changes);
    let his = agrees(&mut bo, NOW);
    let mut second = other(
        2,
        &[
            came[0].clone(),
            came[1].clone(),
            outcome.clone(),
            his.clone(),
        ],
    );
    let hers = agrees(&mut second, NOW + 1);
    let [shared, own] = came;
    let all = [shared, own, outcome, his, hers];
    let mut views: Vec<View> = Vec::new();
    for order in orders(all.len()) {
        let mut third = Device::new(CHECKIN, entry_of(CHECKIN, 1), 4);
        // What waits for another is tried again, as the replica does.
        let mut waiting: Vec<&Came> = order.iter().map(|at| &all[*at]).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|came| takes(&mut third, came).is_err());
            assert!(waiting.len() < before);
        }
        views.push(third.view().checkin());
    }
    assert!(views.windows(2).all(|pair| pair[0] == pair[1]));
    let view = &views[0];
    assert_eq!(view.agreed.state, State::Agreed);
    assert_eq!(
        view.agreed.in_force.as_deref(),
        Some("We talk on Sunday again.")
    );
    assert_eq!(
        (view.session.as_ref(), view.is_session),
        (Some(&session()), true)
    );
    assert_eq!(view.since, Some(NOW + 1));
}

#[test]
fn a_session_is_said_once_by_the_device_that_began_it() {
    let held = Say::Held(session());
    let (mut ana, came) = begun(SESSION, "", false, std::slice::from_ref(&held)).unwrap();
    let once = RuleError::Fault(RuleFault::Once);
    assert_eq!(ana.says(held.clone()).unwrap_err(), once);
    let again = ana.statement(16, &[&NOW.to_be_bytes(), &[5], &[], &[]]);
    assert_eq!(
        ana.fault_of(std::slice::from_ref(&again)),
        Some(RuleFault::Once)
    );
    let second = other(2, &came).fault_of(std::slice::from_ref(&again));
    assert_eq!(second, Some(RuleFault::OnlyBeginner));
    let mut bo = other(3, &came);
    assert_eq!(
        bo.fault_of(std::slice::from_ref(&again)),
        Some(RuleFault::OnlyBeginner)
    );
    let his = [bo.beginning(SESSION), again];
    assert_eq!(bo.fault_of(&his), Some(RuleFault::NotItsBeginner));
    assert_eq!(bo.view().begun().unwrap().person, Person::Partner);
    // A schedule is no session.
    let (mut ana, _) = begun(SCHEDULE, TEXT, true, &[]).unwrap();
    let none = RuleError::Fault(RuleFault::Verb(16));
    assert_eq!(ana.says(held).unwrap_err(), none);
}

#[test]
fn what_is_no_session_is_set_aside() {
    let time = NOW.to_be_bytes();
    let late = i64::MAX.to_be_bytes();
    let two = [[1; 16], [2; 16]].concat();
    let turned = [[2; 16], [1; 16]].concat();
    let twice = [[1; 16], [1; 16]].concat();
    let many: Vec<u8> = (0..=AGENDA as u8).flat_map(|n| [n; 16]).collect();
    let of = |items: &[&[u8]]| {
        let mut ana = Device::new(CHECKIN, entry_of(CHECKIN, 1), 1);
        let statements: [Statement; 2] = [ana.beginning(SESSION), ana.statement(16, items)];
        ana.fault_of(&statements)
    };
    assert_eq!(of(&[&time, &[20], &two, &two]), None);
    for items in [
        vec![],
        vec![&time[..], &[20], &two],
        vec![&time[..7], &[20], &two, &[]],
        vec![&late, &[20], &two, &[]],
        vec![&time, &[], &two, &[]],
        vec![&time, &[20, 0], &two, &[]],
        vec![&time, &[20], &two[1..], &[]],
        vec![&time, &[20], &twice, &[]],
        vec![&time, &[20], &two, &turned],
        vec![&time, &[20], &two, &[3; 16]],
        vec![&time, &[20], &two, &[], &[]],
    ] {
        assert_eq!(of(&items), Some(RuleFault::Malformed), "{items:?}");
    }
    assert_eq!(of(&[&time, &[20], &many, &[]]), Some(RuleFault::TooLong));
    let mut ana = Device::new(CHECKIN, entry_of(CHECKIN, 1), 1);
    let role = ana.beginning(2);
    assert_eq!(ana.fault_of(&[role]), Some(RuleFault::Role(2)));
    let unknown = [ana.beginning(SESSION), ana.statement(17, &[])];
    assert_eq!(ana.fault_of(&unknown), Some(RuleFault::Verb(17)));
    let before = ana.statement(16, &[&time, &[20], &[], &[]]);
    assert_eq!(ana.fault_of(&[before]), Some(RuleFault::OnlyBeginner));
}

#[test]
fn nobody_agrees_to_nothing() {
    let nothing = begun(SESSION, " ", true, &[Say::Held(session())]);
    assert!(matches!(nothing, Err(RuleError::Empty(_))));
    let nothing = begun(SESSION, "", true, &[Say::Held(session())]);
    assert!(matches!(nothing, Err(RuleError::Empty(_))));
    let (_, came) = begun(SESSION, "", false, &[Say::Held(session())]).unwrap();
    let bo = other(3, &came);
    let agreed = bo.view().agree(&bo.writer(3), NOW);
    assert!(matches!(agreed, Err(RuleError::Empty(_))));
}

#[test]
fn an_outcome_is_one_line() {
    assert!(is_outcome("We go on."));
    assert!(is_outcome(&"ü".repeat(500)));
    for wrong in ["", "  ", "a\nb", "a\rb", "a\u{2028}b", "\u{1b}[2J"] {
        assert!(!is_outcome(wrong), "{wrong:?}");
    }
    assert!(!is_outcome(&"ü".repeat(501)));
}

#[test]
fn why_it_matters_is_said_of_a_boundary_and_of_nothing_else() {
    let (ana, _) = begun(SCHEDULE, TEXT, true, &[]).unwrap();
    let said = ana.view().say_why(&ana.writer(1), NOW, "I need it.");
    assert_eq!(said.map(|_| ()), Err(RuleError::NoWhy));
    let field = TextField::Why;
    let typed = ana.view().splice(&ana.writer(1), NOW, field, 0, 0, "I");
    assert_eq!(typed.map(|_| ()), Err(RuleError::NoWhy));
}
