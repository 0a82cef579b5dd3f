use super::*;
use crate::request::Waits;
use crate::terminal::Color;

fn plain() -> Output {
    Output::new(false, false, Color::Never)
}

fn evenings() -> Entry {
    Entry {
        id: "lusab-babad".to_owned(),
        title: "Evenings".to_owned(),
        state: "proposed".to_owned(),
        author: "Ana".to_owned(),
        created: "2026-11-22T13:03:00Z".to_owned(),
        held: "2026-11-22T13:03:00Z".to_owned(),
        reached: false,
        not_readable_there: false,
        not_come: 0,
        private: false,
        unread: false,
        from: None,
        own: Own::Boundary(Agreement {
            text: "No phones at dinner.\nNor in bed.".to_owned(),
            agreed_by: vec!["Ana".to_owned()],
            review_on: Some("2027-03-01".to_owned()),
            hash: "00".repeat(32),
            ..Agreement::default()
        }),
        history: Vec::new(),
        met: None,
    }
}

/// What both agree to in an entry of such.
fn agreement(entry: &mut Entry) -> &mut Agreement {
    match &mut entry.own {
        Own::Boundary(agreement) => agreement,
        _ => panic!("not an agreement"),
    }
}

fn status() -> Status {
    Status {
        name: "Ana".to_owned(),
        partner: Some("Bo".to_owned()),
        unconfirmed: false,
        waiting_for_me: Vec::new(),
        waiting: 0,
        not_reached: 0,
        last_met: None,
        spaces: Vec::new(),
        held: Vec::new(),
        next_checkin: None,
        this_day: Vec::new(),
        space: None,
        refused: Vec::new(),
        connected: false,
        not_come: 0,
        photos_to_come: 0,
        photos_to_go: 0,
        older: None,
        incarnations: crate::request::Incarnations::default(),
    }
}

#[test]
fn a_list_is_one_aligned_line_an_entry() {
    let mut second = evenings();
    second.id = "du".to_owned();
    second.state = "agreed".to_owned();
    second.title = String::new();
    second.reached = true;
    let shown = list(plain(), &[evenings(), second], "None.");
    assert_eq!(
        shown,
        "lusab-babad  proposed by Ana  waiting  Evenings\n\
         du           agreed by both   reached  No phones at dinner. Nor in bed."
    );
}

#[test]
fn an_entry_shows_its_words_as_they_are_and_what_is_in_force() {
    let mut entry = evenings();
    entry.state = "changed".to_owned();
    agreement(&mut entry).in_force = Some("No phones.".to_owned());
    entry.history = vec![ActLine {
        verb: "decline".to_owned(),
        by: "Bo".to_owned(),
        at: "2026-11-22T13:05:00Z".to_owned(),
        reason: Some("On call\u{1b}[2J".to_owned()),
        to_current_text: false,
        hash: String::new(),
    }];
    let shown = super::entry(plain(), &entry);
    assert!(
        shown.contains("\nNo phones at dinner.\nNor in bed.\n"),
        "{shown}"
    );
    assert!(
        shown.contains("In force until both agree to the words above:\n\nNo phones.\n"),
        "{shown}"
    );
    assert!(
        shown.contains("Bo declined, to an earlier text: “On call\\u{1b}[2J”"),
        "{shown}"
    );
    assert!(
        shown.contains("to be looked at again on 2027-03-01"),
        "{shown}"
    );
}

#[test]
fn what_a_partner_wrote_never_reaches_the_terminal_raw() {
    let hostile = "x\u{1b}]0;y\u{7}\u{202e}\u{9b}";
    let mut entry = evenings();
    let Own::Boundary(own) = &mut entry.own else {
        panic!("not an agreement")
    };
    for field in [
        &mut entry.id,
        &mut entry.title,
        &mut own.text,
        &mut entry.state,
        &mut entry.author,
        &mut entry.created,
    ] {
        *field = hostile.to_owned();
    }
    agreement(&mut entry).in_force = Some(hostile.to_owned() + "2");
    agreement(&mut entry).review_on = Some(hostile.to_owned());
    agreement(&mut entry).agreed_by = vec![hostile.to_owned()];
    entry.history = vec![ActLine {
        verb: hostile.to_owned(),
        by: hostile.to_owned(),
        at: hostile.to_owned(),
        reason: Some(hostile.to_owned()),
        to_current_text: true,
        hash: String::new(),
    }];
    let mut with = status();
    with.name = hostile.to_owned();
    with.partner = Some(hostile.to_owned());
    with.last_met = Some(hostile.to_owned());
    with.space = Some(hostile.to_owned());
    with.refused = vec![hostile.to_owned()];
    let waits = Waits {
        id: hostile.to_owned(),
        kind: hostile.to_owned(),
        title: hostile.to_owned(),
        why: hostile.to_owned(),
    };
    with.waiting_for_me = vec![waits];
    let met = Synced {
        sent: 1,
        received: 1,
        partner_has_all: false,
        have_all: true,
        partner: hostile.to_owned(),
    };
    let mut shown = vec![
        list(plain(), std::slice::from_ref(&entry), "None."),
        super::entry(plain(), &entry),
        done("Proposed", &entry),
        super::status(plain(), &with),
        synced(&met),
    ];
    let name = || hostile.to_owned();
    for happened in [
        Event::Up {
            listen: vec![name()],
        },
        Event::Met { partner: name() },
        Event::Parted { partner: name() },
        Event::Changed {
            by: name(),
            entry: entry.clone(),
        },
        Event::Reached { id: name() },
        Event::Refused { message: name() },
        Event::Notice { message: name() },
    ] {
        shown.push(event(plain(), &happened).unwrap());
    }
    for words in shown {
        assert!(words.contains("\\u{1b}"), "{words}");
        assert!(
            !words
                .chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{words:?}"
        );
    }
}

