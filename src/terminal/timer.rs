//! A session of two people at one terminal: whose turn it is, what it is about, and how long is left. Time comes in as an
//! argument, so that twenty minutes can be gone through without waiting; what draws it is separate from what it is.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// What somebody at the terminal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// The other one speaks.
    Pass,
    /// What is next on the agenda.
    Next,
    /// It is enough for today.
    End,
}

/// A session under way. Every time is since its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    length: Option<Duration>,
    points: usize,
    point: usize,
    second_speaks: bool,
    ended: Option<Duration>,
}

impl Timer {
    /// Begins, of a length where the time is to be counted, with so many things on its agenda.
    #[must_use]
    pub fn new(length: Option<Duration>, points: usize) -> Timer {
        Timer {
            length,
            points,
            point: 0,
            second_speaks: false,
            ended: None,
        }
    }

    /// Somebody pressed a key, at `now`. Once it is over nothing changes any more.
    pub fn press(&mut self, press: Press, now: Duration) {
        if self.is_over(now) {
            return;
        }
        match press {
            Press::Pass => self.second_speaks = !self.second_speaks,
            // The last thing stays as long as they talk.
            Press::Next => self.point = (self.point + 1).min(self.points.saturating_sub(1)),
            Press::End => self.ended = Some(now),
        }
    }

    /// Whether it is over: ended, or its time is.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        self.ended.is_some() || self.length.is_some_and(|length| now >= length)
    }

    /// What is left of its time. None where it is not counted.
    #[must_use]
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let now = self.ended.unwrap_or(now);
        Some(self.length?.saturating_sub(now))
    }

    /// How long it has been, or was.
    #[must_use]
    pub fn lasted(&self, now: Duration) -> Duration {
        let now = self.ended.unwrap_or(now);
        self.length.map_or(now, |length| length.min(now))
    }

    /// Whole minutes that it has been, rounded to the nearest, one at least.
    #[must_use]
    pub fn minutes(&self, now: Duration) -> u8 {
        let minutes = (self.lasted(now).as_secs() + 30) / 60;
        u8::try_from(minutes.max(1)).unwrap_or(u8::MAX)
    }

    /// Which of the two speaks: false for the first.
    #[must_use]
    pub fn second_speaks(&self) -> bool {
        self.second_speaks
    }

    /// What it is about now, from 0; as many as there are where there is nothing on the agenda.
    #[must_use]
    pub fn point(&self) -> usize {
        self.point
    }

    /// The first thing on the agenda that was not reached.
    #[must_use]
    pub fn first_left(&self) -> usize {
        (self.point + 1).min(self.points)
    }
}

/// The words that stand around the time. They must be harmless already.
#[derive(Debug, Clone)]
pub struct Words {
    /// The names of the two, whoever speaks first before the other.
    pub names: [String; 2],
    /// What is on the agenda.
    pub points: Vec<String>,
}

impl Words {
    /// All of it in one line that fits into so many columns.
    #[must_use]
    pub fn row(&self, timer: &Timer, now: Duration, columns: usize) -> String {
        let [first, second] = &self.names;
        let name = if timer.second_speaks() { second } else { first };
        let mut row = match timer.left(now) {
            Some(left) => format!("{}  {name} speaks", clock(left)),
            None => format!("{name} speaks"),
        };
        if let Some(point) = self.points.get(timer.point()) {
            let (number, all) = (timer.point() + 1, self.points.len());
            row.push_str(&format!("  {number} of {all}: {point}"));
        }
        cut(&row, columns)
    }

    /// What a terminal that only takes one line after the other is shown: nothing as long as it would say the same as
    /// `before`, but for the seconds.
    #[must_use]
    pub fn line(&self, timer: &Timer, now: Duration, before: &str) -> Option<String> {
        let row = self.row(timer, now, usize::MAX);
        let same = match timer.left(now) {
            None => row == before,
            Some(left) => {
                let rest = |row: &str| row.split_once("  ").map(|(_, rest)| rest.to_owned());
                // At each whole minute, and whenever something else changes.
                rest(&row) == rest(before) && (!begun(left).is_multiple_of(60) || row == before)
            }
        };
        (!same).then_some(row)
    }
}

