use super::*;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}

fn typed(text: &str) -> Result<String, CodeError> {
    match Entered::parse(text)? {
        Entered::Typed(code) => Ok(String::from_utf8(code.prs().to_vec()).unwrap()),
        Entered::Scanned(_) => panic!("{text} was read as a scanned code"),
    }
}

#[test]
fn each_invite_has_a_nonce_of_its_own() {
    let mut rng = rng();
    let (one, other) = (Invite::new(&mut rng), Invite::new(&mut rng));
    assert_ne!(one.nonce(), other.nonce());
    assert_ne!(one.nonce(), &[0; 32]);
}

#[test]
fn a_text_is_read_up_to_its_greatest_length() {
    let padded = |length: usize| typed(&format!("{:length$}", "482913067"));
    assert_eq!(padded(MAX_TEXT), typed("482913067"));
    assert_eq!(
        padded(MAX_TEXT + 1),
        Err(CodeError::TextTooLong { got: MAX_TEXT + 1 })
    );
}

#[test]
fn digits_end_where_each_script_ends_them() {
    for zero in [
        '0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}',
    ] {
        let from_zero = |n: i64| {
            let c = u32::try_from(i64::from(u32::from(zero)) + n).unwrap();
            digit(char::from_u32(c).unwrap())
        };
        assert_eq!(from_zero(-1), None);
        assert_eq!((from_zero(0), from_zero(9)), (Some(0), Some(9)));
        assert_eq!(from_zero(10), None);
    }
}

#[test]
fn the_check_digit_is_damm_s() {
    // The example that goes with the table: 572 takes the check digit 4.
    assert_eq!(damm([5, 7, 2]), 4);
    assert_eq!(damm([5, 7, 2, 4]), 0);
}

#[test]
fn a_code_is_shown_in_threes_and_read_back_however_it_is_typed() {
    let code = TypedCode::from_number(48_291_306);
    let shown = code.shown();
    assert!(
        shown.starts_with("482 913 06") && shown.len() == 11,
        "{}",
        *shown
    );
    let check = &shown[10..];
    for form in [
        format!("48291306{check}"),
        format!(" 482-913-06{check}\n"),
        format!("482.913.06{check}"),
        format!("482\u{a0}913\u{2009}06{check}"),
        format!("４８２ ９１３ ０６{check}"),
        format!("٤٨٢ ٩١٣ ٠٦{check}"),
        format!("४८२–९१३–०६{check}"),
        format!("\u{200b}482913\u{2060}06{check}\u{feff}"),
    ] {
        assert_eq!(typed(&form).as_deref(), Ok("48291306"), "{form}");
    }
    assert_eq!(
        &*TypedCode::from_number(7).shown(),
        &format!("000 000 07{}", damm([7]))
    );
}

#[test]
fn every_single_wrong_digit_and_every_exchange_of_neighbours_is_noticed() {
    let mut rng = rng();
    for _ in 0..50 {
        let digits: Vec<u8> = TypedCode::generate(&mut rng)
            .shown()
            .bytes()
            .filter(u8::is_ascii_digit)
            .collect();
        let read = |digits: &[u8]| typed(std::str::from_utf8(digits).unwrap());
        assert!(read(&digits).is_ok());
        for i in 0..9 {
            for wrong in b'0'..=b'9' {
                let mut changed = digits.clone();
                changed[i] = wrong;
                if changed != digits {
                    assert_eq!(read(&changed), Err(CodeError::WrongCheckDigit));
                }
            }
            let mut changed = digits.clone();
            changed.swap(i, (i + 1).min(8));
            if changed != digits {
                assert_eq!(read(&changed), Err(CodeError::WrongCheckDigit));
            }
        }
    }
}

