//! The clocks of a lock, beside the real lock, which guards them: the engine sees nothing else of it.
//!
//! The same functions as in `linked::lock`, for the engine that the program is linked with there.

use std::cell::UnsafeCell;

use race_core::deadlock::{Mode, Wanted};
use race_core::sync::SyncClock;
use race_core::sync::rw::RwClock;

use super::{Patience, Use};

/// What a thread does between [`Clock::locking`] and having locked, or not: nothing that the engine would see.
pub(crate) struct Locking;

/// What the last unlocks of a lock released.
pub(crate) struct Clock<C>(UnsafeCell<C>);

pub(crate) type MutexClock = Clock<SyncClock>;
pub(crate) type RwLockClock = Clock<RwClock>;

impl<C> Clock<C> {
    /// The calling thread is about to lock the real lock, or to try.
    #[inline(always)]
    pub(crate) fn locking(&self, _: Use, _: Patience) -> Locking {
        Locking
    }

    /// Waits for the real lock, as [`Wanted::wait`].
    #[track_caller]
    pub(crate) fn wait<G>(
        &self,
        here: Use,
        try_lock: impl Fn() -> Option<G>,
        lock: impl FnOnce() -> G,
    ) -> G {
        let wanted = Wanted {
            address: self.0.get().addr(),
            mode: here.mode,
            kind: here.kind,
            created: here.created.into(),
            site: here.site,
        };
        wanted.wait(try_lock, lock)
    }
}

impl MutexClock {
    pub(crate) const fn new() -> MutexClock {
        Clock(UnsafeCell::new(SyncClock::new()))
    }

    /// # Safety
    ///
    /// The calling thread has just locked the real mutex.
    #[inline]
    pub(crate) unsafe fn locked(&self, here: Use, patience: Patience) {
        // SAFETY: nobody else is here, as the real mutex is locked.
        let clock = unsafe { &*self.0.get() };
        match patience {
            Patience::Endless => clock.lock(here.kind, here.created, here.site),
            Patience::None => clock.try_lock(here.kind, here.created, here.site),
        }
    }

    /// # Safety
    ///
    /// The calling thread has the real mutex, and is about to unlock it.
    #[inline]
    pub(crate) unsafe fn unlock(&self, here: Use) {
        // SAFETY: nobody else is here, as the real mutex is locked.
        unsafe { &mut *self.0.get() }.unlock(here.kind, here.site);
    }

    /// It is used with a condition variable.
    ///
    /// # Safety
    ///
    /// The calling thread has the real mutex.
    pub(crate) unsafe fn hand_over(&self, here: Use) {
        // SAFETY: nobody else is here, as the real mutex is locked.
        unsafe { &mut *self.0.get() }.hand_over(here.kind, here.site);
    }

    /// Nobody else has the mutex: whatever was released is over.
    pub(crate) fn exclusive(&mut self, here: Use) {
        self.0.get_mut().acquire(here.kind, here.site);
    }
}

impl RwLockClock {
    pub(crate) const fn new() -> RwLockClock {
        Clock(UnsafeCell::new(RwClock::new()))
    }

    /// # Safety
    ///
    /// The calling thread has just locked the real lock in this mode.
    #[inline]
    pub(crate) unsafe fn locked(&self, here: Use, patience: Patience) {
        let Use {
            kind,
            created,
            mode,
            site,
        } = here;
        // SAFETY: readers use it by shared reference, and a writer is alone, as the real lock says.
        unsafe {
            let clock = self.0.get();
            match (mode, patience) {
                (Mode::Shared, Patience::Endless) => (*clock).lock_read(kind, created, site),
                (Mode::Shared, Patience::None) => (*clock).try_lock_read(kind, created, site),
                (Mode::Exclusive, Patience::Endless) => (*clock).lock_write(kind, created, site),
                (Mode::Exclusive, Patience::None) => (*clock).try_lock_write(kind, created, site),
            }
        }
    }

    /// # Safety
    ///
    /// The calling thread has the real lock in this mode, and is about to unlock it.
    #[inline]
    pub(crate) unsafe fn unlock(&self, here: Use) {
        // SAFETY: as above.
        unsafe {
            let clock = self.0.get();
            match here.mode {
                Mode::Shared => (*clock).unlock_read(here.kind, here.site),
                Mode::Exclusive => (*clock).unlock_write(here.kind, here.site),
            }
        }
    }

    /// # Safety
    ///
    /// The calling thread has the real lock as a writer, and is about to keep it as a reader.
    pub(crate) unsafe fn downgrade(&self, here: Use) {
        // SAFETY: a writer is alone.
        unsafe { &mut *self.0.get() }.downgrade(here.kind, here.site);
    }

    /// Nobody else has the lock: whatever was released is over.
    pub(crate) fn exclusive(&mut self, here: Use) {
        self.0.get_mut().exclusive(here.kind, here.site);
    }
}
