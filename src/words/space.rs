//! Space, in words for people. It is never said as something that is done to somebody.

use super::{reached, when};
use crate::request::{Entry, Held, Own, Space, SpaceNow, Status};
use crate::terminal::{beginning, line, lines};

/// Where a space stands, in a few words.
pub(super) fn state(entry: &Entry, space: &Space) -> String {
    let by = line(&entry.author);
    match (entry.state.as_str(), &space.ends) {
        ("lasts", Some(ends)) => format!("{by} asked for it, until {}", when(ends)),
        _ => format!("{by} asked for it; over"),
    }
}

/// What there is to say of one space.
pub(super) fn about(entry: &Entry, space: &Space) -> Vec<String> {
    let mut said = Vec::new();
    if !space.words.trim().is_empty() {
        said.extend([lines(&space.words), String::new()]);
    }
    let by = line(&entry.author);
    said.push(match (&space.over, &space.ends) {
        (Some(over), _) => format!("{by} ended it on {}.", when(over)),
        (None, None) => "When it was to end could not be read, so it held nothing.".to_owned(),
        (None, Some(ends)) if entry.state == "lasts" => {
            format!(
                "It ends by itself on {}, or sooner if {by} ends it.",
                when(ends)
            )
        }
        (None, Some(ends)) => format!("It ended by itself on {}.", when(ends)),
    });
    said
}

fn own(entry: &Entry) -> Option<&Space> {
    match &entry.own {
        Own::Space(space) => Some(space),
        _ => None,
    }
}

/// Space was just asked for.
pub fn space_asked(entry: &Entry) -> String {
    let ends = own(entry).and_then(|space| space.ends.as_deref());
    format!(
        "You asked for space until {} ({}).\n\
         While it lasts, the talks that your partner begins wait on their own device, where they can see and change them. \
         They go out by themselves when it ends.\n\
         Nothing else waits: ending a boundary, leaving and exporting go on as ever, for both of you.\n\
         To end it sooner: amends space over\n\
         {}",
        ends.map(when).unwrap_or_default(),
        line(&entry.id),
        gets(entry),
    )
}

/// It was just ended by who asked for it.
pub fn space_over(entry: &Entry) -> String {
    format!(
        "The space is over ({}). What waited for its end goes out when you meet.\n{}",
        line(&entry.id),
        gets(entry)
    )
}

fn gets(entry: &Entry) -> &'static str {
    if entry.reached {
        reached(entry)
    } else {
        "Your partner's device learns of it when you meet: amends sync, or amends up on both."
    }
}

/// The spaces that last, for `status`.
pub(super) fn now(status: &Status, partner: &str) -> Vec<String> {
    let mut said = Vec::new();
    for SpaceNow {
        id,
        mine,
        until,
        words,
        ..
    } in &status.spaces
    {
        let (id, until) = (line(id), when(until));
        if *mine {
            said.push(format!(
                "You asked for space until {until} ({id}). The talks that {partner} begins wait on {partner}'s device until then. To end it sooner: amends space over"
            ));
            continue;
        }
        said.push(format!("{partner} asked for space until {until} ({id})."));
        if !words.trim().is_empty() {
            said.push(format!("  “{}”", line(words)));
        }
        said.push("Talks that you begin wait here, where you can see and change them, and go out by themselves when it ends. Ending a boundary, leaving and exporting never wait.".to_owned());
    }
    if !status.held.is_empty() {
        said.push("Waits here for the end of the space:".to_owned());
    }
    for Held {
        id,
        kind,
        title,
        until,
    } in &status.held
    {
        let until = until.as_deref().map(when);
        said.push(format!(
            "  {}  {} “{}”, goes out {}",
            line(id),
            line(kind),
            beginning(title, 40),
            until.map_or("now".to_owned(), |until| format!("on {until}"))
        ));
    }
    said
}

