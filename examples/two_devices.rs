//! Two people, two devices, one machine: they pair by a code, write a boundary together, and nothing of it can be read in
//! their files.
//!
//! ```text
//! cargo run --release --example two_devices
//! ```
//!
//! Each device is the whole program in processes of its own, with a home of its own in a temporary folder, and they meet over
//! real sockets at 127.0.0.1. This process only types their commands and reads their screens. What the columns show is what
//! the commands printed. It ends with 1 and one sentence where anything is not as told.
//!
//! Two things are as a script does them: `--yes` stands for the two people who compare the number (the story compares it),
//! and `--argon2-memory 64` makes trying a passphrase cheaper than the 256 MiB that a home takes by default.

#[path = "two_devices/device.rs"]
mod device;
#[path = "two_devices/search.rs"]
mod search;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use device::{AS_DEVICE, Device, Running, Told};
use search::{pieces, search};

/// Surnames, since the two letters of a `Bo` stand by chance in any sealed file of some size.
const ANA: &str = "Ana Serrano";
const BO: &str = "Bo Lindqvist";
const TITLE: &str = "Evenings together";
const PROPOSED: &str = "We put our phones away at dinner.";
const ANAS: &str = "We put our phones away at dinner and in bed.";
const BOS: &str = "On weekdays we put our phones away at dinner.";
const MERGED: &str = "On weekdays we put our phones away at dinner and in bed.";
const LATER: &str = "On weekdays we put our phones away at dinner and in bed, and talk.";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    if arguments.next().is_some_and(|first| first == AS_DEVICE) {
        device::end_with_the_story();
        return amends::run(name.into_iter().chain(arguments));
    }
    match in_a_folder() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\nNot as told: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Tells the story in a folder that is gone at the end, also where somebody stops it with Ctrl-C.
fn in_a_folder() -> Told<()> {
    let folder = tempfile::Builder::new()
        .prefix("amends-")
        .tempdir()
        .map_err(|error| format!("no temporary folder could be made: {error}."))?;
    let path = folder.path().to_owned();
    let waits = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no signals can be waited for: {error}."))?;
    let told = waits.block_on(async {
        let stopped = amends::holder::stop_wished();
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(story(&path)));
        tokio::select! {
            told = told => told.unwrap_or_else(|_| Err("the story itself stopped.".to_owned())),
            () = stopped => Err("somebody stopped it.".to_owned()),
        }
    });
    let cleaned = folder
        .close()
        .map_err(|error| format!("the temporary folder could not be removed: {error}."));
    told.and(cleaned)
}

fn story(folder: &Path) -> Told<()> {
    println!(
        "Two people, two devices, one machine. Each device is the whole program, with a home of its own."
    );
    let (ana, bo) = (Device::new(folder, "Ana")?, Device::new(folder, "Bo")?);

    chapter("Each makes a journal, under a passphrase that only they know");
    for (device, name) in [(&ana, ANA), (&bo, BO)] {
        typed(device, &format!("init --name \"{name}\""));
        device.run(&["init", "--name", name, "--argon2-memory", "64"])?;
    }

    chapter("They pair, once: Ana's screen shows a code, Bo types it");
    pair(&ana, &bo)?;

    chapter("Ana proposes a boundary, and they meet");
    typed(
        &ana,
        &format!("boundary propose \"{PROPOSED}\" --title \"{TITLE}\""),
    );
    let proposed = ana.json(&["boundary", "propose", PROPOSED, "--title", TITLE])?;
    let id = proposed["id"]
        .as_str()
        .ok_or("what was proposed has no id.")?
        .to_owned();
    must(
        "it has not reached Bo before they met",
        proposed["reached"] == false,
    )?;
    meet(&ana, &bo)?;
    both_see(&ana, &bo, &id)?;
    both_hold(&ana, &bo, &id, PROPOSED, "proposed", None, &[ANA])?;

    chapter("Apart, both change the words at the same time");
    for (device, text) in [(&ana, ANAS), (&bo, BOS)] {
        typed(device, &format!("boundary edit {id} \"{text}\""));
        device.json(&["boundary", "edit", &id, text])?;
    }

    chapter("They meet: both edits are in the text, and nobody has agreed to what came of it");
    meet(&ana, &bo)?;
    both_see(&ana, &bo, &id)?;
    both_hold(&ana, &bo, &id, MERGED, "proposed", None, &[])?;

    chapter("Both read it and agree, and meet again: it is in force");
    for device in [&ana, &bo] {
        typed(device, &format!("boundary agree {id}"));
        device.json(&["boundary", "agree", &id, "--yes"])?;
    }
    meet(&ana, &bo)?;
    both_see(&ana, &bo, &id)?;
    both_hold(&ana, &bo, &id, MERGED, "agreed", Some(MERGED), &[ANA, BO])?;

    chapter("Both stay up, and Ana goes on writing");
    let (mut ana_up, mut bo_up) = stay_up(&ana, &bo)?;
    typed(&ana, &format!("boundary edit {id} \"{LATER}\""));
    let enter = Instant::now();
    let edited = ana.json(&["boundary", "edit", &id, LATER])?;
    let (event, seen) = bo_up.event("changed", |event| event["entry"]["id"] == id.as_str())?;
    must(
        "the edit came as it was written",
        event["entry"]["text"] == LATER && event["by"] == ANA,
    )?;
    must(
        "what both agreed to stays in force",
        edited["in_force"] == MERGED && event["entry"]["in_force"] == MERGED,
    )?;
    let later = seen.saturating_duration_since(enter).as_secs_f64() * 1000.0;
    println!(
        "    seen on Bo's screen {later:.1} ms later, counted from the start of Ana's command"
    );
    ana_up.event("reached", |event| event["id"] == id.as_str())?;
    println!("    reached: Bo's disk has it, and Ana's screen says so");

    chapter("Somebody looks through all files of both homes, while both are up and after");
    let sought = what_is_secret(&id);
    control(folder, &sought)?;
    for when in ["while both are up", "after both went down"] {
        for device in [&ana, &bo] {
            look_through(device, &sought, when)?;
        }
        if ana_up.is_running() {
            go_down(&ana, &mut ana_up)?;
            go_down(&bo, &mut bo_up)?;
        }
    }
    println!("\nAs told. The temporary folder is removed.");
    Ok(())
}

