//! `std::sync`, tracked.
//!
//! Each wrapper calls the real operation and tells the engine of its edge; a reader can see both. Names, methods, poisoning and panics are
//! `std`'s. What isn't here yet has no tracked form: `std`'s own would order threads without the engine's knowledge, so it is left out
//! in both builds.

mod arc;
pub mod atomic;
mod barrier;
mod lazy_lock;
pub mod mpsc;
pub(crate) mod once;
mod once_lock;
#[cfg(feature = "crossbeam")]
mod wait_group;

pub use crate::from_std::FromStd;
pub use crate::locks::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};
pub use crate::waiting::{
    AcquireError, CancellationToken, DropGuard, Latch, OwnedSemaphorePermit, Semaphore,
    SemaphorePermit, TryAcquireError,
};
pub use arc::{Arc, Weak};
pub use barrier::{Barrier, BarrierWaitResult};
pub use lazy_lock::LazyLock;
#[expect(deprecated, reason = "std has it still")]
pub use once::ONCE_INIT;
pub use once::{Once, OnceState};
pub use once_lock::OnceLock;
pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
#[cfg(feature = "crossbeam")]
pub use wait_group::WaitGroup;
