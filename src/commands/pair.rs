//! `amends pair`: makes two devices a pair (PROTOCOL section 1), as the two people see it.

use std::time::Duration;

use amends_keys::invite::Entered;
use clap::Args;
use serde::Serialize;

use super::unexpected;
use crate::advice::{self, Advice};
use crate::cli::Context;
use crate::holder::{self, Reached, Wish, stop_wished};
use crate::local::{Caller, HolderLost, Turn};
use crate::request::{Answer, Event, Failure, Request, Response};
use crate::terminal::asking::{Terminal, yes_or_no};
use crate::terminal::{line, qr};
use crate::words::when;

/// Pair this device with your partner's, once
#[derive(Debug, Args)]
#[command(
    long_about = "Pair this device with your partner's, once. One of you runs pair, which shows a code; the other runs pair --join and types it. Then both compare a number and say yes.",
    after_help = "Examples:\n  amends pair                    show a code\n  amends pair --join             type the code that the other screen shows\n  amends pair - < code.txt       take it from standard input"
)]
pub struct Arguments {
    /// Type the code that the other screen shows
    #[arg(long)]
    join: bool,
    /// - takes the code from standard input, one try a line
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true, conflicts_with = "join")]
    from: Option<String>,
    /// The address that the other screen shows, where it is not found by itself
    #[arg(long, value_name = "ADDR")]
    peer: Option<String>,
    /// Where this device listens, to fix the port
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// For scripts: take the two numbers as the same
    #[arg(long)]
    yes: bool,
}

/// Runs `amends pair`.
///
/// # Errors
/// Whatever keeps the two from becoming a pair; nothing is kept then.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        join,
        from,
        peer,
        listen,
        yes,
    } = arguments;
    if !context.may_ask && !yes {
        return Err(Advice::NobodyCompares.into());
    }
    // Not left to the parser, which does not see a --json that stands before the command.
    if yes && !context.out.is_json() {
        let message = "--yes is for scripts, together with --json.".to_owned();
        let hint = "Leave it out, and compare the numbers on both screens.".to_owned();
        return Err(Advice::WrongUse { message, hint }.into());
    }
    let joins = join || from.is_some();
    if peer.is_some() && !joins {
        let hint = "Name it on the device that joins: amends pair --join --peer ADDR".to_owned();
        return Err(Advice::WrongUse {
            message: "--peer is for the device that joins.".to_owned(),
            hint,
        }
        .into());
    }
    let mut people = People {
        context,
        yes,
        codes: None,
        person: None,
        from_input: from.is_some(),
    };
    // The passphrase first: a code lives five minutes.
    let mut journal = holder::reach(context, Wish::default()).await?;
    let outcome = people.pair(&mut journal, joins, peer, listen).await;
    journal.leave_with(outcome).await
}

/// What waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    SameNumber,
    NewCode,
    Code,
}

/// The person, or the script, in front of this device.
struct People<'a> {
    context: &'a Context,
    yes: bool,
    from_input: bool,
    /// Where codes are typed.
    codes: Option<Terminal>,
    /// Where a person answers.
    person: Option<Terminal>,
}

#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    code: &'a str,
    message: &'a str,
}

const ASK_CODE: &str = "The code on the other screen: ";

