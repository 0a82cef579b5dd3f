//! The page: who may use its port, and what a session may and may not. In rooms beside it: its port attacked by bytes that no
//! browser sends (`page/attacks.rs`), and what the page is and does, in a real browser too (`page/shown.rs`).

#[path = "page/attacks.rs"]
mod attacks;
#[path = "page/shown.rs"]
mod shown;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// `amends open --print` on a home of its own.
struct Page {
    child: Child,
    place: TempDir,
    host: String,
    token: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Page {
    fn open(place: TempDir, more: &[&str]) -> Page {
        let home = place.path().join("home");
        Page::at(place, &home, more)
    }

    fn at(place: TempDir, home: &Path, more: &[&str]) -> Page {
        // What goes by lies here for a moment, where this is in memory.
        let run = place.path().join("run");
        std::fs::create_dir_all(&run).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_amends"))
            .env("XDG_RUNTIME_DIR", run)
            .arg("--home")
            .arg(home)
            .args([
                "open",
                "--print",
                "--quiet",
                "--listen",
                "127.0.0.1:0",
                "--argon2-memory",
                "64",
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let rest = address.trim().strip_prefix("http://").expect(&address);
        let (host, token) = rest.split_once("/#").unwrap();
        Page {
            child,
            place,
            host: host.to_owned(),
            token: token.to_owned(),
        }
    }

    fn new() -> Page {
        Page::open(tempfile::tempdir().unwrap(), &[])
    }

    fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// One request with exactly these headers besides its length. Gives the status and everything that came.
    fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str(&format!("\r\n{body}"));
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect(&answer);
        (status, answer)
    }

    /// What the page itself asks for, where bytes come back.
    fn bytes(&self, path: &str, session: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let (host, origin) = (&self.host, self.origin());
        let request = format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nAmends-Session: {session}\r\nContent-Length: 4\r\n\r\nnull"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
        (status, answer)
    }

    /// What the page itself sends.
    fn post(&self, path: &str, session: Option<&str>, body: &str) -> (u16, String) {
        let origin = self.origin();
        let mut headers = vec![
            ("Host", self.host.as_str()),
            ("Origin", &origin),
            ("Content-Type", "application/json"),
        ];
        headers.extend(session.map(|key| ("Amends-Session", key)));
        self.raw("POST", path, &headers, body)
    }

    /// Uses the token for a session.
    fn enter(&self) -> String {
        let (status, answer) =
            self.post("/enter", None, &format!("{{\"token\":\"{}\"}}", self.token));
        assert_eq!(status, 200, "{answer}");
        session_in(&answer)
    }

    /// Makes the journal.
    fn begin(&self, session: &str) {
        let asked = r#"{"name":"Ana","passphrase":"correct horse","kit":false}"#;
        let (status, answer) = self.post("/begin", Some(session), asked);
        assert_eq!(status, 200, "{answer}");
    }
}

fn session_in(answer: &str) -> String {
    let (_, after) = answer.split_once("\"session\":\"").expect(answer);
    after.split('"').next().unwrap().to_owned()
}

const STATUS: &str = r#"{"request":"status"}"#;

#[test]
fn squares_are_drawn_of_no_more_than_a_camera_reads() {
    let page = Page::new();
    let session = page.enter();
    let squares = |length: usize| {
        let content = "A".repeat(length);
        page.post(
            "/qr",
            Some(&session),
            &format!("{{\"content\":\"{content}\"}}"),
        )
    };
    assert_eq!(squares(1024).0, 200);
    let (status, refused) = squares(1025);
    assert_eq!(status, 422, "{refused}");
    assert!(refused.contains("not_understood"), "{refused}");
}

#[test]
fn a_token_works_once_and_its_session_is_needed_for_everything() {
    let page = Page::new();
    let session = page.enter();
    page.begin(&session);
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 200);

    let reused = page.post("/enter", None, &format!("{{\"token\":\"{}\"}}", page.token));
    assert_eq!(reused.0, 401, "{}", reused.1);
    assert!(reused.1.contains("page_token"));
    assert_eq!(page.post("/enter", None, "{\"token\":\"\"}").0, 401);
    for path in [
        "/ask",
        "/answer",
        "/begin",
        "/begin/finish",
        "/kit",
        "/kit/finish",
        "/qr",
        "/calendar",
        "/photo/look",
        "/packet",
        "/export",
        "/bundle/write",
        "/backup",
        "/backup/check",
        "/backup/restore",
        "/doctor",
        "/touch",
        "/lock",
    ] {
        let bodies = [
            STATUS,
            r#"{"conversation":"x","answer":"new_code"}"#,
            r#"{"name":"A","passphrase":"b","kit":false}"#,
            r#"{"words":null}"#,
            r#"{"passphrase":"correct horse","new":true}"#,
            r#"{"content":"x"}"#,
            r#"{"titles":true}"#,
            r#"{"id":"lusab","photo":1}"#,
            r#"{"id":"lusab","passphrase":"x"}"#,
            r#"{"all":true,"photos":true}"#,
            r#"{"repair":true,"peer":null}"#,
        ];
        for session in [
            None,
            Some(""),
            Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ] {
            let statuses: Vec<u16> = bodies
                .iter()
                .map(|body| page.post(path, session, body).0)
                .collect();
            assert!(statuses.contains(&401), "{path}: {statuses:?}");
            assert!(
                statuses.iter().all(|status| [401, 422].contains(status)),
                "{path}: {statuses:?}"
            );
        }
    }
    assert_eq!(
        page.post("/ask", Some(&session), STATUS).0,
        200,
        "it still works"
    );
}

#[test]
fn other_hosts_and_origins_are_refused() {
    let page = Page::new();
    let session = page.enter();
    page.begin(&session);
    let (host, origin) = (page.host.clone(), page.origin());
    let port = host.split(':').nth(1).unwrap().to_owned();
    let json = ("Content-Type", "application/json");
    let key = ("Amends-Session", session.as_str());
    let right = [
        ("Host", host.as_str()),
        ("Origin", origin.as_str()),
        json,
        key,
    ];
    assert_eq!(page.raw("POST", "/ask", &right, STATUS).0, 200);

    // A name of somebody else's that was made to point here keeps its own Host.
    for host in [
        "attacker.example".to_owned(),
        format!("attacker.example:{port}"),
        format!("localhost:{port}"),
        format!("127.0.0.1.attacker.example:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.2:{port}"),
        format!("[::1]:{port}"),
        String::new(),
    ] {
        let with = [
            ("Host", host.as_str()),
            ("Origin", origin.as_str()),
            json,
            key,
        ];
        assert_eq!(
            page.raw("POST", "/ask", &with, STATUS).0,
            403,
            "Host {host}"
        );
        assert_eq!(
            page.raw("GET", "/", &[("Host", &host)], "").0,
            403,
            "Host {host}"
        );
    }
    let doubled = [
        ("Host", host.as_str()),
        ("Host", "attacker.example"),
        ("Origin", &origin),
        json,
        key,
    ];
    assert_ne!(page.raw("POST", "/ask", &doubled, STATUS).0, 200);

    for origin in [
        "null".to_owned(),
        "https://attacker.example".to_owned(),
        format!("http://localhost:{port}"),
        format!("https://{host}"),
        format!("http://{host}.attacker.example"),
        "http://127.0.0.1".to_owned(),
    ] {
        let with = [
            ("Host", host.as_str()),
            ("Origin", origin.as_str()),
            json,
            key,
        ];
        assert_eq!(
            page.raw("POST", "/ask", &with, STATUS).0,
            403,
            "Origin {origin}"
        );
    }
    let without = [("Host", host.as_str()), json, key];
    assert_eq!(
        page.raw("POST", "/ask", &without, STATUS).0,
        403,
        "no Origin"
    );
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        // What a form of another page can send without being asked first.
        let with = [
            ("Host", host.as_str()),
            ("Origin", origin.as_str()),
            ("Content-Type", kind),
            key,
        ];
        assert_eq!(page.raw("POST", "/ask", &with, STATUS).0, 403, "{kind}");
    }
    for from in ["cross-site", "same-site"] {
        let with = [("Host", host.as_str()), ("Sec-Fetch-Site", from)];
        assert_eq!(page.raw("GET", "/", &with, "").0, 403, "{from}");
    }
    for method in ["OPTIONS", "PUT", "DELETE"] {
        let with = [("Host", host.as_str()), ("Origin", origin.as_str()), key];
        let (status, answer) = page.raw(method, "/ask", &with, "");
        assert_eq!(status, 403, "{method}");
        assert!(
            !answer.to_lowercase().contains("access-control"),
            "{answer}"
        );
    }
}

