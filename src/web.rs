//! The page: the journal in a browser on this machine, on the same [`Request`](crate::request::Request)s as the commands.
//!
//! ```text
//! browser ──▶ peer    only this user's processes are let in at all
//!         ──▶ unkept  what was sent is wiped once it was answered
//!         ──▶ guard   Host, Origin, the one-time token, sessions, the idle lock
//!         ──▶ asks    one request, and what comes of it as JSON lines
//!         ──▶ carry   files that the browser brings or takes away
//!         ──▶ backup  a backup that is looked at, or that a journal is made of
//!         ──▶ doctor  what is wrong, and what mends it
//!         ──▶ gate    the journal: not made, locked, or open here or in another process
//! ```
//!
//! It listens on 127.0.0.1 alone, on a port that the system chooses. It speaks HTTP/1.1 and knows three sorts of things:
//! `GET` of the page's own files, which hold nothing of anybody; `POST /enter` and `/unlock`, which give a session; and
//! everything else by `POST` with that session in a header. There are no cookies, so that nothing is sent by a browser of
//! its own accord.

mod asks;
mod backup;
mod carry;
mod doctor;
mod files;
mod gate;
mod guard;
mod peer;
mod trial;
mod unkept;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use amends_keys::vault::Cost;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::advice::Advice;
use crate::holder::Wish;
use crate::request::Failure;
use crate::terminal::reason;
use gate::Gate;
use guard::Guard;
pub use trial::{Answered, Trial};

/// The longest thing that a page may ask: as over the local socket.
const LONGEST: usize = 2 << 20;
/// How often it is looked whether somebody went away from their page.
const LOOK: Duration = Duration::from_secs(1);

/// What may come from where: nothing inline, nothing from outside, nothing that is text taken as code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// How the page is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The home, which need not be there yet.
    pub home: PathBuf,
    /// How this process holds the journal where nobody else does.
    pub wish: Wish,
    /// After how long without a key or a pointer the page locks.
    pub lock_after: Duration,
    /// What a new vault costs to open.
    pub cost: Cost,
}

/// A page that is being served.
pub struct Server {
    house: Arc<House>,
    serving: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.house.origin)
    }
}

/// What every request meets.
pub(crate) struct House {
    /// `127.0.0.1:PORT`: the one Host that is answered.
    host: String,
    /// The same as an origin: the one that may write.
    origin: String,
    guard: std::sync::Mutex<Guard>,
    gate: Gate,
}

impl House {
    fn guard(&self) -> std::sync::MutexGuard<'_, Guard> {
        // Whoever panicked with it left nothing half done that would be worse than going on.
        self.guard
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Server {
    /// Begins to serve. The journal stays as it is: open where another process holds it, else locked, or not made yet.
    ///
    /// # Errors
    /// [`Advice::PageCannotListen`].
    pub async fn start(options: Options) -> Result<Server, Failure> {
        let cannot = |error: std::io::Error| Advice::PageCannotListen {
            error: reason(&error),
        };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .map_err(cannot)?;
        let at = listener.local_addr().map_err(cannot)?;
        let house = Arc::new(House {
            host: at.to_string(),
            origin: format!("http://{at}"),
            guard: std::sync::Mutex::new(Guard::new(options.lock_after)),
            gate: Gate::new(options.home, options.wish, options.cost),
        });
        let router = router(&house);
        tokio::spawn(look_after(Arc::downgrade(&house)));
        let serving = tokio::spawn(async move {
            // It ends with this process and not before: accepting goes on after an error.
            unkept::serve(peer::Mine(listener), router).await;
        });
        Ok(Server { house, serving })
    }

    /// An address that lets one page in, once.
    pub fn address(&self) -> String {
        format!("{}/#{}", self.house.origin, self.house.guard().new_token())
    }

    /// Opens the journal where another process holds it: then nobody needs a passphrase, as with any command.
    ///
    /// # Errors
    /// What that process says.
    pub async fn join(&self) -> Result<bool, Failure> {
        gate::join(&self.house).await
    }

    /// Opens the journal with its passphrase.
    ///
    /// # Errors
    /// Whatever keeps it closed.
    pub async fn unlock(&self, passphrase: zeroize::Zeroizing<String>) -> Result<(), Failure> {
        gate::unlock(&self.house, passphrase).await
    }

    /// Ends: pages are told that they are locked, and the journal is left.
    ///
    /// # Errors
    /// What the journal ended with, where this process held it and that was a failure.
    pub async fn stop(self) -> Result<(), Failure> {
        self.house.guard().end_all();
        self.serving.abort();
        self.house.gate.leave().await
    }
}

fn router(house: &Arc<House>) -> Router {
    Router::new()
        .route("/enter", post(guard::enter))
        .route("/unlock", post(guard::unlock))
        .route("/state", post(guard::state))
        .route("/touch", post(guard::touch))
        .route("/lock", post(guard::lock))
        .route("/begin", post(gate::begin))
        .route("/begin/finish", post(gate::finish))
        .route("/kit", post(gate::kit))
        .route("/kit/finish", post(gate::kit_finish))
        .route("/ask", post(asks::ask))
        .route("/answer", post(asks::answer))
        .route("/qr", post(asks::qr))
        .route("/calendar", post(asks::calendar))
        .route("/passphrase", post(guard::passphrase))
        .route("/photo/add", post(carry::photo_add))
        .route("/photo/look", post(carry::photo_look))
        .route("/packet", post(carry::packet))
        .route("/export", post(carry::export))
        .route("/bundle/write", post(carry::bundle_write))
        .route("/bundle/read", post(carry::bundle_read))
        .route("/backup", post(carry::backup))
        .route("/backup/bring", post(backup::bring))
        .route("/backup/check", post(backup::check))
        .route("/backup/restore", post(backup::restore))
        .route("/doctor", post(doctor::doctor))
        .fallback(get(files::file))
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(from_fn_with_state(Arc::clone(house), protect))
        .with_state(Arc::clone(house))
}

/// What every answer says of itself.
const SAYS: [(header::HeaderName, &str); 9] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        header::HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        header::HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    ),
];

