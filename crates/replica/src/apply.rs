//! Steps 2 to 7 of the wall (PROTOCOL section 6), for records that passed step 1.

use std::collections::btree_map::Entry as At;
use std::collections::{BTreeMap, BTreeSet};

use amends_journal::wall::{self, Judged};
use amends_journal::{Entry, EntryId, EntryKind, Part, PartKind, Writer};
use amends_keys::identity::LogKey;

use crate::card::{Card, Kept};
use crate::clock::Position;
use crate::effect::{Effect, HandleError, LinkId, Shown, World};
use crate::hands;
use crate::parts::ENTRIES_LOADED;
use crate::payload::{Beginning, Incarnation, Item, read_items};
use crate::record::RecordKind;
use crate::replica::Replica;
use crate::rows::{self, ApplyingRow, Fate, PartName, RecordRow, RowError, Whose, name};
use crate::shelf::{Gathered, Table};
use crate::wall::Ready;

/// A record that was being applied when the program stopped is tried again this often before it is set aside: a person's
/// kill -9 must not cost a good record, and a record that stops the program does so every time
/// (`docs/decisions/0003`).
pub(crate) const TRIES: u8 = 3;

/// Operations that the changes of one record may claim together. An honest record holds less than 72,000, since who writes begins
/// another one (`docs/decisions/0085`).
pub const RECORD_OPERATIONS: u64 = 100_000;
/// Operations that are applied at once, the last record's beyond it; what is more goes on with the next
/// [`crate::Input::Continue`].
const OPERATIONS_AT_ONCE: u64 = 100_000;

/// Why an entry does not change its kind.
const OTHER_KIND: &str = "the entry is of another kind or schema";

/// What records did to entries: whose they were, the number of this device's last one, and what kind of entry it is.
pub(crate) type Touched = BTreeMap<EntryId, (Whose, Option<u64>, Of)>;

/// An entry's kind and the version of its schema.
pub(crate) type Of = (EntryKind, u8);

/// What came of all that was marked: each entry that it is in, and through whom it changed.
struct Together {
    entries: BTreeMap<EntryId, Grown>,
    by: Touched,
}

/// An entry, and the changes that it is given.
struct Growing {
    entry: EntryId,
    /// As [`PartName::ALL`].
    parts: Vec<Part>,
    changes: Vec<(PartName, Writer, Vec<u8>)>,
    kept: Kept,
    /// Whether its parts are worth keeping loaded: of many entries only the last are.
    stays: bool,
}

/// An entry with its changes.
struct Grown {
    /// As [`PartName::ALL`], where they stay loaded.
    parts: Vec<Part>,
    /// Of the parts that changed.
    rows: Vec<(PartName, Vec<u8>)>,
    card: Card,
    card_row: Vec<u8>,
}

impl Growing {
    /// Steps 2 to 5. `None` where a change is refused.
    fn grow(self) -> Option<Result<Grown, RowError>> {
        let mut judged: Vec<Judged> = self.parts.into_iter().map(Judged::new).collect();
        for (part_name, writer, change) in &self.changes {
            let part = judged.get_mut(*part_name as usize)?;
            part.judge(writer, change).ok()?;
        }
        let mut parts = Vec::with_capacity(judged.len());
        let mut rows = Vec::new();
        for (part_name, judged) in PartName::ALL.into_iter().zip(judged) {
            let changed = judged.waiting() > 0;
            let part = judged.finish().ok()?;
            if changed {
                rows.push((part_name, rows::part_row(&part)));
            }
            parts.push(part);
        }
        let [shared, mine, partners] = &parts[..] else {
            return None;
        };
        let entry = Entry {
            entry: self.entry,
            shared,
            mine,
            partners,
        };
        let card = Card::of(&entry, self.kept);
        if !self.stays {
            parts.clear();
        }
        Some(card.row().map(|card_row| Grown {
            parts,
            rows,
            card,
            card_row,
        }))
    }
}