#[test]
fn every_answer_says_what_browsers_must_not_do() {
    let page = Page::new();
    let host = [("Host", page.host.as_str())];
    for path in ["/", "/page.css", "/page.js", "/words/de.js", "/nothing"] {
        let (_, answer) = page.raw("GET", path, &host, "");
        let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
        for line in [
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "frame-ancestors 'none'",
            "default-src 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(head.contains(line), "{path} lacks {line}: {head}");
        }
        assert!(
            !head.contains("unsafe")
                && !head.contains("set-cookie")
                && !head.contains("access-control"),
            "{head}"
        );
    }
    let (_, refused) = page.raw("GET", "/", &[("Host", "attacker.example")], "");
    assert!(refused.to_lowercase().contains("cache-control: no-store"));
}

#[test]
fn it_listens_on_loopback_alone() {
    let page = Page::new();
    assert!(page.host.starts_with("127.0.0.1:"), "{}", page.host);
    let port: u16 = page.host.split(':').nth(1).unwrap().parse().unwrap();
    if let Ok(table) = std::fs::read_to_string("/proc/net/tcp") {
        let wanted = format!(":{port:04X}");
        let listening: Vec<&str> = table
            .lines()
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace().skip(1);
                let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
                (state == "0A" && local.ends_with(&wanted)).then_some(local)
            })
            .collect();
        assert_eq!(listening.len(), 1, "{listening:?}");
        assert!(
            listening[0] == format!("0100007F{wanted}")
                || listening[0] == format!("7F000001{wanted}"),
            "{listening:?}"
        );
    }
}

