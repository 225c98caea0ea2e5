//! Barriers: every arrival happens before every return of the same generation.

use std::ffi::{c_int, c_uint, c_void};

use race_core::Position;
use race_core::sync::{SyncKind, addressed};

use crate::interpose::interpose;

static BARRIER: SyncKind = SyncKind {
    name: "pthread barrier",
    release: "came to a pthread barrier",
    acquire: "left it",
};

unsafe fn init(
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
unsafe fn destroy(barrier: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_barrier_destroy(barrier) };
    if result == 0 {
        addressed::forget(barrier.addr(), 1);
    }
    result
}

unsafe fn wait(barrier: *mut c_void, caller: usize) -> c_int {
    let site = Position::of_code(caller);
    let arrival = addressed::arrive(barrier.addr(), &BARRIER, site);
    // SAFETY: as above. It is no cancellation point.
    let result = unsafe { real::pthread_barrier_wait(barrier) };
    arrival.leave(&BARRIER, site);
    result
}

interpose! {
    pthread_barrier_init(barrier: *mut c_void, attributes: *const c_void, count: c_uint) -> c_int, or libc::EINVAL, from caller =>
        init(barrier, attributes, count, caller);
    pthread_barrier_destroy(barrier: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        destroy(barrier, caller);
    pthread_barrier_wait(barrier: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        wait(barrier, caller);
}
