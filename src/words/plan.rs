//! Plans in words for people.

use crate::request::{Plan, Step, What, Wish};
use crate::terminal::{line, lines};

/// A plan, whole, with an empty line behind it.
pub(super) fn all(plan: &Plan) -> Vec<String> {
    let mut said = Vec::new();
    if !plan.text.trim().is_empty() {
        said.extend([lines(&plan.text), String::new()]);
    }
    if let Some(date) = &plan.date {
        said.extend([format!("On {}.", line(date)), String::new()]);
    }
    if !plan.steps.is_empty() {
        said.push("Steps:".to_owned());
        said.extend(plan.steps.iter().map(step));
        said.push(String::new());
    }
    if !plan.wishes.is_empty() {
        said.push("Wishes:".to_owned());
        said.extend(plan.wishes.iter().map(wish));
        said.push(String::new());
    }
    if let (Some(on), Some(by)) = (&plan.finished_on, &plan.finished_by) {
        said.push(format!(
            "{} says that it is finished, since {}.",
            line(by),
            line(on)
        ));
        said.push(String::new());
    }
    said
}

fn names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| line(name)).collect();
    names.join(" and ")
}

fn step(step: &Step) -> String {
    let asks = !step.confirm_asked_by.is_empty();
    let by = step.done_by.as_deref().map(line).unwrap_or_default();
    let on = step.done_on.as_deref().map(line).unwrap_or_default();
    let (mark, stands) = match step.state.as_str() {
        "confirmed" => ("x", format!("done on {on}, as both say")),
        "done" if asks => (
            "~",
            format!("{by} did it on {on}; it waits to be confirmed"),
        ),
        "done" => ("x", format!("{by} did it on {on}")),
        _ => {
            let mut facts = vec![names(&step.owners)];
            facts.extend(step.due.as_ref().map(|due| format!("until {}", line(due))));
            facts.extend(asks.then(|| "to be confirmed when it is done".to_owned()));
            (" ", facts.join(", "))
        }
    };
    format!(
        "  {} [{mark}] {} ({stands}) · {}",
        step.number,
        line(&step.text),
        line(&step.step)
    )
}

fn wish(wish: &Wish) -> String {
    let what = match wish.what {
        What::Place => "a place",
        What::Thing => "a thing",
        What::Food => "food",
    };
    format!(
        "  {} {} ({what}, {}) · {}",
        line(&wish.number),
        line(&wish.text),
        line(&wish.by),
        line(&wish.wish)
    )
}
