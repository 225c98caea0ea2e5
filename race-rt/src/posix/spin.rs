//! Spin locks: an unlock happens before the next lock.

use std::ffi::{c_int, c_void};

use race_core::Position;
use race_core::deadlock::Mode;
use race_core::sync::{SyncKind, addressed};

static SPIN: SyncKind = SyncKind {
    name: "pthread spin lock",
    release: "unlocked a pthread spin lock",
    acquire: "locked it",
};

real! {
    pthread_spin_init(spin: *mut c_void, shared: c_int) -> c_int, or libc::EINVAL;
    pthread_spin_destroy(spin: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_spin_lock(spin: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_spin_trylock(spin: *mut c_void) -> c_int, or libc::EINVAL;
    pthread_spin_unlock(spin: *mut c_void) -> c_int, or libc::EINVAL;
}

unsafe extern "C-unwind" fn init(spin: *mut c_void, shared: c_int, caller: usize) -> c_int {
    // SAFETY: the caller's arguments; so for all that follow.
    let result = unsafe { real::pthread_spin_init(spin, shared) };
    if result == 0 {
        addressed::made(spin.addr(), Position::of_code(caller));
    }
    result
}

unsafe extern "C-unwind" fn destroy(spin: *mut c_void, _caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_spin_destroy(spin) };
    if result == 0 {
        addressed::forget(spin.addr(), 1);
    }
    result
}

unsafe extern "C-unwind" fn lock(spin: *mut c_void, caller: usize) -> c_int {
    // SAFETY: as above.
    let result = unsafe { real::pthread_spin_lock(spin) };
    if result == 0 {
        addressed::lock(
            spin.addr(),
            &SPIN,
            Mode::Exclusive,
            Position::of_code(caller),
        );
    }
    result
}

unsafe extern "C-unwind" fn trylock(spin: *mut c_void, caller: usize) -> c_int {
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

unsafe extern "C-unwind" fn unlock(spin: *mut c_void, caller: usize) -> c_int {
    addressed::unlock(spin.addr(), &SPIN, Position::of_code(caller));
    // SAFETY: as above.
    unsafe { real::pthread_spin_unlock(spin) }
}

with_caller! {
    pthread_spin_init(spin: *mut c_void, shared: c_int) -> c_int = init, in "rdx";
    pthread_spin_destroy(spin: *mut c_void) -> c_int = destroy, in "rsi";
    pthread_spin_lock(spin: *mut c_void) -> c_int = lock, in "rsi";
    pthread_spin_trylock(spin: *mut c_void) -> c_int = trylock, in "rsi";
    pthread_spin_unlock(spin: *mut c_void) -> c_int = unlock, in "rsi";
}
