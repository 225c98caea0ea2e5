//! Semaphores, named ones too: a post happens before every later wait that succeeds. Which post a wait has taken nobody knows, so all that came before
//! it count.

use std::ffi::{c_int, c_uint, c_void};

use race_core::Position;
use race_core::sync::{SyncKind, addressed};

use crate::interpose::interpose;

static SEMAPHORE: SyncKind = SyncKind {
    name: "semaphore",
    release: "posted a semaphore",
    acquire: "waited for it",
};

fn waited(semaphore: *mut c_void, result: c_int, caller: usize) -> c_int {
    if result == 0 {
        addressed::acquired(semaphore.addr(), &SEMAPHORE, Position::of_code(caller));
    }
    result
}

unsafe fn init(semaphore: *mut c_void, shared: c_int, value: c_uint, _caller: usize) -> c_int {
    addressed::forget(semaphore.addr(), 1);
    // SAFETY: the caller's arguments; so for all that follow.
    unsafe { real::sem_init(semaphore, shared, value) }
}

unsafe fn destroy(semaphore: *mut c_void, _caller: usize) -> c_int {
    addressed::forget(semaphore.addr(), 1);
    // SAFETY: as above.
    unsafe { real::sem_destroy(semaphore) }
}

unsafe fn post(semaphore: *mut c_void, caller: usize) -> c_int {
    addressed::released(semaphore.addr(), &SEMAPHORE, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::sem_post(semaphore) }
}

unsafe fn wait(semaphore: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    waited(semaphore, unsafe { real::sem_wait(semaphore) }, caller)
}

unsafe fn trywait(semaphore: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    waited(semaphore, unsafe { real::sem_trywait(semaphore) }, caller)
}

unsafe fn timedwait(semaphore: *mut c_void, until: *const c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::sem_timedwait(semaphore, until) };
    waited(semaphore, result, caller)
}

unsafe fn clockwait(
    semaphore: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::sem_clockwait(semaphore, clock, until) };
    waited(semaphore, result, caller)
}

interpose! {
    sem_init(semaphore: *mut c_void, shared: c_int, value: c_uint) -> c_int, or -1, from caller =>
        init(semaphore, shared, value, caller);
    sem_destroy(semaphore: *mut c_void) -> c_int, or -1, from caller =>
        destroy(semaphore, caller);
    sem_post(semaphore: *mut c_void) -> c_int, or -1, from caller =>
        post(semaphore, caller);
    sem_wait(semaphore: *mut c_void) -> c_int, or -1, from caller =>
        wait(semaphore, caller);
    sem_trywait(semaphore: *mut c_void) -> c_int, or -1, from caller =>
        trywait(semaphore, caller);
    sem_timedwait(semaphore: *mut c_void, until: *const c_void) -> c_int, or -1, from caller =>
        timedwait(semaphore, until, caller);
    sem_clockwait(semaphore: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or -1, from caller =>
        clockwait(semaphore, clock, until, caller);
}
