//! How long to wait before dialling again.

use std::time::Duration;

/// Waits that double from 200 ms to 10 s, each shortened by a random part of up to a half, so that two devices which
/// lost each other at once do not also meet each other's refusals at once.
///
/// Pure: the caller has the timer and the randomness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after the first failure, before it is shortened.
    pub const FIRST: Duration = Duration::from_millis(200);
    /// The longest wait. mDNS asks as often, so that less would spare nothing; and where it does not reach, this is how
    /// long somebody who came back is not noticed.
    pub const LONGEST: Duration = Duration::from_secs(10);

    /// Nothing has failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another failure: how long to wait now. `random` is any random number; the wait is between a half and the whole of
    /// the doubled time.
    pub fn failed(&mut self, random: u32) -> Duration {
        let doubled = 2_u32
            .checked_pow(self.failures)
            .and_then(|factor| Self::FIRST.checked_mul(factor));
        let whole = doubled.map_or(Self::LONGEST, |wait| wait.min(Self::LONGEST));
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        // half * random / 2^32, in whole nanoseconds: half is at most 5 s, so the product fits in 128 bits by far.
        let share = (half.as_nanos() * u128::from(random)) >> 32;
        half + Duration::from_nanos(u64::try_from(share).unwrap_or(0))
    }

    /// It worked: the next failure waits as the first did.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How many failures there were since it last worked.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_seconds() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10)
            .map(|_| backoff.failed(u32::MAX).as_millis())
            .collect();
        // Just under the whole time: the largest random number is 2^32 - 1.
        assert_eq!(
            waits,
            [199, 399, 799, 1599, 3199, 6399, 9999, 9999, 9999, 9999]
        );
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.failed(0).as_millis()).collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]
        );
    }

    #[test]
    fn success_begins_anew() {
        let mut backoff = Backoff::new();
        backoff.failed(0);
        backoff.failed(0);
        assert_eq!(backoff.failures(), 2);
        backoff.succeeded();
        assert_eq!(backoff, Backoff::new());
        assert_eq!(backoff.failed(0), Duration::from_millis(100));
    }

    #[test]
    fn a_device_that_tried_for_years_neither_overflows_nor_stops() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert_eq!(backoff.failed(0), Duration::from_secs(5));
        assert_eq!(backoff.failures(), u32::MAX);
    }
}
