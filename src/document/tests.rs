//! What a document becomes is read again by readers that are none of ours.

use data_encoding::BASE64;
use html5gum::{Token, Tokenizer};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use sha2::{Digest, Sha256};

use super::*;

/// What people, or their programs, might type.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</p></section></main><script src=//evil.example/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "\" onload=\"alert(1)\" x=\"",
    "' onmouseover='alert(1)",
    "<!-- a comment --> <![CDATA[x]]> <?xml?> <!DOCTYPE x>",
    "</title><style>body{display:none}</style>",
    "&lt;b&gt; &amp;amp; &#60;script&#62; &#x3c; &notit; &lt",
    "javascript:alert(1) data:text/html,<b>x</b>",
    "NUL\0here, BEL\u{7}, ESC\u{1b}[2J, DEL\u{7f}, CSI\u{9b}31m, NEL\u{85}end",
    "right\u{202e}to left\u{202c} and \u{2066}an isolate\u{2069}, \u{202a}\u{202b}\u{202d}",
    "\u{feff}mark \u{fffe} \u{10ffff} \u{fdd0}",
    "# heading\n## heading ##\nsetext\n===\nsetext\n---\n***\n_ _ _",
    "- list\n+ list\n* list\n1. one\n2) two\n-\n- [ ] task",
    "> quote\n>quote\n    code by spaces\n\tcode by a tab\n```\nfence\n~~~",
    "[link](http://evil.example) [ref]: /x \"t\"\n[ref]\n![picture](x.png) <http://evil.example>",
    "[a]: http://evil.example\n[^1]: a footnote\n[[wiki]] [^1]",
    "*em* _em_ **strong** __strong__ `code` ``x`` ~~gone~~ ^up^ ~down~ $x$ $$y$$",
    "back\\slash \\* \\\nends with one\\\n\\",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "term\n: definition\n\n---\ntitle: metadata\n---\n+++\nx = 1\n+++",
    "  two before, two after  \n \t mixed \t \n\n\n\nmany empty lines\n\n   \n\nend\n\n",
    "{#id .class} # h {#x}\n> [!NOTE]\n> alert",
    "one\r\ntwo\rthree\u{b}four\u{c}five\u{2028}six\u{2029}seven",
    "שלום עולם\nمرحبا بالعالم \u{200f}!\nक्षमा करें 👩‍👩‍👧 é ﬁ",
    "&",
    "#",
    "\\",
    " ",
    "",
];

fn a_document(words: &str) -> Document {
    let words = words.to_owned();
    Document {
        title: words.clone(),
        language: words.clone(),
        intro: vec![words.clone()],
        sections: vec![
            Section {
                id: words.clone(),
                heading: words.clone(),
                language: words.clone(),
                details: vec![
                    (words.clone(), words.clone()),
                    ("Label".to_owned(), words.clone()),
                ],
                blocks: vec![
                    Block::Words(words.clone()),
                    Block::Quote {
                        by: words.clone(),
                        words: words.clone(),
                    },
                    Block::List(vec![words.clone(), words.clone()]),
                    Block::List(vec![words.clone()]),
                    Block::Subheading(words.clone()),
                    Block::Picture(Picture {
                        kind: PictureKind::Png,
                        bytes: words.clone().into_bytes(),
                        alt: words.clone(),
                    }),
                    Block::Words(words),
                ],
            },
            Section::default(),
        ],
    }
}

/// A text as both forms should give it: its paragraphs parted by an empty line. Written otherwise than `paragraphs`.
fn as_words(text: &str) -> String {
    let mut out = String::new();
    let mut empty_before = false;
    for line in shown(text).split('\n') {
        if line.trim_matches([' ', '\t']).is_empty() {
            empty_before = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty_before { "\n\n" } else { "\n" });
        }
        empty_before = false;
        out.push_str(line);
    }
    out
}

fn as_line(text: &str) -> String {
    shown(text)
        .replace(['\n', '\t'], " ")
        .trim_matches(' ')
        .to_owned()
}

