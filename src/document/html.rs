//! A document as one HTML page that stands alone.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::{Block, Document, Picture, Section, language, one_line, paragraphs, shown};

/// Readable on a screen and on paper; a dark screen stays dark.
const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:1.05rem/1.55 Georgia,'Times New Roman',serif;max-width:42rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1,h2,h3,nav,dl{font-family:system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.25}
h2{font-size:1.3rem;margin:0 0 .5rem}
h3{font-size:1.05rem}
section{margin:2.5rem 0;padding-top:1.25rem;border-top:1px solid #8888}
nav{font-size:.95rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.9rem}
dt{opacity:.75}
dd{margin:0}
p,dd,blockquote{unicode-bidi:plaintext}
p{white-space:pre-wrap}
figure{margin:1.25rem 0}
blockquote{margin:0;padding-inline-start:1rem;border-inline-start:.2rem solid #8888}
figcaption{font-size:.9rem;opacity:.75;margin-top:.25rem}
img{max-width:100%;height:auto}
@media print{
body{max-width:none;margin:0;font-size:11pt}
h1,h2,h3{break-after:avoid}
figure,dl,li{break-inside:avoid}
a{color:inherit;text-decoration:none}
}
";

impl Document {
    /// The document as one HTML page (the Living Standard) in UTF-8, which needs nothing but itself and runs nothing.
    ///
    /// Its policy lets a browser take this one stylesheet, by its hash, and the pictures inside the page, and nothing
    /// else: no script, nothing from elsewhere. What people wrote has its direction found by its first letter.
    pub fn to_html(&self) -> String {
        let mut page = Page::default();
        let tag = language(&self.language).unwrap_or_default();
        let hash = BASE64.encode(&Sha256::digest(STYLE));
        page.raw(&format!(
            "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n"
        ));
        page.raw(&format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
        ));
        page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.around("<title>", &title(&self.title), "</title>\n");
        page.raw(&format!("<style>{STYLE}</style>\n</head>\n<body>\n"));
        page.around("<h1 dir=\"auto\">", &one_line(&self.title), "</h1>\n");
        for paragraph in &self.intro {
            page.words(paragraph);
        }
        self.contents(&mut page);
        page.raw("<main>\n");
        for (number, section) in self.sections.iter().enumerate() {
            page.section(&anchor(number, section), section);
        }
        page.raw("</main>\n</body>\n</html>\n");
        page.0
    }

    fn contents(&self, page: &mut Page) {
        if self.sections.is_empty() {
            return;
        }
        page.raw("<nav>\n<h2 lang=\"en\">Contents</h2>\n<ol>\n");
        for (number, section) in self.sections.iter().enumerate() {
            page.raw(&format!(
                "<li dir=\"auto\"{}><a href=\"#{}\">",
                lang(section),
                anchor(number, section)
            ));
            page.text(&one_line(&section.heading));
            page.raw("</a></li>\n");
        }
        page.raw("</ol>\n</nav>\n");
    }
}

/// A title may not be empty (HTML section 4.2.2).
fn title(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        "—".to_owned()
    } else {
        line
    }
}

/// Where a section can be linked to: unlike any other in the page, whatever its id is.
fn anchor(number: usize, section: &Section) -> String {
    let plain: String = section
        .id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(64)
        .collect();
    let number = number.saturating_add(1);
    if plain.is_empty() {
        format!("s{number}")
    } else {
        format!("s{number}-{plain}")
    }
}

fn lang(section: &Section) -> String {
    language(&section.language)
        .map(|tag| format!(" lang=\"{tag}\""))
        .unwrap_or_default()
}

/// The page so far.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Markup of ours.
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// A text that went through [`shown`], as text or within an attribute in double quotes.
    fn text(&mut self, shown: &str) {
        for c in shown.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
    }

    fn around(&mut self, before: &str, shown: &str, after: &str) {
        self.raw(before);
        self.text(shown);
        self.raw(after);
    }

    /// People's text, as paragraphs.
    fn words(&mut self, words: &str) {
        for lines in paragraphs(&shown(words)) {
            self.raw("<p dir=\"auto\">");
            for (number, line) in lines.iter().enumerate() {
                if number > 0 {
                    self.raw("<br>");
                }
                self.text(line);
            }
            self.raw("</p>\n");
        }
    }

    fn section(&mut self, anchor: &str, section: &Section) {
        self.raw(&format!("<section id=\"{anchor}\"{}>\n", lang(section)));
        self.around("<h2 dir=\"auto\">", &one_line(&section.heading), "</h2>\n");
        if !section.details.is_empty() {
            self.raw("<dl>\n");
            for (label, value) in &section.details {
                self.around("<dt dir=\"auto\">", &one_line(label), "</dt>");
                self.around("<dd dir=\"auto\">", &one_line(value), "</dd>\n");
            }
            self.raw("</dl>\n");
        }
        for block in &section.blocks {
            self.block(block);
        }
        self.raw("</section>\n");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Words(words) => self.words(words),
            Block::Quote { by, words } => {
                self.raw("<figure>\n<blockquote>\n");
                self.words(words);
                self.raw("</blockquote>\n");
                let by = one_line(by);
                if !by.is_empty() {
                    self.around("<figcaption dir=\"auto\">", &by, "</figcaption>\n");
                }
                self.raw("</figure>\n");
            }
            Block::List(items) if items.is_empty() => {}
            Block::List(items) => {
                self.raw("<ul>\n");
                for item in items {
                    self.raw("<li>\n");
                    self.words(item);
                    self.raw("</li>\n");
                }
                self.raw("</ul>\n");
            }
            Block::Picture(Picture { kind, bytes, alt }) => {
                self.raw(&format!(
                    "<figure><img src=\"data:{};base64,",
                    kind.media_type()
                ));
                BASE64.encode_append(bytes, &mut self.0);
                self.around("\" alt=\"", &one_line(alt), "\"></figure>\n");
            }
            Block::Subheading(line) => self.around("<h3 dir=\"auto\">", &one_line(line), "</h3>\n"),
        }
    }
}
