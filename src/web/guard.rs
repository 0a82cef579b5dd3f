//! Who may talk to the journal through the page: whoever holds a session. A session comes of the one-time token in the
//! address, or of the passphrase; its key stays in the page's memory and here as a hash.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rand::rand_core::{Rng, UnwrapErr};
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::gate::{self, Standing};
use super::{House, Refused};
use crate::advice::Advice;
use crate::request::Failure;

/// The header with a session's key.
pub(super) const SESSION: &str = "amends-session";
/// How long an address lets somebody in.
const TOKEN_LIVES: Duration = Duration::from_secs(600);
/// Pages that may be open at once; one more ends the one that was quiet the longest.
const SESSIONS: usize = 16;
/// Wrong passphrases in a row before each one more has to wait.
const TRIES: u32 = 5;
/// How long.
const WAIT: Duration = Duration::from_secs(30);

type Hash = [u8; 32];

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

fn secret() -> String {
    let mut bytes = Zeroizing::new([0u8; 32]);
    UnwrapErr(SysRng).fill_bytes(&mut bytes[..]);
    data_encoding::BASE64URL_NOPAD.encode(&bytes[..])
}

/// Tokens, sessions and wrong passphrases.
pub(super) struct Guard {
    lock_after: Duration,
    token: Option<(Hash, Instant)>,
    sessions: Vec<Session>,
    wrong: u32,
    last_wrong: Option<Instant>,
}

struct Session {
    key: Hash,
    used: Instant,
    over: watch::Sender<bool>,
}

impl Guard {
    pub(super) fn new(lock_after: Duration) -> Guard {
        Guard {
            lock_after,
            token: None,
            sessions: Vec::new(),
            wrong: 0,
            last_wrong: None,
        }
    }

    /// A token that lets one page in, once. An older one stops working.
    pub(super) fn new_token(&mut self) -> String {
        let token = secret();
        self.token = Some((hash(&token), Instant::now() + TOKEN_LIVES));
        token
    }

    /// Uses the token up. None where it is another, or was used before.
    fn enter(&mut self, token: &str) -> Option<String> {
        // Hashes are compared, so that how long it takes says nothing of the token.
        let (kept, until) = self.token?;
        if kept != hash(token) || Instant::now() > until {
            return None;
        }
        self.token = None;
        Some(self.begin())
    }

    /// A new session's key.
    pub(super) fn begin(&mut self) -> String {
        if self.sessions.len() >= SESSIONS {
            let quietest = self.sessions.iter().enumerate().min_by_key(|(_, s)| s.used);
            if let Some((at, _)) = quietest {
                self.sessions.swap_remove(at).over.send_replace(true);
            }
        }
        let key = secret();
        self.sessions.push(Session {
            key: hash(&key),
            used: Instant::now(),
            over: watch::Sender::new(false),
        });
        key
    }

    fn find(&mut self, key: &str) -> Option<&mut Session> {
        let key = hash(key);
        self.sessions.iter_mut().find(|session| session.key == key)
    }

    /// Ends every session; their pages are told.
    pub(super) fn end_all(&mut self) {
        for session in self.sessions.drain(..) {
            session.over.send_replace(true);
        }
    }

    /// Ends those at which nobody sits any more.
    pub(super) fn expire(&mut self, now: Instant) {
        let lock_after = self.lock_after;
        self.sessions.retain(|session| {
            let stays = now.duration_since(session.used) < lock_after;
            if !stays {
                session.over.send_replace(true);
            }
            stays
        });
    }

    fn tried(&mut self, wrong: bool) {
        self.wrong = if wrong {
            self.wrong.saturating_add(1)
        } else {
            0
        };
        self.last_wrong = wrong.then(Instant::now);
    }

    /// How many seconds the next passphrase has to wait.
    fn must_wait(&self) -> Option<u64> {
        let last = self.last_wrong.filter(|_| self.wrong >= TRIES)?;
        let left = WAIT.checked_sub(last.elapsed())?;
        Some(left.as_secs() + 1)
    }
}

/// The session that a request names, to be told when it is over.
///
/// # Errors
/// [`Advice::PageLocked`].
pub(super) fn session(
    house: &House,
    headers: &HeaderMap,
) -> Result<watch::Receiver<bool>, Refused> {
    let key = headers.get(SESSION).and_then(|key| key.to_str().ok());
    let mut guard = house.guard();
    match key.and_then(|key| guard.find(key)) {
        Some(session) => Ok(session.over.subscribe()),
        None => Err(Refused(StatusCode::UNAUTHORIZED, Advice::PageLocked.into())),
    }
}

