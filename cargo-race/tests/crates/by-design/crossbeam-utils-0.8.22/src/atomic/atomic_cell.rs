//! The unlocked read of a sequence lock, as crossbeam has it, and a write.

use std::ptr;

/// # Safety
///
/// It may be half of what is being written.
#[inline(never)]
pub unsafe fn atomic_load<T>(src: *mut T) -> T {
    unsafe { ptr::read_volatile(src) }
}

/// # Safety
///
/// With the lock.
#[inline(never)]
pub unsafe fn atomic_store<T>(dst: *mut T, val: T) {
    unsafe { ptr::write(dst, val) }
}
