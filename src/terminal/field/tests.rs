//! A field before a small terminal that understands what a drawing may hold, and nothing else.

use proptest::prelude::*;

use super::*;

const NARROW: Size = Size {
    columns: 10,
    rows: 4,
};

const TALL: Size = Size {
    columns: 10,
    rows: 10_000,
};

/// Rows of letters with a cursor; as many columns as it likes, since no drawing may rely on where a terminal breaks.
#[derive(Default)]
struct Screen {
    rows: Vec<Vec<String>>,
    row: usize,
    column: usize,
    /// The first row that has not scrolled away.
    top: usize,
}

impl Screen {
    fn show(&mut self, drawing: &str, size: Size) {
        let mut rest = drawing;
        while let Some(next) = rest.graphemes(true).next() {
            if let Some(sequence) = rest.strip_prefix("\x1b[") {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let number: usize = sequence[..end].parse().unwrap_or(1);
                match &sequence[end..=end] {
                    "A" => self.row = self.row.saturating_sub(number).max(self.top),
                    "B" => self.row = (self.row + number).min(self.top + size.rows - 1),
                    "C" => self.column = (self.column + number).min(size.columns - 1),
                    "J" => {
                        self.rows.truncate(self.row + 1);
                        if let Some(row) = self.rows.get_mut(self.row) {
                            row.truncate(self.column);
                        }
                    }
                    other => panic!("{other} in {drawing:?}"),
                }
                rest = &sequence[end + 1..];
                continue;
            }
            rest = &rest[next.len()..];
            match next {
                "\r\n" => {
                    (self.row, self.column) = (self.row + 1, 0);
                    self.top = self.top.max((self.row + 1).saturating_sub(size.rows));
                }
                "\r" => self.column = 0,
                "\u{8}" => self.column -= 1,
                _ => {
                    assert!(!next.chars().any(char::is_control), "{next:?}");
                    while self.rows.len() <= self.row {
                        self.rows.push(Vec::new());
                    }
                    let row = &mut self.rows[self.row];
                    row.resize(row.len().max(self.column), " ".to_owned());
                    row.truncate(row.len().max(self.column));
                    let width = next.width();
                    for n in 0..width {
                        let cell = if n == 0 { next } else { "" };
                        if self.column < row.len() {
                            row[self.column] = cell.to_owned();
                        } else {
                            row.push(cell.to_owned());
                        }
                        self.column += 1;
                    }
                    assert!(self.column <= size.columns, "beyond the edge: {drawing:?}");
                }
            }
        }
    }

    fn visible(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .skip(self.top)
            .map(|row| row.concat().trim_end().to_owned())
            .collect();
        rows.join("\n").trim_end().to_owned()
    }
}

fn letters(words: &str) -> Key {
    Key::Text(words.to_owned())
}

fn after(keys: &[Key]) -> (Field, Screen) {
    let (mut field, mut screen) = (Field::default(), Screen::default());
    for key in keys {
        press(&mut field, key);
        screen.show(&field.draw(NARROW, true), NARROW);
    }
    (field, screen)
}

fn press(field: &mut Field, key: &Key) {
    match key {
        Key::Enter => field.insert("\n"),
        key => field.press(key, NARROW, true),
    }
}

#[test]
fn letters_are_added_and_taken_away_where_the_cursor_is() {
    use Key::{
        Backspace, Delete, Down, End, Enter, EraseToEnd, EraseToStart, EraseWord, Home, Left, Up,
    };
    for (keys, text) in [
        (vec![letters("helo"), Left, letters("l")], "hello"),
        (vec![letters("ab"), Home, Delete, End, letters("c")], "bc"),
        (
            vec![letters("a"), Enter, letters("b"), Backspace, Backspace],
            "a",
        ),
        (vec![letters("e"), letters("\u{301}"), Backspace], ""),
        (
            vec![letters("👩\u{200d}👩\u{200d}👧x"), Left, Backspace],
            "x",
        ),
        (vec![letters("one two "), EraseWord], "one "),
        (
            vec![letters("one"), Enter, letters("two"), EraseToStart],
            "one\n",
        ),
        (vec![letters("one"), Left, EraseToEnd], "on"),
        (
            vec![letters("one"), Enter, letters("two"), Up, letters("!")],
            "one!\ntwo",
        ),
        (
            vec![
                letters("one"),
                Enter,
                letters("two"),
                Up,
                Home,
                Down,
                letters("!"),
            ],
            "one\n!two",
        ),
        (vec![letters("שלום"), Left, Backspace], "שלם"),
        (
            vec![Key::Pasted("a\n\nb".to_owned()), letters("c")],
            "a\n\nbc",
        ),
    ] {
        assert_eq!(after(&keys).0.text(), text, "{keys:?}");
    }
}

