//! The face for a program that is instrumented as a whole, its standard library included: every load and store announces itself.
//!
//! - [`begin`]: it is one. Then nothing orders its threads but what is seen, and nothing need be assumed of their ends.
//! - [`calls`]: functions entered and left; so no stack is unwound.
//! - [`atomic`]: atomics in the program's memory, which are accesses as well.
//! - [`ignoring`]: what is to be passed by.
//! - [`allocator`]: the program's global allocator.
//! - [`lock`]: locks, of code that says that it has them.
//! - `memory`: heap blocks, from their allocation to their end.
//!
//! Plain accesses are [`range::access`](crate::shadow::range::access). Nothing here may know who emits the announcements.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

pub mod allocator;
pub mod atomic;
pub mod ignoring;
pub mod layout;
pub mod lock;
pub(crate) mod memory;

pub use crate::stack::calls;
use crate::thread::local;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub use crate::thread::pthread::{Real, StartRoutine, create as create_thread};

static ON: AtomicBool = AtomicBool::new(false);

/// The program is instrumented as a whole. To be called before it starts a thread; calling it again changes nothing.
pub fn begin() {
    // Before anybody looks up a function that isn't there: the loader frees what it said of the last one while it looks up `free`.
    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        not(target_feature = "crt-static"),
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(all(test, loom))
    ))]
    local::enter_bare(crate::malloc::prepare);
    ON.store(true, Relaxed);
    // To meet a thread takes memory of libc's, for which an allocator that replaces `malloc` may take a lock: met there, the thread would wait for itself.
    local::enter_unordered(|_| ());
}

/// Whether it is.
#[inline]
pub fn is_on() -> bool {
    ON.load(Relaxed)
}
