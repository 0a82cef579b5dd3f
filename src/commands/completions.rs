//! `amends completions`: what a shell needs to complete commands.

use clap::Args;
use clap_complete::Shell;

use crate::advice::Advice;
use crate::request::Failure;
use crate::terminal::reason;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends completions bash > ~/.local/share/bash-completion/completions/amends"
)]
pub struct Arguments {
    /// Which shell
    shell: Shell,
}

/// Runs `amends completions`.
///
/// # Errors
/// [`Advice::OutputFailed`].
pub fn run(command: &mut clap::Command, arguments: Arguments) -> Result<(), Failure> {
    use std::io::Write;
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "amends", &mut script);
    let mut out = std::io::stdout().lock();
    out.write_all(&script)
        .and_then(|()| out.flush())
        .map_err(|error| {
            Advice::OutputFailed {
                error: reason(&error),
            }
            .into()
        })
}
