//! The start of an instrumented module, and its functions' beginnings and ends.

use std::cell::Cell;

use race_core::instrumented::{self, calls};

use crate::{allocator, descriptors, posix};

thread_local! {
    /// How often the calling thread has asked for its accesses to be ignored.
    static IGNORING: Cell<usize> = const { Cell::new(0) };
}

/// Whether plain accesses of the calling thread are to be ignored.
#[inline(always)]
pub(crate) fn is_ignoring() -> bool {
    IGNORING.get() != 0
}

/// A constructor of each instrumented module calls it, before any other code of the module runs.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_init() {
    instrumented::begin();
    posix::prepare();
    descriptors::real::prepare();
    allocator::prepare();
}

/// A function has been entered that returns to `address`.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_func_entry(address: usize) {
    calls::enter(address);
}

/// The function that was entered last is about to return, or an unwind to pass it.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_func_exit() {
    calls::leave();
}

/// Functions begin so that must not be checked, and are not instrumented themselves: what they call isn't checked either.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_ignore_thread_begin() {
    IGNORING.set(IGNORING.get() + 1);
}

/// And end so.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_ignore_thread_end() {
    IGNORING.set(IGNORING.get().saturating_sub(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignoring_nests() {
        __tsan_ignore_thread_begin();
        __tsan_ignore_thread_begin();
        __tsan_ignore_thread_end();
        assert!(is_ignoring());
        __tsan_ignore_thread_end();
        assert!(!is_ignoring());
        __tsan_ignore_thread_end();
        assert!(!is_ignoring());
    }
}
