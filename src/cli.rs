//! The command line: what can be typed, and its help. What each command does stands in `commands/`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::advice::{self, Advice};
use crate::commands;
use crate::home;
use crate::request::Failure;
use crate::terminal::{self, Color, Output};

/// All that can be typed.
#[derive(Debug, Parser)]
#[command(
    name = "amends",
    version,
    about = "A shared journal for two people who are repairing trust",
    long_about = "A shared journal for two people who are repairing trust. It lives on your two devices alone: no \
                  account, no server, and nobody in between who could read it.",
    after_help = "Begin with:\n  amends init --name Ana        once, on each device\n  amends pair                   on one of the two\n  amends pair --join            on the other\n  amends up                     and they meet whenever both are up\n\nIf you are afraid of your partner, or feel controlled:\n  amends safety                 read this first; it opens no journal",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Shared {
    /// The folder of the journal [default: AMENDS_HOME, else your data folder]
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    home: Option<PathBuf>,
    /// Print JSON for scripts: one value, or one object a line for pair, up and sync
    #[arg(long, global = true)]
    json: bool,
    /// Never ask anything; where an answer is needed, fail and say so
    #[arg(long, global = true)]
    no_input: bool,
    /// Take the passphrase from the first line of FILE
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    passphrase_file: Option<PathBuf>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    color: Color,
    /// Say less: no progress, no remarks
    #[arg(short, global = true, conflicts_with = "more")]
    quieter: bool,
    /// Say more: how far a meeting is
    #[arg(short = 'v', global = true, id = "more")]
    more: bool,
}

/// Each is described only once it is asked for: to describe all takes longer than what most of them do. See [`described`].
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    Init(commands::init::Arguments),
    Pair(commands::pair::Arguments),
    Up(commands::up::Arguments),
    Open(commands::open::Arguments),
    Down(commands::down::Arguments),
    Sync(commands::sync::Arguments),
    Status(commands::status::Arguments),
    #[command(subcommand)]
    Talk(commands::talk::Verb),
    Rocky(commands::rocky::Arguments),
    #[command(subcommand)]
    Boundary(commands::boundary::Verb),
    Feel(commands::feel::Arguments),
    #[command(subcommand)]
    Apology(commands::apology::Verb),
    #[command(subcommand)]
    Lesson(commands::lesson::Verb),
    #[command(subcommand)]
    Packet(commands::packet::Verb),
    #[command(subcommand)]
    Space(commands::space::Verb),
    #[command(subcommand)]
    Plan(commands::plan::Verb),
    Calendar(commands::calendar::Arguments),
    #[command(subcommand)]
    Checkin(commands::checkin::Verb),
    #[command(subcommand)]
    Memory(commands::memory::Verb),
    #[command(subcommand)]
    Bundle(commands::bundle::Verb),
    Export(commands::export::Arguments),
    #[command(subcommand)]
    Backup(commands::backup::Verb),
    #[command(subcommand)]
    Kit(commands::kit::Verb),
    Passphrase(commands::passphrase::Arguments),
    Lock(commands::lock::Arguments),
    Timeline(commands::timeline::Arguments),
    Due(commands::due::Arguments),
    Search(commands::search::Arguments),
    History(commands::history::Arguments),
    Diff(commands::history::Between),
    Doctor(commands::doctor::Arguments),
    Safety(commands::safety::Arguments),
    Leave(commands::leave::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

/// What every command is given: where the journal is, and how to speak with the person or script that called.
#[derive(Debug)]
pub struct Context {
    home: Option<PathBuf>,
    /// Where the passphrase stands, if in a file.
    pub passphrase_file: Option<PathBuf>,
    /// Whether anything may be asked (`--no-input`).
    pub may_ask: bool,
    /// Whether details are wanted (`-v`).
    pub wordy: bool,
    /// Where answers go.
    pub out: Output,
}

impl Context {
    /// The folder that was asked for, or the usual one.
    ///
    /// # Errors
    /// [`Advice::NoPlaceForHome`].
    pub fn home_dir(&self) -> Result<PathBuf, Failure> {
        home::chosen_dir(self.home.clone(), std::env::var_os("AMENDS_HOME"))
            .ok_or(Advice::NoPlaceForHome.into())
    }
}

/// The command line with every command described in full, for whoever looks at more than one of them.
#[must_use]
pub fn described() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// What cannot be parsed, or asks for help, is answered by one who knows all commands.
fn answered(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut matches = described().try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches)
}

/// Runs one command line, `arguments` with the program's name first.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(&arguments).or_else(|_| answered(&arguments)) {
        Ok(cli) => cli,
        Err(error) => return answer_to(&error, wants_json(&arguments)),
    };
    let Cli { shared, command } = cli;
    let json = shared.json;
    let context = Context {
        home: shared.home,
        passphrase_file: shared.passphrase_file,
        may_ask: !shared.no_input,
        wordy: shared.more,
        out: Output::new(json, shared.quieter, shared.color),
    };
    // One thread is enough for a face. The journal, where this process opens it, has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // Behind one pointer, or the code of every command is there once more for each place that polls it.
    let performing: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(perform(&context, command));
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(performing),
        Err(e) => Err(Advice::Internal {
            what: format!("no runtime ({})", terminal::reason(&e)),
        }
        .into()),
    };
    match outcome {
        Ok(exit) => ExitCode::from(exit),
        Err(failure) => {
            terminal::complain(&failure, json);
            ExitCode::from(failure.exit)
        }
    }
}

