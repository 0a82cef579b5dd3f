//! A QR code in the terminal: dark on light whatever the terminal's own colours are, two rows of squares a line, with
//! the quiet zone of four squares that readers need (ISO/IEC 18004).

use qrcode::{EcLevel, QrCode};

const QUIET: i32 = 4;

/// `content` as lines of half blocks. With `color`, black on white is set explicitly; without, the light squares are
/// drawn, which is right on dark terminals, and most readers take both. None where it does not fit into a QR code.
pub fn draw(content: &str, color: bool) -> Option<String> {
    // The least correction that is still one: a screen has no stains, and smaller squares are harder to read.
    let code = QrCode::with_error_correction_level(content, EcLevel::L).ok()?;
    let width = i32::try_from(code.width()).ok()?;
    let is_light = |x: i32, y: i32| {
        let inside = (0..width).contains(&x) && (0..width).contains(&y);
        !inside || code[(x as usize, y as usize)] == qrcode::Color::Light
    };
    let mut drawn = String::new();
    let mut y = -QUIET;
    while y < width + QUIET {
        if color {
            drawn.push_str("\x1b[38;5;231;48;5;16m");
        }
        for x in -QUIET..width + QUIET {
            drawn.push(match (is_light(x, y), is_light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        if color {
            drawn.push_str("\x1b[0m");
        }
        drawn.push('\n');
        y += 2;
    }
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_with_its_quiet_zone() {
        let drawn = draw("AMENDS1:ABC", false).unwrap();
        let rows: Vec<&str> = drawn.lines().collect();
        let squares = rows[0].chars().count();
        assert_eq!(
            (squares - 8 - 17) % 4,
            0,
            "a QR code has 17 + 4v squares a side"
        );
        assert_eq!(rows.len(), squares.div_ceil(2));
        for row in &rows[..2] {
            assert!(row.chars().all(|c| c == '█'), "four light rows above");
        }
        assert!(
            rows.iter()
                .all(|row| row.starts_with("████") && row.ends_with("████"))
        );
        // The finder in the upper left corner: seven dark squares, below them one dark, five light, one dark.
        let first: String = rows[2].chars().skip(4).take(7).collect();
        assert_eq!(first, " ▄▄▄▄▄ ");
        assert!(
            draw("AMENDS1:ABC", true)
                .unwrap()
                .contains("\x1b[38;5;231;48;5;16m")
        );
    }
}
