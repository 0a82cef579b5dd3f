//! What people type: the pairing's code in both forms, and the words of the kit.

use amends_keys::invite::{CodeError, Entered, Invite};
use amends_keys::kit::Kit;
use amends_keys::kit::KitError;
use amends_keys::lv;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use crate::craft::Given;
use crate::harness::{self, Answer, Area, fixed, hex, text};

const HOST: &[u8] = b"peer of the host";
const ADDRESS: &[u8] = b"where the host listens";

fn answer_code(given: &Value) -> Answer {
    match Entered::parse(text(given, "entered")) {
        Ok(entered) => {
            let mut gives = json!({ "form": u8::from(entered.form()), "PRS": hex(entered.prs()) });
            if let Entered::Scanned(scanned) = &entered {
                gives["chan_H"] = json!(hex(scanned.host()));
                let addresses = scanned.addresses().iter().map(hex);
                gives["addresses"] = json!(addresses.collect::<Vec<_>>());
            }
            Answer::Gives(gives)
        }
        Err(refused) => Answer::refuses(match refused {
            CodeError::WrongCheckDigit => "check digit",
            CodeError::TooShort { .. } => "too few digits",
            CodeError::TooLong { .. } => "too many digits",
            CodeError::NotADigit(_) => "no digit",
            CodeError::NotBase32(_) => "no base32",
            CodeError::Incomplete => "incomplete",
            CodeError::Version(_) => "version",
            CodeError::UnknownPrefix => "prefix",
            CodeError::TextTooLong { .. } => "too long",
        }),
    }
}

fn codes() -> Area {
    const TYPED: &str = "A typed code is read";
    const PASTED: &str = "A pasted code is read";
    let mut area = Area::default();
    let secret: [u8; 16] = fixed(5);
    let invite = Invite::new(&mut Given::new(
        [&48_291_306_u32.to_be_bytes()[..], &secret, &[0x11; 32]].concat(),
    ));
    let shown = invite.typed().shown().to_string();
    let give = |entered: &str| json!({ "entered": entered });
    let typed = json!({ "form": 1, "PRS": hex(b"48291306") });
    area.whole(TYPED, give(&shown), typed.clone());
    let spaced = format!(" {} ", shown.replace(' ', "-"));
    area.whole(
        "A typed code is read with dashes and spaces around it",
        give(&spaced),
        typed.clone(),
    );
    let arabic: String = shown
        .chars()
        .map(|c| {
            c.to_digit(10)
                .map_or(c, |d| char::from_u32(0x660 + d).unwrap())
        })
        .collect();
    area.whole(
        "A typed code is read in Arabic-Indic digits",
        give(&arabic),
        typed,
    );
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let mut no =
        |says: &str, entered: &str, step: &str| area.broken(TYPED, says, give(entered), step);
    let next = |at: usize| {
        let mut other = digits.clone().into_bytes();
        other[at] = b'0' + (other[at] - b'0' + 1) % 10;
        String::from_utf8(other).unwrap()
    };
    no(
        "A typed code with its first digit wrong is refused",
        &next(0),
        "check digit",
    );
    no(
        "A typed code with its check digit wrong is refused",
        &next(8),
        "check digit",
    );
    let mut exchanged = digits.clone().into_bytes();
    exchanged.swap(0, 1);
    no(
        "A typed code with two neighbours exchanged is refused",
        &String::from_utf8(exchanged).unwrap(),
        "check digit",
    );
    no(
        "A typed code without its check digit is refused",
        &digits[..8],
        "too few digits",
    );
    no(
        "A typed code with a digit more is refused",
        &format!("{digits}0"),
        "too many digits",
    );
    no(
        "A typed code with a letter in it is refused",
        &digits.replacen('8', "B", 1),
        "no digit",
    );
    no("An empty text is no code", "", "too few digits");
    no(
        "A text over the longest is no code",
        &"1".repeat(8193),
        "too long",
    );

    let base32 = |bytes: &[u8]| {
        format!(
            "amends1:{}",
            BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
        )
    };
    let parts = |version: u8, host: &[u8], addresses: &[&[u8]]| {
        let mut bytes = vec![version];
        bytes.extend_from_slice(&secret);
        lv::write(&mut bytes, host);
        addresses
            .iter()
            .for_each(|address| lv::write(&mut bytes, address));
        bytes
    };
    let pasted = invite.paste(HOST, &[ADDRESS]).to_string();
    assert_eq!(base32(&parts(1, HOST, &[ADDRESS])), pasted);
    let gives =
        json!({ "form": 2, "PRS": hex(secret), "chan_H": hex(HOST), "addresses": [hex(ADDRESS)] });
    area.whole(PASTED, give(&pasted), gives.clone());
    area.whole(
        "A pasted code is read in upper case",
        give(&pasted.to_ascii_uppercase()),
        gives.clone(),
    );
    let broken = format!("{}\n  {}", &pasted[..30], &pasted[30..]);
    area.whole(
        "A pasted code is read broken over two lines",
        give(&broken),
        gives,
    );
    let mut no =
        |says: &str, entered: &str, step: &str| area.broken(PASTED, says, give(entered), step);
    no(
        "A pasted code of version 2 is refused",
        &base32(&parts(2, HOST, &[ADDRESS])),
        "version",
    );
    no(
        "A pasted code with the prefix of a later version is refused",
        &pasted.replacen("amends1", "amends2", 1),
        "prefix",
    );
    no(
        "A pasted code with a digit that base32 does not have is refused",
        &format!("{pasted}1"),
        "no base32",
    );
    no(
        "A pasted code that lacks its last letters is refused",
        &pasted[..pasted.len() - 5],
        "incomplete",
    );
    no(
        "A pasted code that ends within its secret is refused",
        &base32(&parts(1, HOST, &[])[..12]),
        "incomplete",
    );
    no(
        "A pasted code without a host is refused",
        &base32(&parts(1, HOST, &[])[..17]),
        "incomplete",
    );
    no(
        "A pasted code with an empty host is refused",
        &base32(&parts(1, b"", &[ADDRESS])),
        "incomplete",
    );
    no(
        "A pasted code with a host of 257 bytes is refused",
        &base32(&parts(1, &[1; 257], &[ADDRESS])),
        "incomplete",
    );
    no(
        "A pasted code with seventeen addresses is refused",
        &base32(&parts(1, HOST, &[ADDRESS; 17])),
        "incomplete",
    );
    no(
        "A pasted code with nothing after its prefix is refused",
        "amends1:",
        "incomplete",
    );
    area
}