impl Replica {
    /// Step 6, first half: marks what the next [`crate::Input::Continue`] applies. A record that was being applied when the
    /// program last stopped goes alone, so that only the one that stops it is ever set aside.
    pub(crate) fn mark(&mut self, mut gathered: Gathered<'_>) -> Result<Vec<Effect>, HandleError> {
        let suspect = |ready: &Ready| self.suspects.contains_key(&ready.hash);
        self.marked = match self.ready.front() {
            Some(first) if suspect(first) => 1,
            _ => {
                let mut before = 0u64;
                let mut together = 0;
                for ready in self.ready.iter().take_while(|ready| !suspect(ready)) {
                    if before > OPERATIONS_AT_ONCE {
                        break;
                    }
                    before = before.saturating_add(ready.claims);
                    together += 1;
                }
                together
            }
        };
        for ready in self.ready.iter().take(self.marked) {
            let begun = self.suspects.entry(ready.hash).or_insert(0);
            *begun = begun.saturating_add(1);
        }
        self.keep_suspects(&mut gathered)?;
        Ok(vec![
            Effect::Save {
                writes: gathered.into_writes(),
                durable: false,
            },
            Effect::Continue,
        ])
    }

    fn keep_suspects(&self, gathered: &mut Gathered<'_>) -> Result<(), HandleError> {
        let rows: Vec<ApplyingRow> = self
            .suspects
            .iter()
            .map(|(hash, begun)| ApplyingRow {
                hash: *hash,
                begun: *begun,
            })
            .collect();
        Ok(rows::put(gathered, name::APPLYING, &rows)?)
    }

    /// Steps 2 to 7 for what was marked.
    pub(crate) fn apply_ready(
        &mut self,
        world: &mut World<'_>,
    ) -> Result<Vec<Effect>, HandleError> {
        let marked: Vec<Ready> = self
            .ready
            .drain(..self.marked.min(self.ready.len()))
            .collect();
        self.marked = 0;
        if marked.is_empty() {
            return Ok(Vec::new());
        }

        let mut gathered = Gathered::new(world.shelf);
        let mut touched = Touched::new();
        let mut effects = Vec::new();
        let mut grown = BTreeMap::new();
        let together = match self.grow_together(&gathered, &marked, world.now)? {
            Some(Together { entries, by }) => {
                grown = entries;
                touched = by;
                Some(vec![Fate::Applied; marked.len()])
            }
            None => self.apply_together(&gathered, &marked, &mut touched)?,
        };
        if together.is_none() {
            touched.clear();
        }
        let mut fates = together.map(Vec::into_iter);
        for ready in &marked {
            let fate = match fates.as_mut().map(Iterator::next) {
                Some(Some(fate)) => fate,
                _ => self.apply_one(&gathered, ready, &mut touched)?,
            };
            if let Fate::SetAside(reason) = &fate {
                let whose = self
                    .logs
                    .get(&ready.record.log)
                    .map_or(Whose::Partners, |log| log.whose);
                effects.push(Effect::Show(Shown::SetAside {
                    whose,
                    seq: ready.record.seq,
                    reason: reason.clone(),
                }));
            }
            self.hold(&mut gathered, world.now, ready, fate)?;
        }
        for (entry, (by, mine, of)) in touched {
            if let Some(grown) = grown.remove(&entry) {
                self.keep_grown(&mut gathered, entry, grown, mine)?;
            } else {
                for part_name in PartName::ALL {
                    if let Some(part) = self.trial.remove(&(entry, part_name)) {
                        self.keep_part(&mut gathered, entry, part_name, part);
                    }
                }
                self.keep_card(&mut gathered, world.now, entry, of, mine)?;
            }
            effects.push(Effect::Show(Shown::Changed { entry, by }));
        }
        for ready in &marked {
            let log = ready.record.log;
            let of = self.logs.get(&log).map(|row| (row.whose, row.number));
            if let Some((whose, number)) = of {
                if ready.record.seq == 1 && number > 1 {
                    effects.push(Effect::Show(Shown::Incarnation(whose)));
                }
                if whose == Whose::Mine && log != self.me {
                    for item in read_items(&ready.record.payload).unwrap_or_default() {
                        self.note_earlier(&item.entry, log, ready.record.seq);
                    }
                }
            }
        }
        self.keep_earlier(&mut gathered)?;
        self.trial.clear();
        for ready in &marked {
            let begun = self.suspects.remove(&ready.hash).unwrap_or(0);
            self.survived.insert(ready.hash, begun.saturating_sub(1));
        }
        self.keep_suspects(&mut gathered)?;
        let reached = self.note_come(&mut gathered, &marked)?;
        self.keep_logs(&mut gathered)?;

        let more = if self.ready.is_empty() {
            Vec::new()
        } else {
            self.mark(Gathered::new(world.shelf))?
        };
        let sends = if more.is_empty() {
            self.pump_all(&gathered, world)?
        } else {
            Vec::new()
        };
        effects.push(Effect::Save {
            writes: gathered.into_writes(),
            durable: true,
        });
        effects.extend(reached);
        for link in marked
            .iter()
            .map(|ready| ready.link)
            .collect::<BTreeSet<LinkId>>()
        {
            effects.extend(self.acknowledge(link));
        }
        effects.extend(sends);
        effects.extend(more);
        Ok(effects)
    }

