//! Whether the calling thread is inside `dl_iterate_phdr`, whose callback runs under a lock of the loader's.
//!
//! Looking up symbols takes that lock, too. Another thread would wait for it until the callback is over, and the callback for the symbols.
//! `dl_iterate_phdr` is interposed only to count; the unwinder calls it as well, so nothing here may allocate or wait.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem;

use crate::thread::pthread::Real;

type Callback = unsafe extern "C-unwind" fn(*mut libc::dl_phdr_info, usize, *mut c_void) -> c_int;
type Iterate = unsafe extern "C-unwind" fn(Callback, *mut c_void) -> c_int;

static ITERATE: Real = Real::new(c"dl_iterate_phdr");

thread_local! {
    /// Calls, one in the other. Too high after a callback that has unwound: then symbols are looked up here, for want of a better place.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// Whether the calling thread has the loader's lock.
pub(crate) fn is_iterating() -> bool {
    CALLS.get() > 0
}

/// glibc's `dl_iterate_phdr`.
///
/// # Safety
///
/// As glibc says.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "the linker reaches it")]
pub unsafe extern "C-unwind" fn dl_iterate_phdr(callback: Callback, data: *mut c_void) -> c_int {
    let Some(real) = ITERATE.get() else {
        return 0;
    };
    // SAFETY: the next definition of this name has this signature.
    let real: Iterate = unsafe { mem::transmute(real.as_ptr()) };
    CALLS.set(CALLS.get() + 1);
    // SAFETY: the caller's arguments.
    let result = unsafe { real(callback, data) };
    CALLS.set(CALLS.get() - 1);
    result
}
