//! Memories: something good, kept, with photos of it; and ideas for something good to do together.
//!
//! Role 0 is a memory, role 1 an idea.
//!
//! | verb | items |
//! | --- | --- |
//! | 16 photo | media type, size in pixels (nothing, or width(4) height(4)), kept as it was (0 or 1), the blob's reference |
//! | 17 take back | the hash of one's own 16 |
//! | 18 again | 0 or 1: whether it may come up again on this day of later years |
//! | 19 did | the day on which the idea was done; nothing where that is taken back |
//!
//! Both say all of it. A photo itself is a sealed blob outside the logs; this crate does not read its reference. Neither its
//! name nor what was removed from it is said: both can tell what the photo does not. A memory comes up again only where each
//! person's own last word is that it may.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::agreement::RuleError;
use crate::entry::{self, Entry};
use crate::kind::Person;
use crate::rule::{Past, RuleFault, begun, exact, words};
use crate::said::{BEGIN, Begin, Statement, Writer};
use crate::schema::{DATE, PLACE, is_date};

const PHOTO: u8 = 16;
const TAKE_BACK: u8 = 17;
const AGAIN: u8 = 18;
const DID: u8 = 19;

/// The role of a memory.
pub const MEMORY: u8 = 0;
/// The role of an idea.
pub const IDEA: u8 = 1;
/// Photos that one person may ever put into one memory.
pub const PHOTOS: usize = 200;
/// Bytes of a media type.
pub const MIME_BYTES: usize = 100;
/// Bytes of a reference to a blob: 25 MiB need 6,444.
pub const REFERENCE_BYTES: usize = 8_192;

/// What can be said of a memory or an idea.
#[derive(Clone, PartialEq, Eq)]
pub enum Say {
    /// A photo of it.
    Photo(Photo),
    /// One's own photo is taken back: the hash of the statement that brought it.
    TakeBack([u8; 32]),
    /// Whether it may come up again on this day of later years.
    Again(bool),
    /// The idea was done on this day; or that is taken back.
    Did(Option<String>),
}

/// A photo, as an entry names it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// What it is, such as `image/jpeg`: a claim.
    pub mime: String,
    /// Width and height in pixels, where they are known: a claim.
    pub size: Option<(u32, u32)>,
    /// Whoever added it kept it as it was, with whatever it tells.
    pub as_it_was: bool,
    /// The bytes that say where it is and what opens it.
    pub reference: Vec<u8>,
}

/// A photo that stands in a memory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The hash of the statement that brought it.
    pub hash: [u8; 32],
    /// Who added it.
    pub by: Person,
    /// What it is.
    pub photo: Photo,
}

/// A memory or an idea as it stands.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whether it is an idea.
    pub idea: bool,
    /// One line, may be empty.
    pub title: String,
    /// May be empty.
    pub text: String,
    /// The day that it is about.
    pub date: Option<String>,
    /// Where it was.
    pub place: Option<String>,
    /// In the order in which they were added.
    pub photos: Vec<Shown>,
    /// Whether I said that it may come up again.
    pub again_by_me: bool,
    /// Whether my partner did.
    pub again_by_partner: bool,
    /// When an idea was done, and who said so.
    pub did: Option<(Person, String)>,
}

impl std::fmt::Debug for Photo {
    /// Leaves out the key in the reference.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({})", self.mime)
    }
}

impl std::fmt::Debug for Shown {
    /// Leaves out the key in the reference.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} by {:?}", self.photo, self.by)
    }
}

impl std::fmt::Debug for View {
    /// Leaves out what people wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("idea", &self.idea)
            .field("photos", &self.photos)
            .finish_non_exhaustive()
    }
}

impl From<Say> for entry::Say {
    fn from(say: Say) -> Self {
        entry::Say::Memory(say)
    }
}

impl Say {
    pub(crate) fn statement(&self) -> (u8, Vec<Vec<u8>>) {
        match self {
            Say::Photo(photo) => {
                let pixels = photo
                    .size
                    .map(|(width, height)| [width.to_be_bytes(), height.to_be_bytes()].concat());
                let items = vec![
                    photo.mime.as_bytes().to_vec(),
                    pixels.unwrap_or_default(),
                    vec![u8::from(photo.as_it_was)],
                    photo.reference.clone(),
                ];
                (PHOTO, items)
            }
            Say::TakeBack(hash) => (TAKE_BACK, vec![hash.to_vec()]),
            Say::Again(yes) => (AGAIN, vec![vec![u8::from(*yes)]]),
            Say::Did(on) => (
                DID,
                vec![on.as_deref().unwrap_or_default().as_bytes().to_vec()],
            ),
        }
    }

