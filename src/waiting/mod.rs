//! What `std` lacks to wait for: [`Semaphore`], [`CancellationToken`], [`Latch`]. Compiled in both builds, with the same behaviour.
//!
//! Each is a `Mutex` and a `Condvar` of `std`'s and, with `race-check`, the clocks that it hands over: the lock itself orders nothing for the
//! engine, so an edge is there only where a permit, a cancellation or an opening goes from one thread to another. The names are tokio's and
//! tokio-util's, and C++'s `std::latch`. Theirs aren't used underneath: tokio's wait as futures, which needs an executor; of the crates whose
//! semaphore can block a thread none closes or acquires several permits at once; and a latch is less than the crate that would bring it. No code
//! of the user's runs while a lock is held.

mod cancellation;
mod latch;
mod permit;
mod semaphore;

pub use cancellation::{CancellationToken, DropGuard};
pub use latch::Latch;
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};
pub use semaphore::{AcquireError, Semaphore, TryAcquireError};

#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
use no_clock::{SyncClock, SyncKind};
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
use race_core::sync::{SyncClock, SyncKind};

/// The engine's types without the engine: nothing is handed over.
#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
mod no_clock {
    use std::panic::Location;

    #[expect(dead_code, reason = "for reports")]
    pub(super) struct SyncKind {
        pub(super) name: &'static str,
        pub(super) release: &'static str,
        pub(super) acquire: &'static str,
    }

    #[derive(Clone, Debug)]
    pub(super) struct SyncClock;

    impl SyncClock {
        pub(super) const fn new() -> SyncClock {
            SyncClock
        }

        pub(super) fn released(_: &'static SyncKind, _: &'static Location<'static>) -> SyncClock {
            SyncClock
        }

        pub(super) fn acquire(&self, _: &'static SyncKind, _: &'static Location<'static>) {}

        pub(super) fn release_join(&mut self, _: &'static SyncKind, _: &'static Location<'static>) {
        }
    }
}

use std::sync::{Mutex, MutexGuard, PoisonError};

/// No code that can panic runs under these locks, so there is nothing in a poisoned one that isn't whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
