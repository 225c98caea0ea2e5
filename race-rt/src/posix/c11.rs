//! C11's threads, mutexes and condition variables, which are POSIX's under other names; but glibc's call each other by names that nobody can put himself in
//! front of.
//!
//! A thread is made and joined by POSIX's functions, which are interposed: that it returns a number and no pointer is all the difference.

use std::ffi::{c_int, c_void};
use std::ptr;

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::instrumented::create_thread;
use race_core::sync::{SyncKind, addressed};

use super::condvar::waiting;
use super::unless;
use crate::interpose::interpose;

static MTX: SyncKind = SyncKind {
    name: "mtx_t",
    release: "unlocked a mtx_t",
    acquire: "locked it",
};

const SUCCESS: c_int = 0;
const BUSY: c_int = 1;
const ERROR: c_int = 2;
const NO_MEMORY: c_int = 3;

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

unsafe fn init(mutex: *mut c_void, kind: c_int, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::mtx_init(mutex, kind) };
    if result == SUCCESS {
        addressed::made(mutex.addr(), Position::of_code(caller));
    }
    result
}

unsafe fn destroy(mutex: *mut c_void, _caller: usize) {
    addressed::forget(mutex.addr(), 1);
    // SAFETY: as above.
    unsafe { real::mtx_destroy(mutex) }
}

unsafe fn lock(mutex: *mut c_void, caller: usize) -> c_int {
    let site = Position::of_code(caller);
    // SAFETY: as above.
    let try_lock = || unless(BUSY, unsafe { real::mtx_trylock(mutex) });
    let result = match try_lock() {
        Some(result) => result,
        None => addressed::wait(
            addressed::Wanted {
                address: mutex.addr(),
                kind: &MTX,
                mode: Mode::Exclusive,
                site,
                recursive: Some("mtx_recursive"),
            },
            try_lock,
            || None,
            // SAFETY: as above. It is no cancellation point.
            || unsafe { real::mtx_lock(mutex) },
        ),
    };
    if result == SUCCESS {
        addressed::lock(mutex.addr(), &MTX, Mode::Exclusive, site);
    }
    result
}

unsafe fn trylock(mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    tried(mutex, unsafe { real::mtx_trylock(mutex) }, caller)
}

unsafe fn timedlock(mutex: *mut c_void, until: *const c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    tried(mutex, unsafe { real::mtx_timedlock(mutex, until) }, caller)
}

unsafe fn unlock(mutex: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(mutex.addr(), &MTX, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::mtx_unlock(mutex) }
}

unsafe fn wait(condition: *mut c_void, mutex: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    waiting(mutex, &MTX, caller, || unsafe {
        real::cnd_wait(condition, mutex)
    })
}

unsafe fn timedwait(
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

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

/// What a thread is to do.
struct Birth {
    start: Start,
    argument: *mut c_void,
}

unsafe extern "C-unwind" {
    fn pthread_join(thread: libc::pthread_t, value: *mut *mut c_void) -> c_int;
    fn pthread_detach(thread: libc::pthread_t) -> c_int;
}

/// C11's word for a result of POSIX's.
fn named(result: c_int) -> c_int {
    match result {
        0 => SUCCESS,
        libc::ENOMEM => NO_MEMORY,
        libc::EBUSY => BUSY,
        _ => ERROR,
    }
}

unsafe extern "C-unwind" fn begin(birth: *mut c_void) -> *mut c_void {
    // SAFETY: `thrd_create` passed a `Box<Birth>` made raw, to this thread only.
    let Birth { start, argument } = *unsafe { Box::from_raw(birth.cast::<Birth>()) };
    // SAFETY: as the caller of `thrd_create` has promised.
    let result = unsafe { start(argument) };
    ptr::without_provenance_mut(result as u32 as usize)
}

unsafe extern "C-unwind" fn create(
    thread: *mut libc::pthread_t,
    start: Start,
    argument: *mut c_void,
    caller: usize,
) -> c_int {
    let birth = Box::into_raw(Box::new(Birth { start, argument }));
    // SAFETY: the caller's arguments; `begin` is given `birth` once.
    let result = unsafe { create_thread(thread, ptr::null(), begin, birth.cast(), caller) };
    if result != 0 {
        // SAFETY: no thread was started, so `birth` is still ours.
        drop(unsafe { Box::from_raw(birth) });
    }
    named(result)
}

with_caller! {
    thrd_create(thread: *mut libc::pthread_t, start: Start, argument: *mut c_void) -> c_int = create, in "rcx";
}

/// C11's `thrd_join`: the thread's end happens before the return.
///
/// # Safety
///
/// As C says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn thrd_join(thread: libc::pthread_t, result: *mut c_int) -> c_int {
    let mut value = ptr::null_mut();
    // SAFETY: the caller's thread; the value is valid for a write.
    let joined = unsafe { pthread_join(thread, &mut value) };
    if !result.is_null() {
        // SAFETY: the caller's, valid for a write.
        unsafe { *result = value.addr() as c_int };
    }
    named(joined)
}

/// C11's `thrd_detach`.
///
/// # Safety
///
/// As C says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn thrd_detach(thread: libc::pthread_t) -> c_int {
    // SAFETY: the caller's argument.
    named(unsafe { pthread_detach(thread) })
}

interpose! {
    mtx_init(mutex: *mut c_void, kind: c_int) -> c_int, or ERROR, from caller =>
        init(mutex, kind, caller);
    mtx_destroy(mutex: *mut c_void) -> (), or (), from caller =>
        destroy(mutex, caller);
    mtx_lock(mutex: *mut c_void) -> c_int, or ERROR, from caller =>
        lock(mutex, caller);
    mtx_trylock(mutex: *mut c_void) -> c_int, or ERROR, from caller =>
        trylock(mutex, caller);
    mtx_timedlock(mutex: *mut c_void, until: *const c_void) -> c_int, or ERROR, from caller =>
        timedlock(mutex, until, caller);
    mtx_unlock(mutex: *mut c_void) -> c_int, or ERROR, from caller =>
        unlock(mutex, caller);
    cnd_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int, or ERROR, from caller =>
        wait(condition, mutex, caller);
    cnd_timedwait(condition: *mut c_void, mutex: *mut c_void, until: *const c_void) -> c_int, or ERROR, from caller =>
        timedwait(condition, mutex, until, caller);
}
