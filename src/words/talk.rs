//! Talks, in words for people.

use super::when;
use crate::request::{Account, ActLine, Entry, Hearing, Keeping, Own, Talk};
use crate::terminal::{line, lines};

/// Where a talk stands.
pub fn state(state: &str) -> &'static str {
    match state {
        "asked" => "asked for",
        "open" => "open",
        "heard_by_one" => "heard by one",
        "heard_by_both" => "heard by both",
        "settled" => "settled",
        "draft" => "draft",
        "held" => "waits for the end of the space",
        _ => "talk",
    }
}

/// All that is told in a talk, and how it was heard.
pub fn told(talk: &Talk) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |paragraph: String| said.extend([paragraph, String::new()]);
    if let Some(until) = &talk.goes_out {
        say(format!(
            "It waits on this device, and goes out by itself on {}, or when your partner ends the space.",
            when(until)
        ));
    }
    if let Some(id) = &talk.draft_of {
        say(format!("It is for the talk {}.", line(id)));
    }
    if let Some(asked) = &talk.asked {
        let by = talk.accounts.first().map(name).unwrap_or_default();
        let words = if asked.trim().is_empty() {
            String::new()
        } else {
            format!("\n{}", lines(asked))
        };
        say(format!("{by}: can we talk?{words}"));
        let other = talk.accounts.last().map(name).unwrap_or_default();
        match talk.reply.as_deref() {
            Some(reply) if !reply.trim().is_empty() => say(format!("{other}:\n{}", lines(reply))),
            _ => {}
        }
    }
    if talk.together {
        say(
            "It is told together: neither sees what the other tells before both have fixed theirs."
                .to_owned(),
        );
    }
    for told in &talk.accounts {
        account(talk, told, &mut said);
    }
    said
}

fn name(account: &Account) -> String {
    line(&account.by)
}

fn account(talk: &Talk, told: &Account, said: &mut Vec<String>) {
    let by = name(told);
    let mut say = |paragraph: String| said.extend([paragraph, String::new()]);
    match (&told.text, &told.keeping) {
        (Some(text), _) if told.versions > 1 => say(format!(
            "{by} tells (version {}):\n{}",
            told.versions,
            lines(text)
        )),
        (Some(text), _) => say(format!("{by} tells:\n{}", lines(text))),
        (None, Some(Keeping::Waiting(text))) => say(format!(
            "What you tell is fixed and waits on this device alone. It opens by itself once your partner has fixed theirs and you have met:\n{}",
            lines(text)
        )),
        (None, Some(Keeping::KeptBack)) => {
            say("You had fixed what you tell, and keep it back. Your partner sees only that.".to_owned());
        }
        (None, Some(Keeping::Lost)) => say("You had fixed what you tell, but its words are not on this device any more, so it cannot be opened. You can tell it in a new talk.".to_owned()),
        (None, None) if told.committed => {
            say(format!("{by} has fixed what they tell. It is not to be seen yet."));
        }
        (None, None) if talk.asked.is_some() => {}
        (None, None) => say(format!("{by} has not told anything yet.")),
    }
    if told.committed_twice {
        say(format!(
            "{by} has fixed two different texts, as on two devices at once. The first is the one that counts."
        ));
    }
    let other = talk
        .accounts
        .iter()
        .find(|other| other.mine != told.mine)
        .map(name)
        .unwrap_or_default();
    match &told.hearing {
        Some(hearing) => say(heard(hearing, &by, &other)),
        None if told.heard_before => say(format!(
            "{other} heard an earlier version of it. This one is not heard yet."
        )),
        None => {}
    }
    if told.settled {
        say(format!("For {by} it is settled."));
    }
}

fn heard(hearing: &Hearing, by: &str, other: &str) -> String {
    let remark = if hearing.remark.trim().is_empty() {
        String::new()
    } else {
        format!("\n{}", lines(&hearing.remark))
    };
    let answer = match hearing.meant {
        Some(true) => format!("\n{by}: yes, that is what I meant.{remark}"),
        Some(false) => format!("\n{by}: not quite.{remark}"),
        None => String::new(),
    };
    format!("{other} heard:\n{}{answer}", lines(&hearing.words))
}

/// One thing that was said, in a history. None where it is no word of a talk.
pub fn act(act: &ActLine) -> Option<String> {
    let did = match act.verb.as_str() {
        "account" => "told",
        "commit" => "fixed what they tell",
        "open" => "opened it",
        "heard" => "said what they heard",
        "meant" => "said: yes, that is what I meant",
        "not_meant" => "said: not quite",
        "settle" => "said that it is settled",
        "reopen" => "opened it again",
        "ask" => "asked: can we talk?",
        "reply" => "answered",
        _ => return None,
    };
    let words = act
        .reason
        .as_deref()
        .map(|words| format!(": “{}”", line(words)))
        .unwrap_or_default();
    Some(format!(
        "  {}  {} {did}{words}",
        when(&act.at),
        line(&act.by)
    ))
}

/// What a talk waits for.
pub fn waits(why: &str) -> Option<&'static str> {
    Some(match why {
        "asked" => "your partner asks whether you can talk; whenever you like",
        "confirm" => "is what they heard what you meant?",
        "hear" => "to be heard",
        "tell" => "for your account",
        "lost" => "what you had fixed is not on this device any more",
        _ => return None,
    })
}

/// What comes next for whoever just fixed what they tell.
pub fn fixed(entry: &Entry) -> Option<String> {
    let Own::Talk(talk) = &entry.own else {
        return None;
    };
    match talk.mine()?.keeping {
        Some(Keeping::Waiting(_)) => Some(format!(
            "What you told is fixed. Its words stay on this device until your partner has fixed theirs. To keep it back after all: amends talk keep-back {}",
            line(&entry.id)
        )),
        _ => None,
    }
}

/// The question is written down.
pub fn asked(entry: &Entry) -> String {
    format!(
        "You asked whether you can talk ({}). It reaches your partner when your devices meet, and waits there until they answer in their own time.",
        line(&entry.id)
    )
}

/// A private draft is kept, to be gone on with.
pub fn kept(entry: &Entry) -> String {
    let id = line(&entry.id);
    let draft_of = match &entry.own {
        Own::Talk(talk) => talk.draft_of.as_deref(),
        _ => None,
    };
    let next = match draft_of {
        Some(talk) => format!("amends talk account {}", line(talk)),
        None => format!("amends talk begin --resume {id}"),
    };
    format!(
        "Kept as the draft {id}, for you alone; nothing of it leaves this device. Go on with it whenever you like: {next}"
    )
}
