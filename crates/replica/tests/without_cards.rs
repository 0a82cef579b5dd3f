//! A replica that was loaded without its cards begins an entry as one that has them does.

mod common;

use std::cell::Cell;

use amends_replica::{
    Effect, Input, MemoryShelf, Replica, Row, Shelf, ShelfError, Shown, Table, World,
};
use common::{ANA, met_pair, new_text, proposal};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Counts the rows of cards that are read.
struct Counting<'a>(&'a MemoryShelf, Cell<usize>);

impl Shelf for Counting<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.1.set(self.1.get() + usize::from(table == Table::Card));
        self.0.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, ShelfError> {
        let rows = self.0.scan(table, from, limit)?;
        if table == Table::Card {
            self.1.set(self.1.get() + rows.len());
        }
        Ok(rows)
    }
}

#[test]
fn an_entry_is_begun_without_reading_the_others() {
    let mut pair = met_pair(1);
    for n in 0..40 {
        pair.edit(ANA, proposal(&format!("Number {n}."))).unwrap();
    }
    let mut disk = pair.devices[ANA].disk.now.clone();
    let propose = |replica: &mut Replica, disk: &mut MemoryShelf, seed: u64| {
        let counting = Counting(disk, Cell::new(0));
        let effects = replica
            .handle(
                &mut World {
                    now: 1_900_000_000_000,
                    rng: &mut ChaCha20Rng::seed_from_u64(seed),
                    shelf: &counting,
                },
                Input::Edit(proposal("One more.")),
            )
            .unwrap();
        let read = counting.1.get();
        let mut begun = None;
        for effect in effects {
            match effect {
                Effect::Save { writes, .. } => disk.commit(&writes),
                Effect::Show(Shown::Edited(entry)) => begun = Some(entry),
                _ => {}
            }
        }
        (begun.unwrap(), read)
    };
    let mut replica = Replica::load_without_cards(&disk).unwrap();
    let (first, read) = propose(&mut replica, &mut disk, 5);
    assert!(read <= 2, "{read} cards were read");
    assert_eq!(replica.cards().count(), 1);
    assert_eq!(replica.short_id(&first), first.words(2));

    // The same random numbers again would give the same id: what is on the disk counts, loaded or not.
    let mut replica = Replica::load_without_cards(&disk).unwrap();
    let (second, _) = propose(&mut replica, &mut disk, 5);
    assert_ne!(first.0[..4], second.0[..4]);

    // Everything else loads the cards first, and finds what was begun without them.
    let mut world = World {
        now: 1_900_000_000_001,
        rng: &mut ChaCha20Rng::seed_from_u64(6),
        shelf: &disk,
    };
    let edited = replica.handle(&mut world, Input::Edit(new_text(first, "Other words.")));
    assert!(edited.is_ok());
    assert_eq!(replica.cards().count(), 42);
    let whole = Replica::load(&disk).unwrap();
    assert_eq!(whole.cards().count(), 42);
    assert_eq!(whole.short_id(&second), replica.short_id(&second));
}
