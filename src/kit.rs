//! The words of the recovery kit: how a person writes them down and types them back, or a script keeps them. Never an
//! argument, never the environment, and on a terminal nowhere that can be scrolled back to.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use amends_keys::kit::{self, Kit, KitError, WORDS};
use amends_keys::vault::{KitUnlockError, VaultKey};
use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::cli::Context;
use crate::passphrase::Locked;
use crate::request::Failure;
use crate::terminal::asking::Terminal;
use crate::terminal::{line, reason};

/// How many words a person types back.
pub const TYPED_BACK: usize = 3;
/// How often one of them may be mistyped.
const TRIES: u32 = 3;
/// No kit that anybody wrote down is longer.
const LONGEST: u64 = 4096;

/// Where new words go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// No kit is made.
    None,
    /// Standard output, for scripts.
    Output,
    /// A new file that only this user can read.
    File(PathBuf),
}

impl From<std::ffi::OsString> for Place {
    fn from(typed: std::ffi::OsString) -> Place {
        match typed.to_str() {
            Some("none") => Place::None,
            Some("-") => Place::Output,
            _ => Place::File(typed.into()),
        }
    }
}

/// What became of new words.
#[derive(Debug)]
pub enum Handed {
    /// The person wrote them down and typed some back.
    Paper,
    /// They are for standard output.
    Output(Zeroizing<String>),
    /// They stand in a file.
    File(KitFile),
}

/// A file with the words, on the disk. Gone again unless it is kept.
#[derive(Debug)]
pub struct KitFile {
    path: PathBuf,
    kept: bool,
}

