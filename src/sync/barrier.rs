//! `std::sync::Barrier`, tracked: every arrival happens before every return of the same generation.
//!
//! Which arrivals make a generation is known only inside the barrier: `std`'s says nothing of it. So this is `std`'s own few lines, a mutex and a
//! condition variable of `std`'s, with the clocks beside the count.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use race_core::sync::{SyncClock, SyncKind};

static BARRIER: SyncKind = SyncKind {
    name: "Barrier",
    release: "came to a Barrier",
    acquire: "left it",
};

/// `std::sync::Barrier`, tracked.
///
/// Each of the threads that wait together is ordered after all that the others did before they came.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, sync::Barrier, thread};
///
/// let (cells, barrier) = ([Shared::new(0), Shared::new(0)], Barrier::new(2));
/// thread::scope(|s| {
///     for me in 0..2 {
///         let (cells, barrier) = (&cells, &barrier);
///         s.spawn(move || {
///             cells[me].set(me + 1);
///             barrier.wait();
///             assert_eq!(cells[1 - me].get(), 2 - me);
///         });
///     }
/// });
/// ```
pub struct Barrier {
    state: Mutex<State>,
    opened: Condvar,
    threads: usize,
}

struct State {
    /// How many have come since the last generation was complete.
    count: usize,
    /// What they have released.
    arrivals: SyncClock,
    /// Where those who wait find `arrivals` when it is complete.
    generation: Option<Arc<OnceLock<SyncClock>>>,
}

impl Barrier {
    /// As `std::sync::Barrier::new`.
    pub const fn new(n: usize) -> Barrier {
        Barrier {
            state: Mutex::new(State {
                count: 0,
                arrivals: SyncClock::new(),
                generation: None,
            }),
            opened: Condvar::new(),
            threads: n,
        }
    }

    /// As `std::sync::Barrier::wait`.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let site = Location::caller();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = state.generation.get_or_insert_default().clone();
        state.arrivals.release_join(&BARRIER, site);
        state.count += 1;
        let is_leader = state.count >= self.threads;
        if is_leader {
            state.count = 0;
            state.generation = None;
            let _ = generation.set(std::mem::take(&mut state.arrivals));
            self.opened.notify_all();
        } else {
            state = self
                .opened
                .wait_while(state, |_| generation.get().is_none())
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        if let Some(arrivals) = generation.get() {
            arrivals.acquire(&BARRIER, site);
        }
        BarrierWaitResult(is_leader)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

/// `std::sync::BarrierWaitResult`.
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// As `std::sync::BarrierWaitResult::is_leader`: true for one thread of each generation.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult")
            .field("is_leader", &self.is_leader())
            .finish()
    }
}
