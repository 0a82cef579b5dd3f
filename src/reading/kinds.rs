//! Apologies, plans, and sessions of a check-in.

use super::{detail, others, time};
use crate::document::{Block, Section};
use crate::request::{Apology, Plan, Session};

/// What was given, what was added, and the answer that stands.
pub(super) fn apology(apology: &Apology, section: &mut Section) {
    let words = &apology.words;
    for (heading, said) in [
        ("What I did", &words.did),
        ("How it hurt you", &words.hurt),
        ("What I own", &words.own),
        ("What I will change", &words.change),
        ("How I will repair", &words.repair),
    ] {
        under(heading, said, section);
    }
    for said in &apology.additions {
        under("Added later", said, section);
    }
    if let Some(answer) = &apology.answer {
        detail(section, "Answer", answer.replace('_', " "));
        under("Said with the answer", &apology.answer_words, section);
    }
}

/// The text, the steps in their order with whose they are, and the wishes.
pub(super) fn plan(plan: &Plan, section: &mut Section) {
    if let Some(date) = &plan.date {
        detail(section, "On", date.clone());
    }
    if let Some(date) = &plan.finished_on {
        let by = plan.finished_by.as_deref().unwrap_or_default();
        detail(section, "Finished", format!("{} {by}", on(date)));
    }
    if !plan.text.trim().is_empty() {
        section.blocks.push(Block::Words(plan.text.clone()));
    }
    let steps = plan.steps.iter().map(|step| {
        let mut said = vec![step.text.clone(), step.state.clone()];
        said.push(names(&step.owners));
        said.extend(step.due.iter().map(|due| format!("until {due}")));
        if let (Some(by), Some(date)) = (&step.done_by, &step.done_on) {
            said.push(format!("{by} said on {} that it is done", on(date)));
        }
        said.retain(|words| !words.is_empty());
        said.join(" · ")
    });
    list("Steps", steps.collect(), section);
    let wishes = plan.wishes.iter().map(|wish| {
        let what = others::name_of(&wish.what);
        format!("{} ({what}, wished by {})", wish.text, wish.by)
    });
    list("Wishes", wishes.collect(), section);
}

/// When a session was. What it spoke of are other entries, which stand for themselves where they are handed on.
pub(super) fn session(session: &Session, section: &mut Section) {
    detail(section, "Held", time(&session.started));
    detail(section, "Minutes", session.minutes.to_string());
    let (all, left) = (session.agenda.len(), session.left.len());
    detail(section, "Things on its agenda", all.to_string());
    if left > 0 {
        detail(section, "Left for the next", left.to_string());
    }
}

fn under(heading: &str, words: &str, section: &mut Section) {
    if !words.trim().is_empty() {
        section.blocks.extend([
            Block::Subheading(heading.to_owned()),
            Block::Words(words.to_owned()),
        ]);
    }
}

fn list(heading: &str, items: Vec<String>, section: &mut Section) {
    if !items.is_empty() {
        section
            .blocks
            .extend([Block::Subheading(heading.to_owned()), Block::List(items)]);
    }
}

fn names(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    names.join(" and ")
}

/// A day or a time, as it stands there.
fn on(when: &str) -> String {
    others::shown(when)
}