#[derive(Deserialize)]
pub(super) struct Token {
    token: String,
}

/// What was typed, gone from memory once it is used.
pub(super) fn unkept<'d, D: serde::Deserializer<'d>>(d: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(d).map(Zeroizing::new)
}

#[derive(Deserialize)]
pub(super) struct Passphrase {
    #[serde(deserialize_with = "unkept")]
    pub(super) passphrase: Zeroizing<String>,
}

/// How things stand for a page.
#[derive(Serialize)]
pub(super) struct Stand {
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    state: Standing,
    /// After how many seconds without a touch it locks.
    lock_after: u64,
}

impl Stand {
    pub(super) async fn of(house: &House, session: Option<String>) -> Json<Stand> {
        Json(Stand {
            session,
            state: house.gate.standing().await,
            lock_after: house.guard().lock_after.as_secs(),
        })
    }
}

/// The token for a session.
pub(super) async fn enter(
    State(house): State<Arc<House>>,
    Json(Token { token }): Json<Token>,
) -> Result<Json<Stand>, Refused> {
    let entered = house.guard().enter(&token);
    match entered {
        Some(key) => Ok(Stand::of(&house, Some(key)).await),
        None => Err(Refused(StatusCode::UNAUTHORIZED, Advice::PageToken.into())),
    }
}

/// The passphrase for a session; it opens the journal where that is closed.
pub(super) async fn unlock(
    State(house): State<Arc<House>>,
    Json(Passphrase { passphrase }): Json<Passphrase>,
) -> Result<Json<Stand>, Refused> {
    // One at a time: each takes as much memory as the vault asks for.
    let _turn = house.gate.turn().await;
    may_try(&house)?;
    let outcome = gate::unlock(&house, passphrase).await;
    tried(&house, &outcome);
    outcome?;
    let key = house.guard().begin();
    Ok(Stand::of(&house, Some(key)).await)
}

#[derive(Deserialize)]
pub(super) struct NewPassphrase {
    #[serde(flatten)]
    secret: Secret,
    #[serde(deserialize_with = "unkept")]
    new: Zeroizing<String>,
}

/// What opens a vault: its passphrase, or the words of its kit where that is forgotten.
#[derive(Deserialize)]
pub(super) struct Secret {
    #[serde(deserialize_with = "unkept", default)]
    passphrase: Zeroizing<String>,
    #[serde(deserialize_with = "unkept", default)]
    words: Zeroizing<String>,
}

impl Secret {
    /// As what opens it.
    pub(super) fn now(self) -> gate::Now {
        if self.words.is_empty() {
            gate::Now::Passphrase(self.passphrase)
        } else {
            gate::Now::Kit(self.words)
        }
    }
}

/// Whether a passphrase may be tried now.
///
/// # Errors
/// [`Advice::PageWait`] after too many that were wrong.
pub(super) fn may_try(house: &House) -> Result<(), Failure> {
    match house.guard().must_wait() {
        Some(seconds) => Err(Advice::PageWait { seconds }.into()),
        None => Ok(()),
    }
}

/// Counts what came of one that was tried.
pub(super) fn tried<T>(house: &House, outcome: &Result<T, Failure>) {
    let wrong = Failure::from(Advice::WrongPassphrase);
    let wrong = outcome.as_ref().err() == Some(&wrong);
    house.guard().tried(wrong);
}

/// Another passphrase, by the one that holds now or by the kit. Who knows either may use the page.
pub(super) async fn passphrase(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(NewPassphrase { secret, new }): Json<NewPassphrase>,
) -> Result<Json<Stand>, Refused> {
    let _turn = house.gate.turn().await;
    may_try(&house)?;
    let outcome = gate::new_passphrase(&house, secret.now(), new).await;
    tried(&house, &outcome);
    outcome?;
    let inside = session(&house, &headers).is_ok();
    let key = (!inside).then(|| house.guard().begin());
    Ok(Stand::of(&house, key).await)
}

/// Whether there is a journal, and whether this page may use it.
pub(super) async fn state(State(house): State<Arc<House>>) -> Json<Stand> {
    Stand::of(&house, None).await
}

/// Somebody sits at the page.
pub(super) async fn touch(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    session(&house, &headers)?;
    let key = headers.get(SESSION).and_then(|key| key.to_str().ok());
    if let Some(session) = house.guard().find(key.unwrap_or_default()) {
        session.used = Instant::now();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Locks every page, and the journal with them, whoever holds it.
pub(super) async fn lock(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    session(&house, &headers)?;
    house.guard().end_all();
    house.gate.lock().await?;
    Ok(StatusCode::NO_CONTENT)
}
