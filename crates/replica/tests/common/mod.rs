//! Two devices, Ana's and Bo's, in one thread: disks in memory, links as queues that can be cut, no clock and no sleep.
//! Whatever happens, every step checks what must always hold (`Pair::check`).
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use std::collections::{BTreeMap, VecDeque};

use amends_journal::{
    Actor, Agreed, Draft, Entry, EntryId, PartKind, Person, View, Writer, propose,
};
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey, StaticSecret};
use amends_keys::seal::{self, EpochSecret};
use amends_replica::{
    Card, Change, Edit, EditError, Effect, Founding, Frame, HandleError, Input, Item, LinkId,
    MemoryShelf, Partner, Record, RecordHash, Replica, Seen, Shelf, Shown, Table, Words, World,
    Write, actor_of, write_items,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const ANA: usize = 0;
pub const BO: usize = 1;

/// What was saved: what a crash of the process leaves, and what a power cut leaves of it.
#[derive(Clone, Default)]
pub struct Disk {
    pub now: MemoryShelf,
    pub durable: MemoryShelf,
    not_durable: Vec<Write>,
}

impl Disk {
    fn commit(&mut self, writes: &[Write], durable: bool) {
        self.now.commit(writes);
        self.not_durable.extend_from_slice(writes);
        if durable {
            self.durable.commit(&std::mem::take(&mut self.not_durable));
        }
    }
}

/// A device that is stopped, or whose disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends before the effect of this number, counted from here; saved is what was saved.
    Killed(usize),
    /// As that, and what was not durable is lost.
    PowerCut(usize),
    /// The save of this number, counted from here, fails.
    SaveFails(usize),
    /// The same, though the disk has it.
    SaveUnsure(usize),
}

pub struct Device {
    pub replica: Replica,
    pub disk: Disk,
    pub shown: Vec<Shown>,
    pub static_key: StaticKey,
    pub log: LogKey,
    pub fault: Option<Fault>,
    /// Frames sent, by type: clocks, envelopes.
    pub sent: (usize, usize),
    /// How far this device's own log was when it last said that an edit is saved.
    pub confirmed: u64,
    /// How far its log was seen on the other's disk.
    seen_there: u64,
    secret: [u8; 32],
    rng: ChaCha20Rng,
}

impl Device {
    pub fn cards(&self) -> BTreeMap<EntryId, Card> {
        self.replica
            .cards()
            .map(|(id, card)| (*id, card.clone()))
            .collect()
    }

    pub fn card(&self, entry: &EntryId) -> &Card {
        self.replica.card(entry).expect("the entry is there")
    }

    /// The words of an entry that both agree to.
    pub fn agreed(&self, entry: &EntryId) -> &Agreed {
        self.card(entry).agreed().expect("an agreement")
    }

    pub fn reached(&self, entry: &EntryId) -> bool {
        self.replica.reached(self.card(entry))
    }

    pub fn held(&self, log: &LogKey) -> u64 {
        self.replica.clock().seq(log)
    }

    pub fn log_secret(&self) -> LogSecret {
        LogSecret::from_bytes(&self.secret)
    }

    pub fn set_aside(&self) -> Vec<(u64, String)> {
        let reason = |shown: &Shown| match shown {
            Shown::SetAside { seq, reason, .. } => Some((*seq, reason.clone())),
            _ => None,
        };
        self.shown.iter().filter_map(reason).collect()
    }

    pub fn refused(&self) -> Vec<String> {
        let reason = |shown: &Shown| match shown {
            Shown::Refused(reason) => Some(reason.clone()),
            _ => None,
        };
        self.shown.iter().filter_map(reason).collect()
    }

    pub fn was_shown(&self, what: &Shown) -> bool {
        self.shown.contains(what)
    }
}

/// What becomes of an input.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    Whole,
    /// The device's fault came in between; it is up again, its links are gone.
    Faulted,
}

pub struct Pair {
    pub devices: [Device; 2],
    /// For each open link, what is on its way to each device.
    pub links: BTreeMap<LinkId, [VecDeque<Vec<u8>>; 2]>,
    pub journal: JournalId,
    epoch_0: [u8; 32],
    next_link: u64,
    /// Both devices' clock.
    pub now: i64,
    /// A home was put back to an older copy, so that what was reached may be gone again; or it takes too long.
    pub unchecked: bool,
}

