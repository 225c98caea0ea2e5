//! `std`'s locks, tracked: `std::sync::Mutex`, `RwLock` and `Condvar`.
//!
//! With the feature `race-check` they are these under `cargo race` too, where all else of [`sync`](crate::sync) is `std`'s: the compiler sees the atomics that a
//! lock is made of, but not that it is one. Which of the two is the engine behind them, [`engine`](crate::engine) decides.

#[cfg(not(racecheck_runtime))]
pub(crate) mod clocks;
mod condvar;
mod mutex;
mod rwlock;

pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use std::panic::Location;

use crate::engine::locks::{Mode, SyncKind};

/// A lock, and where something is done with it.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    pub(crate) kind: &'static SyncKind,
    pub(crate) created: &'static Location<'static>,
    pub(crate) mode: Mode,
    pub(crate) site: &'static Location<'static>,
}

/// How long a thread waits for a lock, or would have waited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as it takes.
    Endless,
    /// Not at all: it is part of no deadlock, though others may wait for what it has locked.
    None,
}
