//! `amends leave`: destroys the journal on this device, alone and without notice.
//!
//! Order is everything here: whoever holds the journal open is ended, the key is destroyed, and only then is anything else
//! removed. Nothing on the way may hold it up for long: what does not answer is ended, and what cannot be removed is said.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::ending::{Ended, Patience, end_holder};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::stop_wished;
use crate::home::{Leaving, OpenHomeError};
use crate::keyring;
use crate::request::Failure;
use crate::terminal::asking::{Terminal, yes_or_no};
use crate::terminal::{line, reason};
use crate::words;

/// Short: with one that is just being asked, and the disk, it makes less than the three seconds in which all is done.
const PATIENCE: Patience = Patience {
    to_answer: Duration::from_secs(1),
    to_end: Duration::from_millis(1200),
};

/// Destroy the journal on this device, alone
#[derive(Debug, Args)]
#[command(
    long_about = "Destroy the journal on this device: its keys first, then everything else. You need no passphrase and nobody's help, and nobody is told. Your partner keeps their own copy of what you shared. It cannot be undone.\n\nIf you are afraid of your partner, read amends safety first.",
    after_help = "Examples:\n  amends leave\n  amends leave --export ~/my-journal"
)]
pub struct Arguments {
    /// Before that, write everything that is yours to read into a new folder, in the clear, as export does
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    export: Option<PathBuf>,
    /// For scripts: the yes that a person types
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Left {
    /// Where the journal was.
    home: String,
    /// Whether an amends that had it open was ended.
    stopped: bool,
    /// Whether the vault's bytes were written over before it was removed.
    overwritten: bool,
    /// Where everything that was this person's to read was written before, if it was.
    exported: Option<String>,
    /// What still lies there: what is not ours, with the folder around it.
    left: Vec<String>,
}

/// Runs `amends leave`. Needs no passphrase: who sits at the keyboard could remove the files as well, and who wants to
/// leave must not be kept by a word they were made to forget.
///
/// # Errors
/// [`Advice::SaidNo`], and what of the journal could not be destroyed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let out = context.out;
    if arguments.yes && !out.is_json() {
        let message = "--yes is for scripts, together with --json.".to_owned();
        let hint = "Leave it out, and type yes when you are asked.".to_owned();
        return Err(Advice::WrongUse { message, hint }.into());
    }
    if !arguments.yes && (out.is_json() || !context.may_ask) {
        return Err(Advice::NobodySaysYes.into());
    }
    let leaving = Leaving::find(&context.home_dir()?).map_err(not_found)?;
    let dir = leaving.dir().display().to_string();
    // Before the yes, so that nothing is destroyed where it cannot be written. It alone needs the passphrase.
    let exported = match &arguments.export {
        Some(to) => Some(export_first(context, to, leaving.dir(), arguments.yes).await?),
        None => None,
    };
    if !arguments.yes && !says_yes(&line(&dir)).await? {
        return Err(Advice::SaidNo.into());
    }
    // From the yes on neither Ctrl-C nor a window that is closed cuts it short: hearing them is enough for that.
    let _unheeded = stop_wished();
    // While the vault still says how its entry there is called.
    keyring::forget_of(&leaving);
    let Ended {
        stopped,
        lock,
        still_open,
    } = end_holder(&leaving, PATIENCE).await;
    let destroyed = leaving.destroy(lock);

    if let Some((path, error)) = destroyed.kept.first() {
        let (path, error) = (line(&path.display().to_string()), reason(error));
        return Err(if destroyed.key_is_left() {
            Advice::KeyNotDestroyed { path, error }.into()
        } else {
            Advice::NotAllRemoved { path, error }.into()
        });
    }
    if still_open {
        return Err(Advice::StillOpen.into());
    }
    let left: Vec<String> = destroyed
        .left
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let overwritten = destroyed.overwritten.is_ok();
    out.say(&farewell(&line(&dir), stopped, overwritten, &left))?;
    out.value(&Left {
        home: dir,
        stopped,
        overwritten,
        exported,
        left,
    })
}

