//! Memories and ideas: whose a photo is, when a memory comes up again, and that every order of arrival gives one view.

#[path = "common/forge.rs"]
mod forge;
#[path = "common/told.rs"]
mod told;

use amends_journal::memory::{IDEA, MEMORY, MIME_BYTES, PHOTOS, Photo, REFERENCE_BYTES, Say, View};
use amends_journal::{EntryKind, Person, RuleError, RuleFault, Statement};
use told::{Device, Record, entry_of, orders};

const KIND: EntryKind = EntryKind::Memory;
const DAY: &[u8] = b"2026-07-04";

fn photo(byte: u8) -> Say {
    Say::Photo(Photo {
        mime: "image/png".to_owned(),
        size: Some((640, 480)),
        as_it_was: false,
        reference: vec![byte; 40],
    })
}

/// A memory or an idea that Ana begins, and that both hold; with what began it.
fn two(role: u8) -> (Device, Device, Record) {
    let entry = entry_of(KIND, 1);
    let (mut ana, mut bo) = (Device::new(KIND, entry, 1), Device::new(KIND, entry, 3));
    let begun = ana.beginning(role);
    let begun = ana.forges(&[begun]);
    ana.takes(&begun).unwrap();
    bo.takes(&begun).unwrap();
    (ana, bo, begun)
}

fn says(from: &mut Device, to: &mut Device, say: Say) {
    let said = from.says(say).unwrap();
    to.takes(&said).unwrap();
}

#[test]
fn each_takes_back_their_own_photos_alone() {
    let (mut ana, mut bo, _) = two(MEMORY);
    says(&mut ana, &mut bo, photo(1));
    says(&mut bo, &mut ana, photo(2));
    let seen = bo.view().memory().photos;
    assert_eq!(
        seen.iter()
            .map(|shown| (shown.by, shown.photo.reference[0]))
            .collect::<Vec<_>>(),
        [(Person::Partner, 1), (Person::Me, 2)]
    );
    assert_eq!(seen[0].photo.size, Some((640, 480)));

    let hers = seen[0].hash;
    let names = RuleError::Fault(RuleFault::Names);
    assert_eq!(bo.says(Say::TakeBack(hers)).unwrap_err(), names);
    let his = bo.statement(17, &[&hers]);
    assert_eq!(bo.fault_of(&[his]), Some(RuleFault::Names));
    says(&mut ana, &mut bo, Say::TakeBack(hers));
    let left = bo.view().memory().photos;
    assert_eq!((left.len(), left[0].by), (1, Person::Me));
    // The same photo again is another statement.
    says(&mut ana, &mut bo, photo(1));
    assert_eq!(bo.view().memory().photos.len(), 2);
}

#[test]
fn a_memory_comes_up_again_only_where_both_want_it_to() {
    let (mut ana, mut bo, _) = two(MEMORY);
    let on = |device: &Device, date: Option<&str>, today: &str| {
        let view = View {
            date: date.map(str::to_owned),
            ..device.view().memory()
        };
        view.comes_up_on(today)
    };
    let then = Some("2026-07-04");
    says(&mut ana, &mut bo, Say::Again(true));
    assert!(ana.view().memory().again_by_me && bo.view().memory().again_by_partner);
    assert!(!on(&ana, then, "2027-07-04") && !on(&bo, then, "2027-07-04"));
    says(&mut bo, &mut ana, Say::Again(true));
    for device in [&ana, &bo] {
        assert!(on(device, then, "2027-07-04") && on(device, then, "2031-07-04"));
        for other in [
            "2026-07-04",
            "2025-07-04",
            "2027-07-05",
            "2027-08-04",
            "",
            "2027",
        ] {
            assert!(!on(device, then, other), "{other}");
        }
        assert!(!on(device, None, "2027-07-04"));
    }
    // Either can stop it, and each person's last word counts.
    says(&mut bo, &mut ana, Say::Again(false));
    assert!(!on(&ana, then, "2027-07-04") && !on(&bo, then, "2027-07-04"));
    says(&mut ana, &mut bo, Say::Again(true));
    assert!(!on(&ana, then, "2027-07-04"), "he does not want it");
}

#[test]
fn an_idea_is_done_and_a_memory_is_not() {
    let (mut ana, mut bo, _) = two(IDEA);
    assert!(ana.view().memory().idea && bo.view().memory().idea);
    says(&mut bo, &mut ana, Say::Did(Some("2026-07-04".to_owned())));
    assert_eq!(
        ana.view().memory().did,
        Some((Person::Partner, "2026-07-04".to_owned()))
    );
    says(&mut ana, &mut bo, Say::Did(None));
    assert_eq!(bo.view().memory().did, None);
    let names = RuleError::Fault(RuleFault::Names);
    assert_eq!(ana.says(Say::Again(true)).unwrap_err(), names);
    // Where another program says it, it counts for nothing.
    let again = bo.statement(18, &[&[1]]);
    let again = bo.forges(&[again]);
    bo.takes(&again).unwrap();
    assert!(!bo.view().memory().again_by_me);

    let (mut ana, mut bo, _) = two(MEMORY);
    let did = Say::Did(Some("2026-07-04".to_owned()));
    assert_eq!(ana.says(did).unwrap_err(), names);
    let did = bo.statement(19, &[DAY]);
    let did = bo.forges(&[did]);
    ana.takes(&did).unwrap();
    assert_eq!(ana.view().memory().did, None);
}

