use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

type Entries<'a> = &'a [(u32, &'a [(&'a str, &'a str)])];

fn index(entries: Entries<'_>) -> Index<u32> {
    let mut index = Index::default();
    for (id, fields) in entries {
        index.put(*id, fields.iter().copied());
    }
    index
}

fn ids(entries: Entries<'_>, typed: &str) -> Vec<u32> {
    let index = index(entries);
    index
        .search(&Query::parse(typed), usize::MAX)
        .iter()
        .map(|found| *found.id)
        .collect()
}

/// What is marked in one text.
fn marked<'a>(text: &'a str, typed: &str) -> Vec<&'a str> {
    let index = index(&[(0, &[("text", text)])]);
    let found = index.search(&Query::parse(typed), 1);
    let fields = found.iter().flat_map(|found| &found.fields);
    fields
        .flat_map(|field| &field.hits)
        .map(|hit| &text[hit.clone()])
        .collect()
}

#[test]
fn case_and_accents_are_folded() {
    for (text, folded) in [
        ("Straße GROẞ", "strasse gross"),
        ("Ångström, naïve façade", "angstrom, naive facade"),
        ("İstanbul IĞDIR ı", "istanbul igdir ı"),
        ("ΟΔΥΣΣΕΎΣ Οδυσσεύς ᾳ", "οδυσσευσ οδυσσευσ α"),
        ("Ёлка, йод, їжак", "елка, иод, іжак"),
        ("Tiếng Việt Đường", "tieng viet duong"),
        (
            "Smørrebrød Łódź Ħal Ægir Œuvre",
            "smorrebrod lodz hal aegir oeuvre",
        ),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد كتــاب أحمد", "محمد كتاب احمد"),
        ("हिन्दी में कि", "हिन्दी में कि"),
        ("ﬁne ２０ ™ Ⅳ", "fine 20 tm iv"),
        ("co\u{ad}op \u{200f}x\u{feff}", "coop x"),
        ("می\u{200c}خواهم", "میخواهم"),
        (
            "don’t “say” well\u{2011}being – no",
            "don't \"say\" well-being - no",
        ),
        (" a \t\r\n\u{a0}\u{2003}b\u{3000}", " a b "),
        ("\u{301}", ""),
        ("a ´ b", "a ´ b"),
    ] {
        assert_eq!(fold(text), folded.nfd().collect::<String>(), "{text}");
        assert_eq!(fold(&text.nfd().collect::<String>()), fold(text), "{text}");
    }
    // What is a letter of its own is not an accent.
    assert_ne!(fold("कि"), fold("क"));
    assert_ne!(fold("が"), fold("か"));
    assert_ne!(fold("กา"), fold("กำ"));
    assert_eq!(fold("ｶﾞ"), fold("ガ"));
}

#[test]
fn every_character_is_folded_once_and_for_all() {
    // But for the many ideographs and syllables that all go the same way, and what is not given to anything yet.
    let many = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac20}'..='\u{d700}' | '\u{e000}'..='\u{f8ff}' | '\u{12000}'..='\u{1cfff}');
    let all = ('\0'..='\u{1ffff}')
        .chain('\u{2f800}'..='\u{2fa1f}')
        .chain('\u{e0000}'..='\u{e01ff}');
    for c in all.filter(|c| !many(*c)) {
        let text = format!("a{c}b {c}");
        let folded = fold(&text);
        assert_eq!(fold(&folded), folded, "U+{:04X}", u32::from(c));
        let upper: String = c.to_uppercase().collect();
        // The uppercase of dotless i is that of i, and this is for no language. An iota below a letter is dropped as a
        // mark, and stands beside it in uppercase.
        if c != 'ı' && !c.to_string().nfkd().any(|c| c == '\u{345}') {
            assert_eq!(fold(&upper), fold(&c.to_string()), "U+{:04X}", u32::from(c));
        }
    }
}

#[test]
fn a_word_is_found_where_a_word_begins() {
    let text = "Repairing takes a repairman's time, l’été (repaired), well-repaired; unrepaired";
    assert_eq!(
        marked(text, "REPAIR"),
        ["Repair", "repair", "repair", "repair"]
    );
    assert_eq!(marked(text, "ete"), ["été"]);
    assert_eq!(marked(text, "l'ete"), ["l’été"]);
    assert_eq!(marked(text, "pair"), [""; 0]);
    assert_eq!(marked(text, "(repaired)"), ["(repaired)"]);
    assert_eq!(marked("Groß, größer", "gros"), [""; 0]);
    assert_eq!(marked("Groß, größer", "gross"), ["Groß", "größ"]);
    assert_eq!(marked("e\u{301}te\u{301} x", "ete"), ["e\u{301}te\u{301}"]);
    assert_eq!(marked("लड़का लड़की", "लड़क"), ["लड़क", "लड़क"]);
    assert_eq!(marked("क्षमा", "क"), [""; 0]);
    assert_eq!(marked("가다 각오", "가"), ["가"]);
}