pub fn pair(seed: u64) -> Pair {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let journal = JournalId::generate(&mut rng);
    let epoch_0 = EpochSecret::generate(&mut rng);
    let statics = [
        StaticSecret::generate(&mut rng),
        StaticSecret::generate(&mut rng),
    ];
    let logs = [LogSecret::generate(&mut rng), LogSecret::generate(&mut rng)];
    let names = ["Ana", "Bo"].map(|name| PersonName::try_from(name).unwrap());
    let devices = [ANA, BO].map(|me| {
        let other = 1 - me;
        let mut rng = ChaCha20Rng::seed_from_u64(seed.wrapping_mul(2).wrapping_add(me as u64));
        let founding = Founding {
            journal,
            epoch_0: EpochSecret::from_bytes(epoch_0.expose()),
            log: LogSecret::from_bytes(logs[me].expose()),
            static_key: statics[me].public(),
            name: names[me].clone(),
            partner: Some(Partner {
                static_key: statics[other].public(),
                log: logs[other].public(),
                name: names[other].clone(),
            }),
            // Ana showed the code; Bo's device is the one that knows first that both kept the pair.
            confirmed: me == BO,
        };
        let writes = Replica::found(founding, 0, &mut rng).unwrap();
        let mut disk = Disk::default();
        disk.commit(&writes, true);
        Device {
            replica: Replica::load(&disk.now).unwrap(),
            disk,
            shown: Vec::new(),
            static_key: statics[me].public(),
            log: logs[me].public(),
            fault: None,
            sent: (0, 0),
            confirmed: 0,
            seen_there: 0,
            secret: *logs[me].expose(),
            rng,
        }
    });
    Pair {
        devices,
        links: BTreeMap::new(),
        journal,
        epoch_0: *epoch_0.expose(),
        next_link: 1,
        now: 1_800_000_000_000,
        unchecked: false,
    }
}

/// A pair that met once.
pub fn met_pair(seed: u64) -> Pair {
    let mut pair = pair(seed);
    pair.meet();
    pair
}

pub fn proposal(text: &str) -> Edit {
    Edit::Propose(Words {
        text: text.into(),
        language: "en".into(),
        ..Words::default()
    })
}

pub fn new_text(entry: EntryId, text: &str) -> Edit {
    Edit::Change {
        entry,
        change: Change {
            text: Some(text.into()),
            ..Change::default()
        },
    }
}

pub fn agree(entry: EntryId) -> Edit {
    Edit::Agree { entry, shown: None }
}

impl Pair {
    pub fn ana(&self) -> &Device {
        &self.devices[ANA]
    }

    pub fn bo(&self) -> &Device {
        &self.devices[BO]
    }

    pub fn epoch_0(&self) -> EpochSecret {
        EpochSecret::from_bytes(&self.epoch_0)
    }

    /// Gives one input to one device and performs what it wants done, in order.
    pub fn feed(&mut self, who: usize, input: Input<'_>) -> Result<Done, EditError> {
        self.act(who, |replica, world| replica.handle(world, input))
    }

