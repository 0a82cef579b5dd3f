//! The journal in words for people. Whatever somebody wrote is made harmless here, on its way to the terminal.

pub mod across;
pub mod apology;
pub mod checkin;
pub mod doctor;
pub mod export;
pub mod feel;
pub mod memory;
pub mod packet;
mod plan;
mod space;
pub mod talk;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::advice;
use crate::request::{
    ActLine, Agreement, BundleHeard, BundleReceived, BundleWritten, Entry, Event, Own, Photo,
    Status, Synced, Why,
};
use crate::terminal::{Output, beginning, line, lines};

pub use space::{held, space_asked, space_over};

/// Columns that the beginning of a text may take in a list.
const LIST_WIDTH: usize = 60;

/// A time of the journal on this person's clock: `22 Nov 2026, 14:03`.
pub fn when(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(time) => time
            .to_zoned(TimeZone::system())
            .strftime("%-d %b %Y, %H:%M")
            .to_string(),
        Err(_) => line(rfc3339),
    }
}

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What to call an entry within a sentence: its title, else the beginning of its text.
pub fn name_of(entry: &Entry) -> String {
    format!("“{}”", beginning(title_or_words(entry), 40))
}

fn title_or_words(entry: &Entry) -> &str {
    [&entry.title, entry.own.words()]
        .into_iter()
        .find(|words| !words.trim().is_empty())
        .unwrap_or(entry.own.kind())
}

fn state(entry: &Entry) -> String {
    if let Own::Space(space) = &entry.own {
        return space::state(entry, space);
    }
    if let Own::Talk(_) = &entry.own {
        return talk::state(&entry.state).to_owned();
    }
    if let Some(state) = checkin::state(entry) {
        return state;
    }
    let author = line(&entry.author);
    if let (Own::Apology(_), Some(state)) = (&entry.own, apology::state(entry)) {
        return state;
    }
    match entry.state.as_str() {
        "proposed" => format!("proposed by {author}"),
        "agreed" => "agreed by both".to_owned(),
        "changed" => "changed since both agreed".to_owned(),
        other => line(other),
    }
}

