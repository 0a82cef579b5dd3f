//! What every face (command line, local socket, later the page) can ask of the process that holds the journal,
//! and what it answers. The same values travel in-process and, as JSON lines, over the local socket.
//!
//! Times are RFC 3339 in UTC, dates `YYYY-MM-DD`, ids the short form that people type.
//!
//! A crate of its own, since none of what the program is built from is needed to say it; and since the JSON of a list of ten
//! thousand is made here ([`Entry::json_onto`]), which a person waits for, it is built for speed as the other crates are.

mod across;
mod apology;
mod calendar;
mod checkin;
mod entry;
mod export;
mod feel;
mod finding;
mod made;
mod memory;
mod packet;
mod plan;
mod space;
mod talk;

use serde::{Deserialize, Serialize};

pub use across::{Due, Found, History, VersionLine, Week};
pub use apology::{Apology, ApologyRequest, ApologyWords};
pub use calendar::{DatedDay, DatedTimes, Dates};
pub use checkin::{Agenda, Checkin, CheckinRequest, Point, Schedule, ScheduleStep, Session};
pub use entry::{ActLine, Agreement, Entry, Met, Own, Unread, Why};
pub use export::Exported;
pub use feel::{FeelRequest, Feeling, FeelingChange};
pub use finding::{Finding, State};
pub use made::{BrokeOff, Made, Making, NotTaken, PIECE};
pub use memory::{Memory, MemoryRequest, Photo, PhotoSaved};
pub use packet::{Packet, PacketItem, PacketPages, PacketRequest, PacketStanding};
pub use plan::{Owner, Plan, PlanRequest, Step, What, Wish};
pub use space::{Held, Space, SpaceNow, SpaceRequest};
pub use talk::{Account, Hearing, Keeping, Talk, TalkRequest};

/// One thing a person or a script asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Show a code and wait for a partner (PROTOCOL section 1, host).
    PairHost {
        /// The address to listen on, as it was typed; any free port on every real interface where absent.
        listen: Option<String>,
    },
    /// Join with a code that was read from a prompt or from standard input.
    PairJoin {
        /// The code as it was typed or pasted.
        code: String,
        /// Where the host listens, for networks that mDNS does not cross.
        peer: Option<String>,
        /// As in [`Request::PairHost`].
        listen: Option<String>,
    },
    /// Meet the partner once, then say what went each way.
    Sync {
        /// How long to look for the partner, in milliseconds.
        timeout_ms: u64,
        /// An address of the partner's device to try besides those that are known and found.
        peer: Option<String>,
    },
    /// Write a bundle for the partner's device.
    BundleWrite {
        /// The file, as an absolute path.
        path: String,
        /// Everything, not only what the partner's device lacks by what it last said.
        all: bool,
        /// Write over a file that is there.
        force: bool,
        /// Leave the photos out.
        #[serde(default)]
        no_photos: bool,
    },
    /// Read a bundle that the partner's device wrote.
    BundleRead {
        /// The file, as an absolute path.
        path: String,
    },
    /// Write everything into one sealed file.
    BackupWrite {
        /// The file, as an absolute path.
        path: String,
        /// Write over a file that is there.
        force: bool,
    },
    /// Write everything that is this person's to read into a new folder, in the clear.
    Export {
        /// The folder, as an absolute path: nothing is there, or an empty folder.
        path: String,
    },
    /// Stay subscribed to everything that changes until the conversation is dropped.
    Watch,
    /// Stop the process that holds the journal.
    Down,
    /// What waits, what has not reached the partner, when they last met.
    Status {
        /// This part alone of what waits for this person, in its order; all of it where absent.
        #[serde(default)]
        part: Option<Part>,
    },
    /// Look at the stores, the keys, the clock and the network.
    Doctor {
        /// An address of the partner's device to try besides those that are known and found.
        peer: Option<String>,
        /// Ask nothing by mDNS.
        quiet: bool,
    },
    /// All entries of a kind, those in the private store included.
    List {
        /// The kind's name.
        kind: String,
        /// Some of them, the newest first; all, the oldest first, where absent.
        #[serde(default)]
        part: Option<Part>,
        /// For whoever only hands all of them on: answered by [`Response::Json`].
        #[serde(default)]
        as_json: bool,
    },
    /// One entry, with its history.
    Show {
        /// Any unique beginning of its id.
        id: String,
    },
    /// Everything, by week.
    Timeline {
        /// Entries of this part of it alone, counted from the newest, and how many each week has; all of them where absent.
        #[serde(default)]
        part: Option<Part>,
    },
    /// What is due until a day.
    Due {
        /// The last day, as `YYYY-MM-DD`; today where absent.
        until: Option<String>,
    },
    /// Where words stand.
    Search {
        /// As they were typed.
        words: String,
        /// How many entries to give at most.
        most: u64,
    },
    /// Every version of an entry.
    History {
        /// Any unique beginning of its id.
        id: String,
    },
    /// One of the verbs of words that both agree to.
    Agreement {
        /// The name of their kind: an entry of another one is refused.
        kind: String,
        /// The verb.
        ask: AgreementRequest,
    },
    /// One of the verbs of an apology.
    Apology(ApologyRequest),
    /// One of the verbs of a packet.
    Packet(PacketRequest),
    /// One of the verbs of a feeling.
    Feel(FeelRequest),
    /// One of the verbs of a plan.
    Plan(PlanRequest),
    /// One of the verbs of a memory.
    Memory(MemoryRequest),
    /// One of the verbs of a space.
    Space(SpaceRequest),
    /// One of the verbs of a talk.
    Talk(TalkRequest),
    /// What has a time or a day, for a calendar file.
    Dates,
    /// One of the verbs of a check-in that are none of an agreement's.
    Checkin(CheckinRequest),
}

