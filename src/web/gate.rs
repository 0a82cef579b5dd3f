//! The journal behind the page: not made yet, locked, or open, here or in another process. The first steps of a new
//! journal and the recovery kit are taken here too, since nobody else is there to take them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use amends_keys::identity::PersonName;
use amends_keys::kit::{Kit, WORDS};
use amends_keys::vault::{Cost, Vault, VaultKey};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::asks::Conversations;
use super::backup::Brought;
use super::guard::{Passphrase, Stand, session, unkept};
use super::{House, Refused};
use crate::advice::Advice;
use crate::app;
use crate::holder::{self, Reached, Wish};
use crate::home::{self, Home};
use crate::kit::TYPED_BACK;
use crate::local::{Caller, Holder, HolderLost, Turn};
use crate::passphrase::{self, Locked};
use crate::request::{Failure, Part, Request, Response, Which};
use crate::terminal::reason;

/// How long whoever holds the journal may take to close it.
const TIME_TO_CLOSE: Duration = Duration::from_secs(10);

/// How the journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// Nobody made one yet.
    Absent,
    /// It needs the passphrase.
    Locked,
    /// It can be asked.
    Open,
}

pub(super) struct Gate {
    dir: PathBuf,
    wish: Wish,
    cost: Cost,
    journal: tokio::sync::Mutex<Option<Reached>>,
    /// Notices when the journal ends; it listens, so the journal does not end of itself before this does.
    noticing: Mutex<Option<tokio::task::AbortHandle>>,
    turn: tokio::sync::Mutex<()>,
    writing_down: Mutex<Option<WritingDown>>,
    /// A backup that a page brought, until something is made of it.
    pub(super) brought: Mutex<Option<Brought>>,
    pub(super) conversations: Conversations,
}

/// A kit whose words are being written on paper: nothing depends on it before some of them came back.
struct WritingDown {
    kit: Kit,
    asked: Vec<usize>,
    then: Then,
}

/// What becomes of a kit that is on paper.
enum Then {
    /// A new journal.
    Begin(Beginning),
    /// The vault that opens with it takes the other one's place.
    Replace { old: Vec<u8>, new: Vec<u8> },
    /// It is only looked whether the paper is the right one.
    Nothing,
}

struct Beginning {
    name: PersonName,
    vault: Vault,
    without_kit: Vault,
    key: VaultKey,
}

impl Gate {
    pub(super) fn new(dir: PathBuf, wish: Wish, cost: Cost) -> Gate {
        Gate {
            dir,
            wish,
            cost,
            journal: tokio::sync::Mutex::new(None),
            noticing: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            writing_down: Mutex::new(None),
            brought: Mutex::new(None),
            conversations: Conversations::default(),
        }
    }

    /// Where a pairing listens: on the interface that was named for this process, at any port, since the one that was named
    /// is for meeting.
    pub(super) fn pairs_at(&self) -> Option<String> {
        let named: SocketAddr = self.wish.listen.as_ref()?.parse().ok()?;
        Some(SocketAddr::new(named.ip(), 0).to_string())
    }

    /// The folder of the home, which need not be there yet.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A backup that a page brought.
    pub(super) fn brought(&self) -> std::sync::MutexGuard<'_, Option<Brought>> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while one passphrase is tried.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(super) async fn standing(&self) -> Standing {
        if self.journal.lock().await.is_some() {
            Standing::Open
        } else if Home::check_vacant::<Failure>(&self.dir).is_ok() {
            Standing::Absent
        } else {
            Standing::Locked
        }
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// [`Advice::PageLocked`] where the journal is closed.
    pub(super) async fn ask(&self, request: Request) -> Result<Caller, Failure> {
        match self.journal.lock().await.as_mut() {
            Some(journal) => journal.ask(request).await,
            None => Err(Advice::PageLocked.into()),
        }
    }

    /// Asks one thing and waits for the end.
    ///
    /// # Errors
    /// The failure that it ends with.
    pub(super) async fn ask_to_the_end(&self, request: Request) -> Result<Response, Failure> {
        let mut caller = self.ask(request).await?;
        loop {
            match caller.next().await {
                Ok(Turn::Event(_)) => {}
                Ok(Turn::End(Response::Failed(failure))) => return Err(failure),
                Ok(Turn::End(response)) => return Ok(response),
                Err(HolderLost) => return Err(Advice::HolderLost.into()),
            }
        }
    }

