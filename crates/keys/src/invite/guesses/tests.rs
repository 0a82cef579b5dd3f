use super::*;

const NOW: i64 = 1_795_000_000_000;

/// Two codes with right check digits.
fn codes() -> [Entered; 2] {
    let with_check = |digits: &str| {
        (0..10)
            .find_map(|check| Entered::parse(&format!("{digits}{check}")).ok())
            .unwrap()
    };
    [with_check("48291306"), with_check("48291307")]
}

#[test]
fn a_code_lives_five_minutes() {
    let mut code = CodeLife::new(NOW);
    assert_eq!(code.expires(), NOW + 300_000);
    assert_eq!(code.end(NOW + 299_999), None);
    assert_eq!(code.attempt(NOW + 299_000), Ok(NOW + 300_000));
    assert_eq!(code.end(NOW + 300_000), Some(CodeEnd::Expired));
    assert_eq!(
        code.m3(NOW + 1),
        Err(CodeEnd::Expired),
        "dead is dead, whatever the clock does"
    );
}

#[test]
fn a_clock_that_goes_back_ends_the_code() {
    let mut code = CodeLife::new(NOW);
    assert_eq!(code.attempt(NOW - 1), Err(CodeEnd::Expired));
    let mut latest = CodeLife::new(i64::MAX);
    assert_eq!(latest.end(i64::MIN), Some(CodeEnd::Expired));
}

#[test]
fn ten_attempts_are_free_and_the_eleventh_kills() {
    let mut code = CodeLife::new(NOW);
    for i in 0..10 {
        assert_eq!(code.attempt(NOW + i), Ok(NOW + i + 15_000));
    }
    assert_eq!(code.end(NOW + 11), None);
    assert_eq!(code.attempt(NOW + 11), Err(CodeEnd::TooManyAttempts));
    assert_eq!(code.m3(NOW + 12), Err(CodeEnd::TooManyAttempts));
}

#[test]
fn the_first_m3_kills_the_code_and_a_second_is_not_looked_at() {
    let mut code = CodeLife::new(NOW);
    code.attempt(NOW).unwrap();
    assert_eq!(code.m3(NOW + 5), Ok(()));
    assert_eq!(code.m3(NOW + 6), Err(CodeEnd::Spent));
    assert_eq!(code.attempt(NOW + 7), Err(CodeEnd::Spent));
    assert_eq!(code.end(NOW + 400_000), Some(CodeEnd::Spent));
}

#[test]
fn two_new_codes_come_by_themselves_and_the_third_failure_needs_a_key() {
    let mut sitting = Renewals::new();
    for _ in 0..2 {
        assert_eq!(sitting.failed(Failure::WrongCode), NewCode::ByItself);
    }
    assert_eq!(
        sitting.failed(Failure::WrongCode),
        NewCode::AfterKey { wrong: 3 }
    );
    sitting.key_pressed();
    assert_eq!(sitting.failed(Failure::Other), NewCode::ByItself);
    assert_eq!(sitting.failed(Failure::WrongCode), NewCode::ByItself);
    assert_eq!(
        sitting.failed(Failure::Other),
        NewCode::AfterKey { wrong: 1 }
    );
}

#[test]
fn a_tried_code_is_refused_for_ten_minutes_and_others_are_not() {
    let [one, other] = codes();
    let mut tried = TriedCodes::default();
    assert_eq!(tried.check(&one, NOW), Ok(()));
    tried.sending(&one, NOW);
    assert_eq!(
        tried.check(&one, NOW + 1),
        Err(CodeRefused { for_ms: 599_999 })
    );
    assert_eq!(
        tried.check(&one, NOW + 599_999),
        Err(CodeRefused { for_ms: 1 })
    );
    assert_eq!(tried.check(&one, NOW + 600_000), Ok(()));
    assert_eq!(tried.check(&other, NOW + 1), Ok(()));
    assert_eq!(
        tried.check(&one, NOW - 5),
        Err(CodeRefused { for_ms: 600_000 })
    );
    tried.confirmed(&other);
    assert!(tried.check(&one, NOW + 1).is_err());
    tried.confirmed(&one);
    assert_eq!(tried.check(&one, NOW + 1), Ok(()));
}

#[test]
fn the_memory_outlives_the_program_and_holds_no_code() {
    let [one, other] = codes();
    let mut tried = TriedCodes::default();
    tried.sending(&one, NOW);
    tried.sending(&other, NOW + 1);
    let bytes = tried.to_bytes();
    assert_eq!(bytes.len(), 80);
    assert!(!bytes.windows(8).any(|w| w == one.prs()));
    let back = TriedCodes::from_bytes(&bytes).unwrap();
    assert_eq!(back, tried);
    assert!(back.check(&one, NOW + 2).is_err());
    for got in [1, 39, 41, 79] {
        assert_eq!(
            TriedCodes::from_bytes(&vec![0; got]),
            Err(TriedCodesError { got })
        );
    }
    let got = 40 * 257;
    assert_eq!(
        TriedCodes::from_bytes(&vec![0; got]),
        Err(TriedCodesError { got })
    );
    let most = vec![0; 40 * TriedCodes::MOST];
    assert_eq!(TriedCodes::from_bytes(&most).unwrap().to_bytes(), most);
}

#[test]
fn the_memory_forgets_what_is_past_and_is_bounded() {
    let [one, other] = codes();
    let mut tried = TriedCodes::default();
    tried.sending(&one, NOW);
    tried.sending(&other, NOW + REFUSED_MS);
    assert_eq!(tried.to_bytes().len(), 40);
    for i in 0..1000 {
        tried.sending(&one, NOW + REFUSED_MS + i);
    }
    assert_eq!(tried.to_bytes().len(), 40 * TriedCodes::MOST);
    assert!(tried.check(&one, NOW + REFUSED_MS + 1000).is_err());
}
