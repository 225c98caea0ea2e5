//! `std::sync::Mutex`, tracked: an unlock happens before the next lock.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync as real;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use super::{Patience, Use};
use crate::engine::locks::{Mode, MutexClock, SyncKind};
use crate::guards::guards;

static MUTEX: SyncKind = SyncKind {
    name: "Mutex",
    release: "unlocked a Mutex",
    acquire: "locked it",
};

/// `std::sync::Mutex`, tracked.
///
/// An unlock happens before every later lock and successful `try_lock`; a failed one orders nothing. The lock is named in reports, with the place
/// where it was made and the place where it was locked.
///
/// # Example
///
/// ```
/// use racecheck::sync::Mutex;
///
/// let total = Mutex::new(1);
/// *total.lock().unwrap() += 1;
/// assert_eq!(total.into_inner().unwrap(), 2);
/// ```
pub struct Mutex<T: ?Sized> {
    /// Guarded by `inner`.
    clock: MutexClock,
    created: &'static Location<'static>,
    inner: real::Mutex<T>,
}

// SAFETY: `clock` is touched only while `inner` is locked, by its holder, or through `&mut self`; the rest is `std`'s mutex.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// `std`'s mutex is both whatever it holds: poisoning tells of a broken invariant.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    /// As `std::sync::Mutex::new`. The place of the call names the lock in reports.
    #[track_caller]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            clock: MutexClock::new(),
            created: Location::caller(),
            inner: real::Mutex::new(value),
        }
    }

    /// As `std::sync::Mutex::into_inner`.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned.
    #[track_caller]
    pub fn into_inner(mut self) -> LockResult<T> {
        let here = self.at(Location::caller());
        self.clock.exclusive(here);
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    #[inline]
    fn at(&self, site: &'static Location<'static>) -> Use {
        Use {
            kind: &MUTEX,
            created: self.created,
            mode: Mode::Exclusive,
            site,
        }
    }

    /// As `std::sync::Mutex::lock`; then everything done under the lock so far happens before what comes next.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// If the current thread holds the lock already: that is reported first.
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let site = Location::caller();
        let _locking = self.clock.locking(self.at(site), Patience::Endless);
        let locked = match self.inner.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
            Err(TryLockError::WouldBlock) => self.wait(site),
        };
        match locked {
            Ok(guard) => Ok(self.locked(guard, site)),
            Err(poisoned) => Err(PoisonError::new(self.locked(poisoned.into_inner(), site))),
        }
    }

    #[cold]
    #[track_caller]
    fn wait(&self, site: &'static Location<'static>) -> LockResult<real::MutexGuard<'_, T>> {
        let try_lock = || match self.inner.try_lock() {
            Ok(guard) => Some(Ok(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
            Err(TryLockError::WouldBlock) => None,
        };
        self.clock
            .wait(self.at(site), try_lock, || self.inner.lock())
    }

    /// As `std::sync::Mutex::try_lock`; a failure orders nothing.
    ///
    /// # Errors
    ///
    /// If the mutex is locked, or poisoned; in the second case the error holds the guard.
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let site = Location::caller();
        let _locking = self.clock.locking(self.at(site), Patience::None);
        match self.inner.try_lock() {
            Ok(guard) => Ok(self.tried(guard, site)),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = self.tried(poisoned.into_inner(), site);
                Err(TryLockError::Poisoned(PoisonError::new(guard)))
            }
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
        }
    }

    /// As `std::sync::Mutex::is_poisoned`.
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// As `std::sync::Mutex::clear_poison`.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// As `std::sync::Mutex::get_mut`: no locking takes place, and no ordering.
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the error holds the reference.
    #[track_caller]
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let here = self.at(Location::caller());
        self.clock.exclusive(here);
        self.inner.get_mut()
    }

    #[inline]
    pub(super) fn locked<'a>(
        &'a self,
        guard: real::MutexGuard<'a, T>,
        site: &'static Location<'static>,
    ) -> MutexGuard<'a, T> {
        MutexGuard {
            // SAFETY: `inner` is locked by this thread, as `guard` shows.
            unlock: unsafe { Unlock::locked(self, site) },
            inner: guard,
        }
    }

    #[inline]
    fn tried<'a>(
        &'a self,
        guard: real::MutexGuard<'a, T>,
        site: &'static Location<'static>,
    ) -> MutexGuard<'a, T> {
        // SAFETY: `inner` is locked by this thread, as `guard` shows.
        unsafe { self.clock.locked(self.at(site), Patience::None) };
        MutexGuard {
            unlock: Unlock { mutex: self, site },
            inner: guard,
        }
    }
}

/// The clock's side of an unlock.
pub(super) struct Unlock<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    site: &'static Location<'static>,
}

impl<'a, T: ?Sized> Unlock<'a, T> {
    /// The clock's side of the lock.
    ///
    /// # Safety
    ///
    /// - The calling thread has just locked the real mutex.
    /// - It doesn't unlock it before this is dropped.
    #[inline]
    pub(super) unsafe fn locked(
        mutex: &'a Mutex<T>,
        site: &'static Location<'static>,
    ) -> Unlock<'a, T> {
        // SAFETY: the real mutex is locked by this thread, says the caller.
        unsafe { mutex.clock.locked(mutex.at(site), Patience::Endless) };
        Unlock { mutex, site }
    }

    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }

    /// Unlocks the clock's side, for a wait on a condition variable. The real mutex follows.
    pub(super) fn now(self) -> &'a Mutex<T> {
        self.hand_over();
        self.mutex
    }

    /// Tells the clock that the mutex is used with a condition variable.
    pub(super) fn hand_over(&self) {
        // SAFETY: the real mutex is locked by this thread.
        unsafe { self.mutex.clock.hand_over(self.mutex.at(self.site)) };
    }
}

impl<T: ?Sized> Drop for Unlock<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the real mutex is still locked by this thread.
        unsafe { self.mutex.clock.unlock(self.mutex.at(self.site)) };
    }
}

/// `std::sync::MutexGuard`, tracked: dropping it is the unlock.
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, T: ?Sized> {
    /// Dropped before `inner`.
    unlock: Unlock<'a, T>,
    inner: real::MutexGuard<'a, T>,
}

// SAFETY: through a shared guard only the value is reached, by shared reference; that takes `T: Sync`, as for the real guard, and no more. The
// reference to the mutex, which would ask for `T: Send`, is used when the guard is dropped or taken apart.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// As [`Unlock::hand_over`].
    pub(super) fn hand_over(&self) {
        self.unlock.hand_over();
    }

    /// Both sides of the unlock: the first has to go first.
    pub(super) fn into_parts(self) -> (Unlock<'a, T>, real::MutexGuard<'a, T>) {
        (self.unlock, self.inner)
    }

    pub(super) fn from_parts(
        unlock: Unlock<'a, T>,
        inner: real::MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        MutexGuard { unlock, inner }
    }
}

guards!(; mut MutexGuard);

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    /// Locks the mutex if that is possible at once, as `std`'s does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => out.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => out.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => out.field("data", &"<locked>"),
        };
        out.field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}
