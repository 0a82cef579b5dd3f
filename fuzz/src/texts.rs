//! Texts: what a person types, scans or pastes, and what the partner wrote where a text has a form.

use amends::age_file::Recipient;
use amends_journal::packet::List;
use amends_journal::schedule::Schedule;
use amends_journal::{Act, Statement, Verb};
use amends_keys::identity::PersonName;
use amends_keys::invite::{Entered, Invite, TriedCodes};
use amends_network::{Address, PeerId, peer_id_of_seed};
use amends_replica::BlobRef;
use data_encoding::BASE32_NOPAD;

use super::mend;
use super::word;

/// 0: a text that is no code yet. 1: bytes that a QR code holds. 2: eight digits, to which the ninth is found.
pub fn invite(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let text = match how % 3 {
        0 => match mend::text(rest) {
            Some(text) => text.to_owned(),
            None => return "no text".into(),
        },
        1 => format!("amends1:{}", BASE32_NOPAD.encode(rest).to_lowercase()),
        _ => return nine_digits(rest),
    };
    let entered = match Entered::parse(&text) {
        Ok(entered) => entered,
        Err(error) => return word(&error),
    };
    // However it is typed: in capitals, and with spaces around.
    let shouted = format!(" {}\n", text.to_ascii_uppercase());
    assert_eq!(Entered::parse(&shouted), Ok(entered.clone()));
    match &entered {
        Entered::Typed(code) => {
            assert_eq!(entered.prs().len(), 8);
            assert!(entered.prs().iter().all(u8::is_ascii_digit));
            assert_eq!(Entered::parse(&code.shown()), Ok(entered.clone()));
            "typed".into()
        }
        Entered::Scanned(scanned) => {
            assert_eq!(entered.prs().len(), 16);
            assert!(!scanned.host().is_empty());
            "scanned".into()
        }
    }
}

/// Of ten last digits exactly one fits, and with a digit mistyped it does not.
fn nine_digits(rest: &[u8]) -> String {
    let Some(eight) = rest.first_chunk::<8>() else {
        return "too few digits".into();
    };
    let digits: String = eight
        .iter()
        .map(|byte| char::from(b'0' + byte % 10))
        .collect();
    let fits: Vec<Entered> = (0..10)
        .filter_map(|last| Entered::parse(&format!("{digits}{last}")).ok())
        .collect();
    assert_eq!(fits.len(), 1);
    assert_eq!(fits[0].prs(), digits.as_bytes());
    "typed".into()
}

pub fn invite_seeds() -> Vec<Vec<u8>> {
    let invite = Invite::new(&mut mend::rng(10));
    let shown = invite.typed().shown();
    let address: &[u8] = b"192.168.1.5:4001";
    let paste = invite.paste(&[1; 38], &[address, b"[2001:db8::5]:4001"]);
    let qr = invite.qr(&[1; 38], &[]);
    let letters = qr.trim_start_matches("AMENDS1:");
    let raw = |text: &str| [&[0], text.as_bytes()].concat();
    let mut wrong = shown.as_bytes().to_vec();
    wrong[0] = if wrong[0] == b'9' { b'8' } else { wrong[0] + 1 };
    vec![
        raw(&shown),
        [&[0], &wrong[..]].concat(),
        raw(&paste),
        raw(&qr),
        raw("amends2:abc"),
        raw("amends1:abc"),
        raw("12345678901"),
        raw("123"),
        raw("٤٨٢-٩١٣.٠٦٧"),
        raw("12345x"),
        [&[1], &BASE32_NOPAD.decode(letters.as_bytes()).unwrap()[..]].concat(),
        vec![1, 2],
        b"\x0248291306".to_vec(),
        vec![2],
    ]
}

/// A first byte says what the rest is to be.
pub fn texts(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let which = which % 10;
    match which {
        6 => return reference(rest),
        7 => return tried(rest),
        8 => return act(rest),
        9 => return statement(rest),
        _ => {}
    }
    let Some(text) = mend::text(rest) else {
        // The only one of them that comes as bytes.
        assert!(PersonName::from_utf8(rest).is_err());
        return "no text".into();
    };
    match which {
        0 => one_form::<Schedule>(text, "schedule"),
        1 => one_form::<List>(text, "list"),
        2 => address(text),
        3 => one_form::<PeerId>(text, "peer"),
        4 => recipient(text),
        _ => name(text),
    }
}

/// What is read is written in the same way, and no other way is read.
fn one_form<T>(text: &str, name: &str) -> String
where
    T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            name.into()
        }
        Err(error) => word(&error),
    }
}

