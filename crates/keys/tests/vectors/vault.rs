//! The vault file and a backup.

use amends_keys::backup::{BEGINNING, BackupError, Header, Opener, Sealer};
use amends_keys::kit::Kit;
use amends_keys::label;
use amends_keys::vault::{
    Cost, CostError, KeyringSecret, KitUnlockError, UnlockError, Vault, VaultFileError, VaultKey,
};
use serde_json::{Value, json};

use crate::craft::{Given, aead, hkdf, key_and_commit, sha256};
use crate::harness::{self, Answer, Area, array, bytes, fixed, flip, hex, text, with};

const PASSPHRASE: &str = "a passphrase in NFC: é";

fn answer_vault(given: &Value) -> Answer {
    let vault = match Vault::parse(&bytes(given, "file")) {
        Ok(vault) => vault,
        Err(refused) => {
            return Answer::refuses(match refused {
                VaultFileError::NotAVault => "magic",
                VaultFileError::Version(_) => "version",
                VaultFileError::TooLarge { .. } => "too large",
                VaultFileError::Damaged => "damaged",
                VaultFileError::Cost(cost) => match cost {
                    CostError::TooLittleMemory { .. } => "too little memory",
                    CostError::TooMuchMemory { .. } => "too much memory",
                    CostError::TooFewPasses { .. } => "too few passes",
                    CostError::TooManyPasses { .. } => "too many passes",
                    CostError::Lanes { .. } => "lanes",
                },
            });
        }
    };
    let opened = match (given.get("kit"), given.get("keyring")) {
        (None, Some(_)) => {
            let secret = KeyringSecret::from_bytes(&array(given, "keyring"));
            match vault.unlock_with_keyring(&secret) {
                Ok(Some(key)) => Ok(key),
                // It is the same to whoever asks: the passphrase is wanted.
                Ok(None) if vault.keyring_name().is_none() => Err("no keyring"),
                Ok(None) => Err("commitment"),
                Err(_) => Err("aead"),
            }
        }
        (Some(_), _) => vault
            .unlock_with_kit(&Kit::from_bytes(&array(given, "kit")))
            .map_err(|refused| match refused {
                KitUnlockError::OtherKit => "commitment",
                KitUnlockError::NoKit => "no kit",
                KitUnlockError::Changed => "aead",
            }),
        (None, None) => vault
            .unlock(text(given, "passphrase"))
            .map_err(|refused| match refused {
                UnlockError::WrongPassphrase => "commitment",
                UnlockError::NoPassphraseSlot => "no passphrase",
                UnlockError::Passphrase(_) => "passphrase",
                UnlockError::Changed => "aead",
            }),
    };
    match opened {
        Ok(key) => Answer::Gives(json!({
            "vault key": hex(key.expose()),
            "journal store": hex(key.journal_store().expose()),
            "private store": hex(key.private_store().expose()),
            "backup key": hex(key.backups().expose()),
        })),
        Err(step) => Answer::refuses(step),
    }
}

/// A file of these slots, its check mended.
fn file(slots: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut out = [&b"AMNV"[..], &[1, slots.len() as u8]].concat();
    for (kind, body) in slots {
        out.push(*kind);
        out.extend((body.len() as u32).to_be_bytes());
        out.extend(body);
    }
    mended(out)
}

fn mended(checked: Vec<u8>) -> Vec<u8> {
    let check = sha256(&[&checked]);
    [checked, check.to_vec()].concat()
}

fn passphrase_slot(m: u32, t: u32, p: u32, rest: &[u8]) -> Vec<u8> {
    [
        &m.to_be_bytes()[..],
        &t.to_be_bytes(),
        &p.to_be_bytes(),
        rest,
    ]
    .concat()
}

/// A slot's kind, its salt, and its two labels.
type Of = (u8, [u8; 32], &'static [u8], &'static [u8]);

fn kit() -> Of {
    (3, fixed(52), label::KIT_SLOT, label::KIT_KEPT)
}

fn keyring() -> Of {
    (2, fixed(54), label::KEYRING_SLOT, label::KEYRING_KEPT)
}