/// What was just written waits for the end of a space. None where it does not.
pub fn held(entry: &Entry) -> Option<String> {
    let Own::Talk(talk) = &entry.own else {
        return None;
    };
    if entry.state != "held" {
        return None;
    }
    let id = line(&entry.id);
    let until = talk.goes_out.as_deref().map(when).unwrap_or_default();
    Some(format!(
        "Your partner asked for space. What you wrote waits on this device ({id}) until {until}, or until they end it sooner, and then goes out by itself when you meet.\n\
         Until then you can put other words into it: amends talk account {id}\n\
         or throw it away: amends talk keep-back {id}"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{entry, event, list, status};
    use super::*;
    use crate::request::Event;
    use crate::terminal::{Color, Output};

    fn plain() -> Output {
        Output::new(false, false, Color::Never)
    }

    fn asked() -> Entry {
        Entry {
            id: "lusab-babad".to_owned(),
            title: String::new(),
            state: "lasts".to_owned(),
            author: "Ana".to_owned(),
            created: "2026-11-22T13:03:00Z".to_owned(),
            held: "2026-11-22T13:03:00Z".to_owned(),
            reached: false,
            not_readable_there: false,
            not_come: 0,
            private: false,
            unread: false,
            from: None,
            own: Own::Space(Space {
                words: "I need to think. I love you.".to_owned(),
                until: Some("2026-11-23T13:03:00Z".to_owned()),
                ends: Some("2026-11-23T13:03:00Z".to_owned()),
                over: None,
            }),
            history: Vec::new(),
            met: None,
        }
    }

    fn own(entry: &mut Entry) -> &mut Space {
        match &mut entry.own {
            Own::Space(space) => space,
            _ => panic!("not a space"),
        }
    }

    fn with(spaces: Vec<SpaceNow>) -> Status {
        Status {
            name: "Bo".to_owned(),
            partner: Some("Ana".to_owned()),
            unconfirmed: false,
            waiting_for_me: Vec::new(),
            waiting: 0,
            not_reached: 0,
            last_met: None,
            space: None,
            spaces,
            held: Vec::new(),
            next_checkin: None,
            this_day: Vec::new(),
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
    fn each_way_that_a_space_ends_is_said() {
        let mut space = asked();
        let shown = entry(plain(), &space);
        assert!(shown.contains("Ana asked for it, until"), "{shown}");
        assert!(shown.contains("I need to think. I love you."), "{shown}");
        assert!(shown.contains("or sooner if Ana ends it"), "{shown}");

        space.state = "over".to_owned();
        let shown = entry(plain(), &space);
        assert!(shown.contains("asked for it; over"), "{shown}");
        assert!(shown.contains("It ended by itself on"), "{shown}");

        own(&mut space).over = Some("2026-11-22T20:00:00Z".to_owned());
        assert!(entry(plain(), &space).contains("Ana ended it on"));

        *own(&mut space) = Space::default();
        let shown = entry(plain(), &space);
        assert!(
            shown.contains("could not be read, so it held nothing"),
            "{shown}"
        );
        // Without a kind word it is called what it is.
        assert!(list(plain(), &[space], "None.").ends_with("space"));
    }

    #[test]
    fn who_asks_is_told_what_waits_and_what_does_not() {
        let said = space_asked(&asked());
        for part in [
            "You asked for space until",
            "wait on their own device",
            "ending a boundary, leaving and exporting go on as ever",
            "amends space over",
            "amends sync",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(space_over(&asked()).contains("The space is over"));
    }

    #[test]
    fn status_says_it_to_both_sides() {
        let space = |mine| SpaceNow {
            id: "lusab-babad".to_owned(),
            by: "Ana".to_owned(),
            mine,
            until: "2026-11-23T13:03:00Z".to_owned(),
            words: "I love\nyou.".to_owned(),
        };
        let said = status(plain(), &with(vec![space(false)]));
        assert!(said.contains("Ana asked for space until"), "{said}");
        assert!(said.contains("  “I love"), "{said}");
        assert!(said.contains("go out by themselves when it ends"), "{said}");
        assert!(said.contains("leaving and exporting never wait"), "{said}");
        let said = status(plain(), &with(vec![space(true), space(false)]));
        assert!(said.contains("You asked for space until"), "{said}");
        assert!(said.contains("Ana asked for space until"), "{said}");
    }

    #[test]
    fn what_the_partner_wrote_stays_harmless() {
        let hostile = "x\u{1b}]0;y\u{7}\u{202e}\u{9b}";
        let mut space = asked();
        space.author = hostile.to_owned();
        space.id = hostile.to_owned();
        *own(&mut space) = Space {
            words: hostile.to_owned(),
            until: Some(hostile.to_owned()),
            ends: Some(hostile.to_owned()),
            over: Some(hostile.to_owned()),
        };
        let now = SpaceNow {
            id: hostile.to_owned(),
            by: hostile.to_owned(),
            mine: false,
            until: hostile.to_owned(),
            words: hostile.to_owned(),
        };
        let mine = SpaceNow {
            mine: true,
            ..now.clone()
        };
        for said in [
            entry(plain(), &space),
            list(plain(), std::slice::from_ref(&space), "None."),
            space_asked(&space),
            space_over(&space),
            status(plain(), &with(vec![now, mine])),
            event(
                plain(),
                &Event::Changed {
                    by: hostile.to_owned(),
                    entry: space.clone(),
                },
            )
            .unwrap(),
        ] {
            let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!said.contains(raw), "{said:?}");
        }
    }
}
