//! A device's clock: it is ahead or behind, runs fast or slow, and is put right or wrong now and then.

use rand_chacha::ChaCha20Rng;

use crate::dice::Dice;

/// The hour at which every simulation begins, in milliseconds since 1970 UTC.
pub const BEGINNING: i64 = 1_800_000_000_000;
pub const SECOND: i64 = 1_000;
pub const HOUR: i64 = 3_600 * SECOND;
pub const DAY: i64 = 24 * HOUR;

#[derive(Clone, Debug, Default)]
pub struct SkewedClock {
    /// How far it is ahead, in milliseconds.
    ahead: i64,
    /// How much it gains in a million milliseconds.
    gains: i64,
}

impl SkewedClock {
    /// What it shows at this hour.
    pub fn at(&self, now: i64) -> i64 {
        let passed = now - BEGINNING;
        now + self.ahead + passed * self.gains / 1_000_000
    }

    /// Somebody sets it, or its battery is empty.
    pub fn set(&mut self, rng: &mut ChaCha20Rng) {
        self.gains = rng.below(401) as i64 - 200;
        self.ahead = match rng.below(8) {
            0 => 0,
            1 => rng.below(100) as i64 * DAY,
            2 => -(rng.below(100) as i64 * DAY),
            // 1970, or a little before: no clock shows that on purpose.
            3 => -BEGINNING - rng.below(3) as i64 * DAY,
            4 => rng.below(200) as i64 * 365 * DAY,
            _ => rng.below(600_000) as i64 - 300_000,
        };
    }
}
