//! Everything that is this person's to read, in the clear and in a folder (`docs/decisions/0030-what-an-export-holds.md`).
//! It is written an entry at a time between everything else that happens, beside its place and under another name; only
//! what is whole gets the name that was asked for.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use amends_journal::EntryId;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::answers::{Store, time_of};
use super::{App, now};
use crate::advice::Advice;
use crate::document::{Block, Document, Picture, PictureKind, Section};
use crate::local::Face;
use crate::reading;
use crate::request::{Entry, Exported, Failure, Response};
use crate::terminal::{line, reason};

/// How the folder of an export begins that is not whole.
pub(crate) const UNFINISHED: &str = ".amends-export-";

/// An export that somebody waits for.
pub(crate) struct Exporting {
    pub(crate) face: Face,
    target: PathBuf,
    /// Beside its place, until it is whole; gone again where that is never.
    folder: TempDir,
    left: VecDeque<(Store, EntryId)>,
    journal: Vec<Value>,
    private: Vec<Value>,
    unreadable: Vec<String>,
    files: u64,
    bytes: u64,
}

/// One entry, as it goes into an export or a packet.
pub(super) struct Handed {
    pub(super) entry: Entry,
    /// BCP 47, of its shared words; empty where it has none.
    pub(super) language: String,
    /// The parts that hold anything, by whose they are.
    pub(super) parts: Vec<(&'static str, Vec<u8>)>,
}

fn shown(path: &Path) -> String {
    line(&path.display().to_string())
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let (path, error) = (shown(path), reason(error));
    Advice::ExportNotWritten { path, error }.into()
}

impl App {
    /// Begins an export.
    pub(super) fn export(&mut self, face: Face, target: PathBuf) {
        match self.begin_export(&target) {
            Ok((folder, left)) => self.exports.push_back(Exporting {
                face,
                target,
                folder,
                left,
                journal: Vec::new(),
                private: Vec::new(),
                unreadable: Vec::new(),
                files: 0,
                bytes: 0,
            }),
            Err(failure) => face.end(Response::Failed(failure)),
        }
    }

