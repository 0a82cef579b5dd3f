//! The links between the two devices. A session gives each frame once and in order, or ends; where the network is wild,
//! frames are dropped, doubled and swapped inside one as well, which no session allows and no replica may fall over.

use std::collections::BTreeMap;

use amends_replica::LinkId;
use rand_chacha::ChaCha20Rng;

use crate::dice::Dice;

/// A link, as the world calls it. Each device gives its end of one a number of its own ([`LinkId`]) when it comes to know of it, so
/// that two links need not come in the same order at both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(u64);

/// Something that comes to a device over a link.
#[derive(Debug)]
pub enum Arrival {
    Frame(Vec<u8>),
    /// The link is over.
    Parted,
}

/// One device's end of a link.
#[derive(Default)]
struct End {
    /// Its replica was told of it by this number, and not yet that it is over.
    open: Option<LinkId>,
    /// What is on its way to it: when it is due, in which order, what.
    coming: BTreeMap<(i64, u64), Vec<u8>>,
    /// When it learns that the link is over.
    over: Option<i64>,
    last_due: i64,
}

#[derive(Default)]
pub struct Network {
    lines: BTreeMap<Line, [End; 2]>,
    next_line: u64,
    /// The number of the last link at each device.
    last_link: [u64; 2],
    next_frame: u64,
    /// Frames are dropped, doubled and swapped.
    pub wild: bool,
    /// The longest that a frame is on its way, in milliseconds.
    pub delay: i64,
    /// Frames that were given to somebody.
    pub delivered: u64,
}

impl Network {
    /// One whose links have numbers above this one.
    pub fn beginning_at(first: u64) -> Self {
        Self {
            last_link: [first; 2],
            ..Self::default()
        }
    }

    /// The links that a device thinks that it has.
    pub fn open_at(&self, who: usize) -> Vec<LinkId> {
        let open = self.lines.values().filter_map(|ends| ends[who].open);
        open.collect()
    }

    /// The links that one of the two thinks that it has.
    pub fn open(&self) -> Vec<Line> {
        let open = |ends: &[End; 2]| ends.iter().any(|end| end.open.is_some());
        let open = self.lines.iter().filter(|(_, ends)| open(ends));
        open.map(|(line, _)| *line).collect()
    }

    /// The link that a device calls so.
    pub fn line(&self, who: usize, link: LinkId) -> Option<Line> {
        let mut lines = self.lines.iter();
        lines
            .find(|(_, ends)| ends[who].open == Some(link))
            .map(|(line, _)| *line)
    }

    pub fn new_line(&mut self) -> Line {
        self.next_line += 1;
        let line = Line(self.next_line);
        self.lines.insert(line, Default::default());
        line
    }

    /// A replica is about to be told of its end: by which number. None where nothing is left of the link.
    pub fn opened(&mut self, line: Line, who: usize) -> Option<LinkId> {
        let ends = self.lines.get_mut(&line)?;
        self.last_link[who] += 1;
        let link = LinkId(self.last_link[who]);
        ends[who].open = Some(link);
        Some(link)
    }

    pub fn send(
        &mut self,
        link: LinkId,
        from: usize,
        frame: Vec<u8>,
        now: i64,
        rng: &mut ChaCha20Rng,
    ) {
        let (wild, delay) = (self.wild, self.delay);
        let line = self.line(from, link);
        let Some(ends) = line.and_then(|line| self.lines.get_mut(&line)) else {
            return;
        };
        if ends[from].over.is_some() {
            return;
        }
        let end = &mut ends[1 - from];
        let copies = match wild {
            true if rng.chance(6) => 0,
            true if rng.chance(6) => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let mut due = now + rng.below(delay as usize + 1) as i64;
            if !wild {
                due = due.max(end.last_due);
            }
            end.last_due = due;
            self.next_frame += 1;
            end.coming.insert((due, self.next_frame), frame.clone());
        }
    }

    /// A link breaks; each end learns of it in its own time.
    pub fn cut(&mut self, line: Line, now: i64, rng: &mut ChaCha20Rng) {
        if let Some(ends) = self.lines.get_mut(&line) {
            for end in ends {
                let over = now + rng.below(10_000) as i64;
                end.over = Some(end.over.unwrap_or(over).min(over));
            }
        }
    }

    /// A device forgets its ends: its process ended, or its replica was made anew. The other learns of it later.
    pub fn forget(&mut self, who: usize, now: i64, rng: &mut ChaCha20Rng) {
        for line in self.lines.keys().copied().collect::<Vec<_>>() {
            self.cut(line, now, rng);
            if let Some(ends) = self.lines.get_mut(&line) {
                ends[who] = End::default();
            }
        }
        self.sweep();
    }

    fn sweep(&mut self) {
        let open = |ends: &[End; 2]| ends.iter().any(|end| end.open.is_some());
        let stands = |ends: &[End; 2]| ends.iter().all(|end| end.over.is_none());
        self.lines.retain(|_, ends| open(ends) || stands(ends));
    }

    /// When something comes to anyone the next time.
    pub fn next_due(&self, until: i64) -> Option<i64> {
        self.first()
            .map(|(due, ..)| due)
            .filter(|due| *due <= until)
    }

    fn first(&self) -> Option<(i64, u64, usize, Line)> {
        let mut first: Option<(i64, u64, usize, Line)> = None;
        for (line, ends) in &self.lines {
            for (who, end) in ends.iter().enumerate() {
                if end.open.is_none() {
                    continue;
                }
                let frame = end.coming.keys().next().copied();
                let over = end.over.map(|due| (due, u64::MAX));
                let Some((due, order)) = frame.into_iter().chain(over).min() else {
                    continue;
                };
                if first.is_none_or(|(at, number, ..)| (due, order) < (at, number)) {
                    first = Some((due, order, who, *line));
                }
            }
        }
        first
    }

    /// What comes next to anyone, and when: to whom, over which link, as its number is there.
    pub fn next(&mut self, until: i64) -> Option<(i64, usize, LinkId, Arrival)> {
        let (due, order, who, line) = self.first().filter(|(due, ..)| *due <= until)?;
        let end = &mut self.lines.get_mut(&line)?[who];
        let link = end.open?;
        let arrival = match end.coming.remove(&(due, order)) {
            Some(frame) => Arrival::Frame(frame),
            None => {
                *end = End::default();
                Arrival::Parted
            }
        };
        self.delivered += 1;
        self.sweep();
        Some((due, who, link, arrival))
    }
}
