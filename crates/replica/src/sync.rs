//! Sync with another device of the pair (PROTOCOL section 5): each side opens with its clock, both send what the other
//! lacks, in order, and go on live. An acknowledgement is a clock, sent after what it covers is on the disk. What is sent
//! is in [`crate::send`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use amends_journal::EntryId;
use amends_keys::identity::{LogKey, StaticKey};

use crate::bundle::Reading;
use crate::card::Card;
use crate::chunks::LinkChunks;
use crate::clock::{Clock, Position};
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::frame::{Frame, KNOWS};
use crate::record::{RecordHash, RecordKind};
use crate::replica::Replica;
use crate::rows::{self, HeardRow, LogRow, MetRow, RecordRow, Whose, name};
use crate::shelf::{Gathered, Table};
use crate::wall::Ready;

/// Frames in a row that bring nothing, after which a device that claims to hold more of this device's own log than this
/// device does is no longer believed: nobody can keep another from writing by a claim alone.
const IDLE_FRAMES: u32 = 64;

/// One session, as sync sees it.
pub(crate) struct Link {
    pub(crate) device: StaticKey,
    /// What the other device holds, by what it said over this link, and over another since.
    pub(crate) theirs: Option<Clock>,
    /// How far each log was sent on this link, or held there already.
    pub(crate) sent: BTreeMap<LogKey, u64>,
    /// For each envelope on its way, what it brings each log to.
    pub(crate) under_way: VecDeque<BTreeMap<LogKey, u64>>,
    pub(crate) sent_changes: BTreeSet<(LogKey, u64)>,
    /// Logs of which the other device holds another branch: nothing of them fits there.
    pub(crate) forked: BTreeSet<LogKey>,
    /// A log of this person's own of which it does, and from where on this device asks to be shown it.
    pub(crate) asked_below: Option<(LogKey, u64)>,
    pub(crate) acknowledged: u64,
    pub(crate) received: u64,
    /// Envelopes that were no records of this pair; a few are a fault, more are an attack.
    pub(crate) bad: u32,
    /// The other device was asked to send again, and has not sent anything fitting since.
    pub(crate) asked_again: bool,
    /// Something was dropped since the other device was last asked to send again.
    pub(crate) dropped: bool,
    /// The frame that is looked at brought a record that fits.
    pub(crate) brought: bool,
    /// Frames since one that did.
    idle: u32,
    /// It is to be closed; what still comes is not looked at.
    pub(crate) closing: bool,
    /// What is asked for and sent beside the records.
    pub(crate) chunks: LinkChunks,
    /// Another link to the same device was open meanwhile, or a bundle of its was read: the clock that opens this one may be older
    /// than what came by that.
    pub(crate) beside: bool,
    /// It is no session but a bundle that is being read. Then `theirs` stays unknown, and nothing is sent.
    pub(crate) reading: Option<Reading>,
}

impl Link {
    pub(crate) fn new(device: StaticKey) -> Self {
        Self {
            device,
            theirs: None,
            sent: BTreeMap::new(),
            under_way: VecDeque::new(),
            sent_changes: BTreeSet::new(),
            forked: BTreeSet::new(),
            asked_below: None,
            acknowledged: 0,
            received: 0,
            bad: 0,
            asked_again: false,
            dropped: false,
            brought: false,
            idle: 0,
            closing: false,
            chunks: LinkChunks::default(),
            beside: false,
            reading: None,
        }
    }

    /// What the other device holds, by what it said over this link. Of a log with two branches neither side has what the other one
    /// has, whatever the numbers say.
    pub(crate) fn said(&self) -> Option<&Clock> {
        self.theirs.as_ref().filter(|_| self.forked.is_empty())
    }

    /// A clock came over this link.
    fn hear(&mut self, theirs: &Clock, again: bool, counted: &mut BTreeMap<LogKey, u64>) {
        if self.theirs.is_none() || again {
            // On an opening, or after something was dropped there, sending begins where they are.
            self.sent.clear();
            self.under_way.clear();
        }
        self.theirs = Some(theirs.clone());
        self.settle(theirs, counted);
    }

    /// An acknowledgement came over another link to the same device.
    fn overhear(&mut self, theirs: &Clock, counted: &mut BTreeMap<LogKey, u64>) {
        let Some(known) = &mut self.theirs else {
            return;
        };
        known.raise(theirs);
        self.settle(theirs, counted);
    }

