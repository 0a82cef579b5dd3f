//! The simulated world: two devices with their disks and clocks, the network between them, files that are carried by hand, and
//! everything that can befall them.

use std::collections::BTreeMap;

use amends_journal::{EntryKind, agree_hash};
use amends_keys::identity::{JournalId, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::EpochSecret;
use amends_replica::{Card, Edit, EditError, Effect, Founding, Input, Partner, Replica, Shown};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::aside::has_met;
use crate::clock::{BEGINNING, SkewedClock};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::invariants::{AtRest, Confirmed, Truth};
use crate::network::Network;
use crate::people::{BEGINNINGS, Commitments, Somebody};
use crate::said::Told;

pub const NAMES: [&str; 2] = ["Ana", "Bo"];

/// What befalls a device when it has performed so many more effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its process ends.
    Killed,
    /// The power goes.
    PowerCut,
    /// Its next save fails.
    SaveFails,
    /// Its next save is said to have failed, and is there.
    SaveUnsure,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Fault; 4] = [
        Fault::Killed,
        Fault::PowerCut,
        Fault::SaveFails,
        Fault::SaveUnsure,
    ];
}

/// A device that breaks a rule, to see that the simulator notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Its disk says that it has kept what it has not.
    LyingDisk,
    /// It sends before it saves.
    SendsFirst,
    /// One save in ten is left out.
    ForgetsToSave,
    /// It shows an edit as saved though the disk refused it.
    ShowsUnsaved,
    /// It says of each meeting that it has all.
    SaysTooEarly,
}

/// What a seed lets happen at all.
#[derive(Clone, Debug, Default)]
pub struct Nature {
    pub steps: usize,
    /// In a hundred steps, about.
    pub faults: usize,
    pub edits: usize,
    pub meetings: usize,
    pub wild: bool,
    pub files: bool,
    pub restores: bool,
    pub photos: bool,
    pub skewed: bool,
    /// What the two begin.
    pub begins: Vec<usize>,
    pub planted: Option<Planted>,
    /// So often the process of each stops as it applies what came.
    pub relapses: u32,
}

impl Nature {
    pub fn of(rng: &mut ChaCha20Rng) -> Self {
        Self {
            steps: 30 + rng.below(70),
            faults: [0, 4, 12, 25][rng.below(4)],
            edits: 20 + rng.below(40),
            meetings: 3 + rng.below(15),
            wild: rng.chance(20),
            files: rng.chance(40),
            restores: rng.chance(20),
            photos: rng.chance(40),
            skewed: rng.chance(50),
            begins: (0..3).map(|_| rng.below(BEGINNINGS)).collect(),
            planted: None,
            relapses: 0,
        }
    }
}

pub struct Device {
    /// None while its process is not running.
    pub replica: Option<Replica>,
    pub disk: Disk,
    pub clock: SkewedClock,
    pub static_key: StaticKey,
    pub fault: Option<(Fault, usize)>,
    /// It came back from an older copy, and takes no edit before it knows how far its log is held elsewhere (decision 0026).
    pub waits: bool,
    /// What was confirmed before it went back, and is held by the other.
    pub confirmed_there: Confirmed,
    pub commitments: Commitments,
    pub rng: ChaCha20Rng,
    /// An older copy of its home.
    pub copy: Option<Disk>,
}

/// A file that is carried by hand.
pub struct File {
    pub bytes: Vec<u8>,
}

/// How an input went.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed {
    Whole,
    Refused(EditError),
    /// The device failed in the midst of it, or was not running.
    Broken,
}

pub struct World {
    pub devices: [Device; 2],
    pub net: Network,
    pub files: Vec<File>,
    pub truth: Truth,
    /// What each device was told.
    pub told: [Told; 2],
    pub now: i64,
    pub rng: ChaCha20Rng,
    pub nature: Nature,
    pub journal: JournalId,
    pub epoch_0: [u8; 32],
    pub next_word: u64,
    pub next_file: u64,
    /// Every step and every frame, for who looks at a seed.
    pub story: Vec<String>,
    /// What was done, and what befell, how often.
    pub tally: BTreeMap<&'static str, u64>,
}

