//! Step 5, the short way: the change is made once more here, by Automerge's own transaction on a copy of the part, under
//! its actor, and must come out as the same change, by its hash.
//!
//! If it does, the document that came of it is the one that Automerge gives whoever types this here: nothing of the
//! partner's bytes was read by it at all, and nothing is left to try by saving and loading. It costs what the change costs,
//! where `trial` costs what the whole part does (docs/decisions/0080). Whatever does not come out the same
//! goes the long way and is judged there: a change made beside another one, which this document is already beyond, or one
//! that another program arranged otherwise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId, Automerge, Cursor, ObjId, ReadDoc, ScalarValue};

use super::chunk;
use super::columns::{Change, Id, Key, Value};
use crate::part::Spliced;
use crate::schema::object;

/// Places that are looked for in a text for one change. Each costs some microseconds; typing needs one, an edit by words a
/// few. Beyond this the long way is not longer.
const SEEKS: usize = 1_000;

/// The document with these changes in it, and what they did to its texts. `None` where they do not come out the same: that
/// says nothing against them.
pub(super) fn reenact(doc: &Automerge, changes: &[Vec<u8>]) -> Option<(Automerge, Vec<Spliced>)> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut copy = doc.clone();
        let mut spliced = Vec::new();
        for bytes in changes {
            copy = one(copy, bytes, &mut spliced)?;
        }
        Some((copy, spliced))
    }))
    .unwrap_or(None)
}

fn one(doc: Automerge, bytes: &[u8], spliced: &mut Vec<Spliced>) -> Option<Automerge> {
    let chunk = chunk::open(bytes).ok()?;
    let change = Change::read(chunk.content).ok()?;
    // Made beside another change that is here already: a transaction would follow that one too.
    let follows = |head: &automerge::ChangeHash| change.dependencies.contains(&head.0);
    if !doc.get_heads().iter().all(follows) {
        return None;
    }
    let doc = doc.with_actor(ActorId::from(*change.actors.first()?));
    let before = spliced.len();
    for eyes in [Eyes::Half, Eyes::Open] {
        let mut doc = doc.clone();
        let mut granted = false;
        if make(&mut doc, &change, eyes, &mut granted, spliced) == Some(chunk.hash) {
            return Some(doc);
        }
        spliced.truncate(before);
        if !granted {
            break;
        }
    }
    None
}

/// Does what the change says; gives the hash of what came of it. `granted` becomes true where something was taken to stand where
/// nobody looked.
fn make(
    doc: &mut Automerge,
    change: &Change<'_>,
    eyes: Eyes,
    granted: &mut bool,
    spliced: &mut Vec<Spliced>,
) -> Option<[u8; 32]> {
    let mut hand = Hand {
        change,
        transaction: doc.transaction(),
        run: None,
        eyes,
        granted,
        seeks: 0,
        spliced,
    };
    let mut preds = Vec::new();
    let mut operations = change.operations();
    let mut counter = change.start_op;
    while let Some(operation) = operations.next(&mut preds).ok()? {
        let me = Id { actor: 0, counter };
        match (operation.object, operation.key, operation.value) {
            (None, Key::Name(key), Value::Str(value)) => {
                hand.flush()?;
                hand.transaction.put(automerge::ROOT, key, value).ok()?;
            }
            (Some(text), key, Value::Str(value)) if operation.insert => {
                hand.insert(place(text)?, key, value, me)?;
            }
            (Some(text), Key::After(element), Value::Null) => {
                hand.delete(place(text)?, element)?;
            }
            // Acts and statements go to the list's end.
            (Some(list), _, Value::Bytes(bytes)) => {
                hand.flush()?;
                let list = object(place(list)?);
                let end = hand.transaction.length(&list);
                let value = ScalarValue::Bytes(bytes.to_vec());
                hand.transaction.insert(&list, end, value).ok()?;
            }
            _ => return None,
        }
        counter = counter.checked_add(1)?;
    }
    hand.flush()?;
    let options = CommitOptions::default().with_time(change.time);
    let (made, _) = hand.transaction.commit_with(options);
    Some(made?.0)
}