    /// `counted`: up to which number each log's acknowledged changes are counted already, over this link or another to
    /// the same device, since one change may go out over two.
    fn settle(&mut self, theirs: &Clock, counted: &mut BTreeMap<LogKey, u64>) {
        for (log, position) in &theirs.0 {
            let sent = self.sent.entry(*log).or_insert(0);
            *sent = position.seq.max(*sent);
        }
        let arrived =
            |ends: &BTreeMap<LogKey, u64>| ends.iter().all(|(log, seq)| theirs.seq(log) >= *seq);
        while self.under_way.front().is_some_and(arrived) {
            self.under_way.pop_front();
        }
        let acknowledged = &mut self.acknowledged;
        // In the order of their numbers.
        self.sent_changes.retain(|(log, seq)| {
            let arrived = theirs.seq(log) >= *seq;
            let counted = counted.entry(*log).or_insert(0);
            if arrived && *seq > *counted {
                *counted = *seq;
                *acknowledged = acknowledged.saturating_add(1);
            }
            !arrived
        });
    }

    /// How far the other device says that it holds this device's own log.
    fn claims(&self, me: &LogKey) -> u64 {
        let by_bundle = self.reading.as_ref().map_or(0, |reading| reading.claim);
        self.theirs
            .as_ref()
            .map_or(by_bundle, |theirs| theirs.seq(me))
    }
}

impl Replica {
    pub(crate) fn meet(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
        device: StaticKey,
    ) -> Result<Vec<Effect>, HandleError> {
        if !self
            .logs
            .values()
            .any(|log| log.key != *self.me.as_bytes() && log.static_key == *device.as_bytes())
        {
            return Ok(vec![Effect::Close {
                link,
                reason: "a device that is no member of this journal".to_owned(),
            }]);
        }
        let mut new = Link::new(device);
        for other in self
            .links
            .values_mut()
            .filter(|other| other.device == device)
        {
            (new.beside, other.beside) = (true, true);
        }
        self.links.insert(link, new);
        let mut gathered = Gathered::new(world.shelf);
        let mut effects = Vec::new();
        let first = !self.member.confirmed;
        if first {
            self.member.confirmed = true;
            rows::put_keys(&mut gathered, name::MEMBER, &self.member)?;
        }
        self.met = MetRow {
            at: Some(world.now),
        };
        rows::put(&mut gathered, name::MET, &self.met)?;
        effects.push(Effect::Save {
            writes: gathered.into_writes(),
            durable: first,
        });
        if first {
            effects.push(Effect::Show(Shown::Confirmed));
        }
        effects.push(self.send_clock(link, false));
        Ok(effects)
    }

    /// Keeps how much the partner's program can read, and says where that changed which of the two is older.
    fn note_knows(
        &mut self,
        gathered: &mut Gathered<'_>,
        knows: u8,
    ) -> Result<Option<Effect>, HandleError> {
        if self.partner_knows == knows {
            return Ok(None);
        }
        let before = self.older();
        self.partner_knows = knows;
        rows::put(gathered, name::KNOWS, &knows)?;
        let is = self.older();
        Ok((is != before).then_some(Effect::Show(Shown::Older(is))))
    }

    /// Whose program is of an older version, by what the partner's device said when the two last met: what the newer one
    /// writes may be unreadable there until it is brought up to date.
    pub fn older(&self) -> Option<Whose> {
        match self.partner_knows.cmp(&KNOWS) {
            Ordering::Less => Some(Whose::Partners),
            Ordering::Equal => None,
            Ordering::Greater => Some(Whose::Mine),
        }
    }

    pub(crate) fn part_from(
        &mut self,
        world: &mut World<'_>,
        link: LinkId,
    ) -> Result<Vec<Effect>, HandleError> {
        self.waiting.forget(link);
        let Some(gone) = self.links.remove(&link) else {
            return Ok(Vec::new());
        };
        if self.links.values().all(|other| other.device != gone.device) {
            self.counted.remove(&gone.device);
        }
        let mut gathered = Gathered::new(world.shelf);
        self.met = MetRow {
            at: Some(world.now),
        };
        rows::put(&mut gathered, name::MET, &self.met)?;
        // What was on its way on this link goes out on another one, where there is another.
        self.chunks_parted(&gone);
        let sends = self.pump_all(&gathered, world)?;
        let mut effects = vec![Effect::Save {
            writes: gathered.into_writes(),
            durable: false,
        }];
        effects.extend(sends);
        Ok(effects)
    }

