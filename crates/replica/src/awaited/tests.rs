//! Two versions of the program in one pair.

use amends_journal::{EntryId, View};

use crate::clock::Position;
use crate::common::*;
use crate::edit::{Edit, EditError};
use crate::effect::Input;
use crate::payload::{Item, write_items};
use crate::rows::{self, AwaitedRow, Fate, LogRows, PartName, RecordRow, name};
use crate::shelf::{Gathered, Shelf, Table, Write};
use crate::{Frame, Replica};

fn newer(entry: EntryId) -> Vec<u8> {
    write_items(&[Item {
        entry,
        kind: 200,
        schema: 1,
        part: amends_journal::PartKind::Own,
        change: b"whatever it may be".to_vec(),
    }])
}

#[test]
fn what_a_newer_version_wrote_is_kept_shown_and_not_written_over() {
    let mut pair = met_pair(70);
    let link = pair.connect();
    pair.run();
    let mut forger = Forger::of(&pair);
    let entry = EntryId([9; 16]);
    let record = forger.next(1, vec![], newer(entry));
    let frame = pair.sealed(&[record]);
    pair.ana_gets(link, &frame);
    let card = pair.ana().card(&entry).clone();
    assert_eq!(
        (card.kind, card.unread, &card.view),
        (200, true, &View::Unread)
    );
    assert!(
        !pair.ana().replica.has_awaited(),
        "this version cannot read it"
    );
    for edit in [
        agree(entry),
        new_text(entry, "over it"),
        Edit::End {
            entry,
            reason: None,
        },
    ] {
        assert_eq!(pair.edit(ANA, edit), Err(EditError::Unread));
    }
    // It is held: acknowledged, kept over a restart, and forwarded in the bytes in which it came.
    assert_eq!(pair.ana().held(&pair.bo().log), forger.record.seq);
    let again = Replica::load(&pair.ana().disk.now).unwrap();
    assert_eq!(again.card(&entry), Some(&card));
    let kept = pair
        .ana()
        .disk
        .now
        .scan(Table::Envelope, &[], 1_000)
        .unwrap();
    let Ok(Frame::Envelope(envelope)) = Frame::parse(&frame) else {
        panic!("not an envelope");
    };
    assert!(kept.iter().any(|(_, bytes)| *bytes == envelope));
}

/// Ana's home as an older version left it, that did not know boundaries: everything of Bo's set aside.
fn as_an_older_version_left_it(pair: &mut Pair, entry: EntryId) {
    let bo = pair.bo().log;
    pair.act(ANA, |replica, world| {
        let mut gathered = Gathered::new(world.shelf);
        let number = replica.logs[&bo].number;
        let held = replica.logs[&bo].seq;
        let mut position = Position::default();
        let mut awaited = Vec::new();
        for seq in 2..=held {
            let key = rows::record_key(number, seq);
            let row = gathered.get(Table::Record, &key)?.unwrap();
            let mut row: RecordRow = rows::decode(name::RECORD, &row)?;
            row.fate = Fate::SetAside("entries of kind 3 are not known".to_owned());
            gathered.put(Table::Record, key, rows::encode(name::RECORD, &row)?);
            position.add_set_aside(seq);
            awaited.push(AwaitedRow {
                log: number,
                seq,
                unknown: vec![(3, 1)],
                begun: 0,
            });
        }
        let mut logs: LogRows = rows::read(world.shelf, name::LOGS)?;
        for log in &mut logs.logs {
            if log.number == number {
                log.set_aside = position.set_aside.clone();
            }
        }
        rows::put(&mut gathered, name::LOGS, &logs)?;
        rows::put(&mut gathered, name::AWAITED, &awaited)?;
        let card = crate::Card::unread((3, 1), crate::Whose::Partners, 5);
        gathered.put(Table::Card, entry.0.to_vec(), card.row()?);
        let mut writes = gathered.into_writes();
        let parts = [PartName::Shared, PartName::Mine, PartName::Partners];
        writes.extend(parts.map(|part| Write::Delete {
            table: Table::Part,
            key: rows::part_key(&entry, part),
        }));
        Ok(vec![crate::Effect::Save {
            writes,
            durable: true,
        }])
    })
    .unwrap();
    let old = pair.ana().disk.clone();
    pair.roll_back(ANA, &old);
}

#[test]
fn after_an_upgrade_it_is_tried_again_and_the_partner_hears_of_it() {
    let mut pair = met_pair(71);
    let entry = pair.edit(BO, proposal("Phones away.")).unwrap();
    pair.meet();
    pair.edit(BO, new_text(entry, "Phones away at dinner."))
        .unwrap();
    pair.meet();
    let whole = pair.ana().card(&entry).clone();
    as_an_older_version_left_it(&mut pair, entry);
    pair.unchecked = true;
    assert_eq!(pair.ana().card(&entry).view, View::Unread);

    assert!(pair.ana().replica.has_awaited());
    // The older version had told Bo.
    pair.meet();
    assert!(pair.bo().card(&entry).not_readable_there);
    pair.feed(ANA, Input::Continue).unwrap();
    let card = pair.ana().card(&entry).clone();
    assert!(!card.unread && !pair.ana().replica.has_awaited());
    assert_eq!(card.agreed(), whole.agreed());
    assert_eq!(pair.ana().replica.set_aside(), 0);
    pair.edit(ANA, agree(entry)).unwrap();
    pair.meet();
    assert!(!pair.bo().card(&entry).not_readable_there);
    pair.assert_equal();
}
