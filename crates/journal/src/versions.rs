//! Every version that an entry's shared words had, and the difference between two texts in words.

use automerge::ChangeHash;

use crate::act::Verb;
use crate::agreement::{Standing, TextVersion, splices};
use crate::entry::Entry;
use crate::ids::Actor;
use crate::kind::Person;

/// The shared words as somebody left them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The words.
    pub text: TextVersion,
    /// The device that wrote the change; the fixed actor of the beginning writes none.
    pub actor: Actor,
    /// When, in milliseconds since 1970 UTC, by the writer's clock.
    pub time: i64,
    /// Who has ever agreed to exactly these words, me first; an agreement that was taken back or undone since is one
    /// too.
    pub agreed_by: Vec<Person>,
}

/// A piece of the difference between two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// It stands in both.
    Same(String),
    /// It stands in the earlier one alone.
    Removed(String),
    /// It stands in the later one alone.
    Added(String),
}

impl Entry<'_> {
    /// Every version of the shared words, the earliest first: each as its writer left it. What two people wrote at once
    /// stands side by side, and what came of both is the current text, which is the last version where nobody wrote it.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut notes: Vec<_> = self
            .shared
            .history
            .iter()
            .filter(|note| note.actor != Actor::FIRST)
            .collect();
        // A change begins above all that it follows, so this order is one in which they may have been made.
        notes.sort_by_key(|note| (note.start_op, note.actor, note.hash));
        let acts = self.judged();
        let agreed_by = |hash: &[u8; 32]| {
            [Person::Me, Person::Partner]
                .into_iter()
                .filter(|person| {
                    acts.iter().any(|shown| {
                        shown.person == *person
                            && shown.act.hash == *hash
                            && matches!(shown.act.verb, Verb::Propose | Verb::Agree)
                            && !matches!(shown.standing, Standing::Invalid | Standing::Waits)
                    })
                })
                .collect::<Vec<_>>()
        };
        let mut versions: Vec<Version> = Vec::new();
        for note in notes {
            let Some(text) = self.version(Some(&[ChangeHash(note.hash)])) else {
                continue;
            };
            let version = Version {
                agreed_by: agreed_by(&text.hash),
                text,
                actor: note.actor,
                time: note.time,
            };
            match versions.last_mut() {
                // One edit that was too long for one change.
                Some(last) if last.actor == version.actor && last.time == version.time => {
                    *last = version;
                }
                _ => versions.push(version),
            }
        }
        let current = self.current();
        if versions
            .last()
            .is_some_and(|last| last.text.hash != current.hash)
            && let Some(last) = versions.last().cloned()
        {
            versions.push(Version {
                agreed_by: agreed_by(&current.hash),
                text: current,
                // Nobody's: it came of what two people wrote at once.
                actor: Actor::FIRST,
                time: last.time,
            });
        }
        versions
    }
}

impl Version {
    /// Whether nobody wrote it: it came of what two people wrote at once.
    #[must_use]
    pub fn is_merged(&self) -> bool {
        self.actor == Actor::FIRST
    }
}

/// What makes the one text into the other, word by word: put together without what was added it is the old one, without
/// what was removed the new one.
#[must_use]
pub fn difference(old: &str, new: &str) -> Vec<Piece> {
    let mut splices = splices(old, new);
    splices.reverse();
    let mut pieces = Vec::new();
    let mut rest = old;
    let mut at = 0usize;
    let take = |rest: &mut &str, characters: usize| -> String {
        let cut = rest
            .char_indices()
            .nth(characters)
            .map_or(rest.len(), |(cut, _)| cut);
        let (head, tail) = rest.split_at_checked(cut).unwrap_or((*rest, ""));
        let head = head.to_owned();
        *rest = tail;
        head
    };
    for splice in splices {
        let same = take(&mut rest, splice.at.saturating_sub(at));
        if !same.is_empty() {
            pieces.push(Piece::Same(same));
        }
        let removed = take(&mut rest, splice.delete);
        if !removed.is_empty() {
            pieces.push(Piece::Removed(removed));
        }
        if !splice.insert.is_empty() {
            pieces.push(Piece::Added(splice.insert.to_owned()));
        }
        at = splice.at.saturating_add(splice.delete);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Same(rest.to_owned()));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_told_in_words() {
        assert_eq!(
            difference("No phones at dinner.", "No phones at dinner or in bed."),
            [
                Piece::Same("No phones at dinner".into()),
                Piece::Added(" or in bed".into()),
                Piece::Same(".".into()),
            ]
        );
        assert_eq!(difference("same", "same"), [Piece::Same("same".into())]);
        assert_eq!(difference("", ""), []);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_put_together_again(old in "[a-c \n]{0,60}|\\PC{0,40}", new in "[a-c \n]{0,60}|\\PC{0,40}") {
            let pieces = difference(&old, &new);
            let without = |out: fn(&Piece) -> Option<&str>| pieces.iter().filter_map(out).collect::<String>();
            prop_assert_eq!(without(|piece| match piece {
                Piece::Same(text) | Piece::Removed(text) => Some(text),
                Piece::Added(_) => None,
            }), old);
            prop_assert_eq!(without(|piece| match piece {
                Piece::Same(text) | Piece::Added(text) => Some(text),
                Piece::Removed(_) => None,
            }), new);
        }
    }
}
