//! The build without `race-check`: `std` under another name.
//!
//! Only what the tracked build has too, so that code which compiles here compiles there. It must never depend on the engine.

#[cfg(not(racecheck_runtime))]
use std::fmt;

/// `std::sync`, as far as there is a tracked form.
pub mod sync {
    #[expect(deprecated, reason = "std has it still")]
    pub use std::sync::ONCE_INIT;
    pub use std::sync::{
        Arc, Barrier, BarrierWaitResult, LazyLock, LockResult, Once, OnceLock, OnceState,
        PoisonError, TryLockError, TryLockResult, Weak, mpsc,
    };

    #[cfg(feature = "race-check")]
    pub use crate::locks::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
    };
    #[cfg(not(feature = "race-check"))]
    pub use std::sync::{
        Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
    };

    pub use crate::from_std::FromStd;
    pub use crate::waiting::{
        AcquireError, CancellationToken, DropGuard, Latch, OwnedSemaphorePermit, Semaphore,
        SemaphorePermit, TryAcquireError,
    };
    #[cfg(feature = "crossbeam")]
    pub use crossbeam_utils::sync::WaitGroup;

    /// `std::sync::atomic`.
    pub mod atomic {
        pub use std::sync::atomic::*;
    }
}

/// `parking_lot`.
#[cfg(feature = "parking_lot")]
pub mod parking_lot {
    pub use ::parking_lot::{
        ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
        ArcRwLockWriteGuard, Condvar, FairMutex, FairMutexGuard, MappedFairMutexGuard,
        MappedMutexGuard, MappedReentrantMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard,
        Mutex, MutexGuard, Once, OnceState, RawFairMutex, RawMutex, RawRwLock, RawThreadId,
        ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
        RwLockWriteGuard, WaitTimeoutResult, const_fair_mutex, const_mutex, const_reentrant_mutex,
        const_rwlock, lock_api,
    };
}

/// `std::thread`.
pub mod thread {
    pub use std::thread::*;
}

/// `arc-swap`, as far as there is a tracked form.
#[cfg(feature = "arc-swap")]
pub mod arc_swap {
    pub use ::arc_swap::{ArcSwap, ArcSwapAny, ArcSwapOption, AsRaw, Guard, RefCnt};
}

/// `crossbeam-channel`.
#[cfg(feature = "crossbeam")]
pub mod channel {
    pub use crossbeam_channel::{
        IntoIter, Iter, ReadyTimeoutError, Receiver, RecvError, RecvTimeoutError, Select,
        SelectTimeoutError, SelectedOperation, SendError, SendTimeoutError, Sender, TryIter,
        TryReadyError, TryRecvError, TrySelectError, TrySendError, after, at, bounded, never,
        select, select_biased, tick, unbounded,
    };
}

#[cfg(not(racecheck_runtime))]
/// Annotations for synchronisation that racecheck can't see. Without the feature `race-check` they do nothing.
pub mod hb {
    /// Does nothing.
    #[inline(always)]
    pub fn release<T: ?Sized>(_key: *const T) {}

    /// Does nothing.
    #[inline(always)]
    pub fn acquire<T: ?Sized>(_key: *const T) {}

    /// Does nothing.
    #[inline(always)]
    pub fn forget<T: ?Sized>(_key: *const T) {}
}

#[cfg(not(racecheck_runtime))]
/// Findings. Without the feature `race-check` there are none: no value of these types exists.
pub mod report {
    use std::fmt;

