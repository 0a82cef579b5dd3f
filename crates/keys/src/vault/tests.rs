//! Argon2id costs a tenth of a second a run at the least that is allowed, so the runs are few.

use super::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

const PASSPHRASE: &str = "we put phones away";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([4; 32])
}

fn least() -> Cost {
    Cost::LEAST
}

static MADE: LazyLock<(Vault, VaultKey)> =
    LazyLock::new(|| Vault::create(PASSPHRASE, Cost::LEAST, &mut rng()).unwrap());

/// The file with its check made right again, as somebody who wants to mislead us would.
fn rechecked(mut file: Vec<u8>) -> Vec<u8> {
    file.truncate(file.len() - CHECK);
    let check = kdf::sha256(&[&file]);
    [file, check.to_vec()].concat()
}

#[test]
fn the_right_passphrase_opens_and_a_wrong_one_does_not() {
    let (vault, key) = &*MADE;
    let read = Vault::parse(&vault.to_bytes()).unwrap();
    assert_eq!(read, *vault);
    assert_eq!(read.unlock(PASSPHRASE).as_ref(), Ok(key));
    assert_eq!(
        read.unlock("We put phones away"),
        Err(UnlockError::WrongPassphrase)
    );
    assert_eq!(read.unlock(""), Err(UnlockError::WrongPassphrase));
    assert_eq!(
        read.unlock(&"x".repeat(5000)),
        Err(UnlockError::WrongPassphrase)
    );
}

#[test]
fn the_file_is_laid_out_as_the_document_says() {
    let file = MADE.0.to_bytes();
    assert_eq!(file.len(), 4 + 1 + 1 + 1 + 4 + PASSPHRASE_BODY + CHECK);
    assert_eq!(file[..11], *b"AMNV\x01\x01\x01\0\0\0\x7c");
    assert_eq!(file[11..23], [0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4]);
    let (salt, commit, ct) = (&file[23..55], &file[55..87], &file[87..135]);
    let params = Params::new(65_536, 3, 4, Some(32)).unwrap();
    let mut stretched = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(PASSPHRASE.as_bytes(), salt, &mut stretched)
        .unwrap();
    let both: Zeroizing<[u8; 64]> =
        kdf::Prk::extract(Some(salt), &stretched).expand(&[b"amends/vault/v1 key|commit"]);
    assert_eq!(both[32..], *commit);
    let aad = [&b"AMNV\x01\x01"[..], &file[11..87]].concat();
    let slot_key = both[..32].try_into().unwrap();
    assert_eq!(
        kdf::open_once(slot_key, &aad, ct).unwrap().as_slice(),
        MADE.1.expose()
    );
}

#[test]
fn every_cut_and_every_flipped_byte_is_noticed() {
    let file = MADE.0.to_bytes();
    for end in 0..file.len() {
        let expected = if end < 4 {
            VaultFileError::NotAVault
        } else {
            VaultFileError::Damaged
        };
        assert_eq!(Vault::parse(&file[..end]), Err(expected), "cut at {end}");
    }
    for i in 0..file.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[i] ^= flip;
            let expected = match i {
                0..4 => VaultFileError::NotAVault,
                4 => VaultFileError::Version(changed[4]),
                _ => VaultFileError::Damaged,
            };
            assert_eq!(Vault::parse(&changed), Err(expected), "byte {i}");
        }
    }
    assert_eq!(
        Vault::parse(&[&file[..], b"x"].concat()),
        Err(VaultFileError::Damaged)
    );
    let got = MAX_FILE + 1;
    assert_eq!(
        Vault::parse(&vec![0; got]),
        Err(VaultFileError::TooLarge { got })
    );
    assert_eq!(
        Vault::parse(&vec![0; MAX_FILE]),
        Err(VaultFileError::NotAVault)
    );
}