#[test]
fn scripts_without_spaces_are_found_anywhere() {
    assert_eq!(marked("我们需要时间", "时间"), ["时间"]);
    assert_eq!(marked("約束をまもる", "まもる"), ["まもる"]);
    assert_eq!(marked("コーヒー", "ヒー"), ["ヒー"]);
    assert_eq!(marked("がABCを", "abc"), ["ABC"]);
    assert_eq!(marked("ขอเวลาหน่อย", "เวลา"), ["เวลา"]);
    assert_eq!(marked("が", "か"), [""; 0]);
    assert_eq!(marked("пробел", "бел"), [""; 0]);
}

#[test]
fn all_words_must_be_there_in_whatever_field() {
    let entries: Entries<'_> = &[
        (1, &[("title", "Phones"), ("text", "away at dinner")]),
        (2, &[("title", "Dinner"), ("text", "at seven")]),
        (3, &[("title", ""), ("text", "")]),
        (4, &[]),
    ];
    assert_eq!(ids(entries, "dinner phone"), [1]);
    assert_eq!(ids(entries, "dinner"), [2, 1]);
    assert_eq!(ids(entries, "at"), [2, 1]);
    assert_eq!(ids(entries, "dinner breakfast"), [0; 0]);
    for nothing in ["", "  ", "\"\"", "“ ”", "\u{301}", "\u{200f}"] {
        assert!(Query::parse(nothing).is_empty());
        assert_eq!(ids(entries, nothing), [0; 0]);
    }
}

#[test]
fn phrases_are_found_as_phrases() {
    let text = "We keep the\n\tpromise. The promises we keep.";
    assert_eq!(marked(text, "\"the promise\""), ["the\n\tpromise"]);
    assert_eq!(
        marked(text, "“The Promise” keep"),
        ["keep", "the\n\tpromise", "keep"]
    );
    assert_eq!(
        marked(text, "\"the promise"),
        ["the\n\tpromise", "The promise"]
    );
    assert_eq!(marked(text, "\"promise the\""), [""; 0]);
    assert_eq!(marked(text, "„we keep“"), ["We keep", "we keep"]);
    let query = Query::parse(" eins \"zwei  drei\"vier Eins «fünf» 12\"x \"offen ");
    assert_eq!(
        query.words().collect::<Vec<_>>(),
        ["eins", "zwei drei", "vier", "funf", "12\"x", "offen"]
    );
}

#[test]
fn the_best_comes_first() {
    let entries: Entries<'_> = &[
        (1, &[("title", "Other"), ("text", "trust and time")]),
        (2, &[("title", "Time"), ("text", "trust")]),
        (3, &[("title", "About time and trust"), ("text", "")]),
        (4, &[("title", "Trust, time"), ("text", "")]),
        (
            5,
            &[
                ("title", "Other"),
                ("text", "it takes time, and then trust"),
            ],
        ),
        (6, &[("title", "Trust, time"), ("text", "")]),
        (7, &[("title", "Other"), ("text", "trust"), ("why", "time")]),
    ];
    assert_eq!(ids(entries, "trust time"), [4, 6, 3, 2, 1, 5, 7]);
    assert_eq!(ids(entries, "time trust"), [4, 6, 3, 2, 1, 5, 7]);
    let index = index(entries);
    let found = index.search(&Query::parse("trust"), 2);
    assert_eq!(
        found.iter().map(|found| *found.id).collect::<Vec<_>>(),
        [4, 6]
    );
}

#[test]
fn hits_that_overlap_are_one() {
    assert_eq!(marked("repair it", "rep repair"), ["repair"]);
    assert_eq!(
        marked("one two three", "\"one two\" \"two three\""),
        ["one two"]
    );
}