/// Which container of the schema: step 4 took no other object.
fn place(object: Id) -> Option<usize> {
    usize::try_from(object.counter.checked_sub(1)?).ok()
}

/// How closely it is looked where characters stand that are deleted in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Eyes {
    /// What was typed in a row is taken to stand in a row: to look costs a tenth of the whole. If it does not, the change comes
    /// out as another one.
    Half,
    /// Each is looked for.
    Open,
}

/// Puts operations together to what a person does at one place.
struct Hand<'a, 'd> {
    change: &'a Change<'a>,
    transaction: Transaction<'d>,
    run: Option<Run>,
    eyes: Eyes,
    granted: &'a mut bool,
    seeks: usize,
    spliced: &'a mut Vec<Spliced>,
}

/// Characters typed in a row, then characters behind them deleted in a row.
struct Run {
    spliced: Spliced,
    /// Of what was typed, the last character; of what was deleted, once that began.
    last: Option<Id>,
}

impl Hand<'_, '_> {
    fn insert(&mut self, place: usize, key: Key<'_>, value: &str, me: Id) -> Option<()> {
        let goes_on = self.run.as_ref().is_some_and(|run| {
            run.spliced.place == place
                && run.spliced.delete == 0
                && run.last.is_some_and(|last| key == Key::After(last))
        });
        if !goes_on {
            self.flush()?;
            let at = match key {
                Key::Beginning => 0,
                Key::After(element) => self.seek(place, element)?.checked_add(1)?,
                Key::Name(_) => return None,
            };
            self.run = Some(Run {
                spliced: Spliced::new(place, at),
                last: None,
            });
        }
        let run = self.run.as_mut()?;
        run.spliced.insert.push_str(value);
        run.last = Some(me);
        Some(())
    }

    fn delete(&mut self, place: usize, element: Id) -> Option<()> {
        if let Some(run) = &mut self.run
            && run.spliced.place == place
        {
            // What was typed is not in the text yet: whatever is deleted behind it stands where the typing began.
            let next = run.spliced.at.checked_add(run.spliced.delete)?;
            let follows = run.spliced.delete > 0
                && run.last.is_some_and(|last| {
                    last.actor == element.actor
                        && last.counter.checked_add(1) == Some(element.counter)
                });
            let granted = follows && self.eyes == Eyes::Half;
            if granted || is_at(&self.transaction, self.change, place, next, element) {
                *self.granted |= granted;
                run.spliced.delete = run.spliced.delete.checked_add(1)?;
                run.last = Some(element);
                return Some(());
            }
        }
        self.flush()?;
        let mut spliced = Spliced::new(place, self.seek(place, element)?);
        spliced.delete = 1;
        self.run = Some(Run {
            spliced,
            last: Some(element),
        });
        Some(())
    }

    fn flush(&mut self) -> Option<()> {
        if let Some(Run { spliced, .. }) = self.run.take() {
            let delete = isize::try_from(spliced.delete).ok()?;
            let text = object(spliced.place);
            self.transaction
                .splice_text(&text, spliced.at, delete, &spliced.insert)
                .ok()?;
            self.spliced.push(spliced);
        }
        Some(())
    }

    /// Where a character stands that is not deleted.
    fn seek(&mut self, place: usize, element: Id) -> Option<usize> {
        self.seeks = self.seeks.checked_add(1).filter(|seeks| *seeks <= SEEKS)?;
        let actor = ActorId::from(*self.change.actors.get(element.actor)?);
        let name = format!("{}@{actor}", element.counter);
        let cursor = Cursor::try_from(name.as_str()).ok()?;
        let at = self
            .transaction
            .get_cursor_position(object(place), &cursor, None)
            .ok()?;
        is_at(&self.transaction, self.change, place, at, element).then_some(at)
    }
}

