//! The port attacked by bytes that no browser of ours sends: other ways of writing a host, other versions and forms of
//! HTTP, bodies that are slow, huge, or two at once, many connections. What is right beside them is still answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Page, STATUS};

impl Page {
    /// Exactly these bytes. Gives all that came back until the port closed the connection.
    fn bytes_of(&self, bytes: &[u8]) -> String {
        let mut stream = self.connected();
        // It may close in the middle of what is too long.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn connected(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// The headers that the page itself sends.
    fn right(&self, session: &str) -> String {
        format!(
            "Host: {}\r\nOrigin: {}\r\nContent-Type: application/json\r\nAmends-Session: {session}\r\n",
            self.host,
            self.origin()
        )
    }

    fn begun() -> (Page, String) {
        let page = Page::new();
        let session = page.enter();
        page.begin(&session);
        (page, session)
    }
}

/// Whether nothing of the journal is in an answer, nor any leave to read it.
fn refused(answer: &str) -> bool {
    !answer.starts_with("HTTP/1.1 200")
        && !answer.starts_with("HTTP/1.0 200")
        && !answer.contains("\"name\":\"Ana\"")
        && !answer.to_lowercase().contains("access-control")
}

#[test]
fn no_other_spelling_of_this_host_is_answered() {
    let (page, session) = Page::begun();
    let port = page.host.split(':').nth(1).unwrap().to_owned();
    let (host, origin) = (page.host.clone(), page.origin());
    for other in [
        format!("localhost.:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1.:{port}"),
        format!("127.1:{port}"),
        format!("0x7f000001:{port}"),
        format!("2130706433:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("127.0.0.1:0{port}"),
        format!("ana@127.0.0.1:{port}"),
        format!("127.0.0.1:{port}, attacker.example"),
        format!("127.0.0.1:{port}.attacker.example"),
        format!("http://127.0.0.1:{port}"),
    ] {
        let headers = [
            ("Host", other.as_str()),
            ("Origin", origin.as_str()),
            ("Content-Type", "application/json"),
            ("Amends-Session", session.as_str()),
        ];
        for (method, path) in [("POST", "/ask"), ("GET", "/")] {
            let (_, answer) = page.raw(method, path, &headers, STATUS);
            assert!(refused(&answer), "{method} Host {other}: {answer}");
        }
        // A page there would say so as its origin.
        let origin = format!("http://{other}");
        let headers = [
            ("Host", host.as_str()),
            ("Origin", origin.as_str()),
            ("Content-Type", "application/json"),
            ("Amends-Session", session.as_str()),
        ];
        let (_, answer) = page.raw("POST", "/ask", &headers, STATUS);
        assert!(refused(&answer), "Origin {origin}: {answer}");
    }
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
}

#[test]
fn what_is_said_twice_or_in_another_form_is_refused() {
    let (page, session) = Page::begun();
    let right = page.right(&session);
    let length = STATUS.len();
    let own = &page.host;
    let tail = format!("Connection: close\r\nContent-Length: {length}\r\n\r\n{STATUS}");
    let good = format!("POST /ask HTTP/1.1\r\n{right}{tail}");
    assert!(page.bytes_of(good.as_bytes()).contains("\"name\":\"Ana\""));
    // The same name for this port, as a proxy is asked, is no other one.
    let same = format!("POST http://{own}/ask HTTP/1.1\r\n{right}{tail}");
    assert!(page.bytes_of(same.as_bytes()).contains("\"name\":\"Ana\""));
    for (what, request) in [
        (
            "two hosts",
            format!("POST /ask HTTP/1.1\r\n{right}Host: {own}\r\n{tail}"),
        ),
        (
            "another host first",
            format!("POST /ask HTTP/1.1\r\nHost: attacker.example\r\n{right}{tail}"),
        ),
        (
            "two origins",
            format!("POST /ask HTTP/1.1\r\n{right}Origin: https://attacker.example\r\n{tail}"),
        ),
        (
            "two types",
            format!("POST /ask HTTP/1.1\r\n{right}Content-Type: text/plain\r\n{tail}"),
        ),
        (
            "a type with more",
            format!(
                "POST /ask HTTP/1.1\r\n{}{tail}",
                right.replace("application/json", "application/json; charset=utf-8")
            ),
        ),
        (
            "another in the target",
            format!("POST http://attacker.example/ask HTTP/1.1\r\n{right}{tail}"),
        ),
        (
            "a user in the target",
            format!("POST http://ana@{own}/ask HTTP/1.1\r\n{right}{tail}"),
        ),
        (
            "HTTP/1.0 without a host",
            format!(
                "POST /ask HTTP/1.0\r\n{}{tail}",
                right.split_once("\r\n").unwrap().1
            ),
        ),
        (
            "HTTP/1.1 without a host",
            format!(
                "POST /ask HTTP/1.1\r\n{}{tail}",
                right.split_once("\r\n").unwrap().1
            ),
        ),
        ("HTTP/0.9", "GET /\r\n\r\n".to_owned()),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        (
            "a tunnel",
            format!("CONNECT {own} HTTP/1.1\r\n{right}Connection: close\r\n\r\n"),
        ),
        (
            "all of it",
            format!(
                "OPTIONS * HTTP/1.1\r\n{right}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\nConnection: close\r\n\r\n"
            ),
        ),
        (
            "a trace",
            format!("TRACE /ask HTTP/1.1\r\n{right}Connection: close\r\n\r\n"),
        ),
        (
            "asked by GET",
            format!("GET /ask HTTP/1.1\r\n{right}Connection: close\r\n\r\n"),
        ),
        (
            "a folded header",
            format!("POST /ask HTTP/1.1\r\nHost: {own}\r\n .attacker.example\r\n{tail}"),
        ),
        (
            "from another site",
            format!(
                "POST /ask HTTP/1.1\r\n{right}Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n{tail}"
            ),
        ),
        (
            "two lengths",
            format!("POST /ask HTTP/1.1\r\n{right}Content-Length: 1\r\n{tail}"),
        ),
    ] {
        let answer = page.bytes_of(request.as_bytes());
        assert!(refused(&answer), "{what}: {answer}");
    }
    // A second request on the same connection is looked at by itself, also one that hides in the body of the first.
    let second = "POST /ask HTTP/1.1\r\nHost: attacker.example\r\nContent-Type: application/json\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull";
    let first = good.replace("Connection: close\r\n", "");
    let both = page.bytes_of(format!("{first}{second}").as_bytes());
    assert!(both.contains("HTTP/1.1 403"), "{both}");
    let chunked = format!(
        "POST /ask HTTP/1.1\r\n{right}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{second}"
    );
    let both = page.bytes_of(chunked.as_bytes());
    assert!(!both.contains("\"name\":\"Ana\""), "{both}");
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
}

#[test]
fn huge_bodies_and_heads_are_cut_off_and_slow_ones_hold_nobody_up() {
    let (page, session) = Page::begun();
    let right = page.right(&session);
    let huge = "x".repeat(3 << 20);
    for request in [
        format!(
            "POST /ask HTTP/1.1\r\n{right}Connection: close\r\nContent-Length: {}\r\n\r\n{huge}",
            huge.len()
        ),
        format!(
            "POST /ask HTTP/1.1\r\n{right}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{huge}\r\n0\r\n\r\n",
            huge.len()
        ),
        format!(
            "POST /unlock HTTP/1.1\r\n{right}Connection: close\r\nContent-Length: {}\r\n\r\n{{\"passphrase\":\"{huge}\"}}",
            huge.len() + 17
        ),
        format!("GET / HTTP/1.1\r\n{right}X-Long: {huge}\r\nConnection: close\r\n\r\n"),
        format!("GET /{huge} HTTP/1.1\r\n{right}Connection: close\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\n{right}{}Connection: close\r\n\r\n",
            "X: y\r\n".repeat(5000)
        ),
        format!(
            "POST /ask HTTP/1.1\r\n{right}Connection: close\r\nContent-Length: 99999999999999999999\r\n\r\n"
        ),
        format!("POST /ask HTTP/1.1\r\n{right}Connection: close\r\nContent-Length: -1\r\n\r\n"),
    ] {
        let answer = page.bytes_of(request.as_bytes());
        assert!(refused(&answer), "{request:.80}: {answer:.200}");
    }
    // Many who begin and say no more: in the head, before it, and in the body.
    let begun = format!("POST /ask HTTP/1.1\r\n{right}Content-Length: 100\r\n\r\n{{");
    let held: Vec<TcpStream> = (0..300)
        .map(|n| {
            let mut stream = page.connected();
            let some: &[u8] = match n % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\nHost: ",
                _ => begun.as_bytes(),
            };
            stream.write_all(some).unwrap();
            stream
        })
        .collect();
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
    drop(held);
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
}

#[test]
fn a_wrong_token_uses_nothing_up_and_sessions_are_known_by_their_whole_key() {
    let page = Page::new();
    for wrong in ["", "x", &page.token[1..], &format!("{}x", page.token)] {
        let (status, _) = page.post("/enter", None, &format!("{{\"token\":\"{wrong}\"}}"));
        assert_eq!(status, 401, "{wrong}");
    }
    let session = page.enter();
    page.begin(&session);
    for wrong in [
        &session[1..],
        &format!("{session}A"),
        &session.to_lowercase(),
        &page.token,
    ] {
        assert_eq!(page.post("/ask", Some(wrong), STATUS).0, 401, "{wrong}");
    }
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
}

#[test]
fn a_journal_that_is_there_is_never_replaced_by_a_backup() {
    let (page, session) = Page::begun();
    let (status, backup) = page.bytes("/backup", &session);
    assert_eq!(status, 200);
    let at = backup
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let backup = &backup[at..];
    let mut stream = page.connected();
    let head = format!(
        "POST /backup/bring HTTP/1.1\r\n{}Connection: close\r\nContent-Length: {}\r\n\r\n",
        page.right(&session)
            .replace("application/json", "application/octet-stream"),
        backup.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(backup).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("{\"kit\":false}"), "{answer}");
    let pass = r#"{"passphrase":"correct horse"}"#;
    let (status, answer) = page.post("/backup/restore", Some(&session), pass);
    assert!(status == 422 && answer.contains("\"exists\""), "{answer}");
    let (status, answer) = page.post("/backup/check", Some(&session), pass);
    assert!(status == 200 && answer.ends_with("true"), "{answer}");
    let (_, answer) = page.post("/backup/check", Some(&session), r#"{"passphrase":"wrong"}"#);
    assert!(answer.contains("wrong_passphrase"), "{answer}");
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);
    // It goes with the session that brought it.
    assert_eq!(page.post("/lock", Some(&session), "null").0, 204);
    let run = page.place.path().join("run");
    assert!((0..1000).any(|_| std::fs::read_dir(&run).unwrap().next().is_none()));
    // Without a session, whoever knows no passphrase is told nothing of what is wrong.
    for asked in [
        r#"{"repair":true,"peer":null}"#,
        r#"{"repair":false,"passphrase":"","peer":null}"#,
    ] {
        assert_eq!(page.post("/doctor", None, asked).0, 401, "{asked}");
    }
    let asked = r#"{"repair":false,"passphrase":"wrong","peer":null}"#;
    let (_, answer) = page.post("/doctor", None, asked);
    assert!(answer.contains("wrong_passphrase"), "{answer}");
}
