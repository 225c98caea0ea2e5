//! `std::thread`, tracked: what a thread's creator did happens before it, all of it before its join; an `unpark` before the `park` it wakes.
//!
//! `sleep`, `yield_now` and [`JoinHandle::is_finished`] order nothing.

mod builder;
mod handle;
mod scoped;

pub use builder::{Builder, spawn};
#[expect(deprecated, reason = "std has it still")]
pub use handle::park_timeout_ms;
pub use handle::{JoinHandle, Thread, current, park, park_timeout};
pub use scoped::{Scope, ScopedJoinHandle, scope};
#[expect(deprecated, reason = "std has it still")]
pub use std::thread::sleep_ms;
pub use std::thread::{
    AccessError, LocalKey, Result, ThreadId, available_parallelism, panicking, sleep, yield_now,
};
