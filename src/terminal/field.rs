//! A text while it is written at the terminal: as many lines as it needs, and a cursor in it. What it holds is pure; a
//! drawing is a string that changes what the terminal showed into what it should show.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::keyboard::{Key, Size};
use crate::terminal::line;

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Field {
    text: String,
    /// Where the cursor stands, in bytes.
    at: usize,
    /// From where on the text is shown, in bytes; what stands before it has left the screen.
    from: usize,
    /// What of the text is on the screen, from `from` on.
    drawn: String,
    /// Where the terminal's cursor is.
    cursor: Place,
    /// The end of what is drawn.
    end: Place,
    /// The first row that has not left the screen.
    top: usize,
    columns: usize,
}

/// A place on the screen, counted from where the field began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    row: usize,
    column: usize,
}

impl Field {
    /// A field that holds `text` already, the cursor at its end.
    pub fn with(text: &str) -> Field {
        Field {
            text: text.to_owned(),
            at: text.len(),
            ..Field::default()
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that the cursor stands in, if it is the last one.
    pub fn last_line(&self) -> Option<&str> {
        let begins = self.text.rfind('\n').map_or(0, |end| end + 1);
        (self.at >= begins).then(|| &self.text[begins..])
    }

    /// Takes the last line away, and the line end before it.
    pub fn drop_last_line(&mut self) {
        self.text.truncate(self.text.rfind('\n').unwrap_or(0));
        self.at = self.text.len();
    }

    /// Puts `text` where the cursor is.
    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.at, text);
        self.at += text.len();
        // A mark that was typed alone may have joined the letter before it.
        self.at = boundary_at_or_after(&self.text, self.at);
    }

    /// Does what `key` means within a text; Enter and what ends a question are for others. Where the cursor cannot be
    /// moved, the keys that move it do nothing.
    pub fn press(&mut self, key: &Key, size: Size, can_move: bool) {
        match key {
            Key::Text(text) | Key::Pasted(text) => self.insert(text),
            Key::Backspace => self.erase(self.before(), self.at),
            Key::EraseToStart => self.erase(self.line_start(), self.at),
            Key::EraseWord => self.erase(self.word_start(), self.at),
            Key::Delete if can_move => self.erase(self.at, self.after()),
            Key::EraseToEnd if can_move => self.erase(self.at, self.line_end()),
            Key::Left if can_move => self.go(self.before(), size),
            Key::Right if can_move => self.go(self.after(), size),
            Key::Home if can_move => self.go(self.line_start(), size),
            Key::End if can_move => self.go(self.line_end(), size),
            Key::Up | Key::Down if can_move => {
                let here = self.place_of(self.at, size.columns);
                let row = if *key == Key::Up {
                    here.row.checked_sub(1)
                } else {
                    Some(here.row + 1)
                };
                if let Some(at) = row.and_then(|row| self.nearest(row, here.column, size.columns)) {
                    self.go(at, size);
                }
            }
            _ => {}
        }
    }

    /// What brings the screen from what it showed to what it should show. With `can_move` unset nothing but letters,
    /// line ends and backspaces.
    pub fn draw(&mut self, size: Size, can_move: bool) -> String {
        let mut out = String::new();
        if self.columns != size.columns && self.columns != 0 && !self.drawn.is_empty() {
            // The terminal may have moved what it showed, nobody can know where to.
            out.push_str("\r\n");
            self.begin_anew();
        }
        self.columns = size.columns;
        if !can_move {
            self.draw_plainly(&mut out);
            return out;
        }
        // What was erased may have been all that was shown.
        let shown_still = self.at >= self.from && self.text.is_char_boundary(self.from);
        let same = if shown_still {
            common(&self.drawn, &self.text[self.from..])
        } else {
            0
        };
        let mut place = self.place_within(&self.drawn, same);
        let mut same = same;
        let reaches = place.row.min(self.place_of(self.at, size.columns).row) >= self.top;
        if !shown_still || !reaches {
            go(
                &mut out,
                self.cursor,
                Place {
                    row: self.top,
                    column: 0,
                },
            );
            out.push_str("\r\x1b[J");
            self.begin_anew();
            (same, place) = (0, Place::default());
        } else if self.drawn.len() > same || self.text.len() - self.from > same {
            go(&mut out, self.cursor, place);
            if self.drawn.len() > same {
                out.push_str("\x1b[J");
            }
        } else {
            place = self.cursor;
        }
        let wanted = self.place_of(self.at, size.columns);
        let rest = &self.text[self.from + same..];
        if !rest.is_empty() || self.drawn.len() > same {
            self.drawn.truncate(same);
            let mut pen = Pen {
                place,
                columns: size.columns,
            };
            for grapheme in rest.graphemes(true) {
                let (before, drawn) = (pen.place, out.len());
                pen.put(grapheme, &mut out);
                // Further down would push the cursor's row out at the top.
                if pen.place.row >= wanted.row + size.rows {
                    pen.place = before;
                    out.truncate(drawn);
                    break;
                }
                self.drawn.push_str(grapheme);
            }
            self.end = pen.place;
            place = pen.place;
        }
        self.top = self.top.max((self.end.row + 1).saturating_sub(size.rows));
        go(&mut out, place, wanted);
        self.cursor = wanted;
        out
    }

    /// Draws all of it and ends it with a line end.
    pub fn finish(&mut self, size: Size, can_move: bool) -> String {
        self.at = self.text.len();
        let mut out = self.draw(size, can_move);
        if self.cursor.column != 0 || self.drawn.is_empty() {
            out.push_str("\r\n");
        }
        out
    }