impl People<'_> {
    async fn pair(
        &mut self,
        journal: &mut Reached,
        joins: bool,
        peer: Option<String>,
        listen: Option<String>,
    ) -> Result<(), Failure> {
        let request = if joins {
            let code = self.first_code().await?;
            Request::PairJoin { code, peer, listen }
        } else {
            Request::PairHost { listen }
        };
        let caller = journal.ask(request).await?;
        match self.converse(caller).await {
            Err(stopped) if stopped == Advice::Stopped.into() => self.stopped(journal).await,
            outcome => outcome,
        }
    }

    /// Follows the pairing to its end. Leaving early ends it on the other side too.
    async fn converse(&mut self, mut caller: Caller) -> Result<(), Failure> {
        let mut question = None;
        let mut last_failure: Option<Failure> = None;
        let stopped = stop_wished();
        tokio::pin!(stopped);
        loop {
            let typed = tokio::select! {
                turn = caller.next() => match turn {
                    Ok(Turn::Event(event)) => {
                        if let Event::PairFailed { code, message, hint } = &event {
                            let exit = advice::exit_of(code);
                            let (code, message, hint) = (code.clone(), message.clone(), hint.clone());
                            last_failure = Some(Failure { code, exit, message, hint });
                        }
                        question = self.happened(&caller, event, question).await?;
                        continue;
                    }
                    Ok(Turn::End(Response::Done)) => return Ok(()),
                    Ok(Turn::End(Response::Failed(failure))) => {
                        if last_failure.as_ref().is_none_or(|last| last.code != failure.code) {
                            self.tell_scripts_of(&failure)?;
                        }
                        return Err(failure);
                    }
                    Ok(Turn::End(other)) => return Err(unexpected(other)),
                    Err(HolderLost) => return Err(Advice::HolderLost.into()),
                },
                typed = answer(&mut self.codes, &mut self.person, question) => typed?,
                () = &mut stopped => return Err(Advice::Stopped.into()),
            };
            question = match (question, typed.as_deref().map(String::as_str)) {
                // The input ended: nobody will say anything more.
                (Some(Question::Code), None) => {
                    return Err(last_failure.unwrap_or(Advice::Stopped.into()));
                }
                (_, None) => return Err(Advice::Stopped.into()),
                (Some(Question::SameNumber), Some(typed)) => match yes_or_no(typed) {
                    Some(yes) => {
                        caller.answer(Answer::SameNumber { yes }).await;
                        None
                    }
                    None => self.ask(Question::SameNumber, "Please type yes or no. ")?,
                },
                (Some(Question::NewCode), Some(_)) => {
                    caller.answer(Answer::NewCode).await;
                    None
                }
                (Some(Question::Code), Some(typed)) => match Entered::parse(typed) {
                    Ok(_) => {
                        caller
                            .answer(Answer::Code {
                                code: typed.to_owned(),
                            })
                            .await;
                        None
                    }
                    Err(error) => {
                        self.mistyped(error.into())?;
                        self.ask(Question::Code, ASK_CODE)?
                    }
                },
                (None, Some(_)) => None,
            };
        }
    }

    /// Shows an event, and says what is asked from now on.
    async fn happened(
        &mut self,
        caller: &Caller,
        event: Event,
        before: Option<Question>,
    ) -> Result<Option<Question>, Failure> {
        let out = self.context.out;
        match event {
            Event::Code { .. } => {
                out.value(&event)?;
                self.show_code(&event)?;
                Ok(None)
            }
            Event::Found => {
                out.value(&event)?;
                out.note("The other device is found.");
                Ok(before)
            }
            Event::Progress { stage } => {
                if let Some(words) = stage_words(&stage) {
                    out.note(words);
                }
                Ok(before)
            }
            Event::Number {
                ref number,
                ref name,
            } => {
                out.value(&event)?;
                let name = line(name);
                out.say(&format!(
                    "\nBoth screens now show a name and a number.\n\n    {name}\n    {}\n",
                    out.bold(&grouped(number))
                ))?;
                if self.yes {
                    caller.answer(Answer::SameNumber { yes: true }).await;
                    return Ok(None);
                }
                self.ask(
                    Question::SameNumber,
                    &format!("Does {name}'s screen show the same number? (yes/no) "),
                )
            }
            Event::PairFailed {
                code,
                message,
                hint,
            } => {
                let failure = Failure {
                    exit: advice::exit_of(&code),
                    code,
                    message,
                    hint,
                };
                self.tell_scripts_of(&failure)?;
                out.note(&format!("\n{}\n{}", failure.message, failure.hint));
                // A host goes on by itself with a new code; who typed one types the new one.
                if self.codes.is_some() {
                    self.ask(Question::Code, ASK_CODE)
                } else {
                    Ok(None)
                }
            }
            Event::NewCodeNeedsKey => {
                let failure = Failure::from(Advice::ThreeWrongCodes);
                self.tell_scripts_of(&failure)?;
                // No script may decide that guessing goes on.
                if out.is_json() || !self.context.may_ask {
                    return Err(failure);
                }
                out.note(&format!("\n{} Look who is near.", failure.message));
                self.ask(
                    Question::NewCode,
                    "Press Enter for a new code, or Ctrl-C to stop. ",
                )
            }
            Event::Paired { ref partner } => {
                out.value(&event)?;
                out.say(&format!(
                    "\nYou and {0} are a pair now. Nobody needs a code again.\n\nWhat you both do next:\n  amends up\n  amends boundary propose \"…\"",
                    line(partner)
                ))?;
                Ok(None)
            }
            Event::Notice { message } | Event::Refused { message } => {
                out.note(&line(&message));
                Ok(before)
            }
            _ => Ok(before),
        }
    }

    fn show_code(&self, event: &Event) -> Result<(), Failure> {
        let Event::Code {
            code,
            paste,
            listen,
            expires,
        } = event
        else {
            return Ok(());
        };
        let out = self.context.out;
        out.say(&format!(
            "\nOn your partner's device: amends pair --join\nThen type there, once, before {}:\n\n    {}\n",
            when(expires),
            out.bold(code)
        ))?;
        if out.is_terminal() {
            // Upper case packs into a smaller code, and is read as the same.
            if let Some(drawn) = qr::draw(&paste.to_ascii_uppercase(), out.has_color()) {
                out.say(&drawn)?;
            }
        }
        out.say(&format!("Or paste this there:\n\n    {}\n", line(paste)))?;
        if !listen.is_empty() {
            let places: Vec<String> = listen.iter().map(|place| line(place)).collect();
            out.say(&format!(
                "If it does not find this device, add there: --peer {}\n",
                places.join("  or  --peer ")
            ))?;
        }
        Ok(())
    }

    async fn first_code(&mut self) -> Result<String, Failure> {
        let mut terminal = if self.from_input {
            Terminal::from_standard_input()?
        } else {
            self.open_terminal()?
        };
        loop {
            let Some(typed) = terminal.ask(ASK_CODE).await? else {
                return Err(if self.from_input {
                    Advice::CodeNotACode
                } else {
                    Advice::Stopped
                }
                .into());
            };
            match Entered::parse(&typed) {
                Ok(_) => {
                    self.codes = Some(terminal);
                    return Ok(typed.to_string());
                }
                Err(error) => self.mistyped(error.into())?,
            }
        }
    }

    /// A typing error costs nothing: a person types it again, a script is told.
    fn mistyped(&self, advice: Advice) -> Result<(), Failure> {
        let failure = Failure::from(advice);
        if self.from_input {
            return Err(failure);
        }
        self.context
            .out
            .note(&format!("{} {}", failure.message, failure.hint));
        Ok(())
    }

    fn open_terminal(&self) -> Result<Terminal, Failure> {
        if self.context.may_ask {
            Terminal::open()
        } else {
            Err(Advice::NoTerminal.into())
        }
    }

    fn ask(&mut self, question: Question, words: &str) -> Result<Option<Question>, Failure> {
        let shares_keyboard =
            question == Question::Code || (self.codes.is_some() && !self.from_input);
        if !shares_keyboard && self.person.is_none() {
            self.person = Some(self.open_terminal()?);
        }
        let asked = if shares_keyboard {
            &mut self.codes
        } else {
            &mut self.person
        };
        if let Some(terminal) = asked {
            terminal.begin(words);
        }
        Ok(Some(question))
    }

    fn tell_scripts_of(&self, failure: &Failure) -> Result<(), Failure> {
        self.context.out.value(&Failed {
            event: "failed",
            code: &failure.code,
            message: &failure.message,
        })
    }

    /// After Ctrl-C: what is true now. The last word of the other device may have come before it.
    async fn stopped(&self, journal: &mut Reached) -> Result<(), Failure> {
        let status = match tokio::time::timeout(
            Duration::from_secs(5),
            journal.ask(Request::Status { part: None }),
        )
        .await
        {
            Ok(Ok(caller)) => tokio::time::timeout(Duration::from_secs(5), end_of(caller))
                .await
                .ok()
                .flatten(),
            _ => None,
        };
        match status {
            Some(Response::Status(status)) if status.partner.is_none() => {
                Err(Advice::Stopped.into())
            }
            Some(Response::Status(status)) => {
                let partner = status.partner.as_deref().map(line).unwrap_or_default();
                Err(Advice::StoppedTooLate { partner }.into())
            }
            _ => Err(Advice::Interrupted.into()),
        }
    }
}

