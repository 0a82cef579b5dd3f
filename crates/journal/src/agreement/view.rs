//! What a boundary says, and what is in force (DESIGN section 2, Acts).
//!
//! An agreement counts if
//! 1. it names every end there is, of both;
//! 2. its person has not declined the same text later;
//! 3. the heads that it names are held, and the text at them has the hash that it names.
//!
//! In force is the text with the greatest min(n of the one, n of the other) over each person's latest
//! counting agreement to it; ties go to the smaller hash. Everything here is the same on both sides
//! with the two people exchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use automerge::ChangeHash;
use serde::{Deserialize, Serialize};

use crate::act::{Act, ActId, ENDS, Verb};
use crate::entry::Entry;
use crate::hash::agree_hash;
use crate::ids::Actor;
use crate::kind::{EntryKind, Person};
use crate::schema::{ACTS, LANGUAGE, REVIEW_ON, TEXT, TITLE, WHY};

/// One exact text: what an agreement is to.
#[derive(Clone, PartialEq, Eq)]
pub struct TextVersion {
    /// One line.
    pub title: String,
    /// What is agreed.
    pub text: String,
    /// The language of both, as BCP 47 writes it; empty where nothing was proposed yet.
    pub language: String,
    /// When to look at it again, as `YYYY-MM-DD`.
    pub review_on: Option<String>,
    /// The [`agree_hash`](crate::agree_hash) of all of these.
    pub hash: [u8; 32],
}

/// Where an agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Waits for one or both.
    Proposed,
    /// The current text is in force.
    Agreed,
    /// An older text is in force, a newer one waits.
    Changed,
    /// Nothing is in force, and somebody said no to the current text.
    Declined,
    /// It was ended, and nobody has agreed to the current text since.
    Ended,
}

/// What an act amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// An agreement that counts.
    Counts,
    /// An agreement that an end undid: it does not name it.
    Undone,
    /// An agreement that its person took back by declining the same text.
    TakenBack,
    /// An agreement to a text that has not arrived here yet.
    Waits,
    /// An agreement whose text is not the one that it names: a fault, or a trick.
    Invalid,
    /// A decline or an end: it stands as it is said.
    Said,
}

/// One act in the entry's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownAct {
    /// Whose own part holds it.
    pub person: Person,
    /// Its name.
    pub id: ActId,
    /// What it says.
    pub act: Act,
    /// What it amounts to.
    pub standing: Standing,
}

/// All that there is to show of an agreement.
#[derive(Clone, PartialEq, Eq)]
pub struct AgreementView {
    /// The current text: agreed to or not.
    pub current: TextVersion,
    /// The text in force.
    pub in_force: Option<TextVersion>,
    /// Where it stands.
    pub state: State,
    /// Who agrees to the current text, me first: by an agreement that counts, and that is later than
    /// this person's to what is in force. So of a newer text that waits at most one has agreed to it.
    pub agreed_by: Vec<Person>,
    /// Whose own part holds the proposal of what they wrote alone. `None` where it has not come, or was
    /// set aside.
    pub author: Option<Person>,
    /// When it was proposed, in milliseconds since 1970 UTC, as its author's clock said.
    pub created: Option<i64>,
    /// The latest no to the current text, if it is its person's last word on it.
    pub declined: Option<ShownAct>,
    /// The latest end, where nothing is in force.
    pub ended: Option<ShownAct>,
    /// Why it matters to me.
    pub my_why: String,
    /// Why it matters to my partner.
    pub partners_why: String,
    /// Every act, in order of `n`.
    pub acts: Vec<ShownAct>,
}

/// What a list shows of an agreement.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// One line, may be empty.
    pub title: String,
    /// The current text, agreed to or not.
    pub text: String,
    /// Its language.
    pub language: String,
    /// When to look at it again.
    pub review_on: Option<String>,
    /// The text in force.
    pub in_force: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Whether I agree to the current text.
    pub agreed_by_me: bool,
    /// Whether the partner agrees to the current text.
    pub agreed_by_partner: bool,
    /// Whether I declined the current text.
    pub declined_by_me: bool,
    /// The hash that an agreement to the current text names.
    pub hash: [u8; 32],
    /// Why it matters to me.
    pub my_why: String,
    /// Why it matters to my partner.
    pub partners_why: String,
}

