//! The wall, tried with files of your own: each is put where an Automerge change belongs, in a record that the partner's key
//! signed, in an envelope that the pair's key sealed, and given to a device that holds an honest journal.
//!
//! ```text
//! cargo run --release --example wall -- FOLDER
//! cargo run --release --example wall -- --samples FOLDER     writes honest changes there, to be altered
//! cargo run --release --example wall -- --place              says what a change must name to fit
//! ```
//!
//! A file whose name begins with a kind and a part, such as `plan-own-7.bin`, goes into that part of the entry of that kind;
//! any other into `--into KIND/PART`, `boundary/shared` where that is not said. `--summary` leaves out the line for each file.
//! Folders in it are read too, links to folders are not followed.
//!
//! Everything is real but the network and the disk: two replicas that met and wrote an entry of each kind, their keys, logs and
//! envelopes, the seven steps of PROTOCOL section 6, and a shelf in memory. The attacked device is a process of its own
//! that lives on from file to file; a file that ends it, or on which it works for over 20 s, is counted and said, and the next one
//! meets a new one. What the wall refuses is kept there, set aside, as on any device, and every 32nd time the device starts
//! anew with it. After each file every honest part is compared with what it was, byte for byte. Where a file is taken, since an
//! honest partner might have written it, its part has grown by it: then every part must load, hold every honest change that it held,
//! and take Ana's next edit, and the home is put back, so that the next file meets the same part.
//!
//! The time is from the frame's bytes to the end of what the device does about them. The memory is that of the whole
//! process (VmHWM, set back before each file by clear_refs), and in brackets by how much it rose.
//!
//! It ends with 1 where anything was not as promised: a process ended, over 2 s, over 300 MB, an honest part changed or not loaded.

#[path = "wall/device.rs"]
mod device;
#[path = "wall/files.rs"]
mod files;
#[path = "wall/story.rs"]
mod story;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use amends_journal::{EntryKind, PartKind};
use device::{Into, Met, Stands};
use story::Told;

/// What no file may take.
const MOST_MICROS: u64 = 2_000_000;
const MOST_KIB: u64 = 300 * 1024;
/// When a file is given up.
const PATIENCE: Duration = Duration::from_secs(20);

const USAGE: &str = "usage: wall [--into KIND/PART] [--summary] FOLDER | --samples FOLDER | --place [--into KIND/PART]";
const AS_DEVICE: &str = "--as-the-device-that-is-attacked";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Told<bool> {
    let mut into = Into {
        kind: EntryKind::Boundary,
        part: PartKind::Shared.byte(),
    };
    let (mut folder, mut samples, mut summary, mut place) = (None, None, false, false);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some(AS_DEVICE) => return device::serve().map(|()| true),
            Some("--summary") => summary = true,
            Some("--place") => place = true,
            Some("--samples") => samples = Some(arguments.next().ok_or(USAGE)?),
            Some("--into") => {
                let said = arguments.next().ok_or(USAGE)?;
                into = said
                    .to_str()
                    .and_then(|said| files::into_of(said, '/'))
                    .ok_or("--into takes KIND/PART, such as boundary/shared or plan/own")?;
            }
            _ if folder.is_none() => folder = Some(PathBuf::from(argument)),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if let Some(folder) = samples {
        return write_samples(&PathBuf::from(folder)).map(|()| true);
    }
    if place {
        println!("{}", device::place(into)?);
        return Ok(true);
    }
    let folder = folder.ok_or(USAGE)?;
    let mut tried = Tried::default();
    let mut device = Attacked::start()?;
    for file in files::all(&folder)? {
        let name = files::shown(&file, &folder);
        match files::read(&file) {
            Err(why) => {
                tried.unreadable += 1;
                println!("{name}: not read: {why}");
            }
            Ok((bytes, whole)) => {
                let into = files::into_of_file(&file).unwrap_or(into);
                let met = device.meets(into, &bytes)?;
                tried.count(&name, into, whole, met, summary);
            }
        }
    }
    let stands = device.end()?;
    Ok(tried.tell(&stands))
}

fn write_samples(folder: &std::path::Path) -> Told<()> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    for sample in story::live()?.samples {
        std::fs::write(folder.join(&sample.name), &sample.change)
            .map_err(|error| error.to_string())?;
        println!("{}: {} bytes", sample.name, sample.change.len());
    }
    Ok(())
}

/// What became of a file: an answer, or none.
enum Answer {
    Met(Met),
    /// The process ended, or was ended since it worked for too long.
    Ended(String),
}

/// The device that is attacked, seen from outside.
struct Attacked {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Attacked {
    fn start() -> Told<Attacked> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .arg(AS_DEVICE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the device does not start: {error}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("the device has no output")?;
        let (say, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Attacked {
            child,
            input,
            lines,
        })
    }

