//! Any kind of entry, read from the fields that scripts see: nothing is left out because nobody wrote how it should look.

use serde_json::Value;

use super::time;
use crate::document::{Block, Section};
use crate::request::Own;

/// How far lists and objects are followed into each other.
const DEEPEST: usize = 8;
/// What stands above the entry already, or only means something to programs or on one of the two devices.
const LEFT_OUT: [&str; 6] = [
    "kind",
    "hash",
    "reached",
    "held",
    "mine",
    "not_readable_there",
];

/// Puts every field of a kind into its section, words as words, short things as details.
pub(super) fn read(own: &Own, section: &mut Section) {
    // Its own text first, under no heading.
    let words = own.words();
    if !words.trim().is_empty() {
        section.blocks.push(Block::Words(words.to_owned()));
    }
    let Ok(Value::Object(fields)) = serde_json::to_value(own) else {
        return;
    };
    for (key, value) in &fields {
        if is_left_out(key) || value.as_str() == Some(words) {
            continue;
        }
        match value {
            Value::String(text) if is_short(text) => {
                if !text.trim().is_empty() {
                    section.details.push((label(key), shown(text)));
                }
            }
            Value::Number(number) => section.details.push((label(key), number.to_string())),
            Value::Bool(yes) => section.details.push((label(key), yes_or_no(*yes))),
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            other => {
                section.blocks.push(Block::Subheading(label(key)));
                blocks(other, &mut section.blocks, 0);
            }
        }
    }
}

fn blocks(value: &Value, out: &mut Vec<Block>, depth: usize) {
    if depth >= DEEPEST {
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(yes) => out.push(Block::Words(yes_or_no(*yes))),
        Value::Number(number) => out.push(Block::Words(number.to_string())),
        Value::String(text) => {
            if !text.trim().is_empty() {
                out.push(Block::Words(shown(text)));
            }
        }
        Value::Array(items) if items.iter().all(|item| item.is_string()) => out.push(Block::List(
            items.iter().filter_map(Value::as_str).map(shown).collect(),
        )),
        Value::Array(items) => {
            for item in items {
                blocks(item, out, depth.saturating_add(1));
            }
        }
        Value::Object(fields) => {
            // What somebody said is theirs: their name stands under it, and the rest of the object after.
            let by = fields.get("by").and_then(Value::as_str).unwrap_or_default();
            let mut facts = Vec::new();
            let mut inner = Vec::new();
            for (key, value) in fields {
                match value {
                    _ if is_left_out(key) || key == "by" => {}
                    Value::Null => {}
                    Value::String(text) if text.trim().is_empty() => {}
                    Value::String(text)
                        if ["text", "words", "account", "why"].contains(&key.as_str()) =>
                    {
                        inner.insert(
                            0,
                            Block::Quote {
                                by: by.to_owned(),
                                words: text.clone(),
                            },
                        );
                    }
                    Value::String(text) => facts.push(format!("{}: {}", label(key), shown(text))),
                    Value::Number(number) => facts.push(format!("{}: {number}", label(key))),
                    Value::Bool(yes) => {
                        facts.push(format!("{}: {}", label(key), yes_or_no(*yes)));
                    }
                    Value::Array(items) if items.is_empty() => {}
                    other => {
                        inner.push(Block::Subheading(label(key)));
                        blocks(other, &mut inner, depth.saturating_add(1));
                    }
                }
            }
            let quoted = inner
                .iter()
                .any(|block| matches!(block, Block::Quote { .. }));
            if !by.is_empty() && !quoted {
                facts.insert(0, format!("By: {by}"));
            }
            out.extend(inner);
            if !facts.is_empty() {
                out.push(Block::List(facts));
            }
        }
    }
}

/// Also what speaks of whoever holds this device: it would read otherwise on the other one.
fn is_left_out(key: &str) -> bool {
    LEFT_OUT.contains(&key)
        || ["my_", "is_mine"]
            .iter()
            .any(|start| key.starts_with(start))
        || ["_me", "_mine", "_hash"]
            .iter()
            .any(|end| key.ends_with(end))
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= 80 && !text.contains('\n')
}

/// A time reads as everywhere else.
pub(super) fn shown(text: &str) -> String {
    let looks_like_one = text.len() >= 20 && text.ends_with('Z') && text.contains('T');
    if looks_like_one {
        time(text)
    } else {
        text.to_owned()
    }
}

/// The name that a script sees of a value that is one of a few.
pub(super) fn name_of(value: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(value).ok();
    name.as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// A field's name as a label: `review_on` is `Review on`.
pub(super) fn label(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
