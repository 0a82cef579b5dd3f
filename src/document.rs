//! Something to read, as an export and a counselor's packet hand it on: a title, a few lines before all, and sections.
//!
//! A [`Document`] knows nothing of entries. Whoever makes one puts into it what is to be read; [`Document::to_html`] and
//! [`Document::to_markdown`] write it so that nothing in it acts, whatever was typed. In both, people's words come out
//! as [`shown`] gives them: as typed, but for what a reader could not see or what would turn the words around it.

mod html;
mod markdown;
#[cfg(test)]
mod tests;

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// One line.
    pub title: String,
    /// The language of what is not said to be in another (BCP 47); empty where it is not known.
    pub language: String,
    /// What stands before all sections, each a paragraph.
    pub intro: Vec<String>,
    /// The parts, in the order in which they are read.
    pub sections: Vec<Section>,
}

/// One part of a document, such as one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// A short name to link to, such as the id of an entry.
    pub id: String,
    /// One line.
    pub heading: String,
    /// The language of this part (BCP 47); empty where it is that of the document.
    pub language: String,
    /// What is known of it, as label and value, each one line.
    pub details: Vec<(String, String)>,
    /// What is to be read.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// People's text: lines end where they were ended, an empty line begins a new paragraph.
    Words(String),
    /// People's text, and who wrote it.
    Quote {
        /// Who, as one line; empty where that is not said.
        by: String,
        /// What they wrote, as in [`Block::Words`].
        words: String,
    },
    /// Things one below the other, each as in [`Block::Words`].
    List(Vec<String>),
    /// A picture.
    Picture(Picture),
    /// A heading within the section, one line.
    Subheading(String),
}

/// A picture. Its bytes go into the document as they are: what a camera wrote into them of place and time too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the bytes are.
    pub kind: PictureKind,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What it shows, for who cannot see it, as one line.
    pub alt: String,
}

/// The kinds of pictures that a journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// A photo.
    Jpeg,
    /// A drawing or a screenshot.
    Png,
    /// Either.
    WebP,
}

impl PictureKind {
    /// The media type (RFC 2046, RFC 9649).
    pub fn media_type(self) -> &'static str {
        match self {
            PictureKind::Jpeg => "image/jpeg",
            PictureKind::Png => "image/png",
            PictureKind::WebP => "image/webp",
        }
    }

    /// The kind of a media type; `None` for what a browser might not show.
    pub fn of(media_type: &str) -> Option<PictureKind> {
        [PictureKind::Jpeg, PictureKind::Png, PictureKind::WebP]
            .into_iter()
            .find(|kind| kind.media_type() == media_type)
    }

    /// How the name of such a file ends, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            PictureKind::Jpeg => "jpg",
            PictureKind::Png => "png",
            PictureKind::WebP => "webp",
        }
    }
}

/// Every picture of a document, in the order in which they are read.
pub fn pictures(document: &Document) -> impl Iterator<Item = &Picture> {
    let blocks = document.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(|block| match block {
        Block::Picture(picture) => Some(picture),
        _ => None,
    })
}

/// `text` as a reader sees it in either form.
///
/// - Every kind of line end (CR LF, CR, VT, FF, NEL, LINE SEPARATOR) is a line feed, a PARAGRAPH SEPARATOR two.
/// - A control character of C0 and DEL is its picture (U+2400 and on), one of C1 and a noncharacter U+FFFD. Tabs stay.
/// - What turns the reading direction of the words around it (embeddings, overrides, isolates; Unicode UAX 9) is shown
///   as its number. The marks LRM, RLM and ALM stay: they are part of how Hebrew and Arabic are written.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' => out.push('\n'),
            '\u{2029}' => out.push_str("\n\n"),
            '\t' => out.push('\t'),
            '\0'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'))
            }
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' => out.push('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push_str(&format!("[U+{:04X}]", u32::from(c)));
            }
            c if u32::from(c) & 0xfffe == 0xfffe => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `text` as in [`shown`], on one line: each line end and tab is a space, and none stands at either end.
fn one_line(text: &str) -> String {
    let shown = shown(text).replace(['\n', '\t'], " ");
    shown.trim_matches(' ').to_owned()
}

/// The paragraphs of a text that went through [`shown`], each as its lines. A line of nothing but spaces and tabs is
/// empty; more empty lines than one are as one, and none stand at the beginning or the end.
fn paragraphs(shown: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = shown.split('\n').collect();
    lines
        .split(|line| line.bytes().all(|byte| matches!(byte, b' ' | b'\t')))
        .filter(|lines| !lines.is_empty())
        .map(<[&str]>::to_vec)
        .collect()
}

/// A language tag that can be one (BCP 47 section 2.1: letters, digits and hyphens, parts of at most eight), or none.
fn language(tag: &str) -> Option<&str> {
    let whole = !tag.is_empty()
        && tag.len() <= 64
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    whole.then_some(tag)
}
