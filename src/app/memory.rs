//! Memories and ideas: what is asked of them, how scripts see them, and the way of a photo from a file into the journal and
//! out again.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use amends_journal::{EntryId, EntryKind, Person, View, memory};
use amends_replica::{
    Beginnings, BlobError, BlobRef, Change, Edit, MOST_OF_ENTRY, NewPhoto, Words,
};

use super::App;
use super::answers::{Store, Typed, today};
use super::bundles::open_regular;
use super::stores::{Shelves, damaged, internal};
use crate::advice::Advice;
use crate::document::PictureKind;
use crate::photo::{self, PhotoFault};
use crate::request::{Entry, Failure, Memory, MemoryRequest, Own, Photo, PhotoSaved, Response};
use crate::terminal::{line, reason};

const KIND: &str = "memory";

impl App {
    /// One of the verbs of a memory.
    pub(super) fn memory(&mut self, request: MemoryRequest) -> Result<Response, Failure> {
        match request {
            MemoryRequest::Add { .. } => self.add_memory(request),
            MemoryRequest::Edit {
                id,
                title,
                text,
                date,
                place,
            } => {
                let entry = self.find_of(KIND, &id)?;
                let typed = Typed {
                    date: date.clone().flatten().unwrap_or_default(),
                    ..Typed::id(&id)
                };
                let change = Change {
                    title,
                    text,
                    date,
                    place,
                    ..Change::default()
                };
                self.answer(Store::Journal, Edit::Change { entry, change }, &typed)
            }
            MemoryRequest::Photo { id, path, as_it_is } => {
                let (entry, view) = self.memory_of(&id)?;
                let taken = take(Path::new(&path), as_it_is)?;
                room_for(&id, &view, std::slice::from_ref(&taken))?;
                let shown = self.put_photo(&id, entry, taken)?;
                Ok(Response::Entry(Box::new(shown)))
            }
            MemoryRequest::TakeBack { id, photo } => {
                let (entry, view) = self.memory_of(&id)?;
                let shown = photo_of(&view, &id, photo)?;
                if shown.by == Person::Partner {
                    return Err(Advice::PhotoOfPartner { id, photo }.into());
                }
                self.say_of_memory(&id, entry, memory::Say::TakeBack(shown.hash))
            }
            MemoryRequest::Save { id, photo, path } => {
                self.save_photo(&id, photo, Path::new(&path))
            }
            MemoryRequest::Again { id, yes } => {
                let (entry, view) = self.memory_of(&id)?;
                if view.idea {
                    return Err(Advice::IsIdea { id }.into());
                }
                self.say_of_memory(&id, entry, memory::Say::Again(yes))
            }
            MemoryRequest::Did { id, on, take_back } => {
                let (entry, view) = self.memory_of(&id)?;
                if !view.idea {
                    return Err(Advice::IsNoIdea { id }.into());
                }
                let on = (!take_back).then(|| on.unwrap_or_else(today));
                self.say_of_memory(&id, entry, memory::Say::Did(on))
            }
            MemoryRequest::Today => {
                self.replica()?;
                Ok(Response::Entries(self.this_day(&today())))
            }
        }
    }

    fn add_memory(&mut self, request: MemoryRequest) -> Result<Response, Failure> {
        let MemoryRequest::Add {
            idea,
            title,
            text,
            language,
            date,
            place,
            photos,
            as_it_is,
        } = request
        else {
            return Err(internal(&"another request than for a new memory"));
        };
        self.replica()?;
        // Every file is looked at before anything is written.
        let taken = photos
            .iter()
            .map(|path| take(Path::new(path), as_it_is))
            .collect::<Result<Vec<_>, _>>()?;
        room_for(&title, &memory::View::default(), &taken)?;
        let typed = Typed {
            date: date.clone().unwrap_or_default(),
            language: language.clone(),
            ..Typed::default()
        };
        let words = Words {
            title,
            text,
            language,
            date,
            place,
            ..Words::default()
        };
        let edit = Edit::Begin(Beginnings {
            kind: EntryKind::Memory,
            role: if idea { memory::IDEA } else { memory::MEMORY },
            from: None,
            words: Some(words),
            agreed: false,
            says: Vec::new(),
        });
        let (entry, mut shown) = self.edit(Store::Journal, edit, &typed)?;
        let mut removed = Vec::new();
        for photo in taken {
            let id = shown.id.clone();
            shown = self.put_photo(&id, entry, photo)?;
            removed.push(removed_of_last(&shown));
        }
        if let Own::Memory(memory) = &mut shown.own {
            for (photo, removed) in memory.photos.iter_mut().zip(removed) {
                photo.removed = removed;
            }
        }
        Ok(Response::Entry(Box::new(shown)))
    }

