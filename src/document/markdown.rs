//! A document as CommonMark (spec 0.31), in which no word of anybody is markup.

use std::fmt::Write as _;

use super::{Block, Document, Picture, Section, one_line, paragraphs, shown};

impl Document {
    /// The document as CommonMark. What people wrote is read as words alone, by readers that know tables, footnotes,
    /// formulas and the like too; every line ends where it was ended.
    ///
    /// `file_of` gives, for each picture by its number from 0 on, the file that it lies in: a path beside this one,
    /// its parts parted by `/`. Where it gives none, the picture's words stand in its place.
    pub fn to_markdown(
        &self,
        mut file_of: impl FnMut(usize, &Picture) -> Option<String>,
    ) -> String {
        let mut text = Text::default();
        text.heading("#", &self.title);
        for paragraph in &self.intro {
            text.block_of_words("", paragraph);
        }
        let mut number = 0;
        for section in &self.sections {
            text.section(section, &mut |picture| {
                let file = file_of(number, picture);
                number = number.saturating_add(1);
                file
            });
        }
        text.out
    }
}

/// The text so far; every block ends with an empty line.
#[derive(Default)]
struct Text {
    out: String,
    /// The last list had dashes. Two lists in a row are two because their markers differ (CommonMark 5.3).
    dash: bool,
}

impl Text {
    fn heading(&mut self, marks: &str, words: &str) {
        let _ = writeln!(self.out, "{marks} {}\n", escaped(&one_line(words)));
    }

    /// Paragraphs; `first` stands before the first line, `others` before all that follow.
    fn words(&mut self, first: &str, others: &str, words: &str) {
        let shown = shown(words);
        let paragraphs = paragraphs(&shown);
        let mut before = first;
        for (number, lines) in paragraphs.iter().enumerate() {
            if number > 0 {
                let _ = writeln!(self.out, "{}", others.trim_end());
            }
            for (number, line) in lines.iter().enumerate() {
                let goes_on = number.saturating_add(1) < lines.len();
                let end = if goes_on { "\\" } else { "" };
                let _ = writeln!(self.out, "{before}{}{end}", escaped(line));
                before = others;
            }
        }
        if paragraphs.is_empty() && !first.is_empty() {
            let _ = writeln!(self.out, "{}", first.trim_end());
        }
    }

    fn block_of_words(&mut self, before: &str, words: &str) {
        self.words(before, before, words);
        self.out.push('\n');
    }

    fn list(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.dash = !self.dash;
        for item in items {
            self.words(if self.dash { "- " } else { "* " }, "  ", item);
        }
        self.out.push('\n');
    }

    fn section(&mut self, section: &Section, file_of: &mut impl FnMut(&Picture) -> Option<String>) {
        self.heading("##", &section.heading);
        let details: Vec<String> = section
            .details
            .iter()
            .map(|(label, value)| format!("{}: {}", one_line(label), one_line(value)))
            .collect();
        self.list(&details);
        for block in &section.blocks {
            match block {
                Block::Words(words) => self.block_of_words("", words),
                Block::Quote { by, words } => {
                    self.block_of_words("> ", words);
                    let by = one_line(by);
                    if !by.is_empty() {
                        self.block_of_words("", &format!("— {by}"));
                    }
                }
                Block::List(items) => self.list(items),
                Block::Picture(picture) => self.picture(picture, file_of(picture)),
                Block::Subheading(words) => self.heading("###", words),
            }
        }
    }

    fn picture(&mut self, picture: &Picture, file: Option<String>) {
        let alt = escaped(&one_line(&picture.alt));
        let _ = match file {
            Some(file) => writeln!(self.out, "![{alt}](<./{}>)\n", link(&file)),
            None => writeln!(self.out, "\\[{alt}\\]\n"),
        };
    }
}

/// A relative link to a file: all but the plainest characters as their bytes (RFC 3986 section 2.1), so that none of
/// them is a scheme, a query or a place in a page.
fn link(file: &str) -> String {
    let mut out = String::with_capacity(file.len());
    for byte in file.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// One line of a text that went through [`shown`], as CommonMark that is read as exactly this line.
///
/// A backslash stands before what would be markup anywhere, or at the beginning of a line. Spaces and tabs at either
/// end, which a reader of CommonMark takes away, are written as their numbers.
fn escaped(line: &str) -> String {
    const BLANK: [char; 2] = [' ', '\t'];
    let mut out = String::with_capacity(line.len().saturating_add(8));
    let rest = line.trim_start_matches(BLANK);
    let middle = rest.trim_end_matches(BLANK);
    let blank = |out: &mut String, blanks: &str| {
        for byte in blanks.bytes() {
            let _ = write!(out, "&#{byte};");
        }
    };
    let (leading, _) = line.split_at(line.len().saturating_sub(rest.len()));
    let (_, trailing) = rest.split_at(middle.len());
    blank(&mut out, leading);

    let digits = middle.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in middle.char_indices() {
        let markup = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '<' | '~' | '|' | '$' | '^' | '&'
            | '#' => true,
            // Lists, rules and underlines of headings, quotes, definitions.
            '+' | '-' | '=' | '>' | ':' => at == 0,
            // Numbered lists.
            '.' | ')' => at > 0 && at == digits,
            _ => false,
        };
        if markup {
            out.push('\\');
        }
        out.push(c);
    }
    blank(&mut out, trailing);
    out
}
