//! Read-write locks: a writer's unlock happens before all later locks, a reader's before later writers' only. Readers don't order one another.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

use super::{PAST, unless};
use crate::interpose::interpose;

static RWLOCK: SyncKind = SyncKind {
    name: "pthread rwlock",
    release: "unlocked a pthread rwlock",
    acquire: "locked it",
};

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

/// Others have it; or this thread, which is noticed if it writes.
fn wait(
    lock: *mut c_void,
    mode: Mode,
    caller: usize,
    mut try_lock: impl FnMut() -> c_int,
    refuse: impl FnOnce() -> c_int,
    real: impl FnOnce() -> c_int,
) -> c_int {
    addressed::wait(
        addressed::Wanted {
            address: lock.addr(),
            kind: &RWLOCK,
            mode,
            site: Position::of_code(caller),
            recursive: None,
        },
        || unless(libc::EBUSY, try_lock()),
        || unless(libc::ETIMEDOUT, refuse()),
        real,
    )
}

unsafe fn init(lock: *mut c_void, attributes: *const c_void, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_rwlock_init(lock, attributes) };
    if result == 0 {
        addressed::made(lock.addr(), Position::of_code(caller));
    }
    result
}

unsafe fn destroy(lock: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_destroy(lock) };
    if result == 0 {
        addressed::forget(lock.addr(), 1);
    }
    result
}

unsafe fn rdlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let mut result = unsafe { real::pthread_rwlock_tryrdlock(lock) };
    if result == libc::EBUSY {
        result = wait(
            lock,
            Mode::Shared,
            caller,
            // SAFETY: as above.
            || unsafe { real::pthread_rwlock_tryrdlock(lock) },
            // SAFETY: as above.
            || unsafe { real::pthread_rwlock_timedrdlock(lock, PAST) },
            // SAFETY: as above. With glibc it is no cancellation point.
            || unsafe { real::pthread_rwlock_rdlock(lock) },
        );
    }
    locked(lock, Mode::Shared, result, caller)
}

unsafe fn tryrdlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_tryrdlock(lock) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe fn timedrdlock(lock: *mut c_void, until: *const c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_timedrdlock(lock, until) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe fn clockrdlock(
    lock: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_clockrdlock(lock, clock, until) };
    tried(lock, Mode::Shared, result, caller)
}

unsafe fn wrlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let mut result = unsafe { real::pthread_rwlock_trywrlock(lock) };
    if result == libc::EBUSY {
        result = wait(
            lock,
            Mode::Exclusive,
            caller,
            // SAFETY: as above.
            || unsafe { real::pthread_rwlock_trywrlock(lock) },
            // SAFETY: as above.
            || unsafe { real::pthread_rwlock_timedwrlock(lock, PAST) },
            // SAFETY: as above. With glibc it is no cancellation point.
            || unsafe { real::pthread_rwlock_wrlock(lock) },
        );
    }
    locked(lock, Mode::Exclusive, result, caller)
}

unsafe fn trywrlock(lock: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_trywrlock(lock) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe fn timedwrlock(lock: *mut c_void, until: *const c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_timedwrlock(lock, until) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe fn clockwrlock(
    lock: *mut c_void,
    clock: c_int,
    until: *const c_void,
    caller: usize,
) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_rwlock_clockwrlock(lock, clock, until) };
    tried(lock, Mode::Exclusive, result, caller)
}

unsafe fn unlock(lock: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(lock.addr(), &RWLOCK, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::pthread_rwlock_unlock(lock) }
}

interpose! {
    pthread_rwlock_init(lock: *mut c_void, attributes: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        init(lock, attributes, caller);
    pthread_rwlock_destroy(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        destroy(lock, caller);
    pthread_rwlock_rdlock(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        rdlock(lock, caller);
    pthread_rwlock_tryrdlock(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        tryrdlock(lock, caller);
    pthread_rwlock_timedrdlock(lock: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        timedrdlock(lock, until, caller);
    pthread_rwlock_clockrdlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        clockrdlock(lock, clock, until, caller);
    pthread_rwlock_wrlock(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        wrlock(lock, caller);
    pthread_rwlock_trywrlock(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        trywrlock(lock, caller);
    pthread_rwlock_timedwrlock(lock: *mut c_void, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        timedwrlock(lock, until, caller);
    pthread_rwlock_clockwrlock(lock: *mut c_void, clock: c_int, until: *const c_void) -> c_int, or libc::EINVAL, from caller =>
        clockwrlock(lock, clock, until, caller);
    pthread_rwlock_unlock(lock: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        unlock(lock, caller);
}
