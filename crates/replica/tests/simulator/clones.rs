//! Two copies of one home that are alive at once: Ana's, a copy of it made at any moment, and Bo, whom both meet as if they were
//! the only one. Nobody tells either that there is another.
//!
//! What must hold ([`judge`]): what was confirmed on any of the three is in the records that all of them hold in the end; no number of a
//! log, and so no actor, is used for two records that anybody else holds; nothing is said to have reached that never was on the
//! other's disk; and once each copy has met Bo a few times all three hold the same.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::EpochSecret;
use amends_replica::{
    Effect, Founding, HandleError, Input, Partner, Replica, Shown, Table, World as Given, Write,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::aside::{Aside, has_met};
use crate::clock::BEGINNING;
use crate::dice::Dice;
use crate::disk::{Disk, Unsaved};
use crate::invariants::hash_of;
use crate::network::{Arrival, Network};
use crate::people::{BEGINNINGS, Commitments, Somebody};
use crate::world::Fault;

/// Ana's home, Bo, and the copy of Ana's home.
const ANA: usize = 0;
const BO: usize = 1;
const COPY: usize = 2;
const NAMES: [&str; 3] = ["Ana", "Bo", "the copy"];

/// How often each copy meets Bo in the end, in turns: to leave a branch, to get what the other copy carried over from its own,
/// and once more for whom the power cut in between.
const MEETINGS: usize = 3;

struct Home {
    replica: Option<Replica>,
    disk: Disk,
    rng: ChaCha20Rng,
    fault: Option<(Fault, usize)>,
    commitments: Commitments,
    /// Records that were on its disk for good at some time.
    ever: BTreeSet<[u8; 32]>,
    aside: Aside,
    /// The numbers of the logs in the keys of its table of records, as far as they were seen.
    numbers: BTreeMap<LogKey, u32>,
}

/// What a number lets happen.
#[derive(Debug)]
struct Nature {
    before: usize,
    after: usize,
    /// In a hundred steps.
    faults: usize,
    edits: usize,
    photos: bool,
    /// Both copies may be on line at once.
    at_once: bool,
    /// The copy is known for one when it is opened.
    known: bool,
    begins: Vec<usize>,
}

pub struct Clones {
    homes: Vec<Home>,
    statics: [StaticKey; 2],
    /// The links of Ana's home with Bo, and those of the copy.
    nets: [Network; 2],
    now: i64,
    rng: ChaCha20Rng,
    journal: JournalId,
    epoch_0: EpochSecret,
    nature: Nature,
    /// The copy is made when Ana's device has performed so many more effects.
    copied_in: Option<usize>,
    next_word: u64,
    /// A word of each edit that was confirmed, and who wrote it.
    confirmed: BTreeMap<String, usize>,
    /// What Bo's disk held under each number at any time.
    at_bo: BTreeMap<(LogKey, u64), [u8; 32]>,
    pub story: Vec<String>,
    pub tally: BTreeMap<&'static str, u64>,
}

/// Which of the two nets a home is on, and which end of it is its own.
fn net_of(home: usize) -> (usize, usize) {
    (usize::from(home == COPY), 0)
}

impl Clones {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x0c10_7e55);
        let nature = Nature {
            before: rng.below(15),
            after: 10 + rng.below(60),
            faults: [0, 0, 5, 15][rng.below(4)],
            edits: 25 + rng.below(40),
            photos: rng.chance(30),
            at_once: rng.chance(30),
            known: rng.chance(20),
            begins: (0..3).map(|_| rng.below(BEGINNINGS)).collect(),
        };
        let journal = JournalId::generate(&mut rng);
        let epoch_0 = EpochSecret::generate(&mut rng);
        let statics = [0, 1].map(|_| StaticSecret::generate(&mut rng).public());
        let logs = [0, 1].map(|_| LogSecret::generate(&mut rng));
        let name = |who: usize| PersonName::try_from(NAMES[who]).unwrap();
        let homes = [ANA, BO].map(|me| {
            let other = 1 - me;
            let founding = Founding {
                journal,
                epoch_0: EpochSecret::from_bytes(epoch_0.expose()),
                log: LogSecret::from_bytes(logs[me].expose()),
                static_key: statics[me],
                name: name(me),
                partner: Some(Partner {
                    static_key: statics[other],
                    log: logs[other].public(),
                    name: name(other),
                }),
                confirmed: true,
            };
            let mut own = ChaCha20Rng::seed_from_u64(rng.next_u64());
            let mut disk = Disk::default();
            let writes = Replica::found(founding, BEGINNING, &mut own).unwrap();
            disk.commit(writes, true, None).0.unwrap();
            Home {
                replica: Some(Replica::load(disk.shelf()).unwrap()),
                disk,
                rng: own,
                fault: None,
                commitments: Commitments::new(),
                ever: BTreeSet::new(),
                aside: Aside::default(),
                numbers: BTreeMap::new(),
            }
        });
        let mut nets = [Network::default(), Network::beginning_at(1 << 40)];
        for net in &mut nets {
            net.delay = [0, 5, 300, 20_000][rng.below(4)];
        }
        let mut clones = Self {
            homes: homes.into(),
            statics,
            nets,
            now: BEGINNING,
            rng,
            journal,
            epoch_0,
            nature,
            copied_in: None,
            next_word: 0,
            confirmed: BTreeMap::new(),
            at_bo: BTreeMap::new(),
            story: Vec::new(),
            tally: BTreeMap::new(),
        };
        clones.tell(|clones| format!("{:?}", clones.nature));
        clones
    }

    fn tell(&mut self, what: impl FnOnce(&Self) -> String) {
        let line = what(self);
        let at = self.now - BEGINNING;
        self.story.push(format!("{at:>9} {line}"));
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// The processes of all three will stop so often as they apply what came.
    pub fn relapse(&mut self, times: u32) {
        for home in &mut self.homes {
            home.aside.relapses = times;
        }
    }

    pub fn play(&mut self) {
        self.meet(ANA);
        for _ in 0..self.nature.before {
            self.step();
        }
        // In the midst of whatever Ana's device does then.
        self.copied_in = Some(self.rng.below(12));
        for _ in 0..40 {
            if self.homes.len() > COPY {
                break;
            }
            self.step();
        }
        if self.homes.len() == COPY {
            self.copy();
        }
        for _ in 0..self.nature.after {
            self.step();
        }
        self.come_to_rest();
    }

    fn copy(&mut self) {
        self.copied_in = None;
        self.tell(|_| "Ana's home is copied".to_owned());
        // What is on the disk for good.
        let mut disk = self.homes[ANA].disk.clone();
        disk.power_cut(&mut self.rng);
        disk.full = false;
        let home = Home {
            replica: None,
            disk,
            rng: ChaCha20Rng::seed_from_u64(self.rng.next_u64()),
            fault: None,
            commitments: self.homes[ANA].commitments.clone(),
            ever: self.homes[ANA].ever.clone(),
            aside: self.homes[ANA].aside.clone(),
            numbers: BTreeMap::new(),
        };
        self.homes.push(home);
        // To it Ana's process has stopped where it was then.
        self.homes[COPY].aside.stopped += 1;
        self.start(COPY);
        if self.nature.known {
            self.feed(COPY, Input::Copied);
        }
    }

    fn step(&mut self) {
        self.now += self.rng.below(2_000) as i64;
        let who = self.rng.below(self.homes.len());
        let home = [ANA, COPY][self.rng.below(self.homes.len() - 1)];
        let at = self.rng.below(100 + self.nature.faults);
        let edits = self.nature.edits;
        match at {
            at if at < edits => self.do_something(who),
            at if at < edits + 12 => self.connect(home),
            at if at < edits + 17 => self.cut(home),
            at if at >= 100 => self.befall(who),
            _ => {
                let some = 1 + self.rng.below(12);
                self.deliver(some, self.now + 60_000);
            }
        }
    }

    fn befall(&mut self, who: usize) {
        let fault = *self.rng.one(&Fault::ALL).unwrap();
        let after = self.rng.below(7);
        self.homes[who].fault = Some((fault, after));
        self.tell(|_| format!("{}: {fault:?} after {after} effects", NAMES[who]));
    }

    fn do_something(&mut self, who: usize) {
        self.start(who);
        self.next_word += 1;
        let letters = self.rng.next_u64();
        // Long enough for no other to have it in it.
        let word = format!("w{}x{letters:016x}", self.next_word);
        let home = &mut self.homes[who];
        let Some(replica) = &mut home.replica else {
            return;
        };
        let deed = Somebody {
            rng: &mut self.rng,
            replica,
            shelf: home.disk.shelf(),
            now: self.now,
            word: word.clone(),
            commitments: &mut home.commitments,
            photos: self.nature.photos,
            begins: &self.nature.begins,
        }
        .does();
        let Some((deed, edit)) = deed else {
            return;
        };
        self.tell(|_| format!("{}: {deed} {edit:?}", NAMES[who]));
        let shown = self.feed_and_see(who, Input::Edit(edit), &word);
        if shown {
            self.count(deed);
        }
        self.tell(|_| format!("{}: confirmed: {shown}", NAMES[who]));
    }

    /// The home meets Bo, where it does not yet, and where the other copy is away or may be there too.
    fn connect(&mut self, home: usize) {
        let (net, _) = net_of(home);
        let other = 1 - net;
        if !self.nets[net].open().is_empty() {
            return;
        }
        let busy = !self.nets[other].open().is_empty();
        if busy && !self.nature.at_once {
            return;
        }
        self.start(home);
        self.start(BO);
        let line = self.nets[net].new_line();
        self.tell(|_| format!("{} and Bo: {line:?} is open", NAMES[home]));
        for (end, who) in [(0, home), (1, BO)] {
            if self.homes[home].replica.is_none() || self.homes[BO].replica.is_none() {
                self.nets[net].cut(line, self.now, &mut self.rng);
                continue;
            }
            let Some(link) = self.nets[net].opened(line, end) else {
                continue;
            };
            let device = self.statics[if who == BO { 0 } else { 1 }];
            if !self.feed(who, Input::Met { link, device }) {
                self.nets[net].cut(line, self.now, &mut self.rng);
            }
        }
    }

    fn cut(&mut self, home: usize) {
        let (net, _) = net_of(home);
        for line in self.nets[net].open() {
            self.tell(|_| format!("{line:?} is cut"));
            self.nets[net].cut(line, self.now, &mut self.rng);
        }
    }

    fn deliver(&mut self, most: usize, until: i64) -> usize {
        for count in 0..most {
            let next = [0, 1]
                .into_iter()
                .filter_map(|net| Some((self.nets[net].next_due(until)?, net)))
                .min();
            let Some((_, net)) = next else {
                return count;
            };
            let Some((due, end, link, arrival)) = self.nets[net].next(until) else {
                return count;
            };
            let who = match (net, end) {
                (_, 1) => BO,
                (0, _) => ANA,
                _ => COPY,
            };
            self.now = self.now.max(due);
            match arrival {
                Arrival::Frame(frame) => {
                    self.tell(|_| {
                        let kind = frame.first().copied().unwrap_or(0);
                        let bytes = frame.len();
                        format!("{} gets {kind}, {bytes} bytes, over {link:?}", NAMES[who])
                    });
                    let frame = &frame;
                    self.feed(who, Input::Received { link, frame });
                }
                Arrival::Parted => {
                    self.tell(|_| format!("{} learns that {link:?} is over", NAMES[who]));
                    self.feed(who, Input::Parted { link });
                }
            }
        }
        most
    }

    fn feed(&mut self, who: usize, input: Input<'_>) -> bool {
        self.feed_and_see(who, input, "\u{0}");
        self.homes[who].replica.is_some()
    }

    /// Gives a device an input, and performs what it wants done; gives whether an edit was shown as done.
    fn feed_and_see(&mut self, who: usize, input: Input<'_>, word: &str) -> bool {
        let mut next = Some(input);
        let (mut done, mut written) = (false, false);
        while let Some(input) = next.take() {
            if matches!(input, Input::Continue) && self.homes[who].aside.relapses_now() {
                self.restart(who, false);
                return done;
            }
            let home = &mut self.homes[who];
            let Some(replica) = &mut home.replica else {
                return done;
            };
            let mut given = Given {
                now: self.now,
                rng: &mut home.rng,
                shelf: home.disk.shelf(),
            };
            let effects = match replica.handle(&mut given, input) {
                Ok(effects) => effects,
                Err(HandleError::Edit(error)) => {
                    self.tell(|_| format!("{}: {error}", NAMES[who]));
                    return done;
                }
                Err(error) => panic!("{} cannot go on: {error}", NAMES[who]),
            };
            for effect in effects {
                if self.is_befallen(who) {
                    return done;
                }
                if let Some(left) = self.copied_in.filter(|_| who == ANA) {
                    self.copied_in = left.checked_sub(1);
                    if left == 0 {
                        self.copy();
                    }
                }
                match effect {
                    Effect::Save { writes, durable } => {
                        written |= self.writes_word(&writes, word);
                        if !self.save(who, writes, durable) {
                            return done;
                        }
                    }
                    Effect::Show(shown) => {
                        self.tell(|_| format!("{} sees {shown:?}", NAMES[who]));
                        if let Shown::Edited(_) = shown {
                            done = true;
                            if written {
                                self.confirmed.insert(word.to_owned(), who);
                            }
                        }
                        self.judge(who, &shown);
                    }
                    Effect::Send { link, frame } => {
                        let net = usize::from(link.0 >= 1 << 40);
                        let end = usize::from(who == BO);
                        self.nets[net].send(link, end, frame, self.now, &mut self.rng);
                    }
                    Effect::Close { link, reason } => {
                        let at_once = who == BO && self.nature.at_once;
                        assert!(at_once, "a link was closed: {reason}");
                        let net = usize::from(link.0 >= 1 << 40);
                        let end = usize::from(who == BO);
                        if let Some(line) = self.nets[net].line(end, link) {
                            self.nets[net].cut(line, self.now, &mut self.rng);
                        }
                    }
                    Effect::Continue => next = Some(Input::Continue),
                }
                self.reached(who);
            }
        }
        done
    }

    fn save(&mut self, who: usize, writes: Vec<Write>, durable: bool) -> bool {
        let home = &mut self.homes[who];
        let fails = match home.fault {
            Some((Fault::SaveFails, 0)) => Some(Unsaved::Nothing),
            Some((Fault::SaveUnsure, 0)) => Some(Unsaved::There),
            _ => None,
        };
        if fails.is_some() {
            home.fault = None;
        }
        let (said, kept) = home.disk.commit(writes, durable, fails);
        for write in &kept {
            if let Write::Put {
                table: Table::Record,
                key,
                value,
            } = write
                && home.disk.has(Table::Record, key, value)
            {
                home.ever.insert(hash_of(value));
            }
        }
        if who == BO && !kept.is_empty() {
            self.no_number_twice();
        }
        if said.is_ok() {
            return true;
        }
        self.count("a save failed");
        self.restart(who, false);
        false
    }

    fn is_befallen(&mut self, who: usize) -> bool {
        match &mut self.homes[who].fault {
            Some((fault @ (Fault::Killed | Fault::PowerCut), 0)) => {
                let power = *fault == Fault::PowerCut;
                self.homes[who].fault = None;
                self.count(if power {
                    "a power cut"
                } else {
                    "a process killed"
                });
                self.restart(who, power);
                true
            }
            Some((_, left)) => {
                *left = left.saturating_sub(1);
                false
            }
            None => false,
        }
    }

    fn restart(&mut self, who: usize, power: bool) {
        let home = &mut self.homes[who];
        home.replica = None;
        home.aside.stopped += 1;
        home.numbers.clear();
        if power {
            home.disk.power_cut(&mut self.rng);
        }
        let nets: &[usize] = if who == BO { &[0, 1] } else { &[net_of(who).0] };
        for net in nets {
            let end = usize::from(who == BO);
            self.nets[*net].forget(end, self.now, &mut self.rng);
        }
        self.start(who);
    }

    fn start(&mut self, who: usize) {
        let home = &mut self.homes[who];
        if home.replica.is_none() {
            let replica = Replica::load(home.disk.shelf());
            home.replica = Some(replica.expect("what was saved can be loaded"));
        }
    }

    // How it ends.

    /// A meeting that nothing disturbs.
    fn meet(&mut self, home: usize) {
        let (net, _) = net_of(home);
        self.part_all();
        self.connect(home);
        let delivered = self.deliver(100_000, i64::MAX);
        assert!(delivered < 100_000, "the two never come to rest");
        for (end, who) in [(0, home), (1, BO)] {
            for link in self.nets[net].open_at(end) {
                let of = |who: usize| {
                    let home = &self.homes[who];
                    (home.replica.as_ref().unwrap(), home.disk.shelf())
                };
                let other = if who == BO { home } else { BO };
                let ((replica, _), (other, shelf)) = (of(who), of(other));
                has_met(NAMES[who], replica, &replica.meeting(link), (other, shelf));
            }
        }
        self.part_all();
    }

    fn part_all(&mut self) {
        for net in 0..2 {
            for line in self.nets[net].open() {
                self.nets[net].cut(line, self.now, &mut self.rng);
            }
        }
        self.deliver(100_000, i64::MAX);
    }

    fn come_to_rest(&mut self) {
        self.tell(|_| "all is mended".to_owned());
        for who in [ANA, BO, COPY] {
            self.homes[who].fault = None;
            self.homes[who].aside.relapses = 0;
            self.start(who);
        }
        for _ in 0..MEETINGS {
            self.meet(ANA);
            self.meet(COPY);
        }
        self.meet(ANA);
        self.look();
    }
}