    /// Closes the journal, whoever holds it, so that its keys are forgotten.
    ///
    /// # Errors
    /// [`Advice::StillUnlocked`].
    pub(super) async fn lock(&self) -> Result<(), Failure> {
        self.writing_down().take();
        self.brought().take();
        // Pages are told by whoever asks for this, and what is opened after it is not to be let go by this.
        if let Some(noticing) = self.noticing().take() {
            noticing.abort();
        }
        // First, so that no command opens it again without being asked.
        if let Ok(home) = crate::home::Leaving::find(&self.dir) {
            crate::keyring::forget_of(&home);
        }
        let Some(mut journal) = self.journal.lock().await.take() else {
            return Ok(());
        };
        let closing = async {
            let mut caller = journal.ask(Request::Down).await?;
            while let Ok(Turn::Event(_)) = caller.next().await {}
            // Where this process held it, this waits for its thread, which drops the keys.
            journal.leave().await
        };
        match tokio::time::timeout(TIME_TO_CLOSE, closing).await {
            Ok(Ok(())) => Ok(()),
            // It was going already.
            Ok(Err(failure)) if failure == Advice::HolderEnding.into() => Ok(()),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Advice::StillUnlocked.into()),
        }
    }

    /// Leaves the journal; where this process held it, it is closed.
    pub(super) async fn leave(&self) -> Result<(), Failure> {
        let noticing = self.noticing().take();
        if let Some(noticing) = noticing {
            noticing.abort();
        }
        self.let_go().await
    }

    async fn let_go(&self) -> Result<(), Failure> {
        match self.journal.lock().await.take() {
            Some(journal) => journal.leave().await,
            None => Ok(()),
        }
    }

    fn noticing(&self) -> std::sync::MutexGuard<'_, Option<tokio::task::AbortHandle>> {
        self.noticing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing_down(&self) -> std::sync::MutexGuard<'_, Option<WritingDown>> {
        self.writing_down
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a kit until it is on paper. Gives its words where they are to be shown.
    fn write_down(&self, kit: Kit, then: Then) -> Sheet {
        let shown = !matches!(then, Then::Nothing);
        let words = kit.words();
        let mut asked =
            rand::seq::index::sample(&mut UnwrapErr(SysRng), WORDS, TYPED_BACK).into_vec();
        asked.sort_unstable();
        let sheet = Sheet {
            words: shown.then(|| words.split(' ').map(str::to_owned).collect()),
            asked: asked.iter().map(|at| at + 1).collect(),
        };
        *self.writing_down() = Some(WritingDown { kit, asked, then });
        sheet
    }

    /// The kit whose words came back right.
    fn written_down(&self, typed: &BTreeMap<usize, String>) -> Result<Then, Failure> {
        let mut kept = self.writing_down();
        let Some(kit) = kept.as_ref() else {
            return Err(Advice::HolderLost.into());
        };
        let words = kit.kit.words();
        for (at, word) in words.split(' ').enumerate() {
            let number = at + 1;
            let right = typed
                .get(&number)
                .is_some_and(|typed| typed.trim().eq_ignore_ascii_case(word));
            if kit.asked.contains(&at) && !right {
                return Err(Advice::KitDiffers {
                    number: number as u64,
                }
                .into());
            }
        }
        kept.take()
            .map(|kit| kit.then)
            .ok_or(Advice::HolderLost.into())
    }
}

/// What is shown of a kit.
#[derive(Serialize)]
pub(super) struct Sheet {
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Vec<String>>,
    /// The numbers of the words that are asked for.
    asked: Vec<usize>,
}

/// Opens the journal with its passphrase. Where it is open already, this only looks whether it is the right one.
///
/// # Errors
/// [`Advice::WrongPassphrase`], and whatever keeps the journal closed.
pub(super) async fn unlock(
    house: &Arc<House>,
    passphrase: Zeroizing<String>,
) -> Result<(), Failure> {
    let home = Home::open(&house.gate.dir)?;
    let key = try_passphrase(Locked::of(&home)?, passphrase).await?.1;
    reach(house, home, key).await
}

/// Tries a passphrase, beside everything else that goes on: it takes a second of one core.
pub(super) async fn try_passphrase(
    locked: Locked,
    passphrase: Zeroizing<String>,
) -> Result<(Locked, VaultKey), Failure> {
    let tried = beside(move || {
        let key = locked.try_passphrase(&passphrase)?;
        Ok((locked, key))
    });
    match tried.await? {
        (locked, Some(key)) => Ok((locked, key)),
        (_, None) => Err(Advice::WrongPassphrase.into()),
    }
}

/// Does what meets keys and takes long, beside everything else that goes on. Its thread is used again for other things.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(|| amends_keys::wiping_stack(work))
        .await
        .map_err(|_| no_thread())?
}

pub(super) fn no_thread() -> Failure {
    Advice::Internal {
        what: "a thread stopped".to_owned(),
    }
    .into()
}

