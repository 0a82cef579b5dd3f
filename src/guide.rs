//! Guided writing: where no text was given, a few questions at the terminal, one after the other. Each can be left empty,
//! and all of it can be stopped and gone on with later.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};
use unicode_width::UnicodeWidthStr;

use crate::advice::Advice;
use crate::request::Failure;
use crate::terminal::field::Field;
use crate::terminal::keyboard::{Key, Keyboard};
use crate::terminal::{Output, complain, line, lines};
use crate::text::{LONGEST, editor};

mod questions;

pub use questions::{ACCOUNT, APOLOGY, FEELING, TALK};

/// What an answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As many lines as wanted.
    Words,
    /// One line.
    Line,
    /// A whole number from 1 to 5.
    OneToFive,
    /// Words with commas between them.
    Tags,
}

/// One question of a guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What its answer is kept under.
    pub key: &'static str,
    /// The question.
    pub ask: &'static str,
    /// What may help to answer it.
    pub help: &'static str,
    /// What an answer may hold.
    pub kind: Kind,
}

/// An ordered list of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guide {
    /// What is about to be written, in a sentence.
    pub about: &'static str,
    /// The questions, in order.
    pub questions: &'static [Question],
}

/// What was answered: a text for each key, never an empty one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, String>);

impl Answers {
    /// The answer to the question `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Keeps `answer` for `key`; an empty one is none.
    pub fn set(&mut self, key: &str, answer: &str) {
        if answer.trim().is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), answer.to_owned());
        }
    }

    /// Whether nothing was answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Without the words: they belong into no log.
impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How a guide ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every question was gone through. The answers were shown once more.
    Finished(Answers),
    /// The person stopped, or the terminal went away. The answers are to be kept as a private draft, and that is to be
    /// said; where there are none there is nothing to keep.
    Later(Answers),
}

/// How one question ended, with the text as it stood.
enum Step {
    Next(String),
    Back(String),
    Editor(String),
    Later(String),
    /// Ctrl-C twice.
    Thrown,
}

/// Why a question stopped waiting for keys.
enum Came {
    Keys(Vec<Key>),
    Interrupt,
    Gone,
}

impl Guide {
    /// Goes through the questions at the person's terminal, with the answers of an `earlier` time where there are some.
    /// `may_ask` is unset with `--no-input`.
    ///
    /// # Errors
    /// [`Advice::NoGuide`] where nobody can be asked: with `--no-input` or `--json`, or where standard input is no
    /// terminal. [`Advice::Stopped`] where Ctrl-C was pressed twice: then nothing is to be kept.
    pub async fn walk(
        &self,
        out: Output,
        may_ask: bool,
        earlier: &Answers,
    ) -> Result<Outcome, Failure> {
        if !may_ask || out.is_json() || !io::stdin().is_terminal() {
            return Err(Advice::NoGuide.into());
        }
        let mut walk = Walk::begin(self, out)?;
        walk.introduce(!earlier.is_empty());
        let mut answers = earlier.clone();
        let mut number = 0;
        let mut unchecked: Option<String> = None;
        while let Some(question) = self.questions.get(number) {
            let before = unchecked
                .take()
                .or_else(|| answers.get(question.key).map(str::to_owned))
                .unwrap_or_default();
            let step = walk.ask(number, question, &before).await?;
            let mut keep = |text: &str| {
                checked(question.kind, text).map(|text| answers.set(question.key, &text))
            };
            match step {
                Step::Next(text) => match keep(&text) {
                    Ok(()) => number += 1,
                    Err(why) => {
                        walk.say(why);
                        unchecked = (question.kind == Kind::Words).then_some(text);
                    }
                },
                Step::Back(text) => match keep(&text) {
                    Ok(()) => number = number.saturating_sub(1),
                    Err(why) => {
                        walk.say(why);
                        unchecked = (question.kind == Kind::Words).then_some(text);
                    }
                },
                Step::Editor(text) => {
                    let (again, written) = walk.open_editor(&text).await;
                    let text = written.unwrap_or(text);
                    let Ok(again) = again else {
                        // The terminal went away in between. The words did not.
                        answers.set(question.key, &text);
                        return Ok(Outcome::Later(answers));
                    };
                    walk = again;
                    unchecked = Some(text);
                }
                Step::Later(text) => {
                    // A draft may hold what is too long to be given; no words are left out of it.
                    match question.kind {
                        Kind::Words | Kind::Line => answers.set(question.key, text.trim_end()),
                        Kind::OneToFive | Kind::Tags => drop(keep(&text)),
                    }
                    return Ok(Outcome::Later(answers));
                }
                Step::Thrown => return Err(Advice::Stopped.into()),
            }
        }
        walk.show(&answers);
        Ok(Outcome::Finished(answers))
    }
}

/// A guide under way.
struct Walk<'a> {
    guide: &'a Guide,
    out: Output,
    keyboard: Keyboard,
    signals: Signals,
}

