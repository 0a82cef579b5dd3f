//! Ends whoever holds a journal open, whether it answers or not: for `leave` and `lock`, where a process that keeps the keys in
//! its memory must not be left.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::time::{Instant, timeout};

use super::down;
use crate::home::{Home, Leaving, Lock};
use crate::local::{self, Holder};

/// How long the lock is waited for before it is looked anew who holds it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long all of it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long a holder may take to answer before it is ended without being asked.
    pub(super) to_answer: Duration,
    /// After this no holder is asked any more.
    pub(super) to_end: Duration,
}

/// How it went with those who had the journal open.
pub(super) struct Ended {
    /// There was one.
    pub(super) stopped: bool,
    /// Nobody else has the journal open as long as this is held.
    pub(super) lock: Option<Lock>,
    /// Somebody still has it open.
    pub(super) still_open: bool,
}

/// Ends whoever holds the journal open, in good order where it answers.
pub(super) async fn end_holder(home: &Leaving, patience: Patience) -> Ended {
    let give_up = Instant::now() + patience.to_end;
    let mut queued = home.queue_for_lock();
    let mut stopped = false;
    loop {
        if let Some(home) = home.with_socket() {
            stopped |= ask_or_kill(home, patience.to_answer).await;
        }
        let Some(queue) = queued.as_mut() else {
            return Ended {
                stopped,
                lock: None,
                still_open: false,
            };
        };
        match timeout(LOOK_AGAIN, queue).await {
            Ok(Ok(Ok(lock))) => {
                return Ended {
                    stopped,
                    lock: Some(lock),
                    still_open: false,
                };
            }
            // A disk that knows no locks; then nobody holds one either.
            Ok(_) => queued = None,
            Err(_) if Instant::now() < give_up => {}
            Err(_) => {
                return Ended {
                    stopped,
                    lock: None,
                    still_open: true,
                };
            }
        }
    }
}

/// Asks the holder to end; one that does not answer in time is killed, so that it neither keeps the key in its memory
/// nor meets anybody any more. Gives whether there was one.
async fn ask_or_kill(home: &Home, time_to_answer: Duration) -> bool {
    let process = timeout(LOOK_AGAIN, local::listening_process(home))
        .await
        .ok()
        .flatten();
    let asked = async {
        match Holder::find(home).await {
            Ok(Some(holder)) => down::ask_to_end(holder).await.is_ok(),
            // Stale, or not an amends.
            _ => false,
        }
    };
    match (timeout(time_to_answer, asked).await, process) {
        (Ok(ended), _) => ended,
        (Err(_), Some(process)) => kill_process(process, Signal::KILL).is_ok(),
        (Err(_), None) => false,
    }
}
