//! Threads: birth, end, and what orders them.
//!
//! - [`Handle`]: a thread that is about to be started, and the handle to join it by.
//! - `local`: the door into the engine and the state of the thread that goes through it.
//! - `state`: what one thread knows (its clocks, fences and locks).
//! - `held`: the locks that it holds.
//! - `lessons`: by which edge it came to know it, for the reports.
//! - `record`: what others may read of a thread, during its life and after it.
//! - `former`: what of that is kept once the thread has ended.
//! - `registry`: slots, their reuse, and who was in which when.
//! - `lifecycle`: fork, start, end, join; adoption of threads that nobody announced.
//! - `pthread`: on Linux, how threads started by plain `std::thread` or by C are seen all the same.
//! - `signal`: on Linux, how the engine knows that a thread is in a signal handler.

#[cfg(all(test, not(loom)))]
mod against_vectors;
mod former;
pub(crate) mod held;
pub(crate) mod hot;
pub(crate) mod lessons;
pub(crate) mod lifecycle;
pub(crate) mod local;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub(crate) mod pthread;
pub(crate) mod record;
pub(crate) mod registry;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
pub(crate) mod signal;
pub(crate) mod state;

pub use lifecycle::{Handle, name_current};
