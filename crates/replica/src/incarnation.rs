//! Incarnations (PROTOCOL section 3, `docs/decisions/0037`): a device that came out of a backup or is a copy of another writes on
//! under a new log with a new key, so that no number of a log and no actor is used twice.
//!
//! - *Known before it writes*: whoever opens the home says so ([`crate::Input::Copied`]), or records of this device's own log come
//!   back that it does not hold. The next edit begins a new incarnation.
//! - *Known too late*: both copies wrote, and one number of the log names two records. The branch that another device holds
//!   stands; this device puts its own back, begins a new incarnation, and makes everything that it had written on its branch
//!   once more under the new actor (`branch.rs`).
//!
//! A new log is vouched for by the device's first one, which the pairing gave: nobody else can announce it.

use std::collections::{BTreeMap, BTreeSet};

use amends_journal::EntryId;
use amends_keys::identity::{LogKey, LogSecret, PersonName, StaticKey};

use crate::edit::{Edit, EditError};
use crate::effect::{Effect, HandleError, Shown, World};
use crate::payload::{Beginning, Incarnation};
use crate::record::{Record, RecordHash, RecordKind};
use crate::replica::Replica;
use crate::rows::{self, EarlierRow, FenceRow, IncarnationRow, LogRow, RowError, Whose, name};
use crate::shelf::{Gathered, Shelf, Table};

/// Logs that one device may have, its first one included. A clock names all of them; more would be an attack on it.
pub const MOST_LOGS: usize = 100;

/// What came of beginning a new incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Began {
    /// Entries in which something was written on a branch that nobody else holds, and was carried over.
    pub carried: Vec<EntryId>,
    /// Those of them in which something had been agreed to that is to be agreed to anew.
    pub ask: Vec<EntryId>,
    /// Changes that could not be carried over.
    pub left: usize,
}

/// One log of the journal, as one incarnation of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incarnated {
    /// Whose device.
    pub whose: Whose,
    /// Which of its device's logs it is, from 1 in the order in which this device came to know them.
    pub nth: usize,
    /// The log.
    pub log: LogKey,
    /// How far it is held here.
    pub held: u64,
    /// It is the one that this device writes now.
    pub present: bool,
}

impl Replica {
    /// The first log of the device that writes this one: the log that its pairing gave.
    pub(crate) fn root_of(&self, log: &LogKey) -> LogKey {
        let Some(of) = self.logs.get(log) else {
            return *log;
        };
        self.logs
            .values()
            .filter(|other| other.static_key == of.static_key)
            .min_by_key(|other| other.number)
            .map_or(*log, LogRow::log_key)
    }

    /// The secret of this device's first log.
    pub(crate) fn root_secret(&self) -> &LogSecret {
        self.root.as_ref().unwrap_or(&self.secret)
    }

    /// Whether the next edit begins a new incarnation.
    pub fn is_copy(&self) -> bool {
        self.due
    }

    /// Every log of the journal.
    pub fn incarnations(&self) -> Vec<Incarnated> {
        let mut logs: Vec<&LogRow> = self.logs.values().collect();
        logs.sort_by_key(|log| log.number);
        let mut counts: BTreeMap<[u8; 32], usize> = BTreeMap::new();
        logs.into_iter()
            .map(|log| {
                let nth = counts.entry(log.static_key).or_insert(0);
                *nth = nth.saturating_add(1);
                Incarnated {
                    whose: log.whose,
                    nth: *nth,
                    log: log.log_key(),
                    held: log.seq,
                    present: log.log_key() == self.me,
                }
            })
            .collect()
    }

    /// The log that this device writes now.
    pub fn log(&self) -> LogKey {
        self.me
    }

    pub(crate) fn own_static(&self) -> &[u8; 32] {
        &self.member.static_key
    }

    /// Whether a branch of this log can be left: while another log may still be begun.
    pub(crate) fn may_leave(&self, log: &LogKey) -> bool {
        !self.is_alone()
            && self.logs.contains_key(log)
            && self.logs_of(&self.member.static_key) < MOST_LOGS
    }

