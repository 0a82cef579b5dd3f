//! Finding words in what is held in memory, whatever their accents and case. Nothing of it comes to a disk.
//!
//! An [`Index`] folds every text once; a [`Query`] is then looked for in the folded texts, and what was found is named
//! by its place in the original. The same entries and the same query always give the same answer in the same order, however
//! the index came to hold them.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

mod fold;
#[cfg(test)]
mod tests;

pub use fold::fold;
use fold::{Folded, Folder};

/// How much of a text stands before the first hit in a snippet, in letters (grapheme clusters, Unicode UAX 29).
const BEFORE: usize = 40;
/// How much stands behind it.
const BEHIND: usize = 120;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    folded: String,
    /// It was in quotes: the last of its words is not the beginning of a longer one.
    whole: bool,
}

impl Query {
    /// The words that a person typed. All of them must be in an entry, each as the beginning of a word, or anywhere in
    /// scripts that put no spaces between words.
    ///
    /// What stands in quotes (`"…"`, `“…”`, `„…“`, `«…»`, `「…」`) must be there as one phrase of whole words; where the
    /// second quote is not typed yet, its last word may go on.
    pub fn parse(typed: &str) -> Query {
        const QUOTES: &[char] = &['"', '“', '”', '„', '‟', '«', '»', '「', '」', '『', '』'];
        let mut words: Vec<Word> = Vec::new();
        let mut rest = typed.trim_start();
        while let Some(first) = rest.chars().next() {
            let (word, whole, after) = if QUOTES.contains(&first) {
                let (_, inner) = rest.split_at(first.len_utf8());
                match inner.split_once(QUOTES) {
                    Some((phrase, after)) => (phrase, true, after),
                    None => (inner, false, ""),
                }
            } else {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                (word, false, after)
            };
            let word = Word {
                folded: fold(word).trim().to_owned(),
                whole,
            };
            if !word.folded.is_empty() && !words.contains(&word) {
                words.push(word);
            }
            rest = after.trim_start();
        }
        Query { words }
    }

    /// Whether there is nothing to look for. Such a query finds nothing.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words and phrases, folded, in the order in which they were typed; none is there twice.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.folded.as_str())
    }
}

/// Entries, made ready to be searched, in the order of their ids. It holds their texts.
#[derive(Debug, Clone)]
pub struct Index<Id> {
    entries: Vec<Entry<Id>>,
    folder: Folder,
}

impl<Id> Default for Index<Id> {
    fn default() -> Index<Id> {
        Index {
            entries: Vec::new(),
            folder: Folder::default(),
        }
    }
}

#[derive(Debug, Clone)]
struct Entry<Id> {
    id: Id,
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    text: String,
    folded: Folded,
}

/// An entry in which every word was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a, Id> {
    /// Which entry.
    pub id: &'a Id,
    /// Its fields with a hit in them, in the order of the entry.
    pub fields: Vec<FoundField<'a>>,
}

/// A field in which something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundField<'a> {
    /// The name of the field.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// Every place where a word or phrase stands, as ranges of bytes in `text`, in order; none overlaps another.
    pub hits: Vec<Range<usize>>,
    /// What to show of it.
    pub snippet: Snippet<'a>,
}

/// The text around the first hit of a field, cut between words where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet<'a> {
    /// The text.
    pub text: &'a str,
    /// Something of the field stands before it.
    pub cut_before: bool,
    /// Something of the field stands behind it.
    pub cut_behind: bool,
    /// The hits that it holds, as ranges of bytes in its `text`.
    pub hits: Vec<Range<usize>>,
}

impl<Id: Ord> Index<Id> {
    /// Makes an entry ready, in the place of what was held under its id: its fields as name and text, the one that counts
    /// most first, such as the title.
    pub fn put<'t>(&mut self, id: Id, fields: impl IntoIterator<Item = (&'t str, &'t str)>) {
        let folder = &mut self.folder;
        let field = |(name, text): (&str, &str)| Field {
            name: name.to_owned(),
            text: text.to_owned(),
            folded: folder.fold(text),
        };
        let entry = Entry {
            id,
            fields: fields.into_iter().map(field).collect(),
        };
        match self.entries.binary_search_by(|held| held.id.cmp(&entry.id)) {
            Ok(at) => {
                if let Some(held) = self.entries.get_mut(at) {
                    *held = entry;
                }
            }
            Err(at) => self.entries.insert(at, entry),
        }
    }

    /// The entries in which all words are, the best first: those with more of the words in their first field, then in
    /// the next ones, then those in which the words stand nearer the beginning, then in the order of their ids.
    ///
    /// `most` bounds how many are given.
    pub fn search(&self, query: &Query, most: usize) -> Vec<Found<'_, Id>> {
        if query.is_empty() {
            return Vec::new();
        }
        let mut ranked: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| Some((rank(entry, query)?, entry)))
            .collect();
        // Stable: those of one rank stay in the order of their ids.
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked
            .into_iter()
            .take(most)
            .map(|(_, entry)| Found {
                id: &entry.id,
                fields: entry
                    .fields
                    .iter()
                    .filter_map(|field| found(field, query))
                    .collect(),
            })
            .collect()
    }
}

