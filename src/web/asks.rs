//! A page's conversations with the journal: the same [`Request`]s, [`Turn`]s and [`Answer`]s as over the local socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::guard::session;
use super::{House, Refused};
use crate::advice::Advice;
use crate::local::{Caller, HolderLost, Turn};
use crate::request::{Answer, MemoryRequest, Request};

/// The name that a page gives a conversation in which it will answer.
const CONVERSATION: &str = "amends-conversation";
/// What a code for a camera may hold, in bytes. No camera reads more of a screen, and what could hold it takes megabytes
/// to draw.
const LONGEST_SCANNED: usize = 1024;
/// An empty line now and then, so that a page notices when nobody is there any more.
const BEAT: Duration = Duration::from_secs(10);

/// Conversations that take answers, by the names that pages gave them.
#[derive(Default)]
pub(super) struct Conversations(Mutex<HashMap<String, mpsc::Sender<Answer>>>);

impl Conversations {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, mpsc::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a page may ask it. What names files is for the commands: a page has none of its own, and must not write any.
fn is_for_pages(request: &Request) -> bool {
    match request {
        Request::BundleWrite { .. }
        | Request::BundleRead { .. }
        | Request::BackupWrite { .. }
        | Request::Export { .. }
        | Request::Memory(MemoryRequest::Photo { .. } | MemoryRequest::Save { .. }) => false,
        Request::Memory(MemoryRequest::Add { photos, .. }) => photos.is_empty(),
        // It has a way of its own, which locks the pages too.
        Request::Down => false,
        Request::PairHost { .. }
        | Request::PairJoin { .. }
        | Request::Sync { .. }
        | Request::Watch
        | Request::Status { .. }
        | Request::Doctor { .. }
        | Request::List { .. }
        | Request::Show { .. }
        | Request::Timeline { .. }
        | Request::Due { .. }
        | Request::Search { .. }
        | Request::History { .. }
        | Request::Agreement { .. }
        | Request::Apology(_)
        | Request::Packet(_)
        | Request::Feel(_)
        | Request::Plan(_)
        | Request::Memory(_)
        | Request::Space(_)
        | Request::Talk(_)
        | Request::Dates
        | Request::Checkin(_) => true,
    }
}

/// Asks, and gives what comes of it: one [`Turn`] a line, as they come.
pub(super) async fn ask(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let over = session(&house, &headers)?;
    let mut request: Request =
        serde_json::from_slice(&body).map_err(|_| Refused::from(Advice::NotUnderstood))?;
    if !is_for_pages(&request) {
        return Err(Refused(StatusCode::FORBIDDEN, Advice::NotForPages.into()));
    }
    if let Request::PairHost { listen } | Request::PairJoin { listen, .. } = &mut request {
        *listen = house.gate.pairs_at();
    }
    let caller = house.gate.ask(request).await?;
    let name = headers
        .get(CONVERSATION)
        .and_then(|name| name.to_str().ok());
    if let Some(name) = name {
        let mut all = house.gate.conversations.all();
        all.retain(|_, answers| !answers.is_closed());
        all.insert(name.to_owned(), caller.answers());
    }
    let body = Body::from_stream(stream::unfold(Some((caller, over)), |going| async move {
        let (line, going) = next(going?).await;
        Some((Ok::<_, std::convert::Infallible>(line), going))
    }));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

type Going = (Caller, watch::Receiver<bool>);

/// The next line; and nothing to go on with after the last.
async fn next((mut caller, mut over): Going) -> (Bytes, Option<Going>) {
    let turn = tokio::select! {
        biased;
        // Also where the sender is gone, which comes to the same.
        _ = over.wait_for(|over| *over) => return (Bytes::from_static(b"{\"locked\":true}\n"), None),
        turn = caller.next() => Some(turn),
        () = tokio::time::sleep(BEAT) => None,
    };
    match turn {
        None => (Bytes::from_static(b"\n"), Some((caller, over))),
        Some(Ok(turn @ Turn::Event(_))) => (line(&turn), Some((caller, over))),
        Some(Ok(turn @ Turn::End(_))) => (line(&turn), None),
        Some(Err(HolderLost)) => (Bytes::from_static(b"{\"lost\":true}\n"), None),
    }
}

fn line(turn: &Turn) -> Bytes {
    let mut line = serde_json::to_vec(turn).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

#[derive(Deserialize)]
pub(super) struct Answered {
    conversation: String,
    #[serde(flatten)]
    answer: Answer,
}

/// An answer to a conversation that goes on.
pub(super) async fn answer(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Answered {
        conversation,
        answer,
    }): Json<Answered>,
) -> Result<StatusCode, Refused> {
    session(&house, &headers)?;
    let to = house.gate.conversations.all().get(&conversation).cloned();
    match to {
        Some(to) if to.send(answer).await.is_ok() => Ok(StatusCode::NO_CONTENT),
        _ => Err(Advice::HolderLost.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Content {
    content: String,
}

/// A QR code: so many squares a side, and which are dark, row by row.
#[derive(Serialize)]
pub(super) struct Squares {
    side: usize,
    dark: Vec<bool>,
}

/// What a camera reads of the other's screen.
pub(super) async fn qr(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Content { content }): Json<Content>,
) -> Result<Json<Squares>, Refused> {
    session(&house, &headers)?;
    if content.len() > LONGEST_SCANNED {
        return Err(Advice::NotUnderstood.into());
    }
    let code = qrcode::QrCode::with_error_correction_level(content, qrcode::EcLevel::L)
        .map_err(|_| Refused::from(Advice::NotUnderstood))?;
    let dark = code
        .to_colors()
        .iter()
        .map(|c| *c == qrcode::Color::Dark)
        .collect();
    Ok(Json(Squares {
        side: code.width(),
        dark,
    }))
}

#[derive(Deserialize)]
pub(super) struct Titles {
    titles: bool,
}

/// A calendar file, to be kept by the browser.
pub(super) async fn calendar(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Titles { titles }): Json<Titles>,
) -> Result<Response, Refused> {
    session(&house, &headers)?;
    let dates = house.gate.ask_to_the_end(Request::Dates).await?;
    let crate::request::Response::Dates(dates) = dates else {
        return Err(Advice::NotUnderstood.into());
    };
    let text = crate::commands::calendar::text_of(&dates, !titles)?;
    Ok(([(header::CONTENT_TYPE, "text/calendar")], text).into_response())
}
