//! Step 5, the long way: the changes are tried on a copy, which is saved and loaded again, before anybody sees it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ChangeHash, ObjType, ROOT, ReadDoc, ScalarValue, Value};

use crate::act::ActId;
use crate::part::{load_document, read_acts};
use crate::schema::{Holds, Schema, object};

/// What step 5 refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialFault {
    /// Automerge panicked. The copy is gone; the part is as it was.
    #[error("Automerge panicked")]
    Panic,
    /// Automerge refused it.
    #[error("Automerge refused it: {0}")]
    Apply(String),
    /// Applied, it was not there, or its dependencies were not.
    #[error("it was not applied")]
    NotApplied,
    /// What was saved could not be loaded again.
    #[error("the document could not be loaded again: {0}")]
    Load(String),
    /// What was loaded again is not what was saved.
    #[error("the document came back with other heads")]
    Heads,
    /// The document no longer has the shape of its schema.
    #[error("the document lost the shape of its schema")]
    Shape,
    /// An act was altered or is gone.
    #[error("an act was altered")]
    Acts,
}

/// What came through: the document as it was loaded again, and the bytes it was loaded from.
pub(super) struct Passed {
    pub(super) doc: Automerge,
    pub(super) saved: Vec<u8>,
}

/// The document's bytes. `None` where Automerge panics.
pub(super) fn save(doc: &Automerge) -> Option<Vec<u8>> {
    catch_unwind(AssertUnwindSafe(|| doc.save_nocompress())).ok()
}

/// Applies, saves, loads, compares. `hashes` names the changes.
pub(super) fn attempt(
    schema: &Schema,
    doc: &Automerge,
    changes: &[&[u8]],
    hashes: &[[u8; 32]],
) -> Result<Passed, TrialFault> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut copy = doc.clone();
        let decoded = changes
            .iter()
            .map(|bytes| Change::try_from(*bytes))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TrialFault::Apply(error.to_string()))?;
        copy.apply_changes(decoded)
            .map_err(|error| TrialFault::Apply(error.to_string()))?;
        if hashes
            .iter()
            .any(|hash| copy.get_change_meta_by_hash(&ChangeHash(*hash)).is_none())
        {
            return Err(TrialFault::NotApplied);
        }
        let saved = copy.save_nocompress();
        let loaded = load_document(&saved).map_err(|error| TrialFault::Load(error.to_string()))?;
        if loaded.get_heads() != copy.get_heads() {
            return Err(TrialFault::Heads);
        }
        check_shape(schema, &loaded)?;
        check_acts(schema, doc, &loaded)?;
        Ok(Passed { doc: loaded, saved })
    }))
    .unwrap_or(Err(TrialFault::Panic))
}

/// The root holds the containers that the first change made, the fields as strings, and nothing else.
/// Texts hold characters and lists of acts hold bytes, so the depth is two.
pub(crate) fn check_shape(schema: &Schema, doc: &Automerge) -> Result<(), TrialFault> {
    for key in doc.keys(ROOT) {
        let values = doc
            .get_all(ROOT, key.as_str())
            .map_err(|_| TrialFault::Shape)?;
        let container = schema.containers.iter().position(|c| c.key == key);
        let field = schema.fields.iter().find(|f| f.key == key);
        let fits = match (container, field) {
            (Some(place), _) => match values.as_slice() {
                [(Value::Object(kind), id)] => {
                    let holds = schema.containers.get(place).map(|c| c.holds);
                    *id == object(place)
                        && matches!(
                            (kind, holds),
                            (ObjType::Text, Some(Holds::Text))
                                | (ObjType::List, Some(Holds::Acts | Holds::Said))
                        )
                }
                _ => false,
            },
            (None, Some(field)) => values.iter().all(|(value, _)| match value {
                Value::Scalar(scalar) => {
                    matches!(scalar.as_ref(), ScalarValue::Str(s) if (field.allows)(s))
                }
                Value::Object(_) => false,
            }),
            (None, None) => false,
        };
        if !fits {
            return Err(TrialFault::Shape);
        }
    }
    if schema
        .containers
        .iter()
        .any(|c| !matches!(doc.get(ROOT, c.key), Ok(Some((Value::Object(_), _)))))
    {
        return Err(TrialFault::Shape);
    }
    Ok(())
}

/// Every act of before is there, byte for byte.
fn check_acts(schema: &Schema, before: &Automerge, after: &Automerge) -> Result<(), TrialFault> {
    for (place, _) in schema
        .containers
        .iter()
        .enumerate()
        .filter(|(_, c)| matches!(c.holds, Holds::Acts | Holds::Said))
    {
        let after: BTreeMap<ActId, Vec<u8>> = read_acts(after, place)
            .ok_or(TrialFault::Acts)?
            .into_iter()
            .collect();
        for (id, bytes) in read_acts(before, place).ok_or(TrialFault::Acts)? {
            if after.get(&id) != Some(&bytes) {
                return Err(TrialFault::Acts);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use automerge::ObjId;
    use automerge::transaction::Transactable;

    use super::*;
    use crate::act::{Act, Verb};
    use crate::schema::{ACTS, begin, schema};
    use crate::{EntryKind, PartKind};

    /// A change past steps 2 to 4, as if one of them had a hole.
    fn tried(
        edit: impl Fn(&mut automerge::transaction::Transaction<'_>, ObjId),
    ) -> Result<(), TrialFault> {
        let schema = schema(EntryKind::Boundary, 1, PartKind::Own).unwrap();
        let (mut doc, _) = begin(schema);
        let act = Act {
            verb: Verb::Agree,
            n: 1,
            time: 0,
            hash: [1; 32],
            heads: vec![[2; 32]],
            ends: vec![],
            reason: String::new(),
        };
        doc.set_actor([5; 16].into());
        let mut transaction = doc.transaction();
        transaction
            .insert(object(ACTS), 0, ScalarValue::Bytes(act.bytes()))
            .unwrap();
        transaction.commit();
        let mut evil = doc.clone();
        let mut transaction = evil.transaction();
        edit(&mut transaction, object(ACTS));
        transaction.commit();
        let change = evil.get_changes(&doc.get_heads()).remove(0);
        attempt(schema, &doc, &[change.raw_bytes()], &[change.hash().0]).map(|_| ())
    }

    #[test]
    fn what_a_hole_in_the_steps_before_let_through_stops_here() {
        assert_eq!(
            tried(|t, acts| t.insert(acts, 0, ScalarValue::Bytes(vec![1])).unwrap()),
            Ok(())
        );
        assert_eq!(
            tried(|t, acts| t.delete(acts, 0).unwrap()),
            Err(TrialFault::Acts)
        );
        assert_eq!(
            tried(|t, acts| t.put(acts, 0, ScalarValue::Bytes(vec![1])).unwrap()),
            Err(TrialFault::Acts)
        );
        assert_eq!(
            tried(|t, acts| t.insert(acts, 0, "words").unwrap()),
            Err(TrialFault::Acts)
        );
        assert_eq!(
            tried(|t, _| t.put(ROOT, "unknown", 1).unwrap()),
            Err(TrialFault::Shape)
        );
        assert_eq!(
            tried(|t, _| t.put(ROOT, "why", "x").unwrap()),
            Err(TrialFault::Shape)
        );
        assert_eq!(
            tried(|t, _| t.delete(ROOT, "why").unwrap()),
            Err(TrialFault::Shape)
        );
        assert_eq!(
            tried(|t, _| t
                .put_object(ROOT, "why", ObjType::Text)
                .map(|_| ())
                .unwrap()),
            Err(TrialFault::Shape)
        );
    }
}