/// What opens the journal now, where its passphrase is to be another one.
pub(super) enum Now {
    Passphrase(Zeroizing<String>),
    /// The words of the kit.
    Kit(Zeroizing<String>),
}

impl Now {
    /// The key of a vault.
    ///
    /// # Errors
    /// [`Advice::WrongPassphrase`], and what is said of a wrong kit.
    pub(super) fn open(&self, locked: &Locked) -> Result<VaultKey, Failure> {
        match self {
            Now::Passphrase(passphrase) => locked
                .try_passphrase(passphrase)?
                .ok_or(Advice::WrongPassphrase.into()),
            Now::Kit(words) => {
                let kit = Kit::parse(words).map_err(crate::kit::not_a_kit)?;
                crate::kit::open_with(locked, &kit)
            }
        }
    }
}

/// Gives the journal another passphrase, and opens it where it is closed.
///
/// # Errors
/// [`Advice::WrongPassphrase`], what is said of a wrong kit, and whatever keeps the vault or the journal as it is.
pub(super) async fn new_passphrase(
    house: &Arc<House>,
    now: Now,
    new: Zeroizing<String>,
) -> Result<(), Failure> {
    let home = Home::open(&house.gate.dir)?;
    let locked = Locked::of(&home)?;
    let cost = house.gate.cost;
    let made = beside(move || {
        let key = now.open(&locked)?;
        let mut vault = locked.vault.clone();
        let cost = vault.cost().unwrap_or(cost);
        vault
            .set_passphrase(&key, &new, cost, &mut UnwrapErr(SysRng))
            .map_err(passphrase::not_taken)?;
        Ok((locked, vault, key))
    });
    let (locked, vault, key) = made.await?;
    home.replace_vault(&locked.bytes, &vault.to_bytes())
        .map_err(crate::commands::passphrase::not_replaced)?;
    reach(house, home, key).await
}

/// Opens the journal where another process holds it and stays.
///
/// # Errors
/// [`Advice::OtherVersion`].
pub(super) async fn join(house: &Arc<House>) -> Result<bool, Failure> {
    let Ok(home) = Home::open(&house.gate.dir) else {
        return Ok(false);
    };
    let mut journal = house.gate.journal.lock().await;
    let there = match &*journal {
        Some(_) => return Ok(true),
        None => elsewhere(&home).await?,
    };
    match there {
        Some(there) => keep(house, &mut journal, there).await.map(|()| true),
        None => Ok(false),
    }
}

async fn elsewhere(home: &Home) -> Result<Option<Reached>, Failure> {
    // One that goes when its own work is done would take the page's journal along.
    match Holder::find(home).await {
        Ok(Some(holder)) if holder.stays() => holder::find(home, &Wish::default()).await,
        _ => Ok(None),
    }
}

/// Goes through whoever holds the journal and stays, or becomes that.
pub(super) async fn reach(house: &Arc<House>, home: Home, key: VaultKey) -> Result<(), Failure> {
    let mut journal = house.gate.journal.lock().await;
    if journal.is_some() {
        return Ok(());
    }
    let reached = match elsewhere(&home).await? {
        Some(there) => there,
        None => {
            let wish = Wish {
                stays: true,
                ..house.gate.wish.clone()
            };
            holder::reach_with(home, key, wish).await?
        }
    };
    keep(house, &mut journal, reached).await
}