fn address(text: &str) -> String {
    let address: Address = match text.parse() {
        Ok(address) => address,
        Err(error) => return word(&error),
    };
    assert_ne!(address.socket.port(), 0);
    assert_eq!(address.to_multiaddress().parse(), Ok(address));
    let shown: Address = address.to_string().parse().unwrap();
    assert_eq!(shown.socket, address.socket);
    "address".into()
}

fn recipient(text: &str) -> String {
    match text.parse::<Recipient>() {
        Ok(recipient) => {
            let shown = recipient.to_string();
            assert_eq!(shown, text.trim().to_ascii_lowercase());
            assert_eq!(shown.parse::<Recipient>().unwrap().to_string(), shown);
            "recipient".into()
        }
        Err(error) => word(&error),
    }
}

fn name(text: &str) -> String {
    match PersonName::try_from(text) {
        Ok(name) => {
            assert_eq!(name.as_str(), text);
            assert!(!text.is_empty() && text.len() <= PersonName::MAX_BYTES);
            assert!(!text.chars().any(char::is_control));
            assert_eq!(PersonName::from_utf8(text.as_bytes()), Ok(name));
            "name".into()
        }
        Err(error) => word(&error),
    }
}

fn reference(bytes: &[u8]) -> String {
    match BlobRef::parse(bytes) {
        Ok(reference) => {
            assert_eq!(reference.to_bytes(), bytes);
            "reference".into()
        }
        Err(error) => word(&error),
    }
}

fn tried(bytes: &[u8]) -> String {
    match TriedCodes::from_bytes(bytes) {
        Ok(tried) => {
            assert_eq!(tried.to_bytes(), bytes);
            "tried".into()
        }
        Err(error) => word(&error),
    }
}

fn act(bytes: &[u8]) -> String {
    match Act::read(bytes) {
        Ok(act) => {
            assert_eq!(act.bytes(), bytes, "an act has one form");
            "act".into()
        }
        Err(error) => word(&error),
    }
}

fn statement(bytes: &[u8]) -> String {
    match Statement::read(bytes) {
        Ok(statement) => {
            assert_eq!(statement.bytes(), bytes, "a statement has one form");
            "statement".into()
        }
        Err(error) => word(&error),
    }
}

pub fn text_seeds() -> Vec<Vec<u8>> {
    let text = |which: u8, text: &str| [&[which], text.as_bytes()].concat();
    let bytes = |which: u8, bytes: &[u8]| [&[which], bytes].concat();
    let peer = peer_id_of_seed(&[1; 32]);
    let item = |id: u8| amends_journal::packet::Item {
        entry: amends_journal::EntryId([id; 16]),
        kind: amends_journal::EntryKind::Talk,
        digest: [id; 32],
    };
    let reference = BlobRef {
        key: amends_keys::blob::BlobKey::from_bytes(&[1; 32]),
        length: 5,
        chunks: vec![[2; 32]],
    };
    let mut codes = TriedCodes::default();
    let invite = Invite::new(&mut mend::rng(10));
    codes.sending(&Entered::parse(&invite.typed().shown()).unwrap(), 1_800_000);
    let act = Act {
        verb: Verb::Agree,
        n: 3,
        time: 1_800_000_000_000,
        hash: [1; 32],
        heads: vec![[2; 32]],
        ends: vec![],
        reason: "because".into(),
    };
    let statement = Statement {
        verb: 1,
        n: 1,
        time: 1_800_000_000_000,
        items: vec![vec![5; 16], vec![0], vec![]],
    };
    vec![
        text(
            0,
            "15 minutes at 19:30, Europe/Berlin\nfrom 2027-01-04: Monday, Wednesday, Friday\nfrom 2027-02-01: Monday\nuntil 2027-06-30",
        ),
        text(0, "20 minutes at 07:00, UTC\nfrom 2027-01-04: Sunday"),
        text(1, &List::new([item(1), item(2)]).unwrap().to_string()),
        text(2, "192.168.1.5:4001"),
        text(2, "[2001:db8::5]:4001"),
        text(2, &format!("/ip4/192.168.1.5/tcp/4001/p2p/{peer}")),
        text(2, "/ip6/2001:db8::5/tcp/4001"),
        text(2, "[fe80::1%eth0]:1"),
        text(2, "0.0.0.0:1"),
        text(3, &peer.to_string()),
        text(
            4,
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        ),
        text(4, "AGE-SECRET-KEY-1"),
        text(4, "ssh-ed25519 AAAA"),
        text(5, "Ana Müller"),
        text(5, "a\nb"),
        text(5, ""),
        bytes(6, &reference.to_bytes()),
        bytes(7, &codes.to_bytes()),
        bytes(8, &act.bytes()),
        bytes(9, &statement.bytes()),
        vec![7, 1],
    ]
}