    pub(crate) fn send_clock(&mut self, link: LinkId, again: bool) -> Effect {
        let wants = self.wants_over(link);
        if let Some(state) = self.links.get_mut(&link) {
            state.chunks.say(wants);
        }
        let mut clock = self.clock();
        if let Some(state) = self.links.get(&link)
            && let Some((log, from)) = state.asked_below
            && self.lacks_of(state, &log)
        {
            self.say_below(&mut clock, log, from);
        }
        for (log, position) in &mut clock.0 {
            // What is lost here is sent once more.
            if let Some((seq, head)) = self.lost_from(log) {
                position.cut(seq);
                (position.seq, position.head) = (seq, head.0);
            }
        }
        Effect::Send {
            link,
            frame: Frame::Clock {
                clock,
                again,
                chunks: Some(wants),
                knows: KNOWS,
            }
            .to_bytes(),
        }
    }

    /// What came over this link is on the disk. What was dropped meanwhile is asked for again.
    pub(crate) fn acknowledge(&mut self, link: LinkId) -> Option<Effect> {
        let state = self
            .links
            .get_mut(&link)
            .filter(|state| state.reading.is_none())?;
        let again = std::mem::take(&mut state.dropped);
        state.asked_again = again;
        Some(self.send_clock(link, again))
    }

    /// Whether other devices show that this home is an older copy of itself: by a claim, for as long as it may still be made
    /// good, or by records of this device's own log that came back, until all of them have.
    pub(crate) fn is_older_copy(&self) -> bool {
        let held = self.logs.get(&self.me).map_or(0, |log| log.seq);
        let claimed = |link: &Link| link.idle < IDLE_FRAMES && link.claims(&self.me) > held;
        self.returning > held || self.links.values().any(claimed)
    }

    /// Records that are under way on the open sessions: how many the other devices say that they hold and that are not here, and
    /// how many are here that they have not acknowledged. A log of which the two hold different branches does not count.
    pub fn under_way(&self) -> (u64, u64) {
        let (mut to_come, mut to_go) = (BTreeMap::new(), BTreeMap::new());
        for link in self.links.values() {
            let Some(theirs) = &link.theirs else { continue };
            let logs: BTreeSet<&LogKey> = theirs.0.keys().chain(self.logs.keys()).collect();
            for log in logs.into_iter().filter(|log| !link.forked.contains(log)) {
                let held = self.logs.get(log).map_or(0, |row| row.seq);
                let come = to_come.entry(*log).or_insert(0);
                *come = theirs.seq(log).saturating_sub(held).max(*come);
                let go = to_go.entry(*log).or_insert(u64::MAX);
                *go = held.saturating_sub(theirs.seq(log)).min(*go);
            }
        }
        let sum = |of: BTreeMap<LogKey, u64>| of.into_values().fold(0, u64::saturating_add);
        (sum(to_come), sum(to_go))
    }

    /// The logs of this device.
    pub(crate) fn own_logs(&self) -> impl Iterator<Item = (&LogKey, &LogRow)> {
        let own = self.member.static_key;
        self.logs
            .iter()
            .filter(move |(_, log)| log.static_key == own)
    }

    /// From where on to ask for another branch of an own log, where this clock is the first to show that there is one or may be:
    /// from what that device acknowledged last, since the two are the same until there, else from the beginning.
    fn below(
        &self,
        link: LinkId,
        branches: &BTreeMap<LogKey, Whose>,
        theirs: &Clock,
    ) -> Option<(LogKey, u64)> {
        let state = self.links.get(&link)?;
        let known = |log: &LogKey| {
            let heard = self.heard.get(&state.device);
            heard.map_or(0, |clock| clock.seq(log))
        };
        let (log, row) = self.own_logs().find(|(log, row)| {
            branches.contains_key(log) || theirs.seq(log) > row.seq && known(log) < row.seq
        })?;
        if state.asked_below.is_some_and(|(asked, _)| asked == *log) {
            return None;
        }
        Some((*log, known(log).min(row.seq)))
    }

    /// Whether the other device holds of a log what this one does not: another branch, or more of it. More may be more of
    /// another branch, which its clock does not show.
    fn lacks_of(&self, state: &Link, log: &LogKey) -> bool {
        let held = self.logs.get(log).map_or(0, |row| row.seq);
        state.forked.contains(log) || state.claims(log) > held
    }

