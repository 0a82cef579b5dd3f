//! A text that is written in an editor, of which nothing stays behind: the file lies in memory where there is such a
//! place, in a folder of its own, which is wiped and removed whole with whatever the editor left in it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use crate::advice::Advice;
use crate::request::Failure;
use crate::terminal::asking::Terminal;
use crate::terminal::{Output, line, lines, reason};

/// What is read at most to be able to say how long it was.
pub(super) const READ_AT_MOST: u64 = 64 << 20;

/// Opens the editor that `VISUAL` or `EDITOR` names on `draft`, and gives what was saved there. Where no place in memory
/// is found, asks first.
///
/// # Errors
/// [`Advice::NoEditor`], [`Advice::NoSafePlaceForText`], [`Advice::EditorFailed`]; what was saved before is shown then.
pub async fn write(out: Output, draft: &str) -> Result<String, Failure> {
    write_at(out, &places(), draft).await
}

/// Where folders in memory usually are.
fn places() -> Vec<PathBuf> {
    let set = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    set.into_iter().chain([PathBuf::from("/dev/shm")]).collect()
}

/// As [`write()`], in the first of `places` that is a folder in memory.
///
/// # Errors
/// As [`write()`].
pub async fn write_at(out: Output, places: &[PathBuf], draft: &str) -> Result<String, Failure> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        })
        .ok_or(Failure::from(Advice::NoEditor))?;
    let place = match places.iter().find(|place| is_in_memory(place)) {
        Some(place) => place.clone(),
        None => {
            let mut terminal = Terminal::open()?;
            let question = "While the editor is open, the text would lie on the disk in clear, and traces of it may stay. Go on?";
            if !terminal.ask_yes_or_no(question).await? {
                return Err(Advice::NoSafePlaceForText.into());
            }
            std::env::temp_dir()
        }
    };
    let options = options_of(&editor);
    out.note("Waiting for the editor …");
    if options.is_none() {
        out.note("Whether this editor keeps copies elsewhere, Amends cannot know. It knows vim, nano and emacs.");
    }
    let ended = edit(&editor, &options.unwrap_or_default(), &place, draft).await;
    let failed = |error: String| {
        Failure::from(Advice::EditorFailed {
            editor: line(&editor),
            error,
        })
    };
    let Edited {
        status,
        saved,
        stays,
    } = ended.map_err(|error| failed(reason(&error)))?;
    if let Some((folder, error)) = stays {
        out.insist(&format!(
            "Something of the text may still lie in {} and could not be removed: {}. Remove it yourself.",
            line(&folder.display().to_string()),
            reason(&error)
        ));
    }
    let error = match (status.success(), String::from_utf8(saved)) {
        (true, Ok(text)) => return Ok(text),
        (true, Err(bytes)) => {
            show_again(out, &String::from_utf8_lossy(bytes.as_bytes()));
            "what it saved is not UTF-8 text".to_owned()
        }
        (false, saved) => {
            let saved =
                saved.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
            if saved != draft {
                show_again(out, &saved);
            }
            status.to_string()
        }
    };
    Err(failed(error))
}

/// Shows a text that is kept nowhere, so that nobody writes it twice; also where little was to be said.
pub(super) fn show_again(out: Output, text: &str) {
    if !text.trim().is_empty() {
        out.insist(&format!("This is what you wrote:\n\n{}\n", lines(text)));
    }
}

/// What an editor left.
struct Edited {
    status: ExitStatus,
    saved: Vec<u8>,
    /// The folder that could not be removed, and why.
    stays: Option<(PathBuf, io::Error)>,
}

