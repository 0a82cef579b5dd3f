//! What reaches the port of the page: requests of any process of this user's, and of any page that their browser has open.

use amends::web::Trial;
use futures::FutureExt;

/// A request to the page's port, behind which there is no journal: `METHOD PATH`, a line for each header, an empty line, the
/// body. `KEY` in a header is the key of the one session there is.
pub fn page(input: &[u8]) -> String {
    let answered = async { Trial::default().answer(input).await };
    let Some(answered) = answered.now_or_never().expect("nothing here waits") else {
        return "no request".into();
    };
    assert!(
        answered.guarded,
        "a browser is not told what it must not do"
    );
    assert!(answered.status < 500, "{answered:?}");
    let open = answered.status < 300;
    // Without the key of a session there is nothing but the files, which are the same for everybody, and how things stand.
    let is_state = input.starts_with(b"POST /state");
    let is_head = input.starts_with(b"HEAD ");
    assert!(
        !open || answered.inside || answered.is_file || is_state || is_head,
        "somebody without a session is answered"
    );
    match answered.code {
        Some(code) => format!("{} {code}", answered.status),
        None if answered.is_file => "a file".into(),
        None => answered.status.to_string(),
    }
}

/// What our own page sends, and what others would.
pub fn page_seeds() -> Vec<Vec<u8>> {
    const OWN: &str = "\nhost: 127.0.0.1:9\norigin: http://127.0.0.1:9\n";
    const JSON: &str = "content-type: application/json";
    const KEY: &str = "\namends-session: KEY\n\n";
    let post = |path: &str, body: &str| format!("POST {path}{OWN}{JSON}{KEY}{body}");
    let all = [
        "GET /\nhost: 127.0.0.1:9\n\n".to_owned(),
        "GET /words/de.js\nhost: 127.0.0.1:9\nsec-fetch-site: same-origin\n\n".to_owned(),
        "GET /nothing\nhost: 127.0.0.1:9\n\n".to_owned(),
        "HEAD /page.css\nhost: 127.0.0.1:9\n\n".to_owned(),
        "GET /\nhost: attacker.example\n\n".to_owned(),
        "GET /\nhost: 127.0.0.1:9\nsec-fetch-site: cross-site\n\n".to_owned(),
        "OPTIONS /ask\nhost: 127.0.0.1:9\n\n".to_owned(),
        format!("POST /state{OWN}{JSON}\n\nnull"),
        format!("POST /enter{OWN}{JSON}\n\n{{\"token\":\"x\"}}"),
        format!("POST /ask{OWN}{JSON}\n\n{{\"request\":\"status\"}}"),
        format!("POST /unlock{OWN}{JSON}\n\n{{\"passphrase\":\"x\"}}"),
        format!("POST /ask{OWN}content-type: text/plain{KEY}{{}}"),
        post("/ask", r#"{"request":"status"}"#),
        post("/ask", r#"{"request":"export","path":"/tmp/there"}"#),
        post(
            "/ask",
            r#"{"request":"list","kind":"plan","part":{"of":"open","skip":0,"most":6}}"#,
        ),
        post("/ask", "{"),
        post("/answer", r#"{"conversation":"x","answer":"new_code"}"#),
        post("/qr", r#"{"content":"amends"}"#),
        post("/touch", "null"),
        post("/lock", "null"),
        post("/kit", r#"{"passphrase":"x","new":true}"#),
        post("/kit/finish", r#"{"words":{"1":"x"}}"#),
        post("/calendar", r#"{"titles":true}"#),
        post("/passphrase", r#"{"words":"x","new":"y"}"#),
        post("/photo/look", r#"{"id":"lusab","photo":1}"#),
        post(
            "/packet",
            r#"{"id":"mudof","recipients":["age1x"],"passphrase":""}"#,
        ),
        post("/packet", r#"{"id":"mudof","passphrase":"x"}"#),
        post("/export", "null"),
        post("/backup", "null"),
        post("/bundle/write", r#"{"all":true,"photos":false}"#),
        post("/backup/check", r#"{"passphrase":"x"}"#),
        post("/backup/restore", r#"{"words":"x"}"#),
        format!("GET http://attacker.example/{OWN}\n"),
        format!("POST /backup/bring{OWN}content-type: application/octet-stream{KEY}AMNK"),
        format!(
            "POST /photo/add{OWN}content-type: application/octet-stream\namends-entry: lusab{KEY}\u{fffd}"
        ),
        format!("POST /bundle/read{OWN}content-type: application/octet-stream{KEY}amends"),
    ];
    all.map(String::into_bytes).to_vec()
}