    /// Says less of a log than is held.
    fn say_below(&self, clock: &mut Clock, log: LogKey, from: u64) {
        let head = self.heard.values().find_map(|heard| {
            let position = heard.0.get(&log)?;
            (position.seq == from).then_some(position.head)
        });
        let said = match head {
            Some(head) if from > 0 => Position {
                seq: from,
                head,
                set_aside: Vec::new(),
            },
            _ => Position::default(),
        };
        if clock.seq(&log) >= said.seq {
            clock.0.insert(log, said);
        }
    }

    /// Whether the device at the other end of `link` has said how far it holds this device's own log, and nothing of that is
    /// missing here.
    pub fn knows_its_place(&self, link: LinkId) -> bool {
        let heard = self
            .links
            .get(&link)
            .is_some_and(|state| state.theirs.is_some());
        heard && !self.is_older_copy()
    }

    /// Counts a frame, and gives up on a claim that is not made good.
    pub(crate) fn note_frame(&mut self, link: LinkId) {
        let held = self.logs.get(&self.me).map_or(0, |log| log.seq);
        let Some(state) = self.links.get_mut(&link) else {
            return;
        };
        state.idle = if std::mem::take(&mut state.brought) {
            0
        } else {
            state.idle.saturating_add(1)
        };
        if state.idle >= IDLE_FRAMES {
            self.returning = self.returning.min(held);
        }
    }

    /// The hash of a record that is held.
    pub(crate) fn hash_at(
        &self,
        gathered: &Gathered<'_>,
        log: &LogRow,
        seq: u64,
    ) -> Result<Option<RecordHash>, HandleError> {
        if seq == log.seq {
            return Ok(Some(log.head));
        }
        match gathered.get(Table::Record, &rows::record_key(log.number, seq))? {
            None => Ok(None),
            Some(row) => Ok(Some(rows::decode::<RecordRow>(name::RECORD, &row)?.hash)),
        }
    }

    /// The other device says how far it holds each log.
    pub(crate) fn hear_clock(
        &mut self,
        world: &mut World<'_>,
        link_id: LinkId,
        theirs: Clock,
        (again, chunks, knows): (bool, Option<bool>, u8),
    ) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        let mut branches = BTreeMap::new();
        for (log, position) in &theirs.0 {
            let Some(held) = self
                .logs
                .get(log)
                .filter(|held| (1..=held.seq).contains(&position.seq))
            else {
                continue;
            };
            if self.hash_at(&gathered, held, position.seq)? != Some(RecordHash(position.head)) {
                branches.insert(*log, held.whose);
            }
        }
        let own = self.logs.get(&self.me).map_or(0, |log| log.seq);
        let below = self.below(link_id, &branches, &theirs);
        let more: BTreeSet<LogKey> = self
            .own_logs()
            .filter(|(log, row)| theirs.seq(log) > row.seq)
            .map(|(log, _)| *log)
            .collect();
        let Some(link) = self.links.get_mut(&link_id) else {
            return Ok(Vec::new());
        };
        let (device, opening) = (link.device, link.theirs.is_none());
        let mut alone = !link.beside;
        let counted = self.counted.entry(device).or_default();
        link.hear(&theirs, again, counted);
        link.chunks.hear(chunks);
        let mut shows: Vec<Effect> = Vec::new();
        link.forked.retain(|log| branches.contains_key(log));
        for (log, whose) in &branches {
            if link.forked.insert(*log) {
                shows.push(Effect::Show(Shown::Fork(*whose)));
            }
        }
        let still = |(log, _): &(LogKey, u64)| branches.contains_key(log) || more.contains(log);
        link.asked_below = below.or(link.asked_below.filter(still));
        for (_, other) in self
            .links
            .iter_mut()
            .filter(|(id, other)| **id != link_id && other.device == device)
        {
            alone &= other.theirs.is_none();
            if !opening {
                other.overhear(&theirs, counted);
            }
        }
        if opening {
            self.wonder(link_id);
        }