    /// Only what can be added or taken away at the end is drawn in place; for all else, the line is shown anew.
    fn draw_plainly(&mut self, out: &mut String) {
        let here = &self.text[self.from.min(self.text.len())..];
        let same = common(&self.drawn, here);
        let gone = &self.drawn[same..];
        let back: usize = gone.graphemes(true).map(|g| shown(g).width()).sum();
        let in_row = !gone.contains('\n') && back < self.cursor.column;
        if in_row || gone.is_empty() {
            for step in ["\u{8}", " ", "\u{8}"] {
                out.push_str(&step.repeat(back));
            }
            self.cursor.column -= back.min(self.cursor.column);
        } else {
            out.push_str("\r\n");
            self.begin_anew();
        }
        let same = if self.drawn.is_empty() { 0 } else { same };
        let rest = &self.text[self.from + same..];
        let mut pen = Pen {
            place: self.cursor,
            columns: self.columns,
        };
        for grapheme in rest.graphemes(true) {
            pen.put(grapheme, out);
        }
        self.cursor = pen.place;
        self.drawn = self.text[self.from..].to_owned();
    }

    /// Shows from the line on in which the cursor stands.
    fn begin_anew(&mut self) {
        self.from = self.line_start();
        self.drawn.clear();
        (self.cursor, self.end, self.top) = (Place::default(), Place::default(), 0);
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.at = boundary_at_or_after(&self.text, from);
    }

    /// Moves the cursor, but never to where the screen no longer reaches.
    fn go(&mut self, at: usize, size: Size) {
        let visible = at >= self.from && self.place_of(at, size.columns).row >= self.top;
        if visible {
            self.at = at;
        }
    }

    fn before(&self) -> usize {
        let last = self.text[..self.at].graphemes(true).next_back();
        self.at - last.map_or(0, str::len)
    }

    fn after(&self) -> usize {
        let next = self.text[self.at..].graphemes(true).next();
        self.at + next.map_or(0, str::len)
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].rfind('\n').map_or(0, |end| end + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..]
            .find('\n')
            .map_or(self.text.len(), |end| self.at + end)
    }

    fn word_start(&self) -> usize {
        let line = &self.text[self.line_start()..self.at];
        let word = line.trim_end();
        let begins = word.rfind(char::is_whitespace);
        let begins = begins.map_or(0, |at| {
            at + word[at..].chars().next().map_or(0, char::len_utf8)
        });
        self.line_start() + begins
    }

    fn place_of(&self, at: usize, columns: usize) -> Place {
        let mut pen = Pen {
            place: Place::default(),
            columns,
        };
        let shown = &self.text[self.from.min(at)..at];
        pen.pass(shown);
        pen.place
    }

    fn place_within(&self, drawn: &str, upto: usize) -> Place {
        let mut pen = Pen {
            place: Place::default(),
            columns: self.columns,
        };
        pen.pass(&drawn[..upto]);
        pen.place
    }

    /// The place in the text that is shown in `row`, as near to `column` as there is one.
    fn nearest(&self, row: usize, column: usize, columns: usize) -> Option<usize> {
        let mut pen = Pen {
            place: Place::default(),
            columns,
        };
        let mut nearest = (pen.place.row == row).then_some(self.from);
        for (at, grapheme) in self.text[self.from..].grapheme_indices(true) {
            pen.pass(grapheme);
            if pen.place.row > row {
                break;
            }
            if pen.place.row == row && (nearest.is_none() || pen.place.column <= column) {
                nearest = Some(self.from + at + grapheme.len());
            }
        }
        nearest
    }
}

/// Puts letters where a terminal does; line ends within a text are written out, so that no terminal's own way of
/// breaking lines matters.
struct Pen {
    place: Place,
    columns: usize,
}

impl Pen {
    fn put(&mut self, grapheme: &str, out: &mut String) {
        if matches!(grapheme, "\n" | "\r\n") {
            self.next_row(out);
            return;
        }
        let shown = shown(grapheme);
        let width = shown.width();
        if self.place.column + width > self.columns {
            self.next_row(out);
        }
        out.push_str(&shown);
        self.place.column += width;
        if self.place.column >= self.columns {
            self.next_row(out);
        }
    }

    fn pass(&mut self, text: &str) {
        let mut unseen = String::new();
        for grapheme in text.graphemes(true) {
            self.put(grapheme, &mut unseen);
            unseen.clear();
        }
    }

    fn next_row(&mut self, out: &mut String) {
        out.push_str("\r\n");
        self.place = Place {
            row: self.place.row + 1,
            column: 0,
        };
    }
}

/// A letter as it is shown: what a terminal would act on is shown as its number.
fn shown(grapheme: &str) -> Cow<'_, str> {
    match grapheme {
        "\t" => Cow::Borrowed("    "),
        _ => Cow::Owned(line(grapheme)),
    }
}

/// How many bytes two texts share at their beginnings, in whole letters.
fn common(one: &str, other: &str) -> usize {
    one.graphemes(true)
        .zip(other.graphemes(true))
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len())
        .sum()
}

fn boundary_at_or_after(text: &str, at: usize) -> usize {
    text.grapheme_indices(true)
        .map(|(begins, _)| begins)
        .find(|begins| *begins >= at)
        .unwrap_or(text.len())
}

/// ECMA-48: CUU, CUD, CUF; a column is counted from the first one.
fn go(out: &mut String, from: Place, to: Place) {
    if from == to {
        return;
    }
    if to.row < from.row {
        out.push_str(&format!("\x1b[{}A", from.row - to.row));
    } else if to.row > from.row {
        out.push_str(&format!("\x1b[{}B", to.row - from.row));
    }
    out.push('\r');
    if to.column > 0 {
        out.push_str(&format!("\x1b[{}C", to.column));
    }
}

#[cfg(test)]
mod tests;
