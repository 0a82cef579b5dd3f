//! The holder of an open journal: the one place where everything that happens meets. It gives what people ask and what the
//! network brings to the replica, and performs what the replica wants done, in order (DESIGN section 3).
//!
//! ```text
//! conversations ─┐                       ┌─ Save   stores
//! the network   ─┼─▶ App::feed ─▶ Replica::handle ─▶ effects ─┼─ Show   events to whoever watches
//! the clock     ─┘                       └─ Send   sessions, network
//! ```
//!
//! [`run`] holds the loop; `meeting` finds the partner and keeps the links, `sessions` seals what goes over them, `pairing`
//! is the exchange that makes a pair, `syncing` waits for a meeting, `telling` says what happens to whoever watches, `answers`
//! turns requests into edits and entries into what scripts read, `stores` is what is on the disk.

mod across;
mod agreement;
mod answers;
mod apology;
mod backups;
mod bundles;
mod checkin;
mod dates;
mod examining;
mod exports;
mod feel;
mod hands;
mod holding;
mod meeting;
mod memory;
mod packet;
mod pairing;
mod plan;
mod repairing;
mod sessions;
mod space;
mod status;
mod stores;
mod syncing;
mod talk;
mod telling;
mod tending;

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use amends_journal::{EntryId, EntryKind};
use amends_network::LinkId as NetLink;
use amends_replica::{
    Edit, EditError, Effect, HandleError, Input, LinkId, Replica, Shown, Whose, World,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::advice::Advice;
use crate::local::{Conversation, Face};
use crate::request::{AgreementRequest, Event, Failure, Request, Response};
use meeting::Meetings;
use pairing::{Pairing, PairingNews};
use sessions::{Came, Sessions};
use stores::{Pair, Shelves, internal};
use syncing::Syncing;

pub(crate) use answers::time_of;
pub use examining::{Examined, examine_stores};
pub(crate) use exports::UNFINISHED as UNFINISHED_EXPORT;
pub(crate) use meeting::{EARLIEST, LATEST};
pub use repairing::repair_stores;
pub(crate) use stores::system_rng;
pub use stores::{Open, adopt_stores, create_stores, open};

/// How a process holds the journal.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Until it is told to go (`up`), or only while there are conversations.
    pub stays: bool,
    /// Where to listen, as it was typed.
    pub listen: Option<String>,
    /// An address of the partner's device, as it was typed.
    pub peer: Option<String>,
    /// Stay where there is no partner yet, too: a page begins there.
    pub alone: bool,
    /// Look for the partner at known addresses only, and do not announce this device.
    pub quiet: bool,
}

/// Milliseconds since 1970 UTC, by this machine's clock, which may be wrong.
pub(crate) fn now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis)
        }
    }
}

/// Holds an open journal until [`Request::Down`], or, where it does not stay, until nobody talks to it any more.
///
/// # Errors
/// What makes going on impossible. Everything confirmed until then is on the disk.
pub async fn run(
    open: Open,
    mut conversations: mpsc::Receiver<Conversation>,
    options: Options,
) -> Result<(), Failure> {
    let (tell, mut carried) = mpsc::channel(64);
    let (tell_news, mut news) = mpsc::channel(4);
    let mut app = App::new(open, options, tell, tell_news)?;
    if app.options.stays || app.has_drafts() {
        app.load_cards()?;
    }
    app.look_at_place()?;
    // What a later version had written may be readable by now.
    if app.replica.as_ref().is_some_and(Replica::has_awaited) {
        let fed = app.feed(Input::Continue);
        app.survive(fed)?;
    }
    // What stopped half way and still does is said when it is asked for.
    drop(app.settle_drafts());
    if app.options.stays && (app.pair.is_some() || !app.options.alone) {
        app.start_meeting().await?;
    }
    let mut hears = true;
    let mut outcome = app.tend();
    while outcome.is_ok() && !app.ending && (hears || !app.is_idle()) {
        let due = app.next_due();
        outcome = tokio::select! {
            conversation = conversations.recv(), if hears => match conversation {
                Some(conversation) => app.converse(conversation).await,
                None => { hears = false; Ok(()) }
            },
            Some((carrier, event)) = carried.recv() => app.carried(carrier, event).await,
            Some(news) = news.recv() => app.pairing_news(news).await,
            () = std::future::ready(()), if !app.bundles.is_empty() => app.bundle_step(),
            () = std::future::ready(()), if !app.exports.is_empty() => { app.export_step(); Ok(()) }
            () = tokio::time::sleep_until(due) => app.time_passed().await,
            () = app.somebody_left() => { app.let_go(); Ok(()) }
        };
        if outcome.is_ok() {
            outcome = app.tend();
        }
    }
    app.end(outcome).await
}