/// A part of a long list, for who shows no more than fits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Part {
    /// Which entries count.
    #[serde(default)]
    pub of: Which,
    /// How many of the newest to pass over.
    #[serde(default)]
    pub skip: u64,
    /// How many at most.
    pub most: u64,
}

/// Which entries of a list count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Those of which something is in force.
    InForce,
    /// Plans that are not finished.
    Open,
}

/// The verbs of words that both agree to: a boundary, a lesson (DESIGN section 6). `id` is any unique beginning of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Entry explains them"
)]
pub enum AgreementRequest {
    /// New words, for the partner to answer. Whoever proposes agrees to what they propose.
    Propose {
        /// The entry that they came from.
        #[serde(default)]
        from: Option<String>,
        title: String,
        text: String,
        language: String,
        review_on: Option<String>,
    },
    /// Another text, title or date; what is absent stays. `review_on`: `Some(None)` takes the date away.
    Edit {
        id: String,
        title: Option<String>,
        text: Option<String>,
        #[serde(default, with = "double_option")]
        review_on: Option<Option<String>>,
        /// The text and title that `text` and `title` were made from, where somebody may have written in them meanwhile:
        /// what was put in and taken away since then is done to them as they are now. Absent, they are replaced.
        #[serde(default)]
        base: Option<Base>,
    },
    /// Agree to the text as it stands; with `expect_hash`, only if it is still the one that was shown.
    Agree {
        id: String,
        #[serde(default)]
        expect_hash: Option<String>,
    },
    /// Say no to it.
    Decline { id: String, reason: Option<String> },
    /// End one's agreement, alone.
    End { id: String, reason: Option<String> },
    /// Say why it matters to oneself; empty takes it back.
    Why { id: String, why: String },
    /// Look at what is in force again, and keep it as it is until another date: it is agreed like a new text.
    Keep {
        id: String,
        review_on: Option<String>,
    },
}

/// What somebody saw when they began to write.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Base {
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The text.
    #[serde(default)]
    pub text: Option<String>,
}

impl Base {
    /// What comes of new words where others stand by now. What was not seen is replaced.
    #[must_use]
    pub fn onto(seen: Option<&String>, new: String, now: &str) -> String {
        match seen {
            Some(seen) => amends_journal::merge(seen, &new, now),
            None => new,
        }
    }
}

/// Keeps "say nothing" and "say none" apart in JSON, which serde alone does not.
mod double_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        v: &Option<Option<String>>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match v {
            None => ("keep", None::<&String>).serialize(s),
            Some(inner) => ("set", inner.as_ref()).serialize(s),
        }
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        d: D,
    ) -> Result<Option<Option<String>>, D::Error> {
        let (what, value) = <(String, Option<String>)>::deserialize(d)?;
        Ok((what == "set").then_some(value))
    }
}

/// What a face says during a conversation that asks back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// To [`Event::Number`]: does the other screen show the same number?
    SameNumber {
        /// Whether it does.
        yes: bool,
    },
    /// To [`Event::NewCodeNeedsKey`]: show another code.
    NewCode,
    /// To [`Event::PairFailed`] at the joiner: the next code typed.
    Code {
        /// The code as it was typed or pasted.
        code: String,
    },
}

