//! Condition variables: a wait is an unlock and a lock of the mutex. Signals and broadcasts order nothing, and aren't seen.
//!
//! A thread that is cancelled in a wait has its mutex again, which nobody tells the engine. It unlocks it in a clean-up handler, and then knows what it
//! would have known.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

use super::mutex::MUTEX;
use crate::interpose::interpose;

/// The edges around a wait. In time or not, the mutex is locked after it; unless it is a robust one that is of no use any more.
pub(crate) fn waiting(
    mutex: *mut c_void,
    kind: &'static SyncKind,
    caller: usize,
    wait: impl FnOnce() -> c_int,
) -> c_int {
    let (address, site) = (mutex.addr(), Position::of_code(caller));
    addressed::hand_over(address, kind, site);
    addressed::unlock(address, kind, site);
    let result = wait();
    if result != libc::ENOTRECOVERABLE {
        addressed::lock(address, kind, Mode::Exclusive, site);
    }
    result
}

unsafe fn wait(condition: *mut c_void, mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    waiting(mutex, &MUTEX, caller, || unsafe {
        real::pthread_cond_wait(condition, mutex)
    })
}

unsafe fn timedwait(
    condition: *mut c_void,
    mutex: *mut c_void,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    waiting(mutex, &MUTEX, caller, || unsafe {
        real::pthread_cond_timedwait(condition, mutex, until)
    })
}

unsafe fn clockwait(
    condition: *mut c_void,
    mutex: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    waiting(mutex, &MUTEX, caller, || unsafe {
        real::pthread_cond_clockwait(condition, mutex, clock, until)
    })
}

interpose! {
    pthread_cond_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int, or libc::EINVAL, version c"GLIBC_2.3.2", from caller =>
        wait(condition, mutex, caller);
    pthread_cond_timedwait(condition: *mut c_void, mutex: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL, version c"GLIBC_2.3.2", from caller =>
        timedwait(condition, mutex, until, caller);
    pthread_cond_clockwait(condition: *mut c_void, mutex: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        clockwait(condition, mutex, clock, until, caller);
}