fn is_at(
    transaction: &Transaction<'_>,
    change: &Change<'_>,
    place: usize,
    at: usize,
    element: Id,
) -> bool {
    let actor = change.actors.get(element.actor);
    match transaction.get(object(place), at) {
        Ok(Some((_, ObjId::Id(counter, there, _)))) => {
            counter == element.counter && actor.is_some_and(|actor| there.to_bytes() == actor)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trial;
    use super::*;
    use crate::schema::{Schema, TEXT, begin, schema};
    use crate::{EntryKind, PartKind};

    fn shared() -> &'static Schema {
        schema(EntryKind::Boundary, 1, PartKind::Shared).unwrap()
    }

    fn as_actor(doc: &Automerge, n: u8) -> Automerge {
        doc.clone().with_actor(ActorId::from([n; 16]))
    }

    /// One change: splices at positions, taken modulo the text's length, and a field put.
    fn typed(
        doc: &mut Automerge,
        splices: &[(usize, usize, String)],
        put: Option<&str>,
    ) -> Vec<u8> {
        let before = doc.get_heads();
        let mut transaction = doc.transaction();
        for (at, delete, insert) in splices {
            let length = transaction.length(object(TEXT));
            let at = at % (length + 1);
            let delete = (*delete).min(length - at);
            transaction
                .splice_text(object(TEXT), at, delete as isize, insert)
                .unwrap();
        }
        if let Some(language) = put {
            transaction
                .put(automerge::ROOT, "language", language)
                .unwrap();
        }
        transaction.commit_with(CommitOptions::default().with_time(7));
        let changes = doc.get_changes(&before);
        changes
            .first()
            .map_or_else(Vec::new, |c| c.raw_bytes().to_vec())
    }

    /// What the long way makes of it.
    fn tried(doc: &Automerge, changes: &[Vec<u8>]) -> Option<Automerge> {
        let slices: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
        let hashes: Vec<[u8; 32]> = changes
            .iter()
            .map(|change| chunk::open(change).unwrap().hash)
            .collect();
        let passed = trial::attempt(shared(), doc, &slices, &hashes);
        passed.ok().map(|passed| passed.doc)
    }

    fn splice() -> impl Strategy<Value = (usize, usize, String)> {
        (0usize..400, 0usize..12, "[a-cé👩🏽\u{301} \n]{0,12}")
    }

    proptest! {
        /// Whoever types alone is always met by the short way, which gives what the long way gives.
        #[test]
        fn the_short_way_gives_what_the_long_way_gives(
            edits in prop::collection::vec((any::<bool>(), prop::collection::vec(splice(), 1..5), prop::option::of("[a-z]{2}")), 1..12),
        ) {
            let (mut doc, _) = begin(shared());
            let mut text = String::new();
            for (who, splices, put) in edits {
                let mut theirs = as_actor(&doc, if who { 1 } else { 2 });
                let change = typed(&mut theirs, &splices, put.as_deref());
                if change.is_empty() {
                    continue;
                }
                let (here, spliced) = reenact(&doc, std::slice::from_ref(&change)).expect("it is what Automerge writes");
                let tried = tried(&doc, std::slice::from_ref(&change)).unwrap();
                prop_assert_eq!(here.get_heads(), tried.get_heads());
                prop_assert_eq!(here.save_nocompress(), tried.save_nocompress());
                for spliced in spliced {
                    text = spliced.done_to(&text).unwrap();
                }
                prop_assert_eq!(&text, &here.text(object(TEXT)).unwrap());
                // What was loaded again goes on as what never was.
                doc = if who { here } else { tried };
            }
        }

        /// What was made beside another change goes the long way.
        #[test]
        fn what_was_made_beside_another_change_is_not_met(a in splice(), b in splice()) {
            let (mut doc, _) = begin(shared());
            typed(&mut doc, &[(0, 0, "a text of both".into())], None);
            let (mut one, mut other) = (as_actor(&doc, 1), as_actor(&doc, 2));
            let mine = typed(&mut one, &[a], Some("en"));
            let theirs = typed(&mut other, &[b], Some("de"));
            prop_assert!(reenact(&one, std::slice::from_ref(&theirs)).is_none());
            prop_assert!(tried(&one, &[theirs]).is_some());
            prop_assert!(reenact(&doc, &[mine]).is_some());
        }
    }

    #[test]
    fn another_change_of_the_same_meaning_does_not_come_out_the_same() {
        let (doc, _) = begin(shared());
        let mut theirs = as_actor(&doc, 1);
        let change = typed(&mut theirs, &[(0, 0, "words".into())], None);
        // The same operations, said at another time.
        let other = {
            let mut expanded = automerge::ExpandedChange::from(
                &automerge::Change::try_from(change.as_slice()).unwrap(),
            );
            expanded.message = Some("something else".into());
            automerge::Change::from(expanded).raw_bytes().to_vec()
        };
        assert!(reenact(&doc, &[change]).is_some());
        assert!(reenact(&doc, std::slice::from_ref(&other)).is_none());
        assert!(tried(&doc, &[other]).is_some());
    }

    #[test]
    fn many_places_are_not_looked_for() {
        let (mut doc, _) = begin(shared());
        typed(&mut doc, &[(0, 0, "x".repeat(SEEKS * 2 + 10))], None);
        let every_other =
            |n: usize| -> Vec<_> { (0..n).map(|at| (at, 1, String::new())).collect() };
        let mut few = as_actor(&doc, 1);
        let few = typed(&mut few, &every_other(SEEKS), None);
        let mut many = as_actor(&doc, 1);
        let many = typed(&mut many, &every_other(SEEKS + 1), None);
        assert!(reenact(&doc, &[few]).is_some());
        assert!(reenact(&doc, &[many]).is_none());
    }

    #[test]
    fn what_is_typed_or_deleted_in_a_row_is_looked_for_once() {
        let (doc, _) = begin(shared());
        let long = SEEKS * 2;
        let mut theirs = as_actor(&doc, 1);
        let typing = typed(&mut theirs, &[(0, 0, "x".repeat(long))], None);
        assert!(reenact(&doc, &[typing]).is_some());
        let mut later = theirs.clone();
        let deleting = typed(&mut later, &[(0, long, String::new())], None);
        assert!(reenact(&theirs, &[deleting]).is_some());
    }

    #[test]
    fn what_was_typed_in_a_row_and_parted_since_is_looked_for() {
        let (mut doc, _) = begin(shared());
        typed(&mut doc, &[(0, 0, "abcdef".into())], None);
        // Between c and d, and the e is gone: so it is deleted from b to f in three pieces.
        typed(
            &mut doc,
            &[(3, 0, "xyz".into()), (7, 1, String::new())],
            None,
        );
        let text = doc.text(object(TEXT)).unwrap();
        assert_eq!(text, "abcxyzdf");
        let mut theirs = as_actor(&doc, 1);
        let change = typed(
            &mut theirs,
            &[(1, 2, String::new()), (4, 2, String::new())],
            None,
        );
        assert_eq!(theirs.text(object(TEXT)).unwrap(), "axyz");
        let (here, spliced) = reenact(&doc, &[change]).unwrap();
        assert_eq!(here.save_nocompress(), theirs.save_nocompress());
        let done = spliced
            .iter()
            .fold(text, |text, spliced| spliced.done_to(&text).unwrap());
        assert_eq!(done, "axyz");
    }

    #[test]
    fn what_is_typed_over_is_one_splice() {
        let (mut doc, _) = begin(shared());
        typed(&mut doc, &[(0, 0, "some words".into())], None);
        let mut theirs = as_actor(&doc, 1);
        let change = typed(&mut theirs, &[(5, 5, "others".into())], None);
        let (here, spliced) = reenact(&doc, &[change]).unwrap();
        assert_eq!(here.text(object(TEXT)).unwrap(), "some others");
        assert!(
            matches!(spliced.as_slice(), [one] if (one.at, one.delete, one.insert.as_str()) == (5, 5, "others"))
        );
    }

    #[test]
    fn an_act_goes_the_short_way() {
        let (doc, _) = begin(schema(EntryKind::Boundary, 1, PartKind::Own).unwrap());
        let mut theirs = as_actor(&doc, 1);
        let before = theirs.get_heads();
        let mut transaction = theirs.transaction();
        let act = ScalarValue::Bytes(vec![1, 2, 3]);
        transaction.insert(object(0), 0, act).unwrap();
        transaction.commit_with(CommitOptions::default().with_time(7));
        let changes = theirs.get_changes(&before);
        let change = changes.first().unwrap().raw_bytes().to_vec();
        assert!(reenact(&doc, &[change]).is_some());
    }
}