/// What happens during a conversation, before its [`Response`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of DESIGN section 6")]
#[expect(
    clippy::large_enum_variant,
    reason = "a few wait at a time, and the large one is what mostly happens"
)]
pub enum Event {
    /// pair, host: a code is on the screen. `expires` in RFC 3339.
    Code {
        code: String,
        paste: String,
        listen: Vec<String>,
        expires: String,
    },
    /// pair: the other device is found and the key exchange begins.
    Found,
    /// pair: what it waits for now, for a progress line (`looking`, `waiting`, `exchanging`, `partner_confirms`, `finishing`).
    Progress { stage: String },
    /// pair: both screens show this number and the other's name; answer with [`Answer::SameNumber`].
    Number { number: String, name: String },
    /// pair: the code was wrong, or something else failed; the host shows a new code by itself, the joiner may answer [`Answer::Code`].
    PairFailed {
        code: String,
        message: String,
        hint: String,
    },
    /// pair, host: three codes failed; a key press ([`Answer::NewCode`]) is needed for another.
    NewCodeNeedsKey,
    /// pair: done. The partner's name.
    Paired { partner: String },
    /// up: where this device listens.
    Up { listen: Vec<String> },
    /// A session with the partner's device is open.
    Met { partner: String },
    /// The last session with the partner's device closed.
    Parted { partner: String },
    /// An entry changed; `by` is a name.
    Changed { by: String, entry: Entry },
    /// Every record of mine in this entry is on the partner's disk.
    Reached { id: String },
    /// Something that arrived was refused or set aside, and why.
    Refused { message: String },
    /// Words for a person about something odd that was noticed (clock, an older copy of a home, …).
    Notice { message: String },
    /// sync and up: how far it is: changes that went each way, and records that are still to come, or are here and not on the other
    /// device's disk yet. On `up` only what takes over a second, and at most once a second.
    Transfer {
        sent: u64,
        received: u64,
        to_come: u64,
        to_go: u64,
    },
    /// bundle: how far it is, in bytes, once it takes over a second; `of` is the whole, where it is known.
    Bundling { bytes: u64, of: Option<u64> },
    /// sync and up: pieces of photos that are still to come, and that are here and not on the other device yet; at most once a
    /// second.
    Photos { to_come: u64, to_go: u64 },
}

/// The end of a conversation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "response", content = "value", rename_all = "snake_case")]
pub enum Response {
    /// Done, and there is nothing to say about it.
    Done,
    /// The entry that was made, changed or asked for.
    Entry(Box<Entry>),
    /// All of a kind.
    Entries(Vec<Entry>),
    /// The same as the JSON that scripts read, which is still being made.
    Json(Made),
    /// Everything, by week.
    Timeline(Vec<Week>),
    /// What is due.
    Due(Vec<Due>),
    /// Where words stand.
    Found(Vec<Found>),
    /// Every version of an entry.
    History(Box<History>),
    /// How things stand.
    Status(Box<Status>),
    /// What was found.
    Findings(Vec<Finding>),
    /// What a session begins with.
    Agenda(Box<Agenda>),
    /// What has a time or a day.
    Dates(Box<Dates>),
    /// The partner was met.
    Synced(Synced),
    /// A backup is written.
    BackupWritten(BackupWritten),
    /// A photo is written into a file.
    PhotoSaved(PhotoSaved),
    /// A bundle is written.
    BundleWritten(BundleWritten),
    /// A bundle is read.
    BundleRead(Box<BundleReceived>),
    /// Everything is written.
    Exported(Exported),
    /// A packet, as a counselor would read it.
    Packet(Box<Packet>),
    /// What goes into a packet's file.
    PacketPages(Box<PacketPages>),
    /// It failed.
    Failed(Failure),
}

/// What went each way at a meeting (`sync`, DESIGN section 6).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Synced {
    /// Records of mine that the partner's device took.
    pub sent: u64,
    /// Records that came.
    pub received: u64,
    /// The partner's device acknowledged everything that is here.
    pub partner_has_all: bool,
    /// Everything that the partner's device said it holds is here.
    pub have_all: bool,
    /// The partner's name.
    pub partner: String,
}

/// A backup that was written (`backup write`).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct BackupWritten {
    /// Where it is.
    pub file: String,
    /// Its size.
    pub bytes: u64,
}

