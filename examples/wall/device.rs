//! The process that is attacked: Ana's device. It reads jobs from its standard input and answers each with one line. It is a
//! process of its own so that an input that ends it is seen, and so that its memory can be measured.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Instant;

use amends_journal::{Actor, EntryId, EntryKind, Part, PartKind};
use amends_keys::identity::LogKey;
use amends_keys::seal;
use amends_replica::{
    Frame, Input, Item, LinkId, MemoryShelf, Record, RecordHash, Shelf, Shown, Table, actor_of,
    write_items,
};
use serde::{Deserialize, Serialize};

use crate::story::{self, Device, NOW, Story, Told, Who};

/// Set-aside records that the device keeps before its home is put back, so that its disk, which is in memory here, does
/// not grow for ever.
const KEPT: u64 = 2_048;
/// After so many it is started anew with what it has saved.
const RESTART: u64 = 32;

/// Where bytes are put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Into {
    pub(crate) kind: EntryKind,
    pub(crate) part: u8,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Met {
    pub(crate) taken: bool,
    /// Empty where it was taken.
    pub(crate) why: String,
    pub(crate) micros: u64,
    /// The greatest resident size of the process while it met this one, and before, in KiB.
    pub(crate) peak: Option<(u64, u64)>,
    /// What was not as promised.
    pub(crate) wrong: Option<String>,
}

/// What the honest part is at the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stands {
    pub(crate) parts: usize,
    pub(crate) changes: usize,
    pub(crate) bytes: usize,
    pub(crate) wrong: Option<String>,
}

/// One part as it was saved before anything came.
struct Honest {
    row: Vec<u8>,
    heads: Vec<[u8; 32]>,
}

struct Attacked {
    story: Story,
    device: Device,
    link: u64,
    forged: Record,
    /// Record rows since the home was last put back, and files since the last start.
    kept: u64,
    since: u64,
    honest: BTreeMap<Vec<u8>, Honest>,
}

/// Reads jobs until there are none.
pub(crate) fn serve() -> Told<()> {
    let mut attacked = Attacked::new()?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    while let Some((into, bytes)) = next_job(&mut input, &mut line)? {
        let met = attacked.meets(into, &bytes)?;
        answer(&mut output, &met)?;
    }
    answer(&mut output, &attacked.stands())
}

