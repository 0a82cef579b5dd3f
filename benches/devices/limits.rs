//! What nothing can be faster than, measured beside what is compared with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use amends_keys::identity::{LogSecret, PersonName, StaticSecret};
use amends_keys::invite::{Entered, Invite};
use amends_keys::{pairing, seal, session};
use amends_replica::Record;
use amends_store::{Store, Table};

use crate::Told;
use crate::device::{Device, OTHER};
use crate::grow;

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// One durable commit of 300 bytes: SQLite, WAL, `synchronous = FULL`, alone with its file.
pub(crate) struct Commit {
    connection: rusqlite::Connection,
    file: PathBuf,
}

impl Commit {
    /// A database in `folder`.
    pub(crate) fn new(folder: &Path) -> Told<Commit> {
        let file = folder.join("limit.db");
        let connection = rusqlite::Connection::open(&file).map_err(told)?;
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB) WITHOUT ROWID;",
            )
            .map_err(told)?;
        Ok(Commit { connection, file })
    }

    pub(crate) fn once(&self, key: usize) -> Told<Duration> {
        let mut put = self
            .connection
            .prepare_cached("INSERT OR REPLACE INTO t VALUES (?1, ?2)")
            .map_err(told)?;
        let row = [0x5au8; 300];
        let key = i64::try_from(key).map_err(told)?;
        let begun = Instant::now();
        put.execute(rusqlite::params![key, &row[..]])
            .map_err(told)?;
        Ok(begun.elapsed())
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.file.clone().into_os_string();
            name.push(end);
            drop(std::fs::remove_file(name));
        }
    }
}

/// The argument with which this harness is the other end of [`RoundTrip`].
pub(crate) const ECHO: &str = "--echo";

/// Gives back what comes, 300 bytes at a time.
pub(crate) fn echo(address: &str) -> Told<()> {
    let listener = TcpListener::bind(address).map_err(told)?;
    println!("{}", listener.local_addr().map_err(told)?);
    let (mut stream, _) = listener.accept().map_err(told)?;
    stream.set_nodelay(true).map_err(told)?;
    let mut bytes = [0; 300];
    while stream.read_exact(&mut bytes).is_ok() {
        stream.write_all(&bytes).map_err(told)?;
    }
    Ok(())
}

/// One TCP round trip of 300 bytes to a process where the other device stands.
pub(crate) struct RoundTrip {
    stream: TcpStream,
    other: Child,
}

impl RoundTrip {
    pub(crate) fn new(apart: bool) -> Told<RoundTrip> {
        let this = std::env::current_exe().map_err(told)?;
        let (mut command, address) = if apart {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", OTHER]).arg(this);
            (command, "10.97.0.2:0")
        } else {
            (Command::new(this), "127.0.0.1:0")
        };
        let mut other = command
            .args([ECHO, address])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(told)?;
        let mut place = String::new();
        let stdout = other.stdout.take().ok_or("no output")?;
        BufReader::new(stdout).read_line(&mut place).map_err(told)?;
        let stream = TcpStream::connect(place.trim()).map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        Ok(RoundTrip { stream, other })
    }

    pub(crate) fn once(&mut self) -> Told<Duration> {
        let mut bytes = [7; 300];
        let begun = Instant::now();
        self.stream.write_all(&bytes).map_err(told)?;
        self.stream.read_exact(&mut bytes).map_err(told)?;
        Ok(begun.elapsed())
    }
}

impl Drop for RoundTrip {
    fn drop(&mut self) {
        drop(self.other.kill());
        drop(self.other.wait());
    }
}

/// A program that says hello, built with the compiler and the optimisation of the release.
pub(crate) struct Hello(PathBuf);

impl Hello {
    pub(crate) fn new() -> Told<Hello> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (source, program) = (folder.join("hello.rs"), folder.join("hello"));
        if !program.exists() {
            std::fs::create_dir_all(folder).map_err(told)?;
            std::fs::write(
                &source,
                "fn main() {\n    println!(\"Hello, world!\");\n}\n",
            )
            .map_err(told)?;
            let built = Command::new("rustc")
                .args(["--edition", "2024", "-C", "opt-level=3", "-o"])
                .args([&program, &source])
                .status()
                .map_err(told)?;
            if !built.success() {
                return Err("the program that says hello cannot be built".to_owned());
            }
        }
        Ok(Hello(program))
    }

    /// From before it is started until it is gone, its output read.
    pub(crate) fn once(&self) -> Told<Duration> {
        let mut command = Command::new(&self.0);
        command
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let begun = Instant::now();
        let output = command.output().map_err(told)?;
        let took = begun.elapsed();
        (output.stdout == b"Hello, world!\n")
            .then_some(took)
            .ok_or_else(|| "it does not say hello".to_owned())
    }
}

