//! The global allocator, called by the engine itself: what to do when it waits for something tracked.
//!
//! The engine needs memory in the middle of what it does for a tracked operation. If the allocator holds a tracked lock at that time, and wants it
//! again, it waits for itself. `std` has no allocator for the engine alone, so all that is left is to say so, instead of waiting for ever.
//!
//! Another thread may hold the lock and be about to let it go: so the wait is long, and only time in which this thread could run counts. Nothing
//! here may allocate, or wait for anything else.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use crate::runtime;
use crate::sync::Origin;
use crate::thread::local;

/// How often a thread looks again, a millisecond apart.
const PATIENCE: u32 = 5_000;

/// Operations on atomics, one after another and none of them a success, that are no wait yet: far more than the engine makes allocations
/// before it is done.
const TRIES: u32 = 1 << 24;

/// Waits until `try_lock` gives something, where the calling thread is inside the engine. `None` if it isn't: then it can wait as ever.
///
/// Ends the process when that takes too long.
pub(crate) fn wait<R>(
    kind: &str,
    created: Origin,
    mut try_lock: impl FnMut() -> Option<R>,
) -> Option<R> {
    if !local::is_at_work() {
        return None;
    }
    for _ in 0..PATIENCE {
        if let Some(locked) = try_lock() {
            return Some(locked);
        }
        sleep(Duration::from_millis(1));
    }
    give_up(format_args!(
        "a tracked {kind} ({created}): use one of std::sync there"
    ))
}

/// An operation on an atomic has passed by. `succeeded`: a store or a compare-exchange that stored, as when a lock is taken or released.
pub(crate) fn note_atomic(succeeded: bool) {
    if !local::is_at_work() {
        return;
    }
    let tries = local::tries(succeeded);
    if tries > TRIES {
        sleep(Duration::from_millis(1));
    }
    if tries > TRIES + PATIENCE {
        give_up(format_args!(
            "a lock made of a tracked atomic: use std::sync::atomic there"
        ));
    }
}

#[cold]
fn give_up(what: fmt::Arguments<'_>) -> ! {
    // As long as two threads have waited: one word is enough, and ends the process before the other one wakes up.
    static SAID: AtomicBool = AtomicBool::new(false);
    if SAID.swap(true, Relaxed) {
        sleep(Duration::from_secs(1));
        runtime::end_at_once(2);
    }
    runtime::say(format_args!(
        "racecheck: the global allocator, called by racecheck itself, waits in vain for {what}\n"
    ));
    runtime::end_at_once(2)
}
