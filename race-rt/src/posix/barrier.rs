//! Barriers: every arrival happens before every return of the same generation.

use std::ffi::{c_int, c_uint, c_void};

use race_core::Position;
use race_core::sync::{SyncKind, addressed};

static BARRIER: SyncKind = SyncKind {
    name: "pthread barrier",
    release: "came to a pthread barrier",
    acquire: "left it",
};

real! {
    pthread_barrier_init(barrier: *mut c_void, attributes: *const c_void, count: c_uint) -> c_int, or libc::EINVAL;
    pthread_barrier_destroy(barrier: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_barrier_wait(barrier: *mut c_void) -> c_int, or libc::EINVAL;
}

unsafe extern "C-unwind" fn init(
    barrier: *mut c_void,
    attributes: *const c_void,
    count: c_uint,
    _caller: usize,
) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_barrier_init(barrier, attributes, count) };
    if result == 0 {
        addressed::barrier_made(barrier.addr(), count as usize);
    }
    result
}

/// Waits until the last thread has left the barrier, so nobody needs it after that.
unsafe extern "C-unwind" fn destroy(barrier: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_barrier_destroy(barrier) };
    if result == 0 {
        addressed::forget(barrier.addr(), 1);
    }
    result
}

unsafe extern "C-unwind" fn wait(barrier: *mut c_void, caller: usize) -> c_int {
    let site = Position::of_code(caller);
    let arrival = addressed::arrive(barrier.addr(), &BARRIER, site);
    // SAFETY: as above. It is no cancellation point.
    let result = unsafe { real::pthread_barrier_wait(barrier) };
    arrival.leave(&BARRIER, site);
    result
}

with_caller! {
    pthread_barrier_init(barrier: *mut c_void, attributes: *const c_void, count: c_uint) -> c_int = init, in "rcx";
    pthread_barrier_destroy(barrier: *mut c_void) -> c_int = destroy, in "rsi";
    pthread_barrier_wait(barrier: *mut c_void) -> c_int = wait, in "rsi";
}