/// Whole seconds, the begun one counted.
fn begun(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// Minutes and seconds.
fn clock(left: Duration) -> String {
    let seconds = begun(left);
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// The beginning of `row` that takes less than so many columns: a terminal goes to its next row in the last one.
fn cut(row: &str, columns: usize) -> String {
    let mut taken = 0;
    row.chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken < columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn words() -> Words {
        Words {
            names: ["Ana".to_owned(), "Bo".to_owned()],
            points: vec!["Evenings".to_owned(), "The party".to_owned()],
        }
    }

    #[test]
    fn twenty_minutes_go_by_second_for_second() {
        let mut timer = Timer::new(Some(seconds(1200)), 2);
        let mut rows = Vec::new();
        for now in 0..=1200 {
            match now {
                300 => timer.press(Press::Pass, seconds(now)),
                600 => timer.press(Press::Next, seconds(now)),
                900 => timer.press(Press::Pass, seconds(now)),
                _ => {}
            }
            assert_eq!(timer.is_over(seconds(now)), now == 1200, "{now}");
            rows.push(words().row(&timer, seconds(now), 80));
        }
        for (now, row) in [
            (0, "20:00  Ana speaks  1 of 2: Evenings"),
            (1, "19:59  Ana speaks  1 of 2: Evenings"),
            (299, "15:01  Ana speaks  1 of 2: Evenings"),
            (300, "15:00  Bo speaks  1 of 2: Evenings"),
            (600, "10:00  Bo speaks  2 of 2: The party"),
            (900, "05:00  Ana speaks  2 of 2: The party"),
            (1199, "00:01  Ana speaks  2 of 2: The party"),
            (1200, "00:00  Ana speaks  2 of 2: The party"),
        ] {
            assert_eq!(rows[now], row);
        }
        assert_eq!((timer.minutes(seconds(1200)), timer.first_left()), (20, 2));
        // Whatever is pressed then, or however late anybody looks.
        timer.press(Press::End, seconds(1300));
        timer.press(Press::Pass, seconds(1300));
        assert_eq!(timer.lasted(seconds(9000)), seconds(1200));
        assert!(!timer.second_speaks());
    }

    #[test]
    fn it_is_ended_sooner_and_what_was_not_reached_is_left() {
        let mut timer = Timer::new(Some(seconds(900)), 3);
        timer.press(Press::Next, seconds(10));
        timer.press(Press::End, seconds(400));
        assert!(timer.is_over(seconds(400)));
        assert_eq!(timer.left(seconds(700)), Some(seconds(500)));
        assert_eq!((timer.minutes(seconds(700)), timer.first_left()), (7, 2));
        timer.press(Press::Next, seconds(401));
        assert_eq!(timer.point(), 1);
        assert_eq!(Timer::new(None, 0).first_left(), 0);
        assert_eq!(Timer::new(None, 1).minutes(seconds(3)), 1);
    }

    #[test]
    fn the_last_thing_stays_and_without_a_limit_nothing_ends_by_itself() {
        let mut timer = Timer::new(None, 2);
        for _ in 0..5 {
            timer.press(Press::Next, seconds(1));
        }
        assert_eq!((timer.point(), timer.first_left()), (1, 2));
        assert!(!timer.is_over(seconds(100_000)));
        assert_eq!(timer.left(seconds(5)), None);
        assert_eq!(
            words().row(&timer, seconds(5), 80),
            "Ana speaks  2 of 2: The party"
        );
        assert_eq!(timer.minutes(seconds(100_000)), 255);
    }

    #[test]
    fn a_plain_terminal_gets_a_line_a_minute_and_at_each_change() {
        let mut timer = Timer::new(Some(seconds(1200)), 2);
        let words = words();
        let mut lines: Vec<String> = Vec::new();
        for now in 0..=1200 {
            if now == 90 {
                timer.press(Press::Pass, seconds(now));
            }
            let before = lines.last().cloned().unwrap_or_default();
            lines.extend(words.line(&timer, seconds(now), &before));
        }
        assert_eq!(lines.len(), 22, "{lines:?}");
        assert_eq!(lines[1], "19:00  Ana speaks  1 of 2: Evenings");
        assert_eq!(lines[2], "18:30  Bo speaks  1 of 2: Evenings");
        assert_eq!(lines[21], "00:00  Bo speaks  1 of 2: Evenings");
        // Looked at several times in one second, it says it once.
        let half = Duration::from_millis(1_199_999);
        assert_eq!(words.line(&timer, half, &lines[20]), None);
    }

    #[test]
    fn a_row_never_reaches_the_last_column() {
        use unicode_width::UnicodeWidthStr;
        let mut words = words();
        words.points[0] = "話し合いの題名".repeat(10);
        let timer = Timer::new(Some(seconds(1200)), 2);
        for columns in 10..60 {
            let row = words.row(&timer, seconds(0), columns);
            assert!(row.width() < columns && row.starts_with("20:00"), "{row}");
        }
    }
}