fn secret_slot(of: Of, secret: &[u8; 32], key: &[u8; 32], leave_out_of_aad: usize) -> Vec<u8> {
    let (kind, salt, slot, kept) = of;
    let (slot_key, commit) = key_and_commit(&salt, secret, slot);
    let aad = [&b"AMNV"[..], &[1, kind], &salt, &commit].concat();
    let ct = aead(&slot_key, [0; 12], &aad[leave_out_of_aad..], key);
    let keeping = hkdf(Some(&salt), key, kept);
    let kept = aead(&keeping, [0; 12], &[&aad[..], &ct].concat(), secret);
    [&salt[..], &commit, &ct, &kept].concat()
}

fn vaults() -> Area {
    const WHOLE: &str = "A vault opens with its passphrase";
    const WITH_KIT: &str = "A vault opens with its kit";
    let mut area = Area::default();
    let vault_key: [u8; 32] = fixed(51);
    let kit_bytes: [u8; 32] = fixed(53);
    let cost = Cost::new(64 * 1024, 3, 1).unwrap();
    let random = [&vault_key[..], &fixed::<32>(50)].concat();
    let (mut vault, key) = Vault::create(PASSPHRASE, cost, &mut Given::new(random)).unwrap();
    let made = vault.make_kit(
        &key,
        &mut Given::new([&kit_bytes[..], &fixed::<32>(52)].concat()),
    );
    assert_eq!(made.expose(), &kit_bytes);
    let whole = vault.to_bytes();
    let body = whole[11..11 + 124].to_vec();
    let kit_body = secret_slot(kit(), &kit_bytes, &vault_key, 0);
    let slots = [(1, body.clone()), (3, kit_body.clone())];
    // What is crafted here by the formulas is what the code writes.
    assert_eq!(file(&slots), whole);

    let give = |file: &[u8]| json!({ "file": hex(file), "passphrase": PASSPHRASE });
    let kit_give = |file: &[u8]| json!({ "file": hex(file), "kit": hex(kit_bytes) });
    let gives = json!({
        "vault key": hex(vault_key),
        "journal store": hex(hkdf(None, &vault_key, label::STORE_JOURNAL)),
        "private store": hex(hkdf(None, &vault_key, label::STORE_PRIVATE)),
        "backup key": hex(hkdf(None, &vault_key, label::BACKUP)),
    });
    area.whole(WHOLE, give(&whole), gives.clone());
    area.whole(WITH_KIT, kit_give(&whole), gives.clone());
    area.whole(
        "A vault opens with its passphrase in another Unicode form",
        with(&give(&whole), "passphrase", "a passphrase in NFC: e\u{301}"),
        gives.clone(),
    );
    let unknown = file(&[(9, vec![1, 2, 3]), slots[0].clone(), slots[1].clone()]);
    area.whole(
        "A vault with a slot of an unknown kind opens",
        give(&unknown),
        gives.clone(),
    );

    let mut no = |says: &str, file: &[u8], step: &str| area.broken(WHOLE, says, give(file), step);
    no(
        "A vault file that begins with another word is refused",
        &flip(&whole, 0),
        "magic",
    );
    no(
        "A vault file of version 0 is refused",
        &flip(&whole, 4),
        "version",
    );
    no(
        "A vault file with one bit turned and its check as it was is refused",
        &flip(&whole, 40),
        "damaged",
    );
    no(
        "A vault file with one bit of its check turned is refused",
        &flip(&whole, whole.len() - 1),
        "damaged",
    );
    no(
        "A vault file that lacks its last byte is refused",
        &whole[..whole.len() - 1],
        "damaged",
    );
    no("An empty file is no vault", &[], "magic");
    let one = |body: Vec<u8>| file(&[(1, body)]);
    let rest = &body[12..];
    no(
        "A vault that asks for less than 64 MiB is refused",
        &one(passphrase_slot(65_535, 3, 1, rest)),
        "too little memory",
    );
    no(
        "A vault that asks for more than 1 GiB is refused",
        &one(passphrase_slot(1_048_577, 3, 1, rest)),
        "too much memory",
    );
    no(
        "A vault that asks for four tebibytes is refused before anything is computed",
        &one(passphrase_slot(u32::MAX, 3, 1, rest)),
        "too much memory",
    );
    no(
        "A vault that asks for two passes is refused",
        &one(passphrase_slot(65_536, 2, 1, rest)),
        "too few passes",
    );
    no(
        "A vault that asks for 21 passes is refused",
        &one(passphrase_slot(65_536, 21, 1, rest)),
        "too many passes",
    );
    no(
        "A vault that asks for no lanes is refused",
        &one(passphrase_slot(65_536, 3, 0, rest)),
        "lanes",
    );
    no(
        "A vault that asks for 17 lanes is refused",
        &one(passphrase_slot(65_536, 3, 17, rest)),
        "lanes",
    );
    no(
        "A vault whose memory was turned and whose check was mended is refused",
        &one(passphrase_slot(65_544, 3, 1, rest)),
        "commitment",
    );
    no(
        "A vault whose passes were turned and whose check was mended is refused",
        &one(passphrase_slot(65_536, 4, 1, rest)),
        "commitment",
    );
    no(
        "A vault with one bit of its salt turned and its check mended is refused",
        &one(flip(&body, 12)),
        "commitment",
    );
    no(
        "A vault with one bit of its commitment turned and its check mended is refused",
        &one(flip(&body, 44)),
        "commitment",
    );
    no(
        "A vault with one bit of its sealed key turned and its check mended is refused",
        &one(flip(&body, 76)),
        "aead",
    );
    no(
        "A vault with one bit of its tag turned and its check mended is refused",
        &one(flip(&body, 123)),
        "aead",
    );
    no(
        "A vault whose passphrase slot lacks a byte is refused",
        &one(body[..123].to_vec()),
        "damaged",
    );
    no(
        "A vault whose passphrase slot has a byte more is refused",
        &one([&body[..], &[0]].concat()),
        "damaged",
    );
    no(
        "A vault without a passphrase slot opens with none",
        &file(&[(3, kit_body.clone())]),
        "no passphrase",
    );
    let unchecked = &whole[..whole.len() - 32];
    let mut count = unchecked.to_vec();
    count[5] = 3;
    no(
        "A vault that counts a slot too many is refused",
        &mended(count),
        "damaged",
    );
    let mut count = unchecked.to_vec();
    count[5] = 1;
    no(
        "A vault that counts a slot too few is refused",
        &mended(count),
        "damaged",
    );
    let mut length = unchecked.to_vec();
    length[7..11].copy_from_slice(&u32::MAX.to_be_bytes());
    no(
        "A vault with a slot that says it has four gibibytes is refused",
        &mended(length),
        "damaged",
    );
    let mut large = give(&whole);
    large["file, then zeros"] = json!(64 * 1024 + 1 - whole.len());
    area.broken(
        WHOLE,
        "A vault file over 64 KiB is refused",
        large,
        "too large",
    );
    let mut passphrase = |says: &str, passphrase: &str| {
        area.broken(
            WHOLE,
            says,
            with(&give(&whole), "passphrase", passphrase),
            "commitment",
        );
    };
    passphrase(
        "A vault does not open with another passphrase",
        "another passphrase",
    );
    passphrase(
        "A vault does not open with its passphrase and a space after it",
        &format!("{PASSPHRASE} "),
    );
    passphrase("A vault does not open with no passphrase", "");

    let mut no = |says: &str, given: Value, step: &str| area.broken(WITH_KIT, says, given, step);
    no(
        "A vault does not open with another kit",
        with(&kit_give(&whole), "kit", hex(flip(&kit_bytes, 0))),
        "commitment",
    );
    no(
        "A vault without a kit opens with none",
        kit_give(&one(body.clone())),
        "no kit",
    );
    let only = |kit: Vec<u8>| file(&[(1, body.clone()), (3, kit)]);
    no(
        "A kit slot with one bit of its salt turned is refused",
        kit_give(&only(flip(&kit_body, 0))),
        "commitment",
    );
    no(
        "A kit slot with one bit of its commitment turned is refused",
        kit_give(&only(flip(&kit_body, 32))),
        "commitment",
    );
    no(
        "A kit slot with one bit of its sealed key turned is refused",
        kit_give(&only(flip(&kit_body, 64))),
        "aead",
    );
    no(
        "A kit slot that does not authenticate what it is, is refused",
        kit_give(&only(secret_slot(kit(), &kit_bytes, &vault_key, 6))),
        "aead",
    );
    no(
        "A kit slot that lacks a byte is refused",
        kit_give(&only(kit_body[..159].to_vec())),
        "damaged",
    );

    const WITH_KEYRING: &str = "A vault opens with the secret that the keyring holds";
    let secret: [u8; 32] = fixed(55);
    let held = vault.make_keyring(
        &key,
        &mut Given::new([&secret[..], &fixed::<32>(54)].concat()),
    );
    assert_eq!(held.expose(), &secret);
    let whole = vault.to_bytes();
    let keyring_body = secret_slot(keyring(), &secret, &vault_key, 0);
    let only = |keyring: Vec<u8>| file(&[slots[0].clone(), slots[1].clone(), (2, keyring)]);
    assert_eq!(only(keyring_body.clone()), whole);
    let give = |file: &[u8]| json!({ "file": hex(file), "keyring": hex(secret) });
    area.whole(WITH_KEYRING, give(&whole), gives.clone());
    area.whole(
        "A vault with a keyring slot opens with its passphrase",
        json!({ "file": hex(&whole), "passphrase": PASSPHRASE }),
        gives.clone(),
    );
    area.whole(
        "A vault with a keyring slot opens with its kit",
        kit_give(&whole),
        gives,
    );
    let mut no =
        |says: &str, given: Value, step: &str| area.broken(WITH_KEYRING, says, given, step);
    no(
        "A vault does not open with another keyrings secret",
        with(&give(&whole), "keyring", hex(flip(&secret, 0))),
        "commitment",
    );
    no(
        "A vault does not open with its kit in the keyrings place",
        with(&give(&whole), "keyring", hex(kit_bytes)),
        "commitment",
    );
    no(
        "A vault without a keyring slot opens with no keyring",
        give(&file(&slots)),
        "no keyring",
    );
    no(
        "A keyring slot with one bit of its salt turned is refused",
        give(&only(flip(&keyring_body, 0))),
        "commitment",
    );
    no(
        "A keyring slot with one bit of its commitment turned is refused",
        give(&only(flip(&keyring_body, 32))),
        "commitment",
    );
    no(
        "A keyring slot with one bit of its sealed key turned is refused",
        give(&only(flip(&keyring_body, 64))),
        "aead",
    );
    no(
        "A keyring slot that does not authenticate what it is, is refused",
        give(&only(secret_slot(keyring(), &secret, &vault_key, 6))),
        "aead",
    );
    no(
        "A keyring slot sealed under the labels of a kit is refused",
        give(&only(secret_slot(
            (2, keyring().1, label::KIT_SLOT, label::KIT_KEPT),
            &secret,
            &vault_key,
            0,
        ))),
        "commitment",
    );
    no(
        "A kit slot in the place of a keyrings is refused",
        give(&only(secret_slot(
            (3, keyring().1, label::KEYRING_SLOT, label::KEYRING_KEPT),
            &secret,
            &vault_key,
            0,
        ))),
        "aead",
    );
    no(
        "A keyring slot that lacks a byte is refused",
        give(&only(keyring_body[..159].to_vec())),
        "damaged",
    );
    area
}