pub(crate) struct App {
    pub(crate) open: Open,
    pub(crate) options: Options,
    pub(crate) pair: Option<Pair>,
    pub(crate) replica: Option<Replica>,
    /// The journal of one: what never leaves this person's own devices.
    pub(crate) private: Replica,
    /// What a search looks through.
    pub(crate) searchable: across::Searchable,
    pub(crate) meetings: Meetings,
    pub(crate) sessions: Sessions,
    watchers: Vec<Face>,
    syncing: Vec<Syncing>,
    /// How far the meeting is, as whoever watches was told.
    watched: syncing::Progress,
    pub(crate) pairing: Option<Pairing>,
    pub(crate) tell_news: mpsc::Sender<PairingNews>,
    /// Changes that went each way over links that are closed.
    parted_totals: (u64, u64),
    /// Talks that came in a space that this person asked for, to be told of at its end.
    kept: std::collections::BTreeSet<EntryId>,
    bundles: VecDeque<bundles::Bundling>,
    exports: VecDeque<exports::Exporting>,
    /// What the next bundle that is read is called, where sessions are called from 1 upwards.
    next_bundle: u64,
    /// A piece of a bundle is being looked at: whoever waits for it is told what goes wrong meanwhile.
    bundling: bool,
    bundle_events: Vec<Event>,
    /// What a bundle brought, for whoever reads it.
    bundle_read: Option<amends_replica::BundleRead>,
    /// What was refused or set aside since the start, for `status`.
    refused: VecDeque<String>,
    /// When somebody was last told how many pieces of photos are still to come.
    photos_told: Option<Instant>,
    ending: bool,
    /// Who asked to end it, to be told when it is done.
    enders: Vec<Face>,
}

/// Whether a request needs no card of the journal: it is the one that must answer at once however many there are.
fn begins_a_boundary(request: &Request) -> bool {
    let Request::Agreement { kind, ask } = request else {
        return false;
    };
    kind == EntryKind::Boundary.name()
        && matches!(ask, AgreementRequest::Propose { from: None, .. })
}

/// Why an input was not handled to its end.
pub(crate) enum FeedError {
    /// The edit is not possible.
    Edit(EditError),
    /// Something could not be read or saved.
    Failed(Failure),
}

impl App {
    fn new(
        open: Open,
        options: Options,
        tell: mpsc::Sender<(u64, amends_network::Event)>,
        tell_news: mpsc::Sender<PairingNews>,
    ) -> Result<Self, Failure> {
        let pair = open.pair()?;
        // To begin an entry, in a journal of however many, none of its cards is needed.
        let replica = if pair.is_some() {
            open.replica_without_cards()?
        } else {
            None
        };
        let private = open.private_replica()?;
        Ok(Self {
            open,
            options,
            pair,
            replica,
            private,
            searchable: across::Searchable::default(),
            meetings: Meetings::new(tell),
            sessions: Sessions::default(),
            watchers: Vec::new(),
            syncing: Vec::new(),
            watched: syncing::Progress::default(),
            pairing: None,
            tell_news,
            parted_totals: (0, 0),
            kept: std::collections::BTreeSet::new(),
            bundles: VecDeque::new(),
            exports: VecDeque::new(),
            next_bundle: u64::MAX,
            bundling: false,
            bundle_events: Vec::new(),
            bundle_read: None,
            refused: VecDeque::new(),
            photos_told: None,
            ending: false,
            enders: Vec::new(),
        })
    }

    /// All cards of the journal are here from now on.
    fn load_cards(&mut self) -> Result<(), Failure> {
        match &mut self.replica {
            Some(replica) => self.open.load_cards(replica),
            None => Ok(()),
        }
    }

    /// The pair's replica, or why there is none.
    pub(crate) fn replica(&mut self) -> Result<&mut Replica, Failure> {
        self.replica
            .as_mut()
            .ok_or_else(|| Advice::NotPaired.into())
    }

    pub(crate) fn partner_name(&self) -> String {
        self.name(Whose::Partners).to_owned()
    }

