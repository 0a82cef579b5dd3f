//! The links between the two devices. A session gives each frame once and in order, or ends; where the network is wild,
//! frames are dropped, doubled and swapped inside one as well, which no session allows and no replica may fall over.

use std::collections::BTreeMap;

use amends_replica::LinkId;
use rand_chacha::ChaCha20Rng;

use crate::dice::Dice;

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
    /// Its replica was told of it, and not yet that it is over.
    open: bool,
    /// What is on its way to it: when it is due, in which order, what.
    coming: BTreeMap<(i64, u64), Vec<u8>>,
    /// When it learns that the link is over.
    over: Option<i64>,
    last_due: i64,
}

#[derive(Default)]
pub struct Network {
    links: BTreeMap<LinkId, [End; 2]>,
    next_link: u64,
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
            next_link: first,
            ..Self::default()
        }
    }

    /// How many links a device thinks that it has.
    pub fn open_at(&self, who: usize) -> Vec<LinkId> {
        let open = self.links.iter().filter(|(_, ends)| ends[who].open);
        open.map(|(link, _)| *link).collect()
    }

    pub fn new_link(&mut self) -> LinkId {
        self.next_link += 1;
        let link = LinkId(self.next_link);
        self.links.insert(link, Default::default());
        link
    }

    /// A replica is about to be told of its end.
    pub fn opened(&mut self, link: LinkId, who: usize) {
        if let Some(ends) = self.links.get_mut(&link) {
            ends[who].open = true;
        }
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
        let Some(ends) = self.links.get_mut(&link) else {
            return;
        };
        if !ends[from].open || ends[from].over.is_some() {
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
    pub fn cut(&mut self, link: LinkId, now: i64, rng: &mut ChaCha20Rng) {
        if let Some(ends) = self.links.get_mut(&link) {
            for end in ends {
                let over = now + rng.below(10_000) as i64;
                end.over = Some(end.over.unwrap_or(over).min(over));
            }
        }
    }

    /// A device forgets its ends: its process ended, or its replica was made anew. The other learns of it later.
    pub fn forget(&mut self, who: usize, now: i64, rng: &mut ChaCha20Rng) {
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.cut(link, now, rng);
            if let Some(ends) = self.links.get_mut(&link) {
                ends[who] = End::default();
            }
        }
        self.sweep();
    }

    fn sweep(&mut self) {
        self.links
            .retain(|_, ends| ends.iter().any(|end| end.open || end.over.is_none()));
        self.links.retain(|_, ends| {
            ends.iter().any(|end| end.open) || ends.iter().all(|end| end.over.is_none())
        });
    }

    /// When something comes to anyone the next time.
    pub fn next_due(&self, until: i64) -> Option<i64> {
        self.first()
            .map(|(due, ..)| due)
            .filter(|due| *due <= until)
    }

    fn first(&self) -> Option<(i64, u64, usize, LinkId)> {
        let mut first: Option<(i64, u64, usize, LinkId)> = None;
        for (link, ends) in &self.links {
            for (who, end) in ends.iter().enumerate().filter(|(_, end)| end.open) {
                let frame = end.coming.keys().next().copied();
                let over = end.over.map(|due| (due, u64::MAX));
                let Some((due, order)) = frame.into_iter().chain(over).min() else {
                    continue;
                };
                if first.is_none_or(|(at, number, ..)| (due, order) < (at, number)) {
                    first = Some((due, order, who, *link));
                }
            }
        }
        first
    }

    /// What comes next to anyone, and when: to whom, over which link.
    pub fn next(&mut self, until: i64) -> Option<(i64, usize, LinkId, Arrival)> {
        let (due, order, who, link) = self.first().filter(|(due, ..)| *due <= until)?;
        let end = &mut self.links.get_mut(&link)?[who];
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