    fn begin_export(
        &mut self,
        target: &Path,
    ) -> Result<(TempDir, VecDeque<(Store, EntryId)>), Failure> {
        let failed = |error: &io::Error| not_written(target, error);
        let (Some(parent), Some(_)) = (target.parent(), target.file_name()) else {
            return Err(failed(&io::Error::from(io::ErrorKind::InvalidInput)));
        };
        let parent = parent.canonicalize().map_err(|error| failed(&error))?;
        let home = self.open.home.dir().canonicalize();
        if home.is_ok_and(|home| parent.starts_with(home)) {
            return Err(Advice::ExportInsideHome {
                path: shown(target),
            }
            .into());
        }
        match fs::symlink_metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&error)),
            Ok(there) => {
                let empty = there.is_dir()
                    && fs::read_dir(target)
                        .map_err(|error| failed(&error))?
                        .next()
                        .is_none();
                if !empty {
                    return Err(Advice::ExportNotEmpty {
                        path: shown(target),
                    }
                    .into());
                }
            }
        }
        let folder = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(|error| failed(&error))?;
        let ids = |store| -> Vec<(Store, EntryId)> {
            let cards = self
                .replica_of(store)
                .into_iter()
                .flat_map(|replica| replica.cards());
            cards.map(|(id, _)| (store, *id)).collect()
        };
        let mut left: VecDeque<_> = ids(Store::Journal).into();
        left.extend(ids(Store::Private));
        Ok((folder, left))
    }

    /// Goes on with one of the exports, by one entry.
    pub(super) fn export_step(&mut self) {
        let Some(mut export) = self.exports.pop_front() else {
            return;
        };
        if export.face.is_gone() {
            return;
        }
        let step = match export.left.pop_front() {
            Some((store, id)) => self.export_entry(&mut export, store, &id).map(|()| None),
            None => self.export_rest(&mut export).map(Some),
        };
        match step {
            Ok(None) => self.exports.push_back(export),
            Ok(Some(exported)) => {
                let target = export.target;
                match put_in_place(export.folder, &target) {
                    Ok(()) => export.face.end(Response::Exported(exported)),
                    Err((folder, error)) => export
                        .face
                        .end(Response::Failed(failed(folder, &target, &error))),
                }
            }
            Err(error) => export.face.end(Response::Failed(failed(
                export.folder,
                &export.target,
                &error,
            ))),
        }
    }

    /// One entry of either store, whole.
    pub(super) fn handed(&mut self, store: Store, id: &EntryId) -> Result<Handed, Failure> {
        let entry = self.whole_entry(store, id)?;
        let (language, parts) = self.look(store, id, |entry| {
            let parts = [
                ("shared", entry.shared),
                ("mine", entry.mine),
                ("partners", entry.partners),
            ];
            let parts: Vec<_> = parts
                .into_iter()
                .filter(|(_, part)| !part.is_new())
                .map(|(whose, part)| (whose, part.save()))
                .collect();
            (entry.agreement().current.language, parts)
        })?;
        Ok(Handed {
            entry,
            language,
            parts,
        })
    }

    fn export_entry(
        &mut self,
        export: &mut Exporting,
        store: Store,
        id: &EntryId,
    ) -> io::Result<()> {
        // What cannot be read keeps nobody from taking the rest along.
        let Ok(Handed {
            entry,
            language,
            parts,
        }) = self.handed(store, id)
        else {
            export.unreadable.push(id.to_string());
            return Ok(());
        };
        let kind = entry.own.kind();
        let day = entry.created.get(..10).unwrap_or_default();
        let day = if day.parse::<jiff::civil::Date>().is_ok() {
            format!("{day}-")
        } else {
            String::new()
        };
        let markdown = format!("entries/{day}{kind}-{}.md", entry.id);
        let photos = match store {
            Store::Journal => self.photos_of(id),
            Store::Private => Vec::new(),
        };
        let mut section = reading::section(&entry, &language);
        let (mut photo_files, mut shown) = (Vec::new(), Vec::new());
        for (number, photo) in photos.into_iter().enumerate() {
            // What has not wholly come, or is damaged, keeps nobody from taking the rest along.
            let Some((kind, bytes)) = photo else {
                photo_files.push(Value::Null);
                continue;
            };
            let ending = kind.map_or("bin", PictureKind::extension);
            let name = format!("photos/{id}-{}.{ending}", number + 1);
            export.put(&name, &bytes)?;
            if let Some(kind) = kind {
                let alt = format!("Photo {}", number + 1);
                shown.push(format!("../{name}"));
                section
                    .blocks
                    .push(Block::Picture(Picture { kind, bytes, alt }));
            }
            photo_files.push(json!(name));
        }
        let document = Document {
            title: reading::kind_name(kind),
            language: "en".to_owned(),
            intro: Vec::new(),
            sections: vec![section],
        };
        let text = document.to_markdown(|n, _| shown.get(n).cloned());
        export.put(&format!("{}{markdown}", place(store)), text.as_bytes())?;
        let mut names = Vec::new();
        for (whose, bytes) in parts {
            let name = format!("parts/{id}-{whose}.automerge");
            export.put(&format!("{}{name}", place(store)), &bytes)?;
            names.push(name);
        }
        let versions = match self.versions(&id.to_string()) {
            Ok(Response::History(history)) => serde_json::to_value(&history.versions)?,
            _ => Value::Null,
        };
        let mut value = serde_json::to_value(&entry)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("versions".to_owned(), versions);
            fields.insert("whole_id".to_owned(), json!(id.to_string()));
            fields.insert("markdown".to_owned(), json!(markdown));
            fields.insert("parts".to_owned(), json!(names));
            if !photo_files.is_empty() {
                fields.insert("photo_files".to_owned(), json!(photo_files));
            }
        }
        match store {
            Store::Journal => export.journal.push(value),
            Store::Private => export.private.push(value),
        }
        Ok(())
    }

    fn export_rest(&mut self, export: &mut Exporting) -> io::Result<Exported> {
        let name = self.open.device.name.as_str().to_owned();
        let partner = self.replica.as_ref().map(|_| self.partner_name());
        let (journal, private) = (
            std::mem::take(&mut export.journal),
            std::mem::take(&mut export.private),
        );
        let exported = Exported {
            folder: export.target.display().to_string(),
            entries: journal.len() as u64,
            private: private.len() as u64,
            files: 0,
            bytes: 0,
            set_aside: self.replica.as_ref().map_or(0, |all| all.set_aside()),
            unreadable: export.unreadable.clone(),
        };
        let at = time_of(now());
        for (store, entries) in [(Store::Journal, journal), (Store::Private, private)] {
            if store == Store::Private && entries.is_empty() {
                continue;
            }
            let whole = json!({
                "amends": env!("CARGO_PKG_VERSION"),
                "exported": &at,
                "name": &name,
                "partner": &partner,
                "unreadable": &export.unreadable,
                "entries": entries,
            });
            let bytes = serde_json::to_vec_pretty(&whole)?;
            export.put(&format!("{}journal.json", place(store)), &bytes)?;
        }
        let readme = about(&exported, &name, partner.as_deref(), &at).to_markdown(|_, _| None);
        export.put("README.md", readme.as_bytes())?;
        Ok(Exported {
            files: export.files,
            bytes: export.bytes,
            ..exported
        })
    }
}

