//! A document as plain text, for a terminal: what is in it is what is in the page, word for word.

use crate::document::{Block, Document, Section, shown};

/// The document as lines of text, its pictures as their words. It still has to be made harmless for the terminal that
/// shows it, as every other text.
#[must_use]
pub fn plain(document: &Document) -> String {
    let mut out = vec![one(&document.title)];
    for paragraph in &document.intro {
        out.extend([String::new(), shown(paragraph)]);
    }
    for section in &document.sections {
        out.extend([String::new(), String::new()]);
        read(section, &mut out);
    }
    out.join("\n")
}

fn one(text: &str) -> String {
    shown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(section: &Section, out: &mut Vec<String>) {
    out.push(format!("— {}", one(&section.heading)));
    for (label, value) in &section.details {
        out.push(format!("{}: {}", one(label), one(value)));
    }
    for block in &section.blocks {
        out.push(String::new());
        match block {
            Block::Words(words) => out.push(shown(words)),
            Block::Quote { by, words } => {
                out.push(indented(words));
                let by = one(by);
                if !by.is_empty() {
                    out.push(format!("    — {by}"));
                }
            }
            Block::List(items) => {
                let items = items.iter().map(|item| format!("- {}", hanging(item)));
                out.extend(items);
            }
            Block::Picture(picture) => out.push(format!("[picture: {}]", one(&picture.alt))),
            Block::Subheading(words) => out.push(format!("{}:", one(words))),
        }
    }
}

fn indented(words: &str) -> String {
    let lines: Vec<String> = shown(words)
        .split('\n')
        .map(|line| format!("    {line}"))
        .collect();
    lines.join("\n")
}

fn hanging(words: &str) -> String {
    shown(words).replace('\n', "\n  ")
}
