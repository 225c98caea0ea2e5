//! Mutexes: an unlock happens before the next lock. So does the end of a thread that has left a robust one locked.
//!
//! A recursive one that is locked again is listed once more, and unlocked once more; that orders nothing that the outermost doesn't.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

use super::{PAST, unless};
use crate::interpose::interpose;

pub(crate) static MUTEX: SyncKind = SyncKind {
    name: "pthread mutex",
    release: "unlocked a pthread mutex",
    acquire: "locked it",
};

/// Whether the result of a lock means that the thread has it now. `EOWNERDEAD`: a robust one, whose last owner has ended.
fn is_locked(result: c_int) -> bool {
    matches!(result, 0 | libc::EOWNERDEAD)
}

fn tried(mutex: *mut c_void, result: c_int, caller: usize) -> c_int {
    if is_locked(result) {
        addressed::try_lock(
            mutex.addr(),
            &MUTEX,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

unsafe fn init(mutex: *mut c_void, attributes: *const c_void, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_mutex_init(mutex, attributes) };
    if result == 0 {
        addressed::made(mutex.addr(), Position::of_code(caller));
    }
    result
}

unsafe fn destroy(mutex: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_mutex_destroy(mutex) };
    if result == 0 {
        addressed::forget(mutex.addr(), 1);
    }
    result
}

unsafe fn lock(mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let mut result = unsafe { real::pthread_mutex_trylock(mutex) };
    if result == libc::EBUSY {
        // SAFETY: as above.
        result = unsafe { wait(mutex, caller) };
    }
    if is_locked(result) {
        addressed::lock(
            mutex.addr(),
            &MUTEX,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

/// Another thread has it; or this one, and some kinds notice that.
unsafe fn wait(mutex: *mut c_void, caller: usize) -> c_int {
    addressed::wait(
        addressed::Wanted {
            address: mutex.addr(),
            kind: &MUTEX,
            mode: Mode::Exclusive,
            site: Position::of_code(caller),
            recursive: Some("PTHREAD_MUTEX_RECURSIVE"),
        },
        // SAFETY: as above.
        || unless(libc::EBUSY, unsafe { real::pthread_mutex_trylock(mutex) }),
        || {
            // SAFETY: as above.
            let result = unsafe { real::pthread_mutex_timedlock(mutex, PAST) };
            unless(libc::ETIMEDOUT, result)
        },
        // SAFETY: as above. It is no cancellation point.
        || unsafe { real::pthread_mutex_lock(mutex) },
    )
}

unsafe fn trylock(mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    tried(mutex, unsafe { real::pthread_mutex_trylock(mutex) }, caller)
}

unsafe fn timedlock(mutex: *mut c_void, until: *const c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_mutex_timedlock(mutex, until) };
    tried(mutex, result, caller)
}

unsafe fn clocklock(
    mutex: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_mutex_clocklock(mutex, clock, until) };
    tried(mutex, result, caller)
}

/// One that fails, since the thread doesn't have the mutex, adds order: nobody knows before whether it will.
unsafe fn unlock(mutex: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(mutex.addr(), &MUTEX, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::pthread_mutex_unlock(mutex) }
}

interpose! {
    pthread_mutex_init(mutex: *mut c_void, attributes: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        init(mutex, attributes, caller);
    pthread_mutex_destroy(mutex: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        destroy(mutex, caller);
    pthread_mutex_lock(mutex: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        lock(mutex, caller);
    pthread_mutex_trylock(mutex: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        trylock(mutex, caller);
    pthread_mutex_timedlock(mutex: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        timedlock(mutex, until, caller);
    pthread_mutex_clocklock(mutex: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        clocklock(mutex, clock, until, caller);
    pthread_mutex_unlock(mutex: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        unlock(mutex, caller);
}
