//! `parking_lot`'s read-write lock: a raw lock that keeps clocks, under `lock_api`'s own types.
//!
//! Like the raw mutexes: the real lock is around the clocks, locking it leaks the real guard, and unlocking makes that guard again.

use std::mem;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use ::parking_lot as real;
use lock_api::{
    RawRwLock as _, RawRwLockDowngrade, RawRwLockFair, RawRwLockRecursive, RawRwLockRecursiveTimed,
    RawRwLockTimed, RawRwLockUpgrade, RawRwLockUpgradeDowngrade, RawRwLockUpgradeFair,
    RawRwLockUpgradeTimed,
};
use race_core::deadlock::{Mode, Wanted};
use race_core::sync::rw::RwClock;
use race_core::sync::{Origin, SyncKind, SyncObject};

use super::lock_api;
use super::places::Places;

static RWLOCK: SyncKind = SyncKind {
    name: "RwLock",
    release: "unlocked an RwLock",
    acquire: "locked it",
};

/// `parking_lot::RwLock`, tracked.
///
/// A write unlock happens before every later lock, a read unlock before later write locks and upgrades: readers don't order one another. Upgradable readers
/// do, since they exclude one another. A try that fails orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::parking_lot::{RwLock, RwLockUpgradableReadGuard};
///
/// let limits = RwLock::new(vec![1, 2]);
/// let guard = limits.upgradable_read();
/// if guard.len() == 2 {
///     RwLockUpgradableReadGuard::upgrade(guard).push(3);
/// }
/// assert_eq!(*limits.read(), [1, 2, 3]);
/// ```
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// `parking_lot::RwLockReadGuard`, tracked.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// `parking_lot::RwLockWriteGuard`, tracked.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// `parking_lot::RwLockUpgradableReadGuard`, tracked.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;
/// `parking_lot::MappedRwLockReadGuard`, tracked.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// `parking_lot::MappedRwLockWriteGuard`, tracked.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// As `parking_lot::const_rwlock`.
pub const fn const_rwlock<T>(value: T) -> RwLock<T> {
    RwLock::from_raw(RawRwLock::INIT, value)
}

type Place = &'static Location<'static>;
type Kind = &'static SyncKind;
type Shared<'a> = real::RwLockReadGuard<'a, Clocks>;
type Upgradable<'a> = real::RwLockUpgradableReadGuard<'a, Clocks>;
type Exclusive<'a> = real::RwLockWriteGuard<'a, Clocks>;

/// Used by shared reference by readers, upgradable or not, and by `&mut` by a writer.
struct Clocks {
    rw: RwClock,
    /// The ends of upgradable reads: to the other readers' clocks they are reads like any other.
    upgradable: SyncObject,
}

/// `parking_lot::RawRwLock`, tracked.
pub struct RawRwLock {
    places: Places,
    real: real::RwLock<Clocks>,
}

// No panic leaves the clocks half changed: the engine has none.
impl UnwindSafe for RawRwLock {}
impl RefUnwindSafe for RawRwLock {}

/// Each of these is the clocks' side of a lock or an unlock; the guard is the real side.
impl RawRwLock {
    fn site(&self, caller: Place) -> Place {
        self.places.site(caller)
    }

    fn locked_shared(
        &self,
        guard: Shared<'_>,
        site: Place,
        lock: impl FnOnce(&RwClock, Kind, Origin, Place),
    ) {
        lock(&guard.rw, &RWLOCK, self.places.origin(site), site);
        mem::forget(guard);
    }

    fn tried_shared(&self, guard: Option<Shared<'_>>, site: Place) -> bool {
        let tried = |guard| self.locked_shared(guard, site, RwClock::try_lock_read);
        guard.map(tried).is_some()
    }

    fn locked_exclusive(
        &self,
        mut guard: Exclusive<'_>,
        site: Place,
        lock: impl FnOnce(&mut RwClock, Kind, Origin, Place),
    ) {
        lock(&mut guard.rw, &RWLOCK, self.places.origin(site), site);
        mem::forget(guard);
    }

    fn tried_exclusive(&self, guard: Option<Exclusive<'_>>, site: Place) -> bool {
        let tried = |guard| self.locked_exclusive(guard, site, RwClock::try_lock_write);
        guard.map(tried).is_some()
    }

