//! The guards of C++'s static variables in functions: the end of the initialisation happens before every call that finds it done.
//!
//! Compilers look at the guard first and call only if it isn't done yet. What C++ finds so without a call isn't seen.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::sync::{SyncKind, addressed};

use crate::interpose::interpose;

static GUARD: SyncKind = SyncKind {
    name: "static variable's guard",
    release: "initialised a static variable of C++'s",
    acquire: "found it done",
};

/// What C++'s runtime does, where there is none behind ours: one that is linked statically isn't taken from its archive.
mod alone {
    use std::ffi::{c_int, c_void};
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::{Acquire, Release};
    use std::thread;

    pub(super) const NOT_DONE: u32 = 0;
    /// The compiler looks at the first byte.
    pub(super) const DONE: u32 = 1;
    const BEGUN: u32 = 1 << 8;

    /// # Safety
    ///
    /// `guard` must be one, as the C++ ABI says.
    pub(super) unsafe fn acquire(guard: *mut c_void) -> c_int {
        // SAFETY: 64 bits, aligned and shared by atomics only, says the ABI.
        let state = unsafe { AtomicU32::from_ptr(guard.cast()) };
        loop {
            match state.compare_exchange(NOT_DONE, BEGUN, Acquire, Acquire) {
                Ok(_) => return 1,
                Err(DONE) => return 0,
                Err(_) => thread::yield_now(),
            }
        }
    }

    /// # Safety
    ///
    /// As [`acquire`], which must have returned 1.
    pub(super) unsafe fn end(guard: *mut c_void, result: u32) {
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(guard.cast()) }.store(result, Release);
    }
}

unsafe fn acquire(guard: *mut c_void, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::__cxa_guard_acquire(guard) };
    if result == 0 {
        addressed::acquired(guard.addr(), &GUARD, Position::of_code(caller));
    }
    result
}

unsafe fn release(guard: *mut c_void, caller: usize) {
    addressed::released(guard.addr(), &GUARD, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::__cxa_guard_release(guard) }
}

unsafe fn abort(guard: *mut c_void, _caller: usize) {
    // SAFETY: as above.
    unsafe { real::__cxa_guard_abort(guard) }
}

interpose! {
    // SAFETY: the caller's guard.
    __cxa_guard_acquire(guard: *mut c_void) -> c_int, or unsafe { alone::acquire(guard) }, from caller =>
        acquire(guard, caller);
    // SAFETY: as above.
    __cxa_guard_release(guard: *mut c_void) -> (), or unsafe { alone::end(guard, alone::DONE) }, from caller =>
        release(guard, caller);
    // SAFETY: as above.
    __cxa_guard_abort(guard: *mut c_void) -> (), or unsafe { alone::end(guard, alone::NOT_DONE) }, from caller =>
        abort(guard, caller);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_initialises_and_the_others_find_it_done() {
        let mut guard = 0u64;
        let guard = (&raw mut guard).cast::<c_void>();
        // SAFETY: a guard, of this thread's.
        unsafe {
            assert_eq!(alone::acquire(guard), 1);
            alone::end(guard, alone::NOT_DONE);
            assert_eq!(alone::acquire(guard), 1);
            alone::end(guard, alone::DONE);
            assert_eq!(alone::acquire(guard), 0);
        }
    }
}