    /// All that was marked, entry by entry and so by all hands at once: what an entry is given is judged by steps 2 to 4 in
    /// its order, each of its parts is tried once by step 5, and its rows are made. `None` where a single change of them is
    /// refused, or something is no change at all: then nothing was done, and what becomes of each record is found out one
    /// after the other.
    fn grow_together(
        &mut self,
        gathered: &Gathered<'_>,
        marked: &[Ready],
        now: i64,
    ) -> Result<Option<Together>, HandleError> {
        let mut by = Touched::new();
        let mut kinds: BTreeMap<EntryId, Of> = BTreeMap::new();
        let mut comes: BTreeMap<EntryId, Vec<(PartName, Writer, Vec<u8>)>> = BTreeMap::new();
        for ready in marked {
            if self
                .suspects
                .get(&ready.hash)
                .is_some_and(|begun| *begun > 1)
            {
                return Ok(None);
            }
            let Ok(Some(items)) = self.items_of(ready) else {
                return Ok(None);
            };
            self.touch(ready, &items, &mut by);
            for item in items {
                let Ok((part_name, of)) = self.part_of(&ready.record.log, &item) else {
                    return Ok(None);
                };
                if *kinds.entry(item.entry).or_insert(of) != of {
                    return Ok(None);
                }
                let writer = self.writer(&ready.record.log, item.entry);
                let change = (part_name, writer, item.change);
                comes.entry(item.entry).or_default().push(change);
            }
        }
        let dropped = comes.len().saturating_sub(ENTRIES_LOADED);
        let mut growing = Vec::with_capacity(comes.len());
        for (at, (entry, changes)) in comes.into_iter().enumerate() {
            let Some((_, mine, of)) = by.get(&entry) else {
                return Ok(None);
            };
            let mut parts = Vec::with_capacity(PartName::ALL.len());
            // One look at the disk where three would find nothing.
            let is_new =
                !self.cards.contains_key(&entry) && !gathered.has_any(Table::Part, &entry.0)?;
            for part_name in PartName::ALL {
                parts.push(if is_new {
                    self.parts.blank(*of, part_name.kind())?
                } else {
                    self.parts.take(gathered, &entry, part_name, *of)?
                });
            }
            growing.push(Growing {
                entry,
                parts,
                changes,
                kept: self.kept(&entry, now, *mine),
                stays: at >= dropped,
            });
        }
        // Copies of a part share what is large.
        let before: Vec<(EntryId, Vec<Part>)> = growing
            .iter()
            .map(|growing| (growing.entry, growing.parts.clone()))
            .collect();
        let grown = hands::map(&*self.hands, growing, |growing| {
            (growing.entry, growing.grow())
        });
        let mut entries = BTreeMap::new();
        for (entry, grown) in grown {
            match grown {
                Some(grown) => {
                    entries.insert(entry, grown?);
                }
                None => {
                    // What was refused costs no loading of the parts anew.
                    for (entry, parts) in before {
                        self.keep_loaded(entry, parts);
                    }
                    return Ok(None);
                }
            }
        }
        Ok(Some(Together { entries, by }))
    }