/// The page as an HTML reader sees it: the tags with their attributes, and the text of each element that holds text.
struct Read {
    tags: Vec<(String, Vec<(String, String)>)>,
    texts: Vec<(String, String)>,
}

/// Reads a page; panics where its tokens are not those of valid HTML or its elements do not close in order.
fn read_html(page: &str) -> Read {
    const VOID: &[&str] = &["meta", "img", "br"];
    let (mut open, mut tags, mut texts) = (
        Vec::<String>::new(),
        Vec::new(),
        Vec::<(String, String)>::new(),
    );
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for token in Tokenizer::new(page) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = utf8(&tag.name);
                let attributes = tag
                    .attributes
                    .iter()
                    .map(|(k, v)| (utf8(k), utf8(v)))
                    .collect();
                assert!(!tag.self_closing);
                if name == "br" {
                    texts.last_mut().unwrap().1.push('\n');
                } else if !VOID.contains(&name.as_str()) {
                    open.push(name.clone());
                    texts.push((open.join(" "), String::new()));
                }
                tags.push((name, attributes));
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(utf8(&tag.name))),
            Token::String(text) => {
                let text = utf8(&text);
                if text.trim_matches('\n').is_empty() {
                    continue;
                }
                let last = texts.last_mut().unwrap();
                assert_eq!(
                    last.0,
                    open.join(" "),
                    "text outside of an element that holds text: {text:?}"
                );
                last.1.push_str(&text);
            }
            Token::Doctype(doctype) => assert_eq!(&doctype.name[..], b"html"),
            Token::Comment(comment) => panic!("a comment: {comment:?}"),
            Token::Error(error) => panic!("not valid: {error:?} in {page}"),
        }
    }
    assert!(open.is_empty());
    Read { tags, texts }
}

impl Read {
    fn texts(&self, end: &str) -> Vec<&str> {
        let found = self.texts.iter().filter(|(path, _)| path.ends_with(end));
        found.map(|(_, text)| text.as_str()).collect()
    }
}

/// Everything that anybody wrote is text, and the tags are those of a harmless text of the same shape.
fn check_html(words: &str) {
    let document = a_document(words);
    let page = document.to_html();
    let read = read_html(&page);

    let paragraphs: Vec<String> = as_words(words).split("\n\n").map(str::to_owned).collect();
    let paragraphs = if paragraphs == [""] {
        Vec::new()
    } else {
        paragraphs
    };
    assert_eq!(read.texts("html body p"), paragraphs);
    assert_eq!(read.texts("figure blockquote p"), paragraphs);
    assert_eq!(read.texts("ul li p"), vec![paragraphs.clone(); 3].concat());
    assert_eq!(
        read.texts("main section p"),
        vec![paragraphs.clone(); 2].concat()
    );
    let line = as_line(words);
    assert_eq!(read.texts("body h1"), [&line]);
    assert_eq!(read.texts("section h2"), [line.as_str(), ""]);
    assert_eq!(read.texts("section h3"), [&line]);
    assert_eq!(read.texts("nav ol li a"), [line.as_str(), ""]);
    assert_eq!(read.texts("dl dt"), [line.as_str(), "Label"]);
    assert_eq!(read.texts("dl dd"), [&line, &line]);
    assert_eq!(
        read.texts("head title"),
        [if line.is_empty() { "—" } else { &line }]
    );

    let mut ids = Vec::new();
    for (tag, attributes) in &read.tags {
        for (name, value) in attributes {
            match (tag.as_str(), name.as_str()) {
                ("html" | "section" | "li" | "h2", "lang") => {
                    assert!(
                        value
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                        "{value:?}"
                    );
                }
                ("section", "id") => ids.push(value.clone()),
                ("a", "href") => assert!(value.starts_with("#s"), "{value:?}"),
                ("img", "src") => assert_eq!(
                    *value,
                    format!("data:image/png;base64,{}", BASE64.encode(words.as_bytes()))
                ),
                ("img", "alt") => assert_eq!(*value, line),
                (_, "dir") => assert_eq!(value, "auto"),
                ("meta", "charset" | "http-equiv" | "content" | "name") => {}
                other => panic!("an attribute that we do not write: {other:?}"),
            }
        }
        assert!(
            [
                "html",
                "head",
                "meta",
                "title",
                "style",
                "body",
                "h1",
                "h2",
                "h3",
                "p",
                "br",
                "nav",
                "ol",
                "ul",
                "li",
                "a",
                "main",
                "section",
                "dl",
                "dt",
                "dd",
                "figure",
                "blockquote",
                "figcaption",
                "img"
            ]
            .contains(&tag.as_str()),
            "<{tag}>"
        );
    }
    let links: Vec<String> = read
        .tags
        .iter()
        .filter(|(tag, _)| tag == "a")
        .map(|(_, attributes)| attributes[0].1[1..].to_owned())
        .collect();
    assert_eq!(links, ids);
    let harmful = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || "\u{202e}\u{202d}\u{2066}\u{2069}".contains(c)
    };
    assert!(!page.contains(harmful));
}

