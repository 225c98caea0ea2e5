//! `std::sync::RwLock`, tracked: a write unlock happens before every later lock, a read unlock before later write locks only.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync as real;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use race_core::deadlock::{Mode, Wanted};
use race_core::sync::SyncKind;
use race_core::sync::rw::RwClock;

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
    clock: UnsafeCell<RwClock>,
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
            clock: UnsafeCell::new(RwClock::new()),
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
        self.clock.get_mut().exclusive(&RWLOCK, Location::caller());
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
        let site = Location::caller();
        let try_lock = || had(self.inner.try_read());
        let locked = match try_lock() {
            Some(locked) => locked,
            None => self.wait(Mode::Shared, site, try_lock, || self.inner.read()),
        };
        match locked {
            Ok(guard) => Ok(self.locked_read(guard, site, RwClock::lock_read)),
            Err(poisoned) => {
                let guard = self.locked_read(poisoned.into_inner(), site, RwClock::lock_read);
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
        let site = Location::caller();
        match self.inner.try_read() {
            Ok(guard) => Ok(self.locked_read(guard, site, RwClock::try_lock_read)),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = self.locked_read(poisoned.into_inner(), site, RwClock::try_lock_read);
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
        let site = Location::caller();
        let try_lock = || had(self.inner.try_write());
        let locked = match try_lock() {
            Some(locked) => locked,
            None => self.wait(Mode::Exclusive, site, try_lock, || self.inner.write()),
        };
        match locked {
            Ok(guard) => Ok(self.locked_write(guard, site, RwClock::lock_write)),
            Err(poisoned) => {
                let guard = self.locked_write(poisoned.into_inner(), site, RwClock::lock_write);
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
        let site = Location::caller();
        match self.inner.try_write() {
            Ok(guard) => Ok(self.locked_write(guard, site, RwClock::try_lock_write)),
            Err(TryLockError::Poisoned(poisoned)) => {
                let guard = self.locked_write(poisoned.into_inner(), site, RwClock::try_lock_write);
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
        self.clock.get_mut().exclusive(&RWLOCK, Location::caller());
        self.inner.get_mut()
    }

    #[cold]
    #[track_caller]
    fn wait<G>(
        &self,
        mode: Mode,
        site: Site,
        try_lock: impl Fn() -> Option<G>,
        lock: impl FnOnce() -> G,
    ) -> G {
        let wanted = Wanted {
            address: self.clock.get().addr(),
            mode,
            kind: &RWLOCK,
            created: self.created.into(),
            site,
        };
        wanted.wait(try_lock, lock)
    }

    fn locked_read<'a>(
        &'a self,
        inner: real::RwLockReadGuard<'a, T>,
        site: &'static Location<'static>,
        lock: impl FnOnce(&RwClock, &'static SyncKind, Site, Site),
    ) -> RwLockReadGuard<'a, T> {
        // SAFETY: `inner` is locked for reading by this thread, as the guard shows.
        lock(unsafe { &*self.clock.get() }, &RWLOCK, self.created, site);
        let unlock = ReadUnlock {
            clock: &self.clock,
            site,
        };
        RwLockReadGuard { unlock, inner }
    }

    fn locked_write<'a>(
        &'a self,
        inner: real::RwLockWriteGuard<'a, T>,
        site: &'static Location<'static>,
        lock: impl FnOnce(&mut RwClock, &'static SyncKind, Site, Site),
    ) -> RwLockWriteGuard<'a, T> {
        // SAFETY: `inner` is locked for writing by this thread, as the guard shows.
        lock(
            unsafe { &mut *self.clock.get() },
            &RWLOCK,
            self.created,
            site,
        );
        let unlock = WriteUnlock {
            clock: &self.clock,
            site,
        };
        RwLockWriteGuard { unlock, inner }
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

/// The clock's side of a read unlock.
struct ReadUnlock<'a> {
    clock: &'a UnsafeCell<RwClock>,
    site: &'static Location<'static>,
}

impl Drop for ReadUnlock<'_> {
    fn drop(&mut self) {
        // SAFETY: the real guard, dropped after this, holds the lock for reading.
        unsafe { &*self.clock.get() }.unlock_read(&RWLOCK, self.site);
    }
}

/// The clock's side of a write unlock.
struct WriteUnlock<'a> {
    clock: &'a UnsafeCell<RwClock>,
    site: &'static Location<'static>,
}

impl<'a> WriteUnlock<'a> {
    /// Goes on as a reader's. The real guard has the lock for writing still.
    fn downgrade(self) -> ReadUnlock<'a> {
        let unlock = ReadUnlock {
            clock: self.clock,
            site: self.site,
        };
        // SAFETY: the real guard holds the lock for writing.
        unsafe { &mut *self.clock.get() }.downgrade(&RWLOCK, self.site);
        std::mem::forget(self);
        unlock
    }
}

impl Drop for WriteUnlock<'_> {
    fn drop(&mut self) {
        // SAFETY: the real guard, dropped after this, holds the lock for writing.
        unsafe { &mut *self.clock.get() }.unlock_write(&RWLOCK, self.site);
    }
}

/// `std::sync::RwLockReadGuard`, tracked: dropping it is the unlock.
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    #[expect(dead_code, reason = "for its drop, before the real guard's")]
    unlock: ReadUnlock<'a>,
    inner: real::RwLockReadGuard<'a, T>,
}

/// `std::sync::RwLockWriteGuard`, tracked: dropping it is the unlock.
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    unlock: WriteUnlock<'a>,
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

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

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
