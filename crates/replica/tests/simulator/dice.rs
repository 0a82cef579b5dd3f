//! Everything that is left to chance, out of one seed.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

pub trait Dice {
    /// A number below this one; 0 where that is 0.
    fn below(&mut self, most: usize) -> usize;

    /// Whether something of this chance in a hundred comes to pass.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(of.len());
        of.get(at)
    }
}

impl Dice for ChaCha20Rng {
    fn below(&mut self, most: usize) -> usize {
        let number = self.next_u64();
        usize::try_from(number % (most.max(1) as u64)).unwrap()
    }
}