    pub(crate) fn logs_of(&self, static_key: &[u8; 32]) -> usize {
        let same = |log: &&LogRow| log.static_key == *static_key;
        self.logs.values().filter(same).count()
    }

    /// A log that is not known yet, where this record begins it and its device vouches for it.
    pub(crate) fn vouched_log(&self, record: &Record) -> Option<LogRow> {
        if record.seq != 1 || record.kind != RecordKind::Membership as u8 {
            return None;
        }
        let incarnation = Incarnation::parse(&record.payload).ok()?;
        let root = self.logs.get(&incarnation.root)?;
        let beginning = &incarnation.beginning;
        let is_its_first = self.root_of(&incarnation.root) == incarnation.root;
        if !is_its_first
            || root.static_key != *beginning.static_key.as_bytes()
            || self.logs_of(&root.static_key) >= MOST_LOGS
            || !incarnation.vouches(&self.journal, &record.log)
        {
            return None;
        }
        Some(LogRow {
            number: self.next_number(),
            key: *record.log.as_bytes(),
            whose: root.whose,
            static_key: root.static_key,
            name: beginning.name.as_str().to_owned(),
            seq: 0,
            head: RecordHash::NONE,
            set_aside: Vec::new(),
            named: 0,
        })
    }

    fn next_number(&self) -> u32 {
        let last = self.logs.values().map(|log| log.number).max();
        last.unwrap_or(0).saturating_add(1)
    }

    /// Somebody found that this home is a copy.
    pub(crate) fn note_copy(&mut self, world: &World<'_>) -> Result<Vec<Effect>, HandleError> {
        let mut gathered = Gathered::new(world.shelf);
        self.set_due(&mut gathered)?;
        Ok(vec![Effect::Save {
            writes: gathered.into_writes(),
            durable: true,
        }])
    }

    /// From now on nothing is written into the present log. A private journal is held by nobody else, and goes on.
    pub(crate) fn set_due(&mut self, gathered: &mut Gathered<'_>) -> Result<(), HandleError> {
        if self.is_alone() || self.logs_of(&self.member.static_key) >= MOST_LOGS {
            return Ok(());
        }
        self.due = true;
        self.keep_incarnation(gathered)
    }

    pub(crate) fn keep_incarnation(&self, gathered: &mut Gathered<'_>) -> Result<(), HandleError> {
        let row = IncarnationRow {
            root: self.root.as_ref().map(|root| root.expose().into()),
            due: self.due,
            fences: self
                .earlier_fences
                .iter()
                .map(|((device, log), own)| (*device.as_bytes(), *log.as_bytes(), *own))
                .collect(),
        };
        Ok(rows::put_keys(gathered, name::INCARNATION, &row)?)
    }

    pub(crate) fn load_earlier(&mut self, shelf: &dyn Shelf) -> Result<(), RowError> {
        let earlier: Vec<EarlierRow> = rows::read_or_default(shelf, name::EARLIER)?;
        for row in earlier {
            for (entry, seq) in row.entries {
                if let Some(card) = self.cards.get_mut(&EntryId(entry)) {
                    card.earlier.push((LogKey(row.log), seq));
                }
            }
        }
        Ok(())
    }

    /// Notes that a record of a log of this person's that this device does not write now is in an entry.
    pub(crate) fn note_earlier(&mut self, entry: &EntryId, log: LogKey, seq: u64) {
        let Some(card) = self.cards.get_mut(entry) else {
            return;
        };
        match card.earlier.iter_mut().find(|(of, _)| *of == log) {
            Some((_, last)) => *last = seq.max(*last),
            None => card.earlier.push((log, seq)),
        }
        self.earlier_changed = true;
    }

    pub(crate) fn keep_earlier(&mut self, gathered: &mut Gathered<'_>) -> Result<(), HandleError> {
        if !std::mem::take(&mut self.earlier_changed) {
            return Ok(());
        }
        let mut logs: BTreeMap<LogKey, Vec<([u8; 16], u64)>> = BTreeMap::new();
        for (entry, card) in &self.cards {
            for (log, seq) in &card.earlier {
                logs.entry(*log).or_default().push((entry.0, *seq));
            }
        }
        let rows: Vec<EarlierRow> = logs
            .into_iter()
            .map(|(log, entries)| EarlierRow {
                log: *log.as_bytes(),
                entries,
            })
            .collect();
        Ok(rows::put(gathered, name::EARLIER, &rows)?)
    }

