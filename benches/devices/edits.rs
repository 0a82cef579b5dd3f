//! One edit, from one `up` to the other `up` showing it; and what it weighs on the wire.

use std::time::Duration;

use amends::request::{AgreementRequest, Request};

use crate::device::{Device, Pair, Up};
use crate::figures::{Bound, Samples};
use crate::limits::{Commit, RoundTrip};
use crate::machine::{bytes_over, cpu};
use crate::{Bench, Told};

fn verb(ask: AgreementRequest) -> Request {
    Request::Agreement {
        kind: "boundary".to_owned(),
        ask,
    }
}

/// Asks for a new boundary.
pub(crate) fn proposal(text: &str) -> Request {
    verb(AgreementRequest::Propose {
        from: None,
        title: String::new(),
        text: text.to_owned(),
        language: "en".to_owned(),
        review_on: None,
    })
}

/// Asks for another text in the place of the one that stands there.
pub(crate) fn new_text(id: &str, text: &str) -> Request {
    verb(AgreementRequest::Edit {
        id: id.to_owned(),
        title: None,
        text: Some(text.to_owned()),
        review_on: None,
        base: None,
    })
}

/// A text that is edited again and again and stays as long: 20 of its characters become 20 others.
struct Text {
    id: String,
    text: String,
    edits: usize,
}

impl Text {
    /// Proposes it on Ana's device, and waits until it has reached Bo's.
    fn propose(ana: &Device, ups: &mut (Up, Up), characters: usize) -> Told<Text> {
        let text = crate::grow::text(u64::MAX, characters);
        let asked = ana.ask(&proposal(&text))?;
        let id = asked.value["id"].as_str().unwrap_or_default().to_owned();
        ups.1
            .running
            .holding(asked.begun, &["\"event\":\"changed\"", &id])?;
        ups.0
            .running
            .holding(asked.begun, &["\"event\":\"reached\"", &id])?;
        Ok(Text { id, text, edits: 0 })
    }

    /// Puts 20 characters in somewhere, as a person types, or takes them out again.
    fn typed(&mut self, is_put_in: bool) -> Request {
        self.edits += usize::from(is_put_in);
        crate::text::typed(&mut self.text, self.edits, is_put_in);
        new_text(&self.id, &self.text)
    }

    /// The next edit, somewhere else in the text each time; gives what to look for on the other screen, and the request.
    fn next(&mut self) -> (String, Request) {
        self.edits += 1;
        let mark = crate::grow::edited(&mut self.text, self.edits);
        (mark, new_text(&self.id, &self.text))
    }
}

