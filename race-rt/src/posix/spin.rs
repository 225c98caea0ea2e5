//! Spin locks: an unlock happens before the next lock.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

use super::unless;
use crate::interpose::interpose;

static SPIN: SyncKind = SyncKind {
    name: "pthread spin lock",
    release: "unlocked a pthread spin lock",
    acquire: "locked it",
};

unsafe fn init(spin: *mut c_void, shared: c_int, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_spin_init(spin, shared) };
    if result == 0 {
        addressed::made(spin.addr(), Position::of_code(caller));
    }
    result
}

unsafe fn destroy(spin: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_spin_destroy(spin) };
    if result == 0 {
        addressed::forget(spin.addr(), 1);
    }
    result
}

unsafe fn lock(spin: *mut c_void, caller: usize) -> c_int {
    let site = Position::of_code(caller);
    // SAFETY: as above.
    let try_lock = || unless(libc::EBUSY, unsafe { real::pthread_spin_trylock(spin) });
    let result = match try_lock() {
        Some(result) => result,
        None => addressed::wait(
            addressed::Wanted {
                address: spin.addr(),
                kind: &SPIN,
                mode: Mode::Exclusive,
                site,
                recursive: None,
            },
            try_lock,
            || None,
            // SAFETY: as above.
            || unsafe { real::pthread_spin_lock(spin) },
        ),
    };
    if result == 0 {
        addressed::lock(spin.addr(), &SPIN, Mode::Exclusive, site);
    }
    result
}

unsafe fn trylock(spin: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_spin_trylock(spin) };
    if result == 0 {
        addressed::try_lock(
            spin.addr(),
            &SPIN,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

unsafe fn unlock(spin: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(spin.addr(), &SPIN, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::pthread_spin_unlock(spin) }
}

interpose! {
    pthread_spin_init(spin: *mut c_void, shared: c_int) -> c_int, or libc::EINVAL, from caller =>
        init(spin, shared, caller);
    pthread_spin_destroy(spin: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        destroy(spin, caller);
    pthread_spin_lock(spin: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        lock(spin, caller);
    pthread_spin_trylock(spin: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        trylock(spin, caller);
    pthread_spin_unlock(spin: *mut c_void) -> c_int, or libc::EINVAL, from caller =>
        unlock(spin, caller);
}