    /// Has one device do something and performs what it wants done, in order.
    pub fn act(
        &mut self,
        who: usize,
        first: impl FnOnce(&mut Replica, &mut World<'_>) -> Result<Vec<Effect>, HandleError>,
    ) -> Result<Done, EditError> {
        let mut first = Some(first);
        let mut next = None;
        loop {
            self.now += 1;
            let device = &mut self.devices[who];
            let mut world = World {
                now: self.now,
                rng: &mut device.rng,
                shelf: &device.disk.now,
            };
            let effects = match (first.take(), next.take()) {
                (Some(first), _) => first(&mut device.replica, &mut world),
                (None, Some(input)) => device.replica.handle(&mut world, input),
                (None, None) => return Ok(Done::Whole),
            };
            let effects = match effects {
                Ok(effects) => effects,
                Err(HandleError::Edit(error)) => return Err(error),
                Err(error) => panic!("{error}"),
            };
            for effect in effects {
                match &mut self.devices[who].fault {
                    Some(Fault::Killed(0)) => {
                        self.restart(who, false);
                        return Ok(Done::Faulted);
                    }
                    Some(Fault::PowerCut(0)) => {
                        self.restart(who, true);
                        return Ok(Done::Faulted);
                    }
                    Some(Fault::Killed(left) | Fault::PowerCut(left)) => *left -= 1,
                    Some(Fault::SaveFails(_) | Fault::SaveUnsure(_)) | None => {}
                }
                let device = &mut self.devices[who];
                match effect {
                    Effect::Save { writes, durable } => {
                        match &mut device.fault {
                            Some(fault @ (Fault::SaveFails(0) | Fault::SaveUnsure(0))) => {
                                if matches!(fault, Fault::SaveUnsure(_)) {
                                    device.disk.commit(&writes, durable);
                                }
                                device.fault = None;
                                device.replica = device.replica.reload(&device.disk.now).unwrap();
                                self.cut_all(who);
                                return Ok(Done::Faulted);
                            }
                            Some(Fault::SaveFails(left) | Fault::SaveUnsure(left)) => *left -= 1,
                            _ => {}
                        }
                        device.disk.commit(&writes, durable);
                    }
                    Effect::Show(shown) => {
                        if let Shown::Edited(_) = shown {
                            device.confirmed = device.replica.clock().seq(&device.log);
                        }
                        device.shown.push(shown);
                    }
                    Effect::Send { link, frame } => {
                        match frame.first() {
                            Some(1) => device.sent.0 += 1,
                            Some(2) => device.sent.1 += 1,
                            _ => {}
                        }
                        if let Some(queues) = self.links.get_mut(&link) {
                            queues[1 - who].push_back(frame);
                        }
                    }
                    Effect::Close { link, .. } => {
                        self.links.remove(&link);
                        // The network says so to both, later.
                        next = next.or(Some(Input::Parted { link }));
                        let other = 1 - who;
                        self.feed(other, Input::Parted { link })?;
                    }
                    Effect::Continue => next = Some(Input::Continue),
                }
                self.check();
            }
        }
    }

    /// What must hold between any two effects: what is said to be reached is on the other's disk.
    pub fn check(&mut self) {
        if self.unchecked {
            return;
        }
        for who in [ANA, BO] {
            let (device, other) = (&self.devices[who], &self.devices[1 - who]);
            let cards = device.replica.cards();
            let reached = cards
                .filter(|(_, card)| device.replica.reached(card))
                .map(|(_, card)| card.mine)
                .max();
            for seq in device.seen_there + 1..=reached.unwrap_or(0) {
                // The partner's log is number 1 everywhere.
                let key = [&1u32.to_be_bytes()[..], &seq.to_be_bytes()].concat();
                let there = other.disk.durable.get(Table::Record, &key).unwrap();
                assert!(
                    there.is_some(),
                    "it is said that record {seq} has reached the other, and it is not there"
                );
            }
            self.devices[who].seen_there = self.devices[who].seen_there.max(reached.unwrap_or(0));
        }
    }

    pub fn edit(&mut self, who: usize, edit: Edit) -> Result<EntryId, EditError> {
        let before = self.devices[who].shown.len();
        match self.feed(who, Input::Edit(edit))? {
            Done::Whole => {}
            Done::Faulted => panic!("the device failed at an edit that must pass"),
        }
        let edited = |shown: &Shown| match shown {
            Shown::Edited(entry) => Some(*entry),
            _ => None,
        };
        Ok(self.devices[who].shown[before..]
            .iter()
            .find_map(edited)
            .expect("the edit is confirmed"))
    }

    /// Ends the process of a device and starts it again.
    pub fn restart(&mut self, who: usize, power: bool) {
        let device = &mut self.devices[who];
        device.fault = None;
        if power {
            device.disk.now = device.disk.durable.clone();
            device.disk.not_durable.clear();
        }
        device.replica = Replica::load(&device.disk.now).unwrap();
        assert!(
            device.held(&device.log.clone()) >= device.confirmed,
            "a confirmed edit is lost"
        );
        self.cut_all(who);
    }

    /// Puts a home back to an older copy of itself.
    pub fn roll_back(&mut self, who: usize, disk: &Disk) {
        self.unchecked = true;
        self.devices[who].confirmed = 0;
        self.devices[who].disk = disk.clone();
        self.devices[who].replica = Replica::load(&disk.now).unwrap();
        self.cut_all(who);
    }

    /// The links of a device that begins anew are gone; only the other one still has to be told.
    fn cut_all(&mut self, who: usize) {
        for link in std::mem::take(&mut self.links).into_keys() {
            self.feed(1 - who, Input::Parted { link }).unwrap();
        }
    }

    /// Opens a session.
    pub fn connect(&mut self) -> LinkId {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        self.links.insert(link, Default::default());
        for who in [ANA, BO] {
            if self.links.contains_key(&link) {
                let device = self.devices[1 - who].static_key;
                self.feed(who, Input::Met { link, device }).unwrap();
            }
        }
        link
    }

    /// Closes a session; what is on its way is lost.
    pub fn cut(&mut self, link: LinkId) {
        if self.links.remove(&link).is_some() {
            for who in [ANA, BO] {
                self.feed(who, Input::Parted { link }).unwrap();
            }
        }
    }

    /// Delivers one frame; false where none is on its way.
    pub fn deliver(&mut self, link: LinkId, to: usize) -> bool {
        let Some(frame) = self
            .links
            .get_mut(&link)
            .and_then(|queues| queues[to].pop_front())
        else {
            return false;
        };
        self.feed(
            to,
            Input::Received {
                link,
                frame: &frame,
            },
        )
        .unwrap();
        true
    }

    /// Delivers up to so many frames, in turns; gives how many there were.
    pub fn run_for(&mut self, frames: usize) -> usize {
        let mut delivered = 0;
        loop {
            let mut moved = false;
            for link in self.links.keys().copied().collect::<Vec<_>>() {
                for to in [BO, ANA] {
                    if delivered == frames {
                        return delivered;
                    }
                    if self.deliver(link, to) {
                        delivered += 1;
                        moved = true;
                    }
                }
            }
            if !moved {
                return delivered;
            }
        }
    }

    /// Delivers until nothing is on its way.
    pub fn run(&mut self) {
        let most = 20_000;
        assert!(self.run_for(most) < most, "the two never come to rest");
    }

    /// A whole meeting; gives how many frames it took.
    pub fn meet(&mut self) -> usize {
        let link = self.connect();
        let frames = self.run_for(20_000);
        assert!(frames < 20_000, "the two never come to rest");
        for device in &self.devices {
            let meeting = device.replica.meeting(link);
            assert!(meeting.partner_has_all && meeting.have_all, "{meeting:?}");
        }
        self.cut(link);
        frames
    }

    /// Both hold the same, seen from two sides.
    pub fn assert_equal(&mut self) {
        let [ana, bo] = [ANA, BO].map(|who| self.devices[who].replica.clock().0);
        assert_eq!(ana, bo);
        let ids: Vec<EntryId> = self.ana().cards().into_keys().collect();
        assert_eq!(ids, self.bo().cards().into_keys().collect::<Vec<_>>());
        for id in ids {
            let (ana, bo) = (self.ana().card(&id).clone(), self.bo().card(&id).clone());
            assert_eq!(as_the_other_sees(&ana), neutral(&bo));
            for device in &self.devices {
                assert!(device.reached(&id), "everything has reached the other");
            }
            // The same parts, whoever's.
            let [ana, bo] = [ANA, BO].map(|who| {
                let device = &mut self.devices[who];
                let heads = |entry: &Entry<'_>| {
                    [entry.shared, entry.mine, entry.partners].map(amends_journal::Part::heads)
                };
                device.replica.look(&device.disk.now, &id, heads).unwrap()
            });
            assert_eq!(ana, [bo[0].clone(), bo[2].clone(), bo[1].clone()]);
            let [ana, bo] = [ANA, BO].map(|who| {
                let device = &mut self.devices[who];
                device.replica.agreement(&device.disk.now, &id).unwrap()
            });
            assert_eq!(ana.current.hash, bo.current.hash);
            assert_eq!(
                ana.in_force.map(|version| version.hash),
                bo.in_force.map(|version| version.hash)
            );
        }
    }

