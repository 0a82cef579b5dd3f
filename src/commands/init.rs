//! `amends init`: this device's keys, its vault and both stores, and a recovery kit where it is wanted.

use std::ffi::OsString;

use amends_keys::identity::PersonName;
use amends_keys::vault::{Cost, Vault};
use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::Serialize;

use crate::advice::Advice;
use crate::app;
use crate::cli::Context;
use crate::home::{self, Home};
use crate::kit::{self, Handed, Place};
use crate::passphrase;
use crate::request::Failure;
use crate::terminal::asking::Terminal;
use crate::terminal::{line, reason};

/// Make a journal on this device
#[derive(Debug, Args)]
#[command(
    long_about = "Make a journal on this device: its keys, sealed under a passphrase that only you know, and room for what you will write. You are also offered a recovery kit: 24 words on paper that open the journal when the passphrase is forgotten.",
    after_help = "Examples:\n  amends init --name Ana\n  amends init --name Ana --kit none"
)]
pub struct Arguments {
    /// Your name, as your partner will see it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Do not ask about a recovery kit: make one into a new file, make one onto standard output with -, or none
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kit: Option<OsString>,
    /// Memory that trying one passphrase costs, in MiB: less than 256 only for small devices
    #[arg(long, value_name = "MIB", hide = true, default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=1024))]
    argon2_memory: u32,
}

#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    home: String,
    /// The words of the recovery kit, where they were wanted on standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    kit: Option<Vec<&'a str>>,
}

/// Runs `amends init`.
///
/// # Errors
/// Whatever keeps the journal from being made; nothing is left then.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let name = PersonName::try_from(arguments.name.as_str())
        .map_err(|e| Advice::BadName { why: e.to_string() })?;
    let dir = context.home_dir()?;
    // Before anybody chooses a passphrase for nothing.
    Home::check_vacant::<Failure>(&dir)?;
    let passphrase = passphrase::choose(context).await?;
    let cost = Cost::new(
        arguments.argon2_memory * 1024,
        Cost::DEFAULT.passes(),
        Cost::DEFAULT.lanes(),
    )
    .map_err(|e| Advice::VaultFailed { why: e.to_string() })?;
    let (mut vault, key) =
        Vault::create(&passphrase, cost, &mut UnwrapErr(SysRng)).map_err(passphrase::not_taken)?;
    drop(passphrase);
    let place = arguments.kit.map(Place::from);
    let mut handed = None;
    if is_wanted(context, place.as_ref()).await? {
        let mut with_kit = vault.clone();
        let new = with_kit.make_kit(&key, &mut UnwrapErr(SysRng));
        match kit::hand_over(context, place.as_ref(), &new).await {
            Ok(given) => {
                handed = Some(given);
                vault = with_kit;
            }
            // Who gives up on the paper still wants the journal.
            Err(failure) if failure == Advice::SaidNo.into() => {}
            Err(failure) => return Err(failure),
        }
    }
    let home = Home::create(&dir, |building| {
        home::write_new(&building.join(home::VAULT), &vault.to_bytes()).map_err(|error| {
            Failure::from(Advice::CannotMakeHome {
                path: dir.display().to_string(),
                error: reason(&error),
            })
        })?;
        app::create_stores(building, &name, &key)
    })?;
    let shown = line(&home.dir().display().to_string());
    let (mut words, mut about_kit) = (None, None);
    match handed {
        None => {
            about_kit = Some(
                "No recovery kit was made. You can make one later, with: amends kit make"
                    .to_owned(),
            )
        }
        Some(Handed::Paper) => {}
        Some(Handed::Output(made)) => words = Some(made),
        Some(Handed::File(file)) => {
            about_kit = Some(format!(
                "The words of the recovery kit stand in {}: whoever reads that file can open the journal.",
                line(&file.keep().display().to_string())
            ));
        }
    }
    context.out.value(&Made {
        name: name.as_str(),
        home: home.dir().display().to_string(),
        kit: words.as_ref().map(|words| words.split(' ').collect()),
    })?;
    if let Some(words) = words {
        context.out.say(&words)?;
    }
    context.out.say(&format!(
        "Your journal is made, {}. It lies in {shown}.\n\n\
         Next, with your partner's device beside this one:\n  \
         amends pair          on one of the two\n  \
         amends pair --join   on the other",
        name.as_str()
    ))?;
    if let Some(about_kit) = about_kit {
        context.out.note(&about_kit);
    }
    Ok(())
}

/// Whether a kit is made: as it was said, else as the person says. Where nobody can be asked, none is.
async fn is_wanted(context: &Context, place: Option<&Place>) -> Result<bool, Failure> {
    match place {
        Some(Place::None) => Ok(false),
        Some(_) => Ok(true),
        None if !kit::somebody_is_there(context) => Ok(false),
        None => {
            let mut terminal = Terminal::open()?;
            terminal.put(
                "\nA recovery kit is 24 words that you write on paper. They open this journal when you forget the\n\
                 passphrase, and they do so for anybody who finds them. If somebody searches your things, you may\n\
                 be safer without one. You can make one later, with: amends kit make\n",
            );
            terminal.ask_yes_or_no("Make a recovery kit now?").await
        }
    }
}