fn next_job(input: &mut impl BufRead, line: &mut String) -> Told<Option<(Into, Vec<u8>)>> {
    line.clear();
    let read = input.read_line(line).map_err(|error| error.to_string())?;
    if read == 0 {
        return Ok(None);
    }
    let (kind, part, length): (u8, u8, usize) =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    let kind = EntryKind::from_byte(kind).ok_or("a kind that is none")?;
    let into = Into { kind, part };
    let mut bytes = vec![0; length];
    input
        .read_exact(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(Some((into, bytes)))
}

fn answer(output: &mut impl Write, value: &impl Serialize) -> Told<()> {
    let mut line = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    line.push(b'\n');
    output
        .write_all(&line)
        .and_then(|()| output.flush())
        .map_err(|error| error.to_string())
}

/// A part's row: the kind, the schema, and the document.
fn load(key: &[u8], row: &[u8]) -> Told<Part> {
    let part = match key.last() {
        Some(0) => PartKind::Shared,
        _ => PartKind::Own,
    };
    let [kind, schema, document @ ..] = row else {
        return Err("a part's row is cut short".to_owned());
    };
    let kind = EntryKind::from_byte(*kind).ok_or("a kind that is none")?;
    Part::load(kind, *schema, part, document).map_err(|error| error.to_string())
}

impl Attacked {
    fn new() -> Told<Attacked> {
        let story = story::live()?;
        let mut honest = BTreeMap::new();
        let rows = story
            .ana
            .scan(Table::Part, &[], usize::MAX)
            .map_err(|error| error.to_string())?;
        for (key, row) in rows {
            let heads = load(&key, &row)?.heads();
            honest.insert(key, Honest { row, heads });
        }
        let device = Device::on(story.ana.clone(), Who::Ana)?;
        let forged = Record {
            journal: story::journal(),
            log: Who::Bo.log().public(),
            seq: 0,
            prev: RecordHash::NONE,
            epoch: 0,
            kind: 1,
            seen: Vec::new(),
            payload: Vec::new(),
        };
        let mut attacked = Attacked {
            story,
            device,
            link: 100,
            forged,
            kept: 0,
            since: 0,
            honest,
        };
        attacked.go_on()?;
        Ok(attacked)
    }

    fn bo(&self) -> LogKey {
        self.forged.log
    }

    /// A session begins, and the partner goes on where his log stands here.
    fn go_on(&mut self) -> Told<()> {
        self.link += 1;
        let link = LinkId(self.link);
        self.device.closed = false;
        self.device.feed(Input::Met {
            link,
            device: Who::Bo.static_key(),
        })?;
        let clock = self.device.replica.clock();
        (self.forged.seq, self.forged.prev) = (clock.seq(&self.bo()), clock.head(&self.bo()));
        Ok(())
    }

    fn put_back(&mut self) -> Told<()> {
        let shelf: MemoryShelf = self.story.ana.clone();
        self.device = Device::on(shelf, Who::Ana)?;
        (self.kept, self.since) = (0, 0);
        self.go_on()
    }

    fn restart(&mut self) -> Told<()> {
        self.since = 0;
        self.device.restart()?;
        self.go_on()
    }

    /// These bytes as the one change of the partner's next record, signed with his key, sealed as any other.
    fn frame(&self, into: Into, bytes: &[u8]) -> Told<(Vec<u8>, Record)> {
        let entry = *self
            .story
            .entries
            .get(&into.kind)
            .ok_or("no entry of this kind")?;
        let item = Item {
            entry,
            kind: into.kind.byte(),
            schema: amends_journal::SCHEMA,
            part: PartKind::from_byte(into.part).ok_or("a part that is none")?,
            change: bytes.to_vec(),
        };
        let mut record = self.forged.clone();
        record.seq += 1;
        record.payload = write_items(&[item]);
        let signed = record.to_bytes();
        let signature = Record::sign(&signed, &Who::Bo.log());
        let envelope = seal::seal(
            0,
            &story::epoch(),
            &story::journal(),
            [7; 24],
            &[(&signed, &signature)],
        );
        // What no envelope holds comes as it is, in the place of one.
        let envelope = envelope.unwrap_or(signed);
        Ok((Frame::Envelope(envelope).to_bytes(), record))
    }

    fn meets(&mut self, into: Into, bytes: &[u8]) -> Told<Met> {
        let (frame, record) = self.frame(into, bytes)?;
        let link = LinkId(self.link);
        self.device.shown.clear();
        self.device.sent.clear();

        let before = lower_peak();
        let from = Instant::now();
        let fed = self.device.feed(Input::Received {
            link,
            frame: &frame,
        });
        let micros = u64::try_from(from.elapsed().as_micros()).unwrap_or(u64::MAX);
        let peak = before.and_then(|before| Some((status("VmHWM:")?, before)));

        let why = match &fed {
            Ok(()) => self.device.shown.iter().find_map(|shown| match shown {
                Shown::SetAside { reason, .. } => Some(reason.clone()),
                Shown::Refused(reason) => Some(format!("step 1: {reason}")),
                _ => None,
            }),
            Err(error) => Some(error.clone()),
        };
        let wrong = fed
            .err()
            .map(|error| format!("the device failed: {error}"))
            .or_else(|| self.after(into, &record, why.is_none()).err());
        if wrong.is_some() {
            self.put_back()?;
        }
        Ok(Met {
            taken: why.is_none(),
            why: why.unwrap_or_default(),
            micros,
            peak,
            wrong,
        })
    }

    /// What must hold after it came.
    fn after(&mut self, into: Into, record: &Record, taken: bool) -> Told<()> {
        let clock = self.device.replica.clock();
        let held = clock.seq(&self.bo()) == record.seq;
        if taken {
            if !held {
                return Err("it was neither taken nor refused".to_owned());
            }
            self.holds_what_was()?;
            self.device.restart()?;
            self.go_on()?;
            self.writes_on(into)?;
            return self.put_back();
        }
        self.is_as_it_was()?;
        self.kept += 1;
        self.since += 1;
        if self.kept >= KEPT {
            self.put_back()?;
        } else if self.since >= RESTART {
            self.restart()?;
            self.is_as_it_was()?;
        } else if held {
            (self.forged.seq, self.forged.prev) = (clock.seq(&self.bo()), clock.head(&self.bo()));
        }
        if self.device.closed {
            self.device.feed(Input::Parted {
                link: LinkId(self.link),
            })?;
            self.go_on()?;
        }
        Ok(())
    }

    /// Every row of every part is byte for byte what it was.
    fn is_as_it_was(&self) -> Told<()> {
        for (key, honest) in &self.honest {
            let row = self
                .device
                .shelf
                .get(Table::Part, key)
                .map_err(|error| error.to_string())?;
            if row.as_ref() != Some(&honest.row) {
                return Err("an honest part was changed by what was refused".to_owned());
            }
        }
        Ok(())
    }

    /// Every part loads and holds every change that it held; a change's hash says what it is and what it follows.
    fn holds_what_was(&self) -> Told<()> {
        for (key, honest) in &self.honest {
            let row = self
                .device
                .shelf
                .get(Table::Part, key)
                .map_err(|error| error.to_string())?
                .ok_or("an honest part is gone")?;
            if row == honest.row {
                continue;
            }
            let part = load(key, &row)?;
            if !honest.heads.iter().all(|head| part.has(head)) {
                return Err("an honest change is gone".to_owned());
            }
        }
        Ok(())
    }

    /// Ana goes on in this entry.
    fn writes_on(&mut self, into: Into) -> Told<()> {
        let Some(entry) = self.story.entries.get(&into.kind).copied() else {
            return Ok(());
        };
        let has_text = !matches!(
            into.kind,
            EntryKind::Space | EntryKind::Feeling | EntryKind::Apology | EntryKind::Talk
        );
        if !has_text {
            return Ok(());
        }
        let next = format!("Ana's next words, at {NOW}.");
        let edited = self.device.feed(Input::Edit(story::text(entry, &next)));
        match edited {
            // A schedule and a list take only their own form.
            Err(_) if matches!(into.kind, EntryKind::Checkin | EntryKind::Packet) => Ok(()),
            Err(error) => Err(format!("the next honest edit fails: {error}")),
            Ok(()) => self.holds_what_was(),
        }
    }

    /// The honest parts at the end: unchanged, loaded anew, and taking both people's next edit.
    fn stands(&mut self) -> Stands {
        let mut stands = Stands::default();
        stands.wrong = self.at_the_end(&mut stands).err();
        stands
    }

    fn at_the_end(&mut self, stands: &mut Stands) -> Told<()> {
        self.restart()?;
        self.is_as_it_was()?;
        for key in self.honest.keys() {
            let row = self
                .device
                .shelf
                .get(Table::Part, key)
                .map_err(|error| error.to_string())?
                .ok_or("an honest part is gone")?;
            let part = load(key, &row)?;
            stands.parts += 1;
            stands.changes += part.changes();
            stands.bytes += row.len();
        }
        for sample in self.story.samples.clone() {
            let into = Into {
                kind: sample.kind,
                part: sample.part.byte(),
            };
            let (frame, _) = self.frame(into, &sample.change)?;
            let link = LinkId(self.link);
            let shown = self.device.shown.len();
            self.device.feed(Input::Received {
                link,
                frame: &frame,
            })?;
            let changed = |shown: &Shown| matches!(shown, Shown::Changed { .. });
            if !self.device.shown.iter().skip(shown).any(changed) {
                return Err(format!("{} is honest and was not taken", sample.name));
            }
            self.writes_on(into)?;
            // Each stands where the story ended, and the next one too.
            self.put_back()?;
        }
        Ok(())
    }
}

/// What a forger must know to write where an honest change belongs.
pub(crate) fn place(into: Into) -> Told<String> {
    let attacked = Attacked::new()?;
    let entry: EntryId = *attacked
        .story
        .entries
        .get(&into.kind)
        .ok_or("no entry of this kind")?;
    let mut key = entry.0.to_vec();
    key.push(into.part * 2);
    let part = match attacked.honest.get(&key) {
        Some(honest) => load(&key, &honest.row)?,
        None => {
            let part = PartKind::from_byte(into.part).ok_or("a part that is none")?;
            Part::new(into.kind, amends_journal::SCHEMA, part).map_err(|e| e.to_string())?
        }
    };
    let Actor(actor) = actor_of(&attacked.bo());
    let heads: Vec<String> = part.heads().iter().map(|head| hex(head)).collect();
    Ok(format!(
        "{} changes, {} bytes, heads {}, the partner's actor {}",
        part.changes(),
        part.weight(),
        heads.join(" "),
        hex(&actor)
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sets the greatest resident size back to the present one and gives that, in KiB (proc(5): clear_refs, 5). Elsewhere than
/// on Linux nothing is measured.
fn lower_peak() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    status("VmRSS:")
}

fn status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