#[test]
fn a_meeting_is_told_from_both_sides() {
    let met = |partner_has_all, have_all| {
        synced(&Synced {
            sent: 3,
            received: 2,
            partner_has_all,
            have_all,
            partner: "Bo".to_owned(),
        })
    };
    assert_eq!(
        met(true, true),
        "Sent 3 changes, received 2. Bo's device has everything; so do you."
    );
    assert_eq!(
        met(true, false),
        "Sent 3 changes, received 2. Bo's device has everything; not all that it holds has come here yet."
    );
    assert_eq!(
        met(false, true),
        "Sent 3 changes, received 2. You have everything that it holds; Bo's device does not have everything yet."
    );
    assert_eq!(
        met(false, false),
        "Sent 3 changes, received 2. Neither device has everything yet: meet again."
    );
}

#[test]
fn status_says_what_waits_and_what_has_not_reached() {
    let mut with = status();
    with.not_reached = 2;
    with.not_come = 1;
    with.waiting_for_me = vec![Waits {
        id: "lusab".to_owned(),
        kind: "boundary".to_owned(),
        title: "Evenings".to_owned(),
        why: "agree".to_owned(),
    }];
    assert_eq!(
        super::status(plain(), &with),
        "Ana's journal with Bo.\n\
         Your devices have not met since they were paired.\n\
         Waits for you:\n  \
         lusab  boundary “Evenings”, to agree or decline\n\
         2 entries have not reached Bo's device yet.\n\
         Bo's device has spoken of 1 change that did not come here yet."
    );
    with.not_come = 0;
    (with.photos_to_go, with.photos_to_come) = (3, 1);
    with.last_met = Some("2026-11-22T13:03:00Z".to_owned());
    let said = super::status(plain(), &with);
    for words in [
        "Your devices last met on 2",
        "Of photos 3 pieces are not known to be on Bo's device.",
        "Of photos 1 piece did not come here yet.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    with.partner = None;
    assert_eq!(
        super::status(plain(), &with),
        "Ana's journal, not paired yet.\nOn one device: amends pair. On the other: amends pair --join."
    );
}

#[test]
fn an_entry_says_what_has_not_come_as_far_as_that_is_known_and_when_they_met() {
    let mut entry = evenings();
    entry.not_come = 1;
    entry.met = Some(crate::request::Met {
        last_met: None,
        connected: false,
        not_come: 3,
    });
    let said = super::entry(plain(), &entry);
    for words in [
        "It has not wholly reached your partner's device yet.",
        "1 change to it came here and cannot be taken yet",
        "has spoken of 3 changes that did not come here yet. Whether any is to this cannot be known",
        "Your devices have not met since they were paired.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.to_lowercase().contains("synced"));
}

#[test]
fn what_a_bundle_brought_is_said_whole_and_harmlessly() {
    use crate::request::{BundleHeard, BundleReceived, BundleWritten};
    let read = BundleReceived {
        received: 1,
        chunks: 0,
        already_here: 2,
        waiting: 3,
        refused: 1,
        reason: Some("a\u{1b}[2J".to_owned()),
        heard: BundleHeard::Heard,
        older_copy: true,
        not_reached: 2,
        partner: "B\u{1b}o".to_owned(),
    };
    let words = bundle_read(&read);
    for said in [
        "1 record came. 2 records were here already.",
        "3 records in it could not be taken yet",
        "read the earlier bundle first, then this one again, or meet",
        "One piece of it was refused",
        "2 entries have not reached",
        "older copy",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains('\u{1b}'));
    let quiet = BundleReceived {
        waiting: 0,
        refused: 0,
        reason: None,
        older_copy: false,
        not_reached: 0,
        already_here: 0,
        partner: "Bo".to_owned(),
        ..read
    };
    assert_eq!(
        bundle_read(&quiet),
        "1 record came.\nEverything you wrote has reached Bo's device."
    );
    let written = bundle_written(&BundleWritten {
        file: "/media/\u{1b}[2J".to_owned(),
        records: 1,
        chunks: 0,
        bytes: 700,
        partner: "Bo".to_owned(),
    });
    assert!(written.contains("holds 1 record.") && !written.contains('\u{1b}'));
}