    /// A frame that Bo's device could have sent, with these records in it.
    pub fn sealed(&mut self, records: &[(Vec<u8>, [u8; 64])]) -> Vec<u8> {
        let items: Vec<(&[u8], &[u8; 64])> = records
            .iter()
            .map(|(bytes, sig)| (&bytes[..], sig))
            .collect();
        let mut salt = [0; 24];
        self.devices[BO].rng.fill_bytes(&mut salt);
        let envelope = seal::seal(0, &self.epoch_0(), &self.journal, salt, &items).unwrap();
        Frame::Envelope(envelope).to_bytes()
    }

    /// Gives Ana's device a frame over a link.
    pub fn ana_gets(&mut self, link: LinkId, frame: &[u8]) {
        self.feed(ANA, Input::Received { link, frame }).unwrap();
    }
}

/// How far own records are, the partner's troubles with them and when they came are each side's own business.
fn neutral(card: &Card) -> Card {
    let mut card = Card {
        mine: 0,
        earlier: Vec::new(),
        not_readable_there: false,
        first_held: 0,
        ..card.clone()
    };
    if let View::Boundary(agreed) = &mut card.view {
        agreed.declined_by_me = false;
    }
    card
}

fn as_the_other_sees(card: &Card) -> Card {
    use amends_replica::Whose;
    let mut card = neutral(card);
    card.author = card.author.map(|whose| match whose {
        Whose::Mine => Whose::Partners,
        Whose::Partners => Whose::Mine,
    });
    if let View::Boundary(agreed) = &mut card.view {
        std::mem::swap(&mut agreed.agreed_by_me, &mut agreed.agreed_by_partner);
        std::mem::swap(&mut agreed.my_why, &mut agreed.partners_why);
    }
    if let View::Memory(memory) = &mut card.view {
        for shown in &mut memory.photos {
            shown.by = match shown.by {
                Person::Me => Person::Partner,
                Person::Partner => Person::Me,
            };
        }
    }
    card
}