#[test]
fn a_snippet_is_the_text_around_the_first_hit() {
    let before = "wörter ".repeat(30);
    let behind = " more words".repeat(30);
    let text = format!("{before}Hit here{behind} hit");
    let made = index(&[(1, &[("title", "A hit"), ("text", &text)])]);
    let found = made.search(&Query::parse("hit"), 9);
    let [title, body] = found[0].fields.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (title.name, title.snippet.text, title.snippet.hits.first()),
        ("title", "A hit", Some(&(2..5)))
    );
    assert!(!title.snippet.cut_before && !title.snippet.cut_behind);
    let shown = &body.snippet;
    assert_eq!(body.hits.len(), 2);
    assert!(shown.cut_before && shown.cut_behind);
    assert!(
        shown.text.starts_with("wörter wörter") && shown.text.ends_with("more words"),
        "{}",
        shown.text
    );
    let letters = shown.text.chars().count();
    assert!((100..=BEFORE + 3 + BEHIND).contains(&letters), "{letters}");
    assert_eq!(
        shown
            .hits
            .iter()
            .map(|hit| &shown.text[hit.clone()])
            .collect::<Vec<_>>(),
        ["Hit"]
    );

    // Without a space it is cut between letters, none of which falls apart.
    let family = "👩\u{200d}👩\u{200d}👧";
    let text = format!("{}时间{}", family.repeat(100), family.repeat(200));
    let made = index(&[(1, &[("text", &text)])]);
    let found = made.search(&Query::parse("时间"), 9);
    let shown = &found[0].fields[0].snippet;
    assert_eq!(
        shown.text,
        format!("{}时间{}", family.repeat(BEFORE), family.repeat(BEHIND))
    );
}

/// Texts with all that is folded in one way or another.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter),
        "[aAbBsSß ﬁİıäÄ\u{301}\u{308}\u{ad}\u{200d}’\"“”\n\u{a0}カがﾞ가각\u{1100}\u{1161}\u{11a8}किक़्ষकشَشה\u{5b0}时ーก่ำ´]{0,30}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// What is put in one after the other, and put anew, is found as what is put in at once.
    #[test]
    fn it_is_the_same_however_the_index_came_to_hold_it(
        steps in prop::collection::vec((0..12_u32, "[abä ]{0,9}"), 0..40),
        typed in "[abä]{1,3}",
    ) {
        let mut grown = Index::default();
        let mut held = std::collections::BTreeMap::new();
        for (id, text) in &steps {
            grown.put(*id, [("title", text.as_str())]);
            held.insert(*id, text.as_str());
        }
        let mut made = Index::default();
        for (id, text) in held {
            made.put(id, [("title", text)]);
        }
        let query = Query::parse(&typed);
        prop_assert_eq!(grown.search(&query, 99), made.search(&query, 99));
    }

    #[test]
    fn folding_again_changes_nothing(text in texts()) {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn equivalent_texts_are_equal_folded(text in texts()) {
        prop_assert_eq!(fold(&text.nfc().collect::<String>()), fold(&text));
        prop_assert_eq!(fold(&text.nfd().collect::<String>()), fold(&text));
    }

    #[test]
    fn every_hit_is_a_word_of_the_query(title in texts(), text in texts(), typed in texts(), from in any::<prop::sample::Index>(), length in 1..6_usize) {
        // A piece of the text itself too, so that something is found.
        let chars: Vec<char> = text.chars().collect();
        let start = if chars.is_empty() { 0 } else { from.index(chars.len()) };
        let piece: String = chars.iter().skip(start).take(length).collect();
        let entries: &[(u32, &[(&str, &str)])] = &[(7, &[("title", &title), ("text", &text)])];
        let index = index(entries);
        for typed in [&typed, &piece, &format!("\"{piece}\""), &format!("\"{piece}")] {
            let query = Query::parse(typed);
            for found in index.search(&query, 9) {
                let mut left: Vec<&str> = query.words().collect();
                for field in &found.fields {
                    prop_assert!(!field.hits.is_empty());
                    for hit in &field.hits {
                        let hit = fold(field.text.get(hit.clone()).unwrap());
                        prop_assert!(query.words().any(|word| word == hit), "{hit:?} {query:?}");
                    }
                    prop_assert!(field.hits.is_sorted_by(|a, b| a.end <= b.start));
                    let shown = &field.snippet;
                    prop_assert!(field.text.contains(shown.text));
                    for (inside, hit) in shown.hits.iter().zip(&field.hits) {
                        prop_assert_eq!(shown.text.get(inside.clone()), field.text.get(hit.clone()));
                    }
                    prop_assert!(!shown.hits.is_empty());
                    left.retain(|word| !fold(field.text).contains(word));
                }
                prop_assert_eq!(left, Vec::<&str>::new());
            }
        }
    }

    #[test]
    fn a_word_of_a_text_is_found_in_it(words in prop::collection::vec("[a-zA-ZäöüßéñÅøПрив]{1,8}", 1..12), which in any::<prop::sample::Index>()) {
        let text = words.join(" ");
        let word = &words[which.index(words.len())];
        let upper = word.to_uppercase();
        for typed in [word, &upper, &format!("\"{word}\"")] {
            prop_assert!(marked(&text, typed).iter().any(|hit| fold(hit) == fold(word)), "{typed}");
        }
    }
}
