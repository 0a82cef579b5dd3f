//! The other rows of the table.

use std::path::Path;
use std::time::{Duration, Instant};

use amends_replica::Replica;

use crate::device::{Pair, Up};
use crate::figures::{Bound, Samples};
use crate::limits::{self, Commit};
use crate::machine::{self, bytes_over, cpu, memory};
use crate::{Bench, Row, Told, edits, grow, peers, trace};

/// Every row that is wanted, with homes where they lie now.
pub(crate) fn all(bench: &mut Bench<'_>) -> Told<()> {
    let store = machine::file_system(&bench.folder);
    let wants = |row| bench.arguments.wants(row);
    let grown = [
        Row::Edits,
        Row::Trace,
        Row::Wire,
        Row::CatchUp,
        Row::Commands,
        Row::Idle,
        Row::Open,
    ]
    .map(wants);
    bench.figures.at(&store, 0);
    if wants(Row::Pairing) {
        pairing(bench)?;
    }
    if wants(Row::Peers) {
        let entries = bench
            .arguments
            .entries
            .iter()
            .copied()
            .max()
            .unwrap_or(10_000)
            // Asked for two thousand at once, samod's side here had not found them after a minute; of what it waits is not known.
            .min(1_000);
        bench.figures.at(&store, entries);
        peers::all(bench, entries);
    }
    if !grown.contains(&true) {
        return Ok(());
    }
    for entries in bench.arguments.entries.clone() {
        bench.figures.at(&store, entries);
        let pair = Pair::new(&bench.folder, bench.apart)?;
        let begun = Instant::now();
        let bytes = grow::grow(&pair.ana, entries)?;
        eprintln!(
            "{entries} entries written in {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        catch_up(bench, &pair, entries, bytes)?;
        if bench.arguments.wants(Row::Open) {
            open(bench, &pair)?;
        }
        if bench.arguments.wants(Row::Commands) {
            commands(bench, &pair)?;
        }
        let wants = |row| bench.arguments.wants(row);
        if [Row::Idle, Row::Edits, Row::Trace, Row::Wire]
            .map(wants)
            .contains(&true)
        {
            let mut ups = pair.up()?;
            if bench.arguments.wants(Row::Idle) {
                idle(bench, &mut ups);
            }
            if bench.arguments.wants(Row::Edits) {
                edits::latency(bench, &pair, &mut ups, 3_000, "edit, 3,000")?;
                edits::latency(bench, &pair, &mut ups, 100_000, "edit, 100,000")?;
            }
            if bench.arguments.wants(Row::Trace) {
                trace::grown(bench, &pair, &mut ups)?;
            }
            if bench.arguments.wants(Row::Wire) {
                edits::wire(bench, &pair, &mut ups)?;
            }
            ups.0.down()?;
            ups.1.down()?;
        }
    }
    Ok(())
}

/// Bo's device has nothing, Ana's has all. Where the row is not wanted it only brings them together.
fn catch_up(bench: &mut Bench<'_>, pair: &Pair, entries: u64, bytes: u64) -> Told<()> {
    const ROW: &str = "catching up";
    let up = pair.ana.up(None)?;
    let listen = format!("{}:0", pair.bo.address);
    let sync = [
        "sync",
        "--timeout",
        "15m",
        "--peer",
        &up.listen,
        "--listen",
        &listen,
    ];
    let wire = bytes_over("cable0");
    let begun = Instant::now();
    let mut running = pair.bo.start(&sync)?;
    let (mut peak, mut worked) = (0.0, 0.0);
    let pid = running.pid();
    let ended = loop {
        peak = memory(pid, "VmHWM").unwrap_or(peak);
        // A thread that ended is not counted any more.
        worked = cpu(pid).max(worked);
        if running.is_over() {
            break begun.elapsed();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    running.ended_well()?;
    std::thread::sleep(Duration::from_millis(80));
    let wire = bytes_over("cable0")
        .zip(wire)
        .map(|(after, before)| after - before);
    let peaks = [peak, memory(up.running.pid(), "VmHWM").unwrap_or_default()];
    let busy = cpu(up.running.pid());
    let (printed, listed) = pair.bo.timed_unlocking(&["boundary", "list"])?;
    let list: Vec<serde_json::Value> =
        serde_json::from_str(&printed).map_err(|error| error.to_string())?;
    if list.len() as u64 != entries {
        return Err(format!("of {entries} entries {} came", list.len()));
    }
    if bench.arguments.wants(Row::CatchUp) {
        let (_, again) = pair.bo.timed_unlocking(&sync)?;
        let (records, alone) = limits::open_and_verify(&pair.bo, 1)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (_, all) = limits::open_and_verify(&pair.bo, cores)?;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let one = |value: f64| Samples::of([value]);
        let limit = Some(("open and verify, all cores", ms(all)));
        let figures = &mut bench.figures;
        figures.add(
            ROW,
            format!("sync of {entries} entries ({records} records) from nothing, from its start to its end"),
            "ms",
            &one(ms(ended)),
            limit,
            if entries == 10_000 { Bound::AtMost(1000.0) } else { Bound::None },
        );
        figures.add(
            ROW,
            "- sync with nothing to do",
            "ms",
            &one(ms(again)),
            None,
            Bound::None,
        );
        figures.add(
            ROW,
            "- boundary list after it, unlocking",
            "ms",
            &one(ms(listed)),
            None,
            Bound::None,
        );
        figures.add(
            ROW,
            "- open and verify, one core",
            "ms",
            &one(ms(alone)),
            None,
            Bound::None,
        );
        figures.add(
            ROW,
            "- CPU of the sync",
            "ms",
            &one(worked),
            None,
            Bound::None,
        );
        figures.add(
            ROW,
            "- CPU of the up that gives",
            "ms",
            &one(busy),
            None,
            Bound::None,
        );
        let bound = if entries == 10_000 {
            Bound::AtMost(120.0)
        } else {
            Bound::None
        };
        figures.add(
            ROW,
            "- peak memory of the sync",
            "MB",
            &one(peaks[0] / 1e3 * 1.024),
            None,
            bound,
        );
        figures.add(
            ROW,
            "- peak memory of the up that gives",
            "MB",
            &one(peaks[1] / 1e3 * 1.024),
            None,
            bound,
        );
        match wire {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            Some(wire) => {
                let limit = Some(("the texts' own bytes", bytes as f64 / 1e3));
                figures.add(
                    ROW,
                    "- on the wire, both ways",
                    "kB",
                    &one(wire / 1e3),
                    limit,
                    Bound::Times(2.0),
                );
            }
            None => crate::skipped("bytes of catching up", "no network of its own"),
        }
    }
    up.down()
}

/// Does something again and again beside a hello world, for half a minute at most; gives what it took, what hello took, and what it
/// computed.
fn beside(
    bench: &Bench<'_>,
    mut each: impl FnMut(usize) -> Told<Duration>,
) -> Told<(Samples, Samples, Samples)> {
    let (mut took, mut hello) = (Samples::default(), Samples::default());
    let mut busy = 0.0;
    let begun = Instant::now();
    for n in 0..bench.arguments.samples {
        hello.took(bench.hello.once()?);
        let before = machine::cpu_of_children();
        took.took(each(n)?);
        busy += machine::cpu_of_children() - before;
        if n >= 4 && begun.elapsed() > Duration::from_secs(30) {
            break;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let each = busy / took.len() as f64;
    Ok((took, hello, Samples::of([each])))
}

fn commands(bench: &mut Bench<'_>, pair: &Pair) -> Told<()> {
    let ana = &pair.ana;
    let in_keyring = ana.run(&["passphrase", "--keyring", "on"]).is_ok();
    let alone = |arguments: &[&str]| {
        let timed = if in_keyring {
            ana.timed(arguments)
        } else {
            ana.timed_unlocking(arguments)
        };
        timed.map(|(_, took)| took)
    };
    let unlocked = if in_keyring {
        "no up, key from the keyring"
    } else {
        crate::skipped(
            "the vault key from the keyring",
            "the kernel's key store does not let us",
        );
        "no up, passphrase in a file"
    };
    let list = ["boundary", "list"];

    let (took, hello, busy) = beside(bench, |_| alone(&list))?;
    let limit = Some(("hello world", hello.median()));
    bench.figures.add(
        "list, alone",
        format!("boundary list --json, {unlocked}"),
        "ms",
        &took,
        limit,
        Bound::Times(60.0),
    );
    bench
        .figures
        .add("list, alone", "- CPU of it", "ms", &busy, None, Bound::None);

    let (took, hello, busy) = beside(bench, |_| alone(&["status"]))?;
    let limit = Some(("hello world", hello.median()));
    bench.figures.add(
        "list, alone",
        format!("- status --json, {unlocked}"),
        "ms",
        &took,
        limit,
        Bound::None,
    );
    bench
        .figures
        .add("list, alone", "- CPU of it", "ms", &busy, None, Bound::None);

    let commit = Commit::new(&bench.folder)?;
    let mut commits = Samples::default();
    let (took, hello, busy) = beside(bench, |n| {
        commits.took(commit.once(n)?);
        let text = grow::text(1_000_000 + n as u64, grow::CHARACTERS);
        alone(&["boundary", "propose", &text])
    })?;
    let limit = Some(("hello world + commit", hello.median() + commits.median()));
    bench.figures.add(
        "propose, alone",
        format!("boundary propose, {unlocked}"),
        "ms",
        &took,
        limit,
        Bound::Times(3.0),
    );
    bench.figures.add(
        "propose, alone",
        "- CPU of it",
        "ms",
        &busy,
        None,
        Bound::None,
    );
    bench.figures.add(
        "propose, alone",
        "- one durable commit",
        "ms",
        &commits,
        None,
        Bound::None,
    );
    // It is not left in the keyring of whoever runs this.
    if in_keyring {
        ana.run(&["passphrase", "--keyring", "off"])?;
    }

    let up = ana.up(None)?;
    let (took, hello, busy) = beside(bench, |_| Ok(ana.timed(&list)?.1))?;
    let limit = Some(("hello world", hello.median()));
    bench.figures.add(
        "list, up",
        "boundary list --json, up running",
        "ms",
        &took,
        limit,
        Bound::Times(20.0),
    );
    bench.figures.add(
        "list, up",
        "- CPU of the command",
        "ms",
        &busy,
        None,
        Bound::None,
    );

    let search = ["search", "evening sleep"];
    let mut found = 0;
    ana.timed(&search)?;
    let (took, hello, _) = beside(bench, |_| {
        let (printed, took) = ana.timed(&search)?;
        found = printed.matches("\"id\"").count();
        Ok(took)
    })?;
    let limit = Some(("hello world", hello.median()));
    bench.figures.add(
        "search",
        format!("search, up running, {found} found"),
        "ms",
        &took,
        limit,
        Bound::Times(40.0),
    );
    let (took, hello, _) = beside(bench, |n| {
        let text = grow::text(2_000_000 + n as u64, grow::CHARACTERS);
        ana.timed(&["boundary", "propose", &text])?;
        Ok(ana.timed(&search)?.1)
    })?;
    let limit = Some(("hello world", hello.median()));
    bench.figures.add(
        "search",
        "- the first after a change",
        "ms",
        &took,
        limit,
        Bound::Times(40.0),
    );
    up.down()
}

fn open(bench: &mut Bench<'_>, pair: &Pair) -> Told<()> {
    const ROW: &str = "opening";
    let key = grow::vault_key(&pair.ana)?;
    let (mut opened, mut cards, mut many) = (Samples::default(), Samples::default(), 0);
    for _ in 0..bench.arguments.samples.min(20) {
        let begun = Instant::now();
        let path = pair.ana.home().join("journal.db");
        let store = amends_store::Store::open(path, key.journal_store(), Box::new(grow::rng()))
            .map_err(|error| error.to_string())?;
        let replica = Replica::load(&grow::OnShelf(&store)).map_err(|error| error.to_string())?;
        opened.took(begun.elapsed());
        drop(replica);
        let (n, took) = limits::cards(&store)?;
        cards.took(took);
        many = n;
        store.close().map_err(|error| error.to_string())?;
    }
    let limit = Some(("read and open the cards", cards.median()));
    bench.figures.add(
        ROW,
        format!("store opened and replica loaded, {many} cards, in this process"),
        "ms",
        &opened,
        limit,
        Bound::Times(3.0),
    );
    Ok(())
}

fn idle(bench: &mut Bench<'_>, ups: &mut (Up, Up)) {
    const ROW: &str = "idle";
    let seconds = bench.arguments.idle_seconds;
    let pids = [ups.0.running.pid(), ups.1.running.pid()];
    ups.0.running.settles();
    ups.1.running.settles();
    let (before, wire) = (pids.map(cpu), bytes_over("cable0"));
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(seconds));
    let lasted = begun.elapsed().as_secs_f64();
    let wire = bytes_over("cable0")
        .zip(wire)
        .map(|(after, before)| after - before);
    let resident = pids.map(|pid| memory(pid, "VmRSS").unwrap_or_default() / 1e3 * 1.024);
    let busy = [0, 1].map(|n| (cpu(pids[n]) - before[n]) / lasted / 10.0);
    let figures = &mut bench.figures;
    figures.add(
        ROW,
        "resident, each up",
        "MB",
        &Samples::of(resident),
        None,
        Bound::AtMost(40.0),
    );
    figures.add(
        ROW,
        format!("- of one core, over {lasted:.0} s, each up"),
        "%",
        &Samples::of(busy),
        None,
        Bound::AtMost(0.1),
    );
    match wire {
        Some(wire) => figures.add(
            ROW,
            "- on the wire, both ways together",
            "B/s",
            &Samples::of([wire / lasted]),
            None,
            Bound::AtMost(200.0),
        ),
        None => crate::skipped("bytes of an idle pair", "no network of its own"),
    }
}

fn pairing(bench: &mut Bench<'_>) -> Told<()> {
    const ROW: &str = "pairing";
    let (mut alone, mut with_session) = (Samples::default(), Samples::default());
    for _ in 0..20 {
        let (pairing, session) = limits::pairing_alone()?;
        alone.took(pairing);
        with_session.took(session);
    }
    let limit = Some(("both sides' cryptography", alone.median()));
    for finding in [false, true] {
        if finding && !bench.apart {
            crate::skipped("pairing without an address", "no network of its own");
            continue;
        }
        let mut took = Samples::default();
        for _ in 0..bench.arguments.samples.min(10) {
            let pair = Pair::apart(&bench.folder, bench.apart)?;
            took.took(pair.pairs(finding)?.took);
        }
        let figures = &mut bench.figures;
        if finding {
            figures.add(
                ROW,
                "code entered to paired, found by mDNS",
                "ms",
                &took,
                limit,
                Bound::AtMost(2000.0),
            );
        } else {
            figures.add(
                ROW,
                "code entered to paired, at a known address",
                "ms",
                &took,
                limit,
                Bound::Times(3.0),
            );
            figures.add(ROW, "- the same", "ms", &took, limit, Bound::AtMost(500.0));
        }
    }
    let figures = &mut bench.figures;
    figures.add(
        ROW,
        "- cryptography of the pairing and of the first session, both sides",
        "ms",
        &with_session,
        None,
        Bound::None,
    );
    Ok(())
}

/// The size of what is released.
pub(crate) fn size(bench: &mut Bench<'_>) {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../dist/amends");
    bench.figures.at("", 0);
    match std::fs::metadata(&built) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        Ok(file) => {
            let size = Samples::of([file.len() as f64 / 1e6]);
            bench.figures.add(
                "size",
                "the program, stripped",
                "MB",
                &size,
                None,
                Bound::AtMost(16.0),
            );
        }
        Err(_) => crate::skipped(
            "the program's size",
            "cargo build --profile dist was not run",
        ),
    }
}