    fn meets(&mut self, into: Into, bytes: &[u8]) -> Told<Answer> {
        let job = (into.kind.byte(), into.part, bytes.len());
        let job = serde_json::to_string(&job).map_err(|error| error.to_string())?;
        let given = self.input.as_mut().is_some_and(|input| {
            writeln!(input, "{job}")
                .and_then(|()| input.write_all(bytes))
                .and_then(|()| input.flush())
                .is_ok()
        });
        let line = if given {
            self.lines.recv_timeout(PATIENCE)
        } else {
            Err(RecvTimeoutError::Disconnected)
        };
        let why = match line {
            Ok(line) => {
                let met = serde_json::from_str(&line).map_err(|error| error.to_string())?;
                return Ok(Answer::Met(met));
            }
            Err(RecvTimeoutError::Timeout) => {
                let _gone_already = self.child.kill();
                let _reaped = self.child.wait();
                format!("it did not end within {} s", PATIENCE.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().map_err(|error| error.to_string())?;
                format!("it ended the device's process: {status}")
            }
        };
        *self = Attacked::start()?;
        Ok(Answer::Ended(why))
    }

    fn end(mut self) -> Told<Stands> {
        drop(self.input.take());
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .map_err(|_| "the device gives no account of itself at the end")?;
        let _reaped = self.child.wait();
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }
}

/// All that was tried.
#[derive(Default)]
struct Tried {
    files: u64,
    taken: u64,
    unreadable: u64,
    by_step: BTreeMap<String, u64>,
    slowest: (u64, String),
    heaviest: (u64, String),
    rose: (u64, String),
    measured: bool,
    wrong: Vec<String>,
}

impl Tried {
    fn count(&mut self, name: &str, into: Into, whole: bool, answer: Answer, summary: bool) {
        self.files += 1;
        let (verdict, wrong) = match answer {
            Answer::Ended(why) => (format!("NOT AS PROMISED: {why}"), Some(why)),
            Answer::Met(met) => {
                let memory = self.measure(name, &met);
                let verdict = if met.taken {
                    self.taken += 1;
                    "taken".to_owned()
                } else {
                    let step = met.why.split(':').next().unwrap_or_default();
                    let step = match step.strip_prefix("step ") {
                        Some(number) => format!("step {number}"),
                        None => "step 7".to_owned(),
                    };
                    let why = met.why.strip_prefix(&format!("{step}: "));
                    let why = why.unwrap_or(&met.why).to_owned();
                    *self.by_step.entry(step.clone()).or_default() += 1;
                    format!("refused at {step}: {why}")
                };
                let millis = met.micros as f64 / 1000.0;
                let wrong = met
                    .wrong
                    .or_else(|| (met.micros > MOST_MICROS).then(|| format!("{millis:.0} ms")))
                    .or_else(|| {
                        let (peak, _) = met.peak.filter(|(peak, _)| *peak > MOST_KIB)?;
                        Some(format!("{} MB", peak / 1024))
                    });
                let note = match &wrong {
                    Some(wrong) => format!("  NOT AS PROMISED: {wrong}"),
                    None => String::new(),
                };
                let cut = if whole { "" } else { " (its first 2 MiB)" };
                (
                    format!("{verdict}{cut}  {millis:.3} ms  {memory}{note}"),
                    wrong,
                )
            }
        };
        if !summary || wrong.is_some() {
            let part = if into.part == 0 { "shared" } else { "own" };
            println!("{name}: {}/{part}: {verdict}", into.kind.name());
        }
        if let Some(wrong) = wrong {
            self.wrong.push(format!("{name}: {wrong}"));
        }
    }

    fn measure(&mut self, name: &str, met: &Met) -> String {
        let keep = |most: &mut (u64, String), value: u64| {
            if value > most.0 || most.1.is_empty() {
                *most = (value, name.to_owned());
            }
        };
        keep(&mut self.slowest, met.micros);
        let Some((peak, before)) = met.peak else {
            return "memory not measured here".to_owned();
        };
        self.measured = true;
        keep(&mut self.heaviest, peak);
        keep(&mut self.rose, peak.saturating_sub(before));
        let mb = |kib: u64| kib as f64 / 1024.0;
        format!(
            "{:.1} MB (+{:.1})",
            mb(peak),
            mb(peak.saturating_sub(before))
        )
    }

    /// Says how it went; false where anything was not as promised.
    fn tell(&self, stands: &Stands) -> bool {
        let refused: u64 = self.by_step.values().sum();
        let steps: Vec<String> = self
            .by_step
            .iter()
            .map(|(step, count)| format!("{step}: {count}"))
            .collect();
        println!();
        println!(
            "{} files: {} taken, {refused} refused ({}), {} not as promised; {} more could not be read",
            self.files,
            self.taken,
            steps.join(", "),
            self.wrong.len(),
            self.unreadable
        );
        if self.files > 0 {
            let mb = |kib: u64| kib as f64 / 1024.0;
            println!(
                "slowest {:.3} ms ({})",
                self.slowest.0 as f64 / 1000.0,
                self.slowest.1
            );
            if self.measured {
                println!(
                    "most memory of the process {:.1} MB ({}), greatest rise {:.1} MB ({})",
                    mb(self.heaviest.0),
                    self.heaviest.1,
                    mb(self.rose.0),
                    self.rose.1
                );
            }
        }
        for wrong in self.wrong.iter().take(100) {
            println!("NOT AS PROMISED: {wrong}");
        }
        match &stands.wrong {
            None => println!(
                "the honest journal: {} parts, {} changes, {} bytes: unchanged byte for byte, loads, and takes both people's next edits",
                stands.parts, stands.changes, stands.bytes
            ),
            Some(wrong) => println!("NOT AS PROMISED: the honest journal: {wrong}"),
        }
        self.wrong.is_empty() && stands.wrong.is_none()
    }
}
