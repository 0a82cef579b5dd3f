//! Two people, two devices, and what happens between them.

mod common;

use amends_journal::State;
use amends_keys::identity::StaticKey;
use amends_replica::{Card, EditError, Frame, Input, KNOWS, Shown, Whose};
use common::*;

#[test]
fn a_pair_is_confirmed_by_the_first_session_and_takes_no_edit_before() {
    let mut pair = pair(1);
    assert!(!pair.ana().replica.is_confirmed());
    assert_eq!(pair.edit(ANA, proposal("x")), Err(EditError::Unconfirmed));
    assert_eq!(pair.ana().held(&pair.ana().log), 1);

    pair.connect();
    assert!(pair.ana().replica.is_confirmed());
    assert!(pair.ana().was_shown(&Shown::Confirmed));
    pair.edit(ANA, proposal("x")).unwrap();
    pair.restart(ANA, true);
    assert!(pair.ana().replica.is_confirmed());
}

#[test]
fn names_come_with_the_first_records() {
    let pair = met_pair(2);
    assert_eq!(pair.ana().replica.partner_name(), Some("Bo"));
    assert_eq!(pair.bo().replica.partner_name(), Some("Ana"));
    assert_eq!(pair.ana().set_aside(), vec![]);
}

#[test]
fn a_boundary_is_proposed_edited_on_both_sides_while_apart_and_agreed() {
    let mut pair = met_pair(3);
    let entry = pair
        .edit(ANA, proposal("We eat together. No phones."))
        .unwrap();
    assert!(!pair.ana().reached(&entry));
    pair.meet();
    assert!(pair.ana().reached(&entry));
    pair.edit(BO, agree(entry)).unwrap();
    pair.meet();
    assert_eq!(pair.ana().agreed(&entry).state, State::Agreed);
    pair.assert_equal();

    pair.edit(
        ANA,
        new_text(entry, "We eat together on Sundays. No phones."),
    )
    .unwrap();
    pair.edit(
        BO,
        new_text(entry, "We eat together. No phones, no papers."),
    )
    .unwrap();
    pair.meet();
    let card = pair.ana().agreed(&entry).clone();
    assert_eq!(
        card.text,
        "We eat together on Sundays. No phones, no papers."
    );
    assert_eq!(card.state, State::Changed);
    assert_eq!(
        card.in_force.as_deref(),
        Some("We eat together. No phones.")
    );
    assert!(!card.agreed_by_me && !card.agreed_by_partner);
    pair.assert_equal();

    pair.edit(ANA, agree(entry)).unwrap();
    pair.edit(BO, agree(entry)).unwrap();
    pair.meet();
    assert_eq!(
        pair.bo().agreed(&entry).in_force.as_deref(),
        Some("We eat together on Sundays. No phones, no papers.")
    );
    assert_eq!(pair.bo().agreed(&entry).state, State::Agreed);
    pair.assert_equal();
}

#[test]
fn while_a_session_is_open_an_edit_goes_out_by_itself() {
    let mut pair = met_pair(4);
    let link = pair.connect();
    pair.run();
    let entry = pair.edit(ANA, proposal("live")).unwrap();
    assert_eq!(
        pair.run_for(10),
        2,
        "the envelope, and the clock that comes back"
    );
    assert_eq!(pair.bo().agreed(&entry).text, "live");
    assert!(pair.ana().reached(&entry));
    assert_eq!(pair.ana().replica.meeting(link).sent, 1);
    assert_eq!(pair.bo().replica.meeting(link).received, 1);
}

#[test]
fn reached_is_said_only_after_the_other_device_has_saved() {
    let mut pair = met_pair(5);
    let link = pair.connect();
    pair.run();
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    // Bo's process ends after it showed the entry, before it saved it. `Pair::check` looks at his disk after each effect.
    pair.devices[BO].fault = Some(Fault::Killed(3));
    pair.deliver(link, BO);
    assert!(!pair.ana().reached(&entry));
    assert!(pair.bo().was_shown(&Shown::Changed {
        entry,
        by: amends_replica::Whose::Partners
    }));
    assert!(pair.bo().replica.card(&entry).is_none());
    pair.meet();
    assert!(pair.ana().was_shown(&Shown::Reached(entry)));
    pair.assert_equal();
}

#[test]
fn a_lost_acknowledgement_is_said_again_at_the_next_meeting() {
    let mut pair = met_pair(6);
    let link = pair.connect();
    pair.run();
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    pair.deliver(link, BO);
    pair.cut(link);
    assert!(pair.bo().replica.card(&entry).is_some());
    assert!(!pair.ana().reached(&entry));
    let envelopes = pair.ana().sent.1;
    pair.meet();
    assert!(pair.ana().reached(&entry));
    assert_eq!(pair.ana().sent.1, envelopes, "nothing is sent twice");
}