impl KitFile {
    fn write(path: &Path, words: &str) -> Result<KitFile, Failure> {
        let failed = |error: io::Error| {
            Failure::from(Advice::KitNotWritten {
                path: line(&path.display().to_string()),
                error: reason(&error),
            })
        };
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        // From here on it is ours to remove.
        let made = KitFile {
            path: path.to_owned(),
            kept: false,
        };
        file.write_all(words.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        Ok(made)
    }

    /// Where it is, from now on for good.
    pub fn keep(mut self) -> PathBuf {
        self.kept = true;
        std::mem::take(&mut self.path)
    }
}

impl Drop for KitFile {
    fn drop(&mut self) {
        if !self.kept {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether a person sits there who can be asked, as far as can be told without asking.
pub fn somebody_is_there(context: &Context) -> bool {
    context.may_ask && !context.out.is_json() && io::stdin().is_terminal()
}

/// Gives the words to whoever wants them, before anything depends on them.
///
/// # Errors
/// [`Advice::KitNotWritten`], [`Advice::KitNeedsAPlace`], [`Advice::SaidNo`] where the person gives up, and what can go
/// wrong with asking.
pub async fn hand_over(
    context: &Context,
    place: Option<&Place>,
    kit: &Kit,
) -> Result<Handed, Failure> {
    match place {
        Some(Place::Output) => Ok(Handed::Output(kit.words())),
        Some(Place::File(path)) => Ok(Handed::File(KitFile::write(path, &kit.words())?)),
        Some(Place::None) | None => {
            if !context.may_ask || context.out.is_json() {
                return Err(Advice::KitNeedsAPlace.into());
            }
            write_down(&mut Terminal::open()?, kit).await?;
            Ok(Handed::Paper)
        }
    }
}

/// Shows the words until they are on paper and some of them come back right.
async fn write_down(terminal: &mut Terminal, kit: &Kit) -> Result<(), Failure> {
    loop {
        let other = terminal.other_screen();
        terminal.put(&sheet(&kit.words()));
        let written = terminal
            .ask("\nWhen they are on paper, press Enter. They go from the screen, and three of them are asked for. ")
            .await?;
        drop(other);
        if written.is_none() {
            return Err(Advice::Stopped.into());
        }
        match type_back(terminal, kit).await {
            Ok(()) => return Ok(()),
            Err(failure) if failure.code == "kit_differs" => {
                if !terminal
                    .ask_yes_or_no("That is not what was shown. See all words once more?")
                    .await?
                {
                    return Err(Advice::SaidNo.into());
                }
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The words as they are to stand on the paper: numbered, in two columns, each read downwards.
fn sheet(words: &str) -> Zeroizing<String> {
    let words: Vec<&str> = words.split(' ').collect();
    let half = WORDS / 2;
    // Room for all of it, so that nothing is moved and left behind in memory.
    let mut sheet = Zeroizing::new(String::with_capacity(4096));
    sheet.push_str(
        "Your recovery kit. Write these 24 words on paper, with their numbers.\n\
         Whoever finds the paper can open your journal: keep it where nobody looks, and take no photograph of it.\n\n",
    );
    for (at, (left, right)) in words.iter().zip(words.iter().skip(half)).enumerate() {
        sheet.push_str(&Zeroizing::new(format!(
            "  {:>2}  {left:<12}  {:>2}  {right}\n",
            at + 1,
            at + 1 + half
        )));
    }
    sheet
}

/// Asks for some of the words.
///
/// # Errors
/// [`Advice::KitDiffers`], [`Advice::Stopped`] and what can go wrong with asking.
pub async fn type_back(terminal: &mut Terminal, kit: &Kit) -> Result<(), Failure> {
    let words = kit.words();
    let mut asked = rand::seq::index::sample(&mut UnwrapErr(SysRng), WORDS, TYPED_BACK).into_vec();
    asked.sort_unstable();
    for (at, word) in words.split(' ').enumerate() {
        if !asked.contains(&at) {
            continue;
        }
        let number = at + 1;
        for left in (0..TRIES).rev() {
            let typed = terminal
                .ask(&format!("Word {number} on your paper: "))
                .await?
                .ok_or(Failure::from(Advice::Stopped))?;
            if typed.trim().eq_ignore_ascii_case(word) {
                break;
            }
            if left == 0 {
                let number = number as u64;
                return Err(Advice::KitDiffers { number }.into());
            }
            terminal.put("That is not it. Look at your paper, and type that one word again.\n");
        }
    }
    Ok(())
}

/// How a command takes the kit in the passphrase's place.
#[derive(Debug, Clone, Default, Args)]
pub struct ByKit {
    /// Open with the recovery kit: its words are asked for
    #[arg(long)]
    kit: bool,
    /// Open with the recovery kit, its 24 words in FILE; - for standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, conflicts_with = "kit")]
    kit_file: Option<PathBuf>,
}

impl ByKit {
    /// Opens a vault with the kit or, where that was not asked for, with the passphrase.
    ///
    /// # Errors
    /// As [`open_with`] and [`Locked::unlock`].
    pub async fn unlock(&self, context: &Context, locked: &Locked) -> Result<VaultKey, Failure> {
        if !self.is_wished() {
            return locked.unlock(context).await;
        }
        // Before anybody types 24 words for nothing.
        if !locked.vault.has_kit() {
            return Err(Advice::NoKit.into());
        }
        let kit = match &self.kit_file {
            Some(file) if file.as_os_str() == "-" => from_standard_input()?,
            Some(file) => from_file(file)?,
            None if context.may_ask && !context.out.is_json() => {
                ask_all(&mut Terminal::open()?).await?
            }
            None => return Err(Advice::KitNeedsWords.into()),
        };
        open_with(locked, &kit)
    }

    /// Whether the kit is meant, and not the passphrase.
    pub fn is_wished(&self) -> bool {
        self.kit || self.kit_file.is_some()
    }
}

/// Opens a vault with a kit.
///
/// # Errors
/// [`Advice::OtherKit`], [`Advice::NoKit`], [`Advice::VaultDamaged`].
pub fn open_with(locked: &Locked, kit: &Kit) -> Result<VaultKey, Failure> {
    locked
        .vault
        .unlock_with_kit(kit)
        .map_err(|e| refused(locked, e))
}

/// What is said where a kit opens nothing.
pub fn refused(locked: &Locked, error: KitUnlockError) -> Failure {
    match error {
        KitUnlockError::OtherKit => Advice::OtherKit.into(),
        KitUnlockError::NoKit => Advice::NoKit.into(),
        KitUnlockError::Changed => locked.damaged(&error),
    }
}

/// What is said of words that are no kit.
pub(crate) fn not_a_kit(error: KitError) -> Failure {
    Advice::NotAKit {
        why: error.to_string(),
    }
    .into()
}

/// Asks for all of the words, one by one or as many in a line as the person likes.
async fn ask_all(terminal: &mut Terminal) -> Result<Kit, Failure> {
    let _other = terminal.other_screen();
    terminal.put("Type the words of your recovery kit, in the order of their numbers.\n\n");
    for left in (0..TRIES).rev() {
        // A word has at most 8 letters; what is longer was said to be none.
        let mut all = Zeroizing::new(String::with_capacity(WORDS * 16));
        let mut count = 0;
        while count < WORDS {
            let typed = terminal
                .ask(&format!("Word {} of {WORDS}: ", count + 1))
                .await?
                .ok_or(Failure::from(Advice::Stopped))?;
            for word in typed.split_whitespace() {
                if !kit::is_word(word) {
                    terminal
                        .put("No kit has such a word. Look at your paper, and go on with it.\n");
                    break;
                }
                if count < WORDS {
                    all.push_str(word);
                    all.push(' ');
                    count += 1;
                }
            }
        }
        match Kit::parse(&all) {
            Ok(kit) => return Ok(kit),
            Err(error) if left == 0 => return Err(not_a_kit(error)),
            Err(_) => terminal.put(
                "Every one of these can be in a kit, but not all of them together: one is another, or in another place.\n\
                 Please begin again with the first.\n",
            ),
        }
    }
    Err(Advice::Stopped.into())
}

/// All of the words, from standard input.
///
/// # Errors
/// [`Advice::NotAKit`], [`Advice::InputUnreadable`].
pub fn from_standard_input() -> Result<Kit, Failure> {
    let words = read(&mut io::stdin().lock()).map_err(|error| Advice::InputUnreadable {
        error: unreadable(&error),
    })?;
    Kit::parse(&words).map_err(not_a_kit)
}

fn from_file(path: &Path) -> Result<Kit, Failure> {
    let words = File::open(path)
        .and_then(|mut file| read(&mut file))
        .map_err(|error| Advice::KitFile {
            path: line(&path.display().to_string()),
            error: unreadable(&error),
        })?;
    Kit::parse(&words).map_err(not_a_kit)
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => "it is not text".to_owned(),
        _ => reason(error),
    }
}

fn read(from: &mut impl Read) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    from.take(LONGEST).read_to_end(&mut bytes)?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_every_word_beside_its_number() {
        let words = Kit::from_bytes(&[7; 32]).words();
        let sheet = sheet(&words);
        for (at, word) in words.split(' ').enumerate() {
            let pair = format!("{:>2}  {word}", at + 1);
            assert!(sheet.contains(&pair), "{pair}");
        }
        assert!(sheet.lines().all(|line| line.chars().count() < 110));
    }

    #[test]
    fn a_place_is_none_standard_output_or_a_file() {
        let of = |typed: &str| Place::from(std::ffi::OsString::from(typed));
        assert_eq!(of("none"), Place::None);
        assert_eq!(of("-"), Place::Output);
        assert_eq!(of("./none"), Place::File("./none".into()));
    }
}