    /// One conversation begins.
    async fn converse(&mut self, conversation: Conversation) -> Result<(), Failure> {
        let Conversation { request, face } = conversation;
        if !begins_a_boundary(&request)
            && let Err(failure) = self.load_cards()
        {
            face.end(Response::Failed(failure));
            return Ok(());
        }
        match request {
            Request::Watch => {
                if !self.meetings.listening.is_empty() {
                    let _ = face.tell(Event::Up {
                        listen: self.meetings.listening.clone(),
                    });
                }
                if self.sessions.open().next().is_some() {
                    let _ = face.tell(Event::Met {
                        partner: self.partner_name(),
                    });
                }
                self.watchers.push(face);
                Ok(())
            }
            Request::Down => {
                self.ending = true;
                self.enders.push(face);
                Ok(())
            }
            Request::Sync { timeout_ms, peer } => self.sync(face, timeout_ms, peer).await,
            Request::PairHost { listen } => {
                self.begin_pairing(face, pairing::Role::Host, listen);
                Ok(())
            }
            Request::PairJoin { code, peer, listen } => {
                self.begin_pairing(face, pairing::Role::Joiner { code, peer }, listen);
                Ok(())
            }
            Request::BundleWrite {
                path,
                all,
                force,
                no_photos,
            } => {
                self.write_bundle(face, path.into(), (all, force, !no_photos));
                Ok(())
            }
            Request::BundleRead { path } => self.read_bundle(face, path.into()),
            Request::BackupWrite { path, force } => {
                self.write_backup(face, path.into(), force);
                Ok(())
            }
            Request::Export { path } => {
                self.export(face, path.into());
                Ok(())
            }
            Request::Doctor { peer, quiet } => {
                self.examine(face, peer.as_deref(), quiet);
                Ok(())
            }
            Request::Status { part } => {
                let response = self.status(part).map_or_else(Response::Failed, |status| {
                    Response::Status(Box::new(status))
                });
                face.end(response);
                Ok(())
            }
            Request::List {
                kind,
                part: None,
                as_json: true,
            } => {
                self.list_as_json(face, &kind).await;
                Ok(())
            }
            Request::List { kind, part, .. } => self.ends(face, |app| app.list(&kind, part)),
            Request::Timeline { part } => self.ends(face, |app| Ok(app.timeline(part))),
            Request::Due { until } => self.ends(face, |app| app.due(until.as_deref())),
            Request::Search { words, most } => self.ends(face, |app| Ok(app.search(&words, most))),
            Request::History { id } => self.ends(face, |app| app.versions(&id)),
            Request::Show { id } => self.ends(face, |app| app.show_entry(&id)),
            Request::Agreement { kind, ask } => self.ends(face, |app| app.agreement(&kind, ask)),
            Request::Apology(request) => self.ends(face, |app| app.apology(request)),
            Request::Packet(request) => self.ends(face, |app| app.packet(request)),
            Request::Feel(request) => self.ends(face, |app| app.feel(request)),
            Request::Memory(request) => self.ends(face, |app| app.memory(request)),
            Request::Plan(request) => self.ends(face, |app| app.plan(request)),
            Request::Dates => self.ends(face, App::dates),
            Request::Checkin(request) => self.ends(face, |app| app.checkin(request)),
            Request::Space(request) => self.ends(face, |app| app.space(request)),
            Request::Talk(request) => self.ends(face, |app| app.talk(request)),
        }
    }

    /// Ends a conversation with what comes of its request.
    fn ends(
        &mut self,
        face: Face,
        answer: impl FnOnce(&mut Self) -> Result<Response, Failure>,
    ) -> Result<(), Failure> {
        face.end(answer(self).unwrap_or_else(Response::Failed));
        // A home that can no longer be read ends the holder; the failure itself was said above.
        if self.pair.is_some() && self.replica.is_none() {
            self.reload()
        } else {
            Ok(())
        }
    }

    /// Makes an edit in the private store. Gives the entry that it made or changed.
    ///
    /// # Errors
    /// As [`App::feed`].
    pub(crate) fn feed_private(&mut self, edit: Edit) -> Result<Option<EntryId>, FeedError> {
        let mut rng = system_rng();
        let mut world = World {
            now: now(),
            rng: &mut rng,
            shelf: &Shelves(&self.open.private),
        };
        let effects = match self.private.handle(&mut world, Input::Edit(edit)) {
            Ok(effects) => effects,
            Err(HandleError::Edit(error)) => return Err(FeedError::Edit(error)),
            Err(error) => {
                self.private = self.open.private_replica().map_err(FeedError::Failed)?;
                return Err(FeedError::Failed(stores::damaged(
                    &self.open.home.private_db(),
                    &error,
                )));
            }
        };
        let mut edited = None;
        for effect in effects {
            match effect {
                Effect::Save { writes, durable } => {
                    self.searchable.forget();
                    if let Err(failure) = self.open.save_private(writes, durable) {
                        self.private = self.open.private_replica().map_err(FeedError::Failed)?;
                        return Err(FeedError::Failed(failure));
                    }
                }
                Effect::Show(Shown::Edited(entry)) => edited = Some(entry),
                // Nobody watches it, and it goes nowhere.
                _ => {}
            }
        }
        Ok(edited)
    }