    fn keep_loaded(&mut self, entry: EntryId, parts: Vec<Part>) {
        if self.cards.contains_key(&entry) {
            for (part_name, part) in PartName::ALL.into_iter().zip(parts) {
                self.parts.put_back(entry, part_name, part);
            }
        }
    }

    /// Saves what became of an entry.
    fn keep_grown(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        grown: Grown,
        mine: Option<u64>,
    ) -> Result<(), HandleError> {
        for (part_name, row) in grown.rows {
            gathered.put(Table::Part, rows::part_key(&entry, part_name), row);
        }
        self.put_made_card(gathered, entry, grown.card, (grown.card_row, mine))?;
        self.keep_loaded(entry, grown.parts);
        Ok(())
    }

    /// All that was marked at once: each record is judged by steps 2 to 4 after those before it, and each part is tried
    /// once by step 5, however many changes it gets and however many records between them are set aside. `None` where
    /// something stands against that; then each record is tried alone.
    fn apply_together(
        &mut self,
        gathered: &Gathered<'_>,
        marked: &[Ready],
        touched: &mut Touched,
    ) -> Result<Option<Vec<Fate>>, HandleError> {
        let begun = |ready: &Ready| self.suspects.get(&ready.hash).copied().unwrap_or(0);
        if marked.iter().any(|ready| begun(ready) > 1) {
            return Ok(None);
        }
        let mut judged: BTreeMap<(EntryId, PartName), Judged> = BTreeMap::new();
        let mut kinds: BTreeMap<EntryId, Of> = BTreeMap::new();
        let mut fates = Vec::with_capacity(marked.len());
        for ready in marked {
            let items = match self.items_of(ready) {
                Ok(Some(items)) => items,
                Ok(None) => {
                    fates.push(self.apply_membership(ready));
                    continue;
                }
                Err(why) => {
                    fates.push(Fate::SetAside(why));
                    continue;
                }
            };
            let mut before: BTreeMap<(EntryId, PartName), usize> = BTreeMap::new();
            let mut named: BTreeMap<EntryId, Of> = BTreeMap::new();
            let mut why = None;
            for item in &items {
                let (part_name, of) = match self.part_of(&ready.record.log, item) {
                    Ok(part) => part,
                    Err(error) => {
                        why = Some(error);
                        break;
                    }
                };
                let held = kinds.get(&item.entry).copied().unwrap_or(of);
                if held != of || *named.entry(item.entry).or_insert(of) != of {
                    why = Some(OTHER_KIND.to_owned());
                    break;
                }
                let key = (item.entry, part_name);
                let part = match judged.entry(key) {
                    At::Occupied(part) => part.into_mut(),
                    At::Vacant(place) => {
                        let part = self.parts.take(gathered, &item.entry, part_name, of)?;
                        place.insert(Judged::new(part))
                    }
                };
                before.entry(key).or_insert(part.waiting());
                let writer = self.writer(&ready.record.log, item.entry);
                if let Err(refusal) = part.judge(&writer, &item.change) {
                    why = Some(refusal.to_string());
                    break;
                }
            }
            fates.push(match why {
                None => {
                    kinds.extend(named);
                    self.touch(ready, &items, touched);
                    Fate::Applied
                }
                Some(why) => {
                    for (key, waiting) in before {
                        if let Some(part) = judged.get_mut(&key) {
                            part.forget(waiting);
                        }
                    }
                    Fate::SetAside(why)
                }
            });
        }
        let finished = hands::map(
            &*self.hands,
            judged.into_iter().collect(),
            |(key, judged)| {
                let unchanged = judged.waiting() == 0;
                (key, unchanged, judged.finish())
            },
        );
        for (key, unchanged, finished) in finished {
            match finished {
                // What was refused costs no loading of the part anew.
                Ok(part) if unchanged => {
                    if self.cards.contains_key(&key.0) {
                        self.parts.put_back(key.0, key.1, part);
                    }
                }
                Ok(part) => drop(self.trial.insert(key, part)),
                Err(_) => {
                    self.trial.clear();
                    return Ok(None);
                }
            }
        }
        Ok(Some(fates))
    }

