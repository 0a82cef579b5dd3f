//! Two copies of Ana's home that are alive at the same time, as where a virtual machine was cloned: both write under one key until
//! they meet Bo, who knows of no copy. What must hold: no number of a log and no actor is used twice, nothing that was confirmed on
//! either copy is lost, all three hold the same in the end, and nothing is said to have reached Bo that was never on his disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use amends_journal::{Entry, EntryId, Part};
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::EpochSecret;
use amends_replica::{
    Effect, Founding, HandleError, Input, LinkId, Partner, Replica, Shelf, Shown, Table, World,
    Write,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clock::{BEGINNING, DAY};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::invariants::{hash_of, numbers, record_key};
use crate::people::{BEGINNINGS, Commitments, Somebody};

/// Ana's home, Bo's, and the copy of Ana's.
const ANA: usize = 0;
const BO: usize = 1;
const COPY: usize = 2;
const NAMES: [&str; 3] = ["Ana", "Bo", "Ana's copy"];

struct Device {
    replica: Option<Replica>,
    disk: Disk,
    rng: ChaCha20Rng,
    commitments: Commitments,
    /// For each log: how far its records are known to be rightly said to have reached the other.
    said: BTreeMap<LogKey, (u64, [u8; 32])>,
}

/// A link of one of the two homes to Bo's.
struct Link {
    home: usize,
    /// What is on its way to the home, and to Bo.
    coming: [VecDeque<Vec<u8>>; 2],
}

pub struct Clones {
    devices: [Option<Device>; 3],
    statics: [StaticKey; 2],
    links: BTreeMap<LinkId, Link>,
    next_link: u64,
    rng: ChaCha20Rng,
    now: i64,
    word: u64,
    begins: Vec<usize>,
    /// Entries of which somebody was shown that an edit is saved.
    confirmed: BTreeSet<EntryId>,
    /// Records that were on the disk of a home of Ana's, and on Bo's.
    ever: [BTreeSet<[u8; 32]>; 2],
    pub story: Vec<String>,
    pub tally: BTreeMap<&'static str, u64>,
}

fn person(who: usize) -> usize {
    usize::from(who == BO)
}

impl Clones {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0xc107_e500);
        let journal = JournalId::generate(&mut rng);
        let epoch_0 = EpochSecret::generate(&mut rng);
        let statics = [0, 1].map(|_| StaticSecret::generate(&mut rng).public());
        let logs = [0, 1].map(|_| LogSecret::generate(&mut rng));
        let devices = [0, 1].map(|me| {
            let name = |who: usize| PersonName::try_from(NAMES[who]).unwrap();
            let founding = Founding {
                journal,
                epoch_0: EpochSecret::from_bytes(epoch_0.expose()),
                log: LogSecret::from_bytes(logs[me].expose()),
                static_key: statics[me],
                name: name(me),
                partner: Some(Partner {
                    static_key: statics[1 - me],
                    log: logs[1 - me].public(),
                    name: name(1 - me),
                }),
                confirmed: true,
            };
            let mut own = ChaCha20Rng::seed_from_u64(seed ^ (0xa5 + me as u64));
            let mut disk = Disk::default();
            let writes = Replica::found(founding, BEGINNING, &mut own).unwrap();
            disk.commit(writes, true, None).0.unwrap();
            Device {
                replica: Some(Replica::load(disk.shelf()).unwrap()),
                disk,
                rng: own,
                commitments: Commitments::new(),
                said: BTreeMap::new(),
            }
        });
        let begins = (0..3).map(|_| rng.below(BEGINNINGS)).collect();
        let [ana, bo] = devices;
        Self {
            devices: [Some(ana), Some(bo), None],
            statics,
            links: BTreeMap::new(),
            next_link: 1,
            rng,
            now: BEGINNING,
            word: 0,
            begins,
            confirmed: BTreeSet::new(),
            ever: Default::default(),
            story: Vec::new(),
            tally: BTreeMap::new(),
        }
    }

    fn tell(&mut self, line: String) {
        self.story
            .push(format!("{:>9} {line}", self.now - BEGINNING));
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    pub fn play(&mut self) {
        for _ in 0..10 + self.rng.below(15) {
            self.step();
        }
        self.clone_home();
        for _ in 0..20 + self.rng.below(60) {
            self.step();
        }
        self.come_to_rest();
    }

    fn homes(&self) -> Vec<usize> {
        [ANA, COPY]
            .into_iter()
            .filter(|who| self.devices[*who].is_some())
            .collect()
    }

    fn step(&mut self) {
        self.now += self.rng.below(60_000) as i64;
        let homes = self.homes();
        let home = *self.rng.one(&homes).unwrap();
        match self.rng.below(100) {
            0..50 => {
                let who = if self.rng.chance(35) { BO } else { home };
                self.do_something(who);
            }
            50..62 => self.connect(home),
            62..70 => {
                let open: Vec<LinkId> = self.links.keys().copied().collect();
                if let Some(link) = self.rng.one(&open).copied() {
                    self.cut(link);
                }
            }
            70..76 => {
                let who = *self.rng.one(&[home, BO]).unwrap();
                let power = self.rng.chance(50);
                self.stop(who, power);
            }
            _ => {
                let most = 1 + self.rng.below(12);
                self.deliver(most);
            }
        }
    }

    /// Another home with everything that this one has saved, from now on beside it.
    fn clone_home(&mut self) {
        let home = self.devices[ANA].as_ref().unwrap();
        let mut disk = home.disk.clone();
        disk.power_cut(&mut self.rng);
        let mut replica = Replica::load(disk.shelf()).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(self.rng.below(usize::MAX) as u64);
        // Whether the copied files show it, or nothing does, as where a whole machine was cloned.
        let shows = self.rng.chance(30);
        if shows {
            let mut world = World {
                now: self.now,
                rng: &mut rng,
                shelf: disk.shelf(),
            };
            for effect in replica.handle(&mut world, Input::Copied).unwrap() {
                if let Effect::Save { writes, durable } = effect {
                    disk.commit(writes, durable, None).0.unwrap();
                }
            }
        }
        self.tell(format!("Ana's home is copied, which shows: {shows}"));
        self.devices[COPY] = Some(Device {
            replica: Some(Replica::load(disk.shelf()).unwrap()),
            disk,
            rng,
            commitments: self.devices[ANA].as_ref().unwrap().commitments.clone(),
            said: BTreeMap::new(),
        });
    }

    fn do_something(&mut self, who: usize) {
        self.word += 1;
        let word = format!("w{}", self.word);
        let Some(device) = &mut self.devices[who] else {
            return;
        };
        let Some(replica) = &mut device.replica else {
            return;
        };
        let deed = Somebody {
            rng: &mut self.rng,
            replica,
            shelf: device.disk.shelf(),
            now: self.now,
            word,
            commitments: &mut device.commitments,
            photos: false,
            begins: &self.begins,
        }
        .does();
        let Some((deed, edit)) = deed else {
            return;
        };
        self.tell(format!("{}: {deed} {edit:?}", NAMES[who]));
        if self.feed(who, Input::Edit(edit)) {
            self.count("an edit");
        }
    }

    fn connect(&mut self, home: usize) {
        if self.links.values().filter(|link| link.home == home).count() > 1 {
            return;
        }
        let link = LinkId(self.next_link);
        self.next_link += 1;
        let coming = Default::default();
        self.links.insert(link, Link { home, coming });
        self.tell(format!("{link:?} of {} is open", NAMES[home]));
        let [ana, bo] = self.statics;
        self.feed(home, Input::Met { link, device: bo });
        self.feed(BO, Input::Met { link, device: ana });
    }

    fn cut(&mut self, link: LinkId) {
        if let Some(gone) = self.links.remove(&link) {
            self.tell(format!("{link:?} is over"));
            self.feed(gone.home, Input::Parted { link });
            self.feed(BO, Input::Parted { link });
        }
    }

    fn stop(&mut self, who: usize, power: bool) {
        self.tell(format!("{} stops, power: {power}", NAMES[who]));
        let device = self.devices[who].as_mut().unwrap();
        if power {
            device.disk.power_cut(&mut self.rng);
        }
        device.replica = Some(Replica::load(device.disk.shelf()).unwrap());
        let of_it = |(id, link): (&LinkId, &Link)| (who == BO || link.home == who).then_some(*id);
        for id in self.links.iter().filter_map(of_it).collect::<Vec<_>>() {
            let Some(link) = self.links.remove(&id) else {
                continue;
            };
            let other = if who == BO { link.home } else { BO };
            self.feed(other, Input::Parted { link: id });
        }
    }

    /// Lets so many frames arrive, one after another over each link in turn.
    fn deliver(&mut self, most: usize) -> usize {
        let mut delivered = 0;
        loop {
            let mut moved = false;
            for link in self.links.keys().copied().collect::<Vec<_>>() {
                for to in [0, 1] {
                    if delivered == most {
                        return delivered;
                    }
                    let Some(at) = self.links.get_mut(&link) else {
                        continue;
                    };
                    let Some(frame) = at.coming[to].pop_front() else {
                        continue;
                    };
                    let who = if to == 1 { BO } else { at.home };
                    delivered += 1;
                    moved = true;
                    let kind = frame.first().copied().unwrap_or(0);
                    self.tell(format!("{} gets a frame {kind} over {link:?}", NAMES[who]));
                    let frame = &frame;
                    self.feed(who, Input::Received { link, frame });
                }
            }
            if !moved {
                return delivered;
            }
        }
    }

    fn feed(&mut self, who: usize, input: Input<'_>) -> bool {
        let mut next = Some(input);
        let mut closing = Vec::new();
        while let Some(input) = next.take() {
            let Some(device) = &mut self.devices[who] else {
                return false;
            };
            let Some(replica) = &mut device.replica else {
                return false;
            };
            let mut world = World {
                now: self.now,
                rng: &mut device.rng,
                shelf: device.disk.shelf(),
            };
            let effects = match replica.handle(&mut world, input) {
                Ok(effects) => effects,
                Err(HandleError::Edit(_)) => return false,
                Err(error) => panic!("{} cannot go on: {error}", NAMES[who]),
            };
            for effect in effects {
                match effect {
                    Effect::Save { writes, durable } => self.save(who, writes, durable),
                    Effect::Show(shown) => self.shown(who, shown),
                    Effect::Send { link, frame } => {
                        if let Some(link) = self.links.get_mut(&link) {
                            let to = usize::from(who != BO);
                            link.coming[to].push_back(frame);
                        }
                    }
                    Effect::Close { link, reason } => {
                        self.tell(format!("{} closes {link:?}: {reason}", NAMES[who]));
                        self.count("a link closed");
                        closing.push(link);
                    }
                    Effect::Continue => next = Some(Input::Continue),
                }
            }
            self.reached(who);
        }
        for link in closing {
            self.cut(link);
        }
        true
    }

    fn save(&mut self, who: usize, writes: Vec<Write>, durable: bool) {
        let device = self.devices[who].as_mut().unwrap();
        let (said, kept) = device.disk.commit(writes, durable, None);
        said.unwrap();
        for write in &kept {
            if let Write::Put {
                table: Table::Record,
                value,
                ..
            } = write
            {
                self.ever[person(who)].insert(hash_of(value));
            }
        }
    }

    fn shown(&mut self, who: usize, shown: Shown) {
        self.tell(format!("{} sees {shown:?}", NAMES[who]));
        match shown {
            Shown::Edited(entry) => {
                self.confirmed.insert(entry);
            }
            Shown::SetAside { reason, .. } => panic!("an honest record was set aside: {reason}"),
            Shown::Began(began) => {
                self.count("a new incarnation");
                if !began.carried.is_empty() {
                    self.count("a branch carried over");
                }
                assert_eq!(began.left, 0, "a change of a branch was left behind");
            }
            Shown::Fork(_) => self.count("a fork was told"),
            _ => {}
        }
    }

    /// What is said to have reached Bo from Ana's homes, and Ana from Bo's, was on a disk there.
    fn reached(&mut self, who: usize) {
        let Some(device) = &mut self.devices[who] else {
            return;
        };
        let Some(replica) = &device.replica else {
            return;
        };
        let mut last: BTreeMap<LogKey, u64> = BTreeMap::new();
        for (_, card) in replica.cards().filter(|(_, card)| replica.reached(card)) {
            let present = (replica.log(), card.mine);
            for (log, seq) in card.earlier.iter().copied().chain([present]) {
                let known = last.entry(log).or_insert(0);
                *known = seq.max(*known);
            }
        }
        let numbers = numbers(replica);
        for (log, seq) in last.into_iter().filter(|(_, seq)| *seq > 0) {
            let Some(number) = numbers.get(&log) else {
                continue;
            };
            let row = device
                .disk
                .shelf()
                .get(Table::Record, &record_key(*number, seq));
            let Some(hash) = row.unwrap().map(|row| hash_of(&row)) else {
                continue;
            };
            if device.said.get(&log) == Some(&(seq, hash)) {
                continue;
            }
            assert!(
                self.ever[1 - person(who)].contains(&hash),
                "{} says that record {seq} has reached the other, and it never was on a disk there",
                NAMES[who]
            );
            device.said.insert(log, (seq, hash));
        }
    }

    fn come_to_rest(&mut self) {
        self.tell("all is quiet".to_owned());
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.cut(link);
        }
        // Each home meets Bo alone, until neither brings anything new: a branch that is left is written once more, and what comes
        // of that is to reach the other home over Bo.
        for _ in 0..6 {
            for home in [ANA, COPY] {
                self.now += DAY / 24;
                self.connect(home);
                assert!(self.deliver(50_000) < 50_000, "they never come to rest");
                for link in self.links.keys().copied().collect::<Vec<_>>() {
                    self.cut(link);
                }
            }
        }
        self.look();
    }

    /// All three hold the same, and everything that was confirmed on any of them.
    fn look(&mut self) {
        let clocks: Vec<_> = self
            .devices
            .iter()
            .flatten()
            .map(|device| device.replica.as_ref().unwrap().clock().0)
            .collect();
        assert_eq!(clocks[0], clocks[1], "Ana and Bo do not hold the same");
        assert_eq!(
            clocks[2], clocks[1],
            "Ana's copy and Bo do not hold the same"
        );
        let mut seen = Vec::new();
        for (who, device) in self.devices.iter_mut().flatten().enumerate() {
            let shelf = device.disk.shelf();
            let replica = device.replica.as_mut().unwrap();
            let ids: Vec<EntryId> = replica.cards().map(|(id, _)| *id).collect();
            let mut heads = BTreeMap::new();
            for id in ids {
                let of =
                    |entry: &Entry<'_>| [entry.shared, entry.mine, entry.partners].map(Part::heads);
                let [shared, mine, partners] = replica.look(shelf, &id, of).unwrap();
                let own = if person(who) == 0 {
                    [mine, partners]
                } else {
                    [partners, mine]
                };
                heads.insert(id, (shared, own));
                let card = replica.card(&id).unwrap();
                assert!(
                    replica.reached(card),
                    "all has reached the other, and it is not said"
                );
                assert!(!card.unread && !card.not_readable_there);
            }
            for entry in &self.confirmed {
                assert!(
                    heads.contains_key(entry),
                    "{} lacks an entry that was confirmed",
                    NAMES[who]
                );
            }
            let again = Replica::load(device.disk.durable()).unwrap();
            assert!(
                again.cards().eq(replica.cards()),
                "what is shown is not on the disk"
            );
            seen.push(heads);
        }
        assert_eq!(seen[0], seen[1], "Ana and Bo see different parts");
        assert_eq!(seen[2], seen[1], "Ana's copy and Bo see different parts");
    }
}