#[test]
fn a_cost_says_its_numbers_and_a_vault_its_cost() {
    let cost = Cost::new(70_000, 4, 5).unwrap();
    assert_eq!(
        (cost.memory_kib(), cost.passes(), cost.lanes()),
        (70_000, 4, 5)
    );
    assert_ne!(Cost::LEAST, Cost::default());
    assert_eq!(MADE.0.cost(), Some(Cost::LEAST));
    let mut without = MADE.0.clone();
    without.slots.clear();
    assert_eq!(without.cost(), None);
}

#[test]
fn a_passphrase_may_have_4096_bytes_as_it_is_typed_and_as_it_is_composed() {
    let made = |passphrase: &str| {
        Vault::create(passphrase, least(), &mut rng()).map(|(vault, key)| (vault.to_bytes(), key))
    };
    let longest = "x".repeat(MAX_PASSPHRASE);
    let (file, key) = made(&longest).unwrap();
    assert_eq!(Vault::parse(&file).unwrap().unlock(&longest), Ok(key));
    assert_eq!(made(&(longest + "x")).err(), Some(PassphraseError::TooLong));
    // Three bytes as it is typed, six as NFC writes it.
    let grows = "\u{958}".repeat(MAX_PASSPHRASE / 3);
    assert_eq!(made(&grows).err(), Some(PassphraseError::TooLong));
}

#[test]
fn what_a_right_check_hides_the_aead_still_notices() {
    let file = MADE.0.to_bytes();
    let unlock = |at: usize| {
        let mut changed = file.clone();
        changed[at] ^= 1;
        Vault::parse(&rechecked(changed))
            .unwrap()
            .unlock(PASSPHRASE)
    };
    assert_eq!(unlock(22), Err(UnlockError::WrongPassphrase), "lanes");
    assert_eq!(unlock(23), Err(UnlockError::WrongPassphrase), "salt");
    assert_eq!(unlock(55), Err(UnlockError::WrongPassphrase), "commitment");
    assert_eq!(unlock(87), Err(UnlockError::Changed), "sealed key");
    assert_eq!(unlock(134), Err(UnlockError::Changed), "tag");
}

#[test]
fn costs_out_of_bounds_are_refused_before_anything_is_computed() {
    let file = MADE.0.to_bytes();
    let parse = |at: usize, number: u32| {
        let mut changed = file.clone();
        changed[at..at + 4].copy_from_slice(&number.to_be_bytes());
        Vault::parse(&rechecked(changed)).map(|_| ())
    };
    let refused = |error: CostError| Err(VaultFileError::Cost(error));
    assert_eq!(
        parse(11, 65_535),
        refused(CostError::TooLittleMemory { memory_kib: 65_535 })
    );
    assert_eq!(
        parse(11, 1_048_577),
        refused(CostError::TooMuchMemory {
            memory_kib: 1_048_577
        })
    );
    assert_eq!(parse(11, 1_048_576), Ok(()));
    assert_eq!(parse(15, 2), refused(CostError::TooFewPasses { passes: 2 }));
    assert_eq!(
        parse(15, 21),
        refused(CostError::TooManyPasses { passes: 21 })
    );
    assert_eq!(parse(15, 20), Ok(()));
    assert_eq!(parse(19, 0), refused(CostError::Lanes { lanes: 0 }));
    assert_eq!(parse(19, 17), refused(CostError::Lanes { lanes: 17 }));
    assert_eq!(
        parse(11, u32::MAX),
        refused(CostError::TooMuchMemory {
            memory_kib: u32::MAX
        })
    );
    assert_eq!(Cost::new(256 * 1024, 3, 4), Ok(Cost::default()));
}

