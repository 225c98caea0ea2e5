//! Read-write locks: a writer's unlock happens before all later locks, a reader's before later writers' only. Readers don't order one another.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

static RWLOCK: SyncKind = SyncKind {
    name: "pthread rwlock",
    release: "unlocked a pthread rwlock",
    acquire: "locked it",
};

real! {
    pthread_rwlock_init(lock: *mut c_void, attributes: *const c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_destroy(lock: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_rdlock(lock: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_tryrdlock(lock: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_timedrdlock(lock: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_clockrdlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_wrlock(lock: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_trywrlock(lock: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_timedwrlock(lock: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_clockwrlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL;
    pthread_rwlock_unlock(lock: *mut c_void) -> c_int, or libc::EINVAL;
}

fn locked(lock: *mut c_void, mode: Mode, result: c_int, caller: usize) -> c_int {
    if result == 0 {
        addressed::lock(lock.addr(), &RWLOCK, mode, Position::of_code(caller));
    }
    result
}

fn tried(lock: *mut c_void, mode: Mode, result: c_int, caller: usize) -> c_int {
    if result == 0 {
        addressed::try_lock(lock.addr(), &RWLOCK, mode, Position::of_code(caller));
    }
    result
}

unsafe extern "C-unwind" fn init(
    lock: *mut c_void,
    attributes: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_rwlock_init(lock, attributes) };
    if result == 0 {
        addressed::made(lock.addr(), Position::of_code(caller));
    }
    result
}

unsafe extern "C-unwind" fn destroy(lock: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_destroy(lock) };
    if result == 0 {
        addressed::forget(lock.addr(), 1);
    }
    result
}

unsafe extern "C-unwind" fn rdlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_rdlock(lock) };
    locked(lock, Mode::Shared, result, caller)
}

unsafe extern "C-unwind" fn tryrdlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_tryrdlock(lock) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe extern "C-unwind" fn timedrdlock(
    lock: *mut c_void,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_timedrdlock(lock, until) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe extern "C-unwind" fn clockrdlock(
    lock: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_clockrdlock(lock, clock, until) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe extern "C-unwind" fn wrlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_wrlock(lock) };
    locked(lock, Mode::Exclusive, result, caller)
}

unsafe extern "C-unwind" fn trywrlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_trywrlock(lock) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe extern "C-unwind" fn timedwrlock(
    lock: *mut c_void,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_timedwrlock(lock, until) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe extern "C-unwind" fn clockwrlock(
    lock: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_clockwrlock(lock, clock, until) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe extern "C-unwind" fn unlock(lock: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(lock.addr(), &RWLOCK, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::pthread_rwlock_unlock(lock) }
}

with_caller! {
    pthread_rwlock_init(lock: *mut c_void, attributes: *const c_void) -> c_int = init, in "rdx";
    pthread_rwlock_destroy(lock: *mut c_void) -> c_int = destroy, in "rsi";
    pthread_rwlock_rdlock(lock: *mut c_void) -> c_int = rdlock, in "rsi";
    pthread_rwlock_tryrdlock(lock: *mut c_void) -> c_int = tryrdlock, in "rsi";
    pthread_rwlock_timedrdlock(lock: *mut c_void, until: *const c_void) -> c_int = timedrdlock, in "rdx";
    pthread_rwlock_clockrdlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int = clockrdlock, in "rcx";
    pthread_rwlock_wrlock(lock: *mut c_void) -> c_int = wrlock, in "rsi";
    pthread_rwlock_trywrlock(lock: *mut c_void) -> c_int = trywrlock, in "rsi";
    pthread_rwlock_timedwrlock(lock: *mut c_void, until: *const c_void) -> c_int = timedwrlock, in "rdx";
    pthread_rwlock_clockwrlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int = clockwrlock, in "rcx";
    pthread_rwlock_unlock(lock: *mut c_void) -> c_int = unlock, in "rsi";
}
