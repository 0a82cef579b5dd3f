//! The cores of this machine, as the hands that a replica works with.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use amends_replica::Hands;

/// Jobs below which another thread costs more than it helps: each takes some tens of microseconds, and so does the thread.
const WORTH_A_THREAD: usize = 8;

/// How many cores there are. Asked once: it reads several files each time, which is longer than most edits take here.
static COUNT: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));

/// As many hands as there are cores.
pub(super) struct Cores;

impl Hands for Cores {
    fn each(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        let wanted = count / WORTH_A_THREAD;
        let others = match wanted {
            0 | 1 => 0,
            _ => wanted.min(*COUNT).saturating_sub(1),
        };
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    return;
                }
                job(at);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..others {
                // What was opened and sealed there was done with keys.
                scope.spawn(|| amends_keys::wiping_stack(work));
            }
            work();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for count in [0, 1, 7, 8, 100] {
            let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            Cores.each(count, &|at| {
                done[at].fetch_add(1, Ordering::Relaxed);
            });
            assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
        }
    }
}