#[test]
fn what_is_no_code_is_refused_by_reason() {
    assert_eq!(typed(""), Err(CodeError::TooShort { got: 0 }));
    assert_eq!(typed(" - "), Err(CodeError::TooShort { got: 0 }));
    assert_eq!(typed("482 913 06"), Err(CodeError::TooShort { got: 8 }));
    assert_eq!(typed("482 913 0671"), Err(CodeError::TooLong { got: 10 }));
    assert_eq!(typed("482 913 O67"), Err(CodeError::NotADigit('O')));
    assert_eq!(typed("amends2:abc"), Err(CodeError::UnknownPrefix));
    assert_eq!(typed("amends"), Err(CodeError::UnknownPrefix));
    assert_eq!(typed("amends1:"), Err(CodeError::Incomplete));
    assert_eq!(typed("amends1:abc!"), Err(CodeError::NotBase32('!')));
    assert_eq!(
        typed(&"1".repeat(9000)),
        Err(CodeError::TextTooLong { got: 9000 })
    );
}

#[test]
fn codes_are_spread_over_all_digits() {
    let mut rng = rng();
    let mut seen = [[0_u32; 10]; DIGITS];
    for _ in 0..2000 {
        for (place, digit) in TypedCode::generate(&mut rng).prs().iter().enumerate() {
            seen[place][usize::from(digit - b'0')] += 1;
        }
    }
    assert!(
        seen.iter().flatten().all(|n| (120..290).contains(n)),
        "{seen:?}"
    );
}

#[test]
fn numbers_that_would_make_some_codes_likelier_are_drawn_again() {
    struct Given(Vec<u8>);
    impl rand_core::TryRng for Given {
        type Error = rand_core::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unimplemented!()
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unimplemented!()
        }
        fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
            dst.copy_from_slice(&self.0.drain(..dst.len()).collect::<Vec<_>>());
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Given {}
    let draw = |numbers: &[u32]| {
        let mut rng = Given(numbers.iter().flat_map(|n| n.to_be_bytes()).collect());
        let code = TypedCode::generate(&mut rng);
        (String::from_utf8(code.prs().to_vec()).unwrap(), rng.0.len())
    };
    assert_eq!(draw(&[48_291_306]), ("48291306".to_owned(), 0));
    assert_eq!(draw(&[4_199_999_999]), ("99999999".to_owned(), 0));
    assert_eq!(
        draw(&[4_200_000_000, u32::MAX, 12]),
        ("00000012".to_owned(), 0)
    );
}

#[test]
fn the_scanned_form_is_read_in_either_case_and_broken_over_lines() {
    let invite = Invite::new(&mut rng());
    let host = [0xa1; 38];
    let addresses: [&[u8]; 2] = [b"/ip4/192.168.1.5/tcp/4001", b"[2001:db8::1]:4001"];
    let paste = invite.paste(&host, &addresses);
    let qr = invite.qr(&host, &addresses);
    assert!(paste.starts_with("amends1:") && qr.starts_with("AMENDS1:"));
    let alphanumeric = |c: char| matches!(c, '0'..='9' | 'A'..='Z' | ':');
    assert!(
        qr.chars().all(alphanumeric),
        "the QR's dense mode holds all of it"
    );
    let (first, second) = paste.split_at(40);
    for text in [&*paste, &*qr, &format!("  {first}\r\n  {second}\n")] {
        let Entered::Scanned(scanned) = Entered::parse(text).unwrap() else {
            panic!("{text} was read as a typed code")
        };
        assert_eq!(scanned.host(), host);
        assert_eq!(scanned.addresses(), addresses);
        assert_eq!(Entered::Scanned(scanned).prs(), invite.prs(Form::Scanned));
    }
}