#[test]
fn vaults_are_answered_as_they_say() {
    harness::check("vault", &vaults(), answer_vault);
}

fn answer_backup(given: &Value) -> Answer {
    match open_backup(given) {
        Ok(plain) => Answer::Gives(json!({ "plain": hex(plain) })),
        Err(refused) => Answer::refuses(match refused {
            BackupError::NotABackup => "magic",
            BackupError::Version(_) => "version",
            BackupError::Changed => "changed",
        }),
    }
}

/// The file holds few pieces: each one's length is given, since none here has the 64 KiB of a real one but the last.
fn open_backup(given: &Value) -> Result<Vec<u8>, BackupError> {
    let key = VaultKey::from_bytes(&array(given, "vault key")).backups();
    let file = bytes(given, "file");
    let beginning = file.first_chunk::<BEGINNING>();
    let len = Header::len(beginning.ok_or(BackupError::NotABackup)?)?;
    let header = Header::parse(file.get(..len).ok_or(BackupError::Changed)?)?;
    let mut opener = Opener::begin(&header, &key)?;
    let pieces = given["sealed pieces"].as_array().unwrap();
    let (mut rest, mut plain) = (&file[len..], Vec::new());
    for (at, size) in pieces.iter().enumerate() {
        let size = (size.as_u64().unwrap() as usize).min(rest.len());
        let (piece, after) = rest.split_at(size);
        rest = after;
        if at + 1 < pieces.len() {
            plain.extend_from_slice(&opener.piece(piece)?);
        } else {
            plain.extend_from_slice(&opener.last(piece)?);
            break;
        }
    }
    Ok(plain)
}