/// Runs the editor on a file that only this user can read, in a folder of its own, since editors leave copies beside
/// what they edit. Both are gone afterwards, in whatever way this ends short of SIGKILL.
async fn edit(editor: &str, options: &[OsString], place: &Path, draft: &str) -> io::Result<Edited> {
    let folder = Folder::within(place)?;
    let file = folder.path().join("words.txt");
    crate::home::write_new(&file, draft.as_bytes())?;
    // Ctrl-C in the editor belongs to the editor: while this listens, it does not end us and leave the text behind.
    let stopped = crate::holder::stop_wished();
    tokio::pin!(stopped);
    let mut running = Command::new("/bin/sh")
        .arg("-c")
        // As git does: the person's own setting may hold options.
        .arg(format!("{editor} \"$@\""))
        .arg(editor)
        .args(options)
        .arg(&file)
        // What the editor hands to a filter or a speller goes with the rest.
        .env("TMPDIR", folder.path())
        .spawn()?;
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || drop(tell.send(running.wait())));
    tokio::pin!(told);
    let status = loop {
        tokio::select! {
            ended = &mut told => break ended.map_err(io::Error::other)??,
            () = &mut stopped => stopped.set(crate::holder::stop_wished()),
        }
    };
    let mut saved = Vec::new();
    match fs::File::open(&file) {
        Ok(file) => drop(file.take(READ_AT_MOST).read_to_end(&mut saved)?),
        Err(_) if !status.success() => {}
        Err(error) => return Err(error),
    }
    let path = folder.path().to_owned();
    let stays = folder.remove().err().map(|error| (path, error));
    Ok(Edited {
        status,
        saved,
        stays,
    })
}

/// A folder of one text, or of one file on its way to or from the page, wiped and removed when it goes.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one for this user alone: in memory where there is such a place, else where temporary files are.
    pub(crate) fn new() -> io::Result<Folder> {
        let place = places().into_iter().find(|place| is_in_memory(place));
        Folder::within(&place.unwrap_or_else(std::env::temp_dir))
    }

    fn within(place: &Path) -> io::Result<Folder> {
        tempfile::Builder::new()
            .prefix("amends-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(place)
            .map(Folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn remove(mut self) -> io::Result<()> {
        wipe(self.0.path());
        // Removed here, so that a failure is heard of; what is left to the end of `self` is then nothing.
        let removed = fs::remove_dir_all(self.0.path());
        self.0.disable_cleanup(removed.is_ok());
        removed
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        wipe(self.0.path());
    }
}

/// Overwrites every file in `folder` and makes all of it removable. A link is not followed. What fails here shows when
/// it is removed.
fn wipe(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            wipe(&entry.path());
        } else if kind.is_file() {
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600));
            let _ = overwrite(&entry.path());
        }
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
        .open(path)?;
    let length = file.metadata()?.len().min(READ_AT_MOST);
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.flush()?;
    file.sync_data()
}

/// What keeps an editor from leaving copies of the text, or running what the text says; None for one that is not known.
/// The person's own settings are heard before these, where the editor lets them.
fn options_of(editor: &str) -> Option<Vec<OsString>> {
    let program = Path::new(editor.split_whitespace().next()?);
    let found = if program.components().count() > 1 {
        Some(program.to_owned())
    } else {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())
    };
    // `vi` and `editor` are names that systems give to whatever is installed.
    let real = fs::canonicalize(found?).ok()?;
    options_of_program(real.file_name()?.to_str()?)
}

fn options_of_program(name: &str) -> Option<Vec<OsString>> {
    let options: &[&str] = match name.split(['.', '-']).next()? {
        // No swap file, no viminfo or shada, no backup, no undo file; and no modelines, since the text may be the partner's.
        "vim" | "nvim" | "gvim" | "vimx" => &[
            "-n",
            "-i",
            "NONE",
            "--cmd",
            "silent! autocmd BufReadPre * setlocal nomodeline",
            "-c",
            "silent! set nobackup nowritebackup noundofile nomodeline",
        ],
        // Its settings may ask for backups in a folder of their own, and for a history of what was searched; nothing else
        // switches these off.
        "nano" => &["--ignorercfiles"],
        "emacs" => &[
            "--eval",
            "(setq make-backup-files nil auto-save-default nil create-lockfiles nil auto-save-list-file-prefix nil enable-local-variables nil enable-local-eval nil)",
        ],
        // These keep nothing.
        "busybox" | "ed" | "true" | "cat" => &[],
        _ => return None,
    };
    Some(options.iter().map(OsString::from).collect())
}