#[test]
fn a_scanned_code_cut_short_is_refused() {
    let invite = Invite::new(&mut rng());
    let paste = invite.paste(&[0xa1; 38], &[b"/ip4/10.0.0.1/tcp/1"]);
    for end in PREFIX.len()..paste.len() {
        // A cut that falls between two items is a shorter list, and still the right secret and host.
        if let Ok(Entered::Scanned(scanned)) = Entered::parse(&paste[..end]) {
            assert_eq!(
                (scanned.host(), scanned.addresses().len()),
                (&[0xa1; 38][..], 0)
            );
        }
    }
    let encode = |bytes: &[u8]| format!("amends1:{}", BASE32_NOPAD.encode(bytes));
    let error = |bytes: &[u8]| Entered::parse(&encode(bytes)).unwrap_err();
    assert_eq!(error(&[2; 40]), CodeError::Version(2));
    assert_eq!(error(&[1; 16]), CodeError::Incomplete);
    assert_eq!(error(&[1; 17]), CodeError::Incomplete);
    let no_host = [&[1; 17][..], &[0]].concat();
    assert_eq!(error(&no_host), CodeError::Incomplete);
    let many = [&[1; 17][..], &[1, 9], &[1, 9].repeat(17)].concat();
    assert_eq!(error(&many), CodeError::Incomplete);
    let long = [&[1; 17][..], &lv::of(&[&[9; 257]])].concat();
    assert_eq!(error(&long), CodeError::Incomplete);
    let long = [&[1; 17][..], &lv::of(&[&[9; 3], &[9; 257]])].concat();
    assert_eq!(error(&long), CodeError::Incomplete);
}

#[test]
fn an_invite_with_too_many_addresses_is_still_read() {
    let invite = Invite::new(&mut rng());
    let long = [7; 300];
    let addresses: Vec<&[u8]> = std::iter::once(&long[..])
        .chain([&[7; 256][..]; 30])
        .collect();
    let Ok(Entered::Scanned(scanned)) = Entered::parse(&invite.paste(&[1; 64], &addresses)) else {
        panic!("not read")
    };
    assert_eq!(scanned.addresses().len(), MAX_ADDRESSES);
}

#[test]
fn forms_are_bytes_of_m1() {
    for form in [Form::Typed, Form::Scanned] {
        assert_eq!(Form::try_from(u8::from(form)), Ok(form));
    }
    assert_eq!(Form::try_from(0), Err(0));
    assert_eq!(Form::try_from(3), Err(3));
}

#[test]
fn debug_shows_no_code() {
    let invite = Invite::new(&mut rng());
    let scanned = Entered::parse(&invite.paste(&[1; 38], &[b"there"])).unwrap();
    let shown = format!("{invite:?} {:?} {scanned:?}", invite.typed());
    assert_eq!(
        shown,
        "Invite(secret) TypedCode(secret) Scanned(Scanned(secret, 1 addresses))"
    );
}

proptest! {
    #[test]
    fn every_code_is_read_back(number in 0_u32..100_000_000, seed: u64) {
        let code = TypedCode::from_number(number);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut text = String::new();
        for c in code.shown().chars() {
            text.push(c);
            if rng.next_u32() % 3 == 0 {
                text.push(['-', ' ', '.', '\u{2013}', '\t'][rng.next_u32() as usize % 5]);
            }
        }
        prop_assert_eq!(Entered::parse(&text), Ok(Entered::Typed(code)));
    }

    #[test]
    fn every_scanned_code_is_read_back(
        seed: u64,
        host in prop::collection::vec(any::<u8>(), 1..64),
        addresses in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..10),
    ) {
        let invite = Invite::new(&mut ChaCha20Rng::seed_from_u64(seed));
        let slices: Vec<&[u8]> = addresses.iter().map(Vec::as_slice).collect();
        let Ok(Entered::Scanned(scanned)) = Entered::parse(&invite.qr(&host, &slices)) else {
            return Err(TestCaseError::fail("not read"));
        };
        prop_assert_eq!(scanned.host(), host);
        prop_assert_eq!(scanned.addresses(), addresses);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", pasted in "[a-zA-Z2-7 ]{0,80}") {
        let _ = Entered::parse(&text);
        let _ = Entered::parse(&format!("amends1:{pasted}"));
    }
}
