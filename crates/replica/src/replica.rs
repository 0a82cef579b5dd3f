//! One device's replica of a journal, and the one door into it: [`Replica::handle`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use amends_journal::{
    Actor, AgreementView, Entry, EntryId, EntryKind, FindError, Part, SCHEMA, Writer,
};
use amends_keys::identity::{JournalId, LogKey, LogSecret, PersonName, StaticKey};
use amends_keys::seal::EpochSecret;
use rand_core::CryptoRng;

use crate::blob::Blobs;
use crate::card::{self, Card, Kept};
use crate::clock::{Clock, Position};
use crate::edit::Edit;
use crate::effect::{Effect, HandleError, Input, LinkId, World};
use crate::hands::{Hands, OneHand};
use crate::parts::Parts;
use crate::payload::Beginning;
use crate::record::{RecordHash, RecordKind, actor_of};
use crate::rows::{
    self, ApplyingRow, AwaitedRow, EarlierRow, EpochRow, FenceRow, HeardRow, IncarnationRow,
    LogRow, LogRows, LostRow, MemberRow, MetRow, PartName, RowError, Whose, name,
};
use crate::shelf::{Gathered, Shelf, Table, Write};
use crate::sync::Link;
use crate::waiting::Waiting;
use crate::wall::Ready;

/// The other device of a new pair.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Its static key.
    pub static_key: StaticKey,
    /// Its log.
    pub log: LogKey,
    /// Its person's name.
    pub name: PersonName,
}

/// What a journal begins with.
pub struct Founding {
    /// The journal.
    pub journal: JournalId,
    /// The secret of epoch 0.
    pub epoch_0: EpochSecret,
    /// This device's log in it: a new incarnation.
    pub log: LogSecret,
    /// This device's static key.
    pub static_key: StaticKey,
    /// This person's name.
    pub name: PersonName,
    /// The other device; none for a private journal.
    pub partner: Option<Partner>,
    /// Whether the partner's device is known to have kept the pair too.
    pub confirmed: bool,
}

/// One device's replica of one journal.
pub struct Replica {
    pub(crate) journal: JournalId,
    pub(crate) me: LogKey,
    pub(crate) secret: LogSecret,
    pub(crate) member: MemberRow,
    pub(crate) epochs: BTreeMap<u32, EpochSecret>,
    pub(crate) logs: BTreeMap<LogKey, LogRow>,
    pub(crate) next_envelope: u64,
    /// What the other devices last said that they hold.
    pub(crate) heard: BTreeMap<StaticKey, Clock>,
    /// How far this device's log went when a session with each other device last began: what a bundle claims of it
    /// counts only beyond that.
    pub(crate) fences: BTreeMap<StaticKey, u64>,
    pub(crate) cards: BTreeMap<EntryId, Card>,
    /// Which of them are of which kind, by its byte: what is looked for after every edit must not look through all.
    of_kind: BTreeMap<u8, BTreeSet<EntryId>>,
    /// Whether all cards are here: those of entries that this replica began itself are at any rate.
    pub(crate) whole: bool,
    /// The entries' ids, rising: what people type is looked up here.
    ids: Vec<EntryId>,
    /// Entries by the number of this device's last record in them.
    pub(crate) by_mine: BTreeSet<(u64, EntryId)>,
    pub(crate) parts: Parts,
    /// Parts as the records that are just being applied leave them.
    pub(crate) trial: BTreeMap<(EntryId, PartName), Part>,
    pub(crate) links: BTreeMap<LinkId, Link>,
    /// While there are links to a device: up to which number of each log its acknowledgements are counted.
    pub(crate) counted: BTreeMap<StaticKey, BTreeMap<LogKey, u64>>,
    pub(crate) waiting: Waiting,
    /// Checked by step 1, marked, to be applied by the next [`Input::Continue`].
    pub(crate) ready: VecDeque<Ready>,
    /// How many of them are marked.
    pub(crate) marked: usize,
    /// Up to where this device's own log is shown to exist elsewhere, by records of it that came back.
    pub(crate) returning: u64,
    /// What the last input applied without stopping the program, and how often it had been begun before.
    pub(crate) survived: BTreeMap<RecordHash, u8>,
    /// Records that were being applied when the program last stopped, and how often.
    pub(crate) suspects: BTreeMap<RecordHash, u8>,
    pub(crate) met: MetRow,
    /// How much the partner's program can read, by what it last said.
    pub(crate) partner_knows: u8,
    /// What a later version wrote.
    pub(crate) awaited: Vec<AwaitedRow>,
    /// Whether the next [`Input::Continue`] tries it again.
    pub(crate) trying: bool,
    pub(crate) set_aside: u64,
    pub(crate) blobs: Blobs,
    /// The secret of this device's first log, where it writes another one now.
    pub(crate) root: Option<LogSecret>,
    /// The next edit begins a new incarnation.
    pub(crate) due: bool,
    /// An edit that waits for that.
    pub(crate) held_edit: Option<Edit>,
    /// As `fences`, for this device's earlier logs.
    pub(crate) earlier_fences: BTreeMap<(StaticKey, LogKey), u64>,
    /// The logs in whose last numbers of entries ([`Card::earlier`]) something changed that is not saved.
    pub(crate) earlier_changed: bool,
    pub(crate) hands: Arc<dyn Hands>,
    /// Records that the disk lost, by log and number: their hash, and that of the one before each.
    pub(crate) lost: BTreeMap<(LogKey, u64), (Option<RecordHash>, Option<RecordHash>)>,
}

