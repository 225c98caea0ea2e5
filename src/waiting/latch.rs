//! A latch: it opens once, when it has been counted down, and stays open.

use std::fmt;
use std::panic::Location;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{SyncClock, SyncKind, lock};

static LATCH: SyncKind = SyncKind {
    name: "Latch",
    release: "counted a Latch down",
    acquire: "saw it open",
};

/// A counter that threads wait for until it has come down to zero: C++'s `std::latch`.
///
/// Every count happens before the return of every `wait`, and before a [`try_wait`](Latch::try_wait) that says that it is open. It doesn't close
/// again; to count what is at zero does nothing, and orders nothing. With a count of one it is a gate.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, sync::Latch, thread};
///
/// let (parts, ready) = ([Shared::new(0), Shared::new(0)], Latch::new(2));
/// thread::scope(|s| {
///     for part in &parts {
///         let ready = &ready;
///         s.spawn(move || {
///             part.set(1);
///             ready.count_down();
///         });
///     }
///     ready.wait();
///     assert_eq!(parts[0].get() + parts[1].get(), 2);
/// });
/// ```
pub struct Latch {
    state: Mutex<State>,
    opened: Condvar,
}

struct State {
    count: usize,
    clock: SyncClock,
}

impl Latch {
    /// A latch that opens after `count` counts; it is open if that is zero.
    pub const fn new(count: usize) -> Latch {
        Latch {
            state: Mutex::new(State {
                count,
                clock: SyncClock::new(),
            }),
            opened: Condvar::new(),
        }
    }

    /// Counts one down, and doesn't wait.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Latch;
    ///
    /// let gate = Latch::new(1);
    /// gate.count_down();
    /// gate.count_down(); // it is open already
    /// assert!(gate.try_wait());
    /// ```
    #[track_caller]
    pub fn count_down(&self) {
        self.arrive(1);
    }

    /// Counts `n` down, or what is left of the count, and doesn't wait.
    #[track_caller]
    pub fn arrive(&self, n: usize) {
        let mut state = lock(&self.state);
        if state.count == 0 || n == 0 {
            return;
        }
        state.clock.release_join(&LATCH, Location::caller());
        state.count = state.count.saturating_sub(n);
        if state.count == 0 {
            self.opened.notify_all();
        }
    }

    /// Waits until it is open.
    #[track_caller]
    pub fn wait(&self) {
        let waited = self
            .opened
            .wait_while(lock(&self.state), |state| state.count > 0);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        state.clock.acquire(&LATCH, Location::caller());
    }

    /// Waits until it is open, but not longer than that. Returns whether it is.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::Latch;
    /// use std::time::Duration;
    ///
    /// assert!(!Latch::new(1).wait_timeout(Duration::from_millis(1)));
    /// ```
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let waited = self
            .opened
            .wait_timeout_while(lock(&self.state), timeout, |state| state.count > 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_open(Location::caller())
    }

    /// Whether it is open.
    #[track_caller]
    pub fn try_wait(&self) -> bool {
        lock(&self.state).is_open(Location::caller())
    }

    /// Counts one down, and waits until it is open.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{sync::Latch, thread};
    ///
    /// let start = Latch::new(3);
    /// thread::scope(|s| {
    ///     for _ in 0..3 {
    ///         s.spawn(|| start.arrive_and_wait()); // all go at once
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn arrive_and_wait(&self) {
        self.count_down();
        self.wait();
    }

    /// How many counts are left. Orders nothing.
    pub fn count(&self) -> usize {
        lock(&self.state).count
    }
}

impl State {
    fn is_open(&self, site: &'static Location<'static>) -> bool {
        if self.count == 0 {
            self.clock.acquire(&LATCH, site);
        }
        self.count == 0
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("count", &self.count())
            .finish()
    }
}
