//! What the commands of all words that both agree to have in common: boundaries, lessons, schedules, packets.

use clap::Args;
use jiff::civil::Date;

use super::said::{Said, WithReason};
use super::{entry, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{AgreementRequest, Entry, Failure, Request};
use crate::terminal::asking::Terminal;
use crate::text::{self, Text};
use crate::words;

/// New words, as they were typed.
pub(super) struct Proposal {
    pub(super) text: Option<String>,
    pub(super) title: Option<String>,
    pub(super) review_on: Option<String>,
    pub(super) language: Option<String>,
    pub(super) from: Option<String>,
}

/// Other words for those that are there, as they were typed.
pub(super) struct Changes {
    pub(super) id: String,
    pub(super) text: Option<String>,
    pub(super) title: Option<String>,
    pub(super) review_on: Option<String>,
}

/// Proposes new words of a kind.
pub(super) async fn propose(
    context: &Context,
    journal: &mut Reached,
    kind: &'static str,
    proposal: Proposal,
) -> Result<Said, Failure> {
    let text = text::take(context, proposal.text.as_deref(), "").await?;
    let request = AgreementRequest::Propose {
        from: proposal.from,
        title: proposal.title.unwrap_or_else(|| text::title_of(&text.text)),
        text: text.text.clone(),
        language: proposal.language.unwrap_or_else(own_language),
        review_on: proposal.review_on,
    };
    let done = one(journal, kind, request).await;
    Ok(Said::Done("Proposed", text.keep(context, done)?))
}

/// Changes words, in an editor where nothing else is to be changed.
pub(super) async fn change(
    context: &Context,
    journal: &mut Reached,
    kind: &'static str,
    changes: Changes,
) -> Result<Said, Failure> {
    let Changes {
        id,
        text,
        title,
        review_on,
    } = changes;
    let review_on = review_on.map(|date| Some(date).filter(|date| date != "none"));
    let nothing_else = title.is_none() && review_on.is_none();
    let (id, text) = match text.as_deref() {
        Some(given) => (id, Some(text::take(context, Some(given), "").await?)),
        None if nothing_else => {
            let before = show(journal, id).await?;
            let draft = format!("{}\n", before.own.words());
            (before.id, Some(text::take(context, None, &draft).await?))
        }
        None => (id, None),
    };
    let words = text.as_ref().map(|text| text.text.clone());
    let request = AgreementRequest::Edit {
        id,
        title,
        text: words,
        review_on,
        base: None,
    };
    let outcome = one(journal, kind, request).await;
    let done = match &text {
        Some(text) => Text::keep(text, context, outcome),
        None => outcome,
    };
    Ok(Said::Done("Changed", done?))
}

/// Which words to agree to.
#[derive(Debug, Args)]
pub struct Agree {
    /// Which one
    pub(super) id: String,
    /// Agree without being shown the words and asked
    #[arg(long)]
    pub(super) yes: bool,
}

/// Agrees: shows exactly what would be agreed to and asks, unless it was said that it need not.
pub(super) async fn agree(
    context: &Context,
    journal: &mut Reached,
    kind: &'static str,
    Agree { id, yes }: Agree,
) -> Result<Said, Failure> {
    let asks = context.may_ask && !yes && !context.out.is_json();
    let (id, expect_hash) = if asks {
        ask_to_agree(context, journal, id).await?
    } else {
        (id, None)
    };
    let request = AgreementRequest::Agree { id, expect_hash };
    Ok(Said::Done(
        "You agreed to",
        one(journal, kind, request).await?,
    ))
}

/// Says no, with or without a reason.
pub(super) async fn decline(
    journal: &mut Reached,
    kind: &'static str,
    WithReason { id, reason }: WithReason,
) -> Result<Said, Failure> {
    let request = AgreementRequest::Decline { id, reason };
    Ok(Said::Done(
        "You declined",
        one(journal, kind, request).await?,
    ))
}

/// Ends an agreement.
pub(super) async fn end(
    journal: &mut Reached,
    kind: &'static str,
    WithReason { id, reason }: WithReason,
) -> Result<Said, Failure> {
    let request = AgreementRequest::End { id, reason };
    Ok(Said::Done("You ended", one(journal, kind, request).await?))
}

/// Does one of the verbs that need nothing more.
pub(super) async fn one(
    journal: &mut Reached,
    kind: &'static str,
    ask: AgreementRequest,
) -> Result<Box<Entry>, Failure> {
    let kind = kind.to_owned();
    entry(journal, Request::Agreement { kind, ask }).await
}

/// The hash says to the holder what was shown.
async fn ask_to_agree(
    context: &Context,
    journal: &mut Reached,
    id: String,
) -> Result<(String, Option<String>), Failure> {
    let mut terminal = Terminal::open()?;
    let entry = show(journal, id).await?;
    context.out.say(&words::entry(
        context.out,
        &Entry {
            history: Vec::new(),
            ..(*entry).clone()
        },
    ))?;
    context.out.say("")?;
    if terminal
        .ask_yes_or_no("Do you agree to exactly these words?")
        .await?
    {
        let agreement = entry.own.agreement();
        let hash = agreement.map(|agreement| agreement.hash.clone());
        Ok((entry.id, hash))
    } else {
        Err(Advice::SaidNo.into())
    }
}

pub(super) fn date(typed: &str) -> Result<String, String> {
    // Exactly one way to write a date, since it is part of the text that both agree to.
    match typed.parse::<Date>() {
        Ok(date) if date.to_string() == typed => Ok(typed.to_owned()),
        _ => Err("write year, month and day: 2027-03-01".to_owned()),
    }
}

pub(super) fn date_or_none(typed: &str) -> Result<String, String> {
    if typed == "none" {
        Ok(typed.to_owned())
    } else {
        date(typed)
    }
}

/// The language of the person's system, from the variables of POSIX; English where they say nothing.
pub(super) fn own_language() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    language_of(
        set("LC_ALL")
            .or_else(|| set("LC_MESSAGES"))
            .or_else(|| set("LANG"))
            .as_deref(),
    )
}

/// `de_CH.UTF-8@euro` is `de-CH`, `C` and `POSIX` are no language.
fn language_of(locale: Option<&str>) -> String {
    let tag = locale
        .unwrap_or_default()
        .split(['.', '@'])
        .next()
        .unwrap_or_default()
        .replace('_', "-");
    let language = tag.split('-').next().unwrap_or_default();
    let is_tag = tag.split('-').all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if is_tag && (2..=3).contains(&language.len()) {
        tag
    } else {
        "en".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_come_from_the_locale() {
        for (locale, language) in [
            (Some("de_DE.UTF-8"), "de-DE"),
            (Some("pt_BR"), "pt-BR"),
            (Some("sr_RS@latin"), "sr-RS"),
            (Some("C.UTF-8"), "en"),
            (Some("POSIX"), "en"),
            (Some("../../etc"), "en"),
            (None, "en"),
        ] {
            assert_eq!(language_of(locale), language, "{locale:?}");
        }
    }

    #[test]
    fn dates_are_written_in_one_way() {
        assert_eq!(date("2027-03-01").as_deref(), Ok("2027-03-01"));
        for wrong in [
            "2027-02-29",
            "20270301",
            "2027-3-1",
            "1 March",
            "2027-03-01T10:00",
            "",
        ] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
        assert_eq!(date_or_none("none").as_deref(), Ok("none"));
    }
}