impl Replica {
    /// The rows of a new journal: for a pair, or for one person's private journal. It holds the first record of this
    /// device's log.
    ///
    /// # Errors
    /// [`HandleError::Seal`] where the record cannot be sealed.
    pub fn found(
        founding: Founding,
        now: i64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<Write>, HandleError> {
        let me = founding.log.public();
        let own = LogRow {
            number: 0,
            key: *me.as_bytes(),
            whose: Whose::Mine,
            static_key: *founding.static_key.as_bytes(),
            name: founding.name.as_str().to_owned(),
            seq: 0,
            head: RecordHash::NONE,
            set_aside: Vec::new(),
            named: 0,
        };
        let partners = founding.partner.as_ref().map(|partner| LogRow {
            number: 1,
            key: *partner.log.as_bytes(),
            whose: Whose::Partners,
            static_key: *partner.static_key.as_bytes(),
            name: partner.name.as_str().to_owned(),
            seq: 0,
            head: RecordHash::NONE,
            set_aside: Vec::new(),
            named: 0,
        });
        let member = MemberRow {
            journal: founding.journal.0,
            log_secret: founding.log.expose().into(),
            static_key: *founding.static_key.as_bytes(),
            name: founding.name.as_str().to_owned(),
            confirmed: founding.confirmed,
        };
        let epochs = vec![EpochRow {
            epoch: 0,
            secret: founding.epoch_0.expose().into(),
        }];
        let logs = LogRows {
            next_envelope: 1,
            returning: 0,
            logs: std::iter::once(own).chain(partners).collect(),
        };

        let mut shelf = crate::MemoryShelf::default();
        let mut gathered = Gathered::new(&shelf);
        rows::put_keys(&mut gathered, name::MEMBER, &member)?;
        rows::put(&mut gathered, name::LOGS, &logs)?;
        rows::put_keys(&mut gathered, name::EPOCHS, &epochs)?;
        rows::put(&mut gathered, name::HEARD, &Vec::<HeardRow>::new())?;
        rows::put(&mut gathered, name::FENCES, &Vec::<FenceRow>::new())?;
        rows::put(&mut gathered, name::APPLYING, &Vec::<ApplyingRow>::new())?;
        rows::put(&mut gathered, name::MET, &MetRow::default())?;
        rows::put(&mut gathered, name::INCARNATION, &IncarnationRow::default())?;
        rows::put(&mut gathered, name::EARLIER, &Vec::<EarlierRow>::new())?;
        let mut writes = gathered.into_writes();
        shelf.commit(&writes);

        // The first record is written by the same way as every later one.
        let mut replica = Self::load(&shelf)?;
        let mut world = World {
            now,
            rng,
            shelf: &shelf,
        };
        let mut gathered = Gathered::new(&shelf);
        let beginning = Beginning {
            static_key: founding.static_key,
            kit: None,
            name: founding.name,
        };
        replica.append(
            &mut gathered,
            &mut world,
            RecordKind::Membership,
            beginning.to_bytes(),
            &BTreeSet::new(),
        )?;
        replica.keep_logs(&mut gathered)?;
        writes.extend(gathered.into_writes());
        Ok(writes)
    }

    /// Whether a journal was begun on this shelf.
    ///
    /// # Errors
    /// Where the shelf cannot be read.
    pub fn is_founded(shelf: &dyn Shelf) -> Result<bool, RowError> {
        Ok(rows::bytes(shelf, name::MEMBER)?.is_some())
    }

    /// A replica from what was saved.
    ///
    /// # Errors
    /// Where a row is missing, damaged or of a later version.
    pub fn load(shelf: &dyn Shelf) -> Result<Self, RowError> {
        let mut replica = Self::load_without_cards(shelf)?;
        replica.load_cards(shelf)?;
        Ok(replica)
    }

    /// The same without the cards of its entries, in a time that does not grow with them. It can begin an entry
    /// ([`Edit::Propose`], [`Edit::Begin`]) by [`Replica::handle`]; whatever else it is given there loads them first. For all that is asked of it without a shelf,
    /// [`Replica::load_cards`] comes first: until then it knows only the entries that it began itself.
    ///
    /// # Errors
    /// Where a row is missing, damaged or of a later version.
    pub fn load_without_cards(shelf: &dyn Shelf) -> Result<Self, RowError> {
        let member: MemberRow = rows::read(shelf, name::MEMBER)?;
        let logs: LogRows = rows::read(shelf, name::LOGS)?;
        let epochs: Vec<EpochRow> = rows::read(shelf, name::EPOCHS)?;
        let heard: Vec<HeardRow> = rows::read_or_default(shelf, name::HEARD)?;
        let fences: Option<Vec<FenceRow>> = rows::bytes(shelf, name::FENCES)?
            .map(|row| rows::decode(name::FENCES, &row))
            .transpose()?;
        let applying: Vec<ApplyingRow> = rows::read_or_default(shelf, name::APPLYING)?;
        let met: MetRow = rows::read_or_default(shelf, name::MET)?;
        let awaited: Vec<AwaitedRow> = rows::read_or_default(shelf, name::AWAITED)?;
        let incarnation: IncarnationRow = rows::read_or_default(shelf, name::INCARNATION)?;
        let secret = LogSecret::from_bytes(member.log_secret.expose());

        // A home from before bundles does not know when it last met: nothing that is written by now counts.
        let fences = match fences {
            Some(rows) => rows
                .iter()
                .map(|row| (StaticKey(row.device), row.own))
                .collect(),
            None => {
                let own = logs
                    .logs
                    .iter()
                    .find(|log| log.log_key() == secret.public())
                    .map_or(0, |log| log.seq);
                logs.logs
                    .iter()
                    .map(|log| (StaticKey(log.static_key), own))
                    .collect()
            }
        };
        let set_aside = logs
            .logs
            .iter()
            .flat_map(|log| &log.set_aside)
            .map(|(a, b)| b.saturating_sub(*a).saturating_add(1))
            .sum();
        Ok(Self {
            journal: JournalId(member.journal),
            me: secret.public(),
            secret,
            member,
            epochs: epochs
                .iter()
                .map(|row| (row.epoch, EpochSecret::from_bytes(row.secret.expose())))
                .collect(),
            logs: logs
                .logs
                .into_iter()
                .map(|row| (row.log_key(), row))
                .collect(),
            next_envelope: logs.next_envelope,
            heard: heard
                .into_iter()
                .map(|row| {
                    let clock = row
                        .logs
                        .into_iter()
                        .map(|(key, at)| (LogKey(key), at))
                        .collect();
                    (StaticKey(row.device), Clock(clock))
                })
                .collect(),
            fences,
            ids: Vec::new(),
            cards: BTreeMap::new(),
            of_kind: BTreeMap::new(),
            whole: false,
            by_mine: BTreeSet::new(),
            parts: Parts::default(),
            trial: BTreeMap::new(),
            links: BTreeMap::new(),
            counted: BTreeMap::new(),
            waiting: Waiting::default(),
            ready: VecDeque::new(),
            marked: 0,
            returning: logs.returning,
            survived: BTreeMap::new(),
            suspects: applying
                .into_iter()
                .map(|row| (row.hash, row.begun))
                .collect(),
            met,
            partner_knows: match rows::bytes(shelf, name::KNOWS)? {
                Some(row) => rows::decode(name::KNOWS, &row)?,
                // Nothing else was ever heard.
                None => crate::frame::KNOWS,
            },
            awaited,
            trying: false,
            set_aside,
            blobs: Blobs::load(shelf)?,
            root: incarnation
                .root
                .as_ref()
                .map(|root| LogSecret::from_bytes(root.expose())),
            due: incarnation.due,
            held_edit: None,
            earlier_fences: incarnation
                .fences
                .iter()
                .map(|(device, log, own)| ((StaticKey(*device), LogKey(*log)), *own))
                .collect(),
            earlier_changed: false,
            hands: Arc::new(OneHand),
            lost: rows::read_or_default::<Vec<LostRow>>(shelf, name::LOST)?
                .into_iter()
                .map(|row| ((LogKey(row.log), row.seq), (row.hash, row.before)))
                .collect(),
        })
    }

    /// Loads the cards of a replica that was [loaded without them](Replica::load_without_cards), where they are not here yet.
    ///
    /// # Errors
    /// Where a row is damaged or of a later version.
    pub fn load_cards(&mut self, shelf: &dyn Shelf) -> Result<(), RowError> {
        if self.whole {
            return Ok(());
        }
        let mut cards = BTreeMap::new();
        let mut older = Vec::new();
        let mut from = Vec::new();
        loop {
            let page = shelf.scan(Table::Card, &from, CARDS_A_PAGE)?;
            let full = page.len() == CARDS_A_PAGE;
            for (key, value) in page {
                let id = EntryId(
                    key.as_slice()
                        .try_into()
                        .map_err(|_| RowError::Damaged(name::CARD))?,
                );
                match card::read(&value)? {
                    card::Read::Card(card) => {
                        cards.insert(id, *card);
                    }
                    card::Read::Older(kept) => older.push((id, kept)),
                }
                from = key;
                from.push(0);
            }
            if !full {
                break;
            }
        }
        self.ids = cards.keys().copied().collect();
        self.of_kind.clear();
        for (id, card) in &cards {
            self.of_kind.entry(card.kind).or_default().insert(*id);
        }
        self.by_mine = cards
            .iter()
            .filter(|(_, card): &(&EntryId, &Card)| card.mine > 0)
            .map(|(id, card)| (card.mine, *id))
            .collect();
        self.cards = cards;
        self.whole = true;
        self.load_earlier(shelf)?;
        for (entry, kept) in older {
            self.remake_card(shelf, entry, kept)?;
        }
        Ok(())
    }

    /// Makes a card of an older version anew. It is saved when its entry next changes.
    fn remake_card(
        &mut self,
        shelf: &dyn Shelf,
        entry: EntryId,
        kept: Kept,
    ) -> Result<(), RowError> {
        let card = self.with_kind(
            &Gathered::new(shelf),
            &entry,
            (EntryKind::Boundary, SCHEMA),
            |entry| Card::of(entry, kept),
        )?;
        if kept.mine > 0 {
            self.by_mine.insert((kept.mine, entry));
        }
        self.put_card(entry, card);
        Ok(())
    }

    pub(crate) fn put_card(&mut self, entry: EntryId, card: Card) {
        let kind = card.kind;
        let before = self.cards.insert(entry, card);
        if let Some(other) = before.as_ref().map(|card| card.kind)
            && other != kind
            && let Some(of_other) = self.of_kind.get_mut(&other)
        {
            of_other.remove(&entry);
        }
        self.of_kind.entry(kind).or_default().insert(entry);
        if before.is_none() {
            let at = self.ids.partition_point(|id| *id < entry);
            self.ids.insert(at, entry);
        }
    }

    /// A replica from what was saved, in the place of this one, of which something could not be saved. That failure did not
    /// stop the program: it is not counted against the records that were being applied.
    ///
    /// # Errors
    /// As [`Replica::load`].
    pub fn reload(&self, shelf: &dyn Shelf) -> Result<Self, RowError> {
        let mut again = Self::load(shelf)?;
        again.hands = Arc::clone(&self.hands);
        // What was marked and not begun yet is neither: the mark may have reached the disk that said no.
        let marked = self.ready.iter().take(self.marked).filter_map(|ready| {
            let begun = self.suspects.get(&ready.hash)?;
            Some((ready.hash, begun.saturating_sub(1)))
        });
        let survived = self.survived.iter().map(|(hash, begun)| (*hash, *begun));
        for (hash, begun) in survived.chain(marked) {
            if begun == 0 {
                again.suspects.remove(&hash);
            } else if let Some(suspect) = again.suspects.get_mut(&hash) {
                *suspect = begun;
            }
        }
        Ok(again)
    }

    /// From now on these do what can be done at once: what comes out is the same.
    pub fn work_with(&mut self, hands: Arc<dyn Hands>) {
        self.hands = hands;
    }

    /// Handles one input and says what is to be done, in order.
    ///
    /// # Errors
    /// [`HandleError`]; after any but [`HandleError::Edit`] this replica is to be dropped and loaded again.
    pub fn handle(
        &mut self,
        world: &mut World<'_>,
        input: Input<'_>,
    ) -> Result<Vec<Effect>, HandleError> {
        // The next input comes after the effects of the last one are done.
        self.survived.clear();
        let begins = matches!(input, Input::Edit(Edit::Propose(_) | Edit::Begin(_)));
        if self.due || !begins {
            self.load_cards(world.shelf)?;
        }
        match input {
            Input::Edit(edit) if self.due => self.begin_for(world, edit),
            Input::Edit(edit) => self.edit(world, edit),
            Input::Copied => self.note_copy(world),
            Input::Met { link, device } => self.meet(world, link, device),
            Input::Parted { link } => self.part_from(world, link),
            Input::Received { link, frame } => self.receive(world, link, frame),
            Input::BundleOpened { link } => {
                self.open_bundle(link);
                Ok(Vec::new())
            }
            Input::Bundled { link, item } => self.receive_item(world, link, item),
            Input::BundleClosed { link } => self.close_bundle(world, link),
            Input::Continue if self.held_edit.is_some() => match self.held_edit.take() {
                Some(edit) => self.edit(world, edit),
                None => Ok(Vec::new()),
            },
            Input::Continue if self.trying => self.try_awaited(world),
            Input::Continue if !self.ready.is_empty() => self.apply_ready(world),
            Input::Continue => match self.begin_awaited(world)? {
                Some(effects) => Ok(effects),
                None => self.apply_ready(world),
            },
        }
    }

    /// The journal's id.
    pub fn journal(&self) -> &JournalId {
        &self.journal
    }

    /// This person's name.
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// The partner's name, as their device said it last.
    pub fn partner_name(&self) -> Option<&str> {
        self.logs
            .values()
            .filter(|log| log.whose == Whose::Partners)
            .max_by_key(|log| log.number)
            .map(|log| log.name.as_str())
    }

    /// Whether the partner's device is known to have kept the pair too. Until then nothing is written.
    pub fn is_confirmed(&self) -> bool {
        self.member.confirmed
    }

    /// When a session with the partner was last open (milliseconds since 1970 UTC).
    pub fn last_met(&self) -> Option<i64> {
        self.met.at
    }

    /// How many records are set aside here.
    pub fn set_aside(&self) -> u64 {
        self.set_aside
    }

    /// How far every log is held.
    pub fn clock(&self) -> Clock {
        let position = |log: &LogRow| Position {
            seq: log.seq,
            head: log.head.0,
            set_aside: log.set_aside.clone(),
        };
        Clock(
            self.logs
                .iter()
                .map(|(key, log)| (*key, position(log)))
                .collect(),
        )
    }

    /// Every entry with its card, in the order of their ids.
    pub fn cards(&self) -> impl Iterator<Item = (&EntryId, &Card)> {
        self.cards.iter()
    }

    /// Every entry of one kind with its card, in the order of their ids. Takes as long as there are such.
    pub fn cards_of(&self, kind: EntryKind) -> impl Iterator<Item = (&EntryId, &Card)> {
        let ids = self.of_kind.get(&kind.byte()).into_iter().flatten();
        ids.filter_map(|id| self.cards.get_key_value(id))
    }

    /// One entry's card.
    pub fn card(&self, entry: &EntryId) -> Option<&Card> {
        self.cards.get(entry)
    }

    /// Whether every record of mine in this entry is on the partner's disk, by its own acknowledgement, saved here.
    pub fn reached(&self, card: &Card) -> bool {
        (card.mine == 0 || self.heard_of_me() >= card.mine)
            && card
                .earlier
                .iter()
                .all(|(log, seq)| self.heard_of(log) >= *seq)
    }

    /// How far the partner's devices hold this device's log.
    pub(crate) fn heard_of_me(&self) -> u64 {
        self.heard_of(&self.me)
    }

    /// How far the partner's devices hold a log.
    pub(crate) fn heard_of(&self, log: &LogKey) -> u64 {
        self.heard
            .values()
            .map(|clock| clock.seq(log))
            .max()
            .unwrap_or(0)
    }

    /// The entry whose id begins so: any unique beginning serves.
    ///
    /// # Errors
    /// [`FindError`].
    pub fn find(&self, beginning: &str) -> Result<EntryId, FindError> {
        EntryId::find(beginning, &self.ids)
    }

    /// The shortest beginning, of at least two words, that no other entry's id shares.
    pub fn short_id(&self, entry: &EntryId) -> String {
        entry.shortest(&self.ids)
    }

    /// Words that both agree to, with their acts.
    ///
    /// # Errors
    /// Where a part cannot be read.
    pub fn agreement(
        &mut self,
        shelf: &dyn Shelf,
        entry: &EntryId,
    ) -> Result<AgreementView, RowError> {
        self.look(shelf, entry, |entry| entry.agreement())
    }

    /// Looks at one entry, all of its parts loaded.
    ///
    /// # Errors
    /// Where a part cannot be read.
    pub fn look<T>(
        &mut self,
        shelf: &dyn Shelf,
        entry: &EntryId,
        then: impl FnOnce(&Entry<'_>) -> T,
    ) -> Result<T, RowError> {
        self.with_entry(&Gathered::new(shelf), entry, then)
    }

    pub(crate) fn with_entry<T>(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        then: impl FnOnce(&Entry<'_>) -> T,
    ) -> Result<T, RowError> {
        let of = self
            .cards
            .get(entry)
            .and_then(|card| Some((EntryKind::from_byte(card.kind)?, card.schema)))
            .ok_or(RowError::Missing(name::CARD))?;
        self.with_kind(gathered, entry, of, then)
    }

    /// The same for an entry that may not have a card yet, of this kind and schema.
    pub(crate) fn with_kind<T>(
        &mut self,
        gathered: &Gathered<'_>,
        entry: &EntryId,
        of: (EntryKind, u8),
        then: impl FnOnce(&Entry<'_>) -> T,
    ) -> Result<T, RowError> {
        let shared = self.parts.take(gathered, entry, PartName::Shared, of)?;
        let mine = self.parts.take(gathered, entry, PartName::Mine, of)?;
        let partners = self.parts.take(gathered, entry, PartName::Partners, of)?;
        let out = then(&Entry {
            entry: *entry,
            shared: &shared,
            mine: &mine,
            partners: &partners,
        });
        self.parts.put_back(*entry, PartName::Shared, shared);
        self.parts.put_back(*entry, PartName::Mine, mine);
        self.parts.put_back(*entry, PartName::Partners, partners);
        Ok(out)
    }

    /// Who writes in an entry, where a record of this log brings it.
    pub(crate) fn writer(&self, log: &LogKey, entry: EntryId) -> Writer {
        let root = self.root_of(log);
        Writer {
            journal: self.journal.0,
            entry,
            log: *root.as_bytes(),
            device: actor_of(&root),
            actor: actor_of(log),
            alone: self.is_alone(),
        }
    }

    /// What commits this device to an account, in a talk told together.
    #[must_use]
    pub fn commitment(&self, entry: &EntryId, nonce: &[u8; 32], text: &str) -> [u8; 32] {
        let root = self.root_of(&self.me);
        amends_journal::together_hash(&self.journal.0, entry, root.as_bytes(), nonce, text)
    }

    /// Whose device writes as this actor, if it is one of the journal's.
    pub fn whose(&self, actor: &Actor) -> Option<Whose> {
        self.logs
            .iter()
            .find(|(key, _)| actor_of(key) == *actor)
            .map(|(_, log)| log.whose)
    }

    /// Whether this is a journal of one.
    pub fn is_alone(&self) -> bool {
        self.logs.values().all(|log| log.whose == Whose::Mine)
    }

    /// Saves a part that changed.
    pub(crate) fn keep_part(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        part_name: PartName,
        part: Part,
    ) {
        let row = rows::part_row(&part);
        gathered.put(Table::Part, rows::part_key(&entry, part_name), row);
        self.parts.put_back(entry, part_name, part);
    }

    /// Makes an entry's card anew from its parts, and saves it. An entry that has none yet is of this kind and schema.
    pub(crate) fn keep_card(
        &mut self,
        gathered: &mut Gathered<'_>,
        now: i64,
        entry: EntryId,
        of: (EntryKind, u8),
        mine: Option<u64>,
    ) -> Result<(), HandleError> {
        let kept = self.kept(&entry, now, mine);
        let card = self.with_kind(gathered, &entry, of, |entry| Card::of(entry, kept))?;
        let row = card.row()?;
        self.put_made_card(gathered, entry, card, (row, mine))
    }

    /// What an entry's card keeps when it is made anew, after this record of mine.
    pub(crate) fn kept(&self, entry: &EntryId, now: i64, mine: Option<u64>) -> Kept {
        let new = Kept {
            first_held: now,
            ..Kept::default()
        };
        let kept = self.cards.get(entry).map_or(new, Kept::from);
        Kept {
            mine: mine.unwrap_or(kept.mine),
            ..kept
        }
    }

    /// Saves an entry's card, made anew, and its row; `mine` is the record of mine that it was made after.
    pub(crate) fn put_made_card(
        &mut self,
        gathered: &mut Gathered<'_>,
        entry: EntryId,
        mut card: Card,
        (row, mine): (Vec<u8>, Option<u64>),
    ) -> Result<(), HandleError> {
        if let Some(before) = self.cards.get_mut(&entry) {
            card.earlier = std::mem::take(&mut before.earlier);
        }
        if let Some(mine) = mine {
            let before = self.cards.get(&entry).map_or(0, |card| card.mine);
            self.by_mine.remove(&(before, entry));
            self.by_mine.insert((mine, entry));
        }
        gathered.put(Table::Card, entry.0.to_vec(), row);
        self.note_blobs(gathered, entry, &card.blobs())?;
        self.put_card(entry, card);
        Ok(())
    }

    /// Saves how far the logs are held.
    pub(crate) fn keep_logs(&self, gathered: &mut Gathered<'_>) -> Result<(), RowError> {
        let logs = LogRows {
            next_envelope: self.next_envelope,
            returning: self.returning,
            logs: self.logs.values().cloned().collect(),
        };
        rows::put(gathered, name::LOGS, &logs)
    }
}

const CARDS_A_PAGE: usize = 1024;