    /// The changes that a record carries; none of a membership record. Why it is set aside, otherwise.
    fn items_of(&self, ready: &Ready) -> Result<Option<Vec<Item>>, String> {
        if ready.record.kind == RecordKind::Membership as u8 {
            return Ok(None);
        }
        if ready.record.kind != RecordKind::Change as u8 {
            return Err(format!(
                "records of kind {} are not known to this version",
                ready.record.kind
            ));
        }
        if ready.record.seq == 1 {
            return Err("the first record of a log says whose it is".to_owned());
        }
        if ready.claims > RECORD_OPERATIONS {
            return Err(format!(
                "step 3: {} operations in one record, {RECORD_OPERATIONS} at most",
                ready.claims
            ));
        }
        let items = read_items(&ready.record.payload);
        items.map(Some).map_err(|error| error.to_string())
    }

    /// One record: all of its changes, or none.
    pub(crate) fn apply_one(
        &mut self,
        gathered: &Gathered<'_>,
        ready: &Ready,
        touched: &mut Touched,
    ) -> Result<Fate, HandleError> {
        let begun = self.suspects.get(&ready.hash).copied().unwrap_or(0);
        if begun > TRIES {
            return Ok(Fate::SetAside(format!(
                "step 6: the program stopped {TRIES} times while applying it"
            )));
        }
        let items = match self.items_of(ready) {
            Ok(Some(items)) => items,
            Ok(None) => return Ok(self.apply_membership(ready)),
            Err(why) => return Ok(Fate::SetAside(why)),
        };
        let mut taken: BTreeMap<(EntryId, PartName), Part> = BTreeMap::new();
        for item in &items {
            let (part_name, of) = match self.part_of(&ready.record.log, item) {
                Ok(part) => part,
                Err(why) => return Ok(Fate::SetAside(why)),
            };
            if taken.iter().any(|((entry, _), part)| {
                *entry == item.entry && (part.kind(), part.schema_version()) != of
            }) {
                return Ok(Fate::SetAside(OTHER_KIND.to_owned()));
            }
            let key = (item.entry, part_name);
            let part = match taken.remove(&key) {
                Some(part) => part,
                None => self.trial_part(gathered, &item.entry, part_name, of)?,
            };
            let writer = self.writer(&ready.record.log, item.entry);
            match wall::admit(&part, &writer, &[&item.change]) {
                Ok(part) => taken.insert(key, part),
                Err(refusal) => return Ok(Fate::SetAside(refusal.to_string())),
            };
        }
        self.trial.extend(taken);
        self.touch(ready, &items, touched);
        Ok(Fate::Applied)
    }

    fn apply_membership(&mut self, ready: &Ready) -> Fate {
        // A new incarnation's was vouched for before its log was known at all.
        let beginning = Beginning::parse(&ready.record.payload).or_else(|error| {
            let incarnation = Incarnation::parse(&ready.record.payload);
            incarnation.map(|again| again.beginning).map_err(|_| error)
        });
        let beginning = match beginning {
            Ok(beginning) => beginning,
            Err(error) => return Fate::SetAside(error.to_string()),
        };
        let Some(log) = self.logs.get_mut(&ready.record.log) else {
            return Fate::SetAside("a membership record of an unknown log".to_owned());
        };
        if ready.record.seq != 1 {
            return Fate::SetAside("a log can begin only once".to_owned());
        }
        // The pairing proved the static key; a log cannot move to another device.
        if *beginning.static_key.as_bytes() != log.static_key {
            return Fate::SetAside("the log names another device than the pairing did".to_owned());
        }
        if log.whose == Whose::Partners {
            log.name = beginning.name.as_str().to_owned();
        }
        Fate::Applied
    }