impl std::fmt::Debug for Agreed {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agreed")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl AgreementView {
    /// What a list shows of it.
    #[must_use]
    pub fn in_short(&self) -> Agreed {
        Agreed {
            title: self.current.title.clone(),
            text: self.current.text.clone(),
            language: self.current.language.clone(),
            review_on: self.current.review_on.clone(),
            in_force: self.in_force.as_ref().map(|version| version.text.clone()),
            state: self.state,
            agreed_by_me: self.agreed_by.contains(&Person::Me),
            agreed_by_partner: self.agreed_by.contains(&Person::Partner),
            declined_by_me: self
                .declined
                .as_ref()
                .is_some_and(|shown| shown.person == Person::Me),
            hash: self.current.hash,
            my_why: self.my_why.clone(),
            partners_why: self.partners_why.clone(),
        }
    }
}

impl std::fmt::Debug for TextVersion {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextVersion")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AgreementView {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgreementView")
            .field("state", &self.state)
            .field("agreed_by", &self.agreed_by)
            .field("author", &self.author)
            .field("acts", &self.acts)
            .finish_non_exhaustive()
    }
}

impl ShownAct {
    fn agrees(&self) -> bool {
        matches!(self.act.verb, Verb::Propose | Verb::Agree)
    }
}

/// Where an act stands in its person's history, and in the entry's. Within one own part a later act
/// has a greater `n`, or, at the greatest, a greater counter.
fn order(shown: &ShownAct) -> (u64, u64, crate::ids::Actor) {
    (shown.act.n, shown.id.counter, shown.id.actor)
}