/// Both sides wrote while apart; a meeting of them.
fn apart() -> Pair {
    let mut pair = met_pair(7);
    let first = pair.edit(ANA, proposal("one two three")).unwrap();
    pair.meet();
    for round in 0..3 {
        pair.edit(ANA, new_text(first, &format!("one two {round}")))
            .unwrap();
        pair.edit(BO, new_text(first, &format!("{round} two three")))
            .unwrap();
        pair.edit(BO, proposal(&format!("Bo's {round}"))).unwrap();
    }
    pair.edit(BO, agree(first)).unwrap();
    pair
}

#[test]
fn a_meeting_that_is_cut_at_any_frame_is_taken_up_again() {
    let frames = apart().meet();
    assert!(frames >= 4, "{frames}");
    for at in 0..=frames {
        let mut pair = apart();
        let link = pair.connect();
        pair.run_for(at);
        pair.cut(link);
        pair.meet();
        pair.assert_equal();
    }
}

#[test]
fn a_device_that_fails_at_any_effect_of_a_meeting_loses_nothing() {
    for who in [ANA, BO] {
        for fault in [
            Fault::Killed as fn(usize) -> Fault,
            Fault::PowerCut,
            Fault::SaveFails,
        ] {
            for at in 0.. {
                let mut pair = apart();
                pair.devices[who].fault = Some(fault(at));
                let link = pair.connect();
                pair.run();
                let over = pair.devices[who].fault.take().is_some();
                pair.cut(link);
                pair.meet();
                pair.assert_equal();
                if over {
                    assert!(at > 2, "{at} effects are no meeting");
                    break;
                }
            }
        }
    }
}