impl World {
    /// Two devices that have just paired.
    pub fn new(seed: u64, nature: Option<Nature>) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let nature = nature.unwrap_or_else(|| Nature::of(&mut rng));
        let journal = JournalId::generate(&mut rng);
        let epoch_0 = EpochSecret::generate(&mut rng);
        let statics = [0, 1].map(|_| StaticSecret::generate(&mut rng).public());
        let logs = [0, 1].map(|_| LogSecret::generate(&mut rng));
        let mut truth = Truth::default();
        let devices = [0, 1].map(|me| {
            let name = |who: usize| PersonName::try_from(NAMES[who]).unwrap();
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
                confirmed: me == 1,
            };
            let mut own = ChaCha20Rng::seed_from_u64(seed ^ (0xa5a5 + me as u64));
            let mut disk = Disk::default();
            let writes = Replica::found(founding, BEGINNING, &mut own).unwrap();
            let (said, kept) = disk.commit(writes, true, None);
            said.unwrap();
            truth.kept(me, &disk, &kept);
            disk.lies = nature.planted == Some(Planted::LyingDisk);
            Device {
                replica: Some(Replica::load(disk.shelf()).unwrap()),
                disk,
                clock: SkewedClock::default(),
                static_key: statics[me],
                fault: None,
                waits: false,
                confirmed_there: Confirmed::new(),
                commitments: Commitments::new(),
                rng: own,
                copy: None,
            }
        });
        let mut world = Self {
            devices,
            net: Network::default(),
            files: Vec::new(),
            truth,
            told: [Told::new(), Told::new()],
            now: BEGINNING,
            rng,
            journal,
            epoch_0: *epoch_0.expose(),
            next_word: 0,
            next_file: 1 << 32,
            story: Vec::new(),
            tally: BTreeMap::new(),
            nature,
        };
        world.net.delay = 30;
        world
    }

    /// Their first session, which runs over the pairing's link and confirms the pair.
    pub fn begin(&mut self) {
        self.meet();
        self.net.delay = [0, 5, 300, 20_000][self.rng.below(4)];
        self.net.wild = self.nature.wild;
        self.truth.wild = self.nature.wild;
    }

    pub fn tell(&mut self, what: impl FnOnce() -> String) {
        let line = what();
        self.story
            .push(format!("{:>9} {line}", self.now - BEGINNING));
    }

    pub fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Plays everything that this seed holds, and looks at what is left.
    pub fn play(&mut self) {
        self.begin();
        for aside in &mut self.truth.aside {
            aside.relapses = self.nature.relapses;
        }
        for _ in 0..self.nature.steps {
            self.step();
        }
        self.come_to_rest();
    }

    pub fn step(&mut self) {
        self.now += self.rng.below(2_000) as i64;
        let who = self.rng.below(2);
        let (edits, meetings, faults) =
            (self.nature.edits, self.nature.meetings, self.nature.faults);
        let mut at = self.rng.below(100 + faults);
        let mut is = |share: usize| {
            let so = at < share;
            at = at
                .saturating_sub(share)
                .max(if so { usize::MAX } else { 0 });
            so
        };
        if is(edits) {
            self.do_something(who);
        } else if is(meetings) {
            self.connect();
        } else if is(3) {
            let lines = self.net.open();
            if let Some(line) = self.rng.one(&lines).copied() {
                self.tell(|| format!("{line:?} is cut"));
                self.net.cut(line, self.now, &mut self.rng);
            }
        } else if is(2) && self.nature.skewed {
            self.devices[who].clock.set(&mut self.rng);
            let clock = self.devices[who].clock.clone();
            self.tell(|| format!("{}: {clock:?}", NAMES[who]));
        } else if is(4) && self.nature.files {
            self.write_bundle(who);
        } else if is(5) && self.nature.files {
            self.read_bundle(who);
        } else if is(2) && self.nature.restores {
            self.copy_or_restore(who);
        } else if is(faults) {
            self.befall(who);
        } else {
            let some = 1 + self.rng.below(12);
            self.deliver(some, self.now + 60_000);
        }
    }

    fn befall(&mut self, who: usize) {
        match self.rng.below(10) {
            0 => {
                self.tell(|| format!("{}'s process ends", NAMES[who]));
                self.stop(who, false);
            }
            1 => {
                self.tell(|| format!("{}'s power goes", NAMES[who]));
                self.stop(who, true);
            }
            2 => {
                let full = self.rng.chance(60);
                self.devices[who].disk.full = full;
                self.tell(|| format!("{}'s disk is full: {full}", NAMES[who]));
            }
            _ => {
                let fault = Fault::ALL[self.rng.below(Fault::ALL.len())];
                let after = self.rng.below(7);
                self.devices[who].fault = Some((fault, after));
                self.tell(|| format!("{}: {fault:?} after {after} effects", NAMES[who]));
            }
        }
    }

    // What a person does.

    pub fn do_something(&mut self, who: usize) {
        self.start(who);
        self.next_word += 1;
        let device = &mut self.devices[who];
        let Some(replica) = device.replica.as_mut().filter(|_| !device.waits) else {
            return;
        };
        let deed = Somebody {
            rng: &mut self.rng,
            replica,
            shelf: device.disk.shelf(),
            now: device.clock.at(self.now),
            word: format!("w{}", self.next_word),
            commitments: &mut device.commitments,
            photos: self.nature.photos,
            begins: &self.nature.begins,
        }
        .does();
        let Some((deed, edit)) = deed else {
            return;
        };
        self.tell(|| format!("{}: {deed} {edit:?}", NAMES[who]));
        let done = self.edit(who, edit);
        self.tell(|| format!("{}: {done:?}", NAMES[who]));
        match done {
            Fed::Whole => self.count(deed),
            Fed::Refused(_) => self.count("refused by a rule"),
            Fed::Broken => self.count("failed in the midst"),
        }
    }

    /// Does something, and keeps what it means: who agreed to which text, and who ended what.
    fn edit(&mut self, who: usize, edit: Edit) -> Fed {
        let agrees_to = self.agrees_to(who, &edit);
        let words = match &edit {
            Edit::Propose(words) => Some((EntryKind::Boundary, words.clone())),
            Edit::Begin(begin) if begin.agreed => {
                begin.words.clone().map(|words| (begin.kind, words))
            }
            _ => None,
        };
        let ends = matches!(edit, Edit::End { .. });
        if let Edit::Photo { photo, .. } = &edit {
            self.truth.put_in(&photo.bytes);
        }
        let mut ended = None;
        let fed = self.feed_and(who, Input::Edit(edit), |world, effects| {
            let Some(entry) = effects.iter().find_map(|effect| match effect {
                Effect::Show(Shown::Edited(entry)) => Some(*entry),
                _ => None,
            }) else {
                return;
            };
            let Some(replica) = &world.devices[who].replica else {
                return;
            };
            let (clock, log) = (replica.clock(), replica.log());
            let begun = words.as_ref().map(|(kind, words)| {
                let review = words.review_on.as_deref().unwrap_or_default();
                agree_hash(
                    &entry,
                    *kind,
                    &words.language,
                    &words.title,
                    &words.text,
                    review,
                )
            });
            if let Some(text) = agrees_to.or(begun) {
                world.truth.agreed(who, entry, text, &clock);
            }
            ended = ends.then(|| (entry, log, clock.seq(&log)));
        });
        // Where it failed in the midst, it may be there even so.
        if let Some((entry, log, seq)) = ended {
            let device = &self.devices[who];
            let again = Replica::load(device.disk.shelf()).expect("what was saved can be loaded");
            if again.clock().seq(&log) >= seq {
                self.truth.ended(entry, log, seq);
            }
        }
        fed
    }

    fn agrees_to(&mut self, who: usize, edit: &Edit) -> Option<[u8; 32]> {
        let Edit::Agree { entry, .. } = edit else {
            return None;
        };
        let device = &mut self.devices[who];
        let view = device
            .replica
            .as_mut()?
            .agreement(device.disk.shelf(), entry);
        Some(view.unwrap().current.hash)
    }

    // How it ends.

    /// A meeting that nothing disturbs.
    fn meet(&mut self) {
        self.cut_all();
        self.deliver(100_000, i64::MAX);
        self.connect();
        let delivered = self.deliver(100_000, i64::MAX);
        assert!(delivered < 100_000, "the two never come to rest");
        for who in [0, 1] {
            for link in self.net.open_at(who) {
                let of = |who: usize| {
                    let device = &self.devices[who];
                    (device.replica.as_ref().unwrap(), device.disk.shelf())
                };
                let ((replica, _), (other, shelf)) = (of(who), of(1 - who));
                has_met(NAMES[who], replica, &replica.meeting(link), (other, shelf));
            }
        }
        self.cut_all();
        self.deliver(1_000, i64::MAX);
    }

    fn cut_all(&mut self) {
        for line in self.net.open() {
            self.net.cut(line, self.now, &mut self.rng);
        }
    }

    /// They meet for so long, and part whatever is under way.
    pub fn meet_for(&mut self, milliseconds: i64) {
        let until = self.now + milliseconds;
        self.connect();
        self.deliver(100_000, until);
        self.now = until;
        self.cut_all();
        self.deliver(100_000, until + 30_000);
    }

    /// Whether both say of everything that it has reached the other, photos included.
    pub fn all_reached(&self) -> bool {
        self.devices.iter().all(|device| {
            let replica = device.replica.as_ref().unwrap();
            let photos = |card: &Card| {
                card.blobs()
                    .iter()
                    .all(|blob| replica.blob_progress(blob).here == blob.chunks.len())
            };
            replica
                .cards()
                .all(|(_, card)| replica.reached(card) && photos(card))
        })
    }

    /// Everything is mended, the two meet undisturbed, and what they hold is looked at.
    pub fn come_to_rest(&mut self) {
        self.tell(|| "all is mended".to_owned());
        self.net.wild = false;
        for who in [0, 1] {
            self.devices[who].fault = None;
            self.truth.aside[who].relapses = 0;
            self.devices[who].disk.full = false;
            self.start(who);
        }
        // What was under way when the network was wild is still as it was.
        self.cut_all();
        self.deliver(100_000, i64::MAX);
        // A device that was put back gets its own log at the first, and says so at the second.
        self.meet();
        self.meet();
        self.look();
    }

    /// Both are at rest: what they hold is judged.
    pub fn look(&mut self) {
        for who in [0, 1] {
            assert!(
                !self.devices[who].waits,
                "{} does not find its place",
                NAMES[who]
            );
            let there = std::mem::take(&mut self.devices[who].confirmed_there);
            self.truth.confirm_again(who, there, &|_| u64::MAX);
            self.came_up(who);
        }
        let epoch_0 = EpochSecret::from_bytes(&self.epoch_0);
        let [ana, bo] = &mut self.devices;
        let at_rest = [ana, bo].map(|device| AtRest {
            replica: device.replica.as_mut().unwrap(),
            disk: &device.disk,
        });
        self.truth.at_rest(&self.journal, &epoch_0, at_rest);
    }
}