impl Entry<'_> {
    /// Everything that there is to show.
    #[must_use]
    pub fn agreement(&self) -> AgreementView {
        let current = self.current();
        let acts = self.judged();
        let in_force = self.in_force(&acts);

        let agreed_by = [Person::Me, Person::Partner]
            .into_iter()
            .filter(|person| agrees(&acts, *person, &current.hash))
            .collect::<Vec<_>>();
        let declined = [Person::Me, Person::Partner]
            .into_iter()
            .filter_map(|person| last_word(&acts, person, &current.hash))
            .filter(|shown| shown.act.verb == Verb::Decline)
            .max_by_key(|shown| order(shown))
            .cloned();
        let ended = acts
            .iter()
            .filter(|shown| in_force.is_none() && shown.act.verb == Verb::End)
            .max_by_key(|shown| order(shown))
            .cloned();
        let state = match &in_force {
            Some(version) if version.hash == current.hash => State::Agreed,
            Some(_) => State::Changed,
            None if ended.is_some() && agreed_by.is_empty() => State::Ended,
            None if declined.is_some() => State::Declined,
            None => State::Proposed,
        };
        let proposal = acts
            .iter()
            .filter(|shown| shown.act.verb == Verb::Propose && self.began(shown))
            .min_by_key(|shown| (shown.act.n, shown.id.actor, shown.id.counter));
        let begun = self.begun();
        let why = |part: &crate::part::Part| match self.kind() {
            EntryKind::Boundary => part.text(WHY, None).unwrap_or_default(),
            _ => String::new(),
        };
        AgreementView {
            author: match self.kind() {
                EntryKind::Boundary => proposal.map(|shown| shown.person),
                _ => begun.as_ref().map(|told| told.person),
            },
            created: match self.kind() {
                EntryKind::Boundary => proposal.map(|shown| shown.act.time),
                _ => begun.as_ref().map(|told| told.time),
            },
            my_why: why(self.mine),
            partners_why: why(self.partners),
            current,
            in_force,
            state,
            agreed_by,
            declined,
            ended,
            acts,
        }
    }

    /// Whether what an act speaks of was written by its own device alone, from nothing: so nobody can call
    /// themselves the author of what another began by putting a proposal into their own part.
    fn began(&self, shown: &ShownAct) -> bool {
        let mine = |actor: &Actor| *actor == shown.id.actor;
        !shown.act.heads.is_empty()
            && shown.act.heads.iter().all(|head| {
                self.shared.history.get(head).is_some_and(|note| {
                    mine(&note.actor)
                        && note
                            .clock
                            .keys()
                            .all(|actor| *actor == Actor::FIRST || mine(actor))
                })
            })
    }

    /// The text as it is now.
    pub(crate) fn current(&self) -> TextVersion {
        let version = self.seen(&self.shared.heads());
        version.map_or_else(
            || self.made(String::new(), String::new(), String::new(), String::new()),
            |version| TextVersion::clone(&version),
        )
    }

    /// The text as it was at `heads`, or is now. `None` where a head is not held.
    fn seen(&self, heads: &[[u8; 32]]) -> Option<Arc<TextVersion>> {
        if !heads.iter().all(|head| self.shared.has(head)) {
            return None;
        }
        let mut heads = heads.to_vec();
        heads.sort_unstable();
        let now = heads == self.shared.heads();
        let place = (self.entry, heads);
        if let Some(version) = self.shared.seen.version(&place) {
            return Some(version);
        }
        let heads: Vec<_> = place.1.iter().map(|hash| ChangeHash(*hash)).collect();
        let version = Arc::new(self.version((!now).then_some(heads.as_slice()))?);
        self.shared.seen.keep(place, &version);
        Some(version)
    }

    /// The text as it is, or was at `heads`. `None` where a head is not held.
    pub(crate) fn version(&self, heads: Option<&[ChangeHash]>) -> Option<TextVersion> {
        Some(self.made(
            self.shared.text(TITLE, heads)?,
            self.shared.text(TEXT, heads)?,
            self.shared.field(LANGUAGE, heads)?,
            self.shared.field(REVIEW_ON, heads)?,
        ))
    }

    fn made(
        &self,
        title: String,
        text: String,
        language: String,
        review_on: String,
    ) -> TextVersion {
        let hash = agree_hash(
            &self.entry,
            self.shared.kind(),
            &language,
            &title,
            &text,
            &review_on,
        );
        let review_on = Some(review_on).filter(|date| !date.is_empty());
        TextVersion {
            title,
            text,
            language,
            review_on,
            hash,
        }
    }

    /// The text at the heads that an act names, if they are held.
    pub(super) fn at(&self, act: &Act) -> Option<TextVersion> {
        self.seen(&act.heads)
            .map(|version| TextVersion::clone(&version))
    }

    /// Its hash.
    fn hash_at(&self, act: &Act) -> Option<[u8; 32]> {
        if !act.heads.iter().all(|head| self.shared.has(head)) {
            return None;
        }
        let hash = self.shared.seen.hash(&(self.entry, act.heads.clone()));
        hash.or_else(|| Some(self.seen(&act.heads)?.hash))
    }

    /// Every act of both, in order, with what it amounts to.
    pub(crate) fn judged(&self) -> Vec<ShownAct> {
        let said = |person| {
            move |(id, act)| ShownAct {
                person,
                id,
                act,
                standing: Standing::Said,
            }
        };
        let mut acts: Vec<ShownAct> = self
            .mine
            .acts(ACTS)
            .into_iter()
            .map(said(Person::Me))
            .chain(
                self.partners
                    .acts(ACTS)
                    .into_iter()
                    .map(said(Person::Partner)),
            )
            .collect();
        acts.sort_by_key(order);

        let ends: BTreeSet<ActId> = acts
            .iter()
            .filter(|shown| shown.act.verb == Verb::End)
            .map(|shown| shown.id)
            .collect();
        let mut declines = BTreeMap::new();
        for shown in acts.iter().filter(|shown| shown.act.verb == Verb::Decline) {
            declines.insert((shown.person, shown.act.hash), order(shown));
        }
        // Acts made at the same heads are to the same text: it is read and hashed once.
        let mut read: BTreeMap<Vec<[u8; 32]>, Option<[u8; 32]>> = BTreeMap::new();
        for shown in acts.iter_mut().filter(|shown| shown.agrees()) {
            let key = (shown.person, shown.act.hash);
            shown.standing = if !names_all(&shown.act.ends, &ends) {
                Standing::Undone
            } else if declines
                .get(&key)
                .is_some_and(|decline| *decline > order(shown))
            {
                Standing::TakenBack
            } else {
                let hash = match read.get(&shown.act.heads) {
                    Some(hash) => *hash,
                    None => {
                        let hash = self.hash_at(&shown.act);
                        read.insert(shown.act.heads.clone(), hash);
                        hash
                    }
                };
                match hash {
                    Some(hash) if hash == shown.act.hash => Standing::Counts,
                    Some(_) => Standing::Invalid,
                    None => Standing::Waits,
                }
            };
        }
        acts
    }

    /// The text in force among judged acts.
    pub(super) fn in_force(&self, acts: &[ShownAct]) -> Option<TextVersion> {
        self.at(&agreement_in_force(acts)?.act)
    }
}

