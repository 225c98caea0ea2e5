//! A lock, under `cargo race`: its loads and stores are announced by the compiler, and what they don't say is told here.
//!
//! The same functions as in `locks::clocks`. What is ordered, the lock's own atomics say; so no function here needs the real lock to guard anything.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicPtr;

use race_interface::{LockKind, LockUse, Sink};

use super::runtime;
use crate::locks::{Patience, Use};

/// How a lock is held or wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Exclusive,
    Shared,
}

/// The words in which a report speaks of a kind of lock.
pub(crate) struct SyncKind {
    pub(crate) name: &'static str,
    pub(crate) release: &'static str,
    pub(crate) acquire: &'static str,
}

unsafe extern "C" fn describe(kind: *const c_void) -> LockKind {
    // SAFETY: `context` below, which is a static's.
    let kind = unsafe { &*kind.cast::<SyncKind>() };
    LockKind {
        name: kind.name.into(),
        release: kind.release.into(),
        acquire: kind.acquire.into(),
    }
}

/// While this lives, the thread is locking.
pub(crate) struct Locking(bool);

impl Drop for Locking {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            (runtime().end_locking)();
        }
    }
}

/// A wait that has been told of.
struct Waiting(*mut c_void);

impl Drop for Waiting {
    fn drop(&mut self) {
        // SAFETY: from `begin_wait`, and ended here only.
        unsafe { (runtime().end_wait)(self.0) };
    }
}

/// The runtime's word for a lock.
pub(crate) struct Clock(AtomicPtr<c_void>);

pub(crate) type MutexClock = Clock;
pub(crate) type RwLockClock = Clock;

fn used<'a>(known: &'a AtomicPtr<c_void>, here: Use, patience: Patience) -> LockUse<'a> {
    LockUse {
        known,
        describe,
        context: ptr::from_ref(here.kind).cast(),
        created: here.created.into(),
        site: here.site.into(),
        shared: here.mode == Mode::Shared,
        waits: patience == Patience::Endless,
    }
}

impl Clock {
    pub(crate) const fn new() -> Clock {
        Clock(AtomicPtr::new(ptr::null_mut()))
    }

    /// The calling thread is about to lock the real lock, or to try.
    #[inline]
    pub(crate) fn locking(&self, here: Use, patience: Patience) -> Locking {
        Locking((runtime().begin_locking)(&used(&self.0, here, patience)))
    }

    /// Waits for the real lock. If the wait closes a ring of threads that wait for each other, that is reported, and the process ends.
    ///
    /// # Panics
    ///
    /// If the thread itself holds the lock, in a mode that excludes this one. That is reported first.
    #[cold]
    #[track_caller]
    pub(crate) fn wait<G>(
        &self,
        here: Use,
        _: impl Fn() -> Option<G>,
        lock: impl FnOnce() -> G,
    ) -> G {
        let mut own = String::new();
        // SAFETY: the string is there until the call returns.
        let waiting = unsafe {
            let to = Sink::new(&mut own);
            (runtime().begin_wait)(&used(&self.0, here, Patience::Endless), to)
        };
        if waiting.is_null() {
            // A panic runs the program's hook before it unwinds.
            (runtime().end_locking)();
            panic!("racecheck: {own}");
        }
        let _waiting = Waiting(waiting);
        lock()
    }

    /// # Safety
    ///
    /// None is needed here: `unsafe` as for an engine in the program.
    #[inline]
    pub(crate) unsafe fn locked(&self, here: Use, patience: Patience) {
        (runtime().locked)(&used(&self.0, here, patience));
    }

    /// # Safety
    ///
    /// As above.
    #[inline]
    pub(crate) unsafe fn unlock(&self, here: Use) {
        (runtime().unlock)(&used(&self.0, here, Patience::Endless));
    }

    /// # Safety
    ///
    /// As above.
    pub(crate) unsafe fn downgrade(&self, here: Use) {
        (runtime().downgrade)(&used(&self.0, here, Patience::Endless));
    }

    /// # Safety
    ///
    /// As above.
    pub(crate) unsafe fn hand_over(&self, here: Use) {
        (runtime().hand_over)(&used(&self.0, here, Patience::Endless));
    }

    /// What was released is in order by what was seen.
    pub(crate) fn exclusive(&mut self, _: Use) {}
}

impl Drop for Clock {
    fn drop(&mut self) {
        let known = *self.0.get_mut();
        if !known.is_null() {
            // SAFETY: the runtime's own, and the lock is no more.
            unsafe { (runtime().forget_lock)(known) };
        }
    }
}