/// All that both sides of a pairing compute for it, one after the other in one thread; and the same with the first session, that
/// over which the joiner's device says that it kept the pair.
pub(crate) fn pairing_alone() -> Told<(Duration, Duration)> {
    let mut rng = grow::rng();
    let mut device = |name: &str| -> Told<pairing::Device> {
        Ok(pairing::Device {
            static_secret: StaticSecret::generate(&mut rng),
            log_key: LogSecret::generate(&mut rng).public(),
            name: PersonName::try_from(name).map_err(told)?,
        })
    };
    let (ana, bo) = (device("Ana")?, device("Bo")?);
    let secrets = [ana.static_secret.clone(), bo.static_secret.clone()];
    let channels = pairing::Channels {
        host: b"peer of the host, 32 bytes long.",
        joiner: b"peer of the joiner, also 32 long",
    };
    let mut rng = grow::rng();
    let begun = Instant::now();
    let invite = Invite::new(&mut rng);
    let entered = Entered::parse(&invite.typed().shown()).map_err(told)?;
    let (host, m0) = pairing::host(&invite, channels, ana);
    let joiner = pairing::join(&entered, channels, bo).map_err(told)?;
    let (joiner, m1) = joiner.m0(&m0, &mut rng).map_err(told)?;
    let (host, m2) = host.m1(&m1, &mut rng).map_err(told)?;
    let (joiner, m3) = joiner.m2(&m2, &mut rng).map_err(told)?;
    let (host, m4) = host.m3(&m3).map_err(told)?;
    let joiner = joiner.m4(&m4).map_err(told)?;
    let (joiner, m5) = joiner.yes();
    let host = host.m5(&m5).map_err(told)?;
    let (here, m6) = host.yes(&mut rng).map_err(told)?;
    let there = joiner.m6(&m6).map_err(told)?;
    let paired = begun.elapsed();
    let between = session::Between {
        journal: &here.journal,
        dialer: channels.joiner,
        listener: channels.host,
    };
    let (ana, bo) = (&secrets[0], &secrets[1]);
    let (dialer, first) =
        session::Dialer::new(bo, &ana.public(), &there.session_psk, between, &mut rng)
            .map_err(told)?;
    let listener = session::Listener::new(ana, &bo.public(), &here.session_psk, between, &mut rng)
        .map_err(told)?;
    let (_, answer) = listener.answer(&first).map_err(told)?;
    dialer.finish(&answer).map_err(told)?;
    Ok((paired, begun.elapsed()))
}

/// Opens every envelope that a device holds and verifies every record in them, and nothing else, on `threads` cores. Gives how
/// many records there are, and how long that took.
pub(crate) fn open_and_verify(device: &Device, threads: usize) -> Told<(u64, Duration)> {
    let store = grow::open(device)?;
    let (journal, epoch, _) = grow::epoch(&store)?;
    let envelopes: Vec<Vec<u8>> = store
        .scan(Table::Envelope, &[], None, usize::MAX >> 1)
        .map_err(told)?
        .into_iter()
        .map(|(_, envelope)| envelope)
        .collect();
    store.close().map_err(told)?;
    let share = envelopes.len().div_ceil(threads).max(1);
    let begun = Instant::now();
    let records = std::thread::scope(|scope| -> Told<u64> {
        let working: Vec<_> = envelopes
            .chunks(share)
            .map(|envelopes| {
                let (epoch, journal) = (&epoch, &journal);
                scope.spawn(move || -> Told<u64> {
                    let mut records = 0;
                    for envelope in envelopes {
                        let opened = seal::open(envelope, epoch, journal).map_err(told)?;
                        for (record, signature) in opened.records() {
                            Record::verify(record, &signature).map_err(told)?;
                            records += 1;
                        }
                    }
                    Ok(records)
                })
            })
            .collect();
        let mut records = 0;
        for one in working {
            records += one.join().map_err(|_| "a thread stopped".to_owned())??;
        }
        Ok(records)
    })?;
    Ok((records, begun.elapsed()))
}

/// Reads and opens every sealed card, and nothing else.
pub(crate) fn cards(store: &Store) -> Told<(usize, Duration)> {
    let begun = Instant::now();
    let rows = store
        .scan(Table::Card, &[], None, usize::MAX >> 1)
        .map_err(told)?;
    Ok((rows.len(), begun.elapsed()))
}
