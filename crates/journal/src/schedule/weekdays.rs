//! A set of days of the week.

use std::fmt;

use jiff::civil::Weekday;

/// Days of the week, each at most once. It prints as their English names in the order of the week: "Monday, Friday".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Weekdays(u8);

/// Monday first, as ISO 8601 has it.
const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
    (Weekday::Saturday, "Saturday"),
    (Weekday::Sunday, "Sunday"),
];

impl Weekdays {
    /// No day.
    pub const NONE: Self = Self(0);

    /// Three days, then two, then one: what a taper has where nobody chose others.
    pub const TAPER: [Self; 3] = [
        Self::of(&[Weekday::Monday, Weekday::Wednesday, Weekday::Friday]),
        Self::of(&[Weekday::Monday, Weekday::Thursday]),
        Self::of(&[Weekday::Sunday]),
    ];

    /// These days; one that is named twice is there once.
    pub const fn of(days: &[Weekday]) -> Self {
        let mut set = Self::NONE;
        let mut rest = days;
        while let [day, others @ ..] = rest {
            set = set.with(*day);
            rest = others;
        }
        set
    }

    /// These days and `day`.
    #[must_use]
    pub const fn with(self, day: Weekday) -> Self {
        Self(self.0 | bit(day))
    }

    /// Whether `day` is one of them.
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days, Monday first.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        WEEK.into_iter()
            .map(|(day, _)| day)
            .filter(move |day| self.contains(*day))
    }
}

const fn bit(day: Weekday) -> u8 {
    match day {
        Weekday::Monday => 1,
        Weekday::Tuesday => 1 << 1,
        Weekday::Wednesday => 1 << 2,
        Weekday::Thursday => 1 << 3,
        Weekday::Friday => 1 << 4,
        Weekday::Saturday => 1 << 5,
        Weekday::Sunday => 1 << 6,
    }
}

/// The day with this English name.
pub(super) fn named(name: &str) -> Option<Weekday> {
    WEEK.into_iter()
        .find(|(_, known)| *known == name)
        .map(|(day, _)| day)
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        days.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (day, name) in WEEK {
            if self.contains(day) {
                write!(f, "{between}{name}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}