async fn end_of(mut caller: Caller) -> Option<Response> {
    loop {
        match caller.next().await {
            Ok(Turn::Event(_)) => {}
            Ok(Turn::End(response)) => return Some(response),
            Err(HolderLost) => return None,
        }
    }
}

/// Waits for what is typed for `question`; forever where there is none.
async fn answer(
    codes: &mut Option<Terminal>,
    person: &mut Option<Terminal>,
    question: Option<Question>,
) -> Result<Option<zeroize::Zeroizing<String>>, Failure> {
    let asked = match question {
        None => None,
        Some(Question::Code) => codes.as_mut(),
        Some(Question::SameNumber | Question::NewCode) => person.as_mut().or(codes.as_mut()),
    };
    match asked {
        Some(terminal) => terminal.answer().await,
        None => std::future::pending().await,
    }
}

/// `482913` as it is said aloud: `482 913`.
fn grouped(number: &str) -> String {
    let shown = line(number);
    match shown.split_at_checked(3) {
        Some((first, last)) if shown.len() == 6 => format!("{first} {last}"),
        _ => shown,
    }
}

fn stage_words(stage: &str) -> Option<&'static str> {
    Some(match stage {
        "looking" => "Looking for the other device …",
        "waiting" => "Waiting for the other device …",
        "exchanging" => "Exchanging keys …",
        "partner_confirms" => "Waiting for a yes on the other screen …",
        "finishing" => "Finishing …",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nothing_else_is() {
        assert_eq!(grouped("482913"), "482 913");
        assert_eq!(grouped("48\u{1b}13"), "48\\u{1b}13");
        assert_eq!(grouped("ééé"), "ééé");
    }
}
