//! Where a TEXT comes from: the argument, standard input where it is `-`, or an editor where there is none.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::advice::Advice;
use crate::cli::Context;
use crate::request::Failure;
use crate::terminal::asking::Terminal;
use crate::terminal::{line, reason};

/// The longest text that a boundary takes, in bytes.
pub const LONGEST: usize = 262_144;
/// What is read at most to be able to say how long it was.
const READ_AT_MOST: u64 = 64 << 20;

/// A text, and whether it would be lost if what comes next fails.
#[derive(Debug)]
pub struct Text {
    /// The text, its line ends those of Unix, without empty lines at its end.
    pub text: String,
    /// It was written in an editor just now and is nowhere else.
    pub nowhere_else: bool,
}

/// Takes the text that `argument` names; in an editor it begins as `draft`.
///
/// # Errors
/// [`Advice::TextTooLong`], [`Advice::InputNotText`], and what can go wrong with an editor.
pub async fn take(context: &Context, argument: Option<&str>, draft: &str) -> Result<Text, Failure> {
    let (text, nowhere_else) = match argument {
        Some("-") => (from_standard_input()?, false),
        Some(text) => (text.to_owned(), false),
        None if !context.may_ask || context.out.is_json() => {
            return Err(Advice::NothingTyped.into());
        }
        None => (from_editor(context, draft).await?, true),
    };
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end_matches('\n').to_owned();
    if text.len() > LONGEST {
        let (length, limit) = (text.len() as u64, LONGEST as u64);
        return Err(Advice::TextTooLong {
            what: "text".to_owned(),
            length,
            limit,
        }
        .into());
    }
    Ok(Text { text, nowhere_else })
}

impl Text {
    /// Where this text is nowhere else and `outcome` is a failure, shows it again, so that nobody writes it twice.
    pub fn keep<T>(&self, context: &Context, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.is_err() && self.nowhere_else {
            context.out.note(&format!(
                "This is what you wrote:\n\n{}\n",
                crate::terminal::lines(&self.text)
            ));
        }
        outcome
    }
}

/// A title for a text that was given none: the first words of it, without what a title may not hold.
pub fn title_of(text: &str) -> String {
    const WIDTH: usize = 60;
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let plain: String = first
        .chars()
        .filter(|c| !is_direction(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= WIDTH {
        return words;
    }
    let cut: String = words.chars().take(WIDTH).collect();
    // At a word's end, where the first word is not longer than all of it; some scripts have no spaces.
    let end = cut
        .rfind(' ')
        .filter(|end| *end > WIDTH / 2)
        .unwrap_or(cut.len());
    format!("{} …", cut.split_at(end).0.trim_end())
}

/// Marks that turn the reading direction, or that break a line (Unicode UAX 9 and 14).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn from_standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(READ_AT_MOST)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Failure::from(Advice::InputUnreadable {
                error: reason(&error),
            })
        })?;
    String::from_utf8(bytes).map_err(|_| Advice::InputNotText.into())
}

async fn from_editor(context: &Context, draft: &str) -> Result<String, Failure> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        })
        .ok_or(Failure::from(Advice::NoEditor))?;
    let place = match in_memory() {
        Some(place) => place,
        None => {
            let mut terminal = Terminal::open()?;
            let question = "While the editor is open, the text would lie on the disk in clear, and traces of it may stay. Go on?";
            if !terminal.ask_yes_or_no(question).await? {
                return Err(Advice::NoSafePlaceForText.into());
            }
            std::env::temp_dir()
        }
    };
    context.out.note("Waiting for the editor …");
    let failed = |error: String| {
        Failure::from(Advice::EditorFailed {
            editor: line(&editor),
            error,
        })
    };
    edit(&editor, &place, draft).await.map_err(failed)
}

/// Runs the editor on a file that only this user can read, in a folder of its own, since editors leave copies beside
/// what they edit. Both are gone afterwards.
async fn edit(editor: &str, place: &Path, draft: &str) -> Result<String, String> {
    let said = |error: io::Error| reason(&error);
    let dir = tempfile::Builder::new()
        .prefix("amends-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(place)
        .map_err(said)?;
    let file = dir.path().join("boundary.txt");
    crate::home::write_new(&file, draft.as_bytes()).map_err(said)?;
    // Ctrl-C in the editor belongs to the editor: while this listens, it does not end us and leave the text behind.
    let stopped = crate::holder::stop_wished();
    tokio::pin!(stopped);
    let mut running = Command::new("/bin/sh")
        .arg("-c")
        // As git does: the person's own setting may hold options.
        .arg(format!("{editor} \"$@\""))
        .arg(editor)
        .arg(&file)
        .spawn()
        .map_err(said)?;
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || drop(tell.send(running.wait())));
    tokio::pin!(told);
    let ended = loop {
        tokio::select! {
            ended = &mut told => break ended,
            () = &mut stopped => stopped.set(crate::holder::stop_wished()),
        }
    };
    let status = ended
        .map_err(|_| "it was lost sight of".to_owned())?
        .map_err(said)?;
    if !status.success() {
        return Err(status.to_string());
    }
    let mut bytes = Vec::new();
    fs::File::open(&file)
        .and_then(|file| file.take(READ_AT_MOST).read_to_end(&mut bytes))
        .map_err(said)?;
    dir.close()
        .map_err(|error| format!("the text could not be removed ({})", reason(&error)))?;
    String::from_utf8(bytes).map_err(|_| "what it saved is not UTF-8 text".to_owned())
}

/// A folder of this user's that lies in memory and never reaches a disk, except through swap.
#[cfg(target_os = "linux")]
fn in_memory() -> Option<PathBuf> {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .into_iter()
        .chain([PathBuf::from("/dev/shm")])
        .find(|place| {
            #[expect(
                clippy::useless_conversion,
                reason = "the type differs between processors"
            )]
            let kind = rustix::fs::statfs(place).map(|found| i64::from(found.f_type));
            kind.is_ok_and(|kind| kind == TMPFS || kind == RAMFS)
                && tempfile::tempfile_in(place).is_ok()
        })
}

#[cfg(not(target_os = "linux"))]
fn in_memory() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_words() {
        assert_eq!(
            title_of("\n  No phones\tat dinner.\nNor in bed."),
            "No phones at dinner."
        );
        assert_eq!(title_of("\u{202e}No\u{200f} phones"), "No phones");
        let long =
            "I would like us to keep our phones out of the bedroom, from ten in the evening on.";
        assert_eq!(
            title_of(long),
            "I would like us to keep our phones out of the bedroom, from …"
        );
        assert_eq!(
            title_of(&"長".repeat(100)),
            format!("{} …", "長".repeat(60))
        );
        assert_eq!(title_of(" \n "), "");
    }

    #[tokio::test]
    async fn the_editors_text_comes_back_and_nothing_stays() {
        let place = tempfile::tempdir().unwrap();
        let written = edit("printf ' and more\\n' >>", place.path(), "before")
            .await
            .unwrap();
        assert_eq!(written, "before and more\n");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn an_editor_that_fails_leaves_nothing_either() {
        let place = tempfile::tempdir().unwrap();
        assert!(edit("false", place.path(), "before").await.is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