/// Whether `place` is a folder that this user can write to, and that never reaches a disk except through swap.
#[cfg(target_os = "linux")]
fn is_in_memory(place: &Path) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    #[expect(
        clippy::useless_conversion,
        reason = "the type differs between processors"
    )]
    let kind = rustix::fs::statfs(place).map(|found| i64::from(found.f_type));
    kind.is_ok_and(|kind| kind == TMPFS || kind == RAMFS) && tempfile::tempfile_in(place).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_place: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn edited(editor: &str, place: &Path) -> Edited {
        edit(editor, &[], place, "before").await.unwrap()
    }

    fn is_empty(place: &Path) -> bool {
        fs::read_dir(place).unwrap().count() == 0
    }

    #[tokio::test]
    async fn the_editors_text_comes_back_and_nothing_stays() {
        let place = tempfile::tempdir().unwrap();
        let ended = edited("printf ' and more\\n' >>", place.path()).await;
        assert!(ended.status.success() && ended.stays.is_none());
        assert_eq!(ended.saved, b"before and more\n");
        assert!(is_empty(place.path()));
    }

    #[tokio::test]
    async fn an_editor_that_fails_leaves_nothing_either() {
        let place = tempfile::tempdir().unwrap();
        assert!(!edited("false", place.path()).await.status.success());
        assert!(is_empty(place.path()));
    }

    #[tokio::test]
    async fn whatever_an_editor_leaves_beside_the_text_goes_with_it() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = place.path().join("elsewhere");
        fs::write(&elsewhere, "not ours").unwrap();
        let script = format!(
            "f() {{ d=$(dirname \"$1\"); cp \"$1\" \"$d/.words.txt.swp\"; cp \"$1\" \"$1~\"; mkdir -p \"$d/a/b\"; cp \"$1\" \"$d/a/b/c\"; \
             cp \"$1\" \"$TMPDIR/filter\"; ln -s '{}' \"$d/link\"; chmod 000 \"$d/a/b/c\" \"$d/a/b\"; }}; f",
            elsewhere.display()
        );
        let ended = edited(&script, place.path()).await;
        assert!(ended.status.success(), "{:?}", ended.status);
        assert!(ended.stays.is_none(), "{:?}", ended.stays);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "not ours");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_removed_was_overwritten_first() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder(tempfile::tempdir_in(place.path()).unwrap());
        let (file, seen) = (folder.0.path().join("words.txt"), place.path().join("seen"));
        fs::write(&file, "words").unwrap();
        // Another name for the same bytes outlives the folder.
        fs::hard_link(&file, &seen).unwrap();
        folder.remove().unwrap();
        assert_eq!(fs::read(&seen).unwrap(), [0; 5]);
    }

    #[test]
    fn a_folder_goes_with_its_owner_when_that_panics() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder(tempfile::tempdir_in(place.path()).unwrap());
        fs::write(folder.0.path().join("words.txt"), "words").unwrap();
        let panicked = std::thread::spawn(move || {
            let _folder = folder;
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.join().is_err());
        assert!(is_empty(place.path()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_what_is_in_memory_is_taken_for_it() {
        for (place, in_memory) in [
            ("/proc", false),
            ("/nowhere", false),
            (env!("CARGO_MANIFEST_DIR"), false),
        ] {
            assert_eq!(is_in_memory(Path::new(place)), in_memory, "{place}");
        }
    }

    #[test]
    fn editors_are_known_by_what_they_are() {
        for name in [
            "vim",
            "vim.basic",
            "vim.tiny",
            "nvim",
            "nano",
            "emacs",
            "emacs-nox",
            "busybox",
        ] {
            assert!(options_of_program(name).is_some(), "{name}");
        }
        for name in ["code", "nvi", "vi", "gedit", "micro", ""] {
            assert!(options_of_program(name).is_none(), "{name}");
        }
        assert!(options_of("true --with options").is_some());
        assert!(options_of("/nowhere/vim").is_none());
    }
}
