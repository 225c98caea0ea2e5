//! The build without `race-check`: `std` under another name.
//!
//! Only what the tracked build has too, so that code which compiles here compiles there. It must never depend on the engine.

use std::fmt;

/// `std::sync`, as far as there is a tracked form.
pub mod sync {
    pub use std::sync::{
        Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once,
        OnceLock, OnceState, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
        TryLockResult, WaitTimeoutResult, mpsc,
    };

    /// `std::sync::atomic`.
    pub mod atomic {
        pub use std::sync::atomic::*;
    }
}

/// `std::thread`.
pub mod thread {
    pub use std::thread::*;
}

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
        /// What an access did.
        Operation {}
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
            /// Where the lock was made.
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
        }
    }

    impl Race {
        /// Whether the two accesses are on these two lines, in either order.
        pub fn is_between(&self, _: (&str, u32), _: (&str, u32)) -> bool {
            match *self {}
        }
    }
}

/// What came of a [`check`].
#[must_use = "the races are in here, and nowhere else"]
pub struct Outcome<T> {
    /// What the closure returned.
    pub value: T,
}

impl<T> Outcome<T> {
    /// No races: nothing is checked without the feature `race-check`.
    pub fn races(&self) -> &[report::Race] {
        &[]
    }
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("value", &self.value)
            .field("races", &0)
            .finish()
    }
}

/// Runs `f`. Without the feature `race-check` nothing is checked, and the outcome has no races.
pub fn check<T>(f: impl FnOnce() -> T) -> Outcome<T> {
    Outcome { value: f() }
}