        shows.extend(self.note_knows(&mut gathered, knows)?);
        let before = self.heard.get(&device).cloned().unwrap_or_default();
        if opening {
            self.raise_fence(&mut gathered, device, own)?;
            if theirs.seq(&self.me) > own {
                shows.push(Effect::Show(Shown::OlderCopy));
            } else if alone {
                // What once came back from there is gone there too, or has all come.
                self.returning = self.returning.min(own);
            }
            // A clock that was under way while another link brought more says nothing of the sort.
            if alone
                && before
                    .0
                    .iter()
                    .any(|(log, position)| theirs.seq(log) < position.seq)
            {
                shows.push(Effect::Show(Shown::PartnerWentBack));
            }
        }
        let mut heard = theirs;
        let branched = branches.values().any(|whose| *whose == Whose::Mine);
        for (key, log) in self.own_logs() {
            let Some(said) = heard.0.get_mut(key) else {
                continue;
            };
            if branches.contains_key(key) {
                *said = Position::default();
            } else if said.seq > log.seq && *key == self.me {
                // More than there is acknowledges nothing: those may be other records than these.
                *said = before.0.get(key).cloned().unwrap_or_default();
            }
            said.cut(log.seq);
        }
        if !alone && !branched {
            heard.raise(&before);
        }
        if before != heard {
            self.note_unreadable(&mut gathered, &before, &heard)?;
            shows.extend(self.set_heard(&mut gathered, device, heard)?);
        }
        let mut sends = self.pump_all(&gathered, world)?;
        if below.is_some() {
            sends.push(self.send_clock(link_id, true));
        }
        let writes = gathered.into_writes();
        let mut effects = Vec::new();
        if !writes.is_empty() {
            // Lost in a power cut, this only shows `waiting` until the next meeting says it again.
            effects.push(Effect::Save {
                writes,
                durable: false,
            });
        }
        effects.extend(shows);
        effects.extend(sends);
        Ok(effects)
    }

    /// Keeps what a device holds; gives what is reached by that.
    pub(crate) fn set_heard(
        &mut self,
        gathered: &mut Gathered<'_>,
        device: StaticKey,
        heard: Clock,
    ) -> Result<Vec<Effect>, HandleError> {
        let was: Vec<(LogKey, u64)> = self
            .logs
            .iter()
            .filter(|(_, log)| log.whose == Whose::Mine)
            .map(|(log, _)| (*log, self.heard_of(log)))
            .collect();
        self.heard.insert(device, heard);
        let rows: Vec<HeardRow> = self
            .heard
            .iter()
            .map(|(device, clock)| HeardRow {
                device: *device.as_bytes(),
                logs: clock
                    .0
                    .iter()
                    .map(|(log, position)| (*log.as_bytes(), position.clone()))
                    .collect(),
            })
            .collect();
        rows::put(gathered, name::HEARD, &rows)?;
        // Every acknowledgement comes by here: it looks at the entries that it is of, not at all. Those of a log that this device
        // does not write now are looked for among all, which ends soon after it began anew.
        let mut newly: Vec<EntryId> = Vec::new();
        for (log, was) in was {
            let is = self.heard_of(&log);
            if is <= was {
                continue;
            }
            if log == self.me {
                let range = (was.saturating_add(1), EntryId([0; 16]))..=(is, EntryId([0xff; 16]));
                newly.extend(self.by_mine.range(range).map(|(_, entry)| *entry));
            } else {
                let of_log = |card: &Card| {
                    let mut earlier = card.earlier.iter();
                    earlier
                        .any(|(of, seq)| *of == log && (was.saturating_add(1)..=is).contains(seq))
                };
                let all = self.cards.iter();
                newly.extend(
                    all.filter(|(_, card)| of_log(card))
                        .map(|(entry, _)| *entry),
                );
            }
        }
        newly.sort_unstable();
        newly.dedup();
        newly.retain(|entry| self.cards.get(entry).is_some_and(|card| self.reached(card)));
        Ok(newly
            .into_iter()
            .map(|entry| Effect::Show(Shown::Reached(entry)))
            .collect())
    }

    /// Records came and are held now: whoever sent one holds it, and need not be sent it.
    pub(crate) fn note_come(
        &mut self,
        gathered: &mut Gathered<'_>,
        come: &[Ready],
    ) -> Result<Vec<Effect>, HandleError> {
        let mut held: BTreeMap<StaticKey, Clock> = BTreeMap::new();
        let mut copy = false;
        for ready in come {
            let (log, seq) = (ready.record.log, ready.record.seq);
            let Some(link) = self.links.get_mut(&ready.link) else {
                continue;
            };
            if ready.record.kind == RecordKind::Change as u8 {
                link.received = link.received.saturating_add(1);
            }
            if log == self.me {
                // That this one came back shows that the claim to hold more is no invention, and that this home is a copy.
                self.returning = self.returning.max(link.claims(&log)).max(seq);
                copy = true;
            }
            if let Some(reading) = &mut link.reading {
                // Whoever carries a bundle may have put it together: that a record is in it does not show who holds it.
                reading.received = reading.received.saturating_add(1);
                continue;
            }
            held.entry(link.device)
                .or_default()
                .raise_to(log, seq, ready.hash);
        }
        if copy && !self.due {
            self.set_due(gathered)?;
        }
        let mut shows = Vec::new();
        for (device, held) in held {
            for link in self.links.values_mut().filter(|link| link.device == device) {
                for (log, position) in &held.0 {
                    let sent = link.sent.entry(*log).or_insert(0);
                    *sent = position.seq.max(*sent);
                    if let Some(theirs) = &mut link.theirs {
                        theirs.raise_to(*log, position.seq, RecordHash(position.head));
                    }
                }
            }
            let mut heard = self.heard.get(&device).cloned().unwrap_or_default();
            for (log, position) in held.0 {
                heard.raise_to(log, position.seq, RecordHash(position.head));
            }
            shows.extend(self.set_heard(gathered, device, heard)?);
        }
        Ok(shows)
    }

    /// Marks the entries in which the other device keeps records of mine that it cannot read.
    pub(crate) fn note_unreadable(
        &mut self,
        gathered: &mut Gathered<'_>,
        before: &Clock,
        theirs: &Clock,
    ) -> Result<(), HandleError> {
        // In any log of this device: another incarnation of it may have written them.
        let own: Vec<(LogKey, u32, u64)> = self
            .own_logs()
            .map(|(key, log)| (*key, log.number, log.seq))
            .collect();
        let mut changed = false;
        for (log, number, held) in &own {
            let (old, new) = (position(before, log), position(theirs, log));
            changed |= old.set_aside != new.set_aside;
            for (first, last) in &new.set_aside {
                // The runs are the other device's claim: only numbers that exist are looked at.
                for seq in *first..=(*last).min(*held) {
                    if old.is_set_aside(seq) {
                        continue;
                    }
                    let key = rows::record_key(*number, seq);
                    let Some(row) = gathered.get(Table::Record, &key)? else {
                        continue;
                    };
                    let row: rows::RecordRow = rows::decode(name::RECORD, &row)?;
                    for entry in row.entries.iter().map(|id| amends_journal::EntryId(*id)) {
                        if let Some(card) = self.cards.get_mut(&entry) {
                            card.not_readable_there = true;
                            gathered.put(Table::Card, entry.0.to_vec(), card.row()?);
                        }
                    }
                }
            }
        }
        if changed {
            self.note_readable(gathered, before, theirs, &own)?;
        }
        Ok(())
    }

    /// Takes that mark back where the other device no longer sets aside what it did: after an upgrade, or since it was put back.
    fn note_readable(
        &mut self,
        gathered: &mut Gathered<'_>,
        before: &Clock,
        theirs: &Clock,
        own: &[(LogKey, u32, u64)],
    ) -> Result<(), HandleError> {
        let entries_of = |gathered: &Gathered<'_>, at: (u32, u64)| -> Result<_, HandleError> {
            let row = gathered.get(Table::Record, &rows::record_key(at.0, at.1))?;
            let row: Option<rows::RecordRow> = row
                .map(|row| rows::decode(name::RECORD, &row))
                .transpose()?;
            Ok(row.map_or_else(Vec::new, |row| row.entries))
        };
        let numbers = |position: &Position, held: u64| -> Vec<u64> {
            let runs = position.set_aside.iter();
            runs.flat_map(|(first, last)| *first..=(*last).min(held))
                .collect()
        };
        let (mut gone, mut there) = (Vec::new(), Vec::new());
        for (log, number, held) in own {
            let (old, new) = (position(before, log), position(theirs, log));
            // Where it went back and holds that record no more, it is to come there again.
            let was = numbers(&old, *held).into_iter();
            let was = was.filter(|seq| !new.is_set_aside(*seq));
            gone.extend(was.map(|seq| (*number, seq)));
            there.extend(numbers(&new, *held).into_iter().map(|seq| (*number, seq)));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let mut still = BTreeSet::new();
        for at in there {
            still.extend(entries_of(gathered, at)?);
        }
        for at in gone {
            for entry in entries_of(gathered, at)? {
                let id = EntryId(entry);
                if let Some(card) = self.cards.get_mut(&id).filter(|_| !still.contains(&entry)) {
                    card.not_readable_there = false;
                    gathered.put(Table::Card, entry.to_vec(), card.row()?);
                }
            }
        }
        Ok(())
    }
}

/// How far a clock says that a log is held; nothing of it where it does not name it.
fn position(clock: &Clock, log: &LogKey) -> Position {
    clock.0.get(log).cloned().unwrap_or_default()
}