#[test]
fn nothing_hostile_is_markup_in_html() {
    for words in HOSTILE {
        check_html(words);
    }
    check_html(&HOSTILE.join("\n"));
}

#[test]
fn the_policy_lets_in_this_stylesheet_and_nothing_else() {
    let page = a_document("Words").to_html();
    let read = read_html(&page);
    let style = read.texts("head style")[0];
    let hash = BASE64.encode(&Sha256::digest(style));
    let metas: Vec<_> = read.tags.iter().filter(|(tag, _)| tag == "meta").collect();
    let policy = metas
        .iter()
        .find(|(_, attributes)| {
            attributes.contains(&(
                "http-equiv".to_owned(),
                "Content-Security-Policy".to_owned(),
            ))
        })
        .unwrap();
    let content = policy.1.iter().find(|(name, _)| name == "content").unwrap();
    assert_eq!(
        content.1,
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
        )
    );
    let of = |tag: &str| read.tags.iter().position(|(name, _)| name == tag).unwrap();
    let policy_at = read.tags.iter().position(|tag| tag == *policy).unwrap();
    assert!(policy_at < of("style") && policy_at < of("img"));
    assert!(
        metas
            .iter()
            .any(|(_, a)| a.iter().any(|(_, value)| value == "no-referrer"))
    );
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains('<'));
}

#[test]
fn a_language_is_said_where_it_can_be_one() {
    let mut document = a_document("Words");
    document.language = "de-AT".to_owned();
    document.sections[0].language = "uk".to_owned();
    let read = read_html(&document.to_html());
    let lang = |tag: &str, nth: usize| {
        let (_, attributes) = read
            .tags
            .iter()
            .filter(|(name, _)| name == tag)
            .nth(nth)
            .unwrap();
        attributes
            .iter()
            .find(|(name, _)| name == "lang")
            .map(|(_, value)| value.clone())
    };
    assert_eq!(lang("html", 0).as_deref(), Some("de-AT"));
    assert_eq!(lang("section", 0).as_deref(), Some("uk"));
    assert_eq!(lang("section", 1), None);
    document.language = "de\" onload=\"x".to_owned();
    assert!(document.to_html().contains("<html lang=\"\">"));
}