/// Whether a request is one that our own page makes; and what every answer says of itself.
async fn protect(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let mut response = if is_ours(&house, &request) {
        unkept::answer(request, next).await
    } else {
        refusal(StatusCode::FORBIDDEN, Advice::PageForeign)
    };
    let headers = response.headers_mut();
    for (name, value) in SAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_ours(house: &House, request: &Request) -> bool {
    let headers: &HeaderMap = request.headers();
    let one = |name| {
        let mut all = headers.get_all(name).iter();
        (all.next(), all.next().is_some())
    };
    let is = |name, wanted: &str| {
        one(name)
            == (
                Some(
                    &HeaderValue::from_str(wanted).unwrap_or_else(|_| HeaderValue::from_static("")),
                ),
                false,
            )
    };
    // Whatever name led here: a page of somebody else's whose name now points to this machine says its own. The target may
    // name a host too, as a proxy is asked.
    let target = request.uri().authority();
    if !is(header::HOST, &house.host) || target.is_some_and(|name| name != house.host.as_str()) {
        return false;
    }
    // Browsers say where a request comes from. A link elsewhere may not even open the page.
    let mut from = headers.get_all("sec-fetch-site").iter();
    if from.any(|from| from != "same-origin" && from != "none") {
        return false;
    }
    // Neither kind is one that a form of another page can send without being asked first.
    let kind = if carry::BRINGS.contains(&request.uri().path()) {
        "application/octet-stream"
    } else {
        "application/json"
    };
    match *request.method() {
        Method::GET | Method::HEAD => true,
        Method::POST => is(header::ORIGIN, &house.origin) && is(header::CONTENT_TYPE, kind),
        _ => false,
    }
}

/// What failed, as every face is told.
fn refusal(status: StatusCode, failure: impl Into<Failure>) -> Response {
    (
        status,
        axum::Json(serde_json::json!({ "error": failure.into() })),
    )
        .into_response()
}

/// A failure as an answer.
pub(crate) struct Refused(StatusCode, Failure);

impl<F: Into<Failure>> From<F> for Refused {
    fn from(failure: F) -> Refused {
        Refused(StatusCode::UNPROCESSABLE_ENTITY, failure.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(self.0, self.1)
    }
}

/// Locks pages that nobody sits at any more.
async fn look_after(house: std::sync::Weak<House>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(house) = house.upgrade() else { return };
        house.guard().expire(tokio::time::Instant::now());
        house.gate.brought().take_if(|brought| brought.is_over());
    }
}
