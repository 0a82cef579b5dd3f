use std::fs;
use std::io::{BufRead, Read, Write};
use std::path::PathBuf;

use super::*;
use crate::home::{JOURNAL_DB, PRIVATE_DB, VAULT};
use crate::request::{Agreement, Entry, Failure, Own};

/// A home with nothing in it that matters, and the lock on it.
fn a_home(at: &Path) -> (Home, Lock) {
    let home = Home::create(at, |dir| {
        [VAULT, JOURNAL_DB, PRIVATE_DB]
            .iter()
            .try_for_each(|name| fs::write(dir.join(name), b"x"))
    })
    .unwrap();
    let lock = home.try_lock().unwrap().unwrap();
    (home, lock)
}

/// A home with its door open.
struct Open {
    conversations: mpsc::Receiver<Conversation>,
    door: Door,
    home: Home,
    _lock: Lock,
    _base: tempfile::TempDir,
}

fn an_open_door(stays: bool) -> Open {
    let base = tempfile::tempdir().unwrap();
    let (home, lock) = a_home(&base.path().join("home"));
    let (to, conversations) = mpsc::channel(4);
    Open {
        conversations,
        door: Door::open(&home, &lock, stays, to).unwrap(),
        home,
        _lock: lock,
        _base: base,
    }
}

fn an_entry(text: &str) -> Entry {
    Entry {
        id: "lusab".to_owned(),
        title: String::new(),
        state: "proposed".to_owned(),
        author: "Ana".to_owned(),
        created: "2026-11-22T13:03:00Z".to_owned(),
        held: "2026-11-22T13:03:00Z".to_owned(),
        reached: false,
        not_readable_there: false,
        not_come: 0,
        private: false,
        unread: false,
        from: None,
        own: Own::Boundary(Agreement {
            text: text.to_owned(),
            ..Agreement::default()
        }),
        history: Vec::new(),
        met: None,
    }
}

async fn the_end(caller: &mut Caller) -> Result<Response, HolderLost> {
    loop {
        if let Turn::End(response) = caller.next().await? {
            return Ok(response);
        }
    }
}

#[tokio::test]
async fn events_come_in_order_and_before_the_end() {
    let (conversation, mut caller) = Caller::ask(Request::Watch);
    for n in 0..10 {
        conversation
            .face
            .tell(Event::Transfer {
                sent: n,
                received: 0,
                to_come: 0,
                to_go: 0,
            })
            .unwrap();
    }
    conversation.face.end(Response::Done);
    for n in 0..10 {
        assert!(
            matches!(caller.next().await, Ok(Turn::Event(Event::Transfer { sent, .. })) if sent == n)
        );
    }
    assert!(matches!(caller.next().await, Ok(Turn::End(Response::Done))));
}

#[tokio::test]
async fn each_side_notices_that_the_other_left() {
    let (conversation, caller) = Caller::ask(Request::Watch);
    drop(caller);
    let mut face = conversation.face;
    face.gone().await;
    assert!(face.is_gone());
    assert_eq!(face.tell(Event::Found), Err(Gone));
    assert!(face.answer().await.is_none());

    let (conversation, mut caller) = Caller::ask(Request::Watch);
    drop(conversation);
    assert!(matches!(caller.next().await, Err(HolderLost)));
}

#[tokio::test]
async fn a_face_that_stops_reading_is_let_go() {
    let (conversation, _caller) = Caller::ask(Request::Watch);
    let told = (0..=WAITING_EVENTS)
        .take_while(|_| conversation.face.tell(Event::Found).is_ok())
        .count();
    assert_eq!(told, WAITING_EVENTS);
}

#[tokio::test]
async fn a_conversation_over_the_socket_is_the_same() {
    let mut open = an_open_door(true);
    let mode = fs::metadata(open.home.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let holder = Holder::find(&open.home).await.unwrap().unwrap();
    assert!(holder.stays());
    assert_eq!(holder.other_version(), None);
    let mut caller = holder.ask(Request::PairHost {
        listen: Some("a".to_owned()),
    });
    let Conversation { request, mut face } = open.conversations.recv().await.unwrap();
    assert!(matches!(request, Request::PairHost { listen: Some(at) } if at == "a"));

    face.tell(Event::Number {
        number: "482913".to_owned(),
        name: "Bo".to_owned(),
    })
    .unwrap();
    assert!(
        matches!(caller.next().await, Ok(Turn::Event(Event::Number { name, .. })) if name == "Bo")
    );
    caller.answer(Answer::SameNumber { yes: true }).await;
    assert!(matches!(
        face.answer().await,
        Some(Answer::SameNumber { yes: true })
    ));
    // Longer than any buffer between the two, and with everything that JSON escapes.
    let long = "\u{1b}\"\\\n€".repeat(200_000);
    face.end(Response::Entry(Box::new(an_entry(&long))));
    match the_end(&mut caller).await {
        Ok(Response::Entry(entry)) => assert_eq!(entry.own.words(), long),
        other => panic!("{other:?}"),
    }
    open.door.close().await.unwrap();
    assert!(!open.home.socket().exists());
    assert!(Holder::find(&open.home).await.unwrap().is_none());
}

/// The pieces as they came, and whether they broke off.
async fn all_pieces(mut made: Made) -> (Vec<Vec<u8>>, Option<BrokeOff>) {
    let mut pieces = Vec::new();
    loop {
        match made.next().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, None),
            Err(broke_off) => return (pieces, Some(broke_off)),
        }
    }
}