/// An agreement to what is in force; the text at its heads is that text.
pub(super) fn agreement_in_force(acts: &[ShownAct]) -> Option<&ShownAct> {
    let mut latest: BTreeMap<[u8; 32], (Option<&ShownAct>, Option<&ShownAct>)> = BTreeMap::new();
    for shown in acts
        .iter()
        .filter(|shown| shown.standing == Standing::Counts)
    {
        // In order of n, so that the last one stays.
        let both = latest.entry(shown.act.hash).or_default();
        match shown.person {
            Person::Me => both.0 = Some(shown),
            Person::Partner => both.1 = Some(shown),
        }
    }
    latest
        .into_values()
        .filter_map(|(mine, partners)| {
            let (mine, partners) = (mine?, partners?);
            // The same act is chosen on both sides, though any agreement to this hash would serve.
            let chosen = if order(mine) < order(partners) {
                mine
            } else {
                partners
            };
            Some((mine.act.n.min(partners.act.n), chosen))
        })
        // Rising by hash, and `max_by` keeps the last of equals: so from the end.
        .rev()
        .max_by_key(|(n, _)| *n)
        .map(|(_, shown)| shown)
}

/// Whether a person's agreement to the text of this hash counts and is their last: where they have
/// agreed to what is in force since, they would have to agree to this one again.
pub(super) fn agrees(acts: &[ShownAct], person: Person, hash: &[u8; 32]) -> bool {
    let latest = |hash: &[u8; 32]| {
        acts.iter().rposition(|shown| {
            shown.person == person && shown.standing == Standing::Counts && shown.act.hash == *hash
        })
    };
    let in_force = agreement_in_force(acts).and_then(|shown| latest(&shown.act.hash));
    latest(hash).is_some_and(|this| in_force.is_none_or(|that| this >= that))
}

/// The last thing that a person said of the text of this hash.
pub(super) fn last_word<'a>(
    acts: &'a [ShownAct],
    person: Person,
    hash: &[u8; 32],
) -> Option<&'a ShownAct> {
    acts.iter()
        .rfind(|shown| shown.person == person && shown.act.hash == *hash)
}

/// Both are rising. More ends than an act can name leave nothing in force.
fn names_all(named: &[ActId], ends: &BTreeSet<ActId>) -> bool {
    ends.len() <= ENDS
        && ends.len() <= named.len()
        && ends.iter().all(|end| named.binary_search(end).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::{Draft, propose};
    use crate::ids::EntryId;
    use crate::kind::{EntryKind, PartKind};
    use crate::part::Part;
    use crate::said::Writer;
    use crate::schema::SCHEMA;
    use crate::wall;

    const ENTRY: EntryId = EntryId([7; 16]);

    fn draft(text: &str) -> Draft<'_> {
        Draft {
            title: "Evenings",
            text,
            language: "en",
            ..Draft::default()
        }
    }

    #[test]
    fn a_proposal_put_into_ones_own_part_makes_nobody_the_author_of_what_another_began() {
        // The smaller actor would win a tie: it is the one that lies.
        let writer = |actor| Writer {
            journal: [0x77; 32],
            entry: ENTRY,
            log: [0; 32],
            device: actor,
            actor,
            alone: false,
        };
        let (bo, ana) = (writer(Actor([1; 16])), writer(Actor([2; 16])));
        let hers = propose(&ana, 5, &draft("Phones away at dinner.")).unwrap();
        let own = Part::new(EntryKind::Boundary, SCHEMA, PartKind::Own).unwrap();
        let as_bo = Entry {
            entry: ENTRY,
            shared: &hers.shared.part,
            mine: &own,
            partners: &own,
        };
        let hash = as_bo.current().hash;
        let nothing = Part::new(EntryKind::Boundary, SCHEMA, PartKind::Shared).unwrap();
        for heads in [hers.shared.part.heads(), nothing.heads()] {
            let lie = as_bo
                .say_act(&bo, 1, Verb::Propose, hash, heads, &[], "")
                .unwrap();
            let lies: Vec<&[u8]> = lie.changes.iter().map(Vec::as_slice).collect();
            let his = wall::admit(&own, &bo, &lies).unwrap();
            let view = Entry {
                entry: ENTRY,
                shared: &hers.shared.part,
                mine: &hers.own.part,
                partners: &his,
            }
            .agreement();
            assert_eq!((view.author, view.created), (Some(Person::Me), Some(5)));
        }
    }
}
