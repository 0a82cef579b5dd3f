//! A backup that the browser brings: looked at, or made into a journal where there is none. It comes first and lies where
//! every file of a page lies ([`super::carry`]); the passphrase comes by itself, so that it can be typed again.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use tokio::sync::watch;

use super::carry::{LONGEST_BUNDLE, bring as keep, own_folder};
use super::gate::{self, beside};
use super::guard::{Secret, Stand, may_try, session, tried};
use super::{House, Refused};
use crate::advice::Advice;
use crate::backup::Backup;
use crate::commands::backup::fill;
use crate::home::Home;
use crate::request::Failure;
use crate::text::editor::Folder;

/// A backup that was brought. It is wiped where it is replaced, used up, or where the session that brought it ends.
pub(super) struct Brought {
    path: PathBuf,
    over: watch::Receiver<bool>,
    _folder: Folder,
}

impl Brought {
    /// Whether its session is over, or gone, which comes to the same.
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow() || self.over.has_changed().is_err()
    }
}

/// What is said of a backup that nobody opened yet.
#[derive(Serialize)]
pub(super) struct Arrived {
    /// Whether a recovery kit opens it.
    kit: bool,
}

/// Takes a backup, as far as it can be seen without its key.
pub(super) async fn bring(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Arrived>, Refused> {
    let over = session(&house, &headers)?;
    house.gate.brought().take();
    let folder = own_folder()?;
    let path = PathBuf::from(keep(body, &folder, LONGEST_BUNDLE, Advice::NotUnderstood).await?);
    let kit = Backup::open(&path)?.locked.vault.has_kit();
    *house.gate.brought() = Some(Brought {
        path,
        over,
        _folder: folder,
    });
    Ok(Json(Arrived { kit }))
}

/// The backup that was brought.
fn brought(house: &House) -> Result<Backup, Failure> {
    let path = house.gate.brought().as_ref().map(|here| here.path.clone());
    Backup::open(&path.ok_or(Advice::HolderLost)?)
}

/// Reads all of a backup, to know that it is whole and that this opens it. Nothing is changed.
pub(super) async fn check(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(secret): Json<Secret>,
) -> Result<Json<bool>, Refused> {
    session(&house, &headers)?;
    let _turn = house.gate.turn().await;
    may_try(&house)?;
    let (backup, now) = (brought(&house)?, secret.now());
    let looked = beside(move || {
        let key = now.open(&backup.locked)?;
        backup.read(&key.backups(), |_, _| Ok(()))
    });
    let looked = looked.await;
    tried(&house, &looked);
    looked?;
    Ok(Json(true))
}

/// Makes a journal of a backup, where there is none, and opens it.
pub(super) async fn restore(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(secret): Json<Secret>,
) -> Result<Json<Stand>, Refused> {
    session(&house, &headers)?;
    let _turn = house.gate.turn().await;
    may_try(&house)?;
    let dir = house.gate.dir().to_owned();
    Home::check_vacant::<Failure>(&dir)?;
    let (backup, now) = (brought(&house)?, secret.now());
    let made = beside(move || {
        let key = now.open(&backup.locked)?;
        let home = Home::create(&dir, |building| fill(building, backup, &key))?;
        Ok((home, key))
    });
    let made = made.await;
    tried(&house, &made);
    let (home, key) = made?;
    house.gate.brought().take();
    gate::reach(&house, home, key).await?;
    Ok(Stand::of(&house, None).await)
}