    fn locked_upgradable(
        &self,
        guard: Upgradable<'_>,
        site: Place,
        lock: impl FnOnce(&RwClock, Kind, Origin, Place),
    ) {
        lock(&guard.rw, &RWLOCK, self.places.origin(site), site);
        guard.upgradable.acquire(&RWLOCK, site);
        mem::forget(guard);
    }

    fn tried_upgradable(&self, guard: Option<Upgradable<'_>>, site: Place) -> bool {
        let tried = |guard| self.locked_upgradable(guard, site, RwClock::try_lock_read);
        guard.map(tried).is_some()
    }

    /// Gets the real lock. Whoever holds it excludes `mode`.
    fn real<G>(
        &self,
        mode: Mode,
        site: Place,
        try_lock: impl Fn() -> Option<G>,
        lock: impl FnOnce() -> G,
    ) -> G {
        try_lock().unwrap_or_else(|| {
            // SAFETY: the place of a field, of a struct that is there.
            let clock = unsafe { &raw const (*self.real.data_ptr()).rw };
            let wanted = Wanted {
                address: clock.addr(),
                mode,
                kind: &RWLOCK,
                created: self.places.origin(site),
                site,
            };
            wanted.wait(try_lock, lock)
        })
    }

    /// The readers are gone, too: it is on the list of locks held already.
    fn upgraded(&self, mut guard: Exclusive<'_>, site: Place) {
        guard.rw.exclusive(&RWLOCK, site);
        mem::forget(guard);
    }

    /// # Safety
    ///
    /// The calling context has the lock as a reader, and gives that up.
    unsafe fn unlocking_shared(&self, caller: Place) -> Shared<'_> {
        let site = self.places.called(caller);
        // SAFETY: as the caller says; the guard of then was forgotten.
        let guard = unsafe { self.real.make_read_guard_unchecked() };
        guard.rw.unlock_read(&RWLOCK, site);
        guard
    }

    /// # Safety
    ///
    /// The calling context has the lock as a writer, and gives that up.
    unsafe fn unlocking_exclusive(&self, caller: Place) -> Exclusive<'_> {
        let site = self.places.called(caller);
        // SAFETY: as the caller says; the guard of then was forgotten.
        let mut guard = unsafe { self.real.make_write_guard_unchecked() };
        guard.rw.unlock_write(&RWLOCK, site);
        guard
    }

    /// # Safety
    ///
    /// The calling context has the lock as an upgradable reader, and gives that up.
    unsafe fn unlocking_upgradable(&self, caller: Place) -> Upgradable<'_> {
        let site = self.places.called(caller);
        // SAFETY: as the caller says; the guard of then was forgotten.
        let guard = unsafe { self.real.make_upgradable_guard_unchecked() };
        guard.upgradable.release(&RWLOCK, site);
        guard.rw.unlock_read(&RWLOCK, site);
        guard
    }

    /// The real side of an upgradable read that is to become a write.
    ///
    /// # Safety
    ///
    /// The calling context has the lock as an upgradable reader. What it has afterwards, it says by forgetting a guard.
    unsafe fn upgrading(&self, caller: Place) -> Upgradable<'_> {
        self.places.called(caller);
        // SAFETY: as the caller says; the guard of then was forgotten.
        unsafe { self.real.make_upgradable_guard_unchecked() }
    }

    /// # Safety
    ///
    /// The calling context has the lock as a writer, and keeps it as a reader of some kind.
    unsafe fn downgrading(&self, caller: Place) -> Exclusive<'_> {
        // SAFETY: as the caller says; the guard of then was forgotten.
        let mut guard = unsafe { self.real.make_write_guard_unchecked() };
        guard.rw.downgrade(&RWLOCK, self.site(caller));
        guard
    }
}

/// Nobody else has it: whatever was released is over. That is what `into_inner` comes to.
impl Drop for RawRwLock {
    fn drop(&mut self) {
        if let Some(site) = self.places.first() {
            self.real.get_mut().rw.exclusive(&RWLOCK, site);
        }
    }
}

// SAFETY: the real lock is locked as long as this one is, and in the same way.
unsafe impl lock_api::RawRwLock for RawRwLock {
    const INIT: Self = RawRwLock {
        places: Places::new(),
        real: real::RwLock::new(Clocks {
            rw: RwClock::new(),
            upgradable: SyncObject::new(),
        }),
    };

    type GuardMarker = <real::RawRwLock as lock_api::RawRwLock>::GuardMarker;