    macro_rules! uninhabited {
        ($($(#[$doc:meta])* $name:ident { $($(#[$method_doc:meta])* $method:ident: $result:ty,)* })*) => {$(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub enum $name {}

            impl $name {
                $(
                    $(#[$method_doc])*
                    pub fn $method(&self) -> $result {
                        match *self {}
                    }
                )*
            }

            impl fmt::Display for $name {
                fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                    match *self {}
                }
            }
        )*};
    }

    uninhabited! {
        /// A data race.
        Race {
            /// The access that was being made when the race was found.
            current: &Access,
            /// The access that it raced with.
            previous: &Access,
            /// Both, the current one first.
            accesses: [&Access; 2],
            /// The memory they had in common.
            location: &Place,
            /// Why nothing orders the two, line by line.
            why: &[String],
            /// What would.
            help: &str,
        }
        /// One of the two accesses of a race.
        Access {
            /// What it did.
            operation: Operation,
            /// Who did it.
            thread: &ThreadInfo,
            /// Where, innermost frame first.
            stack: &[Frame],
            /// The source line of the innermost frame.
            site: Option<&Site>,
            /// The tracked locks that the thread held.
            held: &[HeldLock],
        }
        /// A place in the source.
        Site {
            /// The path.
            file: &str,
            /// The line, from 1.
            line: u32,
            /// The column, from 1.
            column: u32,
        }
        /// A function on a stack.
        Frame {
            /// The function's path.
            function: &str,
            /// The place in the source, if debug information tells.
            site: Option<&Site>,
            /// Bytes from the start of the function's code.
            offset: usize,
        }
        /// A lock that was held at an access.
        HeldLock {
            /// What it is.
            kind: &'static str,
            /// Where the lock was made; of `parking_lot`'s, where it was first locked.
            created_at: &Site,
            /// Where it was locked.
            locked_at: &Site,
        }
        /// The thread behind an access.
        ThreadInfo {
            /// 1 for the main thread, then in the order of creation.
            number: u32,
            /// Its name, if it has one.
            name: Option<&str>,
            /// Whether it had ended when the race was found.
            is_finished: bool,
            /// The number of the thread that created it.
            created_by: Option<u32>,
            /// The stack that created it.
            created_at: &[Frame],
        }
        /// Threads that wait for each other, or could have.
        Deadlock {
            /// What kind it is.
            kind: DeadlockKind,
            /// Its threads, the one that found it first.
            waiters: &[Waiter],
            /// Why it is one, line by line.
            why: &[String],
            /// What would prevent it.
            help: &str,
        }
        /// One of the threads of a deadlock.
        Waiter {
            /// Who waits, or could have.
            thread: &ThreadInfo,
            /// For what.
            goal: &Goal,
            /// Where, innermost frame first.
            stack: &[Frame],
            /// The source line of the innermost frame.
            site: Option<&Site>,
            /// The tracked locks that the thread held meanwhile.
            held: &[Holding],
        }
        /// A lock of a deadlock.
        DeadlockLock {
            /// Tells the locks of one deadlock apart.
            number: usize,
            /// What it is.
            kind: &'static str,
            /// Where it was made.
            created_at: &Site,
        }
        /// A lock that a thread of a deadlock held.
        Holding {
            /// Which one.
            lock: &DeadlockLock,
            /// Whether it was held for reading.
            is_shared: bool,
            /// Where it was locked.
            locked_at: &Site,
        }
        /// What the two accesses had in common.
        Place {
            /// The address of the value, or of the first byte in common.
            address: usize,
            /// The size in bytes.
            size: usize,
            /// Its type.
            name: Option<&str>,
            /// What the program calls it.
            label: Option<&str>,
            /// Where it was made.
            created_at: Option<&Site>,
            /// The block that raw memory is part of.
            block: Option<&HeapBlock>,
            /// The name of the static that raw memory is part of.
            global: Option<&str>,
            /// The thread on whose stack raw memory is, or among whose thread-locals.
            stack_of: Option<&ThreadInfo>,
        }
        /// A block of heap memory.
        HeapBlock {
            /// The address of its first byte.
            address: usize,
            /// The size in bytes.
            size: usize,
            /// Who allocated it.
            allocated_by: &ThreadInfo,
            /// Where, innermost frame first.
            allocated_at: &[Frame],
            /// Who has freed it, if that was seen.
            freed_by: Option<&ThreadInfo>,
            /// Where, innermost frame first; empty if nobody was seen freeing it.
            freed_at: &[Frame],
        }
    }

    race_interface::kinds_of_findings!();

    impl Race {
        /// Whether the two accesses are on these two lines, in either order.
        pub fn is_between(&self, _: (&str, u32), _: (&str, u32)) -> bool {
            match *self {}
        }
    }
}

#[cfg(not(racecheck_runtime))]
/// What came of a [`check`].
#[must_use = "the races are in here, and nowhere else"]
pub struct Outcome<T> {
    /// What the closure returned.
    pub value: T,
}

#[cfg(not(racecheck_runtime))]
impl<T> Outcome<T> {
    /// No races: nothing is checked without the feature `race-check`.
    pub fn races(&self) -> &[report::Race] {
        &[]
    }

    /// No deadlocks either.
    pub fn deadlocks(&self) -> &[report::Deadlock] {
        &[]
    }
}

#[cfg(not(racecheck_runtime))]
impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("value", &self.value)
            .field("races", &0)
            .field("deadlocks", &0)
            .finish()
    }
}

#[cfg(not(racecheck_runtime))]
/// Runs `f`. Without the feature `race-check` nothing is checked, and the outcome has no races.
pub fn check<T>(f: impl FnOnce() -> T) -> Outcome<T> {
    Outcome { value: f() }
}
