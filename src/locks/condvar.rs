//! `std::sync::Condvar`, tracked: it orders threads only through its mutex, which a wait unlocks and locks again.

use std::fmt;
use std::panic::Location;
use std::sync as real;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use super::mutex::{MutexGuard, Unlock};

pub use std::sync::WaitTimeoutResult;

/// `std::sync::Condvar`, tracked.
///
/// A wait is an unlock of the mutex and a lock of it. `notify_one` and `notify_all` order nothing themselves.
///
/// # Example
///
/// ```
/// use racecheck::sync::{Condvar, Mutex};
/// use racecheck::thread;
///
/// let (ready, changed) = (Mutex::new(false), Condvar::new());
/// thread::scope(|s| {
///     s.spawn(|| {
///         *ready.lock().unwrap() = true;
///         changed.notify_one();
///     });
///     let ready = changed.wait_while(ready.lock().unwrap(), |ready| !*ready).unwrap();
///     assert!(*ready);
/// });
/// ```
#[derive(Default)]
pub struct Condvar {
    inner: real::Condvar,
}

impl Condvar {
    /// As `std::sync::Condvar::new`.
    pub const fn new() -> Condvar {
        Condvar {
            inner: real::Condvar::new(),
        }
    }

    /// As `std::sync::Condvar::wait`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// As `std`'s: it may, if it is used with more than one mutex.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let site = Location::caller();
        let (unlock, guard) = guard.into_parts();
        let mutex = unlock.now();
        match self.inner.wait(guard) {
            Ok(guard) => Ok(mutex.locked(guard, site)),
            Err(poisoned) => {
                let guard = mutex.locked(poisoned.into_inner(), site);
                Err(PoisonError::new(guard))
            }
        }
    }

    /// As `std::sync::Condvar::wait_while`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait), and if `condition` does.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        // Also if it needn't wait: whoever made the condition true has handed something over.
        guard.hand_over();
        let mut guard = guard;
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As `std::sync::Condvar::wait_timeout_ms`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    #[deprecated(note = "replaced by `Condvar::wait_timeout`")]
    #[track_caller]
    pub fn wait_timeout_ms<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let in_time = |(guard, result): (_, WaitTimeoutResult)| (guard, !result.timed_out());
        match self.wait_timeout(guard, Duration::from_millis(ms.into())) {
            Ok(done) => Ok(in_time(done)),
            Err(poisoned) => Err(PoisonError::new(in_time(poisoned.into_inner()))),
        }
    }

    /// As `std::sync::Condvar::wait_timeout`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait).
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let site = Location::caller();
        let (unlock, guard) = guard.into_parts();
        let mutex = unlock.now();
        match self.inner.wait_timeout(guard, duration) {
            Ok((guard, result)) => Ok((mutex.locked(guard, site), result)),
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                Err(PoisonError::new((mutex.locked(guard, site), result)))
            }
        }
    }

    /// As `std::sync::Condvar::wait_timeout_while`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condvar::wait), and if `condition` does.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        duration: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let site = Location::caller();
        let (unlock, guard) = guard.into_parts();
        let mutex = unlock.mutex();
        unlock.hand_over();
        // There whenever the real mutex is locked and the condition isn't running.
        let mut unlock = Some(unlock);
        let waited = self.inner.wait_timeout_while(guard, duration, |value| {
            // SAFETY: the real mutex is locked while the condition runs, by this thread.
            let locked = unlock
                .take()
                .unwrap_or_else(|| unsafe { Unlock::locked(mutex, site) });
            // If this panics, `locked` goes before the real guard.
            let again = condition(value);
            if again {
                locked.now();
            } else {
                unlock = Some(locked);
            }
            again
        });
        // SAFETY: the real wait has come back with the lock, by this thread.
        let relock = || unsafe { Unlock::locked(mutex, site) };
        let with = |guard| MutexGuard::from_parts(unlock.unwrap_or_else(relock), guard);
        match waited {
            Ok((guard, result)) => Ok((with(guard), result)),
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                Err(PoisonError::new((with(guard), result)))
            }
        }
    }

    /// As `std::sync::Condvar::notify_one`. Orders nothing.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// As `std::sync::Condvar::notify_all`. Orders nothing.
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
