//! `amends init`: this device's keys, its vault and both stores.

use amends_keys::identity::PersonName;
use amends_keys::vault::{Cost, MAX_PASSPHRASE, PassphraseError, Vault};
use clap::Args;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::Serialize;

use crate::advice::Advice;
use crate::app;
use crate::cli::Context;
use crate::home::{self, Home};
use crate::passphrase;
use crate::request::Failure;
use crate::terminal::{line, reason};

/// Make a journal on this device
#[derive(Debug, Args)]
#[command(
    long_about = "Make a journal on this device: its keys, sealed under a passphrase that only you know, and room for what you will write.",
    after_help = "Example:\n  amends init --name Ana"
)]
pub struct Arguments {
    /// Your name, as your partner will see it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Memory that trying one passphrase costs, in MiB: less than 256 only for small devices
    #[arg(long, value_name = "MIB", hide = true, default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=1024))]
    argon2_memory: u32,
}

#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    home: String,
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
    let (vault, key) =
        Vault::create(&passphrase, cost, &mut UnwrapErr(SysRng)).map_err(|error| match error {
            PassphraseError::Empty => Advice::EmptyPassphrase,
            PassphraseError::TooLong => Advice::PassphraseTooLong {
                limit: MAX_PASSPHRASE as u64,
            },
            PassphraseError::OutOfMemory { memory_kib } => Advice::NoMemory {
                mib: u64::from(memory_kib / 1024),
            },
        })?;
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
    context.out.value(&Made {
        name: name.as_str(),
        home: home.dir().display().to_string(),
    })?;
    context.out.say(&format!(
        "Your journal is made, {}. It lies in {shown}.\n\n\
         Next, with your partner's device beside this one:\n  \
         amends pair          on one of the two\n  \
         amends pair --join   on the other",
        name.as_str()
    ))
}
