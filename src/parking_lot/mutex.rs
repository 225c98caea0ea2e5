//! `parking_lot`'s mutexes: raw locks that keep a clock, under `lock_api`'s own types.
//!
//! A raw lock here is the real mutex around the clock. Locking it leaks the real guard, and unlocking makes that guard again: in between, whoever uses
//! the raw lock holds it, as `lock_api` asks anyway.

use std::mem::ManuallyDrop;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use ::parking_lot as real;
use lock_api::{RawMutex as _, RawMutexFair, RawMutexTimed};
use race_core::deadlock::{Mode, Wanted};
use race_core::sync::{SyncClock, SyncKind};

use super::lock_api;
use super::places::Places;

static MUTEX: SyncKind = SyncKind {
    name: "Mutex",
    release: "unlocked a Mutex",
    acquire: "locked it",
};

static FAIR_MUTEX: SyncKind = SyncKind {
    name: "FairMutex",
    release: "unlocked a FairMutex",
    acquire: "locked it",
};

/// `parking_lot::Mutex`, tracked: an unlock happens before every later lock and successful try; a failed one orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::parking_lot::Mutex;
///
/// static TOTAL: Mutex<u32> = Mutex::new(1);
/// *TOTAL.lock() += 1;
/// assert_eq!(*TOTAL.lock(), 2);
/// ```
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// `parking_lot::MutexGuard`, tracked.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// `parking_lot::MappedMutexGuard`, tracked.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// `parking_lot::FairMutex`, tracked, as [`Mutex`] is.
pub type FairMutex<T> = lock_api::Mutex<RawFairMutex, T>;
/// `parking_lot::FairMutexGuard`, tracked.
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;
/// `parking_lot::MappedFairMutexGuard`, tracked.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

/// `parking_lot::RawMutex`, tracked.
pub type RawMutex = Tracked<real::RawMutex>;
/// `parking_lot::RawFairMutex`, tracked.
pub type RawFairMutex = Tracked<real::RawFairMutex>;

/// As `parking_lot::const_mutex`.
pub const fn const_mutex<T>(value: T) -> Mutex<T> {
    Mutex::from_raw(RawMutex::INIT, value)
}

/// As `parking_lot::const_fair_mutex`.
pub const fn const_fair_mutex<T>(value: T) -> FairMutex<T> {
    FairMutex::from_raw(RawFairMutex::INIT, value)
}

/// One of parking_lot's two raw mutexes.
pub trait Real: lock_api::RawMutex {
    /// What reports call it.
    #[doc(hidden)]
    const KIND: &'static SyncKind;
}

impl Real for real::RawMutex {
    const KIND: &'static SyncKind = &MUTEX;
}

impl Real for real::RawFairMutex {
    const KIND: &'static SyncKind = &FAIR_MUTEX;
}

type Guard<'a, R> = lock_api::MutexGuard<'a, R, SyncClock>;

/// A raw mutex that keeps a clock.
pub struct Tracked<R: Real> {
    places: Places,
    /// Around what the last unlock released.
    real: lock_api::Mutex<R, SyncClock>,
}

// No panic leaves the clock half changed: the engine has none.
impl<R: Real> UnwindSafe for Tracked<R> {}
impl<R: Real> RefUnwindSafe for Tracked<R> {}

impl<R: Real> Tracked<R> {
    /// The methods that are about to lock, in `lock_api`, were called from `caller`.
    pub(super) fn called(&self, caller: &'static Location<'static>) {
        self.places.called(caller);
    }

    /// The clock's side of a lock. `guard` is the real side.
    #[inline]
    fn locked(&self, guard: Guard<'_, R>, site: &'static Location<'static>) {
        Guard::leak(guard).lock(R::KIND, self.places.origin(site), site);
    }

    /// The clock's side of a try, if it was successful.
    #[inline]
    fn tried(&self, guard: Option<Guard<'_, R>>, site: &'static Location<'static>) -> bool {
        let locked = |guard| Guard::leak(guard).try_lock(R::KIND, self.places.origin(site), site);
        guard.map(locked).is_some()
    }

    /// The clock's side of an unlock. The real one is left to the caller.
    ///
    /// # Safety
    ///
    /// The calling context has the lock, and gives it up.
    #[inline]
    unsafe fn unlocking(&self, caller: &'static Location<'static>) -> Guard<'_, R> {
        let site = self.places.called(caller);
        // SAFETY: the real mutex is locked, and for the caller; the guard of then was leaked.
        let mut guard = unsafe { self.real.make_guard_unchecked() };
        guard.unlock(R::KIND, site);
        guard
    }

    #[cold]
    #[track_caller]
    fn wait(&self, site: &'static Location<'static>) -> Guard<'_, R> {
        let wanted = Wanted {
            address: self.real.data_ptr().addr(),
            mode: Mode::Exclusive,
            kind: R::KIND,
            created: self.places.origin(site),
            site,
        };
        wanted.wait(|| self.real.try_lock(), || self.real.lock())
    }
}