#[tokio::test]
async fn json_comes_in_the_pieces_in_which_it_was_made() {
    let mut open = an_open_door(true);
    // Longer than any buffer between the two, of one byte, and none at all.
    let long: Vec<Vec<u8>> = (1..60).map(|n: u8| vec![n; usize::from(n) << 12]).collect();
    for pieces in [long, vec![b"[".to_vec(), b"]".to_vec()], Vec::new()] {
        for ends in [true, false] {
            let holder = Holder::find(&open.home).await.unwrap().unwrap();
            let mut caller = holder.ask(Request::Watch);
            let conversation = open.conversations.recv().await.unwrap();
            let (mut making, made) = Made::begun();
            conversation.face.end(Response::Json(made));
            let Ok(Response::Json(coming)) = the_end(&mut caller).await else {
                panic!("no JSON came");
            };
            drop(caller);
            // They are made only once somebody waits for them already.
            let ((), (came, broke_off)) = tokio::join!(
                async {
                    for piece in &pieces {
                        making.put(piece.clone()).unwrap();
                        tokio::task::yield_now().await;
                    }
                    match ends {
                        true => making.end().await,
                        false => drop(making),
                    }
                },
                all_pieces(coming)
            );
            assert_eq!(came, pieces);
            assert_eq!(broke_off, (!ends).then_some(BrokeOff));
        }
    }
    open.door.close().await.unwrap();
}

#[tokio::test]
async fn whoever_makes_json_hears_that_nobody_takes_it() {
    let mut open = an_open_door(true);
    let holder = Holder::find(&open.home).await.unwrap().unwrap();
    let mut caller = holder.ask(Request::Watch);
    let conversation = open.conversations.recv().await.unwrap();
    let (mut making, made) = Made::begun();
    conversation.face.end(Response::Json(made));
    let coming = the_end(&mut caller).await.unwrap();
    making.put(vec![b'['; 3 * PIECE]).unwrap();
    drop(coming);
    while making.put(vec![b','; PIECE]).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn json_of_a_holder_that_goes_in_the_middle_breaks_off() {
    let base = tempfile::tempdir().unwrap();
    let (home, _lock) = a_home(&base.path().join("home"));
    // In a length, in a piece, between two, and a piece that is longer than any list could be.
    let whole = b"\0\0\0\x02[1";
    for (follows, came) in [
        (&b"\0\0"[..], 0),
        (b"\0\0\0\x05[1,2", 0),
        (b"\0\0\0\x02[1", 1),
        (b"\0\0\0\x02[1\xff\xff\xff\xff,2]", 1),
    ] {
        let listener = UnixListener::bind(home.socket()).unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let told = "{\"amends\":\"0.1.0\",\"stays\":true}\n{\"end\":{\"response\":\"json\",\"value\":{}}}\n";
            let told = [told.as_bytes(), follows].concat();
            stream.write_all(&told).await.unwrap();
        });
        let holder = Holder::find(&home).await.unwrap().unwrap();
        let mut caller = holder.ask(Request::Watch);
        let Ok(Response::Json(coming)) = the_end(&mut caller).await else {
            panic!("no JSON came");
        };
        let (pieces, broke_off) = all_pieces(coming).await;
        assert_eq!(pieces, vec![whole[4..].to_vec(); came]);
        assert_eq!(broke_off, Some(BrokeOff));
        answering.await.unwrap();
        fs::remove_file(home.socket()).unwrap();
    }
}