    fn read(statement: &Statement) -> Result<Say, RuleFault> {
        match (statement.verb, statement.items.as_slice()) {
            (PHOTO, [mime, size, as_it_was, reference]) => {
                let mime = words(mime, MIME_BYTES)?;
                if mime.is_empty() || !mime.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(RuleFault::Malformed);
                }
                if reference.len() > REFERENCE_BYTES {
                    return Err(RuleFault::TooLong);
                }
                if reference.is_empty() {
                    return Err(RuleFault::Malformed);
                }
                Ok(Say::Photo(Photo {
                    mime: mime.to_owned(),
                    size: pixels(size)?,
                    as_it_was: yes_or_no(as_it_was)?,
                    reference: reference.clone(),
                }))
            }
            (TAKE_BACK, [hash]) => Ok(Say::TakeBack(exact(hash)?)),
            (AGAIN, [yes]) => Ok(Say::Again(yes_or_no(yes)?)),
            (DID, [on]) => match words(on, 10)? {
                "" => Ok(Say::Did(None)),
                day if is_date(day) => Ok(Say::Did(Some(day.to_owned()))),
                _ => Err(RuleFault::Malformed),
            },
            (PHOTO..=DID, _) => Err(RuleFault::Malformed),
            (verb, _) => Err(RuleFault::Verb(verb)),
        }
    }

    /// What a person may say here beyond what the wall asks: of a memory what belongs to it, and of an idea.
    pub(crate) fn allowed(&self, entry: &Entry<'_>) -> Result<(), RuleError> {
        // One that is being begun says nothing yet; what it may say follows from its role, which whoever begins it knows.
        let Some(begun) = entry.begun() else {
            return Ok(());
        };
        let is_idea = begun.say.role == IDEA;
        match self {
            Say::Again(_) if is_idea => Err(RuleFault::Names.into()),
            Say::Did(_) if !is_idea => Err(RuleFault::Names.into()),
            _ => Ok(()),
        }
    }
}

fn pixels(item: &[u8]) -> Result<Option<(u32, u32)>, RuleFault> {
    match item.as_chunks::<4>() {
        ([], []) => Ok(None),
        ([width, height], []) => Ok(Some((
            u32::from_be_bytes(*width),
            u32::from_be_bytes(*height),
        ))),
        _ => Err(RuleFault::Malformed),
    }
}

fn yes_or_no(item: &[u8]) -> Result<bool, RuleFault> {
    match item {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(RuleFault::Malformed),
    }
}

pub(crate) fn rule(_: &Writer, past: Past<'_>, statement: &Statement) -> Result<(), RuleFault> {
    if statement.verb == BEGIN {
        return match begun(&[statement]) {
            Some(Begin { role, .. }) if !matches!(role, MEMORY | IDEA) => {
                Err(RuleFault::Role(role))
            }
            _ => Ok(()),
        };
    }
    let photos = || past.iter().filter(|said| said.verb == PHOTO);
    match Say::read(statement)? {
        Say::Photo(_) if photos().count() >= PHOTOS => Err(RuleFault::TooLong),
        Say::TakeBack(hash) if !photos().any(|said| said.hash() == hash) => Err(RuleFault::Names),
        _ => Ok(()),
    }
}

impl Entry<'_> {
    /// The memory or idea that this entry is.
    #[must_use]
    pub fn memory(&self) -> View {
        let current = self.current();
        let field = |key| {
            self.shared
                .field(key, None)
                .filter(|value| !value.is_empty())
        };
        let mut view = View {
            idea: self.begun().is_some_and(|told| told.say.role == IDEA),
            title: current.title,
            text: current.text,
            date: field(DATE),
            place: field(PLACE),
            ..View::default()
        };
        let mut again: BTreeMap<Person, bool> = BTreeMap::new();
        let mut taken_back: BTreeSet<(Person, [u8; 32])> = BTreeSet::new();
        for told in self.statements() {
            let by = told.person;
            match Say::read(&told.say) {
                Ok(Say::Photo(photo)) => view.photos.push(Shown {
                    hash: told.say.hash(),
                    by,
                    photo,
                }),
                Ok(Say::TakeBack(hash)) => {
                    taken_back.insert((by, hash));
                }
                Ok(Say::Again(yes)) if !view.idea => {
                    again.insert(by, yes);
                }
                Ok(Say::Did(on)) if view.idea => view.did = on.map(|on| (by, on)),
                _ => {}
            }
        }
        view.photos
            .retain(|shown| !taken_back.contains(&(shown.by, shown.hash)));
        view.again_by_me = again.get(&Person::Me) == Some(&true);
        view.again_by_partner = again.get(&Person::Partner) == Some(&true);
        view
    }
}

impl View {
    /// Whether it comes up on this day (`YYYY-MM-DD`): both want it to, and it was on this day of an earlier year.
    #[must_use]
    pub fn comes_up_on(&self, today: &str) -> bool {
        let parts = |day: &str| {
            let (year, rest) = day.split_at_checked(4)?;
            Some((year.to_owned(), rest.to_owned()))
        };
        let (Some(then), Some(now)) = (self.date.as_deref().and_then(parts), parts(today)) else {
            return false;
        };
        self.again_by_me && self.again_by_partner && then.1 == now.1 && then.0 < now.0
    }
}
