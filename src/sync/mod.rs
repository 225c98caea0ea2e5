//! `std::sync`, tracked: [`Mutex`], [`mpsc`] and [`atomic`].
//!
//! Each wrapper calls the real operation and tells the engine of its edge; a reader can see both. Names, methods, poisoning and panics are
//! `std`'s. What isn't here yet has no tracked form: `std`'s own would order threads without the engine's knowledge, so it is left out
//! in both builds.

pub mod atomic;
pub mod mpsc;
mod mutex;

pub use mutex::{Mutex, MutexGuard};
pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