    /// Begins a new incarnation now, with nothing to write in it yet: for a home that comes out of a backup.
    ///
    /// # Errors
    /// [`EditError::Unconfirmed`], [`EditError::TooManyLogs`]; else what could not be read or sealed.
    pub fn begin_anew(&mut self, world: &mut World<'_>) -> Result<Vec<Effect>, HandleError> {
        if !self.member.confirmed {
            return Err(EditError::Unconfirmed.into());
        }
        let mut gathered = Gathered::new(world.shelf);
        self.begin_incarnation(&mut gathered, world)?;
        self.keep_logs(&mut gathered)?;
        let sends = self.pump_all(&gathered, world)?;
        let mut effects = vec![
            Effect::Save {
                writes: gathered.into_writes(),
                durable: true,
            },
            Effect::Show(Shown::Began(Began::default())),
        ];
        effects.extend(sends);
        Ok(effects)
    }

    /// The same, and then the edit.
    pub(crate) fn begin_for(
        &mut self,
        world: &mut World<'_>,
        edit: Edit,
    ) -> Result<Vec<Effect>, HandleError> {
        let mut effects = self.begin_anew(world)?;
        self.held_edit = Some(edit);
        effects.push(Effect::Continue);
        Ok(effects)
    }

    /// A new log of this device, and its first record. What is not yet acknowledged of the present one stays so.
    pub(crate) fn begin_incarnation(
        &mut self,
        gathered: &mut Gathered<'_>,
        world: &mut World<'_>,
    ) -> Result<(), HandleError> {
        if self.logs_of(&self.member.static_key) >= MOST_LOGS {
            return Err(EditError::TooManyLogs.into());
        }
        let damaged = || HandleError::Row(RowError::Damaged(name::MEMBER));
        let person = PersonName::try_from(self.member.name.as_str()).map_err(|_| damaged())?;
        let static_key = StaticKey(self.member.static_key);
        let root = LogSecret::from_bytes(self.root_secret().expose());
        let secret = LogSecret::generate(world.rng);
        let new = secret.public();
        let before = self.me;

        let mine: Vec<(u64, EntryId)> = std::mem::take(&mut self.by_mine).into_iter().collect();
        for (seq, entry) in mine {
            self.note_earlier(&entry, before, seq);
            if let Some(card) = self.cards.get_mut(&entry) {
                card.mine = 0;
                gathered.put(Table::Card, entry.0.to_vec(), card.row()?);
            }
        }
        for (device, own) in std::mem::take(&mut self.fences) {
            self.earlier_fences.insert((device, before), own);
        }
        rows::put(gathered, name::FENCES, &Vec::<FenceRow>::new())?;
        // Its first record names every head that is held.
        for log in self.logs.values_mut() {
            log.named = 0;
        }
        self.logs.insert(
            new,
            LogRow {
                number: self.next_number(),
                key: *new.as_bytes(),
                whose: Whose::Mine,
                static_key: *static_key.as_bytes(),
                name: self.member.name.clone(),
                seq: 0,
                head: RecordHash::NONE,
                set_aside: Vec::new(),
                named: 0,
            },
        );
        self.me = new;
        self.member.log_secret = secret.expose().into();
        self.secret = secret;
        self.returning = 0;
        self.due = false;
        let payload = Incarnation {
            proof: Incarnation::sign(&self.journal, &root, &new, &static_key),
            root: root.public(),
            beginning: Beginning {
                static_key,
                kit: None,
                name: person,
            },
        };
        self.root = Some(root);
        rows::put_keys(gathered, name::MEMBER, &self.member)?;
        self.keep_incarnation(gathered)?;
        let none = BTreeSet::new();
        self.append(
            gathered,
            world,
            RecordKind::Membership,
            payload.to_bytes(),
            &none,
        )?;
        self.keep_earlier(gathered)
    }
}