#[test]
fn every_order_of_arrival_gives_one_memory() {
    let (mut ana, mut bo, begun) = two(MEMORY);
    let mut second = Device::new(KIND, ana.entry, 2);
    second.takes(&begun).unwrap();
    let records = [
        ana.says(photo(1)).unwrap(),
        ana.says(Say::Again(true)).unwrap(),
        second.says(photo(2)).unwrap(),
        second.says(Say::Again(false)).unwrap(),
        bo.says(photo(3)).unwrap(),
        bo.says(Say::Again(true)).unwrap(),
    ];
    let mut seen: Option<View> = None;
    for order in orders(records.len()) {
        let place = |at: usize| order.iter().position(|n| *n == at).unwrap();
        if (0..3).any(|device| place(2 * device) > place(2 * device + 1)) {
            continue;
        }
        for device in [1, 3] {
            let mut fresh = Device::new(KIND, ana.entry, device);
            fresh.takes(&begun).unwrap();
            for at in &order {
                fresh.takes(&records[*at]).unwrap();
            }
            let mut view = fresh.view().memory();
            if device == 3 {
                std::mem::swap(&mut view.again_by_me, &mut view.again_by_partner);
                view.photos
                    .iter_mut()
                    .for_each(|shown| shown.by = shown.by.other());
            }
            match &seen {
                None => seen = Some(view),
                Some(seen) => assert!(*seen == view, "{order:?} on {device}: {view:?}"),
            }
        }
    }
    let seen = seen.unwrap();
    assert_eq!(seen.photos.len(), 3);
    assert!(seen.again_by_partner);
}

#[test]
fn what_is_malformed_is_refused() {
    let (mut ana, _, _) = two(MEMORY);
    let long = vec![7; REFERENCE_BYTES + 1];
    let mime = vec![b'x'; MIME_BYTES + 1];
    let (png, one): (&[u8], &[u8]) = (b"image/png", &[7]);
    let bad = RuleFault::Malformed;
    let cases: Vec<(u8, Vec<&[u8]>, RuleFault)> = vec![
        (16, vec![], bad),
        (16, vec![png, b"", &[0]], bad),
        (16, vec![png, b"", &[0], one, b""], bad),
        (16, vec![b"", b"", &[0], one], bad),
        (16, vec![b"image/p ng", b"", &[0], one], bad),
        (16, vec![b"image/\x1b[2J", b"", &[0], one], bad),
        (16, vec![&mime, b"", &[0], one], RuleFault::TooLong),
        (16, vec![png, &[0; 7], &[0], one], bad),
        (16, vec![png, &[0; 4], &[0], one], bad),
        (16, vec![png, &[0; 12], &[0], one], bad),
        (16, vec![png, b"", &[2], one], bad),
        (16, vec![png, b"", b"", one], bad),
        (16, vec![png, b"", &[0], b""], bad),
        (16, vec![png, b"", &[0], &long], RuleFault::TooLong),
        (17, vec![], bad),
        (17, vec![&[7; 31]], bad),
        (17, vec![&[7; 32]], RuleFault::Names),
        (18, vec![&[2]], bad),
        (18, vec![], bad),
        (19, vec![b"2026-02-30"], bad),
        (19, vec![], bad),
        (20, vec![], RuleFault::Verb(20)),
        (2, vec![&[0], b"words", b"x"], RuleFault::Private),
    ];
    for (verb, items, fault) in cases {
        let statement = ana.statement(verb, &items);
        assert_eq!(ana.fault_of(&[statement]), Some(fault), "{verb} {items:?}");
    }
    let mut new = Device::new(KIND, ana.entry, 1);
    let role = new.beginning(2);
    assert_eq!(new.fault_of(&[role]), Some(RuleFault::Role(2)));
    let mut bo = Device::new(KIND, ana.entry, 3);
    let his = bo.beginning(MEMORY);
    assert_eq!(bo.fault_of(&[his]), Some(RuleFault::NotItsBeginner));
}

#[test]
fn a_memory_takes_so_many_photos_of_each_and_no_more() {
    let (mut ana, _, _) = two(MEMORY);
    let one = |ana: &Device| -> Statement { ana.statement(16, &[b"image/png", b"", &[0], &[7]]) };
    for _ in 0..PHOTOS {
        let photo = one(&ana);
        let photo = ana.forges(&[photo]);
        ana.takes(&photo).unwrap();
    }
    let more = one(&ana);
    assert_eq!(ana.fault_of(&[more]), Some(RuleFault::TooLong));
    assert_eq!(ana.view().memory().photos.len(), PHOTOS);
}