/// A bundle that was written (`bundle write`).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct BundleWritten {
    /// Where it is.
    pub file: String,
    /// Records in it.
    pub records: u64,
    /// Pieces of photos in it.
    #[serde(default)]
    pub chunks: u64,
    /// Its size.
    pub bytes: u64,
    /// The partner's name.
    pub partner: String,
}

/// What a bundle brought (`bundle read`).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct BundleReceived {
    /// Records that came and are kept.
    pub received: u64,
    /// Pieces of photos that came and are kept.
    #[serde(default)]
    pub chunks: u64,
    /// Records that were here before.
    pub already_here: u64,
    /// Records that could not be taken, since others that come before them are not here.
    pub waiting: u64,
    /// What is none of this pair's.
    pub refused: u64,
    /// Why the last of that was refused.
    pub reason: Option<String>,
    /// What it says of how far things have reached.
    pub heard: BundleHeard,
    /// The partner's device holds more of what was written here than this home does.
    pub older_copy: bool,
    /// Entries that have not reached the partner.
    pub not_reached: u64,
    /// The partner's name.
    pub partner: String,
}

/// What a bundle said of how far its writer holds the journal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum BundleHeard {
    /// Nothing that could be believed.
    Nothing,
    /// This device wrote it itself.
    Own,
    /// Less than is known here.
    Older,
    /// It was heard.
    Heard,
}

/// How things stand (`status --json`, DESIGN section 6).
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Status {
    /// This person's name.
    pub name: String,
    /// null before pairing.
    pub partner: Option<String>,
    /// paired, but the other device has not confirmed yet.
    pub unconfirmed: bool,
    /// What waits for this person.
    pub waiting_for_me: Vec<Waits>,
    /// How many things wait, where only a part of them was asked for too.
    #[serde(default)]
    pub waiting: u64,
    /// Entries that have not reached the partner.
    pub not_reached: u64,
    /// When a session with the partner's device was last open; null before the first.
    pub last_met: Option<String>,
    /// Until when one of the two has asked for space, the later where both have; null where nobody has.
    pub space: Option<String>,
    /// The spaces that last, one of each person at most.
    #[serde(default)]
    pub spaces: Vec<SpaceNow>,
    /// What waits here for the end of the partner's space.
    #[serde(default)]
    pub held: Vec<Held>,
    /// When the two sit down together next, by the schedule in force; a date where its time zone is not known here.
    #[serde(default)]
    pub next_checkin: Option<String>,
    /// Memories that come up on this day, since both want them to; `why` is `this_day`.
    #[serde(default)]
    pub this_day: Vec<Waits>,
    /// Records set aside or refused, one line each, with the reason: what is set aside is said for as long as it is, what was
    /// refused until the program that holds the journal ends.
    pub refused: Vec<String>,
    /// Whether a session with the partner is open now.
    pub connected: bool,
    /// Records that the partner's device says exist but have not come.
    pub not_come: u64,
    /// Pieces of photos that are named and have not come.
    #[serde(default)]
    pub photos_to_come: u64,
    /// Pieces of photos that are here, and of which the partner's device has not said that it has them.
    #[serde(default)]
    pub photos_to_go: u64,
    /// Whose device runs an older version of the program than the other, by what was said when they last met: `mine`,
    /// `partners`, or null.
    #[serde(default)]
    pub older: Option<String>,
    /// How often each device came back from a backup or a copy.
    #[serde(default)]
    pub incarnations: Incarnations,
}

/// The logs that each device has written, one for each incarnation of it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Incarnations {
    /// This device's; 1 where it never came back from a backup or a copy, 0 before pairing.
    pub mine: u64,
    /// The partner's.
    pub partners: u64,
    /// This home is a copy, and the next edit begins another one.
    pub copy: bool,
}

/// One thing that waits for this person.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Waits {
    /// The entry's id.
    pub id: String,
    /// The entry's kind.
    pub kind: String,
    /// The entry's title, or the beginning of its text.
    pub title: String,
    /// What it waits for: `agree` or `review`; of a talk `asked`, `confirm`, `hear`, `tell` or `lost`.
    pub why: String,
}

/// What failed, then what to do. Made in `src/advice.rs` only.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Failure {
    /// For scripts, in snake_case.
    pub code: String,
    /// The process's exit code (DESIGN section 6).
    pub exit: u8,
    /// What failed.
    pub message: String,
    /// What to do.
    pub hint: String,
}