/// Gives the exit code of a command that did what it was asked.
async fn perform(context: &Context, command: Command) -> Result<u8, Failure> {
    let done = match command {
        // What it finds is its answer, and no failure of its own.
        Command::Doctor(arguments) => return commands::doctor::run(context, arguments).await,
        Command::Init(arguments) => commands::init::run(context, arguments).await,
        Command::Pair(arguments) => commands::pair::run(context, arguments).await,
        Command::Up(arguments) => commands::up::run(context, arguments).await,
        Command::Open(arguments) => commands::open::run(context, arguments).await,
        Command::Down(arguments) => commands::down::run(context, arguments).await,
        Command::Sync(arguments) => commands::sync::run(context, arguments).await,
        Command::Status(arguments) => commands::status::run(context, arguments).await,
        Command::Talk(verb) => commands::talk::run(context, verb).await,
        Command::Rocky(arguments) => commands::rocky::run(context, arguments).await,
        Command::Boundary(verb) => commands::boundary::run(context, verb).await,
        Command::Lesson(verb) => commands::lesson::run(context, verb).await,
        Command::Apology(verb) => commands::apology::run(context, verb).await,
        Command::Packet(verb) => commands::packet::run(context, verb).await,
        Command::Feel(arguments) => commands::feel::run(context, arguments).await,
        Command::Space(verb) => commands::space::run(context, verb).await,
        Command::Backup(verb) => commands::backup::run(context, verb).await,
        Command::Memory(verb) => commands::memory::run(context, verb).await,
        Command::Plan(verb) => commands::plan::run(context, verb).await,
        Command::Calendar(arguments) => commands::calendar::run(context, arguments).await,
        Command::Checkin(verb) => commands::checkin::run(context, verb).await,
        Command::Bundle(verb) => commands::bundle::run(context, verb).await,
        Command::Export(arguments) => commands::export::run(context, arguments).await,
        Command::Kit(verb) => commands::kit::run(context, verb).await,
        Command::Lock(arguments) => commands::lock::run(context, arguments).await,
        Command::Passphrase(arguments) => commands::passphrase::run(context, arguments).await,
        Command::Timeline(arguments) => commands::timeline::run(context, arguments).await,
        Command::Due(arguments) => commands::due::run(context, arguments).await,
        Command::Search(arguments) => commands::search::run(context, arguments).await,
        Command::History(arguments) => commands::history::run(context, arguments).await,
        Command::Diff(between) => commands::history::run_between(context, between).await,
        Command::Safety(arguments) => commands::safety::run(context, arguments),
        Command::Leave(arguments) => commands::leave::run(context, arguments).await,
        Command::Completions(arguments) => commands::completions::run(&mut described(), arguments),
        Command::Man(arguments) => commands::man::run(context, described(), arguments),
    };
    done.map(|()| advice::DONE)
}

/// Whether `--json` stands on a command line that could not be understood.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json")
}

/// Help and version where they were asked for; else what was wrong.
fn answer_to(error: &clap::Error, json: bool) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            drop(error.print());
            ExitCode::SUCCESS
        }
        _ if !json => {
            drop(error.print());
            ExitCode::from(advice::WRONG_USE)
        }
        _ => {
            let words = error.render().to_string();
            let said = words
                .split("\n\n")
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .trim();
            let message = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let hint = "See amends --help, or COMMAND --help for one command.".to_owned();
            terminal::complain(&Advice::WrongUse { message, hint }.into(), true);
            ExitCode::from(advice::WRONG_USE)
        }
    }
}

/// A span of time as people type it: `30s`, `2m`, `500ms`; a bare number means seconds.
///
/// # Errors
/// What is wrong with it, in words.
pub fn span_of_time(typed: &str) -> Result<Duration, String> {
    span_of_at_most(typed, Duration::from_secs(24 * 3600)).map_err(|wrong| {
        match wrong {
            SpanFault::Malformed => "write it as 30s, 2m or 500ms",
            SpanFault::Length => "it must be more than nothing and at most a day",
        }
        .to_owned()
    })
}

/// Why something typed is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanFault {
    /// No number with a unit.
    Malformed,
    /// Nothing, or longer than it may be.
    Length,
}

/// The same with days, and a longest of its own.
///
/// # Errors
/// [`SpanFault`].
pub fn span_of_at_most(typed: &str, longest: Duration) -> Result<Duration, SpanFault> {
    let digits = typed.len() - typed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = typed.split_at(digits);
    let millis_per = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(SpanFault::Malformed),
    };
    let number: u64 = number.parse().map_err(|_| SpanFault::Malformed)?;
    match number.checked_mul(millis_per).map(Duration::from_millis) {
        Some(span) if !span.is_zero() && span <= longest => Ok(span),
        _ => Err(SpanFault::Length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        described().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("  amends "),
                "{path} has no example in its help"
            );
            for inner in command.get_subcommands() {
                check(inner, &path);
            }
        }
        check(&described(), "");
    }

    #[test]
    fn spans_of_time() {
        assert_eq!(span_of_time("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(span_of_time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(span_of_time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(span_of_time("7"), Ok(Duration::from_secs(7)));
        for wrong in [
            "",
            "s",
            "0s",
            "-3s",
            "3 weeks",
            "99999999999999999999s",
            "25h",
            "1.5s",
        ] {
            assert!(span_of_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn json_is_noticed_before_the_double_dash_only() {
        let of = |words: &[&str]| wants_json(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(of(&["amends", "nonsense", "--json"]));
        assert!(!of(&["amends", "boundary", "propose", "--", "--json"]));
    }
}