    /// Gives one input to the replica and performs what it wants done. Gives the entry that an edit made or changed.
    ///
    /// # Errors
    /// [`FeedError::Edit`] where an edit is not possible; else what could not be read or saved.
    pub(crate) fn feed(&mut self, input: Input<'_>) -> Result<Option<EntryId>, FeedError> {
        let mut edited = None;
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let Some(replica) = self.replica.as_mut() else {
                return Err(FeedError::Failed(Advice::NotPaired.into()));
            };
            let mut rng = system_rng();
            let mut world = World {
                now: now(),
                rng: &mut rng,
                shelf: &Shelves(&self.open.journal),
            };
            let effects = match replica.handle(&mut world, input) {
                Ok(effects) => effects,
                Err(HandleError::Edit(error)) => return Err(FeedError::Edit(error)),
                Err(HandleError::Row(error)) => {
                    self.replica = None;
                    return Err(FeedError::Failed(stores::damaged(
                        &self.open.home.journal_db(),
                        &error,
                    )));
                }
                Err(HandleError::Seal(error)) => {
                    self.replica = None;
                    return Err(FeedError::Failed(internal(&error)));
                }
            };
            for effect in effects {
                match effect {
                    Effect::Save { writes, durable } => {
                        self.searchable.saved(&writes);
                        if let Err(failure) = self.open.save(writes, durable) {
                            // The replica is ahead of the disk now: it is made anew from what is there.
                            self.reload().map_err(FeedError::Failed)?;
                            return Err(FeedError::Failed(failure));
                        }
                    }
                    Effect::Show(Shown::Edited(entry)) => edited = Some(entry),
                    Effect::Show(shown) => self.show(&shown),
                    Effect::Send { link, frame } => {
                        if let Err(link) = self.sessions.send(link, &frame) {
                            self.close(link);
                        }
                    }
                    Effect::Close { link, reason } => {
                        self.note_refused(&reason);
                        if let Some((link, _)) = self.sessions.link_of(link) {
                            self.close(link);
                        }
                    }
                    Effect::Continue => next = Some(Input::Continue),
                }
            }
        }
        Ok(edited)
    }

    /// Makes the replica anew from the disk. Its links begin anew too.
    pub(crate) fn reload(&mut self) -> Result<(), Failure> {
        self.searchable.forget();
        // Where this fails there is none: the old one is ahead of the disk.
        self.replica = match self.replica.take() {
            Some(replica) => Some(self.open.reload(&replica)?),
            None => self.open.replica()?,
        };
        for link in self.sessions.open().collect::<Vec<_>>() {
            if let Some((link, _)) = self.sessions.link_of(link) {
                self.close(link);
            }
        }
        Ok(())
    }

    /// Closes a link; what follows comes when the network says that it is closed.
    pub(crate) fn close(&mut self, link: NetLink) {
        if let Some(network) = self.sessions.network_of(link) {
            tokio::spawn(async move { network.close(link).await });
        }
    }

    /// A frame came on a link.
    pub(crate) fn frame_came(&mut self, link: NetLink, bytes: &[u8]) -> Result<(), Failure> {
        match self.sessions.came(link, bytes) {
            Came::Nothing => Ok(()),
            Came::Broken(reason) => {
                self.note_refused(&reason);
                self.close(link);
                Ok(())
            }
            Came::Opened(id) => self.session_opened(id),
            Came::Frame(id, frame) => {
                let fed = self.feed(Input::Received {
                    link: id,
                    frame: &frame,
                });
                self.survive(fed)?;
                // What comes of it goes over this link too, before anyone is told that all is there.
                self.tend()?;
                self.look_at_syncs();
                self.tell_progress();
                self.let_spare_go()
            }
        }
    }

    fn session_opened(&mut self, id: LinkId) -> Result<(), Failure> {
        let Some(partner) = self.pair.as_ref().map(|pair| pair.partner) else {
            return Ok(());
        };
        let first = self.sessions.open().count() == 1;
        let fed = self.feed(Input::Met {
            link: id,
            device: partner,
        });
        self.survive(fed)?;
        self.met_over(id);
        for syncing in &mut self.syncing {
            syncing.met = true;
        }
        if first {
            self.tell(&Event::Met {
                partner: self.partner_name(),
            });
        }
        Ok(())
    }

    pub(crate) fn link_closed(&mut self, link: NetLink) -> Result<(), Failure> {
        let Some(id) = self.sessions.end(link) else {
            return Ok(());
        };
        if let Some(replica) = &self.replica {
            let meeting = replica.meeting(id);
            self.parted_totals.0 = self.parted_totals.0.saturating_add(meeting.sent);
            self.parted_totals.1 = self.parted_totals.1.saturating_add(meeting.received);
            let fed = self.feed(Input::Parted { link: id });
            self.survive(fed)?;
        }
        if self.sessions.open().next().is_none() {
            self.tell(&Event::Parted {
                partner: self.partner_name(),
            });
        }
        Ok(())
    }

    /// What came from the network could not be kept: it is said, and the holder goes on if the journal can still be read.
    pub(crate) fn survive(
        &mut self,
        fed: Result<Option<EntryId>, FeedError>,
    ) -> Result<(), Failure> {
        if let Err(error) = fed {
            let failure = match error {
                FeedError::Failed(failure) => failure,
                FeedError::Edit(error) => internal(&error),
            };
            self.tell(&Event::Notice {
                message: format!("{} {}", failure.message, failure.hint),
            });
            if self.replica.is_none() {
                self.reload()?;
            }
        }
        Ok(())
    }

    /// Whether somebody waits for the partner.
    pub(crate) fn wants_to_meet(&self) -> bool {
        self.replica.is_some() && (self.options.stays || !self.syncing.is_empty())
    }

    fn is_idle(&self) -> bool {
        self.bundles.is_empty()
            && self.exports.is_empty()
            && self.syncing.is_empty()
            && self.watchers.is_empty()
            && self.pairing.is_none()
    }

    /// When something is due next, at the latest in half a minute: a clock that was set or a machine that slept is noticed then.
    fn next_due(&self) -> Instant {
        let latest = Instant::now() + std::time::Duration::from_secs(30);
        [
            self.sessions.next_beat(),
            self.sessions.next_spare(Instant::now()),
            self.next_dial(),
            self.next_tending(),
            self.pairing.as_ref().and_then(Pairing::due),
        ]
        .into_iter()
        .flatten()
        .chain(self.syncing.iter().map(|syncing| syncing.until))
        .fold(latest, Instant::min)
    }

    async fn time_passed(&mut self) -> Result<(), Failure> {
        for link in self.sessions.beat(Instant::now()) {
            self.close(link);
        }
        self.let_spare_go()?;
        self.look_at_syncs();
        self.look_at_pairing().await?;
        self.keep_meeting().await
    }

    /// Resolves when a face went away; never where there is none to go.
    async fn somebody_left(&self) {
        let faces = self
            .watchers
            .iter()
            .chain(self.syncing.iter().map(|syncing| &syncing.face));
        let mut gone: futures::stream::FuturesUnordered<_> = faces.map(Face::gone).collect();
        if futures::StreamExt::next(&mut gone).await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    fn let_go(&mut self) {
        self.watchers.retain(|face| !face.is_gone());
        self.syncing.retain(|syncing| !syncing.face.is_gone());
    }

    async fn end(mut self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        self.stop_meeting().await;
        let watchers = std::mem::take(&mut self.watchers);
        for syncing in std::mem::take(&mut self.syncing) {
            syncing
                .face
                .end(Response::Failed(Advice::HolderEnding.into()));
        }
        for bundling in std::mem::take(&mut self.bundles) {
            bundling
                .face
                .end(Response::Failed(Advice::HolderEnding.into()));
        }
        for export in std::mem::take(&mut self.exports) {
            export
                .face
                .end(Response::Failed(Advice::HolderEnding.into()));
        }
        drop(self.pairing.take());
        let closed = self.open.close();
        for face in watchers {
            face.end(Response::Done);
        }
        for face in std::mem::take(&mut self.enders) {
            face.end(Response::Done);
        }
        outcome.and(closed)
    }
}