/// Measures edits of a text of so many characters.
pub(crate) fn latency(
    bench: &mut Bench<'_>,
    pair: &Pair,
    ups: &mut (Up, Up),
    characters: usize,
    row: &'static str,
) -> Told<()> {
    let mut text = Text::propose(&pair.ana, ups, characters)?;
    let commit = Commit::new(&bench.folder)?;
    let mut round_trip = RoundTrip::new(bench.apart)?;
    let pids = [ups.0.running.pid(), ups.1.running.pid()];
    let mut limits = Samples::default();
    let (mut commits, mut trips) = (Samples::default(), Samples::default());
    let (mut shown, mut confirmed, mut reached) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut busy = [Samples::default(), Samples::default()];
    for n in 0..bench.arguments.samples {
        let (one, other) = (commit.once(n)?, round_trip.once()?);
        commits.took(one);
        trips.took(other);
        limits.took(one + other);
        let before = pids.map(cpu);
        let (mark, request) = text.next();
        let asked = pair.ana.ask(&request)?;
        let seen = ups
            .1
            .running
            .holding(asked.begun, &["\"event\":\"changed\"", &mark])?;
        let there = ups
            .0
            .running
            .holding(asked.begun, &["\"event\":\"reached\"", &text.id])?;
        shown.took(seen - asked.begun);
        confirmed.took(asked.took);
        reached.took(there - asked.begun);
        for ((pid, before), busy) in pids.into_iter().zip(before).zip(&mut busy) {
            busy.add(cpu(pid) - before);
        }
    }
    let limit = Some(("commit + round trip", limits.median()));
    let bound = match (bench.in_memory, characters) {
        (true, ..=3_000) => Bound::AtMost(1.0),
        (true, _) => Bound::AtMost(5.0),
        (false, ..=3_000) => Bound::Plus(0.7),
        (false, _) => Bound::None,
    };
    let (figures, of) = (
        &mut bench.figures,
        format!("edit of {characters} characters"),
    );
    figures.add(
        row,
        format!("{of}: asked of one up, on the other's screen"),
        "ms",
        &shown,
        limit,
        bound,
    );
    figures.add(
        row,
        "- confirmed to who asked",
        "ms",
        &confirmed,
        limit,
        Bound::None,
    );
    figures.add(
        row,
        "- on the other's disk, known here",
        "ms",
        &reached,
        limit,
        Bound::None,
    );
    let [here, there] = &busy;
    figures.add(
        row,
        "- CPU of the up that is asked",
        "ms",
        here,
        None,
        Bound::None,
    );
    figures.add(row, "- CPU of the other up", "ms", there, None, Bound::None);
    figures.add(
        row,
        "- one durable commit",
        "ms",
        &commits,
        None,
        Bound::None,
    );
    figures.add(row, "- one round trip", "ms", &trips, None, Bound::None);

    // As people mostly write: characters are put in. They are taken out again, which is not counted, so that the text stays as long.
    let mut typed = Samples::default();
    for _ in 0..bench.arguments.samples {
        for is_put_in in [true, false] {
            let asked = pair.ana.ask(&text.typed(is_put_in))?;
            let seen = ups
                .1
                .running
                .holding(asked.begun, &["\"event\":\"changed\"", &text.id])?;
            ups.0
                .running
                .holding(asked.begun, &["\"event\":\"reached\"", &text.id])?;
            if is_put_in {
                typed.took(seen - asked.begun);
            }
        }
    }
    bench.figures.add(
        row,
        "- where 20 characters are put in and none taken away",
        "ms",
        &typed,
        limit,
        bound,
    );

    // The same by a command, which is a process more.
    let (mut shown, mut limits) = (Samples::default(), Samples::default());
    for n in 0..bench.arguments.samples.min(30) {
        limits.took(bench.hello.once()? + commit.once(n)? + round_trip.once()?);
        let (mark, _) = text.next();
        let begun = std::time::Instant::now();
        pair.ana
            .timed(&["boundary", "edit", &text.id, &text.text])?;
        let seen = ups
            .1
            .running
            .holding(begun, &["\"event\":\"changed\"", &mark])?;
        ups.0
            .running
            .holding(begun, &["\"event\":\"reached\"", &text.id])?;
        shown.took(seen - begun);
    }
    let limit = Some(("hello + commit + round trip", limits.median()));
    bench.figures.add(
        row,
        "- by a command, its start included",
        "ms",
        &shown,
        limit,
        Bound::None,
    );
    Ok(())
}

/// Measures what edits of a text of 100,000 characters weigh on the wire.
pub(crate) fn wire(bench: &mut Bench<'_>, pair: &Pair, ups: &mut (Up, Up)) -> Told<()> {
    const ROW: &str = "wire";
    if !bench.apart {
        crate::skipped(ROW, "no network of its own, others' bytes would be counted");
        return Ok(());
    }
    let mut text = Text::propose(&pair.ana, ups, 100_000)?;
    let mut weighs = Samples::default();
    for _ in 0..bench.arguments.samples.min(30) {
        settle();
        let before = bytes_over("cable0").ok_or("no cable")?;
        let (mark, request) = text.next();
        let begun = pair.ana.ask(&request)?.begun;
        ups.1
            .running
            .holding(begun, &["\"event\":\"changed\"", &mark])?;
        ups.0
            .running
            .holding(begun, &["\"event\":\"reached\"", &text.id])?;
        settle();
        weighs.add(bytes_over("cable0").ok_or("no cable")? - before);
    }
    bench.figures.add(
        ROW,
        "edit of 20 characters in 100,000, both ways, headers of TCP, IP and Ethernet included",
        "B",
        &weighs,
        None,
        Bound::AtMost(1200.0),
    );
    Ok(())
}

/// A TCP acknowledgement may wait 40 ms for something to go with.
fn settle() {
    std::thread::sleep(Duration::from_millis(80));
}