    #[track_caller]
    fn lock_shared(&self) {
        let site = self.site(Location::caller());
        let (try_lock, lock) = (|| self.real.try_read(), || self.real.read());
        self.locked_shared(
            self.real(Mode::Shared, site, try_lock, lock),
            site,
            RwClock::lock_read,
        );
    }

    #[track_caller]
    fn try_lock_shared(&self) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read(), site)
    }

    #[track_caller]
    unsafe fn unlock_shared(&self) {
        // SAFETY: as the caller says.
        drop(unsafe { self.unlocking_shared(Location::caller()) });
    }

    #[track_caller]
    fn lock_exclusive(&self) {
        let site = self.site(Location::caller());
        let (try_lock, lock) = (|| self.real.try_write(), || self.real.write());
        self.locked_exclusive(
            self.real(Mode::Exclusive, site, try_lock, lock),
            site,
            RwClock::lock_write,
        );
    }

    #[track_caller]
    fn try_lock_exclusive(&self) -> bool {
        let site = self.site(Location::caller());
        self.tried_exclusive(self.real.try_write(), site)
    }

    #[track_caller]
    unsafe fn unlock_exclusive(&self) {
        // SAFETY: as the caller says.
        drop(unsafe { self.unlocking_exclusive(Location::caller()) });
    }

    fn is_locked(&self) -> bool {
        self.real.is_locked()
    }

    fn is_locked_exclusive(&self) -> bool {
        self.real.is_locked_exclusive()
    }
}

// SAFETY: as above.
unsafe impl RawRwLockFair for RawRwLock {
    #[track_caller]
    unsafe fn unlock_shared_fair(&self) {
        // SAFETY: as the caller says.
        Shared::unlock_fair(unsafe { self.unlocking_shared(Location::caller()) });
    }

    #[track_caller]
    unsafe fn unlock_exclusive_fair(&self) {
        // SAFETY: as the caller says.
        Exclusive::unlock_fair(unsafe { self.unlocking_exclusive(Location::caller()) });
    }

    #[track_caller]
    unsafe fn bump_shared(&self) {
        let caller = Location::caller();
        // SAFETY: the caller has the lock as a reader, and has it again after this.
        let mut guard = unsafe { self.unlocking_shared(caller) };
        Shared::bump(&mut guard);
        self.locked_shared(guard, self.site(caller), RwClock::lock_read);
    }

    #[track_caller]
    unsafe fn bump_exclusive(&self) {
        let caller = Location::caller();
        // SAFETY: the caller has the lock as a writer, and has it again after this.
        let mut guard = unsafe { self.unlocking_exclusive(caller) };
        Exclusive::bump(&mut guard);
        self.locked_exclusive(guard, self.site(caller), RwClock::lock_write);
    }
}

// SAFETY: as above.
unsafe impl RawRwLockDowngrade for RawRwLock {
    #[track_caller]
    unsafe fn downgrade(&self) {
        // SAFETY: as the caller says.
        let guard = unsafe { self.downgrading(Location::caller()) };
        mem::forget(Exclusive::downgrade(guard));
    }
}

// SAFETY: as above.
unsafe impl RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[track_caller]
    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read_for(timeout), site)
    }

    #[track_caller]
    fn try_lock_shared_until(&self, timeout: Instant) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read_until(timeout), site)
    }

    #[track_caller]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        let site = self.site(Location::caller());
        self.tried_exclusive(self.real.try_write_for(timeout), site)
    }

    #[track_caller]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> bool {
        let site = self.site(Location::caller());
        self.tried_exclusive(self.real.try_write_until(timeout), site)
    }
}

// SAFETY: as above.
unsafe impl RawRwLockRecursive for RawRwLock {
    #[track_caller]
    fn lock_shared_recursive(&self) {
        let site = self.site(Location::caller());
        let (try_lock, lock) = (
            || self.real.try_read_recursive(),
            || self.real.read_recursive(),
        );
        self.locked_shared(
            self.real(Mode::Shared, site, try_lock, lock),
            site,
            RwClock::lock_read,
        );
    }

    #[track_caller]
    fn try_lock_shared_recursive(&self) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read_recursive(), site)
    }
}

// SAFETY: as above.
unsafe impl RawRwLockRecursiveTimed for RawRwLock {
    #[track_caller]
    fn try_lock_shared_recursive_for(&self, timeout: Duration) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read_recursive_for(timeout), site)
    }

    #[track_caller]
    fn try_lock_shared_recursive_until(&self, timeout: Instant) -> bool {
        let site = self.site(Location::caller());
        self.tried_shared(self.real.try_read_recursive_until(timeout), site)
    }
}