/// What a reader of CommonMark finds: the words of each block, its kind first.
fn read_markdown(text: &str, options: Options) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(tag) => {
                let name = match &tag {
                    Tag::Paragraph => "p".to_owned(),
                    Tag::Heading { level, .. } => level.to_string(),
                    Tag::BlockQuote(None) => "quote".to_owned(),
                    Tag::List(None) => "list".to_owned(),
                    Tag::Item => "item".to_owned(),
                    Tag::Image {
                        dest_url, title, ..
                    } => {
                        assert!(title.is_empty());
                        blocks.push((format!("image {dest_url}"), String::new()));
                        open.push(String::new());
                        continue;
                    }
                    other => panic!("markup that we do not write: {other:?} in {text}"),
                };
                if ["p", "item"].contains(&name.as_str()) || name.starts_with('h') {
                    let path = if name == "p" && open.last().is_some_and(|n| n == "item") {
                        // A paragraph of an item: joined with those before it.
                        let last = &mut blocks.last_mut().unwrap().1;
                        if !last.is_empty() {
                            last.push_str("\n\n");
                        }
                        None
                    } else {
                        Some(
                            open.iter()
                                .chain([&name])
                                .cloned()
                                .collect::<Vec<_>>()
                                .join(" "),
                        )
                    };
                    blocks.extend(path.map(|path| (path, String::new())));
                }
                open.push(name);
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(words) => blocks.last_mut().unwrap().1.push_str(&words),
            Event::SoftBreak | Event::HardBreak => blocks.last_mut().unwrap().1.push('\n'),
            other => panic!("markup that we do not write: {other:?} in {text}"),
        }
    }
    blocks
}

/// Everything that anybody wrote is text, exactly, in the places where it was put.
fn check_markdown(words: &str) {
    let document = a_document(words);
    let text = document.to_markdown(|n, picture| {
        assert_eq!((n, picture.bytes.as_slice()), (0, words.as_bytes()));
        Some(format!("pictures/{}.png", words.replace(['/', '.'], "")))
    });
    let (line, words) = (as_line(words), as_words(words));
    let paragraphs = |path: &str| {
        let all = words.split("\n\n").filter(|p| !p.is_empty());
        all.map(|p| (path.to_owned(), p.to_owned()))
            .collect::<Vec<_>>()
    };
    let one = |path: &str, text: &str| vec![(path.to_owned(), text.to_owned())];
    // A single line, where it stands as a paragraph or an item, keeps no empty beginning or end either.
    let mut expected = [
        one("h1", &line),
        paragraphs("p"),
        one("h2", &line),
        one("list item", &as_words(&format!("{line}: {line}"))),
        one("list item", &as_words(&format!("Label: {line}"))),
        paragraphs("p"),
        paragraphs("quote p"),
    ]
    .concat();
    if !line.is_empty() {
        expected.extend(one("p", &format!("— {line}")));
    }
    expected.extend(
        [
            one("list item", &words),
            one("list item", &words),
            one("list item", &words),
        ]
        .concat(),
    );
    expected.extend(one("h3", &line));
    expected.extend(one("p", ""));
    expected.extend(one("image", &line));
    expected.extend(paragraphs("p"));
    expected.extend(one("h2", ""));

    let most = Options::all() - Options::ENABLE_SMART_PUNCTUATION;
    for options in [Options::empty(), most] {
        let mut found = read_markdown(&text, options);
        for (path, _) in &mut found {
            if let Some(file) = path.strip_prefix("image ") {
                assert!(
                    file.starts_with("./pictures/")
                        && file
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)),
                    "{file}"
                );
                *path = "image".to_owned();
            }
        }
        assert_eq!(found, expected, "{text}");
    }
    // Two lists in a row are two, and every item is one.
    let lists = Parser::new(&text)
        .filter(|event| matches!(event, Event::Start(Tag::List(_))))
        .count();
    assert_eq!(lists, 3);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
}

#[test]
fn nothing_hostile_is_markup_in_markdown() {
    for words in HOSTILE {
        check_markdown(words);
    }
    check_markdown(&HOSTILE.join("\n"));
}

#[test]
fn a_picture_without_a_file_is_its_words() {
    let text = a_document("A *lake*").to_markdown(|_, _| None);
    let blocks = read_markdown(&text, Options::all());
    assert!(blocks.contains(&("p".to_owned(), "[A *lake*]".to_owned())));
    assert!(!blocks.iter().any(|(path, _)| path.starts_with("image")));
}