#[test]
fn slots_that_are_not_known_are_kept() {
    let later = [&[7, 0, 0, 0, 5][..], b"paper"].concat();
    let empty = [9, 0, 0, 0, 0];
    let slot = &MADE.0.to_bytes()[6..6 + 5 + PASSPHRASE_BODY];
    let file = [&b"AMNV\x01\x03"[..], &later, slot, &empty, &[0; CHECK]].concat();
    let file = rechecked(file);
    let mut vault = Vault::parse(&file).unwrap();
    assert_eq!(vault.to_bytes(), file);
    let key = vault
        .change_passphrase(PASSPHRASE, "another one", least(), &mut rng())
        .unwrap();
    assert_eq!(key, MADE.1);
    let written = vault.to_bytes();
    assert!(written.windows(later.len()).any(|w| w == later));
    assert_eq!(Vault::parse(&written), Ok(vault));

    let none = rechecked([&b"AMNV\x01\x01"[..], &later, &[0; CHECK]].concat());
    let none = Vault::parse(&none).unwrap();
    assert_eq!(none.unlock(PASSPHRASE), Err(UnlockError::NoPassphraseSlot));
    let lengths = rechecked([&b"AMNV\x01\x01\x02\xff\xff\xff\xff"[..], &[0; CHECK]].concat());
    assert_eq!(Vault::parse(&lengths), Err(VaultFileError::Damaged));
    let short = rechecked([&b"AMNV\x01\x01\x01\0\0\0\x02ab"[..], &[0; CHECK]].concat());
    assert_eq!(Vault::parse(&short), Err(VaultFileError::Damaged));
    let short = rechecked([&b"AMNV\x01\x01\x03\0\0\0\x02ab"[..], &[0; CHECK]].concat());
    assert_eq!(Vault::parse(&short), Err(VaultFileError::Damaged));
    let trailing = rechecked([&b"AMNV\x01\x00x"[..], &[0; CHECK]].concat());
    assert_eq!(Vault::parse(&trailing), Err(VaultFileError::Damaged));
}

#[test]
fn a_changed_passphrase_opens_the_same_key_and_the_old_one_nothing() {
    let mut vault = MADE.0.clone();
    let mut change = |old: &str, new: &str| {
        vault
            .change_passphrase(old, new, least(), &mut rng())
            .map(|_| vault.to_bytes())
    };
    assert_eq!(change("wrong", "new"), Err(UnlockError::WrongPassphrase));
    assert_eq!(
        change(PASSPHRASE, ""),
        Err(UnlockError::Passphrase(PassphraseError::Empty))
    );
    let file = change(PASSPHRASE, "café").unwrap();
    let vault = Vault::parse(&file).unwrap();
    assert_eq!(vault.unlock(PASSPHRASE), Err(UnlockError::WrongPassphrase));
    // Composed above, decomposed here: one word, one passphrase.
    assert_eq!(vault.unlock("cafe\u{301}").as_ref(), Ok(&MADE.1));
}

#[test]
fn an_empty_or_endless_passphrase_makes_no_vault() {
    let make = |text: &str| Vault::create(text, least(), &mut rng()).map(|_| ());
    assert_eq!(make(""), Err(PassphraseError::Empty));
    assert_eq!(make(&"x".repeat(4097)), Err(PassphraseError::TooLong));
    // 4096 bytes that NFC makes longer.
    assert_eq!(make(&"\u{958}".repeat(2048)), Err(PassphraseError::TooLong));
}

#[test]
fn the_stores_have_keys_of_their_own() {
    let key = VaultKey::from_bytes(&[1; 32]);
    assert_ne!(key.journal_store(), key.private_store());
    assert_ne!(key.journal_store().expose(), key.expose());
    assert_eq!(
        key.private_store(),
        VaultKey::from_bytes(&[1; 32]).private_store()
    );
    assert_ne!(
        key.private_store(),
        VaultKey::from_bytes(&[2; 32]).private_store()
    );
}