impl<'a> Walk<'a> {
    fn begin(guide: &'a Guide, out: Output) -> Result<Walk<'a>, Failure> {
        Ok(Walk {
            guide,
            out,
            keyboard: Keyboard::open()?,
            signals: Signals::listen()?,
        })
    }

    fn introduce(&mut self, resumed: bool) {
        self.say(self.guide.about);
        self.say("Enter on an empty line goes on to the next question; Enter alone leaves one empty. On a line by itself, :back goes back to the one before, :editor opens your editor, :empty begins the answer anew, and :later stops. What you wrote is then kept as a draft that only you see.");
        if resumed {
            self.say("What you wrote before is still here. Enter alone keeps it.");
        }
    }

    /// A paragraph, and an empty line.
    fn say(&mut self, words: &str) {
        let columns = self.keyboard.size().columns;
        self.keyboard.put(&format!(
            "{}\r\n\r\n",
            wrapped(words, columns).replace('\n', "\r\n")
        ));
    }

    async fn ask(
        &mut self,
        number: usize,
        question: &Question,
        before: &str,
    ) -> Result<Step, Failure> {
        let columns = self.keyboard.size().columns;
        let asked = format!(
            "{} of {}. {}",
            number + 1,
            self.guide.questions.len(),
            question.ask
        );
        let asked: Vec<String> = wrapped(&asked, columns)
            .lines()
            .map(|row| self.out.bold(row))
            .collect();
        let help = wrapped(question.help, columns).replace('\n', "\r\n");
        self.keyboard
            .put(&format!("{}\r\n{help}\r\n", asked.join("\r\n")));
        let mut field = Field::with(before);
        let mut touched = false;
        self.draw(&mut field);
        loop {
            let keys = match self.signals.or_keys(&mut self.keyboard).await {
                Came::Keys(keys) => keys,
                Came::Interrupt => vec![Key::Interrupt],
                Came::Gone => return Ok(Step::Later(field.text().to_owned())),
            };
            let mut keys = keys.into_iter().peekable();
            while let Some(key) = keys.next() {
                match key {
                    Key::Interrupt => {
                        self.finish(&mut field);
                        return Ok(self.interrupted(field).await);
                    }
                    Key::EndOfInput => {
                        self.finish(&mut field);
                        return Ok(Step::Later(field.text().to_owned()));
                    }
                    Key::Enter => {
                        // What comes faster than anybody types was pasted, and its empty lines are its own.
                        let pasted = keys.peek().is_some() || self.keyboard.follows().await;
                        let command = field.last_line().map(|line| line.trim().to_owned());
                        match command.as_deref() {
                            _ if pasted => field.insert(if question.kind == Kind::Words {
                                "\n"
                            } else {
                                " "
                            }),
                            Some(":later" | ":back" | ":editor" | ":empty") => {
                                self.finish(&mut field);
                                field.drop_last_line();
                                let text = field.text().to_owned();
                                match command.as_deref() {
                                    Some(":later") => return Ok(Step::Later(text)),
                                    Some(":back") => return Ok(Step::Back(text)),
                                    Some(":editor") => return Ok(Step::Editor(text)),
                                    _ => {
                                        self.say("It is empty now. Begin anew, or leave it so with Enter.");
                                        (field, touched) = (Field::default(), true);
                                        continue;
                                    }
                                }
                            }
                            _ if !touched
                                || question.kind != Kind::Words
                                || command.as_deref() == Some("") =>
                            {
                                self.finish(&mut field);
                                return Ok(Step::Next(field.text().trim_end().to_owned()));
                            }
                            _ => field.insert("\n"),
                        }
                        touched = true;
                    }
                    key => {
                        let key = match key {
                            Key::Pasted(text) if question.kind != Kind::Words => {
                                Key::Pasted(text.trim().replace('\n', " "))
                            }
                            key => key,
                        };
                        // After what was written before, a command begins a line of its own.
                        if !touched
                            && matches!(&key, Key::Text(text) if text.starts_with(':'))
                            && !before.is_empty()
                        {
                            field.insert("\n");
                        }
                        field.press(&key, self.keyboard.size(), self.keyboard.can_move());
                        touched = true;
                    }
                }
            }
            self.draw(&mut field);
        }
    }

    /// Ctrl-C loses no words by itself: only a second one throws them away.
    async fn interrupted(&mut self, field: Field) -> Step {
        self.say("Stopped. Press Enter, and what you wrote is kept as a draft that only you see; press Ctrl-C once more, and what you wrote just now is thrown away.");
        loop {
            match self.signals.or_keys(&mut self.keyboard).await {
                Came::Interrupt => return Step::Thrown,
                Came::Gone => return Step::Later(field.text().to_owned()),
                Came::Keys(keys) => {
                    for key in keys {
                        match key {
                            Key::Interrupt => return Step::Thrown,
                            Key::Enter | Key::EndOfInput => {
                                return Step::Later(field.text().to_owned());
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// Lends the terminal to the editor and takes it back. No text where that did not end well, which was said.
    async fn open_editor(self, text: &str) -> (Result<Walk<'a>, Failure>, Option<String>) {
        let Walk {
            guide,
            out,
            keyboard,
            signals,
        } = self;
        // What is typed for the editor, its Ctrl-C too, is not for us.
        drop((keyboard, signals));
        let draft = if text.is_empty() {
            String::new()
        } else {
            format!("{text}\n")
        };
        let written = match editor::write(out, &draft).await {
            Ok(written) => Some(written.replace("\r\n", "\n").trim_end().to_owned()),
            Err(failure) => {
                complain(&failure, false);
                None
            }
        };
        (Walk::begin(guide, out), written)
    }

    /// All that was written, once more.
    fn show(&mut self, answers: &Answers) {
        if answers.is_empty() {
            return;
        }
        self.say("This is what you wrote:");
        for question in self.guide.questions {
            let Some(answer) = answers.get(question.key) else {
                continue;
            };
            let asked = self.out.bold(&line(question.ask));
            let answer = lines(answer).replace('\n', "\r\n");
            self.keyboard.put(&format!("{asked}\r\n{answer}\r\n\r\n"));
        }
    }

    fn draw(&mut self, field: &mut Field) {
        let drawing = field.draw(self.keyboard.size(), self.keyboard.can_move());
        self.keyboard.put(&drawing);
    }

    fn finish(&mut self, field: &mut Field) {
        let drawing = field.finish(self.keyboard.size(), self.keyboard.can_move());
        self.keyboard.put(&drawing);
    }
}

/// What others may send while a question waits.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::from(Advice::Internal {
                    what: format!("no signals ({})", crate::terminal::reason(&error)),
                })
            })
        };
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn or_keys(&mut self, keyboard: &mut Keyboard) -> Came {
        tokio::select! {
            // What was typed before the terminal went away is heard before that.
            biased;
            keys = keyboard.next() => keys.map_or(Came::Gone, Came::Keys),
            _ = self.interrupt.recv() => Came::Interrupt,
            _ = self.terminate.recv() => Came::Gone,
            _ = self.hangup.recv() => Came::Gone,
        }
    }
}

/// An answer in the form that is kept, or what is wrong with it.
fn checked(kind: Kind, text: &str) -> Result<String, &'static str> {
    let text = text.trim_end();
    if text.len() > LONGEST {
        return Err(
            "That is longer than an answer can be (256 KiB). Could you shorten it? Nothing is lost meanwhile.",
        );
    }
    match kind {
        Kind::Words => Ok(text.to_owned()),
        Kind::Line => Ok(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Kind::OneToFive => match text.trim() {
            number @ ("" | "1" | "2" | "3" | "4" | "5") => Ok(number.to_owned()),
            _ => Err("A number from 1 to 5, please, or nothing."),
        },
        Kind::Tags => {
            let mut tags: Vec<&str> = Vec::new();
            // Commas as Latin, Arabic, Chinese and Japanese write them.
            for tag in text.split([',', '،', '，', '、', '\n']).map(str::trim) {
                if !tag.is_empty() && !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
            Ok(tags.join(", "))
        }
    }
}

/// `words` in rows of at most `columns`, broken between words.
fn wrapped(words: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in words.split_whitespace() {
        let width = word.width();
        if column > 0 && column + 1 + width >= columns {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_in_one_form() {
        for (kind, typed, kept) in [
            (Kind::Words, "one\n\ntwo\n\n", Ok("one\n\ntwo")),
            (Kind::Line, "  Saturday\nevening ", Ok("Saturday evening")),
            (Kind::OneToFive, " 3 ", Ok("3")),
            (Kind::OneToFive, "", Ok("")),
            (Kind::Tags, "work, ,sleep،work、بيت", Ok("work, sleep, بيت")),
        ] {
            assert_eq!(checked(kind, typed).as_deref(), kept, "{typed:?}");
        }
        for wrong in ["0", "6", "3.5", "-1", "many"] {
            assert!(checked(Kind::OneToFive, wrong).is_err(), "{wrong}");
        }
        assert!(checked(Kind::Words, &"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn answers_show_no_words_where_they_are_logged() {
        let mut answers = Answers::default();
        answers.set("did", "I read your letters.");
        answers.set("hurt", " \n");
        assert_eq!(format!("{answers:?}"), "{\"did\"}");
        answers.set("did", "");
        assert!(answers.is_empty());
    }

    #[test]
    fn every_question_fits_and_can_be_left_empty() {
        for guide in [APOLOGY, TALK, FEELING] {
            for question in guide.questions {
                assert!(
                    question.help.contains("You can leave this empty."),
                    "{}",
                    question.key
                );
                assert!(question.ask.ends_with('?'));
                for row in wrapped(question.help, 40).lines() {
                    assert!(row.width() < 40, "{row}");
                }
            }
        }
    }
}