/// One line for each entry, or what is said where there is none.
pub fn list(out: Output, entries: &[Entry], none: &str) -> String {
    if entries.is_empty() {
        return none.to_owned();
    }
    let width = |of: &dyn Fn(&Entry) -> String| {
        entries
            .iter()
            .map(|e| of(e).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (ids, states) = (width(&|e| line(&e.id)), width(&state));
    let rows = entries.iter().map(|entry| {
        let name = title_or_words(entry);
        let reached = match (entry.private, entry.reached) {
            (true, _) => "private",
            (_, true) => "reached",
            (_, false) => "waiting",
        };
        let (id, state) = (line(&entry.id), state(entry));
        format!(
            "{id:ids$}  {state:states$}  {reached}  {}",
            out.bold(&beginning(name, LIST_WIDTH))
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Everything about one entry.
pub fn entry(out: Output, entry: &Entry) -> String {
    let mut said = Vec::new();
    if !entry.title.trim().is_empty() {
        said.push(out.bold(&line(&entry.title)));
    }
    let mut facts = vec![line(&entry.id), state(entry), when(&entry.created)];
    if let Some(date) = entry.own.agreement().and_then(|a| a.review_on.as_ref()) {
        facts.push(format!("to be looked at again on {}", line(date)));
    }
    if let Some(from) = &entry.from {
        facts.push(format!("from {}", line(from)));
    }
    said.push(facts.join(" · "));
    said.push(String::new());
    if entry.unread {
        said.push(advice::UNREAD.to_owned());
        said.push(String::new());
    }
    match &entry.own {
        Own::Boundary(agreement) | Own::Lesson(agreement) | Own::Packet(agreement) => {
            said.extend(agreed_words(agreement));
        }
        Own::Unread(_) => {}
        Own::Feeling(feeling) => said.extend(feel::all(feeling)),
        Own::Memory(memory) => said.extend(memory::all(memory)),
        Own::Plan(plan) => said.extend(plan::all(plan)),
        Own::Space(space) => said.extend(space::about(entry, space)),
        Own::Talk(talk) => said.extend(talk::told(talk)),
        Own::Apology(apology) => said.extend(apology::all(apology)),
        Own::Checkin(checkin) => {
            said.extend(checkin::about(checkin));
            if !checkin.agreement.text.trim().is_empty() {
                said.extend(agreed_words(&checkin.agreement));
            }
            said.extend(checkin::next(checkin));
        }
    }
    said.push(reached(entry).to_owned());
    said.extend(not_come(entry));
    if !entry.history.is_empty() {
        said.push(String::new());
        said.extend(entry.history.iter().map(match &entry.own {
            Own::Apology(_) => apology::act,
            _ => act,
        }));
    }
    said.join("\n")
}

/// Words that both agree to, and who does.
fn agreed_words(agreement: &Agreement) -> Vec<String> {
    let mut said = vec![lines(&agreement.text), String::new()];
    for Why { by, why } in &agreement.whys {
        said.push(format!("Why it matters to {}:", line(by)));
        said.push(lines(why));
        said.push(String::new());
    }
    let in_force = agreement.in_force.as_ref();
    if let Some(in_force) = in_force.filter(|text| **text != agreement.text) {
        said.push("In force until both agree to the words above:".to_owned());
        said.push(String::new());
        said.push(lines(in_force));
        said.push(String::new());
    }
    said.push(match agreement.agreed_by.as_slice() {
        [] => "Nobody has agreed to exactly these words.".to_owned(),
        names => {
            let names: Vec<String> = names.iter().map(|name| line(name)).collect();
            format!("Agreed to exactly these words: {}.", names.join(" and "))
        }
    });
    said
}

fn reached(entry: &Entry) -> &'static str {
    if entry.private {
        return "It is private: nothing of it leaves this device.";
    }
    if let (Own::Memory(memory), true) = (&entry.own, entry.reached) {
        let here = |photo: &&Photo| photo.here == photo.of;
        if memory
            .photos
            .iter()
            .filter(here)
            .any(|photo| !photo.reached)
        {
            return "The words of it have reached your partner's device; its photos are not all known to have.";
        }
    }
    match (entry.reached, entry.not_readable_there) {
        (true, false) => "Everything you wrote in it has reached your partner's device.",
        (true, true) => "It has reached your partner's device, which cannot read all of it.",
        (false, _) => "It has not wholly reached your partner's device yet.",
    }
}

/// What exists and has not come, as far as that can be known, and when the two last met.
fn not_come(entry: &Entry) -> Vec<String> {
    let mut said = Vec::new();
    if entry.not_come > 0 {
        let n = count(entry.not_come, "change", "changes");
        said.push(format!(
            "{n} to it came here and cannot be taken yet: others that come before have not come."
        ));
    }
    let Some(met) = &entry.met else {
        return said;
    };
    if met.not_come > 0 {
        let n = count(met.not_come, "change", "changes");
        said.push(format!(
            "Your partner's device has spoken of {n} that did not come here yet. Whether any is to this cannot be known before it comes."
        ));
    }
    said.push(last_met(
        "Your partner",
        met.last_met.as_deref(),
        met.connected,
    ));
    said
}

/// When the two devices last met.
fn last_met(partner: &str, last_met: Option<&str>, connected: bool) -> String {
    match (last_met, connected) {
        (_, true) => format!("{partner}'s device is here now."),
        (Some(time), false) => format!("Your devices last met on {}.", when(time)),
        (None, false) => "Your devices have not met since they were paired.".to_owned(),
    }
}

fn act(act: &ActLine) -> String {
    let verb = match act.verb.as_str() {
        "propose" => "proposed it",
        "agree" => "agreed",
        "decline" => "declined",
        "end" => "ended the agreement",
        other => {
            return talk::act(act).unwrap_or_else(|| {
                format!("  {}  {} {}", when(&act.at), line(&act.by), line(other))
            });
        }
    };
    let earlier = if act.to_current_text || act.verb == "end" {
        ""
    } else {
        ", to an earlier text"
    };
    let reason = act
        .reason
        .as_deref()
        .filter(|reason| !reason.trim().is_empty());
    let reason = reason
        .map(|reason| format!(": “{}”", line(reason)))
        .unwrap_or_default();
    format!(
        "  {}  {} {verb}{earlier}{reason}",
        when(&act.at),
        line(&act.by)
    )
}

/// What was just done to an entry, in one or two lines.
pub fn done(verb: &str, entry: &Entry) -> String {
    let next = if entry.reached || entry.private {
        ""
    } else {
        "\nYour partner's device gets it when you meet: amends sync, or amends up on both."
    };
    format!("{verb} {} {}.{next}", line(&entry.id), name_of(entry))
}

/// What happened, in one line. None for what only scripts and `pair` care about.
pub fn event(out: Output, event: &Event) -> Option<String> {
    Some(match event {
        Event::Up { listen } => {
            let places: Vec<String> = listen.iter().map(|place| line(place)).collect();
            match places.as_slice() {
                [] => "Amends is up. There is no network to listen on yet.".to_owned(),
                places => format!("Amends is up and listens on {}.", places.join(", ")),
            }
        }
        Event::Met { partner } => format!("{}'s device is here.", line(partner)),
        Event::Parted { partner } => format!("{}'s device went away.", line(partner)),
        Event::Changed { by, entry } => {
            format!(
                "{} changed {} {} ({}).",
                line(by),
                line(&entry.id),
                out.bold(&name_of(entry)),
                state(entry)
            )
        }
        Event::Reached { id } => format!("{} has reached your partner's device.", line(id)),
        Event::Refused { message } | Event::Notice { message } => line(message),
        Event::Transfer {
            sent,
            received,
            to_come,
            to_go,
        } => format!(
            "Sent {sent}, received {received} so far; still to come: {to_come}, not yet on the other device: {to_go}."
        ),
        Event::Bundling { bytes, of: None } => format!("{} so far …", size(*bytes)),
        Event::Bundling {
            bytes,
            of: Some(of),
        } => format!("{} of {} so far …", size(*bytes), size(*of)),
        Event::Photos { to_come, to_go } => format!(
            "Pieces of photos still to come: {to_come}, not yet on the other device: {to_go}."
        ),
        Event::Code { .. }
        | Event::Found
        | Event::Progress { .. }
        | Event::Number { .. }
        | Event::PairFailed { .. }
        | Event::NewCodeNeedsKey
        | Event::Paired { .. } => return None,
    })
}

/// How much, for a line of progress.
fn size(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// What went each way, and what each side has now. Never just "synced": that would say more than is known.
pub fn synced(synced: &Synced) -> String {
    let partner = line(&synced.partner);
    let went = format!(
        "Sent {}, received {}.",
        count(synced.sent, "change", "changes"),
        synced.received
    );
    let have = match (synced.partner_has_all, synced.have_all) {
        (true, true) => format!("{partner}'s device has everything; so do you."),
        (true, false) => {
            format!("{partner}'s device has everything; not all that it holds has come here yet.")
        }
        (false, true) => format!(
            "You have everything that it holds; {partner}'s device does not have everything yet."
        ),
        (false, false) => "Neither device has everything yet: meet again.".to_owned(),
    };
    format!("{went} {have}")
}

/// A bundle is written: what is in it, and what to do with it.
pub fn bundle_written(written: &BundleWritten) -> String {
    let (partner, file) = (line(&written.partner), line(&written.file));
    let holds = match (written.records, written.chunks) {
        (0, 0) => format!(
            "{partner}'s device lacks nothing by what it last said; the bundle only tells it what has come here."
        ),
        (0, _) => "The bundle holds photos.".to_owned(),
        (n, 0) => format!("The bundle holds {}.", count(n, "record", "records")),
        (n, _) => format!(
            "The bundle holds {}, and photos.",
            count(n, "record", "records")
        ),
    };
    format!(
        "Wrote {file}. {holds}\nIt is sealed: only your two devices can read it. Take it over, and there: amends bundle read FILE"
    )
}

/// What a bundle brought, and what that leaves to do.
pub fn bundle_read(read: &BundleReceived) -> String {
    let partner = line(&read.partner);
    let came = match read.received {
        0 if read.chunks > 0 => "Of photos something came.".to_owned(),
        0 => "Nothing new came.".to_owned(),
        n if read.chunks > 0 => {
            format!(
                "{} came, and photos with them.",
                count(n, "record", "records")
            )
        }
        n => format!("{} came.", count(n, "record", "records")),
    };
    let mut said = vec![match read.already_here {
        0 => came,
        n => format!(
            "{came} {} here already.",
            count(n, "record was", "records were")
        ),
    }];
    if read.waiting > 0 {
        said.push(advice::bundle_waiting(read.waiting));
    }
    if read.refused > 0 {
        let reason = line(read.reason.as_deref().unwrap_or_default());
        said.push(advice::bundle_refused(read.refused, &reason));
    }
    match (read.heard, read.not_reached) {
        (BundleHeard::Nothing, _) => {}
        (BundleHeard::Own, _) => said.push(advice::BUNDLE_OWN.to_owned()),
        (BundleHeard::Older, _) => said.push(advice::BUNDLE_OLDER.to_owned()),
        (BundleHeard::Heard, 0) => {
            said.push(format!(
                "Everything you wrote has reached {partner}'s device."
            ));
        }
        (BundleHeard::Heard, n) => said.push(format!(
            "{} not reached {partner}'s device yet.",
            count(n, "entry has", "entries have")
        )),
    }
    if read.older_copy {
        said.push(advice::BUNDLE_OLDER_COPY.to_owned());
    }
    said.join("\n")
}

/// How things stand.
pub fn status(out: Output, status: &Status) -> String {
    let mut said = Vec::new();
    let name = line(&status.name);
    let Some(partner) = status.partner.as_deref().map(line) else {
        said.push(out.bold(&format!("{name}'s journal, not paired yet.")));
        said.push("On one device: amends pair. On the other: amends pair --join.".to_owned());
        return said.join("\n");
    };
    said.push(out.bold(&format!("{name}'s journal with {partner}.")));
    if status.unconfirmed {
        said.push(format!("{partner}'s device has not confirmed the pairing yet: meet with amends sync, or pair again."));
    }
    said.push(last_met(
        &partner,
        status.last_met.as_deref(),
        status.connected,
    ));
    said.extend(space::now(status, &partner));
    said.extend(status.next_checkin.as_deref().map(checkin::next_checkin));
    if status.waiting_for_me.is_empty() {
        said.push("Nothing waits for you.".to_owned());
    } else {
        said.push("Waits for you:".to_owned());
        for waits in &status.waiting_for_me {
            let why = match waits.why.as_str() {
                "agree" => "to agree or decline".to_owned(),
                "review" => "to be looked at again".to_owned(),
                "confirm" => "to confirm that a step is done".to_owned(),
                "due" => "a step is due".to_owned(),
                other => talk::waits(other).map_or_else(|| line(other), str::to_owned),
            };
            said.push(format!(
                "  {}  {} “{}”, {why}",
                line(&waits.id),
                line(&waits.kind),
                beginning(&waits.title, 40)
            ));
        }
    }
    if !status.this_day.is_empty() {
        said.push("On this day, some time ago:".to_owned());
        for memory in &status.this_day {
            said.push(format!(
                "  {}  “{}”",
                line(&memory.id),
                beginning(&memory.title, 40)
            ));
        }
    }
    said.push(match status.not_reached {
        0 => format!("Everything you wrote has reached {partner}'s device."),
        n => format!(
            "{} not reached {partner}'s device yet.",
            count(n, "entry has", "entries have")
        ),
    });
    if status.not_come > 0 {
        let n = count(status.not_come, "change", "changes");
        said.push(format!(
            "{partner}'s device has spoken of {n} that did not come here yet."
        ));
    }
    if status.photos_to_go > 0 {
        let n = count(status.photos_to_go, "piece", "pieces");
        said.push(format!(
            "Of photos {n} are not known to be on {partner}'s device."
        ));
    }
    if status.photos_to_come > 0 {
        let n = count(status.photos_to_come, "piece", "pieces");
        said.push(format!("Of photos {n} did not come here yet."));
    }
    if let Some(whose) = &status.older {
        said.push(advice::older(whose == "mine").to_owned());
    }
    if status.incarnations.copy {
        said.push(crate::advice::IS_COPY.to_owned());
    }
    let began = |n: u64| count(n.saturating_sub(1), "time", "times");
    if status.incarnations.mine > 1 {
        said.push(format!(
            "This device came back from a backup or a copy {}, and writes on under another key since.",
            began(status.incarnations.mine)
        ));
    }
    if status.incarnations.partners > 1 {
        said.push(format!(
            "{partner}'s device came back from a backup or a copy {}.",
            began(status.incarnations.partners)
        ));
    }
    if !status.refused.is_empty() {
        said.push("Set aside or refused:".to_owned());
        said.extend(status.refused.iter().map(|why| format!("  {}", line(why))));
    }
    said.join("\n")
}

#[cfg(test)]
mod tests;