#[test]
fn a_kit_opens_the_same_key_and_an_older_one_nothing() {
    let (mut vault, key) = (MADE.0.clone(), &MADE.1);
    assert!(!vault.has_kit());
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let none = Kit::from_bytes(&[1; 32]);
    assert_eq!(vault.unlock_with_kit(&none), Err(KitUnlockError::NoKit));
    assert_eq!(vault.kit(key), Err(KitUnlockError::NoKit));

    let first = vault.make_kit(key, &mut rng);
    let second = vault.make_kit(key, &mut rng);
    assert_ne!(first, second);
    let read = Vault::parse(&vault.to_bytes()).unwrap();
    assert_eq!(read, vault);
    assert!(read.has_kit());
    assert_eq!(read.unlock_with_kit(&second).as_ref(), Ok(key));
    let written_down = Kit::parse(&second.words()).unwrap();
    assert_eq!(read.unlock_with_kit(&written_down).as_ref(), Ok(key));
    assert_eq!(read.unlock_with_kit(&first), Err(KitUnlockError::OtherKit));
    assert_eq!(read.kit(key), Ok(second.clone()));
    assert_eq!(
        read.kit(&VaultKey::from_bytes(&[1; 32])),
        Err(KitUnlockError::Changed)
    );
    assert_eq!(read.unlock(PASSPHRASE).as_ref(), Ok(key));

    // The passphrase is forgotten: a new one by the kit, which goes on opening.
    let mut vault = read;
    let by_kit = vault.unlock_with_kit(&second).unwrap();
    vault
        .set_passphrase(&by_kit, "a new one", vault.cost().unwrap(), &mut rng)
        .unwrap();
    assert_eq!(vault.unlock("a new one").as_ref(), Ok(key));
    assert_eq!(vault.unlock(PASSPHRASE), Err(UnlockError::WrongPassphrase));
    assert_eq!(vault.unlock_with_kit(&second).as_ref(), Ok(key));
}

#[test]
fn a_kits_slot_is_laid_out_as_the_document_says_and_no_byte_of_it_can_be_changed() {
    let (mut vault, key) = (MADE.0.clone(), &MADE.1);
    let kit = vault.make_kit(key, &mut ChaCha20Rng::from_seed([5; 32]));
    let file = vault.to_bytes();
    let at = 6 + 5 + PASSPHRASE_BODY;
    assert_eq!(file[5], 2);
    assert_eq!(file[at..at + 5], [3, 0, 0, 0, 160]);
    let body = &file[at + 5..file.len() - CHECK];
    let (salt, commit, ct, kept) = (&body[..32], &body[32..64], &body[64..112], &body[112..]);
    let both: Zeroizing<[u8; 64]> =
        kdf::Prk::extract(Some(salt), kit.expose()).expand(&[b"amends/vault/v1 kit key|commit"]);
    assert_eq!(both[32..], *commit);
    let aad = [&b"AMNV\x01\x03"[..], salt, commit].concat();
    let slot_key = both[..32].try_into().unwrap();
    assert_eq!(
        kdf::open_once(slot_key, &aad, ct).unwrap().as_slice(),
        key.expose()
    );
    let keeping = kdf::hkdf(Some(salt), key.expose(), &[b"amends/vault/v1 kit kept"]);
    assert_eq!(
        kdf::open_once(&keeping, &[&aad, ct].concat(), kept)
            .unwrap()
            .as_slice(),
        kit.expose()
    );

    for i in at + 5..file.len() - CHECK {
        let mut changed = file.clone();
        changed[i] ^= 1;
        let changed = Vault::parse(&rechecked(changed)).unwrap();
        let opened = changed.unlock_with_kit(&kit);
        match i - at - 5 {
            0..64 => assert_eq!(opened, Err(KitUnlockError::OtherKit), "byte {i}"),
            64..112 => assert_eq!(opened, Err(KitUnlockError::Changed), "byte {i}"),
            _ => assert_eq!(opened.as_ref(), Ok(key), "byte {i}"),
        }
        assert_eq!(changed.kit(key), Err(KitUnlockError::Changed), "byte {i}");
    }
}

#[test]
fn what_holds_a_secret_is_wiped_when_it_goes() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<VaultKey>();
    wiped::<Kit>();
    wiped::<StoreKey>();
    wiped::<kdf::Key>();
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?} {:?}", MADE.0, MADE.1);
    assert_eq!(
        shown,
        "Vault { slots: [Passphrase(Cost { memory_kib: 65536, passes: 3, lanes: 4 })] } \
         VaultKey(secret)"
    );
}
