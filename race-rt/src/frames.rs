//! The start of an instrumented module, and its functions' beginnings and ends.

use race_core::instrumented::{self, calls, ignoring};

pub(crate) use race_core::instrumented::ignoring::is_ignoring;

use crate::{allocator, descriptors, posix};

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
    ignoring::begin();
}

/// And end so.
#[unsafe(no_mangle)]
pub extern "C" fn __tsan_ignore_thread_end() {
    ignoring::end();
}
