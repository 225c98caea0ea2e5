//! What [`crate::exclusion`] is made of: `std`, or, in its model, `loom`, which tries every interleaving.
//!
//! Decided here and nowhere else, as in the engine. The choice is `loom` only in this crate's own unit tests, so whoever builds a program of
//! theirs with `--cfg loom` gets the ordinary types. Nothing here may cost the ordinary build anything.

#[cfg(not(all(test, loom)))]
pub(crate) use ordinary::*;

#[cfg(all(test, loom))]
pub(crate) use modelled::*;

#[cfg(not(all(test, loom)))]
mod ordinary {
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::atomic::{AtomicIsize, AtomicUsize};
    pub(crate) use std::thread::yield_now;
    pub(crate) use std::thread_local as per_thread;

    /// A function that is `const`, but for the model: `loom`'s types are made at run time.
    macro_rules! const_fn {
        ($vis:vis const fn $($rest:tt)*) => { $vis const fn $($rest)* };
    }

    pub(crate) use const_fn;
}

#[cfg(all(test, loom))]
mod modelled {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicIsize, AtomicUsize};
    pub(crate) use loom::thread::yield_now;

    macro_rules! const_fn {
        ($vis:vis const fn $($rest:tt)*) => { $vis fn $($rest)* };
    }

    // `loom`'s own takes no `const` block.
    macro_rules! per_thread {
        (static $name:ident: $type:ty = $value:expr;) => {
            loom::thread_local! { static $name: $type = $value; }
        };
    }

    pub(crate) use {const_fn, per_thread};
}
