//! C11's mutexes and condition variables, which are POSIX's under other names; but glibc's call each other by names that nobody can put himself in
//! front of.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

use super::condvar::waiting;

static MTX: SyncKind = SyncKind {
    name: "mtx_t",
    release: "unlocked a mtx_t",
    acquire: "locked it",
};

const SUCCESS: c_int = 0;
const ERROR: c_int = 2;

real! {
    mtx_init(mutex: *mut c_void, kind: c_int) -> c_int, or super::ERROR;
    mtx_destroy(mutex: *mut c_void) -> (), or ();
    mtx_lock(mutex: *mut c_void) -> c_int, or super::ERROR;
    mtx_trylock(mutex: *mut c_void) -> c_int, or super::ERROR;
    mtx_timedlock(mutex: *mut c_void, until: *const c_void) -> c_int, or super::ERROR;
    mtx_unlock(mutex: *mut c_void) -> c_int, or super::ERROR;
    cnd_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int, or super::ERROR;
    cnd_timedwait(condition: *mut c_void, mutex: *mut c_void, until: *const c_void) -> c_int, or super::ERROR;
}

fn tried(mutex: *mut c_void, result: c_int, caller: usize) -> c_int {
    if result == SUCCESS {
        addressed::try_lock(
            mutex.addr(),
            &MTX,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

unsafe extern "C-unwind" fn init(mutex: *mut c_void, kind: c_int, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::mtx_init(mutex, kind) };
    if result == SUCCESS {
        addressed::made(mutex.addr(), Position::of_code(caller));
    }
    result
}

unsafe extern "C-unwind" fn destroy(mutex: *mut c_void, _caller: usize) {
    addressed::forget(mutex.addr(), 1);
    // SAFETY: as above.
    unsafe { real::mtx_destroy(mutex) }
}

unsafe extern "C-unwind" fn lock(mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::mtx_lock(mutex) };
    if result == SUCCESS {
        addressed::lock(
            mutex.addr(),
            &MTX,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

unsafe extern "C-unwind" fn trylock(mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    tried(mutex, unsafe { real::mtx_trylock(mutex) }, caller)
}

unsafe extern "C-unwind" fn timedlock(
    mutex: *mut c_void,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    tried(mutex, unsafe { real::mtx_timedlock(mutex, until) }, caller)
}

unsafe extern "C-unwind" fn unlock(mutex: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(mutex.addr(), &MTX, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::mtx_unlock(mutex) }
}

unsafe extern "C-unwind" fn wait(
    condition: *mut c_void,
    mutex: *mut c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    waiting(mutex, &MTX, caller, || unsafe {
        real::cnd_wait(condition, mutex)
    })
}

unsafe extern "C-unwind" fn timedwait(
    condition: *mut c_void,
    mutex: *mut c_void,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    waiting(mutex, &MTX, caller, || unsafe {
        real::cnd_timedwait(condition, mutex, until)
    })
}

with_caller! {
    mtx_init(mutex: *mut c_void, kind: c_int) -> c_int = init, in "rdx";
    mtx_destroy(mutex: *mut c_void) = destroy, in "rsi";
    mtx_lock(mutex: *mut c_void) -> c_int = lock, in "rsi";
    mtx_trylock(mutex: *mut c_void) -> c_int = trylock, in "rsi";
    mtx_timedlock(mutex: *mut c_void, until: *const c_void) -> c_int = timedlock, in "rdx";
    mtx_unlock(mutex: *mut c_void) -> c_int = unlock, in "rsi";
    cnd_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int = wait, in "rdx";
    cnd_timedwait(condition: *mut c_void, mutex: *mut c_void, until: *const c_void) -> c_int = timedwait, in "rcx";
}
