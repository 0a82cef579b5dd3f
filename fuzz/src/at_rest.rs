//! What lies on this device's disk or comes from a stick, and may have been changed there: the vault, a backup, the words of a
//! kit, the rows of a replica.

use std::sync::LazyLock;

use amends_keys::backup::{BEGINNING, Header, Opener, Sealer};
use amends_keys::kit::{Kit, WORDS, is_word};
use amends_keys::vault::{Cost, Vault, VaultKey};
use amends_replica::{MemoryShelf, Replica, Shelf, Table, Write};
use sha2::{Digest, Sha256};

use super::mend;
use super::partner;
use super::word;

fn key() -> VaultKey {
    VaultKey::from_bytes(&[7; 32])
}

/// 0: a vault file as it is. Otherwise: one whose check is mended. No passphrase is tried: that takes its time on purpose.
pub fn vault(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let mut bytes = rest.to_vec();
    if how > 0 {
        bytes.extend_from_slice(&Sha256::digest(rest));
    }
    let vault = match Vault::parse(&bytes) {
        Ok(vault) => vault,
        Err(error) => return word(&error),
    };
    assert_eq!(vault.to_bytes(), bytes, "a vault has one form");
    if let Some(cost) = vault.cost() {
        let same = Cost::new(cost.memory_kib(), cost.passes(), cost.lanes());
        assert_eq!(same, Ok(cost), "a cost beyond its bounds");
    }
    let kit = Kit::from_bytes(&[9; 32]);
    assert!(vault.unlock_with_kit(&kit).is_err());
    assert!(vault.kit(&key()).is_err() || vault.has_kit());
    match (vault.cost().is_some(), vault.has_kit()) {
        (true, true) => "passphrase and kit".into(),
        (true, false) => "passphrase".into(),
        (false, true) => "kit".into(),
        (false, false) => "no way in".into(),
    }
}

pub fn vault_seeds() -> Vec<Vec<u8>> {
    // A vault is dear to make: this is one as `Vault::create` lays it out, whose slots open with nothing.
    let slot = |kind: u8, body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &len[..], body].concat()
    };
    let passphrase = |cost: [u32; 3]| {
        let numbers = cost.map(u32::to_be_bytes).concat();
        slot(1, &[&numbers[..], &[5; 32 + 32 + 48]].concat())
    };
    let least = [65_536, 3, 4];
    let file = |slots: &[Vec<u8>]| {
        let count = slots.len() as u8;
        [&[1], &b"AMNV\x01"[..], &[count], &slots.concat()].concat()
    };
    let mut empty = Vault::parse(&mend_check(&file(&[])[1..])).unwrap();
    let _ = empty.make_kit(&key(), &mut mend::rng(3));
    let kit = empty.to_bytes();
    let kit = kit[6..kit.len() - 32].to_vec();
    let whole = file(&[passphrase(least), kit.clone(), slot(9, b"later")]);
    vec![
        [&[0], &mend_check(&whole[1..])[..]].concat(),
        file(&[passphrase(least)]),
        file(&[passphrase([2_000_000, 3, 4])]),
        file(&[passphrase([65_536, 30, 4])]),
        file(&[passphrase([65_536, 3, 0])]),
        file(&[kit]),
        file(&[]),
        whole[..whole.len() - 1].to_vec(),
        whole,
        b"\x01AMNV\x02".to_vec(),
        b"\0AMNX".to_vec(),
        vec![0],
    ]
}

fn mend_check(checked: &[u8]) -> Vec<u8> {
    [checked, &Sha256::digest(checked)].concat()
}

/// 0: a header as it is. Otherwise a backup of one piece: three bytes alter it, of the rest the first half is the vault in it and
/// the second half what is kept.
pub fn backup(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    if how == 0 {
        return match Header::parse(rest) {
            Ok(header) => {
                let beginning = rest.first_chunk::<BEGINNING>().unwrap();
                assert_eq!(Header::len(beginning), Ok(rest.len()));
                assert!(header.vault.len() < rest.len());
                // The commitment is of the salt; what else stands in a header is bound to the pieces.
                if let Ok(opener) = Opener::begin(&header, &key().backups()) {
                    assert!(opener.last(&[0; 16]).is_err());
                }
                "header".into()
            }
            Err(error) => word(&error),
        };
    }
    let (changes, rest) = rest.split_at(rest.len().min(3));
    let (vault, kept) = rest.split_at(rest.len() / 2);
    let backups = key().backups();
    let (header, sealer) = Sealer::begin(vault, &backups, &mut mend::rng(4)).unwrap();
    let file = [&header[..], &sealer.last(kept).unwrap()].concat();
    let altered = mend::altered(&file, changes);
    let opened = open(&altered);
    assert_eq!(opened.is_some(), altered == file, "{opened:?}");
    match opened {
        Some((found, plain)) => {
            assert_eq!((found.as_slice(), plain.as_slice()), (vault, kept));
            "opened".into()
        }
        None => "changed".into(),
    }
}

/// The vault and what is kept in a backup of one piece.
fn open(file: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let len = Header::len(file.first_chunk()?).ok()?;
    let (header, piece) = file.split_at_checked(len)?;
    let header = Header::parse(header).ok()?;
    let opener = Opener::begin(&header, &key().backups()).ok()?;
    let plain = opener.last(piece).ok()?.to_vec();
    Some((header.vault, plain))
}