/// Pairs both by the code as it would be typed. The host listens at 127.0.0.1, and the joiner is told where.
fn pair(ana: &Device, bo: &Device) -> Told<()> {
    typed(ana, "pair");
    let mut hosts = ana.start_json(&["pair", "--yes", "--listen", "127.0.0.1:0"], None)?;
    let (shown, _) = hosts.event("code", |_| true)?;
    let code = shown["code"]
        .as_str()
        .ok_or("Ana's screen shows no code.")?;
    let place = shown["listen"][0]
        .as_str()
        .ok_or("Ana's screen does not say where it listens.")?;
    screen(ana, code);
    typed(bo, &format!("pair --join --peer {place}"));
    let mut joins = bo.start_json(&["pair", "-", "--yes", "--peer", place], Some(code))?;
    let (at_ana, _) = hosts.event("number", |_| true)?;
    let (at_bo, _) = joins.event("number", |_| true)?;
    for (device, number) in [(ana, &at_ana), (bo, &at_bo)] {
        let shown = format!(
            "{}   {}",
            number["name"].as_str().unwrap_or_default(),
            number["number"].as_str().unwrap_or_default()
        );
        screen(device, &shown);
    }
    must(
        "both screens show the same number",
        at_ana["number"].is_string() && at_ana["number"] == at_bo["number"],
    )?;
    must(
        "each screen names the other",
        at_ana["name"] == BO && at_bo["name"] == ANA,
    )?;
    println!("    The number is the same on both, and both say yes.");
    hosts.event("paired", |event| event["partner"] == BO)?;
    joins.event("paired", |event| event["partner"] == ANA)?;
    hosts.ended_well()?;
    joins.ended_well()
}

/// Ana is up for a moment, and Bo meets her once. Both have everything then, by the other's own word.
fn meet(ana: &Device, bo: &Device) -> Told<()> {
    let (mut up, place) = start_up(ana, &[])?;
    let met = bo.json(&["sync", "--listen", "127.0.0.1:0", "--peer", &place])?;
    must(
        "both have all",
        met["have_all"] == true && met["partner_has_all"] == true,
    )?;
    let (to_bo, to_ana) = (&met["received"], &met["sent"]);
    println!("    They meet. Changes that came to Bo: {to_bo}, to Ana: {to_ana}.");
    go_down(ana, &mut up)
}

/// `amends up` at 127.0.0.1, without mDNS; gives where it listens.
fn start_up(device: &Device, more: &[&str]) -> Told<(Running, String)> {
    let mut up = device.start_json(
        &[&["up", "--quiet", "--listen", "127.0.0.1:0"], more].concat(),
        None,
    )?;
    let (event, _) = up.event("up", |event| event["listen"][0].is_string())?;
    let place = event["listen"][0].as_str().unwrap_or_default().to_owned();
    Ok((up, place))
}

fn stay_up(ana: &Device, bo: &Device) -> Told<(Running, Running)> {
    for device in [ana, bo] {
        typed(device, "up");
    }
    let (mut ana_up, place) = start_up(ana, &[])?;
    let (mut bo_up, _) = start_up(bo, &["--peer", &place])?;
    ana_up.event("met", |event| event["partner"] == BO)?;
    bo_up.event("met", |event| event["partner"] == ANA)?;
    Ok((ana_up, bo_up))
}

