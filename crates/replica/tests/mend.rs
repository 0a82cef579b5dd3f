//! A disk that lost something: any row, and every one of them. What this device's own log says is made anew, and the partner's
//! device gives what only the log had.

mod common;

use std::collections::BTreeMap;

use amends_journal::{EntryKind, memory};
use amends_replica::{
    Beginnings, Card, Change, Edit, MemoryShelf, Mended, NewPhoto, Replica, RowError, Shelf, Table,
    Words, Write, mend_rows,
};
use common::*;

const TABLES: [Table; 8] = [
    Table::Meta,
    Table::Card,
    Table::Part,
    Table::Record,
    Table::Envelope,
    Table::Blob,
    Table::Chunk,
    Table::Naming,
];

/// Two who wrote this and that, and hold the same.
fn lived() -> Pair {
    let mut pair = met_pair(81);
    let first = pair
        .edit(ANA, proposal("Phones stay out of the bedroom."))
        .unwrap();
    pair.meet();
    pair.edit(
        BO,
        new_text(first, "Phones stay out of the bedroom at night."),
    )
    .unwrap();
    pair.edit(BO, agree(first)).unwrap();
    pair.meet();
    pair.edit(ANA, agree(first)).unwrap();
    pair.edit(BO, proposal("One evening alone a week."))
        .unwrap();
    pair.meet();
    let begin = Beginnings {
        kind: EntryKind::Memory,
        role: memory::MEMORY,
        from: None,
        words: Some(Words {
            title: "By the sea".to_owned(),
            text: "It rained, and we stayed.".to_owned(),
            language: "en".to_owned(),
            ..Words::default()
        }),
        agreed: false,
        says: Vec::new(),
    };
    let memory = pair.edit(ANA, Edit::Begin(begin)).unwrap();
    let photo = NewPhoto {
        bytes: (0..200_000u32).map(|n| (n % 251) as u8).collect(),
        mime: "image/jpeg".to_owned(),
        size: Some((3, 4)),
        as_it_was: false,
    };
    pair.edit(
        ANA,
        Edit::Photo {
            entry: memory,
            photo,
        },
    )
    .unwrap();
    pair.edit(
        BO,
        Edit::Change {
            entry: first,
            change: Change {
                title: Some("Evenings".into()),
                ..Change::default()
            },
        },
    )
    .unwrap();
    pair.meet();
    pair.assert_equal();
    pair
}

fn rows(shelf: &MemoryShelf) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let of = |table| {
        let rows = shelf.scan(table, &[], usize::MAX).unwrap().into_iter();
        rows.map(move |(key, value)| (table, key, value))
    };
    TABLES.into_iter().flat_map(of).collect()
}

/// As `doctor --repair` does it, and then the program starts.
fn mend(pair: &mut Pair, who: usize) -> Result<Mended, RowError> {
    let disk = &mut pair.devices[who].disk;
    let (writes, mended) = mend_rows(&disk.now)?;
    disk.now.commit(&writes);
    let mut replica = Replica::load(&disk.now)?;
    let (writes, mended) = replica.mend_entries(&disk.now, mended).unwrap();
    disk.now.commit(&writes);
    disk.durable = disk.now.clone();
    pair.devices[who].replica = Replica::load(&pair.devices[who].disk.now)?;
    Ok(mended)
}

/// A disk in the place of a device's.
fn with(pair: &mut Pair, who: usize, shelf: &MemoryShelf) {
    pair.devices[who].disk.now = shelf.clone();
    pair.devices[who].disk.durable = shelf.clone();
}

fn cards(pair: &Pair) -> BTreeMap<amends_journal::EntryId, Card> {
    let mut cards = pair.ana().cards();
    for card in cards.values_mut() {
        // By this device's clock, in a row that may be the one that is lost.
        card.first_held = 0;
    }
    cards
}

/// Lets them meet until there is nothing more to say, and looks at what they hold then.
fn meets_and_is_whole(
    pair: &mut Pair,
    before: &BTreeMap<amends_journal::EntryId, Card>,
    what: &str,
) {
    pair.unchecked = true;
    for _ in 0..2 {
        let link = pair.connect();
        pair.run();
        pair.cut(link);
    }
    assert_eq!(pair.ana().replica.lost(), 0, "{what}");
    assert_eq!(&cards(pair), before, "{what}");
    pair.restart(ANA, false);
    assert_eq!(&cards(pair), before, "{what}");
    pair.assert_equal();
    for card in before.values() {
        for photo in card.blobs() {
            let ana = pair.ana();
            assert!(
                ana.replica.read_blob(&ana.disk.now, &photo).is_ok(),
                "{what}"
            );
        }
    }
    // And it goes on: both write, and both get it.
    let entry = *before.keys().next().unwrap();
    pair.edit(ANA, proposal("After it was mended.")).unwrap();
    pair.edit(ANA, new_text(entry, &format!("{what}, by Ana")))
        .unwrap();
    pair.edit(BO, proposal("After hers was mended.")).unwrap();
    for _ in 0..2 {
        let link = pair.connect();
        pair.run();
        pair.cut(link);
    }
    pair.assert_equal();
    assert!(
        pair.ana().set_aside().is_empty() && pair.bo().set_aside().is_empty(),
        "{what}"
    );
    assert!(
        pair.bo().refused().is_empty(),
        "{what}: {:?}",
        pair.bo().refused()
    );
}

