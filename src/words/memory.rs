//! Memories and ideas in words for people.

use crate::request::{Entry, Memory, Own, Photo, PhotoSaved};
use crate::terminal::{line, lines};

/// A memory, whole, with an empty line behind it.
pub(super) fn all(memory: &Memory) -> Vec<String> {
    let mut said = Vec::new();
    if !memory.text.trim().is_empty() {
        said.extend([lines(&memory.text), String::new()]);
    }
    let when = match (&memory.date, &memory.place) {
        (Some(date), Some(place)) => Some(format!("{}, {}", line(date), line(place))),
        (Some(one), None) | (None, Some(one)) => Some(line(one)),
        (None, None) => None,
    };
    if let Some(when) = when {
        said.extend([when, String::new()]);
    }
    if !memory.photos.is_empty() {
        said.push("Photos:".to_owned());
        said.extend(memory.photos.iter().map(photo));
        said.push(String::new());
    }
    if let (Some(on), Some(by)) = (&memory.did_on, &memory.did_by) {
        said.push(format!("Done on {}, says {}.", line(on), line(by)));
        said.push(String::new());
    }
    if !memory.again_by.is_empty() {
        let names: Vec<String> = memory.again_by.iter().map(|name| line(name)).collect();
        said.push(format!(
            "May come up again on its day, as far as it is for {}.",
            names.join(" and ")
        ));
        said.push(String::new());
    }
    said
}

fn photo(photo: &Photo) -> String {
    let mut facts = vec![line(&photo.mime)];
    if let (Some(width), Some(height)) = (photo.width, photo.height) {
        facts.push(format!("{width} × {height}"));
    }
    facts.push(size(photo.bytes));
    facts.push(line(&photo.by));
    if photo.as_it_was {
        facts.push("kept as it was, with whatever it tells".to_owned());
    }
    facts.push(match (photo.here, photo.of) {
        (_, 0) => "what was said of it cannot be read".to_owned(),
        (here, of) if here == of && photo.reached => "here, and on the other device".to_owned(),
        (here, of) if here == of => "here".to_owned(),
        (here, of) => {
            let percent = here.saturating_mul(100) / of;
            let rest = if photo.coming {
                "the rest comes when you meet"
            } else {
                "more than is taken of one memory, so the rest does not come"
            };
            format!("{percent} % of it is here; {rest}")
        }
    });
    format!("  {} {}", photo.number, facts.join(", "))
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB {
        format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB)
    } else {
        format!("{} KiB", bytes.div_ceil(1024))
    }
}

/// What was left behind of each photo that was just added, a line each.
pub fn left_behind(entry: &Entry) -> Vec<String> {
    let Own::Memory(memory) = &entry.own else {
        return Vec::new();
    };
    memory
        .photos
        .iter()
        .filter(|photo| !photo.removed.is_empty())
        .map(|photo| {
            let removed: Vec<String> = photo.removed.iter().map(|what| line(what)).collect();
            format!(
                "Left behind of photo {}: {}.",
                photo.number,
                removed.join(", ")
            )
        })
        .collect()
}

/// A photo is in a file.
pub fn saved(saved: &PhotoSaved) -> String {
    format!(
        "Wrote {} ({}, {}). Outside the journal it is sealed no more.",
        line(&saved.file),
        line(&saved.mime),
        size(saved.bytes)
    )
}