fn go_down(device: &Device, up: &mut Running) -> Told<()> {
    device.run(&["down"])?;
    up.ended_well()
}

/// Shows both screens beside each other.
fn both_see(ana: &Device, bo: &Device, id: &str) -> Told<()> {
    for device in [ana, bo] {
        typed(device, &format!("boundary show {id}"));
    }
    let columns = [
        ana.run(&["boundary", "show", id])?,
        bo.run(&["boundary", "show", id])?,
    ]
    .map(|printed| wrapped(&printed, COLUMN));
    let [left, right] = &columns;
    println!();
    println!("    {:COLUMN$}   Bo's screen", "Ana's screen");
    println!("    {:─<COLUMN$}   {:─<COLUMN$}", "", "");
    for row in 0..left.len().max(right.len()) {
        let at = |column: &[String]| column.get(row).cloned().unwrap_or_default();
        println!(
            "{}",
            format!("    {:COLUMN$}   {}", at(left), at(right)).trim_end()
        );
    }
    Ok(())
}

/// Both journals hold the same, whatever the screens say of it in words.
fn both_hold(
    ana: &Device,
    bo: &Device,
    id: &str,
    text: &str,
    state: &str,
    in_force: Option<&str>,
    agreed_by: &[&str],
) -> Told<()> {
    for device in [ana, bo] {
        let who = device.person;
        let entry = device.json(&["boundary", "show", id])?;
        must(&format!("{who}'s text is “{text}”"), entry["text"] == text)?;
        must(&format!("it is {state} for {who}"), entry["state"] == state)?;
        must(
            &format!("what is in force is as told for {who}"),
            entry["in_force"].as_str() == in_force,
        )?;
        must(
            &format!("all of it has reached {who}'s partner"),
            entry["reached"] == true,
        )?;
        let mut names: Vec<&str> = entry["agreed_by"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect();
        names.sort_unstable();
        must(
            &format!("who agreed is as told for {who}"),
            names == agreed_by,
        )?;
    }
    Ok(())
}

fn what_is_secret(id: &str) -> Vec<String> {
    let texts = [TITLE, PROPOSED, ANAS, BOS, MERGED, LATER];
    let mut sought: Vec<String> = texts.iter().flat_map(|text| pieces(text)).collect();
    sought.extend(
        [
            ANA,
            BO,
            "Serrano",
            "Lindqvist",
            id,
            "a passphrase that only",
        ]
        .map(str::to_owned),
    );
    sought.sort_unstable();
    sought.dedup();
    sought
}

/// The search must find what is there: all of it, in a file that somebody left in clear, in either encoding.
fn control(folder: &Path, sought: &[String]) -> Told<()> {
    let left = folder.join("left in clear");
    let text = format!("\u{1}{}\u{3}", sought.join("\u{2}"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::create_dir(&left)
        .and_then(|()| std::fs::write(left.join("utf-8"), &text))
        .and_then(|()| std::fs::write(left.join("utf-16"), &wide))
        .map_err(|error| format!("{} could not be written: {error}.", left.display()))?;
    let found = search(&left, sought)?.found.len();
    must(
        "the search finds what is in clear",
        found == 2 * sought.len(),
    )?;
    println!(
        "    in two files left in clear:       all {} sentences, names and pieces found",
        sought.len()
    );
    Ok(())
}

fn look_through(device: &Device, sought: &[String], when: &str) -> Told<()> {
    let searched = search(device.home(), sought)?;
    if let Some((text, path)) = searched.found.first() {
        return Err(format!("“{text}” stands in clear in {}.", path.display()));
    }
    // The same search reads these files: the vault's first four bytes are no secret.
    let vault = search(device.home(), &["AMNV".to_owned()])?;
    must(
        "the search reads the homes' files",
        vault.found.iter().any(|(_, path)| path.ends_with("vault")),
    )?;
    let label = format!("{}'s home, {when}:", device.person);
    println!(
        "    {label:33} {} files, {} bytes, nothing found",
        searched.files, searched.bytes
    );
    Ok(())
}

const COLUMN: usize = 36;

/// Lines of at most `width` characters, broken between words where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut row = String::new();
        for word in line.split(' ') {
            if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        lines.push(row);
    }
    lines
}

fn chapter(title: &str) {
    println!("\n{title}");
}

fn typed(device: &Device, command: &str) {
    println!("    {:3} $ amends {command}", device.person);
}

fn screen(device: &Device, shown: &str) {
    println!("    {:3} | {shown}", device.person);
}

fn must(what: &str, holds: bool) -> Told<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("it should be that {what}."))
    }
}
