//! `std::sync::RwLock`, tracked: a write unlock happens before every later lock, a read unlock before later write locks only.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync as real;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use super::{Patience, Use};
use crate::engine::locks::{Mode, RwLockClock, SyncKind};
use crate::guards::guards;

type Site = &'static Location<'static>;

static RWLOCK: SyncKind = SyncKind {
    name: "RwLock",
    release: "unlocked an RwLock",
    acquire: "locked it",
};

/// `std::sync::RwLock`, tracked.
///
/// A write unlock happens before every later lock; a read unlock happens before later write locks: readers don't order one another. A failed
/// `try_read` or `try_write` orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::sync::RwLock;
///
/// let limits = RwLock::new(vec![1, 2]);
/// assert_eq!(limits.read().unwrap().len(), 2);
/// limits.write().unwrap().push(3);
/// assert_eq!(limits.into_inner().unwrap(), [1, 2, 3]);
/// ```
pub struct RwLock<T: ?Sized> {
    /// Used by shared reference while `inner` is locked for reading, by `&mut` while it is for writing.
    clock: RwLockClock,
    created: &'static Location<'static>,
    inner: real::RwLock<T>,
}

// SAFETY: `clock` is reached only as `inner`'s guards allow, and what is reached by shared reference is `Sync`; the rest is `std`'s lock.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

// `std`'s lock is both whatever it holds: poisoning tells of a broken invariant.
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    /// As `std::sync::RwLock::new`. The place of the call names the lock in reports.
    #[track_caller]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock {
            clock: RwLockClock::new(),
            created: Location::caller(),
            inner: real::RwLock::new(value),
        }
    }

    /// As `std::sync::RwLock::into_inner`.
    ///
    /// # Errors
    ///
    /// If the lock is poisoned; the error holds the value.
    #[track_caller]
    pub fn into_inner(mut self) -> LockResult<T> {
        let here = self.at(Location::caller(), Mode::Exclusive);
        self.clock.exclusive(here);
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// As `std::sync::RwLock::read`; then everything done under write locks so far happens before what comes next.
    ///
    /// # Errors
    ///
    /// If the lock is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// If the current thread holds the lock already for writing: that is reported first.
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let here = self.at(Location::caller(), Mode::Shared);
        let _locking = self.clock.locking(here, Patience::Endless);
        let try_lock = || had(self.inner.try_read());
        let locked = match try_lock() {
            Some(locked) => locked,
            None => self.clock.wait(here, try_lock, || self.inner.read()),
        };
        match locked {
            Ok(guard) => Ok(self.locked_read(guard, here, Patience::Endless)),
            Err(poisoned) => {
                let guard = self.locked_read(poisoned.into_inner(), here, Patience::Endless);
                Err(PoisonError::new(guard))
            }
        }
    }

    /// As `std::sync::RwLock::try_read`; a failure orders nothing.
    ///
    /// # Errors
    ///
    /// If the lock is held for writing, or poisoned; in the second case the error holds the guard.
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let here = self.at(Location::caller(), Mode::Shared);
        let _locking = self.clock.locking(here, Patience::None);
        match self.inner.try_read() {
            Ok(guard) => Ok(self.locked_read(guard, here, Patience::None)),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = self.locked_read(poisoned.into_inner(), here, Patience::None);
                Err(TryLockError::Poisoned(PoisonError::new(guard)))
            }
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
        }
    }

    /// As `std::sync::RwLock::write`; then everything done under the lock so far happens before what comes next.
    ///
    /// # Errors
    ///
    /// If the lock is poisoned; the error holds the guard.
    ///
    /// # Panics
    ///
    /// If the current thread holds the lock already: that is reported first.
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let here = self.at(Location::caller(), Mode::Exclusive);
        let _locking = self.clock.locking(here, Patience::Endless);
        let try_lock = || had(self.inner.try_write());
        let locked = match try_lock() {
            Some(locked) => locked,
            None => self.clock.wait(here, try_lock, || self.inner.write()),
        };
        match locked {
            Ok(guard) => Ok(self.locked_write(guard, here, Patience::Endless)),
            Err(poisoned) => {
                let guard = self.locked_write(poisoned.into_inner(), here, Patience::Endless);
                Err(PoisonError::new(guard))
            }
        }
    }

    /// As `std::sync::RwLock::try_write`; a failure orders nothing.
    ///
    /// # Errors
    ///
    /// If the lock is held, or poisoned; in the second case the error holds the guard.
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let here = self.at(Location::caller(), Mode::Exclusive);
        let _locking = self.clock.locking(here, Patience::None);
        match self.inner.try_write() {
            Ok(guard) => Ok(self.locked_write(guard, here, Patience::None)),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = self.locked_write(poisoned.into_inner(), here, Patience::None);
                Err(TryLockError::Poisoned(PoisonError::new(guard)))
            }
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
        }
    }

    /// As `std::sync::RwLock::is_poisoned`.
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// As `std::sync::RwLock::clear_poison`.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// As `std::sync::RwLock::get_mut`: no locking takes place.
    ///
    /// # Errors
    ///
    /// If the lock is poisoned; the error holds the reference.
    #[track_caller]
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let here = self.at(Location::caller(), Mode::Exclusive);
        self.clock.exclusive(here);
        self.inner.get_mut()
    }

    fn at(&self, site: Site, mode: Mode) -> Use {
        Use {
            kind: &RWLOCK,
            created: self.created,
            mode,
            site,
        }
    }

    fn locked_read<'a>(
        &'a self,
        inner: real::RwLockReadGuard<'a, T>,
        here: Use,
        patience: Patience,
    ) -> RwLockReadGuard<'a, T> {
        // SAFETY: `inner` is locked for reading by this thread, as the guard shows.
        unsafe { self.clock.locked(here, patience) };
        let unlock = self.unlock(here);
        RwLockReadGuard { unlock, inner }
    }

    fn locked_write<'a>(
        &'a self,
        inner: real::RwLockWriteGuard<'a, T>,
        here: Use,
        patience: Patience,
    ) -> RwLockWriteGuard<'a, T> {
        // SAFETY: `inner` is locked for writing by this thread, as the guard shows.
        unsafe { self.clock.locked(here, patience) };
        let unlock = self.unlock(here);
        RwLockWriteGuard { unlock, inner }
    }

    fn unlock(&self, here: Use) -> Unlock<'_> {
        Unlock {
            clock: &self.clock,
            here,
        }
    }
}