/// This device's own keys: no log has them.
fn is_key(table: Table, key: &[u8]) -> bool {
    table == Table::Meta && [&b"member"[..], b"epochs"].contains(&key)
}

#[test]
fn any_row_that_is_gone_is_made_anew_or_comes_from_the_partner() {
    let lived = lived();
    let shelf = lived.ana().disk.now.clone();
    let (mut of_log, mut made) = (0, 0);
    for (table, key, _) in rows(&shelf) {
        let what = format!("{table:?} {key:02x?}");
        let mut pair = self::lived();
        let before = cards(&pair);
        let mut without = shelf.clone();
        without.commit(&[Write::Delete {
            table,
            key: key.clone(),
        }]);
        with(&mut pair, ANA, &without);
        let mended = mend(&mut pair, ANA);
        if is_key(table, &key) {
            assert!(matches!(mended, Err(RowError::Missing(_))), "{what}");
            continue;
        }
        let mended = mended.unwrap_or_else(|error| panic!("{what}: {error}"));
        of_log += mended.asked;
        made += mended.made;
        assert_eq!(mended.gone, 0, "{what}: all had reached the other");
        meets_and_is_whole(&mut pair, &before, &what);
    }
    assert!(of_log > 8 && made > 10, "{of_log} {made}");
}

#[test]
fn an_envelope_or_a_piece_whose_bytes_changed_is_asked_for_again() {
    let lived = lived();
    let shelf = lived.ana().disk.now.clone();
    for (table, key, mut value) in rows(&shelf) {
        if !matches!(table, Table::Envelope | Table::Blob) {
            continue;
        }
        let what = format!("{table:?} {key:02x?}");
        let mut pair = self::lived();
        let before = cards(&pair);
        let at = value.len() / 2;
        value[at] ^= 1;
        let mut changed = shelf.clone();
        changed.commit(&[Write::Put { table, key, value }]);
        with(&mut pair, ANA, &changed);
        let mended = mend(&mut pair, ANA).unwrap();
        assert!(mended.asked + mended.pieces > 0, "{what}: {mended:?}");
        meets_and_is_whole(&mut pair, &before, &what);
    }
}

#[test]
fn a_whole_table_that_is_gone_is_made_anew_or_comes_from_the_partner() {
    for table in TABLES {
        let mut pair = lived();
        let before = cards(&pair);
        let gone: Vec<Write> = rows(&pair.ana().disk.now)
            .into_iter()
            .filter(|(of, key, _)| *of == table && !is_key(table, key))
            .map(|(table, key, _)| Write::Delete { table, key })
            .collect();
        let mut without = pair.ana().disk.now.clone();
        without.commit(&gone);
        with(&mut pair, ANA, &without);
        // Of all that was counted together not even the records say it where they are gone too.
        mend(&mut pair, ANA).unwrap_or_else(|error| panic!("{table:?}: {error}"));
        meets_and_is_whole(&mut pair, &before, &format!("{table:?}"));
    }
}

#[test]
fn a_part_and_the_record_it_was_made_of_gone_at_once_is_not_written_over_before_it_is_whole() {
    let mut pair = lived();
    let before = cards(&pair);
    let gone: Vec<Write> = rows(&pair.ana().disk.now)
        .into_iter()
        .filter(|(table, ..)| matches!(table, Table::Part | Table::Envelope | Table::Card))
        .map(|(table, key, _)| Write::Delete { table, key })
        .collect();
    let mut without = pair.ana().disk.now.clone();
    without.commit(&gone);
    with(&mut pair, ANA, &without);
    let mended = mend(&mut pair, ANA).unwrap();
    assert!(mended.asked > 5, "{mended:?}");
    for (entry, card) in pair.ana().cards() {
        assert!(card.unread, "{card:?}");
        assert!(pair.edit(ANA, new_text(entry, "too early")).is_err());
    }
    meets_and_is_whole(&mut pair, &before, "parts and records");
}

#[test]
fn what_never_reached_the_partner_and_is_lost_is_said_to_be_gone() {
    let mut pair = lived();
    pair.edit(ANA, proposal("Never sent.")).unwrap();
    let last = rows(&pair.ana().disk.now)
        .into_iter()
        .rfind(|(table, ..)| *table == Table::Envelope)
        .unwrap();
    let mut without = pair.ana().disk.now.clone();
    without.commit(&[Write::Delete {
        table: last.0,
        key: last.1,
    }]);
    with(&mut pair, ANA, &without);
    let mended = mend(&mut pair, ANA).unwrap();
    assert_eq!((mended.gone, mended.asked), (1, 0));
    // Its words are in the part still, and everything else goes on.
    assert_eq!(pair.ana().cards().len(), 4);
    pair.edit(BO, proposal("From Bo.")).unwrap();
    pair.unchecked = true;
    let link = pair.connect();
    pair.run();
    pair.cut(link);
    assert_eq!(pair.ana().cards().len(), 5);
}
