//! `parking_lot::Condvar`, tracked: it orders threads only through its mutex, which a wait unlocks and locks again.
//!
//! parking_lot's own waits with parking_lot's own guards: [`Lent`] has the one that is inside a tracked mutex.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use ::parking_lot as real;
use race_core::sync::SyncClock;

use super::WaitTimeoutResult;
use super::mutex::{Lent, MutexGuard, Side};

/// `parking_lot::Condvar`, tracked.
///
/// A wait is an unlock of the mutex and a lock of it. `notify_one` and `notify_all` order nothing themselves.
///
/// # Example
///
/// ```
/// use racecheck::parking_lot::{Condvar, Mutex};
/// use racecheck::thread;
///
/// let (ready, changed) = (Mutex::new(false), Condvar::new());
/// thread::scope(|s| {
///     s.spawn(|| {
///         *ready.lock() = true;
///         changed.notify_one();
///     });
///     let mut ready = ready.lock();
///     changed.wait_while(&mut ready, |ready| !*ready);
///     assert!(*ready);
/// });
/// ```
#[derive(Default)]
pub struct Condvar {
    inner: real::Condvar,
}

fn lend<'a, T: ?Sized>(
    guard: &mut MutexGuard<'a, T>,
    site: &'static Location<'static>,
) -> Lent<'a> {
    let mutex = MutexGuard::mutex(guard);
    // SAFETY: the guard shows that this thread has the lock. While a real condition variable waits, nobody uses the guard; its conditions use it,
    // and get the mutex locked.
    unsafe { mutex.raw().lend(site) }
}

/// One look at the condition, with the real mutex locked: the wait goes on if it holds.
fn look(side: &mut Side<'_>, clock: &mut SyncClock, condition: impl FnOnce() -> bool) -> bool {
    side.lock(clock);
    let again = condition();
    if again {
        side.unlock(clock);
    }
    again
}

impl Condvar {
    /// As `parking_lot::Condvar::new`.
    pub const fn new() -> Condvar {
        Condvar {
            inner: real::Condvar::new(),
        }
    }

    /// As `parking_lot::Condvar::notify_one`. Orders nothing.
    pub fn notify_one(&self) -> bool {
        self.inner.notify_one()
    }

    /// As `parking_lot::Condvar::notify_all`. Orders nothing.
    pub fn notify_all(&self) -> usize {
        self.inner.notify_all()
    }

    /// As `parking_lot::Condvar::wait`.
    ///
    /// # Panics
    ///
    /// If another thread waits with another mutex.
    #[track_caller]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        let mut lent = lend(guard, Location::caller());
        lent.side.unlock(&mut lent.guard);
        self.inner.wait(&mut lent.guard);
    }

    /// As `parking_lot::Condvar::wait_until`.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait).
    #[track_caller]
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Instant,
    ) -> WaitTimeoutResult {
        let mut lent = lend(guard, Location::caller());
        lent.side.unlock(&mut lent.guard);
        self.inner.wait_until(&mut lent.guard, timeout)
    }

    /// As `parking_lot::Condvar::wait_for`.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait).
    #[track_caller]
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        let mut lent = lend(guard, Location::caller());
        lent.side.unlock(&mut lent.guard);
        self.inner.wait_for(&mut lent.guard, timeout)
    }

    /// As `parking_lot::Condvar::wait_while`.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait), and if `condition` does.
    #[track_caller]
    pub fn wait_while<T, F>(&self, guard: &mut MutexGuard<'_, T>, mut condition: F)
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let mut lent = lend(guard, Location::caller());
        let side = &mut lent.side;
        self.inner.wait_while(&mut lent.guard, |clock| {
            look(side, clock, || condition(guard))
        });
    }

    /// As `parking_lot::Condvar::wait_while_until`.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Condvar::wait_while).
    #[track_caller]
    pub fn wait_while_until<T, F>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: F,
        timeout: Instant,
    ) -> WaitTimeoutResult
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        let mut lent = lend(guard, Location::caller());
        let side = &mut lent.side;
        let look = |clock: &mut _| look(side, clock, || condition(guard));
        self.inner.wait_while_until(&mut lent.guard, look, timeout)
    }

    /// As `parking_lot::Condvar::wait_while_for`.
    ///
    /// # Panics
    ///
    /// As [`wait_while`](Condvar::wait_while).
    #[track_caller]
    pub fn wait_while_for<T: ?Sized, F>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: F,
        timeout: Duration,
    ) -> WaitTimeoutResult
    where
        F: FnMut(&mut T) -> bool,
    {
        let mut lent = lend(guard, Location::caller());
        let side = &mut lent.side;
        let look = |clock: &mut _| look(side, clock, || condition(guard));
        self.inner.wait_while_for(&mut lent.guard, look, timeout)
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