/// Keeps the way to the journal, and notices when it ends.
async fn keep(
    house: &Arc<House>,
    journal: &mut Option<Reached>,
    mut reached: Reached,
) -> Result<(), Failure> {
    // What keeps it from being read is said now, and not by closing again a moment later.
    let part = Some(Part {
        of: Which::All,
        skip: 0,
        most: 0,
    });
    let asked = reached.ask_to_the_end(Request::Status { part }, |_| Ok(()));
    let watched = match asked.await {
        Ok(_) => reached.ask(Request::Watch).await,
        Err(failure) => Err(failure),
    };
    let mut watched = match watched {
        Ok(watched) => watched,
        Err(failure) => return reached.leave_with(Err(failure)).await,
    };
    *journal = Some(reached);
    let all = Arc::downgrade(house);
    let noticing = tokio::spawn(async move {
        while let Ok(Turn::Event(_)) = watched.next().await {}
        let Some(house) = all.upgrade() else { return };
        // Somebody said `amends lock` or `amends down`, or it failed: pages are told that it is closed.
        house.guard().end_all();
        drop(house.gate.let_go().await);
    });
    *house.gate.noticing() = Some(noticing.abort_handle());
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Begin {
    name: String,
    #[serde(deserialize_with = "unkept")]
    passphrase: Zeroizing<String>,
    kit: bool,
}

/// A new journal: its vault is made now, and the rest once the kit is on paper, where one is wanted.
pub(super) async fn begin(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Begin {
        name,
        passphrase,
        kit,
    }): Json<Begin>,
) -> Result<Json<Option<Sheet>>, Refused> {
    session(&house, &headers)?;
    let _turn = house.gate.turn().await;
    let name = PersonName::try_from(name.as_str())
        .map_err(|e| Failure::from(Advice::BadName { why: e.to_string() }))?;
    Home::check_vacant::<Failure>(&house.gate.dir).map_err(Failure::from)?;
    let cost = house.gate.cost;
    let made = beside(move || {
        Vault::create(&passphrase, cost, &mut UnwrapErr(SysRng)).map_err(passphrase::not_taken)
    });
    let (without_kit, key) = made.await?;
    let mut vault = without_kit.clone();
    let words = kit.then(|| vault.make_kit(&key, &mut UnwrapErr(SysRng)));
    let beginning = Beginning {
        name,
        vault,
        without_kit,
        key,
    };
    match words {
        Some(words) => Ok(Json(Some(
            house.gate.write_down(words, Then::Begin(beginning)),
        ))),
        None => {
            make(&house, beginning, false).await?;
            Ok(Json(None))
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Finish {
    /// By their numbers; absent where nobody wants the kit after all.
    words: Option<BTreeMap<usize, String>>,
}

/// The words came back, or no kit is wanted after all.
pub(super) async fn finish(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Finish { words }): Json<Finish>,
) -> Result<Json<Stand>, Refused> {
    session(&house, &headers)?;
    let then = match &words {
        Some(words) => house.gate.written_down(words)?,
        None => {
            let kept = house.gate.writing_down().take();
            kept.map(|kit| kit.then)
                .ok_or(Failure::from(Advice::HolderLost))?
        }
    };
    if let Then::Begin(beginning) = then {
        make(&house, beginning, words.is_some()).await?;
    }
    Ok(Stand::of(&house, None).await)
}

async fn make(house: &Arc<House>, beginning: Beginning, with_kit: bool) -> Result<(), Failure> {
    let Beginning {
        name,
        vault,
        without_kit,
        key,
    } = beginning;
    let vault = if with_kit { vault } else { without_kit };
    let dir: &Path = &house.gate.dir;
    let home = Home::create(dir, |building| {
        home::write_new(&building.join(home::VAULT), &vault.to_bytes()).map_err(|error| {
            Failure::from(Advice::CannotMakeHome {
                path: dir.display().to_string(),
                error: reason(&error),
            })
        })?;
        app::create_stores(building, &name, &key)
    })?;
    reach(house, home, key).await
}

#[derive(Deserialize)]
pub(super) struct KitWish {
    #[serde(flatten)]
    passphrase: Passphrase,
    /// Whether a new one is made; else it is looked whether the paper is the right one.
    new: bool,
}

/// A new kit, or a look at the paper.
pub(super) async fn kit(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(KitWish { passphrase, new }): Json<KitWish>,
) -> Result<Json<Sheet>, Refused> {
    session(&house, &headers)?;
    let _turn = house.gate.turn().await;
    let home = Home::open(&house.gate.dir).map_err(Failure::from)?;
    let locked = Locked::of(&home)?;
    if !new && !locked.vault.has_kit() {
        return Err(Advice::NoKit.into());
    }
    let (locked, key) = try_passphrase(locked, passphrase.passphrase).await?;
    let (kit, then) = if new {
        let mut vault = locked.vault.clone();
        let kit = vault.make_kit(&key, &mut UnwrapErr(SysRng));
        (
            kit,
            Then::Replace {
                old: locked.bytes,
                new: vault.to_bytes(),
            },
        )
    } else {
        let kept = locked.vault.kit(&key);
        (
            kept.map_err(|error| crate::kit::refused(&locked, error))?,
            Then::Nothing,
        )
    };
    Ok(Json(house.gate.write_down(kit, then)))
}

/// The words came back: a new kit opens the journal from now on.
pub(super) async fn kit_finish(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Finish { words }): Json<Finish>,
) -> Result<Json<bool>, Refused> {
    session(&house, &headers)?;
    let Then::Replace { old, new } = house.gate.written_down(&words.unwrap_or_default())? else {
        return Ok(Json(false));
    };
    let home = Home::open(&house.gate.dir).map_err(Failure::from)?;
    home.replace_vault(&old, &new)
        .map_err(crate::commands::passphrase::not_replaced)?;
    Ok(Json(true))
}