impl Exporting {
    /// Writes one file, and the folder that it lies in.
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.path().join(name);
        if let Some(folder) = path.parent() {
            make_folders(folder)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(bytes)?;
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

fn make_folders(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Where a store's files lie in the folder.
fn place(store: Store) -> &'static str {
    match store {
        Store::Journal => "",
        Store::Private => "private/",
    }
}

/// The export is whole: on the disk first, then under its name.
fn put_in_place(folder: TempDir, target: &Path) -> Result<(), (TempDir, io::Error)> {
    #[cfg(target_os = "linux")]
    if let Err(error) = fs::File::open(folder.path())
        .and_then(|there| rustix::fs::syncfs(&there).map_err(io::Error::from))
    {
        return Err((folder, error));
    }
    // An empty folder in its place is replaced; one that is not empty any more is not.
    match fs::rename(folder.path(), target) {
        Ok(()) => {
            let _ = folder.keep();
            Ok(())
        }
        Err(error) => Err((folder, error)),
    }
}

/// What was written until something failed is removed again; where that fails too it is said where it lies.
fn failed(folder: TempDir, target: &Path, error: &io::Error) -> Failure {
    let left = folder.path().to_owned();
    match folder.close() {
        Ok(()) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Advice::ExportNotEmpty {
            path: shown(target),
        }
        .into(),
        Ok(()) => not_written(target, error),
        Err(_) => Advice::ExportLeft {
            path: shown(target),
            error: reason(error),
            left: shown(&left),
        }
        .into(),
    }
}

/// What whoever opens the folder should know.
fn about(exported: &Exported, name: &str, partner: Option<&str>, at: &str) -> Document {
    let whose = match partner {
        Some(partner) => format!("{name}'s journal with {partner}"),
        None => format!("{name}'s journal"),
    };
    let mut facts = vec![
        (
            "Entries of the journal".to_owned(),
            exported.entries.to_string(),
        ),
        ("Private entries".to_owned(), exported.private.to_string()),
    ];
    if exported.set_aside > 0 {
        let set_aside = exported.set_aside.to_string();
        facts.push((
            "Records that could not be taken into the journal, and are not here".to_owned(),
            set_aside,
        ));
    }
    if !exported.unreadable.is_empty() {
        let unreadable = exported.unreadable.join(", ");
        facts.push((
            "Entries that could not be read, and are not here".to_owned(),
            unreadable,
        ));
    }
    let things = [
        "entries: every entry, as Markdown, to be read",
        "journal.json: every entry with its history, for programs",
        "parts: every entry as it is kept, in Automerge documents that any program with Automerge opens. Their names say whose part it is: shared by both, mine, or the partner's",
        "private: the same of what was never shared. Think twice before you hand that on",
    ];
    Document {
        title: whose,
        language: "en".to_owned(),
        intro: vec![format!(
            "Exported with Amends on {}. All of it is in the clear: whoever can open this folder can read everything in it, and what {} wrote too.",
            reading::time(at),
            partner.unwrap_or("your partner")
        )],
        sections: vec![Section {
            heading: "What is here".to_owned(),
            details: facts,
            blocks: vec![Block::List(things.map(str::to_owned).to_vec())],
            ..Section::default()
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_put_in_its_place_is_removed_again() {
        let around = tempfile::tempdir().unwrap();
        let target = around.path().join("export");
        let half = || {
            let half = tempfile::Builder::new()
                .prefix(UNFINISHED)
                .tempdir_in(around.path())
                .unwrap();
            fs::write(half.path().join("README.md"), "words").unwrap();
            half
        };
        // Somebody put something there meanwhile.
        fs::create_dir(&target).unwrap();
        fs::write(target.join("mine.txt"), "mine").unwrap();
        let Err((folder, error)) = put_in_place(half(), &target) else {
            panic!("it was put over what is there");
        };
        assert_eq!(failed(folder, &target, &error).code, "export_not_empty");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(failed(half(), &target, &full).code, "export_not_written");
        let there: Vec<_> = fs::read_dir(around.path())
            .unwrap()
            .map(|there| there.unwrap().file_name())
            .collect();
        assert_eq!(there, ["export"]);
        assert_eq!(fs::read(target.join("mine.txt")).unwrap(), b"mine");
    }
}