#[test]
fn a_picture_links_to_no_place_but_a_file_beside() {
    for (file, link) in [
        ("pictures/lake.jpg", "./pictures/lake.jpg"),
        (
            "https://evil.example/?x#y",
            "./https%3A//evil.example/%3Fx%23y",
        ),
        ("//evil.example/x", "./evil.example/x"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("a b)<>\n![", "./a%20b%29%3C%3E%0A%21%5B"),
        ("Zürich.png", "./Z%C3%BCrich.png"),
    ] {
        let text = a_document("x").to_markdown(|_, _| Some(file.to_owned()));
        let blocks = read_markdown(&text, Options::empty());
        assert!(
            blocks.contains(&(format!("image {link}"), "x".to_owned())),
            "{text}"
        );
    }
}

#[test]
fn both_forms_read_well() {
    let document = Document {
        title: "For Dr. Weber".to_owned(),
        language: "en".to_owned(),
        intro: vec!["Three entries.\nBoth agreed.".to_owned()],
        sections: vec![Section {
            id: "lusab".to_owned(),
            heading: "Phones".to_owned(),
            details: vec![("Agreed by".to_owned(), "Ana, Bo".to_owned())],
            blocks: vec![
                Block::Words("I will ask first.\n\nAlways.".to_owned()),
                Block::Quote {
                    by: "Bo".to_owned(),
                    words: "Thank you - really.".to_owned(),
                },
                Block::List(vec!["one".to_owned(), "two\nlines".to_owned()]),
            ],
            ..Section::default()
        }],
    };
    assert_eq!(
        document.to_markdown(|_, _| None),
        "# For Dr. Weber\n\nThree entries.\\\nBoth agreed.\n\n## Phones\n\n- Agreed by: Ana, Bo\n\nI will ask first.\n\nAlways.\n\n\
         > Thank you - really.\n\n— Bo\n\n* one\n* two\\\n  lines\n\n"
    );
    let page = document.to_html();
    assert!(
        page.contains("<section id=\"s1-lusab\">\n<h2 dir=\"auto\">Phones</h2>\n"),
        "{page}"
    );
    assert!(
        page.contains("<p dir=\"auto\">Three entries.<br>Both agreed.</p>\n"),
        "{page}"
    );
}

#[test]
fn a_picture_is_of_a_kind_that_browsers_show() {
    for (media_type, extension) in [
        ("image/jpeg", "jpg"),
        ("image/png", "png"),
        ("image/webp", "webp"),
    ] {
        let kind = PictureKind::of(media_type).unwrap();
        assert_eq!(
            (kind.media_type(), kind.extension()),
            (media_type, extension)
        );
    }
    for other in ["image/svg+xml", "image/heic", "text/html", "", "IMAGE/PNG"] {
        assert_eq!(PictureKind::of(other), None);
    }
    let document = a_document("x");
    assert_eq!(pictures(&document).count(), 1);
}

#[test]
fn what_cannot_be_seen_is_shown() {
    assert_eq!(shown("a\0b\u{1b}c\u{7f}d\u{9b}e"), "a␀b␛c␡d\u{fffd}e");
    assert_eq!(shown("a\u{202e}b\u{2069}"), "a[U+202E]b[U+2069]");
    assert_eq!(shown("a\r\nb\rc\u{2029}d\te"), "a\nb\nc\n\nd\te");
    assert_eq!(
        shown("\u{fffe}\u{fdd0}\u{1ffff}"),
        "\u{fffd}\u{fffd}\u{fffd}"
    );
    for kept in [
        "שלום \u{200f}!",
        "क्षमा",
        "👩\u{200d}👧",
        "a\u{301}",
        "🏴\u{e0067}\u{e007f}",
    ] {
        assert_eq!(shown(kept), kept);
    }
}

/// Words in which markup is likely.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \t\n\r#+=*_`~<>&;|:!()\\[\\]{}\\\\0-9a-cA-Z\"'./$^-]{0,60}",
        prop::collection::vec(prop::sample::select(HOSTILE.to_vec()), 0..4)
            .prop_map(|pieces| pieces.concat()),
        prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_words_in_html(words in words()) {
        check_html(&words);
    }

    #[test]
    fn any_words_are_words_in_markdown(words in words()) {
        check_markdown(&words);
    }
}
