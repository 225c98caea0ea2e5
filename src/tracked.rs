//! What `#[racecheck::instrument]` leads paths of `std`, `core` and `alloc` to: all that these have, and racecheck's where it is tracked.
//!
//! So a glob, a module under another name, and what `std` has only on nightly mean what they would have meant. Nothing may be here that `std` doesn't
//! have, since it would clash with the program's own names. The lists are held against `docs/std.md` by a test of the macro's.

/// `std`.
pub mod std {
    pub use ::std::*;

    /// `std::alloc`.
    pub mod alloc {
        pub use crate::alloc::{alloc, alloc_zeroed, dealloc, realloc};
        pub use ::std::alloc::*;
    }

    /// `std::cell`. `UnsafeCell` is `std`'s.
    pub mod cell {
        pub use crate::cell::{Cell, LazyCell, OnceCell, Ref, RefCell, RefMut};
        pub use ::std::cell::*;
    }

    /// `std::ptr`.
    pub mod ptr {
        pub use crate::ptr::{
            copy, copy_nonoverlapping, drop_in_place, read, read_unaligned, read_volatile, replace,
            swap, swap_nonoverlapping, write, write_bytes, write_unaligned, write_volatile,
        };
        pub use ::std::ptr::*;
    }

    /// `std::sync`.
    pub mod sync {
        #[expect(deprecated, reason = "std has it still")]
        pub use crate::sync::ONCE_INIT;
        pub use crate::sync::{
            Arc, Barrier, BarrierWaitResult, Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock,
            RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        };
        pub use ::std::sync::*;

        /// `std::sync::atomic`.
        pub mod atomic {
            #[expect(deprecated, reason = "std has them still")]
            pub use crate::sync::atomic::{ATOMIC_BOOL_INIT, ATOMIC_ISIZE_INIT, ATOMIC_USIZE_INIT};
            pub use crate::sync::atomic::{
                AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr,
                AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence,
            };
            pub use ::std::sync::atomic::*;
        }

        /// `std::sync::mpsc`.
        pub mod mpsc {
            pub use crate::sync::mpsc::{
                IntoIter, Iter, Receiver, Sender, SyncSender, TryIter, channel, sync_channel,
            };
            pub use ::std::sync::mpsc::*;
        }
    }

    /// `std::thread`.
    pub mod thread {
        #[expect(deprecated, reason = "std has it still")]
        pub use crate::thread::park_timeout_ms;
        pub use crate::thread::{
            Builder, JoinHandle, Scope, ScopedJoinHandle, Thread, current, park, park_timeout,
            scope, spawn,
        };
        pub use ::std::thread::*;
    }
}

/// `core`.
pub mod core {
    pub use super::std::{cell, ptr};
    pub use ::core::*;

    /// `core::sync`.
    pub mod sync {
        pub use super::super::std::sync::atomic;
        pub use ::core::sync::*;
    }
}

/// `alloc`.
pub mod alloc {
    extern crate alloc as real;

    pub use super::std::alloc;
    pub use real::*;

    /// `alloc::sync`.
    pub mod sync {
        pub use super::super::std::sync::{Arc, Weak};
        pub use super::real::sync::*;
    }
}