#[tokio::test]
async fn leaving_is_noticed_over_the_socket_too() {
    let mut open = an_open_door(true);
    let caller = Holder::find(&open.home)
        .await
        .unwrap()
        .unwrap()
        .ask(Request::Watch);
    let conversation = open.conversations.recv().await.unwrap();
    drop(caller);
    conversation.face.gone().await;

    let mut caller = Holder::find(&open.home)
        .await
        .unwrap()
        .unwrap()
        .ask(Request::Watch);
    drop(open.conversations.recv().await.unwrap());
    match the_end(&mut caller).await {
        Ok(Response::Failed(failure)) => assert_eq!(failure, Failure::from(Advice::HolderLost)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_was_greeted_is_still_heard_when_the_door_closes() {
    let mut open = an_open_door(false);
    let holder = Holder::find(&open.home).await.unwrap().unwrap();
    assert!(!holder.stays());
    let closed = open.door.close();
    let mut caller = holder.ask(Request::Status { part: None });
    let conversation = open.conversations.recv().await.unwrap();
    conversation.face.end(Response::Done);
    assert!(matches!(the_end(&mut caller).await, Ok(Response::Done)));
    closed.await.unwrap();
    assert!(
        open.conversations.recv().await.is_none(),
        "nobody can ask any more"
    );
}

#[tokio::test]
async fn a_stale_socket_is_no_holder_and_is_replaced() {
    let base = tempfile::tempdir().unwrap();
    let (home, lock) = a_home(&base.path().join("home"));
    // What a killed process leaves: the name, and nobody behind it.
    drop(std::os::unix::net::UnixListener::bind(home.socket()).unwrap());
    assert!(home.socket().exists());
    assert!(Holder::find(&home).await.unwrap().is_none());
    let (to, mut conversations) = mpsc::channel(4);
    let _door = Door::open(&home, &lock, true, to).unwrap();
    let _caller = Holder::find(&home)
        .await
        .unwrap()
        .unwrap()
        .ask(Request::Status { part: None });
    assert!(conversations.recv().await.is_some());
}

#[tokio::test]
async fn a_holder_that_dies_before_it_greets_was_asked_nothing() {
    let base = tempfile::tempdir().unwrap();
    let (home, _lock) = a_home(&base.path().join("home"));
    let dying = UnixListener::bind(home.socket()).unwrap();
    let found = tokio::spawn(async move { Holder::find(&home).await });
    drop(dying.accept().await.unwrap());
    assert!(found.await.unwrap().unwrap().is_none());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_home_deeper_than_a_sockets_name_may_be_long_works() {
    let base = tempfile::tempdir().unwrap();
    let deep: PathBuf = base
        .path()
        .join("d".repeat(100))
        .join("e".repeat(100))
        .join("home");
    let (home, lock) = a_home(&deep);
    let (to, mut conversations) = mpsc::channel(4);
    let _door = Door::open(&home, &lock, true, to).unwrap();
    assert!(home.socket().exists());
    let mut caller = Holder::find(&home)
        .await
        .unwrap()
        .unwrap()
        .ask(Request::Status { part: None });
    conversations.recv().await.unwrap().face.end(Response::Done);
    assert!(matches!(the_end(&mut caller).await, Ok(Response::Done)));
}

/// Says `line` to the door at `socket` as no program of ours would, and gives what it answers.
fn say_raw(socket: PathBuf, line: Vec<u8>) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    let mut greeting = String::new();
    std::io::BufReader::new(stream.try_clone().unwrap())
        .read_line(&mut greeting)
        .unwrap();
    assert!(greeting.starts_with("{\"amends\":"), "{greeting}");
    // The door may have had enough before all of it is said.
    let _ = stream.write_all(&line);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_words() {
    let mut open = an_open_door(true);
    for (line, code) in [
        (b"nonsense\n".to_vec(), Some("not_understood")),
        (b"{\"request\":\"fly\"}\n".to_vec(), Some("not_understood")),
        (b"\xff\xfe\n".to_vec(), Some("not_understood")),
        (
            vec![b' '; usize::try_from(MAX_ASKED).unwrap()],
            Some("too_much"),
        ),
    ] {
        let socket = open.home.socket();
        let answer = tokio::task::spawn_blocking(move || say_raw(socket, line))
            .await
            .unwrap();
        assert_eq!(
            code.map(|code| answer.contains(&format!("\"code\":\"{code}\""))),
            Some(true),
            "{answer}"
        );
    }
    open.door.close().await.unwrap();
    assert!(
        open.conversations.recv().await.is_none(),
        "none of it was handed on"
    );
}

#[tokio::test]
async fn many_faces_at_once_are_all_heard() {
    let mut open = an_open_door(true);
    let answering = tokio::spawn(async move {
        while let Some(conversation) = open.conversations.recv().await {
            conversation.face.end(Response::Done);
        }
    });
    let mut asking = JoinSet::new();
    for _ in 0..3 * MAX_FACES {
        let home = open.home.clone();
        asking.spawn(async move {
            let holder = loop {
                if let Ok(Some(holder)) = Holder::find(&home).await {
                    break holder;
                }
                tokio::task::yield_now().await;
            };
            the_end(&mut holder.ask(Request::Status { part: None })).await
        });
    }
    while let Some(answered) = asking.join_next().await {
        assert!(matches!(answered.unwrap(), Ok(Response::Done)));
    }
    answering.abort();
}