/// How far an entry is from the best, or `None` where a word is not in it: the number of words that are not in the first
/// field, the sum of the fields' numbers, the sum of the places in them.
fn rank<Id>(entry: &Entry<Id>, query: &Query) -> Option<(usize, usize, usize)> {
    let mut rank = (0_usize, 0_usize, 0_usize);
    for word in &query.words {
        let first = |(number, field): (usize, &Field)| {
            let at = matches(&field.folded, word).next()?.0.start;
            Some((number, at))
        };
        let (number, at) = entry.fields.iter().enumerate().find_map(first)?;
        rank.0 = rank.0.saturating_add(usize::from(number > 0));
        rank.1 = rank.1.saturating_add(number);
        rank.2 = rank.2.saturating_add(at);
    }
    Some(rank)
}

/// Where a word stands, as ranges in the folded text and in the original.
fn matches<'a>(
    folded: &'a Folded,
    word: &'a Word,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + 'a {
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let (_, rest) = folded.text.split_at_checked(from)?;
            let start = from.saturating_add(rest.find(&word.folded)?);
            let end = start.saturating_add(word.folded.len());
            let whole = folded.parts_words(start) && (!word.whole || folded.parts_words(end));
            if let Some(original) = folded.original(&(start..end)).filter(|_| whole) {
                from = end;
                return Some((start..end, original));
            }
            let step = word.folded.chars().next().map_or(1, char::len_utf8);
            from = start.saturating_add(step);
        }
    })
}

fn found<'a>(field: &'a Field, query: &Query) -> Option<FoundField<'a>> {
    let mut all: Vec<Range<usize>> = query
        .words
        .iter()
        .flat_map(|word| matches(&field.folded, word).map(|(_, original)| original))
        .collect();
    // Of two that overlap the earlier one counts, of two that begin together the longer one.
    all.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut hits: Vec<Range<usize>> = Vec::new();
    for hit in all {
        if hits.last().is_none_or(|last| last.end <= hit.start) {
            hits.push(hit);
        }
    }
    Some(FoundField {
        name: &field.name,
        text: &field.text,
        snippet: snippet(&field.text, &hits)?,
        hits,
    })
}

/// The text around the first hit; `None` where there is none.
fn snippet<'a>(text: &'a str, hits: &[Range<usize>]) -> Option<Snippet<'a>> {
    let first = hits.first()?;
    let (before, _) = text.split_at_checked(first.start)?;
    let (_, behind) = text.split_at_checked(first.end)?;

    let mut start = before
        .grapheme_indices(true)
        .rev()
        .take(BEFORE)
        .last()
        .map_or(first.start, |(at, _)| at);
    if start > 0 {
        // Not in the middle of a word, unless the word is longer than that.
        let (_, kept) = before.split_at_checked(start)?;
        let space = kept.char_indices().find(|(_, c)| c.is_whitespace());
        start = space.map_or(start, |(at, c)| {
            start.saturating_add(at).saturating_add(c.len_utf8())
        });
    }
    let length = behind
        .grapheme_indices(true)
        .nth(BEHIND)
        .map_or(behind.len(), |(at, _)| at);
    let mut end = first.end.saturating_add(length);
    if end < text.len() {
        let (kept, _) = behind.split_at_checked(length)?;
        end = kept
            .rfind(char::is_whitespace)
            .map_or(end, |at| first.end.saturating_add(at));
    }
    let inside = |hit: &&Range<usize>| start <= hit.start && hit.end <= end;
    Some(Snippet {
        text: text.get(start..end)?,
        cut_before: start > 0,
        cut_behind: end < text.len(),
        hits: hits
            .iter()
            .filter(inside)
            .map(|hit| hit.start.saturating_sub(start)..hit.end.saturating_sub(start))
            .collect(),
    })
}
