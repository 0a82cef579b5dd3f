//! The page's port without a socket, so that tests can give it whatever bytes they like.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use amends_keys::vault::Cost;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use tower_service::Service;

use super::gate::Gate;
use super::guard::{Guard, SESSION};
use super::{House, LONGEST, SAYS, files, router};
use crate::holder::Wish;

/// Where the port would be.
const HOST: &str = "127.0.0.1:9";
/// What stands in a request in the place of the key of a session.
const KEY: &str = "KEY";

/// A port behind which there is no journal.
pub struct Trial {
    house: Arc<House>,
    session: String,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status (RFC 9110).
    pub status: u16,
    /// Whether it had the key of the session.
    pub inside: bool,
    /// Whether every header is there that browsers must see, and none that would open a door.
    pub guarded: bool,
    /// Whether the body is one of the page's own files.
    pub is_file: bool,
    /// The code of the failure, where it was one.
    pub code: Option<String>,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trial")
    }
}

impl Default for Trial {
    fn default() -> Trial {
        let mut guard = Guard::new(Duration::from_secs(900));
        let session = guard.begin();
        let house = Arc::new(House {
            host: HOST.to_owned(),
            origin: format!("http://{HOST}"),
            guard: std::sync::Mutex::new(guard),
            gate: Gate::new(
                PathBuf::from("/dev/null/amends"),
                Wish::default(),
                Cost::DEFAULT,
            ),
        });
        Trial { house, session }
    }
}

impl Trial {
    /// Answers one request: `METHOD PATH`, a line for each header, an empty line, the body. `KEY` in a header becomes the
    /// key of the one session that there is. None where that is no request, or one that would make a journal.
    pub async fn answer(&self, bytes: &[u8]) -> Option<Answered> {
        let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
            Some(at) => (bytes.get(..at)?, bytes.get(at.checked_add(2)?..)?),
            None => (bytes, &[][..]),
        };
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head.split('\n');
        let (method, path) = lines.next()?.split_once(' ')?;
        // The one seals a vault, which takes a second and a quarter of a gigabyte; the other asks the network.
        if path.starts_with("/begin") || path.starts_with("/doctor") {
            return None;
        }
        let mut request = Request::builder().method(method).uri(path);
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            request = request.header(name, value.replace(KEY, &self.session));
        }
        let request = request.body(Body::from(body.to_vec())).ok()?;
        let inside = request
            .headers()
            .get(SESSION)
            .is_some_and(|key| key == self.session.as_str());
        let Ok(response) = router(&self.house).call(request).await;
        let (head, body) = response.into_parts();
        let has_all = SAYS
            .iter()
            .all(|(name, value)| head.headers.get(name).is_some_and(|said| said == value));
        let opens = |name: &header::HeaderName| {
            name == header::SET_COOKIE || name.as_str().starts_with("access-control")
        };
        let guarded = has_all && !head.headers.keys().any(opens);
        let body = to_bytes(body, LONGEST).await.ok()?;
        let said: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let code = said.and_then(|said| Some(said.get("error")?.get("code")?.as_str()?.to_owned()));
        let is_file = files::paths().any(|path| {
            [false, true]
                .iter()
                .filter_map(|german| files::served(path, *german))
                .any(|(_, content)| content.as_bytes() == body)
        });
        Some(Answered {
            status: head.status.as_u16(),
            inside,
            guarded,
            is_file,
            code,
        })
    }
}