#[test]
fn codes_are_answered_as_they_say() {
    harness::check("code", &codes(), answer_code);
}

fn answer_kit(given: &Value) -> Answer {
    match Kit::parse(text(given, "typed")) {
        Ok(kit) => Answer::Gives(json!({ "kit": hex(kit.expose()), "words": *kit.words() })),
        Err(refused) => Answer::refuses(match refused {
            KitError::Count(_) => "count",
            KitError::NotAWord(_) => "no word",
            KitError::Checksum => "checksum",
        }),
    }
}

fn kits() -> Area {
    const WHOLE: &str = "The 24 words of a kit are read";
    let mut area = Area::default();
    let kit = Kit::from_bytes(&fixed(41));
    let words = kit.words().to_string();
    let give = |typed: &str| json!({ "typed": typed });
    let gives = json!({ "kit": hex(kit.expose()), "words": words });
    area.whole(WHOLE, give(&words), gives.clone());
    area.whole(
        "The words of a kit are read in upper case, one a line",
        give(&words.to_uppercase().replace(' ', "\n")),
        gives,
    );
    // Trezor's own vectors of BIP 39 for 32 bytes, which others test with too.
    let zeros = format!("{}art", "abandon ".repeat(23));
    area.whole(
        "The kit of zeros has the words that BIP 39 gives",
        give(&zeros),
        json!({ "kit": hex([0; 32]), "words": zeros }),
    );
    let ones = format!("{}vote", "zoo ".repeat(23));
    area.whole(
        "The kit of ones has the words that BIP 39 gives",
        give(&ones),
        json!({ "kit": hex([0xff; 32]), "words": ones }),
    );
    let mut no = |says: &str, typed: &str, step: &str| area.broken(WHOLE, says, give(typed), step);
    let all: Vec<&str> = words.split(' ').collect();
    no(
        "A kit of 23 words is refused",
        &all[..23].join(" "),
        "count",
    );
    no(
        "A kit of 25 words is refused",
        &format!("{words} zoo"),
        "count",
    );
    no("No words are no kit", "", "count");
    no(
        "A kit with a word that is none of the list is refused",
        &words.replacen(all[4], "amends", 1),
        "no word",
    );
    let mut swapped = all.clone();
    swapped.swap(2, 3);
    no(
        "A kit with two words exchanged is refused",
        &swapped.join(" "),
        "checksum",
    );
    no(
        "A kit of 24 times the first word is refused",
        &"abandon ".repeat(24),
        "checksum",
    );
    area
}

#[test]
fn kits_are_answered_as_they_say() {
    harness::check("kit", &kits(), answer_kit);
}