/// Nobody else has it: whatever was released is over. That is what `into_inner` comes to.
impl<R: Real> Drop for Tracked<R> {
    fn drop(&mut self) {
        if let Some(site) = self.places.first() {
            self.real.get_mut().acquire(R::KIND, site);
        }
    }
}

// SAFETY: the real mutex is locked as long as this one is, and it is exclusive.
unsafe impl<R: Real> lock_api::RawMutex for Tracked<R> {
    const INIT: Self = Tracked {
        places: Places::new(),
        real: lock_api::Mutex::new(SyncClock::new()),
    };

    type GuardMarker = R::GuardMarker;

    #[track_caller]
    #[inline]
    fn lock(&self) {
        let site = self.places.site(Location::caller());
        let guard = self.real.try_lock().unwrap_or_else(|| self.wait(site));
        self.locked(guard, site);
    }

    #[track_caller]
    #[inline]
    fn try_lock(&self) -> bool {
        let site = self.places.site(Location::caller());
        self.tried(self.real.try_lock(), site)
    }

    #[track_caller]
    #[inline]
    unsafe fn unlock(&self) {
        // SAFETY: as the caller says.
        drop(unsafe { self.unlocking(Location::caller()) });
    }

    fn is_locked(&self) -> bool {
        self.real.is_locked()
    }
}

// SAFETY: as above.
unsafe impl<R: Real + RawMutexFair> RawMutexFair for Tracked<R> {
    #[track_caller]
    unsafe fn unlock_fair(&self) {
        // SAFETY: as the caller says.
        Guard::unlock_fair(unsafe { self.unlocking(Location::caller()) });
    }

    #[track_caller]
    unsafe fn bump(&self) {
        let caller = Location::caller();
        // SAFETY: the caller has the lock, and has it again after this.
        let mut guard = unsafe { self.unlocking(caller) };
        Guard::bump(&mut guard);
        self.locked(guard, self.places.site(caller));
    }
}

// SAFETY: as above.
unsafe impl<R> RawMutexTimed for Tracked<R>
where
    R: Real + RawMutexTimed<Duration = Duration, Instant = Instant>,
{
    type Duration = Duration;
    type Instant = Instant;

    #[track_caller]
    fn try_lock_for(&self, timeout: Duration) -> bool {
        let site = self.places.site(Location::caller());
        self.tried(self.real.try_lock_for(timeout), site)
    }

    #[track_caller]
    fn try_lock_until(&self, timeout: Instant) -> bool {
        let site = self.places.site(Location::caller());
        self.tried(self.real.try_lock_until(timeout), site)
    }
}

/// A locked mutex, lent to a real condition variable: the real guard, and the clock's side apart from it.
///
/// When it is dropped, both sides are locked.
pub(super) struct Lent<'a> {
    pub(super) guard: ManuallyDrop<Guard<'a, real::RawMutex>>,
    pub(super) side: Side<'a>,
}

/// The clock's side of a mutex, while a thread waits.
pub(super) struct Side<'a> {
    places: &'a Places,
    site: &'static Location<'static>,
    is_locked: bool,
}

impl RawMutex {
    /// # Safety
    ///
    /// The calling thread has the lock, and neither uses it in another way nor unlocks it while the result lives.
    pub(super) unsafe fn lend(&self, site: &'static Location<'static>) -> Lent<'_> {
        // SAFETY: the real mutex is locked for the caller; the guard of then was leaked, and so is this one.
        let mut guard = ManuallyDrop::new(unsafe { self.real.make_guard_unchecked() });
        // Also if it needn't wait: whoever made the condition true has handed something over.
        guard.hand_over(&MUTEX, site);
        Lent {
            guard,
            side: Side {
                places: &self.places,
                site,
                is_locked: true,
            },
        }
    }
}

impl Side<'_> {
    /// The real mutex has been locked.
    pub(super) fn lock(&mut self, clock: &mut SyncClock) {
        if !self.is_locked {
            clock.lock(&MUTEX, self.places.origin(self.site), self.site);
            self.is_locked = true;
        }
    }

    /// The real mutex is about to be unlocked.
    pub(super) fn unlock(&mut self, clock: &mut SyncClock) {
        clock.unlock(&MUTEX, self.site);
        self.is_locked = false;
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.side.lock(&mut self.guard);
    }
}
