//! Packets: one spelling for one list, a digest that both compute and that every word changes, and nothing else to say.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::packet::{Item, List, ListError, MOST};
use amends_journal::{EntryId, EntryKind, RuleFault, TEXT_BYTES};
use told::{Device, entry_of};

fn item(entry: u8, digest: u8) -> Item {
    Item {
        entry: EntryId([entry; 16]),
        kind: EntryKind::Talk,
        digest: [digest; 32],
    }
}

#[test]
fn a_list_has_one_spelling() {
    let list = List::new([item(9, 1), item(3, 2), item(9, 0xaf)]).unwrap();
    assert_eq!(list.items(), [item(3, 2), item(9, 0xaf)]);
    let text = list.to_string();
    assert_eq!(
        text,
        format!(
            "{} talk {}\n{} talk {}",
            EntryId([3; 16]),
            "02".repeat(32),
            EntryId([9; 16]),
            "af".repeat(32)
        )
    );
    assert_eq!(text.parse::<List>().as_ref(), Ok(&list));
    let (first, second) = text.split_once('\n').unwrap();
    let wrong = [
        (String::new(), ListError::Empty),
        (format!("{text}\n"), ListError::Line(3)),
        (format!("\n{text}"), ListError::Line(1)),
        (text.replace('\n', "\r\n"), ListError::Line(1)),
        (text.replace('\n', "\n\n"), ListError::Line(2)),
        (format!("{second}\n{first}"), ListError::Order(2)),
        (format!("{first}\n{first}"), ListError::Order(2)),
        (first.replace(' ', "  "), ListError::Line(1)),
        (format!(" {first}"), ListError::Line(1)),
        (format!("{first} "), ListError::Line(1)),
        (first.replace("talk", "song"), ListError::Line(1)),
        (first.replace("talk", "Talk"), ListError::Line(1)),
        (second.replace("af", "AF"), ListError::Line(1)),
        (second.replace("af", "+f"), ListError::Line(1)),
        (first.replacen("02", "", 1), ListError::Line(1)),
        (first.replacen("02", "0202", 1), ListError::Line(1)),
        (first.to_uppercase(), ListError::Line(1)),
        (first.replacen('-', "", 1), ListError::Line(1)),
        (
            format!("lusab-babad talk {}", "02".repeat(32)),
            ListError::Line(1),
        ),
        (format!("see you: {first}"), ListError::Line(1)),
    ];
    for (text, error) in wrong {
        assert_eq!(text.parse::<List>(), Err(error), "{text:?}");
    }
}

#[test]
fn the_longest_list_fits_into_a_text() {
    let items = |n: usize| {
        (0..n).map(|n| Item {
            entry: EntryId((n as u128).to_be_bytes()),
            kind: EntryKind::Boundary,
            digest: [7; 32],
        })
    };
    let longest = List::new(items(MOST)).unwrap().to_string();
    assert!(longest.len() < TEXT_BYTES);
    assert_eq!(longest.parse::<List>().unwrap().items().len(), MOST);
    assert_eq!(List::new(items(MOST + 1)), Err(ListError::TooMany));
    assert_eq!(List::new([]), Err(ListError::Empty));
    let one_more = format!(
        "{longest}\n{} talk {}",
        EntryId([0xff; 16]),
        "02".repeat(32)
    );
    assert_eq!(one_more.parse::<List>(), Err(ListError::TooMany));
}

#[test]
fn both_compute_one_digest_and_whatever_is_said_changes_it() {
    use amends_journal::space;
    let kind = EntryKind::Space;
    let entry = entry_of(kind, 1);
    let (mut ana, mut bo) = (Device::new(kind, entry, 1), Device::new(kind, entry, 3));
    let asked = ana
        .begins(&[space::Say::Ask {
            until: told::NOW + 3_600_000,
            words: "Some quiet.".to_owned(),
        }
        .into()])
        .unwrap();
    let before = bo.view().content_digest();
    assert_ne!(before, ana.view().content_digest());
    bo.takes(&asked).unwrap();
    let held = ana.view().content_digest();
    assert_eq!(bo.view().content_digest(), held);
    assert_eq!(ana.view().listed().kind, kind);
    let over = ana.says(space::Say::Over).unwrap();
    let after = ana.view().content_digest();
    assert_ne!(after, held);
    assert_eq!(bo.view().content_digest(), held);
    bo.takes(&over).unwrap();
    assert_eq!(bo.view().content_digest(), after);
}

#[test]
fn nothing_but_its_beginning_is_said_of_it() {
    let kind = EntryKind::Packet;
    let mut ana = Device::new(kind, entry_of(kind, 1), 1);
    ana.begins(&[]).unwrap();
    for verb in [16, 17, 99] {
        let said = ana.statement(verb, &[b"x"]);
        assert_eq!(ana.fault_of(&[said]), Some(RuleFault::Verb(verb)));
    }
}
