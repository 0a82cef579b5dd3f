//! The fixed first change of every part is pinned: two devices that first write to a part at once build
//! on the same containers, today and in ten years.

use amends_journal::{EntryKind, Part, PartKind, first_change, known};
use serde_json::Value;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn first_changes_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/first-changes.json")).unwrap();
    let vectors = vectors["first_changes"].as_array().unwrap();
    let mut pinned = 0;
    for kind in EntryKind::ALL {
        for schema in 0..=u8::MAX {
            for part in [PartKind::Shared, PartKind::Own] {
                let vector = vectors.iter().find(|v| {
                    v["kind"] == kind.byte() && v["schema"] == schema && v["part"] == part.byte()
                });
                match first_change(kind, schema, part) {
                    // A part in which nothing is shared has nothing that a first change could make.
                    Ok(bytes) if bytes.is_empty() => {
                        assert!(vector.is_none());
                        assert!(Part::new(kind, schema, part).unwrap().heads().is_empty());
                    }
                    Ok(bytes) => {
                        let new = Part::new(kind, schema, part).unwrap();
                        let vector = vector.unwrap_or_else(|| {
                            panic!(
                                "not pinned: {{\"kind\": {}, \"kind_name\": {:?}, \"schema\": {schema}, \"part\": {}, \"change\": {:?}, \"hash\": {:?}}}",
                                kind.byte(),
                                kind.name(),
                                part.byte(),
                                hex(&bytes),
                                hex(&new.heads()[0])
                            )
                        });
                        assert_eq!(hex(&bytes), vector["change"].as_str().unwrap());
                        let part = Part::new(kind, schema, part).unwrap();
                        assert_eq!(hex(&part.heads()[0]), vector["hash"].as_str().unwrap());
                        assert_eq!((part.changes(), part.is_new()), (1, true));
                        pinned += 1;
                    }
                    Err(unknown) => {
                        assert!(vector.is_none() && !known(kind, schema), "{unknown}");
                    }
                }
            }
        }
    }
    assert_eq!(pinned, vectors.len());
}