fn backups() -> Area {
    const WHOLE: &str = "A backup of three pieces opens";
    let mut area = Area::default();
    let vault_key = VaultKey::from_bytes(&fixed(51));
    let vault = b"a vault file of the day".to_vec();
    let seal = |by: &VaultKey| {
        let (header, mut sealer) =
            Sealer::begin(&vault, &by.backups(), &mut Given::new(fixed::<32>(61))).unwrap();
        let first = sealer.piece(&[1; 40]).unwrap();
        let second = sealer.piece(&[2; 40]).unwrap();
        [header, first, second, sealer.last(&[3; 20]).unwrap()]
    };
    let parts = seal(&vault_key);
    let [header, first, second, last] = parts.clone();
    let whole = parts.concat();
    let plain = [&[1; 40][..], &[2; 40], &[3; 20]].concat();
    let give = |file: &[u8]| json!({ "vault key": hex(vault_key.expose()), "file": hex(file), "sealed pieces": [56, 56, 36] });
    area.whole(WHOLE, give(&whole), json!({ "plain": hex(plain) }));
    let start = header.len();
    let mut no = |says: &str, file: &[u8], step: &str| area.broken(WHOLE, says, give(file), step);
    no(
        "A backup that begins with another word is refused",
        &flip(&whole, 0),
        "magic",
    );
    no(
        "A backup of version 0 is refused",
        &flip(&whole, 4),
        "version",
    );
    no(
        "A backup with one bit of its vault turned is refused",
        &flip(&whole, BEGINNING),
        "changed",
    );
    no(
        "A backup with one bit of its salt turned is refused",
        &flip(&whole, start - 40),
        "changed",
    );
    no(
        "A backup with one bit of its commitment turned is refused",
        &flip(&whole, start - 1),
        "changed",
    );
    no(
        "A backup with one bit of a piece turned is refused",
        &flip(&whole, start + 60),
        "changed",
    );
    no(
        "A backup with one bit of its last tag turned is refused",
        &flip(&whole, whole.len() - 1),
        "changed",
    );
    no(
        "A backup with two pieces exchanged is refused",
        &[&header[..], &second, &first, &last].concat(),
        "changed",
    );
    no(
        "A backup with a piece doubled is refused",
        &[&header[..], &first, &first, &last].concat(),
        "changed",
    );
    let cut = |file: &[u8], pieces: Value| with(&give(file), "sealed pieces", pieces);
    let mut no = |says: &str, given: Value, step: &str| area.broken(WHOLE, says, given, step);
    no(
        "A backup that ends after a piece that is not its last is refused",
        cut(&[&header[..], &first, &second].concat(), json!([56, 56])),
        "changed",
    );
    no(
        "A backup without its first piece is refused",
        cut(&[&header[..], &second, &last].concat(), json!([56, 36])),
        "changed",
    );
    no(
        "A backup with pieces after its last is refused",
        cut(
            &[&header[..], &first, &second, &last, &last].concat(),
            json!([56, 56, 36, 36]),
        ),
        "changed",
    );
    no(
        "A backup of a header alone is refused",
        cut(&header, json!([0])),
        "changed",
    );
    no(
        "A backup whose vault says that it has over 64 KiB is refused",
        give(
            &[
                &b"AMNK\x01"[..],
                &65_537_u32.to_be_bytes(),
                &whole[BEGINNING..],
            ]
            .concat(),
        ),
        "changed",
    );
    no(
        "A backup does not open with the key of another vault",
        with(&give(&whole), "vault key", hex(fixed::<32>(62))),
        "changed",
    );
    area
}

#[test]
fn backups_are_answered_as_they_say() {
    harness::check("backup", &backups(), answer_backup);
}