pub fn backup_seeds() -> Vec<Vec<u8>> {
    let (header, _) = Sealer::begin(b"a vault", &key().backups(), &mut mend::rng(4)).unwrap();
    let mut other = header.clone();
    *other.last_mut().unwrap() ^= 1;
    vec![
        [&[0], &other[..]].concat(),
        b"\0AMNK\x01\0\0\0\x01".to_vec(),
        b"\0AMNK\x01\xff\xff\xff\xff".to_vec(),
        b"\0AMNK\x02\0\0\0\0".to_vec(),
        b"\0AMNX\x01\0\0\0\0".to_vec(),
        b"\x01\0\0\0a vaultwhat is kept".to_vec(),
        b"\x01\0\x02\x01a vaultwhat is kept".to_vec(),
        b"\x01\0\x20\x01a vaultwhat is kept".to_vec(),
        vec![1],
    ]
}

/// 0: words as they were typed. 1: the words of these 32 bytes, in whatever way. 2: the same, two of them exchanged.
pub fn kit(input: &[u8]) -> String {
    let Some((how, rest)) = mend::first(input) else {
        return "empty".into();
    };
    if how == 0 {
        let Some(text) = mend::text(rest) else {
            return "no text".into();
        };
        return match Kit::parse(text) {
            Ok(kit) => {
                let typed: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
                assert_eq!(*kit.words(), typed.join(" "));
                assert!(typed.iter().all(|word| is_word(word)));
                "kit".into()
            }
            Err(error) => word(&error),
        };
    }
    let Some((entropy, how_typed)) = rest.split_first_chunk::<32>() else {
        return "too few bytes".into();
    };
    let honest = Kit::from_bytes(entropy);
    let words = honest.words();
    let mut words: Vec<&str> = words.split(' ').collect();
    assert_eq!(words.len(), WORDS);
    let at = |n: usize| usize::from(how_typed.get(n).copied().unwrap_or_default());
    if how == 2 {
        words.swap(at(0) % WORDS, at(1) % WORDS);
        return match Kit::parse(&words.join(" ")) {
            // One exchange in 256 is not noticed (BIP 39: 8 bits of checksum).
            Ok(kit) => {
                assert_eq!(*kit.words(), words.join(" "));
                "kit".into()
            }
            Err(error) => word(&error),
        };
    }
    let gap = ["  ", "\n", "\t", " \u{3000}"][at(0) % 4];
    let mut typed = words.join(gap);
    if at(1) % 2 == 1 {
        typed = typed.to_ascii_uppercase();
    }
    assert_eq!(Kit::parse(&typed), Ok(honest));
    "kit".into()
}

pub fn kit_seeds() -> Vec<Vec<u8>> {
    let words = Kit::from_bytes(&[0x7f; 32]).words();
    let raw = |text: &str| [&[0], text.as_bytes()].concat();
    vec![
        raw(&words),
        raw(&words.replace("title", "zoo")),
        raw(&words.replace("title", "titel")),
        raw("zoo zoo"),
        [&[1], &[3; 32][..], &[3, 1]].concat(),
        [&[2], &[3; 32][..], &[3, 1]].concat(),
        vec![0, 0xff],
        vec![1],
    ]
}

/// What a replica keeps of a met pair, and the keys of its rows.
struct Kept {
    shelf: MemoryShelf,
    places: Vec<(Table, Vec<u8>)>,
}

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let shelf = partner::kept();
    let mut places = Vec::new();
    for table in [Table::Meta, Table::Card, Table::Part, Table::Record] {
        let rows = shelf.scan(table, &[], 100).unwrap();
        places.extend(rows.into_iter().map(|(key, _)| (table, key)));
    }
    Kept { shelf, places }
});

/// A first byte: which row; the rest is what stands in it. The replica loads, or says that it cannot.
pub fn rows(input: &[u8]) -> String {
    let Some((which, rest)) = mend::first(input) else {
        return "empty".into();
    };
    let (table, key) = &KEPT.places[usize::from(which) % KEPT.places.len()];
    let mut shelf = KEPT.shelf.clone();
    shelf.commit(&[Write::Put {
        table: *table,
        key: key.clone(),
        value: rest.to_vec(),
    }]);
    let Ok(mut replica) = Replica::load(&shelf) else {
        return "refused".into();
    };
    // What a list shows, and what stands behind it.
    let mut entries = Vec::new();
    for (entry, card) in replica.cards() {
        let _ = (card.agreed().is_some(), card.blobs(), replica.reached(card));
        let _ = replica.short_id(entry);
        entries.push(*entry);
    }
    for entry in entries {
        // One that cannot be read is an error, for this entry.
        let _ = replica.look(&shelf, &entry, |entry| entry.in_short());
    }
    let _ = (replica.clock(), replica.not_come(), replica.set_aside());
    "loaded".into()
}

pub fn row_seeds() -> Vec<Vec<u8>> {
    let places = (0u8..).zip(&KEPT.places);
    let mut seeds: Vec<Vec<u8>> = places
        .map(|(which, (table, key))| {
            let value = KEPT.shelf.get(*table, key).unwrap().unwrap();
            [&[which], &value[..]].concat()
        })
        .filter(|seed| seed.len() <= 768)
        .collect();
    seeds.push(vec![0, 9]);
    seeds
}