// SAFETY: as above.
unsafe impl RawRwLockUpgrade for RawRwLock {
    #[track_caller]
    fn lock_upgradable(&self) {
        let site = self.site(Location::caller());
        let (try_lock, lock) = (
            || self.real.try_upgradable_read(),
            || self.real.upgradable_read(),
        );
        self.locked_upgradable(
            self.real(Mode::Shared, site, try_lock, lock),
            site,
            RwClock::lock_read,
        );
    }

    #[track_caller]
    fn try_lock_upgradable(&self) -> bool {
        let site = self.site(Location::caller());
        self.tried_upgradable(self.real.try_upgradable_read(), site)
    }

    #[track_caller]
    unsafe fn unlock_upgradable(&self) {
        // SAFETY: as the caller says.
        drop(unsafe { self.unlocking_upgradable(Location::caller()) });
    }

    #[track_caller]
    unsafe fn upgrade(&self) {
        let caller = Location::caller();
        // SAFETY: as the caller says.
        let guard = unsafe { self.upgrading(caller) };
        self.upgraded(Upgradable::upgrade(guard), self.site(caller));
    }

    #[track_caller]
    unsafe fn try_upgrade(&self) -> bool {
        let caller = Location::caller();
        // SAFETY: as the caller says.
        let guard = unsafe { self.upgrading(caller) };
        let upgraded = Upgradable::try_upgrade(guard).map_err(mem::forget);
        upgraded
            .map(|guard| self.upgraded(guard, self.site(caller)))
            .is_ok()
    }
}

// SAFETY: as above.
unsafe impl RawRwLockUpgradeFair for RawRwLock {
    #[track_caller]
    unsafe fn unlock_upgradable_fair(&self) {
        // SAFETY: as the caller says.
        Upgradable::unlock_fair(unsafe { self.unlocking_upgradable(Location::caller()) });
    }

    #[track_caller]
    unsafe fn bump_upgradable(&self) {
        let caller = Location::caller();
        // SAFETY: the caller has the lock as an upgradable reader, and has it again after this.
        let mut guard = unsafe { self.unlocking_upgradable(caller) };
        Upgradable::bump(&mut guard);
        self.locked_upgradable(guard, self.site(caller), RwClock::lock_read);
    }
}

// SAFETY: as above.
unsafe impl RawRwLockUpgradeDowngrade for RawRwLock {
    #[track_caller]
    unsafe fn downgrade_upgradable(&self) {
        // SAFETY: the caller has the lock as an upgradable reader.
        let guard = unsafe { self.real.make_upgradable_guard_unchecked() };
        guard
            .upgradable
            .release(&RWLOCK, self.site(Location::caller()));
        mem::forget(Upgradable::downgrade(guard));
    }

    #[track_caller]
    unsafe fn downgrade_to_upgradable(&self) {
        // SAFETY: as the caller says.
        let guard = unsafe { self.downgrading(Location::caller()) };
        mem::forget(Exclusive::downgrade_to_upgradable(guard));
    }
}

// SAFETY: as above.
unsafe impl RawRwLockUpgradeTimed for RawRwLock {
    #[track_caller]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> bool {
        let site = self.site(Location::caller());
        self.tried_upgradable(self.real.try_upgradable_read_for(timeout), site)
    }

    #[track_caller]
    fn try_lock_upgradable_until(&self, timeout: Instant) -> bool {
        let site = self.site(Location::caller());
        self.tried_upgradable(self.real.try_upgradable_read_until(timeout), site)
    }

    #[track_caller]
    unsafe fn try_upgrade_for(&self, timeout: Duration) -> bool {
        let caller = Location::caller();
        // SAFETY: as the caller says.
        let guard = unsafe { self.upgrading(caller) };
        let upgraded = Upgradable::try_upgrade_for(guard, timeout).map_err(mem::forget);
        upgraded
            .map(|guard| self.upgraded(guard, self.site(caller)))
            .is_ok()
    }

    #[track_caller]
    unsafe fn try_upgrade_until(&self, timeout: Instant) -> bool {
        let caller = Location::caller();
        // SAFETY: as the caller says.
        let guard = unsafe { self.upgrading(caller) };
        let upgraded = Upgradable::try_upgrade_until(guard, timeout).map_err(mem::forget);
        upgraded
            .map(|guard| self.upgraded(guard, self.site(caller)))
            .is_ok()
    }
}
