//! Whole devices, measured: the released program in real processes, each figure with its limit measured beside it in the same run.
//!
//! ```text
//! cargo bench --bench devices                            every row, 10,000 entries, homes on the disk and in memory
//! cargo bench --bench devices -- --rows edits,wire       some of them
//! cargo bench --bench devices -- --entries 100,1000,10000,100000
//! ```
//!
//! Where the machine gives network namespaces, Ana's and Bo's devices stand in two of them, at the ends of a cable; otherwise
//! both at 127.0.0.1, and what needs a network of its own is left out loudly. What each row is, and the latest figures, are in
//! `docs/performance.md`.

mod device;
mod edits;
mod figures;
mod grow;
mod limits;
mod machine;
mod peers;
mod rows;
#[path = "../common/text.rs"]
mod text;
mod trace;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, ValueEnum};

use figures::Figures;
use machine::Machine;

/// What went wrong, as one sentence.
pub(crate) type Told<T> = Result<T, String>;

/// A row of the table, or some that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// One edit, from one `up` to the other.
    Edits,
    /// A text that two people really wrote, edit by edit.
    Trace,
    /// What one edit weighs on the wire.
    Wire,
    /// Everything from nothing.
    CatchUp,
    /// Commands, with and without `up`.
    Commands,
    /// A code entered, to paired.
    Pairing,
    /// `up`, and nothing to do.
    Idle,
    /// Opening a journal after unlocking.
    Open,
    /// What people would use instead.
    Peers,
    /// The program itself.
    Size,
}

/// Where homes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum On {
    Disk,
    Memory,
}

/// Measures whole devices.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench devices --")]
pub(crate) struct Arguments {
    /// Which rows; all where absent.
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Sizes of the journal.
    #[arg(long, value_delimiter = ',', default_value = "10000")]
    entries: Vec<u64>,
    /// Where the homes lie; both where absent.
    #[arg(long, value_enum)]
    on: Option<On>,
    /// A folder for the homes, in place of one beside the build.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// How often each thing is done at most.
    #[arg(long, default_value_t = 60)]
    pub(crate) samples: usize,
    /// For how long an idle `up` is looked at.
    #[arg(long, default_value_t = 60)]
    pub(crate) idle_seconds: u64,
    /// One JSON value instead of a table.
    #[arg(long)]
    json: bool,
    /// Stay on loopback where there are namespaces, too.
    #[arg(long)]
    loopback: bool,
    /// What cargo gives every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    pub(crate) fn wants(&self, row: Row) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }
}

/// Says loudly that something was left out.
pub(crate) fn skipped(what: &str, why: &str) {
    eprintln!("!!! SKIPPED: {what}: {why}");
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().collect();
    if let [_, echo, address] = &given[..]
        && echo == limits::ECHO
    {
        return ended(limits::echo(address));
    }
    let arguments = Arguments::parse();
    let inside = std::env::var_os(INSIDE).is_some();
    if !inside && arguments.wants(Row::Peers) {
        peers::prepare();
    }
    if !inside && !arguments.loopback {
        match enter(&given) {
            Ok(Some(code)) => return code,
            Ok(None) => skipped(
                "network namespaces",
                "this machine gives none (unshare); both devices are at 127.0.0.1",
            ),
            Err(error) => return ended(Err(error)),
        }
    }
    ended(measured(&arguments, inside))
}

fn ended(outcome: Told<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Not measured: {error}");
            ExitCode::FAILURE
        }
    }
}

const INSIDE: &str = "AMENDS_BENCH_INSIDE_NAMESPACES";

/// Bo's device stands in a network of its own, on the other end of a cable. /run is in memory.
const A_CABLE: &str = "
    ip link set lo up
    mount -t tmpfs none /run
    mkdir -p /run/netns
    ip netns add bo
    ip link add cable0 type veth peer name cable1 netns bo
    ip addr add 10.97.0.1/24 dev cable0
    ip link set cable0 up
    ip -n bo link set lo up
    ip -n bo addr add 10.97.0.2/24 dev cable1
    ip -n bo link set cable1 up";

/// Runs this again in namespaces of its own, where the machine gives them. A user namespace is asked for last: in one the kernel's
/// keyring is another.
fn enter(given: &[String]) -> Told<Option<ExitCode>> {
    let works = |flags: &&&str| {
        let probe = Command::new("unshare")
            .args([flags, "sh", "-ec", A_CABLE])
            .stdin(Stdio::null())
            .output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(flags) = ["-nm", "-Urnm"].iter().find(works) else {
        return Ok(None);
    };
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = Command::new("unshare")
        .args([flags, "sh", "-ec"])
        .arg(format!("{A_CABLE}\nexec \"$0\" \"$@\""))
        .arg(this)
        .args(given.iter().skip(1))
        .env(INSIDE, "1")
        .status()
        .map_err(|error| error.to_string())?;
    Ok(Some(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }))
}

/// All that rows need.
pub(crate) struct Bench<'a> {
    pub(crate) arguments: &'a Arguments,
    /// Whether the two devices stand in networks of their own.
    pub(crate) apart: bool,
    /// Where homes lie now.
    pub(crate) folder: PathBuf,
    pub(crate) in_memory: bool,
    pub(crate) hello: limits::Hello,
    pub(crate) figures: Figures,
}

fn measured(arguments: &Arguments, apart: bool) -> Told<()> {
    let machine = Machine::here(apart);
    eprintln!("{}", machine.told());
    let mut bench = Bench {
        arguments,
        apart,
        folder: PathBuf::new(),
        in_memory: false,
        hello: limits::Hello::new()?,
        figures: Figures::default(),
    };
    if arguments.wants(Row::Size) {
        rows::size(&mut bench);
    }
    for (on, folder) in places(arguments, apart) {
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        bench.in_memory = on == On::Memory;
        bench.folder = folder;
        if bench.in_memory && machine::file_system(&bench.folder) != "tmpfs" {
            skipped("homes in memory", "/dev/shm is no tmpfs");
            continue;
        }
        rows::all(&mut bench)?;
    }
    if arguments.json {
        let whole = serde_json::json!({ "machine": machine, "figures": bench.figures.all });
        println!("{whole}");
    } else {
        println!("\n{}\n\n{}", machine.told(), bench.figures.table());
    }
    Ok(())
}

fn places(arguments: &Arguments, apart: bool) -> Vec<(On, PathBuf)> {
    let disk = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("devices"),
    };
    let memory = PathBuf::from(if apart {
        "/run/devices"
    } else {
        "/dev/shm/amends-devices"
    });
    [(On::Disk, disk), (On::Memory, memory)]
        .into_iter()
        .filter(|(on, _)| arguments.on.is_none_or(|wanted| wanted == *on))
        .collect()
}
