//! The page's own files, inside the program. They are the same for everybody and hold nothing of anybody.

use std::borrow::Cow;

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal $kind:ident $file:literal;)*) => {
        /// Path, type and content of each.
        pub(super) const FILES: &[(&str, &str, &str)] = &[
            $(($path, $kind, include_str!(concat!("page/", $file))),)*
        ];
    };
}

files! {
    "/" HTML "index.html";
    "/page.css" CSS "page.css";
    "/icon.svg" SVG "icon.svg";
    "/main.js" JS "main.js";
    "/dom.js" JS "dom.js";
    "/api.js" JS "api.js";
    "/merge.js" JS "merge.js";
    "/live.js" JS "live.js";
    "/words.js" JS "words.js";
    "/shell.js" JS "shell.js";
    "/start.js" JS "start.js";
    "/today.js" JS "today.js";
    "/agreement.js" JS "agreement.js";
    "/journal.js" JS "journal.js";
    "/settings.js" JS "settings.js";
    "/files.js" JS "files.js";
    "/kinds.js" JS "kinds.js";
    "/together.js" JS "together.js";
    "/words/en.js" JS "words/en.js";
    "/words/de.js" JS "words/de.js";
    "/safety.txt" TEXT "../../commands/safety.txt";
}

/// One of them.
pub(super) async fn file(uri: Uri) -> Response {
    match FILES.iter().find(|(path, ..)| *path == uri.path()) {
        Some((_, kind, content)) => {
            ([(header::CONTENT_TYPE, *kind)], served(kind, content)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What a browser needs of a file: scripts and styles go without what is written for us alone, which are lines that are
/// comments and the space before others. No text in them goes over the end of a line (`tests/page.rs`).
pub(super) fn served(kind: &str, content: &'static str) -> Cow<'static, str> {
    if kind != JS && kind != CSS {
        return Cow::Borrowed(content);
    }
    let mut within = false;
    let mut is_code = |line: &&str| {
        let begins = within || line.starts_with("/*");
        within = begins && !line.ends_with("*/");
        !(begins || line.is_empty() || line.starts_with("//"))
    };
    let lines: Vec<&str> = content
        .lines()
        .map(str::trim)
        .filter(|line| is_code(line))
        .collect();
    Cow::Owned(lines.join("\n"))
}
