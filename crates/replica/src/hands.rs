//! More than one thing at once, where that is to be had: it comes in from outside, as time and randomness do. What is done so
//! depends on nothing but what it is given, so it comes out the same however many hands there are.

use std::sync::{Mutex, PoisonError};

/// Whoever can do several things at once.
pub trait Hands: Send + Sync {
    /// Does the jobs of all numbers below `count`, in any order, each once; comes back when all are done.
    fn each(&self, count: usize, job: &(dyn Fn(usize) + Sync));
}

/// One thing after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneHand;

impl Hands for OneHand {
    fn each(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(job);
    }
}

/// Makes one thing of each, in their order.
pub(crate) fn map<T: Send, U: Send>(
    hands: &dyn Hands,
    things: Vec<T>,
    make: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let places: Vec<Mutex<(Option<T>, Option<U>)>> = things
        .into_iter()
        .map(|thing| Mutex::new((Some(thing), None)))
        .collect();
    hands.each(places.len(), &|at| {
        if let Some(place) = places.get(at) {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(thing) = place.0.take() {
                place.1 = Some(make(thing));
            }
        }
    });
    places
        .into_iter()
        .filter_map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner).1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Backwards, by as many threads as there are jobs.
    struct Many;

    impl Hands for Many {
        fn each(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
            std::thread::scope(|scope| {
                for at in (0..count).rev() {
                    scope.spawn(move || job(at));
                }
            });
        }
    }

    #[test]
    fn what_many_hands_make_stands_in_its_order() {
        let things: Vec<u64> = (0..40).collect();
        let made = map(&Many, things.clone(), |n| n * n);
        assert_eq!(made, map(&OneHand, things, |n| n * n));
        assert_eq!(made[39], 1521);
    }
}