#[test]
fn another_user_of_this_machine_is_not_let_in() {
    let (true, true) = (
        rustix::process::geteuid().is_root(),
        Path::new("/proc/net/tcp").exists(),
    ) else {
        eprintln!(
            "SKIPPED another_user_of_this_machine_is_not_let_in: only root can be somebody else"
        );
        return;
    };
    let page = Page::new();
    let ask = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{} && printf 'GET / HTTP/1.1\\r\\nHost: {}\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3",
        page.host.split(':').nth(1).unwrap(),
        page.host
    );
    let as_user = |more: &[&str]| {
        let out = Command::new("setpriv")
            .args(more)
            .args(["bash", "-c", &ask])
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert!(
        as_user(&["--reuid=0", "--"]).starts_with("HTTP/1.1 200"),
        "the user of this process is let in"
    );
    let other = as_user(&["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    assert_eq!(other, "", "another user is answered");
}

#[test]
fn a_page_names_no_files_and_ends_nobody() {
    let page = Page::new();
    let session = page.enter();
    page.begin(&session);
    let there = page.place.path().join("there");
    let there = there.to_str().unwrap();
    for request in [
        format!(r#"{{"request":"export","path":"{there}"}}"#),
        format!(r#"{{"request":"backup_write","path":"{there}","force":true}}"#),
        format!(r#"{{"request":"bundle_write","path":"{there}","all":true,"force":true}}"#),
        format!(r#"{{"request":"bundle_read","path":"{there}"}}"#),
        format!(r#"{{"request":"memory","verb":"save","id":"x","photo":1,"path":"{there}"}}"#),
        r#"{"request":"memory","verb":"photo","id":"x","path":"/etc/passwd","as_it_is":true}"#.to_owned(),
        r#"{"request":"memory","verb":"add","idea":false,"title":"","text":"","language":"en","date":null,"place":null,"photos":["/etc/passwd"],"as_it_is":true}"#.to_owned(),
        r#"{"request":"down"}"#.to_owned(),
    ] {
        let (status, answer) = page.post("/ask", Some(&session), &request);
        assert_eq!(status, 403, "{request}: {answer}");
        assert!(answer.contains("not_for_pages"), "{answer}");
    }
    assert!(!Path::new(there).exists());
}

#[test]
fn files_come_with_a_session_and_go_nowhere_else() {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let page = Page::open(place, &[]);
    let session = page.enter();
    page.begin(&session);
    let (host, origin) = (page.host.clone(), page.origin());
    let octets = ("Content-Type", "application/octet-stream");
    let own = [("Host", host.as_str()), ("Origin", origin.as_str())];
    let key = ("Amends-Session", session.as_str());
    let entry = ("Amends-Entry", "lusab");
    let with = |more: &[(&'static str, &str)], path: &str| {
        let all: Vec<_> = own.iter().copied().chain(more.iter().copied()).collect();
        page.raw("POST", path, &all, "no picture at all")
    };
    for path in ["/photo/add", "/bundle/read", "/backup/bring"] {
        assert_eq!(with(&[octets, entry], path).0, 401, "{path}");
        // What a form of another page can send, and JSON, are not taken for a file.
        for kind in ["text/plain", "multipart/form-data", "application/json"] {
            let (status, _) = with(&[("Content-Type", kind), entry, key], path);
            assert_eq!(status, 403, "{path} {kind}");
        }
    }
    // Nor is a file where something is asked.
    for path in ["/ask", "/export", "/photo/look"] {
        assert_eq!(with(&[octets, key], path).0, 403, "{path}");
    }
    let (status, answer) = with(&[octets, entry, key], "/photo/add");
    assert!(
        status == 422 && answer.contains("not_paired"),
        "{status} {answer}"
    );

    let (status, answer) = page.bytes("/export", &session);
    let zip = answer.windows(4).any(|four| four == b"PK\x03\x04");
    assert!(status == 200 && zip, "{status}");
    // Nothing of what went by stays where it lay, also where the browser goes away in the middle.
    let mut stream = TcpStream::connect(&page.host).unwrap();
    let begun = format!(
        "POST /bundle/read HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/octet-stream\r\nAmends-Session: {session}\r\nContent-Length: 1000\r\n\r\nAMENDS"
    );
    stream.write_all(begun.as_bytes()).unwrap();
    drop(stream);
    let run = page.place.path().join("run");
    let mut page = page;
    let pid = rustix::process::Pid::from_child(&page.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    page.child.wait().unwrap();
    let left: Vec<_> = std::fs::read_dir(run).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn who_went_away_is_locked_out_and_the_passphrase_leads_back_in() {
    let mut first = Page::new();
    first.begin(&first.enter());
    let place = std::mem::replace(&mut first.place, tempfile::tempdir().unwrap());
    drop(first);
    // Long enough for one request on a machine that is busy, and what is measured is only that it ends.
    let page = Page::open(place, &["--lock-after", "5s"]);
    let unlock = || {
        let (status, answer) = page.post("/unlock", None, r#"{"passphrase":"correct horse"}"#);
        assert_eq!(status, 200, "{answer}");
        session_in(&answer)
    };
    let session = unlock();
    // It goes on until the page is told that it is locked.
    let (status, told) = page.post("/ask", Some(&session), r#"{"request":"watch"}"#);
    assert_eq!(status, 200);
    assert!(told.contains("{\"locked\":true}"), "{told}");
    assert_eq!(page.post("/ask", Some(&session), STATUS).0, 401);

    let wrong = page.post("/unlock", None, r#"{"passphrase":"wrong"}"#);
    assert!(wrong.1.contains("wrong_passphrase"), "{}", wrong.1);
    assert_eq!(page.post("/ask", Some(&unlock()), STATUS).0, 200);
}

#[test]
fn locking_by_the_page_or_by_a_command_closes_the_journal_and_tells_every_tab() {
    let page = Page::new();
    let session = page.enter();
    page.begin(&session);
    let amends = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amends"));
        let out = command
            .arg("--home")
            .arg(page.place.path().join("home"))
            .args(arguments)
            .output()
            .unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        )
    };
    assert!(
        amends(&["--no-input", "status", "--json"]).contains("\"name\":\"Ana\""),
        "commands go through it"
    );
    let mut told = Vec::new();
    for way in ["the page", "a command"] {
        let (_, answer) = page.post("/unlock", None, r#"{"passphrase":"correct horse"}"#);
        let session = session_in(&answer);
        let watched = std::thread::scope(|all| {
            let watching = all.spawn(|| {
                page.post("/ask", Some(&session), r#"{"request":"watch"}"#)
                    .1
            });
            // A watcher hears where the device listens as soon as it watches; that is asked here in its place.
            let (_, other) = page.post("/unlock", None, r#"{"passphrase":"correct horse"}"#);
            if way == "the page" {
                assert_eq!(page.post("/lock", Some(&session_in(&other)), "null").0, 204);
            } else {
                assert!(amends(&["lock"]).contains("locked"));
            }
            watching.join().unwrap()
        });
        assert!(
            watched.contains("{\"locked\":true}")
                || watched.contains("\"end\"")
                || watched.contains("page_locked"),
            "{way}: {watched}"
        );
        assert_eq!(page.post("/ask", Some(&session), STATUS).0, 401, "{way}");
        let without = amends(&["--no-input", "status", "--json"]);
        assert!(
            without.contains("no_passphrase"),
            "the keys are forgotten: {without}"
        );
        told.push(watched);
    }
    assert_eq!(told.len(), 2);
}

#[test]
fn a_second_page_goes_through_the_one_that_holds_the_journal() {
    let first = Page::new();
    let session = first.enter();
    first.begin(&session);
    let home = first.place.path().join("home");
    let second = Page::at(tempfile::tempdir().unwrap(), &home, &[]);
    // Like a command, it needs no passphrase where the journal is open.
    let other = second.enter();
    let (status, answer) = second.post("/ask", Some(&other), STATUS);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("\"name\":\"Ana\""), "{answer}");
    assert_eq!(
        second.post("/ask", Some(&session), STATUS).0,
        401,
        "a session is of one port"
    );
    // It locks the journal itself, which the other one holds.
    assert_eq!(second.post("/lock", Some(&other), "null").0, 204);
    let told = first.post("/ask", Some(&session), r#"{"request":"watch"}"#);
    assert!(
        // Where it was just going, the page hears that nobody is there any more.
        told.0 == 401
            || ["locked", "\"end\"", "\"lost\""]
                .iter()
                .any(|word| told.1.contains(word)),
        "{told:?}"
    );
    for page in [&first, &second] {
        // The one whose journal was closed by another notices that a moment later.
        let locked = (0..1000).any(|_| {
            page.post("/state", None, "null")
                .1
                .contains("\"state\":\"locked\"")
        });
        assert!(locked, "it is still open");
    }
}

#[test]
fn wrong_passphrases_have_to_wait() {
    let page = Page::new();
    let session = page.enter();
    page.begin(&session);
    for _ in 0..5 {
        assert!(
            page.post("/unlock", None, r#"{"passphrase":"no"}"#)
                .1
                .contains("wrong_passphrase")
        );
    }
    let (_, answer) = page.post("/unlock", None, r#"{"passphrase":"correct horse"}"#);
    assert!(answer.contains("page_wait"), "{answer}");
}
