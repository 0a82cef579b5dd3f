//! A session at the terminal: the agenda, turns, the time, and at the end one line of outcome.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::{agreement::own_language, entry, unexpected};
use super::Start;
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::{Reached, stop_wished};
use crate::request::{Agenda, CheckinRequest, Entry, Failure, Request, Response};
use crate::terminal::asking::Terminal;
use crate::terminal::keyboard::{Key, Keyboard};
use crate::terminal::timer::{Press, Timer, Words};
use crate::terminal::{beginning, line};
use crate::words;

/// Columns that a title may take.
const TITLE_WIDTH: usize = 40;

/// What a session begins with, now.
pub(super) async fn agenda(journal: &mut Reached) -> Result<Agenda, Failure> {
    let request = Request::Checkin(CheckinRequest::Agenda);
    match journal.ask_to_the_end(request, |_| Ok(())).await? {
        Response::Agenda(agenda) => Ok(*agenda),
        other => Err(unexpected(other)),
    }
}

/// Holds one, and keeps what came of it.
pub(super) async fn start(
    context: &Context,
    journal: &mut Reached,
    start: Start,
) -> Result<Box<Entry>, Failure> {
    if !context.may_ask || context.out.is_json() {
        return Err(Advice::SessionNeedsSomebody.into());
    }
    let agenda = agenda(journal).await?;
    let minutes = start.minutes.unwrap_or(agenda.minutes);
    let length = (!start.no_timer).then(|| Duration::from_secs(u64::from(minutes) * 60));
    let started = Timestamp::now();
    let (lasted, first_left) = sit(&agenda, length).await?;
    let outcome = ask_for_outcome().await?;
    let ids: Vec<String> = agenda.agenda.iter().map(|point| point.id.clone()).collect();
    let request = CheckinRequest::Held {
        started: started.to_string(),
        minutes: lasted,
        left: ids.iter().skip(first_left).cloned().collect(),
        agenda: ids,
        outcome,
        language: own_language(),
    };
    entry(journal, Request::Checkin(request)).await
}

/// The session itself: how many minutes it was, and what of the agenda was not reached.
async fn sit(agenda: &Agenda, length: Option<Duration>) -> Result<(u8, usize), Failure> {
    let mut keyboard = Keyboard::open().map_err(|_| Advice::SessionNeedsSomebody)?;
    let words = Words {
        names: [line(&agenda.name), line(&agenda.partner)],
        points: agenda
            .agenda
            .iter()
            .map(|point| match point.title.as_str() {
                "" => words::checkin::point(point),
                title => beginning(title, TITLE_WIDTH),
            })
            .collect(),
    };
    let mut said = words::checkin::points(&agenda.agenda, &[]);
    said.push("Return: the other one speaks. n: what is next. q: enough for today.".to_owned());
    for row in said {
        keyboard.put(&format!("{row}\r\n"));
    }
    let mut timer = Timer::new(length, agenda.agenda.len());
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stopped = stop_wished();
    tokio::pin!(stopped);
    let mut shown = String::new();
    loop {
        let now = began.elapsed();
        draw(&mut keyboard, &words, &timer, now, &mut shown);
        if timer.is_over(now) {
            let over = if timer.left(now) == Some(Duration::ZERO) {
                "\r\nYour time is over. Thank you both.\r\n"
            } else {
                "\r\n"
            };
            keyboard.put(over);
            return Ok((timer.minutes(now), timer.first_left()));
        }
        let keys = tokio::select! {
            keys = keyboard.next() => keys.ok_or(Advice::Stopped)?,
            _ = tick.tick() => continue,
            () = &mut stopped => vec![Key::Interrupt],
        };
        for key in keys {
            let now = began.elapsed();
            match key {
                Key::Enter => timer.press(Press::Pass, now),
                Key::Text(letters) => press(&mut timer, &letters, now),
                Key::EndOfInput => timer.press(Press::End, now),
                Key::Interrupt => {
                    keyboard.put("\r\n");
                    return Err(Advice::Stopped.into());
                }
                _ => {}
            }
        }
    }
}

fn press(timer: &mut Timer, letters: &str, now: Duration) {
    for letter in letters.chars() {
        match letter.to_ascii_lowercase() {
            'n' => timer.press(Press::Next, now),
            'q' => timer.press(Press::End, now),
            _ => {}
        }
    }
}

/// Over the same row where the cursor can be moved, else as a line whenever there is something to say.
fn draw(keyboard: &mut Keyboard, words: &Words, timer: &Timer, now: Duration, shown: &mut String) {
    if keyboard.can_move() {
        let row = words.row(timer, now, keyboard.size().columns);
        if row != *shown {
            keyboard.put(&format!("\r\x1b[K{row}"));
            *shown = row;
        }
    } else if let Some(row) = words.line(timer, now, shown) {
        keyboard.put(&format!("{row}\r\n"));
        *shown = row;
    }
}

/// One line, or nothing for now. What is no outcome is asked for again.
async fn ask_for_outcome() -> Result<Option<String>, Failure> {
    let mut terminal = Terminal::open()?;
    let mut question = "What do you take from it, in one line? (Return alone: later) ";
    loop {
        let answer = terminal.ask(question).await?;
        let answer = answer
            .map(|words| words.trim().to_owned())
            .unwrap_or_default();
        if answer.is_empty() {
            return Ok(None);
        }
        if amends_journal::checkin::is_outcome(&answer) {
            return Ok(Some(answer));
        }
        question = "One line of at most 500 characters, please. (Return alone: later) ";
    }
}