    /// Which part an item is for: an own part is its writer's, and only entries of a known kind and schema have parts. An
    /// entry stays of the kind that it is.
    fn part_of(&self, log: &LogKey, item: &Item) -> Result<(PartName, Of), String> {
        let unknown = || {
            format!(
                "entries of kind {} with schema {} are not known to this version",
                item.kind, item.schema
            )
        };
        let kind = EntryKind::from_byte(item.kind).ok_or_else(unknown)?;
        if !amends_journal::known(kind, item.schema) {
            return Err(unknown());
        }
        let of = (kind, item.schema);
        let is_other = |held: Of| held != of;
        let card = self.cards.get(&item.entry);
        let held = card.is_some_and(|card| (card.kind, card.schema) != (kind.byte(), item.schema));
        let tried = [PartName::Shared, PartName::Mine, PartName::Partners]
            .iter()
            .filter_map(|name| self.trial.get(&(item.entry, *name)))
            .any(|part| is_other((part.kind(), part.schema_version())));
        if held || tried {
            return Err(OTHER_KIND.to_owned());
        }
        let part_name = match (item.part, self.logs.get(log).map(|log| log.whose)) {
            (PartKind::Shared, _) => PartName::Shared,
            (PartKind::Own, Some(Whose::Mine)) => PartName::Mine,
            (PartKind::Own, _) => PartName::Partners,
        };
        Ok((part_name, of))
    }

    /// A part as the records before this one left it.
    fn trial_part(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        part_name: PartName,
        of: Of,
    ) -> Result<Part, HandleError> {
        if let Some(part) = self.trial.get(&(*entry, part_name)) {
            return Ok(part.clone());
        }
        // Where it is not kept, the next who needs it loads it again.
        Ok(self.parts.take(gathered, entry, part_name, of)?)
    }

    fn touch(&self, ready: &Ready, items: &[Item], touched: &mut Touched) {
        let Some(log) = self.logs.get(&ready.record.log) else {
            return;
        };
        let mine = (ready.record.log == self.me).then_some(ready.record.seq);
        for item in items {
            let Some(kind) = EntryKind::from_byte(item.kind) else {
                continue;
            };
            let before = touched.get(&item.entry).and_then(|(_, mine, _)| *mine);
            let of = (kind, item.schema);
            touched.insert(item.entry, (log.whose, mine.or(before), of));
        }
    }

    /// A record is held: numbered, and acknowledged by the next clock.
    fn hold(
        &mut self,
        gathered: &mut Gathered<'_>,
        now: i64,
        ready: &Ready,
        fate: Fate,
    ) -> Result<(), HandleError> {
        let entries: BTreeSet<[u8; 16]> = read_items(&ready.record.payload)
            .map(|items| items.iter().map(|item| item.entry.0).collect())
            .unwrap_or_default();
        let log = self
            .logs
            .get_mut(&ready.record.log)
            .ok_or(rows::RowError::Missing(name::LOGS))?;
        log.seq = ready.record.seq;
        log.head = ready.hash;
        if let Fate::SetAside(_) = fate {
            self.await_record(gathered, now, ready)?;
        }
        let log = self
            .logs
            .get_mut(&ready.record.log)
            .ok_or(rows::RowError::Missing(name::LOGS))?;
        if let Fate::SetAside(_) = fate {
            let mut position = Position {
                seq: log.seq,
                head: log.head.0,
                set_aside: std::mem::take(&mut log.set_aside),
            };
            position.add_set_aside(ready.record.seq);
            log.set_aside = position.set_aside;
            self.set_aside = self.set_aside.saturating_add(1);
        }
        let row = RecordRow {
            hash: ready.hash,
            envelope: ready.envelope,
            place: ready.place,
            fate,
            held_at: now,
            entries: entries.into_iter().collect(),
        };
        gathered.put(
            Table::Record,
            rows::record_key(log.number, ready.record.seq),
            rows::encode(name::RECORD, &row)?,
        );
        Ok(())
    }
}