    /// Seals a photo into a memory; what comes back says what was left behind.
    fn put_photo(
        &mut self,
        typed: &str,
        entry: EntryId,
        taken: photo::Photo,
    ) -> Result<Entry, Failure> {
        let removed: Vec<String> = taken
            .removed
            .iter()
            .map(|what| (*what).to_owned())
            .collect();
        let photo = NewPhoto {
            bytes: taken.bytes,
            mime: taken.mime.to_owned(),
            size: taken.size,
            as_it_was: taken.kept_on_purpose,
        };
        let edit = Edit::Photo { entry, photo };
        let (_, mut shown) = self.edit(Store::Journal, edit, &Typed::id(typed))?;
        if let Own::Memory(memory) = &mut shown.own
            && let Some(last) = memory.photos.last_mut()
        {
            last.removed = removed;
        }
        Ok(shown)
    }

    fn save_photo(&mut self, id: &str, number: u64, path: &Path) -> Result<Response, Failure> {
        let (_, view) = self.memory_of(id)?;
        let shown = photo_of(&view, id, number)?;
        let unreadable = || Advice::PhotoLost {
            id: id.to_owned(),
            photo: number,
        };
        let blob = BlobRef::parse(&shown.photo.reference).map_err(|_| unreadable())?;
        let replica = self.replica.as_ref().ok_or(Advice::NotPaired)?;
        let bytes = match replica.read_blob(&Shelves(&self.open.journal), &blob) {
            Ok(bytes) => bytes,
            Err(BlobError::NotHere { here, of }) => {
                return Err(Advice::PhotoNotHere {
                    id: id.to_owned(),
                    photo: number,
                    here: here as u64,
                    of: of as u64,
                }
                .into());
            }
            Err(BlobError::Damaged { .. }) => return Err(unreadable().into()),
            Err(error @ BlobError::Shelf(_)) => {
                return Err(damaged(&self.open.home.journal_db(), &error));
            }
        };
        self.write_new(path, &bytes)?;
        Ok(Response::PhotoSaved(PhotoSaved {
            file: path.display().to_string(),
            bytes: bytes.len() as u64,
            mime: shown.photo.mime.clone(),
        }))
    }

    /// The photos of a memory, in their order: what each is, where a browser may show it, and its bytes. `None` for one
    /// that is not wholly here, or cannot be read. Nothing for an entry of another kind.
    pub(super) fn photos_of(&self, id: &EntryId) -> Vec<Option<(Option<PictureKind>, Vec<u8>)>> {
        let Some(replica) = &self.replica else {
            return Vec::new();
        };
        let Some(View::Memory(view)) = replica.card(id).map(|card| &card.view) else {
            return Vec::new();
        };
        let read = |shown: &memory::Shown| {
            let blob = BlobRef::parse(&shown.photo.reference).ok()?;
            let bytes = replica
                .read_blob(&Shelves(&self.open.journal), &blob)
                .ok()?;
            Some((PictureKind::of(&shown.photo.mime), bytes))
        };
        view.photos.iter().map(read).collect()
    }

