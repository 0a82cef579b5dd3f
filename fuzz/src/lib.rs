//! What is fed to every parser of bytes from outside, and what must then hold: a target for each.
//!
//! A target's body is one function. `fuzz_targets/` gives it to libFuzzer, and `tests/corpora.rs` of the program runs it
//! over `corpus/`, in `cargo test`, on any toolchain. A body panics where something does not hold that must, and gives a
//! word for what became of the bytes. [`Target::run`] adds what must hold of each: memory stays within the target's bound.
//!
//! Plain bytes would never come past a checksum, a seal or a signature. So most bodies take a first byte that says
//! whether the rest comes as it is, or is mended first: framed with the checksum that belongs to it, sealed under a key
//! that is known here, signed as a partner who turned hostile would sign it.
//!
//! `docs/testing.md` says how to run this, and how long it was run.

use std::fmt::Debug;
use std::sync::Once;

use peak_alloc::PeakAlloc;

mod at_rest;
mod carried;
mod mend;
mod page;
mod pairing;
mod partner;
mod photo;
mod sealed;
mod session;
mod texts;
mod wall;

/// Counts what is held in memory.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// One parser, or a few that stand side by side.
pub struct Target {
    /// Its name: of the binary, and of the folder in `corpus/`.
    pub name: &'static str,
    /// Longer inputs are passed over.
    pub longest: usize,
    /// What one input may have in memory at once, in bytes.
    pub memory: usize,
    /// Takes an input; says what became of it.
    pub body: fn(&[u8]) -> String,
    /// What an honest program would give, so that the fuzzer begins where it is deep. Makes all that bodies keep.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What must become of some input in the corpus: otherwise the corpus does not reach far enough.
    pub reaches: &'static [&'static str],
    /// Whether `seeds` were made once, and what the body keeps with them.
    pub warm: &'static Once,
}

impl Target {
    /// Gives an input to the body, and counts.
    ///
    /// # Panics
    /// Where something does not hold that must.
    pub fn run(&self, input: &[u8]) -> String {
        self.warm.call_once(|| drop((self.seeds)()));
        if input.len() > self.longest {
            return "too long".into();
        }
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let became = (self.body)(input);
        let used = MEMORY.peak_usage().saturating_sub(before);
        assert!(
            used <= self.memory,
            "{}: an input of {} bytes had {used} bytes in memory, {} at most",
            self.name,
            input.len(),
            self.memory
        );
        became
    }
}

/// The target of this name.
///
/// # Panics
/// Where there is none.
pub fn target(name: &str) -> &'static Target {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("no target is called {name}"))
}

macro_rules! targets {
    ($($name:literal $module:ident::$body:ident, $seeds:ident, longest $longest:expr, memory $memory:expr, reaches $reaches:expr;)*) => {
        /// All of them.
        pub static TARGETS: &[Target] = &[$(Target {
            name: $name,
            longest: $longest,
            memory: $memory,
            body: $module::$body,
            seeds: $module::$seeds,
            reaches: $reaches,
            warm: {
                static WARM: Once = Once::new();
                &WARM
            },
        }),*];
    };
}

