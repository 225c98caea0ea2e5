//! `std::thread`, tracked: what a thread's creator did happens before it, all of it before its join; an `unpark` before the `park` it wakes.
//!
//! `sleep`, `yield_now` and [`JoinHandle::is_finished`] order nothing.

mod builder;
mod handle;
mod scoped;

pub use builder::{Builder, spawn};
pub use handle::{JoinHandle, Thread, current, park, park_timeout};
pub use scoped::{Scope, ScopedJoinHandle, scope};
pub use std::thread::{
    AccessError, LocalKey, Result, ThreadId, available_parallelism, panicking, sleep, yield_now,
};