/// The guard, poisoned or not, unless it would have to be waited for.
fn had<G>(tried: TryLockResult<G>) -> Option<LockResult<G>> {
    match tried {
        Ok(guard) => Some(Ok(guard)),
        Err(TryLockError::Poisoned(poisoned)) => Some(Err(poisoned)),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The clock's side of an unlock.
struct Unlock<'a> {
    clock: &'a RwLockClock,
    here: Use,
}

impl Unlock<'_> {
    /// Goes on as a reader's. The real guard has the lock for writing still.
    fn downgrade(mut self) -> Self {
        // SAFETY: the real guard holds the lock for writing.
        unsafe { self.clock.downgrade(self.here) };
        self.here.mode = Mode::Shared;
        self
    }
}

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        // SAFETY: the real guard, dropped after this, holds the lock in this mode.
        unsafe { self.clock.unlock(self.here) };
    }
}

/// `std::sync::RwLockReadGuard`, tracked: dropping it is the unlock.
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    #[expect(dead_code, reason = "for its drop, before the real guard's")]
    unlock: Unlock<'a>,
    inner: real::RwLockReadGuard<'a, T>,
}

/// `std::sync::RwLockWriteGuard`, tracked: dropping it is the unlock.
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    unlock: Unlock<'a>,
    inner: real::RwLockWriteGuard<'a, T>,
}

// SAFETY: through a shared guard only the value is reached, by shared reference, which takes `T: Sync`, as for the real guards. `unlock` is used by
// dropping alone.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

// As `std`'s: a lock is poisoned by a panic while it is held for writing.
impl<T: ?Sized + RefUnwindSafe> UnwindSafe for RwLockReadGuard<'_, T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for RwLockReadGuard<'_, T> {}
impl<T: ?Sized> UnwindSafe for RwLockWriteGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// As `std::sync::RwLockWriteGuard::downgrade`: what was written happens before later locks of both kinds.
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let RwLockWriteGuard { unlock, inner } = guard;
        let unlock = unlock.downgrade();
        let inner = real::RwLockWriteGuard::downgrade(inner);
        RwLockReadGuard { unlock, inner }
    }
}

guards!(RwLockReadGuard; mut RwLockWriteGuard);

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    /// Locks it for reading if that is possible at once, as `std`'s does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => out.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => out.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => out.field("data", &format_args!("<locked>")),
        };
        out.field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}