targets! {
    "pairing" pairing::messages, message_seeds, longest 1100, memory 64 * KIB,
        reaches &["M0 taken", "M1 taken", "M2 taken", "M3 taken", "M4 taken", "M5 taken", "M6 taken", "M3 WrongCode",
            "M3 OwnKey", "M4 CommitMismatch", "M3 Bundle Name Empty", "M6 Space ItemSize", "M1 NotAPoint M1"];
    "pairing_frame" carried::pairing_frame, pairing_frame_seeds, longest 512, memory 64 * KIB,
        reaches &["0 frames, then There", "3 frames, then There", "1 frames, then TooLong"];
    "invite" texts::invite, invite_seeds, longest 1024, memory 64 * KIB,
        reaches &["typed", "scanned", "WrongCheckDigit", "Incomplete", "UnknownPrefix", "TooLong"];
    "noise" session::noise, noise_seeds, longest 512, memory 128 * KIB,
        reaches &["handshake taken", "answer taken", "handshake Refused", "frame taken", "Length", "Refused"];
    "frame" carried::frame, frame_seeds, longest 1024, memory 256 * KIB,
        reaches &["Clock", "Envelope", "Ask", "Chunk", "Have", "Lack", "Whether", "Heartbeat", "Unknown", "Names"];
    "envelope" sealed::envelope, envelope_seeds, longest 1100, memory 64 * KIB,
        reaches &["one record", "records", "Padding", "RecordCutShort", "NoRecords", "Forged", "OtherSecret", "TooShort"];
    "clock" sealed::clock, clock_seeds, longest 1100, memory 64 * KIB,
        reaches &["signed", "Signature", "Padding", "Forged"];
    "chunk" sealed::chunk, chunk_seeds, longest 1100, memory 320 * KIB,
        reaches &["opened", "Padding", "Forged", "Size", "NoSuchChunk NoSuchChunk"];
    "record" carried::record, record_seeds, longest 1024, memory 128 * KIB,
        reaches &["signed", "Short", "Trailing", "Zero", "Label"];
    "payload" carried::payload, payload_seeds, longest 1024, memory 128 * KIB,
        reaches &["items", "beginning", "Malformed", "UnknownOperation", "Empty"];
    "columns" wall::columns, column_seeds, longest 768, memory 10 * MIB,
        reaches &["step 2 Magic", "step 2 Checksum", "step 3 Read Short", "step 4 MissingDependency", "step 4 Permit", "taken"];
    "wall" wall::whole, whole_seeds, longest 768, memory 10 * MIB,
        reaches &["taken", "step 3 Read Short", "step 4 MissingDependency"];
    "bundle" carried::bundle, bundle_seeds, longest 1024, memory 64 * KIB,
        reaches &["whole", "CutShort", "Trailing", "TooLarge", "Magic", "Version"];
    "vault" at_rest::vault, vault_seeds, longest 768, memory 128 * KIB,
        reaches &["passphrase and kit", "passphrase", "Damaged", "Cost TooMuchMemory", "NotAVault", "Version"];
    "backup" at_rest::backup, backup_seeds, longest 768, memory 256 * KIB,
        reaches &["opened", "changed", "NotABackup", "header"];
    "kit" at_rest::kit, kit_seeds, longest 512, memory 64 * KIB,
        reaches &["kit", "Checksum", "NotAWord", "Count"];
    "rows" at_rest::rows, row_seeds, longest 768, memory MIB,
        reaches &["loaded", "refused"];
    "photo" photo::taken, photo_seeds, longest 4096, memory MIB,
        reaches &["image/jpeg", "image/png", "image/webp", "Damaged", "Unsupported None"];
    "request" carried::request, request_seeds, longest 1024, memory 256 * KIB,
        reaches &["request", "answer", "turn", "Malformed Error", "Closed"];
    "page" page::page, page_seeds, longest 2048, memory MIB,
        reaches &["a file", "404", "403 page_foreign", "401 page_token", "401 page_locked", "422 page_locked", "403 not_for_pages",
            "422 not_understood", "422 not_a_folder", "422 recipient_mistyped", "200", "204"];
    "texts" texts::texts, text_seeds, longest 512, memory 256 * KIB,
        reaches &["schedule", "list", "address", "peer", "recipient", "name", "reference", "tried", "act", "statement"];
    "partner" partner::says, say_seeds, longest 768, memory 8 * MIB,
        reaches &["applied", "set aside", "refused"];
}

/// What an error is, without what it holds: the names that stand in its `Debug`, from the outside in.
fn word(error: &impl Debug) -> String {
    let shown = format!("{error:?}");
    let mut words = Vec::new();
    for name in shown.split('(') {
        let end = name
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(name.len());
        if !name.starts_with(|c: char| c.is_uppercase()) {
            break;
        }
        words.push(&name[..end]);
        if end < name.len() {
            break;
        }
    }
    words.join(" ")
}