    /// Writes a file that is not there yet, whole or not at all, for this user alone.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let shown = line(&path.display().to_string());
        let failed = |error: &io::Error| -> Failure {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Advice::PhotoFileThere {
                    path: shown.clone(),
                }
                .into();
            }
            Advice::PhotoNotWritten {
                path: shown.clone(),
                error: reason(error),
            }
            .into()
        };
        let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
            return Err(failed(&io::Error::from(io::ErrorKind::IsADirectory)));
        };
        let folder = folder.canonicalize().map_err(|error| failed(&error))?;
        let home = self.open.home.dir().canonicalize();
        if home.is_ok_and(|home| folder.starts_with(home)) {
            return Err(Advice::PhotoInsideHome { path: shown }.into());
        }
        let mut file = tempfile::Builder::new()
            .prefix(".amends-photo-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&folder)
            .map_err(|error| failed(&error))?;
        file.write_all(bytes).map_err(|error| failed(&error))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist_noclobber(path)
            .map_err(|error| failed(&error.error))?;
        Ok(())
    }

    /// The memory whose id begins so, as it stands.
    fn memory_of(&mut self, typed: &str) -> Result<(EntryId, memory::View), Failure> {
        let entry = self.find_of(KIND, typed)?;
        match self.card_of(Store::Journal, &entry).map(|card| &card.view) {
            Some(View::Memory(view)) => Ok((entry, view.clone())),
            _ => Err(internal(&"a memory has no card of a memory")),
        }
    }

    fn say_of_memory(
        &mut self,
        typed: &str,
        entry: EntryId,
        say: memory::Say,
    ) -> Result<Response, Failure> {
        let says = vec![say.into()];
        self.answer(Store::Journal, Edit::Say { entry, says }, &Typed::id(typed))
    }

    /// The memories that come up on a day, since both want them to.
    pub(super) fn this_day(&self, today: &str) -> Vec<Entry> {
        let cards = self.replica.iter().flat_map(|replica| replica.cards());
        let mut all: Vec<(String, Entry)> = cards
            .filter_map(|(id, card)| match &card.view {
                View::Memory(view) if view.comes_up_on(today) => Some((
                    view.date.clone().unwrap_or_default(),
                    self.entry_of(Store::Journal, id, card),
                )),
                _ => None,
            })
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.into_iter().map(|(_, entry)| entry).collect()
    }

    /// A memory, as scripts see it.
    pub(super) fn memory_seen(&self, view: &memory::View) -> (String, String, Memory) {
        let name = |person: Person| self.name_of_person(person);
        let photos = (1..).zip(&view.photos).map(|(number, shown)| {
            let blob = BlobRef::parse(&shown.photo.reference).ok();
            let progress = blob
                .as_ref()
                .and_then(|blob| Some(self.replica.as_ref()?.blob_progress(blob)));
            Photo {
                number,
                by: name(shown.by),
                mime: shown.photo.mime.clone(),
                width: shown.photo.size.map(|(width, _)| width),
                height: shown.photo.size.map(|(_, height)| height),
                bytes: blob.map_or(0, |blob| blob.length),
                as_it_was: shown.photo.as_it_was,
                here: progress.map_or(0, |progress| progress.here as u64),
                of: progress.map_or(0, |progress| progress.of as u64),
                coming: progress.is_some_and(|progress| progress.coming),
                reached: progress.is_some_and(|progress| progress.reached),
                removed: Vec::new(),
            }
        });
        let again = [
            (view.again_by_me, Person::Me),
            (view.again_by_partner, Person::Partner),
        ];
        let seen = Memory {
            idea: view.idea,
            text: view.text.clone(),
            date: view.date.clone(),
            place: view.place.clone(),
            photos: photos.collect(),
            again_by: again
                .into_iter()
                .filter(|(wants, _)| *wants)
                .map(|(_, person)| name(person))
                .collect(),
            did_on: view.did.as_ref().map(|(_, on)| on.clone()),
            did_by: view.did.as_ref().map(|(person, _)| name(*person)),
        };
        let state = match (view.idea, &view.did) {
            (false, _) => "kept",
            (true, None) => "idea",
            (true, Some(_)) => "done",
        };
        (view.title.clone(), state.to_owned(), seen)
    }
}

/// What was left behind of the photo that was added last.
fn removed_of_last(entry: &Entry) -> Vec<String> {
    match &entry.own {
        Own::Memory(memory) => memory.photos.last().map(|photo| photo.removed.clone()),
        _ => None,
    }
    .unwrap_or_default()
}

/// The photo of this number.
fn photo_of<'a>(
    view: &'a memory::View,
    id: &str,
    number: u64,
) -> Result<&'a memory::Shown, Failure> {
    let at = number
        .checked_sub(1)
        .and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| view.photos.get(at)).ok_or_else(|| {
        Advice::UnknownPhoto {
            id: id.to_owned(),
            photo: number,
        }
        .into()
    })
}

/// Whether the partner's device would fetch these photos too: a memory takes so many bytes and no more.
fn room_for(id: &str, view: &memory::View, taken: &[photo::Photo]) -> Result<(), Failure> {
    let there = view
        .photos
        .iter()
        .filter_map(|shown| BlobRef::parse(&shown.photo.reference).ok())
        .map(|blob| blob.length);
    let new = taken.iter().map(|photo| photo.bytes.len() as u64);
    if there.chain(new).fold(0u64, u64::saturating_add) > MOST_OF_ENTRY {
        return Err(Advice::MemoryFull { id: id.to_owned() }.into());
    }
    Ok(())
}

/// Reads a photo from a file, without what tells of its place and camera.
fn take(path: &Path, as_it_is: bool) -> Result<photo::Photo, Failure> {
    let shown = line(&path.display().to_string());
    let failed = |error: io::Error| Advice::PhotoUnreadable {
        path: shown.clone(),
        error: reason(&error),
    };
    let file = open_regular(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(photo::BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let path = shown.clone();
    photo::take(bytes, as_it_is)
        .and_then(|photo| match photo.bytes.as_slice() {
            [] => Err(PhotoFault::Damaged("")),
            _ => Ok(photo),
        })
        .map_err(|fault| {
            match fault {
                PhotoFault::TooLarge(_) => Advice::PhotoTooLarge { path },
                PhotoFault::TooManyPixels { width, height } => Advice::PhotoTooManyPixels {
                    path,
                    width,
                    height,
                },
                PhotoFault::Unsupported(format) => Advice::PhotoNotCleanable {
                    path,
                    format: format.unwrap_or("unknown").to_owned(),
                },
                PhotoFault::Damaged(_) => Advice::PhotoDamaged { path },
            }
            .into()
        })
}
