//! `amends kit`: the recovery kit, 24 words on paper that open this journal where the passphrase is forgotten.

use std::ffi::OsString;

use amends_keys::kit::WORDS;
use clap::{Args, Subcommand};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::Serialize;

use super::passphrase::not_replaced;
use crate::advice::Advice;
use crate::cli::Context;
use crate::home::Home;
use crate::kit::{self, Handed, Place};
use crate::passphrase::Locked;
use crate::request::Failure;
use crate::terminal::asking::Terminal;
use crate::terminal::line;

/// Make or check the recovery kit
#[derive(Debug, Subcommand)]
#[command(
    long_about = "The recovery kit is 24 words that you write on paper. They open this journal and its backups when you forget the passphrase, and they do so for anybody who finds them. Who is afraid that somebody searches their things may be safer without one.",
    after_help = "Examples:\n  amends kit make\n  amends kit check\n  amends passphrase --kit        a new passphrase, by the kit"
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Make(Make),
    Check(Check),
}

/// Make a new kit; an older one stops working
#[derive(Debug, Args)]
#[command(
    long_about = "Make a new kit. The 24 words are shown once; you write them on paper and type three of them back. An older kit opens this journal no longer, and still opens the backups that were written before.",
    after_help = "Examples:\n  amends kit make\n  amends kit make --to /media/stick/kit"
)]
pub struct Make {
    /// Where the words go, and nobody is asked: a new file, or - for standard output
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: Option<OsString>,
}

/// Check that your paper holds the kit of this journal
#[derive(Debug, Args)]
#[command(
    long_about = "Check that your paper holds the kit of this journal. You are asked for the passphrase and three of the words. With -, all 24 words come on standard input and no passphrase is needed.",
    after_help = "Examples:\n  amends kit check\n  amends kit check - < words"
)]
pub struct Check {
    /// - takes all 24 words from standard input
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    from: Option<String>,
}

#[derive(Serialize)]
struct Made<'a> {
    /// The words, where they were wanted on standard output.
    words: Option<Vec<&'a str>>,
    /// The file that they stand in.
    file: Option<String>,
}

#[derive(Serialize)]
struct Checked {
    /// How many words were typed right.
    right: usize,
}

/// Runs one of the verbs.
///
/// # Errors
/// Where the kit is not made or is another, and whatever keeps the vault closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    let home = Home::open(&context.home_dir()?)?;
    match verb {
        Verb::Make(arguments) => make(context, &home, arguments).await,
        Verb::Check(arguments) => check(context, &home, arguments).await,
    }
}

async fn make(context: &Context, home: &Home, arguments: Make) -> Result<(), Failure> {
    let place = arguments.to.map(Place::from);
    let somebody = context.may_ask && !context.out.is_json();
    if place.is_none() && !somebody || place == Some(Place::None) {
        return Err(Advice::KitNeedsAPlace.into());
    }
    let locked = Locked::of(home)?;
    let key = locked.unlock(context).await?;
    if locked.vault.has_kit() && place.is_none() {
        let question = "There is a kit already, and a new one makes it useless. Make a new one?";
        if !Terminal::open()?.ask_yes_or_no(question).await? {
            return Err(Advice::SaidNo.into());
        }
    }
    let mut vault = locked.vault.clone();
    let new = vault.make_kit(&key, &mut UnwrapErr(SysRng));
    // Before it opens anything: nobody loses the old kit to a new one that was never written down.
    let handed = kit::hand_over(context, place.as_ref(), &new).await?;
    home.replace_vault(&locked.bytes, &vault.to_bytes())
        .map_err(not_replaced)?;
    say_handed(context, handed, "The new kit opens this journal.")
}

/// Says where new words are, after `first`.
pub(super) fn say_handed(context: &Context, handed: Handed, first: &str) -> Result<(), Failure> {
    let out = context.out;
    match handed {
        Handed::Paper => {
            out.value(&Made {
                words: None,
                file: None,
            })?;
            out.say(&format!(
                "{first} Look now and then whether you still have the paper: amends kit check."
            ))
        }
        Handed::Output(words) => {
            out.value(&Made {
                words: Some(words.split(' ').collect()),
                file: None,
            })?;
            out.say(&words)
        }
        Handed::File(file) => {
            let path = file.keep().display().to_string();
            out.say(&format!(
                "{first} The words stand in {}: whoever reads that file can open it too.",
                line(&path)
            ))?;
            out.value(&Made {
                words: None,
                file: Some(path),
            })
        }
    }
}

async fn check(context: &Context, home: &Home, arguments: Check) -> Result<(), Failure> {
    let locked = Locked::of(home)?;
    if !locked.vault.has_kit() {
        return Err(Advice::NoKit.into());
    }
    let right = if arguments.from.is_some() {
        kit::open_with(&locked, &kit::from_standard_input()?)?;
        WORDS
    } else {
        if !context.may_ask || context.out.is_json() {
            return Err(Advice::KitNeedsWords.into());
        }
        let key = locked.unlock(context).await?;
        let kept = locked
            .vault
            .kit(&key)
            .map_err(|error| kit::refused(&locked, error))?;
        kit::type_back(&mut Terminal::open()?, &kept).await?;
        kit::TYPED_BACK
    };
    context.out.value(&Checked { right })?;
    context.out.say(if right == WORDS {
        "All 24 words are right: this is the kit of this journal."
    } else {
        "These are right: your paper is the kit of this journal."
    })
}