#[test]
fn an_edit_that_cannot_be_saved_is_not_confirmed_and_leaves_no_trace() {
    let mut pair = met_pair(8);
    pair.connect();
    pair.run();
    pair.devices[ANA].fault = Some(Fault::SaveFails(0));
    let sent = pair.ana().sent;
    assert_eq!(
        pair.feed(ANA, Input::Edit(proposal("x"))),
        Ok(Done::Faulted)
    );
    assert_eq!(pair.ana().sent, sent);
    assert!(
        !pair
            .ana()
            .shown
            .iter()
            .any(|shown| matches!(shown, Shown::Edited(_)))
    );
    assert_eq!(pair.ana().cards().len(), 0);
    pair.edit(ANA, proposal("y")).unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn a_good_record_is_not_set_aside_because_the_disk_failed_again_and_again() {
    let mut pair = met_pair(9);
    let entry = pair.edit(BO, proposal("good")).unwrap();
    for _ in 0..10 {
        let link = pair.connect();
        // The mark is saved, the result is not.
        pair.run_for(2);
        pair.devices[ANA].fault = Some(Fault::SaveFails(1));
        pair.run();
        assert_eq!(pair.ana().fault, None);
        pair.cut(link);
        assert!(pair.ana().replica.card(&entry).is_none());
    }
    pair.meet();
    assert_eq!(pair.ana().set_aside(), vec![]);
    pair.assert_equal();
}

#[test]
fn a_home_that_was_rolled_back_gets_its_own_log_back_before_it_writes() {
    let mut pair = met_pair(10);
    let old = pair.ana().disk.clone();
    let entry = pair.edit(ANA, proposal("one")).unwrap();
    pair.meet();
    pair.edit(BO, new_text(entry, "one two")).unwrap();
    pair.meet();
    pair.edit(ANA, agree(entry)).unwrap();
    pair.edit(BO, agree(entry)).unwrap();
    pair.meet();
    let card = pair.ana().card(&entry).clone();

    pair.roll_back(ANA, &old);
    assert_eq!(pair.ana().cards().len(), 0);
    let link = pair.connect();
    pair.deliver(link, ANA);
    assert!(pair.ana().was_shown(&Shown::OlderCopy));
    assert_eq!(
        pair.edit(ANA, proposal("too early")),
        Err(EditError::OlderCopy)
    );
    pair.run();
    assert!(pair.bo().was_shown(&Shown::PartnerWentBack));
    let first_held = pair.ana().card(&entry).first_held;
    assert_eq!(*pair.ana().card(&entry), Card { first_held, ..card });
    pair.assert_equal();
    pair.edit(ANA, proposal("now")).unwrap();
    pair.run();
    pair.assert_equal();
    assert_eq!(pair.ana().replica.meeting(link).received, 4);
}

#[test]
fn a_home_whose_own_log_came_back_in_part_writes_on_at_once_under_a_new_key() {
    let mut pair = met_pair(11);
    let old = pair.ana().disk.clone();
    // Longer than one envelope, so that a cut can come between.
    for _ in 0..3 {
        pair.edit(ANA, proposal(&"long ".repeat(12_000))).unwrap();
    }
    pair.meet();
    pair.roll_back(ANA, &old);
    let link = pair.connect();
    while pair.ana().held(&pair.ana().log) == 1 {
        assert!(pair.run_for(1) == 1);
    }
    assert!(pair.ana().held(&pair.ana().log) < 4);
    pair.cut(link);
    pair.restart(ANA, false);
    // That records of its own came back shows that it is a copy: nothing more goes into that log.
    let root = pair.ana().log;
    let held = pair.ana().held(&root);
    pair.edit(ANA, proposal("at once")).unwrap();
    assert_eq!(pair.ana().held(&root), held);
    assert_ne!(pair.ana().replica.log(), root);
    pair.meet();
    pair.edit(ANA, proposal("and on")).unwrap();
    pair.meet();
    assert_eq!(pair.bo().cards().len(), 5);
    pair.assert_equal();
}

#[test]
fn nobody_can_keep_another_from_writing_by_a_claim() {
    let mut pair = met_pair(12);
    let entry = pair.edit(ANA, proposal("mine")).unwrap();
    pair.edit(ANA, new_text(entry, "mine still")).unwrap();
    let link = pair.connect();
    pair.links.get_mut(&link).unwrap()[ANA].clear();
    let mut clock = pair.ana().replica.clock();
    let log = pair.ana().log;
    clock.0.get_mut(&log).unwrap().seq = u64::MAX;
    let lie = Frame::Clock {
        clock,
        again: false,
        chunks: None,
        knows: KNOWS,
    }
    .to_bytes();
    pair.ana_gets(link, &lie);
    assert_eq!(pair.edit(ANA, agree(entry)), Err(EditError::OlderCopy));
    assert!(
        !pair.ana().reached(&entry),
        "more than there is acknowledges nothing"
    );
    for _ in 0..64 {
        pair.ana_gets(link, &lie);
    }
    pair.edit(ANA, agree(entry)).unwrap();
    assert!(!pair.ana().reached(&entry));
    pair.cut(link);
    // Neither does it outlive the session.
    let link = pair.connect();
    pair.ana_gets(link, &lie);
    pair.cut(link);
    pair.edit(ANA, new_text(entry, "mine again")).unwrap();
    pair.meet();
    pair.assert_equal();
}

#[test]
fn a_partner_who_went_back_is_told_of_and_caught_up() {
    let mut pair = met_pair(13);
    let old = pair.bo().disk.clone();
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    pair.meet();
    assert!(pair.ana().reached(&entry));
    pair.roll_back(BO, &old);
    let link = pair.connect();
    pair.deliver(link, ANA);
    assert!(pair.ana().was_shown(&Shown::PartnerWentBack));
    assert!(!pair.ana().reached(&entry), "it is not there any more");
    pair.run();
    pair.assert_equal();
}

#[test]
fn a_fork_of_a_rolled_back_home_is_told_on_both_sides_and_both_texts_reach() {
    let mut pair = met_pair(14);
    let old = pair.ana().disk.clone();
    let first = pair.edit(ANA, proposal("first life")).unwrap();
    pair.meet();
    pair.roll_back(ANA, &old);
    let second = pair.edit(ANA, proposal("second life")).unwrap();
    pair.connect();
    pair.run();
    assert!(
        pair.ana()
            .was_shown(&Shown::Fork(amends_replica::Whose::Mine))
    );
    assert!(
        pair.bo()
            .was_shown(&Shown::Fork(amends_replica::Whose::Partners))
    );
    assert!(
        pair.bo()
            .was_shown(&Shown::Incarnation(amends_replica::Whose::Partners))
    );
    assert!(pair.ana().reached(&first) && pair.ana().reached(&second));
    assert_eq!(pair.bo().agreed(&first).text, "first life");
    assert_eq!(pair.bo().agreed(&second).text, "second life");
    let entry = pair.edit(BO, proposal("Bo's")).unwrap();
    pair.run();
    assert!(pair.ana().replica.card(&entry).is_some() && pair.bo().reached(&entry));
    pair.assert_equal();
}

#[test]
fn over_two_links_at_once_nothing_is_sent_twice_and_either_may_close() {
    let mut pair = met_pair(15);
    let first = pair.connect();
    let second = pair.connect();
    pair.run();
    let before = pair.ana().sent.1;
    let one = pair.edit(ANA, proposal("one")).unwrap();
    pair.run();
    assert_eq!(pair.ana().sent.1, before + 1);
    pair.cut(first);
    pair.run();
    assert_eq!(
        pair.ana().sent.1,
        before + 1,
        "the other link knows what came over the first"
    );
    assert!(pair.ana().replica.meeting(second).partner_has_all);
    let two = pair.edit(ANA, proposal("two")).unwrap();
    pair.run();
    assert!(pair.ana().reached(&one) && pair.ana().reached(&two));
    assert!(!pair.ana().was_shown(&Shown::PartnerWentBack));
    pair.assert_equal();
}

#[test]
fn a_record_whose_acknowledgement_was_lost_with_one_link_is_acknowledged_over_the_other() {
    let mut pair = met_pair(16);
    let first = pair.connect();
    pair.run();
    let second = pair.connect();
    pair.run();
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    pair.deliver(first, BO);
    pair.cut(first);
    assert!(!pair.ana().reached(&entry));
    pair.run();
    assert!(pair.ana().reached(&entry));
    let meeting = pair.ana().replica.meeting(second);
    assert!(meeting.partner_has_all && meeting.have_all);
}

#[test]
fn a_clock_that_was_under_way_on_a_second_link_takes_nothing_back() {
    let mut pair = met_pair(17);
    let first = pair.connect();
    pair.run();
    let second = pair.connect();
    // The second link's opening clocks are older than what goes over the first.
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    pair.deliver(first, BO);
    pair.deliver(first, ANA);
    assert!(pair.ana().reached(&entry));
    pair.deliver(second, ANA);
    assert!(pair.ana().reached(&entry));
    assert!(!pair.ana().was_shown(&Shown::PartnerWentBack));
    pair.run();
    pair.cut(first);
    pair.run();
    pair.assert_equal();
}

#[test]
fn a_change_that_went_out_over_two_links_is_counted_once() {
    let mut pair = met_pair(27);
    pair.edit(ANA, proposal("x")).unwrap();
    let first = pair.connect();
    let second = pair.connect();
    let before = pair.ana().sent.1;
    // The second opens first and is sent the change; then the first opens, older than that, and is sent it too.
    pair.deliver(second, ANA);
    pair.deliver(first, ANA);
    assert_eq!(pair.ana().sent.1, before + 2, "sent over both");
    pair.run();
    let sent = |link| pair.ana().replica.meeting(link).sent;
    assert_eq!(sent(first) + sent(second), 1);
    pair.assert_equal();
}

/// A change is under way over one link, and the opening of another is faster, and tells of it.
#[test]
fn over_either_of_two_links_all_is_here_only_once_it_is() {
    let mut pair = met_pair(28);
    let first = pair.connect();
    pair.run();
    pair.edit(ANA, proposal("x")).unwrap();
    let second = pair.connect();
    pair.deliver(second, BO);
    for link in [first, second] {
        let meeting = pair.bo().replica.meeting(link);
        assert!(!meeting.have_all && !meeting.at_rest, "{meeting:?}");
    }
    pair.run();
    for link in [first, second] {
        let meeting = pair.bo().replica.meeting(link);
        assert!(meeting.have_all && meeting.at_rest, "{meeting:?}");
    }
}

/// Both wrote apart and open two links, of which one is so slow that all is done over the other before it opens.
#[test]
fn what_was_acknowledged_over_one_link_is_there_over_another_that_opened_late() {
    let mut pair = met_pair(29);
    for who in [ANA, BO] {
        pair.edit(who, proposal("x")).unwrap();
    }
    let [first, second] = [pair.connect(), pair.connect()];
    loop {
        let moved = [BO, ANA].map(|to| pair.deliver(first, to));
        if moved == [false, false] {
            break;
        }
    }
    pair.run();
    for device in &pair.devices {
        for meeting in [first, second].map(|link| device.replica.meeting(link)) {
            let all = meeting.have_all && meeting.partner_has_all && meeting.at_rest;
            assert!(all, "{meeting:?}");
        }
    }
}

#[test]
fn what_goes_without_saying_is_left_unsaid() {
    let mut pair = met_pair(18);
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    let log = pair.ana().log;
    let held = pair.ana().held(&log);
    // Agreeing to what one has proposed changes nothing, and is confirmed.
    pair.edit(ANA, agree(entry)).unwrap();
    assert_eq!(pair.ana().held(&log), held);
}

#[test]
fn a_long_text_goes_in_several_records_and_arrives_whole() {
    let mut pair = met_pair(19);
    let text = "All that I wanted to say. ".repeat(10_000);
    let entry = pair.edit(ANA, proposal(text.trim())).unwrap();
    assert!(pair.ana().held(&pair.ana().log) > 2);
    pair.meet();
    assert_eq!(pair.bo().agreed(&entry).text, text.trim());
    pair.assert_equal();
}

#[test]
fn a_text_that_changed_since_it_was_shown_is_not_agreed_to() {
    let mut pair = met_pair(20);
    let entry = pair.edit(ANA, proposal("one")).unwrap();
    pair.meet();
    let shown = Some(pair.bo().agreed(&entry).hash);
    pair.edit(ANA, new_text(entry, "two")).unwrap();
    pair.meet();
    let stale = amends_replica::Edit::Agree { entry, shown };
    assert_eq!(pair.edit(BO, stale), Err(EditError::TextChanged));
}

#[test]
fn a_stranger_s_device_is_not_met() {
    let mut pair = met_pair(21);
    let link = amends_replica::LinkId(99);
    let clocks = pair.ana().sent.0;
    pair.feed(
        ANA,
        Input::Met {
            link,
            device: StaticKey([7; 32]),
        },
    )
    .unwrap();
    assert_eq!(pair.ana().sent.0, clocks);
}

#[test]
fn six_hundred_entries_are_caught_up_with_in_one_meeting() {
    let mut pair = met_pair(22);
    for n in 0..600 {
        pair.edit(
            ANA,
            proposal(&format!(
                "Number {n}, a sentence about as long as people write."
            )),
        )
        .unwrap();
    }
    let before = pair.ana().sent.1;
    pair.meet();
    assert_eq!(pair.bo().cards().len(), 600);
    assert!(
        pair.ana().sent.1 - before < 12,
        "many records go in one envelope"
    );
    pair.assert_equal();
}

#[test]
fn a_clock_that_was_slow_on_a_second_link_is_no_sign_of_an_older_copy() {
    let mut pair = met_pair(33);
    let first = pair.connect();
    pair.run();
    // The second link's first clock is under way while the first link brings more, and ends.
    let second = pair.connect();
    let entry = pair.edit(ANA, proposal("x")).unwrap();
    while pair.deliver(first, BO) || pair.deliver(first, ANA) {}
    assert!(pair.ana().reached(&entry));
    pair.cut(first);
    while pair.deliver(second, ANA) || pair.deliver(second, BO) {}
    for device in &pair.devices {
        assert!(!device.was_shown(&Shown::PartnerWentBack));
    }
    assert!(
        pair.ana().reached(&entry),
        "what was said once is not taken back"
    );
    pair.assert_equal();
}

/// What Bo's device opens a session with, by a program that can read so much.
fn clock_of_bo(pair: &Pair, knows: u8) -> Frame {
    Frame::Clock {
        clock: pair.bo().replica.clock(),
        again: false,
        chunks: Some(false),
        knows,
    }
}

#[test]
fn two_versions_that_meet_say_which_side_is_older_and_sync_what_both_understand() {
    let mut pair = met_pair(31);
    assert_eq!(pair.ana().replica.older(), None);
    let link = pair.connect();
    let later = clock_of_bo(&pair, KNOWS + 1).to_bytes();
    pair.ana_gets(link, &later);
    pair.cut(link);
    assert_eq!(pair.ana().replica.older(), Some(Whose::Mine));
    assert!(pair.ana().was_shown(&Shown::Older(Some(Whose::Mine))));
    // It is known after a start too, and keeps nobody from writing and meeting.
    pair.restart(ANA, false);
    assert_eq!(pair.ana().replica.older(), Some(Whose::Mine));
    let entry = pair.edit(ANA, proposal("Whatever the version.")).unwrap();
    pair.meet();
    assert!(pair.ana().reached(&entry));
    // Once both are of one version again, that is said as well.
    assert_eq!(pair.ana().replica.older(), None);
    assert!(pair.ana().was_shown(&Shown::Older(None)));
    pair.assert_equal();
}

#[test]
fn a_version_that_cannot_be_spoken_with_is_refused_and_named_by_its_side() {
    let mut pair = met_pair(32);
    for (version, side) in [(0, "the other device"), (9, "this device")] {
        let mut frame = clock_of_bo(&pair, KNOWS).to_bytes();
        frame[1] = version;
        let link = pair.connect();
        pair.ana_gets(link, &frame);
        assert!(
            !pair.links.contains_key(&link),
            "nothing more can be said over it"
        );
        let said = pair.ana().refused().pop().unwrap();
        assert!(
            said.contains(&format!("{side} is of an older version")),
            "{said}"
        );
    }
    pair.meet();
    pair.assert_equal();
}