/// Bo's log, written by somebody who has his keys and his patience.
pub struct Forger {
    secret: LogSecret,
    pub record: Record,
}

impl Forger {
    /// Goes on where Bo's log stands on Ana's device.
    pub fn of(pair: &Pair) -> Self {
        Self::of_log(pair, BO)
    }

    /// The same of either log: of Ana's, it is another copy of her home that writes.
    pub fn of_log(pair: &Pair, who: usize) -> Self {
        let device = &pair.devices[who];
        let clock = pair.ana().replica.clock();
        Self {
            secret: device.log_secret(),
            record: Record {
                journal: pair.journal,
                log: device.log,
                seq: clock.seq(&device.log),
                prev: clock.head(&device.log),
                epoch: 0,
                kind: 1,
                seen: Vec::new(),
                payload: Vec::new(),
            },
        }
    }

    /// Signs a record as it is.
    pub fn sign(&self, record: &Record) -> (Vec<u8>, [u8; 64]) {
        let bytes = record.to_bytes();
        let signature = Record::sign(&bytes, &self.secret);
        (bytes, signature)
    }

    /// The next record of the log.
    pub fn next(&mut self, kind: u8, seen: Vec<Seen>, payload: Vec<u8>) -> (Vec<u8>, [u8; 64]) {
        self.record.seq += 1;
        (self.record.kind, self.record.seen, self.record.payload) = (kind, seen, payload);
        let signed = self.sign(&self.record);
        self.record.prev = RecordHash::of(&signed.0);
        signed
    }
}

/// A record's bytes, and their signature.
pub type Signed = (Vec<u8>, [u8; 64]);

/// What a boundary by this actor begins with.
pub fn items_by(actor: &Actor, entry: u8, text: &str) -> Vec<Item> {
    let entry = EntryId([entry; 16]);
    let draft = Draft {
        title: "",
        text,
        language: "en",
        ..Draft::default()
    };
    let writer = Writer {
        journal: [0; 32],
        entry,
        log: [0; 32],
        device: *actor,
        actor: *actor,
        alone: false,
    };
    let proposed = propose(&writer, 0, &draft).unwrap();
    let item = |part, change: &Vec<u8>| Item {
        entry,
        kind: 3,
        schema: 1,
        part,
        change: change.clone(),
    };
    let shared = proposed
        .shared
        .changes
        .iter()
        .map(|change| item(PartKind::Shared, change));
    let own = proposed
        .own
        .changes
        .iter()
        .map(|change| item(PartKind::Own, change));
    shared.chain(own).collect()
}

/// A good record of Bo's: a boundary of its own.
pub fn good(pair: &Pair, forger: &mut Forger, entry: u8) -> Signed {
    let items = items_by(&actor_of(&pair.bo().log), entry, "good");
    forger.next(1, vec![], write_items(&items))
}

/// Gives Ana's device these records over a link, in one envelope.
pub fn send(pair: &mut Pair, link: LinkId, records: &[Signed]) {
    let frame = pair.sealed(records);
    pair.ana_gets(link, &frame);
}

/// Ana writes; gives the head of her log, for Bo to name.
fn head_to_come(pair: &mut Pair) -> (Seen, EntryId) {
    let entry = pair.edit(ANA, proposal("named before it is held")).unwrap();
    let (log, clock) = (pair.ana().log, pair.ana().replica.clock());
    (
        Seen {
            log,
            seq: clock.seq(&log),
            hash: clock.head(&log),
        },
        entry,
    )
}

/// Ana's home is put back to before a record of hers that Bo holds; gives that record's head and its entry.
pub fn before_a_head(seed: u64) -> (Pair, Seen, EntryId) {
    let mut pair = met_pair(seed);
    let before = pair.ana().disk.clone();
    let (seen, entry) = head_to_come(&mut pair);
    pair.meet();
    pair.roll_back(ANA, &before);
    (pair, seen, entry)
}

/// Whether Ana's device shows what [`good`] begins.
pub fn has(pair: &Pair, entry: u8) -> bool {
    pair.ana().replica.card(&EntryId([entry; 16])).is_some()
}