/// Writes everything that is mine to read, outside of what is to be destroyed.
async fn export_first(
    context: &Context,
    to: &Path,
    home: &Path,
    yes: bool,
) -> Result<String, Failure> {
    let target = super::absolute(to)?;
    let inside = |home: &Path| Path::new(&target).starts_with(home);
    if inside(home) || home.canonicalize().is_ok_and(|home| inside(&home)) {
        let message =
            "What you export would lie in the journal's own folder, and be destroyed with it.";
        let hint = "Name a folder elsewhere. Nothing was done.".to_owned();
        return Err(Advice::WrongUse {
            message: message.to_owned(),
            hint,
        }
        .into());
    }
    let exported = super::export::write(context, to, yes).await?;
    context.out.say(&words::export::done(&exported))?;
    context.out.say("")?;
    Ok(exported.folder)
}

fn not_found(error: OpenHomeError) -> Failure {
    match error {
        OpenHomeError::Absent(dir) => Advice::NothingToLeave {
            dir: line(&dir.display().to_string()),
        }
        .into(),
        other => other.into(),
    }
}

/// Says what leaving means, and asks. Only the whole word counts.
async fn says_yes(dir: &str) -> Result<bool, Failure> {
    let mut terminal =
        Terminal::open().map_err(|_: Failure| Failure::from(Advice::NobodySaysYes))?;
    // With the question, so that nobody is asked without having been told.
    let mut question = format!(
        "Leaving destroys this journal on this device, for good.\n\n\
         It goes:        the keys and everything in {dir},\n                \
         what is private included. An amends that is up is stopped first.\n\
         It stays:       your partner keeps their own copy of what you shared.\n\
         Nobody is told. Your device is simply not met any more.\n\
         Nobody can bring it back.\n\n\
         To leave, type yes: "
    );
    loop {
        let answer = match terminal.ask(&question).await {
            Ok(answer) => answer.unwrap_or_default(),
            // Ctrl-C is a no like any other.
            Err(stopped) if stopped == Advice::Stopped.into() => return Ok(false),
            Err(failure) => return Err(failure),
        };
        let word = answer.trim().to_lowercase();
        if word == "yes" {
            return Ok(true);
        }
        if yes_or_no(&word) != Some(true) {
            return Ok(false);
        }
        question = "Please type the whole word, yes or no: ".to_owned();
    }
}

/// The last words: what is gone, and what is not.
fn farewell(dir: &str, stopped: bool, overwritten: bool, left: &[String]) -> String {
    let mut words = format!("You have left. The keys and the journal in {dir} are destroyed.");
    if stopped {
        words.push_str("\nThe amends that had it open was stopped.");
    }
    words.push_str("\n\nYour partner was not told, and keeps their own copy of what you shared.\n");
    if !left.is_empty() {
        words.push_str("\nLeft where it is, because it is not part of the journal:\n");
        for path in left {
            words.push_str(&format!("  {}\n", line(path)));
        }
    }
    if !overwritten {
        words.push_str(
            "\nThe vault, which held the key, was not there or could not be written over before it was removed.\n",
        );
    }
    words.push_str(
        "\nWhat may remain: on SSDs, on disks that copy when they write and in backups, old blocks of these\n\
         files can last. They are sealed, and what opened them is gone, unless a copy or an old block of the\n\
         vault is found by somebody who knows your passphrase. The program itself, your shell's history and\n\
         what you saved elsewhere are still there.",
    );
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_hide_nothing() {
        let left = ["/home/ana/amends/a\u{1b}[2J.txt".to_owned()];
        let all = farewell("/home/ana/amends", true, false, &left);
        for words in [
            "was stopped",
            "keeps their own copy",
            "a\\u{1b}[2J.txt",
            "could not be written over",
            "backups",
        ] {
            assert!(all.contains(words), "{words}: {all}");
        }
        let plain = farewell("/home/ana/amends", false, true, &[]);
        for words in ["was stopped", "Left where", "could not be written over"] {
            assert!(!plain.contains(words), "{words}: {plain}");
        }
    }
}