#[test]
fn what_a_terminal_would_act_on_is_shown_as_its_number() {
    let (field, screen) = after(&[letters("a\u{202e}b")]);
    assert_eq!(field.text(), "a\u{202e}b");
    assert_eq!(screen.visible(), "a\\u{202e}b");
}

#[test]
fn a_terminal_that_cannot_move_shows_all_that_is_written() {
    let mut field = Field::default();
    let mut all = String::new();
    for key in [
        letters("one two"),
        Key::Backspace,
        Key::Left,
        letters("e"),
        Key::EraseToStart,
        letters("three"),
    ] {
        field.press(&key, NARROW, false);
        all.push_str(&field.draw(NARROW, false));
    }
    all.push_str(&field.finish(NARROW, false));
    assert!(!all.contains('\x1b'), "{all:?}");
    assert!(all.starts_with("one two\u{8} \u{8}e"), "{all:?}");
    assert!(all.ends_with("three\r\n"), "{all:?}");
    assert_eq!(field.text(), "three");
}

#[test]
fn after_a_change_of_size_the_line_is_shown_anew() {
    let mut field = Field::with("first\nsecond");
    field.draw(NARROW, true);
    let wider = Size {
        columns: 40,
        rows: 4,
    };
    field.insert("!");
    assert_eq!(field.draw(wider, true), "\r\nsecond!");
}

#[test]
fn twenty_kilobytes_of_one_line_are_drawn_in_about_as_much() {
    let mut field = Field::default();
    let mut drawn = 0;
    let size = Size {
        columns: 80,
        rows: 24,
    };
    for _ in 0..5 {
        field.press(&letters(&"x".repeat(4096)), size, true);
        drawn += field.draw(size, true).len();
    }
    assert_eq!(field.text().len(), 20_480);
    assert!(drawn < 22_000, "{drawn}");
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        4 => "([a-z äあ👍\t]|e\u{301}){1,12}".prop_map(Key::Text),
        1 => "([a-z]{0,14}\n){0,6}[a-z]{0,30}".prop_map(Key::Pasted),
        1 => Just(Key::Enter),
        3 => Just(Key::Backspace),
        1 => Just(Key::Delete),
        2 => Just(Key::Left),
        1 => Just(Key::Right),
        1 => Just(Key::Up),
        1 => Just(Key::Down),
        1 => Just(Key::Home),
        1 => Just(Key::End),
        1 => Just(Key::EraseToStart),
        1 => Just(Key::EraseToEnd),
        1 => Just(Key::EraseWord),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_screen_shows_the_end_of_the_text_whatever_is_pressed(keys in proptest::collection::vec(any_key(), 1..40)) {
        let (mut field, mut screen) = after(&keys);
        let at = field.place_of(field.at, 10);
        let mut drawn_anew = Screen::default();
        drawn_anew.show(&Field::with(&field.text()[field.from..field.at]).draw(TALL, true), TALL);
        prop_assert_eq!((drawn_anew.row, drawn_anew.column), (at.row, at.column));
        prop_assert_eq!(screen.column, at.column);
        screen.show(&field.finish(NARROW, true), NARROW);
        let mut whole = Screen::default();
        whole.show(&Field::with(&field.text()[field.from..]).draw(TALL, true), TALL);
        let (seen, all) = (screen.visible(), whole.visible());
        for (seen_row, row) in seen.lines().rev().zip(all.lines().rev()).take(NARROW.rows - 1) {
            prop_assert_eq!(seen_row, row, "{:?} is not the end of {:?}", &seen, &all);
        }
    }
}
