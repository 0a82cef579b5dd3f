//! The page's own files, inside the program. They are the same for everybody and hold nothing of anybody.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal $kind:ident $file:literal;)*) => {
        /// Path, type and content of each that is served by itself.
        const FILES: &[(&str, &str, &str)] = &[
            $(($path, $kind, include_str!(concat!("page/", $file))),)*
        ];
    };
}

files! {
    "/" HTML "index.html";
    "/page.css" CSS "page.css";
    "/icon.svg" SVG "icon.svg";
    "/words/en.js" JS "words/en.js";
    "/words/de.js" JS "words/de.js";
    "/safety.txt" TEXT "../../commands/safety.txt";
}

macro_rules! script {
    ($($file:literal)*) => {
        /// The modules of the page's script, each after those that it needs when it begins.
        const SCRIPT: &[&str] = &[$(include_str!(concat!("page/", $file))),*];
    };
}

script! {
    "words.js" "dom.js" "api.js" "merge.js" "live.js" "shell.js" "journal.js" "today.js" "kinds.js" "agreement.js"
    "start.js" "files.js" "together.js" "settings.js" "main.js"
}

/// Where the script is served.
const SCRIPT_PATH: &str = "/page.js";

/// One of them.
pub(super) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let german = speaks_german(&headers);
    match served(uri.path(), german) {
        Some((kind, content)) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The type and content of what is served at a path.
pub(super) fn served(path: &str, german: bool) -> Option<(&'static str, Cow<'static, str>)> {
    if path == SCRIPT_PATH {
        return Some((JS, Cow::Borrowed(script())));
    }
    let (_, kind, content) = FILES.iter().find(|(there, ..)| *there == path)?;
    let content = match *kind {
        JS | CSS => Cow::Owned(code(content).collect::<Vec<_>>().join("\n")),
        // The words are asked for at once, instead of when the script has begun.
        HTML if german => Cow::Owned(content.replace("/words/en.js", "/words/de.js")),
        _ => Cow::Borrowed(*content),
    };
    Some((kind, content))
}

/// Every path at which something is served.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(path, ..)| *path).chain([SCRIPT_PATH])
}

/// The script: its modules one after the other, without the lines by which they name each other. So a browser asks once,
/// and not for each module when the one before it has come. No two modules have a name of the same spelling
/// (`tests/page.rs`), so that each still means what it means by itself.
fn script() -> &'static str {
    static SCRIPT_TEXT: OnceLock<String> = OnceLock::new();
    SCRIPT_TEXT.get_or_init(|| {
        let lines = SCRIPT
            .iter()
            .flat_map(|module| code(module))
            .filter(|line| !line.starts_with("import "))
            .map(|line| line.strip_prefix("export ").unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// What a browser needs of a script or a style: all but what is written for us alone, which are lines that are comments
/// and the space before others. No text in them goes over the end of a line (`tests/page.rs`).
fn code(content: &'static str) -> impl Iterator<Item = &'static str> {
    let mut within = false;
    content.lines().map(str::trim).filter(move |line| {
        let begins = within || line.starts_with("/*");
        within = begins && !line.ends_with("*/");
        !(begins || line.is_empty() || line.starts_with("//"))
    })
}

/// Whether the page will speak German, which it decides by itself from the same list.
fn speaks_german(headers: &HeaderMap) -> bool {
    let wished = headers.get(header::ACCEPT_LANGUAGE);
    let wished = wished.and_then(|all| all.to_str().ok()).unwrap_or_default();
    wished
        .split(',')
        .filter_map(|one| one.trim().get(..2))
        .find(|one| ["en", "de"].contains(one))
        == Some("de")
}
